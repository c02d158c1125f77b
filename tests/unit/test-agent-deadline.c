/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <unistd.h>

#include <glib.h>

#include "transport/agent/report.h"

/* How the agent ends when a library never comes back: the process is over, so each case is one of its own. */

/* time for a busy computer to get as far as hang() */
enum { SOON_MS = 1500 };

/* a call of a library that does not return */
static void
hang(void)
{
	for (;;)
		(void)pause();
}

static void
test_what_is_not_known_by_then_is_a_failure(void)
{
	if (g_test_subprocess()) {
		RescueAgentDeadline *deadline = rescue_agent_deadline_new(SOON_MS);
		rescue_agent_deadline_step(deadline, "the moon");
		hang();
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_failed();
	g_test_trap_assert_stdout(
	    "*\"event\":\"error\",\"failure\":\"device-not-answering\",\"text\":"
	    "\"waited in vain for the moon (1500 ms in all)\"*");
}

static void
test_what_is_enough_by_then_is_the_result(void)
{
	if (g_test_subprocess()) {
		RescueAgentDeadline *deadline = rescue_agent_deadline_new(SOON_MS);
		g_autoptr(RescueJson) fields = rescue_json_object_new();
		rescue_json_set_string(fields, "mode", "normal");
		rescue_agent_deadline_content(deadline, fields);
		rescue_json_set_string(fields, "mode", "half-changed");
		hang();
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stdout("*{\"v\":1,\"event\":\"result\",\"mode\":\"normal\"}*");
	g_test_trap_assert_stdout_unmatched("*\"error\"*");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/agent-deadline/nothing", test_what_is_not_known_by_then_is_a_failure);
	g_test_add_func("/agent-deadline/enough", test_what_is_enough_by_then_is_the_result);
	return g_test_run();
}
