/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cli/line/client/ask.h"
#include "cli/line/client/report.h"
#include "cli/line/client/screen.h"
#include "cli/line/client/shift.h"
#include "cli/line/ops/couriers.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "core/store/journal.h"
#include "tests/unit/scratch.h"

#define NOON_US (INT64_C(1795348800) * G_USEC_PER_SEC) /* 2026-11-22T12:00:00Z */

/* the screen */

static RescueJson *
parse(const char *text)
{
	GError *error = NULL;
	RescueJson *json = rescue_json_parse(text, strlen(text), &error);

	g_assert_no_error(error);
	return json;
}

static const struct {
	const char *state, *more;
} kinds[] = {
	{ "running",
	  "\"model\":\"iPhone X\",\"phase\":\"filesystem\",\"doing\":\"sending the system image\","
	  "\"fraction\":0.47,\"since\":\"2026-11-22T11:48:00.000Z\"" },
	{ "passed", "\"model\":\"iPhone 12 Pro Max\",\"text\":\"restored and seen booted\"" },
	{ "needs-operator",
	  "\"product\":\"iPhone10,3\",\"prompt\":\"Sign out of the account on the "
	  "phone, then unplug it and plug it in again.\"" },
	{ "queued", "\"model\":\"iPhone 8\",\"waits\":\"bus 1 carries one transfer at a time\"" },
	{ "failed", "\"model\":\"iPhone 8\",\"why\":\"the cable \\u001b[2J dropped it\"" },
	{ "quarantined", "\"prompt\":\"6 of 8 restores failed here\"" },
	{ "empty", "\"text\":\"no phone\"" },
};

/* `placed`: the station file says where the ports stand */
static RescueJson *
station_of(unsigned n, unsigned across, unsigned prompts)
{
	g_autoptr(GString) text = g_string_new(
	    "{\"v\":1,\"station\":\"bench-1\",\"states\":{\"running\":3,\"passed\":2},"
	    "\"counts\":{\"yield\":0.912,\"last_hour\":14},\"places\":["
	    "{\"kind\":\"port\",\"label\":\"A7\",\"standing\":\"bad\",\"out_of_use\":true,"
	    "\"sentence\":\"6 of 8 restores failed, elsewhere 3 %\"},"
	    "{\"kind\":\"cable\",\"label\":\"c9\",\"standing\":\"suspicious\","
	    "\"out_of_use\":false,\"sentence\":\"2 of 3\"},"
	    "{\"kind\":\"port\",\"label\":\"A1\",\"standing\":\"good\",\"out_of_use\":false,"
	    "\"sentence\":\"fine\"}],\"prompts\":[");

	for (unsigned i = 0; i < prompts; i++)
		g_string_append_printf(
		    text,
		    "%s{\"text\":\"Instruction %u, which is rather long, so that "
		    "it takes more than one line of a narrow window.\","
		    "\"slots\":[\"A%u\",\"B%u\"]}",
		    i > 0 ? "," : "", i, i, i);
	g_string_append(text, "],\"slots\":[");
	for (unsigned i = 0; i < n; i++) {
		size_t kind = i % G_N_ELEMENTS(kinds);
		g_string_append_printf(text, "%s{\"label\":\"%c%u\",\"state\":\"%s\",%s",
				       i > 0 ? "," : "", 'A' + (int)(i / 8 % 26), i % 8 + 1,
				       kinds[kind].state, kinds[kind].more);
		if (across > 0)
			g_string_append_printf(text, ",\"row\":%u,\"column\":%u", i / across + 1,
					       i % across + 1);
		g_string_append(text, "}");
	}
	g_string_append(text, "]}");
	return parse(text->str);
}

/* nothing is cut off by the terminal, and nothing but our own escapes reaches it */
static void
assert_fits(const char *text, const RescueScreen *screen)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GRegex) escapes = g_regex_new("\033\\[[0-9;]*m", 0, 0, NULL);

	g_assert_cmpuint(g_strv_length(lines), <=, screen->rows);
	for (size_t i = 0; lines[i] != NULL; i++) {
		g_autofree char *bare = g_regex_replace_literal(escapes, lines[i], -1, 0, "", 0,
								NULL);
		g_assert_cmpint(g_utf8_strlen(bare, -1), <=, screen->columns);
		g_assert_null(strchr(bare, '\033'));
	}
}

static void
test_a_screen_fits_every_window(void)
{
	static const unsigned sizes[][2] = { { 80, 24 },  { 120, 40 }, { 40, 10 },
					     { 200, 60 }, { 20, 4 },   { 1, 1 } };
	static const unsigned benches[] = { 0, 1, 8, 16, 64, 256 };

	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
		for (size_t b = 0; b < G_N_ELEMENTS(benches); b++) {
			for (unsigned prompts = 0; prompts < 10; prompts += 3) {
				g_autoptr(RescueJson) station = station_of(benches[b], 4, prompts);
				RescueScreen screen = { .columns = sizes[s][0],
							.rows = sizes[s][1],
							.color = b % 2 == 0,
							.wall_us = NOON_US };
				g_autofree char *text = rescue_screen_draw(station, &screen);
				assert_fits(text, &screen);
			}
		}
	}
}

static void
test_what_a_person_must_do_comes_first(void)
{
	g_autoptr(RescueJson) station = station_of(16, 0, 2);
	const RescueScreen screen = { .columns = 80, .rows = 24, .wall_us = NOON_US };
	g_autofree char *text = rescue_screen_draw(station, &screen);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_assert_true(
	    g_str_has_prefix(lines[0], "bench-1 · 14 in the last hour · yield 91 % · 3 running"));
	g_assert_true(g_str_has_prefix(lines[1], " ! A0, B0: Instruction 0"));
	g_assert_nonnull(strstr(text, "port A7 is out of use: 6 of 8 restores failed"));
	g_assert_nonnull(strstr(text, "cable c9 is suspicious: 2 of 3"));
	g_assert_null(strstr(text, "port A1 is"));
	g_assert_nonnull(strstr(text, "47 % sending the system image"));
	g_assert_nonnull(strstr(text, "\n! A3"));
	g_assert_nonnull(strstr(text, "iPhone X"));
}

/* 64 ports in 80 columns: as they stand on the bench, when that fits */
static void
test_many_slots_share_lines(void)
{
	g_autoptr(RescueJson) placed = station_of(64, 4, 0);
	g_autoptr(RescueJson) unplaced = station_of(64, 0, 0);
	const RescueScreen screen = { .columns = 80, .rows = 24, .wall_us = NOON_US };
	g_autofree char *bench = rescue_screen_draw(placed, &screen);
	g_autofree char *list = rescue_screen_draw(unplaced, &screen);

	g_assert_nonnull(strstr(bench, "> A1 47 % filesys"));
	g_assert_nonnull(strstr(bench, "\nx A5 failed"));
	g_assert_nonnull(strstr(list, "\n> A1 47 % filesys"));
	g_assert_nonnull(strstr(list, "H8"));
	g_assert_nonnull(strstr(bench, "H8"));
}

static void
test_plain_lines_say_everything(void)
{
	g_autoptr(RescueJson) station = station_of(64, 8, 9);
	g_autofree char *text = rescue_screen_plain(station, NOON_US);

	g_assert_nonnull(strstr(text, "! A8, B8: Instruction 8"));
	g_assert_nonnull(strstr(text, "\nA1  running, iPhone X: sending the system image, 47 %\n"));
	g_assert_nonnull(strstr(text, "H8"));
	g_assert_null(strchr(text, '\033'));
	g_assert_true(g_str_has_suffix(text, "\n"));
}

static void
test_an_answer_that_is_no_station_does_no_harm(void)
{
	static const char *const texts[] = { "{}", "[]", "{\"slots\":{}}", "{\"slots\":[1,{}]}",
					     "{\"prompts\":[{}],\"places\":[{}],\"counts\":7}" };
	const RescueScreen screen = { .columns = 80, .rows = 24, .wall_us = NOON_US };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(RescueJson) station = parse(texts[i]);
		g_autofree char *text = rescue_screen_draw(station, &screen);
		assert_fits(text, &screen);
	}
}

/* asking */

typedef struct {
	char *dir, *socket;
	GSocketService *service;
	const char *answer;
} Server;

/* in a thread of GIO's own: asking blocks */
static gboolean
on_run(GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
       gpointer data)
{
	const Server *server = data;
	GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	char buffer[4096];

	(void)g_input_stream_read(in, buffer, sizeof(buffer), NULL, NULL);
	(void)g_output_stream_write_all(out, server->answer, strlen(server->answer), NULL, NULL,
					NULL);
	return TRUE;
}

static void
server_init(Server *server, const char *answer)
{
	g_autoptr(GSocketAddress) address = NULL;

	server->dir = g_dir_make_tmp("ask-XXXXXX", NULL);
	server->socket = g_build_filename(server->dir, "socket", NULL);
	server->answer = answer;
	server->service = g_threaded_socket_service_new(4);
	address = g_unix_socket_address_new(server->socket);
	g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address,
						    G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
						    NULL, NULL, NULL));
	(void)g_signal_connect(server->service, "run", G_CALLBACK(on_run), server);
	g_socket_service_start(server->service);
}

static void
server_stop(Server *server)
{
	if (server->service == NULL)
		return;
	g_socket_service_stop(server->service);
	g_socket_listener_close(G_SOCKET_LISTENER(server->service));
	g_clear_object(&server->service);
}

static void
server_clear(Server *server)
{
	server_stop(server);
	remove_tree(server->dir);
	g_free(server->dir);
	g_free(server->socket);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Server, server_clear)

/* connections are accepted by the loop, which the asking one does not run: a child asks */
static void
ask_in_child(const char *socket, char **ret_output, int *ret_status)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	const char *const argv[] = { self, "--ask", socket, NULL };
	g_auto(RescueProcessResult) result = { 0 };

	g_assert_true(rescue_process_run(&(RescueProcessSpec){ .argv = argv, .inherit_fd = -1 },
					 60000, &result, NULL));
	*ret_output = g_steal_pointer(&result.output);
	*ret_status = result.status;
}

static void
assert_answer(const char *answer, int status, const char *words)
{
	g_auto(Server) server;
	g_autofree char *output = NULL;
	int ended;

	server_init(&server, answer);
	ask_in_child(server.socket, &output, &ended);
	g_test_message("%s", output);
	g_assert_cmpint(ended, ==, status);
	g_assert_nonnull(strstr(output, words));
}

static void
test_each_answer_has_its_status(void)
{
	assert_answer("HTTP/1.0 200 OK\r\nX: y\r\n\r\n{\"a\":1}", 0, "{\"a\":1}");
	assert_answer("HTTP/1.1 404 Not Found\r\n\r\n{\"title\":\"Not Found\",\"detail\":\"no port "
		      "of this station has this label\"}",
		      2, "no port of this station has this label");
	assert_answer("HTTP/1.1 409 Conflict\r\n\r\n{\"detail\":\"its job runs\"}", 75,
		      "its job runs");
	assert_answer("HTTP/1.1 500 Oh\r\n\r\n", 3, "HTTP 500");
	assert_answer("SSH-2.0-OpenSSH\r\n", 3, "is no line");
	assert_answer("", 3, "is no line");
}

static void
test_no_daemon_is_one_sentence(void)
{
	g_auto(Server) server;
	g_autofree char *missing = NULL, *left = NULL;
	g_autofree char *none = g_strdup("/no/such/folder/socket");
	int status;

	server_init(&server, "");
	ask_in_child(none, &missing, &status);
	g_assert_cmpint(status, ==, 3);
	g_assert_nonnull(strstr(missing, "no line runs for this state folder"));
	server_stop(&server);
	ask_in_child(server.socket, &left, &status);
	g_assert_cmpint(status, ==, 3);
	g_assert_nonnull(strstr(left, "left of one that died"));
}

static void
test_a_socket_name_that_is_too_long_is_named(void)
{
	g_autofree char *name = g_strnfill(200, 'x');
	g_autofree char *path = g_strconcat("/tmp/", name, NULL);
	const RescueLineRequest request = { path, "GET", "/", NULL };
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_line_ask(&request, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_nonnull(strstr(error->message, "shorter state folder"));
}

/* shifts */

static RescueJournalSummary *
job_of(const char *job, const char *ended, const char *outcome, double seconds)
{
	RescueJournalSummary *summary = rescue_journal_summary_new();

	summary->job = g_strdup(job);
	summary->ecid = 0xA1;
	summary->started = g_strdup("2026-11-22T08:00:00.000Z");
	summary->ended = g_strdup(ended);
	summary->outcome = g_strdup(outcome);
	summary->seconds = seconds;
	summary->attempts = 1;
	return summary;
}

static void
add(RescueShift *shift, const char *outcome, double seconds, const char *failure, const char *slot)
{
	g_autoptr(RescueJournalSummary)
	    job = job_of("j", "2026-11-22T09:00:00.000Z", outcome, seconds);
	g_autoptr(RescueJson) notice = rescue_json_object_new();

	job->failure = g_strdup(failure);
	rescue_json_set_string(notice, "slot", slot);
	rescue_json_set_string(notice, "scan", "=HYPERLINK(\"http://x\")");
	rescue_shift_add(shift, job, notice);
}

static void
test_a_shift_has_those_that_ended_in_it(void)
{
	g_autoptr(RescueShift) shift = rescue_shift_new(NOON_US, NOON_US + G_USEC_PER_SEC);
	static const struct {
		const char *ended, *outcome;
		bool wanted;
	} cases[] = {
		{ "2026-11-22T12:00:00.000Z", "restored", true },
		{ "2026-11-22T12:00:00.999Z", "gave-up", true },
		{ "2026-11-22T12:00:01.000Z", "restored", false },
		{ "2026-11-22T11:59:59.999Z", "restored", false },
		{ "2026-11-22T12:00:00.000Z", "dry-run", false },
		{ NULL, NULL, false },
		{ "yesterday", "restored", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueJournalSummary)
		    job = job_of("j", cases[i].ended, cases[i].outcome, 1);
		g_assert_cmpint(rescue_shift_wants(shift, job), ==, cases[i].wanted);
	}
}

static void
test_what_a_shift_comes_to(void)
{
	g_autoptr(RescueShift)
	    shift = rescue_shift_new(NOON_US - 8 * 3600 * (int64_t)G_USEC_PER_SEC, NOON_US);
	g_autoptr(RescueJson) json = NULL;
	g_autofree char *people = NULL;
	const RescueJson *totals;
	double real;
	int64_t number;

	for (unsigned i = 1; i <= 20; i++)
		add(shift, "restored", i * 10, NULL, "A1");
	add(shift, "gave-up", 5000, "usb-link-dropped", "A2");
	add(shift, "needs-operator", 5000, "signing-refused", "A2");
	add(shift, "cancelled", 5000, NULL, NULL);
	json = rescue_shift_to_json(shift);
	totals = rescue_json_get(json, "totals");
	g_assert_true(rescue_json_get_int(totals, "jobs", &number) && number == 23);
	g_assert_true(rescue_json_get_int(totals, "failed", &number) && number == 2);
	g_assert_true(rescue_json_get_real(totals, "yield", &real));
	g_assert_cmpfloat_with_epsilon(real, 20.0 / 22, 1e-9);
	g_assert_true(rescue_json_get_real(totals, "restored_per_hour", &real));
	g_assert_cmpfloat_with_epsilon(real, 2.5, 1e-9);
	g_assert_true(rescue_json_get_real(totals, "mean_seconds", &real));
	g_assert_cmpfloat_with_epsilon(real, 105, 1e-9);
	g_assert_true(rescue_json_get_real(totals, "p95_seconds", &real));
	g_assert_cmpfloat_with_epsilon(real, 190, 1e-9);
	g_assert_true(rescue_json_get_int(rescue_json_get(totals, "categories"), "usb", &number) &&
		      number == 1);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "ports")), ==, 3);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "jobs")), ==, 23);
	people = rescue_shift_text(shift);
	g_assert_nonnull(strstr(people, "20 restored of 23, yield 91 %, 2.5 in an hour"));
}

static void
test_an_empty_shift_divides_by_nothing(void)
{
	g_autoptr(RescueShift) shift = rescue_shift_new(NOON_US, NOON_US);
	g_autoptr(RescueJson) json = rescue_shift_to_json(shift);
	g_autofree char *text = rescue_shift_text(shift);
	g_autofree char *csv = rescue_shift_csv(shift);

	g_assert_null(rescue_json_get(rescue_json_get(json, "totals"), "yield"));
	g_assert_nonnull(strstr(text, "0 restored of 0, yield -"));
	g_assert_true(g_str_has_prefix(csv, "job,started,ended,station,slot,ecid,serial,"));
	g_assert_true(g_str_has_suffix(csv, ",seconds\r\n"));
}

static void
test_cells_are_quoted_and_never_formulas(void)
{
	static const char *const slots[][2] = {
		{ "A,1", "\"A,1\"" },    { "A\"1", "\"A\"\"1\"" }, { "=1+1", "\"'=1+1\"" },
		{ "+49", "\"'+49\"" },   { "-1", "\"'-1\"" },      { "@x", "\"'@x\"" },
		{ "\tx", "\"'\tx\"" },   { "a\nb", "\"a\nb\"" },   { "plain", "plain" },
		{ "\r=1", "\"'\r=1\"" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
		g_autoptr(RescueShift) one = rescue_shift_new(0, NOON_US);
		g_autofree char *csv = NULL;
		g_autofree char *cell = g_strdup_printf(",%s,0x00000000000000A1,", slots[i][1]);
		add(one, "restored", 1, NULL, slots[i][0]);
		csv = rescue_shift_csv(one);
		g_assert_nonnull(strstr(csv, cell));
		g_assert_nonnull(strstr(csv, "\"'=HYPERLINK(\"\"http://x\"\")\""));
	}
}

/* 10,000 jobs: the figure stands in the output, the limit only says that nothing is quadratic */
static void
test_ten_thousand_jobs_are_reported_quickly(void)
{
	g_autoptr(RescueShift) shift = rescue_shift_new(0, NOON_US);
	int64_t before_us = g_get_monotonic_time(), took_us;
	g_autofree char *csv = NULL, *dump = NULL;
	g_autoptr(RescueJson) json = NULL;

	for (unsigned i = 0; i < 10000; i++)
		add(shift, i % 9 == 0 ? "gave-up" : "restored", i % 1000, "usb-link-dropped", "A1");
	csv = rescue_shift_csv(shift);
	json = rescue_shift_to_json(shift);
	dump = rescue_json_dump(json);
	took_us = g_get_monotonic_time() - before_us;
	g_test_message("10000 jobs as CSV (%zu bytes) and JSON (%zu bytes): %.0f ms", strlen(csv),
		       strlen(dump), (double)took_us / 1000);
	g_assert_cmpint(took_us, <, 20 * G_USEC_PER_SEC);
}

/* journals as jobs leave them, with what the line noted beside */
static void
test_a_report_reads_the_state_folder(void)
{
	g_autofree char *state = g_dir_make_tmp("report-XXXXXX", NULL);
	g_autofree char *dir = rescue_journal_make_job_dir(state, "20261122-1", NULL);
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	g_autofree char *notice = g_build_filename(dir, RESCUE_NOTICE_FILE, NULL);
	g_autofree char *records = g_build_filename(state, "records", NULL);
	g_autofree char *record = g_build_filename(records, "20261122-1.json", NULL);
	g_autofree char *csv = NULL, *text = NULL;
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);
	g_autoptr(RescueJson) done = parse(
	    "{\"v\":1,\"seq\":1,\"ts\":\"2026-11-22T11:00:00.000Z\",\"job\":"
	    "\"20261122-1\",\"ecid\":\"0x00000000000000A1\",\"event\":\"done\","
	    "\"outcome\":\"restored\",\"seconds\":300,\"attempts\":1,\"build\":\"20H\"}");

	g_assert_true(rescue_journal_append(journal, done, NULL));
	g_clear_pointer(&journal, rescue_journal_close);
	g_assert_true(g_file_set_contents(notice, "{\"slot\":\"A3\",\"scan\":\"4711\"}", -1, NULL));
	csv = rescue_report_text(state, 0, NOON_US, true);
	g_assert_nonnull(strstr(csv, "\r\n20261122-1,"));
	g_assert_nonnull(strstr(csv, ",A3,0x00000000000000A1,,,4711,"));
	g_assert_true(rescue_report_write_records(state, 0, NOON_US, records, NULL));
	g_assert_true(g_file_get_contents(record, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "\"line\":{\"slot\":\"A3\",\"scan\":\"4711\"}"));
	g_assert_nonnull(strstr(text, "\"result\":"));
	remove_tree(state);
}

/* --ask SOCKET: as a command would */
static int
ask(const char *socket)
{
	const RescueLineRequest request = { socket, "POST", "/api/v1/slots/A%201/hold", "{}" };
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = rescue_line_ask(&request, &error);

	(void)puts(answer != NULL ? answer : error->message);
	return answer != NULL ? 0 : (int)rescue_failure_exit_status((RescueFailure)error->code);
}

static const struct {
	const char *name;
	GTestFunc run;
} tests[] = {
	{ "/screen/fits", test_a_screen_fits_every_window },
	{ "/screen/first", test_what_a_person_must_do_comes_first },
	{ "/screen/many", test_many_slots_share_lines },
	{ "/screen/plain", test_plain_lines_say_everything },
	{ "/screen/garbage", test_an_answer_that_is_no_station_does_no_harm },
	{ "/ask/answers", test_each_answer_has_its_status },
	{ "/ask/nobody", test_no_daemon_is_one_sentence },
	{ "/ask/long", test_a_socket_name_that_is_too_long_is_named },
	{ "/shift/span", test_a_shift_has_those_that_ended_in_it },
	{ "/shift/totals", test_what_a_shift_comes_to },
	{ "/shift/empty", test_an_empty_shift_divides_by_nothing },
	{ "/shift/cells", test_cells_are_quoted_and_never_formulas },
	{ "/shift/many", test_ten_thousand_jobs_are_reported_quickly },
	{ "/shift/folder", test_a_report_reads_the_state_folder },
};

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--ask") == 0)
		return ask(argv[2]);
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].name, tests[i].run);
	return g_test_run();
}
