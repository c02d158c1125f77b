/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/relay-log.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/process/process.h"

#define SCHEMA_VERSION 1

void
rescue_relay_note_clear(RescueRelayNote *note)
{
	g_clear_pointer(&note->text, g_free);
	g_clear_pointer(&note->ticket_sha256, g_free);
}

/* takes it; a line that does not get out is lost, the restore is not */
static void
write_line(RescueJson *json)
{
	g_autoptr(RescueJson) owned = json;
	g_autofree char *text = rescue_json_dump(owned);

	(void)fprintf(stdout, "%s\n", text);
	(void)fflush(stdout);
}

static RescueJson *
new_line(const char *event)
{
	RescueJson *json = rescue_json_object_new();
	g_autofree char *time = rescue_clock_format(rescue_clock_wall_us(rescue_clock_system()));

	rescue_json_set_int(json, "v", SCHEMA_VERSION);
	rescue_json_set_string(json, "ts", time);
	rescue_json_set_string(json, "event", event);
	return json;
}

void
rescue_relay_log_start(pid_t engine_pid, const char *server)
{
	RescueJson *json = new_line("start");

	rescue_json_set_int(json, "pid", getpid());
	rescue_json_set_int(json, "start_time", (int64_t)rescue_process_start_time(getpid()));
	rescue_json_set_int(json, "engine_pid", engine_pid);
	rescue_json_set_string(json, "server", server);
	write_line(json);
}

void
rescue_relay_log_request(unsigned number, char *const *tickets, const char *body, size_t size)
{
	RescueJson *json = new_line("request");

	rescue_json_set_int(json, "number", number);
	rescue_json_set_strings(json, "tickets", tickets);
	rescue_json_set_int(json, "bytes", (int64_t)size);
	rescue_json_set_string(json, "body", body);
	write_line(json);
}

void
rescue_relay_log_reply(const RescueRelayNote *note, const char *body)
{
	RescueJson *json = new_line(note->pause_ms > 0 ? "waiting" : "reply");

	rescue_json_set_int(json, "number", note->number);
	if (note->http_status != 0)
		rescue_json_set_int(json, "http", note->http_status);
	if (note->status >= 0)
		rescue_json_set_int(json, "status", note->status);
	rescue_json_set_string(json, "message", note->text);
	if (note->failure != RESCUE_FAILURE_NONE)
		rescue_json_set_string(json, "failure", rescue_failure_info(note->failure)->name);
	rescue_json_set_string(json, "issuer", note->issuer);
	rescue_json_set_string(json, "ticket_sha256", note->ticket_sha256);
	rescue_json_set_int(json, "bytes", (int64_t)note->size);
	rescue_json_set_int(json, "took_ms", note->took_ms);
	if (note->failure != RESCUE_FAILURE_NONE)
		rescue_json_set_int(json, "waited_ms", note->waited_ms);
	if (note->pause_ms > 0)
		rescue_json_set_int(json, "next_ms", note->pause_ms);
	rescue_json_set_string(json, "body", body);
	write_line(json);
}

void
rescue_relay_log_end(void)
{
	write_line(new_line("end"));
}
