/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/pairing.h"
#include "tests/lab/phone/services.h"

/*
 * com.apple.preboardservice_v2: before an update, a phone with a passcode may be asked to keep a token by which its
 * data can
 * be opened afterwards (a stashbag). It shows a dialog, and somebody has to type (libimobiledevice's preboard.c).
 */

typedef struct {
	LabChannel base;
	GByteArray *in;
	unsigned typing; /* source: the passcode has been typed */
} Preboard;

static gboolean
on_typed(void *data)
{
	Preboard *self = data;
	self->typing = 0;
	lab_plist_send(&self->base, lab_plist_dict("b:HideDialog", (int)true, NULL));
	return G_SOURCE_REMOVE;
}

static void
create(Preboard *self)
{
	const LabCondition *condition = &self->base.phone->condition;
	if (condition->passcode == LAB_PASSCODE_NONE) {
		lab_plist_send(&self->base, lab_plist_dict("b:Skip", (int)true, NULL));
		return;
	}
	lab_plist_send(&self->base, lab_plist_dict("b:ShowDialog", (int)true, NULL));
	if (condition->passcode == LAB_PASSCODE_TYPED && self->typing == 0)
		self->typing = g_timeout_add(condition->passcode_ms, on_typed, self);
	else if (condition->passcode == LAB_PASSCODE_WRONG)
		lab_plist_send(&self->base, lab_plist_dict("b:Error", (int)true, "s:ErrorString",
							   "wrong passcode", NULL));
	else if (condition->passcode == LAB_PASSCODE_IGNORED)
		lab_plist_send(&self->base, lab_plist_dict("b:Timeout", (int)true, NULL));
}

static void
on_message(LabChannel *channel, plist_t message)
{
	Preboard *self = (Preboard *)channel;
	const char *command = lab_plist_string(message, "Command");
	if (g_strcmp0(command, "CreateStashbag") == 0)
		create(self);
	else if (g_strcmp0(command, "CommitStashbag") == 0)
		lab_plist_send(channel,
			       lab_plist_dict("b:StashbagCommitComplete", (int)true, NULL));
}

static void
preboard_received(LabChannel *channel, const void *data, size_t size)
{
	lab_service_feed(channel, ((Preboard *)channel)->in, data, size, on_message);
}

static void
preboard_closed(LabChannel *channel)
{
	g_clear_handle_id(&((Preboard *)channel)->typing, g_source_remove);
}

static void
preboard_free(LabChannel *channel)
{
	Preboard *self = (Preboard *)channel;
	g_byte_array_unref(self->in);
	g_free(self);
}

LabChannel *
lab_preboard_connect(LabPhone *phone, pid_t pid)
{
	static const LabChannelClass class = { .received = preboard_received,
					       .closed = preboard_closed,
					       .free = preboard_free };

	Preboard *self = g_new0(Preboard, 1);
	lab_channel_init(&self->base, &class, phone, pid);
	self->in = g_byte_array_new();
	lab_service_record(&self->base, "preboard");
	const LabTrusted *host = lab_pairing_find(phone, phone->service_host);
	if (host != NULL)
		lab_channel_secure(&self->base, host);
	return &self->base;
}
