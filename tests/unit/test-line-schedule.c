/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/line/capacity.h"
#include "core/line/schedule.h"
#include "tests/unit/seeds.h"

/*
 * The link model, and why it is what it is: docs/decisions/022-turns-on-the-bus.md.
 */
#define PHONES    16u
#define FIXED     100u /* seeds; others: RESCUE_SEEDS=1001-2000 */
#define SLOW_RUN  1000u
#define CAPACITY  38e6   /* bytes a second of a USB 2 bus with one transfer */
#define IMAGE     10.5e9 /* bytes */
#define LOSS      0.04   /* of each further transfer at once */
#define SLOW      19e6   /* what a slow phone takes */
#define TELL_S    5      /* jobs tell their progress so often */
#define GIVE_UP_S 20000

typedef enum { WAITS, PREPARES, ASKS, BOOTS, HOLDS, SENDS, ENDS, DONE } Stage;

typedef struct {
	RescueEcid ecid;
	Stage stage;
	double prepare_s, boot_s, end_s; /* what is left of each */
	double bytes, rate;              /* left of the image; what the phone takes */
} Phone;

typedef struct {
	Phone phones[PHONES];
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station; /* NULL: nobody keeps order, all start at once */
	double loss, capacity;
	bool hold;
	int64_t look_us; /* when to look again though nothing happened */
	bool news;
	unsigned now_s, most; /* the most transfers at once */
} Shift;

static int64_t
now_us(const Shift *shift)
{
	return (int64_t)(shift->now_s + 1) * G_USEC_PER_SEC;
}

static void
draw_phones(Shift *shift, unsigned seed, double slowest, double fastest)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);

	for (unsigned i = 0; i < PHONES; i++)
		shift->phones[i] = (Phone){
			.ecid = i + 1,
			.prepare_s = g_rand_double_range(random, 5, 15),
			.boot_s = g_rand_double_range(random, 45, 90),
			.end_s = g_rand_double_range(random, 150, 270),
			.rate = g_rand_double_range(random, slowest, fastest),
			.bytes = IMAGE,
		};
}

static char *
bench_of(unsigned ports, const char *limits)
{
	GString *text = g_string_new(limits);

	for (unsigned i = 1; i <= ports; i++)
		g_string_append_printf(text, "[port P%u]\nat=1-1.%u\n", i, i);
	return g_string_free(text, FALSE);
}

static void
set_up(Shift *shift, const char *limits)
{
	static const char rules[] =
	    "[rule all]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";
	g_autofree char *text = bench_of(PHONES, limits);
	g_autoptr(GError) error = NULL;
	GPtrArray *buses = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_usb_bus_free);

	g_ptr_array_add(buses, rescue_usb_bus_new(1, "0000:00:14.0", 480));
	shift->layout = rescue_layout_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	shift->rules = rescue_intake_parse(rules, strlen(rules), &error);
	g_assert_no_error(error);
	shift->station = rescue_station_new(shift->layout, shift->rules);
	rescue_station_take_buses(shift->station, buses);
}

static void
shift_clear(Shift *shift)
{
	rescue_station_free(shift->station);
	rescue_intake_free(shift->rules);
	rescue_layout_free(shift->layout);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shift, shift_clear)

static void
plug(Shift *shift, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		g_autoptr(RescueDevice) device = rescue_device_new();
		device->ecid = i + 1;
		device->mode = RESCUE_MODE_RECOVERY;
		device->place.port = g_strdup_printf("1-1.%u", i + 1);
		rescue_station_see(shift->station, device, now_us(shift) + i);
	}
}

static void
tell(Shift *shift, const Phone *phone, const char *event, const char *key, const char *value)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	char ecid[RESCUE_ECID_TEXT];

	if (shift->station == NULL)
		return;
	rescue_json_set_string(json, "event", event);
	rescue_json_set_string(json, "job", "job");
	rescue_json_set_string(json, "ecid", rescue_ecid_format(phone->ecid, ecid));
	rescue_json_set_string(json, key, value);
	if (strcmp(event, "step") == 0)
		rescue_json_set_string(json, "state", "begin");
	if (strcmp(event, "progress") == 0)
		rescue_json_set_int(json, "bytes", (int64_t)(IMAGE - phone->bytes));
	rescue_station_job_event(shift->station, json, now_us(shift));
	shift->news = true;
}

static Phone *
phone_of(Shift *shift, RescueEcid ecid)
{
	return &shift->phones[ecid - 1];
}

static void
begin(Shift *shift, Phone *phone, Stage stage)
{
	static const char *const phases[] = {
		[PREPARES] = "personalize",
		[BOOTS] = "send-bootloader",
		[SENDS] = "filesystem",
		[ENDS] = "verify-filesystem",
	};

	phone->stage = stage;
	if (stage == DONE)
		tell(shift, phone, "done", "outcome", "restored");
	else
		tell(shift, phone, "step", "phase", phases[stage]);
}

static void
take_turn(Shift *shift, const RescueTurn *turn)
{
	Phone *phone = phone_of(shift, turn->ecid);

	switch (turn->kind) {
	case RESCUE_TURN_WAIT:
		return;
	case RESCUE_TURN_JOB:
		rescue_station_started(shift->station, turn->ecid, "job", now_us(shift));
		begin(shift, phone, PREPARES);
		return;
	case RESCUE_TURN_ENGINE:
		rescue_station_granted(shift->station, turn->ecid, now_us(shift));
		begin(shift, phone, BOOTS);
		return;
	case RESCUE_TURN_TRANSFER:
		rescue_station_granted(shift->station, turn->ecid, now_us(shift));
		begin(shift, phone, SENDS);
		return;
	}
}

static void
take_turns(Shift *shift)
{
	g_autoptr(GPtrArray) turns = NULL;

	if (!shift->news && now_us(shift) < shift->look_us)
		return;
	shift->news = false;
	turns = rescue_schedule(shift->station, now_us(shift), &shift->look_us);
	g_assert_cmpint(shift->look_us, >, now_us(shift));
	for (unsigned i = 0; i < turns->len; i++) {
		const RescueTurn *turn = g_ptr_array_index(turns, i);
		g_assert_nonnull(turn->why);
		take_turn(shift, turn);
	}
}

static void
ask(Shift *shift, Phone *phone, Stage stage)
{
	bool free_for_all = shift->station == NULL;

	if (free_for_all || (stage == HOLDS && !shift->hold)) {
		begin(shift, phone, stage == HOLDS ? SENDS : BOOTS);
		return;
	}
	phone->stage = stage;
	tell(shift, phone, "turn", "turn", stage == HOLDS ? "transfer" : "engine");
}

static unsigned
count(const Shift *shift, Stage stage)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PHONES; i++)
		n += shift->phones[i].stage == stage;
	return n;
}

/* One second of one phone; `share` is what the bus has for each transfer. */
static void
live(Shift *shift, Phone *phone, double share)
{
	switch (phone->stage) {
	case PREPARES:
		if (--phone->prepare_s <= 0)
			ask(shift, phone, ASKS);
		return;
	case BOOTS:
		if (--phone->boot_s <= 0)
			ask(shift, phone, HOLDS);
		return;
	case SENDS:
		phone->bytes -= MIN(share, phone->rate);
		if (phone->bytes <= 0)
			begin(shift, phone, ENDS);
		else if (shift->now_s % TELL_S == 0)
			tell(shift, phone, "progress", "phase", "filesystem");
		return;
	case ENDS:
		if (--phone->end_s <= 0)
			begin(shift, phone, DONE);
		return;
	default:
		return;
	}
}

static void
live_a_second(Shift *shift)
{
	unsigned senders = count(shift, SENDS);
	double all = shift->capacity / (1 + shift->loss * (senders > 1 ? senders - 1 : 0));

	shift->most = MAX(shift->most, senders);
	for (unsigned i = 0; i < PHONES; i++)
		live(shift, &shift->phones[i], senders > 0 ? all / senders : 0);
	shift->now_s++;
}

typedef struct {
	const char *limits; /* NULL: all at once */
	double loss, capacity;
	bool hold;
	double slowest, fastest; /* what a phone takes by itself, bytes a second */
} Setting;

/* seconds until the last phone is done */
static unsigned
run_shift(const Setting *setting, unsigned seed, unsigned *ret_most)
{
	g_auto(Shift)
	    shift = { .loss = setting->loss, .capacity = setting->capacity, .hold = setting->hold };

	draw_phones(&shift, seed, setting->slowest, setting->fastest);
	if (setting->limits != NULL) {
		set_up(&shift, setting->limits);
		plug(&shift, PHONES);
	}
	for (unsigned i = 0; setting->limits == NULL && i < PHONES; i++)
		begin(&shift, &shift.phones[i], PREPARES);
	while (count(&shift, DONE) < PHONES && shift.now_s < GIVE_UP_S) {
		if (shift.station != NULL)
			take_turns(&shift);
		live_a_second(&shift);
	}
	g_assert_cmpuint(count(&shift, DONE), ==, PHONES);
	if (ret_most != NULL)
		*ret_most = MAX(*ret_most, shift.most);
	return shift.now_s;
}

static double
mean_shift(const Setting *setting, unsigned seeds, unsigned *ret_longest, unsigned *ret_most)
{
	double sum = 0;

	*ret_longest = *ret_most = 0;
	for (unsigned seed = 1; seed <= seeds; seed++) {
		unsigned s = run_shift(setting, seed, ret_most);
		*ret_longest = MAX(*ret_longest, s);
		sum += s;
	}
	return sum / seeds;
}

#define NO_LIMITS   ""
#define HOLD_LIMITS "[limits]\nhold-transfers=yes\n"

typedef struct {
	double with, without; /* seconds altogether */
	double worst_gain, worst_wire;
	unsigned within; /* shifts that kept to 1.1 of the wire time */
	unsigned most, most_free;
} Comparison;

static void
compare_shift(Comparison *sum, const Setting *setting, const Setting *at_once, unsigned seed)
{
	double wire = PHONES * IMAGE / setting->capacity;
	double with = run_shift(setting, seed, &sum->most);
	double without = run_shift(at_once, seed, &sum->most_free);

	sum->with += with;
	sum->without += without;
	sum->worst_gain = MAX(sum->worst_gain, with / without);
	sum->worst_wire = MAX(sum->worst_wire, with / wire);
	sum->within += with <= 1.1 * wire;
}

static void
compare(const char *name, const Setting *setting, const Setting *at_once, double within)
{
	double wire = PHONES * IMAGE / setting->capacity;
	Seeds seeds = choose_seeds(FIXED, SLOW_RUN);
	unsigned n = count_seeds(seeds);
	Comparison sum = { 0 };

	for (unsigned seed = seeds.first; seed <= seeds.last; seed++)
		compare_shift(&sum, setting, at_once, seed);
	g_test_message(
	    "%s, up to %u at once: %.0f s on average; all at once: %.0f s; ratio %.3f, "
	    "at worst %.3f; wire time %.0f s: ratio %.3f, at worst %.3f, %u of %u within 1.1",
	    name, sum.most, sum.with / n, sum.without / n, sum.with / sum.without, sum.worst_gain,
	    wire, sum.with / n / wire, sum.worst_wire, sum.within, n);
	g_assert_cmpfloat(sum.worst_gain, <=, 0.75);
	g_assert_cmpfloat(sum.with / n, <=, 1.1 * wire);
	g_assert_cmpfloat(sum.within, >=, within * n);
	g_assert_cmpuint(sum.most_free, ==, PHONES);
}

static void
test_sixteen_phones_on_one_bus(void)
{
	Setting at_once = { NULL, LOSS, CAPACITY, false, CAPACITY, CAPACITY };
	Setting held = { HOLD_LIMITS, LOSS, CAPACITY, true, CAPACITY, CAPACITY };
	Setting timed = { NO_LIMITS, LOSS, CAPACITY, false, CAPACITY, CAPACITY };

	compare("transfers that wait", &held, &at_once, 1);
	compare("engines started in time", &timed, &at_once, 1);
}

/* the same with phones of which some do not fill the bus: usable bulk rates are said to be 35 to 42 MB/s */
static void
test_sixteen_different_phones_on_one_bus(void)
{
	Setting at_once = { NULL, LOSS, CAPACITY, false, 35e6, 42e6 };
	Setting timed = { NO_LIMITS, LOSS, CAPACITY, false, 35e6, 42e6 };

	compare("different phones", &timed, &at_once, 0.5);
}

/* what the result owes to the one figure of the model that nobody has measured */
static void
test_sensitivity_to_the_loss(void)
{
	static const double losses[] = { 0, 0.01, 0.02, 0.025, 0.03, 0.04, 0.067, 0.1 };
	double last = 2;

	for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
		Setting at_once = { NULL, losses[i], CAPACITY, false, CAPACITY, CAPACITY };
		Setting timed = { NO_LIMITS, losses[i], CAPACITY, false, CAPACITY, CAPACITY };
		unsigned longest, most;
		double with = mean_shift(&timed, 3, &longest, &most);
		double without = mean_shift(&at_once, 3, &longest, &most);
		g_test_message("loss %.3f: %.0f s against %.0f s, ratio %.3f", losses[i], with,
			       without, with / without);
		g_assert_cmpfloat(with / without, <, last);
		last = with / without;
	}
}

/* phones that take half of what the bus carries: one at a time would waste it, and measuring finds that out */
static void
test_slow_phones_get_company(void)
{
	Setting learned = { NO_LIMITS, LOSS, CAPACITY, false, SLOW, SLOW };
	Setting one = { "[limits]\ntransfers-max=1\n", LOSS, CAPACITY, false, SLOW, SLOW };
	unsigned longest, most, longest_one, most_one;
	double with = mean_shift(&learned, 3, &longest, &most);
	double without = mean_shift(&one, 3, &longest_one, &most_one);

	g_test_message("slow phones: %.0f s with up to %u transfers, %.0f s one by one", with, most,
		       without);
	g_assert_cmpuint(most, >=, 2);
	g_assert_cmpfloat(with, <, 0.7 * without);
}

/* the rules, one by one */

typedef struct {
	Shift shift;
	unsigned given[RESCUE_TURN_TRANSFER + 1];
	char *last_wait;
} Desk;

static void
look(Desk *desk)
{
	int64_t look_us;
	g_autoptr(GPtrArray)
	    turns = rescue_schedule(desk->shift.station, now_us(&desk->shift), &look_us);

	memset(desk->given, 0, sizeof(desk->given));
	for (unsigned i = 0; i < turns->len; i++) {
		const RescueTurn *turn = g_ptr_array_index(turns, i);
		desk->given[turn->kind]++;
		if (turn->kind != RESCUE_TURN_WAIT)
			continue;
		g_free(desk->last_wait);
		desk->last_wait = g_strdup(turn->why);
		g_test_message("%s", turn->why);
	}
}

static Desk
desk_with(const char *limits, unsigned phones)
{
	Desk desk = { 0 };

	draw_phones(&desk.shift, 1, CAPACITY, CAPACITY);
	set_up(&desk.shift, limits);
	plug(&desk.shift, phones);
	look(&desk);
	return desk;
}

static void
desk_clear(Desk *desk)
{
	shift_clear(&desk->shift);
	g_free(desk->last_wait);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Desk, desk_clear)

static void
bring_to(Desk *desk, unsigned phone, const char *turn)
{
	rescue_station_started(desk->shift.station, phone, "job", now_us(&desk->shift));
	tell(&desk->shift, phone_of(&desk->shift, phone), "turn", "turn", turn);
}

static void
assert_jobs(const char *limits, unsigned phones, unsigned jobs, const char *why)
{
	g_auto(Desk) desk = desk_with(limits, phones);

	g_assert_cmpuint(desk.given[RESCUE_TURN_JOB], ==, jobs);
	g_assert_cmpuint(desk.given[RESCUE_TURN_WAIT], ==, phones - jobs);
	if (why != NULL)
		g_assert_nonnull(strstr(desk.last_wait, why));
}

static void
test_jobs_start_within_their_budgets(void)
{
	assert_jobs("", 16, 16, NULL);
	assert_jobs("[limits]\njobs=3\n", 8, 3, "3 jobs run");
	assert_jobs("[limits]\nmemory=500 MB\njob-memory=100 MB\n", 8, 5, "memory");
	assert_jobs("[limits]\nphone-endpoints=6\n[controller 0000:00:14.0]\nendpoints=96\n", 16,
		    16, NULL);
	assert_jobs("[controller 0000:00:14.0]\nendpoints=40\n", 8, 0, "has 40 endpoints, and 48");
	assert_jobs("[hub 1-1]\nlabel=left\npower-ma=4000\n", 8, 8, NULL);
	assert_jobs("[hub 1-1]\nlabel=left\npower-ma=4000\n", 9, 0, "hub left feeds 4000 mA");
}

/* A job that asks for its engine, and says what that takes. */
static void
ask_engine(Desk *desk, unsigned phone, const char *needs)
{
	char ecid[RESCUE_ECID_TEXT];
	g_autofree char *text = g_strdup_printf(
	    "{\"event\":\"turn\",\"turn\":\"engine\",\"state\":\"begin\",\"job\":\"job\","
	    "\"ecid\":\"%s\",%s}",
	    rescue_ecid_format(phone, ecid), needs);
	g_autoptr(RescueJson) json = rescue_json_parse(text, strlen(text), NULL);

	rescue_station_started(desk->shift.station, phone, "job", now_us(&desk->shift));
	rescue_station_job_event(desk->shift.station, json, now_us(&desk->shift));
}

static void
test_downloads_are_limited(void)
{
	g_auto(Desk) desk = desk_with("[limits]\ndownloads=2\n", 8);

	for (unsigned i = 1; i <= 2; i++) {
		rescue_station_started(desk.shift.station, i, "job", now_us(&desk.shift));
		tell(&desk.shift, phone_of(&desk.shift, i), "step", "phase", "download");
	}
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_JOB], ==, 0);
	g_assert_nonnull(strstr(desk.last_wait, "2 downloads"));
	tell(&desk.shift, phone_of(&desk.shift, 1), "step", "phase", "verify-firmware");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_JOB], ==, 6);
}

static void
test_what_engines_unpack_is_limited(void)
{
	g_auto(Desk) desk = desk_with("[limits]\nscratch=15 GB\nstagger=0\ntransfers=4\n", 2);
	Phone *first = phone_of(&desk.shift, 1);

	/* more than all: it goes alone */
	ask_engine(&desk, 1, "\"scratch_bytes\":20000000000");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	desk.shift.now_s++;
	ask_engine(&desk, 2, "\"scratch_bytes\":5000000000");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 0);
	g_assert_nonnull(strstr(desk.last_wait, "unpacking"));
	tell(&desk.shift, first, "done", "outcome", "restored");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
}

/* while phones partition nothing goes over the bus: who holds its engine is on its way until it asks */
static void
test_who_holds_sends_when_it_was_granted(void)
{
	g_auto(Desk) desk = desk_with("[limits]\nstagger=0\nhold-transfers=yes\n", 1);
	Phone *phone = phone_of(&desk.shift, 1);
	const RescueTicket *ticket = rescue_station_find(desk.shift.station, 1);

	ask_engine(&desk, 1, "\"holds\":true");
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	tell(&desk.shift, phone, "step", "phase", "filesystem");
	g_assert_cmpint(ticket->stage, ==, RESCUE_STAGE_BOOTING);
	tell(&desk.shift, phone, "turn", "turn", "transfer");
	g_assert_cmpint(ticket->stage, ==, RESCUE_STAGE_ARRIVED);
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	tell(&desk.shift, phone, "step", "phase", "filesystem");
	g_assert_cmpint(ticket->stage, ==, RESCUE_STAGE_SENDING);
}

static void
test_engines_start_one_after_the_other(void)
{
	g_auto(Desk) desk = desk_with("[limits]\nstagger=3s\ntransfers=4\n", 3);

	for (unsigned i = 1; i <= 3; i++)
		bring_to(&desk, i, "engine");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	desk.shift.now_s += 2;
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 0);
	desk.shift.now_s += 1;
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
}

static void
test_an_old_engine_has_the_boot_loaders_for_itself(void)
{
	g_auto(Desk) desk = desk_with("[limits]\nstagger=0\ntransfers=4\n", 2);
	Phone *first = phone_of(&desk.shift, 1);

	ask_engine(&desk, 1, "\"old_engine\":true");
	ask_engine(&desk, 2, "\"old_engine\":true");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	tell(&desk.shift, first, "step", "phase", "send-bootloader");
	desk.shift.now_s++;
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 0);
	g_assert_nonnull(strstr(desk.last_wait, "old engine"));
	tell(&desk.shift, first, "step", "phase", "wait-restore-mode");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_ENGINE], ==, 1);
}

static void
test_transfers_wait_their_turn(void)
{
	g_auto(Desk) desk = desk_with("[limits]\ntransfers=2\nhold-transfers=yes\n", 4);

	for (unsigned i = 1; i <= 4; i++)
		bring_to(&desk, i, "transfer");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_TRANSFER], ==, 2);
	rescue_station_granted(desk.shift.station, 1, now_us(&desk.shift));
	rescue_station_granted(desk.shift.station, 2, now_us(&desk.shift));
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_TRANSFER], ==, 0);
	g_assert_nonnull(strstr(desk.last_wait, "2 phones send on bus 1"));
	tell(&desk.shift, phone_of(&desk.shift, 1), "step", "phase", "verify-filesystem");
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_TRANSFER], ==, 1);
}

static void
test_a_phone_that_is_away_waits(void)
{
	g_auto(Desk) desk = desk_with("", 1);
	g_autoptr(RescueDevice) gone = rescue_device_new();

	gone->ecid = 1;
	gone->mode = RESCUE_MODE_ABSENT;
	rescue_station_see(desk.shift.station, gone, now_us(&desk.shift));
	look(&desk);
	g_assert_cmpuint(desk.given[RESCUE_TURN_JOB], ==, 0);
	g_assert_nonnull(strstr(desk.last_wait, "not plugged in"));
}

/* the bus */

static void
test_a_bus_is_learned(void)
{
	RescueCapacity bus;

	rescue_capacity_init(&bus, 38e6, 2);
	g_assert_cmpuint(rescue_capacity_limit(&bus, 4), ==, 2);
	g_assert_cmpuint(rescue_capacity_limit(&bus, 1), ==, 1);
	rescue_capacity_learn(&bus, 1, 20e6); /* slow phones: two may fill it */
	g_assert_cmpuint(rescue_capacity_limit(&bus, 4), ==, 2);
	rescue_capacity_learn(&bus, 2, 33e6);
	g_assert_cmpuint(rescue_capacity_limit(&bus, 4), ==, 3);
	rescue_capacity_learn(&bus, 3, 32e6); /* no better: back to two */
	g_assert_cmpuint(rescue_capacity_limit(&bus, 4), ==, 2);
	for (unsigned i = 0; i < 30; i++)
		rescue_capacity_learn(&bus, 1, 37e6); /* other phones, one fills it */
	g_assert_cmpuint(rescue_capacity_limit(&bus, 4), ==, 1);
	rescue_capacity_learn(&bus, 0, 1e9);
	rescue_capacity_learn(&bus, 99, 1e9);
	rescue_capacity_learn(&bus, 4, -1);
	g_assert_cmpuint(rescue_capacity_limit(&bus, 99), ==, 1);
	g_assert_cmpfloat(rescue_capacity_rate(&bus, 8), >, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/schedule/budgets", test_jobs_start_within_their_budgets);
	g_test_add_func("/line/schedule/downloads", test_downloads_are_limited);
	g_test_add_func("/line/schedule/scratch", test_what_engines_unpack_is_limited);
	g_test_add_func("/line/schedule/holds", test_who_holds_sends_when_it_was_granted);
	g_test_add_func("/line/schedule/stagger", test_engines_start_one_after_the_other);
	g_test_add_func("/line/schedule/old-engine",
			test_an_old_engine_has_the_boot_loaders_for_itself);
	g_test_add_func("/line/schedule/transfers", test_transfers_wait_their_turn);
	g_test_add_func("/line/schedule/away", test_a_phone_that_is_away_waits);
	g_test_add_func("/line/capacity/learned", test_a_bus_is_learned);
	g_test_add_func("/line/schedule/sixteen", test_sixteen_phones_on_one_bus);
	g_test_add_func("/line/schedule/different", test_sixteen_different_phones_on_one_bus);
	g_test_add_func("/line/schedule/sensitivity", test_sensitivity_to_the_loss);
	g_test_add_func("/line/schedule/slow-phones", test_slow_phones_get_company);
	return g_test_run();
}
