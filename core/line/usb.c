/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/usb.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"

#define MAX_BUS        255
#define MAX_CONTROLLER 64u
#define USB2_MBIT      480
#define SUPER_SPEED    "/ss"

static bool
read_chain(RescueUsbPlace *place, const char *text)
{
	g_auto(GStrv) numbers = g_strsplit(text, ".", -1);
	unsigned n = g_strv_length(numbers);

	if (n == 0 || n > RESCUE_USB_DEPTH)
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint64_t port;
		if (!rescue_parse_uint(numbers[i], 1, UINT8_MAX, &port, NULL))
			return false;
		place->chain[i] = (uint8_t)port;
	}
	place->depth = n;
	return true;
}

static bool
read_place(RescueUsbPlace *place, const char *text)
{
	const char *slash = strrchr(text, '/');
	const char *dash = strchr(text, '-');
	const char *end = slash != NULL ? slash : dash;
	g_autofree char *head = end != NULL ? g_strndup(text, (size_t)(end - text)) : NULL;
	uint64_t bus;

	if (head == NULL || head[0] == '\0' || strlen(head) > MAX_CONTROLLER ||
	    !read_chain(place, end + 1))
		return false;
	if (slash != NULL) {
		place->super_speed = g_str_has_suffix(head, SUPER_SPEED);
		if (place->super_speed)
			head[strlen(head) - strlen(SUPER_SPEED)] = '\0';
		place->controller = g_steal_pointer(&head);
		return place->controller[0] != '\0';
	}
	if (!rescue_parse_uint(head, 1, MAX_BUS, &bus, NULL))
		return false;
	place->bus = (unsigned)bus;
	return true;
}

bool
rescue_usb_place_parse(const char *text, RescueUsbPlace *ret_place, GError **error)
{
	RescueUsbPlace place = { 0 };

	if (text != NULL && read_place(&place, text)) {
		*ret_place = place;
		return true;
	}
	rescue_usb_place_clear(&place);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "‘%s’ is no USB port such as 1-2.3 or 0000:00:14.0/2.3", text ? text : "");
	return false;
}

void
rescue_usb_place_clear(RescueUsbPlace *place)
{
	g_clear_pointer(&place->controller, g_free);
	*place = (RescueUsbPlace){ 0 };
}

char *
rescue_usb_place_format(const RescueUsbPlace *place)
{
	GString *text = g_string_new(NULL);

	if (place->controller != NULL)
		g_string_append_printf(text, "%s%s/", place->controller,
				       place->super_speed ? SUPER_SPEED : "");
	else
		g_string_append_printf(text, "%u-", place->bus);
	for (unsigned i = 0; i < place->depth; i++)
		g_string_append_printf(text, i == 0 ? "%u" : ".%u", place->chain[i]);
	return g_string_free(text, FALSE);
}

static bool
is_same_bus(const RescueUsbPlace *a, const RescueUsbPlace *b, const GPtrArray *buses)
{
	const RescueUsbBus *bus;

	if (a->controller == NULL && b->controller == NULL)
		return a->bus == b->bus;
	if (a->controller != NULL && b->controller != NULL)
		return a->super_speed == b->super_speed &&
		       strcmp(a->controller, b->controller) == 0;
	bus = rescue_usb_bus_of(a, buses);
	return bus != NULL && bus == rescue_usb_bus_of(b, buses);
}

bool
rescue_usb_place_is_at_or_below(const RescueUsbPlace *place, const RescueUsbPlace *hub,
				const GPtrArray *buses)
{
	return place->depth >= hub->depth && memcmp(place->chain, hub->chain, hub->depth) == 0 &&
	       is_same_bus(place, hub, buses);
}

bool
rescue_usb_place_is(const RescueUsbPlace *a, const RescueUsbPlace *b, const GPtrArray *buses)
{
	return a->depth == b->depth && rescue_usb_place_is_at_or_below(a, b, buses);
}

static bool
is_bus_of(const RescueUsbBus *bus, const RescueUsbPlace *place)
{
	if (place->controller == NULL)
		return place->bus == bus->number;
	return (bus->speed_mbit > USB2_MBIT) == place->super_speed &&
	       g_strcmp0(place->controller, bus->controller) == 0;
}

const RescueUsbBus *
rescue_usb_bus_of(const RescueUsbPlace *place, const GPtrArray *buses)
{
	for (unsigned i = 0; buses != NULL && i < buses->len; i++) {
		const RescueUsbBus *bus = g_ptr_array_index(buses, i);
		if (is_bus_of(bus, place))
			return bus;
	}
	return NULL;
}

RescueUsbBus *
rescue_usb_bus_new(unsigned number, const char *controller, unsigned speed_mbit)
{
	RescueUsbBus *bus = g_new(RescueUsbBus, 1);

	*bus = (RescueUsbBus){ number, g_strdup(controller), speed_mbit };
	return bus;
}

void
rescue_usb_bus_free(RescueUsbBus *bus)
{
	if (bus == NULL)
		return;
	g_free(bus->controller);
	g_free(bus);
}
