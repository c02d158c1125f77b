// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// The grid of ports as they stand on the bench, by mouse, touch and keyboard.
import {STATES, icon, make, shortWord, span, stateWord, upper} from "/words.js";

const COLUMNS_WITHOUT_PLACE = 8;

function what(slot) {
	if (slot.waits)
		return "Waiting for its turn";
	if (slot.state === "running")
		return upper(slot.doing ?? "restoring");
	return stateWord(slot.state);
}

// "iPhone SE (2nd generation)" takes three lines of a slot
function model(slot) {
	return (slot.model ?? slot.product ?? "").replace(/ \((\d)\w+ generation\)/, " $1");
}

function since(slot, now) {
	return slot.since ? span((now - Date.parse(slot.since)) / 1000) : "";
}

function describe(slot, now) {
	const parts = [`${slot.label}: ${stateWord(slot.state)}`];
	if (slot.model ?? slot.product)
		parts.push(slot.model ?? slot.product);
	if (slot.state === "running" && slot.doing)
		parts.push(slot.doing);
	if (slot.state === "running" && slot.fraction > 0)
		parts.push(`${Math.floor(100 * slot.fraction)} percent`);
	if (slot.waits)
		parts.push(slot.waits);
	if (slot.prompt)
		parts.push(slot.prompt);
	if (slot.since)
		parts.push(`for ${since(slot, now)}`);
	return parts.join(", ");
}

export class Bench {
	constructor(box, legend, handlers) {
		this.box = box;
		this.legend = legend;
		this.handlers = handlers;
		this.cells = new Map(); // label to its button
		this.slots = new Map();
		this.badPlaces = new Set();
		this.skew = 0; // of the daemon's clock against this one, milliseconds
		box.addEventListener("keydown", (event) => this.#key(event));
		box.addEventListener("focusin", (event) => this.#rove(event.target));
	}

	now() {
		return Date.now() + this.skew;
	}

	whole(station) {
		const focused = document.activeElement?.dataset?.label;
		this.skew = Date.parse(station.ts) - Date.now();
		this.slots = new Map(station.slots.map((slot) => [slot.label, slot]));
		this.cells.clear();
		this.#place(station.slots);
		this.places(station.places);
		for (const slot of station.slots)
			this.#show(slot);
		const first = this.cells.get(focused) ?? this.cells.values().next().value;
		if (first)
			first.tabIndex = 0;
		if (focused)
			this.cells.get(focused)?.focus();
	}

	slot(slot) {
		this.slots.set(slot.label, slot);
		if (this.cells.has(slot.label))
			this.#show(slot);
	}

	places(places) {
		this.badPlaces = new Set((places ?? []).filter((place) => place.kind === "port" && place.standing !== "good")
			.map((place) => place.label));
		for (const [label, cell] of this.cells)
			cell.classList.toggle("bad-place", this.badPlaces.has(label));
	}

	states(states) {
		this.legend.replaceChildren(...Object.keys(STATES).filter((state) => states?.[state] > 0)
			.map((state) => make("li", {"data-state": state}, icon(state), make("span", {}, `${stateWord(state)} `,
				make("b", {}, String(states[state]))))));
	}

	tick() {
		for (const slot of this.slots.values()) {
			const cell = this.cells.get(slot.label);
			const time = cell?.querySelector(".slot-since");
			if (time)
				time.textContent = since(slot, this.now());
		}
	}

	focus(label) {
		this.cells.get(label)?.focus();
	}

	focused() {
		const label = document.activeElement?.dataset?.label;
		return this.cells.has(label) ? this.slots.get(label) : undefined;
	}

	next(test) {
		const labels = [...this.slots.keys()];
		const start = labels.indexOf(this.focused()?.label);
		for (let i = 1; i <= labels.length; i++) {
			const slot = this.slots.get(labels[(start + i + labels.length) % labels.length]);
			if (test(slot)) {
				this.focus(slot.label);
				return;
			}
		}
	}

	#place(slots) {
		const placed = slots.every((slot) => slot.row && slot.column);
		const rows = new Map();
		slots.forEach((slot, index) => {
			const row = placed ? slot.row : Math.floor(index / COLUMNS_WITHOUT_PLACE) + 1;
			const column = placed ? slot.column : index % COLUMNS_WITHOUT_PLACE + 1;
			rows.set(row, [...(rows.get(row) ?? []), [column, slot]]);
		});
		const columns = Math.max(1, ...[...rows.values()].flat().map(([column]) => column));
		this.box.style.setProperty("--columns", columns);
		this.grid = [...rows.keys()].sort((a, b) => a - b).map((row) => rows.get(row).sort((a, b) => a[0] - b[0]));
		this.box.replaceChildren(...this.grid.map((row, index) => {
			const line = make("div", {role: "row"});
			for (const [column, slot] of row)
				line.append(this.#cell(slot.label, index + 1, column));
			return line;
		}));
	}

	#cell(label, row, column) {
		const button = make("button", {type: "button", class: "slot", tabindex: "-1",
			onclick: () => this.handlers.open(label)});
		button.dataset.label = label;
		const cell = make("div", {role: "gridcell"}, button);
		cell.style.gridRow = row;
		cell.style.gridColumn = column;
		this.cells.set(label, button);
		return cell;
	}

	#show(slot) {
		const cell = this.cells.get(slot.label);
		const running = slot.state === "running";
		const bar = make("div", {class: "bar", "aria-hidden": "true"}, make("i"));
		if (cell.dataset.state !== slot.state)
			cell.dataset.state = slot.state;
		cell.classList.toggle("gone", slot.present === false);
		cell.setAttribute("aria-label", describe(slot, this.now()));
		if (running && slot.fraction > 0)
			bar.firstChild.style.width = `${100 * slot.fraction}%`;
		else
			bar.classList.add("unknown");
		const inner = make("span", {class: "slot-in"},
			make("span", {class: "slot-head"}, make("span", {class: "slot-label"}, slot.label), icon(slot.state)),
			make("span", {class: "slot-model"}, model(slot)),
			make("span", {class: "slot-what"}, slot.state === "empty" ? "" : what(slot)),
			make("span", {class: "slot-short"}, slot.state === "empty" ? "" : shortWord(slot.state)),
			make("span", {class: "slot-foot"}, make("span", {class: "slot-since"}, since(slot, this.now())),
				make("span", {}, running && slot.fraction > 0 ? `${Math.floor(100 * slot.fraction)} %` : "")));
		if (running && !slot.waits)
			inner.append(bar);
		cell.replaceChildren(inner);
	}

	#rove(target) {
		const label = target.dataset?.label;
		if (!this.cells.has(label))
			return;
		for (const cell of this.cells.values())
			cell.tabIndex = cell === target ? 0 : -1;
	}

	// the neighbour that stands there; a row may have gaps
	#neighbour(label, down, right) {
		const row = this.grid.findIndex((line) => line.some(([, slot]) => slot.label === label));
		const column = this.grid[row].find(([, slot]) => slot.label === label)[0];
		if (right !== 0) {
			const index = this.grid[row].findIndex(([, slot]) => slot.label === label) + right;
			return this.grid[row][index]?.[1];
		}
		return this.grid[row + down]?.reduce((best, one) =>
			Math.abs(one[0] - column) < Math.abs(best[0] - column) ? one : best)[1];
	}

	#key(event) {
		const label = event.target.dataset?.label;
		const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
		let next;
		if (!this.cells.has(label) || event.ctrlKey || event.altKey || event.metaKey)
			return;
		if (moves[event.key])
			next = this.#neighbour(label, ...moves[event.key]);
		else if (event.key === "Home" || event.key === "End")
			next = this.grid.find((line) => line.some(([, slot]) => slot.label === label)).at(event.key === "Home" ? 0 : -1)[1];
		else
			return;
		event.preventDefault();
		if (next)
			this.focus(next.label);
	}
}
