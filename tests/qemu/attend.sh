#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: attend.sh COMMAND [PATTERN ACTION]…
# The person beside a job: COMMAND writes its events to stdout, and they are kept for `expect failure`. At the first of
# them that has PATTERN in it the ACTION is done, then the next PATTERN is waited for; “lab …” goes to the lab. Ends with
# the status of COMMAND; a PATTERN that never came is told.
command=$1
shift
lab() {
	echo "$*" >"$LAB_CONTROL"
}

fifo=$(mktemp -u)
mkfifo "$fifo" || exit 1
sh -c "exec $command" >"$fifo" &
job=$!
while read -r line; do
	printf '%s\n' "$line" | tee -a "$LAB_DIR/events"
	# shellcheck disable=SC2254 # a pattern is what it is
	case $line in
	*$1*)
		[ $# -ge 2 ] || continue
		eval "$2"
		shift 2
		;;
	esac
done <"$fifo"
wait "$job"
status=$?
[ $# -eq 0 ] || { echo "attend.sh: never seen: $1" && exit 1; }
exit $status
