/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/failure/evidence.h"
#include "tests/unit/recording.h"

/* one row of what was measured in the lab, and what it has to be called */
typedef struct {
	const char *recording;
	RescueEngineEnd end;
	int exit_status;
	RescueMode mode;
	bool left_bus;
	const char *failure;
	const char *phase;
} Row;

static const Row rows[] = {
	{ "usb-drop-in-bootloader", RESCUE_END_EXITED, 254, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "send-bootloader" },
	{ "usb-drop-in-bootloader", RESCUE_END_EXITED, 254, RESCUE_MODE_RECOVERY, false,
	  "usb-transfer-failed", "send-bootloader" },
	{ "usb-stall-in-ramdisk", RESCUE_END_EXITED, 254, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "boot-ramdisk" },
	{ "usb-stall-in-ramdisk", RESCUE_END_EXITED, 254, RESCUE_MODE_RECOVERY, false,
	  "usb-transfer-failed", "boot-ramdisk" },
	{ "bootloader-rejected", RESCUE_END_EXITED, 254, RESCUE_MODE_RECOVERY, false,
	  "bootloader-rejected", "send-bootloader" },
	{ "bootloader-silent", RESCUE_END_EXITED, 254, RESCUE_MODE_ABSENT, false,
	  "bootloader-silent", "send-bootloader" },
	{ "bootx-ignored", RESCUE_END_EXITED, 254, RESCUE_MODE_RECOVERY, false,
	  "restore-system-ignored", "boot-ramdisk" },
	{ "restore-mode-missed", RESCUE_END_EXITED, 255, RESCUE_MODE_ABSENT, false,
	  "restore-mode-not-reached", "wait-restore-mode" },
	{ "restore-mode-missed", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false,
	  "restore-mode-bounced", "wait-restore-mode" },
	{ "fell-back-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "restore-mode-bounced", "wait-restore-mode" },
	{ "signing-refused", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false, "signing-refused",
	  "personalize" },
	{ "signing-error-100", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false,
	  "signing-server-error", "personalize" },
	{ "signing-intercepted", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false,
	  "signing-intercepted", "personalize" },
	{ "signing-unreachable", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false,
	  "signing-unreachable", "personalize" },
	{ "signing-unexplained-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "signing-failed", "personalize" },
	{ "signing-hiccup", RESCUE_END_EXITED, 245, RESCUE_MODE_RESTORE, false,
	  "restore-connection-lost", "filesystem" },
	{ "status-fail", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false, "system-image-failed",
	  "filesystem" },
	{ "status-fail-lingering", RESCUE_END_SAID_FAILED, -1, RESCUE_MODE_RESTORE, false,
	  "system-image-failed", "filesystem" },
	{ "status-fail-then-gone", RESCUE_END_EXITED, 245, RESCUE_MODE_ABSENT, true,
	  "system-image-failed", "filesystem" },
	{ "verification-error", RESCUE_END_EXITED, 245, RESCUE_MODE_RESTORE, false,
	  "verification-failed", "verify-filesystem" },
	{ "updater-error", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false,
	  "firmware-updater-failed", "firmware-updates" },
	{ "connection-lost", RESCUE_END_EXITED, 245, RESCUE_MODE_RESTORE, false,
	  "restore-connection-lost", "filesystem" },
	{ "connection-lost", RESCUE_END_EXITED, 245, RESCUE_MODE_ABSENT, true, "usb-link-dropped",
	  "filesystem" },
	{ "connection-lost-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "filesystem" },
	{ "image-transfer-broken", RESCUE_END_EXITED, 245, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "filesystem" },
	{ "image-transfer-broken", RESCUE_END_EXITED, 245, RESCUE_MODE_RESTORE, false,
	  "image-transfer-failed", "filesystem" },
	{ "image-bad-command", RESCUE_END_EXITED, 254, RESCUE_MODE_RESTORE, false,
	  "image-service-failed", "filesystem" },
	{ "silent-after-nor", RESCUE_END_PATIENCE, -1, RESCUE_MODE_RESTORE, false,
	  "restore-service-silent", "nor" },
	{ "silent-after-nor", RESCUE_END_MODE, -1, RESCUE_MODE_ABSENT, true, "usb-link-dropped",
	  "nor" },
	{ "silent-after-nor", RESCUE_END_SIGNAL, -1, RESCUE_MODE_RESTORE, false, "engine-crashed",
	  "nor" },
	{ "silent-after-nor", RESCUE_END_EXITED, 0, RESCUE_MODE_RESTORE, false,
	  "engine-ended-unexplained", "nor" },
	{ "silent-after-nor", RESCUE_END_STOPPED, 0, RESCUE_MODE_RESTORE, false, "cancelled",
	  "nor" },
	{ "factory-data", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false, "factory-data-failed",
	  "fdr" },
	{ "baseband-defective", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false,
	  "baseband-failed", "baseband" },
	{ "disk-failure", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false, "disk-failed",
	  "filesystem" },
	{ "mount-failure", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false, "mount-failed",
	  "verify-filesystem" },
	{ "sep-failure", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false,
	  "secure-processor-failed", "handshake" },
	{ "unknown-updater", RESCUE_END_EXITED, 255, RESCUE_MODE_RESTORE, false, "engine-too-old",
	  "firmware-updates" },
	{ "service-crashed-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RESTORE, false,
	  "restore-service-crashed", "filesystem" },
	{ "wrong-model", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false,
	  "firmware-wrong-model", "preflight" },
	{ "no-device", RESCUE_END_EXITED, 255, RESCUE_MODE_ABSENT, false, "device-not-found",
	  "detect" },
	{ "unknown-model", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false, "model-unknown",
	  "detect" },
	/* recorded in the lab */
	{ "lab-usb-drop-in-bootloader-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "send-bootloader" },
	{ "lab-usb-stall-in-ramdisk-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "usb-transfer-failed", "boot-ramdisk" },
	{ "lab-bootloader-rejected-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "bootloader-rejected", "send-bootloader" },
	{ "lab-bootx-ignored-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "restore-system-ignored", "boot-ramdisk" },
	{ "lab-fell-back-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "restore-mode-bounced", "wait-restore-mode" },
	{ "lab-signing-refused-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "signing-refused", "personalize" },
	{ "lab-signing-error-100-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "signing-server-error", "personalize" },
	{ "lab-signing-intercepted-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RECOVERY, false,
	  "signing-intercepted", "personalize" },
	{ "lab-verification-error-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RESTORE, false,
	  "verification-failed", "verify-filesystem" },
	{ "lab-status-fail-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RESTORE, false,
	  "system-image-failed", "firmware-updates" },
	{ "lab-image-bad-command-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_RESTORE, false,
	  "image-service-failed", "filesystem" },
	{ "lab-image-transfer-broken-1.0.1", RESCUE_END_EXITED, 1, RESCUE_MODE_ABSENT, true,
	  "usb-link-dropped", "filesystem" },
	{ "lab-success-1.0.1", RESCUE_END_EXITED, 0, RESCUE_MODE_ABSENT, false,
	  "first-boot-not-seen", "confirm" },
	{ "success", RESCUE_END_EXITED, 0, RESCUE_MODE_RECOVERY, false, "bounced-to-recovery",
	  "confirm" },
	{ "success", RESCUE_END_EXITED, 0, RESCUE_MODE_ABSENT, false, "first-boot-not-seen",
	  "confirm" },
};

static RescueEvidence *
collect(const Row *row)
{
	RescueEvidence *evidence = rescue_evidence_new();
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	feed_recording(evidence->transcript, row->recording);
	evidence->end = row->end;
	evidence->exit_status = row->exit_status;
	evidence->mode = row->mode;
	evidence->left_bus = row->left_bus;
	return evidence;
}

static void
test_every_fault_of_the_lab_gets_its_name(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s, end %d", rows[i].recording, rows[i].end);
		g_autoptr(RescueEvidence) evidence = collect(&rows[i]);
		g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
		g_assert_cmpstr(rescue_failure_info(verdict->failure)->name, ==, rows[i].failure);
		g_assert_cmpstr(rescue_phase_name(verdict->phase), ==, rows[i].phase);
		g_assert_nonnull(verdict->sentence);
	}
}

static void
test_a_booted_device_is_no_failure(void)
{
	const Row row = { "success", RESCUE_END_EXITED, 0, RESCUE_MODE_NORMAL, false, NULL, NULL };
	g_autoptr(RescueEvidence) evidence = collect(&row);
	evidence->boot_seen = true;
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_NONE);
}

static void
test_an_error_of_our_own_step_is_the_verdict(void)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	evidence->phase = RESCUE_PHASE_PREFLIGHT;
	g_set_error(&evidence->error, RESCUE_ERROR, RESCUE_FAILURE_NO_SPACE,
		    "3 GB are missing in /tmp");
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_NO_SPACE);
	g_assert_cmpint(verdict->confidence, ==, RESCUE_CONFIDENCE_HIGH);
	g_assert_nonnull(strstr(verdict->sentence, "3 GB are missing"));
}

/* "not eligible" behind the first ticket: the build is signed, a part of the device is not */
static void
test_a_refused_part_is_no_refused_build(void)
{
	static const struct {
		RescueFailure relay;
		const char *step, *failure;
	} cases[] = {
		{ RESCUE_FAILURE_NONE, NULL, "signing-refused" },
		{ RESCUE_FAILURE_SIGNING_REFUSED, "Starting FDR listener thread",
		  "signing-refused" },
		{ RESCUE_FAILURE_SIGNING_BASEBAND, NULL, "signing-baseband-refused" },
		{ RESCUE_FAILURE_SIGNING_PART, "Starting FDR listener thread",
		  "signing-part-refused" },
		/* without a relay */
		{ RESCUE_FAILURE_NONE, "Starting FDR listener thread", "signing-part-refused" },
		{ RESCUE_FAILURE_NONE, "About to send BasebandData...",
		  "signing-baseband-refused" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
		g_autoptr(RescueVerdict) verdict = NULL;
		evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
		evidence->end = RESCUE_END_EXITED;
		evidence->signing = cases[i].relay;
		if (cases[i].step != NULL)
			rescue_transcript_feed(evidence->transcript, cases[i].step);
		rescue_transcript_feed(evidence->transcript,
				       "ERROR: TSS request failed (status=94, message=no)");
		verdict = rescue_classify(evidence);
		g_test_message("%zu", i);
		g_assert_cmpstr(rescue_failure_info(verdict->failure)->name, ==, cases[i].failure);
	}
}

static void
test_a_foreign_error_is_a_mistake_of_ours(void)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_set_error_literal(&evidence->error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no such file");
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_INTERNAL);
}

static void
test_a_device_seen_back_in_recovery_has_bounced(void)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_0);
	rescue_transcript_feed(evidence->transcript, "Waiting for device to enter restore mode...");
	evidence->phase = RESCUE_PHASE_WAIT_RESTORE_MODE;
	rescue_evidence_add_mode(evidence, RESCUE_MODE_ABSENT);
	rescue_evidence_add_mode(evidence, RESCUE_MODE_RECOVERY);
	evidence->end = RESCUE_END_MODE;
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_RESTORE_MODE_BOUNCED);
	g_assert_cmpint(verdict->phase, ==, RESCUE_PHASE_WAIT_RESTORE_MODE);
}

/* a hub that goes off for a moment, just when the engine looks for its device */
static void
test_a_device_that_left_while_it_was_looked_for_was_dropped(void)
{
	const Row row = {
		"no-device", RESCUE_END_EXITED, 255, RESCUE_MODE_ABSENT, false, NULL, NULL
	};
	g_autoptr(RescueEvidence) evidence = collect(&row);
	evidence->phase = RESCUE_PHASE_DETECT;
	rescue_evidence_add_mode(evidence, RESCUE_MODE_ABSENT);
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_USB_LINK_DROPPED);
	g_assert_cmpint(verdict->phase, ==, RESCUE_PHASE_DETECT);
}

static void
test_a_device_that_is_back_by_now_was_dropped_all_the_same(void)
{
	const Row row = { "usb-stall-in-ramdisk",
			  RESCUE_END_EXITED,
			  254,
			  RESCUE_MODE_UNKNOWN,
			  false,
			  NULL,
			  NULL };
	g_autoptr(RescueEvidence) evidence = collect(&row);
	evidence->phase =
	    RESCUE_PHASE_SEND_BOOTLOADER; /* here it leaves and comes back as it should */
	rescue_evidence_add_mode(evidence, RESCUE_MODE_ABSENT);
	rescue_evidence_add_mode(evidence, RESCUE_MODE_RECOVERY);
	evidence->phase = RESCUE_PHASE_BOOT_RAMDISK;
	g_autoptr(RescueVerdict) stalled = rescue_classify(evidence);
	g_assert_cmpint(stalled->failure, ==, RESCUE_FAILURE_USB_TRANSFER);
	rescue_evidence_add_mode(evidence, RESCUE_MODE_ABSENT);
	rescue_evidence_add_mode(evidence, RESCUE_MODE_RECOVERY);
	g_autoptr(RescueVerdict) dropped = rescue_classify(evidence);
	g_assert_cmpint(dropped->failure, ==, RESCUE_FAILURE_USB_LINK_DROPPED);
}

static void
test_silence_has_a_name_in_every_step(void)
{
	for (int i = 0; i < RESCUE_PHASE_LAST; i++) {
		g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
		evidence->phase = (RescuePhase)i;
		evidence->end = RESCUE_END_PATIENCE;
		evidence->mode = RESCUE_MODE_RESTORE;
		g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
		g_assert_cmpint(verdict->failure, !=, RESCUE_FAILURE_NONE);
		g_assert_cmpint(verdict->phase, ==, i);
	}
}

/* Each of these lines is the last of an engine that was ended before its own deadline was over. */
static void
test_silence_after_the_word_to_go_is_not_the_cables(void)
{
	static const struct {
		const char *line;
		RescuePhase phase;
		RescueFailure failure;
	} cases[] = {
		{ "10:04:00.123   <Debug> Waiting for device to disconnect...",
		  RESCUE_PHASE_SEND_BOOTLOADER, RESCUE_FAILURE_BOOTLOADER_REJECTED },
		{ "10:04:00.123   <Debug> Waiting for device to reconnect in recovery mode...",
		  RESCUE_PHASE_SEND_BOOTLOADER, RESCUE_FAILURE_BOOTLOADER_SILENT },
		{ "10:04:00.123   <Debug> Waiting for device to disconnect...",
		  RESCUE_PHASE_BOOT_RAMDISK, RESCUE_FAILURE_RAMDISK_NOT_BOOTED },
		{ "10:04:00.123    <Info> Sending RestoreRamDisk (1000 bytes)...",
		  RESCUE_PHASE_BOOT_RAMDISK, RESCUE_FAILURE_USB_TRANSFER },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
		evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_1_0_1);
		rescue_transcript_feed(evidence->transcript, cases[i].line);
		evidence->phase = cases[i].phase;
		evidence->end = RESCUE_END_PATIENCE;
		evidence->mode = RESCUE_MODE_RECOVERY;
		g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
		g_assert_cmpint(verdict->failure, ==, cases[i].failure);
	}
}

static void
test_an_engine_that_cannot_be_loaded(void)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	evidence->end = RESCUE_END_EXITED;
	evidence->exit_status = 127;
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_ENGINE_UNUSABLE);
}

static void
test_the_verdict_in_the_words_of_the_contract(void)
{
	const Row row = {
		"signing-refused", RESCUE_END_EXITED, 255, RESCUE_MODE_RECOVERY, false, NULL, NULL
	};
	g_autoptr(RescueEvidence) evidence = collect(&row);
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	g_autoptr(RescueJson) json = rescue_verdict_to_json(verdict);
	g_autofree char *documented = rescue_json_dump(rescue_json_get(json, "documented"));
	g_autofree char *codes = rescue_json_dump(rescue_json_get(json, "codes"));
	g_assert_cmpstr(rescue_json_get_string(json, "tool"), ==, "idevicerestore");
	g_assert_cmpstr(rescue_json_get_string(json, "dialect"), ==, "1.0.0");
	g_assert_cmpstr(rescue_json_get_string(json, "phase"), ==, "personalize");
	g_assert_cmpstr(rescue_json_get_string(json, "category"), ==, "signing");
	g_assert_cmpstr(rescue_json_get_string(json, "failure"), ==, "signing-refused");
	g_assert_cmpstr(rescue_json_get_string(json, "confidence"), ==, "high");
	g_assert_cmpstr(rescue_json_get_string(json, "retry"), ==, "after-change");
	g_assert_cmpstr(documented, ==, "[\"network\",\"software-version\"]");
	g_assert_cmpstr(
	    codes, ==,
	    "[{\"domain\":\"tss\",\"value\":94},{\"domain\":\"itunes\",\"value\":3194}]");
	const RescueJson *proof = rescue_json_at(rescue_json_get(json, "evidence"), 0);
	int64_t line = 0;
	g_assert_true(rescue_json_get_int(proof, "line", &line));
	g_assert_cmpint(line, >, 1);
	g_assert_nonnull(strstr(rescue_json_get_string(proof, "text"), "STATUS=94"));
}

static void
free_fact(gpointer fact)
{
	rescue_host_fact_free(fact);
}

/* what everything else tells, what was found on this computer, and what it is called then */
static void
judge_with_host(RescueFailure told, RescueFailure found, bool breaks, const char *expected)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autoptr(RescueVerdict) verdict = NULL;
	g_autoptr(RescueJson) json = NULL;
	bool explains;

	evidence->host = g_ptr_array_new_with_free_func(free_fact);
	g_ptr_array_add(evidence->host, rescue_host_fact_new(found, breaks, "a line of a file"));
	g_set_error(&evidence->error, RESCUE_ERROR, (int)told, "it did not work");
	verdict = rescue_classify(evidence);
	json = rescue_verdict_to_json(verdict);
	explains = strstr(verdict->sentence, "a line of a file") != NULL;
	g_assert_cmpstr(rescue_failure_info(verdict->failure)->name, ==, expected);
	g_assert_cmpint(explains, ==, breaks && (verdict->failure != told || found == told));
	g_assert_cmpuint(verdict->proof->len, ==, explains ? 1 : 0);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "evidence")), ==,
			 verdict->proof->len);
}

static void
test_what_is_found_on_this_computer_names_the_cause(void)
{
	judge_with_host(RESCUE_FAILURE_SIGNING_UNREACHABLE, RESCUE_FAILURE_SIGNING_REDIRECTED, true,
			"signing-redirected");
	judge_with_host(RESCUE_FAILURE_SIGNING_INTERCEPTED, RESCUE_FAILURE_CLOCK_WRONG, true,
			"clock-wrong");
	judge_with_host(RESCUE_FAILURE_SIGNING_INTERCEPTED, RESCUE_FAILURE_SIGNING_INTERCEPTED,
			true, "signing-intercepted");
	judge_with_host(RESCUE_FAILURE_RESTORE_MODE_MISSED, RESCUE_FAILURE_USBMUXD_UNFIT, true,
			"usbmuxd-unfit");
	/* a coincidence: the clock does not break a cable, and a hint proves nothing */
	judge_with_host(RESCUE_FAILURE_USB_LINK_DROPPED, RESCUE_FAILURE_CLOCK_WRONG, true,
			"usb-link-dropped");
	judge_with_host(RESCUE_FAILURE_SIGNING_UNREACHABLE, RESCUE_FAILURE_CLOCK_WRONG, false,
			"signing-unreachable");
	judge_with_host(RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_FAILURE_SIGNING_REDIRECTED, true,
			"signing-refused");
}

/* a refusal by HTTP is told by the number that iTunes shows for it, not by the first of the catalogue */
static void
test_http_refusals_of_the_signing_server_have_their_own_number(void)
{
	static const int statuses[] = { 403, 503 };

	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
		g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
		evidence->phase = RESCUE_PHASE_PERSONALIZE;
		evidence->signing = RESCUE_FAILURE_SIGNING_SERVER;
		evidence->signing_status = -statuses[i];
		g_set_error(&evidence->error, RESCUE_ERROR, (int)RESCUE_FAILURE_SIGNING_SERVER,
			    "the signing server is out of order (HTTP %d)", statuses[i]);
		g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
		g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_SIGNING_SERVER);
		g_assert_cmpuint(verdict->codes->len, ==, 1);
		g_assert_cmpint(g_array_index(verdict->codes, RescueCode, 0).value, ==,
				3100 + statuses[i]);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/classify/signing/http",
			test_http_refusals_of_the_signing_server_have_their_own_number);
	g_test_add_func("/classify/lab", test_every_fault_of_the_lab_gets_its_name);
	g_test_add_func("/classify/booted", test_a_booted_device_is_no_failure);
	g_test_add_func("/classify/own-error", test_an_error_of_our_own_step_is_the_verdict);
	g_test_add_func("/classify/part-refused", test_a_refused_part_is_no_refused_build);
	g_test_add_func("/classify/foreign-error", test_a_foreign_error_is_a_mistake_of_ours);
	g_test_add_func("/classify/bounced", test_a_device_seen_back_in_recovery_has_bounced);
	g_test_add_func("/classify/left-while-looked-for",
			test_a_device_that_left_while_it_was_looked_for_was_dropped);
	g_test_add_func("/classify/back-by-now",
			test_a_device_that_is_back_by_now_was_dropped_all_the_same);
	g_test_add_func("/classify/silence", test_silence_has_a_name_in_every_step);
	g_test_add_func("/classify/told-to-go",
			test_silence_after_the_word_to_go_is_not_the_cables);
	g_test_add_func("/classify/unloadable", test_an_engine_that_cannot_be_loaded);
	g_test_add_func("/classify/json", test_the_verdict_in_the_words_of_the_contract);
	g_test_add_func("/classify/host", test_what_is_found_on_this_computer_names_the_cause);
	return g_test_run();
}
