/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABI_WITH_TRUNCATE 3
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define CHANGES                                                          \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* libc has no names for these calls */
static bool
allow(int rules, const char *folder, uint64_t changes)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = changes,
		.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	bool fine = below.parent_fd >= 0 && syscall(SYS_landlock_add_rule, rules,
						    LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;

	if (below.parent_fd >= 0)
		(void)close(below.parent_fd);
	return fine;
}

bool
rescue_landlock_confine(const char *writable)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	uint64_t changes = CHANGES | (abi >= ABI_WITH_TRUNCATE ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = changes | LANDLOCK_ACCESS_FS_EXECUTE,
	};
	int rules = abi > 0 ? (int)syscall(SYS_landlock_create_ruleset, &attr,
					   sizeof(attr.handled_access_fs), 0)
			    : -1;
	bool fine = rules >= 0 && (writable == NULL || allow(rules, writable, changes)) &&
		    syscall(SYS_landlock_restrict_self, rules, 0) == 0;

	if (rules >= 0)
		(void)close(rules);
	return fine;
}
