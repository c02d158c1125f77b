/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "core/failure/failure.h"

/* Which tickets a request of the engine asks for, and what its refusal means. Pure. */

/** "ApImg4Ticket", "BBTicket", "SE,Ticket", … by their marks in the request; empty when it is none. Caller frees. */
char **rescue_tss_wanted(const char *body, size_t size);
/**
 * What `failure` of the server's own means for this request. No ticket for a modem or a smaller chip says nothing about
 * the build, whose own ticket came before: SIGNING_BASEBAND or SIGNING_PART in place of SIGNING_REFUSED.
 */
RescueFailure rescue_tss_wanted_failure(RescueFailure failure, char *const *tickets);
