/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/supervisor-state.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"

#define MAX_OUTCOMES 4000u /* as many as health remembers */
#define MAX_ACTIONS  1000u /* of operators; older ones are in the journal that was put aside */

const char *
rescue_supervisor_label(const RescueSupervisor *supervisor, const RescueTicket *ticket)
{
	const RescuePort *port = rescue_layout_port(supervisor->layout, ticket->port);

	return port != NULL ? port->label : "a phone on no port of the line";
}

static void
tell(const RescueSupervisor *supervisor, const RescueJson *line)
{
	if (supervisor->spec.told != NULL)
		supervisor->spec.told(line, supervisor->spec.data);
}

static RescueJson *
stamp(RescueSupervisor *supervisor, const RescueJson *body)
{
	const RescueClock *clock = supervisor->spec.ports.clock;

	return rescue_event_stamp(body, ++supervisor->seq, rescue_clock_wall_us(clock), NULL, 0);
}

static bool
append(RescueSupervisor *supervisor, const RescueJson *line)
{
	const RescueLinePorts *ports = &supervisor->spec.ports;
	g_autoptr(GError) error = NULL;

	if (ports->store->append(ports->store_self, line, &error)) {
		g_clear_pointer(&supervisor->trouble, g_free);
		return true;
	}
	g_free(supervisor->trouble);
	supervisor->trouble = g_strdup_printf("the journal of the station cannot be written, and "
					      "nothing begins before it can: %s",
					      error->message);
	return false;
}

/* In order and without gaps. */
static bool
write_late(RescueSupervisor *supervisor)
{
	RescueJson *line;

	while ((line = g_queue_peek_head(&supervisor->late)) != NULL) {
		if (!append(supervisor, line))
			return false;
		rescue_json_free(g_queue_pop_head(&supervisor->late));
	}
	return true;
}

static void
report(RescueSupervisor *supervisor, const char *text)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();
	g_autoptr(RescueJson) line = NULL;

	rescue_json_set_string(body, "event", "report");
	rescue_json_set_string(body, "text", text);
	line = rescue_event_stamp(body, supervisor->seq,
				  rescue_clock_wall_us(supervisor->spec.ports.clock), NULL, 0);
	tell(supervisor, line);
}

void
rescue_supervisor_report(RescueSupervisor *supervisor, const char *format, ...)
{
	va_list arguments;
	g_autofree char *text = NULL;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	report(supervisor, text);
}

void
rescue_supervisor_keep(RescueSupervisor *supervisor, const RescueJson *body)
{
	RescueJson *line = stamp(supervisor, body);

	g_queue_push_tail(&supervisor->late, line);
	tell(supervisor, line);
}

bool
rescue_supervisor_flush(RescueSupervisor *supervisor)
{
	g_autoptr(GPtrArray) lines = rescue_station_take_lines(supervisor->station);
	g_auto(GStrv) reports = rescue_station_take_reports(supervisor->station);

	for (unsigned i = 0; i < lines->len; i++)
		rescue_supervisor_keep(supervisor, g_ptr_array_index(lines, i));
	for (char **text = reports; *text != NULL; text++)
		report(supervisor, *text);
	return write_late(supervisor);
}

bool
rescue_supervisor_write(RescueSupervisor *supervisor, RescueJson *body)
{
	g_autoptr(RescueJson) line = NULL;

	if (!rescue_supervisor_flush(supervisor))
		return false;
	line = stamp(supervisor, body);
	if (!append(supervisor, line)) {
		supervisor->seq--;
		return false;
	}
	tell(supervisor, line);
	return true;
}

int64_t
rescue_supervisor_time_of(const RescueSupervisor *supervisor, const RescueJson *line,
			  int64_t now_us)
{
	const char *text = rescue_json_get_string(line, "ts");
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	int64_t wall_us;

	if (time == NULL)
		return now_us;
	wall_us = g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
	return MIN(now_us, now_us - (rescue_clock_wall_us(supervisor->spec.ports.clock) - wall_us));
}

/* labels that operators give */

bool
rescue_supervisor_rename(RescueSupervisor *supervisor, const char *from, const char *to,
			 GError **error)
{
	if (!rescue_layout_rename(supervisor->layout, from, to, error))
		return false;
	rescue_health_rename(rescue_station_edit_health(supervisor->station), RESCUE_PLACE_PORT,
			     from, to);
	g_ptr_array_add(supervisor->renames, g_strdup(from));
	g_ptr_array_add(supervisor->renames, g_strdup(to));
	return true;
}

void
rescue_supervisor_rename_again(RescueSupervisor *supervisor)
{
	const GPtrArray *renames = supervisor->renames;

	/* a file that has the new label already needs no renaming */
	for (unsigned i = 0; i + 1 < renames->len; i += 2)
		(void)rescue_layout_rename(supervisor->layout, g_ptr_array_index(renames, i),
					   g_ptr_array_index(renames, i + 1), NULL);
}

/* a daemon that is started again */

static void
recall_line(RescueSupervisor *supervisor, const RescueJson *line, int64_t now_us)
{
	const char *from = rescue_json_get_string(line, "from");
	const char *to = rescue_json_get_string(line, "to");
	int64_t seq = 0;

	if (rescue_json_get_int(line, "seq", &seq) && seq > 0)
		supervisor->seq = MAX(supervisor->seq, (uint64_t)seq);
	if (g_strcmp0(rescue_json_get_string(line, "event"), "label") != 0)
		rescue_station_recall(supervisor->station, line,
				      rescue_supervisor_time_of(supervisor, line, now_us), now_us);
	else if (from != NULL && to != NULL)
		(void)rescue_supervisor_rename(supervisor, from, to,
					       NULL); /* perhaps in the file */
}

static void
follow_again(RescueSupervisor *supervisor, const RescueTicket *ticket, int64_t now_us)
{
	const RescueLinePorts *ports = &supervisor->spec.ports;
	RescueEcid ecid = ticket->device->ecid;
	g_autofree char *job = g_strdup(ticket->job);
	bool runs;

	rescue_station_started(supervisor->station, ecid, job, now_us);
	rescue_supervisor_pulse(supervisor, ecid)->heard_us = now_us;
	supervisor->replaying = true;
	runs = ports->jobs->follow(ports->jobs_self, ecid, job);
	supervisor->replaying = false;
	if (!runs)
		rescue_station_job_interrupted(supervisor->station, ecid, now_us);
}

void
rescue_supervisor_recall(RescueSupervisor *supervisor, const GPtrArray *lines)
{
	int64_t now_us = rescue_supervisor_now_us(supervisor);
	const GPtrArray *tickets = rescue_station_tickets(supervisor->station);

	for (unsigned i = 0; i < lines->len; i++)
		recall_line(supervisor, g_ptr_array_index(lines, i), now_us);
	rescue_station_recalled(supervisor->station);
	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		if (ticket->job != NULL && ticket->state == RESCUE_SLOT_QUEUED)
			follow_again(supervisor, ticket, now_us);
	}
	(void)rescue_supervisor_flush(supervisor); /* trouble is told at the next turn */
}

/* Of these only the last one of each key counts; of others, so many. */
static const struct {
	const char *event, *key;
	unsigned most; /* 0: all */
} kept[] = {
	{ "phone", "ecid", 0 },          { "port", "label", 0 },  { "outcome", NULL, MAX_OUTCOMES },
	{ "condemned", NULL, 0 },        { "retested", NULL, 0 }, { "label", NULL, 0 },
	{ "action", NULL, MAX_ACTIONS },
};

typedef struct {
	GHashTable *seen; /* "phone 0x…" */
	unsigned counts[G_N_ELEMENTS(kept)];
} Compaction;

static bool
is_kept(Compaction *compaction, const RescueJson *line)
{
	const char *event = rescue_json_get_string(line, "event");

	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
		if (g_strcmp0(event, kept[i].event) != 0)
			continue;
		if (kept[i].key == NULL)
			return kept[i].most == 0 || compaction->counts[i]++ < kept[i].most;
		return g_hash_table_add(compaction->seen,
					g_strdup_printf("%s %s", event,
							rescue_json_get_string(line, kept[i].key)));
	}
	return false;
}

static bool
is_nothing_any_more(const RescueJson *line)
{
	return g_strcmp0(rescue_json_get_string(line, "event"), "phone") == 0 &&
	       rescue_json_get(line, "present") == NULL;
}

static void
free_line(void *line)
{
	rescue_json_free(line);
}

GPtrArray *
rescue_supervisor_compact(const GPtrArray *lines)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Compaction compaction = { .seen = seen };
	GPtrArray *rest = g_ptr_array_new_with_free_func(free_line);

	for (unsigned i = lines->len; i-- > 0;) {
		const RescueJson *line = g_ptr_array_index(lines, i);
		if (is_kept(&compaction, line) && !is_nothing_any_more(line))
			g_ptr_array_add(rest, rescue_json_ref(line));
	}
	for (unsigned i = 0; i < rest->len / 2; i++) { /* oldest first */
		void *late = rest->pdata[i];
		rest->pdata[i] = rest->pdata[rest->len - 1 - i];
		rest->pdata[rest->len - 1 - i] = late;
	}
	return rest;
}
