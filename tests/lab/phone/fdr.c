/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * FDR: the phone reaches Apple's factory data through the host. The host opens a control connection
 * and is told the port for others; the phone asks for one by a sync message, greets on it, and then
 * sends commands. All numbers are little endian, property lists binary behind four bytes of length
 * (idevicerestore's fdr.c). The only command given here is Ping: nothing behind the host is ever
 * asked.
 */

enum {
	BUFFER_MAX = 1 << 20,
	LENGTH_SIZE = 4,
	SYNC_MESSAGE = 0x0001,
	PLIST_MESSAGE = 0xbbaa,
	CONTROL_VERSION = 2,
};

/* Words that open a connection, each sent with its closing NUL. */
static const char begin_word[] = "BeginCtrl";
static const char hello_word[] = "HelloConn";

typedef enum {
	FDR_OPENING, /* the word has to come */
	FDR_BEGIN,   /* control: then a list */
	FDR_IDLE,    /* control: ready; the other: Ping was answered */
	FDR_PINGED,  /* the other: the answer to Ping has to come */
} FdrState;

typedef struct {
	LabChannel base;
	bool control;
	FdrState state;
	GByteArray *in;
} Fdr;

static void fdr_received(LabChannel *channel, const void *data, size_t size);
static void fdr_free(LabChannel *channel);

static const LabChannelClass control_class = { .received = fdr_received, .free = fdr_free };
static const LabChannelClass conn_class = { .received = fdr_received, .free = fdr_free };

/* Takes `message` over. */
static void
append_plist(GByteArray *packet, plist_t message)
{
	char *binary = NULL;
	uint32_t size = 0;
	plist_to_bin(message, &binary, &size);
	plist_free(message);
	uint32_t length = GUINT32_TO_LE(size);
	g_byte_array_append(packet, (const uint8_t *)&length, LENGTH_SIZE);
	g_byte_array_append(packet, (const uint8_t *)binary, size);
	plist_to_bin_free(binary);
}

static void
append_number(GByteArray *packet, uint16_t number)
{
	uint16_t bytes = GUINT16_TO_LE(number);
	g_byte_array_append(packet, (const uint8_t *)&bytes, sizeof bytes);
}

static void
send_plist(Fdr *self, plist_t message)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();
	append_plist(packet, message);
	lab_channel_send(&self->base, packet->data, packet->len);
}

/*
 * Takes a list off the front of what came; NULL: it is not complete, or the stream makes no sense.
 */
static plist_t
take_plist(Fdr *self)
{
	if (self->in->len < LENGTH_SIZE)
		return NULL;
	uint32_t length;
	memcpy(&length, self->in->data, LENGTH_SIZE);
	length = GUINT32_FROM_LE(length);
	if (length > BUFFER_MAX) {
		lab_channel_shut(&self->base);
		return NULL;
	}
	if (self->in->len - LENGTH_SIZE < length)
		return NULL;
	plist_t message = lab_plist_parse(self->in->data + LENGTH_SIZE, length);
	g_byte_array_remove_range(self->in, 0, LENGTH_SIZE + length);
	if (message == NULL)
		lab_channel_shut(&self->base);
	return message;
}

static bool
take_word(Fdr *self)
{
	const char *word = self->control ? begin_word : hello_word;
	size_t size = strlen(word) + 1;
	if (self->in->len < size)
		return false;
	bool right = memcmp(self->in->data, word, size) == 0;
	g_byte_array_remove_range(self->in, 0, (guint)size);
	if (!right)
		lab_channel_shut(&self->base);
	return right;
}

static void
greet(Fdr *self)
{
	send_plist(self, lab_plist_dict("s:Command", hello_word, "s:Identifier",
					self->base.phone->id.serial, NULL));
	g_autoptr(GByteArray) packet = g_byte_array_new();
	append_number(packet, PLIST_MESSAGE);
	append_plist(packet, lab_plist_dict("s:Command", "Ping", NULL));
	lab_channel_send(&self->base, packet->data, packet->len);
}

static void
on_pong(Fdr *self)
{
	LabPhone *phone = self->base.phone;
	LabRestore *restore = lab_restored_current(phone);
	lab_channel_shut(&self->base);
	if (restore != NULL)
		lab_restore_fdr_done(restore);
}

/* True when something was understood and there may be more. */
static bool
step(Fdr *self)
{
	if (self->state == FDR_OPENING) {
		if (!take_word(self))
			return false;
		self->state = self->control ? FDR_BEGIN : FDR_PINGED;
		if (!self->control)
			greet(self);
		return true;
	}
	g_auto(plist_t) message = take_plist(self);
	if (message == NULL)
		return false;
	if (self->state == FDR_BEGIN)
		send_plist(self, lab_plist_dict("s:Command", begin_word, "u:CtrlProtoVersion",
						(uint64_t)CONTROL_VERSION, "u:ConnPort",
						(uint64_t)LAB_PORT_FDR_CONN, NULL));
	else if (self->state == FDR_PINGED)
		on_pong(self);
	self->state = FDR_IDLE;
	return true;
}

static void
fdr_received(LabChannel *channel, const void *data, size_t size)
{
	Fdr *self = (Fdr *)channel;
	g_byte_array_append(self->in, data, (guint)size);
	while (!channel->gone && step(self))
		;
}

static void
fdr_free(LabChannel *channel)
{
	Fdr *self = (Fdr *)channel;
	g_byte_array_unref(self->in);
	g_free(self);
}

LabChannel *
lab_fdr_connect(LabPhone *phone, uint16_t port, pid_t pid)
{
	bool control = port == LAB_PORT_FDR;
	if (!control && lab_service_find(phone, &control_class) == NULL)
		return NULL;
	Fdr *self = g_new0(Fdr, 1);
	lab_channel_init(&self->base, control ? &control_class : &conn_class, phone, pid);
	self->control = control;
	self->in = g_byte_array_new();
	lab_service_record(&self->base, control ? "fdr" : "fdr-conn");
	return &self->base;
}

bool
lab_fdr_sync(LabPhone *phone)
{
	Fdr *self = (Fdr *)lab_service_find(phone, &control_class);
	if (self == NULL || self->state != FDR_IDLE)
		return false;
	/*
	 * in one piece: the host takes whatever stands behind the first two bytes, and expects two
	 * more
	 */
	g_autoptr(GByteArray) packet = g_byte_array_new();
	append_number(packet, SYNC_MESSAGE);
	append_number(packet, 0);
	lab_channel_send(&self->base, packet->data, packet->len);
	return true;
}

void
lab_fdr_shut(LabPhone *phone)
{
	static const LabChannelClass *const classes[] = { &conn_class, &control_class };
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
		LabChannel *channel;
		while ((channel = lab_service_find(phone, classes[i])) != NULL)
			lab_channel_shut(channel);
	}
}
