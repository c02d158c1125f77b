/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/model/build.h"

/* Which identity of a manifest a restore takes, and what it does to the owner's data. */

#define UNSAID RESCUE_BEHAVIOR_UNSAID
#define UPDATE RESCUE_BEHAVIOR_UPDATE
#define ERASE  RESCUE_BEHAVIOR_ERASE
#define WORDS  3 /* of these */

RescueBehavior
rescue_behavior_of_word(const char *restore_behavior)
{
	if (restore_behavior == NULL)
		return RESCUE_BEHAVIOR_UNSAID;
	if (g_ascii_strcasecmp(restore_behavior, "Erase") == 0)
		return RESCUE_BEHAVIOR_ERASE;
	return g_ascii_strcasecmp(restore_behavior, "Update") == 0 ? RESCUE_BEHAVIOR_UPDATE
								   : RESCUE_BEHAVIOR_UNSAID;
}

RescueBehavior
rescue_behavior_of_variant(const char *variant)
{
	bool erases = variant != NULL && strstr(variant, "Erase") != NULL;
	bool keeps = variant != NULL &&
		     (strstr(variant, "Upgrade") != NULL || strstr(variant, "Update") != NULL);

	if (erases == keeps)
		return RESCUE_BEHAVIOR_UNSAID;
	return erases ? RESCUE_BEHAVIOR_ERASE : RESCUE_BEHAVIOR_UPDATE;
}

bool
rescue_variant_is_research(const char *variant)
{
	return variant != NULL && strstr(variant, "Research") != NULL;
}

RescueBehavior
rescue_identity_does(const RescueIdentity *identity, RescuePicking picking)
{
	/* rows: what RestoreBehavior says; columns: what Variant says; in the order UNSAID, UPDATE, ERASE */
	static const RescueBehavior by_behavior[WORDS][WORDS] = {
		{ UNSAID, UNSAID, UNSAID },
		{ UPDATE, UPDATE, UNSAID },
		{ ERASE, UNSAID, ERASE },
	};
	static const RescueBehavior by_variant[WORDS][WORDS] = {
		{ UNSAID, UPDATE, ERASE },
		{ UNSAID, UPDATE, UNSAID },
		{ UNSAID, UPDATE, ERASE },
	};

	return picking == RESCUE_PICKS_BY_VARIANT
		   ? by_variant[identity->restore_behavior][identity->install]
		   : by_behavior[identity->restore_behavior][identity->install];
}

static bool
is_of_board(const RescueIdentity *identity, const RescueIdentityWish *wish)
{
	if (wish->have_chip)
		return identity->chip_id == wish->chip_id && identity->board_id == wish->board_id;
	return identity->board != NULL && wish->board != NULL &&
	       g_ascii_strcasecmp(identity->board, wish->board) == 0;
}

/* The engine's own test. Source: idevicerestore 1.0.0 and 405fcd1, where it looks for the build identity. */
static bool
engine_takes(const RescueIdentity *identity, const RescueIdentityWish *wish)
{
	bool erase = wish->behavior == RESCUE_BEHAVIOR_ERASE;
	const char *words = erase ? "Erase Install (IPSW)" : "Upgrade Install (IPSW)";

	if (wish->picking == RESCUE_PICKS_BY_BEHAVIOR)
		return identity->restore_behavior == wish->behavior;
	return identity->variant != NULL && strstr(identity->variant, words) != NULL &&
	       !rescue_variant_is_research(identity->variant);
}

/*
 * Where the two words contradict each other the restore's own system is the third witness: an update has one of its
 * own. One that it shares with an erase is not believed to keep anything.
 */
static bool
has_own_ramdisk(const RescueFirmware *firmware, const RescueIdentity *identity,
		const RescueIdentityWish *wish)
{
	if (identity->ramdisk == NULL)
		return false;
	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *other = g_ptr_array_index(firmware->identities, i);
		if (is_of_board(other, wish) && other->install != RESCUE_BEHAVIOR_UPDATE &&
		    g_strcmp0(other->ramdisk, identity->ramdisk) == 0)
			return false;
	}
	return true;
}

static bool
does_what_is_wished(const RescueFirmware *firmware, const RescueIdentity *identity,
		    const RescueIdentityWish *wish)
{
	bool contradicts = identity->restore_behavior == RESCUE_BEHAVIOR_ERASE &&
			   identity->install == RESCUE_BEHAVIOR_UPDATE;

	if (rescue_variant_is_research(identity->variant) ||
	    rescue_identity_does(identity, wish->picking) != wish->behavior)
		return false;
	return !contradicts || has_own_ramdisk(firmware, identity, wish);
}

const RescueIdentity *
rescue_firmware_choose(const RescueFirmware *firmware, const RescueIdentityWish *wish)
{
	if (wish->behavior == RESCUE_BEHAVIOR_UNSAID)
		return NULL;
	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = g_ptr_array_index(firmware->identities, i);
		/* the engine takes the first that it finds, so no other one counts */
		if (is_of_board(identity, wish) && engine_takes(identity, wish))
			return does_what_is_wished(firmware, identity, wish) ? identity : NULL;
	}
	return NULL;
}

const char *
rescue_firmware_product(const RescueFirmware *firmware, uint32_t chip_id, uint32_t board_id)
{
	const RescueIdentityWish wish = { .have_chip = true,
					  .chip_id = chip_id,
					  .board_id = board_id };
	bool listed = false;

	for (guint i = 0; i < firmware->identities->len; i++) {
		const RescueIdentity *identity = g_ptr_array_index(firmware->identities, i);
		if (!is_of_board(identity, &wish))
			continue;
		listed = true;
		if (identity->product != NULL)
			return identity->product;
	}
	return listed && firmware->products != NULL && g_strv_length(firmware->products) == 1
		   ? firmware->products[0]
		   : NULL;
}
