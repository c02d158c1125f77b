/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/state.h"

#include "core/model/port.h"
#include "core/remedy/buttons.h"

/* What only a person can do: how it is put, and how it is seen that somebody did it. */

#define MS 1000 /* microseconds */

/* what nothing on the bus tells is looked at so often */
#define MUX_LOOK_MS   1000
#define SPACE_LOOK_MS 5000
#define HOST_LOOK_MS  20000 /* a look at the network or at USB takes seconds itself */

/* of space that was short nobody knows where: whoever has freed so much has done something about it */
#define FREED_BYTES (UINT64_C(1) * 1000 * 1000 * 1000)

/* One thing that is asked for. */
typedef struct {
	char *port;      /* where the device was; NULL: not known */
	char *told_port; /* where it came back in vain, when that was told; NULL: nowhere yet */
	RescueMode mode; /* that it is in; ABSENT from when it left */
	bool was_absent; /* when it was asked for: then its return is what was missing */
	int64_t deadline_us;
	bool looked;         /* the first look at this computer was taken */
	bool trouble;        /* and found what a look can find */
	uint64_t free_bytes; /* then */
} Request;

static void
request_clear(Request *request)
{
	g_free(request->port);
	g_free(request->told_port);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Request, request_clear)

/* ---- how it is put ------------------------------------------------------------------------------- */

/* The label of the station, or the kernel's name in words. Caller frees. */
static char *
name_port(const RescueRun *run, const char *port)
{
	const RescueHostPort *host = run->ports->host;
	char *label = host->port_name != NULL ? host->port_name(run->ports->host_self, port) : NULL;

	return label != NULL ? label : rescue_port_in_words(port);
}

/* Which port it was, and which are better. Caller frees. */
static char *
tell_ports(const RescueRun *run, const char *text)
{
	const RescueHostPort *host = run->ports->host;
	g_autofree char *name = run->port != NULL ? name_port(run, run->port) : NULL;
	g_autofree char *spare = host->spare_ports != NULL
				     ? host->spare_ports(run->ports->host_self, run->port)
				     : NULL;

	return g_strdup_printf("%s%s%s%s%s%s", text, name != NULL ? "; it was on " : "",
			       name != NULL ? name : "",
			       rescue_port_is_behind_hub(run->port) ? ", behind a hub" : "",
			       spare != NULL ? "; free: " : "", spare != NULL ? spare : "");
}

/* For what is done with buttons: which, and for how long, if the model is known. Caller frees. */
static char *
instruct(const RescueRun *run, RescueRemedy remedy)
{
	static const struct {
		RescueRemedy remedy;
		RescueButtonsGoal goal;
	} by_hand[] = {
		{ RESCUE_REMEDY_FORCE_RESTART, RESCUE_BUTTONS_RECOVERY },
		{ RESCUE_REMEDY_ENTER_RECOVERY_BY_HAND, RESCUE_BUTTONS_RECOVERY },
		{ RESCUE_REMEDY_ENTER_DFU_BY_HAND, RESCUE_BUTTONS_DFU },
	};
	const char *text = rescue_remedy_info(remedy)->text;
	g_autofree char *steps = NULL;

	if (remedy == RESCUE_REMEDY_OTHER_PORT)
		return tell_ports(run, text);
	for (size_t i = 0; i < G_N_ELEMENTS(by_hand); i++)
		if (by_hand[i].remedy == remedy)
			steps = rescue_buttons_tell(run->device->product, by_hand[i].goal);
	return steps != NULL ? g_strdup_printf("%s: %s", text, steps) : g_strdup(text);
}

/* ---- how it is seen ------------------------------------------------------------------------------ */

static bool
is_here(const RescueRun *run)
{
	return run->device->mode != RESCUE_MODE_ABSENT;
}

/* For most things the device itself is the sign: it shows another mode, or was unplugged and is back. */
static bool
shows_change(RescueRun *run, Request *request)
{
	const RescueDevice *device = run->device;

	if (!is_here(run)) {
		request->mode = RESCUE_MODE_ABSENT;
		return false;
	}
	if (device->mode == request->mode &&
	    rescue_port_move(request->port, device->place.port) == RESCUE_MOVE_NONE)
		return false;
	g_free(run->did);
	run->did = g_strdup_printf("the device is in %s mode now", rescue_mode_name(device->mode));
	return true;
}

/* It came back, and not where it was wanted. */
static void
tell_wrong_port(RescueRun *run, Request *request, RescuePortMove move)
{
	const char *port = run->device->place.port;
	g_autofree char *name = name_port(run, port);
	g_autofree char *text = NULL;

	if (request->mode != RESCUE_MODE_ABSENT || g_strcmp0(request->told_port, port) == 0)
		return;
	text = g_strdup_printf(move == RESCUE_MOVE_NONE
				   ? "another port is wanted: the device is on %s again"
				   : "another port is wanted: the device is on %s now, behind the "
				     "same hub",
			       name);
	rescue_set_string(&request->told_port, port);
	rescue_run_say(run,
		       rescue_event_operator(text,
					     (request->deadline_us - rescue_run_now_us(run)) / MS));
}

/* Another port means another one: behind a hub that may be the cause, none of the same hub counts. */
static bool
is_elsewhere(RescueRun *run, Request *request)
{
	const char *port = run->device->place.port;
	RescuePortMove move = rescue_port_move(request->port, port);
	g_autofree char *from = NULL;
	g_autofree char *to = NULL;

	if (!is_here(run) || port == NULL) {
		request->mode = RESCUE_MODE_ABSENT;
		g_clear_pointer(&request->told_port, g_free);
		return false;
	}
	if (move != RESCUE_MOVE_ELSEWHERE && !request->was_absent) {
		tell_wrong_port(run, request, move);
		return false;
	}
	from = request->port != NULL ? name_port(run, request->port) : NULL;
	to = name_port(run, port);
	g_free(run->did);
	run->did = move == RESCUE_MOVE_NONE
		       ? g_strdup_printf("the device is back, on %s as before", to)
		       : g_strdup_printf("the device was moved%s%s to %s",
					 from != NULL ? " from " : "", from != NULL ? from : "",
					 to);
	return true;
}

static bool
usbmuxd_answers(RescueRun *run, Request *request)
{
	const RescuePorts *ports = run->ports;

	if (!ports->host->check_usbmuxd(ports->host_self, NULL))
		return false;
	rescue_set_string(&run->did, "usbmuxd answers again");
	return true;
}

static bool
fits(const RescueRun *run)
{
	const RescuePorts *ports = run->ports;

	return run->asked_bytes == 0 ||
	       ports->host->check_space(ports->host_self, run->asked_bytes, NULL);
}

static uint64_t
count_free(const RescueRun *run)
{
	const RescueHostPort *host = run->ports->host;

	return host->free_bytes != NULL ? host->free_bytes(run->ports->host_self) : 0;
}

/* What did not fit fits now; where it was another folder that was full, much was freed. */
static bool
has_room(RescueRun *run, Request *request)
{
	if (!request->looked) {
		request->looked = true;
		request->trouble = !fits(run);
		request->free_bytes = count_free(run);
		return false;
	}
	if (request->trouble ? !fits(run) : count_free(run) < request->free_bytes + FREED_BYTES)
		return false;
	rescue_set_string(&run->did, "there is room again");
	return true;
}

static bool
finds_trouble(RescueRun *run, unsigned look)
{
	const RescuePorts *ports = run->ports;
	g_autoptr(GPtrArray) facts = ports->host->look(ports->host_self, look, run->device);

	for (guint i = 0; i < facts->len; i++)
		if (((const RescueHostFact *)facts->pdata[i])->breaks)
			return true;
	return false;
}

/* What was found on this computer at first is not found any more. Where nothing was, only the device can tell. */
static bool
is_healed(RescueRun *run, Request *request, unsigned look)
{
	bool first = !request->looked;

	if (shows_change(run, request))
		return true;
	if (run->ports->host->look == NULL || (!first && !request->trouble))
		return false;
	request->looked = true;
	request->trouble = finds_trouble(run, look);
	if (first || request->trouble)
		return false;
	rescue_set_string(&run->did, "what was wrong on this computer is not seen any more");
	return true;
}

static bool
network_is_healed(RescueRun *run, Request *request)
{
	return is_healed(run, request, RESCUE_LOOK_NETWORK);
}

static bool
usb_is_healed(RescueRun *run, Request *request)
{
	return is_healed(run, request, RESCUE_LOOK_USB);
}

typedef struct {
	RescueRemedy remedy;
	bool (*is_seen)(RescueRun *run, Request *request);
	int look_ms; /* 0: whenever something happens on the bus */
} Sign;

static const Sign signs[] = {
	{ RESCUE_REMEDY_OTHER_PORT, is_elsewhere, 0 },
	{ RESCUE_REMEDY_START_USBMUXD, usbmuxd_answers, MUX_LOOK_MS },
	{ RESCUE_REMEDY_FREE_SPACE, has_room, SPACE_LOOK_MS },
	{ RESCUE_REMEDY_CHECK_NETWORK, network_is_healed, HOST_LOOK_MS },
	{ RESCUE_REMEDY_CHECK_SECURITY_SOFTWARE, network_is_healed, HOST_LOOK_MS },
	{ RESCUE_REMEDY_GRANT_ACCESS, usb_is_healed, HOST_LOOK_MS },
};
static const Sign by_device = { .is_seen = shows_change };

static const Sign *
find_sign(RescueRemedy remedy)
{
	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
		if (signs[i].remedy == remedy)
			return &signs[i];
	return &by_device;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

static bool
await(RescueRun *run, const Sign *sign, Request *request)
{
	int64_t look_us = rescue_run_now_us(run);

	while (run->stops == 0 && rescue_run_now_us(run) < request->deadline_us) {
		bool due = sign->look_ms == 0 || rescue_run_now_us(run) >= look_us;
		if (due && sign->is_seen(run, request))
			return true;
		if (due)
			look_us = rescue_run_now_us(run) + (int64_t)sign->look_ms * MS;
		g_autoptr(RescueObservation)
		    seen = rescue_run_next(run, sign->look_ms == 0
						    ? request->deadline_us
						    : MIN(look_us, request->deadline_us));
		(void)seen; /* noted in the state */
	}
	return run->stops == 0 && sign->is_seen(run, request);
}

bool
rescue_run_ask_person(RescueRun *run, RescueRemedy remedy)
{
	g_autofree char *text = instruct(run, remedy);
	int person_ms = run->job->policy->person_ms;
	g_auto(Request) request = {
		.port = g_strdup(run->port),
		.mode = run->device->mode,
		.was_absent = !is_here(run),
		.deadline_us = rescue_run_now_us(run) + (int64_t)person_ms * MS,
	};

	rescue_run_say(run, rescue_event_operator(text, person_ms));
	return await(run, find_sign(remedy), &request);
}
