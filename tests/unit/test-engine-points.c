/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/failure/evidence.h"
#include "core/failure/pattern.h"

/*
 * Every message with which an engine can fail, as a table lists them from its source, is put into the step in which it
 * belongs and judged: the failure has to be of the table's kind and step. The table is not part of the tree.
 */

/* per cent of the rows that have a line; 95 are there, and the rules that judge whole logs need room */
#define SHARE_WANTED 93
#define COLUMNS      7

enum {
	COLUMN_PHASE,
	COLUMN_FUNCTION,
	COLUMN_MESSAGE,
	COLUMN_EXIT,
	COLUMN_SINCE,
	COLUMN_MEANING,
	COLUMN_CATEGORY
};

#define P(id)  (1u << RESCUE_PHASE_##id)
#define BEFORE (P(PREFLIGHT) | P(VERIFY_FIRMWARE))
#define DURING                                                                                 \
	(P(HANDSHAKE) | P(FILESYSTEM) | P(VERIFY_FILESYSTEM) | P(FDR) | P(BASEBAND) | P(NOR) | \
	 P(FIRMWARE_UPDATES) | P(FINISH))

/* the table's own names of steps: a line that puts the engine there, and where its failures may be filed */
static const struct {
	const char *name, *marker;
	unsigned phases;
} steps[] = {
	{ "ipsw-info", NULL, BEFORE },
	{ "startup", NULL, BEFORE | P(UNKNOWN) },
	{ "detect", NULL, P(DETECT) },
	{ "wtf-mode", "Found device in WTF mode", P(DETECT) | P(DOWNLOAD) | P(ENTER_DFU) },
	{ "pwn", "Found device in DFU mode", P(DETECT) | BEFORE },
	{ "latest-download", "Downloading firmware (http://host/file)",
	  P(DOWNLOAD) | P(VERIFY_FIRMWARE) },
	{ "open-ipsw", "Extracting Restore.plist from IPSW", BEFORE },
	{ "compat", "Extracting BuildManifest from IPSW", BEFORE },
	{ "build-identity", "Extracting BuildManifest from IPSW", BEFORE },
	{ "ipsw-components", "Checking IPSW for required components...", BEFORE },
	{ "fs-extract", "Extracting filesystem from IPSW: x", BEFORE },
	{ "leave-restore-mode", "Found device in Restore mode", P(DETECT) | P(HANDSHAKE) },
	{ "port-dfu", "Found device in Port DFU mode",
	  P(DETECT) | P(ENTER_DFU) | P(PERSONALIZE) | BEFORE },
	{ "stashbag", "Checking if device requires stashbag...", P(PERSONALIZE) },
	{ "nonce", "Getting ApNonce in normal mode... ", P(PERSONALIZE) },
	{ "signing-personalize", "Received SHSH blobs", P(PERSONALIZE) },
	{ "signing-tss", "Trying to fetch new SHSH blob",
	  P(PERSONALIZE) | P(BASEBAND) | P(FIRMWARE_UPDATES) | P(SEND_BOOTLOADER) },
	{ "shsh-save", "Trying to fetch new SHSH blob", P(PERSONALIZE) },
	{ "enter-recovery", "Entering recovery mode...", P(ENTER_RECOVERY) },
	{ "dfu-to-recovery", "Sending iBSS (1 bytes)...",
	  P(SEND_BOOTLOADER) | P(PERSONALIZE) | P(BOOT_RAMDISK) },
	{ "recovery-ibec", "Sending iBEC (1 bytes)...", P(SEND_BOOTLOADER) | P(BOOT_RAMDISK) },
	{ "recovery-to-restore", "Sending RestoreRamDisk (1 bytes)...",
	  P(BOOT_RAMDISK) | P(SEND_BOOTLOADER) },
	{ "wait-restore-mode", "Waiting for device to enter restore mode...",
	  P(WAIT_RESTORE_MODE) },
	{ "restore", "About to restore device... ", DURING },
	{ "restore-connect", "About to restore device... ", P(HANDSHAKE) },
	{ "datarequest", "About to send RootTicket...", DURING },
	{ "asr-filesystem", "About to send filesystem...", P(FILESYSTEM) },
	{ "fdr-proxy", "About to send FDR Trust data...", P(FDR) },
	{ "firmware-updater", "About to send FUD data...", P(FIRMWARE_UPDATES) },
	{ "baseband", "About to send BasebandData...", P(BASEBAND) },
	{ "device-progress", "About to send NORData...", DURING },
	{ "final-status", "Verifying restore (14)", DURING },
	{ "finish", "Rebooting device (16)", DURING },
	{ "other", "About to send BasebandData...", DURING },
};

typedef struct {
	unsigned rows, lineless, harmless, silent, phase, category, agreed, explained;
} Count;

/* rows that tell what happens without a line of the engine's own, or whose line is nothing but somebody else's words */
static bool
has_no_line(const char *message)
{
	static const char *const prose[] = { "(", "WARNING box ",
					     "TSS request failed after hosts-file", "%s   [HEAD",
					     "'%s': %s" };
	for (size_t i = 0; i < G_N_ELEMENTS(prose); i++) {
		if (g_str_has_prefix(message, prose[i]))
			return true;
	}
	return strcmp(message, "%s") == 0;
}

/* words that only certain values make */
static const struct {
	const char *function, *pattern, *line;
} samples[] = {
	{ "normal.c:normal_get_nonce_by_key", "Unable to get %s", "Unable to get ApNonce" },
	{ "recovery.c:recovery_send_applelogo", "Unable to set %s", "Unable to set RestoreLogo" },
	{ "recovery.c:recovery_send_applelogo", "Unable to display %s",
	  "Unable to display AppleLogo" },
	{ "libtatsu tss.c:tss_request_send", "TSS server returned: %s",
	  "TSS server returned: STATUS=94&MESSAGE=This device isn't eligible for the requested "
	  "build." },
	{ "libtatsu tss.c:tss_request_send", "ERROR: TSS request failed: %s (status=%d)",
	  "ERROR: TSS request failed: some (status=-1)" },
	{ NULL, "Waiting for NAND (NN)", "Waiting for NAND (29)" },
	{ NULL, "%s: send failed", "ipsw_extract_send: send failed" },
	{ NULL, "Previous restore exit status:", "Previous restore exit status: 0x1" },
	{ "restore.c:restore_handle_status_msg", "Unhandled status message (N)",
	  "Unhandled status message (12)" },
};

/* the table's notes after the message are not part of it */
static void
cut_notes(char *message)
{
	static const char *const notes[] = { "   [HEAD: ",     " (level ",    " (Status=",
					     " (banner on ",   " / ",         " followed by ",
					     ", nothing more", ", then any ", " + Unable" };
	for (size_t i = 0; i < G_N_ELEMENTS(notes); i++) {
		char *note = strstr(message, notes[i]);
		if (note != NULL)
			*note = '\0';
	}
}

/* "%s: no data (0x%zx)" → "some: no data (0x12)" */
static char *
make_line(const char *function, const char *pattern)
{
	g_autofree char *message = g_strdup(pattern);
	cut_notes(message);
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		if ((samples[i].function == NULL || strcmp(samples[i].function, function) == 0) &&
		    strcmp(samples[i].pattern, message) == 0)
			return g_strdup(samples[i].line);
	}
	GString *line = g_string_new(NULL);
	for (const char *p = message; *p != '\0'; p++) {
		if (*p != '%') {
			g_string_append_c(line, *p);
			continue;
		}
		p += 1 + strspn(p + 1, "0123456789.lzh");
		g_string_append(line, *p == 's' ? "some" : *p == 'p' ? "0x1" : "12");
		if (*p == '\0' || strchr("diuxXpsf", *p) == NULL)
			p--; /* the table cuts "%llu" short */
	}
	return g_string_free(line, FALSE);
}

/* the table files some things where Apple and the guide do, and not under what they are: then those count, too */
static bool
is_same_kind(RescueFailure failure, const char *wanted)
{
	const RescueFailureInfo *info = rescue_failure_info(failure);
	RescueCategory categories[] = { info->category, info->documented[0], info->documented[1] };
	if (strcmp(wanted, "host-environment") == 0)
		wanted = "host";
	if (strcmp(wanted, "software-version") == 0 && info->category == RESCUE_CATEGORY_TOOL)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(categories); i++) {
		if (categories[i] != RESCUE_CATEGORY_LAST &&
		    strcmp(rescue_category_name(categories[i]), wanted) == 0)
			return true;
	}
	return false;
}

/* where this catalogue files a line by what it says, and the table by its neighbours */
static const struct {
	RescueFailure failure;
	const char *reason;
} deviations[] = {
	{ RESCUE_FAILURE_HOST_MEMORY,
	  "the line says that memory is short, wherever it was wanted" },
	{ RESCUE_FAILURE_ENGINE_DEFECT, "a mistake of the engine, whatever it was about to do" },
	{ RESCUE_FAILURE_SIGNING_REQUEST,
	  "no request could be made of what file and device supplied" },
	{ RESCUE_FAILURE_SIGNING_SERVER,
	  "a status that nobody explains was in most logs a bad request" },
	{ RESCUE_FAILURE_UNEXPLAINED, "the engine's last words, which tell no cause" },
	{ RESCUE_FAILURE_DEVICE_REPORTED,
	  "the device reports a failure, and only its number tells the kind" },
};

static const char *
reason_for(RescueFailure failure)
{
	for (size_t i = 0; i < G_N_ELEMENTS(deviations); i++) {
		if (deviations[i].failure == failure)
			return deviations[i].reason;
	}
	return NULL;
}

/* a line that restores which succeed print, too: known, and told to be no cause */
static bool
is_known_as_harmless(const char *line)
{
	const char *pattern;
	for (size_t i = 0; (pattern = rescue_transcript_pattern(RESCUE_FAILURE_NONE, i)) != NULL;
	     i++) {
		if (rescue_pattern_match(pattern, line, NULL))
			return true;
	}
	return false;
}

static size_t
find_step(const char *name)
{
	size_t i = 0;
	while (i < G_N_ELEMENTS(steps) && strcmp(steps[i].name, name) != 0)
		i++;
	g_assert_cmpuint(i, <, G_N_ELEMENTS(steps)); /* else the table has a new step */
	return i;
}

static void
judge_row(char **cells, Count *count, size_t step)
{
	g_autofree char *line = make_line(cells[COLUMN_FUNCTION], cells[COLUMN_MESSAGE]);
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	RescueDialect dialect = strcmp(cells[COLUMN_SINCE], "1.0.0") == 0 ? RESCUE_DIALECT_1_0_0
									  : RESCUE_DIALECT_1_0_1;
	evidence->transcript = rescue_transcript_new(dialect);
	evidence->end = RESCUE_END_EXITED;
	evidence->exit_status = 1;
	if (steps[step].marker != NULL)
		rescue_transcript_feed(evidence->transcript, steps[step].marker);
	uint64_t marks = rescue_transcript_marks(evidence->transcript);
	rescue_transcript_feed(evidence->transcript, line);
	if (rescue_transcript_hits(evidence->transcript)->len == 0) {
		/* a sign of life is known, too */
		bool harmless = is_known_as_harmless(line) ||
				rescue_transcript_marks(evidence->transcript) != marks;
		count->harmless += harmless;
		count->silent += !harmless;
		count->agreed += harmless;
		if (!harmless)
			g_test_message("%s: silent: %s [%s]", steps[step].name, line,
				       cells[COLUMN_CATEGORY]);
		return;
	}
	g_autoptr(RescueVerdict) verdict = rescue_classify(evidence);
	bool kind = is_same_kind(verdict->failure, cells[COLUMN_CATEGORY]);
	bool place = (steps[step].phases & 1u << verdict->phase) != 0;
	count->category += kind;
	count->phase += place;
	count->agreed += kind && place;
	const char *reason = kind ? NULL : reason_for(verdict->failure);
	count->explained += reason != NULL && place;
	if (!kind || !place)
		g_test_message("%s: %s in %s: %s [%s]", steps[step].name,
			       rescue_failure_info(verdict->failure)->name,
			       rescue_phase_name(verdict->phase), line, cells[COLUMN_CATEGORY]);
}

static void
tell(const char *name, const Count *count)
{
	g_test_message("%-20s %3u rows, %2u without a line, %3u known as harmless, %2u silent; "
		       "step agrees %3u, "
		       "kind agrees %3u",
		       name, count->rows, count->lineless, count->harmless, count->silent,
		       count->phase, count->category);
}

static void
add(Count *sum, const Count *count)
{
	sum->rows += count->rows;
	sum->lineless += count->lineless;
	sum->harmless += count->harmless;
	sum->silent += count->silent;
	sum->phase += count->phase;
	sum->category += count->category;
	sum->agreed += count->agreed;
	sum->explained += count->explained;
}

static void
judge_table(char **lines)
{
	Count counts[G_N_ELEMENTS(steps)] = { { 0 } };
	Count sum = { 0 };
	for (size_t i = 1; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);
		g_assert_cmpuint(g_strv_length(cells), >=, COLUMNS);
		size_t step = find_step(cells[COLUMN_PHASE]);
		counts[step].rows++;
		if (has_no_line(cells[COLUMN_MESSAGE]))
			counts[step].lineless++;
		else
			judge_row(cells, &counts[step], step);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		tell(steps[i].name, &counts[i]);
		add(&sum, &counts[i]);
	}
	tell("all", &sum);
	unsigned with_line = sum.rows - sum.lineless;
	g_test_message("%u of %u rows with a line agree in step and kind: %.1f %%; %u more deviate "
		       "for a reason",
		       sum.agreed, with_line, 100.0 * sum.agreed / with_line, sum.explained);
	g_assert_cmpuint(with_line, >, 500);
	g_assert_cmpuint((sum.agreed + sum.explained) * 100, >=, with_line * SHARE_WANTED);
	g_assert_cmpuint(sum.silent, ==, 0); /* each has a name */
}

static void
test_every_failure_point_of_the_engine_has_a_name(void)
{
	const char *shared = g_getenv("RESCUE_SHARED_DIR");
	g_autofree char *path = g_build_filename(shared != NULL && shared[0] != '\0' ? shared
										     : "/nowhere",
						 "knowledge", "engine-failure-points.tsv", NULL);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL)) {
		g_test_skip("the shared table of failure points is not there");
		return;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	judge_table(lines);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine-points/named", test_every_failure_point_of_the_engine_has_a_name);
	return g_test_run();
}
