/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/host.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "transport/devices/usbmuxd.h"

/* transcripts, tickets and the engine's temporary files */
#define SPARE_BYTES (UINT64_C(64) * 1000 * 1000)
#define USBMUXD_MS  5000u

struct RescueHost {
	char *unpack_dir;
};

RescueHost *
rescue_host_new(const char *unpack_dir)
{
	RescueHost *host = g_new0(RescueHost, 1);

	host->unpack_dir = g_strdup(unpack_dir);
	return host;
}

void
rescue_host_free(RescueHost *host)
{
	if (host == NULL)
		return;
	g_free(host->unpack_dir);
	g_free(host);
}

static bool
check_usbmuxd(void *self, GError **error)
{
	return rescue_usbmuxd_check(USBMUXD_MS, error);
}

static bool
check_space(void *self, uint64_t bytes, GError **error)
{
	const RescueHost *host = self;
	uint64_t needed = bytes > UINT64_MAX - SPARE_BYTES ? UINT64_MAX : bytes + SPARE_BYTES;
	g_autofree char *wanted = rescue_format_size(needed);
	g_autofree char *have = NULL;
	struct statvfs info;
	uint64_t available;

	if (statvfs(host->unpack_dir, &info) < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot look at ‘%s’: %s",
			    host->unpack_dir, g_strerror(errno));
		return false;
	}
	if (info.f_bavail > UINT64_MAX / MAX(info.f_frsize, 1))
		return true;
	available = (uint64_t)info.f_bavail * info.f_frsize;
	if (available >= needed)
		return true;
	have = rescue_format_size(available);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_SPACE,
		    "the firmware is unpacked below ‘%s’ and needs %s there, %s are free",
		    host->unpack_dir, wanted, have);
	return false;
}

const RescueHostPort rescue_host_port = {
	.check_usbmuxd = check_usbmuxd,
	.check_space = check_space,
};
