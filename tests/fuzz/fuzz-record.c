/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/common/record.h"
#include "core/store/record.h"
#include "tests/fuzz/fuzz.h"

static void
free_event(gpointer event)
{
	rescue_json_free(event);
}

/* the events of a journal, a line each, of whatever version and in whatever order */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
	g_autoptr(RescueJson) record = NULL;
	g_autofree char *prose = NULL;
	int64_t version = 0;

	for (size_t i = 0; lines[i] != NULL; i++) {
		RescueJson *event = rescue_json_parse(lines[i], strlen(lines[i]), NULL);
		if (event != NULL)
			g_ptr_array_add(events, event);
	}
	record = rescue_record_build(events, size % 2 == 1, NULL);
	prose = rescue_record_format(record);
	g_assert_true(rescue_json_get_int(record, "v", &version));
	g_assert_cmpint(version, ==, RESCUE_RECORD_VERSION);
	g_assert_true(g_str_has_prefix(prose, "Restore record of job"));
	return 0;
}
