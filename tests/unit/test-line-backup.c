/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/line/ops/deliver.h"
#include "cli/line/ops/service.h"
#include "cli/line/ops/upkeep.h"
#include "core/base/error.h"
#include "core/process/process.h"
#include "core/store/backup.h"
#include "core/store/index.h"
#include "core/store/journal.h"
#include "core/store/outbox.h"
#include "tests/unit/scratch.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

typedef struct {
	char *top, *state, *copy;
} World;

static void
world_init(World *world)
{
	world->top = g_dir_make_tmp("backup-XXXXXX", NULL);
	world->state = g_build_filename(world->top, "state", NULL);
	world->copy = g_build_filename(world->top, "copy", NULL);
}

static void
world_clear(World *world)
{
	remove_tree(world->top);
	g_free(world->top);
	g_free(world->state);
	g_free(world->copy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static RescueJson *
event_of(const char *job, unsigned seq, const char *time, const char *name)
{
	RescueJson *event = rescue_json_object_new();

	rescue_json_set_int(event, "v", 1);
	rescue_json_set_int(event, "seq", seq);
	rescue_json_set_string(event, "ts", time);
	rescue_json_set_string(event, "job", job);
	rescue_json_set_string(event, "ecid", "0x00000000000000A1");
	rescue_json_set_string(event, "event", name);
	rescue_json_set_string(event, "outcome", "restored");
	return event;
}

static RescueJournal *
make_job(const char *state, const char *job, const char *time)
{
	g_autofree char *dir = rescue_journal_make_job_dir(state, job, NULL);
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	RescueJournal *journal = rescue_journal_open(path, NULL);
	g_autoptr(RescueJson) first = event_of(job, 1, time, "job");
	g_autoptr(RescueJson) done = event_of(job, 2, time, "done");

	g_assert_true(rescue_journal_append(journal, first, NULL));
	g_assert_true(rescue_journal_append(journal, done, NULL));
	return journal;
}

static void
make_jobs(const char *state, unsigned n, const char *time)
{
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("job-%u", i);
		rescue_journal_close(make_job(state, name, time));
	}
}

static void
put(const char *state, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(state, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static bool
has(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static unsigned
count_jobs(const char *state)
{
	g_autoptr(RescueIndex) index = rescue_index_open(state);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	g_assert_null(rescue_index_trouble(index));
	return jobs->len;
}

static void
make_backup(const World *world)
{
	RescueBackup backup;
	g_autoptr(GError) error = NULL;

	(void)rescue_backup_make(world->state, world->copy, &backup, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(backup.files, >, 0);
}

static void
test_a_copy_is_a_state_folder(void)
{
	g_auto(World) world;
	struct stat status;
	world_init(&world);
	g_autofree char *link = g_build_filename(world.state, "jobs", "job-1", "link", NULL);
	g_autofree char *journal = g_build_filename(world.copy, "jobs", "job-2", "journal", NULL);

	make_jobs(world.state, 5, "2026-11-22T10:00:00.000Z");
	g_assert_cmpuint(count_jobs(world.state), ==, 5);
	put(world.state, "jobs/job-1/attempt-1/transcript", "engine\n");
	put(world.state, "line/journal", "station\n");
	put(world.state, "line/lock", "a process\n");
	put(world.state, "line/outbox/events-0000000000000001", "x");
	g_assert_cmpint(symlink("/etc/passwd", link), ==, 0);
	make_backup(&world);
	g_assert_cmpuint(count_jobs(world.copy), ==, 5);
	g_assert_true(has(world.copy, "jobs/job-1/attempt-1/transcript"));
	g_assert_true(has(world.copy, "line/journal"));
	g_assert_true(has(world.copy, "line/outbox/events-0000000000000001"));
	g_assert_true(has(world.copy, "index.sqlite"));
	g_assert_false(has(world.copy, "line/lock"));
	g_assert_false(has(world.copy, "jobs/job-1/link"));
	g_assert_cmpint(stat(journal, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
	g_assert_cmpint(stat(world.copy, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 07777, ==, 0700);
}

static unsigned
entries_of(const char *dir)
{
	g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
	unsigned n = 0;

	while (g_dir_read_name(folder) != NULL)
		n++;
	return n;
}

static void
assert_refused(const World *world, const char *target, int code, const char *words)
{
	RescueBackup backup;
	g_autoptr(GError) error = NULL;

	g_assert_false(rescue_backup_make(world->state, target, &backup, &error));
	g_assert_error(error, RESCUE_ERROR, code);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, words));
}

static void
test_what_cannot_be_copied_leaves_nothing(void)
{
	g_auto(World) world;
	world_init(&world);
	g_autofree char *inside = g_build_filename(world.state, "copy", NULL);
	g_autofree char *nowhere = g_build_filename(world.top, "no", "folder", NULL);

	assert_refused(&world, world.copy, RESCUE_ERROR_BAD_INPUT, "is no state folder");
	make_jobs(world.state, 1, "2026-11-22T10:00:00.000Z");
	assert_refused(&world, inside, RESCUE_ERROR_BAD_INPUT, "in the state folder itself");
	assert_refused(&world, nowhere, RESCUE_ERROR_HOST_IO, "cannot make");
	g_assert_cmpint(g_mkdir(world.copy, 0700), ==, 0);
	assert_refused(&world, world.copy, RESCUE_ERROR_BAD_INPUT, "is there already");
	g_assert_cmpuint(entries_of(world.top), ==, 2);
}

/* a job that writes all the time: the copy has whole lines, in order, from the first one on */
static void
test_a_job_that_writes_is_copied_as_far_as_it_was(void)
{
	g_auto(World) world;
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	world_init(&world);
	const char *const argv[] = { self, "--write", world.state, NULL };
	g_autofree char *journal = g_build_filename(world.copy, "jobs", "busy", "journal", NULL);
	g_autoptr(RescueProcess) writer = NULL;

	make_jobs(world.state, 3, "2026-11-22T10:00:00.000Z");
	writer = rescue_process_start(&(RescueProcessSpec){ .argv = argv, .inherit_fd = -1 }, NULL);
	while (!has(world.state, "jobs/busy/journal"))
		g_main_context_iteration(NULL, FALSE);
	for (unsigned i = 0; i < 8; i++) {
		bool torn;
		make_backup(&world);
		g_autoptr(GPtrArray) events = rescue_journal_read(journal, &torn, NULL);
		for (unsigned k = 0; events != NULL && k < events->len; k++) {
			int64_t seq = 0;
			(void)rescue_json_get_int(g_ptr_array_index(events, k), "seq", &seq);
			g_assert_cmpint(seq, ==, k + 1);
		}
		remove_tree(world.copy);
	}
}

static void
test_what_is_older_than_the_retention_goes(void)
{
	g_auto(World) world;
	unsigned forgotten = 0;
	g_autoptr(GError) error = NULL;
	world_init(&world);
	g_autoptr(RescueJournal) running = NULL;
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *fresh = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.000Z");

	make_jobs(world.state, 3, "2020-01-01T10:00:00.000Z");
	rescue_journal_close(make_job(world.state, "new", fresh));
	running = make_job(world.state, "old-and-running", "2020-01-01T10:00:00.000Z");
	g_assert_cmpint(g_mkdir_with_parents(world.state, 0700), ==, 0);
	put(world.state, "line/x", "");
	g_assert_true(rescue_upkeep_is_due(world.state, g_get_real_time()));
	g_assert_true(rescue_upkeep(world.state, 0, &forgotten, &error));
	g_assert_cmpuint(forgotten, ==, 0);
	g_assert_cmpuint(count_jobs(world.state), ==, 5);
	g_assert_false(rescue_upkeep_is_due(world.state, g_get_real_time()));
	g_assert_true(rescue_upkeep_is_due(world.state, g_get_real_time() + 2 * DAY_MS * 1000));
	(void)rescue_upkeep(world.state, 90 * DAY_MS, &forgotten, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(forgotten, ==, 3);
	g_assert_cmpuint(count_jobs(world.state), ==, 2);
	g_assert_true(has(world.state, "jobs/old-and-running/journal"));
}

static void
test_the_status_counts_slots(void)
{
	static const char bench[] = "[port A1]\nat=1-1\n[port A2]\nat=1-2\n";
	g_autoptr(RescueLayout) layout = rescue_layout_parse(bench, strlen(bench), NULL);
	g_autoptr(RescueStation) station = rescue_station_new(layout, NULL);
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_autofree char *empty = rescue_service_describe(station);
	g_autofree char *full = NULL;

	g_assert_cmpstr(empty, ==, "2 ports");
	device->ecid = 1;
	device->place.port = g_strdup("1-1");
	rescue_station_see(station, device, 1);
	g_assert_true(rescue_station_hold(station, "A1", 2, NULL));
	full = rescue_service_describe(station);
	g_assert_cmpstr(full, ==, "2 ports");
}

/* --write STATE: a job that never ends */
static int
write_for_ever(const char *state)
{
	g_autoptr(RescueJournal) journal = make_job(state, "busy", "2026-11-22T10:00:00.000Z");
	bool fine = true;

	for (unsigned seq = 3; fine && seq < 1000000; seq++) {
		g_autoptr(RescueJson)
		    event = event_of("busy", seq, "2026-11-22T10:00:00.000Z", "step");
		fine = rescue_journal_append(journal, event, NULL);
	}
	return fine ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_for_ever(argv[2]);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/backup/copy", test_a_copy_is_a_state_folder);
	g_test_add_func("/backup/refused", test_what_cannot_be_copied_leaves_nothing);
	g_test_add_func("/backup/writing", test_a_job_that_writes_is_copied_as_far_as_it_was);
	g_test_add_func("/upkeep/retention", test_what_is_older_than_the_retention_goes);
	g_test_add_func("/service/status", test_the_status_counts_slots);
	return g_test_run();
}
