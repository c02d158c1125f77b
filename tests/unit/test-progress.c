/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/choose.h"
#include "cli/common/config.h"
#include "cli/common/display.h"
#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "cli/common/report.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/model/event.h"

#define SECOND G_USEC_PER_SEC

static void
feed_step(RescueProgress *progress, RescuePhase phase, bool begin, int64_t now_us)
{
	g_autoptr(RescueJson) event = rescue_event_step(phase, begin);

	(void)rescue_progress_feed(progress, event, now_us);
}

static void
feed_bytes(RescueProgress *progress, uint64_t bytes, uint64_t total, int64_t now_us)
{
	g_autoptr(RescueJson)
	    event = rescue_event_progress(RESCUE_PHASE_FILESYSTEM, (double)bytes / (double)total,
					  bytes, total);

	g_assert_true(rescue_progress_feed(progress, event, now_us));
}

static void
feed_fraction(RescueProgress *progress, double fraction, int64_t now_us)
{
	g_autoptr(RescueJson)
	    event = rescue_event_progress(RESCUE_PHASE_FILESYSTEM, fraction, 0, 0);

	g_assert_true(rescue_progress_feed(progress, event, now_us));
}

static void
test_bytes_give_rate_and_time_left(void)
{
	RescueProgress progress = { 0 };
	g_autofree char *line = NULL;
	int i;

	feed_step(&progress, RESCUE_PHASE_FILESYSTEM, true, 0);
	for (i = 1; i <= 20; i++)
		feed_bytes(&progress, (uint64_t)i * 10000000, 1000000000, i * SECOND);
	g_assert_cmpfloat_with_epsilon(rescue_progress_rate(&progress), 1e7, 1);
	g_assert_cmpint(rescue_progress_left_ms(&progress), ==, 80000);
	line = rescue_progress_bar(&progress, 120);
	g_test_message("%s", line);
	g_assert_nonnull(strstr(line, "sending the system image"));
	g_assert_nonnull(strstr(line, "[####................]"));
	g_assert_nonnull(strstr(line, "20 %"));
	g_assert_nonnull(strstr(line, "MB/s"));
	g_assert_nonnull(strstr(line, "1 min 20 s left"));
}

static void
test_rate_follows_what_the_link_does_now(void)
{
	RescueProgress progress = { 0 };
	int i;

	feed_step(&progress, RESCUE_PHASE_FILESYSTEM, true, 0);
	for (i = 1; i <= 60; i++)
		feed_bytes(&progress, (uint64_t)i * 30000000, 10000000000, i * SECOND);
	for (i = 1; i <= 12; i++)
		feed_bytes(&progress, 1800000000 + (uint64_t)i * 1000000, 10000000000,
			   (60 + i) * SECOND);
	g_assert_cmpfloat_with_epsilon(rescue_progress_rate(&progress), 1e6, 1e5);
}

static void
test_fraction_alone_gives_time_left(void)
{
	RescueProgress progress = { 0 };
	g_autofree char *line = NULL;

	feed_step(&progress, RESCUE_PHASE_FILESYSTEM, true, 0);
	feed_fraction(&progress, 0.0, 0);
	feed_fraction(&progress, 0.25, 10 * SECOND);
	g_assert_cmpint(rescue_progress_left_ms(&progress), ==, 30000);
	line = rescue_progress_plain(&progress);
	g_assert_nonnull(strstr(line, "sending the system image: 20 %"));
	g_assert_nonnull(strstr(line, "30 s left"));
}

static void
test_nothing_is_claimed_before_it_is_known(void)
{
	RescueProgress progress = { 0 };
	g_autofree char *line = NULL;

	feed_step(&progress, RESCUE_PHASE_NOR, true, 5 * SECOND);
	g_assert_cmpint(rescue_progress_tenths(&progress), ==, -1);
	g_assert_cmpint(rescue_progress_left_ms(&progress), ==, -1);
	line = rescue_progress_bar(&progress, 80);
	g_assert_cmpstr(line, ==, "writing the boot chain");
}

/* another component starts from zero: its rate is measured anew, and never negative */
static void
test_going_back_starts_the_measure_anew(void)
{
	RescueProgress progress = { 0 };

	feed_step(&progress, RESCUE_PHASE_FILESYSTEM, true, 0);
	feed_bytes(&progress, 90, 100, SECOND);
	feed_bytes(&progress, 10, 100, 2 * SECOND);
	g_assert_cmpfloat(rescue_progress_rate(&progress), ==, 0);
	feed_bytes(&progress, 20, 100, 3 * SECOND);
	g_assert_cmpfloat_with_epsilon(rescue_progress_rate(&progress), 10, 0.01);
}

static void
test_no_line_is_wider_than_the_terminal(void)
{
	RescueProgress progress = { 0 };
	unsigned columns;

	feed_step(&progress, RESCUE_PHASE_FILESYSTEM, true, 0);
	feed_bytes(&progress, 1, 1000000000, SECOND);
	feed_bytes(&progress, 300000000, 1000000000, 4 * SECOND);
	for (columns = 1; columns < 200; columns++) {
		g_autofree char *line = rescue_progress_bar(&progress, columns);
		g_assert_cmpint(g_utf8_strlen(line, -1), <=, columns);
	}
}

static RescueJson *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	RescueJson *json = rescue_json_parse(text, strlen(text), &error);

	g_assert_no_error(error);
	return json;
}

#define STAMP                                                                           \
	"\"v\":1,\"seq\":1,\"ts\":\"2026-11-22T10:04:00.123Z\",\"job\":\"j\",\"ecid\":" \
	"\"0x0000000000001234\","
#define JOB "{" STAMP "\"event\":\"job\",\"ipsw\":\"/f.ipsw\",\"behavior\":\"erase\"}"
#define DEVICE    \
	"{" STAMP \
	"\"event\":\"device\",\"mode\":\"recovery\",\"product\":\"iPhone10,3\",\"port\":\"1-2\"}"
#define FAILURE                                                                                    \
	"{" STAMP "\"event\":\"failure\",\"phase\":\"boot-ramdisk\",\"category\":\"usb\","         \
	"\"failure\":\"usb-link-dropped\","                                                        \
	"\"codes\":[{\"domain\":\"itunes\",\"value\":4013},{\"domain\":\"itunes\",\"value\":4014}" \
	"],"                                                                                       \
	"\"text\":\"the device left the bus\"}"
#define REMEDY(state, outcome)                                                                  \
	"{" STAMP "\"event\":\"remedy\",\"name\":\"wait-for-device\",\"automatic\":true,"       \
	"\"text\":\"wait until the device is back on the bus\",\"state\":\"" state "\"" outcome \
	"}"
#define ATTEMPT "{" STAMP "\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}"
#define DONE                                                                                     \
	"{" STAMP "\"event\":\"done\",\"outcome\":\"restored\",\"data\":\"erased\",\"failure\":" \
	"\"usb-link-dropped\","                                                                  \
	"\"attempts\":2,\"seconds\":70.2,\"version\":\"15.4\",\"build\":\"19E241\"}"
#define ENDED                                                 \
	REMEDY("end", ",\"outcome\":\"took-effect\",\"did\":" \
		      "\"waited 8 s for the device to be back on the bus\"")

static void
test_event_becomes_a_sentence(void)
{
	static const struct {
		const char *event, *sentence;
	} cases[] = {
		{ DEVICE, "iPhone10,3 is in recovery mode on port 1-2" },
		{ ATTEMPT, "attempt 1 with engine 1.0.0" },
		{ FAILURE, "failed: the device left the bus [usb-link-dropped (category usb, "
			   "itunes 4013)]" },
		{ REMEDY("begin", ""), "remedy: wait until the device is back on the bus" },
		{ ENDED, "remedy: waited 8 s for the device to be back on the bus" },
		{ REMEDY("end", ",\"outcome\":\"no-effect\",\"did\":\"waited 8 s\""),
		  "remedy: waited 8 s: this had no effect" },
		{ "{\"event\":\"operator\",\"instruction\":\"unlock it\",\"deadline\":60}",
		  "please: unlock it (within 60 s)" },
		{ "{\"event\":\"progress\",\"phase\":\"nor\",\"fraction\":0.5}", NULL },
		{ "{\"event\":\"something-new\"}", NULL },
		{ "{}", NULL },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueJson) event = parse(cases[i].event);
		g_autofree char *sentence = rescue_event_sentence(event);
		g_assert_cmpstr(sentence, ==, cases[i].sentence);
	}
}

static void
test_report_names_failure_number_and_change(void)
{
	static const char *const events[] = { JOB,   DEVICE, ATTEMPT, FAILURE, REMEDY("begin", ""),
					      ENDED, DONE };
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autofree char *text = NULL;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(events); i++) {
		g_autoptr(RescueJson) event = parse(events[i]);
		rescue_report_feed(report, event);
	}
	text = rescue_report_format(report);
	g_assert_cmpstr(text, ==,
			"iPhone10,3 0x0000000000001234: restored, it runs 15.4 (19E241)\n"
			"firmware: /f.ipsw (erase)\n"
			"1. attempt 1: usb-link-dropped (category usb, itunes 4013)\n"
			"   the device left the bus\n"
			"   then: waited 8 s for the device to be back on the bus\n"
			"attempts: 2, failures: 1, time: 1 min 10 s, data: erased\n");
}

static void
test_report_of_a_job_that_was_cut_off(void)
{
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autoptr(RescueJson) job = parse(JOB);
	g_autofree char *text = NULL;

	rescue_report_feed(report, job);
	text = rescue_report_format(report);
	g_assert_cmpstr(rescue_report_outcome(report), ==, "unfinished");
	g_assert_true(g_str_has_prefix(text, "device 0x0000000000001234: unfinished\n"));
}

static void
test_report_says_what_to_do(void)
{
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autoptr(RescueJson)
	    done = parse("{" STAMP "\"event\":\"done\",\"outcome\":\"gave-up\","
			 "\"failure\":\"usbmuxd-missing\",\"attempts\":0,\"seconds\":1}");
	g_autofree char *text = NULL;

	rescue_report_feed(report, done);
	text = rescue_report_format(report);
	g_assert_nonnull(strstr(text, "what to do: "));
	g_assert_nonnull(strstr(text, rescue_failure_info(RESCUE_FAILURE_NO_USBMUXD)->advice));
}

static void
test_report_tells_whose_the_phone_is(void)
{
	static const char *const events[] = {
		"{" STAMP "\"event\":\"facts\",\"when\":\"before\",\"find_my\":\"on\"}",
		"{" STAMP "\"event\":\"facts\",\"when\":\"after\",\"activation_state\":"
		"\"Unactivated\",\"find_my\":\"unknown\",\"activation_lock\":\"unknown\",\"why\":"
		"\"nobody knows\"}",
		"{" STAMP "\"event\":\"done\",\"outcome\":\"restored\",\"attempts\":1,"
		"\"seconds\":1}",
	};
	g_autoptr(RescueReport) report = rescue_report_new();
	g_autofree char *text = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
		g_autoptr(RescueJson) event = parse(events[i]);
		rescue_report_feed(report, event);
	}
	rescue_report_set_record(report, "/srv/r.json");
	text = rescue_report_format(report);
	g_assert_nonnull(strstr(text,
				"\nactivation: Unactivated, Find My: unknown, activation lock: "
				"unknown (nobody knows); Find My was on before\n"));
	g_assert_true(g_str_has_suffix(text, "\nrecord: /srv/r.json\n"));
}

/* A clock that stands still until it is moved. */
static int64_t
read_clock(void *self)
{
	return *(int64_t *)self;
}

static char *
display(bool terminal, int64_t step_us)
{
	char *text = NULL;
	size_t size = 0;
	int64_t now_us = SECOND;
	const RescueClock clock = { .monotonic_us = read_clock,
				    .wall_us = read_clock,
				    .self = &now_us };
	FILE *stream = open_memstream(&text, &size);
	const RescueDisplaySpec spec = {
		.stream = stream, .terminal = terminal, .columns = 100, .clock = &clock
	};
	RescueDisplay *shown = rescue_display_new(&spec);
	g_autoptr(RescueJson) step = rescue_event_step(RESCUE_PHASE_FILESYSTEM, true);
	g_autoptr(RescueJson) failure = parse(FAILURE);
	int i;

	rescue_display_feed(shown, step);
	for (i = 0; i <= 100; i++) {
		g_autoptr(RescueJson)
		    event = rescue_event_progress(RESCUE_PHASE_FILESYSTEM, i / 100.0, 0, 0);
		rescue_display_feed(shown, event);
		now_us += step_us;
	}
	rescue_display_feed(shown, failure);
	rescue_display_free(shown);
	g_assert_cmpint(fclose(stream), ==, 0);
	return text;
}

static unsigned
count(const char *text, char wanted)
{
	unsigned found = 0;

	for (; *text != '\0'; text++)
		found += *text == wanted;
	return found;
}

static void
test_plain_display_has_a_line_per_ten_percent(void)
{
	char *text = display(false, SECOND);

	g_assert_null(strchr(text, '\r'));
	/* the step, ten times ten percent, the failure */
	g_assert_cmpuint(count(text, '\n'), ==, 12);
	g_assert_nonnull(strstr(text, "sending the system image: 50 %"));
	free(text);
}

static void
test_terminal_is_redrawn_ten_times_a_second_at_most(void)
{
	/* 101 events in 1.01 s */
	char *text = display(true, SECOND / 100);

	g_assert_cmpuint(count(text, '\r'), <=, 15);
	g_assert_cmpuint(count(text, '\r'), >=, 8);
	g_assert_cmpuint(count(text, '\n'), ==, 1);
	free(text);
}

static void
test_table_columns_are_as_wide_as_needed(void)
{
	static const char *const titles[] = { "A", "LONG", NULL };
	static const char *const row[] = { "wide é", NULL };
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	g_autofree char *text = NULL;

	rescue_table_add(table, row);
	text = rescue_table_format(table);
	g_assert_cmpstr(text, ==, "A       LONG\nwide é  -\n");
}

static void
add_device(GPtrArray *devices, RescueEcid ecid)
{
	RescueDevice *device = rescue_device_new();

	device->ecid = ecid;
	device->mode = RESCUE_MODE_RECOVERY;
	device->product = g_strdup("iPhone10,3");
	g_ptr_array_add(devices, device);
}

static void
test_nobody_acts_on_the_first_device_of_two(void)
{
	g_autoptr(GPtrArray)
	    devices = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_device_free);
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_choose_device(devices, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND);
	g_clear_error(&error);
	add_device(devices, 0x1234);
	g_assert_cmpuint(rescue_choose_device(devices, &error)->ecid, ==, 0x1234);
	add_device(devices, 0x5678);
	g_assert_null(rescue_choose_device(devices, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_SEVERAL_DEVICES);
	g_assert_nonnull(strstr(error->message, "0x0000000000001234"));
	g_assert_nonnull(strstr(error->message, "0x0000000000005678"));
}

static bool
apply(RescueCli *cli, const char *text, GError **error)
{
	return rescue_cli_config_apply(cli, "rescue.conf", text, strlen(text), error);
}

static void
test_config_fills_what_no_option_said(void)
{
	g_auto(RescueCli) cli = { .engine = g_strdup("/from/option") };
	g_autoptr(GError) error = NULL;

	g_assert_true(
	    apply(&cli, "# lab\n\n[idevicerescue]\n  state = /s p \nengine=/from/file\n", &error));
	g_assert_no_error(error);
	g_assert_cmpstr(cli.state_dir, ==, "/s p");
	g_assert_cmpstr(cli.engine, ==, "/from/option");
}

static void
test_config_is_strict(void)
{
	static const char *const wrong[] = {
		"state = /s\n",
		"[idevicerescue]\nsate = /s\n",
		"[idevicerescue]\nstate = /s\nstate = /t\n",
		"[idevicerescue]\nstate =\n",
		"[idevicerescue]\nstate\n",
		"[other]\n",
		"[idevicerescue]\n[idevicerescue]\n",
		"[idevicerescue]\nstate = \xff\n",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(RescueCli) cli = { 0 };
		g_autoptr(GError) error = NULL;
		g_assert_false(apply(&cli, wrong[i], &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
		g_assert_nonnull(strstr(error->message, "rescue.conf"));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/progress/bytes", test_bytes_give_rate_and_time_left);
	g_test_add_func("/progress/recent", test_rate_follows_what_the_link_does_now);
	g_test_add_func("/progress/fraction", test_fraction_alone_gives_time_left);
	g_test_add_func("/progress/unknown", test_nothing_is_claimed_before_it_is_known);
	g_test_add_func("/progress/back", test_going_back_starts_the_measure_anew);
	g_test_add_func("/progress/width", test_no_line_is_wider_than_the_terminal);
	g_test_add_func("/sentence/events", test_event_becomes_a_sentence);
	g_test_add_func("/report/story", test_report_names_failure_number_and_change);
	g_test_add_func("/report/cut-off", test_report_of_a_job_that_was_cut_off);
	g_test_add_func("/report/owner", test_report_tells_whose_the_phone_is);
	g_test_add_func("/report/advice", test_report_says_what_to_do);
	g_test_add_func("/display/plain", test_plain_display_has_a_line_per_ten_percent);
	g_test_add_func("/display/terminal", test_terminal_is_redrawn_ten_times_a_second_at_most);
	g_test_add_func("/output/table", test_table_columns_are_as_wide_as_needed);
	g_test_add_func("/choose/devices", test_nobody_acts_on_the_first_device_of_two);
	g_test_add_func("/config/defaults", test_config_fills_what_no_option_said);
	g_test_add_func("/config/strict", test_config_is_strict);
	return g_test_run();
}
