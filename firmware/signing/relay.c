/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/relay.h"

#include <poll.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/signing/relay-log.h"
#include "firmware/signing/reply.h"
#include "firmware/signing/wanted.h"

#define MS          1000 /* microseconds */
#define DEADLINE_MS 45000u
#define PAUSE_MS    1000u
#define PAUSE_MAX   5000u
#define MAX_SHIFT   8u

enum { HTTP_UNAVAILABLE = 503 };

/*
 * Before the first ticket nothing has been touched: the engine may as well fail, and the job pauses and asks again.
 * Behind it a phone waits without a system.
 */
typedef struct {
	RescueFailure failure;
	int before_ms, inside_ms;
} Patience;

static const Patience patience[] = {
	{ RESCUE_FAILURE_SIGNING_UNREACHABLE, 20000, 300000 },
	{ RESCUE_FAILURE_SIGNING_SERVER, 20000, 300000 },
	{ RESCUE_FAILURE_SIGNING_INTERCEPTED, 4000, 300000 },
	{ RESCUE_FAILURE_SIGNING_INCOMPLETE, 10000, 60000 },
	/* the build is signed, its ticket was here before: what is refused now may be a slip of one of many servers */
	{ RESCUE_FAILURE_SIGNING_BASEBAND, 0, 60000 },
	{ RESCUE_FAILURE_SIGNING_PART, 0, 60000 },
};

/* an error that the server has numbered is most often about the request: two more tries show whether it is not */
#define NUMBERED_TRIES 3u

struct RescueRelay {
	RescueRelaySpec spec;
	char **wanted;      /* tickets that the present request asks for */
	unsigned requests;  /* of the engine */
	unsigned delivered; /* tickets that went to it */
	unsigned tries;     /* since the trouble began */
	int64_t trouble_us; /* when that was, monotonic; 0: there is none */
};

RescueRelay *
rescue_relay_new(const RescueRelaySpec *spec)
{
	RescueRelay *relay = g_new0(RescueRelay, 1);

	relay->spec = *spec;
	return relay;
}

void
rescue_relay_free(RescueRelay *relay)
{
	if (relay == NULL)
		return;
	g_strfreev(relay->wanted);
	g_free(relay);
}

unsigned
rescue_relay_decide(const RescueRelayFacts *facts)
{
	unsigned pause_ms = MIN(PAUSE_MS << MIN(facts->tries - 1, MAX_SHIFT), PAUSE_MAX);

	if (facts->failure == RESCUE_FAILURE_NONE ||
	    (facts->numbered && facts->tries >= NUMBERED_TRIES))
		return 0;
	for (size_t i = 0; i < G_N_ELEMENTS(patience); i++) {
		int limit_ms = facts->inside ? patience[i].inside_ms : patience[i].before_ms;
		if (patience[i].failure == facts->failure)
			return facts->waited_ms + pause_ms <= limit_ms ? pause_ms : 0;
	}
	return 0;
}

/* true at once when it is, else at the end of `ms` it is known not to be */
static bool
is_gone_within(const RescueRelay *relay, int ms)
{
	struct pollfd engine = { .fd = relay->spec.engine_fd, .events = POLLIN };

	return poll(&engine, 1, ms) > 0;
}

bool
rescue_relay_engine_is_gone(const RescueRelay *relay)
{
	return is_gone_within(relay, 0);
}

static bool
go_on(void *data)
{
	return !rescue_relay_engine_is_gone(data);
}

static int64_t
now_us(void)
{
	return rescue_clock_monotonic_us(rescue_clock_system());
}

/* what the answer means for the device; fills the facts that depend on it */
static void
judge(const RescueRelay *relay, const RescueTssAnswer *answer, RescueRelayFacts *facts,
      RescueRelayNote *note)
{
	g_autoptr(GError) error = NULL;

	note->http_status = answer->http_status;
	note->size = answer->size;
	note->issuer = answer->issuer;
	if (!rescue_tss_answer_check(answer, &error)) {
		facts->failure = (RescueFailure)error->code;
		note->text = g_strdup(error->message);
	} else if (rescue_tss_reply_peek(answer->body, answer->size, &note->status, &note->text)) {
		facts->failure = rescue_tss_wanted_failure(rescue_tss_status_failure(note->status),
							   relay->wanted);
		facts->numbered = true;
	}
}

/* which ticket it was can be proven later, without keeping it; what cannot be read is the engine's business */
static void
note_ticket(const RescueTssAnswer *answer, const RescueRelayFacts *facts, RescueRelayNote *note)
{
	g_auto(RescueTssReply) reply = { .status = -1 };

	if (facts->failure == RESCUE_FAILURE_NONE && answer->body != NULL &&
	    rescue_tss_reply_parse(answer->body, answer->size, &reply, NULL) &&
	    reply.ticket != NULL)
		note->ticket_sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, reply.ticket);
}

static void
note_try(RescueRelay *relay, RescueRelayFacts *facts, RescueRelayNote *note)
{
	if (facts->failure == RESCUE_FAILURE_NONE) {
		relay->trouble_us = 0;
		relay->tries = 0;
		return;
	}
	if (relay->trouble_us == 0)
		relay->trouble_us = now_us();
	facts->tries = ++relay->tries;
	facts->inside = relay->delivered > 0;
	facts->waited_ms = (now_us() - relay->trouble_us) / MS;
	note->waited_ms = facts->waited_ms;
}

/* one try; false when the engine is gone */
static bool
try_once(RescueRelay *relay, const RescueTssPost *post, RescueTssAnswer *answer,
	 RescueRelayFacts *facts, RescueRelayNote *note)
{
	int64_t begun_us = now_us();
	g_autoptr(GError) error = NULL;

	*note = (RescueRelayNote){ .number = relay->requests, .status = -1 };
	if (rescue_tss_post(post, answer, &error)) {
		judge(relay, answer, facts, note);
		note_ticket(answer, facts, note);
	} else {
		if (g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED))
			return false;
		facts->failure = (RescueFailure)error->code;
		note->text = g_strdup(error->message);
	}
	note->took_ms = (now_us() - begun_us) / MS;
	note->failure = facts->failure;
	note_try(relay, facts, note);
	return true;
}

/* what nobody answered looks to the engine as if there were no relay: no status, no text */
static void
give(RescueRelay *relay, const RescueRelayFacts *facts, RescueTssAnswer *answer)
{
	if (facts->failure == RESCUE_FAILURE_NONE)
		relay->delivered++;
	if (answer->body == NULL)
		answer->body = g_strdup("");
	if (answer->http_status == 0)
		answer->http_status = HTTP_UNAVAILABLE;
}

bool
rescue_relay_handle(RescueRelay *relay, const char *body, size_t size, RescueTssAnswer *ret_answer)
{
	const RescueTssPost post = {
		.server = relay->spec.server,
		.ca_file = relay->spec.ca_file,
		.body = body,
		.size = size,
		.deadline_ms = DEADLINE_MS,
		.go_on = go_on,
		.data = relay,
	};

	relay->requests++;
	g_strfreev(relay->wanted);
	relay->wanted = rescue_tss_wanted(body, size);
	rescue_relay_log_request(relay->requests, relay->wanted,
				 relay->spec.with_bodies ? body : NULL, size);
	for (;;) {
		g_auto(RescueTssAnswer) answer = { .body = NULL };
		RescueRelayFacts facts = { .failure = RESCUE_FAILURE_NONE };
		g_auto(RescueRelayNote) note = { .number = 0 };
		if (!try_once(relay, &post, &answer, &facts, &note))
			return false;
		note.pause_ms = rescue_relay_decide(&facts);
		rescue_relay_log_reply(&note, relay->spec.with_bodies ? answer.body : NULL);
		if (note.pause_ms == 0) {
			give(relay, &facts, &answer);
			*ret_answer = answer;
			answer = (RescueTssAnswer){ .body = NULL };
			return true;
		}
		if (is_gone_within(relay, (int)note.pause_ms))
			return false;
	}
}
