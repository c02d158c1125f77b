/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/client.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "firmware/fetch/remote.h"
#include "firmware/ipsw/firmware-json.h"
#include "firmware/signing/budget.h"
#include "firmware/signing/post.h"

/* a little more than the worker's own deadline for its one request */
#define DEADLINE_MS  60000u
#define REMOTE_PARTS 4u
#define MAX_TURN_MS  300000 /* who would have to wait longer is told so */

struct RescueSigning {
	char *program, *budget, *server, *ca_file;
	bool with_ticket;
};

RescueSigning *
rescue_signing_new(const RescueSigningSpec *spec)
{
	RescueSigning *signing = g_new0(RescueSigning, 1);

	signing->program = g_strdup(spec->program);
	signing->budget = rescue_signing_budget_path(spec->state_dir);
	signing->server = g_strdup(spec->server.server);
	signing->ca_file = g_strdup(spec->server.ca_file);
	signing->with_ticket = spec->with_ticket;
	return signing;
}

void
rescue_signing_free(RescueSigning *signing)
{
	if (signing == NULL)
		return;
	g_free(signing->program);
	g_free(signing->budget);
	g_free(signing->server);
	g_free(signing->ca_file);
	g_free(signing);
}

/* ---- the station's turn ---------------------------------------------------------------------------- */

static gboolean
on_turn(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

static void
wait_for_turn(int64_t wait_ms)
{
	bool mine = wait_ms <= 0;

	if (!mine)
		(void)g_timeout_add((guint)wait_ms, on_turn, &mine);
	while (!mine)
		g_main_context_iteration(NULL, TRUE);
}

static bool
take_turn(const RescueSigning *signing, GError **error)
{
	int64_t now_us = rescue_clock_wall_us(rescue_clock_system());
	int64_t wait_ms = 0;

	if (!rescue_signing_budget_take(signing->budget, now_us, &wait_ms, error))
		return false;
	if (wait_ms > MAX_TURN_MS) {
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_SERVER,
			    "this station has asked the signing server too often; its turn comes "
			    "in %d min",
			    (int)(wait_ms / 60000) + 1);
		return false;
	}
	wait_for_turn(wait_ms);
	return true;
}

/* ---- the child ------------------------------------------------------------------------------------- */

static void
add(GPtrArray *argv, const char *option, const char *value)
{
	g_ptr_array_add(argv, g_strdup(option));
	if (value != NULL)
		g_ptr_array_add(argv, g_strdup(value));
}

static char **
make_argv(const RescueSigning *signing, const RescueSigningQuestion *question)
{
	GPtrArray *argv = g_ptr_array_new();
	char ecid[RESCUE_ECID_TEXT];
	g_autofree char *chip = g_strdup_printf("0x%x", question->chip_id);
	g_autofree char *board = g_strdup_printf("0x%x", question->board_id);

	add(argv, signing->program, "--json");
	if (signing->server != NULL)
		add(argv, "--signing-server", signing->server);
	if (signing->ca_file != NULL)
		add(argv, "--ca-file", signing->ca_file);
	add(argv, "sign", "check");
	add(argv, "--worker", NULL);
	if (signing->with_ticket)
		add(argv, "--with-ticket", NULL);
	add(argv, "--ecid", rescue_ecid_format(question->ecid, ecid));
	add(argv, "--chip", chip);
	add(argv, "--board", board);
	add(argv, question->behavior == RESCUE_BEHAVIOR_UPDATE ? "--update" : "--erase", NULL);
	if (question->variant != NULL)
		add(argv, "--variant", question->variant);
	add(argv, "--ipsw", question->ipsw);
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

static void
explain_silence(const RescueProcessResult *result, GError **error)
{
	if (result->timed_out)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_UNREACHABLE,
			    "the signing server gave no answer within %u s", DEADLINE_MS / 1000);
	else if (rescue_process_result_is_foreign_end(result))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "who asks the signing server was ended by signal %d, %u times: the "
			    "computer may be short of memory",
			    result->signal, RESCUE_PROCESS_TRIES);
	else if (result->signal != 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_INTERCEPTED,
			    "the answer to the signing request is not usable: its reader ended "
			    "with signal %d",
			    result->signal);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL,
			    "the signing worker gave no answer (status %d)", result->status);
}

static bool
read_answer(const RescueProcessResult *result, RescueSigningAnswer *ret_answer, GError **error)
{
	g_autoptr(RescueJson) json = NULL;
	GError *said;

	if (!result->timed_out && result->signal == 0 && result->output != NULL)
		json = rescue_json_parse(result->output, strlen(result->output), NULL);
	if (json == NULL) {
		explain_silence(result, error);
		return false;
	}
	said = rescue_error_from_json(json);
	if (said == NULL)
		return rescue_signing_answer_from_json(json, ret_answer, error);
	g_propagate_error(error, said);
	return false;
}

/* the server has said it to one of us: all of this station leave it alone for a while */
static void
note_limit(const RescueSigning *signing, const GError *error)
{
	if (g_error_matches(error, RESCUE_ERROR, RESCUE_FAILURE_SIGNING_SERVER) &&
	    strstr(error->message, RESCUE_TSS_LIMIT_WORDS) != NULL)
		(void)rescue_signing_budget_punish(signing->budget,
						   rescue_clock_wall_us(rescue_clock_system()),
						   NULL);
}

bool
rescue_signing_client_ask(RescueSigning *signing, const RescueSigningQuestion *question,
			  RescueSigningAnswer *ret_answer, GError **error)
{
	g_auto(GStrv) argv = make_argv(signing, question);
	const RescueProcessSpec spec = { .argv = (const char *const *)argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { 0 };
	GError *unknown = NULL;
	/* directory and manifest of an archive that is elsewhere: a few requests more */
	unsigned deadline_ms = DEADLINE_MS + (rescue_remote_is_address(question->ipsw)
						  ? REMOTE_PARTS * RESCUE_SIGNING_REMOTE_MS
						  : 0);

	if (!take_turn(signing, error) ||
	    !rescue_process_insist(&spec, deadline_ms, &result, error))
		return false;
	if (read_answer(&result, ret_answer, &unknown))
		return true;
	note_limit(signing, unknown);
	g_propagate_error(error, unknown);
	return false;
}

static bool
check(void *self, const RescueSigningQuestion *question, int *ret_status, GError **error)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = 0 };

	GError *unknown = NULL;

	*ret_status = 0;
	if (!rescue_signing_client_ask(self, question, &answer, &unknown)) {
		*ret_status = -rescue_tss_http_of_message(unknown->message);
		g_propagate_error(error, unknown);
		return false;
	}
	if (answer.failure == RESCUE_FAILURE_NONE)
		return true;
	*ret_status = MAX(answer.status, 0);
	g_set_error(error, RESCUE_ERROR, (int)answer.failure,
		    "the signing server says no (status %d): %s", answer.status,
		    answer.message != NULL && *answer.message != '\0' ? answer.message
								      : "it gives no reason");
	return false;
}

const RescueSigningPort rescue_signing_port = {
	.check = check,
};
