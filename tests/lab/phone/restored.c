/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * restored on port 62078 of a phone in restore mode. Requests come in any number and on any
 * connection; after StartRestore the same connection carries the messages of the restore
 * (libimobiledevice's restore.c).
 */

enum {
	PROTOCOL_VERSION = 14, /* iOS 11; from 14 on, operation numbers are today's */
	REBOOT_IN_MS = 500,    /* time for the host to hang up and start waiting */
};

typedef struct {
	LabChannel base;
	LabPace pace;
	GByteArray *in;
	LabRestore *restore; /* NULL until StartRestore */
	bool hung;
} Restored;

static void restored_received(LabChannel *channel, const void *data, size_t size);
static void restored_closed(LabChannel *channel);
static void restored_free(LabChannel *channel);

static const LabChannelClass restored_class = {
	.received = restored_received,
	.closed = restored_closed,
	.free = restored_free,
};

static plist_t
hardware_info(const LabPhone *phone)
{
	return lab_plist_dict("u:BoardID", (uint64_t)phone->id.bdid, "u:ChipID",
			      (uint64_t)phone->id.cpid, "u:UniqueChipID", phone->id.ecid,
			      "b:ProductionMode", (int)true, "b:SupportsImage4",
			      (int)lab_phone_is_image4(phone), "s:SerialNumber", phone->id.serial,
			      NULL);
}

/* libimobiledevice's restored_get_value() does not ask: it looks into the answer to QueryType */
static void
on_query_type(Restored *self, plist_t message)
{
	const LabPhone *phone = self->base.phone;
	g_autofree char *model = lab_service_hardware_model(phone);
	lab_plist_send(&self->base,
		       lab_plist_dict("s:Type", "com.apple.mobile.restored",
				      "u:RestoreProtocolVersion", (uint64_t)PROTOCOL_VERSION,
				      "s:SerialNumber", phone->id.serial, "s:HardwareModel", model,
				      "s:UniqueDeviceID", phone->id.udid, "s:ProductType",
				      phone->id.product, NULL));
}

static void
on_query_value(Restored *self, plist_t message)
{
	const char *key = lab_plist_string(message, "QueryKey");
	plist_t answer = lab_plist_dict("s:Result", "Success", NULL);
	if (g_strcmp0(key, "HardwareInfo") == 0)
		plist_dict_set_item(answer, key, hardware_info(self->base.phone));
	lab_plist_send(&self->base, answer);
}

static void
on_get_value(Restored *self, plist_t message)
{
	const char *key = lab_plist_string(message, "Key");
	plist_t values = hardware_info(self->base.phone);
	g_autofree char *model = lab_service_hardware_model(self->base.phone);
	plist_dict_set_item(values, "HardwareModel", plist_new_string(model));
	plist_t value = key != NULL ? plist_dict_get_item(values, key) : NULL;
	plist_t answer = value != NULL ? lab_plist_dict("s:Result", "Success", "p:Value",
							plist_copy(value), NULL)
				       : lab_plist_dict("s:Result", "Failure", NULL);
	plist_free(values);
	lab_plist_send(&self->base, answer);
}

static void
on_start_restore(Restored *self, plist_t message)
{
	LabRestore *other = lab_restored_current(self->base.phone);
	if (self->restore != NULL || (other != NULL && lab_restore_is_live(other))) {
		lab_plist_send(&self->base, lab_plist_dict("s:Result", "Failure", NULL));
		return;
	}
	self->restore = lab_restore_new(&self->base, lab_plist_item(message, "RestoreOptions"));
}

static void
on_reboot(Restored *self, plist_t message)
{
	LabPhone *phone = self->base.phone;
	lab_plist_send(&self->base, lab_plist_dict("s:Result", "Success", NULL));
	lab_service_leave(phone, lab_phone_boot_mode(phone), REBOOT_IN_MS);
}

static void
on_goodbye(Restored *self, plist_t message)
{
	lab_plist_send(&self->base, lab_plist_dict("s:Result", "Success", NULL));
}

static const struct {
	const char *request;
	bool begins; /* part of the handshake: LAB_AT_HANDSHAKE is passed */
	void (*handle)(Restored *self, plist_t message);
} handlers[] = {
	{ "QueryType", true, on_query_type }, { "QueryValue", false, on_query_value },
	{ "GetValue", false, on_get_value },  { "StartRestore", true, on_start_restore },
	{ "Reboot", false, on_reboot },       { "Goodbye", false, on_goodbye },
};

/*
 * StartRestore passes the point with one byte and QueryType with none: "after 1 B" means the
 * former.
 */
static bool
suffer(Restored *self, const char *request)
{
	bool starts = strcmp(request, "StartRestore") == 0;
	const LabFault *fault = lab_phone_pass(self->base.phone, LAB_AT_HANDSHAKE, starts ? 1 : 0);
	if (fault == NULL || fault->action == LAB_DO_NOTHING)
		return false;
	switch (fault->action) {
	case LAB_DO_HANG:
		self->hung = true;
		break;
	case LAB_DO_FAIL:
	case LAB_DO_FAIL_AND_CUT:
		lab_restore_report(&self->base, fault);
		break;
	case LAB_DO_GARBAGE:
		lab_plist_send(&self->base, lab_plist_dict("s:Frobnicate", "now", NULL));
		break;
	case LAB_DO_REFUSE:
		lab_channel_shut(&self->base);
		break;
	default: /* IGNORE and those that took the phone away */
		break;
	}
	return true;
}

static void
handle_request(Restored *self, const char *request, plist_t message)
{
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
		if (strcmp(handlers[i].request, request) != 0)
			continue;
		if (!handlers[i].begins || !suffer(self, request))
			handlers[i].handle(self, message);
		return;
	}
	lab_plist_send(&self->base, lab_plist_dict("s:Result", "Failure", NULL));
}

static void
on_message(LabChannel *channel, plist_t message)
{
	Restored *self = (Restored *)channel;
	const char *request = lab_plist_string(message, "Request");
	if (self->hung || (self->restore != NULL && lab_restore_is_hung(self->restore)))
		return;
	if (request != NULL)
		handle_request(self, request, message);
	else if (self->restore != NULL)
		lab_restore_message(self->restore, message);
}

static void
restored_received(LabChannel *channel, const void *data, size_t size)
{
	Restored *self = (Restored *)channel;
	lab_service_feed(channel, self->in, data, size, on_message);
	lab_pace_hold(&self->pace, size);
}

static void
restored_closed(LabChannel *channel)
{
	Restored *self = (Restored *)channel;
	lab_pace_stop(&self->pace);
	if (self->restore != NULL)
		lab_restore_cut(self->restore);
}

static void
restored_free(LabChannel *channel)
{
	Restored *self = (Restored *)channel;
	lab_restore_free(self->restore);
	g_byte_array_unref(self->in);
	g_free(self);
}

LabRestore *
lab_restored_current(LabPhone *phone)
{
	for (GList *item = phone->channels.tail; item != NULL; item = item->prev) {
		LabChannel *channel = item->data;
		if (channel->class == &restored_class && ((Restored *)channel)->restore != NULL)
			return ((Restored *)channel)->restore;
	}
	return NULL;
}

static LabChannel *
connect_restored(LabPhone *phone, pid_t pid)
{
	Restored *self = g_new0(Restored, 1);
	lab_channel_init(&self->base, &restored_class, phone, pid);
	self->pace.channel = &self->base;
	self->in = g_byte_array_new();
	lab_service_record(&self->base, "restored");
	return &self->base;
}

LabChannel *
lab_restored_connect(LabPhone *phone, uint16_t port, pid_t pid, const LabChannelOps *ops,
		     void *peer)
{
	switch (port) {
	case LAB_PORT_LOCKDOWN:
		return connect_restored(phone, pid);
	case LAB_PORT_ASR:
		return lab_asr_connect(phone, pid);
	case LAB_PORT_DATA:
		return lab_data_connect(phone, pid);
	case LAB_PORT_FDR:
	case LAB_PORT_FDR_CONN:
		return lab_fdr_connect(phone, port, pid);
	default:
		return NULL;
	}
}
