/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/code.h"

#include <string.h>

#define MAX_TEXT   80
#define SEPARATORS " \t:=/#,()[]\"'"
#define MAX_VALUES 2
#define WRAP       (G_GINT64_CONSTANT(1) << 32) /* a MobileDevice number that was printed with a sign */

/* what a number may be worth: the digits alone do not always tell */
typedef struct {
	int64_t value[MAX_VALUES];
	size_t n;
} Values;

static void
add_value(Values *values, int64_t value)
{
	if (values->n == 0 || values->value[0] != value)
		values->value[values->n++] = value;
}

static Values
read_values(const char *text, bool bare_hex)
{
	Values values = { .n = 0 };
	guint64 number;
	gint64 signed_number;
	bool prefixed = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
	if (prefixed) {
		if (g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXUINT32, &number, NULL))
			add_value(&values, (int64_t)number);
		return values;
	}
	if (g_ascii_string_to_signed(text, 10, -(gint64)G_MAXUINT32, G_MAXUINT32, &signed_number,
				     NULL))
		add_value(&values, signed_number);
	if (bare_hex && g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT32, &number, NULL))
		add_value(&values, (int64_t)number);
	return values;
}

static bool
is_noise(const char *word)
{
	static const char *const noise[] = { "",   "error", "code", "err",     "no.",     "number",
					     "an", "the",   "got",  "unknown", "occurred" };
	for (size_t i = 0; i < G_N_ELEMENTS(noise); i++) {
		if (g_ascii_strcasecmp(word, noise[i]) == 0)
			return true;
	}
	return false;
}

/* "iTunes error 4013." is two words that count; the last of them is the number */
static GPtrArray *
split(const char *text)
{
	g_auto(GStrv) pieces = g_strsplit_set(text, SEPARATORS, -1);
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; pieces[i] != NULL; i++) {
		size_t n = strlen(pieces[i]);
		while (n > 0 && strchr(".!?;", pieces[i][n - 1]) != NULL)
			n--;
		g_autofree char *word = g_strndup(pieces[i], n);
		if (!is_noise(word))
			g_ptr_array_add(words, g_steal_pointer(&word));
	}
	return words;
}

static bool
read_code(GArray *readings, const char *domain, int64_t value)
{
	const RescueCode *code = rescue_code_resolve(domain, value);
	if (code == NULL)
		return false;
	RescueReading reading = { code->failure, domain, value, code, NULL };
	g_array_append_val(readings, reading);
	return true;
}

static bool
read_window(GArray *readings, const char *domain, int64_t value)
{
	const RescueWindow *window = rescue_window_find(domain, value);
	if (window == NULL)
		return false;
	RescueReading reading = { window->failure, domain, value, NULL, window };
	g_array_append_val(readings, reading);
	return true;
}

/* a number that nobody said whose it is: every table, then the rules of those domains that people quote bare */
static void
read_bare(GArray *readings, int64_t value)
{
	const char *domain;
	for (size_t i = 0; (domain = rescue_domain_at(i)) != NULL; i++) {
		if (rescue_code_find(domain, value) != NULL)
			(void)read_code(readings, domain, value);
	}
	if (readings->len == 0 && !read_window(readings, "itunes", value))
		(void)read_window(readings, "mobiledevice", value);
}

static void
read_value(GArray *readings, const char *domain, int64_t value)
{
	bool wrapped = value < -G_MAXUINT16 && value + WRAP > G_MAXINT32;
	if (wrapped && (domain == NULL || strcmp(domain, "mobiledevice") == 0))
		value += WRAP;
	if (domain == NULL)
		read_bare(readings, value);
	else if (!read_code(readings, domain, value))
		(void)read_window(readings, domain, value);
}

/* the words before the number, together or the last one alone: "signing server 94", "iTunes update 4013" */
static const char *
find_domain(const GPtrArray *words)
{
	g_autoptr(GString) all = g_string_new(NULL);
	for (guint i = 0; i + 1 < words->len; i++)
		g_string_append(all, g_ptr_array_index(words, i));
	const char *domain = rescue_domain_parse(all->str);
	for (guint i = 0; i + 1 < words->len && domain == NULL; i++)
		domain = rescue_domain_parse(g_ptr_array_index(words, i));
	return domain;
}

static void
read_number(GArray *readings, const char *text)
{
	g_autoptr(GPtrArray) words = split(text);
	if (words->len == 0)
		return;
	const char *domain = find_domain(words);
	if (domain == NULL && words->len > 1)
		return;
	/* the logs of the device write the numbers of its own domains in hexadecimal */
	bool bare_hex = g_strcmp0(domain, "ramrod") == 0 || g_strcmp0(domain, "authinstall") == 0;
	Values values = read_values(g_ptr_array_index(words, words->len - 1), bare_hex);
	for (size_t i = 0; i < values.n; i++)
		read_value(readings, domain, values.value[i]);
}

static const char *
skip_prefix(const char *symbol)
{
	static const char *const prefixes[] = { "LOCKDOWN_E_", "IRECV_E_",   "LIBUSB_ERROR_",
						"IDEVICE_E_",  "RESTORE_E_", "RESULT_",
						"kAMD",        "CURLE_" };
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (g_ascii_strncasecmp(symbol, prefixes[i], n) == 0)
			return symbol + n;
	}
	return symbol;
}

static bool
is_rest(const char *text)
{
	return text[0] == '\0' || g_ascii_strcasecmp(text, "error") == 0;
}

/* "LOCKDOWN_E_USER_DENIED_PAIRING", "kAMDUserDeniedPairingError" and "UserDeniedPairing" are the same word */
static bool
is_same_word(const char *one, const char *other)
{
	const char *a = skip_prefix(one), *b = skip_prefix(other);
	if (is_rest(a) || is_rest(b)) /* nothing that would tell them apart */
		return g_ascii_strcasecmp(one, other) == 0;
	while (!is_rest(a) && !is_rest(b)) {
		a += *a == '_';
		b += *b == '_';
		if (g_ascii_tolower(*a) != g_ascii_tolower(*b))
			return false;
		if (*a == '\0')
			break;
		a++;
		b++;
	}
	return is_rest(a) && is_rest(b);
}

static void
read_symbol(GArray *readings, const char *text)
{
	const RescueCode *code;
	for (size_t i = 0; (code = rescue_code_at(i)) != NULL; i++) {
		if (code->symbol == NULL || !is_same_word(text, code->symbol))
			continue;
		RescueReading reading = { code->failure, code->domain, code->value, code, NULL };
		if (g_ascii_strcasecmp(text, code->symbol) == 0) /* it was written out */
			g_array_prepend_val(readings, reading);
		else
			g_array_append_val(readings, reading);
	}
}

GArray *
rescue_code_read(const char *text)
{
	GArray *readings = g_array_new(FALSE, FALSE, sizeof(RescueReading));
	g_autofree char *trimmed = g_strstrip(
	    g_utf8_make_valid(text, (gssize)strnlen(text, MAX_TEXT)));
	read_symbol(readings, trimmed);
	if (readings->len == 0)
		read_number(readings, trimmed);
	return readings;
}
