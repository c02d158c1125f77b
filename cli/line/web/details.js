// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// One slot, opened: what to do, what it is, what was done to this phone before, and the record of a restore.
import {get} from "/net.js";
import {facts, outcome, recordBody} from "/record.js";
import {count, icon, make, moment, plain, sentenceOf, size, span, stateWord, upper} from "/words.js";

const SWITCHES = {on: "on", off: "off", unknown: "not known"};
function slotFacts(slot) {
	return facts([
		["Phone", [slot.model, slot.product].filter(Boolean).join(", ")],
		["Serial number", slot.serial], ["Scanned", slot.scan], ["ECID", slot.ecid],
		["Mode", slot.present ? plain(slot.mode) : "not on the bus"],
		["iOS", [slot.version, slot.build].filter(Boolean).join(", ")],
		["Find My", SWITCHES[slot.find_my]], ["Passcode", slot.locked === "on" ? "locked" : undefined],
		["Managed", slot.managed === "on" ? "yes" : undefined],
		["Rule", slot.rule && `${slot.rule}${slot.behavior ? ` (${slot.behavior})` : ""}`],
		["Attempt", slot.attempt && String(slot.attempt)],
		["Last failure", slot.failure && `${plain(slot.failure)} (${plain(slot.category)})`],
		["USB port", slot.at.join(", ")], ["Cable", slot.cable],
	]);
}

function progress(slot) {
	if (slot.state !== "running" || !slot.doing)
		return null;
	const bar = make("i");
	const done = slot.fraction > 0 ? `${Math.floor(100 * slot.fraction)} %` : "";
	const bytes = slot.total ? `${size(slot.bytes)} of ${size(slot.total)}` : "";
	bar.style.width = `${100 * (slot.fraction ?? 0)}%`;
	return make("div", {class: "say"}, make("p", {}, [upper(slot.doing), done, bytes].filter(Boolean).join(" · ")),
		slot.fraction > 0 ? make("div", {class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100",
			"aria-valuenow": String(Math.floor(100 * slot.fraction)), "aria-label": slot.doing}, bar) : null);
}

export class Details {
	constructor(dialog, handlers) {
		this.dialog = dialog;
		this.handlers = handlers; // act(label, action), mayAct()
		this.label = null;
		dialog.addEventListener("close", () => this.#closed());
		dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
		dialog.addEventListener("keydown", (event) => this.#key(event));
	}

	open(slot) {
		this.label = slot.label;
		this.head = make("div", {class: "details-head"});
		this.now = make("div", {class: "now"});
		this.past = make("div");
		this.dialog.replaceChildren(this.head, make("div", {class: "details-body"}, this.now, this.past));
		this.show(slot);
		this.dialog.showModal();
		this.dialog.scrollTop = 0;
		this.#history(slot);
	}

	// the slot has changed while it is open
	show(slot) {
		if (slot.label !== this.label)
			return;
		const focused = this.dialog.contains(document.activeElement) ? document.activeElement?.dataset?.act : undefined;
		this.slot = slot;
		this.dialog.dataset.state = slot.state;
		this.head.replaceChildren(icon(slot.state), make("h2", {id: "details-title"}, slot.label),
			make("span", {class: "state"}, stateWord(slot.state)), this.#button("close", "Close", () => this.dialog.close(), "quiet"));
		const place = slot.state === "quarantined" ? this.handlers.place(slot.label) : undefined;
		const sentence = slot.prompt ?? slot.waits ?? slot.why ?? (place ? sentenceOf(place) : undefined);
		this.said = make("p", {class: "error", role: "alert"});
		this.now.replaceChildren(...[
			sentence ? make("p", {class: slot.prompt ? "say prompt-say" : "say"}, upper(sentence)) : null,
			progress(slot), this.#acts(slot), this.said, !slot.ecid ? make("p", {class: "note"},
				`USB port ${slot.at.join(", ")}${slot.cable ? `, cable ${slot.cable}` : ""}`) : slotFacts(slot)].filter(Boolean));
		if (focused)
			this.dialog.querySelector(`[data-act="${focused}"]`)?.focus();
	}

	refuse(sentence) {
		if (this.said)
			this.said.textContent = upper(sentence);
	}

	#button(act, text, onclick, kind) {
		const button = make("button", {type: "button", class: kind ?? "", onclick}, text);
		button.dataset.act = act;
		return button;
	}

	#acts(slot) {
		const acts = [];
		const add = (act, text, kind) => acts.push(this.#button(act, text, () => this.handlers.act(slot.label, act), kind));
		if (!this.handlers.mayAct())
			return make("p", {class: "note"}, "You may look, but only operators act.");
		if (slot.state === "needs-operator")
			add("answer", "Done", "main");
		if (["empty", "identified", "queued", "passed", "failed"].includes(slot.state) ||
			(slot.state === "needs-operator" && !slot.phase))
			add("hold", "Hold");
		if (slot.state === "parked" || (slot.state === "needs-operator" && !slot.phase))
			add("release", "Release");
		if (["passed", "failed", "quarantined"].includes(slot.state))
			add("retest", "Test again");
		acts.push(this.#button("scan", "Scan a number", () => this.handlers.scan(slot.label)));
		return make("div", {class: "acts"}, ...acts);
	}

	async #history(slot, back) {
		this.dialog.dataset.view = "slot";
		if (!slot.ecid) {
			this.past.replaceChildren();
			return;
		}
		const box = this.past;
		try {
			const past = await get(`/api/v1/history?ecid=${encodeURIComponent(slot.ecid)}&limit=20`);
			box.replaceChildren(make("h3", {}, "Jobs of this phone"), past.jobs.length === 0 ?
				make("p", {class: "note"}, "None yet.") : this.#jobs(past));
			if (back)
				box.querySelector("button")?.focus();
		} catch (error) {
			box.replaceChildren(make("p", {class: "error"}, upper(error.message)));
		}
	}

	#jobs(past) {
		const rows = past.jobs.map((job) => {
			const [state, word] = outcome(job.outcome);
			const text = job.failure ? `${word}: ${plain(job.failure)}` : word;
			return make("tr", {"data-state": state}, make("td", {}, moment(job.started)),
				make("td", {}, make("span", {class: "word"}, icon(state), text)), make("td", {}, job.seconds ? span(job.seconds) : ""),
				make("td", {}, make("button", {type: "button", onclick: () => this.#record(job.job)}, "Record")));
		});
		const head = ["Began", "Outcome", "Took", ""].map((title) => make("th", {scope: "col"}, title));
		return make("div", {}, make("table", {class: "jobs"}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
			past.more ? make("p", {class: "note"}, `The newest ${count(past.jobs.length, "job", "jobs")}.`) : null);
	}

	async #record(id) {
		const box = this.past;
		try {
			const record = await get(`/api/v1/jobs/${encodeURIComponent(id)}`);
			const title = make("h3", {tabindex: "-1", id: "record-title"}, "Restore record");
			box.replaceChildren(this.#button("back", "← Jobs of this phone", () => this.#history(this.slot, true), "quiet back"), title,
				recordBody(record));
			this.dialog.dataset.view = "record";
			this.dialog.scrollTop = 0;
			title.focus({preventScroll: true});
		} catch (error) {
			this.refuse(error.message);
		}
	}

	#key(event) {
		const acts = {h: "hold", r: "release", t: "retest", d: "answer", s: "scan"};
		const act = acts[event.key.toLowerCase()];
		if (act === undefined || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input"))
			return;
		this.dialog.querySelector(`[data-act="${act}"]`)?.click();
		event.preventDefault();
	}

	#closed() {
		const label = this.label;
		this.label = null;
		this.handlers.closed(label);
	}
}
