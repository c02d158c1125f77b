/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * lockdownd on port 62078 of a phone in normal mode: each request names itself in "Request" and the
 * answer repeats that name. There is no TLS: StartSession says so, and libimobiledevice then goes
 * on without.
 */

enum {
	ESCROW_BAG_SIZE = 32,
	RECOVERY_IN_MS = 600, /* time for the host to hang up and start waiting */
};

typedef struct {
	LabChannel base;
	GByteArray *in;
	char *session; /* id of the running session; NULL */
	bool hung;
} Lockdown;

/*
 * The public half of a key whose private half nobody kept: pairing only wants to certify something.
 */
static const char public_key[] =
    "-----BEGIN RSA PUBLIC KEY-----\n"
    "MIIBCgKCAQEAyEqAuZsXaO4eZwM/pybKlT90IoSEHoOr9yz92+pFCJ7mh8EQ2cvw\n"
    "mtGcjF7OkzvKRg9B4uBisNHqlygY4nLoq85htB2ChzbqjEY7forS0H6QnxAdioDC\n"
    "vskgpyXU+FgNJcnsbbv7VmludJqgPMumt/1Blf1rpqJRLurz3mfVEF9jaN5cW2p5\n"
    "bORVfcnfyG0G16SIi+Cvzo46tNTbnkDzCteH34BhxO+N/mkF1YrCY5apW9NQa1LR\n"
    "wu+BEbX9Bt57gHoVTy8lQza5qknIOZG23NQBzhb3dpymZ/9rsMVoSVyyc/xd4S3X\n"
    "d86ALvwt2ABNEpP0ukfTe8bjnemQs4pNuQIDAQAB\n"
    "-----END RSA PUBLIC KEY-----\n";

/* ---- values ---------------------------------------------------------------------------------- */

static const struct {
	const char *key, *value;
} same_for_all[] = {
	{ "CPUArchitecture", "arm64" }, { "DeviceColor", "1" },
	{ "DeviceName", "iPhone" },     { "FirmwareVersion", "iBoot-4076.30.43" },
	{ "ModelNumber", "MQAC2" },     { "PartitionType", "GUID_partition_scheme" },
	{ "ProductName", "iPhone OS" }, { "ProtocolVersion", "2" },
	{ "RegionInfo", "ZD/A" },       { "TimeZone", "Europe/Berlin" },
};

/* A locally administered address, different for each phone. */
static char *
radio_address(const LabPhone *phone, unsigned radio)
{
	uint64_t ecid = phone->id.ecid;
	return g_strdup_printf("02:%02x:%02x:%02x:%02x:%02x", (unsigned)(ecid >> 24 & 0xff),
			       (unsigned)(ecid >> 16 & 0xff), (unsigned)(ecid >> 8 & 0xff),
			       (unsigned)(ecid & 0xff), radio);
}

/* "iPhone" of "iPhone10,3" */
static char *
device_class(const LabPhone *phone)
{
	return g_strndup(phone->id.product, strcspn(phone->id.product, "0123456789"));
}

static void
set_string(plist_t values, const char *key, char *value)
{
	plist_dict_set_item(values, key, plist_new_string(value));
	g_free(value);
}

static void
set_bytes(plist_t values, const char *key, const void *data, size_t size)
{
	plist_dict_set_item(values, key, plist_new_data(data, size));
}

static void
add_identity(plist_t values, const LabPhone *phone)
{
	const LabIdentity *id = &phone->id;
	set_string(values, "ProductType", g_strdup(id->product));
	set_string(values, "HardwareModel", lab_service_hardware_model(phone));
	set_string(values, "HardwarePlatform", g_strdup_printf("t%04x", id->cpid));
	set_string(values, "DeviceClass", device_class(phone));
	set_string(values, "SerialNumber", g_strdup(id->serial));
	set_string(values, "UniqueDeviceID", g_strdup(id->udid));
	set_string(values, "WiFiAddress", radio_address(phone, 0));
	set_string(values, "BluetoothAddress", radio_address(phone, 1));
	plist_dict_set_item(values, "BoardId", plist_new_uint(id->bdid));
	plist_dict_set_item(values, "ChipID", plist_new_uint(id->cpid));
	plist_dict_set_item(values, "DieID", plist_new_uint(id->ecid));
	plist_dict_set_item(values, "UniqueChipID", plist_new_uint(id->ecid));
	plist_dict_set_item(values, "Image4Supported", plist_new_bool(lab_phone_is_image4(phone)));
	plist_dict_set_item(values, "ProductionSOC", plist_new_bool(true));
	plist_dict_set_item(values, "HasSiDP", plist_new_bool(false));
}

static void
add_state(plist_t values, const LabPhone *phone)
{
	set_string(values, "ProductVersion", g_strdup(phone->version));
	set_string(values, "BuildVersion", g_strdup(phone->build));
	set_string(values, "ActivationState",
		   g_strdup(phone->activated ? "Activated" : "Unactivated"));
	set_bytes(values, "ApNonce", phone->ap_nonce, phone->ap_nonce_size);
	set_bytes(values, "SEPNonce", phone->sep_nonce, sizeof phone->sep_nonce);
	set_bytes(values, "DevicePublicKey", public_key, strlen(public_key));
	plist_dict_set_item(values, "PasswordProtected", plist_new_bool(false));
	/* no FirmwarePreflightInfo: it is about the baseband, and this phone has none */
}

static plist_t
values_new(const LabPhone *phone)
{
	plist_t values = plist_new_dict();
	for (size_t i = 0; i < G_N_ELEMENTS(same_for_all); i++)
		set_string(values, same_for_all[i].key, g_strdup(same_for_all[i].value));
	add_identity(values, phone);
	add_state(values, phone);
	return values;
}

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
	/* the other domains exist, and have nothing in them here */
	plist_t values = domain == NULL ? values_new(self->base.phone) : plist_new_dict();
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
	plist_t pairing = lab_plist_item(message, "PairRecord");
	if (lab_plist_string(pairing, "HostID") == NULL) {
		refuse(&self->base, request, "InvalidPairRecord");
		return;
	}
	uint8_t bag[ESCROW_BAG_SIZE] = { 0 };
	memcpy(bag, &self->base.phone->id.ecid, sizeof self->base.phone->id.ecid);
	plist_t answer = lab_plist_dict("s:Request", request, "s:Result", "Success", NULL);
	set_bytes(answer, "EscrowBag", bag, sizeof bag);
	lab_plist_send(&self->base, answer);
}

static void
on_agree(Lockdown *self, const char *request, plist_t message)
{
	accept(&self->base, request);
}

static void
on_start_session(Lockdown *self, const char *request, plist_t message)
{
	if (lab_plist_string(message, "HostID") == NULL) {
		refuse(&self->base, request, "MissingHostID");
		return;
	}
	g_free(self->session);
	self->session = g_uuid_string_random();
	lab_plist_send(&self->base,
		       lab_plist_dict("s:Request", request, "s:Result", "Success", "s:SessionID",
				      self->session, "b:EnableSessionSSL", (int)false, NULL));
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
	refuse(&self->base, request, self->session == NULL ? "SessionInactive" : "InvalidService");
}

static void
on_enter_recovery(Lockdown *self, const char *request, plist_t message)
{
	LabPhone *phone = self->base.phone;
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
	{ "ValidatePair", on_pair },
	{ "Unpair", on_agree },
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
	g_free(self);
}

LabChannel *
lab_lockdown_connect(LabPhone *phone, uint16_t port, pid_t pid, const LabChannelOps *ops,
		     void *peer)
{
	static const LabChannelClass class = { .received = lockdown_received,
					       .free = lockdown_free };

	if (port != LAB_PORT_LOCKDOWN)
		return NULL;
	Lockdown *self = g_new0(Lockdown, 1);
	lab_channel_init(&self->base, &class, phone, pid);
	self->in = g_byte_array_new();
	lab_service_record(&self->base, "lockdown");
	return &self->base;
}
