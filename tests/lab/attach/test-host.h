/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/lab/attach/usbmuxd.h"
#include "tests/lab/phone/plistio.h"

/*
 * What the tests of the mux side share: a world with phones and a mux, its record, real tools run
 * in it, and a host of our own that speaks to the mux and to a phone's services, so that it can
 * also behave badly. Everything waits on the default main loop, with one deadline.
 */

typedef struct {
	char *dir, *record_path, *socket_path;
	LabRecord *record;
	LabFaults *faults;
	LabMux *mux;
	LabPhone *phone;
} World;

#define TEST_UDID "0123456789abcdef0123456789abcdef01234567"

/** A phone that has 15.4 (19E241) and is not on the bus yet; `link_bytes` 0: unlimited. */
void world_init(World *world, uint64_t link_bytes);
void world_clear(World *world);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)
/** Adds a copy of `fault`, for any phone; it fires once. */
void world_fault(World *world, LabFault fault);
/** Lines of the record with this event in which `key` is `value`; value NULL: whatever it is. */
unsigned world_events(const World *world, const char *event, const char *key, const char *value);
void world_wait_mode(World *world, LabMode mode);
/** Runs the main loop for a while. */
void world_run(unsigned ms);
/** Runs a tool to its end and returns what it printed; skips the test when it is not installed. */
char *world_tool(World *world, const char *const *argv);

/** A connection to the mux, or through it. */
typedef struct {
	int fd;
	GByteArray *in;
	bool ended;
} Host;

/** To the mux itself. Never fails; free with host_close(). */
Host *host_open(World *world);
/** Accepts NULL. */
void host_close(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_close)
/** Raw bytes; waits while the phone does not take them. False when the connection ended. */
bool host_write(Host *host, const void *data, size_t size);
/** Waits until `size` bytes are there and takes them; false when the connection ended before. */
bool host_read(Host *host, void *data, size_t size);
/** Everything that is there, at least one byte; NULL at the end. Caller unrefs. */
GByteArray *host_read_some(Host *host);
/**
 * A message of the mux's own protocol and its answer; takes `message` over, the answer is the
 * caller's.
 */
plist_t host_ask_mux(Host *host, plist_t message);
/** The next message of the mux. */
plist_t host_read_mux(Host *host);
/** Connects to a port of the phone; NULL when the mux refuses. */
Host *host_channel(World *world, uint16_t port);
/** With four bytes of length in front, as lockdownd and restored take it; takes `message` over. */
bool host_send(Host *host, plist_t message);
/** NULL when the connection ended, or `within_ms` has passed. */
plist_t host_receive(Host *host, unsigned within_ms);

enum { HOST_DEADLINE_MS = 20000 };
