/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/history.h"

#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/store/index.h"
#include "core/store/journal.h"
#include "core/store/remove.h"
#include "transport/devices/learned.h"

/* a folder without a journal may be of a job that is just beginning */
#define BEGINNING_S 60

typedef struct {
	const char *state_dir;
	const RescueForget *what;
	GHashTable *jobs;     /* name → RescueJournalSummary, of the index */
	GHashTable *devices;  /* RescueEcid, boxed: of jobs that were forgotten */
	GHashTable *retained; /* RescueEcid, boxed: of jobs that are still there */
	RescueForgotten told;
	void *data;
	RescueForgetCount count;
} Forgetting;

static void
free_summary(gpointer summary)
{
	rescue_journal_summary_free(summary);
}

static void
add_ecid(GHashTable *set, RescueEcid ecid)
{
	RescueEcid *boxed = g_new(RescueEcid, 1);

	*boxed = ecid;
	g_hash_table_add(set, boxed);
}

static void
read_index(Forgetting *forgetting)
{
	g_autoptr(RescueIndex) index = rescue_index_open(forgetting->state_dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	for (guint i = 0; i < jobs->len; i++) {
		RescueJournalSummary *job = jobs->pdata[i];
		g_hash_table_insert(forgetting->jobs, g_strdup(job->job), job);
	}
	g_ptr_array_set_free_func(jobs, NULL); /* they have moved */
}

static bool
is_meant(const RescueForget *what, const RescueJournalSummary *job)
{
	if (job == NULL)
		return what->with_leftovers;
	return (what->ecid == 0 || job->ecid == what->ecid) &&
	       (!what->older || rescue_history_is_older(job, what->before_us));
}

static bool
is_beginning(const char *state_dir, const char *job)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, NULL);
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;
	int64_t now_s = rescue_clock_wall_us(rescue_clock_system()) / G_USEC_PER_SEC;
	struct stat status;

	return path != NULL && !g_file_test(path, G_FILE_TEST_EXISTS) && stat(dir, &status) == 0 &&
	       ABS(now_s - (int64_t)status.st_mtime) < BEGINNING_S;
}

static bool
is_running(const Forgetting *forgetting, const char *name, const RescueJournalSummary *job)
{
	g_autofree char *path = NULL;

	if (job != NULL)
		return rescue_history_is_running(forgetting->state_dir, job);
	path = rescue_journal_path(forgetting->state_dir, name, NULL);
	return (path != NULL && rescue_journal_is_open(path)) ||
	       is_beginning(forgetting->state_dir, name);
}

/* the first error is the one to tell; the others are tried all the same */
static void
forget_job(Forgetting *forgetting, const char *name, GError **error)
{
	const RescueJournalSummary *job = g_hash_table_lookup(forgetting->jobs, name);
	g_autoptr(GError) failed = NULL;
	const char *kept = NULL;

	if (is_running(forgetting, name, job)) {
		kept = "running";
		forgetting->count.running++;
	} else if (!rescue_store_remove_job(forgetting->state_dir, name, &failed)) {
		kept = failed->message;
	} else {
		forgetting->count.forgotten++;
		if (job != NULL && job->ecid != 0)
			add_ecid(forgetting->devices, job->ecid);
		g_hash_table_remove(forgetting->jobs, name);
	}
	if (forgetting->told != NULL)
		forgetting->told(name, kept, forgetting->data);
	if (failed != NULL && error != NULL && *error == NULL)
		g_propagate_error(error, g_steal_pointer(&failed));
}

static void
forget_jobs(Forgetting *forgetting, GError **error)
{
	g_auto(GStrv) all = rescue_journal_list_jobs(forgetting->state_dir);
	char *const *named = forgetting->what->jobs;

	for (size_t i = 0; named != NULL && named[i] != NULL; i++)
		forget_job(forgetting, named[i], error);
	for (size_t i = 0; named == NULL && all[i] != NULL; i++) {
		if (is_meant(forgetting->what, g_hash_table_lookup(forgetting->jobs, all[i])))
			forget_job(forgetting, all[i], error);
	}
}

static bool
is_kept(RescueEcid ecid, const void *data)
{
	const Forgetting *forgetting = data;

	if (g_hash_table_contains(forgetting->retained, &ecid))
		return true;
	return !forgetting->what->with_leftovers &&
	       !g_hash_table_contains(forgetting->devices, &ecid);
}

static bool
forget_tickets(const Forgetting *forgetting, GError **error)
{
	GHashTableIter iter;
	gpointer ecid;

	if (forgetting->what->with_leftovers && g_hash_table_size(forgetting->retained) == 0)
		return rescue_store_remove_all_tickets(forgetting->state_dir, error);
	g_hash_table_iter_init(&iter, forgetting->devices);
	while (g_hash_table_iter_next(&iter, &ecid, NULL)) {
		RescueEcid device = *(const RescueEcid *)ecid;
		if (!is_kept(device, forgetting) &&
		    !rescue_store_remove_tickets(forgetting->state_dir, device, error))
			return false;
	}
	return true;
}

/* what is known of a device beyond its jobs goes with the last of them */
static bool
forget_devices(Forgetting *forgetting, GError **error)
{
	g_autoptr(RescueLearned) learned = rescue_learned_new(forgetting->state_dir);
	GHashTableIter iter;
	gpointer job;

	if (forgetting->what->ecid != 0)
		add_ecid(forgetting->devices, forgetting->what->ecid);
	g_hash_table_iter_init(&iter, forgetting->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &job))
		add_ecid(forgetting->retained, ((const RescueJournalSummary *)job)->ecid);
	return rescue_learned_forget(learned, is_kept, forgetting, error) &&
	       forget_tickets(forgetting, error);
}

/* an index that cannot be brought up to date now would still name what is forgotten */
static void
forget_rows(const char *state_dir)
{
	g_autoptr(RescueIndex) index = rescue_index_open(state_dir);

	if (rescue_index_trouble(index) != NULL)
		(void)rescue_index_remove(state_dir);
}

static bool
forget_all(Forgetting *forgetting, GError **error)
{
	GError *failed = NULL;

	read_index(forgetting);
	forget_jobs(forgetting, &failed);
	if (failed == NULL)
		(void)forget_devices(forgetting, &failed);
	forget_rows(forgetting->state_dir);
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

bool
rescue_history_forget(const char *state_dir, const RescueForget *what, RescueForgotten told,
		      void *data, RescueForgetCount *ret_count, GError **error)
{
	Forgetting forgetting = {
		.state_dir = state_dir, .what = what, .told = told, .data = data
	};
	bool done;

	for (size_t i = 0; what->jobs != NULL && what->jobs[i] != NULL; i++) {
		if (!rescue_history_check_job(state_dir, what->jobs[i], error))
			return false;
	}
	forgetting.jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_summary);
	forgetting.devices = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	forgetting.retained = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	done = forget_all(&forgetting, error);
	*ret_count = forgetting.count;
	g_hash_table_unref(forgetting.jobs);
	g_hash_table_unref(forgetting.devices);
	g_hash_table_unref(forgetting.retained);
	return done;
}
