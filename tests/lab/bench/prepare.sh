#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# usage: prepare.sh DIRECTORY
# Puts a kernel and an initramfs for the machine into DIRECTORY. The kernel comes from Debian's package for amd64, which
# apt downloads (and checks) and which is unpacked there, not installed. Nothing is done twice.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 1 ] || { echo "usage: prepare.sh DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

die() {
	printf 'prepare.sh: %s\n' "$1" >&2
	exit 1
}

# the real package behind linux-image-amd64; the cloud kernel has no USB
kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" && /linux-image-.*-amd64$/ { print $2; exit }'
}

# number OFFSET SIZE FILE, little-endian
number() {
	od -An -t "u$2" -j "$1" -N "$2" "$3" | tr -d ' '
}

# the ELF file inside a bzImage, by the boot protocol's header: it boots faster by itself
extract() {
	local sectors offset length
	sectors=$(number 497 1 "$1")
	offset=$(number 584 4 "$1")
	length=$(number 588 4 "$1")
	# the last four bytes are the size, not part of the stream
	head -c $(((sectors + 1) * 512 + offset + length - 4)) "$1" | tail -c $((length - 4)) | xz -dc
}

fetch_kernel() {
	local package=$1
	rm -rf unpacked new.vmlinux ./*.deb
	apt-get -q download "$package" >&2 || die "apt-get could not download $package"
	dpkg -x ./*.deb unpacked
	extract unpacked/boot/vmlinuz-* >new.vmlinux || die "the kernel of $package has an unknown form"
	rm -rf modules
	mkdir modules
	local number=10 name
	for name in "${modules[@]}"; do
		# in the order of loading; what is not a module is part of the kernel
		find unpacked/lib/modules -name "$name.ko" -exec cp {} "modules/$number-$name.ko" \;
		number=$((number + 1))
	done
	mv new.vmlinux vmlinux
	rm -rf unpacked ./*.deb
	printf '%s\n' "$package" >package
}

make_initramfs() {
	rm -rf root
	mkdir -p root/bin
	cp "$(command -v busybox)" root/bin/busybox
	cp -r modules root/modules
	cp "$here/init" root/init
	chmod 755 root/init
	(cd root && find . | sort | cpio --quiet -o -H newc -R 0:0) >new.initramfs
	mv new.initramfs initramfs
	rm -rf root
}

modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio-rng virtio_console
	netfs fscache 9pnet 9pnet_virtio 9p overlay failover net_failover virtio_net usb-common usbcore xhci-hcd xhci-pci)

for tool in busybox cpio dpkg xz apt-get; do
	command -v "$tool" >/dev/null || die "‘$tool’ is missing (Debian packages: group qemu of cli/data/apt-packages.txt)"
done
if [ ! -f vmlinux ] || [ ! -f package ]; then
	package=$(kernel_package)
	[ -n "$package" ] || die 'apt knows no linux-image-amd64'
	fetch_kernel "$package"
fi
if [ ! -f initramfs ] || [ "$here/init" -nt initramfs ] || [ "$here/prepare.sh" -nt initramfs ] || [ vmlinux -nt initramfs ]; then
	make_initramfs
fi
