/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <glib.h>

#include "core/base/json.h"
#include "core/base/path.h"

/*
 * idevicerescue-lab-browser PORT: a headless Chromium, driven by the WebDriver protocol of the chromedriver at that
 * port. stdin, one command in a line:
 *   open URL · size WIDTH HEIGHT · js EXPRESSION · wait EXPRESSION · click SELECTOR · type TEXT · shot FILE · quit
 * stdout: for each the result as one line of JSON. "wait" answers when the expression is true, and fails after 90 s;
 * "type" presses keys where the focus is (\n is Enter, {Left} and the like are keys). Ends with status 1 at the first
 * failure.
 */

#define WAIT_MS   90000
#define MAX_REPLY (64u * 1024 * 1024)

typedef struct {
	CURL *curl;
	char *base; /* http://127.0.0.1:PORT */
	char *session;
} Browser;

static size_t
on_data(char *data, size_t size, size_t n, void *text)
{
	g_string_append_len(text, data, (ssize_t)(size * n));
	return ((GString *)text)->len > MAX_REPLY ? 0 : size * n;
}

/* The member "value" of the reply; NULL and a sentence on stderr when it is an error. Caller owns. */
static RescueJson *
call(Browser *browser, const char *method, const char *path, const RescueJson *body)
{
	g_autofree char *url = g_strconcat(browser->base, path, NULL);
	g_autofree char *text = body != NULL ? rescue_json_dump(body) : g_strdup("{}");
	g_autoptr(GString) reply = g_string_new(NULL);
	g_autoptr(RescueJson) json = NULL;
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;
	CURLcode code;

	curl_easy_reset(browser->curl);
	curl_easy_setopt(browser->curl, CURLOPT_URL, url);
	curl_easy_setopt(browser->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(browser->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(browser->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(browser->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(browser->curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(browser->curl, CURLOPT_TIMEOUT_MS, (long)(2 * WAIT_MS));
	if (strcmp(method, "POST") == 0)
		curl_easy_setopt(browser->curl, CURLOPT_POSTFIELDS, text);
	code = curl_easy_perform(browser->curl);
	curl_easy_getinfo(browser->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	json = code == CURLE_OK ? rescue_json_parse(reply->str, reply->len, NULL) : NULL;
	if (json == NULL || status != 200) {
		g_printerr("%s %s: %s %s\n", method, path, curl_easy_strerror(code), reply->str);
		return NULL;
	}
	return rescue_json_ref(rescue_json_get(json, "value"));
}

static RescueJson *
in_session(Browser *browser, const char *method, const char *path, const RescueJson *body)
{
	g_autofree char *whole = g_strdup_printf("/session/%s%s", browser->session, path);

	return call(browser, method, whole, body);
}

static RescueJson *
wanted(void)
{
	static const char text[] =
	    "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\","
	    "\"acceptInsecureCerts\":true,"
	    "\"goog:chromeOptions\":{\"args\":[\"--headless=new\",\"--no-sandbox\",\"--disable-"
	    "gpu\","
	    "\"--disable-dev-shm-usage\",\"--no-first-run\",\"--disable-extensions\","
	    "\"--disable-background-networking\",\"--disable-component-update\","
	    "\"--no-proxy-server\",\"--hide-scrollbars\"]},"
	    "\"timeouts\":{\"script\":90000,\"pageLoad\":60000}}}}";

	return rescue_json_parse(text, strlen(text), NULL);
}

static bool
start(Browser *browser)
{
	g_autoptr(RescueJson) body = wanted();
	g_autoptr(RescueJson) value = call(browser, "POST", "/session", body);

	if (value == NULL)
		return false;
	browser->session = g_strdup(rescue_json_get_string(value, "sessionId"));
	return browser->session != NULL;
}

static RescueJson *
run_script(Browser *browser, const char *path, const char *script)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();

	rescue_json_set_string(body, "script", script);
	rescue_json_take(body, "args", rescue_json_array_new());
	return in_session(browser, "POST", path, body);
}

static RescueJson *
do_js(Browser *browser, const char *expression)
{
	g_autofree char *script = g_strdup_printf("return (%s);", expression);

	return run_script(browser, "/execute/sync", script);
}

/* The page tells when it has changed: nobody asks again and again. */
static RescueJson *
do_wait(Browser *browser, const char *expression)
{
	g_autofree char *script = g_strdup_printf(
	    "const done = arguments[arguments.length - 1]; const test = () => { try { return (%s); "
	    "} "
	    "catch { return false; } }; const first = test(); if (first) { done(first); return; } "
	    "const "
	    "watch = new MutationObserver(() => { const now = test(); if (now) { "
	    "watch.disconnect(); "
	    "done(now); } }); watch.observe(document, {subtree: true, childList: true, attributes: "
	    "true, characterData: true});",
	    expression);

	return run_script(browser, "/execute/async", script);
}

static RescueJson *
do_open(Browser *browser, const char *url)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();

	rescue_json_set_string(body, "url", url);
	return in_session(browser, "POST", "/url", body);
}

/* The viewport gets this size, whatever the window has around it. */
static RescueJson *
do_size(Browser *browser, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	g_autoptr(RescueJson) body = rescue_json_object_new();
	RescueJson *params = rescue_json_object_new();

	rescue_json_set_string(body, "cmd", "Emulation.setDeviceMetricsOverride");
	rescue_json_set_int(params, "width", g_ascii_strtoll(words[0], NULL, 10));
	rescue_json_set_int(params, "height",
			    words[1] != NULL ? g_ascii_strtoll(words[1], NULL, 10) : 0);
	rescue_json_set_int(params, "deviceScaleFactor", 1);
	rescue_json_set_bool(params, "mobile", false);
	rescue_json_take(body, "params", params);
	return in_session(browser, "POST", "/goog/cdp/execute", body);
}

/* A real click where the element is, not a call of its handler. */
static RescueJson *
do_click(Browser *browser, const char *selector)
{
	g_autoptr(RescueJson) body = rescue_json_object_new();
	g_autoptr(RescueJson) found = NULL;
	g_autofree char *path = NULL;

	rescue_json_set_string(body, "using", "css selector");
	rescue_json_set_string(body, "value", selector);
	found = in_session(browser, "POST", "/element", body);
	if (found == NULL)
		return NULL;
	path = g_strdup_printf("/element/%s/click",
			       rescue_json_get_string(found,
						      "element-6066-11e4-a52e-4f735466cecf"));
	return in_session(browser, "POST", path, NULL);
}

/* WebDriver has its own characters for keys that are none. */
static char *
encode_keys(const char *text)
{
	static const char *const keys[][2] = {
		{ "\\n", "\xee\x80\x87" },      { "{Left}", "\xee\x80\x92" },
		{ "{Up}", "\xee\x80\x93" },     { "{Right}", "\xee\x80\x94" },
		{ "{Down}", "\xee\x80\x95" },   { "{Tab}", "\xee\x80\x84" },
		{ "{Escape}", "\xee\x80\x8c" },
	};
	g_autoptr(GString) encoded = g_string_new(text);

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		(void)g_string_replace(encoded, keys[i][0], keys[i][1], 0);
	return g_strdup(encoded->str);
}

static void
add_key(RescueJson *actions, const char *type, const char *key)
{
	RescueJson *action = rescue_json_object_new();

	rescue_json_set_string(action, "type", type);
	rescue_json_set_string(action, "value", key);
	rescue_json_append_take(actions, action);
}

static RescueJson *
do_type(Browser *browser, const char *text)
{
	g_autofree char *keys = encode_keys(text);
	g_autoptr(RescueJson) body = rescue_json_object_new();
	RescueJson *sources = rescue_json_array_new(), *source = rescue_json_object_new();
	RescueJson *actions = rescue_json_array_new();

	for (const char *at = keys; *at != '\0'; at = g_utf8_next_char(at)) {
		g_autofree char *key = g_strndup(at, (size_t)(g_utf8_next_char(at) - at));
		add_key(actions, "keyDown", key);
		add_key(actions, "keyUp", key);
	}
	rescue_json_set_string(source, "type", "key");
	rescue_json_set_string(source, "id", "keyboard");
	rescue_json_take(source, "actions", actions);
	rescue_json_append_take(sources, source);
	rescue_json_take(body, "actions", sources);
	return in_session(browser, "POST", "/actions", body);
}

static RescueJson *
do_shot(Browser *browser, const char *path)
{
	g_autoptr(RescueJson) value = in_session(browser, "GET", "/screenshot", NULL);
	const char *text = rescue_json_text(value);
	g_autofree unsigned char *bytes = NULL;
	size_t size = 0;

	if (text == NULL)
		return NULL;
	bytes = g_base64_decode(text, &size);
	if (!rescue_path_write(path, (const char *)bytes, size, 0644, NULL))
		return NULL;
	return rescue_json_array_new();
}

static const struct {
	const char *name;
	RescueJson *(*run)(Browser *browser, const char *argument);
} commands[] = {
	{ "open", do_open },   { "size", do_size }, { "js", do_js },     { "wait", do_wait },
	{ "click", do_click }, { "type", do_type }, { "shot", do_shot },
};

/* NULL: it failed. Caller owns. */
static RescueJson *
obey(Browser *browser, const char *line)
{
	const char *space = strchr(line, ' ');
	size_t length = space != NULL ? (size_t)(space - line) : strlen(line);

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strlen(commands[i].name) == length &&
		    strncmp(commands[i].name, line, length) == 0)
			return commands[i].run(browser, space != NULL ? space + 1 : "");
	}
	g_printerr("no such command: %s\n", line);
	return NULL;
}

static int
serve(Browser *browser)
{
	g_autoptr(GIOChannel) input = g_io_channel_unix_new(0);
	g_autofree char *line = NULL;

	while (g_io_channel_read_line(input, &line, NULL, NULL, NULL) == G_IO_STATUS_NORMAL) {
		g_autoptr(RescueJson) value = NULL;
		g_autofree char *text = NULL;
		if (strcmp(g_strchomp(line), "quit") == 0)
			return 0;
		value = obey(browser, line);
		if (value == NULL) {
			g_printerr("failed: %s\n", line);
			return 1;
		}
		text = rescue_json_dump(value);
		g_print("%s\n", text);
		(void)fflush(stdout);
		g_clear_pointer(&line, g_free);
	}
	return 0;
}

static void
end(Browser *browser)
{
	g_autoptr(RescueJson) value = NULL;

	if (browser->session != NULL)
		value = in_session(browser, "DELETE", "", NULL);
	g_free(browser->session);
	g_free(browser->base);
	curl_easy_cleanup(browser->curl);
}

int
main(int argc, char **argv)
{
	Browser browser = { 0 };
	int status;

	if (argc != 2) {
		g_printerr("usage: idevicerescue-lab-browser PORT-OF-CHROMEDRIVER\n");
		return 2;
	}
	browser.curl = curl_easy_init();
	browser.base = g_strdup_printf("http://127.0.0.1:%s", argv[1]);
	status = start(&browser) ? serve(&browser) : 1;
	end(&browser);
	return status;
}
