/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/line/schedule.h"
#include "core/line/supervisor.h"
#include "core/model/event.h"

/* What the files of the supervisor share. */

/** What is known of the process of a phone's job. */
typedef struct {
	int64_t heard_us; /* its last event; or when it was started */
	int64_t again_us; /* not started again before */
	bool ending;      /* it hung, and was told to end */
} RescuePulse;

struct RescueSupervisor {
	RescueSupervisorSpec spec;
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station;
	GHashTable *pulses; /* ECID to RescuePulse */
	uint64_t seq;       /* of the last line of the station's journal */
	GQueue late;        /* RescueJson: lines that the journal has not taken yet, in order */
	char *trouble;      /* why it does not; NULL: it does */
	GPtrArray *turns;   /* RescueTurn, of the last round */
	GPtrArray *renames; /* char *: label before, label after, … */
	int64_t forget_us;
	bool replaying, stopping;
};

/** Monotonic, of the ports' clock. */
int64_t rescue_supervisor_now_us(const RescueSupervisor *supervisor);
/** Never NULL; borrowed. */
RescuePulse *rescue_supervisor_pulse(RescueSupervisor *supervisor, RescueEcid ecid);
/** The label of its port; borrowed. */
const char *rescue_supervisor_label(const RescueSupervisor *supervisor, const RescueTicket *ticket);

/* supervisor-keep.c: the station's journal. */

/** Writes what the station wants kept, and what could not be written before. False while the journal refuses. */
bool rescue_supervisor_flush(RescueSupervisor *supervisor);
/** One more line, written now or, when the journal refuses, later; told once. */
void rescue_supervisor_keep(RescueSupervisor *supervisor, const RescueJson *body);
/** One more line, all before it written too; when the journal refuses it is as if it had never been. */
bool rescue_supervisor_write(RescueSupervisor *supervisor, RescueJson *body);
/** A sentence for people; journalled like the rest. */
void rescue_supervisor_report(RescueSupervisor *supervisor, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
/** When a line was written, by the clock of this process. */
int64_t rescue_supervisor_time_of(const RescueSupervisor *supervisor, const RescueJson *line,
				  int64_t now_us);
/** Labels that operators have given, for a layout that was read anew. */
void rescue_supervisor_rename_again(RescueSupervisor *supervisor);
/** One more of them. BAD_INPUT. */
bool rescue_supervisor_rename(RescueSupervisor *supervisor, const char *from, const char *to,
			      GError **error);
