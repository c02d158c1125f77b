/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/scenario/scenario.h"

static const char good[] = "# a phone that loses its cable in mid-image\n"
			   "phone a\n"
			   "  model iPhone10,3\n"
			   "  ecid 0x000A1B2C3D4E5F60\n"
			   "  mode recovery\n"
			   "  installed 14.1 18A8395\n"
			   "  port 1-2.4\n"
			   "  link 40 MB/s\n"
			   "  boots in 300 ms\n"
			   "  appears after 400 ms\n"
			   "  at 5 s do move to 1-1.4 for 2 s\n"
			   "  at 9 s do unplug\n"
			   "phone second-one\n"
			   "  model iPhone12,1\n"
			   "  ecid 255\n"
			   "  mode off\n"
			   "firmware f\n"
			   "  model iPhone10,3\n"
			   "  version 15.0\n"
			   "  build 19A346\n"
			   "  os-image 4 MB deflated\n"
			   "  signed no\n"
			   "  damage truncate 50 %\n"
			   "world\n"
			   "  usbmuxd absent\n"
			   "  signing off\n"
			   "  engines isolated\n"
			   "  ports 1-3.1, 1-2.4\n"
			   "fault a at filesystem after 2 MB do unplug for 2 s, times 3\n"
			   "fault any at nor do hang, always\n"
			   "fault signing do status 94\n"
			   "fault a at verify-filesystem do fail -1 amr 11\n"
			   "run idevicerescue restore --ecid $LAB_ECID_A\n"
			   "expect exit 10\n"
			   "expect a booted 19A346\n"
			   "expect a erased 1 time\n"
			   "expect second-one untouched\n"
			   "expect a opened-by only idevicerestore, idevicerescue-agent\n"
			   "expect a engines 1 at a time\n"
			   "fault a at bootx do move to 1-4\n"
			   "expect a mode normal\n"
			   "expect a port 1-1.4\n"
			   "expect a reset 2 times\n"
			   "expect fault fired 2 times\n"
			   "expect stdout has Status: Restore Finished, and more\n"
			   "expect failure at nor, category usb\n";

static void
test_phone_is_read_as_it_stands(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, &error);
	g_assert_no_error(error);
	const LabPhoneSpec *a = lab_scenario_phone(scenario, "a");
	g_assert_nonnull(a);
	g_assert_cmpstr(a->id.product, ==, "iPhone10,3");
	g_assert_cmpstr(a->id.board, ==, "d22ap");
	g_assert_cmphex(a->id.cpid, ==, 0x8015);
	g_assert_cmphex(a->id.bdid, ==, 6);
	g_assert_cmphex(a->id.ecid, ==, 0x000a1b2c3d4e5f60);
	g_assert_cmpstr(a->id.port, ==, "1-2.4");
	g_assert_cmpuint(a->id.link_bytes, ==, 40 * 1000 * 1000);
	g_assert_cmpint(a->mode, ==, LAB_MODE_RECOVERY);
	g_assert_cmpstr(a->build, ==, "18A8395");
	g_assert_cmpuint(a->boot_ms, ==, 300);
	g_assert_cmpuint(a->appears_ms, ==, 400);
	g_assert_cmpuint(strlen(a->id.udid), ==, 40);
}

static void
test_what_is_left_out_is_filled_in(void)
{
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, NULL);
	const LabPhoneSpec *second = lab_scenario_phone(scenario, "second-one");
	g_assert_cmpstr(second->id.udid, ==, "00008030-00000000000000FF");
	g_assert_cmpstr(second->id.port, ==, "1-2");
	g_assert_cmpuint(strlen(second->id.serial), ==, 12);
}

static void
test_firmware_and_world_are_read(void)
{
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, NULL);
	const LabFirmwareSpec *f = g_ptr_array_index(scenario->firmwares, 0);
	g_assert_cmpstr(f->ipsw.build, ==, "19A346");
	g_assert_cmpuint(f->ipsw.os_bytes, ==, 4 * 1000 * 1000);
	g_assert_true(f->ipsw.os_deflated);
	g_assert_false(f->is_signed);
	g_assert_cmpint(f->ipsw.damage, ==, LAB_DAMAGE_TRUNCATE);
	g_assert_cmpuint(f->ipsw.damage_number, ==, 50);
	g_assert_false(scenario->usbmuxd);
	g_assert_false(scenario->signing);
	g_assert_true(scenario->isolated);
	g_assert_cmpstr(scenario->run, ==, "idevicerescue restore --ecid $LAB_ECID_A");
}

static void
test_faults_fire_as_written(void)
{
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, NULL);
	LabFaults *faults = scenario->faults;
	g_assert_null(lab_faults_fire(faults, "a", LAB_AT_FILESYSTEM, 2 * 1000 * 1000 - 1));
	for (int i = 0; i < 3; i++) {
		const LabFault *fault = lab_faults_fire(faults, "a", LAB_AT_FILESYSTEM,
							2 * 1000 * 1000);
		g_assert_nonnull(fault);
		g_assert_cmpint(fault->action, ==, LAB_DO_UNPLUG);
		g_assert_cmpuint(fault->duration_ms, ==, 2000);
	}
	g_assert_null(lab_faults_fire(faults, "a", LAB_AT_FILESYSTEM, G_MAXUINT64));
	g_assert_null(lab_faults_fire(faults, "second-one", LAB_AT_VERIFY_FILESYSTEM, 0));
	const LabFault *verify = lab_faults_fire(faults, "a", LAB_AT_VERIFY_FILESYSTEM, 0);
	g_assert_cmpint(verify->status, ==, -1);
	g_assert_cmpint(verify->amr, ==, 11);
	for (int i = 0; i < 20; i++)
		g_assert_nonnull(lab_faults_fire(faults, "second-one", LAB_AT_NOR, 0));
	g_assert_cmpint(lab_faults_fire(faults, NULL, LAB_AT_SIGNING, 0)->status, ==, 94);
	g_assert_null(lab_faults_fire(faults, NULL, LAB_AT_SIGNING, 0));
}

static void
test_moves_are_read(void)
{
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, NULL);
	g_assert_cmpuint(scenario->deeds->len, ==, 2);
	const LabDeed *move = g_ptr_array_index(scenario->deeds, 0);
	g_assert_cmpstr(move->phone, ==, "a");
	g_assert_cmpstr(move->port, ==, "1-1.4");
	g_assert_cmpuint(move->at_ms, ==, 5000);
	g_assert_cmpuint(move->for_ms, ==, 2000);
	const LabDeed *unplug = g_ptr_array_index(scenario->deeds, 1);
	g_assert_null(unplug->port);
	g_assert_cmpuint(unplug->for_ms, ==, 0);
	const LabFault *fault = lab_faults_fire(scenario->faults, "a", LAB_AT_BOOTX, 0);
	g_assert_cmpint(fault->action, ==, LAB_DO_MOVE);
	g_assert_cmpstr(fault->port, ==, "1-4");
	g_assert_cmpuint(fault->duration_ms, ==, 500);
	/* every port that is named, once: a machine has to have them */
	static const char *const ports[] = { "1-1.4", "1-2.4", "1-2", "1-3.1", "1-4" };
	g_assert_cmpuint(scenario->ports->len, ==, G_N_ELEMENTS(ports));
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		g_assert_cmpstr(g_ptr_array_index(scenario->ports, i), ==, ports[i]);
}

static void
test_expectations_are_read(void)
{
	static const struct {
		LabExpectKind kind;
		const char *phone, *text;
		unsigned number;
	} wanted[] = {
		{ LAB_EXPECT_EXIT, NULL, NULL, 10 },
		{ LAB_EXPECT_BOOTED, "a", "19A346", 0 },
		{ LAB_EXPECT_ERASED, "a", NULL, 1 },
		{ LAB_EXPECT_UNTOUCHED, "second-one", NULL, 0 },
		{ LAB_EXPECT_OPENED_BY, "a", "idevicerestore, idevicerescue-agent", 0 },
		{ LAB_EXPECT_ENGINES, "a", NULL, 1 },
		{ LAB_EXPECT_MODE, "a", NULL, 0 },
		{ LAB_EXPECT_PORT, "a", "1-1.4", 0 },
		{ LAB_EXPECT_RESET, "a", NULL, 2 },
		{ LAB_EXPECT_FIRED, NULL, NULL, 2 },
		{ LAB_EXPECT_STDOUT_HAS, NULL, "Status: Restore Finished, and more", 0 },
		{ LAB_EXPECT_FAILURE, NULL, "nor", 0 },
	};
	g_autoptr(LabScenario) scenario = lab_scenario_parse("good", good, NULL);
	g_assert_cmpuint(scenario->expects->len, ==, G_N_ELEMENTS(wanted));
	const LabExpect *failure = g_ptr_array_index(scenario->expects, 11);
	g_assert_cmpstr(failure->category, ==, "usb");
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		const LabExpect *expect = g_ptr_array_index(scenario->expects, i);
		g_assert_cmpint(expect->kind, ==, wanted[i].kind);
		g_assert_cmpstr(expect->phone, ==, wanted[i].phone);
		g_assert_cmpstr(expect->text, ==, wanted[i].text);
		g_assert_cmpuint(expect->number, ==, wanted[i].number);
	}
}

/* ---- bad files -------------------------------------------------------------------------------- */

#define PHONE "phone a\n  model iPhone10,3\n  ecid 1\n"

static const struct {
	const char *text, *message;
} bad[] = {
	{ "phnoe a\n", "bad:1: ‘phnoe’ is not phone, firmware, world, fault, expect or run" },
	{ "  model iPhone10,3\n", "bad:1: the line is indented, but belongs to nothing" },
	{ "phone a\n  model iPhone99,9\n",
	  "bad:2: the lab has no model ‘iPhone99,9’ (see model.def)" },
	{ "phone a\n  ecid 0xzz\n", "bad:2: ‘0xzz’ is not an ECID" },
	{ "phone a\n  ecid 0\n", "bad:2: ‘0’ is not an ECID" },
	{ "phone a\n  mode asleep\n",
	  "bad:2: ‘asleep’ is not normal, recovery, dfu, restore or off" },
	{ "phone a\n  link 40\n", "bad:2: ‘link’ has too few words" },
	{ "phone a\n  link 40 MB\n", "bad:2: ‘link’ wants a speed, such as ‘link 40 MB/s’" },
	{ "phone a\n  boots in 5 weeks\n",
	  "bad:2: ‘boots’ wants a time, such as ‘boots in 300 ms’" },
	{ "phone a\n  port two\n", "bad:2: ‘two’ is not a port such as 1-2 or 1-2.4" },
	{ "phone a\n  at noon s do unplug\n",
	  "bad:2: ‘at’ wants a time, such as ‘at 5 s do unplug’" },
	{ "phone a\n  at 5 s do dance\n", "bad:2: ‘dance’ is not unplug, move or recovery" },
	{ "phone a\n  at 5 s do move to the left\n",
	  "bad:2: ‘move’ wants a port, such as ‘move to 1-1.4’" },
	{ "phone a\n  at 5 s do unplug for ever\n",
	  "bad:2: ‘for’ is not a time, such as ‘for 2 s’" },
	{ "phone a\n  at 5 s do unplug for 2 s please\n", "bad:2: ‘please’ makes no sense here" },
	{ "world\n  ports 1-2 left\n", "bad:2: ‘left’ is not a port such as 1-2 or 1-2.4" },
	{ PHONE "fault a at nor do move\n",
	  "bad:4: ‘do move’ wants a port, such as ‘do move to 1-1.4’" },
	{ "phone a\n  colour red\n", "bad:2: ‘colour’ is not a property of this block" },
	{ "phone a\n  ecid 1\n", "bad:1: the phone ‘a’ has no ‘model’" },
	{ PHONE "  mode normal\n", "bad:1: the phone ‘a’ has no ‘installed’" },
	{ PHONE "phone a\n", "bad:4: the name ‘a’ is taken" },
	{ "phone signing\n", "bad:1: ‘signing’ is a word of the language and cannot be a name" },
	{ "phone 1st\n", "bad:1: ‘phone’ wants one name of letters, digits and ‘-’" },
	{ PHONE "phone b\n  model iPhone10,3\n  ecid 1\n",
	  "bad:4: the phones ‘a’ and ‘b’ have the same ECID" },
	{ "firmware f\n  model iPhone10,3\n  version 1.0\n",
	  "bad:1: the firmware ‘f’ has no ‘build’" },
	{ "firmware f\n  damage burn\n", "bad:2: ‘burn’ is not a damage the lab can do" },
	{ "firmware f\n  damage byte-flip\n",
	  "bad:2: ‘damage byte-flip’ wants a component behind it" },
	{ "firmware f\n  manifest $NOT_SET_ANYWHERE\n",
	  "bad:2: the variable ‘$NOT_SET_ANYWHERE’ is not set" },
	{ "firmware f\n  os-image big\n", "bad:2: ‘os-image’ has too few words" },
	{ "world big\n", "bad:1: ‘world’ wants nothing behind it" },
	{ "fault b at nor do hang\n", "bad:1: there is no phone ‘b’ above this line" },
	{ PHONE "fault a at noon do hang\n",
	  "bad:4: ‘noon’ is not a point at which a fault can happen" },
	{ PHONE "fault a at nor do sing\n", "bad:4: ‘sing’ is not something a fault can do" },
	{ PHONE "fault a at nor\n", "bad:4: the fault does not say what to ‘do’" },
	{ PHONE "fault a do hang\n", "bad:4: the fault does not say ‘at’ which point it happens" },
	{ PHONE "fault a at nor do fail\n", "bad:4: ‘do fail’ wants a number behind it" },
	{ PHONE "fault a at nor do hang times 0\n",
	  "bad:4: ‘times’ wants a number from 1 to 1000" },
	{ PHONE "fault a at nor do hang twice\n", "bad:4: ‘twice’ is not a word of a fault" },
	{ "expect miracles\n",
	  "bad:1: ‘miracles’ is nothing that can be expected, or names no phone above this line" },
	{ PHONE "expect a erased often\n",
	  "bad:4: ‘a erased often’ does not make sense behind ‘expect’" },
	{ "expect failure at nor\n",
	  "bad:1: ‘failure at nor’ does not make sense behind ‘expect’" },
	{ "run\n", "bad:1: ‘run’ wants a command behind it" },
	{ "run a\nrun b\n", "bad:2: there is a second ‘run’" },
	{ ",\n", "bad:1: there is nothing but a comma" },
};

static void
test_bad_input_gets_one_clear_sentence(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(LabScenario) scenario = lab_scenario_parse("bad", bad[i].text, &error);
		g_assert_null(scenario);
		g_assert_cmpstr(error->message, ==, bad[i].message);
	}
}

static void
test_every_prefix_is_read_or_refused(void)
{
	for (size_t length = 0; length < strlen(good); length++) {
		g_autofree char *prefix = g_strndup(good, length);
		g_autoptr(GError) error = NULL;
		g_autoptr(LabScenario) scenario = lab_scenario_parse("prefix", prefix, &error);
		g_assert_true((scenario == NULL) == (error != NULL));
	}
}

static void
test_variables_are_expanded(void)
{
	char *environment[] = { (char *)"LAB_DIR=/lab/x", (char *)"E=", NULL };
	g_autoptr(GError) error = NULL;
	g_autofree char *one = lab_expand("$LAB_DIR/events${E}-${LAB_DIR}", environment, &error);
	g_assert_cmpstr(one, ==, "/lab/x/events-/lab/x");
	g_autofree char *shell = lab_expand("$! $((1)) \\$NOPE $", environment, &error);
	g_assert_cmpstr(shell, ==, "$! $((1)) $NOPE $");
	g_assert_null(lab_expand("$NOPE", environment, &error));
	g_assert_cmpstr(error->message, ==, "the variable ‘$NOPE’ is not set");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/scenario/phone-is-read-as-it-stands", test_phone_is_read_as_it_stands);
	g_test_add_func("/scenario/what-is-left-out-is-filled-in",
			test_what_is_left_out_is_filled_in);
	g_test_add_func("/scenario/firmware-and-world-are-read", test_firmware_and_world_are_read);
	g_test_add_func("/scenario/faults-fire-as-written", test_faults_fire_as_written);
	g_test_add_func("/scenario/moves-are-read", test_moves_are_read);
	g_test_add_func("/scenario/expectations-are-read", test_expectations_are_read);
	g_test_add_func("/scenario/bad-input-gets-one-clear-sentence",
			test_bad_input_gets_one_clear_sentence);
	g_test_add_func("/scenario/every-prefix-is-read-or-refused",
			test_every_prefix_is_read_or_refused);
	g_test_add_func("/scenario/variables-are-expanded", test_variables_are_expanded);
	return g_test_run();
}
