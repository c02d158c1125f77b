/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/client/screen.h"

#include <string.h>

#include "cli/common/wrap.h"

#define RESET       "\033[0m"
#define BOLD        "\033[1m"
#define LOUD        "\033[1;30;43m"
#define BAR         10u
#define CELL        19u /* columns that a slot without a line of its own takes at least */
#define MAX_CELL    38u
#define MAX_PROMPTS 3u /* lines of a screen that prompts leave to the slots: a third */
#define NARROW      60u

static const struct {
	const char *state, *sign, *brief, *escape;
} signs[] = {
#define RESCUE_STATE_SIGN(state, sign, brief, escape) { state, sign, brief, escape },
#include "cli/line/client/state-sign.def"
#undef RESCUE_STATE_SIGN
};

/** A screen that is being made. */
typedef struct {
	const RescueScreen *screen;
	GPtrArray *lines; /* char * */
} Page;

static const char *
get(const RescueJson *object, const char *key)
{
	const char *text = object != NULL ? rescue_json_get_string(object, key) : NULL;

	return text != NULL ? text : "";
}

static size_t
sign_of(const RescueJson *slot)
{
	const char *state = get(slot, "state");

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
		if (strcmp(signs[i].state, state) == 0)
			return i;
	}
	return G_N_ELEMENTS(signs) - 1;
}

char *
rescue_screen_fit(const char *text, size_t columns)
{
	GString *line = g_string_new(NULL);
	size_t n = 0;

	for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (n == columns) {
			char *last = g_utf8_find_prev_char(line->str, line->str + line->len);
			g_string_truncate(line, last != NULL ? (gsize)(last - line->str) : 0);
			g_string_append(line, columns > 0 ? "…" : "");
			break;
		}
		g_string_append_unichar(line, g_unichar_iscntrl(c) ? '?' : c);
		n++;
	}
	return g_string_free(line, FALSE);
}

static void
pad_to(GString *line, size_t columns)
{
	for (glong n = g_utf8_strlen(line->str, -1); n < (glong)columns; n++)
		g_string_append_c(line, ' ');
}

static void
append_fit(GString *line, const char *text, size_t columns, size_t width)
{
	g_autofree char *cell = rescue_screen_fit(text, columns);
	g_autoptr(GString) padded = g_string_new(cell);

	pad_to(padded, width);
	g_string_append(line, padded->str);
}

/* takes the line over, and cuts it to the screen; `escape` "" or without color: as it is */
static void
add(Page *page, char *line, const char *escape)
{
	bool colored = page->screen->color && *escape != '\0';
	g_autofree char *whole = line;
	g_autofree char *cut = rescue_screen_fit(whole, page->screen->columns);

	g_ptr_array_add(page->lines,
			colored ? g_strconcat(escape, cut, RESET, NULL) : g_steal_pointer(&cut));
}

/* "46 min", "2 h 05": since then; "" when it is not said. Caller frees */
static char *
age(const RescueJson *slot, const char *key, int64_t wall_us)
{
	const char *text = get(slot, key);
	g_autoptr(GDateTime) then = *text != '\0' ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	int64_t minutes;

	if (then == NULL)
		return g_strdup("");
	minutes = MAX(wall_us / G_USEC_PER_SEC - g_date_time_to_unix(then), 0) / 60;
	if (minutes < 60)
		return g_strdup_printf("%d min", (int)minutes);
	return g_strdup_printf("%" G_GINT64_FORMAT " h %02d", minutes / 60, (int)(minutes % 60));
}

/* how far its job is; "" when it has none that runs. Caller frees */
static char *
progress(const RescueJson *slot, bool with_bar)
{
	g_autoptr(GString) text = g_string_new(NULL);
	double fraction = -1;

	if (strcmp(get(slot, "state"), "running") != 0 ||
	    !rescue_json_get_real(slot, "fraction", &fraction))
		return g_strdup("");
	for (unsigned i = 0; with_bar && i < BAR; i++)
		g_string_append_c(text, fraction * BAR >= i + 0.5 ? '#' : '.');
	if (fraction > 0)
		g_string_append_printf(text, "%s%3.0f %%", with_bar ? " " : "",
				       CLAMP(fraction, 0, 1) * 100);
	return g_strdup(text->str);
}

static const char *
first_of(const RescueJson *slot, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		if (*get(slot, *keys) != '\0')
			return get(slot, *keys);
	}
	return "";
}

/* the words that matter most about a slot in its state */
static const char *
words_of(const RescueJson *slot)
{
	static const char *const running[] = { "waits", "doing", "phase", NULL };
	static const char *const others[] = { "prompt", "waits", "why", "text", NULL };
	bool runs = strcmp(get(slot, "state"), "running") == 0;

	return first_of(slot, runs ? running : others);
}

static const char *
phone_of(const RescueJson *slot)
{
	static const char *const keys[] = { "model", "product", "ecid", NULL };

	return first_of(slot, keys);
}

/* sections */

/* what does not fit is left out as a whole, the last first */
static void
append_part(GString *line, const Page *page, const char *part)
{
	if (g_utf8_strlen(line->str, -1) + g_utf8_strlen(part, -1) <= (glong)page->screen->columns)
		g_string_append(line, part);
}

static void
append_counts(GString *line, const Page *page, const RescueJson *counts)
{
	g_autofree char *hour = NULL;
	double yield = -1;

	if (counts == NULL)
		return;
	hour = g_strdup_printf(" · %" G_GINT64_FORMAT " in the last hour",
			       rescue_json_get_int_or(counts, "last_hour", 0));
	append_part(line, page, hour);
	if (rescue_json_get_real(counts, "yield", &yield) && yield >= 0) {
		g_autofree char *text = g_strdup_printf(" · yield %.0f %%", yield * 100);
		append_part(line, page, text);
	}
}

static void
add_head(Page *page, const RescueJson *station)
{
	static const char *const shown[] = { "needs-operator", "running", "queued", "failed",
					     "quarantined",    "passed",  "parked" };
	const RescueJson *states = rescue_json_get(station, "states");
	g_autoptr(GString) line = g_string_new(get(station, "station"));

	append_counts(line, page, rescue_json_get(station, "counts"));
	for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
		int64_t n = rescue_json_get_int_or(states, shown[i], 0);
		g_autofree char *part = g_strdup_printf(" · %" G_GINT64_FORMAT " %s", n, shown[i]);
		if (n > 0)
			append_part(line, page, part);
	}
	add(page, g_strdup(line->str), BOLD);
}

static char *
join_labels(const RescueJson *prompt)
{
	const RescueJson *slots = rescue_json_get(prompt, "slots");
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < rescue_json_length(slots); i++) {
		const char *label = rescue_json_text(rescue_json_at(slots, i));
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", label != NULL ? label : "");
	}
	return g_strdup(text->str);
}

/* what a person must do now: as many of them as a third of the screen takes */
static void
add_prompts(Page *page, const RescueJson *station)
{
	const RescueJson *prompts = rescue_json_get(station, "prompts");
	unsigned room = MAX(page->screen->rows / MAX_PROMPTS, 3), before = page->lines->len;
	size_t n = rescue_json_length(prompts);

	for (size_t i = 0; i < n; i++) {
		const RescueJson *prompt = rescue_json_at(prompts, i);
		g_autofree char *labels = join_labels(prompt);
		g_autofree char *text = g_strdup_printf(" ! %s: %s", labels, get(prompt, "text"));
		g_autofree char *wrapped = rescue_wrap(text, MAX(page->screen->columns, 20));
		g_auto(GStrv) lines = g_strsplit(wrapped, "\n", -1);
		unsigned used = page->lines->len - before;
		if (used > 0 && used + g_strv_length(lines) + 1 > room) {
			add(page, g_strdup_printf(" ! and %zu more: needs-operator below", n - i),
			    LOUD);
			return;
		}
		for (size_t k = 0; lines[k] != NULL; k++)
			add(page, g_strdup(lines[k]), LOUD);
	}
}

static void
add_out_of_use(Page *page, const RescueJson *station)
{
	const RescueJson *places = rescue_json_get(station, "places");

	for (size_t i = 0; i < rescue_json_length(places); i++) {
		const RescueJson *place = rescue_json_at(places, i);
		bool out = rescue_json_get_bool(place, "out_of_use", false);
		bool suspicious = strcmp(get(place, "standing"), "good") != 0;
		g_autofree char *text = NULL;
		if (!out && !suspicious)
			continue;
		text = g_strdup_printf("%s %s %s: %s", get(place, "kind"), get(place, "label"),
				       out ? "is out of use" : "is suspicious",
				       get(place, "sentence"));
		add(page, g_steal_pointer(&text), out ? "\033[31m" : "");
	}
}

/* slots, each on a line of its own */

static size_t
label_width(const RescueJson *slots)
{
	glong width = 2;

	for (size_t i = 0; i < rescue_json_length(slots); i++)
		width = MAX(width, g_utf8_strlen(get(rescue_json_at(slots, i), "label"), -1));
	return (size_t)MIN(width, 12);
}

static char *
slot_line(const RescueJson *slot, size_t labels, const RescueScreen *screen)
{
	g_autoptr(GString) line = g_string_new(NULL);
	bool narrow = screen->columns < NARROW;
	g_autofree char *how_far = progress(slot, !narrow);
	g_autofree char *since = age(slot, "since", screen->wall_us);
	size_t rest;

	g_string_append_printf(line, "%s ", signs[sign_of(slot)].sign);
	append_fit(line, get(slot, "label"), labels, labels + 1);
	append_fit(line, get(slot, "state"), 14, 15);
	if (!narrow)
		append_fit(line, phone_of(slot), 16, 17);
	if (*how_far != '\0')
		g_string_append_printf(line, "%s ", how_far);
	rest = (size_t)MAX((int)screen->columns - (int)g_utf8_strlen(line->str, -1), 0);
	if (screen->columns >= 100 && *since != '\0' && rest > 24) {
		append_fit(line, words_of(slot), rest - 12, rest - 11);
		g_string_append_printf(line, "%11s", since);
	} else {
		append_fit(line, words_of(slot), rest, 0);
	}
	return g_strdup(g_strchomp(line->str));
}

/* slots, several on a line */

static char *
slot_cell(const RescueJson *slot, size_t labels, size_t width)
{
	GString *cell = g_string_new(NULL);
	g_autofree char *how_far = progress(slot, false);
	bool runs = strcmp(get(slot, "state"), "running") == 0;
	const char *words = get(slot, width > 28 ? "doing" : "phase");
	size_t rest;

	g_string_append_printf(cell, "%s ", signs[sign_of(slot)].sign);
	append_fit(cell, get(slot, "label"), labels, labels + 1);
	g_string_append(cell, g_strstrip(how_far));
	if (*how_far != '\0')
		g_string_append_c(cell, ' ');
	rest = (size_t)MAX((int)width - 1 - (int)g_utf8_strlen(cell->str, -1), 0);
	append_fit(cell, runs && *words != '\0' ? words : signs[sign_of(slot)].brief, rest, 0);
	pad_to(cell, width);
	return g_string_free(cell, FALSE);
}

/* as they stand on the bench, when the station file says so and it fits; NULL: it does not. Caller frees */
static const RescueJson **
by_place(const RescueJson *slots, size_t across, size_t down)
{
	g_autofree const RescueJson **grid = g_new0(const RescueJson *, across *down);

	for (size_t i = 0; i < rescue_json_length(slots); i++) {
		const RescueJson *slot = rescue_json_at(slots, i);
		int64_t row = rescue_json_get_int_or(slot, "row", 0),
			column = rescue_json_get_int_or(slot, "column", 0);
		if (row < 1 || column < 1 || (size_t)row > down || (size_t)column > across ||
		    grid[(size_t)(row - 1) * across + (size_t)(column - 1)] != NULL)
			return NULL;
		grid[(size_t)(row - 1) * across + (size_t)(column - 1)] = slot;
	}
	return g_steal_pointer(&grid);
}

/* in the order of the file, column after column */
static const RescueJson **
by_order(const RescueJson *slots, size_t across, size_t down)
{
	const RescueJson **grid = g_new0(const RescueJson *, across *down);

	for (size_t i = 0; i < rescue_json_length(slots) && i < across * down; i++)
		grid[i % down * across + i / down] = rescue_json_at(slots, i);
	return grid;
}

/** How slots share lines. */
typedef struct {
	const RescueJson **cells; /* NULL: nothing stands there */
	size_t across, down;
	size_t width, labels; /* columns of a cell, and of its label */
} Grid;

static char *
grid_line(const Grid *grid, size_t row, bool color)
{
	GString *line = g_string_new(NULL);

	for (size_t i = 0; i < grid->across; i++) {
		const RescueJson *slot = grid->cells[row * grid->across + i];
		g_autofree char *cell = slot != NULL ? slot_cell(slot, grid->labels, grid->width)
						     : g_strnfill(grid->width, ' ');
		const char *escape = slot != NULL ? signs[sign_of(slot)].escape : "";
		if (color && *escape != '\0')
			g_string_append_printf(line, "%s%s" RESET, escape, cell);
		else
			g_string_append(line, cell);
	}
	if (!color)
		(void)g_strchomp(line->str);
	return g_string_free(line, FALSE);
}

static size_t
greatest(const RescueJson *slots, const char *key)
{
	int64_t most = 0;

	for (size_t i = 0; i < rescue_json_length(slots); i++)
		most = MAX(most, rescue_json_get_int_or(rescue_json_at(slots, i), key, 0));
	return (size_t)MIN(most, 1000);
}

/* the bench itself where that fits, else the order of the file in as few columns as do */
static void
lay_out(Grid *grid, const RescueJson *slots, size_t columns, size_t room)
{
	size_t n = rescue_json_length(slots), most = columns / CELL;

	grid->across = greatest(slots, "column");
	grid->down = greatest(slots, "row");
	if (grid->across > 0 && grid->across <= most && grid->down <= room)
		grid->cells = by_place(slots, grid->across, grid->down);
	if (grid->cells == NULL) {
		grid->across = CLAMP((n + room - 1) / room, 1, most);
		grid->down = (n + grid->across - 1) / grid->across;
		grid->cells = by_order(slots, grid->across, grid->down);
	}
	grid->width = CLAMP(columns / grid->across, CELL, MAX_CELL);
	grid->labels = label_width(slots);
}

static void
add_grid(Page *page, const RescueJson *slots, size_t room)
{
	Grid grid = { .cells = NULL };

	if (page->screen->columns < CELL) {
		add(page, g_strdup("the window is too small"), "");
		return;
	}
	lay_out(&grid, slots, page->screen->columns, room);
	for (size_t i = 0; i < grid.down && (i + 1 < room || grid.down <= room); i++)
		g_ptr_array_add(page->lines, grid_line(&grid, i, page->screen->color));
	if (grid.down > room)
		add(page, g_strdup("… and more, for which this window has no room"), "");
	g_free(grid.cells);
}

static void
add_slots(Page *page, const RescueJson *slots, size_t room)
{
	size_t labels = label_width(slots), n = rescue_json_length(slots);

	if (n > room) {
		add_grid(page, slots, room);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const RescueJson *slot = rescue_json_at(slots, i);
		add(page, slot_line(slot, labels, page->screen), signs[sign_of(slot)].escape);
	}
}

static char *
join_lines(const GPtrArray *lines, size_t most)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < lines->len && i < most; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "",
				       (const char *)g_ptr_array_index(lines, i));
	return g_string_free(text, FALSE);
}

static void
append_lines(Page *page, const Page *more)
{
	for (unsigned i = 0; i < more->lines->len; i++)
		g_ptr_array_add(page->lines, g_strdup(g_ptr_array_index(more->lines, i)));
}

char *
rescue_screen_draw(const RescueJson *station, const RescueScreen *screen)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) below = g_ptr_array_new_with_free_func(g_free);
	const RescueJson *slots = rescue_json_get(station, "slots");
	Page page = { screen, lines }, foot = { screen, below };
	size_t used;
	bool spare;

	add_head(&page, station);
	add_prompts(&page, station);
	add_out_of_use(&foot, station);
	if (below->len > MAX(screen->rows / 4, 1))
		g_ptr_array_set_size(below, (int)MAX(screen->rows / 4, 1));
	used = lines->len + below->len;
	spare = screen->rows > used + rescue_json_length(slots) + 1;
	if (spare)
		add(&page, g_strdup(""), "");
	add_slots(&page, slots,
		  screen->rows > used + (size_t)spare ? screen->rows - used - (size_t)spare : 1);
	if (spare && below->len > 0)
		add(&page, g_strdup(""), "");
	append_lines(&page, &foot);
	return join_lines(lines, screen->rows);
}

char *
rescue_screen_slot(const RescueJson *slot)
{
	g_autofree char *how_far = progress(slot, false);
	const char *phone = phone_of(slot), *words = words_of(slot);
	g_autofree char *text = g_strdup_printf("%s  %s%s%s%s%s%s%s", get(slot, "label"),
						get(slot, "state"), *phone != '\0' ? ", " : "",
						phone, *words != '\0' ? ": " : "", words,
						*how_far != '\0' ? ", " : "", g_strstrip(how_far));

	return rescue_screen_fit(text, strlen(text));
}

char *
rescue_screen_plain(const RescueJson *station, int64_t wall_us)
{
	const RescueScreen screen = { .columns = 10000, .rows = 10000, .wall_us = wall_us };
	const RescueJson *slots = rescue_json_get(station, "slots");
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	Page page = { &screen, lines };
	g_autofree char *text = NULL;

	add_head(&page, station);
	add_prompts(&page, station);
	for (size_t i = 0; i < rescue_json_length(slots); i++)
		add(&page, rescue_screen_slot(rescue_json_at(slots, i)), "");
	add_out_of_use(&page, station);
	text = join_lines(lines, lines->len);
	return g_strconcat(text, "\n", NULL);
}
