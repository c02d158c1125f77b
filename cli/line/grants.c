/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/grants.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/common/turns.h"
#include "core/base/error.h"
#include "core/store/journal.h"

/* A file that is there at once: it has nothing in it, and what is lost with the power was of no use any more. */
static bool
grant(void *self, const char *job, const char *turn, unsigned number, GError **error)
{
	const char *state_dir = self;
	g_autofree char *dir = rescue_journal_make_job_dir(state_dir, job, error);
	g_autofree char *path = dir != NULL ? rescue_turns_path(dir, turn, number) : NULL;
	g_autofree char *draft = path != NULL ? g_strconcat(path, ".new", NULL) : NULL;
	g_autoptr(GError) trouble = NULL;

	if (dir == NULL)
		return false;
	if (g_file_set_contents_full(draft, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, &trouble) &&
	    rename(draft, path) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "its turn cannot be given: %s",
		    trouble != NULL ? trouble->message : path);
	(void)unlink(draft);
	return false;
}

const RescueGrantPort rescue_line_grant_port = {
	.grant = grant,
};
