/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lab/world/misbehave.h"

/*
 * idevicerescue-lab-engine: stands before idevicerestore in a world with "engines isolated", or with an "engine" of
 * its own. idevicerestore 1.0.0 crashes when it sees a second USB device, which would make a line of phones
 * untestable;
 * this shows it the bus of its own phone and becomes it. One with libraries of its own is started by its own loader.
 */

enum { NOT_STARTED = 127 };

/* the value of "-i E", "-iE", "--ecid E" or "--ecid=E" */
static const char *
find_ecid(char **argv)
{
	for (char **arg = argv + 1; *arg != NULL; arg++) {
		if (strcmp(*arg, "-i") == 0 || strcmp(*arg, "--ecid") == 0)
			return arg[1];
		if (g_str_has_prefix(*arg, "--ecid="))
			return *arg + strlen("--ecid=");
		if (g_str_has_prefix(*arg, "-i"))
			return *arg + strlen("-i");
	}
	return NULL;
}

static void
take_over(const char *prefix, guint64 ecid, const char *variable)
{
	g_autofree char *name = g_strdup_printf("%s0X%016" G_GINT64_MODIFIER "X", prefix, ecid);
	const char *value = g_getenv(name);
	if (value != NULL)
		(void)g_setenv(variable, value, TRUE);
}

/* comes back only when that is not possible */
static void
become(const char *engine, char **argv)
{
	const char *loader = g_getenv("LAB_ENGINE_LOADER");
	const char *libraries = g_getenv("LAB_ENGINE_LIBRARIES");
	const char *const front[] = { loader,    "--library-path", libraries,
				      "--argv0", "idevicerestore", engine };
	if (loader == NULL || libraries == NULL) {
		argv[0] = (char *)"idevicerestore";
		execv(engine, argv);
		return;
	}
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(front); i++)
		g_ptr_array_add(words, (char *)front[i]);
	for (char **arg = argv + 1; *arg != NULL; arg++)
		g_ptr_array_add(words, *arg);
	g_ptr_array_add(words, NULL);
	execv(loader, (char **)words->pdata);
}

int
main(int argc, char **argv)
{
	const char *engine = g_getenv("LAB_ENGINE");
	const char *text = find_ecid(argv);
	guint64 ecid = text != NULL ? g_ascii_strtoull(text, NULL, 0) : 0;
	if (engine == NULL) {
		fprintf(stderr, "idevicerescue-lab-engine: runs in a lab only\n");
		return NOT_STARTED;
	}
	take_over("LAB_USB_", ecid, "UMOCKDEV_DIR");
	take_over("LAB_MUX_", ecid, "USBMUXD_SOCKET_ADDRESS");
	/* asked for its version only, it answers */
	if (text != NULL)
		lab_misbehave();
	become(engine, argv);
	fprintf(stderr, "idevicerescue-lab-engine: cannot start %s: %s\n", engine,
		g_strerror(errno));
	return NOT_STARTED;
}
