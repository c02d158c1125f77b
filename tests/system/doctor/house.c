/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/system/doctor/house.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/process/process.h"
#include "tests/system/doctor/servers.h"

#define DEADLINE_MS 120000u
#define HOSTS_PATH  "/etc/hosts"
#define RESOLV_PATH "/etc/resolv.conf"
#define DEVICES_DIR "/sys/bus/usb/devices"
#define MEMORY_DIR  "/sys/module/usbcore/parameters"
#define MAX_NAME    64

struct House {
	char *dir;
	HouseState state;
	Servers *servers;
	GPtrArray *children; /* RescueProcess */
	char **environment;
	bool drops_rights;
};

static const char *const device_nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };

static bool
mount_tmpfs(const char *where, unsigned long flags, const char *size)
{
	g_autofree char *options = g_strdup_printf("size=%s,mode=755", size);

	return g_mkdir_with_parents(where, 0755) == 0 &&
	       mount("tmpfs", where, "tmpfs", flags, options) == 0;
}

static bool
raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo:1" };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool fine = fd >= 0;

	address.sin_addr.s_addr = htonl(SERVERS_NET | 1);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	fine = fine && ioctl(fd, SIOCSIFADDR, &request) == 0;
	address.sin_addr.s_addr = htonl(IN_CLASSA_NET);
	memcpy(&request.ifr_netmask, &address, sizeof(address));
	fine = fine && ioctl(fd, SIOCSIFNETMASK, &request) == 0;
	(void)g_strlcpy(request.ifr_name, "lo", sizeof(request.ifr_name)); /* it fits */
	request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
	fine = fine && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	return fine;
}

/* the file of the house in the place of the computer's own */
static bool
cover(const House *house, const char *name, const char *path)
{
	g_autofree char *own = g_build_filename(house->dir, name, NULL);

	return g_file_set_contents(own, "", 0, NULL) && mount(own, path, NULL, MS_BIND, NULL) == 0;
}

static bool
cover_devices(const House *house)
{
	g_autofree char *stage = g_build_filename(house->dir, "dev", NULL);
	g_autofree char *log = g_build_filename(stage, "kmsg", NULL);

	if (!mount_tmpfs(stage, 0, "1m") || !g_file_set_contents(log, "", 0, NULL))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(device_nodes); i++) {
		g_autofree char *from = g_build_filename("/dev", device_nodes[i], NULL);
		g_autofree char *to = g_build_filename(stage, device_nodes[i], NULL);
		if (!g_file_set_contents(to, "", 0, NULL) ||
		    mount(from, to, NULL, MS_BIND, NULL) != 0)
			return false;
	}
	return mount(stage, "/dev", NULL, MS_BIND | MS_REC, NULL) == 0;
}

static bool
build(House *house)
{
	g_autofree char *small = g_build_filename(house->dir, "small", NULL);
	g_autofree char *tight = g_build_filename(house->dir, "tight", NULL);
	g_autofree char *noexec = g_build_filename(house->dir, "noexec", NULL);
	g_autofree char *readonly = g_build_filename(house->dir, "readonly", NULL);

	return raise_loopback() && mount_tmpfs(house->dir, 0, "64g") &&
	       mount_tmpfs(small, 0, "1m") && mount_tmpfs(tight, 0, "8g") &&
	       mount_tmpfs(noexec, MS_NOEXEC, "32g") && mount_tmpfs(readonly, MS_RDONLY, "32g") &&
	       mount_tmpfs("/sys", 0, "16m") && cover(house, "hosts", HOSTS_PATH) &&
	       cover(house, "resolv.conf", RESOLV_PATH) && cover_devices(house);
}

House *
house_new(char **ret_why)
{
	g_autoptr(House) house = g_new0(House, 1);

	house->children = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_process_free);
	house->dir = g_dir_make_tmp("house-XXXXXX", NULL);
	if (house->dir == NULL || !build(house)) {
		*ret_why = g_strdup_printf("a part of the house cannot be built: %s",
					   g_strerror(errno));
		return NULL;
	}
	house->servers = servers_new(house->dir);
	(void)house_reset(house);
	return g_steal_pointer(&house);
}

void
house_free(House *house)
{
	if (house == NULL)
		return;
	g_ptr_array_unref(house->children);
	servers_free(house->servers);
	if (house->dir != NULL) {
		(void)umount2(house->dir, MNT_DETACH); /* the namespace ends with us anyway */
		(void)g_rmdir(house->dir);
	}
	g_strfreev(house->environment);
	g_free(house->dir);
	g_free(house);
}

const char *
house_dir(const House *house)
{
	return house->dir;
}

void
house_write(const House *house, const char *path, const char *format, ...)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
	/* in place: what is mounted over a file stays what it is */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
	g_assert_cmpint(close(fd), ==, 0);
}

static void
write_value(const House *house, const char *port, const char *name, const char *value)
{
	g_autofree char *path = g_build_filename(DEVICES_DIR, port, name, NULL);

	house_write(house, path, "%s\n", value);
}

void
house_plug(const House *house, const char *port, unsigned number)
{
	g_autofree char *node = g_strdup_printf("/dev/bus/usb/001/%03u", number);
	g_autofree char *address = g_strdup_printf("%u", number);
	static const char *const values[][2] = {
		{ "idVendor", "05ac" }, { "idProduct", "1281" }, { "busnum", "1" },
		{ "speed", "480" },     { "version", " 2.00" },  { "power/control", "on" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		write_value(house, port, values[i][0], values[i][1]);
	write_value(house, port, "devnum", address);
	house_write(house, node, "%s", "");
}

static void
remove_below(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_below(inner);
		g_assert_cmpint(g_remove(inner), ==, 0);
	}
}

static void
reset_environment(House *house)
{
	static const char *const gone[] = { "http_proxy", "https_proxy", "all_proxy",
					    "no_proxy",   "HTTPS_PROXY", "ALL_PROXY",
					    "NO_PROXY",   "LD_PRELOAD",  "UMOCKDEV_DIR",
					    "TMPDIR" };
	g_autofree char *authorities = g_build_filename(house->dir, "Apple.pem", NULL);
	g_autofree char *mux = g_strdup_printf("UNIX:%s/usbmuxd.socket", house->dir);

	g_strfreev(house->environment);
	house->environment = g_get_environ();
	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
		house_setenv(house, gone[i], NULL);
	house_setenv(house, "SSL_CERT_FILE", authorities);
	house_setenv(house, "USBMUXD_SOCKET_ADDRESS", mux);
	house_setenv(house, "TMPDIR", house->dir);
}

HouseState *
house_reset(House *house)
{
	g_ptr_array_set_size(house->children, 0);
	house->state = (HouseState){ .portal = "<HTML><BODY>Success</BODY></HTML>" };
	house->drops_rights = false;
	reset_environment(house);
	remove_below(DEVICES_DIR);
	remove_below("/dev/bus");
	house_write(house, HOSTS_PATH, "127.0.0.1 localhost\n");
	house_write(house, RESOLV_PATH, "nameserver " SERVERS_DNS "\n");
	house_write(house, "/dev/kmsg", "%s", "");
	house_write(house, MEMORY_DIR "/usbfs_memory_mb", "16\n");
	house_plug(house, "1-2", 4);
	return &house->state;
}

void
house_setenv(House *house, const char *name, const char *value)
{
	house->environment = value != NULL ? g_environ_setenv(house->environment, name, value, TRUE)
					   : g_environ_unsetenv(house->environment, name);
}

void
house_drop_rights(House *house)
{
	house->drops_rights = true;
}

void
house_start(House *house, const char *name)
{
	g_autofree char *path = g_build_filename(house->dir, name, NULL);
	g_autofree char *sleeper = g_find_program_in_path("sleep");
	g_autofree char *bytes = NULL;
	const char *const argv[] = { path, "600", NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	gsize size = 0;

	/* a copy: the kernel calls a process by the name of its file */
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_assert_true(g_file_get_contents(sleeper, &bytes, &size, NULL));
		g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
		g_assert_cmpint(g_chmod(path, 0755), ==, 0);
	}
	RescueProcess *process = rescue_process_start(&spec, NULL);
	g_assert_nonnull(process);
	g_ptr_array_add(house->children, process);
}

/* NAME=value for each, as the child gets it; what is not set here is taken from it by env */
static void
add_environment(const House *house, GPtrArray *argv)
{
	g_ptr_array_add(argv, g_strdup("env"));
	g_ptr_array_add(argv, g_strdup("-i"));
	for (unsigned i = 0; house->environment[i] != NULL; i++)
		g_ptr_array_add(argv, g_strdup(house->environment[i]));
}

static void
add_rights(const House *house, GPtrArray *argv)
{
	static const char *const words[] = { "setpriv", "--inh-caps=-all", "--bounding-set=-all" };

	for (size_t i = 0; house->drops_rights && i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, g_strdup(words[i]));
}

int
house_run(House *house, const char *const *words, char **ret_output)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	RescueProcessResult result = { .status = -1 };
	RescueProcessSpec spec = { .inherit_fd = -1, .merge_stderr = true };

	add_rights(house, argv);
	add_environment(house, argv);
	g_ptr_array_add(argv, g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin",
					       "idevicerescue", NULL));
	for (; *words != NULL; words++)
		g_ptr_array_add(argv, g_strdup(*words));
	g_ptr_array_add(argv, NULL);
	spec.argv = (const char *const *)argv->pdata;
	servers_apply(house->servers, &house->state);
	(void)rescue_process_run(&spec, DEADLINE_MS, &result, &error); /* judged by the error */
	g_assert_no_error(error);
	g_assert_false(result.timed_out);
	int status = result.status;
	*ret_output = g_steal_pointer(&result.output);
	rescue_process_result_clear(&result);
	return status;
}
