/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/failure/evidence.h"
#include "core/failure/reader.h"
#include "core/remedy/remedy.h"

#define STDIN       "-"
#define BLOCK_BYTES (64 * 1024)

/* all of it into the reader, a block at a time */
static bool
read_all(int fd, const char *name, RescueReader *reader, GError **error)
{
	g_autofree char *block = g_malloc(BLOCK_BYTES);
	ssize_t n;

	do {
		n = read(fd, block, BLOCK_BYTES);
		if (n > 0)
			rescue_reader_feed(reader, block, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	rescue_reader_finish(reader);
	if (n == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "cannot read the log ‘%s’: %s; name a text file, or %s for standard input",
		    name, g_strerror(errno), STDIN);
	return false;
}

static bool
read_log(const char *name, RescueReader *reader, GError **error)
{
	bool standard = strcmp(name, STDIN) == 0;
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool fine;

	if (fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "cannot open the log ‘%s’: %s; check its path and rights", name,
			    g_strerror(errno));
		return false;
	}
	fine = read_all(fd, name, reader, error);
	if (!standard)
		(void)close(fd);
	return fine;
}

static RescueVerdict *
judge(const char *name, GError **error)
{
	g_autoptr(RescueEvidence) evidence = rescue_evidence_new();
	g_autoptr(RescueReader) reader = NULL;

	evidence->end = RESCUE_END_UNSEEN;
	evidence->transcript = rescue_transcript_new(RESCUE_DIALECT_UNKNOWN);
	reader = rescue_reader_new(evidence->transcript);
	return read_log(name, reader, error) ? rescue_classify(evidence) : NULL;
}

static RescueJson *
verdict_json(const char *name, const RescueVerdict *verdict)
{
	g_autoptr(RescueJson) judgement = rescue_verdict_to_json(verdict);
	RescueJson *object = rescue_json_object_new();

	rescue_json_set_int(object, "v", 1);
	rescue_json_set_string(object, "input", name);
	rescue_json_merge(object, judgement);
	rescue_json_take(object, "remedies", rescue_remedy_ladder_json(verdict->failure));
	return object;
}

static void
append_kind(GString *text, const RescueVerdict *verdict)
{
	const RescueFailureInfo *info = rescue_failure_info(verdict->failure);

	g_string_append_printf(text, "  cause     %s", rescue_category_text(info->category));
	for (size_t i = 0; i < G_N_ELEMENTS(info->documented); i++) {
		if (info->documented[i] != RESCUE_CATEGORY_LAST &&
		    info->documented[i] != info->category)
			g_string_append_printf(text, "%s%s", i == 0 ? "; documented under " : ", ",
					       rescue_category_text(info->documented[i]));
	}
	for (unsigned i = 0; i < verdict->codes->len; i++) {
		const RescueCode *code = &g_array_index(verdict->codes, RescueCode, i);
		g_string_append_printf(text, "%s%s %" G_GINT64_FORMAT,
				       i == 0 ? "\n  numbers   " : ", ", code->domain, code->value);
	}
	g_string_append_printf(text, "\n  log of    %s", rescue_dialect_tool(verdict->dialect));
	if (g_strcmp0(rescue_dialect_tool(verdict->dialect),
		      rescue_dialect_name(verdict->dialect)) != 0)
		g_string_append_printf(text, " (%s)", rescue_dialect_name(verdict->dialect));
	g_string_append_c(text, '\n');
}

static void
append_proof(GString *text, const RescueVerdict *verdict)
{
	for (unsigned i = 0; i < verdict->proof->len; i++) {
		const RescueHit *hit = g_ptr_array_index(verdict->proof, i);
		g_string_append_printf(text, "  %sline %zu: %s\n",
				       i == 0 ? "proof     " : "          ", hit->number,
				       hit->text);
	}
}

static void
append_help(GString *text, const RescueVerdict *verdict)
{
	const RescueRemedy *ladder;
	size_t n = rescue_remedy_ladder(verdict->failure, &ladder);

	g_string_append_printf(text, "  you do    %s\n",
			       rescue_failure_info(verdict->failure)->advice);
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(text, "  %s%s\n", i == 0 ? "helps     " : "          ",
				       rescue_remedy_info(ladder[i])->text);
	for (unsigned i = 0; i < verdict->alternatives->len; i++) {
		RescueFailure other = g_array_index(verdict->alternatives, RescueFailure, i);
		g_string_append_printf(text, "  %s%s: %s\n", i == 0 ? "or else   " : "          ",
				       rescue_failure_info(other)->name,
				       rescue_failure_info(other)->means);
	}
}

static char *
verdict_text(const char *name, const RescueVerdict *verdict)
{
	GString *text = g_string_new(NULL);

	if (verdict->failure == RESCUE_FAILURE_NONE) {
		g_string_append_printf(text, "%s: nothing failed, the restore reached its end\n",
				       name);
		return g_string_free(text, FALSE);
	}
	g_string_append_printf(text, "%s: %s (confidence: %s)\n", name,
			       rescue_failure_info(verdict->failure)->name,
			       rescue_confidence_name(verdict->confidence));
	g_string_append_printf(text, "  %s\n", verdict->sentence);
	append_kind(text, verdict);
	append_proof(text, verdict);
	append_help(text, verdict);
	return g_string_free(text, FALSE);
}

static bool
tell(const RescueCli *cli, const char *name, const RescueVerdict *verdict)
{
	if (cli->json) {
		g_autoptr(RescueJson) json = verdict_json(name, verdict);
		return rescue_print_json(json);
	}
	g_autofree char *text = verdict_text(name, verdict);
	return rescue_print(text);
}

/* a log that cannot be read does not keep the others from being judged */
static int
diagnose(const RescueCli *cli, const char *const *names)
{
	int status = RESCUE_EXIT_FINE;

	for (; *names != NULL; names++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RescueVerdict) verdict = judge(*names, &error);
		if (verdict == NULL)
			status = rescue_fail(cli, g_steal_pointer(&error));
		else if (!tell(cli, *names, verdict))
			return RESCUE_ERROR_INTERNAL;
	}
	return status;
}

static int
run(RescueCli *cli)
{
	static const char *const standard_input[] = { STDIN, NULL };
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_diagnose, NULL, &arguments, &status))
		return status;
	if (arguments != NULL && arguments[0] != NULL)
		return diagnose(cli, (const char *const *)arguments);
	if (isatty(STDIN_FILENO))
		return rescue_fail_usage(
		    cli, "diagnose: name the log of a restore, or %s for standard input", STDIN);
	return diagnose(cli, standard_input);
}

const RescueCommand rescue_command_diagnose = {
	.name = "diagnose",
	.arguments = "[FILE…]",
	.summary = "judge the log of any restore tool",
	.details =
	    "FILE is what idevicerestore, futurerestore, pymobiledevice3, iTunes, Finder or the\n"
	    "device itself wrote, in any encoding and as long as it likes; - is standard input,\n"
	    "which is also read when there is no FILE.",
	.run = run,
};
