/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/fake/world.h"

/* What idevicerestore 1.0.0 writes, shortened to the lines that tell. */

#define UNTIL_BOOTX                                       \
	"> Found device in Recovery mode\n"               \
	"> Identified device as d22ap, iPhone10,3\n"      \
	"> Extracting BuildManifest from IPSW\n"          \
	"> Trying to fetch new SHSH blob\n"               \
	"> Received SHSH blobs\n"                         \
	"> Sending iBEC (330 bytes)...\n"                 \
	"mode absent\n wait 300\n mode recovery\n"        \
	"> Sending RestoreRamDisk (330 bytes)...\n"       \
	"> Sending RestoreKernelCache (330 bytes)...\n"   \
	"> Waiting for device to enter restore mode...\n" \
	"mode absent\n wait 800\n"
#define UNTIL_FILESYSTEM                              \
	UNTIL_BOOTX "mode restore\n"                  \
		    "> About to restore device... \n" \
		    "> Creating filesystem (12)\n"    \
		    "> About to send filesystem...\n" \
		    "> Connected to ASR\n"            \
		    "> Sending filesystem now...\n"
#define SUCCESS                                         \
	UNTIL_FILESYSTEM "> progress: 2 1.000000\n"     \
			 "> Done sending filesystem\n"  \
			 "> Verifying restore (14)\n"   \
			 "> About to send NORData...\n" \
			 "> Done sending NORData\n"     \
			 "> Got status message\n"       \
			 "> Status: Restore Finished\n" \
			 "mode absent\n"                \
			 "> DONE\n"                     \
			 "exit 0\n"
#define BOOTS "wait 20000\n mode normal\n"

#define DROPPED                                            \
	"> ERROR: Unable to send filesystem\n"             \
	"> ERROR: Could not read data (-256). Aborting.\n" \
	"exit 245\n"

#define LOADER_FAILS                                                                \
	"> Found device in Recovery mode\n"                                         \
	"> Sending iBEC (330 bytes)...\n"                                           \
	"> ERROR: Unable to send iBEC component: Unable to upload data to device\n" \
	"> ERROR: Unable to send iBEC\n"                                            \
	"exit 254\n"

/** A phone in recovery mode, and the scripts of one or two engine runs. Caller owns. */
static inline RescueWorld *
world_with(const char *first, const char *second)
{
	RescueWorld *world = rescue_world_new(RESCUE_MODE_RECOVERY);

	rescue_world_engine_plays(world, first);
	if (second != NULL)
		rescue_world_engine_plays(world, second);
	return world;
}
