/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/jobs.h"

#include <string.h>
#include <sys/inotify.h>

#include "cli/common/takeover.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/config/config.h"
#include "core/process/lock.h"
#include "core/process/notify.h"
#include "core/process/process.h"
#include "core/store/journal.h"

#define JOURNAL "journal"
#define OUTPUT  "output"
#define NICE \
	5 /* the daemon has little to do, and does it at once when all restores want the processor */
#define MAX_WORDS 400u /* of the last line that a job wrote for people */

struct RescueLineJobs {
	RescueLineJobsSpec spec;
	GHashTable *entries;  /* ECID to Entry */
	GHashTable *policies; /* name to RescuePolicy */
};

/* One job whose process runs. */
typedef struct {
	RescueLineJobs *jobs;
	RescueEcid ecid;
	char *id, *dir;
	RescueJournalTail *tail;
	RescueNotify *news;
	RescueProcess *process;
} Entry;

static void
free_entry(void *data)
{
	Entry *entry = data;

	rescue_process_free(entry->process);
	rescue_notify_free(entry->news);
	rescue_journal_tail_free(entry->tail);
	g_free(entry->id);
	g_free(entry->dir);
	g_free(entry);
}

static void
free_policy(void *policy)
{
	rescue_policy_free(policy);
}

RescueLineJobs *
rescue_line_jobs_new(const RescueLineJobsSpec *spec)
{
	RescueLineJobs *jobs = g_new(RescueLineJobs, 1);

	*jobs = (RescueLineJobs){
		.spec = *spec,
		.entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_entry),
		.policies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_policy),
	};
	return jobs;
}

void
rescue_line_jobs_free(RescueLineJobs *jobs)
{
	if (jobs == NULL)
		return;
	g_hash_table_unref(jobs->entries);
	g_hash_table_unref(jobs->policies);
	g_free(jobs);
}

/* what jobs say */

static void
read_news(Entry *entry)
{
	const RescueLineJobsSpec *spec = &entry->jobs->spec;
	g_autoptr(GPtrArray) events = rescue_journal_tail_read(entry->tail);

	for (unsigned i = 0; i < events->len; i++)
		spec->on_event(entry->ecid, g_ptr_array_index(events, i), spec->data);
}

static void
on_news(const char *name, void *data)
{
	if (name == NULL || strcmp(name, JOURNAL) == 0)
		read_news(data);
}

/* The last line that is not empty. Caller frees; NULL: there is none. */
static char *
last_words(const Entry *entry)
{
	g_autofree char *path = g_build_filename(entry->dir, OUTPUT, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	size_t size = 0;
	unsigned i;

	if (!g_file_get_contents(path, &text, &size, NULL) || !g_utf8_validate(text, -1, NULL))
		return NULL;
	lines = g_strsplit(text, "\n", -1);
	for (i = g_strv_length(lines); i > 0; i--) {
		if (g_strstrip(lines[i - 1])[0] != '\0')
			return g_utf8_substring(lines[i - 1], 0,
						MIN(g_utf8_strlen(lines[i - 1], -1), MAX_WORDS));
	}
	return NULL;
}

static void
on_exit_of(int status, int signal, void *data)
{
	Entry *entry = data;
	RescueLineJobs *jobs = entry->jobs;
	RescueEcid ecid = entry->ecid;
	g_autofree char *words = last_words(entry);

	read_news(entry);
	(void)g_hash_table_remove(jobs->entries, &ecid);
	jobs->spec.on_end(ecid, words, jobs->spec.data);
}

/* processes */

static Entry *
new_entry(RescueLineJobs *jobs, RescueEcid ecid, const char *id, GError **error)
{
	const char *state_dir = jobs->spec.cli->state_dir;
	g_autofree char *dir = rescue_journal_make_job_dir(state_dir, id, error);
	g_autofree char *path = dir != NULL ? g_build_filename(dir, JOURNAL, NULL) : NULL;
	Entry *entry;

	if (dir == NULL)
		return NULL;
	entry = g_new(Entry, 1);
	*entry = (Entry){
		.jobs = jobs,
		.ecid = ecid,
		.id = g_strdup(id),
		.dir = g_steal_pointer(&dir),
		.tail = rescue_journal_tail_new(path),
	};
	entry->news = rescue_notify_new(entry->dir, IN_MODIFY, on_news, entry);
	return entry;
}

static void
keep_entry(Entry *entry)
{
	RescueEcid *key = g_memdup2(&entry->ecid, sizeof(entry->ecid));

	g_hash_table_replace(entry->jobs->entries, key, entry);
}

/* What is said of the firmware, as `restore` takes it. */
static void
add_wish(GPtrArray *argv, const RescueLineJob *job)
{
	const struct {
		const char *option, *value;
	} options[] = {
		{ "--ipsw", job->ipsw },
		{ "--version", job->wish->version },
		{ "--build", job->wish->build },
		{ "--policy", job->policy },
	};

	if (job->wish->latest)
		g_ptr_array_add(argv, g_strdup("--latest"));
	if (job->wish->beta)
		g_ptr_array_add(argv, g_strdup("--beta"));
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		if (options[i].value == NULL)
			continue;
		g_ptr_array_add(argv, g_strdup(options[i].option));
		g_ptr_array_add(argv, g_strdup(options[i].value));
	}
}

static void
add_globals(GPtrArray *argv, const RescueCli *cli)
{
	const struct {
		const char *option, *value;
	} options[] = {
		{ "--state", cli->state_dir },         { "--cache", cli->cache_dir },
		{ "--engine", cli->engine },           { "--signing-server", cli->signing_server },
		{ "--catalog-url", cli->catalog_url }, { "--mirror", cli->mirror },
		{ "--limit-rate", cli->limit_rate },   { "--cache-limit", cli->cache_limit },
		{ "--ca-file", cli->ca_file },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		if (options[i].value == NULL)
			continue;
		g_ptr_array_add(argv, g_strdup(options[i].option));
		g_ptr_array_add(argv, g_strdup(options[i].value));
	}
}

static GPtrArray *
make_argv(const RescueCli *cli, const RescueLineJob *job)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	char ecid[RESCUE_ECID_TEXT];
	const char *const words[] = {
		cli->program,
		"restore",
		"--line",
		job->id,
		"--ecid",
		rescue_ecid_format(job->ecid, ecid),
		"--quiet",
		"--unattended",
		job->behavior == RESCUE_BEHAVIOR_ERASE ? "--erase" : "--update",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, g_strdup(words[i]));
	if (job->hold_ms > 0) {
		g_ptr_array_add(argv, g_strdup("--hold"));
		g_ptr_array_add(argv, g_strdup_printf("%dms", job->hold_ms));
	}
	add_wish(argv, job);
	add_globals(argv, cli);
	g_ptr_array_add(argv, NULL);
	return argv;
}

static bool
spawn(Entry *entry, const RescueLineJob *job, GError **error)
{
	g_autoptr(GPtrArray) argv = make_argv(entry->jobs->spec.cli, job);
	g_autofree char *output = g_build_filename(entry->dir, OUTPUT, NULL);
	const RescueProcessSpec spec = {
		.argv = (const char *const *)argv->pdata,
		.output_path = output,
		.inherit_fd = -1,
		.outlives_us = true,
		.nice = NICE,
		.on_exit = on_exit_of,
		.data = entry,
	};

	entry->process = rescue_process_start(&spec, error);
	return entry->process != NULL;
}

/* A process of an earlier daemon. */
static bool
adopt(Entry *entry, const RescueLockHolder *holder)
{
	const RescueProcessSpec spec = {
		.inherit_fd = -1, .outlives_us = true, .on_exit = on_exit_of, .data = entry
	};

	entry->process = rescue_process_adopt(&spec, holder->pid, holder->start_time, NULL);
	return entry->process != NULL;
}

/* the port */

static RescuePolicy *
load_policy(const char *name)
{
	RescuePolicy *policy = name != NULL ? rescue_policy_find_shipped(name) : NULL;

	if (policy == NULL && name != NULL)
		policy = rescue_policy_load(name, NULL); /* the job itself says what is wrong */
	return policy != NULL ? policy : rescue_policy_new_standard();
}

static const RescuePolicy *
find_policy(RescueLineJobs *jobs, const char *name)
{
	const char *key = name != NULL ? name : "";
	RescuePolicy *policy = g_hash_table_lookup(jobs->policies, key);

	if (policy == NULL) {
		policy = load_policy(name);
		g_hash_table_insert(jobs->policies, g_strdup(key), policy);
	}
	return policy;
}

void
rescue_line_jobs_forget_policies(RescueLineJobs *jobs)
{
	g_hash_table_remove_all(jobs->policies);
}

/* It goes on as long as the process that will be started agrees that it can. */
static bool
can_go_on(RescueLineJobs *jobs, const RescueLineJob *wanted)
{
	RescueMoment now;
	bool there = false;
	g_autoptr(RescueStory) story = NULL;
	RescueJob job = {
		.id = (char *)wanted->id,
		.ecid = wanted->ecid,
		.ipsw = wanted->ipsw != NULL ? g_canonicalize_filename(wanted->ipsw, NULL) : NULL,
		.wish = *wanted->wish,
		.behavior = wanted->behavior,
		.policy = (RescuePolicy *)find_policy(jobs, wanted->policy),
	};

	rescue_clock_moment(rescue_clock_system(), &now);
	story = rescue_takeover_read(jobs->spec.cli->state_dir, &job, &now, &there);
	g_free(job.ipsw);
	return story != NULL || !there;
}

static char *
name(void *self, const RescueLineJob *job)
{
	if (job->id != NULL && can_go_on(self, job))
		return g_strdup(job->id);
	return rescue_job_make_id(rescue_clock_wall_us(rescue_clock_system()), g_random_int());
}

static bool
refuse_busy(const RescueLockHolder *holder, GError **error)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
		    "another job (%s, process %ld) drives this phone; it is waited for",
		    holder->job != NULL ? holder->job : "unknown", (long)holder->pid);
	return false;
}

static bool
start(void *self, const RescueLineJob *job, GError **error)
{
	g_auto(RescueLockHolder) holder = { .pid = 0 };
	bool held = rescue_lock_who(job->ecid, &holder);
	bool ours = held && g_strcmp0(holder.job, job->id) == 0;
	Entry *entry;

	if (held && !ours)
		return refuse_busy(&holder, error);
	entry = new_entry(self, job->ecid, job->id, error);
	if (entry == NULL)
		return false;
	/* one that an earlier daemon started in its last moment has come up meanwhile */
	if (!(ours && !holder.orphan && adopt(entry, &holder)) && !spawn(entry, job, error)) {
		free_entry(entry);
		return false;
	}
	keep_entry(entry);
	return true;
}

static bool
follow(void *self, RescueEcid ecid, const char *job)
{
	g_auto(RescueLockHolder) holder = { .pid = 0 };
	Entry *entry = new_entry(self, ecid, job, NULL);
	bool runs;

	if (entry == NULL)
		return false;
	runs = rescue_lock_who(ecid, &holder) && !holder.orphan &&
	       g_strcmp0(holder.job, job) == 0 && adopt(entry, &holder);
	read_news(entry);
	if (runs)
		keep_entry(entry);
	else
		free_entry(entry);
	return runs;
}

static bool
has_engine(void *self, RescueEcid ecid)
{
	g_auto(RescueLockHolder) holder = { .pid = 0 };

	return rescue_lock_who(ecid, &holder) && holder.engine_pid > 0 &&
	       rescue_process_is_alive(holder.engine_pid, holder.engine_start_time);
}

static void
end(void *self, RescueEcid ecid)
{
	RescueLineJobs *jobs = self;
	Entry *entry = g_hash_table_lookup(jobs->entries, &ecid);

	if (entry != NULL)
		rescue_process_end(entry->process,
				   0); /* asked to end it would cancel what is to go on */
}

static int
patience_ms(void *self, const char *policy, RescuePhase phase)
{
	const RescuePolicy *found = find_policy(self, policy);

	return phase < RESCUE_PHASE_LAST ? found->patience_ms[phase] : found->person_ms;
}

const RescueJobsPort rescue_line_jobs_port = {
	.name = name,
	.start = start,
	.follow = follow,
	.has_engine = has_engine,
	.end = end,
	.patience_ms = patience_ms,
};
