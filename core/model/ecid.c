/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/ecid.h"

#include <string.h>

#include "core/base/error.h"

#define HEX_DIGITS       "0123456789abcdefABCDEF"
#define UDID_CHIP_DIGITS 8
#define UDID_ECID_DIGITS 16
#define QUOTED           64

static bool
refuse(GError **error, const char *text, const char *why)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, QUOTED));
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "‘%s’ is not an ECID: %s", valid,
		    why);
	return false;
}

bool
rescue_ecid_parse(const char *text, RescueEcid *ret_ecid, GError **error)
{
	if (text == NULL)
		text = "";
	bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
	const char *digits = hex ? text + 2 : text;
	size_t n = strlen(digits);
	if (!hex && n > 0 && strspn(digits, HEX_DIGITS) == n &&
	    strpbrk(digits, "abcdefABCDEF") != NULL)
		return refuse(error, text, "write 0x in front of a hexadecimal one");
	guint64 value;
	if (!g_ascii_string_to_unsigned(digits, hex ? 16 : 10, 1, G_MAXUINT64, &value, NULL))
		return refuse(error, text,
			      "give it as 0x and hexadecimal digits, or as decimal digits");
	*ret_ecid = value;
	return true;
}

const char *
rescue_ecid_format(RescueEcid ecid, char buffer[RESCUE_ECID_TEXT])
{
	g_snprintf(buffer, RESCUE_ECID_TEXT, "0x%016" G_GINT64_MODIFIER "X", ecid);
	return buffer;
}

RescueEcid
rescue_ecid_from_udid(const char *udid)
{
	if (udid == NULL || strlen(udid) != UDID_CHIP_DIGITS + 1 + UDID_ECID_DIGITS)
		return 0;
	if (strspn(udid, HEX_DIGITS) != UDID_CHIP_DIGITS || udid[UDID_CHIP_DIGITS] != '-')
		return 0;
	guint64 value;
	if (!g_ascii_string_to_unsigned(udid + UDID_CHIP_DIGITS + 1, 16, 1, G_MAXUINT64, &value,
					NULL))
		return 0;
	return value;
}
