/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/devices/agent.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/process/process.h"

#define PROGRAM_NAME "idevicerescue-agent"

enum {
	/* the agent ends itself first and tells what it waited for */
	OUTER_MARGIN_MS = 2000,
	GRACE_MS = 500,
	MAX_ARGUMENTS = 16,
	NUMBER_SIZE = 24,
};

/** A call's argv and the storage behind it. */
typedef struct {
	const char *argv[MAX_ARGUMENTS];
	size_t count;
	char ecid[RESCUE_ECID_TEXT];
	char deadline[NUMBER_SIZE], chip[NUMBER_SIZE], board[NUMBER_SIZE];
} Arguments;

/** What the agent has said so far. */
typedef struct {
	RescueDevice *facts;
	GError *error;
} Reply;

struct RescueAgentTask {
	RescueProcess *process;
	Reply reply;
	char *command;
	guint deadline;
	bool timed_out;
	bool freed, calling; /* freed by `done` while it is being called */
	RescueAgentDone done;
	void *data;
};

static void
reply_clear(Reply *reply)
{
	g_clear_pointer(&reply->facts, rescue_device_free);
	g_clear_error(&reply->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

static void
add(Arguments *arguments, const char *option, const char *value)
{
	if (option != NULL)
		arguments->argv[arguments->count++] = option;
	if (value != NULL)
		arguments->argv[arguments->count++] = value;
}

static void
make_arguments(const RescueAgentCall *call, Arguments *ret_arguments)
{
	*ret_arguments = (Arguments){ .count = 0 };
	g_snprintf(ret_arguments->deadline, NUMBER_SIZE, "%u", call->deadline_ms);
	add(ret_arguments, NULL, call->program);
	add(ret_arguments, "--deadline-ms", ret_arguments->deadline);
	add(ret_arguments, NULL, call->command);
	add(ret_arguments, NULL, call->argument);
	if (call->ecid != 0)
		add(ret_arguments, "--ecid", rescue_ecid_format(call->ecid, ret_arguments->ecid));
	if (call->udid != NULL)
		add(ret_arguments, "--udid", call->udid);
	if (call->model == NULL)
		return;
	g_snprintf(ret_arguments->chip, NUMBER_SIZE, "0x%04x", call->model->chip_id);
	g_snprintf(ret_arguments->board, NUMBER_SIZE, "0x%02x", call->model->board_id);
	add(ret_arguments, "--cpid", ret_arguments->chip);
	add(ret_arguments, "--bdid", ret_arguments->board);
}

static bool
get_number(const RescueJson *json, const char *key, uint32_t *ret_number)
{
	int64_t value;
	if (!rescue_json_get_int(json, key, &value) || value < 0 || value > G_MAXUINT32)
		return false;
	*ret_number = (uint32_t)value;
	return true;
}

/* the agent has met hostile input */
static unsigned
read_percent(const RescueJson *json)
{
	uint32_t percent = 0;
	return get_number(json, "battery", &percent) && percent <= 100 ? percent : 0;
}

static RescueDevice *
read_facts(const RescueJson *json)
{
	RescueDevice *facts = rescue_device_new();
	const char *ecid = rescue_json_get_string(json, "ecid");
	const char *mode = rescue_json_get_string(json, "mode");
	if (ecid != NULL)
		(void)rescue_ecid_parse(ecid, &facts->ecid, NULL); /* stays 0 */
	if (mode == NULL || !rescue_mode_parse(mode, &facts->mode))
		facts->mode = RESCUE_MODE_UNKNOWN;
	facts->udid = g_strdup(rescue_json_get_string(json, "udid"));
	facts->product = g_strdup(rescue_json_get_string(json, "product"));
	facts->board = g_strdup(rescue_json_get_string(json, "board"));
	facts->serial = g_strdup(rescue_json_get_string(json, "serial"));
	facts->battery_percent = read_percent(json);
	facts->version = g_strdup(rescue_json_get_string(json, "version"));
	facts->build = g_strdup(rescue_json_get_string(json, "build"));
	rescue_owner_read(&facts->owner, json);
	facts->trust = rescue_trust_of_word(rescue_json_get_string(json, "trust"));
	facts->have_chip = get_number(json, "chip_id", &facts->chip_id) &&
			   get_number(json, "board_id", &facts->board_id);
	return facts;
}

static void
read_error(const RescueJson *json, Reply *reply)
{
	const char *name = rescue_json_get_string(json, "failure");
	const char *text = rescue_json_get_string(json, "text");
	RescueFailure failure;
	if (name == NULL || !rescue_failure_parse(name, &failure))
		failure = RESCUE_FAILURE_INTERNAL;
	g_clear_error(&reply->error);
	g_set_error(&reply->error, RESCUE_ERROR, (gint)failure, "%s",
		    text != NULL ? text : rescue_failure_info(failure)->means);
}

/** A line of the agent; what is no JSON is a library's chatter. */
static void
read_line(Reply *reply, const char *line)
{
	g_autoptr(RescueJson) json = rescue_json_parse(line, strlen(line), NULL);
	const char *event = json != NULL ? rescue_json_get_string(json, "event") : NULL;
	if (g_strcmp0(event, "error") == 0) {
		read_error(json, reply);
	} else if (g_strcmp0(event, "result") == 0) {
		rescue_device_free(reply->facts);
		reply->facts = read_facts(json);
	}
}

/** How the child ended, when it did not say itself. A library that crashes after the answer does not unsay it. */
static void
judge_end(Reply *reply, const char *command, int status, int signal, bool timed_out)
{
	if (reply->error != NULL || reply->facts != NULL)
		return;
	if (timed_out)
		g_set_error(&reply->error, RESCUE_ERROR, RESCUE_FAILURE_DEVICE_SILENT,
			    "‘%s’ got no answer from the device in time", command);
	else if (signal != 0)
		g_set_error(&reply->error, RESCUE_ERROR, RESCUE_FAILURE_AGENT_CRASHED,
			    "a device library crashed during ‘%s’ (signal %d)", command, signal);
	else
		g_set_error(&reply->error, RESCUE_ERROR, RESCUE_FAILURE_INTERNAL,
			    "‘%s’ ended without an answer (exit status %d)", command, status);
}

static void
on_line(const char *line, void *data)
{
	RescueAgentTask *task = data;
	read_line(&task->reply, line);
}

static void
task_free_now(RescueAgentTask *task)
{
	g_clear_handle_id(&task->deadline, g_source_remove);
	rescue_process_free(task->process);
	reply_clear(&task->reply);
	g_free(task->command);
	g_free(task);
}

static void
on_exit_seen(int status, int signal, void *data)
{
	RescueAgentTask *task = data;
	g_clear_handle_id(&task->deadline, g_source_remove);
	judge_end(&task->reply, task->command, status, signal, task->timed_out);
	task->calling = true;
	task->done(task->reply.error == NULL ? task->reply.facts : NULL, task->reply.error,
		   task->data);
	task->calling = false;
	if (task->freed)
		task_free_now(task);
}

static gboolean
on_deadline(gpointer data)
{
	RescueAgentTask *task = data;
	task->deadline = 0;
	task->timed_out = true;
	rescue_process_end(task->process, GRACE_MS);
	return G_SOURCE_REMOVE;
}

RescueAgentTask *
rescue_agent_start(const RescueAgentCall *call, RescueAgentDone done, void *data, GError **error)
{
	g_autoptr(RescueAgentTask) task = g_new0(RescueAgentTask, 1);
	Arguments arguments;
	make_arguments(call, &arguments);
	task->done = done;
	task->data = data;
	task->command = g_strdup(call->command);
	task->process = rescue_process_start(&(RescueProcessSpec){ .argv = arguments.argv,
								   .inherit_fd = -1,
								   .on_line = on_line,
								   .on_exit = on_exit_seen,
								   .data = task },
					     error);
	if (task->process == NULL)
		return NULL;
	task->deadline = g_timeout_add(call->deadline_ms + OUTER_MARGIN_MS, on_deadline, task);
	return g_steal_pointer(&task);
}

void
rescue_agent_task_free(RescueAgentTask *task)
{
	if (task == NULL)
		return;
	task->freed = true;
	if (!task->calling)
		task_free_now(task);
}

bool
rescue_agent_run(const RescueAgentCall *call, RescueDevice **ret_facts, GError **error)
{
	g_auto(RescueProcessResult) result = { .status = 0 };
	g_auto(Reply) reply = { .facts = NULL };
	Arguments arguments;
	make_arguments(call, &arguments);
	if (!rescue_process_run(&(RescueProcessSpec){ .argv = arguments.argv, .inherit_fd = -1 },
				call->deadline_ms + OUTER_MARGIN_MS, &result, error))
		return false;
	g_auto(GStrv) lines = g_strsplit(result.output, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		read_line(&reply, *line);
	judge_end(&reply, call->command, result.status, result.signal, result.timed_out);
	if (reply.error != NULL) {
		g_propagate_error(error, g_steal_pointer(&reply.error));
		return false;
	}
	if (ret_facts != NULL)
		*ret_facts = g_steal_pointer(&reply.facts);
	return true;
}

char *
rescue_agent_find(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = self != NULL ? g_path_get_dirname(self) : NULL;
	g_autofree char *beside = dir != NULL ? g_build_filename(dir, PROGRAM_NAME, NULL) : NULL;
	if (beside != NULL && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&beside);
	return g_strdup(PROGRAM_NAME);
}
