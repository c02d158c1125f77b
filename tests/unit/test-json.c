/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"

static RescueJson *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	RescueJson *value = rescue_json_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	return value;
}

static void
assert_refused(const char *text, size_t size, const char *reason)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(rescue_json_parse(text, size, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_nonnull(strstr(error->message, reason));
}

static void
test_keys_stay_in_the_order_in_which_they_were_set(void)
{
	g_autoptr(RescueJson) object = rescue_json_object_new();
	rescue_json_set_int(object, "v", 1);
	rescue_json_set_string(object, "b", "two");
	rescue_json_set_bool(object, "a", true);
	rescue_json_set_real(object, "fraction", 0.1);
	g_autofree char *text = rescue_json_dump(object);
	g_assert_cmpstr(text, ==, "{\"v\":1,\"b\":\"two\",\"a\":true,\"fraction\":0.1}");
}

static void
test_what_is_not_known_leaves_its_key_out(void)
{
	g_autoptr(RescueJson) object = rescue_json_object_new();
	rescue_json_set_string(object, "serial", NULL);
	rescue_json_take(object, "device", NULL);
	rescue_json_set_real(object, "fraction", NAN);
	g_autofree char *text = rescue_json_dump(object);
	g_assert_cmpstr(text, ==, "{}");
}

static void
test_bytes_that_are_not_utf8_are_replaced(void)
{
	g_autoptr(RescueJson) object = rescue_json_object_new();
	rescue_json_set_string(object, "line",
			       "a\xff"
			       "b");
	g_assert_cmpstr(rescue_json_get_string(object, "line"), ==,
			"a\xef\xbf\xbd"
			"b");
}

static void
test_getters_do_not_guess(void)
{
	g_autoptr(RescueJson)
	    object = parse("{\"n\":7,\"s\":\"7\",\"r\":0.5,\"t\":true,\"l\":[\"x\",2]}");
	int64_t n = -1;
	double r = -1;
	g_assert_true(rescue_json_get_int(object, "n", &n));
	g_assert_cmpint(n, ==, 7);
	g_assert_false(rescue_json_get_int(object, "s", &n));
	g_assert_false(rescue_json_get_int(object, "r", &n));
	g_assert_cmpint(n, ==, 7);
	g_assert_true(rescue_json_get_real(object, "n", &r));
	g_assert_cmpfloat(r, ==, 7);
	g_assert_null(rescue_json_get_string(object, "n"));
	g_assert_true(rescue_json_get_bool(object, "t", false));
	g_assert_true(rescue_json_get_bool(object, "missing", true));
	const RescueJson *list = rescue_json_get(object, "l");
	g_assert_cmpuint(rescue_json_length(list), ==, 2);
	g_assert_cmpstr(rescue_json_text(rescue_json_at(list, 0)), ==, "x");
	g_assert_null(rescue_json_text(rescue_json_at(list, 1)));
	g_assert_null(rescue_json_at(list, 2));
}

static void
test_merge_and_copy(void)
{
	g_autoptr(RescueJson) object = parse("{\"a\":1,\"b\":2}");
	g_autoptr(RescueJson) copy = rescue_json_copy(object);
	g_autoptr(RescueJson) more = parse("{\"b\":3,\"c\":4}");
	rescue_json_merge(object, more);
	g_autofree char *merged = rescue_json_dump(object);
	g_autofree char *kept = rescue_json_dump(copy);
	g_assert_cmpstr(merged, ==, "{\"a\":1,\"b\":3,\"c\":4}");
	g_assert_cmpstr(kept, ==, "{\"a\":1,\"b\":2}");
}

static void
test_what_is_missing_has_a_fallback(void)
{
	g_autoptr(RescueJson) value = parse("{\"n\":7,\"less\":-7,\"text\":\"7\"}");

	g_assert_cmpint(rescue_json_get_int_or(value, "n", 1), ==, 7);
	g_assert_cmpint(rescue_json_get_int_or(value, "less", 1), ==, -7);
	g_assert_cmpint(rescue_json_get_int_or(value, "text", 1), ==, 1);
	g_assert_cmpint(rescue_json_get_int_or(NULL, "n", -1), ==, -1);
	g_assert_cmpuint(rescue_json_get_count(value, "n"), ==, 7);
	g_assert_cmpuint(rescue_json_get_count(value, "less"), ==, 0);
	g_assert_cmpuint(rescue_json_get_count(value, "none"), ==, 0);
	g_assert_cmpuint(rescue_json_get_count(NULL, "n"), ==, 0);
}

static void
test_lists_of_texts_come_back(void)
{
	static char *const texts[] = { (char *)"a", (char *)"", NULL };
	g_autoptr(RescueJson) value = parse("{\"mixed\":[1,\"b\"]}");

	rescue_json_set_strings(value, "texts", texts);
	rescue_json_set_strings(value, "nothing", NULL);
	g_autofree char *dump = rescue_json_dump(value);
	g_assert_cmpstr(dump, ==, "{\"mixed\":[1,\"b\"],\"texts\":[\"a\",\"\"],\"nothing\":[]}");
	g_auto(GStrv) back = rescue_json_dup_strings(rescue_json_get(value, "texts"));
	g_auto(GStrv) mixed = rescue_json_dup_strings(rescue_json_get(value, "mixed"));
	g_auto(GStrv) nothing = rescue_json_dup_strings(NULL);
	g_assert_true(g_strv_equal((const char *const *)back, (const char *const *)texts));
	g_assert_cmpstr(mixed[0], ==, "");
	g_assert_cmpstr(mixed[1], ==, "b");
	g_assert_cmpuint(g_strv_length(nothing), ==, 0);
}

static void
test_hostile_text_is_refused_with_a_reason(void)
{
	g_autofree char *deep = g_strnfill(65, '[');
	g_autofree char *fine = g_strconcat("[\"", "[[[[", "\"]", NULL);
	g_autoptr(RescueJson) quoted = parse(fine);
	g_assert_nonnull(quoted);
	assert_refused(deep, strlen(deep), "too deeply");
	assert_refused("{\"a\":1,\"a\":2}", 13, "line 1");
	assert_refused("{\"a\":\n nope}", 12, "line 2");
	assert_refused("", 0, "line");
	assert_refused("\"a\0b\"", 5, "line");
	assert_refused("{}", (size_t)RESCUE_JSON_MAX_BYTES + 1, "too long");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/json/order", test_keys_stay_in_the_order_in_which_they_were_set);
	g_test_add_func("/json/unknown-left-out", test_what_is_not_known_leaves_its_key_out);
	g_test_add_func("/json/not-utf8", test_bytes_that_are_not_utf8_are_replaced);
	g_test_add_func("/json/getters", test_getters_do_not_guess);
	g_test_add_func("/json/merge-copy", test_merge_and_copy);
	g_test_add_func("/json/fallbacks", test_what_is_missing_has_a_fallback);
	g_test_add_func("/json/texts", test_lists_of_texts_come_back);
	g_test_add_func("/json/hostile", test_hostile_text_is_refused_with_a_reason);
	return g_test_run();
}
