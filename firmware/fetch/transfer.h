/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware/fetch/partial.h"

/*
 * One file from the network into a partial file: resumed, in one flow or several, its digest computed while the bytes
 * arrive. Blocks until it is done: meant for a child process.
 */

/** What listeners hear. `text` only when something happened that people should know; borrowed. */
typedef struct {
	uint64_t bytes, total; /* total 0: not known */
	double rate;           /* bytes per second, lately */
	unsigned flows;
	const char *url;
	const char *text;
} RescueTransferNews;

typedef void (*RescueTransferListener)(const RescueTransferNews *news, void *data);
/** Bytes per second that this transfer may use now; 0: as many as there are. */
typedef double (*RescueTransferShare)(void *data);

/** Everything is borrowed. */
typedef struct {
	RescuePartial *partial;
	char *const *urls;               /* best first */
	uint64_t size;                   /* that it must have; 0: any */
	const char *sha256;              /* the same; NULL: any */
	const char *sha1;                /* looked at when there is no sha256 */
	int64_t patience_ms;             /* without a byte; 0: two minutes */
	unsigned flows;                  /* at most; 0: the built-in limit */
	RescueTransferListener listener; /* may be NULL */
	RescueTransferShare share;       /* may be NULL */
	void *data;
} RescueTransferSpec;

typedef struct {
	char *sha256, *sha1; /* of what came; sha1 NULL when it was not needed */
	char *url;           /* where it came from last */
	uint64_t size;
} RescueTransferResult;

void rescue_transfer_result_clear(RescueTransferResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueTransferResult, rescue_transfer_result_clear)

/**
 * Fetches until the file is whole and is what it must be. Errors: DOWNLOAD_FAILED, DOWNLOAD_REFUSED,
 * DOWNLOAD_INTERCEPTED, DOWNLOAD_MISMATCH (the partial file is gone then), NO_SPACE, HOST_IO; what has come stays in
 * the
 * partial file. Caller clears `ret_result`.
 */
bool rescue_transfer_run(const RescueTransferSpec *spec, RescueTransferResult *ret_result,
			 GError **error);
