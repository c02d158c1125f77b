/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/process/inbox.h"
#include "core/process/process.h"
#include "tests/unit/scratch.h"

/* A test that hangs is ended by ctest; this is only for waits that are expected to end at once. */
#define SOON_MS 20000

typedef struct {
	GPtrArray *lines;
	RescueProcess *process;
	int status, signal;
	unsigned exits;
	bool free_at_first_line, free_at_exit;
} Seen;

static void
seen_init(Seen *seen)
{
	*seen = (Seen){ .lines = g_ptr_array_new_with_free_func(g_free) };
}

static void
seen_clear(Seen *seen)
{
	g_clear_pointer(&seen->process, rescue_process_free);
	g_ptr_array_unref(seen->lines);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

static void
on_line(const char *line, void *data)
{
	Seen *seen = data;

	g_ptr_array_add(seen->lines, g_strdup(line));
	if (seen->free_at_first_line)
		g_clear_pointer(&seen->process, rescue_process_free);
}

static void
on_exit_seen(int status, int signal, void *data)
{
	Seen *seen = data;

	seen->status = status;
	seen->signal = signal;
	seen->exits++;
	if (seen->free_at_exit)
		g_clear_pointer(&seen->process, rescue_process_free);
}

static char *
seen_text(const Seen *seen)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < seen->lines->len; i++)
		g_string_append_printf(text, "%s|", (char *)seen->lines->pdata[i]);
	return g_strdup(text->str);
}

static void
run_until_exit(Seen *seen)
{
	while (seen->exits == 0)
		g_main_context_iteration(NULL, TRUE);
}

static void
run_until_lines(Seen *seen, guint count)
{
	while (seen->lines->len < count)
		g_main_context_iteration(NULL, TRUE);
}

static RescueProcessSpec
shell_spec(const char *const *argv, Seen *seen)
{
	return (RescueProcessSpec){
		.argv = argv,
		.inherit_fd = -1,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = seen,
	};
}

#define SHELL(script) ((const char *const[]){ "sh", "-c", script, NULL })

/** Runs a script to its end and compares its lines, joined and each closed by '|'. */
static void
assert_lines(const char *script, const char *expected)
{
	g_auto(Seen) seen;
	g_autoptr(GError) error = NULL;

	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL(script), &seen);
	seen.process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
	run_until_exit(&seen);
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, expected);
	g_assert_cmpint(seen.exits, ==, 1);
}

static void
test_lines_end_at_newline_and_carriage_return(void)
{
	assert_lines("printf 'a\\nb\\r\\nc\\n'", "a|b|c|");
	assert_lines("printf '\\r[= ]\\r[==]\\ndone'", "[= ]|[==]|done|");
	assert_lines("printf 'a\\n\\n\\nb\\n'", "a|||b|");
	assert_lines("printf 'x\\377y\\000z\\n'", "x\357\277\275y\357\277\275z|");
	assert_lines("true", "");
}

static void
test_overlong_line_is_cut_and_the_next_one_is_whole(void)
{
	g_auto(Seen) seen;
	g_autoptr(GError) error = NULL;

	seen_init(&seen);
	RescueProcessSpec spec =
	    shell_spec(SHELL("head -c 300000 /dev/zero | tr '\\000' x; echo; echo next"), &seen);
	seen.process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
	run_until_exit(&seen);
	g_assert_cmpuint(seen.lines->len, ==, 2);
	g_assert_cmpuint(strlen(seen.lines->pdata[0]), ==, RESCUE_PROCESS_MAX_LINE);
	g_assert_cmpstr(seen.lines->pdata[1], ==, "next");
}

static void
test_exit_status_and_signal_are_told(void)
{
	const struct {
		const char *script;
		int status, signal;
	} cases[] = {
		{ "exit 0", 0, 0 },
		{ "exit 77", 77, 0 },
		{ "kill -SEGV $$", -1, SIGSEGV },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(RescueProcessResult) result = { .status = 0 };
		RescueProcessSpec spec = { .argv = SHELL(cases[i].script), .inherit_fd = -1 };
		g_assert_true(rescue_process_run(&spec, SOON_MS, &result, NULL));
		g_assert_cmpint(result.status, ==, cases[i].status);
		g_assert_cmpint(result.signal, ==, cases[i].signal);
		g_assert_false(result.timed_out);
	}
}

/* Its end says nothing about what it looked at. */
static void
test_child_that_somebody_else_ends_is_run_again(void)
{
	const struct {
		const char *script;
		int signal;
		const char *output;
		size_t tries;
	} cases[] = {
		{ "printf x >>$COUNT; test -s $COUNT.2 || { mv $COUNT $COUNT.2; kill -KILL $$; }; "
		  "echo whole",
		  0, "whole\n", 1 },
		{ "printf x >>$COUNT; kill -TERM $$", SIGTERM, "", RESCUE_PROCESS_TRIES },
		{ "printf x >>$COUNT; kill -SEGV $$", SIGSEGV, "", 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *dir = g_dir_make_tmp("again-XXXXXX", NULL);
		g_autofree char *path = g_build_filename(dir, "count", NULL);
		g_autofree char *count = g_strconcat("COUNT=", path, NULL);
		g_autofree char *text = NULL;
		const char *const env[] = { count, NULL };
		const RescueProcessSpec spec = { .argv = SHELL(cases[i].script),
						 .env = env,
						 .inherit_fd = -1 };
		g_auto(RescueProcessResult) result = { .status = 0 };
		g_assert_true(rescue_process_insist(&spec, SOON_MS, &result, NULL));
		g_assert_cmpint(result.signal, ==, cases[i].signal);
		g_assert_cmpstr(result.output, ==, cases[i].output);
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		g_assert_cmpuint(strlen(text), ==, cases[i].tries);
		remove_tree(dir);
	}
}

static void
test_missing_program_and_folder_are_named(void)
{
	g_autoptr(GError) error = NULL;
	const char *const argv[] = { "no-such-program-here", NULL };
	RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };

	g_assert_null(rescue_process_start(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_nonnull(strstr(error->message, "no-such-program-here"));
	g_clear_error(&error);
	spec = (RescueProcessSpec){ .argv = SHELL("true"), .cwd = "/no/folder", .inherit_fd = -1 };
	g_assert_null(rescue_process_start(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_nonnull(strstr(error->message, "/no/folder"));
	g_clear_error(&error);
	g_autofree char *dir = g_dir_make_tmp(NULL, NULL);
	g_autofree char *bad = g_build_filename(dir, "bad", NULL);
	g_assert_true(g_file_set_contents(bad, "#!/no/interpreter\n", -1, NULL));
	g_assert_no_errno(g_chmod(bad, 0700));
	const char *const bad_argv[] = { bad, NULL };
	spec = (RescueProcessSpec){ .argv = bad_argv, .inherit_fd = -1 };
	g_assert_null(rescue_process_start(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	(void)g_unlink(bad);
	(void)g_rmdir(dir);
}

/* the three standard ones, and the one by which the shell itself reads the folder */
#define COUNT_DESCRIPTORS "set -- /proc/$$/fd/*; echo $#"

static void
test_child_gets_a_clean_start(void)
{
	g_auto(RescueProcessResult) result = { .status = 0 };
	g_autoptr(GError) error = NULL;
	const char *const env[] = { "RESCUE_A=1 = 2", "HOME=/elsewhere", NULL };
	g_autofree char *dir = g_dir_make_tmp(NULL, NULL);
	int leak = open("/dev/null", O_RDONLY); /* deliberately not close-on-exec */
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	(void)signal(SIGHUP, SIG_IGN);
	g_assert_true(g_setenv("RESCUE_KEPT", "kept", TRUE));
	RescueProcessSpec spec = {
		.argv = SHELL("echo $RESCUE_A $HOME $RESCUE_KEPT; pwd; readlink "
			      "/proc/self/fd/0; " COUNT_DESCRIPTORS
			      "; grep -E 'SigBlk|SigIgn' /proc/$$/status | tr -d '\\t'; "
			      "test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo leader"),
		.env = env,
		.cwd = dir,
		.inherit_fd = -1,
	};
	g_assert_true(rescue_process_run(&spec, SOON_MS, &result, &error));
	g_assert_no_error(error);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)signal(SIGHUP, SIG_DFL);
	g_auto(GStrv) lines = g_strsplit(result.output, "\n", -1);
	g_assert_cmpstr(lines[0], ==, "1 = 2 /elsewhere kept");
	g_assert_cmpstr(lines[1], ==, dir);
	g_assert_cmpstr(lines[2], ==, "/dev/null");
	g_assert_cmpstr(lines[3], ==, "4");
	g_assert_cmpstr(lines[4], ==, "SigBlk:0000000000000000");
	g_assert_cmpstr(lines[5], ==, "SigIgn:0000000000000000");
	g_assert_cmpstr(lines[6], ==, "leader");
	g_assert_cmpint(getpgid(0), !=, 0);
	(void)close(leak);
	(void)g_rmdir(dir);
}

static void
test_one_descriptor_is_passed_on(void)
{
	g_auto(RescueProcessResult) result = { .status = 0 };
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	RescueProcessSpec spec = { .argv = SHELL(COUNT_DESCRIPTORS), .inherit_fd = fd };
	g_assert_true(rescue_process_run(&spec, SOON_MS, &result, NULL));
	g_assert_cmpstr(g_strstrip(result.output), ==, "5");
	g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	(void)close(fd);
}

static void
test_stderr_is_kept_apart_or_merged(void)
{
	g_auto(RescueProcessResult) apart = { .status = 0 };
	g_auto(RescueProcessResult) merged = { .status = 0 };
	RescueProcessSpec spec = { .argv = SHELL("echo out; echo err >&2; echo out2"),
				   .inherit_fd = -1 };

	g_assert_true(rescue_process_run(&spec, SOON_MS, &apart, NULL));
	g_assert_cmpstr(apart.output, ==, "out\nout2\n");
	g_assert_cmpstr(apart.errors, ==, "err\n");
	spec.merge_stderr = true;
	g_assert_true(rescue_process_run(&spec, SOON_MS, &merged, NULL));
	g_assert_cmpstr(merged.output, ==, "out\nerr\nout2\n");
	g_assert_cmpstr(merged.errors, ==, "");
}

/** Waits for the end of a process that is not our child. */
static void
await_end(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	g_assert_cmpint(poll(&end, 1, SOON_MS), ==, 1);
	(void)close(pidfd);
}

static void
open_grandchild(const char *line, void *data)
{
	int *pidfd = data;

	*pidfd = pidfd_open((pid_t)g_ascii_strtoll(line, NULL, 10), 0);
}

static void
test_deadline_ends_the_whole_group(void)
{
	g_auto(RescueProcessResult) result = { .status = 0 };
	int grandchild = -1;
	RescueProcessSpec spec = {
		.argv = SHELL("trap '' TERM; sleep 1000 & echo $!; wait; wait; wait"),
		.inherit_fd = -1,
		.on_line = open_grandchild,
		.data = &grandchild,
	};

	/* long enough for a shell on a busy machine to begin */
	g_assert_true(rescue_process_run(&spec, 2000, &result, NULL));
	g_assert_true(result.timed_out);
	g_assert_cmpint(result.signal, ==, SIGKILL);
	await_end(grandchild);
}

static void
test_freeing_kills_an_owned_child_and_its_group(void)
{
	g_auto(Seen) seen;

	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL("sleep 1000 & echo $!; wait"), &seen);
	seen.process = rescue_process_start(&spec, NULL);
	run_until_lines(&seen, 1);
	pid_t grandchild = (pid_t)g_ascii_strtoll(seen.lines->pdata[0], NULL, 10);
	int pidfd = pidfd_open(grandchild, 0);
	g_assert_cmpint(pidfd, >=, 0);
	g_clear_pointer(&seen.process, rescue_process_free);
	await_end(pidfd);
	g_assert_cmpint(seen.exits, ==, 0);
}

static void
test_callbacks_may_free_the_process(void)
{
	for (int at_exit = 0; at_exit < 2; at_exit++) {
		g_auto(Seen) seen;
		seen_init(&seen);
		seen.free_at_exit = at_exit == 1;
		seen.free_at_first_line = at_exit == 0;
		RescueProcessSpec spec = shell_spec(SHELL("echo a; echo b; echo c"), &seen);
		seen.process = rescue_process_start(&spec, NULL);
		while (seen.process != NULL)
			g_main_context_iteration(NULL, TRUE);
		g_assert_cmpuint(seen.lines->len, ==, at_exit == 1 ? 3 : 1);
	}
}

/* a folder with an output file, a FIFO by which a script can be told to go on, and a marker file */

typedef struct {
	char *dir, *output, *fifo, *marker, *script;
} Place;

static void
place_init(Place *place, const char *script_format)
{
	place->dir = g_dir_make_tmp("rescue-process-XXXXXX", NULL);
	place->output = g_build_filename(place->dir, "output", NULL);
	place->fifo = g_build_filename(place->dir, "fifo", NULL);
	place->marker = g_build_filename(place->dir, "marker", NULL);
	g_assert_no_errno(mkfifo(place->fifo, 0600));
	place->script = g_strdup_printf("F=%s M=%s; %s", place->fifo, place->marker, script_format);
}

static void
place_clear(Place *place)
{
	(void)g_unlink(place->output);
	(void)g_unlink(place->fifo);
	(void)g_unlink(place->marker);
	(void)g_rmdir(place->dir);
	g_free(place->dir);
	g_free(place->output);
	g_free(place->fifo);
	g_free(place->marker);
	g_free(place->script);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static void
place_let_go_on(const Place *place)
{
	int fd = open(place->fifo, O_WRONLY | O_CLOEXEC); /* waits for the reader */

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "go\n", 3), ==, 3);
	(void)close(fd);
}

static void
test_file_output_is_tailed_in_true_order(void)
{
	g_auto(Place) place;
	g_auto(Seen) seen;
	struct stat status;

	place_init(&place, "echo one; echo two >&2; printf thr; read x <$F; echo ee; printf last");
	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL(place.script), &seen);
	spec.output_path = place.output;
	spec.outlives_us = true;
	seen.process = rescue_process_start(&spec, NULL);
	run_until_lines(&seen, 2);
	g_assert_true(rescue_process_is_running(seen.process));
	place_let_go_on(&place);
	run_until_exit(&seen);
	g_assert_false(rescue_process_is_running(seen.process));
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, "one|two|three|last|");
	g_assert_no_errno(stat(place.output, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void
test_children_are_as_urgent_as_we_or_less(void)
{
	g_auto(Seen) seen;
	int ours = MAX(getpriority(PRIO_PROCESS, 0), 0);
	g_autofree char *expected = g_strdup_printf("%d|", MIN(ours + 3, PRIO_MAX - 1));

	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL("nice"), &seen);
	spec.nice = 3;
	/* that we come first is not handed on; who may not come first tests the rest */
	bool first = ours == 0 && setpriority(PRIO_PROCESS, 0, -1) == 0;
	seen.process = rescue_process_start(&spec, NULL);
	if (first)
		(void)setpriority(PRIO_PROCESS, 0, 0);
	run_until_exit(&seen);
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, expected);
}

static void
test_catching_up_needs_no_turn_of_the_loop(void)
{
	g_auto(Place) place;
	g_auto(Seen) seen;

	place_init(&place, "echo one; read x <$F");
	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL(place.script), &seen);
	spec.output_path = place.output;
	spec.outlives_us = true;
	seen.process = rescue_process_start(&spec, NULL);
	run_until_lines(&seen, 1);
	int fd = open(place.output, O_WRONLY | O_APPEND | O_CLOEXEC);
	g_assert_cmpint(write(fd, "two\nthr", 7), ==, 7);
	(void)close(fd);
	rescue_process_catch_up(seen.process);
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, "one|two|"); /* what is no line yet says nothing */
	place_let_go_on(&place);
	run_until_exit(&seen);
}

static void
test_engine_outlives_its_rescue_process(void)
{
	g_auto(Place) place;
	g_auto(Seen) seen;

	place_init(&place, "echo one; read x <$F; echo two");
	seen_init(&seen);
	RescueProcessSpec spec = shell_spec(SHELL(place.script), &seen);
	spec.output_path = place.output;
	spec.outlives_us = true;
	seen.process = rescue_process_start(&spec, NULL);
	run_until_lines(&seen, 1);
	pid_t pid = rescue_process_pid(seen.process);
	uint64_t start_time = rescue_process_start_time(pid);
	g_clear_pointer(&seen.process, rescue_process_free);
	g_assert_true(rescue_process_is_alive(pid, start_time));
	g_assert_null(rescue_process_adopt(&spec, pid, start_time + 1, NULL));
	seen.process = rescue_process_adopt(&spec, pid, start_time, NULL);
	g_assert_nonnull(seen.process);
	place_let_go_on(&place);
	run_until_exit(&seen);
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, "one|one|two|");
	g_assert_false(rescue_process_is_alive(pid, start_time));
}

/** How a helper process tells the test whom it has started. */
typedef struct {
	pid_t pid;
	uint64_t start_time;
} Identity;

/** What the helper's hook needs. */
typedef struct {
	bool die; /* before the engine may run */
	int told; /* where the identity goes */
} Helper;

static bool
tell_identity(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	Identity identity = { .pid = pid, .start_time = start_time };
	const Helper *helper = data;

	g_assert_cmpint(write(helper->told, &identity, sizeof identity), ==, sizeof identity);
	if (helper->die)
		(void)kill(getpid(), SIGKILL);
	return true;
}

/** A supervisor that starts the script and is killed: before the script may run, or after. */
static void
run_helper(const Place *place, Helper *helper)
{
	RescueProcessSpec spec = {
		.argv = SHELL(place->script),
		.inherit_fd = -1,
		.output_path = place->output,
		.outlives_us = true,
		.before_exec = tell_identity,
		.data = helper,
	};

	(void)rescue_process_start(&spec, NULL);
	(void)kill(getpid(), SIGKILL);
}

static Identity
start_by_dying_helper(const Place *place, bool die_before_exec)
{
	Identity identity = { .pid = 0 };
	int ends[2], status;

	g_assert_no_errno(pipe2(ends, O_CLOEXEC));
	Helper helper = { .die = die_before_exec, .told = ends[1] };
	pid_t pid = fork();
	if (pid == 0)
		run_helper(place, &helper);
	g_assert_cmpint(read(ends[0], &identity, sizeof identity), ==, sizeof identity);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return identity;
}

static void
test_killed_supervisors_engine_is_adopted(void)
{
	g_auto(Place) place;
	g_auto(Seen) seen;

	place_init(&place, "echo one; read x <$F; echo two; exit 3");
	seen_init(&seen);
	Identity engine = start_by_dying_helper(&place, false);
	RescueProcessSpec spec = shell_spec(SHELL("never run"), &seen);
	spec.output_path = place.output;
	spec.outlives_us = true;
	seen.process = rescue_process_adopt(&spec, engine.pid, engine.start_time, NULL);
	g_assert_nonnull(seen.process);
	g_assert_cmpint(rescue_process_pid(seen.process), ==, engine.pid);
	run_until_lines(&seen, 1);
	place_let_go_on(&place);
	run_until_exit(&seen);
	g_autofree char *text = seen_text(&seen);
	g_assert_cmpstr(text, ==, "one|two|");
	g_assert_cmpint(seen.status, ==, -1);
	g_assert_cmpint(seen.signal, ==, 0);
}

static void
test_adopted_engine_can_be_ended(void)
{
	g_auto(Place) place;
	g_auto(Seen) seen;

	place_init(&place, "echo one; read x <$F; echo two");
	seen_init(&seen);
	Identity engine = start_by_dying_helper(&place, false);
	RescueProcessSpec spec = shell_spec(SHELL("never run"), &seen);
	spec.output_path = place.output;
	spec.outlives_us = true;
	seen.process = rescue_process_adopt(&spec, engine.pid, engine.start_time, NULL);
	g_assert_nonnull(seen.process);
	rescue_process_end(seen.process, 5000);
	run_until_exit(&seen);
	g_assert_false(rescue_process_is_alive(engine.pid, engine.start_time));
}

static void
test_nothing_runs_when_the_supervisor_dies_before_it_said_go(void)
{
	g_auto(Place) place;

	place_init(&place, "echo ran >$M");
	Identity engine = start_by_dying_helper(&place, true);
	int pidfd = pidfd_open(engine.pid, 0);
	if (pidfd >= 0)
		await_end(pidfd);
	g_assert_false(g_file_test(place.marker, G_FILE_TEST_EXISTS));
}

static bool
refuse(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	g_assert_cmpint(rescue_process_start_time(pid), ==, start_time);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "the journal is full");
	return false;
}

static void
test_nothing_runs_when_before_exec_says_no(void)
{
	g_auto(Place) place;
	g_autoptr(GError) error = NULL;

	place_init(&place, "echo ran >$M");
	RescueProcessSpec spec = {
		.argv = SHELL(place.script),
		.inherit_fd = -1,
		.output_path = place.output,
		.outlives_us = true,
		.before_exec = refuse,
	};
	g_assert_null(rescue_process_start(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* no child is left */
	g_assert_cmpint(errno, ==, ECHILD);
	g_assert_false(g_file_test(place.marker, G_FILE_TEST_EXISTS));
}

static void
test_inbox_keeps_order_and_honours_the_deadline(void)
{
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();
	int64_t now = g_get_monotonic_time();

	rescue_inbox_post(inbox, rescue_observation_new_line("first"));
	rescue_inbox_post(inbox, rescue_observation_new_line("second"));
	g_autoptr(RescueObservation) a = rescue_inbox_port.next(inbox, now);
	g_autoptr(RescueObservation) b = rescue_inbox_port.next(inbox, now);
	g_autoptr(RescueObservation) c = rescue_inbox_port.next(inbox, now + 20000);
	g_autoptr(RescueObservation) d = rescue_inbox_port.next(inbox, -1);
	g_assert_cmpstr(a->line, ==, "first");
	g_assert_cmpstr(b->line, ==, "second");
	g_assert_cmpint(c->kind, ==, RESCUE_OBSERVED_DEADLINE);
	g_assert_cmpint(g_get_monotonic_time() - now, >=, 20000);
	g_assert_cmpint(d->kind, ==, RESCUE_OBSERVED_DEADLINE);
}

static void
test_inbox_counts_stop_signals(void)
{
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();

	rescue_inbox_watch_signals(inbox);
	for (unsigned i = 1; i <= 3; i++) {
		(void)kill(getpid(), i == 2 ? SIGTERM : SIGINT);
		g_autoptr(RescueObservation) seen = rescue_inbox_port.next(inbox, INT64_MAX);
		g_assert_cmpint(seen->kind, ==, RESCUE_OBSERVED_STOP);
		g_assert_cmpuint(seen->stops, ==, i);
	}
}

static void
test_nobody_is_told_apart(void)
{
	g_assert_cmpuint(rescue_process_start_time(getpid()), !=, 0);
	g_assert_cmpuint(rescue_process_start_time(0), ==, 0);
	g_assert_cmpuint(rescue_process_start_time(-1), ==, 0);
	g_assert_true(rescue_process_is_alive(getpid(), rescue_process_start_time(getpid())));
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	siginfo_t info;
	g_assert_no_errno(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	uint64_t start_time = rescue_process_start_time(child);
	g_assert_cmpuint(start_time, !=, 0);
	g_assert_false(rescue_process_is_alive(child, start_time)); /* a zombie */
	g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/process/" #name, test_##name)
	TEST(lines_end_at_newline_and_carriage_return);
	TEST(overlong_line_is_cut_and_the_next_one_is_whole);
	TEST(exit_status_and_signal_are_told);
	TEST(child_that_somebody_else_ends_is_run_again);
	TEST(missing_program_and_folder_are_named);
	TEST(child_gets_a_clean_start);
	TEST(one_descriptor_is_passed_on);
	TEST(stderr_is_kept_apart_or_merged);
	TEST(deadline_ends_the_whole_group);
	TEST(freeing_kills_an_owned_child_and_its_group);
	TEST(callbacks_may_free_the_process);
	TEST(file_output_is_tailed_in_true_order);
	TEST(catching_up_needs_no_turn_of_the_loop);
	TEST(children_are_as_urgent_as_we_or_less);
	TEST(engine_outlives_its_rescue_process);
	TEST(killed_supervisors_engine_is_adopted);
	TEST(adopted_engine_can_be_ended);
	TEST(nothing_runs_when_the_supervisor_dies_before_it_said_go);
	TEST(nothing_runs_when_before_exec_says_no);
	TEST(inbox_keeps_order_and_honours_the_deadline);
	TEST(inbox_counts_stop_signals);
	TEST(nobody_is_told_apart);
#undef TEST
	return g_test_run();
}
