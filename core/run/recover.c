/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* What the planner chose is carried out here; whether it took effect is seen, not assumed. */

#define BACK_MS  60000 /* a phone that restarts by itself is back within a minute */
#define LEAVE_MS 10000 /* an accepted reboot shows within seconds */

/* a fifth is what Apple asks for before an update on a cable begins */
#define CHARGED_PERCENT 20u
#define CHARGE_LOOK_MS  60000

#define BIT(mode) (1u << RESCUE_MODE_##mode)
#define ATTACHED  (~BIT(ABSENT))

static bool
wait_device(RescueRun *run)
{
	return rescue_run_wait_mode(run, ATTACHED, BACK_MS);
}

static bool
act(RescueRun *run, RescueAction action)
{
	const RescuePorts *ports = run->ports;

	return ports->devices->act(ports->devices_self, run->job->ecid, action, NULL);
}

/* It has to leave the bus and come back: only then has it really started anew. */
static bool
restart(RescueRun *run, unsigned wanted_modes)
{
	if (!act(run, RESCUE_ACTION_REBOOT) ||
	    !rescue_run_wait_mode(run, ~(1u << run->device->mode), LEAVE_MS))
		return false;
	return rescue_run_wait_mode(run, wanted_modes, BACK_MS);
}

static bool
reenter_recovery(RescueRun *run)
{
	rescue_run_look(run);
	if (run->device->mode == RESCUE_MODE_NORMAL)
		return rescue_run_enter_recovery(run, NULL);
	if (run->device->mode != RESCUE_MODE_RECOVERY)
		return false;
	return act(run, RESCUE_ACTION_AUTOBOOT_OFF) && restart(run, BIT(RECOVERY));
}

static bool
reboot_device(RescueRun *run)
{
	rescue_run_look(run);
	return restart(run, BIT(RECOVERY) | BIT(NORMAL) | BIT(DFU));
}

/* The restore itself went through: only its first start did not, and that is looked at again. */
static bool
repair_autoboot(RescueRun *run)
{
	rescue_run_look(run);
	run->confirm_only = run->device->mode == RESCUE_MODE_RECOVERY &&
			    act(run, RESCUE_ACTION_LEAVE_RECOVERY) &&
			    rescue_run_wait_mode(run, ~BIT(RECOVERY), LEAVE_MS);
	return run->confirm_only;
}

/* Only iOS tells how full its battery is. */
static void
tell_charge(RescueRun *run, unsigned *told)
{
	const RescuePorts *ports = run->ports;
	g_autoptr(RescueDevice) answer = NULL;
	g_autofree char *text = NULL;

	if (run->device->mode != RESCUE_MODE_NORMAL ||
	    !ports->devices->query(ports->devices_self, run->job->ecid, &answer, NULL))
		return;
	rescue_device_update(run->device, answer);
	if (answer->battery_percent == *told)
		return;
	*told = answer->battery_percent;
	text = g_strdup_printf("the battery is at %u %%; the restore goes on at %u %%", *told,
			       CHARGED_PERCENT);
	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_UNKNOWN, text));
}

/* The cable charges it, in its restore system too, which waits for that; a person can only help with a stronger one. */
static bool
wait_charge(RescueRun *run)
{
	const RescueRemedyInfo *info = rescue_remedy_info(RESCUE_REMEDY_WAIT_CHARGE);
	int64_t wait_ms = MIN(run->job->policy->charge_ms, rescue_run_ms_left(run));
	int64_t end_us = rescue_run_now_us(run) + wait_ms * 1000;
	unsigned percent = 0;

	rescue_run_say(run, rescue_event_operator(info->text, wait_ms));
	rescue_run_look(run);
	tell_charge(run, &percent);
	while (percent < CHARGED_PERCENT && rescue_run_now_us(run) < end_us) {
		int64_t left_ms = (end_us - rescue_run_now_us(run)) / 1000 + 1;
		if (!rescue_run_pause(run, (int)MIN(left_ms, CHARGE_LOOK_MS)))
			return false;
		tell_charge(run, &percent);
	}
	if (run->device->mode == RESCUE_MODE_RESTORE)
		(void)reboot_device(run); /* else the engine tries, in its own way */
	return true;
}

static bool
unlock_and_trust(RescueRun *run)
{
	const RescueRemedyInfo *info = rescue_remedy_info(RESCUE_REMEDY_UNLOCK_AND_TRUST);
	int person_ms = run->job->policy->person_ms;

	rescue_run_say(run, rescue_event_operator(info->text, person_ms));
	return rescue_run_await_trust(run, person_ms);
}

static bool
nothing_to_do(RescueRun *run)
{
	return run->stops == 0;
}

static const struct {
	RescueRemedy remedy;
	bool (*carry_out)(RescueRun *run);
} hands[] = {
	{ RESCUE_REMEDY_WAIT_DEVICE, wait_device },
	{ RESCUE_REMEDY_REENTER_RECOVERY, reenter_recovery },
	{ RESCUE_REMEDY_REBOOT_DEVICE, reboot_device },
	{ RESCUE_REMEDY_REPAIR_AUTOBOOT, repair_autoboot },
	{ RESCUE_REMEDY_WAIT_CHARGE, wait_charge },
	{ RESCUE_REMEDY_PAUSE,
	  nothing_to_do }, /* the pause follows for every remedy that has one */
	{ RESCUE_REMEDY_UNLOCK_AND_TRUST, unlock_and_trust },
	{ RESCUE_REMEDY_FRESH_ENGINE, nothing_to_do }, /* the next attempt is one */
};

static bool
carry_out(RescueRun *run, RescueRemedy remedy)
{
	const RescueRemedyInfo *info = rescue_remedy_info(remedy);

	for (size_t i = 0; i < G_N_ELEMENTS(hands); i++)
		if (hands[i].remedy == remedy)
			return hands[i].carry_out(run);
	if (info->level != RESCUE_LEVEL_PERSON)
		return rescue_run_change(run, remedy);
	return rescue_run_ask_person(run, remedy);
}

/* What changes this computer or the job leaves a device that is stuck in the restore system where it is. */
static void
free_device(RescueRun *run, RescueRemedy remedy)
{
	RescueLevel level = rescue_remedy_info(remedy)->level;

	if ((level == RESCUE_LEVEL_HOST || level == RESCUE_LEVEL_JOB) &&
	    run->device->mode == RESCUE_MODE_RESTORE)
		(void)reboot_device(run); /* else the engine tries, in its own way */
}

bool
rescue_run_recover(RescueRun *run, const RescuePlan *plan)
{
	bool helped;

	rescue_run_say_remedy(run, plan->remedy, "begin", NULL);
	/* what cannot be journalled is not done */
	helped = run->broken == NULL && carry_out(run, plan->remedy) &&
		 rescue_run_pause(run, plan->pause_ms);
	if (helped)
		free_device(run, plan->remedy);
	rescue_run_say_remedy(run, plan->remedy, "end", helped ? "took-effect" : "no-effect");
	return helped;
}

void
rescue_run_leave(RescueRun *run)
{
	rescue_run_look(run);
	if (run->device->mode != RESCUE_MODE_RECOVERY || run->first_mode != RESCUE_MODE_NORMAL ||
	    run->erased || run->reached_restore)
		return;
	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_UNKNOWN,
					      "nothing of the device was changed; it is sent back "
					      "from recovery mode into iOS"));
	if (act(run, RESCUE_ACTION_LEAVE_RECOVERY))
		(void)rescue_run_wait_mode(run, BIT(NORMAL), BACK_MS);
}
