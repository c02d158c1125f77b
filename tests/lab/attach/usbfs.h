/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tests/lab/phone/phone.h"

/*
 * The far end of one usbfs node: a listening socket to which the preload library connects each time
 * a process opens the node, and over which it asks for every ioctl. One per plug of a phone.
 */
typedef struct LabNode LabNode;

/**
 * Listens at `path`. `phone` NULL: stands for every other file in /dev; hands each call back to the
 * kernel.
 */
LabNode *lab_node_new(const char *path, LabPhone *phone, GError **error);
void lab_node_free(LabNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabNode, lab_node_free)

/**
 * The phone has left: transfers under way fail, new ones find no device. The socket's path is
 * removed.
 */
void lab_node_unplug(LabNode *node);
/**
 * True while a process has it open: freeing it would make the preload library abort that process.
 */
bool lab_node_is_open(const LabNode *node);
