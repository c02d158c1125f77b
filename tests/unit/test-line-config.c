/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/base/path.h"
#include "core/config/line.h"
#include "core/line/intake.h"
#include "core/line/layout.h"
#include "tests/unit/refusal.h"

static char *path;

static RescueLineConfig *
load(const char *text, GError **error)
{
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return rescue_line_config_load(path, error);
}

static void
assert_refused(const char *text, const char *reason)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(load(text, &error));
	assert_file_refused(error, path, reason);
	g_assert_true(g_str_has_prefix(error->message, path));
}

static void
test_an_empty_file_tells_nobody_and_listens_here(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueLineConfig) config = load("", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(config->listen, ==, RESCUE_LINE_LISTEN);
	g_assert_null(config->rules);
	g_assert_cmpint(config->retention_ms, ==, 0);
	g_assert_cmpuint(config->webhooks->len + config->hooks->len, ==, 0);
}

static void
test_paths_begin_beside_the_file(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *beside = g_build_filename(dir, "s", "orders", NULL);
	g_autoptr(RescueLineConfig) config =
	    load("[line]\nname=b7\nstation=/etc/station\nretention=30d\n[web]\n"
		 "listen=none\nhosts=bench-1;b1\n[webhook orders]\nurl=https://a.example/x?y=1\n"
		 "secret=s/orders\nevents=done;prompt\n[hook printer]\n"
		 "program=/bin/lp\narguments=-o;raw\nevents=done\ndeadline=5s\n",
		 &error);

	g_assert_no_error(error);
	g_assert_cmpstr(config->name, ==, "b7");
	g_assert_cmpstr(config->station, ==, "/etc/station");
	g_assert_cmpstr(config->hosts[1], ==, "b1");
	g_assert_cmpint(config->retention_ms, ==, INT64_C(30) * 24 * 3600 * 1000);
	const RescueWebhook *webhook = g_ptr_array_index(config->webhooks, 0);
	g_assert_cmpstr(webhook->secret, ==, beside);
	g_assert_cmpuint(webhook->kinds, ==, 1u << RESCUE_NOTICE_DONE | 1u << RESCUE_NOTICE_PROMPT);
	g_assert_cmpint(webhook->give_up_ms, ==, 24 * 3600 * 1000);
	const RescueHook *hook = g_ptr_array_index(config->hooks, 0);
	g_assert_cmpstr(hook->arguments[1], ==, "raw");
	g_assert_cmpint(hook->deadline_ms, ==, 5000);
}

static void
test_each_mistake_is_one_sentence(void)
{
	static const char webhook[] = "[webhook x]\nsecret=s\nurl=";
	static const char *const urls[] = { "http://far.example/", "https://u:p@far.example/",
					    "ftp://far.example/", "https:///x", "far.example" };

	assert_refused("[line]\nnmae=x\n", "‘nmae’");
	assert_refused("[line]\nname=x\nname=y\n", "said twice");
	assert_refused("[lines]\n", "unknown group ‘lines’");
	assert_refused("[web]\nkey=/k\n", "certificate and key belong together");
	assert_refused("[line]\nretention=1s\n", "too short or too long");
	assert_refused("[line]\noutbox=3\n", "too small or too large");
	assert_refused("[webhook x]\nurl=https://a.example/\n", "secret is not said");
	assert_refused("[webhook x]\nsecret=s\n", "url is not said");
	assert_refused("[webhook ../x]\nurl=https://a.example/\nsecret=s\n", "a name is made of");
	assert_refused("[hook x]\n", "program is not said");
	assert_refused("[hook x]\nprogram=/p\nevents=done;dnoe\n", "‘dnoe’");
	assert_refused("[hook x]\nprogram=/p\ndeadline=1h\n", "too short or too long");
	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_autofree char *text = g_strconcat(webhook, urls[i], "\n", NULL);
		assert_refused(text, urls[i]);
	}
}

static void
test_plain_http_only_to_this_computer(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueLineConfig)
	    config = load("[webhook x]\nurl=http://127.0.0.1:8080/\nsecret=s\n", &error);

	g_assert_no_error(error);
	g_assert_nonnull(config);
}

static void
test_more_hooks_than_a_line_has_are_refused(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < 17; i++)
		g_string_append_printf(text, "[hook h%u]\nprogram=/bin/true\n", i);
	assert_refused(text->str, "more than the 16");
}

static char *
example(const char *name)
{
	return g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "cli", "data", "line", name, NULL);
}

static char *
read_example(const char *name, bool uncommented)
{
	g_autofree char *file = example(name);
	g_autofree char *text = rescue_path_read(file, 64u * 1024, NULL, NULL);
	g_autoptr(GRegex) hidden = g_regex_new("^#(?=[a-z[])", G_REGEX_MULTILINE, 0, NULL);

	g_assert_nonnull(text);
	return uncommented ? g_regex_replace_literal(hidden, text, -1, 0, "", 0, NULL)
			   : g_steal_pointer(&text);
}

/* and with every "#key=value" and "#[group]" in force */
static void
test_the_examples_are_read(void)
{
	for (int uncommented = 0; uncommented < 2; uncommented++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *line = read_example("line.conf", uncommented);
		g_autofree char *bench = read_example("station.conf", uncommented);
		g_autofree char *rules = read_example("rules.conf", uncommented);
		g_autoptr(RescueLineConfig) config = load(line, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(config->webhooks->len, ==, (unsigned)uncommented);
		g_assert_cmpuint(config->hooks->len, ==, (unsigned)uncommented);
		g_autoptr(RescueLayout) layout = rescue_layout_parse(bench, strlen(bench), &error);
		g_assert_no_error(error);
		g_assert_cmpuint(layout->ports->len, ==, 2);
		g_autoptr(RescueIntakeRules)
		    intake = rescue_intake_parse(rules, strlen(rules), &error);
		g_assert_no_error(error);
	}
}

static void
test_names_of_notices_are_read_back(void)
{
	for (unsigned i = 0; i < RESCUE_NOTICE_LAST; i++) {
		RescueNoticeKind kind = RESCUE_NOTICE_LAST;
		g_assert_true(rescue_notice_parse(rescue_notice_name(i), &kind));
		g_assert_cmpuint(kind, ==, i);
	}
}

int
main(int argc, char **argv)
{
	g_autofree char *dir = g_dir_make_tmp("line-config-XXXXXX", NULL);
	int status;

	g_test_init(&argc, &argv, NULL);
	path = g_build_filename(dir, "line.conf", NULL);
	g_test_add_func("/line-config/empty", test_an_empty_file_tells_nobody_and_listens_here);
	g_test_add_func("/line-config/paths", test_paths_begin_beside_the_file);
	g_test_add_func("/line-config/mistakes", test_each_mistake_is_one_sentence);
	g_test_add_func("/line-config/http", test_plain_http_only_to_this_computer);
	g_test_add_func("/line-config/many", test_more_hooks_than_a_line_has_are_refused);
	g_test_add_func("/line-config/examples", test_the_examples_are_read);
	g_test_add_func("/line-config/notices", test_names_of_notices_are_read_back);
	status = g_test_run();
	(void)g_remove(path);
	(void)g_rmdir(dir);
	g_free(path);
	return status;
}
