// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// The record of a restore for people; its members are told in docs/record.md. A member that is not known here is shown
// all the same, by its name.
import {clock, icon, make, moment, plain, size, span, upper} from "/words.js";

export const OUTCOMES = {"restored": ["passed", "restored"], "restored-unconfirmed": ["needs-operator", "restored, not confirmed"],
	"needs-operator": ["needs-operator", "left to a person"], "gave-up": ["failed", "gave up"], "cancelled": ["parked", "cancelled"],
	"took-effect": ["passed", "took effect"], "failed": ["failed", "failed"], "unfinished": ["identified", "not ended"]};
const NAMES = {ecid: "ECID", udid: "UDID", ipsw: "Firmware file", serial: "Serial number", find_my: "Find My", seconds: "Took",
	sha256: "SHA-256", sha1: "SHA-1", idevicerescue: "Made by", port: "USB port", data: "Owner's data", want: "Wanted", wish: "What was wanted",
	behavior: "Behaviour"};
const SHOWN = ["v", "job", "result", "started", "ended", "seconds", "device", "before", "after", "attempts", "failures", "remedies",
	"prompts", "steps", "wipe", "end", "digests", "outcome"];

export function outcome(word) {
	return OUTCOMES[word] ?? ["identified", word ? plain(word) : "not ended"];
}

function readable(key, value) {
	if (typeof value === "boolean")
		return value ? "yes" : "no";
	if (key === "seconds")
		return span(value);
	if (key === "size")
		return size(value);
	if (key === "idevicerescue")
		return `idevicerescue ${value}`;
	if (["started", "ended", "ts", "time"].includes(key))
		return moment(value);
	return key === "outcome" ? outcome(value)[1] : String(value);
}

export function facts(rows) {
	return make("dl", {class: "facts"}, ...rows.filter(([, value]) => value !== undefined && value !== null && value !== "")
		.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function name(key) {
	return NAMES[key] ?? upper(plain(key));
}

function members(object) {
	return facts(Object.entries(object ?? {}).filter(([, value]) => typeof value !== "object")
		.map(([key, value]) => [name(key), readable(key, value)]));
}

function part(title, ...children) {
	return [make("h3", {}, title), ...children];
}

function banner(record) {
	const result = record.result ?? record;
	const [state, word] = outcome(result.outcome);
	const more = [result.data ? `owner's data: ${result.data}` : "",
		result.failure ? `${state === "passed" ? "failure on the way" : "last failure"}: ${plain(result.failure)}` : ""].filter(Boolean).join(" · ");
	return make("div", {class: "say result", "data-state": state}, icon(state), make("div", {}, make("p", {}, make("b", {}, upper(word))),
		more ? make("p", {class: "note"}, upper(more)) : null, result.advice ? make("p", {}, upper(result.advice)) : null));
}

// the phone before and after, side by side
function states(record) {
	const keys = ["mode", "version", "build", "activation_state", "find_my", "activation_lock", "supervised"]
		.filter((key) => record.before?.[key] !== undefined || record.after?.[key] !== undefined);
	if (keys.length === 0)
		return [];
	const row = (key) => make("tr", {}, make("th", {scope: "row"}, name(key)), make("td", {}, record.before?.[key] ?? ""),
		make("td", {}, record.after?.[key] ?? ""));
	const why = record.after?.why ?? record.before?.why;
	return part("The phone", make("table", {class: "jobs"}, make("thead", {}, make("tr", {}, make("th"), make("th", {scope: "col"}, "Before"),
		make("th", {scope: "col"}, "After"))), make("tbody", {}, ...keys.map(row))), why ? make("p", {class: "note"}, upper(why)) : "");
}

function attemptStep(attempt) {
	const [state, word] = outcome(attempt.outcome);
	const engine = attempt.engine ?? (attempt.kind === undefined ? undefined : attempt.name);
	return {ts: attempt.started ?? attempt.time, state, title: `Attempt ${attempt.number ?? attempt.attempt}${attempt.adopted ? ", adopted" : ""} – ${word}`,
		note: [engine && `idevicerestore ${engine}`, attempt.phase && `last step: ${plain(attempt.phase)}`,
			attempt.exit_status !== undefined && `exit status ${attempt.exit_status}`].filter(Boolean).join(" · ")};
}

function failureStep(failure) {
	return {ts: failure.ts ?? failure.time, state: "failed", title: upper(plain(failure.failure ?? failure.name)), text: failure.text,
		note: [failure.category && `category: ${plain(failure.category)}`, failure.phase && `step: ${plain(failure.phase)}`].filter(Boolean).join(" · ")};
}

function remedyStep(remedy) {
	return {ts: remedy.ts ?? remedy.time, state: remedy.outcome === "took-effect" ? "passed" : "queued",
		title: `Remedy: ${remedy.text ?? plain(remedy.name)}`,
		note: [remedy.outcome && outcome(remedy.outcome)[1], remedy.automatic === false ? "by hand" : ""].filter(Boolean).join(" · ")};
}

function promptStep(prompt) {
	return {ts: prompt.ts, state: "needs-operator", title: "A person was asked", text: prompt.instruction};
}

function journey(record) {
	const kinds = {attempt: attemptStep, failure: failureStep, remedy: remedyStep};
	const steps = [...(record.attempts?.map?.(attemptStep) ?? []), ...(record.failures ?? []).map(failureStep),
		...(record.remedies ?? []).map(remedyStep), ...(record.prompts ?? []).map(promptStep),
		...(record.steps ?? []).map((step) => (kinds[step.kind] ?? promptStep)(step))];
	steps.sort((a, b) => String(a.ts ?? "").localeCompare(String(b.ts ?? "")));
	if (steps.length === 0)
		return [];
	return part("What happened", make("ol", {class: "steps"}, ...steps.map((step) => make("li", {"data-state": step.state},
		make("p", {}, step.ts ? make("time", {datetime: step.ts}, clock(step.ts, true)) : null, make("b", {}, step.title)),
		step.text ? make("p", {}, upper(step.text)) : null, step.note ? make("p", {class: "note"}, step.note) : null))));
}

function lines(title, list, word) {
	if (!list?.length && !word)
		return [];
	return part(title, word ? make("p", {}, upper(plain(word))) : "", make("ul", {class: "nested"}, ...(list ?? []).map((line) =>
		make("li", {}, make("span", {class: "note"}, `attempt ${line.attempt}, line ${line.line}: `), line.text))));
}

function proof(record) {
	if (!record.digests?.length)
		return [];
	return [make("details", {class: "proof"}, make("summary", {}, "Proof: SHA-256 of journal and transcripts"),
		...record.digests.map((digest) => make("p", {class: "digest"}, make("b", {}, digest.name), ` ${size(digest.size)} `,
			make("code", {}, digest.sha256))))];
}

function others(record) {
	const objects = Object.entries(record).filter(([key, value]) => !SHOWN.includes(key) && value !== null && typeof value === "object");
	return objects.flatMap(([key, value]) => part(name(key), Array.isArray(value) ?
		make("ul", {class: "nested"}, ...value.map((one) => make("li", {}, typeof one === "object" ? members(one) : String(one)))) : members(value)));
}

export function recordBody(record) {
	const first = {};
	for (const [key, value] of Object.entries(record)) {
		if (!SHOWN.includes(key) && typeof value !== "object")
			first[key] = value;
	}
	return make("div", {class: "record"}, banner(record), facts([["Job", record.job], ["Began", record.started && moment(record.started)],
		["Ended", record.ended && moment(record.ended)], ["Took", record.seconds === undefined ? "" : span(record.seconds)]]),
	members(record.device), members(first), ...states(record), ...journey(record), ...others(record),
	...lines("Wipe", record.wipe?.lines, record.wipe?.state), ...lines("What the engine showed of the end", record.end), ...proof(record));
}
