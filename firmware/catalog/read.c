/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/catalog/read.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"

/* builds that AppleDB is asked about one by one are the newest of its list */
#define MAX_INDEX 200000u

static void
free_release(void *release)
{
	rescue_release_free(release);
}

GPtrArray *
rescue_catalogue_new_list(void)
{
	return g_ptr_array_new_with_free_func(free_release);
}

static bool
makes_no_sense(const char *who, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
		    "the answer of %s makes no sense", who);
	return false;
}

static void
add(GPtrArray *releases, RescueRelease *release)
{
	if (release != NULL && releases->len < RESCUE_CATALOGUE_MAX_RELEASES)
		g_ptr_array_add(releases, release);
	else
		rescue_release_free(release);
}

/* our own form of a release is checked in one place; this makes that form */
static RescueJson *
new_body(const char *product, const char *version, const char *build)
{
	RescueJson *body = rescue_json_object_new();

	rescue_json_set_string(body, "product", product);
	rescue_json_set_string(body, "version", version);
	rescue_json_set_string(body, "build", build);
	return body;
}

static void
copy_size(RescueJson *body, const RescueJson *from, const char *key)
{
	int64_t size;

	if (rescue_json_get_int(from, key, &size))
		rescue_json_set_int(body, "size", size);
}

/* ---- api.ipsw.me ------------------------------------------------------------------------------ */

static RescueRelease *
read_ipswme_firmware(const RescueJson *json, const char *product)
{
	g_autoptr(RescueJson) body = new_body(product, rescue_json_get_string(json, "version"),
					      rescue_json_get_string(json, "buildid"));
	RescueRelease *release;

	copy_size(body, json, "filesize");
	rescue_json_set_string(body, "sha256", rescue_json_get_string(json, "sha256sum"));
	rescue_json_set_string(body, "sha1", rescue_json_get_string(json, "sha1sum"));
	if (rescue_json_get(json, "signed") != NULL)
		rescue_json_set_string(body, "signed",
				       rescue_json_get_bool(json, "signed", false) ? "yes" : "no");
	release = rescue_release_from_json(body);
	if (release != NULL)
		(void)rescue_release_add_url(release, rescue_json_get_string(json, "url"));
	return release;
}

bool
rescue_catalogue_read_ipswme(const char *text, size_t size, const char *product,
			     GPtrArray *releases, GError **error)
{
	g_autoptr(RescueJson) json = rescue_json_parse(text, size, NULL);
	const RescueJson *list = json != NULL ? rescue_json_get(json, "firmwares") : NULL;

	if (list == NULL || g_strcmp0(rescue_json_get_string(json, "identifier"), product) != 0)
		return makes_no_sense("api.ipsw.me", error);
	for (size_t i = 0; i < rescue_json_length(list); i++)
		add(releases, read_ipswme_firmware(rescue_json_at(list, i), product));
	return true;
}

/* ---- AppleDB ---------------------------------------------------------------------------------- */

static bool
names_product(const RescueJson *list, const char *product)
{
	for (size_t i = 0; i < rescue_json_length(list); i++)
		if (g_strcmp0(rescue_json_text(rescue_json_at(list, i)), product) == 0)
			return true;
	return false;
}

/* a truth value, or a list of those for whom it is true */
static void
copy_signed(RescueJson *body, const RescueJson *from, const char *product)
{
	const RescueJson *list = rescue_json_get(from, "signed");
	bool yes;

	if (list == NULL)
		return;
	yes = rescue_json_get_bool(from, "signed", false) || names_product(list, product);
	rescue_json_set_string(body, "signed", yes ? "yes" : "no");
}

static const RescueJson *
find_restore_source(const RescueJson *json, const char *product)
{
	const RescueJson *sources = rescue_json_get(json, "sources");

	for (size_t i = 0; i < rescue_json_length(sources); i++) {
		const RescueJson *source = rescue_json_at(sources, i);
		if (g_strcmp0(rescue_json_get_string(source, "type"), "ipsw") == 0 &&
		    names_product(rescue_json_get(source, "deviceMap"), product))
			return source;
	}
	return NULL;
}

static void
add_links(RescueRelease *release, const RescueJson *links)
{
	for (size_t i = 0; i < rescue_json_length(links); i++) {
		const RescueJson *link = rescue_json_at(links, i);
		if (rescue_json_get_bool(link, "active", true))
			(void)rescue_release_add_url(release, rescue_json_get_string(link, "url"));
	}
}

bool
rescue_catalogue_read_appledb(const char *text, size_t size, const char *product,
			      GPtrArray *releases, GError **error)
{
	g_autoptr(RescueJson) json = rescue_json_parse(text, size, NULL);
	const RescueJson *source = json != NULL ? find_restore_source(json, product) : NULL;
	const RescueJson *hashes = source != NULL ? rescue_json_get(source, "hashes") : NULL;
	g_autoptr(RescueJson) body = NULL;
	RescueRelease *release;

	if (json == NULL || rescue_json_get_string(json, "build") == NULL)
		return makes_no_sense("AppleDB", error);
	if (source == NULL || rescue_json_get_bool(json, "internal", false))
		return true;
	body = new_body(product, rescue_json_get_string(json, "version"),
			rescue_json_get_string(json, "build"));
	copy_size(body, source, "size");
	copy_signed(body, json, product);
	rescue_json_set_bool(body, "beta",
			     rescue_json_get_bool(json, "beta", false) ||
				 rescue_json_get_bool(json, "rc", false));
	if (hashes != NULL) {
		rescue_json_set_string(body, "sha256", rescue_json_get_string(hashes, "sha2-256"));
		rescue_json_set_string(body, "sha1", rescue_json_get_string(hashes, "sha1"));
	}
	release = rescue_release_from_json(body);
	if (release != NULL)
		add_links(release, rescue_json_get(source, "links"));
	add(releases, release);
	return true;
}

const char *
rescue_catalogue_os_name(const char *product, const char *build)
{
	/* iPadOS began with 13, whose builds begin with 17 */
	return g_str_has_prefix(product, "iPad") && rescue_build_compare(build, "17A1") >= 0
		   ? "iPadOS"
		   : "iOS";
}

static int
newest_first(gconstpointer a, gconstpointer b)
{
	return rescue_build_compare(*(const char *const *)b, *(const char *const *)a);
}

char **
rescue_catalogue_read_appledb_index(const char *text, size_t size, const char *product,
				    GError **error)
{
	g_autoptr(RescueJson) json = rescue_json_parse(text, size, NULL);
	g_autoptr(GPtrArray) builds = g_ptr_array_new_with_free_func(g_free);

	if (json == NULL || rescue_json_length(json) == 0) {
		(void)makes_no_sense("AppleDB", error);
		return NULL;
	}
	for (size_t i = 0; i < MIN(rescue_json_length(json), MAX_INDEX); i++) {
		const char *key = rescue_json_text(rescue_json_at(json, i));
		const char *build = key != NULL ? strchr(key, ';') : NULL;
		if (build == NULL || !rescue_build_is_valid(build + 1) ||
		    rescue_build_is_beta(build + 1))
			continue;
		g_autofree char *os = g_strndup(key, (size_t)(build - key));
		if (strcmp(os, rescue_catalogue_os_name(product, build + 1)) == 0)
			g_ptr_array_add(builds, g_strdup(build + 1));
	}
	g_ptr_array_sort(builds, newest_first);
	g_ptr_array_add(builds, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&builds), FALSE);
}

/* ---- together --------------------------------------------------------------------------------- */

static RescueRelease *
find_build(const GPtrArray *releases, const RescueRelease *like)
{
	for (guint i = 0; i < releases->len; i++) {
		RescueRelease *release = g_ptr_array_index(releases, i);
		if (strcmp(release->build, like->build) == 0 &&
		    strcmp(release->product, like->product) == 0)
			return release;
	}
	return NULL;
}

/* addresses of another file would be worse than none */
static bool
is_same_file(const RescueRelease *a, const RescueRelease *b)
{
	if (a->sha256 != NULL && b->sha256 != NULL)
		return strcmp(a->sha256, b->sha256) == 0;
	if (a->sha1 != NULL && b->sha1 != NULL)
		return strcmp(a->sha1, b->sha1) == 0;
	return a->size_bytes == 0 || b->size_bytes == 0 || a->size_bytes == b->size_bytes;
}

static void
complete(RescueRelease *release, const RescueRelease *more)
{
	if (more->is_signed == RESCUE_SIGNED_YES || release->is_signed == RESCUE_SIGNED_UNKNOWN)
		release->is_signed = more->is_signed;
	release->beta |= more->beta;
	if (!is_same_file(release, more))
		return;
	if (release->size_bytes == 0)
		release->size_bytes = more->size_bytes;
	if (release->sha256 == NULL)
		release->sha256 = g_strdup(more->sha256);
	if (release->sha1 == NULL)
		release->sha1 = g_strdup(more->sha1);
	for (char **url = more->urls; *url != NULL; url++)
		(void)rescue_release_add_url(release, *url);
}

void
rescue_catalogue_merge(GPtrArray *releases, const GPtrArray *more)
{
	for (guint i = 0; i < more->len; i++) {
		const RescueRelease *one = g_ptr_array_index(more, i);
		RescueRelease *known = find_build(releases, one);
		if (known != NULL)
			complete(known, one);
		else
			add(releases, rescue_release_copy(one));
	}
}
