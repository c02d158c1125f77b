/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * A port for one answer: newer phones have some of what they ask for sent beside the restore's own conversation,
 * named by
 * DataPort in the request. What comes is a property list as elsewhere, or, for a bundle, an archive up to its
 * trailer.
 */

enum { TAIL_MAX = 512 };

typedef struct {
	LabChannel base;
	LabPace pace;
	bool stream;
	GByteArray *in; /* of a stream: its end only */
} Data;

static const char trailer[] = "TRAILER!!!";

static void
on_answer(LabChannel *channel, plist_t message)
{
	LabRestore *restore = lab_restored_current(channel->phone);
	if (restore != NULL)
		lab_restore_message(restore, message);
}

static void
take_stream(Data *self, const void *data, size_t size)
{
	LabRestore *restore = lab_restored_current(self->base.phone);
	g_byte_array_append(self->in, data, (guint)size);
	bool ends = memmem(self->in->data, self->in->len, trailer, strlen(trailer)) != NULL;
	if (self->in->len > TAIL_MAX)
		g_byte_array_remove_range(self->in, 0, self->in->len - TAIL_MAX);
	if (ends && restore != NULL)
		lab_restore_stream_done(restore);
}

static void
data_received(LabChannel *channel, const void *data, size_t size)
{
	Data *self = (Data *)channel;
	if (self->stream)
		take_stream(self, data, size);
	else
		lab_service_feed(channel, self->in, data, size, on_answer);
	lab_pace_hold(&self->pace, size);
}

static void
data_closed(LabChannel *channel)
{
	lab_pace_stop(&((Data *)channel)->pace);
}

static void
data_free(LabChannel *channel)
{
	Data *self = (Data *)channel;
	g_byte_array_unref(self->in);
	g_free(self);
}

LabChannel *
lab_data_connect(LabPhone *phone, pid_t pid)
{
	static const LabChannelClass class = { .received = data_received,
					       .closed = data_closed,
					       .free = data_free };

	LabRestore *restore = lab_restored_current(phone);
	if (restore == NULL || !lab_restore_is_live(restore))
		return NULL;
	Data *self = g_new0(Data, 1);
	lab_channel_init(&self->base, &class, phone, pid);
	self->pace.channel = &self->base;
	self->in = g_byte_array_new();
	self->stream = lab_restore_wants(restore, "BootabilityBundle");
	lab_service_record(&self->base, "data");
	return &self->base;
}
