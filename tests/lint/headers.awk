# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# A header is a contract: a comment stands before each declaration, or before the group (lines without a blank one
# between them) that it belongs to. What every type has and the style guide defines needs none: new, free, copy, …

BEGIN {
	read_exceptions(exceptions)
}

FNR == 1 {
	depth = 0
	said = told = 0
	declaration = ""
}

/^[ \t]*$/ {
	told = only_comment
	said = 0
	only_comment = 1
	next
}

{
	had_comment = in_comment && FNR > 1
	code = code_of($0)
	if (had_comment || code != $0 && /\/[*\/]/)
		said = 1
	if (code ~ /[^ \t]/)
		only_comment = 0
	if (code !~ /^[ \t]*#/ && !continued && depth == 0 && (declaration != "" || code ~ /^[A-Za-z_]/))
		read_code(code)
	continued = code ~ /\\$/ && (continued || code ~ /^[ \t]*#/)
	depth += gsub(/{/, "", code) - gsub(/}/, "", code)
}

function read_code(code) {
	if (declaration == "")
		line = FNR
	declaration = declaration " " code
	if (code ~ /^[A-Z][A-Z_0-9]*[ \t]*\(/ && code ~ /\)[ \t]*$/ && line == FNR)
		declaration = ""	# a macro such as G_DEFINE_AUTOPTR_CLEANUP_FUNC(…)
	else if (code ~ /[{;]/)
		end()
}

function end(    name) {
	if (!said && !told && declaration !~ /^ (static|typedef|struct|union|enum)[ \t]/ && declaration ~ /\(|^ extern/) {
		name = declaration
		sub(/[ \t]*[(;\[].*/, "", name)
		sub(/.*[ *]/, "", name)
		if (name !~ /_(new|free|copy|clear|ref|unref|quark)(_[a-z_]+)?$|_name$/)
			finding("docs", line, name, "‘" name "’ has no comment: who owns what, what can fail")
	}
	declaration = ""
}
