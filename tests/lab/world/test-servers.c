/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include <plist/plist.h>

#include "tests/lab/world/firmware.h"
#include "tests/lab/world/signing.h"

/* Speaks to the lab's servers with curl, as the engine does with libcurl. */

typedef struct {
	char *dir, *record_path;
	LabRecord *record;
	LabFaults *faults;
	LabSigning *signing;
	LabFirmware *firmware;
	char *firmware_file, *firmware_url;
} Servers;

static const LabIpswSpec spec = { .product = (char *)"iPhone10,3",
				  .version = (char *)"15.0",
				  .build = (char *)"19A346",
				  .os_bytes = 700 * 1000 };

static const char *
phone_of(void *data, uint64_t ecid)
{
	return ecid == 0x1234 ? "a" : NULL;
}

static void
set_up(Servers *servers, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *curl = g_find_program_in_path("curl");
	*servers = (Servers){ 0 };
	if (curl == NULL)
		return;
	servers->dir = g_dir_make_tmp("lab-servers-XXXXXX", &error);
	servers->record_path = g_build_filename(servers->dir, "record.jsonl", NULL);
	servers->record = lab_record_open(servers->record_path, &error);
	servers->faults = lab_faults_new();
	const LabSigningSpec signing = { .record = servers->record,
					 .faults = servers->faults,
					 .phone_of = phone_of };
	servers->signing = lab_signing_new(&signing, &error);
	servers->firmware = lab_firmware_new(servers->record, servers->faults, &error);
	g_assert_no_error(error);
	servers->firmware_file = g_build_filename(servers->dir, "f.ipsw", NULL);
	g_assert_true(lab_ipsw_build(&spec, servers->firmware_file, &error));
	servers->firmware_url = lab_firmware_add(servers->firmware, "f", &spec,
						 servers->firmware_file, LAB_LISTED_SIGNED);
}

static void
tear_down(Servers *servers, gconstpointer data)
{
	if (servers->dir == NULL)
		return;
	lab_firmware_free(servers->firmware);
	lab_signing_free(servers->signing);
	lab_faults_free(servers->faults);
	lab_record_close(servers->record);
	(void)g_unlink(servers->firmware_file);
	(void)g_unlink(servers->record_path);
	(void)g_rmdir(servers->dir);
	g_free(servers->firmware_url);
	g_free(servers->firmware_file);
	g_free(servers->record_path);
	g_free(servers->dir);
}

/* ---- curl ------------------------------------------------------------------------------------- */

typedef struct {
	GMainLoop *loop;
	GBytes *out;
} Waiting;

static void
on_done(GObject *process, GAsyncResult *result, void *data)
{
	Waiting *waiting = data;
	g_autoptr(GError) error = NULL;
	g_subprocess_communicate_finish(G_SUBPROCESS(process), result, &waiting->out, NULL, &error);
	g_assert_no_error(error);
	g_main_loop_quit(waiting->loop);
}

/* what curl printed; `ret_status` is its exit status. The arguments end with NULL. */
static char *G_GNUC_NULL_TERMINATED
curl(int *ret_status, const char *first, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (char *)"curl");
	g_ptr_array_add(argv, (char *)"-sS");
	va_list arguments;
	va_start(arguments, first);
	for (const char *word = first; word != NULL; word = va_arg(arguments, const char *))
		g_ptr_array_add(argv, (char *)word);
	va_end(arguments);
	g_ptr_array_add(argv, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocess) process = g_subprocess_newv((const char *const *)argv->pdata,
							   G_SUBPROCESS_FLAGS_STDOUT_PIPE |
							       G_SUBPROCESS_FLAGS_STDERR_SILENCE,
							   &error);
	g_assert_no_error(error);
	Waiting waiting = { .loop = g_main_loop_new(NULL, FALSE) };
	g_subprocess_communicate_async(process, NULL, NULL, on_done, &waiting);
	g_main_loop_run(waiting.loop);
	g_main_loop_unref(waiting.loop);
	*ret_status = g_subprocess_get_exit_status(process);
	char *text = g_strndup(g_bytes_get_data(waiting.out, NULL), g_bytes_get_size(waiting.out));
	g_bytes_unref(waiting.out);
	return text;
}

static bool
skip_without_curl(const Servers *servers)
{
	if (servers->dir == NULL)
		g_test_skip("curl is not installed");
	return servers->dir == NULL;
}

static char *
new_request(void)
{
	plist_t request = plist_new_dict();
	plist_dict_set_item(request, "@ApImg4Ticket", plist_new_bool(1));
	plist_dict_set_item(request, "ApECID", plist_new_uint(0x1234));
	plist_dict_set_item(request, "ApChipID", plist_new_uint(0x8015));
	plist_dict_set_item(request, "ApBoardID", plist_new_uint(6));
	plist_dict_set_item(request, "ApNonce", plist_new_data("0123456789abcdefghij", 20));
	plist_dict_set_item(request, "UniqueBuildID", plist_new_data("\1\2\3\4", 4));
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(request, &xml, &size);
	plist_free(request);
	char *copy = g_strndup(xml, size);
	free(xml);
	return copy;
}

/* ---- signing ---------------------------------------------------------------------------------- */

static const char tss_path[] = "/TSS/controller?action=2";

static void
assert_ticket(const char *answer)
{
	static const char head[] = "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=";
	static const char ecid_property[] = "\x16\x04"
					    "ECID"
					    "\x02\x02\x12\x34";
	static const char build_property[] = "\x16\x04"
					     "ubid"
					     "\x04\x04\1\2\3\4";
	g_assert_true(g_str_has_prefix(answer, head));
	plist_t plist = NULL;
	const char *xml = answer + strlen(head);
	plist_from_xml(xml, (uint32_t)strlen(xml), &plist);
	uint64_t size = 0;
	plist_t node = plist_dict_get_item(plist, "ApImg4Ticket");
	g_assert_nonnull(node);
	const char *ticket = plist_get_data_ptr(node, &size);
	g_assert_cmphex((uint8_t)ticket[0], ==, 0x30);
	g_assert_cmpuint(size, >, 300);
	g_assert_nonnull(memmem(ticket, size, "IM4M", 4));
	g_assert_nonnull(memmem(ticket, size, ecid_property, sizeof ecid_property - 1));
	g_assert_nonnull(memmem(ticket, size, build_property, sizeof build_property - 1));
	g_assert_nonnull(memmem(ticket, size, "0123456789abcdefghij", 20));
	plist_free(plist);
}

static void
test_signs_over_all_three_routes(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	g_autofree char *request = new_request();
	const char *proxy = lab_signing_proxy(servers->signing);
	int status = -1;
	g_autofree char *tls_url = g_strconcat("https://gs.apple.com", tss_path, NULL);
	g_autofree char *tls = curl(&status, "-k", "-x", proxy, "--data-binary", request, tls_url,
				    NULL);
	g_assert_cmpint(status, ==, 0);
	assert_ticket(tls);
	g_autofree char *plain_url = g_strconcat("http://gs.apple.com", tss_path, NULL);
	g_autofree char *plain = curl(&status, "-x", proxy, "--data-binary", request, plain_url,
				      NULL);
	g_assert_cmpint(status, ==, 0);
	assert_ticket(plain);
	g_autofree char *direct = curl(&status, "--noproxy", "*", "--data-binary", request,
				       lab_signing_url(servers->signing), NULL);
	g_assert_cmpint(status, ==, 0);
	assert_ticket(direct);
}

static void
test_tls_client_can_verify(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	g_autofree char *request = new_request();
	g_autofree char *file = g_build_filename(servers->dir, "ca.pem", NULL);
	g_autofree char *url = g_strconcat("https://gs.apple.com", tss_path, NULL);
	int status = -1;
	g_assert_true(
	    g_file_set_contents(file, lab_signing_certificate(servers->signing), -1, NULL));
	g_autofree char *answer = curl(&status, "--cacert", file, "-x",
				       lab_signing_proxy(servers->signing), "--data-binary",
				       request, url, NULL);
	g_assert_cmpint(status, ==, 0);
	assert_ticket(answer);
	(void)g_unlink(file);
}

static char *
record_of(const Servers *servers)
{
	char *text = NULL;
	g_assert_true(g_file_get_contents(servers->record_path, &text, NULL, NULL));
	return text;
}

static void
test_no_other_host_is_reached(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	const char *proxy = lab_signing_proxy(servers->signing);
	int status = -1;
	g_autofree char *tls = curl(&status, "-k", "-x", proxy, "https://example.org/", NULL);
	g_assert_cmpint(status, !=, 0);
	g_autofree char *plain = curl(&status, "-x", proxy, "-o", "/dev/null", "-w", "%{http_code}",
				      "http://example.org/x", NULL);
	g_assert_cmpstr(plain, ==, "403");
	g_autofree char *record = record_of(servers);
	g_assert_nonnull(
	    strstr(record, "\"server\":\"example.org:443\",\"path\":\"\",\"status\":403"));
	g_assert_nonnull(
	    strstr(record, "\"server\":\"example.org\",\"path\":\"/x\",\"status\":403"));
}

static void
test_unsigned_build_is_refused(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	int status = -1;
	g_autofree char *request = new_request();
	lab_signing_refuse_build(servers->signing, "01020304");
	g_autofree char *answer = curl(&status, "--data-binary", request,
				       lab_signing_url(servers->signing), NULL);
	g_assert_cmpstr(answer, ==,
			"STATUS=94&MESSAGE=This device isn't eligible for the requested build.");
	g_autofree char *record = record_of(servers);
	g_assert_nonnull(strstr(record, "\"phone\":\"a\",\"event\":\"signing\",\"status\":94"));
	g_autofree char *junk = curl(&status, "--data-binary", "<plist",
				     lab_signing_url(servers->signing), NULL);
	g_assert_true(g_str_has_prefix(junk, "STATUS=100&"));
}

static void
add_fault(Servers *servers, LabPoint at, LabAction action, int number, uint64_t after)
{
	LabFault *fault = g_new0(LabFault, 1);
	*fault = (LabFault){
		.at = at, .action = action, .status = number, .after_bytes = after, .times = 1
	};
	lab_faults_add(servers->faults, fault);
}

static void
test_signing_faults(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	enum { EMPTY_REPLY = 52, RECEIVE_ERROR = 56, TIMED_OUT = 28 };
	g_autofree char *request = new_request();
	const char *url = lab_signing_url(servers->signing);
	int status = -1;
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_STATUS, 100, 0);
	g_autofree char *malformed = curl(&status, "--data-binary", request, url, NULL);
	g_assert_true(g_str_has_prefix(malformed, "STATUS=100&MESSAGE="));
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_GARBAGE, 0, 0);
	g_autofree char *garbage = curl(&status, "--data-binary", request, url, NULL);
	g_assert_true(g_str_has_prefix(garbage, "<html>"));
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_STATUS, 503, 0);
	g_autofree char *code = curl(&status, "-o", "/dev/null", "-w", "%{http_code}",
				     "--data-binary", request, url, NULL);
	g_assert_cmpstr(code, ==, "503");
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_REFUSE, 0, 0);
	g_autofree char *refused = curl(&status, "--data-binary", request, url, NULL);
	g_assert_true(status == EMPTY_REPLY || status == RECEIVE_ERROR);
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_HANG, 0, 0);
	g_autofree char *hung = curl(&status, "-m", "0.3", "--data-binary", request, url, NULL);
	g_assert_cmpint(status, ==, TIMED_OUT);
	g_autofree char *fine = curl(&status, "--data-binary", request, url, NULL);
	assert_ticket(fine);
}

static void
test_signing_can_be_late_or_forbidden(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	enum { TIMED_OUT = 28 };
	g_autofree char *request = new_request();
	const char *url = lab_signing_url(servers->signing);
	int status = -1;
	add_fault(servers, LAB_AT_SIGNING, LAB_DO_HTTP, 403, 0);
	g_autofree char *code = curl(&status, "-o", "/dev/null", "-w", "%{http_code}",
				     "--data-binary", request, url, NULL);
	g_assert_cmpstr(code, ==, "403");
	for (int i = 0; i < 2; i++) {
		LabFault *late = g_new0(LabFault, 1);
		*late = (LabFault){
			.at = LAB_AT_SIGNING, .action = LAB_DO_DELAY, .duration_ms = 500, .times = 1
		};
		lab_faults_add(servers->faults, late);
	}
	g_autofree char *gone = curl(&status, "-m", "0.2", "--data-binary", request, url, NULL);
	g_assert_cmpint(status, ==, TIMED_OUT);
	g_autofree char *patient = curl(&status, "-m", "30", "--data-binary", request, url, NULL);
	assert_ticket(patient);
}

/* ---- firmware --------------------------------------------------------------------------------- */

static char *
digest_of_file(const char *path)
{
	char *data = NULL;
	gsize size = 0;
	g_assert_true(g_file_get_contents(path, &data, &size, NULL));
	char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
	g_free(data);
	return digest;
}

static void
test_interrupted_download_can_be_resumed(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	g_autofree char *part = g_build_filename(servers->dir, "part", NULL);
	int status = -1;
	add_fault(servers, LAB_AT_FIRMWARE_SERVER, LAB_DO_REFUSE, 0, 200 * 1000);
	g_autofree char *broken = curl(&status, "-o", part, servers->firmware_url, NULL);
	g_assert_cmpint(status, !=, 0);
	g_autofree char *resumed = curl(&status, "-C", "-", "-o", part, servers->firmware_url,
					NULL);
	g_assert_cmpint(status, ==, 0);
	g_autofree char *wanted = digest_of_file(servers->firmware_file);
	g_autofree char *found = digest_of_file(part);
	g_assert_cmpstr(found, ==, wanted);
	g_autofree char *record = record_of(servers);
	g_assert_nonnull(strstr(record, "\"status\":206"));
	(void)g_unlink(part);
}

/* The entity tag tells one edition from the other: whoever asks with If-Range gets all of the new one. */
static void
test_a_file_can_be_replaced_in_mid_download(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	g_autofree char *part = g_build_filename(servers->dir, "part", NULL);
	g_autofree char *wanted = digest_of_file(servers->firmware_file);
	int status = -1;
	add_fault(servers, LAB_AT_FIRMWARE_SERVER, LAB_DO_REPLACE, 0, 200 * 1000);
	g_autofree char *broken = curl(&status, "-o", part, servers->firmware_url, NULL);
	g_assert_cmpint(status, !=, 0);
	g_autofree char *resumed = curl(&status, "-C", "-", "-o", part, servers->firmware_url,
					NULL);
	g_autofree char *mixed = digest_of_file(part);
	g_assert_cmpstr(mixed, !=, wanted);
	g_autofree char *again = curl(&status, "-o", part, servers->firmware_url, NULL);
	g_autofree char *found = digest_of_file(part);
	g_assert_cmpstr(found, ==, wanted);
	(void)g_unlink(part);
}

static void
test_a_range_can_be_another(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	int status = -1;
	add_fault(servers, LAB_AT_FIRMWARE_RANGE, LAB_DO_WRONG_RANGE, 0, 0);
	g_autofree char *whole = curl(&status, "-o", "/dev/null", servers->firmware_url, NULL);
	g_autofree char *wrong = curl(&status, "-r", "10-13", "-i", servers->firmware_url, NULL);
	g_assert_nonnull(strstr(wrong, "bytes 0-3/"));
	g_autofree char *right = curl(&status, "-r", "10-13", "-i", servers->firmware_url, NULL);
	g_assert_nonnull(strstr(right, "bytes 10-13/"));
}

static void
test_ranges(Servers *servers, gconstpointer data)
{
	static const struct {
		const char *range, *code, *size;
	} wanted[] = {
		{ "0-3", "206", "4" },
		{ "10-19", "206", "10" },
		{ "-7", "206", "7" },
		{ "99999999-", "416", "0" },
		{ "0-1,4-5", "200", NULL /* all */ },
	};
	if (skip_without_curl(servers))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		int status = -1;
		g_autofree char *found = curl(&status, "-r", wanted[i].range, "-o", "/dev/null",
					      "-w", "%{http_code} %{size_download}",
					      servers->firmware_url, NULL);
		g_autofree char *expected = g_strdup_printf("%s %s", wanted[i].code,
							    wanted[i].size != NULL ? wanted[i].size
										   : "");
		g_assert_true(g_str_has_prefix(found, expected));
	}
	int status = -1;
	g_autofree char *changed = curl(&status, "-r", "0-3", "-H", "If-Range: \"other\"", "-o",
					"/dev/null", "-w", "%{http_code}", servers->firmware_url,
					NULL);
	g_assert_cmpstr(changed, ==, "200");
}

static void
test_catalogue_lists_the_file(Servers *servers, gconstpointer data)
{
	if (skip_without_curl(servers))
		return;
	int status = -1;
	g_autofree char *url = g_strconcat(lab_firmware_url(servers->firmware),
					   "/v4/device/iPhone10,3", NULL);
	g_autofree char *text = curl(&status, url, NULL);
	g_autofree char *digest = digest_of_file(servers->firmware_file);
	g_assert_nonnull(strstr(text, "\"buildid\":\"19A346\""));
	g_assert_nonnull(strstr(text, servers->firmware_url));
	g_assert_nonnull(strstr(text, digest));
	g_assert_nonnull(strstr(text, "\"signed\":true"));
	g_autofree char *none = g_strconcat(lab_firmware_url(servers->firmware),
					    "/v4/device/iPhone0,0", NULL);
	g_autofree char *code = curl(&status, "-o", "/dev/null", "-w", "%{http_code}", none, NULL);
	g_assert_cmpstr(code, ==, "404");
}

#define TEST(path, function) g_test_add(path, Servers, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST("/servers/signs-over-all-three-routes", test_signs_over_all_three_routes);
	TEST("/servers/tls-client-can-verify", test_tls_client_can_verify);
	TEST("/servers/no-other-host-is-reached", test_no_other_host_is_reached);
	TEST("/servers/unsigned-build-is-refused", test_unsigned_build_is_refused);
	TEST("/servers/signing-faults", test_signing_faults);
	TEST("/servers/interrupted-download-can-be-resumed",
	     test_interrupted_download_can_be_resumed);
	TEST("/servers/signing-late-or-forbidden", test_signing_can_be_late_or_forbidden);
	TEST("/servers/replaced-file", test_a_file_can_be_replaced_in_mid_download);
	TEST("/servers/wrong-range", test_a_range_can_be_another);
	TEST("/servers/ranges", test_ranges);
	TEST("/servers/catalogue-lists-the-file", test_catalogue_lists_the_file);
	return g_test_run();
}
