/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/port.h"

#include <poll.h>
#include <signal.h>

#include "core/base/path.h"

/* libirecovery's hotplug thread crashes when off and on are 60 ms apart; from 100 ms on it does not */
#define OFF_MS 500
/* of switching on: the hub may be resetting just now */
#define MAX_TRIES 4

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
	if (!rescue_path_set(attribute, "1", error))
		return false;
	for (int tries = 0; tries < MAX_TRIES && !is_on; tries++) {
		let_pass();
		g_clear_error(error);
		is_on = rescue_path_set(attribute, "0", error);
	}
	return is_on;
}
