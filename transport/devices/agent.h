/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/model/device.h"

/*
 * Calls of idevicerescue-agent, the child that talks to devices. One call is one short-lived process with a deadline
 * inside it and one outside; a crash is an error like any other (RESCUE_FAILURE_AGENT_CRASHED).
 */
typedef struct {
	const char *program;       /* path, or a name for PATH */
	const char *command;       /* "query" */
	const char *argument;      /* "on"; NULL: none */
	RescueEcid ecid;           /* 0: not known */
	const char *udid;          /* NULL: not known */
	const RescueDevice *model; /* its chip and board numbers are passed on; NULL: none */
	unsigned deadline_ms;
} RescueAgentCall;

/** What the agent said of the device, or NULL and the error. Both borrowed. Called once, never from within start(). */
typedef void (*RescueAgentDone)(const RescueDevice *facts, const GError *error, void *data);

typedef struct RescueAgentTask RescueAgentTask;

/** Runs it beside everything else. Free the task from `done` or at any other time. */
RescueAgentTask *rescue_agent_start(const RescueAgentCall *call, RescueAgentDone done, void *data,
				    GError **error);
/** Ends the child if it still runs; `done` is then not called. Accepts NULL. */
void rescue_agent_task_free(RescueAgentTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueAgentTask, rescue_agent_task_free)

/** Runs the loop until it has ended. Caller owns the facts; `ret_facts` may be NULL. */
bool rescue_agent_run(const RescueAgentCall *call, RescueDevice **ret_facts, GError **error);
/** The agent that belongs to this program: beside it or in PATH. Caller frees. */
char *rescue_agent_find(void);
