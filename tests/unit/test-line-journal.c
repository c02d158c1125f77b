/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "cli/line/journal.h"
#include "core/base/error.h"
#include "tests/unit/scratch.h"

#define MANY 25001u /* more than a journal may have before it is written anew */
#define KEPT 10u

/* A folder that goes with its test. */
typedef char Scratch;

static Scratch *
scratch_new(void)
{
	Scratch *dir = g_dir_make_tmp("line-journal-XXXXXX", NULL);

	g_assert_nonnull(dir);
	return dir;
}

static void
scratch_free(Scratch *dir)
{
	remove_tree(dir);
	g_free(dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scratch, scratch_free)

static RescueJson *
line_of(unsigned seq)
{
	RescueJson *line = rescue_json_object_new();

	rescue_json_set_string(line, "event", "progress"); /* which is not waited for */
	rescue_json_set_int(line, "seq", seq);
	return line;
}

static void
append(RescueLineJournal *journal, unsigned seq)
{
	g_autoptr(RescueJson) line = line_of(seq);
	g_autoptr(GError) error = NULL;

	g_assert_true(rescue_line_journal_port.append(journal, line, &error));
	g_assert_no_error(error);
}

static void
free_line(void *line)
{
	rescue_json_free(line);
}

/* the last ten */
static GPtrArray *
compact(const GPtrArray *lines)
{
	GPtrArray *rest = g_ptr_array_new_with_free_func(free_line);

	for (unsigned i = lines->len - MIN(lines->len, KEPT); i < lines->len; i++)
		g_ptr_array_add(rest, rescue_json_ref(lines->pdata[i]));
	return rest;
}

static RescueLineJournal *
open_journal(const char *dir)
{
	g_autoptr(GError) error = NULL;
	RescueLineJournal *journal = rescue_line_journal_open(dir, "station.conf", &error);

	g_assert_no_error(error);
	return journal;
}

static void
assert_lines(RescueLineJournal *journal, unsigned count, unsigned last)
{
	g_autoptr(GPtrArray) lines = rescue_line_journal_read(journal, compact, NULL);
	int64_t seq = 0;

	g_assert_nonnull(lines);
	g_assert_cmpuint(lines->len, ==, count);
	if (count == 0)
		return;
	g_assert_true(rescue_json_get_int(lines->pdata[count - 1], "seq", &seq));
	g_assert_cmpint(seq, ==, last);
}

static void
test_one_daemon(void)
{
	g_autoptr(Scratch) dir = scratch_new();
	g_autoptr(RescueLineJournal) journal = open_journal(dir);
	g_autoptr(GError) error = NULL;

	g_assert_null(rescue_line_journal_open(dir, "other.conf", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "station.conf"));
	g_clear_pointer(&journal, rescue_line_journal_close);
	journal = open_journal(dir);
}

/* Another state folder, and the same bench. */
static void
test_one_station(void)
{
	g_autoptr(Scratch) dir = scratch_new();
	g_autoptr(Scratch) other = scratch_new();
	g_autofree char *station = g_build_filename(dir, "station.conf", NULL);
	g_autoptr(RescueLineJournal) journal = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(g_file_set_contents(station, "", 0, NULL));
	journal = rescue_line_journal_open(dir, station, &error);
	g_assert_no_error(error);
	g_assert_null(rescue_line_journal_open(other, station, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY);
}

static void
test_remembered(void)
{
	g_autoptr(Scratch) dir = scratch_new();
	g_autoptr(RescueLineJournal) journal = open_journal(dir);

	assert_lines(journal, 0, 0);
	for (unsigned i = 1; i <= 3; i++)
		append(journal, i);
	rescue_line_journal_tidy(journal, compact);
	g_clear_pointer(&journal, rescue_line_journal_close);
	journal = open_journal(dir);
	assert_lines(journal, 3, 3);
}

/* Of a daemon that runs for weeks: what it appends behind that is not lost either. */
static void
test_written_anew(void)
{
	g_autoptr(Scratch) dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "line", "journal", NULL);
	g_autoptr(RescueLineJournal) journal = open_journal(dir);
	g_autoptr(GPtrArray) lines = NULL;

	assert_lines(journal, 0, 0);
	for (unsigned i = 1; i <= MANY; i++)
		append(journal, i);
	rescue_line_journal_tidy(journal, compact);
	append(journal, MANY + 1);
	lines = rescue_journal_read(path, NULL, NULL);
	g_assert_cmpuint(lines->len, ==, KEPT + 1);
	g_clear_pointer(&journal, rescue_line_journal_close);
	journal = open_journal(dir);
	assert_lines(journal, KEPT, MANY + 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line-journal/one-daemon", test_one_daemon);
	g_test_add_func("/line-journal/one-station", test_one_station);
	g_test_add_func("/line-journal/remembered", test_remembered);
	g_test_add_func("/line-journal/written-anew", test_written_anew);
	return g_test_run();
}
