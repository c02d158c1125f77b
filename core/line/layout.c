/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/layout.h"

#include <stddef.h>
#include <string.h>

#include "core/base/error.h"
#include "core/config/group.h"

#define MAX_LABEL         32u
#define DEFAULT_ENDPOINTS 96u /* what common xHCI and USB 2 controllers have */

enum { GROUP_LIMITS, GROUP_CONTROLLER, GROUP_HUB, GROUP_PORT };

typedef RescueLimits LIMITS;
typedef RescueController CONTROLLER;
typedef RescueHub HUB;
typedef RescuePort PORT;

static const RescueGroupField keys[] = {
#define RESCUE_LAYOUT_KEY(type, text, member, kind_id, min, max) \
	{ GROUP_##type, { text, offsetof(type, member), RESCUE_FIELD_##kind_id, min, max } },
#include "core/line/layout-key.def"
#undef RESCUE_LAYOUT_KEY
	{ .field = { .key = NULL } },
};

/* One transfer first: measuring finds out whether more are better. Endpoints: a phone takes 3 to 6, a hub 2. */
static const RescueLimits standard_limits = {
	.jobs = 64,
	.transfers = 1,
	.transfers_max = 4,
	.hold_limit_ms = 60000,
	.stagger_ms = 3000,
	.old_engine_alone = true,
	.downloads = 2,
	.job_memory_bytes = UINT64_C(100) << 20,
	.phone_endpoints = 6,
	.hub_endpoints = 2,
	.phone_ma = 500,
	.remember_ms = INT64_C(12) * 3600 * 1000,
};

static void
free_port(void *data)
{
	RescuePort *port = data;

	g_free(port->label);
	g_free(port->cable);
	g_strfreev(port->at);
	g_array_unref(port->places);
	g_free(port);
}

static void
free_hub(void *data)
{
	RescueHub *hub = data;

	g_free(hub->label);
	rescue_usb_place_clear(&hub->place);
	g_free(hub);
}

static void
free_controller(void *data)
{
	RescueController *controller = data;

	g_free(controller->id);
	g_free(controller);
}

RescueLayout *
rescue_layout_new(void)
{
	RescueLayout *layout = g_new(RescueLayout, 1);

	*layout = (RescueLayout){
		.limits = standard_limits,
		.ports = g_ptr_array_new_with_free_func(free_port),
		.hubs = g_ptr_array_new_with_free_func(free_hub),
		.controllers = g_ptr_array_new_with_free_func(free_controller),
	};
	return layout;
}

void
rescue_layout_free(RescueLayout *layout)
{
	if (layout == NULL)
		return;
	g_ptr_array_unref(layout->ports);
	g_ptr_array_unref(layout->hubs);
	g_ptr_array_unref(layout->controllers);
	g_free(layout);
}

static bool
read_limits(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLayout *layout = object;

	if (!rescue_group_fields_read(keys, GROUP_LIMITS, &layout->limits, group, error))
		return false;
	if (layout->limits.transfers > layout->limits.transfers_max)
		return rescue_config_refuse(error, "transfers is more than transfers-max in",
					    "[limits]");
	return true;
}

static bool
read_controller(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLayout *layout = object;
	RescueController *controller = g_new0(RescueController, 1);

	controller->id = g_strdup(name);
	controller->endpoints = DEFAULT_ENDPOINTS;
	g_ptr_array_add(layout->controllers, controller);
	return rescue_group_fields_read(keys, GROUP_CONTROLLER, controller, group, error);
}

static bool
read_hub(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLayout *layout = object;
	RescueHub *hub = g_new0(RescueHub, 1);

	g_ptr_array_add(layout->hubs, hub);
	return rescue_usb_place_parse(name, &hub->place, error) &&
	       rescue_group_fields_read(keys, GROUP_HUB, hub, group, error);
}

static bool
read_places(RescuePort *port, GError **error)
{
	for (size_t i = 0; port->at != NULL && port->at[i] != NULL; i++) {
		RescueUsbPlace place;
		if (!rescue_usb_place_parse(port->at[i], &place, error)) {
			g_prefix_error(error, "[port %s] at: ", port->label);
			return false;
		}
		g_array_append_val(port->places, place);
	}
	if (port->places->len == 0)
		return rescue_config_refuse(error, "where it is (at=) is not said of port",
					    port->label);
	return true;
}

static void
clear_place(void *data)
{
	rescue_usb_place_clear(data);
}

static bool
read_port(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueLayout *layout = object;
	RescuePort *port = g_new0(RescuePort, 1);

	port->label = g_strdup(name);
	port->places = g_array_new(FALSE, FALSE, sizeof(RescueUsbPlace));
	g_array_set_clear_func(port->places, clear_place);
	g_ptr_array_add(layout->ports, port);
	return rescue_group_fields_read(keys, GROUP_PORT, port, group, error) &&
	       read_places(port, error);
}

static bool
check_places(const RescueLayout *layout, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < layout->ports->len; i++) {
		const RescuePort *port = g_ptr_array_index(layout->ports, i);
		for (size_t k = 0; port->at[k] != NULL; k++) {
			if (!g_hash_table_add(seen, port->at[k]))
				return rescue_config_refuse(error, "two ports are at", port->at[k]);
		}
	}
	return true;
}

static const RescueGroupKind group_kinds[] = {
	{ "limits", false, read_limits },
	{ "controller", true, read_controller },
	{ "hub", true, read_hub },
	{ "port", true, read_port },
	{ .name = NULL },
};

RescueLayout *
rescue_layout_parse(const char *text, size_t size, GError **error)
{
	g_autoptr(GPtrArray) groups = rescue_ini_parse(text, size, "station", error);
	g_autoptr(RescueLayout) layout = rescue_layout_new();

	if (groups == NULL || !rescue_groups_read(group_kinds, layout, groups, error) ||
	    !check_places(layout, error))
		return NULL;
	return g_steal_pointer(&layout);
}

size_t
rescue_layout_find_label(const RescueLayout *layout, const char *label)
{
	for (unsigned i = 0; i < layout->ports->len; i++) {
		const RescuePort *port = g_ptr_array_index(layout->ports, i);
		if (g_strcmp0(port->label, label) == 0)
			return i;
	}
	return RESCUE_PORT_NONE;
}

static bool
port_is_at(const RescuePort *port, const RescueUsbPlace *place, const GPtrArray *buses)
{
	for (unsigned i = 0; i < port->places->len; i++) {
		if (rescue_usb_place_is(place, &g_array_index(port->places, RescueUsbPlace, i),
					buses))
			return true;
	}
	return false;
}

size_t
rescue_layout_find_place(const RescueLayout *layout, const char *place, const GPtrArray *buses)
{
	g_auto(RescueUsbPlace) wanted = { 0 };

	if (!rescue_usb_place_parse(place, &wanted, NULL))
		return RESCUE_PORT_NONE;
	for (unsigned i = 0; i < layout->ports->len; i++) {
		if (port_is_at(g_ptr_array_index(layout->ports, i), &wanted, buses))
			return i;
	}
	return RESCUE_PORT_NONE;
}

const RescuePort *
rescue_layout_port(const RescueLayout *layout, size_t index)
{
	return index < layout->ports->len ? g_ptr_array_index(layout->ports, index) : NULL;
}

const RescueController *
rescue_layout_controller(const RescueLayout *layout, const char *id)
{
	static const RescueController unnamed = { .endpoints = DEFAULT_ENDPOINTS };

	for (unsigned i = 0; i < layout->controllers->len; i++) {
		const RescueController *controller = g_ptr_array_index(layout->controllers, i);
		if (g_strcmp0(controller->id, id) == 0)
			return controller;
	}
	return &unnamed;
}

/* Letters, digits and what is easily read on a label. */
static bool
is_label(const char *text)
{
	size_t size = text != NULL ? strlen(text) : 0;

	if (size == 0 || size > MAX_LABEL)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!g_ascii_isalnum(text[i]) && strchr(" -_.:/#", text[i]) == NULL)
			return false;
	}
	return text[0] != ' ' && text[size - 1] != ' ';
}

bool
rescue_layout_rename(RescueLayout *layout, const char *from, const char *to, GError **error)
{
	size_t port = rescue_layout_find_label(layout, from);

	if (port == RESCUE_PORT_NONE)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "%s: no port of this station has this label", from);
	else if (!is_label(to))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "%s: a label has 1 to %u letters, digits, spaces or - _ . : / #", from,
			    MAX_LABEL);
	else if (rescue_layout_find_label(layout, to) != RESCUE_PORT_NONE)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "%s: another port is called ‘%s’ already", from, to);
	else {
		RescuePort *entry = g_ptr_array_index(layout->ports, port);
		g_free(entry->label);
		entry->label = g_strdup(to);
		return true;
	}
	return false;
}
