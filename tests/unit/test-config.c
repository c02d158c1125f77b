/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>

#include "core/config/config.h"
#include "core/config/ini.h"
#include "tests/unit/refusal.h"

static char *path;

static RescuePolicy *
load(const char *text, GError **error)
{
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return rescue_policy_load(path, error);
}

static void
assert_refused(const char *text, const char *reason)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(load(text, &error));
	assert_file_refused(error, path, reason);
}

static void
test_a_policy_says_only_what_differs_from_the_standard(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescuePolicy)
	    policy = load("# night shift\n[policy]\nname=night\nattempts=9\ndeadline=6h\npause=5s\n"
			  "pause-max=5m\nboot=20m\nmay-erase=yes\n\n[patience]\nfilesystem=10m\n",
			  &error);
	g_assert_no_error(error);
	g_assert_cmpstr(policy->name, ==, "night");
	g_assert_cmpuint(policy->attempts, ==, 9);
	g_assert_cmpint(policy->deadline_ms, ==, 6 * 3600 * 1000);
	g_assert_cmpint(policy->pause_ms, ==, 5000);
	g_assert_cmpint(policy->pause_max_ms, ==, 300000);
	g_assert_cmpint(policy->boot_ms, ==, 1200000);
	g_assert_true(policy->may_erase);
	g_assert_false(policy->may_update);
	g_assert_cmpint(policy->patience_ms[RESCUE_PHASE_FILESYSTEM], ==, 600000);
	g_assert_cmpint(policy->patience_ms[RESCUE_PHASE_NOR], ==,
			rescue_phase_patience_ms(RESCUE_PHASE_NOR));
}

static void
test_an_empty_file_is_the_standard_policy(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescuePolicy) policy = load("", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(policy->attempts, ==, 5);
}

static void
test_mistakes_are_refused_with_their_own_words(void)
{
	assert_refused("[policy]\nattemps=9\n", "attemps");
	assert_refused("[polcy]\nattempts=9\n", "polcy");
	assert_refused("[policy]\nattempts=9\nattempts = 2\n", "said twice: ‘[policy] attempts’");
	assert_refused("[policy]\nattempts=9\n[policy]\nboot=1m\n", "said twice: ‘[policy]’");
	assert_refused("[patience]\nbreakfast=9m\n", "breakfast");
	assert_refused("[policy]\nattempts=0\n", "attempts");
	assert_refused("[policy]\nattempts=many\n", "many");
	assert_refused("[policy]\nboot=soon\n", "soon");
	assert_refused("[policy]\nboot=100d\n", "100d");
	assert_refused("[policy]\nmay-erase=perhaps\n", "perhaps");
	assert_refused("[policy]\nname=\n", "name");
	assert_refused("[policy]\npause=2m\npause-max=1m\n", "pause-max");
	assert_refused("attempts=9\n", "not a policy file");
	assert_refused("[policy\nattempts=9\n", "not a policy file");
}

static void
test_large_and_missing_files(void)
{
	g_autofree char *large = g_strnfill(RESCUE_CONFIG_MAX_BYTES + 1, '#');
	assert_refused(large, "larger");
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_null(rescue_policy_load(path, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_shipped_policies_are_whole(void)
{
	static const char *const names[] = { "cautious", "line", "standard" };
	g_autofree char *list = rescue_policy_list_shipped();
	g_autoptr(RescuePolicy) built_in = rescue_policy_new_standard();

	g_assert_cmpstr(list, ==, "cautious, line, standard");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(RescuePolicy) policy = rescue_policy_find_shipped(names[i]);
		g_assert_nonnull(policy);
		g_assert_cmpstr(policy->name, ==, names[i]);
		g_assert_false(policy->may_erase); /* that is for the job to say */
		g_assert_cmpuint(policy->consents & RESCUE_CONSENT_ERASE, ==, 0);
	}
	g_assert_null(rescue_policy_find_shipped("reckless"));
	g_autoptr(RescuePolicy) standard = rescue_policy_find_shipped("standard");
	g_assert_cmpuint(standard->attempts, ==, built_in->attempts);
	g_assert_cmpint(standard->deadline_ms, ==, built_in->deadline_ms);
	g_assert_cmpint(standard->pause_max_ms, ==, built_in->pause_max_ms);
	g_assert_cmpint(standard->boot_ms, ==, built_in->boot_ms);
	g_assert_cmpint(standard->person_ms, ==, built_in->person_ms);
}

static void
test_consents_and_forbidden_remedies_are_lists(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescuePolicy) policy = load("[policy]\nconsents=latest; ignore-baseband\n"
					      "never=other-engine;usb-reset\nperson=3m\n",
					      &error);

	g_assert_no_error(error);
	g_assert_cmpuint(policy->consents, ==, RESCUE_CONSENT_LATEST | RESCUE_CONSENT_BASEBAND);
	g_assert_cmpuint(g_strv_length(policy->never), ==, 2);
	g_assert_cmpint(policy->person_ms, ==, 180000);
	assert_refused("[policy]\nconsents=everything\n", "everything");
	assert_refused("[policy]\nconsents=latest;\n", "empty word");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_autofree char *folder = g_dir_make_tmp("rescue-config-XXXXXX", NULL);
	path = g_build_filename(folder, "night.policy", NULL);
	g_test_add_func("/config/policy", test_a_policy_says_only_what_differs_from_the_standard);
	g_test_add_func("/config/empty", test_an_empty_file_is_the_standard_policy);
	g_test_add_func("/config/mistakes", test_mistakes_are_refused_with_their_own_words);
	g_test_add_func("/config/large-missing", test_large_and_missing_files);
	g_test_add_func("/config/shipped", test_shipped_policies_are_whole);
	g_test_add_func("/config/lists", test_consents_and_forbidden_remedies_are_lists);
	int status = g_test_run();
	(void)g_unlink(path);
	(void)g_rmdir(folder);
	g_free(path);
	return status;
}
