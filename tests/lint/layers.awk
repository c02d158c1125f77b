# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Who may include whom: each #include line against layers.tsv.

BEGIN {
	read_exceptions(exceptions)
	while ((getline line < table) > 0) {
		if (line ~ /^#/ || line == "")
			continue
		count = split(line, part, "\t")
		if (part[1] ~ /^@/)
			group[part[1]] = part[2]
		else if (count >= 3) {
			own[part[1]] = part[2]
			foreign[part[1]] = part[3]
		}
	}
}

# the row of the folder itself or of the nearest folder above it
function row_of(folder) {
	while (!(folder in own)) {
		if (!sub(/\/[^\/]*$/, "", folder))
			return ""
	}
	return folder
}

function may_use(row, target,    list, i, count) {
	if (target == row || index(target, row "/") == 1)
		return 1
	count = split(own[row], list, " ")
	for (i = 1; i <= count; i++) {
		if (list[i] == "*" || target == list[i] || index(target, list[i] "/") == 1)
			return 1
	}
	return 0
}

function matches(header, words,    list, i, count, stem) {
	count = split(words, list, " ")
	for (i = 1; i <= count; i++) {
		if (list[i] == "*" || list[i] == header)
			return 1
		if (list[i] ~ /^@/ && matches(header, group[list[i]]))
			return 1
		stem = list[i]
		if (sub(/\*$/, "", stem) && index(header, stem) == 1)
			return 1
	}
	return 0
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	name = $0
	quoted = name ~ /include[ \t]*"/
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*$/, "", name)
	folder = folder_of(FILENAME)
	row = row_of(folder)
	if (row == "") {
		finding("layers", FNR, name, "folder " folder " has no row in tests/lint/layers.tsv")
	} else if (quoted && name !~ /^(core|transport|firmware|cli|tests)\//) {
		finding("layers", FNR, name, "project headers are included from the repository root, not as \"" name "\"")
	} else if (quoted && !may_use(row, folder_of(name))) {
		finding("layers", FNR, name, folder " may not include " folder_of(name) " (docs/layers.md)")
	} else if (!quoted && !matches(name, foreign[row])) {
		finding("layers", FNR, name, folder " may not include <" name "> (docs/layers.md)")
	}
}
