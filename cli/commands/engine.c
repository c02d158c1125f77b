/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/commands/commands.h"

#include <string.h>

#include "cli/common/output.h"
#include "core/base/error.h"
#include "core/base/parse.h"
#include "transport/engine/engines.h"
#include "transport/engine/install.h"

#define SUITE "sid"

/** What the command was given. */
typedef struct {
	const RescueCli *cli;
	char *dir; /* STATE/engines */
	char *suite, *from;
	gboolean expired_index;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->dir);
	g_free(options->suite);
	g_free(options->from);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* ---- list ------------------------------------------------------------------------------------- */

static const char *const titles[] = { "",       "NAME",   "VERSION", "GENERATION",
				      "MODELS", "NEWEST", "SIZE",    NULL };

static char *
tell_newest(const RescueModels *models)
{
	const char *phone = rescue_models_newest(models, "iPhone");
	const char *tablet = rescue_models_newest(models, "iPad");

	return g_strdup_printf("%s %s", phone != NULL ? phone : "-", tablet != NULL ? tablet : "-");
}

static void
add_row(RescueTable *table, const RescueEngineEntry *entry, bool in_use)
{
	const RescueGeneration *generation = &entry->generation;
	g_autofree char *number = generation->version != NULL
				      ? g_strdup_printf("%d", rescue_generation_number(generation))
				      : NULL;
	g_autofree char *count = entry->models != NULL
				     ? g_strdup_printf("%u", rescue_models_count(entry->models))
				     : NULL;
	g_autofree char *newest = entry->models != NULL ? tell_newest(entry->models) : NULL;
	g_autofree char *size = entry->installed != NULL
				    ? rescue_format_size(entry->installed->size_bytes)
				    : NULL;
	const char *const cells[] = {
		in_use ? "*" : " ", entry->name, generation->version, number, count, newest, size
	};

	rescue_table_add(table, cells);
}

/** The one that a device of a model which all know would get; NULL when none can be used. */
static const RescueEngineEntry *
find_in_use(const GPtrArray *entries, const char *choice)
{
	const RescueEngineEntry *entry;

	if (strcmp(choice, RESCUE_ENGINE_AUTO) == 0)
		entry = rescue_engines_pick(entries, NULL, NULL);
	else
		entry = rescue_engines_find(entries, choice);
	return entry != NULL && entry->trouble == NULL ? entry : NULL;
}

static char *
format_list(const GPtrArray *entries, const char *choice)
{
	g_autoptr(RescueTable) table = rescue_table_new(titles);
	const RescueEngineEntry *in_use = find_in_use(entries, choice);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *rows = NULL;

	for (guint i = 0; i < entries->len; i++)
		add_row(table, g_ptr_array_index(entries, i),
			g_ptr_array_index(entries, i) == in_use);
	rows = rescue_table_format(table);
	g_string_append(text, rows);
	for (guint i = 0; i < entries->len; i++) {
		const RescueEngineEntry *entry = g_ptr_array_index(entries, i);
		if (entry->trouble != NULL)
			g_string_append_printf(text, "%s: %s\n", entry->name,
					       entry->trouble->message);
	}
	if (strcmp(choice, RESCUE_ENGINE_AUTO) == 0)
		g_string_append(text, "in use: the newest that knows the model (auto)\n");
	else
		g_string_append_printf(text, "in use: %s%s\n", choice,
				       in_use == NULL ? ", which is not here" : "");
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static RescueJson *
list_to_json(const GPtrArray *entries, const char *choice)
{
	const RescueEngineEntry *in_use = find_in_use(entries, choice);
	RescueJson *json = rescue_json_object_new(), *array = rescue_json_array_new();

	for (guint i = 0; i < entries->len; i++) {
		const RescueEngineEntry *entry = g_ptr_array_index(entries, i);
		RescueJson *one = rescue_engine_entry_to_json(entry);
		rescue_json_set_bool(one, "in_use", entry == in_use);
		rescue_json_append_take(array, one);
	}
	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "choice", choice);
	rescue_json_take(json, "engines", array);
	return json;
}

static int
list(const Options *options, char **arguments)
{
	g_autofree char *choice = options->cli->engine != NULL
				      ? g_strdup(options->cli->engine)
				      : rescue_engines_read_choice(options->dir);
	g_autoptr(GPtrArray) entries = rescue_engines_list(options->dir);
	g_autofree char *text = NULL;

	if (arguments[1] != NULL)
		return rescue_fail_usage(options->cli, "engine list: ‘%s’ is one argument too many",
					 arguments[1]);
	if (rescue_engines_find(entries, choice) == NULL && strchr(choice, '/') != NULL)
		g_ptr_array_add(entries, rescue_engines_look_at(choice));
	if (options->cli->json) {
		g_autoptr(RescueJson) json = list_to_json(entries, choice);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	text = format_list(entries, choice);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

/* ---- use -------------------------------------------------------------------------------------- */

/** The names that can be used, for who has given another one. Caller frees. */
static char *
list_names(const GPtrArray *entries)
{
	GString *names = g_string_new(RESCUE_ENGINE_AUTO);

	for (guint i = 0; i < entries->len; i++) {
		const RescueEngineEntry *entry = g_ptr_array_index(entries, i);
		g_string_append_printf(names, ", %s", entry->name);
	}
	return g_string_free(names, FALSE);
}

static int
tell_choice(const RescueCli *cli, const char *choice)
{
	g_autoptr(RescueJson) json = NULL;

	if (!cli->json) {
		rescue_say(cli, "in use from now on: %s", choice);
		return RESCUE_EXIT_FINE;
	}
	json = rescue_json_object_new();
	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "choice", choice);
	return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
use(const Options *options, char **arguments)
{
	g_autoptr(GPtrArray) entries = NULL;
	const RescueEngineEntry *entry = NULL;
	const char *choice = arguments[1];
	GError *error = NULL;

	if (g_strv_length(arguments) != 2)
		return rescue_fail_usage(options->cli, "engine use: name one engine, or auto");
	entries = rescue_engines_list(options->dir);
	if (strcmp(choice, RESCUE_ENGINE_AUTO) != 0) {
		entry = rescue_engines_find(entries, choice);
		if (entry == NULL) {
			g_autofree char *names = list_names(entries);
			return rescue_fail_usage(options->cli,
						 "engine use: there is no engine ‘%s’; there are: "
						 "%s",
						 choice, names);
		}
		choice =
		    entry->name; /* a version may mean another one after the next installation */
	}
	if (entry != NULL && entry->trouble != NULL)
		return rescue_fail(options->cli, g_error_copy(entry->trouble));
	if (!rescue_engines_write_choice(options->dir, choice, &error))
		return rescue_fail(options->cli, error);
	return tell_choice(options->cli, choice);
}

/* ---- install ---------------------------------------------------------------------------------- */

static void
on_tell(const char *sentence, void *data)
{
	rescue_say(data, "%s", sentence);
}

static int
tell_installed(const RescueCli *cli, const RescueInstalled *installed, bool is_new)
{
	g_autofree char *size = rescue_format_size(installed->size_bytes);
	g_autofree char *text = NULL;
	g_autoptr(RescueJson) json = NULL;

	if (cli->json) {
		json = rescue_installed_to_json(installed);
		rescue_json_set_bool(json, "new", is_new);
		rescue_json_set_string(json, "path", installed->dir);
		return rescue_print_json(json) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
	}
	if (is_new)
		text =
		    g_strdup_printf("%s is installed: idevicerestore %s, %u packages, %s, in %s\n",
				    installed->name, installed->version, installed->packages->len,
				    size, installed->dir);
	else
		text = g_strdup_printf("%s is here already, in %s\n", installed->name,
				       installed->dir);
	return rescue_print(text) ? RESCUE_EXIT_FINE : RESCUE_ERROR_INTERNAL;
}

static int
install(const Options *options, char **arguments)
{
	g_autofree char *cache = g_build_filename(options->cli->cache_dir, "engines", NULL);
	const RescueInstallSpec spec = {
		.engines_dir = options->dir,
		.cache_dir = cache,
		.suite = options->suite != NULL ? options->suite : SUITE,
		.from = options->from,
		.expired_index = options->expired_index,
		.tell = on_tell,
		.data = (void *)options->cli,
	};
	g_autoptr(RescueInstalled) installed = NULL;
	bool is_new = false;
	GError *error = NULL;

	if (arguments[1] != NULL)
		return rescue_fail_usage(options->cli,
					 "engine install: ‘%s’ is one argument too many",
					 arguments[1]);
	installed = rescue_install(&spec, &is_new, &error);
	if (installed == NULL)
		return rescue_fail(options->cli, error);
	return tell_installed(options->cli, installed, is_new);
}

/* ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	int (*run)(const Options *options, char **arguments);
} actions[] = { { "list", list }, { "use", use }, { "install", install } };

static int
run(RescueCli *cli)
{
	g_auto(Options) options = { .cli = cli };
	const GOptionEntry entries[] = {
		{ "suite", 0, 0, G_OPTION_ARG_STRING, &options.suite,
		  "install: the suite of the archive; " SUITE " when not given", "SUITE" },
		{ "from", 0, 0, G_OPTION_ARG_STRING, &options.from,
		  "install: the archive; that of this computer's own apt when not given", "URL" },
		{ "allow-expired-index", 0, 0, G_OPTION_ARG_NONE, &options.expired_index,
		  "install: take an index whose dates do not fit the clock (a frozen mirror)",
		  NULL },
		{ 0 },
	};
	g_auto(GStrv) arguments = NULL;
	int status;

	if (!rescue_cli_parse(cli, &rescue_command_engine, entries, &arguments, &status))
		return status;
	options.dir = g_build_filename(cli->state_dir, "engines", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		bool installs = actions[i].run == install;
		if (g_strcmp0(arguments[0], actions[i].word) != 0)
			continue;
		if (!installs &&
		    (options.suite != NULL || options.from != NULL || options.expired_index))
			return rescue_fail_usage(cli,
						 "engine %s: --suite, --from and "
						 "--allow-expired-index go with install",
						 actions[i].word);
		return actions[i].run(&options, arguments);
	}
	return rescue_fail_usage(cli, "engine: say what to do: list, install or use NAME");
}

const RescueCommand rescue_command_engine = {
	.name = "engine",
	.arguments = "list | install | use NAME|system|auto",
	.summary = "which idevicerestore are here; bring the newest one; choose one",
	.details =
	    "An installed engine consists of Debian's own packages, checked by apt, in a folder "
	    "of its own below the\nstate folder; nothing else on this computer changes, and root "
	    "is not needed. “auto” gives each device\nthe newest engine that knows its model.",
	.run = run,
};
