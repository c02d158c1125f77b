# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# What holds for every text of the project: licence lines, no notes to self, no path of somebody's machine.

BEGIN {
	read_exceptions(exceptions)
	MAX_COLUMNS = 120
	while ((getline line < table) > 0) {
		if (line ~ /^#/ || line == "")
			continue
		split(line, part, "\t")
		name[++rules] = part[1]
		forbidden[rules] = part[2]
		sentence[rules] = part[3]
	}
}

FNR == 1 {
	end_of_file()
	file = FILENAME
	kind = kind_of(file, $0)
	licence = copyright = asks_shared = shared_line = 0
	lone_type = 0
}

FNR <= 4 && /SPDX-License-Identifier: LGPL-2\.1-or-later/ { licence = 1 }
FNR <= 4 && /Copyright \(C\) 20[0-9][0-9]/ { copyright = 1 }

{
	for (i = 1; i <= rules; i++) {
		if ($0 ~ forbidden[i])
			finding("text", FNR, name[i], sentence[i])
	}
	if (/RESCUE_SHARED_DIR/)
		asks_shared = 1
	if (!shared_line && /\.\.\/shared/)
		shared_line = FNR
	if (/[ \t]$/ && kind != "text")
		finding("text", FNR, "blank", "blanks at the end of the line")
	if (kind == "c")
		c_line()
}

END { end_of_file() }

function kind_of(path, first) {
	if (path ~ /\.(c|h|def)$/)
		return "c"
	if (path ~ /(CMakeLists\.txt|\.cmake)$/)
		return "cmake"
	if (path ~ /\.(sh|awk|sql|js|css|py)$/ || first ~ /^#!/)
		return "source"
	return "text"
}

function c_line(    columns, line) {
	line = $0
	if (index(line, "\t") || length(line) > MAX_COLUMNS) {
		gsub(/[\200-\277]/, "", line)	# UTF-8 continuation bytes take no column
		columns = length(line) + 7 * gsub(/\t/, "", line)
		if (columns > MAX_COLUMNS && file !~ /\.def$/)
			finding("text", FNR, "columns", columns " columns; code ends at 100, comments at " MAX_COLUMNS)
	}
	if (lone_type && $0 ~ /^\t+    [A-Za-z_][^(]*;[ \t]*\/\*/)
		finding("text", FNR, "torn", "the comment behind this member is too long: put it on the line above")
	lone_type = /^\t+[A-Za-z_][A-Za-z_0-9 ]*\**$/
}

function end_of_file() {
	if (file == "")
		return
	if (kind != "text" && !licence && !excepted("text", file, "licence"))
		printf "%s:1: no SPDX-License-Identifier: LGPL-2.1-or-later at the top [text]\n", file
	if ((kind == "c" || kind == "source") && !copyright && !excepted("text", file, "licence"))
		printf "%s:1: no copyright line at the top [text]\n", file
	if (shared_line && !(file ~ /^tests\// && asks_shared) && !excepted("text", file, "shared"))
		printf "%s:%d: material outside the tree is found by RESCUE_SHARED_DIR, in tests only [text]\n", file, shared_line
}
