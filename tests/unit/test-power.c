/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
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

static void
test_port_is_off_and_on_again(void)
{
	g_autoptr(RescuePower) power = rescue_power_new(root);
	g_autofree char *file = make_file("bus/usb/devices/1-1/1-1:1.0/1-1-port4/disable", "");
	g_autofree char *content = NULL;

	g_assert_true(rescue_power_port.can_cycle(power, "1-1.4"));
	g_assert_true(rescue_power_port.cycle(power, "1-1.4", NULL));
	g_assert_true(g_file_get_contents(file, &content, NULL, NULL));
	g_assert_cmpstr(content, ==, "0"); /* a plain file is overwritten in place */
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

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("rescue-power-XXXXXX", NULL);
#define TEST(name) g_test_add_func("/power/" #name, test_##name)
	TEST(port_paths_follow_the_kernel);
	TEST(port_is_off_and_on_again);
	TEST(port_that_cannot_be_switched_alone_is_left_alone);
	TEST(ganged_hubs_are_known_by_their_own_words);
	TEST(suspending_is_switched_off_where_it_is_on);
#undef TEST
	int status = g_test_run();
	remove_tree(root);
	g_free(root);
	return status;
}
