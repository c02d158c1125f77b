/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "transport/agent/iboot.h"
#include "transport/agent/model.h"
#include "transport/agent/mux.h"
#include "transport/agent/port.h"
#include "transport/agent/report.h"

/*
 * idevicerescue-agent: one action on one device, then the end. See README.md for the protocol.
 */

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	DEFAULT_DEADLINE_MS = 20000,
	MAX_DEADLINE_MS = 600000
};

/** The command line, checked. */
typedef struct {
	char *ecid_text, *udid, *chip_text, *board_text; /* as given */
	char **words;                                    /* command and argument */
	gint deadline_ms;
	RescueEcid ecid;
} Options;

/** What a command works with. */
typedef struct {
	const Options *options;
	RescueAgentDeadline *deadline;
	RescueJson *fields; /* of the result */
} Call;

typedef struct {
	const char *name;
	bool needs_device, takes_argument;
	bool (*run)(const Call *call, GError **error);
} Command;

static void
options_clear(Options *options)
{
	g_free(options->ecid_text);
	g_free(options->udid);
	g_free(options->chip_text);
	g_free(options->board_text);
	g_strfreev(options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static bool
refuse(GError **error, const char *why)
{
	g_set_error_literal(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, why);
	return false;
}

static void
tell_device(RescueJson *fields, const RescueDevice *device)
{
	char text[RESCUE_ECID_TEXT];
	if (device->ecid != 0)
		rescue_json_set_string(fields, "ecid", rescue_ecid_format(device->ecid, text));
	rescue_json_set_string(fields, "mode", rescue_mode_name(device->mode));
	rescue_json_set_string(fields, "udid", device->udid);
	rescue_json_set_string(fields, "product", device->product);
	rescue_json_set_string(fields, "board", device->board);
	rescue_json_set_string(fields, "serial", device->serial);
	rescue_json_set_string(fields, "version", device->version);
	rescue_json_set_string(fields, "build", device->build);
	rescue_owner_write(&device->owner, fields);
	if (device->battery_percent != 0)
		rescue_json_set_int(fields, "battery", device->battery_percent);
	rescue_json_set_string(fields, "trust", rescue_trust_name(device->trust));
	if (!device->have_chip)
		return;
	rescue_json_set_int(fields, "chip_id", device->chip_id);
	rescue_json_set_int(fields, "board_id", device->board_id);
}

/** The command has done its work: says so at once, before the libraries take their leave of the device. */
static bool
finish(const Call *call)
{
	rescue_report_result(rescue_json_ref(call->fields));
	rescue_agent_deadline_finish(call->deadline);
	return true;
}

/* ---- recovery and DFU ---------------------------------------------------------------------------- */

/** The wanted device in a boot loader, found without opening anything; NULL when it is in none. Caller owns. */
static RescueDevice *
find_iboot(const Call *call)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	if (call->options->ecid == 0 || !rescue_iboot_find(call->options->ecid, device))
		return NULL;
	rescue_model_complete(device);
	return g_steal_pointer(&device);
}

/** Opens the wanted device, which has to be in recovery mode, the only boot loader that takes commands. */
static RescueIboot *
open_recovery(const Call *call, GError **error)
{
	g_autoptr(RescueDevice) device = find_iboot(call);
	if (device == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "the device is not attached in recovery mode");
		return NULL;
	}
	if (device->mode != RESCUE_MODE_RECOVERY) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the device is in %s mode, which takes no such command",
			    rescue_mode_name(device->mode));
		return NULL;
	}
	tell_device(call->fields, device);
	rescue_agent_deadline_step(call->deadline, "the boot loader");
	return rescue_iboot_open(device, error);
}

static bool
save_autoboot(RescueIboot *iboot, bool on, GError **error)
{
	return rescue_iboot_command(iboot, on ? "setenv auto-boot true" : "setenv auto-boot false",
				    error) &&
	       rescue_iboot_command(iboot, "saveenv", error);
}

/** That it can be opened and answers is the news: what else is known was read from sysfs. */
static bool
query_iboot(const Call *call, const RescueDevice *device, GError **error)
{
	rescue_agent_deadline_step(call->deadline, "the boot loader");
	g_autoptr(RescueIboot) iboot = rescue_iboot_open(device, error);
	if (iboot == NULL)
		return false;
	tell_device(call->fields, device);
	if (device->mode != RESCUE_MODE_RECOVERY)
		return finish(call);
	g_autofree char *autoboot = rescue_iboot_getenv(iboot, "auto-boot", error);
	if (autoboot == NULL)
		return false;
	rescue_json_set_string(call->fields, "auto_boot", autoboot);
	return finish(call);
}

/* ---- the commands -------------------------------------------------------------------------------- */

static bool
run_query(const Call *call, GError **error)
{
	g_autoptr(RescueDevice) iboot = find_iboot(call);
	if (iboot != NULL)
		return query_iboot(call, iboot, error);
	g_autoptr(RescueMux)
	    mux = rescue_mux_open(call->options->ecid, call->options->udid, call->deadline, error);
	if (mux == NULL)
		return false;
	tell_device(call->fields, rescue_mux_facts(mux));
	if (rescue_mux_facts(mux)->mode == RESCUE_MODE_NORMAL) {
		rescue_agent_deadline_content(call->deadline, call->fields);
		rescue_mux_ask_owner(mux);
		tell_device(call->fields, rescue_mux_facts(mux));
	}
	return finish(call);
}

static bool
parse_number(const char *text, uint32_t *ret_number)
{
	bool hex = text != NULL && g_str_has_prefix(text, "0x");
	guint64 value;
	if (text == NULL ||
	    !g_ascii_string_to_unsigned(hex ? text + strlen("0x") : text, hex ? 16 : 10, 0,
					G_MAXUINT32, &value, NULL))
		return false;
	*ret_number = (uint32_t)value;
	return true;
}

static bool
run_identify(const Call *call, GError **error)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	if (!parse_number(call->options->chip_text, &device->chip_id) ||
	    !parse_number(call->options->board_text, &device->board_id))
		return refuse(error,
			      "‘identify’ needs --cpid and --bdid, decimal or 0x and hexadecimal");
	device->have_chip = true;
	rescue_model_complete(device);
	if (device->product == NULL) {
		g_set_error(
		    error, RESCUE_ERROR, RESCUE_FAILURE_MODEL_UNKNOWN,
		    "the installed libirecovery does not know chip 0x%04x with board 0x%02x",
		    device->chip_id, device->board_id);
		return false;
	}
	tell_device(call->fields, device);
	return finish(call);
}

/** Opens the wanted device, which has to run iOS: nothing else can be told `what`. */
static RescueMux *
open_ios(const Call *call, const char *what, GError **error)
{
	g_autoptr(RescueDevice) iboot = find_iboot(call);
	if (iboot != NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the device is in %s mode; only iOS can be told to %s",
			    rescue_mode_name(iboot->mode), what);
		return NULL;
	}
	g_autoptr(RescueMux)
	    mux = rescue_mux_open(call->options->ecid, call->options->udid, call->deadline, error);
	if (mux == NULL)
		return NULL;
	if (rescue_mux_facts(mux)->mode == RESCUE_MODE_NORMAL)
		return g_steal_pointer(&mux);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "the device runs the restore system; only iOS can be told to %s", what);
	return NULL;
}

static bool
run_pair(const Call *call, GError **error)
{
	g_autoptr(RescueMux) mux = open_ios(call, "trust this computer", error);
	if (mux == NULL || !rescue_mux_pair(mux, error))
		return false;
	tell_device(call->fields, rescue_mux_facts(mux));
	return finish(call);
}

static bool
run_enter_recovery(const Call *call, GError **error)
{
	g_autoptr(RescueMux) mux = open_ios(call, "enter recovery mode", error);
	if (mux == NULL)
		return false;
	tell_device(call->fields, rescue_mux_facts(mux));
	return rescue_mux_enter_recovery(mux, error) && finish(call);
}

static bool
run_leave_recovery(const Call *call, GError **error)
{
	g_autoptr(RescueIboot) iboot = open_recovery(call, error);
	return iboot != NULL && save_autoboot(iboot, true, error) &&
	       rescue_iboot_reboot(iboot, error) && finish(call);
}

static bool
run_set_autoboot(const Call *call, GError **error)
{
	const char *word = call->options->words[1];
	bool on = strcmp(word, "on") == 0;
	if (!on && strcmp(word, "off") != 0)
		return refuse(error, "‘set-autoboot’ needs ‘on’ or ‘off’");
	g_autoptr(RescueIboot) iboot = open_recovery(call, error);
	return iboot != NULL && save_autoboot(iboot, on, error) && finish(call);
}

static bool
run_usb_reset(const Call *call, GError **error)
{
	g_autoptr(RescueDevice) device = find_iboot(call);
	if (device == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "the device is not attached in recovery or DFU mode");
		return false;
	}
	tell_device(call->fields, device);
	rescue_agent_deadline_step(call->deadline, "the reset of the device's port");
	g_autoptr(RescueIboot) iboot = rescue_iboot_open(device, error);
	return iboot != NULL && rescue_iboot_usb_reset(iboot, error) && finish(call);
}

static bool
run_reboot(const Call *call, GError **error)
{
	g_autoptr(RescueDevice) in_iboot = find_iboot(call);
	if (in_iboot != NULL) {
		g_autoptr(RescueIboot) iboot = open_recovery(call, error);
		return iboot != NULL && rescue_iboot_reboot(iboot, error) && finish(call);
	}
	g_autoptr(RescueMux)
	    mux = rescue_mux_open(call->options->ecid, call->options->udid, call->deadline, error);
	if (mux == NULL)
		return false;
	tell_device(call->fields, rescue_mux_facts(mux));
	if (rescue_mux_facts(mux)->mode != RESCUE_MODE_RESTORE)
		return refuse(
		    error,
		    "the device runs iOS; it is rebooted from recovery or restore mode only");
	return rescue_mux_reboot(mux, error) && finish(call);
}

static bool
run_cycle_port(const Call *call, GError **error)
{
	rescue_agent_deadline_step(call->deadline, "the kernel, which switches the port");
	return rescue_port_cycle(call->options->words[1], error) && finish(call);
}

static const Command commands[] = {
	{ "query", true, false, run_query },
	{ "identify", false, false, run_identify },
	{ "pair", true, false, run_pair },
	{ "enter-recovery", true, false, run_enter_recovery },
	{ "leave-recovery", true, false, run_leave_recovery },
	{ "reboot", true, false, run_reboot },
	{ "usb-reset", true, false, run_usb_reset },
	{ "set-autoboot", true, true, run_set_autoboot },
	{ "cycle-port", false, true, run_cycle_port },
};

/* ---- the command line ---------------------------------------------------------------------------- */

static bool
parse_options(Options *options, int *argc, char ***argv, GError **error)
{
	g_autoptr(GError) foreign = NULL;
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options->ecid_text, "the device", "0x…" },
		{ "udid", 0, 0, G_OPTION_ARG_STRING, &options->udid, "its UDID, where known",
		  "UDID" },
		{ "cpid", 0, 0, G_OPTION_ARG_STRING, &options->chip_text,
		  "chip number, to identify", "N" },
		{ "bdid", 0, 0, G_OPTION_ARG_STRING, &options->board_text,
		  "board number, to identify", "N" },
		{ "deadline-ms", 0, 0, G_OPTION_ARG_INT, &options->deadline_ms,
		  "the end comes then", "N" },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words, NULL,
		  "COMMAND [on|off|PATH]" },
		{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_set_summary(
	    context, "Commands: query, identify, pair, enter-recovery, leave-recovery, reboot, "
		     "usb-reset, set-autoboot, cycle-port. The answer is JSON Lines.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &foreign))
		return refuse(error, foreign->message);
	if (options->deadline_ms <= 0 || options->deadline_ms > MAX_DEADLINE_MS)
		return refuse(error, "--deadline-ms is out of range");
	return options->ecid_text == NULL ||
	       rescue_ecid_parse(options->ecid_text, &options->ecid, error);
}

static const Command *
find_command(const Options *options, GError **error)
{
	guint count = options->words != NULL ? g_strv_length(options->words) : 0;
	const Command *command = NULL;
	for (size_t i = 0; count > 0 && i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, options->words[0]) == 0)
			command = &commands[i];
	if (command == NULL) {
		(void)refuse(error, "there is no such command; see --help");
		return NULL;
	}
	if (count != (command->takes_argument ? 2U : 1U)) {
		(void)refuse(error, "wrong number of arguments; see --help");
		return NULL;
	}
	if (command->needs_device && options->ecid == 0 && options->udid == NULL) {
		(void)refuse(error, "--ecid or --udid is needed");
		return NULL;
	}
	return command;
}

static int
run(const Options *options, const Command *command)
{
	g_autoptr(RescueAgentDeadline)
	    deadline = rescue_agent_deadline_new((unsigned)options->deadline_ms);
	g_autoptr(RescueJson) fields = rescue_json_object_new();
	g_autoptr(GError) error = NULL;
	const Call call = { .options = options, .deadline = deadline, .fields = fields };
	if (!command->run(&call, &error)) {
		rescue_report_error(error);
		return g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT) ? EXIT_USAGE
										    : EXIT_FAILED;
	}
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	g_auto(Options) options = { .deadline_ms = DEFAULT_DEADLINE_MS };
	g_autoptr(GError) error = NULL;
	const Command *command = NULL;
	if (parse_options(&options, &argc, &argv, &error))
		command = find_command(&options, &error);
	if (command == NULL) {
		rescue_report_error(error);
		return EXIT_USAGE;
	}
	return run(&options, command);
}
