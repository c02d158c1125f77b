#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Stands in for idevicerestore where a test wants to see how the engine is called, not what it does to a device.
#   FAKE_NEW=1         speaks as the generation after 1.0.0
#   FAKE_BROKEN=1      cannot start, as with a missing library
#   FAKE_LOOKS=FILE    one line is added for each look at version or usage
#   FAKE_TRANSCRIPT=FILE  printed as its output
#   FAKE_WAIT=FIFO     then waits until somebody writes into it
#   FAKE_STATUS=N      exit status
if [ -n "$FAKE_BROKEN" ]; then
	echo "$0: error while loading shared libraries: libplist-2.0.so.3: cannot open shared object file" >&2
	exit 127
fi
case "$1" in
-v)
	[ -n "$FAKE_LOOKS" ] && echo look >>"$FAKE_LOOKS"
	if [ -n "$FAKE_NEW" ]; then
		echo "idevicerestore 1.0.1 (libirecovery 1.3.1, libtatsu 1.0.5)"
	else
		echo "idevicerestore 1.0.0"
	fi
	exit 0
	;;
-h)
	echo "Usage: idevicerestore [OPTIONS] PATH"
	if [ -n "$FAKE_NEW" ]; then
		echo "  -s, --server URL      Override default signing server request URL"
		echo "  --logfile=PATH        Write logging output to file at PATH"
		echo "  --variant VARIANT     Use given VARIANT to match the build identity to use"
	else
		echo "  -s, --cydia           Use Cydia's signature service instead of Apple's"
	fi
	exit 0
	;;
esac
for argument in "$@"; do
	echo "argument: $argument"
	case "$argument" in
	*/cache) echo image >"$argument/image.dmg" && mkdir "$argument/folder" ;;
	esac
done
echo "proxy: ${http_proxy-unset} ${no_proxy-unset} ${NO_PROXY-unset}"
echo "folder: $(pwd)"
echo "descriptors: $(ls /proc/$$/fd | tr '\n' ' ')"
echo "ERROR: on stderr" >&2
[ -n "$FAKE_TRANSCRIPT" ] && cat "$FAKE_TRANSCRIPT"
[ -n "$FAKE_WAIT" ] && read -r word <"$FAKE_WAIT" && echo "told: $word"
exit "${FAKE_STATUS:-0}"
