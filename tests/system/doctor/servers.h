/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/system/doctor/house.h"

/* Name server, web servers and usbmuxd of the house, on the main loop of the test. */
typedef struct Servers Servers;

/** Apple's own network, which here is all on the loopback. */
#define SERVERS_NET 0x11000000u
#define SERVERS_DNS "17.0.0.53"
/** An address where nobody listens. */
#define SERVERS_NOWHERE "17.0.0.99"

/** `dir`: gets Apple.pem and foreign.pem, the authorities, and usbmuxd.socket. */
Servers *servers_new(const char *dir);
/** Accepts NULL. */
void servers_free(Servers *servers);
/** Opens and closes what the state says; borrows it until the next call. */
void servers_apply(Servers *servers, const HouseState *state);
