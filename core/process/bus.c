/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/process/bus.h"

#include <string.h>

#include "core/process/fd.h"
#include "core/process/lockfile.h"

#define TURN  ".bus"
#define ALONE "alone"

struct RescueBus {
	RescueEcid ecid;
	char *job;
	unsigned bus; /* on which something is held; 0: nothing is */
	int turn_fd, alone_fd;
};

RescueBus *
rescue_bus_new(RescueEcid ecid, const char *job)
{
	RescueBus *turn = g_new0(RescueBus, 1);

	turn->ecid = ecid;
	turn->job = g_strdup(job);
	turn->turn_fd = turn->alone_fd = -1;
	return turn;
}

static void
give_back(void *self)
{
	RescueBus *turn = self;

	rescue_fd_clear(&turn->turn_fd);
	rescue_fd_clear(&turn->alone_fd);
	turn->bus = 0;
}

void
rescue_bus_free(RescueBus *turn)
{
	if (turn == NULL)
		return;
	give_back(turn);
	g_free(turn->job);
	g_free(turn);
}

/** "1.0x….bus"; caller frees. */
static char *
own_name(const RescueBus *turn, unsigned bus)
{
	char text[RESCUE_ECID_TEXT];

	return g_strdup_printf("%u.%s" TURN, bus, rescue_ecid_format(turn->ecid, text));
}

static bool
hold(const char *name, int *fd)
{
	if (*fd >= 0)
		return true;
	rescue_autofd opened = rescue_lockfile_open_name(name, true, NULL);
	if (opened < 0 || !rescue_lockfile_take(opened))
		return false;
	*fd = rescue_fd_steal(&opened);
	return true;
}

static void
write_job(const RescueBus *turn)
{
	g_autoptr(RescueJson) line = rescue_json_object_new();

	rescue_json_set_string(line, "job", turn->job);
	rescue_lockfile_write(turn->turn_fd, line);
}

/** The job that holds this file, NULL when nobody does. Caller frees. */
static char *
read_holder(const char *name)
{
	rescue_autofd fd = rescue_lockfile_open_name(name, false, NULL);
	g_autoptr(RescueJson) line = NULL;
	const char *job;

	if (fd < 0 || !rescue_lockfile_is_held(fd))
		return NULL;
	line = rescue_lockfile_read(fd);
	job = line != NULL ? rescue_json_get_string(line, "job") : NULL;
	return g_strdup(job != NULL ? job : "unknown");
}

static char *
others(void *self, unsigned bus)
{
	const RescueBus *turn = self;
	g_autofree char *own = own_name(turn, bus);
	g_autofree char *prefix = g_strdup_printf("%u.", bus);
	g_auto(GStrv) names = rescue_lockfile_list(TURN);
	g_autoptr(GStrvBuilder) jobs = g_strv_builder_new();
	g_auto(GStrv) list = NULL;

	for (char **name = names; *name != NULL; name++) {
		g_autofree char *job = g_str_has_prefix(*name, prefix) && strcmp(*name, own) != 0
					   ? read_holder(*name)
					   : NULL;
		if (job != NULL)
			g_strv_builder_add(jobs, job);
	}
	list = g_strv_builder_end(jobs);
	return *list != NULL ? g_strjoinv(", ", list) : NULL;
}

static bool
is_alone(RescueBus *turn, unsigned bus)
{
	g_autofree char *rest = others(turn, bus);

	return rest == NULL;
}

/** Somebody else wants the bus, or has it. */
static bool
is_claimed(const char *name)
{
	rescue_autofd fd = rescue_lockfile_open_name(name, false, NULL);

	return fd >= 0 && rescue_lockfile_is_held(fd);
}

static bool
take(void *self, unsigned bus, bool alone)
{
	RescueBus *turn = self;
	g_autofree char *name = own_name(turn, bus);
	g_autofree char *claim = g_strdup_printf("%u." ALONE, bus);

	if (turn->bus != bus)
		give_back(turn);
	turn->bus = bus;
	if (alone && !hold(claim, &turn->alone_fd))
		return false;
	if (alone && !is_alone(turn, bus))
		return false; /* what is claimed stays claimed */
	if (!hold(name, &turn->turn_fd))
		return true; /* a folder that cannot be used keeps nobody from restoring */
	write_job(turn);
	if (turn->alone_fd >= 0 || !is_claimed(claim))
		return true;
	rescue_fd_clear(&turn->turn_fd);
	return false;
}

static void
share(void *self)
{
	rescue_fd_clear(&((RescueBus *)self)->alone_fd);
}

const RescueBusPort rescue_bus_port = {
	.others = others,
	.take = take,
	.share = share,
	.give_back = give_back,
};
