/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/client.h"

#include <string.h>

#include "cli/common/output.h"
#include "cli/line/client/ask.h"
#include "cli/line/client/screen.h"
#include "cli/line/client/watch.h"
#include "core/base/clock.h"
#include "core/base/error.h"

static const struct {
	const char *word, *usage;
	bool with_label, with_text;
	const char *done; /* what is said then: with the label and the text */
} acts[] = {
	{ "hold", "hold LABEL", true, false, "%s is put aside%s" },
	{ "release", "release LABEL", true, false, "%s: the rules are asked again%s" },
	{ "retest", "retest LABEL", true, false, "%s is tried once more%s" },
	{ "answer", "answer LABEL", true, false, "%s: told its job that it is done%s" },
	{ "scan", "scan LABEL NUMBER", true, true, "%s: number %s" },
	{ "label", "label LABEL NEW-LABEL", true, true, "%s is called %s from now on" },
	{ "reload", "reload", false, false, "%sstation file and rules were read again%s" },
};

static size_t
find_act(const char *word)
{
	size_t i = 0;

	while (i < G_N_ELEMENTS(acts) && strcmp(acts[i].word, word) != 0)
		i++;
	return i;
}

static char *
path_of(size_t act, const char *label)
{
	g_autofree char *segment = label != NULL ? g_uri_escape_string(label, NULL, FALSE) : NULL;

	return segment != NULL ? g_strdup_printf("/api/v1/slots/%s/%s", segment, acts[act].word)
			       : g_strdup_printf("/api/v1/%s", acts[act].word);
}

static char *
body_of(const char *text)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();

	rescue_json_set_string(json, "text", text);
	return rescue_json_dump(json);
}

static int
tell_done(const RescueCli *cli, const char *format, const char *label, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(format, "%s", 3);

	rescue_say(cli, "%s%s%s%s%s", parts[0], label != NULL ? label : "", parts[1],
		   text != NULL ? text : "", parts[2]);
	return RESCUE_EXIT_FINE;
}

int
rescue_line_act(const RescueCli *cli, const char *word, char *const *arguments)
{
	size_t act = find_act(word), n = g_strv_length((char **)arguments);
	g_return_val_if_fail(act < G_N_ELEMENTS(acts), RESCUE_EXIT_FINE);
	size_t wanted = (size_t)acts[act].with_label + (size_t)acts[act].with_text;
	g_autofree char *socket = rescue_line_socket(cli->state_dir);
	const char *label = acts[act].with_label ? arguments[0] : NULL;
	const char *text = acts[act].with_text && n == wanted ? arguments[1] : NULL;
	GError *error = NULL;

	if (n != wanted)
		return rescue_fail_usage(cli, "say: line %s", acts[act].usage);
	if (label != NULL && *label == '\0')
		return rescue_fail_usage(cli, "no port has an empty label");
	g_autofree char *path = path_of(act, label);
	g_autofree char *body = text != NULL ? body_of(text) : g_strdup("{}");
	g_autofree char *answer =
	    rescue_line_ask(&(RescueLineRequest){ socket, "POST", path, body }, &error);
	if (answer == NULL) {
		/* a file that is not in order does not become so by waiting */
		if (label == NULL && g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BUSY))
			error->code = RESCUE_ERROR_BAD_INPUT;
		return rescue_fail(cli, error);
	}
	if (cli->json)
		return rescue_print(answer) && rescue_print("\n") ? RESCUE_EXIT_FINE : 1;
	return tell_done(cli, acts[act].done, label, text);
}

int
rescue_line_status(const RescueCli *cli, bool watch)
{
	g_autofree char *socket = rescue_line_socket(cli->state_dir);
	const RescueLineRequest request = { socket, "GET", "/api/v1/station", NULL };
	g_autoptr(RescueJson) station = NULL;
	g_autofree char *text = NULL;
	GError *error = NULL;

	if (watch)
		return rescue_line_watch(cli, socket);
	station = rescue_line_ask_json(&request, &error);
	if (station == NULL)
		return rescue_fail(cli, error);
	if (cli->json)
		return rescue_print_json(station) ? RESCUE_EXIT_FINE : 1;
	text = rescue_screen_plain(station, rescue_clock_wall_us(rescue_clock_system()));
	return rescue_print_prose(text) ? RESCUE_EXIT_FINE : 1;
}
