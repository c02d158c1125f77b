/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/phone/services.h"
#include "tests/lab/scenario/hardware.h"

/*
 * The inside of one restore: restore.c leads the conversation, steps.c is the table of what is done and asked for,
 * answers.c judges what the host sends, updater.c is about the chips beside the processor.
 */

enum {
	LAB_STATUS_FAIL = 14,
	LAB_STATUS_VERIFY = -1,
	LAB_STATUS_FDR = 53,
	LAB_STATUS_UPDATER = 1015,
	LAB_AMR_FAIL = 1,
	LAB_AMR_VERIFY = 11,
};

typedef enum {
	RESTORE_LIVE,
	RESTORE_FINISHED,
	RESTORE_FAILED,
	RESTORE_HUNG,
	RESTORE_CUT
} RestoreState;

/* What an answer was good for. */
typedef enum { ANSWER_DONE, ANSWER_MORE, ANSWER_BAD } Answer;

typedef enum { ALWAYS, ERASE_ONLY, UPDATE_ONLY } StepWhen;

typedef struct {
	unsigned operation; /* of ProgressMsg; 0: none is announced */
	bool gradual;       /* several ProgressMsg, else one */
	StepWhen when;
	unsigned first_train;             /* ramdisks of earlier builds do not know the step */
	LabChipKind chip;                 /* models without it skip the step */
	void (*act)(LabRestore *restore); /* what the phone does when the step begins; NULL */
	const char *wants;                /* DataType it asks the host for; NULL */
	plist_t (*arguments)(const LabRestore *restore);     /* of the request; NULL: none */
	Answer (*take)(LabRestore *restore, plist_t answer); /* NULL: another port ends the step */
	LabPoint point;   /* passed in the middle; LAB_AT_LAST: none */
	const char *name; /* recorded, as the product calls it; NULL: too small to tell */
	bool flashes;     /* takes the phone's step time */
} Step;

/** A list of images the host has, and each of them by its name: FUD and its like. */
typedef struct {
	const char *request, *list_key, *data_key;
	const char *type; /* ImageType; NULL: goes without saying */
} LabImageList;

struct LabRestore {
	LabChannel *channel; /* owns us */
	LabPhone *phone;
	RestoreState state;
	bool update;
	unsigned train;      /* of the ramdisk: decides what is asked for */
	plist_t async_types; /* what the host lets be asked beside the rest; NULL */
	bool checkpoints;    /* the host understands CheckpointMsg */
	size_t step;
	bool waiting;          /* for what the step wants */
	char *wanted;          /* the type that was asked for last; NULL */
	unsigned next_source;  /* runs the next step */
	unsigned answer_timer; /* deadline of what is waited for */
	unsigned fdr_timer;    /* closes FDR at the end */
	char *version, *build; /* of the image */
	bool sound;
	GQueue images;     /* names of images still to be asked for */
	bool nonce_sent;   /* baseband: the second request, with a nonce, is out */
	uint64_t received; /* bytes of the file that comes in pieces */
	size_t file;       /* which of a step's files it is */
};

/* ---- restore.c ------------------------------------------------------------------------------- */

/** Says that it has failed, and why. */
void lab_restore_fail(LabRestore *restore, int status, int amr, const char *log);
/** Asks the host; takes `arguments` over, NULL: none. */
void lab_restore_request(LabRestore *restore, const char *type, plist_t arguments);
/** Tells the host something it need not answer; takes `message` over. */
void lab_restore_tell(LabRestore *restore, plist_t message);

/* ---- steps.c --------------------------------------------------------------------------------- */

/** NULL behind the last. */
const Step *lab_step_at(size_t index);
/** This step belongs to this restore. */
bool lab_step_applies(const LabRestore *restore, const Step *step);

/* ---- answers.c: what the steps take ---------------------------------------------------------- */

Answer lab_take_ticket(LabRestore *restore, plist_t answer);
Answer lab_take_kernel(LabRestore *restore, plist_t answer);
Answer lab_take_device_tree(LabRestore *restore, plist_t answer);
Answer lab_take_root_hash(LabRestore *restore, plist_t answer);
Answer lab_take_metadata(LabRestore *restore, plist_t answer);
Answer lab_take_nor(LabRestore *restore, plist_t answer);
Answer lab_take_fud(LabRestore *restore, plist_t answer);
Answer lab_take_ean(LabRestore *restore, plist_t answer);
Answer lab_take_receipt(LabRestore *restore, plist_t answer);
Answer lab_take_attestation(LabRestore *restore, plist_t answer);
Answer lab_take_file(LabRestore *restore, plist_t answer);
Answer lab_take_decryption_key(LabRestore *restore, plist_t answer);
Answer lab_take_fdr_trust(LabRestore *restore, plist_t answer);
Answer lab_take_baseband(LabRestore *restore, plist_t answer);
/** Anything at all. */
Answer lab_take_any(LabRestore *restore, plist_t answer);
/** What the scenario has this phone ask for beside the table. */
Answer lab_take_extra(LabRestore *restore, plist_t answer);
plist_t lab_ask_fud(const LabRestore *restore);
plist_t lab_ask_ean(const LabRestore *restore);
plist_t lab_ask_cryptex_image(const LabRestore *restore);
plist_t lab_ask_boot_object(const LabRestore *restore);
plist_t lab_ask_decryption_key(const LabRestore *restore);

/* ---- updater.c ------------------------------------------------------------------------------- */

/** Arguments of BasebandData: the modem's id, and from the second request on a nonce. */
plist_t lab_ask_baseband(const LabRestore *restore);
/** Arguments of FirmwareUpdaterData for the chip of the present step. */
plist_t lab_ask_updater(const LabRestore *restore);
Answer lab_take_updater(LabRestore *restore, plist_t answer);
/** FirmwarePreflightInfo of lockdownd: what a host needs to have the modem signed for early. Caller frees. */
plist_t lab_baseband_preflight(const LabPhone *phone);
