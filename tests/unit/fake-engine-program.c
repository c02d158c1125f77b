/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

/* Stands in for the program in a package: an ELF file, so that it has to be started by a loader. */
int
main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "-v") == 0)
		puts("idevicerestore 1.0.1 (libirecovery 1.3.1, libtatsu 1.0.5)");
	else
		printf("Usage: %s [OPTIONS] PATH\n  --logfile=PATH\n  -s, --server URL\n"
		       "  --variant VARIANT\n",
		       argv[0]);
	return 0;
}
