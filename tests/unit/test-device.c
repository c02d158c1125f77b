/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/model/device.h"

#define RECOVERY_STRING                                                            \
	"CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:06 ECID:001A2B3C4D5E6F70 IBFL:3D " \
	"SRNM:[F2LVX0AAJCL6]"
#define DFU_STRING                                                                 \
	"CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:06 ECID:001A2B3C4D5E6F70 IBFL:3C " \
	"SRTG:[iBoot-3332.0.0.1.23]"

static void
test_a_recovery_device_tells_chip_board_ecid_and_serial(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_assert_true(rescue_device_read_iboot_serial(device, RECOVERY_STRING));
	g_assert_cmphex(device->ecid, ==, 0x001A2B3C4D5E6F70);
	g_assert_true(device->have_chip);
	g_assert_cmphex(device->chip_id, ==, 0x8015);
	g_assert_cmphex(device->board_id, ==, 6);
	g_assert_cmpstr(device->serial, ==, "F2LVX0AAJCL6");
}

static void
test_a_dfu_device_has_no_serial_number(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_assert_true(rescue_device_read_iboot_serial(device, DFU_STRING));
	g_assert_cmphex(device->ecid, ==, 0x001A2B3C4D5E6F70);
	g_assert_null(device->serial);
}

static void
test_other_strings_leave_the_device_alone(void)
{
	static const char *const bad[] = {
		"",
		"0123456789abcdef0123456789abcdef01234567",
		"CPID:8015 BDID:06",
		"CPID:8015 BDID:06 ECID: IBFL:3D",
		"CPID:8015 BDID:06 ECID:0000000000000000",
		"CPID:8015 BDID:06 ECID:112233445566778899",
		"XECID:001A2B3C4D5E6F70",
	};
	g_autoptr(RescueDevice) device = rescue_device_new();
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(rescue_device_read_iboot_serial(device, bad[i]));
		g_assert_false(device->have_chip);
		g_assert_cmphex(device->ecid, ==, 0);
	}
	g_assert_false(rescue_device_read_iboot_serial(device, NULL));
}

static void
test_an_impossible_serial_number_stays_unknown(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_assert_true(rescue_device_read_iboot_serial(device, "ECID:1A SRNM:[N/A]"));
	g_assert_null(device->serial);
	g_assert_true(rescue_device_read_iboot_serial(device, "ECID:1A SRNM:[]"));
	g_assert_null(device->serial);
	g_assert_true(rescue_device_read_iboot_serial(device, "ECID:1A SRNM:[ABC"));
	g_assert_cmpstr(device->serial, ==, "ABC");
}

static void
test_news_add_to_what_is_known_and_the_place_follows(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_autoptr(RescueDevice) news = rescue_device_new();
	device->product = g_strdup("iPhone10,3");
	device->version = g_strdup("15.3");
	device->place.port = g_strdup("1-2");
	device->mode = RESCUE_MODE_NORMAL;
	news->ecid = 0x1A;
	news->version = g_strdup("15.4");
	news->mode = RESCUE_MODE_ABSENT;
	rescue_device_update(device, news);
	g_assert_cmphex(device->ecid, ==, 0x1A);
	g_assert_cmpstr(device->product, ==, "iPhone10,3");
	g_assert_cmpstr(device->version, ==, "15.4");
	g_assert_cmpint(device->mode, ==, RESCUE_MODE_ABSENT);
	g_assert_null(device->place.port);
	rescue_device_update(device, device);
	g_autoptr(RescueDevice) copy = rescue_device_copy(device);
	g_assert_cmpstr(copy->product, ==, "iPhone10,3");
}

static void
test_other_kinds_are_refused_by_name(void)
{
	g_assert_null(rescue_device_refused_kind("iPhone10,3"));
	g_assert_null(rescue_device_refused_kind("iPad13,1"));
	g_assert_null(rescue_device_refused_kind("iPod9,1"));
	g_assert_null(rescue_device_refused_kind(NULL));
	g_assert_cmpstr(rescue_device_refused_kind("Watch6,1"), ==, "Apple Watch");
	g_assert_cmpstr(rescue_device_refused_kind("AppleTV11,1"), ==, "Apple TV");
	g_assert_cmpstr(rescue_device_refused_kind("AudioAccessory5,1"), ==, "HomePod");
	g_assert_cmpstr(rescue_device_refused_kind("MacBookPro18,3"), ==, "Mac");
	g_assert_nonnull(rescue_device_refused_kind("Toaster1,1"));
}

static void
test_a_device_is_described_for_people(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	device->mode = RESCUE_MODE_RECOVERY;
	g_autofree char *bare = rescue_device_describe(device);
	g_assert_cmpstr(bare, ==, "device, in recovery mode (iBoot)");
	device->product = g_strdup("iPhone10,3");
	device->ecid = 0x1A;
	device->place.port = g_strdup("1-2");
	g_autofree char *full = rescue_device_describe(device);
	g_assert_cmpstr(full, ==,
			"iPhone10,3 0x000000000000001A, in recovery mode (iBoot), on port 1-2");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device/recovery",
			test_a_recovery_device_tells_chip_board_ecid_and_serial);
	g_test_add_func("/device/dfu", test_a_dfu_device_has_no_serial_number);
	g_test_add_func("/device/other-strings", test_other_strings_leave_the_device_alone);
	g_test_add_func("/device/impossible-serial",
			test_an_impossible_serial_number_stays_unknown);
	g_test_add_func("/device/update", test_news_add_to_what_is_known_and_the_place_follows);
	g_test_add_func("/device/kinds", test_other_kinds_are_refused_by_name);
	g_test_add_func("/device/describe", test_a_device_is_described_for_people);
	return g_test_run();
}
