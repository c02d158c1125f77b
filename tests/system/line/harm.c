/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/process/fd.h"
#include "tests/system/line/line.h"

enum {
	LOOK_MS = 20, /* an agent lives for a fifth of a second */
	STOPPED_S = 30,
	TROUBLE_S = 10, /* a disk is full, or read-only, for so long */
	HUB_OFF_MS = 2000,
	RUBBISH_MS = 1500,
	PORTS_OF_HUB = 8,
	SPARE_HUB = 31, /* LINE_SPARE_PORTS are there */
	FILL = 1 << 16,
};

struct LineHarm {
	Line *line;
	const LineHarmKind *kind;
	bool done;
};

/* ---- processes ---------------------------------------------------------------------------------- */

typedef struct {
	pid_t pid, parent;
	char **argv;
	char *ecid; /* of its phone, as journals tell it; NULL: of none */
} Found;

static void
free_found(void *data)
{
	Found *found = data;
	g_strfreev(found->argv);
	g_free(found->ecid);
	g_free(found);
}

/* Caller frees. */
static char *
read_proc(const char *pid, const char *name, size_t *ret_size)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/%s", pid, name);
	char *text = NULL;
	return g_file_get_contents(path, &text, ret_size, NULL) ? text : NULL;
}

/* "a\0b\0". Caller frees. */
static char **
read_argv(const char *pid)
{
	size_t size = 0;
	g_autofree char *text = read_proc(pid, "cmdline", &size);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (const char *at = text; at != NULL && at < text + size; at += strlen(at) + 1)
		g_ptr_array_add(words, g_strdup(at));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_steal(words, NULL);
}

/* This world's: others may run at the same time. */
static bool
is_ours(const char *pid)
{
	size_t size = 0;
	g_autofree char *text = read_proc(pid, "environ", &size);
	g_autofree char *wanted = g_strdup_printf("LAB_DIR=%s", g_getenv("LAB_DIR"));
	for (const char *at = text; at != NULL && at < text + size; at += strlen(at) + 1) {
		if (strcmp(at, wanted) == 0)
			return true;
	}
	return false;
}

static pid_t
read_parent(const char *pid)
{
	g_autofree char *text = read_proc(pid, "stat", NULL);
	const char *rest = text != NULL ? strrchr(text, ')') : NULL;
	return rest != NULL && strlen(rest) > 4 ? (pid_t)g_ascii_strtoll(rest + 4, NULL, 10) : 0;
}

static char *
phone_of(const Line *line, char **argv)
{
	for (char **word = argv; *word != NULL; word++) {
		for (unsigned i = 0; i < line->phones; i++) {
			g_autofree char *ecid = line_ecid(i);
			g_autofree char *udid = g_strdup_printf("LAB_UDID_P%u", i);
			if (strcmp(*word, ecid) == 0 || g_strcmp0(*word, g_getenv(udid)) == 0)
				return g_steal_pointer(&ecid);
		}
	}
	return NULL;
}

static GPtrArray *
find_processes(const Line *line)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(free_found);
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	const char *pid;
	while (dir != NULL && (pid = g_dir_read_name(dir)) != NULL) {
		if (!g_ascii_isdigit(pid[0]))
			continue;
		g_auto(GStrv) argv = read_argv(pid);
		if (argv[0] == NULL || strstr(argv[0], "idevicere") == NULL || !is_ours(pid))
			continue;
		Found *found = g_new0(Found, 1);
		found->pid = (pid_t)g_ascii_strtoll(pid, NULL, 10);
		found->parent = read_parent(pid);
		found->ecid = phone_of(line, argv);
		found->argv = g_steal_pointer(&argv);
		g_ptr_array_add(all, found);
	}
	return all;
}

/* What does not name its phone works for the one that its parent works for. */
static const char *
phone_of_process(const GPtrArray *all, const Found *found)
{
	for (unsigned i = 0; found->ecid == NULL && i < all->len; i++) {
		const Found *parent = all->pdata[i];
		if (parent->pid == found->parent)
			return parent->ecid;
	}
	return found->ecid;
}

static bool
has_mark(const Found *found, const char *mark)
{
	g_autofree char *program = g_path_get_basename(found->argv[0]);
	if (strcmp(program, "idevicerestore") == 0)
		return strcmp(mark, program) == 0 && found->ecid != NULL;
	return strcmp(mark, program) == 0 ||
	       g_strv_contains((const char *const *)found->argv, mark);
}

static bool
has_process(const GPtrArray *all, const char *ecid, const char *mark)
{
	for (unsigned i = 0; i < all->len; i++) {
		if (has_mark(all->pdata[i], mark) &&
		    g_strcmp0(phone_of_process(all, all->pdata[i]), ecid) == 0)
			return true;
	}
	return false;
}

/* ---- who is struck ------------------------------------------------------------------------------ */

static unsigned
choose(const Line *line, unsigned count)
{
	return (unsigned)g_rand_int_range(line->dice, 0, (int)count);
}

/* Not more phones than wanted. */
static bool
may_strike(const Line *line, const char *ecid)
{
	return ecid != NULL && (g_hash_table_contains(line->harmed, ecid) ||
				g_hash_table_size(line->harmed) < line->victims);
}

static void
note(const LineHarm *harm, const char *ecid, bool noticed, const char *what)
{
	printf("harmed: %s: %s %s\n", harm->kind->word, ecid, what);
	if (noticed)
		g_hash_table_add(harm->line->harmed, g_strdup(ecid));
}

/* A process with this mark, of a phone that may be struck. Borrowed from `all`. */
static const Found *
choose_process(const LineHarm *harm, const GPtrArray *all, const char *mark)
{
	g_autoptr(GPtrArray) fit = g_ptr_array_new();
	for (unsigned i = 0; i < all->len; i++) {
		const Found *found = all->pdata[i];
		if (has_mark(found, mark) && may_strike(harm->line, phone_of_process(all, found)))
			g_ptr_array_add(fit, all->pdata[i]);
	}
	return fit->len > 0 ? fit->pdata[choose(harm->line, fit->len)] : NULL;
}

static bool
send_signal(LineHarm *harm)
{
	g_autoptr(GPtrArray) all = find_processes(harm->line);
	const Found *found = choose_process(harm, all, harm->kind->mark);
	if (found == NULL || kill(found->pid, harm->kind->signal) != 0)
		return false;
	g_autofree char *words = g_strjoinv(" ", found->argv);
	g_autofree char *what = g_strdup_printf("process %d: %.120s", (int)found->pid, words);
	note(harm, phone_of_process(all, found), true, what);
	return true;
}

/* A phone whose job runs, with or without its engine. Caller frees; NULL: there is none at this moment. */
static char *
choose_phone(const LineHarm *harm, bool engine, const char *but)
{
	g_autoptr(GPtrArray) all = find_processes(harm->line);
	g_autoptr(GPtrArray) fit = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < harm->line->phones; i++) {
		g_autofree char *ecid = line_ecid(i);
		const LinePhone *phone = g_hash_table_lookup(harm->line->states, ecid);
		bool waits = phone != NULL && (g_strcmp0(phone->state, "queued") == 0 ||
					       g_strcmp0(phone->state, "running") == 0);
		if (waits && has_process(all, ecid, "idevicerestore") == engine &&
		    (engine ? may_strike(harm->line, ecid) : g_strcmp0(but, ecid) != 0))
			g_ptr_array_add(fit, g_steal_pointer(&ecid));
	}
	return fit->len > 0 ? g_strdup(fit->pdata[choose(harm->line, fit->len)]) : NULL;
}

/* ---- what befalls phones ------------------------------------------------------------------------ */

void
line_tell_lab(const char *ecid, const char *deed)
{
	g_autofree char *line = g_strdup_printf("p%u %s\n", line_number(ecid), deed);
	int fd = open(g_getenv("LAB_CONTROL"), O_WRONLY | O_CLOEXEC);
	if (write(fd, line, strlen(line)) < 0)
		printf("the lab does not take “%s”: %s\n", line, g_strerror(errno));
	rescue_fd_clear(&fd);
}

static bool
move(LineHarm *harm, bool engine)
{
	g_autofree char *ecid = choose_phone(harm, engine, NULL);
	if (ecid == NULL || harm->line->moved >= LINE_SPARE_PORTS)
		return false;
	g_autofree char *deed = g_strdup_printf("move to 1-%d.%u for 500 ms", SPARE_HUB,
						++harm->line->moved);
	line_tell_lab(ecid, deed);
	note(harm, ecid, engine, deed);
	return true;
}

static bool
move_early(LineHarm *harm)
{
	return move(harm, false);
}

static bool
move_late(LineHarm *harm)
{
	return move(harm, true);
}

/* One is moved to a free port for a moment, so that no port has two. */
static bool
swap_early(LineHarm *harm)
{
	g_autofree char *first = choose_phone(harm, false, NULL);
	g_autofree char *second = choose_phone(harm, false, first);
	if (first == NULL || second == NULL)
		return false;
	unsigned one = line_number(first), other = line_number(second);
	g_autofree char *to_other = g_strdup_printf("move to 1-%u.%u for 900 ms",
						    1 + other / PORTS_OF_HUB,
						    1 + other % PORTS_OF_HUB);
	g_autofree char *to_one = g_strdup_printf("move to 1-%u.%u for 700 ms",
						  1 + one / PORTS_OF_HUB, 1 + one % PORTS_OF_HUB);
	line_tell_lab(first, to_other);
	line_tell_lab(second, to_one);
	note(harm, first, false, to_other);
	note(harm, second, false, to_one);
	return true;
}

static bool
unplug(LineHarm *harm)
{
	g_autofree char *ecid = choose_phone(harm, true, NULL);
	if (ecid == NULL)
		return false;
	line_tell_lab(ecid, "unplug");
	note(harm, ecid, true, "for ever");
	return true;
}

static bool
unplug_hub(LineHarm *harm)
{
	unsigned hubs = (harm->line->phones + PORTS_OF_HUB - 1) / PORTS_OF_HUB;
	unsigned hub = choose(harm->line, hubs) * PORTS_OF_HUB;
	g_autofree char *deed = g_strdup_printf("unplug for %d ms", HUB_OFF_MS);
	for (unsigned i = hub; i < MIN(hub + PORTS_OF_HUB, harm->line->phones); i++) {
		g_autofree char *ecid = line_ecid(i);
		line_tell_lab(ecid, deed);
		note(harm, ecid, true, deed);
	}
	return true;
}

/* ---- what befalls the daemon and its disk ------------------------------------------------------- */

static bool
stands_still(const Found *found)
{
	g_autofree char *pid = g_strdup_printf("%d", (int)found->pid);
	g_autofree char *text = read_proc(pid, "stat", NULL);
	return text != NULL && strstr(text, ") T ") != NULL;
}

/* Nobody has to notice: its engine goes on, without a turn, and finds another supervisor. */
static bool
kill_holder(LineHarm *harm)
{
	g_autoptr(GPtrArray) all = find_processes(harm->line);
	const Found *held = NULL;
	for (unsigned i = 0; i < all->len && held == NULL; i++) {
		const Found *found = all->pdata[i];
		if (has_mark(found, "idevicerestore") && stands_still(found))
			held = found;
	}
	if (held == NULL || held->ecid == NULL || kill(held->parent, SIGKILL) != 0)
		return false;
	harm->line->loose = line_number(held->ecid);
	note(harm, held->ecid, false, "loses its job while its engine stands still");
	return true;
}

/* Half a line at the end of a journal whose writer is dead. */
static bool
tear_journal(LineHarm *harm)
{
	g_autoptr(GPtrArray) all = find_processes(harm->line);
	const Found *found = choose_process(harm, all, "restore");
	if (found == NULL || kill(found->pid, SIGKILL) != 0)
		return false;
	const char *ecid = phone_of_process(all, found);
	const LinePhone *phone = g_hash_table_lookup(harm->line->states, ecid);
	g_autofree char *path = rescue_journal_path(harm->line->state, phone->job, NULL);
	static const char half[] = "{\"v\":1,\"seq\":99,\"ts\":\"20";
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	bool torn = write(fd, half, strlen(half)) > 0;
	rescue_fd_clear(&fd);
	note(harm, ecid, true, torn ? path : "has no journal yet");
	return true;
}

static gboolean
on_continue(void *data)
{
	(void)kill(GPOINTER_TO_INT(data), SIGCONT);
	return G_SOURCE_REMOVE;
}

static bool
stop_daemon(LineHarm *harm)
{
	pid_t pid = rescue_process_pid(harm->line->daemon);
	if (!rescue_process_is_running(harm->line->daemon) || kill(pid, SIGSTOP) != 0)
		return false;
	(void)g_timeout_add_seconds(STOPPED_S, on_continue, GINT_TO_POINTER(pid));
	note(harm, "the daemon", false, "stands still");
	return true;
}

static void
on_second_end(int status, int signal, void *data)
{
	printf("harmed: the second daemon ended with %d, signal %d\n", status, signal);
}

static bool
start_second(LineHarm *harm)
{
	rescue_process_free(harm->line->second);
	harm->line->second = line_start_daemon(harm->line, on_second_end);
	note(harm, "a second daemon", false, "is started");
	return true;
}

static gboolean
on_mended(void *data)
{
	const Line *line = data;
	line_write_station(line);
	(void)kill(rescue_process_pid(line->daemon), SIGHUP);
	return G_SOURCE_REMOVE;
}

static bool
write_rubbish(LineHarm *harm)
{
	char rubbish[FILL / 16];
	for (size_t i = 0; i < sizeof rubbish; i++)
		rubbish[i] = (char)choose(harm->line, 256);
	(void)g_file_set_contents(harm->line->station, rubbish, sizeof rubbish, NULL);
	(void)kill(rescue_process_pid(harm->line->daemon), SIGHUP);
	(void)g_timeout_add(RUBBISH_MS, on_mended, harm->line);
	note(harm, "the station file", false, "is rubbish for a moment");
	return true;
}

static gboolean
on_room(void *data)
{
	g_autofree char *filler = g_build_filename(((const Line *)data)->state, "filler", NULL);
	(void)unlink(filler);
	return G_SOURCE_REMOVE;
}

/* All share it. */
static void
note_disk(const LineHarm *harm, const char *what)
{
	for (unsigned i = 0; i < harm->line->phones; i++) {
		g_autofree char *ecid = line_ecid(i);
		note(harm, ecid, true, what);
	}
}

static bool
fill_disk(LineHarm *harm)
{
	static const char zeros[FILL];
	g_autofree char *filler = g_build_filename(harm->line->state, "filler", NULL);
	size_t size = sizeof zeros;
	int fd = harm->line->disk > 0 ? open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return false;
	while (size > 0) {
		if (write(fd, zeros, size) <= 0)
			size /= 2;
	}
	rescue_fd_clear(&fd);
	(void)g_timeout_add_seconds(TROUBLE_S, on_room, harm->line);
	note_disk(harm, "has a full disk for a while");
	return true;
}

static gboolean
on_writable(void *data)
{
	(void)umount2(((const Line *)data)->state, MNT_DETACH);
	return G_SOURCE_REMOVE;
}

/* What is open can still be written: a disk with errors is no different. */
static bool
protect_disk(LineHarm *harm)
{
	const char *state = harm->line->state;
	if (harm->line->disk == 0 || mount(state, state, NULL, MS_BIND, NULL) != 0 ||
	    mount(NULL, state, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
		return false;
	(void)g_timeout_add_seconds(TROUBLE_S, on_writable, harm->line);
	note_disk(harm, "has a disk that is read-only for a while");
	return true;
}

void
line_mount_disk(const Line *line)
{
	g_autofree char *size = g_strdup_printf("size=%uk", line->disk);
	g_assert_cmpint(g_mkdir_with_parents(line->state, 0700), ==, 0);
	if (line->disk > 0)
		g_assert_cmpint(mount("none", line->state, "tmpfs", 0, size), ==, 0);
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static const LineHarmKind kinds[] = {
#define LINE_SIGNAL(word, mark, signal) { word, send_signal, mark, signal },
#define LINE_DEED(word, function)       { word, function, NULL, 0 },
#include "tests/system/line/harm.def"
#undef LINE_SIGNAL
#undef LINE_DEED
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == LINE_HARM_KINDS);

unsigned *
line_harm_option(Line *line, const char *word, size_t *ret_size)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		size_t size = strlen(kinds[i].word);
		if (strncmp(word, kinds[i].word, size) != 0 || word[size] != '=')
			continue;
		*ret_size = size + 1;
		return &line->harms[i];
	}
	return NULL;
}

static gboolean
on_harm(void *data)
{
	LineHarm *harm = data;
	if (harm->line->stopping)
		return G_SOURCE_REMOVE;
	harm->done = harm->kind->strike(harm);
	return !harm->done;
}

static gboolean
on_due(void *data)
{
	if (on_harm(data))
		(void)g_timeout_add(LOOK_MS, on_harm, data);
	return G_SOURCE_REMOVE;
}

void
line_harm_begin(Line *line)
{
	line->dice = g_rand_new_with_seed(line->seed);
	line->harmed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	line->pending = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		for (unsigned n = 0; n < line->harms[i]; n++) {
			LineHarm *harm = g_new0(LineHarm, 1);
			*harm = (LineHarm){ .line = line, .kind = &kinds[i] };
			g_ptr_array_add(line->pending, harm);
			(void)g_timeout_add(line->after_ms + choose(line, line->within_ms + 1),
					    on_due, harm);
		}
	}
}

bool
line_is_harmed(const Line *line, const char *ecid)
{
	return g_hash_table_contains(line->harmed, ecid);
}

bool
line_may_refuse(const Line *line)
{
	bool rubbish = false;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		rubbish |= kinds[i].strike == write_rubbish && line->harms[i] > 0;
	return rubbish || line->disk > 0;
}

unsigned
line_harm_end(Line *line)
{
	unsigned missed = 0;
	for (unsigned i = 0; i < line->pending->len; i++) {
		const LineHarm *harm = line->pending->pdata[i];
		if (harm->done)
			continue;
		printf("lost: %s never came about\n", harm->kind->word);
		missed++;
	}
	return missed;
}

void
line_harm_free(Line *line)
{
	rescue_process_free(line->second);
	g_ptr_array_unref(line->pending);
	g_hash_table_unref(line->harmed);
	g_rand_free(line->dice);
}
