/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/token.h"

#include "cli/common/output.h"
#include "cli/line/auth.h"

/* What there is to print; `line` ends with a newline. */
typedef struct {
	RescueRole role;
	const char *name, *token, *line;
} Made;

static bool
print_json(const Made *made)
{
	g_autoptr(RescueJson) json = rescue_json_object_new();
	g_autofree char *line = g_strchomp(g_strdup(made->line));

	rescue_json_set_int(json, "v", 1);
	rescue_json_set_string(json, "role", rescue_role_name(made->role));
	rescue_json_set_string(json, "name", made->name);
	rescue_json_set_string(json, "token", made->token);
	rescue_json_set_string(json, "line", line);
	return rescue_print_json(json);
}

static bool
print_plain(const RescueCli *cli, const Made *made)
{
	if (!rescue_print(made->token) || !rescue_print("\n") || !rescue_print(made->line))
		return false;
	rescue_say(cli,
		   "above: the token of %s ‘%s’, which is shown only this once, and its line for "
		   "the tokens file, which is read when the line starts",
		   rescue_role_name(made->role), made->name);
	return true;
}

int
rescue_line_token(const RescueCli *cli, const char *role, char *const *arguments)
{
	Made made = { .role = role != NULL ? rescue_role_parse(role) : RESCUE_ROLE_VIEWER };
	g_autofree char *token = NULL, *line = NULL;
	GError *error = NULL;

	if (made.role == RESCUE_ROLE_NONE)
		return rescue_fail_usage(cli, "line token: --role is viewer or operator, not ‘%s’",
					 role);
	if (arguments[0] != NULL && arguments[1] != NULL)
		return rescue_fail_usage(cli, "say: line token [--role viewer|operator] [NAME]");
	made.name = arguments[0] != NULL ? arguments[0] : rescue_role_name(made.role);
	token = rescue_auth_make_token(made.role, made.name, &line, &error);
	if (token == NULL)
		return rescue_fail(cli, error);
	made.token = token;
	made.line = line;
	return (cli->json ? print_json(&made) : print_plain(cli, &made)) ? RESCUE_EXIT_FINE : 1;
}
