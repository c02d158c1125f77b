/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/error.h"
#include "core/store/migration.h"

struct RescueSqlite {
	sqlite3 *handle;
	char *path;
};

struct RescueStatement {
	RescueSqlite *db; /* borrowed */
	sqlite3_stmt *handle;
	int code; /* of the first bind that failed, or SQLITE_OK */
};

/** What the file cannot be blamed for. */
static bool
is_of_the_world(int code)
{
	static const int codes[] = { SQLITE_BUSY,     SQLITE_LOCKED, SQLITE_FULL, SQLITE_READONLY,
				     SQLITE_CANTOPEN, SQLITE_IOERR,  SQLITE_PERM, SQLITE_NOMEM };

	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		if ((code & 0xFF) == codes[i]) /* without the extension */
			return true;
	}
	return false;
}

static bool
set_error(const RescueSqlite *db, int code, GError **error)
{
	bool blameless = is_of_the_world(code);

	g_set_error(error, RESCUE_ERROR, blameless ? RESCUE_ERROR_HOST_IO : RESCUE_ERROR_BAD_INPUT,
		    "the index ‘%s’ %s: %s", db->path,
		    blameless ? "cannot be used now" : "is damaged",
		    db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
	return false;
}

bool
rescue_sqlite_run(RescueSqlite *db, const char *sql, GError **error)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || set_error(db, code, error);
}

/** SQLite would make it as the umask allows; it names devices, so nobody else may read it. */
static bool
make_file(const char *path, GError **error)
{
	int fd;

	if (strcmp(path, RESCUE_SQLITE_MEMORY) == 0)
		return true;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		return close(fd) == 0;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot open the index ‘%s’: %s",
		    path, g_strerror(errno));
	return false;
}

static bool
read_version(RescueSqlite *db, int64_t *ret_version, GError **error)
{
	g_autoptr(RescueStatement) read = rescue_sqlite_prepare(db, "PRAGMA user_version", error);

	if (read == NULL || !rescue_statement_next(read, error))
		return false;
	*ret_version = rescue_statement_get_int(read, 0);
	return true;
}

static bool
migrate_once(RescueSqlite *db, size_t version, GError **error)
{
	g_autofree char *mark = g_strdup_printf("PRAGMA user_version = %zu", version + 1);

	return rescue_sqlite_run(db, rescue_migrations[version], error) &&
	       rescue_sqlite_run(db, mark, error);
}

/** In one transaction, so that nobody sees a version in between, nor two migrate at once. */
static bool
migrate(RescueSqlite *db, GError **error)
{
	int64_t version = 0;

	if (!rescue_sqlite_run(db, "BEGIN IMMEDIATE", error) || !read_version(db, &version, error))
		return false;
	for (size_t next = (size_t)version; next < rescue_migrations_count; next++) {
		if (!migrate_once(db, next, error))
			return false;
	}
	return rescue_sqlite_run(db, "COMMIT", error);
}

static bool
check_version(RescueSqlite *db, GError **error)
{
	int64_t version = 0;

	if (!read_version(db, &version, error))
		return false;
	if (version >= 0 && (uint64_t)version < rescue_migrations_count)
		return migrate(db, error);
	if ((uint64_t)version == rescue_migrations_count)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "the index ‘%s’ has version %" G_GINT64_FORMAT ", this program knows %zu",
		    db->path, version, rescue_migrations_count);
	return false;
}

/** A page that is damaged where no query looks yet would show in the middle of a later one. */
static bool
check_pages(RescueSqlite *db, GError **error)
{
	g_autoptr(RescueStatement)
	    check = rescue_sqlite_prepare(db, "PRAGMA quick_check(1)", error);
	g_autofree char *answer = NULL;

	if (check == NULL || !rescue_statement_next(check, error))
		return false;
	answer = rescue_statement_dup_text(check, 0);
	return g_strcmp0(answer, "ok") == 0 || set_error(db, SQLITE_CORRUPT, error);
}

static bool
set_up(RescueSqlite *db, GError **error)
{
	(void)sqlite3_busy_timeout(db->handle, RESCUE_SQLITE_BUSY_MS);
	(void)sqlite3_extended_result_codes(db->handle, 1);
	return rescue_sqlite_run(db,
				 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				 "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
				 "PRAGMA trusted_schema = OFF",
				 error) &&
	       check_version(db, error) && check_pages(db, error);
}

RescueSqlite *
rescue_sqlite_open(const char *path, GError **error)
{
	g_autoptr(RescueSqlite) db = g_new0(RescueSqlite, 1);
	int code;

	db->path = g_strdup(path);
	if (!make_file(path, error))
		return NULL;
	code = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
			       NULL);
	if (code != SQLITE_OK) {
		set_error(db, code, error);
		return NULL;
	}
	return set_up(db, error) ? g_steal_pointer(&db) : NULL;
}

void
rescue_sqlite_close(RescueSqlite *db)
{
	if (db == NULL)
		return;
	(void)sqlite3_close_v2(db->handle);
	g_free(db->path);
	g_free(db);
}

static bool
copy_pages(RescueSqlite *db, sqlite3 *target, GError **error)
{
	sqlite3_backup *backup = sqlite3_backup_init(target, "main", db->handle, "main");
	int code = backup != NULL ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(target);

	/* all pages in one step: nobody's writing can come in between */
	(void)sqlite3_backup_finish(backup);
	return code == SQLITE_DONE || set_error(db, code, error);
}

bool
rescue_sqlite_copy(RescueSqlite *db, const char *path, GError **error)
{
	sqlite3 *target = NULL;
	bool done;

	if (!make_file(path, error))
		return false;
	done = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	       copy_pages(db, target, error);
	if (!done && error != NULL && *error == NULL)
		(void)set_error(db, SQLITE_CANTOPEN, error);
	(void)sqlite3_close(target);
	return done;
}

RescueStatement *
rescue_sqlite_prepare(RescueSqlite *db, const char *sql, GError **error)
{
	g_autoptr(RescueStatement) statement = g_new0(RescueStatement, 1);
	int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement->handle, NULL);

	statement->db = db;
	if (code == SQLITE_OK)
		return g_steal_pointer(&statement);
	set_error(db, code, error);
	return NULL;
}

void
rescue_statement_free(RescueStatement *statement)
{
	if (statement == NULL)
		return;
	(void)sqlite3_finalize(statement->handle);
	g_free(statement);
}

static void
note(RescueStatement *statement, int code)
{
	if (statement->code == SQLITE_OK)
		statement->code = code;
}

void
rescue_statement_bind_text(RescueStatement *statement, int parameter, const char *value)
{
	note(statement,
	     sqlite3_bind_text(statement->handle, parameter, value, -1, SQLITE_TRANSIENT));
}

void
rescue_statement_bind_int(RescueStatement *statement, int parameter, int64_t value)
{
	note(statement, sqlite3_bind_int64(statement->handle, parameter, value));
}

void
rescue_statement_bind_real(RescueStatement *statement, int parameter, double value)
{
	note(statement, sqlite3_bind_double(statement->handle, parameter, value));
}

bool
rescue_statement_next(RescueStatement *statement, GError **error)
{
	int code = statement->code == SQLITE_OK ? sqlite3_step(statement->handle) : statement->code;

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		set_error(statement->db, code, error);
	return code == SQLITE_ROW;
}

void
rescue_statement_reset(RescueStatement *statement)
{
	(void)sqlite3_reset(statement->handle); /* repeats the error of the last step */
	(void)sqlite3_clear_bindings(statement->handle);
	statement->code = SQLITE_OK;
}

bool
rescue_statement_run(RescueStatement *statement, GError **error)
{
	GError *failed = NULL;

	while (rescue_statement_next(statement, &failed))
		continue;
	rescue_statement_reset(statement);
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

char *
rescue_statement_dup_text(RescueStatement *statement, int column)
{
	return g_strdup((const char *)sqlite3_column_text(statement->handle, column));
}

int64_t
rescue_statement_get_int(RescueStatement *statement, int column)
{
	return sqlite3_column_int64(statement->handle, column);
}

double
rescue_statement_get_real(RescueStatement *statement, int column)
{
	return sqlite3_column_double(statement->handle, column);
}
