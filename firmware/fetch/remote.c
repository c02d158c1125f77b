/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/remote.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/web.h"

enum { TAIL, MIDDLE, WINDOWS }; /* the end of the file is looked at again and again */

struct RescueRemote {
	char *url;
	unsigned deadline_ms; /* of one request */
	uint64_t size, fetched;
	RescueWebPart windows[WINDOWS];
};

static bool
fetch(RescueRemote *remote, unsigned window, const char *range, size_t max_bytes, GError **error)
{
	RescueWebPart part = { 0 };

	if (remote->fetched + max_bytes > RESCUE_REMOTE_MAX_BYTES) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ would have to be read in too many parts", remote->url);
		return false;
	}
	if (!rescue_web_get_part(remote->url, range, max_bytes, remote->deadline_ms, &part, error))
		return false;
	remote->fetched += part.size;
	if (remote->size != 0 && part.total != remote->size) {
		rescue_web_part_clear(&part);
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "‘%s’ is another file now", remote->url);
		return false;
	}
	remote->size = part.total;
	rescue_web_part_clear(&remote->windows[window]);
	remote->windows[window] = part;
	return true;
}

bool
rescue_remote_is_address(const char *text)
{
	return g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://");
}

RescueRemote *
rescue_remote_open(const char *url, unsigned deadline_ms, GError **error)
{
	g_autoptr(RescueRemote) remote = g_new0(RescueRemote, 1);
	g_autofree char *range = g_strdup_printf("-%u", RESCUE_REMOTE_PART_BYTES);

	remote->url = g_strdup(url);
	remote->deadline_ms = deadline_ms;
	return fetch(remote, TAIL, range, RESCUE_REMOTE_PART_BYTES, error)
		   ? g_steal_pointer(&remote)
		   : NULL;
}

void
rescue_remote_free(RescueRemote *remote)
{
	if (remote == NULL)
		return;
	for (unsigned i = 0; i < WINDOWS; i++)
		rescue_web_part_clear(&remote->windows[i]);
	g_free(remote->url);
	g_free(remote);
}

uint64_t
rescue_remote_size(const RescueRemote *remote)
{
	return remote->size;
}

static bool
copy_from(const RescueWebPart *window, void *buffer, size_t count, uint64_t offset)
{
	if (window->bytes == NULL || offset < window->offset ||
	    offset - window->offset > window->size ||
	    window->size - (offset - window->offset) < count)
		return false;
	memcpy(buffer, window->bytes + (offset - window->offset), count);
	return true;
}

bool
rescue_remote_read(void *self, void *buffer, size_t count, uint64_t offset, GError **error)
{
	RescueRemote *remote = self;
	g_autofree char *range = NULL;
	uint64_t end;

	for (unsigned i = 0; i < WINDOWS; i++)
		if (copy_from(&remote->windows[i], buffer, count, offset))
			return true;
	if (offset > remote->size || count > remote->size - offset) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
			    "‘%s’ is not a whole firmware file: it ends too early", remote->url);
		return false;
	}
	end = offset + MIN(MAX(count, RESCUE_REMOTE_PART_BYTES), remote->size - offset);
	range = g_strdup_printf("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, offset, end - 1);
	if (!fetch(remote, MIDDLE, range, (size_t)(end - offset), error))
		return false;
	if (copy_from(&remote->windows[MIDDLE], buffer, count, offset))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
		    "‘%s’ gives other parts than those that were asked for", remote->url);
	return false;
}
