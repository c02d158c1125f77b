/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/schedule.h"

#include "core/line/bench.h"

#define IMAGE_BYTES 10.5e9 /* of a job that has not told yet: what today's phones get */
/* So many spreads of its way there a phone comes early: a gap costs the whole bus, an overlap a few percent of it. */
#define HOLD_AHEAD   3.0 /* when it can wait right before the transfer */
#define TIMED_AHEAD  1.0
#define MAX_SEGMENTS RESCUE_CAPACITY_MAX

/* What the turns of one call share; grown by each turn that is given. */
typedef struct {
	const RescueStation *station;
	const RescueLimits *limits;
	int64_t now_us, look_us;
	unsigned jobs, fetches;
	uint64_t scratch_bytes;
	unsigned in_window, old_in_window; /* phones whose boot loaders are being fed */
	int64_t engine_us;                 /* when the last engine was started */
	bool engine_given; /* one at a time: it changes when the bus is free for the next */
	GPtrArray *turns;
} Plan;

static void
free_turn(void *data)
{
	RescueTurn *turn = data;

	g_free(turn->why);
	g_free(turn);
}

static void
say(Plan *plan, const RescueTicket *ticket, RescueTurnKind kind, char *why)
{
	RescueTurn *turn = g_new(RescueTurn, 1);

	*turn = (RescueTurn){ kind, ticket->device->ecid, why };
	g_ptr_array_add(plan->turns, turn);
}

static void
look_at(Plan *plan, int64_t at_us)
{
	if (at_us > plan->now_us && at_us < plan->look_us)
		plan->look_us = at_us;
}

static bool
is_in_window(const RescueTicket *ticket)
{
	return ticket->stage == RESCUE_STAGE_BOOTING &&
	       ticket->phase < RESCUE_PHASE_WAIT_RESTORE_MODE;
}

static void
add_running(Plan *plan, const RescueTicket *ticket)
{
	plan->jobs++;
	plan->fetches += ticket->stage == RESCUE_STAGE_PREPARING &&
			 ticket->phase == RESCUE_PHASE_DOWNLOAD;
	if (ticket->stage >= RESCUE_STAGE_BOOTING)
		plan->scratch_bytes += ticket->needs.scratch_bytes;
	plan->in_window += is_in_window(ticket);
	plan->old_in_window += is_in_window(ticket) && ticket->needs.old_engine;
}

/* the process */

static const char *
controller_of(const RescueStation *station, const RescueTicket *ticket)
{
	g_auto(RescueUsbPlace) place = { 0 };
	const RescueUsbBus *bus = NULL;

	if (rescue_usb_place_parse(ticket->device->place.port, &place, NULL))
		bus = rescue_usb_bus_of(&place, station->buses);
	return bus != NULL ? bus->controller : NULL;
}

/* Every phone on a controller takes endpoints, whether its job runs or not; so does every hub of the station file. */
static char *
check_endpoints(const Plan *plan, const RescueTicket *ticket)
{
	const char *id = controller_of(plan->station, ticket);
	unsigned used = 0, budget;

	if (id == NULL)
		return NULL;
	for (unsigned i = 0; i < plan->station->tickets->len; i++) {
		const RescueTicket *other = g_ptr_array_index(plan->station->tickets, i);
		if (other->present && g_strcmp0(controller_of(plan->station, other), id) == 0)
			used += plan->limits->phone_endpoints;
	}
	for (unsigned i = 0; i < plan->station->layout->hubs->len; i++) {
		const RescueHub *hub = g_ptr_array_index(plan->station->layout->hubs, i);
		const RescueUsbBus *bus = rescue_usb_bus_of(&hub->place, plan->station->buses);
		if (bus != NULL && g_strcmp0(bus->controller, id) == 0)
			used += plan->limits->hub_endpoints;
	}
	budget = rescue_layout_controller(plan->station->layout, id)->endpoints;
	return used <= budget
		   ? NULL
		   : g_strdup_printf("controller %s has %u endpoints, and %u are wanted: "
				     "unplug phones that are done",
				     id, budget, used);
}

static char *
check_hub(const Plan *plan, const RescueTicket *ticket, const RescueHub *hub)
{
	unsigned wanted_ma = 0;

	for (unsigned i = 0; i < plan->station->tickets->len; i++) {
		const RescueTicket *other = g_ptr_array_index(plan->station->tickets, i);
		g_auto(RescueUsbPlace) place = { 0 };
		bool here = other->present &&
			    rescue_usb_place_parse(other->device->place.port, &place, NULL) &&
			    rescue_usb_place_is_at_or_below(&place, &hub->place,
							    plan->station->buses);
		if (here)
			wanted_ma += plan->limits->phone_ma;
		else if (other == ticket)
			return NULL;
	}
	return hub->power_ma == 0 || wanted_ma <= hub->power_ma
		   ? NULL
		   : g_strdup_printf("hub %s feeds %u mA, and its phones want %u: unplug some",
				     hub->label ? hub->label : "", hub->power_ma, wanted_ma);
}

static char *
check_power(const Plan *plan, const RescueTicket *ticket)
{
	const GPtrArray *hubs = plan->station->layout->hubs;
	char *why = NULL;

	for (unsigned i = 0; why == NULL && i < hubs->len; i++)
		why = check_hub(plan, ticket, g_ptr_array_index(hubs, i));
	return why;
}

static char *
check_host(const Plan *plan, const RescueTicket *ticket)
{
	const RescueLimits *limits = plan->limits;
	uint64_t memory = limits->job_memory_bytes * (plan->jobs + 1);

	if (plan->jobs >= limits->jobs)
		return g_strdup_printf("%u jobs run, as many as may", plan->jobs);
	if (limits->memory_bytes != 0 && memory > limits->memory_bytes)
		return g_strdup_printf("%u jobs take all memory that they may have", plan->jobs);
	/* whether it has to be fetched only the job finds out */
	if (ticket->ipsw == NULL && plan->fetches >= limits->downloads)
		return g_strdup_printf("%u downloads run, as many as may", plan->fetches);
	return NULL;
}

static void
give_job(Plan *plan, const RescueTicket *ticket)
{
	char *why = NULL;

	/* one that has begun is on the bus, or on its way between two modes: its engine may run on */
	if (!ticket->hurry)
		why = ticket->present ? check_host(plan, ticket) : g_strdup("it is not plugged in");
	if (why == NULL && !ticket->hurry)
		why = check_endpoints(plan, ticket);
	if (why == NULL && !ticket->hurry)
		why = check_power(plan, ticket);
	if (why != NULL) {
		say(plan, ticket, RESCUE_TURN_WAIT, why);
		return;
	}
	say(plan, ticket, RESCUE_TURN_JOB, g_strdup("there is room for one more job"));
	plan->jobs++;
}

/* the bus */

/* When each of the transfers that a bus may carry at once is free again; times in microseconds. */
typedef struct {
	double free_us[MAX_SEGMENTS];
	unsigned n;
	double byte_us; /* what one byte takes among as many transfers as may be */
} Segments;

static double *
first_free(Segments *segments)
{
	double *first = &segments->free_us[0];

	for (unsigned i = 1; i < segments->n; i++) {
		if (segments->free_us[i] < *first)
			first = &segments->free_us[i];
	}
	return first;
}

static double
image_bytes(const RescueTicket *ticket)
{
	return ticket->needs.image_bytes != 0 ? (double)ticket->needs.image_bytes : IMAGE_BYTES;
}

static unsigned
count_senders(const Plan *plan, unsigned domain)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(plan->station->tickets, i);
		n += ticket->stage == RESCUE_STAGE_SENDING && ticket->domain == domain;
	}
	return n;
}

/* Phones that send now, then those that wait for the bus or are on their way to it. */
static void
fill(const Plan *plan, Segments *segments, const RescueBenchBus *bus, unsigned domain)
{
	unsigned senders = count_senders(plan, domain);
	double rate = rescue_capacity_rate(&bus->capacity, MAX(senders, 1)) / MAX(senders, 1);

	for (unsigned i = 0; i < plan->station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(plan->station->tickets, i);
		double *slot = first_free(segments);
		double gone = (double)(plan->now_us - ticket->sent_us) / G_USEC_PER_SEC * rate;
		double left = image_bytes(ticket) - (double)ticket->sent_bytes - gone;
		if (ticket->stage == RESCUE_STAGE_SENDING && ticket->domain == domain)
			*slot = MAX(*slot,
				    (double)plan->now_us + MAX(left, 0) / rate * G_USEC_PER_SEC);
	}
	for (unsigned i = 0; i < plan->station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(plan->station->tickets, i);
		bool comes = ticket->stage == RESCUE_STAGE_BOOTING ||
			     ticket->stage == RESCUE_STAGE_ARRIVED;
		double *slot = first_free(segments);
		double there_us = ticket->stage == RESCUE_STAGE_BOOTING
				      ? (double)ticket->stage_us + bus->lead_us
				      : 0;
		if (comes && ticket->domain == domain)
			*slot = MAX(*slot, there_us) + image_bytes(ticket) * segments->byte_us;
	}
}

/* When the bus will be free for one more. */
static double
bus_free_us(const Plan *plan, const RescueBenchBus *bus, unsigned domain)
{
	unsigned limit = rescue_capacity_limit(&bus->capacity, plan->limits->transfers_max);
	Segments segments = {
		.n = limit,
		.byte_us = limit * (double)G_USEC_PER_SEC /
			   rescue_capacity_rate(&bus->capacity, limit),
	};

	for (unsigned i = 0; i < limit; i++)
		segments.free_us[i] = (double)plan->now_us;
	fill(plan, &segments, bus, domain);
	return *first_free(&segments);
}

/* the engine */

/* Who can wait comes so early that the bus hardly ever waits for it, but not earlier than it can wait. */
static double
ahead_us(const Plan *plan, const RescueBenchBus *bus)
{
	double most_us = (double)plan->limits->hold_limit_ms * 1000;

	return plan->limits->hold_transfers ? MIN(HOLD_AHEAD * bus->spread_us, most_us)
					    : TIMED_AHEAD * bus->spread_us;
}

static char *
check_bus(Plan *plan, const RescueTicket *ticket)
{
	unsigned domain = ticket->domain;
	RescueBenchBus bus = rescue_bench_known_bus(plan->station, domain);
	double at_us = bus_free_us(plan, &bus, domain) - bus.lead_us - ahead_us(plan, &bus);

	if (at_us <= (double)plan->now_us)
		return NULL;
	look_at(plan, (int64_t)at_us);
	return g_strdup_printf("bus %u is busy; it would arrive too early, by %.0f s", domain >> 8,
			       (at_us - (double)plan->now_us) / G_USEC_PER_SEC);
}

static char *
check_window(Plan *plan, const RescueTicket *ticket)
{
	int64_t next_us = plan->engine_us + (int64_t)plan->limits->stagger_ms * 1000;

	if (plan->engine_given || (plan->engine_us != 0 && plan->now_us < next_us)) {
		look_at(plan, MAX(next_us, plan->now_us + 1));
		return g_strdup("another engine has just been started");
	}
	if (!plan->limits->old_engine_alone)
		return NULL;
	if (plan->old_in_window > 0)
		return g_strdup("an old engine looks for its phone and must not be disturbed");
	if (ticket->needs.old_engine && plan->in_window > 0)
		return g_strdup("its old engine would disturb phones in their boot loaders");
	return NULL;
}

/* One that wants more than all of it still gets its turn, when nobody else has any. */
static char *
check_scratch(const Plan *plan, const RescueTicket *ticket)
{
	uint64_t all = plan->limits->scratch_bytes, more = ticket->needs.scratch_bytes;

	if (all == 0 || more == 0 || plan->scratch_bytes == 0 || plan->scratch_bytes + more <= all)
		return NULL;
	return g_strdup("the running engines take all space for unpacking");
}

static void
give_engine(Plan *plan, const RescueTicket *ticket)
{
	char *why = check_window(plan, ticket);

	if (why == NULL)
		why = check_scratch(plan, ticket);
	if (why == NULL)
		why = check_bus(plan, ticket);
	if (why != NULL) {
		say(plan, ticket, RESCUE_TURN_WAIT, why);
		return;
	}
	say(plan, ticket, RESCUE_TURN_ENGINE, g_strdup("the bus is free when it arrives"));
	plan->engine_us = plan->now_us;
	plan->engine_given = true;
}

/* the transfer */

static void
give_transfer(Plan *plan, const RescueTicket *ticket, GHashTable *given)
{
	unsigned domain = ticket->domain;
	void *key = GUINT_TO_POINTER(domain);
	unsigned more = GPOINTER_TO_UINT(g_hash_table_lookup(given, key));
	RescueBenchBus bus = rescue_bench_known_bus(plan->station, domain);
	unsigned limit = rescue_capacity_limit(&bus.capacity, plan->limits->transfers_max);
	unsigned senders = count_senders(plan, domain) + more;

	if (senders >= limit) {
		say(plan, ticket, RESCUE_TURN_WAIT,
		    g_strdup_printf("%u phone%s on bus %u, and that is as many as it carries well",
				    senders, senders == 1 ? " sends" : "s send", domain >> 8));
		return;
	}
	g_hash_table_insert(given, key, GUINT_TO_POINTER(more + 1));
	say(plan, ticket, RESCUE_TURN_TRANSFER,
	    g_strdup_printf("bus %u carries one more", domain >> 8));
}

/* All who wait in this way, who waits longest first. */
static GPtrArray *
waiting(const RescueStation *station, RescueSlotState state, RescueStage stage)
{
	GPtrArray *found = g_ptr_array_new();

	for (unsigned i = 0; i < station->tickets->len; i++) {
		RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		unsigned at = found->len;
		bool wants = state == RESCUE_SLOT_QUEUED ? ticket->state == state
							 : ticket->alive && ticket->stage == stage;
		if (!wants)
			continue;
		while (at > 0) {
			const RescueTicket *before = g_ptr_array_index(found, at - 1);
			int64_t a = stage ? before->stage_us : before->since_us;
			int64_t b = stage ? ticket->stage_us : ticket->since_us;
			if (a <= b)
				break;
			at--;
		}
		g_ptr_array_insert(found, (int)at, ticket);
	}
	return found;
}

GPtrArray *
rescue_schedule(const RescueStation *station, int64_t now_us, int64_t *ret_look_us)
{
	Plan plan = {
		.station = station,
		.limits = &station->layout->limits,
		.now_us = now_us,
		.look_us = INT64_MAX,
		.engine_us = station->engine_us,
		.turns = g_ptr_array_new_with_free_func(free_turn),
	};
	g_autoptr(GPtrArray) arrived = waiting(station, RESCUE_SLOT_RUNNING, RESCUE_STAGE_ARRIVED);
	g_autoptr(GPtrArray) ready = waiting(station, RESCUE_SLOT_RUNNING, RESCUE_STAGE_READY);
	g_autoptr(GPtrArray) queued = waiting(station, RESCUE_SLOT_QUEUED, RESCUE_STAGE_NONE);
	g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);

	for (unsigned i = 0; i < station->tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(station->tickets, i);
		if (ticket->alive)
			add_running(&plan, ticket);
	}
	for (unsigned i = 0; i < arrived->len; i++)
		give_transfer(&plan, g_ptr_array_index(arrived, i), given);
	for (unsigned i = 0; i < ready->len; i++)
		give_engine(&plan, g_ptr_array_index(ready, i));
	for (unsigned i = 0; i < queued->len; i++)
		give_job(&plan, g_ptr_array_index(queued, i));
	*ret_look_us = plan.look_us;
	return plan.turns;
}
