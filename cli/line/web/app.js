// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// The page as a whole: who is here, what to do now, and who is told what changes.
import {Bench} from "/bench.js";
import {Details} from "/details.js";
import {Follower, act, get, send} from "/net.js";
import {showBuses, showCategories, showHours, showPlaces, showReports, showYield} from "/plots.js";
import {Scanner} from "/scan.js";
import {clock, count, countdown, icon, make, upper} from "/words.js";

const LONG_TEXT = 80; // characters of an instruction

const here = (id) => document.getElementById(id);
const state = {station: {}, session: {role: "none"}, spoken: ""};

function mayAct() {
	return state.session.role === "operator";
}

async function perform(label, action, text) {
	try {
		const slot = await act(label, action, text);
		if (slot.label)
			told("slot", slot);
		return null;
	} catch (error) {
		if (details.label === label)
			details.refuse(error.message);
		else
			say(`${label}: ${error.message}`);
		return error.message;
	}
}

function say(text) {
	here("scan-said").textContent = upper(text);
	here("scan-said").classList.add("error");
}

const bench = new Bench(here("bench"), here("legend"), {open: (label) => details.open(bench.slots.get(label))});
const details = new Details(here("details"), {
	act: (label, action) => perform(label, action),
	mayAct,
	place: (label) => (state.station.places ?? []).find((place) => place.label === label && place.out_of_use),
	scan: (label) => {
		here("details").close();
		scanner.choose(label);
	},
	closed: (label) => bench.focus(label),
});
const scanner = new Scanner(here("scan"), {
	knows: (label) => [...bench.slots.keys()].find((one) => one.toLowerCase() === label.toLowerCase()),
	bind: (label, text) => perform(label, "scan", text),
	focused: () => bench.focused(),
	left: (label) => bench.focus(label),
	may: mayAct,
});

// what to do now

function answerAll(prompt) {
	for (const label of prompt.slots)
		perform(label, "answer");
}

function promptCard(prompt) {
	const slots = make("div", {class: "prompt-slots"}, ...prompt.slots.map((label) =>
		make("button", {type: "button", onclick: () => details.open(bench.slots.get(label)), "aria-label": `Open ${label}`}, label)));
	const card = make("article", {class: "prompt"}, icon("needs-operator"), make("p", {class: prompt.text.length > LONG_TEXT ? "prompt-text long" : "prompt-text"}, upper(prompt.text)), slots);
	card.firstChild.setAttribute("data-state", "needs-operator");
	if (prompt.until)
		slots.append(make("span", {class: "prompt-left", "data-until": prompt.until}));
	if (mayAct())
		card.append(make("button", {type: "button", class: "prompt-done main", onclick: () => answerAll(prompt)},
			prompt.slots.length > 1 ? `All ${prompt.slots.length} done` : "Done"));
	return card;
}

function calm() {
	const states = state.station.states ?? {};
	const parts = [];
	if (states.running)
		parts.push(`${count(states.running, "phone is", "phones are")} being restored`);
	if (states.queued)
		parts.push(`${states.queued} ${states.queued === 1 ? "waits" : "wait"} for a turn`);
	const ended = (states.passed ?? 0) + (states.failed ?? 0) > 0;
	const idle = ended ? "Take out what is done, and plug the next phones in." : "Nothing to do. Plug phones in.";
	return make("p", {class: "calm"}, parts.length > 0 ? `Nothing to do by hand: ${parts.join(", ")}.` : idle);
}

function speak(prompts) {
	const text = prompts.map((prompt) => `${prompt.text} ${prompt.slots.join(", ")}.`).join(" ");
	if (text === state.spoken)
		return;
	state.spoken = text;
	here("spoken").textContent = text;
}

function showPrompts() {
	const prompts = state.station.prompts ?? [];
	here("prompts").replaceChildren(...(prompts.length > 0 ? prompts.map(promptCard) : [calm()]));
	speak(prompts);
	document.title = prompts.length > 0 ? `(${prompts.length}) ${state.station.station ?? ""}` : state.station.station ?? "Restore line";
	tick();
}

function readyRow(name, text) {
	const labels = [...bench.slots.values()].filter((slot) => slot.state === name && slot.present).map((slot) => slot.label);
	return labels.length === 0 ? null : make("p", {class: "ready-row", "data-state": name}, icon(name),
		make("span", {}, `${text}: `, make("b", {}, labels.join("\u2002"))));
}

function showReady() {
	here("ready").replaceChildren(...[readyRow("passed", "Done, take out"), readyRow("failed", "Failed, take out")].filter(Boolean));
}

function tick() {
	for (const left of document.querySelectorAll("[data-until]")) {
		const seconds = (Date.parse(left.dataset.until) - bench.now()) / 1000;
		left.textContent = seconds > 0 ? `${countdown(seconds)} left` : "the time is over";
	}
}

// what changes

const members = {
	prompts: showPrompts,
	states: () => {
		bench.states(state.station.states);
		if ((state.station.prompts ?? []).length === 0)
			showPrompts();
	},
	buses: () => showBuses(here("buses"), state.station.buses),
	places: () => {
		bench.places(state.station.places);
		showPlaces(here("places"), state.station, mayAct(), (label) => perform(label, "retest"));
	},
	phones: () => members.places(),
	counts: () => {
		showYield(here("yield"), state.station.counts);
		showHours(here("hours"), state.station.counts);
		showCategories(here("categories"), state.station.counts);
	},
	reports: () => showReports(here("reports"), state.station.reports),
};

function told(name, value) {
	if (name === "slot") {
		const before = bench.slots.get(value.label);
		bench.slot(value);
		details.show(value);
		if (before?.state !== value.state || before?.present !== value.present)
			showReady();
		return;
	}
	state.station[name] = value;
	members[name]();
}

// it is on the screen for the first time; told for measurements and tests
function drawn() {
	performance.mark("ready");
	document.body.dataset.ready = "yes";
}

function whole(station) {
	state.station = station;
	here("station").textContent = station.station ?? "Restore line";
	bench.whole(station);
	showReady();
	for (const name of Object.keys(members))
		members[name]();
	if (!document.body.dataset.ready)
		requestAnimationFrame(() => requestAnimationFrame(drawn));
}

// who is here, and whether the line talks to us

function link(word, heard) {
	const old = word === "lost";
	here("link").dataset.state = word;
	here("link-text").textContent = old ? "connection lost" : "live";
	document.body.classList.toggle("old", old);
	here("stale").hidden = !old;
	if (old)
		here("stale").textContent = heard ? `The line does not answer. What you see is from ${clock(heard)}; trying again …` :
			"The line does not answer; trying again …";
}

async function enter() {
	try {
		state.session = await get("/api/v1/session");
	} catch {
		link("lost", 0);
		setTimeout(enter, 2000);
		return;
	}
	here("who").textContent = state.session.login && state.session.name ? `${state.session.name}, ${state.session.role}` : "";
	here("logout").hidden = !state.session.login || state.session.role === "none";
	here("scan").hidden = !mayAct();
	if (state.session.role === "none") {
		lock();
		return;
	}
	document.body.classList.remove("locked");
	here("login").close();
	follower.start();
}

function lock(sentence) {
	state.session = {role: "none"};
	document.body.classList.add("locked");
	for (const dialog of [here("details"), here("keys")])
		dialog.close();
	if (sentence !== undefined)
		here("login-said").textContent = sentence;
	if (!here("login").open)
		here("login").showModal();
}

const follower = new Follower({told, whole, link, refused: () => lock("The session is over.")});

here("login-form").addEventListener("submit", async (event) => {
	event.preventDefault();
	try {
		await send("POST", "/api/v1/session", {token: here("token").value.trim()});
		here("token").value = "";
		here("login-said").textContent = "";
		enter();
	} catch (error) {
		here("login-said").textContent = upper(error.message);
		here("token").select(); // what is typed or scanned next takes its place
	}
});
// a browser lets a second Escape close any dialog
here("login").addEventListener("close", () => state.session.role === "none" && lock());
here("logout").addEventListener("click", async () => {
	await send("DELETE", "/api/v1/session").catch(() => {});
	location.reload();
});
here("help").addEventListener("click", () => here("keys").showModal());
here("theme").addEventListener("click", () => {
	const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
	document.documentElement.dataset.theme = dark ? "light" : "dark";
	localStorage.setItem("theme", dark ? "light" : "dark");
});
if (["light", "dark"].includes(localStorage.getItem("theme")))
	document.documentElement.dataset.theme = localStorage.getItem("theme");

const shortcuts = {
	"?": () => here("keys").showModal(),
	"/": () => here("scan-input").focus(),
	"n": () => bench.next((slot) => slot.prompt !== undefined),
	"d": () => bench.focused()?.prompt && mayAct() && perform(bench.focused().label, "answer"),
};
scanner.shortcuts(shortcuts);

setInterval(tick, 1000);
setInterval(() => bench.tick(), 5000);
enter();
