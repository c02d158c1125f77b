/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "cli/common/landlock.h"
#include "cli/common/worker.h"

/* What a child that reads hostile bytes cannot do any more; each in a process of its own. */

static bool
can_write(const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "written", NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && write(fd, "x", 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	if (fd >= 0)
		(void)unlink(path);
	return fine;
}

static void
in_child(unsigned deadline_s)
{
	g_test_trap_subprocess(NULL, (guint64)deadline_s * G_USEC_PER_SEC,
			       G_TEST_SUBPROCESS_DEFAULT);
	g_test_trap_assert_passed();
}

static void
test_reader_writes_nothing(void)
{
	if (!g_test_subprocess()) {
		in_child(60);
		return;
	}
	g_assert_true(can_write(g_get_tmp_dir()));
	(void)signal(SIGXFSZ, SIG_IGN);
	g_assert_true(rescue_worker_confine(NULL));
	g_assert_false(can_write(g_get_tmp_dir()));
	g_assert_true(g_file_test("/proc/self/status", G_FILE_TEST_EXISTS));
}

static void
test_unpacker_writes_in_its_folder_only(void)
{
	g_autofree char *dir = g_strdup(g_getenv("TEST_WORKER_DIR"));

	if (!g_test_subprocess()) {
		dir = g_dir_make_tmp("worker-XXXXXX", NULL);
		g_setenv("TEST_WORKER_DIR", dir, TRUE);
		in_child(60);
		g_assert_no_errno(g_rmdir(dir));
		return;
	}
	g_assert_true(rescue_worker_confine_unpacking(dir, 1000, NULL));
	g_assert_true(can_write(dir));
	/* a second set of rules works exactly where the first one did */
	if (rescue_landlock_confine(dir))
		g_assert_false(can_write(g_get_tmp_dir()));
	else
		g_test_message("this kernel has no Landlock");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/worker/reader", test_reader_writes_nothing);
	g_test_add_func("/worker/unpacker", test_unpacker_writes_in_its_folder_only);
	return g_test_run();
}
