/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/metrics.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/line/station.h"
#include "core/model/phase.h"

#define PREFIX    "idevicerescue_line_"
#define MAX_STATM 4096u

static const double latency_limits[RESCUE_LATENCY_BUCKETS] = {
	0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1, 5,
};

void
rescue_latency_add(RescueLatency *latency, double seconds)
{
	unsigned bucket = 0;

	while (bucket < RESCUE_LATENCY_BUCKETS && seconds > latency_limits[bucket])
		bucket++;
	latency->buckets[bucket]++;
	latency->seconds += MAX(seconds, 0);
	latency->count++;
}

static uint64_t
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* two dots, and the folder itself */
}

RescueProcessUse
rescue_process_use(void)
{
	RescueProcessUse use = { .descriptors = count_descriptors() };
	struct rusage usage;
	g_autofree char *statm = rescue_path_read("/proc/self/statm", MAX_STATM, NULL, NULL);
	g_auto(GStrv) fields = g_strsplit(statm != NULL ? statm : "", " ", 3);
	uint64_t pages;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		use.cpu_seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
				  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (g_strv_length(fields) == 3 && rescue_parse_uint(fields[1], 0, UINT32_MAX, &pages, NULL))
		use.resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return use;
}

static void
begin(GString *text, const char *name, const char *type, const char *help)
{
	g_string_append_printf(text, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
			       name, type);
}

/* As the format wants a label's value. */
static char *
escape(const char *value)
{
	g_autoptr(GString) text = g_string_new(value);

	(void)g_string_replace(text, "\\", "\\\\", 0);
	(void)g_string_replace(text, "\"", "\\\"", 0);
	(void)g_string_replace(text, "\n", "\\n", 0);
	return g_strdup(text->str);
}

static void
add_number(GString *text, const char *name, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(text, PREFIX "%s %s\n", name,
			       g_ascii_formatd(number, sizeof(number), "%.15g", value));
}

static void
add_labelled(GString *text, const char *name, const char *label, const char *value, double number)
{
	g_autofree char *safe = escape(value);
	g_autofree char *whole = g_strdup_printf("%s{%s=\"%s\"}", name, label, safe);

	add_number(text, whole, number);
}

static double
number_of(const RescueJson *object, const char *key)
{
	double value = 0;

	(void)rescue_json_get_real(object, key, &value);
	return value;
}

static void
add_states(GString *text, const RescueJson *station)
{
	const RescueJson *states = rescue_json_get(station, "states");

	begin(text, "slots", "gauge", "Slots of the bench by state.");
	for (int i = 0; i < RESCUE_SLOT_LAST; i++) {
		const char *name = rescue_slot_state_name(i);
		add_labelled(text, "slots", "state", name, number_of(states, name));
	}
	begin(text, "prompts", "gauge", "Instructions that wait for a person.");
	add_number(text, "prompts",
		   (double)rescue_json_length(rescue_json_get(station, "prompts")));
}

static void
add_buses(GString *text, const RescueJson *station)
{
	static const struct {
		const char *name, *key, *help;
	} rows[] = {
		{ "bus_phones", "phones", "Phones on a bus." },
		{ "bus_transfers", "senders", "Phones that receive a system image." },
		{ "bus_transfers_limit", "limit", "As many transfers as the bus carries well." },
		{ "bus_bytes_per_second", "bytes_per_second", "What the transfers of a bus take." },
	};
	const RescueJson *buses = rescue_json_get(station, "buses");

	for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
		begin(text, rows[row].name, "gauge", rows[row].help);
		for (size_t i = 0; i < rescue_json_length(buses); i++) {
			const RescueJson *bus = rescue_json_at(buses, i);
			g_autofree char *name = g_strdup_printf("%.0f/%.0f", number_of(bus, "bus"),
								number_of(bus, "root_port"));
			add_labelled(text, rows[row].name, "bus", name,
				     number_of(bus, rows[row].key));
		}
	}
}

static void
add_places(GString *text, const RescueJson *station)
{
	const RescueJson *places = rescue_json_get(station, "places");
	unsigned bad = 0, suspicious = 0;

	for (size_t i = 0; i < rescue_json_length(places); i++) {
		const RescueJson *place = rescue_json_at(places, i);
		bool condemned = rescue_json_get_bool(place, "out_of_use", false);
		bad += condemned;
		suspicious += !condemned &&
			      g_strcmp0(rescue_json_get_string(place, "standing"), "good") != 0;
	}
	begin(text, "places_out_of_use", "gauge", "Ports, cables and hubs that are not used.");
	add_number(text, "places_out_of_use", bad);
	begin(text, "places_suspicious", "gauge", "Ports, cables and hubs that fail too often.");
	add_number(text, "places_suspicious", suspicious);
}

static void
add_tally(GString *text, const RescueTally *tally)
{
	begin(text, "jobs_started_total", "counter", "Jobs.");
	add_number(text, "jobs_started_total", (double)tally->jobs);
	begin(text, "attempts_total", "counter", "Runs of the engine.");
	add_number(text, "attempts_total", (double)tally->attempts);
	begin(text, "jobs_total", "counter", "Jobs that ended, by outcome.");
	for (int i = 0; i < RESCUE_END_LAST; i++)
		add_labelled(text, "jobs_total", "outcome", rescue_end_name(i),
			     (double)tally->ends[i]);
	begin(text, "failures_total", "counter", "Failures that jobs told, healed or not.");
	for (int i = 0; i < RESCUE_CATEGORY_LAST; i++)
		add_labelled(text, "failures_total", "category", rescue_category_name(i),
			     (double)tally->failures[i]);
}

static void
add_remedies(GString *text, const RescueTally *tally)
{
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(tally->remedies),
					    (GCompareFunc)(void (*)(void))strcmp);

	begin(text, "remedies_total", "counter", "Remedies that were tried, by what came of it.");
	for (const GList *item = keys; item != NULL; item = item->next) {
		const uint64_t *count = g_hash_table_lookup(tally->remedies, item->data);
		g_auto(GStrv) words = g_strsplit(item->data, " ", 2);
		g_autofree char *name = escape(words[0]);
		g_autofree char *outcome = escape(words[1]);
		g_autofree char *whole =
		    g_strdup_printf("remedies_total{remedy=\"%s\",outcome=\"%s\"}", name, outcome);
		add_number(text, whole, (double)*count);
	}
}

static void
add_bucket(GString *text, const char *name, const char *labels, const char *limit, uint64_t count)
{
	g_autofree char *whole = g_strdup_printf("%s_bucket{%s%sle=\"%s\"}", name, labels,
						 labels[0] != '\0' ? "," : "", limit);

	add_number(text, whole, (double)count);
}

typedef struct {
	const char *name, *labels;
	const uint64_t *buckets;
	const double *limits;
	unsigned n; /* buckets with a limit */
	double seconds;
	uint64_t count;
} Histogram;

static void
add_histogram(GString *text, const Histogram *h)
{
	const char *open = h->labels[0] != '\0' ? "{" : "", *close = open[0] != '\0' ? "}" : "";
	g_autofree char *sum = g_strconcat(h->name, "_sum", open, h->labels, close, NULL);
	g_autofree char *count = g_strconcat(h->name, "_count", open, h->labels, close, NULL);
	uint64_t below = 0;

	for (unsigned i = 0; i < h->n; i++) {
		char limit[G_ASCII_DTOSTR_BUF_SIZE];
		below += h->buckets[i];
		add_bucket(text, h->name, h->labels,
			   g_ascii_formatd(limit, sizeof(limit), "%g", h->limits[i]), below);
	}
	add_bucket(text, h->name, h->labels, "+Inf", h->count);
	add_number(text, sum, h->seconds);
	add_number(text, count, (double)h->count);
}

static void
add_phases(GString *text, const RescueTally *tally)
{
	double limits[RESCUE_TALLY_BUCKETS];

	for (unsigned i = 0; i < RESCUE_TALLY_BUCKETS; i++)
		limits[i] = rescue_tally_limit(i);
	begin(text, "phase_seconds", "histogram", "How long phases of restores took.");
	for (int i = 0; i < RESCUE_PHASE_LAST; i++) {
		const RescueTallyPhase *phase = &tally->phases[i];
		g_autofree char *labels = g_strdup_printf("phase=\"%s\"", rescue_phase_name(i));
		Histogram h = { "phase_seconds",      labels,         phase->buckets, limits,
				RESCUE_TALLY_BUCKETS, phase->seconds, phase->count };
		if (phase->count != 0)
			add_histogram(text, &h);
	}
}

static void
add_daemon(GString *text, const RescueMetricsFacts *facts)
{
	const RescueLatency *latency = facts->latency;
	Histogram h = { "event_seconds",        "",
			latency->buckets,       latency_limits,
			RESCUE_LATENCY_BUCKETS, latency->seconds,
			latency->count };

	begin(text, "event_seconds", "histogram", "From an event to its being told to watchers.");
	add_histogram(text, &h);
	begin(text, "watchers", "gauge", "Clients that follow the event stream.");
	add_number(text, "watchers", (double)facts->watchers);
	begin(text, "cpu_seconds_total", "counter", "Processor time of the daemon.");
	add_number(text, "cpu_seconds_total", facts->use.cpu_seconds);
	begin(text, "resident_bytes", "gauge", "Memory of the daemon.");
	add_number(text, "resident_bytes", (double)facts->use.resident_bytes);
	begin(text, "open_descriptors", "gauge", "Open files and sockets of the daemon.");
	add_number(text, "open_descriptors", (double)facts->use.descriptors);
}

char *
rescue_metrics_format(const RescueMetricsFacts *facts)
{
	GString *text = g_string_new(NULL);

	add_states(text, facts->station);
	add_buses(text, facts->station);
	add_places(text, facts->station);
	add_tally(text, facts->tally);
	add_remedies(text, facts->tally);
	add_phases(text, facts->tally);
	add_daemon(text, facts);
	return g_string_free(text, FALSE);
}
