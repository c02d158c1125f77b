/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/host.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "cli/common/ports.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/failure/failure.h"
#include "core/process/lock.h"
#include "transport/devices/usbmuxd.h"
#include "transport/host/host.h"

/* transcripts, tickets and the engine's temporary files */
#define SPARE_BYTES (UINT64_C(64) * 1000 * 1000)
#define USBMUXD_MS  5000u

struct RescueHost {
	char *unpack_dir;
	RescueCheckup checkup;
	RescuePortsBook book;
	const char *restart_usbmuxd;
};

RescueHost *
rescue_host_new(const char *unpack_dir, const RescueCheckup *checkup, const char *station,
		const char *restart_usbmuxd)
{
	RescueHost *host = g_new0(RescueHost, 1);

	host->unpack_dir = g_strdup(unpack_dir);
	host->checkup = *checkup;
	host->restart_usbmuxd = restart_usbmuxd;
	host->book = (RescuePortsBook){ .state_dir = checkup->state_dir, .station = station };
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

static void
add_facts(GPtrArray *facts, const RescueFinding *finding)
{
	const RescueFindingInfo *info = rescue_finding_info(finding->id);

	for (guint i = 0; i < finding->details->len; i++)
		g_ptr_array_add(facts,
				rescue_host_fact_new(info->failure,
						     info->severity == RESCUE_SEVERITY_BREAKS,
						     finding->details->pdata[i]));
}

static void
free_fact(gpointer fact)
{
	rescue_host_fact_free(fact);
}

static GPtrArray *
look(void *self, unsigned where, const RescueDevice *device)
{
	const RescueHost *host = self;
	g_autoptr(RescueFindings) report = rescue_findings_new();
	const GPtrArray *findings;
	GPtrArray *facts = g_ptr_array_new_with_free_func(free_fact);
	RescueCheckup checkup = host->checkup;

	checkup.parts = ((where & RESCUE_LOOK_NETWORK) != 0 ? 1u << RESCUE_PART_NETWORK : 0) |
			((where & RESCUE_LOOK_USB) != 0 ? 1u << RESCUE_PART_USB : 0);
	checkup.device = device;
	rescue_checkup_run(&checkup, report);
	findings = rescue_findings_list(report);
	for (guint i = 0; i < findings->len; i++)
		add_facts(facts, findings->pdata[i]);
	return facts;
}

/* jobs of ours hold their locks; engines of others are seen by their names */
static bool
can_restart_usbmuxd(void *self, RescueEcid ecid)
{
	const RescueHost *host = self;

	return rescue_host_can_restart_usbmuxd(host->restart_usbmuxd) &&
	       !rescue_lock_is_any_other(ecid) && !rescue_host_runs_engine();
}

static bool
restart_usbmuxd(void *self, GError **error)
{
	return rescue_host_restart_usbmuxd(((RescueHost *)self)->restart_usbmuxd, error);
}

static uint64_t
count_free(const char *dir)
{
	struct statvfs info;

	if (dir == NULL || statvfs(dir, &info) < 0 ||
	    info.f_bavail > UINT64_MAX / 4 / MAX(info.f_frsize, 1))
		return 0;
	return (uint64_t)info.f_bavail * info.f_frsize;
}

static uint64_t
free_bytes(void *self)
{
	const RescueHost *host = self;

	return count_free(host->unpack_dir) + count_free(host->checkup.cache_dir) +
	       count_free(g_get_tmp_dir());
}

static char *
port_name(void *self, const char *port)
{
	return rescue_ports_label(&((RescueHost *)self)->book, port);
}

static char *
spare_ports(void *self, const char *port)
{
	return rescue_ports_spare(&((RescueHost *)self)->book, port);
}

const RescueHostPort rescue_host_port = {
	.check_usbmuxd = check_usbmuxd,
	.check_space = check_space,
	.look = look,
	.can_restart_usbmuxd = can_restart_usbmuxd,
	.restart_usbmuxd = restart_usbmuxd,
	.free_bytes = free_bytes,
	.port_name = port_name,
	.spare_ports = spare_ports,
};
