/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/apt.h"

#include <string.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "transport/engine/installed.h"

#define MAX_PACKAGES 2000u
#define MAX_REASON   300

static bool
refuse(GError **error, const char *what, const char *value)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, "‘%s’ is not %s", value, what);
	return false;
}

bool
rescue_apt_check(const char *suite, const char *from, GError **error)
{
	static const char *const schemes[] = { "http://", "https://", "file:/" };
	bool known = from == NULL;

	for (const char *c = suite; *c != '\0'; c++) {
		if (!g_ascii_isalnum(*c) && strchr("-.", *c) == NULL)
			return refuse(error, "the name of a suite, such as sid", suite);
	}
	if (*suite == '\0')
		return refuse(error, "the name of a suite, such as sid", suite);
	for (size_t i = 0; from != NULL && i < G_N_ELEMENTS(schemes); i++)
		known |= g_str_has_prefix(from, schemes[i]);
	for (const char *c = from; c != NULL && *c != '\0'; c++)
		known &= g_ascii_isgraph(*c) && strchr("\"\\[]#;", *c) == NULL;
	return known || refuse(error, "the address of a package archive", from);
}

char *
rescue_apt_make_config(const RescueAptSpec *spec)
{
	const char *dates = spec->expired_index ? "false" : "true";
	g_autoptr(GString) text = g_string_new(spec->host);

	/* the host's own files are not read at all: some run programs of theirs after each call */
	g_string_append(text, "Dir::Etc::main \"/dev/null\";\n"
			      "Dir::Etc::parts \"/dev/null\";\n"
			      "Dir::Etc::sourceparts \"/dev/null\";\n"
			      "Dir::Etc::preferences \"/dev/null\";\n"
			      "Dir::Etc::preferencesparts \"/dev/null\";\n"
			      "Dir::Etc::trusted \"/dev/null\";\n"
			      "Dir::Etc::trustedparts \"/dev/null\";\n");
	g_string_append_printf(text,
			       "Dir::Etc::sourcelist \"%s/sources.list\";\n"
			       "Dir::State \"%s/state\";\n"
			       "Dir::State::status \"%s/status\";\n"
			       "Dir::State::lists \"%s\";\n"
			       "Dir::Cache \"%s/cache\";\n"
			       "Dir::Cache::archives \"%s/archives\";\n"
			       "Dir::Log \"%s\";\n",
			       spec->stage, spec->stage, spec->stage, spec->lists, spec->stage,
			       spec->stage, spec->stage);
	g_string_append_printf(text,
			       "APT::Architecture \"%s\";\n"
			       "APT::Architectures { \"%s\"; };\n",
			       spec->arch, spec->arch);
	g_string_append(text, "APT::Install-Recommends \"false\";\n"
			      "APT::Install-Suggests \"false\";\n"
			      "APT::Get::AllowUnauthenticated \"false\";\n"
			      "APT::Update::Error-Mode \"any\";\n"
			      "Acquire::AllowInsecureRepositories \"false\";\n"
			      "Acquire::AllowWeakRepositories \"false\";\n"
			      "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
			      "Acquire::Languages \"none\";\n"
			      "Acquire::GzipIndexes \"true\";\n");
	g_string_append_printf(text,
			       "Acquire::Check-Valid-Until \"%s\";\n"
			       "Acquire::Check-Date \"%s\";\n",
			       dates, dates);
	/* the user that root's apt becomes may not enter folders that are ours alone */
	if (spec->is_root)
		g_string_append(text, "APT::Sandbox::User \"root\";\n");
	return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
rescue_apt_make_source(const RescueAptSpec *spec)
{
	return g_strdup_printf("deb [arch=%s signed-by=%s] %s %s main\n", spec->arch, spec->keyring,
			       spec->from, spec->suite);
}

char *
rescue_apt_keep_network(const char *dump)
{
	static const char *const kept[] = {
		"Acquire::http",      "Acquire::https",     "Acquire::socks",   "Acquire::tor",
		"Acquire::ForceIPv4", "Acquire::ForceIPv6", "Acquire::Retries",
	};
	g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
	g_autoptr(GString) text = g_string_new(NULL);

	for (char **line = lines; *line != NULL; line++) {
		for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
			size_t size = strlen(kept[i]);
			if (strncmp(*line, kept[i], size) == 0 &&
			    ((*line)[size] == ' ' || (*line)[size] == ':'))
				g_string_append_printf(text, "%s\n", *line);
		}
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/** 2: its own index says so; 1: it looks like it, and has no index yet; 0: another one. */
static int
rank_archive(const char *address, const char *component, const char *label)
{
	if (strcmp(component, "main") != 0 || g_str_has_prefix(address, "cdrom:"))
		return 0;
	if (g_strcmp0(label, "Debian") == 0)
		return 2;
	if (label != NULL && *label != '\0' && *label != '$')
		return 0;
	return g_str_has_suffix(address, "/debian/") || g_str_has_suffix(address, "/debian");
}

char *
rescue_apt_find_archive(const char *targets)
{
	g_auto(GStrv) lines = g_strsplit(targets, "\n", -1);
	g_autofree char *best = NULL;
	int best_rank = 0;

	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 3);
		if (g_strv_length(words) < 2)
			continue;
		int rank = rank_archive(words[0], words[1], words[2]);
		if (rank <= best_rank)
			continue;
		best_rank = rank;
		g_free(best);
		best = g_strdup(words[0]);
	}
	return g_steal_pointer(&best);
}

GPtrArray *
rescue_apt_read_plan(const char *simulation)
{
	GPtrArray *packages = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_package_free);
	g_auto(GStrv) lines = g_strsplit(simulation, "\n", -1);

	/* "Inst libusb-1.0-0 (2:1.0.30-1 Debian:unstable [amd64]) []" */
	for (char **line = lines; *line != NULL && packages->len < MAX_PACKAGES; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 4);
		char *arch = g_strv_length(words) == 4 ? strchr(words[3], '[') : NULL;
		char *end = arch != NULL ? strchr(arch, ']') : NULL;
		if (end == NULL || strcmp(words[0], "Inst") != 0 || words[2][0] != '(')
			continue;
		*end = '\0';
		g_ptr_array_add(packages, rescue_package_new(words[1], words[2] + 1, arch + 1));
	}
	return packages;
}

char *
rescue_apt_read_fetched(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	/* number, address, suite, architecture, package, architecture, version, size */
	if (!g_str_has_prefix(line, "Get:") || g_strv_length(words) < 8)
		return NULL;
	return g_strdup(words[4]);
}

/** The first line that apt calls an error, without that word. Caller frees. */
static char *
find_reason(const char *errors)
{
	g_auto(GStrv) lines = g_strsplit(errors, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		if (g_str_has_prefix(*line, "E: "))
			return g_strndup(*line + strlen("E: "), MAX_REASON);
	}
	return g_strdup("apt-get gave no reason");
}

void
rescue_apt_set_error(const RescueAptSpec *spec, const char *errors, GError **error)
{
	g_autofree char *reason = find_reason(errors);

	if (strstr(errors, " is expired ") != NULL || strstr(errors, " is not valid yet ") != NULL)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the dates of the index of %s at %s do not fit the clock of this "
			    "computer; if the archive is frozen on purpose, "
			    "--allow-expired-index takes it all the same",
			    spec->suite, spec->from);
	else
		g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
			    "apt could not fetch the engine from %s at %s: %s", spec->suite,
			    spec->from, reason);
}
