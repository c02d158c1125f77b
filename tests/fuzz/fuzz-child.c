/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "firmware/catalog/catalogue.h"
#include "firmware/fetch/fetch.h"
#include "firmware/ipsw/firmware-json.h"
#include "firmware/signing/answer.h"
#include "tests/fuzz/fuzz.h"

static void
read_fetch(const char *line)
{
	g_autofree char *sha256 = NULL;
	g_autoptr(RescueObservation) seen = rescue_fetch_read_line(line, &sha256);

	if (seen != NULL)
		g_assert_cmpint(seen->kind, ==, RESCUE_OBSERVED_FETCH);
}

/* what is signed has no failure, and what is not has one */
static void
read_signing(const RescueJson *json)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = 0 };

	if (!rescue_signing_answer_from_json(json, &answer, NULL))
		return;
	g_assert_cmpuint(answer.ecid, !=, 0);
	g_assert_true((answer.failure == RESCUE_FAILURE_NONE) ==
		      rescue_json_get_bool(json, "signed", false));
}

static void
read_catalogue(const RescueJson *json)
{
	g_autoptr(RescueCatalogueAnswer) answer = rescue_catalogue_answer_from_json(json);

	for (guint i = 0; answer != NULL && i < answer->releases->len; i++) {
		const RescueRelease *release = answer->releases->pdata[i];
		g_autofree char *name = rescue_release_name(release);
		g_assert_cmpstr(release->product, ==, answer->product);
		g_assert_null(strchr(name, '/'));
	}
}

/* what children say that have met hostile bytes and may have lost against them: their parents trust none of it */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup((const char *)data, size);
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	g_autoptr(RescueFirmware) firmware = NULL;
	g_autoptr(GError) error = NULL;

	read_fetch(line);
	if (json == NULL)
		return 0;
	read_signing(json);
	read_catalogue(json);
	firmware = rescue_firmware_from_json(json, NULL);
	error = rescue_error_from_json(json);
	return 0;
}
