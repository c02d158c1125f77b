/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/plistio.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lab/phone/internal.h"

enum { LENGTH_SIZE = 4 };

plist_t
lab_plist_parse(const void *data, size_t size)
{
	plist_t message = NULL;
	if (size > 0 && size <= LAB_PLIST_MAX)
		plist_from_memory(data, (uint32_t)size, &message);
	return message;
}

LabPlistState
lab_plist_take(GByteArray *buffer, plist_t *ret_message)
{
	if (buffer->len < LENGTH_SIZE)
		return LAB_PLIST_MORE;
	uint32_t length;
	memcpy(&length, buffer->data, LENGTH_SIZE);
	length = GUINT32_FROM_BE(length);
	if (length == 0 || length > LAB_PLIST_MAX)
		return LAB_PLIST_JUNK;
	if (buffer->len - LENGTH_SIZE < length)
		return LAB_PLIST_MORE;
	plist_t message = lab_plist_parse(buffer->data + LENGTH_SIZE, length);
	g_byte_array_remove_range(buffer, 0, LENGTH_SIZE + length);
	if (message == NULL)
		return LAB_PLIST_JUNK;
	*ret_message = message;
	return LAB_PLIST_READY;
}

void
lab_plist_send(LabChannel *channel, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	/* one piece: a reader that asks for the length alone still finds the rest */
	g_autoptr(GByteArray) packet = g_byte_array_sized_new(LENGTH_SIZE + size);
	uint32_t length = GUINT32_TO_BE(size);
	g_byte_array_append(packet, (const uint8_t *)&length, LENGTH_SIZE);
	g_byte_array_append(packet, (const uint8_t *)xml, size);
	free(xml);
	lab_channel_send(channel, packet->data, packet->len);
}

plist_t
lab_plist_item(plist_t dict, const char *key)
{
	if (dict == NULL || plist_get_node_type(dict) != PLIST_DICT)
		return NULL;
	return plist_dict_get_item(dict, key);
}

const char *
lab_plist_string(plist_t dict, const char *key)
{
	plist_t node = lab_plist_item(dict, key);
	if (node == NULL || plist_get_node_type(node) != PLIST_STRING)
		return NULL;
	return plist_get_string_ptr(node, NULL);
}

uint64_t
lab_plist_uint(plist_t dict, const char *key, uint64_t fallback)
{
	plist_t node = lab_plist_item(dict, key);
	if (node == NULL || plist_get_node_type(node) != PLIST_UINT)
		return fallback;
	uint64_t value = fallback;
	plist_get_uint_val(node, &value);
	return value;
}

const uint8_t *
lab_plist_data(plist_t dict, const char *key, size_t *ret_size)
{
	plist_t node = lab_plist_item(dict, key);
	if (node == NULL || plist_get_node_type(node) != PLIST_DATA)
		return NULL;
	uint64_t size = 0;
	const char *data = plist_get_data_ptr(node, &size);
	*ret_size = size;
	return (const uint8_t *)data;
}

static plist_t
next_value(char type, va_list *values)
{
	switch (type) {
	case 's':
		return plist_new_string(va_arg(*values, const char *));
	case 'u':
		return plist_new_uint(va_arg(*values, uint64_t));
	case 'b':
		return plist_new_bool(va_arg(*values, int) != 0);
	case 'p':
		return va_arg(*values, plist_t);
	default:
		g_assert_not_reached();
	}
}

plist_t
lab_plist_dict(const char *key, ...)
{
	plist_t dict = plist_new_dict();
	va_list values;
	va_start(values, key);
	while (key != NULL) {
		g_assert(key[0] != '\0' && key[1] == ':');
		plist_dict_set_item(dict, key + strlen("s:"), next_value(key[0], &values));
		key = va_arg(values, const char *);
	}
	va_end(values);
	return dict;
}
