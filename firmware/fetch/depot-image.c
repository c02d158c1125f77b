/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/path.h"
#include "firmware/fetch/depot-internal.h"
#include "firmware/fetch/digest.h"
#include "firmware/fetch/image.h"

#define RECORD ".json"
#define IMAGE  ".img"
#define PART   ".part"

/* between the end of the making and the job that holds the image lies a moment */
#define FRESH_US (60 * G_USEC_PER_SEC)

void
rescue_image_free(RescueImage *image)
{
	if (image == NULL)
		return;
	g_free(image->key);
	g_free(image->path);
	g_free(image->source);
	g_free(image->source_state);
	g_free(image->member);
	g_free(image->sha256);
	g_free(image);
}

char *
rescue_image_source_state(const char *source)
{
	struct stat status;

	return stat(source, &status) == 0 ? rescue_depot_describe_state(&status) : NULL;
}

static char *
place(const RescueDepot *depot, const char *key, const char *suffix)
{
	g_autofree char *name = g_strconcat(key, suffix, NULL);

	return g_build_filename(depot->dir, "prepared", name, NULL);
}

char *
rescue_depot_image_part(const RescueDepot *depot, const char *key)
{
	return place(depot, key, PART);
}

char *
rescue_depot_image_path(const RescueDepot *depot, const char *key)
{
	return place(depot, key, IMAGE);
}

/* a key is also the name of a file: nothing else than digits may come from a folder */
static bool
is_key(const char *text, size_t length)
{
	if (length != RESCUE_IMAGE_KEY_DIGITS)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isxdigit(text[i]))
			return false;
	return true;
}

/* the key in "KEY.img" and the like, NULL when it is something else; caller frees */
static char *
key_of(const char *path, const char *suffix)
{
	g_autofree char *name = g_path_get_basename(path);
	size_t length = strlen(name), tail = strlen(suffix);

	if (length < tail || strcmp(name + length - tail, suffix) != 0 ||
	    !is_key(name, length - tail))
		return NULL;
	return g_strndup(name, length - tail);
}

/* ---- records ---------------------------------------------------------------------------------- */

static bool
write_record(const RescueDepot *depot, const RescueImage *image, GError **error)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	g_autofree char *path = place(depot, image->key, RECORD);
	g_autofree char *state = rescue_image_source_state(image->path), *text = NULL;

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "source", image->source);
	rescue_json_set_string(json, "source_state", image->source_state);
	rescue_json_set_string(json, "member", image->member);
	rescue_json_set_string(json, "sha256", image->sha256);
	rescue_json_set_int(json, "size", (int64_t)image->size_bytes);
	rescue_json_set_string(json, "proven", state);
	rescue_json_set_string(json, "boot", depot->boot);
	text = rescue_json_dump(json);
	return rescue_path_write(path, text, strlen(text), 0644, error);
}

static void
take_texts(RescueImage *image, const RescueJson *json)
{
	image->source = g_strdup(rescue_json_get_string(json, "source"));
	image->source_state = g_strdup(rescue_json_get_string(json, "source_state"));
	image->member = g_strdup(rescue_json_get_string(json, "member"));
	image->sha256 = g_strdup(rescue_json_get_string(json, "sha256"));
}

static bool
fits_file(const RescueDepot *depot, RescueImage *image, const RescueJson *json)
{
	g_autofree char *state = NULL;
	struct stat status;
	int64_t size = -1;

	if (lstat(image->path, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !rescue_json_get_int(json, "size", &size) || size != (int64_t)status.st_size)
		return false;
	state = rescue_depot_describe_state(&status);
	image->size_bytes = (uint64_t)status.st_size;
	image->in_use = status.st_nlink > 1;
	image->proven = depot->boot != NULL &&
			g_strcmp0(rescue_json_get_string(json, "boot"), depot->boot) == 0 &&
			g_strcmp0(rescue_json_get_string(json, "proven"), state) == 0;
	return true;
}

static char *
lock_name(const char *key)
{
	return g_strconcat("image-", key, NULL);
}

static void
look_at_use(const RescueDepot *depot, RescueImage *image)
{
	g_autofree char *name = lock_name(image->key);
	g_autofree char *path = g_build_filename(depot->dir, "lock", name, NULL);
	struct stat status;

	image->used_us = stat(path, &status) == 0 ? (int64_t)status.st_mtime * G_USEC_PER_SEC : 0;
}

RescueImage *
rescue_depot_find_image(const RescueDepot *depot, const char *key)
{
	g_autoptr(RescueImage) image = g_new0(RescueImage, 1);
	g_autofree char *record = place(depot, key, RECORD), *state = NULL;
	size_t size = 0;
	g_autofree char *text = rescue_path_read(record, DEPOT_RECORD_MAX_BYTES, &size, NULL);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, size, NULL) : NULL;

	if (json == NULL)
		return NULL;
	image->key = g_strdup(key);
	image->path = rescue_depot_image_path(depot, key);
	take_texts(image, json);
	if (image->source == NULL || image->member == NULL || image->sha256 == NULL ||
	    !fits_file(depot, image, json))
		return NULL;
	state = rescue_image_source_state(image->source);
	image->orphaned = state == NULL || g_strcmp0(state, image->source_state) != 0;
	look_at_use(depot, image);
	return g_steal_pointer(&image);
}

static bool
is_locked(const RescueDepot *depot, const char *key)
{
	g_autofree char *name = lock_name(key);
	int fd = rescue_depot_open_lock(depot, name, NULL);
	bool locked = fd >= 0 && rescue_depot_is_locked(fd);

	if (fd >= 0)
		(void)close(fd);
	return locked;
}

static void
free_image(void *image)
{
	rescue_image_free(image);
}

GPtrArray *
rescue_depot_images(const RescueDepot *depot)
{
	GPtrArray *images = g_ptr_array_new_with_free_func(free_image);
	g_autofree char *folder = g_build_filename(depot->dir, "prepared", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *key = key_of(name, RECORD);
		RescueImage *image = key != NULL ? rescue_depot_find_image(depot, key) : NULL;
		if (image == NULL)
			continue;
		image->in_use = image->in_use || is_locked(depot, key) ||
				rescue_depot_is_given(image->source);
		g_ptr_array_add(images, image);
	}
	return images;
}

/* ---- changes ---------------------------------------------------------------------------------- */

bool
rescue_depot_keep_image(const RescueDepot *depot, const RescueImage *image, GError **error)
{
	g_autofree char *part = rescue_depot_image_part(depot, image->key);

	if (chmod(part, 0444) == 0 && rename(part, image->path) == 0)
		return write_record(depot, image, error);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot keep ‘%s’: %s", image->path,
		    g_strerror(errno));
	return false;
}

static void
unlink_image(const RescueDepot *depot, const char *key)
{
	static const char *const suffixes[] = { RECORD, IMAGE, PART };

	/* the record first: an image without one is none */
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *path = place(depot, key, suffixes[i]);
		(void)unlink(path);
	}
}

bool
rescue_depot_prove_image(const RescueDepot *depot, RescueImage *image)
{
	g_autofree char *sha256 = NULL;

	if (image->proven)
		return true;
	image->proven = rescue_digest_file(image->path, &sha256, NULL, NULL) &&
			strcmp(sha256, image->sha256) == 0 && write_record(depot, image, NULL);
	/* whoever has a link to it keeps what it has */
	if (!image->proven)
		unlink_image(depot, image->key);
	return image->proven;
}

int
rescue_depot_lock_image(const RescueDepot *depot, const char *key, GError **error)
{
	g_autofree char *name = g_strconcat("prepare-", key, NULL);
	int fd = rescue_depot_open_lock(depot, name, error);

	if (fd < 0 || rescue_depot_try_lock(fd, F_WRLCK))
		return fd;
	(void)close(fd);
	return -1;
}

int
rescue_depot_hold_image(const RescueDepot *depot, const char *path, GError **error)
{
	g_autofree char *key = key_of(path, IMAGE);
	g_autofree char *place = key != NULL ? rescue_depot_image_path(depot, key) : NULL;
	g_autofree char *name = g_strcmp0(path, place) == 0 ? lock_name(key) : NULL;
	int fd = name != NULL ? rescue_depot_open_lock(depot, name, error) : -1;

	if (fd >= 0 && rescue_depot_try_lock(fd, F_RDLCK) && access(path, R_OK) == 0) {
		(void)futimens(fd, NULL); /* now; what is not noted is evicted a little early */
		return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	if (error != NULL && *error == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    name != NULL ? "‘%s’ was removed a moment ago"
					 : "‘%s’ is no unpacked image of the depot; it is not used",
			    path);
	return -1;
}

bool
rescue_depot_remove_image(const RescueDepot *depot, const RescueImage *image)
{
	g_autofree char *name = lock_name(image->key);
	int fd = rescue_depot_open_lock(depot, name, NULL);
	struct stat status;
	bool free = fd >= 0 && rescue_depot_try_lock(fd, F_WRLCK) &&
		    stat(image->path, &status) == 0 && status.st_nlink == 1 &&
		    !rescue_depot_is_given(image->source);

	if (free)
		unlink_image(depot, image->key);
	if (fd >= 0)
		(void)close(fd);
	return free;
}

/* ---- eviction --------------------------------------------------------------------------------- */

static int
by_use(gconstpointer a, gconstpointer b)
{
	const RescueImage *x = *(RescueImage *const *)a, *y = *(RescueImage *const *)b;

	if (x->orphaned != y->orphaned)
		return x->orphaned ? -1 : 1;
	if (x->used_us != y->used_us)
		return x->used_us < y->used_us ? -1 : 1;
	return strcmp(x->key, y->key);
}

GPtrArray *
rescue_depot_choose_images(const GPtrArray *images, uint64_t excess)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	GPtrArray *victims = g_ptr_array_new();
	uint64_t freed = 0;

	for (guint i = 0; i < images->len; i++)
		g_ptr_array_add(sorted, g_ptr_array_index(images, i));
	g_ptr_array_sort(sorted, by_use);
	for (guint i = 0; i < sorted->len; i++) {
		RescueImage *image = sorted->pdata[i];
		if (image->in_use || (freed >= excess && !image->orphaned))
			continue;
		g_ptr_array_add(victims, image);
		freed += image->size_bytes;
	}
	return victims;
}

/* what a kill left behind: a part, or an image without a record, that nobody is at work on */
static uint64_t
sweep_one(const RescueDepot *depot, const char *path, const char *key)
{
	g_autoptr(RescueImage) image = rescue_depot_find_image(depot, key);
	int lock = image == NULL ? rescue_depot_lock_image(depot, key, NULL) : -1;
	struct stat status;
	uint64_t freed = 0;

	if (lock < 0)
		return 0;
	if (stat(path, &status) == 0 && unlink(path) == 0)
		freed = (uint64_t)status.st_blocks * 512;
	(void)close(lock);
	return freed;
}

static uint64_t
sweep(const RescueDepot *depot)
{
	g_autofree char *folder = g_build_filename(depot->dir, "prepared", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	uint64_t freed = 0;
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *key = key_of(name, PART);
		if (key == NULL)
			key = key_of(name, IMAGE);
		if (key != NULL)
			freed += sweep_one(depot, path, key);
	}
	return freed;
}

uint64_t
rescue_depot_evict_images(const RescueDepot *depot, uint64_t excess, uint64_t *ret_left)
{
	uint64_t freed = sweep(depot), left = 0;
	g_autoptr(GPtrArray) images = rescue_depot_images(depot);
	g_autoptr(GPtrArray) victims = NULL;
	int64_t now_us = g_get_real_time();

	for (guint i = 0; i < images->len; i++) {
		RescueImage *image = images->pdata[i];
		left += image->size_bytes;
		image->in_use |= image->used_us > now_us - FRESH_US && image->used_us <= now_us;
	}
	victims = rescue_depot_choose_images(images, excess > freed ? excess - freed : 0);
	for (guint i = 0; i < victims->len; i++) {
		const RescueImage *victim = victims->pdata[i];
		if (!rescue_depot_remove_image(depot, victim))
			continue;
		freed += victim->size_bytes;
		left -= victim->size_bytes;
	}
	*ret_left = left;
	return freed;
}
