/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/services.h"

/*
 * FDR: the phone reaches Apple's factory data through the host. The host opens a control connection
 * and is told the port for others; the phone asks for one by a sync message, greets on it, and then
 * sends commands. All numbers are little endian, property lists binary behind four bytes of length
 * (idevicerestore's fdr.c). The commands given here are Ping and, on a connection of its own, the request to be
 * connected
 * with a server, which is the world's own. What that answers is of no consequence: this phone has its factory data.
 */

enum {
	BUFFER_MAX = 1 << 20,
	LENGTH_SIZE = 4,
	SYNC_MESSAGE = 0x0001,
	PLIST_MESSAGE = 0xbbaa,
	PROXY_MESSAGE = 0x0105,
	ACK_SIZE = 2,
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
	FDR_PROXY,   /* the other: the host repeats whom it is to connect */
	FDR_SERVER,  /* the other: what comes now is the server's */
} FdrState;

static const char factory_host[] = "127.0.0.1";
static const char factory_request[] = "GET /factory-data HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";

typedef struct {
	LabChannel base;
	bool control;
	FdrState state;
	uint32_t expected; /* bytes the host repeats */
	GByteArray *in;
} Fdr;

static void fdr_received(LabChannel *channel, const void *data, size_t size);
static void fdr_closed(LabChannel *channel);
static void fdr_free(LabChannel *channel);

static const LabChannelClass control_class = { .received = fdr_received, .free = fdr_free };
static const LabChannelClass conn_class = { .received = fdr_received,
					    .closed = fdr_closed,
					    .free = fdr_free };

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
}

static void
ping(Fdr *self)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();
	append_number(packet, PLIST_MESSAGE);
	append_plist(packet, lab_plist_dict("s:Command", "Ping", NULL));
	lab_channel_send(&self->base, packet->data, packet->len);
	self->state = FDR_PINGED;
}

/* 0, 3, length and name of the host, port in network order */
static void
ask_for_server(Fdr *self)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();
	const uint8_t head[] = { 0, 3, sizeof factory_host - 1 };
	uint16_t port = GUINT16_TO_BE(self->base.phone->factory_port);
	append_number(packet, PROXY_MESSAGE);
	g_byte_array_append(packet, head, sizeof head);
	g_byte_array_append(packet, (const uint8_t *)factory_host, sizeof factory_host - 1);
	g_byte_array_append(packet, (const uint8_t *)&port, sizeof port);
	lab_channel_send(&self->base, packet->data, packet->len);
	self->expected = ACK_SIZE + packet->len - sizeof(uint16_t);
	self->state = FDR_PROXY;
}

static void
fdr_done(LabPhone *phone)
{
	LabRestore *restore = lab_restored_current(phone);
	phone->factory_asked = false;
	if (restore != NULL)
		lab_restore_fdr_done(restore);
}

/* The line to the host is good; with a server behind it, that is asked for on a connection of its own. */
static void
on_pong(Fdr *self)
{
	LabPhone *phone = self->base.phone;
	lab_channel_shut(&self->base);
	phone->factory_asked = phone->factory_port != 0;
	if (!phone->factory_asked || !lab_fdr_sync(phone))
		fdr_done(phone);
}

static bool
take_echo(Fdr *self)
{
	if (self->in->len < self->expected)
		return false;
	g_byte_array_remove_range(self->in, 0, self->expected);
	lab_channel_send(&self->base, factory_request, strlen(factory_request));
	self->state = FDR_SERVER;
	return true;
}

static bool
take_server(Fdr *self)
{
	LabPhone *phone = self->base.phone;
	if (self->in->len == 0)
		return false;
	lab_record_event(phone->record, phone->id.name, "factory", "i:bytes",
			 (int64_t)self->in->len, NULL);
	lab_channel_shut(&self->base);
	return false;
}

static bool
take_opening(Fdr *self)
{
	if (!take_word(self))
		return false;
	self->state = FDR_BEGIN;
	if (self->control)
		return true;
	greet(self);
	if (self->base.phone->factory_asked)
		ask_for_server(self);
	else
		ping(self);
	return true;
}

static bool
take_message(Fdr *self)
{
	g_auto(plist_t) message = take_plist(self);
	if (message == NULL)
		return false;
	FdrState state = self->state;
	self->state = FDR_IDLE;
	if (state == FDR_BEGIN)
		send_plist(self, lab_plist_dict("s:Command", begin_word, "u:CtrlProtoVersion",
						(uint64_t)CONTROL_VERSION, "u:ConnPort",
						(uint64_t)LAB_PORT_FDR_CONN, NULL));
	else if (state == FDR_PINGED)
		on_pong(self);
	return true;
}

/* True when something was understood and there may be more. */
static bool
step(Fdr *self)
{
	static bool (*const take[])(Fdr * self) = {
		[FDR_OPENING] = take_opening, [FDR_BEGIN] = take_message,
		[FDR_IDLE] = take_message,    [FDR_PINGED] = take_message,
		[FDR_PROXY] = take_echo,      [FDR_SERVER] = take_server,
	};
	return take[self->state](self);
}

static void
fdr_received(LabChannel *channel, const void *data, size_t size)
{
	Fdr *self = (Fdr *)channel;
	g_byte_array_append(self->in, data, (guint)size);
	while (!channel->gone && step(self))
		;
}

/* However the talk with the server ended: the restore goes on without. */
static void
fdr_closed(LabChannel *channel)
{
	const Fdr *self = (Fdr *)channel;
	if (self->state == FDR_PROXY || self->state == FDR_SERVER)
		fdr_done(channel->phone);
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
