/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/line.h"

#include <glib.h>
#include <string.h>

static const char *
skip_prefix(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* "10:04:00.123": digits where digits belong */
static const char *
skip_stamp(const char *text)
{
	static const char shape[] = "00:00:00.000 ";
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == '0' ? !g_ascii_isdigit(text[i]) : text[i] != shape[i])
			return NULL;
	}
	return text + strlen(shape);
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

const char *
rescue_line_message(const char *line, RescueLabel *ret_label)
{
	static const char *const words[] = { "ERROR: ", "WARNING: ", "NOTE: ", "INFO: ",
					     "DEBUG: " };
	*ret_label = RESCUE_LABEL_NONE;
	const char *after_stamp = skip_stamp(line);
	const char *after_level = after_stamp != NULL ? skip_level(after_stamp) : NULL;
	if (after_level != NULL) {
		*ret_label = RESCUE_LABEL_STAMP;
		line = after_level;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		const char *rest = skip_prefix(line, words[i]);
		if (rest == NULL)
			continue;
		if (*ret_label == RESCUE_LABEL_NONE)
			*ret_label = RESCUE_LABEL_WORD;
		return rest;
	}
	return line;
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
