/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* Runs the program idevicerescue-lab. Real engines in it are the business of tests/scenario. */

static const char phone[] = "phone a\n"
			    "  model iPhone10,3\n"
			    "  ecid 0x000A1B2C3D4E5F60\n"
			    "  mode recovery\n"
			    "  installed 14.1 18A8395\n";

typedef struct {
	char *dir, *scenario;
	char *out, *err;
	int status; /* exit status */
} Lab;

static char *
program(const char *name)
{
	return g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin", name, NULL);
}

static void
lab_set_up(Lab *lab, gconstpointer data)
{
	*lab = (Lab){ .dir = g_dir_make_tmp("lab-test-XXXXXX", NULL) };
	lab->scenario = g_build_filename(lab->dir, "test.scenario", NULL);
}

static void
remove_all(const char *path)
{
	if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
		g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
		const char *name = NULL;
		while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
			g_autofree char *child = g_build_filename(path, name, NULL);
			remove_all(child);
		}
	}
	(void)g_remove(path);
}

static void
lab_tear_down(Lab *lab, gconstpointer data)
{
	remove_all(lab->dir);
	g_free(lab->dir);
	g_free(lab->scenario);
	g_free(lab->out);
	g_free(lab->err);
}

static GSubprocess *
lab_start(Lab *lab, const char *more, const char *shell, const char *option)
{
	g_autofree char *text = g_strconcat(phone, more, NULL);
	g_autofree char *lab_program = program("idevicerescue-lab");
	g_autofree char *state = g_build_filename(lab->dir, "world", NULL);
	g_autoptr(GError) error = NULL;
	g_assert_true(g_file_set_contents(lab->scenario, text, -1, NULL));
	const char *argv[] = { lab_program, "--scenario", lab->scenario, "--dir", state, option,
			       "--",        "sh",         "-c",          shell,   NULL };
	GSubprocess *process =
	    g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
			      &error);
	g_assert_no_error(error);
	return process;
}

static void
lab_finish(Lab *lab, GSubprocess *process)
{
	g_autoptr(GError) error = NULL;
	g_clear_pointer(&lab->out, g_free);
	g_clear_pointer(&lab->err, g_free);
	g_subprocess_communicate_utf8(process, NULL, NULL, &lab->out, &lab->err, &error);
	g_assert_no_error(error);
	lab->status = g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process)
							  : -1;
}

static void
lab_run(Lab *lab, const char *more, const char *shell, const char *option)
{
	g_autoptr(GSubprocess) process = lab_start(lab, more, shell, option);
	lab_finish(lab, process);
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void
test_status_and_output_are_the_command_s(Lab *lab, gconstpointer data)
{
	lab_run(lab, "", "echo out; echo err >&2; exit 7", "--grace=5");
	g_assert_cmpint(lab->status, ==, 7);
	g_assert_cmpstr(lab->out, ==, "out\n");
	g_assert_cmpstr(lab->err, ==, "err\n");
	lab_run(lab, "", "kill -9 $$", "--grace=5");
	g_assert_cmpint(lab->status, ==, 128 + SIGKILL);
}

static void
test_environment_tells_the_world(Lab *lab, gconstpointer data)
{
	lab_run(lab, "firmware my-f\n  model iPhone10,3\n  version 15.0\n  build 19A346\n",
		"test -f $LAB_FIRMWARE_MY_F && test -S ${USBMUXD_SOCKET_ADDRESS#UNIX:} && test -d "
		"$UMOCKDEV_DIR && "
		"test -d $XDG_STATE_HOME && test -d $HOME && test -d $TMPDIR && test "
		"$IDEVICERESCUE_LAB = 1 && "
		"echo $LAB_ECID_A",
		"--grace=5");
	g_assert_cmpint(lab->status, ==, 0);
	g_assert_cmpstr(lab->out, ==, "0x000a1b2c3d4e5f60\n");
}

static void
test_last_line_of_the_record_is_the_state(Lab *lab, gconstpointer data)
{
	lab_run(lab, "", "exit 0", "--grace=5");
	g_autofree char *path = g_build_filename(lab->dir, "world", "record.jsonl", NULL);
	g_autofree char *record = NULL;
	g_assert_true(g_file_get_contents(path, &record, NULL, NULL));
	g_assert_true(
	    g_str_has_suffix(record,
			     "\"event\":\"state\",\"mode\":\"recovery\",\"version\":\"14.1\","
			     "\"build\":\"18A8395\",\"erased\":0}\n"));
}

static void
test_expectations_are_judged(Lab *lab, gconstpointer data)
{
	lab_run(
	    lab,
	    "expect exit 3\nexpect a untouched\nexpect a mode recovery\nexpect stdout has lo w\n",
	    "echo hello world; exit 3", "--check");
	g_assert_cmpint(lab->status, ==, 0);
	lab_run(lab, "expect exit 3\nexpect a erased 1 time\nexpect stderr has hello\n",
		"echo hello", "--check");
	g_assert_cmpint(lab->status, ==, 99);
	g_assert_cmpstr(
	    lab->err, ==,
	    "idevicerescue-lab: test.scenario:6: expect exit 3: but it was 0\n"
	    "idevicerescue-lab: test.scenario:7: expect a erased 1 time: but it was 0\n"
	    "idevicerescue-lab: test.scenario:8: expect stderr has hello: but it does not\n");
	lab_run(lab, "", "exit 3", "--check");
	g_assert_cmpint(lab->status, ==, 99);
}

/* what a job would leave behind, and nobody checks but the lab */
#define JOB                                                                                   \
	": idevicerescue restore ; job=$XDG_STATE_HOME/idevicerescue/jobs/j; mkdir -p $job; " \
	"say() { printf '%s\\tffffffff\\n' \"$1\" >>$job/journal; }; "

static void
check_rule(Lab *lab, const char *more, const char *shell, const char *breach)
{
	g_autofree char *script = g_strconcat(JOB, shell, NULL);
	lab_run(lab, more, script, "--check");
	if (breach != NULL && strstr(lab->err, breach) == NULL)
		g_test_message("it said: %s", lab->err);
	g_assert_true(breach == NULL || strstr(lab->err, breach) != NULL);
	g_assert_cmpint(lab->status, ==, breach == NULL ? 0 : 99);
}

static void
test_rules_hold_whatever_is_expected(Lab *lab, gconstpointer data)
{
	const char *two = "phone b\n  model iPhone10,3\n  ecid 0x1234\n  mode recovery\n"
			  "  installed 14.1 18A8395\n  port 1-3\n";
	check_rule(lab, "", "say '{\"event\":\"step\"}'",
		   "job j ends with ‘step’, without a last word");
	check_rule(lab, "",
		   "say '{\"event\":\"done\",\"outcome\":\"restored\",\"build\":\"19A346\","
		   "\"ecid\":\"0x000A1B2C3D4E5F60\"}'",
		   "says that it restored 19A346; its phone has booted nothing, and is in mode "
		   "recovery");
	check_rule(lab, "", "say '{\"event\":\"done\",\"outcome\":\"gave-up\"}'",
		   "does not say what to do");
	check_rule(lab, "",
		   "say '{\"event\":\"done\",\"outcome\":\"gave-up\",\"advice\":\"rest\"}'", NULL);
	check_rule(lab, two, "irecovery -i 2844626588163936 -c 'setenv a b'",
		   "phone a, which the command does not name, was touched: erased 0, files 0, "
		   "commands 1");
	check_rule(lab, "", "sleep 60 >&- 2>&- &", "left processes that had to be killed");
}

static void
test_phones_are_moved_by_request_and_by_the_clock(Lab *lab, gconstpointer data)
{
	lab_run(lab, "expect a port 1-2.4\nexpect a mode recovery\n",
		"echo a move to 1-2.4 for 1 ms >$LAB_CONTROL", "--check");
	g_assert_cmpstr(lab->err, ==, "");
	g_assert_cmpint(lab->status, ==, 0);
	lab_run(lab, "  at 1 ms do move to 1-3\nexpect a port 1-3\nexpect a mode recovery\n", ":",
		"--check");
	g_assert_cmpint(lab->status, ==, 0);
	lab_run(lab, "", "echo b unplug >$LAB_CONTROL; echo a fly >$LAB_CONTROL", "--check");
	g_assert_nonnull(strstr(lab->err, "$LAB_CONTROL: there is no phone ‘b’"));
	g_assert_nonnull(strstr(lab->err, "$LAB_CONTROL: ‘fly’ is not unplug, move or recovery"));
}

static void
test_buttons_bring_a_phone_into_recovery(Lab *lab, gconstpointer data)
{
	lab_run(lab,
		"phone b\n  model iPhone10,3\n  ecid 0x1234\n  mode normal\n"
		"  installed 14.1 18A8395\n  at 1 ms do recovery for 1 ms\n"
		"expect b mode recovery\n",
		":", "--check");
	g_assert_cmpstr(lab->err, ==, "");
	g_assert_cmpint(lab->status, ==, 0);
}

static void
test_lab_s_own_failure_is_told_apart(Lab *lab, gconstpointer data)
{
	lab_run(lab, "fault b at nor do hang\n", "exit 0", "--grace=5");
	g_assert_cmpint(lab->status, ==, 125);
	g_assert_cmpstr(
	    lab->err, ==,
	    "idevicerescue-lab: test.scenario:6: there is no phone ‘b’ above this line\n");
	lab_run(lab, "", "exit 0", "--bench=xen");
	g_assert_cmpint(lab->status, ==, 125);
	g_assert_cmpstr(lab->err, ==,
			"idevicerescue-lab: --bench is umockdev or qemu, not ‘xen’\n");
}

static void
test_signal_reaches_the_command(Lab *lab, gconstpointer data)
{
	g_autoptr(GSubprocess) process =
	    lab_start(lab, "",
		      "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done",
		      "--grace=5");
	char buffer[6] = "";
	g_autoptr(GError) error = NULL;
	GInputStream *out = g_subprocess_get_stdout_pipe(process);
	g_input_stream_read_all(out, buffer, sizeof buffer, NULL, NULL, &error);
	g_assert_cmpmem(buffer, sizeof buffer, "ready\n", 6);
	g_subprocess_send_signal(process, SIGTERM);
	lab_finish(lab, process);
	g_assert_cmpint(lab->status, ==, 5);
	g_assert_cmpstr(lab->out, ==, "got it\n");
}

/* reads "PID\n" */
static pid_t
read_pid(GSubprocess *process)
{
	GString *text = g_string_new(NULL);
	GInputStream *out = g_subprocess_get_stdout_pipe(process);
	for (char letter = '\0'; letter != '\n';) {
		g_assert_cmpint(g_input_stream_read(out, &letter, 1, NULL, NULL), ==, 1);
		g_string_append_c(text, letter);
	}
	pid_t pid = (pid_t)g_ascii_strtoull(text->str, NULL, 10);
	g_string_free(text, TRUE);
	g_assert_cmpint(pid, >, 1);
	return pid;
}

static void
test_what_the_command_leaves_is_waited_for_then_killed(Lab *lab, gconstpointer data)
{
	static const char leaves[] =
	    "setsid sh -c 'sleep 0.2; echo late >> $LAB_DIR/late' & exit 0";
	lab_run(lab, "", leaves, "--grace=5");
	g_autofree char *late = g_build_filename(lab->dir, "world", "late", NULL);
	g_assert_true(g_file_test(late, G_FILE_TEST_EXISTS));
	g_autoptr(GSubprocess) process =
	    lab_start(lab, "", "setsid sh -c 'echo $$; exec sleep 1000' & exit 0", "--grace=1");
	pid_t pid = read_pid(process);
	lab_finish(lab, process);
	g_assert_cmpint(lab->status, ==, 0);
	g_assert_cmpint(kill(pid, 0), ==, -1);
	g_assert_cmpint(errno, ==, ESRCH);
}

/* the inner process is the only child of the outer one */
static pid_t
inner_of(GSubprocess *process)
{
	const char *outer = g_subprocess_get_identifier(process);
	g_autofree char *path = g_strdup_printf("/proc/%s/task/%s/children", outer, outer);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	return (pid_t)g_ascii_strtoull(text, NULL, 10);
}

static void
test_crash_of_the_lab_leaves_no_orphan(Lab *lab, gconstpointer data)
{
	g_autoptr(GSubprocess) process =
	    lab_start(lab, "", "setsid sh -c 'echo $$; exec sleep 1000' & wait", "--grace=5");
	pid_t pid = read_pid(process);
	pid_t inner = inner_of(process);
	if (inner == 0) {
		g_test_skip("/proc does not list children here");
		g_subprocess_send_signal(process, SIGTERM);
		lab_finish(lab, process);
		return;
	}
	g_assert_cmpint(kill(inner, SIGKILL), ==, 0);
	lab_finish(lab, process);
	g_assert_cmpint(lab->status, ==, 128 + SIGKILL);
	g_assert_cmpint(kill(pid, 0), ==, -1);
	g_assert_cmpint(errno, ==, ESRCH);
}

static void
test_death_of_the_keeper_ends_the_lab(Lab *lab, gconstpointer data)
{
	g_autoptr(GSubprocess) process =
	    lab_start(lab, "", "setsid sh -c 'echo $$; exec sleep 1000' & wait", "--grace=5");
	pid_t pid = read_pid(process);
	g_subprocess_force_exit(process);
	/* the inner process holds the pipes open until it has ended */
	lab_finish(lab, process);
	g_assert_cmpint(kill(pid, 0), ==, -1);
	g_assert_cmpint(errno, ==, ESRCH);
}

static void
test_labs_side_by_side_do_not_meet(Lab *lab, gconstpointer data)
{
	enum { LABS = 4 };
	GSubprocess *labs[LABS];
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *lab_program = program("idevicerescue-lab");
	g_assert_true(g_file_set_contents(lab->scenario, phone, -1, NULL));
	const char *argv[] = { lab_program,
			       "-s",
			       lab->scenario,
			       "--",
			       "sh",
			       "-c",
			       "echo $LAB_DIR $UMOCKDEV_DIR $LAB_SIGNING_URL $LAB_FIRMWARE_URL",
			       NULL };
	for (int i = 0; i < LABS; i++)
		labs[i] = g_subprocess_newv(argv,
					    G_SUBPROCESS_FLAGS_STDOUT_PIPE |
						G_SUBPROCESS_FLAGS_STDERR_PIPE,
					    NULL);
	for (int i = 0; i < LABS; i++) {
		lab_finish(lab, labs[i]);
		g_object_unref(labs[i]);
		g_assert_cmpint(lab->status, ==, 0);
		g_auto(GStrv) words = g_strsplit(g_strchomp(lab->out), " ", -1);
		g_assert_cmpuint(g_strv_length(words), ==, 4);
		g_assert_false(g_file_test(words[0], G_FILE_TEST_EXISTS)); /* removed at the end */
		for (char **word = words; *word != NULL; word++)
			g_assert_true(g_hash_table_add(seen, g_strdup(*word)));
	}
}

#define TEST(path, function) \
	g_test_add("/lab/" path, Lab, NULL, lab_set_up, function, lab_tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("status-and-output-are-the-command-s", test_status_and_output_are_the_command_s);
	TEST("environment-tells-the-world", test_environment_tells_the_world);
	TEST("last-line-of-the-record-is-the-state", test_last_line_of_the_record_is_the_state);
	TEST("expectations-are-judged", test_expectations_are_judged);
	TEST("rules-hold-whatever-is-expected", test_rules_hold_whatever_is_expected);
	TEST("phones-are-moved", test_phones_are_moved_by_request_and_by_the_clock);
	TEST("buttons-bring-a-phone-into-recovery", test_buttons_bring_a_phone_into_recovery);
	TEST("lab-s-own-failure-is-told-apart", test_lab_s_own_failure_is_told_apart);
	TEST("signal-reaches-the-command", test_signal_reaches_the_command);
	TEST("what-the-command-leaves-is-waited-for",
	     test_what_the_command_leaves_is_waited_for_then_killed);
	TEST("crash-of-the-lab-leaves-no-orphan", test_crash_of_the_lab_leaves_no_orphan);
	TEST("death-of-the-keeper-ends-the-lab", test_death_of_the_keeper_ends_the_lab);
	TEST("labs-side-by-side-do-not-meet", test_labs_side_by_side_do_not_meet);
	return g_test_run();
}
