/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/port/ports.h"

/*
 * Which firmware exists: api.ipsw.me, AppleDB and Apple's own list together, kept for half an hour, and used at any
 * age
 * when the network is away. Asking is done by a child, "PROGRAM --json firmware list --worker PRODUCT".
 */

/** What the catalogues say together about one product. */
typedef struct {
	char *product;
	GPtrArray *releases; /* RescueRelease, newest first */
	int64_t asked_us;    /* wall time of the answers */
	bool fresh;          /* false: the network is away, these are old answers */
	char *trouble;       /* what was in the way of some or all of them, NULL: nothing */
} RescueCatalogueAnswer;

void rescue_catalogue_answer_free(RescueCatalogueAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueCatalogueAnswer, rescue_catalogue_answer_free)
/** Caller owns. */
RescueJson *rescue_catalogue_answer_to_json(const RescueCatalogueAnswer *answer);
/** Trusts nothing; NULL for what is no answer. Caller owns. */
RescueCatalogueAnswer *rescue_catalogue_answer_from_json(const RescueJson *json);
/** As the child says it: the answer without its releases on the first line, then a line for each; caller frees. */
char *rescue_catalogue_answer_to_lines(const RescueCatalogueAnswer *answer);

/** Everything is borrowed. */
typedef struct {
	const char *cache_dir; /* absolute; answers are kept in its folder "catalogue" */
	const char *base_url;  /* in place of all three servers; NULL: theirs */
	bool refresh;          /* ask although there are young answers */
	unsigned patience_ms;  /* with another that asks; 0: as long as that may take */
} RescueCatalogueSpec;

/**
 * The child's work: blocks for at most a minute, half of it for another that asks. CATALOGUE_UNREACHABLE without any
 * answer, ever. Caller owns.
 */
RescueCatalogueAnswer *rescue_catalogue_ask(const RescueCatalogueSpec *spec, const char *product,
					    GError **error);

typedef struct RescueCatalogue RescueCatalogue;

extern const RescueCataloguePort rescue_catalogue_port; /* self is a RescueCatalogue */

/** `program`: this very program; `spec` is copied. */
RescueCatalogue *rescue_catalogue_new(const char *program, const RescueCatalogueSpec *spec);
/** Accepts NULL. */
void rescue_catalogue_free(RescueCatalogue *catalogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueCatalogue, rescue_catalogue_free)
/** The whole answer, by a child. Caller owns. */
RescueCatalogueAnswer *rescue_catalogue_consult(const RescueCatalogue *catalogue,
						const char *product, GError **error);
