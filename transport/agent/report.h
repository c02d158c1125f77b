/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/json.h"

/* The agent's side of its protocol: JSON lines on stdout, each written at once, and the deadline that ends it. */

/** {"v":1,"event":"result",…}: takes `fields` over. */
void rescue_report_result(RescueJson *fields);
/** {"v":1,"event":"error","failure":NAME,"text":…} */
void rescue_report_error(const GError *error);

/**
 * The libraries' calls cannot be cancelled: at its end a thread reports what the agent was waiting for and ends the
 * process.
 */
typedef struct RescueAgentDeadline RescueAgentDeadline;

RescueAgentDeadline *rescue_agent_deadline_new(unsigned deadline_ms);
/** What is waited for from now on, a static text: "an answer of lockdownd". Any thread. */
void rescue_agent_deadline_step(RescueAgentDeadline *deadline, const char *step);
/**
 * The work is done and reported; what follows is a library's goodbye to a device that may be gone, which is given a
 * second and ends the process with success.
 */
void rescue_agent_deadline_finish(RescueAgentDeadline *deadline);
/**
 * What is known by now is enough: at the deadline it is the result, and the end a success. `fields` as in
 * rescue_report_result(), copied.
 */
void rescue_agent_deadline_content(RescueAgentDeadline *deadline, const RescueJson *fields);
/** Calls it off. Accepts NULL. */
void rescue_agent_deadline_free(RescueAgentDeadline *deadline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueAgentDeadline, rescue_agent_deadline_free)
