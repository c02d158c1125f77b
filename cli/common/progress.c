/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/progress.h"

#include <string.h>

#include "core/base/parse.h"

/* the rate is that of the last 4 to 8 seconds */
#define MARK_AGE_US   (INT64_C(4) * G_USEC_PER_SEC)
#define RATE_LEAST_US (G_USEC_PER_SEC / 2)
#define BAR_WIDTH     20u
#define MANY_DAYS_MS  (INT64_C(7) * 24 * 3600 * 1000)

static double
amount_done(const RescueProgress *progress)
{
	return progress->total != 0 ? (double)progress->bytes : progress->fraction;
}

static void
begin_measuring(RescueProgress *progress, int64_t now_us)
{
	RescueProgressMark mark = { .at_us = now_us, .done = MAX(amount_done(progress), 0) };

	progress->marks[0] = progress->marks[1] = mark;
}

static void
begin_step(RescueProgress *progress, RescuePhase phase, int64_t now_us)
{
	*progress =
	    (RescueProgress){ .active = true, .phase = phase, .fraction = -1, .now_us = now_us };
	begin_measuring(progress, now_us);
}

static bool
feed_step(RescueProgress *progress, const RescueJson *event, RescuePhase phase, int64_t now_us)
{
	if (g_strcmp0(rescue_json_get_string(event, "state"), "begin") == 0) {
		begin_step(progress, phase, now_us);
		return true;
	}
	if (!progress->active || progress->phase != phase)
		return false;
	progress->active = false;
	return true;
}

static bool
feed_progress(RescueProgress *progress, const RescueJson *event, RescuePhase phase, int64_t now_us)
{
	double before, fraction = -1;
	uint64_t total = rescue_json_get_count(event, "total");

	if (!progress->active || progress->phase != phase)
		begin_step(progress, phase, now_us);
	if (!rescue_json_get_real(event, "fraction", &fraction))
		fraction = -1;
	before = amount_done(progress);
	if (total != progress->total)
		before = G_MAXDOUBLE;
	progress->fraction = MIN(fraction, 1);
	progress->total = total;
	progress->bytes = MIN(rescue_json_get_count(event, "bytes"), total);
	progress->now_us = now_us;
	/* another component, or the same from its start: the old rate says nothing about it */
	if (amount_done(progress) < before)
		begin_measuring(progress, now_us);
	if (now_us - progress->marks[1].at_us >= MARK_AGE_US) {
		progress->marks[0] = progress->marks[1];
		progress->marks[1] = (RescueProgressMark){ now_us, amount_done(progress) };
	}
	return true;
}

bool
rescue_progress_feed(RescueProgress *progress, const RescueJson *event, int64_t now_us)
{
	const char *name = rescue_json_get_string(event, "event");
	const char *word = rescue_json_get_string(event, "phase");
	RescuePhase phase;

	if (g_strcmp0(name, "done") == 0) {
		progress->active = false;
		return true;
	}
	if (word == NULL || !rescue_phase_parse(word, &phase))
		return false;
	if (g_strcmp0(name, "step") == 0)
		return feed_step(progress, event, phase, now_us);
	return g_strcmp0(name, "progress") == 0 && feed_progress(progress, event, phase, now_us);
}

double
rescue_progress_rate(const RescueProgress *progress)
{
	const RescueProgressMark *mark = &progress->marks[0];
	int64_t span = progress->now_us - mark->at_us;
	double done = amount_done(progress) - mark->done;

	if (span < RATE_LEAST_US || done <= 0)
		return 0;
	return done / ((double)span / G_USEC_PER_SEC);
}

int64_t
rescue_progress_left_ms(const RescueProgress *progress)
{
	double rate = rescue_progress_rate(progress);
	double whole = progress->total != 0 ? (double)progress->total : 1;
	double ms;

	if (rate <= 0)
		return -1;
	ms = (whole - amount_done(progress)) / rate * 1000;
	return ms < (double)MANY_DAYS_MS ? (int64_t)ms : -1;
}

int
rescue_progress_tenths(const RescueProgress *progress)
{
	return progress->fraction < 0 ? -1 : (int)(progress->fraction * 10 + 1e-9);
}

static char *
format_rate(const RescueProgress *progress)
{
	double rate = rescue_progress_rate(progress);
	g_autofree char *size = NULL;

	if (rate <= 0 || progress->total == 0)
		return NULL;
	size = rescue_format_size((uint64_t)rate);
	return g_strdup_printf("%s/s", size);
}

static char *
format_left(const RescueProgress *progress)
{
	int64_t left = rescue_progress_left_ms(progress);
	/* less than a second is over before it is read */
	g_autofree char *text = left >= 1000 ? rescue_format_duration(left) : NULL;

	return text != NULL ? g_strdup_printf("%s left", text) : NULL;
}

static char *
format_bar(double fraction)
{
	char bar[BAR_WIDTH + 1];
	unsigned i, full = (unsigned)(CLAMP(fraction, 0, 1) * BAR_WIDTH);

	for (i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	return g_strdup_printf("[%s]", bar);
}

/* one more piece, if it still fits */
static void
append_fitting(GString *line, const char *piece, unsigned columns)
{
	size_t gap = line->len > 0 ? 2 : 0;

	if (piece == NULL ||
	    (size_t)g_utf8_strlen(line->str, -1) + gap + (size_t)g_utf8_strlen(piece, -1) > columns)
		return;
	g_string_append_printf(line, "%s%s", gap > 0 ? "  " : "", piece);
}

char *
rescue_progress_bar(const RescueProgress *progress, unsigned columns)
{
	GString *line = g_string_new(NULL);
	g_autofree char *percent = NULL, *bar = NULL, *rate = NULL, *left = NULL, *phase = NULL;
	const char *text = rescue_phase_text(progress->phase);

	if (progress->fraction >= 0) {
		percent = g_strdup_printf("%3d %%", (int)(progress->fraction * 100 + 1e-9));
		bar = format_bar(progress->fraction);
		rate = format_rate(progress);
		left = format_left(progress);
	}
	phase = g_utf8_substring(text, 0, MIN((glong)columns, g_utf8_strlen(text, -1)));
	append_fitting(line, phase, columns);
	/* on a narrow terminal the number is worth more than the bar */
	if (columns >= strlen(text) + BAR_WIDTH + 12)
		append_fitting(line, bar, columns);
	append_fitting(line, percent, columns);
	append_fitting(line, rate, columns);
	append_fitting(line, left, columns);
	return g_string_free(line, FALSE);
}

char *
rescue_progress_plain(const RescueProgress *progress)
{
	GString *line = g_string_new(rescue_phase_text(progress->phase));
	g_autofree char *rate = format_rate(progress), *left = format_left(progress);

	if (progress->fraction < 0)
		return g_string_free(line, FALSE);
	g_string_append_printf(line, ": %d %%", rescue_progress_tenths(progress) * 10);
	if (rate != NULL)
		g_string_append_printf(line, ", %s", rate);
	if (left != NULL)
		g_string_append_printf(line, ", %s", left);
	return g_string_free(line, FALSE);
}
