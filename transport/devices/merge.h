/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model/device.h"

/*
 * Sightings in, devices out: one RescueDevice per ECID across modes. Pure: no clock, no I/O, no log. Two sources
 * see the same phone, the kernel (USB) and usbmuxd (normal and restore mode), each in its own order; the rules that
 * make one story of it are in README.md and in tests/unit/test-devices.c.
 */
typedef struct RescueMerge RescueMerge;

/** What the kernel knows of one USB device of Apple's without anybody opening it. Strings borrowed. */
typedef struct {
	const char *port; /* sysfs name, "1-2.4" */
	unsigned bus, address, speed_mbit;
	uint16_t product_id;
	const char *serial; /* the serial-number string; NULL when there is none */
} RescueUsbSighting;

/** What usbmuxd says of one device. Strings borrowed. */
typedef struct {
	unsigned id; /* usbmuxd's DeviceID */
	const char *udid;
	unsigned bus, address; /* out of its LocationID; 0 not known */
} RescueMuxSighting;

/** What the merger asks and tells; `data` goes to each. */
typedef struct {
	/** A device appeared, left (mode absent) or is known better. `inferred`: nobody asked it for its mode. */
	void (*changed)(const RescueDevice *device, bool inferred, void *data);
	/** An engine, ours or another process's, may be driving this device: it is not to be asked. */
	bool (*is_busy)(RescueEcid ecid, void *data);
	/** The ECID that this UDID was learned to belong to; 0 not known. */
	RescueEcid (*learned)(const char *udid, void *data);
	void *data;
} RescueMergeSpec;

/** A device that should be asked who it is and in which mode; `udid` is borrowed until the next call. */
typedef struct {
	const char *udid;
	RescueEcid ecid;     /* what we believe; 0 not known */
	unsigned generation; /* of this appearance: an answer to an earlier one does not count */
} RescueQuestion;

/** Copies `spec`. */
RescueMerge *rescue_merge_new(const RescueMergeSpec *spec);
/** Accepts NULL. */
void rescue_merge_free(RescueMerge *merge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueMerge, rescue_merge_free)

/** True for the product ids that we watch: iBoot, DFU, WTF, port DFU and usbmux. */
bool rescue_usb_is_ours(uint16_t vendor_id, uint16_t product_id);

/* `now_us` is monotonic throughout. */

/** Idempotent: the same sighting again changes nothing. */
void rescue_merge_usb_added(RescueMerge *merge, const RescueUsbSighting *seen, int64_t now_us);
void rescue_merge_usb_removed(RescueMerge *merge, const char *port, int64_t now_us);
void rescue_merge_mux_attached(RescueMerge *merge, const RescueMuxSighting *seen, int64_t now_us);
void rescue_merge_mux_detached(RescueMerge *merge, unsigned id, int64_t now_us);
/** usbmuxd went away: it says nothing about any device any more. */
void rescue_merge_mux_lost(RescueMerge *merge, int64_t now_us);
/** is_busy() answers differently for this device from now on. */
void rescue_merge_busy_changed(RescueMerge *merge, RescueEcid ecid, int64_t now_us);

/**
 * One device matters from now on: neighbours are let be. Only while it is away somebody whose ECID is not known is
 * asked, who could be it. 0: all matter.
 */
void rescue_merge_attend(RescueMerge *merge, RescueEcid ecid);
/** The next device that is due to be asked; false when none is. It counts as being asked until the answer. */
bool rescue_merge_take_question(RescueMerge *merge, int64_t now_us, RescueQuestion *ret_question);
/** Monotonic time at which the next question is due; -1 when none will be. */
int64_t rescue_merge_next_question_us(const RescueMerge *merge);
/** The answer of a question; `facts` NULL: it did not answer, it will be asked again later. */
void rescue_merge_answer(RescueMerge *merge, const RescueQuestion *question,
			 const RescueDevice *facts, int64_t now_us);
/** What a device said when somebody asked it by its ECID; its mode counts when it is attached through usbmuxd. */
void rescue_merge_told(RescueMerge *merge, RescueEcid ecid, const RescueDevice *facts);
/** The model behind a chip and board number, for every device that has them. */
void rescue_merge_identified(RescueMerge *merge, uint32_t chip_id, uint32_t board_id,
			     const char *product, const char *board);

/** Everything attached, RescueDevice; caller owns the array. */
GPtrArray *rescue_merge_list(const RescueMerge *merge);
/** As known now, mode absent when not attached or never seen. Caller owns. */
RescueDevice *rescue_merge_find(const RescueMerge *merge, RescueEcid ecid);
/** Nobody asked the device for the mode that it is said to be in. */
bool rescue_merge_is_inferred(const RescueMerge *merge, RescueEcid ecid);
/** It can be reached through usbmuxd now. */
bool rescue_merge_has_mux(const RescueMerge *merge, RescueEcid ecid);
/** A question or its answer is outstanding for this device (0: any) or for one whose ECID is not known. */
bool rescue_merge_is_unsettled(const RescueMerge *merge, RescueEcid ecid);
