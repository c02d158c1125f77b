/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/engine.h"

#include "core/base/error.h"
#include "core/process/process.h"
#include "transport/engine/arguments.h"
#include "transport/engine/generation.h"
#include "transport/engine/workdir.h"

/* From SIGTERM to SIGKILL. 1.0.0 answers SIGTERM late, if it waits for the device. */
#define GRACE_MS 5000

/** What the handshake before the program runs needs. */
typedef struct {
	RescueEngineRun *run;
	RescueEngineJournal journal;
	void *data;
} Start;

struct RescueEngine {
	char *program, *work_root, *signing_server;
	RescueInbox *inbox;
	RescueLock *lock;
	RescueGeneration generation;
	RescueWorkdir workdir;  /* of the present or last attempt */
	RescueProcess *process; /* the present or last one, or NULL */
	const Start *starting;  /* set while one is being started */
};

RescueEngine *
rescue_engine_new(const RescueEngineSpec *spec)
{
	RescueEngine *engine = g_new0(RescueEngine, 1);

	engine->program = g_strdup(spec->program);
	engine->work_root = g_strdup(spec->work_root);
	engine->signing_server = g_strdup(spec->signing_server);
	engine->inbox = spec->inbox;
	engine->lock = spec->lock;
	return engine;
}

void
rescue_engine_free(RescueEngine *engine)
{
	if (engine == NULL)
		return;
	rescue_process_free(engine->process);
	rescue_generation_clear(&engine->generation);
	rescue_workdir_clear(&engine->workdir);
	g_free(engine->program);
	g_free(engine->work_root);
	g_free(engine->signing_server);
	g_free(engine);
}

static void
on_line(const char *line, void *data)
{
	const RescueEngine *engine = data;

	rescue_inbox_post(engine->inbox, rescue_observation_new_line(line));
}

static void
on_exit_seen(int status, int signal, void *data)
{
	const RescueEngine *engine = data;
	RescueObservation *observation = rescue_observation_new(RESCUE_OBSERVED_EXIT);

	observation->exit_status = status;
	observation->exit_signal = signal;
	rescue_workdir_remove_cache(&engine->workdir);
	rescue_inbox_post(engine->inbox, observation);
}

static void
fill_run(const RescueEngine *engine, RescueEngineRun *run)
{
	run->version = g_strdup(engine->generation.version);
	run->dialect = rescue_generation_dialect(&engine->generation);
}

static bool
engine_probe(void *self, RescueEngineRun *ret_run, GError **error)
{
	RescueEngine *engine = self;

	if (!rescue_generation_look(&engine->generation, engine->program, error))
		return false;
	*ret_run = (RescueEngineRun){ .pid = 0 };
	fill_run(engine, ret_run);
	return true;
}

static bool
before_exec(pid_t pid, uint64_t start_time, void *data, GError **error)
{
	RescueEngine *engine = data;
	const Start *start = engine->starting;

	start->run->pid = pid;
	start->run->start_time = start_time;
	rescue_lock_note_engine(engine->lock, pid, start_time);
	return start->journal == NULL || start->journal(start->run, start->data, error);
}

static bool
spawn(RescueEngine *engine, const RescueArguments *arguments, GError **error)
{
	g_auto(GStrv) argv = rescue_arguments_make(arguments);
	g_auto(GStrv) env = rescue_arguments_environment(arguments);
	RescueProcessSpec spec = {
		.argv = (const char *const *)argv,
		.env = (const char *const *)env,
		.cwd = engine->workdir.dir,
		.output_path = engine->workdir.transcript,
		.inherit_fd = rescue_lock_fd(engine->lock),
		.outlives_us = true,
		.before_exec = before_exec,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = engine,
	};

	if (engine->lock != NULL && spec.inherit_fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "the engine of an earlier supervisor still drives the device");
		return false;
	}
	engine->process = rescue_process_start(&spec, error);
	return engine->process != NULL;
}

static bool
start_in_workdir(RescueEngine *engine, const RescueJob *job, GError **error)
{
	g_autofree char *stdbuf = g_find_program_in_path("stdbuf");
	RescueArguments arguments = {
		.generation = &engine->generation,
		.job = job,
		.cache_dir = engine->workdir.cache,
		.signing_server = engine->signing_server != NULL ? engine->signing_server
								 : job->signing_server,
		.stdbuf = stdbuf,
	};

	engine->starting->run->transcript = g_strdup(engine->workdir.transcript);
	fill_run(engine, engine->starting->run);
	if (spawn(engine, &arguments, error))
		return true;
	rescue_workdir_remove_cache(&engine->workdir);
	return false;
}

static bool
engine_start(void *self, const RescueEngineStart *start, RescueEngineJournal journal, void *data,
	     RescueEngineRun *ret_run, GError **error)
{
	RescueEngine *engine = self;
	RescueEngineRun run = { .pid = 0 };
	Start starting = { .run = &run, .journal = journal, .data = data };

	g_return_val_if_fail(start->job->behavior != RESCUE_BEHAVIOR_UNSAID, false);
	g_return_val_if_fail(start->job->ecid != 0, false);
	g_clear_pointer(&engine->process, rescue_process_free);
	if (!rescue_generation_look(&engine->generation, engine->program, error) ||
	    !rescue_workdir_make(&engine->workdir, engine->work_root, start->attempt, error))
		return false;
	engine->starting = &starting;
	bool started = start_in_workdir(engine, start->job, error);
	engine->starting = NULL;
	if (started)
		*ret_run = run;
	else
		rescue_engine_run_clear(&run);
	return started;
}

static bool
engine_adopt(void *self, const RescueEngineRun *run, GError **error)
{
	RescueEngine *engine = self;
	RescueProcessSpec spec = {
		.output_path = run->transcript,
		.inherit_fd = -1,
		.outlives_us = true,
		.on_line = on_line,
		.on_exit = on_exit_seen,
		.data = engine,
	};

	if (!rescue_workdir_of(&engine->workdir, engine->work_root, run->transcript)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the journal names a transcript outside of its job’s folder");
		return false;
	}
	g_autoptr(GError) unreadable = NULL;
	g_clear_pointer(&engine->process, rescue_process_free);
	engine->process = rescue_process_adopt(&spec, run->pid, run->start_time, &unreadable);
	if (engine->process == NULL && unreadable == NULL)
		rescue_workdir_remove_cache(
		    &engine->workdir); /* it is over: nobody needs it any more */
	if (unreadable != NULL)
		g_propagate_error(error, g_steal_pointer(&unreadable));
	return engine->process != NULL;
}

static void
engine_end(void *self)
{
	const RescueEngine *engine = self;

	if (engine->process != NULL)
		rescue_process_end(engine->process, GRACE_MS);
}

const RescueEnginePort rescue_engine_port = {
	.probe = engine_probe,
	.start = engine_start,
	.adopt = engine_adopt,
	.end = engine_end,
};
