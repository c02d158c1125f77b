/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>

#include "core/base/error.h"
#include "core/model/event.h"
#include "core/store/index.h"
#include "core/store/journal.h"
#include "core/store/migration.h"
#include "core/store/remove.h"

#define ECID_A UINT64_C(0x000A1B2C3D4E5F60)
#define ECID_B UINT64_C(0x000A1B2C3D4E5F61)
/* 2026-11-22T10:04:00Z */
#define NOW INT64_C(1795341840000000)

#define JOB_1 "20261122T100400-00000001"
#define JOB_2 "20261122T100400-00000002"
#define JOB_3 "20261123T100400-00000003"

typedef struct {
	char *dir, *index;
} State;

static void
state_clear(State *state)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(state->dir);
	g_autofree char *folder = g_build_filename(state->dir, "jobs", NULL);

	for (size_t i = 0; jobs[i] != NULL; i++)
		g_assert_true(rescue_store_remove_job(state->dir, jobs[i], NULL));
	(void)g_rmdir(folder);
	(void)g_rmdir(state->index); /* one test makes it a folder */
	g_assert_true(rescue_index_remove(state->dir));
	g_assert_cmpint(g_rmdir(state->dir), ==, 0);
	g_free(state->dir);
	g_free(state->index);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(State, state_clear)

static void
say(const State *state, const char *job, RescueEcid ecid, uint64_t seq, const char *body)
{
	g_autofree char *dir = rescue_journal_make_job_dir(state->dir, job, NULL);
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);
	g_autoptr(RescueJson) json = rescue_json_parse(body, strlen(body), NULL);
	g_autoptr(RescueJson)
	    event = rescue_event_stamp(json, seq, NOW + (int64_t)seq * G_USEC_PER_SEC, job, ecid);

	g_assert_true(rescue_journal_append(journal, event, NULL));
}

static void
make_job(const State *state, const char *job, RescueEcid ecid, const char *outcome)
{
	g_autofree char *done =
	    g_strdup_printf("{\"event\":\"done\",\"outcome\":\"%s\",\"attempts\":1,\"seconds\":2.5,"
			    "\"failure\":\"link-lost\",\"build\":\"19A346\"}",
			    outcome);

	say(state, job, ecid, 1, "{\"event\":\"job\",\"ipsw\":\"/f.ipsw\",\"behavior\":\"erase\"}");
	say(state, job, ecid, 2, "{\"event\":\"device\",\"product\":\"iPhone10,3\"}");
	say(state, job, ecid, 3, "{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}");
	say(state, job, ecid, 4,
	    "{\"event\":\"failure\",\"failure\":\"link-lost\",\"phase\":\"filesystem\","
	    "\"category\":\"usb\",\"text\":\"gone\"}");
	say(state, job, ecid, 5, "{\"event\":\"remedy\",\"name\":\"pause\",\"state\":\"begin\"}");
	if (outcome[0] != '\0')
		say(state, job, ecid, 6, done);
}

static State
make_state(void)
{
	State state = { .dir = g_dir_make_tmp("rescue-index-XXXXXX", NULL) };

	state.index = g_build_filename(state.dir, "index.sqlite", NULL);
	make_job(&state, JOB_1, ECID_A, "restored");
	make_job(&state, JOB_2, ECID_B, "gave-up");
	make_job(&state, JOB_3, ECID_A, "");
	return state;
}

/** "JOB-SUFFIX …" of what the list says, newest first. */
static char *
list(const State *state, const RescueIndexFilter *filter, bool *ret_in_memory)
{
	g_autoptr(RescueIndex) index = rescue_index_open(state->dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, filter);
	GString *text = g_string_new(NULL);

	if (ret_in_memory != NULL)
		*ret_in_memory = rescue_index_trouble(index) != NULL;
	for (guint i = 0; i < jobs->len; i++) {
		const RescueJournalSummary *job = jobs->pdata[i];
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
				       job->job + strlen(job->job) - 1);
	}
	return g_string_free(text, FALSE);
}

static void
assert_all_listed(const State *state, bool in_memory)
{
	bool memory = !in_memory;
	g_autofree char *text = list(state, &(RescueIndexFilter){ .ecid = 0 }, &memory);

	g_assert_cmpstr(text, ==, "3 2 1");
	g_assert_cmpint(memory, ==, in_memory);
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static char *
product_of(const State *state, const char *name)
{
	g_autoptr(RescueIndex) index = rescue_index_open(state->dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	for (guint i = 0; i < jobs->len; i++) {
		const RescueJournalSummary *job = jobs->pdata[i];
		if (strcmp(job->job, name) == 0)
			return g_strdup(job->product);
	}
	return NULL;
}

static void
assert_same_step(const RescueJournalStep *a, const RescueJournalStep *b)
{
	g_assert_cmpint(a->kind, ==, b->kind);
	g_assert_cmpuint(a->attempt, ==, b->attempt);
	g_assert_cmpstr(a->time, ==, b->time);
	g_assert_cmpstr(a->name, ==, b->name);
	g_assert_cmpstr(a->phase, ==, b->phase);
	g_assert_cmpstr(a->category, ==, b->category);
	g_assert_cmpstr(a->text, ==, b->text);
	g_assert_cmpstr(a->outcome, ==, b->outcome);
}

static void
assert_same_job(const RescueJournalSummary *a, const RescueJournalSummary *b)
{
	g_assert_cmpstr(a->job, ==, b->job);
	g_assert_cmphex(a->ecid, ==, b->ecid);
	g_assert_cmpstr(a->product, ==, b->product);
	g_assert_cmpstr(a->ipsw, ==, b->ipsw);
	g_assert_cmpstr(a->behavior, ==, b->behavior);
	g_assert_cmpstr(a->started, ==, b->started);
	g_assert_cmpstr(a->last, ==, b->last);
	g_assert_cmpstr(a->ended, ==, b->ended);
	g_assert_cmpstr(a->outcome, ==, b->outcome);
	g_assert_cmpstr(a->failure, ==, b->failure);
	g_assert_cmpstr(a->build, ==, b->build);
	g_assert_cmpfloat(a->seconds, ==, b->seconds);
	g_assert_cmpuint(a->attempts, ==, b->attempts);
	g_assert_cmpint(a->torn, ==, b->torn);
	g_assert_cmpuint(a->steps->len, ==, b->steps->len);
	for (guint i = 0; i < a->steps->len; i++)
		assert_same_step(a->steps->pdata[i], b->steps->pdata[i]);
}

static void
test_index_says_what_the_journals_say(void)
{
	g_auto(State) state = make_state();
	g_autoptr(RescueIndex) index = rescue_index_open(state.dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	g_assert_cmpuint(jobs->len, ==, 3);
	for (guint i = 0; i < jobs->len; i++) {
		const RescueJournalSummary *job = jobs->pdata[i];
		g_autofree char *path = rescue_journal_path(state.dir, job->job, NULL);
		g_autoptr(RescueJournalSummary) truth = rescue_journal_summary(path, NULL);
		assert_same_job(job, truth);
		g_assert_cmpuint(job->steps->len, ==, 3);
	}
}

static void
test_filters(void)
{
	g_auto(State) state = make_state();
	g_autofree char *of_a = list(&state, &(RescueIndexFilter){ .ecid = ECID_A }, NULL);
	g_autofree char *failed = list(&state, &(RescueIndexFilter){ .failed = true }, NULL);
	g_autofree char *newest = list(&state, &(RescueIndexFilter){ .limit = 2 }, NULL);
	g_autofree char *none = list(&state, &(RescueIndexFilter){ .ecid = 7 }, NULL);

	g_assert_cmpstr(of_a, ==, "3 1");
	g_assert_cmpstr(failed, ==, "3 2");
	g_assert_cmpstr(newest, ==, "3 2");
	g_assert_cmpstr(none, ==, "");
}

static void
test_unchanged_journals_are_not_read_again(void)
{
	g_auto(State) state = make_state();
	g_autofree char *before = NULL, *after = NULL;

	assert_all_listed(&state, false);
	run_sql(state.index, "UPDATE job SET product = 'from the index'");
	before = product_of(&state, JOB_3);
	g_assert_cmpstr(before, ==, "from the index");
	say(&state, JOB_3, ECID_A, 6, "{\"event\":\"step\",\"phase\":\"nor\",\"state\":\"begin\"}");
	after = product_of(&state, JOB_3);
	g_assert_cmpstr(after, ==, "iPhone10,3");
}

static void
test_forgotten_and_new_jobs_are_noticed(void)
{
	g_auto(State) state = make_state();
	g_autofree char *text = NULL;

	assert_all_listed(&state, false);
	g_assert_true(rescue_store_remove_job(state.dir, JOB_2, NULL));
	make_job(&state, "20261124T100400-00000004", ECID_B, "restored");
	text = list(&state, &(RescueIndexFilter){ .ecid = 0 }, NULL);
	g_assert_cmpstr(text, ==, "4 3 1");
}

static void
test_torn_and_damaged_journals_are_read_to_their_last_whole_line(void)
{
	g_auto(State) state = make_state();
	g_autofree char *path = rescue_journal_path(state.dir, JOB_1, NULL);
	g_autofree char *text = NULL;
	size_t size = 0;

	assert_all_listed(&state, false);
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpint(truncate(path, (off_t)size - 3), ==, 0);
	g_autoptr(RescueIndex) index = rescue_index_open(state.dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });
	const RescueJournalSummary *job = jobs->pdata[2];
	g_assert_true(job->torn);
	g_assert_null(job->outcome);
	g_assert_cmpuint(job->attempts, ==, 1);
}

static void
write_at(const char *path, off_t offset, size_t size)
{
	g_autofree char *zeros = g_malloc0(size);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, zeros, size, offset), ==, size);
	g_assert_cmpint(close(fd), ==, 0);
}

static void
damage_garbage(const State *state)
{
	g_assert_true(g_file_set_contents(state->index, "this is no database", -1, NULL));
}

static void
damage_head(const State *state)
{
	write_at(state->index, 20, 60);
}

static void
damage_page(const State *state)
{
	write_at(state->index, 4096, 4096);
}

static void
damage_tail(const State *state)
{
	g_assert_cmpint(truncate(state->index, 4096 + 100), ==, 0);
}

static void
damage_version(const State *state)
{
	run_sql(state->index, "PRAGMA user_version = 99");
}

static void
damage_version_back(const State *state)
{
	run_sql(state->index, "PRAGMA user_version = 0");
}

static void
damage_negative_version(const State *state)
{
	run_sql(state->index, "PRAGMA user_version = -5");
}

static void
damage_schema(const State *state)
{
	run_sql(state->index, "DROP TABLE step; CREATE TABLE step (foreign_thing TEXT)");
}

static void
damage_table(const State *state)
{
	run_sql(state->index, "DROP TABLE job");
}

static void
damage_empty(const State *state)
{
	g_assert_cmpint(truncate(state->index, 0), ==, 0);
}

static void
damage_missing(const State *state)
{
	g_assert_true(rescue_index_remove(state->dir));
}

static void
damage_log(const State *state)
{
	g_autofree char *path = g_strconcat(state->index, "-wal", NULL);

	g_assert_true(g_file_set_contents(path, "not a write-ahead log", -1, NULL));
}

static const struct {
	const char *name;
	void (*damage)(const State *state);
} damages[] = {
	{ "garbage", damage_garbage },
	{ "head", damage_head },
	{ "page", damage_page },
	{ "tail", damage_tail },
	{ "newer-version", damage_version },
	{ "older-version", damage_version_back },
	{ "negative-version", damage_negative_version },
	{ "schema", damage_schema },
	{ "table", damage_table },
	{ "empty", damage_empty },
	{ "missing", damage_missing },
	{ "log", damage_log },
};

/* ends with a file that is good again: the next list is not in memory either, and reads nothing anew */
static void
test_damaged_index_is_made_anew(const void *data)
{
	void (*const *damage)(const State *state) = data;
	g_auto(State) state = make_state();

	assert_all_listed(&state, false);
	(*damage)(&state);
	assert_all_listed(&state, false);
	run_sql(state.index, "UPDATE job SET product = 'from the index'");
	g_autofree char *product = product_of(&state, JOB_1);
	g_assert_cmpstr(product, ==, "from the index");
}

static void
test_locked_index_is_not_waited_for(void)
{
	g_auto(State) state = make_state();
	sqlite3 *db = NULL;

	assert_all_listed(&state, false);
	g_assert_cmpint(sqlite3_open(state.index, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db,
				     "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; "
				     "UPDATE job SET product = 'x'",
				     NULL, NULL, NULL),
			==, SQLITE_OK);
	make_job(&state, "20261124T100400-00000004", ECID_B, "restored");
	bool memory = false;
	g_autofree char *locked = list(&state, &(RescueIndexFilter){ .ecid = 0 }, &memory);
	g_assert_cmpstr(locked, ==, "4 3 2 1");
	g_assert_true(memory);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
	g_autofree char *after = list(&state, &(RescueIndexFilter){ .ecid = 0 }, &memory);
	g_assert_cmpstr(after, ==, "4 3 2 1");
	g_assert_false(memory);
}

static void
test_index_that_cannot_be_made_is_done_without(void)
{
	g_auto(State) state = make_state();

	g_assert_cmpint(g_mkdir(state.index, 0700), ==, 0);
	assert_all_listed(&state, true);
}

static void
test_no_jobs_make_no_files(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-index-XXXXXX", NULL);
	g_autoptr(RescueIndex) index = rescue_index_open(dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	g_assert_cmpuint(jobs->len, ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0); /* it is still empty */
}

static void
test_journal_that_cannot_be_read_is_told_each_time(void)
{
	g_auto(State) state = make_state();
	g_autofree char *path = rescue_journal_path(state.dir, JOB_2, NULL);

	assert_all_listed(&state, false);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	for (int round = 0; round < 2; round++) {
		g_autoptr(RescueIndex) index = rescue_index_open(state.dir);
		g_autoptr(GPtrArray)
		    jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });
		g_assert_cmpuint(jobs->len, ==, 2);
		g_assert_cmpuint(rescue_index_unreadable(index)->len, ==, 1);
	}
	g_assert_cmpint(g_rmdir(path), ==, 0);
}

static void
test_index_is_for_its_owner_only(void)
{
	g_auto(State) state = make_state();
	mode_t before = umask(0);
	struct stat status;

	assert_all_listed(&state, false);
	(void)umask(before);
	g_assert_no_errno(stat(state.index, &status));
	g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void
test_two_at_once_agree(void)
{
	g_auto(State) state = make_state();
	g_autoptr(RescueIndex) first = rescue_index_open(state.dir);
	g_autoptr(RescueIndex) second = rescue_index_open(state.dir);

	g_assert_null(rescue_index_trouble(second));
	assert_all_listed(&state, false);
	g_autoptr(GPtrArray) jobs = rescue_index_list(first, &(RescueIndexFilter){ .ecid = 0 });
	g_assert_cmpuint(jobs->len, ==, 3);
}

/* events count in the order in which they stand, whatever the wall clock said when they were written */
static void
test_wall_clock_that_jumps_back_changes_no_order(void)
{
	static const char late[] = "{\"event\":\"done\",\"outcome\":\"gave-up\",\"seconds\":3.5}";
	g_auto(State) state = make_state();
	g_autoptr(RescueJson) json = rescue_json_parse(late, strlen(late), NULL);
	g_autofree char *path = rescue_journal_path(state.dir, JOB_3, NULL);
	g_autoptr(RescueJson) event =
	    rescue_event_stamp(json, 6, NOW - INT64_C(400) * 86400 * G_USEC_PER_SEC, JOB_3, ECID_A);
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);

	g_assert_true(rescue_journal_append(journal, event, NULL));
	g_autoptr(RescueJournalSummary) summary = rescue_journal_summary(path, NULL);
	g_assert_cmpstr(summary->outcome, ==, "gave-up");
	g_assert_cmpfloat(summary->seconds, ==, 3.5);
	g_assert_cmpint(strcmp(summary->ended, summary->started), <, 0);
	assert_all_listed(&state, false);
}

/* a released migration is never edited: a database of each version has to stay what it is */
static void
test_migrations_are_those_that_were_released(void)
{
	static const char *const sums[] = {
		"191507025724993e8f0d3a408ecd97c84eac85bbea0667db8a5d19e0745a2e6d",
		"30dd91988cd0d72161b5f0a2df9f31e932ffab7d29ad9d3a545401c433bec337",
	};

	g_assert_cmpuint(rescue_migrations_count, ==, G_N_ELEMENTS(sums));
	for (size_t i = 0; i < rescue_migrations_count; i++) {
		g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256,
								     rescue_migrations[i], -1);
		g_assert_cmpstr(sum, ==, sums[i]);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/index/truth", test_index_says_what_the_journals_say);
	g_test_add_func("/index/filters", test_filters);
	g_test_add_func("/index/unchanged", test_unchanged_journals_are_not_read_again);
	g_test_add_func("/index/gone-and-new", test_forgotten_and_new_jobs_are_noticed);
	g_test_add_func("/index/torn",
			test_torn_and_damaged_journals_are_read_to_their_last_whole_line);
	for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autofree char *name = g_strconcat("/index/damaged/", damages[i].name, NULL);
		g_test_add_data_func(name, &damages[i].damage, test_damaged_index_is_made_anew);
	}
	g_test_add_func("/index/locked", test_locked_index_is_not_waited_for);
	g_test_add_func("/index/cannot-be-made", test_index_that_cannot_be_made_is_done_without);
	g_test_add_func("/index/no-jobs", test_no_jobs_make_no_files);
	g_test_add_func("/index/unreadable", test_journal_that_cannot_be_read_is_told_each_time);
	g_test_add_func("/index/mode", test_index_is_for_its_owner_only);
	g_test_add_func("/index/two-at-once", test_two_at_once_agree);
	g_test_add_func("/index/clock", test_wall_clock_that_jumps_back_changes_no_order);
	g_test_add_func("/index/migrations", test_migrations_are_those_that_were_released);
	return g_test_run();
}
