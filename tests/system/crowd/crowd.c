/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/process/process.h"
#include "tests/system/crowd/crowd.h"

/*
 * idevicerescue-lab-crowd PHONES: runs in a world of the lab with the phones p0, p1, …; restores all of them at once,
 * watches them meanwhile, and compares what everybody tells. Status 0: nothing was lost.
 */

enum {
	EXIT_LOST = 1,
	EXIT_USAGE = 2,
	MAX_PHONES = 256,
	DEADLINE_S = 60 * 60,
	LOOK_MS = 1000,
	GRACE_MS = 5000,
	SETTLE_LOOKS = 60, /* for the watcher to tell what has happened last */
	PAGE_KB = 4,
	KB_PER_MB = 1024,
};

typedef struct {
	unsigned count;
	CrowdPhone phones[MAX_PHONES];
	RescueProcess *restores[MAX_PHONES];
	RescueProcess *watcher;
	GHashTable *by_ecid; /* → CrowdPhone, borrowed */
	unsigned seen, ended;
	uint64_t peak_kb;
	unsigned peak_processes;
	bool out_of_time;
	int64_t watcher_seq;
	unsigned watcher_gaps;
} Crowd;

/* ---- the watcher ------------------------------------------------------------------------------ */

/* a phone that talks usbmux is "unknown" until it has been asked which of its two modes it is in */
static void
on_watched(const char *line, void *data)
{
	Crowd *crowd = data;
	g_autoptr(RescueJson) event = rescue_json_parse(line, strlen(line), NULL);
	const char *ecid = event != NULL ? rescue_json_get_string(event, "ecid") : NULL;
	const char *mode = event != NULL ? rescue_json_get_string(event, "mode") : NULL;
	int64_t seq = 0;
	if (event != NULL && rescue_json_get_int(event, "seq", &seq)) {
		crowd->watcher_gaps += seq != crowd->watcher_seq + 1;
		crowd->watcher_seq = seq;
	}
	CrowdPhone *phone = ecid != NULL ? g_hash_table_lookup(crowd->by_ecid, ecid) : NULL;
	if (phone == NULL || mode == NULL || strcmp(mode, "unknown") == 0)
		return;
	crowd->seen += phone->watched->len == 0;
	g_autofree char *word = g_strconcat(mode, " ", NULL);
	if (!g_str_has_suffix(phone->watched->str, word))
		g_string_append(phone->watched, word);
}

static void
watch(Crowd *crowd)
{
	static const char *const argv[] = { "idevicerescue", "--json", "devices", "--watch", NULL };
	g_autoptr(GError) error = NULL;
	crowd->watcher = rescue_process_start(&(RescueProcessSpec){ .argv = argv,
								    .inherit_fd = -1,
								    .on_line = on_watched,
								    .data = crowd },
					      &error);
	g_assert_no_error(error);
	while (crowd->seen < crowd->count && !crowd->out_of_time)
		g_main_context_iteration(NULL, TRUE);
}

/* ---- the restores ----------------------------------------------------------------------------- */

typedef struct {
	Crowd *crowd;
	unsigned index;
} Slot;

static void
on_restored(int status, int signal, void *data)
{
	const Slot *slot = data;
	slot->crowd->phones[slot->index].status = signal != 0 ? 128 + signal : status;
	slot->crowd->ended++;
}

static void
restore(Crowd *crowd, Slot *slot)
{
	const CrowdPhone *phone = &crowd->phones[slot->index];
	g_autofree char *policy = g_build_filename(g_getenv("LAB_SCENARIO_DIR"), "crowd.policy",
						   NULL);
	g_autofree char *output = g_strconcat(phone->events, ".told", NULL);
	const char *const argv[] = { "idevicerescue",
				     "restore",
				     "--ecid",
				     phone->ecid,
				     "--ipsw",
				     g_getenv("LAB_FIRMWARE_F"),
				     "--erase",
				     "--unattended",
				     "--policy",
				     policy,
				     "--events",
				     phone->events,
				     NULL };
	g_autoptr(GError) error = NULL;
	crowd->restores[slot->index] =
	    rescue_process_start(&(RescueProcessSpec){ .argv = argv,
						       .output_path = output,
						       .inherit_fd = -1,
						       .on_exit = on_restored,
						       .data = slot },
				 &error);
	g_assert_no_error(error);
}

/* ---- what it takes ---------------------------------------------------------------------------- */

/* memory that this process has for itself, in kB */
static uint64_t
private_kb(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/statm", pid);
	g_autofree char *text = NULL;
	uint64_t resident = 0, shared = 0;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	g_auto(GStrv) fields = g_strsplit(text, " ", 4);
	if (g_strv_length(fields) < 3 ||
	    !rescue_parse_uint(fields[1], 0, G_MAXUINT32, &resident, NULL) ||
	    !rescue_parse_uint(fields[2], 0, G_MAXUINT32, &shared, NULL))
		return 0;
	return (resident - MIN(shared, resident)) * PAGE_KB;
}

/* of this process and all below it */
static void
add_tree(const char *pid, uint64_t *kb, unsigned *processes)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/task/%s/children", pid, pid);
	g_autofree char *text = NULL;
	*kb += private_kb(pid);
	*processes += 1;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	g_auto(GStrv) children = g_strsplit(g_strchomp(text), " ", -1);
	for (char **child = children; *child != NULL && **child != '\0'; child++)
		add_tree(*child, kb, processes);
}

static gboolean
on_look(void *data)
{
	Crowd *crowd = data;
	g_autofree char *lab = g_strdup_printf("%d", (int)getppid());
	uint64_t kb = 0;
	unsigned processes = 0;
	add_tree(lab, &kb, &processes);
	crowd->peak_kb = MAX(crowd->peak_kb, kb);
	crowd->peak_processes = MAX(crowd->peak_processes, processes);
	return G_SOURCE_CONTINUE;
}

static double
cpu_seconds(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 0;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
}

/* ---- all together ----------------------------------------------------------------------------- */

static gboolean
on_deadline(void *data)
{
	Crowd *crowd = data;
	crowd->out_of_time = true;
	return G_SOURCE_REMOVE;
}

static bool
meet(Crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		CrowdPhone *phone = &crowd->phones[i];
		g_autofree char *variable = g_strdup_printf("LAB_ECID_P%u", i);
		guint64 ecid = 0;
		const char *text = g_getenv(variable);
		if (text == NULL)
			return false;
		ecid = g_ascii_strtoull(text, NULL, 0);
		phone->name = g_strdup_printf("p%u", i);
		phone->ecid = g_strdup_printf("0x%016" G_GINT64_MODIFIER "X", ecid);
		phone->events = g_strdup_printf("%s/events-%s", g_getenv("LAB_DIR"), phone->name);
		phone->status = -1;
		phone->watched = g_string_new(NULL);
		phone->state = g_getenv("XDG_STATE_HOME");
		g_hash_table_insert(crowd->by_ecid, phone->ecid, phone);
	}
	return true;
}

/* the watcher may be the last to tell of the last boot */
static bool
everybody_is_back(const Crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		if (!g_str_has_suffix(crowd->phones[i].watched->str, "normal "))
			return false;
	}
	return true;
}

static void
restore_all(Crowd *crowd)
{
	g_autofree Slot *slots = g_new0(Slot, crowd->count);
	guint look = g_timeout_add(LOOK_MS, on_look, crowd);
	for (unsigned i = 0; i < crowd->count; i++) {
		slots[i] = (Slot){ crowd, i };
		restore(crowd, &slots[i]);
	}
	while (crowd->ended < crowd->count && !crowd->out_of_time)
		g_main_context_iteration(NULL, TRUE);
	for (unsigned i = 0; i < SETTLE_LOOKS && !everybody_is_back(crowd); i++)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(look);
	for (unsigned i = 0; i < crowd->count; i++)
		rescue_process_free(crowd->restores[i]);
}

static unsigned
judge(const Crowd *crowd)
{
	g_autoptr(GHashTable) modes = crowd_record_modes(g_getenv("LAB_RECORD"));
	g_autoptr(GPtrArray) complaints = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < crowd->count; i++) {
		const CrowdPhone *phone = &crowd->phones[i];
		crowd_judge(phone, g_hash_table_lookup(modes, phone->name), complaints);
	}
	for (guint i = 0; i < complaints->len; i++)
		printf("lost: %s\n", (const char *)g_ptr_array_index(complaints, i));
	if (crowd->watcher_gaps > 0)
		printf("lost: %u numbers of the watcher's events\n", crowd->watcher_gaps);
	return complaints->len + crowd->watcher_gaps;
}

static void
tell_figures(const Crowd *crowd, double seconds)
{
	unsigned most_ms = 0;
	unsigned late = crowd_record_late(g_getenv("LAB_RECORD"), &most_ms);
	printf("figures: %u phones in %.0f s, %.0f s of processor time, at most %u processes with "
	       "%u MB of their own; the watcher told %d events; the lab was late %u times, at most "
	       "%u ms\n",
	       crowd->count, seconds, cpu_seconds(), crowd->peak_processes,
	       (unsigned)(crowd->peak_kb / KB_PER_MB), (int)crowd->watcher_seq, late, most_ms);
}

static int
run(Crowd *crowd)
{
	int64_t begin_us = g_get_monotonic_time();
	(void)g_timeout_add_seconds(DEADLINE_S, on_deadline, crowd);
	watch(crowd);
	restore_all(crowd);
	double seconds = (double)(g_get_monotonic_time() - begin_us) / G_USEC_PER_SEC;
	unsigned lost = judge(crowd);
	rescue_process_end(crowd->watcher, GRACE_MS);
	while (rescue_process_is_running(crowd->watcher))
		g_main_context_iteration(NULL, TRUE);
	rescue_process_free(crowd->watcher);
	tell_figures(crowd, seconds);
	return lost > 0 || crowd->out_of_time ? EXIT_LOST : 0;
}

int
main(int argc, char **argv)
{
	uint64_t count = 0;
	if (argc != 2 || !rescue_parse_uint(argv[1], 1, MAX_PHONES, &count, NULL)) {
		fprintf(stderr, "usage: idevicerescue-lab-crowd PHONES (1 to %d)\n", MAX_PHONES);
		return EXIT_USAGE;
	}
	g_autofree Crowd *crowd = g_new0(Crowd, 1);
	crowd->count = (unsigned)count;
	crowd->by_ecid = g_hash_table_new(g_str_hash, g_str_equal);
	int status = meet(crowd) ? run(crowd) : EXIT_USAGE;
	if (status == EXIT_USAGE)
		fprintf(stderr, "idevicerescue-lab-crowd: this world has fewer phones\n");
	g_hash_table_unref(crowd->by_ecid);
	for (unsigned i = 0; i < crowd->count; i++) {
		CrowdPhone *phone = &crowd->phones[i];
		g_free(phone->name);
		g_free(phone->ecid);
		g_free(phone->events);
		if (phone->watched != NULL)
			g_string_free(phone->watched, TRUE);
	}
	return status;
}
