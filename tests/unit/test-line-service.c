/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/line/ops/log.h"
#include "cli/line/ops/service.h"
#include "tests/unit/scratch.h"

typedef struct {
	char *dir;
	int fd; /* what systemd would read from */
} Manager;

static void
manager_init(Manager *manager, bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *path = NULL;

	manager->dir = g_dir_make_tmp("service-XXXXXX", NULL);
	path = g_strdup_printf("%s%s/notify", abstract ? "@" : "", manager->dir);
	g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), <,
			 sizeof(address.sun_path));
	if (abstract)
		address.sun_path[0] = '\0';
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(manager->fd, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			==, 0);
	g_assert_true(g_setenv("NOTIFY_SOCKET", path, TRUE));
}

static void
manager_clear(Manager *manager)
{
	(void)close(manager->fd);
	remove_tree(manager->dir);
	g_free(manager->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Manager, manager_clear)

static void
assert_heard(const Manager *manager, const char *expected)
{
	char text[256] = "";

	g_assert_cmpint(recv(manager->fd, text, sizeof(text) - 1, 0), >, 0);
	g_assert_cmpstr(text, ==, expected);
}

static void
test_the_manager_hears_each_step(void)
{
	for (int abstract = 0; abstract < 2; abstract++) {
		g_auto(Manager) manager;
		manager_init(&manager, abstract);
		g_autoptr(RescueService) service = rescue_service_new();
		char text[128] = "";
		g_assert_null(g_getenv("NOTIFY_SOCKET"));
		rescue_service_ready(service, "2 ports");
		assert_heard(&manager, "READY=1\nSTATUS=2 ports");
		rescue_service_status(service, "one\nREADY=0");
		assert_heard(&manager, "\nSTATUS=one READY=0");
		rescue_service_reloading(service);
		g_assert_cmpint(recv(manager.fd, text, sizeof(text) - 1, 0), >, 0);
		g_assert_true(g_str_has_prefix(text, "RELOADING=1\nMONOTONIC_USEC="));
		rescue_service_stopping(service, "bye");
		assert_heard(&manager, "STOPPING=1\nSTATUS=bye");
	}
}

static void
test_the_watchdog_is_fed_by_the_loop(void)
{
	g_auto(Manager) manager;
	manager_init(&manager, false);
	g_assert_true(g_setenv("WATCHDOG_USEC", "20000", TRUE));
	g_autoptr(RescueService) service = rescue_service_new();
	char text[64] = "";
	ssize_t n;

	g_assert_null(g_getenv("WATCHDOG_USEC"));
	do {
		g_main_context_iteration(NULL, TRUE);
		n = recv(manager.fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	} while (n <= 0);
	g_assert_cmpstr(text, ==, "WATCHDOG=1");
}

static void
test_the_watchdog_of_another_process_is_not_ours(void)
{
	g_auto(Manager) manager;
	manager_init(&manager, false);
	g_assert_true(g_setenv("WATCHDOG_USEC", "1000", TRUE));
	g_assert_true(g_setenv("WATCHDOG_PID", "1", TRUE));
	g_autoptr(RescueService) service = rescue_service_new();

	g_assert_false(g_main_context_iteration(NULL, FALSE));
}

/* nobody reads: a full socket must not hold us up */
static void
test_a_deaf_manager_does_not_hold_us_up(void)
{
	g_auto(Manager) manager;
	manager_init(&manager, false);
	g_autoptr(RescueService) service = rescue_service_new();

	for (unsigned i = 0; i < 5000; i++)
		rescue_service_status(service, "x");
}

static void
test_without_systemd_nothing_happens(void)
{
	static const char *const sockets[] = { NULL, "", "/", "relative", "/no/such/socket" };

	for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autoptr(RescueService) service = NULL;
		if (sockets[i] != NULL)
			g_assert_true(g_setenv("NOTIFY_SOCKET", sockets[i], TRUE));
		service = rescue_service_new();
		rescue_service_ready(service, "up");
	}
}

static void
test_fields_name_phone_and_port(void)
{
	static const char text[] = "{\"event\":\"phone\",\"port\":\"A3\",\"ecid\":\"0x1\","
				   "\"job\":\"j\",\"state\":\"running\",\"other\":\"x\"}";
	g_autoptr(RescueJson) about = rescue_json_parse(text, strlen(text), NULL);
	g_auto(GStrv) fields = rescue_service_fields(about);
	g_autofree char *all = g_strjoinv(" ", fields);

	g_assert_cmpstr(all, ==,
			"RESCUE_EVENT=phone RESCUE_SLOT=A3 RESCUE_ECID=0x1 RESCUE_JOB=j "
			"RESCUE_STATE=running");
}

static char *
word(RescueLineLog *log, const char *text)
{
	g_autoptr(RescueJson) line = rescue_json_parse(text, strlen(text), NULL);

	g_assert_nonnull(line);
	return rescue_line_log_word(log, line);
}

#define PHONE(ecid, state, more) \
	"{\"event\":\"phone\",\"ecid\":\"" ecid "\",\"state\":\"" state "\"" more "}"
#define ALIVE(alive) ",\"port\":\"A3\",\"present\":true,\"job\":\"J\",\"alive\":" alive

static void
test_a_phone_is_told_when_there_is_something_new(void)
{
	static const struct {
		const char *line, *said;
	} steps[] = {
		{ PHONE("0x1", "running", ALIVE("true")), "A3: 0x1: running, job J" },
		{ PHONE("0x1", "running", ALIVE("false")), NULL },
		{ PHONE("0x2", "running", ALIVE("true")), "A3: 0x2: running, job J" },
		{ PHONE("0x1", "failed", ALIVE("false") ",\"why\":\"x\""),
		  "A3: 0x1: failed, job J: x" },
		{ PHONE("0x1", "running", ALIVE("true")), "A3: 0x1: running, job J" },
		{ PHONE("0x2", "running", ALIVE("false")), NULL },
		{ PHONE("0x2", "empty", ""), NULL }, /* it is gone, and comes again */
		{ PHONE("0x2", "running", ALIVE("true")), "A3: 0x2: running, job J" },
	};
	g_autoptr(RescueLineLog) log = rescue_line_log_new();

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autofree char *said = word(log, steps[i].line);
		g_assert_cmpstr(said, ==, steps[i].said);
	}
}

static void
test_what_concerns_no_phone_is_told_each_time(void)
{
	g_autoptr(RescueLineLog) log = rescue_line_log_new();

	for (int i = 0; i < 2; i++) {
		g_autofree char *report = word(log, "{\"event\":\"report\",\"text\":\"so\"}");
		g_autofree char *condemned =
		    word(log, "{\"event\":\"condemned\",\"kind\":\"port\",\"name\":\"A3\"}");
		g_autofree char *other = word(log, "{\"event\":\"outcome\",\"ecid\":\"0x1\"}");
		g_assert_cmpstr(report, ==, "so");
		g_assert_cmpstr(condemned, ==, "port A3 is out of use");
		g_assert_null(other);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/steps", test_the_manager_hears_each_step);
	g_test_add_func("/service/watchdog", test_the_watchdog_is_fed_by_the_loop);
	g_test_add_func("/service/other", test_the_watchdog_of_another_process_is_not_ours);
	g_test_add_func("/service/deaf", test_a_deaf_manager_does_not_hold_us_up);
	g_test_add_func("/service/without", test_without_systemd_nothing_happens);
	g_test_add_func("/service/fields", test_fields_name_phone_and_port);
	g_test_add_func("/service/log/phones", test_a_phone_is_told_when_there_is_something_new);
	g_test_add_func("/service/log/others", test_what_concerns_no_phone_is_told_each_time);
	return g_test_run();
}
