/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <glib/gstdio.h>

#include "transport/devices/learned.h"
#include "transport/devices/merge.h"

/*
 * Incidents at the USB port, told as the kernel and usbmuxd tell them, and the story that the merger makes of them:
 * "X:recovery X:absent X:restore?" where X, Y, Z are the phones, "-" one of unknown ECID, "?" a mode nobody asked for.
 */
#define X_ECID   UINT64_C(0x001A2B3C4D5E6F70) /* 40-digit UDID */
#define Y_ECID   UINT64_C(0x0000111122223333) /* 40-digit UDID */
#define Z_ECID   UINT64_C(0x000A1B2C3D4E5F60) /* its UDID contains it */
#define X_UDID   "1111111111222222222233333333334444444444"
#define Y_UDID   "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
#define Z_UDID   "00008030-000A1B2C3D4E5F60"
#define Z_SERIAL "00008030000A1B2C3D4E5F60"
#define X_IBOOT                                                                    \
	"CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:06 ECID:001A2B3C4D5E6F70 IBFL:3D " \
	"SRNM:[F2LXXXXXXXXX]"
#define Z_IBOOT                                                                    \
	"CPID:8030 CPRV:11 CPFM:03 SCEP:01 BDID:04 ECID:000A1B2C3D4E5F60 IBFL:3D " \
	"SRNM:[F2LZZZZZZZZZ]"

enum { RECOVERY = 0x1281, DFU = 0x1227, WTF = 0x1222, MUX = 0x12a8, SECOND = G_USEC_PER_SEC };

typedef struct {
	RescueMerge *merge;
	GString *story;
	RescueEcid busy[2];
	RescueEcid x_learned;
	unsigned address;
	int64_t now_us;
} Bench;

static char
letter(RescueEcid ecid)
{
	return (char)(ecid == X_ECID ? 'X' : ecid == Y_ECID ? 'Y' : ecid == Z_ECID ? 'Z' : '-');
}

static void
on_changed(const RescueDevice *device, bool inferred, void *data)
{
	Bench *bench = data;
	g_string_append_printf(bench->story, "%s%c:%s%s", bench->story->len > 0 ? " " : "",
			       letter(device->ecid), rescue_mode_name(device->mode),
			       inferred ? "?" : "");
}

static bool
is_busy(RescueEcid ecid, void *data)
{
	const Bench *bench = data;
	return ecid == bench->busy[0] || ecid == bench->busy[1];
}

static RescueEcid
get_learned(const char *udid, void *data)
{
	const Bench *bench = data;
	return strcmp(udid, X_UDID) == 0 ? bench->x_learned : 0;
}

static Bench *
bench_new(void)
{
	Bench *bench = g_new0(Bench, 1);
	bench->story = g_string_new(NULL);
	bench->address = 10;
	bench->now_us = SECOND;
	bench->merge = rescue_merge_new(&(RescueMergeSpec){
	    .changed = on_changed, .is_busy = is_busy, .learned = get_learned, .data = bench });
	return bench;
}

static void
bench_free(Bench *bench)
{
	rescue_merge_free(bench->merge);
	g_string_free(bench->story, TRUE);
	g_free(bench);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bench, bench_free)

static void
plug(Bench *bench, const char *port, uint16_t product_id, const char *serial)
{
	const RescueUsbSighting seen = { .port = port,
					 .bus = 1,
					 .address = ++bench->address,
					 .speed_mbit = 480,
					 .product_id = product_id,
					 .serial = serial };
	bench->now_us += SECOND;
	rescue_merge_usb_added(bench->merge, &seen, bench->now_us);
}

static void
unplug(Bench *bench, const char *port)
{
	bench->now_us += SECOND;
	rescue_merge_usb_removed(bench->merge, port, bench->now_us);
}

/** usbmuxd's device id is the bus address here. */
static void
attach_at(Bench *bench, const char *udid, unsigned address)
{
	const RescueMuxSighting seen = {
		.id = address, .udid = udid, .bus = 1, .address = address
	};
	bench->now_us += SECOND;
	rescue_merge_mux_attached(bench->merge, &seen, bench->now_us);
}

/** What was plugged in last is announced by usbmuxd. */
static void
attach(Bench *bench, const char *udid)
{
	attach_at(bench, udid, bench->address);
}

static void
detach(Bench *bench, unsigned id)
{
	bench->now_us += SECOND;
	rescue_merge_mux_detached(bench->merge, id, bench->now_us);
}

static void
set_busy(Bench *bench, RescueEcid ecid, bool busy)
{
	bench->busy[0] = busy ? ecid : 0;
	rescue_merge_busy_changed(bench->merge, ecid, bench->now_us);
}

static bool
is_asked(Bench *bench)
{
	RescueQuestion question;
	return rescue_merge_take_question(bench->merge, bench->now_us, &question);
}

/** The next question is about this UDID and gets this answer. */
static void
answer(Bench *bench, const char *udid, RescueEcid ecid, RescueMode mode)
{
	RescueQuestion question;
	g_autoptr(RescueDevice) facts = rescue_device_new();
	facts->ecid = ecid;
	facts->mode = mode;
	facts->version = g_strdup("15.4");
	facts->owner = (RescueOwner){ .asked = mode == RESCUE_MODE_NORMAL,
				      .find_my = mode == RESCUE_MODE_NORMAL
						     ? RESCUE_ANSWER_ON
						     : RESCUE_ANSWER_UNKNOWN };
	g_assert_true(rescue_merge_take_question(bench->merge, bench->now_us, &question));
	g_assert_cmpstr(question.udid, ==, udid);
	rescue_merge_answer(bench->merge, &question, facts, bench->now_us);
}

/** What was told since the last call. */
static void
assert_story(Bench *bench, const char *expected)
{
	g_assert_cmpstr(bench->story->str, ==, expected);
	g_string_truncate(bench->story, 0);
}

static void
test_restore_of_a_newer_phone_is_one_device(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "Z:unknown Z:normal");
	unplug(bench, "1-2");
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	set_busy(bench, Z_ECID, true);
	unplug(bench, "1-2");
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	g_assert_false(is_asked(bench));
	assert_story(bench, "Z:absent Z:recovery Z:absent Z:recovery Z:absent Z:restore?");
	unplug(bench, "1-2");
	detach(bench, bench->address);
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	assert_story(bench, "Z:absent Z:normal?");
	g_assert_true(rescue_merge_is_inferred(bench->merge, Z_ECID));
	set_busy(bench, Z_ECID, false);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "Z:normal");
	g_assert_false(rescue_merge_is_inferred(bench->merge, Z_ECID));
}

static RescueAnswer
find_my_of(const Bench *bench, RescueEcid ecid)
{
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, ecid);
	return device->owner.find_my;
}

static void
test_owner_is_known_until_the_phone_leaves_ios(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_NORMAL);
	unplug(bench, "1-2");
	g_assert_cmpint(find_my_of(bench, Z_ECID), ==, RESCUE_ANSWER_ON);
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	g_assert_cmpint(find_my_of(bench, Z_ECID), ==, RESCUE_ANSWER_UNKNOWN);
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	g_assert_cmpint(find_my_of(bench, Z_ECID), ==, RESCUE_ANSWER_UNKNOWN);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_NORMAL);
	g_assert_cmpint(find_my_of(bench, Z_ECID), ==, RESCUE_ANSWER_ON);
}

static void
test_older_phone_from_recovery_is_followed_by_its_port(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2.4", RECOVERY, X_IBOOT);
	set_busy(bench, X_ECID, true);
	unplug(bench, "1-2.4");
	plug(bench, "1-2.4", MUX, X_UDID);
	attach(bench, X_UDID);
	assert_story(bench, "X:recovery X:absent X:restore?");
	g_assert_false(is_asked(bench));
	set_busy(bench, X_ECID, false);
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "X:normal");
}

static void
test_swapped_phone_is_corrected_by_its_own_word(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	set_busy(bench, X_ECID, true);
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Y_UDID);
	attach(bench, Y_UDID);
	set_busy(bench, X_ECID, false);
	assert_story(bench, "X:recovery X:absent X:restore?");
	answer(bench, Y_UDID, Y_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "X:absent Y:normal");
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, Y_ECID);
	g_assert_cmpstr(device->udid, ==, Y_UDID);
	g_assert_cmpstr(device->place.port, ==, "1-2");
	unplug(bench, "1-2");
	assert_story(bench, "Y:absent");
}

static void
test_neighbour_on_another_port_is_not_taken_for_a_busy_phone(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	set_busy(bench, X_ECID, true);
	unplug(bench, "1-2");
	plug(bench, "1-3", MUX, Y_UDID);
	attach(bench, Y_UDID);
	assert_story(bench, "X:recovery X:absent -:unknown");
	answer(bench, Y_UDID, Y_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "Y:normal");
}

static void
test_chip_with_short_udids_never_continues_as_a_long_one(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	set_busy(bench, Z_ECID, true);
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Y_UDID);
	attach(bench, Y_UDID);
	assert_story(bench, "Z:recovery Z:absent -:unknown");
	/* the port of a busy phone is left alone all the same */
	g_assert_false(is_asked(bench));
}

static void
test_learned_udid_needs_no_question_about_identity(void)
{
	g_autoptr(Bench) bench = bench_new();
	bench->x_learned = X_ECID;
	plug(bench, "1-2", MUX, X_UDID);
	attach(bench, X_UDID);
	assert_story(bench, "X:unknown");
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "X:normal");
}

static void
test_first_answer_names_the_device(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, X_UDID);
	g_assert_false(is_asked(bench)); /* not before usbmuxd can connect to it */
	attach(bench, X_UDID);
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_RESTORE);
	assert_story(bench, "-:unknown X:restore");
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, X_ECID);
	g_assert_cmpstr(device->version, ==, "15.4");
	g_assert_cmpuint(device->place.speed_mbit, ==, 480);
}

static void
test_phone_seen_in_recovery_before_is_recognised_by_its_answer(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	unplug(bench, "1-2");
	plug(bench, "1-5", MUX, X_UDID);
	attach(bench, X_UDID);
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "X:recovery X:absent -:unknown X:normal");
	g_autoptr(GPtrArray) list = rescue_merge_list(bench->merge);
	g_assert_cmpuint(list->len, ==, 1);
}

/** Whose job is about X asks nobody else, unless X is away and it could be X. */
static void
test_neighbours_of_the_attended_phone_are_not_asked(void)
{
	g_autoptr(Bench) bench = bench_new();
	rescue_merge_attend(bench->merge, X_ECID);
	plug(bench, "1-3", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	g_assert_false(is_asked(bench)); /* its UDID says that it is Z */
	g_assert_false(rescue_merge_is_unsettled(bench->merge, 0));
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	plug(bench, "1-4", MUX, Y_UDID);
	attach(bench, Y_UDID);
	g_assert_false(is_asked(bench)); /* X is there: this is somebody else */
	unplug(bench, "1-2");
	answer(bench, Y_UDID, Y_ECID, RESCUE_MODE_NORMAL);
	plug(bench, "1-2", MUX, X_UDID);
	attach(bench, X_UDID);
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "Z:unknown X:recovery -:unknown X:absent Y:normal -:unknown X:normal");
	rescue_merge_attend(bench->merge, 0);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_NORMAL);
	assert_story(bench, "Z:normal");
}

static void
test_usbmuxd_may_overtake_the_kernel(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	set_busy(bench, Z_ECID, true);
	attach_at(bench, Z_UDID, 11); /* of the next appearance */
	assert_story(bench, "Z:recovery");
	g_assert_false(rescue_merge_has_mux(bench->merge, Z_ECID));
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Z_SERIAL);
	assert_story(bench, "Z:absent Z:restore? Z:restore?"); /* the second one tells the place */
	detach(bench, 11);
	attach_at(bench, Z_UDID, 13); /* already of the boot after the restore */
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Z_SERIAL);
	assert_story(bench, "Z:absent Z:normal? Z:normal?");
}

static void
test_late_word_of_usbmuxd_about_a_phone_that_left_is_ignored(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	unplug(bench, "1-2");
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	detach(bench, 11);
	assert_story(bench, "Z:unknown Z:absent Z:recovery");
}

static void
test_restart_of_usbmuxd_moves_nobody(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	answer(bench, Z_UDID, Z_ECID, RESCUE_MODE_RESTORE);
	assert_story(bench, "Z:unknown Z:restore");
	rescue_merge_mux_lost(bench->merge, bench->now_us);
	g_assert_false(rescue_merge_has_mux(bench->merge, Z_ECID));
	attach(bench, Z_UDID);
	assert_story(bench, "");
	g_assert_true(rescue_merge_has_mux(bench->merge, Z_ECID));
}

static void
test_usbmuxd_alone_is_enough(void)
{
	g_autoptr(Bench) bench = bench_new();
	attach_at(bench, X_UDID, 1);
	answer(bench, X_UDID, X_ECID, RESCUE_MODE_NORMAL);
	detach(bench, 1);
	assert_story(bench, "-:unknown X:normal X:absent");
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	set_busy(bench, X_ECID, true);
	unplug(bench, "1-2");
	attach_at(bench, X_UDID, 2);
	rescue_merge_mux_lost(bench->merge, bench->now_us);
	assert_story(bench, "X:recovery X:absent X:restore? X:absent");
}

static void
test_silence_is_asked_again_with_longer_pauses(void)
{
	g_autoptr(Bench) bench = bench_new();
	RescueQuestion question;
	int64_t pause_us = 0;
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	for (int i = 0; i < 8; i++) {
		int64_t due_us = rescue_merge_next_question_us(bench->merge);
		g_assert_cmpint(due_us - bench->now_us, >=, pause_us);
		g_assert_cmpint(due_us - bench->now_us, <=, 30 * SECOND);
		pause_us = MAX(due_us - bench->now_us, 0);
		bench->now_us = MAX(due_us, bench->now_us);
		g_assert_true(rescue_merge_take_question(bench->merge, bench->now_us, &question));
		g_assert_true(rescue_merge_is_unsettled(bench->merge, Z_ECID));
		g_assert_false(is_asked(bench)); /* once at a time */
		rescue_merge_answer(bench->merge, &question, NULL, bench->now_us);
		g_assert_false(rescue_merge_is_unsettled(bench->merge, Z_ECID));
	}
	g_assert_cmpint(pause_us, ==, 30 * SECOND);
}

static void
test_answer_of_an_earlier_appearance_does_not_count(void)
{
	g_autoptr(Bench) bench = bench_new();
	g_autoptr(RescueDevice) facts = rescue_device_new();
	RescueQuestion question;
	facts->ecid = Z_ECID;
	facts->mode = RESCUE_MODE_NORMAL;
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	g_assert_true(rescue_merge_take_question(bench->merge, bench->now_us, &question));
	unplug(bench, "1-2");
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	question.udid = Z_UDID;
	rescue_merge_answer(bench->merge, &question, facts, bench->now_us);
	assert_story(bench, "Z:unknown Z:absent Z:unknown");
	g_assert_true(is_asked(bench));
}

static void
test_busy_phone_is_not_asked_and_its_answer_does_not_count(void)
{
	g_autoptr(Bench) bench = bench_new();
	g_autoptr(RescueDevice) facts = rescue_device_new();
	RescueQuestion question;
	facts->ecid = Z_ECID;
	facts->mode = RESCUE_MODE_RESTORE;
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	g_assert_true(rescue_merge_take_question(bench->merge, bench->now_us, &question));
	set_busy(bench, Z_ECID, true);
	question.udid = Z_UDID;
	rescue_merge_answer(bench->merge, &question, facts, bench->now_us);
	assert_story(bench, "Z:unknown");
	g_assert_false(is_asked(bench));
	g_assert_cmpint(rescue_merge_next_question_us(bench->merge), ==, -1);
}

static void
test_re_enumeration_without_a_farewell_is_two_appearances(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	plug(bench, "1-2", DFU, Z_IBOOT);
	plug(bench, "1-7", DFU, Z_IBOOT); /* on another port, also without one */
	assert_story(bench, "Z:recovery Z:absent Z:dfu Z:absent Z:dfu");
	unplug(bench, "1-2"); /* nobody is there any more */
	assert_story(bench, "");
	unplug(bench, "1-7");
	assert_story(bench, "Z:absent");
}

static void
test_same_sighting_again_is_no_news(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	bench->address--;
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	attach_at(bench, X_UDID, 40);
	attach_at(bench, X_UDID, 40);
	assert_story(bench, "Z:recovery -:unknown");
}

static void
test_device_without_ecid_comes_and_goes(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", WTF, "89000000000001");
	plug(bench, "1-3", RECOVERY, NULL);
	assert_story(bench, "-:wtf -:recovery");
	unplug(bench, "1-2");
	unplug(bench, "1-3");
	assert_story(bench, "-:absent -:absent");
	g_autoptr(GPtrArray) list = rescue_merge_list(bench->merge);
	g_assert_cmpuint(list->len, ==, 0);
}

static void
test_usbmuxd_names_what_the_kernel_could_not(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", MUX, NULL);
	plug(bench, "1-3", MUX, "not a udid, but forty characters long...");
	attach_at(bench, Z_UDID, 11);
	attach_at(bench, "../../etc/passwd", 12);
	assert_story(bench, "-:unknown -:unknown Z:unknown");
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, Z_ECID);
	g_assert_cmpstr(device->place.port, ==, "1-2");
	g_assert_cmpstr(device->udid, ==, Z_UDID);
}

static void
test_model_is_filled_in_wherever_it_is_missing(void)
{
	g_autoptr(Bench) bench = bench_new();
	plug(bench, "1-2", RECOVERY, X_IBOOT);
	plug(bench, "1-3", RECOVERY, Z_IBOOT);
	assert_story(bench, "X:recovery Z:recovery");
	rescue_merge_identified(bench->merge, 0x8015, 0x06, "iPhone10,3", "d22ap");
	rescue_merge_identified(bench->merge, 0x8015, 0x06, "iPhone10,3", "d22ap");
	assert_story(bench, "X:recovery");
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, X_ECID);
	g_assert_cmpstr(device->product, ==, "iPhone10,3");
	g_assert_cmpstr(device->board, ==, "d22ap");
	g_assert_cmpstr(device->serial, ==, "F2LXXXXXXXXX");
}

static void
test_what_a_device_says_when_asked_updates_it(void)
{
	g_autoptr(Bench) bench = bench_new();
	g_autoptr(RescueDevice) facts = rescue_device_new();
	facts->ecid = Z_ECID;
	facts->mode = RESCUE_MODE_NORMAL;
	facts->build = g_strdup("19E241");
	rescue_merge_told(bench->merge, Z_ECID, facts); /* not attached: no news */
	plug(bench, "1-2", MUX, Z_SERIAL);
	attach(bench, Z_UDID);
	rescue_merge_told(bench->merge, Z_ECID, facts);
	assert_story(bench, "Z:unknown Z:normal");
	unplug(bench, "1-2");
	plug(bench, "1-2", RECOVERY, Z_IBOOT);
	rescue_merge_told(bench->merge, Z_ECID, facts); /* the kernel knows better which mode */
	assert_story(bench, "Z:absent Z:recovery Z:recovery");
	g_autoptr(RescueDevice) device = rescue_merge_find(bench->merge, Z_ECID);
	g_assert_cmpstr(device->build, ==, "19E241");
}

static void
test_product_ids_of_other_things_are_not_ours(void)
{
	g_assert_true(rescue_usb_is_ours(0x05ac, 0x1281));
	g_assert_true(rescue_usb_is_ours(0x05ac, 0xf014));
	g_assert_true(rescue_usb_is_ours(0x05ac, 0x12ab));
	g_assert_false(rescue_usb_is_ours(0x05ac, 0x024f)); /* a keyboard */
	g_assert_false(rescue_usb_is_ours(0x1d6b, 0x1281));
}

static void
remove_folder(const char *dir)
{
	g_autofree char *file = g_build_filename(dir, "udid-ecid", NULL);
	(void)g_remove(file); /* may never have been made */
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_learned_udids_survive_and_are_private(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-learned-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(dir, "udid-ecid", NULL);
	g_autoptr(GError) error = NULL;
	GStatBuf info;
	g_assert_true(g_file_set_contents(file, "rubbish\n" Y_UDID " 12x\n\n", -1, NULL));
	g_autoptr(RescueLearned) first = rescue_learned_new(dir);
	g_autoptr(RescueLearned) second = rescue_learned_new(dir);
	g_assert_true(rescue_learned_set(first, X_UDID, X_ECID, &error));
	g_assert_true(rescue_learned_set(second, Y_UDID, Y_ECID, &error));
	g_assert_no_error(error);
	g_autoptr(RescueLearned) third = rescue_learned_new(dir);
	g_assert_cmphex(rescue_learned_get(third, X_UDID), ==, X_ECID);
	g_assert_cmphex(rescue_learned_get(third, Y_UDID), ==, Y_ECID);
	g_assert_cmphex(rescue_learned_get(third, "rubbish"), ==, 0);
	g_assert_cmpint(g_stat(file, &info), ==, 0);
	g_assert_cmphex(info.st_mode & 0777, ==, 0600);
	remove_folder(dir);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/devices/" #name, test_##name)
	ADD(restore_of_a_newer_phone_is_one_device);
	ADD(owner_is_known_until_the_phone_leaves_ios);
	ADD(older_phone_from_recovery_is_followed_by_its_port);
	ADD(swapped_phone_is_corrected_by_its_own_word);
	ADD(neighbour_on_another_port_is_not_taken_for_a_busy_phone);
	ADD(chip_with_short_udids_never_continues_as_a_long_one);
	ADD(learned_udid_needs_no_question_about_identity);
	ADD(first_answer_names_the_device);
	ADD(phone_seen_in_recovery_before_is_recognised_by_its_answer);
	ADD(neighbours_of_the_attended_phone_are_not_asked);
	ADD(usbmuxd_may_overtake_the_kernel);
	ADD(late_word_of_usbmuxd_about_a_phone_that_left_is_ignored);
	ADD(restart_of_usbmuxd_moves_nobody);
	ADD(usbmuxd_alone_is_enough);
	ADD(silence_is_asked_again_with_longer_pauses);
	ADD(answer_of_an_earlier_appearance_does_not_count);
	ADD(busy_phone_is_not_asked_and_its_answer_does_not_count);
	ADD(re_enumeration_without_a_farewell_is_two_appearances);
	ADD(same_sighting_again_is_no_news);
	ADD(device_without_ecid_comes_and_goes);
	ADD(usbmuxd_names_what_the_kernel_could_not);
	ADD(model_is_filled_in_wherever_it_is_missing);
	ADD(what_a_device_says_when_asked_updates_it);
	ADD(product_ids_of_other_things_are_not_ours);
	ADD(learned_udids_survive_and_are_private);
#undef ADD
	return g_test_run();
}
