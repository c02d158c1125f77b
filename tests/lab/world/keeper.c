/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/keeper.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNALLED = 128 };

typedef struct {
	pid_t pid;
	int status;
	bool ended;
} Inner;

int
lab_keeper_shell_status(int status)
{
	return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* the fourth field of /proc/PID/stat, behind a name that may have any character in it */
static pid_t
parent_of(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	const char *behind = strrchr(text, ')');
	g_auto(GStrv) fields = behind != NULL ? g_strsplit(behind + 1, " ", 4) : NULL;
	guint64 parent = 0;
	if (fields == NULL || g_strv_length(fields) < 3)
		return 0;
	return g_ascii_string_to_unsigned(fields[2], 10, 0, G_MAXINT, &parent, NULL) ? (pid_t)parent
										     : 0;
}

bool
lab_keeper_kill_children(void)
{
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	bool any = false;
	const char *name = NULL;
	while (proc != NULL && (name = g_dir_read_name(proc)) != NULL) {
		guint64 pid = 0;
		if (!g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT, &pid, NULL) ||
		    parent_of(name) != getpid())
			continue;
		any |= kill((pid_t)pid, SIGKILL) == 0;
	}
	return any;
}

bool
lab_keeper_reap(void (*ended)(void *data, int pid, int status), void *data)
{
	for (;;) {
		int status = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid == 0)
			return true;
		if (pid < 0)
			return errno == EINTR;
		if (ended != NULL)
			ended(data, pid, status);
	}
}

static void
on_ended(void *data, int pid, int status)
{
	Inner *inner = data;
	if (pid != inner->pid)
		return;
	inner->ended = true;
	inner->status = status;
}

static void
wait_for_inner(Inner *inner, const sigset_t *signals)
{
	while (!inner->ended) {
		int number = sigwaitinfo(signals, NULL);
		if (number == SIGCHLD)
			(void)lab_keeper_reap(on_ended, inner);
		else if (number > 0)
			(void)kill(inner->pid, number);
	}
}

/* killing one may hand us its children, so until there is none */
static void
bury_the_rest(void)
{
	while (lab_keeper_kill_children()) {
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static int
be_inner(pid_t outer, const sigset_t *before, int (*inner)(void *data), void *data)
{
	/* a group of its own, so that a terminal's interrupt comes once, through the outer process */
	(void)setpgid(0, 0);
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != outer)
		return 1; /* it died before the line above */
	return inner(data);
}

int
lab_keeper_run(int (*inner)(void *data), void *data)
{
	sigset_t signals, before;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, &before);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t outer = getpid();
	Inner child = { .pid = fork() };
	if (child.pid < 0)
		return -1;
	if (child.pid == 0)
		return be_inner(outer, &before, inner, data);
	wait_for_inner(&child, &signals);
	bury_the_rest();
	return lab_keeper_shell_status(child.status);
}
