/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/base/error.h"

#define READ_STEP (64 * 1024)

static void
close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define AUTO_FD __attribute__((cleanup(close_fd))) int

static bool
io_error(GError **error, const char *verb, const char *path, int code)
{
	g_autofree char *name = g_filename_display_name(path);
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s ‘%s’: %s", verb, name,
		    g_strerror(code));
	return false;
}

static bool
write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

/* a name that was renamed into a folder survives a power cut only when the folder was written, too */
static bool
sync_folder(const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);
	AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	return fsync(fd) == 0 || errno == EINVAL; /* some file systems know no fsync of folders */
}

typedef struct {
	const char *text;
	size_t size;
	unsigned mode;
	bool forced; /* waits for the disk */
} Content;

static bool
fill_temporary(int fd, const Content *content)
{
	return fchmod(fd, (mode_t)content->mode) == 0 &&
	       write_all(fd, content->text, content->size) && (!content->forced || fsync(fd) == 0);
}

static bool
replace(const char *path, const Content *content, GError **error)
{
	g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
	AUTO_FD fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error(error, "create", path, errno);
	if (!fill_temporary(fd, content) || rename(temporary, path) != 0) {
		int code = errno;
		(void)unlink(temporary); /* the first error is the one to tell */
		return io_error(error, "write", path, code);
	}
	return true;
}

bool
rescue_path_write(const char *path, const char *text, size_t size, unsigned mode, GError **error)
{
	const Content content = { .text = text, .size = size, .mode = mode, .forced = true };

	return replace(path, &content, error) &&
	       (sync_folder(path) || io_error(error, "write the folder of", path, errno));
}

bool
rescue_path_put(const char *path, const char *text, size_t size, unsigned mode, GError **error)
{
	const Content content = { .text = text, .size = size, .mode = mode };

	return replace(path, &content, error);
}

bool
rescue_path_force(const char *path, GError **error)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return io_error(error, "open", path, errno);
	/* some file systems cannot */
	return fdatasync(fd) == 0 || errno == EINVAL || io_error(error, "write", path, errno);
}

bool
rescue_path_set(const char *path, const char *value, GError **error)
{
	size_t size = strlen(value);
	AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);

	return (fd >= 0 && write(fd, value, size) == (ssize_t)size) ||
	       io_error(error, "write", path, errno);
}

bool
rescue_path_make_dir(const char *path, GError **error)
{
	struct stat st;
	if (g_mkdir_with_parents(path, 0700) != 0)
		return io_error(error, "create the folder", path, errno);
	if (stat(path, &st) != 0)
		return io_error(error, "use the folder", path, errno);
	return S_ISDIR(st.st_mode) || io_error(error, "use the folder", path, ENOTDIR);
}

static bool
read_up_to(int fd, size_t max_bytes, GByteArray *bytes)
{
	while (bytes->len <= max_bytes) {
		guint old = bytes->len;
		g_byte_array_set_size(bytes, old + READ_STEP);
		ssize_t n = read(fd, bytes->data + old, READ_STEP);
		g_byte_array_set_size(bytes, old + (guint)MAX(n, 0));
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return true;
}

char *
rescue_path_read(const char *path, size_t max_bytes, size_t *ret_size, GError **error)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	if (fd < 0 || !read_up_to(fd, MIN(max_bytes, G_MAXINT32), bytes)) {
		(void)io_error(error, "read", path, errno);
		return NULL;
	}
	if (bytes->len > max_bytes) {
		g_autofree char *name = g_filename_display_name(path);
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ is larger than the %" G_GSIZE_FORMAT " bytes that are read of it",
			    name, max_bytes);
		return NULL;
	}
	size_t size = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	if (ret_size != NULL)
		*ret_size = size;
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

static bool
has_parent_step(const char *path)
{
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);
	return g_strv_contains((const char *const *)steps, "..");
}

bool
rescue_path_is_below(const char *path, const char *dir)
{
	if (path == NULL || dir == NULL || path[0] != '/' || dir[0] != '/')
		return false;
	size_t n = strlen(dir);
	while (n > 0 && dir[n - 1] == '/')
		n--;
	if (strncmp(path, dir, n) != 0 || path[n] != '/')
		return false;
	return path[n + strspn(path + n, "/")] != '\0' && !has_parent_step(path) &&
	       !has_parent_step(dir);
}
