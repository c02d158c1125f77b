/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/entity.h"

#include <string.h>

/* Who is asked when, and what an answer changes. */

enum {
	FIRST_PAUSE_MS = 1000,
	MAX_PAUSE_MS = 30000,
	MAX_PAUSE_DOUBLINGS = 5,
};

/** The device has said who it is: what we took it for may have been wrong. */
static RescueEntity *
rename_entity(RescueMerge *merge, RescueEntity *entity, RescueEcid ecid, int64_t now_us)
{
	RescueEntity *other;
	if (ecid == 0 || ecid == entity->device->ecid)
		return entity;
	other = rescue_entity_find_ecid(merge, ecid);
	if (other == NULL && entity->device->ecid == 0) {
		entity->device->ecid = ecid;
		return entity;
	}
	if (other == NULL) {
		other = rescue_entity_new(merge);
		other->device->ecid = ecid;
	}
	rescue_entity_move(merge, entity, other, now_us);
	return other;
}

static void
take_facts(RescueMerge *merge, RescueEntity *entity, const RescueDevice *facts)
{
	g_autoptr(RescueDevice) news = rescue_device_copy(facts);
	RescuePlace *place = &entity->device->place;
	g_free(news->place.port);
	news->place = *place;
	news->place.port = g_strdup(place->port);
	if (!rescue_entity_is_reachable(entity) || facts->mode == RESCUE_MODE_UNKNOWN)
		news->mode = entity->device->mode;
	else
		rescue_entity_set_mode(entity, facts->mode, false);
	rescue_device_update(entity->device, news);
	rescue_entity_publish(merge, entity);
}

/**
 * A device without a known ECID on the port of a busy one, if that is known, may be that one: it is not
 * asked either.
 */
static bool
may_be_busy(const RescueMerge *merge, const RescueEntity *entity)
{
	const char *port = entity->device->place.port;
	if (entity->device->ecid != 0)
		return rescue_merge_is_busy(merge, entity->device->ecid);
	for (guint i = 0; i < merge->entities->len; i++) {
		const RescueDevice *other = rescue_entity_at(merge, i)->device;
		bool same = port == NULL || other->place.port == NULL ||
			    strcmp(other->place.port, port) == 0;
		if (other->mode == RESCUE_MODE_ABSENT && rescue_merge_is_busy(merge, other->ecid) &&
		    same)
			return true;
	}
	return false;
}

/** A neighbour of the device that matters: with many jobs on one computer each would ask all the others' phones. */
static bool
is_neighbour(const RescueMerge *merge, const RescueEntity *entity)
{
	const RescueEntity *attended = rescue_entity_find_ecid(merge, merge->attended);
	if (merge->attended == 0 || entity == attended)
		return false;
	return entity->device->ecid != 0 ||
	       (attended != NULL && attended->device->mode != RESCUE_MODE_ABSENT);
}

static bool
wants_question(const RescueMerge *merge, const RescueEntity *entity)
{
	bool doubtful = entity->device->ecid == 0 || entity->device->mode == RESCUE_MODE_UNKNOWN ||
			entity->inferred;
	return doubtful && rescue_entity_is_reachable(entity) && entity->device->udid != NULL &&
	       !is_neighbour(merge, entity) && !may_be_busy(merge, entity);
}

void
rescue_merge_attend(RescueMerge *merge, RescueEcid ecid)
{
	merge->attended = ecid;
}

bool
rescue_merge_take_question(RescueMerge *merge, int64_t now_us, RescueQuestion *ret_question)
{
	for (guint i = 0; i < merge->entities->len; i++) {
		RescueEntity *entity = rescue_entity_at(merge, i);
		if (entity->asking || entity->ask_at_us > now_us || !wants_question(merge, entity))
			continue;
		entity->asking = true;
		*ret_question = (RescueQuestion){ .udid = entity->device->udid,
						  .ecid = entity->device->ecid,
						  .generation = entity->generation };
		return true;
	}
	return false;
}

int64_t
rescue_merge_next_question_us(const RescueMerge *merge)
{
	int64_t due_us = -1;
	for (guint i = 0; i < merge->entities->len; i++) {
		const RescueEntity *entity = rescue_entity_at(merge, i);
		if (!entity->asking && wants_question(merge, entity) &&
		    (due_us < 0 || entity->ask_at_us < due_us))
			due_us = entity->ask_at_us;
	}
	return due_us;
}

void
rescue_merge_answer(RescueMerge *merge, const RescueQuestion *question, const RescueDevice *facts,
		    int64_t now_us)
{
	RescueEntity *entity = rescue_entity_find_udid(merge, question->udid);
	if (entity == NULL || entity->generation != question->generation || !entity->asking)
		return;
	entity->asking = false;
	if (facts == NULL) {
		int64_t pause_ms = (int64_t)FIRST_PAUSE_MS
				   << MIN(entity->tries, MAX_PAUSE_DOUBLINGS);
		entity->tries++;
		entity->ask_at_us = now_us + MIN(pause_ms, MAX_PAUSE_MS) * 1000;
		return;
	}
	entity = rename_entity(merge, entity, facts->ecid, now_us);
	take_facts(merge, entity, facts);
}

void
rescue_merge_told(RescueMerge *merge, RescueEcid ecid, const RescueDevice *facts)
{
	RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	if (entity != NULL && entity->device->mode != RESCUE_MODE_ABSENT)
		take_facts(merge, entity, facts);
}

void
rescue_merge_identified(RescueMerge *merge, uint32_t chip_id, uint32_t board_id,
			const char *product, const char *board)
{
	for (guint i = 0; i < merge->entities->len; i++) {
		RescueDevice *device = rescue_entity_at(merge, i)->device;
		if (!device->have_chip || device->chip_id != chip_id ||
		    device->board_id != board_id ||
		    (device->product != NULL && device->board != NULL))
			continue;
		if (device->product == NULL)
			device->product = g_strdup(product);
		if (device->board == NULL)
			device->board = g_strdup(board);
		if (device->mode != RESCUE_MODE_ABSENT)
			rescue_entity_publish(merge, rescue_entity_at(merge, i));
	}
}

bool
rescue_merge_is_unsettled(const RescueMerge *merge, RescueEcid ecid)
{
	for (guint i = 0; i < merge->entities->len; i++) {
		const RescueEntity *entity = rescue_entity_at(merge, i);
		if (ecid != 0 && entity->device->ecid != 0 && entity->device->ecid != ecid)
			continue;
		if (entity->asking || (entity->tries == 0 && wants_question(merge, entity)))
			return true;
	}
	return false;
}
