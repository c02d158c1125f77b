/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/parser.h"

#include <string.h>

/*
 * fault SUBJECT [at POINT] [after N UNIT] do ACTION [STATUS | to PORT] [amr N] [for N UNIT]
 *	[times N | always | until …]
 * SUBJECT is a phone, "any", or one whose point goes without saying: the servers "signing", "firmware" and
 * "catalog", and
 * "engine". UNTIL is "re-enumerated", "moved", "dfu", "FIRMWARE is replaced" or "N UNIT have passed".
 */

enum { MOVE_MS = 500 }; /* from one port to the other, when not said */

typedef struct {
	const LabLine *line;
	const LabScenario *scenario;
	unsigned next; /* word to read */
	LabFault *fault;
	bool has_point, has_action;
} Reader;

static const char *
take(Reader *r)
{
	return r->next < r->line->count ? r->line->words[r->next++] : NULL;
}

static const char *
peek(const Reader *r)
{
	return r->next < r->line->count ? r->line->words[r->next] : NULL;
}

static const struct {
	const char *word;
	LabPoint at;
} subjects[] = {
	{ "signing", LAB_AT_SIGNING },
	{ "firmware", LAB_AT_FIRMWARE_SERVER },
	{ "catalog", LAB_AT_CATALOG },
	{ "engine", LAB_AT_ENGINE },
};

static bool
read_subject(Reader *r, GError **error)
{
	const char *subject = take(r);
	if (subject == NULL)
		return lab_line_fail(r->line, error,
				     "‘fault’ wants a phone, ‘any’, ‘signing’, ‘firmware’, "
				     "‘catalog’ or ‘engine’ behind it");
	if (strcmp(subject, "any") == 0)
		return true;
	if (lab_scenario_phone(r->scenario, subject) != NULL) {
		r->fault->phone = g_strdup(subject);
		return true;
	}
	r->has_point = true;
	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
		if (strcmp(subject, subjects[i].word) == 0) {
			r->fault->at = subjects[i].at;
			return true;
		}
	}
	return lab_line_fail(r->line, error, "there is no phone ‘%s’ above this line", subject);
}

static bool
read_at(Reader *r, GError **error)
{
	const char *name = take(r);
	if (name == NULL || !lab_point_parse(name, &r->fault->at))
		return lab_line_fail(r->line, error,
				     "‘%s’ is not a point at which a fault can happen",
				     name != NULL ? name : "");
	r->has_point = true;
	return true;
}

static bool
read_after(Reader *r, GError **error)
{
	const char *number = take(r), *unit = take(r);
	bool counts = g_strcmp0(unit, "requests") == 0 && r->fault->at == LAB_AT_SIGNING;
	if (counts ? !lab_value_number(number, G_MAXUINT32, &r->fault->after_bytes)
		   : !lab_value_bytes(number, unit, &r->fault->after_bytes))
		return lab_line_fail(r->line, error,
				     "‘after’ wants a size, such as ‘after 2 MB’, and for "
				     "signing ‘after 2 requests’");
	return true;
}

static bool
read_for(Reader *r, GError **error)
{
	const char *number = take(r), *unit = take(r);
	if (!lab_value_ms(number, unit, &r->fault->duration_ms))
		return lab_line_fail(r->line, error, "‘for’ wants a time, such as ‘for 2 s’");
	return true;
}

/* a status may be negative: restored reports -1 for a failed verification */
static bool
read_status(Reader *r, int *ret_status, GError **error)
{
	const char *text = take(r);
	gint64 value = 0;
	if (text == NULL || !g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &value, NULL))
		return lab_line_fail(r->line, error, "‘%s’ wants a number behind it",
				     r->line->words[r->next - 2]);
	*ret_status = (int)value;
	return true;
}

static bool
read_port(Reader *r, GError **error)
{
	const char *to = take(r), *port = take(r);
	if (g_strcmp0(to, "to") != 0 || port == NULL || !lab_port_is_valid(port))
		return lab_line_fail(r->line, error,
				     "‘do move’ wants a port, such as ‘do move to 1-1.4’");
	r->fault->port = g_strdup(port);
	if (r->fault->duration_ms == 0)
		r->fault->duration_ms = MOVE_MS;
	return true;
}

static bool
read_do(Reader *r, GError **error)
{
	const char *name = take(r);
	if (name == NULL || !lab_action_parse(name, &r->fault->action))
		return lab_line_fail(r->line, error, "‘%s’ is not something a fault can do",
				     name != NULL ? name : "");
	r->has_action = true;
	if (r->fault->action == LAB_DO_MOVE)
		return read_port(r, error);
	const char *next = peek(r);
	static const LabAction numbered[] = { LAB_DO_STATUS,         LAB_DO_FAIL,
					      LAB_DO_FAIL_AND_GO_ON, LAB_DO_FAIL_AND_CUT,
					      LAB_DO_HTTP,           LAB_DO_EXIT,
					      LAB_DO_FLOOD };
	bool wants_status = false;
	for (size_t i = 0; i < G_N_ELEMENTS(numbered); i++)
		wants_status |= r->fault->action == numbered[i];
	if (!wants_status)
		return true;
	if (next == NULL)
		return lab_line_fail(r->line, error, "‘do %s’ wants a number behind it", name);
	return read_status(r, &r->fault->status, error);
}

static bool
read_amr(Reader *r, GError **error)
{
	if (peek(r) == NULL)
		return lab_line_fail(r->line, error, "‘amr’ wants a number behind it");
	return read_status(r, &r->fault->amr, error);
}

static bool
read_times(Reader *r, GError **error)
{
	uint64_t times = 0;
	if (!lab_value_number(take(r), 1000, &times) || times == 0)
		return lab_line_fail(r->line, error, "‘times’ wants a number from 1 to 1000");
	r->fault->times = (unsigned)times;
	return true;
}

static bool
read_always(Reader *r, GError **error)
{
	r->fault->times = 0;
	return true;
}

static bool
wants_until(const Reader *r, GError **error)
{
	return lab_line_fail(r->line, error,
			     "‘until’ wants re-enumerated, moved, dfu, ‘FIRMWARE is replaced’ or a "
			     "time, such as ‘20 s have passed’");
}

/* the two words behind, which only make it read well */
static bool
read_tail(Reader *r, const char *first, const char *second, GError **error)
{
	const char *one = take(r), *two = take(r);
	bool fits = g_strcmp0(one, first) == 0 && g_strcmp0(two, second) == 0;
	return fits || wants_until(r, error);
}

static bool
read_until(Reader *r, GError **error)
{
	static const struct {
		const char *word;
		LabUntil until;
	} single[] = {
		{ "re-enumerated", LAB_UNTIL_REENUMERATED },
		{ "moved", LAB_UNTIL_MOVED },
		{ "dfu", LAB_UNTIL_DFU },
	};
	const char *word = take(r);
	LabFault *fault = r->fault;
	fault->times = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(single); i++) {
		if (g_strcmp0(word, single[i].word) != 0)
			continue;
		fault->until = single[i].until;
		return true;
	}
	if (word != NULL && lab_scenario_firmware(r->scenario, word)) {
		fault->until = LAB_UNTIL_REPLACED;
		fault->until_firmware = g_strdup(word);
		return read_tail(r, "is", "replaced", error);
	}
	fault->until = LAB_UNTIL_TIME;
	return lab_value_ms(word, take(r), &fault->until_ms) ? read_tail(r, "have", "passed", error)
							     : wants_until(r, error);
}

static const struct {
	const char *word;
	bool (*read)(Reader *r, GError **error);
} clauses[] = {
	{ "at", read_at },         { "after", read_after }, { "do", read_do },
	{ "for", read_for },       { "amr", read_amr },     { "times", read_times },
	{ "always", read_always }, { "until", read_until },
};

static bool
read_clause(Reader *r, GError **error)
{
	const char *word = take(r);
	for (size_t i = 0; i < G_N_ELEMENTS(clauses); i++) {
		if (strcmp(clauses[i].word, word) == 0)
			return clauses[i].read(r, error);
	}
	return lab_line_fail(r->line, error, "‘%s’ is not a word of a fault", word);
}

static bool
read_fault(Reader *r, GError **error)
{
	if (!read_subject(r, error))
		return false;
	while (peek(r) != NULL) {
		if (!read_clause(r, error))
			return false;
	}
	if (!r->has_point)
		return lab_line_fail(r->line, error,
				     "the fault does not say ‘at’ which point it happens");
	if (!r->has_action)
		return lab_line_fail(r->line, error, "the fault does not say what to ‘do’");
	return true;
}

LabFault *
lab_fault_line(const LabLine *line, const LabScenario *scenario, GError **error)
{
	Reader r = { .line = line, .scenario = scenario, .next = 1, .fault = g_new0(LabFault, 1) };
	r.fault->times = 1;
	if (read_fault(&r, error))
		return r.fault;
	g_free(r.fault->phone);
	g_free(r.fault->until_firmware);
	g_free(r.fault->port);
	g_free(r.fault);
	return NULL;
}
