/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/fault.h"

#include <string.h>
#include <sys/stat.h>

struct LabFaults {
	GPtrArray *all;
};

static const char *const point_names[LAB_AT_LAST] = {
	[LAB_AT_SEND_IBSS] = "send-ibss",
	[LAB_AT_SEND_IBEC] = "send-ibec",
	[LAB_AT_GO] = "go",
	[LAB_AT_SEND_RAMDISK] = "send-ramdisk",
	[LAB_AT_BOOTX] = "bootx",
	[LAB_AT_HANDSHAKE] = "handshake",
	[LAB_AT_ASR] = "asr",
	[LAB_AT_FILESYSTEM] = "filesystem",
	[LAB_AT_VERIFY_FILESYSTEM] = "verify-filesystem",
	[LAB_AT_FDR] = "fdr",
	[LAB_AT_SEP] = "sep",
	[LAB_AT_BASEBAND] = "baseband",
	[LAB_AT_NOR] = "nor",
	[LAB_AT_FIRMWARE_UPDATES] = "firmware-updates",
	[LAB_AT_FINISH] = "finish",
	[LAB_AT_BOOT] = "boot",
	[LAB_AT_LOCKDOWN] = "lockdown",
	[LAB_AT_SIGNING] = "signing",
	[LAB_AT_FIRMWARE_SERVER] = "firmware-server",
	[LAB_AT_FIRMWARE_RANGE] = "range",
	[LAB_AT_CATALOG] = "catalog",
	[LAB_AT_ENGINE] = "engine",
};

static const char *const action_names[LAB_DO_LAST] = {
	[LAB_DO_NOTHING] = "nothing",
	[LAB_DO_UNPLUG] = "unplug",
	[LAB_DO_MOVE] = "move",
	[LAB_DO_STALL] = "stall",
	[LAB_DO_HANG] = "hang",
	[LAB_DO_IGNORE] = "ignore",
	[LAB_DO_VANISH] = "vanish",
	[LAB_DO_RECOVERY] = "recovery",
	[LAB_DO_FAIL] = "fail",
	[LAB_DO_FAIL_AND_GO_ON] = "fail-and-go-on",
	[LAB_DO_FAIL_AND_CUT] = "fail-and-cut",
	[LAB_DO_GARBAGE] = "garbage",
	[LAB_DO_STATUS] = "status",
	[LAB_DO_REFUSE] = "refuse",
	[LAB_DO_HTTP] = "http",
	[LAB_DO_DELAY] = "delay",
	[LAB_DO_WRONG_RANGE] = "wrong-range",
	[LAB_DO_REPLACE] = "replace",
	[LAB_DO_CRASH_CLIENT] = "crash-client",
	[LAB_DO_STOP_CLIENT] = "stop-client",
	[LAB_DO_RESTART_USBMUXD] = "restart-usbmuxd",
	[LAB_DO_EXIT] = "exit",
	[LAB_DO_CRASH] = "crash",
	[LAB_DO_MUTE] = "mute",
	[LAB_DO_DEAF] = "deaf",
	[LAB_DO_FLOOD] = "flood",
};

static void
fault_free(void *data)
{
	LabFault *fault = data;
	g_free(fault->phone);
	g_free(fault->port);
	g_free(fault->until_firmware);
	g_free(fault->file);
	g_free(fault);
}

static bool
find_name(const char *const *names, int count, const char *text, int *ret_index)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* tells one file from another that has taken its name; 0: there is none */
static uint64_t
identify(const char *path)
{
	struct stat status;
	if (path == NULL || stat(path, &status) != 0)
		return 0;
	return (uint64_t)status.st_ino ^ (uint64_t)status.st_size << 20 ^
	       (uint64_t)status.st_mtim.tv_nsec;
}

static bool
is_over(const LabFault *fault)
{
	if (fault->times != 0 && fault->fired >= fault->times)
		return true;
	if (fault->until == LAB_UNTIL_TIME)
		return fault->fired > 0 &&
		       g_get_monotonic_time() - fault->fired_at >= (int64_t)fault->until_ms * 1000;
	if (fault->until == LAB_UNTIL_REPLACED)
		return identify(fault->file) != fault->file_id;
	return fault->over;
}

static bool
is_due(const LabFault *fault, const char *phone, LabPoint at, uint64_t bytes)
{
	if (fault->at != at || bytes < fault->after_bytes)
		return false;
	if (is_over(fault))
		return false;
	return fault->phone == NULL || g_strcmp0(fault->phone, phone) == 0;
}

LabFaults *
lab_faults_new(void)
{
	LabFaults *faults = g_new0(LabFaults, 1);
	faults->all = g_ptr_array_new_with_free_func(fault_free);
	return faults;
}

void
lab_faults_free(LabFaults *faults)
{
	if (faults == NULL)
		return;
	g_ptr_array_unref(faults->all);
	g_free(faults);
}

void
lab_faults_add(LabFaults *faults, LabFault *fault)
{
	g_return_if_fail(faults != NULL && fault != NULL);

	g_ptr_array_add(faults->all, fault);
}

const LabFault *
lab_faults_fire(LabFaults *faults, const char *phone, LabPoint at, uint64_t bytes)
{
	if (faults == NULL)
		return NULL;
	for (guint i = 0; i < faults->all->len; i++) {
		LabFault *fault = g_ptr_array_index(faults->all, i);
		if (is_due(fault, phone, at, bytes)) {
			if (fault->fired++ == 0)
				fault->fired_at = g_get_monotonic_time();
			return fault;
		}
	}
	return NULL;
}

void
lab_faults_happened(LabFaults *faults, const char *phone, LabUntil what)
{
	for (guint i = 0; faults != NULL && i < faults->all->len; i++) {
		LabFault *fault = g_ptr_array_index(faults->all, i);
		bool concerned = fault->phone == NULL || g_strcmp0(fault->phone, phone) == 0;
		if (concerned && fault->until == what && fault->fired > 0)
			fault->over = true;
	}
}

void
lab_faults_set_file(LabFaults *faults, const char *firmware, const char *path)
{
	for (guint i = 0; i < faults->all->len; i++) {
		LabFault *fault = g_ptr_array_index(faults->all, i);
		if (g_strcmp0(fault->until_firmware, firmware) != 0)
			continue;
		g_free(fault->file);
		fault->file = g_strdup(path);
		fault->file_id = identify(path);
	}
}

const LabFault *
lab_faults_at(const LabFaults *faults, LabPoint at, unsigned index)
{
	for (guint i = 0; i < faults->all->len; i++) {
		const LabFault *fault = g_ptr_array_index(faults->all, i);
		if (fault->at == at && index-- == 0)
			return fault;
	}
	return NULL;
}

bool
lab_action_is_hosts(LabAction action)
{
	return action == LAB_DO_CRASH_CLIENT || action == LAB_DO_STOP_CLIENT ||
	       action == LAB_DO_RESTART_USBMUXD;
}

const char *
lab_point_name(LabPoint at)
{
	return (unsigned)at < LAB_AT_LAST ? point_names[at] : "?";
}

bool
lab_point_parse(const char *text, LabPoint *ret_at)
{
	int index = 0;
	if (!find_name(point_names, LAB_AT_LAST, text, &index))
		return false;
	*ret_at = (LabPoint)index;
	return true;
}

const char *
lab_action_name(LabAction action)
{
	return (unsigned)action < LAB_DO_LAST ? action_names[action] : "?";
}

bool
lab_action_parse(const char *text, LabAction *ret_action)
{
	int index = 0;
	if (!find_name(action_names, LAB_DO_LAST, text, &index))
		return false;
	*ret_action = (LabAction)index;
	return true;
}
