/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/line/health.h"
#include "tests/unit/seeds.h"

/*
 * Simulated shifts of a bench. A restore fails by chance of its port, or because the phone is broken. A phone that
 * failed goes on to another port until it passes, is blamed, or has failed three times.
 * Other seeds: RESCUE_SEEDS=1001-6000.
 */

#define PORTS 16u
#define TRIES 3u
#define FIRST 12u /* restores within which the bad port has to be found */
#define SHIFT 48u /* restores of each good port: eight hours of ten minutes */
#define FIXED 100u
#define SLOW  5000u

static const unsigned bad_ports[] = { 5, 11 };

typedef struct {
	const char *name;
	double good, bad; /* shares that fail */
	unsigned bads;    /* so many of bad_ports */
	double broken;    /* share of phones that fail everywhere */
	double before;    /* share that failed on good ports in earlier shifts */
	unsigned earlier; /* restores of each port then */
	unsigned in_time; /* restores within which bad ports have to be found */
	/* share of shifts in which they are, and no good port is taken for bad; 0: not asked */
	double right_min;
	double condemned_max; /* good ports taken for bad, of one shift */
} Bench;

typedef struct {
	RescueEcid ecid;
	bool broken;
	unsigned port, failures; /* where it failed last, and how often */
} Phone;

typedef struct {
	const Bench *bench;
	RescueHealth *health;
	GRand *random;
	GArray *again; /* Phone: those that failed and wait for another port */
	RescueEcid last;
	bool counts;                            /* no earlier shift */
	unsigned restores[PORTS], found[PORTS]; /* found: after so many restores; 0: not */
	unsigned blamed_wrongly;
} Shift;

static bool
is_bad(const Bench *bench, unsigned port)
{
	for (unsigned i = 0; i < bench->bads; i++) {
		if (bad_ports[i] == port)
			return true;
	}
	return false;
}

static Phone
next_phone(Shift *shift, unsigned port)
{
	for (unsigned i = 0; i < shift->again->len; i++) {
		Phone phone = g_array_index(shift->again, Phone, i);
		if (phone.port == port)
			continue;
		g_array_remove_index(shift->again, i);
		return phone;
	}
	return (Phone){
		.ecid = ++shift->last,
		.broken = g_rand_double(shift->random) < shift->bench->broken,
	};
}

static void
take_away(Shift *shift, Phone phone, unsigned port)
{
	g_auto(RescuePhoneHealth) judged = { 0 };

	rescue_health_judge_phone(shift->health, phone.ecid, &judged);
	shift->blamed_wrongly += judged.blamed && !phone.broken;
	phone.port = port;
	phone.failures++;
	if (!judged.blamed && phone.failures < TRIES)
		g_array_append_val(shift->again, phone);
}

static double
share_of(const Shift *shift, unsigned port)
{
	if (!shift->counts)
		return shift->bench->before;
	return is_bad(shift->bench, port) ? shift->bench->bad : shift->bench->good;
}

static void
restore_once(Shift *shift, unsigned port, const char *name)
{
	g_auto(RescuePlaceHealth) place = { 0 };
	Phone phone = next_phone(shift, port);
	double draw = g_rand_double(shift->random);
	RescueRestoreOutcome outcome = {
		.names = { name, NULL, NULL },
		.ecid = phone.ecid,
		.failed = phone.broken || draw < share_of(shift, port),
	};

	rescue_health_add(shift->health, &outcome);
	shift->restores[port] += shift->counts;
	if (!outcome.failed)
		return; /* a score only rises with a failure */
	take_away(shift, phone, port);
	rescue_health_judge(shift->health, RESCUE_PLACE_PORT, name, &place);
	if (place.standing != RESCUE_STANDING_BAD || !shift->counts)
		return;
	rescue_health_condemn(shift->health, RESCUE_PLACE_PORT, name);
	shift->found[port] = shift->restores[port];
}

static void
run_shift(Shift *shift, const Bench *bench, unsigned seed)
{
	g_autoptr(RescueHealth) health = rescue_health_new();
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(Phone));

	*shift = (Shift){ .bench = bench, .health = health, .random = random, .again = again };
	for (unsigned i = 0; i < (bench->earlier + SHIFT) * PORTS; i++) {
		g_autofree char *name = g_strdup_printf("A%u", i % PORTS);
		shift->counts = i >= bench->earlier * PORTS;
		if (!rescue_health_is_condemned(health, RESCUE_PLACE_PORT, name))
			restore_once(shift, i % PORTS, name);
	}
}

typedef struct {
	unsigned right, late, wrong; /* shifts */
	unsigned condemned, blamed;  /* good ports, sound phones */
	double restores;             /* of bad ports until they were found */
} Sum;

static void
add_shift(Sum *sum, const Shift *shift)
{
	unsigned condemned = 0;
	bool late = false;

	for (unsigned port = 0; port < PORTS; port++) {
		unsigned found = shift->found[port];
		if (!is_bad(shift->bench, port)) {
			condemned += found > 0;
			continue;
		}
		late |= found == 0 || found > shift->bench->in_time;
		sum->restores += (double)shift->restores[port] / shift->bench->bads;
	}
	sum->right += !late && condemned == 0;
	sum->late += late;
	sum->wrong += condemned > 0;
	sum->condemned += condemned;
	sum->blamed += shift->blamed_wrongly;
}

static void
tell(const Bench *bench, const Sum *sum, unsigned n)
{
	g_test_message(
	    "%s: good ports fail %.0f %%; of %u shifts %u (%.2f %%) are right, a bad port "
	    "is late (%u restores) in %u, a good one out of use in %u; good ports out "
	    "of use in a shift %.4f; found after %.1f restores; sound phones blamed in "
	    "a shift %.2f",
	    bench->name, bench->good * 100, n, sum->right, sum->right * 100.0 / n, bench->in_time,
	    sum->late, sum->wrong, (double)sum->condemned / n, sum->restores / n,
	    (double)sum->blamed / n);
}

static void
run_shifts(const Bench *bench)
{
	Seeds seeds = choose_seeds(FIXED, SLOW);
	unsigned n = count_seeds(seeds);
	Sum sum = { 0 };

	for (unsigned seed = seeds.first; seed <= seeds.last; seed++) {
		Shift shift;
		run_shift(&shift, bench, seed);
		add_shift(&sum, &shift);
	}
	tell(bench, &sum, n);
	g_assert_cmpfloat(sum.right, >=, bench->right_min * n);
	g_assert_cmpfloat(sum.condemned, <=, bench->condemned_max * n);
}

static void
test_the_bad_port_is_found_and_good_ones_are_spared(void)
{
	static const Bench bench = {
		.name = "one bad port",
		.good = 0.03,
		.bad = 0.60,
		.bads = 1,
		.in_time = FIRST,
		.right_min = 0.95,
		.condemned_max = 0.05,
	};

	run_shifts(&bench);
}

static void
test_broken_phones_do_not_make_good_ports_bad(void)
{
	static const Bench bench = {
		.name = "3 % of phones broken",
		.good = 0.03,
		.bad = 0.60,
		.bads = 1,
		.broken = 0.03,
		.in_time = FIRST * 2,
		.right_min = 0.95,
		.condemned_max = 0.05,
	};

	run_shifts(&bench);
}
static void
test_two_bad_ports_do_not_hide_each_other(void)
{
	static const Bench bench = {
		.name = "two bad ports",
		.good = 0.03,
		.bad = 0.60,
		.bads = 2,
		.in_time = FIRST,
		.right_min = 0.90,
		.condemned_max = 0.05,
	};

	run_shifts(&bench);
}

static void
test_ports_that_fail_less_are_found_later(void)
{
	static const Bench benches[] = {
		{ .name = "a port that fails 40 %",
		  .good = 0.03,
		  .bad = 0.40,
		  .bads = 1,
		  .in_time = FIRST * 2,
		  .right_min = 0.88,
		  .condemned_max = 0.05 },
		{ .name = "a port that fails 30 %",
		  .good = 0.03,
		  .bad = 0.30,
		  .bads = 1,
		  .in_time = SHIFT,
		  .right_min = 0.88,
		  .condemned_max = 0.05 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(benches); i++)
		run_shifts(&benches[i]);
}

/* what the station fails is not known when the shift begins */
static void
test_good_ports_of_better_and_worse_stations_are_spared(void)
{
	static const double shares[] = { 0.01, 0.03, 0.06, 0.10 };

	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
		Bench bench = { .name = "no bad port", .good = shares[i], .condemned_max = 0.15 };
		run_shifts(&bench);
	}
}

/* three shifts at 3 %, then a firmware of which 10 % fail */
static void
test_a_bench_that_changes_is_followed(void)
{
	static const Bench bench = {
		.name = "after three shifts at 3 %",
		.good = 0.10,
		.before = 0.03,
		.earlier = SHIFT * 3,
		.condemned_max = 0.05,
	};

	run_shifts(&bench);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/shifts/bad-port",
			test_the_bad_port_is_found_and_good_ones_are_spared);
	g_test_add_func("/line/shifts/broken-phones",
			test_broken_phones_do_not_make_good_ports_bad);
	g_test_add_func("/line/shifts/two", test_two_bad_ports_do_not_hide_each_other);
	g_test_add_func("/line/shifts/weaker", test_ports_that_fail_less_are_found_later);
	g_test_add_func("/line/shifts/stations",
			test_good_ports_of_better_and_worse_stations_are_spared);
	g_test_add_func("/line/shifts/change", test_a_bench_that_changes_is_followed);
	return g_test_run();
}
