/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/events.h"

#include <string.h>

#include "core/base/parse.h"

#define RETRY_MS 1000

typedef struct {
	char *text; /* whole, as sent */
	bool job;
} Event;

struct RescueEvents {
	char *epoch;
	Event *ring;
	size_t capacity;
	uint64_t next;      /* number of the event that comes; from 1 */
	GPtrArray *clients; /* borrowed */
};

struct RescueEventClient {
	RescueEvents *events;
	bool jobs;
	uint64_t next; /* number of the event it gets next */
	char *text;    /* what it is being sent; NULL: nothing */
	size_t sent;
	RescueEventWake wake;
	void *data;
};

RescueEvents *
rescue_events_new(const char *epoch, size_t capacity)
{
	RescueEvents *events = g_new(RescueEvents, 1);

	*events = (RescueEvents){
		.epoch = g_strdup(epoch),
		.ring = g_new0(Event, capacity),
		.capacity = capacity,
		.next = 1,
		.clients = g_ptr_array_new(),
	};
	return events;
}

void
rescue_events_free(RescueEvents *events)
{
	if (events == NULL)
		return;
	for (size_t i = 0; i < events->capacity; i++)
		g_free(events->ring[i].text);
	g_free(events->ring);
	g_free(events->epoch);
	g_ptr_array_unref(events->clients);
	g_free(events);
}

static void
wake_all(RescueEvents *events)
{
	for (unsigned i = 0; i < events->clients->len; i++) {
		RescueEventClient *client = g_ptr_array_index(events->clients, i);
		client->wake(client, client->data);
	}
}

void
rescue_events_push(RescueEvents *events, const char *name, const char *data, bool job)
{
	Event *event = &events->ring[events->next % events->capacity];

	g_free(event->text);
	event->text = g_strdup_printf("id: %s-%" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n",
				      events->epoch, events->next, name, data);
	event->job = job;
	events->next++;
	wake_all(events);
}

char *
rescue_events_cursor(const RescueEvents *events)
{
	return g_strdup_printf("%s-%" G_GUINT64_FORMAT, events->epoch, events->next - 1);
}

size_t
rescue_events_count(const RescueEvents *events)
{
	return events->clients->len;
}

static uint64_t
oldest(const RescueEvents *events)
{
	return events->next > events->capacity ? events->next - events->capacity : 1;
}

/* The event behind `last_id`; 0: it cannot be gone on from there. */
static uint64_t
find_next(const RescueEvents *events, const char *last_id)
{
	const char *dash = strrchr(last_id, '-');
	size_t length = strlen(events->epoch);
	uint64_t number;

	if (dash == NULL || (size_t)(dash - last_id) != length ||
	    strncmp(last_id, events->epoch, length) != 0)
		return 0;
	if (!rescue_parse_uint(dash + 1, 0, events->next - 1, &number, NULL))
		return 0;
	return number + 1 >= oldest(events) ? number + 1 : 0;
}

static void
resync(RescueEventClient *client)
{
	g_autofree char *cursor = rescue_events_cursor(client->events);

	client->text = g_strdup_printf("retry: %d\nid: %s\nevent: resync\ndata: {}\n\n", RETRY_MS,
				       cursor);
	client->next = client->events->next;
}

RescueEventClient *
rescue_events_join(RescueEvents *events, const char *last_id, bool jobs, RescueEventWake wake,
		   void *data)
{
	RescueEventClient *client = g_new(RescueEventClient, 1);

	*client = (RescueEventClient){
		.events = events,
		.jobs = jobs,
		.next = last_id != NULL ? find_next(events, last_id) : events->next,
		.wake = wake,
		.data = data,
	};
	if (client->next == 0)
		resync(client);
	else
		client->text = g_strdup_printf("retry: %d\n\n", RETRY_MS);
	g_ptr_array_add(events->clients, client);
	return client;
}

void
rescue_events_leave(RescueEventClient *client)
{
	(void)g_ptr_array_remove(client->events->clients, client);
	g_free(client->text);
	g_free(client);
}

static void
take_next(RescueEventClient *client)
{
	RescueEvents *events = client->events;

	if (client->next < oldest(events)) {
		resync(client);
		return;
	}
	while (client->text == NULL && client->next < events->next) {
		const Event *event = &events->ring[client->next++ % events->capacity];
		if (client->jobs || !event->job)
			client->text = g_strdup(event->text);
	}
}

/* of the event at hand */
static size_t
read_one(RescueEventClient *client, char *buffer, size_t max)
{
	size_t left, n;

	if (client->text == NULL) {
		client->sent = 0;
		take_next(client);
	}
	if (client->text == NULL)
		return 0;
	left = strlen(client->text) - client->sent;
	n = MIN(left, max);
	memcpy(buffer, client->text + client->sent, n);
	client->sent += n;
	if (n == left) {
		g_clear_pointer(&client->text, g_free);
		client->sent = 0;
	}
	return n;
}

size_t
rescue_events_read(RescueEventClient *client, char *buffer, size_t max)
{
	size_t done = 0, n;

	do {
		n = read_one(client, buffer + done, max - done);
		done += n;
	} while (n > 0 && done < max);
	return done;
}

void
rescue_events_beat(RescueEvents *events)
{
	for (unsigned i = 0; i < events->clients->len; i++) {
		RescueEventClient *client = g_ptr_array_index(events->clients, i);
		if (client->text != NULL || client->next != events->next)
			continue;
		client->text = g_strdup("event: beat\ndata: {}\n\n");
		client->wake(client, client->data);
	}
}
