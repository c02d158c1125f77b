/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/remedy/experience.h"
#include "core/remedy/remedy.h"

#define MANY 1000

typedef struct {
	RescueFacts facts;
	RescueBudget budget;
	RescuePolicy *policy;
	GArray *tried;
} Job;

static Job
job_in(RescueFailure failure, RescuePhase phase, RescueMode mode)
{
	return (Job){
		.facts = { .failure = failure, .phase = phase, .mode = mode, .unattended = true },
		.budget = { .attempts = MANY, .ms = G_MAXINT64 },
		.policy = rescue_policy_new_standard(),
		.tried = g_array_new(FALSE, FALSE, sizeof(RescueTried)),
	};
}

static void
job_clear(Job *job)
{
	rescue_policy_free(job->policy);
	g_array_unref(job->tried);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

/* the job does what the plan says, and it fails in the same way again */
static RescuePlan
go_on(Job *job, bool took_effect)
{
	RescuePlan plan = rescue_plan_next(&job->facts, &job->budget, job->policy, job->tried);
	RescueTried tried = { job->facts.failure, job->facts.phase, plan.remedy, took_effect };
	g_array_append_val(job->tried, tried);
	return plan;
}

static void
assert_next(Job *job, RescueRemedy remedy)
{
	g_assert_cmpstr(rescue_remedy_info(go_on(job, true).remedy)->name, ==,
			rescue_remedy_info(remedy)->name);
}

static void
test_a_dropped_cable_is_waited_for_then_recovery_then_another_port(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_LINK_DROPPED, RESCUE_PHASE_FILESYSTEM,
				 RESCUE_MODE_ABSENT);
	assert_next(&job, RESCUE_REMEDY_WAIT_DEVICE);
	job.facts.mode = RESCUE_MODE_RECOVERY;
	assert_next(&job, RESCUE_REMEDY_REENTER_RECOVERY);
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_OTHER_PORT);
	g_assert_true(plan.needs_operator);
}

static void
test_a_signing_outage_is_waited_out_with_growing_pauses(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_SIGNING_UNREACHABLE, RESCUE_PHASE_PERSONALIZE,
				 RESCUE_MODE_RECOVERY);
	int last_ms = 0;
	for (int i = 0; i < 8; i++) {
		RescuePlan plan = go_on(&job, true);
		g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_PAUSE);
		g_assert_cmpint(plan.pause_ms, >=, last_ms);
		g_assert_cmpint(plan.pause_ms, <=, job.policy->pause_max_ms);
		last_ms = plan.pause_ms;
	}
	g_assert_cmpint(last_ms, ==, job.policy->pause_max_ms);
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_CHECK_NETWORK);
	g_assert_true(plan.needs_operator);
}

static void
test_a_refused_signature_is_for_a_person_at_once(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_PHASE_PERSONALIZE,
				 RESCUE_MODE_RECOVERY);
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_LATEST_SIGNED);
	g_assert_true(plan.needs_operator);
}

static void
test_a_silent_restore_service_is_rebooted_then_forced(void)
{
	g_auto(Job)
	    job = job_in(RESCUE_FAILURE_RESTORED_SILENT, RESCUE_PHASE_NOR, RESCUE_MODE_RESTORE);
	assert_next(&job, RESCUE_REMEDY_REBOOT_DEVICE);
	assert_next(&job, RESCUE_REMEDY_PAUSE);
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_FORCE_RESTART);
	g_assert_true(plan.needs_operator);
}

static void
test_the_same_failure_in_another_step_starts_its_ladder_again(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_LINK_DROPPED, RESCUE_PHASE_SEND_BOOTLOADER,
				 RESCUE_MODE_RECOVERY);
	assert_next(&job, RESCUE_REMEDY_REENTER_RECOVERY);
	job.facts.phase = RESCUE_PHASE_FILESYSTEM;
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_REENTER_RECOVERY);
	g_assert_cmpint(plan.pause_ms, >, 0); /* the same twice in a row: not without a pause */
}

static void
test_a_remedy_without_effect_is_no_change_but_not_repeated(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_DEVICE_VANISHED, RESCUE_PHASE_FILESYSTEM,
				 RESCUE_MODE_ABSENT);
	g_assert_cmpint(go_on(&job, false).remedy, ==, RESCUE_REMEDY_WAIT_DEVICE);
	g_assert_cmpint(go_on(&job, false).remedy, ==, RESCUE_REMEDY_FORCE_RESTART);
}

static void
test_a_spent_budget_ends_the_job(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_LINK_DROPPED, RESCUE_PHASE_FILESYSTEM,
				 RESCUE_MODE_RECOVERY);
	job.budget.attempts = 0;
	RescuePlan plan = go_on(&job, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_GIVE_UP);
	g_assert_false(plan.needs_operator);
	job.budget = (RescueBudget){ .attempts = 1, .ms = 0 };
	g_assert_cmpint(go_on(&job, true).remedy, ==, RESCUE_REMEDY_GIVE_UP);
	g_auto(Job) pause = job_in(RESCUE_FAILURE_SIGNING_UNREACHABLE, RESCUE_PHASE_PERSONALIZE,
				   RESCUE_MODE_RECOVERY);
	pause.budget.ms = 1000; /* the pause would outlast the deadline */
	g_assert_cmpint(go_on(&pause, true).remedy, ==, RESCUE_REMEDY_GIVE_UP);
}

static void
test_what_no_retry_helps_gives_up_and_names_a_person_only_for_the_device(void)
{
	g_auto(Job)
	    engine = job_in(RESCUE_FAILURE_NO_ENGINE, RESCUE_PHASE_PREFLIGHT, RESCUE_MODE_RECOVERY);
	g_assert_cmpint(go_on(&engine, true).remedy, ==, RESCUE_REMEDY_GIVE_UP);
	g_auto(Job)
	    boot = job_in(RESCUE_FAILURE_BOOT_NOT_SEEN, RESCUE_PHASE_CONFIRM, RESCUE_MODE_ABSENT);
	RescuePlan plan = go_on(&boot, true);
	g_assert_cmpint(plan.remedy, ==, RESCUE_REMEDY_LOOK_AT_SCREEN);
	g_assert_true(plan.needs_operator);
}

static void
assert_ends_without_senseless_repetition(RescueFailure failure, RescuePhase phase, RescueMode mode,
					 bool took_effect)
{
	g_auto(Job) job = job_in(failure, phase, mode);
	RescueRemedy last = RESCUE_REMEDY_LAST;
	for (int steps = 0;; steps++) {
		g_assert_cmpint(steps, <, 32);
		RescuePlan plan = go_on(&job, took_effect);
		if (plan.remedy == RESCUE_REMEDY_GIVE_UP) {
			g_assert_false(plan.needs_operator);
			return;
		}
		g_assert_true(plan.needs_operator != rescue_remedy_info(plan.remedy)->automatic);
		g_assert_true(plan.remedy != last || plan.pause_ms > 0);
		last = plan.remedy;
	}
}

static void
test_every_failure_ends_in_every_mode(void)
{
	for (int failure = RESCUE_FAILURE_NONE + 1; failure < RESCUE_FAILURE_LAST; failure++) {
		for (int mode = 0; mode < RESCUE_MODE_LAST; mode++) {
			for (int effect = 0; effect < 2; effect++)
				assert_ends_without_senseless_repetition((RescueFailure)failure,
									 RESCUE_PHASE_FILESYSTEM,
									 (RescueMode)mode,
									 effect != 0);
		}
	}
}

static void
test_a_retryable_failure_is_retried_in_every_mode_of_an_attached_device(void)
{
	static const RescueMode attached[] = { RESCUE_MODE_RECOVERY, RESCUE_MODE_DFU,
					       RESCUE_MODE_RESTORE, RESCUE_MODE_NORMAL };
	for (int failure = RESCUE_FAILURE_NONE + 1; failure < RESCUE_FAILURE_LAST; failure++) {
		if (rescue_failure_info((RescueFailure)failure)->retry != RESCUE_RETRY_YES)
			continue;
		for (size_t i = 0; i < G_N_ELEMENTS(attached); i++) {
			g_auto(Job) job = job_in((RescueFailure)failure, RESCUE_PHASE_FILESYSTEM,
						 attached[i]);
			g_assert_false(go_on(&job, true).needs_operator);
		}
	}
}

static void
test_a_remedy_waits_for_what_it_needs(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_DEVICE_VANISHED, RESCUE_PHASE_FILESYSTEM,
				 RESCUE_MODE_ABSENT);
	assert_next(&job, RESCUE_REMEDY_WAIT_DEVICE);
	assert_next(&job, RESCUE_REMEDY_FORCE_RESTART);
	g_auto(Job) other = job_in(RESCUE_FAILURE_DEVICE_VANISHED, RESCUE_PHASE_FILESYSTEM,
				   RESCUE_MODE_ABSENT);
	other.facts.has = 1u << RESCUE_GIVEN_SWITCH;
	assert_next(&other, RESCUE_REMEDY_WAIT_DEVICE);
	assert_next(&other, RESCUE_REMEDY_POWER_CYCLE);
	assert_next(&other, RESCUE_REMEDY_FORCE_RESTART);
}

/* a device that begins anew twice in vain is left alone; then the computer changes, before any person is asked */
static void
test_after_two_new_beginnings_the_computer_changes(void)
{
	g_auto(Job)
	    job = job_in(RESCUE_FAILURE_USB_TRANSFER, RESCUE_PHASE_FILESYSTEM, RESCUE_MODE_ABSENT);
	job.facts.has = 1u << RESCUE_GIVEN_SWITCH | 1u << RESCUE_GIVEN_SUSPEND;
	assert_next(&job, RESCUE_REMEDY_WAIT_DEVICE);
	job.facts.mode = RESCUE_MODE_RECOVERY;
	assert_next(&job, RESCUE_REMEDY_REENTER_RECOVERY);
	job.facts.mode = RESCUE_MODE_RESTORE; /* there is a rung for that mode, too */
	assert_next(&job, RESCUE_REMEDY_AUTOSUSPEND_OFF);
	assert_next(&job, RESCUE_REMEDY_POWER_CYCLE);
	assert_next(&job, RESCUE_REMEDY_OTHER_PORT);
}

static void
test_what_the_policy_forbids_is_passed_over(void)
{
	static const char *const never[] = { "reenter-recovery", NULL };
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_TRANSFER, RESCUE_PHASE_SEND_BOOTLOADER,
				 RESCUE_MODE_RECOVERY);
	job.policy->never = g_strdupv((char **)never);
	assert_next(&job, RESCUE_REMEDY_PAUSE);
}

static void
test_an_unsigned_build_gives_way_only_by_consent(void)
{
	g_auto(Job) job = job_in(RESCUE_FAILURE_SIGNING_REFUSED, RESCUE_PHASE_PERSONALIZE,
				 RESCUE_MODE_RECOVERY);
	job.facts.has = 1u << RESCUE_GIVEN_CONSENT_LATEST;
	assert_next(&job, RESCUE_REMEDY_USE_LATEST);
	g_assert_true(go_on(&job, true).needs_operator);
}

/* whatever risks data stands behind a consent */
static void
test_nothing_automatic_risks_data_without_consent(void)
{
	for (int i = 0; i < RESCUE_REMEDY_LAST; i++) {
		const RescueRemedyInfo *info = rescue_remedy_info((RescueRemedy)i);
		if (info->automatic && info->risks_data)
			g_assert_cmpint(info->needs, ==, RESCUE_GIVEN_CONSENT_ERASE);
	}
}

static RescueRemedy
first_with(unsigned usual_tried, unsigned usual_helped, unsigned other_tried, unsigned other_helped)
{
	const RescueExperience known[] = {
		{ RESCUE_REMEDY_REENTER_RECOVERY, usual_tried, usual_helped },
		{ RESCUE_REMEDY_PAUSE, other_tried, other_helped },
	};
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_TRANSFER, RESCUE_PHASE_SEND_BOOTLOADER,
				 RESCUE_MODE_RECOVERY);
	g_autoptr(GArray) experience = g_array_new(FALSE, FALSE, sizeof(RescueExperience));
	g_array_append_vals(experience, known, G_N_ELEMENTS(known));
	job.facts.experience = experience;
	return go_on(&job, true).remedy;
}

static void
test_what_helped_goes_first_when_there_is_enough_of_it(void)
{
	g_assert_cmpint(first_with(8, 0, 8, 8), ==, RESCUE_REMEDY_PAUSE);
	g_assert_cmpint(first_with(8, 3, 8, 8), ==, RESCUE_REMEDY_PAUSE);
	g_assert_cmpint(first_with(100, 20, 100, 50), ==, RESCUE_REMEDY_PAUSE);
	/* too few, too close, or only one of the two known */
	g_assert_cmpint(first_with(7, 0, 7, 7), ==, RESCUE_REMEDY_REENTER_RECOVERY);
	g_assert_cmpint(first_with(8, 4, 8, 8), ==, RESCUE_REMEDY_REENTER_RECOVERY);
	g_assert_cmpint(first_with(0, 0, 50, 50), ==, RESCUE_REMEDY_REENTER_RECOVERY);
	g_assert_cmpint(first_with(20, 8, 20, 12), ==, RESCUE_REMEDY_REENTER_RECOVERY);
}

/* whatever is known, a person is the last resort, and what does not fit the device's mode stays out */
static void
test_experience_moves_nothing_across_those_borders(void)
{
	const RescueExperience known[] = {
		{ RESCUE_REMEDY_WAIT_DEVICE, 100, 0 },
		{ RESCUE_REMEDY_FORCE_RESTART, 100, 100 },
		{ RESCUE_REMEDY_REENTER_RECOVERY, 100, 100 },
	};
	g_auto(Job) job = job_in(RESCUE_FAILURE_USB_TRANSFER, RESCUE_PHASE_SEND_BOOTLOADER,
				 RESCUE_MODE_ABSENT);
	g_autoptr(GArray) experience = g_array_new(FALSE, FALSE, sizeof(RescueExperience));
	g_array_append_vals(experience, known, G_N_ELEMENTS(known));
	job.facts.experience = experience;
	assert_next(&job, RESCUE_REMEDY_WAIT_DEVICE);
}

static void
test_the_narrowest_scope_with_enough_is_taken(void)
{
	const unsigned tried[] = { 3, 8, 40, 90 }, helped[] = { 3, 2, 30, 80 };
	RescueExperience known = { RESCUE_REMEDY_PAUSE, 0, 0 };

	g_assert_true(rescue_experience_narrow(tried, helped, G_N_ELEMENTS(tried), &known));
	g_assert_cmpuint(known.tried, ==, 8);
	g_assert_cmpuint(known.helped, ==, 2);
	g_assert_false(rescue_experience_narrow(tried, helped, 1, &known));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/dropped-cable",
			test_a_dropped_cable_is_waited_for_then_recovery_then_another_port);
	g_test_add_func("/plan/signing-outage",
			test_a_signing_outage_is_waited_out_with_growing_pauses);
	g_test_add_func("/plan/refused", test_a_refused_signature_is_for_a_person_at_once);
	g_test_add_func("/plan/silent", test_a_silent_restore_service_is_rebooted_then_forced);
	g_test_add_func("/plan/other-step",
			test_the_same_failure_in_another_step_starts_its_ladder_again);
	g_test_add_func("/plan/needs", test_a_remedy_waits_for_what_it_needs);
	g_test_add_func("/plan/escalation", test_after_two_new_beginnings_the_computer_changes);
	g_test_add_func("/plan/never", test_what_the_policy_forbids_is_passed_over);
	g_test_add_func("/plan/consent", test_an_unsigned_build_gives_way_only_by_consent);
	g_test_add_func("/plan/risk", test_nothing_automatic_risks_data_without_consent);
	g_test_add_func("/plan/experience/order",
			test_what_helped_goes_first_when_there_is_enough_of_it);
	g_test_add_func("/plan/experience/borders",
			test_experience_moves_nothing_across_those_borders);
	g_test_add_func("/plan/experience/scope", test_the_narrowest_scope_with_enough_is_taken);
	g_test_add_func("/plan/no-effect",
			test_a_remedy_without_effect_is_no_change_but_not_repeated);
	g_test_add_func("/plan/budget", test_a_spent_budget_ends_the_job);
	g_test_add_func("/plan/no-retry",
			test_what_no_retry_helps_gives_up_and_names_a_person_only_for_the_device);
	g_test_add_func("/plan/exhaustive", test_every_failure_ends_in_every_mode);
	g_test_add_func("/plan/retryable",
			test_a_retryable_failure_is_retried_in_every_mode_of_an_attached_device);
	return g_test_run();
}
