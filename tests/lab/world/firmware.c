/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/firmware.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lab/scenario/model.h"
#include "tests/lab/world/httpd.h"

enum { BLOCK = 64 * 1024 };

/** An older edition of a file has other bytes, and another tag. */
enum { FLIP = 0xff };

typedef struct {
	char *path; /* /NAME/FILE */
	char *file;
	char *product, *version, *build;
	char *sha1, *sha256; /* computed when the catalogue is first asked for */
	LabListing listing;
} Item;

struct LabFirmware {
	LabRecord *record;
	LabFaults *faults;
	LabHttpd *httpd;
	char *url;
	GPtrArray *items;
	bool off; /* somebody asked for /off: from then on every connection is cut */
};

static void
item_free(void *data)
{
	Item *item = data;
	g_free(item->path);
	g_free(item->file);
	g_free(item->product);
	g_free(item->version);
	g_free(item->build);
	g_free(item->sha1);
	g_free(item->sha256);
	g_free(item);
}

/* ---- sending a file --------------------------------------------------------------------------- */

/** One download under way. */
typedef struct {
	LabFirmware *firmware;
	struct MHD_Connection *connection;
	int fd;
	uint64_t offset; /* in the file, of the first byte sent */
	bool old;        /* the edition that is going to be replaced */
} Download;

static void
download_free(void *data)
{
	Download *download = data;
	(void)g_close(download->fd, NULL);
	g_free(download);
}

static void
record_fault(LabFirmware *firmware, const LabFault *fault)
{
	lab_record_event(firmware->record, NULL, "fault", "s:at", lab_point_name(fault->at),
			 "s:action", lab_action_name(fault->action), "i:number",
			 (int64_t)fault->fired, NULL);
}

/* a fault is going to replace the files: until then they are of an older edition */
static bool
is_old(const LabFirmware *firmware)
{
	const LabFault *fault = NULL;
	for (unsigned i = 0;
	     (fault = lab_faults_at(firmware->faults, LAB_AT_FIRMWARE_SERVER, i)) != NULL; i++) {
		if (fault->action == LAB_DO_REPLACE && fault->fired == 0)
			return true;
	}
	return false;
}

/* what a fault in mid-file does to the reader's return value */
static ssize_t
break_off(Download *download, const LabFault *fault)
{
	record_fault(download->firmware, fault);
	switch (fault->action) {
	case LAB_DO_HANG:
	case LAB_DO_IGNORE:
		lab_http_suspend(download->firmware->httpd, download->connection);
		return 0;
	case LAB_DO_STALL:
		return MHD_CONTENT_READER_END_OF_STREAM;
	default:
		lab_http_reset_on_close(download->connection);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
}

static ssize_t
read_block(void *data, uint64_t position, char *buffer, size_t size)
{
	Download *download = data;
	const LabFault *fault = position > 0 ? lab_faults_fire(download->firmware->faults, NULL,
							       LAB_AT_FIRMWARE_SERVER, position)
					     : NULL;
	if (fault != NULL)
		return break_off(download, fault);
	ssize_t got = pread(download->fd, buffer, size, (off_t)(download->offset + position));
	for (ssize_t i = 0; download->old && i < got; i++)
		buffer[i] = (char)((uint8_t)buffer[i] ^ FLIP);
	return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

typedef struct {
	bool partial;
	uint64_t first, size;
} Range;

/* "bytes=100-", "bytes=100-199", "bytes=-50"; anything else is answered with the whole file, as RFC 9110 allows */
static bool
parse_range(const char *header, uint64_t file_size, Range *range)
{
	guint64 first = 0, last = file_size - 1;
	*range = (Range){ .first = 0, .size = file_size };
	if (header == NULL || !g_str_has_prefix(header, "bytes=") || strchr(header, ',') != NULL)
		return true;
	g_auto(GStrv) ends = g_strsplit(header + strlen("bytes="), "-", 2);
	if (ends[0] == NULL || ends[1] == NULL)
		return true;
	bool has_first = g_ascii_string_to_unsigned(ends[0], 10, 0, G_MAXINT64, &first, NULL);
	bool has_last = g_ascii_string_to_unsigned(ends[1], 10, 0, G_MAXINT64, &last, NULL);
	if (!has_first && !has_last)
		return true;
	if (!has_first) {
		first = file_size - MIN(last, file_size);
		last = file_size - 1;
	}
	last = has_last && has_first ? MIN(last, file_size - 1) : file_size - 1;
	if (first > last || file_size == 0)
		return false;
	*range = (Range){ .partial = true, .first = first, .size = last - first + 1 };
	return true;
}

static const char *
request_header(const LabHttpRequest *http, const char *name)
{
	return MHD_lookup_connection_value(http->connection, MHD_HEADER_KIND, name);
}

static struct MHD_Response *
new_file_response(LabFirmware *firmware, const LabHttpRequest *http, int fd, const Range *range)
{
	if (range->size == 0) {
		(void)g_close(fd, NULL);
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	Download *download = g_new0(Download, 1);
	*download = (Download){ .firmware = firmware,
				.connection = http->connection,
				.fd = fd,
				.offset = range->first,
				.old = is_old(firmware) };
	return MHD_create_response_from_callback(range->size, BLOCK, read_block, download,
						 download_free);
}

static void
record_request(LabFirmware *firmware, const LabHttpRequest *http, unsigned status)
{
	lab_record_event(firmware->record, NULL, "request", "s:server", "firmware", "s:path",
			 http->path, "i:status", (int64_t)status, NULL);
}

static enum MHD_Result
answer_text(LabFirmware *firmware, const LabHttpRequest *http, unsigned status, const char *type,
	    const char *text)
{
	record_request(firmware, http, status);
	return lab_http_text(http, status, type, text);
}

static enum MHD_Result
send_file(LabFirmware *firmware, const LabHttpRequest *http, const Item *item, bool wrong_range)
{
	struct stat status;
	Range range;
	int fd = open(item->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0) {
		if (fd >= 0)
			(void)g_close(fd, NULL);
		return answer_text(firmware, http, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
				   "no such file\n");
	}
	uint64_t size = (uint64_t)status.st_size;
	g_autofree char *tag = g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
					       "x-%u\"",
					       size, (uint64_t)status.st_mtim.tv_sec,
					       is_old(firmware) ? 0 : 1);
	const char *condition = request_header(http, MHD_HTTP_HEADER_IF_RANGE);
	bool same = condition == NULL || strcmp(condition, tag) == 0;
	if (!parse_range(same ? request_header(http, MHD_HTTP_HEADER_RANGE) : NULL, size, &range)) {
		(void)g_close(fd, NULL);
		return answer_text(firmware, http, MHD_HTTP_RANGE_NOT_SATISFIABLE, "text/plain",
				   "");
	}
	if (wrong_range)
		range.first = 0;
	struct MHD_Response *response = new_file_response(firmware, http, fd, &range);
	g_autofree char *content_range =
	    g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
			    range.first, range.first + range.size - 1, size);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				      "application/octet-stream");
	if (range.partial)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE,
					      content_range);
	unsigned code = range.partial ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
	record_request(firmware, http, code);
	enum MHD_Result result = MHD_queue_response(http->connection, code, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- the catalogue ---------------------------------------------------------------------------- */

static bool
digest_file(Item *item)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new(item->file, FALSE, NULL);
	if (file == NULL)
		return false;
	g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
	item->sha1 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, bytes);
	item->sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
	return true;
}

static json_t *
new_entry(const LabFirmware *firmware, Item *item)
{
	GStatBuf status = { 0 };
	g_autofree char *url = g_strconcat(firmware->url, item->path, NULL);
	if (g_stat(item->file, &status) != 0 || (item->sha1 == NULL && !digest_file(item)))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b}", "identifier",
			 item->product, "version", item->version, "buildid", item->build, "sha1sum",
			 item->sha1, "sha256sum", item->sha256, "filesize",
			 (json_int_t)status.st_size, "url", url, "releasedate",
			 "2026-01-01T00:00:00Z", "uploaddate", "2026-01-01T00:00:00Z", "signed",
			 item->listing == LAB_LISTED_SIGNED);
}

static json_t *
new_device(const LabModel *model)
{
	g_autofree char *platform = g_strdup_printf("t%04x", model->cpid);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "name", model->product, "identifier",
			 model->product, "boardconfig", model->board, "platform", platform, "cpid",
			 (int)model->cpid, "bdid", (int)model->bdid);
}

static enum MHD_Result
answer_json(LabFirmware *firmware, const LabHttpRequest *http, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	enum MHD_Result result = answer_text(firmware, http, MHD_HTTP_OK, "application/json", text);
	free(text);
	return result;
}

static enum MHD_Result
answer_device(LabFirmware *firmware, const LabHttpRequest *http, const char *product)
{
	const LabModel *model = lab_model_find(product);
	if (model == NULL)
		return answer_text(firmware, http, MHD_HTTP_NOT_FOUND, "application/json", "{}");
	json_t *device = new_device(model);
	json_t *list = json_array();
	for (guint i = 0; i < firmware->items->len; i++) {
		Item *item = g_ptr_array_index(firmware->items, i);
		if (strcmp(item->product, product) == 0 && item->listing != LAB_LISTED_NOT)
			json_array_append_new(list, new_entry(firmware, item));
	}
	json_object_set_new(device, "firmwares", list);
	return answer_json(firmware, http, device);
}

static enum MHD_Result
answer_devices(LabFirmware *firmware, const LabHttpRequest *http)
{
	json_t *list = json_array();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < firmware->items->len; i++) {
		const Item *item = g_ptr_array_index(firmware->items, i);
		if (g_hash_table_add(seen, item->product))
			json_array_append_new(list, new_device(lab_model_find(item->product)));
	}
	return answer_json(firmware, http, list);
}

/* ---- requests --------------------------------------------------------------------------------- */

static const Item *
find_item(const LabFirmware *firmware, const char *path)
{
	for (guint i = 0; i < firmware->items->len; i++) {
		const Item *item = g_ptr_array_index(firmware->items, i);
		if (strcmp(item->path, path) == 0)
			return item;
	}
	return NULL;
}

static enum MHD_Result
answer_fault(LabFirmware *firmware, const LabHttpRequest *http, const LabFault *fault)
{
	static const char page[] = "<html><body><h1>Sign in to this network</h1></body></html>\n";
	record_fault(firmware, fault);
	switch (fault->action) {
	case LAB_DO_STATUS:
	case LAB_DO_HTTP:
		return answer_text(firmware, http, (unsigned)fault->status, "text/html", page);
	case LAB_DO_DELAY:
		return lab_http_delay(firmware->httpd, http, fault->duration_ms);
	case LAB_DO_GARBAGE:
		return answer_text(firmware, http, MHD_HTTP_OK, "text/html", page);
	case LAB_DO_HANG:
	case LAB_DO_IGNORE:
		return lab_http_hang(firmware->httpd, http);
	default:
		lab_http_reset_on_close(http->connection);
		return MHD_NO;
	}
}

static const LabFault *
fire(LabFirmware *firmware, const LabHttpRequest *http, LabPoint at)
{
	return http->delayed ? NULL : lab_faults_fire(firmware->faults, NULL, at, 0);
}

static enum MHD_Result
answer_catalogue(LabFirmware *firmware, const LabHttpRequest *http)
{
	static const char device[] = "/v4/device/";
	const LabFault *fault = fire(firmware, http, LAB_AT_CATALOG);
	if (fault != NULL)
		return answer_fault(firmware, http, fault);
	if (strcmp(http->path, "/v4/devices") == 0)
		return answer_devices(firmware, http);
	if (g_str_has_prefix(http->path, device))
		return answer_device(firmware, http, http->path + strlen(device));
	return answer_text(firmware, http, MHD_HTTP_NOT_FOUND, "text/plain", "not found\n");
}

static enum MHD_Result
answer_file(LabFirmware *firmware, const LabHttpRequest *http)
{
	bool part = request_header(http, MHD_HTTP_HEADER_RANGE) != NULL;
	const LabFault *fault = fire(firmware, http, LAB_AT_FIRMWARE_SERVER);
	if (fault == NULL && part)
		fault = fire(firmware, http, LAB_AT_FIRMWARE_RANGE);
	bool sends = fault == NULL || fault->action == LAB_DO_REPLACE ||
		     fault->action == LAB_DO_WRONG_RANGE;
	if (!sends)
		return answer_fault(firmware, http, fault);
	if (fault != NULL)
		record_fault(firmware, fault);
	const Item *item = find_item(firmware, http->path);
	if (item == NULL)
		return answer_text(firmware, http, MHD_HTTP_NOT_FOUND, "text/plain", "not found\n");
	return send_file(firmware, http, item,
			 fault != NULL && fault->action == LAB_DO_WRONG_RANGE);
}

static enum MHD_Result
on_request(void *data, const LabHttpRequest *http)
{
	static const char *const catalogues[] = { "/v4/", "/ios/", "/check/" };
	LabFirmware *firmware = data;
	if (strcmp(http->method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(http->method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(firmware, http, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
				   "only GET and HEAD\n");
	if (strcmp(http->path, "/factory-data") == 0)
		return answer_text(firmware, http, MHD_HTTP_OK, "text/plain", "lab\n");
	firmware->off |= strcmp(http->path, "/off") == 0;
	if (firmware->off)
		return MHD_NO;
	/* below one address stand the three catalogues that there are in the world */
	for (size_t i = 0; i < G_N_ELEMENTS(catalogues); i++) {
		if (g_str_has_prefix(http->path, catalogues[i]))
			return answer_catalogue(firmware, http);
	}
	return answer_file(firmware, http);
}

/* ---- life ------------------------------------------------------------------------------------- */

LabFirmware *
lab_firmware_new(LabRecord *record, LabFaults *faults, GError **error)
{
	LabFirmware *firmware = g_new0(LabFirmware, 1);
	firmware->record = record;
	firmware->faults = faults;
	firmware->items = g_ptr_array_new_with_free_func(item_free);
	firmware->httpd = lab_httpd_new(&(LabHttpdSpec){ .handler = on_request,
							 .data = firmware,
							 .listen = true },
					error);
	if (firmware->httpd == NULL) {
		lab_firmware_free(firmware);
		return NULL;
	}
	firmware->url = g_strdup_printf("http://127.0.0.1:%u", lab_httpd_port(firmware->httpd));
	return firmware;
}

void
lab_firmware_free(LabFirmware *firmware)
{
	if (firmware == NULL)
		return;
	lab_httpd_free(firmware->httpd);
	g_ptr_array_unref(firmware->items);
	g_free(firmware->url);
	g_free(firmware);
}

uint16_t
lab_firmware_port(const LabFirmware *firmware)
{
	return lab_httpd_port(firmware->httpd);
}

const char *
lab_firmware_url(const LabFirmware *firmware)
{
	return firmware->url;
}

char *
lab_firmware_add(LabFirmware *firmware, const char *name, const LabIpswSpec *spec, const char *file,
		 LabListing listing)
{
	Item *item = g_new0(Item, 1);
	g_autofree char *base = g_path_get_basename(file);
	item->path = g_strdup_printf("/%s/%s", name, base);
	item->file = g_strdup(file);
	item->product = g_strdup(spec->product);
	item->version = g_strdup(spec->version);
	item->build = g_strdup(spec->build);
	item->listing = listing;
	g_ptr_array_add(firmware->items, item);
	return g_strconcat(firmware->url, item->path, NULL);
}
