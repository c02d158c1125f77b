/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <sys/mman.h>
#include <unistd.h>

#include "firmware/ipsw/zip.h"
#include "tests/fuzz/fuzz.h"

#define MAX_MEMBER (1024u * 1024)

static void
read_members(const RescueZip *zip)
{
	for (size_t i = 0; i < MIN(rescue_zip_count(zip), 16); i++) {
		const RescueZipEntry *entry = rescue_zip_at(zip, i);
		size_t size = 0;
		g_autofree char *text = NULL;
		(void)rescue_zip_check_place(zip, entry, NULL);
		text = rescue_zip_read(zip, entry, MAX_MEMBER, &size, NULL);
		if (text != NULL)
			g_assert_cmpuint(size, ==, entry->size);
		else if (entry->size <= MAX_MEMBER)
			(void)rescue_zip_verify(zip, entry, NULL);
	}
}

/* an archive: its directory, and each member of it */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(RescueZip) zip = NULL;

	g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
	zip = rescue_zip_open(path, NULL);
	if (zip != NULL)
		read_members(zip);
	(void)close(fd);
	return 0;
}
