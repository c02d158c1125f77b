/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/ticket.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/path.h"

#define FOLDER     "tickets"
#define FILE_MODE  0600u
#define MAX_BUILD  16u
#define BUILD_CHAR "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* "19E241-20261122T100400.123Z.json"; the build comes from a manifest that nobody vouches for */
static char *
file_name(const RescueSigningAnswer *answer, int64_t wall_us)
{
	g_autofree char *time = rescue_clock_format(wall_us);
	g_autofree char *build = g_strndup(answer->build != NULL ? answer->build : "unknown",
					   MAX_BUILD);
	g_auto(GStrv) parts = g_strsplit_set(time, "-:", -1);
	g_autofree char *compact = g_strjoinv("", parts);

	g_strcanon(build, BUILD_CHAR, '_');
	return g_strdup_printf("%s-%s.json", build, compact);
}

bool
rescue_ticket_save(const char *state_dir, const RescueSigningAnswer *answer, int64_t wall_us,
		   char **ret_path, GError **error)
{
	char ecid[RESCUE_ECID_TEXT];
	g_autofree char *dir = g_build_filename(state_dir, FOLDER,
						rescue_ecid_format(answer->ecid, ecid), NULL);
	g_autofree char *name = file_name(answer, wall_us);
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *time = rescue_clock_format(wall_us);
	g_autoptr(RescueJson) json = NULL;
	g_autofree char *text = NULL, *line = NULL;

	if (answer->ticket == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "there is no ticket to be kept");
		return false;
	}
	json = rescue_signing_answer_to_json(answer, true);
	rescue_json_set_string(json, "saved", time);
	text = rescue_json_dump(json);
	line = g_strconcat(text, "\n", NULL);
	if (!rescue_path_make_dir(dir, error) ||
	    !rescue_path_write(path, line, strlen(line), FILE_MODE, error))
		return false;
	*ret_path = g_steal_pointer(&path);
	return true;
}
