/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/process.h"

/** What the child needs after the fork, where it may neither allocate nor lock. */
typedef struct {
	char *program;
	const char *const *argv;
	char **envp;
	const char *cwd;
	int null_fd, input_fd, output_fd, error_fd, inherit_fd;
	int go[2];   /* one byte: run the program; end of file: no parent, or it refused */
	int fail[2]; /* closes itself when the program runs, else carries what went wrong */
	bool dies_with_us;
	int priority; /* as in setpriority(2) */
	pid_t parent;
} ChildPlan;

/** What travels through the `fail` pipe. */
typedef struct {
	int code;      /* errno */
	int directory; /* 1: entering `cwd` failed, 0: running the program failed */
} ChildFailure;

/* everything from here to child_main() runs between fork and exec: async-signal-safe calls only */

static void
child_fail(int fd, int code, int directory)
{
	ChildFailure failure = { .code = code, .directory = directory };

	(void)!write(fd, &failure, sizeof failure); /* nobody is left to tell when this fails too */
	_exit(127);
}

static void
child_reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard,
				NULL); /* SIGKILL, SIGSTOP and libc's own refuse */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * A group whose last relative in the session dies while it is stopped gets SIGHUP from the kernel: who outlives us must
 * live on then.
 */
static void
child_ignore_hangup(void)
{
	struct sigaction ignored = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGHUP, &ignored, NULL);
}

static int
child_move_up(int fd)
{
	/* above 0, 1 and 2, so that the dup2() calls cannot run over it */
	return fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
}

/**
 * Closes all but 0, 1, 2 and the (at most three) descriptors of `keep`, given in ascending order.
 */
static void
child_close_others(const int keep[3])
{
	unsigned first = STDERR_FILENO + 1;

	for (int i = 0; i < 3; i++) {
		if (keep[i] < (int)first)
			continue;
		if ((unsigned)keep[i] > first)
			(void)close_range(first, (unsigned)keep[i] - 1, 0);
		first = (unsigned)keep[i] + 1;
	}
	(void)close_range(first, ~0u, 0);
}

static void
child_sort(int values[3])
{
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 2 - i; j++) {
			if (values[j] <= values[j + 1])
				continue;
			int swap = values[j];
			values[j] = values[j + 1];
			values[j + 1] = swap;
		}
	}
}

static void
child_set_descriptors(ChildPlan *plan)
{
	int input_fd = child_move_up(plan->input_fd >= 0 ? plan->input_fd : plan->null_fd);
	int output_fd = child_move_up(plan->output_fd);
	int error_fd = child_move_up(plan->error_fd);

	(void)dup2(input_fd, STDIN_FILENO);
	(void)dup2(output_fd, STDOUT_FILENO);
	(void)dup2(error_fd, STDERR_FILENO);
	int keep[3] = { plan->go[0], plan->fail[1], plan->inherit_fd };
	child_sort(keep);
	child_close_others(keep);
	if (plan->inherit_fd >= 0)
		(void)fcntl(plan->inherit_fd, F_SETFD, 0);
}

static bool
child_wait_for_go(int fd)
{
	char byte;
	ssize_t got;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static void
child_main(ChildPlan *plan)
{
	(void)setpgid(0, 0);
	if (plan->dies_with_us)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (plan->dies_with_us && getppid() != plan->parent)
		_exit(127);
	child_reset_signals();
	if (!plan->dies_with_us)
		child_ignore_hangup();
	child_set_descriptors(plan);
	if (!child_wait_for_go(plan->go[0]))
		_exit(126);
	(void)close(plan->go[0]);
	if (plan->cwd != NULL && chdir(plan->cwd) < 0)
		child_fail(plan->fail[1], errno, 1);
	/* not before: whoever started us waits until the program runs */
	(void)setpriority(PRIO_PROCESS, 0, plan->priority); /* it runs without, too */
	(void)execve(plan->program, (char *const *)plan->argv, plan->envp);
	child_fail(plan->fail[1], errno, 0);
}

static void
plan_clear(ChildPlan *plan)
{
	g_clear_pointer(&plan->program, g_free);
	g_clear_pointer(&plan->envp, g_strfreev);
	rescue_fd_clear(&plan->null_fd);
	for (int i = 0; i < 2; i++) {
		rescue_fd_clear(&plan->go[i]);
		rescue_fd_clear(&plan->fail[i]);
	}
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChildPlan, plan_clear)

static char **
plan_environment(const char *const *extra)
{
	char **envp = g_get_environ();

	for (size_t i = 0; extra != NULL && extra[i] != NULL; i++) {
		const char *equals = strchr(extra[i], '=');
		if (equals == NULL)
			continue;
		g_autofree char *name = g_strndup(extra[i], (size_t)(equals - extra[i]));
		envp = g_environ_setenv(envp, name, equals + 1, TRUE);
	}
	return envp;
}

static char *
plan_program(const char *name, GError **error)
{
	g_autofree char *found = g_find_program_in_path(name);

	if (found == NULL) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot find the program ‘%s’", name);
		return NULL;
	}
	return g_canonicalize_filename(found, NULL);
}

/**
 * A pipe whose ends are above the three standard descriptors, so that the child's dup2() leaves
 * them alone.
 */
static bool
plan_pipe(int ends[2], GError **error)
{
	int made[2];

	if (pipe2(made, O_CLOEXEC) < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot make a pipe: %s",
			    g_strerror(errno));
		return false;
	}
	for (int i = 0; i < 2; i++) {
		ends[i] = made[i];
		if (made[i] > STDERR_FILENO)
			continue;
		ends[i] = fcntl(made[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		(void)close(made[i]);
	}
	return true;
}

static bool
plan_init(ChildPlan *plan, const RescueSpawn *spec, GError **error)
{
	plan->program = plan_program(spec->argv[0], error);
	if (plan->program == NULL)
		return false;
	plan->argv = spec->argv;
	plan->envp = plan_environment(spec->env);
	plan->cwd = spec->cwd;
	plan->input_fd = spec->input_fd;
	plan->output_fd = spec->output_fd;
	plan->error_fd = spec->error_fd;
	plan->inherit_fd = spec->inherit_fd;
	plan->dies_with_us = spec->dies_with_us;
	/* that we come before others is for us alone */
	plan->priority = MAX(getpriority(PRIO_PROCESS, 0), 0) + spec->nice;
	plan->parent = getpid();
	plan->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (plan->null_fd < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot open /dev/null: %s",
			    g_strerror(errno));
		return false;
	}
	return plan_pipe(plan->go, error) && plan_pipe(plan->fail, error);
}

/** Forks with all signals blocked: a handler of ours must never run in the child. */
static pid_t
fork_child(ChildPlan *plan)
{
	sigset_t all, before;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		child_main(plan); /* never returns */
	int saved = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	if (pid > 0)
		(void)setpgid(pid, pid); /* both sides do it: whoever comes first */
	return pid;
}

/** The child has ended or is about to: takes its remains away. */
static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static bool
let_go(ChildPlan *plan, GError **error)
{
	ChildFailure failure = { 0 };
	ssize_t got;

	rescue_fd_clear(&plan->fail[1]);
	rescue_fd_clear(&plan->go[0]);
	(void)!write(plan->go[1], "g", 1);
	do
		got = read(plan->fail[0], &failure, sizeof failure);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return true;
	if (failure.directory)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "cannot enter the folder ‘%s’: %s", plan->cwd,
			    g_strerror(failure.code));
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot run ‘%s’: %s",
			    plan->program, g_strerror(failure.code));
	return false;
}

static bool
identify(pid_t pid, RescueSpawned *spawned, GError **error)
{
	spawned->pid = pid;
	spawned->start_time = rescue_process_start_time(pid);
	spawned->pidfd = pidfd_open(pid, 0);
	if (spawned->pidfd >= 0 && spawned->start_time != 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot watch a process: %s",
		    spawned->pidfd < 0 ? g_strerror(errno) : "/proc tells nothing about it");
	return false;
}

bool
rescue_spawn(const RescueSpawn *spec, RescueSpawned *ret_spawned, GError **error)
{
	g_auto(ChildPlan) plan = { .null_fd = -1, .go = { -1, -1 }, .fail = { -1, -1 } };
	RescueSpawned spawned = { .pidfd = -1 };

	g_return_val_if_fail(spec->argv != NULL && spec->argv[0] != NULL, false);
	if (!plan_init(&plan, spec, error))
		return false;
	pid_t pid = fork_child(&plan);
	if (pid < 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot fork: %s",
			    g_strerror(errno));
		return false;
	}
	if (identify(pid, &spawned, error) &&
	    (spec->before_exec == NULL ||
	     spec->before_exec(pid, spawned.start_time, spec->data, error)) &&
	    let_go(&plan, error)) {
		*ret_spawned = spawned;
		return true;
	}
	rescue_fd_clear(&plan.go[1]); /* end of file: the child ends by itself */
	reap(pid);
	rescue_fd_clear(&spawned.pidfd);
	return false;
}
