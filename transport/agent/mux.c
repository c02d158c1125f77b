/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/agent/mux.h"

#include <stdlib.h>
#include <string.h>

#include <libimobiledevice/libimobiledevice.h>
#include <libimobiledevice/lockdown.h>
#include <libimobiledevice/restore.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/agent/lockdown.h"
#include "transport/agent/model.h"

#define LABEL         "idevicerescue"
#define TYPE_RESTORED "com.apple.mobile.restored"
#define TYPE_LOCKDOWN "com.apple.mobile.lockdown"

struct RescueMux {
	idevice_t device;
	restored_client_t restored; /* restore mode */
	RescueAgentDeadline *deadline;
	RescueDevice *facts;
};

/* ---- errors -------------------------------------------------------------------------------------- */

/** What lockdownd's refusals mean. */
static const struct {
	lockdownd_error_t code;
	RescueFailure failure;
	const char *text;
} refusals[] = {
	{ LOCKDOWN_E_PASSWORD_PROTECTED, RESCUE_FAILURE_DEVICE_LOCKED,
	  "the device is locked with its passcode" },
	{ LOCKDOWN_E_ESCROW_LOCKED, RESCUE_FAILURE_DEVICE_LOCKED,
	  "the device was not unlocked since it started" },
	{ LOCKDOWN_E_PAIRING_DIALOG_RESPONSE_PENDING, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the device asks whether to trust this computer, and nobody has answered yet" },
	{ LOCKDOWN_E_USER_DENIED_PAIRING, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "somebody answered on the device that this computer is not to be trusted" },
	{ LOCKDOWN_E_PAIRING_PROHIBITED_OVER_THIS_CONNECTION, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the device does not pair over this connection" },
	{ LOCKDOWN_E_PAIRING_FAILED, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "pairing with the device failed" },
	{ LOCKDOWN_E_MISSING_HOST_ID, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "this computer is not paired with the device" },
	{ LOCKDOWN_E_INVALID_HOST_ID, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the device has forgotten this computer" },
	{ LOCKDOWN_E_MISSING_PAIR_RECORD, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the pairing record is missing" },
	{ LOCKDOWN_E_INVALID_PAIR_RECORD, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the pairing record is not valid" },
	{ LOCKDOWN_E_INVALID_CONF, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the pairing record cannot be used" },
	{ LOCKDOWN_E_SSL_ERROR, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the encrypted session was not accepted" },
	{ LOCKDOWN_E_SESSION_INACTIVE, RESCUE_FAILURE_DEVICE_UNTRUSTED,
	  "the device wants a trusted session" },
	{ LOCKDOWN_E_MUX_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
	  "the connection to the device broke" },
	{ LOCKDOWN_E_RECEIVE_TIMEOUT, RESCUE_FAILURE_DEVICE_SILENT, "the device does not answer" },
};

static bool
fail_lockdown(lockdownd_error_t code, RescueFailure otherwise, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		if (refusals[i].code != code)
			continue;
		g_set_error_literal(error, RESCUE_ERROR, (gint)refusals[i].failure,
				    refusals[i].text);
		return false;
	}
	g_set_error(error, RESCUE_ERROR, (gint)otherwise,
		    "lockdownd on the device refused (error %d)", (int)code);
	return false;
}

static bool
fail_silent(const char *who, int code, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
		    "%s on the device does not answer (error %d)", who, code);
	return false;
}

/* ---- which device -------------------------------------------------------------------------------- */

/** The one UDID that can belong to this ECID; caller frees. */
static char *
choose_udid(RescueEcid ecid, char **udids, int count, GError **error)
{
	const char *candidate = NULL;
	for (int i = 0; i < count; i++) {
		RescueEcid said = rescue_ecid_from_udid(udids[i]);
		if (said == ecid)
			return g_strdup(udids[i]);
		if (said != 0)
			continue;
		if (candidate != NULL) {
			/* asking each would touch a neighbour that may be in the middle of a restore */
			g_set_error(
			    error, RESCUE_ERROR, RESCUE_FAILURE_SEVERAL_DEVICES,
			    "several devices could be the wanted one; its UDID is needed too");
			return NULL;
		}
		candidate = udids[i];
	}
	if (candidate == NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "the device is not attached");
	return g_strdup(candidate);
}

static char *
find_udid(RescueEcid ecid, GError **error)
{
	char **udids = NULL;
	int count = 0;
	char *udid;
	idevice_error_t code = idevice_get_device_list(&udids, &count);
	if (code != IDEVICE_E_SUCCESS) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
			    "usbmuxd does not answer (error %d)", (int)code);
		return NULL;
	}
	udid = choose_udid(ecid, udids, count, error);
	(void)idevice_device_list_free(udids); /* cannot fail */
	return udid;
}

/* ---- what it says -------------------------------------------------------------------------------- */

static void
take_board(RescueDevice *facts, char *hardware_model)
{
	facts->board = hardware_model != NULL ? g_ascii_strdown(hardware_model, -1) : NULL;
	g_free(hardware_model);
}

static bool
ask_lockdown(RescueMux *mux, GError **error)
{
	RescueDevice *facts = mux->facts;
	g_auto(RescueLockdown) client = NULL;
	rescue_agent_deadline_step(mux->deadline, "lockdownd's word on what the device is");
	lockdownd_error_t code = lockdownd_client_new(mux->device, &client, LABEL);
	if (code != LOCKDOWN_E_SUCCESS)
		return fail_lockdown(code, RESCUE_FAILURE_DEVICE_SILENT, error);
	facts->mode = RESCUE_MODE_NORMAL;
	facts->ecid = rescue_lockdown_get_uint(client, "UniqueChipID");
	facts->chip_id = (uint32_t)rescue_lockdown_get_uint(client, "ChipID");
	facts->board_id = (uint32_t)rescue_lockdown_get_uint(client, "BoardId");
	facts->have_chip = facts->chip_id != 0;
	facts->product = rescue_lockdown_get_text(client, "ProductType");
	facts->serial = rescue_lockdown_get_text(client, "SerialNumber");
	facts->version = rescue_lockdown_get_text(client, "ProductVersion");
	facts->build = rescue_lockdown_get_text(client, "BuildVersion");
	take_board(facts, rescue_lockdown_get_text(client, "HardwareModel"));
	return true;
}

static void
read_hardware_info(RescueDevice *facts, plist_t info)
{
	uint64_t chip;
	uint64_t board;
	if (plist_get_node_type(info) != PLIST_DICT)
		return;
	(void)rescue_plist_read_uint(plist_dict_get_item(info, "UniqueChipID"),
				     &facts->ecid); /* stays 0 */
	if (!rescue_plist_read_uint(plist_dict_get_item(info, "ChipID"), &chip) ||
	    !rescue_plist_read_uint(plist_dict_get_item(info, "BoardID"), &board))
		return;
	facts->have_chip = true;
	facts->chip_id = (uint32_t)chip;
	facts->board_id = (uint32_t)board;
}

static char *
get_restored_text(RescueMux *mux, const char *key)
{
	g_auto(RescuePlist) value = NULL;
	if (restored_get_value(mux->restored, key, &value) != RESTORE_E_SUCCESS)
		return NULL;
	return rescue_plist_read_text(value);
}

static bool
ask_restored(RescueMux *mux, GError **error)
{
	g_auto(RescuePlist) info = NULL;
	rescue_agent_deadline_step(mux->deadline, "restored's word on what the device is");
	restored_error_t code = restored_query_value(mux->restored, "HardwareInfo", &info);
	if (code != RESTORE_E_SUCCESS || info == NULL)
		return fail_silent("restored", (int)code, error);
	mux->facts->mode = RESCUE_MODE_RESTORE;
	read_hardware_info(mux->facts, info);
	mux->facts->serial = get_restored_text(mux, "SerialNumber");
	take_board(mux->facts, get_restored_text(mux, "HardwareModel"));
	return true;
}

/** Both services answer the same first question with their name. */
static bool
ask_type(RescueMux *mux, GError **error)
{
	char *foreign = NULL;
	rescue_agent_deadline_step(mux->deadline, "an answer of the device");
	restored_error_t code = restored_client_new(mux->device, &mux->restored, LABEL);
	if (code == RESTORE_E_SUCCESS)
		code = restored_query_type(mux->restored, &foreign, NULL);
	g_autofree char *type = rescue_plist_take_text(foreign);
	if (code != RESTORE_E_SUCCESS)
		return fail_silent("nobody", (int)code, error);
	if (g_strcmp0(type, TYPE_RESTORED) == 0)
		return ask_restored(mux, error);
	(void)restored_client_free(g_steal_pointer(&mux->restored)); /* it is lockdownd: no loss */
	if (g_strcmp0(type, TYPE_LOCKDOWN) == 0)
		return ask_lockdown(mux, error);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_KIND,
		    "the device runs an unknown service ‘%s’", type);
	return false;
}

static bool
check_identity(const RescueMux *mux, RescueEcid ecid, GError **error)
{
	char wanted[RESCUE_ECID_TEXT];
	char found[RESCUE_ECID_TEXT];
	if (mux->facts->ecid == 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
			    "the device does not tell its ECID");
		return false;
	}
	if (ecid == 0 || mux->facts->ecid == ecid)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
		    "the device is %s, not %s", rescue_ecid_format(mux->facts->ecid, found),
		    rescue_ecid_format(ecid, wanted));
	return false;
}

RescueMux *
rescue_mux_open(RescueEcid ecid, const char *udid, RescueAgentDeadline *deadline, GError **error)
{
	g_autoptr(RescueMux) mux = g_new0(RescueMux, 1);
	mux->deadline = deadline;
	mux->facts = rescue_device_new();
	rescue_agent_deadline_step(deadline, "usbmuxd");
	mux->facts->udid = udid != NULL ? g_strdup(udid) : find_udid(ecid, error);
	if (mux->facts->udid == NULL)
		return NULL;
	if (idevice_new(&mux->device, mux->facts->udid) != IDEVICE_E_SUCCESS) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "usbmuxd does not know the device, or is not running");
		return NULL;
	}
	if (!ask_type(mux, error) || !check_identity(mux, ecid, error))
		return NULL;
	rescue_model_complete(mux->facts);
	return g_steal_pointer(&mux);
}

void
rescue_mux_ask_owner(RescueMux *mux)
{
	g_auto(RescueLockdown) client = NULL;

	rescue_agent_deadline_step(mux->deadline, "lockdownd's word on the owner");
	if (lockdownd_client_new(mux->device, &client, LABEL) != LOCKDOWN_E_SUCCESS)
		return;
	rescue_lockdown_ask_owner(client, mux->facts->udid, &mux->facts->owner);
	mux->facts->battery_percent = rescue_lockdown_get_battery(client);
}

void
rescue_mux_free(RescueMux *mux)
{
	if (mux == NULL)
		return;
	if (mux->restored != NULL)
		(void)restored_client_free(
		    mux->restored); /* a device that left cannot say goodbye */
	if (mux->device != NULL)
		(void)idevice_free(mux->device); /* cannot fail */
	rescue_device_free(mux->facts);
	g_free(mux);
}

const RescueDevice *
rescue_mux_facts(const RescueMux *mux)
{
	return mux->facts;
}

bool
rescue_mux_pair(RescueMux *mux, GError **error)
{
	lockdownd_error_t code;
	g_auto(RescueLockdown) trusted = NULL;
	rescue_agent_deadline_step(mux->deadline, "a trusted session with the device");
	code = lockdownd_client_new_with_handshake(mux->device, &trusted, LABEL);
	if (code != LOCKDOWN_E_SUCCESS && code != LOCKDOWN_E_PAIRING_DIALOG_RESPONSE_PENDING)
		return fail_lockdown(code, RESCUE_FAILURE_DEVICE_UNTRUSTED, error);
	mux->facts->trust = code == LOCKDOWN_E_SUCCESS ? RESCUE_TRUST_GIVEN : RESCUE_TRUST_ASKING;
	return true;
}

bool
rescue_mux_enter_recovery(RescueMux *mux, GError **error)
{
	lockdownd_error_t code;
	{
		/* before iOS 14.5 no trust is needed; asking for it would only put a dialog on the screen */
		g_auto(RescueLockdown) stranger = NULL;
		rescue_agent_deadline_step(mux->deadline, "the device to take the command");
		code = lockdownd_client_new(mux->device, &stranger, LABEL);
		if (code == LOCKDOWN_E_SUCCESS)
			code = lockdownd_enter_recovery(stranger);
	}
	if (code == LOCKDOWN_E_SUCCESS)
		return true;
	g_auto(RescueLockdown) trusted = NULL;
	rescue_agent_deadline_step(mux->deadline, "a trusted session with the device");
	code = lockdownd_client_new_with_handshake(mux->device, &trusted, LABEL);
	if (code == LOCKDOWN_E_SUCCESS)
		code = lockdownd_enter_recovery(trusted);
	return code == LOCKDOWN_E_SUCCESS ||
	       fail_lockdown(code, RESCUE_FAILURE_RECOVERY_REFUSED, error);
}

bool
rescue_mux_reboot(RescueMux *mux, GError **error)
{
	rescue_agent_deadline_step(mux->deadline, "the device to take the command");
	restored_error_t code = restored_reboot(mux->restored);
	/* it has just answered: a connection that breaks now is the reboot itself */
	if (code == RESTORE_E_SUCCESS || code == RESTORE_E_MUX_ERROR ||
	    code == RESTORE_E_UNKNOWN_ERROR)
		return true;
	return fail_silent("restored", (int)code, error);
}
