/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "transport/engine/launch.h"

/*
 * Inner part of transport/engine: which models an engine knows. It knows those that its libirecovery knows, and that
 * keeps them as a table of strings ("iPhone13,2") in its read-only data; neither library nor engine has a way to be
 * asked that both generations offer (`irecovery --devices` came later and is another package). So the library that
 * the engine's loader resolves is read, not run, and every whole string in it that has the form of a model counts.
 * Measured against `irecovery --devices` of libirecovery 1.3.1: the same 307 models, no more and no less.
 */
typedef struct RescueModels RescueModels;

/**
 * NULL when it cannot be told: a script instead of the program, no libirecovery among its libraries. Runs the
 * program's loader (not the program) for a moment.
 */
RescueModels *rescue_models_of(const RescueLaunch *launch);
/** Those in the bytes of a library; NULL when there are too few to be the table. Pure. */
RescueModels *rescue_models_scan(const char *data, size_t size);
/** Accepts NULL. */
void rescue_models_free(RescueModels *models);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueModels, rescue_models_free)
/** True for NULL: an engine that does not tell is not refused, its own word counts. */
bool rescue_models_know(const RescueModels *models, const char *product);
unsigned rescue_models_count(const RescueModels *models);
/** The highest-numbered one of a family ("iPhone", "iPad"); NULL when it has none. Borrowed. */
const char *rescue_models_newest(const RescueModels *models, const char *family);
/** Where the loader's list ("libirecovery-1.0.so.3 => /lib/… (0x…)") says the library is; caller frees. Pure. */
char *rescue_models_read_list(const char *list);
