/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/scenario/hardware.h"
#include "tests/lab/scenario/model.h"
#include "tests/lab/world/ipsw.h"

/** What component.def says of a component. */
enum {
	LAB_COMPONENT_MADE = 1 << 0,
	LAB_COMPONENT_FIRMWARE = 1 << 1,
	LAB_COMPONENT_SECONDARY = 1 << 2,
	LAB_COMPONENT_FUD = 1 << 3,
	LAB_COMPONENT_IBOOT = 1 << 4,
	LAB_COMPONENT_RETAG = 1 << 5,
	LAB_COMPONENT_RAW = 1 << 6,
	LAB_COMPONENT_BUILD = 1 << 7,
};

typedef struct {
	const char *name;
	const char *type;
	const char *path; /* with % words; NULL */
	unsigned flags;
	unsigned first_train;
} LabComponent;

/** The line of component.def, NULL when there is none. */
const LabComponent *lab_component_find(const char *name);
/** The lines in order; NULL behind the last. */
const LabComponent *lab_component_at(unsigned index);
/** The chip beside the processor that it is for. */
LabChipKind lab_component_chip(const char *name);
/** Path in a made firmware; caller frees; NULL when it has none. */
char *lab_component_path(const LabComponent *component, const LabModel *model, bool update);
/**
 * The file that stands for component `name` at `path`: an IM4P of the component's type, a baseband archive, or bytes.
 * Never the OS image. Components that share a path differ in the type only. Caller owns the result.
 */
GBytes *lab_component_data(const LabIpswSpec *spec, const char *name, const char *path,
			   bool update);
