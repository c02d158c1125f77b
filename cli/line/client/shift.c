/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/shift.h"

#include <string.h>

#include "cli/common/output.h"
#include "core/base/clock.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"

#define SCHEMA_VERSION 1
#define NO_PORT        "-"

enum {
#define RESCUE_SHIFT_COLUMN(id, name, text) COLUMN_##id,
#include "cli/line/client/shift-column.def"
#undef RESCUE_SHIFT_COLUMN
	COLUMNS
};

static const char *const titles[] = {
#define RESCUE_SHIFT_COLUMN(id, name, text) [COLUMN_##id] = name,
#include "cli/line/client/shift-column.def"
#undef RESCUE_SHIFT_COLUMN
};

/** Strings owned; NULL where nothing is known. */
typedef struct {
	char *cells[COLUMNS];
	double seconds;
} Row;

typedef struct {
	uint64_t jobs, restored, failed; /* cancelled ones are neither */
} Count;

struct RescueShift {
	int64_t from_us, to_us;
	GPtrArray *rows; /* Row */
	Count all;
	GHashTable *outcomes;   /* name to uint64_t * */
	GHashTable *categories; /* of failures that jobs ended with; the same */
	GHashTable *ports;      /* label to Count * */
};

static void
free_row(void *data)
{
	Row *row = data;

	for (size_t i = 0; i < COLUMNS; i++)
		g_free(row->cells[i]);
	g_free(row);
}

static GHashTable *
new_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

RescueShift *
rescue_shift_new(int64_t from_us, int64_t to_us)
{
	RescueShift *shift = g_new(RescueShift, 1);

	*shift = (RescueShift){ .from_us = from_us,
				.to_us = to_us,
				.rows = g_ptr_array_new_with_free_func(free_row),
				.outcomes = new_table(),
				.categories = new_table(),
				.ports = new_table() };
	return shift;
}

void
rescue_shift_free(RescueShift *shift)
{
	if (shift == NULL)
		return;
	g_ptr_array_unref(shift->rows);
	g_hash_table_unref(shift->outcomes);
	g_hash_table_unref(shift->categories);
	g_hash_table_unref(shift->ports);
	g_free(shift);
}

bool
rescue_shift_wants(const RescueShift *shift, const RescueJournalSummary *job)
{
	g_autoptr(GDateTime)
	    ended = job->ended != NULL ? g_date_time_new_from_iso8601(job->ended, NULL) : NULL;
	int64_t ended_us;

	if (ended == NULL || g_strcmp0(job->outcome, "dry-run") == 0)
		return false;
	ended_us = g_date_time_to_unix(ended) * G_USEC_PER_SEC + g_date_time_get_microsecond(ended);
	return ended_us >= shift->from_us && ended_us < shift->to_us;
}

static const char *
category_of(const char *failure)
{
	RescueFailure found;

	if (failure == NULL || !rescue_failure_parse(failure, &found))
		return NULL;
	return rescue_category_name(rescue_failure_info(found)->category);
}

static void
fill(Row *row, const RescueJournalSummary *job, const RescueJson *notice)
{
	static const struct {
		unsigned column;
		const char *member;
	} of_notice[] = {
		{ COLUMN_STATION, "station" }, { COLUMN_SLOT, "slot" }, { COLUMN_SERIAL, "serial" },
		{ COLUMN_SCAN, "scan" },       { COLUMN_RULE, "rule" },
	};
	const struct {
		unsigned column;
		const char *text;
	} of_job[] = {
		{ COLUMN_JOB, job->job },           { COLUMN_STARTED, job->started },
		{ COLUMN_ENDED, job->ended },       { COLUMN_PRODUCT, job->product },
		{ COLUMN_BEHAVIOR, job->behavior }, { COLUMN_OUTCOME, job->outcome },
		{ COLUMN_FAILURE, job->failure },   { COLUMN_CATEGORY, category_of(job->failure) },
		{ COLUMN_VERSION, job->version },   { COLUMN_BUILD, job->build },
		{ COLUMN_DATA, job->data },
	};
	char ecid[RESCUE_ECID_TEXT];

	for (size_t i = 0; notice != NULL && i < G_N_ELEMENTS(of_notice); i++)
		row->cells[of_notice[i].column] = g_strdup(
		    rescue_json_get_string(notice, of_notice[i].member));
	for (size_t i = 0; i < G_N_ELEMENTS(of_job); i++)
		row->cells[of_job[i].column] = g_strdup(of_job[i].text);
	if (job->ecid != 0)
		row->cells[COLUMN_ECID] = g_strdup(rescue_ecid_format(job->ecid, ecid));
	row->cells[COLUMN_ATTEMPTS] = g_strdup_printf("%u", job->attempts);
	row->cells[COLUMN_SECONDS] = g_strdup_printf("%.0f", job->seconds);
	row->seconds = job->seconds;
}

static void
count_name(GHashTable *table, const char *name)
{
	uint64_t *n = g_hash_table_lookup(table, name);

	if (n == NULL) {
		n = g_new0(uint64_t, 1);
		g_hash_table_insert(table, g_strdup(name), n);
	}
	++*n;
}

static void
count_end(Count *count, const char *outcome)
{
	bool restored = g_strcmp0(outcome, "restored") == 0;

	count->jobs++;
	count->restored += restored;
	count->failed += !restored && g_strcmp0(outcome, "cancelled") != 0;
}

static Count *
port_count(RescueShift *shift, const char *label)
{
	Count *count = g_hash_table_lookup(shift->ports, label);

	if (count == NULL) {
		count = g_new0(Count, 1);
		g_hash_table_insert(shift->ports, g_strdup(label), count);
	}
	return count;
}

void
rescue_shift_add(RescueShift *shift, const RescueJournalSummary *job, const RescueJson *notice)
{
	Row *row = g_new0(Row, 1);
	const char *slot, *category;
	bool restored = g_strcmp0(job->outcome, "restored") == 0;

	fill(row, job, notice);
	g_ptr_array_add(shift->rows, row);
	slot = row->cells[COLUMN_SLOT];
	category = row->cells[COLUMN_CATEGORY];
	count_end(&shift->all, job->outcome);
	count_end(port_count(shift, slot != NULL ? slot : NO_PORT), job->outcome);
	count_name(shift->outcomes, job->outcome != NULL ? job->outcome : "unknown");
	if (!restored && category != NULL)
		count_name(shift->categories, category);
}

/* CSV */

/* what a spreadsheet would take for a formula; our own numbers are never negative */
static bool
is_formula(const char *text)
{
	return *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
}

static void
append_cell(GString *csv, const char *text)
{
	const char *quote = is_formula(text) ? "'" : "";

	if (*quote == '\0' && strpbrk(text, ",\"\r\n") == NULL) {
		g_string_append(csv, text);
		return;
	}
	g_string_append_printf(csv, "\"%s", quote);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			g_string_append_c(csv, '"');
		g_string_append_c(csv, *text);
	}
	g_string_append_c(csv, '"');
}

static void
append_row(GString *csv, const char *const *cells)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		if (i > 0)
			g_string_append_c(csv, ',');
		append_cell(csv, cells[i] != NULL ? cells[i] : "");
	}
	g_string_append(csv, "\r\n");
}

char *
rescue_shift_csv(const RescueShift *shift)
{
	GString *csv = g_string_new(NULL);

	append_row(csv, titles);
	for (unsigned i = 0; i < shift->rows->len; i++) {
		const Row *row = g_ptr_array_index(shift->rows, i);
		append_row(csv, (const char *const *)row->cells);
	}
	return g_string_free(csv, FALSE);
}

/* totals */

static int
compare_doubles(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return first < second ? -1 : first > second;
}

/* of restored phones: how long others took says when they gave up */
static GArray *
sorted_seconds(const RescueShift *shift)
{
	GArray *seconds = g_array_new(FALSE, FALSE, sizeof(double));

	for (unsigned i = 0; i < shift->rows->len; i++) {
		const Row *row = g_ptr_array_index(shift->rows, i);
		if (g_strcmp0(row->cells[COLUMN_OUTCOME], "restored") == 0)
			g_array_append_val(seconds, row->seconds);
	}
	g_array_sort(seconds, compare_doubles);
	return seconds;
}

static double
mean(const GArray *values)
{
	double sum = 0;

	for (unsigned i = 0; i < values->len; i++)
		sum += g_array_index(values, double, i);
	return sum / values->len;
}

/* the smallest that 95 % are not above */
static double
percentile_95(const GArray *values)
{
	unsigned rank = (values->len * 95 + 99) / 100;

	return g_array_index(values, double, rank - 1);
}

static double
per_hour(const RescueShift *shift)
{
	double hours = (double)(shift->to_us - shift->from_us) / G_USEC_PER_SEC / 3600;

	return hours > 0 ? (double)shift->all.restored / hours : 0;
}

static void
set_yield(RescueJson *json, const Count *count)
{
	uint64_t counted = count->restored + count->failed;

	rescue_json_set_int(json, "jobs", (int64_t)count->jobs);
	rescue_json_set_int(json, "restored", (int64_t)count->restored);
	rescue_json_set_int(json, "failed", (int64_t)count->failed);
	if (counted > 0)
		rescue_json_set_real(json, "yield", (double)count->restored / (double)counted);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static RescueJson *
names_to_json(GHashTable *table)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(table), compare_names);
	RescueJson *json = rescue_json_object_new();

	for (const GList *at = names; at != NULL; at = at->next)
		rescue_json_set_int(json, at->data,
				    (int64_t) * (uint64_t *)g_hash_table_lookup(table, at->data));
	return json;
}

static RescueJson *
totals_to_json(const RescueShift *shift)
{
	RescueJson *json = rescue_json_object_new();
	g_autoptr(GArray) seconds = sorted_seconds(shift);

	set_yield(json, &shift->all);
	rescue_json_set_real(json, "restored_per_hour", per_hour(shift));
	if (seconds->len > 0) {
		rescue_json_set_real(json, "mean_seconds", mean(seconds));
		rescue_json_set_real(json, "p95_seconds", percentile_95(seconds));
	}
	rescue_json_take(json, "outcomes", names_to_json(shift->outcomes));
	rescue_json_take(json, "categories", names_to_json(shift->categories));
	return json;
}

static RescueJson *
ports_to_json(const RescueShift *shift)
{
	g_autoptr(GList) labels = g_list_sort(g_hash_table_get_keys(shift->ports), compare_names);
	RescueJson *ports = rescue_json_array_new();

	for (const GList *at = labels; at != NULL; at = at->next) {
		RescueJson *port = rescue_json_object_new();
		if (strcmp(at->data, NO_PORT) != 0)
			rescue_json_set_string(port, "slot", at->data);
		set_yield(port, g_hash_table_lookup(shift->ports, at->data));
		rescue_json_append_take(ports, port);
	}
	return ports;
}

static RescueJson *
row_to_json(const Row *row)
{
	RescueJson *json = rescue_json_object_new();

	for (size_t i = 0; i < COLUMNS; i++) {
		uint64_t number;
		bool counts = i == COLUMN_ATTEMPTS || i == COLUMN_SECONDS;
		if (counts && rescue_parse_uint(row->cells[i], 0, G_MAXINT64, &number, NULL))
			rescue_json_set_int(json, titles[i], (int64_t)number);
		else
			rescue_json_set_string(json, titles[i], row->cells[i]);
	}
	return json;
}

RescueJson *
rescue_shift_to_json(const RescueShift *shift)
{
	RescueJson *json = rescue_json_object_new(), *jobs = rescue_json_array_new();
	g_autofree char *from = rescue_clock_format(shift->from_us);
	g_autofree char *to = rescue_clock_format(shift->to_us);

	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "from", from);
	rescue_json_set_string(json, "to", to);
	rescue_json_take(json, "totals", totals_to_json(shift));
	rescue_json_take(json, "ports", ports_to_json(shift));
	for (unsigned i = 0; i < shift->rows->len; i++)
		rescue_json_append_take(jobs, row_to_json(g_ptr_array_index(shift->rows, i)));
	rescue_json_take(json, "jobs", jobs);
	return json;
}

/* for people */

static char *
share_text(const Count *count)
{
	uint64_t counted = count->restored + count->failed;

	return counted > 0
		   ? g_strdup_printf("%.0f %%", 100.0 * (double)count->restored / (double)counted)
		   : g_strdup("-");
}

static void
append_names(GString *text, const char *head, GHashTable *table)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(table), compare_names);

	if (names == NULL)
		return;
	g_string_append(text, head);
	for (const GList *at = names; at != NULL; at = at->next)
		g_string_append_printf(text, "%s%s %" G_GUINT64_FORMAT, at == names ? " " : ", ",
				       (const char *)at->data,
				       *(uint64_t *)g_hash_table_lookup(table, at->data));
	g_string_append_c(text, '\n');
}

static void
append_totals(GString *text, const RescueShift *shift)
{
	g_autofree char *yield = share_text(&shift->all);
	g_autoptr(GArray) seconds = sorted_seconds(shift);

	g_string_append_printf(text,
			       "%" G_GUINT64_FORMAT " restored of %" G_GUINT64_FORMAT
			       ", yield %s, %.1f in an hour\n",
			       shift->all.restored, shift->all.jobs, yield, per_hour(shift));
	if (seconds->len > 0) {
		g_autofree char *middle = rescue_format_duration((int64_t)(mean(seconds) * 1000));
		g_autofree char *slow = rescue_format_duration(
		    (int64_t)(percentile_95(seconds) * 1000));
		g_string_append_printf(text,
				       "a restore took %s on average, 95 %% took at most %s\n",
				       middle, slow);
	}
	append_names(text, "ends:", shift->outcomes);
	append_names(text, "failures:", shift->categories);
}

char *
rescue_shift_text(const RescueShift *shift)
{
	static const char *const heads[] = { "PORT", "JOBS", "RESTORED", "FAILED", "YIELD", NULL };
	g_autoptr(GList) labels = g_list_sort(g_hash_table_get_keys(shift->ports), compare_names);
	g_autoptr(RescueTable) table = rescue_table_new(heads);
	g_autofree char *ports = NULL;
	GString *text = g_string_new(NULL);

	append_totals(text, shift);
	for (const GList *at = labels; at != NULL; at = at->next) {
		const Count *count = g_hash_table_lookup(shift->ports, at->data);
		g_autofree char *jobs = g_strdup_printf("%" G_GUINT64_FORMAT, count->jobs);
		g_autofree char *restored = g_strdup_printf("%" G_GUINT64_FORMAT, count->restored);
		g_autofree char *failed = g_strdup_printf("%" G_GUINT64_FORMAT, count->failed);
		g_autofree char *yield = share_text(count);
		const char *const cells[] = { at->data, jobs, restored, failed, yield };
		rescue_table_add(table, cells);
	}
	ports = rescue_table_format(table);
	if (labels != NULL)
		g_string_append_printf(text, "\n%s", ports);
	return g_string_free(text, FALSE);
}
