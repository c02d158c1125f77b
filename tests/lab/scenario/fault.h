/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Faults: "at PHASE [after BYTES] do ACTION [for DURATION] [times N]". The phone and the world's servers ask
 * at each point they pass; what fires is stamped into the record by whoever asked. A fault that is not spent
 * fires again the next time the point is passed (times N; 0 = always).
 */
typedef enum {
	LAB_AT_SEND_IBSS,    /* DFU upload of iBSS; bytes count */
	LAB_AT_SEND_IBEC,    /* recovery upload of iBEC; bytes count */
	LAB_AT_GO,           /* the go command */
	LAB_AT_SEND_RAMDISK, /* bytes count */
	LAB_AT_BOOTX,
	LAB_AT_HANDSHAKE,  /* restored was asked for QueryType or StartRestore */
	LAB_AT_ASR,        /* ASR's Initiate and Validate exchange */
	LAB_AT_FILESYSTEM, /* image bytes count */
	LAB_AT_VERIFY_FILESYSTEM,
	LAB_AT_FDR,
	LAB_AT_BASEBAND,
	LAB_AT_NOR,
	LAB_AT_FIRMWARE_UPDATES,
	LAB_AT_FINISH,
	LAB_AT_BOOT,            /* first boot after the restore */
	LAB_AT_LOCKDOWN,        /* a lockdownd request in normal mode */
	LAB_AT_SIGNING,         /* a TSS request */
	LAB_AT_FIRMWARE_SERVER, /* a GET of firmware; bytes count */
	LAB_AT_LAST
} LabPoint;

typedef enum {
	LAB_DO_NOTHING,
	LAB_DO_UNPLUG, /* leave the bus; back after duration in the mode the phone would boot into */
	LAB_DO_STALL,  /* STALL the transfer, the phone stays */
	LAB_DO_HANG,   /* never answer this session again; a new connection is served */
	LAB_DO_IGNORE,       /* accept the command and do nothing */
	LAB_DO_VANISH,       /* die: off the bus, back in recovery after duration (0: never) */
	LAB_DO_RECOVERY,     /* fall back to recovery mode at once */
	LAB_DO_FAIL,         /* restored: StatusMsg; `status`, `amr` */
	LAB_DO_FAIL_AND_CUT, /* the same, and the link is cut 0.5 s later */
	LAB_DO_GARBAGE,      /* answer nonsense: ASR an unknown command, a server HTML or junk */
	LAB_DO_STATUS,       /* signing: STATUS=`status`; firmware server: HTTP status */
	LAB_DO_REFUSE,       /* server: connection refused, reset */
	LAB_DO_LAST
} LabAction;

typedef struct {
	char *phone; /* NULL: any */
	LabPoint at;
	uint64_t after_bytes;
	LabAction action;
	unsigned duration_ms;
	int status;     /* StatusMsg, TSS STATUS or HTTP status */
	int amr;        /* AMRError; 0 absent */
	unsigned times; /* 0: always */
	unsigned fired;
} LabFault;

typedef struct LabFaults LabFaults;

LabFaults *lab_faults_new(void);
void lab_faults_free(LabFaults *faults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabFaults, lab_faults_free)
/** Takes `fault` over (g_new, g_strdup'ed phone). */
void lab_faults_add(LabFaults *faults, LabFault *fault);
/**
 * The fault that fires for this phone (NULL: a server without a phone) at this point, now that `bytes` have
 * passed; NULL when none does. Counts it as fired. Borrowed.
 */
const LabFault *lab_faults_fire(LabFaults *faults, const char *phone, LabPoint at, uint64_t bytes);
/** Words of the scenario language and of the record. */
const char *lab_point_name(LabPoint at);
bool lab_point_parse(const char *text, LabPoint *ret_at);
const char *lab_action_name(LabAction action);
bool lab_action_parse(const char *text, LabAction *ret_action);
