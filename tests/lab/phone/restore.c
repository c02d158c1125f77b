/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * One restore: the phone leads, the host answers. A table of steps says what is announced, what is
 * asked for and which fault point is passed; operation numbers and message names are those that
 * idevicerestore's restore.c knows. Each step runs from the main loop, so whatever else happens has
 * its turn in between.
 */

enum {
	ANSWER_MS = 600000, /* a host that asks a signing server in between may need minutes */
	CUT_IN_MS = 500,
	FDR_SHUT_MS = 50, /* closed before the engine looks after it, it would log an error */
	RESTART_IN_MS = 300,
	RESTART_UNASKED_MS = 3000,
	STATUS_FAIL = 14,
	STATUS_VERIFY = -1,
	STATUS_FDR = 53,
	AMR_FAIL = 1,
	AMR_VERIFY = 11,
};

typedef enum {
	RESTORE_LIVE,
	RESTORE_FINISHED,
	RESTORE_FAILED,
	RESTORE_HUNG,
	RESTORE_CUT
} RestoreState;

/* What an answer was good for. */
typedef enum { ANSWER_DONE, ANSWER_MORE, ANSWER_BAD } Answer;

typedef enum { ALWAYS, ERASE_ONLY, UPDATE_ONLY } StepWhen;

typedef struct {
	unsigned operation; /* of ProgressMsg */
	bool gradual;       /* several ProgressMsg, else one */
	StepWhen when;
	void (*act)(LabRestore *restore); /* what the phone does when the step begins; NULL */
	const char *wants;                /* DataType it asks the host for; NULL */
	Answer (*take)(LabRestore *restore, plist_t answer); /* NULL: another port ends the step */
	LabPoint point;   /* passed in the middle; LAB_AT_LAST: none */
	const char *name; /* recorded, as the product calls it; NULL: too small to tell */
	bool flashes;     /* takes the phone's step time */
} Step;

struct LabRestore {
	LabChannel *channel; /* owns us */
	LabPhone *phone;
	RestoreState state;
	bool update;
	size_t step;
	bool waiting;          /* for what the step wants */
	unsigned next_source;  /* runs the next step */
	unsigned answer_timer; /* deadline of what is waited for */
	unsigned fdr_timer;    /* closes FDR at the end */
	char *version, *build; /* of the image */
	bool sound;
	GQueue fud; /* names of FUD images still to be asked for */
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

/* Takes `arguments` over; NULL: none. */
static void
send_request(LabRestore *restore, const char *type, plist_t arguments)
{
	plist_t message = lab_plist_dict("s:MsgType", "DataRequestMsg", "s:DataType", type, NULL);
	if (arguments != NULL)
		plist_dict_set_item(message, "Arguments", arguments);
	lab_plist_send(restore->channel, message);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void
stop_timers(LabRestore *restore)
{
	g_clear_handle_id(&restore->next_source, g_source_remove);
	g_clear_handle_id(&restore->answer_timer, g_source_remove);
	restore->waiting = false;
}

static void
fail(LabRestore *restore, int status, int amr, const char *log)
{
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

/* ---- what the phone does in a step ----------------------------------------------------------- */

static void
act_wipe(LabRestore *restore)
{
	lab_phone_wipe(restore->phone, restore->channel->pid);
}

/* An update keeps the data, but from here on there is no whole system to boot. */
static void
act_open_system(LabRestore *restore)
{
	lab_phone_set_installed(restore->phone, "", "");
}

static void
act_verify(LabRestore *restore)
{
	if (!restore->sound || restore->build == NULL)
		fail(restore, STATUS_VERIFY, AMR_VERIFY,
		     "the image that was received does not verify");
}

/* ---- what the host answers ------------------------------------------------------------------- */

static Answer
take_data(plist_t answer, const char *key)
{
	size_t size = 0;
	return lab_plist_data(answer, key, &size) != NULL && size > 0 ? ANSWER_DONE : ANSWER_BAD;
}

static Answer
take_ticket(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "RootTicketData");
}

static Answer
take_kernel(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "KernelCacheFile");
}

static Answer
take_device_tree(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "DeviceTreeFile");
}

/* An array, or in newer engines a dictionary by component. */
static bool
has_images(plist_t images)
{
	plist_type type = images != NULL ? plist_get_node_type(images) : PLIST_NONE;
	if (type == PLIST_ARRAY)
		return plist_array_get_size(images) > 0;
	return type == PLIST_DICT && plist_dict_get_size(images) > 0;
}

static Answer
take_nor(LabRestore *restore, plist_t answer)
{
	bool whole = take_data(answer, "LlbImageData") == ANSWER_DONE &&
		     has_images(lab_plist_item(answer, "NorImageData"));
	return whole ? ANSWER_DONE : ANSWER_BAD;
}

static void
queue_fud(LabRestore *restore, plist_t list)
{
	for (uint32_t i = 0; i < plist_array_get_size(list); i++) {
		const char *name = plist_get_string_ptr(plist_array_get_item(list, i), NULL);
		if (name != NULL)
			g_queue_push_tail(&restore->fud, g_strdup(name));
	}
}

/* First the list of names, then each image by its name. */
static Answer
take_fud(LabRestore *restore, plist_t answer)
{
	plist_t list = lab_plist_item(answer, "FUDImageList");
	if (list != NULL && plist_get_node_type(list) == PLIST_ARRAY)
		queue_fud(restore, list);
	else if (take_data(answer, "FUDImageData") == ANSWER_BAD)
		return ANSWER_BAD;
	g_autofree char *name = g_queue_pop_head(&restore->fud);
	if (name == NULL)
		return ANSWER_DONE;
	send_request(restore, "FUDData", lab_plist_dict("s:ImageName", name, NULL));
	return ANSWER_MORE;
}

/* Whatever trust data the host has will do; then FDR wants a connection of its own. */
static Answer
take_fdr_trust(LabRestore *restore, plist_t answer)
{
	if (!lab_fdr_sync(restore->phone))
		fail(restore, STATUS_FDR, AMR_FAIL, "no host is connected to FDR");
	return ANSWER_MORE;
}

/* ---- the steps ------------------------------------------------------------------------------- */

static const Step steps[] = {
	{ 28, .point = LAB_AT_LAST },                     /* waiting for NAND */
	{ 11, .point = LAB_AT_LAST, .when = ERASE_ONLY }, /* creating partition map */
	{ 12, .point = LAB_AT_LAST, .when = ERASE_ONLY, .act = act_wipe }, /* creating filesystem */
	{ 52, .point = LAB_AT_LAST, .when = UPDATE_ONLY, .act = act_open_system }, /* resizing */
	{ 13, .point = LAB_AT_LAST, .wants = "SystemImageData", .name = "filesystem" },
	{ 14, true, .point = LAB_AT_VERIFY_FILESYSTEM, .act = act_verify,
	  .name = "verify-filesystem" },
	{ 15, .point = LAB_AT_LAST }, /* checking filesystems */
	{ 16, .point = LAB_AT_LAST, .wants = "RootTicket", .take = take_ticket },
	{ 27, .point = LAB_AT_LAST, .wants = "KernelCache", .take = take_kernel },
	{ 61, .point = LAB_AT_LAST, .wants = "DeviceTree", .take = take_device_tree },
	{ 17, .point = LAB_AT_LAST },                      /* fixing up /var */
	{ 41, .point = LAB_AT_LAST, .when = UPDATE_ONLY }, /* migrating data */
	{ 50, .point = LAB_AT_FDR, .wants = "FDRTrustData", .take = take_fdr_trust }, /* keybag */
	{ 18, true, .point = LAB_AT_NOR, .wants = "NORData", .take = take_nor, .name = "nor",
	  .flashes = true },
	{ 36, true, .point = LAB_AT_LAST, .wants = "FUDData", .take = take_fud },
	{ 55, true, .point = LAB_AT_FIRMWARE_UPDATES, .name = "firmware-updates",
	  .flashes = true }, /* updating Stockholm */
	{ 19, true, .point = LAB_AT_BASEBAND, .name = "baseband", .flashes = true },
	{ 20, .point = LAB_AT_LAST },                                      /* setting boot stage */
	{ 29, .point = LAB_AT_FINISH, .name = "finish", .flashes = true }, /* unmounting */
};

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
	for (unsigned percent = first; percent <= last; percent += STRIDE) {
		if (step->gradual || percent == 0)
			send_progress(restore, step->operation, percent);
	}
}

static void
end_step(LabRestore *restore)
{
	const Step *step = &steps[restore->step];
	if (step->point != LAB_AT_LAST) {
		const LabFault *fault = lab_phone_pass(restore->phone, step->point, 0);
		if (fault != NULL && lab_restore_suffer(restore, fault))
			return;
	}
	announce(restore, step, 75, 100);
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
	const Step *step = &steps[restore->step];
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
					       steps[restore->step].wants);
	fail(restore, STATUS_FAIL, AMR_FAIL, log);
	return G_SOURCE_REMOVE;
}

static bool
applies(const LabRestore *restore, const Step *step)
{
	return step->when == ALWAYS || (step->when == UPDATE_ONLY) == restore->update;
}

static void
begin_step(LabRestore *restore, const Step *step)
{
	announce(restore, step, 0, 0);
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
	bool lists = step->take == take_fud;
	send_request(restore, step->wants,
		     lists ? lab_plist_dict("b:FUDImageList", (int)true, NULL) : NULL);
}

static gboolean
on_next(void *data)
{
	LabRestore *restore = data;
	/* a fault may end it all in there */
	LabChannel *channel = lab_channel_ref(restore->channel);
	restore->next_source = 0;
	while (restore->step < G_N_ELEMENTS(steps) && !applies(restore, &steps[restore->step]))
		restore->step++;
	if (restore->step == G_N_ELEMENTS(steps))
		finish(restore);
	else
		begin_step(restore, &steps[restore->step]);
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
	const Step *step = &steps[restore->step];
	if (restore->state != RESTORE_LIVE || !restore->waiting || step->take == NULL)
		return;
	Answer answer = step->take(restore, message);
	if (answer == ANSWER_DONE) {
		complete_step(restore);
	} else if (answer == ANSWER_BAD) {
		g_autofree char *log = g_strdup_printf("what the host sent as %s is of no use",
						       step->wants);
		fail(restore, STATUS_FAIL, AMR_FAIL, log);
	}
}

static bool
waits_for(const LabRestore *restore, const char *what)
{
	return restore->state == RESTORE_LIVE && restore->waiting &&
	       strcmp(steps[restore->step].wants, what) == 0;
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
		fail(restore, STATUS_FAIL, AMR_FAIL, why);
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

LabRestore *
lab_restore_new(LabChannel *channel, plist_t options)
{
	LabRestore *restore = g_new0(LabRestore, 1);
	restore->channel = channel;
	restore->phone = channel->phone;
	restore->update = is_update(channel->phone, options);
	g_queue_init(&restore->fud);
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
	g_queue_clear_full(&restore->fud, g_free);
	g_free(restore->version);
	g_free(restore->build);
	g_free(restore);
}
