/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <plist/plist.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/lockfile.h"
#include "firmware/signing/answer.h"
#include "firmware/signing/budget.h"
#include "firmware/signing/post.h"
#include "firmware/signing/relay.h"
#include "firmware/signing/reply.h"
#include "firmware/signing/request.h"
#include "firmware/signing/ticket.h"
#include "firmware/signing/wanted.h"

#define ECID   UINT64_C(0x000A1B2C3D4E5F60)
#define SECOND INT64_C(1000000)

/* ---- the request ------------------------------------------------------------------------------------ */

static const char manifest[] =
    "<plist version='1.0'><dict><key>ProductVersion</key><string>15.4</string>"
    "<key>ProductBuildVersion</key><string>19E241</string><key>BuildIdentities</key><array><dict>"
    "<key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>0x06</string>"
    "<key>ApSecurityDomain</key><string>0x01</string><key>UniqueBuildID</key><data>AQID</data>"
    "<key>Ap,ProductType</key><string>iPhone10,3</string>"
    "<key>Info</key><dict><key>Variant</key><string>Customer Erase Install (IPSW)</string>"
    "<key>RestoreBehavior</key><string>Erase</string><key>DeviceClass</key><string>d22ap</string>"
    "<key>RequestManifestProperties</key><array><string>Ap,Timestamp</string></array>"
    "<key>Ap,Timestamp</key><integer>0</integer></dict>"
    "<key>Manifest</key><dict>"
    "<key>LLB</key><dict><key>Digest</key><data>"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</data>"
    "<key>Trusted</key><true/><key>Info</key><dict><key>Path</key><string>llb</string>"
    "<key>RestoreRequestRules</key><array>"
    "<dict><key>Conditions</key><dict><key>ApRawProductionMode</key><true/>"
    "<key>ApRequiresImage4</key><true/></dict><key>Actions</key><dict><key>EPRO</key><true/></"
    "dict></dict>"
    "<dict><key>Conditions</key><dict><key>ApRawSecurityMode</key><true/>"
    "<key>ApRequiresImage4</key><true/></dict><key>Actions</key><dict><key>ESEC</key><true/></"
    "dict></dict>"
    "<dict><key>Conditions</key><dict><key>ApDemotionPolicyOverride</key><string>Demote</string></"
    "dict>"
    "<key>Actions</key><dict><key>EPRO</key><false/></dict></dict>"
    "<dict><key>Conditions</key><dict><key>ApInRomDFU</key><true/></dict>"
    "<key>Actions</key><dict><key>EPRO</key><false/></dict></dict>"
    "<dict><key>Conditions</key><dict><key>NobodyKnowsThis</key><true/></dict>"
    "<key>Actions</key><dict><key>ESEC</key><false/></dict></dict>"
    "</array></dict></dict>"
    "<key>ftap</key><dict><key>Trusted</key><true/><key>Info</key><dict/></dict>"
    "<key>Savage,B0-Prod-Patch</key><dict><key>Digest</key><data>AAAA</data></dict>"
    "<key>BasebandFirmware</key><dict><key>Info</key><dict/></dict>"
    "</dict></dict></array></dict></plist>";

static RescueSigningQuestion
question(uint32_t chip_id, uint32_t board_id)
{
	return (RescueSigningQuestion){ .ecid = ECID,
					.chip_id = chip_id,
					.board_id = board_id,
					.behavior = RESCUE_BEHAVIOR_ERASE };
}

static plist_t
parse(const RescueTssRequest *request)
{
	plist_t root = NULL;

	plist_from_xml(request->xml, (uint32_t)request->size, &root);
	g_assert_nonnull(root);
	return root;
}

static bool
is_true(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	uint8_t value = 0;

	g_assert_nonnull(node);
	plist_get_bool_val(node, &value);
	return value != 0;
}

static uint64_t
data_size(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	uint64_t size = 0;

	g_assert_nonnull(node);
	(void)plist_get_data_ptr(node, &size);
	return size;
}

static void
test_request_follows_the_rules_of_its_identity(void)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	RescueSigningQuestion asked = question(0x8015, 0x06);
	g_autoptr(GError) error = NULL;
	uint64_t value = 0;

	g_assert_true(
	    rescue_tss_request_make(manifest, strlen(manifest), &asked, &request, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(request.build, ==, "19E241");
	g_assert_cmpstr(request.board, ==, "d22ap");
	plist_t root = parse(&request);
	plist_t llb = plist_dict_get_item(root, "LLB");
	g_assert_true(is_true(root, "@ApImg4Ticket"));
	g_assert_true(is_true(root, "ApProductionMode"));
	g_assert_true(is_true(root, "ApSecurityMode"));
	g_assert_true(is_true(llb, "EPRO"));
	g_assert_true(is_true(llb, "ESEC"));
	g_assert_null(plist_dict_get_item(llb, "Info"));
	g_assert_cmpuint(data_size(plist_dict_get_item(root, "ftap"), "Digest"), ==, 0);
	g_assert_null(plist_dict_get_item(root, "Savage,B0-Prod-Patch"));
	g_assert_null(plist_dict_get_item(root, "BasebandFirmware"));
	g_assert_cmpuint(data_size(root, "ApNonce"), ==, 32);
	g_assert_cmpuint(data_size(root, "SepNonce"), ==, 20);
	g_assert_cmpuint(data_size(root, "UniqueBuildID"), ==, 3);
	g_assert_nonnull(plist_dict_get_item(root, "Ap,ProductType"));
	g_assert_nonnull(plist_dict_get_item(root, "Ap,Timestamp"));
	plist_get_uint_val(plist_dict_get_item(root, "ApECID"), &value);
	g_assert_cmpuint(value, ==, ECID);
	plist_get_uint_val(plist_dict_get_item(root, "ApBoardID"), &value);
	g_assert_cmpuint(value, ==, 6);
	plist_free(root);
}

static void
test_nonces_are_never_the_same(void)
{
	g_auto(RescueTssRequest) first = { .xml = NULL };
	g_auto(RescueTssRequest) second = { .xml = NULL };
	RescueSigningQuestion asked = question(0x8015, 0x06);

	g_assert_true(rescue_tss_request_make(manifest, strlen(manifest), &asked, &first, NULL));
	g_assert_true(rescue_tss_request_make(manifest, strlen(manifest), &asked, &second, NULL));
	g_assert_cmpuint(strlen(first.nonce), ==, 64);
	g_assert_cmpstr(first.nonce, !=, second.nonce);
}

static void
expect_refused(const char *text, size_t size, uint32_t chip_id, RescueFailure failure)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	RescueSigningQuestion asked = question(chip_id, 0x06);
	g_autoptr(GError) error = NULL;

	g_assert_false(rescue_tss_request_make(text, size, &asked, &request, &error));
	g_assert_error(error, RESCUE_ERROR, (int)failure);
	g_assert_null(request.xml);
}

static void
test_hostile_manifests_are_refused(void)
{
	static const char *const texts[] = {
		"",
		"no plist at all",
		"<plist><array/></plist>",
		"<plist><dict/></plist>",
		"<plist><dict><key>BuildIdentities</key><string>x</string></dict></plist>",
		"<plist><dict><key>BuildIdentities</key><array/></dict></plist>",
		"bplist00",
		"bplist00\xff\xff\xff\xff",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		expect_refused(texts[i], strlen(texts[i]), 0x8015, RESCUE_FAILURE_FIRMWARE_DAMAGED);
	expect_refused(manifest, strlen(manifest), 0x8020, RESCUE_FAILURE_FIRMWARE_NO_IDENTITY);
	/* any prefix either fails with a word for it or is not a whole list */
	for (size_t size = 0; size < strlen(manifest); size += 97) {
		g_auto(RescueTssRequest) request = { .xml = NULL };
		RescueSigningQuestion asked = question(0x8015, 0x06);
		g_autofree char *cut = g_strndup(manifest, size);
		(void)rescue_tss_request_make(cut, size, &asked, &request, NULL);
	}
}

/* chip, board, how many components at least, how long the nonce is */
static const struct {
	const char *file;
	uint32_t chip_id, board_id;
	unsigned nonce;
} real[] = {
	{ "iPhone7,2_8.4.1_12H321_BuildManifest.plist", 0x7000, 0x06, 20 },
	{ "iPhone9,1_13.5.1_17F80_BuildManifest.plist", 0x8010, 0x0c, 32 },
	{ "iPhone10,1_15.4_19E241_BuildManifest.plist", 0x8010, 0x0c, 32 },
	{ "iPhone10,3_11.2_15C114_BuildManifest.plist", 0x8015, 0x0e, 32 },
	{ "iPhone13,2_26.2.1_23C71_BuildManifest.plist", 0x8101, 0x0c, 32 },
};

static void
check_real(size_t index, const char *text, size_t size)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	RescueSigningQuestion asked = question(real[index].chip_id, real[index].board_id);
	g_autoptr(GError) error = NULL;

	rescue_tss_request_make(text, size, &asked, &request, &error);
	g_assert_no_error(error);
	plist_t root = parse(&request);
	g_assert_cmpuint(data_size(root, "ApNonce"), ==, real[index].nonce);
	plist_t ibss = plist_dict_get_item(root, "iBSS");
	g_assert_true(is_true(ibss, "EPRO"));
	g_assert_true(is_true(ibss, "ESEC"));
	g_assert_nonnull(plist_dict_get_item(root, "KernelCache"));
	g_assert_null(plist_dict_get_item(root, "SE,UpdatePayload"));
	g_assert_null(plist_dict_get_item(root, "Cryptex1,SystemOS"));
	plist_free(root);
}

static void
test_real_manifests_make_requests(void)
{
	const char *shared = g_getenv("RESCUE_SHARED_DIR");

	for (size_t i = 0; i < G_N_ELEMENTS(real); i++) {
		g_autofree char *path = g_build_filename(shared != NULL ? shared : "", "manifests",
							 real[i].file, NULL);
		g_autofree char *text = NULL;
		size_t size = 0;
		if (!g_file_get_contents(path, &text, &size, NULL)) {
			g_test_skip("the folder with real manifests is not here");
			return;
		}
		check_real(i, text, size);
	}
}

/* ---- the reply -------------------------------------------------------------------------------------- */

#define SIGNED                                                                   \
	"STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<?xml version=\"1.0\"?><plist " \
	"version=\"1.0\"><dict>"                                                 \
	"<key>@ServerVersion</key><string>2.1.0 &amp; more</string>"             \
	"<key>ApImg4Ticket</key><data>AQIDBA==</data></dict></plist>"

static const struct {
	const char *text;
	RescueFailure error; /* of the parser; NONE: it is an answer */
	int status;
	RescueFailure failure; /* what it means */
} replies[] = {
	{ SIGNED, RESCUE_FAILURE_NONE, 0, RESCUE_FAILURE_NONE },
	{ "STATUS=94&MESSAGE=This device isn't eligible for the requested build.",
	  RESCUE_FAILURE_NONE, 94, RESCUE_FAILURE_SIGNING_REFUSED },
	{ "STATUS=69&MESSAGE=", RESCUE_FAILURE_NONE, 69, RESCUE_FAILURE_SIGNING_REFUSED },
	{ "STATUS=100&MESSAGE=An internal error occurred.", RESCUE_FAILURE_NONE, 100,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ "STATUS=128&MESSAGE=x & y", RESCUE_FAILURE_NONE, 128, RESCUE_FAILURE_SIGNING_SERVER },
	{ "STATUS=4711&MESSAGE=new", RESCUE_FAILURE_NONE, 4711, RESCUE_FAILURE_SIGNING_SERVER },
	{ "STATUS=0&MESSAGE=SUCCESS", RESCUE_FAILURE_NONE, 0, RESCUE_FAILURE_SIGNING_INCOMPLETE },
	{ "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<plist><dict/></plist>", RESCUE_FAILURE_NONE, 0,
	  RESCUE_FAILURE_SIGNING_INCOMPLETE },
	{ "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=", RESCUE_FAILURE_SIGNING_INCOMPLETE, 0, 0 },
	{ "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<?xml", RESCUE_FAILURE_SIGNING_INCOMPLETE, 0,
	  0 },
	{ "STATUS=0", RESCUE_FAILURE_SIGNING_INCOMPLETE, 0, 0 },
	{ "STATUS=", RESCUE_FAILURE_SIGNING_INTERCEPTED, 0, 0 },
	{ "STATUS=-1&MESSAGE=x", RESCUE_FAILURE_SIGNING_INTERCEPTED, 0, 0 },
	{ "STATUS=999999&MESSAGE=x", RESCUE_FAILURE_SIGNING_INCOMPLETE, 0, 0 },
	{ " STATUS=0&MESSAGE=SUCCESS", RESCUE_FAILURE_SIGNING_INTERCEPTED, 0, 0 },
	{ "<html>STATUS=0&MESSAGE=SUCCESS</html>", RESCUE_FAILURE_SIGNING_INTERCEPTED, 0, 0 },
	{ "", RESCUE_FAILURE_SIGNING_INTERCEPTED, 0, 0 },
};

static void
test_replies_mean_what_they_say(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
		g_auto(RescueTssReply) reply = { .message = NULL };
		g_autoptr(GError) error = NULL;
		bool fine = rescue_tss_reply_parse(replies[i].text, strlen(replies[i].text), &reply,
						   &error);
		g_test_message("%s", replies[i].text);
		g_assert_cmpint(fine, ==, replies[i].error == RESCUE_FAILURE_NONE);
		if (!fine) {
			g_assert_error(error, RESCUE_ERROR, (int)replies[i].error);
			continue;
		}
		g_assert_cmpint(reply.status, ==, replies[i].status);
		g_assert_cmpint(rescue_tss_reply_failure(&reply), ==, replies[i].failure);
		g_assert_nonnull(reply.message);
	}
}

static void
test_reply_is_cut_anywhere_without_harm(void)
{
	for (size_t size = 0; size < strlen(SIGNED); size++) {
		g_auto(RescueTssReply) reply = { .message = NULL };
		g_autofree char *cut = g_strndup(SIGNED, size);
		if (rescue_tss_reply_parse(cut, size, &reply, NULL))
			g_assert_cmpint(rescue_tss_reply_failure(&reply), !=, RESCUE_FAILURE_NONE);
	}
}

/* ---- the answer as HTTP has it ---------------------------------------------------------------------- */

static const struct {
	long http_status;
	bool verified, foreign;
	const char *body;
	RescueFailure failure;
	bool limit;
} answers[] = {
	{ 200, true, false, SIGNED, RESCUE_FAILURE_NONE, false },
	{ 200, false, false, SIGNED, RESCUE_FAILURE_NONE, false }, /* a server that was named */
	{ 200, true, false, "<html>", RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
	{ 403, true, false, "<html>", RESCUE_FAILURE_SIGNING_SERVER, true },
	{ 403, false, false, "<html>", RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
	{ 403, true, true, "<html>", RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
	{ 429, true, false, "", RESCUE_FAILURE_SIGNING_SERVER, true },
	{ 503, true, false, "<html>", RESCUE_FAILURE_SIGNING_SERVER, false },
	{ 503, false, false, "<html>", RESCUE_FAILURE_SIGNING_SERVER, false },
	{ 511, false, false, "<html>", RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
	{ 302, false, false, "", RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
	{ 200, true, true, SIGNED, RESCUE_FAILURE_SIGNING_INTERCEPTED, false },
};

static void
test_pages_of_others_are_no_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		g_auto(RescueTssAnswer) answer = {
			.http_status = answers[i].http_status,
			.verified = answers[i].verified,
			.foreign = answers[i].foreign,
			.issuer = g_strdup("CN = Corporate Filter"),
			.body = g_strdup(answers[i].body),
			.size = strlen(answers[i].body),
		};
		g_autoptr(GError) error = NULL;
		bool fine = rescue_tss_answer_check(&answer, &error);
		g_assert_cmpint(fine, ==, answers[i].failure == RESCUE_FAILURE_NONE);
		if (!fine)
			g_assert_error(error, RESCUE_ERROR, (int)answers[i].failure);
		g_assert_cmpint(rescue_tss_answer_is_limit(&answer), ==, answers[i].limit);
	}
}

static void
test_server_without_a_path_gets_one(void)
{
	static const char *const urls[][2] = {
		{ NULL, "https://gs.apple.com/TSS/controller?action=2" },
		{ "http://h:1", "http://h:1/TSS/controller?action=2" },
		{ "http://h:1/", "http://h:1/TSS/controller?action=2" },
		{ "https://h/x?y=2", "https://h/x?y=2" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_autofree char *url = rescue_tss_url(urls[i][0]);
		g_assert_cmpstr(url, ==, urls[i][1]);
	}
}

/* ---- budget and record ------------------------------------------------------------------------------ */

typedef struct {
	char *dir;
} Place;

static void
place_set_up(Place *place, gconstpointer unused)
{
	place->dir = g_dir_make_tmp("signing-XXXXXX", NULL);
	g_assert_nonnull(place->dir);
}

static void
place_tear_down(Place *place, gconstpointer unused)
{
	const char *const argv[] = { "rm", "-rf", place->dir, NULL };

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
	g_free(place->dir);
}

static int64_t
take(const char *path, int64_t wall_us)
{
	int64_t wait_ms = -1;
	GError *error = NULL;

	g_assert_true(rescue_signing_budget_take(path, wall_us, &wait_ms, &error));
	g_assert_no_error(error);
	return wait_ms;
}

static void
test_station_asks_in_bursts_and_then_slowly(Place *place, gconstpointer unused)
{
	g_autofree char *path = rescue_signing_budget_path(place->dir);
	int64_t now_us = 1000 * SECOND;

	for (int i = 0; i < RESCUE_SIGNING_BURST; i++)
		g_assert_cmpint(take(path, now_us), ==, 0);
	g_assert_cmpint(take(path, now_us), ==, RESCUE_SIGNING_INTERVAL_MS);
	g_assert_cmpint(take(path, now_us), ==, 2 * RESCUE_SIGNING_INTERVAL_MS);
	/* later it is full again, and no fuller than full */
	now_us += 1000 * SECOND;
	for (int i = 0; i < RESCUE_SIGNING_BURST; i++)
		g_assert_cmpint(take(path, now_us), ==, 0);
	g_assert_cmpint(take(path, now_us), >, 0);
}

#define ASKERS 3
#define TURNS  12

static pid_t
start_asker(const char *path, int64_t now_us, int out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (int i = 0; i < TURNS; i++) {
		int64_t wait_ms = -1;
		(void)rescue_signing_budget_take(path, now_us, &wait_ms, NULL);
		if (write(out, &wait_ms, sizeof(wait_ms)) != sizeof(wait_ms))
			break;
	}
	_exit(0);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* processes that ask at the same moment get each token once, whoever comes first */
static void
test_processes_share_one_budget(Place *place, gconstpointer unused)
{
	g_autofree char *path = rescue_signing_budget_path(place->dir);
	int64_t waits[ASKERS * TURNS];
	pid_t pids[ASKERS];
	int ends[2];

	g_assert_no_errno(pipe(ends));
	for (int i = 0; i < ASKERS; i++) {
		pids[i] = start_asker(path, 1000 * SECOND, ends[1]);
		g_assert_cmpint(pids[i], >, 0);
	}
	for (int i = 0; i < ASKERS * TURNS; i++)
		g_assert_cmpint(read(ends[0], &waits[i], sizeof(waits[i])), ==, sizeof(waits[i]));
	for (int i = 0; i < ASKERS; i++)
		g_assert_cmpint(waitpid(pids[i], NULL, 0), ==, pids[i]);
	qsort(waits, G_N_ELEMENTS(waits), sizeof(waits[0]), by_size);
	for (int i = 0; i < ASKERS * TURNS; i++)
		g_assert_cmpint(waits[i], ==,
				MAX(i - RESCUE_SIGNING_BURST + 1, 0) * RESCUE_SIGNING_INTERVAL_MS);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
test_station_keeps_away_when_told_to(Place *place, gconstpointer unused)
{
	g_autofree char *path = rescue_signing_budget_path(place->dir);

	g_assert_true(rescue_signing_budget_punish(path, 1000 * SECOND, NULL));
	g_assert_cmpint(take(path, 1000 * SECOND), ==, RESCUE_SIGNING_PENALTY_MS);
}

static void
test_budget_survives_nonsense(Place *place, gconstpointer unused)
{
	static const char *const texts[] = { "",         "x",
					     "-5",       "99999999999999999999999",
					     "\xff\xfe", "9223372036854775807" };
	g_autofree char *path = rescue_signing_budget_path(place->dir);

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
		g_assert_cmpint(take(path, 1000 * SECOND), ==, 0);
	}
}

/* stopped, or on a disk that does not answer, at the wrong moment */
static void
test_one_that_hangs_holds_up_nobody(Place *place, gconstpointer unused)
{
	g_autofree char *path = rescue_signing_budget_path(place->dir);
	int fd;

	g_assert_cmpint(take(path, 1000 * SECOND), ==, 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	g_assert_true(rescue_lockfile_take(fd));
	g_assert_cmpint(take(path, 1000 * SECOND), ==, RESCUE_SIGNING_INTERVAL_MS);
	g_assert_true(rescue_signing_budget_punish(path, 1000 * SECOND, NULL));
	(void)close(fd);
	g_assert_cmpint(take(path, 1000 * SECOND), ==, RESCUE_SIGNING_PENALTY_MS);
}

static void
test_ticket_is_kept_as_a_private_record(Place *place, gconstpointer unused)
{
	g_auto(RescueSigningAnswer) answer = { .ecid = ECID,
					       .build = g_strdup("../19E241"),
					       .version = g_strdup("15.4"),
					       .message = g_strdup("SUCCESS"),
					       .ticket = g_bytes_new("ticket", 6) };
	g_autofree char *path = NULL, *text = NULL;
	g_auto(RescueSigningAnswer) back = { .ecid = 0 };
	g_autoptr(RescueJson) json = NULL;
	struct stat status;
	size_t size;

	g_assert_true(rescue_ticket_save(place->dir, &answer, 1000 * SECOND, &path, NULL));
	g_assert_nonnull(strstr(path, "/tickets/0x000A1B2C3D4E5F60/___19E241-"));
	g_assert_cmpint(stat(path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0600);
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	json = rescue_json_parse(text, size, NULL);
	g_assert_nonnull(json);
	g_assert_true(rescue_signing_answer_from_json(json, &back, NULL));
	g_assert_true(g_bytes_equal(back.ticket, answer.ticket));
	g_assert_cmpuint(back.ecid, ==, ECID);
	g_assert_cmpstr(rescue_json_get_string(json, "saved"), !=, NULL);
}

static void
test_answers_of_a_broken_worker_are_refused(void)
{
	static const char *const texts[] = {
		"{}",
		"{\"ecid\": \"0x1\", \"chip_id\": 1, \"board_id\": 2, \"status\": 0}",
		"{\"ecid\": \"0x1\", \"chip_id\": -1, \"board_id\": 2, \"status\": 0, \"signed\": "
		"true}",
		"{\"ecid\": \"x\", \"chip_id\": 1, \"board_id\": 2, \"status\": 0, \"signed\": "
		"true}",
		"{\"ecid\": \"0x1\", \"chip_id\": 1, \"board_id\": 2, \"status\": 94, \"signed\": "
		"true, "
		"\"failure\": \"signing-refused\"}",
		"[]",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(RescueJson) json = rescue_json_parse(texts[i], strlen(texts[i]), NULL);
		g_auto(RescueSigningAnswer) answer = { .ecid = 0 };
		g_autoptr(GError) error = NULL;
		g_assert_nonnull(json);
		g_assert_false(rescue_signing_answer_from_json(json, &answer, &error));
		g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL);
	}
}

/* ---- the relay --------------------------------------------------------------------------------------- */

static const struct {
	RescueRelayFacts facts;
	unsigned pause_ms;
} waits[] = {
	{ { .failure = RESCUE_FAILURE_NONE }, 0 },
	/* before the first ticket the job itself can wait, behind it only the relay can */
	{ { .failure = RESCUE_FAILURE_SIGNING_UNREACHABLE, .tries = 1 }, 1000 },
	{ { .failure = RESCUE_FAILURE_SIGNING_UNREACHABLE, .tries = 9, .waited_ms = 19000 }, 0 },
	{ { .failure = RESCUE_FAILURE_SIGNING_UNREACHABLE,
	    .inside = true,
	    .tries = 90,
	    .waited_ms = 290000 },
	  5000 },
	{ { .failure = RESCUE_FAILURE_SIGNING_UNREACHABLE,
	    .inside = true,
	    .tries = 90,
	    .waited_ms = 299000 },
	  0 },
	{ { .failure = RESCUE_FAILURE_SIGNING_INTERCEPTED, .tries = 1 }, 1000 },
	{ { .failure = RESCUE_FAILURE_SIGNING_INTERCEPTED, .tries = 3, .waited_ms = 3000 }, 0 },
	/* a refusal is one at once, a number of the server's own after two more tries */
	{ { .failure = RESCUE_FAILURE_SIGNING_REFUSED, .numbered = true, .tries = 1 }, 0 },
	{ { .failure = RESCUE_FAILURE_SIGNING_SERVER, .numbered = true, .tries = 1 }, 1000 },
	{ { .failure = RESCUE_FAILURE_SIGNING_SERVER,
	    .numbered = true,
	    .inside = true,
	    .tries = 3 },
	  0 },
	/* the build is signed: a part that is not is asked for again, and not often */
	{ { .failure = RESCUE_FAILURE_SIGNING_PART, .numbered = true, .inside = true, .tries = 1 },
	  1000 },
	{ { .failure = RESCUE_FAILURE_SIGNING_BASEBAND,
	    .numbered = true,
	    .inside = true,
	    .tries = 3 },
	  0 },
	{ { .failure = RESCUE_FAILURE_SIGNING_PART, .numbered = true, .tries = 1 }, 0 },
	{ { .failure = (RescueFailure)RESCUE_ERROR_BAD_INPUT, .inside = true, .tries = 1 }, 0 },
};

static void
test_relay_waits_as_long_as_it_makes_sense(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
		g_test_message("%zu", i);
		g_assert_cmpuint(rescue_relay_decide(&waits[i].facts), ==, waits[i].pause_ms);
	}
}

#define MAIN_TICKET "<plist><dict><key>@ApImg4Ticket</key><true/></dict></plist>"
#define MODEM       "<plist><dict><key>@BBTicket</key><true/></dict></plist>"
#define CHIP        "<plist><dict><key>@SE,Ticket</key><true/></dict></plist>"

/* every status that is known of the server, and one that is not: what it means for each kind of ticket */
static const struct {
	int status;
	RescueFailure of_build, of_modem, of_chip;
} statuses[] = {
	{ 0, RESCUE_FAILURE_NONE, RESCUE_FAILURE_NONE, RESCUE_FAILURE_NONE },
	{ 4, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ 8, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ 49, RESCUE_FAILURE_SIGNING_BASEBAND, RESCUE_FAILURE_SIGNING_BASEBAND,
	  RESCUE_FAILURE_SIGNING_BASEBAND },
	{ 69, RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_FAILURE_SIGNING_BASEBAND,
	  RESCUE_FAILURE_SIGNING_PART },
	{ 94, RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_FAILURE_SIGNING_BASEBAND,
	  RESCUE_FAILURE_SIGNING_PART },
	{ 100, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ 126, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ 128, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
	{ 132, RESCUE_FAILURE_SIGNING_OUTDATED, RESCUE_FAILURE_SIGNING_OUTDATED,
	  RESCUE_FAILURE_SIGNING_OUTDATED },
	{ 133, RESCUE_FAILURE_SIGNING_OUTDATED, RESCUE_FAILURE_SIGNING_OUTDATED,
	  RESCUE_FAILURE_SIGNING_OUTDATED },
	{ 162, RESCUE_FAILURE_SIGNING_OUTDATED, RESCUE_FAILURE_SIGNING_OUTDATED,
	  RESCUE_FAILURE_SIGNING_OUTDATED },
	{ 4711, RESCUE_FAILURE_SIGNING_SERVER, RESCUE_FAILURE_SIGNING_SERVER,
	  RESCUE_FAILURE_SIGNING_SERVER },
};

static RescueFailure
failure_for(int status, const char *request)
{
	g_auto(GStrv) wanted = rescue_tss_wanted(request, strlen(request));

	return rescue_tss_wanted_failure(rescue_tss_status_failure(status), wanted);
}

static void
test_refusal_is_of_the_ticket_that_was_asked_for(void)
{
	static const char *const nothing[] = { "", "<html>", "<plist><string>x</string></plist>" };

	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
		g_test_message("%d", statuses[i].status);
		g_assert_cmpint(failure_for(statuses[i].status, MAIN_TICKET), ==,
				statuses[i].of_build);
		g_assert_cmpint(failure_for(statuses[i].status, MODEM), ==, statuses[i].of_modem);
		g_assert_cmpint(failure_for(statuses[i].status, CHIP), ==, statuses[i].of_chip);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(nothing); i++)
		g_assert_cmpint(failure_for(94, nothing[i]), ==, RESCUE_FAILURE_SIGNING_REFUSED);
}

#define ADD(path, test) g_test_add(path, Place, NULL, place_set_up, test, place_tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signing/request/rules", test_request_follows_the_rules_of_its_identity);
	g_test_add_func("/signing/request/nonces", test_nonces_are_never_the_same);
	g_test_add_func("/signing/request/hostile", test_hostile_manifests_are_refused);
	g_test_add_func("/signing/request/real", test_real_manifests_make_requests);
	g_test_add_func("/signing/reply/meaning", test_replies_mean_what_they_say);
	g_test_add_func("/signing/reply/cut", test_reply_is_cut_anywhere_without_harm);
	g_test_add_func("/signing/answer/pages", test_pages_of_others_are_no_refusals);
	g_test_add_func("/signing/answer/url", test_server_without_a_path_gets_one);
	g_test_add_func("/signing/answer/worker", test_answers_of_a_broken_worker_are_refused);
	g_test_add_func("/signing/relay/patience", test_relay_waits_as_long_as_it_makes_sense);
	g_test_add_func("/signing/wanted", test_refusal_is_of_the_ticket_that_was_asked_for);
	ADD("/signing/budget/burst", test_station_asks_in_bursts_and_then_slowly);
	ADD("/signing/budget/shared", test_processes_share_one_budget);
	ADD("/signing/budget/punish", test_station_keeps_away_when_told_to);
	ADD("/signing/budget/hangs", test_one_that_hangs_holds_up_nobody);
	ADD("/signing/budget/nonsense", test_budget_survives_nonsense);
	ADD("/signing/ticket/record", test_ticket_is_kept_as_a_private_record);
	return g_test_run();
}
