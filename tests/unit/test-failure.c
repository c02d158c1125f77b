/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/failure/code.h"
#include "core/failure/failure.h"
#include "core/remedy/explain.h"
#include "core/remedy/remedy.h"

#define FIRST_FAILURE (RESCUE_FAILURE_NONE + 1)

static bool
is_kebab(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
	       g_ascii_isalnum(name[0]);
}

static bool
reads_like_a_clause(const char *text)
{
	size_t n = strlen(text);
	return n > 10 && !g_str_has_suffix(text, ".") && !g_ascii_isspace(text[n - 1]);
}

static void
test_every_failure_has_a_name_of_its_own_and_words(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++) {
		const RescueFailureInfo *info = rescue_failure_info((RescueFailure)i);
		RescueFailure back;
		g_assert_true(is_kebab(info->name));
		g_assert_true(g_hash_table_add(names, (char *)info->name));
		g_assert_true(rescue_failure_parse(info->name, &back));
		g_assert_cmpint(back, ==, i);
		g_assert_true(reads_like_a_clause(info->means));
		g_assert_true(reads_like_a_clause(info->advice));
	}
}

static void
test_documented_categories_are_of_the_five(void)
{
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++) {
		const RescueFailureInfo *info = rescue_failure_info((RescueFailure)i);
		const RescueCategory *documented = info->documented;
		for (int k = 0; k < 2; k++)
			g_assert_true(documented[k] <= RESCUE_CATEGORY_SOFTWARE_VERSION ||
				      documented[k] == RESCUE_CATEGORY_LAST);
		g_assert_true(documented[0] != RESCUE_CATEGORY_LAST ||
			      documented[1] == RESCUE_CATEGORY_LAST);
		g_assert_true(documented[0] == RESCUE_CATEGORY_LAST ||
			      documented[0] != documented[1]);
		if (info->category <=
		    RESCUE_CATEGORY_SOFTWARE_VERSION) /* one of the five is documented as itself */
			g_assert_true(documented[0] == info->category ||
				      documented[1] == info->category);
	}
}

static void
test_every_failure_has_a_ladder_or_is_not_retried(void)
{
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++) {
		const RescueRemedy *ladder;
		size_t n = rescue_remedy_ladder((RescueFailure)i, &ladder);
		/* what the owner of an exploited device may change is told, and is no remedy of ours */
		if (i == RESCUE_FAILURE_DEVICE_EXPLOITED)
			g_assert_cmpuint(n, ==, 0);
		else
			g_assert_true(n > 0 || rescue_failure_info((RescueFailure)i)->retry ==
						   RESCUE_RETRY_NO);
		for (size_t a = 0; a < n; a++) {
			g_assert_cmpint(ladder[a], !=, RESCUE_REMEDY_GIVE_UP);
			for (size_t b = a + 1; b < n; b++)
				g_assert_cmpint(ladder[a], !=, ladder[b]);
		}
	}
}

static void
test_a_number_of_a_domain_means_one_failure(void)
{
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++) {
		const RescueCode *code;
		for (size_t k = 0; (code = rescue_failure_code((RescueFailure)i, k)) != NULL; k++) {
			RescueFailure failure;
			g_assert_true(
			    rescue_failure_from_code(code->domain, code->value, &failure));
			g_assert_cmpint(failure, ==, i);
		}
	}
}

static void
assert_number(const char *domain, int64_t value, const char *name)
{
	RescueFailure failure = RESCUE_FAILURE_NONE;
	g_assert_true(rescue_failure_from_code(domain, value, &failure));
	g_assert_cmpstr(rescue_failure_info(failure)->name, ==, name);
}

static void
test_well_known_numbers(void)
{
	assert_number(NULL, 3194, "signing-refused");
	assert_number("tss", 94, "signing-refused");
	assert_number("tss", 69, "signing-refused");
	assert_number(NULL, 14, "system-image-failed");
	assert_number("restored", 1015, "baseband-failed");
	assert_number("restored", -1, "verification-failed");
	assert_number("lockdown", -17, "device-locked");
	assert_number(NULL, 94, "signing-refused"); /* not an iTunes number, so any domain's */
	RescueFailure failure;
	g_assert_false(rescue_failure_from_code("itunes", 94, &failure));
	g_assert_false(rescue_failure_from_code(NULL, 123456, &failure));
}

static void
test_exit_statuses_of_the_contract(void)
{
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_NONE), ==, 0);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_INTERNAL), ==, 1);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_BAD_INPUT), ==, 2);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_SEVERAL_DEVICES), ==, 2);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_NO_USBMUXD), ==, 3);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_ENGINE_CRASHED), ==, 3);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_SIGNING_REFUSED), ==, 10);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_SIGNING_INTERCEPTED), ==, 11);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_USB_LINK_DROPPED), ==, 12);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_BASEBAND_FAILED), ==, 13);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_ENGINE_TOO_OLD), ==, 14);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_BUSY), ==, 75);
	g_assert_cmpint(rescue_failure_exit_status(RESCUE_FAILURE_CANCELLED), ==, 130);
}

static void
test_bad_numbers_get_a_neutral_entry(void)
{
	g_assert_cmpstr(rescue_failure_info((RescueFailure)9999)->name, ==, "none");
	g_assert_cmpstr(rescue_category_name((RescueCategory)9999), ==, "unknown");
	g_assert_cmpstr(rescue_category_text(RESCUE_CATEGORY_USB), ==, "USB cable, port or hub");
	g_assert_cmpstr(rescue_retry_name(RESCUE_RETRY_AFTER_CHANGE), ==, "after-change");
	RescueFailure failure;
	g_assert_false(rescue_failure_parse("none", &failure));
}

static void
test_every_failure_is_in_the_documentation(void)
{
	const char *root = g_getenv("RESCUE_SOURCE_DIR");
	g_autofree char *path = root != NULL ? g_build_filename(root, "docs", "failures.md", NULL)
					     : NULL;
	g_autofree char *text = NULL;
	if (path == NULL || !g_file_get_contents(path, &text, NULL, NULL)) {
		g_test_skip("docs/failures.md is not there");
		return;
	}
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++)
		g_assert_nonnull(strstr(text, rescue_failure_info((RescueFailure)i)->name));
}

static void
assert_explained(const char *text, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueJson) json = rescue_explain_answer_json(text, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(rescue_json_get_string(json, "failure"), ==, name);
}

static void
test_a_failure_is_found_by_name_and_number(void)
{
	assert_explained("signing-refused", "signing-refused");
	assert_explained(" 3194 ", "signing-refused");
	assert_explained("tss 94", "signing-refused");
	assert_explained("TSS:94", "signing-refused");
	assert_explained("restored -1", "verification-failed");
	assert_explained("0xE8000025", "device-untrusted");
	assert_explained("0xe8000025", "device-untrusted");
	assert_explained("-256", "restore-connection-lost");
	assert_explained("AMR 11", "restore-file-failed");
	assert_explained("iTunes error 4013.", "restore-mode-bounced");
	assert_explained("STATUS=94", "signing-refused");
	assert_explained("(-402653054)", "device-managed"); /* 0xE8000082 with a sign */
	assert_explained("kAMDPairingProhibitedError", "device-managed");
	assert_explained("Signing-Refused", "signing-refused");
	assert_explained("restored 28", "storage-not-ready"); /* counted like iTunes */
	assert_explained("3150", "signing-server-error");     /* by the rule */
	assert_explained("3507", "proxy-refused");
	assert_explained("tss:77", "signing-server-error");
	static const char *const bad[] = { "",         "tss",   "tss x",
					   "nonsense", "0x",    "99999999999999999999",
					   "none",     "31337", "nobody:14" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(rescue_explain_answer_json(bad[i], &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	}
}

static void
test_a_number_of_success_is_no_failure(void)
{
	g_autoptr(RescueJson) json = rescue_explain_answer_json("tss:0", NULL);
	g_assert_nonnull(json);
	g_assert_null(rescue_json_get(json, "failure"));
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "readings")), ==, 1);
}

static char *
answer(const char *asked)
{
	g_autoptr(GError) error = NULL;
	char *text = rescue_explain_answer(asked, &error);
	g_assert_no_error(error);
	return text;
}

static void
assert_refused(const char *asked, const char *with)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(rescue_explain_answer(asked, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_nonnull(strstr(error->message, with));
	g_autoptr(GError) again = NULL;
	g_assert_null(rescue_explain_answer_json(asked, &again));
	g_assert_cmpstr(again->message, ==, error->message);
}

static void
test_an_ambiguous_number_tells_all_that_it_may_be(void)
{
	g_autofree char *text = answer("14");
	g_assert_true(g_str_has_prefix(text, "system-image-failed\n"));
	g_assert_nonnull(strstr(text, "the number is also\n  restored 14 (the restore service"));
	g_autofree char *success = answer("tss:0");
	g_assert_true(g_str_has_prefix(success, "no failure\n"));
	g_autoptr(RescueJson) json = rescue_explain_answer_json("14", NULL);
	RescueJson *readings = rescue_json_get(json, "readings");
	g_assert_cmpint(rescue_json_length(readings), ==, 2);
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(readings, 0), "domain"), ==,
			"itunes");
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(readings, 1), "domain"), ==,
			"restored");
	g_assert_cmpstr(rescue_json_get_string(json, "asked"), ==, "14");
}

static void
test_an_answer_says_how_it_is_known(void)
{
	g_autofree char *text = answer("3194");
	g_assert_nonnull(strstr(text, "known with high confidence"));
	g_assert_nonnull(strstr(text, "the source of libtatsu"));
	g_assert_nonnull(
	    strstr(text, "Apple lists the number under: network connection or server"));
	g_assert_nonnull(strstr(text, "with this number first: the hosts file"));
	g_autofree char *rule = answer("3150");
	g_assert_nonnull(strstr(rule, "no list has this one"));
}

static void
test_a_category_or_phase_lists_its_failures(void)
{
	g_autofree char *usb = answer("usb");
	g_assert_nonnull(strstr(usb, "\n  usb-link-dropped: "));
	g_assert_nonnull(strstr(usb, "\n  bootloader-rejected: ")); /* documented under usb */
	g_autofree char *download = answer("Download");
	g_assert_nonnull(strstr(download, "\n  download-failed: "));
	g_autoptr(RescueJson) json = rescue_explain_answer_json("fdr", NULL);
	g_assert_cmpstr(rescue_json_get_string(json, "phase"), ==, "fdr");
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "failures")), >=, 3);
}

static void
test_a_slip_gets_the_nearest_name(void)
{
	assert_refused("signing-refusd", "did you mean ‘signing-refused’?");
	assert_refused("usb-lnik-dropped", "did you mean ‘usb-link-dropped’?");
	assert_refused("netwrok", "did you mean ‘network’?");
	assert_refused("123456", "no rule for such a number");
	assert_refused("something quite different", "something quite different");
}

static void
test_every_explanation_has_the_five_headings(void)
{
	static const char *const headings[] = { "\nseen as\n", "\nmeans\n", "\nwe do\n",
						"\nyou do\n", "\nevidence\n" };
	for (int i = FIRST_FAILURE; i < RESCUE_FAILURE_LAST; i++) {
		g_autofree char *text = rescue_explain_text((RescueFailure)i);
		for (size_t k = 0; k < G_N_ELEMENTS(headings); k++)
			g_assert_nonnull(strstr(text, headings[k]));
		g_autoptr(RescueJson) json = rescue_explain_json((RescueFailure)i);
		g_assert_nonnull(rescue_json_get(json, "remedies"));
		g_assert_cmpstr(rescue_json_get_string(json, "failure"), ==,
				rescue_failure_info((RescueFailure)i)->name);
	}
}

static void
test_remedies_have_names_of_their_own(void)
{
	for (int i = 0; i < RESCUE_REMEDY_LAST; i++) {
		RescueRemedy back;
		const RescueRemedyInfo *info = rescue_remedy_info((RescueRemedy)i);
		g_assert_true(is_kebab(info->name));
		g_assert_true(rescue_remedy_parse(info->name, &back));
		g_assert_cmpint(back, ==, i);
	}
	g_assert_cmpstr(rescue_remedy_info((RescueRemedy)999)->name, ==, "give-up");
}

static void
test_remedies_are_told_in_the_past_with_their_time(void)
{
	g_autofree char *waited = rescue_remedy_tell_past(RESCUE_REMEDY_PAUSE, 8000);
	g_autofree char *long_one = rescue_remedy_tell_past(RESCUE_REMEDY_REBOOT_DEVICE, 12400);
	g_autofree char *at_once = rescue_remedy_tell_past(RESCUE_REMEDY_REBOOT_DEVICE, 20);

	g_assert_cmpstr(waited, ==, "waited 8 s");
	g_assert_cmpstr(long_one, ==, "restarted the device out of restore mode (12 s)");
	g_assert_cmpstr(at_once, ==, "restarted the device out of restore mode");
	for (int i = 0; i < RESCUE_REMEDY_LAST; i++) {
		g_autofree char *past = rescue_remedy_tell_past((RescueRemedy)i, 60000);
		g_assert_null(strchr(past, '{'));
		g_assert_cmpstr(past, !=, rescue_remedy_info((RescueRemedy)i)->text);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/failure/names", test_every_failure_has_a_name_of_its_own_and_words);
	g_test_add_func("/failure/documented", test_documented_categories_are_of_the_five);
	g_test_add_func("/failure/ladders", test_every_failure_has_a_ladder_or_is_not_retried);
	g_test_add_func("/failure/codes", test_a_number_of_a_domain_means_one_failure);
	g_test_add_func("/failure/well-known", test_well_known_numbers);
	g_test_add_func("/failure/exit-status", test_exit_statuses_of_the_contract);
	g_test_add_func("/failure/neutral", test_bad_numbers_get_a_neutral_entry);
	g_test_add_func("/failure/docs", test_every_failure_is_in_the_documentation);
	g_test_add_func("/failure/explain-find", test_a_failure_is_found_by_name_and_number);
	g_test_add_func("/failure/success", test_a_number_of_success_is_no_failure);
	g_test_add_func("/failure/ambiguous", test_an_ambiguous_number_tells_all_that_it_may_be);
	g_test_add_func("/failure/sources", test_an_answer_says_how_it_is_known);
	g_test_add_func("/failure/lists", test_a_category_or_phase_lists_its_failures);
	g_test_add_func("/failure/slips", test_a_slip_gets_the_nearest_name);
	g_test_add_func("/failure/explain", test_every_explanation_has_the_five_headings);
	g_test_add_func("/failure/remedies", test_remedies_have_names_of_their_own);
	g_test_add_func("/failure/remedies/past",
			test_remedies_are_told_in_the_past_with_their_time);
	return g_test_run();
}
