/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/line/notice.h"
#include "core/store/outbox.h"
#include "tests/unit/scratch.h"

#define ECID_A 0xA1u
#define ECID_B 0xB2u

static const char bench[] = "[port A1]\nat=1-1\ncable=c1\n[port A2]\nat=1-2\n";
static const char stock[] = "[rule owner]\nfind-my=on\nthen=ask\nsay=Sign out on the phone.\n"
			    "[rule stock]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";

typedef struct {
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station;
	RescueNoticer *noticer;
	GPtrArray *events; /* RescueJson */
	bool full;         /* the sink keeps nothing */
	int64_t now_us;
} Bench;

static void
free_json(void *data)
{
	rescue_json_free(data);
}

static Bench
bench_new(void)
{
	Bench b = { .layout = rescue_layout_parse(bench, strlen(bench), NULL),
		    .rules = rescue_intake_parse(stock, strlen(stock), NULL),
		    .noticer = rescue_noticer_new("bench-1"),
		    .events = g_ptr_array_new_with_free_func(free_json) };

	b.station = rescue_station_new(b.layout, b.rules);
	return b;
}

static void
bench_clear(Bench *b)
{
	rescue_station_free(b->station);
	rescue_intake_free(b->rules);
	rescue_layout_free(b->layout);
	rescue_noticer_free(b->noticer);
	g_ptr_array_unref(b->events);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static bool
on_notice(RescueNoticeKind kind, RescueJson *event, void *data)
{
	Bench *b = data;

	g_assert_cmpstr(rescue_json_get_string(event, "event"), ==, rescue_notice_name(kind));
	if (b->full)
		rescue_json_free(event);
	else
		g_ptr_array_add(b->events, event);
	return !b->full;
}

/* what one look tells: "scan:A1 started:A1" by kind and the last digits of the phone or the port */
static char *
look(Bench *b)
{
	unsigned before = b->events->len;
	GString *text = g_string_new(NULL);

	rescue_noticer_look(b->noticer, b->station, ++b->now_us, on_notice, b);
	for (unsigned i = before; i < b->events->len; i++) {
		const RescueJson *event = g_ptr_array_index(b->events, i);
		const char *ecid = rescue_json_get_string(event, "ecid");
		g_string_append_printf(text, "%s%s:%s", i > before ? " " : "",
				       rescue_json_get_string(event, "event"),
				       ecid != NULL ? ecid + strlen(ecid) - 2
						    : rescue_json_get_string(event, "slot"));
	}
	return g_string_free(text, FALSE);
}

static void
assert_told(Bench *b, const char *expected)
{
	g_autofree char *told = look(b);

	g_assert_cmpstr(told, ==, expected);
}

static void
plug(Bench *b, RescueEcid ecid, const char *port)
{
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->ecid = ecid;
	device->mode = RESCUE_MODE_NORMAL;
	device->product = g_strdup("iPhone10,3");
	device->serial = g_strdup("C39XXXX");
	device->place.port = g_strdup(port);
	rescue_station_see(b->station, device, ++b->now_us);
}

static void
say(Bench *b, RescueEcid ecid, const char *job, const char *text)
{
	g_autofree char *line =
	    g_strdup_printf("{\"job\":\"%s\",\"ecid\":\"0x%016" G_GINT64_MODIFIER "x\",%s}", job,
			    (guint64)ecid, text);
	g_autoptr(RescueJson) event = rescue_json_parse(line, strlen(line), NULL);

	g_assert_nonnull(event);
	rescue_station_job_event(b->station, event, ++b->now_us);
}

static void
start_job(Bench *b, RescueEcid ecid, const char *job)
{
	rescue_station_started(b->station, ecid, job, ++b->now_us);
}

static void
test_each_change_is_told_once(void)
{
	g_auto(Bench) b = bench_new();

	assert_told(&b, "");
	plug(&b, ECID_A, "1-1");
	assert_told(&b, "");
	g_assert_true(rescue_station_scan(b.station, "A1", "4711", 1, NULL));
	start_job(&b, ECID_A, "j1");
	assert_told(&b, "scan:A1 started:A1");
	assert_told(&b, "");
	say(&b, ECID_A, "j1", "\"event\":\"operator\",\"instruction\":\"Press both buttons.\"");
	assert_told(&b, "prompt:A1");
	assert_told(&b, "");
	say(&b, ECID_A, "j1", "\"event\":\"step\",\"state\":\"begin\",\"phase\":\"filesystem\"");
	assert_told(&b, "");
	say(&b, ECID_A, "j1", "\"event\":\"operator\",\"instruction\":\"Press both buttons.\"");
	assert_told(&b, "prompt:A1");
	say(&b, ECID_A, "j1", "\"event\":\"done\",\"outcome\":\"restored\"");
	assert_told(&b, "done:A1");
	assert_told(&b, "");
}

static void
test_an_event_says_which_phone_where_and_why(void)
{
	g_auto(Bench) b = bench_new();
	const RescueJson *event;

	plug(&b, ECID_A, "1-1");
	g_assert_true(rescue_station_scan(b.station, "A1", "4711", 1, NULL));
	start_job(&b, ECID_A, "j1");
	say(&b, ECID_A, "j1", "\"event\":\"done\",\"outcome\":\"gave-up\",\"advice\":\"Look.\"");
	assert_told(&b, "scan:A1 started:A1 done:A1");
	event = g_ptr_array_index(b.events, 2);
	g_assert_cmpstr(rescue_json_get_string(event, "station"), ==, "bench-1");
	g_assert_cmpstr(rescue_json_get_string(event, "slot"), ==, "A1");
	g_assert_cmpstr(rescue_json_get_string(event, "ecid"), ==, "0x00000000000000A1");
	g_assert_cmpstr(rescue_json_get_string(event, "job"), ==, "j1");
	g_assert_cmpstr(rescue_json_get_string(event, "state"), ==, "failed");
	g_assert_cmpstr(rescue_json_get_string(event, "why"), ==, "Look.");
	g_assert_cmpstr(rescue_json_get_string(event, "scan"), ==, "4711");
	g_assert_cmpstr(rescue_json_get_string(event, "serial"), ==, "C39XXXX");
	g_assert_cmpstr(rescue_json_get_string(event, "rule"), ==, "stock");
	g_assert_cmpuint(strlen(rescue_json_get_string(event, "id")), ==, 36);
}

static void
test_what_was_not_kept_comes_again(void)
{
	g_auto(Bench) b = bench_new();

	plug(&b, ECID_A, "1-1");
	start_job(&b, ECID_A, "j1");
	say(&b, ECID_A, "j1", "\"event\":\"done\",\"outcome\":\"restored\"");
	b.full = true;
	assert_told(&b, "");
	b.full = false;
	assert_told(&b, "started:A1 done:A1");
}

static void
test_a_new_noticer_repeats_nothing_and_misses_nothing(void)
{
	g_auto(Bench) b = bench_new();
	unsigned told;

	plug(&b, ECID_A, "1-1");
	plug(&b, ECID_B, "1-2");
	start_job(&b, ECID_A, "j1");
	start_job(&b, ECID_B, "j2");
	say(&b, ECID_B, "j2", "\"event\":\"operator\",\"instruction\":\"Look.\"");
	assert_told(&b, "started:A1 started:B2 prompt:B2");
	g_clear_pointer(&b.noticer, rescue_noticer_free);
	say(&b, ECID_A, "j1", "\"event\":\"done\",\"outcome\":\"restored\"");
	b.noticer = rescue_noticer_new("bench-1");
	told = b.events->len;
	for (unsigned i = 0; i < told; i++)
		rescue_noticer_recall(b.noticer, g_ptr_array_index(b.events, i));
	assert_told(&b, "done:A1");
}

static void
test_a_port_out_of_use_and_back(void)
{
	g_auto(Bench) b = bench_new();

	for (RescueEcid ecid = 1; ecid < 20; ecid++) {
		plug(&b, ecid, "1-1");
		start_job(&b, ecid, "j");
		say(&b, ecid, "j", "\"event\":\"failure\",\"failure\":\"usb-link-dropped\"");
		say(&b, ecid, "j", "\"event\":\"done\",\"outcome\":\"gave-up\"");
		if (rescue_station_slot(b.station, 0) == RESCUE_SLOT_QUARANTINED)
			break;
		rescue_health_condemn((RescueHealth *)rescue_station_health(b.station),
				      RESCUE_PLACE_PORT, "A1");
	}
	g_autofree char *first = look(&b);
	g_assert_nonnull(strstr(first, "quarantine:A1"));
	assert_told(&b, "");
	const RescueJson *event = g_ptr_array_index(b.events, b.events->len - 1);
	g_assert_nonnull(strstr(rescue_json_get_string(event, "why"), "A1"));
	rescue_health_retest((RescueHealth *)rescue_station_health(b.station), RESCUE_PLACE_PORT,
			     "A1");
	rescue_health_retest((RescueHealth *)rescue_station_health(b.station), RESCUE_PLACE_CABLE,
			     "c1");
	assert_told(&b, "retest:A1");
}

static void
test_a_phone_put_aside_is_told(void)
{
	g_auto(Bench) b = bench_new();

	plug(&b, ECID_A, "1-1");
	g_assert_true(rescue_station_hold(b.station, "A1", 5, NULL));
	assert_told(&b, "parked:A1");
	assert_told(&b, "");
	g_assert_true(rescue_station_release(b.station, "A1", 6, NULL));
	assert_told(&b, "");
	g_assert_true(rescue_station_hold(b.station, "A1", 7, NULL));
	assert_told(&b, "parked:A1");
}

static RescueJson *
numbered(unsigned n, size_t padding)
{
	RescueJson *event = rescue_json_object_new();
	g_autofree char *text = g_strnfill(padding, 'x');

	rescue_json_set_int(event, "n", n);
	rescue_json_set_string(event, "text", text);
	return event;
}

static void
append(RescueOutbox *outbox, unsigned n, size_t padding)
{
	g_autoptr(RescueJson) event = numbered(n, padding);
	g_autoptr(GError) error = NULL;

	(void)rescue_outbox_append(outbox, event, &error);
	g_assert_no_error(error);
}

static int64_t
number_of(const GPtrArray *events, unsigned i)
{
	int64_t n = -1;

	(void)rescue_json_get_int(g_ptr_array_index(events, i), "n", &n);
	return n;
}

static void
test_an_outbox_goes_on_where_it_was(void)
{
	g_autofree char *top = g_dir_make_tmp("outbox-XXXXXX", NULL);
	g_autofree char *dir = g_build_filename(top, "line", "outbox", NULL);

	for (unsigned start = 0; start < 3; start++) {
		g_autoptr(RescueOutbox) outbox = rescue_outbox_open(dir, 1u << 20, NULL);
		g_assert_cmpuint(rescue_outbox_last(outbox), ==, start * 2);
		append(outbox, start * 2 + 1, 1);
		append(outbox, start * 2 + 2, 1);
	}
	g_autoptr(GPtrArray) all = rescue_outbox_read(dir, 0, 0);
	g_autoptr(GPtrArray) some = rescue_outbox_read(dir, 3, 2);
	g_assert_cmpuint(all->len, ==, 6);
	g_assert_cmpuint(some->len, ==, 2);
	g_assert_cmpint(number_of(some, 0), ==, 4);
	remove_tree(top);
}

/* the writer died in the middle of a line, or the disk was full then */
static void
test_a_torn_line_loses_only_itself(void)
{
	g_autofree char *dir = g_dir_make_tmp("outbox-XXXXXX", NULL);
	g_autofree char *part = g_build_filename(dir, "events-0000000000000001", NULL);
	g_autofree char *text = NULL;
	g_autoptr(RescueOutbox) outbox = rescue_outbox_open(dir, 1u << 20, NULL);

	append(outbox, 1, 1);
	append(outbox, 2, 1);
	g_clear_pointer(&outbox, rescue_outbox_close);
	g_assert_true(g_file_get_contents(part, &text, NULL, NULL));
	g_assert_true(g_file_set_contents(part, text, (gssize)strlen(text) - 3, NULL));
	outbox = rescue_outbox_open(dir, 1u << 20, NULL);
	append(outbox, 3, 1);
	g_autoptr(GPtrArray) all = rescue_outbox_read(dir, 0, 0);
	g_assert_cmpuint(all->len, ==, 2);
	g_assert_cmpint(number_of(all, 0), ==, 1);
	g_assert_cmpint(number_of(all, 1), ==, 3);
	remove_tree(dir);
}

static uint64_t
bytes_in(const char *dir)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	uint64_t bytes = 0;
	const char *name;

	while ((name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		GStatBuf status;
		g_assert_cmpint(g_stat(path, &status), ==, 0);
		bytes += (uint64_t)status.st_size;
	}
	return bytes;
}

static void
test_the_oldest_goes_when_there_is_too_much(void)
{
	g_autofree char *dir = g_dir_make_tmp("outbox-XXXXXX", NULL);
	g_autoptr(RescueOutbox) outbox = rescue_outbox_open(dir, 1u << 20, NULL);

	for (unsigned i = 1; i <= 500; i++)
		append(outbox, i, 10000);
	g_assert_cmpuint(bytes_in(dir), <=, 1u << 20);
	g_autoptr(GPtrArray) all = rescue_outbox_read(dir, 0, 0);
	g_assert_cmpuint(all->len, >, 50);
	g_assert_cmpint(number_of(all, all->len - 1), ==, 500);
	g_assert_cmpint(number_of(all, 0), ==, 501 - (int64_t)all->len);
	rescue_outbox_expire(dir, G_MAXINT64);
	g_autoptr(GPtrArray) left = rescue_outbox_read(dir, 0, 0);
	g_assert_cmpuint(left->len, >, 0);
	g_assert_cmpint(number_of(left, left->len - 1), ==, 500);
	remove_tree(dir);
}

static void
test_a_reader_ahead_of_a_lost_folder_misses_nothing(void)
{
	g_autofree char *dir = g_dir_make_tmp("outbox-XXXXXX", NULL);
	RescueOutboxCursor cursor = { .seq = 40, .tries = 3, .again_ms = 12345 }, read;

	g_assert_false(rescue_outbox_load(dir, "webhook-x", &read));
	g_assert_true(rescue_outbox_save(dir, "webhook-x", &cursor, NULL));
	g_assert_true(rescue_outbox_load(dir, "webhook-x", &read));
	g_assert_cmpmem(&cursor, sizeof(cursor), &read, sizeof(read));
	g_autoptr(RescueOutbox) outbox = rescue_outbox_open(dir, 1u << 20, NULL);
	append(outbox, 1, 1);
	g_autoptr(GPtrArray) news = rescue_outbox_read(dir, 40, 0);
	g_assert_cmpuint(news->len, ==, 1);
	remove_tree(dir);
}

static void
test_an_event_that_is_too_long_is_refused(void)
{
	g_autofree char *dir = g_dir_make_tmp("outbox-XXXXXX", NULL);
	g_autoptr(RescueOutbox) outbox = rescue_outbox_open(dir, 1u << 20, NULL);
	g_autoptr(RescueJson) event = numbered(1, RESCUE_OUTBOX_MAX_EVENT);
	g_autoptr(GError) error = NULL;

	g_assert_false(rescue_outbox_append(outbox, event, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	append(outbox, 2, 1);
	g_assert_cmpuint(rescue_outbox_last(outbox), ==, 1);
	remove_tree(dir);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notice/once", test_each_change_is_told_once);
	g_test_add_func("/notice/says", test_an_event_says_which_phone_where_and_why);
	g_test_add_func("/notice/again", test_what_was_not_kept_comes_again);
	g_test_add_func("/notice/recall", test_a_new_noticer_repeats_nothing_and_misses_nothing);
	g_test_add_func("/notice/port", test_a_port_out_of_use_and_back);
	g_test_add_func("/notice/parked", test_a_phone_put_aside_is_told);
	g_test_add_func("/outbox/goes-on", test_an_outbox_goes_on_where_it_was);
	g_test_add_func("/outbox/torn", test_a_torn_line_loses_only_itself);
	g_test_add_func("/outbox/bounded", test_the_oldest_goes_when_there_is_too_much);
	g_test_add_func("/outbox/ahead", test_a_reader_ahead_of_a_lost_folder_misses_nothing);
	g_test_add_func("/outbox/long", test_an_event_that_is_too_long_is_refused);
	return g_test_run();
}
