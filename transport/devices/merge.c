/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/merge.h"

#include <string.h>

#include "transport/devices/entity.h"

enum {
	APPLE_VENDOR_ID = 0x05ac,
	LONG_UDID_CHARS =
	    40, /* SHA-1 of serial, ECID and addresses: says nothing about the ECID by itself */
	PLAIN_UDID_CHARS =
	    24, /* chip and ECID, as USB shows it; usbmuxd writes a hyphen after the chip */
	PLAIN_UDID_CHIP_CHARS = 8,
	/* chips from here to the old S5L89xx numbers have UDIDs that contain the ECID */
	FIRST_SHORT_UDID_CHIP = 0x8020,
	FIRST_S5L_CHIP = 0x8900,
};

#define UDID_CHARS "0123456789abcdefABCDEF-"

/** How long after a device left a port what comes up there may still be taken for it: the longest boot we know. */
#define CONTINUITY_US (300 * G_USEC_PER_SEC)

/** Who cannot be asked: an engine takes a phone from recovery to restore mode, and from there it boots. */
static RescueMode
infer_mode(const RescueMerge *merge, const RescueEntity *entity)
{
	if (!rescue_merge_is_busy(merge, entity->device->ecid))
		return RESCUE_MODE_UNKNOWN;
	if (rescue_mode_is_boot(entity->last_mode))
		return RESCUE_MODE_RESTORE;
	if (entity->last_mode == RESCUE_MODE_RESTORE || entity->last_mode == RESCUE_MODE_NORMAL)
		return RESCUE_MODE_NORMAL;
	return RESCUE_MODE_UNKNOWN;
}

static void
appear_mux(RescueMerge *merge, RescueEntity *entity, int64_t now_us)
{
	RescueMode mode = infer_mode(merge, entity);
	rescue_entity_set_mode(entity, mode, mode != RESCUE_MODE_UNKNOWN);
	entity->device->place.bus = entity->at.on_usb ? entity->at.usb_bus : entity->at.mux_bus;
	entity->device->place.address = entity->at.on_usb ? entity->at.usb_address
							  : entity->at.mux_address;
	entity->generation = ++merge->generation;
	entity->tries = 0;
	entity->asking = false;
	entity->ask_at_us = now_us;
	rescue_entity_publish(merge, entity);
}

/** As usbmuxd writes it, whichever way it came; NULL when it is no UDID. Caller frees. */
static char *
tidy_udid(const char *text)
{
	size_t size = text != NULL ? strlen(text) : 0;
	if (size == 0 || strspn(text, UDID_CHARS) != size)
		return NULL;
	if (size == PLAIN_UDID_CHARS)
		return g_strdup_printf("%.*s-%s", PLAIN_UDID_CHIP_CHARS, text,
				       text + PLAIN_UDID_CHIP_CHARS);
	if (size == PLAIN_UDID_CHARS + 1 || size == LONG_UDID_CHARS)
		return g_strdup(text);
	return NULL;
}

/** Could this absent, busy device be what shows a 40-digit UDID on `port` now? */
static bool
is_continued_by(const RescueMerge *merge, const RescueEntity *entity, const char *port,
		int64_t now_us)
{
	const RescueDevice *device = entity->device;
	bool short_udid = device->have_chip && device->chip_id >= FIRST_SHORT_UDID_CHIP &&
			  device->chip_id < FIRST_S5L_CHIP;
	if (device->mode != RESCUE_MODE_ABSENT || device->udid != NULL || short_udid)
		return false;
	if (port != NULL && g_strcmp0(device->place.port, port) != 0)
		return false;
	return now_us - entity->left_us <= CONTINUITY_US &&
	       rescue_mode_is_boot(entity->last_mode) && rescue_merge_is_busy(merge, device->ecid);
}

/**
 * A 40-digit UDID that nobody has learned, while it must not be asked: it is the busy device that left this very port
 * from recovery or DFU. Where the port is not known (usbmuxd's word alone) only one device may qualify.
 */
static RescueEntity *
find_continued(const RescueMerge *merge, const char *udid, const char *port, int64_t now_us)
{
	RescueEntity *found = NULL;
	if (udid == NULL || strlen(udid) != LONG_UDID_CHARS)
		return NULL;
	for (guint i = 0; i < merge->entities->len; i++) {
		if (!is_continued_by(merge, rescue_entity_at(merge, i), port, now_us))
			continue;
		if (found != NULL)
			return NULL;
		found = rescue_entity_at(merge, i);
	}
	return found;
}

static RescueEcid
ecid_of_udid(const RescueMerge *merge, const char *udid)
{
	RescueEcid ecid = udid != NULL ? rescue_ecid_from_udid(udid) : 0;
	if (ecid == 0 && udid != NULL && merge->spec.learned != NULL)
		ecid = merge->spec.learned(udid, merge->spec.data);
	return ecid;
}

/** The device that has this UDID, by every way we have to know. */
static RescueEntity *
entity_for_mux(RescueMerge *merge, const char *udid, const char *port, int64_t now_us)
{
	RescueEcid ecid = ecid_of_udid(merge, udid);
	RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	if (entity == NULL)
		entity = rescue_entity_find_udid(merge, udid);
	if (entity == NULL)
		entity = find_continued(merge, udid, port, now_us);
	if (entity == NULL)
		entity = rescue_entity_new(merge);
	rescue_entity_name(entity, udid, ecid);
	return entity;
}

static void
add_boot_device(RescueMerge *merge, const RescueUsbSighting *seen, int64_t now_us)
{
	g_autoptr(RescueDevice) facts = rescue_device_new();
	RescueEntity *entity = NULL;
	if (seen->serial != NULL && rescue_device_read_iboot_serial(facts, seen->serial))
		entity = rescue_entity_find_ecid(merge, facts->ecid);
	if (entity == NULL)
		entity = rescue_entity_new(merge);
	/* what usbmuxd still says of it is old: it has not noticed yet that the device left */
	entity->at.on_usb = false;
	entity->at.on_mux = false;
	rescue_entity_leave(merge, entity, now_us);
	rescue_device_update(entity->device, facts);
	entity->device->ecid = facts->ecid;
	rescue_entity_link_usb(entity, seen);
	rescue_entity_set_mode(entity, rescue_usb_boot_mode(seen->product_id), false);
	rescue_entity_publish(merge, entity);
}

static void
add_mux_device(RescueMerge *merge, const RescueUsbSighting *seen, int64_t now_us)
{
	g_autofree char *udid = tidy_udid(seen->serial);
	RescueEntity *entity = entity_for_mux(merge, udid, seen->port, now_us);
	bool mux_was_first = entity->at.on_mux && !entity->at.on_usb;
	if (!mux_was_first) {
		entity->at.on_mux = entity->at.mux_next;
		rescue_entity_leave(merge, entity, now_us);
	}
	rescue_entity_link_usb(entity, seen);
	if (mux_was_first)
		rescue_entity_publish(merge, entity);
	else
		appear_mux(merge, entity, now_us);
}

RescueMerge *
rescue_merge_new(const RescueMergeSpec *spec)
{
	RescueMerge *merge = g_new0(RescueMerge, 1);
	merge->spec = *spec;
	merge->entities = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_entity_free);
	return merge;
}

void
rescue_merge_free(RescueMerge *merge)
{
	if (merge == NULL)
		return;
	g_ptr_array_unref(merge->entities);
	g_free(merge);
}

bool
rescue_usb_is_ours(uint16_t vendor_id, uint16_t product_id)
{
	return vendor_id == APPLE_VENDOR_ID &&
	       (rescue_usb_is_mux(product_id) ||
		rescue_usb_boot_mode(product_id) != RESCUE_MODE_UNKNOWN);
}

void
rescue_merge_usb_added(RescueMerge *merge, const RescueUsbSighting *seen, int64_t now_us)
{
	RescueEntity *entity = rescue_entity_find_port(merge, seen->port);
	if (entity != NULL && entity->at.usb_address == seen->address &&
	    entity->at.product_id == seen->product_id)
		return;
	if (entity != NULL)
		rescue_merge_usb_removed(merge, seen->port, now_us);
	if (rescue_usb_is_mux(seen->product_id))
		add_mux_device(merge, seen, now_us);
	else
		add_boot_device(merge, seen, now_us);
}

void
rescue_merge_usb_removed(RescueMerge *merge, const char *port, int64_t now_us)
{
	RescueEntity *entity = rescue_entity_find_port(merge, port);
	if (entity == NULL)
		return;
	entity->at.on_usb = false;
	/* usbmuxd will tell later that it left; but it may know the next appearance already */
	entity->at.on_mux = entity->at.on_mux && entity->at.mux_next;
	if (entity->at.on_mux) {
		rescue_entity_leave(merge, entity, now_us);
		appear_mux(merge, entity, now_us);
		return;
	}
	rescue_entity_leave(merge, entity, now_us);
	rescue_entity_forget(merge, entity);
}

void
rescue_merge_mux_attached(RescueMerge *merge, const RescueMuxSighting *seen, int64_t now_us)
{
	g_autofree char *udid = tidy_udid(seen->udid);
	RescueEntity *entity = rescue_entity_find_mux(merge, seen->id);
	if (udid == NULL || (entity != NULL && g_strcmp0(entity->device->udid, udid) == 0))
		return;
	if (entity != NULL)
		rescue_merge_mux_detached(merge, seen->id, now_us);
	entity = rescue_entity_find_nameless(merge, seen->bus, seen->address);
	if (entity != NULL) {
		RescueEntity *named = entity_for_mux(merge, udid, entity->at.usb_port, now_us);
		rescue_entity_move(merge, entity, named, now_us);
		rescue_entity_link_mux(named, seen);
		appear_mux(merge, named, now_us);
		return;
	}
	entity = entity_for_mux(merge, udid, NULL, now_us);
	if (entity->at.on_usb) {
		rescue_entity_link_mux(entity, seen);
		entity->ask_at_us = now_us;
		return;
	}
	if (entity->at.on_mux)
		rescue_entity_leave(merge, entity, now_us);
	rescue_entity_link_mux(entity, seen);
	appear_mux(merge, entity, now_us);
}

void
rescue_merge_mux_detached(RescueMerge *merge, unsigned id, int64_t now_us)
{
	RescueEntity *entity = rescue_entity_find_mux(merge, id);
	if (entity == NULL)
		return;
	entity->at.on_mux = false;
	entity->asking = false;
	if (!entity->at.on_usb) {
		rescue_entity_leave(merge, entity, now_us);
		rescue_entity_forget(merge, entity);
	}
}

void
rescue_merge_mux_lost(RescueMerge *merge, int64_t now_us)
{
	for (guint i = merge->entities->len; i > 0; i--)
		if (rescue_entity_at(merge, i - 1)->at.on_mux)
			rescue_merge_mux_detached(merge, rescue_entity_at(merge, i - 1)->at.mux_id,
						  now_us);
}

void
rescue_merge_busy_changed(RescueMerge *merge, RescueEcid ecid, int64_t now_us)
{
	RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	/* an engine was adopted before its device was seen: one without a name may be that device */
	if (entity == NULL && rescue_merge_is_busy(merge, ecid)) {
		entity = rescue_entity_new(merge);
		entity->device->ecid = ecid;
	}
	if (entity == NULL)
		return;
	entity->asking = false;
	entity->tries = 0;
	entity->ask_at_us = now_us;
	if (entity->device->mode == RESCUE_MODE_UNKNOWN &&
	    (entity->at.on_mux || entity->at.usb_mux)) {
		RescueMode mode = infer_mode(merge, entity);
		rescue_entity_set_mode(entity, mode, mode != RESCUE_MODE_UNKNOWN);
		if (mode != RESCUE_MODE_UNKNOWN)
			rescue_entity_publish(merge, entity);
	}
}

GPtrArray *
rescue_merge_list(const RescueMerge *merge)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_device_free);
	for (guint i = 0; i < merge->entities->len; i++)
		if (rescue_entity_at(merge, i)->device->mode != RESCUE_MODE_ABSENT)
			g_ptr_array_add(list,
					rescue_device_copy(rescue_entity_at(merge, i)->device));
	return list;
}

RescueDevice *
rescue_merge_find(const RescueMerge *merge, RescueEcid ecid)
{
	const RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	RescueDevice *device;
	if (entity != NULL)
		return rescue_device_copy(entity->device);
	device = rescue_device_new();
	device->ecid = ecid;
	device->mode = RESCUE_MODE_ABSENT;
	return device;
}

bool
rescue_merge_is_inferred(const RescueMerge *merge, RescueEcid ecid)
{
	const RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	return entity != NULL && entity->inferred;
}

bool
rescue_merge_has_mux(const RescueMerge *merge, RescueEcid ecid)
{
	const RescueEntity *entity = rescue_entity_find_ecid(merge, ecid);
	return entity != NULL && rescue_entity_is_reachable(entity);
}
