/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <glib.h>

#include "cli/common/record.h"
#include "core/model/event.h"
#include "core/store/record.h"
#include "tests/fake/world.h"
#include "tests/unit/scripts.h"

/* The restore record: what the journal of a job comes to. */

#define ECID    UINT64_C(0x000A1B2C3D4E5F60)
#define WALL_US (INT64_C(1795341840) * G_USEC_PER_SEC)
#define COLUMNS 80

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

/* stamped, one second after the other */
static GPtrArray *
make_events(const char *const *bodies)
{
	GPtrArray *events = g_ptr_array_new_with_free_func(free_event);

	for (size_t i = 0; bodies[i] != NULL; i++) {
		g_autoptr(RescueJson) body = rescue_json_parse(bodies[i], strlen(bodies[i]), NULL);
		g_assert_nonnull(body);
		g_ptr_array_add(events, rescue_event_stamp(body, i + 1,
							   WALL_US + (int64_t)i * G_USEC_PER_SEC,
							   "20261122T100400-1a2b3c4d", ECID));
	}
	return events;
}

static const char *
word(const RescueJson *record, const char *part, const char *key)
{
	return rescue_json_get_string(rescue_json_get(record, part), key);
}

static size_t
count(const RescueJson *record, const char *list)
{
	return rescue_json_length(rescue_json_get(record, list));
}

static const RescueJson *
entry(const RescueJson *record, const char *list, size_t i)
{
	const RescueJson *found = rescue_json_at(rescue_json_get(record, list), i);

	g_assert_nonnull(found);
	return found;
}

/* ---- the example of docs/record.md --------------------------------------------------------------- */

#define FACTS(when, mode, version, build, state, answer, why)                                 \
	"{\"event\":\"facts\",\"when\":\"" when "\",\"mode\":\"" mode                         \
	"\",\"product\":\"iPhone10,3\",\"serial\":\"F2LVX0AAJCL6\",\"version\":\"" version    \
	"\",\"build\":\"" build "\",\"activation_state\":\"" state "\",\"find_my\":\"" answer \
	"\",\"activation_lock\":\"" answer "\",\"supervised\":\"unknown\"" why "}"
#define LINE(name, shows, line, text) \
	"{\"name\":\"" name "\",\"shows\":\"" shows "\",\"line\":" line ",\"text\":\"" text "\"}"

static const char *const example[] = {
	"{\"event\":\"job\",\"ipsw\":\"/srv/ipsw/iPhone10,3_15.0_19A346_Restore.ipsw\","
	"\"behavior\":\"erase\",\"unattended\":false,\"dry_run\":false,\"host\":\"bench-3\","
	"\"idevicerescue\":\"0.1.0\",\"policy\":\"standard\"}",
	"{\"event\":\"device\",\"mode\":\"normal\",\"port\":\"1-2.4\",\"product\":\"iPhone10,3\"}",
	FACTS("before", "normal", "14.8", "18H17", "Activated", "on", ""),
	"{\"event\":\"note\",\"phase\":\"detect\",\"text\":\"Find My is on\"}",
	"{\"event\":\"operator\",\"instruction\":\"unlock the device, and tap Trust when it "
	"asks\",\"deadline\":60}",
	"{\"event\":\"file\",\"path\":\"/srv/ipsw/iPhone10,3_15.0_19A346_Restore.ipsw\","
	"\"version\":\"15.0\",\"build\":\"19A346\",\"size\":6019022336}",
	"{\"event\":\"engine\",\"attempt\":1,\"pid\":4711,\"start_time\":1,\"transcript\":\"/x\","
	"\"version\":\"1.0.0\"}",
	"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}",
	"{\"event\":\"device\",\"mode\":\"absent\",\"port\":\"1-2.4\"}",
	"{\"event\":\"evidence\",\"attempt\":1,\"phase\":\"filesystem\",\"end\":\"exited\","
	"\"exit_status\":245,\"transcript_lines\":812,\"lines\":[" LINE(
	    "new-filesystem", "wipe", "707", "Creating filesystem (12)") "]}",
	"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\",\"outcome\":\"failed\"}",
	"{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"phase\":\"filesystem\","
	"\"category\":\"usb\",\"text\":\"the device left the bus in the middle of a step\"}",
	"{\"event\":\"remedy\",\"name\":\"wait-for-device\",\"automatic\":true,\"text\":\"wait "
	"until the device is back on the bus\",\"state\":\"begin\"}",
	"{\"event\":\"remedy\",\"name\":\"wait-for-device\",\"automatic\":true,\"text\":\"wait "
	"until the device is back on the "
	"bus\",\"state\":\"end\",\"seconds\":0.795,\"did\":\"waited 795 ms for the device to be "
	"back on "
	"the bus\",\"outcome\":\"took-effect\"}",
	"{\"event\":\"engine\",\"attempt\":2,\"pid\":4712,\"start_time\":2,\"transcript\":\"/x\","
	"\"version\":\"1.0.0\"}",
	"{\"event\":\"signing\",\"source\":\"relay\",\"verdict\":\"signed\",\"ticket_sha256\":"
	"\"8c7d3f0e5b1a49c2d6f8e7a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e1f3a5b7c9\"}",
	"{\"event\":\"evidence\",\"attempt\":2,\"phase\":\"finish\",\"end\":\"exited\","
	"\"exit_status\":0,\"transcript_lines\":2011,\"lines\":[" LINE(
	    "new-filesystem", "wipe", "701",
	    "Creating filesystem (12)") "," LINE("finished", "end", "1987",
						 "Status: Restore Finished") "]}",
	FACTS("after", "normal", "15.0", "19A346", "Unactivated", "unknown",
	      ",\"why\":\"a phone that was just erased cannot tell: only an activation attempt "
	      "would, and none is made\""),
	"{\"event\":\"attempt\",\"number\":2,\"engine\":\"1.0.0\",\"outcome\":\"restored\"}",
	"{\"event\":\"done\",\"outcome\":\"restored\",\"data\":\"erased\","
	"\"failure\":\"usb-link-dropped\",\"attempts\":2,\"seconds\":19,\"version\":\"15.0\","
	"\"build\":\"19A346\"}",
	NULL
};

static RescueJson *
make_example(void)
{
	static const char digests[] =
	    "[{\"name\":\"journal\",\"size\":5120,\"sha256\":"
	    "\"2fd59cc2971a840b48e6ef1e49a485ef375056ed0bc4d5a36841f520570c0201\"},"
	    "{\"name\":\"attempt-2/transcript.log\",\"size\":58091,\"sha256\":"
	    "\"72ee88dafe97f5986154e419f5dd2076568b64f04b5a3c64640237e9b36ed028\"}]";
	g_autoptr(GPtrArray) events = make_events(example);
	g_autoptr(RescueJson) sums = rescue_json_parse(digests, strlen(digests), NULL);

	return rescue_record_build(events, false, sums);
}

/* what stands in the page between "```KIND" and "```"; caller frees */
static char *
read_block(const char *kind)
{
	g_autofree char *path = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "docs", "record.md",
						 NULL);
	g_autofree char *fence = g_strdup_printf("```%s\n", kind);
	g_autofree char *page = NULL;
	const char *begin, *end;

	g_assert_true(g_file_get_contents(path, &page, NULL, NULL));
	begin = strstr(page, fence);
	g_assert_nonnull(begin);
	begin += strlen(fence);
	end = strstr(begin, "```");
	g_assert_nonnull(end);
	return g_strndup(begin, (gsize)(end - begin));
}

static void
test_page_shows_what_the_program_makes(void)
{
	g_autoptr(RescueJson) record = make_example();
	g_autofree char *json = read_block("json"), *prose = read_block("text");
	g_autoptr(RescueJson) shown = rescue_json_parse(json, strlen(json), NULL);
	g_autofree char *made = rescue_json_dump(record), *told = rescue_record_format(record);

	g_test_message("%s\n%s", made, told);
	g_assert_nonnull(shown);
	g_autofree char *page = rescue_json_dump(shown);
	g_assert_cmpstr(made, ==, page);
	g_assert_cmpstr(told, ==, prose);
}

static void
assert_width(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (size_t i = 0; lines[i] != NULL; i++) {
		const char *word_end = strchr(lines[i] + strspn(lines[i], " "), ' ');
		if (word_end != NULL) /* a single word stays whole */
			g_assert_cmpint(g_utf8_strlen(lines[i], -1), <=, COLUMNS);
	}
}

static void
test_text_is_no_wider_than_a_terminal(void)
{
	g_autoptr(RescueJson) record = make_example();
	g_autofree char *text = rescue_record_format(record);

	assert_width(text);
	g_assert_nonnull(strstr(text, "\nresult: restored; data: erased\n"));
	g_assert_null(strstr(text, "not complete"));
}

/* ---- jobs ---------------------------------------------------------------------------------------- */

static const RescueOwner somebody = { .asked = true,
				      .activation = (char *)"Activated",
				      .find_my = RESCUE_ANSWER_ON,
				      .activation_lock = RESCUE_ANSWER_ON };

static void
test_job_becomes_a_record(void)
{
	g_autoptr(RescueWorld) world = rescue_world_new(RESCUE_MODE_NORMAL);
	g_autoptr(RescueJson) record = NULL;
	double seconds = 0;

	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "mode absent\n" DROPPED);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, "wait 2000\n mode recovery\n");
	rescue_world_then(world, BOOTS);
	rescue_world_belongs_to(world, &somebody);
	(void)rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	record = rescue_record_build(rescue_world_events(world), false, NULL);
	g_assert_cmpstr(word(record, "result", "outcome"), ==, "restored");
	g_assert_cmpstr(word(record, "result", "data"), ==, "erased");
	g_assert_true(rescue_json_get_bool(record, "complete", false));
	g_assert_true(rescue_json_get_real(record, "seconds", &seconds));
	g_assert_cmpfloat(seconds, ==, rescue_world_seconds(world));
	g_assert_cmpstr(word(record, "before", "find_my"), ==, "on");
	g_assert_cmpstr(word(record, "after", "find_my"), ==, "unknown");
	g_assert_cmpstr(word(record, "after", "build"), ==, "19A346");
	g_assert_cmpstr(word(record, "wipe", "state"), ==, "shown");
	g_assert_cmpuint(count(record, "attempts"), ==, 2);
	g_assert_cmpstr(rescue_json_get_string(entry(record, "attempts", 0), "outcome"), ==,
			"failed");
	g_assert_nonnull(rescue_json_get_string(entry(record, "attempts", 0), "failure"));
	g_assert_cmpstr(rescue_json_get_string(entry(record, "attempts", 1), "outcome"), ==,
			"restored");
	g_assert_null(rescue_json_get_string(entry(record, "attempts", 1), "failure"));
	g_assert_cmpuint(count(record, "failures"), ==, 1);
	g_assert_cmpuint(count(record, "remedies"), >=, 1);
	g_assert_nonnull(rescue_json_get_string(entry(record, "remedies", 0), "outcome"));
	g_assert_cmpuint(count(record, "end"), ==, 1);
}

static void
test_phone_that_fails_after_it_had_booted_is_not_called_booted(void)
{
	static const char *const bodies[] = {
		"{\"event\":\"job\",\"behavior\":\"update\"}",
		"{\"event\":\"engine\",\"attempt\":1,\"version\":\"1.0.0\"}",
		FACTS("after", "normal", "14.8", "18H17", "Activated", "on", ""),
		"{\"event\":\"failure\",\"failure\":\"wrong-build\",\"phase\":\"confirm\"}",
		"{\"event\":\"engine\",\"attempt\":2,\"version\":\"1.0.0\"}",
		"{\"event\":\"device\",\"mode\":\"recovery\"}",
		"{\"event\":\"done\",\"outcome\":\"gave-up\",\"data\":\"unknown\"}",
		NULL
	};
	g_autoptr(GPtrArray) events = make_events(bodies);
	g_autoptr(RescueJson) record = rescue_record_build(events, false, NULL);

	g_assert_cmpstr(word(record, "after", "mode"), ==, "recovery");
	g_assert_cmpstr(word(record, "after", "build"), ==, "unknown");
	g_assert_cmpstr(word(record, "after", "find_my"), ==, "unknown");
	g_assert_cmpstr(word(record, "wipe", "state"), ==, "not-asked");
}

/* as version 0.1.0 wrote it before there were facts and evidence */
static void
test_journal_of_an_older_version_leaves_things_unknown(void)
{
	static const char *const bodies[] = {
		"{\"event\":\"job\",\"ipsw\":\"f.ipsw\",\"behavior\":\"erase\"}",
		"{\"event\":\"device\",\"mode\":\"absent\"}",
		"{\"event\":\"device\",\"mode\":\"normal\",\"product\":\"iPhone10,3\","
		"\"serial\":\"F4GXK0ABJCLP\",\"version\":\"14.8\",\"build\":\"18H17\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}",
		"{\"event\":\"device\",\"mode\":\"recovery\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\",\"outcome\":\"adopted\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\",\"outcome\":"
		"\"restored\"}",
		"{\"event\":\"done\",\"outcome\":\"restored\",\"version\":\"15.0\","
		"\"build\":\"19A346\",\"seconds\":12.5}",
		NULL
	};
	g_autoptr(GPtrArray) events = make_events(bodies);
	g_autoptr(RescueJson) record = rescue_record_build(events, false, NULL);
	g_autofree char *text = rescue_record_format(record);

	g_assert_cmpstr(word(record, "device", "serial"), ==, "F4GXK0ABJCLP");
	g_assert_cmpstr(word(record, "before", "mode"), ==, "normal");
	g_assert_cmpstr(word(record, "before", "build"), ==, "18H17");
	g_assert_cmpstr(word(record, "before", "find_my"), ==, "unknown");
	g_assert_cmpstr(word(record, "after", "build"), ==, "19A346");
	g_assert_cmpstr(word(record, "after", "activation_state"), ==, "unknown");
	g_assert_cmpstr(word(record, "after", "why"), ==,
			"the phone was not asked after the restore");
	g_assert_cmpstr(word(record, "wipe", "state"), ==, "unknown");
	g_assert_true(rescue_json_get_bool(entry(record, "attempts", 0), "adopted", false));
	assert_width(text);
}

static void
test_nothing_at_all_is_a_record_too(void)
{
	static const char *const odd[] = { "{}",
					   "{\"event\":\"attempt\"}",
					   "{\"event\":\"remedy\"}",
					   "{\"event\":\"evidence\",\"lines\":7}",
					   "{\"event\":\"facts\"}",
					   "{\"event\":\"engine\",\"attempt\":\"x\"}",
					   NULL };
	static const char *const none[] = { NULL };

	for (size_t i = 0; i < 2; i++) {
		g_autoptr(GPtrArray) events = make_events(i == 0 ? none : odd);
		g_autoptr(RescueJson) record = rescue_record_build(events, true, NULL);
		g_autofree char *text = rescue_record_format(record);
		g_assert_cmpstr(word(record, "result", "outcome"), ==, "unfinished");
		g_assert_cmpstr(word(record, "wipe", "state"), ==, "unknown");
		g_assert_false(rescue_json_get_bool(record, "complete", true));
		g_assert_nonnull(strstr(text, "not complete"));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/record/" #name, test_##name)
	ADD(page_shows_what_the_program_makes);
	ADD(text_is_no_wider_than_a_terminal);
	ADD(job_becomes_a_record);
	ADD(phone_that_fails_after_it_had_booted_is_not_called_booted);
	ADD(journal_of_an_older_version_leaves_things_unknown);
	ADD(nothing_at_all_is_a_record_too);
#undef ADD
	return g_test_run();
}
