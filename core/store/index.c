/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/index.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/store/index_row.h"
#include "core/store/journal.h"

#define INDEX_NAME "index.sqlite"

struct RescueIndex {
	char *state_dir;
	RescueSqlite *db;
	RescueIndexRows rows;
	char *trouble;
	GPtrArray *unreadable; /* char * */
};

/** One round of bringing the index up to date. */
typedef struct {
	RescueIndex *index;
	GHashTable *known; /* job → RescueJournalStamp, of those not seen yet */
	bool writing;      /* a transaction is open */
} Sync;

static void
close_db(RescueIndex *index)
{
	rescue_index_rows_clear(&index->rows);
	g_clear_pointer(&index->db, rescue_sqlite_close);
}

static bool
begin(Sync *sync, GError **error)
{
	if (!sync->writing)
		sync->writing = rescue_sqlite_run(sync->index->db, "BEGIN IMMEDIATE", error);
	return sync->writing;
}

static bool
read_known(Sync *sync, GError **error)
{
	g_autoptr(RescueStatement)
	    all = rescue_sqlite_prepare(sync->index->db,
					"SELECT job, size, mtime_ns, ctime_ns FROM job", error);
	GError *failed = NULL;

	if (all == NULL)
		return false;
	while (rescue_statement_next(all, &failed)) {
		RescueJournalStamp *stamp = g_new(RescueJournalStamp, 1);
		*stamp = (RescueJournalStamp){ .size = rescue_statement_get_int(all, 1),
					       .mtime_ns = rescue_statement_get_int(all, 2),
					       .ctime_ns = rescue_statement_get_int(all, 3) };
		g_hash_table_insert(sync->known, rescue_statement_dup_text(all, 0), stamp);
	}
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

static int64_t
nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static bool
look_at(const char *path, RescueJournalStamp *ret_stamp)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	*ret_stamp = (RescueJournalStamp){ .size = status.st_size,
					   .mtime_ns = nanoseconds(&status.st_mtim),
					   .ctime_ns = nanoseconds(&status.st_ctim) };
	return true;
}

static void
note_unreadable(Sync *sync, const char *job, const GError *error)
{
	g_ptr_array_add(sync->index->unreadable,
			g_strdup_printf("job %s: %s", job, error->message));
}

/**
 * The stamp is from before the reading: what is appended meanwhile is read the next time. A journal
 * that cannot be read is said so each time, because it is not indexed.
 */
static bool
read_journal(Sync *sync, const char *job, const char *path, const RescueJournalStamp *stamp,
	     GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(RescueJournalSummary) summary = rescue_journal_summary(path, &failed);

	if (summary != NULL)
		return begin(sync, error) &&
		       rescue_index_rows_put(&sync->index->rows, job, summary, stamp, error);
	note_unreadable(sync, job, failed);
	return begin(sync, error) && rescue_index_rows_drop(&sync->index->rows, job, error);
}

static bool
sync_job(Sync *sync, const char *job, GError **error)
{
	g_autofree char *path = rescue_journal_path(sync->index->state_dir, job, NULL);
	const RescueJournalStamp *known = g_hash_table_lookup(sync->known, job);
	RescueJournalStamp stamp;

	/* a folder without a journal is left of a job that could not even begin */
	if (path == NULL || !look_at(path, &stamp))
		return true;
	bool same = known != NULL && memcmp(known, &stamp, sizeof stamp) == 0;
	g_hash_table_remove(sync->known, job);
	return same || read_journal(sync, job, path, &stamp, error);
}

static bool
drop_gone(Sync *sync, GError **error)
{
	GHashTableIter iter;
	gpointer job;

	g_hash_table_iter_init(&iter, sync->known);
	while (g_hash_table_iter_next(&iter, &job, NULL)) {
		if (!begin(sync, error) || !rescue_index_rows_drop(&sync->index->rows, job, error))
			return false;
	}
	return true;
}

static bool
sync_all(Sync *sync, GError **error)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(sync->index->state_dir);

	if (!read_known(sync, error))
		return false;
	for (size_t i = 0; jobs[i] != NULL; i++) {
		if (!sync_job(sync, jobs[i], error))
			return false;
	}
	if (!drop_gone(sync, error))
		return false;
	/* the checkpoint takes what was dropped out of the write-ahead log, too */
	return !sync->writing ||
	       (rescue_sqlite_run(sync->index->db, "COMMIT", error) &&
		rescue_sqlite_run(sync->index->db, "PRAGMA wal_checkpoint(TRUNCATE)", error));
}

static bool
bring_up_to_date(RescueIndex *index, GError **error)
{
	Sync sync = { .index = index,
		      .known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free) };
	bool done;

	g_ptr_array_set_size(index->unreadable, 0);
	done = sync_all(&sync, error);
	g_hash_table_unref(sync.known);
	return done;
}

static bool
use(RescueIndex *index, const char *path, GError **error)
{
	close_db(index);
	index->db = rescue_sqlite_open(path, error);
	if (index->db != NULL && rescue_index_rows_prepare(&index->rows, index->db, error) &&
	    bring_up_to_date(index, error))
		return true;
	close_db(index);
	return false;
}

static void
use_memory(RescueIndex *index, const char *why)
{
	g_autoptr(GError) error = NULL;

	g_free(index->trouble);
	index->trouble = g_strdup(why);
	if (!use(index, RESCUE_SQLITE_MEMORY, &error))
		g_warning("no index can be made in memory: %s", error->message);
}

static void
use_file(RescueIndex *index)
{
	g_autofree char *path = g_build_filename(index->state_dir, INDEX_NAME, NULL);
	g_autoptr(GError) error = NULL;

	if (use(index, path, &error))
		return;
	if (g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT) &&
	    rescue_index_remove(index->state_dir)) {
		g_clear_error(&error);
		if (use(index, path, &error))
			return;
	}
	use_memory(index, error->message);
}

RescueIndex *
rescue_index_open(const char *state_dir)
{
	RescueIndex *index = g_new0(RescueIndex, 1);
	g_autofree char *jobs = g_build_filename(state_dir, "jobs", NULL);

	index->state_dir = g_strdup(state_dir);
	index->unreadable = g_ptr_array_new_with_free_func(g_free);
	/* who only asks makes no folders */
	if (g_file_test(jobs, G_FILE_TEST_IS_DIR))
		use_file(index);
	else
		use_memory(index, NULL);
	return index;
}

void
rescue_index_free(RescueIndex *index)
{
	if (index == NULL)
		return;
	close_db(index);
	g_ptr_array_unref(index->unreadable);
	g_free(index->trouble);
	g_free(index->state_dir);
	g_free(index);
}

const char *
rescue_index_trouble(const RescueIndex *index)
{
	return index->trouble;
}

const GPtrArray *
rescue_index_unreadable(const RescueIndex *index)
{
	return index->unreadable;
}

static void
free_summary(gpointer summary)
{
	rescue_journal_summary_free(summary);
}

static RescueStatement *
select_jobs(RescueIndex *index, const RescueIndexFilter *filter, GError **error)
{
	char text[RESCUE_ECID_TEXT];
	RescueStatement *select = rescue_sqlite_prepare(
	    index->db,
	    "SELECT " RESCUE_INDEX_COLUMNS " FROM job WHERE (?1 IS NULL OR ecid = ?1) AND "
	    "(?2 = 0 OR outcome IS NULL OR outcome NOT IN ('restored', 'dry-run')) "
	    "ORDER BY job DESC",
	    error);

	if (select == NULL)
		return NULL;
	rescue_statement_bind_text(select, 1,
				   filter->ecid != 0 ? rescue_ecid_format(filter->ecid, text)
						     : NULL);
	rescue_statement_bind_int(select, 2, filter->failed);
	return select;
}

/** Moves the wanted rows into `jobs`. */
static bool
take_rows(RescueIndex *index, RescueStatement *select, const RescueIndexFilter *filter,
	  GPtrArray *jobs, GError **error)
{
	GError *failed = NULL;

	while ((filter->limit == 0 || jobs->len < filter->limit) &&
	       rescue_statement_next(select, &failed)) {
		RescueJournalSummary *job = rescue_index_rows_get(&index->rows, select, error);
		if (job == NULL)
			return false;
		if (filter->keep == NULL || filter->keep(job, filter->data))
			g_ptr_array_add(jobs, job);
		else
			rescue_journal_summary_free(job);
	}
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

static GPtrArray *
try_list(RescueIndex *index, const RescueIndexFilter *filter, GError **error)
{
	g_autoptr(RescueStatement) select = NULL;
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(free_summary);

	if (index->db != NULL)
		select = select_jobs(index, filter, error);
	if (select == NULL || !take_rows(index, select, filter, jobs, error))
		return NULL;
	return g_steal_pointer(&jobs);
}

GPtrArray *
rescue_index_list(RescueIndex *index, const RescueIndexFilter *filter)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *jobs = try_list(index, filter, &error);

	if (jobs != NULL)
		return jobs;
	/* damage that shows only now: the journals are still there */
	use_memory(index, error != NULL ? error->message : "it is not open");
	jobs = try_list(index, filter, NULL);
	return jobs != NULL ? jobs : g_ptr_array_new_with_free_func(free_summary);
}

bool
rescue_index_remove(const char *state_dir)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	bool gone = true;

	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *name = g_strconcat(INDEX_NAME, suffixes[i], NULL);
		g_autofree char *path = g_build_filename(state_dir, name, NULL);
		gone &= unlink(path) == 0 || errno == ENOENT;
	}
	return gone;
}
