# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# docs/layers.md out of layers.tsv.

BEGIN {
	FS = "\t"
	print "# Layers: who may include whom"
	print ""
	print "Made from `tests/lint/layers.tsv` by `tests/lint/run --write-docs`; the lint reads the include lines of every file"
	print "against that table. An arrow is an include, and it is never reversed: `core` knows neither `transport` nor `firmware`,"
	print "these two never see each other, and only `cli/common` knows implementations. A folder may always include itself and"
	print "what lies below it. Project headers are written from the repository root: `#include \"core/model/job.h\"`."
	print ""
	print "The lab includes nothing of the product: it is judge and world, and shares no code with what it judges."
	print ""
	print "| folder | may include | foreign headers |"
	print "|---|---|---|"
}

function code(words, empty,    list, i, count, out) {
	count = split(words, list, " ")
	for (i = 1; i <= count; i++)
		out = out (i > 1 ? " " : "") (list[i] == "*" ? "any" : "`" list[i] "`")
	return count ? out : empty
}

/^#/ || NF < 2 { next }
/^@/ { groups = groups "- `" $1 "`: " code($2, "") "\n"; next }
{ printf "| `%s` | %s | %s |\n", $1, code($2, "–"), code($3, "–") }

END {
	print ""
	print "Groups of headers:"
	print ""
	printf "%s", groups
}
