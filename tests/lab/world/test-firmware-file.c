/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib/gstdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/lab/world/component.h"
#include "tests/lab/world/der.h"
#include "tests/lab/world/ipsw.h"

/*
 * The archives are read back here by a few lines that share nothing with the writer but zlib, and by unzip where it
 * is installed.
 */

enum { LOCAL_HEADER_SIZE = 30, CENTRAL_HEADER_SIZE = 46, END_SIZE = 22, SHA384_SIZE = 48 };

typedef struct {
	char *dir, *path;
	GMappedFile *file;
	const uint8_t *data;
	size_t size;
} Archive;

static uint32_t
get(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static void
archive_build(Archive *archive, const LabIpswSpec *spec)
{
	g_autoptr(GError) error = NULL;
	archive->dir = g_dir_make_tmp("lab-ipsw-XXXXXX", &error);
	archive->path = g_build_filename(archive->dir, "f.ipsw", NULL);
	g_assert_true(lab_ipsw_build(spec, archive->path, &error));
	g_assert_no_error(error);
	archive->file = g_mapped_file_new(archive->path, FALSE, &error);
	g_assert_no_error(error);
	archive->data = (const uint8_t *)g_mapped_file_get_contents(archive->file);
	archive->size = g_mapped_file_get_length(archive->file);
}

static void
archive_clear(Archive *archive)
{
	g_mapped_file_unref(archive->file);
	(void)g_unlink(archive->path);
	(void)g_rmdir(archive->dir);
	g_free(archive->path);
	g_free(archive->dir);
}

static GBytes *
inflate_all(const uint8_t *packed, uint32_t packed_size, uint32_t size)
{
	uint8_t *out = g_malloc(size + 1);
	z_stream stream = { .next_in = (Bytef *)packed,
			    .avail_in = packed_size,
			    .next_out = out,
			    .avail_out = size + 1 };
	g_assert_cmpint(inflateInit2(&stream, -MAX_WBITS), ==, Z_OK);
	g_assert_cmpint(inflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	g_assert_cmpuint(stream.total_out, ==, size);
	(void)inflateEnd(&stream);
	return g_bytes_new_take(out, size);
}

/* NULL when there is no such member; `ret_sound` tells whether the CRC matches */
static GBytes *
archive_member(const Archive *archive, const char *name, bool *ret_sound)
{
	const uint8_t *end = archive->data + archive->size - END_SIZE;
	g_assert_cmphex(get(end, 4), ==, 0x06054b50);
	const uint8_t *at = archive->data + get(end + 16, 4);
	for (uint32_t left = get(end + 10, 2); left > 0; left--) {
		uint32_t name_size = get(at + 28, 2);
		bool found = name_size == strlen(name) &&
			     memcmp(at + CENTRAL_HEADER_SIZE, name, name_size) == 0;
		if (found) {
			const uint8_t *local = archive->data + get(at + 42, 4);
			g_assert_cmphex(get(local, 4), ==, 0x04034b50);
			const uint8_t *packed = local + LOCAL_HEADER_SIZE + get(local + 26, 2) +
						get(local + 28, 2);
			uint32_t size = get(at + 24, 4);
			GBytes *data = get(at + 10, 2) == 8
					   ? inflate_all(packed, get(at + 20, 4), size)
					   : g_bytes_new(packed, size);
			*ret_sound = crc32(0, g_bytes_get_data(data, NULL), size) ==
				     get(at + 16, 4);
			return data;
		}
		at += CENTRAL_HEADER_SIZE + name_size + get(at + 30, 2) + get(at + 32, 2);
	}
	return NULL;
}

static plist_t
archive_manifest(const Archive *archive)
{
	bool sound = false;
	g_autoptr(GBytes) data = archive_member(archive, "BuildManifest.plist", &sound);
	plist_t manifest = NULL;
	g_assert_nonnull(data);
	g_assert_true(sound);
	plist_from_xml(g_bytes_get_data(data, NULL), (uint32_t)g_bytes_get_size(data), &manifest);
	g_assert_nonnull(manifest);
	return manifest;
}

static const LabIpswSpec usual = { .product = (char *)"iPhone10,3",
				   .version = (char *)"15.0",
				   .build = (char *)"19A346",
				   .os_bytes = 300 * 1000 };

/* ---- tests ------------------------------------------------------------------------------------ */

static void
check_digest(plist_t entry, GBytes *data)
{
	g_autofree char *copy = g_memdup2(g_bytes_get_data(data, NULL), g_bytes_get_size(data));
	plist_t type = plist_access_path(entry, 2, "Info", "Img4PayloadType");
	uint64_t size = 0;
	/* the type stands behind "IM4P" and its own tag and length */
	char *im4p = memmem(copy, 64, "IM4P", 4);
	if (type != NULL)
		memcpy(im4p + 6, plist_get_string_ptr(type, &size), 4);
	guint8 digest[SHA384_SIZE];
	gsize length = sizeof digest;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA384);
	g_checksum_update(sum, (const guchar *)copy, (gssize)g_bytes_get_size(data));
	g_checksum_get_digest(sum, digest, &length);
	const char *stated = plist_get_data_ptr(plist_dict_get_item(entry, "Digest"), &size);
	g_assert_cmpmem(digest, length, stated, size);
}

static void
test_every_component_is_there_and_has_its_digest(void)
{
	Archive archive;
	archive_build(&archive, &usual);
	plist_t manifest = archive_manifest(&archive);
	for (uint32_t identity = 0; identity < 2; identity++) {
		for (unsigned i = 0; lab_component_at(i) != NULL; i++) {
			plist_t identities = plist_dict_get_item(manifest, "BuildIdentities");
			plist_t entry = plist_access_path(plist_array_get_item(identities,
									       identity),
							  2, "Manifest", lab_component_at(i)->name);
			plist_t path = plist_access_path(entry, 2, "Info", "Path");
			uint64_t length = 0;
			bool sound = false;
			if (path == NULL)
				continue;
			g_autoptr(GBytes) data =
			    archive_member(&archive, plist_get_string_ptr(path, &length), &sound);
			g_assert_nonnull(data);
			g_assert_true(sound);
			if (plist_dict_get_item(entry, "Digest") != NULL)
				check_digest(entry, data);
		}
	}
	plist_free(manifest);
	archive_clear(&archive);
}

static void
test_os_image_names_its_build(void)
{
	LabIpswSpec spec = usual;
	for (int deflated = 0; deflated < 2; deflated++) {
		Archive archive;
		bool sound = false;
		spec.os_deflated = deflated != 0;
		archive_build(&archive, &spec);
		g_autoptr(GBytes) data = archive_member(&archive, "098-10000-001.dmg", &sound);
		g_assert_true(sound);
		g_assert_cmpuint(g_bytes_get_size(data), ==, spec.os_bytes);
		g_assert_true(
		    g_str_has_prefix(g_bytes_get_data(data, NULL), "LABOS 15.0 19A346\n"));
		archive_clear(&archive);
	}
}

static void
test_same_spec_makes_same_file(void)
{
	Archive one, two;
	archive_build(&one, &usual);
	archive_build(&two, &usual);
	g_assert_cmpmem(one.data, one.size, two.data, two.size);
	archive_clear(&one);
	archive_clear(&two);
}

static void
test_unzip_agrees(void)
{
	g_autofree char *unzip = g_find_program_in_path("unzip");
	if (unzip == NULL) {
		g_test_skip("unzip is not installed");
		return;
	}
	Archive archive;
	g_autoptr(GError) error = NULL;
	int status = 0;
	archive_build(&archive, &usual);
	char *argv[] = { unzip, (char *)"-tq", archive.path, NULL };
	g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
				   &status, &error));
	g_assert_true(g_spawn_check_wait_status(status, &error));
	g_assert_no_error(error);
	archive_clear(&archive);
}

static void
test_damage_is_what_it_says(void)
{
	static const char kernel[] = "kernelcache.release.iphone10b";
	LabIpswSpec spec = usual;
	Archive archive;
	bool sound = true;
	spec.damage = LAB_DAMAGE_BYTE_FLIP;
	spec.damage_text = (char *)"OS";
	archive_build(&archive, &spec);
	g_autoptr(GBytes) os = archive_member(&archive, "098-10000-001.dmg", &sound);
	g_assert_false(sound);
	archive_clear(&archive);

	spec.damage = LAB_DAMAGE_NO_COMPONENT;
	spec.damage_text = (char *)"KernelCache";
	archive_build(&archive, &spec);
	g_assert_null(archive_member(&archive, kernel, &sound));
	archive_clear(&archive);

	spec.damage = LAB_DAMAGE_NO_MANIFEST;
	archive_build(&archive, &spec);
	g_assert_null(archive_member(&archive, "BuildManifest.plist", &sound));
	archive_clear(&archive);
}

static void
test_size_after_damage(void)
{
	LabIpswSpec spec = usual;
	Archive archive;
	archive_build(&archive, &spec);
	size_t whole = archive.size;
	archive_clear(&archive);
	spec.damage = LAB_DAMAGE_TRUNCATE;
	spec.damage_number = 50;
	archive_build(&archive, &spec);
	g_assert_cmpuint(archive.size, ==, whole / 100 * 50);
	archive_clear(&archive);
	spec.damage = LAB_DAMAGE_HTML;
	archive_build(&archive, &spec);
	g_assert_cmpuint(archive.data[0], ==, '<');
	archive_clear(&archive);
}

static void
test_failure_leaves_no_file(void)
{
	LabIpswSpec spec = usual;
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("lab-ipsw-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f.ipsw", NULL);
	spec.product = (char *)"iPhone99,9";
	g_assert_false(lab_ipsw_build(&spec, path, &error));
	g_assert_cmpstr(error->message, ==, "the lab has no model ‘iPhone99,9’");
	g_clear_error(&error);
	spec = usual;
	spec.damage = LAB_DAMAGE_BYTE_FLIP;
	spec.damage_text = (char *)"Heart";
	g_assert_false(lab_ipsw_build(&spec, path, &error));
	g_assert_cmpstr(error->message, ==,
			"the firmware has no file of its own for component ‘Heart’");
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	(void)g_rmdir(dir);
}

static void
test_der_lengths_and_integers(void)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[12];
		guint size;
	} wanted[] = {
		{ 0, { 2, 1, 0 }, 3 },
		{ 127, { 2, 1, 127 }, 3 },
		{ 128, { 2, 2, 0, 128 }, 4 },
		{ 0x8015, { 2, 3, 0, 0x80, 0x15 }, 5 },
		{ G_MAXUINT64, { 2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255 }, 11 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		lab_der_integer(out, wanted[i].value);
		g_assert_cmpmem(out->data, out->len, wanted[i].bytes, wanted[i].size);
	}
	static const uint8_t zeros[300];
	static const uint8_t head[] = { 0x04, 0x82, 0x01, 0x2c };
	g_autoptr(GByteArray) octets = g_byte_array_new();
	lab_der_octets(octets, zeros, sizeof zeros);
	g_assert_cmpmem(octets->data, sizeof head, head, sizeof head);
	g_assert_cmpuint(octets->len, ==, sizeof head + sizeof zeros);
}

static void
test_property_has_private_tag(void)
{
	static const uint8_t wanted[] = { 0xff, 0x84, 0x92, 0xb9, 0x86, 0x48, 0x0b, 0x30, 0x09,
					  0x16, 0x04, 'B',  'O',  'R',  'D',  0x02, 0x01, 0x06 };
	g_autoptr(GByteArray) out = g_byte_array_new();
	GByteArray *value = g_byte_array_new();
	lab_der_integer(value, 6);
	lab_der_property(out, "BORD", value);
	/* 'BORD' is 0x424f5244, in groups of seven bits */
	g_assert_cmpuint(out->data[0], ==, wanted[0]);
	g_assert_cmpmem(out->data + 7, out->len - 7, wanted + 7, sizeof wanted - 7);
	uint32_t number = 0;
	for (size_t i = 1; i < 6; i++)
		number = number << 7 | (out->data[i] & 0x7f);
	g_assert_cmphex(number, ==, 0x424f5244);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/firmware-file/every-component-has-its-digest",
			test_every_component_is_there_and_has_its_digest);
	g_test_add_func("/firmware-file/os-image-names-its-build", test_os_image_names_its_build);
	g_test_add_func("/firmware-file/same-spec-makes-same-file", test_same_spec_makes_same_file);
	g_test_add_func("/firmware-file/unzip-agrees", test_unzip_agrees);
	g_test_add_func("/firmware-file/damage-is-what-it-says", test_damage_is_what_it_says);
	g_test_add_func("/firmware-file/size-after-damage", test_size_after_damage);
	g_test_add_func("/firmware-file/failure-leaves-no-file", test_failure_leaves_no_file);
	g_test_add_func("/firmware-file/der-lengths-and-integers", test_der_lengths_and_integers);
	g_test_add_func("/firmware-file/property-has-private-tag", test_property_has_private_tag);
	return g_test_run();
}
