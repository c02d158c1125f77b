/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "core/line/health.h"

#define GOOD_SHARE 0.03
#define BAD_SHARE  0.60
#define PORTS      16u
#define FIRST      12u /* restores within which the bad port has to be found */
#define SHIFT      48u /* restores of each good port: eight hours of ten minutes */

static char *
port_name(unsigned port)
{
	return g_strdup_printf("A%u", port);
}

/* a restore on a port of which no more is known */
static void
add(RescueHealth *health, const char *port, RescueEcid ecid, bool failed)
{
	rescue_health_add(health, &(RescueRestoreOutcome){ { port, NULL, NULL }, ecid, failed });
}

static void
add_many(RescueHealth *health, const char *port, unsigned passes, RescueEcid first)
{
	for (unsigned i = 0; i < passes; i++)
		add(health, port, first + i, false);
}

static RescueStanding
standing(const RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	g_auto(RescuePlaceHealth) place = { 0 };

	rescue_health_judge(health, kind, name, &place);
	g_test_message("%s (score %.2f)", place.sentence, place.score);
	return place.standing;
}

static bool
is_blamed(const RescueHealth *health, RescueEcid ecid)
{
	g_auto(RescuePhoneHealth) phone = { 0 };

	rescue_health_judge_phone(health, ecid, &phone);
	g_test_message("%s", phone.sentence);
	return phone.blamed;
}

static void
assert_near(double value, double wanted)
{
	g_assert_cmpfloat_with_epsilon(value, wanted, 0.0005);
}

static void
test_intervals_are_those_of_wilson(void)
{
	static const struct {
		unsigned failures, restores;
		double low, high;
	} known[] = {
		{ 0, 0, 0, 1 },           { 0, 10, 0, 0.2775 },       { 10, 10, 0.7225, 1 },
		{ 7, 9, 0.4526, 0.9368 }, { 3, 100, 0.0103, 0.0845 }, { 9, 3, 0, 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		double low, high;
		rescue_wilson(known[i].failures, known[i].restores, &low, &high);
		assert_near(low, known[i].low);
		assert_near(high, known[i].high);
	}
}

static void
test_a_port_is_named_then_taken_out_of_use(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	add_many(health, "A1", 20, 1000);
	add_many(health, "A2", 2, 2000);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_GOOD);
	add(health, "A2", 1, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_GOOD);
	add(health, "A2", 2, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_SUSPICIOUS);
	add(health, "A2", 3, true); /* three are not enough, however fast they come */
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_SUSPICIOUS);
	add(health, "A2", 4, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_BAD);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A1"), ==, RESCUE_STANDING_GOOD);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "B9"), ==, RESCUE_STANDING_GOOD);
}

static void
test_a_phone_that_fails_again_in_one_port_says_it_once(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	for (unsigned i = 0; i < 9; i++)
		add(health, "A1", 7, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A1"), ==, RESCUE_STANDING_GOOD);
	g_assert_false(is_blamed(health, 7));
}

static void
test_a_phone_is_blamed_only_for_failing_on_good_ports(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	add_many(health, "A1", 5, 1000);
	add_many(health, "A2", 2, 2000);
	add(health, "A1", 7, true);
	g_assert_false(is_blamed(health, 7));
	add(health, "A2", 7, true);
	g_assert_false(is_blamed(health, 7)); /* nobody knows yet whether A2 is good */
	add_many(health, "A2", 3, 3000);
	g_assert_true(is_blamed(health, 7));
	add(health, "A1", 7, false);
	g_assert_false(is_blamed(health, 7)); /* it passes now */
}

static void
test_a_phone_that_fails_on_a_bad_port_is_not_blamed(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	add_many(health, "A1", 5, 1000);
	add_many(health, "A2", 5, 2000);
	for (RescueEcid other = 20; other < 24; other++)
		add(health, "A2", other, true);
	add(health, "A1", 7, true);
	add(health, "A2", 7, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A2"), ==, RESCUE_STANDING_BAD);
	g_assert_false(is_blamed(health, 7));
}

/* three phones go through three ports, fail everywhere, and each port has three failures in a row */
static RescueHealth *
three_phones_through_three_ports(bool same_phones)
{
	RescueHealth *health = rescue_health_new();

	add_many(health, "B1", 400, 10000);
	for (unsigned port = 1; port <= 3; port++) {
		g_autofree char *name = port_name(port);
		add_many(health, name, 10, port * 1000);
		for (RescueEcid phone = 1; phone <= 3; phone++)
			add(health, name, same_phones ? phone : port * 100 + phone, true);
		for (RescueEcid phone = 4; phone <= 5 && !same_phones; phone++)
			add(health, name, port * 100 + phone, true);
	}
	return health;
}

static void
test_what_a_bad_phone_did_is_taken_back_from_the_ports(void)
{
	g_autoptr(RescueHealth) broken = three_phones_through_three_ports(true);
	g_autoptr(RescueHealth) many = three_phones_through_three_ports(false);

	for (unsigned port = 1; port <= 3; port++) {
		g_autofree char *name = port_name(port);
		g_assert_cmpint(standing(many, RESCUE_PLACE_PORT, name), ==, RESCUE_STANDING_BAD);
		g_assert_cmpint(standing(broken, RESCUE_PLACE_PORT, name), ==,
				RESCUE_STANDING_GOOD);
		g_assert_true(is_blamed(broken, port));
		g_assert_false(is_blamed(many, port * 100 + 1));
	}
}

static void
test_when_all_fails_no_port_is_taken_out(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	for (RescueEcid phone = 1; phone < 400; phone++) {
		g_autofree char *name = port_name((unsigned)phone % PORTS);
		add(health, name, phone, phone % 10 < 4);
	}
	for (unsigned port = 0; port < PORTS; port++) {
		g_autofree char *name = port_name(port);
		g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, name), !=, RESCUE_STANDING_BAD);
	}
}

static void
test_a_hub_is_bad_only_beyond_its_worst_port(void)
{
	g_autoptr(RescueHealth) one = rescue_health_new();
	g_autoptr(RescueHealth) all = rescue_health_new();

	for (RescueEcid phone = 1; phone <= 40; phone++) {
		g_autofree char *name = port_name((unsigned)phone % 4);
		RescueRestoreOutcome outcome = { { name, NULL, "left" }, phone, phone % 4 == 0 };
		rescue_health_add(one, &outcome);
		outcome.failed = phone % 3 == 0;
		rescue_health_add(all, &outcome);
		outcome = (RescueRestoreOutcome){ { "B1", NULL, "right" }, phone + 100, false };
		rescue_health_add(all, &outcome);
	}
	g_assert_cmpint(standing(one, RESCUE_PLACE_HUB, "left"), ==, RESCUE_STANDING_GOOD);
	g_assert_cmpint(standing(one, RESCUE_PLACE_PORT, "A0"), ==, RESCUE_STANDING_BAD);
	g_assert_cmpint(standing(all, RESCUE_PLACE_HUB, "left"), ==, RESCUE_STANDING_BAD);
	g_assert_cmpint(standing(all, RESCUE_PLACE_HUB, "right"), ==, RESCUE_STANDING_GOOD);
}

static void
test_a_cable_takes_its_failures_along(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	for (RescueEcid phone = 1; phone <= 6; phone++) {
		const char *port = phone > 3 ? "A2" : "A1", *other = phone > 3 ? "A1" : "A2";
		RescueRestoreOutcome outcome = { { port, "C7", NULL }, phone, true };
		rescue_health_add(health, &outcome);
		outcome = (RescueRestoreOutcome){ { other, "C8", NULL }, phone + 10, false };
		rescue_health_add(health, &outcome);
	}
	g_assert_cmpint(standing(health, RESCUE_PLACE_CABLE, "C7"), ==, RESCUE_STANDING_BAD);
	g_assert_cmpint(standing(health, RESCUE_PLACE_CABLE, "C8"), ==, RESCUE_STANDING_GOOD);
}

static void
test_a_re_test_begins_anew_but_on_probation(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();

	for (RescueEcid phone = 1; phone <= 4; phone++)
		add(health, "A1", phone, true);
	rescue_health_condemn(health, RESCUE_PLACE_PORT, "A1");
	g_assert_true(rescue_health_is_condemned(health, RESCUE_PLACE_PORT, "A1"));
	rescue_health_retest(health, RESCUE_PLACE_PORT, "A1");
	g_assert_false(rescue_health_is_condemned(health, RESCUE_PLACE_PORT, "A1"));
	add(health, "A1", 10, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A1"), ==, RESCUE_STANDING_SUSPICIOUS);
	add(health, "A1", 11, true);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A1"), ==, RESCUE_STANDING_BAD);
	rescue_health_retest(health, RESCUE_PLACE_PORT, "A1");
	add_many(health, "A1", 10, 20);
	g_assert_cmpint(standing(health, RESCUE_PLACE_PORT, "A1"), ==, RESCUE_STANDING_GOOD);
}

static void
test_only_failures_that_a_port_can_cause_count(void)
{
	g_assert_true(rescue_health_counts(RESCUE_FAILURE_USB_LINK_DROPPED));
	g_assert_true(rescue_health_counts(RESCUE_FAILURE_UNEXPLAINED));
	g_assert_false(rescue_health_counts(RESCUE_FAILURE_SIGNING_REFUSED));
	g_assert_false(rescue_health_counts(RESCUE_FAILURE_NO_SPACE));
	g_assert_false(rescue_health_counts(RESCUE_FAILURE_NONE));
}

static void
test_old_outcomes_are_forgotten(void)
{
	g_autoptr(RescueHealth) health = rescue_health_new();
	g_auto(RescuePlaceHealth) place = { 0 };

	add_many(health, "A1", 9000, 1);
	rescue_health_judge(health, RESCUE_PLACE_PORT, "A1", &place);
	g_assert_cmpuint(place.restores, <=, 4000);
	g_assert_cmpuint(place.restores, >=, 3000);
}

/*
 * The operating characteristic, exactly. What is known of the other places does not move here: the station expects 3 %.
 */

/* all courses of the first twelve restores, judged by the product itself */
static double
chance_to_miss(double share)
{
	double missed = 0;

	for (unsigned course = 0; course < 1u << FIRST; course++) {
		g_autoptr(RescueHealth) health = rescue_health_new();
		double chance = 1;
		bool found = false;
		for (unsigned i = 0; i < FIRST && !found; i++) {
			g_auto(RescuePlaceHealth) place = { 0 };
			bool failed = (course >> i & 1) != 0;
			add(health, "A1", i + 1, failed);
			rescue_health_judge(health, RESCUE_PLACE_PORT, "A1", &place);
			found = place.standing == RESCUE_STANDING_BAD;
		}
		for (unsigned i = 0; i < FIRST; i++)
			chance *= (course >> i & 1) != 0 ? share : 1 - share;
		missed += found ? 0 : chance;
	}
	return missed;
}

#define GRID 400 /* steps of one unit of score */

#define ABOVE 6 /* three failures in a row lead beyond the limit, and are not enough */

typedef struct {
	double *now,
	    *next; /* chance of each score, for each number of failures up to the least that count */
	int n, limit, up, down;
} Walk;

static double
fail_once(Walk *walk, unsigned failures, int score, double chance)
{
	unsigned least = rescue_health_rules.least, more = MIN(failures + 1, least);

	if (more == least && score + walk->up >= walk->limit)
		return chance;
	walk->next[(int)more * walk->n + score + walk->up] += chance;
	return 0;
}

static double
walk_once(Walk *walk, double share)
{
	size_t cells = (size_t)walk->n * (rescue_health_rules.least + 1);
	double lost = 0;

	memset(walk->next, 0, sizeof(double) * cells);
	for (size_t i = 0; i < cells; i++) {
		unsigned failures = (unsigned)i / (unsigned)walk->n;
		int score = (int)i % walk->n, lower = MAX(score - walk->down, 0);
		if (walk->now[i] <= 0)
			continue;
		lost += fail_once(walk, failures, score, walk->now[i] * share);
		walk->next[(int)failures * walk->n + lower] += walk->now[i] * (1 - share);
	}
	memcpy(walk->now, walk->next, sizeof(double) * cells);
	return lost;
}

/* the same walk of the score as in fold(), on a fine grid: the chance to be taken out of use within `restores` */
static double
chance_to_condemn(double share, unsigned restores)
{
	const RescueHealthRules *rules = &rescue_health_rules;
	int n = (int)((rules->credit + rules->quarantine + ABOVE) * GRID);
	Walk walk = {
		.now = g_new0(double, (size_t)n *(rules->least + 1)),
		.next = g_new0(double, (size_t)n *(rules->least + 1)),
		.n = n,
		.limit = (int)((rules->credit + rules->quarantine) * GRID),
		.up = (int)lrint(log(rules->bad / rules->expected) * GRID),
		.down = (int)lrint(-log((1 - rules->bad) / (1 - rules->expected)) * GRID),
	};
	double lost = 0;

	walk.now[(int)(rules->credit * GRID)] = 1;
	for (unsigned i = 0; i < restores; i++)
		lost += walk_once(&walk, share);
	g_free(walk.now);
	g_free(walk.next);
	return lost;
}

static void
test_operating_characteristic(void)
{
	static const double shares[] = { 0.03, 0.05, 0.10, 0.20, 0.30, 0.40, 0.60, 0.80 };
	double missed = chance_to_miss(BAD_SHARE);
	double wrong = chance_to_condemn(GOOD_SHARE, SHIFT);

	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
		g_test_message(
		    "fails %2.0f %%: out of use within 12 restores %.4f, within 48 %.4f, "
		    "within 480 %.4f",
		    shares[i] * 100, chance_to_condemn(shares[i], FIRST),
		    chance_to_condemn(shares[i], SHIFT), chance_to_condemn(shares[i], SHIFT * 10));
	g_test_message(
	    "exactly: a port that fails 60 %% is missed in its first 12 with %.4f; one of "
	    "15 that fail 3 %% is condemned in 48 each with %.4f",
	    missed, 1 - pow(1 - wrong, 15));
	g_assert_cmpfloat(missed, <, 0.02);
	g_assert_cmpfloat(wrong, <, 0.001);
	g_assert_cmpfloat_with_epsilon(missed, 1 - chance_to_condemn(BAD_SHARE, FIRST), 0.001);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/health/wilson", test_intervals_are_those_of_wilson);
	g_test_add_func("/line/health/port", test_a_port_is_named_then_taken_out_of_use);
	g_test_add_func("/line/health/once",
			test_a_phone_that_fails_again_in_one_port_says_it_once);
	g_test_add_func("/line/health/blame",
			test_a_phone_is_blamed_only_for_failing_on_good_ports);
	g_test_add_func("/line/health/no-blame",
			test_a_phone_that_fails_on_a_bad_port_is_not_blamed);
	g_test_add_func("/line/health/retracted",
			test_what_a_bad_phone_did_is_taken_back_from_the_ports);
	g_test_add_func("/line/health/all-fails", test_when_all_fails_no_port_is_taken_out);
	g_test_add_func("/line/health/hub", test_a_hub_is_bad_only_beyond_its_worst_port);
	g_test_add_func("/line/health/cable", test_a_cable_takes_its_failures_along);
	g_test_add_func("/line/health/re-test", test_a_re_test_begins_anew_but_on_probation);
	g_test_add_func("/line/health/counts", test_only_failures_that_a_port_can_cause_count);
	g_test_add_func("/line/health/forgotten", test_old_outcomes_are_forgotten);
	g_test_add_func("/line/health/characteristic", test_operating_characteristic);
	return g_test_run();
}
