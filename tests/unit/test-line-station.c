/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/line/station.h"

#define PORTS 4u

static const char bench[] =
    "[port A1]\nat=1-1\n[port A2]\nat=1-2\n[port A3]\nat=1-3\n[port A4]\nat=1-4\n";
static const char stock[] = "[rule owner]\nfind-my=on\nthen=ask\nsay=Sign out on the phone.\n"
			    "[rule order]\nport=A4\nscanned=no\nthen=hold\n"
			    "[rule stock]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";

typedef struct {
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station;
	int64_t now_us;
} Bench;

static Bench
bench_with(const char *rules)
{
	Bench b = { .layout = rescue_layout_parse(bench, strlen(bench), NULL) };

	b.rules = rescue_intake_parse(rules, strlen(rules), NULL);
	g_assert_nonnull(b.layout);
	g_assert_nonnull(b.rules);
	b.station = rescue_station_new(b.layout, b.rules);
	return b;
}

static void
bench_clear(Bench *b)
{
	rescue_station_free(b->station);
	rescue_intake_free(b->rules);
	rescue_layout_free(b->layout);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static RescueDevice *
phone_at(RescueEcid ecid, unsigned port, RescueMode mode)
{
	RescueDevice *device = rescue_device_new();

	device->ecid = ecid;
	device->mode = mode;
	device->product = g_strdup("iPhone10,3");
	device->place.port = g_strdup_printf("1-%u", port);
	return device;
}

static void
see(Bench *b, RescueEcid ecid, unsigned port, RescueMode mode)
{
	g_autoptr(RescueDevice) device = phone_at(ecid, port, mode);

	rescue_station_see(b->station, device, ++b->now_us);
}

/* it tells of its owner */
static void
see_owned(Bench *b, RescueEcid ecid, unsigned port, RescueAnswer find_my)
{
	g_autoptr(RescueDevice) device = phone_at(ecid, port, RESCUE_MODE_NORMAL);

	device->owner = (RescueOwner){ .asked = true, .find_my = find_my };
	device->owner.activation = g_strdup("Activated");
	rescue_station_see(b->station, device, ++b->now_us);
}

static void
plug(Bench *b, RescueEcid ecid, unsigned port)
{
	see(b, ecid, port, RESCUE_MODE_NORMAL);
}

static void
unplug(Bench *b, RescueEcid ecid)
{
	see(b, ecid, 0, RESCUE_MODE_ABSENT);
}

static char *
job_of(RescueEcid ecid)
{
	return g_strdup_printf("job-%u", (unsigned)ecid);
}

static void
start(Bench *b, RescueEcid ecid)
{
	g_autofree char *job = job_of(ecid);

	rescue_station_started(b->station, ecid, job, ++b->now_us);
}

/* {"event": name, key: value} of the phone's job */
static void
tell(Bench *b, RescueEcid ecid, const char *name, const char *key, const char *value)
{
	g_autofree char *job = job_of(ecid);
	g_autoptr(RescueJson) event = rescue_json_object_new();
	char text[RESCUE_ECID_TEXT];

	rescue_json_set_string(event, "job", job);
	rescue_json_set_string(event, "ecid", rescue_ecid_format(ecid, text));
	rescue_json_set_string(event, "event", name);
	rescue_json_set_string(event, key, value);
	if (strcmp(name, "step") == 0)
		rescue_json_set_string(event, "state", "begin");
	rescue_station_job_event(b->station, event, ++b->now_us);
}

static void
done(Bench *b, RescueEcid ecid, const char *outcome)
{
	tell(b, ecid, "done", "outcome", outcome);
	rescue_station_job_ended(b->station, ecid, ++b->now_us);
}

static void
fail(Bench *b, RescueEcid ecid)
{
	start(b, ecid);
	tell(b, ecid, "failure", "failure", "usb-link-dropped");
	done(b, ecid, "gave-up");
}

static void
pass(Bench *b, RescueEcid ecid, unsigned port)
{
	plug(b, ecid, port);
	start(b, ecid);
	done(b, ecid, "restored");
	unplug(b, ecid);
}

static void
assert_slot(Bench *b, unsigned port, RescueSlotState state)
{
	g_assert_cmpstr(rescue_slot_state_name(rescue_station_slot(b->station, port - 1)), ==,
			rescue_slot_state_name(state));
}

static void
assert_reports(Bench *b, unsigned n)
{
	g_auto(GStrv) reports = rescue_station_take_reports(b->station);

	for (unsigned i = 0; reports[i] != NULL; i++)
		g_test_message("%s", reports[i]);
	g_assert_cmpuint(g_strv_length(reports), ==, n);
}

/* rows: from; columns: events in the order of slot.def; a letter: to; a dot: cannot happen */
static void
test_each_move_of_the_table(void)
{
	static const char letters[] = "EIQRPFNKX";
	static const char *const grid[RESCUE_SLOT_LAST] = {
		"I..X..............", "IEIXQKN........K..", "QQQX...R.......KI.",
		"RRRR....RNPNFKQ...", "PPPP...........K.I", "FFIF...........K.I",
		"NNNN....RNPNFKQKI.", "KKKK............I.", "XEIX.............I",
	};

	for (unsigned from = 0; from < RESCUE_SLOT_LAST; from++) {
		g_assert_cmpuint(strlen(grid[from]), ==, RESCUE_SLOT_EVENT_LAST);
		for (unsigned event = 0; event < RESCUE_SLOT_EVENT_LAST; event++) {
			RescueSlotState to = RESCUE_SLOT_LAST;
			bool can = rescue_slot_next(from, event, &to);
			g_assert_true(can == (grid[from][event] != '.'));
			g_assert_cmpint(can ? letters[to] : '.', ==, grid[from][event]);
		}
	}
	g_assert_false(rescue_slot_next(RESCUE_SLOT_LAST, 0, NULL));
	g_assert_false(rescue_slot_next(0, RESCUE_SLOT_EVENT_LAST, NULL));
}

static void
test_a_phone_goes_from_empty_to_passed(void)
{
	g_auto(Bench) b = bench_with(stock);

	assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
	plug(&b, 1, 1);
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	g_assert_cmpstr(rescue_station_phone(b.station, 0)->rule, ==, "stock");
	g_assert_cmpint(rescue_station_phone(b.station, 0)->behavior, ==, RESCUE_BEHAVIOR_ERASE);
	start(&b, 1);
	tell(&b, 1, "step", "phase", "send-bootloader");
	g_assert_cmpint(rescue_station_phone(b.station, 0)->stage, ==, RESCUE_STAGE_BOOTING);
	tell(&b, 1, "turn", "turn", "transfer");
	g_assert_cmpint(rescue_station_phone(b.station, 0)->stage, ==, RESCUE_STAGE_ARRIVED);
	tell(&b, 1, "operator", "instruction", "Enter the passcode.");
	assert_slot(&b, 1, RESCUE_SLOT_NEEDS_OPERATOR);
	g_assert_cmpstr(rescue_station_phone(b.station, 0)->why, ==, "Enter the passcode.");
	tell(&b, 1, "step", "phase", "filesystem");
	assert_slot(&b, 1, RESCUE_SLOT_RUNNING);
	done(&b, 1, "restored");
	assert_slot(&b, 1, RESCUE_SLOT_PASSED);
	unplug(&b, 1);
	assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
	assert_reports(&b, 0);
}

static void
test_each_end_of_a_job_has_its_state(void)
{
	static const struct {
		const char *outcome;
		RescueSlotState state;
	} ends[] = {
		{ "restored", RESCUE_SLOT_PASSED },
		{ "restored-unconfirmed", RESCUE_SLOT_NEEDS_OPERATOR },
		{ "needs-operator", RESCUE_SLOT_NEEDS_OPERATOR },
		{ "gave-up", RESCUE_SLOT_FAILED },
		{ "cancelled", RESCUE_SLOT_PARKED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_auto(Bench) b = bench_with(stock);
		plug(&b, 1, 1);
		start(&b, 1);
		done(&b, 1, ends[i].outcome);
		assert_slot(&b, 1, ends[i].state);
		assert_reports(&b, 0);
	}
}

static void
test_a_job_follows_its_phone_to_another_port(void)
{
	g_auto(Bench) b = bench_with(stock);

	plug(&b, 1, 1);
	start(&b, 1);
	unplug(&b, 1);
	assert_slot(&b, 1, RESCUE_SLOT_RUNNING); /* it restarts, or somebody moves it */
	see(&b, 1, 2, RESCUE_MODE_RECOVERY);
	assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
	assert_slot(&b, 2, RESCUE_SLOT_RUNNING);
	done(&b, 1, "restored");
	assert_slot(&b, 2, RESCUE_SLOT_PASSED);
	plug(&b, 2, 3);
	unplug(&b, 2);
	assert_slot(&b, 3, RESCUE_SLOT_EMPTY);
	plug(&b, 2, 1);
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED); /* it has kept its job */
	assert_reports(&b, 0);
}

static void
test_a_phone_that_passed_is_not_restored_again(void)
{
	g_auto(Bench) b = bench_with(stock);

	pass(&b, 1, 1);
	plug(&b, 1, 1);
	assert_slot(&b, 1, RESCUE_SLOT_PASSED);
	plug(&b, 1, 2);
	assert_slot(&b, 2, RESCUE_SLOT_PASSED);
	g_assert_true(rescue_station_retest(b.station, "A2", ++b.now_us, NULL));
	assert_slot(&b, 2, RESCUE_SLOT_QUEUED);
	g_assert_null(rescue_station_phone(b.station, 1)->job);
}

static void
test_another_phone_may_take_a_running_ones_place(void)
{
	g_auto(Bench) b = bench_with(stock);

	plug(&b, 1, 1);
	start(&b, 1);
	plug(&b, 2, 1); /* the news that phone 1 left was lost */
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	g_assert_cmpuint(rescue_station_phone(b.station, 0)->device->ecid, ==, 2);
	g_assert_cmpint(rescue_station_find(b.station, 1)->state, ==, RESCUE_SLOT_RUNNING);
	plug(&b, 1, 2);
	assert_slot(&b, 2, RESCUE_SLOT_RUNNING);
}

static void
test_what_is_learned_late_revokes_a_job_that_has_not_begun(void)
{
	g_auto(Bench) b = bench_with(stock);

	plug(&b, 1, 1);
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	see_owned(&b, 1, 1, RESCUE_ANSWER_ON);
	assert_slot(&b, 1, RESCUE_SLOT_NEEDS_OPERATOR);
	g_assert_cmpint(rescue_station_phone(b.station, 0)->behavior, ==, RESCUE_BEHAVIOR_UNSAID);
	see_owned(&b, 1, 1, RESCUE_ANSWER_OFF);
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	rescue_station_set_rules(b.station, NULL, ++b.now_us);
	assert_slot(&b, 1, RESCUE_SLOT_IDENTIFIED);
	rescue_station_set_rules(b.station, b.rules, ++b.now_us);
	start(&b, 1);
	see_owned(&b, 1, 1, RESCUE_ANSWER_ON);
	assert_slot(&b, 1, RESCUE_SLOT_RUNNING);
}

static void
test_a_phone_without_an_ecid_waits_for_it(void)
{
	g_auto(Bench) b = bench_with(stock);
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->mode = RESCUE_MODE_NORMAL;
	device->udid = g_strdup("0123456789abcdef0123456789abcdef01234567");
	device->place.port = g_strdup("1-1");
	rescue_station_see(b.station, device, ++b.now_us);
	assert_slot(&b, 1, RESCUE_SLOT_IDENTIFIED);
	device->ecid = 9;
	rescue_station_see(b.station, device, ++b.now_us);
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	g_assert_cmpuint(rescue_station_tickets(b.station)->len, ==, 1);
}

static void
test_a_lost_process_is_replaced_a_few_times(void)
{
	g_auto(Bench) b = bench_with(stock);

	plug(&b, 1, 1);
	for (unsigned i = 1; i < RESCUE_STATION_LOSSES; i++) {
		start(&b, 1);
		rescue_station_job_ended(b.station, 1, ++b.now_us);
		assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	}
	start(&b, 1);
	rescue_station_job_ended(b.station, 1, ++b.now_us);
	assert_slot(&b, 1, RESCUE_SLOT_FAILED);
	assert_reports(&b, 0);
}

static void
test_ports_outside_the_line_are_left_alone(void)
{
	g_auto(Bench) b = bench_with(stock);

	plug(&b, 1, 9);
	g_assert_cmpuint(rescue_station_tickets(b.station)->len, ==, 0);
	plug(&b, 1, 1);
	plug(&b, 1, 9);
	assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
}

static void
assert_refused(bool ok, GError **error, const char *reason)
{
	g_assert_false(ok);
	g_assert_error(*error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT);
	g_test_message("%s", (*error)->message);
	g_assert_nonnull(strstr((*error)->message, reason));
	g_clear_error(error);
}

static void
test_operators_hold_and_release(void)
{
	g_auto(Bench) b = bench_with(stock);
	GError *error = NULL;

	g_assert_true(rescue_station_hold(b.station, "A1", 1, NULL));
	assert_slot(&b, 1, RESCUE_SLOT_PARKED);
	plug(&b, 1, 1);
	assert_slot(&b, 1, RESCUE_SLOT_PARKED);
	g_assert_true(rescue_station_release(b.station, "A1", 2, NULL));
	assert_slot(&b, 1, RESCUE_SLOT_QUEUED);
	g_assert_true(rescue_station_hold(b.station, "A1", 3, NULL));
	assert_slot(&b, 1, RESCUE_SLOT_PARKED);
	g_assert_true(rescue_station_release(b.station, "A1", 4, NULL));
	start(&b, 1);
	assert_refused(rescue_station_hold(b.station, "A1", 5, &error), &error, "not interrupted");
	assert_refused(rescue_station_release(b.station, "A1", 5, &error), &error, "its job runs");
	assert_refused(rescue_station_release(b.station, "A2", 6, &error), &error,
		       "nothing is held");
	assert_refused(rescue_station_hold(b.station, "Z9", 7, &error), &error, "Z9");
	assert_refused(rescue_station_retest(b.station, "A2", 8, &error), &error,
		       "nothing to test");
	assert_reports(&b, 0);
}

static void
test_a_scan_binds_to_the_phone_or_the_next_one(void)
{
	g_auto(Bench) b = bench_with(stock);
	GError *error = NULL;

	g_assert_true(rescue_station_scan(b.station, "A4", "ORDER-17", 1, NULL));
	plug(&b, 1, 4);
	assert_slot(&b, 4, RESCUE_SLOT_QUEUED);
	g_assert_cmpstr(rescue_station_phone(b.station, 3)->scan, ==, "ORDER-17");
	unplug(&b, 1);
	plug(&b, 2, 4);
	assert_slot(&b, 4, RESCUE_SLOT_PARKED); /* by the rule: nobody scanned it */
	assert_refused(rescue_station_scan(b.station, "A4", "two\nlines", 2, &error), &error,
		       "scan it");
	assert_refused(rescue_station_scan(b.station, "A4", "", 2, &error), &error, "scan it");
}

static void
test_a_bad_port_is_taken_out_of_use_and_tested_again(void)
{
	g_auto(Bench) b = bench_with(stock);
	RescueEcid ecid = 100;

	for (unsigned i = 0; i < 4; i++) {
		pass(&b, ecid++, 2);
		pass(&b, ecid++, 3);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
		plug(&b, ++ecid, 1);
		fail(&b, ecid);
		unplug(&b, ecid);
	}
	assert_slot(&b, 1, RESCUE_SLOT_QUARANTINED);
	assert_reports(&b, 3); /* it was named twice, then condemned */
	plug(&b, 500, 1);
	assert_slot(&b, 1, RESCUE_SLOT_QUARANTINED);
	g_assert_nonnull(strstr(rescue_station_phone(b.station, 0)->why, "another one"));
	plug(&b, 500, 2);
	assert_slot(&b, 1, RESCUE_SLOT_QUARANTINED);
	assert_slot(&b, 2, RESCUE_SLOT_QUEUED);
	g_assert_true(rescue_station_retest(b.station, "A1", ++b.now_us, NULL));
	assert_slot(&b, 1, RESCUE_SLOT_EMPTY);
}

static void
test_a_failed_phone_tries_other_ports_until_it_is_blamed(void)
{
	g_auto(Bench) b = bench_with(stock);
	RescueEcid ecid = 100;

	for (unsigned i = 0; i < 12; i++)
		pass(&b, ecid++, 1 + i % 3);
	plug(&b, 1, 1);
	fail(&b, 1);
	assert_slot(&b, 1, RESCUE_SLOT_FAILED);
	g_assert_nonnull(strstr(rescue_station_phone(b.station, 0)->why, "another one"));
	plug(&b, 1, 2);
	assert_slot(&b, 2, RESCUE_SLOT_QUEUED);
	fail(&b, 1);
	g_assert_nonnull(strstr(rescue_station_phone(b.station, 1)->why, "phone itself"));
	plug(&b, 1, 3);
	assert_slot(&b, 3, RESCUE_SLOT_FAILED);
}

static void
test_phones_that_left_are_forgotten_in_time(void)
{
	g_auto(Bench) b = bench_with(stock);
	int64_t later_us;

	pass(&b, 1, 1);
	plug(&b, 2, 2);
	start(&b, 2);
	unplug(&b, 2);
	later_us = b.now_us + b.layout->limits.remember_ms * 1000;
	rescue_station_forget(b.station, b.now_us);
	g_assert_nonnull(rescue_station_find(b.station, 1));
	rescue_station_forget(b.station, later_us);
	g_assert_null(rescue_station_find(b.station, 1));
	g_assert_nonnull(rescue_station_find(b.station, 2)); /* its job runs */
}

static void
test_what_cannot_be_is_reported(void)
{
	g_auto(Bench) b = bench_with(stock);
	g_autoptr(RescueJson) nothing = rescue_json_object_new();

	tell(&b, 7, "step", "phase", "filesystem");
	rescue_station_job_event(b.station, nothing, 1);
	plug(&b, 1, 1);
	start(&b, 1);
	start(&b, 1);
	tell(&b, 1, "done", "outcome", "dry-run");
	tell(&b, 1, "step", "phase", "breakfast");
	done(&b, 1, "restored");
	tell(&b, 1, "step", "phase", "filesystem");
	assert_slot(&b, 1, RESCUE_SLOT_PASSED);
	assert_reports(&b, 5);
}

static void
do_anything(Bench *b, GRand *random)
{
	static const char *const labels[] = { "A1", "A2", "A3", "A4", "Z9" };
	static const char *const outcomes[] = { "restored", "gave-up", "cancelled",
						"needs-operator" };
	RescueEcid ecid = (RescueEcid)g_rand_int_range(random, 0, 7);
	const char *label = labels[g_rand_int_range(random, 0, 5)];

	switch (g_rand_int_range(random, 0, 12)) {
	case 0:
	case 1:
		plug(b, ecid, (unsigned)g_rand_int_range(random, 1, 6));
		break;
	case 2:
		unplug(b, ecid);
		break;
	case 3:
	case 4:
		start(b, ecid);
		break;
	case 5:
		tell(b, ecid, "failure", "failure", "usb-link-dropped");
		break;
	case 6:
		tell(b, ecid, "done", "outcome", outcomes[g_rand_int_range(random, 0, 4)]);
		break;
	case 7:
		rescue_station_job_ended(b->station, ecid, ++b->now_us);
		break;
	case 8:
		(void)rescue_station_hold(b->station, label, ++b->now_us, NULL);
		break;
	case 9:
		(void)rescue_station_release(b->station, label, ++b->now_us, NULL);
		break;
	case 10:
		(void)rescue_station_retest(b->station, label, ++b->now_us, NULL);
		break;
	default:
		see_owned(b, ecid, (unsigned)g_rand_int_range(random, 1, 6),
			  g_rand_int_range(random, 0, RESCUE_ANSWER_LAST));
	}
}

/* one phone is shown by one slot at most, a job runs only where a rule gave one, and each waiting phone has a reason */
static void
assert_sane(const Bench *b)
{
	const GPtrArray *tickets = rescue_station_tickets(b->station);
	unsigned shown = 0;

	for (unsigned i = 0; i < PORTS; i++)
		shown += rescue_station_phone(b->station, i) != NULL;
	g_assert_cmpuint(shown, <=, tickets->len);
	for (unsigned i = 0; i < tickets->len; i++) {
		const RescueTicket *ticket = g_ptr_array_index(tickets, i);
		bool has_job = ticket->state == RESCUE_SLOT_QUEUED ||
			       ticket->state == RESCUE_SLOT_RUNNING;
		g_assert_true(!has_job || ticket->behavior == RESCUE_BEHAVIOR_ERASE);
		g_assert_true(!ticket->alive || has_job ||
			      ticket->state == RESCUE_SLOT_NEEDS_OPERATOR);
		g_assert_cmpint(ticket->state, !=, RESCUE_SLOT_EMPTY);
	}
}

static void
test_anything_may_happen_in_any_order(void)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		g_auto(Bench) b = bench_with(stock);
		g_autoptr(GRand) random = g_rand_new_with_seed(seed);
		for (unsigned i = 0; i < 500; i++) {
			do_anything(&b, random);
			assert_sane(&b);
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line/slot/table", test_each_move_of_the_table);
	g_test_add_func("/line/station/passed", test_a_phone_goes_from_empty_to_passed);
	g_test_add_func("/line/station/ends", test_each_end_of_a_job_has_its_state);
	g_test_add_func("/line/station/moved", test_a_job_follows_its_phone_to_another_port);
	g_test_add_func("/line/station/once", test_a_phone_that_passed_is_not_restored_again);
	g_test_add_func("/line/station/place-taken",
			test_another_phone_may_take_a_running_ones_place);
	g_test_add_func("/line/station/learned",
			test_what_is_learned_late_revokes_a_job_that_has_not_begun);
	g_test_add_func("/line/station/no-ecid", test_a_phone_without_an_ecid_waits_for_it);
	g_test_add_func("/line/station/lost", test_a_lost_process_is_replaced_a_few_times);
	g_test_add_func("/line/station/elsewhere", test_ports_outside_the_line_are_left_alone);
	g_test_add_func("/line/station/hold", test_operators_hold_and_release);
	g_test_add_func("/line/station/scan", test_a_scan_binds_to_the_phone_or_the_next_one);
	g_test_add_func("/line/station/bad-port",
			test_a_bad_port_is_taken_out_of_use_and_tested_again);
	g_test_add_func("/line/station/blamed",
			test_a_failed_phone_tries_other_ports_until_it_is_blamed);
	g_test_add_func("/line/station/forgotten", test_phones_that_left_are_forgotten_in_time);
	g_test_add_func("/line/station/impossible", test_what_cannot_be_is_reported);
	g_test_add_func("/line/station/anything", test_anything_may_happen_in_any_order);
	return g_test_run();
}
