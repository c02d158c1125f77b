/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/port/line.h"

/** Gives turns as files in the folders of jobs (cli/common/turns.h). Self is the state folder, a string. */
extern const RescueGrantPort rescue_line_grant_port;
