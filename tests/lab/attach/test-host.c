/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/test-host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <jansson.h>

enum { MUX_HEADER = 16, PIECE = 65536 };

/* ---- waiting --------------------------------------------------------------------------------- */

typedef bool (*Condition)(void *data);

static gboolean
on_deadline(void *data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

static gboolean
on_tick(void *data)
{
	return G_SOURCE_CONTINUE;
}

static bool
wait_until(Condition condition, void *data, unsigned within_ms)
{
	bool late = false;
	unsigned deadline = g_timeout_add(within_ms, on_deadline, &late);
	unsigned ticker = g_timeout_add(2, on_tick, NULL);
	bool met;
	while (!(met = condition(data)) && !late)
		g_main_context_iteration(NULL, true);
	if (!late)
		g_source_remove(deadline);
	g_source_remove(ticker);
	return met;
}

static bool
never(void *data)
{
	return false;
}

void
world_run(unsigned ms)
{
	(void)wait_until(never, NULL, ms);
}

/* ---- the world ------------------------------------------------------------------------------- */

void
world_init(World *world, uint64_t link_bytes)
{
	const LabIdentity identity = {
		.name = (char[]){ "a" },
		.product = (char[]){ "iPhone10,3" },
		.board = (char[]){ "d22ap" },
		.cpid = 0x8015,
		.bdid = 0x06,
		.ecid = 0x1a2b3c4d5e6f,
		.udid = (char[]){ TEST_UDID },
		.serial = (char[]){ "F2LX00000001" },
		.port = (char[]){ "1-2" },
		.link_bytes = link_bytes,
	};
	g_autoptr(GError) error = NULL;
	world->dir = g_dir_make_tmp("lab-mux-XXXXXX", &error);
	g_assert_no_error(error);
	world->record_path = g_build_filename(world->dir, "record.jsonl", NULL);
	world->socket_path = g_build_filename(world->dir, "usbmuxd", NULL);
	world->record = lab_record_open(world->record_path, &error);
	g_assert_no_error(error);
	world->faults = lab_faults_new();
	world->mux = lab_mux_new(world->socket_path, world->record, &error);
	g_assert_no_error(error);
	world->phone = lab_phone_new(&identity, world->faults, world->record);
	lab_phone_attach(world->phone, lab_mux_attachment(), world->mux);
	lab_phone_set_installed(world->phone, "15.4", "19E241");
	lab_phone_set_boot_time(world->phone, 20);
}

void
world_clear(World *world)
{
	lab_phone_free(world->phone);
	lab_mux_free(world->mux);
	lab_record_close(world->record);
	lab_faults_free(world->faults);
	(void)g_remove(world->record_path);
	(void)g_rmdir(world->dir);
	g_free(world->dir);
	g_free(world->record_path);
	g_free(world->socket_path);
}

void
world_fault(World *world, LabFault fault)
{
	fault.times = 1;
	lab_faults_add(world->faults, g_memdup2(&fault, sizeof fault));
}

static bool
line_matches(const char *line, const char *event, const char *key, const char *value)
{
	json_t *object = json_loads(line, 0, NULL);
	const char *name = json_string_value(json_object_get(object, "event"));
	const char *found = json_string_value(json_object_get(object, key));
	bool matches = g_strcmp0(name, event) == 0 &&
		       (value == NULL || g_strcmp0(found, value) == 0);
	json_decref(object);
	return matches;
}

unsigned
world_events(const World *world, const char *event, const char *key, const char *value)
{
	g_autofree char *text = NULL;
	unsigned found = 0;
	if (!g_file_get_contents(world->record_path, &text, NULL, NULL))
		return 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		found += line_matches(lines[i], event, key, value);
	return found;
}

typedef struct {
	const LabPhone *phone;
	LabMode mode;
} WantedMode;

static bool
is_in_mode(void *data)
{
	const WantedMode *wanted = data;
	return lab_phone_mode(wanted->phone) == wanted->mode;
}

void
world_wait_mode(World *world, LabMode mode)
{
	WantedMode wanted = { world->phone, mode };
	if (!wait_until(is_in_mode, &wanted, HOST_DEADLINE_MS))
		g_test_fail_printf("the phone is %s, not %s",
				   lab_mode_name(lab_phone_mode(world->phone)),
				   lab_mode_name(mode));
}

/* ---- tools ----------------------------------------------------------------------------------- */

typedef struct {
	char *out;
	bool ended;
} Tool;

static void
on_tool_ended(GObject *source, GAsyncResult *result, void *data)
{
	Tool *tool = data;
	(void)g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &tool->out, NULL,
						   NULL);
	tool->ended = true;
}

static bool
tool_has_ended(void *data)
{
	return ((const Tool *)data)->ended;
}

char *
world_tool(World *world, const char *const *argv)
{
	g_autofree char *program = g_find_program_in_path(argv[0]);
	if (program == NULL) {
		g_test_skip("a tool of libimobiledevice is not installed");
		return NULL;
	}
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
	    G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
	g_autofree char *address = g_strconcat("UNIX:", world->socket_path, NULL);
	g_subprocess_launcher_setenv(launcher, "USBMUXD_SOCKET_ADDRESS", address, true);
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, argv, &error);
	g_assert_no_error(error);
	Tool tool = { 0 };
	g_subprocess_communicate_utf8_async(process, NULL, NULL, on_tool_ended, &tool);
	if (!wait_until(tool_has_ended, &tool, HOST_DEADLINE_MS)) {
		g_test_fail_printf("%s did not end", argv[0]);
		g_subprocess_force_exit(process);
		(void)wait_until(tool_has_ended, &tool, HOST_DEADLINE_MS);
	}
	g_test_message("%s: %s", argv[0], tool.out);
	return tool.out != NULL ? tool.out : g_strdup("");
}

/* ---- a host of our own ----------------------------------------------------------------------- */

Host *
host_open(World *world)
{
	Host *host = g_new0(Host, 1);
	host->in = g_byte_array_new();
	host->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, world->socket_path, sizeof address.sun_path);
	g_assert_no_errno(connect(host->fd, (struct sockaddr *)&address, sizeof address));
	g_assert_no_errno(fcntl(host->fd, F_SETFL, O_NONBLOCK));
	return host;
}

void
host_close(Host *host)
{
	if (host == NULL)
		return;
	close(host->fd);
	g_byte_array_unref(host->in);
	g_free(host);
}

static void
take_what_is_there(Host *host)
{
	uint8_t piece[PIECE];
	ssize_t n;
	while (!host->ended && (n = recv(host->fd, piece, sizeof piece, 0)) != -1) {
		g_byte_array_append(host->in, piece, (guint)n);
		host->ended = n == 0;
	}
	if (!host->ended && errno != EAGAIN)
		host->ended = true;
}

typedef struct {
	Host *host;
	const uint8_t *data; /* to be written */
	size_t size;         /* left to write, or wanted */
} Transfer;

static bool
all_written(void *data)
{
	Transfer *transfer = data;
	ssize_t n = 0;
	while (transfer->size > 0 && n >= 0) {
		n = send(transfer->host->fd, transfer->data, MIN(transfer->size, PIECE),
			 MSG_NOSIGNAL);
		if (n < 0)
			return errno != EAGAIN;
		transfer->data += n;
		transfer->size -= (size_t)n;
	}
	return transfer->size == 0;
}

bool
host_write(Host *host, const void *data, size_t size)
{
	Transfer transfer = { host, data, size };
	return wait_until(all_written, &transfer, HOST_DEADLINE_MS) && transfer.size == 0;
}

static bool
enough_or_ended(void *data)
{
	const Transfer *transfer = data;
	take_what_is_there(transfer->host);
	return transfer->host->in->len >= transfer->size || transfer->host->ended;
}

static bool
have(Host *host, size_t size, unsigned within_ms)
{
	Transfer transfer = { .host = host, .size = size };
	(void)wait_until(enough_or_ended, &transfer, within_ms);
	return host->in->len >= size;
}

bool
host_read(Host *host, void *data, size_t size)
{
	if (!have(host, size, HOST_DEADLINE_MS))
		return false;
	memcpy(data, host->in->data, size);
	g_byte_array_remove_range(host->in, 0, (guint)size);
	return true;
}

GByteArray *
host_read_some(Host *host)
{
	if (!have(host, 1, HOST_DEADLINE_MS))
		return NULL;
	GByteArray *all = host->in;
	host->in = g_byte_array_new();
	return all;
}

plist_t
host_read_mux(Host *host)
{
	uint32_t words[MUX_HEADER / sizeof(uint32_t)];
	if (!host_read(host, words, sizeof words))
		return NULL;
	size_t size = GUINT32_FROM_LE(words[0]) - MUX_HEADER;
	g_autofree char *body = g_malloc(size);
	return host_read(host, body, size) ? lab_plist_parse(body, size) : NULL;
}

plist_t
host_ask_mux(Host *host, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	uint32_t words[] = { GUINT32_TO_LE(MUX_HEADER + size), GUINT32_TO_LE(1), GUINT32_TO_LE(8),
			     GUINT32_TO_LE(7) };
	bool sent = host_write(host, words, sizeof words) && host_write(host, xml, size);
	plist_to_xml_free(xml);
	return sent ? host_read_mux(host) : NULL;
}

static uint64_t
first_device(World *world)
{
	g_autoptr(Host) host = host_open(world);
	g_auto(plist_t)
	    answer = host_ask_mux(host, lab_plist_dict("s:MessageType", "ListDevices", NULL));
	plist_t first = plist_array_get_item(lab_plist_item(answer, "DeviceList"), 0);
	return lab_plist_uint(first, "DeviceID", 0);
}

Host *
host_channel(World *world, uint16_t port)
{
	uint64_t device = first_device(world);
	g_autoptr(Host) host = host_open(world);
	g_auto(plist_t) answer =
	    host_ask_mux(host, lab_plist_dict("s:MessageType", "Connect", "u:DeviceID", device,
					      "u:PortNumber", (uint64_t)GUINT16_TO_BE(port), NULL));
	return lab_plist_uint(answer, "Number", 1) == 0 ? g_steal_pointer(&host) : NULL;
}

bool
host_send(Host *host, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	uint32_t length = GUINT32_TO_BE(size);
	bool sent = host_write(host, &length, sizeof length) && host_write(host, xml, size);
	plist_to_xml_free(xml);
	return sent;
}

plist_t
host_receive(Host *host, unsigned within_ms)
{
	uint32_t length;
	if (!have(host, sizeof length, within_ms) || !host_read(host, &length, sizeof length))
		return NULL;
	size_t size = GUINT32_FROM_BE(length);
	g_autofree char *body = g_malloc(size);
	return host_read(host, body, size) ? lab_plist_parse(body, size) : NULL;
}
