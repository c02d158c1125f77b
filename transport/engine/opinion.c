/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/opinion.h"

#include <string.h>

#include "core/process/process.h"

/* fifteen requests with two seconds between them, and a slow device before */
#define DEADLINE_MS 90000u

/* both generations write it when, and only when, a ticket has come */
#define TICKET_LINE "Received SHSH blobs"

typedef struct {
	RescueTranscript *transcript;
	bool received;
} Reading;

static void
on_line(const char *line, void *data)
{
	Reading *reading = data;

	rescue_transcript_feed(reading->transcript, line);
	reading->received |= strstr(line, TICKET_LINE) != NULL;
}

static RescueRefusal
conclude(const Reading *reading)
{
	const GPtrArray *hits = rescue_transcript_hits(reading->transcript);

	if (reading->received)
		return RESCUE_REFUSAL_DENIED;
	for (guint i = 0; i < hits->len; i++) {
		const RescueHit *hit = g_ptr_array_index(hits, i);
		if (hit->failure == RESCUE_FAILURE_SIGNING_REFUSED)
			return RESCUE_REFUSAL_CONFIRMED;
	}
	return RESCUE_REFUSAL_UNKNOWN;
}

RescueRefusal
rescue_opinion_read(RescueDialect dialect, const char *const *lines)
{
	g_autoptr(RescueTranscript) transcript = rescue_transcript_new(dialect);
	Reading reading = { .transcript = transcript };

	for (; *lines != NULL; lines++)
		on_line(*lines, &reading);
	return conclude(&reading);
}

RescueRefusal
rescue_opinion_ask(const RescueArguments *arguments, const RescueWorkdir *workdir)
{
	g_auto(GStrv) argv = rescue_arguments_make(arguments);
	g_auto(GStrv) env = rescue_arguments_environment(arguments);
	g_autoptr(RescueTranscript)
	    transcript = rescue_transcript_new(rescue_generation_dialect(arguments->generation));
	Reading reading = { .transcript = transcript };
	g_auto(RescueProcessResult) result = { .status = 0 };
	const RescueProcessSpec spec = {
		.argv = (const char *const *)argv,
		.env = (const char *const *)env,
		.cwd = workdir->dir,
		.output_path = workdir->transcript,
		.inherit_fd = -1,
		.on_line = on_line,
		.data = &reading,
	};
	bool ran = rescue_process_run(&spec, DEADLINE_MS, &result, NULL);

	rescue_workdir_remove_cache(workdir);
	return ran ? conclude(&reading) : RESCUE_REFUSAL_UNKNOWN;
}
