/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/json.h"

/* One request to the daemon of a line, over the Unix socket in its state folder. Blocks up to a deadline. */

/** STATE/line/socket; caller frees. */
char *rescue_line_socket(const char *state_dir);

/** What is asked. All borrowed. */
typedef struct {
	const char *socket;
	const char *method; /* "GET" */
	const char *path;   /* with its query, encoded */
	const char *body;   /* JSON; NULL: none */
} RescueLineRequest;

/**
 * The text of the answer; caller frees. On failure a sentence that says what to do: HOST_IO when no daemon answers,
 * BAD_INPUT for a request that it refuses, BUSY for one that it cannot do now.
 */
char *rescue_line_ask(const RescueLineRequest *request, GError **error);
/** The same for an answer that is JSON; caller owns. */
RescueJson *rescue_line_ask_json(const RescueLineRequest *request, GError **error);
/** A connection on which the daemon tells what changes, as long as it lives; nothing was read from it. Caller owns. */
GSocketConnection *rescue_line_listen(const char *socket, GError **error);
