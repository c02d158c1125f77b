/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/lockdown.h"

#include <string.h>

#include "tests/lab/phone/pairing.h"
#include "tests/lab/phone/restore-internal.h"

/*
 * What lockdownd knows of its phone, by domain. What belongs to the owner it tells in sessions only; of the rest a
 * real one
 * tells strangers less.
 */

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
	plist_dict_set_item(values, "PasswordProtected", plist_new_bool(phone->condition.locked));
	plist_dict_set_item(values, "HasSiDP",
			    plist_new_bool(phone->condition.passcode != LAB_PASSCODE_NONE));
	plist_t preflight = lab_baseband_preflight(phone);
	plist_dict_set_item(values, "TelephonyCapability", plist_new_bool(preflight != NULL));
	if (preflight != NULL)
		plist_dict_set_item(values, "FirmwarePreflightInfo", preflight);
}

/* the key is drawn only for those who ask for it: that takes a moment */
static plist_t
plain_values(const LabPhone *phone, const char *key)
{
	plist_t values = plist_new_dict();
	for (size_t i = 0; i < G_N_ELEMENTS(same_for_all); i++)
		set_string(values, same_for_all[i].key, g_strdup(same_for_all[i].value));
	add_identity(values, phone);
	add_state(values, phone);
	if (key == NULL || strcmp(key, "DevicePublicKey") == 0) {
		const char *pem = lab_pairing_public_key((LabPhone *)phone);
		set_bytes(values, "DevicePublicKey", pem, strlen(pem));
	}
	return values;
}

static plist_t
battery_values(const LabPhone *phone, const char *key)
{
	plist_t values = plist_new_dict();
	plist_dict_set_item(values, "BatteryCurrentCapacity",
			    plist_new_uint(phone->condition.battery));
	plist_dict_set_item(values, "BatteryIsCharging", plist_new_bool(true));
	plist_dict_set_item(values, "FullyCharged",
			    plist_new_bool(phone->condition.battery >= 100));
	return values;
}

/*
 * Before it is activated a phone says off, whoever it belongs to; but some have been seen that go on saying the old
 * thing.
 */
static plist_t
find_my_values(const LabPhone *phone, const char *key)
{
	LabFindMy find_my = phone->condition.find_my;
	bool on = find_my == LAB_FIND_MY_ON_FALSELY ||
		  (find_my == LAB_FIND_MY_ON && phone->activated);
	return lab_plist_dict("b:IsAssociated", (int)on, NULL);
}

/* a variable of the boot loader outlives an erase */
static plist_t
boot_variables(const LabPhone *phone)
{
	const char *locked = phone->condition.find_my != LAB_FIND_MY_OFF ? "YES" : "NO";
	plist_t variables = plist_new_dict();
	set_bytes(variables, "fm-activation-locked", locked, strlen(locked));
	set_bytes(variables, "auto-boot", "true", strlen("true"));
	return variables;
}

static plist_t
supervision_values(const LabPhone *phone, const char *key)
{
	bool supervised = phone->condition.supervised && phone->activated;
	return lab_plist_dict("b:DeviceIsChaperoned", (int)supervised, NULL);
}

static const struct {
	const char *domain;
	plist_t (*values)(const LabPhone *phone, const char *key);
	bool in_sessions; /* only there */
} domains[] = {
	{ "com.apple.mobile.battery", battery_values, false },
	{ "com.apple.fmip", find_my_values, true },
	{ "com.apple.mobile.chaperone", supervision_values, true },
};

plist_t
lab_lockdown_values(const LabPhone *phone, const char *domain, const char *key, bool in_session)
{
	if (domain == NULL) {
		plist_t values = plain_values(phone, key);
		if (in_session)
			plist_dict_set_item(values, "NonVolatileRAM", boot_variables(phone));
		return values;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(domains); i++) {
		if (strcmp(domains[i].domain, domain) == 0 &&
		    (in_session || !domains[i].in_sessions))
			return domains[i].values(phone, key);
	}
	return plist_new_dict(); /* the others exist, and have nothing in them here */
}
