/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

#include "core/base/parse.h"
#include "core/model/event.h"
#include "core/store/journal.h"

/*
 * idevicerescue-bench-past-jobs STATE N: as many journals of jobs that are over, of ten phones, in the last 30 days.
 */

#define PHONES   10u
#define FIRST    UINT64_C(0x000A1B2C3D000000)
#define DAYS_US  (INT64_C(30) * 86400 * G_USEC_PER_SEC)
#define MAX_JOBS 1000000u

static void
add(GPtrArray *events, const char *text, int64_t at_us, const char *job, RescueEcid ecid)
{
	g_autoptr(RescueJson) body = rescue_json_parse(text, strlen(text), NULL);

	g_assert_nonnull(body);
	g_ptr_array_add(events, rescue_event_stamp(body, events->len + 1, at_us, job, ecid));
}

static void
free_event(void *event)
{
	rescue_json_free(event);
}

static bool
write_job(const char *state, unsigned n, unsigned all, GError **error)
{
	static const char *const lines[] = {
		"{\"event\":\"job\",\"want\":\"the "
		"latest\",\"behavior\":\"erase\",\"unattended\":true}",
		"{\"event\":\"device\",\"mode\":\"normal\",\"port\":\"1-1.1\",\"product\":"
		"\"iPhone12,1\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.1\"}",
		"{\"event\":\"step\",\"phase\":\"filesystem\",\"state\":\"begin\"}",
		"{\"event\":\"step\",\"phase\":\"filesystem\",\"state\":\"end\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.1\",\"outcome\":"
		"\"restored\"}",
		"{\"event\":\"done\",\"outcome\":\"restored\",\"data\":\"erased\",\"attempts\":1,"
		"\"seconds\":540,"
		"\"version\":\"26.6.2\",\"build\":\"23G90\"}",
	};
	int64_t at_us = g_get_real_time() - DAYS_US / all * (all - n);
	g_autofree char *job = rescue_job_make_id(at_us, n);
	g_autofree char *dir = rescue_journal_make_job_dir(state, job, error);
	g_autofree char *path = dir != NULL ? rescue_journal_path(state, job, error) : NULL;
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);

	if (path == NULL)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		add(events, lines[i], at_us + (int64_t)i * 80 * G_USEC_PER_SEC, job,
		    FIRST + n % PHONES);
	return rescue_journal_write(path, events, error);
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	uint64_t all = 0;

	if (argc != 3 || !rescue_parse_uint(argv[2], 1, MAX_JOBS, &all, &error)) {
		(void)fprintf(stderr, "usage: idevicerescue-bench-past-jobs STATE N\n");
		return 2;
	}
	for (unsigned n = 0; n < all; n++) {
		if (write_job(argv[1], n, (unsigned)all, &error))
			continue;
		(void)fprintf(stderr, "%s\n", error->message);
		return 3;
	}
	return 0;
}
