/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/show.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/line/snapshot.h"
#include "core/store/index.h"
#include "core/store/journal.h"

#define MAX_REPORTS 50u
#define MAX_CHANGED 256u
#define DAY_US      (INT64_C(86400) * G_USEC_PER_SEC)

struct RescueLineShow {
	RescueLineShowSpec spec;
	char *name;
	int64_t epoch_us; /* wall time of the monotonic clock's 0, when the daemon began */
	RescueTally *tally;
	GPtrArray *reports;  /* char *, newest last */
	GHashTable *changed; /* ECIDs as text, since watchers were told last */
	bool all_changed;
	GHashTable
	    *told; /* jobs that were followed and told again at the start; NULL: it is over */
};

RescueLineShow *
rescue_line_show_new(const RescueLineShowSpec *spec)
{
	const RescueClock *clock = rescue_clock_system();
	RescueLineShow *show = g_new(RescueLineShow, 1);

	*show = (RescueLineShow){
		.spec = *spec,
		.name = g_strdup(spec->name),
		.epoch_us = rescue_clock_wall_us(clock) - rescue_clock_monotonic_us(clock),
		.tally = rescue_tally_new(),
		.reports = g_ptr_array_new_with_free_func(g_free),
		.changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	return show;
}

void
rescue_line_show_free(RescueLineShow *show)
{
	if (show == NULL)
		return;
	rescue_tally_free(show->tally);
	g_ptr_array_unref(show->reports);
	g_hash_table_unref(show->changed);
	g_clear_pointer(&show->told, g_hash_table_unref);
	g_free(show->name);
	g_free(show);
}

void
rescue_line_show_rename(RescueLineShow *show, const char *name)
{
	rescue_set_string(&show->name, name);
	rescue_line_show_touch(show, NULL);
}

void
rescue_line_show_touch(RescueLineShow *show, const char *ecid)
{
	if (ecid == NULL || g_hash_table_size(show->changed) >= MAX_CHANGED)
		show->all_changed = true; /* nobody watches, or all is new */
	else if (!show->all_changed && !g_hash_table_contains(show->changed, ecid))
		(void)g_hash_table_add(show->changed, g_strdup(ecid));
}

void
rescue_line_show_count(RescueLineShow *show, const RescueJson *event)
{
	const char *job = rescue_json_get_string(event, "job");

	rescue_tally_add(show->tally, event);
	rescue_line_show_touch(show, rescue_json_get_string(event, "ecid"));
	if (show->told != NULL && job != NULL && !g_hash_table_contains(show->told, job))
		(void)g_hash_table_add(show->told, g_strdup(job));
}

static void
recall_job(RescueLineShow *show, const char *job)
{
	g_autofree char *path = rescue_journal_path(show->spec.cli->state_dir, job, NULL);
	g_autoptr(GPtrArray) events = path != NULL ? rescue_journal_read(path, NULL, NULL) : NULL;

	for (unsigned i = 0; events != NULL && i < events->len; i++)
		rescue_tally_add(show->tally, events->pdata[i]);
}

/* Names of jobs begin with the time of their making, so what is older is not even opened. */
void
rescue_line_show_recall(RescueLineShow *show)
{
	int64_t since_us = rescue_clock_wall_us(rescue_clock_system()) - DAY_US;
	g_autofree char *oldest = rescue_job_make_id(since_us, 0);
	g_auto(GStrv) jobs = rescue_journal_list_jobs(show->spec.cli->state_dir);

	for (char **job = jobs; *job != NULL && strcmp(*job, oldest) >= 0; job++) {
		if (!g_hash_table_contains(show->told, *job))
			recall_job(show, *job);
	}
	g_clear_pointer(&show->told, g_hash_table_unref);
	/* after months the index takes seconds to make; later nobody may keep the line waiting for that */
	rescue_index_free(rescue_index_open(show->spec.cli->state_dir));
}

void
rescue_line_show_report(RescueLineShow *show, const char *text)
{
	if (show->reports->len >= MAX_REPORTS)
		g_ptr_array_remove_index(show->reports, 0);
	g_ptr_array_add(show->reports, g_strdup(text));
}

/* the view */

static RescueJson *
snapshot(void *self, const RescueJson *before)
{
	RescueLineShow *show = self;
	const RescueSnapshotFacts facts = {
		.station = rescue_supervisor_station(show->spec.supervisor),
		.name = show->name,
		.now_us = rescue_clock_monotonic_us(rescue_clock_system()),
		.epoch_us = show->epoch_us,
		.turns = rescue_supervisor_turns(show->spec.supervisor),
		.tally = show->tally,
		.reports = show->reports,
		.before = before,
		.changed = show->all_changed ? NULL : show->changed,
	};
	RescueJson *json = rescue_snapshot_new(&facts);

	g_hash_table_remove_all(show->changed);
	show->all_changed = false;
	return json;
}

static const RescueTally *
tally(void *self)
{
	const RescueLineShow *show = self;

	return show->tally;
}

static bool
act(void *self, const RescueLineAction *action, GError **error)
{
	static const char *const words[RESCUE_LINE_ACTION_LAST] = {
		[RESCUE_LINE_HOLD] = "hold",     [RESCUE_LINE_RELEASE] = "release",
		[RESCUE_LINE_RETEST] = "retest", [RESCUE_LINE_SCAN] = "scan",
		[RESCUE_LINE_LABEL] = "label",   [RESCUE_LINE_ANSWER] = "answer",
	};
	RescueLineShow *show = self;
	RescueSupervisorAct wanted = { .label = action->label,
				       .text = action->text,
				       .who = action->who };
	bool fine;

	if (action->kind == RESCUE_LINE_RELOAD)
		return show->spec.reload(show->spec.data, error);
	g_return_val_if_fail(action->kind < RESCUE_LINE_ACTION_LAST, false);
	wanted.action = words[action->kind];
	fine = rescue_supervisor_act(show->spec.supervisor, &wanted, error);
	rescue_line_show_touch(show, NULL);
	show->spec.acted(show->spec.data);
	return fine;
}

const RescueLineView rescue_line_show_view = {
	.snapshot = snapshot,
	.tally = tally,
	.act = act,
};
