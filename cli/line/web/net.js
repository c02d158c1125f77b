// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// What the page asks the daemon, and how it is told what changes. Documented in docs/line-api.md.

const PATIENCE_MS = 25000; // a sign of life comes every ten seconds
const RETRY_MS = 2000;
const TRIES = 5;

export class Refusal extends Error {
	constructor(status, sentence) {
		super(sentence);
		this.status = status;
	}
}

// the line lets only a few ask about the past at once
async function fetchPatiently(path, options) {
	for (let tries = 0; ; tries++) {
		const answer = await fetch(path, {credentials: "same-origin", cache: "no-store", ...options});
		const wait = Number(answer.headers.get("Retry-After"));
		if (answer.status !== 503 || !(wait > 0) || tries === TRIES)
			return answer;
		await new Promise((done) => setTimeout(done, 1000 * wait));
	}
}

async function ask(path, options) {
	let answer;
	try {
		answer = await fetchPatiently(path, options);
	} catch {
		throw new Refusal(0, "the line does not answer; is its service running?");
	}
	const body = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new Refusal(answer.status, body.detail ?? `the line answers with ${answer.status}`);
	return body;
}

export function get(path) {
	return ask(path, {});
}

export function send(method, path, body) {
	const headers = {"X-Idevicerescue": "1"};
	if (body !== undefined)
		headers["Content-Type"] = "application/json";
	return ask(path, {method, headers, body: body === undefined ? undefined : JSON.stringify(body)});
}

export function act(label, action, text) {
	return send("POST", `/api/v1/slots/${encodeURIComponent(label)}/${action}`, text === undefined ? undefined : {text});
}

function numberOf(id) {
	return Number(String(id).split("-").pop());
}

// Follows the line for ever. told(name, value): a member or slot changed; whole(station): all of it;
// link("live" | "lost", since); refused(status): nobody is logged in any more.
export class Follower {
	constructor(handlers) {
		this.handlers = handlers;
		this.source = null;
		this.heard = 0;
		this.waiting = null; // events that came before the station did
		this.cursor = 0;
		setInterval(() => this.#look(), 1000);
	}

	start() {
		this.#open();
	}

	#look() {
		const silent = Date.now() - this.heard;
		if (this.heard !== 0 && silent > PATIENCE_MS) {
			this.#lost();
			this.#again();
		}
	}

	#lost() {
		this.handlers.link("lost", this.heard);
	}

	#again() {
		this.source?.close();
		this.source = null;
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.#open(), RETRY_MS);
		this.heard = Date.now() - PATIENCE_MS / 2;
	}

	#open() {
		const source = new EventSource("/api/v1/events");
		this.source = source;
		this.waiting = [];
		source.onopen = () => this.#load();
		source.onerror = () => {
			this.#lost();
			if (source.readyState === EventSource.CLOSED)
				this.#closed();
		};
		for (const name of ["slot", "prompts", "states", "buses", "places", "phones", "counts", "reports"])
			source.addEventListener(name, (event) => this.#take(name, event));
		source.addEventListener("beat", () => this.#alive());
		source.addEventListener("resync", () => this.#load());
	}

	#alive() {
		this.heard = Date.now();
		this.handlers.link("live", this.heard);
	}

	async #closed() {
		try {
			const session = await get("/api/v1/session");
			if (session.role === "none") {
				this.handlers.refused();
				return;
			}
		} catch {
			// tried again below
		}
		this.#again();
	}

	#take(name, event) {
		this.#alive();
		const told = {name, id: numberOf(event.lastEventId), value: JSON.parse(event.data)};
		if (this.waiting !== null)
			this.waiting.push(told);
		else if (told.id > this.cursor)
			this.handlers.told(told.name, told.value);
	}

	async #load() {
		this.waiting ??= [];
		try {
			const station = await get("/api/v1/station");
			this.cursor = numberOf(station.cursor);
			this.handlers.whole(station);
			const waiting = this.waiting ?? [];
			this.waiting = null;
			for (const told of waiting.filter((one) => one.id > this.cursor))
				this.handlers.told(told.name, told.value);
			this.#alive();
		} catch (error) {
			if (error.status === 401) {
				this.source?.close();
				this.handlers.refused();
			} else {
				this.#again();
			}
		}
	}
}
