/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/acquire.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "firmware/fetch/web.h"

#define LOOK_MS     250u           /* at the download of somebody else */
#define COUNT_US    G_USEC_PER_SEC /* how long a count of downloads is good */
#define INDEX_BYTES (64u * 1024)
#define MIRROR_MS   5000u

typedef struct {
	const RescueAcquireSpec *spec;
	const RescueRelease *release;
	char *mirror_sha256; /* where the mirror has it */
	GPtrArray *urls;
	unsigned downloads; /* that share the station's bandwidth */
	int64_t counted_us;
} Acquire;

static void
tell(const Acquire *acquire, uint64_t bytes, uint64_t total, const char *text)
{
	const RescueTransferNews news = { .bytes = bytes, .total = total, .text = text };

	if (acquire->spec->listener != NULL)
		acquire->spec->listener(&news, acquire->spec->data);
}

/* ---- it is here already ----------------------------------------------------------------------- */

/* a file that is not what it was is as good as none */
static RescueStored *
find_proven(const Acquire *acquire)
{
	const RescueAcquireSpec *spec = acquire->spec;
	g_autoptr(RescueStored) stored = rescue_depot_find(spec->depot, acquire->release);
	g_autoptr(GError) error = NULL;

	if (stored == NULL || (stored->proven && !spec->distrust))
		return g_steal_pointer(&stored);
	tell(acquire, 0, stored->size_bytes, "checking the file that is here already");
	if (rescue_depot_verify(spec->depot, stored, &error))
		return g_steal_pointer(&stored);
	tell(acquire, 0, 0, error->message);
	(void)rescue_depot_remove(spec->depot, stored->release->sha256, NULL);
	return NULL;
}

/* another release may have brought the very same file */
static bool
note_release(const Acquire *acquire, const RescueStored *stored, GError **error)
{
	if (strcmp(stored->release->product, acquire->release->product) == 0 &&
	    strcmp(stored->release->build, acquire->release->build) == 0)
		return true;
	return rescue_depot_record(acquire->spec->depot, acquire->release, stored->release->sha256,
				   false, error);
}

/* ---- somebody else fetches it ----------------------------------------------------------------- */

typedef struct {
	const Acquire *acquire;
	GMainLoop *loop;
	char *partial;
	int lock;
	GError *error;
} Wait;

static gboolean
look(gpointer data)
{
	Wait *wait = data;
	const RescueAcquireSpec *spec = wait->acquire->spec;
	uint64_t bytes, size;

	wait->lock = rescue_depot_lock_fetch(spec->depot, wait->acquire->release, &wait->error);
	if (wait->lock >= 0 || wait->error != NULL) {
		g_main_loop_quit(wait->loop);
		return G_SOURCE_CONTINUE;
	}
	if (rescue_partial_peek(wait->partial, &bytes, &size))
		tell(wait->acquire, bytes, size, NULL);
	return G_SOURCE_CONTINUE;
}

/* the lock of this download: at once, or when its holder has finished or died */
static int
await_lock(const Acquire *acquire, GError **error)
{
	const RescueAcquireSpec *spec = acquire->spec;
	Wait wait = { .acquire = acquire, .error = NULL };
	guint source;

	wait.lock = rescue_depot_lock_fetch(spec->depot, acquire->release, &wait.error);
	if (wait.lock < 0 && wait.error == NULL) {
		tell(acquire, 0, 0, "another job is fetching this file; following it");
		wait.loop = g_main_loop_new(NULL, FALSE);
		wait.partial = rescue_depot_partial_path(spec->depot, acquire->release);
		source = g_timeout_add(LOOK_MS, look, &wait);
		g_main_loop_run(wait.loop);
		g_source_remove(source);
		g_main_loop_unref(wait.loop);
		g_free(wait.partial);
	}
	if (wait.error != NULL)
		g_propagate_error(error, wait.error);
	return wait.lock;
}

/* ---- we fetch it ------------------------------------------------------------------------------ */

/* a release without digest may have one in the mirror's index; what else it says is not taken */
static void
ask_mirror(Acquire *acquire)
{
	g_autofree char *name = rescue_release_name(acquire->release);
	g_autofree char *url = g_strconcat(acquire->spec->mirror, "/index/", name, ".json", NULL);
	g_auto(RescueWebAnswer) answer = { 0 };
	g_autoptr(RescueJson) json = NULL;

	if (rescue_web_get(url, INDEX_BYTES, MIRROR_MS, &answer, NULL) && answer.text != NULL)
		json = rescue_json_parse(answer.text, answer.size, NULL);
	if (json != NULL)
		(void)rescue_release_set_hash(&acquire->mirror_sha256,
					      rescue_json_get_string(json, "sha256"), 64);
}

static void
collect_urls(Acquire *acquire)
{
	const char *mirror = acquire->spec->mirror;
	const RescueRelease *release = acquire->release;

	acquire->mirror_sha256 = g_strdup(release->sha256);
	if (mirror != NULL && release->sha256 == NULL)
		ask_mirror(acquire);
	if (mirror != NULL && acquire->mirror_sha256 != NULL)
		g_ptr_array_add(acquire->urls, g_strconcat(mirror, "/content/",
							   acquire->mirror_sha256, ".ipsw", NULL));
	for (char **url = release->urls; *url != NULL; url++)
		g_ptr_array_add(acquire->urls, g_strdup(*url));
	g_ptr_array_add(acquire->urls, NULL);
}

static bool
make_room(const Acquire *acquire, const char *partial, GError **error)
{
	uint64_t size = acquire->release->size_bytes;
	struct stat status;
	uint64_t here = stat(partial, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;

	return rescue_depot_make_room(acquire->spec->depot, acquire->spec->size_limit, size,
				      size > here ? size - here : 0, error);
}

/* the station's bandwidth is divided among its downloads */
static double
get_share(void *data)
{
	Acquire *acquire = data;
	int64_t now_us = g_get_monotonic_time();

	if (acquire->spec->rate_limit <= 0)
		return 0;
	if (acquire->downloads == 0 || now_us - acquire->counted_us > COUNT_US) {
		acquire->downloads = rescue_depot_count_downloads(acquire->spec->depot);
		acquire->counted_us = now_us;
	}
	return MAX(acquire->spec->rate_limit / acquire->downloads, 1);
}

static void
pass_on(const RescueTransferNews *news, void *data)
{
	const Acquire *acquire = data;

	if (acquire->spec->listener != NULL)
		acquire->spec->listener(news, acquire->spec->data);
}

static RescueStored *
store(const Acquire *acquire, RescuePartial *partial, const RescueTransferResult *result,
      GError **error)
{
	g_autoptr(RescueStored) stored = g_new0(RescueStored, 1);

	stored->release = rescue_release_copy(acquire->release);
	stored->size_bytes = stored->release->size_bytes = result->size;
	if (result->sha1 != NULL)
		(void)rescue_release_set_hash(&stored->release->sha1, result->sha1, 40);
	(void)rescue_release_set_hash(&stored->release->sha256, result->sha256, 64);
	stored->proven = true;
	if (!rescue_depot_store(acquire->spec->depot, stored->release, result->sha256, partial,
				&stored->path, error))
		return NULL;
	return g_steal_pointer(&stored);
}

static RescueStored *
fetch(Acquire *acquire, const char *path, GError **error)
{
	g_autoptr(RescuePartial) partial = rescue_partial_open(path, error);
	g_auto(RescueTransferResult) result = { 0 };
	const RescueTransferSpec spec = {
		.partial = partial,
		.urls = (char *const *)acquire->urls->pdata,
		.size = acquire->release->size_bytes,
		.sha256 = acquire->release->sha256,
		.sha1 = acquire->release->sha1,
		.patience_ms = acquire->spec->patience_ms,
		.listener = pass_on,
		.share = get_share,
		.data = acquire,
	};

	if (partial == NULL || !rescue_transfer_run(&spec, &result, error))
		return NULL;
	return store(acquire, partial, &result, error);
}

static RescueStored *
fetch_locked(Acquire *acquire, const char *path, GError **error)
{
	g_autoptr(RescueStored)
	    stored = find_proven(acquire); /* who held the lock may have brought it */
	int place;

	if (stored != NULL)
		return g_steal_pointer(&stored);
	collect_urls(acquire);
	if (!make_room(acquire, path, error))
		return NULL;
	place = rescue_depot_join_downloads(acquire->spec->depot);
	stored = fetch(acquire, path, error);
	if (place >= 0)
		(void)close(place);
	return g_steal_pointer(&stored);
}

static RescueStored *
fetch_or_follow(Acquire *acquire, GError **error)
{
	g_autofree char *path = rescue_depot_partial_path(acquire->spec->depot, acquire->release);
	int lock = await_lock(acquire, error);
	RescueStored *stored = lock >= 0 ? fetch_locked(acquire, path, error) : NULL;

	if (lock >= 0)
		(void)close(lock);
	return stored;
}

/* from now on until it is held by the job it counts as just used */
static void
touch(const Acquire *acquire, const RescueStored *stored)
{
	int fd = rescue_depot_hold(acquire->spec->depot, stored->release->sha256, NULL);

	if (fd >= 0)
		(void)close(fd);
}

RescueStored *
rescue_acquire(const RescueAcquireSpec *spec, GError **error)
{
	Acquire acquire = { .spec = spec,
			    .release = spec->release,
			    .urls = g_ptr_array_new_with_free_func(g_free) };
	g_autoptr(RescueStored) stored = find_proven(&acquire);

	if (stored == NULL)
		stored = fetch_or_follow(&acquire, error);
	if (stored != NULL && !note_release(&acquire, stored, error))
		g_clear_pointer(&stored, rescue_stored_free);
	if (stored != NULL)
		touch(&acquire, stored);
	g_free(acquire.mirror_sha256);
	g_ptr_array_unref(acquire.urls);
	return g_steal_pointer(&stored);
}
