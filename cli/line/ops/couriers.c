/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/couriers.h"

#include <string.h>

#include "cli/line/ops/deliver.h"
#include "cli/line/ops/settings.h"
#include "core/base/json.h"
#include "core/base/path.h"
#include "core/line/notice.h"
#include "core/process/process.h"
#include "core/store/journal.h"
#include "core/store/outbox.h"

#define AT_ONCE      4u    /* children of all webhooks and hooks together */
#define CRASH_MS     60000 /* before one is started again that failed as a whole */
#define SPARE_MS     60000 /* of its time: what it does besides telling */
#define GRACE_MS     1000u
#define RECALL_STEP  500u
#define MAX_AGAIN_MS (INT64_C(3600) * 1000)

/** One webhook or hook. */
typedef struct {
	RescueCouriers *couriers;
	char *name;
	RescueJson *settings; /* what its children are told */
	unsigned kinds;
	bool news; /* something may be there for it */
	bool gone; /* the configuration does not have it any more */
	RescueProcess *process;
	guint pause;    /* source: it is not started before */
	guint deadline; /* source: its child hangs */
	bool told;      /* the child has said how it is going on: */
	bool behind;
	int64_t again_ms;
} Courier;

struct RescueCouriers {
	GPtrArray *command; /* char *, without the name */
	char *state_dir, *dir;
	unsigned patience_ms;
	RescueCourierLog log;
	void *data;
	RescueOutbox *outbox;
	RescueNoticer *noticer;
	GPtrArray *list; /* Courier */
	bool refused;    /* the outbox could not be written to, and that was said */
};

static void start_due(RescueCouriers *couriers);

static void
courier_free(void *data)
{
	Courier *courier = data;

	g_clear_handle_id(&courier->pause, g_source_remove);
	g_clear_handle_id(&courier->deadline, g_source_remove);
	rescue_process_free(courier->process);
	g_free(courier->name);
	rescue_json_free(courier->settings);
	g_free(courier);
}

static void
say(const RescueCouriers *couriers, const char *sentence)
{
	if (couriers->log != NULL)
		couriers->log(sentence, couriers->data);
}

static void
on_child_line(const char *line, void *data)
{
	Courier *courier = data;
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);

	if (json == NULL)
		return;
	courier->told = true;
	courier->behind = rescue_json_get_bool(json, "behind", false);
	courier->again_ms = 0;
	(void)rescue_json_get_int(json, "again_ms", &courier->again_ms);
}

static gboolean
on_pause_over(gpointer data)
{
	Courier *courier = data;

	courier->pause = 0;
	courier->news = true;
	start_due(courier->couriers);
	return G_SOURCE_REMOVE;
}

static void
pause_for(Courier *courier, int64_t ms)
{
	if (courier->pause == 0)
		courier->pause = g_timeout_add((guint)CLAMP(ms, 1, MAX_AGAIN_MS), on_pause_over,
					       courier);
}

static void
say_errors(const Courier *courier)
{
	g_auto(GStrv) lines = g_strsplit(rescue_process_stderr(courier->process), "\n", -1);

	for (size_t i = 0; lines[i] != NULL; i++) {
		if (lines[i][0] != '\0')
			say(courier->couriers, lines[i]);
	}
}

static void
on_child_exit(int status, int signal, void *data)
{
	Courier *courier = data;
	RescueCouriers *couriers = courier->couriers;

	g_clear_handle_id(&courier->deadline, g_source_remove);
	say_errors(courier);
	if (status != 0 || !courier->told) {
		g_autofree char *what =
		    g_strdup_printf("%s: the child that delivers ended with status %d, signal %d; "
				    "it is started again in a minute",
				    courier->name, status, signal);
		say(couriers, what);
		pause_for(courier, CRASH_MS);
	} else if (courier->again_ms > 0) {
		pause_for(courier, courier->again_ms);
	} else if (courier->behind) {
		courier->news = true;
	}
	g_clear_pointer(&courier->process, rescue_process_free);
	if (courier->gone)
		(void)g_ptr_array_remove_fast(couriers->list, courier);
	start_due(couriers);
}

/* Each of its tries has a deadline: what has not ended by then was stopped, or waits for a disk that is gone. */
static gboolean
on_deadline(gpointer data)
{
	Courier *courier = data;
	g_autofree char *what = g_strdup_printf("%s: the child that delivers does not come to its "
						"end: it is ended",
						courier->name);

	courier->deadline = 0;
	say(courier->couriers, what);
	rescue_process_end(courier->process, GRACE_MS);
	return G_SOURCE_REMOVE;
}

static void
watch_child(Courier *courier)
{
	int64_t wait_ms = courier->couriers->patience_ms, one_ms = 0;

	(void)rescue_json_get_int(courier->settings, "deadline_ms", &one_ms);
	if (wait_ms == 0)
		wait_ms = one_ms * RESCUE_DELIVER_AT_ONCE + SPARE_MS;
	courier->deadline = g_timeout_add((guint)CLAMP(wait_ms, 1, G_MAXINT), on_deadline, courier);
}

static void
start(Courier *courier)
{
	RescueCouriers *couriers = courier->couriers;
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *input = NULL;
	g_autoptr(GError) error = NULL;

	/* what comes later may be for other settings */
	rescue_json_set_int(courier->settings, RESCUE_COURIER_UP_TO,
			    (int64_t)rescue_outbox_last(couriers->outbox));
	input = rescue_json_dump(courier->settings);

	for (unsigned i = 0; i < couriers->command->len; i++)
		g_ptr_array_add(argv, g_ptr_array_index(couriers->command, i));
	g_ptr_array_add(argv, courier->name);
	g_ptr_array_add(argv, NULL);
	courier->news = false;
	courier->told = false;
	courier->process =
	    rescue_process_start(&(RescueProcessSpec){ .argv = (const char *const *)argv->pdata,
						       .input = input,
						       .outlives_us = true,
						       .inherit_fd = -1,
						       .on_line = on_child_line,
						       .on_exit = on_child_exit,
						       .data = courier },
				 &error);
	if (courier->process != NULL) {
		watch_child(courier);
		return;
	}
	say(couriers, error->message);
	pause_for(courier, CRASH_MS);
}

static void
start_due(RescueCouriers *couriers)
{
	unsigned running = 0;

	for (unsigned i = 0; i < couriers->list->len; i++)
		running += ((const Courier *)g_ptr_array_index(couriers->list, i))->process != NULL;
	for (unsigned i = 0; i < couriers->list->len && running < AT_ONCE; i++) {
		Courier *courier = g_ptr_array_index(couriers->list, i);
		if (!courier->news || courier->gone || courier->process != NULL ||
		    courier->pause != 0)
			continue;
		start(courier);
		running += courier->process != NULL;
	}
}

/* beside the job's journal: where it was and what was scanned for it, which the job itself does not know */
static void
note_end(const RescueCouriers *couriers, const RescueJson *event)
{
	const char *job = rescue_json_get_string(event, "job");
	g_autofree char *journal = job != NULL ? rescue_journal_path(couriers->state_dir, job, NULL)
					       : NULL;
	g_autofree char *dir = journal != NULL ? g_path_get_dirname(journal) : NULL;
	g_autofree char *path = dir != NULL ? g_build_filename(dir, RESCUE_NOTICE_FILE, NULL)
					    : NULL;
	g_autofree char *text = rescue_json_dump(event);
	g_autoptr(GError) error = NULL;

	/* waits for no disk: a report without its label is no harm */
	if (path != NULL && g_file_test(dir, G_FILE_TEST_IS_DIR) &&
	    !rescue_path_put(path, text, strlen(text), 0600, &error))
		say(couriers, error->message);
}

static bool
on_notice(RescueNoticeKind kind, RescueJson *event, void *data)
{
	RescueCouriers *couriers = data;
	g_autoptr(RescueJson) owned = event;
	g_autoptr(GError) error = NULL;

	if (!rescue_outbox_append(couriers->outbox, owned, &error)) {
		if (!couriers->refused)
			say(couriers, error->message);
		couriers->refused = true;
		return false;
	}
	couriers->refused = false;
	if (kind == RESCUE_NOTICE_DONE)
		note_end(couriers, owned);
	for (unsigned i = 0; i < couriers->list->len; i++) {
		Courier *courier = g_ptr_array_index(couriers->list, i);
		courier->news |= (courier->kinds & (1u << kind)) != 0;
	}
	return true;
}

void
rescue_couriers_look(RescueCouriers *couriers, const RescueStation *station, int64_t wall_us)
{
	rescue_noticer_look(couriers->noticer, station, wall_us, on_notice, couriers);
	start_due(couriers);
}

static Courier *
find(const RescueCouriers *couriers, const char *name)
{
	for (unsigned i = 0; i < couriers->list->len; i++) {
		Courier *courier = g_ptr_array_index(couriers->list, i);
		if (strcmp(courier->name, name) == 0)
			return courier;
	}
	return NULL;
}

static Courier *
get(RescueCouriers *couriers, const char *kind, const char *given)
{
	g_autofree char *name = rescue_courier_name(kind, given);
	Courier *courier = find(couriers, name);

	if (courier != NULL)
		return courier;
	courier = g_new0(Courier, 1);
	courier->couriers = couriers;
	courier->name = g_steal_pointer(&name);
	g_ptr_array_add(couriers->list, courier);
	return courier;
}

/* takes `settings` over; one that was never here before does not get what happened before it came */
static void
begin(Courier *courier, unsigned kinds, RescueJson *settings)
{
	RescueCouriers *couriers = courier->couriers;
	RescueOutboxCursor cursor = { .seq = rescue_outbox_last(couriers->outbox) };
	g_autoptr(GError) error = NULL;

	rescue_json_free(courier->settings);
	courier->settings = settings;
	courier->kinds = kinds;
	courier->gone = false;
	courier->news = true; /* its predecessor may not have come to the end */
	if (!rescue_outbox_load(couriers->dir, courier->name, &cursor) &&
	    !rescue_outbox_save(couriers->dir, courier->name, &cursor, &error))
		say(couriers, error->message);
}

void
rescue_couriers_configure(RescueCouriers *couriers, const RescueLineConfig *config)
{
	for (unsigned i = 0; i < couriers->list->len; i++)
		((Courier *)g_ptr_array_index(couriers->list, i))->gone = true;
	for (unsigned i = 0; i < config->webhooks->len; i++) {
		const RescueWebhook *webhook = g_ptr_array_index(config->webhooks, i);
		begin(get(couriers, RESCUE_COURIER_WEBHOOK, webhook->name), webhook->kinds,
		      rescue_webhook_to_json(webhook));
	}
	for (unsigned i = 0; i < config->hooks->len; i++) {
		const RescueHook *hook = g_ptr_array_index(config->hooks, i);
		begin(get(couriers, RESCUE_COURIER_HOOK, hook->name), hook->kinds,
		      rescue_hook_to_json(hook));
	}
	for (unsigned i = couriers->list->len; i > 0; i--) {
		const Courier *courier = g_ptr_array_index(couriers->list, i - 1);
		if (courier->gone && courier->process == NULL)
			(void)g_ptr_array_remove_index_fast(couriers->list, i - 1);
	}
	start_due(couriers);
}

/* little by little: the outbox of a busy station is large, and nothing of it is kept */
static void
recall(RescueCouriers *couriers)
{
	uint64_t after = 0;
	unsigned n;

	do {
		g_autoptr(GPtrArray) events = rescue_outbox_read(couriers->dir, after, RECALL_STEP);
		for (unsigned i = 0; i < events->len; i++) {
			const RescueJson *event = g_ptr_array_index(events, i);
			int64_t seq = 0;
			rescue_noticer_recall(couriers->noticer, event);
			(void)rescue_json_get_int(event, "seq", &seq);
			after = (uint64_t)seq;
		}
		n = events->len;
	} while (n == RECALL_STEP);
}

RescueCouriers *
rescue_couriers_new(const RescueCouriersSpec *spec, const RescueLineConfig *config, GError **error)
{
	g_autoptr(RescueCouriers) couriers = g_new0(RescueCouriers, 1);

	couriers->command = g_ptr_array_new_with_free_func(g_free);
	couriers->list = g_ptr_array_new_with_free_func(courier_free);
	couriers->noticer = rescue_noticer_new(config->name);
	couriers->state_dir = g_strdup(spec->state_dir);
	couriers->dir = rescue_outbox_dir(spec->state_dir);
	couriers->patience_ms = spec->patience_ms;
	couriers->log = spec->log;
	couriers->data = spec->data;
	for (size_t i = 0; spec->command[i] != NULL; i++)
		g_ptr_array_add(couriers->command, g_strdup(spec->command[i]));
	couriers->outbox = rescue_outbox_open(couriers->dir, config->outbox_bytes, error);
	if (couriers->outbox == NULL)
		return NULL;
	recall(couriers);
	rescue_couriers_configure(couriers, config);
	return g_steal_pointer(&couriers);
}

void
rescue_couriers_free(RescueCouriers *couriers)
{
	if (couriers == NULL)
		return;
	g_ptr_array_unref(couriers->list);
	rescue_outbox_close(couriers->outbox);
	rescue_noticer_free(couriers->noticer);
	g_ptr_array_unref(couriers->command);
	g_free(couriers->state_dir);
	g_free(couriers->dir);
	g_free(couriers);
}
