/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/depot.h"
#include "firmware/fetch/digest.h"
#include "firmware/fetch/fetch.h"
#include "firmware/fetch/flows.h"
#include "firmware/fetch/head.h"
#include "firmware/fetch/sources.h"

#define MIB (UINT64_C(1) << 20)

/* What a download decides: pieces, flows, answers, mirrors; and what it leaves on disk. */

/* ---- pieces ----------------------------------------------------------------------------------- */

static void
test_pieces_cover_the_file(void)
{
	g_autoptr(RescueRanges) ranges = rescue_ranges_new(100);
	RescueSpan span;

	g_assert_true(rescue_ranges_take(ranges, 0, 40, &span));
	g_assert_cmpuint(span.end, ==, 40);
	g_assert_true(rescue_ranges_take(ranges, 1, 40, &span));
	g_assert_cmpuint(span.first, ==, 40);
	g_assert_cmpuint(rescue_ranges_arrived(ranges, 1, 40), ==, 40);
	g_assert_cmpuint(rescue_ranges_prefix(ranges), ==, 0);
	g_assert_cmpuint(rescue_ranges_arrived(ranges, 0, 60), ==, 40); /* more than it asked for */
	rescue_ranges_drop(ranges, 0);
	rescue_ranges_drop(ranges, 1);
	g_assert_cmpuint(rescue_ranges_prefix(ranges), ==, 80);
	g_assert_true(rescue_ranges_take(ranges, 2, G_MAXUINT64, &span));
	g_assert_cmpuint(rescue_ranges_arrived(ranges, 2, 20), ==, 20);
	g_assert_true(rescue_ranges_complete(ranges));
	g_assert_false(rescue_ranges_take(ranges, 3, 10, &span));
}

static void
test_what_a_flow_did_not_bring_is_free_again(void)
{
	g_autoptr(RescueRanges) ranges = rescue_ranges_new(100);
	RescueSpan span;

	g_assert_true(rescue_ranges_take(ranges, 0, 100, &span));
	(void)rescue_ranges_arrived(ranges, 0, 30);
	g_assert_true(rescue_ranges_steal(ranges, 1, 10, &span));
	g_assert_cmpuint(span.first, ==, 65);
	g_assert_cmpuint(span.end, ==, 100);
	g_assert_false(rescue_ranges_steal(ranges, 2, 50, &span));
	rescue_ranges_shorten(ranges, 0, 5);
	rescue_ranges_drop(ranges, 1);
	g_assert_true(rescue_ranges_take(ranges, 3, 100, &span));
	g_assert_cmpuint(span.first, ==, 35);
	g_assert_cmpuint(span.end, ==, 65);
	g_assert_cmpuint(rescue_ranges_done(ranges), ==, 30);
}

static void
test_spans_are_read_back(void)
{
	g_autoptr(RescueRanges) ranges = rescue_ranges_new(100);
	g_autoptr(GArray) spans = NULL;

	g_assert_true(rescue_ranges_add(ranges, (RescueSpan){ 0, 10 }));
	g_assert_true(rescue_ranges_add(ranges, (RescueSpan){ 50, 60 }));
	g_assert_true(rescue_ranges_add(ranges, (RescueSpan){ 10, 20 }));
	g_assert_false(rescue_ranges_add(ranges, (RescueSpan){ 15, 30 })); /* overlaps */
	g_assert_false(rescue_ranges_add(ranges, (RescueSpan){ 90, 101 }));
	g_assert_false(rescue_ranges_add(ranges, (RescueSpan){ 30, 30 }));
	g_assert_false(rescue_ranges_add(ranges, (RescueSpan){ 200, 300 }));
	spans = rescue_ranges_spans(ranges);
	g_assert_cmpuint(spans->len, ==, 2);
	g_assert_cmpuint(g_array_index(spans, RescueSpan, 0).end, ==, 20);
	g_assert_cmpuint(rescue_ranges_done(ranges), ==, 30);
	g_assert_cmpuint(rescue_ranges_prefix(ranges), ==, 20);
}

/* whatever happens in whatever order: no byte twice, none forgotten */
static void
test_any_order_ends_whole(void)
{
	g_autoptr(GRand) dice = g_rand_new_with_seed(7);

	for (unsigned round = 0; round < 200; round++) {
		uint64_t size = (uint64_t)g_rand_int_range(dice, 1, 5000), useful = 0;
		g_autoptr(RescueRanges) ranges = rescue_ranges_new(size);
		RescueSpan span;
		while (!rescue_ranges_complete(ranges)) {
			unsigned flow = (unsigned)g_rand_int_range(dice, 0, 4);
			uint64_t bytes = (uint64_t)g_rand_int_range(dice, 1, 400);
			if (!rescue_ranges_flow(ranges, flow, &span) &&
			    !rescue_ranges_take(ranges, flow, bytes * 2, &span) &&
			    !rescue_ranges_steal(ranges, flow, 2, &span))
				continue;
			useful += rescue_ranges_arrived(ranges, flow, bytes);
			if (g_rand_int_range(dice, 0, 3) == 0)
				rescue_ranges_shorten(ranges, flow, 7);
			if (!rescue_ranges_flow(ranges, flow, &span) || span.first == span.end ||
			    g_rand_int_range(dice, 0, 5) == 0)
				rescue_ranges_drop(ranges, flow);
		}
		g_assert_cmpuint(useful, ==, size);
		for (unsigned flow = 0; flow < 4; flow++)
			rescue_ranges_drop(ranges, flow);
		g_assert_cmpuint(rescue_ranges_prefix(ranges), ==, size);
	}
}

static void
test_unknown_sizes(void)
{
	g_autoptr(RescueRanges) ranges = rescue_ranges_new(RESCUE_SIZE_UNKNOWN);
	RescueSpan span;

	g_assert_true(rescue_ranges_take(ranges, 0, G_MAXUINT64, &span));
	(void)rescue_ranges_arrived(ranges, 0, 50);
	g_assert_false(rescue_ranges_set_size(ranges, 40));
	g_assert_true(rescue_ranges_set_size(ranges, 50));
	g_assert_true(rescue_ranges_complete(ranges));
	g_assert_false(rescue_ranges_set_size(ranges, 51));
}

/* ---- flows ------------------------------------------------------------------------------------ */

static void
test_several_flows_only_where_they_help(void)
{
	static const struct {
		const char *why;
		RescueFlowFacts facts;
		unsigned wanted;
	} cases[] = {
		{ "too early to tell", { 1, 8, 1e6, 0, 0, 1000 * MIB, 100 }, 1 },
		{ "slow", { 1, 8, 20e6, 0, 0, 1000 * MIB, 400 }, 8 },
		{ "fast", { 1, 8, 200e6, 0, 0, 1000 * MIB, 400 }, 1 },
		{ "soon done", { 1, 8, 20e6, 0, 0, 20 * MIB, 400 }, 1 },
		{ "nothing comes at all", { 1, 8, 0, 0, 0, 1000 * MIB, 400 }, 8 },
		{ "as fast as is allowed", { 1, 8, 9e6, 0, 10e6, 1000 * MIB, 400 }, 1 },
		{ "they help", { 8, 8, 80e6, 20e6, 0, 1000 * MIB, 9000 }, 8 },
		{ "they do not", { 8, 8, 21e6, 20e6, 0, 1000 * MIB, 9000 }, 2 },
		{ "the server wants one", { 1, 1, 1e6, 0, 0, 1000 * MIB, 9000 }, 1 },
		{ "the rest", { 8, 8, 20e6, 10e6, 0, MIB, 9000 }, 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].why);
		g_assert_cmpuint(rescue_flows_wanted(&cases[i].facts), ==, cases[i].wanted);
	}
	g_assert_cmpuint(rescue_flows_piece(10000 * MIB, 8, 20e6), ==, 60000000);
	g_assert_cmpuint(rescue_flows_piece(10000 * MIB, 8, 1), ==, RESCUE_FLOWS_MIN_PIECE);
	g_assert_cmpuint(rescue_flows_piece(32 * MIB, 8, 20e6), ==, 2 * MIB);
	g_assert_cmpuint(rescue_flows_piece(1, 8, 20e6), ==, RESCUE_FLOWS_MIN_PIECE);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static RescueHttpVerdict
judge(const char *lines, RescueSpan asked, uint64_t size, const char *etag)
{
	g_auto(RescueHttpHead) head = { 0 };
	g_auto(GStrv) each = g_strsplit(lines, "|", -1);
	const RescueHttpAsked question = { asked, size, etag };

	for (char **line = each; *line != NULL; line++)
		rescue_http_head_line(&head, *line, strlen(*line));
	return rescue_http_judge(&head, &question);
}

#define UNKNOWN RESCUE_SIZE_UNKNOWN

static const struct {
	const char *lines;
	RescueSpan asked;
	uint64_t size;
	const char *etag;
	RescueHttpVerdict verdict;
} answers[] = {
	{ "HTTP/1.1 206 x|Content-Range: bytes 0-9/10|",
	  { 0, UNKNOWN },
	  10,
	  NULL,
	  RESCUE_HTTP_FINE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 5-9/10", { 5, 10 }, 10, NULL, RESCUE_HTTP_FINE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 0-9/10",
	  { 5, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_WRONG_RANGE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 5-19/20",
	  { 5, 10 },
	  20,
	  NULL,
	  RESCUE_HTTP_WRONG_RANGE },
	{ "HTTP/1.1 206 x", { 5, 10 }, 10, NULL, RESCUE_HTTP_WRONG_RANGE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 9-5/10",
	  { 5, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_WRONG_RANGE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 5-99999999999999999999/10",
	  { 5, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_WRONG_RANGE },
	{ "HTTP/1.1 206 x|Content-Range: bytes 5-9/20",
	  { 5, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_WRONG_SIZE },
	{ "HTTP/1.1 206 x|ETag: \"b\"|Content-Range: bytes 5-9/10",
	  { 5, 10 },
	  10,
	  "\"a\"",
	  RESCUE_HTTP_CHANGED },
	{ "HTTP/1.1 200 x|ETag: \"b\"|Content-Length: 12",
	  { 5, 10 },
	  10,
	  "\"a\"",
	  RESCUE_HTTP_CHANGED },
	{ "HTTP/1.1 200 x|ETag: W/\"b\"|Content-Length: 10",
	  { 0, 10 },
	  10,
	  "\"a\"",
	  RESCUE_HTTP_FINE },
	{ "HTTP/1.1 200 x|Content-Length: 10", { 5, 10 }, 10, NULL, RESCUE_HTTP_WHOLE },
	{ "HTTP/1.1 200 x", { 0, UNKNOWN }, UNKNOWN, NULL, RESCUE_HTTP_FINE },
	{ "HTTP/1.1 200 x|Content-Length: 11", { 0, UNKNOWN }, 10, NULL, RESCUE_HTTP_WRONG_SIZE },
	{ "HTTP/1.1 200 x|Content-Type: text/html; charset=x",
	  { 0, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_HTML },
	{ "HTTP/1.1 302 x|HTTP/1.1 200 x|Content-Length: 10",
	  { 0, 10 },
	  10,
	  NULL,
	  RESCUE_HTTP_FINE },
	{ "HTTP/1.1 416 x", { 5, 10 }, 10, NULL, RESCUE_HTTP_CHANGED },
	{ "HTTP/1.1 429 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_BUSY },
	{ "HTTP/1.1 503 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_BUSY },
	{ "HTTP/1.1 511 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_HTML },
	{ "HTTP/1.1 407 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_HTML },
	{ "HTTP/1.1 500 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_BROKEN },
	{ "HTTP/1.1 404 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_REFUSED },
	{ "HTTP/1.1 204 x", { 0, 10 }, 10, NULL, RESCUE_HTTP_ODD },
	{ "HTTP/1.1 abc", { 0, 10 }, 10, NULL, RESCUE_HTTP_ODD },
	{ "", { 0, 10 }, 10, NULL, RESCUE_HTTP_ODD },
};

static void
test_answers_are_judged(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		g_test_message("%s", answers[i].lines);
		g_assert_cmpint(judge(answers[i].lines, answers[i].asked, answers[i].size,
				      answers[i].etag),
				==, answers[i].verdict);
	}
	g_assert_true(rescue_http_looks_like_page("\r\n <!DOCTYPE html>", 18));
	g_assert_false(rescue_http_looks_like_page("PK\003\004", 4));
	g_assert_false(rescue_http_looks_like_page("", 0));
}

static void
test_sources_take_turns(void)
{
	char *urls[] = { (char *)"a", (char *)"b", NULL };
	g_autoptr(RescueSources) sources = rescue_sources_new(urls);

	rescue_sources_failed(sources, 0, 0);
	g_assert_cmpstr(rescue_sources_current(sources), ==, "a");
	g_assert_cmpint(rescue_sources_ready_us(sources), ==, G_USEC_PER_SEC / 2);
	rescue_sources_failed(sources, 0, 7000);
	g_assert_cmpstr(rescue_sources_current(sources), ==, "b");
	g_assert_cmpint(rescue_sources_ready_us(sources), ==, 0);
	g_assert_true(rescue_sources_give_up(sources));
	g_assert_cmpstr(rescue_sources_current(sources), ==, "a");
	g_assert_cmpint(rescue_sources_ready_us(sources), ==, 7 * G_USEC_PER_SEC);
	g_assert_false(rescue_sources_give_up(sources));
	g_assert_null(rescue_sources_current(sources));
}

/* ---- on disk ---------------------------------------------------------------------------------- */

static char *dir;

static char *
in_dir(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static void
test_state_survives_and_doubt_does_not(void)
{
	g_autofree char *path = in_dir("part"), *state = in_dir("part.state"), *text = NULL;
	const RescuePartialIdentity identity = { (char *)"http://a/", (char *)"\"t\"", NULL, 100 };
	g_autoptr(RescueRanges) ranges = rescue_ranges_new(100);
	g_autoptr(RescuePartial) partial = rescue_partial_open(path, NULL);
	uint64_t bytes = 0, size = 0;
	gsize length;

	g_assert_null(rescue_partial_identity(partial));
	g_assert_true(rescue_partial_begin(partial, &identity, NULL, NULL));
	g_assert_true(rescue_ranges_add(ranges, (RescueSpan){ 0, 30 }));
	g_assert_true(rescue_partial_write(partial, "abc", 3, 27, NULL));
	g_assert_true(rescue_partial_save(partial, ranges, NULL));
	g_assert_true(rescue_ranges_add(ranges, (RescueSpan){ 60, 70 }));
	g_assert_true(rescue_partial_save(partial, ranges, NULL));
	g_clear_pointer(&partial, rescue_partial_close);
	g_assert_true(rescue_partial_peek(path, &bytes, &size));
	g_assert_cmpuint(bytes, ==, 40);
	g_assert_cmpuint(size, ==, 100);

	/* whoever was killed in the middle of the last note leaves the one before it */
	g_assert_true(g_file_get_contents(state, &text, &length, NULL));
	memset(text + 8192, 'x', 20);
	g_assert_true(g_file_set_contents(state, text, (gssize)length, NULL));
	g_assert_true(rescue_partial_peek(path, &bytes, &size));
	g_assert_cmpuint(bytes, ==, 30);
	memset(text + 4096, 'x', 20);
	g_assert_true(g_file_set_contents(state, text, (gssize)length, NULL));
	g_assert_true(rescue_partial_peek(path, &bytes, &size));
	g_assert_cmpuint(bytes, ==, 0);
	text[12] ^= 1;
	g_assert_true(g_file_set_contents(state, text, (gssize)length, NULL));
	g_assert_false(rescue_partial_peek(path, &bytes, &size));
	partial = rescue_partial_open(path, NULL);
	g_assert_null(rescue_partial_identity(partial));
	rescue_partial_discard(partial);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_digest_of_known_bytes(void)
{
	g_autofree char *path = in_dir("abc"), *sha256 = NULL, *sha1 = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(g_file_set_contents(path, "abc", 3, NULL));
	g_assert_true(rescue_digest_file(path, &sha256, &sha1, NULL));
	g_assert_cmpstr(sha256, ==,
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	g_assert_cmpstr(sha1, ==, "a9993e364706816aba3e25717850c26c9cd0d89d");
	(void)g_unlink(path);
	g_assert_false(rescue_digest_file(path, &sha256, NULL, &error));
	g_assert_cmpint(error->code, ==, RESCUE_ERROR_HOST_IO);
}

/* a file of the depot with this text; its digest, caller frees */
static char *
store(RescueDepot *depot, const char *product, const char *build, const char *text)
{
	g_autoptr(RescueRelease) release = rescue_release_new(product, "15.0", build);
	g_autofree char *part = rescue_depot_partial_path(depot, release), *path = NULL;
	g_autoptr(RescuePartial) partial = NULL;
	g_autoptr(GError) error = NULL;
	char *sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

	partial = rescue_partial_open(part, &error);
	g_assert_no_error(error);
	g_assert_true(rescue_partial_write(partial, text, strlen(text), 0, NULL));
	g_assert_true(rescue_depot_store(depot, release, sha256, partial, &path, &error));
	g_assert_no_error(error);
	return sha256;
}

static void
test_depot_finds_by_name_and_by_digest(void)
{
	g_autofree char *place = in_dir("depot"), *sha256 = NULL;
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);
	g_autoptr(RescueRelease) wish = rescue_release_new("iPhone10,3", "15.0", "19A346");
	g_autoptr(RescueRelease) twin = rescue_release_new("iPhone10,6", "15.0", "19A346");
	g_autoptr(RescueStored) stored = NULL, other = NULL, none = NULL;

	sha256 = store(depot, "iPhone10,3", "19A346", "one");
	stored = rescue_depot_find(depot, wish);
	g_assert_cmpstr(stored->release->sha256, ==, sha256);
	g_assert_true(stored->proven);
	g_assert_null(rescue_depot_find(depot, twin));
	twin->sha256 = g_strdup(sha256);
	other = rescue_depot_find(depot, twin);
	g_assert_nonnull(other);
	wish->sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "two", -1);
	none = rescue_depot_find(depot, wish);
	g_assert_null(none);
}

static void
test_depot_notices_damage(void)
{
	g_autofree char *place = in_dir("depot"), *sha256 = NULL;
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);
	g_autoptr(RescueRelease) wish = rescue_release_new("iPhone1,1", "15.0", "1A1");
	g_autoptr(RescueStored) stored = NULL;
	g_autoptr(GError) error = NULL;

	sha256 = store(depot, "iPhone1,1", "1A1", "fine");
	stored = rescue_depot_find(depot, wish);
	g_assert_true(rescue_depot_verify(depot, stored, NULL));
	g_assert_true(g_file_set_contents(stored->path, "evil", 4, NULL));
	g_clear_pointer(&stored, rescue_stored_free);
	stored = rescue_depot_find(depot, wish);
	g_assert_false(stored->proven); /* somebody wrote to it */
	g_assert_false(rescue_depot_verify(depot, stored, &error));
	g_assert_cmpint(error->code, ==, RESCUE_FAILURE_DOWNLOAD_MISMATCH);
	g_assert_null(rescue_depot_find(depot, wish));
	g_assert_true(rescue_depot_remove(depot, sha256, NULL));
}

static void
test_held_content_stays(void)
{
	g_autofree char *place = in_dir("depot"), *sha256 = NULL;
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);
	g_autoptr(GError) error = NULL;
	int hold;

	sha256 = store(depot, "iPhone2,1", "1A2", "held");
	hold = rescue_depot_hold(depot, sha256, NULL);
	g_assert_cmpint(hold, >=, 0);
	g_assert_false(rescue_depot_remove(depot, sha256, &error));
	g_assert_cmpint(error->code, ==, RESCUE_ERROR_BUSY);
	(void)close(hold);
	g_assert_true(rescue_depot_remove(depot, sha256, NULL));
	g_assert_cmpint(rescue_depot_hold(depot, sha256, NULL), <, 0);
}

/** Another job: a process that has done something with the depot, and lives until its end of the pipe is closed. */
typedef struct {
	pid_t pid;
	int end;
} Job;

static Job
start_job(int (*acts)(const RescueDepot *depot, const char *sha256), const RescueDepot *depot,
	  const char *sha256)
{
	int there[2], back[2];
	char word = 0;
	Job job;

	g_assert_no_errno(pipe(there));
	g_assert_no_errno(pipe(back));
	job = (Job){ .pid = fork(), .end = there[1] };
	g_assert_cmpint(job.pid, >=, 0);
	if (job.pid == 0) {
		(void)close(there[1]);
		word = acts(depot, sha256) >= 0 ? 'y' : 'n';
		if (write(back[1], &word, 1) == 1)
			(void)!read(there[0], &word, 1);
		_exit(0);
	}
	(void)close(there[0]);
	(void)close(back[1]);
	g_assert_cmpint(read(back[0], &word, 1), ==, 1);
	g_assert_cmpint(word, ==, 'y');
	(void)close(back[0]);
	return job;
}

static void
end_job(const Job *job)
{
	(void)close(job->end);
	g_assert_no_errno(kill(job->pid, SIGKILL));
	g_assert_cmpint(waitpid(job->pid, NULL, 0), ==, job->pid);
}

static int
hold_it(const RescueDepot *depot, const char *sha256)
{
	return rescue_depot_hold(depot, sha256, NULL);
}

static int
join_it(const RescueDepot *depot, const char *sha256)
{
	return rescue_depot_join_downloads(depot);
}

static void
make_long_unused(const char *place, const char *sha256)
{
	static const struct timespec long_ago[] = { { 1000000, 0 }, { 1000000, 0 } };
	g_autofree char *path = g_strdup_printf("%s/lock/use-%s", place, sha256);

	g_assert_no_errno(utimensat(AT_FDCWD, path, long_ago, 0));
}

/* a station full of jobs: what one of them works with is never taken away by another, and free again when it dies */
static void
test_eviction_spares_what_another_job_holds(void)
{
	g_autofree char *place = in_dir("crowded"), *held = NULL, *idle = NULL;
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);
	Job job;

	held = store(depot, "iPhone4,1", "1A4", "held by another");
	idle = store(depot, "iPhone5,1", "1A5", "used by nobody");
	(void)close(rescue_depot_hold(depot, idle, NULL));
	make_long_unused(place, idle);
	job = start_job(hold_it, depot, held);
	make_long_unused(place, held);
	g_assert_cmpuint(rescue_depot_evict(depot, 1, 0), ==, strlen("used by nobody"));
	g_assert_cmpuint(rescue_depot_evict(depot, 1, 0), ==, 0);
	g_assert_false(rescue_depot_remove(depot, held, NULL));
	end_job(&job);
	make_long_unused(place, held);
	g_assert_cmpuint(rescue_depot_evict(depot, 1, 0), ==, strlen("held by another"));
}

/* the cap is divided by this number */
static void
test_processes_that_download_are_counted(void)
{
	g_autofree char *place = in_dir("capped");
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);
	int own = rescue_depot_join_downloads(depot);
	Job first, second;

	g_assert_cmpint(own, >=, 0);
	g_assert_cmpuint(rescue_depot_count_downloads(depot), ==, 1);
	first = start_job(join_it, depot, NULL);
	second = start_job(join_it, depot, NULL);
	g_assert_cmpuint(rescue_depot_count_downloads(depot), ==, 3);
	end_job(&first);
	g_assert_cmpuint(rescue_depot_count_downloads(depot), ==, 2);
	end_job(&second);
	g_assert_cmpuint(rescue_depot_count_downloads(depot), ==, 1);
	(void)close(own);
}

/* "digest letter, size, used, in use, damaged" */
static GPtrArray *
make_stored(void)
{
	static const struct {
		const char *sha256;
		uint64_t size;
		int64_t used;
		bool in_use, damaged;
	} all[] = {
		{ "a", 100, 50, false, false }, { "b", 100, 10, true, false },
		{ "c", 100, 20, false, false }, { "c", 100, 20, false, false },
		{ "d", 100, 90, false, true },
	};
	GPtrArray *stored = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_stored_free);

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		RescueStored *one = g_new0(RescueStored, 1);
		one->release = rescue_release_new("iPhone1,1", "1", "1A1");
		one->release->sha256 = g_strdup(all[i].sha256);
		one->size_bytes = all[i].size;
		one->used_us = all[i].used;
		one->in_use = all[i].in_use;
		one->damaged = all[i].damaged;
		g_ptr_array_add(stored, one);
	}
	return stored;
}

static char *
victims(uint64_t limit, uint64_t need)
{
	g_autoptr(GPtrArray) stored = make_stored();
	g_autoptr(GPtrArray) chosen = rescue_depot_choose_victims(stored, limit, need);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < chosen->len; i++)
		g_string_append(text, ((RescueStored *)chosen->pdata[i])->release->sha256);
	return g_string_free(text, FALSE);
}

static void
test_eviction_takes_the_longest_unused(void)
{
	static const struct {
		uint64_t limit, need;
		const char *gone;
	} cases[] = {
		{ 0, 0, "d" },     { 400, 0, "d" },    { 300, 0, "d" }, { 299, 0, "dc" },
		{ 200, 0, "dc" },  { 100, 0, "dca" },  { 1, 0, "dca" }, { 0, 101, "dc" },
		{ 0, 250, "dca" }, { 0, 9999, "dca" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *gone = victims(cases[i].limit, cases[i].need);
		g_assert_cmpstr(gone, ==, cases[i].gone);
	}
}

/* a child that was taken over by what it read cannot have the engine handed another file */
static void
test_only_content_of_the_depot_is_taken(void)
{
	g_autofree char *place = in_dir("depot"), *sha256 = NULL, *path = NULL, *twisted = NULL;
	g_autofree char *other = g_strnfill(64, 'a'), *link = NULL, *climbing = NULL;
	g_autoptr(RescueDepot) depot = rescue_depot_open(place, NULL);

	sha256 = store(depot, "iPhone3,1", "1A3", "mine");
	path = g_strdup_printf("%s/content/%s.ipsw", place, sha256);
	twisted = g_strdup_printf("%s/content/../content/%s.ipsw", place, sha256);
	link = g_strdup_printf("%s/content/%s.ipsw", place, other);
	climbing = g_strdup_printf("%s/content/../../x.ipsw", place);
	g_assert_true(rescue_depot_is_content(depot, sha256, path));
	g_assert_false(rescue_depot_is_content(depot, sha256, twisted));
	g_assert_false(rescue_depot_is_content(depot, sha256, "/etc/passwd"));
	g_assert_false(rescue_depot_is_content(depot, sha256, NULL));
	g_assert_false(rescue_depot_is_content(depot, NULL, path));
	g_assert_false(rescue_depot_is_content(depot, "../../x", climbing));
	g_assert_false(rescue_depot_is_content(depot, other, link));
	g_assert_no_errno(symlink("/etc/passwd", link));
	g_assert_false(rescue_depot_is_content(depot, other, link));
	g_assert_no_errno(unlink(link));
}

/* ---- the child's language --------------------------------------------------------------------- */

static void
test_lines_are_read_back(void)
{
	static const char *const junk[] = { "", "x", "[]", "{}", "{\"event\":7}" };
	const RescueTransferNews news = { .bytes = 5, .total = 10, .rate = 3 };
	g_autoptr(RescueJson) json = rescue_fetch_news_to_json(&news);
	g_autofree char *line = rescue_json_dump(json), *sha256 = NULL;
	g_autoptr(RescueObservation) seen = rescue_fetch_read_line(line, &sha256);
	g_autoptr(RescueObservation) failed = NULL;

	g_assert_cmpuint(seen->bytes, ==, 5);
	g_assert_null(seen->path);
	failed = rescue_fetch_read_line("{\"event\":\"failed\",\"failure\":\"host-space-short\","
					"\"text\":\"full\"}",
					&sha256);
	g_assert_cmpint(failed->error->code, ==, RESCUE_FAILURE_NO_SPACE);
	for (size_t i = 0; i < G_N_ELEMENTS(junk); i++)
		g_assert_null(rescue_fetch_read_line(junk[i], &sha256));
}

static void
remove_tree(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name;

	while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_tree(child);
	}
	(void)g_remove(path);
}

int
main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("fetch-XXXXXX", NULL);
	g_test_add_func("/fetch/ranges/cover", test_pieces_cover_the_file);
	g_test_add_func("/fetch/ranges/free-again", test_what_a_flow_did_not_bring_is_free_again);
	g_test_add_func("/fetch/ranges/spans", test_spans_are_read_back);
	g_test_add_func("/fetch/ranges/any-order", test_any_order_ends_whole);
	g_test_add_func("/fetch/ranges/unknown-size", test_unknown_sizes);
	g_test_add_func("/fetch/flows", test_several_flows_only_where_they_help);
	g_test_add_func("/fetch/answers", test_answers_are_judged);
	g_test_add_func("/fetch/sources", test_sources_take_turns);
	g_test_add_func("/fetch/state", test_state_survives_and_doubt_does_not);
	g_test_add_func("/fetch/digest", test_digest_of_known_bytes);
	g_test_add_func("/fetch/depot/find", test_depot_finds_by_name_and_by_digest);
	g_test_add_func("/fetch/depot/damage", test_depot_notices_damage);
	g_test_add_func("/fetch/depot/only-content", test_only_content_of_the_depot_is_taken);
	g_test_add_func("/fetch/depot/held", test_held_content_stays);
	g_test_add_func("/fetch/depot/crowded", test_eviction_spares_what_another_job_holds);
	g_test_add_func("/fetch/depot/capped", test_processes_that_download_are_counted);
	g_test_add_func("/fetch/depot/evict", test_eviction_takes_the_longest_unused);
	g_test_add_func("/fetch/lines", test_lines_are_read_back);
	status = g_test_run();
	remove_tree(dir);
	g_free(dir);
	return status;
}
