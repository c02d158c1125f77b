/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/line/supervisor.h"

/* Incidents of a line's daemon: fake processes, a fake disk, and a clock that jumps. */

#define S G_USEC_PER_SEC

static const char bench[] = "[limits]\nstagger=0s\n[port A1]\nat=1-1\n[port A2]\nat=1-2\n"
			    "[port A3]\nat=1-3\n[port A4]\nat=1-4\n";
static const char stock[] = "[rule stock]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";
static const char ask[] = "[rule ask]\nthen=ask\nsay=Look at it.\n";

/* What lives on when a daemon dies: processes, journals, the disk. */
typedef struct {
	RescueClock clock;
	int64_t now_us;
	GPtrArray *lines;   /* RescueJson: the station's journal */
	GHashTable *told;   /* job to its events (GPtrArray of RescueJson) */
	GHashTable *alive;  /* job to ECID (RescueEcid *): processes */
	GHashTable *engine; /* ECIDs with an engine (RescueEcid *) */
	GString *deeds;     /* "start 1 j1; grant j1 engine; end 1; " */
	unsigned names;
	bool full;    /* disk */
	bool no_turn; /* grants cannot be written */
	bool busy;    /* somebody else drives the phones */
	RescueSupervisor *supervisor;
} World;

static int64_t
monotonic_us(void *self)
{
	const World *world = self;

	return world->now_us;
}

static int64_t
wall_us(void *self)
{
	const World *world = self;

	return world->now_us + 1000 * S;
}

static char *
name_job(void *self, const RescueLineJob *job)
{
	World *world = self;

	return job->id != NULL ? g_strdup(job->id) : g_strdup_printf("j%u", ++world->names);
}

static bool
start_job(void *self, const RescueLineJob *job, GError **error)
{
	World *world = self;

	if (world->busy) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY, "somebody drives it");
		return false;
	}
	g_string_append_printf(world->deeds, "start %u %s; ", (unsigned)job->ecid, job->id);
	g_hash_table_replace(world->alive, g_strdup(job->id),
			     g_memdup2(&job->ecid, sizeof(job->ecid)));
	return true;
}

static bool
follow_job(void *self, RescueEcid ecid, const char *job)
{
	World *world = self;
	const GPtrArray *events = g_hash_table_lookup(world->told, job);

	for (unsigned i = 0; events != NULL && i < events->len; i++)
		(void)rescue_supervisor_job_event(world->supervisor, ecid, events->pdata[i]);
	return g_hash_table_contains(world->alive, job);
}

static bool
has_engine(void *self, RescueEcid ecid)
{
	const World *world = self;

	return g_hash_table_contains(world->engine, &ecid);
}

static void
end_job(void *self, RescueEcid ecid)
{
	World *world = self;

	g_string_append_printf(world->deeds, "end %u; ", (unsigned)ecid);
}

static int
patience_ms(void *self, const char *policy, RescuePhase phase)
{
	return 100000;
}

static bool
grant(void *self, const char *job, const char *turn, unsigned number, GError **error)
{
	World *world = self;

	if (world->no_turn) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "no room");
		return false;
	}
	g_string_append_printf(world->deeds, "grant %s %s %u; ", job, turn, number);
	return true;
}

static bool
append(void *self, const RescueJson *line, GError **error)
{
	World *world = self;

	if (world->full) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "the disk is full");
		return false;
	}
	g_ptr_array_add(world->lines, rescue_json_ref(line));
	return true;
}

static const RescueJobsPort jobs = { .name = name_job,
				     .start = start_job,
				     .follow = follow_job,
				     .has_engine = has_engine,
				     .end = end_job,
				     .patience_ms = patience_ms };
static const RescueGrantPort grants = { .grant = grant };
static const RescueStorePort store = { .append = append };

static RescueSupervisor *
new_supervisor(World *world, const char *layout, const char *rules)
{
	const RescueSupervisorSpec spec = {
		.ports = { .clock = &world->clock,
			   .jobs = &jobs,
			   .jobs_self = world,
			   .grants = &grants,
			   .grants_self = world,
			   .store = &store,
			   .store_self = world },
	};
	RescueLayout *parsed = rescue_layout_parse(layout, strlen(layout), NULL);
	RescueIntakeRules *read = rescue_intake_parse(rules, strlen(rules), NULL);

	g_assert_nonnull(parsed);
	g_assert_nonnull(read);
	return rescue_supervisor_new(&spec, parsed, read);
}

static void
free_json(void *json)
{
	rescue_json_free(json);
}

static void
free_events(void *events)
{
	g_ptr_array_unref(events);
}

static World *
world_new(const char *rules)
{
	World *world = g_new0(World, 1);

	world->now_us = 100 * S;
	world->clock =
	    (RescueClock){ .monotonic_us = monotonic_us, .wall_us = wall_us, .self = world };
	world->lines = g_ptr_array_new_with_free_func(free_json);
	world->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_events);
	world->alive = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	world->engine = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	world->deeds = g_string_new(NULL);
	world->supervisor = new_supervisor(world, bench, rules);
	return world;
}

static void
world_free(World *world)
{
	rescue_supervisor_free(world->supervisor);
	g_ptr_array_unref(world->lines);
	g_hash_table_unref(world->told);
	g_hash_table_unref(world->alive);
	g_hash_table_unref(world->engine);
	g_string_free(world->deeds, TRUE);
	g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* what happens */

static void
turn(World *world)
{
	(void)rescue_supervisor_turn(world->supervisor);
}

static void
pass_time(World *world, int64_t seconds)
{
	world->now_us += seconds * S;
	turn(world);
}

static void
see_in(World *world, RescueEcid ecid, unsigned port, RescueMode mode)
{
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->ecid = ecid;
	device->mode = mode;
	device->product = g_strdup("iPhone10,3");
	device->place.port = port != 0 ? g_strdup_printf("1-%u", port) : NULL;
	world->now_us++;
	rescue_supervisor_see(world->supervisor, device);
	turn(world);
}

static void
see(World *world, RescueEcid ecid, unsigned port)
{
	see_in(world, ecid, port, port != 0 ? RESCUE_MODE_RECOVERY : RESCUE_MODE_ABSENT);
}

/* {"event": name, key: value} of this phone's job, in its journal and told to the daemon that lives */
static void
tell(World *world, RescueEcid ecid, const char *name, const char *key, const char *value)
{
	const RescueTicket *ticket =
	    rescue_station_find(rescue_supervisor_station(world->supervisor), ecid);
	g_autofree char *job = g_strdup(ticket->job);
	GPtrArray *events = g_hash_table_lookup(world->told, job);
	g_autoptr(RescueJson) event = rescue_json_object_new();
	char text[RESCUE_ECID_TEXT];

	if (events == NULL) {
		events = g_ptr_array_new_with_free_func(free_json);
		g_hash_table_insert(world->told, g_strdup(job), events);
	}
	rescue_json_set_int(event, "seq", events->len + 1);
	rescue_json_set_string(event, "job", job);
	rescue_json_set_string(event, "ecid", rescue_ecid_format(ecid, text));
	rescue_json_set_string(event, "event", name);
	rescue_json_set_string(event, key, value);
	if (g_strcmp0(key, "state") != 0)
		rescue_json_set_string(event, "state", "begin");
	rescue_json_set_int(event, "number", 1);
	g_ptr_array_add(events, rescue_json_ref(event));
	world->now_us++;
	(void)rescue_supervisor_job_event(world->supervisor, ecid, event);
	turn(world);
}

static void
dies(World *world, RescueEcid ecid)
{
	const RescueTicket *ticket =
	    rescue_station_find(rescue_supervisor_station(world->supervisor), ecid);

	(void)g_hash_table_remove(world->alive, ticket->job);
	rescue_supervisor_job_ended(world->supervisor, ecid, "Killed");
	turn(world);
}

static void
done(World *world, RescueEcid ecid, const char *outcome)
{
	tell(world, ecid, "done", "outcome", outcome);
	dies(world, ecid);
}

/* who has a port has its bus, before anything was seen there again: what is sent over it counts at once */
static void
assert_domains(const World *world)
{
	const GPtrArray *tickets = rescue_station_tickets(
	    rescue_supervisor_station(world->supervisor));

	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = tickets->pdata[i];
		g_assert_true(ticket->domain != 0 || ticket->port == RESCUE_PORT_NONE);
	}
}

/* kill -9 and a new one, with the same files */
static void
restart(World *world, const char *rules)
{
	g_autoptr(GPtrArray) lines = rescue_supervisor_compact(world->lines);

	rescue_supervisor_free(world->supervisor);
	world->supervisor = new_supervisor(world, bench, rules);
	rescue_supervisor_recall(world->supervisor, lines);
	assert_domains(world);
	g_string_truncate(world->deeds, 0);
	turn(world);
}

static bool
act(World *world, const char *action, const char *label, const char *text)
{
	const RescueSupervisorAct wanted = { action, label, text, "a test" };
	g_autoptr(GError) error = NULL;
	bool fine = rescue_supervisor_act(world->supervisor, &wanted, &error);

	if (!fine)
		g_test_message("%s", error->message);
	turn(world);
	return fine;
}

static void
assert_state(World *world, RescueEcid ecid, RescueSlotState state)
{
	const RescueTicket *ticket =
	    rescue_station_find(rescue_supervisor_station(world->supervisor), ecid);

	g_assert_nonnull(ticket);
	g_assert_cmpstr(rescue_slot_state_name(ticket->state), ==, rescue_slot_state_name(state));
}

static void
assert_deeds(World *world, const char *deeds)
{
	g_assert_cmpstr(world->deeds->str, ==, deeds);
	g_string_truncate(world->deeds, 0);
}

/* the incidents */

static void
test_two_phones(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	see(world, 2, 2);
	assert_deeds(world, "start 1 j1; start 2 j2; ");
	tell(world, 1, "turn", "turn", "engine");
	assert_deeds(world, "grant j1 engine 1; ");
	done(world, 1, "restored");
	done(world, 2, "gave-up");
	assert_state(world, 1, RESCUE_SLOT_PASSED);
	assert_state(world, 2, RESCUE_SLOT_FAILED);
	pass_time(world, 3600);
	assert_deeds(world, "");
}

static void
test_restart_while_it_runs(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	tell(world, 1, "turn", "turn", "engine");
	tell(world, 1, "turn", "state", "end");
	tell(world, 1, "step", "phase", "filesystem");
	restart(world, stock);
	assert_state(world, 1, RESCUE_SLOT_RUNNING);
	assert_deeds(world, "");
	see(world, 1, 1);
	assert_deeds(world, "");
	done(world, 1, "restored");
	assert_state(world, 1, RESCUE_SLOT_PASSED);
}

/* It asked, and the daemon died before it answered, or just after. */
static void
test_restart_while_it_waits(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	world->no_turn = true;
	tell(world, 1, "turn", "turn", "engine");
	assert_deeds(world, "start 1 j1; ");
	world->no_turn = false;
	restart(world, stock);
	assert_deeds(world, "grant j1 engine 1; ");
	restart(world, stock);
	assert_deeds(world, "grant j1 engine 1; ");
}

static void
test_grant_lost(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	world->no_turn = true;
	tell(world, 1, "turn", "turn", "engine");
	assert_deeds(world, "start 1 j1; ");
	world->no_turn = false;
	pass_time(world, 3);
	assert_deeds(world, "grant j1 engine 1; ");
	pass_time(world, 3);
	assert_deeds(world, "");
}

/* With the computer everything died: it goes on under its name, at once, also when the phone is away. */
static void
test_restart_with_everything_dead(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	tell(world, 1, "step", "phase", "filesystem");
	g_hash_table_remove_all(world->alive);
	restart(world, ask); /* the rules of today would not begin it */
	assert_deeds(world, "start 1 j1; ");
	assert_state(world, 1, RESCUE_SLOT_RUNNING);
	for (unsigned i = 0; i < 5; i++) { /* and that is nobody's fault */
		g_hash_table_remove_all(world->alive);
		restart(world, ask);
		assert_deeds(world, "start 1 j1; ");
	}
}

/* The job ended while there was no daemon. */
static void
test_restart_after_its_end(void)
{
	g_autoptr(World) world = world_new(stock);
	g_autoptr(World) later = world_new(stock);

	see(world, 1, 1);
	world->full = true; /* so that the station's journal does not know of the end */
	tell(world, 1, "failure", "failure", "usb-link-dropped");
	tell(world, 1, "done", "outcome", "gave-up");
	g_hash_table_remove_all(world->alive);
	world->full = false;
	restart(world, stock);
	assert_deeds(world, "");
	assert_state(world, 1, RESCUE_SLOT_FAILED);
	see(world, 1, 1);
	assert_deeds(world, "");
}

static unsigned
count_lines(const World *world, const char *event)
{
	unsigned found = 0;

	for (unsigned i = 0; i < world->lines->len; i++)
		found += g_strcmp0(rescue_json_get_string(world->lines->pdata[i], "event"),
				   event) == 0;
	return found;
}

static unsigned
restores_at(World *world, const char *label)
{
	g_auto(RescuePlaceHealth) place = { 0 };

	rescue_health_judge(rescue_station_health(rescue_supervisor_station(world->supervisor)),
			    RESCUE_PLACE_PORT, label, &place);
	return place.restores;
}

static void
test_restart_counts_nothing_twice(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	tell(world, 1, "failure", "failure", "usb-link-dropped");
	g_assert_cmpuint(restores_at(world, "A1"), ==, 1);
	restart(world, stock);
	restart(world, stock);
	g_assert_cmpuint(restores_at(world, "A1"), ==, 1);
	g_assert_cmpuint(count_lines(world, "outcome"), ==, 1);
	see(world, 2, 2);
	done(world, 2, "restored");
	restart(world, stock);
	g_assert_cmpuint(restores_at(world, "A2"), ==, 1);
	g_assert_cmpuint(count_lines(world, "outcome"), ==, 2);
}

static void
test_restart_in_final_states(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	see(world, 2, 2);
	see(world, 3, 3);
	done(world, 1, "restored");
	done(world, 2, "gave-up");
	done(world, 3, "needs-operator");
	restart(world, stock);
	for (unsigned i = 1; i <= 3; i++)
		see(world, i, i);
	assert_state(world, 1, RESCUE_SLOT_PASSED);
	assert_state(world, 2, RESCUE_SLOT_FAILED);
	assert_state(world, 3, RESCUE_SLOT_NEEDS_OPERATOR);
	assert_deeds(world, "");
	see(world, 1, 0);
	see(world, 1, 4);
	assert_deeds(world, ""); /* touched its cable, went to another port: it has passed */
}

static void
test_operator_is_remembered(void)
{
	g_autoptr(World) world = world_new(stock);

	g_assert_true(act(world, "hold", "A1", NULL));
	g_assert_true(act(world, "scan", "A2", "R-1234"));
	g_assert_true(act(world, "label", "A3", "Z9"));
	restart(world, stock);
	see(world, 1, 1);
	assert_deeds(world, "");
	assert_state(world, 1, RESCUE_SLOT_PARKED);
	see(world, 2, 2);
	g_assert_cmpstr(rescue_station_find(rescue_supervisor_station(world->supervisor), 2)->scan,
			==, "R-1234");
	done(world, 2, "restored");
	g_assert_true(act(world, "retest", "A2", NULL));
	assert_deeds(world, "start 2 j1; start 2 j2; ");
	g_assert_false(act(world, "hold", "A3", NULL));
	g_assert_true(act(world, "hold", "Z9", NULL));
	g_assert_false(act(world, "label", "Z9", "A1"));
	g_assert_false(act(world, "dance", "A1", NULL));
	g_assert_cmpuint(count_lines(world, "action"), ==,
			 9); /* two of them refused, as they say */
}

static void
test_job_dies(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	assert_deeds(world, "start 1 j1; ");
	dies(world, 1);
	assert_deeds(world, ""); /* not at once: whatever killed it may still be there */
	pass_time(world, 2);
	assert_deeds(world, "start 1 j1; ");
	dies(world, 1);
	pass_time(world, 5);
	assert_deeds(world, "start 1 j1; ");
	dies(world, 1);
	pass_time(world, 3600);
	assert_deeds(world, "");
	assert_state(world, 1, RESCUE_SLOT_FAILED);
}

/* The next process of a job is read from the beginning, and what it had asked for is not given again. */
static void
test_job_is_heard_once(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	tell(world, 1, "turn", "turn", "engine");
	tell(world, 1, "turn", "state", "end");
	dies(world, 1);
	pass_time(world, 2);
	assert_deeds(world, "start 1 j1; grant j1 engine 1; start 1 j1; ");
	const GPtrArray *events = g_hash_table_lookup(world->told, "j1");
	for (unsigned i = 0; i < events->len; i++)
		g_assert_false(rescue_supervisor_job_event(world->supervisor, 1, events->pdata[i]));
	turn(world);
	assert_deeds(world, "");
}

static void
test_job_hangs(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	see(world, 2, 2);
	tell(world, 1, "step", "phase", "filesystem");
	assert_deeds(world, "start 1 j1; start 2 j2; ");
	pass_time(world, 120);
	assert_deeds(world, "");
	tell(world, 2, "alive", "phase", "detect");
	pass_time(world, 10);
	assert_deeds(world, "end 1; ");
	pass_time(world, 60);
	assert_deeds(world, "");
	dies(world, 1);
	pass_time(world, 2);
	assert_deeds(world, "start 1 j1; ");
}

static void
test_job_hangs_while_flashing(void)
{
	g_autoptr(World) world = world_new(stock);
	RescueEcid ecid = 1;

	see(world, 1, 1);
	tell(world, 1, "step", "phase", "nor");
	(void)g_hash_table_add(world->engine, g_memdup2(&ecid, sizeof(ecid)));
	assert_deeds(world, "start 1 j1; ");
	pass_time(world, 7200);
	assert_deeds(world, "");
	pass_time(world, 300); /* nobody but a job that lives ends an engine that hangs */
	assert_deeds(world, "end 1; ");
	dies(world, 1);
	pass_time(world, 2);
	tell(world, 1, "step", "phase", "nor");
	assert_deeds(world, "start 1 j1; ");
	g_hash_table_remove_all(world->engine); /* it is not flashed any more */
	pass_time(world, 150);
	assert_deeds(world, "end 1; ");
}

static void
test_phone_moves_and_leaves(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	see(world, 1, 0);
	see(world, 1, 3);
	assert_state(world, 1, RESCUE_SLOT_RUNNING);
	see(world, 1, 0);
	done(world, 1, "restored");
	assert_state(world, 1, RESCUE_SLOT_PASSED);
	assert_deeds(world, "start 1 j1; ");
	restart(world, stock);
	see(world, 1, 2);
	assert_deeds(world, "");
}

/* It has just come up in iOS: nobody has asked it yet whose it is. */
static void
test_phone_is_asked_first(void)
{
	g_autoptr(World) world = world_new(stock);

	see_in(world, 1, 1, RESCUE_MODE_UNKNOWN);
	see_in(world, 2, 2, RESCUE_MODE_UNKNOWN);
	assert_deeds(world, "");
	see_in(world, 1, 1, RESCUE_MODE_NORMAL);
	assert_deeds(world, "start 1 j1; ");
	pass_time(world, 10);
	assert_deeds(world, "");
	pass_time(world, 11); /* it does not say: the rules know what to do about that */
	assert_deeds(world, "start 2 j2; ");
}

static void
test_journal_full(void)
{
	g_autoptr(World) world = world_new(stock);

	world->full = true;
	see(world, 1, 1);
	assert_deeds(world, "");
	assert_state(world, 1, RESCUE_SLOT_QUEUED);
	g_assert_nonnull(rescue_supervisor_trouble(world->supervisor));
	g_assert_false(act(world, "hold", "A2", NULL));
	world->full = false;
	pass_time(world, 3);
	assert_deeds(world, "start 1 j3; "); /* two names were for nothing */
	g_assert_null(rescue_supervisor_trouble(world->supervisor));
	/* one that runs goes on, and what it said is written when there is room */
	world->full = true;
	done(world, 1, "restored");
	assert_state(world, 1, RESCUE_SLOT_PASSED);
	world->full = false;
	pass_time(world, 3);
	restart(world, stock);
	assert_state(world, 1, RESCUE_SLOT_PASSED);
}

/* Jobs cannot write either: that they say nothing means nothing. */
static void
test_silence_with_a_full_disk(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	tell(world, 1, "step", "phase", "filesystem");
	assert_deeds(world, "start 1 j1; ");
	world->full = true;
	see(world, 2, 2);
	pass_time(world, 600);
	assert_deeds(world, "");
	world->full = false;
	pass_time(world, 60);
	g_assert_cmpint(world->deeds->len, >, 0); /* the second one is started */
	g_string_truncate(world->deeds, 0);
	pass_time(world, 80);
	g_assert_nonnull(strstr(world->deeds->str, "end 1; "));
}

static void
test_somebody_else_drives_it(void)
{
	g_autoptr(World) world = world_new(stock);

	world->busy = true;
	see(world, 1, 1);
	for (unsigned i = 0; i < 10; i++)
		pass_time(world, 10);
	assert_state(world, 1, RESCUE_SLOT_QUEUED);
	world->busy = false;
	pass_time(world, 10);
	assert_deeds(world, "start 1 j1; ");
}

static void
reload(World *world, const char *layout, const char *rules)
{
	rescue_supervisor_reload(world->supervisor,
				 rescue_layout_parse(layout, strlen(layout), NULL),
				 rescue_intake_parse(rules, strlen(rules), NULL));
	turn(world);
}

static void
test_reload(void)
{
	static const char other[] = "[limits]\nstagger=0s\n[port A4]\nat=1-4\n[port A1]\nat=1-1\n";
	g_autoptr(World) world = world_new(ask);

	see(world, 1, 1);
	assert_state(world, 1, RESCUE_SLOT_NEEDS_OPERATOR);
	reload(world, bench, stock);
	assert_deeds(world, "start 1 j1; ");
	see(world, 2, 2);
	reload(world, other, ask);
	assert_state(world, 1, RESCUE_SLOT_RUNNING);
	done(world, 1, "restored");
	done(world, 2, "restored"); /* its port is gone, its job is not */
	g_assert_cmpint(rescue_station_slot(rescue_supervisor_station(world->supervisor), 1), ==,
			RESCUE_SLOT_PASSED);
}

static void
test_stop(void)
{
	g_autoptr(World) world = world_new(stock);

	see(world, 1, 1);
	rescue_supervisor_stop(world->supervisor);
	see(world, 2, 2);
	assert_deeds(world, "start 1 j1; ");
	dies(world, 1);
	pass_time(world, 2);
	assert_deeds(world, "start 1 j1; "); /* it has begun */
	g_assert_cmpuint(rescue_supervisor_count_running(world->supervisor), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
		{ "two-phones", test_two_phones },
		{ "restart/running", test_restart_while_it_runs },
		{ "restart/waiting", test_restart_while_it_waits },
		{ "restart/dead", test_restart_with_everything_dead },
		{ "restart/ended", test_restart_after_its_end },
		{ "restart/counts", test_restart_counts_nothing_twice },
		{ "restart/final", test_restart_in_final_states },
		{ "restart/operator", test_operator_is_remembered },
		{ "grant-lost", test_grant_lost },
		{ "job/dies", test_job_dies },
		{ "job/heard-once", test_job_is_heard_once },
		{ "job/hangs", test_job_hangs },
		{ "job/hangs-while-flashing", test_job_hangs_while_flashing },
		{ "job/silent-with-a-full-disk", test_silence_with_a_full_disk },
		{ "phone/moves-and-leaves", test_phone_moves_and_leaves },
		{ "phone/asked-first", test_phone_is_asked_first },
		{ "phone/driven-by-others", test_somebody_else_drives_it },
		{ "journal-full", test_journal_full },
		{ "reload", test_reload },
		{ "stop", test_stop },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strconcat("/line-supervisor/", tests[i].name, NULL);
		g_test_add_func(path, tests[i].test);
	}
	return g_test_run();
}
