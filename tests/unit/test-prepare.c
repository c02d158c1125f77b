/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "firmware/prepare/make.h"
#include "tests/lab/world/zip.h"

/* System images that are unpacked once, in a depot and an archive of the test's own. */

#define MEMBER      "images/os.dmg"
#define IMAGE_BYTES (3u * 1024 * 1024 + 17)
#define JOBS        6u
#define LONG_AGO    1000000 /* seconds since 1970 */

typedef struct {
	char *dir, *ipsw;
	RescueDepot *depot;
	char *content; /* of the image */
} World;

/* half of it packs well */
static char *
make_content(void)
{
	char *content = g_malloc(IMAGE_BYTES);
	uint32_t state = 1;

	for (size_t i = 0; i < IMAGE_BYTES; i++) {
		state = state * 1664525u + 1013904223u;
		content[i] = i % 4096 < 2048 ? (char)(state >> 24) : 'x';
	}
	return content;
}

static void
write_archive(const World *world, bool deflated)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(world->content, IMAGE_BYTES);
	FILE *out = fopen(world->ipsw, "wb");
	g_autoptr(LabZip) zip = lab_zip_new(out);

	g_assert_true(lab_zip_add(zip, MEMBER, deflated, bytes, NULL));
	g_assert_true(lab_zip_finish(zip, NULL));
	g_assert_cmpint(fclose(out), ==, 0);
}

static World
world_new(bool deflated)
{
	World world = { .dir = g_dir_make_tmp("prepare-XXXXXX", NULL) };
	g_autofree char *depot = g_build_filename(world.dir, "cache", "firmware", NULL);

	world.ipsw = g_build_filename(world.dir, "phone.ipsw", NULL);
	world.depot = rescue_depot_open(depot, NULL);
	world.content = make_content();
	g_assert_nonnull(world.depot);
	write_archive(&world, deflated);
	return world;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	return remove(path);
}

static void
world_clear(World *world)
{
	rescue_depot_close(world->depot);
	g_assert_cmpint(nftw(world->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), ==, 0);
	g_free(world->dir);
	g_free(world->ipsw);
	g_free(world->content);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static RescueImage *
make(const World *world, GError **error)
{
	const RescueMakeSpec spec = { .depot = world->depot,
				      .source = world->ipsw,
				      .member = MEMBER };

	return rescue_image_make(&spec, error);
}

static void
assert_content(const World *world, const RescueImage *image)
{
	g_autofree char *bytes = NULL;
	size_t size = 0;

	g_assert_true(g_file_get_contents(image->path, &bytes, &size, NULL));
	g_assert_cmpmem(bytes, size, world->content, IMAGE_BYTES);
}

/* how many names of files there are among the images */
static unsigned
count_files(const World *world)
{
	g_autofree char *path = g_build_filename(rescue_depot_dir(world->depot), "prepared", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	unsigned count = 0;

	while (g_dir_read_name(dir) != NULL)
		count++;
	return count;
}

static ino_t
inode(const char *path)
{
	struct stat status;

	g_assert_no_errno(stat(path, &status));
	return status.st_ino;
}

static void
test_image_is_made_once(void)
{
	for (int deflated = 0; deflated < 2; deflated++) {
		g_auto(World) world = world_new(deflated != 0);
		g_autoptr(GError) error = NULL;
		g_autoptr(RescueImage) image = make(&world, &error), again = NULL;
		struct stat status;
		ino_t first;

		g_assert_no_error(error);
		assert_content(&world, image);
		g_assert_no_errno(stat(image->path, &status));
		g_assert_cmpuint(status.st_mode & 0777, ==, 0444);
		first = status.st_ino;
		again = make(&world, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(again->path, ==, image->path);
		g_assert_cmpuint(inode(again->path), ==, first);
		g_assert_cmpuint(count_files(&world), ==, 2);
	}
}

static void
test_changed_archive_gets_another_image(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL), other = NULL;

	memset(world.content, 'y', 100);
	write_archive(&world, true);
	other = make(&world, NULL);
	g_assert_cmpstr(image->path, !=, other->path);
	assert_content(&world, other);
}

/* flips one byte of the packed image */
static void
damage(const World *world)
{
	g_autofree char *bytes = NULL;
	size_t size = 0;

	g_assert_true(g_file_get_contents(world->ipsw, &bytes, &size, NULL));
	bytes[size / 2] ^= 1;
	g_assert_true(g_file_set_contents(world->ipsw, bytes, (gssize)size, NULL));
}

static void
test_damage_leaves_nothing(void)
{
	for (int deflated = 0; deflated < 2; deflated++) {
		g_auto(World) world = world_new(deflated != 0);
		g_autoptr(GError) error = NULL;

		damage(&world);
		g_assert_null(make(&world, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED);
		g_assert_cmpuint(count_files(&world), ==, 0);
	}
}

static void
test_proof_writes_nothing(void)
{
	for (int deflated = 0; deflated < 2; deflated++) {
		g_auto(World) world = world_new(deflated != 0);
		g_autoptr(GError) error = NULL;
		const RescueMakeSpec spec = { .depot = world.depot,
					      .source = world.ipsw,
					      .member = MEMBER };

		g_assert_true(rescue_image_prove(&spec, &error));
		g_assert_no_error(error);
		damage(&world);
		g_assert_false(rescue_image_prove(&spec, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED);
		g_assert_cmpuint(count_files(&world), ==, 0);
	}
}

static void
test_missing_member_is_named(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(GError) error = NULL;
	const RescueMakeSpec spec = { .depot = world.depot,
				      .source = world.ipsw,
				      .member = "other.dmg" };

	g_assert_null(rescue_image_make(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_INCOMPLETE);
	g_assert_nonnull(strstr(error->message, "other.dmg"));
}

/* as an engine with all rights could, if it ever opened it for writing */
static void
test_image_that_was_written_to_is_made_again(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL), again = NULL;
	FILE *file;

	g_assert_no_errno(chmod(image->path, 0644));
	file = fopen(image->path, "r+b");
	g_assert_cmpint(fputs("broken", file), >=, 0);
	g_assert_cmpint(fclose(file), ==, 0);
	again = make(&world, NULL);
	assert_content(&world, again);
}

/* the time of its making is another, its content is not */
static void
test_image_that_was_only_touched_stays(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL), again = NULL;
	ino_t first = inode(image->path);

	g_assert_no_errno(utimensat(AT_FDCWD, image->path, NULL, 0));
	again = make(&world, NULL);
	g_assert_cmpuint(inode(again->path), ==, first);
}

static gboolean
let_go(gpointer data)
{
	(void)close(*(int *)data);
	return G_SOURCE_REMOVE;
}

static void
test_maker_is_waited_for(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL), again = NULL;
	const RescueMakeSpec spec = {
		.depot = world.depot, .source = world.ipsw, .member = MEMBER, .patience_ms = 300
	};
	g_autoptr(GError) error = NULL;
	int lock = rescue_depot_lock_image(world.depot, image->key, NULL);

	g_assert_cmpint(lock, >=, 0);
	g_assert_true(rescue_depot_remove_image(world.depot, image));
	/* who gets on with nothing is not waited for for ever */
	g_assert_null(rescue_image_make(&spec, &error));
	g_assert_error(error, RESCUE_ERROR, (int)RESCUE_ERROR_HOST_IO);
	g_clear_error(&error);
	g_timeout_add(50, let_go, &lock);
	again = make(&world, &error);
	g_assert_no_error(error);
	assert_content(&world, again);
}

typedef struct {
	GMainLoop *loop;
	unsigned ended, done;
} Jobs;

static void
on_job_line(const char *line, void *data)
{
	Jobs *jobs = data;

	jobs->done += strstr(line, "\"event\":\"done\"") != NULL;
}

static void
on_job_end(int status, int signal, void *data)
{
	Jobs *jobs = data;

	g_assert_cmpint(status, ==, 0);
	if (++jobs->ended == JOBS)
		g_main_loop_quit(jobs->loop);
}

static RescueProcess *
start_job(const World *world, Jobs *jobs)
{
	g_autofree char *program = g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin",
						    "idevicerescue", NULL);
	g_autofree char *cache = g_build_filename(world->dir, "cache", NULL);
	const char *const argv[] = { program,    "--cache", cache,       "--json",
				     "firmware", "prepare", "--worker",  "--image",
				     MEMBER,     "--file",  world->ipsw, NULL };
	const RescueProcessSpec spec = {
		.argv = argv,
		.inherit_fd = -1,
		.on_line = on_job_line,
		.on_exit = on_job_end,
		.data = jobs,
	};

	return rescue_process_start(&spec, NULL);
}

static void
test_jobs_share_one_unpacking(void)
{
	g_auto(World) world = world_new(true);
	Jobs jobs = { .loop = g_main_loop_new(NULL, FALSE) };
	RescueProcess *processes[JOBS];
	g_autoptr(RescueImage) image = NULL;

	for (unsigned i = 0; i < JOBS; i++) {
		processes[i] = start_job(&world, &jobs);
		g_assert_nonnull(processes[i]);
	}
	g_main_loop_run(jobs.loop);
	for (unsigned i = 0; i < JOBS; i++)
		rescue_process_free(processes[i]);
	g_main_loop_unref(jobs.loop);
	g_assert_cmpuint(jobs.done, ==, JOBS);
	g_assert_cmpuint(count_files(&world), ==, 2);
	image = make(&world, NULL);
	assert_content(&world, image);
}

/* ---- eviction --------------------------------------------------------------------------------- */

/* a: long unused, b: used lately, c: in use, d: orphaned, e: orphaned but in use */
static char *
victims(uint64_t excess)
{
	RescueImage all[] = {
		{ .key = (char *)"a", .size_bytes = 100, .used_us = 10 },
		{ .key = (char *)"b", .size_bytes = 100, .used_us = 30 },
		{ .key = (char *)"c", .size_bytes = 100, .used_us = 5, .in_use = true },
		{ .key = (char *)"d", .size_bytes = 100, .used_us = 40, .orphaned = true },
		{ .key = (char *)"e", .size_bytes = 100, .in_use = true, .orphaned = true },
	};
	g_autoptr(GPtrArray) images = g_ptr_array_new();
	g_autoptr(GPtrArray) chosen = NULL;
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_ptr_array_add(images, &all[i]);
	chosen = rescue_depot_choose_images(images, excess);
	for (guint i = 0; i < chosen->len; i++)
		g_string_append(text, ((RescueImage *)chosen->pdata[i])->key);
	return g_string_free(text, FALSE);
}

static void
test_longest_unused_image_goes_first(void)
{
	static const struct {
		uint64_t excess;
		const char *gone;
	} cases[] = { { 0, "d" }, { 100, "d" }, { 101, "da" }, { 201, "dab" }, { 9999, "dab" } };

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *gone = victims(cases[i].excess);
		g_assert_cmpstr(gone, ==, cases[i].gone);
	}
}

static void
make_old(const World *world, const RescueImage *image)
{
	const struct timespec times[2] = { { .tv_sec = LONG_AGO }, { .tv_sec = LONG_AGO } };
	g_autofree char *name = g_strconcat("image-", image->key, NULL);
	g_autofree char *path = g_build_filename(rescue_depot_dir(world->depot), "lock", name,
						 NULL);

	g_assert_no_errno(utimensat(AT_FDCWD, path, times, 0));
}

static void
test_image_in_use_is_never_evicted(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL);
	g_autofree char *path = g_build_filename(world.dir, "engine.dmg", NULL);
	g_autofree char *name = g_path_get_basename(image->path);
	g_autofree char *elsewhere = g_build_filename(world.dir, name, NULL);
	int hold;

	/* made a moment ago: the job that wants it may not hold it yet */
	g_assert_cmpuint(rescue_depot_evict(world.depot, 1, 0), ==, 0);
	make_old(&world, image);
	g_assert_no_errno(link(image->path, path));
	g_assert_cmpuint(rescue_depot_evict(world.depot, 1, 0), ==, 0);
	g_assert_no_errno(unlink(path));
	/* a child that names a file elsewhere is not believed */
	g_assert_no_errno(link(image->path, elsewhere));
	g_assert_cmpint(rescue_depot_hold_image(world.depot, elsewhere, NULL), <, 0);
	g_assert_no_errno(unlink(elsewhere));
	hold = rescue_depot_hold_image(world.depot, image->path, NULL);
	make_old(&world, image);
	g_assert_cmpuint(rescue_depot_evict(world.depot, 1, 0), ==, 0);
	(void)close(hold);
	make_old(&world, image);
	g_assert_cmpuint(rescue_depot_evict(world.depot, 1, 0), ==, IMAGE_BYTES);
	g_assert_cmpuint(count_files(&world), ==, 0);
}

static void
test_image_of_a_removed_archive_goes(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL);

	make_old(&world, image);
	g_assert_cmpuint(rescue_depot_evict(world.depot, 0, 0), ==, 0);
	g_assert_no_errno(unlink(world.ipsw));
	g_assert_cmpuint(rescue_depot_evict(world.depot, 0, 0), ==, IMAGE_BYTES);
}

static void
test_leftovers_of_a_kill_are_swept(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(RescueImage) image = make(&world, NULL);
	g_autofree char *part = rescue_depot_image_part(world.depot, image->key);
	g_autofree char *lonely = NULL, *key = g_strdup(image->key);

	key[0] = key[0] == 'a' ? 'b' : 'a';
	lonely = rescue_depot_image_part(world.depot, key);
	g_assert_true(g_file_set_contents(lonely, "half", 4, NULL));
	g_assert_cmpuint(rescue_depot_evict(world.depot, 0, 0), >, 0);
	g_assert_cmpuint(count_files(&world), ==, 2);
}

static void
test_no_room_is_told_before_a_byte_is_written(void)
{
	g_auto(World) world = world_new(true);
	g_autoptr(GError) error = NULL;

	g_assert_false(
	    rescue_depot_make_room(world.depot, 0, UINT64_C(1) << 60, UINT64_C(1) << 60, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_SPACE);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/prepare/once", test_image_is_made_once);
	g_test_add_func("/prepare/changed", test_changed_archive_gets_another_image);
	g_test_add_func("/prepare/damage", test_damage_leaves_nothing);
	g_test_add_func("/prepare/proof", test_proof_writes_nothing);
	g_test_add_func("/prepare/missing", test_missing_member_is_named);
	g_test_add_func("/prepare/written-to", test_image_that_was_written_to_is_made_again);
	g_test_add_func("/prepare/touched", test_image_that_was_only_touched_stays);
	g_test_add_func("/prepare/waits", test_maker_is_waited_for);
	g_test_add_func("/prepare/shared", test_jobs_share_one_unpacking);
	g_test_add_func("/prepare/evict/order", test_longest_unused_image_goes_first);
	g_test_add_func("/prepare/evict/in-use", test_image_in_use_is_never_evicted);
	g_test_add_func("/prepare/evict/orphaned", test_image_of_a_removed_archive_goes);
	g_test_add_func("/prepare/evict/leftovers", test_leftovers_of_a_kill_are_swept);
	g_test_add_func("/prepare/no-room", test_no_room_is_told_before_a_byte_is_written);
	return g_test_run();
}
