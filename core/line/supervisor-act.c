/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/supervisor-state.h"

#include <string.h>

#include "core/base/error.h"

/* what operators do */

typedef struct {
	RescueSupervisor *supervisor;
	const RescueSupervisorAct *act;
	int64_t now_us;
} Deed;

static bool
hold(const Deed *deed, GError **error)
{
	return rescue_station_hold(deed->supervisor->station, deed->act->label, deed->now_us,
				   error);
}

static bool
release(const Deed *deed, GError **error)
{
	return rescue_station_release(deed->supervisor->station, deed->act->label, deed->now_us,
				      error);
}

static bool
retest(const Deed *deed, GError **error)
{
	return rescue_station_retest(deed->supervisor->station, deed->act->label, deed->now_us,
				     error);
}

static bool
scan(const Deed *deed, GError **error)
{
	return rescue_station_scan(deed->supervisor->station, deed->act->label, deed->act->text,
				   deed->now_us, error);
}

static bool
label(const Deed *deed, GError **error)
{
	g_autoptr(RescueJson) line = rescue_json_object_new();

	if (!rescue_supervisor_rename(deed->supervisor, deed->act->label, deed->act->text, error))
		return false;
	rescue_json_set_string(line, "event", "label");
	rescue_json_set_string(line, "from", deed->act->label);
	rescue_json_set_string(line, "to", deed->act->text);
	rescue_supervisor_keep(deed->supervisor, line);
	rescue_station_touch_port(deed->supervisor->station, deed->act->text);
	return true;
}

/* A job that runs sees by itself that it was done; a rule that asked is asked again. */
static bool
answer(const Deed *deed, GError **error)
{
	size_t port = rescue_layout_find_label(deed->supervisor->layout, deed->act->label);
	const RescueTicket *ticket = rescue_station_phone(deed->supervisor->station, port);

	if (ticket != NULL && ticket->alive)
		return true;
	return release(deed, error);
}

static const struct {
	const char *word;
	bool (*do_it)(const Deed *deed, GError **error);
} actions[] = {
	{ "hold", hold }, { "release", release }, { "retest", retest },
	{ "scan", scan }, { "label", label },     { "answer", answer },
};

const char *
rescue_supervisor_actions(void)
{
	return "hold, release, retest, scan, label, answer";
}

typedef bool (*Action)(const Deed *deed, GError **error);

/* NULL: there is no such thing to do, or it is not said where. */
static Action
find_action(const RescueSupervisorAct *act, GError **error)
{
	if (act->label == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "%s: say the label of the slot", act->action);
		return NULL;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(act->action, actions[i].word) == 0)
			return actions[i].do_it;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "‘%s’ is nothing that can be done; there are: %s", act->action,
		    rescue_supervisor_actions());
	return NULL;
}

/* `refused`: the sentence, for one that could not be done. Caller owns. */
static RescueJson *
describe(const RescueSupervisorAct *act, const char *refused)
{
	RescueJson *line = rescue_json_object_new();

	rescue_json_set_string(line, "event", "action");
	rescue_json_set_string(line, "action", act->action);
	rescue_json_set_string(line, "label", act->label);
	rescue_json_set_string(line, "text", act->text);
	rescue_json_set_string(line, "who", act->who);
	rescue_json_set_string(line, "refused", refused);
	return line;
}

bool
rescue_supervisor_act(RescueSupervisor *supervisor, const RescueSupervisorAct *act, GError **error)
{
	const Deed deed = { supervisor, act, rescue_supervisor_now_us(supervisor) };
	Action action = find_action(act, error);
	g_autoptr(RescueJson) line = describe(act, NULL);
	g_autoptr(GError) refused = NULL;

	if (action == NULL)
		return false;
	if (!rescue_supervisor_write(supervisor, line)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "nothing was done: %s",
			    supervisor->trouble);
		return false;
	}
	if (!action(&deed, &refused)) {
		g_autoptr(RescueJson) end = describe(act, refused->message);
		rescue_supervisor_keep(supervisor, end);
		g_propagate_error(error, g_steal_pointer(&refused));
		return false;
	}
	(void)rescue_supervisor_flush(supervisor); /* what follows waits until it is written */
	return true;
}
