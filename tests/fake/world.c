/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/internal.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "tests/fake/firmware.h"

static int64_t
now(void *self)
{
	return ((RescueWorld *)self)->now_us;
}

static int64_t
wall(void *self)
{
	const RescueWorld *world = self;

	return world->now_us + (world->played > 0 ? world->jump_us : 0);
}

static void
moment(void *self, RescueMoment *ret_moment)
{
	const RescueWorld *world = self;

	*ret_moment = (RescueMoment){ .boot_id = "fake",
				      .boot_ms = world->now_us / MS,
				      .wall_ms = wall(self) / MS };
}

/* Counts the call; true when the test wants it to fail now. */
bool
rescue_world_refuses(RescueWorld *world, const char *call, GError **error)
{
	unsigned nth = rescue_world_count(world, call) + 1;

	g_hash_table_insert(world->counts, g_strdup(call), GUINT_TO_POINTER(nth));
	g_string_append_printf(world->calls, "%s%s", world->calls->len == 0 ? "" : " ", call);
	for (guint i = 0; i < world->refusals->len; i++) {
		const Refusal *refusal = &g_array_index(world->refusals, Refusal, i);
		if (g_str_equal(refusal->call, call) && nth >= refusal->nth &&
		    (refusal->last == 0 || nth <= refusal->last)) {
			g_set_error(error, RESCUE_ERROR, (gint)refusal->failure,
				    "%s was made to fail", call);
			return true;
		}
	}
	return false;
}

RescueDevice *
rescue_world_phone(const RescueWorld *world, RescueMode mode)
{
	RescueDevice *device = rescue_device_new();

	device->ecid = ECID;
	device->mode = mode;
	device->place.port = g_strdup(world->port);
	device->product = g_strdup("iPhone10,3");
	device->chip_id = 0x8015;
	device->board_id = 0x06;
	device->have_chip = true;
	return device;
}

static void
play_line(RescueWorld *world, const char *line)
{
	RescueObservation *observation = NULL;
	RescueMode mode = RESCUE_MODE_UNKNOWN;

	if (g_str_has_prefix(line, "> ")) {
		observation = rescue_observation_new_line(line + 2);
	} else if (g_str_has_prefix(line, "mode ")) {
		g_assert_true(rescue_mode_parse(line + 5, &mode));
		g_autoptr(RescueDevice) seen = rescue_world_phone(world, mode);
		if (world->script_port != NULL)
			rescue_set_string(&seen->place.port, world->script_port);
		observation = rescue_observation_new_device(seen);
	} else if (g_str_has_prefix(line, "exit ")) {
		observation = rescue_observation_new(RESCUE_OBSERVED_EXIT);
		observation->exit_status = (int)g_ascii_strtoll(line + 5, NULL, 10);
	} else if (g_str_has_prefix(line, "port ")) {
		rescue_set_string(&world->script_port, line + 5);
		return;
	} else if (g_str_equal(line, "stop")) {
		observation = rescue_observation_new(RESCUE_OBSERVED_STOP);
	} else if (g_str_has_prefix(line, "wait ")) {
		world->script_us += g_ascii_strtoll(line + 5, NULL, 10) * MS;
		return;
	} else {
		g_assert_cmpstr(line, ==, "");
		return;
	}
	rescue_world_happens(world, world->script_us, observation);
}

void
rescue_world_play(RescueWorld *world, const char *script)
{
	g_auto(GStrv) lines = g_strsplit(script, "\n", -1);

	world->script_us = world->now_us;
	for (char **line = lines; *line != NULL; line++)
		play_line(world, g_strstrip(*line));
}

/* The script whose turn it is; the last one stays. */
static const char *
turn(GPtrArray *scripts, unsigned index)
{
	return g_ptr_array_index(scripts, MIN(index, scripts->len - 1));
}

/* A phone does what it does while nobody waits, too: what is due by now has happened. */
static void
note(RescueWorld *world, const RescueObservation *observation)
{
	if (observation->kind == RESCUE_OBSERVED_DEVICE) {
		world->mode = observation->device->mode;
		rescue_set_string(&world->port, observation->device->place.port);
	}
	if (observation->kind != RESCUE_OBSERVED_EXIT)
		return;
	world->engine_runs = false;
	rescue_world_play(world, world->thens->len > 0 ? turn(world->thens, world->ended++)
						       : "wait 20000\n mode normal");
}

static RescueObservation *
next(void *self, int64_t deadline_us)
{
	RescueWorld *world = self;
	Happening *first = g_queue_peek_head(&world->happenings);

	if (first == NULL || first->at_us > deadline_us) {
		g_assert_cmpint(deadline_us, <, G_MAXINT64); /* else the job would wait for ever */
		world->now_us = MAX(world->now_us, deadline_us);
		return rescue_observation_new(RESCUE_OBSERVED_DEADLINE);
	}
	g_queue_pop_head(&world->happenings);
	RescueObservation *observation = first->observation;
	world->now_us = MAX(world->now_us, first->at_us);
	g_free(first);
	note(world, observation);
	return observation;
}

static bool
probe(void *self, const char *product, RescueEngineRun *ret_run, GError **error)
{
	if (rescue_world_refuses(self, "probe", error))
		return false;
	*ret_run = (RescueEngineRun){ .version = g_strdup("1.0.0"),
				      .dialect = RESCUE_DIALECT_1_0_0,
				      .picking = ((RescueWorld *)self)->picking,
				      .streams_stored = ((RescueWorld *)self)->image_stored };
	return true;
}

static bool
start(void *self, const RescueEngineStart *spec, RescueEngineJournal journal, void *data,
      RescueEngineRun *ret_run, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs); /* never two engines on one phone */
	if (rescue_world_refuses(world, "start", error))
		return false;
	*ret_run = (RescueEngineRun){
		.pid = 4711 + (pid_t)spec->attempt,
		.start_time = 1,
		.transcript = g_strdup("transcript.log"),
		.version = g_strdup("1.0.0"),
		.dialect = RESCUE_DIALECT_1_0_0,
	};
	if (!journal(ret_run, data, error))
		return false;
	world->erases |= spec->job->behavior == RESCUE_BEHAVIOR_ERASE;
	world->engine_runs = true;
	world->got_image = spec->image != NULL;
	g_assert_true(!world->got_image || (g_str_equal(spec->image_member, "os.dmg") &&
					    spec->image_bytes == IMAGE_BYTES));
	rescue_world_play(world, turn(world->scripts, world->played++));
	return true;
}

/* by itself the engine is refused like anybody else; made to fail, it gets its ticket */
static RescueRefusal
confirm_refusal(void *self, const RescueEngineStart *spec)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	return rescue_world_refuses(world, "confirm_refusal", NULL) ? RESCUE_REFUSAL_DENIED
								    : RESCUE_REFUSAL_CONFIRMED;
}

static bool
check_signing(void *self, const RescueSigningQuestion *question, int *ret_status, GError **error)
{
	*ret_status = 94; /* not eligible */
	g_assert_true(question->ecid == ECID && question->chip_id == 0x8015);
	g_assert_nonnull(question->variant);
	return !rescue_world_refuses(self, "check_signing", error);
}

static bool
adopt(void *self, const RescueEngineRun *engine, GError **error)
{
	RescueWorld *world = self;

	g_assert_false(world->engine_runs);
	if (rescue_world_refuses(world, "adopt", error))
		return false;
	world->engine_runs = true;
	rescue_world_play(world, turn(world->scripts, world->played++));
	return true;
}

static bool
has_other(void *self, const char *product)
{
	return ((RescueWorld *)self)->other_engines > 0;
}

static void
give_up_present(void *self)
{
	RescueWorld *world = self;

	(void)rescue_world_refuses(world, "give_up_present", NULL);
	world->other_engines--;
}

/* what it says arrives at once here */
static void
catch_up(void *self)
{
	(void)rescue_world_refuses(self, "catch_up", NULL);
}

/* What the engine would have said later is never said. */
static void
end(void *self)
{
	RescueWorld *world = self;
	RescueObservation *gone = rescue_observation_new(RESCUE_OBSERVED_EXIT);

	(void)rescue_world_refuses(world, "end", NULL);
	rescue_world_go_on(world);
	for (GList *link = world->happenings.head, *after; link != NULL; link = after) {
		Happening *happening = link->data;
		after = link->next;
		if (!rescue_happening_is_of_engine(happening))
			continue;
		rescue_observation_free(happening->observation);
		g_free(happening);
		g_queue_delete_link(&world->happenings, link);
	}
	gone->exit_status = -1;
	gone->exit_signal = 15;
	rescue_world_happens(world, world->now_us, gone);
}

static RescueFirmware *
inspect(void *self, const char *path, GError **error)
{
	const RescueWorld *world = self;

	if (rescue_world_refuses(self, "inspect", error))
		return NULL;
	return rescue_fake_firmware(path, world->image_stored, world->update_called_erase);
}

/* What matters of an event, in a word. */
static void
remember(RescueWorld *world, const RescueJson *event)
{
	static const struct {
		const char *event, *detail;
	} told[] = { { "failure", "failure" },
		     { "remedy", "name" },
		     { "operator", "event" },
		     { "done", "outcome" } };
	const char *name = rescue_json_get_string(event, "event");
	const char *state = rescue_json_get_string(event, "state");

	if (g_str_equal(name, "done"))
		(void)rescue_json_get_real(event, "seconds", &world->seconds);
	for (size_t i = 0; i < G_N_ELEMENTS(told); i++)
		if (g_str_equal(name, told[i].event) && g_strcmp0(state, "end") != 0)
			g_string_append_printf(world->history, "%s%s:%s",
					       world->history->len == 0 ? "" : " ", name,
					       rescue_json_get_string(event, told[i].detail));
}

static void
note_order(RescueWorld *world, const RescueJson *event)
{
	int64_t seq = 0;

	(void)rescue_json_get_int(event, "seq", &seq);
	world->disordered |= seq <= world->seq;
	world->seq = seq;
}

static bool
append(void *self, const RescueJson *event, GError **error)
{
	if (rescue_world_refuses(self, "append", error))
		return false;
	remember(self, event);
	note_order(self, event);
	g_ptr_array_add(((RescueWorld *)self)->events, rescue_json_ref(event));
	return true;
}

/* the newest is neither first nor last */
static GPtrArray *
list(void *self, const char *product, GError **error)
{
	static const char *const all[][2] = { { "15.0", "19A346" },
					      { "15.10", "19H400" },
					      { "15.9", "19H300" } };
	const RescueWorld *world = self;
	GPtrArray *releases;

	if (rescue_world_refuses(self, "list", error))
		return NULL;
	releases = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_release_free);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		g_ptr_array_add(releases, rescue_release_new(product, all[i][0], all[i][1]));
		RescueRelease *release = releases->pdata[i];
		release->is_signed = world->listed;
		release->size_bytes = world->large_firmware ? UINT64_C(10) << 30 : 1000;
		g_assert_true(rescue_release_add_url(release, "https://example.org/f.ipsw"));
	}
	return releases;
}

static bool
start_fetch(void *self, const RescueRelease *release, bool distrust, GError **error)
{
	RescueWorld *world = self;
	GError *refusal = NULL;
	bool fails = rescue_world_refuses(world, "fetch", &refusal);

	if (distrust)
		g_string_append(world->calls, ":distrust");
	for (int i = 1; i <= 10 && !world->silent_download; i++) {
		RescueObservation *seen = rescue_observation_new(RESCUE_OBSERVED_FETCH);
		seen->bytes = (uint64_t)i * 100;
		seen->total = 1000;
		if (i == 10 && fails)
			seen->error = g_steal_pointer(&refusal);
		else if (i == 10)
			seen->path = g_strdup_printf("/depot/%s.ipsw", release->build);
		rescue_world_happens(world, world->now_us + i * G_USEC_PER_SEC, seen);
	}
	g_clear_error(&refusal);
	return true;
}

static bool
is_here(void *self, const RescueRelease *release)
{
	return rescue_world_refuses(self, "is_here", NULL);
}

/* what it would have said later is never said */
static void
end_fetch(void *self)
{
	RescueWorld *world = self;

	(void)rescue_world_refuses(world, "end_fetch", NULL);
	for (GList *link = world->happenings.head, *after; link != NULL; link = after) {
		Happening *happening = link->data;
		after = link->next;
		if (happening->observation->kind != RESCUE_OBSERVED_FETCH)
			continue;
		rescue_observation_free(happening->observation);
		g_free(happening);
		g_queue_delete_link(&world->happenings, link);
	}
}

/* one second for a word, one more for the image */
static bool
start_prepare(void *self, const char *ipsw, const char *member, bool only_prove, GError **error)
{
	RescueWorld *world = self;
	RescueObservation *word = rescue_observation_new(RESCUE_OBSERVED_FETCH);
	RescueObservation *last = rescue_observation_new(RESCUE_OBSERVED_FETCH);

	word->bytes = IMAGE_BYTES / 2;
	word->total = last->total = last->bytes = IMAGE_BYTES;
	if (!rescue_world_refuses(world, "prepare", &last->error))
		last->path = g_strdup(only_prove ? ipsw : "/depot/image");
	rescue_world_happens(world, world->now_us + G_USEC_PER_SEC, word);
	rescue_world_happens(world, world->now_us + 2 * G_USEC_PER_SEC, last);
	return true;
}

static void
end_prepare(void *self)
{
	end_fetch(self);
}

static const RescuePreparePort prepare_port = { start_prepare, end_prepare };
static const RescueCataloguePort catalogue_port = { list };
static const RescueFetchPort fetch_port = { start_fetch, end_fetch, is_here };
static const RescueInboxPort inbox_port = { next };
static const RescueEnginePort engine_port = {
	.probe = probe,
	.start = start,
	.adopt = adopt,
	.confirm_refusal = confirm_refusal,
	.has_other = has_other,
	.give_up_present = give_up_present,
	.catch_up = catch_up,
	.hold = rescue_world_hold,
	.go_on = rescue_world_go_on,
	.end = end,
};
static const RescueSigningPort signing_port = { check_signing };
static const RescueInspectPort inspect_port = { inspect };
static const RescueStorePort store_port = { append };

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

RescueWorld *
rescue_world_new(RescueMode mode)
{
	RescueWorld *world = g_new0(RescueWorld, 1);

	world->clock = (RescueClock){ now, wall, world, moment };
	world->seconds = -1;
	world->mode = mode;
	world->port = g_strdup("1-2");
	world->scripts = g_ptr_array_new_with_free_func(g_free);
	world->thens = g_ptr_array_new_with_free_func(g_free);
	world->refusals = g_array_new(FALSE, FALSE, sizeof(Refusal));
	world->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->calls = g_string_new(NULL);
	world->history = g_string_new(NULL);
	world->events = g_ptr_array_new_with_free_func(free_event);
	world->policy = rescue_policy_new_standard();
	return world;
}

static void
happening_free(gpointer data)
{
	Happening *happening = data;

	rescue_observation_free(happening->observation);
	g_free(happening);
}

void
rescue_world_free(RescueWorld *world)
{
	if (world == NULL)
		return;
	g_queue_clear_full(&world->happenings, happening_free);
	g_free(world->port);
	g_free(world->script_port);
	g_ptr_array_unref(world->scripts);
	g_ptr_array_unref(world->thens);
	g_array_unref(world->refusals);
	g_hash_table_unref(world->counts);
	g_string_free(world->calls, TRUE);
	g_string_free(world->history, TRUE);
	g_ptr_array_unref(world->events);
	rescue_policy_free(world->policy);
	rescue_run_result_clear(&world->result);
	g_free(world);
}

const GPtrArray *
rescue_world_events(const RescueWorld *world)
{
	return world->events;
}

void
rescue_world_belongs_to(RescueWorld *world, const RescueOwner *owner)
{
	world->owner = owner;
}

void
rescue_world_is_attended(RescueWorld *world, const char *port)
{
	world->attended = true;
	rescue_set_string(&world->port, port);
}

void
rescue_world_begins(RescueWorld *world, const char *script)
{
	rescue_world_play(world, script);
}

bool
rescue_world_erases(const RescueWorld *world)
{
	return world->erases;
}

void
rescue_world_has_engines(RescueWorld *world, unsigned others)
{
	world->other_engines = others;
}

void
rescue_world_switches_port(RescueWorld *world)
{
	world->has_power = true;
}

void
rescue_world_trusts_after(RescueWorld *world, int ms)
{
	world->trust_us = world->now_us + (int64_t)ms * MS;
}

void
rescue_world_engine_plays(RescueWorld *world, const char *script)
{
	g_ptr_array_add(world->scripts, g_strdup(script));
}

void
rescue_world_then(RescueWorld *world, const char *script)
{
	g_ptr_array_add(world->thens, g_strdup(script));
}

void
rescue_world_fail(RescueWorld *world, const char *call, unsigned nth, RescueFailure failure)
{
	rescue_world_fail_between(world, call, nth, nth, failure);
}

void
rescue_world_fail_between(RescueWorld *world, const char *call, unsigned first, unsigned last,
			  RescueFailure failure)
{
	Refusal refusal = { call, first, last, failure };

	g_array_append_val(world->refusals, refusal);
}

void
rescue_world_wall_jumps(RescueWorld *world, int64_t ms)
{
	world->jump_us = ms * MS;
}

void
rescue_world_update_called_erase(RescueWorld *world, RescuePicking picking)
{
	world->update_called_erase = true;
	world->picking = picking;
}

void
rescue_world_stores_image(RescueWorld *world)
{
	world->image_stored = true;
}

bool
rescue_world_engine_got_image(const RescueWorld *world)
{
	return world->got_image;
}

bool
rescue_world_engine_ran(const RescueWorld *world)
{
	return world->played > 0;
}

bool
rescue_world_seqs_ascend(const RescueWorld *world)
{
	return !world->disordered;
}

double
rescue_world_seconds(const RescueWorld *world)
{
	return world->seconds;
}

void
rescue_world_stop_after(RescueWorld *world, int ms)
{
	RescueObservation *stop = rescue_observation_new(RESCUE_OBSERVED_STOP);

	stop->stops = 1;
	rescue_world_happens(world, world->now_us + (int64_t)ms * MS, stop);
}

const RescueResume rescue_world_one_attempt = {
	.seq = 40,
	.attempts = 1,
	.engine = { .pid = 4711,
		    .start_time = 1,
		    .transcript = (char *)"transcript.log",
		    .version = (char *)"1.0.0",
		    .dialect = RESCUE_DIALECT_1_0_0 },
};

void
rescue_world_resumes(RescueWorld *world, const RescueResume *resume)
{
	world->resume = resume;
}

void
rescue_world_wants_latest(RescueWorld *world, bool silent)
{
	world->wants_latest = true;
	world->silent_download = silent;
	world->listed = RESCUE_SIGNED_YES;
}

void
rescue_world_firmware_is_large(RescueWorld *world, RescueSigned listed)
{
	world->large_firmware = true;
	world->listed = listed;
}

void
rescue_world_wraps(RescueWorld *world, RescueWorldWrap wrap, void *data)
{
	world->wrap = wrap;
	world->wrap_data = data;
}

RescuePolicy *
rescue_world_policy(RescueWorld *world)
{
	return world->policy;
}

const RescueRunResult *
rescue_world_run(RescueWorld *world, RescueBehavior behavior)
{
	g_autoptr(RescueJob) job = rescue_job_new();
	RescuePorts ports = {
		.clock = &world->clock,
		.inbox = &inbox_port,
		.inbox_self = world,
		.devices = &rescue_world_device_port,
		.devices_self = world,
		.power = &rescue_world_power_port,
		.power_self = world,
		.engine = &engine_port,
		.engine_self = world,
		.inspect = &inspect_port,
		.inspect_self = world,
		.signing = &signing_port,
		.signing_self = world,
		.catalogue = &catalogue_port,
		.catalogue_self = world,
		.fetch = &fetch_port,
		.fetch_self = world,
		.prepare = &prepare_port,
		.prepare_self = world,
		.bus = &rescue_world_bus_port,
		.bus_self = world,
		.host = &rescue_world_host_port,
		.host_self = world,
		.store = &store_port,
		.store_self = world,
	};

	if (world->of_line) {
		ports.turns = &rescue_world_turn_port;
		ports.turns_self = world;
	}
	rescue_policy_free(job->policy);
	job->policy = rescue_policy_copy(world->policy);
	job->id = g_strdup("20261122T100400-1a2b");
	job->ecid = ECID;
	if (world->wants_latest)
		job->wish.latest = true;
	else
		job->ipsw = g_strdup("/firmware/test.ipsw");
	job->behavior = behavior;
	job->unattended = !world->attended;
	RescueRunSpec spec = { .job = job, .ports = &ports, .resume = world->resume };
	if (world->wrap != NULL)
		world->wrap(&spec, &ports, world->wrap_data);
	rescue_run(&spec, &world->result);
	return &world->result;
}

const char *
rescue_world_calls(RescueWorld *world)
{
	return world->calls->str;
}

unsigned
rescue_world_count(RescueWorld *world, const char *call)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(world->counts, call));
}

const char *
rescue_world_history(RescueWorld *world)
{
	return world->history->str;
}

int64_t
rescue_world_ms(const RescueWorld *world)
{
	return world->now_us / MS;
}
