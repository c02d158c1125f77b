/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/code.h"

#include <string.h>

#define HEX_FROM    0x10000 /* numbers of this size are known in hexadecimal */
#define ITUNES_ONLY 1600    /* from here on the numbers are those of the program on the computer */
#define MAX_NUMBER  ((int64_t)G_MAXUINT32)

typedef enum {
#define RESCUE_DOMAIN(id, name, aliases, text) DOMAIN_##id,
#include "core/failure/domain.def"
#undef RESCUE_DOMAIN
	DOMAIN_LAST
} Domain;

/* objects with a name, so that the table of the codes can point at them */
#define RESCUE_DOMAIN(id, name, aliases, text) static const char name_##id[] = name;
#include "core/failure/domain.def"
#undef RESCUE_DOMAIN

static const struct {
	const char *name, *aliases, *text;
} domains[] = {
#define RESCUE_DOMAIN(id, domain_name, domain_aliases, domain_text) \
	[DOMAIN_##id] = { .name = name_##id, .aliases = domain_aliases, .text = domain_text },
#include "core/failure/domain.def"
#undef RESCUE_DOMAIN
};

enum {
#define RESCUE_SOURCE(id, text) SOURCE_##id,
#include "core/failure/source.def"
#undef RESCUE_SOURCE
	SOURCE_LAST
};

static const char *const sources[] = {
#define RESCUE_SOURCE(id, text) [SOURCE_##id] = text,
#include "core/failure/source.def"
#undef RESCUE_SOURCE
};
_Static_assert(SOURCE_LAST <= 32, "a code keeps its sources in 32 bits");

/* so that a line of code.def can say "WIKI | LIST" */
enum {
#define RESCUE_SOURCE(id, text) id = 1 << SOURCE_##id,
#include "core/failure/source.def"
#undef RESCUE_SOURCE
};

static const RescueCode codes[] = {
#define RESCUE_CODE(domain_id, number, id, name, apple1, apple2, sure, where, says) \
	{ .failure = RESCUE_FAILURE_##id,                                           \
	  .domain = name_##domain_id,                                               \
	  .value = number,                                                          \
	  .symbol = name,                                                           \
	  .apple = { RESCUE_CATEGORY_##apple1, RESCUE_CATEGORY_##apple2 },          \
	  .confidence = RESCUE_CONFIDENCE_##sure,                                   \
	  .sources = where,                                                         \
	  .means = says },
#include "core/failure/code.def"
#undef RESCUE_CODE
};

static const RescueWindow windows[] = {
#define RESCUE_WINDOW(domain_id, lowest, highest, id, says) \
	{ .domain = name_##domain_id,                       \
	  .first = lowest,                                  \
	  .last = highest,                                  \
	  .failure = RESCUE_FAILURE_##id,                   \
	  .text = says },
#include "core/failure/window.def"
#undef RESCUE_WINDOW
};
#define RESCUE_WINDOW(domain_id, lowest, highest, id, says) \
	_Static_assert((lowest) <= (highest), "a window begins before it ends");
#include "core/failure/window.def"
#undef RESCUE_WINDOW

/* a number of one domain stands once: the compiler does not take a case twice */
#define KEY(domain, value) (((int64_t)(domain) << 40) + (value))

static bool
is_listed(Domain domain, int64_t value)
{
	switch (KEY(domain, value)) {
#define RESCUE_CODE(domain_id, number, id, name, apple1, apple2, sure, where, says) \
	case KEY(DOMAIN_##domain_id, number):
#include "core/failure/code.def"
#undef RESCUE_CODE
		return true;
	default:
		return false;
	}
}

static Domain
find_domain(const char *name)
{
	for (int i = 0; i < DOMAIN_LAST; i++) {
		if (g_strcmp0(domains[i].name, name) == 0)
			return (Domain)i;
	}
	return DOMAIN_LAST;
}

const RescueCode *
rescue_code_at(size_t n)
{
	return n < G_N_ELEMENTS(codes) ? &codes[n] : NULL;
}

const RescueCode *
rescue_failure_code(RescueFailure failure, size_t n)
{
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (codes[i].failure == failure && n-- == 0)
			return &codes[i];
	}
	return NULL;
}

const RescueCode *
rescue_code_find(const char *domain, int64_t value)
{
	Domain wanted = find_domain(domain);
	if (wanted == DOMAIN_LAST || value < -MAX_NUMBER || value > MAX_NUMBER ||
	    !is_listed(wanted, value))
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (codes[i].value == value && codes[i].domain == domains[wanted].name)
			return &codes[i];
	}
	return NULL;
}

const RescueWindow *
rescue_window_find(const char *domain, int64_t value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
		if (value >= windows[i].first && value <= windows[i].last &&
		    g_strcmp0(domain, windows[i].domain) == 0)
			return &windows[i];
	}
	return NULL;
}

const RescueCode *
rescue_code_resolve(const char *domain, int64_t value)
{
	const RescueCode *code = rescue_code_find(domain, value);
	if (code == NULL && g_strcmp0(domain, name_RESTORED) == 0 && value > 0 &&
	    value < ITUNES_ONLY)
		code = rescue_code_find(name_ITUNES, value);
	return code;
}

bool
rescue_failure_from_code(const char *domain, int64_t value, RescueFailure *ret_failure)
{
	const RescueCode *code = domain != NULL ? rescue_code_resolve(domain, value) : NULL;
	for (int i = 0; domain == NULL && code == NULL && i < DOMAIN_LAST; i++)
		code = rescue_code_find(domains[i].name, value);
	if (code == NULL || code->failure == RESCUE_FAILURE_NONE)
		return false;
	*ret_failure = code->failure;
	return true;
}

const char *
rescue_domain_parse(const char *text)
{
	g_autofree char *lower = g_ascii_strdown(text, -1);
	g_autofree char *alias = g_strconcat(" ", lower, " ", NULL);
	for (int i = 0; i < DOMAIN_LAST; i++) {
		if (strcmp(lower, domains[i].name) == 0 ||
		    strstr(domains[i].aliases, alias) != NULL)
			return domains[i].name;
	}
	return NULL;
}

const char *
rescue_domain_text(const char *domain)
{
	Domain found = find_domain(domain);
	return found < DOMAIN_LAST ? domains[found].text : domain;
}

const char *
rescue_domain_at(size_t n)
{
	return n < DOMAIN_LAST ? domains[n].name : NULL;
}

const char *
rescue_code_source(const RescueCode *code, size_t n)
{
	for (int i = 0; i < SOURCE_LAST; i++) {
		if ((code->sources & 1u << i) != 0 && n-- == 0)
			return sources[i];
	}
	return NULL;
}

const char *
rescue_code_first_try(const RescueCode *code)
{
	static const struct {
		int64_t value;
		const char *first;
	} conflicts[] = {
#define RESCUE_CONFLICT(number, text) { .value = number, .first = text },
#include "core/failure/conflict.def"
#undef RESCUE_CONFLICT
	};
	for (size_t i = 0; code->domain == name_ITUNES && i < G_N_ELEMENTS(conflicts); i++) {
		if (conflicts[i].value == code->value)
			return conflicts[i].first;
	}
	return NULL;
}

char *
rescue_code_format(const char *domain, int64_t value)
{
	if (value >= HEX_FROM)
		return g_strdup_printf("%s 0x%08" G_GINT64_MODIFIER "X", domain, (guint64)value);
	return g_strdup_printf("%s %" G_GINT64_FORMAT, domain, value);
}
