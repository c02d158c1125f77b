# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# What the rules share: the code of a C line without comments and text, and findings with their exceptions.
# Plain awk (mawk of a bare Debian is enough), run with LC_ALL=C.

# the line without comments; the content of strings is gone, the quotes stay
function code_of(line,    out, at, mark) {
	if (FNR == 1)
		in_comment = 0
	out = ""
	while (line != "") {
		if (in_comment) {
			at = index(line, "*/")
			if (at == 0)
				return out
			line = substr(line, at + 2)
			in_comment = 0
			continue
		}
		if (!match(line, /\/\*|\/\/|"|'/))
			return out line
		mark = substr(line, RSTART, RLENGTH)
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + RLENGTH)
		if (mark == "//")
			return out
		if (mark == "/*") {
			in_comment = 1
			continue
		}
		out = out mark mark
		if (mark == "\"" ? !match(line, /^([^"\\]|\\.)*"/) : !match(line, /^([^'\\]|\\.)*'/))
			return out
		line = substr(line, RLENGTH + 1)
	}
	return out
}

# exceptions.tsv: rule, path (a file, or a folder with a slash behind it), what, reason
function read_exceptions(path,    line, part) {
	while ((getline line < path) > 0) {
		if (line ~ /^#/ || line == "")
			continue
		if (split(line, part, "\t") != 4 || part[4] == "") {
			printf "%s:0: an exception needs rule, path, what and a reason, with tabs between\n", path
			continue
		}
		exception_count++
		exception_rule[exception_count] = part[1]
		exception_path[exception_count] = part[2]
		exception_what[exception_count] = part[3]
	}
	close(path)
}

function excepted(rule, file, what,    i) {
	for (i = 1; i <= exception_count; i++) {
		if (exception_rule[i] != rule || (exception_what[i] != "*" && exception_what[i] != what))
			continue
		if (file == exception_path[i] ||
		    (exception_path[i] ~ /\/$/ && index(file, exception_path[i]) == 1))
			return 1
	}
	return 0
}

function finding(rule, line, what, sentence) {
	if (!excepted(rule, FILENAME, what))
		printf "%s:%d: %s [%s]\n", FILENAME, line, sentence, rule
}

function folder_of(path) {
	return sub(/\/[^\/]*$/, "", path) ? path : "."
}
