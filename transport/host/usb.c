/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/path.h"
#include "core/process/process.h"
#include "transport/devices/power.h"
#include "transport/devices/usbmuxd.h"
#include "transport/host/host.h"

#define MUX_NAME     "usbmuxd"
#define MUX_VARIABLE "USBMUXD_SOCKET_ADDRESS"
#define MUX_SOCKET   "/var/run/usbmuxd"
#define MUX_MS       4000u
#define VERSION_MS   2000u
#define MEMORY_PATH  "/sys/module/usbcore/parameters/usbfs_memory_mb"
#define MAX_VALUE    64u
#define LOOK_BACK_US (INT64_C(3600) * G_USEC_PER_SEC)

/* the path of the socket; NULL when it is a network address. Caller frees. */
static char *
socket_path(void)
{
	const char *where = g_getenv(MUX_VARIABLE);

	if (where == NULL)
		return g_strdup(MUX_SOCKET);
	if (g_str_has_prefix(where, "UNIX:"))
		return g_strdup(where + strlen("UNIX:"));
	return *where == '/' ? g_strdup(where) : NULL;
}

/* why a connection does not come about: errno, 0 when it does */
static int
try_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code = 0;

	if (fd < 0)
		return errno;
	(void)g_strlcpy(address.sun_path, path, sizeof(address.sun_path)); /* too long: not there */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		code = errno;
	(void)close(fd); /* nothing was written */
	return code;
}

static RescueMuxState
classify_mux(const char *path)
{
	int code = path != NULL ? try_socket(path) : 0;

	if (code == EACCES || code == EPERM)
		return RESCUE_MUX_DENIED;
	return code == 0 || code == EAGAIN ? RESCUE_MUX_SILENT : RESCUE_MUX_ABSENT;
}

static void
look_at_mux(RescueUsbFacts *facts)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = socket_path();

	facts->mux = RESCUE_MUX_FINE;
	if (!rescue_usbmuxd_check(MUX_MS, &error)) {
		facts->mux = classify_mux(path);
		facts->mux_why = g_strdup_printf("%s%s%s", path != NULL ? path : "",
						 path != NULL ? ": " : "", error->message);
	}
	/* whoever names a socket has chosen one of them, and the others may serve somebody else */
	if (g_getenv(MUX_VARIABLE) == NULL)
		rescue_host_find_processes(MUX_NAME, facts->mux_processes);
}

/* "usbmuxd 1.1.1": the program in PATH is asked, as the one that runs may belong to somebody else */
static void
look_at_version(RescueUsbFacts *facts)
{
	const char *const argv[] = { MUX_NAME, "--version", NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { .status = -1 };
	g_autofree char *program = g_find_program_in_path(MUX_NAME);

	if (program == NULL || facts->mux_processes->len == 0 ||
	    !rescue_process_run(&spec, VERSION_MS, &result, NULL) || result.status != 0 ||
	    !g_str_has_prefix(result.output, MUX_NAME " "))
		return;
	facts->mux_version = g_strdup(g_strstrip(result.output + strlen(MUX_NAME " ")));
}

static unsigned
read_memory(void)
{
	g_autofree char *text = rescue_path_read(MEMORY_PATH, MAX_VALUE, NULL, NULL);
	guint64 value = 0;

	if (text == NULL ||
	    !g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT32, &value, NULL))
		return 0;
	return (unsigned)value;
}

void
rescue_host_look_at_usb(const char *port, RescueUsbFacts *ret_facts)
{
	int64_t since_us = g_get_monotonic_time() - LOOK_BACK_US;

	rescue_usb_facts_init(ret_facts);
	ret_facts->port = port;
	look_at_mux(ret_facts);
	look_at_version(ret_facts);
	ret_facts->usbfs_memory_mb = read_memory();
	ret_facts->usb = rescue_host_read_bus(ret_facts->devices);
	ret_facts->ports_off = rescue_power_list_off();
	ret_facts->kernel_unreadable = !rescue_host_read_kernel(since_us, ret_facts->kernel_lines);
}
