/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/parser.h"

#include <string.h>

/* Where phones are and will be: "at 5 s do move to 1-1.4" of a phone, "ports 1-1.4" of the world. */

void
lab_scenario_add_port(LabScenario *scenario, const char *port)
{
	if (!g_ptr_array_find_with_equal_func(scenario->ports, port, g_str_equal, NULL))
		g_ptr_array_add(scenario->ports, g_strdup(port));
}

bool
lab_at_line(const LabLine *line, LabScenario *scenario, const char *phone, GError **error)
{
	unsigned at_ms = 0;
	g_autoptr(GError) local = NULL;
	if (!lab_value_ms(line->words[1], line->words[2], &at_ms) ||
	    strcmp(line->words[3], "do") != 0)
		return lab_line_fail(line, error, "‘at’ wants a time, such as ‘at 5 s do unplug’");
	LabDeed *deed = lab_deed_parse(phone, line->words + 4, &local);
	if (deed == NULL)
		return lab_line_fail(line, error, "%s", local->message);
	deed->at_ms = at_ms;
	if (deed->port != NULL)
		lab_scenario_add_port(scenario, deed->port);
	g_ptr_array_add(scenario->deeds, deed);
	return true;
}

bool
lab_ports_line(const LabLine *line, LabScenario *scenario, GError **error)
{
	for (unsigned i = 1; i < line->count; i++) {
		if (!lab_port_is_valid(line->words[i]))
			return lab_line_fail(line, error, "‘%s’ is not a port such as 1-2 or 1-2.4",
					     line->words[i]);
		lab_scenario_add_port(scenario, line->words[i]);
	}
	return true;
}
