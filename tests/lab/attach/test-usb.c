/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <libudev.h>

#include "tests/lab/attach/umockdev.h"

/*
 * The phone's USB side against the real irecovery and udevadm, judged by the lab's record. The test
 * program runs itself as a client too (client_main), to see what a passive watcher sees and that a
 * sanitized one works.
 */

enum { DEADLINE_MS = 30000, EXIT_SKIP = 77 };

typedef struct {
	char *dir, *record_path;
	LabRecord *record;
	LabFaults *faults;
	LabUsb *usb;
	LabPhone *phone;
} World;

typedef struct {
	GSubprocess *process;
	char *out;
	bool ended;
} Child;

static char *self_path;

/* ---- waiting on the main loop ---------------------------------------------------------------- */

typedef bool (*Condition)(void *data);

static gboolean
too_late(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

static gboolean
look_again(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

static void
wait_for(const char *what, Condition condition, void *data)
{
	bool late = false;
	unsigned deadline = g_timeout_add(DEADLINE_MS, too_late, &late);
	unsigned ticker = g_timeout_add(5, look_again, NULL);
	while (!condition(data) && !late)
		g_main_context_iteration(NULL, TRUE);
	if (!late)
		g_source_remove(deadline);
	g_source_remove(ticker);
	if (late)
		g_test_fail_printf("waited in vain for %s", what);
}

/* ---- the record ------------------------------------------------------------------------------ */

typedef struct {
	const World *world;
	const char *event, *key, *value; /* value NULL: any */
	int at_least;
	json_t *last; /* the last line that matches; owned */
} Query;

static bool
line_matches(json_t *line, const Query *query)
{
	const char *event = json_string_value(json_object_get(line, "event"));
	const char *value = json_string_value(json_object_get(line, query->key));
	return g_strcmp0(event, query->event) == 0 &&
	       (query->value == NULL || g_strcmp0(value, query->value) == 0);
}

static int
count(Query *query)
{
	g_autofree char *text = NULL;
	int found = 0;
	if (!g_file_get_contents(query->world->record_path, &text, NULL, NULL))
		return 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++) {
		json_t *line = json_loads(lines[i], 0, NULL);
		if (line != NULL && line_matches(line, query)) {
			found++;
			json_decref(query->last);
			query->last = json_incref(line);
		}
		json_decref(line);
	}
	return found;
}

static bool
has_enough(void *data)
{
	Query *query = data;
	return count(query) >= query->at_least;
}

static int
events(const World *world, const char *event, const char *key, const char *value)
{
	Query query = { .world = world, .event = event, .key = key, .value = value };
	int found = count(&query);
	json_decref(query.last);
	return found;
}

static int64_t
last_number(const World *world, const char *event, const char *key, const char *value,
	    const char *number)
{
	Query query = { .world = world, .event = event, .key = key, .value = value };
	(void)count(&query);
	int64_t result = json_integer_value(json_object_get(query.last, number));
	json_decref(query.last);
	return result;
}

static void
wait_events(const World *world, const char *event, const char *key, const char *value, int at_least)
{
	Query query = {
		.world = world, .event = event, .key = key, .value = value, .at_least = at_least
	};
	wait_for(event, has_enough, &query);
	json_decref(query.last);
}

/* ---- a world with one phone ------------------------------------------------------------------ */

static const LabIdentity iphone = {
	.name = (char[]){ "a" },
	.product = (char[]){ "iPhone10,3" },
	.board = (char[]){ "d22ap" },
	.cpid = 0x8015,
	.bdid = 0x06,
	.ecid = 0x1a2b3c4d5e6f,
	.udid = (char[]){ "0123456789abcdef0123456789abcdef01234567" },
	.serial = (char[]){ "F2LX00000001" },
	.port = (char[]){ "1-2" },
};

static void
world_init(World *world, const LabIdentity *identity)
{
	g_autoptr(GError) error = NULL;
	world->dir = g_dir_make_tmp("lab-usb-XXXXXX", &error);
	g_assert_no_error(error);
	world->record_path = g_build_filename(world->dir, "record.jsonl", NULL);
	world->record = lab_record_open(world->record_path, &error);
	g_assert_no_error(error);
	world->faults = lab_faults_new();
	world->usb = lab_usb_new(world->record, &error);
	g_assert_no_error(error);
	world->phone = lab_phone_new(identity, world->faults, world->record);
	lab_phone_attach(world->phone, lab_usb_attachment(), world->usb);
	lab_phone_set_installed(world->phone, "15.4", "19E241");
}

static void
world_clear(World *world)
{
	lab_phone_free(world->phone);
	lab_usb_free(world->usb);
	lab_faults_free(world->faults);
	lab_record_close(world->record);
	(void)g_remove(world->record_path);
	if (g_rmdir(world->dir) < 0)
		g_test_message("%s is not empty", world->dir);
	g_free(world->record_path);
	g_free(world->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static void
add_fault(World *world, LabPoint at, uint64_t after_bytes, LabAction action, unsigned duration_ms)
{
	LabFault *fault = g_new0(LabFault, 1);
	fault->at = at;
	fault->after_bytes = after_bytes;
	fault->action = action;
	fault->duration_ms = duration_ms;
	fault->times = 1;
	lab_faults_add(world->faults, fault);
}

/* an IM4P of that type and size with nothing in it */
static char *
make_image(const World *world, const char *type, size_t size)
{
	char *path = g_build_filename(world->dir, type, NULL);
	g_autofree uint8_t *bytes = g_malloc0(size);
	const size_t inner = size - 6;
	const uint8_t head[] = { 0x30,
				 0x84,
				 (uint8_t)(inner >> 24),
				 (uint8_t)(inner >> 16),
				 (uint8_t)(inner >> 8),
				 (uint8_t)inner,
				 0x16,
				 4,
				 'I',
				 'M',
				 '4',
				 'P',
				 0x16,
				 4 };
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), type, strlen(type));
	g_assert_true(g_file_set_contents(path, (const char *)bytes, (gssize)size, NULL));
	return path;
}

static void
on_ended(GObject *source, GAsyncResult *result, gpointer data)
{
	Child *child = data;
	(void)g_subprocess_communicate_utf8_finish(child->process, result, &child->out, NULL, NULL);
	child->ended = true;
}

static bool
has_ended(void *data)
{
	return ((const Child *)data)->ended;
}

static Child *
start(const World *world, const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
	    G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
	g_auto(GStrv) environment = lab_usb_environ(world->usb, g_get_environ());
	g_subprocess_launcher_set_environ(launcher, environment);
	Child *child = g_new0(Child, 1);
	child->process = g_subprocess_launcher_spawnv(launcher, argv, &error);
	g_assert_no_error(error);
	g_subprocess_communicate_utf8_async(child->process, NULL, NULL, on_ended, child);
	return child;
}

/* caller frees what it printed */
static char *
finish(Child *child)
{
	wait_for("the end of a client", has_ended, child);
	if (!child->ended) {
		g_subprocess_force_exit(child->process);
		wait_for("a killed client", has_ended, child);
	}
	char *out = g_steal_pointer(&child->out);
	g_object_unref(child->process);
	g_free(child);
	return out != NULL ? out : g_strdup("");
}

static char *
run(const World *world, const char *program, const char *option, const char *argument)
{
	const char *argv[] = { program, option, argument, NULL };
	char *out = finish(start(world, argv));
	if (strcmp(option, "-f") != 0) /* progress bars */
		g_test_message("%s %s: %s", program, option, out);
	return out;
}

static void
just_run(const World *world, const char *program, const char *option, const char *argument)
{
	g_free(run(world, program, option, argument));
}

#define assert_has(text, part) g_assert_nonnull(strstr((text), (part)))

/* ---- the tests ------------------------------------------------------------------------------- */

static void
test_irecovery_takes_it_for_a_phone_in_recovery(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *nonces = lab_phone_usb_string(world.phone, 1);
	g_autofree char *out = run(&world, "irecovery", "-q", NULL);
	g_auto(GStrv) parts = g_strsplit_set(nonces, ": ", -1);
	g_autofree char *nonce = g_ascii_strdown(parts[1], -1);

	assert_has(out, "ECID: 0x00001a2b3c4d5e6f");
	assert_has(out, "CPID: 0x8015");
	assert_has(out, "SRNM: F2LX00000001");
	assert_has(out, "MODE: Recovery");
	assert_has(out, nonce);
	g_assert_cmpint(events(&world, "open", "comm", "irecovery"), ==, 1);
}

static void
test_commands_change_the_environment(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	just_run(&world, "irecovery", "-c", "setenv auto-boot false");
	just_run(&world, "irecovery", "-c", "saveenv");
	g_assert_cmpint(lab_phone_boot_mode(world.phone), ==, LAB_MODE_RECOVERY);
	g_assert_cmpint(events(&world, "control", "command", "setenv auto-boot false"), ==, 1);

	just_run(&world, "irecovery", "-n", NULL);
	wait_events(&world, "booted", "build", "19E241", 1);
	wait_events(&world, "mode", "mode", "normal", 1);
}

static void
test_uploads_are_recorded_and_go_starts_ibec(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 200001);
	just_run(&world, "irecovery", "-f", file);
	g_assert_cmpint(events(&world, "upload", "component", "iBEC"), ==, 1);
	g_assert_cmpint(last_number(&world, "upload", "component", "iBEC", "bytes"), ==, 200001);

	just_run(&world, "irecovery", "-c", "go");
	wait_events(&world, "mode", "mode", "off", 1);
	wait_events(&world, "mode", "mode", "recovery", 2);
	g_autofree char *query = run(&world, "irecovery", "-q", NULL);
	assert_has(query, "MODE: Recovery");
	(void)g_remove(file);
}

static void
test_dfu_starts_ibss(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_DFU);
	g_autofree char *query = run(&world, "irecovery", "-q", NULL);
	assert_has(query, "MODE: DFU");
	/* 2048 * 49: the suffix needs a block of its own */
	g_autofree char *file = make_image(&world, "ibss", 2048 * 49);
	just_run(&world, "irecovery", "-f", file);
	wait_events(&world, "mode", "mode", "recovery", 1);
	g_assert_cmpint(last_number(&world, "upload", "component", "iBSS", "bytes"), ==, 2048 * 49);
	(void)g_remove(file);
}

static void
test_dfu_refuses_what_is_no_ibss(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_DFU);
	g_autofree char *file = make_image(&world, "krnl", 5000);
	just_run(&world, "irecovery", "-f", file);
	wait_events(&world, "mode", "mode", "dfu", 2);
	g_assert_cmpint(events(&world, "mode", "mode", "recovery"), ==, 0);
	(void)g_remove(file);
}

static void
test_unplug_in_mid_upload(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_SEND_IBEC, 65536, LAB_DO_UNPLUG, 300);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 500000);
	just_run(&world, "irecovery", "-f", file);
	g_assert_cmpint(events(&world, "fault", "action", "unplug"), ==, 1);
	g_assert_cmpint(last_number(&world, "upload-cut", "component", "iBEC", "bytes"), ==, 32768);
	wait_events(&world, "mode", "mode", "recovery", 2);
	g_autofree char *query = run(&world, "irecovery", "-q", NULL);
	assert_has(query, "MODE: Recovery");
	(void)g_remove(file);
}

static void
test_unplug_in_dfu_stays_in_dfu(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_SEND_IBSS, 10000, LAB_DO_UNPLUG, 300);
	lab_phone_start(world.phone, LAB_MODE_DFU);
	g_autofree char *file = make_image(&world, "ibss", 50000);
	just_run(&world, "irecovery", "-f", file);
	wait_events(&world, "mode", "mode", "dfu", 2);
	just_run(&world, "irecovery", "-f", file);
	wait_events(&world, "mode", "mode", "recovery", 1);
	(void)g_remove(file);
}

static void
test_stall_fails_one_upload_only(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_SEND_RAMDISK, 40000, LAB_DO_STALL, 0);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "rdsk", 100000);
	just_run(&world, "irecovery", "-f", file);
	g_assert_cmpint(last_number(&world, "upload-cut", "component", "RestoreRamDisk", "bytes"),
			==, 32768);
	just_run(&world, "irecovery", "-f", file);
	g_assert_cmpint(last_number(&world, "upload", "component", "RestoreRamDisk", "bytes"), ==,
			100000);
	g_assert_cmpint(events(&world, "mode", "mode", "off"), ==, 0);
	(void)g_remove(file);
}

static void
test_hang_lasts_one_session(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_SEND_IBEC, 0, LAB_DO_HANG, 0);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 100000);
	const char *argv[] = { "irecovery", "-f", file, NULL };
	Child *hung = start(&world, argv);
	wait_events(&world, "fault", "action", "hang", 1);
	g_assert_false(hung->ended);
	g_subprocess_force_exit(hung->process);
	g_free(finish(hung));
	just_run(&world, "irecovery", "-f", file);
	g_assert_cmpint(last_number(&world, "upload", "component", "iBEC", "bytes"), ==, 100000);
	(void)g_remove(file);
}

/* as with a kernel: the second one cannot claim the interface */
static void
test_one_process_at_a_time_uses_the_interface(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_SEND_IBEC, 0, LAB_DO_HANG, 0);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 100000);
	const char *argv[] = { "irecovery", "-f", file, NULL };
	Child *first = start(&world, argv);
	wait_events(&world, "fault", "action", "hang", 1);
	g_autofree char *second = run(&world, "irecovery", "-q", NULL);
	assert_has(second, "Unable to set device interface");
	g_subprocess_force_exit(first->process);
	g_free(finish(first));
	(void)g_remove(file);
}

static void
test_go_and_bootx_can_be_lost(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	add_fault(&world, LAB_AT_GO, 0, LAB_DO_IGNORE, 0);
	add_fault(&world, LAB_AT_BOOTX, 0, LAB_DO_VANISH, 300);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 1000);
	just_run(&world, "irecovery", "-f", file);
	just_run(&world, "irecovery", "-c", "go");
	g_assert_cmpint(events(&world, "fault", "action", "ignore"), ==, 1);
	g_assert_cmpint(events(&world, "mode", "mode", "off"), ==, 0);
	just_run(&world, "irecovery", "-c", "bootx");
	wait_events(&world, "fault", "action", "vanish", 1);
	wait_events(&world, "mode", "mode", "recovery", 2);
	(void)g_remove(file);
}

static void
test_the_link_has_a_speed(void)
{
	g_auto(World) world = { 0 };
	LabIdentity slow = iphone;
	slow.link_bytes = 1000000;
	world_init(&world, &slow);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *file = make_image(&world, "ibec", 500000);
	int64_t before = g_get_monotonic_time();
	just_run(&world, "irecovery", "-f", file);
	int64_t took_us = g_get_monotonic_time() - before;
	g_assert_cmpint(took_us, >=, 490000);
	g_assert_cmpint(last_number(&world, "upload", "component", "iBEC", "bytes"), ==, 500000);
	(void)g_remove(file);
}

static bool
is_listening(void *data)
{
	const World *world = data;
	g_autoptr(GDir) dir = g_dir_open(lab_usb_root(world->usb), 0, NULL);
	int listeners = 0;
	const char *name = NULL;
	while ((name = g_dir_read_name(dir)) != NULL)
		listeners += g_str_has_prefix(name, "event") ? 1 : 0;
	return listeners >= 2;
}

static int
occurrences(const char *text, const char *part)
{
	int found = 0;
	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
		found++;
	return found;
}

static bool
are_both_gone(void *data)
{
	Child **children = data;
	return children[0]->ended && children[1]->ended;
}

static void
test_two_listeners_hear_every_event(void)
{
	enum { CYCLES = 20 };
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	const char *argv[] = { self_path, "--client", "listen", NULL };
	Child *children[] = { start(&world, argv), start(&world, argv) };
	wait_for("two listeners", is_listening, &world);
	/* twice as many as a socket's queue takes: nobody may block, nothing may be lost */
	for (int i = 0; i < CYCLES; i++) {
		lab_phone_start(world.phone, LAB_MODE_RECOVERY);
		lab_phone_unplug(world.phone, 0);
	}
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	wait_for("both listeners", are_both_gone, children);
	for (size_t i = 0; i < G_N_ELEMENTS(children); i++) {
		g_autofree char *out = finish(children[i]);
		g_assert_cmpint(occurrences(out, "add 1-2\n"), ==, CYCLES + 1);
		g_assert_cmpint(occurrences(out, "remove 1-2\n"), ==, CYCLES);
	}
}

static void
test_a_passive_watcher_opens_nothing(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	g_autofree char *recovery = run(&world, self_path, "--client", "look");
	assert_has(recovery, "05ac:1281 usb1/1-2 2 480 00 CPID:8015");
	lab_phone_go(world.phone, LAB_MODE_NORMAL, 150);
	wait_events(&world, "mode", "mode", "normal", 1);
	g_autofree char *normal = run(&world, self_path, "--client", "look");
	assert_has(normal, "05ac:12a8 usb1/1-2 3 480 00 0123456789abcdef");
	g_assert_cmpint(events(&world, "open", "comm", NULL), ==, 0);
}

static void
test_a_stopped_process_holds_nobody_up(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, &iphone);
	lab_phone_start(world.phone, LAB_MODE_RECOVERY);
	const char *argv[] = { "irecovery", "-q", NULL };
	Child *crowd[8];
	for (size_t i = 0; i < G_N_ELEMENTS(crowd); i++)
		crowd[i] = start(&world, argv);
	g_subprocess_send_signal(crowd[0]->process, SIGSTOP);
	for (size_t i = 1; i < G_N_ELEMENTS(crowd); i++) {
		g_autofree char *out = finish(crowd[i]);
		assert_has(out, "ECID: 0x00001a2b3c4d5e6f");
	}
	g_subprocess_send_signal(crowd[0]->process, SIGCONT);
	g_free(finish(crowd[0]));
}

/* ---- the test program as a client ------------------------------------------------------------ */

static char *
attribute(const char *device, const char *name)
{
	g_autofree char *path = g_strdup_printf("/sys/bus/usb/devices/%s/%s", device, name);
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup("?");
	return g_strchomp(text);
}

static int
client_look(void)
{
	g_autoptr(GDir) dir = g_dir_open("/sys/bus/usb/devices", 0, NULL);
	const char *name = NULL;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *link = g_build_filename("/sys/bus/usb/devices", name, NULL);
		g_autofree char *target = g_file_read_link(link, NULL);
		g_autofree char *vendor = attribute(name, "idVendor");
		g_autofree char *product = attribute(name, "idProduct");
		g_autofree char *number = attribute(name, "devnum");
		g_autofree char *speed = attribute(name, "speed");
		g_autofree char *class = attribute(name, "bDeviceClass");
		g_autofree char *serial = attribute(name, "serial");
		const char *place = target != NULL ? strstr(target, "usb1") : NULL;
		g_print("%s:%s %s %s %s %s %s\n", vendor, product, place != NULL ? place : "?",
			number, speed, class, serial);
	}
	return 0;
}

static struct udev_monitor *
new_monitor(struct udev *udev)
{
	struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");
	if (monitor == NULL)
		return NULL;
	udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
	if (udev_monitor_enable_receiving(monitor) >= 0)
		return monitor;
	udev_monitor_unref(monitor);
	return NULL;
}

/* prints each event until a phone in normal mode comes */
static int
client_listen(void)
{
	bool last = false;
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = new_monitor(udev);
	struct pollfd wait = { .fd = monitor != NULL ? udev_monitor_get_fd(monitor) : -1,
			       .events = POLLIN };
	while (!last && monitor != NULL && poll(&wait, 1, DEADLINE_MS) > 0) {
		struct udev_device *device = udev_monitor_receive_device(monitor);
		if (device == NULL)
			continue;
		const char *product = udev_device_get_property_value(device, "PRODUCT");
		g_print("%s %s\n", udev_device_get_action(device), udev_device_get_sysname(device));
		last = g_strcmp0(product, "5ac/12a8/802") == 0;
		udev_device_unref(device);
	}
	udev_monitor_unref(monitor);
	udev_unref(udev);
	return last ? 0 : 1;
}

static void
add_tests(void)
{
	static const struct {
		const char *path;
		void (*run)(void);
	} tests[] = {
		{ "/lab-usb/recovery/query", test_irecovery_takes_it_for_a_phone_in_recovery },
		{ "/lab-usb/recovery/commands", test_commands_change_the_environment },
		{ "/lab-usb/recovery/upload", test_uploads_are_recorded_and_go_starts_ibec },
		{ "/lab-usb/dfu/ibss", test_dfu_starts_ibss },
		{ "/lab-usb/dfu/refuses", test_dfu_refuses_what_is_no_ibss },
		{ "/lab-usb/fault/unplug", test_unplug_in_mid_upload },
		{ "/lab-usb/fault/unplug-dfu", test_unplug_in_dfu_stays_in_dfu },
		{ "/lab-usb/fault/stall", test_stall_fails_one_upload_only },
		{ "/lab-usb/fault/hang", test_hang_lasts_one_session },
		{ "/lab-usb/clients/claims", test_one_process_at_a_time_uses_the_interface },
		{ "/lab-usb/fault/lost-commands", test_go_and_bootx_can_be_lost },
		{ "/lab-usb/link/speed", test_the_link_has_a_speed },
		{ "/lab-usb/clients/two-listeners", test_two_listeners_hear_every_event },
		{ "/lab-usb/clients/passive", test_a_passive_watcher_opens_nothing },
		{ "/lab-usb/clients/stopped", test_a_stopped_process_holds_nobody_up },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].run);
}

/* NULL when all that is needed is there */
static char *
what_to_install(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *irecovery = g_find_program_in_path("irecovery");
	if (irecovery == NULL)
		return g_strdup("irecovery is not installed (Debian: apt install irecovery)");
	g_autoptr(LabUsb) usb = lab_usb_new(NULL, &error);
	return usb == NULL ? g_strdup(error->message) : NULL;
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	if (argc == 3 && strcmp(argv[1], "--client") == 0)
		return strcmp(argv[2], "look") == 0 ? client_look() : client_listen();
	g_autofree char *missing = what_to_install();
	if (missing != NULL) {
		g_print("1..0 # SKIP %s\n", missing);
		return EXIT_SKIP;
	}
	self_path = argv[0];
	g_test_init(&argc, &argv, NULL);
	add_tests();
	return g_test_run();
}
