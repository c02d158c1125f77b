/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/failure/failure.h"
#include "core/process/lockfile.h"
#include "firmware/catalog/backoff.h"
#include "firmware/catalog/catalogue.h"
#include "firmware/catalog/read.h"
#include "firmware/fetch/web.h"

#define FRESH_US   (INT64_C(30) * 60 * G_USEC_PER_SEC)
#define BUDGET_US  (INT64_C(25) * G_USEC_PER_SEC) /* for all servers together */
#define HOLDER_MS  30000u
#define REQUEST_MS 10000u
#define TRIES      3u
#define PAUSE_MS   500u
#define LONG_MS    5000 /* a server that wants to be left alone for longer is */
#define BUILDS     6u   /* that AppleDB is asked about one by one */
#define MISSING    2u   /* newest releases for which it is asked for a checksum */

typedef struct {
	const RescueCatalogueSpec *spec;
	const char *product;
	GPtrArray *releases;
	RescueBackoff *backoff;
	GString *trouble;
	unsigned answers; /* servers that knew something, or knew that there is nothing */
	bool intercepted; /* somebody answers in place of one of them */
	int64_t until_us;
} Ask;

typedef bool (*Reader)(const char *text, size_t size, const char *product, GPtrArray *releases,
		       GError **error);

/* ---- one document ----------------------------------------------------------------------------- */

static gboolean
on_pause_over(gpointer data)
{
	g_main_loop_quit(data);
	return G_SOURCE_REMOVE;
}

static void
pause_between_tries(unsigned ms)
{
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);

	(void)g_timeout_add(ms, on_pause_over, loop);
	g_main_loop_run(loop);
	g_main_loop_unref(loop);
}

static void
note_trouble(Ask *ask, const char *text)
{
	g_string_append_printf(ask->trouble, "%s%s", ask->trouble->len > 0 ? "; " : "", text);
}

static bool
is_transient(unsigned status)
{
	return status == 429 || status == 408 || status >= 500;
}

/* the same question again, politely; true with an answer of any kind */
static bool
get(Ask *ask, const char *url, RescueWebAnswer *answer)
{
	g_autoptr(GError) error = NULL;

	for (unsigned i = 0; i < TRIES; i++) {
		int64_t left_ms = (ask->until_us - g_get_monotonic_time()) / 1000;
		if (left_ms <= 0)
			break;
		g_clear_error(&error);
		rescue_web_answer_clear(answer);
		if (rescue_web_get(url, RESCUE_CATALOGUE_MAX_BYTES,
				   (unsigned)MIN(left_ms, REQUEST_MS), answer, &error) &&
		    !is_transient(answer->status))
			return true;
		if (answer->retry_after_ms > LONG_MS || i + 1 == TRIES)
			break;
		pause_between_tries(MAX((unsigned)answer->retry_after_ms, PAUSE_MS << i));
	}
	rescue_backoff_note(ask->backoff, url, answer->retry_after_ms);
	if (error != NULL)
		note_trouble(ask, error->message);
	ask->intercepted |= error != NULL && error->code == RESCUE_FAILURE_DOWNLOAD_INTERCEPTED;
	return false;
}

/* NULL when there is nothing to be read; caller frees */
static char *
get_document(Ask *ask, const char *url, size_t *ret_size)
{
	g_auto(RescueWebAnswer) answer = { 0 };
	g_autofree char *text = NULL;

	if (!rescue_backoff_may_ask(ask->backoff, url)) {
		text = g_strdup_printf("‘%s’ wants to be left alone for a while", url);
		note_trouble(ask, text);
		return NULL;
	}
	if (!get(ask, url, &answer)) {
		text = g_strdup_printf("‘%s’ does not answer properly (HTTP %u)", url,
				       answer.status);
		if (answer.status != 0)
			note_trouble(ask, text);
		return NULL;
	}
	rescue_backoff_clear(ask->backoff, url);
	if (answer.text == NULL || answer.html) {
		text = g_strdup_printf("‘%s’ has %s (HTTP %u)", url,
				       answer.html ? "only a web page" : "nothing", answer.status);
		ask->intercepted |= (answer.html && answer.status == 200) ||
				    (answer.status != 403 &&
				     rescue_web_is_filter_status(answer.status));
		/* a server that does not know the product has answered all the same */
		ask->answers += answer.status == 404;
		if (answer.status != 404)
			note_trouble(ask, text);
		return NULL;
	}
	*ret_size = answer.size;
	return g_steal_pointer(&answer.text);
}

static bool
read_document(Ask *ask, const char *url, Reader reader)
{
	size_t size = 0;
	g_autofree char *text = get_document(ask, url, &size);
	g_autoptr(GPtrArray) found = rescue_catalogue_new_list();
	g_autoptr(GError) error = NULL;

	if (text == NULL)
		return false;
	if (!reader(text, size, ask->product, found, &error)) {
		note_trouble(ask, error->message);
		return false;
	}
	ask->answers++;
	rescue_catalogue_merge(ask->releases, found);
	return true;
}

/* ---- three servers ---------------------------------------------------------------------------- */

static char *
make_url(const Ask *ask, const char *server, const char *path)
{
	const char *base = ask->spec->base_url != NULL ? ask->spec->base_url : server;
	size_t size = strlen(base);

	while (size > 0 && base[size - 1] == '/')
		size--;
	return g_strdup_printf("%.*s%s", (int)size, base, path);
}

static void
ask_ipswme(Ask *ask)
{
	g_autofree char *path = g_strconcat("/v4/device/", ask->product, "?type=ipsw", NULL);
	g_autofree char *url = make_url(ask, "https://api.ipsw.me", path);

	(void)read_document(ask, url, rescue_catalogue_read_ipswme);
}

static void
ask_apple(Ask *ask)
{
	g_autofree char *url = make_url(ask, "https://itunes.apple.com", "/check/version");

	(void)read_document(ask, url, rescue_catalogue_read_apple);
}

static bool
ask_appledb_build(Ask *ask, const char *build)
{
	g_autofree char *path = g_strdup_printf("/ios/%s;%s.json",
						rescue_catalogue_os_name(ask->product, build),
						build);
	g_autofree char *url = make_url(ask, "https://api.appledb.dev", path);

	return read_document(ask, url, rescue_catalogue_read_appledb);
}

/* it knows no list by product: the newest builds are asked for one by one until one of them is for this product */
static void
ask_appledb_newest(Ask *ask)
{
	g_autofree char *url = make_url(ask, "https://api.appledb.dev", "/ios/index.json");
	g_auto(GStrv) builds = NULL;
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = get_document(ask, url, &size);

	if (text != NULL)
		builds = rescue_catalogue_read_appledb_index(text, size, ask->product, &error);
	for (unsigned i = 0; builds != NULL && builds[i] != NULL && i < BUILDS; i++)
		if (!ask_appledb_build(ask, builds[i]) || ask->releases->len > 0)
			break;
	if (error != NULL)
		note_trouble(ask, error->message);
}

static int
newest_first(gconstpointer a, gconstpointer b)
{
	const RescueRelease *x = *(RescueRelease *const *)a, *y = *(RescueRelease *const *)b;
	int order = rescue_version_compare(y->version, x->version);

	return order != 0 ? order : rescue_build_compare(y->build, x->build);
}

/* checksums of the files that will most likely be wanted */
static void
ask_appledb_missing(Ask *ask)
{
	g_autoptr(GPtrArray) builds = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_sort(ask->releases, newest_first);
	for (guint i = 0; i < ask->releases->len && builds->len < MISSING; i++) {
		const RescueRelease *release = ask->releases->pdata[i];
		if (release->beta || release->is_signed == RESCUE_SIGNED_NO)
			continue;
		if (release->sha256 != NULL)
			break;
		g_ptr_array_add(builds, g_strdup(release->build));
	}
	for (guint i = 0; i < builds->len; i++)
		if (!ask_appledb_build(ask, builds->pdata[i]))
			break;
}

static void
ask_all(Ask *ask)
{
	ask_ipswme(ask);
	ask_apple(ask);
	if (ask->releases->len == 0)
		ask_appledb_newest(ask);
	else
		ask_appledb_missing(ask);
	g_ptr_array_sort(ask->releases, newest_first);
}

/* ---- answers that are kept -------------------------------------------------------------------- */

static char *
kept_path(const RescueCatalogueSpec *spec, const char *product)
{
	g_autofree char *name = g_strconcat(product, ".json", NULL);

	return g_build_filename(spec->cache_dir, "catalogue", name, NULL);
}

/* answers of other servers are none */
static RescueCatalogueAnswer *
read_kept(const RescueCatalogueSpec *spec, const char *product)
{
	g_autofree char *path = kept_path(spec, product);
	size_t size = 0;
	g_autofree char *text = rescue_path_read(path, RESCUE_CATALOGUE_MAX_BYTES, &size, NULL);
	g_autoptr(RescueJson) json = text != NULL ? rescue_json_parse(text, size, NULL) : NULL;

	if (json == NULL || g_strcmp0(rescue_json_get_string(json, "base"), spec->base_url) != 0)
		return NULL;
	return rescue_catalogue_answer_from_json(json);
}

/* what cannot be kept is asked for again */
static void
keep(const RescueCatalogueSpec *spec, const RescueCatalogueAnswer *answer)
{
	g_autofree char *path = kept_path(spec, answer->product), *text = NULL;
	g_autoptr(RescueJson) json = rescue_catalogue_answer_to_json(answer);

	rescue_json_set_string(json, "base", spec->base_url);
	text = rescue_json_dump(json);
	(void)rescue_path_write(path, text, strlen(text), 0644, NULL);
}

static bool
is_young(const RescueCatalogueAnswer *answer, int64_t now_us)
{
	int64_t age_us = now_us - answer->asked_us;

	return age_us >= 0 && age_us < FRESH_US;
}

/* one asks, the others wait for its answers */
static int
lock(const RescueCatalogueSpec *spec, const char *product)
{
	g_autofree char *name = g_strconcat(product, ".lock", NULL);
	g_autofree char *path = g_build_filename(spec->cache_dir, "catalogue", name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

	/* the holder is bounded by its budget; one that takes longer hangs, and is no matter of ours */
	if (fd >= 0)
		(void)rescue_lockfile_await(fd,
					    spec->patience_ms > 0 ? spec->patience_ms : HOLDER_MS);
	return fd;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static RescueCatalogueAnswer *
new_answer(Ask *ask, int64_t now_us)
{
	RescueCatalogueAnswer *answer = g_new0(RescueCatalogueAnswer, 1);

	answer->product = g_strdup(ask->product);
	answer->releases = g_ptr_array_ref(ask->releases);
	answer->asked_us = now_us;
	answer->fresh = true;
	answer->trouble = ask->trouble->len > 0 ? g_strdup(ask->trouble->str) : NULL;
	return answer;
}

static RescueCatalogueAnswer *
choose_answer(Ask *ask, RescueCatalogueAnswer *kept, int64_t now_us, GError **error)
{
	bool telling = ask->answers > 0 && (ask->releases->len > 0 || ask->trouble->len == 0);

	/* "there is nothing" counts only when everybody could be asked */
	if (telling) {
		RescueCatalogueAnswer *answer = new_answer(ask, now_us);
		/* what a server that is away now knew before is still so */
		if (kept != NULL)
			rescue_catalogue_merge(answer->releases, kept->releases);
		g_ptr_array_sort(answer->releases, newest_first);
		keep(ask->spec, answer);
		rescue_catalogue_answer_free(kept);
		return answer;
	}
	if (kept != NULL) {
		kept->fresh = false;
		g_free(kept->trouble);
		kept->trouble = g_strdup(ask->trouble->str);
		return kept;
	}
	g_set_error(error, RESCUE_ERROR,
		    ask->intercepted ? RESCUE_FAILURE_DOWNLOAD_INTERCEPTED
				     : RESCUE_FAILURE_CATALOGUE_UNREACHABLE,
		    "no catalogue of firmware answers: %s", ask->trouble->str);
	return NULL;
}

static RescueCatalogueAnswer *
ask_network(const RescueCatalogueSpec *spec, const char *product, RescueCatalogueAnswer *kept,
	    GError **error)
{
	Ask ask = { .spec = spec,
		    .product = product,
		    .releases = rescue_catalogue_new_list(),
		    .backoff = rescue_backoff_load(spec->cache_dir, g_get_real_time()),
		    .trouble = g_string_new(NULL),
		    .until_us = g_get_monotonic_time() + BUDGET_US };
	RescueCatalogueAnswer *answer;

	ask_all(&ask);
	answer = choose_answer(&ask, kept, g_get_real_time(), error);
	rescue_backoff_free(ask.backoff);
	g_ptr_array_unref(ask.releases);
	(void)g_string_free(ask.trouble, TRUE);
	return answer;
}

RescueCatalogueAnswer *
rescue_catalogue_ask(const RescueCatalogueSpec *spec, const char *product, GError **error)
{
	g_autofree char *dir = g_build_filename(spec->cache_dir, "catalogue", NULL);
	RescueCatalogueAnswer *answer;
	int fd;

	if (!rescue_path_make_dir(dir, error))
		return NULL;
	fd = lock(spec, product);
	answer = read_kept(spec, product);
	if (answer == NULL || spec->refresh || !is_young(answer, g_get_real_time()))
		answer = ask_network(spec, product, answer, error);
	if (fd >= 0)
		(void)close(fd);
	return answer;
}
