/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * line.conf: what the service of a refurbishing line is told. Groups [line], [web], [webhook NAME] and [hook NAME];
 * keys: line-key.def. Strict like all files here. Paths are absolute, or beside the file that names them.
 */

/** What a line tells others about. Table: notice.def. */
typedef enum {
#define RESCUE_NOTICE(id, name, text) RESCUE_NOTICE_##id,
#include "core/config/notice.def"
#undef RESCUE_NOTICE
	RESCUE_NOTICE_LAST
} RescueNoticeKind;

/** "done". */
const char *rescue_notice_name(RescueNoticeKind kind);
/** False, and `ret_kind` untouched, for no name of a notice. */
bool rescue_notice_parse(const char *name, RescueNoticeKind *ret_kind);

/** An address that is told. All strings owned. */
typedef struct {
	char *name;
	char *url;
	char **events;      /* names of notices; NULL: all */
	unsigned kinds;     /* the same as bits, 1 << RescueNoticeKind */
	char *secret;       /* path of the file with the secret that bodies are signed with */
	char *ca_file;      /* PEM: whom to trust instead of this computer's list; NULL */
	int deadline_ms;    /* for one try */
	int64_t give_up_ms; /* so old an event is not tried any more */
} RescueWebhook;

/** A program that is run. All strings owned. */
typedef struct {
	char *name;
	char *program;    /* absolute */
	char **arguments; /* behind the program's name; NULL: none */
	char **events;    /* names of notices; NULL: all */
	unsigned kinds;   /* the same as bits */
	int deadline_ms;  /* then it is ended, and its group */
} RescueHook;

/** All strings owned, NULL when not said. */
typedef struct {
	char *name;            /* of the station; "line" */
	char *station;         /* path of the station file */
	char *rules;           /* path of the rules file; NULL: nothing is done to any phone */
	int64_t retention_ms;  /* of journals and transcripts; 0: for ever */
	uint64_t outbox_bytes; /* of what was not told yet */
	char *listen;          /* "127.0.0.1:8470"; "none": only the socket of the command line */
	char **hosts;      /* names by which browsers may call it beside its address; NULL: none */
	char *certificate; /* PEM, with `key`: TLS */
	char *key;
	char *tokens;        /* path of the file that says who may do what */
	GPtrArray *webhooks; /* RescueWebhook */
	GPtrArray *hooks;    /* RescueHook */
} RescueLineConfig;

/** Where a line listens that says nothing else. */
#define RESCUE_LINE_LISTEN "127.0.0.1:8470"
/** That `listen` says when no port is to be opened. */
#define RESCUE_LINE_LISTEN_NONE "none"

/** What a line does without a file; caller owns. */
RescueLineConfig *rescue_line_config_new(void);
/** Accepts NULL. */
void rescue_line_config_free(RescueLineConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineConfig, rescue_line_config_free)
/** BAD_INPUT or HOST_IO with the path in the message; caller owns. */
RescueLineConfig *rescue_line_config_load(const char *path, GError **error);
