/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/line.h"

#include <glib.h>
#include <string.h>

#define MAX_WRAPPINGS 8

static const char *
skip_prefix(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* text of a shape: '0' a digit, '_' a digit or a blank, 'A' a letter; what follows it, or NULL */
static const char *
skip_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++, text++) {
		bool fits = *shape == '0'   ? g_ascii_isdigit(*text)
			    : *shape == '_' ? g_ascii_isdigit(*text) || *text == ' '
			    : *shape == 'A' ? g_ascii_isalpha(*text)
					    : *text == *shape;
		if (!fits)
			return NULL;
	}
	return text;
}

static const char *
skip_level(const char *text)
{
	static const char *const levels[] = {
		"<Error>", "<Warning>", "<Notice>", "<Info>", "<Verbose>", "<Debug>",
	};
	text += strspn(text, " ");
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		const char *rest = skip_prefix(text, levels[i]);
		if (rest != NULL)
			return rest[0] == ' ' ? rest + 1 : rest;
	}
	return NULL;
}

static const char *
skip_word(const char *text)
{
	static const char *const words[] = { "ERROR: ", "WARNING: ", "NOTE: ", "INFO: ",
					     "DEBUG: " };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strncasecmp(text, words[i], strlen(words[i])) == 0)
			return text + strlen(words[i]);
	}
	return NULL;
}

/* "[4956] : ", "[  12.345678] " and "[1234:5a6b]: " */
static const char *
skip_bracketed_number(const char *text)
{
	if (text[0] != '[')
		return NULL;
	size_t n = strspn(text + 1, "0123456789abcdef.:N ");
	const char *p = text + 1 + n;
	if (n == 0 || *p++ != ']')
		return NULL;
	p += strspn(p, " ");
	return p[0] == ':' ? p + 1 : p;
}

/* what the logs of other programs, and people who paste, put in front of a line; "host program[1]: " behind a date */
static const char *
skip_wrapping(const char *text)
{
	static const char *const shapes[] = {
		"0000-00-00 00:00:00",
		"0000-00-00T00:00:00",
		"00/00/0000 00:00:00",
		"AAA _0 00:00:00",
		"00:00:00",
	};
	static const char *const labels[] = {
		"> ",       ">",          "[Error] ", "[Log] ",  "[INFO] ",    "[WARNING] ",
		"SYSLOG: ", "**",         "* ",       "`",       "\"",         "(stdout)",
		"(stderr)", "<Verbose> ", "<Error> ", "<Info> ", "<Warning> ", "<Debug> ",
		"ERROR ",   "WARNING ",   "INFO ",    "DEBUG ",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
		const char *rest = skip_shape(text, shapes[i]);
		if (rest != NULL)
			return rest + strspn(rest, ".,0123456789Z+ ");
	}
	for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
		const char *rest = skip_prefix(text, labels[i]);
		if (rest != NULL)
			return rest;
	}
	return text[0] == ' ' || text[0] == '\t' ? text + strspn(text, " \t")
						 : skip_bracketed_number(text);
}

/* "host kernel: ", "host idevicerestore[123]: ", "host name[123] LEVEL ": only behind a date, else it is the message */
static const char *
skip_sender(const char *text)
{
	const char *host_end = text + strcspn(text, " ");
	if (host_end[0] != ' ')
		return NULL;
	const char *p = host_end + 1 + strcspn(host_end + 1, " :[");
	if (p[0] == '[') {
		p = strchr(p, ']');
		if (p == NULL)
			return NULL;
		p++;
	} else if (p[0] != ':') {
		return NULL;
	}
	p += p[0] == ':' ? 1 : 0;
	return p + strspn(p, " ");
}

const char *
rescue_line_unwrap(const char *line)
{
	const char *next;
	for (int depth = 0; depth < MAX_WRAPPINGS && (next = skip_wrapping(line)) != NULL;
	     depth++) {
		bool dated = skip_shape(line, "AAA _0 00:00:00") != NULL ||
			     skip_shape(line, "0000-00-00") != NULL;
		const char *message = dated ? skip_sender(next) : NULL;
		line = message != NULL ? message : next;
	}
	return line;
}

const char *
rescue_line_message(const char *line, RescueLabel *ret_label)
{
	*ret_label = RESCUE_LABEL_NONE;
	const char *after_stamp = skip_shape(line, "00:00:00.000 ");
	const char *after_level = after_stamp != NULL ? skip_level(after_stamp) : NULL;
	if (after_level != NULL) {
		*ret_label = RESCUE_LABEL_STAMP;
		line = after_level;
	}
	const char *after_word = skip_word(line);
	if (after_word == NULL)
		return line;
	if (*ret_label == RESCUE_LABEL_NONE)
		*ret_label = RESCUE_LABEL_WORD;
	return after_word;
}

/* a plain decimal number, nothing that only C calls one (nan, 0x1p3) */
static bool
read_decimal(const char **text, double *ret_value)
{
	const char *p = *text + strspn(*text, " ");
	if (!g_ascii_isdigit(*p) || (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')))
		return false;
	char *end;
	*ret_value = g_ascii_strtod(p, &end);
	*text = end;
	return true;
}

static bool
in_unit(double fraction)
{
	return fraction >= 0 && fraction <= 1;
}

static bool
read_plain(const char *message, RescueLineProgress *progress, const char **rest)
{
	double step;
	const char *p = skip_prefix(message, "progress: ");
	if (p == NULL || !read_decimal(&p, &step) || step > 99 ||
	    !read_decimal(&p, &progress->fraction))
		return false;
	progress->step = (int)step;
	*rest = p;
	return in_unit(progress->fraction);
}

static bool
read_bar(const char *message, RescueLineProgress *progress, const char **rest)
{
	const char *open = strchr(message, '[');
	if (open == NULL)
		return false;
	size_t n = strspn(open + 1, "= ");
	const char *p = open + 1 + n;
	if (n == 0 || *p++ != ']' || !read_decimal(&p, &progress->fraction) || *p++ != '%')
		return false;
	progress->fraction /= 100;
	*rest = p;
	return in_unit(progress->fraction);
}

static bool
read_labelled(const char *message, RescueLineProgress *progress, const char **rest)
{
	static const struct {
		const char *label;
		double scale;
	} labels[] = {
		{ "Uploading: ", 1 },   { "Verifying: ", 1 },     { "Extracting: ", 1 },
		{ "Downloading: ", 1 }, { "downloading: ", 100 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
		const char *p = skip_prefix(message, labels[i].label);
		if (p == NULL || !read_decimal(&p, &progress->fraction))
			continue;
		progress->fraction /= labels[i].scale;
		*rest = p + strspn(p, "%");
		return in_unit(progress->fraction);
	}
	return false;
}

bool
rescue_line_progress(const char *message, RescueLineProgress *ret_progress, const char **ret_rest)
{
	RescueLineProgress progress = { .step = -1 };
	const char *rest = NULL;
	if (!read_plain(message, &progress, &rest) && !read_bar(message, &progress, &rest) &&
	    !read_labelled(message, &progress, &rest))
		return false;
	*ret_progress = progress;
	*ret_rest = rest + strspn(rest, " ");
	return true;
}
