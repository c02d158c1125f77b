/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/record.h"

#include "cli/common/wrap.h"
#include "core/base/parse.h"
#include "core/model/phase.h"

#define COLUMNS 80

/* The restore record for people: a line for each member that says something. */

static const char *
text_or(const RescueJson *object, const char *key, const char *otherwise)
{
	const char *text = rescue_json_get_string(object, key);

	return text != NULL ? text : otherwise;
}

/* ", serial F2L…" when there is one */
static void
append_optional(GString *text, const char *before, const RescueJson *object, const char *key)
{
	const char *value = rescue_json_get_string(object, key);

	if (value != NULL)
		g_string_append_printf(text, "%s%s", before, value);
}

static void
append_device(GString *text, const RescueJson *record)
{
	const RescueJson *device = rescue_json_get(record, "device");

	g_string_append_printf(text, "device: %s", text_or(device, "product", "unknown model"));
	append_optional(text, ", ECID ", device, "ecid");
	append_optional(text, ", serial number ", device, "serial");
	append_optional(text, ", on port ", device, "port");
	g_string_append_printf(text, "\ncomputer: %s, idevicerescue %s\n",
			       text_or(record, "host", "unknown"),
			       text_or(record, "idevicerescue", "of an unknown version"));
}

static void
append_wish(GString *text, const RescueJson *record)
{
	const RescueJson *wish = rescue_json_get(record, "wish");
	const RescueJson *firmware = rescue_json_get(record, "firmware");

	g_string_append_printf(text, "wish: %s, with %s\n", text_or(wish, "behavior", "unknown"),
			       text_or(wish, "ipsw", text_or(wish, "want", "unknown firmware")));
	g_string_append_printf(text, "firmware: %s (%s)\n", text_or(firmware, "version", "unknown"),
			       text_or(firmware, "build", "unknown"));
	append_optional(text, "  sha256 ", firmware, "sha256");
	if (rescue_json_get_string(firmware, "sha256") != NULL)
		g_string_append_c(text, '\n');
}

static void
append_result(GString *text, const RescueJson *record)
{
	const RescueJson *result = rescue_json_get(record, "result");
	double seconds = 0;
	bool timed = rescue_json_get_real(record, "seconds", &seconds);
	g_autofree char *duration = rescue_format_duration((int64_t)(seconds * 1000));

	const char *outcome = text_or(result, "outcome", "unfinished");

	g_string_append_printf(text, "result: %s", outcome);
	if (g_strcmp0(outcome, "restored") != 0)
		append_optional(text, ", ", result, "failure");
	g_string_append_printf(text, "; data: %s\n", text_or(result, "data", "unknown"));
	g_string_append_printf(text, "time: from %s to %s%s%s%s\n",
			       text_or(record, "started", "unknown"),
			       text_or(record, "ended", "unknown"), timed ? " (" : "",
			       timed ? duration : "", timed ? ")" : "");
	if (!rescue_json_get_bool(record, "complete", false))
		g_string_append(text, "This record is not complete: the job has no end, or lines "
				      "of its journal are damaged.\n");
}

static void
append_state(GString *text, const RescueJson *record, const char *when)
{
	const RescueJson *state = rescue_json_get(record, when);

	g_string_append_printf(
	    text, "%s: %s mode, %s (%s), activation %s, Find My %s, activation lock %s\n", when,
	    text_or(state, "mode", "unknown"), text_or(state, "version", "unknown"),
	    text_or(state, "build", "unknown"), text_or(state, "activation_state", "unknown"),
	    text_or(state, "find_my", "unknown"), text_or(state, "activation_lock", "unknown"));
	if (rescue_json_get_string(state, "why") != NULL)
		g_string_append_printf(text, "  (%s)\n", text_or(state, "why", ""));
}

static int
get_int(const RescueJson *object, const char *key)
{
	return (int)CLAMP(rescue_json_get_int_or(object, key, 0), G_MININT, G_MAXINT);
}

static void
append_attempt(GString *text, const RescueJson *attempt)
{
	const char *word = rescue_json_get_string(attempt, "phase");
	RescuePhase phase;

	g_string_append_printf(text, "  %d with idevicerestore %s: %s", get_int(attempt, "number"),
			       text_or(attempt, "engine", "of an unknown version"),
			       text_or(attempt, "outcome", "no end"));
	append_optional(text, ", ", attempt, "failure");
	if (word != NULL && rescue_phase_parse(word, &phase) &&
	    rescue_json_get_string(attempt, "failure") != NULL)
		g_string_append_printf(text, " while %s", rescue_phase_text(phase));
	g_string_append_c(text, '\n');
}

static void
append_failure(GString *text, const RescueJson *failure)
{
	int attempt = get_int(failure, "attempt");

	if (attempt > 0)
		g_string_append_printf(text, "  attempt %d: ", attempt);
	else
		g_string_append(text, "  before the first attempt: ");
	g_string_append_printf(text, "%s: %s\n", text_or(failure, "failure", "unexplained"),
			       text_or(failure, "text", "nothing is known about it"));
}

static void
append_remedy(GString *text, const RescueJson *remedy)
{
	g_string_append_printf(text, "  %s against %s, %s: %s", text_or(remedy, "name", "unknown"),
			       text_or(remedy, "against", "an unknown failure"),
			       rescue_json_get_bool(remedy, "automatic", true) ? "by itself"
									       : "by a person",
			       text_or(remedy, "outcome", "no end"));
	append_optional(text, ", ", remedy, "did");
	g_string_append_c(text, '\n');
}

static void
append_note(GString *text, const RescueJson *note)
{
	g_string_append_printf(text, "  %s: %s\n", text_or(note, "ts", "unknown"),
			       text_or(note, "text", "unknown"));
}

static void
append_prompt(GString *text, const RescueJson *prompt)
{
	g_string_append_printf(text, "  %s: %s\n", text_or(prompt, "ts", "unknown"),
			       text_or(prompt, "instruction", "unknown"));
}

static void
append_line(GString *text, const RescueJson *line)
{
	g_string_append_printf(text, "  attempt %d, line %d: %s\n", get_int(line, "attempt"),
			       get_int(line, "line"), text_or(line, "text", "unknown"));
}

static void
append_ticket(GString *text, const RescueJson *ticket)
{
	g_string_append_printf(text, "  ticket of attempt %d:\n    %s\n",
			       get_int(ticket, "attempt"),
			       text_or(ticket, "ticket_sha256", "unknown"));
}

static void
append_digest(GString *text, const RescueJson *digest)
{
	int64_t size = 0;

	(void)rescue_json_get_int(digest, "size", &size); /* stays 0 */
	g_string_append_printf(text, "  %s, %" G_GINT64_FORMAT " bytes:\n    %s\n",
			       text_or(digest, "name", "unknown"), size,
			       text_or(digest, "sha256", "unknown"));
}

/* nothing at all for an empty list */
static void
append_list(GString *text, const char *title, const RescueJson *list,
	    void (*append)(GString *text, const RescueJson *entry))
{
	if (rescue_json_length(list) > 0)
		g_string_append_printf(text, "%s:\n", title);
	for (size_t i = 0; i < rescue_json_length(list); i++)
		append(text, rescue_json_at(list, i));
}

char *
rescue_record_format(const RescueJson *record)
{
	const RescueJson *wipe = rescue_json_get(record, "wipe");
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "Restore record of job %s\n",
			       text_or(record, "job", "unknown"));
	append_device(text, record);
	append_wish(text, record);
	append_result(text, record);
	append_state(text, record, "before");
	append_state(text, record, "after");
	append_list(text, "attempts", rescue_json_get(record, "attempts"), append_attempt);
	append_list(text, "failures", rescue_json_get(record, "failures"), append_failure);
	append_list(text, "remedies", rescue_json_get(record, "remedies"), append_remedy);
	append_list(text, "people were asked", rescue_json_get(record, "prompts"), append_prompt);
	append_list(text, "people were told", rescue_json_get(record, "notes"), append_note);
	g_string_append_printf(text, "wipe: %s\n", text_or(wipe, "state", "unknown"));
	append_list(text, "what the engine showed of it", rescue_json_get(wipe, "lines"),
		    append_line);
	append_list(text, "what it showed of the end", rescue_json_get(record, "end"), append_line);
	append_list(text, "sha256 of what was signed", rescue_json_get(record, "tickets"),
		    append_ticket);
	append_list(text, "sha256 of what this rests on", rescue_json_get(record, "digests"),
		    append_digest);
	return rescue_wrap(text->str, COLUMNS);
}
