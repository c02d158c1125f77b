/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/*
 * Preloaded into the command of a world whose clock is off: the time of day differs by $LAB_CLOCK_OFFSET seconds.
 * What is
 * measured by the monotonic clock stays as it is. No GLib and no sanitizer in here.
 */

static time_t
offset(void)
{
	const char *text = getenv("LAB_CLOCK_OFFSET");
	return text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
}

/* the others are made of this one */
int
clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(clock, now);
	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset();
	return result;
}

time_t
time(time_t *ret_now)
{
	struct timespec now = { 0, 0 };
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret_now != NULL)
		*ret_now = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec spec = { 0, 0 };
	int result = clock_gettime(CLOCK_REALTIME, &spec);
	now->tv_sec = spec.tv_sec;
	now->tv_usec = spec.tv_nsec / 1000;
	return result;
}
