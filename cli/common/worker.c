/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/common/worker.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/common/landlock.h"
#include "core/base/error.h"

#define MEMORY_BYTES (UINT64_C(1) << 30)
#define CPU_S        240u
#define FILES        32u
#define ANSWER_BYTES (UINT64_C(64) << 20)

/* a sanitizer's shadow memory does not fit into any honest limit */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

typedef struct {
	__rlimit_resource_t resource;
	rlim_t limit;
} Limit;

static const Limit reading[] = {
#ifndef SANITIZED
	{ RLIMIT_AS, MEMORY_BYTES },
#endif
	{ RLIMIT_CPU, CPU_S },       { RLIMIT_FSIZE, 0 },
	{ RLIMIT_CORE, 0 },          { RLIMIT_NOFILE, FILES },
};

static const Limit asking[] = {
#ifndef SANITIZED
	{ RLIMIT_AS, MEMORY_BYTES },
#endif
	{ RLIMIT_CPU, CPU_S },       { RLIMIT_FSIZE, ANSWER_BYTES },
	{ RLIMIT_CORE, 0 },          { RLIMIT_NOFILE, FILES },
};

static const Limit downloading[] = {
#ifndef SANITIZED
	{ RLIMIT_AS, MEMORY_BYTES },
#endif
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NOFILE, 2 * FILES },
};

static bool
confine(const Limit *limits, size_t count, GError **error)
{
	size_t i;
	bool fine = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

	for (i = 0; fine && i < count; i++) {
		struct rlimit now, limit = { limits[i].limit, limits[i].limit };
		/* SIGXCPU says that it was the file; SIGKILL would look like a computer short of memory */
		limit.rlim_max += limits[i].resource == RLIMIT_CPU;
		fine = getrlimit(limits[i].resource, &now) == 0;
		/* never upwards */
		if (fine && (now.rlim_max == RLIM_INFINITY || now.rlim_max > limit.rlim_max))
			fine = setrlimit(limits[i].resource, &limit) == 0;
	}
	if (!fine)
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_INTERNAL, "cannot give up rights: %s",
			    g_strerror(errno));
	return fine;
}

bool
rescue_worker_confine(GError **error)
{
	if (!confine(reading, G_N_ELEMENTS(reading), error))
		return false;
	(void)rescue_landlock_confine(NULL); /* the limits hold where this is not to be had */
	return true;
}

bool
rescue_worker_confine_unpacking(const char *folder, uint64_t bytes, GError **error)
{
	const Limit unpacking[] = {
#ifndef SANITIZED
		{ RLIMIT_AS, MEMORY_BYTES },
#endif
		{ RLIMIT_FSIZE, bytes },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, FILES },
	};

	if (!confine(unpacking, G_N_ELEMENTS(unpacking), error))
		return false;
	(void)rescue_landlock_confine(folder);
	return true;
}

bool
rescue_worker_confine_online(bool may_download, GError **error)
{
	if (may_download)
		return confine(downloading, G_N_ELEMENTS(downloading), error);
	return confine(asking, G_N_ELEMENTS(asking), error);
}
