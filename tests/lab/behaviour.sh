#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# behaviour.sh BUILD [JOBS]: what the bare engines do in the world of each fault scenario. Writes docs/engine-behaviour.md.
# The worlds are those of tests/scenario/faults; the product is not asked, idevicerestore itself is run in them, and cut
# after LIMIT seconds. Engines: that of the system, and a current one of $RESCUE_ENGINES_DIR (build/engines) if it is there.
set -euo pipefail

LIMIT=120
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
lab=$(cd "${1:?behaviour.sh BUILD [JOBS]}" && pwd)/bin/idevicerescue-lab
jobs=${2:-6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${RESCUE_ENGINES_DIR:=$top/build/engines}"
: "${RESCUE_SHARED_DIR:=$top/../shared}"
export LIMIT lab work top RESCUE_ENGINES_DIR RESCUE_SHARED_DIR

# The engine's own words: 1.0.0 says them on its outputs, a newer one marks them in its log file.
complaints() {
	if [ -e "$1/engine.log" ]; then
		sed -n 's/^[0-9:.]* *<Error> //p' "$1/engine.log"
		grep -aE '^Status: ' "$1/said" || true
	else
		grep -aE '^(ERROR|Status): |TSS server returned|Restore will be aborted' "$1/said" || true
	fi | grep -avE '^Status: Restore Finished' |
		sed -E "s,/tmp/[^ ]*/,…/,g; s/0x[0-9a-f]{8,}/0x…/g; s/[0-9a-f]{16,}/…/g" || true
}

# A scenario that gives its own engine, or fetches firmware, has nothing to tell about a bare one.
is_for_engines() {
	! grep -qE '^[[:space:]]*engine |--latest' "$1" && grep -q 'LAB_FIRMWARE_F ' "$1"
}

# SCENARIO ENGINE OUT: one run
observe() {
	local scenario=$1 engine=$2 out=$3 options='-y' begin end status=0
	local pick=()
	mkdir -p "$out"
	grep -q -- '--erase' "$scenario" && options='-y -e'
	if [ "$engine" != system ]; then
		pick=(--engine "$engine")
		options="$options --logfile=$out/engine.log"
	fi
	begin=$(date +%s%N)
	# shellcheck disable=SC2016 # the lab sets these variables
	"$lab" "${pick[@]}" --grace 1 --scenario "$scenario" -- sh -c \
		'exec timeout -k 2 "$1" idevicerestore $2 -i "$LAB_ECID_A" "$LAB_FIRMWARE_F" 2>&1' \
		sh "$LIMIT" "$options" >"$out/said" 2>/dev/null </dev/null || status=$?
	end=$(date +%s%N)
	echo "$status $(((end - begin) / 100000000))" >"$out/end"
	complaints "$out" >"$out/complaints"
}

# What an engine complains about in a world without faults, from the same mode, tells nothing.
usual() {
	cat "$work/usual.$2."*"/complaints" 2>/dev/null | sort -u
}

row() {
	local scenario=$1 engine=$2 out=$3 name status tenths line shown
	name=$(basename "$scenario" .scenario)
	read -r status tenths <"$out/end"
	line=$(grep -avxFf <(usual "$scenario" "$engine") "$out/complaints" | head -1 | cut -c1-110 || true)
	case $status in
	77) return ;;
	124 | 137) shown="never ends" ;;
	*) shown=$status ;;
	esac
	[ -n "$line" ] && line="\`${line//|/¦}\`" || line=—
	printf '| %s | %s | %s | %s | %d.%d |\n' "$name" "${engine/system/1.0.0}" "$line" "$shown" \
		$((tenths / 10)) $((tenths % 10))
}

one() {
	local out=$work/$(basename "$1" .scenario).$2
	observe "$1" "$2" "$out"
	row "$1" "$2" "$out" >"$out/row"
}
export -f complaints observe usual row one is_for_engines

engines=(system)
compgen -G "$RESCUE_ENGINES_DIR/*/engine.json" >/dev/null && engines+=(1.0.1)
for engine in "${engines[@]}"; do
	for mode in recovery dfu normal restore; do
		observe "$top/tests/scenario/modes/from-$mode.scenario" "$engine" "$work/usual.$engine.$mode"
	done
done
for scenario in "$top"/tests/scenario/faults/*.scenario; do
	is_for_engines "$scenario" || continue
	for engine in "${engines[@]}"; do
		printf '%s %s\n' "$scenario" "$engine"
	done
done | xargs -P "$jobs" -L 1 bash -c 'one "$1" "$2"' one

{
	cat "$here/behaviour.md.in"
	cat "$work"/*/row
} >"$top/docs/engine-behaviour.md"
