/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/command.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/lab/world/keeper.h"

enum {
	CHUNK = 64 * 1024,
	/*
	 * A phone has a processor of its own. Here it shares ours with dozens of engines, which give up when it takes
	 * nothing for a second (libusbmuxd 2.0.2 waits 1000 ms until it can send): so it comes first.
	 */
	COMMAND_NICE = 5,
};

/* one of the command's two outputs: from the pipe to our own and to a file */
typedef struct {
	int pipe, own, file;
	unsigned source;
} Tee;

typedef struct {
	GMainLoop *loop;
	pid_t pid;
	pid_t parent; /* ours */
	int status;
	bool ended;        /* the command itself */
	bool out_of_grace; /* what is left is killed */
	int signals;
	unsigned signal_source, grace_source;
	unsigned grace_ms;
	Tee out, err;
} Run;

/* ---- output ----------------------------------------------------------------------------------- */

static void
write_all(int fd, const char *data, ssize_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, (size_t)size);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return; /* nobody reads it any more; the file still gets it */
		if (written > 0) {
			data += written;
			size -= written;
		}
	}
}

/* as read(): 0 at the end, -1 when nothing is there now */
static ssize_t
pass_on(const Tee *tee)
{
	char buffer[CHUNK];
	ssize_t got = read(tee->pipe, buffer, sizeof buffer);
	write_all(tee->own, buffer, got);
	write_all(tee->file, buffer, got);
	return got;
}

static gboolean
on_output(int fd, GIOCondition condition, void *data)
{
	Tee *tee = data;
	if (pass_on(tee) != 0)
		return G_SOURCE_CONTINUE;
	tee->source = 0;
	return G_SOURCE_REMOVE;
}

static bool
tee_open(Tee *tee, int own, const char *path, GError **error)
{
	tee->own = own;
	tee->pipe = -1;
	tee->file = g_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (tee->file >= 0)
		return true;
	int saved = errno;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "cannot write ‘%s’: %s", path,
		    g_strerror(saved));
	return false;
}

static void
tee_start(Tee *tee)
{
	(void)g_unix_set_fd_nonblocking(tee->pipe, TRUE, NULL);
	(void)fcntl(tee->pipe, F_SETFD, FD_CLOEXEC);
	tee->source = g_unix_fd_add(tee->pipe, G_IO_IN | G_IO_HUP, on_output, tee);
}

static void
tee_close(Tee *tee)
{
	if (tee->pipe >= 0) {
		while (pass_on(tee) > 0) {
		}
		(void)g_close(tee->pipe, NULL);
	}
	if (tee->source != 0)
		g_source_remove(tee->source);
	if (tee->file >= 0)
		(void)g_close(tee->file, NULL);
}

/* ---- processes -------------------------------------------------------------------------------- */

static void
on_child(void *data, int pid, int status)
{
	Run *run = data;
	if (pid != run->pid)
		return;
	run->ended = true;
	run->status = status;
}

static void
kill_all(Run *run)
{
	run->out_of_grace = true;
	(void)lab_keeper_kill_children();
}

static gboolean
on_grace_over(void *data)
{
	Run *run = data;
	run->grace_source = 0;
	kill_all(run);
	return G_SOURCE_REMOVE;
}

static void
look_at_children(Run *run)
{
	bool left = lab_keeper_reap(on_child, run);
	if (!left && run->ended)
		g_main_loop_quit(run->loop);
	else if (run->out_of_grace)
		kill_all(run); /* those that a killed one left to us */
	else if (!run->ended)
		return;
	else if (run->grace_source == 0)
		run->grace_source = g_timeout_add(run->grace_ms, on_grace_over, run);
}

static gboolean
on_signal(int fd, GIOCondition condition, void *data)
{
	Run *run = data;
	struct signalfd_siginfo info;
	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
		return G_SOURCE_CONTINUE;
	bool orphaned = getppid() !=
			run->parent; /* the keeper was killed: nobody waits for a graceful end */
	if (info.ssi_signo == SIGCHLD)
		look_at_children(run);
	else if (run->ended || orphaned)
		kill_all(run);
	else
		(void)kill(-run->pid, (int)info.ssi_signo);
	return G_SOURCE_CONTINUE;
}

/* between fork and exec: async-signal-safe calls only */
static void
prepare_child(void *data)
{
	sigset_t none;
	sigemptyset(&none);
	(void)setpgid(0, 0);
	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + COMMAND_NICE);
	(void)signal(SIGPIPE, SIG_DFL); /* what is ignored stays so behind exec */
	(void)signal(SIGTTOU, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
listen_to_signals(Run *run)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	run->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	run->signal_source = g_unix_fd_add(run->signals, G_IO_IN, on_signal, run);
}

static bool
start(Run *run, const LabCommand *command, GError **error)
{
	GSpawnFlags flags = G_SPAWN_SEARCH_PATH_FROM_ENVP | G_SPAWN_DO_NOT_REAP_CHILD |
			    G_SPAWN_CHILD_INHERITS_STDIN;
	if (!tee_open(&run->out, STDOUT_FILENO, command->stdout_path, error) ||
	    !tee_open(&run->err, STDERR_FILENO, command->stderr_path, error))
		return false;
	listen_to_signals(run);
	if (!g_spawn_async_with_pipes(NULL, command->argv, command->environment, flags,
				      prepare_child, NULL, &run->pid, NULL, &run->out.pipe,
				      &run->err.pipe, error))
		return false;
	(void)setpgid(run->pid, run->pid); /* whichever of the two comes first */
	/* a person at a terminal types to the command, not to the lab */
	if (isatty(STDIN_FILENO)) {
		(void)signal(SIGTTOU, SIG_IGN);
		(void)tcsetpgrp(STDIN_FILENO, run->pid);
	}
	tee_start(&run->out);
	tee_start(&run->err);
	return true;
}

static void
run_clear(Run *run)
{
	tee_close(&run->out);
	tee_close(&run->err);
	if (run->grace_source != 0)
		g_source_remove(run->grace_source);
	if (run->signal_source != 0)
		g_source_remove(run->signal_source);
	if (run->signals >= 0)
		(void)g_close(run->signals, NULL);
	g_main_loop_unref(run->loop);
}

bool
lab_command_run(const LabCommand *command, int *ret_status, bool *ret_left, GError **error)
{
	Run run = { .loop = g_main_loop_new(NULL, FALSE),
		    .parent = getppid(),
		    .signals = -1,
		    .grace_ms = command->grace_ms,
		    .out = { .pipe = -1, .file = -1 },
		    .err = { .pipe = -1, .file = -1 } };
	(void)signal(SIGPIPE, SIG_IGN);
	bool ok = start(&run, command, error);
	if (ok) {
		g_main_loop_run(run.loop);
		*ret_status = lab_keeper_shell_status(run.status);
		*ret_left = run.out_of_grace;
	}
	run_clear(&run);
	return ok;
}
