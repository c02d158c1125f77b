/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "cli/line/http-request.h"
#include "cli/line/readers.h"

struct MHD_Connection;

/*
 * A connection whose answer a child reads: it sleeps until that is there, the child was too slow, or the client has
 * gone. Then the library asks once more what to answer.
 */
typedef struct RescueHttpWait RescueHttpWait;

/** The connection goes on, which the library has to be run for. */
typedef void (*RescueHttpWake)(void *data);

/** Takes what `answer` has over; NULL: nobody can read it now, and `answer` says that. Caller owns. */
RescueHttpWait *rescue_http_wait_new(RescueReaders *readers, struct MHD_Connection *connection,
				     RescueHttpAnswer *answer, RescueHttpWake wake, void *data);
/** What to answer; borrowed. */
RescueHttpAnswer *rescue_http_wait_answer(RescueHttpWait *wait);
/** Nobody is to wait any more: the child is ended and the connection goes on with a refusal. */
void rescue_http_wait_end(RescueHttpWait *wait, const char *sentence);
/** When the connection's request is over. Accepts NULL. */
void rescue_http_wait_free(RescueHttpWait *wait);
