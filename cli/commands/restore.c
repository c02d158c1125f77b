/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/restore-options.h"
#include "cli/common/choose.h"
#include "cli/common/display.h"
#include "cli/common/history.h"
#include "cli/common/output.h"
#include "cli/common/record.h"
#include "cli/common/report.h"
#include "cli/common/takeover.h"
#include "cli/common/turns.h"
#include "cli/common/wiring.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/path.h"
#include "core/failure/failure.h"
#include "core/run/run.h"
#include "core/store/journal.h"

/** Everybody who hears of the job's events. */
typedef struct {
	const RescueCli *cli;
	RescueDisplay *display;
	RescueReport *report;
	FILE *events;       /* JSON Lines, or NULL */
	const char *record; /* file for the restore record, or NULL; borrowed */
	bool events_on_stdout;
} Audience;

static void
audience_clear(Audience *audience)
{
	rescue_display_free(audience->display);
	rescue_report_free(audience->report);
	if (audience->events != NULL && !audience->events_on_stdout)
		(void)fclose(audience->events);
	*audience = (Audience){ 0 };
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Audience, audience_clear)

static FILE *
open_events(const char *path, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *stream = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (stream != NULL)
		return stream;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot write events to ‘%s’: %s",
		    path, g_strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static bool
audience_init(Audience *audience, const RescueCli *cli, const char *events, GError **error)
{
	const RescueDisplaySpec spec = { .stream = stderr,
					 .terminal = isatty(STDERR_FILENO) == 1,
					 .quiet = cli->quiet,
					 .verbose = cli->verbose,
					 .clock = rescue_clock_system() };

	audience->cli = cli;
	audience->events_on_stdout = g_strcmp0(events, "-") == 0;
	if (audience->events_on_stdout)
		audience->events = stdout;
	else if (events != NULL)
		audience->events = open_events(events, error);
	audience->display = rescue_display_new(&spec);
	audience->report = rescue_report_new();
	return events == NULL || audience->events != NULL;
}

/* a reader that went away is told of once; the restore goes on */
static void
write_event(Audience *audience, const RescueJson *event)
{
	g_autofree char *line = rescue_json_dump(event);

	if (fprintf(audience->events, "%s\n", line) >= 0 && fflush(audience->events) == 0)
		return;
	rescue_display_clear(audience->display);
	rescue_say(audience->cli, "the events cannot be written any more: %s", g_strerror(errno));
	if (!audience->events_on_stdout)
		(void)fclose(audience->events);
	audience->events = NULL;
}

static void
on_event(const RescueJson *event, void *data)
{
	Audience *audience = data;

	if (audience->events != NULL)
		write_event(audience, event);
	rescue_report_feed(audience->report, event);
	rescue_display_feed(audience->display, event);
}

/* with stdout given to the events, an error must not be there too */
static int
fail(const Audience *audience, GError *error)
{
	return audience->events_on_stdout ? rescue_fail_quietly(error)
					  : rescue_fail(audience->cli, error);
}

static bool
find_device(RescueWiring *wiring, RescueJob *job, GError **error)
{
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	g_autoptr(GPtrArray) devices = NULL;
	const RescueDevice *device;

	if (job->ecid != 0)
		return true;
	devices = ports->devices->list(ports->devices_self);
	/* without usbmuxd most devices cannot be seen: that is then the thing to say */
	if (devices->len == 0 && !ports->host->check_usbmuxd(ports->host_self, error))
		return false;
	device = rescue_choose_device(devices, error);
	if (device == NULL)
		return false;
	job->ecid = device->ecid;
	if (job->ecid == 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
			    "the device is attached but does not tell its ECID; unlock it, or name "
			    "it with --ecid");
	return job->ecid != 0;
}

/* text for people on stderr; stdout gets the one document that --json promises */
static int
tell_end(const Audience *audience, const RescueRunResult *result)
{
	g_autofree char *text = rescue_report_format(audience->report);
	const RescueJson *done = rescue_report_done(audience->report);

	rescue_display_clear(audience->display);
	if (result->trouble != NULL)
		(void)fprintf(stderr, "idevicerescue: %s\n", result->trouble);
	if (audience->events_on_stdout || audience->cli->json)
		rescue_say(audience->cli, "\n%s", g_strchomp(text));
	else
		(void)rescue_print_prose(text);
	if (audience->cli->json && !audience->events_on_stdout && done != NULL)
		(void)rescue_print_json(done);
	return result->exit_status;
}

/* what the operator wants forgotten; nothing of that may hinder a restore */
static void
forget_expired(const RescueCli *cli)
{
	RescueForget what = { .older = true };
	RescueForgetCount count = { 0 };
	g_autoptr(GError) error = NULL;

	if (cli->retention_ms == 0)
		return;
	what.before_us = rescue_clock_wall_us(rescue_clock_system()) - cli->retention_ms * 1000;
	if (!rescue_history_forget(cli->state_dir, &what, NULL, NULL, &count, &error))
		rescue_say(cli, "old history could not be deleted: %s", error->message);
	else if (count.forgotten > 0)
		rescue_say(cli, "%u jobs older than %s are forgotten", count.forgotten,
			   cli->retention);
}

/* a job whose supervisor died is gone on with, under its own name */
static bool
take_job(RescueWiring *wiring, RescueJob *job, const RescueCli *cli, RescueStory **ret_story,
	 GError **error)
{
	RescueMoment now;
	g_autoptr(RescueStory) story = NULL;

	rescue_clock_moment(rescue_clock_system(), &now);
	story = rescue_takeover_find(cli->state_dir, job, &now);
	if (story == NULL)
		return rescue_wiring_take_job(wiring, job, NULL, error);
	g_free(job->id);
	job->id = g_strdup(story->job);
	*ret_story = g_steal_pointer(&story);
	return rescue_wiring_take_job(wiring, job, &(*ret_story)->resume.engine, error);
}

/* nothing is lost when it cannot be written: it can be made of the journal at any time */
static void
write_record(const Audience *audience, const char *job)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueJson) record = NULL;

	if (audience->record == NULL)
		return;
	record = rescue_record_read(audience->cli->state_dir, job, &error);
	if (record != NULL && rescue_record_write(record, audience->record, &error)) {
		rescue_report_set_record(audience->report, audience->record);
		return;
	}
	rescue_display_clear(audience->display);
	(void)fprintf(stderr,
		      "idevicerescue: %s; “history show %s --record” tells what would be in it\n",
		      error->message, job);
}

/* What the line has decided about this phone is on the disk before anything is done; its daemon waits for no disk. */
static bool
keep_line_journal(const RescueCli *cli, GError **error)
{
	g_autofree char *path = rescue_line_journal_path(cli->state_dir);

	return !g_file_test(path, G_FILE_TEST_EXISTS) || rescue_path_force(path, error);
}

/* the line knows which job it is: this one goes on, or begins */
static bool
take_line_job(RescueWiring *wiring, RescueJob *job, const RescueCli *cli, RescueStory **ret_story,
	      GError **error)
{
	RescueMoment now;
	bool there = false;
	g_autofree char *path = rescue_journal_path(cli->state_dir, job->id, error);

	if (path == NULL || !keep_line_journal(cli, error))
		return false;
	rescue_clock_moment(rescue_clock_system(), &now);
	*ret_story = rescue_takeover_read(cli->state_dir, job, &now, &there);
	if (there && *ret_story == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "--line: job ‘%s’ has ended, or is another one: begin a new one",
			    job->id);
		return false;
	}
	if (!rescue_wiring_take_job(wiring, job,
				    *ret_story != NULL ? &(*ret_story)->resume.engine : NULL,
				    error))
		return false;
	rescue_wiring_join_line(wiring, job);
	return true;
}

static int
restore(Audience *audience, RescueJob *job, bool of_line)
{
	g_autoptr(RescueWiring) wiring = NULL;
	g_auto(RescueRunResult) result = { 0 };
	g_autoptr(RescueStory) story = NULL;
	GError *error = NULL;
	RescueRunSpec spec = { .job = job, .listener = on_event, .data = audience };

	wiring = rescue_wiring_new(audience->cli, &error);
	if (wiring == NULL || !find_device(wiring, job, &error) ||
	    !(of_line ? take_line_job : take_job)(wiring, job, audience->cli, &story, &error))
		return fail(audience, error);
	forget_expired(audience->cli);
	rescue_say(audience->cli, story != NULL ? "going on with job %s" : "job %s", job->id);
	spec.ports = rescue_wiring_ports(wiring);
	spec.resume = story != NULL ? &story->resume : NULL;
	rescue_run(&spec, &result);
	write_record(audience, job->id);
	return tell_end(audience, &result);
}

static int
run_options(const RescueCli *cli, const RescueRestoreOptions *options)
{
	g_autoptr(RescueJob) job = NULL;
	g_auto(Audience) audience = { .cli = cli,
				      .record = options->record,
				      .events_on_stdout = g_strcmp0(options->events, "-") == 0 };
	GError *error = NULL;
	int64_t now_us = rescue_clock_wall_us(rescue_clock_system());

	job = rescue_restore_options_to_job(options, &error);
	if (job == NULL || !audience_init(&audience, cli, options->events, &error))
		return fail(&audience, error);
	job->host = g_strdup(g_get_host_name());
	job->id = options->line != NULL ? g_strdup(options->line)
					: rescue_job_make_id(now_us, g_random_int());
	job->engine = g_strdup(cli->engine);
	job->signing_server = g_strdup(cli->signing_server);
	return restore(&audience, job, options->line != NULL);
}

static int
run(RescueCli *cli)
{
	g_auto(RescueRestoreOptions) options = { 0 };
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options.ecid,
		  "the device, when several are attached", "E" },
		{ "ipsw", 0, 0, G_OPTION_ARG_FILENAME, &options.ipsw, "the firmware", "FILE" },
		{ "latest", 0, 0, G_OPTION_ARG_NONE, &options.latest, "the newest signed firmware",
		  NULL },
		{ "beta", 0, 0, G_OPTION_ARG_NONE, &options.beta, "with --latest: a beta too",
		  NULL },
		{ "version", 0, 0, G_OPTION_ARG_STRING, &options.version,
		  "the firmware of this version", "V" },
		{ "build", 0, 0, G_OPTION_ARG_STRING, &options.build, "the firmware of this build",
		  "B" },
		{ "erase", 0, 0, G_OPTION_ARG_NONE, &options.erase, "the data on the device go",
		  NULL },
		{ "update", 0, 0, G_OPTION_ARG_NONE, &options.update, "the data on the device stay",
		  NULL },
		{ "unattended", 0, 0, G_OPTION_ARG_NONE, &options.unattended, "nobody can be asked",
		  NULL },
		{ "attempts", 0, 0, G_OPTION_ARG_STRING, &options.attempts, "try at most so often",
		  "N" },
		{ "deadline", 0, 0, G_OPTION_ARG_STRING, &options.deadline,
		  "give up after: 90s, 30m, 2h", "D" },
		{ "policy", 0, 0, G_OPTION_ARG_FILENAME, &options.policy, "how far to go",
		  "NAME|FILE" },
		{ "consent", 0, 0, G_OPTION_ARG_STRING, &options.consent,
		  "also fine: latest (another build, when this one is not signed), "
		  "ignore-baseband, "
		  "erase (an update that cannot succeed)",
		  "WORD,…" },
		{ "events", 0, 0, G_OPTION_ARG_FILENAME, &options.events,
		  "write events as JSON Lines", "FILE|-" },
		{ "record", 0, 0, G_OPTION_ARG_FILENAME, &options.record,
		  "write the restore record, JSON, when it has ended", "FILE" },
		{ "line", 0, 0, G_OPTION_ARG_STRING, &options.line,
		  "of a job that “line run” has started: its id", "JOB" },
		{ "hold", 0, 0, G_OPTION_ARG_STRING, &options.hold,
		  "with --line: its engine may stand still for so long before it sends the system "
		  "image",
		  "D" },
		{ "no-relay", 0, 0, G_OPTION_ARG_NONE, &options.no_relay,
		  "let the engine ask the signing server by itself", NULL },
		{ "dry-run", 0, 0, G_OPTION_ARG_NONE, &options.dry_run,
		  "all checks, then touch nothing", NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_restore, entries, &arguments, &status))
		return status;
	if (arguments[0] != NULL)
		return rescue_fail_usage(cli, "restore: ‘%s’ is one argument too many",
					 arguments[0]);
	return run_options(cli, &options);
}

const RescueCommand rescue_command_restore = {
	.name = "restore",
	.arguments = "--ipsw FILE|--latest|--version V|--build B --erase|--update",
	.summary = "restore a device, and go on until it has booted or only a person can help",
	.details = "Neither --erase nor --update is ever assumed. With one device attached --ecid "
		   "may be left out.",
	.run = run,
};
