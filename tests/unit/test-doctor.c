/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <glib.h>

#include "core/base/error.h"
#include "core/base/path.h"
#include "core/doctor/local.h"
#include "core/doctor/reach.h"
#include "core/doctor/usb.h"
#include "firmware/reach/names.h"
#include "transport/host/host.h"

#define MAX_PAGE ((size_t)256 * 1024)

/* names of what was found, the severest first, with spaces in between; caller frees */
static char *
names_of(RescueFindings *report)
{
	const GPtrArray *findings = rescue_findings_list(report);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < findings->len; i++) {
		const RescueFinding *finding = findings->pdata[i];
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
				       rescue_finding_info(finding->id)->name);
	}
	return g_string_free(text, FALSE);
}

static void
assert_names(RescueFindings *report, const char *expected)
{
	g_autofree char *names = names_of(report);

	g_assert_cmpstr(names, ==, expected);
}

static void
test_every_finding_has_a_name_of_its_own_and_two_sentences(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (RescueFindingId id = 0; id < RESCUE_FINDING_LAST; id++) {
		const RescueFindingInfo *info = rescue_finding_info(id);
		RescueFindingId back;
		g_assert_true(g_hash_table_add(seen, (char *)info->name));
		g_assert_true(rescue_finding_parse(info->name, &back) && back == id);
		g_assert_cmpint(info->failure, !=, RESCUE_FAILURE_NONE);
		g_assert_false(g_str_has_suffix(info->means, "."));
		g_assert_false(g_str_has_suffix(info->advice, "."));
		g_assert_null(strchr(info->means, '|'));
		g_assert_null(strchr(info->advice, '|'));
	}
}

static void
test_the_page_shows_the_table_as_it_is(void)
{
	g_autofree char *path = g_build_filename(g_getenv("RESCUE_SOURCE_DIR"), "docs", "doctor.md",
						 NULL);
	g_autofree char *page = rescue_path_read(path, MAX_PAGE, NULL, NULL);
	g_autofree char *table = rescue_findings_table();

	g_assert_nonnull(page);
	if (strstr(page, table) != NULL)
		return;
	g_test_message("“idevicerescue doctor --list” has the table for docs/doctor.md");
	g_test_fail();
}

static void
test_what_a_collector_says_is_understood_and_merged(void)
{
	g_autoptr(RescueFindings) child = rescue_findings_new();
	g_autoptr(RescueFindings) report = rescue_findings_new();
	g_autofree char *lines = NULL;
	g_auto(GStrv) each = NULL;

	rescue_findings_find(child, RESCUE_FINDING_HUB, "port 1-2.1");
	rescue_findings_find(child, RESCUE_FINDING_HOSTS_FILE, "line “3”");
	rescue_findings_find(child, RESCUE_FINDING_HUB, "port 1-2.2");
	rescue_findings_find(child, RESCUE_FINDING_HUB, "port 1-2.1");
	rescue_findings_pass(child, "usbmuxd answers");
	rescue_findings_skip(child, "the firewall", "not readable");
	lines = rescue_findings_to_lines(child);
	each = g_strsplit(g_strchomp(lines), "\n", -1);
	for (unsigned i = 0; each[i] != NULL; i++)
		g_assert_true(rescue_findings_add_line(report, each[i]));
	g_assert_false(rescue_findings_add_line(report, "{\"finding\": \"of-the-future\"}"));
	g_assert_false(rescue_findings_add_line(report, "Segmentation fault"));
	assert_names(report, "hosts-file-line usb-hub");
	const RescueFinding *hub = rescue_findings_list(report)->pdata[1];
	g_assert_cmpuint(hub->details->len, ==, 2);
	g_assert_cmpuint(rescue_findings_passed(report)->len, ==, 1);
	g_assert_cmpstr(rescue_findings_skipped(report)->pdata[0], ==,
			"the firewall: not readable");
	g_assert_true(rescue_findings_breaks(report));
}

/* One host as it may look. */
typedef struct {
	const char *story, *expected;
	RescueEndpoint endpoint;
	const char *hosts_line, *here_address, *server_address, *issuer, *redirect, *body;
	RescueNamed here, server;
	RescueReached tls, plain;
	int64_t date_s, plain_date_s;
	bool proxied, own;
} Host;

#define NOW_S 1795000000
#define APPLE "/C=US/O=Apple Inc./CN=Apple Public Server RSA CA 12"
#define SIGNING                                                         \
	{                                                               \
		RESCUE_NEED_SIGNING, "https://gs.apple.com", true, true \
	}
#define FACTORY                                                          \
	{                                                                \
		RESCUE_NEED_FACTORY, "https://gg.apple.com", false, true \
	}
#define PORTAL                                                               \
	{                                                                    \
		RESCUE_NEED_PORTAL, "http://captive.apple.com/", false, true \
	}
#define YES  RESCUE_NAMED_YES
#define FINE RESCUE_REACHED_YES

static const Host hosts[] = {
	{ .story = "all is well",
	  .expected = "",
	  .endpoint = SIGNING,
	  .here = YES,
	  .server = YES,
	  .here_address = "17.1.2.3",
	  .server_address = "17.1.9.9",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE,
	  .date_s = NOW_S - 2,
	  .plain_date_s = NOW_S },
	{ .story = "a line of the hosts file",
	  .expected = "hosts-file-line",
	  .endpoint = SIGNING,
	  .here = YES,
	  .server = YES,
	  .here_address = "127.0.0.1",
	  .server_address = "17.1.9.9",
	  .hosts_line = "/etc/hosts, line 3: 127.0.0.1 gs.apple.com",
	  .tls = RESCUE_REACHED_NOT },
	{ .story = "a server of one's own in the hosts file",
	  .expected = "",
	  .endpoint = SIGNING,
	  .own = true,
	  .here = YES,
	  .here_address = "192.168.1.5",
	  .hosts_line = "192.168.1.5 lab",
	  .tls = FINE,
	  .issuer = "/CN=lab" },
	{ .story = "no name server",
	  .expected = "name-server-silent",
	  .endpoint = SIGNING,
	  .here = RESCUE_NAMED_SILENT,
	  .server = RESCUE_NAMED_SILENT },
	{ .story = "another service knows the name while the name server is silent",
	  .expected = "",
	  .endpoint = SIGNING,
	  .here = YES,
	  .server = RESCUE_NAMED_SILENT,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE },
	{ .story = "a blocked name",
	  .expected = "name-not-resolved",
	  .endpoint = SIGNING,
	  .here = RESCUE_NAMED_NO,
	  .server = RESCUE_NAMED_NO },
	{ .story = "a filter that answers with nowhere",
	  .expected = "name-sent-astray",
	  .endpoint = SIGNING,
	  .here = YES,
	  .server = YES,
	  .here_address = "0.0.0.0",
	  .server_address = "0.0.0.0",
	  .tls = RESCUE_REACHED_NOT },
	{ .story = "two opinions",
	  .expected = "name-servers-disagree",
	  .endpoint = SIGNING,
	  .here = YES,
	  .server = YES,
	  .here_address = "203.0.113.9",
	  .server_address = "17.1.9.9",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE },
	{ .story = "nobody answers",
	  .expected = "signing-server-unreachable",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_NOT,
	  .plain = RESCUE_REACHED_NOT },
	{ .story = "only port 80",
	  .expected = "tls-port-blocked",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_NOT,
	  .plain = FINE },
	{ .story = "only port 443",
	  .expected = "plain-port-blocked",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = RESCUE_REACHED_NOT,
	  .issuer = APPLE },
	{ .story = "a log-in page on port 80",
	  .expected = "port-redirected",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE,
	  .redirect = "http://login.example/" },
	{ .story = "a redirection within Apple",
	  .expected = "",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE,
	  .redirect = "https://www.apple.com/" },
	{ .story = "inspection by an authority that is trusted here",
	  .expected = "tls-issuer-foreign",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = "/O=Example Firewall" },
	{ .story = "inspection by one that is not",
	  .expected = "tls-issuer-foreign",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_UNTRUSTED,
	  .plain = FINE,
	  .issuer = "/O=Example Firewall" },
	{ .story = "Apple's own root",
	  .expected = "",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_UNTRUSTED,
	  .plain = FINE,
	  .issuer = APPLE },
	{ .story = "no authorities",
	  .expected = "authorities-missing",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_NO_LIST,
	  .plain = FINE },
	{ .story = "TLS cut",
	  .expected = "tls-handshake-fails",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_NO_TLS,
	  .plain = FINE },
	{ .story = "years ahead",
	  .expected = "clock-wrong",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_UNTIMELY,
	  .plain = FINE,
	  .issuer = APPLE,
	  .plain_date_s = NOW_S - 100000000 },
	{ .story = "ten minutes behind",
	  .expected = "clock-drifts",
	  .endpoint = SIGNING,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE,
	  .date_s = NOW_S + 600 },
	{ .story = "a dead proxy",
	  .expected = "proxy-broken",
	  .endpoint = SIGNING,
	  .proxied = true,
	  .here = RESCUE_NAMED_NO,
	  .tls = RESCUE_REACHED_PROXY,
	  .plain = RESCUE_REACHED_PROXY },
	{ .story = "only the proxy knows names",
	  .expected = "",
	  .endpoint = SIGNING,
	  .proxied = true,
	  .here = RESCUE_NAMED_NO,
	  .tls = FINE,
	  .plain = FINE,
	  .issuer = APPLE },
	{ .story = "the device has no proxy",
	  .expected = "proxy-not-used-by-device",
	  .endpoint = FACTORY,
	  .proxied = true,
	  .here = RESCUE_NAMED_NO,
	  .tls = RESCUE_REACHED_NOT },
	{ .story = "factory data away",
	  .expected = "factory-data-server-unreachable",
	  .endpoint = FACTORY,
	  .here = YES,
	  .here_address = "17.1.2.3",
	  .tls = RESCUE_REACHED_NOT },
	{ .story = "no portal",
	  .expected = "",
	  .endpoint = PORTAL,
	  .here = YES,
	  .tls = FINE,
	  .body = "<BODY>Success</BODY>" },
	{ .story = "a portal",
	  .expected = "captive-portal",
	  .endpoint = PORTAL,
	  .here = YES,
	  .tls = FINE,
	  .body = "<html>Welcome to the hotel</html>" },
	{ .story = "nothing at all is no portal",
	  .expected = "",
	  .endpoint = PORTAL,
	  .here = YES,
	  .tls = RESCUE_REACHED_NOT },
};

static void
judge_host(const Host *host, RescueFindings *report)
{
	g_auto(RescueReachFacts) facts = { .host = NULL };

	rescue_reach_facts_init(&facts, &host->endpoint);
	facts.host = g_strdup("gs.apple.com");
	facts.hosts_line = g_strdup(host->hosts_line);
	facts.name_server = g_strdup("192.0.2.53");
	facts.here = host->here;
	facts.server = host->server;
	facts.proxied = host->proxied;
	facts.own = host->own;
	if (host->here_address != NULL)
		g_ptr_array_add(facts.here_addresses, g_strdup(host->here_address));
	if (host->server_address != NULL)
		g_ptr_array_add(facts.server_addresses, g_strdup(host->server_address));
	facts.tls = (RescueReachPort){ .result = host->tls,
				       .why = g_strdup("it does not"),
				       .issuer = g_strdup(host->issuer),
				       .body = g_strdup(host->body),
				       .date_s = host->date_s,
				       .asked_s = NOW_S };
	facts.plain = (RescueReachPort){ .result = host->plain,
					 .why = g_strdup("it does not"),
					 .redirect = g_strdup(host->redirect),
					 .date_s = host->plain_date_s,
					 .asked_s = NOW_S };
	rescue_reach_judge(&facts, report);
}

static void
test_each_way_in_which_a_host_can_look_has_its_finding(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autoptr(RescueFindings) report = rescue_findings_new();
		g_test_message("%s", hosts[i].story);
		judge_host(&hosts[i], report);
		assert_names(report, hosts[i].expected);
	}
}

static void
test_private_addresses_are_known(void)
{
	static const char *const private[] = { "0.0.0.0",     "10.1.2.3",   "127.0.0.1",
					       "172.16.0.1",  "172.31.9.9", "192.168.1.1",
					       "169.254.1.1", "100.64.0.1", "::1",
					       "fe80::1",     "fd00::1" };
	static const char *const public[] = { "17.1.2.3",    "172.32.0.1", "172.15.0.1",
					      "100.128.0.1", "192.0.2.1",  "2620:149::1",
					      "1.0.0.1" };

	for (size_t i = 0; i < G_N_ELEMENTS(private); i++)
		g_assert_true(rescue_reach_is_private(private[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(public); i++)
		g_assert_false(rescue_reach_is_private(public[i]));
}

static void
test_a_hosts_file_is_read_as_the_resolver_reads_it(void)
{
	static const char text[] = "127.0.0.1 localhost\n# 0.0.0.0 gs.apple.com\n"
				   "0.0.0.0\tads.example GS.Apple.com # spam\n";
	g_autofree char *line = rescue_hosts_find("/etc/hosts", text, "gs.apple.com");
	g_autofree char *none = rescue_hosts_find("/etc/hosts", text, "gg.apple.com");
	g_autofree char *part = rescue_hosts_find("/etc/hosts", text, "apple.com");
	g_autofree char *server = rescue_resolv_read("# x\noptions edns0\nnameserver  192.0.2.1\n"
						     "nameserver 192.0.2.2\n");

	g_assert_cmpstr(line, ==, "/etc/hosts, line 3: 0.0.0.0\tads.example GS.Apple.com # spam");
	g_assert_null(none);
	g_assert_null(part);
	g_assert_cmpstr(server, ==, "192.0.2.1");
}

static void
test_an_answer_of_a_name_server_is_read_and_a_broken_one_is_not(void)
{
	static const uint8_t answer[] = {
		0x12, 0x34, 0x81, 0x80, 0,   1,   0,   2,   0,   0, 0, 0, /* header: one question, two answers */
		2,    'g',  's',  5,    'a', 'p', 'p', 'l', 'e', 0, 0, 1, 0,    1, /* the question */
		0xc0, 12,   0,    5,    0,   1,   0,   0,   0,   1, 0, 2, 0xc0, 12, /* an alias */
		0xc0, 12,   0,    1,    0,   1,   0,   0,   0,   1, 0, 4, 17,   1,  2,
		3, /* an address */
	};
	RescueNamed named = RESCUE_NAMED_UNASKED;

	for (size_t size = 0; size <= sizeof(answer); size++) {
		g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
		/* a copy of that very size: whoever reads beyond it is caught */
		g_autofree uint8_t *copy = g_memdup2(answer, MAX(size, 1));
		bool read = rescue_dns_read(copy, size, 0x1234, &named, addresses);
		g_assert_cmpint(read, ==, size >= 12);
		g_assert_cmpuint(addresses->len, ==, size == sizeof(answer) ? 1 : 0);
	}
	g_assert_cmpint(named, ==, RESCUE_NAMED_YES);
	g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);
	g_assert_false(rescue_dns_read(answer, sizeof(answer), 0x4321, &named, others));
}

/* by a command of the config file; the words are no shell's, and its status counts */
static void
test_usbmuxd_is_restarted_by_the_configured_command(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(rescue_host_can_restart_usbmuxd("sh -c 'exit 0'"));
	g_assert_true(rescue_host_restart_usbmuxd("sh -c 'exit 0'", &error));
	g_assert_no_error(error);
	g_assert_false(rescue_host_restart_usbmuxd("sh -c 'exit 3'", &error));
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO);
	g_assert_false(rescue_host_can_restart_usbmuxd("no-such-program-anywhere restart"));
	g_assert_false(rescue_host_can_restart_usbmuxd("sh -c 'no end"));
	/* a socket that somebody chose is not that of a service of this computer */
	g_setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:/nowhere", TRUE);
	g_assert_false(rescue_host_can_restart_usbmuxd(NULL));
	g_unsetenv("USBMUXD_SOCKET_ADDRESS");
}

static void
test_the_kernel_is_heard_about_usb_and_lately(void)
{
	g_assert_cmpstr(rescue_host_read_record("6,339,5140900,-;usb 1-2: reset", 5000000), ==,
			"usb 1-2: reset");
	g_assert_null(rescue_host_read_record("6,339,4140900,-;usb 1-2: reset", 5000000));
	g_assert_null(rescue_host_read_record("6,339,5140900,-;eth0: up", 5000000));
	g_assert_null(rescue_host_read_record(" SUBSYSTEM=usb", 0));
	g_assert_null(rescue_host_read_record("", 0));
}

static void
hear_kernel(const char *port, const char *lines, const char *expected)
{
	g_autoptr(RescueFindings) report = rescue_findings_new();
	g_auto(RescueUsbFacts) facts = { .usb = false };
	g_auto(GStrv) each = g_strsplit(lines, "\n", -1);

	rescue_usb_facts_init(&facts);
	facts.port = port;
	for (unsigned i = 0; each[i] != NULL; i++)
		g_ptr_array_add(facts.kernel_lines, g_strdup(each[i]));
	rescue_usb_judge(&facts, report);
	assert_names(report, expected);
}

static void
test_what_the_kernel_says_of_a_port_concerns_what_hangs_on_it(void)
{
	hear_kernel("1-2", "usb usb1-port2: over-current change #1", "usb-over-current");
	hear_kernel("1-2.4", "usb 1-2-port4: over-current change #1", "usb-over-current");
	hear_kernel("1-2.4", "usb 1-2: device descriptor read/64, error -110",
		    "usb-enumeration-errors");
	hear_kernel("1-2.4", "usb 1-2.3: device descriptor read/64, error -110", "");
	hear_kernel("1-2", "usb 1-21: device descriptor read/64, error -110", "");
	hear_kernel(NULL, "usb 1-21: device descriptor read/64, error -110",
		    "usb-enumeration-errors");
	hear_kernel("1-2", "usb 1-2: reset high-speed USB device number 4", "");
	hear_kernel("1-2",
		    "usb 1-2: reset high-speed USB device number 4\n"
		    "usb 1-2: reset high-speed USB device number 4\n"
		    "usb 1-2: reset high-speed USB device number 4",
		    "usb-resets");
}

static void
judge_rules(const char *rules, const char *expected)
{
	g_autoptr(RescueFindings) report = rescue_findings_new();

	rescue_firewall_judge(rules, report);
	assert_names(report, expected);
}

static void
test_rules_of_a_firewall_count_when_they_drop_what_goes_out(void)
{
	judge_rules("", "");
	judge_rules("-P OUTPUT ACCEPT\n-A OUTPUT -p tcp -m tcp --dport 25 -j DROP", "");
	judge_rules("-P OUTPUT DROP\n", "firewall-blocks");
	judge_rules("-P OUTPUT ACCEPT\n-A OUTPUT -p tcp -m tcp --dport 443 -j REJECT",
		    "firewall-blocks");
	judge_rules("table inet filter {\n\tchain input {\n\t\ttype filter hook input priority "
		    "filter; policy drop;\n\t}\n\tchain output {\n\t\ttype filter hook output "
		    "priority filter; policy accept;\n\t}\n}\n",
		    "");
	judge_rules("table inet filter {\n\tchain output {\n\t\ttype filter hook output priority "
		    "filter; policy accept;\n\t\tip daddr 17.0.0.0/8 tcp dport { 80, 443 } drop\n"
		    "\t}\n\tchain input {\n\t\tdrop\n\t}\n}\n",
		    "firewall-blocks");
}

static void
judge_device(unsigned version, unsigned speed, const char *port, const char *expected)
{
	g_autoptr(RescueFindings) report = rescue_findings_new();
	g_auto(RescueUsbFacts) facts = { .usb = false };
	RescueUsbDevice *device = g_new0(RescueUsbDevice, 1);

	rescue_usb_facts_init(&facts);
	device->port = g_strdup(port);
	device->usb_version = version;
	device->speed_mbit = speed;
	g_ptr_array_add(facts.devices, device);
	rescue_usb_judge(&facts, report);
	assert_names(report, expected);
}

static void
test_place_and_speed_of_a_device_are_judged(void)
{
	judge_device(0x0200, 480, "1-2", "");
	judge_device(0x0210, 480, "1-2", "");
	judge_device(0x0200, 12, "1-2", "usb-speed-low");
	judge_device(0x0320, 480, "2-1", "usb-speed-low");
	judge_device(0x0320, 10000, "2-1", "");
	judge_device(0, 12, "1-2", "");
	judge_device(0x0200, 480, "1-2.1", "usb-hub");
	judge_device(0x0200, 480, "1-2.1.4", "usb-hub-chain");
}

static void
test_engine_and_build_are_compared(void)
{
	static const struct {
		RescueEngineFacts facts;
		const char *expected;
	} cases[] = {
		{ { .engine = "1.0.0",
		    .first_generation = true,
		    .version = "14.8",
		    .build = "18H17" },
		  "" },
		{ { .engine = "1.0.0",
		    .first_generation = true,
		    .version = "17.1",
		    .build = "21B74" },
		  "engine-too-old-for-build" },
		{ { .engine = "1.0.1", .version = "26.1", .build = "23B85" }, "" },
		{ { .engine = "1.0.1", .version = "26.0", .build = "23A5276f" }, "beta-on-device" },
		{ { .engine = "1.0.1", .version = "4.3", .build = "11D201a" }, "" },
		{ { .trouble = "none", .failure = RESCUE_FAILURE_NO_ENGINE }, "engine-missing" },
		{ { .trouble = "no", .failure = RESCUE_FAILURE_MODEL_UNKNOWN },
		  "engine-too-old-for-model" },
		{ { .trouble = "no", .failure = RESCUE_FAILURE_ENGINE_UNUSABLE },
		  "engine-not-runnable" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RescueFindings) report = rescue_findings_new();
		rescue_engine_judge(&cases[i].facts, report);
		assert_names(report, cases[i].expected);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/doctor/table",
			test_every_finding_has_a_name_of_its_own_and_two_sentences);
	g_test_add_func("/doctor/page", test_the_page_shows_the_table_as_it_is);
	g_test_add_func("/doctor/lines", test_what_a_collector_says_is_understood_and_merged);
	g_test_add_func("/doctor/hosts", test_each_way_in_which_a_host_can_look_has_its_finding);
	g_test_add_func("/doctor/private", test_private_addresses_are_known);
	g_test_add_func("/doctor/hosts-file", test_a_hosts_file_is_read_as_the_resolver_reads_it);
	g_test_add_func("/doctor/dns",
			test_an_answer_of_a_name_server_is_read_and_a_broken_one_is_not);
	g_test_add_func("/doctor/usbmuxd", test_usbmuxd_is_restarted_by_the_configured_command);
	g_test_add_func("/doctor/kernel", test_the_kernel_is_heard_about_usb_and_lately);
	g_test_add_func("/doctor/port",
			test_what_the_kernel_says_of_a_port_concerns_what_hangs_on_it);
	g_test_add_func("/doctor/firewall",
			test_rules_of_a_firewall_count_when_they_drop_what_goes_out);
	g_test_add_func("/doctor/place", test_place_and_speed_of_a_device_are_judged);
	g_test_add_func("/doctor/engine", test_engine_and_build_are_compared);
	return g_test_run();
}
