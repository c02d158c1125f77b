/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/restore-internal.h"

/*
 * One restore: the phone leads, the host answers. A table of steps (steps.c) says what is announced, what is asked
 * for
 * and which fault point is passed. Each step runs from the main loop, so whatever else happens has its turn in
 * between.
 */

enum {
	ANSWER_MS = 600000, /* a host that asks a signing server in between may need minutes */
	CUT_IN_MS = 500,
	FDR_SHUT_MS = 50, /* closed before the engine looks after it, it would log an error */
	RESTART_IN_MS = 300,
	RESTART_UNASKED_MS = 3000,
	FIRST_CHECKPOINT_TRAIN = 21,
	FIRST_ASYNC_TRAIN = 22,
};

/* ---- messages -------------------------------------------------------------------------------- */

static void
send_status(LabChannel *channel, int status, int amr, const char *log)
{
	/* negative ones travel as 64 bits without a sign */
	plist_t message = lab_plist_dict("s:MsgType", "StatusMsg", "u:Status",
					 (uint64_t)(int64_t)status, NULL);
	if (amr != 0)
		plist_dict_set_item(message, "AMRError", plist_new_uint((uint64_t)(int64_t)amr));
	if (log != NULL)
		plist_dict_set_item(message, "Log", plist_new_string(log));
	lab_plist_send(channel, message);
}

static void
send_progress(LabRestore *restore, unsigned operation, unsigned percent)
{
	lab_plist_send(restore->channel,
		       lab_plist_dict("s:MsgType", "ProgressMsg", "u:Operation",
				      (uint64_t)operation, "u:Progress", (uint64_t)percent, NULL));
}

void
lab_restore_tell(LabRestore *restore, plist_t message)
{
	lab_plist_send(restore->channel, message);
}

/* Asked for beside the rest, when the host can do that, and answered on a port of its own. */
static bool
is_async(const LabRestore *restore, const char *type)
{
	return restore->train >= FIRST_ASYNC_TRAIN && strcmp(type, "URLAsset") != 0 &&
	       lab_plist_item(restore->async_types, type) != NULL;
}

static bool
has_own_port(const LabRestore *restore, const char *type)
{
	bool image = strcmp(type, "SystemImageData") == 0; /* goes to ASR's */
	return strcmp(type, "BootabilityBundle") == 0 || (is_async(restore, type) && !image);
}

void
lab_restore_request(LabRestore *restore, const char *type, plist_t arguments)
{
	bool message = strcmp(type, "RestoreAttestation") == 0;
	g_free(restore->wanted);
	restore->wanted = g_strdup(type);
	const char *asks = is_async(restore, type) ? "AsyncDataRequestMsg" : "DataRequestMsg";
	plist_t request = message ? lab_plist_dict("s:MsgType", type, NULL)
				  : lab_plist_dict("s:MsgType", asks, "s:DataType", type, NULL);
	if (arguments != NULL)
		plist_dict_set_item(request, "Arguments", arguments);
	if (has_own_port(restore, type))
		plist_dict_set_item(request, "DataPort", plist_new_uint(LAB_PORT_DATA));
	lab_plist_send(restore->channel, request);
}

static void
send_checkpoint(LabRestore *restore, const Step *step, bool complete)
{
	if (!restore->checkpoints || step->name == NULL)
		return;
	lab_plist_send(restore->channel,
		       lab_plist_dict("s:MsgType", "CheckpointMsg", "u:CHECKPOINT_ID",
				      (uint64_t)0x600 + step->operation, "s:CHECKPOINT_NAME",
				      step->name, "u:CHECKPOINT_RESULT", (uint64_t)0,
				      "b:CHECKPOINT_COMPLETE", (int)complete, NULL));
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void
stop_timers(LabRestore *restore)
{
	g_clear_handle_id(&restore->next_source, g_source_remove);
	g_clear_handle_id(&restore->answer_timer, g_source_remove);
	restore->waiting = false;
}

void
lab_restore_fail(LabRestore *restore, int status, int amr, const char *log)
{
	if (restore->state != RESTORE_LIVE)
		return;
	stop_timers(restore);
	restore->state = RESTORE_FAILED;
	send_status(restore->channel, status, amr, log);
	lab_asr_shut(restore->phone);
}

void
lab_restore_report(LabChannel *channel, const LabFault *fault)
{
	send_status(channel, fault->status, fault->amr, NULL);
	if (fault->action == LAB_DO_FAIL_AND_CUT)
		lab_service_leave(channel->phone, lab_phone_boot_mode(channel->phone), CUT_IN_MS);
}

static void
hang(LabRestore *restore)
{
	stop_timers(restore);
	restore->state = RESTORE_HUNG;
	lab_asr_hang(restore->phone);
}

bool
lab_restore_suffer(LabRestore *restore, const LabFault *fault)
{
	switch (fault->action) {
	case LAB_DO_NOTHING:
		return false;
	case LAB_DO_FAIL_AND_GO_ON:
		lab_restore_report(restore->channel, fault);
		return false;
	case LAB_DO_FAIL:
	case LAB_DO_FAIL_AND_CUT:
		stop_timers(restore);
		restore->state = RESTORE_FAILED;
		lab_restore_report(restore->channel, fault);
		lab_asr_shut(restore->phone);
		return true;
	case LAB_DO_GARBAGE:
		lab_plist_send(restore->channel,
			       lab_plist_dict("s:MsgType", "FrobnicateMsg", NULL));
		return false;
	case LAB_DO_REFUSE:
		lab_channel_shut(restore->channel);
		return true;
	case LAB_DO_HANG:
	case LAB_DO_IGNORE:
		hang(restore);
		return true;
	default: /* those that took the phone away */
		return true;
	}
}

static gboolean
on_fdr_shut(void *data)
{
	LabRestore *restore = data;
	restore->fdr_timer = 0;
	lab_fdr_shut(restore->phone);
	return G_SOURCE_REMOVE;
}

/* The host knows that all is well: nothing keeps the phone in the ramdisk. */
static void
leave_ramdisk(LabRestore *restore)
{
	if (restore->fdr_timer == 0)
		restore->fdr_timer = g_timeout_add(FDR_SHUT_MS, on_fdr_shut, restore);
	lab_service_leave(restore->phone, lab_phone_boot_mode(restore->phone), RESTART_IN_MS);
}

static void
finish(LabRestore *restore)
{
	stop_timers(restore);
	restore->state = RESTORE_FINISHED;
	lab_phone_install(restore->phone, restore->version, restore->build);
	lab_phone_set_autoboot(restore->phone, true);
	send_status(restore->channel, 0, 0, NULL);
	lab_service_leave(restore->phone, lab_phone_boot_mode(restore->phone), RESTART_UNASKED_MS);
}

/* ---- the steps ------------------------------------------------------------------------------- */

static gboolean on_next(void *data);

static void
schedule(LabRestore *restore)
{
	if (restore->next_source == 0)
		restore->next_source = g_idle_add(on_next, restore);
}

static void
announce(LabRestore *restore, const Step *step, unsigned first, unsigned last)
{
	enum { STRIDE = 25 };
	if (step->operation == 0)
		return;
	for (unsigned percent = first; percent <= last; percent += STRIDE) {
		if (step->gradual || percent == 0)
			send_progress(restore, step->operation, percent);
	}
}

static void
end_step(LabRestore *restore)
{
	const Step *step = lab_step_at(restore->step);
	if (step->point != LAB_AT_LAST) {
		const LabFault *fault = lab_phone_pass(restore->phone, step->point, 0);
		if (fault != NULL && lab_restore_suffer(restore, fault))
			return;
	}
	announce(restore, step, 75, 100);
	send_checkpoint(restore, step, true);
	restore->step++;
	schedule(restore);
}

static gboolean
on_flashed(void *data)
{
	LabRestore *restore = data;
	/* a fault may end it all in there */
	LabChannel *channel = lab_channel_ref(restore->channel);
	restore->next_source = 0;
	end_step(restore);
	lab_channel_unref(channel);
	return G_SOURCE_REMOVE;
}

/* The step has what it wanted. */
static void
complete_step(LabRestore *restore)
{
	const Step *step = lab_step_at(restore->step);
	g_clear_handle_id(&restore->answer_timer, g_source_remove);
	restore->waiting = false;
	announce(restore, step, 25, 50);
	if (step->flashes && restore->phone->step_ms > 0)
		restore->next_source = g_timeout_add(restore->phone->step_ms, on_flashed, restore);
	else
		end_step(restore);
}

static gboolean
on_no_answer(void *data)
{
	LabRestore *restore = data;
	restore->answer_timer = 0;
	g_autofree char *log = g_strdup_printf("the host did not answer a request for %s",
					       restore->wanted);
	lab_restore_fail(restore, LAB_STATUS_FAIL, LAB_AMR_FAIL, log);
	return G_SOURCE_REMOVE;
}

static void
begin_step(LabRestore *restore, const Step *step)
{
	announce(restore, step, 0, 0);
	send_checkpoint(restore, step, false);
	restore->received = restore->file = 0;
	if (step->name != NULL)
		lab_record_event(restore->phone->record, restore->phone->id.name, "step", "s:name",
				 step->name, "i:pid", (int64_t)restore->channel->pid, NULL);
	if (step->act != NULL)
		step->act(restore);
	if (restore->state != RESTORE_LIVE)
		return;
	if (step->wants == NULL) {
		complete_step(restore);
		return;
	}
	restore->waiting = true;
	restore->answer_timer = g_timeout_add(ANSWER_MS, on_no_answer, restore);
	g_autofree char *first = step->wants[0] == '\0' ? g_queue_pop_head(&restore->images) : NULL;
	lab_restore_request(restore, first != NULL ? first : step->wants,
			    step->arguments != NULL ? step->arguments(restore) : NULL);
}

static gboolean
on_next(void *data)
{
	LabRestore *restore = data;
	/* a fault may end it all in there */
	LabChannel *channel = lab_channel_ref(restore->channel);
	restore->next_source = 0;
	const Step *step = lab_step_at(restore->step);
	while (step != NULL && !lab_step_applies(restore, step))
		step = lab_step_at(++restore->step);
	if (step == NULL)
		finish(restore);
	else
		begin_step(restore, step);
	lab_channel_unref(channel);
	return G_SOURCE_REMOVE;
}

/* ---- what comes from outside ----------------------------------------------------------------- */

void
lab_restore_message(LabRestore *restore, plist_t message)
{
	const char *type = lab_plist_string(message, "MsgType");
	if (restore->state == RESTORE_FINISHED && g_strcmp0(type, "ReceivedFinalStatusMsg") == 0) {
		leave_ramdisk(restore);
		return;
	}
	const Step *step = lab_step_at(restore->step);
	if (restore->state != RESTORE_LIVE || !restore->waiting || step->take == NULL)
		return;
	if (type != NULL)
		return; /* talk, no answer */
	Answer answer = step->take(restore, message);
	if (answer == ANSWER_DONE) {
		complete_step(restore);
	} else if (answer == ANSWER_BAD) {
		g_autofree char *log = g_strdup_printf("what the host sent as %s is of no use",
						       restore->wanted);
		lab_restore_fail(restore, LAB_STATUS_FAIL, LAB_AMR_FAIL, log);
	}
}

static bool
waits_for(const LabRestore *restore, const char *what)
{
	return restore->state == RESTORE_LIVE && restore->waiting &&
	       g_strcmp0(restore->wanted, what) == 0;
}

bool
lab_restore_wants_image(const LabRestore *restore)
{
	return waits_for(restore, "SystemImageData");
}

void
lab_restore_image_done(LabRestore *restore, const char *version, const char *build, bool sound)
{
	if (!lab_restore_wants_image(restore))
		return;
	restore->version = g_strdup(version);
	restore->build = g_strdup(build);
	restore->sound = sound;
	complete_step(restore);
}

void
lab_restore_image_failed(LabRestore *restore, const char *why)
{
	if (lab_restore_wants_image(restore))
		lab_restore_fail(restore, LAB_STATUS_FAIL, LAB_AMR_FAIL, why);
}

bool
lab_restore_wants(const LabRestore *restore, const char *type)
{
	return waits_for(restore, type);
}

void
lab_restore_stream_done(LabRestore *restore)
{
	g_auto(plist_t) nothing = plist_new_dict();
	lab_restore_message(restore, nothing);
}

void
lab_restore_fdr_done(LabRestore *restore)
{
	if (waits_for(restore, "FDRTrustData"))
		complete_step(restore);
}

void
lab_restore_cut(LabRestore *restore)
{
	LabPhone *phone = restore->phone;
	stop_timers(restore);
	if (restore->state != RESTORE_FINISHED) {
		restore->state = RESTORE_CUT;
	} else if (phone->mode == LAB_MODE_RESTORE) {
		lab_fdr_shut(phone);
		lab_service_leave(phone, lab_phone_boot_mode(phone), RESTART_IN_MS);
	}
}

bool
lab_restore_is_live(const LabRestore *restore)
{
	return restore->state == RESTORE_LIVE;
}

bool
lab_restore_is_hung(const LabRestore *restore)
{
	return restore->state == RESTORE_HUNG;
}

/*
 * A real ramdisk is made for one purpose, erase or update; idevicerestore 1.0.0 does not say it
 * again. What the options do say wins.
 */
static bool
is_update(const LabPhone *phone, plist_t options)
{
	const char *behavior = lab_plist_string(options, "AuthInstallRestoreBehavior");
	if (behavior == NULL)
		behavior = lab_plist_string(options, "RestoreBehavior");
	return behavior != NULL ? strcmp(behavior, "Update") == 0 : phone->ramdisk_updates;
}

static bool
host_takes(plist_t options, const char *list, const char *what)
{
	return lab_plist_item(lab_plist_item(options, list), what) != NULL;
}

LabRestore *
lab_restore_new(LabChannel *channel, plist_t options)
{
	LabRestore *restore = g_new0(LabRestore, 1);
	restore->channel = channel;
	restore->phone = channel->phone;
	restore->update = is_update(channel->phone, options);
	restore->train = channel->phone->ramdisk_train;
	restore->checkpoints = restore->train >= FIRST_CHECKPOINT_TRAIN &&
			       host_takes(options, "SupportedMessageTypes", "CheckpointMsg");
	plist_t async = lab_plist_item(options, "SupportedAsyncDataTypes");
	restore->async_types = async != NULL ? plist_copy(async) : NULL;
	g_queue_init(&restore->images);
	lab_asr_shut(channel->phone); /* of a restore that hangs */
	schedule(restore);
	return restore;
}

void
lab_restore_free(LabRestore *restore)
{
	if (restore == NULL)
		return;
	stop_timers(restore);
	g_clear_handle_id(&restore->fdr_timer, g_source_remove);
	g_queue_clear_full(&restore->images, g_free);
	plist_free(restore->async_types);
	g_free(restore->wanted);
	g_free(restore->version);
	g_free(restore->build);
	g_free(restore);
}
