/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/parse.h"

static void
test_whole_numbers_within_bounds(void)
{
	static const char *const bad[] = { "",    " 5",   "5 ", "+5", "-5",
					   "0x5", "five", "4",  "11", "99999999999999999999" };
	uint64_t value = 0;
	g_assert_true(rescue_parse_uint("5", 5, 10, &value, NULL));
	g_assert_cmpuint(value, ==, 5);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(rescue_parse_uint(bad[i], 5, 10, &value, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
		g_assert_cmpuint(value, ==, 5);
	}
}

static void
test_durations_say_their_unit_or_mean_seconds(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "90", 90000 },   { "90s", 90000 }, { "15m", 900000 },
		{ "2h", 7200000 }, { "500ms", 500 }, { "0", 0 },
	};
	static const char *const bad[] = {
		"", "h", "1.5h", "-1", "2 weeks", "9999999h", "99999999999999999999s"
	};
	int64_t ms = -1;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_assert_true(rescue_parse_duration(good[i].text, &ms, NULL));
		g_assert_cmpint(ms, ==, good[i].ms);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(rescue_parse_duration(bad[i], &ms, NULL));
}

static void
test_sizes_know_both_kinds_of_units(void)
{
	uint64_t bytes;
	g_assert_true(rescue_parse_size("1048576", &bytes, NULL));
	g_assert_cmpuint(bytes, ==, 1048576);
	g_assert_true(rescue_parse_size("4 MB", &bytes, NULL));
	g_assert_cmpuint(bytes, ==, 4000000);
	g_assert_true(rescue_parse_size("2 GiB", &bytes, NULL));
	g_assert_cmpuint(bytes, ==, G_GUINT64_CONSTANT(2147483648));
	g_assert_false(rescue_parse_size("4 bananas", &bytes, NULL));
	g_assert_false(rescue_parse_size("99999999999 TiB", &bytes, NULL));
}

static void
assert_text(char *text, const char *wanted)
{
	g_assert_cmpstr(text, ==, wanted);
	g_free(text);
}

static void
test_people_read_rounded_values(void)
{
	assert_text(rescue_format_size(0), "0 bytes");
	assert_text(rescue_format_size(812000), "812 kB");
	assert_text(rescue_format_size(4200000000), "4.2 GB");
	assert_text(rescue_format_size(999999), "1.0 MB");
	assert_text(rescue_format_size(G_MAXUINT64), "18 EB");
	assert_text(rescue_format_duration(250), "250 ms");
	assert_text(rescue_format_duration(7000), "7 s");
	assert_text(rescue_format_duration(250000), "4 min 10 s");
	assert_text(rescue_format_duration(7500000), "2 h 05 min");
	assert_text(rescue_format_duration(-1), "0 ms");
	assert_text(rescue_clock_format(G_GINT64_CONSTANT(1795341840123456)),
		    "2026-11-22T10:04:00.123Z");
	assert_text(rescue_clock_format(-1), "1969-12-31T23:59:59.999Z");
	assert_text(rescue_clock_format(G_MAXINT64), "1970-01-01T00:00:00.000Z");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parse/uint", test_whole_numbers_within_bounds);
	g_test_add_func("/parse/duration", test_durations_say_their_unit_or_mean_seconds);
	g_test_add_func("/parse/size", test_sizes_know_both_kinds_of_units);
	g_test_add_func("/parse/format", test_people_read_rounded_values);
	return g_test_run();
}
