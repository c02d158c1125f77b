/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>

#include "firmware/ipsw/zip.h"

/* idevicerescue-bench-inflate: unpacks one member to nowhere by the reader of the product, checksum and all. */

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueZip) zip = NULL;
	const RescueZipEntry *entry = NULL;

	if (argc != 3) {
		fprintf(stderr, "usage: idevicerescue-bench-inflate ARCHIVE MEMBER\n");
		return 2;
	}
	zip = rescue_zip_open(argv[1], &error);
	if (zip != NULL)
		entry = rescue_zip_find(zip, argv[2]);
	if (entry != NULL && rescue_zip_verify(zip, entry, &error))
		return 0;
	fprintf(stderr, "idevicerescue-bench-inflate: %s\n",
		error != NULL ? error->message : "there is no such member");
	return 1;
}
