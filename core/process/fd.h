/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <errno.h>
#include <unistd.h>

/*
 * Inner part of core/process: a descriptor as a variable, -1 when there is none. errno stays as it
 * was.
 */

static inline void
rescue_fd_clear(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static inline int
rescue_fd_steal(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define rescue_autofd __attribute__((cleanup(rescue_fd_clear))) int
