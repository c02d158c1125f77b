/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/system/line/line.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "cli/line/client/ask.h"
#include "core/base/parse.h"
#include "core/process/notify.h"
#include "core/store/journal.h"

/*
 * idevicerescue-lab-line [WORD=N…]: runs in a world of the lab with the phones p0, p1, …; has them restored by `line
 * run`, again and again, kills the daemon on the way, and compares what the station, its jobs and the lab tell. The
 * words are in README.md. Status 0: nothing was lost.
 */

enum {
	EXIT_LOST = 1,
	EXIT_USAGE = 2,
	DEADLINE_S = 3 * 60 * 60,
	CLOCK_STEP_S = 5400,
	PAUSE_US = 900 * 1000,
	AGAIN_MS = 300, /* from a kill to the next start */
	PORTS_OF_HUB = 8,
	MAX_HARMS = 1000,
	FIRST_KILLS = 3, /* are waited for, even when all phones have come to their end */
};

/* ---- the station -------------------------------------------------------------------------------- */

static void
write_file(const char *path, const char *text)
{
	g_autoptr(GError) error = NULL;
	(void)g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

void
line_write_station(const Line *line)
{
	g_autoptr(GString)
	    text = g_string_new("[limits]\nstagger=20ms\nphone-endpoints=1\nremember=30d\n"
				"old-engine-alone=no\n");
	g_string_append_printf(text, "jobs=%u\n", line->limit);
	if (line->hold != 0)
		g_string_append_printf(text,
				       "hold-transfers=yes\nhold-limit=10m\ntransfers=%u\n"
				       "transfers-max=%u\n",
				       line->hold, line->hold);
	g_autofree char *rules =
	    g_strdup_printf("[rule all]\nfind-my=any\nmanaged=any\nthen=erase\n"
			    "file=%s\npolicy=%s/line.policy\n",
			    g_getenv("LAB_FIRMWARE_F"), g_getenv("LAB_SCENARIO_DIR"));
	for (unsigned i = 0; i < line->phones; i++)
		g_string_append_printf(text, "[port P%u]\nat=1-%u.%u\n", i, 1 + i / PORTS_OF_HUB,
				       1 + i % PORTS_OF_HUB);
	for (unsigned i = 1; i <= LINE_SPARE_PORTS; i++)
		g_string_append_printf(text, "[port S%u]\nat=1-31.%u\n", i, i);
	write_file(line->station, text->str);
	write_file(line->rules, rules);
}

static void start_daemon(Line *line);

static gboolean
on_again(void *data)
{
	start_daemon(data);
	return G_SOURCE_REMOVE;
}

static void
on_daemon_end(int status, int signal, void *data)
{
	Line *line = data;
	line->status = signal != 0 ? 128 + signal : status;
	bool again = signal == SIGKILL || (line_may_refuse(line) && status != 0);
	if (again && !line->stopping)
		(void)g_timeout_add(AGAIN_MS, on_again, line);
	else
		line->ended = true;
}

char *
line_ecid(unsigned number)
{
	g_autofree char *variable = g_strdup_printf("LAB_ECID_P%u", number);
	const char *ecid = g_getenv(variable);
	return g_strdup_printf("0x%016" G_GINT64_MODIFIER "X",
			       ecid != NULL ? g_ascii_strtoull(ecid, NULL, 0) : 0);
}

unsigned
line_number(const char *ecid)
{
	return (unsigned)(g_ascii_strtoull(ecid, NULL, 0) & 0xffffff);
}

/* The time of day of each is another one, when that is wanted: ahead, behind, further ahead … */
static char *
clock_of(const Line *line)
{
	int steps = (int)line->killed * (line->killed % 2 == 0 ? 1 : -1);
	return g_strdup_printf("LAB_CLOCK_OFFSET=%d", line->clocks != 0 ? steps * CLOCK_STEP_S : 0);
}

RescueProcess *
line_start_daemon(Line *line, RescueProcessExit on_exit)
{
	const char *const argv[] = { "idevicerescue", "line",        "run",     "--listen",  "none",
				     "--station",     line->station, "--rules", line->rules, NULL };
	g_autofree char *clock = clock_of(line);
	const char *const env[] = { clock, NULL };
	g_autoptr(GError) error = NULL;
	RescueProcess *daemon =
	    rescue_process_start(&(RescueProcessSpec){ .argv = argv,
						       .env = env,
						       .output_path = line->output,
						       .outlives_us = true,
						       .inherit_fd = -1,
						       .on_exit = on_exit,
						       .data = line },
				 &error);
	g_assert_no_error(error);
	return daemon;
}

static void
start_daemon(Line *line)
{
	rescue_process_free(line->daemon);
	line->daemon = line_start_daemon(line, on_daemon_end);
}

static gboolean
on_kill(void *data)
{
	Line *line = data;
	if (line->killed >= line->kills || line->stopping)
		return G_SOURCE_REMOVE;
	line->killed++;
	(void)kill(rescue_process_pid(line->daemon), SIGKILL);
	return G_SOURCE_CONTINUE;
}

/* ---- what it tells ------------------------------------------------------------------------------ */

static void
free_phone(void *data)
{
	LinePhone *phone = data;
	g_free(phone->state);
	g_free(phone->port);
	g_free(phone->job);
	g_free(phone);
}

static bool
is_final(const LinePhone *phone)
{
	return g_strcmp0(phone->state, "passed") == 0 || g_strcmp0(phone->state, "failed") == 0 ||
	       g_strcmp0(phone->state, "needs-operator") == 0 ||
	       g_strcmp0(phone->state, "parked") == 0;
}

static void
take_phone(Line *line, const RescueJson *event)
{
	const char *ecid = rescue_json_get_string(event, "ecid");
	LinePhone *phone = g_hash_table_lookup(line->states, ecid);
	if (phone == NULL) {
		phone = g_new0(LinePhone, 1);
		g_hash_table_insert(line->states, g_strdup(ecid), phone);
	}
	g_free(phone->state);
	phone->state = g_strdup(rescue_json_get_string(event, "state"));
	phone->alive = rescue_json_get_bool(event, "alive", false);
	if (rescue_json_get(event, "present") == NULL)
		return;
	g_free(phone->port);
	phone->port = g_strdup(rescue_json_get_string(event, "port"));
	const char *job = rescue_json_get_string(event, "job");
	if (g_strcmp0(phone->job, job) != 0) {
		g_free(phone->job);
		phone->job = g_strdup(job);
		line->jobs += job != NULL;
		phone->asked = phone->prepared = false;
	}
}

/*
 * One that was erased has forgotten this computer: somebody holds its buttons before the next job. A daemon that was
 * just killed, or refuses as long as the phone is not back, is asked again in a second.
 */
static void
try_again(Line *line, const char *ecid, LinePhone *phone)
{
	bool ended = g_strcmp0(phone->state, "passed") == 0 ||
		     g_strcmp0(phone->state, "failed") == 0;
	g_autofree char *socket = rescue_line_socket(line->state);
	g_autofree char *path = g_strdup_printf("/api/v1/slots/%s/%s", phone->port,
						ended ? "retest" : "release");
	const RescueLineRequest request = {
		.socket = socket, .method = "POST", .path = path, .body = "{}"
	};
	int64_t now_us = g_get_monotonic_time();
	if (now_us - phone->tried_us < PAUSE_US)
		return;
	phone->tried_us = now_us;
	if (!phone->prepared) {
		phone->prepared = true;
		line_tell_lab(ecid, "recovery");
		return;
	}
	g_autofree char *answer = rescue_line_ask(&request, NULL);
	phone->asked = answer != NULL;
	line->asked += phone->asked;
}

/* Phones that have ended get another job, as long as there are restores to be made. */
static bool
go_round(Line *line)
{
	GHashTableIter iter;
	void *ecid, *value;
	unsigned final = 0;
	g_hash_table_iter_init(&iter, line->states);
	while (g_hash_table_iter_next(&iter, &ecid, &value)) {
		LinePhone *phone = value;
		if (!is_final(phone) || phone->alive || phone->asked)
			continue;
		if (line->phones + line->asked < line->restores)
			try_again(line, ecid, phone);
		final += !phone->asked;
	}
	return final == line->phones && line->phones + line->asked >= line->restores;
}

static void
on_news(const char *name, void *data)
{
	Line *line = data;
	g_autoptr(GPtrArray) events = rescue_journal_tail_read(line->tail);
	for (unsigned i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		if (g_strcmp0(rescue_json_get_string(event, "event"), "phone") == 0)
			take_phone(line, event);
	}
	if (line->stopping || !go_round(line) || line->killed < MIN(line->kills, FIRST_KILLS))
		return;
	line->stopping = true;
	line_figures_end(line);
	(void)kill(rescue_process_pid(line->daemon), SIGTERM);
}

static gboolean
on_look(void *data)
{
	on_news(NULL, data); /* the last kill may come after the last line */
	return G_SOURCE_CONTINUE;
}

/* ---- together ----------------------------------------------------------------------------------- */

static gboolean
on_deadline(void *data)
{
	Line *line = data;
	line->ended = true;
	return G_SOURCE_REMOVE;
}

static void
init(Line *line)
{
	const char *dir = g_getenv("LAB_DIR");
	g_autofree char *folder = NULL, *journal = NULL;
	line->state = g_build_filename(g_getenv("XDG_STATE_HOME"), "idevicerescue", NULL);
	line->station = g_build_filename(dir, "station.conf", NULL);
	line->rules = g_build_filename(dir, "rules.conf", NULL);
	line->output = g_build_filename(dir, "daemon", NULL);
	line->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_phone);
	line_mount_disk(line);
	folder = g_build_filename(line->state, "line", NULL);
	journal = g_build_filename(folder, "journal", NULL);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	line->tail = rescue_journal_tail_new(journal);
	line->news = rescue_notify_new(folder, IN_MODIFY, on_news, line);
}

static void
clear(Line *line)
{
	line_harm_free(line);
	rescue_process_free(line->daemon);
	rescue_notify_free(line->news);
	rescue_journal_tail_free(line->tail);
	g_hash_table_unref(line->states);
	g_free(line->state);
	g_free(line->station);
	g_free(line->rules);
	g_free(line->output);
}

static void
tell_daemon(const Line *line)
{
	g_autofree char *text = NULL;
	if (g_file_get_contents(line->output, &text, NULL, NULL))
		printf("%s", text);
}

static int
run(Line *line)
{
	int64_t begin_us = g_get_monotonic_time();
	init(line);
	(void)g_timeout_add(line->every_ms, on_kill, line);
	(void)g_timeout_add_seconds(DEADLINE_S, on_deadline, line);
	(void)g_timeout_add_seconds(1, on_look, line);
	line_write_station(line);
	start_daemon(line);
	line_harm_begin(line);
	line_figures_begin(line);
	while (!line->ended)
		g_main_context_iteration(NULL, TRUE);
	if (!line->stopping)
		printf("lost: not all phones have come to their end\n");
	unsigned lost = line_judge(line) + line_judge_transfers(line) + line_harm_end(line) +
			(line->status != 0) + !line->stopping;
	if (lost > 0)
		tell_daemon(line);
	printf(
	    "figures: %u phones, %u restores in %.0f s, %u kills of the daemon, status %d at its "
	    "end\n",
	    line->phones, line->jobs, (double)(g_get_monotonic_time() - begin_us) / G_USEC_PER_SEC,
	    line->killed, line->status);
	clear(line);
	return lost > 0 ? EXIT_LOST : 0;
}

/* "phones=4" */
static bool
read_option(Line *line, const char *word)
{
	const struct {
		const char *name;
		unsigned *value, max;
	} options[] = {
		{ "phones=", &line->phones, 256 },
		{ "jobs=", &line->limit, 256 },
		{ "restores=", &line->restores, 100000 },
		{ "kills=", &line->kills, 100000 },
		{ "every=", &line->every_ms, 1000000 },
		{ "figures=", &line->wants_figures, 1 },
		{ "faults=", &line->faults, 1 },
		{ "victims=", &line->victims, 256 },
		{ "lenient=", &line->lenient, 1 },
		{ "seed=", &line->seed, G_MAXUINT32 },
		{ "after=", &line->after_ms, 1000000 },
		{ "within=", &line->within_ms, 1000000 },
		{ "disk=", &line->disk, 1000000 },
		{ "clocks=", &line->clocks, 1 },
		{ "hold=", &line->hold, 8 },
	};
	size_t size = 0;
	unsigned *value = line_harm_option(line, word, &size), max = MAX_HARMS;
	for (size_t i = 0; value == NULL && i < G_N_ELEMENTS(options); i++) {
		size = strlen(options[i].name);
		max = options[i].max;
		value = strncmp(word, options[i].name, size) == 0 ? options[i].value : NULL;
	}
	uint64_t number = 0;
	if (value == NULL || !rescue_parse_uint(word + size, 0, max, &number, NULL))
		return false;
	*value = (unsigned)number;
	return true;
}

int
main(int argc, char **argv)
{
	Line line = { .status = -1,
		      .phones = 2,
		      .limit = 64,
		      .every_ms = 4000,
		      .victims = 256,
		      .loose = LINE_NOBODY,
		      .within_ms = 8000 };
	for (int i = 1; i < argc; i++) {
		if (read_option(&line, argv[i]))
			continue;
		fprintf(stderr,
			"usage: idevicerescue-lab-line [phones=N] [jobs=N] [restores=N] [kills=N] "
			"[every=MS] [faults=1] [lenient=1] [figures=1] [seed=N] [victims=N] "
			"[after=MS] [within=MS] [disk=KB] [clocks=1] [hold=N] [a word of "
			"harm.def=N…]\n");
		return EXIT_USAGE;
	}
	return run(&line);
}
