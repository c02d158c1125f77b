/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib-unix.h>

#include "cli/common/output.h"
#include "cli/line/files.h"
#include "cli/line/grants.h"
#include "cli/line/jobs.h"
#include "cli/line/client/ask.h"
#include "cli/line/journal.h"
#include "cli/line/ops/couriers.h"
#include "cli/line/ops/log.h"
#include "cli/line/ops/service.h"
#include "cli/line/ops/upkeep.h"
#include "cli/line/settings.h"
#include "cli/line/show.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/line/supervisor.h"
#include "core/process/fd.h"
#include "transport/devices/devices.h"

/* Many changes are compared at once: 64 phones with their progress would take a percent of a core else. */
#define OTHERS_MS 100
#define URGENT    (-5) /* as in nice(2) */

typedef struct {
	const RescueCli *cli;
	const RescueLineRun *run;
	RescueLineConfig *config;
	RescueService *service;
	RescueLineShow *show;
	RescueLineServer *server;
	RescueCouriers *couriers;
	RescueUpkeep *upkeep;
	RescueLineLog *log;
	char *status; /* as it was told last */
	RescueLineJournal *journal;
	RescueLineJobs *jobs;
	RescueSupervisor *supervisor;
	RescueDevices *devices;
	GMainLoop *loop;
	guint turn, later; /* sources: what follows is done soon; and at a time */
	guint others;      /* source: they are told soon */
	int signal_fd;
	guint signals;
	bool stopping;
} Daemon;

/* what follows from what happened: once for many things at once */

static gboolean on_turn(gpointer data);

static void
wake(Daemon *daemon)
{
	if (daemon->turn == 0)
		daemon->turn = g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, daemon, NULL);
}

static gboolean
on_later(gpointer data)
{
	Daemon *daemon = data;

	daemon->later = 0;
	wake(daemon);
	return G_SOURCE_REMOVE;
}

static void
look_at(Daemon *daemon, int64_t at_us)
{
	int64_t wait_ms = (at_us - g_get_monotonic_time()) / 1000 + 1;

	g_clear_handle_id(&daemon->later, g_source_remove);
	if (at_us != INT64_MAX)
		daemon->later = g_timeout_add((guint)CLAMP(wait_ms, 0, G_MAXINT), on_later, daemon);
}

static void
end_when_drained(Daemon *daemon)
{
	if (!daemon->stopping)
		return;
	if (!daemon->run->drain || rescue_supervisor_count_running(daemon->supervisor) == 0)
		g_main_loop_quit(daemon->loop);
}

static void
tell_status(Daemon *daemon)
{
	g_autofree char *status = rescue_service_describe(
	    rescue_supervisor_station(daemon->supervisor));

	if (g_strcmp0(status, daemon->status) == 0)
		return;
	rescue_service_status(daemon->service, status);
	g_free(daemon->status);
	daemon->status = g_steal_pointer(&status);
}

/* webhooks, hooks and systemd */
static void
tell_others(Daemon *daemon)
{
	rescue_couriers_look(daemon->couriers, rescue_supervisor_station(daemon->supervisor),
			     rescue_clock_wall_us(rescue_clock_system()));
	if (!daemon->stopping)
		tell_status(daemon);
}

static gboolean
on_others(gpointer data)
{
	Daemon *daemon = data;

	daemon->others = 0;
	tell_others(daemon);
	return G_SOURCE_REMOVE;
}

/* Nobody else is to ask a phone whose job runs, not even before that job has taken its lock. */
static void
mark_busy(const Daemon *daemon)
{
	const GPtrArray *tickets = rescue_station_tickets(
	    rescue_supervisor_station(daemon->supervisor));

	for (unsigned i = 0; daemon->devices != NULL && i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		if (ticket->device->ecid != 0)
			rescue_devices_port.set_busy(daemon->devices, ticket->device->ecid,
						     ticket->alive);
	}
}

static gboolean
on_turn(gpointer data)
{
	Daemon *daemon = data;

	daemon->turn = 0;
	look_at(daemon, rescue_supervisor_turn(daemon->supervisor));
	rescue_line_journal_tidy(daemon->journal, rescue_supervisor_compact);
	mark_busy(daemon);
	rescue_line_server_touch(daemon->server);
	if (daemon->others == 0)
		daemon->others = g_timeout_add(OTHERS_MS, on_others, daemon);
	end_when_drained(daemon);
	return G_SOURCE_REMOVE;
}

/* what happens */

static void
on_device(const RescueDevice *device, void *data)
{
	Daemon *daemon = data;

	if (daemon->supervisor == NULL)
		return;
	rescue_supervisor_see(daemon->supervisor, device);
	rescue_line_show_touch(daemon->show, NULL);
	wake(daemon);
}

static void
on_job_event(RescueEcid ecid, const RescueJson *event, void *data)
{
	Daemon *daemon = data;

	if (!rescue_supervisor_job_event(daemon->supervisor, ecid, event))
		return;
	rescue_line_show_count(daemon->show, event);
	if (daemon->server != NULL)
		rescue_line_server_publish(daemon->server, event);
	wake(daemon);
}

static void
on_job_end(RescueEcid ecid, const char *words, void *data)
{
	Daemon *daemon = data;

	rescue_supervisor_job_ended(daemon->supervisor, ecid, words);
	wake(daemon);
}

/* What the line does, for people and for who listens. */
static void
on_told(const RescueJson *line, void *data)
{
	Daemon *daemon = data;
	g_autofree char *text = rescue_line_log_word(daemon->log, line);
	bool report = g_strcmp0(rescue_json_get_string(line, "event"), "report") == 0;

	if (report && daemon->show != NULL)
		rescue_line_show_report(daemon->show, text);
	if (!report && daemon->show != NULL)
		rescue_line_show_touch(daemon->show, rescue_json_get_string(line, "ecid"));
	if (text != NULL && !daemon->cli->quiet)
		rescue_service_say(report ? RESCUE_SERVICE_NOTICE : RESCUE_SERVICE_INFO, text,
				   line);
	if (daemon->server != NULL)
		rescue_line_server_publish(daemon->server, line);
}

/* What is attached stands where the new layout says. */
static void
see_all(Daemon *daemon)
{
	g_autoptr(GPtrArray) devices = rescue_devices_known(daemon->devices);

	for (unsigned i = 0; i < devices->len; i++)
		rescue_supervisor_see(daemon->supervisor, g_ptr_array_index(devices, i));
}

/* All of it or nothing. What the web is told counts at the start only. */
static bool
reload(void *data, GError **error)
{
	Daemon *daemon = data;
	g_autoptr(RescueLineConfig) config = rescue_line_settings_load(daemon->run, error);
	RescueLayout *layout = NULL;
	RescueIntakeRules *rules = NULL;

	if (config == NULL ||
	    !rescue_line_files_load(config->station, config->rules, &layout, &rules, error))
		return false;
	rescue_service_reloading(daemon->service);
	rescue_line_config_free(daemon->config);
	daemon->config = g_steal_pointer(&config);
	rescue_line_jobs_forget_policies(daemon->jobs);
	rescue_line_show_rename(daemon->show, daemon->config->name);
	rescue_couriers_configure(daemon->couriers, daemon->config);
	rescue_supervisor_reload(daemon->supervisor, layout, rules);
	see_all(daemon);
	rescue_service_ready(daemon->service, "the files were read again");
	g_clear_pointer(&daemon->status, g_free); /* and then what it is */
	wake(daemon);
	return true;
}

static void
on_hangup(Daemon *daemon)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	if (reload(daemon, &error))
		text = g_strdup("station file and rules were read again");
	else
		text = g_strdup_printf("the old station file and rules stay in force: %s",
				       error->message);
	rescue_service_say(error != NULL ? RESCUE_SERVICE_WARNING : RESCUE_SERVICE_NOTICE, text,
			   NULL);
	if (error != NULL)
		rescue_line_show_report(daemon->show, text);
	wake(daemon);
}

/* Twice: at once, even when jobs run. */
static void
on_stop(Daemon *daemon)
{
	if (daemon->stopping) {
		g_main_loop_quit(daemon->loop);
		return;
	}
	daemon->stopping = true;
	rescue_service_stopping(daemon->service, daemon->run->drain
						     ? "waits for the restores that run"
						     : "the restores that run go on");
	rescue_supervisor_stop(daemon->supervisor);
	wake(daemon);
}

static gboolean
on_signal(gint fd, GIOCondition condition, gpointer data)
{
	Daemon *daemon = data;
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGHUP)
			on_hangup(daemon);
		else
			on_stop(daemon);
	}
	return G_SOURCE_CONTINUE;
}

/* life */

/* A descriptor instead of handlers: GLib's own signal sources start a thread, and we fork. */
static bool
watch_signals(Daemon *daemon, GError **error)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	daemon->signal_fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (daemon->signal_fd < 0 || pthread_sigmask(SIG_BLOCK, &wanted, NULL) != 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot watch signals: %s",
			    g_strerror(errno));
		return false;
	}
	daemon->signals = g_unix_fd_add(daemon->signal_fd, G_IO_IN, on_signal, daemon);
	return true;
}

static void
on_acted(void *data)
{
	wake(data);
}

static void
new_supervisor(Daemon *daemon, RescueLayout *layout, RescueIntakeRules *rules)
{
	const RescueLineJobsSpec jobs = {
		.cli = daemon->cli, .on_event = on_job_event, .on_end = on_job_end, .data = daemon
	};
	RescueSupervisorSpec spec = { .told = on_told, .data = daemon };

	daemon->jobs = rescue_line_jobs_new(&jobs);
	spec.ports = (RescueLinePorts){
		.clock = rescue_clock_system(),
		.jobs = &rescue_line_jobs_port,
		.jobs_self = daemon->jobs,
		.grants = &rescue_line_grant_port,
		.grants_self = daemon->cli->state_dir,
		.store = &rescue_line_journal_port,
		.store_self = daemon->journal,
	};
	daemon->supervisor = rescue_supervisor_new(&spec, layout, rules);
	rescue_station_take_buses(rescue_supervisor_station(daemon->supervisor),
				  rescue_line_find_buses());
	daemon->show = rescue_line_show_new(&(RescueLineShowSpec){ .cli = daemon->cli,
								   .name = daemon->config->name,
								   .supervisor = daemon->supervisor,
								   .reload = reload,
								   .acted = on_acted,
								   .data = daemon });
}

static bool
recall(Daemon *daemon, GError **error)
{
	const RescueLineConfig *config = daemon->config;
	g_autoptr(GPtrArray) lines = NULL;
	RescueLayout *layout = NULL;
	RescueIntakeRules *rules = NULL;

	daemon->journal = rescue_line_journal_open(daemon->cli->state_dir, config->station, error);
	if (daemon->journal == NULL)
		return false;
	lines = rescue_line_journal_read(daemon->journal, rescue_supervisor_compact, error);
	if (lines == NULL ||
	    !rescue_line_files_load(config->station, config->rules, &layout, &rules, error))
		return false;
	new_supervisor(daemon, layout, rules);
	rescue_supervisor_recall(daemon->supervisor, lines);
	rescue_line_show_recall(daemon->show);
	return true;
}

static bool
serve(Daemon *daemon, GError **error)
{
	g_autofree char *socket = rescue_line_socket(daemon->cli->state_dir);
	g_autofree char *address = NULL;
	const char *const reader[] = {
		daemon->cli->program, "--state", daemon->cli->state_dir, "line", "read", NULL
	};
	RescueLineServerOptions options = { .socket = socket, .reader = reader };

	if (!rescue_line_settings_listen(daemon->config, &options, &address, error))
		return false;
	daemon->server = rescue_line_server_new(&options, &rescue_line_show_view, daemon->show,
						error);
	return daemon->server != NULL;
}

static void
on_courier(const char *sentence, void *data)
{
	rescue_service_say(RESCUE_SERVICE_NOTICE, sentence, NULL);
}

static bool
send_couriers(Daemon *daemon, GError **error)
{
	const RescueCli *cli = daemon->cli;
	const char *const command[] = { cli->program, "--state", cli->state_dir,
					"line",       "deliver", NULL };
	const RescueCouriersSpec spec = { .command = command,
					  .state_dir = cli->state_dir,
					  .log = on_courier };

	daemon->couriers = rescue_couriers_new(&spec, daemon->config, error);
	return daemon->couriers != NULL;
}

static void
begin_upkeep(Daemon *daemon)
{
	const RescueCli *cli = daemon->cli;
	const char *command[] = { cli->program,   "--quiet", "--state",
				  cli->state_dir, "line",    "upkeep",
				  NULL,           NULL,      NULL };
	const RescueUpkeepSpec spec = { .command = command,
					.state_dir = cli->state_dir,
					.log = on_courier };

	if (daemon->run->conf != NULL) {
		command[6] = "--conf";
		command[7] = daemon->run->conf;
	}
	daemon->upkeep = rescue_upkeep_new(&spec);
}

/* Memory first, then what runs, then what is attached. */
static bool
begin(Daemon *daemon, GError **error)
{
	const RescueDevicesSpec devices = { .on_change = on_device,
					    .data = daemon,
					    .state_dir = daemon->cli->state_dir };

	daemon->service = rescue_service_new();
	daemon->log = rescue_line_log_new();
	daemon->config = rescue_line_settings_load(daemon->run, error);
	if (daemon->config == NULL || !recall(daemon, error) || !send_couriers(daemon, error) ||
	    !serve(daemon, error))
		return false;
	begin_upkeep(daemon);
	daemon->devices = rescue_devices_new(&devices, error);
	return daemon->devices != NULL && watch_signals(daemon, error);
}

static void
daemon_clear(Daemon *daemon)
{
	g_clear_handle_id(&daemon->turn, g_source_remove);
	g_clear_handle_id(&daemon->later, g_source_remove);
	g_clear_handle_id(&daemon->others, g_source_remove);
	g_clear_handle_id(&daemon->signals, g_source_remove);
	rescue_fd_clear(&daemon->signal_fd);
	rescue_line_server_free(daemon->server);
	rescue_couriers_free(daemon->couriers);
	rescue_upkeep_free(daemon->upkeep);
	g_free(daemon->status);
	rescue_devices_free(daemon->devices);
	rescue_line_jobs_free(daemon->jobs);
	rescue_line_show_free(daemon->show);
	rescue_supervisor_free(daemon->supervisor);
	rescue_line_config_free(daemon->config);
	rescue_service_free(daemon->service);
	rescue_line_log_free(daemon->log);
	rescue_line_journal_close(daemon->journal);
	g_clear_pointer(&daemon->loop, g_main_loop_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Daemon, daemon_clear)

/* It has little to do, and the bench wants to see it at once. Who may not come first is as urgent as others. */
static void
come_first(void)
{
	if (getpriority(PRIO_PROCESS, 0) == 0)
		(void)setpriority(PRIO_PROCESS, 0, URGENT);
}

static void
say_begin(const Daemon *daemon)
{
	const char *url = rescue_line_server_url(daemon->server);
	g_autofree char *text = g_strdup_printf("the line ‘%s’ runs: %s%s%s", daemon->config->name,
						daemon->config->station,
						url != NULL ? "; its page is " : "",
						url != NULL ? url : "");

	rescue_service_ready(daemon->service, text);
	if (!daemon->cli->quiet)
		rescue_service_say(RESCUE_SERVICE_NOTICE, text, NULL);
}

bool
rescue_line_run(const RescueCli *cli, const RescueLineRun *run, GError **error)
{
	g_auto(Daemon) daemon = { .cli = cli, .run = run, .signal_fd = -1 };

	come_first();
	daemon.loop = g_main_loop_new(NULL, FALSE);
	if (!begin(&daemon, error))
		return false;
	say_begin(&daemon);
	wake(&daemon);
	g_main_loop_run(daemon.loop);
	tell_others(&daemon);
	rescue_say(cli, "the line is stopped; %u restores go on",
		   rescue_supervisor_count_running(daemon.supervisor));
	return true;
}
