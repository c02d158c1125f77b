/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cli/commands/restore-options.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/failure/failure.h"
#include "core/model/event.h"
#include "tests/unit/scratch.h"

/* The program as a user runs it, without any device: options, exit statuses, one clear sentence. */

typedef struct {
	char *out, *err;
	int status;
} Answer;

static void
answer_clear(Answer *answer)
{
	g_free(answer->out);
	g_free(answer->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

/* nothing of the host is seen: own state folders, no usbmuxd */
static char **
make_environment(const char *dir)
{
	char **env = g_get_environ();

	env = g_environ_setenv(env, "XDG_STATE_HOME", dir, TRUE);
	env = g_environ_setenv(env, "XDG_CACHE_HOME", dir, TRUE);
	env = g_environ_setenv(env, "IDEVICERESCUE_LOCK_DIR", dir, TRUE);
	env = g_environ_setenv(env, "LC_ALL", "C.UTF-8", TRUE);
	return g_environ_setenv(env, "USBMUXD_SOCKET_ADDRESS", "UNIX:/nonexistent/usbmuxd", TRUE);
}

static Answer
ask(const char *dir, const char *line)
{
	g_auto(GStrv) words = NULL, env = make_environment(dir);
	g_autofree char *program = g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin",
						    "idevicerescue", NULL);
	g_autofree char *quoted = g_shell_quote(program);
	g_autofree char *command = g_strdup_printf("%s %s", quoted, line);
	g_autoptr(GError) error = NULL;
	Answer answer = { 0 };
	int wait_status;

	g_assert_true(g_shell_parse_argv(command, NULL, &words, &error));
	g_assert_true(g_spawn_sync(dir, words, env, G_SPAWN_DEFAULT, NULL, NULL, &answer.out,
				   &answer.err, &wait_status, &error));
	g_assert_no_error(error);
	g_test_message("%s → %d: %s", line, wait_status >> 8, answer.err);
	g_assert_true(g_spawn_check_wait_status(wait_status, &error) ||
		      error->domain == G_SPAWN_EXIT_ERROR);
	answer.status = error != NULL ? error->code : 0;
	return answer;
}

typedef struct {
	char *dir;
} Home;

static void
home_clear(Home *home)
{
	remove_tree(home->dir);
	g_free(home->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Home, home_clear)

static Home
make_home(void)
{
	Home home = { .dir = g_dir_make_tmp("cli-XXXXXX", NULL) };
	g_autofree char *ipsw = g_build_filename(home.dir, "empty.ipsw", NULL);

	g_assert_nonnull(home.dir);
	g_assert_true(g_file_set_contents(ipsw, "", 0, NULL));
	return home;
}

typedef struct {
	const char *line;
	int status;
	const char *says;   /* on stderr; NULL: on stdout is enough */
	const char *prints; /* on stdout; NULL: nothing there */
} Case;

static const Case cases[] = {
	{ "", 2, "no command", NULL },
	{ "--version", 0, NULL, "idevicerescue " },
	{ "--json --version", 0, NULL, "\"version\":" },
	{ "--help", 0, NULL, "restore" },
	{ "restore --help", 0, NULL, "--erase" },
	{ "--help restore", 0, NULL, "--erase" },
	{ "sing", 2, "unknown command ‘sing’; there are: devices", NULL },
	{ "--colour restore", 2, "‘--colour’", NULL },
	{ "restore --colour", 2, "--colour", NULL },
	{ "restore", 2, "--erase", NULL },
	{ "restore --ipsw empty.ipsw", 2, "--erase", NULL },
	{ "restore --ipsw empty.ipsw --unattended", 2, "--erase", NULL },
	{ "restore --ipsw empty.ipsw --erase --update", 2, "exclude each other", NULL },
	{ "restore --erase", 2, "--ipsw FILE", NULL },
	{ "restore --erase --latest --version 15.4", 2, "one of --latest", NULL },
	{ "restore --erase --version newest", 2, "no version", NULL },
	{ "restore --erase --build 15.4", 2, "no build", NULL },
	{ "restore --erase --beta", 2, "--beta goes with --latest", NULL },
	{ "restore --erase --latest --catalog-url x", 2, "‘x’ is not an http", NULL },
	{ "firmware", 2, "list, fetch, prepare, verify, show or prune", NULL },
	{ "firmware fetch", 2, "name one PRODUCT", NULL },
	{ "firmware fetch iPhone10,3", 2, "one of --latest", NULL },
	{ "firmware fetch ../x --latest", 2, "PRODUCT is a word", NULL },
	{ "firmware fetch --url file:///etc/passwd", 2, "not an http", NULL },
	{ "firmware fetch --url http://127.0.0.1/ --sha256 12", 2, "64 hexadecimal", NULL },
	{ "firmware fetch --worker --release {}", 2, NULL, "\"failure\":\"bad-input\"" },
	{ "firmware prepare", 2, "name one FILE", NULL },
	{ "firmware prepare gone.ipsw", 3, "gone.ipsw", NULL },
	{ "firmware prepare empty.ipsw", 3, "it is empty", NULL },
	{ "firmware prepare --worker", 2, "name one FILE", NULL },
	{ "firmware list iPhone10,3 more", 2, "‘more’", NULL },
	{ "firmware list", 0, "no firmware is kept", NULL },
	{ "firmware list --json", 0, NULL, "\"firmware\":[]" },
	{ "firmware verify iPhone10,3_19A346", 2, "no firmware ‘iPhone10,3_19A346’", NULL },
	{ "firmware verify", 0, NULL, NULL },
	{ "firmware prune --older soon", 2, "soon", NULL },
	{ "firmware prune --cache-limit 5x", 2, "cache-limit", NULL },
	{ "firmware prune --json", 0, NULL, "\"freed\":0" },
	{ "firmware list --limit-rate 0", 2, "limit-rate", NULL },
	{ "restore --erase --build 19E241 --ipsw empty.ipsw", 2, "do not go with it", NULL },
	{ "restore --erase --ipsw gone.ipsw", 3, "gone.ipsw’ does not exist", NULL },
	{ "restore --erase --ipsw .", 3, "is a folder", NULL },
	{ "restore --erase --ipsw empty.ipsw --ecid 12AB", 2, "12AB", NULL },
	{ "restore --erase --ipsw empty.ipsw --attempts 0", 2, "--attempts", NULL },
	{ "restore --erase --ipsw empty.ipsw --attempts many", 2, "many", NULL },
	{ "restore --erase --ipsw empty.ipsw --deadline soon", 2, "soon", NULL },
	{ "restore --erase --ipsw empty.ipsw --deadline 0s", 2, "no time", NULL },
	{ "restore --erase --ipsw empty.ipsw --policy gone.policy", 2, "gone.policy", NULL },
	{ "restore --erase --ipsw empty.ipsw --signing-server gopher://x", 2, "gopher://x", NULL },
	{ "restore --erase --ipsw empty.ipsw --events /nonexistent/e", 3, "/nonexistent/e", NULL },
	{ "restore --erase --ipsw empty.ipsw --record /nonexistent/r", 3, "‘/nonexistent’", NULL },
	{ "restore --erase --ipsw empty.ipsw --record .", 2, "‘.’ is there already", NULL },
	{ "restore --erase --ipsw empty.ipsw --record /dev/null", 2, "is no file", NULL },
	{ "restore --erase --ipsw empty.ipsw more", 2, "‘more’", NULL },
	{ "restore --erase --ipsw gone.ipsw --json", 3, "gone.ipsw",
	  "\"failure\":\"firmware-missing\"" },
	{ "restore --erase --ipsw gone.ipsw --json --events -", 3, "gone.ipsw", NULL },
	{ "explain", 2, "one number or name", NULL },
	{ "explain 99999999", 2, "no failure ‘99999999’", NULL },
	{ "explain no-such-failure", 2, "no-such-failure", NULL },
	{ "explain signing-refused", 0, NULL, "tss 94" },
	{ "explain 3194", 0, NULL, "signing-refused" },
	{ "explain itunes:3194", 0, NULL, "signing-refused" },
	{ "explain -17", 0, NULL, "device-locked" }, /* of lockdown, and no option */
	{ "explain -17 --json", 0, NULL, "\"device-locked\"" },
	{ "restore --attempts -3", 2, "-3", NULL },
	{ "explain tss:3194", 2, "tss:3194", NULL },
	{ "--json explain tss:94", 0, NULL, "\"documented\":[\"network\",\"software-version\"]" },
	{ "history", 2, "list, show JOB, export JOB, or forget", NULL },
	{ "history list", 0, "no job has run here yet", NULL },
	{ "history list --json", 0, NULL, NULL },
	{ "history show ../../etc", 2, "../../etc", NULL },
	{ "history show 20261122T125442-e2a06222", 2, "no journal of a job", NULL },
	{ "firmware show", 2, "one FILE", NULL },
	{ "firmware show http://127.0.0.1:9/x.ipsw", 10, "no answer from", NULL },
	{ "firmware show gone.ipsw", 3, "gone.ipsw", NULL },
	{ "firmware show empty.ipsw", 3, "it is empty", NULL },
	{ "firmware show -- empty.ipsw", 3, "it is empty", NULL },
	{ "--json firmware show empty.ipsw", 3, "it is empty", "\"failure\":\"firmware-damaged\"" },
	{ "line", 2, "backup or token", NULL },
	{ "line token --role admin", 2, "not ‘admin’", NULL },
	{ "line token anna bea", 2, "[NAME]", NULL },
	{ "line token 'anna b'", 2, "‘anna b’ is no name", NULL },
	{ "line token --csv anna", 2, "--csv does not go with it", NULL },
	{ "line status --role viewer", 2, "--role does not go with it", NULL },
	{ "line token", 0, "only this once", "\nviewer viewer sha256:" },
	{ "line token --quiet --role operator anna", 0, NULL, "\noperator anna sha256:" },
	{ "line token --json anna", 0, NULL, "\"line\":\"viewer anna sha256:" },
	{ "devices extra", 2, "‘extra’", NULL },
	{ "--config gone.conf devices", 3, "gone.conf", NULL },
	{ "--config empty.ipsw history list --quiet", 0, NULL, NULL },
};

static void
test_command_line_gets_its_answer(const void *data)
{
	const Case *what = data;
	g_auto(Home) home = make_home();
	g_auto(Answer) answer = ask(home.dir, what->line);

	g_assert_cmpint(answer.status, ==, what->status);
	if (what->says != NULL)
		g_assert_nonnull(strstr(answer.err, what->says));
	else
		g_assert_cmpstr(answer.err, ==, "");
	if (what->prints != NULL)
		g_assert_nonnull(strstr(answer.out, what->prints));
	else
		g_assert_cmpstr(answer.out, ==, "");
	/* one sentence, and with --json one document */
	if (what->status != 0)
		g_assert_true(strchr(answer.err, '\n') == strrchr(answer.err, '\n'));
	if (strstr(what->line, "--json") != NULL && what->prints != NULL) {
		g_autoptr(RescueJson)
		    json = rescue_json_parse(answer.out, strlen(answer.out), NULL);
		g_assert_nonnull(json);
	}
}

static RescueJob *
to_job(const char *dir, const char *policy, bool erase, bool update, GError **error)
{
	g_auto(RescueRestoreOptions) options = { .erase = erase, .update = update };

	options.ipsw = g_build_filename(dir, "empty.ipsw", NULL);
	options.policy = g_strdup(policy);
	options.attempts = g_strdup("3");
	options.deadline = g_strdup("15m");
	options.ecid = g_strdup("0x1234");
	return rescue_restore_options_to_job(&options, error);
}

static void
test_words_become_a_job(void)
{
	g_auto(Home) home = make_home();
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueJob) job = to_job(home.dir, "standard", false, true, &error);

	g_assert_no_error(error);
	g_assert_cmpint(job->behavior, ==, RESCUE_BEHAVIOR_UPDATE);
	g_assert_cmpuint(job->policy->attempts, ==, 3);
	g_assert_cmpint(job->policy->deadline_ms, ==, 15 * 60 * 1000);
	g_assert_cmpuint(job->ecid, ==, 0x1234);
	g_assert_true(g_path_is_absolute(job->ipsw));
}

static void
test_logs_are_judged_one_by_one(void)
{
	g_autofree char *dir = g_dir_make_tmp("rescue-XXXXXX", NULL);
	g_autofree char *log = g_build_filename(dir, "a.log", NULL);
	g_autofree char *empty = g_build_filename(dir, "b.log", NULL);
	static const char text[] = "ERROR: TSS request failed (status=94, message=no)\n";
	g_assert_true(g_file_set_contents(log, text, -1, NULL));
	g_assert_true(g_file_set_contents(empty, "", -1, NULL));
	g_auto(Answer) answer = ask(dir, "--json diagnose a.log missing.log . b.log");
	g_auto(GStrv) lines = g_strsplit(g_strchomp(answer.out), "\n", -1);
	g_assert_cmpint(answer.status, ==, 2);
	g_assert_cmpuint(g_strv_length(lines), ==, 4);
	g_autoptr(RescueJson) first = rescue_json_parse(lines[0], strlen(lines[0]), NULL);
	g_autoptr(RescueJson) last = rescue_json_parse(lines[3], strlen(lines[3]), NULL);
	g_assert_cmpstr(rescue_json_get_string(first, "input"), ==, "a.log");
	g_assert_cmpstr(rescue_json_get_string(first, "failure"), ==, "signing-refused");
	g_assert_cmpuint(rescue_json_length(rescue_json_get(first, "documented")), ==, 2);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(first, "codes")), ==, 2);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(first, "evidence")), ==, 1);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(first, "remedies")), >, 0);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(first, "alternatives")), >, 0);
	g_assert_cmpstr(rescue_json_get_string(last, "failure"), ==, "unexplained");
	g_assert_nonnull(strstr(answer.err, "missing.log"));
	g_assert_nonnull(strstr(answer.err, "directory"));
	g_auto(Answer) human = ask(dir, "diagnose a.log");
	g_assert_cmpint(human.status, ==, 0);
	g_assert_nonnull(strstr(human.out, "a.log: signing-refused (confidence: high)"));
	g_assert_nonnull(strstr(human.out, "line 1: "));
	g_assert_cmpint(g_unlink(log) | g_unlink(empty), ==, 0);
	(void)g_rmdir(dir);
}

int
main(int argc, char **argv)
{
	size_t i;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli/job", test_words_become_a_job);
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strdup_printf("/cli/%02zu", i);
		g_test_add_data_func(name, &cases[i], test_command_line_gets_its_answer);
	}
	g_test_add_func("/cli/diagnose", test_logs_are_judged_one_by_one);
	return g_test_run();
}
