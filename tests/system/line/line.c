/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/process/notify.h"
#include "core/process/process.h"
#include "core/store/journal.h"

/*
 * idevicerescue-lab-line PHONES KILLS EVERY_MS: runs in a world of the lab with the phones p0, p1, …; has them restored
 * by `line run`, kills the daemon on the way, and compares what the station and its jobs tell. Status 0: nothing was
 * lost.
 */

enum {
	EXIT_LOST = 1,
	EXIT_USAGE = 2,
	MAX_PHONES = 256,
	MAX_KILLS = 10000,
	MAX_EVERY_MS = 1000000,
	DEADLINE_S = 60 * 60,
	AGAIN_MS = 300, /* from a kill to the next start */
	PORTS_OF_HUB = 8,
};

typedef struct {
	unsigned phones, kills, killed;
	unsigned every_ms;
	char *state, *station, *rules, *output;
	RescueProcess *daemon;
	RescueJournalTail *tail;
	RescueNotify *news;
	GHashTable *states; /* ECID as text to the last state that the station's journal tells */
	bool stopping, ended, out_of_time;
	int status;
} Line;

/* ---- the station -------------------------------------------------------------------------------- */

static void
write_file(const char *path, const char *text)
{
	g_autoptr(GError) error = NULL;
	(void)g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

static void
write_station(const Line *line)
{
	g_autoptr(GString) text = g_string_new("[limits]\nstagger=50ms\nphone-endpoints=1\n");
	g_autofree char *rules =
	    g_strdup_printf("[rule all]\nfind-my=any\nmanaged=any\nthen=erase\n"
			    "file=%s\npolicy=%s/line.policy\n",
			    g_getenv("LAB_FIRMWARE_F"), g_getenv("LAB_SCENARIO_DIR"));
	for (unsigned i = 0; i < line->phones; i++)
		g_string_append_printf(text, "[port P%u]\nat=1-%u.%u\n", i, 1 + i / PORTS_OF_HUB,
				       1 + i % PORTS_OF_HUB);
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
	if (signal == SIGKILL && !line->stopping)
		(void)g_timeout_add(AGAIN_MS, on_again, line);
	else
		line->ended = true;
}

static void
start_daemon(Line *line)
{
	const char *const argv[] = { "idevicerescue", "line",        "run",     "--listen",  "none",
				     "--station",     line->station, "--rules", line->rules, NULL };
	g_autoptr(GError) error = NULL;
	rescue_process_free(line->daemon);
	line->daemon = rescue_process_start(&(RescueProcessSpec){ .argv = argv,
								  .output_path = line->output,
								  .outlives_us = true,
								  .inherit_fd = -1,
								  .on_exit = on_daemon_end,
								  .data = line },
					    &error);
	g_assert_no_error(error);
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

static bool
is_final(const char *state)
{
	return g_strcmp0(state, "passed") == 0 || g_strcmp0(state, "failed") == 0 ||
	       g_strcmp0(state, "needs-operator") == 0 || g_strcmp0(state, "parked") == 0;
}

static bool
all_final(const Line *line)
{
	GHashTableIter iter;
	void *state;
	unsigned final = 0;
	g_hash_table_iter_init(&iter, line->states);
	while (g_hash_table_iter_next(&iter, NULL, &state))
		final += is_final(state);
	return final == line->phones;
}

static void
on_news(const char *name, void *data)
{
	Line *line = data;
	g_autoptr(GPtrArray) events = rescue_journal_tail_read(line->tail);
	for (unsigned i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		const char *ecid = rescue_json_get_string(event, "ecid");
		if (g_strcmp0(rescue_json_get_string(event, "event"), "phone") == 0)
			g_hash_table_replace(line->states, g_strdup(ecid),
					     g_strdup(rescue_json_get_string(event, "state")));
	}
	if (!all_final(line) || line->stopping || line->killed < line->kills)
		return;
	line->stopping = true;
	(void)kill(rescue_process_pid(line->daemon), SIGTERM);
}

static gboolean
on_look(void *data)
{
	on_news(NULL, data); /* the last kill may come after the last line */
	return G_SOURCE_CONTINUE;
}

/* ---- together ----------------------------------------------------------------------------------- */

static unsigned
check_job(const char *state, const char *job, GHashTable *seen)
{
	g_autofree char *path = rescue_journal_path(state, job, NULL);
	g_autoptr(GPtrArray) events = rescue_journal_read(path, NULL, NULL);
	const char *ecid = NULL;
	int64_t engines = 0, attempts = -1;
	for (unsigned i = 0; events != NULL && i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		const char *name = rescue_json_get_string(event, "event");
		ecid = rescue_json_get_string(event, "ecid");
		engines += g_strcmp0(name, "engine") == 0;
		if (g_strcmp0(name, "done") == 0)
			(void)rescue_json_get_int(event, "attempts", &attempts);
	}
	bool fine = attempts == engines && ecid != NULL && g_hash_table_add(seen, g_strdup(ecid));
	if (!fine)
		printf("lost: job %s of %s: %d attempts, %d engines\n", job,
		       ecid != NULL ? ecid : "nobody", (int)attempts, (int)engines);
	return fine ? 0 : 1;
}

static unsigned
judge(const Line *line)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(line->state);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	void *ecid, *state;
	unsigned lost = 0;
	for (char **job = jobs; *job != NULL; job++)
		lost += check_job(line->state, *job, seen);
	g_hash_table_iter_init(&iter, line->states);
	while (g_hash_table_iter_next(&iter, &ecid, &state)) {
		if (strcmp(state, "passed") == 0)
			continue;
		printf("lost: %s is %s\n", (char *)ecid, (char *)state);
		lost++;
	}
	if (g_hash_table_size(seen) != line->phones)
		printf("lost: %u phones have jobs\n", g_hash_table_size(seen));
	return lost + (g_hash_table_size(seen) != line->phones);
}

static gboolean
on_deadline(void *data)
{
	Line *line = data;
	line->out_of_time = true;
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
	line->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	folder = g_build_filename(line->state, "line", NULL);
	journal = g_build_filename(folder, "journal", NULL);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	line->tail = rescue_journal_tail_new(journal);
	line->news = rescue_notify_new(folder, IN_MODIFY, on_news, line);
}

static void
clear(Line *line)
{
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
	init(line);
	(void)g_timeout_add(line->every_ms, on_kill, line);
	(void)g_timeout_add_seconds(DEADLINE_S, on_deadline, line);
	(void)g_timeout_add_seconds(1, on_look, line);
	write_station(line);
	start_daemon(line);
	while (!line->ended && !line->out_of_time)
		g_main_context_iteration(NULL, TRUE);
	if (!line->stopping)
		printf("lost: the daemon ended by itself\n");
	unsigned lost = judge(line) + (line->status != 0) + !line->stopping;
	if (lost > 0)
		tell_daemon(line);
	printf("figures: %u phones, %u kills of the daemon, status %d at its end\n", line->phones,
	       line->killed, line->status);
	clear(line);
	return lost > 0 ? EXIT_LOST : 0;
}

static bool
read_number(const char *text, unsigned max, unsigned *ret)
{
	uint64_t value;
	if (!rescue_parse_uint(text, 0, max, &value, NULL))
		return false;
	*ret = (unsigned)value;
	return true;
}

int
main(int argc, char **argv)
{
	Line line = { .status = -1 };
	if (argc != 4 || !read_number(argv[1], MAX_PHONES, &line.phones) ||
	    !read_number(argv[2], MAX_KILLS, &line.kills) ||
	    !read_number(argv[3], MAX_EVERY_MS, &line.every_ms)) {
		fprintf(stderr, "usage: idevicerescue-lab-line PHONES KILLS EVERY_MS\n");
		return EXIT_USAGE;
	}
	return run(&line);
}
