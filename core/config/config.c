/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/config.h"

#include <stddef.h>
#include <string.h>

#include "core/config/ini.h"

#define GROUP_POLICY   "policy"
#define GROUP_PATIENCE "patience"

static const RescueField keys[] = {
#define RESCUE_KEY(text, field, kind_id, min, max) \
	{ text, offsetof(RescuePolicy, field), RESCUE_FIELD_##kind_id, min, max },
#include "core/config/key.def"
#undef RESCUE_KEY
};

static bool
read_policy(RescuePolicy *policy, const RescueIniGroup *group, GError **error)
{
	return rescue_fields_read(keys, G_N_ELEMENTS(keys), policy, group, error);
}

static bool
read_patience(RescuePolicy *policy, const RescueIniGroup *group, GError **error)
{
	for (unsigned i = 0; i < group->entries->len; i++) {
		const RescueIniEntry *entry = g_ptr_array_index(group->entries, i);
		RescueField field = { .kind = RESCUE_FIELD_DURATION };
		RescuePhase phase;
		if (!rescue_phase_parse(entry->key, &phase))
			return rescue_config_refuse(error, "unknown phase in [" GROUP_PATIENCE "]:",
						    entry->key);
		if (!rescue_field_read(&field, &policy->patience_ms[phase], entry->value, error)) {
			g_prefix_error(error, "[" GROUP_PATIENCE "] %s: ", entry->key);
			return false;
		}
	}
	return true;
}

static bool
read_group(RescuePolicy *policy, const RescueIniGroup *group, GError **error)
{
	if (strcmp(group->name, GROUP_POLICY) == 0)
		return read_policy(policy, group, error);
	if (strcmp(group->name, GROUP_PATIENCE) == 0)
		return read_patience(policy, group, error);
	return rescue_config_refuse(error, "unknown group", group->name);
}

static bool
read_all(RescuePolicy *policy, const GPtrArray *groups, GError **error)
{
	for (unsigned i = 0; i < groups->len; i++) {
		if (!read_group(policy, g_ptr_array_index(groups, i), error))
			return false;
	}
	if (policy->pause_max_ms < policy->pause_ms)
		return rescue_config_refuse(error, "pause-max is shorter than pause in",
					    policy->name);
	return true;
}

RescuePolicy *
rescue_policy_load(const char *path, GError **error)
{
	g_autoptr(GPtrArray) groups = rescue_ini_load(path, "policy", error);
	g_autoptr(RescuePolicy) policy = rescue_policy_new_standard();

	if (groups == NULL)
		return NULL;
	if (!read_all(policy, groups, error)) {
		(void)rescue_config_blame(error, path);
		return NULL;
	}
	return g_steal_pointer(&policy);
}
