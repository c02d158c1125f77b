/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Who may do what. A tokens file has lines "ROLE NAME sha256:HEX": only digests of random tokens, so that who reads the
 * file can do nothing with it. A browser trades a token for a session, which lives in memory. Without a tokens file
 * whoever may reach the loopback address is the operator.
 */

typedef enum {
	RESCUE_ROLE_NONE,
	RESCUE_ROLE_VIEWER,   /* sees all */
	RESCUE_ROLE_OPERATOR, /* and does what operators do */
	RESCUE_ROLE_LAST
} RescueRole;

/** "viewer". */
const char *rescue_role_name(RescueRole role);
/** The role that a token can have by this name; NONE for anything else. */
RescueRole rescue_role_parse(const char *name);

typedef struct RescueAuth RescueAuth;

/** `tokens` NULL: everybody is an operator. BAD_INPUT for a file that others may read, or a line that is none. */
RescueAuth *rescue_auth_new(const char *tokens, GError **error);
/** Accepts NULL. */
void rescue_auth_free(RescueAuth *auth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueAuth, rescue_auth_free)
/** Without tokens. */
bool rescue_auth_is_open(const RescueAuth *auth);
/** The text of a tokens file; BAD_INPUT. */
bool rescue_auth_parse(RescueAuth *auth, const char *text, GError **error);
/** Role and name (borrowed) of who knows this token; compared in constant time. */
RescueRole rescue_auth_check_token(const RescueAuth *auth, const char *token,
				   const char **ret_name);
/** A session for who has this token; NULL: unknown token. Caller frees. */
char *rescue_auth_login(RescueAuth *auth, const char *token, int64_t now_us);
/** Role and name (borrowed) of a session that is not over. */
RescueRole rescue_auth_check_session(RescueAuth *auth, const char *session, int64_t now_us,
				     const char **ret_name);
/** Ends it; unknown ones are fine. */
void rescue_auth_logout(RescueAuth *auth, const char *session);
/** How long a session lives, in seconds. */
#define RESCUE_SESSION_S (12 * 3600)

/**
 * A new token with 256 random bits, and its line for the tokens file, with a newline; caller frees both. BAD_INPUT for
 * a name that is not one word.
 */
char *rescue_auth_make_token(RescueRole role, const char *name, char **ret_line, GError **error);

/** The value of one cookie in a Cookie header; caller frees; NULL: it is not there. */
char *rescue_cookie_get(const char *header, const char *name);
/** "Bearer TOKEN": the token (borrowed); NULL for anything else. */
const char *rescue_bearer_get(const char *header);
/**
 * True when a Host header names this server: the address or one of `hosts` (NULL-terminated; NULL: none), localhost
 * for a loopback address, any address for one that stands for all, with the right port. Anything else may be a foreign
 * name that was pointed here.
 */
bool rescue_host_is_ours(const char *host, const char *address, unsigned port,
			 const char *const *hosts);
/** True when an Origin header is that of the page that `host` serves. */
bool rescue_origin_is_ours(const char *origin, const char *host, bool secure);
/** 127.0.0.0/8 and ::1. */
bool rescue_address_is_loopback(const char *address);
