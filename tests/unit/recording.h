/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "core/failure/transcript.h"

/** Feeds a file of tests/data/transcripts; the test fails when it is not there. */
static inline void
feed_recording(RescueTranscript *transcript, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".log", NULL);
	g_autofree char *path = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "tests", "data",
						 "transcripts", file, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	(void)g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		rescue_transcript_feed(transcript, lines[i]);
}
