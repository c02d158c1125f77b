/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/local.h"
#include "core/process/process.h"
#include "firmware/reach/reach.h"

#define TOOL_MS 4000u
#define WHAT    "the rules of the firewall"

static const char *const nft[] = { "nft", "list", "ruleset", NULL };
static const char *const iptables[] = { "iptables", "-S", "OUTPUT", NULL };
static const char *const *const tools[] = { nft, iptables };

/* sbin is not in the path of every user */
static char *
find_tool(const char *name)
{
	static const char *const places[] = { "/usr/sbin", "/sbin" };
	char *found = g_find_program_in_path(name);

	for (size_t i = 0; found == NULL && i < G_N_ELEMENTS(places); i++) {
		g_autofree char *path = g_build_filename(places[i], name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
			found = g_steal_pointer(&path);
	}
	return found;
}

/* 1: it told its rules, 0: it is there and did not, -1: it is not there */
static int
ask_tool(const char *const *tool, RescueFindings *report)
{
	g_autofree char *program = find_tool(tool[0]);
	const char *const argv[] = { program, tool[1], tool[2], NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { .status = -1 };

	if (program == NULL)
		return -1;
	if (!rescue_process_run(&spec, TOOL_MS, &result, NULL) || result.status != 0)
		return 0;
	rescue_firewall_judge(result.output, report);
	return 1;
}

void
rescue_firewall_look(RescueFindings *report)
{
	int best = -1;

	for (size_t i = 0; i < G_N_ELEMENTS(tools); i++)
		best = MAX(best, ask_tool(tools[i], report));
	if (best < 0)
		rescue_findings_skip(report, WHAT, "neither nft nor iptables is installed");
	else if (best == 0)
		rescue_findings_skip(report, WHAT, "not readable for this user");
}
