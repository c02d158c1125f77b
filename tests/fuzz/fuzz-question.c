/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "core/remedy/explain.h"
#include "tests/fuzz/fuzz.h"

/* whatever is asked, there is an answer or one sentence, the same for people and for programs */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *asked = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL, again = NULL;
	g_autofree char *text = rescue_explain_answer(asked, &error);
	g_autoptr(RescueJson) json = rescue_explain_answer_json(asked, &again);
	g_assert_true((text == NULL) == (json == NULL));
	g_assert_true((text == NULL) == (error != NULL));
	g_assert_cmpstr(error != NULL ? error->message : NULL, ==,
			again != NULL ? again->message : NULL);
	g_assert_true(text == NULL || g_utf8_validate(text, -1, NULL));
	return 0;
}
