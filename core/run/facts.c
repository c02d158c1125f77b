/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

#include "core/failure/proof.h"

/* What the record of the job is made of beside its attempts: the device before and after, and the engine's proofs. */

#define FIND_MY                                                                                \
	"Find My is on: after this erase only its owner's Apple account and password set the " \
	"device up again. If they are not at hand, have the owner sign out of Find My first"

/* It does not stop a job that was told to erase; it is said as long as nothing is erased yet. */
static void
warn(RescueRun *run)
{
	RescueOwnerVerdict owner;

	rescue_owner_judge(&run->device->owner, run->device->mode, false, &owner);
	if (run->warned || run->job->behavior != RESCUE_BEHAVIOR_ERASE ||
	    (owner.find_my != RESCUE_ANSWER_ON && owner.activation_lock != RESCUE_ANSWER_ON))
		return;
	run->warned = true;
	rescue_run_say(run, rescue_event_note(run->step, FIND_MY));
}

void
rescue_run_say_before(RescueRun *run)
{
	/* what an earlier supervisor found was before; now it is in the middle of it */
	if (run->resume != NULL)
		return;
	run->before_told = true;
	rescue_run_say(run, rescue_event_facts("before", run->device, false));
	warn(run);
}

void
rescue_run_say_after(RescueRun *run, const RescueDevice *answer)
{
	bool erased = run->erased || run->job->behavior == RESCUE_BEHAVIOR_ERASE;

	rescue_run_say(run, rescue_event_facts("after", answer, erased));
}

static RescueJson *
lines_to_json(const GPtrArray *proofs)
{
	RescueJson *lines = rescue_json_array_new();

	for (guint i = 0; i < proofs->len; i++) {
		const RescueProof *proof = proofs->pdata[i];
		RescueJson *line = rescue_json_object_new();
		rescue_json_set_string(line, "name", proof->name);
		rescue_json_set_string(line, "shows", rescue_shows_name(proof->shows));
		rescue_json_set_int(line, "line", (int64_t)proof->number);
		rescue_json_set_string(line, "text", proof->text);
		rescue_json_append_take(lines, line);
	}
	return lines;
}

static const char *
end_word(RescueEngineEnd end)
{
	static const char *const words[] = {
		[RESCUE_END_NOT_RUN] = "not-run",     [RESCUE_END_EXITED] = "exited",
		[RESCUE_END_SIGNAL] = "signal",       [RESCUE_END_PATIENCE] = "ended-by-us",
		[RESCUE_END_MODE] = "ended-by-us",    [RESCUE_END_SAID_FAILED] = "ended-by-us",
		[RESCUE_END_STOPPED] = "ended-by-us", [RESCUE_END_UNSEEN] = "unseen",
	};

	return words[end];
}

void
rescue_run_say_evidence(RescueRun *run)
{
	const RescueEvidence *evidence = run->evidence;
	const RescueTranscript *transcript = evidence->transcript;
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "event", "evidence");
	rescue_json_set_int(body, "attempt", run->attempt);
	rescue_json_set_string(body, "phase", rescue_phase_name(evidence->phase));
	rescue_json_set_string(body, "end", end_word(evidence->end));
	rescue_json_set_int(body, "exit_status", evidence->exit_status);
	if (evidence->exit_signal != 0)
		rescue_json_set_int(body, "exit_signal", evidence->exit_signal);
	rescue_json_set_int(body, "transcript_lines",
			    (int64_t)rescue_transcript_line_count(transcript));
	rescue_json_take(body, "lines", lines_to_json(rescue_transcript_proofs(transcript)));
	rescue_run_say(run, body);
}
