/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * $LAB_CONTROL: a FIFO to which the command writes what is to be done now, a line each, such as
 * "a move to 1-1.4". A machine also says there that it is "ready", and at its end "exit 0".
 */
typedef struct LabControl LabControl;

/** Makes the FIFO. `on_line` gets each line, without its end. Caller owns the result. */
LabControl *lab_control_new(const char *path, void (*on_line)(void *data, const char *line),
			    void *data, GError **error);
/** Accepts NULL. */
void lab_control_free(LabControl *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabControl, lab_control_free)
/** Borrowed. */
const char *lab_control_path(const LabControl *control);
/** Reads what has been written by now; otherwise the main loop does it. */
void lab_control_drain(LabControl *control);
