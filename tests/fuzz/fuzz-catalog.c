/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "firmware/catalog/read.h"
#include "firmware/fetch/head.h"
#include "tests/fuzz/fuzz.h"

/* the same bytes as the answer of each catalogue and as a line before a download: releases keep their form */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const readers[])(const char *, size_t, const char *, GPtrArray *,
				       GError **) = { rescue_catalogue_read_ipswme,
						      rescue_catalogue_read_appledb,
						      rescue_catalogue_read_apple };
	const char *text = (const char *)data;
	g_auto(RescueHttpHead) head = { 0 };
	g_auto(GStrv) builds = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
		g_autoptr(GPtrArray) releases = rescue_catalogue_new_list();
		(void)readers[i](text, size, "iPhone10,3", releases, NULL);
		for (guint k = 0; k < releases->len; k++) {
			const RescueRelease *release = releases->pdata[k];
			g_autofree char *name = rescue_release_name(release);
			g_assert_true(rescue_build_is_valid(release->build));
			g_assert_null(strchr(name, '/'));
		}
	}
	builds = rescue_catalogue_read_appledb_index(text, size, "iPhone10,3", NULL);
	rescue_http_head_line(&head, text, size);
	return 0;
}
