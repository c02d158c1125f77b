/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/fake/torture-state.h"

/* The slots: each does what the real one does, unless it is its turn to break. */

#define NEIGHBOR_EVERY 5u   /* so many things that happen, and something happens to another phone */
#define BACK_MS        1000 /* what watches is started again so soon */

static RescueDevice *
sighting(RescueEcid ecid, RescueMode mode)
{
	RescueDevice *device = rescue_device_new();

	device->ecid = ecid;
	device->mode = mode;
	return device;
}

static RescueObservation *
seen_in(RescueEcid ecid, RescueMode mode)
{
	g_autoptr(RescueDevice) device = sighting(ecid, mode);

	return rescue_observation_new_device(device);
}

/* Who is dead is asked to stop, sees its engine end, and waits for nothing. */
static RescueObservation *
next_of_the_dead(RescueTorture *torture, int64_t deadline_us)
{
	static const RescueObservedKind kinds[] = { RESCUE_OBSERVED_STOP, RESCUE_OBSERVED_EXIT,
						    RESCUE_OBSERVED_DEADLINE };
	RescueObservation *seen = rescue_observation_new(kinds[torture->waits % 3]);

	seen->stops = seen->kind == RESCUE_OBSERVED_STOP ? 2 : 0;
	if (seen->kind == RESCUE_OBSERVED_DEADLINE)
		torture->ghost_us += MAX(deadline_us - rescue_clock_monotonic_us(&torture->clock),
					 0);
	return seen;
}

/* What watches the bus has died: with it the phone is gone, until it watches again. */
static RescueObservation *
watcher_restarts(RescueTorture *torture)
{
	g_autoptr(RescueDevice) now = NULL;

	rescue_torture_pass(torture, BACK_MS);
	now = torture->real.devices->find(torture->real.devices_self, torture->ecid);
	g_queue_push_tail(&torture->pending, rescue_observation_new_device(now));
	return seen_in(torture->ecid, RESCUE_MODE_ABSENT);
}

/* error: one thing that happened is not told */
static RescueObservation *
inbox_next(void *self, int64_t deadline_us)
{
	RescueTorture *torture = self;
	RescueObservation *seen;

	if (++torture->waits > 50000 && torture->breach == NULL)
		rescue_torture_breach(torture, "it waits without end", NULL);
	if (torture->dead || torture->breach != NULL)
		return next_of_the_dead(torture, deadline_us);
	if (torture->waits % NEIGHBOR_EVERY == 0)
		return seen_in(torture->ecid + 1,
			       torture->waits % 2 == 0 ? RESCUE_MODE_ABSENT : RESCUE_MODE_RECOVERY);
	if (!g_queue_is_empty(&torture->pending))
		return g_queue_pop_head(&torture->pending);
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_inbox_next);
	if (fault == RESCUE_TORTURE_CRASH)
		return watcher_restarts(torture);
	if (!g_queue_is_empty(&torture->pending))
		return g_queue_pop_head(&torture->pending);
	seen = rescue_torture_look(torture, deadline_us);
	if (fault != RESCUE_TORTURE_ERROR || seen->kind == RESCUE_OBSERVED_DEADLINE)
		return seen;
	rescue_observation_free(seen);
	return rescue_torture_look(torture, deadline_us);
}

static GPtrArray *
devices_list(void *self)
{
	(void)rescue_torture_strike(self, RESCUE_TORTURE_devices_list);
	return g_ptr_array_new_with_free_func((GDestroyNotify)rescue_device_free);
}

/* error and crash: it is there, and not seen */
static RescueDevice *
devices_find(void *self, RescueEcid ecid)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_devices_find);

	rescue_torture_check_job(torture, ecid, torture->behavior);
	if (fault == RESCUE_TORTURE_ERROR || fault == RESCUE_TORTURE_CRASH)
		return sighting(ecid, RESCUE_MODE_ABSENT);
	return torture->real.devices->find(torture->real.devices_self, ecid);
}

static bool
devices_query(void *self, RescueEcid ecid, RescueDevice **ret_device, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_devices_query);

	rescue_torture_check_job(torture, ecid, torture->behavior);
	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_devices_query, fault, error);
	return torture->real.devices->query(torture->real.devices_self, ecid, ret_device, error);
}

/* crash: the phone has got the command before */
static bool
devices_act(void *self, RescueEcid ecid, RescueAction action, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_devices_act);

	rescue_torture_check_job(torture, ecid, torture->behavior);
	if (fault == RESCUE_TORTURE_ERROR || fault == RESCUE_TORTURE_TIMEOUT)
		return rescue_torture_fail(RESCUE_TORTURE_devices_act, fault, error);
	if (!torture->real.devices->act(torture->real.devices_self, ecid, action, error))
		return false;
	return fault == RESCUE_TORTURE_NOTHING ||
	       rescue_torture_fail(RESCUE_TORTURE_devices_act, fault, error);
}

static bool
devices_pair(void *self, RescueEcid ecid, RescueTrust *ret_trust, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_devices_pair);

	rescue_torture_check_job(torture, ecid, torture->behavior);
	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_devices_pair, fault, error);
	return torture->real.devices->pair(torture->real.devices_self, ecid, ret_trust, error);
}

static void
devices_set_busy(void *self, RescueEcid ecid, bool busy)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_devices_set_busy);
	rescue_torture_check_job(torture, ecid, torture->behavior);
	torture->busy = busy;
}

/* error: it is said to be impossible */
static bool
power_can_cycle(void *self, const char *port)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_power_can_cycle) ==
		   RESCUE_TORTURE_NOTHING &&
	       torture->real.power->can_cycle(torture->real.power_self, port);
}

/* crash: it was off and on again all the same */
static bool
power_cycle(void *self, const char *port, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_power_cycle);

	if (fault == RESCUE_TORTURE_ERROR || fault == RESCUE_TORTURE_TIMEOUT)
		return rescue_torture_fail(RESCUE_TORTURE_power_cycle, fault, error);
	if (!torture->real.power->cycle(torture->real.power_self, port, error))
		return false;
	return fault == RESCUE_TORTURE_NOTHING ||
	       rescue_torture_fail(RESCUE_TORTURE_power_cycle, fault, error);
}

/* a port that can be switched may be suspended here, until somebody keeps it from that */
static bool
power_may_suspend(void *self, const char *port)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_power_may_suspend) ==
		   RESCUE_TORTURE_NOTHING &&
	       torture->real.power->can_cycle(torture->real.power_self, port) &&
	       torture->calls[RESCUE_TORTURE_power_keep_awake] == 0;
}

static bool
power_keep_awake(void *self, const char *port, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_power_keep_awake);

	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_power_keep_awake, fault, error);
	return torture->real.power->keep_awake(torture->real.power_self, port, error);
}

static bool
engine_probe(void *self, const char *product, RescueEngineRun *ret_run, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_engine_probe);

	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_engine_probe, fault, error);
	return torture->real.engine->probe(torture->real.engine_self, product, ret_run, error);
}

/* The job's own journal, and that it has it. */
typedef struct {
	RescueTorture *torture;
	RescueEngineJournal journal;
	void *data;
} Scribe;

static bool
journal_first(const RescueEngineRun *run, void *data, GError **error)
{
	const Scribe *scribe = data;
	RescueTorture *torture = scribe->torture;

	if (!scribe->journal(run, scribe->data, error))
		return false;
	if (torture->dead)
		return rescue_torture_fail(RESCUE_TORTURE_engine_start, RESCUE_TORTURE_ERROR,
					   error);
	if (g_strcmp0(torture->journal.last, "engine") != 0)
		rescue_torture_breach(torture, "an engine runs before it is in the journal", NULL);
	return true;
}

/* crash: it dies at once. timeout: it is never heard of again. */
static bool
let_engine_run(RescueTorture *torture, RescueTortureFault fault)
{
	torture->engine_runs = true;
	torture->mute = fault == RESCUE_TORTURE_TIMEOUT;
	if (fault == RESCUE_TORTURE_CRASH)
		torture->real.engine->end(torture->real.engine_self);
	return true;
}

static bool
engine_start(void *self, const RescueEngineStart *start, RescueEngineJournal journal, void *data,
	     RescueEngineRun *ret_run, GError **error)
{
	RescueTorture *torture = self;
	Scribe scribe = { torture, journal, data };
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_engine_start);

	rescue_torture_check_job(torture, start->job->ecid, start->job->behavior);
	rescue_torture_check_job(torture, start->device->ecid, start->job->behavior);
	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_engine_start, fault, error);
	return torture->real.engine->start(torture->real.engine_self, start, journal_first, &scribe,
					   ret_run, error) &&
	       let_engine_run(torture, fault);
}

static bool
engine_adopt(void *self, const RescueEngineRun *run, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_engine_adopt);

	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_engine_adopt, fault, error);
	return torture->real.engine->adopt(torture->real.engine_self, run, error) &&
	       let_engine_run(torture, fault);
}

static RescueRefusal
engine_confirm_refusal(void *self, const RescueEngineStart *start)
{
	RescueTorture *torture = self;

	rescue_torture_check_job(torture, start->job->ecid, start->job->behavior);
	if (rescue_torture_strike(torture, RESCUE_TORTURE_engine_confirm_refusal) !=
	    RESCUE_TORTURE_NOTHING)
		return RESCUE_REFUSAL_UNKNOWN;
	return torture->real.engine->confirm_refusal(torture->real.engine_self, start);
}

static void
engine_catch_up(void *self)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_engine_catch_up) ==
	    RESCUE_TORTURE_NOTHING)
		torture->real.engine->catch_up(torture->real.engine_self);
}

/* error: there is none, or nobody knows */
static bool
engine_has_other(void *self, const char *product)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_engine_has_other) ==
		   RESCUE_TORTURE_NOTHING &&
	       torture->real.engine->has_other(torture->real.engine_self, product);
}

/* error: the present one is probed again */
static void
engine_give_up_present(void *self)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_engine_give_up_present) ==
	    RESCUE_TORTURE_NOTHING)
		torture->real.engine->give_up_present(torture->real.engine_self);
}

/* error: it runs on, and says so. crash: the guard dies, and it goes on although nobody has told it to */
static bool
engine_hold(void *self, int most_ms, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_engine_hold);

	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_engine_hold, fault, error);
	if (!torture->engine_runs)
		return true; /* its exit waits in the inbox */
	if (!torture->real.engine->hold(torture->real.engine_self, most_ms, error))
		return false;
	if (fault == RESCUE_TORTURE_CRASH)
		torture->real.engine->go_on(torture->real.engine_self);
	return true;
}

/* whatever breaks: the guard has it go on */
static void
engine_go_on(void *self)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_engine_go_on);
	torture->real.engine->go_on(torture->real.engine_self);
}

/* error: even SIGKILL does not end it */
static void
engine_end(void *self)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_engine_end) == RESCUE_TORTURE_ERROR ||
	    !torture->engine_runs) /* its exit waits in the inbox, and no other one comes */
		return;
	torture->real.engine->end(torture->real.engine_self);
	torture->mute = false;
}

static RescueFirmware *
inspect_inspect(void *self, const char *path, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_inspect_inspect);

	if (fault == RESCUE_TORTURE_NOTHING)
		return torture->real.inspect->inspect(torture->real.inspect_self, path, error);
	(void)rescue_torture_fail(RESCUE_TORTURE_inspect_inspect, fault, error);
	return NULL;
}

static bool
signing_check(void *self, const RescueSigningQuestion *question, int *ret_status, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_signing_check);

	rescue_torture_check_job(torture, question->ecid, question->behavior);
	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_signing_check, fault, error);
	return torture->real.signing->check(torture->real.signing_self, question, ret_status,
					    error);
}

static GPtrArray *
catalogue_list(void *self, const char *product, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_catalogue_list);

	if (fault == RESCUE_TORTURE_NOTHING)
		return torture->real.catalogue->list(torture->real.catalogue_self, product, error);
	(void)rescue_torture_fail(RESCUE_TORTURE_catalogue_list, fault, error);
	return NULL;
}

/* A worker that dies is told of by its last word; one that hangs says none. */
static bool
worker_breaks(RescueTorture *torture, RescueTortureSlot slot, RescueTortureFault fault)
{
	RescueObservation *last;

	if (fault == RESCUE_TORTURE_TIMEOUT)
		return true;
	last = rescue_observation_new(RESCUE_OBSERVED_FETCH);
	(void)rescue_torture_fail(slot, fault, &last->error);
	g_queue_push_tail(&torture->pending, last);
	return true;
}

static bool
fetch_start(void *self, const RescueRelease *release, bool distrust, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_fetch_start);

	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_fetch_start, fault, error);
	if (fault != RESCUE_TORTURE_NOTHING)
		return worker_breaks(torture, RESCUE_TORTURE_fetch_start, fault);
	return torture->real.fetch->start(torture->real.fetch_self, release, distrust, error);
}

static void
fetch_end(void *self)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_fetch_end);
	torture->real.fetch->end(torture->real.fetch_self);
}

/* error: it is not found, and fetched again */
static bool
fetch_is_here(void *self, const RescueRelease *release)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_fetch_is_here) ==
		   RESCUE_TORTURE_NOTHING &&
	       torture->real.fetch->is_here(torture->real.fetch_self, release);
}

static bool
prepare_start(void *self, const char *ipsw, const char *member, bool only_prove, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_prepare_start);

	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_prepare_start, fault, error);
	if (fault != RESCUE_TORTURE_NOTHING)
		return worker_breaks(torture, RESCUE_TORTURE_prepare_start, fault);
	return torture->real.prepare->start(torture->real.prepare_self, ipsw, member, only_prove,
					    error);
}

static void
prepare_end(void *self)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_prepare_end);
	torture->real.prepare->end(torture->real.prepare_self);
}

static bool
host_check_usbmuxd(void *self, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture,
							 RESCUE_TORTURE_host_check_usbmuxd);

	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_host_check_usbmuxd, fault, error);
	return torture->real.host->check_usbmuxd(torture->real.host_self, error);
}

static bool
host_check_space(void *self, uint64_t bytes, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_host_check_space);

	if (fault != RESCUE_TORTURE_NOTHING)
		return rescue_torture_fail(RESCUE_TORTURE_host_check_space, fault, error);
	return torture->real.host->check_space(torture->real.host_self, bytes, error);
}

/* nothing is found, and that takes its time */
static GPtrArray *
host_look(void *self, unsigned look, const RescueDevice *device)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_host_look);
	rescue_torture_check_job(torture, device->ecid, torture->behavior);
	return g_ptr_array_new();
}

/* error: somebody else depends on it, or nobody can tell */
static bool
host_can_restart_usbmuxd(void *self, RescueEcid ecid)
{
	RescueTorture *torture = self;

	rescue_torture_check_job(torture, ecid, torture->behavior);
	return rescue_torture_strike(torture, RESCUE_TORTURE_host_can_restart_usbmuxd) ==
		   RESCUE_TORTURE_NOTHING &&
	       torture->real.host->can_restart_usbmuxd(torture->real.host_self, ecid);
}

/* crash: it was restarted all the same */
static bool
host_restart_usbmuxd(void *self, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture,
							 RESCUE_TORTURE_host_restart_usbmuxd);

	if (fault == RESCUE_TORTURE_ERROR || fault == RESCUE_TORTURE_TIMEOUT)
		return rescue_torture_fail(RESCUE_TORTURE_host_restart_usbmuxd, fault, error);
	if (!torture->real.host->restart_usbmuxd(torture->real.host_self, error))
		return false;
	return fault == RESCUE_TORTURE_NOTHING ||
	       rescue_torture_fail(RESCUE_TORTURE_host_restart_usbmuxd, fault, error);
}

/* error, crash: the disk is not told of */
static uint64_t
host_free_bytes(void *self)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_host_free_bytes) ==
		       RESCUE_TORTURE_NOTHING
		   ? torture->real.host->free_bytes(torture->real.host_self)
		   : 0;
}

/* error, crash: there is no station file, or nobody can read it */
static char *
host_port_name(void *self, const char *port)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_host_port_name) ==
		       RESCUE_TORTURE_NOTHING
		   ? torture->real.host->port_name(torture->real.host_self, port)
		   : NULL;
}

static char *
host_spare_ports(void *self, const char *port)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_host_spare_ports) ==
		       RESCUE_TORTURE_NOTHING
		   ? torture->real.host->spare_ports(torture->real.host_self, port)
		   : NULL;
}

/* error, crash: nobody else is seen */
static char *
bus_others(void *self, unsigned bus)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_bus_others) == RESCUE_TORTURE_NOTHING
		   ? torture->real.bus->others(torture->real.bus_self, bus)
		   : NULL;
}

/* error, crash: not yet */
static bool
bus_take(void *self, unsigned bus, bool alone)
{
	RescueTorture *torture = self;

	return rescue_torture_strike(torture, RESCUE_TORTURE_bus_take) == RESCUE_TORTURE_NOTHING &&
	       torture->real.bus->take(torture->real.bus_self, bus, alone);
}

static void
bus_share(void *self)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_bus_share) == RESCUE_TORTURE_NOTHING)
		torture->real.bus->share(torture->real.bus_self);
}

static void
bus_give_back(void *self)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_bus_give_back);
	torture->real.bus->give_back(torture->real.bus_self);
}

/* nothing is known; when it breaks, neither, and that may take its time */
static GPtrArray *
memory_recall(void *self, const RescueRecallQuestion *question)
{
	(void)rescue_torture_strike(self, RESCUE_TORTURE_memory_recall);
	return g_ptr_array_new();
}

/* when it breaks, this line holds nobody */
static int
turns_hold_ms(void *self)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_turns_hold_ms) != RESCUE_TORTURE_NOTHING)
		return 0;
	return torture->real.turns->hold_ms(torture->real.turns_self);
}

/* when it breaks, nobody gives the turn */
static int
turns_ask(void *self, const char *turn, unsigned number)
{
	RescueTorture *torture = self;

	if (rescue_torture_strike(torture, RESCUE_TORTURE_turns_ask) != RESCUE_TORTURE_NOTHING)
		return 30000;
	return torture->real.turns->ask(torture->real.turns_self, turn, number);
}

static bool
turns_is_served(void *self)
{
	(void)rescue_torture_strike(self, RESCUE_TORTURE_turns_is_served);
	return false;
}

static void
turns_end(void *self)
{
	RescueTorture *torture = self;

	(void)rescue_torture_strike(torture, RESCUE_TORTURE_turns_end);
	torture->real.turns->end(torture->real.turns_self);
}

/* error: it is not on the disk. crash: it is, and the supervisor dies. timeout: a disk that is slow. */
static bool
store_append(void *self, const RescueJson *event, GError **error)
{
	RescueTorture *torture = self;
	RescueTortureFault fault = rescue_torture_strike(torture, RESCUE_TORTURE_store_append);

	if (torture->dead)
		return true;
	if (fault == RESCUE_TORTURE_ERROR)
		return rescue_torture_fail(RESCUE_TORTURE_store_append, fault, error);
	if (!torture->real.store->append(torture->real.store_self, event, error))
		return false;
	g_ptr_array_add(torture->events, rescue_json_ref(event));
	rescue_torture_read(&torture->journal, event);
	if (fault == RESCUE_TORTURE_CRASH)
		rescue_torture_die(torture);
	return true;
}

#define RESCUE_TORTURE_PORT(port, type)                                static const type tortured_##port = {
#define RESCUE_TORTURE_SLOT(port, slot, error, crash, seconds, intent) .slot = port##_##slot,
#define RESCUE_TORTURE_END(port, type) \
	}                              \
	;
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_PORT
#undef RESCUE_TORTURE_SLOT
#undef RESCUE_TORTURE_END

#define RESCUE_TORTURE_PORT(port, type)
#define RESCUE_TORTURE_SLOT(port, slot, error, crash, seconds, intent)
#define RESCUE_TORTURE_END(port, type)                                                             \
	_Static_assert(sizeof(type) == (RESCUE_TORTURE_END_##port - RESCUE_TORTURE_BEGIN_##port) * \
					   sizeof(void (*)(void)),                                 \
		       "each slot of " #type " needs a line in tests/fake/torture.def");
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_END

/* the clock, and two pointers for each port */
enum {
	PORTS = 0
#define RESCUE_TORTURE_END(port, type) +1
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_END
};
#undef RESCUE_TORTURE_PORT
#undef RESCUE_TORTURE_SLOT
_Static_assert(sizeof(RescuePorts) == (1 + 2 * PORTS) * sizeof(void *),
	       "each port of RescuePorts needs its slots in tests/fake/torture.def");

void
rescue_torture_take_ports(RescueTorture *torture, RescuePorts *ports)
{
	torture->real = *ports;
	ports->clock = &torture->clock;
#define RESCUE_TORTURE_PORT(port, type) \
	ports->port = &tortured_##port; \
	ports->port##_self = torture;
#define RESCUE_TORTURE_SLOT(port, slot, error, crash, seconds, intent)
#define RESCUE_TORTURE_END(port, type)
#include "tests/fake/torture.def"
#undef RESCUE_TORTURE_PORT
#undef RESCUE_TORTURE_SLOT
#undef RESCUE_TORTURE_END
	if (torture->real.turns == NULL) /* of no line */
		ports->turns = NULL;
}
