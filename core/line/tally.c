/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/tally.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/model/phase.h"

#define HOURS         24u
#define BINS_PER_HOUR (3600 / RESCUE_TALLY_BIN_S)
/* Jobs that never say how they end are not remembered beyond this. */
#define MAX_OPEN 4096u

typedef struct {
	RescuePhase phase;
	int64_t since_us; /* 0: no phase is begun */
} Open;

static const char *const end_names[] = {
	[RESCUE_END_RESTORED] = "restored",
	[RESCUE_END_UNCONFIRMED] = "restored-unconfirmed",
	[RESCUE_END_NEEDS_OPERATOR] = "needs-operator",
	[RESCUE_END_GAVE_UP] = "gave-up",
	[RESCUE_END_CANCELLED] = "cancelled",
};

static const double limits[RESCUE_TALLY_BUCKETS] = {
	1, 5, 15, 30, 60, 120, 300, 600, 1200, 3600,
};

const char *
rescue_end_name(RescueEnd end)
{
	return end_names[end];
}

double
rescue_tally_limit(unsigned bucket)
{
	return bucket < RESCUE_TALLY_BUCKETS ? limits[bucket] : 0;
}

RescueTally *
rescue_tally_new(void)
{
	RescueTally *tally = g_new0(RescueTally, 1);

	tally->remedies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	tally->open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return tally;
}

void
rescue_tally_free(RescueTally *tally)
{
	if (tally == NULL)
		return;
	g_hash_table_unref(tally->remedies);
	g_hash_table_unref(tally->open);
	g_free(tally);
}

static int64_t
read_time_us(const RescueJson *event)
{
	const char *text = rescue_json_get_string(event, "ts");
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	if (time == NULL)
		return 0;
	return g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
}

static RescueTallyBin *
bin_at(RescueTally *tally, int64_t at_us)
{
	int64_t number = at_us / G_USEC_PER_SEC / RESCUE_TALLY_BIN_S;
	RescueTallyBin *bin = &tally->bins[(uint64_t)number % RESCUE_TALLY_BINS];

	if (bin->number > number)
		return NULL; /* older than a day */
	if (bin->number < number)
		*bin = (RescueTallyBin){ .number = number };
	return bin;
}

static Open *
open_of(RescueTally *tally, const char *job)
{
	Open *open = g_hash_table_lookup(tally->open, job);

	if (open == NULL && g_hash_table_size(tally->open) < MAX_OPEN) {
		open = g_new0(Open, 1);
		g_hash_table_insert(tally->open, g_strdup(job), open);
	}
	return open;
}

static void
end_phase(RescueTally *tally, Open *open, int64_t at_us)
{
	RescueTallyPhase *phase = &tally->phases[open->phase];
	double seconds = (double)(at_us - open->since_us) / G_USEC_PER_SEC;
	unsigned bucket = 0;

	if (open->since_us == 0 || seconds < 0)
		return;
	while (bucket < RESCUE_TALLY_BUCKETS && seconds > limits[bucket])
		bucket++;
	phase->buckets[bucket]++;
	phase->seconds += seconds;
	phase->count++;
	open->since_us = 0;
}

static void
add_job(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	tally->jobs++;
}

static void
add_step(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	const char *name = rescue_json_get_string(event, "phase");
	const char *state = rescue_json_get_string(event, "state");
	Open *open = open_of(tally, job);
	RescuePhase phase;

	if (open == NULL || name == NULL || !rescue_phase_parse(name, &phase))
		return;
	end_phase(tally, open, at_us);
	if (g_strcmp0(state, "begin") == 0)
		*open = (Open){ phase, at_us };
}

static void
add_attempt(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	tally->attempts += rescue_json_get_string(event, "outcome") == NULL; /* its begin */
}

static bool
category_of(const RescueJson *event, RescueCategory *ret_category)
{
	const char *name = rescue_json_get_string(event, "failure");
	RescueFailure failure;

	if (name == NULL || !rescue_failure_parse(name, &failure) || failure == RESCUE_FAILURE_NONE)
		return false;
	*ret_category = rescue_failure_info(failure)->category;
	return true;
}

static void
add_failure(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	RescueCategory category;

	if (category_of(event, &category))
		tally->failures[category]++;
}

static void
add_remedy(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	const char *name = rescue_json_get_string(event, "name");
	const char *outcome = rescue_json_get_string(event, "outcome");
	g_autofree char *key = NULL;
	uint64_t *count;

	if (name == NULL || outcome == NULL)
		return;
	key = g_strdup_printf("%s %s", name, outcome);
	count = g_hash_table_lookup(tally->remedies, key);
	if (count == NULL && g_hash_table_size(tally->remedies) < MAX_OPEN) {
		count = g_new0(uint64_t, 1);
		g_hash_table_insert(tally->remedies, g_steal_pointer(&key), count);
	}
	if (count != NULL)
		(*count)++;
}

static void
add_done(RescueTally *tally, const RescueJson *event, const char *job, int64_t at_us)
{
	const char *outcome = rescue_json_get_string(event, "outcome");
	RescueTallyBin *bin = bin_at(tally, at_us);
	Open *open = g_hash_table_lookup(tally->open, job);
	RescueCategory category;
	RescueEnd end = 0;

	while (end < RESCUE_END_LAST && g_strcmp0(outcome, end_names[end]) != 0)
		end++;
	if (end == RESCUE_END_LAST)
		return;
	if (open != NULL)
		end_phase(tally, open, at_us);
	(void)g_hash_table_remove(tally->open, job);
	tally->ends[end]++;
	if (bin == NULL)
		return;
	bin->ends[end]++;
	if (end != RESCUE_END_RESTORED && end != RESCUE_END_CANCELLED)
		bin->categories[category_of(event, &category) ? category
							      : RESCUE_CATEGORY_UNKNOWN]++;
}

void
rescue_tally_add(RescueTally *tally, const RescueJson *event)
{
	static const struct {
		const char *name;
		void (*add)(RescueTally *tally, const RescueJson *event, const char *job,
			    int64_t at_us);
	} kinds[] = {
		{ "job", add_job },         { "step", add_step },     { "attempt", add_attempt },
		{ "failure", add_failure }, { "remedy", add_remedy }, { "done", add_done },
	};
	const char *name = rescue_json_get_string(event, "event");
	const char *job = rescue_json_get_string(event, "job");
	int64_t at_us = read_time_us(event);

	if (name == NULL || job == NULL || at_us <= 0)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (strcmp(name, kinds[i].name) == 0)
			kinds[i].add(tally, event, job, at_us);
	}
}

/* for people */

static unsigned
not_restored(const RescueTallyBin *bin)
{
	return bin->ends[RESCUE_END_UNCONFIRMED] + bin->ends[RESCUE_END_NEEDS_OPERATOR] +
	       bin->ends[RESCUE_END_GAVE_UP];
}

static void
add_bin(RescueTallyBin *sum, const RescueTallyBin *bin)
{
	for (int i = 0; i < RESCUE_END_LAST; i++)
		sum->ends[i] += bin->ends[i];
	for (int i = 0; i < RESCUE_CATEGORY_LAST; i++)
		sum->categories[i] += bin->categories[i];
}

/* The bins from one number up to, and without, another. */
static RescueTallyBin
sum_bins(const RescueTally *tally, int64_t from, int64_t to)
{
	RescueTallyBin sum = { 0 };

	for (unsigned i = 0; i < RESCUE_TALLY_BINS; i++) {
		const RescueTallyBin *bin = &tally->bins[i];
		if (bin->number >= from && bin->number < to)
			add_bin(&sum, bin);
	}
	return sum;
}

/* By the clock's hours, the present one last. */
static RescueJson *
hours_to_json(const RescueTally *tally, int64_t wall_us)
{
	int64_t present = wall_us / G_USEC_PER_SEC / 3600;
	RescueJson *hours = rescue_json_array_new();

	for (unsigned i = 0; i < HOURS; i++) {
		int64_t hour = present - HOURS + 1 + i;
		RescueTallyBin sum = sum_bins(tally, hour * BINS_PER_HOUR,
					      (hour + 1) * BINS_PER_HOUR);
		g_autofree char *at = rescue_clock_format(hour * 3600 * G_USEC_PER_SEC);
		RescueJson *entry = rescue_json_object_new();
		rescue_json_set_string(entry, "hour", at);
		rescue_json_set_int(entry, "restored", sum.ends[RESCUE_END_RESTORED]);
		rescue_json_set_int(entry, "failed", not_restored(&sum));
		rescue_json_append_take(hours, entry);
	}
	return hours;
}

static RescueJson *
categories_to_json(const RescueTallyBin *sum)
{
	RescueJson *list = rescue_json_array_new();
	RescueTallyBin left = *sum;

	for (int n = 0; n < RESCUE_CATEGORY_LAST; n++) {
		RescueJson *entry;
		int most = 0;
		for (int i = 1; i < RESCUE_CATEGORY_LAST; i++) {
			if (left.categories[i] > left.categories[most])
				most = i;
		}
		if (left.categories[most] == 0)
			break;
		entry = rescue_json_object_new();
		rescue_json_set_string(entry, "category", rescue_category_name(most));
		rescue_json_set_string(entry, "text", rescue_category_text(most));
		rescue_json_set_int(entry, "jobs", left.categories[most]);
		rescue_json_append_take(list, entry);
		left.categories[most] = 0;
	}
	return list;
}

RescueJson *
rescue_tally_to_json(const RescueTally *tally, int64_t wall_us)
{
	int64_t bin = wall_us / G_USEC_PER_SEC / RESCUE_TALLY_BIN_S;
	RescueTallyBin day = sum_bins(tally, bin - RESCUE_TALLY_BINS + 1, bin + 1);
	RescueTallyBin hour = sum_bins(tally, bin - BINS_PER_HOUR + 1, bin + 1);
	unsigned restored = day.ends[RESCUE_END_RESTORED], ended = restored + not_restored(&day);
	RescueJson *json = rescue_json_object_new();
	RescueJson *ends = rescue_json_object_new();

	for (int i = 0; i < RESCUE_END_LAST; i++)
		rescue_json_set_int(ends, end_names[i], day.ends[i]);
	rescue_json_take(json, "ends", ends);
	if (ended != 0)
		rescue_json_set_real(json, "yield", (double)restored / ended);
	rescue_json_set_int(json, "last_hour", hour.ends[RESCUE_END_RESTORED]);
	rescue_json_take(json, "hours", hours_to_json(tally, wall_us));
	rescue_json_take(json, "categories", categories_to_json(&day));
	return json;
}
