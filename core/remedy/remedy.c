/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/remedy/remedy.h"

#include <string.h>

#include "core/base/parse.h"
#include "core/remedy/ladder.h"

#define TIME             "{time}"
#define WORTH_TELLING_MS 1000

enum { RISK_NONE, RISK_DATA };

static const RescueRemedyInfo infos[] = {
#define RESCUE_REMEDY(id, remedy_name, remedy_level, need, cost, risk, seen_by, remedy_text, \
		      remedy_past)                                                           \
	[RESCUE_REMEDY_##id] = {                                                             \
		.name = remedy_name,                                                         \
		.level = RESCUE_LEVEL_##remedy_level,                                        \
		.needs = RESCUE_GIVEN_##need,                                                \
		.cost_s = cost,                                                              \
		.risks_data = RISK_##risk,                                                   \
		.sign = RESCUE_SIGN_##seen_by,                                               \
		.automatic = RESCUE_LEVEL_##remedy_level != RESCUE_LEVEL_PERSON,             \
		.text = remedy_text,                                                         \
		.past = remedy_past,                                                         \
	},
#include "core/remedy/remedy.def"
#undef RESCUE_REMEDY
};

static const RescueRung rungs[] = {
#define RESCUE_RUNG(failure_id, remedy_id, mode, how_often) \
	{ RESCUE_FAILURE_##failure_id, RESCUE_REMEDY_##remedy_id, RESCUE_WHEN_##mode, how_often },
#include "core/remedy/ladder.def"
#undef RESCUE_RUNG
};

/* the same lines once more, for those who only want the names */
static const RescueRemedy remedies[] = {
#define RESCUE_RUNG(failure_id, remedy_id, mode, how_often) RESCUE_REMEDY_##remedy_id,
#include "core/remedy/ladder.def"
#undef RESCUE_RUNG
};

const RescueRemedyInfo *
rescue_remedy_info(RescueRemedy remedy)
{
	return &infos[remedy < RESCUE_REMEDY_LAST ? remedy : RESCUE_REMEDY_GIVE_UP];
}

char *
rescue_remedy_tell_past(RescueRemedy remedy, int64_t ms)
{
	const char *past = rescue_remedy_info(remedy)->past;
	const char *place = strstr(past, TIME);
	g_autofree char *time = rescue_format_duration(ms);

	if (place != NULL)
		return g_strdup_printf("%.*s%s%s", (int)(place - past), past, time,
				       place + strlen(TIME));
	return ms < WORTH_TELLING_MS ? g_strdup(past) : g_strdup_printf("%s (%s)", past, time);
}

bool
rescue_remedy_parse(const char *name, RescueRemedy *ret_remedy)
{
	for (size_t i = 0; i < RESCUE_REMEDY_LAST; i++) {
		if (g_strcmp0(infos[i].name, name) == 0) {
			*ret_remedy = (RescueRemedy)i;
			return true;
		}
	}
	return false;
}

size_t
rescue_ladder_rungs(RescueFailure failure, const RescueRung **ret_rungs)
{
	size_t first = 0;
	while (first < G_N_ELEMENTS(rungs) && rungs[first].failure != failure)
		first++;
	size_t end = first;
	while (end < G_N_ELEMENTS(rungs) && rungs[end].failure == failure)
		end++;
	*ret_rungs = first < end ? &rungs[first] : NULL;
	return end - first;
}

size_t
rescue_remedy_ladder(RescueFailure failure, const RescueRemedy **ret_remedies)
{
	const RescueRung *first;
	size_t n = rescue_ladder_rungs(failure, &first);
	*ret_remedies = n > 0 ? &remedies[first - rungs] : NULL;
	return n;
}

RescueJson *
rescue_remedy_ladder_json(RescueFailure failure)
{
	RescueJson *array = rescue_json_array_new();
	const RescueRemedy *ladder;
	size_t n = rescue_remedy_ladder(failure, &ladder);
	for (size_t i = 0; i < n; i++) {
		const RescueRemedyInfo *info = rescue_remedy_info(ladder[i]);
		RescueJson *object = rescue_json_object_new();
		rescue_json_set_string(object, "name", info->name);
		rescue_json_set_bool(object, "automatic", info->automatic);
		rescue_json_set_string(object, "text", info->text);
		rescue_json_append_take(array, object);
	}
	return array;
}
