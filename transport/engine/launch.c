/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/launch.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "idevicerestore"

/* Program headers and the name of the interpreter stand in front of everything else. */
#define HEAD_BYTES 65536
#define MAX_PATH   4096

void
rescue_launch_copy(RescueLaunch *launch, const RescueLaunch *from)
{
	*launch = (RescueLaunch){ .program = g_strdup(from->program),
				  .loader = g_strdup(from->loader),
				  .libraries = g_strdup(from->libraries) };
}

void
rescue_launch_clear(RescueLaunch *launch)
{
	g_free(launch->program);
	g_free(launch->loader);
	g_free(launch->libraries);
	*launch = (RescueLaunch){ .program = NULL };
}

void
rescue_launch_add(const RescueLaunch *launch, GPtrArray *argv)
{
	if (launch->loader != NULL) {
		g_ptr_array_add(argv, g_strdup(launch->loader));
		g_ptr_array_add(argv, g_strdup("--library-path"));
		g_ptr_array_add(argv, g_strdup(launch->libraries));
		/* its usage text and its log shall not call it by a path of ours */
		g_ptr_array_add(argv, g_strdup("--argv0"));
		g_ptr_array_add(argv, g_strdup(PROGRAM));
	}
	g_ptr_array_add(argv, g_strdup(launch->program));
}

/** The first bytes of a file; their number. */
static size_t
read_head(const char *path, char *head, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got = 1;

	while (fd >= 0 && got > 0 && done < size) {
		got = read(fd, head + done, size - done);
		if (got > 0)
			done += (size_t)got;
	}
	if (fd >= 0)
		(void)close(fd);
	return done;
}

/** Where PT_INTERP points to; false when there is none. Of this host's byte order only: others cannot run here. */
static bool
find_interpreter(const char *head, size_t size, uint64_t *ret_offset, uint64_t *ret_size)
{
	bool wide = head[EI_CLASS] == ELFCLASS64;
	Elf64_Ehdr header64;
	Elf32_Ehdr header32;

	memcpy(&header64, head, sizeof header64);
	memcpy(&header32, head, sizeof header32);
	uint64_t offset = wide ? header64.e_phoff : header32.e_phoff;
	unsigned count = wide ? header64.e_phnum : header32.e_phnum;
	size_t entry = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	for (unsigned i = 0; i < count && offset <= size && size - offset >= entry; i++) {
		Elf64_Phdr program64 = { 0 };
		Elf32_Phdr program32 = { 0 };
		memcpy(wide ? (void *)&program64 : (void *)&program32, head + offset, entry);
		offset += entry;
		if ((wide ? program64.p_type : program32.p_type) != PT_INTERP)
			continue;
		*ret_offset = wide ? program64.p_offset : program32.p_offset;
		*ret_size = wide ? program64.p_filesz : program32.p_filesz;
		return true;
	}
	return false;
}

char *
rescue_launch_read_interpreter(const char *program)
{
	g_autofree char *head = g_malloc0(HEAD_BYTES);
	size_t size = read_head(program, head, HEAD_BYTES);
	uint64_t offset, length;

	if (size < sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    !find_interpreter(head, size, &offset, &length) || offset > size ||
	    length > size - offset || length > MAX_PATH)
		return NULL;
	g_autofree char *path = g_strndup(head + offset, (size_t)length);
	return g_path_is_absolute(path) && g_utf8_validate(path, -1, NULL) ? g_steal_pointer(&path)
									   : NULL;
}
