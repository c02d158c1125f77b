/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/model/event.h"
#include "core/store/index.h"
#include "core/store/journal.h"
#include "core/store/memory.h"
#include "core/store/remove.h"

/* A state folder of the test's own, with one job after the other. */
static char *state;
static unsigned jobs;

static void
say(RescueJournal *journal, const char *job, uint64_t seq, const char *body)
{
	g_autoptr(RescueJson) json = rescue_json_parse(body, strlen(body), NULL);
	g_autoptr(RescueJson) event = rescue_event_stamp(json, seq, 0, job, UINT64_C(1));

	g_assert_nonnull(json);
	g_assert_true(rescue_journal_append(journal, event, NULL));
}

/* One job whose first attempt failed; `then` is what followed the remedy, an event or NULL. */
static void
make_job(const char *product, const char *port, const char *outcome, const char *then)
{
	g_autofree char *job = g_strdup_printf("20261122T100400-%08x", ++jobs);
	g_autofree char *dir = rescue_journal_make_job_dir(state, job, NULL);
	g_autofree char *path = rescue_journal_path(state, job, NULL);
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);
	g_autofree char *device =
	    g_strdup_printf("{\"event\":\"device\",\"product\":\"%s\",\"port\":\"%s\"}", product,
			    port);
	g_autofree char *end =
	    g_strdup_printf("{\"event\":\"remedy\",\"name\":\"pause\",\"outcome\":\"%s\"}",
			    outcome);

	say(journal, job, 1, "{\"event\":\"job\",\"behavior\":\"erase\"}");
	say(journal, job, 2, device);
	say(journal, job, 3, "{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}");
	say(journal, job, 4,
	    "{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"phase\":\"filesystem\"}");
	say(journal, job, 5, "{\"event\":\"remedy\",\"name\":\"pause\",\"state\":\"begin\"}");
	say(journal, job, 6, end);
	if (then != NULL)
		say(journal, job, 7, then);
}

#define RESTORED "{\"event\":\"done\",\"outcome\":\"restored\"}"
#define STOPPED  "{\"event\":\"done\",\"outcome\":\"cancelled\"}"
#define AGAIN    "{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"phase\":\"filesystem\"}"
#define OTHER    "{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"phase\":\"nor\"}"

static void
begin(void)
{
	state = g_dir_make_tmp("rescue-memory-XXXXXX", NULL);
	jobs = 0;
}

static void
end(void)
{
	g_auto(GStrv) names = rescue_journal_list_jobs(state);
	g_autofree char *folder = g_build_filename(state, "jobs", NULL);

	for (size_t i = 0; names[i] != NULL; i++)
		g_assert_true(rescue_store_remove_job(state, names[i], NULL));
	(void)g_rmdir(folder);
	g_assert_true(rescue_index_remove(state));
	g_assert_cmpint(g_rmdir(state), ==, 0);
	g_clear_pointer(&state, g_free);
}

static void
assert_recalled(const RescueRecallQuestion *question, RescueScope scope, unsigned tried,
		unsigned helped)
{
	g_autoptr(RescueMemory) memory = rescue_memory_new(state);
	g_autoptr(GPtrArray) recalls = rescue_memory_port.recall(memory, question);

	g_assert_cmpuint(recalls->len, ==, 1);
	const RescueRecall *one = recalls->pdata[0];
	g_assert_cmpstr(one->remedy, ==, "pause");
	g_assert_cmpuint(one->tried[scope], ==, tried);
	g_assert_cmpuint(one->helped[scope], ==, helped);
}

static const RescueRecallQuestion question = { .failure = "usb-link-dropped",
					       .phase = "filesystem",
					       .product = "iPhone10,3",
					       .port = "1-2",
					       .engine = "1.0.0" };

static void
test_what_came_next_tells_whether_it_helped(void)
{
	begin();
	make_job("iPhone10,3", "1-2", "took-effect", RESTORED);
	make_job("iPhone10,3", "1-2", "took-effect", OTHER); /* it got further */
	make_job("iPhone10,3", "1-2", "took-effect", AGAIN);
	make_job("iPhone10,3", "1-2", "no-effect", AGAIN);
	assert_recalled(&question, RESCUE_SCOPE_PORT, 4, 2);
	make_job("iPhone10,3", "1-2", "took-effect", STOPPED); /* nobody knows */
	make_job("iPhone10,3", "1-2", "took-effect", NULL);
	assert_recalled(&question, RESCUE_SCOPE_PORT, 4, 2);
	end();
}

static void
test_scopes_widen_from_the_port_to_everything(void)
{
	RescueRecallQuestion elsewhere = question;

	begin();
	make_job("iPhone10,3", "1-2", "took-effect", RESTORED);
	make_job("iPhone10,3", "1-3", "took-effect", RESTORED);
	make_job("iPhone9,1", "1-2", "took-effect", AGAIN);
	assert_recalled(&question, RESCUE_SCOPE_PORT, 1, 1);
	assert_recalled(&question, RESCUE_SCOPE_MODEL, 2, 2);
	assert_recalled(&question, RESCUE_SCOPE_ENGINE, 3, 2);
	elsewhere.engine = "1.0.1";
	assert_recalled(&elsewhere, RESCUE_SCOPE_ENGINE, 0, 0);
	assert_recalled(&elsewhere, RESCUE_SCOPE_ALL, 3, 2);
	end();
}

static void
test_another_step_and_the_own_job_teach_nothing(void)
{
	RescueRecallQuestion other = question;
	g_autoptr(RescueMemory) memory = NULL;

	begin();
	make_job("iPhone10,3", "1-2", "took-effect", RESTORED);
	memory = rescue_memory_new(state);
	other.phase = "nor";
	g_autoptr(GPtrArray) none = rescue_memory_port.recall(memory, &other);
	g_assert_cmpuint(none->len, ==, 0);
	other = question;
	other.job = "20261122T100400-00000001";
	g_autoptr(GPtrArray) own = rescue_memory_port.recall(memory, &other);
	g_assert_cmpuint(own->len, ==, 0);
	end();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/memory/helped", test_what_came_next_tells_whether_it_helped);
	g_test_add_func("/memory/scopes", test_scopes_widen_from_the_port_to_everything);
	g_test_add_func("/memory/others", test_another_step_and_the_own_job_teach_nothing);
	return g_test_run();
}
