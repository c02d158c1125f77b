/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/path.h"
#include "core/failure/failure.h"
#include "core/process/lockfile.h"
#include "firmware/catalog/backoff.h"
#include "firmware/catalog/catalogue.h"
#include "firmware/catalog/read.h"

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SHA1   "00112233445566778899aabbccddeeff00112233"

/* What three catalogues answer, made into one list; and what they must not be able to do to us. */

typedef bool (*Reader)(const char *text, size_t size, const char *product, GPtrArray *releases,
		       GError **error);

static GPtrArray *
read_with(Reader reader, const char *text)
{
	GPtrArray *releases = rescue_catalogue_new_list();
	g_autoptr(GError) error = NULL;

	g_assert_true(reader(text, strlen(text), "iPhone10,3", releases, &error));
	g_assert_no_error(error);
	return releases;
}

static void
refuse_with(Reader reader, const char *text)
{
	g_autoptr(GPtrArray) releases = rescue_catalogue_new_list();
	g_autoptr(GError) error = NULL;

	g_assert_false(reader(text, strlen(text), "iPhone10,3", releases, &error));
	g_assert_cmpint(error->code, ==, RESCUE_FAILURE_DOWNLOAD_FAILED);
	g_assert_cmpuint(releases->len, ==, 0);
}

static const char ipswme[] =
    "{\"identifier\":\"iPhone10,3\",\"firmwares\":["
    "{\"version\":\"15.0\",\"buildid\":\"19A346\",\"filesize\":123,\"sha1sum\":\"" SHA1
    "\",\"url\":\"https://a.example/1.ipsw\",\"signed\":false},"
    "{\"version\":\"15.1\",\"buildid\":\"19B74\",\"filesize\":\"no\",\"sha256sum\":17,"
    "\"url\":\"ftp://a.example/2.ipsw\",\"signed\":true},"
    "{\"version\":\"15.2\",\"buildid\":\"$(reboot)\",\"url\":\"https://a.example/3.ipsw\"},"
    "17,null,[]]}";

static void
test_ipswme(void)
{
	g_autoptr(GPtrArray) releases = read_with(rescue_catalogue_read_ipswme, ipswme);
	const RescueRelease *first, *second;

	g_assert_cmpuint(releases->len, ==, 2);
	first = releases->pdata[0];
	second = releases->pdata[1];
	g_assert_cmpstr(first->sha1, ==, SHA1);
	g_assert_cmpuint(first->size_bytes, ==, 123);
	g_assert_cmpint(first->is_signed, ==, RESCUE_SIGNED_NO);
	g_assert_cmpuint(second->size_bytes, ==, 0);
	g_assert_null(second->sha256);
	g_assert_null(second->urls[0]);
	refuse_with(rescue_catalogue_read_ipswme, "<html>");
	refuse_with(rescue_catalogue_read_ipswme,
		    "{\"identifier\":\"iPhone1,1\",\"firmwares\":[]}");
	refuse_with(rescue_catalogue_read_ipswme, "[[[[[[[[");
}

static void
test_appledb(void)
{
	static const char text[] =
	    "{\"build\":\"19A346\",\"version\":\"15.0\",\"signed\":[\"iPhone1,1\",\"iPhone10,3\"],"
	    "\"sources\":[{\"type\":\"ota\",\"deviceMap\":[\"iPhone10,3\"]},"
	    "{\"type\":\"ipsw\",\"deviceMap\":[\"iPhone10,3\"],\"size\":123,"
	    "\"hashes\":{\"sha2-256\":\"" SHA256 "\"},\"links\":["
	    "{\"url\":\"https://b.example/1.ipsw\",\"active\":true},"
	    "{\"url\":\"https://c.example/1.ipsw\",\"active\":false}]}]}";
	g_autoptr(GPtrArray) releases = read_with(rescue_catalogue_read_appledb, text);
	g_autoptr(GPtrArray) other = read_with(rescue_catalogue_read_appledb,
					       "{\"build\":\"19A346\",\"sources\":7}");
	const RescueRelease *release = releases->pdata[0];

	g_assert_cmpuint(releases->len, ==, 1);
	g_assert_cmpstr(release->sha256, ==, SHA256);
	g_assert_cmpint(release->is_signed, ==, RESCUE_SIGNED_YES);
	g_assert_cmpuint(g_strv_length(release->urls), ==, 1);
	g_assert_cmpuint(other->len, ==, 0);
	refuse_with(rescue_catalogue_read_appledb, "{\"sources\":[]}");
}

/* the word is beside the version, not in it */
static void
test_appledb_candidate_is_no_release(void)
{
	static const char text[] =
	    "{\"build\":\"19B74\",\"version\":\"15.1\",\"rc\":true,\"signed\":true,\"sources\":["
	    "{\"type\":\"ipsw\",\"deviceMap\":[\"iPhone10,3\"],"
	    "\"links\":[{\"url\":\"https://b.example/1.ipsw\"}]}]}";
	g_autoptr(GPtrArray) releases = read_with(rescue_catalogue_read_appledb, text);
	const RescueWish latest = { .latest = true };

	g_assert_cmpuint(releases->len, ==, 1);
	g_assert_null(rescue_release_choose(releases, &latest));
}

static void
test_appledb_index_is_newest_first(void)
{
	static const char text[] = "[\"iOS;19A346\",\"iOS;23B85\",\"iOS;23A5276f\",\"macOS;25A1\","
				   "\"iPadOS;23B86\",\"iOS;9A405\",4,\"iOS;../x\",\";\"]";
	g_auto(GStrv)
	    builds = rescue_catalogue_read_appledb_index(text, strlen(text), "iPhone10,3", NULL);
	g_autofree char *joined = g_strjoinv(" ", builds);

	g_assert_cmpstr(joined, ==, "23B85 19A346 9A405");
	g_assert_cmpstr(rescue_catalogue_os_name("iPad7,1", "23B86"), ==, "iPadOS");
	g_assert_cmpstr(rescue_catalogue_os_name("iPad7,1", "16A100"), ==, "iOS");
}

static const char apple[] =
    "<plist version=\"1.0\"><dict><key>MobileDeviceSoftwareVersionsByVersion</key><dict>"
    "<key>9</key><dict><key>MobileDeviceSoftwareVersions</key><dict/></dict>"
    "<key>12</key><dict><key>MobileDeviceSoftwareVersions</key><dict><key>iPhone10,3</key><dict>"
    "<key>Unknown</key><dict><key>Universal</key><dict><key>Restore</key><dict>"
    "<key>BuildVersion</key><string>19A300</string></dict></dict></dict>"
    "<key>19A300</key><dict><key>SameAs</key><string>19A310</string></dict>"
    "<key>19A310</key><dict><key>Update</key><dict><key>BuildVersion</key><string>19A346</string>"
    "</dict></dict>"
    "<key>19A346</key><dict><key>Restore</key><dict><key>BuildVersion</key><string>19A346</string>"
    "<key>ProductVersion</key><string>15.0</string><key>FirmwareSHA1</key><string>" SHA1 "</string>"
    "<key>FirmwareURL</key><string>%s</string></dict></dict>"
    "</dict></dict></dict></dict></dict></plist>";

static void
test_apple_is_followed_to_its_file(void)
{
	g_autofree char *text = g_strdup_printf(apple, "http://d.example/1.ipsw");
	g_autofree char *paid = g_strdup_printf(apple, "protected://d.example/1.ipsw");
	g_autoptr(GPtrArray) releases = read_with(rescue_catalogue_read_apple, text);
	g_autoptr(GPtrArray) without = read_with(rescue_catalogue_read_apple, paid);
	const RescueRelease *release = releases->pdata[0], *other = without->pdata[0];

	g_assert_cmpstr(release->build, ==, "19A346");
	g_assert_cmpstr(release->sha1, ==, SHA1);
	g_assert_cmpstr(release->urls[0], ==, "http://d.example/1.ipsw");
	g_assert_null(other->urls[0]);
	refuse_with(rescue_catalogue_read_apple, "<html></html>");
	refuse_with(rescue_catalogue_read_apple, "");
}

/* builds that are the same as each other lead nowhere, and not for ever */
static void
test_apple_in_circles(void)
{
	static const char text[] =
	    "<plist version=\"1.0\"><dict><key>MobileDeviceSoftwareVersionsByVersion</key><dict>"
	    "<key>12</key><dict><key>MobileDeviceSoftwareVersions</key><dict><key>iPhone10,3</key>"
	    "<dict><key>Unknown</key><dict><key>Universal</key><dict><key>Restore</key><dict>"
	    "<key>BuildVersion</key><string>1A1</string></dict></dict></dict>"
	    "<key>1A1</key><dict><key>SameAs</key><string>1A2</string></dict>"
	    "<key>1A2</key><dict><key>SameAs</key><string>1A1</string></dict>"
	    "</dict></dict></dict></dict></dict></plist>";
	g_autoptr(GPtrArray) releases = read_with(rescue_catalogue_read_apple, text);

	g_assert_cmpuint(releases->len, ==, 0);
}

/* libplist 2.2 would end the process over it, or read behind it */
static void
test_apple_with_a_zero_in_a_text(void)
{
	g_autofree char *text = g_strdup_printf(apple, "http://d.example/1.ipsw");
	g_autoptr(GPtrArray) releases = rescue_catalogue_new_list();
	char *version = strstr(text, "15.0");

	version[1] = '\0';
	g_assert_false(
	    rescue_catalogue_read_apple(text, sizeof apple, "iPhone10,3", releases, NULL));
}

static void
test_answers_complete_each_other(void)
{
	g_autoptr(GPtrArray) all = rescue_catalogue_new_list();
	g_autoptr(GPtrArray) one = read_with(rescue_catalogue_read_ipswme, ipswme);
	g_autofree char *text = g_strdup_printf(apple, "http://d.example/1.ipsw");
	g_autoptr(GPtrArray) two = read_with(rescue_catalogue_read_apple, text);
	const RescueRelease *release;

	rescue_catalogue_merge(all, one);
	rescue_catalogue_merge(all, two);
	g_assert_cmpuint(all->len, ==, 2);
	release = all->pdata[0];
	g_assert_cmpuint(g_strv_length(release->urls), ==, 2);
	g_assert_cmpint(release->is_signed, ==, RESCUE_SIGNED_YES);
}

/* an address of another file is no mirror */
static void
test_contradictions_are_kept_apart(void)
{
	g_autoptr(GPtrArray) all = rescue_catalogue_new_list();
	g_autoptr(GPtrArray) other = rescue_catalogue_new_list();
	RescueRelease *mine = rescue_release_new("iPhone10,3", "15.0", "19A346");
	RescueRelease *theirs = rescue_release_new("iPhone10,3", "15.0", "19A346");

	g_assert_true(rescue_release_set_hash(&mine->sha1, SHA1, 40));
	g_assert_true(
	    rescue_release_set_hash(&theirs->sha1, "ffffffffffffffffffffffffffffffffffffffff", 40));
	g_assert_true(rescue_release_add_url(theirs, "http://evil.example/1.ipsw"));
	g_ptr_array_add(all, mine);
	g_ptr_array_add(other, theirs);
	rescue_catalogue_merge(all, other);
	g_assert_cmpstr(mine->sha1, ==, SHA1);
	g_assert_null(mine->urls[0]);
}

static void
test_a_busy_server_is_left_alone(void)
{
	g_autofree char *dir = g_dir_make_tmp("catalog-XXXXXX", NULL);
	g_autofree char *sub = g_build_filename(dir, "catalogue", NULL);
	g_autofree char *file = g_build_filename(sub, "backoff.json", NULL);
	static const char url[] = "https://a.example/v4/device/x";
	int64_t now_us = INT64_C(1700000000) * G_USEC_PER_SEC;
	RescueBackoff *backoff;

	g_assert_true(rescue_path_make_dir(sub, NULL));
	backoff = rescue_backoff_load(dir, now_us);
	g_assert_true(rescue_backoff_may_ask(backoff, url));
	rescue_backoff_note(backoff, url, 60000);
	rescue_backoff_free(backoff);
	/* another job of the same station */
	backoff = rescue_backoff_load(dir, now_us + 59 * G_USEC_PER_SEC);
	g_assert_false(rescue_backoff_may_ask(backoff, "https://a.example/other"));
	g_assert_true(rescue_backoff_may_ask(backoff, "https://b.example/other"));
	rescue_backoff_free(backoff);
	backoff = rescue_backoff_load(dir, now_us + 61 * G_USEC_PER_SEC);
	g_assert_true(rescue_backoff_may_ask(backoff, url));
	rescue_backoff_clear(backoff, url);
	rescue_backoff_free(backoff);
	/* a clock that was set back by years */
	backoff = rescue_backoff_load(dir, now_us - INT64_C(100000000) * G_USEC_PER_SEC);
	g_assert_true(rescue_backoff_may_ask(backoff, url));
	rescue_backoff_free(backoff);
	(void)g_unlink(file);
	(void)g_rmdir(sub);
	(void)g_rmdir(dir);
}

static void
test_answers_survive_lines(void)
{
	RescueCatalogueAnswer answer = { .product = (char *)"iPhone10,3",
					 .releases = read_with(rescue_catalogue_read_ipswme,
							       ipswme),
					 .asked_us = 5,
					 .fresh = true };
	g_autofree char *lines = rescue_catalogue_answer_to_lines(&answer);
	g_auto(GStrv) each = g_strsplit(lines, "\n", -1);
	g_autoptr(RescueJson) whole = rescue_catalogue_answer_to_json(&answer);
	g_autoptr(RescueCatalogueAnswer) back = rescue_catalogue_answer_from_json(whole);

	g_assert_cmpuint(g_strv_length(each), ==, 4); /* head, two releases, the end */
	g_assert_cmpuint(back->releases->len, ==, 2);
	g_assert_true(back->fresh);
	g_ptr_array_unref(answer.releases);
}

/* What it holds would be asked for by everybody else at the same time. */
static void
test_one_that_hangs_holds_up_nobody(void)
{
	g_autofree char *dir = g_dir_make_tmp("catalog-XXXXXX", NULL);
	g_autofree char *kept = g_build_filename(dir, "catalogue", "iPhone10,3.json", NULL);
	g_autofree char *held = g_build_filename(dir, "catalogue", "iPhone10,3.lock", NULL);
	g_autofree char *folder = g_path_get_dirname(kept);
	const RescueCatalogueSpec spec = { .cache_dir = dir,
					   .base_url = "http://127.0.0.1:9",
					   .patience_ms = 50 };
	RescueCatalogueAnswer known = { .product = (char *)"iPhone10,3",
					.releases = rescue_catalogue_new_list(),
					.asked_us = g_get_real_time() };
	g_autoptr(RescueJson) json = rescue_catalogue_answer_to_json(&known);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	rescue_json_set_string(json, "base", spec.base_url);
	text = rescue_json_dump(json);
	g_assert_true(rescue_path_make_dir(folder, NULL));
	g_assert_true(g_file_set_contents(kept, text, -1, NULL));
	int fd = open(held, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_true(rescue_lockfile_take(fd));
	g_autoptr(RescueCatalogueAnswer) answer = rescue_catalogue_ask(&spec, "iPhone10,3", &error);
	g_assert_no_error(error);
	g_assert_cmpint(answer->asked_us, ==, known.asked_us);
	(void)close(fd);
	g_ptr_array_unref(known.releases);
	(void)g_remove(kept);
	(void)g_remove(held);
	(void)g_rmdir(folder);
	(void)g_rmdir(dir);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/catalog/ipswme", test_ipswme);
	g_test_add_func("/catalog/appledb", test_appledb);
	g_test_add_func("/catalog/appledb-candidate", test_appledb_candidate_is_no_release);
	g_test_add_func("/catalog/appledb-index", test_appledb_index_is_newest_first);
	g_test_add_func("/catalog/apple", test_apple_is_followed_to_its_file);
	g_test_add_func("/catalog/apple-circles", test_apple_in_circles);
	g_test_add_func("/catalog/apple-zero", test_apple_with_a_zero_in_a_text);
	g_test_add_func("/catalog/merge", test_answers_complete_each_other);
	g_test_add_func("/catalog/contradictions", test_contradictions_are_kept_apart);
	g_test_add_func("/catalog/backoff", test_a_busy_server_is_left_alone);
	g_test_add_func("/catalog/hangs", test_one_that_hangs_holds_up_nobody);
	g_test_add_func("/catalog/lines", test_answers_survive_lines);
	return g_test_run();
}
