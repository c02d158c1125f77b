/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

#include "tests/system/line/line.h"

/* How many phones were sent their system image at once, and how many engines were at work then, as the lab saw it. */

typedef struct {
	/* a phone that does not count: its job died, and its engine waited for nobody */
	unsigned loose;
	GHashTable *senders, *restoring; /* phones */
	unsigned most, together, transfers;
	int64_t first_us, last_us, sending_us, since_us;
} Traffic;

static void
note_image(Traffic *traffic, const char *phone, const char *state, int64_t now_us)
{
	if (g_hash_table_size(traffic->senders) > 0)
		traffic->sending_us += now_us - traffic->since_us;
	traffic->since_us = now_us;
	traffic->last_us = now_us;
	if (strcmp(state, "begin") != 0) {
		(void)g_hash_table_remove(traffic->senders, phone);
		return;
	}
	if (traffic->transfers++ == 0)
		traffic->first_us = now_us;
	if (g_ascii_strtoull(phone + 1, NULL, 10) == traffic->loose)
		return;
	g_hash_table_add(traffic->senders, g_strdup(phone));
	traffic->most = MAX(traffic->most, g_hash_table_size(traffic->senders));
}

/* An engine is at work in restore mode until its phone has left that. */
static void
note_mode(Traffic *traffic, const char *phone, const char *mode)
{
	if (strcmp(mode, "restore") == 0)
		g_hash_table_add(traffic->restoring, g_strdup(phone));
	else
		(void)g_hash_table_remove(traffic->restoring, phone);
	traffic->together = MAX(traffic->together, g_hash_table_size(traffic->restoring));
}

static void
read_line(Traffic *traffic, const char *text)
{
	g_autoptr(RescueJson) line = rescue_json_parse(text, strlen(text), NULL);
	const char *event = line != NULL ? rescue_json_get_string(line, "event") : NULL;
	const char *phone = line != NULL ? rescue_json_get_string(line, "phone") : NULL;
	const char *state = line != NULL ? rescue_json_get_string(line, "state") : NULL;
	const char *mode = line != NULL ? rescue_json_get_string(line, "mode") : NULL;
	int64_t now_us = 0;
	if (phone == NULL || !rescue_json_get_int(line, "us", &now_us))
		return;
	if (g_strcmp0(event, "image") == 0 && state != NULL)
		note_image(traffic, phone, state, now_us);
	if (g_strcmp0(event, "mode") == 0 && mode != NULL)
		note_mode(traffic, phone, mode);
}

unsigned
line_judge_transfers(const Line *line)
{
	if (line->hold == 0)
		return 0;
	Traffic traffic = {
		.loose = line->loose,
		.senders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.restoring = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	if (g_file_get_contents(g_getenv("LAB_RECORD"), &text, NULL, NULL))
		lines = g_strsplit(text, "\n", -1);
	for (char **word = lines; word != NULL && *word != NULL; word++)
		read_line(&traffic, *word);
	g_hash_table_unref(traffic.senders);
	g_hash_table_unref(traffic.restoring);
	printf("transfers: %u, at most %u at once, while up to %u phones were in restore mode; the "
	       "bus was used for %.1f of %.1f s\n",
	       traffic.transfers, traffic.most, traffic.together,
	       (double)traffic.sending_us / G_USEC_PER_SEC,
	       (double)(traffic.last_us - traffic.first_us) / G_USEC_PER_SEC);
	if (traffic.most <= line->hold && traffic.transfers >= line->phones &&
	    traffic.together > line->hold)
		return 0;
	printf("lost: %u at once may be, of %u phones or more, while others get ready\n",
	       line->hold, line->phones);
	return 1;
}
