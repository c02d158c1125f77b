/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/entity.h"

#include <string.h>

enum {
	/* the range in which Apple numbers what speaks usbmux: phones, pads and pods */
	FIRST_MUX_PRODUCT_ID = 0x1290,
	LAST_MUX_PRODUCT_ID = 0x12af,
};

static const struct {
	uint16_t product_id;
	RescueMode mode;
} boot_modes[] = {
#define RESCUE_PRODUCT_ID(id, mode) { id, RESCUE_MODE_##mode },
#include "core/model/product-id.def"
#undef RESCUE_PRODUCT_ID
};

RescueMode
rescue_usb_boot_mode(uint16_t product_id)
{
	for (size_t i = 0; i < G_N_ELEMENTS(boot_modes); i++)
		if (boot_modes[i].product_id == product_id)
			return boot_modes[i].mode;
	return RESCUE_MODE_UNKNOWN;
}

bool
rescue_mode_is_boot(RescueMode mode)
{
	return mode == RESCUE_MODE_RECOVERY || mode == RESCUE_MODE_DFU || mode == RESCUE_MODE_WTF ||
	       mode == RESCUE_MODE_PORT_DFU;
}

bool
rescue_usb_is_mux(uint16_t product_id)
{
	return product_id >= FIRST_MUX_PRODUCT_ID && product_id <= LAST_MUX_PRODUCT_ID;
}

void
rescue_entity_free(RescueEntity *entity)
{
	rescue_device_free(entity->device);
	g_free(entity->at.usb_port);
	g_free(entity);
}

RescueEntity *
rescue_entity_new(RescueMerge *merge)
{
	RescueEntity *entity = g_new0(RescueEntity, 1);
	entity->device = rescue_device_new();
	entity->device->mode = RESCUE_MODE_ABSENT;
	entity->last_mode = RESCUE_MODE_UNKNOWN;
	g_ptr_array_add(merge->entities, entity);
	return entity;
}

RescueEntity *
rescue_entity_at(const RescueMerge *merge, guint index)
{
	return g_ptr_array_index(merge->entities, index);
}

RescueEntity *
rescue_entity_find_ecid(const RescueMerge *merge, RescueEcid ecid)
{
	for (guint i = 0; ecid != 0 && i < merge->entities->len; i++)
		if (rescue_entity_at(merge, i)->device->ecid == ecid)
			return rescue_entity_at(merge, i);
	return NULL;
}

RescueEntity *
rescue_entity_find_udid(const RescueMerge *merge, const char *udid)
{
	for (guint i = 0; udid != NULL && i < merge->entities->len; i++)
		if (g_strcmp0(rescue_entity_at(merge, i)->device->udid, udid) == 0)
			return rescue_entity_at(merge, i);
	return NULL;
}

RescueEntity *
rescue_entity_find_port(const RescueMerge *merge, const char *port)
{
	for (guint i = 0; i < merge->entities->len; i++)
		if (rescue_entity_at(merge, i)->at.on_usb &&
		    strcmp(rescue_entity_at(merge, i)->at.usb_port, port) == 0)
			return rescue_entity_at(merge, i);
	return NULL;
}

RescueEntity *
rescue_entity_find_mux(const RescueMerge *merge, unsigned id)
{
	for (guint i = 0; i < merge->entities->len; i++)
		if (rescue_entity_at(merge, i)->at.on_mux &&
		    rescue_entity_at(merge, i)->at.mux_id == id)
			return rescue_entity_at(merge, i);
	return NULL;
}

RescueEntity *
rescue_entity_find_nameless(const RescueMerge *merge, unsigned bus, unsigned address)
{
	for (guint i = 0; bus != 0 && i < merge->entities->len; i++) {
		RescueEntity *entity = rescue_entity_at(merge, i);
		if (entity->at.on_usb && entity->at.usb_mux && entity->device->udid == NULL &&
		    entity->at.usb_bus == bus && entity->at.usb_address == address)
			return entity;
	}
	return NULL;
}

bool
rescue_merge_is_busy(const RescueMerge *merge, RescueEcid ecid)
{
	return ecid != 0 && merge->spec.is_busy != NULL &&
	       merge->spec.is_busy(ecid, merge->spec.data);
}

bool
rescue_entity_is_reachable(const RescueEntity *entity)
{
	return entity->at.on_mux && (!entity->at.on_usb || entity->at.usb_mux);
}

void
rescue_entity_publish(const RescueMerge *merge, const RescueEntity *entity)
{
	if (merge->spec.changed != NULL)
		merge->spec.changed(entity->device, entity->inferred, merge->spec.data);
}

void
rescue_entity_set_mode(RescueEntity *entity, RescueMode mode, bool inferred)
{
	entity->device->mode = mode;
	if (rescue_owner_lapses(mode))
		rescue_owner_clear(&entity->device->owner);
	entity->inferred = inferred;
	if (mode != RESCUE_MODE_UNKNOWN && mode != RESCUE_MODE_ABSENT)
		entity->last_mode = mode;
}

void
rescue_entity_leave(RescueMerge *merge, RescueEntity *entity, int64_t now_us)
{
	if (entity->device->mode == RESCUE_MODE_ABSENT)
		return;
	rescue_entity_set_mode(entity, RESCUE_MODE_ABSENT, false);
	entity->device->place.bus = 0;
	entity->device->place.address = 0;
	entity->left_us = now_us;
	rescue_entity_publish(merge, entity);
}

void
rescue_entity_link_usb(RescueEntity *entity, const RescueUsbSighting *seen)
{
	RescuePlace *place = &entity->device->place;
	entity->at.on_usb = true;
	entity->at.mux_was_here = entity->at.on_mux;
	entity->at.mux_next = false;
	entity->at.usb_mux = rescue_usb_is_mux(seen->product_id);
	entity->at.product_id = seen->product_id;
	entity->at.usb_bus = seen->bus;
	entity->at.usb_address = seen->address;
	g_free(entity->at.usb_port);
	entity->at.usb_port = g_strdup(seen->port);
	g_free(place->port);
	place->port = g_strdup(seen->port);
	place->speed_mbit = seen->speed_mbit;
	place->bus = seen->bus;
	place->address = seen->address;
}

/**
 * The two sources are not in step: usbmuxd may announce the next appearance before the kernel's news that the last one
 * ended has reached us. A boot loader does not speak usbmux, and nothing attaches twice without having left.
 */
static bool
is_next_appearance(const RescueAppearance *at, const RescueMuxSighting *seen)
{
	if (!at->on_usb)
		return false;
	return !at->usb_mux ||
	       (at->mux_was_here && (seen->bus != at->usb_bus || seen->address != at->usb_address));
}

void
rescue_entity_link_mux(RescueEntity *entity, const RescueMuxSighting *seen)
{
	RescueAppearance *at = &entity->at;
	at->mux_next = is_next_appearance(at, seen);
	at->on_mux = true;
	at->mux_was_here = true;
	at->mux_id = seen->id;
	at->mux_bus = seen->bus;
	at->mux_address = seen->address;
}

void
rescue_entity_name(RescueEntity *entity, const char *udid, RescueEcid ecid)
{
	if (udid != NULL && g_strcmp0(entity->device->udid, udid) != 0) {
		g_free(entity->device->udid);
		entity->device->udid = g_strdup(udid);
	}
	if (entity->device->ecid == 0)
		entity->device->ecid = ecid;
}

void
rescue_entity_forget(RescueMerge *merge, RescueEntity *entity)
{
	if (entity->device->ecid == 0 && !entity->at.on_usb && !entity->at.on_mux)
		g_ptr_array_remove(merge->entities, entity);
}

void
rescue_entity_move(RescueMerge *merge, RescueEntity *from, RescueEntity *to, int64_t now_us)
{
	RescuePlace place = from->device->place;
	rescue_entity_leave(merge, to, now_us);
	g_free(to->device->place.port);
	to->device->place = place;
	to->device->place.port = g_strdup(place.port);
	g_free(to->at.usb_port);
	to->at = from->at;
	memset(&from->at, 0, sizeof from->at);
	rescue_entity_set_mode(to, from->device->mode, from->inferred);
	to->generation = from->generation;
	to->tries = 0;
	to->asking = false;
	if (to->device->udid == NULL)
		to->device->udid = g_steal_pointer(&from->device->udid);
	g_clear_pointer(&from->device->udid, g_free);
	/* what never had a name of its own has not left: it is `to` */
	if (from->device->ecid != 0)
		rescue_entity_leave(merge, from, now_us);
	rescue_entity_forget(merge, from);
}
