/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The one place that forks. A child is a spec: argv, own process group, own directory, where its
 * output goes, how it ends. Two kinds: owned children (pipe, deadline, SIGTERM to the group, then
 * SIGKILL) and engines, which write to a file that we tail, outlive us, and can be adopted by pid
 * and start time.
 */
typedef struct RescueProcess RescueProcess;

typedef void (*RescueProcessLine)(const char *line, void *data);
/**
 * status: exit status or -1; signal: the signal or 0. Both unknown (-1, 0) for an adopted process.
 */
typedef void (*RescueProcessExit)(int status, int signal, void *data);

typedef struct {
	/** argv[0]: path, or a name that is looked up in PATH. */
	const char *const *argv;
	/** NULL-terminated "NAME=value" to set on top of ours; NULL: none. */
	const char *const *env;
	/** NULL: ours. */
	const char *cwd;
	/** What it reads on stdin; NULL: nothing, stdin is /dev/null. */
	const char *input;
	/** stdout and stderr in one file, true order, 0600, read here when there is `on_line`; NULL: a pipe. */
	const char *output_path;
	/** With a pipe: stderr lines arrive too; else they are kept for rescue_process_stderr(). */
	bool merge_stderr;
	/** Passed on (the ECID lock), or -1. */
	int inherit_fd;
	/** An engine: no kill when the RescueProcess is freed, or when we die; it ignores SIGHUP. */
	bool outlives_us;
	/** So much less urgent than we are, 0 to 19, as in nice(2). That we come before others is never handed on. */
	int nice;
	/**
	 * Called in the parent after the fork and before the child runs the program, with its pid
	 * and start time; false: the child ends without having run it.
	 */
	bool (*before_exec)(pid_t pid, uint64_t start_time, void *data, GError **error);
	RescueProcessLine on_line;
	RescueProcessExit on_exit; /* after the last line */
	void *data;
} RescueProcessSpec;

/**
 * Lines longer than this are delivered in cut form; bytes that are not UTF-8 are replaced. '\r'
 * ends a line too.
 */
#define RESCUE_PROCESS_MAX_LINE (64u * 1024)

/**
 * Starts it; never through a shell. NULL when the program is not there
 * (HOST_IO).
 */
RescueProcess *rescue_process_start(const RescueProcessSpec *spec, GError **error);
/**
 * Takes over a process that somebody else started: its output file, if `on_line` is there, is delivered
 * from the beginning, its end is noticed. NULL without error when pid and start time name nobody who lives; on_line
 * then still gets nothing.
 */
RescueProcess *rescue_process_adopt(const RescueProcessSpec *spec, pid_t pid, uint64_t start_time,
				    GError **error);
pid_t rescue_process_pid(const RescueProcess *process);
bool rescue_process_is_running(const RescueProcess *process);
/** What an owned child wrote to stderr, at most 64 KiB of it. Borrowed. */
const char *rescue_process_stderr(const RescueProcess *process);
/** All that it has written to its file up to now is given to on_line before this returns. */
void rescue_process_catch_up(RescueProcess *process);
/** Its group goes on, if somebody has stopped it. */
void rescue_process_continue(const RescueProcess *process);
/** SIGTERM to its group now, SIGKILL after `grace_ms`; at once when that is 0. on_exit still comes. */
void rescue_process_end(RescueProcess *process, unsigned grace_ms);
/** Frees; an owned child that still runs is killed, its group too. Accepts NULL. */
void rescue_process_free(RescueProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueProcess, rescue_process_free)

/** Clock ticks since boot at which the process started, 0 when it is not there. */
uint64_t rescue_process_start_time(pid_t pid);
/** It is this very process, and it lives (a zombie does not). */
bool rescue_process_is_alive(pid_t pid, uint64_t start_time);

/**
 * The lines of an output file whose writer is gone, by the same rules as live ones. HOST_IO when it
 * cannot be read.
 */
bool rescue_process_read_output(const char *path, RescueProcessLine on_line, void *data,
				GError **error);

/** An owned child run to its end: what it wrote to stdout. */
typedef struct {
	char *output;
	char *errors;
	int status, signal;
	bool timed_out;
} RescueProcessResult;

/**
 * Runs the loop until the child has ended or the deadline killed it. False only when it could not
 * be started.
 */
bool rescue_process_run(const RescueProcessSpec *spec, unsigned deadline_ms,
			RescueProcessResult *ret_result, GError **error);
/**
 * The same for a child that only looks at something: one that was ended from outside (by SIGKILL, SIGTERM, SIGINT or
 * SIGHUP: the computer is short of memory, or somebody ended it) says nothing about what it looked at, and is run
 * again, RESCUE_PROCESS_TRIES times in all.
 */
bool rescue_process_insist(const RescueProcessSpec *spec, unsigned deadline_ms,
			   RescueProcessResult *ret_result, GError **error);
#define RESCUE_PROCESS_TRIES 3u
/** It was ended from outside, and not by its deadline. */
bool rescue_process_result_is_foreign_end(const RescueProcessResult *result);
void rescue_process_result_clear(RescueProcessResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RescueProcessResult, rescue_process_result_clear)
