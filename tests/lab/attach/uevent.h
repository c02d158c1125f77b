/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>

/*
 * Sends uevents, as udevd would, to every process that listens below a root directory: each has a
 * datagram socket called event… there. Nobody is waited for: what a stopped listener cannot take is
 * kept and sent later.
 */
typedef struct LabUevents LabUevents;

LabUevents *lab_uevents_new(const char *root);
void lab_uevents_free(LabUevents *uevents);
/**
 * `action` is add or remove, `devpath` begins below /sys, `properties` is a list of KEY=value
 * lines. All copied.
 */
void lab_uevents_send(LabUevents *uevents, const char *action, const char *devpath,
		      const char *properties);
