/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/config.h"

#include <stddef.h>
#include <string.h>

#include "core/config/group.h"
#include "core/config/shipped.h"

#define GROUP_POLICY   "policy"
#define GROUP_PATIENCE "patience"

static const RescueField keys[] = {
#define RESCUE_KEY(text, field, kind_id, min, max) \
	{ text, offsetof(RescuePolicy, field), RESCUE_FIELD_##kind_id, min, max },
#include "core/config/key.def"
#undef RESCUE_KEY
	{ "consents", sizeof(RescuePolicy), RESCUE_FIELD_LIST, 0, 0 },
};

/* As it stands in the file, with the words of consent that are no member by themselves. */
typedef struct {
	RescuePolicy policy; /* first: the fields' offsets are its own */
	char **consents;
} Written;

static bool
take_consents(const Written *written, RescuePolicy *policy, GError **error)
{
	for (size_t i = 0; written->consents != NULL && written->consents[i] != NULL; i++) {
		unsigned consent = 0;
		if (!rescue_consent_parse(written->consents[i], &consent))
			return rescue_config_refuse(error, "[" GROUP_POLICY "] consents: unknown",
						    written->consents[i]);
		policy->consents |= consent;
	}
	return true;
}

static bool
read_policy(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescuePolicy *policy = object;
	Written written = { .policy = *policy };
	bool fine = rescue_fields_read(keys, G_N_ELEMENTS(keys), &written, group, error);

	*policy = written.policy; /* it owns what was read, whatever came after it */
	fine = fine && take_consents(&written, policy, error);
	g_strfreev(written.consents);
	return fine;
}

static bool
read_patience(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescuePolicy *policy = object;

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

static const RescueGroupKind group_kinds[] = {
	{ GROUP_POLICY, false, read_policy },
	{ GROUP_PATIENCE, false, read_patience },
	{ .name = NULL },
};

static bool
read_all(RescuePolicy *policy, const GPtrArray *groups, GError **error)
{
	if (!rescue_groups_read(group_kinds, policy, groups, error))
		return false;
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

static RescuePolicy *
parse_shipped(const RescueShippedPolicy *shipped)
{
	g_autoptr(GPtrArray)
	    groups = rescue_ini_parse(shipped->text, strlen(shipped->text), "policy", NULL);
	g_autoptr(RescuePolicy) policy = rescue_policy_new_standard();

	return groups != NULL && read_all(policy, groups, NULL) ? g_steal_pointer(&policy) : NULL;
}

RescuePolicy *
rescue_policy_find_shipped(const char *name)
{
	for (size_t i = 0; i < rescue_shipped_policies_count; i++) {
		if (strcmp(rescue_shipped_policies[i].name, name) == 0)
			return parse_shipped(&rescue_shipped_policies[i]);
	}
	return NULL;
}

char *
rescue_policy_list_shipped(void)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < rescue_shipped_policies_count; i++)
		g_string_append_printf(text, "%s%s", i == 0 ? "" : ", ",
				       rescue_shipped_policies[i].name);
	return g_string_free(text, FALSE);
}
