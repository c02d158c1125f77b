/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/power.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/process.h"

#define SYSFS      "/sys"
#define DEVICES    "bus/usb/devices"
#define UHUBCTL    "uhubctl"
#define UHUBCTL_MS 15000
/* libirecovery's hotplug thread crashes when off and on are 60 ms apart; from 100 ms on it does not */
#define OFF_MS 500

struct RescuePower {
	char *sysfs;
	char *uhubctl; /* NULL: not installed */
};

RescuePower *
rescue_power_new(const char *sysfs)
{
	RescuePower *power = g_new0(RescuePower, 1);

	power->sysfs = g_strdup(sysfs != NULL ? sysfs : SYSFS);
	power->uhubctl = g_find_program_in_path(UHUBCTL);
	return power;
}

void
rescue_power_free(RescuePower *power)
{
	if (power == NULL)
		return;
	g_free(power->sysfs);
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

static bool
write_attribute(const char *path, const char *value, GError **error)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t size = (ssize_t)strlen(value);
	bool written = fd >= 0 && write(fd, value, (size_t)size) == size;

	if (!written)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot write ‘%s’: %s",
			    path, g_strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return written;
}

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

static gboolean
on_deadline(gpointer data)
{
	bool *over = data;

	*over = true;
	return G_SOURCE_REMOVE;
}

/** The loop goes on meanwhile: what the bus shows is not missed. */
static void
let_pass(unsigned ms)
{
	bool over = false;

	g_timeout_add(ms, on_deadline, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

static bool
cycle_by_kernel(const char *path, GError **error)
{
	if (!write_attribute(path, "1", error))
		return false;
	let_pass(OFF_MS);
	return write_attribute(path, "0", error);
}

/* ---- uhubctl ------------------------------------------------------------------------------------- */

/** Nothing but this port is in use on its hub. */
static bool
is_alone(const RescuePower *power, const char *hub, const char *port)
{
	g_autofree char *path = g_build_filename(power->sysfs, DEVICES, NULL);
	g_autofree char *prefix = g_strconcat(hub, ".", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	bool alone = dir != NULL;

	while (alone && (name = g_dir_read_name(dir)) != NULL)
		alone = !g_str_has_prefix(name, prefix) || strchr(name, ':') != NULL ||
			strcmp(name, port) == 0;
	return alone;
}

static bool
run_uhubctl(const RescuePower *power, const char *const *argv, char **ret_output, GError **error)
{
	g_auto(RescueProcessResult) result = { .status = 0 };

	if (!rescue_process_run(&(RescueProcessSpec){ .argv = argv, .inherit_fd = -1 }, UHUBCTL_MS,
				&result, error))
		return false;
	if (result.status != 0 || result.timed_out) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    UHUBCTL " failed (status %d)", result.status);
		return false;
	}
	if (ret_output != NULL)
		*ret_output = g_steal_pointer(&result.output);
	return true;
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
	return run_uhubctl(power, argv, &output, NULL) && rescue_power_claims_single(output);
}

static bool
cycle_by_uhubctl(const RescuePower *power, const char *port, GError **error)
{
	const char *number;
	g_autofree char *hub = split_port(port, &number);
	const char *argv[] = { power->uhubctl, "-l",    hub,  "-p", number,
			       "-a",           "cycle", "-d", "1",  NULL };

	return run_uhubctl(power, argv, NULL, error);
}

/* ---- the port ------------------------------------------------------------------------------------ */

static bool
can_cycle(void *self, const char *port)
{
	const RescuePower *power = self;
	g_autofree char *path = switchable_path(power, port);

	return path != NULL || can_cycle_by_uhubctl(power, port);
}

static bool
cycle(void *self, const char *port, GError **error)
{
	const RescuePower *power = self;
	g_autofree char *path = switchable_path(power, port);

	if (path != NULL)
		return cycle_by_kernel(path, error);
	if (can_cycle_by_uhubctl(power, port))
		return cycle_by_uhubctl(power, port, error);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "port %s cannot be switched alone",
		    port);
	return false;
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

	return write_attribute(path, "on", error);
}

const RescuePowerPort rescue_power_port = {
	.can_cycle = can_cycle,
	.cycle = cycle,
	.may_suspend = may_suspend,
	.keep_awake = keep_awake,
};
