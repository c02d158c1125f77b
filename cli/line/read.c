/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/read.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/common/history.h"
#include "cli/common/output.h"
#include "cli/common/record.h"
#include "cli/line/client/report.h"
#include "cli/line/past.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "core/base/path.h"
#include "core/store/index.h"
#include "core/store/journal.h"

#define MAX_WANTED 4096u
#define LOWER      10 /* restores come first */

static bool
is_before(const RescueJournalSummary *job, void *data)
{
	const char *before = data;

	return before == NULL || strcmp(job->job, before) < 0;
}

static char *
dump(RescueJson *json)
{
	g_autoptr(RescueJson) owned = json;

	return json != NULL ? rescue_json_dump(json) : NULL;
}

static char *
read_history(const char *state_dir, const RescuePast *past, GError **error)
{
	const RescueLineQuery *query = &past->query;
	RescueIndexFilter filter = { .limit = query->limit + 1u,
				     .keep = is_before,
				     .data = (void *)query->before };
	g_autoptr(RescueIndex) index = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	RescueJson *answer, *list;

	if (query->ecid != NULL && !rescue_ecid_parse(query->ecid, &filter.ecid, error))
		return NULL;
	index = rescue_index_open(state_dir);
	jobs = rescue_index_list(index, &filter);
	answer = rescue_json_object_new();
	list = rescue_json_array_new();
	for (unsigned i = 0; i < MIN(jobs->len, query->limit); i++)
		rescue_json_append_take(list, rescue_history_to_json(state_dir, jobs->pdata[i]));
	rescue_json_take(answer, "jobs", list);
	rescue_json_set_bool(answer, "more", jobs->len > query->limit);
	return dump(answer);
}

/* NULL without an error: there is no such job. */
static char *
read_record(const char *state_dir, const RescuePast *past, GError **error)
{
	g_autofree char *path = rescue_journal_path(state_dir, past->job, NULL);

	if (path == NULL || !g_file_test(path, G_FILE_TEST_EXISTS))
		return NULL;
	return dump(rescue_record_read(state_dir, past->job, error));
}

static char *
read_report(const char *state_dir, const RescuePast *past, GError **error)
{
	return rescue_report_text(state_dir, past->span.from_us, past->span.to_us, past->span.csv);
}

static char *(*const reads[RESCUE_PAST_LAST])(const char *state_dir, const RescuePast *past,
					      GError **error) = {
	[RESCUE_PAST_HISTORY] = read_history,
	[RESCUE_PAST_RECORD] = read_record,
	[RESCUE_PAST_REPORT] = read_report,
};

static RescuePastEnd
write_text(int fd, const char *text, RescuePastEnd end)
{
	size_t size = strlen(text), done = 0;
	ssize_t n = 0;

	while (done < size && (n >= 0 || errno == EINTR)) {
		n = write(fd, text + done, size - done);
		done += n > 0 ? (size_t)n : 0;
	}
	return done == size ? end : RESCUE_PAST_FAILED;
}

static RescuePastEnd
refuse(int fd, const GError *error)
{
	bool input = g_error_matches(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);

	if (error == NULL)
		return write_text(fd, "this computer has no journal of a job with this id",
				  RESCUE_PAST_MISSING);
	return write_text(fd, error->message, input ? RESCUE_PAST_REFUSED : RESCUE_PAST_FAILED);
}

static RescuePastEnd
answer(const char *state_dir, int fd)
{
	size_t size = 0;
	g_autoptr(GError) error = NULL;
	g_autofree char *wanted = rescue_path_read("/dev/stdin", MAX_WANTED, &size, &error);
	g_autoptr(RescueJson) json = wanted != NULL ? rescue_json_parse(wanted, size, &error)
						    : NULL;
	g_autofree char *text = NULL;
	RescuePast past;

	if (json != NULL && rescue_past_parse(json, &past, &error))
		text = reads[past.kind](state_dir, &past, &error);
	if (text == NULL)
		return refuse(fd, error);
	if (strlen(text) > RESCUE_PAST_MAX_BYTES)
		return write_text(fd, "this has more than 64 MiB: ask for a shorter time",
				  RESCUE_PAST_REFUSED);
	return write_text(fd, text, RESCUE_PAST_READ);
}

int
rescue_line_read(const RescueCli *cli, char *const *arguments)
{
	GError *error = NULL;
	uint64_t fd;

	if (arguments[0] == NULL || arguments[1] != NULL)
		return rescue_fail_usage(cli, "say: line read FD, with the question on stdin");
	if (!rescue_parse_uint(arguments[0], 1, G_MAXINT, &fd, &error))
		return rescue_fail(cli, error);
	(void)setpriority(PRIO_PROCESS, 0, LOWER); /* without it, too */
	return (int)answer(cli->state_dir, (int)fd);
}
