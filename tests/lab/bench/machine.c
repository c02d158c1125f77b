/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/bench/machine.h"

#include <gio/gio.h>
#include <string.h>

/*
 * The host seen from the machine is 10.0.2.2, and a connection to it arrives on the host's
 * loopback: QEMU's user networking. TCG always, since a CI machine has no KVM to rely on.
 */

#define QEMU                  "qemu-system-x86_64"
#define HOST_SEEN_FROM_INSIDE "10.0.2.2"

enum { HUB_PORTS = 8, FIRST_BUS_PREFIX = 2 /* "1-" */ };

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
fail(GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, sentence);
	return false;
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* the path within QEMU, "1.4", is the kernel's "1-1.4" without the bus; every number is a port */
static bool
check_port(const char *port, GError **error)
{
	if (!g_str_has_prefix(port, "1-"))
		return fail(error, "port ‘%s’ is not on the machine's only bus, 1", port);
	g_auto(GStrv) numbers = g_strsplit(port + FIRST_BUS_PREFIX, ".", -1);
	for (char **number = numbers; *number != NULL; number++) {
		guint64 value = 0;
		if (!g_ascii_string_to_unsigned(*number, 10, 1, HUB_PORTS, &value, NULL))
			return fail(error, "port ‘%s’: hubs of the machine have 8 ports", port);
	}
	return true;
}

static int
by_length(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	size_t left_length = strlen(*left), right_length = strlen(*right);
	if (left_length != right_length)
		return left_length < right_length ? -1 : 1;
	return strcmp(*left, *right);
}

/* "1.4.2" lies behind the hubs "1" and "1.4"; those next to the machine first. Caller unrefs. */
static GPtrArray *
hubs_for(const GPtrArray *ports)
{
	GPtrArray *hubs = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < ports->len; i++) {
		const char *path = (const char *)g_ptr_array_index(ports, i) + FIRST_BUS_PREFIX;
		for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
			g_autofree char *hub = g_strndup(path, (gsize)(dot - path));
			if (!g_ptr_array_find_with_equal_func(hubs, hub, g_str_equal, NULL))
				g_ptr_array_add(hubs, g_steal_pointer(&hub));
		}
	}
	g_ptr_array_sort(hubs, by_length);
	return hubs;
}

static char *
socket_of(const LabMachine *machine, const char *port)
{
	g_autofree char *name = g_strconcat("port-", port, NULL);
	return g_build_filename(machine->dir, name, NULL);
}

const char *
lab_machine_control_inside(void)
{
	return "/dev/lab/control"; /* guest.sh makes it */
}

bool
lab_machine_add_ports(const LabMachine *machine, GError **error)
{
	g_autoptr(GPtrArray) hubs = hubs_for(machine->ports);
	for (guint i = 0; i < machine->ports->len; i++) {
		const char *port = g_ptr_array_index(machine->ports, i);
		if (!check_port(port, error))
			return false;
		if (g_ptr_array_find_with_equal_func(hubs, port + FIRST_BUS_PREFIX, g_str_equal,
						     NULL))
			return fail(error, "port ‘%s’ cannot have a phone and a hub", port);
		g_autofree char *socket = socket_of(machine, port);
		bool behind_hub = strchr(port, '.') != NULL;
		if (!lab_redir_add_port(machine->redir, port, socket, behind_hub, error))
			return false;
	}
	return true;
}

/* ---- what QEMU is told ----------------------------------------------------------------------- */

/* in an option, a comma is written twice */
static char *
escape(const char *value)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	return g_strjoinv(",,", parts);
}

static void
add(GPtrArray *argv, const char *word)
{
	g_ptr_array_add(argv, g_strdup(word));
}

/* takes the value over */
static void
add_option(GPtrArray *argv, const char *option, char *value)
{
	add(argv, option);
	g_ptr_array_add(argv, value);
}

static void
add_usb(GPtrArray *argv, const LabMachine *machine)
{
	g_autoptr(GPtrArray) hubs = hubs_for(machine->ports);
	add_option(argv, "-device", g_strdup("qemu-xhci,id=xhci,p2=8,p3=8"));
	for (guint i = 0; i < hubs->len; i++)
		add_option(argv, "-device",
			   g_strdup_printf("usb-hub,bus=xhci.0,port=%s,ports=%d,port-power=%s",
					   (const char *)g_ptr_array_index(hubs, i), HUB_PORTS,
					   machine->hubs_fixed ? "off" : "on"));
	for (guint i = 0; i < machine->ports->len; i++) {
		const char *port = g_ptr_array_index(machine->ports, i);
		g_autofree char *socket = socket_of(machine, port);
		g_autofree char *path = escape(socket);
		add_option(argv, "-chardev", g_strdup_printf("socket,id=usb%u,path=%s", i, path));
		add_option(argv, "-device",
			   g_strdup_printf("usb-redir,bus=xhci.0,port=%s,chardev=usb%u",
					   port + FIRST_BUS_PREFIX, i));
	}
}

/* a file for what comes out of a port of the machine */
static void
add_outlet(GPtrArray *argv, const char *name, const char *file)
{
	g_autofree char *path = escape(file);
	add_option(argv, "-chardev", g_strdup_printf("file,id=%s,path=%s", name, path));
	add_option(argv, "-device",
		   g_strdup_printf("virtserialport,chardev=%s,name=%s", name, name));
}

static void
add_share(GPtrArray *argv, const char *tag, const char *dir, const char *how)
{
	g_autofree char *path = escape(dir);
	add_option(argv, "-fsdev",
		   g_strdup_printf("local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag,
				   path, how));
	add_option(argv, "-device",
		   g_strdup_printf("virtio-9p-pci,fsdev=%s,mount_tag=%s", tag, tag));
}

static void
add_base(GPtrArray *argv, const char *kernel, const char *initramfs, const char *console)
{
	static const char *const words[] = {
		QEMU,
		"-accel",
		"tcg,tb-size=128",
		"-M",
		"q35",
		"-cpu",
		"qemu64",
		"-smp",
		"1",
		"-m",
		"512",
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-display",
		"none",
		"-append",
		"console=ttyS0 quiet panic=-1 usbcore.autosuspend=-1",
		"-netdev",
		"user,id=net",
		"-device",
		"virtio-net-pci,netdev=net,romfile=",
		"-device",
		"virtio-rng-pci",
		"-device",
		"virtio-serial-pci",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		add(argv, words[i]);
	add_option(argv, "-kernel", g_strdup(kernel));
	add_option(argv, "-initrd", g_strdup(initramfs));
	g_autofree char *path = escape(console);
	add_option(argv, "-serial", g_strconcat("file:", path, NULL));
}

/* ---- what the machine finds in the world's directory ----------------------------------------- */

/* the host's loopback has another address in there */
static char *
seen_from_inside(const char *assignment)
{
	if (g_str_has_prefix(assignment, "no_proxy="))
		return g_strconcat(assignment, ",", HOST_SEEN_FROM_INSIDE, NULL);
	g_auto(GStrv) parts = g_strsplit(assignment, "//127.0.0.1:", -1);
	return g_strjoinv("//" HOST_SEEN_FROM_INSIDE ":", parts);
}

static bool
is_shell_name(const char *assignment)
{
	return g_regex_match_simple("^[A-Za-z_][A-Za-z0-9_]*=", assignment, 0, 0);
}

static char *
command_script(const LabMachine *machine)
{
	GString *script = g_string_new(NULL);
	for (char **variable = machine->environment; *variable != NULL; variable++) {
		if (!is_shell_name(*variable))
			continue;
		g_autofree char *value = seen_from_inside(*variable);
		char *equals = strchr(value, '=');
		*equals = '\0';
		g_autofree char *quoted = g_shell_quote(equals + 1);
		g_string_append_printf(script, "export %s=%s\n", value, quoted);
	}
	g_autofree char *here = g_get_current_dir();
	g_autofree char *quoted_here = g_shell_quote(here);
	g_string_append_printf(script, "cd %s\nexec", quoted_here);
	for (char **word = machine->argv; *word != NULL; word++) {
		g_autofree char *quoted = g_shell_quote(*word);
		g_string_append_printf(script, " %s", quoted);
	}
	g_string_append_c(script, '\n');
	return g_string_free(script, FALSE);
}

static bool
write_guest(const LabMachine *machine, GError **error)
{
	g_autofree char *dir = g_build_filename(machine->dir, "guest", NULL);
	g_autofree char *start = g_build_filename(dir, "start", NULL);
	g_autofree char *command = g_build_filename(dir, "command", NULL);
	g_autofree char *script = g_shell_quote(LAB_BENCH_DIR "/guest.sh");
	g_autofree char *lab = g_shell_quote(machine->dir);
	g_autofree char *line = g_strdup_printf("exec /bin/sh %s %s %s\n", script, lab,
						machine->usbmuxd ? "usbmuxd" : "");
	g_autofree char *commands = command_script(machine);
	(void)g_mkdir_with_parents(dir, 0700); /* writing into it tells */
	return g_file_set_contents(start, line, -1, error) &&
	       g_file_set_contents(command, commands, -1, error);
}

/* ---- pairings --------------------------------------------------------------------------------- */

static bool
write_lockdown(const LabMachine *machine, const char *name, const char *data, size_t size,
	       GError **error)
{
	g_autofree char *dir = g_build_filename(machine->dir, "guest", "lockdown", NULL);
	g_autofree char *file = g_strconcat(name, ".plist", NULL);
	g_autofree char *path = g_build_filename(dir, file, NULL);
	(void)g_mkdir_with_parents(dir, 0700); /* writing into it tells */
	return g_file_set_contents(path, data, (gssize)size, error);
}

const char *
lab_machine_buid(void)
{
	return "3D1C2E86-0B5A-4F3E-9C1B-7F0A5B6C7D8E";
}

bool
lab_machine_pair(const LabMachine *machine, const char *udid, GBytes *record, GError **error)
{
	static const char system[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				     "<plist version=\"1.0\"><dict><key>SystemBUID</key>"
				     "<string>%s</string></dict></plist>\n";
	g_autofree char *text = g_strdup_printf(system, lab_machine_buid());
	size_t size = 0;
	const char *data = g_bytes_get_data(record, &size);
	return write_lockdown(machine, "SystemConfiguration", text, strlen(text), error) &&
	       write_lockdown(machine, udid, data, size, error);
}

/* ---- the whole of it ------------------------------------------------------------------------- */

static char *
machine_file(const char *name)
{
	const char *elsewhere = g_getenv("LAB_MACHINE_DIR");
	return g_build_filename(elsewhere != NULL ? elsewhere : LAB_MACHINE_DIR, name, NULL);
}

static bool
check_tools(const char *kernel, GError **error)
{
	static const char *const programs[] = { QEMU, "udevadm", "usbmuxd" };
	const char *packages = "(Debian packages: group qemu of cli/data/apt-packages.txt)";
	for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
		g_autofree char *path = g_find_program_in_path(programs[i]);
		g_autofree char *sbin = g_build_filename("/usr/sbin", programs[i], NULL);
		if (path == NULL && !g_file_test(sbin, G_FILE_TEST_IS_EXECUTABLE))
			return fail(error, "there is no ‘%s’ on this host, which the machine needs",
				    programs[i]);
	}
	if (g_file_test(kernel, G_FILE_TEST_EXISTS))
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
		    "there is no kernel ‘%s’: tests/lab/bench/prepare.sh fetches it %s", kernel,
		    packages);
	return false;
}

char **
lab_machine_argv(const LabMachine *machine, GError **error)
{
	g_autofree char *kernel = machine_file("vmlinux");
	g_autofree char *initramfs = machine_file("initramfs");
	g_autofree char *console = g_build_filename(machine->dir, "console", NULL);
	if (!check_tools(kernel, error) || !write_guest(machine, error))
		return NULL;
	GPtrArray *argv = g_ptr_array_new();
	add_base(argv, kernel, initramfs, console);
	add_share(argv, "host", "/", ",readonly=on");
	add_share(argv, "lab", machine->dir, "");
	add_outlet(argv, "stdout", "/proc/self/fd/1");
	add_outlet(argv, "stderr", "/proc/self/fd/2");
	add_outlet(argv, "control", machine->control);
	add_usb(argv, machine);
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}
