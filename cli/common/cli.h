/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The global options, which may stand before or after the command, and how a command gets at its own. */

typedef struct RescueCommand RescueCommand;

/** gboolean: GOption writes into them. Strings owned, NULL when not given and without default. */
typedef struct {
	gboolean json, quiet, verbose, help, version;
	char *config;
	char *state_dir; /* absolute once rescue_cli_parse() has returned true */
	char *cache_dir; /* the same */
	char *engine;
	char *signing_server;
	char *catalog_url;
	char *mirror;          /* a web server over the firmware folder of another station */
	char *limit_rate;      /* for all downloads of this station together: "20MB" a second */
	char *cache_limit;     /* of the firmware folder: "500GB" */
	char *ca_file;         /* PEM: whom to trust instead of this computer's list */
	char *station;         /* of the config file: the station file, which names USB ports */
	char *restart_usbmuxd; /* of the config file: the command that does it */
	char *retention;       /* of the config file: how long history is kept */
	int64_t retention_ms;  /* 0: for ever */
	char **argv;           /* the whole command line; borrowed */
	char *program;         /* absolute path of this very program */
	const RescueCommand *const *commands; /* all there are, NULL-terminated; borrowed */
} RescueCli;

/** One command: a line of the table, a file in cli/commands. */
struct RescueCommand {
	const char *name;
	const char
	    *arguments;      /* what follows the options, for the usage line: "JOB"; may be empty */
	const char *summary; /* lower case, no full stop */
	const char *details; /* shown by --help below the options, or NULL */
	bool numbers;        /* an argument may be a negative number, which is no option then */
	/** Returns the exit status. */
	int (*run)(RescueCli *cli);
};

/** Finds the command and runs it; the exit status. */
int rescue_cli_main(const RescueCommand *const *commands, char **argv);
void rescue_cli_clear(RescueCli *cli);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueCli, rescue_cli_clear)

/**
 * The second look at argv, now with the options of the command: fills `entries`' targets, the global options and what
 * the config file says about those that were not given. False when there is nothing left to do (usage error, --help);
 * *ret_status is then the exit status. *ret_arguments: what stands behind command and options; caller frees.
 */
bool rescue_cli_parse(RescueCli *cli, const RescueCommand *command, const GOptionEntry *entries,
		      char ***ret_arguments, int *ret_status);
