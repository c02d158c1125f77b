/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/line/intake.h"
#include "core/line/layout.h"

static RescueLayout *
parse_layout(const char *text, GError **error)
{
	return rescue_layout_parse(text, strlen(text), error);
}

static RescueIntakeRules *
parse_rules(const char *text, GError **error)
{
	return rescue_intake_parse(text, strlen(text), error);
}

static void
assert_sentence(GError *error, const char *reason)
{
	g_assert_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, reason));
	g_assert_null(strchr(error->message, '\n'));
}

/* USB */

static GPtrArray *
two_controllers(void)
{
	GPtrArray *buses = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_usb_bus_free);

	g_ptr_array_add(buses, rescue_usb_bus_new(1, "0000:00:14.0", 480));
	g_ptr_array_add(buses, rescue_usb_bus_new(2, "0000:00:14.0", 10000));
	g_ptr_array_add(buses, rescue_usb_bus_new(3, "0000:05:00.0", 480));
	return buses;
}

static bool
is_below(const char *place, const char *hub)
{
	g_autoptr(GPtrArray) buses = two_controllers();
	g_auto(RescueUsbPlace) a = { 0 };
	g_auto(RescueUsbPlace) b = { 0 };

	g_assert_true(rescue_usb_place_parse(place, &a, NULL));
	g_assert_true(rescue_usb_place_parse(hub, &b, NULL));
	return rescue_usb_place_is_at_or_below(&a, &b, buses);
}

static void
test_places_form_a_tree(void)
{
	g_assert_true(is_below("1-2.3.4", "1-2"));
	g_assert_true(is_below("1-2.3.4", "1-2.3"));
	g_assert_true(is_below("1-2", "1-2"));
	g_assert_false(is_below("1-2", "1-2.3"));
	g_assert_false(is_below("1-23", "1-2"));
	g_assert_false(is_below("3-2.3", "1-2"));
	g_assert_true(is_below("1-2.3", "0000:00:14.0/2"));
	g_assert_false(is_below("2-2.3", "0000:00:14.0/2"));
	g_assert_true(is_below("2-2.3", "0000:00:14.0/ss/2"));
	g_assert_true(is_below("0000:00:14.0/2.3", "0000:00:14.0/2"));
	g_assert_false(is_below("0000:00:14.0/ss/2.3", "0000:00:14.0/2"));
	g_assert_false(is_below("3-2", "0000:00:14.0/2"));
	g_assert_false(is_below("9-2", "0000:00:14.0/2"));
}

static void
test_places_are_written_as_they_were_read(void)
{
	static const char *const good[] = { "1-2", "255-255.1.2.3.4.5", "0000:00:14.0/2.3",
					    "0000:00:14.0/ss/1" };
	static const char *const bad[] = { "",      "1",     "1-",      "-2",
					   "1-0",   "1-2.",  "1-2.256", "1-2.3.4.5.6.7.8",
					   "0-1",   "256-1", "a-1",     "/1",
					   "/ss/1", "x/",    "1-2-3",   "1-2.3 " };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_auto(RescueUsbPlace) place = { 0 };
		g_autofree char *text = NULL;
		g_assert_true(rescue_usb_place_parse(good[i], &place, NULL));
		text = rescue_usb_place_format(&place);
		g_assert_cmpstr(text, ==, good[i]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(RescueUsbPlace) place = { 0 };
		g_autoptr(GError) error = NULL;
		g_assert_false(rescue_usb_place_parse(bad[i], &place, &error));
		assert_sentence(error, bad[i]);
	}
	g_assert_false(rescue_usb_place_parse(NULL, &(RescueUsbPlace){ 0 }, NULL));
}

/* station files */

static const char bench[] = "[limits]\ntransfers=1\njobs=20\nstagger=5s\nscratch=200 GB\n"
			    "[controller 0000:05:00.0]\nendpoints=254\nroot-ports-independent=yes\n"
			    "[hub 1-2]\nlabel=left\npower-ma=10000\n"
			    "[port A1]\nat=0000:00:14.0/2.1; 2-2.1\ncable=C7\nrow=1\ncolumn=1\n"
			    "[port A2]\nat=1-2.2\n";

static void
test_a_station_file_names_ports_by_place_or_controller(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) buses = two_controllers();
	g_autoptr(RescueLayout) layout = parse_layout(bench, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(layout->ports->len, ==, 2);
	g_assert_cmpuint(rescue_layout_find_place(layout, "1-2.1", buses), ==, 0);
	g_assert_cmpuint(rescue_layout_find_place(layout, "2-2.1", buses), ==, 0);
	g_assert_cmpuint(rescue_layout_find_place(layout, "1-2.2", buses), ==, 1);
	g_assert_cmpuint(rescue_layout_find_place(layout, "2-2.2", buses), ==, RESCUE_PORT_NONE);
	g_assert_cmpuint(rescue_layout_find_place(layout, "1-2.1.1", buses), ==, RESCUE_PORT_NONE);
	g_assert_cmpuint(rescue_layout_find_place(layout, "rubbish", buses), ==, RESCUE_PORT_NONE);
	g_assert_cmpuint(rescue_layout_find_label(layout, "A2"), ==, 1);
	g_assert_cmpuint(rescue_layout_find_label(layout, "a2"), ==, RESCUE_PORT_NONE);
	g_assert_cmpstr(rescue_layout_port(layout, 0)->cable, ==, "C7");
	g_assert_null(rescue_layout_port(layout, 2));
}

static void
test_a_station_file_changes_only_what_it_says(void)
{
	g_autoptr(RescueLayout) layout = parse_layout(bench, NULL);
	g_autoptr(RescueLayout) empty = parse_layout("", NULL);

	g_assert_cmpuint(layout->limits.transfers, ==, 1);
	g_assert_cmpuint(layout->limits.jobs, ==, 20);
	g_assert_cmpint(layout->limits.stagger_ms, ==, 5000);
	g_assert_cmpuint(layout->limits.scratch_bytes, ==, UINT64_C(200000000000));
	g_assert_cmpuint(layout->limits.downloads, ==, empty->limits.downloads);
	g_assert_cmpuint(rescue_layout_controller(layout, "0000:05:00.0")->endpoints, ==, 254);
	g_assert_true(rescue_layout_controller(layout, "0000:05:00.0")->root_ports_independent);
	g_assert_cmpuint(rescue_layout_controller(layout, "0000:00:14.0")->endpoints, ==, 96);
	g_assert_cmpuint(empty->ports->len, ==, 0);
}

static void
assert_layout_refused(const char *text, const char *reason)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(parse_layout(text, &error));
	assert_sentence(error, reason);
}

static void
test_mistakes_in_a_station_file_are_refused(void)
{
	assert_layout_refused("[port A1]\n", "A1");
	assert_layout_refused("[port A1]\nat=1-2.x\n", "1-2.x");
	assert_layout_refused("[port A1]\nat=1-2;;1-3\n", "empty word");
	assert_layout_refused("[port A1]\nat=\n", "empty list");
	assert_layout_refused("[port A1]\nat=1-1\n[port A2]\nat=1-1\n", "two ports are at");
	assert_layout_refused("[port A1]\nat=1-1\n[port A1]\nat=1-2\n", "said twice");
	assert_layout_refused("[port]\nat=1-1\n", "unknown group");
	assert_layout_refused("[hub left]\n", "left");
	assert_layout_refused("[limits]\njobs=0\n", "jobs");
	assert_layout_refused("[limits]\ntransfers=4\ntransfers-max=2\n", "transfers-max");
	assert_layout_refused("[limits]\nmemory=1 MB\n", "too small");
	assert_layout_refused("[limits]\nstagger=2h\n", "too short or too long");
	assert_layout_refused("[limits]\nhold-transfers=maybe\n", "maybe");
	assert_layout_refused("[limits]\nspeed=9\n", "unknown key in [limits]: ‘speed’");
	assert_layout_refused("[controller x]\nendpoints=1\n", "endpoints");
}

/* rules */

static const char rules_text[] = "[rule stock]\nmodel=iPhone10,*\n"
				 "then=erase\nfirmware=latest\n";

typedef struct {
	RescueDevice *device;
	RescueIntakeFacts facts;
} Phone;

static Phone
phone_in(const char *product, RescueMode mode, const char *port)
{
	Phone phone = { .device = rescue_device_new() };

	phone.device->product = g_strdup(product);
	phone.device->mode = mode;
	phone.facts = (RescueIntakeFacts){ .device = phone.device, .port = port };
	return phone;
}

static void
phone_clear(Phone *phone)
{
	rescue_device_free(phone->device);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Phone, phone_clear)

static RescueIntakeAction
decide(const char *text, const Phone *phone, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RescueIntakeRules) rules = parse_rules(text, &error);
	g_auto(RescueIntakeVerdict) verdict = { 0 };

	g_assert_no_error(error);
	rescue_intake_decide(rules, &phone->facts, &verdict);
	g_test_message("%s", verdict.why);
	g_assert_null(strchr(verdict.why, '\n'));
	if (ret_why != NULL)
		*ret_why = g_strdup(verdict.why);
	return verdict.action;
}

static void
test_nothing_is_done_where_no_rule_fits(void)
{
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "A1");
	g_auto(RescueIntakeVerdict) verdict = { 0 };

	g_assert_cmpint(decide("", &phone, NULL), ==, RESCUE_INTAKE_NOTHING);
	rescue_intake_decide(NULL, &phone.facts, &verdict);
	g_assert_cmpint(verdict.action, ==, RESCUE_INTAKE_NOTHING);
	g_assert_null(verdict.rule);
	g_assert_cmpint(verdict.behavior, ==, RESCUE_BEHAVIOR_UNSAID);
}

static void
test_an_erase_takes_only_what_is_known_to_be_harmless(void)
{
	static const char rules[] = "[rule stock]\nthen=erase\nfirmware=latest\n";
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "A1");

	for (RescueAnswer find_my = 0; find_my < RESCUE_ANSWER_LAST; find_my++) {
		for (RescueAnswer managed = 0; managed < RESCUE_ANSWER_LAST; managed++) {
			bool harmless = find_my == RESCUE_ANSWER_OFF &&
					managed == RESCUE_ANSWER_OFF;
			phone.facts.ownership = (RescueOwnership){ .find_my = find_my,
								   .managed = managed };
			g_assert_cmpint(decide(rules, &phone, NULL), ==,
					harmless ? RESCUE_INTAKE_JOB : RESCUE_INTAKE_NOTHING);
		}
	}
}

static void
test_ownership_is_what_a_phone_in_ios_said(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	RescueOwnership known;

	device->mode = RESCUE_MODE_NORMAL;
	device->owner = (RescueOwner){ .asked = true,
				       .activation = g_strdup("Activated"),
				       .find_my = RESCUE_ANSWER_OFF,
				       .activation_lock = RESCUE_ANSWER_ON,
				       .locked = RESCUE_ANSWER_ON,
				       .supervised = RESCUE_ANSWER_OFF };
	known = rescue_intake_ownership(device);
	g_assert_cmpint(known.find_my, ==, RESCUE_ANSWER_ON);
	g_assert_cmpint(known.locked, ==, RESCUE_ANSWER_ON);
	g_assert_cmpint(known.managed, ==, RESCUE_ANSWER_OFF);
	device->owner.activation_lock = RESCUE_ANSWER_OFF;
	g_assert_cmpint(rescue_intake_ownership(device).find_my, ==, RESCUE_ANSWER_OFF);
	device->mode = RESCUE_MODE_RECOVERY;
	known = rescue_intake_ownership(device);
	g_assert_cmpint(known.find_my, ==, RESCUE_ANSWER_UNKNOWN);
	g_assert_cmpint(known.locked, ==, RESCUE_ANSWER_UNKNOWN);
	g_assert_cmpint(known.managed, ==, RESCUE_ANSWER_UNKNOWN);
}

static void
test_a_rule_may_name_what_is_not_known(void)
{
	g_auto(Phone) phone = phone_in(NULL, RESCUE_MODE_RECOVERY, "A1");

	g_assert_cmpint(decide("[rule r]\nmode=recovery;dfu\nfind-my=off;unknown\nmanaged=any\n"
			       "then=erase\nfirmware=build 20H350\n",
			       &phone, NULL),
			==, RESCUE_INTAKE_JOB);
	phone.facts.ownership.find_my = RESCUE_ANSWER_ON;
	g_assert_cmpint(decide("[rule r]\nmode=recovery;dfu\nfind-my=off;unknown\nmanaged=any\n"
			       "then=erase\nfirmware=build 20H350\n",
			       &phone, NULL),
			==, RESCUE_INTAKE_NOTHING);
}

static void
test_an_update_keeps_data_and_asks_for_less(void)
{
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "A1");

	g_assert_cmpint(decide("[rule r]\nthen=update\nfirmware=version 16.7.10\n", &phone, NULL),
			==, RESCUE_INTAKE_JOB);
}

static void
test_no_rule_gives_a_refused_kind_a_job(void)
{
	static const char *const jobs[] = { "erase", "update" };
	static const char *const kinds[] = { "Watch6,1", "AppleTV11,1", "MacBookPro18,3",
					     "Toaster1,1" };
	g_autofree char *why = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(Phone) phone = phone_in(kinds[i], RESCUE_MODE_NORMAL, "A1");
		phone.facts.ownership = (RescueOwnership){ RESCUE_ANSWER_OFF, RESCUE_ANSWER_OFF,
							   RESCUE_ANSWER_OFF };
		for (size_t k = 0; k < G_N_ELEMENTS(jobs); k++) {
			g_autofree char *text =
			    g_strdup_printf("[rule r]\nthen=%s\nfirmware=latest\n", jobs[k]);
			g_assert_cmpint(decide(text, &phone, NULL), ==, RESCUE_INTAKE_NOTHING);
		}
		g_free(why);
		g_assert_cmpint(decide("[rule w]\nkind=refused\nthen=ask\nsay=Take it away.\n",
				       &phone, &why),
				==, RESCUE_INTAKE_ASK);
	}
	g_assert_nonnull(strstr(why, "Take it away."));
}

static void
test_the_first_rule_that_fits_decides_and_says_so(void)
{
	static const char rules[] =
	    "[rule locked]\nfind-my=on\nthen=ask\nsay=Sign out of the account on the phone.\n"
	    "[rule bench-b]\nport=B*\nthen=hold\n"
	    "[rule stock]\nthen=erase\nfirmware=latest\npolicy=night\n";
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "B7");
	g_autofree char *ask = NULL;
	g_autofree char *hold = NULL;
	g_autofree char *job = NULL;

	phone.facts.ownership = (RescueOwnership){ .find_my = RESCUE_ANSWER_ON,
						   .managed = RESCUE_ANSWER_OFF };
	g_assert_cmpint(decide(rules, &phone, &ask), ==, RESCUE_INTAKE_ASK);
	g_assert_cmpstr(ask, ==, "rule ‘locked’ fits: ask: Sign out of the account on the phone.");
	phone.facts.ownership.find_my = RESCUE_ANSWER_OFF;
	g_assert_cmpint(decide(rules, &phone, &hold), ==, RESCUE_INTAKE_HOLD);
	g_assert_cmpstr(hold, ==, "rule ‘bench-b’ fits: hold");
	phone.facts.port = "A7";
	g_assert_cmpint(decide(rules, &phone, &job), ==, RESCUE_INTAKE_JOB);
	g_assert_cmpstr(job, ==, "rule ‘stock’ fits: erase, firmware latest, policy night");
}

static void
test_the_nearest_rule_is_named_with_what_it_misses(void)
{
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "A1");
	g_autofree char *why = NULL;

	phone.facts.ownership.managed = RESCUE_ANSWER_OFF;
	g_assert_cmpint(decide(rules_text, &phone, &why), ==, RESCUE_INTAKE_NOTHING);
	g_assert_cmpstr(why, ==,
			"no rule fits, so nothing is done; the nearest: rule ‘stock’ does not fit: "
			"Find My is unknown, and it takes only off");
}

static void
test_every_condition_counts(void)
{
	static const struct {
		const char *yes, *no;
	} conditions[] = {
		{ "port=A*", "port=B*; C1" },
		{ "kind=served", "kind=refused; unknown" },
		{ "model=iPhone8*; iPhone10*", "model=iPad*" },
		{ "mode=normal", "mode=recovery; dfu" },
		{ "version=16.*", "version=17.*" },
		{ "scanned=yes", "scanned=no" },
		{ "find-my=off", "find-my=on; unknown" },
		{ "locked=on", "locked=off" },
		{ "managed=unknown", "managed=on" },
	};
	g_auto(Phone) phone = phone_in("iPhone10,3", RESCUE_MODE_NORMAL, "A1");

	phone.device->version = g_strdup("16.7.10");
	phone.facts.scan = "order-17";
	phone.facts.ownership = (RescueOwnership){ .find_my = RESCUE_ANSWER_OFF,
						   .locked = RESCUE_ANSWER_ON,
						   .managed = RESCUE_ANSWER_UNKNOWN };
	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
		g_autofree char *yes = g_strdup_printf("[rule r]\n%s\nthen=hold\n",
						       conditions[i].yes);
		g_autofree char *no = g_strdup_printf("[rule r]\n%s\nthen=hold\n",
						      conditions[i].no);
		g_assert_cmpint(decide(yes, &phone, NULL), ==, RESCUE_INTAKE_HOLD);
		g_assert_cmpint(decide(no, &phone, NULL), ==, RESCUE_INTAKE_NOTHING);
	}
}

static void
assert_rules_refused(const char *text, const char *reason)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(parse_rules(text, &error));
	assert_sentence(error, reason);
}

static void
test_mistakes_in_rules_are_refused(void)
{
	assert_rules_refused("[rule r]\n", "then=");
	assert_rules_refused("[rule r]\nthen=wipe\n", "wipe");
	assert_rules_refused("[rule r]\nthen=erase\n", "neither firmware nor file");
	assert_rules_refused("[rule r]\nthen=erase\nfirmware=newest\n", "newest");
	assert_rules_refused("[rule r]\nthen=erase\nfirmware=build ../x\n", "build ../x");
	assert_rules_refused("[rule r]\nthen=erase\nfile=x.ipsw\n", "absolute");
	assert_rules_refused("[rule r]\nthen=erase\nfile=/x.ipsw\nfirmware=latest\n", "both");
	assert_rules_refused("[rule r]\nthen=hold\nfirmware=latest\n", "without a job");
	assert_rules_refused("[rule r]\nthen=ask\n", "say=");
	assert_rules_refused("[rule r]\nthen=erase\nfirmware=latest\nkind=any\n", "refused kind");
	assert_rules_refused("[rule r]\nthen=update\nfirmware=latest\nkind=refused\n",
			     "refused kind");
	assert_rules_refused(
	    "[rule r]\nthen=hold\nfind-my=yes\n",
	    "[rule r] find-my: none of its words (lists are separated by ;): ‘yes’");
	assert_rules_refused("[rule r]\nthen=hold\nport=A1, A2\n", "separated by ;");
	assert_rules_refused("[rule r]\nthen=hold\ncolour=red\n", "colour");
	assert_rules_refused("[rule r]\nthen=hold\n[rule r]\nthen=hold\n", "said twice");
	assert_rules_refused("[rules]\nthen=hold\n", "unknown group");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/usb/tree", test_places_form_a_tree);
	g_test_add_func("/line/usb/text", test_places_are_written_as_they_were_read);
	g_test_add_func("/line/layout/ports",
			test_a_station_file_names_ports_by_place_or_controller);
	g_test_add_func("/line/layout/limits", test_a_station_file_changes_only_what_it_says);
	g_test_add_func("/line/layout/mistakes", test_mistakes_in_a_station_file_are_refused);
	g_test_add_func("/line/intake/default", test_nothing_is_done_where_no_rule_fits);
	g_test_add_func("/line/intake/harmless",
			test_an_erase_takes_only_what_is_known_to_be_harmless);
	g_test_add_func("/line/intake/ownership", test_ownership_is_what_a_phone_in_ios_said);
	g_test_add_func("/line/intake/unknown", test_a_rule_may_name_what_is_not_known);
	g_test_add_func("/line/intake/update", test_an_update_keeps_data_and_asks_for_less);
	g_test_add_func("/line/intake/refused-kind", test_no_rule_gives_a_refused_kind_a_job);
	g_test_add_func("/line/intake/order", test_the_first_rule_that_fits_decides_and_says_so);
	g_test_add_func("/line/intake/nearest", test_the_nearest_rule_is_named_with_what_it_misses);
	g_test_add_func("/line/intake/conditions", test_every_condition_counts);
	g_test_add_func("/line/intake/mistakes", test_mistakes_in_rules_are_refused);
	return g_test_run();
}
