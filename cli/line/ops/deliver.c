/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/common/record.h"
#include "cli/line/ops/hook.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/process/process.h"
#include "core/store/journal.h"
#include "core/store/journal_summary.h"
#include "core/store/outbox.h"
#include "transport/webhook/webhook.h"

#define NICE      10
#define BUSY_MS   1000 /* another child of this name is at it, of a daemon that ended */
#define MAX_LINES 50u  /* of what one run of a hook says */

/** One courier. */
typedef struct {
	const char *state_dir;
	char *dir;
	const char *name;
	const RescueWebhook *webhook; /* or */
	const RescueHook *hook;
	char *secret;
	uint64_t up_to; /* 0: no last one */
	RescueOutboxCursor cursor;
	RescueDelivered result;
} Courier;

/** What became of one event. */
typedef enum {
	EVENT_TOLD,
	EVENT_DROPPED,
	EVENT_WAITS,
} EventEnd;

static void
courier_clear(Courier *courier)
{
	g_free(courier->dir);
	g_free(courier->secret);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Courier, courier_clear)

char *
rescue_courier_name(const char *kind, const char *name)
{
	return g_strconcat(kind, "-", name, NULL);
}

RescueJson *
rescue_delivered_to_json(const RescueDelivered *delivered)
{
	RescueJson *json = rescue_json_object_new();

	rescue_json_set_int(json, "told", delivered->told);
	rescue_json_set_int(json, "dropped", delivered->dropped);
	rescue_json_set_bool(json, "behind", delivered->behind);
	rescue_json_set_int(json, "again_ms", delivered->again_ms);
	return json;
}

char *
rescue_outbox_dir(const char *state_dir)
{
	return g_build_filename(state_dir, "line", "outbox", NULL);
}

static void
complain(const Courier *courier, const RescueJson *event, const char *what)
{
	const char *id = rescue_json_get_string(event, "id");

	(void)fprintf(stderr, "%s: event %s: %s\n", courier->name,
		      id != NULL ? id : "without an id", what);
}

static bool
find_courier(Courier *courier, const RescueLineConfig *config, GError **error)
{
	for (unsigned i = 0; i < config->webhooks->len; i++) {
		const RescueWebhook *webhook = g_ptr_array_index(config->webhooks, i);
		g_autofree char *name = rescue_courier_name(RESCUE_COURIER_WEBHOOK, webhook->name);
		if (strcmp(name, courier->name) == 0)
			courier->webhook = webhook;
	}
	for (unsigned i = 0; i < config->hooks->len; i++) {
		const RescueHook *hook = g_ptr_array_index(config->hooks, i);
		g_autofree char *name = rescue_courier_name(RESCUE_COURIER_HOOK, hook->name);
		if (strcmp(name, courier->name) == 0)
			courier->hook = hook;
	}
	if (courier->webhook != NULL)
		courier->secret = rescue_webhook_read_secret(courier->webhook->secret, error);
	if (courier->hook != NULL || courier->webhook != NULL)
		return courier->hook != NULL || courier->secret != NULL;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "the configuration has no webhook or hook ‘%s’", courier->name);
	return false;
}

static void
add_end(RescueJson *event, const RescueJournalSummary *job)
{
	rescue_json_set_string(event, "outcome", job->outcome);
	rescue_json_set_string(event, "failure", job->failure);
	rescue_json_set_string(event, "version", job->version);
	rescue_json_set_string(event, "build", job->build);
	rescue_json_set_string(event, "data", job->data);
	rescue_json_set_int(event, "attempts", job->attempts);
	rescue_json_set_real(event, "seconds", job->seconds);
}

/* what the journal says of a job that ended: with it and the restore record an event can stand for itself */
static void
add_record(const Courier *courier, RescueJson *event)
{
	const char *kind = rescue_json_get_string(event, "event");
	bool done = g_strcmp0(kind, rescue_notice_name(RESCUE_NOTICE_DONE)) == 0;
	const char *job = done ? rescue_json_get_string(event, "job") : NULL;
	g_autofree char *path = job != NULL ? rescue_journal_path(courier->state_dir, job, NULL)
					    : NULL;
	g_autoptr(RescueJournalSummary) summary = path != NULL ? rescue_journal_summary(path, NULL)
							       : NULL;

	if (summary == NULL)
		return;
	add_end(event, summary);
	rescue_json_take(event, "record", rescue_record_read(courier->state_dir, job, NULL));
}

static bool
is_wanted(const Courier *courier, const RescueJson *event)
{
	unsigned kinds = courier->webhook != NULL ? courier->webhook->kinds : courier->hook->kinds;
	RescueNoticeKind kind;

	return rescue_notice_parse(rescue_json_get_string(event, "event"), &kind) &&
	       (kinds & (1u << kind)) != 0;
}

static bool
is_too_old(const Courier *courier, const RescueJson *event, int64_t now_us)
{
	const char *text = rescue_json_get_string(event, "ts");
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	return time != NULL && now_us / G_USEC_PER_SEC - g_date_time_to_unix(time) >
				   courier->webhook->give_up_ms / 1000;
}

static EventEnd
put_off(Courier *courier, int64_t asked_ms, const RescueJson *event, const char *why)
{
	g_autofree char *what = NULL;

	courier->cursor.tries++;
	courier->result.again_ms = rescue_webhook_pause_ms(courier->cursor.tries, asked_ms,
							   g_random_double());
	what = g_strdup_printf("%s; try %u, the next one in %" G_GINT64_FORMAT " s", why,
			       courier->cursor.tries, courier->result.again_ms / 1000);
	complain(courier, event, what);
	return EVENT_WAITS;
}

static EventEnd
judge_answer(Courier *courier, const RescueWebhookAnswer *answer, const RescueJson *event)
{
	g_autofree char *why = g_strdup_printf("HTTP %ld", answer->status);

	switch (rescue_webhook_judge(answer->status)) {
	case RESCUE_WEBHOOK_TAKEN:
		return EVENT_TOLD;
	case RESCUE_WEBHOOK_REFUSED:
		complain(courier, event, why);
		return EVENT_DROPPED;
	case RESCUE_WEBHOOK_LATER:
		break;
	}
	return put_off(courier, answer->asked_ms, event, why);
}

static EventEnd
tell_webhook(Courier *courier, const RescueJson *event)
{
	int64_t now_us = rescue_clock_wall_us(rescue_clock_system());
	g_autofree char *body = rescue_json_dump(event);
	const char *id = rescue_json_get_string(event, "id");
	const RescueWebhookPost post = {
		.url = courier->webhook->url,
		.ca_file = courier->webhook->ca_file,
		.secret = courier->secret,
		.id = id != NULL ? id : "",
		.kind = rescue_json_get_string(event, "event"),
		.body = body,
		.wall_s = now_us / G_USEC_PER_SEC,
		.deadline_ms = (unsigned)courier->webhook->deadline_ms,
	};
	RescueWebhookAnswer answer = { 0 };
	g_autoptr(GError) error = NULL;

	if (is_too_old(courier, event, now_us)) {
		complain(courier, event, "given up, it is too old");
		return EVENT_DROPPED;
	}
	if (!rescue_webhook_post(&post, &answer, &error))
		return put_off(courier, 0, event, error->message);
	return judge_answer(courier, &answer, event);
}

static void
on_hook_line(const char *line, void *data)
{
	unsigned *lines = data;

	if ((*lines)++ < MAX_LINES)
		(void)fprintf(stderr, "  %s\n", line);
}

static EventEnd
tell_hook(Courier *courier, const RescueJson *event)
{
	g_autofree char *input = rescue_json_dump(event);
	g_autofree const char **argv = rescue_hook_argv(courier->hook);
	g_auto(GStrv) environment = rescue_hook_environment(event);
	g_auto(RescueProcessResult) result = { 0 };
	g_autoptr(GError) error = NULL;
	unsigned lines = 0;
	const RescueProcessSpec spec = {
		.argv = argv,
		.env = (const char *const *)environment,
		.cwd = "/",
		.input = input,
		.merge_stderr = true,
		.inherit_fd = -1,
		.on_line = on_hook_line,
		.data = &lines,
	};

	if (!rescue_process_run(&spec, (unsigned)courier->hook->deadline_ms, &result, &error)) {
		complain(courier, event, error->message);
		return EVENT_DROPPED;
	}
	if (result.status == 0 && !result.timed_out)
		return EVENT_TOLD;
	g_autofree char *why = g_strdup_printf(result.timed_out
						   ? "the program was ended, its deadline was over"
						   : "the program ended with status %d, signal %d",
					       result.status, result.signal);
	complain(courier, event, why);
	return EVENT_DROPPED;
}

static bool
save(const Courier *courier, GError **error)
{
	return rescue_outbox_save(courier->dir, courier->name, &courier->cursor, error);
}

/* done with it, whatever became of it */
static void
pass(Courier *courier, const RescueJson *event)
{
	courier->cursor = (RescueOutboxCursor){ .seq = rescue_json_get_count(event, "seq") };
}

/* false when it is the last one for now, or with an error */
static bool
deliver_event(Courier *courier, RescueJson *event, GError **error)
{
	EventEnd end;

	add_record(courier, event);
	if (courier->hook != NULL) {
		pass(courier, event);
		if (!save(courier, error))
			return false;
	}
	end = courier->hook != NULL ? tell_hook(courier, event) : tell_webhook(courier, event);
	if (end == EVENT_WAITS) {
		int64_t now_ms = rescue_clock_wall_us(rescue_clock_system()) / 1000;
		courier->cursor.again_ms = now_ms + courier->result.again_ms;
		(void)save(courier, error);
		return false;
	}
	courier->result.told += end == EVENT_TOLD;
	courier->result.dropped += end == EVENT_DROPPED;
	pass(courier, event);
	return courier->hook != NULL || save(courier, error);
}

static bool
deliver_all(Courier *courier, GError **error)
{
	g_autoptr(GPtrArray)
	    events = rescue_outbox_read(courier->dir, courier->cursor.seq, RESCUE_DELIVER_AT_ONCE);
	uint64_t saved = courier->cursor.seq;
	GError *failed = NULL;
	bool going = true;

	for (unsigned i = 0; going && i < events->len; i++) {
		RescueJson *event = g_ptr_array_index(events, i);
		if (courier->up_to != 0 && rescue_json_get_count(event, "seq") > courier->up_to)
			break;
		if (!is_wanted(courier, event)) {
			pass(courier, event);
			continue;
		}
		going = deliver_event(courier, event, &failed);
		saved = courier->cursor.seq;
	}
	courier->result.behind = going && events->len == RESCUE_DELIVER_AT_ONCE;
	if (failed == NULL && saved != courier->cursor.seq)
		(void)save(courier, &failed);
	if (failed == NULL)
		return true;
	g_propagate_error(error, failed);
	return false;
}

/* a clock that was set back must not make it wait for years */
static int64_t
remaining_ms(const RescueOutboxCursor *cursor)
{
	int64_t now_ms = rescue_clock_wall_us(rescue_clock_system()) / 1000;

	if (cursor->again_ms == 0)
		return 0;
	return CLAMP(cursor->again_ms - now_ms, 0, RESCUE_WEBHOOK_PAUSE_MAX_MS);
}

static int
take_lock(const Courier *courier, GError **error)
{
	g_autofree char *name = g_strconcat("lock-", courier->name, NULL);
	g_autofree char *path = g_build_filename(courier->dir, name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot open ‘%s’: %s", path,
			    g_strerror(errno));
	return fd;
}

/* of an open file description: it ends with this process, and what a hook starts does not have it */
static bool
is_mine(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool
rescue_deliver(const RescueDelivery *delivery, RescueDelivered *ret_delivered, GError **error)
{
	g_auto(Courier) courier = { .state_dir = delivery->state_dir,
				    .dir = rescue_outbox_dir(delivery->state_dir),
				    .name = delivery->courier,
				    .up_to = delivery->up_to };
	bool done = true;
	int lock;

	(void)setpriority(PRIO_PROCESS, 0, NICE); /* restores come first; without it, too */
	if (!find_courier(&courier, delivery->config, error))
		return false;
	lock = take_lock(&courier, error);
	if (lock < 0)
		return false;
	if (!is_mine(lock)) {
		courier.result.again_ms = BUSY_MS;
	} else {
		(void)rescue_outbox_load(courier.dir, courier.name, &courier.cursor);
		courier.result.again_ms = remaining_ms(&courier.cursor);
		if (courier.result.again_ms == 0)
			done = deliver_all(&courier, error);
	}
	(void)close(lock);
	*ret_delivered = courier.result;
	return done;
}
