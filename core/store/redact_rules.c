/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/store/redact_rules.h"

#include <glib.h>

/* not in the middle of a longer word or number */
#define WORD(body) "(?<![0-9A-Za-z])" body "(?![0-9A-Za-z])"
#define HEX        "[0-9A-Fa-f]"
/* what stands between a name and its value: "Name: value", "Name = value", XML's "</key><string>" */
#define IS        "(?:</key>\\s*<(?:string|integer)>|[\"']?\\s*[:=]\\s*[\"'\\[<]?)"
#define PATH_ENDS "[^\\s\"'<>|]"

const RescueRedactRule rescue_redact_rules[] = {
	{ RESCUE_SECRET_DATA, "<data>\\s*([^<\\s\\[][^<]*)" },
	{ RESCUE_SECRET_LOGIN, "://([^/@\\s\\[][^/@\\s]*)@" },
	{ RESCUE_SECRET_PATH, "(?<![0-9A-Za-z_.])(/(?:home|Users)/" PATH_ENDS "+)" },
	{ RESCUE_SECRET_UDID, WORD("(" HEX "{8}-" HEX "{16})") },
	/* twenty bytes: a UDID when named so, else a nonce or a digest */
	{ RESCUE_SECRET_UDID, "(?i)(?:udid|UniqueDeviceID)" IS "(" HEX "{40})(?!" HEX ")" },
	{ RESCUE_SECRET_UDID, "(?i)(?:udid|device) (" HEX "{40})(?!" HEX ")" },
	{ RESCUE_SECRET_NONCE, "(?i)(?:NONC|SNON|nonce)[ a-z]*" IS "\\s*(" HEX "{8,})" },
	{ RESCUE_SECRET_NONCE,
	  "(?<![0-9A-Za-z])(" HEX "{2}(?:[ :-]" HEX "{2}(?![0-9A-Za-z])){7,}+)" },
	{ RESCUE_SECRET_NONCE, WORD("((?:0x)?" HEX "{32,})") },
	{ RESCUE_SECRET_ADDRESS, WORD("(" HEX "{2}(?::" HEX "{2}){5})") },
	{ RESCUE_SECRET_ECID, "(?i)(?:ECID|UniqueChipID)" IS "((?:0x)?[0-9A-Fa-f]{5,20})\\b" },
	{ RESCUE_SECRET_ECID, "(?i)\\bECID ((?:0x)?(?=" HEX "*[0-9])" HEX "{5,20})\\b" },
	{ RESCUE_SECRET_ECID, WORD("((?:0x)?" HEX "{16})") },
	{ RESCUE_SECRET_ECID, WORD("(0x" HEX "{11,15})") },
	{ RESCUE_SECRET_SERIAL, "(?i)serial number is ([0-9A-Z]{4,})" },
	{ RESCUE_SECRET_SERIAL,
	  "(?i)(?:SRNM|SNUM|BBSN|(?:MLB|Baseband|Battery|Chip)?Serial[ _]?(?:Number|No|Num)?)" IS
	  "([0-9A-Z]{6,})" },
	{ RESCUE_SECRET_IMEI,
	  "(?i)(?:IMEI2?|MEID|ICCID|InternationalMobile[A-Za-z]*)" IS "([0-9A-F]{10,22})" },
	{ RESCUE_SECRET_IMEI, WORD("([0-9]{15})") },
	{ RESCUE_SECRET_DATA, "(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{60,}={0,2})" },
};
const size_t rescue_redact_rules_count = G_N_ELEMENTS(rescue_redact_rules);

const RescueRedactKey rescue_redact_keys[] = {
	{ "ecid", RESCUE_SECRET_ECID },       { "udid", RESCUE_SECRET_UDID },
	{ "serial", RESCUE_SECRET_SERIAL },   { "imei", RESCUE_SECRET_IMEI },
	{ "nonce", RESCUE_SECRET_NONCE },     { "ap_nonce", RESCUE_SECRET_NONCE },
	{ "sep_nonce", RESCUE_SECRET_NONCE }, { "host", RESCUE_SECRET_HOST },
};
const size_t rescue_redact_keys_count = G_N_ELEMENTS(rescue_redact_keys);

const char *
rescue_secret_name(RescueSecret secret)
{
	static const char *const names[] = {
		[RESCUE_SECRET_ECID] = "ecid",       [RESCUE_SECRET_UDID] = "udid",
		[RESCUE_SECRET_SERIAL] = "serial",   [RESCUE_SECRET_IMEI] = "imei",
		[RESCUE_SECRET_NONCE] = "nonce",     [RESCUE_SECRET_DATA] = "data",
		[RESCUE_SECRET_ADDRESS] = "address", [RESCUE_SECRET_LOGIN] = "login",
		[RESCUE_SECRET_PATH] = "path",       [RESCUE_SECRET_HOST] = "host",
	};

	return names[secret];
}
