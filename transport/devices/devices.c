/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/devices.h"

#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/lock.h"
#include "transport/devices/agent.h"
#include "transport/devices/asker.h"
#include "transport/devices/learned.h"
#include "transport/devices/merge.h"
#include "transport/devices/usbmuxd.h"
#include "transport/devices/watch.h"

enum {
	/* events that were lost, locks that other processes took or released */
	TICK_MS = 2000,
	/* for the first answers of usbmuxd and of agents */
	SETTLE_MS = 5000,
	/* from the kernel's sighting to usbmuxd's, which first has to shake hands with the device */
	MUX_WAIT_MS = 8000,
	QUERY_MS = 10000,
	ACT_MS = 20000,
};

struct RescueDevices {
	RescueInbox *inbox;
	void (*on_change)(const RescueDevice *device, void *data);
	void *data;
	char *agent;
	RescueLearned *learned;
	RescueMerge *merge;
	RescueAsker *asker;
	RescueWatch *watch;
	RescueMuxClient *mux;
	GArray *busy; /* RescueEcid */
	guint tick;
};

static const struct {
	const char *command, *argument;
} actions[] = {
	[RESCUE_ACTION_ENTER_RECOVERY] = { "enter-recovery", NULL },
	[RESCUE_ACTION_LEAVE_RECOVERY] = { "leave-recovery", NULL },
	[RESCUE_ACTION_REBOOT] = { "reboot", NULL },
	[RESCUE_ACTION_AUTOBOOT_ON] = { "set-autoboot", "on" },
	[RESCUE_ACTION_USB_RESET] = { "usb-reset", NULL },
	[RESCUE_ACTION_AUTOBOOT_OFF] = { "set-autoboot", "off" },
};
G_STATIC_ASSERT(G_N_ELEMENTS(actions) == RESCUE_ACTION_LAST);

/* ---- what the merger asks and tells -------------------------------------------------------------- */

static void
on_changed(const RescueDevice *device, bool inferred, void *data)
{
	RescueDevices *devices = data;
	if (devices->inbox != NULL && device->ecid != 0)
		rescue_inbox_post(devices->inbox, rescue_observation_new_device(device));
	if (devices->on_change != NULL)
		devices->on_change(device, devices->data);
	rescue_asker_want_model(devices->asker, device);
	rescue_asker_wake(devices->asker);
}

static bool
is_marked(const RescueDevices *devices, RescueEcid ecid)
{
	for (guint i = 0; i < devices->busy->len; i++)
		if (g_array_index(devices->busy, RescueEcid, i) == ecid)
			return true;
	return false;
}

/** Our engine, or whatever another process holds the device's lock for. */
static bool
is_busy(RescueEcid ecid, void *data)
{
	RescueLockHolder holder = { .pid = 0 };
	bool busy = is_marked(data, ecid);
	if (!busy && rescue_lock_who(ecid, &holder))
		busy = holder.pid != getpid();
	rescue_lock_holder_clear(&holder);
	return busy;
}

static RescueEcid
get_learned(const char *udid, void *data)
{
	const RescueDevices *devices = data;
	return rescue_learned_get(devices->learned, udid);
}

/* ---- what the sources tell ----------------------------------------------------------------------- */

static void
on_usb_added(const RescueUsbSighting *seen, void *data)
{
	const RescueDevices *devices = data;
	rescue_merge_usb_added(devices->merge, seen, g_get_monotonic_time());
}

static void
on_usb_removed(const char *port, void *data)
{
	const RescueDevices *devices = data;
	rescue_merge_usb_removed(devices->merge, port, g_get_monotonic_time());
}

static void
on_mux_attached(const RescueMuxSighting *seen, void *data)
{
	const RescueDevices *devices = data;
	rescue_merge_mux_attached(devices->merge, seen, g_get_monotonic_time());
	rescue_asker_wake(devices->asker);
}

static void
on_mux_detached(unsigned id, void *data)
{
	const RescueDevices *devices = data;
	rescue_merge_mux_detached(devices->merge, id, g_get_monotonic_time());
}

static void
on_mux_lost(void *data)
{
	const RescueDevices *devices = data;
	rescue_merge_mux_lost(devices->merge, g_get_monotonic_time());
}

static gboolean
on_tick(gpointer data)
{
	const RescueDevices *devices = data;
	rescue_watch_scan(devices->watch);
	rescue_asker_wake(devices->asker);
	return G_SOURCE_CONTINUE;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

static gboolean
on_deadline(gpointer data)
{
	bool *over = data;
	*over = true;
	return G_SOURCE_CONTINUE; /* removed by whoever added it */
}

typedef bool (*Condition)(const RescueDevices *devices, RescueEcid ecid);

/** Runs the loop until the condition holds; false when the deadline came first. */
static bool
wait_until(const RescueDevices *devices, Condition condition, RescueEcid ecid, unsigned deadline_ms)
{
	bool over = false;
	guint deadline;
	if (condition(devices, ecid))
		return true;
	deadline = g_timeout_add(deadline_ms, on_deadline, &over);
	while (!over && !condition(devices, ecid))
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	return !over;
}

static bool
is_settled(const RescueDevices *devices, RescueEcid ecid)
{
	return (ecid != 0 && is_marked(devices, ecid)) ||
	       (rescue_mux_client_is_settled(devices->mux) &&
		rescue_asker_is_settled(devices->asker, ecid));
}

static bool
is_running_system(RescueMode mode)
{
	return mode == RESCUE_MODE_NORMAL || mode == RESCUE_MODE_RESTORE ||
	       mode == RESCUE_MODE_UNKNOWN;
}

/** The agent can reach it: at once in the boot loaders, with usbmuxd's help otherwise; or it has left. */
static bool
is_reachable(const RescueDevices *devices, RescueEcid ecid)
{
	g_autoptr(RescueDevice) device = rescue_merge_find(devices->merge, ecid);
	return !is_running_system(device->mode) || rescue_merge_has_mux(devices->merge, ecid);
}

/* ---- the port ------------------------------------------------------------------------------------ */

static GPtrArray *
list(void *self)
{
	const RescueDevices *devices = self;
	(void)wait_until(devices, is_settled, 0, SETTLE_MS); /* what is known by then is told */
	return rescue_merge_list(devices->merge);
}

static RescueDevice *
find(void *self, RescueEcid ecid)
{
	const RescueDevices *devices = self;
	(void)wait_until(devices, is_settled, ecid, SETTLE_MS); /* what is known by then is told */
	return rescue_merge_find(devices->merge, ecid);
}

static bool
run_agent(const RescueDevices *devices, const RescueAgentCall *wanted, RescueDevice **ret_facts,
	  GError **error)
{
	char text[RESCUE_ECID_TEXT];
	RescueAgentCall call = *wanted;
	(void)wait_until(devices, is_reachable, call.ecid,
			 MUX_WAIT_MS); /* the agent tells if it is not */
	g_autoptr(RescueDevice) device = rescue_merge_find(devices->merge, call.ecid);
	if (device->mode == RESCUE_MODE_ABSENT) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_NOT_FOUND,
			    "device %s is not attached", rescue_ecid_format(call.ecid, text));
		return false;
	}
	if (is_running_system(device->mode))
		call.udid = device->udid;
	call.program = devices->agent;
	rescue_asker_pause(devices->asker, true);
	bool done = rescue_agent_run(&call, ret_facts, error);
	rescue_asker_pause(devices->asker, false);
	return done;
}

static bool
query(void *self, RescueEcid ecid, RescueDevice **ret_device, GError **error)
{
	RescueDevices *devices = self;
	const RescueAgentCall call = { .command = "query", .ecid = ecid, .deadline_ms = QUERY_MS };
	g_autoptr(RescueDevice) facts = NULL;
	if (is_marked(devices, ecid)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "an engine is driving this device");
		return false;
	}
	if (!run_agent(devices, &call, &facts, error))
		return false;
	if (facts->udid != NULL && rescue_ecid_from_udid(facts->udid) == 0)
		(void)rescue_learned_set(devices->learned, facts->udid, ecid,
					 NULL); /* only saves a question */
	rescue_merge_told(devices->merge, ecid, facts);
	*ret_device = rescue_merge_find(devices->merge, ecid);
	return true;
}

static bool
act(void *self, RescueEcid ecid, RescueAction action, GError **error)
{
	g_return_val_if_fail(action < RESCUE_ACTION_LAST, false);
	const RescueAgentCall call = { .command = actions[action].command,
				       .argument = actions[action].argument,
				       .ecid = ecid,
				       .deadline_ms = ACT_MS };
	return run_agent(self, &call, NULL, error);
}

static bool
pair(void *self, RescueEcid ecid, RescueTrust *ret_trust, GError **error)
{
	const RescueAgentCall call = { .command = "pair", .ecid = ecid, .deadline_ms = ACT_MS };
	g_autoptr(RescueDevice) facts = NULL;
	if (!run_agent(self, &call, &facts, error))
		return false;
	*ret_trust = facts->trust;
	return true;
}

static void
set_busy(void *self, RescueEcid ecid, bool busy)
{
	RescueDevices *devices = self;
	if (busy == is_marked(devices, ecid))
		return;
	if (busy) {
		g_array_append_val(devices->busy, ecid);
		rescue_asker_drop(devices->asker, ecid);
	}
	for (guint i = devices->busy->len; !busy && i > 0; i--)
		if (g_array_index(devices->busy, RescueEcid, i - 1) == ecid)
			g_array_remove_index_fast(devices->busy, i - 1);
	rescue_merge_busy_changed(devices->merge, ecid, g_get_monotonic_time());
	rescue_asker_wake(devices->asker);
}

const RescueDevicePort rescue_devices_port = {
	.list = list,
	.find = find,
	.query = query,
	.act = act,
	.pair = pair,
	.set_busy = set_busy,
};

/* ---- life ---------------------------------------------------------------------------------------- */

RescueDevices *
rescue_devices_new(const RescueDevicesSpec *spec, GError **error)
{
	g_autoptr(RescueDevices) devices = g_new0(RescueDevices, 1);
	devices->inbox = spec->inbox;
	devices->on_change = spec->on_change;
	devices->data = spec->data;
	devices->agent = spec->agent_program != NULL ? g_strdup(spec->agent_program)
						     : rescue_agent_find();
	devices->busy = g_array_new(FALSE, FALSE, sizeof(RescueEcid));
	devices->learned = rescue_learned_new(spec->state_dir);
	devices->merge = rescue_merge_new(&(RescueMergeSpec){
	    .changed = on_changed, .is_busy = is_busy, .learned = get_learned, .data = devices });
	devices->asker = rescue_asker_new(devices->agent, devices->merge, devices->learned);
	devices->watch = rescue_watch_new(&(RescueWatchSpec){ .added = on_usb_added,
							      .removed = on_usb_removed,
							      .data = devices },
					  error);
	if (devices->watch == NULL)
		return NULL;
	devices->mux = rescue_mux_client_new(&(RescueMuxClientSpec){ .attached = on_mux_attached,
								     .detached = on_mux_detached,
								     .lost = on_mux_lost,
								     .data = devices });
	devices->tick = g_timeout_add(TICK_MS, on_tick, devices);
	return g_steal_pointer(&devices);
}

void
rescue_devices_free(RescueDevices *devices)
{
	if (devices == NULL)
		return;
	g_clear_handle_id(&devices->tick, g_source_remove);
	rescue_mux_client_free(devices->mux);
	rescue_watch_free(devices->watch);
	rescue_asker_free(devices->asker);
	rescue_merge_free(devices->merge);
	rescue_learned_free(devices->learned);
	g_array_unref(devices->busy);
	g_free(devices->agent);
	g_free(devices);
}

bool
rescue_devices_is_inferred(const RescueDevices *devices, RescueEcid ecid)
{
	return rescue_merge_is_inferred(devices->merge, ecid);
}

GPtrArray *
rescue_devices_known(const RescueDevices *devices)
{
	return rescue_merge_list(devices->merge);
}

void
rescue_devices_attend(RescueDevices *devices, RescueEcid ecid)
{
	rescue_merge_attend(devices->merge, ecid);
}
