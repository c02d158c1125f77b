/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/doctor/finding.h"
#include "tests/system/doctor/house.h"
#include "tests/system/doctor/servers.h"

/* Runs inside private-host: each finding on a host that has it. */

enum { FINE = 0, BREAKS = 4, SKIPPED = 77, MOST_WORDS = 16 };

typedef struct {
	House *house;
	HouseState *state;
	const char *words[MOST_WORDS]; /* of the command line behind --state and --cache */
	const char *state_dir, *cache_dir;
	GPtrArray *texts; /* that live as long as the case */
	bool guarded;     /* there are rules in the firewall */
	int fd;           /* held open during the run, or -1 */
	const char *skip; /* why this machine cannot have the condition; NULL: it can */
} Case;

/* lives as long as the case */
static const char *
keep(Case *test, char *text)
{
	g_ptr_array_add(test->texts, text);
	return text;
}

static const char *
in_house(Case *test, const char *name)
{
	return keep(test, g_build_filename(house_dir(test->house), name, NULL));
}

static void
set_words(Case *test, const char *first, const char *second, const char *third)
{
	test->words[0] = first;
	test->words[1] = second;
	test->words[2] = third;
}

static void
value(Case *test, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename("/sys/bus/usb/devices/1-2", name, NULL);

	house_write(test->house, path, "%s\n", text);
}

static void
kernel_says(Case *test, const char *what, unsigned times)
{
	g_autoptr(GString) log = g_string_new(NULL);

	for (unsigned i = 0; i < times; i++)
		g_string_append_printf(log, "4,%u,%" G_GINT64_FORMAT ",-;%s\n", i,
				       g_get_monotonic_time(), what);
	house_write(test->house, "/dev/kmsg", "%s", log->str);
}

static void
clock_is_off(Case *test, const char *seconds)
{
	g_autofree char *options =
	    g_strconcat("verify_asan_link_order=0:", g_getenv("ASAN_OPTIONS"), NULL);

	house_setenv(test->house, "ASAN_OPTIONS", options);
	house_setenv(test->house, "LD_PRELOAD", CLOCK_PATH);
	house_setenv(test->house, "LAB_CLOCK_OFFSET", seconds);
}

/* ---- network --------------------------------------------------------------------------------- */

static void
hosts_file(Case *test)
{
	house_write(test->house, "/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 gs.apple.com\n");
}

static void
hosts_file_other(Case *test)
{
	house_write(test->house, "/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 gg.apple.com\n");
}

static void
dns_silent(Case *test)
{
	test->state->dns_silent = true;
}

static void
dns_unknown(Case *test)
{
	test->state->dns_unknown = "gs.apple.com";
}

static void
dns_sinkhole(Case *test)
{
	test->state->dns_address = "0.0.0.0";
}

static void
dns_disagrees(Case *test)
{
	house_write(test->house, "/etc/resolv.conf", "nameserver " SERVERS_DNS "\noptions edns0\n");
	test->state->dns_other = "203.0.113.7";
}

static void
signing_away(Case *test)
{
	test->state->tls[HOUSE_SIGNING] = HOUSE_PORT_CLOSED;
	test->state->plain[HOUSE_SIGNING] = HOUSE_PORT_CLOSED;
}

static void
factory_away(Case *test)
{
	test->state->tls[HOUSE_FACTORY] = HOUSE_PORT_CLOSED;
}

static void
proxy_bypassed(Case *test)
{
	factory_away(test);
	house_setenv(test->house, "https_proxy", "http://" SERVERS_NOWHERE ":3128");
}

static void
firmware_away(Case *test)
{
	test->state->tls[HOUSE_FIRMWARE] = HOUSE_PORT_CLOSED;
}

static void
catalogue_away(Case *test)
{
	test->state->tls[HOUSE_IPSW_ME] = HOUSE_PORT_CLOSED;
}

static void
proxy_broken(Case *test)
{
	house_setenv(test->house, "https_proxy", "http://" SERVERS_NOWHERE ":3128");
}

static void
tls_port_blocked(Case *test)
{
	test->state->tls[HOUSE_SIGNING] = HOUSE_PORT_CLOSED;
}

static void
plain_port_blocked(Case *test)
{
	test->state->plain[HOUSE_SIGNING] = HOUSE_PORT_CLOSED;
}

static void
port_redirected(Case *test)
{
	test->state->redirect = "http://login.example/";
}

static void
captive_portal(Case *test)
{
	test->state->portal = "<html>Welcome to the hotel</html>";
}

static void
tls_issuer(Case *test)
{
	test->state->foreign = true;
	house_setenv(test->house, "SSL_CERT_FILE", in_house(test, "foreign.pem"));
}

static void
tls_broken(Case *test)
{
	test->state->tls[HOUSE_SIGNING] = HOUSE_PORT_CUTS;
}

static void
authorities_missing(Case *test)
{
	house_setenv(test->house, "SSL_CERT_FILE", in_house(test, "nowhere.pem"));
}

static void
clock_wrong(Case *test)
{
	clock_is_off(test, "345600000");
}

static void
clock_drifts(Case *test)
{
	clock_is_off(test, "-600");
}

static bool
run_tool(const char *line)
{
	g_auto(GStrv) argv = g_strsplit(line, " ", -1);
	int status = -1;

	return g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status,
			    NULL) &&
	       status == 0;
}

static void
firewall(Case *test)
{
	static const char *const rules[] = {
		"nft add table inet guard",
		"nft add chain inet guard out { type filter hook output priority 0 ; }",
		"nft add rule inet guard out ip daddr 17.0.0.10 tcp dport 443 drop",
	};
	g_autofree char *nft = g_find_program_in_path("nft");

	for (size_t i = 0; nft != NULL && i < G_N_ELEMENTS(rules); i++) {
		if (!run_tool(rules[i]))
			test->skip = "this kernel has no nftables";
	}
	test->guarded = test->skip == NULL && nft != NULL;
	if (nft == NULL)
		test->skip = "nft is not installed";
}

/* ---- usbmuxd --------------------------------------------------------------------------------- */

static void
mux_missing(Case *test)
{
	test->state->mux = HOUSE_MUX_ABSENT;
}

/* a folder that nobody may look into */
static void
mux_denied(Case *test)
{
	const char *dir = in_house(test, "closed");
	g_autofree char *address = g_strdup_printf("UNIX:%s/usbmuxd.socket", dir);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0), ==, 0);
	house_setenv(test->house, "USBMUXD_SOCKET_ADDRESS", address);
	house_drop_rights(test->house);
}

static void
mux_silent(Case *test)
{
	test->state->mux = HOUSE_MUX_CUTS;
}

static void
mux_doubled(Case *test)
{
	house_setenv(test->house, "USBMUXD_SOCKET_ADDRESS", NULL);
	house_start(test->house, "usbmuxd");
	house_start(test->house, "usbmuxd");
}

/* one that runs, and one in PATH that tells its version */
static void
mux_old(Case *test)
{
	const char *program = in_house(test, "bin/usbmuxd");
	g_autofree char *path = g_strdup_printf("%s/bin:%s", house_dir(test->house),
						g_getenv("PATH"));

	house_setenv(test->house, "USBMUXD_SOCKET_ADDRESS", NULL);
	house_start(test->house, "usbmuxd");
	house_write(test->house, program, "#!/bin/sh\necho usbmuxd 1.0.8\n");
	g_assert_cmpint(g_chmod(program, 0755), ==, 0);
	house_setenv(test->house, "PATH", path);
}

/* ---- bus and port ---------------------------------------------------------------------------- */

static void
no_usb(Case *test)
{
	g_assert_cmpint(g_rename("/sys/bus/usb/devices", "/sys/bus/usb/gone"), ==, 0);
}

static void
device_absent(Case *test)
{
	set_words(test, "--ecid", "0x000A1B2C3D4E5F61", NULL);
}

/* of a hub that shows no way to switch it */
static void
port_off(Case *test)
{
	house_plug(test->house, "1-3.1", 5);
	house_setenv(test->house, "IDEVICERESCUE_LOCK_DIR", house_dir(test->house));
	house_write(test->house, in_house(test, "1-3.1.4.port-off"), "{}\n");
}

static void
node_denied(Case *test)
{
	g_assert_cmpint(g_chmod("/dev/bus/usb/001/004", 0), ==, 0);
	house_drop_rights(test->house);
}

static void
node_held(Case *test)
{
	test->fd = open("/dev/bus/usb/001/004", O_RDWR | O_CLOEXEC);
	g_assert_cmpint(test->fd, >=, 0);
}

static void
autosuspend(Case *test)
{
	value(test, "power/control", "auto");
}

static void
usbfs_memory(Case *test)
{
	house_write(test->house, "/sys/module/usbcore/parameters/usbfs_memory_mb", "8\n");
}

static void
hub(Case *test)
{
	house_plug(test->house, "1-3.1", 5);
}

static void
hub_chain(Case *test)
{
	house_plug(test->house, "1-3.1.4", 5);
}

static void
speed_low(Case *test)
{
	value(test, "speed", "12");
}

static void
bus_crowded(Case *test)
{
	for (unsigned i = 0; i < 8; i++) {
		g_autofree char *port = g_strdup_printf("1-%u", 3 + i);
		house_plug(test->house, port, 5 + i);
	}
}

static void
over_current(Case *test)
{
	kernel_says(test, "usb usb1-port2: over-current change #1", 1);
}

static void
resets(Case *test)
{
	kernel_says(test, "usb 1-2: reset high-speed USB device number 4 using xhci_hcd", 3);
}

static void
enumeration(Case *test)
{
	kernel_says(test, "usb 1-2: device descriptor read/64, error -110", 1);
}

/* ---- engine ---------------------------------------------------------------------------------- */

static void
engine_missing(Case *test)
{
	house_setenv(test->house, "PATH", house_dir(test->house));
}

static void
engine_broken(Case *test)
{
	const char *program = in_house(test, "idevicerestore");

	house_write(test->house, program, "#!/bin/sh\nexit 127\n");
	g_assert_cmpint(g_chmod(program, 0755), ==, 0);
	set_words(test, "--engine", program, NULL);
}

/* what is installed on a phone comes from the phone; here the collector is told (scenario/doctor has real ones) */
static void
engine_for(Case *test, const char *product, const char *version, const char *build)
{
	static const char *const words[] = { "--engine", "system", "--worker", "engine", "--" };

	memcpy(test->words, words, sizeof(words));
	test->words[5] = product;
	test->words[6] = version;
	test->words[7] = build;
}

static void
engine_model(Case *test)
{
	engine_for(test, "iPhone99,9", "", "");
}

static void
engine_build(Case *test)
{
	engine_for(test, "iPhone10,3", "16.7.10", "20H350");
}

static void
beta(Case *test)
{
	engine_for(test, "iPhone10,3", "15.0", "19A5261w");
}

/* ---- folders --------------------------------------------------------------------------------- */

static void
state_denied(Case *test)
{
	test->state_dir = in_house(test, "readonly/state");
}

static void
cache_denied(Case *test)
{
	test->cache_dir = in_house(test, "readonly/cache");
}

static void
temporary_denied(Case *test)
{
	house_setenv(test->house, "TMPDIR", in_house(test, "readonly"));
}

static void
state_noexec(Case *test)
{
	test->state_dir = in_house(test, "noexec/state");
}

static void
space_short(Case *test)
{
	test->cache_dir = in_house(test, "small/cache");
}

static void
space_tight(Case *test)
{
	test->cache_dir = in_house(test, "tight/cache");
}

static void (*const cases[RESCUE_FINDING_LAST])(Case *) = {
	[RESCUE_FINDING_HOSTS_FILE] = hosts_file,
	[RESCUE_FINDING_HOSTS_FILE_OTHER] = hosts_file_other,
	[RESCUE_FINDING_DNS_SILENT] = dns_silent,
	[RESCUE_FINDING_DNS_UNKNOWN] = dns_unknown,
	[RESCUE_FINDING_DNS_SINKHOLE] = dns_sinkhole,
	[RESCUE_FINDING_DNS_DISAGREES] = dns_disagrees,
	[RESCUE_FINDING_SIGNING_AWAY] = signing_away,
	[RESCUE_FINDING_FACTORY_AWAY] = factory_away,
	[RESCUE_FINDING_PROXY_BYPASSED] = proxy_bypassed,
	[RESCUE_FINDING_FIRMWARE_AWAY] = firmware_away,
	[RESCUE_FINDING_CATALOGUE_AWAY] = catalogue_away,
	[RESCUE_FINDING_PROXY_BROKEN] = proxy_broken,
	[RESCUE_FINDING_TLS_PORT_BLOCKED] = tls_port_blocked,
	[RESCUE_FINDING_PLAIN_PORT_BLOCKED] = plain_port_blocked,
	[RESCUE_FINDING_PORT_REDIRECTED] = port_redirected,
	[RESCUE_FINDING_CAPTIVE_PORTAL] = captive_portal,
	[RESCUE_FINDING_TLS_ISSUER] = tls_issuer,
	[RESCUE_FINDING_TLS_BROKEN] = tls_broken,
	[RESCUE_FINDING_AUTHORITIES_MISSING] = authorities_missing,
	[RESCUE_FINDING_CLOCK_WRONG] = clock_wrong,
	[RESCUE_FINDING_CLOCK_DRIFTS] = clock_drifts,
	[RESCUE_FINDING_FIREWALL] = firewall,
	[RESCUE_FINDING_MUX_MISSING] = mux_missing,
	[RESCUE_FINDING_MUX_DENIED] = mux_denied,
	[RESCUE_FINDING_MUX_SILENT] = mux_silent,
	[RESCUE_FINDING_MUX_DOUBLED] = mux_doubled,
	[RESCUE_FINDING_MUX_OLD] = mux_old,
	[RESCUE_FINDING_NO_USB] = no_usb,
	[RESCUE_FINDING_DEVICE_ABSENT] = device_absent,
	[RESCUE_FINDING_PORT_OFF] = port_off,
	[RESCUE_FINDING_NODE_DENIED] = node_denied,
	[RESCUE_FINDING_NODE_HELD] = node_held,
	[RESCUE_FINDING_AUTOSUSPEND] = autosuspend,
	[RESCUE_FINDING_USBFS_MEMORY] = usbfs_memory,
	[RESCUE_FINDING_HUB] = hub,
	[RESCUE_FINDING_HUB_CHAIN] = hub_chain,
	[RESCUE_FINDING_SPEED_LOW] = speed_low,
	[RESCUE_FINDING_BUS_CROWDED] = bus_crowded,
	[RESCUE_FINDING_OVER_CURRENT] = over_current,
	[RESCUE_FINDING_RESETS] = resets,
	[RESCUE_FINDING_ENUMERATION] = enumeration,
	[RESCUE_FINDING_ENGINE_MISSING] = engine_missing,
	[RESCUE_FINDING_ENGINE_BROKEN] = engine_broken,
	[RESCUE_FINDING_ENGINE_MODEL] = engine_model,
	[RESCUE_FINDING_ENGINE_BUILD] = engine_build,
	[RESCUE_FINDING_BETA] = beta,
	[RESCUE_FINDING_STATE_DENIED] = state_denied,
	[RESCUE_FINDING_CACHE_DENIED] = cache_denied,
	[RESCUE_FINDING_TEMPORARY_DENIED] = temporary_denied,
	[RESCUE_FINDING_STATE_NOEXEC] = state_noexec,
	[RESCUE_FINDING_SPACE_SHORT] = space_short,
	[RESCUE_FINDING_SPACE_TIGHT] = space_tight,
};

static void
case_init(Case *test, House *house)
{
	*test = (Case){ .house = house, .state = house_reset(house), .fd = -1 };
	test->texts = g_ptr_array_new_with_free_func(g_free);
	test->state_dir = in_house(test, "state");
	test->cache_dir = in_house(test, "cache");
}

static void
case_clear(Case *test)
{
	if (test->fd >= 0)
		(void)close(test->fd); /* nothing was written */
	if (test->guarded)
		(void)run_tool("nft delete table inet guard"); /* the next case would tell */
	g_clear_pointer(&test->texts, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Case, case_clear)

/* status of the program; `part` NULL: all of them. Caller frees what it said. */
static int
examine(Case *test, const char *part, char **ret_output)
{
	const char *words[MOST_WORDS * 2] = { "--json",  "--state",       test->state_dir,
					      "--cache", test->cache_dir, "doctor" };
	size_t count = 6;

	if (part != NULL) {
		words[count++] = "--only";
		words[count++] = part;
	}
	for (size_t i = 0; i < MOST_WORDS && test->words[i] != NULL; i++)
		words[count++] = test->words[i];
	return house_run(test->house, words, ret_output);
}

static void
test_finding(gconstpointer data)
{
	RescueFindingId id = (RescueFindingId)GPOINTER_TO_UINT(data);
	const RescueFindingInfo *info = rescue_finding_info(id);
	g_autofree char *why = NULL;
	g_autoptr(House) house = house_new(&why);
	g_autofree char *output = NULL;
	g_autofree char *quoted = g_strdup_printf("\"%s\"", info->name);
	g_auto(Case) test = { .fd = -1 };

	if (house == NULL) {
		g_test_skip(why);
		return;
	}
	g_assert_nonnull(cases[id]);
	case_init(&test, house);
	cases[id](&test);
	if (test.skip != NULL) {
		g_test_skip(test.skip);
		return;
	}
	int status = examine(&test, rescue_part_name(info->part), &output);
	g_test_message("%s", output);
	g_assert_nonnull(strstr(output, quoted));
	if (test.words[2] == NULL && info->severity == RESCUE_SEVERITY_BREAKS)
		g_assert_cmpint(status, ==, BREAKS);
}

static void
test_clean(void)
{
	g_autofree char *why = NULL;
	g_autoptr(House) house = house_new(&why);
	g_autofree char *output = NULL;
	g_auto(Case) test = { .fd = -1 };

	if (house == NULL) {
		g_test_skip(why);
		return;
	}
	case_init(&test, house);
	int status = examine(&test, NULL, &output);
	g_test_message("%s", output);
	g_autoptr(RescueJson) json = rescue_json_parse(output, strlen(output), NULL);
	g_assert_nonnull(json);
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "findings")), ==, 0);
	g_assert_cmpint(status, ==, FINE);
	/* every part was looked at: seven hosts, usbmuxd, USB, the engine and three folders at least */
	g_assert_cmpuint(rescue_json_length(rescue_json_get(json, "passed")), >=, 18);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions(); /* the other conditions are worth knowing, too */
	g_test_add_func("/doctor/clean", test_clean);
	for (unsigned id = 0; id < RESCUE_FINDING_LAST; id++) {
		g_autofree char *path = g_strdup_printf("/doctor/%s",
							rescue_finding_info(id)->name);
		g_test_add_data_func(path, GUINT_TO_POINTER(id), test_finding);
	}
	return g_test_run();
}
