/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "transport/engine/installed.h"

/*
 * Inner part of transport/engine: how the engine is started whose packages have been unpacked in `installed->dir`.
 * Fills program, loader, libraries, size and version; it has to start, and say who it is. ENGINE_UNUSABLE.
 */
bool rescue_explore(RescueInstalled *installed, GError **error);
