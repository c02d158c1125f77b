/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/lockdown.h"

#include <stdlib.h>
#include <string.h>

#include <usbmuxd.h>

#define MAX_STATE 64  /* of the longest ActivationState that is kept */
#define FULL      100 /* percent */

/* ---- values -------------------------------------------------------------------------------------- */

void
rescue_plist_clear(RescuePlist *plist)
{
	if (*plist != NULL)
		plist_free(*plist);
}

void
rescue_lockdown_clear(RescueLockdown *client)
{
	if (*client != NULL)
		(void)lockdownd_client_free(*client); /* a device that left cannot say goodbye */
}

char *
rescue_plist_take_text(char *foreign)
{
	char *text = foreign != NULL ? g_utf8_make_valid(foreign, -1) : NULL;
	free(foreign);
	return text;
}

bool
rescue_plist_read_uint(plist_t node, uint64_t *ret_value)
{
	if (node == NULL || plist_get_node_type(node) != PLIST_UINT)
		return false;
	plist_get_uint_val(node, ret_value);
	return true;
}

char *
rescue_plist_read_text(plist_t node)
{
	char *text = NULL;
	if (node != NULL && plist_get_node_type(node) == PLIST_STRING)
		plist_get_string_val(node, &text);
	return rescue_plist_take_text(text);
}

/** One of lockdownd's values; false when it is not told. Caller clears. */
static bool
get_value(lockdownd_client_t client, const char *domain, const char *key, RescuePlist *ret_value)
{
	return lockdownd_get_value(client, domain, key, ret_value) == LOCKDOWN_E_SUCCESS &&
	       *ret_value != NULL;
}

char *
rescue_lockdown_get_text(lockdownd_client_t client, const char *key)
{
	g_auto(RescuePlist) value = NULL;
	return get_value(client, NULL, key, &value) ? rescue_plist_read_text(value) : NULL;
}

uint64_t
rescue_lockdown_get_uint(lockdownd_client_t client, const char *key)
{
	g_auto(RescuePlist) value = NULL;
	uint64_t number = 0;
	(void)(get_value(client, NULL, key, &value) &&
	       rescue_plist_read_uint(value, &number)); /* stays 0 */
	return number;
}

unsigned
rescue_lockdown_get_battery(lockdownd_client_t client)
{
	g_auto(RescuePlist) value = NULL;
	uint64_t percent = 0;
	if (!get_value(client, "com.apple.mobile.battery", "BatteryCurrentCapacity", &value) ||
	    !rescue_plist_read_uint(value, &percent) || percent > FULL)
		return 0;
	return (unsigned)percent;
}

/* ---- the owner ----------------------------------------------------------------------------------- */

static RescueAnswer
read_bool(plist_t node)
{
	uint8_t yes = 0;
	if (node == NULL || plist_get_node_type(node) != PLIST_BOOLEAN)
		return RESCUE_ANSWER_UNKNOWN;
	plist_get_bool_val(node, &yes);
	return yes != 0 ? RESCUE_ANSWER_ON : RESCUE_ANSWER_OFF;
}

static bool
has_bytes(plist_t data, const char *word)
{
	char *bytes = NULL;
	uint64_t size = 0;
	plist_get_data_val(data, &bytes, &size);
	bool equal = bytes != NULL && size >= strlen(word) &&
		     memcmp(bytes, word, strlen(word)) == 0;
	free(bytes);
	return equal;
}

/* the boot loader's variable, "YES" or "NO" in bytes; ideviceinfo shows them in base64, as WUVT */
static RescueAnswer
read_variable(plist_t variables)
{
	plist_t node = variables != NULL && plist_get_node_type(variables) == PLIST_DICT
			   ? plist_dict_get_item(variables, "fm-activation-locked")
			   : NULL;
	if (node == NULL || plist_get_node_type(node) != PLIST_DATA)
		return RESCUE_ANSWER_UNKNOWN;
	return has_bytes(node, "YES")  ? RESCUE_ANSWER_ON
	       : has_bytes(node, "NO") ? RESCUE_ANSWER_OFF
				       : RESCUE_ANSWER_UNKNOWN;
}

/*
 * Where lockdownd keeps what. Find My: domain and key as the authors of libimobiledevice name them (its issues 275 and
 * 378); the boot loader's variable as ideviceinfo prints it; the others as ideviceinfo's own list of domains and its
 * output have them. That "off" is not always true is known (its issue 1489); see core/model/owner.h.
 */
static const struct {
	const char *domain, *key;
	RescueAnswer (*read)(plist_t value);
	size_t offset;
} answers[] = {
	{ "com.apple.fmip", "IsAssociated", read_bool, G_STRUCT_OFFSET(RescueOwner, find_my) },
	{ NULL, "NonVolatileRAM", read_variable, G_STRUCT_OFFSET(RescueOwner, activation_lock) },
	{ NULL, "PasswordProtected", read_bool, G_STRUCT_OFFSET(RescueOwner, locked) },
	{ "com.apple.mobile.chaperone", "DeviceIsChaperoned", read_bool,
	  G_STRUCT_OFFSET(RescueOwner, supervised) },
};

static void
ask_answers(lockdownd_client_t client, RescueOwner *owner)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		RescueAnswer *answer = &G_STRUCT_MEMBER(RescueAnswer, owner, answers[i].offset);
		g_auto(RescuePlist) value = NULL;
		if (*answer == RESCUE_ANSWER_UNKNOWN &&
		    get_value(client, answers[i].domain, answers[i].key, &value))
			*answer = answers[i].read(value);
	}
}

static void
ask_activation(lockdownd_client_t client, RescueOwner *owner)
{
	g_autofree char *state = owner->activation == NULL
				     ? rescue_lockdown_get_text(client, "ActivationState")
				     : NULL;
	if (state != NULL && state[0] != '\0' && strlen(state) <= MAX_STATE)
		owner->activation = g_steal_pointer(&state);
}

/** The name under which this computer is known to the phone; NULL when it never paired with it. Caller frees. */
static char *
read_host_id(const char *udid)
{
	g_auto(RescuePlist) record = NULL;
	char *bytes = NULL;
	uint32_t size = 0;
	if (usbmuxd_read_pair_record(udid, &bytes, &size) < 0 || bytes == NULL)
		return NULL;
	if (plist_is_binary(bytes, size))
		plist_from_bin(bytes, size, &record);
	else
		plist_from_xml(bytes, size, &record);
	free(bytes);
	return record != NULL && plist_get_node_type(record) == PLIST_DICT
		   ? rescue_plist_read_text(plist_dict_get_item(record, "HostID"))
		   : NULL;
}

void
rescue_lockdown_ask_owner(lockdownd_client_t client, const char *udid, RescueOwner *owner)
{
	g_autofree char *host_id = read_host_id(udid);
	owner->asked = true;
	ask_activation(client, owner);
	ask_answers(client, owner);
	/* a phone that has forgotten this computer says so, and nothing else happens */
	if (host_id == NULL ||
	    lockdownd_start_session(client, host_id, NULL, NULL) != LOCKDOWN_E_SUCCESS)
		return;
	ask_activation(client, owner);
	ask_answers(client, owner);
}
