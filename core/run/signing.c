/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * Is this build signed for this device? Asked before anything is touched, and never decided by one voice: the server
 * says "not eligible" to a malformed request too, and whoever cannot be reached by us may still answer the engine,
 * which tries other addresses and does not look at certificates.
 */

/* what a pause may cure; all else that keeps us from knowing is our own business, and the engine finds out */
static const RescueFailure passing[] = {
	RESCUE_FAILURE_SIGNING_SERVER,
	RESCUE_FAILURE_SIGNING_UNREACHABLE,
	RESCUE_FAILURE_SIGNING_INTERCEPTED,
	RESCUE_FAILURE_SIGNING_INCOMPLETE,
};

/* so often a job waits for the server before it lets the engine try its own ways */
#define PATIENCE 1u

static void
tell(RescueRun *run, const char *source, const char *verdict, const GError *why)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "signing");
	rescue_json_set_string(body, "source", source);
	rescue_json_set_string(body, "verdict", verdict);
	if (why != NULL) {
		rescue_json_set_string(body, "failure",
				       rescue_failure_info((RescueFailure)why->code)->name);
		rescue_json_set_string(body, "message", why->message);
	}
	rescue_run_say(run, body);
}

static bool
may_pass(const GError *error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(passing); i++) {
		if (g_error_matches(error, RESCUE_ERROR, (int)passing[i]))
			return true;
	}
	return false;
}

/* Nobody knows. Once this is a failure like any other, with a pause behind it; then the engine has its turn. */
static bool
bear(RescueRun *run, GError *unknown, GError **error)
{
	tell(run, "probe", "unknown", unknown);
	if (may_pass(unknown) && run->unanswered++ < PATIENCE) {
		g_propagate_error(error, unknown);
		return false;
	}
	g_error_free(unknown);
	return true;
}

/* The probe was told no. The engine, which makes its request in its own way, is heard too. */
static bool
doubt(RescueRun *run, GError *refusal, GError **error)
{
	static const char *const words[] = {
		[RESCUE_REFUSAL_CONFIRMED] = "refused",
		[RESCUE_REFUSAL_DENIED] = "signed",
		[RESCUE_REFUSAL_UNKNOWN] = "unknown",
	};
	const RescuePorts *ports = run->ports;
	RescueEngineStart start = { .job = run->job, .device = run->device };
	RescueRefusal said;

	tell(run, "probe", "refused", refusal);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, true);
	said = ports->engine->confirm_refusal(ports->engine_self, &start);
	ports->devices->set_busy(ports->devices_self, run->job->ecid, false);
	tell(run, "engine", words[said], NULL);
	if (said == RESCUE_REFUSAL_CONFIRMED) {
		g_propagate_error(error, refusal);
		return false;
	}
	g_error_free(refusal);
	return true;
}

static bool
ask(const RescueRun *run, const RescueIdentity *identity, const char *ipsw, int *ret_status,
    GError **error)
{
	const RescuePorts *ports = run->ports;
	const RescueSigningQuestion question = {
		.ipsw = ipsw,
		.ecid = run->job->ecid,
		.chip_id = identity->chip_id,
		.board_id = identity->board_id,
		.variant = identity->variant,
		.behavior = run->job->behavior,
	};

	return ports->signing->check(ports->signing_self, &question, ret_status, error);
}

/*
 * The second voice is that of the catalogues here, for the engine has nothing to ask about yet. Where they contradict
 * the server they are hours behind it, or our request is malformed: then the file is fetched, and the engine decides.
 */
bool
rescue_run_ask_ahead(RescueRun *run, const RescueIdentity *identity, const char *url,
		     GError **error)
{
	static const char *const called[] = {
		[RESCUE_SIGNED_NO] = "refused",
		[RESCUE_SIGNED_YES] = "signed",
		[RESCUE_SIGNED_UNKNOWN] = "unknown",
	};
	bool called_unsigned = run->release->is_signed == RESCUE_SIGNED_NO;
	GError *said = NULL;
	int status = 0;
	bool refused;

	if (run->ports->signing == NULL)
		return true;
	rescue_run_step(run, RESCUE_PHASE_PERSONALIZE);
	if (ask(run, identity, url, &status, &said)) {
		tell(run, "probe", "signed", NULL);
		return true;
	}
	refused = g_error_matches(said, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_REFUSED);
	tell(run, "probe", refused ? "refused" : "unknown", said);
	if (refused)
		tell(run, "catalogue", called[run->release->is_signed], NULL);
	if (!refused || !called_unsigned) {
		g_error_free(said);
		return true;
	}
	run->evidence->signing = RESCUE_FAILURE_SIGNING_REFUSED;
	run->evidence->signing_status = status;
	g_propagate_error(error, said);
	return false;
}

bool
rescue_run_check_signing(RescueRun *run, const RescueIdentity *identity, GError **error)
{
	GError *said = NULL;
	int status = 0;

	if (run->ports->signing == NULL)
		return true;
	rescue_run_step(run, RESCUE_PHASE_PERSONALIZE);
	if (ask(run, identity, run->job->ipsw, &status, &said)) {
		tell(run, "probe", "signed", NULL);
		return true;
	}
	run->evidence->signing = (RescueFailure)said->code;
	run->evidence->signing_status = status;
	return g_error_matches(said, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_REFUSED)
		   ? doubt(run, said, error)
		   : bear(run, said, error);
}

static void
tell_relay(RescueRun *run, const RescueObservation *seen, const char *verdict)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "signing");
	rescue_json_set_string(body, "source", "relay");
	rescue_json_set_string(body, "verdict", verdict);
	rescue_json_set_string(body, "failure", seen->failure);
	if (seen->signing_status > 0)
		rescue_json_set_int(body, "status", seen->signing_status);
	rescue_json_set_string(body, "ticket_sha256", seen->ticket_sha256);
	rescue_json_set_string(body, "message", seen->failure != NULL ? seen->line : NULL);
	rescue_run_say(run, body);
}

/* an outage is told at its begin and at its end, an answer that is none always */
bool
rescue_run_note_signing(RescueRun *run, const RescueObservation *seen, bool telling)
{
	RescueEvidence *evidence = run->evidence;
	bool began = seen->waiting && !run->relay_waits;
	const char *verdict = seen->waiting           ? "waiting"
			      : seen->failure != NULL ? "failed"
						      : "signed";

	evidence->signing = RESCUE_FAILURE_NONE;
	evidence->signing_status = seen->signing_status != -1 ? seen->signing_status : 0;
	if (seen->failure != NULL && !rescue_failure_parse(seen->failure, &evidence->signing))
		evidence->signing = RESCUE_FAILURE_SIGNING_FAILED;
	if (telling && (began || !seen->waiting))
		tell_relay(run, seen, verdict);
	run->relay_waits = seen->waiting;
	return seen->waiting;
}
