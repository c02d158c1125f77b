/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/tree.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

/* Descriptors that a walk may use. */
#define WALK_FDS 16
/* Folders within folders; packages have no more than a dozen. */
#define MAX_DEPTH  64
#define BLOCK_SIZE 512u /* of st_blocks, on every system */

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)remove(path); /* what is left is told by the disk's usage */
	return 0;
}

void
rescue_tree_remove(const char *path)
{
	(void)nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static uint64_t
measure(const char *path, unsigned depth)
{
	struct stat status;
	uint64_t bytes;
	const char *name;

	if (lstat(path, &status) != 0)
		return 0;
	bytes = (uint64_t)status.st_blocks * BLOCK_SIZE;
	if (!S_ISDIR(status.st_mode) || depth == 0)
		return bytes;
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		bytes += measure(inner, depth - 1);
	}
	return bytes;
}

uint64_t
rescue_tree_size(const char *path)
{
	return measure(path, MAX_DEPTH);
}
