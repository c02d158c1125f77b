/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/failure/code.h"

#define ROUNDS 4000

static bool
reads_like_a_clause(const char *text)
{
	size_t n = strlen(text);
	return n > 8 && !g_str_has_suffix(text, ".") && !g_ascii_isspace(text[n - 1]);
}

static void
test_every_line_of_the_table_is_whole(void)
{
	const RescueCode *code;
	for (size_t i = 0; (code = rescue_code_at(i)) != NULL; i++) {
		g_assert_nonnull(rescue_domain_text(code->domain));
		g_assert_cmpstr(rescue_domain_parse(code->domain), ==, code->domain);
		g_assert_nonnull(rescue_code_source(code, 0));
		g_assert_true(code->means == NULL || reads_like_a_clause(code->means));
		g_assert_true(code->failure != RESCUE_FAILURE_NONE || code->means != NULL);
		g_assert_true(code->apple[0] != RESCUE_CATEGORY_LAST ||
			      code->apple[1] == RESCUE_CATEGORY_LAST);
		for (int k = 0; k < 2; k++) /* Apple and the guide have five */
			g_assert_true(code->apple[k] <= RESCUE_CATEGORY_SOFTWARE_VERSION ||
				      code->apple[k] == RESCUE_CATEGORY_LAST);
		g_assert_true(rescue_code_find(code->domain, code->value) == code);
	}
	g_assert_null(rescue_code_find("itunes", 123456));
	g_assert_null(rescue_code_find("nobody", 14));
}

static void
test_domains_are_told_by_any_of_their_names(void)
{
	g_assert_cmpstr(rescue_domain_parse("Finder"), ==, "itunes");
	g_assert_cmpstr(rescue_domain_parse("AMRError"), ==, "restored");
	g_assert_cmpstr(rescue_domain_parse("RamrodErrorDomain"), ==, "ramrod");
	g_assert_cmpstr(rescue_domain_parse("lockdownd"), ==, "lockdown");
	g_assert_null(rescue_domain_parse(""));
	g_assert_null(rescue_domain_parse("find"));
	g_assert_null(rescue_domain_parse("finder itunes"));
}

static bool
has_reading(const char *text, const RescueCode *code)
{
	g_autoptr(GArray) readings = rescue_code_read(text);
	for (guint i = 0; i < readings->len; i++) {
		if (g_array_index(readings, RescueReading, i).code == code)
			return true;
	}
	return false;
}

static void
test_every_number_is_read_in_every_spelling(void)
{
	static const char *const shapes[] = { "%s:%s", "%s %s", "%s=%s", "%s error %s.",
					      "  %s/%s " };
	const RescueCode *code;
	for (size_t i = 0; (code = rescue_code_at(i)) != NULL; i++) {
		g_autofree char *bare = g_strdup_printf("%" G_GINT64_FORMAT, code->value);
		g_autofree char *hex = g_strdup_printf("0x%" G_GINT64_MODIFIER "x",
						       (guint64)code->value);
		g_autofree char *loud = g_ascii_strup(code->domain, -1);
		g_assert_true(has_reading(bare, code));
		g_assert_true(code->value < 0 || has_reading(hex, code));
		g_assert_true(code->symbol == NULL || has_reading(code->symbol, code));
		for (size_t k = 0; k < G_N_ELEMENTS(shapes); k++) {
			g_auto(GStrv) parts = g_strsplit(shapes[k], "%s", 3);
			g_autofree char *text = g_strconcat(parts[0], loud, parts[1], bare,
							    parts[2], NULL);
			g_test_message("%s", text);
			g_assert_true(has_reading(text, code));
		}
	}
}

static void
test_a_named_domain_keeps_the_others_out(void)
{
	g_autoptr(GArray) readings = rescue_code_read("restored:14");
	g_assert_cmpuint(readings->len, ==, 1);
	g_assert_cmpstr(g_array_index(readings, RescueReading, 0).domain, ==, "restored");
	g_autoptr(GArray) all = rescue_code_read("14");
	g_assert_cmpuint(all->len, ==, 2);
	g_autoptr(GArray) chain = rescue_code_read("RamrodErrorDomain/3fc");
	g_assert_cmpuint(chain->len, ==, 1);
	g_assert_cmpint(g_array_index(chain, RescueReading, 0).value, ==, 1020);
	g_autoptr(GArray) word = rescue_code_read("UserDeniedPairing");
	g_assert_cmpuint(word->len, ==, 2); /* lockdown's and MobileDevice's */
	g_autoptr(GArray) whole = rescue_code_read("LOCKDOWN_E_USER_DENIED_PAIRING");
	g_assert_cmpstr(g_array_index(whole, RescueReading, 0).domain, ==, "lockdown");
}

/* whatever is asked, each answer is an entry or a rule that holds the number */
static void
test_no_text_gets_a_wrong_answer(void)
{
	static const char letters[] = "0123456789abcdefxX-:=/ .ETtsAMR_kamd\n\t\xc3\xa9%s";
	for (int round = 0; round < ROUNDS; round++) {
		char text[24] = "";
		int n = g_test_rand_int_range(0, sizeof(text) - 1);
		for (int i = 0; i < n; i++)
			text[i] = letters[g_test_rand_int_range(0, sizeof(letters) - 1)];
		g_autoptr(GArray) readings = rescue_code_read(text);
		for (guint i = 0; i < readings->len; i++) {
			const RescueReading *reading = &g_array_index(readings, RescueReading, i);
			g_assert_true((reading->code == NULL) != (reading->window == NULL));
			if (reading->code != NULL)
				g_assert_cmpint(reading->code->value, ==, reading->value);
			else
				g_assert_true(reading->value >= reading->window->first &&
					      reading->value <= reading->window->last);
		}
	}
}

static void
test_every_number_of_the_signing_window_is_answered(void)
{
	for (int value = 3100; value <= 3999; value++) {
		g_autofree char *text = g_strdup_printf("%d", value);
		g_autoptr(GArray) readings = rescue_code_read(text);
		g_assert_cmpuint(readings->len, >=, 1);
		g_assert_cmpstr(g_array_index(readings, RescueReading, 0).domain, ==, "itunes");
	}
}

/* our domain for the system column of the shared tables */
static const char *
domain_of(const char *system, const char *code)
{
	if (g_str_has_prefix(code, "RamrodErrorDomain/"))
		return "ramrod";
	if (g_str_has_prefix(code, "AuthInstallErrorDomain/"))
		return "authinstall";
	if (g_str_has_prefix(code, "RESTORE_E/"))
		return "restore-client";
	return rescue_domain_parse(system);
}

static bool
is_answered(const char *system, const char *code)
{
	const char *slash = strrchr(code, '/');
	const char *domain = domain_of(system, code);
	g_assert_nonnull(domain);
	g_autofree char *asked = g_strconcat(domain, ":", slash != NULL ? slash + 1 : code, NULL);
	g_autoptr(GArray) named = rescue_code_read(asked);
	g_autoptr(GArray) bare = rescue_code_read(code);
	if (named->len == 0 || g_array_index(named, RescueReading, 0).code == NULL)
		return false;
	return bare->len > 0;
}

static void
check_table(const char *path, size_t code_column, size_t system_column)
{
	g_autofree char *text = NULL;
	unsigned rows = 0, answered = 0;
	if (!g_file_get_contents(path, &text, NULL, NULL)) {
		g_test_skip("the shared tables are not there");
		return;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 1; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);
		g_assert_cmpuint(g_strv_length(cells), >, MAX(code_column, system_column));
		bool fine = is_answered(cells[system_column], cells[code_column]);
		if (!fine)
			g_test_message("not answered: %s %s", cells[system_column],
				       cells[code_column]);
		rows++;
		answered += fine;
	}
	g_test_message("%s: %u of %u numbers answered", path, answered, rows);
	g_assert_cmpuint(rows, >, 10);
	g_assert_cmpuint(answered, ==, rows);
}

static void
test_shared_table(gconstpointer name)
{
	const char *shared = g_getenv("RESCUE_SHARED_DIR");
	g_autofree char *path = g_build_filename(shared != NULL && shared[0] != '\0' ? shared
										     : "/nowhere",
						 "knowledge", (const char *)name, NULL);
	check_table(path, 0, 9);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/code/table", test_every_line_of_the_table_is_whole);
	g_test_add_func("/code/domains", test_domains_are_told_by_any_of_their_names);
	g_test_add_func("/code/spellings", test_every_number_is_read_in_every_spelling);
	g_test_add_func("/code/named", test_a_named_domain_keeps_the_others_out);
	g_test_add_func("/code/any-text", test_no_text_gets_a_wrong_answer);
	g_test_add_func("/code/signing-window",
			test_every_number_of_the_signing_window_is_answered);
	g_test_add_data_func("/code/shared/codes", "codes.tsv", test_shared_table);
	g_test_add_data_func("/code/shared/host-codes", "host-codes.tsv", test_shared_table);
	return g_test_run();
}
