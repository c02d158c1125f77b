/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/wiring.h"

#include "cli/common/depot.h"
#include "cli/common/host.h"
#include "cli/common/output.h"
#include "cli/common/turns.h"
#include "core/base/clock.h"
#include "core/process/inbox.h"
#include "core/process/lock.h"
#include "core/process/bus.h"
#include "core/store/journal.h"
#include "core/store/memory.h"
#include "firmware/ipsw/inspect.h"
#include "firmware/signing/client.h"
#include "transport/devices/devices.h"
#include "transport/devices/power.h"
#include "transport/engine/engine.h"

#define RELAY_PROGRAM "idevicerescue-relay" /* lies beside ours */

struct RescueWiring {
	char *state_dir, *station, *restart_usbmuxd;
	RescueInbox *inbox;
	RescueDevices *devices;
	RescuePower *power;
	RescueMemory *memory;
	RescueInspect *inspect;
	RescueSigning *signing;
	RescueCatalogue *catalogue;
	RescueFetch *fetch;
	RescuePrepare *prepare;
	char *relay, *ca_file; /* the program beside the engine, and whom it trusts */
	RescueLock *lock;
	RescueBus *bus;
	char *job_dir;
	RescueJournal *journal;
	RescueEngine *engine;
	RescueHost *host;
	RescueTurns *turns;
	RescueCheckup checkup; /* borrows what the command line says */
	RescuePorts ports;
};

void
rescue_cli_recover_ports(const RescueCli *cli)
{
	g_autoptr(RescuePower) power = rescue_power_new(NULL);
	g_auto(GStrv) on = rescue_power_recover(power);

	for (char **port = on; *port != NULL; port++)
		rescue_say(cli, "USB port %s was left off by a job that was killed; it is on again",
			   *port);
}

static void
wire_signing(RescueWiring *wiring, const RescueCli *cli)
{
	const RescueSigningSpec spec = { .program = cli->program,
					 .state_dir = cli->state_dir,
					 .server = { cli->signing_server, cli->ca_file } };
	g_autofree char *bin = g_path_get_dirname(cli->program);

	wiring->relay = g_build_filename(bin, RELAY_PROGRAM, NULL);
	wiring->ca_file = g_strdup(cli->ca_file);
	wiring->signing = rescue_signing_new(&spec);
	wiring->ports.signing = &rescue_signing_port;
	wiring->ports.signing_self = wiring->signing;
}

/* before anything is looked for: the device may hang on a port that is off */
static void
wire_power(RescueWiring *wiring, const RescueCli *cli)
{
	rescue_cli_recover_ports(cli);
	wiring->power = rescue_power_new(NULL);
	wiring->ports.power = &rescue_power_port;
	wiring->ports.power_self = wiring->power;
}

static void
wire_firmware(RescueWiring *wiring, const RescueCli *cli)
{
	RescuePorts *ports = &wiring->ports;

	wiring->catalogue = rescue_cli_new_catalogue(cli, false);
	wiring->fetch = rescue_cli_new_fetch(cli, wiring->inbox, 0);
	ports->catalogue = &rescue_catalogue_port;
	ports->catalogue_self = wiring->catalogue;
	ports->fetch = &rescue_fetch_port;
	ports->fetch_self = wiring->fetch;
	wiring->prepare = rescue_cli_new_prepare(cli, wiring->inbox);
	ports->prepare = &rescue_prepare_port;
	ports->prepare_self = wiring->prepare;
}

RescueWiring *
rescue_wiring_new(const RescueCli *cli, GError **error)
{
	g_autoptr(RescueWiring) wiring = g_new0(RescueWiring, 1);
	RescuePorts *ports = &wiring->ports;
	RescueDevicesSpec spec = { .state_dir = cli->state_dir };

	wiring->state_dir = g_strdup(cli->state_dir);
	wiring->station = g_strdup(cli->station);
	wiring->restart_usbmuxd = g_strdup(cli->restart_usbmuxd);
	wire_power(wiring, cli);
	wiring->inbox = rescue_inbox_new();
	rescue_inbox_watch_signals(wiring->inbox);
	spec.inbox = wiring->inbox;
	wiring->devices = rescue_devices_new(&spec, error);
	if (wiring->devices == NULL)
		return NULL;
	wiring->inspect = rescue_inspect_new(cli->program, true);
	wire_signing(wiring, cli);
	wire_firmware(wiring, cli);
	ports->clock = rescue_clock_system();
	ports->inbox = &rescue_inbox_port;
	ports->inbox_self = wiring->inbox;
	ports->devices = &rescue_devices_port;
	ports->devices_self = wiring->devices;
	wiring->memory = rescue_memory_new(cli->state_dir);
	ports->memory = &rescue_memory_port;
	ports->memory_self = wiring->memory;
	ports->inspect = &rescue_inspect_port;
	ports->inspect_self = wiring->inspect;
	rescue_checkup_init(&wiring->checkup, cli);
	wiring->host = rescue_host_new(cli->state_dir, &wiring->checkup, cli->station,
				       cli->restart_usbmuxd);
	ports->host = &rescue_host_port;
	ports->host_self = wiring->host;
	return g_steal_pointer(&wiring);
}

void
rescue_wiring_free(RescueWiring *wiring)
{
	if (wiring == NULL)
		return;
	rescue_host_free(wiring->host);
	rescue_turns_free(wiring->turns);
	rescue_engine_free(wiring->engine);
	rescue_journal_close(wiring->journal);
	g_free(wiring->job_dir);
	rescue_bus_free(wiring->bus);
	rescue_lock_free(wiring->lock);
	rescue_prepare_free(wiring->prepare);
	rescue_fetch_free(wiring->fetch);
	rescue_catalogue_free(wiring->catalogue);
	rescue_signing_free(wiring->signing);
	g_free(wiring->relay);
	g_free(wiring->ca_file);
	rescue_inspect_free(wiring->inspect);
	rescue_memory_free(wiring->memory);
	rescue_power_free(wiring->power);
	rescue_devices_free(wiring->devices);
	rescue_inbox_free(wiring->inbox);
	g_free(wiring->state_dir);
	g_free(wiring->station);
	g_free(wiring->restart_usbmuxd);
	g_free(wiring);
}

const RescuePorts *
rescue_wiring_ports(const RescueWiring *wiring)
{
	return &wiring->ports;
}

static bool
open_journal(RescueWiring *wiring, const RescueJob *job, GError **error)
{
	g_autofree char *path = NULL;

	wiring->job_dir = rescue_journal_make_job_dir(wiring->state_dir, job->id, error);
	if (wiring->job_dir == NULL)
		return false;
	path = g_build_filename(wiring->job_dir, "journal", NULL);
	wiring->journal = rescue_journal_open(path, error);
	return wiring->journal != NULL;
}

/* the engine works in the job's folder: that is where the system image is unpacked */
static void
wire_job(RescueWiring *wiring, const RescueJob *job)
{
	g_autofree char *engines = g_build_filename(wiring->state_dir, "engines", NULL);
	const RescueEngineSpec spec = {
		.program = job->engine,
		.engines_dir = engines,
		.work_root = wiring->job_dir,
		.inbox = wiring->inbox,
		.lock = wiring->lock,
		.signing_server = job->signing_server,
		.relay = job->no_relay ? NULL : wiring->relay,
		.ca_file = wiring->ca_file,
	};

	rescue_fetch_set_patience(wiring->fetch, job->policy->patience_ms[RESCUE_PHASE_DOWNLOAD]);
	wiring->engine = rescue_engine_new(&spec);
	rescue_host_free(wiring->host);
	wiring->checkup.signing_server = job->signing_server;
	wiring->host = rescue_host_new(wiring->job_dir, &wiring->checkup, wiring->station,
				       wiring->restart_usbmuxd);
	wiring->ports.engine = &rescue_engine_port;
	wiring->ports.engine_self = wiring->engine;
	wiring->ports.host_self = wiring->host;
	wiring->bus = rescue_bus_new(job->ecid, job->id);
	wiring->ports.bus = &rescue_bus_port;
	wiring->ports.bus_self = wiring->bus;
	wiring->ports.store = &rescue_journal_port;
	wiring->ports.store_self = wiring->journal;
}

static RescueLock *
take_lock(const RescueJob *job, const RescueEngineRun *orphan, int64_t now_us, GError **error)
{
	RescueLockEngine engine;

	if (orphan == NULL)
		return rescue_lock_take(job->ecid, job->id, now_us, error);
	engine = (RescueLockEngine){ .pid = orphan->pid, .start_time = orphan->start_time };
	return rescue_lock_take_from(job->ecid, &engine, job->id, now_us, error);
}

bool
rescue_wiring_take_job(RescueWiring *wiring, const RescueJob *job, const RescueEngineRun *orphan,
		       GError **error)
{
	wiring->lock = take_lock(job, orphan, rescue_clock_wall_us(wiring->ports.clock), error);
	if (wiring->lock == NULL || !open_journal(wiring, job, error))
		return false;
	wire_job(wiring, job);
	rescue_devices_attend(wiring->devices, job->ecid);
	return true;
}

void
rescue_wiring_join_line(RescueWiring *wiring, const RescueJob *job)
{
	wiring->turns = rescue_turns_new(wiring->state_dir, wiring->job_dir, wiring->inbox,
					 job->hold_ms);
	wiring->ports.turns = &rescue_turns_port;
	wiring->ports.turns_self = wiring->turns;
}
