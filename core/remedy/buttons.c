/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/buttons.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

typedef enum { HOME, VOLUME, SIDE, TOP } Kind;

static const struct {
	const char *prefix;
	unsigned first, last;
	Kind kind;
} models[] = {
#define RESCUE_BUTTONED(prefix, first, last, kind) { prefix, first, last, kind },
#define RESCUE_STEP(kind, goal, seconds, text)
#include "core/remedy/buttons.def"
#undef RESCUE_BUTTONED
#undef RESCUE_STEP
};

/* the same lines twice: what belongs together is contiguous in both */
static const struct {
	Kind kind;
	RescueButtonsGoal goal;
} owners[] = {
#define RESCUE_BUTTONED(prefix, first, last, kind)
#define RESCUE_STEP(kind, goal, seconds, text) { kind, RESCUE_BUTTONS_##goal },
#include "core/remedy/buttons.def"
#undef RESCUE_BUTTONED
#undef RESCUE_STEP
};

static const RescueButtonStep steps[] = {
#define RESCUE_BUTTONED(prefix, first, last, kind)
#define RESCUE_STEP(kind, goal, seconds, text) { seconds, text },
#include "core/remedy/buttons.def"
#undef RESCUE_BUTTONED
#undef RESCUE_STEP
};

/** "iPhone10,3" is of ("iPhone", 8 to 10). */
static bool
is_of(const char *product, const char *prefix, unsigned first, unsigned last)
{
	size_t size = strlen(prefix);
	guint64 number = 0;
	g_autofree char *digits = NULL;

	if (strncmp(product, prefix, size) != 0)
		return false;
	digits = g_strndup(product + size, strcspn(product + size, ","));
	return g_ascii_string_to_unsigned(digits, 10, first, last, &number, NULL);
}

static bool
find_kind(const char *product, Kind *ret_kind)
{
	for (size_t i = 0; product != NULL && i < G_N_ELEMENTS(models); i++) {
		if (is_of(product, models[i].prefix, models[i].first, models[i].last)) {
			*ret_kind = models[i].kind;
			return true;
		}
	}
	return false;
}

size_t
rescue_buttons_find(const char *product, RescueButtonsGoal goal, const RescueButtonStep **ret_steps)
{
	size_t first = 0, count = 0;
	Kind kind;

	*ret_steps = NULL;
	if (!find_kind(product, &kind))
		return 0;
	while (first < G_N_ELEMENTS(steps) &&
	       (owners[first].kind != kind || owners[first].goal != goal))
		first++;
	while (first + count < G_N_ELEMENTS(steps) && owners[first + count].kind == kind &&
	       owners[first + count].goal == goal)
		count++;
	if (count > 0)
		*ret_steps = &steps[first];
	return count;
}

char *
rescue_buttons_tell(const char *product, RescueButtonsGoal goal)
{
	const RescueButtonStep *step;
	size_t count = rescue_buttons_find(product, goal, &step);
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < count; i++) {
		g_string_append_printf(text, "%s%zu. %s", i == 0 ? "" : "; ", i + 1, step[i].text);
		if (step[i].seconds > 0)
			g_string_append_printf(text, " (about %u s)", step[i].seconds);
	}
	return g_string_free(text, count == 0);
}
