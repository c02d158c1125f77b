/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/recovery.h"

#include <string.h>

#include "cli/commands/commands.h"
#include "cli/common/choose.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "core/process/lock.h"

#define MS            1000 /* microseconds */
#define GUIDE_MS      (5 * 60 * 1000)
#define ARRIVE_MS     (2 * 60 * 1000) /* a phone that starts iOS is seen by then */
#define BIT(mode)     (1u << RESCUE_MODE_##mode)
#define ANY_BUT(mode) (~BIT(mode))

/** What the command was given. */
typedef struct {
	char *ecid, *model, *deadline;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->ecid);
	g_free(options->model);
	g_free(options->deadline);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/** What a device is told, and where it has to be seen afterwards. */
typedef struct {
	const char *word;
	RescueAction action;
	unsigned arrives; /* modes */
} Deed;

static const Deed deeds[] = {
	{ "enter", RESCUE_ACTION_ENTER_RECOVERY, BIT(RECOVERY) },
	{ "leave", RESCUE_ACTION_LEAVE_RECOVERY, BIT(NORMAL) },
	{ "reboot", RESCUE_ACTION_REBOOT, ANY_BUT(ABSENT) },
};

static const RescueDevice *
find_named(const GPtrArray *devices, RescueEcid ecid, GError **error)
{
	char text[RESCUE_ECID_TEXT];

	for (guint i = 0; i < devices->len; i++) {
		const RescueDevice *device = devices->pdata[i];
		if (device->ecid == ecid)
			return device;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
		    "no device with ECID %s is attached", rescue_ecid_format(ecid, text));
	return NULL;
}

static bool
read_ecid(const Options *options, RescueEcid *ret_ecid, GError **error)
{
	*ret_ecid = 0;
	return options->ecid == NULL || rescue_ecid_parse(options->ecid, ret_ecid, error);
}

/* True when it was seen on its way and arrived: a mode that it was in all the time says nothing. */
static bool
arrives(const RescuePorts *ports, RescueEcid ecid, RescueMode from, unsigned modes)
{
	int64_t until_us = rescue_clock_monotonic_us(ports->clock) + (int64_t)ARRIVE_MS * MS;
	bool left = false;

	while (rescue_clock_monotonic_us(ports->clock) < until_us) {
		g_autoptr(RescueObservation) seen = ports->inbox->next(ports->inbox_self, until_us);
		if (seen->kind == RESCUE_OBSERVED_STOP)
			return false;
		if (seen->kind != RESCUE_OBSERVED_DEVICE || seen->device->ecid != ecid)
			continue;
		left |= seen->device->mode != from;
		if (left && (modes & (1u << seen->device->mode)) != 0)
			return true;
	}
	return false;
}

static int
tell_where(const RescueCli *cli, const RescuePorts *ports, RescueEcid ecid)
{
	g_autoptr(RescueDevice) device = ports->devices->find(ports->devices_self, ecid);
	g_autofree char *text = rescue_device_describe(device);

	if (cli->json) {
		g_autoptr(RescueJson) json = rescue_device_to_json(device);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	rescue_say(cli, "%s", text);
	return RESCUE_EXIT_FINE;
}

static int
do_deed(const RescueCli *cli, const RescuePorts *ports, const Deed *deed,
	const RescueDevice *device)
{
	g_autofree char *name = g_strdup_printf("recovery %s", deed->word);
	g_autoptr(RescueLock) lock = NULL;
	GError *error = NULL;

	lock = rescue_lock_take(device->ecid, name, rescue_clock_wall_us(ports->clock), &error);
	if (lock == NULL ||
	    !ports->devices->act(ports->devices_self, device->ecid, deed->action, &error))
		return rescue_recovery_fail(cli, error);
	if (arrives(ports, device->ecid, device->mode, deed->arrives))
		return tell_where(cli, ports, device->ecid);
	g_set_error(&error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_VANISHED,
		    "the device took the command, and was not seen again where it should be");
	return rescue_recovery_fail(cli, error);
}

static int
run_deed(const RescueCli *cli, const Deed *deed, const Options *options)
{
	g_autoptr(RescueWiring) wiring = NULL;
	g_autoptr(GPtrArray) devices = NULL;
	const RescueDevice *device = NULL;
	GError *error = NULL;
	RescueEcid ecid;

	if (!read_ecid(options, &ecid, &error))
		return rescue_recovery_fail(cli, error);
	wiring = rescue_wiring_new(cli, &error);
	if (wiring == NULL)
		return rescue_recovery_fail(cli, error);
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	devices = ports->devices->list(ports->devices_self);
	device = ecid != 0 ? find_named(devices, ecid, &error)
			   : rescue_choose_device(devices, &error);
	return device != NULL ? do_deed(cli, ports, deed, device)
			      : rescue_recovery_fail(cli, error);
}

/* A device that nobody sees is why a guide is needed: none is no mistake here, two are. */
static bool
choose_for_guide(const GPtrArray *devices, RescueGuide *guide, GError **error)
{
	const RescueDevice *device = NULL;

	if (guide->ecid == 0 && devices->len > 0) {
		device = rescue_choose_device(devices, error);
		if (device == NULL)
			return false;
		guide->ecid = device->ecid;
	} else if (guide->ecid != 0) {
		device = find_named(devices, guide->ecid, NULL);
	}
	if (guide->product == NULL && device != NULL)
		guide->product = device->product;
	return true;
}

static bool
check_guide(const RescueGuide *guide, GError **error)
{
	const RescueButtonStep *steps;

	if (rescue_buttons_find(guide->product, guide->goal, &steps) > 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    guide->product == NULL
			? "which model is it? Say it with --model, for example iPhone10,3"
			: "the buttons of ‘%s’ are not known here",
		    guide->product);
	return false;
}

static int
run_guide(const RescueCli *cli, RescueMode wanted, const Options *options)
{
	RescueGuide guide = { .product = options->model,
			      .wanted = wanted,
			      .goal = wanted == RESCUE_MODE_DFU ? RESCUE_BUTTONS_DFU
								: RESCUE_BUTTONS_RECOVERY,
			      .deadline_ms = GUIDE_MS };
	g_autoptr(RescueWiring) wiring = NULL;
	g_autoptr(GPtrArray) devices = NULL;
	GError *error = NULL;

	if (!read_ecid(options, &guide.ecid, &error) ||
	    (options->deadline != NULL &&
	     !rescue_parse_duration(options->deadline, &guide.deadline_ms, &error)))
		return rescue_recovery_fail(cli, error);
	wiring = rescue_wiring_new(cli, &error);
	if (wiring == NULL)
		return rescue_recovery_fail(cli, error);
	const RescuePorts *ports = rescue_wiring_ports(wiring);
	devices = ports->devices->list(ports->devices_self);
	if (!choose_for_guide(devices, &guide, &error) || !check_guide(&guide, &error))
		return rescue_recovery_fail(cli, error);
	return rescue_recovery_guide(cli, ports, &guide);
}

static bool
parse(RescueCli *cli, const RescueCommand *command, Options *options, char ***ret_arguments,
      int *ret_status)
{
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options->ecid,
		  "the device, when several are attached", "E" },
		{ "model", 0, 0, G_OPTION_ARG_STRING, &options->model,
		  "guide: its model, when it cannot tell: iPhone10,3", "MODEL" },
		{ "deadline", 0, 0, G_OPTION_ARG_STRING, &options->deadline,
		  "guide: wait so long, 5m when not said", "D" },
		{ 0 }
	};

	return rescue_cli_parse(cli, command, entries, ret_arguments, ret_status);
}

static int
run_recovery(RescueCli *cli)
{
	g_auto(Options) options = { 0 };
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!parse(cli, &rescue_command_recovery, &options, &arguments, &status))
		return status;
	for (size_t i = 0; arguments[0] != NULL && arguments[1] == NULL && i < G_N_ELEMENTS(deeds);
	     i++)
		if (strcmp(deeds[i].word, arguments[0]) == 0)
			return run_deed(cli, &deeds[i], &options);
	if (arguments[0] != NULL && arguments[1] == NULL && strcmp(arguments[0], "guide") == 0)
		return run_guide(cli, RESCUE_MODE_RECOVERY, &options);
	return rescue_fail_usage(cli, "recovery: say enter, leave, reboot or guide");
}

static int
run_dfu(RescueCli *cli)
{
	g_auto(Options) options = { 0 };
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!parse(cli, &rescue_command_dfu, &options, &arguments, &status))
		return status;
	if (arguments[0] != NULL && arguments[1] == NULL && strcmp(arguments[0], "guide") == 0)
		return run_guide(cli, RESCUE_MODE_DFU, &options);
	return rescue_fail_usage(cli, "dfu: only guide is there; DFU mode is entered by hand");
}

const RescueCommand rescue_command_recovery = {
	.name = "recovery",
	.arguments = "enter|leave|reboot|guide",
	.summary = "into recovery mode, out of it, or how to get there with the buttons",
	.details =
	    "guide tells the buttons of the model with their times, and ends when the device "
	    "is seen in recovery mode.",
	.run = run_recovery,
};

const RescueCommand rescue_command_dfu = {
	.name = "dfu",
	.arguments = "guide",
	.summary = "how to get into DFU mode with the buttons",
	.details =
	    "guide tells the buttons of the model with their times, and ends when the device "
	    "is seen in DFU mode.",
	.run = run_dfu,
};
