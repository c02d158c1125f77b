/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/workdir.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define TRANSCRIPT "transcript.log"
#define RELAY_LOG  "relay.log"
#define CACHE      "cache"

/*
 * Folders of one attempt number: each but the last belongs to a supervisor that died at the worst
 * moment.
 */
#define MAX_SAME_NUMBER 1000u
/* Descriptors that removing a tree may use. */
#define REMOVE_FDS 16

void
rescue_workdir_clear(RescueWorkdir *workdir)
{
	g_free(workdir->dir);
	g_free(workdir->transcript);
	g_free(workdir->relay_log);
	g_free(workdir->cache);
	*workdir = (RescueWorkdir){ .dir = NULL };
}

/** Takes `dir` over. */
static void
set_dir(RescueWorkdir *workdir, char *dir)
{
	rescue_workdir_clear(workdir);
	workdir->dir = dir;
	workdir->transcript = g_build_filename(dir, TRANSCRIPT, NULL);
	workdir->relay_log = g_build_filename(dir, RELAY_LOG, NULL);
	workdir->cache = g_build_filename(dir, CACHE, NULL);
}

static char *
make_new_dir(const char *work_root, unsigned attempt)
{
	for (unsigned i = 1; i <= MAX_SAME_NUMBER; i++) {
		g_autofree char *name = i == 1 ? g_strdup_printf("attempt-%u", attempt)
					       : g_strdup_printf("attempt-%u.%u", attempt, i);
		g_autofree char *dir = g_build_filename(work_root, name, NULL);
		if (mkdir(dir, 0700) == 0)
			return g_steal_pointer(&dir);
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}

bool
rescue_workdir_make(RescueWorkdir *workdir, const char *work_root, unsigned attempt, GError **error)
{
	/* absolute: the engine gets these paths and works in another folder */
	g_autofree char *root = g_canonicalize_filename(work_root, NULL);

	if (!rescue_path_make_dir(root, error))
		return false;
	char *dir = make_new_dir(root, attempt);
	if (dir == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot make a folder for attempt %u in ‘%s’: %s", attempt, root,
			    g_strerror(errno));
		return false;
	}
	set_dir(workdir, dir);
	return rescue_path_make_dir(workdir->cache, error);
}

bool
rescue_workdir_of(RescueWorkdir *workdir, const char *work_root, const char *transcript)
{
	g_autofree char *root = g_canonicalize_filename(work_root, NULL);

	if (transcript == NULL || !rescue_path_is_below(transcript, root))
		return false;
	set_dir(workdir, g_path_get_dirname(transcript));
	return true;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)remove(path); /* what is left is told by the disk's usage, not by the restore */
	return 0;
}

void
rescue_workdir_remove_cache(const RescueWorkdir *workdir)
{
	if (workdir->cache != NULL)
		(void)nftw(workdir->cache, remove_entry, REMOVE_FDS,
			   FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
