/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include <zlib.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/firmware-json.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/ipsw/ipsw.h"
#include "firmware/ipsw/manifest.h"
#include "firmware/ipsw/zip.h"
#include "tests/unit/scratch.h"

/* A tiny writer of archives, honest unless told otherwise. */

typedef struct {
	const char *name;
	const char *data;
	bool deflated;
	uint32_t crc_xor;      /* makes the checksum wrong */
	uint64_t claimed_size; /* 0: the true one */
	bool reuse_previous;   /* points at the member before: an overlap */
	bool zip64;
} Member;

typedef struct {
	GByteArray *file, *directory;
	unsigned count;
	uint32_t last_offset;
} Writer;

static void
put16(GByteArray *out, unsigned value)
{
	uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	g_byte_array_append(out, bytes, sizeof(bytes));
}

static void
put32(GByteArray *out, uint64_t value)
{
	put16(out, (unsigned)(value & 0xffff));
	put16(out, (unsigned)(value >> 16 & 0xffff));
}

static void
put64(GByteArray *out, uint64_t value)
{
	put32(out, value & 0xffffffff);
	put32(out, value >> 32);
}

static void
put_text(GByteArray *out, const char *text)
{
	g_byte_array_append(out, (const uint8_t *)text, (unsigned)strlen(text));
}

static GByteArray *
pack(const Member *member)
{
	GByteArray *out = g_byte_array_new();
	z_stream stream = { 0 };
	size_t size = strlen(member->data);

	if (!member->deflated) {
		put_text(out, member->data);
		return out;
	}
	g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
			Z_OK);
	g_byte_array_set_size(out, (unsigned)deflateBound(&stream, size));
	stream.next_in = (Bytef *)member->data;
	stream.avail_in = (uInt)size;
	stream.next_out = out->data;
	stream.avail_out = out->len;
	g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	g_byte_array_set_size(out, (unsigned)stream.total_out);
	(void)deflateEnd(&stream);
	return out;
}

static void
put_entry(Writer *writer, const Member *member, uint32_t crc, uint64_t packed, uint64_t size)
{
	GByteArray *out = writer->directory;

	put32(out, 0x02014b50);
	put16(out, 20);
	put16(out, 20);
	put16(out, 0);
	put16(out, member->deflated ? 8 : 0);
	put32(out, 0);
	put32(out, crc);
	put32(out, member->zip64 ? 0xffffffff : packed);
	put32(out, member->zip64 ? 0xffffffff : size);
	put16(out, (unsigned)strlen(member->name));
	put16(out, member->zip64 ? 28 : 0);
	put16(out, 0);
	put16(out, 0);
	put16(out, 0);
	put32(out, 0);
	put32(out, member->zip64 ? 0xffffffff : writer->last_offset);
	put_text(out, member->name);
	if (!member->zip64)
		return;
	put16(out, 1);
	put16(out, 24);
	put64(out, size);
	put64(out, packed);
	put64(out, writer->last_offset);
}

static void
add_member(Writer *writer, const Member *member)
{
	g_autoptr(GByteArray) packed = pack(member);
	size_t size = strlen(member->data);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)member->data, (uInt)size) ^
		       member->crc_xor;

	if (!member->reuse_previous) {
		GByteArray *out = writer->file;
		writer->last_offset = out->len;
		put32(out, 0x04034b50);
		put16(out, 20);
		put16(out, 0);
		put16(out, member->deflated ? 8 : 0);
		put32(out, 0);
		put32(out, crc);
		put32(out, packed->len);
		put32(out, size);
		put16(out, (unsigned)strlen(member->name));
		put16(out, 0);
		put_text(out, member->name);
		g_byte_array_append(out, packed->data, packed->len);
	}
	put_entry(writer, member, crc, packed->len,
		  member->claimed_size != 0 ? member->claimed_size : size);
	writer->count++;
}

static void
put_end64(Writer *writer, uint64_t offset)
{
	GByteArray *out = writer->file;
	uint64_t record = out->len;

	put32(out, 0x06064b50);
	put64(out, 44);
	put16(out, 45);
	put16(out, 45);
	put32(out, 0);
	put32(out, 0);
	put64(out, writer->count);
	put64(out, writer->count);
	put64(out, writer->directory->len);
	put64(out, offset);
	put32(out, 0x07064b50);
	put32(out, 0);
	put64(out, record);
	put32(out, 1);
}

static GByteArray *
build(const Member *members, size_t count, bool zip64)
{
	Writer writer = { .file = g_byte_array_new(), .directory = g_byte_array_new() };
	uint64_t offset;
	size_t i;

	for (i = 0; i < count; i++)
		add_member(&writer, &members[i]);
	offset = writer.file->len;
	g_byte_array_append(writer.file, writer.directory->data, writer.directory->len);
	if (zip64)
		put_end64(&writer, offset);
	put32(writer.file, 0x06054b50);
	put16(writer.file, 0);
	put16(writer.file, 0);
	put16(writer.file, zip64 ? 0xffff : writer.count);
	put16(writer.file, zip64 ? 0xffff : writer.count);
	put32(writer.file, zip64 ? 0xffffffff : writer.directory->len);
	put32(writer.file, zip64 ? 0xffffffff : offset);
	put16(writer.file, 0);
	g_byte_array_unref(writer.directory);
	return writer.file;
}

/* A file that is gone when the test is over. */

typedef struct {
	char *dir, *path;
} Scratch;

static void
scratch_clear(Scratch *scratch)
{
	(void)g_unlink(scratch->path);
	(void)g_rmdir(scratch->dir);
	g_free(scratch->dir);
	g_free(scratch->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scratch, scratch_clear)

static Scratch
write_scratch(const void *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	Scratch scratch = { .dir = g_dir_make_tmp("ipsw-XXXXXX", &error) };

	g_assert_no_error(error);
	scratch.path = g_build_filename(scratch.dir, "firmware.ipsw", NULL);
	g_file_set_contents(scratch.path, data, (gssize)size, &error);
	g_assert_no_error(error);
	return scratch;
}

static RescueZip *
open_members(const Member *members, size_t count, bool zip64, GError **error)
{
	g_autoptr(GByteArray) file = build(members, count, zip64);
	g_auto(Scratch) scratch = write_scratch(file->data, file->len);

	return rescue_zip_open(scratch.path, error);
}

static RescueFirmware *
read_members(const Member *members, size_t count, GError **error)
{
	g_autoptr(GByteArray) file = build(members, count, false);
	g_auto(Scratch) scratch = write_scratch(file->data, file->len);

	return rescue_ipsw_read(scratch.path, true, error);
}

#define MANIFEST_HEAD                                                                            \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>"                \
	"<key>ProductVersion</key><string>15.4</string><key>ProductBuildVersion</"               \
	"key><string>19E241</string>"                                                            \
	"<key>SupportedProductTypes</key><array><string>iPhone10,3</string><string>iPhone10,6</" \
	"string></array>"                                                                        \
	"<key>BuildIdentities</key><array>"
#define MANIFEST_TAIL "</array></dict></plist>"
#define IDENTITY(board, behavior, variant, extra)                                                 \
	"<dict><key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>" board      \
	"</string>"                                                                               \
	"<key>Info</key><dict><key>DeviceClass</key><string>d22ap</string><key>RestoreBehavior</" \
	"key><string>" behavior "</string><key>Variant</key><string>" variant                     \
	"</string></dict><key>Manifest</key><dict>"                                               \
	"<key>OS</key><dict><key>Info</key><dict><key>Path</key><string>os.dmg</string></dict></" \
	"dict>"                                                                                   \
	"<key>iBSS</key><dict><key>Info</key><dict><key>Path</key><string>Firmware/dfu/"          \
	"iBSS.im4p</string></dict>"                                                               \
	"</dict><key>ftap</key><dict><key>Digest</key><data></data></dict>" extra "</dict></dict>"
#define COMPONENT(name, path)                                                        \
	"<key>" name "</key><dict><key>Info</key><dict><key>Path</key><string>" path \
	"</string></dict></dict>"

static const char plain_manifest[] = MANIFEST_HEAD IDENTITY("0x06", "Erase",
							    "Customer Erase Install (IPSW)", "")
    IDENTITY("0x06", "Update", "Customer Upgrade Install (IPSW)", "") MANIFEST_TAIL;

static const RescueIdentity *
choose(const RescueFirmware *firmware, uint32_t chip_id, uint32_t board_id, RescueBehavior behavior,
       RescuePicking picking)
{
	const RescueIdentityWish wish = { .have_chip = true,
					  .chip_id = chip_id,
					  .board_id = board_id,
					  .behavior = behavior,
					  .picking = picking };

	return rescue_firmware_choose(firmware, &wish);
}

static void
test_whole_firmware_tells_what_it_is(void)
{
	const Member members[] = {
		{ .name = "BuildManifest.plist", .data = plain_manifest, .deflated = true },
		{ .name = "os.dmg", .data = "0123456789" },
		{ .name = "Firmware/", .data = "" },
		{ .name = "Firmware/dfu/iBSS.im4p", .data = "boot loader", .deflated = true }
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueFirmware) firmware = read_members(members, G_N_ELEMENTS(members), &error);
	const RescueIdentity *identity;

	g_assert_no_error(error);
	g_assert_cmpstr(firmware->version, ==, "15.4");
	g_assert_cmpstr(firmware->build, ==, "19E241");
	g_assert_cmpstr(firmware->products[1], ==, "iPhone10,6");
	g_assert_cmpuint(firmware->os_image_bytes, ==, 10);
	g_assert_true(firmware->os_image_stored);
	identity = choose(firmware, 0x8015, 6, RESCUE_BEHAVIOR_UPDATE, RESCUE_PICKS_BY_BEHAVIOR);
	g_assert_nonnull(identity);
	g_assert_cmpstr(identity->variant, ==, "Customer Upgrade Install (IPSW)");
	g_assert_null(choose(firmware, 0x8015, 7, RESCUE_BEHAVIOR_ERASE, RESCUE_PICKS_BY_BEHAVIOR));
}

static void
test_firmware_survives_json_and_back(void)
{
	const Member members[] = { { .name = "BuildManifest.plist", .data = plain_manifest },
				   { .name = "os.dmg", .data = "0123456789", .deflated = true },
				   { .name = "Firmware/dfu/iBSS.im4p", .data = "x" } };
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueFirmware) firmware = read_members(members, G_N_ELEMENTS(members), &error);
	g_autoptr(RescueJson) json = rescue_firmware_to_json(firmware);
	g_autofree char *text = rescue_json_dump(json);
	g_autoptr(RescueJson) parsed = rescue_json_parse(text, strlen(text), &error);
	g_autoptr(RescueFirmware) back = rescue_firmware_from_json(parsed, &error);
	g_autoptr(RescueJson) again = NULL;
	g_autofree char *text_again = NULL;

	g_assert_no_error(error);
	again = rescue_firmware_to_json(back);
	text_again = rescue_json_dump(again);
	g_assert_cmpstr(text, ==, text_again);
	g_assert_false(back->os_image_stored);
}

static void
test_error_survives_json_and_back(void)
{
	g_autoptr(GError) error = g_error_new_literal(RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
						      "it ends too early");
	g_autoptr(RescueJson) json = rescue_error_to_json(error);
	g_autoptr(GError) back = rescue_error_from_json(json);
	g_autoptr(RescueJson) empty = rescue_json_object_new();
	g_autoptr(RescueFirmware) nothing = NULL;

	g_assert_error(back, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	g_assert_cmpstr(back->message, ==, "it ends too early");
	g_assert_null(rescue_error_from_json(empty));
	nothing = rescue_firmware_from_json(empty, NULL);
	g_assert_null(nothing);
}

/* What is wrong with an archive, and what is said of it. */
typedef struct {
	const char *name;
	Member members[4];
	RescueFailure failure;
	const char *says;
} Bad;

static const char html[] = "<html>log in to the hotel first</html>";
static const char not_a_plist[] = "this is not a property list";
static const char empty_dict[] = "<plist version=\"1.0\"><dict></dict></plist>";
static const char two_parts[] = MANIFEST_HEAD IDENTITY("0x06", "Erase",
						       "Customer Erase Install (IPSW)",
						       COMPONENT("SEP", "Firmware/sep.im4p"))
    MANIFEST_TAIL;

static const Bad bad[] = {
	{ "no-manifest",
	  { { .name = "readme", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
	  "no BuildManifest" },
	{ "manifest-is-no-plist",
	  { { .name = "BuildManifest.plist", .data = not_a_plist } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "not usable" },
	{ "manifest-is-empty",
	  { { .name = "BuildManifest.plist", .data = empty_dict } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "names no version" },
	{ "no-os-image",
	  { { .name = "BuildManifest.plist", .data = plain_manifest },
	    { .name = "Firmware/dfu/iBSS.im4p", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
	  "OS image" },
	{ "no-component",
	  { { .name = "BuildManifest.plist", .data = two_parts },
	    { .name = "os.dmg", .data = "x" },
	    { .name = "Firmware/dfu/iBSS.im4p", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_INCOMPLETE,
	  "SEP" },
	{ "component-damaged",
	  { { .name = "BuildManifest.plist", .data = plain_manifest },
	    { .name = "os.dmg", .data = "x" },
	    { .name = "Firmware/dfu/iBSS.im4p", .data = "boot loader", .crc_xor = 1 } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "checksum" },
	{ "manifest-checksum",
	  { { .name = "BuildManifest.plist",
	      .data = plain_manifest,
	      .deflated = true,
	      .crc_xor = 0x80000000u } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "checksum" },
	{ "overlap",
	  { { .name = "aaaa", .data = "0123456789" },
	    { .name = "bbbb", .data = "0123456789", .reuse_previous = true } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "overlaps" },
	{ "twice",
	  { { .name = "aaaa", .data = "1" }, { .name = "aaaa", .data = "2" } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "two members" },
	{ "bomb",
	  { { .name = "bomb", .data = "0", .deflated = true, .claimed_size = UINT32_MAX - 1 } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "more than its bytes can hold" },
	{ "absurd-size",
	  { { .name = "big",
	      .data = "0",
	      .deflated = true,
	      .zip64 = true,
	      .claimed_size = UINT64_MAX } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "absurd" },
	{ "stored-with-two-sizes",
	  { { .name = "two", .data = "0123", .claimed_size = 5 } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "two sizes" },
	{ "shorter-than-it-says",
	  { { .name = "BuildManifest.plist",
	      .data = "0123",
	      .deflated = true,
	      .claimed_size = 5 } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "checksum" },
	{ "longer-than-it-says",
	  { { .name = "BuildManifest.plist",
	      .data = "0123",
	      .deflated = true,
	      .claimed_size = 3 } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "cannot be unpacked" },
	{ "climbs-out",
	  { { .name = "../../etc/passwd", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "not allowed" },
	{ "from-the-root",
	  { { .name = "/etc/passwd", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "not allowed" },
	{ "backslash",
	  { { .name = "..\\x", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "not allowed" },
	{ "no-text",
	  { { .name = "\xff\xfe", .data = "x" } },
	  RESCUE_FAILURE_FIRMWARE_DAMAGED,
	  "not allowed" },
};

static void
test_bad_archive_gets_one_sentence(const void *data)
{
	const Bad *what = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueFirmware) firmware = NULL;
	size_t count = 0;

	while (count < G_N_ELEMENTS(what->members) && what->members[count].name != NULL)
		count++;
	firmware = read_members(what->members, count, &error);
	g_assert_null(firmware);
	g_assert_error(error, RESCUE_ERROR, (int)what->failure);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, what->says));
	g_assert_null(strchr(error->message, '\n'));
}

static void
expect_refused(const void *data, size_t size, RescueFailure failure)
{
	g_auto(Scratch) scratch = write_scratch(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueFirmware) firmware = rescue_ipsw_read(scratch.path, true, &error);

	g_assert_null(firmware);
	g_assert_error(error, RESCUE_ERROR, (int)failure);
}

static void
test_what_is_no_archive_is_named(void)
{
	g_autoptr(GError) error = NULL;

	expect_refused("", 0, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	expect_refused(html, strlen(html), RESCUE_FAILURE_FIRMWARE_NOT_IPSW);
	expect_refused(not_a_plist, strlen(not_a_plist), RESCUE_FAILURE_FIRMWARE_NOT_IPSW);
	g_assert_null(rescue_ipsw_read("/nonexistent/firmware.ipsw", true, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_MISSING);
	g_clear_error(&error);
	g_assert_null(rescue_ipsw_read(g_get_tmp_dir(), true, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW);
}

/* each prefix of a good archive is refused, none crashes the reader */
static void
test_every_truncation_is_refused(void)
{
	const Member members[] = {
		{ .name = "BuildManifest.plist", .data = plain_manifest, .deflated = true },
		{ .name = "os.dmg", .data = "0123456789" },
		{ .name = "Firmware/dfu/iBSS.im4p", .data = "boot loader" }
	};
	g_autoptr(GByteArray) file = build(members, G_N_ELEMENTS(members), false);
	size_t size;

	for (size = 4; size < file->len; size += 3)
		expect_refused(file->data, size, RESCUE_FAILURE_FIRMWARE_DAMAGED);
}

/* whatever byte is wrong: an answer or an error, under the sanitizers nothing else */
static void
test_every_flipped_byte_is_survived(void)
{
	const Member members[] = {
		{ .name = "BuildManifest.plist", .data = plain_manifest, .deflated = true },
		{ .name = "os.dmg", .data = "0123456789", .zip64 = true },
		{ .name = "Firmware/dfu/iBSS.im4p", .data = "boot loader" }
	};
	g_autoptr(GByteArray) file = build(members, G_N_ELEMENTS(members), true);
	unsigned at;

	for (at = 0; at < file->len; at++) {
		g_auto(Scratch) scratch = { 0 };
		g_autoptr(RescueFirmware) firmware = NULL;
		g_autoptr(GError) error = NULL;
		file->data[at] ^= 0x81;
		scratch = write_scratch(file->data, file->len);
		file->data[at] ^= 0x81;
		firmware = rescue_ipsw_read(scratch.path, true, &error);
		g_assert_true((firmware != NULL) == (error == NULL));
	}
}

static void
test_zip64_is_read(void)
{
	const Member members[] = {
		{ .name = "a", .data = "first", .zip64 = true },
		{ .name = "b", .data = "second", .deflated = true, .zip64 = true }
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueZip) zip = open_members(members, G_N_ELEMENTS(members), true, &error);
	g_autofree char *text = NULL;
	size_t size = 0;

	g_assert_no_error(error);
	g_assert_cmpuint(rescue_zip_count(zip), ==, 2);
	g_assert_null(rescue_zip_at(zip, 2));
	g_assert_null(rescue_zip_find(zip, "c"));
	text = rescue_zip_read(zip, rescue_zip_find(zip, "b"), 6, &size, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "second");
	g_assert_cmpuint(size, ==, 6);
	g_assert_true(rescue_zip_verify(zip, rescue_zip_at(zip, 0), &error));
}

static void
test_member_beyond_the_cap_is_refused(void)
{
	const Member members[] = { { .name = "a", .data = "0123456789" } };
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueZip) zip = open_members(members, G_N_ELEMENTS(members), false, &error);

	g_assert_no_error(error);
	g_assert_null(rescue_zip_read(zip, rescue_zip_at(zip, 0), 9, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED);
}

/* patches for development hardware and variants for research devices do not have to be there */
static void
test_parts_that_no_customer_needs_may_be_missing(void)
{
	static const char manifest[] =
	    MANIFEST_HEAD IDENTITY("0x06", "Erase", "Customer Erase Install (IPSW)",
				   COMPONENT("Savage,B0-Dev-Patch", "Savage.B0-Dev.fw"))
		IDENTITY("0x06", "Erase", "Research Customer Erase Install (IPSW)",
			 COMPONENT("SEP", "research.im4p")) MANIFEST_TAIL;
	const Member members[] = { { .name = "BuildManifest.plist", .data = manifest },
				   { .name = "os.dmg", .data = "x" },
				   { .name = "Firmware/dfu/iBSS.im4p", .data = "x" } };
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueFirmware) firmware = read_members(members, G_N_ELEMENTS(members), &error);

	g_assert_no_error(error);
	g_assert_cmpuint(firmware->identities->len, ==, 2);
	g_assert_cmpstr(choose(firmware, 0x8015, 6, RESCUE_BEHAVIOR_ERASE, RESCUE_PICKS_BY_VARIANT)
			    ->variant,
			==, "Customer Erase Install (IPSW)");
}

/* Real manifests, when a folder with some is named; nothing of them is part of this project. */

typedef struct {
	const char *file, *version, *build, *product;
	uint32_t chip_id, board_id;
	unsigned identities;
	bool can_update; /* also with the first generation of engines */
} Real;

static const Real real[] = {
	{ "iPhone7,2_8.4.1_12H321_BuildManifest.plist", "8.4.1", "12H321", "iPhone7,2", 0x7000, 6,
	  2, true },
	{ "iPhone10,3_11.2_15C114_BuildManifest.plist", "11.2", "15C114", "iPhone10,3", 0x8015, 6,
	  4, true },
	{ "iPhone9,1_13.5.1_17F80_BuildManifest.plist", "13.5.1", "17F80", "iPhone9,1", 0x8010, 8,
	  8, true },
	{ "iPhone10,1_15.4_19E241_BuildManifest.plist", "15.4", "19E241", "iPhone10,1", 0x8015, 2,
	  8, true },
	{ "iPhone13,2_26.2.1_23C71_BuildManifest.plist", "26.2.1", "23C71", "iPhone13,2", 0x8101,
	  0xc, 6, false },
};

static char *
find_manifest(const char *file)
{
	const char *shared = g_getenv("RESCUE_SHARED_DIR");
	g_autofree char *path = shared != NULL ? g_build_filename(shared, "manifests", file, NULL)
					       : NULL;

	return path != NULL && g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path)
								     : NULL;
}

static void
test_real_manifest_is_understood(const void *data)
{
	const Real *what = data;
	g_autofree char *path = find_manifest(what->file);
	g_autofree char *text = NULL;
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	g_autoptr(GPtrArray)
	    parts = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
	g_autoptr(GError) error = NULL;
	size_t size;

	if (path == NULL) {
		g_test_skip("RESCUE_SHARED_DIR names no folder with this manifest");
		return;
	}
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_true(rescue_manifest_read(text, size, firmware, parts, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(firmware->version, ==, what->version);
	g_assert_cmpstr(firmware->build, ==, what->build);
	g_assert_true(g_strv_contains((const char *const *)firmware->products, what->product));
	g_assert_cmpuint(firmware->identities->len, ==, what->identities);
	for (RescuePicking picking = RESCUE_PICKS_BY_BEHAVIOR; picking <= RESCUE_PICKS_BY_VARIANT;
	     picking++) {
		bool updates = choose(firmware, what->chip_id, what->board_id,
				      RESCUE_BEHAVIOR_UPDATE, picking) != NULL;
		g_assert_nonnull(choose(firmware, what->chip_id, what->board_id,
					RESCUE_BEHAVIOR_ERASE, picking));
		g_assert_true(updates == (what->can_update || picking == RESCUE_PICKS_BY_VARIANT));
	}
	g_assert_cmpuint(g_hash_table_size(parts->pdata[0]), >, 15);
}

/* A file can make its reader crash; it cannot make anybody kill it. */
static void
test_a_killed_reader_is_no_damaged_file(void)
{
	const struct {
		const char *script;
		int code;
	} cases[] = {
		{ "#!/bin/sh\nkill -KILL $$\n", RESCUE_ERROR_HOST_IO },
		{ "#!/bin/sh\nkill -SEGV $$\n", RESCUE_FAILURE_FIRMWARE_DAMAGED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *dir = g_dir_make_tmp("reader-XXXXXX", NULL);
		g_autofree char *program = g_build_filename(dir, "program", NULL);
		RescueInspect *inspect = rescue_inspect_new(program, true);
		g_autoptr(GError) error = NULL;
		g_assert_true(g_file_set_contents_full(program, cases[i].script, -1,
						       G_FILE_SET_CONTENTS_NONE, 0700, NULL));
		g_assert_null(rescue_inspect_port.inspect(inspect, "/f.ipsw", &error));
		g_assert_error(error, RESCUE_ERROR, cases[i].code);
		rescue_inspect_free(inspect);
		remove_tree(dir);
	}
}

int
main(int argc, char **argv)
{
	size_t i;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ipsw/whole", test_whole_firmware_tells_what_it_is);
	g_test_add_func("/ipsw/json", test_firmware_survives_json_and_back);
	g_test_add_func("/ipsw/error-json", test_error_survives_json_and_back);
	g_test_add_func("/ipsw/no-archive", test_what_is_no_archive_is_named);
	g_test_add_func("/ipsw/killed-reader", test_a_killed_reader_is_no_damaged_file);
	g_test_add_func("/ipsw/truncated", test_every_truncation_is_refused);
	g_test_add_func("/ipsw/flipped", test_every_flipped_byte_is_survived);
	g_test_add_func("/ipsw/zip64", test_zip64_is_read);
	g_test_add_func("/ipsw/cap", test_member_beyond_the_cap_is_refused);
	g_test_add_func("/ipsw/not-needed", test_parts_that_no_customer_needs_may_be_missing);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *name = g_strconcat("/ipsw/bad/", bad[i].name, NULL);
		g_test_add_data_func(name, &bad[i], test_bad_archive_gets_one_sentence);
	}
	for (i = 0; i < G_N_ELEMENTS(real); i++) {
		g_autofree char *name = g_strconcat("/ipsw/real/", real[i].build, NULL);
		g_test_add_data_func(name, &real[i], test_real_manifest_is_understood);
	}
	return g_test_run();
}
