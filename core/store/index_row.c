/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/index_row.h"

#include <stddef.h>

/* the texts of RESCUE_INDEX_COLUMNS behind job and ecid, in its order */
static const size_t texts[] = {
	offsetof(RescueJournalSummary, product),  offsetof(RescueJournalSummary, ipsw),
	offsetof(RescueJournalSummary, behavior), offsetof(RescueJournalSummary, started),
	offsetof(RescueJournalSummary, last),     offsetof(RescueJournalSummary, ended),
	offsetof(RescueJournalSummary, outcome),  offsetof(RescueJournalSummary, failure),
	offsetof(RescueJournalSummary, data),     offsetof(RescueJournalSummary, version),
	offsetof(RescueJournalSummary, build),    offsetof(RescueJournalSummary, advice),
	offsetof(RescueJournalSummary, phase),
};

/* columns, counted from 0 */
enum { JOB, ECID, TEXTS, SECONDS = TEXTS + G_N_ELEMENTS(texts), ATTEMPTS, TORN, STAMP };

#define PUT_JOB                                                                             \
	"INSERT INTO job (" RESCUE_INDEX_COLUMNS ", size, mtime_ns, ctime_ns) VALUES ("     \
	"?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, " \
	"?19, ?20, ?21)"
#define PUT_STEP                                                                            \
	"INSERT INTO step (job, number, kind, attempt, time, name, phase, category, text, " \
	"outcome, port) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
#define GET_STEPS                                                                 \
	"SELECT kind, attempt, time, name, phase, category, text, outcome, port " \
	"FROM step WHERE job = ?1 ORDER BY number"

bool
rescue_index_rows_prepare(RescueIndexRows *rows, RescueSqlite *db, GError **error)
{
	rows->put_job = rescue_sqlite_prepare(db, PUT_JOB, error);
	if (rows->put_job == NULL)
		return false;
	rows->drop_job = rescue_sqlite_prepare(db, "DELETE FROM job WHERE job = ?1", error);
	if (rows->drop_job == NULL)
		return false;
	rows->put_step = rescue_sqlite_prepare(db, PUT_STEP, error);
	if (rows->put_step == NULL)
		return false;
	rows->get_steps = rescue_sqlite_prepare(db, GET_STEPS, error);
	return rows->get_steps != NULL;
}

void
rescue_index_rows_clear(RescueIndexRows *rows)
{
	rescue_statement_free(rows->put_job);
	rescue_statement_free(rows->drop_job);
	rescue_statement_free(rows->put_step);
	rescue_statement_free(rows->get_steps);
	*rows = (RescueIndexRows){ NULL };
}

static char **
text_at(const RescueJournalSummary *summary, size_t index)
{
	return (char **)(void *)((char *)summary + texts[index]);
}

static void
bind_ecid(RescueStatement *put, RescueEcid ecid)
{
	char text[RESCUE_ECID_TEXT];

	rescue_statement_bind_text(put, ECID + 1,
				   ecid != 0 ? rescue_ecid_format(ecid, text) : NULL);
}

static bool
put_job(RescueIndexRows *rows, const char *job, const RescueJournalSummary *summary,
	const RescueJournalStamp *stamp, GError **error)
{
	RescueStatement *put = rows->put_job;

	rescue_statement_bind_text(put, JOB + 1, job);
	bind_ecid(put, summary->ecid);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		rescue_statement_bind_text(put, TEXTS + (int)i + 1, *text_at(summary, i));
	rescue_statement_bind_real(put, SECONDS + 1, summary->seconds);
	rescue_statement_bind_int(put, ATTEMPTS + 1, summary->attempts);
	rescue_statement_bind_int(put, TORN + 1, summary->torn);
	rescue_statement_bind_int(put, STAMP + 1, stamp->size);
	rescue_statement_bind_int(put, STAMP + 2, stamp->mtime_ns);
	rescue_statement_bind_int(put, STAMP + 3, stamp->ctime_ns);
	return rescue_statement_run(put, error);
}

static bool
put_step(RescueIndexRows *rows, const char *job, int64_t number, const RescueJournalStep *step,
	 GError **error)
{
	RescueStatement *put = rows->put_step;
	const char *const values[] = { step->time, step->name,    step->phase, step->category,
				       step->text, step->outcome, step->port };

	rescue_statement_bind_text(put, 1, job);
	rescue_statement_bind_int(put, 2, number);
	rescue_statement_bind_int(put, 3, step->kind);
	rescue_statement_bind_int(put, 4, step->attempt);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		rescue_statement_bind_text(put, 5 + (int)i, values[i]);
	return rescue_statement_run(put, error);
}

bool
rescue_index_rows_put(RescueIndexRows *rows, const char *job, const RescueJournalSummary *summary,
		      const RescueJournalStamp *stamp, GError **error)
{
	if (!rescue_index_rows_drop(rows, job, error) || !put_job(rows, job, summary, stamp, error))
		return false;
	for (guint i = 0; i < summary->steps->len; i++) {
		if (!put_step(rows, job, i, summary->steps->pdata[i], error))
			return false;
	}
	return true;
}

bool
rescue_index_rows_drop(RescueIndexRows *rows, const char *job, GError **error)
{
	rescue_statement_bind_text(rows->drop_job, 1, job);
	return rescue_statement_run(rows->drop_job, error);
}

static void
get_step(RescueStatement *row, RescueJournalSummary *summary)
{
	RescueJournalStep *step = rescue_journal_summary_add_step(summary);
	char **const values[] = { &step->time, &step->name,    &step->phase, &step->category,
				  &step->text, &step->outcome, &step->port };
	int64_t kind = rescue_statement_get_int(row, 0);

	/* whatever stands there is shown as one of the kinds there are */
	step->kind = (RescueJournalStepKind)CLAMP(kind, RESCUE_JOURNAL_ATTEMPT,
						  RESCUE_JOURNAL_REMEDY);
	step->attempt = (unsigned)rescue_statement_get_int(row, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		*values[i] = rescue_statement_dup_text(row, 2 + (int)i);
}

static bool
get_steps(RescueIndexRows *rows, RescueJournalSummary *summary, GError **error)
{
	GError *failed = NULL;

	rescue_statement_bind_text(rows->get_steps, 1, summary->job);
	while (rescue_statement_next(rows->get_steps, &failed))
		get_step(rows->get_steps, summary);
	rescue_statement_reset(rows->get_steps);
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

RescueJournalSummary *
rescue_index_rows_get(RescueIndexRows *rows, RescueStatement *row, GError **error)
{
	g_autoptr(RescueJournalSummary) summary = rescue_journal_summary_new();
	g_autofree char *ecid = rescue_statement_dup_text(row, ECID);

	summary->job = rescue_statement_dup_text(row, JOB);
	if (ecid != NULL)
		(void)rescue_ecid_parse(ecid, &summary->ecid, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		*text_at(summary, i) = rescue_statement_dup_text(row, TEXTS + (int)i);
	summary->seconds = rescue_statement_get_real(row, SECONDS);
	summary->attempts = (unsigned)rescue_statement_get_int(row, ATTEMPTS);
	summary->torn = rescue_statement_get_int(row, TORN) != 0;
	return get_steps(rows, summary, error) ? g_steal_pointer(&summary) : NULL;
}
