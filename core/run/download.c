/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

/* A job that names no file: which firmware is wished for, and how it becomes a file. */

#define MS            1000  /* microseconds */
#define SPARE_MS      15000 /* the download ends by itself before its patience is over here */
#define PROGRESS_STEP 0.005
#define PROGRESS_US   (G_USEC_PER_SEC / 2)
#define MOST_REFUSED  3u /* each costs a download */

/* What was told last. */
typedef struct {
	double fraction;
	int64_t told_us;
	char *trouble; /* what was in the way last; NULL: nothing since the last byte */
	uint64_t bytes;
} Told;

static void
told_clear(Told *told)
{
	g_free(told->trouble);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static bool
choose_release(RescueRun *run, GError **error)
{
	const RescuePorts *ports = run->ports;
	const char *product = run->device->product;
	g_autoptr(GPtrArray) releases = NULL;
	const RescueRelease *release;

	if (product == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
			    "the device does not tell its model, so its firmware cannot be chosen; "
			    "name a file with --ipsw");
		return false;
	}
	releases = ports->catalogue->list(ports->catalogue_self, product, error);
	if (releases == NULL)
		return false;
	release = run->refused->len == 0
		      ? rescue_release_choose(releases, &run->job->wish)
		      : rescue_release_choose_next(releases, &run->job->wish, run->refused);
	if (release == NULL) {
		g_autofree char *why = rescue_release_explain_none(releases, product,
								   &run->job->wish);
		g_set_error_literal(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_LISTED, why);
		return false;
	}
	rescue_release_free(run->release);
	run->release = rescue_release_copy(release);
	rescue_run_say(run, rescue_event_firmware(release));
	return true;
}

static void
tell(RescueRun *run, RescuePhase phase, Told *told, const RescueObservation *seen)
{
	double fraction = seen->total > 0 ? (double)seen->bytes / (double)seen->total : -1;
	int64_t now_us = rescue_run_now_us(run);

	if (seen->line != NULL) {
		rescue_set_string(&told->trouble, seen->line);
		rescue_run_say(run, rescue_event_note(phase, seen->line));
		return;
	}
	if (seen->bytes > told->bytes)
		g_clear_pointer(&told->trouble, g_free);
	told->bytes = seen->bytes;
	if (fraction < 1 && fraction - told->fraction < PROGRESS_STEP &&
	    now_us - told->told_us < PROGRESS_US)
		return;
	told->fraction = fraction;
	told->told_us = now_us;
	rescue_run_say(run, rescue_event_progress(phase, fraction, seen->bytes, seen->total));
}

/* what stood in the way of the try before this one; DEADLINE: nothing did */
static RescueFailure
earlier_failure(const RescueRun *run)
{
	const RescueTried *last = run->tried->len > 0
				      ? &g_array_index(run->tried, RescueTried, run->tried->len - 1)
				      : NULL;

	return last != NULL && last->phase == RESCUE_PHASE_DOWNLOAD ? last->failure
								    : RESCUE_FAILURE_DEADLINE;
}

static char *
give_up(RescueRun *run, const RescueFollow *what, const Told *told, GError **error)
{
	what->end(what->self);
	if (run->stops > 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED, "stopped; %s", what->kept);
	else if (told->trouble != NULL)
		g_set_error(error, RESCUE_ERROR, (int)what->silence,
			    "there is no time left for this: %s", told->trouble);
	else if (rescue_run_ms_left(run) <= 0)
		g_set_error(error, RESCUE_ERROR, (int)earlier_failure(run),
			    "the time for the whole job ended during %s", what->what);
	else
		g_set_error(error, RESCUE_ERROR, (int)what->silence,
			    "%s does not tell anything any more", what->what);
	return NULL;
}

/* the job goes on with the file as if it had been named */
static void
take_file(RescueRun *run, const char *path)
{
	rescue_set_string(&run->fetched_path, path);
	rescue_run_own_job(run)->ipsw = run->fetched_path;
	run->proven = false;
}

/* Any word of the download is a sign of life; its bytes are watched by the download itself. */
char *
rescue_run_follow(RescueRun *run, const RescueFollow *what, GError **error)
{
	int64_t patience_ms = run->job->policy->patience_ms[what->phase] + SPARE_MS;
	int64_t heard_us = rescue_run_now_us(run);
	g_auto(Told) told = { .fraction = -1 };

	for (;;) {
		int64_t left_ms = MIN(patience_ms, rescue_run_ms_left(run));
		int64_t until_us = MIN(heard_us + patience_ms * MS,
				       rescue_run_now_us(run) + MAX(left_ms, 0) * MS);
		g_autoptr(RescueObservation) seen = rescue_run_next(run, until_us);
		if (run->stops > 0 || seen == NULL)
			return give_up(run, what, &told, error);
		if (seen->kind != RESCUE_OBSERVED_FETCH)
			continue;
		heard_us = rescue_run_now_us(run);
		if (seen->error != NULL) {
			g_propagate_error(error, g_steal_pointer(&seen->error));
			return NULL;
		}
		if (seen->path != NULL) {
			if (what->ret_bytes != NULL)
				*what->ret_bytes = seen->bytes;
			return g_steal_pointer(&seen->path);
		}
		tell(run, what->phase, &told, seen);
	}
}

static bool
fetch(RescueRun *run, bool distrust, GError **error)
{
	const RescuePorts *ports = run->ports;
	const RescueFollow what = { .phase = RESCUE_PHASE_DOWNLOAD,
				    .what = "the download",
				    .silence = RESCUE_FAILURE_DOWNLOAD_FAILED,
				    .kept = "what has been downloaded is kept for the next time",
				    .end = ports->fetch->end,
				    .self = ports->fetch_self };
	g_autofree char *path = NULL;

	rescue_run_step(run, RESCUE_PHASE_DOWNLOAD);
	if (ports->fetch->start(ports->fetch_self, run->release, distrust, error))
		path = rescue_run_follow(run, &what, error);
	if (path != NULL)
		take_file(run, path);
	return path != NULL;
}

bool
rescue_run_download(RescueRun *run, GError **error)
{
	if (rescue_wish_is_empty(&run->job->wish) || run->fetched_path != NULL)
		return true;
	rescue_run_step(run, RESCUE_PHASE_DOWNLOAD);
	return choose_release(run, error) && rescue_run_peek(run, error) &&
	       fetch(run, false, error);
}

/* an older build for a device that keeps its data would be refused by it, or worse */
static bool
may_choose_next(const RescueRun *run)
{
	return run->job->wish.latest && run->job->behavior == RESCUE_BEHAVIOR_ERASE &&
	       run->release != NULL && run->refused->len < MOST_REFUSED &&
	       g_error_matches(run->evidence->error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_REFUSED);
}

void
rescue_run_forget_file(RescueRun *run)
{
	g_clear_pointer(&run->fetched_path, g_free);
	rescue_run_own_job(run)->ipsw = NULL;
	run->proven = run->distrusted = false;
}

bool
rescue_run_choose_next(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	g_autofree char *sentence = NULL;
	g_autoptr(GPtrArray) releases = NULL;
	const RescueRelease *next = NULL;

	if (!may_choose_next(run))
		return false;
	g_ptr_array_add(run->refused, g_strdup(run->release->build));
	releases = ports->catalogue->list(ports->catalogue_self, run->device->product, NULL);
	if (releases != NULL)
		next = rescue_release_choose_next(releases, &run->job->wish, run->refused);
	if (next == NULL)
		return false;
	sentence = g_strdup_printf("%s (%s) is not signed for this device, whatever the catalogues "
				   "say: %s (%s) takes its place",
				   run->release->version, run->release->build, next->version,
				   next->build);
	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_PERSONALIZE, sentence));
	g_clear_error(&run->evidence->error);
	rescue_run_forget_file(run);
	return true;
}

bool
rescue_run_download_again(RescueRun *run, GError **error)
{
	if (run->fetched_path == NULL || run->distrusted)
		return false;
	run->distrusted = true;
	rescue_run_say(run, rescue_event_note(RESCUE_PHASE_VERIFY_FIRMWARE,
					      "the downloaded firmware is not usable; it is "
					      "checked byte by byte, and fetched again"));
	return fetch(run, true, error);
}
