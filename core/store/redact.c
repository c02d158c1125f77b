/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/redact.h"

#include <stdbool.h>
#include <string.h>

#include "core/store/redact_rules.h"

/* Shorter words and numbers stand for too much else to be replaced wherever they are. */
#define MIN_WORD   6u
#define HEX_DIGITS 16u /* of an ECID */

struct RescueRedactor {
	char *home;          /* without a slash at the end, or NULL */
	GRegex *home_path;   /* NULL without a home */
	GRegex *host_name;   /* NULL without a name */
	GPtrArray *rules;    /* GRegex, as in rescue_redact_rules */
	GHashTable *holders; /* canonical value → placeholder */
	GPtrArray *paths;    /* char *: paths as events name them, blanks and all */
	unsigned counts[RESCUE_SECRET_LAST];
};

static GRegex *
compile(const char *pattern)
{
	g_autoptr(GError) error = NULL;
	GRegex *regex = g_regex_new(pattern, G_REGEX_OPTIMIZE, 0, &error);

	g_assert_no_error(error); /* they are all ours */
	return regex;
}

static void
free_regex(gpointer regex)
{
	g_regex_unref(regex);
}

static GRegex *
compile_name(const char *before, const char *name, const char *after)
{
	g_autofree char *escaped = g_regex_escape_string(name, -1);
	g_autofree char *pattern = g_strconcat(before, "(", escaped, after, NULL);

	return compile(pattern);
}

static void
set_home(RescueRedactor *redactor, const char *home)
{
	g_autofree char *path = g_canonicalize_filename(home, "/");

	if (strlen(path) < 2) /* "/": the home of services */
		return;
	redactor->home_path = compile_name("(?<![0-9A-Za-z_.-])", path,
					   "(?:/[^\\s\"'<>|]*)?)(?![0-9A-Za-z_.-])");
	redactor->home = g_steal_pointer(&path);
}

RescueRedactor *
rescue_redactor_new(const char *home, const char *host)
{
	RescueRedactor *redactor = g_new0(RescueRedactor, 1);

	redactor->rules = g_ptr_array_new_with_free_func(free_regex);
	for (size_t i = 0; i < rescue_redact_rules_count; i++)
		g_ptr_array_add(redactor->rules, compile(rescue_redact_rules[i].pattern));
	redactor->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	redactor->paths = g_ptr_array_new_with_free_func(g_free);
	if (home != NULL && home[0] == '/')
		set_home(redactor, home);
	if (host != NULL && host[0] != '\0' && strcmp(host, "localhost") != 0)
		redactor->host_name = compile_name("(?i)(?<![0-9A-Za-z_-])", host,
						   ")(?![0-9A-Za-z_-])");
	return redactor;
}

void
rescue_redactor_free(RescueRedactor *redactor)
{
	if (redactor == NULL)
		return;
	g_clear_pointer(&redactor->home_path, g_regex_unref);
	g_clear_pointer(&redactor->host_name, g_regex_unref);
	g_ptr_array_unref(redactor->rules);
	g_hash_table_unref(redactor->holders);
	g_ptr_array_unref(redactor->paths);
	g_free(redactor->home);
	g_free(redactor);
}

/** Lower case, and without what only separates: "0A 1b" and "0a1B" are one value. */
static char *
canonical(RescueSecret secret, const char *value)
{
	char *text = g_ascii_strdown(value, -1);
	const char *drop = secret == RESCUE_SECRET_NONCE  ? " :-"
			   : secret == RESCUE_SECRET_DATA ? " \t\r\n"
							  : NULL;
	char *to = text;

	if (secret == RESCUE_SECRET_PATH || secret == RESCUE_SECRET_LOGIN) {
		g_free(text);
		return g_strdup(value);
	}
	for (const char *from = text; drop != NULL; from++) {
		if (*from == '\0' || strchr(drop, *from) == NULL)
			*to++ = *from;
		if (*from == '\0')
			break;
	}
	return text;
}

/** "0x00A1" → "a1", "00A1" → "a1": so that numbers can be compared in whichever notation. */
static char *
strip_number(const char *text)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	text += strspn(text, "0");
	return g_ascii_strdown(text, -1);
}

static const char *
add_holder(RescueRedactor *redactor, RescueSecret secret, const char *key)
{
	char *holder = g_strdup_printf("[%s-%u]", rescue_secret_name(secret),
				       ++redactor->counts[secret]);

	g_hash_table_insert(redactor->holders, g_strdup(key), holder);
	return holder;
}

/** Which number it is: what is marked as hexadecimal, or has 16 digits as iBoot writes it, or letters, is. */
static bool
read_ecid(const char *text, uint64_t *ret_value)
{
	bool marked = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	bool decimal = !marked && strspn(text, "0123456789") == strlen(text) &&
		       (strlen(text) != HEX_DIGITS || text[0] != '0');

	return g_ascii_string_to_unsigned(marked ? text + 2 : text, decimal ? 10 : 16, 1,
					  G_MAXUINT64, ret_value, NULL);
}

/** Every way to write it leads to the same placeholder. */
static const char *
hold_ecid(RescueRedactor *redactor, const char *value)
{
	g_autofree char *number = strip_number(value);
	const char *holder = g_hash_table_lookup(redactor->holders, number);
	uint64_t ecid = 0;

	if (holder != NULL)
		return holder;
	if (!read_ecid(value, &ecid))
		return add_holder(redactor, RESCUE_SECRET_ECID, number);
	g_autofree char *hex = g_strdup_printf("%" G_GINT64_MODIFIER "x", ecid);
	g_autofree char *decimal = g_strdup_printf("%" G_GUINT64_FORMAT, ecid);
	holder = add_holder(redactor, RESCUE_SECRET_ECID, hex);
	if (strcmp(hex, decimal) != 0)
		g_hash_table_insert(redactor->holders, g_steal_pointer(&decimal), g_strdup(holder));
	return holder;
}

/** The placeholder of a value, a new one when it was not seen before. Borrowed. */
static const char *
hold(RescueRedactor *redactor, RescueSecret secret, const char *value)
{
	g_autofree char *key = canonical(secret, value);
	const char *holder = g_hash_table_lookup(redactor->holders, key);

	if (holder != NULL)
		return holder;
	if (secret == RESCUE_SECRET_ECID || secret == RESCUE_SECRET_IMEI) {
		g_autofree char *number = strip_number(value);
		holder = g_hash_table_lookup(redactor->holders, number);
		if (holder != NULL)
			return holder;
	}
	return secret == RESCUE_SECRET_ECID ? hold_ecid(redactor, value)
					    : add_holder(redactor, secret, key);
}

/** NULL when the expression ran into a limit of its engine. */
static char *
replace(RescueRedactor *redactor, RescueSecret secret, const GRegex *regex, const char *text)
{
	g_autoptr(GString) result = g_string_new(NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autoptr(GError) error = NULL;
	int done = 0, start, end;

	(void)g_regex_match_full(regex, text, -1, 0, 0, &match, &error);
	while (error == NULL && g_match_info_matches(match)) {
		g_autofree char *value = g_match_info_fetch(match, 1);
		(void)g_match_info_fetch_pos(match, 1, &start, &end);
		g_string_append_len(result, text + done, start - done);
		g_string_append(result, hold(redactor, secret, value));
		done = end;
		(void)g_match_info_next(match, &error);
	}
	if (error != NULL)
		return NULL;
	g_string_append(result, text + done);
	return g_string_free(g_steal_pointer(&result), FALSE);
}

/** A word that was learnt as an identifier, or a number that is a known ECID; NULL: neither. */
static const char *
find_word(const RescueRedactor *redactor, const char *word)
{
	g_autofree char *lower = g_ascii_strdown(word, -1);
	g_autofree char *number = strip_number(word);
	const char *holder = NULL;

	if (strlen(word) >= MIN_WORD)
		holder = g_hash_table_lookup(redactor->holders, lower);
	if (holder == NULL && (strlen(number) >= MIN_WORD || g_str_has_prefix(lower, "0x")))
		holder = g_hash_table_lookup(redactor->holders, number);
	return holder;
}

static char *
replace_words(const RescueRedactor *redactor, const char *text)
{
	GString *result = g_string_new(NULL);

	while (*text != '\0') {
		size_t size = 0;
		while (g_ascii_isalnum(text[size]))
			size++;
		g_autofree char *word = g_strndup(text, size);
		const char *holder = size > 2 ? find_word(redactor, word) : NULL;
		g_string_append(result, holder != NULL ? holder : word);
		text += size;
		if (*text != '\0' && !g_ascii_isalnum(*text))
			g_string_append_c(result, *text++);
	}
	return g_string_free(result, FALSE);
}

static char *
replace_paths(RescueRedactor *redactor, const char *text)
{
	GString *result = g_string_new(text);

	for (guint i = 0; i < redactor->paths->len; i++) {
		const char *path = redactor->paths->pdata[i];
		(void)g_string_replace(result, path, hold(redactor, RESCUE_SECRET_PATH, path), 0);
	}
	return g_string_free(result, FALSE);
}

/** Takes `text`, which may be NULL. */
static char *
apply(RescueRedactor *redactor, RescueSecret secret, const GRegex *regex, char *text)
{
	g_autofree char *before = text;

	return before == NULL || regex == NULL ? g_steal_pointer(&before)
					       : replace(redactor, secret, regex, before);
}

static char *
apply_rules(RescueRedactor *redactor, const char *valid)
{
	char *text = replace_paths(redactor, valid);

	text = apply(redactor, RESCUE_SECRET_PATH, redactor->home_path, text);
	for (guint i = 0; i < redactor->rules->len; i++)
		text = apply(redactor, rescue_redact_rules[i].secret, redactor->rules->pdata[i],
			     text);
	return apply(redactor, RESCUE_SECRET_HOST, redactor->host_name, text);
}

char *
rescue_redactor_text(RescueRedactor *redactor, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *rewritten = apply_rules(redactor, valid);

	return rewritten != NULL
		   ? replace_words(redactor, rewritten)
		   : g_strdup("[left out: it could not be searched for what is personal]");
}

void
rescue_redactor_learn_text(RescueRedactor *redactor, const char *text)
{
	g_autofree char *unused = rescue_redactor_text(redactor, text);

	(void)unused; /* what it replaced is known from now on */
}

/** A whole string that is a path below home: told apart from the text around it only here. */
static void
learn_path(RescueRedactor *redactor, const char *value)
{
	size_t size = redactor->home != NULL ? strlen(redactor->home) : 0;
	guint at = 0;

	if (size == 0 || strncmp(value, redactor->home, size) != 0 || value[size] != '/' ||
	    g_hash_table_contains(redactor->holders, value))
		return;
	(void)hold(redactor, RESCUE_SECRET_PATH, value);
	while (at < redactor->paths->len && strlen(redactor->paths->pdata[at]) >= strlen(value))
		at++; /* the longest first: one path may begin another */
	g_ptr_array_insert(redactor->paths, (gint)at, g_strdup(value));
}

static char *
learn_string(const char *value, void *data)
{
	learn_path(data, value);
	return g_strdup(value);
}

void
rescue_redactor_learn_event(RescueRedactor *redactor, const RescueJson *event)
{
	for (size_t i = 0; i < rescue_redact_keys_count; i++) {
		const char *value = rescue_json_get_string(event, rescue_redact_keys[i].key);
		if (value != NULL && value[0] != '\0')
			(void)hold(redactor, rescue_redact_keys[i].secret, value);
	}
	rescue_json_free(rescue_json_rewrite(event, learn_string, redactor));
}

static char *
rewrite_string(const char *value, void *data)
{
	return rescue_redactor_text(data, value);
}

RescueJson *
rescue_redactor_json(RescueRedactor *redactor, const RescueJson *value)
{
	return rescue_json_rewrite(value, rewrite_string, redactor);
}
