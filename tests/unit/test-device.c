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

static RescueOwner
owner_who_says(const char *activation, RescueAnswer find_my, RescueAnswer lock)
{
	return (RescueOwner){ .asked = true,
			      .activation = (char *)activation,
			      .find_my = find_my,
			      .activation_lock = lock };
}

static void
test_off_is_believed_of_an_activated_phone_only(void)
{
	static const struct {
		const char *activation;
		RescueAnswer told, believed;
	} cases[] = {
		{ "Activated", RESCUE_ANSWER_OFF, RESCUE_ANSWER_OFF },
		{ "WildcardActivated", RESCUE_ANSWER_OFF, RESCUE_ANSWER_OFF },
		{ "Unactivated", RESCUE_ANSWER_OFF, RESCUE_ANSWER_UNKNOWN },
		{ "MismatchedIMEI", RESCUE_ANSWER_OFF, RESCUE_ANSWER_UNKNOWN },
		{ NULL, RESCUE_ANSWER_OFF, RESCUE_ANSWER_UNKNOWN },
		{ "Activated", RESCUE_ANSWER_ON, RESCUE_ANSWER_ON },
		{ "Unactivated", RESCUE_ANSWER_ON, RESCUE_ANSWER_ON },
		{ "Activated", RESCUE_ANSWER_UNKNOWN, RESCUE_ANSWER_UNKNOWN },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const RescueOwner owner = owner_who_says(cases[i].activation, cases[i].told,
							 cases[i].told);
		RescueOwnerVerdict verdict;
		rescue_owner_judge(&owner, RESCUE_MODE_NORMAL, false, &verdict);
		g_assert_cmpint(verdict.find_my, ==, cases[i].believed);
		g_assert_cmpint(verdict.activation_lock, ==, cases[i].believed);
		g_assert_true((verdict.why != NULL) ==
			      (cases[i].believed == RESCUE_ANSWER_UNKNOWN));
		g_assert_cmpstr(verdict.activation, ==, cases[i].activation);
	}
}

static void
test_nothing_is_believed_after_an_erase_or_outside_of_ios(void)
{
	const RescueOwner owner = owner_who_says("Activated", RESCUE_ANSWER_ON, RESCUE_ANSWER_ON);
	RescueOwnerVerdict verdict;
	for (RescueMode mode = 0; mode < RESCUE_MODE_LAST; mode++) {
		rescue_owner_judge(&owner, mode, mode == RESCUE_MODE_NORMAL, &verdict);
		g_assert_cmpint(verdict.find_my, ==, RESCUE_ANSWER_UNKNOWN);
		g_assert_cmpint(verdict.activation_lock, ==, RESCUE_ANSWER_UNKNOWN);
		g_assert_nonnull(verdict.why);
		g_assert_true((verdict.activation != NULL) == (mode == RESCUE_MODE_NORMAL));
	}
	rescue_owner_judge(&(RescueOwner){ 0 }, RESCUE_MODE_NORMAL, false, &verdict);
	g_assert_cmpint(verdict.find_my, ==, RESCUE_ANSWER_UNKNOWN);
	g_assert_nonnull(verdict.why);
}

static void
test_what_a_phone_says_of_its_owner_replaces_all_that_it_said_before(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_autoptr(RescueDevice) news = rescue_device_new();
	device->owner.asked = true;
	device->owner.activation = g_strdup("Activated");
	device->owner.find_my = RESCUE_ANSWER_ON;
	rescue_device_update(device, news); /* a sighting: nobody was asked */
	g_assert_cmpint(device->owner.find_my, ==, RESCUE_ANSWER_ON);
	g_assert_cmpstr(device->owner.activation, ==, "Activated");
	news->owner.asked = true;
	rescue_device_update(device, news);
	g_assert_cmpint(device->owner.find_my, ==, RESCUE_ANSWER_UNKNOWN);
	g_assert_null(device->owner.activation);
}

static void
test_what_a_phone_said_of_its_owner_lapses_when_it_leaves_ios(void)
{
	static const struct {
		RescueMode mode;
		bool lapses;
	} cases[] = {
		{ RESCUE_MODE_ABSENT, false }, { RESCUE_MODE_UNKNOWN, false },
		{ RESCUE_MODE_NORMAL, false }, { RESCUE_MODE_RECOVERY, true },
		{ RESCUE_MODE_DFU, true },     { RESCUE_MODE_RESTORE, true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueDevice) device = rescue_device_new();
		g_autoptr(RescueDevice) news = rescue_device_new();
		device->owner.asked = true;
		device->owner.activation = g_strdup("Activated");
		news->mode = cases[i].mode;
		rescue_device_update(device, news);
		g_assert_true((device->owner.activation == NULL) == cases[i].lapses);
	}
}

static void
test_an_owner_survives_the_way_through_json(void)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	const RescueOwner owner = { .asked = true,
				    .activation = (char *)"Unactivated",
				    .find_my = RESCUE_ANSWER_ON,
				    .activation_lock = RESCUE_ANSWER_OFF,
				    .locked = RESCUE_ANSWER_ON };
	RescueOwner back = { 0 };
	rescue_owner_write(&(RescueOwner){ 0 }, json);
	g_assert_null(rescue_json_get(json, "find_my"));
	rescue_owner_write(&owner, json);
	rescue_owner_read(&back, json);
	g_assert_true(back.asked);
	g_assert_cmpstr(back.activation, ==, "Unactivated");
	g_assert_cmpint(back.find_my, ==, RESCUE_ANSWER_ON);
	g_assert_cmpint(back.activation_lock, ==, RESCUE_ANSWER_OFF);
	g_assert_cmpint(back.locked, ==, RESCUE_ANSWER_ON);
	g_assert_cmpint(back.supervised, ==, RESCUE_ANSWER_UNKNOWN);
	rescue_owner_clear(&back);
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
	g_test_add_func("/device/owner/off", test_off_is_believed_of_an_activated_phone_only);
	g_test_add_func("/device/owner/erased",
			test_nothing_is_believed_after_an_erase_or_outside_of_ios);
	g_test_add_func("/device/owner/replaced",
			test_what_a_phone_says_of_its_owner_replaces_all_that_it_said_before);
	g_test_add_func("/device/owner/lapses",
			test_what_a_phone_said_of_its_owner_lapses_when_it_leaves_ios);
	g_test_add_func("/device/owner/json", test_an_owner_survives_the_way_through_json);
	return g_test_run();
}
