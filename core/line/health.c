/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/health.h"

#include <math.h>

#define Z95          1.959964
#define MAX_OUTCOMES 4000u /* a week of a busy bench; older ones are forgotten */

const RescueHealthRules rescue_health_rules = {
	.expected = 0.03,
	.weight = 30,
	.recent = 480,
	.doubt = 0.3,
	.bad = 0.42,
	.credit = 6,
	.suspicious = 3,
	.quarantine = 6.2,
	.least = 4,
	.probation = 3,
	.proven = 3,
};

static const char *const kind_words[] = { "port", "cable", "hub" };

/* Names become numbers, so that a fold compares no strings; 0 is no name. */
typedef struct {
	unsigned places[RESCUE_PLACE_LAST];
	RescueEcid ecid;
	bool failed;
} Outcome;

typedef struct {
	unsigned since; /* number of the first outcome that counts */
	bool condemned, probation;
} Place;

struct RescueHealth {
	GArray *outcomes; /* Outcome, oldest first */
	unsigned first;   /* number of the oldest one */
	GHashTable *ids;  /* kind and name to number */
	GArray *places;   /* Place, by number */
};

/* What is folded: outcomes at a place, without those of one port or one phone. */
typedef struct {
	RescuePlaceKind kind;
	unsigned place;
	unsigned skip_port; /* 0: none */
	RescueEcid skip_ecid;
	bool retract; /* leave out failures of phones that are to blame themselves */
} Filter;

typedef struct {
	unsigned restores, failures;
	double score;
} Fold;

RescueHealth *
rescue_health_new(void)
{
	RescueHealth *health = g_new0(RescueHealth, 1);
	Place none = { 0 };

	health->outcomes = g_array_new(FALSE, TRUE, sizeof(Outcome));
	health->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	health->places = g_array_new(FALSE, TRUE, sizeof(Place));
	g_array_append_val(health->places, none);
	return health;
}

void
rescue_health_free(RescueHealth *health)
{
	if (health == NULL)
		return;
	g_array_unref(health->outcomes);
	g_array_unref(health->places);
	g_hash_table_unref(health->ids);
	g_free(health);
}

void
rescue_place_health_clear(RescuePlaceHealth *health)
{
	g_clear_pointer(&health->sentence, g_free);
}

void
rescue_phone_health_clear(RescuePhoneHealth *health)
{
	g_clear_pointer(&health->sentence, g_free);
}

bool
rescue_health_counts(RescueFailure failure)
{
	switch (rescue_failure_info(failure)->category) {
	case RESCUE_CATEGORY_USB:
	case RESCUE_CATEGORY_HARDWARE:
	case RESCUE_CATEGORY_UNKNOWN:
		return failure != RESCUE_FAILURE_NONE;
	default:
		return false;
	}
}

static unsigned
find_id(const RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	g_autofree char *key = NULL;

	if (name == NULL)
		return 0;
	key = g_strdup_printf("%d %s", kind, name);
	return GPOINTER_TO_UINT(g_hash_table_lookup(health->ids, key));
}

static unsigned
make_id(RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	unsigned id = find_id(health, kind, name);
	Place place = { 0 };

	if (id != 0 || name == NULL)
		return id;
	g_array_append_val(health->places, place);
	id = health->places->len - 1;
	g_hash_table_insert(health->ids, g_strdup_printf("%d %s", kind, name),
			    GUINT_TO_POINTER(id));
	return id;
}

static Place *
place_at(const RescueHealth *health, unsigned id)
{
	return &g_array_index(health->places, Place, id);
}

void
rescue_health_add(RescueHealth *health, const RescueRestoreOutcome *outcome)
{
	Outcome entry = { .ecid = outcome->ecid, .failed = outcome->failed };

	for (int i = 0; i < RESCUE_PLACE_LAST; i++)
		entry.places[i] = make_id(health, i, outcome->names[i]);
	if (health->outcomes->len >= MAX_OUTCOMES) {
		g_array_remove_range(health->outcomes, 0, MAX_OUTCOMES / 4);
		health->first += MAX_OUTCOMES / 4;
	}
	g_array_append_val(health->outcomes, entry);
}

void
rescue_health_rename(RescueHealth *health, RescuePlaceKind kind, const char *from, const char *to)
{
	g_autofree char *key = g_strdup_printf("%d %s", kind, from);
	unsigned id = find_id(health, kind, from);

	if (id == 0)
		return;
	(void)g_hash_table_remove(health->ids, key);
	g_hash_table_insert(health->ids, g_strdup_printf("%d %s", kind, to), GUINT_TO_POINTER(id));
}

void
rescue_health_condemn(RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	unsigned id = make_id(health, kind, name);

	if (id != 0)
		place_at(health, id)->condemned = true;
}

bool
rescue_health_is_condemned(const RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	unsigned id = find_id(health, kind, name);

	return id != 0 && place_at(health, id)->condemned;
}

void
rescue_health_retest(RescueHealth *health, RescuePlaceKind kind, const char *name)
{
	unsigned id = make_id(health, kind, name);

	if (id != 0)
		*place_at(health, id) = (Place){
			.since = health->first + health->outcomes->len,
			.probation = true,
		};
}

static bool
is_at_condemned(const RescueHealth *health, const Outcome *outcome)
{
	for (int i = 0; i < RESCUE_PLACE_LAST; i++) {
		if (place_at(health, outcome->places[i])->condemned)
			return true;
	}
	return false;
}

/* What happened lately at all other places that are in use. */
typedef struct {
	unsigned restores, failures;
} Elsewhere;

static Elsewhere
look_elsewhere(const RescueHealth *health, RescuePlaceKind kind, unsigned place)
{
	Elsewhere sum = { 0 };

	for (unsigned i = health->outcomes->len;
	     i-- > 0 && sum.restores < rescue_health_rules.recent;) {
		const Outcome *outcome = &g_array_index(health->outcomes, Outcome, i);
		if (outcome->places[RESCUE_PLACE_PORT] == 0 || outcome->places[kind] == place ||
		    is_at_condemned(health, outcome))
			continue;
		sum.restores++;
		sum.failures += outcome->failed;
	}
	return sum;
}

/* Wilson's interval, so many standard errors to each side; 0 to 1 when there is nothing. */
static void
find_interval(double failures, double restores, double errors, double *ret_low, double *ret_high)
{
	double n = restores, square = errors * errors, share, middle, half, scale;

	*ret_low = 0;
	*ret_high = 1;
	if (restores <= 0 || failures > restores)
		return;
	share = failures / n;
	scale = 1 + square / n;
	middle = (share + square / (2 * n)) / scale;
	half = errors * sqrt(share * (1 - share) / n + square / (4 * n * n)) / scale;
	*ret_low = failures <= 0 ? 0 : MAX(middle - half, 0);
	*ret_high = failures >= restores ? 1 : MIN(middle + half, 1);
}

/* The share that fails on good places: the built-in one until the others show that it is more here. */
static double
expect(Elsewhere seen)
{
	const RescueHealthRules *rules = &rescue_health_rules;
	double low, high;

	find_interval(seen.failures + rules->weight * rules->expected,
		      seen.restores + rules->weight, rules->doubt, &low, &high);
	return MAX(low, rules->expected);
}

static bool is_blamed(const RescueHealth *health, RescueEcid ecid);

static bool
fits(const RescueHealth *health, const Filter *filter, unsigned index)
{
	const Outcome *outcome = &g_array_index(health->outcomes, Outcome, index);

	return outcome->places[filter->kind] == filter->place &&
	       health->first + index >= place_at(health, filter->place)->since &&
	       (filter->skip_port == 0 ||
		outcome->places[RESCUE_PLACE_PORT] != filter->skip_port) &&
	       (filter->skip_ecid == 0 || outcome->ecid != filter->skip_ecid);
}

/* A phone that fails again and again in one place says it once. */
static bool
is_news(GHashTable *failed, const Outcome *outcome)
{
	RescueEcid *key;

	if (!outcome->failed) {
		g_hash_table_remove(failed, &outcome->ecid);
		return true;
	}
	if (outcome->ecid == 0)
		return true;
	key = g_new(RescueEcid, 1);
	*key = outcome->ecid;
	return g_hash_table_add(failed, key);
}

static Fold
fold(const RescueHealth *health, const Filter *filter, double expected)
{
	const RescueHealthRules *rules = &rescue_health_rules;
	double share = MIN(expected, rules->bad); /* beyond it a pass would speak against a place */
	double up = log(rules->bad / share), down = log((1 - rules->bad) / (1 - share));
	bool probation = place_at(health, filter->place)->probation;
	Fold sum = { .score = probation ? rules->probation : 0 };
	g_autoptr(GHashTable)
	    failed = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (unsigned i = 0; i < health->outcomes->len; i++) {
		const Outcome *outcome = &g_array_index(health->outcomes, Outcome, i);
		if (!fits(health, filter, i) || !is_news(failed, outcome))
			continue;
		if (outcome->failed && filter->retract && is_blamed(health, outcome->ecid))
			continue;
		sum.restores++;
		sum.failures += outcome->failed;
		sum.score = MAX(sum.score + (outcome->failed ? up : down), -rules->credit);
	}
	return sum;
}

/* A port on which others pass, and that nobody suspects when this phone is left out. */
static bool
is_good_port(const RescueHealth *health, unsigned port, RescueEcid without)
{
	Filter filter = { RESCUE_PLACE_PORT, port, 0, without, false };
	double expected = expect(look_elsewhere(health, RESCUE_PLACE_PORT, port));
	Fold sum = fold(health, &filter, expected);

	return !place_at(health, port)->condemned &&
	       sum.restores - sum.failures >= rescue_health_rules.proven &&
	       sum.score < rescue_health_rules.suspicious / 2;
}

/* The different ports on which the phone failed since it last passed. */
static GArray *
failed_ports(const RescueHealth *health, RescueEcid ecid, unsigned *ret_failures)
{
	GArray *ports = g_array_new(FALSE, FALSE, sizeof(unsigned));

	*ret_failures = 0;
	for (unsigned i = health->outcomes->len; ecid != 0 && i-- > 0;) {
		const Outcome *outcome = &g_array_index(health->outcomes, Outcome, i);
		unsigned port = outcome->places[RESCUE_PLACE_PORT];
		bool known = port == 0;
		if (outcome->ecid != ecid)
			continue;
		if (!outcome->failed)
			break;
		++*ret_failures;
		for (unsigned k = 0; k < ports->len; k++)
			known |= g_array_index(ports, unsigned, k) == port;
		if (!known)
			g_array_append_val(ports, port);
	}
	return ports;
}

static bool
is_blamed(const RescueHealth *health, RescueEcid ecid)
{
	unsigned failures, good = 0;
	g_autoptr(GArray) ports = failed_ports(health, ecid, &failures);

	for (unsigned i = 0; ports->len >= 2 && i < ports->len; i++)
		good += is_good_port(health, g_array_index(ports, unsigned, i), ecid);
	return good >= 2;
}

/* Of a hub or cable: what is left when its worst port is left out. */
static double
score_without_worst(const RescueHealth *health, const Filter *filter, double expected)
{
	double lowest = INFINITY;

	for (unsigned i = 0; i < health->outcomes->len; i++) {
		const Outcome *outcome = &g_array_index(health->outcomes, Outcome, i);
		Filter rest = *filter;
		if (!outcome->failed || !fits(health, filter, i))
			continue;
		rest.skip_port = outcome->places[RESCUE_PLACE_PORT];
		lowest = MIN(lowest, fold(health, &rest, expected).score);
	}
	return lowest;
}

static RescueStanding
standing_of(const RescueHealth *health, const Filter *filter, const Fold *sum, double expected)
{
	const RescueHealthRules *rules = &rescue_health_rules;
	bool alone = filter->kind == RESCUE_PLACE_PORT;
	bool enough = sum->failures >= rules->least || place_at(health, filter->place)->probation;

	if (sum->score < rules->suspicious)
		return RESCUE_STANDING_GOOD;
	if (!alone && score_without_worst(health, filter, expected) < rules->suspicious)
		return RESCUE_STANDING_GOOD; /* it is that one port */
	return enough && sum->score >= rules->quarantine && expected <= rules->bad / 2
		   ? RESCUE_STANDING_BAD
		   : RESCUE_STANDING_SUSPICIOUS;
}

static char *
describe_place(RescuePlaceKind kind, const char *name, const RescuePlaceHealth *health)
{
	static const char *const verdicts[] = {
		[RESCUE_STANDING_GOOD] = "nothing is wrong with it",
		[RESCUE_STANDING_SUSPICIOUS] = "watch it",
		[RESCUE_STANDING_BAD] =
		    "use another one; try it with another cable, then re-test it",
	};

	const char *verdict = verdicts[health->standing];

	if (health->standing == RESCUE_STANDING_GOOD &&
	    health->score >= rescue_health_rules.suspicious)
		verdict = "one port of it explains that";
	return g_strdup_printf("%s %s: %u of %u restores had trouble there (%.0f to %.0f %%), "
			       "elsewhere %.0f %%: %s",
			       kind_words[kind], name, health->failures, health->restores,
			       health->low * 100, health->high * 100, health->elsewhere * 100,
			       verdict);
}

void
rescue_health_judge(const RescueHealth *health, RescuePlaceKind kind, const char *name,
		    RescuePlaceHealth *ret_health)
{
	Filter filter = { kind, find_id(health, kind, name), 0, 0, true };
	Elsewhere seen = look_elsewhere(health, kind, filter.place);
	double expected = expect(seen);
	Fold sum = { 0 };

	if (filter.place != 0)
		sum = fold(health, &filter, expected);
	*ret_health = (RescuePlaceHealth){
		.restores = sum.restores,
		.failures = sum.failures,
		.elsewhere = seen.restores > 0 ? (double)seen.failures / seen.restores : expected,
		.score = sum.score,
	};
	rescue_wilson(sum.failures, sum.restores, &ret_health->low, &ret_health->high);
	if (filter.place != 0)
		ret_health->standing = standing_of(health, &filter, &sum, expected);
	ret_health->sentence = describe_place(kind, name, ret_health);
}

static char *
describe_phone(const RescuePhoneHealth *phone)
{
	if (phone->blamed)
		return g_strdup_printf("it failed on %u ports, and others pass there: "
				       "the phone itself needs repair",
				       phone->ports);
	if (phone->failures == 0)
		return g_strdup("nothing speaks against the phone");
	return g_strdup_printf("it failed on %u port%s: try it on another one before the phone is "
			       "blamed",
			       phone->ports, phone->ports == 1 ? "" : "s");
}

void
rescue_health_judge_phone(const RescueHealth *health, RescueEcid ecid,
			  RescuePhoneHealth *ret_health)
{
	unsigned failures;
	g_autoptr(GArray) ports = failed_ports(health, ecid, &failures);

	*ret_health = (RescuePhoneHealth){
		.failures = failures,
		.ports = ports->len,
		.blamed = is_blamed(health, ecid),
	};
	ret_health->sentence = describe_phone(ret_health);
}

void
rescue_wilson(unsigned failures, unsigned restores, double *ret_low, double *ret_high)
{
	find_interval(failures, restores, Z95, ret_low, ret_high);
}
