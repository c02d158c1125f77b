/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/fetch/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/base/error.h"

/* fits the second-level cache; larger ones are slower */
#define READ_BYTES (256u * 1024)

struct RescueDigest {
	EVP_MD_CTX *sha256, *sha1; /* the second may be NULL */
	uint64_t size;
};

RescueDigest *
rescue_digest_new(bool with_sha1)
{
	RescueDigest *digest = g_new0(RescueDigest, 1);

	digest->sha256 = EVP_MD_CTX_new();
	digest->sha1 = with_sha1 ? EVP_MD_CTX_new() : NULL;
	rescue_digest_reset(digest);
	return digest;
}

void
rescue_digest_free(RescueDigest *digest)
{
	if (digest == NULL)
		return;
	EVP_MD_CTX_free(digest->sha256);
	EVP_MD_CTX_free(digest->sha1);
	g_free(digest);
}

void
rescue_digest_reset(RescueDigest *digest)
{
	digest->size = 0;
	/* these cannot fail but for want of memory, which ends the process everywhere else, too */
	g_assert(EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL) == 1);
	if (digest->sha1 != NULL)
		g_assert(EVP_DigestInit_ex(digest->sha1, EVP_sha1(), NULL) == 1);
}

void
rescue_digest_add(RescueDigest *digest, const void *bytes, size_t size)
{
	(void)EVP_DigestUpdate(digest->sha256, bytes, size);
	if (digest->sha1 != NULL)
		(void)EVP_DigestUpdate(digest->sha1, bytes, size);
	digest->size += size;
}

uint64_t
rescue_digest_size(const RescueDigest *digest)
{
	return digest->size;
}

static char *
finish(EVP_MD_CTX *context)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	GString *hex;

	if (context == NULL)
		return NULL;
	(void)EVP_DigestFinal_ex(context, bytes, &size);
	hex = g_string_sized_new(2 * size + 1);
	for (unsigned i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	return g_string_free(hex, FALSE);
}

void
rescue_digest_finish(RescueDigest *digest, char **ret_sha256, char **ret_sha1)
{
	*ret_sha256 = finish(digest->sha256);
	*ret_sha1 = finish(digest->sha1);
}

static bool
add_file(RescueDigest *digest, int fd)
{
	g_autofree char *buffer = g_malloc(READ_BYTES);
	ssize_t got;

	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	do {
		got = read(fd, buffer, READ_BYTES);
		if (got > 0)
			rescue_digest_add(digest, buffer, (size_t)got);
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0;
}

bool
rescue_digest_file(const char *path, char **ret_sha256, char **ret_sha1, GError **error)
{
	g_autoptr(RescueDigest) digest = rescue_digest_new(ret_sha1 != NULL);
	g_autofree char *sha256 = NULL, *sha1 = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool fine = fd >= 0 && add_file(digest, fd);

	if (!fine)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot read ‘%s’: %s", path,
			    g_strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (!fine)
		return false;
	rescue_digest_finish(digest, &sha256, &sha1);
	*ret_sha256 = g_steal_pointer(&sha256);
	if (ret_sha1 != NULL)
		*ret_sha1 = g_steal_pointer(&sha1);
	return true;
}
