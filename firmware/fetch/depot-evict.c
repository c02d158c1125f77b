/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "firmware/fetch/depot-internal.h"
#include "firmware/fetch/image.h"

#define SPARE_BYTES (UINT64_C(64) * 1000 * 1000) /* journals and transcripts need room, too */
/* between the end of a fetch and the job that holds the file lies a moment */
#define FRESH_US (60 * G_USEC_PER_SEC)

static int
by_use(gconstpointer a, gconstpointer b)
{
	const RescueStored *x = *(RescueStored *const *)a, *y = *(RescueStored *const *)b;

	if (x->damaged != y->damaged)
		return x->damaged ? -1 : 1;
	if (x->used_us != y->used_us)
		return x->used_us < y->used_us ? -1 : 1;
	return strcmp(x->release->sha256, y->release->sha256);
}

/* several releases may share one content: it is counted once, as used as the last of them */
static GPtrArray *
merge_contents(const GPtrArray *stored)
{
	GPtrArray *merged = g_ptr_array_new();

	for (guint i = 0; i < stored->len; i++) {
		RescueStored *one = g_ptr_array_index(stored, i);
		bool known = false;
		for (guint k = 0; k < merged->len && !known; k++)
			known = strcmp(((RescueStored *)merged->pdata[k])->release->sha256,
				       one->release->sha256) == 0;
		if (!known)
			g_ptr_array_add(merged, one);
	}
	g_ptr_array_sort(merged, by_use);
	return merged;
}

GPtrArray *
rescue_depot_choose_victims(const GPtrArray *stored, uint64_t limit, uint64_t need)
{
	g_autoptr(GPtrArray) all = merge_contents(stored);
	GPtrArray *victims = g_ptr_array_new();
	uint64_t total = 0, freed = 0;

	for (guint i = 0; i < all->len; i++)
		total += ((RescueStored *)all->pdata[i])->size_bytes;
	for (guint i = 0; i < all->len; i++) {
		RescueStored *one = all->pdata[i];
		bool enough = freed >= need && (limit == 0 || total - freed <= limit);
		if (one->in_use || (enough && !one->damaged))
			continue;
		g_ptr_array_add(victims, one);
		freed += one->size_bytes;
	}
	return victims;
}

static uint64_t
evict_contents(const RescueDepot *depot, GPtrArray *stored, uint64_t limit, uint64_t need)
{
	g_autoptr(GPtrArray) victims = NULL;
	int64_t now_us = g_get_real_time();
	uint64_t freed = 0;

	for (guint i = 0; i < stored->len; i++) {
		RescueStored *one = stored->pdata[i];
		one->in_use |= !one->damaged && one->used_us > now_us - FRESH_US &&
			       one->used_us <= now_us;
	}
	victims = rescue_depot_choose_victims(stored, limit, need);
	for (guint i = 0; i < victims->len; i++) {
		const RescueStored *victim = victims->pdata[i];
		if (rescue_depot_remove(depot, victim->release->sha256, NULL))
			freed += victim->size_bytes;
	}
	return freed;
}

static uint64_t
sum_contents(const GPtrArray *stored)
{
	g_autoptr(GPtrArray) contents = merge_contents(stored);
	uint64_t bytes = 0;

	for (guint i = 0; i < contents->len; i++)
		bytes += ((RescueStored *)contents->pdata[i])->size_bytes;
	return bytes;
}

static uint64_t
sum_images(const RescueDepot *depot)
{
	g_autoptr(GPtrArray) images = rescue_depot_images(depot);
	uint64_t bytes = 0;

	for (guint i = 0; i < images->len; i++)
		bytes += ((RescueImage *)images->pdata[i])->size_bytes;
	return bytes;
}

/* images first: what is lost with one is made again in seconds, without a network */
uint64_t
rescue_depot_evict(const RescueDepot *depot, uint64_t limit, uint64_t need)
{
	g_autoptr(GPtrArray) stored = rescue_depot_list(depot);
	uint64_t total = sum_contents(stored) + sum_images(depot), left = 0;
	uint64_t excess = limit > 0 && total > limit ? MAX(need, total - limit) : need;
	uint64_t freed = rescue_depot_evict_images(depot, excess, &left);

	if (limit > 0)
		limit = limit > left ? limit - left : 1;
	return freed + evict_contents(depot, stored, limit, need > freed ? need - freed : 0);
}

static uint64_t
free_bytes(const char *dir)
{
	struct statvfs info;

	return statvfs(dir, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : G_MAXUINT64;
}

bool
rescue_depot_make_room(const RescueDepot *depot, uint64_t limit, uint64_t size, uint64_t missing,
		       GError **error)
{
	uint64_t need = missing + SPARE_BYTES;

	if (limit > 0)
		(void)rescue_depot_evict(depot, limit > size ? limit - size : 1, 0);
	if (free_bytes(depot->dir) < need)
		(void)rescue_depot_evict(depot, 0, need - free_bytes(depot->dir));
	if (free_bytes(depot->dir) >= need)
		return true;
	g_autofree char *wanted = rescue_format_size(need);
	g_autofree char *have = rescue_format_size(free_bytes(depot->dir));
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_SPACE,
		    "the firmware needs %s below ‘%s’, %s are free", wanted, depot->dir, have);
	return false;
}

/* "KEY" and "KEY.state" are one; who holds the lock of KEY is at work on them */
static uint64_t
sweep_one(const RescueDepot *depot, const char *key, int64_t before_us)
{
	g_autofree char *path = g_build_filename(depot->dir, "partial", key, NULL);
	g_autofree char *state = g_strconcat(path, ".state", NULL);
	g_autofree char *name = g_strconcat("fetch-", key, NULL);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat status;
	uint64_t freed = 0;
	int fd = rescue_depot_open_lock(depot, name, NULL);

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0 && stat(path, &status) == 0 &&
	    (int64_t)status.st_mtime * G_USEC_PER_SEC < before_us) {
		(void)unlink(state);
		freed = unlink(path) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return freed;
}

uint64_t
rescue_depot_sweep(const RescueDepot *depot, int64_t age_us)
{
	g_autofree char *path = g_build_filename(depot->dir, "partial", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	int64_t before_us = g_get_real_time() - age_us;
	uint64_t freed = 0;
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		if (!g_str_has_suffix(name, ".state"))
			freed += sweep_one(depot, name, before_us);
	return freed;
}
