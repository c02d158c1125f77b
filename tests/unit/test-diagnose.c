/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

#include "core/failure/evidence.h"
#include "core/failure/line.h"
#include "core/failure/reader.h"

#define MEGABYTE ((size_t)1024 * 1024)

/* Logs of which nobody of ours saw anything but the bytes. */

static RescueVerdict *
judge(const void *bytes, size_t size, size_t at_once)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autoptr(RescueReader) reader = NULL;
	const char *p = bytes;
	evidence->end = RESCUE_END_UNSEEN;
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	reader = rescue_reader_new(evidence->transcript);
	for (size_t done = 0; done < size; done += at_once)
		rescue_reader_feed(reader, p + done, MIN(at_once, size - done));
	rescue_reader_finish(reader);
	return rescue_classify(evidence);
}

static RescueVerdict *
judge_text(const char *text)
{
	return judge(text, strlen(text), strlen(text) + 1);
}

static void
assert_judged(const RescueVerdict *verdict, const char *failure, RescuePhase phase)
{
	g_assert_cmpstr(rescue_failure_info(verdict->failure)->name, ==, failure);
	g_assert_cmpstr(rescue_phase_name(verdict->phase), ==, rescue_phase_name(phase));
}

static const char refused[] = "Trying to fetch new SHSH blob\n"
			      "ERROR: TSS request failed (status=94, message=no)\n";

static void
assert_refused(const void *bytes, size_t size)
{
	for (size_t at_once = 1; at_once <= size; at_once = at_once * 3 + 1) {
		g_autoptr(RescueVerdict) verdict = judge(bytes, size, at_once);
		assert_judged(verdict, "signing-refused", RESCUE_PHASE_PERSONALIZE);
		const RescueHit *hit = g_ptr_array_index(verdict->proof, 0);
		g_assert_cmpuint(hit->number, ==, 2);
	}
}

static void
test_any_encoding_is_read(void)
{
	g_autofree char *marked = g_strconcat("\xef\xbb\xbf", refused, NULL);
	assert_refused(refused, strlen(refused));
	assert_refused(marked, strlen(marked));
	static const char *const codings[] = { "UTF-16LE", "UTF-16BE", "UTF-16" };
	for (size_t i = 0; i < G_N_ELEMENTS(codings); i++) {
		size_t size;
		g_autofree char *wide = g_convert(refused, -1, codings[i], "UTF-8", NULL, &size,
						  NULL);
		g_assert_nonnull(wide);
		assert_refused(wide, size);
	}
}

static void
test_lines_end_and_are_wrapped_in_any_way(void)
{
	static const char *const texts[] = {
		"Trying to fetch new SHSH blob\r\nERROR: TSS request failed (status=94, "
		"message=no)\r\n",
		"> Trying to fetch new SHSH blob\n> ERROR: TSS request failed (status=94, "
		"message=no)",
		"\x1b[1mTrying to fetch new SHSH blob\x1b[0m\n\x1b[31mERROR:\x1b[0m TSS request "
		"failed "
		"(status=94, message=no)\n",
		"[4956] : Trying to fetch new SHSH blob\n[4956] : ERROR: TSS request failed "
		"(status=94, m)",
		"May  5 11:10:35 pod idevicerestore[1]: Trying to fetch new SHSH blob\nMay  5 "
		"11:10:36 pod "
		"idevicerestore[1]: ERROR: TSS request failed (status=94, message=no)",
		"2026-11-22 10:00:00.123 Trying to fetch new SHSH blob\n2026-11-22 10:00:00,124 "
		"error: tss "
		"request failed (status=94, message=no)",
		"10:04:00.123    <Info> Trying to fetch new SHSH blob\n10:04:00.124   <Error> TSS "
		"request "
		"failed (status=94, message=no)",
		"Trying to fetch new SHSH blob\n[====    ]  40.0%\r[========]  80.0%\rERROR: TSS "
		"request "
		"failed (status=94, message=no)\n",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_refused(texts[i], strlen(texts[i]));
}

static void
test_nul_bytes_are_no_end(void)
{
	static const char text[] = "Trying to fetch new\0 SHSH blob\n\0\0ERROR: TSS request failed "
				   "(status=94, message=no)\n";
	assert_refused(text, sizeof(text) - 1);
}

static void
test_a_message_is_found_far_into_an_endless_line(void)
{
	GString *text = g_string_new("Trying to fetch new SHSH blob\n");
	for (int i = 0; i < 100000; i++)
		g_string_append(text, "Sending a lot of nothing. ");
	g_string_append_c(text, '\r');
	g_string_append(text, "ERROR: TSS request failed (status=94, message=no)\n");
	g_autofree char *owned = g_string_free(text, FALSE);
	g_autoptr(RescueVerdict) verdict = judge_text(owned);
	assert_judged(verdict, "signing-refused", RESCUE_PHASE_PERSONALIZE);
}

static void
test_nothing_is_made_of_nothing(void)
{
	static const char *const texts[] = { "", "\n\n\n", "hello\n", "\xff\xfe", "\xfe\xff\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(RescueVerdict) verdict = judge_text(texts[i]);
		assert_judged(verdict, "unexplained", RESCUE_PHASE_UNKNOWN);
		g_assert_cmpint(verdict->confidence, ==, RESCUE_CONFIDENCE_LOW);
		g_assert_cmpuint(verdict->proof->len, ==, 0);
	}
}

static void
test_junk_does_no_harm(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(6);
	g_autofree char *junk = g_malloc(1000000);
	for (size_t i = 0; i < 1000000; i++)
		junk[i] = (char)g_rand_int_range(rand, 0, 256);
	g_autoptr(RescueVerdict) verdict = judge(junk, 1000000, 65536);
	g_assert_cmpint(verdict->failure, ==, RESCUE_FAILURE_UNEXPLAINED);
}

/* what this process has allocated; a sanitizer has an allocator of its own */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
allocated_bytes(void)
{
	return __sanitizer_get_current_allocated_bytes != NULL
		   ? __sanitizer_get_current_allocated_bytes()
		   : mallinfo2().uordblks;
}

/* each line another telling one, each thousandth without end, then junk */
static char *
make_flood(size_t size)
{
	GString *text = g_string_sized_new(size);
	for (int i = 0; text->len < size; i++) {
		if (i % 1000 == 999)
			for (int k = 0; k < 10000; k++)
				g_string_append_printf(text, "ERROR %d ", k);
		g_string_append_printf(text, "ERROR: Unable to extract component: part%d\n", i);
	}
	return g_string_free(text, FALSE);
}

static void
test_any_length_is_read_in_bounded_memory(void)
{
	g_autofree char *flood = make_flood(MEGABYTE);
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	g_autoptr(RescueReader) reader = rescue_reader_new(transcript);
	size_t before = allocated_bytes(), most = 0;
	struct rusage usage;
	for (int i = 0; i < 16; i++) {
		rescue_reader_feed(reader, flood, strlen(flood));
		most = MAX(most, allocated_bytes());
	}
	rescue_reader_finish(reader);
	g_assert_cmpint(getrusage(RUSAGE_SELF, &usage), ==, 0);
	g_test_message("16 MB in %zu kB, resident at most %ld kB",
		       (most - MIN(before, most)) / 1024, usage.ru_maxrss);
	g_assert_cmpuint(most, <, before + MEGABYTE);
}

/* one row: a log, what it has to be called, who wrote it */
typedef struct {
	const char *text;
	const char *failure;
	RescuePhase phase;
	const char *tool;
} Row;

static const Row rows[] = {
	{ "{3>6} CHECKPOINT FAILURE:(FAILURE:10) RESTORED:[0x0655] is_host_compatible [0]D(This "
	  "host version is "
	  "unsupported. You may need to update your host tools.)\n",
	  "engine-too-old", RESCUE_PHASE_HANDSHAKE, "restored" },
	{ "0: RamrodErrorDomain/3fc: update_generic_firmware: failed to copy response for Rose\n"
	  "1: AuthInstallErrorDomain/b: copy_device_side_restoreinfo: error 99\n",
	  "engine-too-old", RESCUE_PHASE_FIRMWARE_UPDATES, "unknown" },
	{ "Done: restoring failed!\nwhat=ERROR: Unable to send iBSS component: Unable to upload "
	  "data to device\n",
	  "usb-transfer-failed", RESCUE_PHASE_SEND_BOOTLOADER, "futurerestore" },
	{ "host pymobiledevice3.cli[3] ERROR Failed to connect to usbmuxd socket. Make sure it's "
	  "running.\n",
	  "usbmuxd-missing", RESCUE_PHASE_DETECT, "pymobiledevice3" },
	{ "The iPhone could not be restored. An unknown error occurred (4013).\n",
	  "restore-mode-bounced", RESCUE_PHASE_WAIT_RESTORE_MODE, "itunes" },
	{ "Sending NORData now...\nDone sending NORData\nERROR: Unable to receive message from FDR "
	  "0x1 (-2). 0/2 bytes\n"
	  "ERROR: Could not read data (-256). Aborting.\nERROR: Unable to restore device\n",
	  "device-fell-over", RESCUE_PHASE_FDR, "idevicerestore" },
	{ "About to send filesystem...\nERROR: Unable to receive message from FDR 0x1 (-2). 0/2 "
	  "bytes\n"
	  "ERROR: Unable to send data to ASR. Sent 0 of 1450 bytes.\n",
	  "image-transfer-failed", RESCUE_PHASE_FILESYSTEM, "idevicerestore" },
	{ "kernel: idevicerestore[29]: segfault at 0 ip 1 sp 2 error 4 in libusb\n",
	  "engine-crashed", RESCUE_PHASE_UNKNOWN, "unknown" },
	{ "2019-05-01 12:00:00.123 [4242:1a2b]: Finished DFU Restore Phase: Failed\n2019-05-01 "
	  "12:00:00.124 "
	  "[4242:1a2b]: AMRestorePerformDFURestore failed with error: 2005\n",
	  "usb-transfer-failed", RESCUE_PHASE_SEND_BOOTLOADER, "itunes" },
	{ "ERROR: Unable to find component node for Part,Firmware\n"
	  "ERROR: Couldn't get Part firmware data\nERROR: Unable to send FirmwareUpdater data\n",
	  "engine-too-old", RESCUE_PHASE_FIRMWARE_UPDATES, "idevicerestore" },
	{ "Latest firmware is a.ipsw\nTrying to fetch new SHSH blob\n"
	  "ERROR: TSS request failed (status=94, message=no)\n",
	  "signing-request-outdated", RESCUE_PHASE_PERSONALIZE, "idevicerestore" },
	{ "Variant: Customer Erase Install (IPSW)\n"
	  "ERROR: TSS request failed (status=94, message=no)\n",
	  "signing-refused", RESCUE_PHASE_PERSONALIZE, "idevicerestore" },
	{ "Updating baseband (19)\nUnknown data request 'BasebandUpdaterOutputData' received\n",
	  "baseband-failed", RESCUE_PHASE_BASEBAND, "unknown" },
	{ "Could not create Reverse Proxy\nAbout to send filesystem...\n"
	  "ERROR: Unable to send data to ASR. Sent 0 of 1450 bytes.\n",
	  "image-transfer-failed", RESCUE_PHASE_FILESYSTEM, "idevicerestore" },
	{ "Could not create Reverse Proxy\nERROR: Unable to start the restore process\n",
	  "engine-defect", RESCUE_PHASE_HANDSHAKE, "idevicerestore" },
	{ "About to send Cryptex1,SystemOS...\nERROR: ipsw_extract_send: send failed\n"
	  "ERROR: Failed to send component Cryptex1,SystemOS\n",
	  "cryptex-failed", RESCUE_PHASE_FINISH, "idevicerestore" },
	{ "waiting for host to trigger start of restore [timeout of 120 seconds]\n",
	  "host-not-answering", RESCUE_PHASE_HANDSHAKE, "unknown" },
	{ "Status: Restore Finished\nDONE\n", "none", RESCUE_PHASE_CONFIRM, "unknown" },
};

static void
test_relatives_are_understood(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(RescueVerdict) verdict = judge_text(rows[i].text);
		g_test_message("%s", rows[i].text);
		assert_judged(verdict, rows[i].failure, rows[i].phase);
		g_assert_cmpstr(rescue_dialect_tool(verdict->dialect), ==, rows[i].tool);
	}
}

/* what the lab recorded of both generations, judged from the log alone: without having seen the bus, or how it ended */
static const struct {
	const char *recording, *failure, *phase;
} recordings[] = {
	{ "baseband-defective", "baseband-failed", "baseband" },
	{ "bootloader-rejected", "bootloader-rejected", "send-bootloader" },
	{ "bootloader-silent", "bootloader-silent", "send-bootloader" },
	{ "bootx-ignored", "restore-system-ignored", "wait-restore-mode" },
	{ "connection-lost-1.0.1", "restore-connection-lost", "filesystem" },
	{ "connection-lost", "restore-connection-lost", "filesystem" },
	{ "disk-failure", "disk-failed", "filesystem" },
	{ "factory-data", "factory-data-failed", "fdr" },
	{ "fell-back-1.0.1", "restore-mode-bounced", "wait-restore-mode" },
	{ "image-bad-command", "image-service-failed", "filesystem" },
	{ "image-transfer-broken", "image-transfer-failed", "filesystem" },
	{ "lab-bootloader-rejected-1.0.1", "bootloader-rejected", "send-bootloader" },
	{ "lab-bootx-ignored-1.0.1", "restore-system-ignored", "wait-restore-mode" },
	{ "lab-fell-back-1.0.1", "restore-mode-bounced", "wait-restore-mode" },
	{ "lab-image-bad-command-1.0.1", "image-service-failed", "filesystem" },
	{ "lab-image-transfer-broken-1.0.1", "usb-link-dropped", "filesystem" },
	{ "lab-signing-error-100-1.0.1", "signing-server-error", "personalize" },
	{ "lab-signing-intercepted-1.0.1", "signing-intercepted", "personalize" },
	{ "lab-signing-refused-1.0.1", "signing-refused", "personalize" },
	{ "lab-status-fail-1.0.1", "system-image-failed", "firmware-updates" },
	{ "lab-success-1.0.1", "none", "confirm" },
	{ "lab-usb-drop-in-bootloader-1.0.1", "usb-transfer-failed", "send-bootloader" },
	{ "lab-usb-stall-in-ramdisk-1.0.1", "usb-transfer-failed", "boot-ramdisk" },
	{ "lab-verification-error-1.0.1", "verification-failed", "verify-filesystem" },
	{ "mount-failure", "mount-failed", "verify-filesystem" },
	{ "no-device", "usb-access-denied", "detect" },
	{ "old-log-quoted", "restore-connection-lost", "filesystem" },
	{ "restore-mode-missed", "restore-mode-not-reached", "wait-restore-mode" },
	{ "sep-failure", "secure-processor-failed", "handshake" },
	{ "service-crashed-1.0.1", "restore-service-crashed", "filesystem" },
	{ "signing-error-100", "signing-server-error", "personalize" },
	{ "signing-hiccup", "restore-connection-lost", "filesystem" },
	{ "signing-intercepted", "signing-intercepted", "personalize" },
	{ "signing-refused", "signing-refused", "personalize" },
	{ "signing-unexplained-1.0.1", "signing-failed", "personalize" },
	{ "signing-unreachable", "signing-unreachable", "personalize" },
	{ "silent-after-nor", "device-fell-over", "fdr" },
	{ "status-fail-lingering", "system-image-failed", "filesystem" },
	{ "status-fail-then-gone", "system-image-failed", "filesystem" },
	{ "status-fail", "system-image-failed", "filesystem" },
	{ "success-1.0.1", "none", "confirm" },
	{ "success", "none", "confirm" },
	{ "unknown-model", "model-unknown", "detect" },
	{ "unknown-updater", "engine-too-old", "firmware-updates" },
	{ "updater-error", "firmware-updater-failed", "firmware-updates" },
	{ "usb-drop-in-bootloader", "usb-transfer-failed", "send-bootloader" },
	{ "usb-stall-in-ramdisk", "usb-transfer-failed", "boot-ramdisk" },
	{ "verification-error", "verification-failed", "verify-filesystem" },
	{ "wrong-model", "firmware-wrong-model", "preflight" },
};

static void
test_recordings_of_both_engines_are_judged_from_the_log_alone(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(recordings); i++) {
		g_autofree char *file = g_strconcat(recordings[i].recording, ".log", NULL);
		g_autofree char *path = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "tests",
							 "data", "transcripts", file, NULL);
		g_autofree char *text = NULL;
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		g_autoptr(RescueVerdict) verdict = judge_text(text);
		g_test_message("%s", file);
		g_assert_cmpstr(rescue_failure_info(verdict->failure)->name, ==,
				recordings[i].failure);
		g_assert_cmpstr(rescue_phase_name(verdict->phase), ==, recordings[i].phase);
	}
}

/* a rule that quotes a model, a build or a path is about one log, not about what engines say */
static void
test_no_rule_quotes_a_single_log(void)
{
	static const char *const tables[] = { "signature", "relative",   "vague",
					      "fact",      "context",    "number",
					      "marker",    "checkpoint", "dialect" };
	g_autoptr(GRegex) quoted = g_regex_new("\"[^\"]*((iPhone|iPad|iPod)[0-9]|[0-9][0-9][A-Z][0-"
					       "9]{2,}|/home/|Users|0x[0-9a-fA-F]{4,}|[0-9]{5,})",
					       0, 0, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree char *file = g_strconcat(tables[i], ".def", NULL);
		g_autofree char *path = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "core",
							 "failure", file, NULL);
		g_autofree char *text = NULL;
		g_autoptr(GMatchInfo) match = NULL;
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		if (g_regex_match(quoted, text, 0, &match))
			g_test_message("%s: %s", file, g_match_info_fetch(match, 0));
		g_assert_false(g_match_info_matches(match));
	}
}

static bool
has_code(const RescueVerdict *verdict, const char *domain, int64_t value)
{
	for (guint i = 0; i < verdict->codes->len; i++) {
		const RescueCode *code = &g_array_index(verdict->codes, RescueCode, i);
		if (strcmp(code->domain, domain) == 0 && code->value == value)
			return true;
	}
	return false;
}

static void
test_chains_of_the_device_become_codes(void)
{
	g_autoptr(RescueVerdict) verdict = judge_text(
	    "0: RamrodErrorDomain/3fc: update_generic_firmware: failed to copy response for Rose\n"
	    "1: AuthInstallErrorDomain/b: Failed to fetch remote firmware and request for Rose\n");
	g_assert_true(has_code(verdict, "ramrod", 1020));
	g_assert_true(has_code(verdict, "authinstall", 11));
}

static void
test_an_exploited_device_is_named_and_gets_no_remedy(void)
{
	static const char *const marks[] = { "PWND:[checkm8]", "** exploiting with checkm8",
					     "Starting ipwndfu", "gaster pwn",
					     "[Log] Device seems to be already in pwned DFU mode" };
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autofree char *text = g_strdup_printf(
		    "%s\nERROR: Unable to send iBEC component: Unable to upload data to device\n",
		    marks[i]);
		g_autoptr(RescueVerdict) verdict = judge_text(text);
		assert_judged(verdict, "device-exploited", RESCUE_PHASE_SEND_BOOTLOADER);
	}
}

static void
test_prefixes_are_taken_off(void)
{
	g_assert_cmpstr(rescue_line_unwrap("> > hello"), ==, "hello");
	g_assert_cmpstr(rescue_line_unwrap("[  12.345678] usb 1-1: x"), ==, "usb 1-1: x");
	g_assert_cmpstr(rescue_line_unwrap("Jun  8 21:00:29 localhost kernel[0] <Notice>: no"), ==,
			"<Notice>: no");
	g_assert_cmpstr(rescue_line_unwrap("2026-11-22T10:00:00.5Z hello"), ==, "hello");
	g_assert_cmpstr(rescue_line_unwrap("[====] 5%"), ==, "[====] 5%");
	g_assert_cmpstr(rescue_line_unwrap(""), ==, "");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/diagnose/encodings", test_any_encoding_is_read);
	g_test_add_func("/diagnose/wrappings", test_lines_end_and_are_wrapped_in_any_way);
	g_test_add_func("/diagnose/nul", test_nul_bytes_are_no_end);
	g_test_add_func("/diagnose/endless-line", test_a_message_is_found_far_into_an_endless_line);
	g_test_add_func("/diagnose/nothing", test_nothing_is_made_of_nothing);
	g_test_add_func("/diagnose/junk", test_junk_does_no_harm);
	g_test_add_func("/diagnose/memory", test_any_length_is_read_in_bounded_memory);
	g_test_add_func("/diagnose/relatives", test_relatives_are_understood);
	g_test_add_func("/diagnose/recordings",
			test_recordings_of_both_engines_are_judged_from_the_log_alone);
	g_test_add_func("/diagnose/general", test_no_rule_quotes_a_single_log);
	g_test_add_func("/diagnose/chains", test_chains_of_the_device_become_codes);
	g_test_add_func("/diagnose/exploited",
			test_an_exploited_device_is_named_and_gets_no_remedy);
	g_test_add_func("/diagnose/prefixes", test_prefixes_are_taken_off);
	return g_test_run();
}
