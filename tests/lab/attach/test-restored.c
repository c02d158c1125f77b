/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <locale.h>
#include <string.h>

#include "tests/lab/attach/test-host.h"

/*
 * restored, ASR and FDR against a host of our own, which can do what no engine does: send a wrong
 * checksum, leave something out, go away. The engine itself restores this phone in the tests of the
 * world.
 */

enum {
	RESTORED_PORT = 62078,
	ASR_PORT = 12345,
	FDR_PORT = 1082,
	CHUNK = 131072,
	SHA1_SIZE = 20,
	OPERATIONS = 128,
	SHORT_MS = 200,
};

/* How the host behaves; all zero: well. */
typedef struct {
	uint64_t image_size; /* 0: a small one */
	const char *mark;    /* first line of the image; NULL: LABOS 16.0 20A362 */
	bool bad_checksum;   /* of the second chunk */
	bool stops_in_image;
	bool no_fdr;
	bool leaves_at_once;   /* goes when it has the final status, without a word */
	const char *empty_for; /* DataType that is answered with nothing in it */
	const char *behavior;  /* option AuthInstallRestoreBehavior */
} Manners;

/* What the phone said. */
typedef struct {
	bool ended; /* the connection did */
	int64_t status, amr;
	bool has_status;
	uint8_t seen[OPERATIONS]; /* highest progress of each operation, plus one */
} Course;

typedef struct {
	World *world;
	const Manners *manners;
	Host *restored, *fdr;
	uint16_t conn_port; /* FDR's other one */
	Course course;
} Restore;

/* ---- ASR ------------------------------------------------------------------------------------- */

static uint8_t *
make_image(const Manners *manners, size_t size)
{
	const char *mark = manners->mark != NULL ? manners->mark : "LABOS 16.0 20A362\n";
	uint8_t *image = g_malloc(size);
	for (size_t i = 0; i < size; i++)
		image[i] = (uint8_t)(i * 7 + i / 253);
	memcpy(image, mark, strlen(mark));
	return image;
}

static bool
send_bare(Host *host, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	bool sent = host_write(host, xml, size);
	plist_to_xml_free(xml);
	return sent;
}

static plist_t
read_bare(Host *host)
{
	g_autoptr(GByteArray) bytes = host_read_some(host);
	return bytes != NULL ? lab_plist_parse(bytes->data, bytes->len) : NULL;
}

static void
send_payload(Host *asr, const Manners *manners, const uint8_t *image, size_t size)
{
	for (size_t at = 0, chunk = 0; at < size; at += CHUNK, chunk++) {
		size_t length = MIN(CHUNK, size - at);
		g_autoptr(GChecksum) sha1 = g_checksum_new(G_CHECKSUM_SHA1);
		g_checksum_update(sha1, image + at, (gssize)length);
		uint8_t digest[SHA1_SIZE];
		gsize digest_size = sizeof digest;
		g_checksum_get_digest(sha1, digest, &digest_size);
		digest[0] ^= manners->bad_checksum && chunk == 1;
		if (manners->stops_in_image && chunk == 1)
			return;
		if (!host_write(asr, image + at, length) || !host_write(asr, digest, sizeof digest))
			return;
	}
}

static void
send_image(Restore *restore)
{
	size_t size = restore->manners->image_size != 0 ? restore->manners->image_size
							: 3 * CHUNK + 4321;
	g_autofree uint8_t *image = make_image(restore->manners, size);
	g_autoptr(Host) asr = host_channel(restore->world, ASR_PORT);
	g_assert_nonnull(asr);
	g_auto(plist_t) initiate = read_bare(asr);
	if (g_strcmp0(lab_plist_string(initiate, "Command"), "Initiate") != 0)
		return;
	g_assert_true(
	    send_bare(asr, lab_plist_dict("u:Checksum Chunk Size", (uint64_t)CHUNK, "p:Payload",
					  lab_plist_dict("u:Size", (uint64_t)size, NULL), NULL)));
	for (;;) {
		g_auto(plist_t) command = read_bare(asr);
		const char *word = lab_plist_string(command, "Command");
		uint64_t offset = lab_plist_uint(command, "OOB Offset", 0);
		uint64_t length = lab_plist_uint(command, "OOB Length", 0);
		if (g_strcmp0(word, "OOBData") != 0) {
			if (g_strcmp0(word, "Payload") == 0)
				send_payload(asr, restore->manners, image, size);
			return;
		}
		g_assert_cmpuint(offset + length, <=, size);
		g_assert_true(host_write(asr, image + offset, length));
	}
}

/* ---- FDR ------------------------------------------------------------------------------------- */

static bool
send_binary(Host *host, plist_t message)
{
	char *binary = NULL;
	uint32_t size = 0;
	plist_to_bin(message, &binary, &size);
	plist_free(message);
	uint32_t length = GUINT32_TO_LE(size);
	bool sent = host_write(host, &length, sizeof length) && host_write(host, binary, size);
	plist_to_bin_free(binary);
	return sent;
}

static plist_t
read_binary(Host *host)
{
	uint32_t length;
	if (!host_read(host, &length, sizeof length))
		return NULL;
	size_t size = GUINT32_FROM_LE(length);
	g_autofree char *body = g_malloc(size);
	return host_read(host, body, size) ? lab_plist_parse(body, size) : NULL;
}

static Host *
open_fdr(World *world, uint16_t *ret_conn_port)
{
	Host *fdr = host_channel(world, FDR_PORT);
	g_assert_nonnull(fdr);
	g_assert_true(host_write(fdr, "BeginCtrl", sizeof "BeginCtrl"));
	g_assert_true(send_binary(fdr, lab_plist_dict("s:Command", "BeginCtrl",
						      "u:CtrlProtoVersion", (uint64_t)2, NULL)));
	g_auto(plist_t) answer = read_binary(fdr);
	*ret_conn_port = (uint16_t)lab_plist_uint(answer, "ConnPort", 0);
	g_assert_cmpuint(*ret_conn_port, !=, 0);
	return fdr;
}

static void
answer_fdr_sync(Restore *restore)
{
	uint8_t sync[4];
	g_assert_true(host_read(restore->fdr, sync, sizeof sync));
	g_assert_cmpuint(sync[0], ==, 1);
	g_autoptr(Host) conn = host_channel(restore->world, restore->conn_port);
	g_assert_nonnull(conn);
	g_assert_true(host_write(conn, "HelloConn", sizeof "HelloConn"));
	g_auto(plist_t) hello = read_binary(conn);
	g_assert_cmpstr(lab_plist_string(hello, "Command"), ==, "HelloConn");
	uint8_t kind[2];
	g_assert_true(host_read(conn, kind, sizeof kind));
	g_assert_cmpuint(kind[0], ==, 0xaa);
	g_auto(plist_t) ping = read_binary(conn);
	g_assert_cmpstr(lab_plist_string(ping, "Command"), ==, "Ping");
	g_assert_true(send_binary(conn, lab_plist_dict("b:Pong", (int)true, NULL)));
	g_assert_false(host_read(conn, kind, 1)); /* the phone closes it */
}

/* ---- restored -------------------------------------------------------------------------------- */

static plist_t
data_answer(const char *key)
{
	plist_t answer = plist_new_dict();
	plist_dict_set_item(answer, key, plist_new_data("IMG4", strlen("IMG4")));
	return answer;
}

static plist_t
nor_answer(void)
{
	plist_t answer = data_answer("LlbImageData");
	plist_t images = plist_new_array();
	plist_array_append_item(images, plist_new_data("IMG4", strlen("IMG4")));
	plist_dict_set_item(answer, "NorImageData", images);
	return answer;
}

static plist_t
fud_answer(plist_t message)
{
	const char *name = lab_plist_string(lab_plist_item(message, "Arguments"), "ImageName");
	if (name != NULL) {
		plist_t answer = data_answer("FUDImageData");
		plist_dict_set_item(answer, "ImageName", plist_new_string(name));
		return answer;
	}
	plist_t list = plist_new_array();
	plist_array_append_item(list, plist_new_string("AOP"));
	plist_array_append_item(list, plist_new_string("Multitouch"));
	return lab_plist_dict("p:FUDImageList", list, NULL);
}

static plist_t
answer_for(const char *type, plist_t message)
{
	if (strcmp(type, "RootTicket") == 0)
		return data_answer("RootTicketData");
	if (strcmp(type, "KernelCache") == 0)
		return data_answer("KernelCacheFile");
	if (strcmp(type, "DeviceTree") == 0)
		return data_answer("DeviceTreeFile");
	if (strcmp(type, "NORData") == 0)
		return nor_answer();
	return strcmp(type, "FUDData") == 0 ? fud_answer(message) : plist_new_dict();
}

static void
answer_request(Restore *restore, plist_t message)
{
	const char *type = lab_plist_string(message, "DataType");
	if (strcmp(type, "SystemImageData") == 0) {
		send_image(restore);
		return;
	}
	bool empty = g_strcmp0(restore->manners->empty_for, type) == 0;
	(void)host_send(restore->restored, empty ? plist_new_dict() : answer_for(type, message));
	if (strcmp(type, "FDRTrustData") == 0 && restore->fdr != NULL)
		answer_fdr_sync(restore);
}

/* False when it is over. */
static bool
handle_message(Restore *restore, plist_t message)
{
	Course *course = &restore->course;
	const char *type = lab_plist_string(message, "MsgType");
	if (g_strcmp0(type, "DataRequestMsg") == 0)
		answer_request(restore, message);
	if (g_strcmp0(type, "ProgressMsg") == 0) {
		uint64_t operation = lab_plist_uint(message, "Operation", 0);
		g_assert_cmpuint(operation, <, OPERATIONS);
		course->seen[operation] = (uint8_t)(lab_plist_uint(message, "Progress", 0) + 1);
	}
	if (g_strcmp0(type, "StatusMsg") != 0)
		return true;
	course->has_status = true;
	course->status = (int64_t)lab_plist_uint(message, "Status", 99);
	course->amr = (int64_t)lab_plist_uint(message, "AMRError", 0);
	return false;
}

static void
start_restore(Restore *restore)
{
	plist_t options = plist_new_dict();
	if (restore->manners->behavior != NULL)
		plist_dict_set_item(options, "AuthInstallRestoreBehavior",
				    plist_new_string(restore->manners->behavior));
	g_assert_true(
	    host_send(restore->restored,
		      lab_plist_dict("s:Request", "StartRestore", "u:RestoreProtocolVersion",
				     (uint64_t)14, "p:RestoreOptions", options, NULL)));
}

/* A restore from the first message to the status, or to the silence of `quiet_ms`. */
static Course
restore_phone(World *world, const Manners *manners, unsigned quiet_ms)
{
	Restore restore = { .world = world, .manners = manners };
	g_autoptr(Host) restored = restore.restored = host_channel(world, RESTORED_PORT);
	g_autoptr(Host) fdr = restore.fdr = manners->no_fdr ? NULL
							    : open_fdr(world, &restore.conn_port);
	start_restore(&restore);
	bool going = true;
	while (going) {
		g_auto(plist_t) message = host_receive(restored, quiet_ms);
		going = message != NULL && handle_message(&restore, message);
	}
	restore.course.ended = restored->ended;
	if (restore.course.has_status && restore.course.status == 0 && !manners->leaves_at_once) {
		(void)host_send(restored,
				lab_plist_dict("s:MsgType", "ReceivedFinalStatusMsg", NULL));
		uint8_t byte;
		g_assert_false(host_read(fdr, &byte, 1)); /* the phone closes FDR */
	}
	return restore.course;
}

static void
world_in_restore(World *world, uint64_t link_bytes)
{
	world_init(world, link_bytes);
	lab_phone_set_autoboot(world->phone, false);
	/* a ramdisk of no known build asks for no more than the oldest do */
	lab_phone_set_installed(world->phone, "", "");
	lab_phone_start(world->phone, LAB_MODE_RESTORE);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void
test_a_restore_erases_installs_and_boots(void)
{
	static const unsigned operations[] = { 11, 12, 13, 14, 16, 18, 19, 27, 29, 36, 61 };
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
	g_assert_true(course.has_status);
	g_assert_cmpint(course.status, ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		g_assert_cmpuint(course.seen[operations[i]], !=, 0);
	g_assert_cmpuint(course.seen[18], ==, 101);
	world_wait_mode(&world, LAB_MODE_NORMAL);
	g_assert_cmpstr(lab_phone_build(world.phone), ==, "20A362");
	g_assert_cmpuint(world_events(&world, "erased", "phone", "a"), ==, 1);
	g_assert_cmpuint(world_events(&world, "installed", "build", "20A362"), ==, 1);
	g_assert_cmpuint(world_events(&world, "booted", "version", "16.0"), ==, 1);
}

static void
test_an_update_does_not_erase(void)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	Manners manners = { .behavior = "Update", .leaves_at_once = true };
	Course course = restore_phone(&world, &manners, HOST_DEADLINE_MS);
	g_assert_cmpint(course.status, ==, 0);
	g_assert_cmpuint(course.seen[12], ==, 0);
	world_wait_mode(&world, LAB_MODE_NORMAL);
	g_assert_cmpstr(lab_phone_build(world.phone), ==, "20A362");
	g_assert_cmpuint(world_events(&world, "erased", "phone", NULL), ==, 0);
}

/* An update that breaks off has not touched the data, but there is nothing whole to boot either. */
static void
test_a_broken_update_does_not_boot(void)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	world_fault(&world, (LabFault){ .at = LAB_AT_FILESYSTEM,
					.after_bytes = 100000,
					.action = LAB_DO_RECOVERY });
	Course course = restore_phone(&world, &(Manners){ .behavior = "Update" }, HOST_DEADLINE_MS);
	g_assert_true(course.ended);
	world_wait_mode(&world, LAB_MODE_RECOVERY);
	lab_phone_set_autoboot(world.phone, true);
	g_assert_cmpint(lab_phone_boot_mode(world.phone), ==, LAB_MODE_RECOVERY);
	g_assert_cmpuint(world_events(&world, "erased", "phone", NULL), ==, 0);
}

static void
assert_fails(const Manners *manners, int status, int amr)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	Course course = restore_phone(&world, manners, HOST_DEADLINE_MS);
	g_assert_true(course.has_status);
	g_assert_cmpint(course.status, ==, status);
	g_assert_cmpint(course.amr, ==, amr);
	g_assert_false(course.ended);
	g_assert_cmpint(lab_phone_mode(world.phone), ==, LAB_MODE_RESTORE);
	g_assert_cmpstr(lab_phone_build(world.phone), ==, "");
	g_assert_cmpuint(world_events(&world, "installed", "phone", NULL), ==, 0);
}

static void
test_what_the_host_sends_is_checked(void)
{
	static const char *const types[] = { "RootTicket", "KernelCache", "DeviceTree", "NORData" };
	assert_fails(&(Manners){ .bad_checksum = true }, -1, 11);
	assert_fails(&(Manners){ .mark = "PK\n" }, -1, 11);
	assert_fails(&(Manners){ .stops_in_image = true }, 14, 1);
	assert_fails(&(Manners){ .no_fdr = true }, 53, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		assert_fails(&(Manners){ .empty_for = types[i] }, 14, 1);
}

static const LabPoint points[] = {
	LAB_AT_ASR, LAB_AT_FILESYSTEM,       LAB_AT_VERIFY_FILESYSTEM, LAB_AT_FDR,
	LAB_AT_NOR, LAB_AT_FIRMWARE_UPDATES, LAB_AT_BASEBAND,          LAB_AT_FINISH,
};

static void
test_each_point_can_fail(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
		g_auto(World) world = { 0 };
		world_in_restore(&world, 0);
		world_fault(&world, (LabFault){ .at = points[i],
						.action = LAB_DO_FAIL,
						.status = 1015,
						.amr = 21 });
		Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
		g_assert_cmpint(course.status, ==, 1015);
		g_assert_cmpint(course.amr, ==, 21);
		g_assert_cmpuint(world_events(&world, "fault", "at", lab_point_name(points[i])), ==,
				 1);
		g_assert_cmpint(lab_phone_mode(world.phone), ==, LAB_MODE_RESTORE);
	}
}

static void
test_each_point_can_fail_and_cut(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
		g_auto(World) world = { 0 };
		world_in_restore(&world, 0);
		world_fault(&world, (LabFault){ .at = points[i],
						.action = LAB_DO_FAIL_AND_CUT,
						.status = 14 });
		Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
		g_assert_cmpint(course.status, ==, 14);
		world_wait_mode(&world, LAB_MODE_RECOVERY);
		g_assert_cmpuint(world_events(&world, "booted", "phone", NULL), ==, 0);
	}
}

static void
test_each_point_can_lose_the_phone(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
		g_auto(World) world = { 0 };
		world_in_restore(&world, 0);
		world_fault(&world, (LabFault){ .at = points[i], .action = LAB_DO_UNPLUG });
		Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
		g_assert_false(course.has_status);
		g_assert_true(course.ended);
		g_assert_cmpint(lab_phone_mode(world.phone), ==, LAB_MODE_OFF);
	}
}

static void
reboot(World *world)
{
	g_autoptr(Host) host = host_channel(world, RESTORED_PORT);
	g_assert_true(host_send(host, lab_plist_dict("s:Request", "QueryType", NULL)));
	g_auto(plist_t) type = host_receive(host, HOST_DEADLINE_MS);
	g_assert_cmpstr(lab_plist_string(type, "Type"), ==, "com.apple.mobile.restored");
	g_assert_true(host_send(host, lab_plist_dict("s:Request", "Reboot", NULL)));
	g_auto(plist_t) answer = host_receive(host, HOST_DEADLINE_MS);
	g_assert_cmpstr(lab_plist_string(answer, "Result"), ==, "Success");
	world_wait_mode(world, LAB_MODE_RECOVERY);
}

/* An image that the sockets take although nobody reads it: the host does not block. */
static const Manners fits = { .image_size = CHUNK };

static void
test_a_hanging_restore_can_be_rebooted(void)
{
	static const LabPoint hanging[] = { LAB_AT_FILESYSTEM, LAB_AT_NOR, LAB_AT_FINISH };
	for (size_t i = 0; i < G_N_ELEMENTS(hanging); i++) {
		g_auto(World) world = { 0 };
		world_in_restore(&world, 0);
		world_fault(&world, (LabFault){ .at = hanging[i], .action = LAB_DO_HANG });
		Course course = restore_phone(&world, &fits, SHORT_MS);
		g_assert_false(course.has_status);
		g_assert_false(course.ended);
		reboot(&world);
	}
}

/* Whoever comes next finds it in restore mode, and may start over. */
static void
test_a_host_that_goes_leaves_it_in_restore_mode(void)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	world_fault(&world, (LabFault){ .at = LAB_AT_FILESYSTEM, .action = LAB_DO_HANG });
	world_fault(&world, (LabFault){ .at = LAB_AT_NOR, .action = LAB_DO_HANG });
	for (int i = 0; i < 2; i++) {
		(void)restore_phone(&world, &fits, SHORT_MS);
		world_run(SHORT_MS);
		g_assert_cmpint(lab_phone_mode(world.phone), ==, LAB_MODE_RESTORE);
	}
	Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
	g_assert_cmpint(course.status, ==, 0);
	world_wait_mode(&world, LAB_MODE_NORMAL);
}

static void
test_handshake_faults(void)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	/* one byte: StartRestore, not the QueryType in front of it */
	world_fault(&world, (LabFault){ .at = LAB_AT_HANDSHAKE,
					.after_bytes = 1,
					.action = LAB_DO_FAIL,
					.status = 14 });
	Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
	g_assert_cmpint(course.status, ==, 14);
	g_assert_cmpuint(world_events(&world, "erased", "phone", NULL), ==, 0);
	world_fault(&world, (LabFault){ .at = LAB_AT_HANDSHAKE, .action = LAB_DO_HANG });
	g_autoptr(Host) host = host_channel(&world, RESTORED_PORT);
	g_assert_true(host_send(host, lab_plist_dict("s:Request", "QueryType", NULL)));
	g_assert_null(host_receive(host, SHORT_MS));
	g_assert_false(host->ended);
	reboot(&world);
}

static void
test_the_link_keeps_its_speed(void)
{
	enum { MIB = 1 << 20 };
	g_auto(World) world = { 0 };
	world_in_restore(&world, 4 * MIB);
	int64_t start = g_get_monotonic_time();
	Course course = restore_phone(&world, &(Manners){ .image_size = 2 * MIB },
				      HOST_DEADLINE_MS);
	int64_t took_ms = (g_get_monotonic_time() - start) / 1000;
	g_assert_cmpint(course.status, ==, 0);
	/* what still lies in the sockets at the end is not waited for */
	g_assert_cmpint(took_ms, >=, 350);
}

static void
test_a_new_system_may_not_boot(void)
{
	g_auto(World) world = { 0 };
	world_in_restore(&world, 0);
	world_fault(&world, (LabFault){ .at = LAB_AT_BOOT, .action = LAB_DO_RECOVERY });
	Course course = restore_phone(&world, &(Manners){ 0 }, HOST_DEADLINE_MS);
	g_assert_cmpint(course.status, ==, 0);
	world_wait_mode(&world, LAB_MODE_RECOVERY);
	g_assert_cmpuint(world_events(&world, "installed", "build", "20A362"), ==, 1);
	g_assert_cmpuint(world_events(&world, "booted", "phone", NULL), ==, 0);
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/restored/erase", test_a_restore_erases_installs_and_boots);
	g_test_add_func("/restored/update", test_an_update_does_not_erase);
	g_test_add_func("/restored/broken-update", test_a_broken_update_does_not_boot);
	g_test_add_func("/restored/what-comes-is-checked", test_what_the_host_sends_is_checked);
	g_test_add_func("/restored/each-point-can-fail", test_each_point_can_fail);
	g_test_add_func("/restored/each-point-can-fail-and-cut", test_each_point_can_fail_and_cut);
	g_test_add_func("/restored/each-point-can-lose-the-phone",
			test_each_point_can_lose_the_phone);
	g_test_add_func("/restored/hang-and-reboot", test_a_hanging_restore_can_be_rebooted);
	g_test_add_func("/restored/host-gone", test_a_host_that_goes_leaves_it_in_restore_mode);
	g_test_add_func("/restored/handshake", test_handshake_faults);
	g_test_add_func("/restored/link-speed", test_the_link_keeps_its_speed);
	g_test_add_func("/restored/first-boot", test_a_new_system_may_not_boot);
	return g_test_run();
}
