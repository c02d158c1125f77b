# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Sizes: lines, nesting and parameters of each function, lines of each file. A small reader of C: it follows
# brackets and the words that open a block, and trusts .clang-format that only a file-level bracket closes in column one.

BEGIN {
	read_exceptions(exceptions)
	MAX_LINES = 60; AIM_LINES = 40; MAX_NESTING = 4; MAX_PARAMETERS = 5; MAX_FILE = 800; AIM_FILE = 400
	split("if for while switch", word, " ")
	for (i in word)
		opens[word[i]] = 1
}

FNR == 1 {
	end_of_file()
	file = FILENAME
	start_over()
	in_macro = 0
}

{
	lines = FNR
	code = code_of($0)
	if (in_macro || code ~ /^[ \t]*#/) {
		in_macro = code ~ /\\$/
		next
	}
	if (code ~ /^}/ && braces > 1)
		braces = 1	# halves of an #if
	read_tokens(code)
}

END {
	end_of_file()
	printf "%d functions, the longest has %d lines; %d of more than %d lines; %d files of more than %d\n",
	       functions, longest, long_functions, AIM_LINES, long_files, AIM_FILE > summary
}

function end_of_file() {
	if (file == "")
		return
	if (lines > AIM_FILE)
		long_files++
	if (lines > MAX_FILE && !excepted("sizes", file, "file"))
		printf "%s:%d: the file has %d lines, at most %d are allowed [sizes]\n", file, lines, lines, MAX_FILE
}

function start_over() {
	braces = round = 0
	in_function = 0
	deep = 0	# control structures around this point
	previous = ""
	pending = 0	# control structures whose statement has not begun or has no brackets
}

function read_tokens(text,    token) {
	while (match(text, /[A-Za-z_][A-Za-z_0-9]*|[^ \t]/)) {
		token = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		if (token == "(")
			open_round()
		else if (token == ")")
			close_round()
		else if (token == "{")
			open_brace()
		else if (token == "}")
			close_brace()
		else if (token == ";" && round == 0)
			end_statement()
		else if (token == "," && round == 1)
			commas++
		else if (in_function && round == 0)
			read_word(token)
		if (round == 1 && braces == 0 && token != "(")
			parameters = parameters " " token
		previous = token
	}
}

function open_round() {
	if (round == 0) {
		before_round = previous
		line_of_round = FNR
		commas = 0
		parameters = ""
	}
	round++
}

function close_round() {
	if (round > 0)
		round--
	if (round == 0 && in_function && before_round in opens)
		enter()
}

function read_word(token) {
	if (token == "do" || token == "else")
		enter()
	else if (token == "if" && previous == "else" && pending > 0) {
		pending--	# an else-if chain is one step, not two
		deep--
	}
}

# one more control structure; the statement that follows is inside it
function enter() {
	pending++
	deep++
	if (deep > worst) {
		worst = deep
		worst_line = FNR
	}
}

function open_brace() {
	if (braces == 0 && previous == ")") {
		begin_function()
		kind[braces] = "function"
	} else if (in_function && round == 0 && begins_block()) {
		if (pending == 0)
			enter()		# a block of its own, or a FOREACH macro
		kind[braces] = "block"
		waiting[braces] = pending
		pending = 0
	} else {
		kind[braces] = "value"	# an initialiser, a struct
	}
	braces++
}

function begins_block() {
	if (previous == ")")
		return before_round in opens || before_round ~ /FOREACH/
	return previous ~ /^([;{}:]|else|do)$/
}

function close_brace() {
	if (braces == 0)
		return
	braces--
	if (kind[braces] == "function") {
		end_function()
		start_over()
	} else if (kind[braces] == "block") {
		deep -= waiting[braces] + pending
		pending = 0
	}
}

function end_statement() {
	deep -= pending
	pending = 0
}

function begin_function() {
	in_function = 1
	name = before_round
	first = line_of_round
	worst = 0
	worst_line = FNR
	arity = commas + 1
	gsub(/ /, "", parameters)
	if (parameters ~ /GError\*\*[a-z_]*\)?$/)
		arity--		# `GError **error` comes last everywhere and says nothing
}

function end_function(    size) {
	functions++
	size = FNR - first + 1
	if (size > longest)
		longest = size
	if (size > AIM_LINES)
		long_functions++
	if (size > MAX_LINES)
		finding("sizes", first, name, name "() has " size " lines, at most " MAX_LINES " are allowed")
	if (worst > MAX_NESTING)
		finding("sizes", worst_line, name, name "() nests " worst " deep, at most " MAX_NESTING " are allowed")
	if (arity > MAX_PARAMETERS)
		finding("sizes", first, name, name "() has " arity " parameters besides the error, at most " MAX_PARAMETERS \
			" are allowed: use a const spec struct")
}
