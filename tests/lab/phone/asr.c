/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * ASR on port 12345 takes the system image. Property lists go bare, without a length in front: the
 * host reads until nothing more comes, we read up to the closing tag. ASR says Initiate, the host
 * how large the image is; ASR asks for pieces of it out of band, then for the payload: chunks, each
 * followed by its SHA-1 (idevicerestore's asr.c).
 */

enum {
	INFO_MAX = 1 << 16,
	HEAD_PIECE = 65536, /* where an image says what it is */
	TAIL_PIECE = 512,   /* and where a disk image keeps its index */
	PIECES = 2,
	SLICE = 4096, /* how closely a fault's byte count is met */
	SHA1_SIZE = 20,
	MARK_MAX = 128,
	GREETING_MAX_MS = 3000, /* an engine does not wait for 8.5 s */
};

typedef enum { ASR_INFO, ASR_PIECES, ASR_PAYLOAD, ASR_CHECKSUM, ASR_DONE } AsrState;

/* A stretch of the image, fetched before the payload and compared with it. */
typedef struct {
	uint64_t offset;
	size_t length;
	GByteArray *bytes;
} Piece;

typedef struct {
	LabChannel base;
	LabPace pace;
	unsigned greeting; /* source of the first message */
	AsrState state;
	bool hung;
	bool talks_nonsense; /* a fault has fired: the next command is none */
	GByteArray *in;      /* the host's packet information */
	uint64_t size, received;
	uint64_t chunk_size, chunk_left; /* 0: the host sends no checksums */
	Piece pieces[PIECES];
	size_t piece;
	GChecksum *sha1;
	uint8_t digest[SHA1_SIZE];
	size_t digest_size;
	bool sound;
	char mark[MARK_MAX + 1]; /* first bytes of the image */
} Asr;

static void asr_received(LabChannel *channel, const void *data, size_t size);
static void asr_closed(LabChannel *channel);
static void asr_free(LabChannel *channel);

static const LabChannelClass asr_class = {
	.received = asr_received,
	.closed = asr_closed,
	.free = asr_free,
};

/* Takes `message` over. */
static void
send_bare(LabChannel *channel, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	lab_channel_send(channel, xml, size);
	plist_to_xml_free(xml);
}

/* Passes a point; true when the caller must stop. */
static bool
suffer(Asr *self, LabPoint at, uint64_t bytes)
{
	const LabFault *fault = lab_phone_pass(self->base.phone, at, bytes);
	if (fault == NULL)
		return false;
	if (lab_action_leaves(fault->action))
		return true;
	if (fault->action == LAB_DO_GARBAGE) {
		self->talks_nonsense = true;
		return false;
	}
	LabRestore *restore = lab_restored_current(self->base.phone);
	return restore == NULL || lab_restore_suffer(restore, fault);
}

/* ---- the image ------------------------------------------------------------------------------- */

static void
record_image(const Asr *self, const char *state)
{
	lab_record_event(self->base.phone->record, self->base.phone->id.name, "image", "s:state",
			 state, "i:pid", (int64_t)self->base.pid, NULL);
}

static void
image_done(Asr *self)
{
	self->state = ASR_DONE;
	record_image(self, "end");
	/* written by the lab's IPSW builder: LABOS VERSION BUILD */
	char *line_end = strchr(self->mark, '\n');
	if (line_end != NULL)
		*line_end = '\0';
	g_auto(GStrv) words = g_strsplit(self->mark, " ", 3);
	bool says = line_end != NULL && g_strv_length(words) == 3 && strcmp(words[0], "LABOS") == 0;
	LabRestore *restore = lab_restored_current(self->base.phone);
	if (restore != NULL)
		lab_restore_image_done(restore, says ? words[1] : NULL, says ? words[2] : NULL,
				       self->sound);
}

static void
compare_piece(Asr *self, const Piece *piece, const uint8_t *data, size_t size)
{
	uint64_t begin = MAX(piece->offset, self->received);
	uint64_t end = MIN(piece->offset + piece->length, self->received + size);
	if (begin < end && memcmp(piece->bytes->data + (begin - piece->offset),
				  data + (begin - self->received), end - begin) != 0)
		self->sound = false;
}

static void
take_image_bytes(Asr *self, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < PIECES; i++)
		compare_piece(self, &self->pieces[i], data, size);
	if (self->received == 0)
		record_image(self, "begin");
	if (self->received < MARK_MAX)
		memcpy(self->mark + self->received, data, MIN(size, MARK_MAX - self->received));
	self->received += size;
	if (self->chunk_size == 0)
		return;
	g_checksum_update(self->sha1, data, (gssize)size);
	self->chunk_left -= size;
	if (self->chunk_left == 0 || self->received == self->size)
		self->state = ASR_CHECKSUM;
}

static size_t
take_payload(Asr *self, const uint8_t *data, size_t size)
{
	size = MIN(size, SLICE);
	size = MIN(size, self->size - self->received);
	if (self->chunk_size != 0)
		size = MIN(size, self->chunk_left);
	take_image_bytes(self, data, size);
	if (suffer(self, LAB_AT_FILESYSTEM, self->received))
		return size;
	if (self->state == ASR_PAYLOAD && self->received == self->size)
		image_done(self);
	return size;
}

static size_t
take_checksum(Asr *self, const uint8_t *data, size_t size)
{
	size = MIN(size, SHA1_SIZE - self->digest_size);
	memcpy(self->digest + self->digest_size, data, size);
	self->digest_size += size;
	if (self->digest_size < SHA1_SIZE)
		return size;
	uint8_t ours[SHA1_SIZE];
	gsize ours_size = sizeof ours;
	g_checksum_get_digest(self->sha1, ours, &ours_size);
	if (memcmp(ours, self->digest, SHA1_SIZE) != 0)
		self->sound = false;
	g_checksum_reset(self->sha1);
	self->digest_size = 0;
	self->chunk_left = self->chunk_size;
	self->state = ASR_PAYLOAD;
	if (self->received == self->size)
		image_done(self);
	return size;
}

/* ---- before the image ------------------------------------------------------------------------ */

static void
ask_payload(Asr *self)
{
	send_bare(&self->base, lab_plist_dict("s:Command", "Payload", NULL));
	self->state = ASR_PAYLOAD;
	if (self->size == 0)
		image_done(self);
}

static void
ask_next_piece(Asr *self)
{
	while (self->piece < PIECES && self->pieces[self->piece].length == 0)
		self->piece++;
	if (self->piece == PIECES) {
		ask_payload(self);
		return;
	}
	const Piece *piece = &self->pieces[self->piece];
	send_bare(&self->base,
		  lab_plist_dict("s:Command", "OOBData", "u:OOB Length", (uint64_t)piece->length,
				 "u:OOB Offset", piece->offset, NULL));
}

static size_t
take_piece(Asr *self, const uint8_t *data, size_t size)
{
	Piece *piece = &self->pieces[self->piece];
	size = MIN(size, piece->length - piece->bytes->len);
	g_byte_array_append(piece->bytes, data, (guint)size);
	if (piece->bytes->len == piece->length) {
		self->piece++;
		ask_next_piece(self);
	}
	return size;
}

static void
start_validation(Asr *self, plist_t info)
{
	self->size = lab_plist_uint(lab_plist_item(info, "Payload"), "Size", 0);
	self->chunk_size = lab_plist_uint(info, "Checksum Chunk Size", 0);
	self->chunk_left = self->chunk_size;
	self->pieces[0].length = MIN(self->size, HEAD_PIECE);
	self->pieces[1].length = MIN(self->size, TAIL_PIECE);
	self->pieces[1].offset = self->size - self->pieces[1].length;
	self->state = ASR_PIECES;
	if (suffer(self, LAB_AT_ASR, self->size))
		return;
	if (!self->talks_nonsense) {
		ask_next_piece(self);
		return;
	}
	send_bare(&self->base, lab_plist_dict("s:Command", "Frobnicate", NULL));
	self->state = ASR_DONE; /* nothing sensible follows, and nobody complains */
}

static size_t
take_info(Asr *self, const uint8_t *data, size_t size)
{
	static const char end[] = "</plist>";
	g_byte_array_append(self->in, data, (guint)size);
	if (memmem(self->in->data, self->in->len, end, strlen(end)) == NULL) {
		if (self->in->len > INFO_MAX)
			lab_channel_shut(&self->base);
		return size;
	}
	g_auto(plist_t) info = lab_plist_parse(self->in->data, self->in->len);
	if (info == NULL || lab_plist_item(info, "Payload") == NULL)
		lab_channel_shut(&self->base);
	else
		start_validation(self, info);
	return size;
}

/* ---- the connection -------------------------------------------------------------------------- */

static size_t
take_nothing(Asr *self, const uint8_t *data, size_t size)
{
	return size;
}

static void
asr_received(LabChannel *channel, const void *data, size_t size)
{
	static size_t (*const take[])(Asr * self, const uint8_t *data, size_t size) = {
		[ASR_INFO] = take_info,       [ASR_PIECES] = take_piece,
		[ASR_PAYLOAD] = take_payload, [ASR_CHECKSUM] = take_checksum,
		[ASR_DONE] = take_nothing,
	};
	Asr *self = (Asr *)channel;
	const uint8_t *at = data;
	size_t left = size;
	while (left > 0 && !channel->gone && !self->hung) {
		size_t taken = take[self->state](self, at, left);
		at += taken;
		left -= taken;
	}
	if (!self->hung)
		lab_pace_hold(&self->pace, size);
}

static void
asr_closed(LabChannel *channel)
{
	Asr *self = (Asr *)channel;
	lab_pace_stop(&self->pace);
	g_clear_handle_id(&self->greeting, g_source_remove);
	if (self->state == ASR_DONE)
		return;
	if (self->received > 0)
		record_image(self, "end");
	if (channel->phone->mode != LAB_MODE_RESTORE)
		return;
	LabRestore *restore = lab_restored_current(channel->phone);
	if (restore != NULL)
		lab_restore_image_failed(restore, "the image did not come to its end");
}

static void
asr_free(LabChannel *channel)
{
	Asr *self = (Asr *)channel;
	for (size_t i = 0; i < PIECES; i++)
		g_byte_array_unref(self->pieces[i].bytes);
	g_byte_array_unref(self->in);
	g_checksum_free(self->sha1);
	g_free(self);
}

/*
 * The first message waits for the main loop, as the connection is not made before connect has
 * returned; and for as long as a phone that takes its time needs, and an engine waits.
 */
static gboolean
on_greeting(void *data)
{
	Asr *self = data;
	LabChannel *channel = lab_channel_ref(&self->base);
	self->greeting = 0;
	if (!suffer(self, LAB_AT_ASR, 0))
		send_bare(channel, lab_plist_dict("s:Command", "Initiate", "b:Checksum Chunks",
						  (int)true, NULL));
	lab_channel_unref(channel);
	return G_SOURCE_REMOVE;
}

LabChannel *
lab_asr_connect(LabPhone *phone, pid_t pid)
{
	LabRestore *restore = lab_restored_current(phone);
	if (restore == NULL || !lab_restore_wants_image(restore) ||
	    lab_service_find(phone, &asr_class) != NULL)
		return NULL;
	Asr *self = g_new0(Asr, 1);
	lab_channel_init(&self->base, &asr_class, phone, pid);
	self->pace.channel = &self->base;
	self->in = g_byte_array_new();
	self->sha1 = g_checksum_new(G_CHECKSUM_SHA1);
	self->sound = true;
	for (size_t i = 0; i < PIECES; i++)
		self->pieces[i].bytes = g_byte_array_new();
	self->greeting = g_timeout_add(MIN(phone->step_ms, GREETING_MAX_MS), on_greeting, self);
	lab_service_record(&self->base, "asr");
	return &self->base;
}

void
lab_asr_shut(LabPhone *phone)
{
	LabChannel *channel = lab_service_find(phone, &asr_class);
	if (channel != NULL)
		lab_channel_shut(channel);
}

void
lab_asr_hang(LabPhone *phone)
{
	Asr *self = (Asr *)lab_service_find(phone, &asr_class);
	if (self == NULL)
		return;
	self->hung = true;
	lab_pace_stop(&self->pace);
	lab_channel_set_reading(&self->base, false);
}
