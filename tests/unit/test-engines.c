/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib-unix.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "core/process/process.h"
#include "transport/engine/apt.h"
#include "transport/engine/engines.h"
#include "transport/engine/install.h"

/* which engines are here, what they know, and how another one comes */

/* ---- models ----------------------------------------------------------------------------------- */

#define TABLE                                                                                      \
	"\0iPhone1,1\0iPhone2,1\0iPhone3,1\0iPhone4,1\0iPhone5,1\0iPhone6,1\0iPhone7,1\0iPhone7,2" \
	"\0iPhone8,1\0iPhone9,1\0iPhone10,1\0iPhone10,3\0iPhone12,8\0iPad1,1\0iPad2,1\0iPad11,4"   \
	"\0iPod1,1\0iPod9,1\0AppleTV2,1\0AppleTV3,1\0Watch1,1\0"

static void
test_models_are_whole_strings_of_a_library(void)
{
	static const char library[] =
	    "\177ELF\1\2\3"
	    "name iPhone99,1 is none\0x\0iPhone\0iPhone1\0,1\0iPhone99999,1\0" TABLE "\0iPhone13,2";
	g_autoptr(RescueModels) models = rescue_models_scan(library, sizeof(library) - 1);

	g_assert_nonnull(models);
	g_assert_cmpuint(rescue_models_count(models), ==, 21);
	g_assert_true(rescue_models_know(models, "iPhone12,8"));
	g_assert_false(rescue_models_know(models, "iPhone99,1"));
	g_assert_false(rescue_models_know(models, "iPhone13,2")); /* it is not closed */
	g_assert_cmpstr(rescue_models_newest(models, "iPhone"), ==, "iPhone12,8");
	g_assert_cmpstr(rescue_models_newest(models, "iPad"), ==, "iPad11,4");
	g_assert_null(rescue_models_newest(models, "Mac"));
}

static void
test_a_few_strings_are_no_table(void)
{
	g_assert_null(rescue_models_scan("\0iPhone1,1\0iPhone2,1\0", 22));
	g_assert_null(rescue_models_scan("", 0));
	g_assert_true(
	    rescue_models_know(NULL, "iPhone99,1")); /* who does not tell is not refused */
}

static void
test_the_loader_tells_the_library(void)
{
	static const char list[] =
	    "\tlinux-vdso.so.1 (0x00007ffd)\n"
	    "\tlibirecovery-1.0.so.3 => /lib/a b/libirecovery-1.0.so.3 (0x00007f)\n"
	    "\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n";
	g_autofree char *path = rescue_models_read_list(list);

	g_assert_cmpstr(path, ==, "/lib/a b/libirecovery-1.0.so.3");
	g_assert_null(rescue_models_read_list("\tlibirecovery-1.0.so.3 => not found\n"));
	g_assert_null(rescue_models_read_list(""));
}

static void
test_the_loader_of_a_program_is_read(void)
{
	g_autofree char *own = rescue_launch_read_interpreter("/proc/self/exe");
	g_autofree char *script = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"),
						   "tests/data/fake-engine.sh", NULL);

	g_assert_nonnull(own);
	g_assert_true(g_file_test(own, G_FILE_TEST_IS_EXECUTABLE));
	g_assert_null(rescue_launch_read_interpreter(script));
	g_assert_null(rescue_launch_read_interpreter("/no/such/file"));
}

/* ---- choice ----------------------------------------------------------------------------------- */

static void
add_entry(GPtrArray *entries, const char *name, const char *version, const char *model)
{
	RescueEngineEntry *entry = g_new0(RescueEngineEntry, 1);
	g_autoptr(GString) table = g_string_new_len(TABLE, sizeof(TABLE) - 1);

	entry->name = g_strdup(name);
	entry->generation.version = g_strdup(version);
	if (model != NULL) {
		g_string_append(table, model);
		g_string_append_c(table, '\0');
		entry->models = rescue_models_scan(table->str, table->len);
	}
	if (version == NULL)
		entry->trouble = g_error_new_literal(RESCUE_ERROR, RESCUE_FAILURE_NO_ENGINE,
						     "not here");
	g_ptr_array_add(entries, entry);
}

static GPtrArray *
entries_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)rescue_engine_entry_free);
}

static const char *
pick(const GPtrArray *entries, const char *product)
{
	const RescueEngineEntry *entry = rescue_engines_pick(entries, product, NULL);

	return entry != NULL ? entry->name : NULL;
}

static void
test_the_newest_that_knows_the_model_is_picked(void)
{
	g_autoptr(GPtrArray) entries = entries_new();
	g_autoptr(GError) error = NULL;

	add_entry(entries, "newest", "1.0.2", "iPhone13,2");
	add_entry(entries, "middle", "1.0.1", "iPhone13,3");
	add_entry(entries, "system", "1.0.0", "iPhone13,3");
	add_entry(entries, "broken", NULL, NULL);
	g_assert_cmpstr(pick(entries, NULL), ==, "newest");
	g_assert_cmpstr(pick(entries, "iPhone13,2"), ==, "newest");
	g_assert_cmpstr(pick(entries, "iPhone13,3"), ==, "middle");
	g_assert_null(rescue_engines_pick(entries, "iPhone18,1", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_MODEL_UNKNOWN);
	g_assert_nonnull(strstr(error->message, "iPhone18,1"));
	g_assert_nonnull(strstr(error->message, "engine install"));
}

static void
test_without_a_usable_engine_its_trouble_is_told(void)
{
	g_autoptr(GPtrArray) entries = entries_new();
	g_autoptr(GError) error = NULL;

	add_entry(entries, "system", NULL, NULL);
	g_assert_null(rescue_engines_pick(entries, NULL, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_NO_ENGINE);
}

static void
test_a_chosen_engine_is_used_or_refused(void)
{
	g_autoptr(GPtrArray) entries = entries_new();
	g_autoptr(GError) error = NULL;
	const RescueEngineEntry *old;

	add_entry(entries, "idevicerestore-1.0.1-1", "1.0.1", "iPhone13,2");
	add_entry(entries, "system", "1.0.0", "iPhone12,1");
	add_entry(entries, "/opt/own", "1.0.0", NULL);
	old = rescue_engines_find(entries, "system");
	g_assert_true(rescue_engines_check(old, entries, NULL, NULL));
	g_assert_true(rescue_engines_check(old, entries, "iPhone12,1", NULL));
	g_assert_false(rescue_engines_check(old, entries, "iPhone13,2", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_ENGINE_TOO_OLD);
	g_assert_nonnull(strstr(error->message, "idevicerestore-1.0.1-1"));
	g_clear_error(&error);
	g_assert_true(
	    rescue_engines_check(g_ptr_array_index(entries, 2), entries, "iPhone18,1", NULL));
	g_ptr_array_remove_index(entries, 2); /* the one that does not tell what it knows */
	g_assert_false(rescue_engines_check(old, entries, "iPhone18,1", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_FAILURE_MODEL_UNKNOWN);
}

static char *
make_dir(void)
{
	char *dir = g_dir_make_tmp("rescue-engines-XXXXXX", NULL);

	g_assert_nonnull(dir);
	return dir;
}

static void
remove_dir(const char *dir)
{
	const char *const argv[] = { "rm", "-rf", dir, NULL };
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { .status = 0 };

	g_assert_true(rescue_process_run(&spec, 20000, &result, NULL));
}

static void
test_the_choice_is_kept(void)
{
	g_autofree char *dir = make_dir();
	g_autofree char *engines = g_build_filename(dir, "engines", NULL);
	g_autofree char *before = rescue_engines_read_choice(engines);
	g_autofree char *nowhere = rescue_engines_read_choice(NULL);

	g_assert_cmpstr(before, ==, "auto");
	g_assert_cmpstr(nowhere, ==, "auto");
	g_assert_true(rescue_engines_write_choice(engines, "system", NULL));
	g_autofree char *after = rescue_engines_read_choice(engines);
	g_assert_cmpstr(after, ==, "system");
	remove_dir(dir);
}

/* ---- what an installed one says of itself ----------------------------------------------------- */

/* a folder with a program, a loader and libraries, and this engine.json */
static RescueInstalled *
read_with(const char *json, GError **error)
{
	static const char *const files[] = { "idevicerestore", "ld.so", "outside" };
	g_autofree char *dir = make_dir();
	g_autofree char *engine = g_build_filename(dir, "idevicerestore-1", NULL);
	g_autofree char *path = g_build_filename(engine, RESCUE_INSTALLED_FILE, NULL);
	RescueInstalled *installed;

	g_assert_no_errno(g_mkdir(engine, 0700));
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *file = g_build_filename(i < 2 ? engine : dir, files[i], NULL);
		g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	}
	g_assert_true(g_file_set_contents(path, json, -1, NULL));
	installed = rescue_installed_read(engine, error);
	remove_dir(dir);
	return installed;
}

#define INSTALLED(program, libraries)                                                     \
	"{\"v\":1,\"version\":\"1.0.1\",\"package_version\":\"1.0.0+git-1\",\"program\":" \
	"\"" program "\",\"loader\":\"ld.so\",\"libraries\":" libraries ",\"size\":5,"    \
	"\"packages\":[{\"name\":\"libc6\",\"version\":\"2.43-7\",\"architecture\":\"amd64\"}]}"

static void
test_an_installed_engine_tells_how_it_is_started(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueInstalled)
	    installed = read_with(INSTALLED("idevicerestore", "[\"ld.so\"]"), &error);
	g_auto(RescueLaunch) launch = { .program = NULL };
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

	g_assert_no_error(error);
	rescue_installed_launch(installed, &launch);
	g_assert_true(g_str_has_suffix(launch.program, "/idevicerestore-1/idevicerestore"));
	rescue_launch_add(&launch, argv);
	g_assert_cmpuint(argv->len, ==, 6);
	g_assert_cmpstr(argv->pdata[0], ==, launch.loader);
	g_assert_cmpstr(argv->pdata[1], ==, "--library-path");
	g_assert_cmpstr(argv->pdata[3], ==, "--argv0");
	g_assert_cmpstr(argv->pdata[4], ==, "idevicerestore");
	g_assert_cmpstr(argv->pdata[5], ==, launch.program);
	g_assert_cmpuint(installed->packages->len, ==, 1);
}

static void
test_a_wrong_engine_is_refused(void)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		INSTALLED("missing", "[\"ld.so\"]"),
		INSTALLED("../outside", "[\"ld.so\"]"),
		INSTALLED("idevicerestore", "[]"),
		INSTALLED("idevicerestore", "[\"../outside\"]"),
		INSTALLED("idevicerestore", "[7]"),
		INSTALLED("idevicerestore", "\"ld.so\""),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(read_with(wrong[i], &error));
		g_assert_nonnull(error);
	}
}

/* ---- apt -------------------------------------------------------------------------------------- */

static void
test_the_archive_of_the_host_is_found(void)
{
	static const struct {
		const char *targets, *archive;
	} cases[] = {
		{ "http://a/debian/ main Debian\nhttp://b/debian/ main Debian\n",
		  "http://a/debian/" },
		{ "http://s/debian-security/ main Debian-Security\nhttp://a/x/ main Debian\n",
		  "http://a/x/" },
		{ "https://node/ main Node Source\nhttp://a/debian/ main $(LABEL)\n",
		  "http://a/debian/" },
		{ "http://a/debian/ contrib Debian\n", NULL },
		{ "http://a/debian-security/ main $(LABEL)\n", NULL },
		{ "cdrom:[Debian]/ main Debian\n", NULL },
		{ "", NULL },
		{ "nonsense\n", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *archive = rescue_apt_find_archive(cases[i].targets);
		g_assert_cmpstr(archive, ==, cases[i].archive);
	}
}

static void
test_only_the_way_to_the_network_is_taken_from_the_host(void)
{
	static const char dump[] = "APT \"\";\n"
				   "Acquire::http \"\";\n"
				   "Acquire::http::Proxy \"http://proxy:3128\";\n"
				   "Acquire::https::Verify-Peer \"true\";\n"
				   "Acquire::httpx \"no\";\n"
				   "Acquire::Retries \"3\";\n"
				   "Acquire::Check-Valid-Until \"false\";\n"
				   "Acquire::AllowInsecureRepositories \"1\";\n"
				   "APT::Update::Post-Invoke:: \"rm -rf /\";\n";
	g_autofree char *kept = rescue_apt_keep_network(dump);

	g_assert_cmpstr(kept, ==,
			"Acquire::http \"\";\n"
			"Acquire::http::Proxy \"http://proxy:3128\";\n"
			"Acquire::https::Verify-Peer \"true\";\n"
			"Acquire::Retries \"3\";\n");
}

static void
test_dates_are_checked_unless_the_operator_said_otherwise(void)
{
	RescueAptSpec spec = { .stage = "/s",
			       .lists = "/l",
			       .keyring = "/k.gpg",
			       .from = "http://a/debian",
			       .suite = "sid",
			       .arch = "amd64",
			       .host = "Acquire::Retries \"3\";\n" };
	g_autofree char *checked = rescue_apt_make_config(&spec);
	g_autofree char *source = rescue_apt_make_source(&spec);

	g_assert_nonnull(strstr(checked, "Acquire::Check-Valid-Until \"true\";"));
	g_assert_nonnull(strstr(checked, "Acquire::AllowInsecureRepositories \"false\";"));
	g_assert_nonnull(strstr(checked, "Dir::State::status \"/s/status\";"));
	g_assert_null(strstr(checked, "Sandbox"));
	g_assert_cmpstr(source, ==, "deb [arch=amd64 signed-by=/k.gpg] http://a/debian sid main\n");
	spec.expired_index = true;
	g_autofree char *frozen = rescue_apt_make_config(&spec);
	g_assert_nonnull(strstr(frozen, "Acquire::Check-Valid-Until \"false\";"));
	g_assert_nonnull(strstr(frozen, "Acquire::AllowInsecureRepositories \"false\";"));
}

static void
test_suite_and_address_cannot_say_more_than_they_are(void)
{
	static const struct {
		const char *suite, *from;
		bool fine;
	} cases[] = {
		{ "sid", NULL, true },
		{ "trixie-backports", "https://mirror.example.org/debian/", true },
		{ "sid", "file:/srv/debian", true },
		{ "", NULL, false },
		{ "sid main\ndeb", NULL, false },
		{ "sid", "ftp://a/", false },
		{ "sid", "http://a/ [trusted=yes]", false },
		{ "sid", "http://a/\ndeb http://b", false },
		{ "sid", "http://a/\"", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_true(rescue_apt_check(cases[i].suite, cases[i].from, NULL) ==
			      cases[i].fine);
}

static void
test_the_plan_of_apt_is_read(void)
{
	static const char simulation[] =
	    "NOTE: This is only a simulation!\n"
	    "Inst gcc-16-base (16.2.0-4 Debian:unstable [amd64])\n"
	    "Inst libc6 (2.43-7 Debian:unstable, Debian:testing [amd64]) []\n"
	    "Inst libusb-1.0-0 (2:1.0.30-1 Debian:unstable [amd64])\n"
	    "Inst old [1.0] (1.1 Debian [amd64])\n"
	    "Inst\nInst x\nInst x (\nInst x (1 [\n"
	    "Conf libc6 (2.43-7 Debian:unstable [amd64])\n";
	g_autoptr(GPtrArray) plan = rescue_apt_read_plan(simulation);
	const RescuePackage *package;

	g_assert_cmpuint(plan->len, ==, 3);
	package = plan->pdata[1];
	g_assert_cmpstr(package->name, ==, "libc6");
	g_assert_cmpstr(package->version, ==, "2.43-7");
	g_assert_cmpstr(package->architecture, ==, "amd64");
	package = plan->pdata[2];
	g_assert_cmpstr(package->version, ==, "2:1.0.30-1");
}

/* ---- an installation, with everything real but the archive ------------------------------------ */

typedef struct {
	char *dir, *engines, *cache, *calls;
	GString *told;
} Bench;

static const char *const variables[] = { "FAKE_APT_CALLS", "FAKE_APT_DEB", "FAKE_APT_FAIL",
					 "FAKE_APT_ERROR", "FAKE_APT_WAIT" };

static void
run_tool(const char *const *argv)
{
	const RescueProcessSpec spec = { .argv = argv, .inherit_fd = -1 };
	g_auto(RescueProcessResult) result = { .status = 0 };

	g_assert_true(rescue_process_run(&spec, 20000, &result, NULL));
	g_assert_cmpstr(result.errors, ==, "");
	g_assert_cmpint(result.status, ==, 0);
}

/* an archive's only package: an engine, and the loader and libraries of this host */
static void
make_package(const Bench *bench)
{
	g_autofree char *root = g_build_filename(bench->dir, "package", NULL);
	g_autofree char *deb = g_build_filename(bench->dir, "engine.deb", NULL);
	g_autofree char *control = g_build_filename(root, "DEBIAN", "control", NULL);
	g_autofree char *fake = g_build_filename(g_getenv("RESCUE_BINARY_DIR"),
						 "tests/unit/fake-engine-program", NULL);
	g_autofree char *program = g_build_filename(root, "usr/bin/idevicerestore", NULL);
	g_autofree char *libraries = g_build_filename(root, "usr/lib/some-linux-gnu", NULL);
	g_autofree char *debian = g_path_get_dirname(control);
	g_autofree char *bin = g_path_get_dirname(program);
	g_autofree char *interpreter = rescue_launch_read_interpreter(fake);
	g_autofree char *loader = g_path_get_basename(interpreter);
	g_autofree char *own_loader = g_build_filename(libraries, loader, NULL);
	const char *const folders[] = { "mkdir", "-p", debian, bin, libraries, NULL };
	const char *const copy[] = { "cp", "-L", fake, program, NULL };
	const char *const copy_loader[] = { "cp", "-L", interpreter, own_loader, NULL };
	const char *const build[] = {
		"dpkg-deb", "--root-owner-group", "-Znone", "--build", root, deb, NULL
	};

	run_tool(folders);
	run_tool(copy);
	run_tool(copy_loader);
	g_assert_true(
	    g_file_set_contents(control,
				"Package: idevicerestore\nVersion: 1.0.0+git20251002-1\n"
				"Architecture: amd64\nMaintainer: nobody <n@example.org>\n"
				"Description: stands in for the engine\n",
				-1, NULL));
	run_tool(build);
	g_setenv("FAKE_APT_DEB", deb, TRUE);
}

static void
bench_init(Bench *bench)
{
	g_autofree char *source = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"),
						   "tests/data/fake-apt-get.sh", NULL);
	const char *path = g_getenv("PATH");

	*bench = (Bench){ .dir = make_dir(), .told = g_string_new(NULL) };
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	bench->engines = g_build_filename(bench->dir, "engines", NULL);
	bench->cache = g_build_filename(bench->dir, "cache", NULL);
	bench->calls = g_build_filename(bench->dir, "calls", NULL);
	g_setenv("FAKE_APT_CALLS", bench->calls, TRUE);
	g_autofree char *link = g_build_filename(bench->dir, "apt-get", NULL);
	g_assert_no_errno(symlink(source, link));
	g_autofree char *first = g_strconcat(bench->dir, ":", path, NULL);
	g_setenv("PATH", first, TRUE);
	make_package(bench);
}

static void
bench_clear(Bench *bench)
{
	g_autofree char *rest = g_strdup(strchr(g_getenv("PATH"), ':') + 1);

	g_setenv("PATH", rest, TRUE);
	remove_dir(bench->dir);
	g_free(bench->dir);
	g_free(bench->engines);
	g_free(bench->cache);
	g_free(bench->calls);
	g_string_free(bench->told, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static void
on_tell(const char *sentence, void *data)
{
	g_string_append_printf(data, "%s|", sentence);
}

static RescueInstalled *
install(const Bench *bench, bool *ret_new, GError **error)
{
	const RescueInstallSpec spec = { .engines_dir = bench->engines,
					 .cache_dir = bench->cache,
					 .suite = "sid",
					 .tell = on_tell,
					 .data = bench->told };

	return rescue_install(&spec, ret_new, error);
}

/* what lies in the folder of the engines, the lock apart; sorted, each closed by '|' */
static char *
list_engines(const Bench *bench)
{
	g_autoptr(GDir) dir = g_dir_open(bench->engines, 0, NULL);
	g_autoptr(GString) names = g_string_new(NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (strcmp(name, ".install.lock") != 0)
			g_string_append_printf(names, "%s|", name);
	}
	return g_string_free(g_steal_pointer(&names), FALSE);
}

#define NAME "idevicerestore-1.0.0+git20251002-1"

/* Debian's own tools and keys are part of what is tried */
static bool
skips(void)
{
	g_autofree char *tool = g_find_program_in_path("dpkg-deb");

	if (tool != NULL &&
	    g_file_test("/usr/share/keyrings/debian-archive-keyring.gpg", G_FILE_TEST_EXISTS))
		return false;
	g_test_skip("dpkg-deb or the package debian-archive-keyring is not here");
	return true;
}

static void
test_an_engine_is_installed_once_and_runs(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	bool is_new = false;

	bench_init(&bench);
	g_autoptr(RescueInstalled) installed = install(&bench, &is_new, &error);
	g_assert_no_error(error);
	g_assert_true(is_new);
	g_assert_cmpstr(installed->name, ==, NAME);
	g_assert_cmpstr(installed->version, ==, "1.0.1");
	g_assert_cmpstr(installed->from, ==, "http://deb.example.org/debian/");
	g_assert_cmpuint(installed->packages->len, ==, 1);
	g_assert_cmpuint(installed->size_bytes, >, 0);
	g_assert_nonnull(strstr(bench.told->str, "fetched 1 of 1: idevicerestore|"));
	g_autofree char *left = list_engines(&bench);
	g_assert_cmpstr(left, ==, NAME "|");
	g_autoptr(GPtrArray) entries = rescue_engines_list(bench.engines);
	const RescueEngineEntry *entry = rescue_engines_find(entries, "1.0.1");
	g_assert_nonnull(entry);
	g_assert_no_error(entry->trouble);
	g_assert_cmpint(rescue_generation_number(&entry->generation), ==, 2);
	g_autoptr(RescueInstalled) again = install(&bench, &is_new, &error);
	g_assert_no_error(error);
	g_assert_false(is_new);
	g_autofree char *calls = NULL;
	g_assert_true(g_file_get_contents(bench.calls, &calls, NULL, NULL));
	g_assert_null(strstr(strstr(calls, "--download-only") + 1, "--download-only"));
}

static void
test_a_failed_installation_leaves_nothing(void)
{
	static const struct {
		const char *call, *says;
		int failure;
		const char *sentence;
	} cases[] = {
		{ "update", "E: Failed to fetch http://x  Could not connect",
		  RESCUE_FAILURE_DOWNLOAD_FAILED, "Could not connect" },
		{ "update", "E: Release file for http://x is expired (invalid since 16d).",
		  RESCUE_ERROR_BAD_INPUT, "--allow-expired-index" },
		{ "--simulate", "E: Unable to locate package idevicerestore",
		  RESCUE_FAILURE_DOWNLOAD_FAILED, "Unable to locate" },
		{ "--download-only", "E: Hash Sum mismatch", RESCUE_FAILURE_DOWNLOAD_FAILED,
		  "Hash Sum mismatch" },
		{ "indextargets", "", RESCUE_ERROR_BAD_INPUT, "--from" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(Bench) bench;
		g_autoptr(GError) error = NULL;
		bool is_new = false;
		bench_init(&bench);
		g_setenv("FAKE_APT_FAIL", cases[i].call, TRUE);
		g_setenv("FAKE_APT_ERROR", cases[i].says, TRUE);
		g_assert_null(install(&bench, &is_new, &error));
		g_assert_error(error, RESCUE_ERROR, cases[i].failure);
		g_assert_nonnull(strstr(error->message, cases[i].sentence));
		g_autofree char *left = list_engines(&bench);
		g_assert_cmpstr(left, ==, "");
	}
}

static void
test_a_package_that_cannot_be_unpacked_leaves_nothing(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	bool is_new = false;

	bench_init(&bench);
	g_assert_true(g_file_set_contents(g_getenv("FAKE_APT_DEB"), "no package", -1, NULL));
	g_assert_null(install(&bench, &is_new, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_autofree char *left = list_engines(&bench);
	g_assert_cmpstr(left, ==, "");
}

static gboolean
on_fifo(int fd, GIOCondition condition, void *data)
{
	g_assert_no_errno(kill(getpid(), SIGTERM));
	return G_SOURCE_REMOVE;
}

static void
test_an_interrupted_installation_leaves_nothing(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	bool is_new = false;

	bench_init(&bench);
	g_autofree char *fifo = g_build_filename(bench.dir, "fifo", NULL);
	g_assert_no_errno(mkfifo(fifo, 0600));
	g_setenv("FAKE_APT_WAIT", fifo, TRUE);
	int fd = g_open(fifo, O_RDWR | O_CLOEXEC, 0);
	(void)g_unix_fd_add(fd, G_IO_IN, on_fifo, NULL);
	g_assert_null(install(&bench, &is_new, &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_CANCELLED);
	(void)close(fd);
	g_autofree char *left = list_engines(&bench);
	g_assert_cmpstr(left, ==, "");
}

static void
test_what_a_killed_installation_left_is_removed(void)
{
	g_auto(Bench) bench;
	g_autoptr(GError) error = NULL;
	bool is_new = false;

	bench_init(&bench);
	g_autofree char *stage = g_build_filename(bench.engines, ".new-abc123", "root", NULL);
	g_autofree char *half = g_build_filename(bench.engines, NAME, NULL);
	g_assert_no_errno(g_mkdir_with_parents(stage, 0700));
	g_assert_no_errno(g_mkdir_with_parents(half, 0700)); /* without its engine.json */
	g_autoptr(RescueInstalled) installed = install(&bench, &is_new, &error);
	g_assert_no_error(error);
	g_assert_true(is_new);
	g_autofree char *left = list_engines(&bench);
	g_assert_cmpstr(left, ==, NAME "|");
}

/* ----------------------------------------------------------------------------------------------- */

static void
run_unless_skipped(const void *data)
{
	void (*test)(void) = NULL;

	memcpy(&test, &data, sizeof test);
	if (!skips())
		test();
}

static void
add_with_tools(const char *path, void (*test)(void))
{
	const void *data = NULL;

	memcpy(&data, &test, sizeof data);
	g_test_add_data_func(path, data, run_unless_skipped);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name)       g_test_add_func("/engines/" #name, test_##name)
#define WITH_TOOLS(name) add_with_tools("/engines/" #name, test_##name)
	TEST(models_are_whole_strings_of_a_library);
	TEST(a_few_strings_are_no_table);
	TEST(the_loader_tells_the_library);
	TEST(the_loader_of_a_program_is_read);
	TEST(the_newest_that_knows_the_model_is_picked);
	TEST(without_a_usable_engine_its_trouble_is_told);
	TEST(a_chosen_engine_is_used_or_refused);
	TEST(the_choice_is_kept);
	TEST(an_installed_engine_tells_how_it_is_started);
	TEST(a_wrong_engine_is_refused);
	TEST(the_archive_of_the_host_is_found);
	TEST(only_the_way_to_the_network_is_taken_from_the_host);
	TEST(dates_are_checked_unless_the_operator_said_otherwise);
	TEST(suite_and_address_cannot_say_more_than_they_are);
	TEST(the_plan_of_apt_is_read);
	WITH_TOOLS(an_engine_is_installed_once_and_runs);
	WITH_TOOLS(a_failed_installation_leaves_nothing);
	WITH_TOOLS(a_package_that_cannot_be_unpacked_leaves_nothing);
	WITH_TOOLS(an_interrupted_installation_leaves_nothing);
	WITH_TOOLS(what_a_killed_installation_left_is_removed);
#undef WITH_TOOLS
#undef TEST
	return g_test_run();
}
