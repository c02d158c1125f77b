# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# What clang-format --dry-run says, as one finding for each file.

BEGIN { FS = ":" }

/: warning: code should be clang-formatted/ {
	if (!($1 in count)) {
		order[++files] = $1
		line[$1] = $2
	}
	count[$1]++
}

END {
	for (i = 1; i <= files; i++)
		printf "%s:%d: not as .clang-format has it (%d places); clang-format -i mends it [format]\n",
		       order[i], line[order[i]], count[order[i]]
}
