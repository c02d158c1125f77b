/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What happened to each phone, told by the lab and by nobody else: one JSON line each in record.jsonl,
 * flushed line by line. {"us": MONOTONIC, "phone": "a", "event": "…", …}
 * Events: mode (mode, port) · open (pid, comm) · control · upload (pid, component, bytes) · erased (pid, comm) ·
 * installed (build) · booted (version, build) · fault (at, action, number) · signing (status, ecid, pid 0) ·
 * request (server, path, status) · session (service, pid, comm) · step (name, pid: a step of the restore
 * begins) · image (state: begin, with its first byte, or end; pid) · reset (port: a bus reset) · state (mode,
 * version, build, erased), the last one.
 */
typedef struct LabRecord LabRecord;

/** Appends to `path`, which is made if need be. NULL with `error` set; else caller closes. */
LabRecord *lab_record_open(const char *path, GError **error);
/** Accepts NULL. */
void lab_record_close(LabRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabRecord, lab_record_close)

/**
 * Writes one event; `phone` may be NULL. Then pairs of key and printf-less value, by type letter in front of
 * the key: "s:mode", "recovery" · "i:pid", (int64_t)42, closed by NULL.
 */
void lab_record_event(LabRecord *record, const char *phone, const char *event,
		      ...) G_GNUC_NULL_TERMINATED;
/** The record is complete: whatever is still written to it is dropped. */
void lab_record_end(LabRecord *record);
/** "idevicerestore" from /proc/PID/comm; caller frees; "?" when it is gone. */
char *lab_record_comm(pid_t pid);
