/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/recovery.h"

#include "cli/common/choose.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/failure/failure.h"

#define MS                  1000 /* microseconds */
#define EXIT_NEEDS_OPERATOR 75
#define PRESS_MS            1500 /* a short press, and the finger on its way to the next button */

/* While the person is at it. */
typedef struct {
	const RescueCli *cli;
	const RescuePorts *ports;
	const RescueGuide *guide;
	RescueDevice *arrived; /* where it should go; NULL: not yet */
	int64_t deadline_us;
	RescueMode strayed; /* into the other boot loader; UNKNOWN: no */
	bool stopped;
} Watch;

static int64_t
now_us(const Watch *watch)
{
	return rescue_clock_monotonic_us(watch->ports->clock);
}

/* Without a named device any that turns up where one should go is what the person holds. */
static void
note(Watch *watch, const RescueDevice *device)
{
	if (watch->guide->ecid != 0 && device->ecid != watch->guide->ecid)
		return;
	if (device->ecid != 0 && device->mode == watch->guide->wanted)
		watch->arrived = rescue_device_copy(device);
	else if (device->mode == RESCUE_MODE_RECOVERY || device->mode == RESCUE_MODE_DFU)
		watch->strayed = device->mode;
}

/* True as long as there is something to wait for. */
static bool
goes_on(const Watch *watch)
{
	return watch->arrived == NULL && !watch->stopped;
}

static void
wait_until(Watch *watch, int64_t until_us)
{
	while (goes_on(watch) && now_us(watch) < until_us) {
		g_autoptr(RescueObservation)
		    seen = watch->ports->inbox->next(watch->ports->inbox_self, until_us);
		if (seen->kind == RESCUE_OBSERVED_DEVICE)
			note(watch, seen->device);
		watch->stopped |= seen->kind == RESCUE_OBSERVED_STOP;
	}
}

static void
tell_steps(Watch *watch)
{
	const RescueButtonStep *steps;
	size_t count = rescue_buttons_find(watch->guide->product, watch->guide->goal, &steps);

	for (size_t i = 0; i < count && goes_on(watch); i++) {
		int64_t ms = steps[i].seconds > 0 ? (int64_t)steps[i].seconds * 1000 : PRESS_MS;
		if (steps[i].seconds > 0)
			rescue_say(watch->cli, "%zu/%zu  %s (%u s)", i + 1, count, steps[i].text,
				   steps[i].seconds);
		else
			rescue_say(watch->cli, "%zu/%zu  %s", i + 1, count, steps[i].text);
		wait_until(watch, MIN(watch->deadline_us, now_us(watch) + ms * MS));
	}
}

int
rescue_recovery_fail(const RescueCli *cli, GError *error)
{
	RescueFailure failure = (RescueFailure)rescue_error_failure(error);
	const RescueFailureInfo *info = rescue_failure_info(failure);
	bool person = info->category == RESCUE_CATEGORY_DEVICE_STATE &&
		      info->documented[0] == RESCUE_CATEGORY_LAST;
	int status = rescue_fail(cli, error);

	return person ? EXIT_NEEDS_OPERATOR : status;
}

static int
tell_end(const Watch *watch)
{
	g_autofree char *text = NULL;
	GError *error = NULL;

	if (watch->stopped)
		return RESCUE_EXIT_INTERRUPTED;
	if (watch->arrived == NULL) {
		g_set_error(&error, RESCUE_ERROR,
			    watch->guide->wanted == RESCUE_MODE_DFU
				? RESCUE_FAILURE_DFU_NOT_ENTERED
				: RESCUE_FAILURE_RECOVERY_REFUSED,
			    "the device was not seen in %s mode in time",
			    rescue_mode_name(watch->guide->wanted));
		return rescue_recovery_fail(watch->cli, error);
	}
	if (watch->cli->json) {
		g_autoptr(RescueJson) json = rescue_device_to_json(watch->arrived);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	text = rescue_device_describe(watch->arrived);
	rescue_say(watch->cli, "%s", text);
	return RESCUE_EXIT_FINE;
}

int
rescue_recovery_guide(const RescueCli *cli, const RescuePorts *ports, const RescueGuide *guide)
{
	Watch watch = { .cli = cli, .ports = ports, .guide = guide };
	int status;

	watch.deadline_us = now_us(&watch) + guide->deadline_ms * MS;
	if (guide->ecid != 0) {
		g_autoptr(RescueDevice)
		    here = ports->devices->find(ports->devices_self, guide->ecid);
		note(&watch, here);
	}
	while (goes_on(&watch) && now_us(&watch) < watch.deadline_us) {
		watch.strayed = RESCUE_MODE_UNKNOWN;
		tell_steps(&watch);
		if (goes_on(&watch))
			rescue_say(cli,
				   "now it should show up in %s mode; until then, this is "
				   "waited for",
				   rescue_mode_name(guide->wanted));
		/* once more from the start when it went to the wrong place, else patience */
		while (goes_on(&watch) && watch.strayed == RESCUE_MODE_UNKNOWN &&
		       now_us(&watch) < watch.deadline_us)
			wait_until(&watch, MIN(watch.deadline_us, now_us(&watch) + G_USEC_PER_SEC));
		if (goes_on(&watch) && watch.strayed != RESCUE_MODE_UNKNOWN)
			rescue_say(cli, "it went to %s mode instead; once more, from the beginning",
				   rescue_mode_name(watch.strayed));
	}
	status = tell_end(&watch);
	rescue_device_free(watch.arrived);
	return status;
}
