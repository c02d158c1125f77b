#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright (C) 2026 the idevicerescue contributors
#
# Runs the lab when the real BuildManifests are at hand; they are not part of the project.
if [ ! -d "$RESCUE_SHARED_DIR/manifests" ]; then
	echo "skipped: no real BuildManifests in ‘$RESCUE_SHARED_DIR/manifests’; name their folder's parent in RESCUE_SHARED_DIR"
	exit 77
fi
exec "$@"
