/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/failure/failure.h"

/*
 * Numbers and names under which others know a failure: who shows them is in domain.def, what each means in code.def,
 * rules for whole windows of numbers in window.def, where a meaning was found in source.def. Pure.
 */

/** A rule for numbers that the table does not list. */
typedef struct {
	const char *domain;
	int64_t first, last;
	RescueFailure failure;
	const char *text;
} RescueWindow;

/** One thing that a number or name may stand for. */
typedef struct {
	RescueFailure failure; /* NONE: success */
	const char *domain;    /* static */
	int64_t value;
	const RescueCode *code;     /* NULL: the table does not list it, */
	const RescueWindow *window; /* then this rule tells */
} RescueReading;

/** The nth line of code.def, NULL beyond the last. */
const RescueCode *rescue_code_at(size_t n);
/** The nth number of a failure in the order of code.def, the most likely domain first; NULL beyond the last. */
const RescueCode *rescue_failure_code(RescueFailure failure, size_t n);
/** The line of this number; `domain` by its own name; NULL: none. */
const RescueCode *rescue_code_find(const char *domain, int64_t value);
/** The same, and iTunes' line where the restore service has none: both count alike below 1600. */
const RescueCode *rescue_code_resolve(const char *domain, int64_t value);
/** The first rule that holds it; NULL: none. */
const RescueWindow *rescue_window_find(const char *domain, int64_t value);
/** The domain's own name for one of its spellings ("AMR", "RamrodErrorDomain", "Finder"); NULL: none. Static. */
const char *rescue_domain_parse(const char *text);
/** Who shows it, for people. The nth domain's name, NULL beyond the last. */
const char *rescue_domain_text(const char *domain);
const char *rescue_domain_at(size_t n);
/** Text of the nth source that tells a code's meaning, NULL beyond the last. Static. */
const char *rescue_code_source(const RescueCode *code, size_t n);
/** What to try first where Apple's list and the number itself disagree; NULL: they do not, or it is none of iTunes. */
const char *rescue_code_first_try(const RescueCode *code);
/** "itunes 3194", "mobiledevice 0xE8000025": as people write it; caller frees. */
char *rescue_code_format(const char *domain, int64_t value);

/**
 * All that "3194", "0xE8000025", "-17", "tss:94", "AMR 11", "STATUS=94", "RamrodErrorDomain/3fc" or
 * "kAMDPairingProhibitedError" may stand for, the most likely first; empty: nothing. RescueReading; caller unrefs.
 */
GArray *rescue_code_read(const char *text);
