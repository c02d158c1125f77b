/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"
#include "core/line/station.h"

/*
 * A daemon below systemd: what its manager is told (sd_notify(3), which is a datagram of lines to a socket, so that no
 * library is needed for it), the watchdog, and fields in the journal. Without systemd all of it does nothing, and
 * sentences go to stderr.
 */
typedef struct RescueService RescueService;

/**
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment, so that children do not
 * speak in our name. While the loop runs the watchdog is fed from it. Never NULL; caller owns.
 */
RescueService *rescue_service_new(void);
/** Accepts NULL. */
void rescue_service_free(RescueService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueService, rescue_service_free)
/** It is up, or up again after a reload. `status`: one line for `systemctl status`. */
void rescue_service_ready(const RescueService *service, const char *status);
/** Only that line. */
void rescue_service_status(const RescueService *service, const char *status);
void rescue_service_reloading(const RescueService *service);
void rescue_service_stopping(const RescueService *service, const char *status);

/** syslog's severities, as far as they are used here. */
typedef enum {
	RESCUE_SERVICE_WARNING = 4,
	RESCUE_SERVICE_NOTICE = 5,
	RESCUE_SERVICE_INFO = 6,
} RescueServicePriority;

/**
 * A sentence for people: into the journal, with the fields of service-field.def as far as `about` (NULL: nothing) has
 * them, when stderr leads there; else a line on stderr.
 */
void rescue_service_say(RescueServicePriority priority, const char *sentence,
			const RescueJson *about);
/** "RESCUE_SLOT=A3" …, what would be told beside a sentence; caller frees with g_strfreev(). */
char **rescue_service_fields(const RescueJson *about);
/** "64 ports, 12 running, 2 needs-operator": for the status; caller frees. */
char *rescue_service_describe(const RescueStation *station);
