/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/restore-options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/config/config.h"
#include "core/failure/failure.h"
#include "core/remedy/remedy.h"

#define MAX_ATTEMPTS 1000u
#define MAX_HOLD_MS  (60 * 60 * 1000)

void
rescue_restore_options_clear(RescueRestoreOptions *options)
{
	g_free(options->ecid);
	g_free(options->ipsw);
	g_free(options->version);
	g_free(options->build);
	g_free(options->attempts);
	g_free(options->deadline);
	g_free(options->policy);
	g_free(options->events);
	g_free(options->consent);
	g_free(options->record);
	g_free(options->line);
	g_free(options->hold);
	*options = (RescueRestoreOptions){ 0 };
}

static bool
refuse(GError **error, const char *sentence)
{
	g_set_error_literal(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, sentence);
	return false;
}

/* what is shipped has been checked; a file may name remedies that do not exist */
static RescuePolicy *
load_policy_file(const char *path, GError **error)
{
	g_autoptr(RescuePolicy) policy = rescue_policy_load(path, error);
	RescueRemedy remedy;

	for (size_t i = 0; policy != NULL && policy->never != NULL && policy->never[i] != NULL;
	     i++) {
		if (rescue_remedy_parse(policy->never[i], &remedy))
			continue;
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "%s: [policy] never: there is no remedy ‘%s’", path, policy->never[i]);
		return NULL;
	}
	return g_steal_pointer(&policy);
}

/* a name of the shipped ones, else a file */
static RescuePolicy *
load_policy(const char *name, GError **error)
{
	g_autoptr(RescuePolicy) shipped = rescue_policy_find_shipped(name);
	g_autofree char *names = NULL;

	if (shipped != NULL)
		return g_steal_pointer(&shipped);
	if (g_file_test(name, G_FILE_TEST_EXISTS))
		return load_policy_file(name, error);
	names = rescue_policy_list_shipped();
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "--policy: ‘%s’ is neither a file nor the name of a policy; there are: %s",
		    name, names);
	return NULL;
}

/* "latest,erase": on top of what the policy consents to; "none" takes that back */
static bool
set_consents(RescuePolicy *policy, const char *text, GError **error)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	bool none = strcmp(text, "none") == 0;

	if (none)
		policy->consents = 0;
	for (size_t i = 0; !none && words[i] != NULL; i++) {
		unsigned consent = 0;
		if (!rescue_consent_parse(words[i], &consent)) {
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
				    "--consent: ‘%s’ is nothing to consent to; there are: %s, or "
				    "none",
				    words[i], rescue_consent_words());
			return false;
		}
		policy->consents |= consent;
	}
	return true;
}

static bool
set_policy(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	uint64_t attempts;

	if (options->policy != NULL) {
		RescuePolicy *policy = load_policy(options->policy, error);
		if (policy == NULL)
			return false;
		rescue_policy_free(job->policy);
		job->policy = policy;
	}
	if (options->attempts != NULL) {
		if (!rescue_parse_uint(options->attempts, 1, MAX_ATTEMPTS, &attempts, error)) {
			g_prefix_error(error, "--attempts: ");
			return false;
		}
		job->policy->attempts = (unsigned)attempts;
	}
	if (options->deadline != NULL &&
	    !rescue_parse_duration(options->deadline, &job->policy->deadline_ms, error)) {
		g_prefix_error(error, "--deadline: ");
		return false;
	}
	if (options->consent != NULL && !set_consents(job->policy, options->consent, error))
		return false;
	return job->policy->deadline_ms > 0 ||
	       refuse(error, "--deadline: this leaves no time at all");
}

/* nobody's data are touched without a word for it */
static bool
set_behavior(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	bool erase = options->erase, update = options->update;

	if (erase && update)
		return refuse(error, "--erase and --update exclude each other");
	if (!erase && !update) {
		erase = job->policy->may_erase;
		update = job->policy->may_update;
		if (erase && update)
			return refuse(error, "the policy allows both: say --erase (the data go) or "
					     "--update (they stay)");
	}
	if (!erase && !update)
		return refuse(error,
			      "say --erase (the data on the device go) or --update (they stay)");
	job->behavior = erase ? RESCUE_BEHAVIOR_ERASE : RESCUE_BEHAVIOR_UPDATE;
	return true;
}

static bool
firmware_error(GError **error, RescueFailure failure, const char *path, const char *what)
{
	g_set_error(error, RESCUE_ERROR, (int)failure, "the firmware ‘%s’ %s", path, what);
	return false;
}

/* the catalogue is asked once the device has told its model */
static bool
set_wish(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	int wishes = options->latest + (options->version != NULL) + (options->build != NULL);

	if (wishes > 1)
		return refuse(error, "say one of --latest, --version and --build");
	if (options->beta && !options->latest)
		return refuse(error,
			      "--beta goes with --latest; a beta that is named needs no leave");
	if (options->version != NULL && !g_ascii_isdigit(options->version[0]))
		return refuse(error, "--version: this is no version such as 16.7.10");
	if (options->build != NULL && !rescue_build_is_valid(options->build))
		return refuse(error, "--build: this is no build such as 20H350");
	job->wish = (RescueWish){ .latest = options->latest,
				  .beta = options->beta,
				  .version = g_strdup(options->version),
				  .build = g_strdup(options->build) };
	return true;
}

static bool
set_firmware(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	bool wished = options->latest || options->version != NULL || options->build != NULL;

	if (options->ipsw != NULL && wished)
		return refuse(
		    error,
		    "--ipsw names the firmware: --latest, --version and --build do not go with it");
	if (wished || options->beta)
		return set_wish(job, options, error);
	if (options->ipsw == NULL)
		return refuse(error, "name the firmware with --ipsw FILE, --latest, --version V or "
				     "--build B");
	job->ipsw = g_canonicalize_filename(options->ipsw, NULL);
	if (g_file_test(job->ipsw, G_FILE_TEST_IS_DIR))
		return firmware_error(
		    error, RESCUE_FAILURE_FIRMWARE_NOT_IPSW, job->ipsw,
		    "is a folder; give the .ipsw file itself, not an unpacked one");
	if (!g_file_test(job->ipsw, G_FILE_TEST_EXISTS))
		return firmware_error(error, RESCUE_FAILURE_FIRMWARE_MISSING, job->ipsw,
				      "does not exist");
	if (!g_file_test(job->ipsw, G_FILE_TEST_IS_REGULAR))
		return firmware_error(error, RESCUE_FAILURE_FIRMWARE_NOT_IPSW, job->ipsw,
				      "is not a file");
	if (access(job->ipsw, R_OK) != 0)
		return firmware_error(error, RESCUE_FAILURE_FIRMWARE_UNREADABLE, job->ipsw,
				      "may not be read by this user");
	return true;
}

static bool
set_hold(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	int64_t ms = 0;

	if (options->hold == NULL)
		return true;
	if (options->line == NULL)
		return refuse(error, "--hold goes with --line: nobody else gives turns");
	if (!rescue_parse_duration(options->hold, &ms, error)) {
		g_prefix_error(error, "--hold: ");
		return false;
	}
	if (ms < 0 || ms > MAX_HOLD_MS)
		return refuse(error, "--hold: an hour is the most");
	job->hold_ms = (int)ms;
	return true;
}

/* told now: afterwards it would be too late */
static bool
check_record(const char *path, GError **error)
{
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;

	if (path == NULL)
		return true;
	if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "--record: ‘%s’ is there already, and is no file", path);
		return false;
	}
	if (access(dir, W_OK | X_OK) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "--record: nothing can be written to the folder ‘%s’: %s", dir,
		    g_strerror(errno));
	return false;
}

static bool
set_device(RescueJob *job, const RescueRestoreOptions *options, GError **error)
{
	return options->ecid == NULL || rescue_ecid_parse(options->ecid, &job->ecid, error);
}

RescueJob *
rescue_restore_options_to_job(const RescueRestoreOptions *options, GError **error)
{
	g_autoptr(RescueJob) job = rescue_job_new();

	job->unattended = options->unattended;
	job->dry_run = options->dry_run;
	job->no_relay = options->no_relay;
	if (!set_policy(job, options, error) || !set_behavior(job, options, error) ||
	    !set_device(job, options, error) || !set_firmware(job, options, error) ||
	    !set_hold(job, options, error) || !check_record(options->record, error))
		return NULL;
	return g_steal_pointer(&job);
}
