/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/upkeep.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/common/history.h"
#include "cli/line/ops/deliver.h"
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/process/process.h"
#include "core/store/outbox.h"

#define DAY_S  (INT64_C(24) * 3600)
#define LOWEST 19
#define STAMP  "upkeep"
#define LOOK_S 3600

struct RescueUpkeep {
	char **command;
	char *state_dir;
	RescueCourierLog log;
	void *data;
	RescueProcess *child;
	guint hourly; /* source */
};

static char *
stamp_path(const char *state_dir)
{
	return g_build_filename(state_dir, "line", STAMP, NULL);
}

bool
rescue_upkeep_is_due(const char *state_dir, int64_t wall_us)
{
	g_autofree char *path = stamp_path(state_dir);
	struct stat status;
	int64_t age_s;

	if (stat(path, &status) != 0)
		return true;
	age_s = wall_us / G_USEC_PER_SEC - (int64_t)status.st_mtim.tv_sec;
	return age_s < 0 || age_s >= DAY_S; /* from the future: the clock was set */
}

bool
rescue_upkeep(const char *state_dir, int64_t retention_ms, unsigned *ret_forgotten, GError **error)
{
	int64_t now_us = rescue_clock_wall_us(rescue_clock_system());
	g_autofree char *outbox = rescue_outbox_dir(state_dir);
	g_autofree char *stamp = stamp_path(state_dir);
	RescueForgetCount count = { 0 };
	const RescueForget what = { .older = true, .before_us = now_us - retention_ms * 1000 };
	bool done = true;

	(void)setpriority(PRIO_PROCESS, 0, LOWEST); /* restores come first; without it, too */
	rescue_outbox_expire(outbox, now_us / 1000 - MAX(retention_ms, RESCUE_UPKEEP_OUTBOX_MS));
	if (retention_ms > 0)
		done = rescue_history_forget(state_dir, &what, NULL, NULL, &count, error);
	*ret_forgotten = count.forgotten;
	/* also when something could not be deleted: that is said once a day, not all the time */
	return rescue_path_write(stamp, "", 0, 0600, done ? error : NULL) && done;
}

/* the daemon's side */

static void
say(const RescueUpkeep *upkeep, const char *sentence)
{
	if (upkeep->log != NULL)
		upkeep->log(sentence, upkeep->data);
}

static void
on_child_exit(int status, int signal, void *data)
{
	RescueUpkeep *upkeep = data;

	if (status != 0) {
		g_autofree char *errors = g_strdup(rescue_process_stderr(upkeep->child));
		g_autofree char *what =
		    g_strdup_printf("upkeep ended with status %d, signal %d: %s", status, signal,
				    g_strstrip(errors));
		say(upkeep, what);
	}
	g_clear_pointer(&upkeep->child, rescue_process_free);
}

static gboolean
on_hour(gpointer data)
{
	RescueUpkeep *upkeep = data;
	const RescueProcessSpec spec = { .argv = (const char *const *)upkeep->command,
					 .inherit_fd = -1,
					 .on_exit = on_child_exit,
					 .data = upkeep };
	g_autoptr(GError) error = NULL;

	if (upkeep->child != NULL ||
	    !rescue_upkeep_is_due(upkeep->state_dir, rescue_clock_wall_us(rescue_clock_system())))
		return G_SOURCE_CONTINUE;
	upkeep->child = rescue_process_start(&spec, &error);
	if (upkeep->child == NULL)
		say(upkeep, error->message);
	return G_SOURCE_CONTINUE;
}

RescueUpkeep *
rescue_upkeep_new(const RescueUpkeepSpec *spec)
{
	RescueUpkeep *upkeep = g_new(RescueUpkeep, 1);

	*upkeep = (RescueUpkeep){ .command = g_strdupv((char **)spec->command),
				  .state_dir = g_strdup(spec->state_dir),
				  .log = spec->log,
				  .data = spec->data };
	upkeep->hourly = g_timeout_add_seconds(LOOK_S, on_hour, upkeep);
	(void)on_hour(upkeep);
	return upkeep;
}

void
rescue_upkeep_free(RescueUpkeep *upkeep)
{
	if (upkeep == NULL)
		return;
	g_source_remove(upkeep->hourly);
	rescue_process_free(upkeep->child);
	g_strfreev(upkeep->command);
	g_free(upkeep->state_dir);
	g_free(upkeep);
}
