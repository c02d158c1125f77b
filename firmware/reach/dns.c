/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/reach/names.h"

/* One question of type A by UDP, as in RFC 1035. */

#define DNS_PORT    "53"
#define MAX_MESSAGE 1500u
#define MAX_LABEL   63u
#define TRIES       2u

enum {
	HEADER_SIZE = 12,
	RECORD_SIZE = 10, /* of a resource record behind its name, without its data */
	TYPE_A = 1,
	CLASS_IN = 1,
	RECURSION_DESIRED = 0x0100,
	IS_ANSWER = 0x8000,
	RCODE_MASK = 0x000f,
	RCODE_NO_NAME = 3,
	POINTER_BITS = 0xc0,
	ADDRESS_SIZE = 4,
};

static uint16_t
get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void
put16(GByteArray *message, uint16_t value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	g_byte_array_append(message, bytes, sizeof(bytes));
}

/* NULL for a name that cannot be asked; caller frees */
static GByteArray *
make_question(const char *host, uint16_t id)
{
	g_autoptr(GByteArray) message = g_byte_array_new();
	g_auto(GStrv) labels = g_strsplit(host, ".", -1);
	static const uint16_t counts[] = { 1, 0, 0, 0 };
	const uint8_t end = 0;

	put16(message, id);
	put16(message, RECURSION_DESIRED);
	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		put16(message, counts[i]);
	for (unsigned i = 0; labels[i] != NULL; i++) {
		uint8_t size = (uint8_t)strlen(labels[i]);
		if (size == 0 || strlen(labels[i]) > MAX_LABEL)
			return NULL;
		g_byte_array_append(message, &size, 1);
		g_byte_array_append(message, (const uint8_t *)labels[i], size);
	}
	g_byte_array_append(message, &end, 1);
	put16(message, TYPE_A);
	put16(message, CLASS_IN);
	return g_steal_pointer(&message);
}

/* past a name: labels end with a zero or with a pointer; 0 when it runs out of the message */
static size_t
skip_name(const uint8_t *answer, size_t size, size_t at)
{
	while (at < size) {
		if ((answer[at] & POINTER_BITS) == POINTER_BITS)
			return at + 2 <= size ? at + 2 : 0;
		if (answer[at] == 0)
			return at + 1;
		at += (size_t)answer[at] + 1;
	}
	return 0;
}

/* past one record; its address is kept; 0 when it makes no sense */
static size_t
read_record(const uint8_t *answer, size_t size, size_t at, GPtrArray *addresses)
{
	char text[INET_ADDRSTRLEN];
	uint16_t type, length;

	at = skip_name(answer, size, at);
	if (at == 0 || at + RECORD_SIZE > size)
		return 0;
	type = get16(answer + at);
	length = get16(answer + at + RECORD_SIZE - 2);
	at += RECORD_SIZE;
	if (length > size - at)
		return 0;
	if (type == TYPE_A && length == ADDRESS_SIZE &&
	    inet_ntop(AF_INET, answer + at, text, sizeof(text)) != NULL)
		g_ptr_array_add(addresses, g_strdup(text));
	return at + length;
}

bool
rescue_dns_read(const uint8_t *answer, size_t size, uint16_t id, RescueNamed *ret_named,
		GPtrArray *addresses)
{
	size_t at = HEADER_SIZE;
	unsigned rcode;

	if (size < HEADER_SIZE || get16(answer) != id || (get16(answer + 2) & IS_ANSWER) == 0)
		return false;
	rcode = get16(answer + 2) & RCODE_MASK;
	for (unsigned n = get16(answer + 4); n > 0 && at != 0; n--) {
		at = skip_name(answer, size, at);
		at = at != 0 && at + 4 <= size ? at + 4 : 0;
	}
	for (unsigned n = get16(answer + 6); n > 0 && at != 0; n--)
		at = read_record(answer, size, at, addresses);
	*ret_named = addresses->len > 0                     ? RESCUE_NAMED_YES
		     : rcode == RCODE_NO_NAME || rcode == 0 ? RESCUE_NAMED_NO
							    : RESCUE_NAMED_SILENT;
	return true;
}

static int
open_socket(const char *server)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *info = NULL;
	int fd = -1;

	if (getaddrinfo(server, DNS_PORT, &hints, &info) != 0)
		return -1;
	fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, info->ai_addr, info->ai_addrlen) < 0) {
		(void)close(fd); /* nothing was written */
		fd = -1;
	}
	freeaddrinfo(info);
	return fd;
}

/* one question and whatever comes until the time is over */
static RescueNamed
ask_once(int fd, const GByteArray *question, unsigned ms, GPtrArray *addresses)
{
	int64_t until_us = g_get_monotonic_time() + (int64_t)ms * 1000;
	RescueNamed named = RESCUE_NAMED_SILENT;
	uint8_t answer[MAX_MESSAGE];

	if (send(fd, question->data, question->len, 0) < 0)
		return RESCUE_NAMED_SILENT;
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left_ms = (until_us - g_get_monotonic_time()) / 1000;
		if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
			return RESCUE_NAMED_SILENT;
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno != EINTR)
			return RESCUE_NAMED_SILENT; /* the port is closed */
		if (got > 0 &&
		    rescue_dns_read(answer, (size_t)got, get16(question->data), &named, addresses))
			return named;
	}
}

RescueNamed
rescue_dns_ask(const char *server, const char *host, unsigned ms, GPtrArray *addresses)
{
	g_autoptr(GByteArray) question = make_question(host, (uint16_t)g_random_int());
	RescueNamed named = RESCUE_NAMED_SILENT;
	int fd = question != NULL ? open_socket(server) : -1;

	if (fd < 0)
		return RESCUE_NAMED_UNASKED;
	for (unsigned i = 0; i < TRIES && named == RESCUE_NAMED_SILENT; i++)
		named = ask_once(fd, question, ms / TRIES, addresses);
	(void)close(fd); /* nothing was written */
	return named;
}
