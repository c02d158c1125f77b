/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/display.h"

#include "cli/common/progress.h"
#include "cli/common/wrap.h"

#define REDRAW_US      (G_USEC_PER_SEC / 10)
#define COLUMNS_UNSAID 80u
#define ERASE_LINE     "\r\033[K"

struct RescueDisplay {
	RescueDisplaySpec spec;
	RescueProgress progress;
	bool drawn;       /* the redrawn line is on the screen */
	int64_t drawn_us; /* when it was drawn last */
	int tenths;       /* the last ten percent that were told in plain lines */
	RescuePhase told; /* the step that was told last in plain lines */
	char *last;       /* the last lasting line: the same twice in a row is told once */
};

RescueDisplay *
rescue_display_new(const RescueDisplaySpec *spec)
{
	RescueDisplay *display = g_new0(RescueDisplay, 1);

	display->spec = *spec;
	display->told = RESCUE_PHASE_LAST;
	display->tenths = -1;
	return display;
}

void
rescue_display_clear(RescueDisplay *display)
{
	if (!display->drawn)
		return;
	(void)fputs(ERASE_LINE, display->spec.stream);
	(void)fflush(display->spec.stream);
	display->drawn = false;
	display->drawn_us = 0;
}

void
rescue_display_free(RescueDisplay *display)
{
	if (display == NULL)
		return;
	rescue_display_clear(display);
	g_free(display->last);
	g_free(display);
}

static unsigned
terminal_columns(const RescueDisplay *display)
{
	unsigned columns = display->spec.columns;

	if (columns == 0)
		columns = rescue_terminal_columns(display->spec.stream);
	return (columns > 1 ? columns : COLUMNS_UNSAID) - 1;
}

static void
say_line(RescueDisplay *display, const char *line)
{
	g_autofree char *wrapped = NULL;

	if (g_strcmp0(line, display->last) == 0)
		return;
	wrapped = rescue_wrap(line, display->spec.terminal ? terminal_columns(display) : 0);
	rescue_display_clear(display);
	(void)fprintf(display->spec.stream, "%s\n", wrapped);
	(void)fflush(display->spec.stream);
	g_free(display->last);
	display->last = g_strdup(line);
}

static void
redraw(RescueDisplay *display, int64_t now_us, bool at_once)
{
	g_autofree char *line = NULL;

	if (!at_once && display->drawn && now_us - display->drawn_us < REDRAW_US)
		return;
	line = rescue_progress_bar(&display->progress, terminal_columns(display));
	(void)fprintf(display->spec.stream, ERASE_LINE "%s", line);
	(void)fflush(display->spec.stream);
	display->drawn = true;
	display->drawn_us = now_us;
}

/* one line when a step begins, one for each further ten percent */
static void
tell_plain(RescueDisplay *display)
{
	int tenths = rescue_progress_tenths(&display->progress);
	g_autofree char *line = NULL;

	if (display->told == display->progress.phase && tenths <= display->tenths)
		return;
	if (display->told != display->progress.phase || tenths > 0) {
		line = rescue_progress_plain(&display->progress);
		say_line(display, line);
	}
	display->told = display->progress.phase;
	display->tenths = tenths;
}

static void
show_progress(RescueDisplay *display, const RescueJson *event, int64_t now_us)
{
	bool step = g_strcmp0(rescue_json_get_string(event, "event"), "step") == 0;

	if (!display->progress.active) {
		display->told = RESCUE_PHASE_LAST;
		rescue_display_clear(display);
		return;
	}
	if (!display->spec.terminal) {
		tell_plain(display);
		return;
	}
	if (step && display->spec.verbose)
		say_line(display, rescue_phase_text(display->progress.phase));
	redraw(display, now_us, step);
}

static bool
is_lasting(const RescueDisplay *display, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "event");
	const char *state = rescue_json_get_string(event, "state");
	const char *outcome = rescue_json_get_string(event, "outcome");

	if (g_strcmp0(name, "done") == 0)
		return false; /* the report says it better */
	if (display->spec.verbose)
		return true;
	if (g_strcmp0(name, "remedy") == 0)
		return g_strcmp0(state, "end") != 0 || g_strcmp0(outcome, "no-effect") == 0;
	return g_strcmp0(name, "attempt") != 0 || outcome == NULL;
}

void
rescue_display_feed(RescueDisplay *display, const RescueJson *event)
{
	int64_t now_us = rescue_clock_monotonic_us(display->spec.clock);
	g_autofree char *sentence = NULL;

	if (display->spec.quiet)
		return;
	if (rescue_progress_feed(&display->progress, event, now_us))
		show_progress(display, event, now_us);
	sentence = is_lasting(display, event) ? rescue_event_sentence(event) : NULL;
	if (sentence == NULL)
		return;
	say_line(display, sentence);
	if (display->spec.terminal && display->progress.active)
		redraw(display, now_us, true);
}
