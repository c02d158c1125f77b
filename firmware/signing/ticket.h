/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware/signing/answer.h"

/**
 * Keeps a ticket as a record: STATE/tickets/ECID/BUILD-TIME.json, 0600, with build, time, hash and the ticket itself.
 * A record, not a tool: it is for a nonce that nobody has, and nothing here sends it to a device. *ret_path: where;
 * caller frees. HOST_IO, or INTERNAL without a ticket.
 */
bool rescue_ticket_save(const char *state_dir, const RescueSigningAnswer *answer, int64_t wall_us,
			char **ret_path, GError **error);
