/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/record.h"

#include <string.h>

#define UNKNOWN "unknown"

/* What has been read so far. Events are borrowed, the rest is owned until it is part of the record. */
typedef struct {
	const RescueJson *first; /* event */
	const RescueJson *job, *file, *firmware, *done;
	RescueJson *device, *before, *after;
	RescueJson *attempts, *failures, *remedies, *prompts, *notes, *tickets, *wipe, *end;
	const char *mode;   /* the last that was seen */
	bool asked, begun;  /* the device about itself; an engine */
	bool has_evidence;  /* at least one engine's lines were kept */
	bool shows_wipe;    /* and they have it */
	int64_t attempt;    /* the present one, 0 before the first */
	const char *failed; /* name of the failure that remedies answer */
} Reader;

static bool
says(const RescueJson *event, const char *key, const char *word)
{
	return g_strcmp0(rescue_json_get_string(event, key), word) == 0;
}

/* those that `from` has; the list ends in NULL */
static void
copy_strings(RescueJson *to, const RescueJson *from, const char *const *keys)
{
	for (size_t i = 0; from != NULL && keys[i] != NULL; i++) {
		const char *value = rescue_json_get_string(from, keys[i]);
		if (value != NULL)
			rescue_json_set_string(to, keys[i], value);
	}
}

static void
copy_int(RescueJson *to, const RescueJson *from, const char *key)
{
	int64_t value = 0;

	if (from != NULL && rescue_json_get_int(from, key, &value))
		rescue_json_set_int(to, key, value);
}

/* ---- events ------------------------------------------------------------------------------------- */

/* {"attempt", "ts"} */
static RescueJson *
new_entry(const Reader *reader, const RescueJson *event)
{
	RescueJson *entry = rescue_json_object_new();

	rescue_json_set_int(entry, "attempt", reader->attempt);
	rescue_json_set_string(entry, "ts", rescue_json_get_string(event, "ts"));
	return entry;
}

/* the ticket that the engine was given, by what came through the relay beside it */
static void
read_signing(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "ticket_sha256", NULL };
	RescueJson *entry;

	if (rescue_json_get_string(event, keys[0]) == NULL)
		return;
	entry = new_entry(reader, event);
	copy_strings(entry, event, keys);
	rescue_json_append_take(reader->tickets, entry);
}

static void
read_identity(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "serial", "udid", "product", "board", "port", NULL };

	copy_strings(reader->device, event, keys);
}

static void
read_device(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "version", "build", NULL };
	const char *mode = rescue_json_get_string(event, "mode");
	bool tells = mode != NULL && strcmp(mode, "absent") != 0 && strcmp(mode, UNKNOWN) != 0;

	read_identity(reader, event);
	if (mode != NULL)
		reader->mode = mode;
	if (reader->begun || reader->asked)
		return; /* what it is now is not what it was before */
	if (tells && rescue_json_get_string(reader->before, "mode") == NULL)
		rescue_json_set_string(reader->before, "mode", mode);
	copy_strings(reader->before, event, keys);
}

static void
read_facts(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "mode",    "version",         "build",
					    "find_my", "activation_lock", "activation_state",
					    "why",     "supervised",      NULL };
	bool before = says(event, "when", "before");
	RescueJson *facts = rescue_json_object_new();

	read_identity(reader, event);
	copy_strings(facts, event, keys);
	if (before && !reader->begun) {
		rescue_json_free(reader->before);
		reader->before = facts;
		reader->asked = true;
	} else if (!before) {
		rescue_json_free(reader->after);
		reader->after = facts;
		reader->mode = rescue_json_get_string(event, "mode");
	} else {
		rescue_json_free(facts);
	}
}

static RescueJson *
find_attempt(Reader *reader, int64_t number)
{
	RescueJson *attempt;

	for (size_t i = 0; i < rescue_json_length(reader->attempts); i++) {
		attempt = rescue_json_at(reader->attempts, i);
		if (rescue_json_get_int_or(attempt, "number", 0) == number)
			return attempt;
	}
	attempt = rescue_json_object_new();
	rescue_json_set_int(attempt, "number", number);
	rescue_json_append_take(reader->attempts, attempt);
	return attempt;
}

/* what the device answered after an earlier engine says nothing about what this one does to it */
static RescueJson *
begin_attempt(Reader *reader, const RescueJson *event, int64_t number)
{
	RescueJson *attempt = find_attempt(reader, number);

	reader->begun = true;
	reader->attempt = number;
	g_clear_pointer(&reader->after, rescue_json_free);
	if (rescue_json_get_string(attempt, "started") == NULL)
		rescue_json_set_string(attempt, "started", rescue_json_get_string(event, "ts"));
	return attempt;
}

static void
read_engine(Reader *reader, const RescueJson *event)
{
	int64_t number = rescue_json_get_int_or(event, "attempt", reader->attempt + 1);
	RescueJson *attempt = begin_attempt(reader, event, number);

	rescue_json_set_string(attempt, "engine", rescue_json_get_string(event, "version"));
}

static void
read_attempt(Reader *reader, const RescueJson *event)
{
	const char *outcome = rescue_json_get_string(event, "outcome");
	int64_t number = rescue_json_get_int_or(event, "number", MAX(reader->attempt, 1));
	RescueJson *attempt = outcome == NULL ? begin_attempt(reader, event, number)
					      : find_attempt(reader, number);

	reader->attempt = number;
	if (rescue_json_get_string(event, "engine") != NULL)
		rescue_json_set_string(attempt, "engine", rescue_json_get_string(event, "engine"));
	if (outcome == NULL)
		return;
	if (strcmp(outcome, "adopted") == 0) {
		rescue_json_set_bool(attempt, "adopted", true);
		return;
	}
	rescue_json_set_string(attempt, "ended", rescue_json_get_string(event, "ts"));
	rescue_json_set_string(attempt, "outcome", outcome);
}

static void
take_line(Reader *reader, const RescueJson *line, int64_t attempt)
{
	static const char *const keys[] = { "name", "text", NULL };
	bool ends = says(line, "shows", "end");
	RescueJson *copy = rescue_json_object_new();

	reader->shows_wipe |= says(line, "shows", "wipe");
	rescue_json_set_int(copy, "attempt", attempt);
	copy_int(copy, line, "line");
	copy_strings(copy, line, keys);
	rescue_json_append_take(ends ? reader->end : reader->wipe, copy);
}

static void
read_evidence(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "phase", "end", NULL };
	int64_t number = rescue_json_get_int_or(event, "attempt", reader->attempt);
	RescueJson *attempt = find_attempt(reader, number);
	const RescueJson *lines = rescue_json_get(event, "lines");

	reader->has_evidence = true;
	copy_strings(attempt, event, keys);
	copy_int(attempt, event, "exit_status");
	copy_int(attempt, event, "exit_signal");
	for (size_t i = 0; i < rescue_json_length(lines); i++)
		take_line(reader, rescue_json_at(lines, i), number);
}

/* what goes wrong before the next attempt is not this one's doing */
static void
blame(RescueJson *attempt, const char *failure)
{
	if (rescue_json_get_string(attempt, "failure") == NULL)
		rescue_json_set_string(attempt, "failure", failure);
}

static void
read_failure(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "failure", "category", "phase", "text", NULL };
	RescueJson *entry = new_entry(reader, event);

	copy_strings(entry, event, keys);
	rescue_json_append_take(reader->failures, entry);
	reader->failed = rescue_json_get_string(event, "failure");
	if (reader->attempt > 0)
		blame(find_attempt(reader, reader->attempt), reader->failed);
}

static void
begin_remedy(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "name", "text", NULL };
	RescueJson *entry = new_entry(reader, event);

	copy_strings(entry, event, keys);
	rescue_json_set_bool(entry, "automatic", rescue_json_get_bool(event, "automatic", true));
	rescue_json_set_string(entry, "against", reader->failed);
	rescue_json_append_take(reader->remedies, entry);
}

/* the one that is open, if it is this one */
static RescueJson *
open_remedy(const Reader *reader, const RescueJson *event)
{
	size_t count = rescue_json_length(reader->remedies);
	RescueJson *entry = count > 0 ? rescue_json_at(reader->remedies, count - 1) : NULL;

	return entry != NULL && rescue_json_get_string(entry, "outcome") == NULL &&
		       says(entry, "name", rescue_json_get_string(event, "name"))
		   ? entry
		   : NULL;
}

/* how long it took, and what came of it in words */
static void
end_remedy(RescueJson *entry, const RescueJson *event)
{
	static const char *const keys[] = { "outcome", "did", NULL };
	double seconds = 0;

	copy_strings(entry, event, keys);
	if (rescue_json_get_real(event, "seconds", &seconds))
		rescue_json_set_real(entry, "seconds", seconds);
}

static void
read_remedy(Reader *reader, const RescueJson *event)
{
	const char *outcome = rescue_json_get_string(event, "outcome");
	RescueJson *entry = outcome != NULL ? open_remedy(reader, event) : NULL;

	if (entry == NULL) {
		begin_remedy(reader, event);
		entry = rescue_json_at(reader->remedies, rescue_json_length(reader->remedies) - 1);
	}
	if (outcome != NULL)
		end_remedy(entry, event);
}

static void
read_note(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "text", NULL };
	RescueJson *entry = new_entry(reader, event);

	copy_strings(entry, event, keys);
	rescue_json_append_take(reader->notes, entry);
}

static void
read_operator(Reader *reader, const RescueJson *event)
{
	static const char *const keys[] = { "instruction", NULL };
	RescueJson *entry = new_entry(reader, event);

	copy_strings(entry, event, keys);
	copy_int(entry, event, "deadline");
	rescue_json_append_take(reader->prompts, entry);
}

static const struct {
	const char *event;
	void (*read)(Reader *reader, const RescueJson *event);
} readers[] = {
	{ "device", read_device },     { "facts", read_facts },       { "engine", read_engine },
	{ "attempt", read_attempt },   { "evidence", read_evidence }, { "failure", read_failure },
	{ "operator", read_operator }, { "remedy", read_remedy },     { "signing", read_signing },
	{ "note", read_note },
};

/* the last of each counts as a whole: every supervisor of the job says it again */
static const struct {
	const char *event;
	size_t offset;
} kept[] = {
	{ "job", G_STRUCT_OFFSET(Reader, job) },
	{ "file", G_STRUCT_OFFSET(Reader, file) },
	{ "firmware", G_STRUCT_OFFSET(Reader, firmware) },
	{ "done", G_STRUCT_OFFSET(Reader, done) },
};

static void
read_events(Reader *reader, const GPtrArray *events)
{
	for (guint i = 0; i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		reader->first = reader->first != NULL ? reader->first : event;
		for (size_t k = 0; k < G_N_ELEMENTS(kept); k++)
			if (says(event, "event", kept[k].event))
				G_STRUCT_MEMBER(const RescueJson *, reader, kept[k].offset) = event;
		for (size_t r = 0; r < G_N_ELEMENTS(readers); r++)
			if (says(event, "event", readers[r].event))
				readers[r].read(reader, event);
	}
}

/* ---- the record --------------------------------------------------------------------------------- */

static RescueJson *
make_device(Reader *reader)
{
	static const char *const ids[] = { "ecid", NULL };
	RescueJson *device = rescue_json_object_new();

	copy_strings(device, reader->first, ids);
	rescue_json_merge(device, reader->device);
	return device;
}

static RescueJson *
make_wish(const Reader *reader)
{
	static const char *const keys[] = { "behavior", "ipsw", "want", "policy", NULL };
	RescueJson *wish = rescue_json_object_new();

	copy_strings(wish, reader->job, keys);
	if (reader->job == NULL)
		return wish;
	rescue_json_set_bool(wish, "unattended",
			     rescue_json_get_bool(reader->job, "unattended", false));
	rescue_json_set_bool(wish, "dry_run", rescue_json_get_bool(reader->job, "dry_run", false));
	return wish;
}

/* as far as it was chosen, and then as the file itself says */
static RescueJson *
make_firmware(const Reader *reader)
{
	static const char *const keys[] = { "path", "version", "build", "sha256", "sha1", NULL };
	RescueJson *firmware = rescue_json_object_new();

	copy_strings(firmware, reader->firmware, keys);
	copy_int(firmware, reader->firmware, "size");
	copy_strings(firmware, reader->file, keys);
	copy_int(firmware, reader->file, "size");
	return firmware;
}

/* takes `facts`: each of these is said, known or not */
static RescueJson *
make_state(RescueJson *facts, const char *why)
{
	static const char *const keys[] = { "mode",      "version",
					    "build",     "activation_state",
					    "find_my",   "activation_lock",
					    "supervised" };
	RescueJson *state = rescue_json_object_new();
	bool told = rescue_json_get_string(facts, "find_my") != NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		const char *value = rescue_json_get_string(facts, keys[i]);
		rescue_json_set_string(state, keys[i], value != NULL ? value : UNKNOWN);
	}
	rescue_json_set_string(state, "why", told ? rescue_json_get_string(facts, "why") : why);
	rescue_json_free(facts);
	return state;
}

static RescueJson *
make_after(Reader *reader)
{
	static const char *const keys[] = { "version", "build", NULL };
	RescueJson *after = g_steal_pointer(&reader->after);

	if (after == NULL) {
		after = rescue_json_object_new();
		copy_strings(after, reader->done, keys);
	}
	rescue_json_set_string(after, "mode", reader->mode);
	return make_state(after, "the phone was not asked after the restore");
}

static const char *
wipe_state(const Reader *reader)
{
	if (!says(reader->job, "behavior", "erase"))
		return reader->job != NULL ? "not-asked" : UNKNOWN;
	if (reader->shows_wipe)
		return "shown";
	return reader->begun && !reader->has_evidence ? UNKNOWN : "not-shown";
}

static RescueJson *
make_wipe(Reader *reader)
{
	RescueJson *wipe = rescue_json_object_new();

	rescue_json_set_string(wipe, "state", wipe_state(reader));
	rescue_json_take(wipe, "lines", g_steal_pointer(&reader->wipe));
	return wipe;
}

static RescueJson *
make_result(const Reader *reader)
{
	static const char *const keys[] = { "outcome", "data", "failure", "advice", NULL };
	RescueJson *result = rescue_json_object_new();

	rescue_json_set_string(result, "outcome", "unfinished");
	rescue_json_set_string(result, "data", UNKNOWN);
	copy_strings(result, reader->done, keys);
	return result;
}

static void
set_head(const Reader *reader, RescueJson *record, bool torn)
{
	static const char *const names[] = { "host", "idevicerescue", NULL };
	static const char *const stamps[] = { "job", NULL };
	double seconds = 0;

	rescue_json_set_int(record, "v", RESCUE_RECORD_VERSION);
	copy_strings(record, reader->first, stamps);
	copy_strings(record, reader->job, names);
	if (reader->first != NULL)
		rescue_json_set_string(record, "started",
				       rescue_json_get_string(reader->first, "ts"));
	if (reader->done != NULL)
		rescue_json_set_string(record, "ended", rescue_json_get_string(reader->done, "ts"));
	if (reader->done != NULL && rescue_json_get_real(reader->done, "seconds", &seconds))
		rescue_json_set_real(record, "seconds", seconds);
	rescue_json_set_bool(record, "complete", reader->done != NULL && !torn);
}

RescueJson *
rescue_record_build(const GPtrArray *events, bool torn, const RescueJson *digests)
{
	RescueJson *record = rescue_json_object_new();
	Reader reader = { .device = rescue_json_object_new(),
			  .before = rescue_json_object_new(),
			  .attempts = rescue_json_array_new(),
			  .failures = rescue_json_array_new(),
			  .remedies = rescue_json_array_new(),
			  .prompts = rescue_json_array_new(),
			  .notes = rescue_json_array_new(),
			  .tickets = rescue_json_array_new(),
			  .wipe = rescue_json_array_new(),
			  .end = rescue_json_array_new() };

	read_events(&reader, events);
	set_head(&reader, record, torn);
	rescue_json_take(record, "device", make_device(&reader));
	rescue_json_take(record, "wish", make_wish(&reader));
	rescue_json_take(record, "firmware", make_firmware(&reader));
	rescue_json_take(record, "before",
			 make_state(reader.before, "the phone was not asked before the restore"));
	rescue_json_take(record, "after", make_after(&reader));
	rescue_json_take(record, "result", make_result(&reader));
	rescue_json_take(record, "attempts", reader.attempts);
	rescue_json_take(record, "failures", reader.failures);
	rescue_json_take(record, "remedies", reader.remedies);
	rescue_json_take(record, "prompts", reader.prompts);
	rescue_json_take(record, "notes", reader.notes);
	rescue_json_take(record, "tickets", reader.tickets);
	rescue_json_take(record, "wipe", make_wipe(&reader));
	rescue_json_take(record, "end", reader.end);
	rescue_json_take(record, "digests", digests != NULL ? rescue_json_ref(digests) : NULL);
	rescue_json_free(reader.device);
	return record;
}
