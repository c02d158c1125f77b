/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/history.h"

#include <string.h>

#include "cli/common/history.h"
#include "cli/common/output.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/path.h"

#define OUTPUT_MODE 0600

/* one after the other: all of them in memory could be too much; with a file it has to be all or nothing */
static bool
export_jobs(const RescueCli *cli, char *const *jobs, RescueRedactor *redactor, GString *file,
	    GError **error)
{
	for (size_t i = 0; jobs[i] != NULL; i++) {
		g_autoptr(RescueJson)
		    json = rescue_history_export(cli->state_dir, jobs[i], redactor, error);
		if (json == NULL)
			return false;
		g_autofree char *text = file != NULL ? rescue_json_dump(json) : NULL;
		if (file != NULL)
			g_string_append_printf(file, "%s\n", text);
		else if (!rescue_print_json(json)) {
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
				    "the output cannot be written");
			return false;
		}
	}
	return true;
}

/* before anything is written all jobs are read: unknown ones are told of, and placeholders agree between jobs */
static bool
look_through(const RescueCli *cli, char *const *jobs, RescueRedactor *redactor, GError **error)
{
	for (size_t i = 0; jobs[i] != NULL; i++) {
		if (!rescue_history_check_job(cli->state_dir, jobs[i], error) ||
		    (redactor != NULL &&
		     !rescue_history_learn(cli->state_dir, jobs[i], redactor, error)))
			return false;
	}
	return true;
}

int
rescue_history_give(const RescueCli *cli, const RescueHistoryOptions *options)
{
	g_autoptr(RescueRedactor) redactor = NULL;
	g_autoptr(GString) file = options->output != NULL ? g_string_new(NULL) : NULL;
	GError *error = NULL;

	if (options->redact)
		redactor = rescue_redactor_new(g_get_home_dir(), g_get_host_name());
	if (!look_through(cli, options->jobs, redactor, &error) ||
	    !export_jobs(cli, options->jobs, redactor, file, &error))
		return rescue_fail(cli, error);
	if (file != NULL &&
	    !rescue_path_write(options->output, file->str, file->len, OUTPUT_MODE, &error))
		return rescue_fail(cli, error);
	return RESCUE_EXIT_FINE;
}

static void
tell_forgotten(const char *job, const char *kept, void *data)
{
	const RescueCli *cli = data;

	if (!cli->json) {
		if (kept != NULL)
			rescue_say(cli, "job %s stays: %s", job, kept);
		return;
	}
	g_autoptr(RescueJson) json = rescue_json_object_new();
	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "job", job);
	rescue_json_set_bool(json, "forgotten", kept == NULL);
	rescue_json_set_string(json, "reason", kept);
	(void)rescue_print_json(json);
}

static int
forget(const RescueCli *cli, const RescueForget *what)
{
	RescueForgetCount count = { 0 };
	GError *error = NULL;

	if (!rescue_history_forget(cli->state_dir, what, tell_forgotten, (void *)cli, &count,
				   &error))
		return rescue_fail(cli, error);
	rescue_say(cli, count.forgotten == 1 ? "%u job is forgotten" : "%u jobs are forgotten",
		   count.forgotten);
	if (count.running == 0)
		return RESCUE_EXIT_FINE;
	error = g_error_new(RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "%u of the jobs cannot be forgotten while running", count.running);
	return rescue_fail_quietly(error);
}

/* NULL when it is clear what is meant, else what is wrong with it */
static const char *
check_choice(const RescueCli *cli, const RescueHistoryOptions *options)
{
	bool named = options->jobs[0] != NULL;
	bool chosen = options->ecid != 0 || options->before_ms >= 0;

	if (named + chosen + (options->all != 0) + (options->expired != 0) == 0)
		return "say which: JOB, --ecid E, --before DURATION, --expired or --all";
	if (named + chosen + (options->all != 0) + (options->expired != 0) > 1)
		return "JOB, --ecid or --before, --expired and --all exclude each other";
	if (options->expired && cli->retention_ms == 0)
		return "--expired: no “retention” is set in the config file, history is kept for "
		       "ever";
	return NULL;
}

int
rescue_history_delete(const RescueCli *cli, const RescueHistoryOptions *options)
{
	const char *wrong = check_choice(cli, options);
	int64_t age_ms = options->expired ? cli->retention_ms : options->before_ms;
	RescueForget what = {
		.jobs = options->jobs[0] != NULL ? options->jobs : NULL,
		.ecid = options->ecid,
		.older = age_ms >= 0,
		.before_us = rescue_clock_wall_us(rescue_clock_system()) - age_ms * 1000,
		.with_leftovers = options->all,
	};

	if (wrong != NULL)
		return rescue_fail_usage(cli, "history forget: %s", wrong);
	return forget(cli, &what);
}
