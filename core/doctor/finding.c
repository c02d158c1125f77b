/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/finding.h"

#include <glib.h>

#define OWNER_APPLE true
#define OWNER_OTHER false

static const RescueFindingInfo infos[] = {
#define RESCUE_FINDING(id, finding_name, part_id, severity_id, failure_id, means_text, \
		       advice_text)                                                    \
	[RESCUE_FINDING_##id] = {                                                      \
		.name = finding_name,                                                  \
		.part = RESCUE_PART_##part_id,                                         \
		.severity = RESCUE_SEVERITY_##severity_id,                             \
		.failure = RESCUE_FAILURE_##failure_id,                                \
		.means = means_text,                                                   \
		.advice = advice_text,                                                 \
	},
#include "core/doctor/finding.def"
#undef RESCUE_FINDING
};

static const RescueEndpoint endpoints[] = {
#define RESCUE_ENDPOINT(need_id, address, has_plain, owner) \
	{ .need = RESCUE_NEED_##need_id,                    \
	  .url = address,                                   \
	  .plain = has_plain,                               \
	  .apple = OWNER_##owner },
#include "core/doctor/endpoint.def"
#undef RESCUE_ENDPOINT
};

static const char *const parts[] = {
	[RESCUE_PART_NETWORK] = "network",
	[RESCUE_PART_USB] = "usb",
	[RESCUE_PART_ENGINE] = "engine",
	[RESCUE_PART_HOST] = "host",
};

static const char *const needs[] = {
	[RESCUE_NEED_SIGNING] = "signing",   [RESCUE_NEED_FACTORY] = "factory",
	[RESCUE_NEED_FIRMWARE] = "firmware", [RESCUE_NEED_CATALOGUE] = "catalogue",
	[RESCUE_NEED_PORTAL] = "portal",
};

const RescueFindingInfo *
rescue_finding_info(RescueFindingId id)
{
	g_assert(id < RESCUE_FINDING_LAST);
	return &infos[id];
}

bool
rescue_finding_parse(const char *name, RescueFindingId *ret_id)
{
	for (size_t i = 0; i < G_N_ELEMENTS(infos); i++) {
		if (g_strcmp0(infos[i].name, name) == 0) {
			*ret_id = (RescueFindingId)i;
			return true;
		}
	}
	return false;
}

static bool
find_word(const char *const *words, size_t count, const char *word, size_t *ret_index)
{
	for (size_t i = 0; i < count; i++) {
		if (g_strcmp0(words[i], word) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

const char *
rescue_part_name(RescuePart part)
{
	return parts[part];
}

bool
rescue_part_parse(const char *name, RescuePart *ret_part)
{
	size_t i;

	if (!find_word(parts, G_N_ELEMENTS(parts), name, &i))
		return false;
	*ret_part = (RescuePart)i;
	return true;
}

const char *
rescue_severity_name(RescueSeverity severity)
{
	static const char *const names[] = {
		[RESCUE_SEVERITY_BREAKS] = "breaks",
		[RESCUE_SEVERITY_MAY] = "may",
		[RESCUE_SEVERITY_HINT] = "hint",
	};

	return names[severity];
}

const RescueEndpoint *
rescue_endpoint(size_t n)
{
	return n < G_N_ELEMENTS(endpoints) ? &endpoints[n] : NULL;
}

const char *
rescue_need_name(RescueNeed need)
{
	return needs[need];
}

bool
rescue_need_parse(const char *name, RescueNeed *ret_need)
{
	size_t i;

	if (!find_word(needs, G_N_ELEMENTS(needs), name, &i))
		return false;
	*ret_need = (RescueNeed)i;
	return true;
}
