/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <usbredirparser.h>

#include "tests/lab/attach/test-host.h"
#include "tests/lab/attach/usbredir.h"

/* Ports of a machine, against the machine's end of the usbredir protocol. */

enum { VENDOR_OUT = 0x40, VENDOR_OUT_FILE = 0x41, VENDOR_IN = 0xc0, GET_DESCRIPTOR = 6 };
enum { DEADLINE_MS = 20000, STEP_MS = 2, RECOVERY = 0x1281, MUX = 0x12a8 };

/* the machine; what it was told last */
typedef struct {
	World world;
	LabRedir *redir;
	struct usbredirparser *parser;
	int fd;
	struct usb_redir_device_connect_header device;
	unsigned plugs, unplugs, answers;
	uint8_t status;
	uint8_t configuration;
	GByteArray *data;
} Machine;

static int
machine_read(void *data, uint8_t *bytes, int count)
{
	const Machine *machine = data;
	ssize_t got = recv(machine->fd, bytes, (size_t)count, MSG_DONTWAIT);
	if (got > 0)
		return (int)got;
	return got < 0 && errno == EAGAIN ? 0 : -1;
}

static int
machine_write(void *data, uint8_t *bytes, int count)
{
	const Machine *machine = data;
	return (int)send(machine->fd, bytes, (size_t)count, MSG_NOSIGNAL);
}

static void
on_log(void *data, int level, const char *message)
{
	g_assert_cmpint(level, >, usbredirparser_warning);
}

static void
on_hello(void *data, struct usb_redir_hello_header *hello)
{
}

static void
on_connect(void *data, struct usb_redir_device_connect_header *device)
{
	Machine *machine = data;
	machine->device = *device;
	machine->plugs++;
}

static void
on_disconnect(void *data)
{
	Machine *machine = data;
	machine->unplugs++;
}

static void
on_interfaces(void *data, struct usb_redir_interface_info_header *info)
{
}

static void
on_endpoints(void *data, struct usb_redir_ep_info_header *info)
{
}

static void
on_configuration(void *data, uint64_t id, struct usb_redir_configuration_status_header *header)
{
	Machine *machine = data;
	machine->answers++;
	machine->configuration = header->configuration;
}

static void
take_answer(Machine *machine, uint8_t status, uint8_t *bytes, int size)
{
	machine->answers++;
	machine->status = status;
	g_byte_array_set_size(machine->data, 0);
	if (size > 0)
		g_byte_array_append(machine->data, bytes, (guint)size);
	usbredirparser_free_packet_data(machine->parser, bytes);
}

static void
on_control(void *data, uint64_t id, struct usb_redir_control_packet_header *header, uint8_t *bytes,
	   int size)
{
	take_answer(data, header->status, bytes, size);
}

static void
on_bulk(void *data, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *bytes,
	int size)
{
	take_answer(data, header->status, bytes, size);
}

/* runs both ends until `*counter` is `wanted` */
static void
run_until(Machine *machine, const unsigned *counter, unsigned wanted)
{
	unsigned left = DEADLINE_MS / STEP_MS;
	while (*counter < wanted && left-- > 0) {
		(void)usbredirparser_do_write(machine->parser);
		world_run(STEP_MS);
		(void)usbredirparser_do_read(machine->parser);
	}
	g_assert_cmpuint(*counter, ==, wanted);
}

static void
machine_connect(Machine *machine, const char *path)
{
	uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path));
	machine->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(machine->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	struct usbredirparser *parser = usbredirparser_create();
	parser->priv = machine;
	parser->log_func = on_log;
	parser->read_func = machine_read;
	parser->write_func = machine_write;
	parser->hello_func = on_hello;
	parser->device_connect_func = on_connect;
	parser->device_disconnect_func = on_disconnect;
	parser->interface_info_func = on_interfaces;
	parser->ep_info_func = on_endpoints;
	parser->configuration_status_func = on_configuration;
	parser->control_packet_func = on_control;
	parser->bulk_packet_func = on_bulk;
	usbredirparser_caps_set_cap(caps, usb_redir_cap_connect_device_version);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_device_disconnect_ack);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_ep_info_max_packet_size);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
	usbredirparser_init(parser, "a machine", caps, USB_REDIR_CAPS_SIZE, 0);
	machine->parser = parser;
}

static void
machine_init(Machine *machine)
{
	g_autoptr(GError) error = NULL;
	world_init(&machine->world, 0);
	machine->data = g_byte_array_new();
	machine->redir = lab_redir_new(machine->world.record);
	g_autofree char *socket = g_build_filename(machine->world.dir, "port", NULL);
	const char *port = lab_phone_identity(machine->world.phone)->port;
	bool added = lab_redir_add_port(machine->redir, port, socket, true, &error);
	g_assert_no_error(error);
	g_assert_true(added);
	lab_phone_attach(machine->world.phone, lab_redir_attachment(), machine->redir);
	machine_connect(machine, socket);
}

static void
machine_clear(Machine *machine)
{
	usbredirparser_destroy(machine->parser);
	(void)close(machine->fd);
	world_clear(&machine->world);
	lab_redir_free(machine->redir);
	g_byte_array_unref(machine->data);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Machine, machine_clear)

/* `data` is what goes out; its length and direction are the setup's */
static void
control(Machine *machine, LabSetup setup, const char *data)
{
	unsigned wanted = machine->answers + 1;
	struct usb_redir_control_packet_header header = { .endpoint = setup.request_type & 0x80,
							  .request = setup.request,
							  .requesttype = setup.request_type,
							  .value = setup.value,
							  .length = setup.length };
	usbredirparser_send_control_packet(machine->parser, wanted, &header, (uint8_t *)data,
					   data != NULL ? setup.length : 0);
	run_until(machine, &machine->answers, wanted);
}

static void
command(Machine *machine, const char *line)
{
	control(machine,
		(LabSetup){ .request_type = VENDOR_OUT, .length = (uint16_t)(strlen(line) + 1) },
		line);
}

static void
configure(Machine *machine)
{
	struct usb_redir_set_configuration_header header = { .configuration = 1 };
	unsigned wanted = machine->answers + 1;
	usbredirparser_send_set_configuration(machine->parser, 1, &header);
	run_until(machine, &machine->answers, wanted);
	g_assert_cmpuint(machine->configuration, ==, 1);
}

static void
test_a_phone_is_announced_at_the_ports_speed(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_RECOVERY);
	run_until(&machine, &machine.plugs, 1);
	g_assert_cmphex(machine.device.vendor_id, ==, 0x05ac);
	g_assert_cmphex(machine.device.product_id, ==, RECOVERY);
	g_assert_cmpuint(machine.device.speed, ==, usb_redir_speed_full);
	control(&machine, (LabSetup){ 0x80, GET_DESCRIPTOR, 2 << 8, 0, 255 }, NULL);
	g_assert_cmpuint(machine.status, ==, usb_redir_success);
	g_assert_cmpuint(machine.data->len, ==, machine.data->data[2]);
	/* the bulk endpoint behind configuration and first interface: 64 bytes a packet */
	g_assert_cmpuint(machine.data->data[9 + 9 + 4], ==, 64);
}

static void
test_iboot_takes_commands_and_files(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_RECOVERY);
	run_until(&machine, &machine.plugs, 1);
	configure(&machine);
	command(&machine, "getenv boot-stage");
	control(&machine, (LabSetup){ .request_type = VENDOR_IN, .length = 64 }, NULL);
	g_assert_cmpstr((const char *)machine.data->data, ==, "2");
	command(&machine, "frobnicate");
	g_assert_cmpuint(machine.status, ==, usb_redir_stall);
	control(&machine, (LabSetup){ .request_type = VENDOR_OUT_FILE }, NULL);
	struct usb_redir_bulk_packet_header bulk = { .endpoint = 4, .length = 5 };
	unsigned wanted = machine.answers + 1;
	usbredirparser_send_bulk_packet(machine.parser, 9, &bulk, (uint8_t *)"bytes", 5);
	run_until(&machine, &machine.answers, wanted);
	command(&machine, "setpicture 0");
	g_assert_cmpuint(world_events(&machine.world, "upload", NULL, NULL), ==, 1);
}

static void
test_plug_and_unplug_are_told_in_turn(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_RECOVERY);
	run_until(&machine, &machine.plugs, 1);
	for (unsigned i = 1; i <= 5; i++) {
		lab_phone_unplug(machine.world.phone, 1);
		run_until(&machine, &machine.unplugs, i);
		run_until(&machine, &machine.plugs, i + 1);
	}
	lab_phone_go(machine.world.phone, LAB_MODE_NORMAL, 1);
	run_until(&machine, &machine.plugs, 7);
	g_assert_cmphex(machine.device.product_id, ==, MUX);
}

static void
test_a_reset_counts_only_in_use(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_NORMAL);
	run_until(&machine, &machine.plugs, 1);
	usbredirparser_send_reset(machine.parser);
	configure(&machine);
	g_assert_cmpuint(world_events(&machine.world, "reset", NULL, NULL), ==, 0);
	usbredirparser_send_reset(machine.parser);
	usbredirparser_send_reset(machine.parser);
	configure(&machine);
	g_assert_cmpuint(world_events(&machine.world, "reset", NULL, NULL), ==, 1);
}

static void
test_a_read_waits_and_is_taken_back(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_NORMAL);
	run_until(&machine, &machine.plugs, 1);
	configure(&machine);
	struct usb_redir_bulk_packet_header bulk = { .endpoint = 0x85, .length = 16384 };
	unsigned before = machine.answers;
	usbredirparser_send_bulk_packet(machine.parser, 77, &bulk, NULL, 0);
	usbredirparser_send_bulk_packet(machine.parser, 78, &bulk, NULL, 0);
	control(&machine, (LabSetup){ 0x80, GET_DESCRIPTOR, 1 << 8, 0, 18 }, NULL);
	g_assert_cmpuint(machine.answers, ==, before + 1);
	usbredirparser_send_cancel_data_packet(machine.parser, 77);
	run_until(&machine, &machine.answers, before + 2);
	g_assert_cmpuint(machine.status, ==, usb_redir_cancelled);
	/* the other one gets the answer to a version */
	static const uint8_t version[20] = { 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2 };
	struct usb_redir_bulk_packet_header out = { .endpoint = 4, .length = sizeof version };
	usbredirparser_send_bulk_packet(machine.parser, 79, &out, (uint8_t *)version,
					sizeof version);
	run_until(&machine, &machine.answers, before + 4);
}

static void
test_a_machine_may_come_late_and_again(void)
{
	g_auto(Machine) machine = { 0 };
	machine_init(&machine);
	lab_phone_start(machine.world.phone, LAB_MODE_RECOVERY);
	run_until(&machine, &machine.plugs, 1);
	g_autofree char *socket = g_build_filename(machine.world.dir, "port", NULL);
	usbredirparser_destroy(machine.parser);
	(void)close(machine.fd);
	machine_connect(&machine, socket);
	run_until(&machine, &machine.plugs, 2);
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/redir/a-phone-is-announced-at-the-ports-speed",
			test_a_phone_is_announced_at_the_ports_speed);
	g_test_add_func("/redir/iboot-takes-commands-and-files",
			test_iboot_takes_commands_and_files);
	g_test_add_func("/redir/plug-and-unplug-are-told-in-turn",
			test_plug_and_unplug_are_told_in_turn);
	g_test_add_func("/redir/a-reset-counts-only-in-use", test_a_reset_counts_only_in_use);
	g_test_add_func("/redir/a-read-waits-and-is-taken-back",
			test_a_read_waits_and_is_taken_back);
	g_test_add_func("/redir/a-machine-may-come-late-and-again",
			test_a_machine_may_come_late_and_again);
	return g_test_run();
}
