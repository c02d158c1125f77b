/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/path.h"
#include "transport/host/host.h"

#define PROC_DIR  "/proc"
#define MAX_VALUE 4096u
#define MUX_NAME  "usbmuxd"

/* NULL for one that has ended; caller frees */
static char *
name_of(const char *pid)
{
	g_autofree char *path = g_build_filename(PROC_DIR, pid, "comm", NULL);
	g_autofree char *stat_path = g_build_filename(PROC_DIR, pid, "stat", NULL);
	char *name = rescue_path_read(path, MAX_VALUE, NULL, NULL);
	g_autofree char *text = rescue_path_read(stat_path, MAX_VALUE, NULL, NULL);
	const char *state = text != NULL ? strrchr(text, ')') : NULL;

	if (name == NULL || state == NULL || g_str_has_prefix(state, ") Z")) {
		g_free(name);
		return NULL;
	}
	return g_strstrip(name);
}

static bool
has_node_open(const char *pid, const struct stat *node)
{
	g_autofree char *path = g_build_filename(PROC_DIR, pid, "fd", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *fd = g_build_filename(path, name, NULL);
		struct stat info;
		if (stat(fd, &info) == 0 && info.st_ino == node->st_ino &&
		    info.st_dev == node->st_dev)
			return true;
	}
	return false;
}

static bool
is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

void
rescue_host_find_holders(RescueUsbDevice *device)
{
	g_autoptr(GDir) dir = g_dir_open(PROC_DIR, 0, NULL);
	g_autofree char *own = g_strdup_printf("%d", (int)getpid());
	struct stat node;
	const char *pid;

	device->holders = g_ptr_array_new_with_free_func(g_free);
	if (stat(device->node, &node) < 0)
		return;
	while (dir != NULL && (pid = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = NULL;
		if (!is_number(pid) || strcmp(pid, own) == 0 || !has_node_open(pid, &node))
			continue;
		name = name_of(pid);
		/* whoever restores or serves it has it open by right */
		if (name != NULL && strcmp(name, MUX_NAME) != 0 &&
		    !g_str_has_prefix(name, "idevicerest") &&
		    !g_str_has_prefix(name, "idevicerescu"))
			g_ptr_array_add(device->holders, g_strdup_printf("%s (%s)", name, pid));
	}
}

void
rescue_host_find_processes(const char *wanted, GPtrArray *pids)
{
	g_autoptr(GDir) dir = g_dir_open(PROC_DIR, 0, NULL);
	const char *pid;

	while (dir != NULL && (pid = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = is_number(pid) ? name_of(pid) : NULL;
		if (g_strcmp0(name, wanted) == 0)
			g_ptr_array_add(pids, g_strdup(pid));
	}
}
