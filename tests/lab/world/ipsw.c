/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/ipsw.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lab/world/component.h"
#include "tests/lab/world/noise.h"
#include "tests/lab/world/zip.h"

enum { CHUNK = 256 * 1024, SHA384_SIZE = 48, MIN_OS_BYTES = 4096 };

/** One file of the archive. */
typedef struct {
	char *path;
	char *component;
	bool update; /* found in an identity that updates */
	bool retag;  /* so far named only by components that retype it */
} Part;

typedef struct {
	const LabIpswSpec *spec;
	LabZip *zip;
	FILE *file;
	GPtrArray *parts;
	GString *flash_list; /* names of all_flash files, for the list file of old builds */
	char *flash_dir;     /* NULL in newer builds */
	GBytes *os_digest;
} Builder;

static const char *const damage_names[LAB_DAMAGE_LAST] = {
	[LAB_DAMAGE_NONE] = "none",
	[LAB_DAMAGE_TRUNCATE] = "truncate",
	[LAB_DAMAGE_BYTE_FLIP] = "byte-flip",
	[LAB_DAMAGE_NO_MANIFEST] = "no-manifest",
	[LAB_DAMAGE_BAD_MANIFEST] = "bad-manifest",
	[LAB_DAMAGE_NO_COMPONENT] = "no-component",
	[LAB_DAMAGE_HTML] = "html",
	[LAB_DAMAGE_EMPTY] = "empty",
};

static const char web_page[] =
    "<!DOCTYPE html>\n<html><head><title>Sign in to this network</title></head>\n"
    "<body><p>Please accept the terms of use.</p></body></html>\n";

static const char bad_manifest[] = "<plist><dict><key>BuildIdentities</key>";

static void
part_free(void *data)
{
	Part *part = data;
	g_free(part->path);
	g_free(part->component);
	g_free(part);
}

static bool
os_error(GError **error, const char *path)
{
	int saved = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "cannot write ‘%s’: %s", path,
		    g_strerror(saved));
	return false;
}

static const char *
plist_text(plist_t node)
{
	uint64_t length = 0;
	return node != NULL && plist_get_node_type(node) == PLIST_STRING
		   ? plist_get_string_ptr(node, &length)
		   : NULL;
}

/* ---- which files ------------------------------------------------------------------------------ */

static bool
is_update(plist_t identity)
{
	const char *variant = plist_text(plist_access_path(identity, 2, "Info", "Variant"));
	return variant != NULL &&
	       (strstr(variant, "Upgrade") != NULL || strstr(variant, "Update") != NULL);
}

static bool
is_for_board(plist_t identity, const char *board)
{
	const char *class = plist_text(plist_access_path(identity, 2, "Info", "DeviceClass"));
	return class != NULL && g_ascii_strcasecmp(class, board) == 0;
}

static bool
entry_flag(plist_t entry, const char *key)
{
	uint8_t value = 0;
	plist_t node = plist_access_path(entry, 2, "Info", key);
	if (node != NULL && plist_get_node_type(node) == PLIST_BOOLEAN)
		plist_get_bool_val(node, &value);
	return value != 0;
}

static Part *
find_part(const Builder *b, const char *path)
{
	for (guint i = 0; i < b->parts->len; i++) {
		Part *part = g_ptr_array_index(b->parts, i);
		if (strcmp(part->path, path) == 0)
			return part;
	}
	return NULL;
}

/* builds up to iOS 9 have a directory per board, with a list of its files in it */
static void
note_flash_file(Builder *b, plist_t entry, const char *path)
{
	if (strstr(path, "/all_flash.") == NULL ||
	    !(entry_flag(entry, "IsFirmwarePayload") ||
	      entry_flag(entry, "IsSecondaryFirmwarePayload")))
		return;
	g_autofree char *name = g_path_get_basename(path);
	if (b->flash_dir == NULL)
		b->flash_dir = g_path_get_dirname(path);
	g_string_append_printf(b->flash_list, "%s\n", name);
}

static void
add_entry(Builder *b, const char *component, plist_t entry, bool update)
{
	const char *path = plist_text(plist_access_path(entry, 2, "Info", "Path"));
	if (path == NULL)
		return;
	const LabComponent *known = lab_component_find(component);
	bool retag = known != NULL && (known->flags & LAB_COMPONENT_RETAG) != 0;
	Part *part = find_part(b, path);
	/* a shared file carries the type of the component that does not retype it */
	if (part != NULL && (!part->retag || retag))
		return;
	if (part == NULL) {
		part = g_new0(Part, 1);
		part->path = g_strdup(path);
		part->update = update;
		g_ptr_array_add(b->parts, part);
		note_flash_file(b, entry, path);
	}
	g_free(part->component);
	part->component = g_strdup(component);
	part->retag = retag;
}

static void
add_identity(Builder *b, plist_t identity)
{
	plist_t manifest = plist_dict_get_item(identity, "Manifest");
	plist_dict_iter iter = NULL;
	plist_dict_new_iter(manifest, &iter);
	for (;;) {
		char *component = NULL;
		plist_t entry = NULL;
		plist_dict_next_item(manifest, iter, &component, &entry);
		if (component == NULL)
			break;
		add_entry(b, component, entry, is_update(identity));
		free(component);
	}
	free(iter);
}

static unsigned
add_identities(Builder *b, plist_t manifest, const char *board)
{
	plist_t identities = plist_dict_get_item(manifest, "BuildIdentities");
	unsigned count = 0;
	for (uint32_t i = 0; i < plist_array_get_size(identities); i++) {
		plist_t identity = plist_array_get_item(identities, i);
		if (board != NULL && !is_for_board(identity, board))
			continue;
		add_identity(b, identity);
		count++;
	}
	return count;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* the first line names the build: by it the phone knows what has been installed */
static bool
write_os_image(Builder *b, const char *path, GError **error)
{
	const LabIpswSpec *spec = b->spec;
	g_autofree char *title = g_strdup_printf("LABOS %s %s\n", spec->version, spec->build);
	g_autofree LabNoise *noise = g_new(LabNoise, 1);
	g_autofree uint8_t *chunk = g_malloc(CHUNK);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA384);
	lab_noise_init(noise, title);
	if (!lab_zip_begin(b->zip, path, spec->os_deflated, spec->os_bytes, error))
		return false;
	for (uint64_t done = 0; done < spec->os_bytes; done += CHUNK) {
		size_t size = (size_t)MIN((uint64_t)CHUNK, spec->os_bytes - done);
		lab_noise_fill(noise, done, chunk, size);
		if (done == 0)
			memcpy(chunk, title, strlen(title));
		g_checksum_update(sum, chunk, (gssize)size);
		if (!lab_zip_write(b->zip, chunk, size, error))
			return false;
	}
	if (b->os_digest == NULL) {
		guint8 digest[SHA384_SIZE];
		gsize length = sizeof digest;
		g_checksum_get_digest(sum, digest, &length);
		b->os_digest = g_bytes_new(digest, length);
	}
	return lab_zip_end(b->zip, error);
}

static bool
write_part(Builder *b, const Part *part, GError **error)
{
	if (b->spec->damage == LAB_DAMAGE_NO_COMPONENT &&
	    strcmp(part->component, b->spec->damage_text) == 0)
		return true;
	if (strcmp(part->component, "OS") == 0)
		return write_os_image(b, part->path, error);
	g_autoptr(GBytes)
	    data = lab_component_data(b->spec, part->component, part->path, part->update);
	return lab_zip_add(b->zip, part->path, true, data, error);
}

static bool
add_plist(Builder *b, const char *name, plist_t plist, GError **error)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(plist, &xml, &size);
	g_autoptr(GBytes) data = g_bytes_new(xml, size);
	free(xml);
	return lab_zip_add(b->zip, name, true, data, error);
}

/* a given manifest goes in byte by byte, so that what reads it sees what is out there */
static bool
add_given_manifest(Builder *b, GError **error)
{
	char *text = NULL;
	gsize size = 0;
	if (!g_file_get_contents(b->spec->manifest, &text, &size, error))
		return false;
	g_autoptr(GBytes) data = g_bytes_new_take(text, size);
	return lab_zip_add(b->zip, "BuildManifest.plist", true, data, error);
}

static bool
write_manifest(Builder *b, plist_t manifest, GError **error)
{
	if (b->spec->damage == LAB_DAMAGE_NO_MANIFEST)
		return true;
	if (b->spec->damage == LAB_DAMAGE_BAD_MANIFEST) {
		g_autoptr(GBytes) junk = g_bytes_new_static(bad_manifest, strlen(bad_manifest));
		return lab_zip_add(b->zip, "BuildManifest.plist", true, junk, error);
	}
	if (b->spec->manifest != NULL)
		return add_given_manifest(b, error);
	return add_plist(b, "BuildManifest.plist", manifest, error);
}

static bool
write_summary(Builder *b, plist_t manifest, GError **error)
{
	plist_t restore = lab_restore_plist_new(b->spec, manifest);
	bool ok = add_plist(b, "Restore.plist", restore, error);
	plist_free(restore);
	if (!ok || b->flash_dir == NULL)
		return ok;
	g_autofree char *name = g_build_filename(b->flash_dir, "manifest", NULL);
	g_autoptr(GBytes) data = g_bytes_new(b->flash_list->str, b->flash_list->len);
	return lab_zip_add(b->zip, name, true, data, error);
}

static bool
write_all(Builder *b, GError **error)
{
	for (guint i = 0; i < b->parts->len; i++) {
		if (!write_part(b, g_ptr_array_index(b->parts, i), error))
			return false;
	}
	/* the OS image's digest is known only now; where the manifest stands in the archive does not matter */
	plist_t manifest = lab_manifest_new(b->spec, b->os_digest, error);
	if (manifest == NULL)
		return false;
	bool ok = write_manifest(b, manifest, error) && write_summary(b, manifest, error) &&
		  lab_zip_finish(b->zip, error);
	plist_free(manifest);
	return ok;
}

/* ---- damage ----------------------------------------------------------------------------------- */

static const Part *
part_of_component(const Builder *b, const char *component, GError **error)
{
	for (guint i = 0; i < b->parts->len; i++) {
		const Part *part = g_ptr_array_index(b->parts, i);
		if (strcmp(part->component, component) == 0)
			return part;
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		    "the firmware has no file of its own for component ‘%s’", component);
	return NULL;
}

static bool
flip_byte(Builder *b, const char *path, GError **error)
{
	const Part *part = part_of_component(b, b->spec->damage_text, error);
	uint64_t offset = 0, size = 0;
	uint8_t byte = 0;
	if (part == NULL)
		return false;
	bool found = lab_zip_locate(b->zip, part->path, &offset, &size);
	g_assert(found);
	off_t at = (off_t)(offset + size / 2);
	int fd = fileno(b->file);
	if (pread(fd, &byte, 1, at) != 1)
		return os_error(error, path);
	byte ^= 1;
	return pwrite(fd, &byte, 1, at) == 1 || os_error(error, path);
}

static bool
do_damage(Builder *b, const char *path, GError **error)
{
	int fd = fileno(b->file);
	off_t size = lseek(fd, 0, SEEK_END);
	switch (b->spec->damage) {
	case LAB_DAMAGE_TRUNCATE:
		return ftruncate(fd, size / 100 * (off_t)b->spec->damage_number) == 0 ||
		       os_error(error, path);
	case LAB_DAMAGE_BYTE_FLIP:
		return flip_byte(b, path, error);
	case LAB_DAMAGE_HTML:
		return (ftruncate(fd, 0) == 0 &&
			pwrite(fd, web_page, strlen(web_page), 0) == (ssize_t)strlen(web_page)) ||
		       os_error(error, path);
	case LAB_DAMAGE_EMPTY:
		return ftruncate(fd, 0) == 0 || os_error(error, path);
	default:
		return true;
	}
}

/* ---- all together ----------------------------------------------------------------------------- */

static bool
collect_parts(Builder *b, GError **error)
{
	plist_t manifest = lab_manifest_new(b->spec, NULL, error);
	if (manifest == NULL)
		return false;
	const LabModel *model = lab_model_find(b->spec->product);
	if (model == NULL || add_identities(b, manifest, model->board) == 0)
		add_identities(b, manifest, NULL);
	plist_free(manifest);
	if (b->spec->damage == LAB_DAMAGE_NO_COMPONENT)
		return part_of_component(b, b->spec->damage_text, error) != NULL;
	return true;
}

static bool
build(Builder *b, const char *path, GError **error)
{
	if (!collect_parts(b, error))
		return false;
	b->file = fopen(path, "w+be");
	if (b->file == NULL)
		return os_error(error, path);
	b->zip = lab_zip_new(b->file);
	return write_all(b, error) && do_damage(b, path, error);
}

bool
lab_ipsw_build(const LabIpswSpec *spec, const char *path, GError **error)
{
	g_return_val_if_fail(spec != NULL && path != NULL, false);

	if (spec->os_bytes < MIN_OS_BYTES) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "an OS image has at least %d bytes", MIN_OS_BYTES);
		return false;
	}
	Builder b = { .spec = spec,
		      .parts = g_ptr_array_new_with_free_func(part_free),
		      .flash_list = g_string_new(NULL) };
	bool ok = build(&b, path, error);
	lab_zip_free(b.zip);
	if (b.file != NULL && fclose(b.file) != 0 && ok)
		ok = os_error(error, path);
	g_ptr_array_unref(b.parts);
	g_string_free(b.flash_list, TRUE);
	g_free(b.flash_dir);
	g_clear_pointer(&b.os_digest, g_bytes_unref);
	if (!ok)
		(void)unlink(path); /* it may not be there */
	return ok;
}

void
lab_ipsw_spec_clear(LabIpswSpec *spec)
{
	g_free(spec->product);
	g_free(spec->version);
	g_free(spec->build);
	g_free(spec->manifest);
	g_free(spec->damage_text);
	*spec = (LabIpswSpec){ 0 };
}

bool
lab_ipsw_spec_complete(LabIpswSpec *spec, GError **error)
{
	if (spec->manifest == NULL || (spec->version != NULL && spec->build != NULL))
		return true;
	plist_t manifest = lab_manifest_new(spec, NULL, error);
	if (manifest == NULL)
		return false;
	if (spec->version == NULL)
		spec->version = g_strdup(
		    plist_text(plist_dict_get_item(manifest, "ProductVersion")));
	if (spec->build == NULL)
		spec->build = g_strdup(
		    plist_text(plist_dict_get_item(manifest, "ProductBuildVersion")));
	plist_free(manifest);
	return true;
}

char *
lab_ipsw_file_name(const LabIpswSpec *spec)
{
	return g_strdup_printf("%s_%s_%s_Restore.ipsw", spec->product, spec->version, spec->build);
}

const char *
lab_damage_name(LabDamage damage)
{
	return (unsigned)damage < LAB_DAMAGE_LAST ? damage_names[damage] : "?";
}

bool
lab_damage_parse(const char *text, LabDamage *ret_damage)
{
	for (int i = 0; i < LAB_DAMAGE_LAST; i++) {
		if (strcmp(damage_names[i], text) == 0) {
			*ret_damage = (LabDamage)i;
			return true;
		}
	}
	return false;
}
