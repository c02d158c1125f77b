/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/release.h"

#include <string.h>

#define MAX_WORD 32u /* of a product, version or build */

static const char *const signed_names[] = {
	[RESCUE_SIGNED_UNKNOWN] = "unknown",
	[RESCUE_SIGNED_NO] = "no",
	[RESCUE_SIGNED_YES] = "yes",
};

/* what the words behind the numbers of a version say */
enum { STAGE_BETA, STAGE_CANDIDATE, STAGE_RELEASE };

static int
rank_stage(const char *version)
{
	g_autofree char *lower = g_ascii_strdown(version, -1);

	if (strstr(lower, "beta") != NULL)
		return STAGE_BETA;
	/* the last builds before iOS 15 were golden masters */
	return strstr(lower, "rc") != NULL || strstr(lower, "gm") != NULL ? STAGE_CANDIDATE
									  : STAGE_RELEASE;
}

RescueRelease *
rescue_release_new(const char *product, const char *version, const char *build)
{
	RescueRelease *release = g_new0(RescueRelease, 1);

	release->product = g_strdup(product);
	release->version = g_strdup(version);
	release->build = g_strdup(build);
	release->urls = g_new0(char *, 1);
	release->beta = rescue_build_is_beta(build) || rank_stage(version) < STAGE_RELEASE;
	return release;
}

RescueRelease *
rescue_release_copy(const RescueRelease *release)
{
	RescueRelease *copy = g_new0(RescueRelease, 1);

	*copy = *release;
	copy->product = g_strdup(release->product);
	copy->version = g_strdup(release->version);
	copy->build = g_strdup(release->build);
	copy->urls = g_strdupv(release->urls);
	copy->sha256 = g_strdup(release->sha256);
	copy->sha1 = g_strdup(release->sha1);
	return copy;
}

void
rescue_release_free(RescueRelease *release)
{
	if (release == NULL)
		return;
	g_free(release->product);
	g_free(release->version);
	g_free(release->build);
	g_strfreev(release->urls);
	g_free(release->sha256);
	g_free(release->sha1);
	g_free(release);
}

static bool
is_web_address(const char *url)
{
	size_t size = strlen(url);

	if (size > RESCUE_RELEASE_MAX_TEXT || !g_str_is_ascii(url) ||
	    strcspn(url, " \t\r\n\"<>\\^`{|}") != size)
		return false;
	return g_str_has_prefix(url, "https://") || g_str_has_prefix(url, "http://");
}

bool
rescue_release_add_url(RescueRelease *release, const char *url)
{
	unsigned count = g_strv_length(release->urls);

	if (url == NULL || !is_web_address(url))
		return false;
	if (g_strv_contains((const char *const *)release->urls, url))
		return true;
	if (count >= RESCUE_RELEASE_MAX_URLS)
		return false;
	release->urls = g_renew(char *, release->urls, count + 2);
	release->urls[count] = g_strdup(url);
	release->urls[count + 1] = NULL;
	return true;
}

bool
rescue_release_set_hash(char **field, const char *hex, unsigned digits)
{
	if (hex == NULL || strlen(hex) != digits || strspn(hex, "0123456789abcdefABCDEF") != digits)
		return false;
	g_free(*field);
	*field = g_ascii_strdown(hex, -1);
	return true;
}

char *
rescue_release_name(const RescueRelease *release)
{
	return g_strdup_printf("%s_%s", release->product, release->build);
}

RescueJson *
rescue_release_to_json(const RescueRelease *release)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_string(json, "product", release->product);
	rescue_json_set_string(json, "version", release->version);
	rescue_json_set_string(json, "build", release->build);
	if (release->size_bytes != 0)
		rescue_json_set_int(json, "size", (int64_t)release->size_bytes);
	rescue_json_set_string(json, "sha256", release->sha256);
	rescue_json_set_string(json, "sha1", release->sha1);
	rescue_json_set_string(json, "signed", signed_names[release->is_signed]);
	rescue_json_set_bool(json, "beta", release->beta);
	rescue_json_set_strings(json, "urls", release->urls);
	return json;
}

static RescueSigned
parse_signed(const char *word)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signed_names); i++)
		if (g_strcmp0(signed_names[i], word) == 0)
			return (RescueSigned)i;
	return RESCUE_SIGNED_UNKNOWN;
}

static bool
version_is_valid(const char *text)
{
	return text != NULL && g_ascii_isdigit(text[0]) && strlen(text) <= MAX_WORD &&
	       g_str_is_ascii(text) && strcspn(text, "\r\n\t\"\\/") == strlen(text);
}

RescueRelease *
rescue_release_from_json(const RescueJson *json)
{
	const char *product = rescue_json_get_string(json, "product");
	const char *version = rescue_json_get_string(json, "version");
	const char *build = rescue_json_get_string(json, "build");
	const RescueJson *urls = rescue_json_get(json, "urls");
	int64_t size = 0;
	RescueRelease *release;

	if (!rescue_product_is_valid(product) || !version_is_valid(version) ||
	    !rescue_build_is_valid(build))
		return NULL;
	release = rescue_release_new(product, version, build);
	if (rescue_json_get_int(json, "size", &size) && size > 0 &&
	    (uint64_t)size <= RESCUE_RELEASE_MAX_BYTES)
		release->size_bytes = (uint64_t)size;
	(void)rescue_release_set_hash(&release->sha256, rescue_json_get_string(json, "sha256"), 64);
	(void)rescue_release_set_hash(&release->sha1, rescue_json_get_string(json, "sha1"), 40);
	release->is_signed = parse_signed(rescue_json_get_string(json, "signed"));
	release->beta |= rescue_json_get_bool(json, "beta", false);
	for (size_t i = 0; i < rescue_json_length(urls); i++)
		(void)rescue_release_add_url(release, rescue_json_text(rescue_json_at(urls, i)));
	return release;
}

bool
rescue_product_is_valid(const char *text)
{
	size_t i;

	if (text == NULL || !g_ascii_isalpha(text[0]))
		return false;
	for (i = 0; text[i] != '\0'; i++)
		if (i >= MAX_WORD || (!g_ascii_isalnum(text[i]) && text[i] != ','))
			return false;
	return true;
}

/** A build in its parts: "23A5276f" is 23, A, 5276, f. */
typedef struct {
	unsigned major, minor;
	char train, suffix;
} Build;

/* at most `most` digits at *text, which moves behind them */
static bool
take_number(const char **text, unsigned most, unsigned *ret_number)
{
	unsigned number = 0, digits = 0;

	for (; digits <= most && g_ascii_isdigit((*text)[0]); digits++, (*text)++)
		number = number * 10 + (unsigned)((*text)[0] - '0');
	*ret_number = number;
	return digits > 0 && digits <= most;
}

static bool
split_build(const char *text, Build *ret_build)
{
	Build build = { 0 };

	if (text == NULL || !take_number(&text, 3, &build.major) || !g_ascii_isupper(text[0]))
		return false;
	build.train = *text++;
	if (!take_number(&text, 6, &build.minor))
		return false;
	if (g_ascii_islower(text[0]))
		build.suffix = *text++;
	*ret_build = build;
	return *text == '\0';
}

bool
rescue_build_is_valid(const char *text)
{
	Build build;

	return split_build(text, &build);
}

bool
rescue_build_is_beta(const char *build)
{
	Build parts;

	/* 11D201 and 12B411a are releases, 23A5276f and 21A326b… of four digits and more are not */
	return split_build(build, &parts) && parts.suffix != '\0' && parts.minor >= 4000;
}

static int
compare_numbers(unsigned a, unsigned b)
{
	return a < b ? -1 : a > b;
}

int
rescue_build_compare(const char *a, const char *b)
{
	Build x, y;

	if (!split_build(a, &x) || !split_build(b, &y))
		return g_strcmp0(a, b);
	if (x.major != y.major)
		return compare_numbers(x.major, y.major);
	if (x.train != y.train)
		return x.train - y.train;
	if (x.minor != y.minor)
		return compare_numbers(x.minor, y.minor);
	return x.suffix - y.suffix;
}

static unsigned
next_number(const char **text)
{
	unsigned number = 0;

	for (; g_ascii_isdigit(**text); (*text)++)
		number = MIN(number, 1000000u) * 10 + (unsigned)(**text - '0');
	if (**text == '.' && g_ascii_isdigit((*text)[1]))
		(*text)++;
	return number;
}

/* what follows the numbers: "beta 3" */
static unsigned
last_number(const char *rest)
{
	while (*rest != '\0' && !g_ascii_isdigit(*rest))
		rest++;
	return next_number(&rest);
}

int
rescue_version_compare(const char *a, const char *b)
{
	while (g_ascii_isdigit(*a) || g_ascii_isdigit(*b)) {
		unsigned x = next_number(&a), y = next_number(&b);
		if (x != y)
			return compare_numbers(x, y);
	}
	if (rank_stage(a) != rank_stage(b))
		return rank_stage(a) - rank_stage(b);
	return compare_numbers(last_number(a), last_number(b));
}

bool
rescue_wish_is_empty(const RescueWish *wish)
{
	return !wish->latest && wish->version == NULL && wish->build == NULL;
}

void
rescue_wish_clear(RescueWish *wish)
{
	g_free(wish->version);
	g_free(wish->build);
	*wish = (RescueWish){ 0 };
}

char *
rescue_wish_describe(const RescueWish *wish)
{
	if (wish->build != NULL)
		return g_strconcat("build ", wish->build, NULL);
	if (wish->version != NULL)
		return g_strconcat("version ", wish->version, NULL);
	return g_strdup(wish->beta ? "latest or beta" : "latest");
}

static bool
is_wished(const RescueRelease *release, const RescueWish *wish)
{
	if (wish->build != NULL)
		return g_ascii_strcasecmp(release->build, wish->build) == 0;
	if (wish->version != NULL)
		return rescue_version_compare(release->version, wish->version) == 0 &&
		       (!release->beta || rank_stage(wish->version) < STAGE_RELEASE);
	return wish->beta || !release->beta;
}

/* a beta of the same version number comes behind its release; who is known to be unsigned comes last */
static bool
is_better(const RescueRelease *release, const RescueRelease *best)
{
	bool fine = release->is_signed != RESCUE_SIGNED_NO;
	int order;

	if (best == NULL)
		return true;
	if (fine != (best->is_signed != RESCUE_SIGNED_NO))
		return fine;
	order = rescue_version_compare(release->version, best->version);
	if (order == 0 && release->beta != best->beta)
		return best->beta;
	return order > 0 || (order == 0 && rescue_build_compare(release->build, best->build) > 0);
}

const RescueRelease *
rescue_release_choose(const GPtrArray *releases, const RescueWish *wish)
{
	const RescueRelease *best = NULL;

	for (guint i = 0; i < releases->len; i++) {
		const RescueRelease *release = g_ptr_array_index(releases, i);
		if (is_wished(release, wish) && is_better(release, best))
			best = release;
	}
	return best;
}

const RescueRelease *
rescue_release_choose_next(const GPtrArray *releases, const RescueWish *wish,
			   const GPtrArray *refused)
{
	g_autoptr(GPtrArray) left = g_ptr_array_new();

	for (guint i = 0; i < releases->len; i++) {
		RescueRelease *release = g_ptr_array_index(releases, i);
		if (release->is_signed == RESCUE_SIGNED_YES &&
		    !g_ptr_array_find_with_equal_func((GPtrArray *)refused, release->build,
						      g_str_equal, NULL))
			g_ptr_array_add(left, release);
	}
	return rescue_release_choose(left, wish);
}

/* of the version that was named, or of any: the newest beta or candidate, NULL when there is none of that either */
static const RescueRelease *
find_beta(const GPtrArray *releases, const RescueWish *wish)
{
	const RescueRelease *best = NULL;

	for (guint i = 0; i < releases->len; i++) {
		const RescueRelease *release = g_ptr_array_index(releases, i);
		g_autofree char *number = g_strndup(release->version,
						    strspn(release->version, "0123456789."));
		bool fits = wish->version == NULL ||
			    rescue_version_compare(number, wish->version) == 0;
		if (release->beta && fits && is_better(release, best))
			best = release;
	}
	return best;
}

char *
rescue_release_explain_none(const GPtrArray *releases, const char *product, const RescueWish *wish)
{
	g_autofree char *text = rescue_wish_describe(wish);
	const RescueRelease *beta = wish->build == NULL ? find_beta(releases, wish) : NULL;

	if (beta == NULL)
		return g_strdup_printf("the catalogues know no firmware for %s that is ‘%s’",
				       product, text);
	return g_strdup_printf("the catalogues know ‘%s’ for %s only as a beta or release "
			       "candidate (%s): who wants that one says so with --build %s",
			       text, product, beta->version, beta->build);
}
