/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "cli/common/checkup.h"
#include "core/process/inbox.h"
#include "firmware/reach/reach.h"
#include "transport/engine/engine.h"
#include "transport/host/host.h"

/* What the children of a checkup do. */

typedef struct {
	const RescueCli *cli;
	char **arguments;
	unsigned count;
	RescueFindings *report;
} Work;

/* NEED URL plain|- apple|- own|- */
static bool
work_reach(const Work *work)
{
	enum { NEED, URL, PLAIN, APPLE, OWN, COUNT };
	RescueEndpoint endpoint = { .url = work->arguments[URL] };
	g_auto(RescueReachFacts) facts = { .host = NULL };
	RescueReachSpec spec = { .endpoint = &endpoint };

	if (work->count != COUNT || !rescue_need_parse(work->arguments[NEED], &endpoint.need))
		return false;
	endpoint.plain = strcmp(work->arguments[PLAIN], "plain") == 0;
	endpoint.apple = strcmp(work->arguments[APPLE], "apple") == 0;
	spec.own = strcmp(work->arguments[OWN], "own") == 0;
	if (endpoint.need == RESCUE_NEED_SIGNING)
		spec.ca_file = work->cli->ca_file;
	rescue_reach_look(&spec, &facts);
	rescue_reach_judge(&facts, work->report);
	return true;
}

static bool
work_firewall(const Work *work)
{
	rescue_firewall_look(work->report);
	return true;
}

static bool
work_usb(const Work *work)
{
	g_auto(RescueUsbFacts) facts = { .usb = false };

	rescue_host_look_at_usb(work->arguments[0], &facts);
	rescue_usb_judge(&facts, work->report);
	return true;
}

static const char *
or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

/* PRODUCT VERSION BUILD, each may be empty */
static bool
work_engine(const Work *work)
{
	enum { PRODUCT, VERSION, BUILD, COUNT };
	g_autofree char *dir = g_build_filename(work->cli->state_dir, "engines", NULL);
	g_autoptr(RescueInbox) inbox = rescue_inbox_new();
	const RescueEngineSpec spec = { .program = work->cli->engine,
					.engines_dir = dir,
					.work_root = work->cli->state_dir,
					.inbox = inbox };
	g_autoptr(RescueEngine) engine = rescue_engine_new(&spec);
	RescueEngineRun found = { .pid = 0 };
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	RescueEngineFacts facts = { .failure = RESCUE_FAILURE_NONE };

	if (work->count != COUNT)
		return false;
	facts.product = or_null(work->arguments[PRODUCT]);
	facts.version = or_null(work->arguments[VERSION]);
	facts.build = or_null(work->arguments[BUILD]);
	if (!rescue_engine_port.probe(engine, facts.product, &found, &error)) {
		facts.trouble = error->message;
		facts.failure = (RescueFailure)error->code;
	}
	name = g_strdup_printf("idevicerestore %s", found.version != NULL ? found.version : "");
	facts.engine = name;
	facts.first_generation = found.dialect == RESCUE_DIALECT_1_0_0;
	rescue_engine_judge(&facts, work->report);
	rescue_engine_run_clear(&found);
	return true;
}

static bool
work_folders(const Work *work)
{
	rescue_host_look_at_folder(RESCUE_FOLDER_STATE, work->cli->state_dir, work->report);
	rescue_host_look_at_folder(RESCUE_FOLDER_CACHE, work->cli->cache_dir, work->report);
	rescue_host_look_at_folder(RESCUE_FOLDER_TEMPORARY, g_get_tmp_dir(), work->report);
	return true;
}

bool
rescue_checkup_work(const RescueCli *cli, const char *kind, char **arguments,
		    RescueFindings *report)
{
	static const struct {
		const char *kind;
		bool (*work)(const Work *work);
	} works[] = {
		{ "reach", work_reach },   { "firewall", work_firewall }, { "usb", work_usb },
		{ "engine", work_engine }, { "folders", work_folders },
	};
	const Work work = { cli, arguments, g_strv_length(arguments), report };

	for (size_t i = 0; i < G_N_ELEMENTS(works); i++) {
		if (strcmp(works[i].kind, kind) == 0)
			return works[i].work(&work);
	}
	return false;
}
