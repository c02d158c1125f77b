/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/world.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lab/attach/umockdev.h"
#include "tests/lab/attach/usbmuxd.h"
#include "tests/lab/attach/usbredir.h"
#include "tests/lab/bench/machine.h"
#include "tests/lab/world/firmware.h"
#include "tests/lab/world/installed.h"
#include "tests/lab/world/late.h"
#include "tests/lab/world/signing.h"
#include "tests/lab/world/timeline.h"

/* where one phone, or all of them, can be seen */
typedef struct {
	LabUsb *usb;
	LabMux *mux;
	char *socket;
} Bus;

struct LabWorld {
	const LabScenario *scenario;
	LabBench bench;
	char *dir;
	char *record_path;
	LabRecord *record;
	GSource *late; /* NULL before the start */
	LabSigning *signing;
	LabFirmware *firmware;
	/* of Bus: the first for everybody, then one per phone if engines are isolated */
	GPtrArray *buses;
	GPtrArray *phones; /* of LabPhone, in the scenario's order */
	LabPhone *paired;  /* one that has drawn its key already; borrowed, NULL */
	LabRedir *redir;   /* of LAB_BENCH_QEMU, which has no buses */
	LabTimeline *timeline;
	char **environment;
};

/* ---- environment ------------------------------------------------------------------------------ */

static void
set(LabWorld *world, const char *name, const char *value)
{
	world->environment = g_environ_setenv(world->environment, name, value, TRUE);
}

/* LAB_ECID_ and "my-phone" make LAB_ECID_MY_PHONE */
static void
set_for(LabWorld *world, const char *prefix, const char *name, const char *value)
{
	g_autofree char *upper = g_ascii_strup(name, -1);
	g_autofree char *variable = g_strconcat(prefix, g_strdelimit(upper, "-", '_'), NULL);
	set(world, variable, value);
}

static bool
set_directory(LabWorld *world, const char *variable, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(world->dir, name, NULL);
	if (g_mkdir_with_parents(path, 0700) != 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make ‘%s’", path);
		return false;
	}
	set(world, variable, path);
	return true;
}

static bool
set_directories(LabWorld *world, GError **error)
{
	static const struct {
		const char *variable, *name;
	} directories[] = {
		{ "HOME", "home" },
		{ "TMPDIR", "tmp" },
		{ "XDG_STATE_HOME", "state" },
		{ "XDG_CACHE_HOME", "cache" },
		{ "XDG_CONFIG_HOME", "config" },
		{ "XDG_DATA_HOME", "data" },
		{ "XDG_RUNTIME_DIR", "run" },
		{ "IDEVICERESCUE_LOCK_DIR",
		  "lock" }, /* worlds side by side may use the same ECIDs */
	};
	for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
		if (!set_directory(world, directories[i].variable, directories[i].name, error))
			return false;
	}
	return true;
}

/* nothing that the host's user has set may lead the command out of the world */
static void
forget_host(LabWorld *world)
{
	static const char *const names[] = { "ALL_PROXY",
					     "all_proxy",
					     "HTTP_PROXY",
					     "HTTPS_PROXY",
					     "NO_PROXY",
					     "FTP_PROXY",
					     "ftp_proxy",
					     "XDG_CONFIG_DIRS",
					     "XDG_DATA_DIRS",
					     "DBUS_SESSION_BUS_ADDRESS",
					     "IDEVICERESCUE_CONFIG" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		world->environment = g_environ_unsetenv(world->environment, names[i]);
}

static void
put_our_programs_first(LabWorld *world)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	if (program == NULL)
		return;
	g_autofree char *bin = g_path_get_dirname(program);
	const char *before = g_environ_getenv(world->environment, "PATH");
	g_autofree char *path = g_strconcat(bin, ":", before != NULL ? before : "/usr/bin:/bin",
					    NULL);
	set(world, "PATH", path);
}

/* ---- servers ---------------------------------------------------------------------------------- */

static const char *
phone_of_ecid(void *data, uint64_t ecid)
{
	const LabWorld *world = data;
	for (guint i = 0; i < world->scenario->phones->len; i++) {
		const LabPhoneSpec *phone = g_ptr_array_index(world->scenario->phones, i);
		if (phone->id.ecid == ecid)
			return phone->id.name;
	}
	return NULL;
}

static bool
start_servers(LabWorld *world, GError **error)
{
	const LabSigningSpec spec = { .record = world->record,
				      .faults = world->scenario->faults,
				      .phone_of = phone_of_ecid,
				      .data = world,
				      .off = !world->scenario->signing,
				      .foreign = world->scenario->signing_foreign };
	world->signing = lab_signing_new(&spec, error);
	if (world->signing == NULL)
		return false;
	world->firmware = lab_firmware_new(world->record, world->scenario->faults, error);
	if (world->firmware == NULL)
		return false;
	g_autofree char *certificate = g_build_filename(world->dir, "signing.pem", NULL);
	if (!g_file_set_contents(certificate, lab_signing_certificate(world->signing), -1, error))
		return false;
	set(world, "LAB_SIGNING_URL", lab_signing_url(world->signing));
	set(world, "LAB_SIGNING_CERTIFICATE", certificate);
	/* whoever verifies, verifies by this */
	set(world, "SSL_CERT_FILE", certificate);
	set(world, "LAB_FIRMWARE_URL", lab_firmware_url(world->firmware));
	set(world, "LAB_CATALOG_URL", lab_firmware_url(world->firmware));
	/* the proxy is the world's resolver too: a name that cannot be resolved is its own */
	const char *proxy = world->scenario->signing_nameless ? "http://proxy.invalid:3128"
							      : lab_signing_proxy(world->signing);
	set(world, "http_proxy", proxy);
	set(world, "https_proxy", proxy);
	set(world, "no_proxy", "127.0.0.1,localhost");
	return true;
}

static bool
refuse_builds(LabWorld *world, const LabFirmwareSpec *firmware, GError **error)
{
	plist_t manifest = lab_manifest_new(&firmware->ipsw, NULL, error);
	if (manifest == NULL)
		return false;
	g_autoptr(GPtrArray) ids = lab_manifest_unique_ids(manifest);
	plist_free(manifest);
	for (guint i = 0; i < ids->len; i++)
		lab_signing_refuse_build(world->signing, g_ptr_array_index(ids, i));
	return true;
}

static LabListing
listing_of(const LabFirmwareSpec *firmware)
{
	if (firmware->listed == NULL)
		return firmware->is_signed ? LAB_LISTED_SIGNED : LAB_LISTED_UNSIGNED;
	if (strcmp(firmware->listed, "no") == 0)
		return LAB_LISTED_NOT;
	return strcmp(firmware->listed, "signed") == 0 ? LAB_LISTED_SIGNED : LAB_LISTED_UNSIGNED;
}

static bool
add_firmware(LabWorld *world, const LabFirmwareSpec *firmware, GError **error)
{
	g_autofree char *dir = g_build_filename(world->dir, "firmware", firmware->name, NULL);
	g_autofree char *file = lab_ipsw_file_name(&firmware->ipsw);
	g_autofree char *path = g_build_filename(dir, file, NULL);
	(void)g_mkdir_with_parents(dir, 0700); /* building in it tells */
	if (!lab_ipsw_build(&firmware->ipsw, path, error))
		return false;
	g_autofree char *url = lab_firmware_add(world->firmware, firmware->name, &firmware->ipsw,
						path, listing_of(firmware));
	lab_faults_set_file(world->scenario->faults, firmware->name, path);
	set_for(world, "LAB_FIRMWARE_", firmware->name, path);
	set_for(world, "LAB_FIRMWARE_URL_", firmware->name, url);
	return firmware->is_signed || refuse_builds(world, firmware, error);
}

static bool
add_firmwares(LabWorld *world, GError **error)
{
	for (guint i = 0; i < world->scenario->firmwares->len; i++) {
		if (!add_firmware(world, g_ptr_array_index(world->scenario->firmwares, i), error))
			return false;
	}
	return true;
}

/* ---- buses and phones ------------------------------------------------------------------------- */

static void
bus_free(void *data)
{
	Bus *bus = data;
	lab_mux_free(bus->mux);
	lab_usb_free(bus->usb);
	g_free(bus->socket);
	g_free(bus);
}

/* `name` NULL: the one for everybody */
static Bus *
add_bus(LabWorld *world, const char *name, GError **error)
{
	Bus *bus = g_new0(Bus, 1);
	g_autofree char *file = name != NULL ? g_strconcat("usbmuxd-", name, NULL)
					     : g_strdup("usbmuxd");
	g_ptr_array_add(world->buses, bus);
	bus->socket = g_build_filename(world->dir, file, NULL);
	bus->usb = lab_usb_new(world->record, error);
	if (bus->usb == NULL)
		return NULL;
	if (!world->scenario->usbmuxd)
		return bus;
	bus->mux = lab_mux_new(bus->socket, world->record, error);
	return bus->mux != NULL ? bus : NULL;
}

static void
attach(LabWorld *world, LabPhone *phone, const Bus *bus)
{
	if (bus == NULL) {
		lab_phone_attach(phone, lab_redir_attachment(), world->redir);
		return;
	}
	lab_phone_attach(phone, lab_usb_attachment(), bus->usb);
	if (bus->mux != NULL)
		lab_phone_attach(phone, lab_mux_attachment(), bus->mux);
}

static void
set_phone_variables(LabWorld *world, const LabPhoneSpec *spec)
{
	g_autofree char *ecid = g_strdup_printf("0x%016" G_GINT64_MODIFIER "x", spec->id.ecid);
	set_for(world, "LAB_ECID_", spec->id.name, ecid);
	set_for(world, "LAB_UDID_", spec->id.name, spec->id.udid);
}

/* read by the engine's stand-in, engine.c, which knows its phone by the ECID only */
static void
set_bus_variables(LabWorld *world, const LabPhoneSpec *spec, const Bus *bus)
{
	g_autofree char *usb = g_strdup_printf("LAB_USB_0X%016" G_GINT64_MODIFIER "X",
					       spec->id.ecid);
	g_autofree char *mux = g_strdup_printf("LAB_MUX_0X%016" G_GINT64_MODIFIER "X",
					       spec->id.ecid);
	g_autofree char *address = g_strconcat("UNIX:", bus->socket, NULL);
	set(world, usb, lab_usb_root(bus->usb));
	set(world, mux, address);
}

static void
restart_mux(void *data, unsigned for_ms)
{
	const LabWorld *world = data;
	for (guint i = 0; i < world->buses->len; i++) {
		const Bus *bus = g_ptr_array_index(world->buses, i);
		if (bus->mux != NULL)
			lab_mux_restart(bus->mux, for_ms);
	}
}

/* `argv` may be NULL while there is no command yet */
static LabMachine
machine_of(const LabWorld *world, char **argv)
{
	return (LabMachine){ .dir = world->dir,
			     .ports = world->scenario->ports,
			     .redir = world->redir,
			     .control = world->timeline != NULL
					    ? lab_timeline_control(world->timeline)
					    : NULL,
			     .environment = world->environment,
			     .argv = argv,
			     .usbmuxd = world->scenario->usbmuxd,
			     .hubs_fixed = world->scenario->hubs_fixed };
}

static void
add_pairings(const LabWorld *world, const char *udid, GBytes *record)
{
	for (guint i = 0; i < world->buses->len; i++) {
		const Bus *bus = g_ptr_array_index(world->buses, i);
		lab_mux_add_pairing(bus->mux, udid, record);
	}
}

/* usbmuxd pairs with whatever is plugged in, so a phone that is not new to the host is paired */
static bool
pair(LabWorld *world, LabPhone *phone, const LabPhoneSpec *spec, GError **error)
{
	if (spec->mode != LAB_MODE_NORMAL || spec->unpaired || !world->scenario->usbmuxd)
		return true;
	if (world->paired != NULL)
		lab_phone_share_key(phone, world->paired);
	world->paired = phone;
	const Bus *bus = world->redir == NULL ? g_ptr_array_index(world->buses, 0) : NULL;
	g_autoptr(GBytes) record = lab_phone_pair(phone, bus != NULL ? lab_mux_buid(bus->mux)
								     : lab_machine_buid());
	const LabMachine machine = machine_of(world, NULL);
	if (bus == NULL)
		return lab_machine_pair(&machine, spec->id.udid, record, error);
	add_pairings(world, spec->id.udid, record);
	return true;
}

static bool
add_phone(LabWorld *world, const LabPhoneSpec *spec, GError **error)
{
	LabPhone *phone = lab_phone_new(&spec->id, world->scenario->faults, world->record);
	g_ptr_array_add(world->phones, phone);
	if (spec->boot_ms != 0)
		lab_phone_set_boot_time(phone, spec->boot_ms);
	lab_phone_set_step_time(phone, spec->step_ms);
	lab_phone_set_factory(phone, lab_firmware_port(world->firmware));
	lab_phone_set_condition(phone, &spec->condition);
	lab_phone_set_restart_mux(phone, restart_mux, world);
	if (spec->asks != NULL)
		lab_phone_set_asks(phone, (char **)spec->asks->pdata);
	if (spec->build != NULL)
		lab_phone_set_installed(phone, spec->version, spec->build);
	attach(world, phone, world->redir == NULL ? g_ptr_array_index(world->buses, 0) : NULL);
	set_phone_variables(world, spec);
	if (world->scenario->isolated && world->redir == NULL) {
		const Bus *bus = add_bus(world, spec->id.name, error);
		if (bus == NULL)
			return false;
		attach(world, phone, bus);
		set_bus_variables(world, spec, bus);
	}
	return pair(world, phone, spec, error);
}

static bool
add_first_bus(LabWorld *world, GError **error)
{
	const Bus *bus = add_bus(world, NULL, error);
	if (bus == NULL)
		return false;
	g_autofree char *address = g_strconcat("UNIX:", bus->socket, NULL);
	world->environment = lab_usb_environ(bus->usb, world->environment);
	set(world, "USBMUXD_SOCKET_ADDRESS", address);
	return true;
}

static bool
add_machine(LabWorld *world, GError **error)
{
	world->redir = lab_redir_new(world->record);
	world->environment = g_environ_unsetenv(world->environment, "USBMUXD_SOCKET_ADDRESS");
	const LabMachine machine = machine_of(world, NULL);
	return lab_machine_add_ports(&machine, error);
}

static bool
add_phones(LabWorld *world, GError **error)
{
	bool machine = world->bench == LAB_BENCH_QEMU;
	if (!(machine ? add_machine(world, error) : add_first_bus(world, error)))
		return false;
	for (guint i = 0; i < world->scenario->phones->len; i++) {
		if (!add_phone(world, g_ptr_array_index(world->scenario->phones, i), error))
			return false;
	}
	return true;
}

/* to the product it is one that `engine install` has brought, beside that of the system */
static bool
show_installed(LabWorld *world, const LabInstalled *installed, GError **error)
{
	const char *state = g_environ_getenv(world->environment, "XDG_STATE_HOME");
	g_autofree char *folder = g_build_filename(state, "idevicerescue", "engines", NULL);
	g_autofree char *name = g_path_get_basename(installed->dir);
	g_autofree char *link = g_build_filename(folder, name, NULL);
	(void)g_mkdir_with_parents(folder, 0700);
	(void)g_unlink(link); /* of an earlier run in the same directory */
	if (symlink(installed->dir, link) == 0)
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot show the engine in ‘%s’", link);
	return false;
}

/* the stand-in goes by the engine's name and comes first; the engine itself is found behind it */
static bool
put_stand_in(LabWorld *world, const char *engine, GError **error)
{
	const char *path = g_environ_getenv(world->environment, "PATH");
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *own = program != NULL ? g_path_get_dirname(program) : NULL;
	g_autofree char *stand_in = g_build_filename(own != NULL ? own : ".",
						     "idevicerescue-lab-engine", NULL);
	g_autofree char *bin = g_build_filename(world->dir, "bin", NULL);
	g_autofree char *link = g_build_filename(bin, "idevicerestore", NULL);
	g_autofree char *first = g_strconcat(bin, ":", path, NULL);
	(void)g_mkdir_with_parents(bin, 0700);
	(void)g_unlink(link); /* of an earlier run in the same directory */
	if (engine == NULL || symlink(stand_in, link) != 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			    "cannot put a stand-in before idevicerestore");
		return false;
	}
	set(world, "LAB_ENGINE", engine);
	set(world, "PATH", first);
	return true;
}

/* read by the stand-in, which performs them; false when there are none */
static bool
set_engine_faults(LabWorld *world)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	const LabFault *fault = NULL;
	for (unsigned i = 0;
	     (fault = lab_faults_at(world->scenario->faults, LAB_AT_ENGINE, i)) != NULL; i++)
		g_string_append_printf(lines, "%s %d %u\n", lab_action_name(fault->action),
				       fault->status, fault->times);
	if (lines->len > 0)
		set(world, "LAB_ENGINE_FAULTS", lines->str);
	return lines->len > 0;
}

/* a clock that is off is a library in front of the C library's */
static void
set_clock(LabWorld *world)
{
	if (world->scenario->clock_s == 0)
		return;
	const char *others = g_environ_getenv(world->environment, "LD_PRELOAD");
	g_autofree char *preload = g_strconcat(others != NULL ? others : "", ":", LAB_CLOCK_PATH,
					       NULL);
	g_autofree char *offset = g_strdup_printf("%" G_GINT64_FORMAT, world->scenario->clock_s);
	set(world, "LD_PRELOAD", preload);
	set(world, "LAB_CLOCK_OFFSET", offset);
}

/*
 * The stand-in makes a named engine also the one that is found in PATH. Where each engine shall see its own phone
 * only,
 * or shall misbehave, that is the only way to it.
 */
static bool
provide_engine(LabWorld *world, GError **error)
{
	const LabScenario *scenario = world->scenario;
	g_autofree char *system = g_find_program_in_path("idevicerestore");
	bool stand_in = scenario->isolated || set_engine_faults(world);
	if (scenario->engine == NULL)
		return !stand_in || put_stand_in(world, system, error);
	g_autoptr(LabInstalled) installed = lab_installed_find(scenario->engine);
	if (installed == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			    "the engine %s is not installed", scenario->engine);
		return false;
	}
	set(world, "LAB_ENGINE_LOADER", installed->loader);
	set(world, "LAB_ENGINE_LIBRARIES", installed->libraries);
	return put_stand_in(world, installed->program, error) &&
	       (stand_in || show_installed(world, installed, error));
}

/* ---- life ------------------------------------------------------------------------------------- */

static void
free_phone(void *data)
{
	lab_phone_free(data);
}

static bool
add_timeline(LabWorld *world, GError **error)
{
	g_autofree char *control = g_build_filename(world->dir, "control", NULL);
	world->timeline = lab_timeline_new(world->scenario, world->phones, control, error);
	set(world, "LAB_CONTROL",
	    world->bench == LAB_BENCH_QEMU ? lab_machine_control_inside() : control);
	return world->timeline != NULL;
}

static bool
build(LabWorld *world, GError **error)
{
	(void)g_unlink(world->record_path); /* of an earlier run in the same directory */
	world->record = lab_record_open(world->record_path, error);
	if (world->record == NULL)
		return false;
	forget_host(world);
	put_our_programs_first(world);
	set(world, "IDEVICERESCUE_LAB", "1");
	set(world, "LAB_DIR", world->dir);
	set(world, "LAB_RECORD", world->record_path);
	if (!set_directories(world, error) || !start_servers(world, error) ||
	    !add_firmwares(world, error) || !add_phones(world, error) ||
	    !add_timeline(world, error))
		return false;
	set_clock(world);
	return provide_engine(world, error);
}

LabWorld *
lab_world_new(const LabScenario *scenario, const char *dir, LabBench bench, GError **error)
{
	g_return_val_if_fail(scenario != NULL && dir != NULL, NULL);

	LabWorld *world = g_new0(LabWorld, 1);
	world->scenario = scenario;
	world->bench = bench;
	world->dir = g_canonicalize_filename(dir, NULL);
	world->record_path = g_build_filename(world->dir, "record.jsonl", NULL);
	world->buses = g_ptr_array_new_with_free_func(bus_free);
	world->phones = g_ptr_array_new_with_free_func(free_phone);
	world->environment = g_get_environ();
	if (build(world, error))
		return world;
	lab_world_free(world);
	return NULL;
}

void
lab_world_free(LabWorld *world)
{
	if (world == NULL)
		return;
	lab_timeline_free(world->timeline);
	g_ptr_array_unref(world->phones);
	lab_redir_free(world->redir);
	g_ptr_array_unref(world->buses);
	lab_firmware_free(world->firmware);
	lab_signing_free(world->signing);
	if (world->late != NULL) {
		g_source_destroy(world->late);
		g_source_unref(world->late);
	}
	lab_record_close(world->record);
	g_strfreev(world->environment);
	g_free(world->record_path);
	g_free(world->dir);
	g_free(world);
}

void
lab_world_start(LabWorld *world)
{
	world->late = lab_late_watch(world->record);
	lab_timeline_plug(world->timeline);
	if (world->bench != LAB_BENCH_QEMU)
		lab_timeline_begin(world->timeline);
}

char **
lab_world_command(const LabWorld *world, char **argv, GError **error)
{
	if (world->bench != LAB_BENCH_QEMU)
		return g_strdupv(argv);
	const LabMachine machine = machine_of(world, argv);
	return lab_machine_argv(&machine, error);
}

bool
lab_world_exit_status(LabWorld *world, int *status, GError **error)
{
	/* asked in any case: what the command wanted done last may not have been read yet */
	if (lab_timeline_exit_status(world->timeline, status) || world->bench != LAB_BENCH_QEMU)
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
		    "the machine ended without telling how its command did; see ‘%s/console’",
		    world->dir);
	return false;
}

char **
lab_world_environment(const LabWorld *world)
{
	return world->environment;
}

const char *
lab_world_record_path(const LabWorld *world)
{
	return world->record_path;
}

void
lab_world_record_state(LabWorld *world, unsigned (*erased)(const void *data, const char *phone),
		       const void *data)
{
	for (guint i = 0; i < world->phones->len; i++) {
		LabPhone *phone = g_ptr_array_index(world->phones, i);
		const char *name = lab_phone_identity(phone)->name;
		lab_record_event(world->record, name, "state", "s:mode",
				 lab_mode_name(lab_phone_mode(phone)), "s:version",
				 lab_phone_version(phone), "s:build", lab_phone_build(phone),
				 "i:erased", (int64_t)erased(data, name), NULL);
	}
	lab_record_end(world->record);
}
