/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/record/record.h"
#include "tests/lab/scenario/fault.h"

/*
 * One virtual iPhone: what it is, which mode it is in, and how it answers on its two sides, USB
 * (recovery and DFU) and mux (normal and restore). The model knows neither umockdev nor sockets: an
 * attachment (tests/lab/attach) carries its bytes. Everything runs on the lab's main loop; an
 * attachment that has threads of its own hops over before it calls in here.
 */
typedef struct LabPhone LabPhone;

typedef enum {
	LAB_MODE_OFF,      /* not on the bus */
	LAB_MODE_NORMAL,   /* 05ac:12a8, usbmux, lockdownd */
	LAB_MODE_RECOVERY, /* 05ac:1281, iBoot commands */
	LAB_MODE_DFU,      /* 05ac:1227 */
	LAB_MODE_RESTORE,  /* 05ac:12a8, usbmux, restored */
} LabMode;

/**
 * What never changes about a phone; a scenario fills it in. Strings are owned by the phone's copy.
 */
typedef struct {
	char *name;    /* the scenario's name for it */
	char *product; /* iPhone10,3 */
	char *board;   /* d22ap */
	uint32_t cpid, bdid;
	uint64_t ecid;
	char *udid; /* 40 hex digits, or 8-16 with the ECID for newer models */
	char *serial;
	char *port;          /* sysfs port path, 1-2 */
	uint64_t link_bytes; /* bytes per second of its link; 0: as fast as it goes */
} LabIdentity;

typedef enum {
	LAB_TRUST_AT_ONCE,
	LAB_TRUST_PENDING, /* somebody taps on Trust, trust_ms after the first wish */
	LAB_TRUST_DENIED,
} LabTrust;

typedef enum { LAB_FIND_MY_OFF, LAB_FIND_MY_ON, LAB_FIND_MY_ON_FALSELY } LabFindMy;

/** Whether a passcode has to be typed for a stashbag, and whether somebody does. */
typedef enum {
	LAB_PASSCODE_NONE,
	LAB_PASSCODE_TYPED, /* passcode_ms after the dialog */
	LAB_PASSCODE_WRONG,
	LAB_PASSCODE_IGNORED,
} LabPasscode;

/** What a phone in normal mode is like, and its owner. All zero but `battery`: nothing in the way. */
typedef struct {
	bool locked; /* by its passcode: it pairs with nobody */
	LabTrust trust;
	unsigned trust_ms;
	unsigned battery; /* percent */
	LabFindMy find_my;
	LabPasscode passcode;
	unsigned passcode_ms;
	unsigned first_boot_ms; /* beside the usual boot, the first time after an installation */
	bool unactivated, supervised;
} LabCondition;

/** How an attachment plugs a phone in; called by the phone when its mode changes. */
typedef struct {
	/** The phone is on the bus in its present mode; a fresh device number each time. */
	void (*plug)(void *self, LabPhone *phone);
	/** It has left the bus: pending transfers fail, connections drop. */
	void (*unplug)(void *self, LabPhone *phone);
} LabAttachment;

/** Copies the identity. `faults` and `record` are borrowed and outlive the phone. */
LabPhone *lab_phone_new(const LabIdentity *identity, LabFaults *faults, LabRecord *record);
/** Leaves the bus first, so what it is attached to must still be there. Accepts NULL. */
void lab_phone_free(LabPhone *phone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabPhone, lab_phone_free)

/** Borrowed, for as long as the phone lives. */
const LabIdentity *lab_phone_identity(const LabPhone *phone);
/** In which mode it is now; LAB_MODE_OFF while it is off the bus. */
LabMode lab_phone_mode(const LabPhone *phone);
/** The word of the scenario language; static. */
const char *lab_mode_name(LabMode mode);
/** The build that is installed, "" after an erase that did not finish. */
const char *lab_phone_build(const LabPhone *phone);
const char *lab_phone_version(const LabPhone *phone);
void lab_phone_set_installed(LabPhone *phone, const char *version, const char *build);
LabFaults *lab_phone_faults(LabPhone *phone);
LabRecord *lab_phone_record(LabPhone *phone);

/** Attachments are told of each plug and unplug, in the order they were added. */
void lab_phone_attach(LabPhone *phone, const LabAttachment *attachment, void *self);
/** Powers the phone on in this mode and plugs it in. */
void lab_phone_start(LabPhone *phone, LabMode mode);
/**
 * Leaves the bus at once and comes back in `mode` after `delay_ms` (LAB_MODE_OFF: never). Recorded.
 */
void lab_phone_go(LabPhone *phone, LabMode mode, unsigned delay_ms);
/**
 * The cable is pulled; the phone's software goes on as it would, and it is back after `for_ms` (0:
 * never).
 */
void lab_phone_unplug(LabPhone *phone, unsigned for_ms);
/** The same, and after `for_ms` (0: at once) it is back on another port of the machine. */
void lab_phone_move(LabPhone *phone, const char *port, unsigned for_ms);
/**
 * What the phone boots into by itself: recovery when auto-boot is false or nothing bootable is
 * installed.
 */
LabMode lab_phone_boot_mode(const LabPhone *phone);
void lab_phone_set_autoboot(LabPhone *phone, bool on);
/** Time a boot or a change of mode keeps it off the bus; 0: the phone's own. */
void lab_phone_set_boot_time(LabPhone *phone, unsigned boot_ms);
/** Time that each step of the restore takes in which a real phone flashes something; 0: none. */
void lab_phone_set_step_time(LabPhone *phone, unsigned step_ms);

/** What a scenario says about its owner, battery and trust; copied. */
void lab_phone_set_condition(LabPhone *phone, const LabCondition *condition);
/**
 * Makes a pairing with this host as if it were an old one; returns the host's pair record as usbmuxd keeps it. Caller
 * owns the result.
 */
GBytes *lab_phone_pair(LabPhone *phone, const char *system_buid);
/** Gives it the same key for TLS as `other` has; drawing one for each of many phones would take long. */
void lab_phone_share_key(LabPhone *phone, LabPhone *other);
/** What a fault does that lets usbmuxd die: `restart` has it back after so long, 0: never. */
void lab_phone_set_restart_mux(LabPhone *phone, void (*restart)(void *data, unsigned for_ms),
			       void *data);
/** Somebody restarts usbmuxd; it is away for so long. */
void lab_phone_restart_usbmuxd(LabPhone *phone, unsigned away_ms);
/** DataTypes that this phone asks for in a restore beside what its model does; copied, NULL: none. */
void lab_phone_set_asks(LabPhone *phone, char *const *types);
/** Port of the host's loopback at which FDR finds a server with factory data; 0: none is asked. */
void lab_phone_set_factory(LabPhone *phone, uint16_t port);

/* ---- USB side: recovery and DFU -------------------------------------------------------------- */

/** Serial-number string of the present mode ("CPID:8015 … ECID:… SRNM:[…]"); caller frees. */
char *lab_phone_usb_serial(const LabPhone *phone);
uint16_t lab_phone_usb_pid(const LabPhone *phone);
/** Whole device and configuration descriptor, as usbfs and sysfs show it; caller frees. */
GBytes *lab_phone_usb_descriptors(const LabPhone *phone);
/** The string descriptor of that index as ASCII; NULL when there is none; caller frees. */
char *lab_phone_usb_string(const LabPhone *phone, unsigned index);
/** A process has opened the phone's node (recorded), or closed it. */
void lab_phone_usb_opened(LabPhone *phone, pid_t pid);
void lab_phone_usb_closed(LabPhone *phone, pid_t pid);
/**
 * A bus reset by that process: ends a DFU download. The phone may leave the bus because of it, a
 * moment later.
 */
void lab_phone_usb_reset(LabPhone *phone, pid_t pid);
/**
 * When `bytes` put on the phone's link now have arrived: monotonic time in us. Shared by all that
 * use the link.
 */
int64_t lab_phone_link_carry(LabPhone *phone, uint64_t bytes);

typedef struct {
	uint8_t request_type, request;
	uint16_t value, index, length;
} LabSetup;

/**
 * A control transfer by process `pid`. For OUT, data is what came; for IN, it is filled. Returns
 * the number of bytes, -EPIPE for a stall, -ENODEV when the phone left, -EAGAIN when it hangs
 * (never answers).
 */
ssize_t lab_phone_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, size_t size,
			  pid_t pid);
/** A bulk OUT of `size` bytes on endpoint 0x04; same results. */
ssize_t lab_phone_bulk_out(LabPhone *phone, uint8_t endpoint, const uint8_t *data, size_t size,
			   pid_t pid);

/* ---- mux side: normal and restore ------------------------------------------------------------ */

/** One connection to a port of the phone (62078 lockdownd or restored, 12345 ASR, 1082 FDR). */
typedef struct LabChannel LabChannel;

typedef struct {
	/** The phone sends these bytes to the host; queued, in order. */
	void (*send)(void *self, const void *data, size_t size);
	/** The phone closes. */
	void (*close)(void *self);
	/**
	 * Stops or resumes reading from the host: back-pressure, by which the link's speed is kept.
	 */
	void (*set_reading)(void *self, bool on);
} LabChannelOps;

/**
 * NULL when nobody listens on that port now. `ops` and `self` stay valid until
 * lab_channel_closed().
 */
LabChannel *lab_phone_connect(LabPhone *phone, uint16_t port, pid_t pid, const LabChannelOps *ops,
			      void *self);
/** Bytes from the host. */
void lab_channel_received(LabChannel *channel, const void *data, size_t size);
/** The host closed, or the phone left the bus; frees the channel. */
void lab_channel_closed(LabChannel *channel);
