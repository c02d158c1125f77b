/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/*
 * The system image. Most engines want it unpacked; each would do that by itself, gigabytes for every device. It is done
 * once for all jobs of this computer instead, and where that is not possible, the old way, if there is room for it. An
 * engine that reads it inside of the archive needs none of this; then it is only read, and compared with its checksum,
 * before the device is touched.
 */

static bool
is_needed(const RescueRun *run)
{
	return !(run->engine.streams_stored && run->firmware->os_image_stored);
}

/* what was fetched is known by its digest; of another file nobody knows whether its image is whole */
static bool
is_known(const RescueRun *run)
{
	return !is_needed(run) && run->fetched_path != NULL;
}

/* what the engine needs, where it has to unpack by itself */
static uint64_t
engines_own_bytes(const RescueRun *run)
{
	return is_needed(run) ? run->firmware->os_image_bytes : 0;
}

static bool
make_room_for_engine(RescueRun *run, uint64_t bytes, GError **error)
{
	const RescuePorts *ports = run->ports;

	run->asked_bytes = bytes;
	return ports->host->check_space(ports->host_self, bytes, error);
}

/* what the engine would stumble over just the same, and what ends the job */
static bool
is_final(const RescueRun *run, const GError *error)
{
	return run->stops > 0 || rescue_run_ms_left(run) <= 0 || error->domain != RESCUE_ERROR ||
	       error->code == RESCUE_FAILURE_FIRMWARE_DAMAGED ||
	       error->code == RESCUE_FAILURE_FIRMWARE_NOT_IPSW ||
	       error->code == RESCUE_FAILURE_FIRMWARE_INCOMPLETE ||
	       error->code == RESCUE_FAILURE_FIRMWARE_MISSING ||
	       error->code == RESCUE_FAILURE_FIRMWARE_UNREADABLE;
}

static bool
unpack_once(RescueRun *run, const char *member, GError **error)
{
	const RescuePorts *ports = run->ports;
	g_autofree char *image = NULL;
	uint64_t bytes = 0;
	const RescueFollow what = { .phase = RESCUE_PHASE_VERIFY_FIRMWARE,
				    .what = "the unpacking of the system image",
				    .silence = (RescueFailure)RESCUE_ERROR_HOST_IO,
				    .kept = "the system image was not unpacked to its end",
				    .end = ports->prepare->end,
				    .self = ports->prepare_self,
				    .ret_bytes = &bytes };

	if (!ports->prepare->start(ports->prepare_self, run->job->ipsw, member, !is_needed(run),
				   error))
		return false;
	image = rescue_run_follow(run, &what, error);
	if (image == NULL || !is_needed(run))
		return image != NULL;
	rescue_set_string(&run->image_member, member);
	run->image = g_steal_pointer(&image);
	run->image_bytes = bytes;
	return true;
}

static bool
leave_it_to_engine(RescueRun *run, GError *reason, GError **error)
{
	g_autofree char *text = g_strdup_printf(
	    is_needed(run) ? "the system image cannot be unpacked for all jobs (%s); the engine "
			     "does it for this one"
			   : "the system image cannot be compared with its checksum (%s); the "
			     "engine takes it as it is",
	    reason->message);

	g_error_free(reason);
	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_VERIFY_FIRMWARE, text));
	return make_room_for_engine(run, engines_own_bytes(run), error);
}

bool
rescue_run_unpack(RescueRun *run, const RescueIdentity *identity, GError **error)
{
	GError *reason = NULL;

	g_clear_pointer(&run->image, g_free);
	if (is_known(run))
		return make_room_for_engine(run, 0, error);
	if (run->ports->prepare == NULL || run->job->dry_run || identity == NULL ||
	    identity->os_image == NULL)
		return make_room_for_engine(run, engines_own_bytes(run), error);
	rescue_run_step(run, RESCUE_PHASE_VERIFY_FIRMWARE);
	if (unpack_once(run, identity->os_image, &reason))
		return make_room_for_engine(run, 0, error);
	if (!is_final(run, reason))
		return leave_it_to_engine(run, reason, error);
	g_propagate_error(error, reason);
	return false;
}
