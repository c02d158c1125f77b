#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: busy-neighbor.sh ECID COMMAND…
# Runs COMMAND while a file of 16 MB is being sent to that phone in recovery mode; fails unless the sending had begun before,
# went on behind it, and ended well.
ecid=$1
shift
file=$LAB_DIR/neighbors-file
said=$LAB_DIR/neighbors-upload
# it begins with its length, as all that is sent; so the lab knows whether it has come whole
{ printf '\060\204\000\364\044\000\026\004IM4P\026\004dtre' && head -c 15999988 /dev/zero; } >"$file"
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
irecovery -i "$ecid" -f "$file" >"$said" 2>&1 &
upload=$!
until grep -q '%' "$said"; do
	kill -0 "$upload" || exit 1
	busybox usleep 50000
done
"$@" || exit 1
kill -0 "$upload" || { echo "busy-neighbor.sh: it was over too early" && exit 1; }
wait "$upload"
irecovery -i "$ecid" -c devicetree # what has come is used now
