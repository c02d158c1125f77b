/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/services.h"

#include <string.h>

void
lab_service_record(LabChannel *channel, const char *service)
{
	g_autofree char *comm = lab_record_comm(channel->pid);
	lab_record_event(channel->phone->record, channel->phone->id.name, "session", "s:service",
			 service, "i:pid", (int64_t)channel->pid, "s:comm", comm, NULL);
}

void
lab_service_feed(LabChannel *channel, GByteArray *buffer, const void *data, size_t size,
		 void (*handle)(LabChannel *channel, plist_t message))
{
	g_byte_array_append(buffer, data, (guint)size);
	LabPlistState state = LAB_PLIST_READY;
	while (!channel->gone && state == LAB_PLIST_READY) {
		g_auto(plist_t) message = NULL;
		state = lab_plist_take(buffer, &message);
		if (state == LAB_PLIST_READY)
			handle(channel, message);
	}
	if (state == LAB_PLIST_JUNK)
		lab_channel_shut(channel);
}

static gboolean
on_paced(void *data)
{
	LabPace *pace = data;
	pace->source = 0;
	lab_channel_set_reading(pace->channel, true);
	return G_SOURCE_REMOVE;
}

void
lab_pace_hold(LabPace *pace, uint64_t bytes)
{
	if (pace->channel->gone)
		return;
	int64_t arrived = lab_phone_link_carry(pace->channel->phone, bytes);
	int64_t wait_ms = (arrived - g_get_monotonic_time()) / (G_USEC_PER_SEC / 1000);
	lab_pace_stop(pace);
	if (wait_ms <= 0)
		return;
	lab_channel_set_reading(pace->channel, false);
	pace->source = g_timeout_add((unsigned)wait_ms, on_paced, pace);
}

void
lab_pace_stop(LabPace *pace)
{
	g_clear_handle_id(&pace->source, g_source_remove);
}

LabChannel *
lab_service_find(LabPhone *phone, const LabChannelClass *class)
{
	for (GList *item = phone->channels.tail; item != NULL; item = item->prev) {
		LabChannel *channel = item->data;
		if (channel->class == class)
			return channel;
	}
	return NULL;
}

static gboolean
on_leave(void *data)
{
	LabPhone *phone = data;
	phone->departure = 0;
	lab_phone_go(phone, phone->comeback_mode, phone->boot_ms);
	return G_SOURCE_REMOVE;
}

void
lab_service_leave(LabPhone *phone, LabMode mode, unsigned in_ms)
{
	g_clear_handle_id(&phone->departure, g_source_remove);
	phone->comeback_mode = mode;
	phone->comeback_stage = LAB_STAGE_IBOOT;
	phone->departure = g_timeout_add(in_ms, on_leave, phone);
}

char *
lab_service_hardware_model(const LabPhone *phone)
{
	return g_ascii_strup(phone->id.board, -1);
}
