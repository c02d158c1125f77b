/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/fd.h"

/* So long it is waited for a guard that was told to leave; a later one is reaped when we end. */
#define REAP_MS 200

struct RescueHold {
	pid_t pid;
	int pidfd; /* of what is held */
	pid_t guard;
	int leash; /* the guard leaves when this is closed, by us or by our death */
};

/* ---- the guard, behind the fork: async-signal-safe calls only --------------------------------------- */

/* As long as it has not ended, its number means nobody else. */
static void
signal_group(pid_t pid, int pidfd, int number)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (poll(&end, 1, 0) == 0)
		(void)kill(getpgid(pid) == pid ? -pid : pid, number);
}

/* The lock of the phone, a terminal, the pipes of others: nothing of it may be kept open by a guard. */
static void
keep_only(int one, int other)
{
	unsigned low = (unsigned)MIN(one, other), high = (unsigned)MAX(one, other);

	if (low > 0)
		(void)close_range(0, low - 1, 0);
	if (high > low + 1)
		(void)close_range(low + 1, high - 1, 0);
	(void)close_range(high + 1, ~0u, 0);
}

/* Every signal is blocked since before the fork. */
static void
guard_main(const RescueHold *hold, int leash, int most_ms)
{
	struct pollfd news[] = { { .fd = leash }, { .fd = hold->pidfd, .events = POLLIN } };

	/* whoever ends our group does not mean the guard */
	(void)setpgid(0, 0);
	keep_only(leash, hold->pidfd);
	while (poll(news, G_N_ELEMENTS(news), most_ms) < 0 && errno == EINTR)
		continue;
	signal_group(hold->pid, hold->pidfd, SIGCONT);
	_exit(0);
}

/* ---- before it, and beside it ----------------------------------------------------------------------- */

static bool
start_guard(RescueHold *hold, int most_ms, GError **error)
{
	int leash[2] = { -1, -1 };
	sigset_t all, before;

	if (pipe2(leash, O_CLOEXEC) == 0) {
		sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &before);
		hold->guard = fork();
		if (hold->guard == 0) {
			(void)close(leash[1]);
			guard_main(hold, leash[0], most_ms); /* never returns */
		}
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (hold->guard > 0) {
		hold->leash = leash[1];
		(void)close(leash[0]);
		return true;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "cannot start the guard of a process: %s", g_strerror(errno));
	rescue_fd_clear(&leash[0]);
	rescue_fd_clear(&leash[1]);
	return false;
}

/* First the guard, then the stop: there is no moment in which our death would leave it stopped. */
static bool
hold_it(RescueHold *hold, const RescueProcess *process, int most_ms, GError **error)
{
	hold->pid = rescue_process_pid(process);
	hold->pidfd = rescue_process_is_running(process) ? pidfd_open(hold->pid, 0) : -1;
	if (hold->pidfd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "a process that is to wait has ended");
		return false;
	}
	if (!start_guard(hold, most_ms, error))
		return false;
	signal_group(hold->pid, hold->pidfd, SIGSTOP);
	return true;
}

RescueHold *
rescue_hold_new(const RescueProcess *process, int most_ms, GError **error)
{
	g_autoptr(RescueHold) hold = g_new(RescueHold, 1);

	*hold = (RescueHold){ .pidfd = -1, .leash = -1 };
	return hold_it(hold, process, most_ms, error) ? g_steal_pointer(&hold) : NULL;
}

void
rescue_hold_free(RescueHold *hold)
{
	struct pollfd end = { .fd = -1, .events = POLLIN };

	if (hold == NULL)
		return;
	if (hold->guard > 0) {
		signal_group(hold->pid, hold->pidfd, SIGCONT); /* the guard may have been killed */
		end.fd = pidfd_open(hold->guard, 0);
		rescue_fd_clear(&hold->leash);
		(void)poll(&end, 1, REAP_MS);
		(void)waitpid(hold->guard, NULL, WNOHANG);
	}
	rescue_fd_clear(&end.fd);
	rescue_fd_clear(&hold->pidfd);
	g_free(hold);
}
