/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/clock.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

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

static void
system_moment(void *self, RescueMoment *ret_moment)
{
	g_autofree char *boot_id = NULL;
	struct timespec boot = { 0 };

	*ret_moment = (RescueMoment){ .wall_ms = g_get_real_time() / 1000 };
	(void)clock_gettime(CLOCK_BOOTTIME, &boot); /* there since Linux 2.6.39 */
	ret_moment->boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	if (g_file_get_contents(BOOT_ID_FILE, &boot_id, NULL, NULL))
		(void)g_strlcpy(ret_moment->boot_id, g_strchomp(boot_id), RESCUE_BOOT_ID);
}

const RescueClock *
rescue_clock_system(void)
{
	static const RescueClock clock = {
		.monotonic_us = system_monotonic_us,
		.wall_us = system_wall_us,
		.moment = system_moment,
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

void
rescue_clock_moment(const RescueClock *clock, RescueMoment *ret_moment)
{
	clock->moment(clock->self, ret_moment);
}

static bool
is_same_boot(const RescueMoment *a, const RescueMoment *b)
{
	return a->boot_id[0] != '\0' && strcmp(a->boot_id, b->boot_id) == 0;
}

int64_t
rescue_moment_since_ms(const RescueMoment *then, const RescueMoment *now)
{
	int64_t ms = is_same_boot(then, now) ? now->boot_ms - then->boot_ms
					     : now->wall_ms - then->wall_ms;

	return MAX(ms, 0);
}

int
rescue_moment_compare(const RescueMoment *a, const RescueMoment *b, const RescueMoment *now)
{
	bool a_here = is_same_boot(a, now), b_here = is_same_boot(b, now);
	int64_t a_ms = a_here ? a->boot_ms : a->wall_ms;
	int64_t b_ms = b_here ? b->boot_ms : b->wall_ms;

	return a_here != b_here ? a_here - b_here : (a_ms > b_ms) - (a_ms < b_ms);
}

void
rescue_moment_write(const RescueMoment *moment, RescueJson *object)
{
	rescue_json_set_string(object, "boot_id", moment->boot_id);
	rescue_json_set_int(object, "boot_ms", moment->boot_ms);
	rescue_json_set_int(object, "wall_ms", moment->wall_ms);
}

void
rescue_moment_read(const RescueJson *object, RescueMoment *ret_moment)
{
	const char *boot_id = rescue_json_get_string(object, "boot_id");

	*ret_moment = (RescueMoment){ .boot_ms = 0 };
	if (boot_id != NULL)
		(void)g_strlcpy(ret_moment->boot_id, boot_id, RESCUE_BOOT_ID);
	(void)rescue_json_get_int(object, "boot_ms", &ret_moment->boot_ms); /* stays 0 */
	(void)rescue_json_get_int(object, "wall_ms", &ret_moment->wall_ms); /* stays 0 */
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
