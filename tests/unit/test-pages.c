/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/doctor/finding.h"
#include "core/failure/code.h"
#include "core/remedy/remedy.h"

/*
 * docs/failures.md and docs/remedies.md are made from the tables: "test-pages --write-docs" writes them, and without it
 * they are compared.
 */

typedef struct {
	unsigned number;
	const char *title, *named_by;
	RescueCategory category;
	const char *detected, *done, *told, *where;
} Guide;

static const Guide guides[] = {
#define RESCUE_GUIDE(row, name, by, category_id, seen, made, said, names) \
	{ row, name, by, RESCUE_CATEGORY_##category_id, seen, made, said, names },
#include "core/remedy/guide.def"
#undef RESCUE_GUIDE
};

static void
append_head(GString *page, const char *title, const char *tables)
{
	g_string_append_printf(page,
			       "# %s\n\nMade from %s by `test-pages --write-docs`; a test compares "
			       "them. Do not edit it by hand.\n\n",
			       title, tables);
}

static void
append_documented(GString *page, const RescueFailureInfo *info)
{
	g_string_append_printf(page, "- **kind**: `%s`", rescue_category_name(info->category));
	for (size_t i = 0; i < G_N_ELEMENTS(info->documented); i++) {
		if (info->documented[i] != RESCUE_CATEGORY_LAST)
			g_string_append_printf(page, "%s`%s`",
					       i == 0 ? "; documented under " : " and ",
					       rescue_category_name(info->documented[i]));
	}
	g_string_append_printf(page, "; retry: %s\n", rescue_retry_name(info->retry));
}

/* names of calls that no restore makes: only programs look for their numbers */
static bool
is_mere_name(const RescueCode *code)
{
	return code->failure == RESCUE_FAILURE_SERVICE_ERROR && code->means == NULL;
}

static void
append_seen_as(GString *page, RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	const RescueCode *code;
	const char *separator = "- **seen as**: ";
	size_t names = 0;
	for (size_t i = 0; (code = rescue_failure_code(failure, i)) != NULL; i++) {
		if (is_mere_name(code)) {
			names++;
			continue;
		}
		g_autofree char *name = rescue_code_format(code->domain, code->value);
		g_string_append_printf(page, "%s%s (%s)", separator, name,
				       rescue_confidence_name(code->confidence));
		separator = ", ";
	}
	if (names > 0)
		g_string_append_printf(page, "%sand %zu more of mobiledevice, known by name only",
				       separator, names);
	if (*separator == '-')
		g_string_append_printf(page, "%sno number of its own", separator);
	if (info->phase != RESCUE_PHASE_UNKNOWN)
		g_string_append_printf(page, "; usually while %s (`%s`)",
				       rescue_phase_text(info->phase),
				       rescue_phase_name(info->phase));
	g_string_append_c(page, '\n');
}

static void
append_sources(GString *page, RescueFailure failure)
{
	const RescueCode *code;
	uint32_t all = 0;
	for (size_t i = 0; (code = rescue_failure_code(failure, i)) != NULL; i++)
		all |= code->sources;
	const RescueCode every = { .sources = all };
	const char *source;
	for (size_t i = 0; (source = rescue_code_source(&every, i)) != NULL; i++)
		g_string_append_printf(page, "%s%s", i == 0 ? "- **evidence**: " : "; ", source);
	g_string_append(page, all != 0 ? "\n" : "");
}

static void
append_remedies(GString *page, RescueFailure failure, bool automatic)
{
	const RescueRemedy *ladder;
	size_t n = rescue_remedy_ladder(failure, &ladder);
	const char *separator = automatic ? "- **we do**: " : "; ";
	for (size_t i = 0; i < n; i++) {
		const RescueRemedyInfo *info = rescue_remedy_info(ladder[i]);
		if (info->automatic != automatic)
			continue;
		g_string_append_printf(page, "%s`%s`", separator, info->name);
		separator = ", ";
	}
	g_string_append(page, automatic && *separator == '-' ? "" : "\n");
}

static void
append_failure(GString *page, RescueFailure failure)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	g_string_append_printf(page, "### `%s`\n\n", info->name);
	append_seen_as(page, failure);
	g_string_append_printf(page, "- **means**: %s\n", info->means);
	append_documented(page, info);
	append_remedies(page, failure, true);
	g_string_append_printf(page, "- **you do**: %s", info->advice);
	append_remedies(page, failure, false);
	append_sources(page, failure);
	g_string_append_c(page, '\n');
}

static void
append_category(GString *page, RescueCategory category)
{
	g_string_append_printf(page, "## %s: %s\n\n", rescue_category_name(category),
			       rescue_category_text(category));
	for (int i = RESCUE_FAILURE_NONE + 1; i < RESCUE_FAILURE_LAST; i++) {
		if (rescue_failure_info((RescueFailure)i)->category == category)
			append_failure(page, (RescueFailure)i);
	}
}

static char *
make_failures(void)
{
	GString *page = g_string_new(NULL);
	append_head(page, "Every failure", "`core/failure/*.def` and `core/remedy/*.def`");
	g_string_append(page,
			"`idevicerescue explain NAME` tells one of them with the engine's words by "
			"which it is recognised, "
			"`explain NUMBER` what a\nnumber says in particular, with all domains in "
			"which it is known and the "
			"sources of its meaning; `explain CATEGORY` or\n`explain PHASE` lists. "
			"Behind each number stands how "
			"sure its meaning is. \"Documented under\" names those of the five "
			"categories\nof the public guide "
			"to restore errors under which it and Apple would list the failure.\n\n"
			"`--json explain` prints one object: `v` 1, `asked`, and for a failure or "
			"number `failure`, `phase`, "
			"`category`, `documented`,\n`codes` (`domain`, `value`), `retry`, `means`, "
			"`advice`, `remedies` "
			"(`name`, `automatic`, `text`). A number has `readings`, too,\nthe "
			"likeliest first: `domain`, `value`, "
			"`failure` (none: success), `means`, `rule` (no table lists it, a rule "
			"tells), `symbol`,\n`apple` "
			"(categories under which Apple lists it), `confidence`, `sources`, `first` "
			"(what to try first where "
			"those disagree).\nA category or phase has its name and `failures`.\n\n");
	for (int i = 0; i < RESCUE_CATEGORY_LAST; i++)
		append_category(page, (RescueCategory)i);
	g_string_truncate(page, page->len - 1);
	return g_string_free(page, FALSE);
}

static char *
make_remedies(void)
{
	GString *page = g_string_new(NULL);
	append_head(page, "What the guide and Apple advise", "`core/remedy/guide.def`");
	g_string_append(
	    page,
	    "Each remedy of the public guide to restore errors and of Apple's lists, and what "
	    "becomes of it here: is its cause detected,\nis it done by a job itself, or is a "
	    "person told. Names are those of `explain`, `doctor` and the commands.\n\n"
	    "| # | remedy | named by | kind | detected | done | told | where |\n"
	    "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < G_N_ELEMENTS(guides); i++) {
		const Guide *guide = &guides[i];
		g_auto(GStrv) names = g_strsplit(guide->where, " ", -1);
		g_autofree char *where = g_strjoinv("`, `", names);
		g_string_append_printf(page, "| %u | %s | %s | %s | %s | %s | %s | `%s` |\n",
				       guide->number, guide->title, guide->named_by,
				       rescue_category_name(guide->category),
				       guide->detected != NULL ? guide->detected : "no",
				       guide->done != NULL ? guide->done : "no", guide->told,
				       where);
	}
	return g_string_free(page, FALSE);
}

static const struct {
	const char *name;
	char *(*make)(void);
} pages[] = {
	{ "failures.md", make_failures },
	{ "remedies.md", make_remedies },
};

static char *
page_path(const char *name)
{
	const char *root = g_getenv("RESCUE_SOURCE_DIR");
	return g_build_filename(root != NULL ? root : ".", "docs", name, NULL);
}

static void
test_the_pages_are_those_of_the_tables(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
		g_autofree char *path = page_path(pages[i].name);
		g_autofree char *wanted = pages[i].make();
		g_autofree char *text = NULL;
		(void)g_file_get_contents(path, &text, NULL, NULL);
		if (g_strcmp0(text, wanted) != 0)
			g_test_message(
			    "docs/%s differs from the tables; test-pages --write-docs makes it",
			    pages[i].name);
		g_assert_true(g_strcmp0(text, wanted) == 0);
	}
}

static bool
is_command(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".c", NULL);
	const char *root = g_getenv("RESCUE_SOURCE_DIR");
	g_autofree char *path = g_build_filename(root != NULL ? root : ".", "cli", "commands", file,
						 NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static bool
exists(const char *kind, const char *name)
{
	RescueFailure failure;
	RescueRemedy remedy;
	RescueFindingId finding;
	if (strcmp(kind, "failure") == 0)
		return rescue_failure_parse(name, &failure);
	if (strcmp(kind, "remedy") == 0)
		return rescue_remedy_parse(name, &remedy);
	if (strcmp(kind, "doctor") == 0)
		return rescue_finding_parse(name, &finding);
	return strcmp(kind, "command") == 0 && is_command(name);
}

static void
test_what_the_guide_names_exists(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(guides); i++) {
		g_auto(GStrv) names = g_strsplit(guides[i].where, " ", -1);
		g_assert_cmpuint(guides[i].number, ==, i + 1);
		g_assert_nonnull(guides[i].told);
		g_assert_cmpuint(g_strv_length(names), >=, 2);
		for (size_t k = 0; names[k] != NULL; k++) {
			g_auto(GStrv) parts = g_strsplit(names[k], ":", 2);
			g_test_message("row %u: %s", guides[i].number, names[k]);
			g_assert_cmpuint(g_strv_length(parts), ==, 2);
			g_assert_true(exists(parts[0], parts[1]));
		}
	}
}

/* a row that says "detected" stands on a failure or a look of the doctor, one that says "done" on what jobs do alone */
static void
test_what_a_row_says_has_something_to_stand_on(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(guides); i++) {
		const char *where = guides[i].where;
		g_assert_true(guides[i].detected == NULL || strstr(where, "failure:") != NULL ||
			      strstr(where, "doctor:") != NULL);
		g_assert_true(strstr(where, "remedy:") != NULL);
	}
	g_assert_cmpuint(G_N_ELEMENTS(guides), ==, 34);
}

static int
write_pages(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
		g_autofree char *path = page_path(pages[i].name);
		g_autofree char *text = pages[i].make();
		g_autoptr(GError) error = NULL;
		if (!g_file_set_contents(path, text, -1, &error)) {
			g_printerr("test-pages: %s\n", error->message);
			return 1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--write-docs") == 0)
		return write_pages();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pages/current", test_the_pages_are_those_of_the_tables);
	g_test_add_func("/pages/names", test_what_the_guide_names_exists);
	g_test_add_func("/pages/rows", test_what_a_row_says_has_something_to_stand_on);
	return g_test_run();
}
