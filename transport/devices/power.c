/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/power.h"

#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/process/note.h"
#include "core/process/process.h"
#include "transport/devices/agent.h"

#define SYSFS   "/sys"
#define DEVICES "bus/usb/devices"
#define UHUBCTL "uhubctl"
/* off and on take half a second; the kernel may take its time with a hub that is in trouble */
#define CYCLE_MS 15000
#define NOTE     "port-off"

struct RescuePower {
	RescueHubAsk ask_hub;
	char *sysfs;
	char *agent;
	char *uhubctl; /* NULL: not installed */
};

RescuePower *
rescue_power_new(const char *sysfs)
{
	RescuePower *power = g_new0(RescuePower, 1);

	power->ask_hub = rescue_hub_ask;
	power->sysfs = g_strdup(sysfs != NULL ? sysfs : SYSFS);
	power->agent = rescue_agent_find();
	power->uhubctl = g_find_program_in_path(UHUBCTL);
	return power;
}

void
rescue_power_set_ask(RescuePower *power, RescueHubAsk ask)
{
	power->ask_hub = ask;
}

void
rescue_power_free(RescuePower *power)
{
	if (power == NULL)
		return;
	g_free(power->sysfs);
	g_free(power->agent);
	g_free(power->uhubctl);
	g_free(power);
}

/* ---- names --------------------------------------------------------------------------------------- */

static bool
is_port(const char *port)
{
	return g_regex_match_simple("^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\\.[1-9][0-9]{0,2}){0,6}$",
				    port, 0, 0);
}

/** The hub "1-1" and the number 4 of "1-1.4"; the hub "usb1" and 2 of "1-2". Caller frees. */
static char *
split_port(const char *port, const char **ret_number)
{
	const char *dot = strrchr(port, '.');
	const char *dash = strchr(port, '-');

	*ret_number = (dot != NULL ? dot : dash) + 1;
	return dot != NULL ? g_strndup(port, (gsize)(dot - port))
			   : g_strdup_printf("usb%.*s", (int)(dash - port), port);
}

char *
rescue_power_disable_path(const char *port)
{
	const char *number;
	g_autofree char *hub = is_port(port) ? split_port(port, &number) : NULL;
	bool root = hub != NULL && g_str_has_prefix(hub, "usb");

	if (hub == NULL)
		return NULL;
	/* the hub's only interface: 1-0:1.0 of a root hub, 1-1:1.0 of any other */
	return root
		   ? g_strdup_printf(DEVICES "/%s/%s-0:1.0/%s-port%s/disable", hub,
				     hub + strlen("usb"), hub, number)
		   : g_strdup_printf(DEVICES "/%s/%s:1.0/%s-port%s/disable", hub, hub, hub, number);
}

bool
rescue_power_claims_single(const char *uhubctl_output)
{
	return strstr(uhubctl_output, ", ppps]") != NULL;
}

/* ---- sysfs --------------------------------------------------------------------------------------- */

static char *
attribute_path(const RescuePower *power, const char *port, const char *attribute)
{
	return g_build_filename(power->sysfs, DEVICES, port, attribute, NULL);
}

/** NULL: there is none that this user may write. Caller frees. */
static char *
switchable_path(const RescuePower *power, const char *port)
{
	g_autofree char *below = rescue_power_disable_path(port);
	g_autofree char *path = below != NULL ? g_build_filename(power->sysfs, below, NULL) : NULL;

	return path != NULL && access(path, W_OK) == 0 ? g_steal_pointer(&path) : NULL;
}

/**
 * A child that switches a port: it goes on when we are killed, and holds the note (NULL: none is needed) as long as it
 * lives.
 */
static bool
run_switch(const char *const *argv, const RescueNote *note, char **ret_output, GError **error)
{
	g_auto(RescueProcessResult) result = { .status = 0 };
	const RescueProcessSpec spec = { .argv = argv,
					 .inherit_fd = note != NULL ? rescue_note_fd(note) : -1,
					 .outlives_us = note != NULL };

	if (!rescue_process_run(&spec, CYCLE_MS, &result, error))
		return false;
	if (result.status != 0 || result.timed_out) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "%s failed (status %d)",
			    argv[0], result.status);
		return false;
	}
	if (ret_output != NULL)
		*ret_output = g_steal_pointer(&result.output);
	return true;
}

/* ---- uhubctl ------------------------------------------------------------------------------------- */

/** Nothing but this port is in use on its hub. */
static bool
is_alone(const RescuePower *power, const char *hub, const char *port)
{
	g_autofree char *path = g_build_filename(power->sysfs, DEVICES, NULL);
	bool root = g_str_has_prefix(hub, "usb");
	g_autofree char *prefix = root ? g_strconcat(hub + strlen("usb"), "-", NULL)
				       : g_strconcat(hub, ".", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	bool alone = dir != NULL;

	while (alone && (name = g_dir_read_name(dir)) != NULL)
		alone = !g_str_has_prefix(name, prefix) || strchr(name, ':') != NULL ||
			strcmp(name, port) == 0;
	return alone;
}

/** A hub behind which there is only this device, and which says that it can. */
static bool
can_cycle_by_uhubctl(const RescuePower *power, const char *port)
{
	const char *number;
	g_autofree char *hub = is_port(port) ? split_port(port, &number) : NULL;
	g_autofree char *output = NULL;
	const char *argv[] = { power->uhubctl, "-l", hub, NULL };

	if (power->uhubctl == NULL || hub == NULL || g_str_has_prefix(hub, "usb") ||
	    !is_alone(power, hub, port))
		return false;
	return run_switch(argv, NULL, &output, NULL) && rescue_power_claims_single(output);
}

/* ---- off and on ---------------------------------------------------------------------------------- */

static bool
cycle_by_kernel(const RescuePower *power, const char *path, const RescueNote *note, GError **error)
{
	const char *const argv[] = { power->agent, "cycle-port", path, NULL };

	return run_switch(argv, note, NULL, error);
}

static bool
cycle_by_uhubctl(const RescuePower *power, const char *port, const RescueNote *note, GError **error)
{
	const char *number;
	g_autofree char *hub = split_port(port, &number);
	const char *const argv[] = { power->uhubctl, "-l",    hub,  "-p", number,
				     "-a",           "cycle", "-d", "1",  NULL };

	return run_switch(argv, note, NULL, error);
}

static bool
switch_on_by_uhubctl(const RescuePower *power, const char *port)
{
	const char *number;
	g_autofree char *hub = split_port(port, &number);
	const char *const argv[] = { power->uhubctl, "-l", hub, "-p", number, "-a", "on", NULL };

	return power->uhubctl != NULL && run_switch(argv, NULL, NULL, NULL);
}

/** It is a port, and the hub that it belongs to is there. */
static bool
has_hub(const RescuePower *power, const char *port)
{
	const char *number;
	g_autofree char *hub = is_port(port) ? split_port(port, &number) : NULL;
	g_autofree char *place = hub != NULL ? attribute_path(power, hub, "") : NULL;

	return place != NULL && g_file_test(place, G_FILE_TEST_EXISTS);
}

/** True when it is on now, or its hub is gone: when that comes back, it begins with all ports on. */
static bool
put_on(const RescuePower *power, const char *port)
{
	g_autofree char *below = rescue_power_disable_path(port);
	g_autofree char *path = below != NULL ? g_build_filename(power->sysfs, below, NULL) : NULL;

	if (!has_hub(power, port))
		return true;
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return rescue_path_set(path, "0", NULL);
	return switch_on_by_uhubctl(power, port);
}

/** Whatever became of the child, the port is on in the end, or the note stays for the next one. */
static void
settle(const RescuePower *power, const char *port, RescueNote *note, bool cycled)
{
	if (cycled || put_on(power, port))
		rescue_note_done(note);
	else
		rescue_note_free(note);
}

GStrv
rescue_power_recover(RescuePower *power)
{
	g_auto(GStrv) left = rescue_note_list_left(NOTE);
	g_autoptr(GStrvBuilder) on = g_strv_builder_new();

	for (char **port = left; *port != NULL; port++) {
		RescueNote *note = rescue_note_take(*port, NOTE, NULL);
		if (note == NULL)
			continue; /* somebody else does it */
		if (put_on(power, *port)) {
			if (has_hub(power, *port))
				g_strv_builder_add(on, *port);
			rescue_note_done(note);
		} else {
			rescue_note_free(note);
		}
	}
	return g_strv_builder_end(on);
}

GStrv
rescue_power_list_off(void)
{
	return rescue_note_list_left(NOTE);
}

/* ---- the kernel's own attribute ------------------------------------------------------------------ */

/** NULL: there is none that this user may write, or it would switch other devices too. Caller frees. */
static char *
single_path(const RescuePower *power, const char *port)
{
	const char *number;
	g_autofree char *path = switchable_path(power, port);
	g_autofree char *hub = path != NULL ? split_port(port, &number) : NULL;
	RescueHubSwitching switching;

	if (path == NULL)
		return NULL;
	switching = power->ask_hub(power->sysfs, hub);
	return switching == RESCUE_HUB_SINGLE ||
		       (switching == RESCUE_HUB_GANGED && is_alone(power, hub, port))
		   ? g_steal_pointer(&path)
		   : NULL;
}

/* ---- the port ------------------------------------------------------------------------------------ */

static bool
can_cycle(void *self, const char *port)
{
	const RescuePower *power = self;
	g_autofree char *path = single_path(power, port);

	return path != NULL || can_cycle_by_uhubctl(power, port);
}

static bool
cycle(void *self, const char *port, GError **error)
{
	const RescuePower *power = self;
	g_autofree char *path = single_path(power, port);
	RescueNote *note;
	bool cycled;

	if (path == NULL && !can_cycle_by_uhubctl(power, port)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "port %s cannot be switched alone", port);
		return false;
	}
	note = rescue_note_take(port, NOTE, error);
	if (note == NULL)
		return false;
	cycled = path != NULL ? cycle_by_kernel(power, path, note, error)
			      : cycle_by_uhubctl(power, port, note, error);
	settle(power, port, note, cycled);
	return cycled;
}

static bool
may_suspend(void *self, const char *port)
{
	const RescuePower *power = self;
	g_autofree char *path = attribute_path(power, port, "power/control");
	g_autofree char *control = NULL;

	return is_port(port) && g_file_get_contents(path, &control, NULL, NULL) &&
	       strcmp(g_strchomp(control), "auto") == 0;
}

static bool
keep_awake(void *self, const char *port, GError **error)
{
	g_autofree char *path = attribute_path(self, port, "power/control");

	return rescue_path_set(path, "on", error);
}

const RescuePowerPort rescue_power_port = {
	.can_cycle = can_cycle,
	.cycle = cycle,
	.may_suspend = may_suspend,
	.keep_awake = keep_awake,
};
