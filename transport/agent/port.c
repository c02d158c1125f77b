/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"

/* libirecovery's hotplug thread crashes when off and on are 60 ms apart; from 100 ms on it does not */
#define OFF_MS 500
/* of switching on: the hub may be resetting just now */
#define MAX_TRIES 4

static bool
write_attribute(const char *path, const char *value, GError **error)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t size = (ssize_t)strlen(value);
	bool written = fd >= 0 && write(fd, value, (size_t)size) == size;

	if (!written)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot write ‘%s’: %s",
			    path, g_strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return written;
}

/* nothing is listened to: the port stays off for this long, and not longer */
static void
let_pass(void)
{
	(void)poll(NULL, 0, OFF_MS);
}

static void
hold_signals(void)
{
	static const int polite[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < G_N_ELEMENTS(polite); i++)
		sigaddset(&set, polite[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool
rescue_port_cycle(const char *attribute, GError **error)
{
	bool is_on = false;

	hold_signals(); /* until the end: there is nothing to do after it */
	if (!write_attribute(attribute, "1", error))
		return false;
	for (int tries = 0; tries < MAX_TRIES && !is_on; tries++) {
		let_pass();
		g_clear_error(error);
		is_on = write_attribute(attribute, "0", error);
	}
	return is_on;
}
