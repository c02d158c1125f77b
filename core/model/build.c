/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/build.h"

#include <string.h>

RescueFirmware *
rescue_firmware_new(void)
{
	RescueFirmware *firmware = g_new0(RescueFirmware, 1);
	firmware->identities = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_identity_free);
	return firmware;
}

void
rescue_firmware_free(RescueFirmware *firmware)
{
	if (firmware == NULL)
		return;
	g_free(firmware->path);
	g_free(firmware->version);
	g_free(firmware->build);
	g_strfreev(firmware->products);
	g_clear_pointer(&firmware->identities, g_ptr_array_unref);
	g_free(firmware);
}

void
rescue_identity_free(RescueIdentity *identity)
{
	if (identity == NULL)
		return;
	g_free(identity->board);
	g_free(identity->variant);
	g_free(identity->os_image);
	g_free(identity->missing);
	g_free(identity);
}

/* 2: for customers; 1: usable; 0: never (Apple's own research variants need fused chips that nobody here has) */
static int
rank_variant(const RescueIdentity *identity)
{
	if (identity->variant == NULL)
		return 1;
	if (strstr(identity->variant, "Research") != NULL)
		return 0;
	return strstr(identity->variant, "Customer") != NULL ? 2 : 1;
}

static const RescueIdentity *
better(const RescueIdentity *best, const RescueIdentity *identity)
{
	int rank = rank_variant(identity);

	return rank > (best != NULL ? rank_variant(best) : 0) ? identity : best;
}

const RescueIdentity *
rescue_firmware_find_identity(const RescueFirmware *firmware, uint32_t chip_id, uint32_t board_id,
			      RescueBehavior behavior)
{
	const RescueIdentity *best = NULL;

	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = g_ptr_array_index(firmware->identities, i);
		if (identity->chip_id == chip_id && identity->board_id == board_id &&
		    identity->behavior == behavior)
			best = better(best, identity);
	}
	return best;
}

const RescueIdentity *
rescue_firmware_find_board(const RescueFirmware *firmware, const char *board,
			   RescueBehavior behavior)
{
	const RescueIdentity *best = NULL;

	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = g_ptr_array_index(firmware->identities, i);
		if (identity->board != NULL && g_ascii_strcasecmp(identity->board, board) == 0 &&
		    identity->behavior == behavior)
			best = better(best, identity);
	}
	return best;
}
