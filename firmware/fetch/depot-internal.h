/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <sys/stat.h>

#include "firmware/fetch/depot.h"

/* Shared by depot.c (files and records) and depot-lock.c (who holds what), depot-image.c and depot-evict.c. */

struct RescueDepot {
	char *dir;
	char *boot; /* of this start of the computer */
};

#define DEPOT_RECORD_MAX_BYTES (64u * 1024)

/** What of a file changes when somebody writes to it; caller frees. */
char *rescue_depot_describe_state(const struct stat *status);
/** F_RDLCK or F_WRLCK on an open lock file, at once or not at all. */
bool rescue_depot_try_lock(int fd, short type);
/** Somebody holds a lock on it, in this process or another. */
bool rescue_depot_is_locked(int fd);
/** It is an argument of another process that lives: of an engine that outlived its job, for one. */
bool rescue_depot_is_given(const char *path);
/** Caller frees. */
char *rescue_depot_content_path(const RescueDepot *depot, const char *sha256);
/** A lock file, made when it is not there; -1 with error. */
int rescue_depot_open_lock(const RescueDepot *depot, const char *name, GError **error);
/** By its lock, or because a process that lives has been given its path. */
bool rescue_depot_is_held(const RescueDepot *depot, const char *sha256);
/** Wall time at which it was held last; 0: never. */
int64_t rescue_depot_last_use(const RescueDepot *depot, const char *sha256);
/** Takes the content for its removal: a descriptor, or -1 when it is in use. */
int rescue_depot_seize(const RescueDepot *depot, const char *sha256);
