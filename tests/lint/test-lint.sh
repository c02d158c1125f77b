#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Does each rule of the lint fire? Small bad files in a tree of their own, and good ones beside them that must pass.
# Speaks TAP; status 1 if a rule is silent or too loud.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
number=0
failed=0
head='/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */'

result() {
	number=$((number + 1))
	if [ "$1" = good ]; then
		printf 'ok %d - %s\n' "$number" "$2"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n' "$number" "$2"
		sed 's/^/# /' "$tree.out"
	fi
}

# put FILE: stdin becomes the only file of the tree, below the two lines of the licence where it is C
put() {
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/$(dirname "$1")"
	case $1 in
	*.c | *.h) { printf '%s\n' "$head"; cat; } >"$tree/$1" ;;
	*) cat >"$tree/$1" ;;
	esac
}

lint() {
	"$here/run" --root "$tree" --rule "$1" >"$tree.out" 2>&1
}

# fires RULE WHAT FILE:LINE — the file put last is found there; line 3 is the first one of a C file's own
fires() {
	if ! lint "$1" && grep -q "^$3: .*\[$1\]$" "$tree.out"; then result good "$1: $2"; else result bad "$1: $2"; fi
}

passes() {
	if lint "$1"; then result good "$1 lets pass: $2"; else result bad "$1 lets pass: $2"; fi
}

trap 'rm -rf "$tree" "$tree.out"' EXIT

# ---- layers --------------------------------------------------------------------------------------
put core/model/a.c <<<'#include "core/run/run.h"'
fires layers 'an arrow the wrong way' core/model/a.c:3
put transport/devices/a.c <<<'#include "firmware/ipsw/ipsw.h"'
fires layers 'transport sees firmware' transport/devices/a.c:3
put core/failure/a.c <<<'#include <libirecovery.h>'
fires layers 'a device library outside the agent' core/failure/a.c:3
put core/run/a.c <<<'#include <unistd.h>'
fires layers 'a folder without I/O includes unistd.h' core/run/a.c:3
put core/model/a.c <<<'#include "job.h"'
fires layers 'an include not written from the root' core/model/a.c:3
put core/nowhere/a.c <<<'#include <glib.h>'
fires layers 'a folder without a row' core/nowhere/a.c:3
put tests/lab/phone/a.c <<<'#include "core/model/job.h"'
fires layers 'the lab uses the product' tests/lab/phone/a.c:3
put core/run/a.c <<'EOF'
#include "core/run/a.h"

#include <glib.h>
#include <string.h>

#include "core/model/job.h"
EOF
passes layers 'includes along the arrows'
put docs/layers.md <<<'an older table'
fires layers 'docs/layers.md differs from the table' docs/layers.md:1

# ---- banned calls --------------------------------------------------------------------------------
while IFS=$'\t' read -r call _; do
	case $call in '#'*) continue ;; esac
	put core/model/a.c <<<"	x = $call(y);"
	fires calls "$call()" core/model/a.c:3
done <"$here/banned.txt"
put core/model/a.c <<'EOF'
	self->exit(1);
	spec.system (2);
	my_exit(3); /* exit(1) */ // abort()
	say("strcpy(a, b) \" sleep(1)");
	/*
	 * system("x")
	 */
EOF
passes calls 'members, comments and strings'
put core/process/a.c <<<'	pid = fork();'
passes calls 'an exception of the table'
put core/model/a.c <<<'	goto out;'
lint calls || true
if grep -q 'core/model/a.c:3: goto' "$tree.out"; then result good 'goto'; else result bad 'goto'; fi
put core/model/a.c <<<'static int counter = 0;'
lint calls || true
if grep -q 'a.c:3: ‘counter’' "$tree.out"; then result good 'a global variable'; else result bad 'a global variable'; fi
put core/model/a.c <<'EOF'
static const Row rows[] = {
static int *
static int twice(int x);
EOF
passes calls 'const tables and static functions'

# ---- sizes ---------------------------------------------------------------------------------------
function_of() {
	printf 'static void\nlong_one(void)\n{\n'
	seq "$1" | sed 's/.*/\tstep(&);/'
	printf '}\n'
}
put core/model/a.c < <(function_of 58)
fires sizes 'a function of 61 lines' core/model/a.c:4
put core/model/a.c < <(function_of 57)
passes sizes 'a function of 60 lines'
put core/model/a.c < <(seq 799 | sed 's/.*/int v&;/')
fires sizes 'a file of 801 lines' core/model/a.c:801
put core/model/a.c <<'EOF'
void
deep(void)
{
	for (;;) {
		if (a) {
			while (b)
				switch (c) {
				case 1:
					if (d)
						e();
				}
		}
	}
}
EOF
fires sizes 'nesting of five, with and without brackets' core/model/a.c:11
put core/model/a.c <<'EOF'
void
flat(void)
{
	if (a) {
		b();
	} else if (c) {
		d();
	} else if (e) {
		f(&(Spec){ .a = { .b = { .c = { .d = { 1 } } } } });
	} else if (g) {
		Spec s = { .a = { .b = { .c = 1 } } };
		for (;;)
			while (h)
				if (s.a)
					j();
	}
	for (;;)
		k();
}
EOF
passes sizes 'an else-if chain, initialisers and four deep'
put core/model/a.c <<'EOF'
bool
wide(int a, int b, void (*c)(int, int), int d, int e, int f, GError **error)
{
	return true;
}
EOF
fires sizes 'six parameters' core/model/a.c:4
put core/model/a.c <<'EOF'
bool
narrow(int a, int b, void (*c)(int, int), int d, int e,
       GError **error)
{
	return true;
}
EOF
passes sizes 'five parameters and the error'

# ---- doc comments --------------------------------------------------------------------------------
put core/model/a.h <<'EOF'
#pragma once

char *rescue_a_text(const RescueA *a);
EOF
fires docs 'a declaration without a comment' core/model/a.h:5
put core/model/a.h <<'EOF'
#pragma once

/** Caller frees. */
char *rescue_a_text(const RescueA *a);
char *rescue_a_title(const RescueA *a,
		     bool is_long);

typedef struct {
	bool (*call)(void *self);
} RescueB;

RescueA *rescue_a_new(void);
void rescue_a_free(RescueA *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueA, rescue_a_free)

static inline int
three(void)
{
	return 3;
}
EOF
passes docs 'groups, types, new and free'

# ---- text ----------------------------------------------------------------------------------------
put core/model/a.c <<<'/* TODO: later */'
fires text 'a note to self' core/model/a.c:3
put docs/a.md <<<'see /home/somebody/notes'
fires text "a path of somebody's machine" docs/a.md:1
put core/model/a.c <<<'	open("/tmp/state", 0);'
fires text 'a fixed name in a shared folder' core/model/a.c:3
put cli/a.sh <<<'wget https://pypi.org/simple'
fires text 'a package registry by name' cli/a.sh:1
put core/model/a.c <<<'#define MATERIAL "../shared/manifests"'
fires text 'material outside the tree, without the variable' core/model/a.c:3
put tests/unit/a.c <<<'/* RESCUE_SHARED_DIR, by default ../shared beside the tree */'
passes text 'a test that asks for RESCUE_SHARED_DIR'
put core/model/a.c < <(printf '/* %s */\n' "$(seq -s' ' 60)")
fires text 'a comment of more than 120 columns' core/model/a.c:3
put core/model/a.c < <(printf 'int a; \n')
fires text 'blanks at the end' core/model/a.c:3
put core/model/a.h < <(printf 'struct a {\n\tbool\n\t    long_name; /* a long story */\n};\n')
fires text 'a comment that tears a member apart' core/model/a.h:5
put core/model/a.c <<<'	char name[] = "fileXXXXXX"; /* made in a todo-free way, mktemp -d */'
passes text 'templates of mktemp'
put cli/a.sh < <(printf '#!/bin/sh\n# Copyright (C) 2026 the idevicerescue contributors\n')
fires text 'a script without its licence' cli/a.sh:1
mkdir -p "$tree/core/model"
printf '/* SPDX-License-Identifier: LGPL-2.1-or-later */\nint a;\n' >"$tree/core/model/b.c"
fires text 'a source without a copyright line' core/model/b.c:1

# ---- readme --------------------------------------------------------------------------------------
put core/model/a.c <<<'int a;'
fires readme 'a folder without a README.md' core/model/README.md:1
put core/README.md < <(seq 61)
fires readme 'a README.md of more than one screen' core/README.md:61
put core/README.md < <(seq 60)
passes readme 'a README.md of one screen'

# ---- format --------------------------------------------------------------------------------------
if command -v clang-format-14 >/dev/null; then
	put core/model/a.c <<<'int   a ;'
	cp "$here/../../.clang-format" "$tree"
	fires format 'a line that clang-format would write differently' core/model/a.c:3
	put core/model/a.c <<'EOF'
static const Row rows[] = {
#define RESCUE_ROW(id, name) [ID_##id] = { name, #id },
#include "core/model/row.def"
#undef RESCUE_ROW
};
EOF
	passes format 'a table made from a .def file'
else
	number=$((number + 1))
	printf 'ok %d - format # SKIP clang-format-14 is not installed\n' "$number"
fi

printf '1..%d\n' "$number"
[ "$failed" -eq 0 ]
