// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// A scanner is a keyboard that types fast and ends with Enter. In the field it says a port's label, then a number; with a
// slot focused the number alone. Slow keys outside of any field are shortcuts.
import {upper} from "/words.js";

const FAST_MS = 60;
const SHORTEST = 4; // characters that a scanned number has at least

export class Scanner {
	constructor(form, handlers) {
		this.form = form;
		this.handlers = handlers; // knows(label), bind(label, text), focused(), left(label), may()
		this.input = form.querySelector("input");
		this.chip = form.querySelector(".scan-slot");
		this.said = form.querySelector(".scan-said");
		this.label = null;
		this.burst = {text: "", at: 0};
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			this.#take(this.input.value.trim());
		});
		this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.#leave());
	}

	choose(label) {
		this.label = label;
		this.chip.textContent = label;
		this.chip.hidden = false;
		this.input.placeholder = "now the number";
		this.#say("", false);
		this.input.focus();
	}

	#say(text, wrong) {
		this.said.textContent = upper(text);
		this.said.classList.toggle("error", wrong);
	}

	#leave() {
		const label = this.label;
		this.label = null;
		this.chip.hidden = true;
		this.input.value = "";
		this.input.placeholder = "port label, then number";
		if (label !== null)
			this.handlers.left(label);
		else
			this.input.blur();
	}

	async #take(text) {
		this.input.value = "";
		if (text === "")
			return;
		if (this.label === null) {
			const label = this.handlers.knows(text);
			if (label === undefined)
				this.#say(`${text} is no label of a port`, true);
			else
				this.choose(label);
			return;
		}
		await this.#bind(this.label, text);
		this.label = null;
		this.chip.hidden = true;
		this.input.placeholder = "port label, then number";
	}

	async #bind(label, text) {
		const trouble = await this.handlers.bind(label, text);
		this.#say(trouble ?? `${text} belongs to ${label}`, trouble !== null);
	}

	// Keys that no field wants: a burst is a scan, a single one a shortcut.
	shortcuts(table) {
		document.addEventListener("keydown", (event) => {
			const elsewhere = event.target.matches("input, textarea") || document.querySelector("dialog[open]") !== null;
			if (elsewhere || event.ctrlKey || event.altKey || event.metaKey)
				return;
			this.#key(event, table);
		}, true);
	}

	#key(event, table) {
		const now = performance.now();
		const goesOn = now - this.burst.at < FAST_MS;
		if (event.key === "Enter" && goesOn && this.burst.text.length >= SHORTEST) {
			const slot = this.handlers.focused();
			event.preventDefault();
			event.stopPropagation();
			if (slot !== undefined && this.handlers.may())
				this.#bind(slot.label, this.burst.text);
			this.burst.text = "";
			return;
		}
		if (event.key.length !== 1 || event.key === " ")
			return;
		clearTimeout(this.timer);
		this.burst = {text: (goesOn ? this.burst.text : "") + event.key, at: now};
		if (this.burst.text.length === 1 && table[event.key.toLowerCase()]) {
			event.preventDefault();
			this.timer = setTimeout(table[event.key.toLowerCase()], FAST_MS + 20);
		}
	}
}

