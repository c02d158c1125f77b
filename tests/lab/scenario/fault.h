/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Faults: "at PHASE [after BYTES] do ACTION [for DURATION] [times N | until …]". The phone and the world's servers
 * ask
 * at each point they pass; what fires is stamped into the record by whoever asked. A fault that is not spent
 * fires again the next time the point is passed (times N; 0 = always; or until something has happened).
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
	LAB_AT_SEP, /* the SEP is certified */
	LAB_AT_BASEBAND,
	LAB_AT_NOR,
	LAB_AT_FIRMWARE_UPDATES,
	LAB_AT_FINISH,
	LAB_AT_BOOT,            /* first boot after the restore */
	LAB_AT_LOCKDOWN,        /* a lockdownd request in normal mode */
	LAB_AT_SIGNING,         /* a TSS request */
	LAB_AT_FIRMWARE_SERVER, /* a GET of firmware; bytes count */
	LAB_AT_FIRMWARE_RANGE,  /* a GET of a part of it */
	LAB_AT_CATALOG,         /* a question to the catalogue */
	LAB_AT_ENGINE,          /* an engine is started */
	LAB_AT_LAST
} LabPoint;

typedef enum {
	LAB_DO_NOTHING,
	LAB_DO_UNPLUG, /* leave the bus; back after duration in the mode the phone would boot into */
	LAB_DO_MOVE,   /* the same, and back on another port */
	LAB_DO_STALL,  /* STALL the transfer, the phone stays */
	LAB_DO_HANG,   /* never answer this session again; a new connection is served */
	LAB_DO_IGNORE,         /* accept the command and do nothing */
	LAB_DO_VANISH,         /* die: off the bus, back in recovery after duration (0: never) */
	LAB_DO_RECOVERY,       /* fall back to recovery mode at once */
	LAB_DO_FAIL,           /* restored: StatusMsg; `status`, `amr` */
	LAB_DO_FAIL_AND_GO_ON, /* the same, and the phone does what comes next all the same */
	LAB_DO_FAIL_AND_CUT,   /* the same, and the link is cut 0.5 s later */
	LAB_DO_GARBAGE,        /* answer nonsense: ASR an unknown command, a server HTML or junk */
	LAB_DO_STATUS,         /* signing: STATUS=`status`; firmware server: HTTP status */
	LAB_DO_REFUSE,         /* server: connection refused, reset */
	LAB_DO_HTTP,           /* server: HTTP status `status` and a web page */
	LAB_DO_DELAY,          /* server: answers `duration` late */
	LAB_DO_WRONG_RANGE,    /* firmware server: other bytes than were asked for */
	LAB_DO_REPLACE,        /* firmware server: another file of the same name from now on */
	/* what befalls the host at a point of the phone, which itself goes on: lab_action_is_hosts() */
	LAB_DO_CRASH_CLIENT,    /* the process that talks to the phone gets a SIGSEGV */
	LAB_DO_STOP_CLIENT,     /* it stops dead, as in a deadlock */
	LAB_DO_RESTART_USBMUXD, /* usbmuxd dies, and is back after duration (0: never) */
	/* how an engine behaves that has just been started */
	LAB_DO_EXIT,  /* ends at once with `status` */
	LAB_DO_CRASH, /* dies of a SIGSEGV at once */
	LAB_DO_MUTE,  /* says and does nothing, ends when it is told to */
	LAB_DO_DEAF,  /* says and does nothing, and does not end when it is told to */
	LAB_DO_FLOOD, /* writes `status` megabytes of log, then goes on as usual */
	LAB_DO_LAST
} LabAction;

/** What ends a fault that is not counted. */
typedef enum {
	LAB_UNTIL_NEVER,
	LAB_UNTIL_REENUMERATED, /* the phone has left the bus and come back since it fired first */
	LAB_UNTIL_DFU,          /* the phone has been in DFU mode since */
	LAB_UNTIL_MOVED,        /* the phone has been put into another port since */
	LAB_UNTIL_REPLACED, /* the firmware's file is another one than it was in the beginning */
	LAB_UNTIL_TIME,     /* until_ms have passed since */
} LabUntil;

typedef struct {
	char *phone; /* NULL: any */
	LabPoint at;
	uint64_t after_bytes;
	LabAction action;
	unsigned duration_ms;
	char *port;     /* of LAB_DO_MOVE; NULL */
	int status;     /* StatusMsg, TSS STATUS or HTTP status */
	int amr;        /* AMRError; 0 absent */
	unsigned times; /* 0: always, or until: */
	LabUntil until;
	unsigned until_ms;
	char *until_firmware; /* of LAB_UNTIL_REPLACED: its name in the scenario; NULL */
	unsigned fired;
	/* fault.c's own: */
	bool over;
	int64_t fired_at; /* the first time, monotonic */
	char *file;       /* of until_firmware */
	uint64_t file_id; /* what it was like in the beginning */
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
/** Something has happened to that phone that faults may be waiting for. */
void lab_faults_happened(LabFaults *faults, const char *phone, LabUntil what);
/** Where the firmware of that name lies; to be told before anything fires. */
void lab_faults_set_file(LabFaults *faults, const char *firmware, const char *path);
/** The fault of that index at this point, borrowed; NULL behind the last. */
const LabFault *lab_faults_at(const LabFaults *faults, LabPoint at, unsigned index);
/** It befalls the host, the phone takes no notice. */
bool lab_action_is_hosts(LabAction action);
/** Words of the scenario language and of the record. */
const char *lab_point_name(LabPoint at);
bool lab_point_parse(const char *text, LabPoint *ret_at);
const char *lab_action_name(LabAction action);
bool lab_action_parse(const char *text, LabAction *ret_action);
