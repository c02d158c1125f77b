/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/report.h"

#include <string.h>

#include "cli/common/output.h"
#include "cli/common/record.h"
#include "cli/line/client/client.h"
#include "cli/line/ops/couriers.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/store/index.h"
#include "core/store/journal.h"

#define MAX_NOTICE (64u * 1024)
#define DAY_US     (INT64_C(24) * 3600 * G_USEC_PER_SEC)

/* journals are listed newest first; people read a shift from its beginning */
static GPtrArray *
find_jobs(const char *state_dir, const RescueShift *shift)
{
	g_autoptr(RescueIndex) index = rescue_index_open(state_dir);
	g_autoptr(GPtrArray) all = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });
	GPtrArray *jobs = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)rescue_journal_summary_free);

	for (unsigned i = all->len; i > 0; i--) {
		if (rescue_shift_wants(shift, g_ptr_array_index(all, i - 1)))
			g_ptr_array_add(jobs, g_ptr_array_steal_index(all, i - 1));
	}
	return jobs;
}

static RescueJson *
read_notice(const char *state_dir, const char *job)
{
	g_autofree char *journal = rescue_journal_path(state_dir, job, NULL);
	g_autofree char *dir = journal != NULL ? g_path_get_dirname(journal) : NULL;
	g_autofree char *path = dir != NULL ? g_build_filename(dir, RESCUE_NOTICE_FILE, NULL)
					    : NULL;
	size_t size = 0;
	g_autofree char *text = path != NULL ? rescue_path_read(path, MAX_NOTICE, &size, NULL)
					     : NULL;

	return text != NULL ? rescue_json_parse(text, size, NULL) : NULL;
}

RescueShift *
rescue_report_read(const char *state_dir, int64_t from_us, int64_t to_us)
{
	RescueShift *shift = rescue_shift_new(from_us, to_us);
	g_autoptr(GPtrArray) jobs = find_jobs(state_dir, shift);

	for (unsigned i = 0; i < jobs->len; i++) {
		const RescueJournalSummary *job = g_ptr_array_index(jobs, i);
		g_autoptr(RescueJson) notice = read_notice(state_dir, job->job);
		rescue_shift_add(shift, job, notice);
	}
	return shift;
}

char *
rescue_report_text(const char *state_dir, int64_t from_us, int64_t to_us, bool csv)
{
	g_autoptr(RescueShift) shift = rescue_report_read(state_dir, from_us, to_us);
	g_autoptr(RescueJson) json = NULL;

	if (csv)
		return rescue_shift_csv(shift);
	json = rescue_shift_to_json(shift);
	return rescue_json_dump(json);
}

static bool
write_record(const char *state_dir, const RescueJournalSummary *job, const char *folder,
	     GError **error)
{
	g_autoptr(RescueJson) record = rescue_record_read(state_dir, job->job, error);
	g_autofree char *name = g_strconcat(job->job, ".json", NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *text = NULL;

	if (record == NULL)
		return false;
	rescue_json_take(record, "line", read_notice(state_dir, job->job));
	text = rescue_json_dump(record);
	return rescue_path_write(path, text, strlen(text), 0600, error);
}

bool
rescue_report_write_records(const char *state_dir, int64_t from_us, int64_t to_us,
			    const char *folder, GError **error)
{
	g_autoptr(RescueShift) shift = rescue_shift_new(from_us, to_us);
	g_autoptr(GPtrArray) jobs = find_jobs(state_dir, shift);

	if (!rescue_path_make_dir(folder, error))
		return false;
	for (unsigned i = 0; i < jobs->len; i++) {
		if (!write_record(state_dir, g_ptr_array_index(jobs, i), folder, error))
			return false;
	}
	return true;
}

bool
rescue_report_parse_time(const char *text, int64_t *ret_us, GError **error)
{
	g_autofree char *whole = strchr(text, 'T') != NULL ? g_strdup(text)
							   : g_strconcat(text, "T00:00:00Z", NULL);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(whole, utc);

	if (time != NULL) {
		*ret_us = g_date_time_to_unix(time) * G_USEC_PER_SEC;
		return true;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "‘%s’ is no time: write 2026-11-22T06:00:00Z or 2026-11-22", text);
	return false;
}

/* without a beginning it is the day up to the end, and the end is now */
static bool
read_span(const RescueLineReportOptions *options, int64_t *from_us, int64_t *to_us, GError **error)
{
	int64_t length_ms = DAY_US / 1000;

	*to_us = rescue_clock_wall_us(rescue_clock_system());
	if (options->from != NULL && options->shift != NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "--from and --shift both say where it begins: say one of them");
		return false;
	}
	if (options->to != NULL && !rescue_report_parse_time(options->to, to_us, error))
		return false;
	if (options->shift != NULL && !rescue_parse_duration(options->shift, &length_ms, error))
		return false;
	*from_us = *to_us - length_ms * 1000;
	if (options->from != NULL && !rescue_report_parse_time(options->from, from_us, error))
		return false;
	if (*from_us < *to_us)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "a report ends after it begins; these times are the other way round");
	return false;
}

int
rescue_line_report(const RescueCli *cli, const RescueLineReportOptions *options)
{
	g_autoptr(RescueShift) shift = NULL;
	g_autoptr(RescueJson) json = NULL;
	g_autofree char *text = NULL;
	int64_t from_us, to_us;
	GError *error = NULL;

	if (options->csv && cli->json)
		return rescue_fail_usage(cli, "line report: either --csv or --json");
	if (!read_span(options, &from_us, &to_us, &error) ||
	    (options->records != NULL &&
	     !rescue_report_write_records(cli->state_dir, from_us, to_us, options->records,
					  &error)))
		return rescue_fail(cli, error);
	shift = rescue_report_read(cli->state_dir, from_us, to_us);
	if (cli->json) {
		json = rescue_shift_to_json(shift);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : 1;
	}
	text = options->csv ? rescue_shift_csv(shift) : rescue_shift_text(shift);
	return rescue_print(text) ? RESCUE_EXIT_FINE : 1;
}
