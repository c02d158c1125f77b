/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * News of files and folders, by inotify. All watches of a process share one instance, since the kernel gives a user
 * only 128 of them, and a line has a process for each of its phones.
 */
typedef struct RescueNotify RescueNotify;

/** `name`: in a folder, what the news is about; NULL: not known, look at everything. From the loop. */
typedef void (*RescueNotifyNews)(const char *name, void *data);

/**
 * `mask` as in inotify(7). Where the kernel has no instance or no watch left, there are news ten times a second, true
 * or not. Never NULL; caller owns.
 */
RescueNotify *rescue_notify_new(const char *path, uint32_t mask, RescueNotifyNews news, void *data);
/** Accepts NULL. May be called from the news themselves. */
void rescue_notify_free(RescueNotify *notify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueNotify, rescue_notify_free)
