/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/line/tally.h"

/*
 * The line as its operators and their programs see it: the daemon implements RescueLineView, and the
 * server of pages, API and events talks to nothing else. All runs in the daemon's loop, without
 * threads; a slow or dead client never keeps the daemon waiting.
 */

/** What an operator wants done. */
typedef enum {
	RESCUE_LINE_HOLD,    /* put the slot aside */
	RESCUE_LINE_RELEASE, /* ask the rules again */
	RESCUE_LINE_RETEST,  /* try the phone, or the port, once more */
	RESCUE_LINE_SCAN,    /* bind the number in `text` to the slot */
	RESCUE_LINE_LABEL,   /* call the slot `text` from now on */
	RESCUE_LINE_ANSWER,  /* what the slot's prompt asks for has been done */
	RESCUE_LINE_RELOAD,  /* read station file and rules again; no slot */
	RESCUE_LINE_ACTION_LAST
} RescueLineActionKind;

/** One action. All borrowed. */
typedef struct {
	RescueLineActionKind kind;
	const char *label; /* of the slot; NULL: no slot */
	const char *text;  /* NULL unless the kind says what it is */
	const char *who;   /* for the station's journal: "operator anna from 192.0.2.7" */
} RescueLineAction;

/**
 * Errors are in the domain RESCUE_ERROR, one sentence that says what to do: BAD_INPUT for what the client got wrong,
 * BUSY for what cannot be now. No function reads more than the station's own journal: what is long past is read by
 * children.
 */
typedef struct {
	/**
	 * rescue_snapshot_new() of the station now; with what was returned last, only what people wait for, without the
	 * figures. Caller owns.
	 */
	RescueJson *(*snapshot)(void *self, const RescueJson *before);
	/** Borrowed. */
	const RescueTally *(*tally)(void *self);
	/** Journalled, then done. */
	bool (*act)(void *self, const RescueLineAction *action, GError **error);
} RescueLineView;

/** Where and for whom the server listens. All borrowed, copied by the server. */
typedef struct {
	const char *socket;       /* path of the Unix socket for this user's programs; NULL: none */
	const char *address;      /* "127.0.0.1", "::1", "0.0.0.0"; NULL: no TCP */
	unsigned port;            /* 0: any free one, see rescue_line_server_url() */
	const char *certificate;  /* PEM file; NULL: no TLS */
	const char *key;          /* PEM file */
	const char *tokens;       /* file, see docs/line-api.md; NULL: loopback needs none */
	const char *const *hosts; /* names by which browsers may call it beside the address; NULL */
	/** Reads past jobs, see cli/line/readers.h: program, "line", "read"; NULL-terminated. */
	const char *const *reader;
} RescueLineServerOptions;

typedef struct RescueLineServer RescueLineServer;

/**
 * Listens in the thread-default main context. Any address but loopback is refused without certificate, key and tokens;
 * BAD_INPUT says what is missing, HOST_IO that the address or socket is taken. Caller owns.
 */
RescueLineServer *rescue_line_server_new(const RescueLineServerOptions *options,
					 const RescueLineView *view, void *self, GError **error);
/** Ends all connections at once; accepts NULL. */
void rescue_line_server_free(RescueLineServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueLineServer, rescue_line_server_free)
/** "https://127.0.0.1:8443/"; NULL without TCP. Borrowed. */
const char *rescue_line_server_url(const RescueLineServer *server);
/**
 * Something about the station is not as it was: whoever watches is told what, soon and for many changes at once. Cheap;
 * call it after every change.
 */
void rescue_line_server_touch(RescueLineServer *server);
/**
 * A line of a job's event stream, or a word of the daemon's, for those who follow /events?jobs=1. Touches, too. The
 * event is not kept.
 */
void rescue_line_server_publish(RescueLineServer *server, const RescueJson *event);
