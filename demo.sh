#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# A restore of a virtual iPhone by the real idevicerestore, through a signing-server outage and an unplug in mid-transfer. A
# fresh Debian 12 with git and root or sudo is enough; no phone is needed and none that is attached is touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. tests/lib/setup.sh

usage() {
	cat <<'EOF'
usage: ./demo.sh [--no-install] [SCENARIO]
  --no-install  install no packages; say which are missing
  SCENARIO      a file of tests/scenario, by default demo.scenario
EOF
}

scenario=tests/scenario/demo.scenario
while [ $# -gt 0 ]; do
	case $1 in
	--no-install) export RESCUE_NO_INSTALL=1 ;;
	-h | --help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) scenario=$1 ;;
	esac
	shift
done
[ -f "$scenario" ] || setup_die "there is no scenario ‘$scenario’" 2

setup_packages build run lab
setup_build release
setup_say "$(sed -n '1s/^# *//p' "$scenario")"
# the lab gives the command a home and a state of its own, so nothing of this computer is touched
exec build/release/bin/idevicerescue-lab --check --scenario "$scenario" </dev/null
