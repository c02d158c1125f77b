/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/process/process.h"
#include "transport/host/host.h"

/* Whether usbmuxd may be restarted, and how. It is asked for by its name only, and nobody is killed. */

#define PROC_DIR     "/proc"
#define ENGINE_NAME  "idevicerestore"
#define MUX_VARIABLE "USBMUXD_SOCKET_ADDRESS"
#define MAX_VALUE    (256u * 1024) /* of a command line or an environment */
#define RESTART_MS   30000u

/* ---- who else uses it ---------------------------------------------------------------------------- */

/* The first of the NUL-separated words for which it holds; NULL: none. Borrowed from `text`. */
static const char *
find_word(const char *text, size_t size, bool (*holds)(const char *word))
{
	for (size_t at = 0; at < size; at += strlen(text + at) + 1) /* the reader adds a last NUL */
		if (holds(text + at))
			return text + at;
	return NULL;
}

static bool
is_engine(const char *word)
{
	g_autofree char *name = g_path_get_basename(word);

	return strcmp(name, ENGINE_NAME) == 0;
}

/* by itself, or by the loader of a folder of libraries of its own */
static bool
is_engine_process(const char *words, size_t size)
{
	g_autofree char *program = g_path_get_basename(words);

	return is_engine(words) ||
	       (g_str_has_prefix(program, "ld-") && find_word(words, size, is_engine) != NULL);
}

static bool
is_address(const char *word)
{
	return g_str_has_prefix(word, MUX_VARIABLE "=");
}

/* NULL when it cannot be read; caller frees */
static char *
read_process(const char *pid, const char *what, size_t *ret_size)
{
	g_autofree char *path = g_build_filename(PROC_DIR, pid, what, NULL);

	return rescue_path_read(path, MAX_VALUE, ret_size, NULL);
}

/* It may talk to the usbmuxd that we talk to; when nobody can tell, it does. */
static bool
shares_usbmuxd(const char *pid)
{
	size_t size = 0;
	g_autofree char *text = read_process(pid, "environ", &size);
	const char *theirs = text != NULL ? find_word(text, size, is_address) : NULL;

	if (text == NULL)
		return true;
	return g_strcmp0(theirs != NULL ? theirs + strlen(MUX_VARIABLE "=") : NULL,
			 g_getenv(MUX_VARIABLE)) == 0;
}

bool
rescue_host_runs_engine(void)
{
	g_autoptr(GDir) dir = g_dir_open(PROC_DIR, 0, NULL);
	const char *pid;
	bool runs = false;

	while (!runs && dir != NULL && (pid = g_dir_read_name(dir)) != NULL) {
		size_t size = 0;
		g_autofree char *words = g_ascii_isdigit(*pid) ? read_process(pid, "cmdline", &size)
							       : NULL;
		runs = words != NULL && is_engine_process(words, size) && shares_usbmuxd(pid);
	}
	return runs;
}

/* ---- how it is restarted ------------------------------------------------------------------------- */

static char **
words_of(const char *const *words)
{
	return g_strdupv((char **)words);
}

/* The command to be run, NULL when there is none for us. Caller frees. */
static char **
find_way(const char *command)
{
	static const char *const by_systemd[] = { "systemctl", "--no-ask-password", "restart",
						  "usbmuxd.service", NULL };
	static const char *const by_service[] = { "service", "usbmuxd", "restart", NULL };
	char **argv = NULL;

	if (command != NULL)
		return g_shell_parse_argv(command, NULL, &argv, NULL) ? argv : NULL;
	/* whoever names a socket has chosen a usbmuxd that no service of this computer is */
	if (g_getenv(MUX_VARIABLE) != NULL || geteuid() != 0)
		return NULL;
	if (g_file_test("/run/systemd/system", G_FILE_TEST_IS_DIR))
		return words_of(by_systemd);
	return g_file_test("/etc/init.d/usbmuxd", G_FILE_TEST_IS_EXECUTABLE) ? words_of(by_service)
									     : NULL;
}

bool
rescue_host_can_restart_usbmuxd(const char *command)
{
	g_auto(GStrv) argv = find_way(command);
	g_autofree char *program = argv != NULL ? g_find_program_in_path(argv[0]) : NULL;

	return program != NULL;
}

bool
rescue_host_restart_usbmuxd(const char *command, GError **error)
{
	g_auto(GStrv) argv = find_way(command);
	g_auto(RescueProcessResult) result = { .status = -1 };
	const RescueProcessSpec spec = { .argv = (const char *const *)argv, .inherit_fd = -1 };

	if (argv == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "there is no way to restart usbmuxd here");
		return false;
	}
	if (!rescue_process_run(&spec, RESTART_MS, &result, error))
		return false;
	if (result.status == 0 && !result.timed_out)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "‘%s’ did not restart usbmuxd (status %d)", argv[0], result.status);
	return false;
}
