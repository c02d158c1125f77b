/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/base/json.h"
#include "core/process/process.h"
#include "tests/system/adoption/script.h"
#include "tests/system/adoption/witness.h"

/*
 * idevicerescue-lab-killer: runs a supervisor inside a world of the lab, and does to it what a script says: SIGKILL
 * and the same command again, SIGINT, another command for the same phone. Ends with the status of the last
 * supervisor, and one line of figures for a scenario to expect.
 */

enum {
	EXIT_SCRIPT_LEFT = 98, /* the supervisor ended before the script did */
	EXIT_NOT_REFUSED = 97, /* another command was not refused as it should be */
	EXIT_CANNOT = 96,
	REFUSED_STATUS = 75,
	REFUSED_MS = 1000,
	OTHER_DEADLINE_MS = 20000,
	SHELL_SIGNALLED = 128,
};

typedef struct {
	GMainLoop *loop;
	char **argv;       /* of the supervisor */
	char **other_argv; /* of the other command */
	char *events;      /* the file that the supervisor writes its events to */
	GPtrArray *cues;   /* of Cue */
	guint cue, action; /* which is next */
	bool acting;       /* no second look while one acts */
	Witness *witness;
	RescueProcess *supervisor; /* NULL while none runs */
	GRand *random;
	guint timer;
	bool timer_over;
	unsigned kills, starts, adopted, refusals, slowest_ms;
	int status;
	bool failed;
} Killer;

static void go_on(Killer *killer);

static unsigned
count_text(const char *path, const char *text)
{
	g_autofree char *content = NULL;
	unsigned n = 0;

	if (!g_file_get_contents(path, &content, NULL, NULL))
		return 0;
	for (const char *at = strstr(content, text); at != NULL; at = strstr(at + 1, text))
		n++;
	return n;
}

static const Cue *
present_cue(const Killer *killer)
{
	return killer->cue < killer->cues->len ? killer->cues->pdata[killer->cue] : NULL;
}

/* ---- the supervisor ---------------------------------------------------------------------------- */

static void
on_line(const char *line, void *data)
{
	printf("%s\n", line);
}

static gboolean
on_ended(gpointer data)
{
	Killer *killer = data;

	g_clear_pointer(&killer->supervisor, rescue_process_free);
	go_on(killer);
	return G_SOURCE_REMOVE;
}

static void
on_exit_seen(int status, int number, void *data)
{
	Killer *killer = data;

	killer->status = number != 0 ? SHELL_SIGNALLED + number : status;
	killer->adopted += count_text(killer->events, "\"adopted\"");
	(void)g_idle_add(on_ended, killer); /* it may not be freed in here */
}

static void
start_supervisor(Killer *killer)
{
	g_autoptr(GError) error = NULL;
	const RescueProcessSpec spec = { .argv = (const char *const *)killer->argv,
					 .merge_stderr = true,
					 .inherit_fd = -1,
					 .on_line = on_line,
					 .on_exit = on_exit_seen,
					 .data = killer };

	(void)unlink(killer->events); /* what stands in it is then of this one */
	killer->supervisor = rescue_process_start(&spec, &error);
	killer->starts++;
	if (killer->supervisor != NULL)
		return;
	fprintf(stderr, "idevicerescue-lab-killer: %s\n", error->message);
	killer->failed = true;
}

/* ---- the other command ------------------------------------------------------------------------- */

static bool
names_holder(const Killer *killer, const char *text)
{
	pid_t holder = killer->supervisor != NULL ? rescue_process_pid(killer->supervisor)
						  : witness_engine(killer->witness);
	g_autofree char *name = g_strdup_printf("process %d", (int)holder);

	return strstr(text, name) != NULL && strstr(text, " since 2") != NULL;
}

static void
send_other(Killer *killer)
{
	const RescueProcessSpec spec = { .argv = (const char *const *)killer->other_argv,
					 .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { 0 };
	int64_t begin_us = g_get_monotonic_time();

	if (killer->other_argv == NULL ||
	    !rescue_process_run(&spec, OTHER_DEADLINE_MS, &result, NULL)) {
		killer->failed = true;
		return;
	}
	unsigned ms = (unsigned)((g_get_monotonic_time() - begin_us) / 1000);
	bool refused = result.status == REFUSED_STATUS && ms <= REFUSED_MS &&
		       names_holder(killer, result.errors);
	printf("other: exit %d after %u ms: %s%s\n", result.status, ms, g_strchomp(result.errors),
	       refused ? "" : " <-- not as it should be");
	killer->slowest_ms = MAX(killer->slowest_ms, ms);
	killer->refusals += refused;
	killer->failed |= !refused;
}

/* ---- the script -------------------------------------------------------------------------------- */

static void
act(Killer *killer, Action action)
{
	pid_t pid = killer->supervisor != NULL ? rescue_process_pid(killer->supervisor) : 0;

	switch (action) {
	case ACTION_KILL:
		killer->kills += pid != 0 && kill(pid, SIGKILL) == 0;
		break;
	case ACTION_KILL_ENGINE:
		(void)kill(witness_engine(killer->witness), SIGKILL);
		break;
	case ACTION_INT:
		if (pid != 0)
			(void)kill(pid, SIGINT);
		break;
	case ACTION_START:
		start_supervisor(killer);
		break;
	case ACTION_OTHER:
		send_other(killer);
		break;
	case ACTION_LAST:
		break;
	}
}

static gboolean
on_timer(gpointer data)
{
	Killer *killer = data;

	killer->timer = 0;
	killer->timer_over = true;
	go_on(killer);
	return G_SOURCE_REMOVE;
}

static bool
time_is_over(Killer *killer, const Cue *cue)
{
	if (killer->timer == 0 && !killer->timer_over) {
		unsigned spread = cue->to_ms - cue->from_ms;
		unsigned ms = cue->from_ms +
			      (unsigned)g_rand_double_range(killer->random, 0, spread + 0.9);
		killer->timer = g_timeout_add(ms, on_timer, killer);
	}
	return killer->timer_over;
}

static bool
is_due(Killer *killer, const Cue *cue)
{
	switch (cue->kind) {
	case CUE_TIME:
		return time_is_over(killer, cue);
	case CUE_STEP:
		return witness_find_step(killer->witness, cue->text);
	case CUE_EVENT:
		return count_text(killer->events, cue->text) > 0;
	default:
		return true;
	}
}

/* a kill is over when its victim is gone */
static bool
kill_is_under_way(const Killer *killer, const Cue *cue)
{
	return killer->supervisor != NULL && killer->action > 0 &&
	       g_array_index(cue->actions, Action, killer->action - 1) == ACTION_KILL;
}

/* True when it has come to its end. */
static bool
play_cue(Killer *killer, const Cue *cue)
{
	if (killer->action == 0 && !is_due(killer, cue))
		return false;
	while (killer->action < cue->actions->len && !killer->failed) {
		if (kill_is_under_way(killer, cue))
			return false;
		act(killer, g_array_index(cue->actions, Action, killer->action++));
	}
	if (kill_is_under_way(killer, cue))
		return false;
	killer->action = 0;
	killer->timer_over = false;
	return true;
}

static void
go_on(Killer *killer)
{
	const Cue *cue;
	bool again;

	if (killer->acting)
		return;
	killer->acting = true;
	do {
		witness_read(killer->witness);
		cue = present_cue(killer);
		again = !killer->failed && cue != NULL && play_cue(killer, cue);
		killer->cue += again;
	} while (again);
	killer->acting = false;
	bool waits_for_victim = present_cue(killer) != NULL && killer->action > 0;
	if (killer->failed || (killer->supervisor == NULL && !waits_for_victim))
		g_main_loop_quit(killer->loop);
}

static gboolean
on_news(gint fd, GIOCondition condition, gpointer data)
{
	char events[4096]; /* what they say does not matter: a file has changed */

	while (read(fd, events, sizeof events) > 0)
		continue;
	go_on(data);
	return G_SOURCE_CONTINUE;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static int64_t
attempts_told(const Killer *killer)
{
	g_autofree char *content = NULL;
	int64_t attempts = -1;

	if (!g_file_get_contents(killer->events, &content, NULL, NULL))
		return -1;
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_autoptr(RescueJson) event = rescue_json_parse(*line, strlen(*line), NULL);
		if (event != NULL && g_strcmp0(rescue_json_get_string(event, "event"), "done") == 0)
			(void)rescue_json_get_int(event, "attempts", &attempts);
	}
	return attempts;
}

static int
tell(const Killer *killer)
{
	bool left = present_cue(killer) != NULL;

	witness_read(killer->witness);
	printf("figures: kills %u, starts %u, adopted %u, refused %u, slowest refusal %u ms, "
	       "engines %u, "
	       "flashing engines %u, erased %u, attempts %d, exit %d\n",
	       killer->kills, killer->starts, killer->adopted, killer->refusals, killer->slowest_ms,
	       witness_engines(killer->witness), witness_flashing_engines(killer->witness),
	       witness_erased(killer->witness), (int)attempts_told(killer), killer->status);
	if (killer->failed)
		return EXIT_NOT_REFUSED;
	return left ? EXIT_SCRIPT_LEFT : killer->status;
}

static bool
read_cues(Killer *killer, char **texts)
{
	for (char **text = texts; text != NULL && *text != NULL; text++) {
		Cue *cue = cue_parse(*text);
		if (cue == NULL) {
			fprintf(stderr, "idevicerescue-lab-killer: ‘%s’ is no cue\n", *text);
			return false;
		}
		g_ptr_array_add(killer->cues, cue);
	}
	return true;
}

static void
free_cue(gpointer cue)
{
	cue_free(cue);
}

static int
play(Killer *killer)
{
	const char *dir = g_getenv("LAB_DIR");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (dir == NULL || fd < 0 || inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE) < 0) {
		fprintf(stderr, "idevicerescue-lab-killer: cannot watch the folder of a lab: %s\n",
			dir == NULL ? "LAB_DIR names none" : g_strerror(errno));
		return EXIT_CANNOT;
	}
	guint news = g_unix_fd_add(fd, G_IO_IN, on_news, killer);
	killer->loop = g_main_loop_new(NULL, FALSE);
	killer->events = g_build_filename(dir, "events", NULL);
	killer->witness = witness_new(g_getenv("LAB_RECORD"));
	start_supervisor(killer);
	go_on(killer);
	if (!killer->failed)
		g_main_loop_run(killer->loop);
	int status = tell(killer);
	g_source_remove(news);
	(void)close(fd);
	return status;
}

static void
killer_clear(Killer *killer)
{
	rescue_process_free(killer->supervisor);
	if (killer->timer != 0)
		g_source_remove(killer->timer);
	if (killer->loop != NULL)
		g_main_loop_unref(killer->loop);
	witness_free(killer->witness);
	g_ptr_array_unref(killer->cues);
	g_rand_free(killer->random);
	g_strfreev(killer->other_argv);
	g_free(killer->events);
}

int
main(int argc, char **argv)
{
	g_auto(GStrv) cues = NULL;
	g_autofree char *other = NULL;
	int seed = 1, status = EXIT_CANNOT;
	const GOptionEntry entries[] = {
		{ "do", 0, 0, G_OPTION_ARG_STRING_ARRAY, &cues, "what is done, and when", "CUE" },
		{ "other", 0, 0, G_OPTION_ARG_STRING, &other, "what ‘other’ runs", "COMMAND" },
		{ "seed", 0, 0, G_OPTION_ARG_INT, &seed, "of the random moments", "N" },
		{ 0 }
	};
	g_autoptr(GOptionContext) context = g_option_context_new("-- COMMAND…");
	g_autoptr(GError) error = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	bool fine = g_option_context_parse(context, &argc, &argv, &error) && argc > 1;
	char **command = argv + (argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1);
	Killer killer = { .argv = command,
			  .cues = g_ptr_array_new_with_free_func(free_cue),
			  .random = g_rand_new_with_seed((guint32)seed) };
	if (fine &&
	    (other == NULL || g_shell_parse_argv(other, NULL, &killer.other_argv, &error)) &&
	    read_cues(&killer, cues))
		status = play(&killer);
	else
		fprintf(stderr, "idevicerescue-lab-killer: %s\n",
			error != NULL ? error->message : "wants a command behind --");
	killer_clear(&killer);
	return status;
}
