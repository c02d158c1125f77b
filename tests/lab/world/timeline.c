/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/timeline.h"

#include <stdio.h>
#include <string.h>

#include "tests/lab/world/control.h"

#define RESTART_MS 200 /* usbmuxd is away for so long when somebody restarts it */

/* a phone that is plugged in later, or a deed that is done later */
typedef struct {
	LabTimeline *timeline;
	const LabPhoneSpec *spec; /* arrival */
	const LabDeed *deed;
	unsigned source;
} Later;

struct LabTimeline {
	const LabScenario *scenario;
	const GPtrArray *phones;
	LabControl *control;
	GPtrArray *later; /* of Later */
	bool begun, exited;
	int exit_status;
};

static LabPhone *
phone_of(const LabTimeline *timeline, const char *name)
{
	for (guint i = 0; i < timeline->phones->len; i++) {
		LabPhone *phone = g_ptr_array_index(timeline->phones, i);
		if (g_strcmp0(lab_phone_identity(phone)->name, name) == 0)
			return phone;
	}
	return NULL;
}

/* ---- by the clock ----------------------------------------------------------------------------- */

static void
later_free(void *data)
{
	Later *later = data;
	if (later->source != 0)
		g_source_remove(later->source);
	g_free(later);
}

static gboolean
on_time(void *data)
{
	Later *later = data;
	later->source = 0;
	if (later->spec != NULL)
		lab_phone_start(phone_of(later->timeline, later->spec->id.name), later->spec->mode);
	else
		lab_deed_do(later->deed, phone_of(later->timeline, later->deed->phone));
	return G_SOURCE_REMOVE;
}

static void
add_later(LabTimeline *timeline, const LabPhoneSpec *spec, const LabDeed *deed)
{
	Later *later = g_new0(Later, 1);
	later->timeline = timeline;
	later->spec = spec;
	later->deed = deed;
	later->source = g_timeout_add(spec != NULL ? spec->appears_ms : deed->at_ms, on_time,
				      later);
	g_ptr_array_add(timeline->later, later);
}

void
lab_timeline_plug(LabTimeline *timeline)
{
	const GPtrArray *specs = timeline->scenario->phones;
	for (guint i = 0; i < specs->len; i++) {
		const LabPhoneSpec *spec = g_ptr_array_index(specs, i);
		if (spec->appears_ms == 0)
			lab_phone_start(g_ptr_array_index(timeline->phones, i), spec->mode);
	}
}

void
lab_timeline_begin(LabTimeline *timeline)
{
	const GPtrArray *specs = timeline->scenario->phones;
	const GPtrArray *deeds = timeline->scenario->deeds;
	if (timeline->begun)
		return;
	timeline->begun = true;
	for (guint i = 0; i < specs->len; i++) {
		const LabPhoneSpec *spec = g_ptr_array_index(specs, i);
		if (spec->appears_ms != 0)
			add_later(timeline, spec, NULL);
	}
	for (guint i = 0; i < deeds->len; i++)
		add_later(timeline, NULL, g_ptr_array_index(deeds, i));
}

/* ---- by request ------------------------------------------------------------------------------- */

static void
do_request(LabTimeline *timeline, char **words)
{
	g_autoptr(GError) error = NULL;
	LabPhone *phone = phone_of(timeline, words[0]);
	if (phone == NULL) {
		fprintf(stderr, "idevicerescue-lab: $LAB_CONTROL: there is no phone ‘%s’\n",
			words[0]);
		return;
	}
	g_autoptr(LabDeed) deed = lab_deed_parse(words[0], words + 1, &error);
	if (deed == NULL)
		fprintf(stderr, "idevicerescue-lab: $LAB_CONTROL: %s\n", error->message);
	else
		lab_deed_do(deed, phone);
}

static void
on_line(void *data, const char *line)
{
	LabTimeline *timeline = data;
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	gint64 status = 0;
	if (words[0] == NULL)
		return;
	if (strcmp(line, "usbmuxd") == 0) {
		lab_phone_restart_usbmuxd(g_ptr_array_index(timeline->phones, 0), RESTART_MS);
	} else if (strcmp(line, "ready") == 0) {
		lab_timeline_begin(timeline);
	} else if (strcmp(words[0], "exit") == 0 && words[1] != NULL &&
		   g_ascii_string_to_signed(words[1], 10, 0, 255, &status, NULL)) {
		timeline->exited = true;
		timeline->exit_status = (int)status;
	} else {
		do_request(timeline, words);
	}
}

bool
lab_timeline_exit_status(LabTimeline *timeline, int *ret_status)
{
	lab_control_drain(timeline->control);
	if (timeline->exited)
		*ret_status = timeline->exit_status;
	return timeline->exited;
}

const char *
lab_timeline_control(const LabTimeline *timeline)
{
	return lab_control_path(timeline->control);
}

/* ---- life ------------------------------------------------------------------------------------- */

LabTimeline *
lab_timeline_new(const LabScenario *scenario, const GPtrArray *phones, const char *control,
		 GError **error)
{
	LabTimeline *timeline = g_new0(LabTimeline, 1);
	timeline->scenario = scenario;
	timeline->phones = phones;
	timeline->later = g_ptr_array_new_with_free_func(later_free);
	timeline->control = lab_control_new(control, on_line, timeline, error);
	if (timeline->control != NULL)
		return timeline;
	lab_timeline_free(timeline);
	return NULL;
}

void
lab_timeline_free(LabTimeline *timeline)
{
	if (timeline == NULL)
		return;
	lab_control_free(timeline->control);
	g_ptr_array_unref(timeline->later);
	g_free(timeline);
}
