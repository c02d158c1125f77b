/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/world.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lab/attach/umockdev.h"
#include "tests/lab/attach/usbmuxd.h"
#include "tests/lab/world/firmware.h"
#include "tests/lab/world/signing.h"

/* where one phone, or all of them, can be seen */
typedef struct {
	LabUsb *usb;
	LabMux *mux;
	char *socket;
} Bus;

/* a phone that is plugged in later */
typedef struct {
	LabPhone *phone;
	LabMode mode;
	unsigned source;
} Arrival;

struct LabWorld {
	const LabScenario *scenario;
	char *dir;
	char *record_path;
	LabRecord *record;
	LabSigning *signing;
	LabFirmware *firmware;
	/* of Bus: the first for everybody, then one per phone if engines are isolated */
	GPtrArray *buses;
	GPtrArray *phones; /* of LabPhone, in the scenario's order */
	GPtrArray *arrivals;
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
				      .off = !world->scenario->signing };
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
	set(world, "LAB_FIRMWARE_URL", lab_firmware_url(world->firmware));
	set(world, "LAB_CATALOG_URL", lab_firmware_url(world->firmware));
	set(world, "http_proxy", lab_signing_proxy(world->signing));
	set(world, "https_proxy", lab_signing_proxy(world->signing));
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
						path, firmware->is_signed);
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
attach(LabPhone *phone, const Bus *bus)
{
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

static bool
add_phone(LabWorld *world, const LabPhoneSpec *spec, GError **error)
{
	LabPhone *phone = lab_phone_new(&spec->id, world->scenario->faults, world->record);
	g_ptr_array_add(world->phones, phone);
	if (spec->boot_ms != 0)
		lab_phone_set_boot_time(phone, spec->boot_ms);
	lab_phone_set_step_time(phone, spec->step_ms);
	if (spec->build != NULL)
		lab_phone_set_installed(phone, spec->version, spec->build);
	attach(phone, g_ptr_array_index(world->buses, 0));
	set_phone_variables(world, spec);
	if (!world->scenario->isolated)
		return true;
	const Bus *bus = add_bus(world, spec->id.name, error);
	if (bus == NULL)
		return false;
	attach(phone, bus);
	set_bus_variables(world, spec, bus);
	return true;
}

static bool
add_phones(LabWorld *world, GError **error)
{
	const Bus *bus = add_bus(world, NULL, error);
	if (bus == NULL)
		return false;
	g_autofree char *address = g_strconcat("UNIX:", bus->socket, NULL);
	world->environment = lab_usb_environ(bus->usb, world->environment);
	set(world, "USBMUXD_SOCKET_ADDRESS", address);
	for (guint i = 0; i < world->scenario->phones->len; i++) {
		if (!add_phone(world, g_ptr_array_index(world->scenario->phones, i), error))
			return false;
	}
	return true;
}

/* the stand-in goes by the engine's name and comes first; the engine itself is found behind it */
static bool
isolate_engines(LabWorld *world, GError **error)
{
	const char *path = g_environ_getenv(world->environment, "PATH");
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *own = program != NULL ? g_path_get_dirname(program) : NULL;
	g_autofree char *stand_in = g_build_filename(own != NULL ? own : ".",
						     "idevicerescue-lab-engine", NULL);
	g_autofree char *engine = g_find_program_in_path("idevicerestore");
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

/* ---- life ------------------------------------------------------------------------------------- */

static void
arrival_free(void *data)
{
	Arrival *arrival = data;
	if (arrival->source != 0)
		g_source_remove(arrival->source);
	g_free(arrival);
}

static gboolean
on_arrival(void *data)
{
	Arrival *arrival = data;
	arrival->source = 0;
	lab_phone_start(arrival->phone, arrival->mode);
	return G_SOURCE_REMOVE;
}

static void
free_phone(void *data)
{
	lab_phone_free(data);
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
	    !add_firmwares(world, error) || !add_phones(world, error))
		return false;
	return !world->scenario->isolated || isolate_engines(world, error);
}

LabWorld *
lab_world_new(const LabScenario *scenario, const char *dir, GError **error)
{
	g_return_val_if_fail(scenario != NULL && dir != NULL, NULL);

	LabWorld *world = g_new0(LabWorld, 1);
	world->scenario = scenario;
	world->dir = g_canonicalize_filename(dir, NULL);
	world->record_path = g_build_filename(world->dir, "record.jsonl", NULL);
	world->buses = g_ptr_array_new_with_free_func(bus_free);
	world->phones = g_ptr_array_new_with_free_func(free_phone);
	world->arrivals = g_ptr_array_new_with_free_func(arrival_free);
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
	g_ptr_array_unref(world->arrivals);
	g_ptr_array_unref(world->phones);
	g_ptr_array_unref(world->buses);
	lab_firmware_free(world->firmware);
	lab_signing_free(world->signing);
	lab_record_close(world->record);
	g_strfreev(world->environment);
	g_free(world->record_path);
	g_free(world->dir);
	g_free(world);
}

void
lab_world_start(LabWorld *world)
{
	for (guint i = 0; i < world->phones->len; i++) {
		const LabPhoneSpec *spec = g_ptr_array_index(world->scenario->phones, i);
		LabPhone *phone = g_ptr_array_index(world->phones, i);
		if (spec->appears_ms == 0) {
			lab_phone_start(phone, spec->mode);
			continue;
		}
		Arrival *arrival = g_new0(Arrival, 1);
		arrival->phone = phone;
		arrival->mode = spec->mode;
		arrival->source = g_timeout_add(spec->appears_ms, on_arrival, arrival);
		g_ptr_array_add(world->arrivals, arrival);
	}
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
