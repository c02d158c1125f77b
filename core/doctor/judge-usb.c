/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/doctor/usb.h"

#include <string.h>

#define OLDEST_MUX     "1.1.1"
#define DEFAULT_MEMORY 16u /* MiB; the kernel's own choice */
#define MOST_PER_BUS   8u
#define FEW_HUBS       1u
#define RESETS_OF_NOTE 3u
#define VERSION_PARTS  4

enum { USB_2 = 0x0200, USB_3 = 0x0300, HIGH_MBIT = 480, SUPER_MBIT = 5000 };

/* what the kernel says about a port: words of its hub driver */
static const struct {
	const char *words;
	RescueFindingId id;
	unsigned least; /* lines of this kind on one port before they mean something */
} kernel_words[] = {
	{ "over-current", RESCUE_FINDING_OVER_CURRENT, 1 },
	{ "reset high-speed USB device", RESCUE_FINDING_RESETS, RESETS_OF_NOTE },
	{ "reset SuperSpeed", RESCUE_FINDING_RESETS, RESETS_OF_NOTE },
	{ "reset full-speed USB device", RESCUE_FINDING_RESETS, RESETS_OF_NOTE },
	{ "device descriptor read/", RESCUE_FINDING_ENUMERATION, 1 },
	{ "device not accepting address", RESCUE_FINDING_ENUMERATION, 1 },
	{ "Maybe the USB cable is bad", RESCUE_FINDING_ENUMERATION, 1 },
	{ "unable to enumerate USB device", RESCUE_FINDING_ENUMERATION, 1 },
};

void
rescue_usb_device_free(RescueUsbDevice *device)
{
	if (device == NULL)
		return;
	g_free(device->port);
	g_free(device->power_control);
	g_free(device->node);
	g_clear_pointer(&device->holders, g_ptr_array_unref);
	g_free(device);
}

static void
device_free(gpointer data)
{
	rescue_usb_device_free(data);
}

void
rescue_usb_facts_init(RescueUsbFacts *facts)
{
	*facts = (RescueUsbFacts){ .usb = true };
	facts->devices = g_ptr_array_new_with_free_func(device_free);
	facts->mux_processes = g_ptr_array_new_with_free_func(g_free);
	facts->kernel_lines = g_ptr_array_new_with_free_func(g_free);
}

void
rescue_usb_facts_clear(RescueUsbFacts *facts)
{
	g_clear_pointer(&facts->devices, g_ptr_array_unref);
	g_clear_pointer(&facts->mux_processes, g_ptr_array_unref);
	g_clear_pointer(&facts->kernel_lines, g_ptr_array_unref);
	g_free(facts->mux_why);
	g_free(facts->mux_version);
	g_strfreev(facts->ports_off);
	*facts = (RescueUsbFacts){ .usb = false };
}

/* "1.1.1-72-g1" < "1.1.2": numbers only, what follows the last dot's number does not count */
static bool
is_older(const char *version, const char *than)
{
	g_auto(GStrv) have = g_strsplit_set(version, ".-_ ", VERSION_PARTS);
	g_auto(GStrv) need = g_strsplit(than, ".", VERSION_PARTS);

	for (unsigned i = 0; need[i] != NULL; i++) {
		guint64 a = 0, b = 0;
		if (have[i] == NULL ||
		    !g_ascii_string_to_unsigned(have[i], 10, 0, G_MAXUINT16, &a, NULL))
			return have[i] == NULL;
		(void)g_ascii_string_to_unsigned(need[i], 10, 0, G_MAXUINT16, &b, NULL);
		if (a != b)
			return a < b;
	}
	return false;
}

static void
judge_mux_processes(const RescueUsbFacts *facts, RescueFindings *report)
{
	if (facts->mux_processes->len > 1) {
		g_ptr_array_add(facts->mux_processes, NULL);
		g_autofree char *pids = g_strjoinv(", ", (char **)facts->mux_processes->pdata);
		g_ptr_array_remove_index(facts->mux_processes, facts->mux_processes->len - 1);
		rescue_findings_find(report, RESCUE_FINDING_MUX_DOUBLED, "processes %s", pids);
	}
	if (facts->mux_version != NULL && is_older(facts->mux_version, OLDEST_MUX))
		rescue_findings_find(report, RESCUE_FINDING_MUX_OLD, "version %s",
				     facts->mux_version);
}

static void
judge_mux(const RescueUsbFacts *facts, RescueFindings *report)
{
	static const RescueFindingId ids[] = {
		[RESCUE_MUX_ABSENT] = RESCUE_FINDING_MUX_MISSING,
		[RESCUE_MUX_DENIED] = RESCUE_FINDING_MUX_DENIED,
		[RESCUE_MUX_SILENT] = RESCUE_FINDING_MUX_SILENT,
	};

	if (facts->mux == RESCUE_MUX_FINE)
		rescue_findings_pass(report, "usbmuxd answers");
	else if (facts->mux != RESCUE_MUX_UNASKED)
		rescue_findings_find(report, ids[facts->mux], "%s", facts->mux_why);
	judge_mux_processes(facts, report);
}

/* each dot of the port's path is one hub between it and the computer */
static unsigned
count_hubs(const char *port)
{
	unsigned hubs = 0;

	for (; *port != '\0'; port++)
		hubs += *port == '.';
	return hubs;
}

static void
judge_place(const RescueUsbDevice *device, RescueFindings *report)
{
	unsigned hubs = count_hubs(device->port);

	if (hubs > FEW_HUBS)
		rescue_findings_find(report, RESCUE_FINDING_HUB_CHAIN, "port %s: %u hubs",
				     device->port, hubs);
	else if (hubs > 0)
		rescue_findings_find(report, RESCUE_FINDING_HUB, "port %s", device->port);
	else
		rescue_findings_pass(report, "the device on port %s hangs on the computer itself",
				     device->port);
}

static void
judge_speed(const RescueUsbDevice *device, RescueFindings *report)
{
	unsigned offered = device->usb_version >= USB_3   ? SUPER_MBIT
			   : device->usb_version >= USB_2 ? HIGH_MBIT
							  : 0;

	if (device->speed_mbit == 0 || offered == 0)
		return;
	if (device->speed_mbit < offered)
		rescue_findings_find(report, RESCUE_FINDING_SPEED_LOW,
				     "port %s runs at %u Mbit/s, the device offers %u",
				     device->port, device->speed_mbit, offered);
	else
		rescue_findings_pass(report, "port %s runs at %u Mbit/s", device->port,
				     device->speed_mbit);
}

static void
judge_device(const RescueUsbDevice *device, RescueFindings *report)
{
	judge_place(device, report);
	judge_speed(device, report);
	if (g_strcmp0(device->power_control, "auto") == 0)
		rescue_findings_find(report, RESCUE_FINDING_AUTOSUSPEND, "port %s", device->port);
	if (device->node_denied)
		rescue_findings_find(report, RESCUE_FINDING_NODE_DENIED, "%s", device->node);
	else if (device->node != NULL)
		rescue_findings_pass(report, "%s may be opened", device->node);
	for (guint i = 0; device->holders != NULL && i < device->holders->len; i++)
		rescue_findings_find(report, RESCUE_FINDING_NODE_HELD, "%s, by %s", device->node,
				     (const char *)device->holders->pdata[i]);
}

/* reports the bus once, at its first device */
static void
judge_bus(const RescueUsbFacts *facts, guint index, RescueFindings *report)
{
	const RescueUsbDevice *device = facts->devices->pdata[index];
	unsigned same = 0;

	for (guint i = 0; i < facts->devices->len; i++) {
		const RescueUsbDevice *other = facts->devices->pdata[i];
		if (other->bus != device->bus)
			continue;
		if (i < index)
			return;
		same++;
	}
	if (same > MOST_PER_BUS)
		rescue_findings_find(report, RESCUE_FINDING_BUS_CROWDED, "bus %u: %u devices",
				     device->bus, same);
}

static void
judge_memory(const RescueUsbFacts *facts, RescueFindings *report)
{
	unsigned needed = MAX(DEFAULT_MEMORY, facts->devices->len);

	if (facts->usbfs_memory_mb == 0)
		return;
	if (facts->usbfs_memory_mb < needed)
		rescue_findings_find(report, RESCUE_FINDING_USBFS_MEMORY, "%u MiB for %u devices",
				     facts->usbfs_memory_mb, facts->devices->len);
	else
		rescue_findings_pass(report, "the kernel has %u MiB for USB transfers",
				     facts->usbfs_memory_mb);
}

/* "usb 1-2.4: reset high-speed …", "usb usb1-port2: over-current …", "usb 1-2-port4: …"; caller frees, NULL: no port */
static char *
port_of_line(const char *line)
{
	g_autoptr(GRegex) regex =
	    g_regex_new("(?:usb|hub) (?:usb)?([0-9]+(?:-[0-9.]+)?)(?::[0-9.]+)?(?:-port([0-9]+))?:",
			0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;

	if (!g_regex_match(regex, line, 0, &match))
		return NULL;
	g_autofree char *base = g_match_info_fetch(match, 1);
	g_autofree char *port = g_match_info_fetch(match, 2);
	if (port == NULL || *port == '\0')
		return g_steal_pointer(&base);
	return g_strdup_printf("%s%c%s", base, strchr(base, '-') != NULL ? '.' : '-', port);
}

/* the same port, or a hub that it hangs on */
static bool
concerns(const char *wanted, const char *port)
{
	size_t size = strlen(port);

	return wanted == NULL ||
	       (strncmp(wanted, port, size) == 0 && (wanted[size] == '\0' || wanted[size] == '.'));
}

static unsigned
count_lines(const RescueUsbFacts *facts, const char *words, const char *port)
{
	unsigned count = 0;

	for (guint i = 0; i < facts->kernel_lines->len; i++) {
		const char *line = facts->kernel_lines->pdata[i];
		g_autofree char *where = port_of_line(line);
		count += strstr(line, words) != NULL && g_strcmp0(where, port) == 0;
	}
	return count;
}

static void
judge_line(const RescueUsbFacts *facts, const char *line, RescueFindings *report)
{
	g_autofree char *port = port_of_line(line);

	for (size_t i = 0; i < G_N_ELEMENTS(kernel_words); i++) {
		if (strstr(line, kernel_words[i].words) == NULL || port == NULL ||
		    !concerns(facts->port, port) ||
		    count_lines(facts, kernel_words[i].words, port) < kernel_words[i].least)
			continue;
		rescue_findings_find(report, kernel_words[i].id, "port %s: %s", port,
				     kernel_words[i].words);
		return;
	}
}

static void
judge_kernel(const RescueUsbFacts *facts, RescueFindings *report)
{
	if (facts->kernel_unreadable)
		rescue_findings_skip(report, "the kernel's log", "this user may not read it");
	for (guint i = 0; i < facts->kernel_lines->len; i++)
		judge_line(facts, facts->kernel_lines->pdata[i], report);
	if (!facts->kernel_unreadable && facts->kernel_lines->len == 0)
		rescue_findings_pass(report, "the kernel reports no trouble with USB");
}

void
rescue_usb_judge(const RescueUsbFacts *facts, RescueFindings *report)
{
	judge_mux(facts, report);
	if (!facts->usb)
		rescue_findings_find(report, RESCUE_FINDING_NO_USB, "/sys/bus/usb is empty");
	for (char **port = facts->ports_off; port != NULL && *port != NULL; port++)
		rescue_findings_find(report, RESCUE_FINDING_PORT_OFF, "port %s", *port);
	judge_memory(facts, report);
	judge_kernel(facts, report);
	for (guint i = 0; i < facts->devices->len; i++) {
		const RescueUsbDevice *device = facts->devices->pdata[i];
		judge_bus(facts, i, report);
		if (facts->port == NULL || g_strcmp0(facts->port, device->port) == 0)
			judge_device(device, report);
	}
}
