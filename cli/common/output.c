/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/output.h"

#include <stdio.h>

#include "cli/common/wrap.h"
#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/firmware-json.h"

#define PROGRAM "idevicerescue"

struct RescueTable {
	const char *const *titles;
	unsigned columns;
	GPtrArray *cells; /* char *, row after row */
};

/* a line for people on stderr */
static void
tell(const char *head, const char *text)
{
	g_autofree char *line = g_strconcat(head, text, NULL);
	g_autofree char *wrapped = rescue_wrap(line, rescue_terminal_columns(stderr));

	(void)fprintf(stderr, "%s\n", wrapped);
}

void
rescue_say(const RescueCli *cli, const char *format, ...)
{
	va_list args;
	g_autofree char *text = NULL;

	if (cli->quiet)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	tell("", text);
}

bool
rescue_print(const char *text)
{
	return fputs(text, stdout) >= 0 && fflush(stdout) == 0;
}

bool
rescue_print_prose(const char *text)
{
	g_autofree char *wrapped = rescue_wrap(text, rescue_terminal_columns(stdout));

	return rescue_print(wrapped);
}

bool
rescue_print_json(const RescueJson *json)
{
	g_autofree char *text = rescue_json_dump(json);

	return fputs(text, stdout) >= 0 && rescue_print("\n");
}

int
rescue_error_failure(const GError *error)
{
	if (error->domain == RESCUE_ERROR)
		return error->code;
	return error->domain == G_OPTION_ERROR ? RESCUE_ERROR_BAD_INPUT : RESCUE_ERROR_HOST_IO;
}

int
rescue_fail_quietly(GError *error)
{
	g_autoptr(GError) owned = error;

	tell(PROGRAM ": ", owned->message);
	return rescue_failure_exit_status((RescueFailure)rescue_error_failure(owned));
}

int
rescue_fail(const RescueCli *cli, GError *error)
{
	if (cli->json) {
		g_autoptr(RescueJson) json = NULL;
		error->code = rescue_error_failure(error);
		error->domain = RESCUE_ERROR;
		json = rescue_error_to_json(error);
		(void)rescue_print_json(json);
	}
	return rescue_fail_quietly(error);
}

int
rescue_fail_usage(const RescueCli *cli, const char *format, ...)
{
	va_list args;
	GError *error;

	va_start(args, format);
	error = g_error_new_valist(RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT, format, args);
	va_end(args);
	return rescue_fail(cli, error);
}

RescueTable *
rescue_table_new(const char *const *titles)
{
	RescueTable *table = g_new0(RescueTable, 1);

	table->titles = titles;
	table->columns = g_strv_length((char **)titles);
	table->cells = g_ptr_array_new_with_free_func(g_free);
	return table;
}

void
rescue_table_free(RescueTable *table)
{
	if (table == NULL)
		return;
	g_ptr_array_unref(table->cells);
	g_free(table);
}

void
rescue_table_add(RescueTable *table, const char *const *cells)
{
	unsigned i;

	for (i = 0; i < table->columns; i++)
		g_ptr_array_add(table->cells, g_strdup(cells[i] != NULL ? cells[i] : "-"));
}

static glong
column_width(const RescueTable *table, unsigned column)
{
	glong width = g_utf8_strlen(table->titles[column], -1);
	unsigned i;

	for (i = column; i < table->cells->len; i += table->columns)
		width = MAX(width, g_utf8_strlen(table->cells->pdata[i], -1));
	return width;
}

static void
append_cell(GString *text, const char *cell, glong width, bool last)
{
	glong pad = last ? 0 : width - g_utf8_strlen(cell, -1) + 2;

	g_string_append(text, cell);
	for (; pad > 0; pad--)
		g_string_append_c(text, ' ');
	if (last)
		g_string_append_c(text, '\n');
}

char *
rescue_table_format(const RescueTable *table)
{
	GString *text = g_string_new(NULL);
	g_autofree glong *widths = g_new0(glong, table->columns);
	unsigned i;

	for (i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (i = 0; i < table->columns; i++)
		append_cell(text, table->titles[i], widths[i], i + 1 == table->columns);
	for (i = 0; i < table->cells->len; i++)
		append_cell(text, table->cells->pdata[i], widths[i % table->columns],
			    (i + 1) % table->columns == 0);
	return g_string_free(text, FALSE);
}
