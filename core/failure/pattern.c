/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/pattern.h"

#include <glib.h>
#include <string.h>

#define MAX_DIGITS 18 /* fits an int64_t */

/* the number at the beginning of `text`: how many characters it takes, 0 when there is none */
static size_t
read_number(const char *text, int64_t *ret_number)
{
	bool minus = text[0] == '-';
	const char *digits = minus ? text + 1 : text;
	size_t n = strspn(digits, "0123456789");
	if (n == 0)
		return 0;
	int64_t value = 0;
	for (size_t i = 0; i < MIN(n, MAX_DIGITS); i++)
		value = value * 10 + (digits[i] - '0');
	*ret_number = minus ? -value : value;
	return n + (minus ? 1 : 0);
}

/* one element of the pattern at `*pattern` against the text; both move on; false: no match here */
static bool
step(const char **pattern, const char **text, int64_t *number)
{
	if (**pattern == '#') {
		size_t n = read_number(*text, number);
		*text += n;
		(*pattern)++;
		return n > 0;
	}
	if (**pattern != **text)
		return false;
	(*pattern)++;
	(*text)++;
	return true;
}

bool
rescue_pattern_match(const char *pattern, const char *text, int64_t *ret_number)
{
	bool anchored = pattern[0] == '^';
	const char *p = anchored ? pattern + 1 : pattern;
	const char *star =
	    anchored ? NULL : p; /* where to go on after the last '*', and from where in the text */
	const char *retry = text;
	int64_t number = 0;
	while (*p != '\0') {
		if (*p == '*') {
			star = ++p;
			retry = text;
		} else if (*text == '\0') {
			return false;
		} else if (!step(&p, &text, &number)) {
			if (star == NULL)
				return false;
			p = star;
			text = ++retry;
		}
	}
	if (strchr(pattern, '#') != NULL && ret_number != NULL)
		*ret_number = number;
	return true;
}
