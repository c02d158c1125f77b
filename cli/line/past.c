/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/past.h"

#include <string.h>

#include "core/base/error.h"

static const char *const kinds[RESCUE_PAST_LAST] = {
	[RESCUE_PAST_HISTORY] = "history",
	[RESCUE_PAST_RECORD] = "record",
	[RESCUE_PAST_REPORT] = "report",
};

char *
rescue_past_write(const RescuePast *past)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();

	rescue_json_set_string(json, "read", kinds[past->kind]);
	if (past->kind == RESCUE_PAST_HISTORY) {
		rescue_json_set_string(json, "ecid", past->query.ecid);
		rescue_json_set_string(json, "before", past->query.before);
		rescue_json_set_int(json, "limit", past->query.limit);
	} else if (past->kind == RESCUE_PAST_RECORD) {
		rescue_json_set_string(json, "job", past->job);
	} else {
		rescue_json_set_int(json, "from_us", past->span.from_us);
		rescue_json_set_int(json, "to_us", past->span.to_us);
		rescue_json_set_bool(json, "csv", past->span.csv);
	}
	return rescue_json_dump(json);
}

static RescuePastKind
find_kind(const char *name)
{
	RescuePastKind kind = 0;

	while (kind < RESCUE_PAST_LAST && g_strcmp0(name, kinds[kind]) != 0)
		kind++;
	return kind;
}

bool
rescue_past_parse(const RescueJson *json, RescuePast *ret_past, GError **error)
{
	int64_t limit = 0;
	RescuePast past = {
		.kind = find_kind(rescue_json_get_string(json, "read")),
		.query.ecid = rescue_json_get_string(json, "ecid"),
		.query.before = rescue_json_get_string(json, "before"),
		.job = rescue_json_get_string(json, "job"),
		.span.csv = rescue_json_get_bool(json, "csv", false),
	};
	bool whole[RESCUE_PAST_LAST + 1] = {
		[RESCUE_PAST_HISTORY] = rescue_json_get_int(json, "limit", &limit) && limit > 0 &&
					limit <= G_MAXINT,
		[RESCUE_PAST_RECORD] = past.job != NULL,
		[RESCUE_PAST_REPORT] = rescue_json_get_int(json, "from_us", &past.span.from_us) &&
				       rescue_json_get_int(json, "to_us", &past.span.to_us),
	};

	if (!whole[past.kind]) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "stdin does not say what to read of past jobs: a line asks that");
		return false;
	}
	past.query.limit = (unsigned)limit;
	*ret_past = past;
	return true;
}
