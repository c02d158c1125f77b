/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/common/choose.h"
#include "cli/common/depot.h"
#include "cli/common/output.h"
#include "cli/common/wiring.h"
#include "cli/common/worker.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/signing/ask.h"
#include "firmware/signing/client.h"
#include "firmware/signing/ticket.h"

/* gboolean: GOption writes into them */
typedef struct {
	char *ecid, *ipsw, *product, *chip, *board, *variant;
	char *version, *build; /* in place of a file */
	gboolean latest, erase, update, worker, with_ticket;
} Options;

/** For which device. */
typedef struct {
	RescueEcid ecid;
	bool have_chip;
	uint32_t chip_id, board_id;
	char *board, *product; /* names, NULL when not known */
} Target;

static void
options_clear(Options *options)
{
	g_free(options->ecid);
	g_free(options->ipsw);
	g_free(options->product);
	g_free(options->chip);
	g_free(options->board);
	g_free(options->variant);
	g_free(options->version);
	g_free(options->build);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
target_clear(Target *target)
{
	g_free(target->board);
	g_free(target->product);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

static bool
refuse(GError **error, const char *sentence)
{
	g_set_error_literal(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, sentence);
	return false;
}

/* ---- for which device ------------------------------------------------------------------------------ */

/* "0x8015" or digits */
static bool
read_id(const char *text, uint32_t *ret_value)
{
	bool hex = g_ascii_strncasecmp(text, "0x", 2) == 0;
	guint64 value;

	if (!g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, UINT32_MAX, &value,
					NULL))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool
take_options(Target *target, const Options *options, GError **error)
{
	bool board_is_id = options->board != NULL && read_id(options->board, &target->board_id);

	if (options->ecid != NULL && !rescue_ecid_parse(options->ecid, &target->ecid, error))
		return false;
	if (options->chip != NULL && !read_id(options->chip, &target->chip_id))
		return refuse(error, "--chip: give the chip's number, like 0x8015");
	if ((options->chip != NULL) != board_is_id)
		return refuse(error, "--chip goes with the number of the board: --chip 0x8015 "
				     "--board 0x0e; the board's name, like d221ap, stands alone");
	target->have_chip = options->chip != NULL;
	if (!board_is_id)
		target->board = g_strdup(options->board);
	target->product = g_strdup(options->product);
	return true;
}

static void
take_device(Target *target, const RescueDevice *device)
{
	target->ecid = device->ecid;
	target->have_chip = device->have_chip;
	target->chip_id = device->chip_id;
	target->board_id = device->board_id;
	g_free(target->board);
	target->board = g_strdup(device->board);
	if (target->product == NULL)
		target->product = g_strdup(device->product);
}

/* what the bus tells without opening anything is enough, except in normal and restore mode */
static bool
ask_device(const RescuePorts *ports, Target *target, GError **error)
{
	g_autoptr(RescueDevice) device = ports->devices->find(ports->devices_self, target->ecid);
	g_autoptr(RescueDevice) answer = NULL;
	char ecid[RESCUE_ECID_TEXT];

	if (device->mode == RESCUE_MODE_ABSENT) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "no device with ECID %s is attached; without it, name its model with "
			    "--board or --product",
			    rescue_ecid_format(target->ecid, ecid));
		return false;
	}
	if (!device->have_chip && device->board == NULL) {
		if (!ports->devices->query(ports->devices_self, target->ecid, &answer, error))
			return false;
		rescue_device_update(device, answer);
	}
	take_device(target, device);
	return true;
}

static bool
find_target(const RescueCli *cli, Target *target, GError **error)
{
	g_autoptr(RescueWiring) wiring = rescue_wiring_new(cli, error);
	const RescuePorts *ports;

	if (wiring == NULL)
		return false;
	ports = rescue_wiring_ports(wiring);
	if (target->ecid == 0) {
		g_autoptr(GPtrArray) devices = ports->devices->list(ports->devices_self);
		const RescueDevice *device = rescue_choose_device(devices, error);
		if (device == NULL)
			return false;
		target->ecid = device->ecid;
	}
	if (target->ecid == 0)
		return refuse(error,
			      "the device does not tell its ECID; unlock it, or name it with "
			      "--ecid");
	return ask_device(ports, target, error);
}

/* ---- of which identity ------------------------------------------------------------------------------ */

static bool
is_of_target(const RescueIdentity *identity, const Target *target)
{
	if (target->have_chip)
		return identity->chip_id == target->chip_id &&
		       identity->board_id == target->board_id;
	if (target->board != NULL)
		return identity->board != NULL &&
		       g_ascii_strcasecmp(identity->board, target->board) == 0;
	return identity->product == NULL || g_strcmp0(identity->product, target->product) == 0;
}

static const RescueIdentity *
find_identity(const RescueFirmware *firmware, const Target *target, RescueBehavior behavior)
{
	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = firmware->identities->pdata[i];
		if (is_of_target(identity, target) &&
		    !rescue_variant_is_research(identity->variant) &&
		    rescue_identity_does(identity, RESCUE_PICKS_BY_VARIANT) == behavior)
			return identity;
	}
	return NULL;
}

/* a product name alone leaves open which board, in a firmware for several */
static bool
check_clear(const RescueFirmware *firmware, const Target *target, const RescueIdentity *chosen,
	    GError **error)
{
	if (target->have_chip || target->board != NULL)
		return true;
	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = firmware->identities->pdata[i];
		if (is_of_target(identity, target) && identity->board_id != chosen->board_id) {
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
				    "this firmware is for several boards (%s, %s): name the "
				    "device's with --board",
				    chosen->board, identity->board);
			return false;
		}
	}
	return true;
}

static const RescueIdentity *
choose_identity(const RescueFirmware *firmware, const Target *target, RescueBehavior behavior,
		GError **error)
{
	const RescueIdentity *identity = find_identity(firmware, target, behavior);
	const char *const *products = (const char *const *)firmware->products;

	if (target->product != NULL && !g_strv_contains(products, target->product)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_WRONG_MODEL,
			    "this firmware (%s %s) is not for %s", firmware->version,
			    firmware->build, target->product);
		return NULL;
	}
	if (identity == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NO_IDENTITY,
			    "this firmware (%s %s) has nothing to %s such a device",
			    firmware->version, firmware->build, rescue_behavior_name(behavior));
		return NULL;
	}
	return check_clear(firmware, target, identity, error) ? identity : NULL;
}

/* ---- of which firmware ------------------------------------------------------------------------------ */

/* a file, or what the catalogues know by the wish: in the depot, or read by parts where it is */
static char *
locate(const RescueCli *cli, const Options *options, const Target *target, GError **error)
{
	const RescueWish wish = { .latest = options->latest,
				  .version = options->version,
				  .build = options->build };
	g_autoptr(RescueRelease) release = NULL;

	if (options->ipsw != NULL)
		return g_canonicalize_filename(options->ipsw, NULL);
	if (target->product == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the catalogues go by models: name the device's with --product, like "
			    "iPhone10,3");
		return NULL;
	}
	release = rescue_cli_choose_release(cli, target->product, &wish, false, error);
	return release != NULL ? rescue_cli_locate_release(cli, release, error) : NULL;
}

/* ---- asking ------------------------------------------------------------------------------------------ */

static RescueBehavior
behavior_of(const Options *options)
{
	return options->update ? RESCUE_BEHAVIOR_UPDATE : RESCUE_BEHAVIOR_ERASE;
}

static bool
ask_in_child(const RescueCli *cli, const Options *options, bool keep, RescueSigningAnswer *answer,
	     GError **error)
{
	g_auto(Target) target = { .ecid = 0 };
	g_autofree char *path = NULL;
	g_autoptr(RescueInspect) inspect = rescue_inspect_new(cli->program, false);
	const RescueSigningSpec spec = { .program = cli->program,
					 .state_dir = cli->state_dir,
					 .server = { cli->signing_server, cli->ca_file },
					 .with_ticket = keep };
	g_autoptr(RescueSigning) signing = rescue_signing_new(&spec);
	g_autoptr(RescueFirmware) firmware = NULL;
	const RescueIdentity *identity;

	if (!take_options(&target, options, error))
		return false;
	if ((target.ecid == 0 ||
	     (!target.have_chip && target.board == NULL && target.product == NULL)) &&
	    !find_target(cli, &target, error))
		return false;
	path = locate(cli, options, &target, error);
	firmware = path != NULL ? rescue_inspect_port.inspect(inspect, path, error) : NULL;
	if (firmware == NULL)
		return false;
	identity = choose_identity(firmware, &target, behavior_of(options), error);
	if (identity == NULL)
		return false;
	const RescueSigningQuestion question = { .ipsw = path,
						 .ecid = target.ecid,
						 .chip_id = identity->chip_id,
						 .board_id = identity->board_id,
						 .variant = identity->variant,
						 .behavior = behavior_of(options) };
	return rescue_signing_client_ask(signing, &question, answer, error);
}

/* the child itself: the parent has said everything */
static bool
ask_here(const RescueCli *cli, const Options *options, RescueSigningAnswer *answer, GError **error)
{
	RescueSigningQuestion question = { .ipsw = options->ipsw,
					   .variant = options->variant,
					   .behavior = behavior_of(options) };
	const RescueSigningServer server = { cli->signing_server, cli->ca_file };

	if (options->ecid == NULL || options->chip == NULL || options->board == NULL ||
	    !read_id(options->chip, &question.chip_id) ||
	    !read_id(options->board, &question.board_id))
		return refuse(error, "the worker wants --ecid, --chip and --board");
	return rescue_ecid_parse(options->ecid, &question.ecid, error) &&
	       rescue_worker_confine(error) &&
	       rescue_signing_ask(&question, &server, answer, error);
}

/* ---- telling ----------------------------------------------------------------------------------------- */

/* what the server's answer is to the question */
static const char *
phrase_verdict(RescueFailure failure)
{
	if (failure == RESCUE_FAILURE_NONE)
		return "is signed";
	return failure == RESCUE_FAILURE_SIGNING_REFUSED ? "is not signed"
							 : "may or may not be signed";
}

static int
tell(const RescueCli *cli, const RescueSigningAnswer *answer, bool with_ticket, const char *path)
{
	bool is_signed = answer->failure == RESCUE_FAILURE_NONE;
	int status = is_signed ? RESCUE_EXIT_FINE : rescue_failure_exit_status(answer->failure);
	g_autoptr(RescueJson) json = rescue_signing_answer_to_json(answer, with_ticket);
	g_autofree char *text = NULL;
	char ecid[RESCUE_ECID_TEXT];

	rescue_json_set_string(json, "path", path);
	if (cli->json)
		return rescue_print_json(json) ? status : RESCUE_ERROR_INTERNAL;
	text = g_strdup_printf("%s (%s) %s for %s: %s (status %d)\n%s%s%s",
			       answer->version != NULL ? answer->version : "this version",
			       answer->build != NULL ? answer->build : "unknown build",
			       phrase_verdict(answer->failure),
			       rescue_ecid_format(answer->ecid, ecid), answer->message,
			       answer->status,
			       path != NULL ? "the ticket is kept as a record: " : "",
			       path != NULL ? path : "", path != NULL ? "\n" : "");
	return rescue_print_prose(text) ? status : RESCUE_ERROR_INTERNAL;
}

static int
check(const RescueCli *cli, const Options *options)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = 0 };
	GError *error = NULL;

	if (options->worker ? ask_here(cli, options, &answer, &error)
			    : ask_in_child(cli, options, false, &answer, &error))
		return tell(cli, &answer, options->worker && options->with_ticket, NULL);
	return rescue_fail(cli, error);
}

static int
save(const RescueCli *cli, const Options *options)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = 0 };
	int64_t now_us = rescue_clock_wall_us(rescue_clock_system());
	g_autofree char *path = NULL;
	GError *error = NULL;

	if (!ask_in_child(cli, options, true, &answer, &error) ||
	    (answer.failure == RESCUE_FAILURE_NONE &&
	     !rescue_ticket_save(cli->state_dir, &answer, now_us, &path, &error)))
		return rescue_fail(cli, error);
	return tell(cli, &answer, false, path);
}

static int
act(const RescueCli *cli, const Options *options, char **arguments)
{
	bool saves = g_strcmp0(arguments[0], "save") == 0;

	if (!saves && g_strcmp0(arguments[0], "check") != 0)
		return rescue_fail_usage(cli, "sign: say what to do: check or save");
	if (arguments[1] != NULL)
		return rescue_fail_usage(cli, "sign %s: ‘%s’ is one argument too many",
					 arguments[0], arguments[1]);
	if ((options->ipsw != NULL) + options->latest + (options->version != NULL) +
		(options->build != NULL) !=
	    1)
		return rescue_fail_usage(cli,
					 "sign %s: name the firmware with one of --ipsw FILE, "
					 "--latest, --version V and --build B",
					 arguments[0]);
	if (options->erase && options->update)
		return rescue_fail_usage(cli, "--erase and --update exclude each other");
	return saves ? save(cli, options) : check(cli, options);
}

static int
run(RescueCli *cli)
{
	g_auto(Options) options = { .ecid = NULL };
	const GOptionEntry entries[] = {
		{ "ecid", 0, 0, G_OPTION_ARG_STRING, &options.ecid,
		  "the device, when several or none are attached", "E" },
		{ "ipsw", 0, 0, G_OPTION_ARG_FILENAME, &options.ipsw, "the firmware", "FILE" },
		{ "latest", 0, 0, G_OPTION_ARG_NONE, &options.latest,
		  "the newest that the catalogues call signed; no file is needed", NULL },
		{ "version", 0, 0, G_OPTION_ARG_STRING, &options.version, "this version", "V" },
		{ "build", 0, 0, G_OPTION_ARG_STRING, &options.build, "this build", "B" },
		{ "product", 0, 0, G_OPTION_ARG_STRING, &options.product,
		  "its model, like iPhone10,3", "P" },
		{ "chip", 0, 0, G_OPTION_ARG_STRING, &options.chip,
		  "its chip, with a board's number", "N" },
		{ "board", 0, 0, G_OPTION_ARG_STRING, &options.board,
		  "its board, like d221ap, or the number", "B" },
		{ "erase", 0, 0, G_OPTION_ARG_NONE, &options.erase,
		  "for a restore that erases (so by default)", NULL },
		{ "update", 0, 0, G_OPTION_ARG_NONE, &options.update, "for an update", NULL },
		{ "variant", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &options.variant, "",
		  NULL },
		{ "worker", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options.worker, "", NULL },
		{ "with-ticket", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options.with_ticket,
		  "", NULL },
		{ 0 }
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_sign, entries, &arguments, &status))
		return status;
	return act(cli, &options, arguments);
}

const RescueCommand rescue_command_sign = {
	.name = "sign",
	.arguments = "check|save --ipsw FILE|--latest|--version V|--build B",
	.summary = "is a build signed for a device; keep the ticket as a record",
	.details =
	    "With one device attached nothing else has to be named. Exit status 0: it is "
	    "signed; else that of the failure; with --json the verdict is signed, not-signed "
	    "or unknown. A saved ticket is a record: nothing replays it.",
	.run = run,
};
