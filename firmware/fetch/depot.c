/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/depot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/failure/failure.h"
#include "firmware/fetch/depot-internal.h"
#include "firmware/fetch/digest.h"

#define BOOT_ID       "/proc/sys/kernel/random/boot_id"
#define DIGEST_DIGITS 64u

static const char *const folders[] = { "content", "index", "partial", "prepared", "lock" };

/* ---- the folder ------------------------------------------------------------------------------- */

/* readable for a web server that makes a mirror of it */
static bool
make_folders(const char *dir, GError **error)
{
	if (!rescue_path_make_dir(dir, error))
		return false;
	(void)chmod(dir, 0755); /* one that belongs to somebody else is as they want it */
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(dir, folders[i], NULL);
		if (mkdir(path, 0755) == 0 || errno == EEXIST)
			continue;
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot make ‘%s’: %s", path,
			    g_strerror(errno));
		return false;
	}
	return true;
}

RescueDepot *
rescue_depot_open(const char *dir, GError **error)
{
	g_autoptr(RescueDepot) depot = g_new0(RescueDepot, 1);
	size_t size;

	if (!make_folders(dir, error))
		return NULL;
	depot->dir = g_strdup(dir);
	/* where the kernel does not tell it nothing is ever proven, and everything digested again */
	depot->boot = rescue_path_read(BOOT_ID, 128, &size, NULL);
	if (depot->boot != NULL)
		g_strstrip(depot->boot);
	return g_steal_pointer(&depot);
}

void
rescue_depot_close(RescueDepot *depot)
{
	if (depot == NULL)
		return;
	g_free(depot->dir);
	g_free(depot->boot);
	g_free(depot);
}

const char *
rescue_depot_dir(const RescueDepot *depot)
{
	return depot->dir;
}

char *
rescue_depot_content_path(const RescueDepot *depot, const char *sha256)
{
	g_autofree char *name = g_strconcat(sha256, ".ipsw", NULL);

	return g_build_filename(depot->dir, "content", name, NULL);
}

static bool
is_plain_file(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool
rescue_depot_is_content(const RescueDepot *depot, const char *sha256, const char *path)
{
	g_autofree char *place = NULL;

	if (sha256 == NULL || strlen(sha256) != DIGEST_DIGITS ||
	    strspn(sha256, "0123456789abcdef") != DIGEST_DIGITS)
		return false;
	place = rescue_depot_content_path(depot, sha256);
	return g_strcmp0(path, place) == 0 && is_plain_file(place);
}

/* ---- records ---------------------------------------------------------------------------------- */

void
rescue_stored_free(RescueStored *stored)
{
	if (stored == NULL)
		return;
	rescue_release_free(stored->release);
	g_free(stored->path);
	g_free(stored);
}

static char *
record_path(const RescueDepot *depot, const RescueRelease *release)
{
	g_autofree char *name = rescue_release_name(release);
	g_autofree char *file = g_strconcat(name, ".json", NULL);

	return g_build_filename(depot->dir, "index", file, NULL);
}

char *
rescue_depot_describe_state(const struct stat *status)
{
	return g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT ".%09ld-%" G_GUINT64_FORMAT,
			       (int64_t)status->st_size, (int64_t)status->st_mtim.tv_sec,
			       status->st_mtim.tv_nsec, (uint64_t)status->st_ino);
}

bool
rescue_depot_record(const RescueDepot *depot, const RescueRelease *release, const char *sha256,
		    bool damaged, GError **error)
{
	g_autoptr(RescueJson) json = rescue_release_to_json(release);
	g_autofree char *path = record_path(depot, release), *state = NULL, *text = NULL;
	g_autofree char *content = rescue_depot_content_path(depot, sha256);
	struct stat status;

	if (stat(content, &status) < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot look at ‘%s’: %s",
			    content, g_strerror(errno));
		return false;
	}
	state = rescue_depot_describe_state(&status);
	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "sha256", sha256);
	rescue_json_set_int(json, "size", (int64_t)status.st_size);
	rescue_json_set_string(json, "proven", damaged ? NULL : state);
	rescue_json_set_string(json, "boot", damaged ? NULL : depot->boot);
	rescue_json_set_bool(json, "damaged", damaged);
	text = rescue_json_dump(json);
	return rescue_path_write(path, text, strlen(text), 0644, error);
}

static bool
is_proven(const RescueDepot *depot, const RescueJson *json, const struct stat *status)
{
	g_autofree char *state = rescue_depot_describe_state(status);

	return depot->boot != NULL &&
	       g_strcmp0(rescue_json_get_string(json, "boot"), depot->boot) == 0 &&
	       g_strcmp0(rescue_json_get_string(json, "proven"), state) == 0;
}

/* NULL for what is no record, and for one whose content is gone */
static RescueStored *
read_record(const RescueDepot *depot, const char *path)
{
	size_t size = 0;
	g_autofree char *text = rescue_path_read(path, DEPOT_RECORD_MAX_BYTES, &size, NULL);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, size, NULL) : NULL;
	g_autoptr(RescueStored) stored = g_new0(RescueStored, 1);
	struct stat status;

	stored->release = json != NULL ? rescue_release_from_json(json) : NULL;
	if (stored->release == NULL || stored->release->sha256 == NULL)
		return NULL;
	stored->path = rescue_depot_content_path(depot, stored->release->sha256);
	if (stat(stored->path, &status) < 0 || !S_ISREG(status.st_mode))
		return NULL;
	stored->size_bytes = (uint64_t)status.st_size;
	stored->proven = is_proven(depot, json, &status);
	stored->damaged = rescue_json_get_bool(json, "damaged", false) ||
			  stored->size_bytes != stored->release->size_bytes;
	stored->used_us = rescue_depot_last_use(depot, stored->release->sha256);
	return g_steal_pointer(&stored);
}

static void
free_stored(void *stored)
{
	rescue_stored_free(stored);
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	const RescueRelease *x = (*(RescueStored *const *)a)->release;
	const RescueRelease *y = (*(RescueStored *const *)b)->release;
	int order = strcmp(x->product, y->product);

	return order != 0 ? order : rescue_build_compare(x->build, y->build);
}

/* in_use is left out: it costs a look at every process */
static GPtrArray *
read_records(const RescueDepot *depot)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(free_stored);
	g_autofree char *index = g_build_filename(depot->dir, "index", NULL);
	g_autoptr(GDir) dir = g_dir_open(index, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(index, name, NULL);
		RescueStored *stored = g_str_has_suffix(name, ".json") ? read_record(depot, path)
								       : NULL;
		if (stored != NULL)
			g_ptr_array_add(all, stored);
	}
	g_ptr_array_sort(all, by_name);
	return all;
}

GPtrArray *
rescue_depot_list(const RescueDepot *depot)
{
	GPtrArray *all = read_records(depot);

	for (guint i = 0; i < all->len; i++) {
		RescueStored *stored = all->pdata[i];
		stored->in_use = rescue_depot_is_held(depot, stored->release->sha256);
	}
	return all;
}

/* digests win over names: a catalogue that names another digest means another file */
static bool
is_content_of(const RescueStored *stored, const RescueRelease *release)
{
	const RescueRelease *here = stored->release;

	if (stored->damaged)
		return false;
	if (release->sha256 != NULL)
		return strcmp(release->sha256, here->sha256) == 0;
	if (release->sha1 != NULL && here->sha1 != NULL)
		return strcmp(release->sha1, here->sha1) == 0;
	return strcmp(release->product, here->product) == 0 &&
	       strcmp(release->build, here->build) == 0;
}

RescueStored *
rescue_depot_find(const RescueDepot *depot, const RescueRelease *release)
{
	g_autoptr(GPtrArray) all = read_records(depot);

	for (guint i = 0; i < all->len; i++)
		if (is_content_of(all->pdata[i], release))
			return g_ptr_array_steal_index(all, i);
	return NULL;
}

/* ---- changes ---------------------------------------------------------------------------------- */

bool
rescue_depot_store(const RescueDepot *depot, const RescueRelease *release, const char *sha256,
		   RescuePartial *partial, char **ret_path, GError **error)
{
	g_autofree char *path = rescue_depot_content_path(depot, sha256);

	if (!rescue_partial_finish(partial, path, error) ||
	    !rescue_depot_record(depot, release, sha256, false, error))
		return false;
	*ret_path = g_steal_pointer(&path);
	return true;
}

void
rescue_depot_forget(const RescueDepot *depot, const RescueRelease *release)
{
	g_autofree char *path = record_path(depot, release);

	(void)unlink(path);
}

static void
remove_records(const RescueDepot *depot, const char *sha256)
{
	g_autoptr(GPtrArray) all = read_records(depot);

	for (guint i = 0; i < all->len; i++) {
		const RescueStored *stored = all->pdata[i];
		g_autofree char *path = record_path(depot, stored->release);
		if (strcmp(stored->release->sha256, sha256) == 0)
			(void)unlink(path); /* one that stays names nothing and is passed over */
	}
}

bool
rescue_depot_remove(const RescueDepot *depot, const char *sha256, GError **error)
{
	g_autofree char *path = rescue_depot_content_path(depot, sha256);
	int lock = rescue_depot_seize(depot, sha256);
	bool gone;

	if (lock < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY, "‘%s’ is in use", path);
		return false;
	}
	remove_records(depot, sha256);
	gone = unlink(path) == 0 || errno == ENOENT;
	if (!gone)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot remove ‘%s’: %s",
			    path, g_strerror(errno));
	(void)close(lock);
	return gone;
}

bool
rescue_depot_verify(const RescueDepot *depot, RescueStored *stored, GError **error)
{
	g_autofree char *sha256 = NULL;

	if (!rescue_digest_file(stored->path, &sha256, NULL, error))
		return false;
	stored->damaged = strcmp(sha256, stored->release->sha256) != 0;
	stored->proven = !stored->damaged;
	if (!rescue_depot_record(depot, stored->release, stored->release->sha256, stored->damaged,
				 error))
		return false;
	if (stored->damaged)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_MISMATCH,
			    "‘%s’ is damaged: its checksum is not that of its download",
			    stored->path);
	return !stored->damaged;
}
