/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cli/line/ops/couriers.h"
#include "cli/line/ops/deliver.h"
#include "cli/line/ops/hook.h"
#include "cli/line/ops/settings.h"
#include "core/base/error.h"
#include "core/base/path.h"
#include "core/store/journal.h"
#include "core/store/outbox.h"
#include "tests/lab/world/certificate.h"
#include "tests/lab/world/httpd.h"
#include "tests/unit/scratch.h"
#include "transport/webhook/webhook.h"

/*
 * A daemon's side with real children (this very program, called with --deliver) and a web server. Server and daemon
 * share one loop: a daemon that waited for a child would never get an answer.
 */

#define SECRET "0123456789abcdef"
#define ECID   0xA1u

/* What the server does with the next requests, one letter each; the last one stays. */
enum { TAKE = 't', ERROR = 'e', REFUSE = 'r', HANG = 'h', KILL = 'k', MOVED = 'm' };

typedef struct {
	char *dir, *conf;
	const char *deeds;
	LabHttpd *httpd;
	GPtrArray *ids, *bodies; /* char *, of all requests */
	unsigned bad_signatures;
	char *moved_to;
	RescueLayout *layout;
	RescueStation *station;
	RescueCouriers *couriers;
	GString *log;
	unsigned jobs;
} World;

static const char *
header(const LabHttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static bool
is_signed(const LabHttpRequest *request, const char *body)
{
	const char *given = header(request, "Rescue-Signature");
	gint64 time = given != NULL ? g_ascii_strtoll(given + strlen("t="), NULL, 10) : 0;
	g_autofree char *expected = rescue_webhook_sign(SECRET, time, body);

	return g_strcmp0(given, expected) == 0 && ABS(time - g_get_real_time() / 1000000) < 300;
}

/* the newest one: those of daemons before may not be over yet */
static void
kill_child(void)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
	g_autofree char *text = NULL;
	char *last;
	pid_t pid;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	last = strrchr(g_strchomp(text), ' ');
	pid = (pid_t)g_ascii_strtoll(last != NULL ? last : text, NULL, 10);
	g_assert_cmpint(pid, >, 0);
	g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
}

static enum MHD_Result
on_request(void *data, const LabHttpRequest *request)
{
	World *world = data;
	char deed = *world->deeds;
	char *body = g_strndup((const char *)request->body, request->body_size);

	if (world->deeds[1] != '\0')
		world->deeds++;
	g_ptr_array_add(world->ids, g_strdup(header(request, "Rescue-Event-Id")));
	g_ptr_array_add(world->bodies, body);
	world->bad_signatures += !is_signed(request, body);
	if (deed == HANG)
		return lab_http_hang(world->httpd, request);
	if (deed == KILL)
		kill_child();
	if (deed == MOVED) {
		struct MHD_Response *response =
		    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		(void)MHD_add_response_header(response, "Location", world->moved_to);
		enum MHD_Result result = MHD_queue_response(request->connection, 302, response);
		MHD_destroy_response(response);
		return result;
	}
	return lab_http_text(request,
			     deed == ERROR    ? 500
			     : deed == REFUSE ? 422
					      : 200,
			     "text/plain", "");
}

static void
on_log(const char *sentence, void *data)
{
	World *world = data;

	g_test_message("%s", sentence);
	g_string_append_printf(world->log, "%s\n", sentence);
}

static void
write_file(const World *world, const char *name, const char *text, int mode)
{
	g_autofree char *path = g_build_filename(world->dir, name, NULL);

	(void)g_remove(path); /* or it would keep its mode */
	g_assert_true(
	    g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, mode, NULL));
}

static void
world_init(World *world, const char *deeds)
{
	static const char bench[] = "[port A1]\nat=1-1\n";

	*world = (World){ .dir = g_dir_make_tmp("couriers-XXXXXX", NULL),
			  .deeds = deeds,
			  .ids = g_ptr_array_new_with_free_func(g_free),
			  .bodies = g_ptr_array_new_with_free_func(g_free),
			  .log = g_string_new(NULL),
			  .layout = rescue_layout_parse(bench, strlen(bench), NULL) };
	world->conf = g_build_filename(world->dir, "line.conf", NULL);
	world->httpd =
	    lab_httpd_new(&(LabHttpdSpec){ .handler = on_request, .data = world, .listen = true },
			  NULL);
	world->station = rescue_station_new(world->layout, NULL);
	write_file(world, "secret", SECRET "\n", 0600);
}

static void
world_clear(World *world)
{
	rescue_couriers_free(world->couriers);
	rescue_station_free(world->station);
	rescue_layout_free(world->layout);
	lab_httpd_free(world->httpd);
	g_ptr_array_unref(world->ids);
	g_ptr_array_unref(world->bodies);
	g_string_free(world->log, TRUE);
	g_free(world->moved_to);
	remove_tree(world->dir);
	g_free(world->dir);
	g_free(world->conf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

/* the daemon begins, or begins again */
static void
start(World *world, const char *conf)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	const char *const command[] = { self, "--deliver", world->dir, NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueLineConfig) config = NULL;

	if (conf != NULL)
		write_file(world, "line.conf", conf, 0600);
	config = rescue_line_config_load(world->conf, &error);
	g_assert_no_error(error);
	g_clear_pointer(&world->couriers, rescue_couriers_free);
	world->couriers = rescue_couriers_new(&(RescueCouriersSpec){ .command = command,
								     .state_dir = world->dir,
								     .log = on_log,
								     .data = world },
					      config, &error);
	g_assert_no_error(error);
}

static void
start_webhook(World *world)
{
	g_autofree char *conf = g_strdup_printf("[webhook w]\nurl=http://127.0.0.1:%u/hook\n"
						"secret=secret\nevents=done\ndeadline=1s\n",
						lab_httpd_port(world->httpd));

	start(world, conf);
}

static void
tell(World *world, RescueStation *station)
{
	rescue_couriers_look(world->couriers, station, g_get_real_time());
}

/* a phone goes through a whole job: two notices, of which webhooks here want the second */
static void
finish_job(World *world)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	g_autofree char *job = g_strdup_printf("j%u", ++world->jobs);
	g_autofree char *text = g_strdup_printf("{\"event\":\"done\",\"outcome\":\"restored\","
						"\"job\":\"%s\",\"ecid\":\"0x%x\"}",
						job, ECID + world->jobs);
	g_autoptr(RescueJson) done = rescue_json_parse(text, strlen(text), NULL);
	static const char rule[] = "[rule r]\nfind-my=any\nmanaged=any\nthen=erase\n"
				   "firmware=latest\n";
	g_autoptr(RescueIntakeRules) rules = rescue_intake_parse(rule, strlen(rule), NULL);

	rescue_station_set_rules(world->station, rules, 0);
	device->ecid = ECID + world->jobs;
	device->mode = RESCUE_MODE_RECOVERY;
	device->place.port = g_strdup("1-1");
	rescue_station_see(world->station, device, world->jobs * 10);
	rescue_station_started(world->station, device->ecid, job, world->jobs * 10 + 1);
	rescue_station_job_event(world->station, done, world->jobs * 10 + 2);
	rescue_station_set_rules(world->station, NULL, 0);
	tell(world, world->station);
}

static uint64_t
cursor_of(const World *world, const char *courier)
{
	g_autofree char *dir = rescue_outbox_dir(world->dir);
	RescueOutboxCursor cursor = { 0 };

	(void)rescue_outbox_load(dir, courier, &cursor);
	return cursor.seq;
}

/* until the reader is done with event `seq`; a test that hangs is ended by ctest */
static void
wait_for_cursor(World *world, const char *courier, uint64_t seq)
{
	while (cursor_of(world, courier) < seq)
		g_main_context_iteration(NULL, TRUE);
}

static void
wait_for_requests(World *world, unsigned n)
{
	while (world->ids->len < n)
		g_main_context_iteration(NULL, TRUE);
}

static void
wait_for_log(World *world, const char *words)
{
	while (strstr(world->log->str, words) == NULL)
		g_main_context_iteration(NULL, TRUE);
}

static const char *
id_of(const World *world, unsigned i)
{
	return g_ptr_array_index(world->ids, i);
}

static void
test_events_come_in_order_and_signed(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	g_autofree char *dir = rescue_journal_make_job_dir(world.dir, "j2", NULL);
	g_autofree char *notice = g_build_filename(dir, RESCUE_NOTICE_FILE, NULL);
	g_autofree char *noted = NULL;
	start_webhook(&world);

	for (unsigned i = 0; i < 3; i++)
		finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 6);
	g_assert_cmpuint(world.ids->len, ==, 3);
	g_assert_cmpuint(world.bad_signatures, ==, 0);
	g_assert_true(g_file_get_contents(notice, &noted, NULL, NULL));
	g_assert_nonnull(strstr(noted, "\"slot\":\"A1\""));
	for (unsigned i = 0; i < 3; i++) {
		const char *body = g_ptr_array_index(world.bodies, i);
		g_autofree char *job = g_strdup_printf("j%u", i + 1);
		g_autoptr(RescueJson) json = rescue_json_parse(body, strlen(body), NULL);
		g_assert_cmpstr(rescue_json_get_string(json, "job"), ==, job);
		g_assert_cmpstr(rescue_json_get_string(json, "event"), ==, "done");
		g_assert_cmpstr(rescue_json_get_string(json, "id"), ==, id_of(&world, i));
	}
}

static void
test_a_server_out_of_order_gets_the_same_event_again(void)
{
	g_auto(World) world;
	world_init(&world, "et");
	start_webhook(&world);

	finish_job(&world);
	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 4);
	g_assert_cmpuint(world.ids->len, ==, 3);
	g_assert_cmpstr(id_of(&world, 0), ==, id_of(&world, 1));
	g_assert_cmpstr(id_of(&world, 1), !=, id_of(&world, 2));
	wait_for_log(&world, "HTTP 500");
}

static void
test_a_refused_event_does_not_hold_up_the_next(void)
{
	g_auto(World) world;
	world_init(&world, "rt");
	start_webhook(&world);

	finish_job(&world);
	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 4);
	g_assert_cmpuint(world.ids->len, ==, 2);
	wait_for_log(&world, "HTTP 422");
}

/* stopped, or on a disk that is gone: it would keep its webhook silent for ever */
static void
test_a_child_that_hangs_is_ended(void)
{
	g_auto(World) world;
	world_init(&world, "");
	static const char conf[] = "[hook h]\nprogram=/bin/true\nevents=done\n";
	const char *const command[] = { "/bin/sh", "-c", "kill -STOP $$", NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueLineConfig) config = NULL;

	write_file(&world, "line.conf", conf, 0600);
	config = rescue_line_config_load(world.conf, &error);
	g_assert_no_error(error);
	world.couriers = rescue_couriers_new(&(RescueCouriersSpec){ .command = command,
								    .state_dir = world.dir,
								    .patience_ms = 100,
								    .log = on_log,
								    .data = &world },
					     config, &error);
	g_assert_no_error(error);
	wait_for_log(&world, "hook-h: the child that delivers does not come to its end");
	wait_for_log(&world, "signal 9; it is started again");
}

static void
test_a_server_that_does_not_answer_is_tried_again(void)
{
	g_auto(World) world;
	world_init(&world, "ht");
	start_webhook(&world);

	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 2);
	g_assert_cmpuint(world.ids->len, ==, 2);
	g_assert_cmpstr(id_of(&world, 0), ==, id_of(&world, 1));
}

/* the address it leads to is the server's own, which would take it */
static void
test_a_redirect_is_not_followed(void)
{
	g_auto(World) world;
	world_init(&world, "mt");
	world.moved_to = g_strdup_printf("http://127.0.0.1:%u/elsewhere",
					 lab_httpd_port(world.httpd));
	start_webhook(&world);

	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 2);
	wait_for_log(&world, "HTTP 302");
	g_assert_cmpuint(world.ids->len, ==, 2);
}

/* the child is killed when the server has the event and before it can say so */
static void
test_a_kill_between_sending_and_answer_repeats_the_event(void)
{
	g_auto(World) world;
	world_init(&world, "kt");
	start_webhook(&world);

	finish_job(&world);
	wait_for_requests(&world, 1);
	start(&world, NULL);
	wait_for_cursor(&world, "webhook-w", 2);
	g_assert_cmpuint(world.ids->len, ==, 2);
	g_assert_cmpstr(id_of(&world, 0), ==, id_of(&world, 1));
}

static void
test_a_new_daemon_repeats_nothing_that_was_told(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	start_webhook(&world);

	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 2);
	start(&world, NULL);
	tell(&world, world.station);
	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 4);
	g_assert_cmpuint(world.ids->len, ==, 2);
}

/* nobody listens at first; what happened in the meantime is not lost, also not with the daemon */
static void
test_a_server_that_is_down_gets_everything_later(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	g_autofree char *path = g_build_filename(world.dir, "line", "outbox", "reader-webhook-w",
						 NULL);

	start(&world, "[webhook w]\nurl=http://127.0.0.1:9/\nsecret=secret\nevents=done\n");
	finish_job(&world);
	wait_for_log(&world, "try 1");
	start_webhook(&world);
	finish_job(&world);
	wait_for_cursor(&world, "webhook-w", 4);
	g_assert_cmpuint(world.ids->len, ==, 2);
	g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_a_secret_that_others_may_read_is_not_used(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	write_file(&world, "secret", SECRET, 0644);
	start_webhook(&world);

	finish_job(&world);
	wait_for_log(&world, "chmod 600");
	g_assert_cmpuint(world.ids->len, ==, 0);
	g_assert_cmpuint(cursor_of(&world, "webhook-w"), ==, 0);
}

static void
start_hook(World *world, const char *script, const char *more)
{
	g_autofree char *conf = NULL;

	write_file(world, "hook", script, 0700);
	conf = g_strdup_printf("[hook h]\nprogram=hook\nevents=done\n%s", more);
	start(world, conf);
}

static char *
read_file(const World *world, const char *name)
{
	g_autofree char *path = g_build_filename(world->dir, name, NULL);
	char *text = NULL;

	(void)g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static void
wait_for_file(const World *world, const char *name)
{
	g_autofree char *path = g_build_filename(world->dir, name, NULL);

	while (!g_file_test(path, G_FILE_TEST_EXISTS))
		g_main_context_iteration(NULL, FALSE);
}

static void
test_a_hook_gets_the_event_and_no_shell(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	g_autofree char *script =
	    g_strdup_printf("#!/bin/sh\ncat >%s/in\n"
			    "echo \"$1|$RESCUE_SLOT|$RESCUE_ECID|$RESCUE_STATE|$PWD\" >%s/.out\n"
			    "mv %s/.out %s/out\n",
			    world.dir, world.dir, world.dir, world.dir);

	start_hook(&world, script, "arguments=$(touch x) `id`;two\n");
	finish_job(&world);
	wait_for_file(&world, "out");
	g_autofree char *out = read_file(&world, "out");
	g_autofree char *in = read_file(&world, "in");
	g_autoptr(RescueJson) json = rescue_json_parse(in, strlen(in), NULL);
	g_assert_cmpstr(out, ==, "$(touch x) `id`|A1|0x00000000000000A2|passed|/\n");
	g_assert_cmpstr(rescue_json_get_string(json, "job"), ==, "j1");
}

static void
test_a_hook_that_fails_or_hangs_harms_nothing(void)
{
	g_auto(World) world;
	world_init(&world, "t");

	start_hook(&world, "#!/bin/sh\necho out of labels\nexit 3\n", "");
	finish_job(&world);
	wait_for_log(&world, "status 3");
	g_assert_nonnull(strstr(world.log->str, "out of labels"));
	g_assert_cmpuint(cursor_of(&world, "hook-h"), ==, 2);
	start_hook(&world, "#!/bin/sh\ntrap '' TERM\ntail -f /dev/null\n", "deadline=1s\n");
	finish_job(&world);
	wait_for_log(&world, "deadline was over");
	g_assert_cmpuint(cursor_of(&world, "hook-h"), ==, 4);
}

/* the child is killed while the program runs: a label is rather missing than printed twice */
static void
test_a_hook_is_not_run_again_for_the_same_event(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	g_autofree char *script =
	    g_strdup_printf("#!/bin/sh\necho run >>%s/runs\ntail -f /dev/null\n", world.dir);
	g_autofree char *quick = g_strdup_printf("#!/bin/sh\necho run >>%s/runs\n", world.dir);

	start_hook(&world, script, "");
	finish_job(&world);
	wait_for_file(&world, "runs");
	kill_child();
	wait_for_log(&world, "signal 9");
	start_hook(&world, quick, "");
	finish_job(&world);
	wait_for_cursor(&world, "hook-h", 4);
	g_autofree char *runs = read_file(&world, "runs");
	g_assert_cmpuint(strlen(runs), <=, strlen("run\nrun\n"));
}

/* and the next daemon's waits for it */
static void
test_a_hook_outlives_its_daemon(void)
{
	g_auto(World) world;
	world_init(&world, "t");
	g_autofree char *gate = g_build_filename(world.dir, "gate", NULL);
	g_autofree char *script =
	    g_strdup_printf("#!/bin/sh\necho begin >>%s/runs\nread x <%s\necho end >>%s/runs\n",
			    world.dir, gate, world.dir);
	g_autofree char *runs = NULL;

	g_assert_cmpint(mkfifo(gate, 0600), ==, 0);
	start_hook(&world, script, "");
	finish_job(&world);
	wait_for_file(&world, "runs");
	start_hook(&world, "#!/bin/sh\n", "");
	finish_job(&world);
	g_assert_true(
	    g_file_set_contents_full(gate, "go\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	wait_for_cursor(&world, "hook-h", 4);
	runs = read_file(&world, "runs");
	g_assert_cmpstr(runs, ==, "begin\nend\n");
}

static void
test_verified_tls_or_nothing(void)
{
	static const char *const names[] = { "127.0.0.1", NULL };
	LabCertificate certificate;
	g_auto(World) world;

	g_assert_true(lab_certificate_make(&certificate, names, NULL));
	world_init(&world, "t");
	g_clear_pointer(&world.httpd, lab_httpd_free);
	world.httpd =
	    lab_httpd_new(&(LabHttpdSpec){ .handler = on_request,
					   .data = &world,
					   .listen = true,
					   .key_pem = certificate.key_pem,
					   .certificate_pem = certificate.certificate_pem },
			  NULL);
	write_file(&world, "ca", certificate.certificate_pem, 0600);
	g_autofree char *conf =
	    g_strdup_printf("[webhook w]\nurl=https://127.0.0.1:%u/\nsecret=secret\nevents=done\n",
			    lab_httpd_port(world.httpd));
	g_autofree char *trusting = g_strconcat(conf, "ca-file=ca\n", NULL);
	start(&world, conf);
	finish_job(&world);
	wait_for_log(&world, "try 1");
	g_assert_cmpuint(world.ids->len, ==, 0);
	start(&world, trusting);
	wait_for_cursor(&world, "webhook-w", 2);
	g_assert_cmpuint(world.ids->len, ==, 1);
	lab_certificate_clear(&certificate);
}

static void
test_the_signature_is_what_the_page_says(void)
{
	/* printf '1795341840.{"v":1}' | openssl dgst -sha256 -hmac 0123456789abcdef */
	g_autofree char *value = rescue_webhook_sign(SECRET, 1795341840, "{\"v\":1}");

	g_assert_cmpstr(value, ==,
			"t=1795341840,v1="
			"2f472a2620d9923fba78c852986d868ca5d98ff623430b11ad5cf553c9ff2382");
}

static void
test_pauses_grow_and_end(void)
{
	int64_t before_ms = 0;

	for (unsigned tries = 1; tries < 40; tries++) {
		int64_t longest_ms = rescue_webhook_pause_ms(tries, 0, 0);
		int64_t shortest_ms = rescue_webhook_pause_ms(tries, 0, 1);
		g_assert_cmpint(longest_ms, >=, before_ms);
		g_assert_cmpint(longest_ms, <=, RESCUE_WEBHOOK_PAUSE_MAX_MS);
		g_assert_cmpint(shortest_ms, ==, longest_ms - longest_ms / 4);
		before_ms = longest_ms;
	}
	g_assert_cmpint(rescue_webhook_pause_ms(1, 0, 0), ==, 2000);
	g_assert_cmpint(rescue_webhook_pause_ms(1, 60000, 0), ==, 60000);
	g_assert_cmpint(rescue_webhook_pause_ms(1, INT64_C(86400000), 0), ==,
			RESCUE_WEBHOOK_PAUSE_MAX_MS);
	g_assert_cmpint(rescue_webhook_pause_ms(1000, 0, 0), ==, RESCUE_WEBHOOK_PAUSE_MAX_MS);
}

static void
test_what_an_answer_means(void)
{
	static const long later[] = { 0, 301, 302, 401, 403, 404, 408, 425, 429, 500, 503 };

	g_assert_cmpint(rescue_webhook_judge(200), ==, RESCUE_WEBHOOK_TAKEN);
	g_assert_cmpint(rescue_webhook_judge(204), ==, RESCUE_WEBHOOK_TAKEN);
	g_assert_cmpint(rescue_webhook_judge(422), ==, RESCUE_WEBHOOK_REFUSED);
	for (size_t i = 0; i < G_N_ELEMENTS(later); i++)
		g_assert_cmpint(rescue_webhook_judge(later[i]), ==, RESCUE_WEBHOOK_LATER);
}

static void
test_a_variable_is_one_line(void)
{
	static const char text[] = "{\"slot\":\"A\\n1\\u0007\",\"version\":\"16.7\"}";
	g_autoptr(RescueJson) event = rescue_json_parse(text, strlen(text), NULL);
	g_auto(GStrv) environment = rescue_hook_environment(event);

	g_assert_cmpstr(g_environ_getenv(environment, "RESCUE_SLOT"), ==, "A?1?");
	g_assert_cmpstr(g_environ_getenv(environment, "RESCUE_VERSION"), ==, "16.7");
	g_assert_cmpstr(g_environ_getenv(environment, "RESCUE_JOB"), ==, "");
}

static void
test_what_a_child_is_told_is_read_back(void)
{
	static const char *const bad[] = { "{}", "{\"webhook\":\"x\"}", "{\"hook\":\"x\"}", "[]" };
	g_auto(World) world;
	world_init(&world, "t");
	write_file(&world, "line.conf",
		   "[webhook w]\nurl=https://a.example/\nsecret=s\nca-file=c\nevents=done;prompt\n"
		   "deadline=7s\ngive-up=2h\n[hook h]\nprogram=p\narguments=a;b c\n",
		   0600);
	g_autoptr(RescueLineConfig) config = rescue_line_config_load(world.conf, NULL);
	g_autoptr(RescueLineConfig) read = rescue_line_config_new();
	const RescueWebhook *webhook = g_ptr_array_index(config->webhooks, 0);
	const RescueHook *hook = g_ptr_array_index(config->hooks, 0);
	g_autoptr(RescueJson) of_webhook = rescue_webhook_to_json(webhook);
	g_autoptr(RescueJson) of_hook = rescue_hook_to_json(hook);

	g_assert_true(rescue_courier_read(of_webhook, read, NULL));
	g_assert_true(rescue_courier_read(of_hook, read, NULL));
	g_autoptr(RescueJson) again = rescue_webhook_to_json(g_ptr_array_index(read->webhooks, 0));
	g_autoptr(RescueJson) hook_again = rescue_hook_to_json(g_ptr_array_index(read->hooks, 0));
	g_autofree char *first = rescue_json_dump(of_webhook), *second = rescue_json_dump(again);
	g_autofree char *third = rescue_json_dump(of_hook), *fourth = rescue_json_dump(hook_again);
	g_assert_cmpstr(first, ==, second);
	g_assert_cmpstr(third, ==, fourth);
	g_assert_nonnull(strstr(first, "\"give_up_ms\":7200000"));
	g_assert_nonnull(strstr(third, "\"b c\""));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(RescueJson) json = rescue_json_parse(bad[i], strlen(bad[i]), NULL);
		g_assert_false(rescue_courier_read(json, read, NULL));
	}
}

/* --deliver STATE NAME: the child */
static int
deliver(char **argv)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = rescue_path_read("/dev/stdin", 65536, &size, &error);
	g_autoptr(RescueJson) settings = text != NULL ? rescue_json_parse(text, size, &error)
						      : NULL;
	g_autoptr(RescueLineConfig) config = rescue_line_config_new();
	RescueDelivered delivered = { 0 };
	RescueDelivery delivery = { .state_dir = argv[2], .config = config, .courier = argv[3] };
	int64_t up_to = 0;

	if (settings != NULL && rescue_json_get_int(settings, RESCUE_COURIER_UP_TO, &up_to))
		delivery.up_to = (uint64_t)up_to;
	if (settings == NULL || !rescue_courier_read(settings, config, &error) ||
	    !rescue_deliver(&delivery, &delivered, &error)) {
		(void)fprintf(stderr, "%s\n", error->message);
		return 2;
	}
	g_autoptr(RescueJson) json = rescue_delivered_to_json(&delivered);
	g_autofree char *said = rescue_json_dump(json);
	(void)puts(said);
	return 0;
}

static const struct {
	const char *name;
	GTestFunc run;
} tests[] = {
	{ "/webhook/signature", test_the_signature_is_what_the_page_says },
	{ "/webhook/pauses", test_pauses_grow_and_end },
	{ "/webhook/answers", test_what_an_answer_means },
	{ "/hook/variables", test_a_variable_is_one_line },
	{ "/couriers/settings", test_what_a_child_is_told_is_read_back },
	{ "/couriers/order", test_events_come_in_order_and_signed },
	{ "/couriers/error", test_a_server_out_of_order_gets_the_same_event_again },
	{ "/couriers/refused", test_a_refused_event_does_not_hold_up_the_next },
	{ "/couriers/hangs-itself", test_a_child_that_hangs_is_ended },
	{ "/couriers/hang", test_a_server_that_does_not_answer_is_tried_again },
	{ "/couriers/redirect", test_a_redirect_is_not_followed },
	{ "/couriers/kill", test_a_kill_between_sending_and_answer_repeats_the_event },
	{ "/couriers/restart", test_a_new_daemon_repeats_nothing_that_was_told },
	{ "/couriers/down", test_a_server_that_is_down_gets_everything_later },
	{ "/couriers/secret", test_a_secret_that_others_may_read_is_not_used },
	{ "/couriers/tls", test_verified_tls_or_nothing },
	{ "/couriers/hook", test_a_hook_gets_the_event_and_no_shell },
	{ "/couriers/hook-fails", test_a_hook_that_fails_or_hangs_harms_nothing },
	{ "/couriers/hook-once", test_a_hook_is_not_run_again_for_the_same_event },
	{ "/couriers/hook-outlives", test_a_hook_outlives_its_daemon },
};

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--deliver") == 0)
		return deliver(argv);
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].name, tests[i].run);
	return g_test_run();
}
