/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#ifdef RESCUE_HAVE_UMOCKDEV
#include <umockdev.h>
#endif

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/devices/devices.h"
#include "transport/devices/watch.h"

/* The watcher, and the devices port on top of it, before a mocked sysfs; the test runs itself under umockdev. */

#define ECID UINT64_C(0x000A1B2C3D4E5F60)
#define IBOOT                                                                      \
	"CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:06 ECID:000A1B2C3D4E5F60 IBFL:3D " \
	"SRNM:[F2LXXXXXXXXX]"
#define PRELOAD "libumockdev-preload.so.0"

enum { SKIPPED = 77, DEADLINE_MS = 20000 };

#ifdef RESCUE_HAVE_UMOCKDEV

typedef struct {
	UMockdevTestbed *bed;
	GString *story;
	unsigned events;
	char *dir; /* of the fake agent */
	char *agent;
} Bench;

/** A fake agent: every answer the tests need, and what it was called with. */
static const char agent_text[] =
    "#!/bin/sh\n"
    "echo \"$*\" >> \"$(dirname \"$0\")/calls\"\n"
    "case \"$*\" in\n"
    "*identify*) echo "
    "'{\"v\":1,\"event\":\"result\",\"product\":\"iPhone10,3\",\"board\":\"d22ap\"}' ;;\n"
    "*query*) echo 'libfoo: chatter'; echo "
    "'{\"v\":1,\"event\":\"result\",\"ecid\":\"0x000A1B2C3D4E5F60\",\"mode\":\"recovery\"}' ;;\n"
    "*leave-recovery*) echo "
    "'{\"v\":1,\"event\":\"error\",\"failure\":\"usb-access-denied\",\"text\":\"no\"}'; exit 1 ;;\n"
    "*set-autoboot\\ on*) kill -SEGV $$ ;;\n"
    "*set-autoboot\\ off*) exit 0 ;;\n"
    "esac\n";

static void
bench_init(Bench *bench)
{
	*bench = (Bench){ .bed = umockdev_testbed_new(), .story = g_string_new(NULL) };
	bench->dir = g_dir_make_tmp("rescue-watch-XXXXXX", NULL);
	bench->agent = g_build_filename(bench->dir, "agent", NULL);
	g_assert_true(g_file_set_contents(bench->agent, agent_text, -1, NULL));
	g_assert_cmpint(g_chmod(bench->agent, 0700), ==, 0);
	g_assert_true(g_setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:/nowhere/usbmuxd", TRUE));
	g_assert_true(g_setenv("IDEVICERESCUE_LOCK_DIR", bench->dir, TRUE));
}

static void
bench_clear(Bench *bench)
{
	g_autofree char *calls = g_build_filename(bench->dir, "calls", NULL);
	(void)g_unlink(calls); /* perhaps it was never called */
	g_assert_cmpint(g_unlink(bench->agent), ==, 0);
	g_assert_cmpint(g_rmdir(bench->dir), ==, 0);
	g_free(bench->agent);
	g_free(bench->dir);
	g_string_free(bench->story, TRUE);
	g_object_unref(bench->bed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static char *
read_calls(const Bench *bench)
{
	g_autofree char *calls = g_build_filename(bench->dir, "calls", NULL);
	char *text = NULL;
	return g_file_get_contents(calls, &text, NULL, NULL) ? text : g_strdup("");
}

/** The kernel sees a device; umockdev sends the event. */
static void
plug(Bench *bench, const char *port, unsigned address, const char *ids, const char *serial)
{
	g_autofree char *text = g_strdup_printf(
	    "P: /devices/pci0000:00/0000:00:14.0/usb1/%s\n"
	    "N: bus/usb/001/%03u\n"
	    "E: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNUM=%03u\nE: BUSNUM=001\n"
	    "E: DEVNAME=/dev/bus/usb/001/%03u\n"
	    "A: idVendor=%.4s\\n\nA: idProduct=%s\\n\nA: busnum=1\\n\nA: devnum=%u\\n\n"
	    "A: speed=480\\n\nA: dev=189:%u\\n\n%s%s%s",
	    port, address, address, address, ids, ids + 5, address, address,
	    serial != NULL ? "A: serial=" : "", serial != NULL ? serial : "",
	    serial != NULL ? "\\n\n" : "");
	g_autoptr(GError) error = NULL;
	g_assert_true(umockdev_testbed_add_from_string(bench->bed, text, &error));
	g_assert_no_error(error);
}

static void
unplug(Bench *bench, const char *port)
{
	g_autofree char *path = g_strdup_printf("/sys/devices/pci0000:00/0000:00:14.0/usb1/%s",
						port);
	umockdev_testbed_uevent(bench->bed, path, "remove");
	umockdev_testbed_remove_device(bench->bed, path);
}

static void
on_added(const RescueUsbSighting *seen, void *data)
{
	Bench *bench = data;
	bench->events++;
	g_string_append_printf(bench->story, "+%s:%04x@%u.%u/%u ", seen->port, seen->product_id,
			       seen->bus, seen->address, seen->speed_mbit);
}

static void
on_removed(const char *port, void *data)
{
	Bench *bench = data;
	bench->events++;
	g_string_append_printf(bench->story, "-%s ", port);
}

static void
on_change(const RescueDevice *device, void *data)
{
	Bench *bench = data;
	bench->events++;
	g_string_append_printf(bench->story, "%s:%s:%s ", device->place.port,
			       rescue_mode_name(device->mode),
			       device->product != NULL ? device->product : "?");
}

static gboolean
on_deadline(gpointer data)
{
	g_assert_not_reached();
	return G_SOURCE_REMOVE;
}

static void
wait_events(const Bench *bench, unsigned events)
{
	guint deadline = g_timeout_add(DEADLINE_MS, on_deadline, NULL);
	while (bench->events < events)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}

static RescueWatch *
watch_new(Bench *bench)
{
	return rescue_watch_new(&(RescueWatchSpec){ .added = on_added,
						    .removed = on_removed,
						    .data = bench },
				NULL);
}

static void
test_watch_tells_what_is_there_and_what_comes_and_goes(void)
{
	g_auto(Bench) bench;
	bench_init(&bench);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	plug(&bench, "1-3", 6, "05ac/024f", "a keyboard");
	plug(&bench, "1-4", 7, "1d6b/1281", IBOOT);
	g_autoptr(RescueWatch) watch = watch_new(&bench);
	g_assert_nonnull(watch);
	g_assert_cmpstr(bench.story->str, ==, "+1-2:1281@1.5/480 ");
	plug(&bench, "1-2.1", 8, "05ac/1227", IBOOT);
	wait_events(&bench, 2);
	unplug(&bench, "1-2.1");
	wait_events(&bench, 3);
	g_assert_cmpstr(bench.story->str, ==, "+1-2:1281@1.5/480 +1-2.1:1227@1.8/480 -1-2.1 ");
}

static void
test_scan_catches_up_on_lost_events(void)
{
	g_auto(Bench) bench;
	bench_init(&bench);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	g_autoptr(RescueWatch) watch = watch_new(&bench);
	g_assert_nonnull(watch);
	rescue_watch_scan(watch);
	g_assert_cmpuint(bench.events, ==, 1);
	unplug(&bench, "1-2");
	plug(&bench, "1-5", 9, "05ac/1281", IBOOT);
	rescue_watch_scan(watch); /* before the loop has seen the events */
	g_assert_cmpstr(bench.story->str, ==, "+1-2:1281@1.5/480 +1-5:1281@1.9/480 -1-2 ");
	while (g_main_context_iteration(NULL, FALSE))
		continue;
	g_assert_cmpuint(bench.events, ==, 3); /* and they are no news then */
}

static RescueDevices *
devices_new(Bench *bench, const char *agent)
{
	return rescue_devices_new(&(RescueDevicesSpec){ .on_change = on_change,
							.data = bench,
							.agent_program = agent },
				  NULL);
}

static void
test_watching_opens_no_device(void)
{
	g_auto(Bench) bench;
	char buffer[4096];
	bench_init(&bench);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	g_autofree char *root = umockdev_testbed_get_root_dir(bench.bed);
	g_autofree char *node = g_build_filename(root, "dev/bus/usb/001/005", NULL);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	g_assert_cmpint(inotify_add_watch(fd, node, IN_OPEN), >=, 0);
	g_autoptr(RescueDevices) devices = devices_new(&bench, bench.agent);
	g_autoptr(GPtrArray) list = rescue_devices_port.list(devices);
	g_assert_cmpuint(list->len, ==, 1);
	g_autoptr(RescueDevice) device = rescue_devices_port.find(devices, ECID);
	g_assert_cmpint(device->mode, ==, RESCUE_MODE_RECOVERY);
	g_assert_cmpstr(device->product, ==, "iPhone10,3");
	g_assert_cmpint(read(fd, buffer, sizeof buffer), <, 0);
	g_autofree char *contents = NULL;
	g_assert_true(g_file_get_contents(node, &contents, NULL, NULL));
	g_assert_cmpint(read(fd, buffer, sizeof buffer), >,
			0); /* an opening would have been noticed */
	close(fd);
	g_autofree char *calls = read_calls(&bench);
	g_assert_cmpstr(calls, ==, "--deadline-ms 3000 identify --cpid 0x8015 --bdid 0x06\n");
}

static void
test_changes_reach_the_inbox_and_the_callback(void)
{
	g_auto(Bench) bench;
	bench_init(&bench);
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();
	g_autoptr(RescueDevices)
	    devices = rescue_devices_new(&(RescueDevicesSpec){ .inbox = inbox,
							       .on_change = on_change,
							       .data = &bench,
							       .agent_program = "" },
					 NULL);
	g_assert_nonnull(devices);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	wait_events(&bench, 1);
	unplug(&bench, "1-2");
	wait_events(&bench, 2);
	g_assert_cmpstr(bench.story->str, ==, "1-2:recovery:? 1-2:absent:? ");
	for (int i = 0; i < 2; i++) {
		g_autoptr(RescueObservation)
		    seen = rescue_inbox_port.next(inbox, g_get_monotonic_time());
		g_assert_cmpint(seen->kind, ==, RESCUE_OBSERVED_DEVICE);
		g_assert_cmphex(seen->device->ecid, ==, ECID);
		g_assert_cmpint(seen->device->mode, ==,
				i == 0 ? RESCUE_MODE_RECOVERY : RESCUE_MODE_ABSENT);
	}
}

static void
assert_act(RescueDevices *devices, RescueAction action, RescueFailure failure)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(rescue_devices_port.act(devices, ECID, action, &error));
	g_assert_error(error, RESCUE_ERROR, (gint)failure);
}

static void
test_agent_says_what_went_wrong(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueDevice) device = NULL;
	bench_init(&bench);
	g_autoptr(RescueDevices) devices = devices_new(&bench, bench.agent);
	assert_act(devices, RESCUE_ACTION_REBOOT, RESCUE_FAILURE_DEVICE_NOT_FOUND);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	wait_events(&bench, 1);
	assert_act(devices, RESCUE_ACTION_LEAVE_RECOVERY, RESCUE_FAILURE_USB_ACCESS);
	assert_act(devices, RESCUE_ACTION_AUTOBOOT_ON, RESCUE_FAILURE_AGENT_CRASHED);
	assert_act(devices, RESCUE_ACTION_AUTOBOOT_OFF, RESCUE_FAILURE_INTERNAL);
	g_assert_true(rescue_devices_port.query(devices, ECID, &device, &error));
	g_assert_no_error(error);
	g_assert_cmpint(device->mode, ==, RESCUE_MODE_RECOVERY);
}

static void
test_busy_device_is_never_queried(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueDevice) device = NULL;
	bench_init(&bench);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	g_autoptr(RescueDevices) devices = devices_new(&bench, bench.agent);
	rescue_devices_port.set_busy(devices, ECID, true);
	rescue_devices_port.set_busy(devices, ECID, true);
	g_assert_false(rescue_devices_port.query(devices, ECID, &device, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_clear_error(&error);
	rescue_devices_port.set_busy(devices, ECID, false);
	g_assert_true(rescue_devices_port.query(devices, ECID, &device, &error));
	g_assert_false(rescue_devices_is_inferred(devices, ECID));
}

static void
test_missing_agent_is_an_error_not_an_end(void)
{
	g_auto(Bench) bench;
	bench_init(&bench);
	plug(&bench, "1-2", 5, "05ac/1281", IBOOT);
	g_autoptr(RescueDevices) devices = devices_new(&bench, "/nowhere/agent");
	g_autoptr(GPtrArray) list = rescue_devices_port.list(devices);
	g_assert_cmpuint(list->len, ==, 1);
	assert_act(devices, RESCUE_ACTION_REBOOT, (RescueFailure)RESCUE_ERROR_HOST_IO);
}

/** Under umockdev's preload library; false when it is not there. */
static bool
enter_mock_environment(char **argv)
{
	const char *preload = g_getenv("LD_PRELOAD");
	const char *options = g_getenv("ASAN_OPTIONS");
	if (preload != NULL && strstr(preload, PRELOAD) != NULL) {
		/* umockdev remembers its answer: it is asked once there is a mocked /sys */
		g_autoptr(UMockdevTestbed) bed = umockdev_testbed_new();
		return bed != NULL && umockdev_in_mock_environment();
	}
	g_autofree char *all =
	    g_strconcat("verify_asan_link_order=0:", options != NULL ? options : "", NULL);
	g_assert_true(g_setenv("LD_PRELOAD", PRELOAD, TRUE));
	g_assert_true(g_setenv("ASAN_OPTIONS", all, TRUE));
	(void)execv("/proc/self/exe", argv); /* comes back only when it failed */
	return false;
}

static int
run(int argc, char **argv)
{
	if (!enter_mock_environment(argv)) {
		(void)fprintf(stderr, "skipped: umockdev's preload library does not work here\n");
		return SKIPPED;
	}
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/watch/" #name, test_##name)
	ADD(watch_tells_what_is_there_and_what_comes_and_goes);
	ADD(scan_catches_up_on_lost_events);
	ADD(watching_opens_no_device);
	ADD(changes_reach_the_inbox_and_the_callback);
	ADD(agent_says_what_went_wrong);
	ADD(busy_device_is_never_queried);
	ADD(missing_agent_is_an_error_not_an_end);
#undef ADD
	return g_test_run();
}

#else

static int
run(int argc, char **argv)
{
	(void)fprintf(stderr, "skipped: built without umockdev\n");
	return SKIPPED;
}

#endif

int
main(int argc, char **argv)
{
	return run(argc, argv);
}
