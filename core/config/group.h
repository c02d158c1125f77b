/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/config/ini.h"

/* A file of several kinds of groups: who reads which of them, and which keys each may have. Both as tables. */

/** A row of a table of keys, which a row with `field.key` NULL ends. */
typedef struct {
	int group; /* the caller's own number of a kind of group */
	RescueField field;
} RescueGroupField;

/** A row of a table of kinds of groups, which a row with `name` NULL ends. */
typedef struct {
	const char *name;
	bool named; /* [hook printer] and not [line] */
	/** `name` is what stands behind the kind ("printer"), NULL for a kind without. Errors tell the group. */
	bool (*read)(void *object, const RescueIniGroup *group, const char *name, GError **error);
} RescueGroupKind;

/** Reads the keys of a group into `object`; one that this kind does not have is refused, as in rescue_fields_read(). */
bool rescue_group_fields_read(const RescueGroupField *fields, int kind, void *object,
			      const RescueIniGroup *group, GError **error);
/** Has each group (RescueIniGroup) read by its kind, in order; one of no kind is refused. */
bool rescue_groups_read(const RescueGroupKind *kinds, void *object, const GPtrArray *groups,
			GError **error);
