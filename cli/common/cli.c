/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/cli.h"

#include <locale.h>
#include <string.h>

#include "cli/common/config.h"
#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/base/parse.h"

#define PROGRAM      "idevicerescue"
#define GLOBAL_COUNT 14

/** What GOption needs to know of the global options; its targets are those of one RescueCli. */
typedef struct {
	GOptionEntry entries[GLOBAL_COUNT + 1];
} Globals;

static void
globals_init(Globals *globals, RescueCli *cli)
{
	const GOptionEntry entries[GLOBAL_COUNT] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &cli->json, "answer in JSON on stdout", NULL },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &cli->quiet, "say nothing but errors", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &cli->verbose, "say more", NULL },
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &cli->config,
		  "read defaults of these options from FILE", "FILE" },
		{ "state", 0, 0, G_OPTION_ARG_FILENAME, &cli->state_dir,
		  "keep journals and transcripts below DIR", "DIR" },
		{ "cache", 0, 0, G_OPTION_ARG_FILENAME, &cli->cache_dir, "keep firmware below DIR",
		  "DIR" },
		{ "engine", 0, 0, G_OPTION_ARG_FILENAME, &cli->engine,
		  "the idevicerestore to use; engine list tells the names", "PATH|NAME" },
		{ "signing-server", 0, 0, G_OPTION_ARG_STRING, &cli->signing_server,
		  "ask this server for signatures", "URL" },
		{ "catalog-url", 0, 0, G_OPTION_ARG_STRING, &cli->catalog_url,
		  "ask this server which builds exist", "URL" },
		{ "mirror", 0, 0, G_OPTION_ARG_STRING, &cli->mirror,
		  "ask this copy of a firmware folder first", "URL" },
		{ "limit-rate", 0, 0, G_OPTION_ARG_STRING, &cli->limit_rate,
		  "download at most so much per second", "SIZE" },
		{ "cache-limit", 0, 0, G_OPTION_ARG_STRING, &cli->cache_limit,
		  "keep at most so much firmware", "SIZE" },
		{ "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &cli->ca_file,
		  "know the signing server by the certificates in this file", "FILE" },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &cli->help, "this text", NULL },
	};

	memcpy(globals->entries, entries, sizeof(entries));
	memset(&globals->entries[GLOBAL_COUNT], 0, sizeof(globals->entries[GLOBAL_COUNT]));
}

static GOptionContext *
new_context(Globals *globals, const char *parameters, const GOptionEntry *entries)
{
	GOptionContext *context = g_option_context_new(parameters);
	GOptionGroup *own = g_option_group_new("command", "Options:", "", NULL, NULL);
	GOptionGroup *global = g_option_group_new("global", "Global options:", "", NULL, NULL);

	g_option_context_set_help_enabled(context, FALSE);
	if (entries != NULL)
		g_option_group_add_entries(own, entries);
	g_option_group_add_entries(global, globals->entries);
	g_option_context_add_group(context, own);
	g_option_context_add_group(context, global);
	return context;
}

void
rescue_cli_clear(RescueCli *cli)
{
	g_free(cli->config);
	g_free(cli->state_dir);
	g_free(cli->cache_dir);
	g_free(cli->engine);
	g_free(cli->signing_server);
	g_free(cli->catalog_url);
	g_free(cli->mirror);
	g_free(cli->limit_rate);
	g_free(cli->cache_limit);
	g_free(cli->ca_file);
	g_free(cli->station);
	g_free(cli->restart_usbmuxd);
	g_free(cli->retention);
	g_free(cli->program);
	*cli = (RescueCli){ 0 };
}

static char *
list_commands(const RescueCommand *const *commands)
{
	GString *text = g_string_new(NULL);
	unsigned i;

	for (i = 0; commands[i] != NULL; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", commands[i]->name);
	return g_string_free(text, FALSE);
}

static void
print_overview(const RescueCommand *const *commands)
{
	g_autoptr(GString) text = g_string_new("usage: " PROGRAM " [OPTION…] COMMAND …\n\n");
	unsigned i;

	for (i = 0; commands[i] != NULL; i++)
		g_string_append_printf(text, "  %-10s %s\n", commands[i]->name,
				       commands[i]->summary);
	g_string_append(text, "\n“" PROGRAM " COMMAND --help” tells the options of each.\n");
	(void)rescue_print(text->str);
}

static int
print_version(const RescueCli *cli)
{
	g_autoptr(RescueJson) json = NULL;

	if (!cli->json)
		return rescue_print(PROGRAM " " RESCUE_VERSION "\n") ? RESCUE_EXIT_FINE
								     : RESCUE_ERROR_INTERNAL;
	json = rescue_json_object_new();
	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "program", PROGRAM);
	rescue_json_set_string(json, "version", RESCUE_VERSION);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* no command on the line, or one that is not there */
static int
run_without_command(RescueCli *cli, const char *word)
{
	g_autofree char *names = list_commands(cli->commands);

	if (word != NULL && *word == '-')
		return rescue_fail_usage(cli, "unknown option ‘%s’ before the command; see --help",
					 word);
	if (word != NULL)
		return rescue_fail_usage(cli, "unknown command ‘%s’; there are: %s", word, names);
	if (cli->version)
		return print_version(cli);
	if (!cli->help)
		return rescue_fail_usage(cli, "no command given; there are: %s", names);
	print_overview(cli->commands);
	return RESCUE_EXIT_FINE;
}

static const RescueCommand *
find_command(const RescueCommand *const *commands, const char *name)
{
	for (; *commands != NULL; commands++) {
		if (g_strcmp0((*commands)->name, name) == 0)
			return *commands;
	}
	return NULL;
}

/* the first look at argv: global options only, what else there is stays */
static bool
find_word(RescueCli *cli, char **argv, char **ret_word, GError **error)
{
	Globals globals;
	const GOptionEntry version[] = { { "version", 'V', 0, G_OPTION_ARG_NONE, &cli->version,
					   "the version of this program", NULL },
					 { 0 } };
	g_auto(GStrv) rest = g_strdupv(argv);
	g_autoptr(GOptionContext) context = NULL;

	globals_init(&globals, cli);
	context = new_context(&globals, NULL, version);
	g_option_context_set_ignore_unknown_options(context, TRUE);
	if (!g_option_context_parse_strv(context, &rest, error))
		return false;
	*ret_word = rest[0] != NULL ? g_strdup(rest[1]) : NULL;
	return true;
}

/* the command fills in options of its own: what the first look at argv found is only used to find it */
static int
run_command(const RescueCommand *command, const RescueCli *found, char **argv)
{
	g_auto(RescueCli) cli = { .json = found->json, .commands = found->commands, .argv = argv };

	return command->run(&cli);
}

int
rescue_cli_main(const RescueCommand *const *commands, char **argv)
{
	g_auto(RescueCli) cli = { .commands = commands };
	g_autofree char *word = NULL;
	const RescueCommand *command;
	GError *error = NULL;

	(void)setlocale(LC_ALL, "");
	g_set_prgname(PROGRAM);
	if (!find_word(&cli, argv, &word, &error))
		return rescue_fail(&cli, error);
	command = find_command(commands, word);
	if (command == NULL)
		return run_without_command(&cli, word);
	return run_command(command, &cli, argv);
}

static void
make_absolute(char **path, const char *base)
{
	g_autofree char *given = g_steal_pointer(path);

	if (given == NULL)
		given = g_build_filename(base, PROGRAM, NULL);
	*path = g_canonicalize_filename(given, NULL);
}

static bool
check_url(const char *name, const char *url, GError **error)
{
	g_autoptr(GUri) uri = NULL;
	const char *scheme;

	if (url == NULL)
		return true;
	uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
	if (uri != NULL && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
	    g_uri_get_host(uri) != NULL && *g_uri_get_host(uri) != '\0')
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "%s: ‘%s’ is not an http or https address", name, url);
	return false;
}

static bool
read_retention(RescueCli *cli, GError **error)
{
	if (cli->retention == NULL || strcmp(cli->retention, "for-ever") == 0)
		return true;
	if (!rescue_parse_duration(cli->retention, &cli->retention_ms, error)) {
		g_prefix_error(error, "retention: ");
		return false;
	}
	if (cli->retention_ms > 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "retention: ‘%s’ would keep no history at all", cli->retention);
	return false;
}

static bool
check_size(const char *name, const char *text, GError **error)
{
	uint64_t bytes;

	if (text == NULL)
		return true;
	if (!rescue_parse_size(text, &bytes, error)) {
		g_prefix_error(error, "%s: ", name);
		return false;
	}
	if (bytes > 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "%s: ‘%s’ is nothing at all", name,
		    text);
	return false;
}

static bool
complete(RescueCli *cli, GError **error)
{
	if (cli->config != NULL && !rescue_cli_config_load(cli, cli->config, error))
		return false;
	if (!check_url("signing server", cli->signing_server, error) ||
	    !check_url("catalog", cli->catalog_url, error) ||
	    !check_url("mirror", cli->mirror, error) ||
	    !check_size("limit-rate", cli->limit_rate, error) ||
	    !check_size("cache-limit", cli->cache_limit, error) || !read_retention(cli, error))
		return false;
	make_absolute(&cli->state_dir, g_get_user_state_dir());
	make_absolute(&cli->cache_dir, g_get_user_cache_dir());
	cli->program = g_file_read_link("/proc/self/exe", error);
	return cli->program != NULL;
}

static void
print_help(GOptionContext *context, const RescueCommand *command)
{
	g_autofree char *text = NULL;

	g_option_context_set_summary(context, command->summary);
	if (command->details != NULL)
		g_option_context_set_description(context, command->details);
	text = g_option_context_get_help(context, FALSE, NULL);
	(void)rescue_print(text);
}

/* what is left behind the command; GOption leaves a separator in when it stands behind an argument */
static char **
dup_arguments(char **rest)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	bool separated = false;
	unsigned i;

	for (i = 0; rest[i] != NULL; i++) {
		bool separator = !separated && strcmp(rest[i], "--") == 0;
		separated = separated || separator;
		if (i >= 2 && !separator)
			g_strv_builder_add(builder, rest[i]);
	}
	return g_strv_builder_end(builder);
}

/* no option begins with a digit: such a word stands behind the separator then */
static char **
dup_with_numbers_last(char **argv)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_autoptr(GPtrArray) numbers = g_ptr_array_new();
	unsigned i;

	for (i = 0; argv[i] != NULL && strcmp(argv[i], "--") != 0; i++) {
		if (argv[i][0] == '-' && g_ascii_isdigit(argv[i][1]))
			g_ptr_array_add(numbers, argv[i]);
		else
			g_strv_builder_add(builder, argv[i]);
	}
	if (numbers->len > 0 && argv[i] == NULL)
		g_strv_builder_add(builder, "--");
	for (; argv[i] != NULL; i++)
		g_strv_builder_add(builder, argv[i]);
	for (i = 0; i < numbers->len; i++)
		g_strv_builder_add(builder, g_ptr_array_index(numbers, i));
	return g_strv_builder_end(builder);
}

bool
rescue_cli_parse(RescueCli *cli, const RescueCommand *command, const GOptionEntry *entries,
		 char ***ret_arguments, int *ret_status)
{
	Globals globals;
	g_auto(GStrv) rest = command->numbers ? dup_with_numbers_last(cli->argv)
					      : g_strdupv(cli->argv);
	g_autofree char *usage = g_strdup_printf("%s [OPTION…] %s", command->name,
						 command->arguments);
	g_autoptr(GOptionContext) context = NULL;
	GError *error = NULL;

	globals_init(&globals, cli);
	context = new_context(&globals, usage, entries);
	if (!g_option_context_parse_strv(context, &rest, &error) ||
	    (!cli->help && !complete(cli, &error))) {
		*ret_status = rescue_fail(cli, error);
		return false;
	}
	if (cli->help) {
		print_help(context, command);
		*ret_status = RESCUE_EXIT_FINE;
		return false;
	}
	*ret_arguments = dup_arguments(rest);
	return true;
}
