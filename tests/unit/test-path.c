/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/path.h"

static char *folder;

static void
test_a_file_is_written_whole_with_its_mode(void)
{
	g_autofree char *path = g_build_filename(folder, "whole", NULL);
	g_autoptr(GError) error = NULL;
	size_t size;
	struct stat st;
	g_assert_true(rescue_path_write(path, "one", 3, 0600, &error));
	g_assert_true(rescue_path_write(path, "two\0three", 9, 0640, &error));
	g_autofree char *text = rescue_path_read(path, 100, &size, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(text, size, "two\0three", 9);
	g_assert_cmpint(g_stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0640);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir))
		g_assert_cmpstr(name, ==, "whole"); /* no temporary file is left */
	g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
test_what_need_not_last_is_whole_too_and_can_be_forced(void)
{
	g_autofree char *path = g_build_filename(folder, "put", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) missing = NULL;
	struct stat st;
	g_assert_true(rescue_path_put(path, "longer", 6, 0640, &error));
	g_assert_true(rescue_path_put(path, "two", 3, 0600, &error));
	g_autofree char *text = rescue_path_read(path, 100, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "two");
	g_assert_cmpint(g_stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
	g_assert_true(rescue_path_force(path, &error));
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_false(rescue_path_force(path, &missing));
	g_assert_error(missing, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_too_large_missing_and_impossible_are_told_apart(void)
{
	g_autofree char *path = g_build_filename(folder, "large", NULL);
	g_autofree char *below = g_build_filename(path, "below-a-file", NULL);
	g_autoptr(GError) large = NULL;
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) impossible = NULL;
	g_assert_true(rescue_path_write(path, "12345", 5, 0600, NULL));
	g_assert_null(rescue_path_read(path, 4, NULL, &large));
	g_assert_error(large, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_assert_false(rescue_path_write(below, "x", 1, 0600, &impossible));
	g_assert_error(impossible, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_null(rescue_path_read(path, 4, NULL, &missing));
	g_assert_error(missing, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
}

static void
test_only_what_is_there_is_set(void)
{
	g_autofree char *path = g_build_filename(folder, "attribute", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_false(rescue_path_set(path, "1", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_assert_true(rescue_path_write(path, "auto", 4, 0600, NULL));
	g_assert_true(rescue_path_set(path, "on", NULL));
	g_autofree char *text = rescue_path_read(path, 100, NULL, NULL);
	g_assert_cmpstr(text, ==, "onto"); /* in place: neither emptied nor replaced */
	g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
test_folders_are_made_with_their_parents(void)
{
	g_autofree char *parent = g_build_filename(folder, "a", NULL);
	g_autofree char *path = g_build_filename(parent, "b", NULL);
	g_autofree char *file = g_build_filename(path, "file", NULL);
	g_assert_true(rescue_path_make_dir(path, NULL));
	g_assert_true(rescue_path_make_dir(path, NULL));
	g_assert_true(rescue_path_write(file, "", 0, 0600, NULL));
	g_assert_false(rescue_path_make_dir(file, NULL));
	g_assert_cmpint(g_unlink(file), ==, 0);
	g_assert_cmpint(g_rmdir(path), ==, 0);
	g_assert_cmpint(g_rmdir(parent), ==, 0);
}

static void
test_nothing_escapes_from_below(void)
{
	g_assert_true(rescue_path_is_below("/cache/a.ipsw", "/cache"));
	g_assert_true(rescue_path_is_below("/cache/x/a.ipsw", "/cache/"));
	g_assert_true(rescue_path_is_below("/a", "/"));
	g_assert_false(rescue_path_is_below("/cache", "/cache"));
	g_assert_false(rescue_path_is_below("/cache/", "/cache"));
	g_assert_false(rescue_path_is_below("/cache-of-others/a", "/cache"));
	g_assert_false(rescue_path_is_below("/cache/../etc/passwd", "/cache"));
	g_assert_false(rescue_path_is_below("cache/a", "cache"));
	g_assert_false(rescue_path_is_below(NULL, "/cache"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("rescue-path-XXXXXX", NULL);
	g_test_add_func("/path/write", test_a_file_is_written_whole_with_its_mode);
	g_test_add_func("/path/put", test_what_need_not_last_is_whole_too_and_can_be_forced);
	g_test_add_func("/path/errors", test_too_large_missing_and_impossible_are_told_apart);
	g_test_add_func("/path/set", test_only_what_is_there_is_set);
	g_test_add_func("/path/make-dir", test_folders_are_made_with_their_parents);
	g_test_add_func("/path/is-below", test_nothing_escapes_from_below);
	int status = g_test_run();
	(void)g_rmdir(folder);
	g_free(folder);
	return status;
}
