/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <signal.h>

#include "cli/commands/commands.h"

int
main(int argc, char **argv)
{
	static const RescueCommand *const commands[] = {
		&rescue_command_devices,
		&rescue_command_restore,
		&rescue_command_recovery,
		&rescue_command_dfu,
		&rescue_command_firmware,
		&rescue_command_engine,
		&rescue_command_sign,
		&rescue_command_explain,
		&rescue_command_history,
		&rescue_command_diagnose,
		&rescue_command_doctor,
		&rescue_command_line,
		NULL,
	};

	/* a reader of our output that goes away must not end a job in the middle of a restore */
	(void)signal(SIGPIPE, SIG_IGN);
	return rescue_cli_main(commands, argv);
}
