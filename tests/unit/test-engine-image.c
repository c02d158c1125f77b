/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "transport/engine/image.h"

/* Where an engine looks for a system image that is unpacked already. */

static void
test_place_is_where_the_generation_looks(void)
{
	static const struct {
		const char *ipsw, *first, *later;
	} cases[] = {
		{ "/f/iPhone10,3_16.7.10_20H350_Restore.ipsw", "iPhone10,3_16.7.10_20H350_Restore",
		  "iPhone10,3_16.7.10_20H350_Restore" },
		{ "/f.x/phone", "phone", "phone" },
		{ "/f/phone.zip", "phone", "phone" },
		{ "/f/phone.1", "phone", "phone.1" },
		{ "/f/phone_16.7.10", "phone_16.7", "phone_16.7.10" },
		{ "/f/phone.backup", "phone.backup", "phone" },
		{ "/f/phone.ipsw2", "phone", "phone" },
		{ "/f/phone.", "phone", "phone." },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (int generation = 1; generation <= 2; generation++) {
			const RescueImagePlace place = { .cache_dir = "/cache",
							 .ipsw = cases[i].ipsw,
							 .member = "os/a.dmg",
							 .generation = generation };
			g_autofree char *path = rescue_image_place_path(&place);
			g_autofree char *wanted = g_build_filename("/cache",
								   generation == 1 ? cases[i].first
										   : cases[i].later,
								   "os/a.dmg", NULL);
			g_assert_cmpstr(path, ==, wanted);
		}
	}
}

typedef struct {
	char *dir, *image, *cache, *placed;
	RescueImagePlace place;
} Bench;

static Bench
bench_new(void)
{
	Bench bench = { .dir = g_dir_make_tmp("image-XXXXXX", NULL) };

	bench.image = g_build_filename(bench.dir, "image", NULL);
	bench.cache = g_build_filename(bench.dir, "cache", NULL);
	g_assert_no_errno(g_mkdir(bench.cache, 0700));
	g_assert_true(g_file_set_contents(bench.image, "image", 5, NULL));
	g_assert_no_errno(g_chmod(bench.image, 0444));
	bench.place = (RescueImagePlace){ .cache_dir = bench.cache,
					  .ipsw = "/f/phone.ipsw",
					  .member = "os/a.dmg",
					  .generation = 1,
					  .image = bench.image,
					  .image_bytes = 5 };
	bench.placed = rescue_image_place_path(&bench.place);
	return bench;
}

static void
bench_clear(Bench *bench)
{
	static const char *const left[] = { "cache/phone/os/a.dmg", "cache/phone/os", "cache/phone",
					    "cache", "image" };

	for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
		g_autofree char *path = g_build_filename(bench->dir, left[i], NULL);
		(void)g_remove(path);
	}
	g_assert_no_errno(g_rmdir(bench->dir));
	g_free(bench->dir);
	g_free(bench->image);
	g_free(bench->cache);
	g_free(bench->placed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

/* what 1.0.0 does with what is there before it extracts anew, and we at the end: only the engine's own name goes */
static void
test_placed_image_is_no_copy_and_can_be_removed(void)
{
	g_auto(Bench) bench = bench_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	struct stat placed, image;

	g_assert_true(rescue_image_place(&bench.place, &error));
	g_assert_no_error(error);
	g_assert_no_errno(stat(bench.placed, &placed));
	g_assert_no_errno(stat(bench.image, &image));
	g_assert_cmpint(placed.st_size, ==, 5);
	/* a clone is a file of its own that shares its bytes */
	if (placed.st_ino == image.st_ino)
		g_assert_cmpuint(placed.st_mode & 0222, ==, 0);
	g_assert_no_errno(g_remove(bench.placed));
	g_assert_true(g_file_get_contents(bench.image, &text, NULL, &error));
	g_assert_cmpstr(text, ==, "image");
}

static void
test_engine_without_all_rights_cannot_write_through(void)
{
	g_auto(Bench) bench = bench_new();
	g_autofree char *text = NULL;
	int fd;

	if (geteuid() == 0) {
		g_test_skip("to root the mode of a file says nothing");
		return;
	}
	g_assert_true(rescue_image_place(&bench.place, NULL));
	fd = open(bench.placed, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	g_assert_true(g_file_get_contents(bench.image, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "image");
}

static void
test_image_of_another_size_is_not_placed(void)
{
	g_auto(Bench) bench = bench_new();
	g_autoptr(GError) error = NULL;

	bench.place.image_bytes = 6;
	g_assert_false(rescue_image_place(&bench.place, &error));
	g_assert_error(error, RESCUE_ERROR, (int)RESCUE_ERROR_HOST_IO);
	g_assert_false(g_file_test(bench.placed, G_FILE_TEST_EXISTS));
}

static void
test_member_outside_of_the_cache_is_refused(void)
{
	g_auto(Bench) bench = bench_new();
	g_autoptr(GError) error = NULL;

	bench.place.member = "../../outside";
	g_assert_false(rescue_image_place(&bench.place, &error));
	g_assert_error(error, RESCUE_ERROR, (int)RESCUE_ERROR_BAD_INPUT);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine-image/place", test_place_is_where_the_generation_looks);
	g_test_add_func("/engine-image/no-copy", test_placed_image_is_no_copy_and_can_be_removed);
	g_test_add_func("/engine-image/read-only",
			test_engine_without_all_rights_cannot_write_through);
	g_test_add_func("/engine-image/size", test_image_of_another_size_is_not_placed);
	g_test_add_func("/engine-image/outside", test_member_outside_of_the_cache_is_refused);
	return g_test_run();
}
