/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/attach/uevent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { RETRY_MS = 10, BACKLOG_MAX = 1024, ROUNDS_MAX = 8 };

static const uint32_t monitor_magic = 0xfeedcafe;

/* the header systemd puts in front of the properties; the words marked so are in network order */
typedef struct {
	char prefix[8];
	uint32_t magic; /* network */
	uint32_t header_size, properties_offset, properties_size;
	uint32_t subsystem_hash, devtype_hash, tags_high, tags_low; /* network */
} MonitorHeader;

struct LabUevents {
	char *root;
	int fd;
	uint64_t sequence;
	GHashTable *backlogs; /* socket path → GQueue of GBytes */
	unsigned retry;
};

/* MurmurHash2 of 32 bits with the length as seed: libudev's socket filters compare it */
static uint32_t
murmur2(const char *text)
{
	const uint32_t mix = 0x5bd1e995;
	size_t left = strlen(text);
	uint32_t hash = (uint32_t)left;
	const uint8_t *at = (const uint8_t *)text;

	for (; left >= sizeof(uint32_t); at += sizeof(uint32_t), left -= sizeof(uint32_t)) {
		uint32_t word;
		memcpy(&word, at, sizeof(word));
		word *= mix;
		word ^= word >> 24;
		hash = (hash * mix) ^ (word * mix);
	}
	for (size_t i = 0; i < left; i++)
		hash ^= (uint32_t)at[i] << (8 * i);
	if (left > 0)
		hash *= mix;
	hash ^= hash >> 13;
	hash *= mix;
	return hash ^ hash >> 15;
}

static GBytes *
make_message(LabUevents *self, const char *action, const char *devpath, const char *properties)
{
	g_autoptr(GString) body = g_string_new(NULL);
	g_string_append_printf(body,
			       "ACTION=%s\nDEVPATH=%s\nSUBSYSTEM=usb\nSEQNUM=%" G_GUINT64_FORMAT
			       "\n%s",
			       action, devpath, ++self->sequence, properties);
	for (char *c = body->str; *c != '\0'; c++) {
		if (*c == '\n')
			*c = '\0';
	}
	MonitorHeader header = {
		.prefix = "libudev",
		.magic = htonl(monitor_magic),
		.header_size = sizeof(header),
		.properties_offset = sizeof(header),
		.properties_size = (uint32_t)body->len,
		.subsystem_hash = htonl(murmur2("usb")),
		.devtype_hash = htonl(murmur2("usb_device")),
	};
	g_autoptr(GByteArray) message = g_byte_array_new();
	g_byte_array_append(message, (const uint8_t *)&header, sizeof(header));
	g_byte_array_append(message, (const uint8_t *)body->str, (guint)body->len);
	return g_byte_array_free_to_bytes(g_steal_pointer(&message));
}

/* 0 or an errno */
static int
send_to(LabUevents *self, const char *path, GBytes *message)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t size = 0;
	const void *data = g_bytes_get_data(message, &size);
	if (g_strlcpy(to.sun_path, path, sizeof(to.sun_path)) >= sizeof(to.sun_path))
		return ENAMETOOLONG;
	ssize_t sent = sendto(self->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&to, sizeof(to));
	return sent < 0 ? errno : 0;
}

static void
backlog_free(void *data)
{
	g_queue_free_full(data, (GDestroyNotify)g_bytes_unref);
}

/* true when nothing is left for this listener */
static bool
flush_backlog(LabUevents *self, const char *path, GQueue *backlog)
{
	GBytes *message = NULL;
	while ((message = g_queue_peek_head(backlog)) != NULL) {
		int rc = send_to(self, path, message);
		if (rc == EAGAIN)
			return false;
		if (rc != 0)
			return true; /* the listener is gone */
		g_bytes_unref(g_queue_pop_head(backlog));
	}
	return true;
}

static gboolean
retry_backlogs(gpointer data)
{
	LabUevents *self = data;
	GHashTableIter at;
	gpointer path = NULL;
	gpointer backlog = NULL;
	g_hash_table_iter_init(&at, self->backlogs);
	while (g_hash_table_iter_next(&at, &path, &backlog)) {
		if (flush_backlog(self, path, backlog))
			g_hash_table_iter_remove(&at);
	}
	if (g_hash_table_size(self->backlogs) > 0)
		return G_SOURCE_CONTINUE;
	self->retry = 0;
	return G_SOURCE_REMOVE;
}

static void
keep_for_later(LabUevents *self, const char *path, GBytes *message)
{
	GQueue *backlog = g_hash_table_lookup(self->backlogs, path);
	if (backlog == NULL) {
		backlog = g_queue_new();
		g_hash_table_insert(self->backlogs, g_strdup(path), backlog);
	}
	if (g_queue_get_length(backlog) < BACKLOG_MAX)
		g_queue_push_tail(backlog, g_bytes_ref(message));
	if (self->retry == 0)
		self->retry = g_timeout_add(RETRY_MS, retry_backlogs, self);
}

/* false when the socket has just got another name */
static bool
deliver(LabUevents *self, const char *path, GBytes *message)
{
	int rc = EAGAIN;
	if (!g_hash_table_contains(self->backlogs, path))
		rc = send_to(self, path, message);
	if (rc == EAGAIN)
		keep_for_later(self, path, message);
	else if (rc == ECONNREFUSED)
		(void)unlink(path); /* its process is gone */
	return rc != ENOENT;
}

/* `served` holds the inodes that have the message: a socket may be renamed while we look */
static bool
deliver_round(LabUevents *self, GHashTable *served, GBytes *message)
{
	g_autoptr(GDir) dir = g_dir_open(self->root, 0, NULL);
	bool complete = true;
	const char *name = NULL;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		struct stat st;
		g_autofree char *path = g_build_filename(self->root, name, NULL);
		if (!g_str_has_prefix(name, "event"))
			continue;
		if (stat(path, &st) < 0) {
			complete = false;
			continue;
		}
		void *inode = GSIZE_TO_POINTER((gsize)st.st_ino);
		if (g_hash_table_contains(served, inode))
			continue;
		if (deliver(self, path, message))
			g_hash_table_add(served, inode);
		else
			complete = false;
	}
	return complete;
}

LabUevents *
lab_uevents_new(const char *root)
{
	LabUevents *self = g_new0(LabUevents, 1);
	self->root = g_strdup(root);
	self->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	self->backlogs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, backlog_free);
	return self;
}

void
lab_uevents_free(LabUevents *self)
{
	if (self == NULL)
		return;
	if (self->retry != 0)
		g_source_remove(self->retry);
	if (self->fd >= 0)
		close(self->fd);
	g_hash_table_unref(self->backlogs);
	g_free(self->root);
	g_free(self);
}

void
lab_uevents_send(LabUevents *self, const char *action, const char *devpath, const char *properties)
{
	g_autoptr(GBytes) message = make_message(self, action, devpath, properties);
	g_autoptr(GHashTable) served = g_hash_table_new(NULL, NULL);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (deliver_round(self, served, message))
			break;
	}
}
