/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/line/snapshot.h"

#define EPOCH_US INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */

static const char bench[] = "[port A1]\nat=1-1.1\nrow=1\ncolumn=1\ncable=red\n"
			    "[port A2]\nat=1-1.2\nrow=1\ncolumn=2\n"
			    "[port B1]\nat=2-1\nrow=2\ncolumn=1\n"
			    "[hub 1-1]\nlabel=left\n";
static const char rules[] = "[rule owner]\nfind-my=on\nthen=ask\nsay=Sign out on the phone.\n"
			    "[rule stock]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";

typedef struct {
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station;
	RescueTally *tally;
	int64_t now_us;
} Line;

static void
line_clear(Line *line)
{
	rescue_station_free(line->station);
	rescue_intake_free(line->rules);
	rescue_layout_free(line->layout);
	rescue_tally_free(line->tally);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

static Line
line_new(void)
{
	Line line = {
		.layout = rescue_layout_parse(bench, strlen(bench), NULL),
		.rules = rescue_intake_parse(rules, strlen(rules), NULL),
		.tally = rescue_tally_new(),
		.now_us = G_USEC_PER_SEC,
	};

	g_assert_nonnull(line.layout);
	g_assert_nonnull(line.rules);
	line.station = rescue_station_new(line.layout, line.rules);
	return line;
}

static void
plug(Line *line, RescueEcid ecid, const char *port, RescueAnswer find_my)
{
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->ecid = ecid;
	device->mode = RESCUE_MODE_NORMAL;
	device->product = g_strdup("iPhone12,1");
	device->place.port = g_strdup(port);
	device->owner = (RescueOwner){ .asked = true, .find_my = find_my };
	device->owner.activation = g_strdup("Activated");
	rescue_station_see(line->station, device, ++line->now_us);
}

static RescueJson *
look_again(Line *line, const RescueJson *before, GHashTable *changed)
{
	int64_t look_us;
	g_autoptr(GPtrArray) turns = rescue_schedule(line->station, line->now_us, &look_us);
	RescueSnapshotFacts facts = {
		.station = line->station,
		.name = "bench",
		.now_us = line->now_us,
		.epoch_us = EPOCH_US,
		.turns = turns,
		.tally = line->tally,
		.before = before,
		.changed = changed,
	};

	return rescue_snapshot_new(&facts);
}

static RescueJson *
look(Line *line)
{
	return look_again(line, NULL, NULL);
}

static void
tell(Line *line, RescueEcid ecid, const char *text)
{
	g_autoptr(RescueJson) event = rescue_json_parse(text, strlen(text), NULL);
	char name[RESCUE_ECID_TEXT];

	g_assert_nonnull(event);
	rescue_json_set_string(event, "job", "job");
	rescue_json_set_string(event, "ecid", rescue_ecid_format(ecid, name));
	rescue_station_job_event(line->station, event, ++line->now_us);
}

static const RescueJson *
slot_of(const RescueJson *snapshot, size_t index)
{
	return rescue_json_at(rescue_json_get(snapshot, "slots"), index);
}

static void
assert_text(const RescueJson *object, const char *key, const char *value)
{
	g_assert_cmpstr(rescue_json_get_string(object, key), ==, value);
}

static void
test_an_empty_bench_shows_its_ports_as_they_stand(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) now = look(&line);
	int64_t row = 0, column = 0;

	assert_text(now, "station", "bench");
	assert_text(now, "ts", "2026-09-21T14:13:21.000Z");
	g_assert_cmpuint(rescue_json_length(rescue_json_get(now, "slots")), ==, 3);
	g_assert_true(rescue_json_get_int(slot_of(now, 2), "row", &row));
	g_assert_true(rescue_json_get_int(slot_of(now, 1), "column", &column));
	g_assert_cmpint(row, ==, 2);
	g_assert_cmpint(column, ==, 2);
	assert_text(slot_of(now, 0), "state", "empty");
	assert_text(slot_of(now, 0), "ecid", NULL);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(now, "prompts")), ==, 0);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(now, "buses")), ==, 0);
}

static void
test_phones_that_need_the_same_are_told_at_once(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) now = NULL;
	const RescueJson *prompts, *slots;

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_ON);
	plug(&line, 2, "1-1.2", RESCUE_ANSWER_OFF);
	plug(&line, 3, "2-1", RESCUE_ANSWER_ON);
	now = look(&line);
	prompts = rescue_json_get(now, "prompts");
	g_assert_cmpuint(rescue_json_length(prompts), ==, 1);
	assert_text(rescue_json_at(prompts, 0), "text", "Sign out on the phone.");
	slots = rescue_json_get(rescue_json_at(prompts, 0), "slots");
	g_assert_cmpuint(rescue_json_length(slots), ==, 2);
	g_assert_cmpstr(rescue_json_text(rescue_json_at(slots, 0)), ==, "A1");
	g_assert_cmpstr(rescue_json_text(rescue_json_at(slots, 1)), ==, "B1");
	assert_text(slot_of(now, 0), "model", "iPhone 11");
	assert_text(slot_of(now, 0), "find_my", "on");
	assert_text(slot_of(now, 1), "state", "queued");
}

static void
test_a_prompt_of_a_job_has_a_deadline_and_goes_when_the_job_goes_on(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) asked = NULL, answered = NULL;

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_OFF);
	rescue_station_started(line.station, 1, "job", ++line.now_us);
	tell(&line, 1, "{\"event\":\"operator\",\"instruction\":\"Tap Trust.\",\"deadline\":60}");
	asked = look(&line);
	assert_text(slot_of(asked, 0), "prompt", "Tap Trust.");
	assert_text(rescue_json_at(rescue_json_get(asked, "prompts"), 0), "until",
		    "2026-09-21T14:14:21.000Z");
	tell(&line, 1, "{\"event\":\"step\",\"phase\":\"filesystem\",\"state\":\"begin\"}");
	answered = look(&line);
	assert_text(slot_of(answered, 0), "prompt", NULL);
	assert_text(slot_of(answered, 0), "doing", "sending the system image");
}

static void
test_only_what_changed_is_told(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) before = look(&line);
	g_autoptr(RescueJson) after = NULL, later = NULL, changes = NULL, none = NULL;
	const RescueJson *first;

	plug(&line, 2, "1-1.2", RESCUE_ANSWER_OFF);
	after = look(&line);
	changes = rescue_snapshot_diff(before, after);
	first = rescue_json_at(changes, 0);
	assert_text(first, "event", "slot");
	assert_text(rescue_json_get(first, "slot"), "label", "A2");
	for (size_t i = 1; i < rescue_json_length(changes); i++)
		g_assert_cmpstr(rescue_json_get_string(rescue_json_at(changes, i), "event"), !=,
				"slot");
	line.now_us += 30 * G_USEC_PER_SEC;
	later = look(&line);
	none = rescue_snapshot_diff(after, later);
	g_assert_cmpuint(rescue_json_length(none), ==, 0);
}

/* How many slots are told anew to who knows `before`. */
static unsigned
count_told(Line *line, const RescueJson *before, GHashTable *changed)
{
	g_autoptr(RescueJson) now = look_again(line, before, changed);
	g_autoptr(RescueJson) changes = rescue_snapshot_diff(before, now);
	unsigned told = 0;

	g_assert_null(rescue_json_get(now, "places"));
	for (size_t i = 0; i < rescue_json_length(changes); i++)
		told += g_strcmp0(rescue_json_get_string(rescue_json_at(changes, i), "event"),
				  "slot") == 0;
	return told;
}

static void
test_phones_that_did_nothing_are_not_looked_at(void)
{
	static const char begin[] = "{\"event\":\"step\",\"phase\":\"filesystem\","
				    "\"state\":\"begin\"}";
	g_auto(Line) line = line_new();
	g_autoptr(GHashTable) changed = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(RescueJson) before = NULL;
	char second[RESCUE_ECID_TEXT];

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_OFF);
	plug(&line, 2, "1-1.2", RESCUE_ANSWER_OFF);
	rescue_station_started(line.station, 1, "job", ++line.now_us);
	rescue_station_started(line.station, 2, "job", ++line.now_us);
	before = look(&line);
	g_assert_cmpuint(count_told(&line, before, changed), ==, 0);
	tell(&line, 1, begin);
	tell(&line, 2, begin);
	g_assert_cmpuint(count_told(&line, before, changed), ==, 0);
	(void)rescue_ecid_format(2, second);
	(void)g_hash_table_add(changed, second);
	g_assert_cmpuint(count_told(&line, before, changed), ==, 1);
	g_assert_cmpuint(count_told(&line, before, NULL), ==, 2);
}

static void
test_who_is_on_another_port_is_seen_there_at_once(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(GHashTable) changed = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(RescueJson) before = NULL;

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_OFF);
	before = look(&line);
	plug(&line, 1, "1-1.2", RESCUE_ANSWER_OFF);
	g_assert_cmpuint(count_told(&line, before, changed), ==, 2);
}

static void
test_who_knows_other_labels_has_to_look_at_all(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) before = look(&line);
	g_autoptr(RescueJson) renamed = rescue_json_copy(before);
	g_autoptr(RescueJson) changes = NULL;

	rescue_json_set_string(rescue_json_at(rescue_json_get(renamed, "slots"), 1), "label", "Z9");
	changes = rescue_snapshot_diff(before, renamed);
	g_assert_cmpuint(rescue_json_length(changes), ==, 1);
	assert_text(rescue_json_at(changes, 0), "event", "resync");
}

static void
test_a_bus_tells_who_sends_and_who_waits(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) now = NULL;
	const RescueJson *bus;
	int64_t phones = 0, senders = 0, limit = 0;

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_OFF);
	plug(&line, 2, "1-1.2", RESCUE_ANSWER_OFF);
	rescue_station_started(line.station, 1, "job", ++line.now_us);
	tell(&line, 1, "{\"event\":\"progress\",\"phase\":\"filesystem\",\"fraction\":0.5}");
	now = look(&line);
	bus = rescue_json_at(rescue_json_get(now, "buses"), 0);
	g_assert_true(rescue_json_get_int(bus, "phones", &phones));
	g_assert_true(rescue_json_get_int(bus, "senders", &senders));
	g_assert_true(rescue_json_get_int(bus, "limit", &limit));
	g_assert_cmpint(phones, ==, 2);
	g_assert_cmpint(senders, ==, 1);
	g_assert_cmpint(limit, >=, 1);
}

static void
test_a_port_that_fails_is_told_with_its_sentence(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) now = NULL;
	const RescueJson *place, *slot;

	plug(&line, 1, "1-1.1", RESCUE_ANSWER_OFF);
	rescue_station_started(line.station, 1, "job", ++line.now_us);
	tell(&line, 1, "{\"event\":\"attempt\",\"number\":2}");
	tell(&line, 1,
	     "{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"text\":\"gone\"}");
	tell(&line, 1, "{\"event\":\"done\",\"outcome\":\"gave-up\"}");
	now = look(&line);
	slot = slot_of(now, 0);
	assert_text(slot, "state", "failed");
	assert_text(slot, "failure", "usb-link-dropped");
	assert_text(slot, "category", "usb");
	place = rescue_json_at(rescue_json_get(now, "places"), 0);
	assert_text(place, "kind", "port");
	assert_text(place, "label", "A1");
	g_assert_nonnull(rescue_json_get_string(place, "sentence"));
	g_assert_cmpuint(rescue_json_length(rescue_json_get(now, "places")), ==, 3);
}

static void
count(Line *line, const char *text)
{
	g_autoptr(RescueJson) event = rescue_json_parse(text, strlen(text), NULL);

	g_assert_nonnull(event);
	rescue_tally_add(line->tally, event);
}

static int64_t
int_of(const RescueJson *object, const char *key)
{
	int64_t value = -1;

	g_assert_true(rescue_json_get_int(object, key, &value));
	return value;
}

static void
test_the_day_is_counted_by_the_events_own_times(void)
{
	g_auto(Line) line = line_new();
	g_autoptr(RescueJson) now = NULL;
	const RescueJson *counts, *hours, *top;
	double yield = 0;

	count(&line, "{\"event\":\"done\",\"job\":\"a\",\"ts\":\"2026-09-21T14:10:00Z\","
		     "\"outcome\":\"restored\"}");
	count(&line, "{\"event\":\"done\",\"job\":\"b\",\"ts\":\"2026-09-21T12:50:00Z\","
		     "\"outcome\":\"restored\"}");
	count(&line, "{\"event\":\"done\",\"job\":\"c\",\"ts\":\"2026-09-21T14:01:00Z\","
		     "\"outcome\":\"gave-up\",\"failure\":\"usb-link-dropped\"}");
	count(&line, "{\"event\":\"done\",\"job\":\"d\",\"ts\":\"2026-09-20T10:00:00Z\","
		     "\"outcome\":\"gave-up\"}");
	count(&line, "{\"event\":\"done\",\"job\":\"e\",\"ts\":\"2026-09-21T14:01:00Z\","
		     "\"outcome\":\"cancelled\"}");
	now = look(&line);
	counts = rescue_json_get(now, "counts");
	g_assert_true(rescue_json_get_real(counts, "yield", &yield));
	g_assert_cmpfloat_with_epsilon(yield, 2.0 / 3, 1e-9);
	g_assert_cmpint(int_of(counts, "last_hour"), ==, 1);
	hours = rescue_json_get(counts, "hours");
	g_assert_cmpuint(rescue_json_length(hours), ==, 24);
	g_assert_cmpint(int_of(rescue_json_at(hours, 23), "restored"), ==, 1);
	g_assert_cmpint(int_of(rescue_json_at(hours, 23), "failed"), ==, 1);
	g_assert_cmpint(int_of(rescue_json_at(hours, 21), "restored"), ==, 1);
	top = rescue_json_at(rescue_json_get(counts, "categories"), 0);
	assert_text(top, "category", "usb");
	g_assert_cmpuint(rescue_json_length(rescue_json_get(counts, "categories")), ==, 1);
}

static void
test_phases_are_timed(void)
{
	g_auto(Line) line = line_new();
	const RescueTallyPhase *sent;

	count(&line, "{\"event\":\"step\",\"job\":\"a\",\"ts\":\"2026-09-21T14:00:00Z\","
		     "\"phase\":\"filesystem\",\"state\":\"begin\"}");
	count(&line, "{\"event\":\"step\",\"job\":\"a\",\"ts\":\"2026-09-21T14:04:00Z\","
		     "\"phase\":\"verify-filesystem\",\"state\":\"begin\"}");
	count(&line, "{\"event\":\"remedy\",\"job\":\"a\",\"ts\":\"2026-09-21T14:04:00Z\","
		     "\"name\":\"reset\",\"outcome\":\"took-effect\"}");
	count(&line, "[1]");
	count(&line, "{\"event\":\"step\",\"job\":\"a\",\"ts\":\"yesterday\"}");
	sent = &line.tally->phases[RESCUE_PHASE_FILESYSTEM];
	g_assert_cmpuint(sent->count, ==, 1);
	g_assert_cmpfloat(sent->seconds, ==, 240);
	g_assert_cmpuint(sent->buckets[6], ==, 1);
	g_assert_cmpfloat(rescue_tally_limit(6), ==, 300);
	g_assert_nonnull(g_hash_table_lookup(line.tally->remedies, "reset took-effect"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line-snapshot/empty", test_an_empty_bench_shows_its_ports_as_they_stand);
	g_test_add_func("/line-snapshot/prompts", test_phones_that_need_the_same_are_told_at_once);
	g_test_add_func("/line-snapshot/deadline",
			test_a_prompt_of_a_job_has_a_deadline_and_goes_when_the_job_goes_on);
	g_test_add_func("/line-snapshot/diff", test_only_what_changed_is_told);
	g_test_add_func("/line-snapshot/changed", test_phones_that_did_nothing_are_not_looked_at);
	g_test_add_func("/line-snapshot/moved", test_who_is_on_another_port_is_seen_there_at_once);
	g_test_add_func("/line-snapshot/labels", test_who_knows_other_labels_has_to_look_at_all);
	g_test_add_func("/line-snapshot/bus", test_a_bus_tells_who_sends_and_who_waits);
	g_test_add_func("/line-snapshot/place", test_a_port_that_fails_is_told_with_its_sentence);
	g_test_add_func("/line-snapshot/day", test_the_day_is_counted_by_the_events_own_times);
	g_test_add_func("/line-snapshot/phases", test_phases_are_timed);
	return g_test_run();
}
