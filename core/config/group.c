/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/config/group.h"

#include <string.h>

bool
rescue_group_fields_read(const RescueGroupField *fields, int kind, void *object,
			 const RescueIniGroup *group, GError **error)
{
	g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(RescueField));

	for (; fields->field.key != NULL; fields++) {
		if (fields->group == kind)
			g_array_append_val(own, fields->field);
	}
	return rescue_fields_read((const RescueField *)(void *)own->data, own->len, object, group,
				  error);
}

static bool
read_group(const RescueGroupKind *kinds, void *object, const RescueIniGroup *group, GError **error)
{
	for (; kinds->name != NULL; kinds++) {
		const char *name = rescue_ini_group_name(group, kinds->name);
		if (kinds->named ? name != NULL : strcmp(group->name, kinds->name) == 0)
			return kinds->read(object, group, name, error);
	}
	return rescue_config_refuse(error, "unknown group", group->name);
}

bool
rescue_groups_read(const RescueGroupKind *kinds, void *object, const GPtrArray *groups,
		   GError **error)
{
	for (unsigned i = 0; i < groups->len; i++) {
		if (!read_group(kinds, object, g_ptr_array_index(groups, i), error))
			return false;
	}
	return true;
}
