/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/checkup.h"

#include "core/process/process.h"

#define DEADLINE_MS 14000u
#define GRACE_MS    300u

/* One collector. */
typedef struct {
	RescueFindings *report;
	RescueProcess *process;
	char *what; /* for people, when it does not answer */
	unsigned *running;
	bool done, late;
} Collector;

typedef struct {
	const RescueCheckup *checkup;
	RescueFindings *report;
	GPtrArray *collectors; /* Collector */
	unsigned running;
} Checkup;

void
rescue_checkup_init(RescueCheckup *checkup, const RescueCli *cli)
{
	*checkup = (RescueCheckup){
		.program = cli->program,
		.state_dir = cli->state_dir,
		.cache_dir = cli->cache_dir,
		.engine = cli->engine,
		.signing_server = cli->signing_server,
		.catalog_url = cli->catalog_url,
		.mirror = cli->mirror,
		.ca_file = cli->ca_file,
		.parts = RESCUE_PARTS_ALL,
	};
}

static void
collector_free(gpointer data)
{
	Collector *collector = data;

	rescue_process_free(collector->process);
	g_free(collector->what);
	g_free(collector);
}

static void
on_line(const char *line, void *data)
{
	const Collector *collector = data;

	(void)rescue_findings_add_line(collector->report, line); /* other words are not for us */
}

static void
on_exit_seen(int status, int signal, void *data)
{
	Collector *collector = data;

	collector->done = true;
	(*collector->running)--;
	if (collector->late)
		rescue_findings_skip(collector->report, collector->what, "no answer in time");
	else if (status != 0)
		rescue_findings_skip(collector->report, collector->what, "the look at it failed");
}

static void
add_option(GPtrArray *argv, const char *name, const char *value)
{
	if (value == NULL)
		return;
	g_ptr_array_add(argv, (char *)name);
	g_ptr_array_add(argv, (char *)value);
}

/* `arguments` ends with NULL */
static void
start(Checkup *run, const char *what, const char *kind, const char *const *arguments)
{
	const RescueCheckup *checkup = run->checkup;
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	Collector *collector = g_new0(Collector, 1);
	RescueProcessSpec spec = {
		.inherit_fd = -1, .on_line = on_line, .on_exit = on_exit_seen, .data = collector
	};

	g_ptr_array_add(argv, (char *)checkup->program);
	add_option(argv, "--state", checkup->state_dir);
	add_option(argv, "--cache", checkup->cache_dir);
	add_option(argv, "--engine", checkup->engine);
	add_option(argv, "--ca-file", checkup->ca_file);
	g_ptr_array_add(argv, (char *)"doctor");
	add_option(argv, "--worker", kind);
	g_ptr_array_add(argv, (char *)"--");
	for (; *arguments != NULL; arguments++)
		g_ptr_array_add(argv, (char *)*arguments);
	g_ptr_array_add(argv, NULL);
	spec.argv = (const char *const *)argv->pdata;
	*collector =
	    (Collector){ .report = run->report, .what = g_strdup(what), .running = &run->running };
	g_ptr_array_add(run->collectors, collector);
	collector->process = rescue_process_start(&spec, NULL);
	if (collector->process != NULL)
		run->running++;
	else
		rescue_findings_skip(run->report, what, "its child does not start");
}

static void
reach(Checkup *run, const RescueEndpoint *endpoint, const char *url, bool own)
{
	const char *const arguments[] = { rescue_need_name(endpoint->need),
					  url,
					  endpoint->plain && !own ? "plain" : "-",
					  endpoint->apple && !own ? "apple" : "-",
					  own ? "own" : "-",
					  NULL };

	start(run, url, "reach", arguments);
}

/* why a host of the table is not asked; NULL: it is */
static const char *
why_not(const RescueCheckup *checkup, RescueNeed need)
{
	bool own_signing = checkup->signing_server != NULL;

	switch (need) {
	case RESCUE_NEED_SIGNING:
		return own_signing ? "another signing server is named" : NULL;
	case RESCUE_NEED_FACTORY:
	case RESCUE_NEED_PORTAL:
		return own_signing ? "another signing server is named, in a network of its own"
				   : NULL;
	case RESCUE_NEED_FIRMWARE:
		return checkup->catalog_url != NULL || checkup->mirror != NULL
			   ? "firmware comes from another server"
			   : NULL;
	case RESCUE_NEED_CATALOGUE:
		return checkup->catalog_url != NULL ? "another catalogue is named" : NULL;
	case RESCUE_NEED_LAST:
		break;
	}
	return NULL;
}

static void
start_network(Checkup *run)
{
	static const RescueEndpoint signing = { .need = RESCUE_NEED_SIGNING };
	static const RescueEndpoint catalogue = { .need = RESCUE_NEED_CATALOGUE };
	static const RescueEndpoint firmware = { .need = RESCUE_NEED_FIRMWARE };
	static const char *const none[] = { NULL };
	const RescueCheckup *checkup = run->checkup;
	const RescueEndpoint *endpoint;

	for (size_t i = 0; (endpoint = rescue_endpoint(i)) != NULL; i++) {
		const char *why = why_not(checkup, endpoint->need);
		if (why == NULL)
			reach(run, endpoint, endpoint->url, false);
		else
			rescue_findings_pass(run->report, "%s is not needed: %s", endpoint->url,
					     why);
	}
	if (checkup->signing_server != NULL)
		reach(run, &signing, checkup->signing_server, true);
	if (checkup->catalog_url != NULL)
		reach(run, &catalogue, checkup->catalog_url, true);
	if (checkup->mirror != NULL)
		reach(run, &firmware, checkup->mirror, true);
	start(run, "the rules of the firewall", "firewall", none);
}

static void
start_usb(Checkup *run)
{
	const RescueDevice *device = run->checkup->device;
	const char *const arguments[] = { device != NULL ? device->place.port : NULL, NULL };

	start(run, "USB", "usb", arguments);
}

static void
start_engine(Checkup *run)
{
	static const RescueDevice nobody;
	const RescueDevice *device = run->checkup->device != NULL ? run->checkup->device : &nobody;
	const char *const arguments[] = { device->product != NULL ? device->product : "",
					  device->version != NULL ? device->version : "",
					  device->build != NULL ? device->build : "", NULL };

	start(run, "the restore engine", "engine", arguments);
}

static void
start_host(Checkup *run)
{
	static const char *const none[] = { NULL };

	start(run, "the folders for state and cache", "folders", none);
}

static gboolean
on_deadline(gpointer data)
{
	const Checkup *run = data;

	for (guint i = 0; i < run->collectors->len; i++) {
		Collector *collector = run->collectors->pdata[i];
		if (collector->done || collector->process == NULL)
			continue;
		collector->late = true;
		rescue_process_end(collector->process, GRACE_MS);
	}
	return G_SOURCE_CONTINUE; /* removed by whoever added it */
}

void
rescue_checkup_run(const RescueCheckup *checkup, RescueFindings *report)
{
	static void (*const starts[RESCUE_PART_LAST])(Checkup *) = {
		[RESCUE_PART_NETWORK] = start_network,
		[RESCUE_PART_USB] = start_usb,
		[RESCUE_PART_ENGINE] = start_engine,
		[RESCUE_PART_HOST] = start_host,
	};
	g_autoptr(GPtrArray) collectors = g_ptr_array_new_with_free_func(collector_free);
	Checkup run = { .checkup = checkup, .report = report, .collectors = collectors };
	guint deadline;

	for (unsigned part = 0; part < RESCUE_PART_LAST; part++) {
		if ((checkup->parts & 1u << part) != 0)
			starts[part](&run);
	}
	deadline = g_timeout_add(DEADLINE_MS, on_deadline, &run);
	while (run.running > 0)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}
