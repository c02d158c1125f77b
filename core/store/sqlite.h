/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Inner part of core/store: SQLite behind prepared statements. Two kinds of errors: BAD_INPUT when
 * the file itself is no good (corrupt, foreign, of another version), HOST_IO when the world around
 * it refuses (locked, full disk, read-only).
 */
typedef struct RescueSqlite RescueSqlite;
typedef struct RescueStatement RescueStatement;

/** How long a lock of somebody else is waited for. */
#define RESCUE_SQLITE_BUSY_MS 500
/** A path that is no file. */
#define RESCUE_SQLITE_MEMORY ":memory:"

/** Opens, made with mode 0600 when missing, and migrates to the newest version. WAL, foreign keys, secure delete. */
RescueSqlite *rescue_sqlite_open(const char *path, GError **error);
/** Accepts NULL. */
void rescue_sqlite_close(RescueSqlite *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueSqlite, rescue_sqlite_close)
/** Statements without parameters and rows: BEGIN, COMMIT, PRAGMA. */
bool rescue_sqlite_run(RescueSqlite *db, const char *sql, GError **error);

/** A copy as it is at this moment, whoever writes to it; `path` must not be there, and is made with mode 0600. */
bool rescue_sqlite_copy(RescueSqlite *db, const char *path, GError **error);

/** Borrows the database, which has to outlive the statement. NULL when the text does not fit its tables. */
RescueStatement *rescue_sqlite_prepare(RescueSqlite *db, const char *sql, GError **error);
/** Accepts NULL. */
void rescue_statement_free(RescueStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueStatement, rescue_statement_free)
/** Parameters count from 1; a NULL text is NULL. The value is copied. A failure shows when the statement is run. */
void rescue_statement_bind_text(RescueStatement *statement, int parameter, const char *value);
void rescue_statement_bind_int(RescueStatement *statement, int parameter, int64_t value);
void rescue_statement_bind_real(RescueStatement *statement, int parameter, double value);
/** The next row; false with *error unset at the end. */
bool rescue_statement_next(RescueStatement *statement, GError **error);
/** Runs to the end, and is ready to be bound and run again. */
bool rescue_statement_run(RescueStatement *statement, GError **error);
/** Ready to be bound and run again. */
void rescue_statement_reset(RescueStatement *statement);
/** Columns count from 0. A copy, NULL for NULL; caller frees. */
char *rescue_statement_dup_text(RescueStatement *statement, int column);
int64_t rescue_statement_get_int(RescueStatement *statement, int column);
double rescue_statement_get_real(RescueStatement *statement, int column);
