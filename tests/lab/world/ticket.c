/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/ticket.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lab/scenario/parser.h"
#include "tests/lab/world/component.h"
#include "tests/lab/world/der.h"

enum { SIGNATURE_SIZE = 256 };

static plist_t
item_of_type(plist_t dict, const char *key, plist_type type)
{
	plist_t item = plist_dict_get_item(dict, key);
	return item != NULL && plist_get_node_type(item) == type ? item : NULL;
}

char *
lab_plist_hex(plist_t dict, const char *key)
{
	plist_t item = item_of_type(dict, key, PLIST_DATA);
	uint64_t size = 0;
	const char *data = item != NULL ? plist_get_data_ptr(item, &size) : NULL;
	GString *hex = g_string_new(NULL);
	for (uint64_t i = 0; data != NULL && i < size; i++)
		g_string_append_printf(hex, "%02x", (uint8_t)data[i]);
	return g_string_free(hex, FALSE);
}

uint64_t
lab_plist_number(plist_t dict, const char *key)
{
	uint64_t value = 0, length = 0;
	plist_t item = item_of_type(dict, key, PLIST_UINT);
	if (item != NULL) {
		plist_get_uint_val(item, &value);
		return value;
	}
	item = item_of_type(dict, key, PLIST_STRING);
	if (item != NULL)
		(void)lab_value_number(plist_get_string_ptr(item, &length), G_MAXUINT64, &value);
	return value;
}

static void
integer(GByteArray *out, LabTag name, uint64_t number)
{
	GByteArray *value = g_byte_array_new();
	lab_der_integer(value, number);
	lab_der_property(out, name, value);
}

static void
boolean(GByteArray *out, LabTag name, plist_t dict, const char *key)
{
	uint8_t flag = 0;
	plist_t item = item_of_type(dict, key, PLIST_BOOLEAN);
	if (item == NULL)
		return;
	plist_get_bool_val(item, &flag);
	GByteArray *value = g_byte_array_new();
	lab_der_boolean(value, flag != 0);
	lab_der_property(out, name, value);
}

static void
octets(GByteArray *out, LabTag name, plist_t dict, const char *key)
{
	uint64_t size = 0;
	plist_t item = item_of_type(dict, key, PLIST_DATA);
	if (item == NULL)
		return;
	const char *data = plist_get_data_ptr(item, &size);
	GByteArray *value = g_byte_array_new();
	lab_der_octets(value, data, size);
	lab_der_property(out, name, value);
}

static GByteArray *
in_set(GByteArray *content)
{
	GByteArray *set = g_byte_array_new();
	lab_der_set(set, content);
	return set;
}

static GByteArray *
manifest_properties(plist_t request)
{
	GByteArray *out = g_byte_array_new();
	octets(out, "BNCH", request, "ApNonce");
	integer(out, "BORD", lab_plist_number(request, "ApBoardID"));
	integer(out, "CEPO", 1);
	integer(out, "CHIP", lab_plist_number(request, "ApChipID"));
	boolean(out, "CPRO", request, "ApProductionMode");
	boolean(out, "CSEC", request, "ApSecurityMode");
	integer(out, "ECID", lab_plist_number(request, "ApECID"));
	integer(out, "SDOM", lab_plist_number(request, "ApSecurityDomain"));
	octets(out, "snon", request, "SepNonce");
	octets(out, "ubid", request, "UniqueBuildID");
	return in_set(out);
}

static void
append_component(GByteArray *out, const char *name, plist_t entry)
{
	const LabComponent *component = lab_component_find(name);
	if (component == NULL || (component->flags & LAB_COMPONENT_RAW) != 0 ||
	    plist_get_node_type(entry) != PLIST_DICT)
		return;
	GByteArray *properties = g_byte_array_new();
	octets(properties, "DGST", entry, "Digest");
	boolean(properties, "EKEY", entry, "Trusted");
	boolean(properties, "EPRO", entry, "EPRO");
	boolean(properties, "ESEC", entry, "ESEC");
	lab_der_property(out, component->type, in_set(properties));
}

static GByteArray *
manifest_body(plist_t request)
{
	GByteArray *body = g_byte_array_new();
	lab_der_property(body, "MANP", manifest_properties(request));
	plist_dict_iter iter = NULL;
	plist_dict_new_iter(request, &iter);
	for (;;) {
		char *key = NULL;
		plist_t value = NULL;
		plist_dict_next_item(request, iter, &key, &value);
		if (key == NULL)
			break;
		append_component(body, key, value);
		free(key);
	}
	free(iter);
	return in_set(body);
}

/* right in size, a function of what it would sign, and worth nothing */
static void
append_signature(GByteArray *out, const GByteArray *body)
{
	uint8_t signature[SIGNATURE_SIZE];
	gsize length = 32;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, body->data, body->len);
	g_checksum_get_digest(sum, signature, &length);
	for (size_t i = length; i < SIGNATURE_SIZE; i++)
		signature[i] = signature[i - length] ^ (uint8_t)i;
	lab_der_octets(out, signature, sizeof signature);
}

GByteArray *
lab_ticket_new(plist_t request)
{
	GByteArray *properties = g_byte_array_new();
	lab_der_property(properties, "MANB", manifest_body(request));
	g_autoptr(GByteArray) set = in_set(properties);
	GByteArray *content = g_byte_array_new();
	lab_der_ia5(content, "IM4M");
	lab_der_integer(content, 0);
	g_byte_array_append(content, set->data, set->len);
	append_signature(content, set);
	lab_der_sequence(content, g_byte_array_new());
	GByteArray *ticket = g_byte_array_new();
	lab_der_sequence(ticket, content);
	return ticket;
}

void
lab_ticket_request_read(LabTicketRequest *request, plist_t plist)
{
	request->ecid = lab_plist_number(plist, "ApECID");
	request->chip = lab_plist_number(plist, "ApChipID");
	request->board = lab_plist_number(plist, "ApBoardID");
	request->build_id = lab_plist_hex(plist, "UniqueBuildID");
	request->nonce = lab_plist_hex(plist, "ApNonce");
}

void
lab_ticket_request_clear(LabTicketRequest *request)
{
	g_free(request->build_id);
	g_free(request->nonce);
	*request = (LabTicketRequest){ 0 };
}
