// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright (C) 2026 the idevicerescue contributors
// The figures below the bench. Each picture also says in words what it shows.
import {clock, count, draw, icon, make, sentenceOf, size, upper} from "/words.js";

function nothing(text) {
	return make("p", {class: "note"}, text);
}

export function showYield(box, counts) {
	const ends = counts?.ends ?? {};
	const restored = ends.restored ?? 0;
	const others = ["restored-unconfirmed", "needs-operator", "gave-up"].reduce((sum, end) => sum + (ends[end] ?? 0), 0);
	const all = restored + others;
	const first = make("div", {}, make("p", {class: "big"}, all === 0 ? "–" : `${(100 * counts.yield).toFixed(counts.yield === 1 ? 0 : 1)} %`),
		make("p", {class: "note"}, all === 0 ? "nothing has ended yet" : `yield: ${restored} of ${all} restored`));
	const second = make("div", {}, make("p", {class: "big"}, String(counts?.last_hour ?? 0)),
		make("p", {class: "note"}, "restored in the last hour"));
	box.replaceChildren(make("div", {class: "pair"}, first, second));
}

function niceTop(most) {
	return [2, 4, 6, 8, 10, 16, 20, 30, 40, 60, 80, 100, 200, 400, 800].find((top) => top >= most) ?? most;
}

function hourBar(hour, index, scale) {
	const group = draw("g");
	const x = 34 + index * 25.8;
	const good = hour.restored * scale, bad = hour.failed * scale;
	if (good > 0)
		group.append(draw("rect", {x, y: 140 - good, width: 18, height: good, class: "plot-good", rx: Math.min(2, good / 2)}));
	if (bad > 0)
		group.append(draw("rect", {x, y: 140 - good - bad - 1, width: 18, height: bad, fill: "url(#hatch)", stroke: "var(--failed)",
			"stroke-width": "1", rx: Math.min(2, bad / 2)}));
	group.append(draw("title", {}, `${clock(hour.hour)}: ${hour.restored} restored, ${hour.failed} not`));
	return group;
}

function hatch() {
	return draw("defs", {}, draw("pattern", {id: "hatch", width: "5", height: "5", patternUnits: "userSpaceOnUse",
		patternTransform: "rotate(45)"}, draw("rect", {width: "5", height: "5", fill: "var(--failed)", opacity: "0.35"}),
		draw("rect", {width: "2.5", height: "5", fill: "var(--failed)"})));
}

export function showHours(box, counts) {
	const hours = counts?.hours ?? [];
	const most = Math.max(0, ...hours.map((hour) => hour.restored + hour.failed));
	if (most === 0) {
		box.replaceChildren(nothing("Nothing has ended in the last 24 hours."));
		return;
	}
	const top = niceTop(most), scale = 122 / top;
	const total = hours.reduce((sum, hour) => [sum[0] + hour.restored, sum[1] + hour.failed], [0, 0]);
	const busiest = hours.reduce((best, hour) => hour.restored > best.restored ? hour : best);
	const words = `Phones by hour, last 24 hours: ${total[0]} restored, ${total[1]} not; ` +
		`the most in one hour are ${busiest.restored}, from ${clock(busiest.hour)} on.`;
	const svg = draw("svg", {viewBox: "0 0 660 164", role: "img", "aria-label": words}, hatch());
	for (const value of [0, top / 2, top]) {
		const y = 140 - value * scale;
		svg.append(draw("line", {x1: 30, x2: 656, y1: y, y2: y, class: "plot-line"}),
			draw("text", {x: 24, y: y + 4, "text-anchor": "end", class: "plot-text"}, String(value)));
	}
	hours.forEach((hour, index) => {
		svg.append(hourBar(hour, index, scale));
		if (index % 3 === 2)
			svg.append(draw("text", {x: 43 + index * 25.8, y: 158, "text-anchor": "middle", class: "plot-text"}, clock(hour.hour)));
	});
	box.replaceChildren(svg, make("p", {class: "keys-line", "aria-hidden": "true"},
		make("span", {}, make("span", {class: "swatch good"}), "restored"),
		make("span", {}, make("span", {class: "swatch bad"}), "not restored")));
}

export function showCategories(box, counts) {
	const list = counts?.categories ?? [];
	if (list.length === 0) {
		box.replaceChildren(nothing("No job has failed in the last 24 hours."));
		return;
	}
	const most = Math.max(...list.map((entry) => entry.jobs));
	box.replaceChildren(make("ul", {class: "rows"}, ...list.slice(0, 6).map((entry) => {
		const bar = make("i");
		bar.style.width = `${100 * entry.jobs / most}%`;
		return make("li", {class: "hbar", "data-state": "failed"},
			make("div", {class: "hbar-head"}, make("span", {}, upper(entry.text)), make("b", {}, String(entry.jobs))),
			make("div", {class: "bar", "aria-hidden": "true"}, bar));
	})));
}

function placeRow(place, mayAct, retest) {
	const state = place.out_of_use ? "quarantined" : "needs-operator";
	const row = make("li", {class: "row", "data-state": state}, icon(state), make("span", {},
		make("b", {}, `${upper(place.kind)} ${place.label}: ${place.out_of_use ? "out of use" : "suspicious"}. `), sentenceOf(place), "."));
	if (place.out_of_use && place.kind === "port" && mayAct)
		row.append(make("button", {type: "button", onclick: () => retest(place.label)}, `Test ${place.label} again`));
	return row;
}

export function showPlaces(box, station, mayAct, retest) {
	const places = station.places ?? [];
	const odd = places.filter((place) => place.out_of_use || place.standing !== "good");
	const rows = odd.map((place) => placeRow(place, mayAct, retest));
	for (const phone of station.phones ?? [])
		rows.push(make("li", {class: "row", "data-state": "failed"}, icon("failed"), make("span", {},
			make("b", {}, `Phone in ${phone.label ?? "no port"}: `), phone.sentence)));
	const ports = places.filter((place) => place.kind === "port").length;
	if (rows.length === 0)
		box.replaceChildren(nothing(ports === 0 ? "No restore has ended yet, so nothing is known of the ports." :
			`All ${ports} ports that were used do their work.`));
	else
		box.replaceChildren(make("ul", {class: "rows"}, ...rows));
}

export function showBuses(box, buses) {
	if ((buses ?? []).length === 0) {
		box.replaceChildren(nothing("No phone is plugged in."));
		return;
	}
	box.replaceChildren(make("ul", {class: "rows"}, ...buses.map((bus) => {
		const name = `Bus ${bus.bus}${bus.root_port ? `, root port ${bus.root_port}` : ""}`;
		const facts = [count(bus.phones, "phone", "phones"), `${bus.senders} sending, ${bus.limit} at a time ${bus.limit === 1 ? "is" : "are"} best`];
		if (bus.bytes_per_second > 0)
			facts.push(`${size(bus.bytes_per_second)}/s`);
		if (bus.waiting.length > 0)
			facts.push(`${bus.waiting.length} waiting`);
		return make("li", {}, make("b", {}, name), make("span", {class: "note"}, ` · ${facts.join(" · ")}`));
	})));
}

export function showReports(box, reports) {
	const last = (reports ?? []).slice(-5).reverse();
	if (last.length === 0)
		box.replaceChildren(nothing("Nothing to report."));
	else
		box.replaceChildren(make("ul", {class: "rows"}, ...last.map((text) => make("li", {}, upper(text)))));
}

