/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/internal.h"

/* The base of every service's connection: who may be called when, and when the memory goes. */

void
lab_channel_init(LabChannel *channel, const LabChannelClass *class, LabPhone *phone, pid_t pid)
{
	channel->class = class;
	channel->phone = phone;
	channel->pid = pid;
	channel->refs = 1;
	channel->gone = false;
	g_queue_push_tail(&phone->channels, channel);
}

LabChannel *
lab_channel_ref(LabChannel *channel)
{
	channel->refs++;
	return channel;
}

void
lab_channel_unref(LabChannel *channel)
{
	g_assert(channel->refs > 0);
	if (--channel->refs == 0)
		channel->class->free(channel);
}

/* from now on neither side is called; the attachment still owes us lab_channel_closed() */
static void
part(LabChannel *channel)
{
	if (channel->gone)
		return;
	channel->gone = true;
	g_queue_remove(&channel->phone->channels, channel);
	if (channel->class->closed != NULL)
		channel->class->closed(channel);
}

void
lab_channel_send(LabChannel *channel, const void *data, size_t size)
{
	if (!channel->gone && channel->ops != NULL)
		channel->ops->send(channel->self, data, size);
}

void
lab_channel_shut(LabChannel *channel)
{
	if (channel->gone)
		return;
	lab_channel_ref(channel);
	part(channel);
	if (channel->ops != NULL)
		channel->ops->close(channel->self);
	lab_channel_unref(channel);
}

void
lab_channel_set_reading(LabChannel *channel, bool on)
{
	if (!channel->gone && channel->ops != NULL)
		channel->ops->set_reading(channel->self, on);
}

LabChannel *
lab_phone_connect(LabPhone *phone, uint16_t port, pid_t pid, const LabChannelOps *ops, void *self)
{
	LabChannel *channel = NULL;
	if (phone->mode == LAB_MODE_NORMAL)
		channel = lab_lockdown_connect(phone, port, pid, ops, self);
	else if (phone->mode == LAB_MODE_RESTORE)
		channel = lab_restored_connect(phone, port, pid, ops, self);
	if (channel != NULL) {
		channel->ops = ops;
		channel->self = self;
	}
	return channel;
}

void
lab_channel_received(LabChannel *channel, const void *data, size_t size)
{
	if (channel->gone)
		return;
	lab_channel_ref(channel);
	channel->class->received(channel, data, size);
	lab_channel_unref(channel);
}

void
lab_channel_closed(LabChannel *channel)
{
	part(channel);
	channel->ops = NULL;
	channel->self = NULL;
	lab_channel_unref(channel);
}
