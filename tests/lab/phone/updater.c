/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/restore-internal.h"

/*
 * The chips beside the processor. For each of them the phone tells what the signing server has to know
 * (MessageArgInfo,
 * or DeviceGeneratedRequest), the host fetches a ticket and adds the firmware from its archive. Keys are those that
 * libtatsu and idevicerestore look for; values are made up from the ECID, so that a phone always tells the same.
 */

enum { BYTES_MAX = 64, BASEBAND_CERTIFICATE = 524245983, FAB_REVISION = 6657 };

/* bytes that belong to this phone and this key */
static void
set_bytes(plist_t dict, const LabPhone *phone, const char *key, size_t size)
{
	uint8_t bytes[BYTES_MAX];
	gsize length = BYTES_MAX;
	g_autofree char *seed = g_strdup_printf("%s %" G_GINT64_MODIFIER "x", key, phone->id.ecid);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA512);
	g_checksum_update(sum, (const guchar *)seed, -1);
	g_checksum_get_digest(sum, bytes, &length);
	plist_dict_set_item(dict, key, plist_new_data((const char *)bytes, MIN(size, length)));
}

static void
set_bool(plist_t dict, const char *key, bool value)
{
	plist_dict_set_item(dict, key, plist_new_bool(value));
}

static void
set_number(plist_t dict, const char *key, uint64_t value)
{
	plist_dict_set_item(dict, key, plist_new_uint(value));
}

/* ---- what each chip tells -------------------------------------------------------------------- */

static void
tell_se(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "SE,ChipID", chip->id);
	set_bytes(info, phone, "SE,ID", 24);
	set_bytes(info, phone, "SE,Nonce", 20);
	set_bytes(info, phone, "SE,RootKeyIdentifier", 32);
	set_bool(info, "SE,IsDev", false);
}

static void
tell_savage(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "Savage,ChipID", chip->id);
	set_bytes(info, phone, "Savage,UID", 16);
	set_bytes(info, phone, "Savage,Nonce", 16);
	set_number(info, "Savage,PatchEpoch", 0);
	plist_dict_set_item(info, "Savage,Revision", plist_new_data("\x21\x00", 2));
	set_bool(info, "Savage,ProductionMode", true);
	set_bool(info, "Savage,AllowOfflineBoot", false);
	set_bool(info, "Savage,ReadECKey", false);
	set_bool(info, "Savage,ReadFWKey", false);
}

static void
tell_yonkers(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	plist_t device = plist_new_dict();
	set_number(device, "Yonkers,ChipID", chip->id);
	set_number(device, "Yonkers,BoardID", 0);
	set_number(device, "Yonkers,ECID", phone->id.ecid);
	set_number(device, "Yonkers,FabRevision", FAB_REVISION);
	set_number(device, "Yonkers,PatchEpoch", 0);
	set_bytes(device, phone, "Yonkers,Nonce", 20);
	set_bool(device, "Yonkers,ProductionMode", true);
	set_bool(device, "Yonkers,AllowOfflineBoot", false);
	set_bool(device, "Yonkers,ReadECKey", false);
	set_bool(device, "Yonkers,ReadFWKey", false);
	plist_dict_set_item(info, "YonkersDeviceInfo", device);
}

static void
tell_rose(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "Rap,ChipID", chip->id);
	set_number(info, "Rap,BoardID", 264);
	set_number(info, "Rap,ECID", phone->id.ecid);
	set_number(info, "Rap,SecurityDomain", 1);
	set_bytes(info, phone, "Rap,Nonce", 32);
	set_bytes(info, phone, "Rap,FdrRootCaDigest", 32);
	set_bool(info, "Rap,ProductionMode", true);
	set_bool(info, "Rap,SecurityMode", true);
}

static void
tell_veridian(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "ChipID", chip->id);
	set_number(info, "UniqueID", phone->id.ecid & G_MAXUINT32);
	set_bytes(info, phone, "Nonce", 32);
	set_bool(info, "ProductionMode", true);
}

static void
tell_vinyl(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "eUICC,ChipID", chip->id);
	set_bytes(info, phone, "eUICC,EID", 16);
	set_bytes(info, phone, "eUICC,RootKeyIdentifier", 20);
}

static void
tell_cryptex(plist_t info, const LabPhone *phone, const LabChip *chip)
{
	set_number(info, "ApECID", phone->id.ecid);
	set_number(info, "ApChipID", phone->id.cpid);
	set_number(info, "ApBoardID", phone->id.bdid);
	set_number(info, "Cryptex1,ChipID", chip->id);
	set_bytes(info, phone, "Cryptex1,Nonce", 32);
	set_bytes(info, phone, "Cryptex1,UDID", 16);
}

/* what is asked for whom; the request itself repeats what the chip told where the host is to pass it on unread */
static const struct Updater {
	LabChipKind kind;
	const char *name, *ticket;
	bool firmware, device_generated;
	void (*tell)(plist_t info, const LabPhone *phone, const LabChip *chip);
} updaters[] = {
	{ LAB_CHIP_SE, "SE", "SE,Ticket", true, false, tell_se },
	{ LAB_CHIP_SAVAGE, "Savage", "Savage,Ticket", true, false, tell_savage },
	{ LAB_CHIP_YONKERS, "Savage", "Yonkers,Ticket", true, false, tell_yonkers },
	{ LAB_CHIP_ROSE, "Rose", "Rap,Ticket", true, false, tell_rose },
	{ LAB_CHIP_VERIDIAN, "T200", "BMU,Ticket", true, false, tell_veridian },
	{ LAB_CHIP_VINYL, "Vinyl", "eUICC,Ticket", false, true, tell_vinyl },
	{ LAB_CHIP_CRYPTEX, "Cryptex1", "Cryptex1,Ticket", false, true, tell_cryptex },
};

static const struct Updater *
updater_of(LabChipKind kind)
{
	for (size_t i = 0; i < G_N_ELEMENTS(updaters); i++) {
		if (updaters[i].kind == kind)
			return &updaters[i];
	}
	g_assert_not_reached(); /* a step names a chip without an updater */
}

static plist_t
response_tags(const struct Updater *updater)
{
	plist_t tags = plist_new_array();
	plist_array_append_item(tags, plist_new_string(updater->ticket));
	if (updater->firmware)
		plist_array_append_item(tags, plist_new_string("FirmwareData"));
	return lab_plist_dict("p:ResponseTags", tags, NULL);
}

static plist_t
device_request(const struct Updater *updater, plist_t info)
{
	g_autofree char *wish = g_strconcat("@", updater->ticket, NULL);
	plist_t request = plist_copy(info);
	set_bool(request, wish, true);
	set_bool(request, "@BBTicket", true);
	return request;
}

plist_t
lab_ask_updater(const LabRestore *restore)
{
	const LabPhone *phone = restore->phone;
	LabChipKind kind = lab_step_at(restore->step)->chip;
	const LabChip *chip = lab_chip_find(phone->id.product, kind, restore->train);
	const struct Updater *updater = updater_of(kind);
	plist_t info = plist_new_dict();
	updater->tell(info, phone, chip);
	plist_t arguments = lab_plist_dict("s:MessageArgType", "FirmwareResponseData",
					   "s:MessageArgUpdaterName", updater->name,
					   "p:DeviceGeneratedTags", response_tags(updater), NULL);
	if (updater->device_generated)
		plist_dict_set_item(arguments, "DeviceGeneratedRequest",
				    device_request(updater, info));
	plist_dict_set_item(arguments, "MessageArgInfo", info);
	return arguments;
}

Answer
lab_take_updater(LabRestore *restore, plist_t answer)
{
	const struct Updater *updater = updater_of(lab_step_at(restore->step)->chip);
	plist_t data = lab_plist_item(answer, "FirmwareResponseData");
	size_t size = 0;
	if (lab_plist_data(data, updater->ticket, &size) == NULL || size == 0)
		return ANSWER_BAD;
	bool complete = !updater->firmware || lab_plist_item(data, "FirmwareData") != NULL;
	lab_record_event(restore->phone->record, restore->phone->id.name, "ticket", "s:name",
			 updater->ticket, "i:bytes", (int64_t)size, NULL);
	return complete ? ANSWER_DONE : ANSWER_BAD;
}

/* ---- the modem ------------------------------------------------------------------------------- */

static plist_t
tell_baseband(const LabPhone *phone, unsigned train, bool nonce)
{
	const LabChip *chip = lab_chip_find(phone->id.product, LAB_CHIP_BASEBAND, train);
	plist_t told = plist_new_dict();
	set_number(told, "ChipID", chip->id);
	set_number(told, "CertID", BASEBAND_CERTIFICATE);
	set_bytes(told, phone, "ChipSerialNo", 4);
	if (nonce)
		set_bytes(told, phone, "Nonce", 20);
	return told;
}

plist_t
lab_ask_baseband(const LabRestore *restore)
{
	return tell_baseband(restore->phone, restore->train, restore->nonce_sent);
}

plist_t
lab_baseband_preflight(const LabPhone *phone)
{
	unsigned train = lab_build_train(phone->build);
	if (lab_chip_find(phone->id.product, LAB_CHIP_BASEBAND, train) == NULL)
		return NULL;
	plist_t told = tell_baseband(phone, train, true);
	set_bytes(told, phone, "FusingStatus", 4);
	set_bytes(told, phone, "PkHash", 32);
	return told;
}
