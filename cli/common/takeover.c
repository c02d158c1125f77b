/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/takeover.h"

#include "core/process/lock.h"
#include "core/process/process.h"
#include "core/store/journal.h"

static RescueStory *
read_story(const char *state_dir, const char *job)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, NULL);
	g_autoptr(GPtrArray) events = path != NULL ? rescue_journal_read(path, NULL, NULL) : NULL;

	return events != NULL && events->len > 0 ? rescue_story_read(events) : NULL;
}

/* When the job began, by the first event of its journal; false when it is another device's. */
static bool
read_beginning(const char *state_dir, const char *job, RescueEcid ecid, RescueMoment *ret_begun)
{
	g_autofree char *path = rescue_journal_path(state_dir, job, NULL);
	g_autoptr(RescueJson) first = path != NULL ? rescue_journal_read_first(path) : NULL;
	const char *word = first != NULL ? rescue_json_get_string(first, "ecid") : NULL;
	RescueEcid whose = 0;

	if (word == NULL || !rescue_ecid_parse(word, &whose, NULL) || whose != ecid)
		return false;
	rescue_moment_read(first, ret_begun);
	return true;
}

/* Names of jobs begin with the wall time of their making, which may have been set back or forth since. */
static RescueStory *
read_newest_story(const char *state_dir, RescueEcid ecid, const RescueMoment *now)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(state_dir);
	const char *newest = NULL;
	RescueMoment best = { .boot_ms = 0 };

	for (char **name = jobs; *name != NULL; name++) {
		RescueMoment begun;
		if (!read_beginning(state_dir, *name, ecid, &begun) ||
		    (newest != NULL && rescue_moment_compare(&begun, &best, now) <= 0))
			continue;
		newest = *name;
		best = begun;
	}
	return newest != NULL ? read_story(state_dir, newest) : NULL;
}

/* The job whose supervisor died while its engine went on. */
static RescueStory *
read_orphans_story(const char *state_dir, const RescueLockHolder *holder)
{
	g_autoptr(RescueStory) story = NULL;

	if (!holder->orphan || holder->job == NULL)
		return NULL;
	story = read_story(state_dir, holder->job);
	if (story == NULL)
		return NULL;
	bool is_its_engine = story->engine.pid == holder->engine_pid &&
			     story->engine.start_time == holder->engine_start_time;
	return is_its_engine ||
		       !rescue_process_is_alive(holder->engine_pid, holder->engine_start_time)
		   ? g_steal_pointer(&story)
		   : NULL;
}

RescueStory *
rescue_takeover_find(const char *state_dir, const RescueJob *job, const RescueMoment *now)
{
	g_auto(RescueLockHolder) holder = { 0 };
	g_autoptr(RescueStory) story = NULL;

	if (job->dry_run)
		return NULL;
	story = rescue_lock_who(job->ecid, &holder) ? read_orphans_story(state_dir, &holder)
						    : read_newest_story(state_dir, job->ecid, now);
	return story != NULL && rescue_story_goes_on(story, job, now) ? g_steal_pointer(&story)
								      : NULL;
}

RescueStory *
rescue_takeover_read(const char *state_dir, const RescueJob *job, const RescueMoment *now,
		     bool *ret_there)
{
	g_autoptr(RescueStory) story = read_story(state_dir, job->id);

	*ret_there = story != NULL;
	return story != NULL && rescue_story_is_of(story, job, now) ? g_steal_pointer(&story)
								    : NULL;
}
