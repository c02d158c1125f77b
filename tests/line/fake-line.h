/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

#include "cli/line/past.h"
#include "cli/line/view.h"
#include "core/line/station.h"

/* A bench of rows × columns ports, A1 to Z99, whose phones do what a test says; the station behind it is real. */

typedef struct FakeLine FakeLine;

/** Caller owns. */
FakeLine *fake_line_new(unsigned rows, unsigned columns);
void fake_line_free(FakeLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeLine, fake_line_free)
/** What a server takes; the line is its `self`. */
extern const RescueLineView fake_line_view;
/** Is told what changes from now on; NULL: nobody. Borrowed. */
void fake_line_set_server(FakeLine *line, RescueLineServer *server);

/** A phone comes to the port with this label. Its ECID is made of the label. */
void fake_line_plug(FakeLine *line, const char *label, const char *product, RescueAnswer find_my);
void fake_line_unplug(FakeLine *line, const char *label);
/** Its job begins. */
void fake_line_start(FakeLine *line, const char *label);
/** Its job says this: JSON without stamp. */
void fake_line_tell(FakeLine *line, const char *label, const char *json);
/** Many phones in all states that there are. */
void fake_line_crowd(FakeLine *line);
/** The last thing that an operator did, as "hold A1 - somebody"; "" for nothing. Borrowed. */
const char *fake_line_last_act(const FakeLine *line);
/** What its children answer to rescue_past_write(); each phone has `past` jobs. NULL: no such job. Caller frees. */
char *fake_line_read(unsigned past, const char *text);
