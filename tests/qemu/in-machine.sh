#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: in-machine.sh MACHINE_DIR LAB [ARGUMENT…]
# Runs the lab with its phones in a machine, or says what is missing for that and exits with 77, which is a skip.
machine=$1
lab=$2
shift 2
PATH=$PATH:/usr/sbin:/sbin

missing=
for program in qemu-system-x86_64 busybox udevadm usbmuxd uhubctl lsusb idevicerestore irecovery; do
	command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
	echo "SKIPPED: no$missing on this host; install the packages of the groups qemu, run and lab of cli/data/apt-packages.txt"
	exit 77
fi
if [ ! -f "$machine/vmlinux" ] || [ ! -f "$machine/initramfs" ]; then
	echo "SKIPPED: no kernel in $machine; tests/lab/bench/prepare.sh $machine fetches one from Debian's archive"
	exit 77
fi
LAB_MACHINE_DIR=$machine
export LAB_MACHINE_DIR
exec "$lab" --bench qemu "$@"
