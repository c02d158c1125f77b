/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/device.h"

#include <string.h>

/* an iBoot serial string has about ten words; a hostile device gets no more of our time */
#define MAX_WORDS         32
#define MAX_SERIAL_STRING 512

static const char *const trusts[RESCUE_TRUST_LAST] = {
	[RESCUE_TRUST_ASKING] = "asking",
	[RESCUE_TRUST_GIVEN] = "given",
};

const char *
rescue_trust_name(RescueTrust trust)
{
	return trust < RESCUE_TRUST_LAST ? trusts[trust] : NULL;
}

RescueTrust
rescue_trust_of_word(const char *word)
{
	for (int i = RESCUE_TRUST_ASKING; word != NULL && i < RESCUE_TRUST_LAST; i++) {
		if (strcmp(trusts[i], word) == 0)
			return (RescueTrust)i;
	}
	return RESCUE_TRUST_UNKNOWN;
}

RescueDevice *
rescue_device_new(void)
{
	return g_new0(RescueDevice, 1);
}

RescueDevice *
rescue_device_copy(const RescueDevice *device)
{
	RescueDevice *copy = g_new(RescueDevice, 1);
	*copy = *device;
	copy->place.port = g_strdup(device->place.port);
	copy->udid = g_strdup(device->udid);
	copy->product = g_strdup(device->product);
	copy->board = g_strdup(device->board);
	copy->serial = g_strdup(device->serial);
	copy->version = g_strdup(device->version);
	copy->build = g_strdup(device->build);
	rescue_owner_copy(&copy->owner, &device->owner);
	return copy;
}

void
rescue_device_free(RescueDevice *device)
{
	if (device == NULL)
		return;
	g_free(device->place.port);
	g_free(device->udid);
	g_free(device->product);
	g_free(device->board);
	g_free(device->serial);
	g_free(device->version);
	g_free(device->build);
	rescue_owner_clear(&device->owner);
	g_free(device);
}

static void
learn(char **known, const char *news)
{
	if (news == NULL)
		return;
	char *copy = g_strdup(news); /* first: `news` may be `*known` */
	g_free(*known);
	*known = copy;
}

/* as a whole: what an answer leaves open is not known any more, it may have been erased since */
static void
learn_owner(RescueOwner *known, const RescueOwner *news, RescueMode mode)
{
	if (news->asked || rescue_owner_lapses(mode))
		rescue_owner_clear(known);
	if (!rescue_owner_lapses(mode) && news->asked)
		rescue_owner_copy(known, news);
}

void
rescue_device_update(RescueDevice *device, const RescueDevice *news)
{
	if (device == news)
		return;
	if (news->ecid != 0)
		device->ecid = news->ecid;
	if (news->have_chip) {
		device->have_chip = true;
		device->chip_id = news->chip_id;
		device->board_id = news->board_id;
	}
	if (news->battery_percent != 0)
		device->battery_percent = news->battery_percent;
	learn(&device->udid, news->udid);
	learn(&device->product, news->product);
	learn(&device->board, news->board);
	learn(&device->serial, news->serial);
	learn(&device->version, news->version);
	learn(&device->build, news->build);
	learn_owner(&device->owner, &news->owner, news->mode);
	g_free(device->place.port);
	device->place = news->place;
	device->place.port = g_strdup(news->place.port);
	device->mode = news->mode;
}

/* the value behind "KEY:" among the words, NULL when it is not there; borrowed */
static const char *
find_word(char **words, const char *key)
{
	size_t n = strlen(key);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strncmp(words[i], key, n) == 0 && words[i][n] == ':')
			return words[i] + n + 1;
	}
	return NULL;
}

static bool
read_hex(char **words, const char *key, uint64_t max, uint64_t *ret_value)
{
	const char *digits = find_word(words, key);
	guint64 value;
	if (digits == NULL || !g_ascii_string_to_unsigned(digits, 16, 0, max, &value, NULL))
		return false;
	*ret_value = value;
	return true;
}

/* "[F2LXXXXXXXXX]"; what cannot be a serial number ("N/A") stays unknown */
static void
read_serial_number(RescueDevice *device, char **words)
{
	const char *value = find_word(words, "SRNM");
	if (value == NULL || value[0] != '[')
		return;
	size_t n = strcspn(value + 1, "]");
	for (size_t i = 1; i <= n; i++) {
		if (!g_ascii_isalnum(value[i]))
			return;
	}
	if (n == 0)
		return;
	g_free(device->serial);
	device->serial = g_strndup(value + 1, n);
}

bool
rescue_device_read_iboot_serial(RescueDevice *device, const char *serial)
{
	if (serial == NULL || strlen(serial) > MAX_SERIAL_STRING)
		return false;
	g_auto(GStrv) words = g_strsplit(serial, " ", MAX_WORDS);
	uint64_t ecid, chip, board;
	if (!read_hex(words, "ECID", G_MAXUINT64, &ecid) || ecid == 0)
		return false;
	device->ecid = ecid;
	if (read_hex(words, "CPID", G_MAXUINT32, &chip) &&
	    read_hex(words, "BDID", G_MAXUINT32, &board)) {
		device->have_chip = true;
		device->chip_id = (uint32_t)chip;
		device->board_id = (uint32_t)board;
	}
	read_serial_number(device, words);
	return true;
}

const char *
rescue_device_refused_kind(const char *product)
{
	static const struct {
		const char *prefix, *kind; /* kind NULL: served */
	} kinds[] = {
		{ "iPhone", NULL },
		{ "iPad", NULL },
		{ "iPod", NULL },
		{ "Watch", "Apple Watch" },
		{ "AppleTV", "Apple TV" },
		{ "AudioAccessory", "HomePod" },
		{ "Mac", "Mac" },
		{ "iMac", "Mac" },
		{ "VirtualMac", "virtual Mac" },
		{ "ADP", "Mac" },
		{ "iBridge", "security chip of a Mac" },
		{ "RealityDevice", "Apple Vision" },
		{ "AppleDisplay", "Apple display" },
	};
	if (product == NULL || product[0] == '\0')
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (g_str_has_prefix(product, kinds[i].prefix))
			return kinds[i].kind;
	}
	return "device of a kind not known here";
}

char *
rescue_device_describe(const RescueDevice *device)
{
	GString *text = g_string_new(device->product != NULL ? device->product : "device");
	if (device->ecid != 0) {
		char ecid[RESCUE_ECID_TEXT];
		g_string_append_printf(text, " %s", rescue_ecid_format(device->ecid, ecid));
	} else if (device->udid != NULL) {
		g_string_append_printf(text, " %s", device->udid);
	}
	g_string_append_printf(text, ", %s", rescue_mode_text(device->mode));
	if (device->place.port != NULL)
		g_string_append_printf(text, ", on port %s", device->place.port);
	return g_string_free(text, FALSE);
}
