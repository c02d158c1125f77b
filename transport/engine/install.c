/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "transport/engine/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "transport/engine/apt.h"
#include "transport/engine/child.h"
#include "transport/engine/explore.h"
#include "transport/engine/tree.h"

#define PACKAGE     "idevicerestore"
#define STAGE       ".new-"
#define LOCK        ".install.lock"
#define ASK_MS      60000
#define INDEX_MS    600000
#define DOWNLOAD_MS 3600000
#define UNPACK_MS   300000

/* The keys of all suites, by the package debian-archive-keyring. */
static const char *const keyrings[] = { "/usr/share/keyrings/debian-archive-keyring.gpg",
					"/usr/share/keyrings/debian-archive-keyring.pgp" };

/** One installation. */
typedef struct {
	const RescueInstallSpec *spec;
	char *stage, *root, *lists, *archives, *from, *arch, *host;
	RescueAptSpec apt;
	GPtrArray *plan; /* RescuePackage */
	unsigned fetched;
	int lock;
	RescueChild child;
} Install;

static void tell(const Install *install, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
tell(const Install *install, const char *format, ...)
{
	va_list arguments;

	if (install->spec->tell == NULL)
		return;
	va_start(arguments, format);
	g_autofree char *sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	install->spec->tell(sentence, install->spec->data);
}

static bool
host_fails(GError **error, const char *what, const char *path)
{
	int code = errno;

	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot %s ‘%s’: %s", what, path,
		    g_strerror(code));
	return false;
}

/* ---- children --------------------------------------------------------------------------------- */

static void
on_line(const char *line, void *data)
{
	Install *install = data;
	g_autofree char *package = rescue_apt_read_fetched(line);

	if (package == NULL || install->plan == NULL)
		return;
	install->fetched++;
	tell(install, "fetched %u of %u: %s", install->fetched, install->plan->len, package);
}

/** With apt's private configuration in force, once there is one. */
static bool
run_child(Install *install, const char *const *argv, unsigned deadline_ms,
	  RescueProcessResult *ret_result, GError **error)
{
	g_autofree char *config = install->stage != NULL
				      ? g_strdup_printf("APT_CONFIG=%s/apt.conf", install->stage)
				      : NULL;
	const char *const env[] = { "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", config, NULL };
	const RescueProcessSpec spec = {
		.argv = argv,
		.env = env,
		.inherit_fd = -1,
		.on_line = on_line,
		.data = install,
	};

	return rescue_child_run(&install->child, &spec, deadline_ms, ret_result, error);
}

/** What an apt-get that has to succeed says; NULL with its complaint. */
static char *
run_apt(Install *install, const char *const *argv, unsigned deadline_ms, GError **error)
{
	g_auto(RescueProcessResult) result = { .status = 0 };

	if (!run_child(install, argv, deadline_ms, &result, error))
		return NULL;
	if (result.status == 0)
		return g_steal_pointer(&result.output);
	rescue_apt_set_error(&install->apt, result.errors, error);
	return NULL;
}

/** What a question to the host's own apt is answered with; NULL when it fails. */
static char *
ask_host(Install *install, const char *const *argv)
{
	g_auto(RescueProcessResult) result = { .status = 0 };

	if (!run_child(install, argv, ASK_MS, &result, NULL) || result.status != 0)
		return NULL;
	return g_steal_pointer(&result.output);
}

/* ---- before anything is fetched --------------------------------------------------------------- */

static bool
check_tools(Install *install, GError **error)
{
	static const char *const tools[] = { "apt-get", "apt-config", "dpkg", "dpkg-deb" };

	for (size_t i = 0; i < G_N_ELEMENTS(tools); i++) {
		g_autofree char *path = g_find_program_in_path(tools[i]);
		if (path != NULL)
			continue;
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "engines are installed with the package tools of Debian, and ‘%s’ is "
			    "not here; name an engine of your own with --engine PATH",
			    tools[i]);
		return false;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(keyrings) && install->apt.keyring == NULL; i++) {
		if (g_file_test(keyrings[i], G_FILE_TEST_IS_REGULAR))
			install->apt.keyring = keyrings[i];
	}
	if (install->apt.keyring != NULL)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "the keys of the Debian archive are not here; install the package "
		    "debian-archive-keyring");
	return false;
}

static bool
find_archive(Install *install, GError **error)
{
	const char *const targets[] = { "apt-get",          "indextargets",         "--format",
					RESCUE_APT_TARGETS, "Created-By: Packages", NULL };
	g_autofree char *answer = NULL;

	if (install->spec->from != NULL) {
		install->from = g_strdup(install->spec->from);
		return true;
	}
	answer = ask_host(install, targets);
	install->from = answer != NULL ? rescue_apt_find_archive(answer) : NULL;
	if (install->from == NULL && rescue_child_check(&install->child, error))
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "the apt of this computer names no Debian archive; name one with "
			    "--from URL");
	return install->from != NULL;
}

static bool
ask_host_facts(Install *install, GError **error)
{
	const char *const arch[] = { "dpkg", "--print-architecture", NULL };
	const char *const dump[] = { "apt-config", "dump", NULL };
	g_autofree char *config = NULL;

	install->arch = ask_host(install, arch);
	if (install->arch == NULL) {
		if (rescue_child_check(&install->child, error))
			g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
				    "dpkg does not tell the architecture of this computer");
		return false;
	}
	g_strstrip(install->arch);
	config = ask_host(install, dump);
	install->host = config != NULL ? rescue_apt_keep_network(config) : NULL;
	return find_archive(install, error);
}

/** One at a time; the lock goes with us. */
static bool
take_lock(Install *install, GError **error)
{
	g_autofree char *path = g_build_filename(install->spec->engines_dir, LOCK, NULL);

	install->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (install->lock < 0)
		return host_fails(error, "write", path);
	if (flock(install->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
		    "another installation of an engine runs in ‘%s’", install->spec->engines_dir);
	return false;
}

/** Under the lock nobody works in them: they are of installations that were killed. */
static void
remove_stages(const char *engines_dir)
{
	g_autoptr(GDir) dir = g_dir_open(engines_dir, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(engines_dir, name, NULL);
		if (g_str_has_prefix(name, STAGE))
			rescue_tree_remove(path);
	}
}

static bool
write_file(const Install *install, const char *name, const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(install->stage, name, NULL);

	return rescue_path_write(path, text, strlen(text), 0600, error);
}

/** The lists of two archives may be kept side by side: apt names them by their address. */
static bool
make_folders(Install *install, GError **error)
{
	static const char *const folders[] = { "archives/partial", "state", "cache", "root" };
	g_autofree char *partial = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(install->stage, folders[i], NULL);
		if (!rescue_path_make_dir(path, error))
			return false;
	}
	install->lists = g_build_filename(install->spec->cache_dir, "apt-lists", NULL);
	install->archives = g_build_filename(install->stage, "archives", NULL);
	install->root = g_build_filename(install->stage, "root", NULL);
	partial = g_build_filename(install->lists, "partial", NULL);
	/* it becomes the engine's folder; what is in it is no secret */
	if (chmod(install->root, 0755) != 0)
		return host_fails(error, "change", install->root);
	return rescue_path_make_dir(partial, error);
}

static bool
prepare_apt(Install *install, GError **error)
{
	RescueAptSpec *apt = &install->apt;
	g_autofree char *stage = g_build_filename(install->spec->engines_dir, STAGE "XXXXXX", NULL);
	g_autofree char *config = NULL, *source = NULL;

	if (g_mkdtemp(stage) == NULL)
		return host_fails(error, "make a folder in", install->spec->engines_dir);
	install->stage = g_steal_pointer(&stage);
	if (!make_folders(install, error))
		return false;
	apt->stage = install->stage;
	apt->lists = install->lists;
	apt->from = install->from;
	apt->suite = install->spec->suite;
	apt->arch = install->arch;
	apt->host = install->host;
	apt->expired_index = install->spec->expired_index;
	apt->is_root = geteuid() == 0;
	config = rescue_apt_make_config(apt);
	source = rescue_apt_make_source(apt);
	return write_file(install, "apt.conf", config, error) &&
	       write_file(install, "sources.list", source, error) &&
	       write_file(install, "status", "", error);
}

/* ---- fetching and unpacking ------------------------------------------------------------------- */

static const RescuePackage *
find_package(const GPtrArray *plan)
{
	for (guint i = 0; i < plan->len; i++) {
		const RescuePackage *package = g_ptr_array_index(plan, i);
		if (strcmp(package->name, PACKAGE) == 0)
			return package;
	}
	return NULL;
}

/** The version is part of the name of a folder. */
static bool
is_plain_version(const char *version)
{
	return g_ascii_isdigit(version[0]) &&
	       strspn(version,
		      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-~") ==
		   strlen(version);
}

static bool
make_plan(Install *install, GError **error)
{
	const char *const update[] = { "apt-get", "-q", "update", NULL };
	const char *const simulate[] = { "apt-get", "-q", "--simulate", "install", PACKAGE, NULL };
	g_autofree char *updated = NULL, *simulation = NULL;
	const RescuePackage *package;

	tell(install, "reading the index of %s at %s", install->spec->suite, install->from);
	updated = run_apt(install, update, INDEX_MS, error);
	if (updated == NULL)
		return false;
	simulation = run_apt(install, simulate, ASK_MS, error);
	if (simulation == NULL)
		return false;
	install->plan = rescue_apt_read_plan(simulation);
	package = find_package(install->plan);
	if (package != NULL && is_plain_version(package->version))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
		    "apt does not tell which " PACKAGE " %s has", install->spec->suite);
	return false;
}

static bool
unpack_one(Install *install, const char *archive, GError **error)
{
	const char *const argv[] = { "dpkg-deb", "--extract", archive, install->root, NULL };
	g_auto(RescueProcessResult) result = { .status = 0 };

	if (!run_child(install, argv, UNPACK_MS, &result, error))
		return false;
	if (result.status == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO, "cannot unpack ‘%s’: %s", archive,
		    g_strstrip(result.errors));
	return false;
}

static bool
unpack(Install *install, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(install->archives, 0, error);
	unsigned done = 0;
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *archive = g_build_filename(install->archives, name, NULL);
		if (!g_str_has_suffix(name, ".deb"))
			continue;
		if (!unpack_one(install, archive, error))
			return false;
		done++;
	}
	if (dir == NULL || done == install->plan->len)
		return dir != NULL;
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_DOWNLOAD_FAILED,
		    "apt has fetched %u packages where it wanted %u", done, install->plan->len);
	return false;
}

static bool
fetch(Install *install, GError **error)
{
	const char *const download[] = { "apt-get", "-q",    "-y", "--download-only",
					 "install", PACKAGE, NULL };
	g_autofree char *output = NULL;

	tell(install, "fetching %u packages", install->plan->len);
	output = run_apt(install, download, DOWNLOAD_MS, error);
	if (output == NULL)
		return false;
	tell(install, "unpacking %u packages", install->plan->len);
	return unpack(install, error);
}

/* ---- what has come ---------------------------------------------------------------------------- */

static char *
now_text(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();

	return g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
}

static RescueInstalled *
describe(Install *install, GError **error)
{
	g_autoptr(RescueInstalled) installed = rescue_installed_new();
	const RescuePackage *package = find_package(install->plan);

	installed->name = g_strconcat(RESCUE_INSTALLED_PREFIX, package->version, NULL);
	installed->dir = g_strdup(install->root);
	installed->package_version = g_strdup(package->version);
	installed->suite = g_strdup(install->spec->suite);
	installed->from = g_strdup(install->from);
	installed->expired_index = install->spec->expired_index;
	installed->installed = now_text();
	g_ptr_array_unref(installed->packages);
	installed->packages = g_ptr_array_ref(install->plan);
	return rescue_explore(installed, error) ? g_steal_pointer(&installed) : NULL;
}

/** The last step: from here on the engine is there. */
static RescueInstalled *
put_in_place(Install *install, const RescueInstalled *installed, GError **error)
{
	g_autoptr(RescueJson) json = rescue_installed_to_json(installed);
	g_autofree char *text = rescue_json_dump(json);
	g_autofree char *file = g_build_filename(install->root, RESCUE_INSTALLED_FILE, NULL);
	g_autofree char *dir = g_build_filename(install->spec->engines_dir, installed->name, NULL);

	if (!rescue_path_write(file, text, strlen(text), 0644, error) ||
	    !rescue_child_check(&install->child, error))
		return NULL;
	sync();                  /* a name that outlives a power cut must not lead to empty files */
	rescue_tree_remove(dir); /* one of this name that could not be read */
	if (rename(install->root, dir) != 0) {
		(void)host_fails(error, "make", dir);
		return NULL;
	}
	return rescue_installed_read(dir, error);
}

static RescueInstalled *
bring(Install *install, bool *ret_new, GError **error)
{
	const RescuePackage *package = find_package(install->plan);
	g_autofree char *name = g_strconcat(RESCUE_INSTALLED_PREFIX, package->version, NULL);
	g_autofree char *dir = g_build_filename(install->spec->engines_dir, name, NULL);
	RescueInstalled *here = rescue_installed_read(dir, NULL);
	g_autoptr(RescueInstalled) installed = NULL;

	*ret_new = here == NULL;
	if (here != NULL)
		return here;
	if (!fetch(install, error))
		return NULL;
	installed = describe(install, error);
	return installed != NULL ? put_in_place(install, installed, error) : NULL;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void
install_clear(Install *install)
{
	rescue_child_clear(&install->child);
	if (install->stage != NULL)
		rescue_tree_remove(install->stage);
	if (install->lock >= 0)
		(void)close(install->lock);
	g_clear_pointer(&install->plan, g_ptr_array_unref);
	g_free(install->stage);
	g_free(install->root);
	g_free(install->lists);
	g_free(install->archives);
	g_free(install->from);
	g_free(install->arch);
	g_free(install->host);
}

/** Both go into apt's configuration, between quotes. */
static bool
check_paths(const RescueInstallSpec *spec, GError **error)
{
	const char *const paths[] = { spec->engines_dir, spec->cache_dir };

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		if (strpbrk(paths[i], "\"\\\n") == NULL)
			continue;
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "apt cannot work in ‘%s’; name another folder with --state and --cache",
			    paths[i]);
		return false;
	}
	return true;
}

static bool
get_ready(Install *install, GError **error)
{
	const RescueInstallSpec *spec = install->spec;

	if (!rescue_apt_check(spec->suite, spec->from, error) || !check_paths(spec, error) ||
	    !check_tools(install, error) || !rescue_path_make_dir(spec->engines_dir, error) ||
	    !take_lock(install, error))
		return false;
	remove_stages(spec->engines_dir);
	return ask_host_facts(install, error) && prepare_apt(install, error) &&
	       make_plan(install, error);
}

RescueInstalled *
rescue_install(const RescueInstallSpec *spec, bool *ret_new, GError **error)
{
	Install install = { .spec = spec, .lock = -1 };
	RescueInstalled *installed = NULL;

	rescue_child_init(&install.child);
	if (get_ready(&install, error))
		installed = bring(&install, ret_new, error);
	install_clear(&install);
	return installed;
}
