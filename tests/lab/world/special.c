/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/special.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plist/plist.h>

#include "tests/lab/world/zip.h"

enum {
	PART_SIZE = 16384
}; /* of one program in the modem's archive; a ticket is written over its end */

static void
put32(uint8_t *at, uint32_t value)
{
	uint32_t bytes = GUINT32_TO_LE(value);
	memcpy(at, &bytes, sizeof bytes);
}

/* ---- the modem -------------------------------------------------------------------------------- */

/* A Qualcomm image of the second kind: magic, and the size behind a header of 80 bytes. */
static void
shape_mbn(uint8_t *part)
{
	memcpy(part, "\xd1\xdc\x4b\x84\x34\x10\xd7\x73", 8);
	put32(part + 20, 80);
	put32(part + 28, PART_SIZE - 80);
}

/* An Intel image: magic, and the whole size. */
static void
shape_bin(uint8_t *part)
{
	memcpy(part, "\x7d\x04\x00\xea\x6c\x69\x48\x55", 8);
	put32(part + 16, PART_SIZE);
}

/* names are those that idevicerestore's restore.c looks for; each maker of modems has his own */
static const struct {
	const char *maker, *name;
	void (*shape)(uint8_t *part);
} programs[] = {
	{ "Mav", "sbl1.mbn", shape_mbn },        { "Mav", "restoresbl1.mbn", shape_mbn },
	{ "Mav", "multi_image.mbn", shape_mbn }, { "ICE", "psi_ram.bin", shape_bin },
	{ "ICE", "restorepsi.bin", shape_bin },  { "ICE", "psi_ram2.bin", shape_bin },
	{ "ICE", "restorepsi2.bin", shape_bin },
};

static void
add_program(LabZip *zip, const char *name, void (*shape)(uint8_t *part), const GByteArray *content)
{
	g_autofree uint8_t *part = g_malloc0(PART_SIZE);
	memcpy(part, content->data, MIN(content->len, PART_SIZE));
	shape(part);
	g_autoptr(GBytes) data = g_bytes_new(part, PART_SIZE);
	bool ok = lab_zip_add(zip, name, true, data, NULL);
	g_assert(ok); /* memory only */
}

static GBytes *
make_baseband(const char *path, const GByteArray *content)
{
	char *buffer = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buffer, &size);
	g_autofree char *name = g_path_get_basename(path);
	g_autoptr(GBytes) data = g_bytes_new(content->data, content->len);
	g_autoptr(LabZip) zip = lab_zip_new(out);
	bool ok = lab_zip_add(zip, "bbcfg.mbn", true, data, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
		if (g_str_has_prefix(name, programs[i].maker))
			add_program(zip, programs[i].name, programs[i].shape, content);
	}
	ok = ok && lab_zip_finish(zip, NULL);
	(void)fclose(out);
	g_assert(ok); /* memory only */
	GBytes *result = g_bytes_new(buffer, size);
	free(buffer);
	return result;
}

/* ---- tables, maps, encrypted images ----------------------------------------------------------- */

/* A header of 48 bytes, then entries of 16: tag, offset, size; tags in reading order. */
static GBytes *
make_ftab(const char *path, const GByteArray *content)
{
	enum { HEADER = 48, ENTRY = 16 };
	uint8_t head[HEADER + 2 * ENTRY] = { 0 };
	uint32_t half = content->len / 2;
	put32(head, 1);
	put32(head + 4, G_MAXUINT32);
	memcpy(head + 32, "rkosftab", 8);
	put32(head + 40, 2);
	memcpy(head + HEADER, "rkos", 4);
	put32(head + HEADER + 4, sizeof head);
	put32(head + HEADER + 8, half);
	memcpy(head + HEADER + ENTRY, "rrko", 4);
	put32(head + HEADER + ENTRY + 4, (uint32_t)sizeof head + half);
	put32(head + HEADER + ENTRY + 8, content->len - half);
	GByteArray *file = g_byte_array_new();
	g_byte_array_append(file, head, sizeof head);
	g_byte_array_append(file, content->data, content->len);
	return g_byte_array_free_to_bytes(file);
}

static GBytes *
make_map(const char *path, const GByteArray *content)
{
	plist_t map = plist_new_dict();
	plist_dict_set_item(map, "FirmwareVersion", plist_new_uint(1));
	plist_dict_set_item(map, "FirmwareImage",
			    plist_new_data((const char *)content->data, content->len));
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(map, &xml, &size);
	plist_free(map);
	GBytes *file = g_bytes_new(xml, size);
	free(xml);
	return file;
}

static GBytes *
make_encrypted(const char *path, const GByteArray *content)
{
	g_autofree uint8_t *file = g_memdup2(content->data, content->len);
	memcpy(file, "AEA1", 4);
	return g_bytes_new(file, content->len);
}

static const struct {
	const char *suffix;
	GBytes *(*make)(const char *path, const GByteArray *content);
} kinds[] = {
	{ ".bbfw", make_baseband },
	{ "ftab.bin", make_ftab },
	{ "FirmwareMap.plist", make_map },
	{ ".aea", make_encrypted },
};

GBytes *
lab_special_file(const char *path, const GByteArray *content)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (g_str_has_suffix(path, kinds[i].suffix))
			return kinds[i].make(path, content);
	}
	return NULL;
}
