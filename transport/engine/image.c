/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define FIRST_GENERATION_EXTENSION 6u /* with its dot */

static bool
is_extension(const char *dot, int generation)
{
	if (dot == NULL)
		return false;
	return generation > 1 ? g_ascii_isalpha(dot[1]) : strlen(dot) <= FIRST_GENERATION_EXTENSION;
}

char *
rescue_image_place_path(const RescueImagePlace *place)
{
	g_autofree char *name = g_path_get_basename(place->ipsw);
	char *dot = strrchr(name, '.');

	if (is_extension(dot, place->generation))
		*dot = '\0';
	return g_build_filename(place->cache_dir, name, place->member, NULL);
}

/* a copy of its own that shares the bytes until somebody writes to it */
static bool
share(const char *image, const char *path)
{
	int from = open(image, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	bool fine = from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0;

	if (from >= 0)
		(void)close(from);
	if (to >= 0)
		(void)close(to);
	if (to >= 0 && !fine)
		(void)unlink(path);
	return fine;
}

static bool
check_size(const RescueImagePlace *place, GError **error)
{
	struct stat status;

	if (stat(place->image, &status) < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot look at ‘%s’: %s",
			    place->image, g_strerror(errno));
		return false;
	}
	if (S_ISREG(status.st_mode) && (uint64_t)status.st_size == place->image_bytes)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "‘%s’ is not the system image any more that was unpacked there", place->image);
	return false;
}

bool
rescue_image_place(const RescueImagePlace *place, GError **error)
{
	g_autofree char *path = rescue_image_place_path(place);
	g_autofree char *folder = g_path_get_dirname(path);

	if (!rescue_path_is_below(path, place->cache_dir)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the firmware calls its system image ‘%s’", place->member);
		return false;
	}
	if (!check_size(place, error) || !rescue_path_make_dir(folder, error))
		return false;
	/* a hard link is refused for files of other people, and on another filesystem */
	if (share(place->image, path) || link(place->image, path) == 0 ||
	    symlink(place->image, path) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot make ‘%s’: %s", path,
		    g_strerror(errno));
	return false;
}
