/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* Remedies that leave the device alone: what changes is this computer, or what is wished. */

#define BACK_MS        30000 /* a device whose port was switched off and on is seen again by then */
#define ATTACHED       (~(1u << RESCUE_MODE_ABSENT))
#define PATIENCE_TIMES 2
#define MUX_BACK_MS    30000 /* usbmuxd asks every device that is attached before it answers */
#define MUX_LOOK_MS    1000

static bool
has_consent(const RescueRun *run, RescueConsent consent)
{
	return (run->job->policy->consents & consent) != 0;
}

static bool
can_switch(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->power != NULL && run->port != NULL &&
	       ports->power->can_cycle(ports->power_self, run->port);
}

static bool
may_suspend(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->power != NULL && run->port != NULL &&
	       ports->power->may_suspend(ports->power_self, run->port);
}

static bool
has_other_engine(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->engine->has_other(ports->engine_self, run->device->product);
}

static bool
has_own_file(const RescueRun *run)
{
	return run->fetched_path != NULL && !run->distrusted;
}

static bool
ran_out_of_patience(const RescueRun *run)
{
	return run->evidence->end == RESCUE_END_PATIENCE && run->stuck == NULL;
}

/* a named file is what was wished: only who named a version can mean "or the newest" */
static bool
may_take_latest(const RescueRun *run)
{
	return has_consent(run, RESCUE_CONSENT_LATEST) && !run->job->wish.latest &&
	       !rescue_wish_is_empty(&run->job->wish);
}

static bool
may_ignore_baseband(const RescueRun *run)
{
	return has_consent(run, RESCUE_CONSENT_BASEBAND) && !run->job->ignore_baseband &&
	       run->engine.dialect == RESCUE_DIALECT_1_0_1;
}

static bool
may_erase(const RescueRun *run)
{
	return has_consent(run, RESCUE_CONSENT_ERASE) &&
	       run->job->behavior == RESCUE_BEHAVIOR_UPDATE;
}

static bool
may_restart_usbmuxd(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->host->can_restart_usbmuxd(ports->host_self, run->job->ecid);
}

unsigned
rescue_run_has(const RescueRun *run)
{
	static bool (*const facts[RESCUE_GIVEN_LAST])(const RescueRun *) = {
		[RESCUE_GIVEN_SUSPEND] = may_suspend,
		[RESCUE_GIVEN_SWITCH] = can_switch,
		[RESCUE_GIVEN_OTHER_ENGINE] = has_other_engine,
		[RESCUE_GIVEN_OWN_FILE] = has_own_file,
		[RESCUE_GIVEN_PATIENCE] = ran_out_of_patience,
		[RESCUE_GIVEN_USBMUXD] = may_restart_usbmuxd,
		[RESCUE_GIVEN_BUS_SHARED] = rescue_run_shares_bus,
		[RESCUE_GIVEN_CONSENT_LATEST] = may_take_latest,
		[RESCUE_GIVEN_CONSENT_BASEBAND] = may_ignore_baseband,
		[RESCUE_GIVEN_CONSENT_ERASE] = may_erase,
	};
	unsigned has = 0;

	for (unsigned i = 0; i < RESCUE_GIVEN_LAST; i++)
		if (facts[i] != NULL && facts[i](run))
			has |= 1u << i;
	return has;
}

static bool
reset_usb(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->devices->act(ports->devices_self, run->job->ecid, RESCUE_ACTION_USB_RESET,
				   NULL) &&
	       rescue_run_wait_mode(run, ATTACHED, BACK_MS);
}

static bool
keep_awake(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->power->keep_awake(ports->power_self, run->port, NULL);
}

/* The link is renewed; a device with a battery is not started anew by it. */
static bool
cycle_port(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return ports->power->cycle(ports->power_self, run->port, NULL) &&
	       rescue_run_wait_mode(run, ATTACHED, BACK_MS);
}

static bool
usbmuxd_answers(const RescueRun *run)
{
	return run->ports->host->check_usbmuxd(run->ports->host_self, NULL);
}

/* one that answers by now is left alone */
static bool
restart_usbmuxd(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	int64_t deadline_us;

	if (usbmuxd_answers(run))
		return true;
	if (!ports->host->restart_usbmuxd(ports->host_self, NULL))
		return false;
	deadline_us = rescue_run_now_us(run) + (int64_t)MUX_BACK_MS * 1000;
	while (!usbmuxd_answers(run)) {
		if (rescue_run_now_us(run) >= deadline_us || !rescue_run_pause(run, MUX_LOOK_MS))
			return false;
	}
	return true;
}

static bool
take_other_engine(RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	ports->engine->give_up_present(ports->engine_self);
	rescue_engine_run_clear(&run->engine);
	return ports->engine->probe(ports->engine_self, run->device->product, &run->engine, NULL);
}

/* Everything that can be known beforehand is looked at again, as for a new job. */
static bool
prepare_again(RescueRun *run)
{
	rescue_run_forget(run);
	return rescue_run_prepare(run);
}

static bool
fetch_anew(RescueRun *run)
{
	return rescue_run_download_again(run, NULL) && prepare_again(run);
}

static bool
be_more_patient(RescueRun *run)
{
	RescueJob *job = rescue_run_own_job(run);
	RescuePhase phase = run->evidence->phase;

	if (run->own_policy == NULL)
		run->own_policy = rescue_policy_copy(job->policy);
	job->policy = run->own_policy;
	job->policy->patience_ms[phase] = MIN(job->policy->patience_ms[phase], G_MAXINT / 4) *
					  PATIENCE_TIMES;
	return true;
}

static bool
take_latest(RescueRun *run)
{
	RescueJob *job = rescue_run_own_job(run);

	job->wish = (RescueWish){ .latest = true };
	rescue_run_forget_file(run);
	return prepare_again(run);
}

static bool
ignore_baseband(RescueRun *run)
{
	rescue_run_own_job(run)->ignore_baseband = true;
	return true;
}

static bool
switch_to_erase(RescueRun *run)
{
	rescue_run_own_job(run)->behavior = RESCUE_BEHAVIOR_ERASE;
	return prepare_again(run);
}

bool
rescue_run_change(RescueRun *run, RescueRemedy remedy)
{
	static const struct {
		RescueRemedy remedy;
		bool (*make)(RescueRun *run);
	} changes[] = {
		{ RESCUE_REMEDY_USB_RESET, reset_usb },
		{ RESCUE_REMEDY_AUTOSUSPEND_OFF, keep_awake },
		{ RESCUE_REMEDY_POWER_CYCLE, cycle_port },
		{ RESCUE_REMEDY_RESTART_USBMUXD, restart_usbmuxd },
		{ RESCUE_REMEDY_ALONE_ON_BUS, rescue_run_have_bus_alone },
		{ RESCUE_REMEDY_OTHER_ENGINE, take_other_engine },
		{ RESCUE_REMEDY_FETCH_ANEW, fetch_anew },
		{ RESCUE_REMEDY_LONGER_PATIENCE, be_more_patient },
		{ RESCUE_REMEDY_USE_LATEST, take_latest },
		{ RESCUE_REMEDY_IGNORE_BASEBAND, ignore_baseband },
		{ RESCUE_REMEDY_SWITCH_TO_ERASE, switch_to_erase },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
		if (changes[i].remedy == remedy)
			return changes[i].make(run);
	return false;
}
