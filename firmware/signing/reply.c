/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/reply.h"

#include <plist/plist.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/parse.h"
#include "firmware/ipsw/manifest.h"

#define STATUS_KEY  "STATUS="
#define MESSAGE_KEY "&MESSAGE="
#define PLIST_KEY   "&REQUEST_STRING="
#define PLIST_END   "</plist>"
#define MAX_DIGITS  5u
#define MAX_TICKET  (1024u * 1024)
#define MAX_VERSION 64u

static const char *const tickets[] = { "ApImg4Ticket", "APTicket" };

void
rescue_tss_reply_clear(RescueTssReply *reply)
{
	g_free(reply->message);
	g_free(reply->server_version);
	g_clear_pointer(&reply->ticket, g_bytes_unref);
	*reply = (RescueTssReply){ .message = NULL };
}

static bool
refuse(GError **error, RescueFailure failure, const char *what)
{
	g_set_error(error, RESCUE_ERROR, (int)failure, "%s", what);
	return false;
}

/* the number behind STATUS=; moves `text` behind it */
static bool
read_status(const char **text, const char *end, int *ret_status)
{
	char digits[MAX_DIGITS + 1] = { 0 };
	uint64_t value;
	size_t count = 0;

	if ((size_t)(end - *text) < strlen(STATUS_KEY) ||
	    memcmp(*text, STATUS_KEY, strlen(STATUS_KEY)) != 0)
		return false;
	*text += strlen(STATUS_KEY);
	while (*text + count < end && count < MAX_DIGITS && g_ascii_isdigit((*text)[count])) {
		digits[count] = (*text)[count];
		count++;
	}
	if (!rescue_parse_uint(digits, 0, RESCUE_TSS_REPLY_MAX_STATUS, &value, NULL))
		return false;
	*text += count;
	*ret_status = (int)value;
	return true;
}

/* what people are shown: one line, valid, short */
static char *
clean(const char *text, size_t size)
{
	g_autofree char *cut = g_strndup(text, MIN(size, RESCUE_TSS_REPLY_MAX_MESSAGE));
	char *valid = g_utf8_make_valid(cut, -1);

	for (char *c = valid; *c != '\0'; c++) {
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	}
	return g_strstrip(valid);
}

/*
 * The message up to REQUEST_STRING or the end; moves `text` to what follows it. An answer that is no success has a
 * message and nothing else, and a message may hold a '&'.
 */
static bool
read_message(const char **text, const char *end, char **ret_message)
{
	size_t left = (size_t)(end - *text);
	const char *plist;

	if (left < strlen(MESSAGE_KEY) || memcmp(*text, MESSAGE_KEY, strlen(MESSAGE_KEY)) != 0)
		return false;
	*text += strlen(MESSAGE_KEY);
	left -= strlen(MESSAGE_KEY);
	plist = memmem(*text, left, PLIST_KEY, strlen(PLIST_KEY));
	if (plist == NULL)
		plist = end;
	*ret_message = clean(*text, (size_t)(plist - *text));
	*text = plist;
	return true;
}

static const char *
get_data(plist_t dict, const char *key, uint64_t *ret_size)
{
	plist_t node = plist_dict_get_item(dict, key);

	if (node == NULL || plist_get_node_type(node) != PLIST_DATA)
		return NULL;
	return plist_get_data_ptr(node, ret_size);
}

static void
read_plist(plist_t root, RescueTssReply *reply)
{
	plist_t version = plist_dict_get_item(root, "@ServerVersion");
	uint64_t size = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(tickets) && reply->ticket == NULL; i++) {
		const char *data = get_data(root, tickets[i], &size);
		if (data != NULL && size > 0 && size <= MAX_TICKET)
			reply->ticket = g_bytes_new(data, size);
	}
	if (version != NULL && plist_get_node_type(version) == PLIST_STRING) {
		const char *text = plist_get_string_ptr(version, &size);
		reply->server_version = clean(text, MIN(size, MAX_VERSION));
	}
}

/* libplist makes do with what has lost its end */
static bool
ends_well(const char *text, const char *end)
{
	while (end > text && g_ascii_isspace(end[-1]))
		end--;
	return (size_t)(end - text) >= strlen(PLIST_END) &&
	       memcmp(end - strlen(PLIST_END), PLIST_END, strlen(PLIST_END)) == 0;
}

static bool
read_body(const char *text, const char *end, RescueTssReply *reply, GError **error)
{
	plist_t root = NULL;

	if (text == end)
		return true;
	text += strlen(PLIST_KEY);
	if (text < end && ends_well(text, end) && rescue_plist_is_safe(text, (size_t)(end - text)))
		plist_from_memory(text, (uint32_t)(end - text), &root);
	if (root != NULL && plist_get_node_type(root) == PLIST_DICT) {
		read_plist(root, reply);
		plist_free(root);
		return true;
	}
	plist_free(root);
	return refuse(error, RESCUE_FAILURE_SIGNING_INCOMPLETE,
		      "the signing server's answer breaks off or is damaged");
}

bool
rescue_tss_reply_peek(const char *text, size_t size, int *ret_status, char **ret_message)
{
	const char *end = text + size;
	int status;

	if (!read_status(&text, end, &status) || !read_message(&text, end, ret_message))
		return false;
	*ret_status = status;
	return true;
}

bool
rescue_tss_reply_parse(const char *text, size_t size, RescueTssReply *ret_reply, GError **error)
{
	g_auto(RescueTssReply) reply = { .status = -1 };
	const char *end = text + size;

	if (size > RESCUE_TSS_REPLY_MAX_BYTES)
		return refuse(error, RESCUE_FAILURE_SIGNING_INTERCEPTED,
			      "the answer is far too large to be one of the signing server");
	if (!read_status(&text, end, &reply.status))
		return refuse(error, RESCUE_FAILURE_SIGNING_INTERCEPTED,
			      "the answer is not one of the signing server");
	if (!read_message(&text, end, &reply.message))
		return refuse(error, RESCUE_FAILURE_SIGNING_INCOMPLETE,
			      "the signing server's answer has a status and no message");
	if (!read_body(text, end, &reply, error))
		return false;
	*ret_reply = reply;
	reply = (RescueTssReply){ .message = NULL };
	return true;
}

RescueFailure
rescue_tss_status_failure(int status)
{
	RescueFailure failure;

	if (status == 0)
		return RESCUE_FAILURE_NONE;
	return rescue_failure_from_code("tss", status, &failure) ? failure
								 : RESCUE_FAILURE_SIGNING_SERVER;
}

RescueFailure
rescue_tss_reply_failure(const RescueTssReply *reply)
{
	if (reply->status == 0 && reply->ticket == NULL)
		return RESCUE_FAILURE_SIGNING_INCOMPLETE;
	return rescue_tss_status_failure(reply->status);
}
