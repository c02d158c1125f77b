#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Stands in for apt-get where a test wants to see how an engine is installed, not what an archive has. Goes by the
# configuration that $APT_CONFIG names.
#   FAKE_APT_CALLS=FILE   one line is added for each call
#   FAKE_APT_DEB=FILE     the package that is "fetched"
#   FAKE_APT_FAIL=WORD    the call with this word fails, with what $FAKE_APT_ERROR says
#   FAKE_APT_WAIT=FIFO    the download tells so through it, and then goes on until it is ended
folder() {
	sed -n "s/^$1 \"\(.*\)\";\$/\1/p" "$APT_CONFIG"
}
echo "$*" >>"$FAKE_APT_CALLS"
case " $* " in *" ${FAKE_APT_FAIL:-none} "*)
	echo "$FAKE_APT_ERROR" >&2
	exit 100
	;;
esac
case " $* " in
*" indextargets "*)
	echo "http://deb.example.org/debian/ main Debian"
	;;
*" --simulate "*)
	echo "NOTE: This is only a simulation!"
	echo "Inst idevicerestore (1.0.0+git20251002-1 Debian:unstable [amd64])"
	echo "Conf idevicerestore (1.0.0+git20251002-1 Debian:unstable [amd64])"
	;;
*" --download-only "*)
	if [ -n "$FAKE_APT_WAIT" ]; then
		echo waits >"$FAKE_APT_WAIT"
		exec sleep 600
	fi
	cp "$FAKE_APT_DEB" "$(folder Dir::Cache::archives)/idevicerestore_1.0.0_amd64.deb"
	echo "Get:1 http://deb.example.org/debian sid/main amd64 idevicerestore amd64 1.0.0+git20251002-1 [103 kB]"
	;;
esac
