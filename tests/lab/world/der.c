/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/der.h"

#include <string.h>

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_OCTET_STRING = 0x04,
	TAG_IA5_STRING = 0x16,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_PRIVATE_LONG = 0xff, /* private, constructed, number in the bytes that follow */
};

static void
append_byte(GByteArray *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;
	g_byte_array_append(out, &byte, 1);
}

static void
append_length(GByteArray *out, size_t length)
{
	if (length < 0x80) {
		append_byte(out, (unsigned)length);
		return;
	}
	unsigned count = 1;
	while (count < sizeof length && length >> (8 * count) != 0)
		count++;
	append_byte(out, 0x80 | count);
	while (count-- > 0)
		append_byte(out, (length >> (8 * count)) & 0xff);
}

static void
append_element(GByteArray *out, unsigned tag, const void *data, size_t size)
{
	append_byte(out, tag);
	append_length(out, size);
	g_byte_array_append(out, data, (guint)size);
}

void
lab_der_ia5(GByteArray *out, const char *text)
{
	append_element(out, TAG_IA5_STRING, text, strlen(text));
}

void
lab_der_octets(GByteArray *out, const void *data, size_t size)
{
	append_element(out, TAG_OCTET_STRING, data, size);
}

/* the shortest form, with a zero in front when the highest bit would mean a negative number */
void
lab_der_integer(GByteArray *out, uint64_t value)
{
	uint8_t bytes[1 + sizeof value] = { 0 };
	for (size_t i = 0; i < sizeof value; i++)
		bytes[sizeof value - i] = (value >> (8 * i)) & 0xff;
	size_t skip = 0;
	while (skip < sizeof value && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
		skip++;
	append_element(out, TAG_INTEGER, bytes + skip, sizeof bytes - skip);
}

void
lab_der_boolean(GByteArray *out, bool value)
{
	uint8_t byte = value ? 0xff : 0;
	append_element(out, TAG_BOOLEAN, &byte, 1);
}

void
lab_der_sequence(GByteArray *out, GByteArray *content)
{
	append_element(out, TAG_SEQUENCE, content->data, content->len);
	g_byte_array_unref(content);
}

void
lab_der_set(GByteArray *out, GByteArray *content)
{
	append_element(out, TAG_SET, content->data, content->len);
	g_byte_array_unref(content);
}

static void
append_private_tag(GByteArray *out, LabTag name)
{
	uint32_t number = 0;
	for (size_t i = 0; i < 4; i++)
		number = number << 8 | (uint8_t)name[i];
	append_byte(out, TAG_PRIVATE_LONG);
	unsigned groups = 1;
	while (groups < 5 && number >> (7 * groups) != 0)
		groups++;
	while (groups-- > 0)
		append_byte(out, ((number >> (7 * groups)) & 0x7f) | (groups > 0 ? 0x80 : 0));
}

void
lab_der_property(GByteArray *out, LabTag name, GByteArray *value)
{
	g_return_if_fail(strlen(name) == 4);

	GByteArray *pair = g_byte_array_new();
	lab_der_ia5(pair, name);
	g_byte_array_append(pair, value->data, value->len);
	g_byte_array_unref(value);
	g_autoptr(GByteArray) sequence = g_byte_array_new();
	lab_der_sequence(sequence, pair);
	append_private_tag(out, name);
	append_length(out, sequence->len);
	g_byte_array_append(out, sequence->data, sequence->len);
}

GByteArray *
lab_der_im4p(LabTag type, const char *description, const void *payload, size_t size)
{
	GByteArray *content = g_byte_array_new();
	lab_der_ia5(content, "IM4P");
	lab_der_ia5(content, type);
	lab_der_ia5(content, description);
	lab_der_octets(content, payload, size);
	GByteArray *result = g_byte_array_new();
	lab_der_sequence(result, content);
	return result;
}
