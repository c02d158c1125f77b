#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Every test, from nothing: a fresh Debian 12 with git and root or sudo is enough. Ends with ctest's own last words
# and its status. What the labels mean and what skips: tests/TESTING.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tests/lib/setup.sh

usage() {
	cat <<'EOF'
usage: ./test.sh [--release] [--only REGEX] [--no-install]
  --release     the hardened build instead of the one with ASan, UBSan and LeakSanitizer
  --only REGEX  only tests whose names match
  --no-install  install no packages and no engine; say what is missing
EOF
}

preset=dev
only=()
while [ $# -gt 0 ]; do
	case $1 in
	--release) preset=release ;;
	--only) [ $# -ge 2 ] || setup_die '--only wants a regular expression' 2; only=(-R "$2"); shift ;;
	--no-install) export RESCUE_NO_INSTALL=1 ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

setup_packages build run lab lint
setup_machine
setup_browser
setup_build "$preset"
setup_engine "$preset"
# a minute for each parser where somebody asks for it (.ci/run does): all side by side, their executions shown
if [ -n "${RESCUE_FUZZ_SECONDS:-}" ] && [ ${#only[@]} -eq 0 ]; then
	ctest --test-dir "build/$preset" -L '^fuzz$' -V --no-tests=error --parallel 32 </dev/null
	unset RESCUE_FUZZ_SECONDS
	only=(-LE '^(soak|bench|fuzz)$')
else
	only+=(-LE '^(soak|bench)$')
fi
# tests wait more than they compute: on two processors all of them take 261 s four at a time, 138 s eight at a time
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel $((4 * $(nproc))) \
	"${only[@]}" </dev/null
