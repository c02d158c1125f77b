/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* Everything that can be known before the device is touched, in an order in which the cheap comes first. */

#define DETECT_MS 10000 /* a device that is just re-enumerating gets this long to show up */

/* Known only step by step: any engine at all, then one for the model, as soon as that is told. */
static bool
choose_engine(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;

	rescue_engine_run_clear(&run->engine);
	return ports->engine->probe(ports->engine_self, run->device->product, &run->engine, error);
}

static bool
check_host(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;

	rescue_run_step(run, RESCUE_PHASE_PREFLIGHT);
	if (!ports->host->check_usbmuxd(ports->host_self, error))
		return false;
	return choose_engine(run, error);
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
	if (!run->before_told)
		rescue_run_say_before(run);
	if (refuse_kind(run->device->product, error))
		return false;
	return run->device->product == NULL || choose_engine(run, error);
}

static bool
knows_owner(const RescueOwner *owner)
{
	return owner->find_my != RESCUE_ANSWER_UNKNOWN ||
	       owner->activation_lock != RESCUE_ANSWER_UNKNOWN;
}

/* A computer that it has come to trust is told more. */
static bool
ask_owner(RescueRun *run, GError **error)
{
	const RescueOwner *owner = &run->device->owner;

	if (!run->trusted || !owner->asked || knows_owner(owner))
		return true;
	ask_device(run);
	if (knows_owner(owner))
		rescue_run_say_before(run);
	return true;
}

static bool
fits_model(const RescueRun *run)
{
	const RescueDevice *device = run->device;
	const char *const *products = (const char *const *)run->firmware->products;

	return device->product == NULL || g_strv_contains(products, device->product);
}

/* A model that no library here knows is still told by the firmware that is made for its chip and board. */
static bool
learn_model(RescueRun *run, GError **error)
{
	RescueDevice *device = run->device;
	const char *product;

	if (device->product != NULL || !device->have_chip)
		return true;
	product = rescue_firmware_product(run->firmware, device->chip_id, device->board_id);
	if (product == NULL)
		return true;
	rescue_set_string(&device->product, product);
	rescue_run_say(run, rescue_event_device(device));
	return choose_engine(run, error);
}

/*
 * Which BuildIdentity the engine would take. Without one the engine is not asked: for an update both generations take
 * the first identity of the board when they find none, and that one erases.
 */
static const RescueIdentity *
find_identity(const RescueRun *run, RescuePicking picking)
{
	const RescueDevice *device = run->device;
	const RescueIdentityWish wish = {
		.have_chip = device->have_chip,
		.chip_id = device->chip_id,
		.board_id = device->board_id,
		.board = device->board,
		.behavior = run->job->behavior,
		.picking = picking,
	};

	return rescue_firmware_choose(run->firmware, &wish);
}

/* Manifests since iOS 26 call their updates "Erase" in the one word that the first generation of engines goes by. */
static void
refuse_identity(const RescueRun *run, const char *products, GError **error)
{
	const RescueFirmware *firmware = run->firmware;
	const RescueDevice *device = run->device;
	bool newer_could = run->engine.picking == RESCUE_PICKS_BY_BEHAVIOR &&
			   find_identity(run, RESCUE_PICKS_BY_VARIANT) != NULL;

	g_set_error(error, RESCUE_ERROR,
		    newer_could ? RESCUE_FAILURE_ENGINE_TOO_OLD
				: RESCUE_FAILURE_FIRMWARE_NO_IDENTITY,
		    "this firmware (%s %s, for %s) cannot %s this device (chip 0x%x, board "
		    "0x%x%s%s)%s%s%s",
		    firmware->version, firmware->build, products,
		    rescue_behavior_name(run->job->behavior), device->chip_id, device->board_id,
		    device->board != NULL ? ", " : "", device->board != NULL ? device->board : "",
		    newer_could ? " with idevicerestore " : "",
		    newer_could ? run->engine.version : "",
		    newer_could ? "; a newer engine can" : "");
}

static bool
check_identity(RescueRun *run, const char *products, const RescueIdentity **ret_identity,
	       GError **error)
{
	const RescueIdentity *identity = find_identity(run, run->engine.picking);

	if (ret_identity != NULL)
		*ret_identity = identity;
	if (identity == NULL) {
		refuse_identity(run, products, error);
		return false;
	}
	if (identity->missing == NULL)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
		    "‘%s’ is not a whole firmware file: it lacks the %s", run->firmware->path,
		    identity->missing);
	return false;
}

bool
rescue_run_check_model(RescueRun *run, const RescueIdentity **ret_identity, GError **error)
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
	return learn_model(run, error) && check_identity(run, products, ret_identity, error);
}

static bool
read_firmware(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;

	rescue_run_step(run, RESCUE_PHASE_VERIFY_FIRMWARE);
	rescue_firmware_free(run->firmware);
	run->firmware = ports->inspect->inspect(ports->inspect_self, run->job->ipsw, error);
	return run->firmware != NULL && rescue_run_check_model(run, NULL, error);
}

/* what a good copy of the same file would cure */
static bool
is_damage(const GError *error)
{
	return error->domain == RESCUE_ERROR && (error->code == RESCUE_FAILURE_FIRMWARE_DAMAGED ||
						 error->code == RESCUE_FAILURE_FIRMWARE_NOT_IPSW ||
						 error->code == RESCUE_FAILURE_FIRMWARE_INCOMPLETE);
}

/* A file that we fetched ourselves may have gone bad on this disk. */
static bool
read_good_firmware(RescueRun *run, GError **error)
{
	GError *unusable = NULL;

	if (read_firmware(run, &unusable))
		return true;
	if (run->fetched_path == NULL || run->distrusted || !is_damage(unusable)) {
		g_propagate_error(error, unusable);
		return false;
	}
	g_error_free(unusable);
	return rescue_run_download_again(run, error) && read_firmware(run, error);
}

static bool
check_firmware(RescueRun *run, GError **error)
{
	rescue_run_step(run, RESCUE_PHASE_VERIFY_FIRMWARE);
	/* gigabytes are not read again because the signing server wanted a pause */
	if (run->proven)
		return true;
	run->proven = read_good_firmware(run, error);
	if (run->proven)
		rescue_run_say(run, rescue_event_file(run->firmware, run->release));
	return run->proven;
}

static bool
check_signing(RescueRun *run, GError **error)
{
	return rescue_run_check_signing(run, find_identity(run, run->engine.picking), error);
}

static bool
unpack(RescueRun *run, GError **error)
{
	return rescue_run_unpack(run, find_identity(run, run->engine.picking), error);
}

/* the last, for it takes longest: the system image is read to its end, which may find it damaged */
static bool
unpack_image(RescueRun *run, GError **error)
{
	GError *unusable = NULL;

	if (unpack(run, &unusable))
		return true;
	if (run->fetched_path == NULL || run->distrusted || !is_damage(unusable)) {
		g_propagate_error(error, unusable);
		return false;
	}
	g_error_free(unusable);
	return rescue_run_download_again(run, error) && read_firmware(run, error) &&
	       unpack(run, error);
}

typedef bool (*Check)(RescueRun *run, GError **error);

static bool
pass(RescueRun *run, const Check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (checks[i](run, &run->evidence->error))
			continue;
		run->evidence->phase = run->step;
		run->evidence->mode = run->device->mode;
		return false;
	}
	return true;
}

bool
rescue_run_prepare(RescueRun *run)
{
	static const Check of_device[] = { check_host, find_device, rescue_run_gain_trust,
					   ask_owner };
	static const Check of_firmware[] = { rescue_run_download, check_firmware, check_signing,
					     unpack_image };

	if (!pass(run, of_device, G_N_ELEMENTS(of_device)))
		return false;
	while (!pass(run, of_firmware, G_N_ELEMENTS(of_firmware)))
		if (!rescue_run_choose_next(run))
			return false;
	return true;
}
