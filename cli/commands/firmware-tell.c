/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <unistd.h>

#include "cli/commands/firmware.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/model/event.h"
#include "core/port/ports.h"
#include "firmware/fetch/fetch.h"

/* What children say of gigabytes, and how their parents pass it on. */

#define NEWS_US (G_USEC_PER_SEC / 5)
#define WAIT_US (INT64_C(3600) * G_USEC_PER_SEC) /* the child has deadlines of its own */

/* ---- the child -------------------------------------------------------------------------------- */

void
rescue_firmware_say(RescueJson *json)
{
	g_autoptr(RescueJson) owned = json;

	(void)rescue_print_json(owned); /* nobody listens any more: the parent's end ends us */
}

void
rescue_firmware_say_news(const RescueTransferNews *news, void *data)
{
	int64_t *said_us = data;
	int64_t now_us = g_get_monotonic_time();
	bool whole = news->total > 0 && news->bytes == news->total;

	if (news->text == NULL && now_us - *said_us < NEWS_US && !whole)
		return;
	*said_us = now_us;
	rescue_firmware_say(rescue_fetch_news_to_json(news));
}

/* ---- the parent ------------------------------------------------------------------------------- */

static void
tell(const RescueFirmwareTeller *teller, RescueJson *body)
{
	g_autoptr(RescueJson) owned = body;

	if (teller->cli->json)
		(void)rescue_print_json(owned);
	else
		rescue_display_feed(teller->display, owned);
}

static void
tell_news(const RescueFirmwareTeller *teller, const RescueObservation *seen)
{
	double fraction = seen->total > 0 ? (double)seen->bytes / (double)seen->total : -1;

	if (seen->line != NULL)
		tell(teller, rescue_event_note(teller->phase, seen->line));
	else
		tell(teller,
		     rescue_event_progress(teller->phase, fraction, seen->bytes, seen->total));
}

void
rescue_firmware_teller_start(RescueFirmwareTeller *teller, RescueJson *body)
{
	const RescueCli *cli = teller->cli;
	const RescueDisplaySpec look = { .stream = stderr,
					 .terminal = isatty(STDERR_FILENO) == 1,
					 .quiet = cli->quiet,
					 .verbose = cli->verbose,
					 .clock = rescue_clock_system() };

	teller->display = rescue_display_new(&look);
	if (body != NULL)
		tell(teller, body);
	tell(teller, rescue_event_step(teller->phase, true));
}

void
rescue_firmware_teller_clear(RescueFirmwareTeller *teller)
{
	if (teller->display != NULL)
		tell(teller, rescue_event_step(teller->phase, false));
	g_clear_pointer(&teller->display, rescue_display_free);
}

char *
rescue_firmware_follow(const RescueFirmwareTeller *teller, RescueInbox *inbox,
		       void (*end)(void *self), void *self, GError **error)
{
	for (;;) {
		g_autoptr(RescueObservation)
		    seen = rescue_inbox_port.next(inbox, g_get_monotonic_time() + WAIT_US);
		if (seen->kind == RESCUE_OBSERVED_STOP) {
			end(self);
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED,
				    "stopped; what has come is kept for the next time");
			return NULL;
		}
		if (seen->kind != RESCUE_OBSERVED_FETCH)
			continue;
		if (seen->error != NULL) {
			g_propagate_error(error, g_steal_pointer(&seen->error));
			return NULL;
		}
		if (seen->path != NULL)
			return g_steal_pointer(&seen->path);
		tell_news(teller, seen);
	}
}
