#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# behaviour.sh BUILD [JOBS [STATE]]: what the bare engines do in the world of each fault scenario; writes
# docs/engine-behaviour.md. Nothing of the product takes part: idevicerestore itself is run where the scenario's command
# would be, and cut after LIMIT seconds. Engines: that of the system, and the newest one of $RESCUE_ENGINES_DIR
# (build/engines). What has been seen stays in STATE (BUILD/behaviour), so a run that was interrupted goes on where it
# was; a world that has changed since is run again. behaviour.sh --check: has each world its rows, and each row a world?
set -euo pipefail

# no wait of an engine is longer than 300 s: its own for restore mode is the longest
LIMIT=330
# nor does a first boot of a scenario take longer
BOOT=15
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
page=$top/docs/engine-behaviour.md
: "${RESCUE_ENGINES_DIR:=$top/build/engines}"
: "${RESCUE_SHARED_DIR:=$top/../shared}"
export LIMIT BOOT top RESCUE_ENGINES_DIR RESCUE_SHARED_DIR

# ---- which worlds ----------------------------------------------------------------------------------

worlds() {
	printf '%s\n' "$top"/tests/scenario/faults/*.scenario
}

# why a world has nothing to tell about a bare engine; empty: it has
why_not() {
	if ! grep -q 'LAB_FIRMWARE_F ' "$1"; then
		echo 'not run: what breaks is fetching the firmware, which is idevicerescue’s own work'
	elif grep -qE '^fault engine |do (crash|stop)-client' "$1"; then
		echo 'not run: the engine itself is what is made to fail'
	fi
}

# the page against the scenarios, without running anything
check() {
	local wrong=0 name
	while read -r name; do
		wrong=1
		echo "docs/engine-behaviour.md: no row for tests/scenario/faults/$name.scenario; tests/lab/behaviour.sh makes it"
	done < <(comm -13 <(rows_of_page) <(names_of_worlds))
	while read -r name; do
		wrong=1
		echo "docs/engine-behaviour.md: the row ‘$name’ has no scenario in tests/scenario/faults"
	done < <(comm -23 <(rows_of_page) <(names_of_worlds))
	return "$wrong"
}

rows_of_page() {
	sed -n 's/^| \([a-z0-9-]*\) |.*/\1/p' "$page" | grep -vxE 'world|-+' | sort -u
}

names_of_worlds() {
	worlds | sed 's|.*/||; s|\.scenario$||' | sort
}

# ---- one run ---------------------------------------------------------------------------------------

# what the engine gets to see of a scenario: not what is expected, nor the words around it
essence() {
	{ grep -oE -- '--(erase|update)' "$1"; grep -vE '^(expect|run|#)|^[[:space:]]*$' "$1"; } | sha256sum
}

# in the world: OPTIONS CLOCK. A phone with the new system on it may still have to come up when the engine has ended.
alone() {
	local status=0
	date +%s%N >"$2"
	# shellcheck disable=SC2086 # the options are words
	timeout -k 2 "$LIMIT" idevicerestore $1 -i "$LAB_ECID_A" "$LAB_FIRMWARE_F" 2>&1 || status=$?
	date +%s%N >>"$2"
	grep -q '"event":"installed"' "$LAB_RECORD" || return "$status"
	timeout "$BOOT" grep -q '"event":"booted"' <(exec tail -n +1 -f "$LAB_RECORD") || true
	return "$status"
}

# SCENARIO ENGINE OUT
observe() {
	local scenario=$1 engine=$2 out=$3 options='-y' status=0 dir world
	mkdir -p "$out"
	world=$(essence "$scenario")
	[ -e "$out/end" ] && [ "$(cat "$out/world")" = "$world" ] && return
	grep -q -- '--erase' "$scenario" && options='-y -e'
	[ "$engine" = system ] || options="$options --logfile=$out/engine.log"
	dir=$(mktemp -d)
	rm -f "$out/engine.log" "$out/end"
	echo "$world" >"$out/world"
	"$lab" --engine "$engine" --grace 1 --dir "$dir" --scenario "$scenario" -- \
		bash -c 'alone "$@"' alone "$options" "$out/clock" >"$out/said" 2>"$out/lab" </dev/null || status=$?
	cp "$dir/record.jsonl" "$out/record.jsonl" 2>/dev/null || :>"$out/record.jsonl"
	rm -rf "$dir"
	echo "$status $(awk 'NR == 1 { begin = $1 } END { printf "%d", ($1 - begin) / 1e8 }' "$out/clock")" >"$out/end"
}

# The engine's own words: 1.0.0 says them on its outputs, a newer one marks them in its log file.
complaints() {
	if [ -e "$1/engine.log" ]; then
		sed -n 's/^[0-9:.]* *<Error> *//p' "$1/engine.log"
		grep -aE '^Status: ' "$1/said" || true
	else
		tr '\r' '\n' <"$1/said" | grep -aE '^(ERROR|Status): |TSS server returned|will be aborted' || true
	fi | grep -avE '^Status: Restore Finished' | neutral || true
}

# its last words that are no progress
last_words() {
	local file=$1/said
	[ ! -s "$1/engine.log" ] || file=$1/engine.log
	tr '\r' '\n' <"$file" | sed -E 's/^[0-9:.]+ *<[A-Za-z]+> *//' | grep -avE '^[[:space:]]*$|[0-9]%' |
		neutral | tail -1
}

neutral() {
	sed -E "s,/tmp/[^ ]*/,…/,g; s/0x[0-9a-fA-F]{8,}/0x…/g; s/[0-9a-fA-F]{16,}/…/g; s/([0-9a-f]{2} ){8,}/… /g; s/[[:space:]]+/ /g"
}

# What an engine complains about in a world without faults, from whichever mode, tells nothing.
usual() {
	local folder
	for folder in "$state"/usual.*."$1"; do
		complaints "$folder"
	done | sort -u
}

# seconds as they would be on another machine, roughly
rounded() {
	local s=$((($1 + 5) / 10))
	if [ "$1" -lt 10 ]; then
		echo '< 1'
	elif [ "$s" -lt 20 ]; then
		echo "$s"
	else
		echo $(((s + 2) / 5 * 5))
	fi
}

# how the phone was left, by the lab's own record
phone_then() {
	local state
	state=$(grep '"event":"state"' "$1/record.jsonl" | tail -1)
	if grep -q '"event":"booted"' "$1/record.jsonl"; then
		printf 'restored'
	elif grep -q '"event":"installed"' "$1/record.jsonl"; then
		sed -E 's/.*"mode":"([a-z]*)".*/installed, \1/' <<<"$state" | tr -d '\n'
	else
		sed -E 's/.*"mode":"([a-z]*)".*/\1/' <<<"$state" | tr -d '\n'
		case $state in *'"erased":0'* | '') ;; *) printf ', erased' ;; esac
	fi
	if grep -q '^fault ' "$2" && ! grep -q '"event":"fault"' "$1/record.jsonl"; then
		printf '; never came to the fault'
	fi
}

# SCENARIO ENGINE OUT
row() {
	local scenario=$1 engine=$2 out=$3 status tenths line how=''
	read -r status tenths <"$out/end"
	# what the phone has reported tells more than that something failed
	line=$(complaints "$out" | grep -avxFf <(usual "$engine") | awk '
		/^Status: / && !told { told = $0 }
		!first { first = $0 }
		END { print told != "" ? told : first }' || true)
	if [ -z "$line" ] && [ "$status" != 0 ]; then
		line=$(last_words "$out" || true)
		how='last: '
	fi
	line=$(cut -c1-100 <<<"${line//|/¦}")
	[ -z "$line" ] && line=— || line="$how\`${line//\`/\'}\`"
	case $status in
	124 | 137) status='never ends'; tenths=$((LIMIT * 10)) ;;
	esac
	printf '| %s | %s | %s | %s | %s | %s |\n' "$(basename "$scenario" .scenario)" "$(name_of "$engine")" "$line" \
		"$status" "$(rounded "$tenths")" "$(phone_then "$out" "$scenario")"
}

name_of() {
	if [ "$1" = system ]; then echo "$system_version"; else echo "$current_version"; fi
}

one() {
	local out=$state/$(basename "$1" .scenario).$2
	observe "$1" "$2" "$out"
}
export -f one observe essence alone

# ---- all of them -----------------------------------------------------------------------------------

# the pairs of world and engine, one per line
pairs() {
	local scenario engine
	worlds | while read -r scenario; do
		[ -z "$(why_not "$scenario")" ] || continue
		for engine in "${engines[@]}"; do
			printf '%s %s\n' "$scenario" "$engine"
		done
	done
}

table() {
	local scenario why engine
	worlds | while read -r scenario; do
		why=$(why_not "$scenario")
		[ -z "$why" ] || printf '| %s | — | %s | — | — | — |\n' "$(basename "$scenario" .scenario)" "$why"
		for engine in "${engines[@]}"; do
			[ -n "$why" ] || row "$scenario" "$engine" "$state/$(basename "$scenario" .scenario).$engine"
		done
	done
}

if [ "${1:-}" = --check ]; then
	check
	exit
fi
build=$(cd "${1:?behaviour.sh BUILD [JOBS [STATE]]}" && pwd)
lab=$build/bin/idevicerescue-lab
jobs=${2:-6}
state=${3:-$build/behaviour}
mkdir -p "$state"
state=$(cd "$state" && pwd)
export lab state
engines=(system)
system_version=$(idevicerestore --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -1)
# the first "version" of each file is the engine's, those behind it are its packages'
current_version=$(for file in "$RESCUE_ENGINES_DIR"/*/engine.json; do
	[ ! -e "$file" ] || grep -o '"version": *"[^"]*"' "$file" | head -1 | cut -d'"' -f4
done | sort -V | tail -1)
[ -z "$current_version" ] || engines+=(current)

for mode in recovery dfu normal restore; do
	for engine in "${engines[@]}"; do
		observe "$top/tests/scenario/modes/from-$mode.scenario" "$engine" "$state/usual.$mode.$engine"
	done
done
pairs | xargs -P "$jobs" -L 1 bash -c 'one "$1" "$2"' one
{
	sed "s/@LIMIT@/$LIMIT/" "$here/behaviour.md.in"
	table
} >"$page.new"
mv "$page.new" "$page"
