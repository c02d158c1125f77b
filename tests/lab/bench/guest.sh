#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: guest.sh LAB_DIR [usbmuxd]
# What the machine does once it has a root: becomes a small Debian with udev and usbmuxd, runs the lab's command, tells how
# it ended, switches itself off. The host's root is below it, read-only; what is written stays in memory, but for the lab's
# own directory, which is copied back.
lab=$1
usbmuxd=${2:-}
b=/bin/busybox
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8

say() {
	echo "guest: $1" >/dev/console
}

end() {
	say "exit $1"
	echo "exit $1" >"$control"
	$b poweroff -f
}

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mkdir -p /dev/pts /dev/shm /run/lock /run/udev /run/lab-upper /run/lab-work
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs -o mode=1777 shm /dev/shm
$b chmod 1777 /run/lock
$b ln -sf /proc/self/fd /dev/fd

# ports of the lab, by name
$b mkdir -p /dev/lab
for port in /sys/class/virtio-ports/*; do
	read -r name <"$port/name" && $b ln -s "/dev/${port##*/}" "/dev/lab/$name"
done
control=/dev/lab/control

# the lab's directory: what the lab writes is seen, what is written here goes back at the end
$b mount -t tmpfs memory /run/lab-work
$b mkdir /run/lab-work/upper /run/lab-work/work
$b mount -t overlay -o lowerdir=/run/lab,upperdir=/run/lab-work/upper,workdir=/run/lab-work/work lab "$lab" ||
	say "cannot mount $lab"

# the host is 10.0.2.2; there is no route to anything else
$b ip link set lo up
$b ip addr add 10.0.2.15/24 dev eth0
$b ip link set eth0 up
: >/etc/resolv.conf

/lib/systemd/systemd-udevd --daemon || say 'cannot start udevd'
udevadm trigger --action=add --subsystem-match=usb
udevadm settle
if [ -n "$usbmuxd" ]; then
	# pairings that are as old as the scenario says
	$b rm -rf /var/lib/lockdown
	$b mkdir -p /var/lib/lockdown
	[ ! -d "$lab/guest/lockdown" ] || $b cp "$lab"/guest/lockdown/* /var/lib/lockdown
	$b chown -R usbmux /var/lib/lockdown
	usbmuxd --user usbmux --foreground --verbose --logfile /run/usbmuxd.log &
	tries=0
	while [ ! -S /run/usbmuxd ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		$b usleep 50000
	done
	[ -S /run/usbmuxd ] || say 'usbmuxd does not start'
fi
udevadm settle
say "ready at $($b cut -d' ' -f1 /proc/uptime)"
echo ready >"$control"
/bin/sh "$lab/guest/command" </dev/null >/dev/lab/stdout 2>/dev/lab/stderr
status=$?
[ ! -f /run/usbmuxd.log ] || $b cp /run/usbmuxd.log "$lab/guest/usbmuxd.log"
dmesg >"$lab/guest/dmesg" 2>/dev/null
(cd /run/lab-work/upper && $b find . -type f | $b cpio -o -H newc) 2>/dev/null | (cd /run/lab && $b cpio -idmu) 2>/dev/console
end "$status"
