#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: watch.sh [PATTERN ACTION]… PATTERN
# Prints what `idevicerescue devices --watch` tells. At the first line that fits PATTERN does its ACTION, then waits for the
# next PATTERN; ends behind the last one. An ACTION “lab …” goes to the lab, any other to the shell.
fifo=$(mktemp -u)
mkfifo "$fifo" || exit 1
idevicerescue devices --watch >"$fifo" &
watch=$!
while read -r line; do
	printf '%s\n' "$line"
	# shellcheck disable=SC2254 # a pattern is what it is
	case $line in
	*$1*)
		[ $# -ge 2 ] || break
		case $2 in
		lab\ *) echo "${2#lab }" >"$LAB_CONTROL" ;;
		*) eval "$2" || exit 1 ;;
		esac
		shift 2
		;;
	esac
done <"$fifo"
kill -INT "$watch"
wait "$watch"
