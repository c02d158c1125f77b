/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process/hold.h"

/* A process that is held goes on, whatever becomes of its holder and of its guard. */

#define LONG_MS 600000 /* no test waits for this */

/* An engine: it says one, waits for a word in its pipe, says two. */
typedef struct {
	char *dir, *output, *fifo;
	GString *said;
	RescueProcess *process;
	pid_t pid;
	uint64_t start_time;
	bool ended;
	int signal;
} Engine;

static void
on_line(const char *line, void *data)
{
	g_string_append_printf(((Engine *)data)->said, "%s|", line);
}

static void
on_end(int status, int signal, void *data)
{
	Engine *engine = data;

	engine->ended = true;
	engine->signal = signal;
}

static RescueProcessSpec
spec_of(Engine *engine, const char *const *argv)
{
	return (RescueProcessSpec){
		.argv = argv,
		.inherit_fd = -1,
		.output_path = engine->output,
		.outlives_us = true,
		.on_line = on_line,
		.on_exit = on_end,
		.data = engine,
	};
}

static void
engine_init(Engine *engine)
{
	*engine = (Engine){ .said = g_string_new(NULL) };
	engine->dir = g_dir_make_tmp("rescue-hold-XXXXXX", NULL);
	engine->output = g_build_filename(engine->dir, "output", NULL);
	engine->fifo = g_build_filename(engine->dir, "fifo", NULL);
	g_assert_no_errno(mkfifo(engine->fifo, 0600));
}

static void
engine_clear(Engine *engine)
{
	rescue_process_free(engine->process);
	(void)g_unlink(engine->output);
	(void)g_unlink(engine->fifo);
	(void)g_rmdir(engine->dir);
	g_free(engine->dir);
	g_free(engine->output);
	g_free(engine->fifo);
	g_string_free(engine->said, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Engine, engine_clear)

static void
engine_start(Engine *engine)
{
	g_autofree char *script = g_strdup_printf("echo one; read x <%s; echo two", engine->fifo);
	const char *const argv[] = { "sh", "-c", script, NULL };
	RescueProcessSpec spec = spec_of(engine, argv);
	g_autoptr(GError) error = NULL;

	engine->process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
	engine->pid = rescue_process_pid(engine->process);
	engine->start_time = rescue_process_start_time(engine->pid);
}

/* Only who runs answers. */
static void
engine_answers(Engine *engine)
{
	int fd = open(engine->fifo, O_WRONLY | O_CLOEXEC);

	g_assert_cmpint(write(fd, "go\n", 3), ==, 3);
	(void)close(fd);
	while (!engine->ended)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpstr(engine->said->str, ==, "one|two|");
	g_assert_cmpint(engine->signal, ==, 0);
}

/* Waits for news of our child: it has stopped, or goes on. */
static void
await(pid_t pid, int news)
{
	siginfo_t info = { .si_pid = 0 };

	g_assert_no_errno(waitid(P_PID, (id_t)pid, &info, news));
	g_assert_cmpint(info.si_code, ==, news == WSTOPPED ? CLD_STOPPED : CLD_CONTINUED);
}

static void
test_goes_on_when_freed(void)
{
	g_auto(Engine) engine;
	g_autoptr(GError) error = NULL;

	engine_init(&engine);
	engine_start(&engine);
	RescueHold *hold = rescue_hold_new(engine.process, LONG_MS, &error);
	g_assert_no_error(error);
	await(engine.pid, WSTOPPED);
	rescue_hold_free(hold);
	await(engine.pid, WCONTINUED);
	g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, 0); /* the guard is no zombie */
	engine_answers(&engine);
}

/* as when its holder hangs */
static void
test_goes_on_when_its_time_is_over(void)
{
	g_auto(Engine) engine;

	engine_init(&engine);
	engine_start(&engine);
	g_autoptr(RescueHold) hold = rescue_hold_new(engine.process, 50, NULL);
	g_assert_nonnull(hold);
	await(engine.pid, WSTOPPED);
	await(engine.pid, WCONTINUED);
	engine_answers(&engine);
}

static void
test_ends_while_held(void)
{
	g_auto(Engine) engine;

	engine_init(&engine);
	engine_start(&engine);
	RescueHold *hold = rescue_hold_new(engine.process, LONG_MS, NULL);
	await(engine.pid, WSTOPPED);
	rescue_process_end(engine.process, LONG_MS);
	rescue_hold_free(hold);
	while (!engine.ended)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(engine.signal, ==, SIGTERM);
	g_assert_null(rescue_hold_new(engine.process, LONG_MS, NULL));
}

/* The children of a process; the guard is the one that is no shell. */
static pid_t
find_guard(const Engine *engine)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
	g_autofree char *text = NULL;
	g_auto(GStrv) pids = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	pids = g_strsplit(g_strstrip(text), " ", -1);
	for (char **pid = pids; *pid != NULL; pid++)
		if (g_ascii_strtoll(*pid, NULL, 10) != engine->pid)
			return (pid_t)g_ascii_strtoll(*pid, NULL, 10);
	return 0;
}

static void
test_goes_on_without_its_guard(void)
{
	g_auto(Engine) engine;

	engine_init(&engine);
	engine_start(&engine);
	RescueHold *hold = rescue_hold_new(engine.process, LONG_MS, NULL);
	pid_t guard = find_guard(&engine);
	g_assert_cmpint(guard, >, 0);
	g_assert_no_errno(kill(guard, SIGTERM)); /* nothing to a guard */
	await(engine.pid, WSTOPPED);
	g_assert_no_errno(kill(guard, SIGKILL));
	g_assert_cmpint(waitpid(guard, NULL, 0), ==, guard);
	rescue_hold_free(hold);
	await(engine.pid, WCONTINUED);
	engine_answers(&engine);
}

/* A supervisor that holds its engine, and is killed; its guard may be killed before. */
static void
run_holder(Engine *engine, bool guarded, int told)
{
	engine_start(engine);
	if (rescue_hold_new(engine->process, LONG_MS, NULL) == NULL)
		_exit(1);
	await(engine->pid, WSTOPPED);
	if (!guarded)
		(void)kill(find_guard(engine), SIGKILL);
	if (write(told, engine, sizeof *engine) == (ssize_t)sizeof *engine)
		(void)kill(getpid(), SIGKILL);
	_exit(1);
}

static void
die_while_holding(Engine *engine, bool guarded)
{
	Engine theirs;
	int ends[2], status;

	g_assert_no_errno(pipe2(ends, O_CLOEXEC));
	pid_t pid = fork();
	if (pid == 0)
		run_holder(engine, guarded, ends[1]);
	(void)close(ends[1]);
	g_assert_cmpint(read(ends[0], &theirs, sizeof theirs), ==, sizeof theirs);
	(void)close(ends[0]);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	engine->pid = theirs.pid;
	engine->start_time = theirs.start_time;
}

static void
adopt(Engine *engine)
{
	const char *const none[] = { "never run", NULL };
	RescueProcessSpec spec = spec_of(engine, none);

	engine->process = rescue_process_adopt(&spec, engine->pid, engine->start_time, NULL);
	g_assert_nonnull(engine->process);
}

/*
 * With and without a relative who is left in its session: the kernel sends SIGHUP to an orphaned group that stands
 * still, and has it go on; elsewhere the guard alone does.
 */
static void
test_goes_on_when_its_holder_is_killed(const void *data)
{
	g_auto(Engine) engine;
	bool is_heir = GPOINTER_TO_INT(data) != 0;

	engine_init(&engine);
	g_assert_no_errno(prctl(PR_SET_CHILD_SUBREAPER, is_heir, 0, 0, 0));
	die_while_holding(&engine, true);
	adopt(&engine);
	engine_answers(&engine);
	g_assert_no_errno(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
}

/* Both at once: the kernel may have it go on, with SIGHUP, which it ignores; if not, who adopts it does. */
static void
test_goes_on_when_all_are_killed(const void *data)
{
	g_auto(Engine) engine;
	bool is_heir = GPOINTER_TO_INT(data) != 0;

	engine_init(&engine);
	g_assert_no_errno(prctl(PR_SET_CHILD_SUBREAPER, is_heir, 0, 0, 0));
	die_while_holding(&engine, false);
	adopt(&engine);
	rescue_process_continue(engine.process);
	engine_answers(&engine);
	g_assert_no_errno(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hold/freed", test_goes_on_when_freed);
	g_test_add_func("/hold/time-over", test_goes_on_when_its_time_is_over);
	g_test_add_func("/hold/ends", test_ends_while_held);
	g_test_add_func("/hold/no-guard", test_goes_on_without_its_guard);
	g_test_add_data_func("/hold/killed", NULL, test_goes_on_when_its_holder_is_killed);
	g_test_add_data_func("/hold/killed-with-heir", GINT_TO_POINTER(1),
			     test_goes_on_when_its_holder_is_killed);
	g_test_add_data_func("/hold/all-killed", NULL, test_goes_on_when_all_are_killed);
	g_test_add_data_func("/hold/all-killed-with-heir", GINT_TO_POINTER(1),
			     test_goes_on_when_all_are_killed);
	return g_test_run();
}
