/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "core/base/json.h"
#include "core/process/process.h"
#include "firmware/fetch/depot.h"
#include "firmware/fetch/digest.h"

/*
 * Downloads that are killed, that share and that take over from each other, against the lab's firmware server: what
 * is
 * on disk is compared with the file itself, what was asked for is read from the lab's record.
 */

#define MIB      (UINT64_C(1) << 20)
#define BLOCK    4096u
#define PATIENCE (60 * G_USEC_PER_SEC)

typedef struct {
	RescueProcess *process;
	uint64_t first_bytes, bytes; /* of the first and of the last line about progress */
	bool any, done, ended;
	char *note;
} Worker;

typedef struct {
	char *cache, *file, *sha256, *part;
	uint64_t size;
	RescueRelease *release;
	RescueDepot *depot;
} World;

static void
on_line(const char *line, void *data)
{
	Worker *worker = data;
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	const char *event = json != NULL ? rescue_json_get_string(json, "event") : NULL;
	int64_t bytes = 0;

	g_test_message("%s", line);
	(void)(json != NULL && rescue_json_get_int(json, "bytes", &bytes));
	if (g_strcmp0(event, "progress") == 0 && bytes > 0) {
		worker->first_bytes = worker->any ? worker->first_bytes : (uint64_t)bytes;
		worker->any = true;
		worker->bytes = (uint64_t)bytes;
	}
	if (g_strcmp0(event, "note") == 0) {
		g_free(worker->note);
		worker->note = g_strdup(rescue_json_get_string(json, "text"));
	}
	worker->done |= g_strcmp0(event, "done") == 0;
}

static void
on_exit_seen(int status, int signal_number, void *data)
{
	((Worker *)data)->ended = true;
}

static void
worker_start(Worker *worker, const World *world, const char *rate)
{
	g_autofree char *program = g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin",
						    "idevicerescue", NULL);
	g_autoptr(RescueJson) json = rescue_release_to_json(world->release);
	g_autofree char *text = rescue_json_dump(json);
	const char *const argv[] = { program,    "--json",
				     "--cache",  world->cache,
				     "firmware", "fetch",
				     "--worker", "--release",
				     text,       rate != NULL ? "--limit-rate" : NULL,
				     rate,       NULL };
	const RescueProcessSpec spec = { .argv = argv,
					 .inherit_fd = -1,
					 .on_line = on_line,
					 .on_exit = on_exit_seen,
					 .data = worker };
	g_autoptr(GError) error = NULL;

	*worker = (Worker){ 0 };
	worker->process = rescue_process_start(&spec, &error);
	g_assert_no_error(error);
}

static void
worker_clear(Worker *worker)
{
	rescue_process_free(worker->process);
	g_free(worker->note);
	*worker = (Worker){ 0 };
}

static gboolean
on_late(gpointer data)
{
	g_test_message("nothing happened in time");
	g_test_fail();
	*(bool *)data = true;
	return G_SOURCE_CONTINUE;
}

/* runs the loop until `what` of this worker is so */
static void
wait_until(Worker *worker, bool (*what)(const Worker *worker))
{
	bool late = false;
	guint deadline = g_timeout_add(PATIENCE / 1000, on_late, &late);

	while (!what(worker) && !late)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}

static bool
has_ended(const Worker *worker)
{
	return worker->ended;
}

static bool
is_well_under_way(const Worker *worker)
{
	return worker->ended || worker->bytes > 12 * MIB;
}

static bool
follows(const Worker *worker)
{
	return worker->ended || worker->note != NULL;
}

static void
world_init(World *world, const char *name)
{
	g_autofree char *dir = NULL;
	const char *home = g_getenv("LAB_DIR");
	GStatBuf status;

	g_assert_nonnull(home);
	world->cache = g_build_filename(home, name, NULL);
	dir = g_build_filename(world->cache, "firmware", NULL);
	world->file = g_strdup(g_getenv("LAB_FIRMWARE_F"));
	g_assert_true(rescue_digest_file(world->file, &world->sha256, NULL, NULL));
	g_assert_cmpint(g_stat(world->file, &status), ==, 0);
	world->size = (uint64_t)status.st_size;
	world->release = rescue_release_new("iPhone10,3", "15.0", "19A346");
	world->release->sha256 = g_strdup(world->sha256);
	world->release->size_bytes = world->size;
	g_assert_true(rescue_release_add_url(world->release, g_getenv("LAB_FIRMWARE_URL_F")));
	world->depot = rescue_depot_open(dir, NULL);
	world->part = rescue_depot_partial_path(world->depot, world->release);
}

static void
world_clear(World *world)
{
	rescue_depot_close(world->depot);
	rescue_release_free(world->release);
	g_free(world->part);
	g_free(world->sha256);
	g_free(world->file);
	g_free(world->cache);
}

static void
assert_whole(const World *world)
{
	g_autoptr(RescueStored) stored = rescue_depot_find(world->depot, world->release);
	g_autofree char *sha256 = NULL;

	g_assert_nonnull(stored);
	g_assert_true(rescue_digest_file(stored->path, &sha256, NULL, NULL));
	g_assert_cmpstr(sha256, ==, world->sha256);
	g_assert_false(g_file_test(world->part, G_FILE_TEST_EXISTS));
}

/* how many bytes of the partial file are those of the true one, by blocks */
static uint64_t
count_true_bytes(const World *world)
{
	g_autoptr(GMappedFile) part = g_mapped_file_new(world->part, FALSE, NULL);
	g_autoptr(GMappedFile) file = g_mapped_file_new(world->file, FALSE, NULL);
	size_t size = MIN(g_mapped_file_get_length(part), g_mapped_file_get_length(file));
	const char *a = g_mapped_file_get_contents(part), *b = g_mapped_file_get_contents(file);
	uint64_t same = 0;

	for (size_t at = 0; at + BLOCK <= size; at += BLOCK)
		same += memcmp(a + at, b + at, BLOCK) == 0 ? BLOCK : 0;
	return same;
}

static unsigned
count_requests(const World *world)
{
	g_autofree char *text = NULL, *name = g_path_get_basename(world->file);
	g_auto(GStrv) lines = NULL;
	unsigned count = 0;

	g_assert_true(g_file_get_contents(g_getenv("LAB_RECORD"), &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		count += strstr(*line, "\"request\"") != NULL && strstr(*line, name) != NULL;
	return count;
}

static void
test_a_kill_loses_at_most_a_mebibyte(void)
{
	World world;
	Worker worker;
	uint64_t noted = 0, size = 0, there;

	world_init(&world, "killed");
	worker_start(&worker, &world, "20MB");
	wait_until(&worker, is_well_under_way);
	g_assert_false(worker.ended);
	(void)kill(rescue_process_pid(worker.process), SIGKILL);
	wait_until(&worker, has_ended);
	worker_clear(&worker);
	there = count_true_bytes(&world);
	g_assert_true(rescue_partial_peek(world.part, &noted, &size));
	g_test_message("there: %" G_GUINT64_FORMAT ", noted: %" G_GUINT64_FORMAT, there, noted);
	g_assert_cmpuint(there, <=, noted + MIB);
	g_assert_cmpuint(noted, <=, there + BLOCK);
	/* the next one goes on there */
	worker_start(&worker, &world, NULL);
	wait_until(&worker, has_ended);
	g_assert_true(worker.done);
	g_assert_cmpuint(worker.first_bytes, >=, noted);
	worker_clear(&worker);
	assert_whole(&world);
	world_clear(&world);
}

static void
test_two_jobs_share_one_download(void)
{
	World world;
	Worker first, second;
	unsigned before;

	world_init(&world, "shared");
	before = count_requests(&world);
	worker_start(&first, &world, "20MB");
	wait_until(&first, is_well_under_way);
	worker_start(&second, &world, "20MB");
	wait_until(&first, has_ended);
	wait_until(&second, has_ended);
	g_assert_true(first.done);
	g_assert_true(second.done);
	g_assert_cmpuint(second.bytes, >, 0); /* it told how far the other one was */
	g_assert_cmpuint(count_requests(&world) - before, ==, 1);
	assert_whole(&world);
	worker_clear(&first);
	worker_clear(&second);
	world_clear(&world);
}

static void
test_who_follows_takes_over(void)
{
	World world;
	Worker first, second;

	world_init(&world, "taken-over");
	worker_start(&first, &world, "10MB");
	wait_until(&first, is_well_under_way);
	worker_start(&second, &world, NULL);
	wait_until(&second, follows);
	(void)kill(rescue_process_pid(first.process), SIGKILL);
	wait_until(&second, has_ended);
	g_assert_true(second.done);
	assert_whole(&world);
	worker_clear(&first);
	worker_clear(&second);
	world_clear(&world);
}

static void
test_damage_on_disk_is_fetched_again(void)
{
	World world;
	Worker worker;
	g_autoptr(RescueStored) stored = NULL;

	world_init(&world, "damaged");
	worker_start(&worker, &world, NULL);
	wait_until(&worker, has_ended);
	worker_clear(&worker);
	stored = rescue_depot_find(world.depot, world.release);
	g_assert_true(g_file_set_contents(stored->path, "gone", 4, NULL));
	worker_start(&worker, &world, NULL);
	wait_until(&worker, has_ended);
	g_assert_true(worker.done);
	worker_clear(&worker);
	assert_whole(&world);
	world_clear(&world);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/depot/killed", test_a_kill_loses_at_most_a_mebibyte);
	g_test_add_func("/depot/shared", test_two_jobs_share_one_download);
	g_test_add_func("/depot/taken-over", test_who_follows_takes_over);
	g_test_add_func("/depot/damaged", test_damage_on_disk_is_fetched_again);
	return g_test_run();
}
