# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
# shellcheck shell=bash
#
# What test.sh and demo.sh share: packages from apt when one is missing, configure, build. Sourced by bash from the
# repository root. Nothing here reads stdin, and nothing is done twice: a second run finds everything in place.

export LC_ALL=C.UTF-8
export DEBIAN_FRONTEND=noninteractive
setup_name=$(basename "$0")

setup_die() {
	printf '%s: %s\n' "$setup_name" "$1" >&2
	exit "${2:-1}"
}

# names the step that begins; the time of each is what one wants to know when something is slow
setup_say() {
	printf '%s: %s\n' "$setup_name" "$1"
}

# the packages of these groups, one per line
setup_list() {
	local group
	for group in "$@"; do
		awk -v group="$group" '$1 == group { print $2 }' cli/data/apt-packages.txt
	done
}

# those of stdin that are not installed
setup_missing() {
	local package
	while read -r package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
	done
}

# as root, through sudo when we are not; without a terminal sudo must not ask
setup_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

setup_can_be_root() {
	[ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

setup_apt() {
	setup_as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

# setup_install PACKAGE…: nothing of it is started here. Debian starts a service that it installs unless this file says no.
setup_install() {
	local policy=/usr/sbin/policy-rc.d
	if [ -e "$policy" ]; then
		setup_apt install -y --no-install-recommends "$@"
		return
	fi
	(
		trap 'setup_as_root rm -f "$policy"' EXIT
		trap 'exit 130' INT TERM
		setup_as_root sh -c "printf '#!/bin/sh\\nexit 101\\n' >$policy && chmod 755 $policy"
		setup_apt install -y --no-install-recommends "$@"
	)
}

# setup_packages GROUP…: installs what is missing. With RESCUE_NO_INSTALL set it only says what that is.
setup_packages() {
	command -v dpkg-query >/dev/null ||
		setup_die 'this is not a Debian system; cli/data/apt-packages.txt lists what is needed, --no-install skips this step'
	local missing
	missing=$(setup_list "$@" | setup_missing | tr '\n' ' ')
	missing=${missing% }
	[ -n "$missing" ] || return 0
	[ -z "${RESCUE_NO_INSTALL:-}" ] || setup_die "these packages are missing: $missing"
	setup_can_be_root ||
		setup_die "these packages are missing, and neither root nor sudo is at hand to install them: $missing"
	setup_say "installing $missing"
	setup_apt update || setup_say 'not every package list could be fetched; trying with those at hand'
	# shellcheck disable=SC2086 # one word each
	setup_install $missing ||
		setup_die "apt-get could not install: $missing (the package archive has to be reachable once)"
}

# setup_browser: what the dashboard is looked at with. Its tests skip when it cannot be had: that is no reason to end.
setup_browser() {
	(setup_packages browser) || setup_say 'the tests of the dashboard in a browser skip'
}

# setup_build PRESET: into build/PRESET; configures only what was not configured, builds only what has changed
setup_build() {
	local preset=$1 directory=build/$1
	if [ ! -f "$directory/build.ninja" ]; then
		setup_say "configuring $directory"
		cmake --preset "$preset" || setup_die "cmake could not configure $directory"
	fi
	setup_say "building $directory"
	cmake --build "$directory" || setup_die "$directory does not build"
}

# setup_engine PRESET: the newest engine of Debian into build/engines, by the product itself, once. Tests that want it
# skip when it cannot be had: that is no reason to end. A mirror may be frozen, hence the option.
setup_engine() {
	local state=$PWD/build
	[ -z "${RESCUE_ENGINES_DIR:-}" ] || return 0
	! compgen -G "$state/engines/idevicerestore-*/engine.json" >/dev/null || return 0
	if [ -n "${RESCUE_NO_INSTALL:-}" ]; then
		setup_say 'no engine is installed in build/engines; tests that want one skip'
		return 0
	fi
	setup_say 'installing the newest engine in build/engines'
	"build/$1/bin/idevicerescue" --quiet --state "$state" --cache "$state/engines/.cache" \
		engine install --allow-expired-index </dev/null ||
		setup_say 'the newest engine cannot be installed; tests that want it skip'
}

# setup_machine: packages and kernel of the lab's machine, into build/qemu. Its tests skip when they cannot be had: that is
# no reason to end.
setup_machine() {
	local why='the tests of the label qemu skip'
	if ! (setup_packages qemu); then
		setup_say "$why"
	elif [ -n "${RESCUE_NO_INSTALL:-}" ] && [ ! -f build/qemu/vmlinux ]; then
		setup_say "there is no kernel in build/qemu; $why"
	else
		tests/lab/bench/prepare.sh build/qemu </dev/null || setup_say "$why"
	fi
}
