/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/reader.h"

#include <stdint.h>
#include <string.h>

#define MAX_PIECE  2000u /* a longer line is read in pieces of this size */
#define UTF8_ROOM  4u    /* bytes of one character */
#define SAMPLE     64u   /* bytes by which the encoding is guessed */
#define ESCAPE     0x1b
#define DELETE     0x7f
#define REPLACED   0xfffd
#define SURROGATES 0xd800u
#define LOW_HALVES 0xdc00u

typedef enum { CODING_UNKNOWN, CODING_BYTES, CODING_UTF16_LE, CODING_UTF16_BE } Coding;
typedef enum { COLOR_NONE, COLOR_ESCAPE, COLOR_SEQUENCE } Color;

struct RescueReader {
	RescueTranscript *transcript;
	Coding coding;
	uint8_t sample[SAMPLE];
	size_t sampled;
	bool half; /* of a UTF-16 unit, in `first` */
	uint8_t first;
	uint16_t high; /* of a surrogate pair, 0: none */
	Color color;
	bool after_return, continued;
	char piece[MAX_PIECE + UTF8_ROOM + 1];
	size_t length;
};

RescueReader *
rescue_reader_new(RescueTranscript *transcript)
{
	RescueReader *self = g_new0(RescueReader, 1);
	self->transcript = transcript;
	return self;
}

void
rescue_reader_free(RescueReader *reader)
{
	g_free(reader);
}

static void
end_piece(RescueReader *self, bool continues)
{
	self->piece[self->length] = '\0';
	if (self->continued)
		rescue_transcript_continue(self->transcript, self->piece);
	else
		rescue_transcript_feed(self->transcript, self->piece);
	self->length = 0;
	self->continued = continues;
}

static void
put(RescueReader *self, const char *bytes, size_t n)
{
	if (self->length + n > MAX_PIECE) {
		/* filled to the brim, so that the same bytes are cut alike however they come */
		size_t rest = n > UTF8_ROOM ? MAX_PIECE - self->length : 0;
		memcpy(self->piece + self->length, bytes, rest);
		self->length += rest;
		end_piece(self, true);
		bytes += rest;
		n -= rest;
	}
	memcpy(self->piece + self->length, bytes, n);
	self->length += n;
}

/* colours and other orders to a terminal; true: this one is part of it */
static bool
is_color(RescueReader *self, char c)
{
	if (c == ESCAPE) {
		self->color = COLOR_ESCAPE;
		return true;
	}
	if (self->color == COLOR_ESCAPE) {
		self->color = c == '[' ? COLOR_SEQUENCE : COLOR_NONE;
		return true;
	}
	if (self->color != COLOR_SEQUENCE)
		return false;
	if (c >= '@' && c <= '~')
		self->color = COLOR_NONE;
	return c >= ' ';
}

/* a bar that is redrawn is a message for each time, on one line; \r\n is one end */
static bool
ends_line(RescueReader *self, char c)
{
	bool pair = c == '\n' && self->after_return;
	self->after_return = c == '\r';
	if (c != '\n' && c != '\r')
		return false;
	self->color = COLOR_NONE;
	if (pair)
		self->continued = false;
	else
		end_piece(self, c == '\r');
	return true;
}

static void
take_char(RescueReader *self, char c)
{
	if (ends_line(self, c) || is_color(self, c) || c == '\0')
		return;
	if (g_ascii_iscntrl(c))
		c = ' ';
	put(self, &c, 1);
}

static void
take_code_point(RescueReader *self, uint32_t code)
{
	char bytes[6];
	if (code < 0x80) {
		take_char(self, (char)code);
		return;
	}
	self->after_return = false;
	put(self, bytes, (size_t)g_unichar_to_utf8(code, bytes));
}

static void
take_unit(RescueReader *self, uint16_t unit)
{
	bool low = unit >= LOW_HALVES && unit < LOW_HALVES + 0x400;
	bool high = unit >= SURROGATES && unit < LOW_HALVES;
	if (self->high != 0 && low)
		take_code_point(self, 0x10000u + ((uint32_t)(self->high - SURROGATES) << 10) +
					  (unit - LOW_HALVES));
	else if (!high)
		take_code_point(self, low ? REPLACED : unit);
	self->high = high ? unit : 0;
}

static void
take_byte(RescueReader *self, uint8_t byte)
{
	if (self->coding == CODING_BYTES) {
		take_char(self, (char)byte);
		return;
	}
	if (self->half) {
		bool little = self->coding == CODING_UTF16_LE;
		take_unit(self, little ? (uint16_t)(byte << 8 | self->first)
				       : (uint16_t)(self->first << 8 | byte));
	}
	self->first = byte;
	self->half = !self->half;
}

/* text of Latin letters in UTF-16 is zero in every second byte; binary junk is not as regular */
static Coding
guess_coding(const uint8_t *bytes, size_t n)
{
	size_t zeros[2] = { 0, 0 };
	if (n >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe)
		return CODING_UTF16_LE;
	if (n >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff)
		return CODING_UTF16_BE;
	for (size_t i = 0; i < n; i++)
		zeros[i % 2] += bytes[i] == 0 ? 1 : 0;
	size_t most = n / 2 - n / 8;
	if (n >= 8 && zeros[1] >= most && zeros[0] <= n / 8)
		return CODING_UTF16_LE;
	if (n >= 8 && zeros[0] >= most && zeros[1] <= n / 8)
		return CODING_UTF16_BE;
	return CODING_BYTES;
}

/* the mark of UTF-8 or UTF-16 at the beginning is no text */
static size_t
mark_length(Coding coding, const uint8_t *bytes, size_t n)
{
	if (coding != CODING_BYTES)
		return bytes[0] == 0xff || bytes[0] == 0xfe ? 2 : 0;
	return n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static void
settle_coding(RescueReader *self)
{
	if (self->coding != CODING_UNKNOWN)
		return;
	self->coding = guess_coding(self->sample, self->sampled);
	for (size_t i = mark_length(self->coding, self->sample, self->sampled); i < self->sampled;
	     i++)
		take_byte(self, self->sample[i]);
}

/* bytes that mean nothing but themselves, as many as fit into the piece */
static size_t
count_plain(RescueReader *self, const uint8_t *bytes, const uint8_t *end)
{
	const uint8_t *p = bytes;
	if (self->coding != CODING_BYTES || self->color != COLOR_NONE)
		return 0;
	if ((size_t)(end - bytes) > MAX_PIECE)
		end = bytes + MAX_PIECE;
	while (p < end && *p >= ' ' && *p != DELETE)
		p++;
	if (p > bytes)
		self->after_return = false;
	return (size_t)(p - bytes);
}

void
rescue_reader_feed(RescueReader *reader, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	const uint8_t *end = p + size;
	while (p < end && reader->coding == CODING_UNKNOWN) {
		reader->sample[reader->sampled++] = *p++;
		if (reader->sampled == SAMPLE)
			settle_coding(reader);
	}
	while (p < end) {
		size_t n = count_plain(reader, p, end);
		if (n > 0)
			put(reader, (const char *)p, n);
		else
			take_byte(reader, *p);
		p += MAX(n, 1);
	}
}

void
rescue_reader_finish(RescueReader *reader)
{
	settle_coding(reader);
	if (reader->length > 0)
		end_piece(reader, false);
}
