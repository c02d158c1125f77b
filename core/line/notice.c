/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/notice.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/line/bench.h"

/** What was told about a phone. */
typedef struct {
	RescueEcid ecid;
	char *started, *done; /* jobs */
	char *prompt;         /* the sentence that is still true; NULL: none */
	char *scan;
	bool parked;
	bool seen; /* it was looked at since this noticer was made */
} Told;

struct RescueNoticer {
	char *name;
	GHashTable *phones; /* RescueEcid to Told, which has the key in it */
	GHashTable *ports;  /* labels of those that were told to be out of use */
};

/** One look. */
typedef struct {
	RescueNoticer *noticer;
	const RescueStation *station;
	int64_t wall_us;
	RescueNoticeSink sink;
	void *data;
} Look;

static void
free_told(void *data)
{
	Told *told = data;

	g_free(told->started);
	g_free(told->done);
	g_free(told->prompt);
	g_free(told->scan);
	g_free(told);
}

RescueNoticer *
rescue_noticer_new(const char *name)
{
	RescueNoticer *noticer = g_new(RescueNoticer, 1);

	*noticer = (RescueNoticer){
		.name = g_strdup(name),
		.phones = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_told),
		.ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	return noticer;
}

void
rescue_noticer_free(RescueNoticer *noticer)
{
	if (noticer == NULL)
		return;
	g_hash_table_unref(noticer->phones);
	g_hash_table_unref(noticer->ports);
	g_free(noticer->name);
	g_free(noticer);
}

static Told *
get_told(RescueNoticer *noticer, RescueEcid ecid)
{
	Told *told = g_hash_table_lookup(noticer->phones, &ecid);

	if (told != NULL)
		return told;
	told = g_new0(Told, 1);
	told->ecid = ecid;
	g_hash_table_insert(noticer->phones, &told->ecid, told);
	return told;
}

static void
recall_phone(Told *told, RescueNoticeKind kind, const RescueJson *event)
{
	const char *job = rescue_json_get_string(event, "job");

	switch (kind) {
	case RESCUE_NOTICE_STARTED:
		rescue_set_string(&told->started, job);
		break;
	case RESCUE_NOTICE_DONE:
		rescue_set_string(&told->done, job);
		break;
	case RESCUE_NOTICE_PROMPT:
		rescue_set_string(&told->prompt, rescue_json_get_string(event, "why"));
		break;
	case RESCUE_NOTICE_SCAN:
		rescue_set_string(&told->scan, rescue_json_get_string(event, "scan"));
		break;
	case RESCUE_NOTICE_PARKED:
		told->parked = true;
		break;
	default:
		break;
	}
	if (kind == RESCUE_NOTICE_STARTED || kind == RESCUE_NOTICE_DONE) {
		told->parked = false;
		g_clear_pointer(&told->prompt, g_free);
	}
}

void
rescue_noticer_recall(RescueNoticer *noticer, const RescueJson *event)
{
	const char *label = rescue_json_get_string(event, "slot");
	const char *phone = rescue_json_get_string(event, "ecid");
	RescueNoticeKind kind;
	RescueEcid ecid;

	if (!rescue_notice_parse(rescue_json_get_string(event, "event"), &kind))
		return;
	if (kind == RESCUE_NOTICE_QUARANTINE && label != NULL)
		g_hash_table_add(noticer->ports, g_strdup(label));
	else if (kind == RESCUE_NOTICE_RETEST && label != NULL)
		g_hash_table_remove(noticer->ports, label);
	else if (phone != NULL && rescue_ecid_parse(phone, &ecid, NULL))
		recall_phone(get_told(noticer, ecid), kind, event);
}

static RescueJson *
begin_event(const Look *look, RescueNoticeKind kind)
{
	RescueJson *event = rescue_json_object_new();
	g_autofree char *time = rescue_clock_format(look->wall_us);
	g_autofree char *id = g_uuid_string_random();

	rescue_json_set_int(event, "v", 1);
	rescue_json_set_string(event, "id", id);
	rescue_json_set_string(event, "event", rescue_notice_name(kind));
	rescue_json_set_string(event, "ts", time);
	rescue_json_set_string(event, "station", look->noticer->name);
	return event;
}

static bool
tell_phone(const Look *look, RescueNoticeKind kind, const RescueTicket *ticket)
{
	RescueJson *event = begin_event(look, kind);
	char ecid[RESCUE_ECID_TEXT];

	if (ticket->port != RESCUE_PORT_NONE)
		rescue_json_set_string(event, "slot",
				       rescue_bench_label(look->station, ticket->port));
	rescue_json_set_string(event, "ecid", rescue_ecid_format(ticket->device->ecid, ecid));
	rescue_json_set_string(event, "job", ticket->job);
	rescue_json_set_string(event, "state", rescue_slot_state_name(ticket->state));
	rescue_json_set_string(event, "why", ticket->why);
	rescue_json_set_string(event, "scan", ticket->scan);
	rescue_json_set_string(event, "rule", ticket->rule);
	rescue_json_set_string(event, "product", ticket->device->product);
	rescue_json_set_string(event, "serial", ticket->device->serial);
	return look->sink(kind, event, look->data);
}

/* tells about something with a name that has not been told yet, and remembers that */
static void
tell_once(const Look *look, RescueNoticeKind kind, const RescueTicket *ticket, const char *name,
	  char **told)
{
	if (name != NULL && g_strcmp0(name, *told) != 0 && tell_phone(look, kind, ticket))
		rescue_set_string(told, name);
}

static bool
has_ended(const RescueTicket *ticket)
{
	return ticket->job != NULL && !ticket->alive &&
	       (ticket->state == RESCUE_SLOT_PASSED || ticket->state == RESCUE_SLOT_FAILED ||
		ticket->state == RESCUE_SLOT_NEEDS_OPERATOR || ticket->state == RESCUE_SLOT_PARKED);
}

static void
look_at_phone(const Look *look, const RescueTicket *ticket)
{
	Told *told = get_told(look->noticer, ticket->device->ecid);
	bool asks = ticket->state == RESCUE_SLOT_NEEDS_OPERATOR;
	bool parked = ticket->state == RESCUE_SLOT_PARKED;

	told->seen = true;
	tell_once(look, RESCUE_NOTICE_SCAN, ticket, ticket->scan, &told->scan);
	if (ticket->alive || has_ended(ticket))
		tell_once(look, RESCUE_NOTICE_STARTED, ticket, ticket->job, &told->started);
	if (has_ended(ticket))
		tell_once(look, RESCUE_NOTICE_DONE, ticket, ticket->job, &told->done);
	if (asks)
		tell_once(look, RESCUE_NOTICE_PROMPT, ticket,
			  ticket->why != NULL ? ticket->why : "look at the phone", &told->prompt);
	else
		g_clear_pointer(&told->prompt, g_free);
	if (parked && !told->parked)
		parked = tell_phone(look, RESCUE_NOTICE_PARKED, ticket);
	told->parked = parked;
}

static bool
tell_port(const Look *look, RescueNoticeKind kind, const char *label)
{
	RescueJson *event = begin_event(look, kind);
	g_auto(RescuePlaceHealth) place = { 0 };

	rescue_json_set_string(event, "slot", label);
	rescue_health_judge(look->station->health, RESCUE_PLACE_PORT, label, &place);
	rescue_json_set_string(event, "why", place.sentence);
	return look->sink(kind, event, look->data);
}

static void
look_at_port(const Look *look, size_t port)
{
	const char *label = rescue_layout_port(look->station->layout, port)->label;
	bool condemned = rescue_bench_is_condemned(look->station, port);
	bool told = g_hash_table_contains(look->noticer->ports, label);

	if (condemned == told ||
	    !tell_port(look, condemned ? RESCUE_NOTICE_QUARANTINE : RESCUE_NOTICE_RETEST, label))
		return;
	if (condemned)
		g_hash_table_add(look->noticer->ports, g_strdup(label));
	else
		g_hash_table_remove(look->noticer->ports, label);
}

/* phones that the station has forgotten; those it has not seen yet may come again */
static gboolean
is_forgotten(gpointer key, gpointer value, gpointer data)
{
	const Told *told = value;

	return told->seen && rescue_station_find(data, told->ecid) == NULL;
}

void
rescue_noticer_look(RescueNoticer *noticer, const RescueStation *station, int64_t wall_us,
		    RescueNoticeSink sink, void *data)
{
	const Look look = { noticer, station, wall_us, sink, data };

	for (unsigned i = 0; i < station->tickets->len; i++)
		look_at_phone(&look, g_ptr_array_index(station->tickets, i));
	for (size_t i = 0; i < station->layout->ports->len; i++)
		look_at_port(&look, i);
	(void)g_hash_table_foreach_remove(noticer->phones, is_forgotten, (gpointer)station);
}
