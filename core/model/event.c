/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/event.h"

#include "core/base/clock.h"

#define SCHEMA_VERSION 1

static RescueJson *
new_event(const char *name)
{
	RescueJson *event = rescue_json_object_new();
	rescue_json_set_string(event, "event", name);
	return event;
}

RescueJson *
rescue_event_job(const RescueJob *job)
{
	RescueJson *event = new_event("job");
	rescue_json_set_string(event, "ipsw", job->ipsw);
	if (!rescue_wish_is_empty(&job->wish)) {
		g_autofree char *want = rescue_wish_describe(&job->wish);
		rescue_json_set_string(event, "want", want);
	}
	rescue_json_set_string(event, "behavior", rescue_behavior_name(job->behavior));
	rescue_json_set_bool(event, "unattended", job->unattended);
	rescue_json_set_bool(event, "dry_run", job->dry_run);
	rescue_json_set_string(event, "engine", job->engine);
	rescue_json_set_string(event, "signing_server", job->signing_server);
	rescue_json_set_string(event, "host", job->host);
	rescue_json_set_string(event, "idevicerescue", RESCUE_VERSION);
	if (job->policy != NULL) {
		rescue_json_set_string(event, "policy", job->policy->name);
		rescue_json_set_int(event, "attempts", job->policy->attempts);
		rescue_json_set_int(event, "deadline", job->policy->deadline_ms / 1000);
	}
	return event;
}

static void
set_place(RescueJson *event, const RescuePlace *place)
{
	rescue_json_set_string(event, "port", place->port);
	if (place->speed_mbit != 0)
		rescue_json_set_int(event, "speed_mbit", place->speed_mbit);
}

RescueJson *
rescue_event_device(const RescueDevice *device)
{
	RescueJson *event = new_event("device");
	rescue_json_set_string(event, "mode", rescue_mode_name(device->mode));
	set_place(event, &device->place);
	rescue_json_set_string(event, "udid", device->udid);
	rescue_json_set_string(event, "product", device->product);
	rescue_json_set_string(event, "board", device->board);
	rescue_json_set_string(event, "serial", device->serial);
	rescue_json_set_string(event, "version", device->version);
	rescue_json_set_string(event, "build", device->build);
	if (device->have_chip) {
		rescue_json_set_int(event, "chip_id", device->chip_id);
		rescue_json_set_int(event, "board_id", device->board_id);
	}
	return event;
}

RescueJson *
rescue_event_firmware(const RescueRelease *release)
{
	RescueJson *event = new_event("firmware");
	g_autoptr(RescueJson) body = rescue_release_to_json(release);
	rescue_json_merge(event, body);
	return event;
}

RescueJson *
rescue_event_file(const RescueFirmware *firmware, const RescueRelease *release)
{
	RescueJson *event = new_event("file");
	rescue_json_set_string(event, "path", firmware->path);
	rescue_json_set_string(event, "version", firmware->version);
	rescue_json_set_string(event, "build", firmware->build);
	rescue_json_set_int(event, "size", (int64_t)MIN(firmware->size_bytes, G_MAXINT64));
	if (release != NULL) {
		rescue_json_set_string(event, "sha256", release->sha256);
		rescue_json_set_string(event, "sha1", release->sha1);
	}
	return event;
}

RescueJson *
rescue_event_facts(const char *when, const RescueDevice *device, bool erased)
{
	RescueJson *event = new_event("facts");
	RescueOwnerVerdict owner;

	rescue_owner_judge(&device->owner, device->mode, erased, &owner);
	rescue_json_set_string(event, "when", when);
	rescue_json_set_string(event, "mode", rescue_mode_name(device->mode));
	rescue_json_set_string(event, "product", device->product);
	rescue_json_set_string(event, "serial", device->serial);
	rescue_json_set_string(event, "version", device->version);
	rescue_json_set_string(event, "build", device->build);
	rescue_json_set_string(event, "activation_state", owner.activation);
	rescue_json_set_string(event, "find_my", rescue_answer_name(owner.find_my));
	rescue_json_set_string(event, "activation_lock", rescue_answer_name(owner.activation_lock));
	rescue_json_set_string(event, "supervised", rescue_answer_name(owner.supervised));
	rescue_json_set_string(event, "why", owner.why);
	return event;
}

RescueJson *
rescue_event_note(RescuePhase phase, const char *text)
{
	RescueJson *event = new_event("note");
	rescue_json_set_string(event, "phase", rescue_phase_name(phase));
	rescue_json_set_string(event, "text", text);
	return event;
}

RescueJson *
rescue_event_step(RescuePhase phase, bool begin)
{
	RescueJson *event = new_event("step");
	rescue_json_set_string(event, "phase", rescue_phase_name(phase));
	rescue_json_set_string(event, "state", begin ? "begin" : "end");
	return event;
}

RescueJson *
rescue_event_progress(RescuePhase phase, double fraction, uint64_t bytes, uint64_t total)
{
	RescueJson *event = new_event("progress");
	rescue_json_set_string(event, "phase", rescue_phase_name(phase));
	rescue_json_set_real(event, "fraction", fraction);
	if (total != 0) {
		rescue_json_set_int(event, "bytes", (int64_t)MIN(bytes, G_MAXINT64));
		rescue_json_set_int(event, "total", (int64_t)MIN(total, G_MAXINT64));
	}
	return event;
}

RescueJson *
rescue_event_attempt(unsigned number, const char *engine, const char *outcome)
{
	RescueJson *event = new_event("attempt");
	rescue_json_set_int(event, "number", number);
	rescue_json_set_string(event, "engine", engine);
	rescue_json_set_string(event, "outcome", outcome);
	return event;
}

RescueJson *
rescue_event_operator(const char *instruction, int64_t deadline_ms)
{
	RescueJson *event = new_event("operator");
	rescue_json_set_string(event, "instruction", instruction);
	rescue_json_set_int(event, "deadline", (deadline_ms + 999) / 1000);
	return event;
}

RescueJson *
rescue_event_turn(const RescueTurnEvent *turn)
{
	RescueJson *event = new_event("turn");
	rescue_json_set_string(event, "turn", turn->turn);
	rescue_json_set_int(event, "number", turn->number);
	rescue_json_set_string(event, "state", turn->why != NULL ? "end" : "begin");
	if (turn->image_bytes != 0)
		rescue_json_set_int(event, "image_bytes", (int64_t)turn->image_bytes);
	if (turn->scratch_bytes != 0)
		rescue_json_set_int(event, "scratch_bytes", (int64_t)turn->scratch_bytes);
	if (turn->old_engine)
		rescue_json_set_bool(event, "old_engine", true);
	if (turn->holds)
		rescue_json_set_bool(event, "holds", true);
	rescue_json_set_string(event, "why", turn->why);
	return event;
}

RescueJson *
rescue_event_alive(RescuePhase phase)
{
	RescueJson *event = new_event("alive");
	if (phase < RESCUE_PHASE_LAST)
		rescue_json_set_string(event, "phase", rescue_phase_name(phase));
	return event;
}

RescueJson *
rescue_event_stamp(const RescueJson *body, uint64_t seq, int64_t wall_us, const char *job,
		   RescueEcid ecid)
{
	char text[RESCUE_ECID_TEXT];
	g_autofree char *ts = rescue_clock_format(wall_us);
	RescueJson *event = rescue_json_object_new();
	rescue_json_set_int(event, "v", SCHEMA_VERSION);
	rescue_json_set_int(event, "seq", (int64_t)seq);
	rescue_json_set_string(event, "ts", ts);
	rescue_json_set_string(event, "job", job);
	if (ecid != 0)
		rescue_json_set_string(event, "ecid", rescue_ecid_format(ecid, text));
	rescue_json_merge(event, body);
	return event;
}
