/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Preloaded in front of libumockdev-preload.so.0. That one turns a uevent socket into a UNIX socket
 * called "event<fd>" in UMOCKDEV_DIR and removes what had that name, so a second process deafens
 * the first. Here the socket gets a name of its own right after it was bound; a lock keeps the
 * moment between the two to us.
 */

typedef int (*BindFunction)(int fd, const struct sockaddr *address, socklen_t size);

static BindFunction
next_bind(void)
{
	static BindFunction next;
	if (next == NULL) {
		void *found = dlsym(RTLD_NEXT, "bind");
		memcpy(&next, &found, sizeof(next));
	}
	return next;
}

static void
give_own_name(int fd, const char *directory)
{
	static unsigned count;
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address);
	char own[sizeof(address.sun_path)];

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    address.sun_family != AF_UNIX)
		return;
	unsigned number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	int length = snprintf(own, sizeof(own), "%s/event%d-%ld-%u", directory, fd, (long)getpid(),
			      number);
	if (length > 0 && (size_t)length < sizeof(own))
		(void)rename(address.sun_path, own); /* keeps the shared name: deaf at worst */
}

int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	const char *directory = getenv("UMOCKDEV_DIR");
	if (directory == NULL || address == NULL || address->sa_family != AF_NETLINK)
		return next_bind()(fd, address, size);

	int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock >= 0)
		(void)flock(lock, LOCK_EX);
	int rc = next_bind()(fd, address, size);
	int saved = errno;
	if (rc == 0)
		give_own_name(fd, directory);
	if (lock >= 0)
		close(lock);
	errno = saved;
	return rc;
}
