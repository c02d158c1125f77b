/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/pattern.h"

#include <glib.h>
#include <string.h>

#define MAX_DIGITS     18 /* fits an int64_t */
#define MAX_HEX_DIGITS 8

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

/* a 32-bit number with its sign, as the device prints those of its error domains */
static size_t
read_hex(const char *text, int64_t *ret_number)
{
	uint32_t value = 0;
	size_t n = 0;
	for (; n < MAX_HEX_DIGITS && g_ascii_isxdigit(text[n]); n++)
		value = value << 4 | (uint32_t)g_ascii_xdigit_value(text[n]);
	if (n > 0)
		*ret_number = (int32_t)value;
	return n;
}

/* one element of the pattern at `*pattern` against the text; both move on; false: no match here */
static bool
step(const char **pattern, const char **text, int64_t *number)
{
	if (**pattern == '#' || **pattern == '%') {
		size_t n = **pattern == '#' ? read_number(*text, number) : read_hex(*text, number);
		*text += n;
		(*pattern)++;
		return n > 0;
	}
	if (g_ascii_tolower(**pattern) != g_ascii_tolower(**text))
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
	if (strpbrk(pattern, "#%") != NULL && ret_number != NULL)
		*ret_number = number;
	return true;
}

size_t
rescue_pattern_literal(const char *pattern, size_t from, const char **ret_start)
{
	const char *p = pattern + from;
	p += strspn(p, "^*#%");
	*ret_start = p;
	return strcspn(p, "*#%");
}
