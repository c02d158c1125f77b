/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/wanted.h"

#include <plist/plist.h>
#include <stdlib.h>

#include "firmware/ipsw/manifest.h"

#define MAX_TICKETS 16u

/* of the main processor, in both generations of chips; they are what "this build is signed" means */
static const char *const main_tickets[] = { "ApImg4Ticket", "APTicket", NULL };

#define BASEBAND_TICKET "BBTicket"

/* keys like "@ApImg4Ticket", "@BBTicket", "@SE,Ticket" */
static void
collect(plist_t root, GPtrArray *tickets)
{
	plist_dict_iter iter = NULL;

	plist_dict_new_iter(root, &iter);
	while (tickets->len < MAX_TICKETS) {
		char *key = NULL;
		plist_t value = NULL;
		plist_dict_next_item(root, iter, &key, &value);
		if (key == NULL)
			break;
		if (key[0] == '@' && g_str_has_suffix(key, "Ticket"))
			g_ptr_array_add(tickets, g_utf8_make_valid(key + 1, -1));
		free(key);
	}
	free(iter);
}

char **
rescue_tss_wanted(const char *body, size_t size)
{
	GPtrArray *tickets = g_ptr_array_new();
	plist_t root = NULL;

	if (rescue_plist_is_safe(body, size))
		plist_from_memory(body, (uint32_t)size, &root);
	if (root != NULL && plist_get_node_type(root) == PLIST_DICT)
		collect(root, tickets);
	plist_free(root);
	g_ptr_array_add(tickets, NULL);
	return (char **)g_ptr_array_free(tickets, FALSE);
}

RescueFailure
rescue_tss_wanted_failure(RescueFailure failure, char *const *tickets)
{
	bool baseband = false;

	if (failure != RESCUE_FAILURE_SIGNING_REFUSED || *tickets == NULL)
		return failure;
	for (; *tickets != NULL; tickets++) {
		if (g_strv_contains(main_tickets, *tickets))
			return failure;
		baseband |= g_str_equal(*tickets, BASEBAND_TICKET);
	}
	return baseband ? RESCUE_FAILURE_SIGNING_BASEBAND : RESCUE_FAILURE_SIGNING_PART;
}
