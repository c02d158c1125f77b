/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <locale.h>
#include <string.h>

#include "tests/lab/attach/test-host.h"

/*
 * The usbmuxd stand-in and lockdownd, against real tools of libimobiledevice and against a host of
 * our own; judged by the record.
 */

enum { LOCKDOWN_PORT = 62078, NO_ENTRY = 2, BAD_VERSION = 6, SHORT_MS = 200 };

#define assert_has(text, part) g_assert_nonnull(strstr((text), (part)))

static void
test_ideviceinfo_reads_the_phone(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	const char *const argv[] = { "ideviceinfo", "-s", "-u", TEST_UDID, NULL };
	g_autofree char *out = world_tool(&world, argv);
	if (out == NULL)
		return;
	assert_has(out, "ProductType: iPhone10,3\n");
	assert_has(out, "HardwareModel: D22AP\n");
	assert_has(out, "UniqueChipID: 28772997619311\n");
	assert_has(out, "UniqueDeviceID: " TEST_UDID "\n");
	assert_has(out, "SerialNumber: F2LX00000001\n");
	assert_has(out, "BuildVersion: 19E241\n");
	assert_has(out, "ActivationState: Activated\n");
	g_assert_cmpuint(world_events(&world, "session", "service", "lockdown"), ==, 1);
	g_assert_cmpuint(world_events(&world, "session", "comm", "ideviceinfo"), ==, 1);
}

/* Without -s it pairs; the second run finds the pair record that the first one has saved. */
static void
test_a_pairing_is_made_and_kept(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	const char *const argv[] = { "ideviceinfo", "-u", TEST_UDID, "-k", "ProductVersion", NULL };
	for (int i = 0; i < 2; i++) {
		g_autofree char *out = world_tool(&world, argv);
		if (out == NULL)
			return;
		g_assert_cmpstr(out, ==, "15.4\n");
	}
	g_autoptr(Host) host = host_open(&world);
	g_auto(plist_t)
	    saved = host_ask_mux(host, lab_plist_dict("s:MessageType", "ReadPairRecord",
						      "s:PairRecordID", TEST_UDID, NULL));
	size_t size = 0;
	const uint8_t *data = lab_plist_data(saved, "PairRecordData", &size);
	g_assert_nonnull(data);
	g_auto(plist_t) record = lab_plist_parse(data, size);
	g_assert_nonnull(lab_plist_string(record, "HostID"));
	g_auto(plist_t)
	    gone = host_ask_mux(host, lab_plist_dict("s:MessageType", "DeletePairRecord",
						     "s:PairRecordID", TEST_UDID, NULL));
	g_assert_cmpuint(lab_plist_uint(gone, "Number", 99), ==, 0);
	g_auto(plist_t)
	    missing = host_ask_mux(host, lab_plist_dict("s:MessageType", "ReadPairRecord",
							"s:PairRecordID", TEST_UDID, NULL));
	g_assert_cmpuint(lab_plist_uint(missing, "Number", 99), ==, NO_ENTRY);
}

static void
test_ideviceenterrecovery_sends_it_to_recovery(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	/* from 14.5 on it takes a session, which this tool does not open */
	lab_phone_set_installed(world.phone, "13.7", "17H35");
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	const char *const argv[] = { "ideviceenterrecovery", TEST_UDID, NULL };
	g_autofree char *out = world_tool(&world, argv);
	if (out == NULL)
		return;
	world_wait_mode(&world, LAB_MODE_RECOVERY);
	g_assert_cmpuint(world_events(&world, "mode", "mode", "recovery"), ==, 1);
	g_assert_cmpint(lab_phone_boot_mode(world.phone), ==, LAB_MODE_RECOVERY);
	/* the mux does not show a phone in recovery */
	g_autoptr(Host) host = host_open(&world);
	g_auto(plist_t)
	    list = host_ask_mux(host, lab_plist_dict("s:MessageType", "ListDevices", NULL));
	g_assert_cmpuint(plist_array_get_size(lab_plist_item(list, "DeviceList")), ==, 0);
}

static Host *
listener(World *world)
{
	Host *host = host_open(world);
	g_auto(plist_t)
	    answer = host_ask_mux(host, lab_plist_dict("s:MessageType", "Listen", NULL));
	g_assert_cmpuint(lab_plist_uint(answer, "Number", 99), ==, 0);
	return host;
}

static uint64_t
assert_told(Host *host, const char *type)
{
	g_auto(plist_t) message = host_read_mux(host);
	g_assert_cmpstr(lab_plist_string(message, "MessageType"), ==, type);
	plist_t properties = lab_plist_item(message, "Properties");
	if (properties != NULL) {
		g_assert_cmpstr(lab_plist_string(properties, "SerialNumber"), ==, TEST_UDID);
		g_assert_cmpuint(lab_plist_uint(properties, "ProductID", 0), ==, 0x12a8);
		g_assert_cmpuint(lab_plist_uint(properties, "LocationID", 0) >> 16, ==, 1);
	}
	return lab_plist_uint(message, "DeviceID", 0);
}

static void
test_every_listener_hears_of_plug_and_unplug(void)
{
	enum { LISTENERS = 40 };
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_close);
	for (int i = 0; i < LISTENERS; i++)
		g_ptr_array_add(hosts, listener(&world));
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	lab_phone_unplug(world.phone, 1);
	world_wait_mode(&world, LAB_MODE_NORMAL);
	for (guint i = 0; i < hosts->len; i++) {
		uint64_t first = assert_told(hosts->pdata[i], "Attached");
		g_assert_cmpuint(assert_told(hosts->pdata[i], "Detached"), ==, first);
		g_assert_cmpuint(assert_told(hosts->pdata[i], "Attached"), !=, first);
	}
	/* one that comes late is told of what is there */
	g_autoptr(Host) late = listener(&world);
	(void)assert_told(late, "Attached");
	g_assert_cmpuint(world_events(&world, "session", "service", "usbmuxd"), ==, LISTENERS + 1);
}

/* Each phone is a device of its own; a connection leads to the one that was asked for. */
static void
test_two_phones_share_a_mux(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	LabIdentity other = *lab_phone_identity(world.phone);
	other.name = (char[]){ "b" };
	other.serial = (char[]){ "F2LX00000002" };
	other.udid = (char[]){ "00008030-001A2B3C4D5E6F00" };
	g_autoptr(LabPhone) second = lab_phone_new(&other, world.faults, world.record);
	lab_phone_attach(second, lab_mux_attachment(), world.mux);
	lab_phone_set_installed(second, "16.0", "20A362");
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	lab_phone_start(second, LAB_MODE_NORMAL);
	const char *const first_argv[] = { "ideviceinfo", "-s",           "-u", TEST_UDID,
					   "-k",          "SerialNumber", NULL };
	const char *const second_argv[] = { "ideviceinfo", "-s",           "-u", other.udid,
					    "-k",          "SerialNumber", NULL };
	g_autofree char *first_out = world_tool(&world, first_argv);
	g_autofree char *second_out = world_tool(&world, second_argv);
	if (first_out == NULL || second_out == NULL)
		return;
	g_assert_cmpstr(first_out, ==, "F2LX00000001\n");
	g_assert_cmpstr(second_out, ==, "F2LX00000002\n");
	g_assert_cmpuint(world_events(&world, "session", "phone", "b"), ==, 1);
}

static void
test_connections_end_when_the_phone_leaves(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	g_autoptr(Host) host = host_channel(&world, LOCKDOWN_PORT);
	g_assert_nonnull(host);
	lab_phone_go(world.phone, LAB_MODE_OFF, 0);
	g_assert_null(host_receive(host, HOST_DEADLINE_MS));
	g_assert_true(host->ended);
}

static void
test_a_port_nobody_listens_on_is_refused(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	lab_phone_start(world.phone, LAB_MODE_NORMAL);
	g_assert_null(host_channel(&world, 22));
	lab_phone_go(world.phone, LAB_MODE_OFF, 0);
	g_assert_null(host_channel(&world, LOCKDOWN_PORT));
}

/* libusbmuxd tries another version of the protocol when it gets this answer. */
static void
test_the_binary_protocol_is_refused(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	g_autoptr(Host) host = host_open(&world);
	const uint32_t listen[] = { GUINT32_TO_LE(16), 0, GUINT32_TO_LE(3), GUINT32_TO_LE(1) };
	g_assert_true(host_write(host, listen, sizeof listen));
	uint32_t answer[5];
	g_assert_true(host_read(host, answer, sizeof answer));
	g_assert_cmpuint(GUINT32_FROM_LE(answer[2]), ==, 1);
	g_assert_cmpuint(GUINT32_FROM_LE(answer[4]), ==, BAD_VERSION);
	/* a length that cannot be is the end */
	const uint32_t junk[] = { 0xffffffff, 1, 8, 1 };
	g_assert_true(host_write(host, junk, sizeof junk));
	g_assert_false(host_read(host, answer, 1));
}

static plist_t
ask_lockdown(Host *host, const char *request)
{
	g_assert_true(host_send(host, lab_plist_dict("s:Request", request, NULL)));
	return host_receive(host, SHORT_MS);
}

static void
test_lockdown_faults(void)
{
	g_auto(World) world = { 0 };
	world_init(&world, 0);
	world_fault(&world, (LabFault){ .at = LAB_AT_LOCKDOWN, .action = LAB_DO_FAIL });
	world_fault(&world, (LabFault){ .at = LAB_AT_LOCKDOWN, .action = LAB_DO_HANG });
	world_fault(&world, (LabFault){ .at = LAB_AT_LOCKDOWN, .action = LAB_DO_REFUSE });
	lab_phone_start(world.phone, LAB_MODE_NORMAL);

	g_autoptr(Host) host = host_channel(&world, LOCKDOWN_PORT);
	g_auto(plist_t) failed = ask_lockdown(host, "QueryType");
	g_assert_cmpstr(lab_plist_string(failed, "Error"), ==, "PasswordProtected");
	g_assert_null(ask_lockdown(host, "QueryType"));
	g_assert_false(host->ended);
	g_assert_null(ask_lockdown(host, "QueryType")); /* hangs for good */
	g_autoptr(Host) refused = host_channel(&world, LOCKDOWN_PORT);
	g_assert_null(ask_lockdown(refused, "QueryType"));
	g_assert_true(refused->ended);
	g_autoptr(Host) well = host_channel(&world, LOCKDOWN_PORT);
	g_auto(plist_t) type = ask_lockdown(well, "QueryType");
	g_assert_cmpstr(lab_plist_string(type, "Type"), ==, "com.apple.mobile.lockdown");
	g_assert_cmpuint(world_events(&world, "fault", "at", "lockdown"), ==, 3);
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mux/ideviceinfo-reads-the-phone", test_ideviceinfo_reads_the_phone);
	g_test_add_func("/mux/pairing-is-made-and-kept", test_a_pairing_is_made_and_kept);
	g_test_add_func("/mux/enter-recovery", test_ideviceenterrecovery_sends_it_to_recovery);
	g_test_add_func("/mux/every-listener-hears", test_every_listener_hears_of_plug_and_unplug);
	g_test_add_func("/mux/two-phones", test_two_phones_share_a_mux);
	g_test_add_func("/mux/connections-end", test_connections_end_when_the_phone_leaves);
	g_test_add_func("/mux/refused-port", test_a_port_nobody_listens_on_is_refused);
	g_test_add_func("/mux/binary-protocol-is-refused", test_the_binary_protocol_is_refused);
	g_test_add_func("/mux/lockdown-faults", test_lockdown_faults);
	return g_test_run();
}
