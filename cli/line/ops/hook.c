/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/ops/hook.h"

static const struct {
	const char *name, *member;
} variables[] = {
#define RESCUE_HOOK_VARIABLE(name, member) { name, member },
#include "cli/line/ops/hook-variable.def"
#undef RESCUE_HOOK_VARIABLE
};

const char **
rescue_hook_argv(const RescueHook *hook)
{
	size_t n = hook->arguments != NULL ? g_strv_length(hook->arguments) : 0;
	const char **argv = g_new0(const char *, n + 2);

	argv[0] = hook->program;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = hook->arguments[i];
	return argv;
}

/* some of it was said by a phone: a line end in a label would make two of it */
static char *
dup_plain(const char *text)
{
	GString *plain = g_string_new(NULL);

	for (const char *at = text; at != NULL && *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		g_string_append_unichar(plain, g_unichar_iscntrl(c) ? '?' : c);
	}
	return g_string_free(plain, FALSE);
}

char **
rescue_hook_environment(const RescueJson *event)
{
	char **environment = g_new0(char *, G_N_ELEMENTS(variables) + 1);

	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		const char *value = rescue_json_get_string(event, variables[i].member);
		g_autofree char *plain = dup_plain(value);
		environment[i] = g_strconcat(variables[i].name, "=", plain, NULL);
	}
	return environment;
}
