/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/scenario/scenario.h"

/*
 * The inside of the scenario reader, for the files of this folder: scenario.c reads lines and blocks, values.c
 * numbers
 * with units, fault-line.c and expect-line.c the two longer sentences.
 */

/** One line, cut into words; a comma behind a word does not count. */
typedef struct {
	const char *file;
	unsigned number;
	const char *text; /* as it stands in the file, without indentation */
	char **words;
	unsigned count;
} LabLine;

/** Sets `error` to "FILE:LINE: " and the sentence; returns false. */
bool lab_line_fail(const LabLine *line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/** "4" "MB"; B, kB, MB, GB of 1000. */
bool lab_value_bytes(const char *number, const char *unit, uint64_t *ret_bytes);
/** "300" "ms"; ms, s, min. */
bool lab_value_ms(const char *number, const char *unit, unsigned *ret_ms);
/** Decimal, or hexadecimal after 0x, at most `max`. */
bool lab_value_number(const char *text, uint64_t max, uint64_t *ret_value);
/** normal, recovery, dfu, restore or off. */
bool lab_value_mode(const char *text, LabMode *ret_mode);
/** A name: letters, digits and '-', beginning with a letter. */
bool lab_value_is_name(const char *text);

/** "locked", "trust pending 2 s" and what else says how the phone and its owner are. */
bool lab_condition_line(const LabLine *line, LabPhoneSpec *phone, GError **error);
/** "at …" of this phone; enters the deed into the scenario. */
bool lab_at_line(const LabLine *line, LabScenario *scenario, const char *phone, GError **error);
/** "ports …"; enters them into the scenario. */
bool lab_ports_line(const LabLine *line, LabScenario *scenario, GError **error);
/** Enters a port into the scenario's list, unless it is there. */
void lab_scenario_add_port(LabScenario *scenario, const char *port);

/** "fault …"; NULL with `error` set. Caller owns the result. */
LabFault *lab_fault_line(const LabLine *line, const LabScenario *scenario, GError **error);
/** "expect …"; NULL with `error` set. Caller owns the result. */
LabExpect *lab_expect_line(const LabLine *line, const LabScenario *scenario, GError **error);
void lab_expect_free(LabExpect *expect);
