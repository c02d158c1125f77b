/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/note.h"
#include "transport/devices/power.h"
#include "tests/unit/scratch.h"

/* A sysfs of the test's own. */
static char *root;

static char *
make_file(const char *path, const char *content)
{
	char *full = g_build_filename(root, path, NULL);
	g_autofree char *dir = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(full, content, -1, NULL));
	return full;
}

static void
test_port_paths_follow_the_kernel(void)
{
	static const struct {
		const char *port, *path;
	} ports[] = {
		{ "1-2", "bus/usb/devices/usb1/1-0:1.0/usb1-port2/disable" },
		{ "1-1.4", "bus/usb/devices/1-1/1-1:1.0/1-1-port4/disable" },
		{ "12-3.5.1", "bus/usb/devices/12-3.5/12-3.5:1.0/12-3.5-port1/disable" },
		{ "1-2/../..", NULL },
		{ "1", NULL },
		{ "", NULL },
		{ "usb1", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
		g_autofree char *path = rescue_power_disable_path(ports[i].port);
		g_assert_cmpstr(path, ==, ports[i].path);
	}
}

static RescueHubSwitching
ask_single(const char *sysfs, const char *hub)
{
	return RESCUE_HUB_SINGLE;
}

static void
test_port_is_off_and_on_again(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *file = make_file("bus/usb/devices/1-1/1-1:1.0/1-1-port4/disable", "");
	g_autofree char *content = NULL;

	g_assert_false(rescue_power_port.can_cycle(power, "1-1.4")); /* no hub says that it can */
	rescue_power_set_ask(power, ask_single);
	g_assert_true(rescue_power_port.can_cycle(power, "1-1.4"));
	g_assert_true(rescue_power_port.cycle(power, "1-1.4", NULL));
	g_assert_true(g_file_get_contents(file, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "0"); /* a plain file is overwritten in place */
}

/* an attribute of which each write is seen: whoever writes waits until somebody reads */
static char *
make_fifo(const char *path)
{
	char *full = make_file(path, "");

	g_assert_no_errno(unlink(full));
	g_assert_no_errno(mkfifo(full, 0600));
	return full;
}

static char
read_one(const char *fifo)
{
	char what = '\0';
	ssize_t got = 0;

	/* nothing comes from a writer that was about to close */
	while (got == 0) {
		int fd = open(fifo, O_RDONLY | O_CLOEXEC);
		g_assert_no_errno(fd);
		got = read(fd, &what, 1);
		(void)close(fd);
	}
	g_assert_cmpint(got, ==, 1);
	return what;
}

static void
wait_until_gone(const char *note)
{
	g_autofree char *path = g_build_filename(g_getenv("IDEVICERESCUE_LOCK_DIR"), note, NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	g_assert_no_errno(fd);
	g_assert_no_errno(fcntl(fd, F_OFD_SETLKW, &lock)); /* its holder has ended */
	(void)close(fd);
}

static void
test_port_of_a_killed_supervisor_goes_on_all_the_same(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *fifo = make_fifo("bus/usb/devices/5-1/5-1:1.0/5-1-port2/disable");
	g_auto(GStrv) left = NULL, on = NULL;
	rescue_power_set_ask(power, ask_single);
	pid_t supervisor = fork();

	if (supervisor == 0) {
		(void)rescue_power_port.cycle(power, "5-1.2", NULL);
		_exit(0);
	}
	g_assert_cmpint(read_one(fifo), ==, '1');
	g_assert_no_errno(kill(supervisor, SIGKILL));
	g_assert_cmpint(waitpid(supervisor, NULL, 0), ==, supervisor);
	/* still somebody's work */
	left = rescue_power_list_off();
	g_assert_cmpuint(g_strv_length(left), ==, 0);
	g_assert_cmpint(read_one(fifo), ==, '0');
	wait_until_gone("5-1.2.port-off");
	g_assert_no_errno(unlink(fifo));
	g_assert_true(g_file_set_contents(fifo, "0", -1, NULL));
	on = rescue_power_recover(power); /* on already; only the note is left */
	g_assert_cmpuint(g_strv_length(on), ==, 1);
	g_strfreev(left);
	left = rescue_power_list_off();
	g_assert_cmpuint(g_strv_length(left), ==, 0);
}

/* the child of the killed one died too: out of memory, or the whole service was stopped */
static void
test_port_that_was_left_off_is_put_on_by_the_next_one(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *file = make_file("bus/usb/devices/6-1/6-1:1.0/6-1-port3/disable", "1");
	g_autoptr(RescueNote) note = rescue_note_take("6-1.3", "port-off", NULL);
	g_auto(GStrv) held = NULL, left = NULL, on = NULL;
	g_autofree char *content = NULL;

	g_assert_nonnull(note);
	held = rescue_power_list_off();
	g_assert_cmpuint(g_strv_length(held), ==, 0);
	g_clear_pointer(&note, rescue_note_free);
	left = rescue_power_list_off();
	g_assert_cmpstr(left[0], ==, "6-1.3");
	on = rescue_power_recover(power);
	g_assert_cmpstr(on[0], ==, "6-1.3");
	g_assert_true(g_file_get_contents(file, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "0");
	g_strfreev(left);
	left = rescue_power_list_off();
	g_assert_cmpuint(g_strv_length(left), ==, 0);
}

/* somebody else's file in a folder that all may write to: its words are no port, and no port is touched for it */
static void
test_note_that_names_no_port_touches_none(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_auto(GStrv) on = NULL;

	rescue_note_free(rescue_note_take("..-1", "port-off", NULL));
	on = rescue_power_recover(power);
	g_assert_cmpuint(g_strv_length(on), ==, 0);
}

static void
test_port_that_cannot_be_switched_alone_is_left_alone(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autoptr(GError) error = NULL;

	g_assert_false(rescue_power_port.can_cycle(power, "3-1"));
	g_assert_false(rescue_power_port.cycle(power, "3-1", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_ganged_hubs_are_known_by_their_own_words(void)
{
	g_assert_true(rescue_power_claims_single(
	    "Current status for hub 1-1 [0bda:5411 Generic USB2.1 Hub, USB 2.10, 4 ports, ppps]"));
	g_assert_false(rescue_power_claims_single(
	    "Current status for hub 1-1 [05e3:0608 USB2.0 Hub, USB 2.00, 4 ports, ganged]"));
	g_assert_false(rescue_power_claims_single("No compatible devices detected!"));
}

/* bLength, bDescriptorType, bNbrPorts, wHubCharacteristics, as hubs send them */
static void
test_hub_says_what_it_switches(void)
{
	static const struct {
		uint8_t descriptor[5];
		size_t size;
		RescueHubSwitching switching;
	} hubs[] = {
		{ { 9, 0x29, 4, 0x00, 0x00 }, 5, RESCUE_HUB_GANGED },
		{ { 9, 0x29, 4, 0xe0, 0x00 }, 5, RESCUE_HUB_GANGED },
		{ { 9, 0x29, 4, 0x09, 0x00 }, 5, RESCUE_HUB_SINGLE },
		{ { 12, 0x2a, 4, 0x09, 0x00 }, 5, RESCUE_HUB_SINGLE },
		{ { 12, 0x2a, 4, 0x08, 0x00 }, 5, RESCUE_HUB_GANGED },
		{ { 11, 0x29, 8, 0x0a, 0x00 }, 5, RESCUE_HUB_UNSWITCHED },
		{ { 9, 0x29, 4, 0x0b, 0x00 }, 5, RESCUE_HUB_UNSWITCHED },
		{ { 9, 0x29, 4, 0x09, 0x00 }, 3, RESCUE_HUB_UNKNOWN },
		{ { 18, 0x01, 4, 0x09, 0x00 }, 5, RESCUE_HUB_UNKNOWN },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hubs); i++)
		g_assert_cmpint(rescue_hub_read(hubs[i].descriptor, hubs[i].size), ==,
				hubs[i].switching);
	g_assert_cmpint(rescue_hub_ask(root, "1-1"), ==, RESCUE_HUB_UNKNOWN);
}

static RescueHubSwitching
ask_ganged(const char *sysfs, const char *hub)
{
	return RESCUE_HUB_GANGED;
}

static RescueHubSwitching
ask_unswitched(const char *sysfs, const char *hub)
{
	return RESCUE_HUB_UNSWITCHED;
}

/* The attribute is there in either case: the kernel has it for each port of each hub. */
static void
check_switched(RescuePower *power, const char *port, bool expected)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(rescue_power_port.can_cycle(power, port) == expected);
	if (!expected) {
		g_assert_false(rescue_power_port.cycle(power, port, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	}
}

static void
test_ganged_hub_does_not_cut_the_neighbor(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *below = make_file("bus/usb/devices/2-1/2-1:1.0/2-1-port2/disable", "0");
	g_autofree char *at_root = make_file("bus/usb/devices/usb2/2-0:1.0/usb2-port1/disable",
					     "0");
	g_autofree char *phone = make_file("bus/usb/devices/2-1.2/idProduct", "1281");
	g_autofree char *content = NULL;

	rescue_power_set_ask(power, ask_ganged);
	check_switched(power, "2-1.2", true); /* nobody else is there */
	g_autofree char *neighbor = make_file("bus/usb/devices/2-1.3/idProduct", "1281");
	check_switched(power, "2-1.2", false);
	check_switched(power, "2-1", false);
	rescue_power_set_ask(power, ask_single);
	check_switched(power, "2-1.2", true);
	check_switched(power, "2-1", true);
	/* it would be forgotten, and not be found again */
	rescue_power_set_ask(power, ask_unswitched);
	check_switched(power, "2-1.2", false);
	g_assert_true(g_file_get_contents(below, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "0");
}

static void
test_suspending_is_switched_off_where_it_is_on(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *file = make_file("bus/usb/devices/1-2/power/control", "auto\n");

	g_assert_false(rescue_power_port.may_suspend(power, "1-3"));
	g_assert_true(rescue_power_port.may_suspend(power, "1-2"));
	g_assert_true(g_file_set_contents(file, "", -1, NULL));
	g_assert_true(rescue_power_port.keep_awake(power, "1-2", NULL));
	g_assert_false(rescue_power_port.may_suspend(power, "1-2"));
}

static void
use_own_locks_and_agent(void)
{
	g_autofree char *locks = g_build_filename(root, "locks", NULL);
	g_autofree char *bin = g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin", NULL);
	g_autofree char *path = g_strconcat(bin, ":", g_getenv("PATH"), NULL);

	g_setenv("IDEVICERESCUE_LOCK_DIR", locks, TRUE);
	g_setenv("PATH", path, TRUE);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("rescue-power-XXXXXX", NULL);
	use_own_locks_and_agent();
#define TEST(name) g_test_add_func("/power/" #name, test_##name)
	TEST(port_paths_follow_the_kernel);
	TEST(port_is_off_and_on_again);
	TEST(port_of_a_killed_supervisor_goes_on_all_the_same);
	TEST(port_that_was_left_off_is_put_on_by_the_next_one);
	TEST(note_that_names_no_port_touches_none);
	TEST(port_that_cannot_be_switched_alone_is_left_alone);
	TEST(ganged_hubs_are_known_by_their_own_words);
	TEST(hub_says_what_it_switches);
	TEST(ganged_hub_does_not_cut_the_neighbor);
	TEST(suspending_is_switched_off_where_it_is_on);
#undef TEST
	int status = g_test_run();
	remove_tree(root);
	g_free(root);
	return status;
}
