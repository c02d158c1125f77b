/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/image.h"

#include <string.h>

#include "tests/lab/scenario/hardware.h"

enum { DER_IA5_STRING = 0x16, DER_SEQUENCE = 0x30, TYPE_SIZE = 4, IMG3_TYPE_OFFSET = 16 };

typedef struct {
	char type[TYPE_SIZE + 1];
	LabImage image;
} KnownType;

/*
 * types as Image4 payloads carry them; the engine renames some for a restore (krnl to rkrn and so
 * on)
 */
static const KnownType known[] = {
	{ "ibss", { "iBSS", LAB_AT_SEND_IBSS } },
	{ "ibec", { "iBEC", LAB_AT_SEND_IBEC } },
	{ "rdsk", { "RestoreRamDisk", LAB_AT_SEND_RAMDISK } },
	{ "rlgo", { "RestoreLogo", LAB_AT_LAST } },
	{ "logo", { "RestoreLogo", LAB_AT_LAST } },
	{ "rdtr", { "RestoreDeviceTree", LAB_AT_LAST } },
	{ "dtre", { "RestoreDeviceTree", LAB_AT_LAST } },
	{ "rkrn", { "RestoreKernelCache", LAB_AT_LAST } },
	{ "krnl", { "RestoreKernelCache", LAB_AT_LAST } },
	{ "rsep", { "RestoreSEP", LAB_AT_LAST } },
	{ "rtsc", { "RestoreTrustCache", LAB_AT_LAST } },
	{ "trst", { "StaticTrustCache", LAB_AT_LAST } },
	{ "rdcp", { "RestoreDCP", LAB_AT_LAST } },
	{ "rans", { "RestoreANS", LAB_AT_LAST } },
	{ "ftap", { "ftap", LAB_AT_LAST } },
	{ "ftsp", { "ftsp", LAB_AT_LAST } },
	{ "rfta", { "rfta", LAB_AT_LAST } },
	{ "rfts", { "rfts", LAB_AT_LAST } },
	{ "ibdt", { "iBootData", LAB_AT_LAST } },
	{ "ispf", { "ISP", LAB_AT_LAST } },
	{ "aopf", { "AOP", LAB_AT_LAST } },
	{ "avef", { "AVE", LAB_AT_LAST } },
	{ "anef", { "ANE", LAB_AT_LAST } },
	{ "gfxf", { "GFX", LAB_AT_LAST } },
	{ "siof", { "SIO", LAB_AT_LAST } },
	{ "pmpf", { "PMP", LAB_AT_LAST } },
};

static const LabImage other = { "other", LAB_AT_LAST };

typedef struct {
	const uint8_t *at;
	size_t left;
} Der;

/* steps over tag and length; the content may be longer than what we have of the file */
static bool
der_enter(Der *der, uint8_t tag, size_t *ret_length)
{
	if (der->left < 2 || der->at[0] != tag)
		return false;
	size_t length = der->at[1];
	size_t header = 2;
	if (length >= 0x80) {
		size_t count = length & 0x7f;
		if (count == 0 || count > sizeof(uint32_t) || der->left < 2 + count)
			return false;
		length = 0;
		for (size_t i = 0; i < count; i++)
			length = length << 8 | der->at[2 + i];
		header += count;
	}
	der->at += header;
	der->left -= header;
	*ret_length = length;
	return true;
}

static bool
der_word(Der *der, char word[TYPE_SIZE + 1])
{
	size_t length = 0;
	if (!der_enter(der, DER_IA5_STRING, &length) || length != TYPE_SIZE || der->left < length)
		return false;
	memcpy(word, der->at, TYPE_SIZE);
	word[TYPE_SIZE] = '\0';
	der->at += length;
	der->left -= length;
	return true;
}

static bool
image4_type(const uint8_t *head, size_t size, char type[TYPE_SIZE + 1])
{
	Der der = { head, size };
	size_t length = 0;
	if (!der_enter(&der, DER_SEQUENCE, &length) || !der_word(&der, type))
		return false;
	if (strcmp(type, "IMG4") == 0 &&
	    (!der_enter(&der, DER_SEQUENCE, &length) || !der_word(&der, type)))
		return false;
	return strcmp(type, "IM4P") == 0 && der_word(&der, type);
}

/* img3: little-endian words, the type at offset 16, so its letters stand in reverse */
static bool
img3_type(const uint8_t *head, size_t size, char type[TYPE_SIZE + 1])
{
	if (size < IMG3_TYPE_OFFSET + TYPE_SIZE || memcmp(head, "3gmI", TYPE_SIZE) != 0)
		return false;
	for (size_t i = 0; i < TYPE_SIZE; i++)
		type[i] = (char)head[IMG3_TYPE_OFFSET + TYPE_SIZE - 1 - i];
	type[TYPE_SIZE] = '\0';
	return true;
}

bool
lab_image_is_update_ramdisk(const uint8_t *head, size_t size)
{
	static const char mark[] = "LABRAMDISK Update";
	return memmem(head, size, mark, strlen(mark)) != NULL;
}

unsigned
lab_image_ramdisk_train(const uint8_t *head, size_t size)
{
	static const char mark[] = "LABRAMDISK ";
	const uint8_t *at = memmem(head, size, mark, strlen(mark));
	if (at == NULL)
		return 0;
	g_autofree char *text = g_strndup((const char *)at, size - (size_t)(at - head));
	g_auto(GStrv) words = g_strsplit_set(text, " \n", 4);
	return g_strv_length(words) > 2 ? lab_build_train(words[2]) : 0;
}

uint64_t
lab_image_size(const uint8_t *head, size_t size)
{
	char type[TYPE_SIZE + 1] = "";
	size_t length = 0;
	Der der = { head, size };
	if (image4_type(head, size, type) && der_enter(&der, DER_SEQUENCE, &length))
		return (uint64_t)length + (size - der.left);
	if (!img3_type(head, size, type))
		return 0;
	return head[4] | (uint64_t)head[5] << 8 | (uint64_t)head[6] << 16 | (uint64_t)head[7] << 24;
}

const LabImage *
lab_image_identify(const uint8_t *head, size_t size)
{
	char type[TYPE_SIZE + 1] = "";
	if (!image4_type(head, size, type) && !img3_type(head, size, type))
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strcmp(known[i].type, type) == 0)
			return &known[i].image;
	}
	return &other;
}
