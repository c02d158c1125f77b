/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>
#include <sys/stat.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/json.h"
#include "core/model/event.h"
#include "core/process/lock.h"
#include "core/store/journal.h"
#include "core/store/remove.h"
#include "tests/unit/scratch.h"

/* `history` as a user runs it, over journals that are written here. */

#define ECID_A UINT64_C(0x000A1B2C3D4E5F60)
#define ECID_B UINT64_C(0x000A1B2C3D4E5F61)
#define TEXT_A "0x000A1B2C3D4E5F60"
#define TEXT_B "0x000A1B2C3D4E5F61"
#define DAY_US (INT64_C(86400) * G_USEC_PER_SEC)

#define OLD "20250101T100400-00000001" /* of A, restored */
#define NEW "20261120T100400-00000002" /* of B, gave up */
#define CUT "20261121T100400-00000003" /* of A, its supervisor died */

#define LEARNED_A "0123456789abcdef0123456789abcdef01234567"
#define LEARNED_B "1123456789abcdef0123456789abcdef01234567"

typedef struct {
	char *home, *state;
} Bench;

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

static void
bench_clear(Bench *bench)
{
	remove_tree(bench->home);
	g_free(bench->home);
	g_free(bench->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static char *
path_of(const Bench *bench, const char *name)
{
	return g_build_filename(bench->state, name, NULL);
}

static bool
is_there(const Bench *bench, const char *name)
{
	g_autofree char *path = path_of(bench, name);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
put(const Bench *bench, const char *name, const char *text)
{
	g_autofree char *path = path_of(bench, name);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
write_journal(const Bench *bench, const char *job, RescueEcid ecid, int64_t wall_us,
	      const char *const *bodies)
{
	g_autofree char *dir = rescue_journal_make_job_dir(bench->state, job, NULL);
	g_autofree char *path = g_build_filename(dir, "journal", NULL);
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);

	for (size_t i = 0; bodies[i] != NULL; i++) {
		g_autoptr(RescueJson) body = rescue_json_parse(bodies[i], strlen(bodies[i]), NULL);
		g_assert_nonnull(body);
		g_autoptr(RescueJson)
		    event = rescue_event_stamp(body, i + 1, wall_us + (int64_t)i * G_USEC_PER_SEC,
					       job, ecid);
		g_assert_true(rescue_journal_append(journal, event, NULL));
	}
}

static void
write_jobs(const Bench *bench)
{
	g_autofree char *begin = g_strdup_printf(
	    "{\"event\":\"job\",\"ipsw\":\"%s/My IPSWs/f.ipsw\",\"behavior\":\"erase\"}",
	    bench->home);
	const char *const restored[] = {
		begin,
		"{\"event\":\"device\",\"mode\":\"recovery\",\"product\":\"iPhone10,3\","
		"\"serial\":\"F4GXK0ABJCLP\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}",
		"{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\",\"outcome\":\"failed\"}",
		"{\"event\":\"failure\",\"failure\":\"usb-link-dropped\",\"phase\":\"filesystem\","
		"\"category\":\"usb\",\"text\":\"the phone left\"}",
		"{\"event\":\"remedy\",\"name\":\"pause\",\"automatic\":true,\"text\":\"waited\","
		"\"state\":\"end\",\"outcome\":\"took-effect\"}",
		"{\"event\":\"done\",\"outcome\":\"restored\",\"data\":\"erased\",\"attempts\":2,"
		"\"seconds\":12.5,\"version\":\"15.0\",\"build\":\"19A346\"}",
		NULL
	};
	const char *const gave_up[] = {
		begin,
		"{\"event\":\"done\",\"outcome\":\"gave-up\",\"attempts\":1,"
		"\"seconds\":1.5,\"failure\":\"signing-refused\"}",
		NULL
	};
	const char *const cut[] = { begin,
				    "{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.0\"}",
				    NULL };
	int64_t now_us = g_get_real_time();

	write_journal(bench, OLD, ECID_A, now_us - 400 * DAY_US, restored);
	write_journal(bench, NEW, ECID_B, now_us - 2 * DAY_US, gave_up);
	write_journal(bench, CUT, ECID_A, now_us - DAY_US, cut);
}

static Bench
make_bench(void)
{
	Bench bench = { .home = g_dir_make_tmp("history-XXXXXX", NULL) };

	bench.state = g_build_filename(bench.home, "idevicerescue", NULL);
	write_jobs(&bench);
	put(&bench, "jobs/" OLD "/attempt-1/transcript.log",
	    "Found ECID 2844626588163936\nINFO: device serial number is F4GXK0ABJCLP\n");
	put(&bench, "jobs/" OLD "/attempt-2/transcript.log", "Status: Restore Finished\n");
	put(&bench, "udid-ecid", LEARNED_A " " TEXT_A "\n" LEARNED_B " " TEXT_B "\n");
	put(&bench, "tickets/" TEXT_A "/19A346.json", "{}");
	put(&bench, "tickets/2844626588163937-19A346.shsh", "x");
	return bench;
}

static char **
make_environment(const Bench *bench)
{
	char **env = g_get_environ();

	env = g_environ_setenv(env, "HOME", bench->home, TRUE);
	env = g_environ_setenv(env, "XDG_STATE_HOME", bench->home, TRUE);
	env = g_environ_setenv(env, "XDG_CACHE_HOME", bench->home, TRUE);
	env = g_environ_setenv(env, "IDEVICERESCUE_LOCK_DIR", bench->home, TRUE);
	env = g_environ_setenv(env, "LC_ALL", "C.UTF-8", TRUE);
	return g_environ_setenv(env, "USBMUXD_SOCKET_ADDRESS", "UNIX:/nonexistent/usbmuxd", TRUE);
}

static Answer
ask(const Bench *bench, const char *line)
{
	g_auto(GStrv) words = NULL, env = make_environment(bench);
	g_autofree char *program = g_build_filename(g_getenv("RESCUE_BINARY_DIR"), "bin",
						    "idevicerescue", NULL);
	g_autofree char *quoted = g_shell_quote(program);
	g_autofree char *command = g_strdup_printf("%s %s", quoted, line);
	Answer answer = { 0 };
	int wait_status;

	g_assert_true(g_shell_parse_argv(command, NULL, &words, NULL));
	g_assert_true(g_spawn_sync(bench->home, words, env, G_SPAWN_DEFAULT, NULL, NULL,
				   &answer.out, &answer.err, &wait_status, NULL));
	g_test_message("%s → %d: %s%s", line, wait_status >> 8, answer.out, answer.err);
	g_assert_cmpint(wait_status & 0x7F, ==, 0);
	answer.status = wait_status >> 8;
	return answer;
}

static GPtrArray *
parse_lines(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GPtrArray *values = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_json_free);

	for (size_t i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		RescueJson *json = rescue_json_parse(lines[i], strlen(lines[i]), NULL);
		g_assert_nonnull(json);
		g_ptr_array_add(values, json);
	}
	return values;
}

/** The last characters of the jobs' names, in the order of the lines. */
static void
assert_jobs(const Bench *bench, const char *line, const char *expected)
{
	g_auto(Answer) answer = ask(bench, line);
	g_autoptr(GPtrArray) lines = parse_lines(answer.out);
	g_autoptr(GString) jobs = g_string_new(NULL);

	g_assert_cmpint(answer.status, ==, 0);
	for (guint i = 0; i < lines->len; i++) {
		const char *job = rescue_json_get_string(lines->pdata[i], "job");
		g_string_append_c(jobs, job[strlen(job) - 1]);
	}
	g_assert_cmpstr(jobs->str, ==, expected);
}

static void
test_list_tells_jobs_newest_first(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) answer = ask(&bench, "history list");
	const char *cut = strstr(answer.out, CUT), *gave_up = strstr(answer.out, NEW);
	const char *restored = strstr(answer.out, OLD);

	g_assert_cmpint(answer.status, ==, 0);
	g_assert_true(cut != NULL && cut < gave_up && gave_up < restored);
	g_assert_nonnull(strstr(cut, "unfinished"));
	g_assert_nonnull(strstr(gave_up, "signing-refused"));
	g_assert_cmpstr(answer.err, ==, "");
	assert_jobs(&bench, "--json history list", "321");
	assert_jobs(&bench, "history list --json --ecid " TEXT_A, "31");
	assert_jobs(&bench, "history list --json --ecid 2844626588163937", "2");
	assert_jobs(&bench, "history list --json --limit 2", "32");
	assert_jobs(&bench, "history list --json --failed", "32");
	assert_jobs(&bench, "history list --json --failed --limit 1 --ecid " TEXT_B, "2");
}

static void
test_list_does_without_a_good_index(void)
{
	g_auto(Bench) bench = make_bench();
	g_autofree char *index = path_of(&bench, "index.sqlite");

	assert_jobs(&bench, "history list --json", "321");
	g_assert_true(is_there(&bench, "index.sqlite"));
	put(&bench, "index.sqlite", "nonsense");
	assert_jobs(&bench, "history list --json", "321");
	g_assert_cmpint(g_unlink(index), ==, 0);
	g_assert_cmpint(g_mkdir(index, 0700), ==, 0);
	assert_jobs(&bench, "history list --json", "321");
}

static void
test_job_that_runs_is_called_running(void)
{
	g_auto(Bench) bench = make_bench();
	g_autofree char *path = path_of(&bench, "jobs/" CUT "/journal");
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);
	g_auto(Answer) list = ask(&bench, "history list");
	g_auto(Answer) show = ask(&bench, "history show " CUT);

	g_assert_nonnull(strstr(list.out, "running"));
	g_assert_null(strstr(list.out, "unfinished"));
	g_assert_nonnull(strstr(show.err, "still running"));
	assert_jobs(&bench, "history list --json --failed --limit 1", "2");
}

static void
test_show_tells_attempts_failures_and_remedies_with_times(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) text = ask(&bench, "history show " OLD);
	g_auto(Answer) json = ask(&bench, "history show --json " OLD);
	g_autoptr(GPtrArray) lines = parse_lines(json.out);
	static const char *const patterns[] = {
		"^20[0-9T:.-]+Z  attempt 1 with idevicerestore 1\\.0\\.0: begun$",
		"^20[0-9T:.-]+Z  attempt 1 with idevicerestore 1\\.0\\.0: failed$",
		"^20[0-9T:.-]+Z  1\\. attempt 1: ",
		"^ +the phone left$",
		"^20[0-9T:.-]+Z     then: waited$",
		"^attempts: 2, failures: 1, ",
	};

	g_assert_cmpint(text.status, ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++)
		g_assert_true(g_regex_match_simple(patterns[i], text.out, G_REGEX_MULTILINE, 0));
	g_assert_cmpuint(lines->len, ==, 1);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(lines->pdata[0], "events")), ==, 7);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(lines->pdata[0], "steps")), ==, 3);
}

/* the digest is that of the file, as sha256sum has it */
static void
assert_digest(const Bench *bench, const RescueJson *digest)
{
	const char *name = rescue_json_get_string(digest, "name");
	g_autofree char *below = g_build_filename("jobs", OLD, name, NULL);
	g_autofree char *path = path_of(bench, below);
	g_autofree char *content = NULL;
	gsize size = 0;
	int64_t told = 0;

	g_assert_true(g_file_get_contents(path, &content, &size, NULL));
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256,
							   (const guchar *)content, size);
	g_assert_cmpstr(rescue_json_get_string(digest, "sha256"), ==, sum);
	g_assert_true(rescue_json_get_int(digest, "size", &told));
	g_assert_cmpint(told, ==, (int64_t)size);
}

static void
test_record_is_made_of_any_journal(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) text = ask(&bench, "history show --record " OLD);
	g_auto(Answer) json = ask(&bench, "--json history show " OLD " --record");
	g_auto(Answer) show = ask(&bench, "--json history show " OLD);
	g_auto(Answer) cut = ask(&bench, "history show --record " CUT);
	g_autoptr(GPtrArray) records = parse_lines(json.out), shown = parse_lines(show.out);
	g_autofree char *record = rescue_json_dump(records->pdata[0]);
	g_autofree char *member = rescue_json_dump(rescue_json_get(shown->pdata[0], "record"));
	const RescueJson *digests = rescue_json_get(records->pdata[0], "digests");

	g_assert_cmpint(text.status, ==, 0);
	g_assert_true(g_str_has_prefix(text.out, "Restore record of job " OLD "\n"));
	g_assert_nonnull(strstr(text.out, "serial number F4GXK0ABJCLP"));
	g_assert_nonnull(strstr(text.out, "Find My unknown"));
	g_assert_cmpstr(record, ==, member);
	g_assert_cmpuint(rescue_json_length(digests), ==, 3);
	for (size_t i = 0; i < rescue_json_length(digests); i++)
		assert_digest(&bench, rescue_json_at(digests, i));
	g_assert_nonnull(strstr(cut.out, "result: unfinished"));
	g_assert_nonnull(strstr(cut.out, "not complete"));
}

static void
test_redacted_record_names_nobody(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) text = ask(&bench, "history show --record --redact " OLD);
	g_auto(Answer) json = ask(&bench, "--json history show --record --redact " OLD);
	const char *const secrets[] = { "F4GXK0ABJCLP", "A1B2C3D4E5F60", "My IPSWs", bench.home };

	g_assert_nonnull(strstr(text.out, "[serial-1]"));
	for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
		g_assert_null(strstr(text.out, secrets[i]));
		g_assert_null(strstr(json.out, secrets[i]));
	}
}

static void
test_export_holds_events_and_transcripts(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) answer = ask(&bench, "history export " OLD " " NEW);
	g_autoptr(GPtrArray) lines = parse_lines(answer.out);
	const RescueJson *transcripts;

	g_assert_cmpint(answer.status, ==, 0);
	g_assert_cmpuint(lines->len, ==, 2);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(lines->pdata[0], "events")), ==, 7);
	transcripts = rescue_json_get(lines->pdata[0], "transcripts");
	g_assert_cmpuint(rescue_json_length(transcripts), ==, 2);
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(transcripts, 0), "name"), ==,
			"attempt-1/transcript.log");
	g_assert_cmpstr(rescue_json_get_string(rescue_json_at(transcripts, 1), "text"), ==,
			"Status: Restore Finished\n");
	g_assert_nonnull(strstr(answer.out, "F4GXK0ABJCLP"));
}

static void
test_redacted_export_names_nobody(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) answer = ask(&bench, "history export --redact " OLD " " NEW " " CUT);
	g_autoptr(GPtrArray) lines = parse_lines(answer.out);
	g_autofree char *lower = g_ascii_strdown(answer.out, -1);
	const char *const secrets[] = { "f4gxk0abjclp", "2844626588163936", "a1b2c3d4e5f60",
					"a1b2c3d4e5f61", "my ipsws" };

	g_assert_cmpint(answer.status, ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++)
		g_assert_null(strstr(lower, secrets[i]));
	g_assert_null(strstr(answer.out, bench.home));
	g_assert_cmpstr(rescue_json_get_string(lines->pdata[0], "ecid"), ==,
			rescue_json_get_string(lines->pdata[2], "ecid"));
	g_assert_cmpstr(rescue_json_get_string(lines->pdata[0], "ecid"), !=,
			rescue_json_get_string(lines->pdata[1], "ecid"));
	g_assert_true(rescue_json_get_bool(lines->pdata[0], "redacted", false));
	g_assert_nonnull(strstr(answer.out, "Found ECID [ecid-1]"));
}

static void
test_export_to_a_file_is_for_its_owner(void)
{
	g_auto(Bench) bench = make_bench();
	g_auto(Answer) answer = ask(&bench, "history export " OLD " --output out.json");
	g_auto(Answer) failed = ask(&bench, "history export " OLD " gone --output none.json");
	g_auto(Answer) nowhere = ask(&bench, "history export " OLD " --output /nonexistent/x");
	g_autofree char *path = g_build_filename(bench.home, "out.json", NULL);
	g_autofree char *none = g_build_filename(bench.home, "none.json", NULL);
	struct stat status;

	g_assert_cmpint(answer.status, ==, 0);
	g_assert_cmpstr(answer.out, ==, "");
	g_assert_cmpint(stat(path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 07777, ==, 0600);
	g_assert_cmpint(failed.status, ==, 2);
	g_assert_false(g_file_test(none, G_FILE_TEST_EXISTS));
	g_assert_cmpint(nowhere.status, ==, 3);
}

static void
assert_learned(const Bench *bench, bool a, bool b)
{
	g_autofree char *path = path_of(bench, "udid-ecid");
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup("");
	g_assert_cmpint(strstr(text, LEARNED_A) != NULL, ==, a);
	g_assert_cmpint(strstr(text, LEARNED_B) != NULL, ==, b);
	g_assert_cmpint(is_there(bench, "tickets/" TEXT_A), ==, a);
	g_assert_cmpint(is_there(bench, "tickets/2844626588163937-19A346.shsh"), ==, b);
}

/* nothing in the index, nor in what SQLite keeps beside it */
static void
assert_not_in_files(const Bench *bench, const char *secret)
{
	static const char *const names[] = { "index.sqlite", "index.sqlite-wal" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = path_of(bench, names[i]);
		g_autofree char *bytes = NULL;
		size_t size = 0;
		if (g_file_get_contents(path, &bytes, &size, NULL))
			g_assert_null(memmem(bytes, size, secret, strlen(secret)));
	}
}

static void
test_forgotten_job_leaves_nothing(void)
{
	g_auto(Bench) bench = make_bench();

	assert_jobs(&bench, "history list --json", "321");
	g_auto(Answer) first = ask(&bench, "history forget " OLD);
	g_assert_cmpint(first.status, ==, 0);
	g_assert_false(is_there(&bench, "jobs/" OLD));
	assert_learned(&bench, true, true); /* there is another job of that device */
	g_auto(Answer) second = ask(&bench, "--json history forget " CUT);
	g_assert_cmpstr(second.out, ==, "{\"v\":1,\"job\":\"" CUT "\",\"forgotten\":true}\n");
	assert_learned(&bench, false, true);
	assert_jobs(&bench, "history list --json", "2");
	assert_not_in_files(&bench, TEXT_A);
	assert_not_in_files(&bench, OLD);
}

static void
test_forget_by_device_age_and_all(void)
{
	g_auto(Bench) of_device = make_bench();
	g_auto(Bench) old = make_bench();
	g_auto(Bench) all = make_bench();

	g_auto(Answer) one = ask(&of_device, "history forget --ecid " TEXT_A);
	g_assert_cmpint(one.status, ==, 0);
	assert_jobs(&of_device, "history list --json", "2");
	assert_learned(&of_device, false, true);
	g_auto(Answer) two = ask(&old, "history forget --before 30d");
	g_assert_cmpint(two.status, ==, 0);
	assert_jobs(&old, "history list --json", "32");
	g_auto(Answer) none = ask(&old, "history forget --before 30d --ecid " TEXT_A);
	g_assert_cmpint(none.status, ==, 0);
	g_auto(Answer) three = ask(&all, "history forget --all");
	g_assert_cmpint(three.status, ==, 0);
	assert_jobs(&all, "history list --json", "");
	assert_learned(&all, false, false);
	g_assert_false(is_there(&all, "tickets"));
}

static void
test_running_jobs_stay(void)
{
	g_auto(Bench) bench = make_bench();
	g_autofree char *path = path_of(&bench, "jobs/" CUT "/journal");
	g_autoptr(RescueJournal) journal = rescue_journal_open(path, NULL);

	g_assert_true(g_setenv("IDEVICERESCUE_LOCK_DIR", bench.home, TRUE));
	g_autoptr(RescueLock) lock = rescue_lock_take(ECID_B, NEW, g_get_real_time(), NULL);
	g_assert_nonnull(lock);
	g_auto(Answer) named = ask(&bench, "history forget " CUT);
	g_assert_cmpint(named.status, ==, 75);
	g_auto(Answer) held = ask(&bench, "--json history forget " NEW);
	g_assert_cmpint(held.status, ==, 75);
	g_assert_nonnull(strstr(held.out, "\"forgotten\":false,\"reason\":\"running\""));
	g_auto(Answer) all = ask(&bench, "history forget --all");
	g_assert_cmpint(all.status, ==, 75);
	g_unsetenv("IDEVICERESCUE_LOCK_DIR");
	g_assert_true(is_there(&bench, "jobs/" CUT "/journal"));
	g_assert_true(is_there(&bench, "jobs/" NEW "/journal"));
	g_assert_false(is_there(&bench, "jobs/" OLD));
	assert_learned(&bench, true, true);
}

static void
write_config(const Bench *bench, const char *retention)
{
	g_autofree char *path = g_build_filename(bench->home, "conf", NULL);
	g_autofree char *text = g_strdup_printf("[idevicerescue]\nretention = %s\n", retention);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
test_retention_is_what_the_config_says(void)
{
	g_auto(Bench) bench = make_bench();

	g_auto(Answer) unset = ask(&bench, "history forget --expired");
	g_assert_cmpint(unset.status, ==, 2);
	write_config(&bench, "for-ever");
	g_auto(Answer) for_ever = ask(&bench, "--config conf history forget --expired");
	g_assert_cmpint(for_ever.status, ==, 2);
	write_config(&bench, "0s");
	g_auto(Answer) nothing = ask(&bench, "--config conf history list");
	g_assert_cmpint(nothing.status, ==, 2);
	write_config(&bench, "30d");
	g_auto(Answer) expired = ask(&bench, "--config conf history forget --expired");
	g_assert_cmpint(expired.status, ==, 0);
	assert_jobs(&bench, "history list --json", "32");
}

static void
test_restore_forgets_what_has_expired(void)
{
	g_auto(Bench) bench = make_bench();
	g_autofree char *ipsw = g_build_filename(bench.home, "empty.ipsw", NULL);

	g_assert_true(g_file_set_contents(ipsw, "", 0, NULL));
	g_auto(Answer)
	    kept = ask(&bench, "restore --ecid 0x77 --ipsw empty.ipsw --erase --unattended");
	g_assert_cmpint(kept.status, !=, 0); /* there is no device */
	g_assert_true(is_there(&bench, "jobs/" OLD));
	write_config(&bench, "30d");
	g_auto(Answer) expired =
	    ask(&bench, "--config conf restore --ecid 0x77 --ipsw empty.ipsw --erase --unattended");
	g_assert_cmpint(expired.status, ==, kept.status);
	g_assert_false(is_there(&bench, "jobs/" OLD));
	g_assert_true(is_there(&bench, "jobs/" NEW));
}

static const struct {
	const char *line;
	int status;
	const char *says;
} refusals[] = {
	{ "history show --record gone", 2, "‘gone’" },
	{ "history show --redact " OLD, 2, "--record" },
	{ "history list --record", 2, "--record" },
	{ "history show", 2, "name one JOB" },
	{ "history show a b", 2, "name one JOB" },
	{ "history show ../x", 2, "no job id" },
	{ "history show gone", 2, "‘gone’" },
	{ "history list extra", 2, "takes no JOB" },
	{ "history list --all", 2, "--all does not go with it" },
	{ "history list --limit 0", 2, "--limit" },
	{ "history list --limit many", 2, "many" },
	{ "history list --ecid nonsense", 2, "nonsense" },
	{ "history export", 2, "name each JOB" },
	{ "history export gone", 2, "‘gone’" },
	{ "history export --failed " OLD, 2, "--failed does not go with it" },
	{ "history forget", 2, "say which" },
	{ "history forget gone", 2, "‘gone’" },
	{ "history forget " OLD " gone", 2, "‘gone’" },
	{ "history forget --all --ecid " TEXT_A, 2, "exclude each other" },
	{ "history forget " OLD " --all", 2, "exclude each other" },
	{ "history forget --before soon", 2, "soon" },
	{ "history forget --redact --all", 2, "--redact does not go with it" },
	{ "history burn", 2, "say what to do" },
};

static void
test_bad_input_gets_one_sentence_and_changes_nothing(void)
{
	g_auto(Bench) bench = make_bench();

	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_auto(Answer) answer = ask(&bench, refusals[i].line);
		g_assert_cmpint(answer.status, ==, refusals[i].status);
		g_assert_nonnull(strstr(answer.err, refusals[i].says));
		g_assert_true(strchr(answer.err, '\n') == strrchr(answer.err, '\n'));
		g_assert_cmpstr(answer.out, ==, "");
	}
	assert_jobs(&bench, "history list --json", "321");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/history/list", test_list_tells_jobs_newest_first);
	g_test_add_func("/history/index", test_list_does_without_a_good_index);
	g_test_add_func("/history/running", test_job_that_runs_is_called_running);
	g_test_add_func("/history/show", test_show_tells_attempts_failures_and_remedies_with_times);
	g_test_add_func("/history/record", test_record_is_made_of_any_journal);
	g_test_add_func("/history/record-redacted", test_redacted_record_names_nobody);
	g_test_add_func("/history/export", test_export_holds_events_and_transcripts);
	g_test_add_func("/history/redact", test_redacted_export_names_nobody);
	g_test_add_func("/history/output", test_export_to_a_file_is_for_its_owner);
	g_test_add_func("/history/forget", test_forgotten_job_leaves_nothing);
	g_test_add_func("/history/forget-many", test_forget_by_device_age_and_all);
	g_test_add_func("/history/forget-running", test_running_jobs_stay);
	g_test_add_func("/history/retention", test_retention_is_what_the_config_says);
	g_test_add_func("/history/retention-at-restore", test_restore_forgets_what_has_expired);
	g_test_add_func("/history/refusals", test_bad_input_gets_one_sentence_and_changes_nothing);
	return g_test_run();
}
