/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "cli/common/wrap.h"

static const struct {
	const char *what, *text, *wrapped;
} lines[] = {
	{ "short lines stay", "one two\nthree\n", "one two\nthree\n" },
	{ "a break between words", "the signing server says no", "the signing server\n  says no" },
	{ "below its own indent", "   the signing server says",
	  "   the signing\n     server says" },
	{ "a path stays whole", "see /srv/one/very/long/path/of/it now",
	  "see\n  /srv/one/very/long/path/of/it\n  now" },
	{ "gaps inside a line stay", "a    b    c", "a    b    c" },
	{ "letters are counted, not bytes", "äöüäöü äöüäöü äöüäöü", "äöüäöü äöüäöü äöüäöü" },
	{ "empty lines stay", "\n\n", "\n\n" },
	{ "nothing", "", "" },
};

static void
test_sentences_are_broken_between_words(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autofree char *wrapped = rescue_wrap(lines[i].text, 20);
		g_test_message("%s", lines[i].what);
		g_assert_cmpstr(wrapped, ==, lines[i].wrapped);
	}
}

static void
test_no_terminal_no_break(void)
{
	g_autofree char *wrapped = rescue_wrap(lines[1].text, 0);

	g_assert_cmpstr(wrapped, ==, lines[1].text);
	g_assert_cmpuint(rescue_terminal_columns(stdin), ==, 0);
}

/* whatever the width: only spaces were exchanged for line ends, and no line is wider unless a word is */
static void
test_no_width_loses_a_word(void)
{
	const char *text =
	    "failed: while sending the system image: the device left the bus in the middle of "
	    "a step [usb-link-dropped (category usb, itunes 2015)]";
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (unsigned columns = 0; columns < 140; columns++) {
		g_autofree char *wrapped = rescue_wrap(text, columns);
		g_auto(GStrv) rows = g_strsplit(wrapped, "\n", -1);
		const char *at = wrapped;
		for (size_t i = 0; words[i] != NULL; i++) {
			at = strstr(at, words[i]);
			g_assert_nonnull(at);
			at += strlen(words[i]);
		}
		for (size_t i = 0; columns >= 20 && rows[i] != NULL; i++)
			g_assert_cmpuint(strlen(rows[i]), <=, MAX(columns, 19));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wrap/words", test_sentences_are_broken_between_words);
	g_test_add_func("/wrap/no-terminal", test_no_terminal_no_break);
	g_test_add_func("/wrap/nothing-lost", test_no_width_loses_a_word);
	return g_test_run();
}
