/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/line/capacity.h"
#include "core/line/station.h"

/* What the files of a station share; within core/line only. */

/** Reports that nobody takes are not collected beyond this. */
#define RESCUE_BENCH_REPORTS 1000u

typedef struct {
	bool held;
	char *scan; /* for the next phone */
} RescueBenchPort;

/** Who sends over a bus, and since when nobody else does. */
typedef struct {
	int64_t since_us;
	unsigned senders;
	uint64_t who; /* of the same senders the same number */
} RescueBenchWindow;

/** What is known of a bus: its rates, and how long phones take from the start of an engine to the transfer. */
typedef struct {
	RescueCapacity capacity;
	double lead_us, spread_us;
	RescueBenchWindow window;
} RescueBenchBus;

struct RescueStation {
	const RescueLayout *layout;
	const RescueIntakeRules *rules;
	GPtrArray *buses;   /* RescueUsbBus */
	GPtrArray *tickets; /* RescueTicket */
	GArray *ports;      /* RescueBenchPort, as in the layout */
	RescueHealth *health;
	GPtrArray *reports;   /* sentences */
	GHashTable *measured; /* transfer domain to RescueBenchBus */
	GPtrArray *lines;     /* RescueJson: for the journal, not taken yet */
	GHashTable *kept;     /* ECID to the text of its last `phone` line */
	int64_t engine_us;    /* when the last engine was let go; 0: none was */
};

/** The label of a port, or words for none. Borrowed. */
const char *rescue_bench_label(const RescueStation *station, size_t port);
/** Takes the sentence over. */
void rescue_bench_report(RescueStation *station, char *sentence);
/** Moves the phone along the table, or reports that it cannot be; `why` (taken over) NULL: as before. */
bool rescue_bench_fire(RescueStation *station, RescueTicket *ticket, RescueSlotEvent event,
		       char *why, int64_t now_us);
/** An empty list of lines for the journal. */
GPtrArray *rescue_bench_new_lines(void);
/** What a daemon has to know that is started again: an outcome that counts, of the event that is being heard. */
void rescue_bench_keep_outcome(RescueStation *station, const RescueTicket *ticket,
			       const RescueRestoreOutcome *outcome);
/** "condemned" or "retested". */
void rescue_bench_keep_verdict(RescueStation *station, const char *event, RescuePlaceKind kind,
			       const char *name);
/** Held or not, and the number that waits for the next phone there. */
void rescue_bench_keep_port(RescueStation *station, size_t port);
/** It is forgotten. */
void rescue_bench_keep_gone(RescueStation *station, const RescueTicket *ticket);
/** A phone that was never seen; the station owns it. */
RescueTicket *rescue_bench_new_ticket(RescueStation *station);
/** NULL when there is none. */
RescueTicket *rescue_bench_find(const RescueStation *station, RescueEcid ecid);
/** The phone that a slot shows; NULL. */
RescueTicket *rescue_bench_at(const RescueStation *station, size_t port);
/** Asks the rules about a phone that is identified, unless its port is out of use or held. */
void rescue_bench_settle(RescueStation *station, RescueTicket *ticket, int64_t now_us);
/** Its port, the port's cable or its hub is out of use. */
bool rescue_bench_is_condemned(const RescueStation *station, size_t port);
/** The phone had trouble that its port may have caused; may take the port, its cable or hub out of use. */
void rescue_bench_count(RescueStation *station, RescueTicket *ticket, bool failed, int64_t now_us);
/** The number of what shares one bandwidth with the phone's port: a bus, or one root port of it; 0: not known. */
unsigned rescue_bench_find_domain(const RescueStation *station, const RescueTicket *ticket);
/** What is known of a transfer domain by now. */
RescueBenchBus rescue_bench_known_bus(const RescueStation *station, unsigned domain);
/** Learns from a phone whose stage was `before` since `since_us` until its last event. */
void rescue_bench_measure(RescueStation *station, const RescueTicket *ticket, RescueStage before,
			  int64_t since_us, int64_t now_us);
