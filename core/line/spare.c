/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/spare.h"

#include "core/model/port.h"

#define MOST 3u

typedef struct {
	const char *port;
	const char *label; /* NULL: none */
	RescueStanding standing;
	unsigned restores, failures;
} Candidate;

const char *
rescue_spare_label(const RescueSpareSpec *spec, const char *port)
{
	size_t index = spec->layout != NULL
			   ? rescue_layout_find_place(spec->layout, port, spec->buses)
			   : RESCUE_PORT_NONE;

	return index != RESCUE_PORT_NONE ? rescue_layout_port(spec->layout, index)->label : NULL;
}

static bool
make_candidate(const RescueSpareSpec *spec, const char *port, const char *from,
	       Candidate *ret_candidate)
{
	g_auto(RescuePlaceHealth) health = { 0 };

	*ret_candidate = (Candidate){ .port = port, .label = rescue_spare_label(spec, port) };
	if (rescue_port_move(from, port) != RESCUE_MOVE_ELSEWHERE ||
	    (spec->layout != NULL && ret_candidate->label == NULL))
		return false;
	rescue_health_judge(spec->health, RESCUE_PLACE_PORT, port, &health);
	ret_candidate->standing = health.standing;
	ret_candidate->restores = health.restores;
	ret_candidate->failures = health.failures;
	return health.standing != RESCUE_STANDING_BAD;
}

/* good before suspicious, the computer's own before a hub's, then what has proven itself most */
static int
by_merit(gconstpointer first, gconstpointer second)
{
	const Candidate *a = first, *b = second;
	bool a_hub = rescue_port_is_behind_hub(a->port), b_hub = rescue_port_is_behind_hub(b->port);
	unsigned a_good = a->restores - a->failures, b_good = b->restores - b->failures;

	if (a->standing != b->standing)
		return a->standing < b->standing ? -1 : 1;
	if (a_hub != b_hub)
		return a_hub ? 1 : -1;
	if (a_good != b_good)
		return a_good > b_good ? -1 : 1;
	return g_strcmp0(a->port, b->port);
}

static void
append(GString *text, const Candidate *candidate)
{
	g_autofree char *words = candidate->label == NULL ? rescue_port_in_words(candidate->port)
							  : g_strdup(candidate->label);

	g_string_append_printf(text, "%s%s (", text->len > 0 ? ", " : "", words);
	if (candidate->restores == 0)
		g_string_append(text, "not used yet)");
	else if (candidate->failures == 0)
		g_string_append_printf(text, "%u restores, none failed)", candidate->restores);
	else
		g_string_append_printf(text, "%u restores, %u failed)", candidate->restores,
				       candidate->failures);
}

char *
rescue_spare_tell(const RescueSpareSpec *spec, const char *from)
{
	g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
	GString *text;

	for (guint i = 0; i < spec->free->len; i++) {
		Candidate candidate;
		if (make_candidate(spec, spec->free->pdata[i], from, &candidate))
			g_array_append_val(candidates, candidate);
	}
	if (candidates->len == 0)
		return NULL;
	g_array_sort(candidates, by_merit);
	text = g_string_new(NULL);
	for (guint i = 0; i < MIN(candidates->len, MOST); i++)
		append(text, &g_array_index(candidates, Candidate, i));
	return g_string_free(text, FALSE);
}
