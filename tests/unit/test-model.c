/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/model/build.h"
#include "core/model/event.h"
#include "core/model/job.h"
#include "core/model/mode.h"
#include "core/model/observation.h"
#include "core/port/ports.h"

static void
test_words_of_the_contract_are_read_back(void)
{
	for (int i = 0; i < RESCUE_PHASE_LAST; i++) {
		RescuePhase phase;
		g_assert_true(rescue_phase_parse(rescue_phase_name((RescuePhase)i), &phase));
		g_assert_cmpint(phase, ==, i);
		g_assert_cmpint(rescue_phase_patience_ms(phase), >=, 10000);
	}
	for (int i = 0; i < RESCUE_MODE_LAST; i++) {
		RescueMode mode;
		g_assert_true(rescue_mode_parse(rescue_mode_name((RescueMode)i), &mode));
		g_assert_cmpint(mode, ==, i);
	}
	RescuePhase phase;
	g_assert_false(rescue_phase_parse("breakfast", &phase));
	g_assert_true(rescue_phase_is_guarded(RESCUE_PHASE_NOR));
	g_assert_false(rescue_phase_is_guarded(RESCUE_PHASE_FILESYSTEM));
	g_assert_cmpstr(rescue_phase_name((RescuePhase)99), ==, "unknown");
}

static void
add_identity(RescueFirmware *firmware, const char *variant, RescueBehavior behavior)
{
	RescueIdentity *identity = g_new0(RescueIdentity, 1);
	identity->chip_id = 0x8015;
	identity->board_id = 6;
	identity->variant = g_strdup(variant);
	identity->behavior = behavior;
	g_ptr_array_add(firmware->identities, identity);
}

static void
test_the_customer_identity_is_chosen_and_research_never(void)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	add_identity(firmware, "Research Customer Erase Install (IPSW)", RESCUE_BEHAVIOR_ERASE);
	g_assert_null(rescue_firmware_find_identity(firmware, 0x8015, 6, RESCUE_BEHAVIOR_ERASE));
	add_identity(firmware, "Internal Erase Install (IPSW)", RESCUE_BEHAVIOR_ERASE);
	add_identity(firmware, "Customer Erase Install (IPSW)", RESCUE_BEHAVIOR_ERASE);
	add_identity(firmware, "Customer Upgrade Install (IPSW)", RESCUE_BEHAVIOR_UPDATE);
	const RescueIdentity *erase = rescue_firmware_find_identity(firmware, 0x8015, 6,
								    RESCUE_BEHAVIOR_ERASE);
	const RescueIdentity *update = rescue_firmware_find_identity(firmware, 0x8015, 6,
								     RESCUE_BEHAVIOR_UPDATE);
	g_assert_cmpstr(erase->variant, ==, "Customer Erase Install (IPSW)");
	g_assert_cmpstr(update->variant, ==, "Customer Upgrade Install (IPSW)");
	g_assert_null(rescue_firmware_find_identity(firmware, 0x8015, 14, RESCUE_BEHAVIOR_ERASE));
	g_assert_null(rescue_firmware_find_identity(firmware, 0x8030, 6, RESCUE_BEHAVIOR_ERASE));
}

static void
test_a_job_consents_to_nothing_by_itself(void)
{
	g_autoptr(RescueJob) job = rescue_job_new();
	g_assert_cmpint(job->behavior, ==, RESCUE_BEHAVIOR_UNSAID);
	g_assert_false(job->policy->may_erase);
	g_assert_false(job->policy->may_update);
	g_assert_cmpuint(job->policy->attempts, ==, 5);
	g_assert_cmpint(job->policy->patience_ms[RESCUE_PHASE_NOR], ==, 600000);
	g_autoptr(RescuePolicy) copy = rescue_policy_copy(job->policy);
	g_assert_cmpstr(copy->name, ==, "standard");
	g_autofree char *id = rescue_job_make_id(G_GINT64_CONSTANT(1795341840123456), 0x1a2b);
	g_assert_cmpstr(id, ==, "20261122T100400-00001a2b");
}

static void
test_an_event_is_stamped_in_front_of_its_body(void)
{
	g_autoptr(RescueJson) body = rescue_event_step(RESCUE_PHASE_FILESYSTEM, true);
	g_autoptr(RescueJson)
	    event = rescue_event_stamp(body, 3, G_GINT64_CONSTANT(1795341840123456), "j", 0x1A);
	g_autofree char *text = rescue_json_dump(event);
	g_assert_cmpstr(text, ==,
			"{\"v\":1,\"seq\":3,\"ts\":\"2026-11-22T10:04:00.123Z\",\"job\":\"j\","
			"\"ecid\":\"0x000000000000001A\",\"event\":\"step\",\"phase\":"
			"\"filesystem\",\"state\":\"begin\"}");
}

static void
test_an_event_leaves_out_what_is_not_known(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	device->mode = RESCUE_MODE_DFU;
	g_autoptr(RescueJson) seen = rescue_event_device(device);
	g_autoptr(RescueJson) progress = rescue_event_progress(RESCUE_PHASE_NOR, 0.5, 0, 0);
	g_autoptr(RescueJson) attempt = rescue_event_attempt(2, "1.0.0", NULL);
	g_autoptr(RescueJson) ask = rescue_event_operator("unlock it", 1500);
	g_autofree char *seen_text = rescue_json_dump(seen);
	g_autofree char *progress_text = rescue_json_dump(progress);
	g_autofree char *attempt_text = rescue_json_dump(attempt);
	g_autofree char *ask_text = rescue_json_dump(ask);
	g_assert_cmpstr(seen_text, ==, "{\"event\":\"device\",\"mode\":\"dfu\"}");
	g_assert_cmpstr(progress_text, ==,
			"{\"event\":\"progress\",\"phase\":\"nor\",\"fraction\":0.5}");
	g_assert_cmpstr(attempt_text, ==,
			"{\"event\":\"attempt\",\"number\":2,\"engine\":\"1.0.0\"}");
	g_assert_cmpstr(ask_text, ==,
			"{\"event\":\"operator\",\"instruction\":\"unlock it\",\"deadline\":2}");
}

static void
test_observations_own_what_they_carry(void)
{
	g_autoptr(RescueDevice) device = rescue_device_new();
	device->ecid = 7;
	g_autoptr(RescueObservation) sighting = rescue_observation_new_device(device);
	g_autoptr(RescueObservation) line = rescue_observation_new_line("DONE");
	g_assert_cmphex(sighting->device->ecid, ==, 7);
	g_assert_cmpstr(line->line, ==, "DONE");
	RescueEngineRun run = { .pid = 5,
				.version = g_strdup("1.0.0"),
				.transcript = g_strdup("/t") };
	rescue_engine_run_clear(&run);
	g_assert_cmpint(run.pid, ==, 0);
	rescue_engine_run_clear(&run);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/model/words", test_words_of_the_contract_are_read_back);
	g_test_add_func("/model/identity", test_the_customer_identity_is_chosen_and_research_never);
	g_test_add_func("/model/job", test_a_job_consents_to_nothing_by_itself);
	g_test_add_func("/model/stamp", test_an_event_is_stamped_in_front_of_its_body);
	g_test_add_func("/model/events", test_an_event_leaves_out_what_is_not_known);
	g_test_add_func("/model/observation", test_observations_own_what_they_carry);
	return g_test_run();
}
