/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/model/ecid.h"

static void
test_an_ecid_is_hex_with_0x_and_decimal_without(void)
{
	RescueEcid ecid = 0;
	g_assert_true(rescue_ecid_parse("0x001A2B3C4D5E6F70", &ecid, NULL));
	g_assert_cmphex(ecid, ==, 0x001A2B3C4D5E6F70);
	g_assert_true(rescue_ecid_parse("0X1a", &ecid, NULL));
	g_assert_cmphex(ecid, ==, 0x1A);
	g_assert_true(rescue_ecid_parse("7366075437739888", &ecid, NULL));
	g_assert_cmphex(ecid, ==, 0x001A2B6815DAEF70);
	g_assert_true(rescue_ecid_parse("010", &ecid, NULL)); /* ten, not octal eight */
	g_assert_cmphex(ecid, ==, 10);
}

static void
test_a_hex_ecid_without_0x_is_refused_with_a_hint(void)
{
	g_autoptr(GError) error = NULL;
	RescueEcid ecid = 5;
	g_assert_false(rescue_ecid_parse("001A2B3C4D5E6F70", &ecid, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_nonnull(strstr(error->message, "0x"));
	g_assert_cmphex(ecid, ==, 5);
}

static void
test_what_is_no_ecid_is_refused(void)
{
	static const char *const bad[] = { "",     "0",  "0x0", "0x",
					   "-1",   " 1", "1 ",  "0x10000000000000000",
					   "phone" };
	RescueEcid ecid;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(rescue_ecid_parse(bad[i], &ecid, NULL));
}

static void
test_an_ecid_is_written_with_sixteen_digits(void)
{
	char text[RESCUE_ECID_TEXT];
	g_assert_cmpstr(rescue_ecid_format(0x1a2b, text), ==, "0x0000000000001A2B");
	g_assert_cmpstr(rescue_ecid_format(G_MAXUINT64, text), ==, "0xFFFFFFFFFFFFFFFF");
}

static void
test_newer_udids_contain_the_ecid(void)
{
	g_assert_cmphex(rescue_ecid_from_udid("00008030-001A2B3C4D5E6F70"), ==, 0x001A2B3C4D5E6F70);
	g_assert_cmphex(rescue_ecid_from_udid("0123456789abcdef0123456789abcdef01234567"), ==, 0);
	g_assert_cmphex(rescue_ecid_from_udid("00008030+001A2B3C4D5E6F70"), ==, 0);
	g_assert_cmphex(rescue_ecid_from_udid("0000803g-001A2B3C4D5E6F70"), ==, 0);
	g_assert_cmphex(rescue_ecid_from_udid("00008030-001A2B3C4D5E6F7g"), ==, 0);
	g_assert_cmphex(rescue_ecid_from_udid(NULL), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ecid/parse", test_an_ecid_is_hex_with_0x_and_decimal_without);
	g_test_add_func("/ecid/hint", test_a_hex_ecid_without_0x_is_refused_with_a_hint);
	g_test_add_func("/ecid/refused", test_what_is_no_ecid_is_refused);
	g_test_add_func("/ecid/format", test_an_ecid_is_written_with_sixteen_digits);
	g_test_add_func("/ecid/udid", test_newer_udids_contain_the_ecid);
	return g_test_run();
}
