/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/clock.h"

#include <glib.h>

static int64_t
system_monotonic_us(void *self)
{
	return g_get_monotonic_time();
}

static int64_t
system_wall_us(void *self)
{
	return g_get_real_time();
}

const RescueClock *
rescue_clock_system(void)
{
	static const RescueClock clock = {
		.monotonic_us = system_monotonic_us,
		.wall_us = system_wall_us,
	};
	return &clock;
}

int64_t
rescue_clock_monotonic_us(const RescueClock *clock)
{
	return clock->monotonic_us(clock->self);
}

int64_t
rescue_clock_wall_us(const RescueClock *clock)
{
	return clock->wall_us(clock->self);
}

char *
rescue_clock_format(int64_t wall_us)
{
	int64_t seconds = wall_us / G_USEC_PER_SEC;
	int64_t rest_us = wall_us % G_USEC_PER_SEC;
	if (rest_us < 0) { /* before 1970: a broken clock, but still a time */
		rest_us += G_USEC_PER_SEC;
		seconds--;
	}
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	if (time == NULL) /* beyond the year 9999 */
		return g_strdup("1970-01-01T00:00:00.000Z");
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
	return g_strdup_printf("%s.%03dZ", text, (int)(rest_us / 1000));
}
