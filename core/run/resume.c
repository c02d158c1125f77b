/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/resume.h"

#include "core/base/text.h"
#include "core/model/phase.h"
#include "core/remedy/remedy.h"

/* While it is being read: the failure that the next remedies answer. */
typedef struct {
	RescueStory *story;
	RescueTried open; /* what is tried now */
	bool failed;      /* `open` names a failure */
} Reader;

static bool
says(const RescueJson *event, const char *key, const char *word)
{
	return g_strcmp0(rescue_json_get_string(event, key), word) == 0;
}

/* Each supervisor says it again, with the time that was spent before it. */
static void
read_job(Reader *reader, const RescueJson *event)
{
	RescueStory *story = reader->story;
	const char *file = rescue_json_get_string(event, "ipsw");

	rescue_set_string(&story->wish,
			  file != NULL ? file : rescue_json_get_string(event, "want"));
	rescue_set_string(&story->behavior, rescue_json_get_string(event, "behavior"));
	rescue_moment_read(event, &story->supervised);
	story->spent_ms = MAX(rescue_json_get_int_or(event, "spent_ms", 0), 0);
}

/* the image, and what can only come after it */
static bool
is_beyond_erase(RescuePhase phase)
{
	return phase == RESCUE_PHASE_FILESYSTEM || phase == RESCUE_PHASE_VERIFY_FILESYSTEM ||
	       phase == RESCUE_PHASE_NOR || phase == RESCUE_PHASE_FINISH ||
	       phase == RESCUE_PHASE_CONFIRM;
}

static void
read_step(Reader *reader, const RescueJson *event)
{
	RescueResume *resume = &reader->story->resume;
	const char *word = rescue_json_get_string(event, "phase");
	RescuePhase phase;

	if (word == NULL || !rescue_phase_parse(word, &phase))
		return;
	resume->reached_restore |= phase >= RESCUE_PHASE_HANDSHAKE && phase <= RESCUE_PHASE_FINISH;
	resume->erased |= is_beyond_erase(phase) &&
			  g_strcmp0(reader->story->behavior, "erase") == 0;
}

static void
read_engine(Reader *reader, const RescueJson *event)
{
	RescueStory *story = reader->story;

	rescue_engine_run_clear(&story->engine);
	story->engine.pid = (pid_t)rescue_json_get_int_or(event, "pid", 0);
	story->engine.start_time = (uint64_t)rescue_json_get_int_or(event, "start_time", 0);
	story->engine.transcript = g_strdup(rescue_json_get_string(event, "transcript"));
	story->engine.version = g_strdup(rescue_json_get_string(event, "version"));
	story->resume.attempts = (unsigned)CLAMP(rescue_json_get_int_or(event, "attempt", 0),
						 (int64_t)story->resume.attempts, G_MAXINT);
	story->answered = false;
}

static void
read_attempt(Reader *reader, const RescueJson *event)
{
	RescueStory *story = reader->story;

	if (!says(event, "outcome", "not-run"))
		return;
	story->answered = true; /* it has used up nothing */
	story->resume.attempts -= MIN(story->resume.attempts, 1);
}

static void
read_failure(Reader *reader, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "failure");
	const char *phase = rescue_json_get_string(event, "phase");

	reader->failed = name != NULL && phase != NULL &&
			 rescue_failure_parse(name, &reader->open.failure) &&
			 rescue_phase_parse(phase, &reader->open.phase);
}

/* a remedy that was not carried out to its end does not count */
static void
read_remedy(Reader *reader, const RescueJson *event)
{
	const char *name = rescue_json_get_string(event, "name");
	RescueTried tried = reader->open;

	if (rescue_json_get_string(event, "outcome") == NULL || name == NULL)
		return;
	tried.took_effect = says(event, "outcome", "took-effect");
	reader->story->answered |= tried.took_effect;
	if (reader->failed && rescue_remedy_parse(name, &tried.remedy))
		g_array_append_val(reader->story->tried, tried);
}

static void
read_done(Reader *reader, const RescueJson *event)
{
	reader->story->done = rescue_json_get_string(event, "outcome") != NULL;
}

static const struct {
	const char *event;
	void (*read)(Reader *reader, const RescueJson *event);
} readers[] = {
	{ "job", read_job },         { "step", read_step },       { "engine", read_engine },
	{ "attempt", read_attempt }, { "failure", read_failure }, { "remedy", read_remedy },
	{ "done", read_done },
};

static void
read_stamp(RescueStory *story, const RescueJson *event)
{
	const char *ecid = rescue_json_get_string(event, "ecid");

	if (story->job == NULL)
		story->job = g_strdup(rescue_json_get_string(event, "job"));
	if (ecid != NULL)
		(void)rescue_ecid_parse(ecid, &story->ecid, NULL); /* stays as it was */
	story->resume.seq = MAX(story->resume.seq,
				(uint64_t)MAX(rescue_json_get_int_or(event, "seq", 0), 0));
}

RescueStory *
rescue_story_read(const GPtrArray *events)
{
	RescueStory *story = g_new0(RescueStory, 1);
	Reader reader = { .story = story };

	story->tried = g_array_new(FALSE, FALSE, sizeof(RescueTried));
	for (guint i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		read_stamp(story, event);
		for (size_t r = 0; r < G_N_ELEMENTS(readers); r++)
			if (says(event, "event", readers[r].event))
				readers[r].read(&reader, event);
	}
	story->resume.tried = story->tried;
	return story;
}

void
rescue_story_free(RescueStory *story)
{
	if (story == NULL)
		return;
	g_free(story->job);
	g_free(story->wish);
	g_free(story->behavior);
	rescue_engine_run_clear(&story->engine);
	g_array_unref(story->tried);
	g_free(story);
}

static bool
wishes_the_same(const RescueStory *story, const RescueJob *job)
{
	g_autofree char *want = job->ipsw != NULL ? g_strdup(job->ipsw)
						  : rescue_wish_describe(&job->wish);

	return g_strcmp0(story->wish, want) == 0 &&
	       g_strcmp0(story->behavior, rescue_behavior_name(job->behavior)) == 0;
}

bool
rescue_story_is_of(RescueStory *story, const RescueJob *job, const RescueMoment *now)
{
	int64_t spent_ms = story->spent_ms + rescue_moment_since_ms(&story->supervised, now);

	if (story->done || story->ecid != job->ecid || !wishes_the_same(story, job) ||
	    spent_ms >= job->policy->deadline_ms)
		return false;
	story->resume.spent_ms = spent_ms;
	/* a copy of the pointers: the story stays the owner */
	story->resume.engine = story->answered ? (RescueEngineRun){ .pid = 0 } : story->engine;
	return true;
}

bool
rescue_story_goes_on(RescueStory *story, const RescueJob *job, const RescueMoment *now)
{
	return story->resume.attempts > 0 && rescue_story_is_of(story, job, now);
}
