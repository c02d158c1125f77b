/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "cli/common/cli.h"
#include "core/model/ecid.h"

/* The actions of `history`: one file for those that tell, one for those that give away or delete. */

/** The options of all actions, as typed; which action takes which is in the table of history.c. */
typedef struct {
	char *ecid_text, *limit_text, *before_text, *output;
	gboolean failed, redact, record, all, expired;
	RescueEcid ecid;   /* 0: not given */
	uint64_t limit;    /* 0: not given */
	int64_t before_ms; /* of age; -1: not given */
	char **jobs;       /* what stands behind the action; borrowed */
} RescueHistoryOptions;

/** Each returns the exit status. */
int rescue_history_list(const RescueCli *cli, const RescueHistoryOptions *options);
int rescue_history_show(const RescueCli *cli, const RescueHistoryOptions *options);
int rescue_history_give(const RescueCli *cli, const RescueHistoryOptions *options);
int rescue_history_delete(const RescueCli *cli, const RescueHistoryOptions *options);
