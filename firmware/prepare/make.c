/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/prepare/make.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/digest.h"
#include "firmware/ipsw/zip.h"

#define LOOK_MS      250u /* at the work of somebody else */
#define CONTENT_TAIL ".ipsw"
#define SHA256_TEXT  64u

typedef struct {
	const RescueMakeSpec *spec;
	RescueZip *zip;
	const RescueZipEntry *entry; /* borrowed from the archive */
	char *source_state;
	char *key;
	/* while it is written */
	int fd;
	const char *part;
	RescueDigest *digest;
} Make;

static void
make_clear(Make *make)
{
	rescue_zip_free(make->zip);
	g_free(make->source_state);
	g_free(make->key);
	rescue_digest_free(make->digest);
	if (make->fd >= 0)
		(void)close(make->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Make, make_clear)

static void
tell(const Make *make, uint64_t bytes, const char *text)
{
	const RescueTransferNews news = { .bytes = bytes,
					  .total = make->entry->size,
					  .text = text };

	if (make->spec->listener != NULL)
		make->spec->listener(&news, make->spec->data);
}

/* ---- which image ------------------------------------------------------------------------------ */

/* the digest that a file of the depot is called by, NULL for files elsewhere; caller frees */
static char *
content_sha256(const RescueMakeSpec *spec)
{
	g_autofree char *folder = g_build_filename(rescue_depot_dir(spec->depot), "content", NULL);
	g_autofree char *parent = g_path_get_dirname(spec->source);
	g_autofree char *name = g_path_get_basename(spec->source);

	if (strcmp(folder, parent) != 0 || strlen(name) != SHA256_TEXT + strlen(CONTENT_TAIL) ||
	    !g_str_has_suffix(name, CONTENT_TAIL))
		return NULL;
	return g_strndup(name, SHA256_TEXT);
}

/*
 * What is in a file of the depot is known by its digest. Elsewhere the file's place, size and time stand for it, so
 * that gigabytes need not be digested, and the digest of its directory, which has the checksum of every member.
 */
static char *
make_key(const RescueMakeSpec *spec, const RescueZip *zip, const RescueZipEntry *entry)
{
	g_autofree char *sha256 = content_sha256(spec), *file = NULL, *text = NULL;
	struct stat status = { 0 };

	(void)stat(spec->source, &status); /* it is open, so it was there a moment ago */
	file = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT
			       ".%09ld",
			       (uint64_t)status.st_dev, (uint64_t)status.st_ino,
			       (int64_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	text = g_strdup_printf("%s\n%s\n%s\n%" G_GUINT64_FORMAT "\n%08x\n",
			       sha256 != NULL ? sha256 : file, rescue_zip_directory_sha256(zip),
			       entry->name, entry->size, entry->crc);
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

static bool
open_source(Make *make, GError **error)
{
	const RescueMakeSpec *spec = make->spec;

	make->source_state = rescue_image_source_state(spec->source);
	make->zip = rescue_zip_open(spec->source, error);
	if (make->zip == NULL)
		return false;
	make->entry = rescue_zip_find(make->zip, spec->member);
	if (make->entry == NULL || make->entry->size == 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
			    "‘%s’ is not a whole firmware file: it lacks the OS image ‘%s’",
			    spec->source, spec->member);
		return false;
	}
	make->key = make_key(spec, make->zip, make->entry);
	return true;
}

/* ---- it is here already ----------------------------------------------------------------------- */

static RescueImage *
find(const Make *make)
{
	g_autoptr(RescueImage) image = rescue_depot_find_image(make->spec->depot, make->key);

	if (image == NULL || image->size_bytes != make->entry->size)
		return NULL;
	if (!image->proven)
		tell(make, 0, "checking the system image that is here already");
	return rescue_depot_prove_image(make->spec->depot, image) ? g_steal_pointer(&image) : NULL;
}

/* ---- somebody else makes it ------------------------------------------------------------------- */

typedef struct {
	const Make *make;
	GMainLoop *loop;
	char *part;
	uint64_t bytes;
	int64_t heard_us;
	int lock;
	GError *error;
} Wait;

static uint64_t
written(const char *part)
{
	struct stat status;

	return stat(part, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* by what has been written, the lock alone would also be held by one who hangs */
static bool
is_overdue(Wait *wait)
{
	const RescueMakeSpec *spec = wait->make->spec;
	int64_t patience_ms = spec->patience_ms > 0 ? spec->patience_ms
						    : RESCUE_PREPARE_PATIENCE_MS;
	int64_t now_us = g_get_monotonic_time();
	uint64_t bytes = written(wait->part);

	if (bytes != wait->bytes)
		wait->heard_us = now_us;
	wait->bytes = bytes;
	return now_us - wait->heard_us > patience_ms * 1000;
}

static gboolean
look(gpointer data)
{
	Wait *wait = data;
	const Make *make = wait->make;

	wait->lock = rescue_depot_lock_image(make->spec->depot, make->key, &wait->error);
	if (wait->lock < 0 && wait->error == NULL && is_overdue(wait))
		wait->error = g_error_new(RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
					  "another job unpacks the system image and does not get "
					  "on with it");
	if (wait->lock >= 0 || wait->error != NULL)
		g_main_loop_quit(wait->loop);
	else
		tell(make, MIN(wait->bytes, make->entry->size), NULL);
	return G_SOURCE_CONTINUE;
}

static void
await_other(Wait *wait)
{
	guint source;

	tell(wait->make, 0, "another job is unpacking this system image; waiting for it");
	wait->loop = g_main_loop_new(NULL, FALSE);
	wait->part = rescue_depot_image_part(wait->make->spec->depot, wait->make->key);
	wait->heard_us = g_get_monotonic_time();
	source = g_timeout_add(LOOK_MS, look, wait);
	g_main_loop_run(wait->loop);
	g_source_remove(source);
	g_main_loop_unref(wait->loop);
	g_free(wait->part);
}

/* the lock of this image: at once, or when its holder has finished or died; -1 with error */
static int
await_lock(const Make *make, GError **error)
{
	Wait wait = { .make = make };

	wait.lock = rescue_depot_lock_image(make->spec->depot, make->key, &wait.error);
	if (wait.lock < 0 && wait.error == NULL)
		await_other(&wait);
	if (wait.error != NULL)
		g_propagate_error(error, wait.error);
	return wait.lock;
}

/* ---- we make it ------------------------------------------------------------------------------- */

static bool
fail_to_write(const Make *make, int code, GError **error)
{
	g_set_error(error, RESCUE_ERROR,
		    code == ENOSPC || code == EDQUOT ? RESCUE_FAILURE_NO_SPACE
						     : (int)RESCUE_ERROR_HOST_IO,
		    "cannot write ‘%s’: %s", make->part, g_strerror(code));
	return false;
}

static bool
take(const uint8_t *bytes, size_t count, void *data, GError **error)
{
	Make *make = data;
	size_t done = 0;

	rescue_digest_add(make->digest, bytes, count);
	while (done < count) {
		ssize_t wrote = write(make->fd, bytes + done, count - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return fail_to_write(make, errno, error);
		done += (size_t)wrote;
	}
	tell(make, rescue_digest_size(make->digest), NULL);
	return true;
}

/* all of its room at once, where the filesystem can: better no image than half of one */
static bool
open_part(Make *make, GError **error)
{
	(void)unlink(make->part); /* what is left of one whose maker died */
	make->fd = open(make->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (make->fd < 0)
		return fail_to_write(make, errno, error);
	if (fallocate(make->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)make->entry->size) < 0 &&
	    (errno == ENOSPC || errno == EDQUOT))
		return fail_to_write(make, errno, error);
	return true;
}

static RescueImage *
describe(const Make *make)
{
	const RescueMakeSpec *spec = make->spec;
	RescueImage *image = g_new0(RescueImage, 1);

	image->key = g_strdup(make->key);
	image->path = rescue_depot_image_path(spec->depot, make->key);
	image->source = g_strdup(spec->source);
	image->source_state = g_strdup(make->source_state);
	image->member = g_strdup(spec->member);
	image->size_bytes = make->entry->size;
	image->proven = true;
	rescue_digest_finish(make->digest, &image->sha256, &(char *){ NULL });
	return image;
}

static RescueImage *
unpack(Make *make, GError **error)
{
	g_autoptr(RescueImage) image = NULL;

	make->digest = rescue_digest_new(false);
	if (!open_part(make, error) ||
	    !rescue_zip_unpack(make->zip, make->entry, take, make, error)) {
		(void)unlink(make->part);
		return NULL;
	}
	image = describe(make);
	return rescue_depot_keep_image(make->spec->depot, image, error) ? g_steal_pointer(&image)
									: NULL;
}

static RescueImage *
make_locked(Make *make, GError **error)
{
	const RescueMakeSpec *spec = make->spec;
	g_autofree char *part = rescue_depot_image_part(spec->depot, make->key);
	RescueImage *image = find(make); /* who held the lock may have made it */

	if (image != NULL)
		return image;
	if (!rescue_depot_make_room(spec->depot, spec->size_limit, make->entry->size,
				    make->entry->size, error))
		return NULL;
	make->part = part;
	image = unpack(make, error);
	make->part = NULL;
	return image;
}

static RescueImage *
make_or_wait(Make *make, GError **error)
{
	int lock = await_lock(make, error);
	RescueImage *image = lock >= 0 ? make_locked(make, error) : NULL;

	if (lock >= 0)
		(void)close(lock);
	return image;
}

/* from now on until it is held by the job it counts as just used */
static void
touch(const RescueDepot *depot, const RescueImage *image)
{
	int fd = rescue_depot_hold_image(depot, image->path, NULL);

	if (fd >= 0)
		(void)close(fd);
}

/* ---- it is only looked at ---------------------------------------------------------------------- */

typedef struct {
	const Make *make;
	uint64_t bytes;
} Proof;

static bool
take_note(const uint8_t *bytes, size_t count, void *data, GError **error)
{
	Proof *proof = data;

	proof->bytes += count;
	tell(proof->make, proof->bytes, NULL);
	return true;
}

bool
rescue_image_prove(const RescueMakeSpec *spec, GError **error)
{
	g_auto(Make) make = { .spec = spec, .fd = -1 };
	Proof proof = { .make = &make };

	return open_source(&make, error) &&
	       rescue_zip_unpack(make.zip, make.entry, take_note, &proof, error);
}

RescueImage *
rescue_image_make(const RescueMakeSpec *spec, GError **error)
{
	g_auto(Make) make = { .spec = spec, .fd = -1 };
	g_autofree char *sha256 = content_sha256(spec);
	int hold = sha256 != NULL ? rescue_depot_hold(spec->depot, sha256, NULL) : -1;
	RescueImage *image = NULL;

	/* what we read is not evicted for the room that we need */
	if (open_source(&make, error)) {
		image = find(&make);
		if (image == NULL)
			image = make_or_wait(&make, error);
	}
	if (image != NULL)
		touch(spec->depot, image);
	if (hold >= 0)
		(void)close(hold);
	return image;
}
