/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <string.h>

#include "tests/lab/phone/image.h"
#include "tests/lab/phone/internal.h"

/*
 * DFU mode: the state machine of USB DFU 1.0, as far as libirecovery's irecv_send_buffer walks it.
 * A file ends in a 16-byte suffix (12 constant bytes and a CRC-32 of all before it); after an empty
 * block, two status requests and a bus reset the phone starts what it was given, or comes back in
 * DFU mode if that is no iBSS.
 */

enum { CLASS_OUT = 0x21, CLASS_IN = 0xa1 };
enum { DNLOAD = 1, GETSTATUS = 3, CLRSTATUS = 4, GETSTATE = 5, ABORT = 6 };
enum {
	STATE_IDLE = 2,
	STATE_DNLOAD_IDLE = 5,
	STATE_MANIFEST_SYNC = 6,
	STATE_MANIFEST = 7,
	STATE_MANIFEST_WAIT_RESET = 8,
	STATE_ERROR = 10,
};
enum { STATUS_SIZE = 6, STATUS_OK = 0, STATUS_ERR_STALLED = 0x0f };
enum { SUFFIX_SIZE = 16, SUFFIX_CRC_SIZE = 4 };
enum { FILE_MAX = 64 << 20 };

static const uint8_t suffix[SUFFIX_SIZE - SUFFIX_CRC_SIZE] = {
	0xff, 0xff, 0xff, 0xff, 0xac, 0x05, 0x00, 0x01, 0x55, 0x46, 0x44, 0x10,
};

struct LabDfu {
	uint8_t state;
	GByteArray *file;
	pid_t pid;
	bool ignored;
};

LabDfu *
lab_dfu_new(void)
{
	LabDfu *self = g_new0(LabDfu, 1);
	self->state = STATE_IDLE;
	self->file = g_byte_array_new();
	return self;
}

void
lab_dfu_free(LabDfu *self)
{
	if (self == NULL)
		return;
	g_byte_array_unref(self->file);
	g_free(self);
}

void
lab_dfu_reset(LabPhone *phone)
{
	phone->dfu->state = STATE_IDLE;
	phone->dfu->ignored = false;
	g_byte_array_set_size(phone->dfu->file, 0);
}

/* the reflected CRC-32 of IEEE 802.3, four bits at a time, without its final inversion */
static uint32_t
crc32_of(const uint8_t *data, size_t size)
{
	static const uint32_t nibbles[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		crc = crc >> 4 ^ nibbles[crc & 15];
		crc = crc >> 4 ^ nibbles[crc & 15];
	}
	return crc;
}

static bool
has_good_suffix(const GByteArray *file)
{
	if (file->len <= SUFFIX_SIZE)
		return false;
	size_t covered = file->len - SUFFIX_CRC_SIZE;
	const uint8_t *crc = file->data + covered;
	uint32_t told = crc[0] | (uint32_t)crc[1] << 8 | (uint32_t)crc[2] << 16 |
			(uint32_t)crc[3] << 24;
	return memcmp(file->data + file->len - SUFFIX_SIZE, suffix, sizeof(suffix)) == 0 &&
	       crc32_of(file->data, covered) == told;
}

static const LabImage *
file_image(const LabDfu *self)
{
	return lab_image_identify(self->file->data, MIN(self->file->len, (guint)LAB_IMAGE_HEAD));
}

static ssize_t
meet_fault(LabPhone *phone, const LabFault *fault, size_t size)
{
	LabDfu *self = phone->dfu;
	if (lab_action_leaves(fault->action))
		return -ENODEV;
	switch (fault->action) {
	case LAB_DO_STALL:
		self->state = STATE_ERROR;
		return -EPIPE;
	case LAB_DO_HANG:
		phone->hung_pid = self->pid;
		return -EAGAIN;
	case LAB_DO_IGNORE:
		self->ignored = true;
		return (ssize_t)size;
	default:
		return (ssize_t)size;
	}
}

static ssize_t
take_block(LabPhone *phone, const uint8_t *data, size_t size, pid_t pid)
{
	LabDfu *self = phone->dfu;
	self->pid = pid;
	if (self->file->len + size > FILE_MAX) {
		self->state = STATE_ERROR;
		return -EPIPE;
	}
	g_byte_array_append(self->file, data, (guint)size);
	self->state = STATE_DNLOAD_IDLE;
	const LabImage *image = file_image(self);
	if (image == NULL || image->point == LAB_AT_LAST)
		return (ssize_t)size;
	const LabFault *fault = lab_phone_pass(phone, image->point, self->file->len);
	return fault != NULL ? meet_fault(phone, fault, size) : (ssize_t)size;
}

static ssize_t
download(LabPhone *phone, const LabSetup *setup, const uint8_t *data, pid_t pid)
{
	LabDfu *self = phone->dfu;
	bool receiving = self->state == STATE_IDLE || self->state == STATE_DNLOAD_IDLE;
	if (setup->length == 0) {
		if (self->state == STATE_DNLOAD_IDLE)
			self->state = STATE_MANIFEST_SYNC;
		return 0;
	}
	if (!receiving) {
		self->state = STATE_ERROR;
		return -EPIPE;
	}
	return take_block(phone, data, setup->length, pid);
}

static ssize_t
give_status(LabPhone *phone, uint8_t *data, size_t wanted)
{
	LabDfu *self = phone->dfu;
	if (wanted < STATUS_SIZE)
		return -EPIPE;
	if (self->state == STATE_MANIFEST_SYNC)
		self->state = STATE_MANIFEST;
	else if (self->state == STATE_MANIFEST)
		self->state = STATE_MANIFEST_WAIT_RESET;
	memset(data, 0, STATUS_SIZE);
	data[0] = self->state == STATE_ERROR ? STATUS_ERR_STALLED : STATUS_OK;
	data[4] = self->state;
	return STATUS_SIZE;
}

ssize_t
lab_dfu_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, pid_t pid)
{
	LabDfu *self = phone->dfu;
	bool in = setup->request_type == CLASS_IN;
	if (!in && setup->request_type != CLASS_OUT)
		return -EPIPE;
	switch (setup->request) {
	case DNLOAD:
		return in ? -EPIPE : download(phone, setup, data, pid);
	case GETSTATUS:
		return in ? give_status(phone, data, setup->length) : -EPIPE;
	case GETSTATE:
		if (!in || setup->length < 1)
			return -EPIPE;
		data[0] = self->state;
		return 1;
	case CLRSTATUS:
	case ABORT:
		lab_dfu_reset(phone);
		return 0;
	default:
		return -EPIPE;
	}
}

void
lab_dfu_bus_reset(LabPhone *phone, pid_t pid)
{
	LabDfu *self = phone->dfu;
	if (self->state < STATE_MANIFEST_SYNC || self->state == STATE_ERROR)
		return;
	const LabImage *image = file_image(self);
	const char *name = image != NULL ? image->name : "file";
	size_t bytes = self->file->len > SUFFIX_SIZE ? self->file->len - SUFFIX_SIZE : 0;
	lab_record_event(phone->record, phone->id.name, "upload", "i:pid", (int64_t)self->pid,
			 "s:component", name, "i:bytes", (int64_t)bytes, NULL);
	if (self->ignored)
		lab_dfu_reset(phone);
	else if (has_good_suffix(self->file) && strcmp(name, "iBSS") == 0)
		lab_phone_depart(phone, LAB_MODE_RECOVERY, LAB_STAGE_IBSS);
	else
		lab_phone_depart(phone, LAB_MODE_DFU, LAB_STAGE_IBOOT);
}
