/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/internal.h"
#include "tests/lab/phone/pairing.h"
#include "tests/lab/phone/tls.h"

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
	if (--channel->refs > 0)
		return;
	g_clear_pointer(&channel->tls, lab_tls_free);
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

static void
send_bare(void *self, const void *data, size_t size)
{
	LabChannel *channel = self;
	if (!channel->gone && channel->ops != NULL)
		channel->ops->send(channel->self, data, size);
}

void
lab_channel_send(LabChannel *channel, const void *data, size_t size)
{
	if (channel->tls != NULL)
		lab_tls_send(channel->tls, data, size);
	else
		send_bare(channel, data, size);
}

void
lab_channel_secure(LabChannel *channel, const LabTrusted *trusted)
{
	const LabTlsSpec spec = { .certificate = trusted->certificate,
				  .key = lab_pairing_private_key(channel->phone),
				  .host_root = trusted->root,
				  .push = send_bare,
				  .self = channel };
	g_clear_pointer(&channel->tls, lab_tls_free);
	channel->tls = lab_tls_new(&spec);
	if (channel->tls == NULL)
		lab_channel_shut(channel);
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

static void
receive_secured(LabChannel *channel, const void *data, size_t size)
{
	g_autoptr(GByteArray) plain = g_byte_array_new();
	g_autoptr(GByteArray) rest = g_byte_array_new();
	LabTlsState state = lab_tls_received(channel->tls, data, size, plain, rest);
	if (plain->len > 0)
		channel->class->received(channel, plain->data, plain->len);
	if (state == LAB_TLS_FAILED)
		lab_channel_shut(channel);
	if (state == LAB_TLS_CLOSED)
		g_clear_pointer(&channel->tls, lab_tls_free);
	if (rest->len > 0 && !channel->gone)
		channel->class->received(channel, rest->data, rest->len);
}

void
lab_channel_received(LabChannel *channel, const void *data, size_t size)
{
	if (channel->gone)
		return;
	lab_channel_ref(channel);
	channel->phone->talker = channel->pid;
	if (channel->tls != NULL)
		receive_secured(channel, data, size);
	else
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
