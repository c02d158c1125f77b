/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/failure/line.h"
#include "core/failure/pattern.h"
#include "core/failure/proof.h"
#include "core/failure/transcript.h"
#include "tests/unit/recording.h"

static RescueTranscript *
replay(const char *name)
{
	RescueTranscript *transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	feed_recording(transcript, name);
	return transcript;
}

static void
test_patterns(void)
{
	int64_t n = 0;
	g_assert_true(
	    rescue_pattern_match("STATUS=#", "TSS server returned: STATUS=94&MESSAGE=x", &n));
	g_assert_cmpint(n, ==, 94);
	g_assert_true(
	    rescue_pattern_match("(#). Aborting", "Could not read data (-256). Aborting.", &n));
	g_assert_cmpint(n, ==, -256);
	g_assert_true(
	    rescue_pattern_match("^Found device in * mode", "Found device in Recovery mode", &n));
	g_assert_false(rescue_pattern_match("^device", "Found device", &n));
	g_assert_true(rescue_pattern_match("device", "Found device", &n));
	g_assert_false(rescue_pattern_match("#", "no number", &n));
	g_assert_true(rescue_pattern_match("a*b*c", "xaxxbxxbxc", &n));
	g_assert_false(rescue_pattern_match("a*b*c", "xaxxbxxbx", &n));
	g_assert_true(rescue_pattern_match("aab", "aaab", &n));
	g_assert_true(rescue_pattern_match("#", "99999999999999999999999", &n));
	g_assert_cmpint(n, ==, G_GINT64_CONSTANT(999999999999999999)); /* cut, not overflown */
}

static void
test_labels_are_taken_off(void)
{
	RescueLabel label;
	g_assert_cmpstr(rescue_line_message("ERROR: no", &label), ==, "no");
	g_assert_cmpint(label, ==, RESCUE_LABEL_WORD);
	g_assert_cmpstr(rescue_line_message("10:04:00.123   <Error> no", &label), ==, "no");
	g_assert_cmpint(label, ==, RESCUE_LABEL_STAMP);
	g_assert_cmpstr(rescue_line_message("10:04:00.123 <Verbose> ERROR: no", &label), ==, "no");
	g_assert_cmpstr(rescue_line_message("10:04:00.12", &label), ==, "10:04:00.12");
	g_assert_cmpint(label, ==, RESCUE_LABEL_NONE);
}

static void
test_progress_comes_in_three_forms(void)
{
	RescueLineProgress p;
	const char *rest;
	g_assert_true(rescue_line_progress("progress: 2 0.470000", &p, &rest));
	g_assert_cmpint(p.step, ==, 2);
	g_assert_cmpfloat_with_epsilon(p.fraction, 0.47, 1e-9);
	g_assert_true(
	    rescue_line_progress("[=====     ]  47.0%ERROR: Unable to send Ramdisk", &p, &rest));
	g_assert_cmpstr(rest, ==, "ERROR: Unable to send Ramdisk");
	g_assert_cmpfloat_with_epsilon(p.fraction, 0.47, 1e-9);
	g_assert_true(rescue_line_progress("Uploading:   0.5", &p, &rest));
	g_assert_cmpfloat_with_epsilon(p.fraction, 0.5, 1e-9);
	g_assert_true(rescue_line_progress("downloading: 47%", &p, &rest));
	g_assert_cmpfloat_with_epsilon(p.fraction, 0.47, 1e-9);
	static const char *const bad[] = {
		"progress: 2", "progress: x 0.5", "progress: 2 nan", "progress: 2 7",
		"[]",          "[====",           "[ x ] 5%",        "Uploading: lots",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(rescue_line_progress(bad[i], &p, &rest));
}

static void
test_a_successful_restore_walks_through_its_phases(void)
{
	static const char *const lines[] = {
		"Found device in Recovery mode", "Extracting BuildManifest from IPSW",
		"Trying to fetch new SHSH blob", "Sending iBEC (698369 bytes)...",
		"Recovery Mode Environment:",    "Waiting for device to enter restore mode...",
		"About to restore device... ",   "About to send filesystem...",
		"Verifying restore (14)",        "About to send FDR Trust data...",
		"About to send BasebandData...", "Flashing firmware (18)",
		"Updating Stockholm (55)",       "Status: Restore Finished",
	};
	static const RescuePhase phases[] = {
		RESCUE_PHASE_DETECT,
		RESCUE_PHASE_PREFLIGHT,
		RESCUE_PHASE_PERSONALIZE,
		RESCUE_PHASE_SEND_BOOTLOADER,
		RESCUE_PHASE_BOOT_RAMDISK,
		RESCUE_PHASE_WAIT_RESTORE_MODE,
		RESCUE_PHASE_HANDSHAKE,
		RESCUE_PHASE_FILESYSTEM,
		RESCUE_PHASE_VERIFY_FILESYSTEM,
		RESCUE_PHASE_FDR,
		RESCUE_PHASE_BASEBAND,
		RESCUE_PHASE_NOR,
		RESCUE_PHASE_FIRMWARE_UPDATES,
		RESCUE_PHASE_FINISH,
	};
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		rescue_transcript_feed(transcript, lines[i]);
		g_assert_cmpint(rescue_transcript_phase(transcript), ==, phases[i]);
	}
}

static void
assert_finished(const char *name, RescueDialect dialect)
{
	g_autoptr(RescueTranscript) transcript = replay(name);
	g_assert_cmpint(rescue_transcript_dialect(transcript), ==, dialect);
	g_assert_true(rescue_transcript_says_restored(transcript));
	g_assert_false(rescue_transcript_says_failed(transcript));
	g_assert_true(rescue_transcript_says_erased(transcript));
	g_assert_cmpint(rescue_transcript_phase(transcript), ==, RESCUE_PHASE_FINISH);
	g_assert_cmpuint(rescue_transcript_hits(transcript)->len, ==, 0);
}

static void
test_both_generations_finish_without_a_telling_line(void)
{
	assert_finished("success", RESCUE_DIALECT_1_0_0);
	assert_finished("success-1.0.1", RESCUE_DIALECT_1_0_1);
	assert_finished("lab-success-1.0.1", RESCUE_DIALECT_1_0_1);
}

static void
test_fractions_belong_to_the_active_step(void)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	rescue_transcript_feed(transcript, "progress: 1 0.900000");
	g_assert_cmpfloat(rescue_transcript_fraction(transcript), <, 0);
	rescue_transcript_feed(transcript, "Sending filesystem now...");
	g_assert_cmpfloat(rescue_transcript_fraction(transcript), <, 0);
	rescue_transcript_feed(transcript, "progress: 2 0.250000");
	g_assert_cmpfloat_with_epsilon(rescue_transcript_fraction(transcript), 0.25, 1e-9);
	rescue_transcript_feed(transcript, "Verifying restore (14)");
	g_assert_cmpfloat(rescue_transcript_fraction(transcript), <, 0);
}

static void
test_waiting_without_data_is_no_progress(void)
{
	g_autoptr(RescueTranscript) transcript = replay("silent-after-nor");
	uint64_t marks = rescue_transcript_marks(transcript);
	for (int i = 0; i < 20; i++) {
		rescue_transcript_feed(transcript, "No data to read (timeout)");
		rescue_transcript_feed(transcript,
				       "FDR 0x55e5c2cf4d90 timeout waiting for command");
		rescue_transcript_feed(transcript, "FDR 0x55e5c2cf4d90 waiting for message...");
		rescue_transcript_feed(transcript, "progress: 4 1.000000");
	}
	g_assert_cmpuint(rescue_transcript_marks(transcript), ==, marks);
	g_assert_cmpint(rescue_transcript_phase(transcript), ==, RESCUE_PHASE_NOR);
	rescue_transcript_feed(transcript, "Updating Rose (66)");
	g_assert_cmpuint(rescue_transcript_marks(transcript), >, marks);
}

static void
test_a_component_sent_and_a_new_fraction_are_progress(void)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	static const char *const lines[] = {
		"Sending RestoreRamDisk (101711872 bytes)...",
		"Sending RestoreSEP (1600000 bytes)...",
		"Sending filesystem now...",
		"progress: 2 0.010000",
		"progress: 2 0.020000",
		"Updating Baseband in progress...",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		uint64_t marks = rescue_transcript_marks(transcript);
		rescue_transcript_feed(transcript, lines[i]);
		g_assert_cmpuint(rescue_transcript_marks(transcript), ==, marks + 1);
		rescue_transcript_feed(transcript, lines[i]);
		g_assert_cmpuint(rescue_transcript_marks(transcript), ==, marks + 1);
	}
}

static void
test_a_reported_failure_is_noticed_although_the_engine_lingers(void)
{
	g_autoptr(RescueTranscript) transcript = replay("status-fail-lingering");
	g_assert_true(rescue_transcript_says_failed(transcript));
	g_assert_false(rescue_transcript_says_restored(transcript));
}

static void
test_a_reported_end_can_be_taken_back(void)
{
	g_autoptr(RescueTranscript) transcript = replay("success");
	rescue_transcript_feed(transcript,
			       "ERROR: Unable to receive message from FDR 0x1 (-2). 0/2 bytes");
	rescue_transcript_feed(transcript, "ERROR: Could not read data (-256). Aborting.");
	g_assert_true(rescue_transcript_says_restored(transcript));
	rescue_transcript_feed(transcript, "ERROR: Unable to successfully restore device");
	g_assert_false(rescue_transcript_says_restored(transcript));
	g_assert_true(rescue_transcript_says_failed(transcript));
}

static void
test_the_log_of_an_earlier_run_is_not_this_run(void)
{
	g_autoptr(RescueTranscript) transcript = replay("old-log-quoted");
	const GPtrArray *hits = rescue_transcript_hits(transcript);
	g_assert_cmpuint(hits->len, ==, 1);
	const RescueHit *hit = g_ptr_array_index(hits, 0);
	g_assert_cmpint(hit->failure, ==, RESCUE_FAILURE_RESTORED_LOST);
	g_assert_cmpint(hit->phase, ==, RESCUE_PHASE_FILESYSTEM);
}

static void
test_an_update_erases_nothing(void)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	rescue_transcript_feed(transcript,
			       "This restore will update your device without erasing user data.");
	rescue_transcript_feed(transcript, "About to send filesystem...");
	g_assert_false(rescue_transcript_says_erased(transcript));
	g_autoptr(RescueTranscript) erase = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	rescue_transcript_feed(erase, "This restore will erase your device data.");
	rescue_transcript_feed(erase, "Sending RootTicket now...");
	g_assert_false(rescue_transcript_says_erased(erase));
	rescue_transcript_feed(erase, "Creating partition map (11)");
	g_assert_true(rescue_transcript_says_erased(erase));
}

static void
assert_proof(const RescueTranscript *transcript, guint i, const char *name, size_t number)
{
	const GPtrArray *proofs = rescue_transcript_proofs(transcript);
	g_assert_cmpuint(proofs->len, >, i);
	const RescueProof *proof = g_ptr_array_index(proofs, i);
	g_assert_cmpstr(proof->name, ==, name);
	g_assert_cmpuint(proof->number, ==, number);
}

static void
test_lines_that_prove_the_wipe_are_kept(void)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	rescue_transcript_feed(transcript, "This restore will erase your device data.");
	rescue_transcript_feed(transcript, "About to restore device... ");
	rescue_transcript_feed(transcript, "Creating partition map (11)");
	rescue_transcript_feed(transcript, "Creating filesystem (12)");
	rescue_transcript_feed(transcript, "Creating filesystem (12)");
	rescue_transcript_feed(transcript, "Wiping storage device (41)"); /* before protocol 14 */
	rescue_transcript_feed(transcript, "Status: Restore Finished");
	assert_proof(transcript, 0, "says-erase", 1);
	assert_proof(transcript, 1, "new-partitions", 3);
	assert_proof(transcript, 2, "new-filesystem", 4);
	assert_proof(transcript, 3, "storage-wiped", 6);
	assert_proof(transcript, 4, "finished", 7);
	g_assert_cmpuint(rescue_transcript_proofs(transcript)->len, ==, 5);
}

static void
test_both_generations_prove_the_wipe_in_the_same_words(void)
{
	static const char *const recordings[] = { "success", "lab-success-1.0.1" };
	for (size_t i = 0; i < G_N_ELEMENTS(recordings); i++) {
		g_autoptr(RescueTranscript) transcript = rescue_transcript_new(
		    i == 0 ? RESCUE_DIALECT_1_0_0 : RESCUE_DIALECT_1_0_1);
		bool wiped = false, finished = false;
		feed_recording(transcript, recordings[i]);
		const GPtrArray *proofs = rescue_transcript_proofs(transcript);
		for (guint k = 0; k < proofs->len; k++) {
			const RescueProof *proof = g_ptr_array_index(proofs, k);
			wiped |= proof->shows == RESCUE_SHOWS_WIPE;
			finished |= strcmp(proof->name, "finished") == 0;
		}
		g_assert_true(wiped);
		g_assert_true(finished);
	}
}

static void
test_a_flood_is_remembered_in_bounded_memory(void)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	g_autofree char *endless = g_strnfill(1000000, 'x');
	rescue_transcript_feed(transcript, "ERROR: TSS request failed (status=94, message=no)");
	for (int i = 0; i < 5000; i++) {
		g_autofree char *line =
		    g_strdup_printf("ERROR: Unable to extract component: part%d", i);
		rescue_transcript_feed(transcript, line);
	}
	rescue_transcript_feed(transcript, endless);
	rescue_transcript_feed(transcript, "Status: Disk Failure");
	const GPtrArray *hits = rescue_transcript_hits(transcript);
	g_assert_cmpuint(hits->len, <=, 256);
	const RescueHit *first = g_ptr_array_index(hits, 0);
	const RescueHit *last = g_ptr_array_index(hits, hits->len - 1);
	g_assert_cmpint(first->failure, ==, RESCUE_FAILURE_SIGNING_REFUSED);
	g_assert_cmpint(last->failure, ==, RESCUE_FAILURE_DISK_FAILED);
	g_assert_cmpuint(rescue_transcript_line_count(transcript), ==, 5003);
}

static void
test_odd_bytes_do_no_harm(void)
{
	static const char *const odd[] = {
		"", " ", "\xff\xfe", "[", "progress:", "ERROR: ", "10:04:00.123   <Error>", "%s%n"
	};
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
		rescue_transcript_feed(transcript, odd[i]);
	rescue_transcript_feed(transcript, "Unknown data request '\xff' received");
	const RescueHit *hit = g_ptr_array_index(rescue_transcript_hits(transcript), 0);
	g_assert_true(g_utf8_validate(hit->text, -1, NULL));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/transcript/patterns", test_patterns);
	g_test_add_func("/transcript/labels", test_labels_are_taken_off);
	g_test_add_func("/transcript/progress", test_progress_comes_in_three_forms);
	g_test_add_func("/transcript/phases", test_a_successful_restore_walks_through_its_phases);
	g_test_add_func("/transcript/success", test_both_generations_finish_without_a_telling_line);
	g_test_add_func("/transcript/fractions", test_fractions_belong_to_the_active_step);
	g_test_add_func("/transcript/no-progress", test_waiting_without_data_is_no_progress);
	g_test_add_func("/transcript/marks", test_a_component_sent_and_a_new_fraction_are_progress);
	g_test_add_func("/transcript/lingering",
			test_a_reported_failure_is_noticed_although_the_engine_lingers);
	g_test_add_func("/transcript/taken-back", test_a_reported_end_can_be_taken_back);
	g_test_add_func("/transcript/old-log", test_the_log_of_an_earlier_run_is_not_this_run);
	g_test_add_func("/transcript/erased", test_an_update_erases_nothing);
	g_test_add_func("/transcript/proofs", test_lines_that_prove_the_wipe_are_kept);
	g_test_add_func("/transcript/proofs-of-both",
			test_both_generations_prove_the_wipe_in_the_same_words);
	g_test_add_func("/transcript/flood", test_a_flood_is_remembered_in_bounded_memory);
	g_test_add_func("/transcript/odd", test_odd_bytes_do_no_harm);
	return g_test_run();
}
