/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <stdio.h>
#include <string.h>

#include "tests/system/line/line.h"

/* Of the restores of phones that nothing befell, one of so many may fail on a computer that has far too much to do. */
#define FEW 20

/* What the jobs of one phone tell, and what the lab saw. */
typedef struct {
	unsigned jobs, restored, engines;
	unsigned silent; /* jobs that did not end with a word of their own that tells why */
	unsigned erased, booted;
} Deeds;

static Deeds *
deeds_of(GHashTable *deeds, const char *name)
{
	Deeds *found = g_hash_table_lookup(deeds, name);
	if (found == NULL) {
		found = g_new0(Deeds, 1);
		g_hash_table_insert(deeds, g_strdup(name), found);
	}
	return found;
}

static bool
says(const RescueJson *event, const char *key, const char *value)
{
	return g_strcmp0(rescue_json_get_string(event, key), value) == 0;
}

static void
tell_victim(const char *ecid, const RescueJson *done, unsigned engines)
{
	const char *failure = rescue_json_get_string(done, "failure");
	const char *advice = rescue_json_get_string(done, "advice");
	printf("victim: %s: %s after %u engines; %s; %s\n", ecid,
	       rescue_json_get_string(done, "outcome"), engines,
	       failure != NULL ? failure : "no failure", advice != NULL ? advice : "no advice");
}

static unsigned
read_job(const Line *line, const char *job, GHashTable *deeds)
{
	g_autofree char *path = rescue_journal_path(line->state, job, NULL);
	g_autoptr(GPtrArray) events = rescue_journal_read(path, NULL, NULL);
	int64_t engines = 0, attempts = -1, seq = 0;
	const char *ecid = NULL;
	const RescueJson *done = NULL;
	unsigned lost = 0;
	bool restored = false, told = false;
	for (unsigned i = 0; events != NULL && i < events->len; i++) {
		const RescueJson *event = events->pdata[i];
		ecid = rescue_json_get_string(event, "ecid");
		engines += says(event, "event", "engine");
		if (says(event, "event", "done")) {
			done = event;
			restored = says(event, "outcome", "restored");
			told = restored || rescue_json_get(event, "failure") != NULL;
			(void)rescue_json_get_int(event, "attempts", &attempts);
		}
		int64_t before = seq;
		/* what a full disk refused is missing */
		lost += !rescue_json_get_int(event, "seq", &seq) || seq <= before ||
			(seq != before + 1 && line->disk == 0);
	}
	if (ecid != NULL) {
		Deeds *phone = deeds_of(deeds, ecid);
		phone->jobs++;
		phone->engines += (unsigned)engines;
		phone->restored += restored;
		phone->silent += !told;
	}
	if (ecid != NULL && line_is_harmed(line, ecid) && done != NULL)
		tell_victim(ecid, done, (unsigned)engines);
	if (attempts == engines && lost == 0)
		return 0;
	printf("lost: job %s of %s: %d attempts, %d engines, %u numbers\n", job,
	       ecid != NULL ? ecid : "nobody", (int)attempts, (int)engines, lost);
	return 1;
}

static void
read_record(const Line *line, GHashTable *deeds)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	if (!g_file_get_contents(g_getenv("LAB_RECORD"), &text, NULL, NULL))
		return;
	lines = g_strsplit(text, "\n", -1);
	for (char **word = lines; *word != NULL; word++) {
		g_autoptr(RescueJson) event = rescue_json_parse(*word, strlen(*word), NULL);
		const char *phone = event != NULL ? rescue_json_get_string(event, "phone") : NULL;
		guint64 number = phone != NULL ? g_ascii_strtoull(phone + 1, NULL, 10) : 0;
		g_autofree char *variable = g_strdup_printf("LAB_ECID_P%u", (unsigned)number);
		const char *ecid = phone != NULL ? g_getenv(variable) : NULL;
		g_autofree char *name = ecid != NULL
					    ? g_strdup_printf("0x%016" G_GINT64_MODIFIER "X",
							      g_ascii_strtoull(ecid, NULL, 0))
					    : NULL;
		if (name == NULL)
			continue;
		deeds_of(deeds, name)->erased += says(event, "event", "erased");
		deeds_of(deeds, name)->booted += says(event, "event", "booted");
	}
}

static bool
is_over(const char *state)
{
	return strcmp(state, "running") != 0 && strcmp(state, "queued") != 0;
}

/* Each job erases once; where something goes wrong, never more often than an engine was started. */
static bool
fits(const Line *line, const char *ecid, const Deeds *phone, const LinePhone *seen)
{
	if (seen == NULL || phone->erased > phone->engines || phone->restored > phone->booted)
		return false;
	if (line_is_harmed(line, ecid))
		return is_over(seen->state) && phone->silent == 0 &&
		       (strcmp(seen->state, "passed") == 0) == (phone->restored == phone->jobs);
	if (line->faults != 0 || line->lenient != 0)
		return is_over(seen->state);
	return strcmp(seen->state, "passed") == 0 && phone->erased == phone->jobs &&
	       phone->restored == phone->jobs && phone->engines == phone->jobs;
}

unsigned
line_judge(const Line *line)
{
	g_auto(GStrv) jobs = rescue_journal_list_jobs(line->state);
	g_autoptr(GHashTable)
	    deeds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	void *ecid, *value;
	unsigned lost = 0, all = 0, restored = 0;
	for (char **job = jobs; *job != NULL; job++)
		lost += read_job(line, *job, deeds);
	read_record(line, deeds);
	g_hash_table_iter_init(&iter, deeds);
	while (g_hash_table_iter_next(&iter, &ecid, &value)) {
		const Deeds *phone = value;
		const LinePhone *seen = g_hash_table_lookup(line->states, ecid);
		all += phone->jobs;
		restored += phone->restored;
		if (fits(line, ecid, phone, seen))
			continue;
		printf("lost: %s is %s; jobs %u, restored %u, without a last word "
		       "%u, engines %u; erased %u, booted %u\n",
		       (char *)ecid, seen != NULL ? seen->state : "nowhere", phone->jobs,
		       phone->restored, phone->silent, phone->engines, phone->erased,
		       phone->booted);
		lost++;
	}
	printf("judged: %u phones, %u jobs, %u of them restored\n", g_hash_table_size(deeds), all,
	       restored);
	if (line->faults == 0 && g_hash_table_size(line->harmed) == 0 && line->disk == 0 &&
	    (all - restored) * FEW > all) {
		printf("lost: nothing befell these phones, and so few are restored\n");
		lost++;
	}
	return lost + (g_hash_table_size(deeds) != line->phones) +
	       (all < MAX(line->phones, line->restores));
}
