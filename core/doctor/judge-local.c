/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/local.h"

#include <string.h>

#include "core/base/parse.h"
#include "core/model/release.h"

#define SHORT_BYTES (UINT64_C(1000) * 1000 * 1000)
#define TIGHT_BYTES (UINT64_C(16) * SHORT_BYTES)
/* 1.0.0 is of 2020; what came after iOS 15 asks for things that it does not know */
#define LAST_OF_FIRST_GENERATION 15

static const char *const folder_names[] = {
	[RESCUE_FOLDER_STATE] = "state",
	[RESCUE_FOLDER_CACHE] = "cache",
	[RESCUE_FOLDER_TEMPORARY] = "temporary",
};

static const RescueFindingId folder_denied[] = {
	[RESCUE_FOLDER_STATE] = RESCUE_FINDING_STATE_DENIED,
	[RESCUE_FOLDER_CACHE] = RESCUE_FINDING_CACHE_DENIED,
	[RESCUE_FOLDER_TEMPORARY] = RESCUE_FINDING_TEMPORARY_DENIED,
};

static void
judge_room(const RescueFolderFacts *facts, RescueFindings *report)
{
	g_autofree char *room = rescue_format_size(facts->free_bytes);

	if (facts->folder == RESCUE_FOLDER_TEMPORARY || !facts->free_known)
		return;
	if (facts->free_bytes < SHORT_BYTES)
		rescue_findings_find(report, RESCUE_FINDING_SPACE_SHORT, "%s: %s", facts->path,
				     room);
	else if (facts->free_bytes < TIGHT_BYTES)
		rescue_findings_find(report, RESCUE_FINDING_SPACE_TIGHT, "%s: %s", facts->path,
				     room);
	else
		rescue_findings_pass(report, "%s has room: %s", facts->path, room);
}

void
rescue_folder_judge(const RescueFolderFacts *facts, RescueFindings *report)
{
	if (facts->why != NULL)
		rescue_findings_find(report, folder_denied[facts->folder], "%s: %s", facts->path,
				     facts->why);
	else
		rescue_findings_pass(report, "the %s folder %s can be written to",
				     folder_names[facts->folder], facts->path);
	if (facts->folder == RESCUE_FOLDER_STATE && facts->noexec)
		rescue_findings_find(report, RESCUE_FINDING_STATE_NOEXEC, "%s", facts->path);
	judge_room(facts, report);
}

static void
judge_engine(const RescueEngineFacts *facts, RescueFindings *report)
{
	RescueFindingId id = facts->failure == RESCUE_FAILURE_MODEL_UNKNOWN ||
				     facts->failure == RESCUE_FAILURE_ENGINE_TOO_OLD
				 ? RESCUE_FINDING_ENGINE_MODEL
			     : facts->failure == RESCUE_FAILURE_NO_ENGINE
				 ? RESCUE_FINDING_ENGINE_MISSING
				 : RESCUE_FINDING_ENGINE_BROKEN;

	if (facts->trouble != NULL)
		rescue_findings_find(report, id, "%s", facts->trouble);
	else
		rescue_findings_pass(report, "%s%s%s", facts->engine,
				     facts->product != NULL ? " knows " : " is here",
				     facts->product != NULL ? facts->product : "");
}

static unsigned
major_of(const char *version)
{
	g_auto(GStrv) parts = g_strsplit(version != NULL ? version : "", ".", 2);
	guint64 major = 0;

	if (parts[0] != NULL)
		(void)g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT16, &major, NULL);
	return (unsigned)major;
}

void
rescue_engine_judge(const RescueEngineFacts *facts, RescueFindings *report)
{
	judge_engine(facts, report);
	if (facts->trouble == NULL && facts->first_generation &&
	    major_of(facts->version) > LAST_OF_FIRST_GENERATION)
		rescue_findings_find(report, RESCUE_FINDING_ENGINE_BUILD,
				     "%s, and the device has %s", facts->engine, facts->version);
	if (facts->build != NULL && rescue_build_is_beta(facts->build))
		rescue_findings_find(report, RESCUE_FINDING_BETA, "build %s", facts->build);
}

/* a rule or a policy for what goes out; what comes in and what passes through does not concern a restore */
static bool
is_outward(const char *line, bool in_output)
{
	return in_output || g_str_has_prefix(line, "-A OUTPUT") ||
	       g_str_has_prefix(line, "-P OUTPUT");
}

static bool
drops(const char *line)
{
	static const char *const words[] = { " drop", " reject", "-j DROP", "-j REJECT",
					     "OUTPUT DROP" };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strstr(line, words[i]) != NULL)
			return true;
	}
	return false;
}

/* a rule for ports that no restore uses is somebody else's business */
static bool
names_other_port(const char *line)
{
	g_autoptr(GRegex) any = g_regex_new("(sport|dport|--dports) ", 0, 0, NULL);
	g_autoptr(GRegex)
	    ours = g_regex_new("(dport|--dports)[^a-z]*\\b(80|443|https?)\\b", 0, 0, NULL);

	return g_regex_match(any, line, 0, NULL) && !g_regex_match(ours, line, 0, NULL);
}

void
rescue_firewall_judge(const char *rules, RescueFindings *report)
{
	g_auto(GStrv) lines = g_strsplit(rules, "\n", -1);
	bool in_output = false, found = false;

	for (unsigned i = 0; lines[i] != NULL; i++) {
		char *line = g_strstrip(lines[i]);
		if (g_str_has_prefix(line, "chain "))
			in_output = false;
		in_output |= strstr(line, "hook output") != NULL;
		if (!is_outward(line, in_output) || !drops(line) || names_other_port(line) ||
		    strstr(line, " udp ") != NULL || strstr(line, "-p udp") != NULL)
			continue;
		rescue_findings_find(report, RESCUE_FINDING_FIREWALL, "%s", line);
		found = true;
	}
	if (!found)
		rescue_findings_pass(report, "no rule of the firewall drops what goes out");
}
