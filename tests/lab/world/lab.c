/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lab/scenario/scenario.h"
#include "tests/lab/world/command.h"
#include "tests/lab/world/installed.h"
#include "tests/lab/world/judge.h"
#include "tests/lab/world/keeper.h"
#include "tests/lab/world/rules.h"
#include "tests/lab/world/world.h"

/* idevicerescue-lab: runs a command in a world with virtual iPhones. */

enum {
	EXIT_SKIPPED = 77,     /* the world cannot be made here; ctest's word for it */
	EXIT_UNMET = 99,       /* --check: an expectation was not met */
	EXIT_LAB_FAILED = 125, /* the lab itself failed; as env(1) and timeout(1) have it */
	DEFAULT_GRACE_MS = 5000,
	SETTLE_MS =
	    5000, /* for what is expected to come about by itself once the command has ended */
	SETTLE_STEP_MS = 20,
};

typedef struct {
	char *scenario_path, *dir, *engine;
	gboolean keep, check;
	char *bench_name;
	LabBench bench;
	int grace_s;
	char **argv; /* the command; borrowed */
	LabScenario *scenario;
	char *temporary; /* the directory, if it is to be removed */
} Lab;

static int
fail(const char *message)
{
	fprintf(stderr, "idevicerescue-lab: %s\n", message);
	return EXIT_LAB_FAILED;
}

/* ---- the directory ---------------------------------------------------------------------------- */

static void
remove_tree(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	g_autofree char *path = parent == AT_FDCWD
				    ? g_strdup(name)
				    : g_strdup_printf("/proc/self/fd/%d/%s", parent, name);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *entry = NULL;
	while (fd >= 0 && dir != NULL && (entry = g_dir_read_name(dir)) != NULL)
		remove_tree(fd, entry);
	if (fd >= 0)
		(void)close(fd);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

static bool
make_directory(Lab *lab, GError **error)
{
	if (lab->dir != NULL) {
		if (g_mkdir_with_parents(lab->dir, 0700) == 0)
			return true;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make ‘%s’: %s", lab->dir,
			    g_strerror(errno));
		return false;
	}
	/* short, because a socket's path has room for 107 bytes */
	lab->dir = g_dir_make_tmp("lab-XXXXXX", error);
	if (lab->dir == NULL)
		return false;
	if (lab->keep)
		fprintf(stderr, "idevicerescue-lab: kept in %s\n", lab->dir);
	else
		lab->temporary = g_strdup(lab->dir);
	return true;
}

/* ---- the run ---------------------------------------------------------------------------------- */

typedef struct {
	GMainLoop *loop;
	LabJudge *judge;
	unsigned left_ms;
} Settling;

static gboolean
on_settle_step(void *data)
{
	Settling *settling = data;
	lab_judge_read(settling->judge);
	settling->left_ms -= MIN(settling->left_ms, (unsigned)SETTLE_STEP_MS);
	if (lab_judge_is_waiting(settling->judge) && settling->left_ms > 0)
		return G_SOURCE_CONTINUE;
	g_main_loop_quit(settling->loop);
	return G_SOURCE_REMOVE;
}

/* a phone may still be booting when the engine has long ended */
static void
settle(LabJudge *judge)
{
	lab_judge_read(judge);
	if (!lab_judge_is_waiting(judge))
		return;
	Settling settling = { .loop = g_main_loop_new(NULL, FALSE),
			      .judge = judge,
			      .left_ms = SETTLE_MS };
	(void)g_timeout_add(SETTLE_STEP_MS, on_settle_step, &settling);
	g_main_loop_run(settling.loop);
	g_main_loop_unref(settling.loop);
}

static unsigned
erased_count(const void *judge, const char *phone)
{
	return lab_judge_erased(judge, phone);
}

static char **
command_words(const Lab *lab, const LabWorld *world, GError **error)
{
	char **environment = lab_world_environment(world);
	g_auto(GStrv) words = NULL;
	if (lab->argv != NULL && lab->argv[0] != NULL)
		return g_strdupv(lab->argv);
	if (lab->scenario->run == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "there is no command behind ‘--’ and no ‘run’ in the scenario");
		return NULL;
	}
	if (!g_shell_parse_argv(lab->scenario->run, NULL, &words, error))
		return NULL;
	for (char **word = words; *word != NULL; word++) {
		char *expanded = lab_expand(*word, environment, error);
		if (expanded == NULL)
			return NULL;
		g_free(*word);
		*word = expanded;
	}
	return g_steal_pointer(&words);
}

static int
report(const LabJudge *judge, const LabOutcome *outcome)
{
	g_autoptr(GPtrArray) unmet = lab_judge_verdict(judge, outcome);
	lab_rules_check(judge, outcome, unmet);
	for (guint i = 0; i < unmet->len; i++)
		fprintf(stderr, "idevicerescue-lab: %s\n",
			(const char *)g_ptr_array_index(unmet, i));
	return unmet->len > 0 ? EXIT_UNMET : 0;
}

static bool
run_in_world(const Lab *lab, LabWorld *world, int *ret_status, GError **error)
{
	g_autofree char *out = g_build_filename(lab->dir, "stdout", NULL);
	g_autofree char *err = g_build_filename(lab->dir, "stderr", NULL);
	g_autofree char *events = g_build_filename(lab->dir, "events", NULL);
	g_auto(GStrv) words = command_words(lab, world, error);
	g_auto(GStrv) argv = words != NULL ? lab_world_command(world, words, error) : NULL;
	if (argv == NULL)
		return false;
	const LabCommand command = { .argv = argv,
				     .environment = lab_world_environment(world),
				     .stdout_path = out,
				     .stderr_path = err,
				     .grace_ms = lab->grace_s >= 0 ? (unsigned)lab->grace_s * 1000
								   : DEFAULT_GRACE_MS };
	lab_world_start(world);
	int status = 0;
	bool left = false;
	if (!lab_command_run(&command, &status, &left, error) ||
	    !lab_world_exit_status(world, &status, error))
		return false;
	g_autoptr(LabJudge) judge = lab_judge_new(lab->scenario, lab_world_record_path(world));
	settle(judge);
	lab_world_record_state(world, erased_count, judge);
	const LabOutcome outcome = { .exit_status = status,
				     .stdout_path = out,
				     .stderr_path = err,
				     .events_path = events,
				     .dir = lab->dir,
				     .words = words,
				     .left = left };
	*ret_status = lab->check ? report(judge, &outcome) : status;
	return true;
}

static int
run(void *data)
{
	Lab *lab = data;
	g_autoptr(GError) error = NULL;
	int status = EXIT_LAB_FAILED;
	g_autoptr(LabWorld) world = lab_world_new(lab->scenario, lab->dir, lab->bench, &error);
	if (world == NULL || !run_in_world(lab, world, &status, &error))
		return fail(error->message);
	return status;
}

/* ---- command line ----------------------------------------------------------------------------- */

static bool
read_bench(Lab *lab, GError **error)
{
	static const char *const names[] = {
		[LAB_BENCH_UMOCKDEV] = "umockdev", [LAB_BENCH_QEMU] = "qemu"
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (lab->bench_name == NULL || strcmp(names[i], lab->bench_name) == 0) {
			lab->bench = (LabBench)i;
			return true;
		}
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		    "--bench is umockdev or qemu, not ‘%s’", lab->bench_name);
	return false;
}

static bool
read_options(Lab *lab, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "scenario", 's', 0, G_OPTION_ARG_FILENAME, &lab->scenario_path,
		  "what the world is like", "FILE" },
		{ "dir", 0, 0, G_OPTION_ARG_FILENAME, &lab->dir, "use and keep this directory",
		  "DIR" },
		{ "keep", 0, 0, G_OPTION_ARG_NONE, &lab->keep,
		  "keep the directory and tell its name", NULL },
		{ "check", 0, 0, G_OPTION_ARG_NONE, &lab->check,
		  "judge by the scenario's expectations", NULL },
		{ "engine", 0, 0, G_OPTION_ARG_STRING, &lab->engine,
		  "with this engine, whatever the scenario says; skipped when it is not installed",
		  "NAME" },
		{ "bench", 0, 0, G_OPTION_ARG_STRING, &lab->bench_name,
		  "umockdev (on this host), or qemu (in a machine)", "NAME" },
		{ "grace", 0, 0, G_OPTION_ARG_INT, &lab->grace_s,
		  "for processes the command leaves", "SECONDS" },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("[-- COMMAND…]");
	g_option_context_set_summary(context, "Runs a command in a world with virtual iPhones.");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (lab->scenario_path == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "wants --scenario FILE");
		return false;
	}
	if (!read_bench(lab, error))
		return false;
	lab->argv = *argv + 1;
	if (lab->argv[0] != NULL && strcmp(lab->argv[0], "--") == 0)
		lab->argv++;
	return true;
}

/* files beside the scenario, such as a policy, are named by it */
static void
tell_scenario_dir(const char *scenario_path)
{
	g_autofree char *absolute = g_canonicalize_filename(scenario_path, NULL);
	g_autofree char *dir = g_path_get_dirname(absolute);
	g_setenv("LAB_SCENARIO_DIR", dir, TRUE);
}

static bool
prepare(Lab *lab, int *argc, char ***argv, GError **error)
{
	if (!read_options(lab, argc, argv, error))
		return false;
	tell_scenario_dir(lab->scenario_path);
	lab->scenario = lab_scenario_load(lab->scenario_path, error);
	if (lab->scenario != NULL && lab->engine != NULL) {
		bool system = strcmp(lab->engine, "system") == 0;
		g_free(lab->scenario->engine);
		lab->scenario->engine = system ? NULL : g_strdup(lab->engine);
	}
	return lab->scenario != NULL && make_directory(lab, error);
}

/* never silent, and never a pass */
static bool
lacks_engine(const Lab *lab)
{
	const char *wanted = lab->scenario->engine;
	g_autoptr(LabInstalled) installed = wanted != NULL ? lab_installed_find(wanted) : NULL;
	g_autofree char *folder = lab_installed_folder();
	if (wanted == NULL || installed != NULL)
		return false;
	printf("skipped: the engine %s is not in ‘%s’; test.sh installs it there when the package "
	       "archive can be reached\n",
	       wanted, folder);
	return true;
}

int
main(int argc, char **argv)
{
	Lab lab = { .grace_s = -1 };
	g_autoptr(GError) error = NULL;
	bool ready = prepare(&lab, &argc, &argv, &error);
	int status = !ready               ? fail(error->message)
		     : lacks_engine(&lab) ? EXIT_SKIPPED
					  : lab_keeper_run(run, &lab);
	if (lab.temporary != NULL)
		remove_tree(AT_FDCWD, lab.temporary);
	lab_scenario_free(lab.scenario);
	g_free(lab.temporary);
	g_free(lab.scenario_path);
	g_free(lab.dir);
	g_free(lab.engine);
	g_free(lab.bench_name);
	return status < 0 ? fail("cannot fork") : status;
}
