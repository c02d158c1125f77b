/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * A look into the archive on its server before gigabytes of it are fetched: is it for this device, can it do what is
 * asked for, is it signed? Only such a verdict ends the job here. Whatever keeps us from one is the business of the
 * download, which has more patience and more addresses, and of the checks behind it, which see the file itself.
 */

/* a smaller file is here as quickly as it is asked about */
#define WORTH_BYTES (UINT64_C(64) << 20)

static bool
is_worth_it(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	const RescueRelease *release = run->release;

	if (release->urls[0] == NULL || g_strcmp0(run->peeked, release->build) == 0)
		return false;
	if (release->size_bytes != 0 && release->size_bytes < WORTH_BYTES)
		return false;
	return !ports->fetch->is_here(ports->fetch_self, release);
}

/* the file is fetched all the same, and the reason why nobody knows goes into the journal only */
static bool
go_on(RescueRun *run, GError *silence)
{
	g_autofree char *text = g_strdup_printf("%s could not be looked into on its server: %s",
						run->release->build, silence->message);

	rescue_run_say(run, rescue_event_note(run->step, text));
	g_error_free(silence);
	return true;
}

static bool
judge(RescueRun *run, const char *url, GError **error)
{
	const RescueIdentity *identity = NULL;
	GError *unfit = NULL;

	if (rescue_run_check_model(run, &identity, &unfit))
		return rescue_run_ask_ahead(run, identity, url, error);
	if (g_error_matches(unfit, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE))
		return go_on(run, unfit);
	g_propagate_error(error, unfit);
	return false;
}

static bool
look(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;
	const char *url = run->release->urls[0];
	GError *silence = NULL;

	rescue_run_step(run, RESCUE_PHASE_VERIFY_FIRMWARE);
	rescue_firmware_free(run->firmware);
	run->firmware = ports->inspect->inspect(ports->inspect_self, url, &silence);
	return run->firmware != NULL ? judge(run, url, error) : go_on(run, silence);
}

bool
rescue_run_peek(RescueRun *run, GError **error)
{
	bool fine;

	if (!is_worth_it(run))
		return true;
	fine = look(run, error);
	if (fine)
		rescue_set_string(&run->peeked, run->release->build);
	/* what counts later is what the file here says */
	g_clear_pointer(&run->firmware, rescue_firmware_free);
	return fine;
}
