/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/model/job.h"
#include "transport/engine/generation.h"

/* Inner part of transport/engine: how the engine is called. Pure. */

typedef struct {
	const RescueGeneration *generation;
	const RescueJob *job;
	const char *cache_dir;      /* private to this attempt */
	const char *signing_server; /* URL, or NULL: Apple's */
	const char *no_proxy;       /* of our environment; NULL: none */
	const char *glibc_tunables; /* of our environment; NULL: none */
	bool only_ticket;           /* asks for the ticket and does nothing else */
	const char *stdbuf;         /* path of coreutils' stdbuf, or NULL: the host has none */
} RescueArguments;

/**
 * argv. An update never gets the option that erases. Caller frees with g_strfreev.
 *
 * stdbuf makes the engine's stdout line-buffered. Without it, into a file, libc keeps lines back
 * until 4 KiB are full or the engine reports progress, while stderr is written at once: measured
 * with 1.0.0, a line of stdout came 10 s late and after the error line that followed it. It is
 * appended to LD_PRELOAD, which stays otherwise as it is.
 */
char **rescue_arguments_make(const RescueArguments *arguments);
/**
 * The environment on top of ours. The generation without `--server` knows one other signing host
 * and posts to it over plain HTTP, so its proxy variable leads to ours: that server is sent
 * absolute URLs, as a proxy is. Nothing is ever sent to the host that is built in. Caller frees
 * with g_strfreev.
 */
char **rescue_arguments_environment(const RescueArguments *arguments);
