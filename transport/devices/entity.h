/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "transport/devices/merge.h"

/* The inside of the merger, for merge.c and ask.c only: what is remembered of each device. */

/** By what a device is attached: the kernel's sighting, usbmuxd's, or both. */
typedef struct {
	/* the kernel sees it; in a usbmux mode */
	bool on_usb, usb_mux;
	char *usb_port; /* owned */
	unsigned usb_bus, usb_address;
	uint16_t product_id;
	/* usbmuxd sees it; and has seen it before in this appearance */
	bool on_mux, mux_was_here;
	/* what usbmuxd sees is the appearance after the one that the kernel still shows */
	bool mux_next;
	unsigned mux_id, mux_bus, mux_address;
} RescueAppearance;

/** One device, by whichever name it is known: ECID, UDID or only its port. */
typedef struct {
	RescueDevice *device; /* as last told; mode absent while it is away */
	RescueAppearance at;
	bool inferred;
	RescueMode last_mode; /* the last one that was known, also while it is away */
	int64_t left_us;
	unsigned generation,
	    tries; /* of this appearance: its number, questions without an answer */
	bool asking;
	int64_t ask_at_us;
} RescueEntity;

struct RescueMerge {
	RescueMergeSpec spec;
	GPtrArray *entities; /* RescueEntity */
	unsigned generation;
	RescueEcid attended; /* the only one that matters; 0: all do */
};

/** The mode that this product id stands for; UNKNOWN for those of usbmux and others. */
RescueMode rescue_usb_boot_mode(uint16_t product_id);
bool rescue_usb_is_mux(uint16_t product_id);
/** A mode of the boot loaders, as opposed to a running system. */
bool rescue_mode_is_boot(RescueMode mode);

/** Known and absent; the merger owns it. */
RescueEntity *rescue_entity_new(RescueMerge *merge);
void rescue_entity_free(RescueEntity *entity);
/** Borrowed, as all that follow; NULL when there is none. */
RescueEntity *rescue_entity_at(const RescueMerge *merge, guint index);
RescueEntity *rescue_entity_find_ecid(const RescueMerge *merge, RescueEcid ecid);
RescueEntity *rescue_entity_find_udid(const RescueMerge *merge, const char *udid);
/** What the kernel sees on this port now. */
RescueEntity *rescue_entity_find_port(const RescueMerge *merge, const char *port);
RescueEntity *rescue_entity_find_mux(const RescueMerge *merge, unsigned id);
/** The usbmux device at this bus address whose UDID the kernel did not tell. */
RescueEntity *rescue_entity_find_nameless(const RescueMerge *merge, unsigned bus, unsigned address);

/** Nobody may ask this device now. */
bool rescue_merge_is_busy(const RescueMerge *merge, RescueEcid ecid);
/** usbmuxd connects to it now. */
bool rescue_entity_is_reachable(const RescueEntity *entity);
void rescue_entity_publish(const RescueMerge *merge, const RescueEntity *entity);
void rescue_entity_set_mode(RescueEntity *entity, RescueMode mode, bool inferred);
/** Publishes that it is absent, if it was not. */
void rescue_entity_leave(RescueMerge *merge, RescueEntity *entity, int64_t now_us);
/** Frees it when nothing is left to know it by. */
void rescue_entity_forget(RescueMerge *merge, RescueEntity *entity);
void rescue_entity_link_usb(RescueEntity *entity, const RescueUsbSighting *seen);
void rescue_entity_link_mux(RescueEntity *entity, const RescueMuxSighting *seen);
/** The UDID always, the ECID when none was known. */
void rescue_entity_name(RescueEntity *entity, const char *udid, RescueEcid ecid);
/** Everything that `from` is attached by moves to `to`; `from` leaves, or is forgotten when it had no ECID. */
void rescue_entity_move(RescueMerge *merge, RescueEntity *from, RescueEntity *to, int64_t now_us);
