/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/ports.h"

#include <string.h>

#include "core/base/path.h"
#include "core/line/spare.h"
#include "core/model/port.h"
#include "core/store/index.h"
#include "transport/host/host.h"

#define MAX_STATION_BYTES (256u * 1024)

/* a file that makes no sense is the line's business; here the kernel's names do */
static RescueLayout *
read_layout(const char *path)
{
	size_t size = 0;
	g_autofree char *text = path != NULL
				    ? rescue_path_read(path, MAX_STATION_BYTES, &size, NULL)
				    : NULL;

	return text != NULL ? rescue_layout_parse(text, size, NULL) : NULL;
}

static void
add_outcome(RescueHealth *health, const char *port, RescueEcid ecid, bool failed)
{
	const RescueRestoreOutcome outcome = { .names = { [RESCUE_PLACE_PORT] = port },
					       .ecid = ecid,
					       .failed = failed };

	if (port != NULL)
		rescue_health_add(health, &outcome);
}

static void
add_job(RescueHealth *health, const RescueJournalSummary *job)
{
	for (guint i = 0; i < job->steps->len; i++) {
		const RescueJournalStep *step = job->steps->pdata[i];
		RescueFailure failure;
		if (step->kind == RESCUE_JOURNAL_FAILURE &&
		    rescue_failure_parse(step->name, &failure) && rescue_health_counts(failure))
			add_outcome(health, step->port, job->ecid, true);
	}
	if (g_strcmp0(job->outcome, "restored") == 0)
		add_outcome(health, job->port, job->ecid, false);
}

static RescueHealth *
read_health(const char *state_dir)
{
	RescueHealth *health = rescue_health_new();
	g_autoptr(RescueIndex) index = rescue_index_open(state_dir);
	g_autoptr(GPtrArray) jobs = rescue_index_list(index, &(RescueIndexFilter){ .ecid = 0 });

	for (guint i = jobs->len; i > 0; i--) /* the oldest first */
		add_job(health, jobs->pdata[i - 1]);
	return health;
}

char *
rescue_ports_label(const RescuePortsBook *book, const char *port)
{
	g_autoptr(RescueLayout) layout = read_layout(book->station);
	g_autoptr(GPtrArray) buses = rescue_host_list_buses();
	const RescueSpareSpec spec = { .layout = layout, .buses = buses };

	return g_strdup(rescue_spare_label(&spec, port));
}

static bool
has(const GPtrArray *ports, const char *port)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)ports, port, g_str_equal, NULL);
}

/* those of the station file that go by a name of the kernel's: not every kernel lists its ports */
static void
add_layout_ports(const RescueLayout *layout, GPtrArray *ports)
{
	for (guint i = 0; layout != NULL && i < layout->ports->len; i++) {
		const RescuePort *port = layout->ports->pdata[i];
		for (char **at = port->at; at != NULL && *at != NULL; at++)
			if (rescue_port_bus(*at) != 0 && !has(ports, *at) &&
			    !rescue_host_port_is_used(*at))
				g_ptr_array_add(ports, g_strdup(*at));
	}
}

char *
rescue_ports_spare(const RescuePortsBook *book, const char *port)
{
	g_autoptr(RescueLayout) layout = read_layout(book->station);
	g_autoptr(GPtrArray) buses = rescue_host_list_buses();
	g_autoptr(GPtrArray) free_ports = rescue_host_list_free_ports();
	g_autoptr(RescueHealth) health = read_health(book->state_dir);

	add_layout_ports(layout, free_ports);
	const RescueSpareSpec spec = {
		.free = free_ports, .layout = layout, .buses = buses, .health = health
	};

	return rescue_spare_tell(&spec, port);
}
