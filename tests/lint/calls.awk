# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Calls that banned.txt names; goto; file-level variables that are not const.

BEGIN {
	read_exceptions(exceptions)
	while ((getline line < table) > 0) {
		if (line ~ /^#/ || line == "")
			continue
		split(line, part, "\t")
		banned[part[1]] = part[2]
	}
}

{
	code = code_of($0)
	while (match(code, /[A-Za-z_][A-Za-z_0-9]*/)) {
		name = substr(code, RSTART, RLENGTH)
		before = substr(code, 1, RSTART - 1)
		code = substr(code, RSTART + RLENGTH)
		if (name == "goto")
			finding("goto", FNR, name, "goto: use scope cleanup or a smaller function")
		else if (name in banned && code ~ /^[ \t]*\(/ && before !~ /(\.|->)[ \t]*$/)
			finding("calls", FNR, name, name "() is banned: " banned[name])
	}
}

/^\t*static [^(]*(=|;)/ && !/^\t*static const / && !/[ *]const [a-z_]+(\[|;| =)/ {
	name = $0
	sub(/[ \t]*(=|;|\[).*/, "", name)
	sub(/.*[ *]/, "", name)
	finding("globals", FNR, name, "‘" name "’ is a variable of the file; only const tables are, main() owns the rest")
}
