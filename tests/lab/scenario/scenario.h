/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/phone/phone.h"
#include "tests/lab/scenario/deed.h"
#include "tests/lab/scenario/fault.h"
#include "tests/lab/world/ipsw.h"

/*
 * A scenario file, read and checked. The language is in docs/scenarios.md.
 */

typedef struct {
	LabIdentity id;
	LabMode mode;
	char *version, *build; /* installed */
	unsigned boot_ms;    /* time between leaving the bus and coming back; 0: the phone's own */
	unsigned step_ms;    /* each flashing step of a restore takes so long */
	unsigned appears_ms; /* plugged in so long after the command has started; 0: before it */
	LabCondition condition;
	bool unpaired;   /* the host is a stranger; else usbmuxd has long seen to the pairing */
	GPtrArray *asks; /* of DataTypes, NULL behind the last when the phone is complete; NULL */
} LabPhoneSpec;

typedef struct {
	char *name;
	LabIpswSpec ipsw;
	bool is_signed; /* the signing server signs this build */
	char *listed;   /* what the catalogue says: signed, unsigned, no; NULL: the truth */
} LabFirmwareSpec;

typedef enum {
	LAB_EXPECT_EXIT,       /* number */
	LAB_EXPECT_BOOTED,     /* phone, text: build */
	LAB_EXPECT_ERASED,     /* phone, number */
	LAB_EXPECT_MODE,       /* phone, mode */
	LAB_EXPECT_UNTOUCHED,  /* phone */
	LAB_EXPECT_FIRED,      /* number */
	LAB_EXPECT_OPENED_BY,  /* phone, text: names with commas between them */
	LAB_EXPECT_ENGINES,    /* phone, number: at most so many at a time */
	LAB_EXPECT_RESET,      /* phone, number: bus resets while it was in use */
	LAB_EXPECT_UPLOADS,    /* phone, number: files that have arrived whole */
	LAB_EXPECT_PORT,       /* phone, text: where it was seen last */
	LAB_EXPECT_STDOUT_HAS, /* text */
	LAB_EXPECT_STDERR_HAS, /* text */
	LAB_EXPECT_FAILURE,    /* text: phase, category; as the command's events tell it */
	LAB_EXPECT_ADVICE,     /* text: in what a person is told to do; likewise */
} LabExpectKind;

typedef struct {
	LabExpectKind kind;
	char *phone;
	char *text;
	char *category;
	unsigned number;
	LabMode mode;
	char *source; /* "FILE:LINE: expect …", for the report */
} LabExpect;

typedef struct {
	GPtrArray *phones;    /* of LabPhoneSpec */
	GPtrArray *firmwares; /* of LabFirmwareSpec */
	GPtrArray *expects;   /* of LabExpect */
	GPtrArray *deeds;     /* of LabDeed */
	GPtrArray *ports;     /* of char *: every port that a phone is said to be on, once each */
	LabFaults *faults;
	char *run; /* default command, variables not yet expanded; NULL */
	bool usbmuxd;
	bool signing;
	bool signing_foreign;  /* somebody else answers in its place */
	bool signing_nameless; /* its name cannot be resolved */
	int64_t clock_s;       /* the command's clock is so much ahead */
	/* each engine sees its own phone only, as if it had a bus and a usbmuxd for itself */
	bool isolated;
	bool hubs_fixed; /* those of QEMU cannot switch the power of their ports */
	char *engine;    /* the version of the one to be used; NULL: that of the system */
} LabScenario;

/** Reads the file. On failure the message is "FILE:LINE: " and one sentence. Caller owns the result. */
LabScenario *lab_scenario_load(const char *path, GError **error);
/** The same from memory; `name` stands for the file in messages. */
LabScenario *lab_scenario_parse(const char *name, const char *text, GError **error);
void lab_scenario_free(LabScenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabScenario, lab_scenario_free)

/** Borrowed; NULL when there is none of that name. */
LabPhoneSpec *lab_scenario_phone(const LabScenario *scenario, const char *name);

/** A firmware of that name stands above. */
bool lab_scenario_firmware(const LabScenario *scenario, const char *name);

/**
 * Replaces each $NAME and ${NAME} by its value in `environment` ("NAME=value" strings). A name that is not set is an
 * error; a dollar sign without a name, as in $! or $((1+1)), stays, and so does one behind a backslash, which goes.
 * Caller frees.
 */
char *lab_expand(const char *text, char **environment, GError **error);
