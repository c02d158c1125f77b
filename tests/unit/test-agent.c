/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "transport/devices/agent.h"

/* The agent program itself, as far as it goes without a device; with devices it is tried in the lab. */

enum { OUTER_MS = 20000, INNER_MS = 300, NO_DEVICE_MS = 5000 };

static char *
agent_path(void)
{
	return g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin", "idevicerescue-agent", NULL);
}

/** Runs it with these arguments; caller clears. */
static void
run_agent(const char *const *arguments, RescueProcessResult *ret_result)
{
	g_autofree char *path = agent_path();
	const char *argv[12] = { path };
	for (size_t i = 0; arguments[i] != NULL; i++)
		argv[i + 1] = arguments[i];
	g_assert_true(rescue_process_run(&(RescueProcessSpec){ .argv = argv, .inherit_fd = -1 },
					 OUTER_MS, ret_result, NULL));
}

static void
test_wrong_usage_is_one_sentence_and_status_2(void)
{
	static const char *const wrong[][6] = {
		{ NULL },
		{ "dance", "--ecid", "0x1", NULL },
		{ "query", NULL },
		{ "query", "--ecid", "12AB", NULL },
		{ "query", "now", "--ecid", "0x1", NULL },
		{ "set-autoboot", "--ecid", "0x1", NULL },
		{ "set-autoboot", "maybe", "--ecid", "0x1", NULL },
		{ "identify", "--cpid", "many", "--bdid", "6", NULL },
		{ "identify", "--ecid", "0x1", NULL },
		{ "query", "--ecid", "0x1", "--deadline-ms", "0", NULL },
		{ "query", "--unheard-of", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(RescueProcessResult) result = { .status = 0 };
		run_agent(wrong[i], &result);
		g_assert_cmpint(result.status, ==, 2);
		g_assert_true(g_str_has_prefix(
		    result.output,
		    "{\"v\":1,\"event\":\"error\",\"failure\":\"bad-input\",\"text\":"));
		g_assert_cmpstr(result.errors, ==, "");
	}
}

static void
test_models_are_identified_without_a_device(void)
{
	g_autofree char *path = agent_path();
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueDevice) facts = NULL;
	RescueDevice model = { .chip_id = 0x8015, .board_id = 0x06, .have_chip = true };
	RescueAgentCall call = {
		.program = path, .command = "identify", .model = &model, .deadline_ms = NO_DEVICE_MS
	};
	g_assert_true(rescue_agent_run(&call, &facts, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(facts->product, ==, "iPhone10,3");
	g_assert_cmpstr(facts->board, ==, "d22ap");
	model.chip_id = 0xffff;
	g_assert_false(rescue_agent_run(&call, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_MODEL_UNKNOWN);
}

static void
assert_query_fails(const char *udid, RescueFailure failure, const char *words)
{
	g_autofree char *path = agent_path();
	g_autoptr(GError) error = NULL;
	const RescueAgentCall call = { .program = path,
				       .command = "query",
				       .ecid = 0x12,
				       .udid = udid,
				       .deadline_ms = INNER_MS };
	g_assert_false(rescue_agent_run(&call, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, (gint)failure);
	g_assert_nonnull(strstr(error->message, words));
}

static void
test_absent_usbmuxd_is_named(void)
{
	g_assert_true(g_setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:/nowhere/usbmuxd", TRUE));
	assert_query_fails(NULL, RESCUE_FAILURE_NO_USBMUXD, "usbmuxd");
}

static void
test_deadline_names_what_was_waited_for(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-agent-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "usbmuxd", NULL);
	g_autofree char *address = g_strconcat("UNIX:", path, NULL);
	g_autoptr(GSocketAddress) where = g_unix_socket_address_new(path);
	g_autoptr(GSocket) mute = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
					       G_SOCKET_PROTOCOL_DEFAULT, NULL);
	g_assert_true(g_socket_bind(mute, where, FALSE, NULL));
	g_assert_true(g_socket_listen(mute, NULL));
	g_assert_true(g_setenv("USBMUXD_SOCKET_ADDRESS", address, TRUE));
	assert_query_fails(NULL, RESCUE_FAILURE_DEVICE_SILENT,
			   "waited in vain for usbmuxd (300 ms in all)");
	assert_query_fails("00008030-0000000000000012", RESCUE_FAILURE_DEVICE_SILENT, "usbmuxd");
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/agent/" #name, test_##name)
	ADD(wrong_usage_is_one_sentence_and_status_2);
	ADD(models_are_identified_without_a_device);
	ADD(absent_usbmuxd_is_named);
	ADD(deadline_names_what_was_waited_for);
#undef ADD
	return g_test_run();
}
