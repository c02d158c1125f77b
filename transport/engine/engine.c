/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/engine.h"

#include <string.h>

#include "core/base/error.h"
#include "core/process/hold.h"
#include "core/process/process.h"
#include "transport/engine/arguments.h"
#include "transport/engine/engines.h"
#include "transport/engine/generation.h"
#include "transport/engine/image.h"
#include "transport/engine/opinion.h"
#include "transport/engine/relay.h"
#include "transport/engine/workdir.h"

/*
 * From SIGTERM to SIGKILL. 1.0.0 only notes SIGTERM and goes on with what it is at; what it leaves behind lies in its
 * own folder, and to the device both are the same: nobody talks to it any more.
 */
#define GRACE_MS 1000
/* So much longer than we mean to hold an engine its guard waits for us. */
#define GUARD_MS 10000

/** What the handshake before the program runs needs. */
typedef struct {
	RescueEngineRun *run;
	RescueEngineJournal journal;
	void *data;
} Start;

struct RescueEngine {
	char *program, *engines_dir, *work_root, *signing_server;
	RescueInbox *inbox;
	RescueLock *lock;
	GPtrArray *entries; /* RescueEngineEntry, looked at by the first probe; NULL before it */
	RescueEngineEntry *named;  /* of the job or of `engine use`, when it is not one of them */
	RescueEngineEntry *chosen; /* one of these; NULL before the first probe */
	GPtrArray *given_up;   /* names of entries that the job does not want again; NULL: none */
	RescueWorkdir workdir; /* of the present or last attempt */
	RescueEngineRelay *relay; /* NULL: the engine asks the signing server by itself */
	RescueObservation *end;   /* of the engine, kept back until the relay has said all */
	RescueProcess *process;   /* the present or last one, or NULL */
	RescueHold *hold;         /* it stands still; NULL: it runs */
	const Start *starting;    /* set while one is being started */
};

RescueEngine *
rescue_engine_new(const RescueEngineSpec *spec)
{
	RescueEngine *engine = g_new0(RescueEngine, 1);

	engine->program = g_strdup(spec->program);
	engine->engines_dir = g_strdup(spec->engines_dir);
	engine->work_root = g_strdup(spec->work_root);
	engine->signing_server = g_strdup(spec->signing_server);
	engine->inbox = spec->inbox;
	engine->lock = spec->lock;
	if (spec->relay != NULL)
		engine->relay = rescue_engine_relay_new(&(RescueEngineRelaySpec){
		    .program = spec->relay,
		    .server = spec->signing_server,
		    .ca_file = spec->ca_file,
		    .inbox = spec->inbox,
		});
	return engine;
}

void
rescue_engine_free(RescueEngine *engine)
{
	if (engine == NULL)
		return;
	rescue_hold_free(engine->hold);
	rescue_process_free(engine->process);
	rescue_engine_relay_free(engine->relay);
	rescue_observation_free(engine->end);
	g_clear_pointer(&engine->entries, g_ptr_array_unref);
	g_clear_pointer(&engine->given_up, g_ptr_array_unref);
	rescue_engine_entry_free(engine->named);
	rescue_workdir_clear(&engine->workdir);
	g_free(engine->program);
	g_free(engine->engines_dir);
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

/* everything that the relay knew is in the inbox now */
static void
post_end(void *data)
{
	RescueEngine *engine = data;

	if (engine->end != NULL)
		rescue_inbox_post(engine->inbox, g_steal_pointer(&engine->end));
}

static void
on_exit_seen(int status, int signal, void *data)
{
	RescueEngine *engine = data;
	RescueObservation *observation = rescue_observation_new(RESCUE_OBSERVED_EXIT);

	observation->exit_status = status;
	observation->exit_signal = signal;
	g_clear_pointer(&engine->hold, rescue_hold_free);
	rescue_workdir_remove_cache(&engine->workdir);
	rescue_observation_free(engine->end);
	engine->end = observation;
	if (engine->relay != NULL)
		rescue_engine_relay_when_gone(engine->relay, post_end, engine);
	else
		post_end(engine);
}

static void
fill_run(const RescueEngine *engine, RescueEngineRun *run)
{
	const RescueGeneration *generation = &engine->chosen->generation;

	run->version = g_strdup(generation->version);
	run->dialect = rescue_generation_dialect(generation);
	run->picking = rescue_generation_picking(generation);
	run->streams_stored = rescue_generation_number(generation) > 1;
}

static void
refresh(void *entry, void *data)
{
	rescue_engine_entry_refresh(entry);
}

static const GPtrArray *
entries(RescueEngine *engine)
{
	if (engine->entries == NULL)
		engine->entries = rescue_engines_list(engine->engines_dir);
	else
		g_ptr_array_foreach(engine->entries, refresh, NULL);
	return engine->entries;
}

/** One that is named by a path is looked at alone: what else is here does not matter then. */
static RescueEngineEntry *
find_named(RescueEngine *engine, const char *name)
{
	RescueEngineEntry *entry = NULL;

	if (strchr(name, G_DIR_SEPARATOR) == NULL)
		entry = rescue_engines_find(entries(engine), name);
	if (entry != NULL)
		return entry;
	if (engine->named == NULL)
		engine->named = rescue_engines_look_at(name);
	else
		rescue_engine_entry_refresh(engine->named);
	return engine->named;
}

static bool
is_given_up(const RescueEngine *engine, const RescueEngineEntry *entry)
{
	return engine->given_up != NULL &&
	       g_ptr_array_find_with_equal_func(engine->given_up, entry->name, g_str_equal, NULL);
}

/** The best of those that are left; borrowed. */
static RescueEngineEntry *
pick(RescueEngine *engine, const char *product, GError **error)
{
	const GPtrArray *all = entries(engine);
	g_autoptr(GPtrArray) left = g_ptr_array_new();

	for (guint i = 0; i < all->len; i++) {
		if (!is_given_up(engine, all->pdata[i]))
			g_ptr_array_add(left, all->pdata[i]);
	}
	return rescue_engines_pick(left->len > 0 ? left : all, product, error);
}

static char *
read_wish(const RescueEngine *engine)
{
	return engine->program != NULL ? g_strdup(engine->program)
				       : rescue_engines_read_choice(engine->engines_dir);
}

static bool
choose(RescueEngine *engine, const char *product, GError **error)
{
	g_autofree char *wish = read_wish(engine);
	g_autoptr(GPtrArray) none = g_ptr_array_new();

	if (strcmp(wish, RESCUE_ENGINE_AUTO) == 0) {
		engine->chosen = pick(engine, product, error);
		return engine->chosen != NULL;
	}
	engine->chosen = find_named(engine, wish);
	return rescue_engines_check(engine->chosen,
				    engine->entries != NULL ? engine->entries : none, product,
				    error);
}

static bool
engine_probe(void *self, const char *product, RescueEngineRun *ret_run, GError **error)
{
	RescueEngine *engine = self;

	if (!choose(engine, product, error))
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
	if (engine->relay != NULL &&
	    !rescue_engine_relay_start(engine->relay, engine->workdir.relay_log, pid, start_time,
				       error))
		return false;
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

static RescueArguments
make_arguments(const RescueEngine *engine, const RescueJob *job, const RescueWorkdir *workdir)
{
	return (RescueArguments){
		.generation = &engine->chosen->generation,
		.job = job,
		.cache_dir = workdir->cache,
		.signing_server = engine->signing_server != NULL ? engine->signing_server
								 : job->signing_server,
		.no_proxy = g_getenv("no_proxy"),
		.glibc_tunables = g_getenv("GLIBC_TUNABLES"),
	};
}

static bool
place_image(const RescueEngine *engine, const RescueEngineStart *start, GError **error)
{
	const RescueImagePlace place = {
		.cache_dir = engine->workdir.cache,
		.ipsw = start->job->ipsw,
		.member = start->image_member,
		.generation = rescue_generation_number(&engine->chosen->generation),
		.image = start->image,
		.image_bytes = start->image_bytes,
	};

	return start->image == NULL || rescue_image_place(&place, error);
}

static bool
start_in_workdir(RescueEngine *engine, const RescueEngineStart *start, GError **error)
{
	g_autofree char *stdbuf = g_find_program_in_path("stdbuf");
	RescueArguments arguments = make_arguments(engine, start->job, &engine->workdir);

	arguments.stdbuf = stdbuf;
	if (!place_image(engine, start, error))
		return false;
	if (engine->relay != NULL) {
		if (!rescue_engine_relay_listen(engine->relay, error))
			return false;
		arguments.signing_server = rescue_engine_relay_url(engine->relay);
	}
	engine->starting->run->transcript = g_strdup(engine->workdir.transcript);
	fill_run(engine, engine->starting->run);
	if (spawn(engine, &arguments, error))
		return true;
	rescue_workdir_remove_cache(&engine->workdir);
	return false;
}

/** Its file may have been replaced since the probe. */
static bool
look_again(RescueEngine *engine, GError **error)
{
	if (engine->chosen == NULL)
		return choose(engine, NULL, error);
	rescue_engine_entry_refresh(engine->chosen);
	if (engine->chosen->trouble == NULL)
		return true;
	g_propagate_error(error, g_error_copy(engine->chosen->trouble));
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
	if (!look_again(engine, error) ||
	    !rescue_workdir_make(&engine->workdir, engine->work_root, start->attempt, error))
		return false;
	engine->starting = &starting;
	bool started = start_in_workdir(engine, start, error);
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
	if (engine->relay != NULL)
		rescue_engine_relay_adopt(engine->relay, engine->workdir.relay_log);
	engine->process = rescue_process_adopt(&spec, run->pid, run->start_time, &unreadable);
	if (engine->process != NULL) {
		rescue_process_continue(engine->process); /* its guard may have died as well */
		return true;
	}
	/* it is over: all it said, and its end, whose status nobody knows */
	if (unreadable == NULL &&
	    rescue_process_read_output(run->transcript, on_line, engine, &unreadable)) {
		on_exit_seen(-1, 0, engine);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&unreadable));
	return false;
}

/* not an attempt: its folder has the number 0, and nothing of it reaches the inbox */
static RescueRefusal
engine_confirm_refusal(void *self, const RescueEngineStart *start)
{
	RescueEngine *engine = self;
	g_autofree char *stdbuf = g_find_program_in_path("stdbuf");
	RescueWorkdir workdir = { .dir = NULL };
	RescueRefusal answer = RESCUE_REFUSAL_UNKNOWN;

	if (look_again(engine, NULL) && rescue_workdir_make(&workdir, engine->work_root, 0, NULL)) {
		RescueArguments arguments = make_arguments(engine, start->job, &workdir);
		arguments.stdbuf = stdbuf;
		arguments.only_ticket = true;
		answer = rescue_opinion_ask(&arguments, &workdir);
	}
	rescue_workdir_clear(&workdir);
	return answer;
}

static bool
engine_has_other(void *self, const char *product)
{
	RescueEngine *engine = self;
	g_autofree char *wish = read_wish(engine);
	const GPtrArray *all;

	if (strcmp(wish, RESCUE_ENGINE_AUTO) != 0 || engine->chosen == NULL)
		return false;
	all = entries(engine);
	for (guint i = 0; i < all->len; i++) {
		RescueEngineEntry *entry = all->pdata[i];
		g_autoptr(GPtrArray) alone = g_ptr_array_new();
		g_ptr_array_add(alone, entry);
		if (entry != engine->chosen && !is_given_up(engine, entry) &&
		    g_strcmp0(entry->generation.version, engine->chosen->generation.version) != 0 &&
		    rescue_engines_pick(alone, product, NULL) != NULL)
			return true;
	}
	return false;
}

static void
engine_give_up_present(void *self)
{
	RescueEngine *engine = self;

	if (engine->given_up == NULL)
		engine->given_up = g_ptr_array_new_with_free_func(g_free);
	if (engine->chosen != NULL)
		g_ptr_array_add(engine->given_up, g_strdup(engine->chosen->name));
}

static void
engine_catch_up(void *self)
{
	const RescueEngine *engine = self;

	if (engine->process != NULL)
		rescue_process_catch_up(engine->process);
}

static bool
engine_hold(void *self, int most_ms, GError **error)
{
	RescueEngine *engine = self;

	g_return_val_if_fail(engine->process != NULL && engine->hold == NULL, false);
	engine->hold = rescue_hold_new(engine->process, most_ms + GUARD_MS, error);
	return engine->hold != NULL;
}

static void
engine_go_on(void *self)
{
	RescueEngine *engine = self;

	g_clear_pointer(&engine->hold, rescue_hold_free);
}

/* one that is held meets SIGTERM first, when it goes on */
static void
engine_end(void *self)
{
	RescueEngine *engine = self;

	if (engine->process != NULL)
		rescue_process_end(engine->process, GRACE_MS);
	engine_go_on(engine);
}

const RescueEnginePort rescue_engine_port = {
	.probe = engine_probe,
	.start = engine_start,
	.adopt = engine_adopt,
	.confirm_refusal = engine_confirm_refusal,
	.has_other = engine_has_other,
	.give_up_present = engine_give_up_present,
	.catch_up = engine_catch_up,
	.hold = engine_hold,
	.go_on = engine_go_on,
	.end = engine_end,
};
