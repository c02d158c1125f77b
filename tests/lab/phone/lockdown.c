/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/lockdown.h"
#include "tests/lab/phone/pairing.h"
#include "tests/lab/phone/services.h"
#include "tests/lab/scenario/hardware.h"

/*
 * lockdownd on port 62078 of a phone in normal mode: each request names itself in "Request" and the answer repeats
 * that
 * name. A session is for hosts the phone trusts, and runs in TLS with the certificates of the pairing.
 */

enum {
	ESCROW_BAG_SIZE = 32,
	RECOVERY_IN_MS = 600, /* time for the host to hang up and start waiting */
};

typedef struct {
	LabChannel base;
	GByteArray *in;
	char *session; /* id of the running session; NULL */
	char *host_id; /* whose session it is */
	bool hung;
} Lockdown;

/* ---- requests -------------------------------------------------------------------------------- */

static void
refuse(LabChannel *channel, const char *request, const char *why)
{
	lab_plist_send(channel, lab_plist_dict("s:Request", request, "s:Error", why, NULL));
}

static void
accept(LabChannel *channel, const char *request)
{
	lab_plist_send(channel, lab_plist_dict("s:Request", request, "s:Result", "Success", NULL));
}

static void
on_query_type(Lockdown *self, const char *request, plist_t message)
{
	lab_plist_send(&self->base, lab_plist_dict("s:Request", request, "s:Result", "Success",
						   "s:Type", "com.apple.mobile.lockdown", NULL));
}

static void
on_get_value(Lockdown *self, const char *request, plist_t message)
{
	const char *domain = lab_plist_string(message, "Domain");
	const char *key = lab_plist_string(message, "Key");
	plist_t values = lab_lockdown_values(self->base.phone, domain, key, self->session != NULL);
	plist_t value = key == NULL ? values : plist_dict_get_item(values, key);
	if (value == NULL) {
		plist_free(values);
		refuse(&self->base, request, "MissingValue");
		return;
	}
	plist_t answer = lab_plist_dict("s:Request", request, "s:Result", "Success", "p:Value",
					plist_copy(value), NULL);
	if (key != NULL)
		plist_dict_set_item(answer, "Key", plist_new_string(key));
	plist_free(values);
	lab_plist_send(&self->base, answer);
}

static void
on_pair(Lockdown *self, const char *request, plist_t message)
{
	LabPhone *phone = self->base.phone;
	plist_t pairing = lab_plist_item(message, "PairRecord");
	bool known = lab_pairing_find(phone, lab_plist_string(pairing, "HostID")) != NULL;
	const char *objection = known ? NULL : lab_pairing_objection(phone);
	if (objection == NULL && !known && !lab_pairing_trust(phone, pairing))
		objection = "InvalidPairRecord";
	if (objection != NULL) {
		refuse(&self->base, request, objection);
		return;
	}
	uint8_t bag[ESCROW_BAG_SIZE] = { 0 };
	memcpy(bag, &phone->id.ecid, sizeof phone->id.ecid);
	plist_t answer = lab_plist_dict("s:Request", request, "s:Result", "Success", NULL);
	plist_dict_set_item(answer, "EscrowBag", plist_new_data((char *)bag, sizeof bag));
	lab_plist_send(&self->base, answer);
}

static void
on_validate_pair(Lockdown *self, const char *request, plist_t message)
{
	plist_t pairing = lab_plist_item(message, "PairRecord");
	if (lab_pairing_find(self->base.phone, lab_plist_string(pairing, "HostID")) != NULL)
		accept(&self->base, request);
	else
		refuse(&self->base, request, "InvalidHostID");
}

static void
on_unpair(Lockdown *self, const char *request, plist_t message)
{
	plist_t pairing = lab_plist_item(message, "PairRecord");
	lab_pairing_forget(self->base.phone, lab_plist_string(pairing, "HostID"));
	accept(&self->base, request);
}

static void
on_agree(Lockdown *self, const char *request, plist_t message)
{
	accept(&self->base, request);
}

static void
on_start_session(Lockdown *self, const char *request, plist_t message)
{
	const char *host_id = lab_plist_string(message, "HostID");
	const LabTrusted *host = lab_pairing_find(self->base.phone, host_id);
	if (host == NULL) {
		refuse(&self->base, request, host_id == NULL ? "MissingHostID" : "InvalidHostID");
		return;
	}
	g_free(self->session);
	g_free(self->host_id);
	self->session = g_uuid_string_random();
	self->host_id = g_strdup(host_id);
	lab_plist_send(&self->base,
		       lab_plist_dict("s:Request", request, "s:Result", "Success", "s:SessionID",
				      self->session, "b:EnableSessionSSL", (int)true, NULL));
	lab_channel_secure(&self->base, host);
}

static void
on_stop_session(Lockdown *self, const char *request, plist_t message)
{
	if (self->session == NULL ||
	    g_strcmp0(lab_plist_string(message, "SessionID"), self->session) != 0) {
		refuse(&self->base, request, "InvalidSessionID");
		return;
	}
	g_clear_pointer(&self->session, g_free);
	accept(&self->base, request);
}

static void
on_start_service(Lockdown *self, const char *request, plist_t message)
{
	static const char preboard[] = "com.apple.preboardservice_v2";
	LabPhone *phone = self->base.phone;
	const char *service = lab_plist_string(message, "Service");
	const char *objection = self->session == NULL               ? "SessionInactive"
				: phone->condition.locked           ? "PasswordProtected"
				: g_strcmp0(service, preboard) != 0 ? "InvalidService"
								    : NULL;
	if (objection != NULL) {
		refuse(&self->base, request, objection);
		return;
	}
	g_free(phone->service_host);
	phone->service_host = g_strdup(self->host_id);
	lab_plist_send(&self->base,
		       lab_plist_dict("s:Request", request, "s:Result", "Success", "s:Service",
				      service, "u:Port", (uint64_t)LAB_PORT_PREBOARD,
				      "b:EnableServiceSSL", (int)true, NULL));
}

static void
on_enter_recovery(Lockdown *self, const char *request, plist_t message)
{
	LabPhone *phone = self->base.phone;
	if (self->session == NULL && lab_build_wants_pairing(phone->build)) {
		refuse(&self->base, request, "SessionInactive");
		return;
	}
	accept(&self->base, request);
	/*
	 * lockdownd does it by this variable: the phone stays in recovery until someone sets it
	 * again
	 */
	lab_phone_set_autoboot(phone, false);
	lab_service_leave(phone, LAB_MODE_RECOVERY, RECOVERY_IN_MS);
}

static const struct {
	const char *request;
	void (*handle)(Lockdown *self, const char *request, plist_t message);
} handlers[] = {
	{ "QueryType", on_query_type },
	{ "GetValue", on_get_value },
	{ "Pair", on_pair },
	{ "ValidatePair", on_validate_pair },
	{ "Unpair", on_unpair },
	{ "StartSession", on_start_session },
	{ "StopSession", on_stop_session },
	{ "StartService", on_start_service },
	{ "EnterRecovery", on_enter_recovery },
	{ "Goodbye", on_agree },
};

/* True when a fault has dealt with the request. */
static bool
suffer(Lockdown *self, const char *request)
{
	const LabFault *fault = lab_phone_pass(self->base.phone, LAB_AT_LOCKDOWN, 0);
	if (fault == NULL || fault->action == LAB_DO_NOTHING)
		return false;
	switch (fault->action) {
	case LAB_DO_HANG:
		self->hung = true;
		break;
	case LAB_DO_REFUSE:
		lab_channel_shut(&self->base);
		break;
	case LAB_DO_FAIL:
		refuse(&self->base, request, "PasswordProtected");
		break;
	case LAB_DO_GARBAGE:
		lab_plist_send(&self->base, plist_new_dict());
		break;
	default: /* IGNORE and those that took the phone away */
		break;
	}
	return true;
}

static void
on_message(LabChannel *channel, plist_t message)
{
	Lockdown *self = (Lockdown *)channel;
	const char *request = lab_plist_string(message, "Request");
	if (self->hung || request == NULL || suffer(self, request))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
		if (strcmp(handlers[i].request, request) == 0) {
			handlers[i].handle(self, request, message);
			return;
		}
	}
	refuse(channel, request, "UnknownRequest");
}

static void
lockdown_received(LabChannel *channel, const void *data, size_t size)
{
	Lockdown *self = (Lockdown *)channel;
	lab_service_feed(channel, self->in, data, size, on_message);
}

static void
lockdown_free(LabChannel *channel)
{
	Lockdown *self = (Lockdown *)channel;
	g_byte_array_unref(self->in);
	g_free(self->session);
	g_free(self->host_id);
	g_free(self);
}

LabChannel *
lab_lockdown_connect(LabPhone *phone, uint16_t port, pid_t pid, const LabChannelOps *ops,
		     void *peer)
{
	static const LabChannelClass class = { .received = lockdown_received,
					       .free = lockdown_free };

	if (port == LAB_PORT_PREBOARD && phone->service_host != NULL)
		return lab_preboard_connect(phone, pid);
	if (port != LAB_PORT_LOCKDOWN)
		return NULL;
	Lockdown *self = g_new0(Lockdown, 1);
	lab_channel_init(&self->base, &class, phone, pid);
	self->in = g_byte_array_new();
	lab_service_record(&self->base, "lockdown");
	return &self->base;
}
