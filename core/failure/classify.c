/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/evidence.h"

#include "core/base/error.h"
#include "core/failure/verdict.h"

/* weights of signature.def from which a line counts as what */
#define WEIGHT_CAUSE     40
#define WEIGHT_AUTHORITY 80

#define EXIT_NOT_RUNNABLE 126
#define EXIT_NOT_LOADABLE 127

/* what silence means: the engine was ended because a step made no progress */
static const RescueFailure silent[RESCUE_PHASE_LAST] = {
	[RESCUE_PHASE_UNKNOWN] = RESCUE_FAILURE_ENGINE_STUCK,
	[RESCUE_PHASE_DETECT] = RESCUE_FAILURE_DEVICE_SILENT,
	[RESCUE_PHASE_PREFLIGHT] = RESCUE_FAILURE_ENGINE_STUCK,
	[RESCUE_PHASE_DOWNLOAD] = RESCUE_FAILURE_DOWNLOAD_FAILED,
	[RESCUE_PHASE_VERIFY_FIRMWARE] = RESCUE_FAILURE_ENGINE_STUCK,
	[RESCUE_PHASE_PERSONALIZE] = RESCUE_FAILURE_SIGNING_UNREACHABLE,
	[RESCUE_PHASE_ENTER_RECOVERY] = RESCUE_FAILURE_RECOVERY_REFUSED,
	[RESCUE_PHASE_ENTER_DFU] = RESCUE_FAILURE_DFU_NOT_ENTERED,
	[RESCUE_PHASE_SEND_BOOTLOADER] = RESCUE_FAILURE_USB_TRANSFER,
	[RESCUE_PHASE_BOOT_RAMDISK] = RESCUE_FAILURE_USB_TRANSFER,
	[RESCUE_PHASE_WAIT_RESTORE_MODE] = RESCUE_FAILURE_RESTORE_MODE_MISSED,
	[RESCUE_PHASE_HANDSHAKE] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_FILESYSTEM] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_VERIFY_FILESYSTEM] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_FDR] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_BASEBAND] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_NOR] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_FIRMWARE_UPDATES] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_FINISH] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_CONFIRM] = RESCUE_FAILURE_BOOT_NOT_SEEN,
};

/* what it mostly was when somebody's log ends in a step without a telling line */
static const RescueFailure unseen[RESCUE_PHASE_LAST] = {
	[RESCUE_PHASE_UNKNOWN] = RESCUE_FAILURE_ENGINE_MUTE,
	[RESCUE_PHASE_DETECT] = RESCUE_FAILURE_USB_ACCESS,
	[RESCUE_PHASE_PREFLIGHT] = RESCUE_FAILURE_ENGINE_MUTE,
	[RESCUE_PHASE_DOWNLOAD] = RESCUE_FAILURE_DOWNLOAD_FAILED,
	[RESCUE_PHASE_VERIFY_FIRMWARE] = RESCUE_FAILURE_FIRMWARE_DAMAGED,
	[RESCUE_PHASE_PERSONALIZE] = RESCUE_FAILURE_SIGNING_UNREACHABLE,
	[RESCUE_PHASE_ENTER_RECOVERY] = RESCUE_FAILURE_RECOVERY_REFUSED,
	[RESCUE_PHASE_ENTER_DFU] = RESCUE_FAILURE_DFU_NOT_ENTERED,
	[RESCUE_PHASE_SEND_BOOTLOADER] = RESCUE_FAILURE_USB_TRANSFER,
	[RESCUE_PHASE_BOOT_RAMDISK] = RESCUE_FAILURE_USB_TRANSFER,
	[RESCUE_PHASE_WAIT_RESTORE_MODE] = RESCUE_FAILURE_RESTORE_MODE_MISSED,
	[RESCUE_PHASE_HANDSHAKE] = RESCUE_FAILURE_ENGINE_TOO_OLD,
	[RESCUE_PHASE_FILESYSTEM] = RESCUE_FAILURE_ASR_TRANSFER,
	[RESCUE_PHASE_VERIFY_FILESYSTEM] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_FDR] = RESCUE_FAILURE_FDR_UNREACHABLE,
	[RESCUE_PHASE_BASEBAND] = RESCUE_FAILURE_BASEBAND_FAILED,
	[RESCUE_PHASE_NOR] = RESCUE_FAILURE_DEVICE_RESTARTED,
	[RESCUE_PHASE_FIRMWARE_UPDATES] = RESCUE_FAILURE_ENGINE_TOO_OLD,
	[RESCUE_PHASE_FINISH] = RESCUE_FAILURE_RESTORED_SILENT,
	[RESCUE_PHASE_CONFIRM] = RESCUE_FAILURE_BOOT_NOT_SEEN,
};

static RescuePhase
active_phase(const RescueEvidence *evidence)
{
	if (evidence->phase != RESCUE_PHASE_UNKNOWN || evidence->transcript == NULL)
		return evidence->phase;
	return rescue_transcript_phase(evidence->transcript);
}

static bool
is_boot_mode(RescueMode mode)
{
	return mode == RESCUE_MODE_RECOVERY || mode == RESCUE_MODE_DFU || mode == RESCUE_MODE_WTF;
}

/* it had been told to start the restore system, and was in a boot loader again */
static bool
fell_back(const RescueEvidence *evidence)
{
	for (guint i = 0; i < evidence->modes->len; i++) {
		const RescueModeChange *change = &g_array_index(evidence->modes, RescueModeChange,
								i);
		if (change->phase == RESCUE_PHASE_WAIT_RESTORE_MODE && is_boot_mode(change->mode))
			return true;
	}
	return is_boot_mode(evidence->mode);
}

typedef struct {
	RescueFailure told;
	RescuePhase phase; /* LAST: any */
	RescueFact fact;
	RescueFailure failure;
	RescuePhase moved; /* LAST: where it is */
} Context;

/* columns of context.def that are no members */
#define RESCUE_PHASE_ANY    RESCUE_PHASE_LAST
#define RESCUE_PHASE_SAME   RESCUE_PHASE_LAST
#define RESCUE_FACT_NOTHING RESCUE_FACT_LAST

static const Context contexts[] = {
#define RESCUE_CONTEXT(told_id, phase_id, fact_id, failure_id, moved_id)            \
	{ RESCUE_FAILURE_##told_id, RESCUE_PHASE_##phase_id, RESCUE_FACT_##fact_id, \
	  RESCUE_FAILURE_##failure_id, RESCUE_PHASE_##moved_id },
#include "core/failure/context.def"
#undef RESCUE_CONTEXT
};

static bool
holds(const RescueEvidence *evidence, const Context *context, RescuePhase phase)
{
	if (context->phase != RESCUE_PHASE_ANY && context->phase != phase)
		return false;
	return context->fact == RESCUE_FACT_NOTHING ||
	       rescue_transcript_has_fact(evidence->transcript, context->fact);
}

/* what else was said changes what a line means, and where it happened */
static void
see_context(const RescueEvidence *evidence, RescueJudgement *judgement)
{
	if (evidence->end != RESCUE_END_UNSEEN)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(contexts); i++) {
		const Context *context = &contexts[i];
		if (context->told != judgement->failure ||
		    !holds(evidence, context, judgement->phase))
			continue;
		if (context->failure != judgement->failure)
			judgement->confidence = context->fact == RESCUE_FACT_NOTHING
						    ? RESCUE_CONFIDENCE_LOW
						    : RESCUE_CONFIDENCE_MEDIUM;
		judgement->failure = context->failure;
		if (context->moved != RESCUE_PHASE_SAME)
			judgement->phase = context->moved;
		return;
	}
}

static bool
is_link_trouble(RescueFailure failure)
{
	return failure == RESCUE_FAILURE_USB_TRANSFER || failure == RESCUE_FAILURE_RESTORED_LOST ||
	       failure == RESCUE_FAILURE_ASR_TRANSFER || failure == RESCUE_FAILURE_DEVICE_SILENT ||
	       failure == RESCUE_FAILURE_RESTORED_SILENT;
}

static bool
was_seen_to_leave(const RescueEvidence *evidence, RescuePhase phase)
{
	for (guint i = 0; i < evidence->modes->len; i++) {
		const RescueModeChange *change = &g_array_index(evidence->modes, RescueModeChange,
								i);
		if (change->phase == phase && change->mode == RESCUE_MODE_ABSENT)
			return true;
	}
	return false;
}

/* it was off the bus while it was being sent something; back by now or not */
static bool
dropped(const RescueEvidence *evidence, RescuePhase phase)
{
	return evidence->left_bus || evidence->mode == RESCUE_MODE_ABSENT ||
	       was_seen_to_leave(evidence, phase);
}

/* what a verification error stands for behind the image */
static const RescueFailure catch_all[RESCUE_PHASE_LAST] = {
	[RESCUE_PHASE_BASEBAND] = RESCUE_FAILURE_BASEBAND_FAILED,
	[RESCUE_PHASE_NOR] = RESCUE_FAILURE_UPDATER_FAILED,
	[RESCUE_PHASE_FIRMWARE_UPDATES] = RESCUE_FAILURE_UPDATER_FAILED,
};

/* what a line says, and what it means where and when it was said */
static RescueFailure
refine(const RescueEvidence *evidence, RescueFailure told, RescuePhase phase)
{
	if (is_link_trouble(told) && dropped(evidence, phase))
		return RESCUE_FAILURE_USB_LINK_DROPPED;
	/* it was there when the engine was started, and left while that one looked for it */
	if (told == RESCUE_FAILURE_DEVICE_NOT_FOUND && was_seen_to_leave(evidence, phase))
		return RESCUE_FAILURE_USB_LINK_DROPPED;
	if (told == RESCUE_FAILURE_RESTORE_MODE_MISSED && fell_back(evidence))
		return RESCUE_FAILURE_RESTORE_MODE_BOUNCED;
	/* the device's catch-all number: the image is verified long before the parts get their firmware */
	if (told == RESCUE_FAILURE_VERIFY_FAILED && catch_all[phase] != RESCUE_FAILURE_NONE)
		return catch_all[phase];
	return told;
}

/* the most telling line; of equals the first, the others follow from it */
static const RescueHit *
find_cause(const RescueEvidence *evidence)
{
	const RescueHit *best = NULL;
	if (evidence->transcript == NULL)
		return NULL;
	const GPtrArray *hits = rescue_transcript_hits(evidence->transcript);
	for (guint i = 0; i < hits->len; i++) {
		const RescueHit *hit = g_ptr_array_index(hits, i);
		/* in a log of others it is a fact beside the cause, see judge_exploited() */
		if (evidence->end == RESCUE_END_UNSEEN &&
		    hit->failure == RESCUE_FAILURE_DEVICE_EXPLOITED)
			continue;
		if (best == NULL || hit->weight > best->weight)
			best = hit;
	}
	return best;
}

/* the step that the first of the lines behind this one comes from, when this one has no place of its own */
static RescuePhase
phase_of_consequences(const RescueEvidence *evidence, const RescueHit *cause)
{
	const GPtrArray *hits = rescue_transcript_hits(evidence->transcript);
	for (guint i = 0; i < hits->len; i++) {
		const RescueHit *hit = g_ptr_array_index(hits, i);
		if (hit->number > cause->number && hit->phase != RESCUE_PHASE_UNKNOWN)
			return hit->phase;
	}
	return RESCUE_PHASE_UNKNOWN;
}

/* the engine's two streams may arrive out of order, so a line may seem to come from a step before its own */
static RescuePhase
phase_of(const RescueEvidence *evidence, const RescueHit *hit)
{
	RescuePhase usual = rescue_failure_info(hit->failure)->phase;
	RescuePhase told = hit->phase != RESCUE_PHASE_UNKNOWN
			       ? hit->phase
			       : phase_of_consequences(evidence, hit);
	if (told == RESCUE_PHASE_UNKNOWN && usual == RESCUE_PHASE_UNKNOWN)
		return active_phase(evidence);
	if (evidence->end == RESCUE_END_UNSEEN && told != RESCUE_PHASE_UNKNOWN)
		return told;
	return MAX(told, usual);
}

/* what an engine says of a signing server that it could not ask, or whose answer it did not understand */
static const RescueFailure signing_guesses[] = {
	RESCUE_FAILURE_SIGNING_SERVER,      RESCUE_FAILURE_SIGNING_UNREACHABLE,
	RESCUE_FAILURE_SIGNING_INTERCEPTED, RESCUE_FAILURE_SIGNING_INCOMPLETE,
	RESCUE_FAILURE_SIGNING_FAILED,      RESCUE_FAILURE_SIGNING_PART,
	RESCUE_FAILURE_ENGINE_MUTE,         RESCUE_FAILURE_ENGINE_STUCK,
};

/* the engine names the number, the relay whose ticket it was; without relay only the step tells it */
static RescueFailure
judge_refusal(const RescueEvidence *evidence, RescuePhase phase)
{
	if (evidence->signing == RESCUE_FAILURE_SIGNING_BASEBAND ||
	    evidence->signing == RESCUE_FAILURE_SIGNING_PART)
		return evidence->signing;
	if (evidence->signing != RESCUE_FAILURE_NONE || phase < RESCUE_PHASE_HANDSHAKE)
		return RESCUE_FAILURE_SIGNING_REFUSED;
	return phase == RESCUE_PHASE_BASEBAND ? RESCUE_FAILURE_SIGNING_BASEBAND
					      : RESCUE_FAILURE_SIGNING_PART;
}

/* the relay has seen certificate, HTTP and number; the engine at most the last of them */
static RescueFailure
hear_relay(const RescueEvidence *evidence, RescueFailure told, RescuePhase phase)
{
	if (told == RESCUE_FAILURE_SIGNING_REFUSED)
		return judge_refusal(evidence, phase);
	for (size_t i = 0;
	     evidence->signing != RESCUE_FAILURE_NONE && i < G_N_ELEMENTS(signing_guesses); i++) {
		if (signing_guesses[i] == told)
			return evidence->signing;
	}
	return told;
}

static RescueJudgement
judge_hit(const RescueEvidence *evidence, const RescueHit *hit)
{
	RescueJudgement judgement = { .told = hit->failure,
				      .hit = hit,
				      .phase = phase_of(evidence, hit) };
	judgement.failure = hear_relay(evidence, refine(evidence, hit->failure, judgement.phase),
				       judgement.phase);
	judgement.confidence = hit->weight >= WEIGHT_AUTHORITY ||
				       judgement.failure != judgement.told
				   ? RESCUE_CONFIDENCE_HIGH
			       : hit->weight >= WEIGHT_CAUSE ? RESCUE_CONFIDENCE_MEDIUM
							     : RESCUE_CONFIDENCE_LOW;
	see_context(evidence, &judgement);
	return judgement;
}

/* the device went where no success can come from, and the engine was ended for it */
static RescueFailure
judge_mode(const RescueEvidence *evidence, RescuePhase phase)
{
	if (phase == RESCUE_PHASE_WAIT_RESTORE_MODE || phase == RESCUE_PHASE_BOOT_RAMDISK) {
		if (is_boot_mode(evidence->mode))
			return RESCUE_FAILURE_RESTORE_MODE_BOUNCED;
		if (phase == RESCUE_PHASE_WAIT_RESTORE_MODE)
			return RESCUE_FAILURE_RESTORE_MODE_MISSED;
	}
	if (evidence->left_bus || evidence->mode == RESCUE_MODE_ABSENT)
		return RESCUE_FAILURE_USB_LINK_DROPPED;
	if (phase == RESCUE_PHASE_SEND_BOOTLOADER)
		return RESCUE_FAILURE_BOOTLOADER_SILENT;
	if (phase == RESCUE_PHASE_ENTER_RECOVERY)
		return RESCUE_FAILURE_RECOVERY_REFUSED;
	return RESCUE_FAILURE_RESTORED_LOST;
}

static RescueFailure
judge_exit(const RescueEvidence *evidence)
{
	if (evidence->exit_status == EXIT_NOT_LOADABLE ||
	    evidence->exit_status == EXIT_NOT_RUNNABLE)
		return RESCUE_FAILURE_ENGINE_UNUSABLE;
	return RESCUE_FAILURE_ENGINE_MUTE;
}

/* nothing went wrong with the link when the engine had sent all and waited for the device to start it */
static RescueFailure
judge_silence(const RescueEvidence *evidence, RescuePhase phase)
{
	RescueAwaited awaited = evidence->transcript != NULL
				    ? rescue_transcript_awaits(evidence->transcript)
				    : RESCUE_AWAITS_NOTHING;

	if (phase == RESCUE_PHASE_BOOT_RAMDISK && awaited == RESCUE_AWAITS_LEAVING)
		return RESCUE_FAILURE_RAMDISK_NOT_BOOTED;
	if (phase == RESCUE_PHASE_SEND_BOOTLOADER && awaited == RESCUE_AWAITS_LEAVING)
		return RESCUE_FAILURE_BOOTLOADER_REJECTED;
	if (phase == RESCUE_PHASE_SEND_BOOTLOADER && awaited == RESCUE_AWAITS_RETURN)
		return RESCUE_FAILURE_BOOTLOADER_SILENT;
	return hear_relay(evidence, refine(evidence, silent[phase], phase), phase);
}

/* its log ends without a telling line: where it was, and what it was waiting for; `hit`: what stood there, or NULL */
static RescueJudgement
judge_unseen(const RescueEvidence *evidence, const RescueHit *hit)
{
	RescuePhase phase = active_phase(evidence);
	RescueFailure waited = judge_silence(evidence, phase);
	RescueJudgement judgement = { .phase = phase,
				      .hit = hit,
				      .confidence = RESCUE_CONFIDENCE_LOW };
	bool stranger = evidence->transcript == NULL ||
			rescue_transcript_dialect(evidence->transcript) == RESCUE_DIALECT_UNKNOWN;
	if (phase == RESCUE_PHASE_UNKNOWN && stranger)
		judgement.failure = RESCUE_FAILURE_UNEXPLAINED;
	else
		judgement.failure = waited != silent[phase] ? waited : unseen[phase];
	judgement.told = hit != NULL ? hit->failure : judgement.failure;
	see_context(evidence, &judgement);
	return judgement;
}

/* no line tells it: the way in which the engine ended */
static RescueJudgement
judge_end(const RescueEvidence *evidence)
{
	RescuePhase phase = active_phase(evidence);
	RescueJudgement judgement = { .phase = phase, .confidence = RESCUE_CONFIDENCE_MEDIUM };
	switch (evidence->end) {
	case RESCUE_END_SIGNAL:
		judgement.failure = RESCUE_FAILURE_ENGINE_CRASHED;
		judgement.confidence = RESCUE_CONFIDENCE_HIGH;
		break;
	case RESCUE_END_PATIENCE:
		judgement.failure = judge_silence(evidence, phase);
		break;
	case RESCUE_END_MODE:
		judgement.failure = judge_mode(evidence, phase);
		judgement.confidence = RESCUE_CONFIDENCE_HIGH;
		break;
	case RESCUE_END_UNSEEN:
		return judge_unseen(evidence, NULL);
	case RESCUE_END_EXITED:
		judgement.failure = hear_relay(evidence, judge_exit(evidence), phase);
		judgement.confidence = RESCUE_CONFIDENCE_LOW;
		break;
	default:
		judgement.failure = RESCUE_FAILURE_UNEXPLAINED;
		judgement.confidence = RESCUE_CONFIDENCE_LOW;
	}
	judgement.told = judgement.failure;
	return judgement;
}

/* the device reported the end: only its first boot can still fail */
static RescueJudgement
judge_boot(const RescueEvidence *evidence)
{
	RescueJudgement judgement = { .phase = RESCUE_PHASE_CONFIRM,
				      .confidence = RESCUE_CONFIDENCE_HIGH };
	if (evidence->boot_seen || evidence->end == RESCUE_END_UNSEEN)
		judgement.failure = RESCUE_FAILURE_NONE;
	else if (is_boot_mode(evidence->mode))
		judgement.failure = RESCUE_FAILURE_BOUNCED;
	else
		judgement.failure = RESCUE_FAILURE_BOOT_NOT_SEEN;
	judgement.told = judgement.failure;
	return judgement;
}

static RescueJudgement
judge_own_error(const RescueEvidence *evidence)
{
	RescueJudgement judgement = { .phase = active_phase(evidence),
				      .confidence = RESCUE_CONFIDENCE_HIGH };
	int code = evidence->error->code;
	bool ours = evidence->error->domain == RESCUE_ERROR && code > RESCUE_FAILURE_NONE &&
		    code < RESCUE_FAILURE_LAST;
	judgement.failure = ours ? (RescueFailure)code : RESCUE_FAILURE_INTERNAL;
	judgement.told = judgement.failure;
	if (judgement.phase == RESCUE_PHASE_UNKNOWN)
		judgement.phase = rescue_failure_info(judgement.failure)->phase;
	return judgement;
}

/* such a device is recognized by name; where it broke is told as for any other */
static RescueJudgement
judge_exploited(const RescueEvidence *evidence, RescueJudgement judgement)
{
	bool exploited = evidence->end == RESCUE_END_UNSEEN &&
			 judgement.failure != RESCUE_FAILURE_NONE &&
			 rescue_transcript_has_fact(evidence->transcript, RESCUE_FACT_EXPLOITED);
	if (exploited) {
		judgement.told = judgement.failure;
		judgement.failure = RESCUE_FAILURE_DEVICE_EXPLOITED;
	}
	return judgement;
}

static RescueJudgement
judge(const RescueEvidence *evidence)
{
	if (evidence->error != NULL)
		return judge_own_error(evidence);
	if (evidence->end == RESCUE_END_STOPPED)
		return (RescueJudgement){
			.failure = RESCUE_FAILURE_CANCELLED,
			.told = RESCUE_FAILURE_CANCELLED,
			.phase = active_phase(evidence),
			.confidence = RESCUE_CONFIDENCE_HIGH,
		};
	if (evidence->transcript != NULL && rescue_transcript_says_restored(evidence->transcript))
		return judge_boot(evidence);
	const RescueHit *cause = find_cause(evidence);
	if (evidence->end == RESCUE_END_UNSEEN && cause != NULL &&
	    cause->failure == RESCUE_FAILURE_UNEXPLAINED)
		return judge_unseen(evidence, cause);
	bool ended_by_itself = evidence->end == RESCUE_END_EXITED ||
			       evidence->end == RESCUE_END_SAID_FAILED ||
			       evidence->end == RESCUE_END_NOT_RUN ||
			       evidence->end == RESCUE_END_UNSEEN;
	if (cause != NULL && (cause->weight >= WEIGHT_CAUSE || ended_by_itself))
		return judge_hit(evidence, cause);
	return judge_end(evidence);
}

/* what was found on this computer explains what everything else could only notice */
static void
hear_host(const RescueEvidence *evidence, RescueJudgement *judgement)
{
	judgement->host = rescue_host_explain(evidence->host, judgement->failure);
	if (judgement->host == NULL)
		return;
	judgement->failure = judgement->host->failure;
	judgement->confidence = RESCUE_CONFIDENCE_HIGH;
}

RescueVerdict *
rescue_classify(const RescueEvidence *evidence)
{
	RescueJudgement judgement = judge_exploited(evidence, judge(evidence));
	hear_host(evidence, &judgement);
	return rescue_verdict_new(evidence, &judgement);
}
