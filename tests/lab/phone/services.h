/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/internal.h"
#include "tests/lab/phone/plistio.h"

/*
 * What lockdownd, restored, ASR and FDR share with each other. restored.c holds the connection,
 * restore.c the conversation of one restore, asr.c and fdr.c the other ports that a restore uses.
 */

enum {
	LAB_PORT_LOCKDOWN = 62078, /* restored listens there too, in restore mode */
	LAB_PORT_ASR = 12345,
	LAB_PORT_FDR = 1082,
	LAB_PORT_DATA =
	    49202, /* answers that come beside the rest; told to the host in the request */
	LAB_PORT_PREBOARD = 49203, /* told to the host by StartService */
	LAB_PORT_FDR_CONN = 49201, /* told to the host in FDR's greeting; any free one would do */
};

/* ---- services.c: what every service does ----------------------------------------------------- */

/** Stamps "session" into the record: this service is being spoken to by that process. */
void lab_service_record(LabChannel *channel, const char *service);
/**
 * Hands each complete message in `data`, behind what `buffer` already has, to `handle`; a stream
 * that makes no sense is closed. Stops when the channel is gone.
 */
void lab_service_feed(LabChannel *channel, GByteArray *buffer, const void *data, size_t size,
		      void (*handle)(LabChannel *channel, plist_t message));
/** Keeps the link's speed for one channel; part of a service's own struct. */
typedef struct {
	LabChannel *channel;
	unsigned source;
} LabPace;

/** Stops reading until the `bytes` that have come could have come. */
void lab_pace_hold(LabPace *pace, uint64_t bytes);
/** To be called when the channel is closed, or must never be read from again. */
void lab_pace_stop(LabPace *pace);
/**
 * The phone leaves the bus by itself `in_ms` from now, whatever becomes of the connection that
 * asked for it, and boots into `mode`. A host misses a phone that leaves in the same instant it
 * answers: idevicerestore starts to wait for the change only after it has closed its connection.
 * Leaving the bus in another way cancels it.
 */
void lab_service_leave(LabPhone *phone, LabMode mode, unsigned in_ms);
/** D22AP: the way lockdownd and restored write the board. Caller frees. */
char *lab_service_hardware_model(const LabPhone *phone);
/** The phone's newest live channel of that class, NULL; borrowed. */
LabChannel *lab_service_find(LabPhone *phone, const LabChannelClass *class);

/* ---- restore.c: one restore ------------------------------------------------------------------ */

typedef struct LabRestore LabRestore;

/**
 * The host asked for StartRestore with these options. `channel` carries the conversation and owns
 * the result.
 */
LabRestore *lab_restore_new(LabChannel *channel, plist_t options);
/** Also ends it when it is under way. Accepts NULL. */
void lab_restore_free(LabRestore *restore);
/** Something that is not a request came on the connection. */
void lab_restore_message(LabRestore *restore, plist_t message);
/**
 * The connection is gone: a restore that was not finished never will be, one that was starts the
 * system.
 */
void lab_restore_cut(LabRestore *restore);
/** Neither finished, failed nor hanging. */
bool lab_restore_is_live(const LabRestore *restore);
/** Nothing will ever be said on its connection again. */
bool lab_restore_is_hung(const LabRestore *restore);
/**
 * Says on `channel` that the restore has failed in the fault's way; FAIL_AND_CUT then takes the
 * phone away.
 */
void lab_restore_report(LabChannel *channel, const LabFault *fault);
/** Performs a fault that has fired: FAIL, HANG and so on. True when the caller must stop. */
bool lab_restore_suffer(LabRestore *restore, const LabFault *fault);
/** The image has been asked for: ASR may be connected to. */
bool lab_restore_wants_image(const LabRestore *restore);
/**
 * ASR has all of the image. `version` and `build` are what the image itself says it is, NULL when
 * it says nothing; not `sound` when its checksums or the pieces asked for beforehand do not match
 * what came.
 */
void lab_restore_image_done(LabRestore *restore, const char *version, const char *build,
			    bool sound);
/** ASR's connection ended before the image was complete. */
void lab_restore_image_failed(LabRestore *restore, const char *why);
/** The step that waits now asked for data of this type. */
bool lab_restore_wants(const LabRestore *restore, const char *type);
/** A stream that is no property list has come to its end. */
void lab_restore_stream_done(LabRestore *restore);
/** The host has opened FDR's second connection and answered on it. */
void lab_restore_fdr_done(LabRestore *restore);

/* ---- restored.c, asr.c, fdr.c ---------------------------------------------------------------- */

/** The restore of the newest connection that has started one, NULL; borrowed. */
LabRestore *lab_restored_current(LabPhone *phone);
LabChannel *lab_asr_connect(LabPhone *phone, pid_t pid);
/** Closes ASR's connection, if there is one. */
void lab_asr_shut(LabPhone *phone);
/** ASR reads nothing more. */
void lab_asr_hang(LabPhone *phone);
/** Normal mode: the service that keeps a token over an update; started by lockdownd. */
LabChannel *lab_preboard_connect(LabPhone *phone, pid_t pid);
/** A connection for one answer; NULL when none is waited for. */
LabChannel *lab_data_connect(LabPhone *phone, pid_t pid);
LabChannel *lab_fdr_connect(LabPhone *phone, uint16_t port, pid_t pid);
/**
 * Asks the host for a connection of its own to LAB_PORT_FDR_CONN; false when no host is there to
 * ask.
 */
bool lab_fdr_sync(LabPhone *phone);
/** Closes FDR's connections, as the phone does when a restore is over. */
void lab_fdr_shut(LabPhone *phone);
