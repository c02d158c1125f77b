/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/snapshot.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/line/bench.h"
#include "core/model/device.h"
#include "core/model/phase.h"
#include "core/model/product.h"

#define SCHEMA_VERSION 1
#define DOMAIN_BITS    8 /* of the root port in the number of a transfer domain */

static const char *const state_texts[] = {
#define RESCUE_SLOT_STATE(id, name, text) [RESCUE_SLOT_##id] = text,
#include "core/line/slot.def"
#undef RESCUE_SLOT_STATE
};

static const char *const place_kinds[] = {
	[RESCUE_PLACE_PORT] = "port",
	[RESCUE_PLACE_CABLE] = "cable",
	[RESCUE_PLACE_HUB] = "hub",
};

static const char *const standings[] = {
	[RESCUE_STANDING_GOOD] = "good",
	[RESCUE_STANDING_SUSPICIOUS] = "suspicious",
	[RESCUE_STANDING_BAD] = "bad",
};

static void
set_time(RescueJson *object, const char *key, const RescueSnapshotFacts *facts, int64_t at_us)
{
	g_autofree char *text = NULL;

	if (at_us <= 0)
		return;
	text = rescue_clock_format(facts->epoch_us + at_us);
	rescue_json_set_string(object, key, text);
}

static const char *
wait_of(const RescueSnapshotFacts *facts, RescueEcid ecid)
{
	for (unsigned i = 0; facts->turns != NULL && i < facts->turns->len; i++) {
		const RescueTurn *turn = g_ptr_array_index(facts->turns, i);
		if (turn->ecid == ecid && turn->kind == RESCUE_TURN_WAIT)
			return turn->why;
	}
	return NULL;
}

/* one slot */

static void
add_device(RescueJson *slot, const RescueTicket *ticket)
{
	const RescueDevice *device = ticket->device;
	char ecid[RESCUE_ECID_TEXT];

	if (device->ecid != 0)
		rescue_json_set_string(slot, "ecid", rescue_ecid_format(device->ecid, ecid));
	rescue_json_set_string(slot, "serial", device->serial);
	rescue_json_set_string(slot, "scan", ticket->scan);
	rescue_json_set_string(slot, "product", device->product);
	rescue_json_set_string(slot, "model", rescue_product_name(device->product));
	rescue_json_set_string(slot, "mode", rescue_mode_name(device->mode));
	rescue_json_set_string(slot, "version", device->version);
	rescue_json_set_string(slot, "build", device->build);
	rescue_json_set_bool(slot, "present", ticket->present);
	rescue_json_set_string(slot, "find_my", rescue_answer_name(ticket->ownership.find_my));
	rescue_json_set_string(slot, "locked", rescue_answer_name(ticket->ownership.locked));
	rescue_json_set_string(slot, "managed", rescue_answer_name(ticket->ownership.managed));
}

static void
add_progress(RescueJson *slot, const RescueTicket *ticket)
{
	if (!ticket->alive)
		return;
	rescue_json_set_string(slot, "phase", rescue_phase_name(ticket->phase));
	rescue_json_set_string(slot, "doing", rescue_phase_text(ticket->phase));
	rescue_json_set_real(slot, "fraction", CLAMP(ticket->fraction, 0, 1));
	if (ticket->stage == RESCUE_STAGE_SENDING && ticket->needs.image_bytes != 0) {
		rescue_json_set_int(slot, "bytes", (int64_t)ticket->sent_bytes);
		rescue_json_set_int(slot, "total", (int64_t)ticket->needs.image_bytes);
	}
}

static void
add_job(RescueJson *slot, const RescueSnapshotFacts *facts, const RescueTicket *ticket)
{
	const RescueFailureInfo *failure = rescue_failure_info(ticket->failure);

	rescue_json_set_string(slot, "rule", ticket->rule);
	if (ticket->behavior != RESCUE_BEHAVIOR_UNSAID)
		rescue_json_set_string(slot, "behavior", rescue_behavior_name(ticket->behavior));
	rescue_json_set_string(slot, "job", ticket->job);
	if (ticket->attempt != 0)
		rescue_json_set_int(slot, "attempt", ticket->attempt);
	if (ticket->losses != 0)
		rescue_json_set_int(slot, "losses", ticket->losses);
	if (ticket->failure != RESCUE_FAILURE_NONE) {
		rescue_json_set_string(slot, "failure", failure->name);
		rescue_json_set_string(slot, "category", rescue_category_name(failure->category));
	}
	add_progress(slot, ticket);
	rescue_json_set_string(slot, "waits", wait_of(facts, ticket->device->ecid));
}

static void
add_port(RescueJson *slot, const RescuePort *port)
{

	rescue_json_set_string(slot, "label", port->label);
	if (port->row != 0)
		rescue_json_set_int(slot, "row", port->row);
	if (port->column != 0)
		rescue_json_set_int(slot, "column", port->column);
	rescue_json_set_strings(slot, "at", port->at);
	rescue_json_set_string(slot, "cable", port->cable);
}

/* What a person is to do about it; NULL: nothing. Borrowed. */
static const char *
prompt_of(const RescueTicket *ticket)
{
	const char *words = ticket->prompt != NULL ? ticket->prompt : ticket->why;

	if (ticket->state == RESCUE_SLOT_QUARANTINED)
		return ticket->why != NULL ? ticket->why : state_texts[ticket->state];
	if (ticket->state != RESCUE_SLOT_NEEDS_OPERATOR)
		return NULL;
	return words != NULL ? words : state_texts[ticket->state];
}

static void
add_prompt(RescueJson *slot, const RescueSnapshotFacts *facts, const RescueTicket *ticket)
{
	const char *words = prompt_of(ticket);

	if (words == NULL)
		return;
	rescue_json_set_string(slot, "prompt", words);
	set_time(slot, "prompt_until", facts, ticket->prompt_us);
}

RescueJson *
rescue_snapshot_slot(const RescueSnapshotFacts *facts, size_t port)
{
	const RescuePort *entry = rescue_layout_port(rescue_station_layout(facts->station), port);
	const RescueTicket *ticket = rescue_station_phone(facts->station, port);
	RescueSlotState state = rescue_station_slot(facts->station, port);
	RescueJson *slot = rescue_json_object_new();

	add_port(slot, entry);
	rescue_json_set_string(slot, "state", rescue_slot_state_name(state));
	rescue_json_set_string(slot, "text", state_texts[state]);
	if (ticket == NULL)
		return slot;
	set_time(slot, "since", facts, ticket->since_us);
	rescue_json_set_string(slot, "why", ticket->why);
	add_device(slot, ticket);
	add_job(slot, facts, ticket);
	add_prompt(slot, facts, ticket);
	return slot;
}

/* what a person is to do now: one entry for each instruction, with all the slots that it is for */

static RescueJson *
find_prompt(const RescueJson *prompts, const char *text)
{
	for (size_t i = 0; i < rescue_json_length(prompts); i++) {
		RescueJson *entry = rescue_json_at(prompts, i);
		if (g_strcmp0(rescue_json_get_string(entry, "text"), text) == 0)
			return entry;
	}
	return NULL;
}

static RescueJson *
new_prompt(RescueJson *prompts, const char *text)
{
	RescueJson *entry = rescue_json_object_new();

	rescue_json_set_string(entry, "text", text);
	rescue_json_take(entry, "slots", rescue_json_array_new());
	rescue_json_append_take(prompts, entry);
	return entry;
}

static RescueJson *
collect_prompts(const RescueJson *slots)
{
	RescueJson *prompts = rescue_json_array_new();

	for (size_t i = 0; i < rescue_json_length(slots); i++) {
		const RescueJson *slot = rescue_json_at(slots, i);
		const char *text = rescue_json_get_string(slot, "prompt");
		const char *until = rescue_json_get_string(slot, "prompt_until");
		const char *first;
		RescueJson *entry;
		if (text == NULL)
			continue;
		entry = find_prompt(prompts, text);
		if (entry == NULL)
			entry = new_prompt(prompts, text);
		rescue_json_append_string(rescue_json_get(entry, "slots"),
					  rescue_json_get_string(slot, "label"));
		first = rescue_json_get_string(entry, "until");
		if (until != NULL && (first == NULL || strcmp(until, first) < 0))
			rescue_json_set_string(entry, "until", until);
	}
	return prompts;
}

/* buses */

static const char *
label_of(const RescueStation *station, const RescueTicket *ticket)
{
	const RescuePort *port = rescue_layout_port(rescue_station_layout(station), ticket->port);

	return port != NULL ? port->label : NULL;
}

/* Bytes a second of one that sends, since its bus began to measure. */
static double
rate_of(const RescueTicket *ticket)
{
	if (ticket->sent_us <= ticket->mark_us || ticket->sent_bytes < ticket->mark_bytes)
		return 0;
	return (double)(ticket->sent_bytes - ticket->mark_bytes) * G_USEC_PER_SEC /
	       (double)(ticket->sent_us - ticket->mark_us);
}

static void
name_bus(RescueJson *entry, const RescueStation *station, unsigned domain)
{
	RescueUsbPlace place = { .bus = domain >> DOMAIN_BITS };
	unsigned root = domain & ((1u << DOMAIN_BITS) - 1);
	const RescueUsbBus *bus = rescue_usb_bus_of(&place, rescue_station_buses(station));

	rescue_json_set_int(entry, "bus", place.bus);
	if (root != 0)
		rescue_json_set_int(entry, "root_port", root);
	if (bus == NULL)
		return;
	rescue_json_set_string(entry, "controller", bus->controller);
	if (bus->speed_mbit != 0)
		rescue_json_set_int(entry, "speed_mbit", bus->speed_mbit);
}

static RescueJson *
bus_to_json(const RescueSnapshotFacts *facts, unsigned domain)
{
	const RescueStation *station = facts->station;
	const GPtrArray *tickets = rescue_station_tickets(station);
	RescueBenchBus known = rescue_bench_known_bus(station, domain);
	RescueJson *entry = rescue_json_object_new(), *waiting = rescue_json_array_new();
	unsigned phones = 0, senders = 0;
	double rate = 0;

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		if (ticket->domain != domain)
			continue;
		phones += ticket->present || ticket->alive;
		senders += ticket->stage == RESCUE_STAGE_SENDING;
		rate += ticket->stage == RESCUE_STAGE_SENDING ? rate_of(ticket) : 0;
		if (wait_of(facts, ticket->device->ecid) != NULL)
			rescue_json_append_string(waiting, label_of(station, ticket));
	}
	name_bus(entry, station, domain);
	rescue_json_set_int(entry, "phones", phones);
	rescue_json_set_int(entry, "senders", senders);
	rescue_json_set_int(entry, "limit",
			    rescue_capacity_limit(&known.capacity, rescue_station_layout(station)
								       ->limits.transfers_max));
	rescue_json_set_int(entry, "bytes_per_second", (int64_t)rate);
	rescue_json_take(entry, "waiting", waiting);
	return entry;
}

static int
compare_domains(const void *a, const void *b)
{
	unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;

	return first < second ? -1 : first > second;
}

static RescueJson *
collect_buses(const RescueSnapshotFacts *facts)
{
	const GPtrArray *tickets = rescue_station_tickets(facts->station);
	g_autoptr(GArray) domains = g_array_new(FALSE, FALSE, sizeof(unsigned));
	RescueJson *buses = rescue_json_array_new();

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		if (ticket->domain != 0 && (ticket->present || ticket->alive))
			g_array_append_val(domains, ticket->domain);
	}
	g_array_sort(domains, compare_domains);
	for (unsigned i = 0; i < domains->len; i++) {
		unsigned domain = g_array_index(domains, unsigned, i);
		if (i == 0 || domain != g_array_index(domains, unsigned, i - 1))
			rescue_json_append_take(buses, bus_to_json(facts, domain));
	}
	return buses;
}

/* health */

static void
add_place(RescueJson *places, const RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	g_auto(RescuePlaceHealth) place = { 0 };
	bool condemned = rescue_health_is_condemned(health, kind, name);
	RescueJson *entry;

	rescue_health_judge(health, kind, name, &place);
	if (place.restores == 0 && !condemned)
		return;
	entry = rescue_json_object_new();
	rescue_json_set_string(entry, "kind", place_kinds[kind]);
	rescue_json_set_string(entry, "label", name);
	rescue_json_set_string(entry, "standing", standings[place.standing]);
	rescue_json_set_bool(entry, "out_of_use", condemned);
	rescue_json_set_int(entry, "restores", place.restores);
	rescue_json_set_int(entry, "failures", place.failures);
	rescue_json_set_real(entry, "low", place.low);
	rescue_json_set_real(entry, "high", place.high);
	rescue_json_set_real(entry, "elsewhere", place.elsewhere);
	rescue_json_set_string(entry, "sentence", place.sentence);
	rescue_json_append_take(places, entry);
}

/* A cable may be named at several ports. */
static bool
is_first_with_cable(const RescueLayout *layout, unsigned port)
{
	const RescuePort *entry = g_ptr_array_index(layout->ports, port);

	for (unsigned i = 0; i < port; i++) {
		const RescuePort *other = g_ptr_array_index(layout->ports, i);
		if (g_strcmp0(other->cable, entry->cable) == 0)
			return false;
	}
	return entry->cable != NULL;
}

static RescueJson *
collect_places(const RescueStation *station)
{
	const RescueLayout *layout = rescue_station_layout(station);
	const RescueHealth *health = rescue_station_health(station);
	RescueJson *places = rescue_json_array_new();

	for (unsigned i = 0; i < layout->ports->len; i++) {
		const RescuePort *port = g_ptr_array_index(layout->ports, i);
		add_place(places, health, RESCUE_PLACE_PORT, port->label);
		if (is_first_with_cable(layout, i))
			add_place(places, health, RESCUE_PLACE_CABLE, port->cable);
	}
	for (unsigned i = 0; i < layout->hubs->len; i++) {
		const RescueHub *hub = g_ptr_array_index(layout->hubs, i);
		g_autofree char *name = hub->label != NULL ? g_strdup(hub->label)
							   : rescue_usb_place_format(&hub->place);
		add_place(places, health, RESCUE_PLACE_HUB, name);
	}
	return places;
}

static RescueJson *
collect_phones(const RescueStation *station)
{
	const GPtrArray *tickets = rescue_station_tickets(station);
	RescueJson *phones = rescue_json_array_new();

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		g_auto(RescuePhoneHealth) phone = { 0 };
		char ecid[RESCUE_ECID_TEXT];
		RescueJson *entry;
		rescue_health_judge_phone(rescue_station_health(station), ticket->device->ecid,
					  &phone);
		if (!phone.blamed)
			continue;
		entry = rescue_json_object_new();
		rescue_json_set_string(entry, "ecid",
				       rescue_ecid_format(ticket->device->ecid, ecid));
		rescue_json_set_string(entry, "label", label_of(station, ticket));
		rescue_json_set_string(entry, "sentence", phone.sentence);
		rescue_json_append_take(phones, entry);
	}
	return phones;
}

/* all */

static RescueJson *
count_states(const RescueStation *station)
{
	unsigned counts[RESCUE_SLOT_LAST] = { 0 };
	RescueJson *states = rescue_json_object_new();

	for (unsigned i = 0; i < rescue_station_layout(station)->ports->len; i++)
		counts[rescue_station_slot(station, i)]++;
	for (int i = 0; i < RESCUE_SLOT_LAST; i++)
		rescue_json_set_int(states, rescue_slot_state_name(i), counts[i]);
	return states;
}

static RescueJson *
copy_reports(const GPtrArray *reports)
{
	RescueJson *list = rescue_json_array_new();

	for (unsigned i = 0; reports != NULL && i < reports->len; i++)
		rescue_json_append_string(list, g_ptr_array_index(reports, i));
	return list;
}

static bool
is_unchanged(const RescueSnapshotFacts *facts, const RescueJson *slot, size_t port)
{
	const RescueTicket *ticket = rescue_station_phone(facts->station, port);
	const char *told = rescue_json_get_string(slot, "ecid");
	char ecid[RESCUE_ECID_TEXT];

	if (slot == NULL || facts->changed == NULL || ticket == NULL || told == NULL)
		return false;
	return strcmp(told, rescue_ecid_format(ticket->device->ecid, ecid)) == 0 &&
	       !g_hash_table_contains(facts->changed, told);
}

/* Most of the time one phone of many has done something. */
static RescueJson *
take_slot(const RescueSnapshotFacts *facts, const RescueJson *before, size_t port)
{
	const RescueJson *slot = port < rescue_json_length(before) ? rescue_json_at(before, port)
								   : NULL;

	return is_unchanged(facts, slot, port) ? rescue_json_ref(slot)
					       : rescue_snapshot_slot(facts, port);
}

RescueJson *
rescue_snapshot_new(const RescueSnapshotFacts *facts)
{
	RescueJson *json = rescue_json_object_new(), *slots = rescue_json_array_new();
	const RescueLayout *layout = rescue_station_layout(facts->station);
	const RescueJson *known = facts->before != NULL ? rescue_json_get(facts->before, "slots")
							: NULL;

	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "station", facts->name);
	set_time(json, "ts", facts, facts->now_us);
	for (unsigned i = 0; i < layout->ports->len; i++)
		rescue_json_append_take(slots, take_slot(facts, known, i));
	rescue_json_take(json, "prompts", collect_prompts(slots));
	rescue_json_take(json, "states", count_states(facts->station));
	rescue_json_take(json, "slots", slots);
	if (facts->before != NULL)
		return json;
	rescue_json_take(json, "buses", collect_buses(facts));
	rescue_json_take(json, "places", collect_places(facts->station));
	rescue_json_take(json, "phones", collect_phones(facts->station));
	if (facts->tally != NULL)
		rescue_json_take(json, "counts",
				 rescue_tally_to_json(facts->tally,
						      facts->epoch_us + facts->now_us));
	rescue_json_take(json, "reports", copy_reports(facts->reports));
	return json;
}

/* what changed */

static RescueJson *
new_event(const char *name, const RescueJson *value)
{
	RescueJson *event = rescue_json_object_new();

	rescue_json_set_string(event, "event", name);
	rescue_json_take(event, name, value != NULL ? rescue_json_ref(value) : NULL);
	return event;
}

static bool
are_called_alike(const RescueJson *before, const RescueJson *after)
{
	size_t n = rescue_json_length(after);

	if (rescue_json_length(before) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (g_strcmp0(rescue_json_get_string(rescue_json_at(before, i), "label"),
			      rescue_json_get_string(rescue_json_at(after, i), "label")) != 0)
			return false;
	}
	return true;
}

static void
diff_slots(const RescueJson *before, const RescueJson *after, RescueJson *events)
{
	for (size_t i = 0; i < rescue_json_length(after); i++) {
		const RescueJson *slot = rescue_json_at(after, i);
		if (!rescue_json_equal(rescue_json_at(before, i), slot))
			rescue_json_append_take(events, new_event("slot", slot));
	}
}

RescueJson *
rescue_snapshot_diff(const RescueJson *before, const RescueJson *after)
{
	static const char *const members[] = {
		"prompts", "states", "buses", "places", "phones", "counts", "reports",
	};
	RescueJson *events = rescue_json_array_new();

	if (!are_called_alike(rescue_json_get(before, "slots"), rescue_json_get(after, "slots"))) {
		rescue_json_append_take(events, new_event("resync", NULL));
		return events;
	}
	diff_slots(rescue_json_get(before, "slots"), rescue_json_get(after, "slots"), events);
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		const RescueJson *value = rescue_json_get(after, members[i]);
		if (value != NULL && !rescue_json_equal(rescue_json_get(before, members[i]), value))
			rescue_json_append_take(events, new_event(members[i], value));
	}
	return events;
}
