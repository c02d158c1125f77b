/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256, and SHA-1 beside it when that is all a catalogue has. libcrypto: see docs/decisions. */
typedef struct RescueDigest RescueDigest;

/** Caller owns. */
RescueDigest *rescue_digest_new(bool with_sha1);
/** Accepts NULL. */
void rescue_digest_free(RescueDigest *digest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueDigest, rescue_digest_free)
void rescue_digest_add(RescueDigest *digest, const void *bytes, size_t size);
/** How many bytes were added. */
uint64_t rescue_digest_size(const RescueDigest *digest);
/** Forgets everything. */
void rescue_digest_reset(RescueDigest *digest);
/** Ends it: lower-case hex, `*ret_sha1` NULL without SHA-1; caller frees. To be reset before it is used again. */
void rescue_digest_finish(RescueDigest *digest, char **ret_sha256, char **ret_sha1);

/** A whole file. HOST_IO when it cannot be read; `ret_sha1` may be NULL. */
bool rescue_digest_file(const char *path, char **ret_sha256, char **ret_sha1, GError **error);
