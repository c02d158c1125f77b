/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/common/cli.h"
#include "core/base/json.h"

/* stdout is data, stderr is people. */

#define RESCUE_EXIT_FINE        0
#define RESCUE_EXIT_INTERRUPTED 130

/** A line for people on stderr; silent with --quiet. */
void rescue_say(const RescueCli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** Text on stdout as it is; false when stdout does not take it (closed pipe, full disk). */
bool rescue_print(const char *text);
/** The same for sentences: on a terminal they are broken between words. Not for tables. */
bool rescue_print_prose(const char *text);
/** One JSON value and a newline on stdout, flushed. */
bool rescue_print_json(const RescueJson *json);
/** A RescueFailure for any error: those of GOption are usage, those of files this computer's. */
int rescue_error_failure(const GError *error);
/** Tells the error (stderr; with --json also the error object on stdout) and takes it; returns the exit status. */
int rescue_fail(const RescueCli *cli, GError *error);
/** The same, and with nothing on stdout although --json is given: when stdout carries something else. */
int rescue_fail_quietly(GError *error);
/** A usage error: a sentence, status 2. */
int rescue_fail_usage(const RescueCli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Rows of cells below a line of titles, each column as wide as its widest cell; NULL cells are shown as "-". Pure. */
typedef struct RescueTable RescueTable;
/** `titles` NULL-terminated, borrowed for the table's life. */
RescueTable *rescue_table_new(const char *const *titles);
void rescue_table_free(RescueTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueTable, rescue_table_free)
/** One row; as many cells as titles; copied. */
void rescue_table_add(RescueTable *table, const char *const *cells);
/** Caller frees. */
char *rescue_table_format(const RescueTable *table);
