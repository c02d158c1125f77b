// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// Words, icons and small helpers that all parts of the page share. Text only ever goes into the page as text.

const SVG = "http://www.w3.org/2000/svg";

// how people call a state: long, short enough for a narrow slot, and the order of the legend
export const STATES = {
	"needs-operator": ["Needs you", "needs you"],
	"running": ["Restoring", "busy"],
	"queued": ["Waiting", "waits"],
	"passed": ["Passed", "passed"],
	"failed": ["Failed", "failed"],
	"parked": ["Parked", "parked"],
	"quarantined": ["Out of use", "out"],
	"identified": ["Left alone", "alone"],
	"empty": ["Empty", "empty"],
};

// each state has a shape of its own: [outline, what is drawn on it]
const ICONS = {
	"needs-operator": ["M12 2.2 23 21.5H1z", "M12 9v6M12 18.2v.3"],
	"running": ["turn:M12 2.5a9.5 9.5 0 1 0 9.5 9.5", "M12 8v8M8.8 12.8 12 16l3.2-3.2"],
	"queued": ["M12 1.5a10.5 10.5 0 1 1 0 21 10.5 10.5 0 0 1 0-21z", "M12 6.5V12l3.6 2.4"],
	"passed": ["M12 1.5a10.5 10.5 0 1 1 0 21 10.5 10.5 0 0 1 0-21z", "M7 12.4l3.4 3.4L17 8.8"],
	"failed": ["M7.6 1.5h8.8l6.1 6.1v8.8l-6.1 6.1H7.6l-6.1-6.1V7.6z", "M8 8l8 8M16 8l-8 8"],
	"parked": ["M4 2h16a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2z", "M9.2 7.5v9M14.8 7.5v9"],
	"quarantined": ["M12 1.5a10.5 10.5 0 1 1 0 21 10.5 10.5 0 0 1 0-21z", "M6.5 12h11"],
	"identified": ["M12 1.5 22.5 12 12 22.5 1.5 12z", "M12 11v5M12 7.6v.3"],
	"empty": ["dash:M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19z", ""],
};

export function make(name, options = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(options)) {
		if (key === "class")
			element.className = value;
		else if (key.startsWith("on"))
			element.addEventListener(key.slice(2), value);
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(key, value === true ? "" : value);
	}
	element.append(...children.filter((child) => child !== null && child !== undefined));
	return element;
}

export function draw(name, attributes = {}, ...children) {
	const element = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	element.append(...children);
	return element;
}

export function icon(state) {
	const [outline, mark] = ICONS[state] ?? ICONS.identified;
	const [kind, path] = outline.includes(":") ? outline.split(":") : ["", outline];
	const svg = draw("svg", {class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true"});
	if (kind === "")
		svg.append(draw("path", {d: path, fill: "currentColor"}));
	else
		svg.append(draw("path", {d: path, fill: "none", stroke: "currentColor", "stroke-width": "2.6", class: kind,
			"stroke-linecap": "round", "stroke-dasharray": kind === "dash" ? "0.1 5.9" : "none"}));
	if (mark !== "")
		svg.append(draw("path", {d: mark, fill: "none", stroke: kind === "" ? "var(--panel)" : "currentColor",
			"stroke-width": "2.4", "stroke-linecap": "round", "stroke-linejoin": "round"}));
	return svg;
}

export function stateWord(state) {
	return STATES[state]?.[0] ?? state;
}

export function shortWord(state) {
	return STATES[state]?.[1] ?? state;
}

// "4 min", "1 h 05"
export function span(seconds) {
	const whole = Math.max(0, Math.floor(seconds));
	if (whole < 60)
		return `${whole} s`;
	if (whole < 3600)
		return `${Math.floor(whole / 60)} min`;
	if (whole < 86400)
		return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")}`;
	return `${Math.floor(whole / 86400)} days`;
}

// "3:07"
export function countdown(seconds) {
	const whole = Math.max(0, Math.ceil(seconds));
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function clock(text, seconds) {
	const time = new Date(text);
	return isNaN(time) ? "" : time.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit",
		second: seconds ? "2-digit" : undefined, hourCycle: "h23"});
}

export function moment(text) {
	const time = new Date(text);
	if (isNaN(time))
		return "";
	const day = time.toDateString() === new Date().toDateString() ? "" :
		time.toLocaleDateString([], {day: "numeric", month: "short"}) + ", ";
	return day + clock(text);
}

export function size(bytes) {
	const units = ["B", "kB", "MB", "GB", "TB"];
	let value = bytes, unit = 0;
	while (value >= 1000 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(number, one, many) {
	return `${number} ${number === 1 ? one : many}`;
}

// "usb-link-dropped" is written for programs
export function plain(name) {
	return String(name).replaceAll(/[-_]/g, " ").replaceAll(/\b(usb|dfu|ecid|ipsw|fdr|sep|nor|asr|tls)\b/g, (word) => word.toUpperCase());
}

// the sentence about a port or cable, without its name in front
export function sentenceOf(place) {
	const name = `${place.kind} ${place.label}: `;
	const text = place.sentence ?? "";
	return upper(text.startsWith(name) ? text.slice(name.length) : text);
}

export function upper(text) {
	return text === "" ? "" : text[0].toUpperCase() + text.slice(1);
}
