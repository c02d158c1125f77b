# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# From the list of all files: each folder has a README.md, and it fits on one screen.

BEGIN {
	read_exceptions(exceptions)
	MAX_LINES = 60
}

{
	present[$0] = 1
	folder = folder_of($0)
	while (folder != "." && !(folder in seen)) {
		seen[folder] = 1
		folder = folder_of(folder)
	}
}

END {
	for (folder in seen) {
		page = folder "/README.md"
		if (!(page in present)) {
			if (!excepted("readme", folder, "*"))
				printf "%s:1: this folder does not say what it is for [readme]\n", page
			continue
		}
		lines = 0
		while ((getline line < page) > 0)
			lines++
		close(page)
		if (lines > MAX_LINES && !excepted("readme", page, "*"))
			printf "%s:%d: %d lines; a folder explains itself within %d [readme]\n", page, lines, lines, MAX_LINES
	}
}
