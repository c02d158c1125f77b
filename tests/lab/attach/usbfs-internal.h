/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/attach/usbfs.h"

/* Shared by usbfs.c (the socket and its protocol) and urb.c (what the ioctls mean). */

enum { LAB_INTERFACES = 8 };

/** A call as the preload library sends it. */
typedef struct {
	unsigned long command, first, second;
} LabCall;

/** What we need of a client's struct usbdevfs_urb (which ends in a flexible array). */
typedef struct {
	unsigned long address; /* of that struct */
	unsigned long buffer;
	uint8_t type, endpoint;
	size_t size;
} LabRequest;

typedef struct LabClient LabClient;
typedef void (*LabClientThen)(LabClient *client);

struct LabNode {
	char *path;
	LabPhone *phone; /* NULL once it has left, and for files that are no phone's */
	bool is_default;
	int fd;
	unsigned accept_source;
	GList *clients;
	LabClient *claims[LAB_INTERFACES];
};

/** One process's open file. */
struct LabClient {
	LabNode *node;
	int fd;
	pid_t pid;
	unsigned in_source, out_source;
	GByteArray *out;
	GByteArray *in; /* what has come of what is wanted */
	size_t wanted;
	LabClientThen then;
	bool broken;
	LabCall call;
	size_t handler;       /* index into urb.c's table while a call is worked on */
	LabRequest submitted; /* while its buffer is fetched */
	GQueue waiting, parked,
	    done;             /* of Urb: in line for the link, never answered, to be reaped */
	unsigned link_source; /* the first in line arrives */
	unsigned reap_source; /* patience with a reap that finds nothing */
	bool reaping;
	bool vain; /* the last reap found nothing and was told so at once */
};

/**
 * usbfs.c: asks for `size` bytes of the client's memory, then calls `then` with them in client->in.
 */
void lab_client_read_memory(LabClient *client, unsigned long address, size_t size,
			    LabClientThen then);
void lab_client_write_memory(LabClient *client, unsigned long address, const void *data,
			     size_t size);
/** Ends the call; `error` is an errno or 0. */
void lab_client_done(LabClient *client, long result, int error);
/** Ends the call: the preload library makes the original one. */
void lab_client_pass_on(LabClient *client);

/** urb.c: an ioctl has come in client->call. */
void lab_client_ioctl(LabClient *client);
/** The phone has left. */
void lab_client_unplugged(LabClient *client);
/** The process has closed the file. */
void lab_client_release(LabClient *client);
