/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/process/process.h"
#include "transport/devices/devices.h"
#include "transport/devices/usbmuxd.h"

/* Runs inside a world of the lab (devices-*.scenario): the devices port and the real agent before virtual phones. */

enum {
	DEADLINE_MS = 30000,
	CHECK_MS = 5000,
	UPLOADS = 20,
	UPLOAD_BYTES = 512 * 1024,
	MAX_RECORD = 1024 * 1024,
};

typedef struct {
	GString *story; /* "b:absent b:recovery " */
	RescueDevices *devices;
} Bench;

static RescueEcid
ecid_of(const char *phone)
{
	g_autofree char *upper = g_ascii_strup(phone, -1);
	g_autofree char *name = g_strconcat("LAB_ECID_", upper, NULL);
	RescueEcid ecid = 0;
	g_assert_true(rescue_ecid_parse(g_getenv(name), &ecid, NULL));
	return ecid;
}

static const char *
phone_of(RescueEcid ecid)
{
	static const char *const phones[] = { "a", "b", "c", "d" };
	for (size_t i = 0; i < G_N_ELEMENTS(phones); i++) {
		if (ecid == ecid_of(phones[i]))
			return phones[i];
	}
	return "?";
}

static void
on_change(const RescueDevice *device, void *data)
{
	const Bench *bench = data;
	if (device->ecid != 0)
		g_string_append_printf(bench->story, "%s:%s ", phone_of(device->ecid),
				       rescue_mode_name(device->mode));
}

static void
bench_init(Bench *bench, const char *agent)
{
	g_autoptr(GError) error = NULL;
	bench->story = g_string_new(NULL);
	bench->devices = rescue_devices_new(&(RescueDevicesSpec){ .on_change = on_change,
								  .data = bench,
								  .state_dir = g_getenv("LAB_DIR"),
								  .agent_program = agent },
					    &error);
	g_assert_no_error(error);
}

static void
bench_clear(Bench *bench)
{
	rescue_devices_free(bench->devices);
	g_string_free(bench->story, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static char *
agent_path(void)
{
	return g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin", "idevicerescue-agent", NULL);
}

static gboolean
on_deadline(gpointer data)
{
	const Bench *bench = data;
	g_test_message("the story so far: %s", bench->story->str);
	g_assert_not_reached();
	return G_SOURCE_REMOVE;
}

/** Runs the loop until this was told, and forgets what was told until then. */
static void
wait_for(Bench *bench, const char *part)
{
	guint deadline = g_timeout_add(DEADLINE_MS, on_deadline, bench);
	while (strstr(bench->story->str, part) == NULL)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	g_string_erase(bench->story, 0,
		       strstr(bench->story->str, part) + strlen(part) - bench->story->str);
}

static void
act(const Bench *bench, const char *phone, RescueAction action)
{
	g_autoptr(GError) error = NULL;
	(void)rescue_devices_port.act(bench->devices, ecid_of(phone), action,
				      &error); /* judged by the error */
	g_assert_no_error(error);
}

static void
assert_device(const Bench *bench, const char *phone, RescueMode mode, const char *rest)
{
	g_autoptr(RescueDevice) device = rescue_devices_port.find(bench->devices, ecid_of(phone));
	g_autofree char *seen = g_strdup_printf("%s %s %s %s", device->product, device->place.port,
						device->version != NULL ? device->version : "-",
						device->build != NULL ? device->build : "-");
	g_assert_cmpstr(rescue_mode_name(device->mode), ==, rescue_mode_name(mode));
	g_assert_cmpstr(seen, ==, rest);
	g_assert_cmpuint(device->place.speed_mbit, ==, 480);
}

static void
test_each_mode_is_seen_for_what_it_is(void)
{
	g_autofree char *agent = agent_path();
	g_autoptr(GError) error = NULL;
	g_auto(Bench) bench = { NULL, NULL };
	g_assert_true(rescue_usbmuxd_check(CHECK_MS, &error));
	bench_init(&bench, agent);
	g_autoptr(GPtrArray) list = rescue_devices_port.list(bench.devices);
	g_assert_cmpuint(list->len, ==, 4);
	assert_device(&bench, "a", RESCUE_MODE_NORMAL, "iPhone9,1 1-2 14.8 18H17");
	assert_device(&bench, "b", RESCUE_MODE_NORMAL, "iPhone12,1 1-3 15.4 19E241");
	assert_device(&bench, "c", RESCUE_MODE_RESTORE, "iPhone10,3 1-4.1 - -");
	assert_device(&bench, "d", RESCUE_MODE_RECOVERY, "iPhone8,1 1-5 - -");
}

static void
test_phones_are_followed_through_their_modes(void)
{
	g_autofree char *agent = agent_path();
	g_autoptr(RescueDevice) device = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(Bench) bench = { NULL, NULL };
	bench_init(&bench, agent);
	g_autoptr(GPtrArray) list = rescue_devices_port.list(bench.devices);
	act(&bench, "b", RESCUE_ACTION_ENTER_RECOVERY);
	wait_for(&bench, "b:absent b:recovery ");
	act(&bench, "b", RESCUE_ACTION_AUTOBOOT_OFF);
	act(&bench, "c", RESCUE_ACTION_REBOOT);
	wait_for(&bench, "c:absent c:unknown c:normal ");
	/* d as if an engine drove it: what is not asked is inferred, and put right afterwards */
	rescue_devices_port.set_busy(bench.devices, ecid_of("d"), true);
	act(&bench, "d", RESCUE_ACTION_LEAVE_RECOVERY);
	wait_for(&bench, "d:absent d:restore ");
	g_assert_true(rescue_devices_is_inferred(bench.devices, ecid_of("d")));
	rescue_devices_port.set_busy(bench.devices, ecid_of("d"), false);
	wait_for(&bench, "d:normal ");
	g_assert_true(rescue_devices_port.query(bench.devices, ecid_of("d"), &device, &error));
	g_assert_no_error(error);
	g_assert_cmpint(device->mode, ==, RESCUE_MODE_NORMAL);
	g_assert_cmpstr(device->build, ==, "18H17");
	g_assert_cmpint(list->len, ==, 4);
}

static void
test_what_was_learned_is_known_without_asking(void)
{
	g_auto(Bench) bench = { NULL, NULL };
	bench_init(&bench, "");
	g_autoptr(GPtrArray) list = rescue_devices_port.list(bench.devices);
	g_autoptr(RescueDevice) device = rescue_devices_port.find(bench.devices, ecid_of("a"));
	g_assert_cmpint(device->mode, ==, RESCUE_MODE_UNKNOWN);
	g_assert_cmpstr(device->place.port, ==, "1-2");
	g_assert_cmpuint(list->len, ==, 4);
}

/** How often the lab's record has this phone upload without being cut short. */
static unsigned
count_uploads(void)
{
	g_autofree char *text = NULL;
	gsize size = 0;
	unsigned count = 0;
	g_assert_true(g_file_get_contents(g_getenv("LAB_RECORD"), &text, &size, NULL));
	g_assert_cmpuint(size, <, MAX_RECORD);
	g_autofree char *whole = g_strdup_printf("\"bytes\":%d}", (int)UPLOAD_BYTES);
	for (const char *at = strstr(text, whole); at != NULL; at = strstr(at + 1, whole))
		count++;
	return count;
}

static gboolean
on_tick(gpointer data)
{
	return G_SOURCE_CONTINUE; /* only wakes the loop */
}

/** The lab notes an upload when it sees the client gone, which may be after the client is gone for us. */
static void
wait_for_uploads(const Bench *bench, unsigned count)
{
	guint deadline = g_timeout_add(DEADLINE_MS, on_deadline, (gpointer)bench);
	guint tick = g_timeout_add(20, on_tick, NULL);
	while (count_uploads() < count)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(tick);
	g_source_remove(deadline);
}

static void
test_watching_disturbs_no_upload(void)
{
	g_autofree char *agent = agent_path();
	g_autofree char *file = g_build_filename(g_getenv("LAB_DIR"), "upload", NULL);
	g_autofree char *data = g_malloc0(UPLOAD_BYTES);
	const char *const argv[] = { "irecovery", "-i", g_getenv("LAB_ECID_A"), "-f", file, NULL };
	g_auto(Bench) bench = { NULL, NULL };
	g_assert_true(g_file_set_contents(file, data, UPLOAD_BYTES, NULL));
	bench_init(&bench, agent);
	for (int i = 0; i < UPLOADS; i++) {
		g_auto(RescueProcessResult) result = { .status = 0 };
		g_assert_true(
		    rescue_process_run(&(RescueProcessSpec){ .argv = argv, .inherit_fd = -1 },
				       DEADLINE_MS, &result, NULL));
		g_assert_cmpint(result.status, ==, 0);
	}
	wait_for_uploads(&bench, UPLOADS);
	g_autoptr(GPtrArray) list = rescue_devices_port.list(bench.devices);
	g_assert_cmpuint(list->len, ==, 1);
	assert_device(&bench, "a", RESCUE_MODE_RECOVERY, "iPhone10,3 1-2 - -");
	g_assert_cmpuint(count_uploads(), ==, UPLOADS);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(folder, name) g_test_add_func("/" folder "/" #name, test_##name)
	ADD("modes", each_mode_is_seen_for_what_it_is);
	ADD("modes", what_was_learned_is_known_without_asking);
	ADD("modes", phones_are_followed_through_their_modes);
	ADD("watching", watching_disturbs_no_upload);
#undef ADD
	return g_test_run();
}
