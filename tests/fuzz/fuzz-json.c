/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/base/json.h"
#include "tests/fuzz/fuzz.h"

/* what is read is written and read again as the same */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(RescueJson) json = rescue_json_parse((const char *)data, size, NULL);
	g_autoptr(RescueJson) again = NULL;
	g_autofree char *text = NULL, *twice = NULL;

	if (json == NULL)
		return 0;
	text = rescue_json_dump(json);
	if (text == NULL)
		return 0;
	again = rescue_json_parse(text, strlen(text), NULL);
	twice = again != NULL ? rescue_json_dump(again) : NULL;
	g_assert_cmpstr(text, ==, twice);
	return 0;
}
