/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/service.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/parse.h"

#define MAX_WATCHDOG_US (UINT64_C(3600) * G_USEC_PER_SEC)
#define MAX_FIELDS      16u

struct RescueService {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un address;
	socklen_t address_size;
	guint watchdog; /* source */
};

static const struct {
	const char *name, *member;
} fields[] = {
#define RESCUE_SERVICE_FIELD(name, member) { name, member },
#include "cli/line/ops/service-field.def"
#undef RESCUE_SERVICE_FIELD
};

/* a manager that does not read is no reason to wait: the next message tells the same or more */
static void
notify(const RescueService *service, const char *lines)
{
	if (service->fd >= 0)
		(void)sendto(service->fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
			     (const struct sockaddr *)&service->address, service->address_size);
}

static gboolean
on_watchdog(gpointer data)
{
	notify(data, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

/* "@name" is a name without a file */
static void
find_socket(RescueService *service, const char *path)
{
	size_t size = path != NULL ? strlen(path) : 0;

	if (size < 2 || size >= sizeof(service->address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	service->address.sun_family = AF_UNIX;
	memcpy(service->address.sun_path, path, size);
	if (path[0] == '@')
		service->address.sun_path[0] = '\0';
	service->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	service->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void
start_watchdog(RescueService *service)
{
	const char *interval = g_getenv("WATCHDOG_USEC");
	const char *pid = g_getenv("WATCHDOG_PID");
	g_autofree char *self = g_strdup_printf("%d", (int)getpid());
	uint64_t interval_us;

	if (interval == NULL || (pid != NULL && strcmp(pid, self) != 0) ||
	    !rescue_parse_uint(interval, 1000, MAX_WATCHDOG_US, &interval_us, NULL))
		return;
	service->watchdog = g_timeout_add((guint)MAX(interval_us / 2000, 1), on_watchdog, service);
}

RescueService *
rescue_service_new(void)
{
	static const char *const variables[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
	RescueService *service = g_new0(RescueService, 1);

	service->fd = -1;
	find_socket(service, g_getenv("NOTIFY_SOCKET"));
	start_watchdog(service);
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	return service;
}

void
rescue_service_free(RescueService *service)
{
	if (service == NULL)
		return;
	if (service->watchdog != 0)
		g_source_remove(service->watchdog);
	if (service->fd >= 0)
		(void)close(service->fd);
	g_free(service);
}

/* a status is one line, whatever was put into it */
static void
tell(const RescueService *service, const char *head, const char *status)
{
	g_autofree char *line = g_strdelimit(g_strdup(status), "\r\n", ' ');
	g_autofree char *lines = g_strdup_printf("%s\nSTATUS=%s", head, line);

	notify(service, lines);
}

void
rescue_service_ready(const RescueService *service, const char *status)
{
	tell(service, "READY=1", status);
}

void
rescue_service_status(const RescueService *service, const char *status)
{
	tell(service, "", status);
}

void
rescue_service_reloading(const RescueService *service)
{
	g_autofree char *lines = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
						 g_get_monotonic_time());

	notify(service, lines);
}

void
rescue_service_stopping(const RescueService *service, const char *status)
{
	tell(service, "STOPPING=1", status);
}

char **
rescue_service_fields(const RescueJson *about)
{
	g_autoptr(GStrvBuilder) list = g_strv_builder_new();

	for (size_t i = 0; about != NULL && i < G_N_ELEMENTS(fields); i++) {
		const char *value = rescue_json_get_string(about, fields[i].member);
		g_autofree char *field = value != NULL
					     ? g_strconcat(fields[i].name, "=", value, NULL)
					     : NULL;
		if (field != NULL)
			g_strv_builder_add(list, field);
	}
	return g_strv_builder_end(list);
}

static bool
say_to_journal(const char *priority, const char *sentence, char **texts)
{
	GLogField list[MAX_FIELDS] = { { "MESSAGE", sentence, -1 },
				       { "PRIORITY", priority, -1 },
				       { "SYSLOG_IDENTIFIER", "idevicerescue", -1 } };
	size_t n = 3;

	for (size_t i = 0; texts[i] != NULL && n < MAX_FIELDS; i++) {
		char *equals = strchr(texts[i], '=');
		*equals = '\0'; /* GLib takes name and value apart */
		list[n++] = (GLogField){ texts[i], equals + 1, -1 };
	}
	return g_log_writer_journald(G_LOG_LEVEL_MESSAGE, list, n, NULL) == G_LOG_WRITER_HANDLED;
}

void
rescue_service_say(RescueServicePriority priority, const char *sentence, const RescueJson *about)
{
	g_auto(GStrv) texts = rescue_service_fields(about);
	g_autofree char *number = g_strdup_printf("%d", (int)priority);

	if (g_log_writer_is_journald(STDERR_FILENO) && say_to_journal(number, sentence, texts))
		return;
	(void)fprintf(stderr, "%s\n", sentence);
}

char *
rescue_service_describe(const RescueStation *station)
{
	static const RescueSlotState shown[] = { RESCUE_SLOT_RUNNING, RESCUE_SLOT_QUEUED,
						 RESCUE_SLOT_NEEDS_OPERATOR, RESCUE_SLOT_FAILED,
						 RESCUE_SLOT_QUARANTINED };
	size_t ports = rescue_station_layout(station)->ports->len;
	unsigned counts[RESCUE_SLOT_LAST] = { 0 };
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < ports; i++)
		counts[rescue_station_slot(station, i)]++;
	g_string_printf(text, "%zu ports", ports);
	for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
		if (counts[shown[i]] > 0)
			g_string_append_printf(text, ", %u %s", counts[shown[i]],
					       rescue_slot_state_name(shown[i]));
	}
	return g_strdup(text->str);
}
