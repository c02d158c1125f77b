/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/model/release.h"

/* Versions and builds are compared as numbers, and the newest is chosen, not the first of a list. */

static int
sign(int value)
{
	return value < 0 ? -1 : value > 0;
}

static void
test_versions_are_numbers(void)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{ "26.10", "26.9", 1 },
		{ "15.4", "15.4.0", 0 },
		{ "15.4.1", "15.4", 1 },
		{ "9.3.5", "10.0", -1 },
		{ "26.2", "26.2 beta 3", 1 },
		{ "26.2 beta 10", "26.2 beta 9", 1 },
		{ "26.2 RC", "26.2 beta", 1 },
		{ "26.2", "26.2 RC", 1 },
		{ "", "1", -1 },
		{ "99999999999999999999", "1", 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s %s", cases[i].a, cases[i].b);
		g_assert_cmpint(sign(rescue_version_compare(cases[i].a, cases[i].b)), ==,
				cases[i].order);
		g_assert_cmpint(sign(rescue_version_compare(cases[i].b, cases[i].a)), ==,
				-cases[i].order);
	}
}

static void
test_builds_are_number_letter_number(void)
{
	static const char *const rising[] = { "9A405",   "9B176",  "10A403", "19H300",
					      "19H1001", "23A341", "23B85" };

	for (size_t i = 1; i < G_N_ELEMENTS(rising); i++)
		g_assert_cmpint(rescue_build_compare(rising[i - 1], rising[i]), <, 0);
	g_assert_true(rescue_build_is_beta("23A5276f"));
	g_assert_true(rescue_build_is_beta("12A4345d"));
	g_assert_false(rescue_build_is_beta("12B411a"));
	g_assert_false(rescue_build_is_beta("20H350"));
	g_assert_false(rescue_build_is_valid("20H"));
	g_assert_false(rescue_build_is_valid("H350"));
	g_assert_false(rescue_build_is_valid("20H350; rm"));
	g_assert_false(rescue_build_is_valid("../../x"));
	g_assert_false(rescue_build_is_valid(NULL));
}

/* "VERSION BUILD SIGNED" … */
static GPtrArray *
make(const char *const *lines)
{
	GPtrArray *releases = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_release_free);

	for (; *lines != NULL; lines++) {
		g_auto(GStrv) words = g_strsplit(*lines, "/", 3);
		RescueRelease *release = rescue_release_new("iPhone10,3", words[0], words[1]);
		release->is_signed = words[2][0] == 'y'   ? RESCUE_SIGNED_YES
				     : words[2][0] == 'n' ? RESCUE_SIGNED_NO
							  : RESCUE_SIGNED_UNKNOWN;
		g_ptr_array_add(releases, release);
	}
	return releases;
}

static const char *
chosen(const char *const *lines, const RescueWish *wish)
{
	g_autoptr(GPtrArray) releases = make(lines);
	const RescueRelease *release = rescue_release_choose(releases, wish);

	return release != NULL ? g_intern_string(release->build) : NULL;
}

static void
test_latest_is_the_newest_signed_release(void)
{
	static const char *const list[] = { "26.9/23J10/y",
					    "26.10/23K20/y",
					    "26.11/23L30/n",
					    "26.12 beta/23M5001a/y",
					    "9.3/13E300/y",
					    "26.11 RC 2/23L31/y",
					    NULL };
	static const char *const unsigned_only[] = { "26.9/23J10/n", "26.10/23K20/n", NULL };
	static const char *const unknown[] = { "26.9/23J10/n", "26.8/23I10/?", NULL };
	static const char *const none[] = { NULL };
	const RescueWish latest = { .latest = true }, beta = { .latest = true, .beta = true };

	g_assert_cmpstr(chosen(list, &latest), ==, "23K20");
	g_assert_cmpstr(chosen(list, &beta), ==, "23M5001a");
	/* an opinion is no verdict: the signing server decides */
	g_assert_cmpstr(chosen(unsigned_only, &latest), ==, "23K20");
	g_assert_cmpstr(chosen(unknown, &latest), ==, "23I10");
	g_assert_null(chosen(none, &latest));
}

/* catalogues that tell only the number: then the build says what it is */
static void
test_a_beta_is_never_chosen_by_accident(void)
{
	static const char *const list[] = { "26.3/23D5100a/y", "26.2 RC/23C50/y", "26.2 GM/23C49/y",
					    "26.1/23B80/n", NULL };
	const RescueWish latest = { .latest = true }, number = { .version = (char *)"26.3" };
	const RescueWish candidate = { .version = (char *)"26.2 rc" };
	const RescueWish build = { .build = (char *)"23D5100a" };
	const RescueWish release = { .version = (char *)"26.2" };

	g_assert_cmpstr(chosen(list, &latest), ==, "23B80");
	g_assert_null(chosen(list, &number));
	g_assert_null(chosen(list, &release));
	g_assert_cmpstr(chosen(list, &candidate), ==, "23C50");
	g_assert_cmpstr(chosen(list, &build), ==, "23D5100a");
}

static void
test_a_named_one_is_found_even_if_beta(void)
{
	static const char *const list[] = { "26.2/23C50/y", "26.2/23C55/y",
					    "26.2 beta 3/23C5044b/y", NULL };
	const RescueWish version = { .version = (char *)"26.2" };
	const RescueWish beta = { .version = (char *)"26.2 beta 3" };
	const RescueWish build = { .build = (char *)"23c50" };
	const RescueWish missing = { .version = (char *)"26.3" };

	g_assert_cmpstr(chosen(list, &version), ==, "23C55");
	g_assert_cmpstr(chosen(list, &beta), ==, "23C5044b");
	g_assert_cmpstr(chosen(list, &build), ==, "23C50");
	g_assert_null(chosen(list, &missing));
}

/* a hint only where it helps: not for what nobody has, and not when a build was named */
static void
test_a_version_that_is_only_a_beta_is_told_with_its_build(void)
{
	static const char *const list[] = { "26.3 beta 2/23D5100a/y", "26.3 beta 3/23D5110b/y",
					    "26.1/23B80/n", NULL };
	g_autoptr(GPtrArray) releases = make(list);
	const RescueWish version = { .version = (char *)"26.3" };
	const RescueWish unheard = { .version = (char *)"99.1" };
	const RescueWish build = { .build = (char *)"23D1" };
	g_autofree char *hint = rescue_release_explain_none(releases, "iPhone10,3", &version);
	g_autofree char *none = rescue_release_explain_none(releases, "iPhone10,3", &unheard);
	g_autofree char *named = rescue_release_explain_none(releases, "iPhone10,3", &build);

	g_assert_nonnull(strstr(hint, "only as a beta"));
	g_assert_nonnull(strstr(hint, "--build 23D5110b"));
	g_assert_nonnull(strstr(none, "know no firmware for iPhone10,3"));
	g_assert_null(strstr(none, "--build"));
	g_assert_nonnull(strstr(named, "know no firmware for iPhone10,3"));
}

static void
test_json_both_ways_and_nothing_hostile(void)
{
	static const char *const hostile[] = {
		"{}",
		"{\"product\":\"../../etc\",\"version\":\"1\",\"build\":\"1A1\"}",
		"{\"product\":\"iPhone1,1\",\"version\":\"\\u0000\",\"build\":\"1A1\"}",
		"{\"product\":\"iPhone1,1\",\"version\":\"1/2\",\"build\":\"1A1\"}",
		"{\"product\":\"iPhone1,1\",\"version\":\"1\",\"build\":\"1A1/..\"}",
		"{\"product\":[],\"version\":1,\"build\":null}",
		"[]",
	};
	g_autoptr(RescueRelease) release = rescue_release_new("iPhone10,3", "15.0", "19A346");
	g_autoptr(RescueRelease) copy = NULL;
	g_autoptr(RescueJson) json = NULL;

	release->size_bytes = 12345;
	g_assert_true(rescue_release_set_hash(&release->sha1,
					      "ABCDEF0123456789ABCDEF0123456789ABCDEF01", 40));
	g_assert_false(rescue_release_set_hash(&release->sha256, "abc", 64));
	g_assert_true(rescue_release_add_url(release, "https://a.example/x.ipsw"));
	g_assert_true(rescue_release_add_url(release, "https://a.example/x.ipsw"));
	g_assert_false(rescue_release_add_url(release, "file:///etc/passwd"));
	g_assert_false(rescue_release_add_url(release, "https://a.example/\nX-Evil: 1"));
	json = rescue_release_to_json(release);
	copy = rescue_release_from_json(json);
	g_assert_cmpstr(copy->sha1, ==, "abcdef0123456789abcdef0123456789abcdef01");
	g_assert_cmpuint(copy->size_bytes, ==, 12345);
	g_assert_cmpuint(g_strv_length(copy->urls), ==, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
		g_autoptr(RescueJson) bad = rescue_json_parse(hostile[i], strlen(hostile[i]), NULL);
		g_assert_null(bad != NULL ? rescue_release_from_json(bad) : NULL);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/release/versions-are-numbers", test_versions_are_numbers);
	g_test_add_func("/release/builds", test_builds_are_number_letter_number);
	g_test_add_func("/release/latest", test_latest_is_the_newest_signed_release);
	g_test_add_func("/release/named", test_a_named_one_is_found_even_if_beta);
	g_test_add_func("/release/beta", test_a_beta_is_never_chosen_by_accident);
	g_test_add_func("/release/only-beta",
			test_a_version_that_is_only_a_beta_is_told_with_its_build);
	g_test_add_func("/release/json", test_json_both_ways_and_nothing_hostile);
	return g_test_run();
}
