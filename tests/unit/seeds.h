/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/** The seeds of a simulation, both included. */
typedef struct {
	unsigned first, last;
} Seeds;

static inline unsigned
count_seeds(Seeds seeds)
{
	return seeds.last - seeds.first + 1;
}

/** RESCUE_SEEDS=FIRST-LAST; without it 1 to `fixed`, and with `-m slow` 1 to `slow`. */
static inline Seeds
choose_seeds(unsigned fixed, unsigned slow)
{
	const char *named = g_getenv("RESCUE_SEEDS");
	g_auto(GStrv) ends = g_strsplit(named != NULL ? named : "", "-", 2);
	const char *wanted = named;
	guint64 first = 0, last = 0;

	if (named == NULL)
		return (Seeds){ 1, g_test_slow() ? slow : fixed };
	if (g_strv_length(ends) != 2 ||
	    !g_ascii_string_to_unsigned(ends[0], 10, 1, G_MAXINT32, &first, NULL) ||
	    !g_ascii_string_to_unsigned(ends[1], 10, first, G_MAXINT32, &last, NULL))
		wanted = "RESCUE_SEEDS=FIRST-LAST, as in 1001-2000";
	g_assert_cmpstr(named, ==, wanted);
	return (Seeds){ (unsigned)first, (unsigned)last };
}
