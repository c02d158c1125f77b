/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"

/* One per file of this folder; the table is in main.c. */
extern const RescueCommand rescue_command_devices;
extern const RescueCommand rescue_command_diagnose;
extern const RescueCommand rescue_command_doctor;
extern const RescueCommand rescue_command_engine;
extern const RescueCommand rescue_command_explain;
extern const RescueCommand rescue_command_firmware;
extern const RescueCommand rescue_command_history;
extern const RescueCommand rescue_command_dfu;
extern const RescueCommand rescue_command_line;
extern const RescueCommand rescue_command_recovery;
extern const RescueCommand rescue_command_restore;
extern const RescueCommand rescue_command_sign;
