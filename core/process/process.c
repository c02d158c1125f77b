/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

#include "core/base/error.h"
#include "core/process/fd.h"
#include "core/process/spawn.h"
#include "core/process/stream.h"

/* Of stderr, when it is kept apart. */
#define MAX_STDERR (64u * 1024)
/*
 * How long freeing waits for a child that was just killed; one that sits in the kernel is reaped
 * later, by the loop.
 */
#define REAP_MS 200

struct RescueProcess {
	pid_t pid;
	uint64_t start_time;
	int pidfd;
	bool owned;           /* killed when freed */
	bool running;         /* its end has not been noticed yet */
	bool ending;          /* rescue_process_end() was called */
	bool closed;          /* freed by its owner, perhaps from within a callback */
	guint watch;          /* source: the end */
	guint kill;           /* source: the grace is over */
	RescueStream *output; /* stdout, or the file, or NULL */
	RescueStream *errors; /* stderr of its own, or NULL */
	GString *stderr_text;
	int status, signal;
	RescueProcessLine on_line;
	RescueProcessExit on_exit;
	void *data;
};

static void
remove_source(guint *id)
{
	if (*id != 0)
		g_source_remove(*id);
	*id = 0;
}

static void
process_clear(void *data)
{
	RescueProcess *process = data;

	g_string_free(process->stderr_text, TRUE);
}

static void
process_unref(RescueProcess *process)
{
	g_rc_box_release_full(process, process_clear);
}

static void
on_output_line(const char *line, void *data)
{
	RescueProcess *process = data;

	if (process->on_line != NULL)
		process->on_line(line, process->data);
}

static void
on_error_line(const char *line, void *data)
{
	RescueProcess *process = data;
	size_t room = MAX_STDERR - MIN(process->stderr_text->len, MAX_STDERR);
	size_t size = strlen(line);

	if (size + 1 > room)
		return; /* whole lines only: what is kept stays valid UTF-8 */
	g_string_append_len(process->stderr_text, line, (gssize)size);
	g_string_append_c(process->stderr_text, '\n');
}

/**
 * Signals the whole group while its leader has not been reaped, so that its number cannot have a
 * new owner.
 */
static void
signal_group(const RescueProcess *process, int number)
{
	if (getpgid(process->pid) == process->pid)
		(void)kill(-process->pid, number);
	else
		(void)pidfd_send_signal(process->pidfd, number, NULL, 0);
}

/**
 * Takes the remains away; false when it still lives. One that is not our child has an unknown
 * status.
 */
static bool
reap(RescueProcess *process)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG) < 0)
		return errno == ECHILD;
	if (info.si_pid == 0)
		return false;
	process->status = info.si_code == CLD_EXITED ? info.si_status : -1;
	process->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	return true;
}

static void
on_streams_done(void *data)
{
	RescueProcess *process = g_rc_box_acquire(data);

	process->running = false;
	if (process->on_exit != NULL && !process->closed)
		process->on_exit(process->status, process->signal, process->data);
	process_unref(process);
}

static void
on_output_done(void *data)
{
	RescueProcess *process = data;

	if (process->errors != NULL)
		rescue_stream_finish(process->errors, on_streams_done);
	else
		on_streams_done(process);
}

static gboolean
on_end(gint fd, GIOCondition condition, gpointer data)
{
	RescueProcess *process = data;

	/*
	 * what it left behind must not outlive an owned child, nor hold the lock after an engine
	 * that we ended
	 */
	if (process->owned || process->ending)
		signal_group(process, SIGKILL);
	(void)reap(process);
	process->watch = 0;
	remove_source(&process->kill);
	if (process->output != NULL)
		rescue_stream_finish(process->output, on_output_done);
	else
		on_streams_done(process);
	return G_SOURCE_REMOVE;
}

static RescueProcess *
process_new(const RescueProcessSpec *spec)
{
	RescueProcess *process = g_rc_box_new0(RescueProcess);

	process->pidfd = -1;
	process->status = -1;
	process->owned = !spec->outlives_us;
	process->stderr_text = g_string_new(NULL);
	process->on_line = spec->on_line;
	process->on_exit = spec->on_exit;
	process->data = spec->data;
	return process;
}

/** Takes the pidfd over. */
static void
watch_process(RescueProcess *process, const RescueSpawned *spawned)
{
	process->pid = spawned->pid;
	process->start_time = spawned->start_time;
	process->pidfd = spawned->pidfd;
	process->running = true;
	process->watch = g_unix_fd_add(process->pidfd, G_IO_IN, on_end, process);
}

static int
open_output(const char *path, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot write ‘%s’: %s",
			    path, g_strerror(errno));
	return fd;
}

static bool
open_pipe(int ends[2], GError **error)
{
	if (pipe2(ends, O_CLOEXEC) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot make a pipe: %s",
		    g_strerror(errno));
	return false;
}

/* A file in memory, read from its beginning: unlike a pipe it takes a text of any length at once. */
static int
open_input(const char *text, GError **error)
{
	rescue_autofd fd = memfd_create("input", MFD_CLOEXEC);
	size_t size = strlen(text), done = 0;
	ssize_t n = fd >= 0 ? 0 : -1;

	while (done < size && n >= 0) {
		n = write(fd, text + done, size - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (n >= 0 && lseek(fd, 0, SEEK_SET) == 0)
		return rescue_fd_steal(&fd);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "cannot give a program its input: %s", g_strerror(errno));
	return -1;
}

static bool
spawn(const RescueProcessSpec *spec, int output_fd, int error_fd, RescueSpawned *ret_spawned,
      GError **error)
{
	rescue_autofd input_fd = spec->input != NULL ? open_input(spec->input, error) : -1;
	const RescueSpawn plan = {
		.argv = spec->argv,
		.env = spec->env,
		.cwd = spec->cwd,
		.input_fd = input_fd,
		.output_fd = output_fd,
		.error_fd = error_fd,
		.inherit_fd = spec->inherit_fd,
		.dies_with_us = !spec->outlives_us,
		.nice = spec->nice,
		.before_exec = spec->before_exec,
		.data = spec->data,
	};

	return (spec->input == NULL || input_fd >= 0) && rescue_spawn(&plan, ret_spawned, error);
}

/* Who does not want its lines gets a file that nobody reads here. */
static bool
read_file(RescueProcess *process, const RescueProcessSpec *spec, GError **error)
{
	if (spec->on_line == NULL)
		return true;
	process->output = rescue_stream_new_file(spec->output_path, on_output_line, process, error);
	return process->output != NULL;
}

static RescueProcess *
start_with_file(const RescueProcessSpec *spec, GError **error)
{
	g_autoptr(RescueProcess) process = process_new(spec);
	rescue_autofd fd = open_output(spec->output_path, error);
	RescueSpawned spawned;

	if (fd < 0)
		return NULL;
	if (!read_file(process, spec, error) || !spawn(spec, fd, fd, &spawned, error))
		return NULL;
	watch_process(process, &spawned);
	return g_steal_pointer(&process);
}

static RescueProcess *
start_with_pipes(const RescueProcessSpec *spec, GError **error)
{
	g_autoptr(RescueProcess) process = process_new(spec);
	int output[2] = { -1, -1 };
	int errors[2] = { -1, -1 };
	RescueSpawned spawned;
	bool started = false;

	if (open_pipe(output, error) && (spec->merge_stderr || open_pipe(errors, error)))
		started = spawn(spec, output[1], spec->merge_stderr ? output[1] : errors[1],
				&spawned, error);
	rescue_fd_clear(&output[1]);
	rescue_fd_clear(&errors[1]);
	if (!started) {
		rescue_fd_clear(&output[0]);
		rescue_fd_clear(&errors[0]);
		return NULL;
	}
	process->output = rescue_stream_new_pipe(output[0], on_output_line, process);
	if (errors[0] >= 0)
		process->errors = rescue_stream_new_pipe(errors[0], on_error_line, process);
	watch_process(process, &spawned);
	return g_steal_pointer(&process);
}

RescueProcess *
rescue_process_start(const RescueProcessSpec *spec, GError **error)
{
	return spec->output_path != NULL ? start_with_file(spec, error)
					 : start_with_pipes(spec, error);
}

RescueProcess *
rescue_process_adopt(const RescueProcessSpec *spec, pid_t pid, uint64_t start_time, GError **error)
{
	RescueSpawned spawned = { .pid = pid, .start_time = start_time };

	g_return_val_if_fail(spec->output_path != NULL || spec->on_line == NULL, NULL);
	/*
	 * first the descriptor, then the comparison: from here on the number cannot change its
	 * meaning unnoticed
	 */
	spawned.pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (spawned.pidfd < 0)
		return NULL;
	if (!rescue_process_is_alive(pid, start_time)) {
		rescue_fd_clear(&spawned.pidfd);
		return NULL;
	}
	g_autoptr(RescueProcess) process = process_new(spec);
	if (!read_file(process, spec, error)) {
		rescue_fd_clear(&spawned.pidfd);
		return NULL;
	}
	watch_process(process, &spawned);
	return g_steal_pointer(&process);
}

pid_t
rescue_process_pid(const RescueProcess *process)
{
	return process->pid;
}

bool
rescue_process_is_running(const RescueProcess *process)
{
	return process->running;
}

const char *
rescue_process_stderr(const RescueProcess *process)
{
	return process->stderr_text->str;
}

static gboolean
on_grace_over(gpointer data)
{
	RescueProcess *process = data;

	process->kill = 0;
	signal_group(process, SIGKILL);
	return G_SOURCE_REMOVE;
}

void
rescue_process_catch_up(RescueProcess *process)
{
	if (process->output != NULL)
		rescue_stream_catch_up(process->output);
}

void
rescue_process_continue(const RescueProcess *process)
{
	if (process->watch != 0)
		signal_group(process, SIGCONT);
}

void
rescue_process_end(RescueProcess *process, unsigned grace_ms)
{
	if (process->watch == 0 || process->ending)
		return;
	process->ending = true;
	signal_group(process, grace_ms > 0 ? SIGTERM : SIGKILL);
	if (grace_ms > 0)
		process->kill = g_timeout_add(grace_ms, on_grace_over, process);
}

/**
 * The last of a child that did not die at once: it is in the kernel. The descriptor is closed with
 * the source.
 */
static gboolean
on_late_end(gint fd, GIOCondition condition, gpointer data)
{
	siginfo_t info;

	(void)waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
	(void)close(fd);
	return G_SOURCE_REMOVE;
}

static void
kill_and_reap(RescueProcess *process)
{
	struct pollfd end = { .fd = process->pidfd, .events = POLLIN };

	signal_group(process, SIGKILL);
	(void)poll(&end, 1, REAP_MS);
	if (!reap(process))
		(void)g_unix_fd_add(rescue_fd_steal(&process->pidfd), G_IO_IN, on_late_end, NULL);
}

void
rescue_process_free(RescueProcess *process)
{
	if (process == NULL || process->closed)
		return;
	process->closed = true;
	if (process->watch != 0 && process->owned)
		kill_and_reap(process);
	remove_source(&process->watch);
	remove_source(&process->kill);
	rescue_stream_free(process->output);
	rescue_stream_free(process->errors);
	rescue_fd_clear(&process->pidfd);
	process_unref(process);
}
