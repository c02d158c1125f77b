/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "tests/fake/firmware.h"
#include "tests/fake/world.h"

/* Inside of tests/fake: what the world is made of. */

#define MS   1000
#define ECID 0x000A1B2C3D4E5F60

#define IMAGE_BYTES RESCUE_FAKE_IMAGE_BYTES

/* Something that happens at a time. */
typedef struct {
	int64_t at_us;
	RescueObservation *observation;
} Happening;

typedef struct {
	const char *call;
	unsigned nth, last; /* the first and last of them; last 0: no end */
	RescueFailure failure;
} Refusal;

struct RescueWorld {
	RescueClock clock;
	int64_t now_us, script_us, jump_us;
	double seconds;
	int64_t seq; /* of the last event in the journal */
	bool disordered;
	GQueue happenings; /* Happening, by time */
	RescueMode mode;
	char *port,
	    *script_port; /* where the phone is, and where scripts plug it in from now on; NULL: there */
	bool attended;
	unsigned battery_percent; /* at the beginning; one more each minute. 0: it does not tell */
	int64_t crowded_us, claimed_us; /* until then others use the bus, or one wants it alone */
	bool has_turn;
	bool mux_is_dead, restarts_mux;
	uint64_t free_bytes;
	unsigned other_engines;
	bool erases;
	bool has_power;
	int64_t trust_us; /* when somebody taps on Trust */
	GPtrArray *scripts;
	unsigned played;
	GPtrArray *thens;
	unsigned ended;
	bool engine_runs;
	GArray *refusals;
	GHashTable *counts;
	GString *calls, *history;
	GPtrArray *events;        /* RescueJson: the journal */
	const RescueOwner *owner; /* NULL: the phone says nothing about it */
	RescuePolicy *policy;
	bool wants_latest, silent_download;
	bool large_firmware;
	RescueSigned listed;
	const RescueResume *resume;
	RescueRunResult result;
	bool update_called_erase;
	RescuePicking picking;
	bool image_stored; /* and the engines read it where it is */
	bool got_image;    /* the last engine that was started */
	uint64_t asked_bytes;
	bool of_line;
	int grant_ms;         /* a turn takes this long; negative: nobody gives any */
	int hold_ms;          /* an engine may be held for so long; 0: not at all */
	int64_t held_us;      /* since when it is; 0: it runs */
	RescueWorldWrap wrap; /* NULL: the ports as they are */
	void *wrap_data;
};

/** Counts the call; true when the test wants it to fail now. */
bool rescue_world_refuses(RescueWorld *world, const char *call, GError **error);
/** The phone as it is seen in this mode. Caller owns. */
RescueDevice *rescue_world_phone(const RescueWorld *world, RescueMode mode);
/** Takes the observation over; those of one time come in the order of these calls. */
void rescue_world_happens(RescueWorld *world, int64_t at_us, RescueObservation *observation);
/** The engine does it, not its phone, nor anybody else. */
bool rescue_happening_is_of_engine(const Happening *happening);
/** Slots of the engine's port. */
bool rescue_world_hold(void *self, int most_ms, GError **error);
void rescue_world_go_on(void *self);
/** Has the script happen from now on. */
void rescue_world_play(RescueWorld *world, const char *script);

extern const RescueDevicePort rescue_world_device_port; /* devices.c; self is a RescueWorld */
extern const RescuePowerPort rescue_world_power_port;
extern const RescueBusPort rescue_world_bus_port;   /* host.c */
extern const RescueHostPort rescue_world_host_port; /* host.c; self is a RescueWorld */
extern const RescueTurnPort rescue_world_turn_port; /* turns.c; self is a RescueWorld */
