/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* Everything that can be known before the device is touched, in an order in which the cheap comes first. */

#define DETECT_MS 10000 /* a device that is just re-enumerating gets this long to show up */

static bool
check_host(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;

	rescue_run_step(run, RESCUE_PHASE_PREFLIGHT);
	if (!ports->host->check_usbmuxd(ports->host_self, error))
		return false;
	return ports->engine->probe(ports->engine_self, &run->engine, error);
}

static bool
refuse_kind(const char *product, GError **error)
{
	const char *kind = rescue_device_refused_kind(product);

	if (kind == NULL)
		return false;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_KIND,
		    "%s is not served (%s); iPhone, iPad and iPod touch are", product, kind);
	return true;
}

/*
 * A device in normal or restore mode is asked who it is, for the model and for what is installed. One that does not
 * answer is not lost yet: the engine has its own ways, and says why when they fail too.
 */
static void
ask_device(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	g_autoptr(RescueDevice) answer = NULL;

	if (ports->devices->query(ports->devices_self, run->job->ecid, &answer, NULL))
		rescue_device_update(run->device, answer);
}

static bool
find_device(RescueRun *run, GError **error)
{
	unsigned attached = ~(1u << RESCUE_MODE_ABSENT);
	char text[RESCUE_ECID_TEXT];

	rescue_run_step(run, RESCUE_PHASE_DETECT);
	rescue_run_look(run);
	if (!rescue_run_wait_mode(run, attached, DETECT_MS)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "no device with ECID %s is attached",
			    rescue_ecid_format(run->job->ecid, text));
		return false;
	}
	ask_device(run);
	run->first_mode = run->device->mode;
	return !refuse_kind(run->device->product, error);
}

static bool
fits_model(const RescueRun *run)
{
	const RescueDevice *device = run->device;
	const char *const *products = (const char *const *)run->firmware->products;

	return device->product == NULL || g_strv_contains(products, device->product);
}

/*
 * Which BuildIdentity the engine would take. Without one the engine is not asked: 1.0.0 takes the first identity of
 * the board when it finds none for an update, and that one erases.
 */
static const RescueIdentity *
find_identity(const RescueRun *run)
{
	const RescueDevice *device = run->device;

	if (device->have_chip)
		return rescue_firmware_find_identity(run->firmware, device->chip_id,
						     device->board_id, run->job->behavior);
	if (device->board == NULL)
		return NULL;
	return rescue_firmware_find_board(run->firmware, device->board, run->job->behavior);
}

static bool
check_identity(RescueRun *run, const char *products, GError **error)
{
	const RescueFirmware *firmware = run->firmware;
	const RescueDevice *device = run->device;
	const RescueIdentity *identity = find_identity(run);

	if (identity == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NO_IDENTITY,
			    "this firmware (%s %s, for %s) cannot %s this device (chip 0x%x, board "
			    "0x%x%s%s)",
			    firmware->version, firmware->build, products,
			    rescue_behavior_name(run->job->behavior), device->chip_id,
			    device->board_id, device->board != NULL ? ", " : "",
			    device->board != NULL ? device->board : "");
		return false;
	}
	if (identity->missing == NULL)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
		    "‘%s’ is not a whole firmware file: it lacks the %s", run->job->ipsw,
		    identity->missing);
	return false;
}

static bool
check_model(RescueRun *run, GError **error)
{
	const RescueFirmware *firmware = run->firmware;
	g_autofree char *products = g_strjoinv(", ", firmware->products);

	/* a chip that no library here knows still has firmware that says what it is for */
	if (refuse_kind(firmware->products[0], error))
		return false;
	if (!fits_model(run)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_WRONG_MODEL,
			    "this firmware (%s %s) is for %s, the device is %s", firmware->version,
			    firmware->build, products, run->device->product);
		return false;
	}
	return check_identity(run, products, error);
}

static bool
check_firmware(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;

	rescue_run_step(run, RESCUE_PHASE_VERIFY_FIRMWARE);
	rescue_firmware_free(run->firmware);
	run->firmware = ports->inspect->inspect(ports->inspect_self, run->job->ipsw, error);
	if (run->firmware == NULL || !check_model(run, error))
		return false;
	/* the engine unpacks the system image for each device */
	return ports->host->check_space(ports->host_self, run->firmware->os_image_bytes, error);
}

bool
rescue_run_prepare(RescueRun *run)
{
	static bool (*const checks[])(RescueRun *, GError **) = { check_host, find_device,
								  check_firmware };

	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
		if (checks[i](run, &run->evidence->error))
			continue;
		run->evidence->phase = run->step;
		run->evidence->mode = run->device->mode;
		return false;
	}
	return true;
}
