/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * DER writing, as much as Image4 needs. Contents are built from the inside out: each function appends one complete
 * element to `out`; a constructed one takes its finished content.
 */

/** A four-letter word such as "IM4P" or "ibss", as an Image4 property is named by it. */
typedef const char *LabTag;

/** Appends an IA5String. */
void lab_der_ia5(GByteArray *out, const char *text);
/** Appends an OCTET STRING. */
void lab_der_octets(GByteArray *out, const void *data, size_t size);
/** Appends an INTEGER, unsigned and as short as it goes. */
void lab_der_integer(GByteArray *out, uint64_t value);
/** Appends a BOOLEAN. */
void lab_der_boolean(GByteArray *out, bool value);
/** Takes `content` over. */
void lab_der_sequence(GByteArray *out, GByteArray *content);
/** Takes `content` over. */
void lab_der_set(GByteArray *out, GByteArray *content);
/**
 * Image4's property: a private tag made of the four letters, around a sequence of the name and `value`, one finished
 * element. Takes `value` over.
 */
void lab_der_property(GByteArray *out, LabTag name, GByteArray *value);
/** An IM4P container: type, description and payload in an octet string. Caller frees. */
GByteArray *lab_der_im4p(LabTag type, const char *description, const void *payload, size_t size);
