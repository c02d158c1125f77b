/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/phone.h"

/*
 * The inside of a phone, for the files of this folder only. phone.c owns the life on the bus;
 * usb.c, iboot.c and dfu.c answer USB; channel.c is the base of the services behind the mux, which
 * are lockdown.c, restored.c and what belongs to it.
 */

enum { LAB_AP_NONCE_SIZE = 32, LAB_SEP_NONCE_SIZE = 20 };

/** Which program answers in recovery mode; decided by what was uploaded and started. */
typedef enum {
	LAB_STAGE_IBOOT, /* the installed or second-level loader: plain recovery mode */
	LAB_STAGE_IBSS,  /* started out of DFU */
	LAB_STAGE_IBEC,  /* started by go: takes ramdisk, kernel, bootx */
} LabStage;

typedef struct LabIboot LabIboot; /* iboot.c: variables, the upload that is under way */
typedef struct LabDfu LabDfu;     /* dfu.c: state machine of the download */
/** A host that may open sessions: the certificates it has sent. */
typedef struct {
	char *certificate; /* of the phone, signed by the host */
	char *root;        /* the host's */
} LabTrusted;

typedef struct LabPairing LabPairing; /* pairing.c: hosts it trusts */
typedef struct LabTls LabTls;         /* tls.c */

struct LabPhone {
	LabIdentity id;
	LabFaults *faults;       /* borrowed */
	LabRecord *record;       /* borrowed */
	LabMode mode, last_mode; /* last: before it left the bus */
	LabStage stage;
	char *version, *build; /* "" while nothing bootable is installed */
	bool autoboot;         /* iBoot's auto-boot variable, shared by all modes */
	bool fresh;            /* installed, but not booted yet */
	uint8_t ap_nonce[LAB_AP_NONCE_SIZE];
	size_t ap_nonce_size; /* 20 or, from A10 on, 32 */
	uint8_t sep_nonce[LAB_SEP_NONCE_SIZE];
	LabIboot *iboot;
	LabDfu *dfu;
	GSList *attachments; /* of Attached, phone.c */
	GQueue channels;     /* of LabChannel, live ones only */
	unsigned boot_ms;    /* time off the bus during a boot */
	unsigned step_ms;    /* time that a flashing step takes, and the image service to answer */
	unsigned departure;  /* source that takes it off the bus a moment after a command; 0 none */
	unsigned comeback;   /* source that brings it back on the bus; 0 none */
	LabMode comeback_mode; /* the mode it comes back in */
	LabStage comeback_stage;
	bool comeback_boots;  /* it boots into that mode, it was not merely unplugged */
	int64_t link_free_at; /* monotonic time at which the link has carried all it was given */
	pid_t hung_pid;       /* USB: this process is not answered until it opens the node again */
	bool ramdisk_updates; /* the ramdisk that was sent is an update's: user data stay */
	unsigned ramdisk_train; /* its build train; 0: it does not say */
	uint16_t factory_port;  /* of the server behind the host that has factory data; 0: none */
	bool factory_asked;     /* FDR's next connection is for it */
	char **asks;            /* DataTypes it asks for beside the usual; NULL */
	LabCondition condition;
	LabPairing *pairing;
	char *service_host; /* HostID that has last had a service started; NULL */
	bool erased;        /* in this scenario */
	void (*restart_mux)(void *data, unsigned for_ms); /* NULL: there is none */
	void *restart_data;
	pid_t talker;   /* the process that has last spoken to it */
	bool activated; /* set up by somebody; lab_phone_wipe() clears it */
};

/* ---- channels: the base that every service embeds as its first member ------------------------ */

typedef struct {
	/** Bytes from the host. Not called once the channel is gone. */
	void (*received)(LabChannel *channel, const void *data, size_t size);
	/**
	 * The host closed or the phone left; stop timers here. The memory stays until free. May be
	 * NULL.
	 */
	void (*closed)(LabChannel *channel);
	/** The last reference went: free the service's own struct, base included. */
	void (*free)(LabChannel *channel);
} LabChannelClass;

struct LabChannel {
	const LabChannelClass *class;
	LabPhone *phone; /* borrowed; the phone outlives its channels' life, not their memory */
	const LabChannelOps *ops; /* the mux attachment's; not called once gone */
	void *self;
	pid_t pid;
	unsigned refs;
	bool gone;
	LabTls *tls; /* NULL: plain */
};

/**
 * Fills the base in and enters it into phone->channels, with one reference that
 * lab_channel_closed() drops. A service calls it in its connect function.
 */
void lab_channel_init(LabChannel *channel, const LabChannelClass *class, LabPhone *phone,
		      pid_t pid);
/**
 * lab_channel_received() holds a reference while the service works, so a fault that takes the phone
 * off the bus in there is harmless; a service's timer takes one of its own.
 */
LabChannel *lab_channel_ref(LabChannel *channel);
void lab_channel_unref(LabChannel *channel);
/** To the host; nothing happens when the channel is gone. */
void lab_channel_send(LabChannel *channel, const void *data, size_t size);
/** The phone closes its end; nothing happens when the channel is gone. */
void lab_channel_shut(LabChannel *channel);
/** TLS from the next byte on, both ways, with the certificates of this pairing. */
void lab_channel_secure(LabChannel *channel, const LabTrusted *trusted);
void lab_channel_set_reading(LabChannel *channel, bool on);

/* ---- services; lab_phone_connect() dispatches by mode, then fills in ops and self ------------ */

/** Normal mode. NULL when nobody listens on `port`. Implemented by lockdown.c. */
LabChannel *lab_lockdown_connect(LabPhone *phone, uint16_t port, pid_t pid,
				 const LabChannelOps *ops, void *self);
/** Restore mode: 62078 restored, 12345 ASR, 1082 FDR. Implemented by restored.c. */
LabChannel *lab_restored_connect(LabPhone *phone, uint16_t port, pid_t pid,
				 const LabChannelOps *ops, void *self);

/* ---- what services do to the phone ----------------------------------------------------------- */

/** The data partition and the system are gone; recorded as `erased` with this process. */
void lab_phone_wipe(LabPhone *phone, pid_t pid);
/** A bootable system is there; recorded as `installed`. */
void lab_phone_install(LabPhone *phone, const char *version, const char *build);
/** Draws fresh nonces, as each boot of a loader does. */
void lab_phone_new_nonces(LabPhone *phone);
/**
 * Passes a point: asks for a fault, records it and performs what is common to all points: UNPLUG,
 * VANISH and RECOVERY take the phone off the bus (its channels are gone afterwards). Returns the
 * fault, borrowed, or NULL; STALL, HANG, IGNORE, FAIL, GARBAGE are for the caller to perform.
 */
const LabFault *lab_phone_pass(LabPhone *phone, LabPoint at, uint64_t bytes);
/**
 * Leaves the bus once the transfer that asked for it has been answered, and boots into `mode` at
 * `stage` (which matters for recovery mode only).
 */
void lab_phone_depart(LabPhone *phone, LabMode mode, LabStage stage);
/** Chips from A7 on: Image4 files, a SEP. */
bool lab_phone_is_image4(const LabPhone *phone);
/** True if this action has taken the phone off the bus. */
bool lab_action_leaves(LabAction action);
/* ---- usb.c: standard requests; -EPIPE for what it does not know ------------------------------ */

/** Answers into `data`; results as lab_phone_control(). */
ssize_t lab_usb_standard(LabPhone *phone, const LabSetup *setup, uint8_t *data);

/* ---- iboot.c and dfu.c ----------------------------------------------------------------------- */

/** Caller owns. */
LabIboot *lab_iboot_new(void);
void lab_iboot_free(LabIboot *iboot);
/** A loader starts: forgets the upload, keeps the saved variables. */
void lab_iboot_reset(LabPhone *phone);
/** That process has closed the node: its upload is recorded, and stays there to be used. */
void lab_iboot_end_upload(LabPhone *phone, pid_t pid);
/** The phone leaves the bus: what was under way is recorded and forgotten. */
void lab_iboot_cut_upload(LabPhone *phone);
/** Vendor requests of iBoot; results as lab_phone_control(). */
ssize_t lab_iboot_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, pid_t pid);
/** A piece of an upload; results as lab_phone_bulk_out(). */
ssize_t lab_iboot_bulk_out(LabPhone *phone, const uint8_t *data, size_t size, pid_t pid);

/** Caller owns. */
LabDfu *lab_dfu_new(void);
void lab_dfu_free(LabDfu *dfu);
/** The boot ROM starts anew: forgets what was downloaded. */
void lab_dfu_reset(LabPhone *phone);
/** Class requests of DFU; results as lab_phone_control(). */
ssize_t lab_dfu_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, pid_t pid);
/** A USB bus reset: after a complete download the phone starts what it was given. */
void lab_dfu_bus_reset(LabPhone *phone, pid_t pid);
