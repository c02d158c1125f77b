/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/mux-message.h"

#include <string.h>

#include <plist/plist.h>

#include "core/failure/failure.h"
#include "core/base/error.h"

enum {
	VERSION_PLIST = 1,
	TYPE_PLIST = 8,
	WORD_LENGTH = 0,
	WORD_VERSION,
	WORD_TYPE,
	WORD_TAG,
	HEADER_WORDS,
	LOCATION_BUS_SHIFT = 16,
	LOCATION_ADDRESS_MASK = 0xffff,
};

static const char request_text[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
    "<plist version=\"1.0\">\n<dict>\n"
    "<key>MessageType</key><string>%s</string>\n"
    "<key>ClientVersionString</key><string>idevicerescue " RESCUE_VERSION "</string>\n"
    "<key>ProgName</key><string>idevicerescue</string>\n"
    "<key>kLibUSBMuxVersion</key><integer>3</integer>\n"
    "</dict>\n</plist>\n";

static const struct {
	const char *name;
	RescueMuxKind kind;
} kinds[] = {
	{ "Result", RESCUE_MUX_RESULT },
	{ "Attached", RESCUE_MUX_ATTACHED },
	{ "Detached", RESCUE_MUX_DETACHED },
};

typedef void *Plist;

static void
plist_clear(Plist *plist)
{
	if (*plist != NULL)
		plist_free(*plist);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plist, plist_clear)

void
rescue_mux_message_clear(RescueMuxMessage *message)
{
	g_clear_pointer(&message->udid, g_free);
	message->kind = RESCUE_MUX_OTHER;
}

GBytes *
rescue_mux_request_new(const char *type, uint32_t tag)
{
	g_autofree char *text = g_strdup_printf(request_text, type);
	uint32_t words[HEADER_WORDS] = {
		[WORD_LENGTH] = GUINT32_TO_LE(RESCUE_MUX_HEADER_SIZE + (uint32_t)strlen(text)),
		[WORD_VERSION] = GUINT32_TO_LE(VERSION_PLIST),
		[WORD_TYPE] = GUINT32_TO_LE(TYPE_PLIST),
		[WORD_TAG] = GUINT32_TO_LE(tag),
	};
	GByteArray *bytes = g_byte_array_new();
	g_byte_array_append(bytes, (const uint8_t *)words, sizeof words);
	g_byte_array_append(bytes, (const uint8_t *)text, (guint)strlen(text));
	return g_byte_array_free_to_bytes(bytes);
}

static bool
get_uint(plist_t dict, const char *key, unsigned *ret_value)
{
	plist_t node = plist_get_node_type(dict) == PLIST_DICT ? plist_dict_get_item(dict, key)
							       : NULL;
	uint64_t value = 0;
	if (node == NULL || plist_get_node_type(node) != PLIST_UINT)
		return false;
	plist_get_uint_val(node, &value);
	if (value > G_MAXUINT32)
		return false;
	*ret_value = (unsigned)value;
	return true;
}

/** Borrowed; NULL when there is none. */
static const char *
get_text(plist_t dict, const char *key)
{
	plist_t node = plist_get_node_type(dict) == PLIST_DICT ? plist_dict_get_item(dict, key)
							       : NULL;
	if (node == NULL || plist_get_node_type(node) != PLIST_STRING)
		return NULL;
	return plist_get_string_ptr(node, NULL);
}

static void
read_properties(plist_t dict, RescueMuxMessage *message)
{
	plist_t properties = plist_dict_get_item(dict, "Properties");
	unsigned location = 0;
	if (properties == NULL)
		return;
	(void)get_uint(properties, "LocationID", &location); /* a network device has none */
	message->bus = location >> LOCATION_BUS_SHIFT;
	message->address = location & LOCATION_ADDRESS_MASK;
	message->is_usb = g_strcmp0(get_text(properties, "ConnectionType"), "Network") != 0;
	message->udid = g_strdup(get_text(properties, "SerialNumber"));
}

static void
read_dict(plist_t dict, RescueMuxMessage *message)
{
	const char *type = get_text(dict, "MessageType");
	if (type == NULL && plist_dict_get_item(dict, "DeviceList") != NULL)
		message->kind = RESCUE_MUX_DEVICE_LIST;
	for (size_t i = 0; type != NULL && i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].name, type) == 0)
			message->kind = kinds[i].kind;
	(void)get_uint(dict, "Number", &message->result);
	if (!get_uint(dict, "DeviceID", &message->id) && message->kind != RESCUE_MUX_RESULT &&
	    message->kind != RESCUE_MUX_DEVICE_LIST)
		message->kind = RESCUE_MUX_OTHER;
	if (message->kind == RESCUE_MUX_ATTACHED)
		read_properties(dict, message);
}

static bool
check_header(const uint32_t *words, GError **error)
{
	if (words[WORD_VERSION] == VERSION_PLIST && words[WORD_TYPE] == TYPE_PLIST &&
	    words[WORD_LENGTH] >= RESCUE_MUX_HEADER_SIZE &&
	    words[WORD_LENGTH] <= RESCUE_MUX_MAX_MESSAGE)
		return true;
	g_set_error(
	    error, RESCUE_ERROR, RESCUE_FAILURE_NO_USBMUXD,
	    "what answers on the socket of usbmuxd does not speak version 1 of its protocol "
	    "(version %u, type %u, %u bytes)",
	    words[WORD_VERSION], words[WORD_TYPE], words[WORD_LENGTH]);
	return false;
}

bool
rescue_mux_message_take(GByteArray *bytes, RescueMuxMessage *ret_message, GError **error)
{
	uint32_t words[HEADER_WORDS];
	g_auto(Plist) dict = NULL;
	if (bytes->len < RESCUE_MUX_HEADER_SIZE)
		return false;
	memcpy(words, bytes->data, sizeof words);
	for (size_t i = 0; i < HEADER_WORDS; i++)
		words[i] = GUINT32_FROM_LE(words[i]);
	if (!check_header(words, error) || bytes->len < words[WORD_LENGTH])
		return false;
	*ret_message = (RescueMuxMessage){ .kind = RESCUE_MUX_OTHER };
	plist_from_xml((const char *)bytes->data + RESCUE_MUX_HEADER_SIZE,
		       words[WORD_LENGTH] - RESCUE_MUX_HEADER_SIZE, &dict);
	if (dict != NULL && plist_get_node_type(dict) == PLIST_DICT)
		read_dict(dict, ret_message);
	g_byte_array_remove_range(bytes, 0, words[WORD_LENGTH]);
	return true;
}
