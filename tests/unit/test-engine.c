/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "transport/engine/arguments.h"
#include "transport/engine/engine.h"
#include "transport/engine/opinion.h"
#include "transport/engine/relay.h"
#include "transport/engine/generation.h"

#define ECID   UINT64_C(0x1A2B3C4D5E6F70)
#define NOW    INT64_C(1795341840000000) /* 2026-11-22T10:04:00Z */
#define SERVER "http://127.0.0.1:8000"

/* a state folder, a copy of the fake engine in it, an inbox and a job */

typedef struct {
	char *dir, *program, *work_root, *fifo;
	RescueInbox *inbox;
	RescueLock *lock;
	RescueEngine *engine;
	RescueJob *job;
	RescueDevice *device;
	GString *lines; /* each closed by '|' */
	RescueEngineRun run;
	unsigned journalled;
	bool refuse;
	int known[2]; /* pipe: what a supervisor that is killed knew */
} Bench;

static const char *const variables[] = { "FAKE_NEW",        "FAKE_BROKEN", "FAKE_LOOKS",
					 "FAKE_TRANSCRIPT", "FAKE_WAIT",   "FAKE_STATUS",
					 "http_proxy",      "no_proxy",    "NO_PROXY" };

static void
copy_fake_engine(const char *path)
{
	g_autofree char *source = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"),
						   "tests/data/fake-engine.sh", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(g_file_get_contents(source, &text, NULL, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_no_errno(g_chmod(path, 0700));
}

static RescueEngine *
make_engine(const Bench *bench, const char *signing_server)
{
	const RescueEngineSpec spec = {
		.program = bench->program,
		.work_root = bench->work_root,
		.inbox = bench->inbox,
		.lock = bench->lock,
		.signing_server = signing_server,
	};

	return rescue_engine_new(&spec);
}

static void
bench_init(Bench *bench)
{
	*bench = (Bench){ .dir = g_dir_make_tmp("rescue-engine-XXXXXX", NULL) };
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	bench->program = g_build_filename(bench->dir, "idevicerestore", NULL);
	bench->work_root = g_build_filename(bench->dir, "jobs", "job-1", NULL);
	bench->fifo = g_build_filename(bench->dir, "fifo", NULL);
	bench->lines = g_string_new(NULL);
	copy_fake_engine(bench->program);
	g_assert_no_errno(mkfifo(bench->fifo, 0600));
	g_assert_true(g_setenv("IDEVICERESCUE_LOCK_DIR", bench->dir, TRUE));
	bench->lock = rescue_lock_take(ECID, "job-1", NOW, NULL);
	bench->inbox = rescue_inbox_new();
	bench->engine = make_engine(bench, NULL);
	bench->device = rescue_device_new();
	bench->job = rescue_job_new();
	bench->job->id = g_strdup("job-1");
	bench->job->ecid = ECID;
	bench->job->ipsw = g_strdup("/firmware/a b.ipsw");
	bench->job->behavior = RESCUE_BEHAVIOR_ERASE;
}

static void
bench_clear(Bench *bench)
{
	const char *const argv[] = { "rm", "-rf", bench->dir, NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { .status = 0 };

	rescue_engine_free(bench->engine);
	rescue_lock_free(bench->lock);
	rescue_inbox_free(bench->inbox);
	rescue_job_free(bench->job);
	rescue_device_free(bench->device);
	rescue_engine_run_clear(&bench->run);
	g_string_free(bench->lines, TRUE);
	g_assert_true(rescue_process_run(&spec, 20000, &result, NULL));
	g_free(bench->dir);
	g_free(bench->program);
	g_free(bench->work_root);
	g_free(bench->fifo);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static bool
journal(const RescueEngineRun *run, void *data, GError **error)
{
	Bench *bench = data;

	g_assert_true(rescue_process_is_alive(run->pid, run->start_time));
	g_assert_cmpstr(run->version, !=, NULL);
	g_assert_nonnull(run->transcript);
	bench->journalled++;
	if (bench->refuse)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "the journal is full");
	return !bench->refuse;
}

static bool
start(Bench *bench, unsigned attempt, GError **error)
{
	const RescueEngineStart spec = { .job = bench->job,
					 .device = bench->device,
					 .attempt = attempt };

	rescue_engine_run_clear(&bench->run);
	return rescue_engine_port.start(bench->engine, &spec, journal, bench, &bench->run, error);
}

/** The exit; lines before it are kept. */
static RescueObservation *
run_until_exit(Bench *bench)
{
	for (;;) {
		g_autoptr(RescueObservation) seen = rescue_inbox_port.next(bench->inbox, INT64_MAX);
		if (seen->kind == RESCUE_OBSERVED_EXIT)
			return g_steal_pointer(&seen);
		g_string_append_printf(bench->lines, "%s|", seen->line);
	}
}

static void
run_until_line(Bench *bench, const char *part)
{
	while (strstr(bench->lines->str, part) == NULL) {
		g_autoptr(RescueObservation) seen = rescue_inbox_port.next(bench->inbox, INT64_MAX);
		g_assert_cmpint(seen->kind, ==, RESCUE_OBSERVED_LINE);
		g_string_append_printf(bench->lines, "%s|", seen->line);
	}
}

static void
let_go_on(const Bench *bench)
{
	int fd = open(bench->fifo, O_WRONLY | O_CLOEXEC); /* waits for the reader */

	g_assert_cmpint(write(fd, "go\n", 3), ==, 3);
	(void)close(fd);
}

#define ASSERT_SAYS(bench, text)     g_assert_nonnull(strstr((bench).lines->str, text))
#define ASSERT_SAYS_NOT(bench, text) g_assert_null(strstr((bench).lines->str, text))

static void
test_versions_are_read(void)
{
	const struct {
		const char *output, *version;
	} cases[] = {
		{ "idevicerestore 1.0.0\n", "1.0.0" },
		{ "idevicerestore 1.0.1 (libirecovery 1.3.1, libtatsu 1.0.5)\n", "1.0.1" },
		{ "noise\nidevicerestore 1.1.0-12-g405fcd1\n", "1.1.0-12-g405fcd1" },
		{ "idevicerestore\n", NULL },
		{ "idevicerestore unknown\n", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *version = rescue_generation_read_version(cases[i].output);
		g_assert_cmpstr(version, ==, cases[i].version);
	}
}

static void
test_probe_tells_the_generation_and_looks_once(void)
{
	g_auto(Bench) bench;
	g_autofree char *text = NULL;

	bench_init(&bench);
	g_autofree char *looks = g_build_filename(bench.dir, "looks", NULL);
	g_setenv("FAKE_LOOKS", looks, TRUE);
	for (int i = 0; i < 3; i++) {
		rescue_engine_run_clear(&bench.run);
		g_assert_true(rescue_engine_port.probe(bench.engine, NULL, &bench.run, NULL));
	}
	g_assert_cmpstr(bench.run.version, ==, "1.0.0");
	g_assert_cmpint(bench.run.dialect, ==, RESCUE_DIALECT_1_0_0);
	g_assert_cmpint(bench.run.pid, ==, 0);
	g_setenv("FAKE_NEW", "1", TRUE);
	copy_fake_engine(bench.program); /* an upgrade while we run */
	rescue_engine_run_clear(&bench.run);
	g_assert_true(rescue_engine_port.probe(bench.engine, NULL, &bench.run, NULL));
	g_assert_cmpstr(bench.run.version, ==, "1.0.1");
	g_assert_cmpint(bench.run.dialect, ==, RESCUE_DIALECT_1_0_1);
	g_assert_true(g_file_get_contents(looks, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "look\nlook\n");
}

static void
test_missing_and_broken_engines_are_told_apart(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_setenv("FAKE_BROKEN", "1", TRUE);
	g_assert_false(rescue_engine_port.probe(bench.engine, NULL, &bench.run, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_UNUSABLE);
	g_assert_nonnull(strstr(error->message, "libplist-2.0.so.3"));
	g_clear_error(&error);
	g_assert_no_errno(g_unlink(bench.program));
	g_assert_false(start(&bench, 1, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_ENGINE);
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(bench.program, "#!/bin/sh\necho hello\n", -1, NULL));
	g_assert_no_errno(g_chmod(bench.program, 0700));
	g_unsetenv("FAKE_BROKEN");
	g_assert_false(rescue_engine_port.probe(bench.engine, NULL, &bench.run, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_UNUSABLE);
}

typedef struct {
	bool new_generation;
	RescueBehavior behavior;
	const char *server;
	const char *argv, *env;
} ArgumentCase;

static void
check_arguments(const ArgumentCase *expected)
{
	char program[] = "/bin/engine", ipsw[] = "/f.ipsw";
	const RescueGeneration generation = { .launch = { .program = program },
					      .has_logfile = expected->new_generation,
					      .has_server = expected->new_generation };
	const RescueJob job = { .ecid = ECID, .ipsw = ipsw, .behavior = expected->behavior };
	const RescueArguments arguments = { .generation = &generation,
					    .job = &job,
					    .cache_dir = "/c",
					    .signing_server = expected->server };
	g_auto(GStrv) argv = rescue_arguments_make(&arguments);
	g_auto(GStrv) env = rescue_arguments_environment(&arguments);
	g_autofree char *argv_text = g_strjoinv(" ", argv);
	g_autofree char *env_text = g_strjoinv(" ", env);

	g_assert_cmpstr(argv_text, ==, expected->argv);
	g_assert_cmpstr(env_text, ==, expected->env);
}

/* what is on this host is not asked of its proxy */
#define CURE     " GLIBC_TUNABLES=glibc.malloc.tcache_count=0"
#define LOOPBACK " no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost"
#define HEAD     "/bin/engine --ecid 0x001A2B3C4D5E6F70 -P -y -d "

static void
test_arguments_follow_generation_and_consent(void)
{
	static const ArgumentCase cases[] = {
		{ false, RESCUE_BEHAVIOR_ERASE, NULL, HEAD "-e -C /c /f.ipsw", "TMPDIR=/c" CURE },
		{ false, RESCUE_BEHAVIOR_UPDATE, NULL, HEAD "-C /c /f.ipsw", "TMPDIR=/c" CURE },
		{ false, RESCUE_BEHAVIOR_UNSAID, NULL, HEAD "-C /c /f.ipsw", "TMPDIR=/c" CURE },
		{ false, RESCUE_BEHAVIOR_ERASE, SERVER, HEAD "-e -C /c -s /f.ipsw",
		  "TMPDIR=/c http_proxy=" SERVER " no_proxy= NO_PROXY=" CURE },
		{ true, RESCUE_BEHAVIOR_UPDATE, NULL, HEAD "-C /c --logfile=- /f.ipsw",
		  "TMPDIR=/c" },
		{ true, RESCUE_BEHAVIOR_ERASE, SERVER,
		  HEAD "-e -C /c --logfile=- -s " SERVER "/TSS/controller?action=2 /f.ipsw",
		  "TMPDIR=/c" LOOPBACK },
		{ true, RESCUE_BEHAVIOR_ERASE, SERVER "/",
		  HEAD "-e -C /c --logfile=- -s " SERVER "/TSS/controller?action=2 /f.ipsw",
		  "TMPDIR=/c" LOOPBACK },
		{ true, RESCUE_BEHAVIOR_ERASE, SERVER "/own",
		  HEAD "-e -C /c --logfile=- -s " SERVER "/own /f.ipsw", "TMPDIR=/c" LOOPBACK },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		check_arguments(&cases[i]);
}

static void
test_refusal_is_judged_by_what_the_engine_says(void)
{
	static const struct {
		RescueDialect dialect;
		const char *lines[4];
		RescueRefusal said;
	} cases[] = {
		{ RESCUE_DIALECT_1_0_0,
		  { "ERROR: TSS request failed (status=94, message=This device isn't eligible for "
		    "the requested build.)",
		    "ERROR: Unable to get SHSH blobs for this device" },
		  RESCUE_REFUSAL_CONFIRMED },
		{ RESCUE_DIALECT_1_0_1,
		  { "TSS server returned: STATUS=94&MESSAGE=This device isn't eligible for the "
		    "requested build.",
		    "ERROR: Unable to get SHSH blobs for this device" },
		  RESCUE_REFUSAL_CONFIRMED },
		{ RESCUE_DIALECT_1_0_0,
		  { "Received SHSH blobs", "ERROR: could not save" },
		  RESCUE_REFUSAL_DENIED },
		{ RESCUE_DIALECT_1_0_0,
		  { "ERROR: TSS request failed:  (status=-1)" },
		  RESCUE_REFUSAL_UNKNOWN },
		{ RESCUE_DIALECT_1_0_0,
		  { "ERROR: TSS request failed (status=100, message=An internal error occurred.)" },
		  RESCUE_REFUSAL_UNKNOWN },
		{ RESCUE_DIALECT_1_0_0, { NULL }, RESCUE_REFUSAL_UNKNOWN },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(rescue_opinion_read(cases[i].dialect, cases[i].lines), ==,
				cases[i].said);
}

static void
test_relay_log_becomes_observations(void)
{
	static const struct {
		const char *line;
		bool tells, waiting;
		int status;
		const char *failure;
	} cases[] = {
		{ "{\"event\":\"start\",\"pid\":1}", false, false, 0, NULL },
		{ "{\"event\":\"reply\",\"status\":0,\"message\":\"SUCCESS\"}", true, false, 0,
		  NULL },
		{ "{\"event\":\"reply\",\"status\":94,\"failure\":\"signing-refused\"}", true,
		  false, 94, "signing-refused" },
		{ "{\"event\":\"waiting\",\"failure\":\"signing-unreachable\"}", true, true, -1,
		  "signing-unreachable" },
		{ "{\"event\":\"reply\",\"status\":-7}", true, false, -1, NULL },
		{ "not json", false, false, 0, NULL },
		{ "[]", false, false, 0, NULL },
		{ "", false, false, 0, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueObservation) seen = rescue_engine_relay_read_line(cases[i].line);
		g_assert_cmpint(seen != NULL, ==, cases[i].tells);
		if (seen == NULL)
			continue;
		g_assert_cmpint(seen->waiting, ==, cases[i].waiting);
		g_assert_cmpint(seen->signing_status, ==, cases[i].status);
		g_assert_cmpstr(seen->failure, ==, cases[i].failure);
	}
}

static void
assert_mode(const char *path, unsigned mode)
{
	struct stat status;

	g_assert_no_errno(stat(path, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, mode);
}

static void
test_a_run_is_private_and_leaves_only_its_transcript(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_setenv("FAKE_STATUS", "254", TRUE);
	g_assert_true(start(&bench, 1, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(bench.journalled, ==, 1);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_status, ==, 254);
	g_assert_cmpint(end->exit_signal, ==, 0);
	g_autofree char *dir = g_build_filename(bench.work_root, "attempt-1", NULL);
	g_autofree char *cache = g_build_filename(dir, "cache", NULL);
	g_autofree char *folder_line = g_strdup_printf("folder: %s|", dir);
	ASSERT_SAYS(bench, folder_line);
	ASSERT_SAYS(bench, "argument: -e|");
	ASSERT_SAYS(bench, "argument: /firmware/a b.ipsw|");
	ASSERT_SAYS(bench, "proxy: unset unset unset|");
	ASSERT_SAYS(bench, "ERROR: on stderr|");
	g_assert_false(g_file_test(cache, G_FILE_TEST_EXISTS));
	assert_mode(dir, 0700);
	assert_mode(bench.run.transcript, 0600);
	g_autofree char *descriptors = g_strdup_printf(" %d ", rescue_lock_fd(bench.lock));
	ASSERT_SAYS(bench, descriptors);
}

static void
test_a_folder_that_is_there_already_is_not_reused(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	for (int i = 0; i < 2; i++) {
		g_assert_true(start(&bench, 3, NULL));
		g_autoptr(RescueObservation) end = run_until_exit(&bench);
		g_assert_cmpint(end->exit_status, ==, 0);
	}
	g_assert_true(g_str_has_suffix(bench.run.transcript, "/attempt-3.2/transcript.log"));
}

static void
test_nothing_runs_that_the_journal_refused(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	bench.refuse = true;
	g_assert_false(start(&bench, 1, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_autofree char *transcript = g_build_filename(bench.work_root, "attempt-1",
						       "transcript.log", NULL);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(transcript, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "");
}

static void
test_moved_signing_server_reaches_both_generations(void)
{
	for (int new_generation = 0; new_generation < 2; new_generation++) {
		g_auto(Bench) bench;
		bench_init(&bench);
		if (new_generation)
			g_setenv("FAKE_NEW", "1", TRUE);
		g_setenv("no_proxy", "*", TRUE);
		g_clear_pointer(&bench.engine, rescue_engine_free);
		bench.engine = make_engine(&bench, SERVER);
		g_assert_true(start(&bench, 1, NULL));
		g_autoptr(RescueObservation) end = run_until_exit(&bench);
		ASSERT_SAYS(bench, "argument: -s|");
		if (new_generation)
			ASSERT_SAYS(bench, "argument: " SERVER "/TSS/controller?action=2|");
		else
			ASSERT_SAYS(bench, "proxy: " SERVER "  |");
	}
}

static void
test_a_waiting_engine_is_ended(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	g_setenv("FAKE_WAIT", bench.fifo, TRUE);
	g_assert_true(start(&bench, 1, NULL));
	run_until_line(&bench, "ERROR: on stderr|");
	rescue_engine_port.end(bench.engine);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_signal, ==, SIGTERM);
	g_assert_false(rescue_process_is_alive(bench.run.pid, bench.run.start_time));
}

static void
test_recorded_transcript_arrives_whole_and_in_order(void)
{
	g_auto(Bench) bench;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) expected = g_string_new(NULL);

	bench_init(&bench);
	for (int i = 0; i < 20000; i++) {
		g_string_append_printf(text, "progress: 4 %f\n", i / 20000.0);
		g_string_append_printf(expected, "progress: 4 %f|", i / 20000.0);
	}
	g_autofree char *path = g_build_filename(bench.dir, "recorded", NULL);
	g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
	g_setenv("FAKE_TRANSCRIPT", path, TRUE);
	g_assert_true(start(&bench, 1, NULL));
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_true(g_str_has_suffix(bench.lines->str, expected->str));
}

/*
 * a supervisor in a process of its own, which starts an engine and is killed; what it knew comes
 * through a pipe
 */

static bool
tell_run(const RescueEngineRun *run, void *data, GError **error)
{
	const Bench *bench = data;
	char path[4096] = "";

	g_strlcpy(path, run->transcript, sizeof path);
	return write(bench->known[1], &run->pid, sizeof run->pid) > 0 &&
	       write(bench->known[1], &run->start_time, sizeof run->start_time) > 0 &&
	       write(bench->known[1], path, sizeof path) == sizeof path;
}

static void
supervise_and_die(Bench *bench)
{
	const RescueEngineStart spec = { .job = bench->job, .device = bench->device, .attempt = 1 };
	RescueEngineRun run = { .pid = 0 };

	bench->lock = rescue_lock_take(ECID, "job-1", NOW, NULL);
	RescueEngine *engine = make_engine(bench, NULL);
	(void)rescue_engine_port.start(engine, &spec, tell_run, bench, &run, NULL);
	(void)kill(getpid(), SIGKILL);
}

static void
leave_orphan(Bench *bench)
{
	char path[4096];

	g_clear_pointer(&bench->lock, rescue_lock_free);
	g_assert_no_errno(pipe2(bench->known, O_CLOEXEC));
	pid_t supervisor = fork();
	if (supervisor == 0)
		supervise_and_die(bench);
	g_assert_cmpint(waitpid(supervisor, NULL, 0), ==, supervisor);
	g_assert_cmpint(read(bench->known[0], &bench->run.pid, sizeof bench->run.pid), >, 0);
	g_assert_cmpint(read(bench->known[0], &bench->run.start_time, sizeof bench->run.start_time),
			>, 0);
	g_assert_cmpint(read(bench->known[0], path, sizeof path), ==, sizeof path);
	bench->run.transcript = g_strdup(path);
	(void)close(bench->known[0]);
	(void)close(bench->known[1]);
}

static void
test_orphan_is_adopted_with_its_lock_and_transcript(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_setenv("FAKE_WAIT", bench.fifo, TRUE);
	leave_orphan(&bench);
	const RescueLockEngine orphan = { .pid = bench.run.pid,
					  .start_time = bench.run.start_time };
	bench.lock = rescue_lock_take_from(ECID, &orphan, "job-1", NOW, &error);
	g_assert_no_error(error);
	g_clear_pointer(&bench.engine, rescue_engine_free);
	bench.engine = make_engine(&bench, NULL);
	/* it was held, and its guard has died together with its supervisor */
	g_assert_no_errno(kill(-orphan.pid, SIGSTOP));
	g_assert_true(rescue_engine_port.adopt(bench.engine, &bench.run, &error));
	g_assert_no_error(error);
	run_until_line(&bench, "ERROR: on stderr|");
	let_go_on(&bench);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_status, ==, -1); /* not our child: only the transcript tells */
	ASSERT_SAYS(bench, "argument: --ecid|");
	ASSERT_SAYS(bench, "told: go|");
	g_autofree char *cache = g_build_filename(bench.work_root, "attempt-1", "cache", NULL);
	g_assert_false(g_file_test(cache, G_FILE_TEST_EXISTS));
	g_assert_cmpint(rescue_lock_fd(bench.lock), >=, 0);
	g_unsetenv("FAKE_WAIT");
	g_string_truncate(bench.lines, 0);
	g_assert_true(
	    start(&bench, 2, &error)); /* the next attempt, under the lock that came back */
	g_autoptr(RescueObservation) end2 = run_until_exit(&bench);
	g_assert_cmpint(end2->exit_status, ==, 0);
}

/* Until our child has stopped, or goes on. */
static void
await_child(pid_t pid, int news)
{
	siginfo_t info = { .si_pid = 0 };

	g_assert_no_errno(waitid(P_PID, (id_t)pid, &info, news));
}

static void
test_a_held_engine_goes_on(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_setenv("FAKE_WAIT", bench.fifo, TRUE);
	g_assert_true(start(&bench, 1, NULL));
	run_until_line(&bench, "ERROR: on stderr|");
	g_assert_true(rescue_engine_port.hold(bench.engine, 600000, &error));
	g_assert_no_error(error);
	await_child(bench.run.pid, WSTOPPED);
	rescue_engine_port.go_on(bench.engine);
	rescue_engine_port.go_on(bench.engine); /* it does already */
	await_child(bench.run.pid, WCONTINUED);
	let_go_on(&bench);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_status, ==, 0);
	ASSERT_SAYS(bench, "told: go|");
	g_assert_false(rescue_engine_port.hold(bench.engine, 600000, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_a_held_engine_is_ended(void)
{
	g_auto(Bench) bench;

	bench_init(&bench);
	g_setenv("FAKE_WAIT", bench.fifo, TRUE);
	g_assert_true(start(&bench, 1, NULL));
	run_until_line(&bench, "ERROR: on stderr|");
	g_assert_true(rescue_engine_port.hold(bench.engine, 600000, NULL));
	await_child(bench.run.pid, WSTOPPED);
	rescue_engine_port.end(bench.engine);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_signal, ==, SIGTERM);
	ASSERT_SAYS_NOT(bench, "told: go|");
}

static void
test_dead_engine_is_adopted_with_all_it_said_and_its_end(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_assert_true(start(&bench, 1, NULL));
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_clear_pointer(&bench.engine, rescue_engine_free);
	bench.engine = make_engine(&bench, NULL);
	g_autofree char *said = g_strdup(bench.lines->str);
	g_string_truncate(bench.lines, 0);
	g_assert_true(rescue_engine_port.adopt(bench.engine, &bench.run, &error));
	g_assert_no_error(error);
	g_autoptr(RescueObservation) again = run_until_exit(&bench);
	g_assert_cmpint(again->exit_status, ==, -1); /* nobody knows it any more */
	g_assert_cmpint(again->exit_signal, ==, 0);
	g_assert_cmpstr(bench.lines->str, ==, said);
	(void)g_unlink(bench.run.transcript);
	g_assert_false(rescue_engine_port.adopt(bench.engine, &bench.run, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_transcript_outside_of_the_job_is_refused(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	bench.run.pid = getpid();
	bench.run.start_time = rescue_process_start_time(getpid());
	bench.run.transcript = g_strdup("/etc/passwd");
	g_assert_false(rescue_engine_port.adopt(bench.engine, &bench.run, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
}

static void
test_no_second_engine_beside_an_orphan(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;

	bench_init(&bench);
	g_setenv("FAKE_WAIT", bench.fifo, TRUE);
	leave_orphan(&bench);
	const RescueLockEngine orphan = { .pid = bench.run.pid,
					  .start_time = bench.run.start_time };
	bench.lock = rescue_lock_take_from(ECID, &orphan, "job-1", NOW, NULL);
	g_clear_pointer(&bench.engine, rescue_engine_free);
	bench.engine = make_engine(&bench, NULL);
	RescueEngineRun adopted = { .pid = orphan.pid,
				    .start_time = orphan.start_time,
				    .transcript = g_strdup(bench.run.transcript) };
	g_assert_false(start(&bench, 2, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_assert_true(rescue_engine_port.adopt(bench.engine, &adopted, NULL));
	rescue_engine_port.end(bench.engine);
	g_autoptr(RescueObservation) end = run_until_exit(&bench);
	g_assert_cmpint(end->exit_status, ==, -1);
	rescue_engine_run_clear(&adopted);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/engine/" #name, test_##name)
	TEST(versions_are_read);
	TEST(probe_tells_the_generation_and_looks_once);
	TEST(missing_and_broken_engines_are_told_apart);
	TEST(arguments_follow_generation_and_consent);
	TEST(a_run_is_private_and_leaves_only_its_transcript);
	TEST(a_folder_that_is_there_already_is_not_reused);
	TEST(nothing_runs_that_the_journal_refused);
	TEST(moved_signing_server_reaches_both_generations);
	TEST(a_waiting_engine_is_ended);
	TEST(recorded_transcript_arrives_whole_and_in_order);
	TEST(a_held_engine_goes_on);
	TEST(a_held_engine_is_ended);
	TEST(orphan_is_adopted_with_its_lock_and_transcript);
	TEST(dead_engine_is_adopted_with_all_it_said_and_its_end);
	TEST(transcript_outside_of_the_job_is_refused);
	TEST(no_second_engine_beside_an_orphan);
#undef TEST
	g_test_add_func("/engine/opinion", test_refusal_is_judged_by_what_the_engine_says);
	g_test_add_func("/engine/relay-log", test_relay_log_becomes_observations);
	return g_test_run();
}
