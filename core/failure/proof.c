/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/proof.h"

#include <stdbool.h>
#include <string.h>

#include "core/failure/pattern.h"

#define MAX_PROOFS 32
#define MAX_TEXT   200

static const struct {
	const char *name, *pattern;
	RescueShows shows;
} table[] = {
#define RESCUE_PROOF(id, name, shows, pattern) { name, pattern, RESCUE_SHOWS_##shows },
#include "core/failure/proof.def"
#undef RESCUE_PROOF
};

static void
proof_free(gpointer data)
{
	RescueProof *proof = data;

	g_free(proof->text);
	g_free(proof);
}

GPtrArray *
rescue_proofs_new(void)
{
	return g_ptr_array_new_with_free_func(proof_free);
}

/* the device tells each step at its beginning, and some at their end, too */
static bool
repeats_last(const GPtrArray *proofs, const char *name)
{
	const RescueProof *last = proofs->len > 0 ? proofs->pdata[proofs->len - 1] : NULL;

	return last != NULL && strcmp(last->name, name) == 0;
}

static void
add(GPtrArray *proofs, size_t i, const char *message, size_t number)
{
	g_autofree char *cut = g_strndup(message, strnlen(message, MAX_TEXT));
	RescueProof *proof = g_new0(RescueProof, 1);

	proof->name = table[i].name;
	proof->shows = table[i].shows;
	proof->number = number;
	proof->text = g_utf8_make_valid(g_strchomp(cut), -1);
	g_ptr_array_add(proofs, proof);
}

void
rescue_proofs_note(GPtrArray *proofs, const char *message, size_t number)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table) && proofs->len < MAX_PROOFS; i++) {
		if (!rescue_pattern_match(table[i].pattern, message, NULL))
			continue;
		if (!repeats_last(proofs, table[i].name))
			add(proofs, i, message, number);
		return;
	}
}

const char *
rescue_shows_name(RescueShows shows)
{
	static const char *const names[] = {
		[RESCUE_SHOWS_PLAN] = "plan",
		[RESCUE_SHOWS_PREPARES] = "prepares",
		[RESCUE_SHOWS_WIPE] = "wipe",
		[RESCUE_SHOWS_END] = "end",
	};

	return names[shows];
}
