/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/ask.h"

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/fetch/remote.h"
#include "firmware/ipsw/manifest.h"
#include "firmware/ipsw/zip.h"
#include "firmware/signing/post.h"
#include "firmware/signing/reply.h"
#include "firmware/signing/request.h"

#define DEADLINE_MS 45000u

static RescueZip *
open_there(const char *url, RescueRemote **ret_remote, GError **error)
{
	RescueZipSource source = { .read = rescue_remote_read };

	*ret_remote = rescue_remote_open(url, RESCUE_SIGNING_REMOTE_MS, error);
	if (*ret_remote == NULL)
		return NULL;
	source.self = *ret_remote;
	source.size = rescue_remote_size(*ret_remote);
	return rescue_zip_open_source(url, &source, error);
}

static char *
read_manifest(const char *path, size_t *ret_size, GError **error)
{
	g_autoptr(RescueRemote) remote = NULL; /* outlives the archive that is read from it */
	g_autoptr(RescueZip) zip = rescue_remote_is_address(path) ? open_there(path, &remote, error)
								  : rescue_zip_open(path, error);
	const RescueZipEntry *entry;

	if (zip == NULL)
		return NULL;
	entry = rescue_zip_find(zip, RESCUE_MANIFEST_MEMBER);
	if (entry != NULL)
		return rescue_zip_read(zip, entry, RESCUE_MANIFEST_MAX_BYTES, ret_size, error);
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NOT_IPSW,
		    "‘%s’ is an archive but no firmware: it has no " RESCUE_MANIFEST_MEMBER, path);
	return NULL;
}

static void
fill(RescueSigningAnswer *answer, const RescueSigningQuestion *question,
     const RescueTssRequest *request, const RescueTssReply *reply)
{
	*answer = (RescueSigningAnswer){
		.ecid = question->ecid,
		.chip_id = question->chip_id,
		.board_id = question->board_id,
		.behavior = question->behavior,
		.version = g_strdup(request->version),
		.build = g_strdup(request->build),
		.variant = g_strdup(request->variant),
		.board = g_strdup(request->board),
		.status = reply->status,
		.message = g_strdup(reply->message),
		.failure = rescue_tss_reply_failure(reply),
		.nonce = g_strdup(request->nonce),
		.ticket = reply->ticket != NULL ? g_bytes_ref(reply->ticket) : NULL,
	};
}

bool
rescue_signing_ask(const RescueSigningQuestion *question, const RescueSigningServer *server,
		   RescueSigningAnswer *ret_answer, GError **error)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	g_auto(RescueTssAnswer) answer = { .body = NULL };
	g_auto(RescueTssReply) reply = { .message = NULL };
	RescueTssPost post = { .server = server->server,
			       .ca_file = server->ca_file,
			       .deadline_ms = DEADLINE_MS };
	size_t size = 0;
	g_autofree char *manifest = read_manifest(question->ipsw, &size, error);

	if (manifest == NULL || !rescue_tss_request_make(manifest, size, question, &request, error))
		return false;
	post.body = request.xml;
	post.size = request.size;
	if (!rescue_tss_post(&post, &answer, error) || !rescue_tss_answer_check(&answer, error) ||
	    !rescue_tss_reply_parse(answer.body, answer.size, &reply, error))
		return false;
	fill(ret_answer, question, &request, &reply);
	ret_answer->server = rescue_tss_url(server->server);
	return true;
}
