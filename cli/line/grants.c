/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/grants.h"

#include "cli/common/turns.h"
#include "core/base/path.h"
#include "core/store/journal.h"

/* A file that is there at once: it has nothing in it, and what is lost with the power was of no use any more. */
static bool
grant(void *self, const char *job, const char *turn, unsigned number, GError **error)
{
	const char *state_dir = self;
	g_autofree char *dir = rescue_journal_make_job_dir(state_dir, job, error);
	g_autofree char *path = dir != NULL ? rescue_turns_path(dir, turn, number) : NULL;

	if (dir != NULL && rescue_path_put(path, "", 0, 0600, error))
		return true;
	g_prefix_error(error, "its turn cannot be given: ");
	return false;
}

const RescueGrantPort rescue_line_grant_port = {
	.grant = grant,
};
