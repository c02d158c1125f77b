/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What one phone has been through, told three times over: by the lab's record, by the one that watched all of them, and
 * by its own restore. Here they are compared.
 */
typedef struct {
	char *name, *ecid; /* p7, 0x… as the product writes it */
	char *events;      /* path of its restore's event stream */
	int status;        /* exit status of its restore; -1: it has not ended */
	GString
	    *watched; /* modes in the order the watcher told them: "recovery absent recovery " */
	const char *state; /* folder of the product's state; borrowed */
} CrowdPhone;

/** Modes of each phone by the lab's record, as CrowdPhone.watched has them: name → GString. Caller unrefs. */
GHashTable *crowd_record_modes(const char *path);
/** How often the lab itself was late by its record, and by how many ms at most. */
unsigned crowd_record_late(const char *path, unsigned *ret_most_ms);
/** Appends one sentence to `complaints` for each thing that does not fit; `modes` is the phone's own of the record. */
void crowd_judge(const CrowdPhone *phone, const GString *modes, GPtrArray *complaints);
