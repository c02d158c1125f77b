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

static RescueIdentity *
add_identity(RescueFirmware *firmware, const char *word, const char *variant)
{
	RescueIdentity *identity = g_new0(RescueIdentity, 1);
	identity->chip_id = 0x8015;
	identity->board_id = 6;
	identity->board = g_strdup("d22ap");
	identity->variant = g_strdup(variant);
	identity->restore_behavior = rescue_behavior_of_word(word);
	identity->install = rescue_behavior_of_variant(variant);
	identity->ramdisk = g_strdup(identity->install == RESCUE_BEHAVIOR_UPDATE ? "update.dmg"
										 : "erase.dmg");
	g_ptr_array_add(firmware->identities, identity);
	return identity;
}

static const char *
choose(const RescueFirmware *firmware, RescueBehavior behavior, RescuePicking picking)
{
	const RescueIdentityWish wish = { .have_chip = true,
					  .chip_id = 0x8015,
					  .board_id = 6,
					  .behavior = behavior,
					  .picking = picking };
	const RescueIdentityWish by_name = { .board = "D22AP",
					     .behavior = behavior,
					     .picking = picking };
	const RescueIdentity *identity = rescue_firmware_choose(firmware, &wish);

	g_assert_true(identity == rescue_firmware_choose(firmware, &by_name));
	return identity != NULL ? identity->variant : NULL;
}

#define ERASE   RESCUE_BEHAVIOR_ERASE
#define UPDATE  RESCUE_BEHAVIOR_UPDATE
#define UNSAID  RESCUE_BEHAVIOR_UNSAID
#define WORD    RESCUE_PICKS_BY_BEHAVIOR
#define VARIANT RESCUE_PICKS_BY_VARIANT

static void
test_the_words_of_a_manifest_are_read(void)
{
	g_assert_cmpint(rescue_behavior_of_word("Erase"), ==, ERASE);
	g_assert_cmpint(rescue_behavior_of_word("update"), ==, UPDATE);
	g_assert_cmpint(rescue_behavior_of_word("Upgrade"), ==, UNSAID);
	g_assert_cmpint(rescue_behavior_of_word(NULL), ==, UNSAID);
	g_assert_cmpint(rescue_behavior_of_variant("Customer Erase Install (IPSW)"), ==, ERASE);
	g_assert_cmpint(rescue_behavior_of_variant("Customer Upgrade Install (IPSW)"), ==, UPDATE);
	g_assert_cmpint(rescue_behavior_of_variant("Erase and Upgrade"), ==, UNSAID);
	g_assert_cmpint(rescue_behavior_of_variant("Recovery"), ==, UNSAID);
	g_assert_cmpint(rescue_behavior_of_variant(NULL), ==, UNSAID);
}

/* every pair of words, and what each generation makes of it: an update only where the word it goes by says so */
static void
test_contradicting_words_serve_only_the_generation_that_hears_one(void)
{
	static const struct {
		RescueBehavior word, variant, by_word, by_variant;
	} cases[] = {
		{ ERASE, ERASE, ERASE, ERASE },     { ERASE, UPDATE, UNSAID, UPDATE },
		{ ERASE, UNSAID, ERASE, UNSAID },   { UPDATE, ERASE, UNSAID, UNSAID },
		{ UPDATE, UPDATE, UPDATE, UPDATE }, { UPDATE, UNSAID, UPDATE, UNSAID },
		{ UNSAID, ERASE, UNSAID, ERASE },   { UNSAID, UPDATE, UNSAID, UPDATE },
		{ UNSAID, UNSAID, UNSAID, UNSAID },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const RescueIdentity identity = { .restore_behavior = cases[i].word,
						  .install = cases[i].variant };
		g_assert_cmpint(rescue_identity_does(&identity, WORD), ==, cases[i].by_word);
		g_assert_cmpint(rescue_identity_does(&identity, VARIANT), ==, cases[i].by_variant);
	}
}

static void
test_the_identity_that_the_engine_takes_is_chosen_and_research_never(void)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	add_identity(firmware, "Erase", "Research Customer Erase Install (IPSW)");
	g_assert_null(choose(firmware, ERASE, WORD));
	g_assert_null(choose(firmware, ERASE, VARIANT));
	add_identity(firmware, "Erase", "Customer Erase Install (IPSW)");
	add_identity(firmware, "Erase", "Internal Erase Install (IPSW)");
	add_identity(firmware, "Update", "Customer Upgrade Install (IPSW)");
	/* 1.0.0 takes the first with the word, which is a research variant here: not asked */
	g_assert_null(choose(firmware, ERASE, WORD));
	g_assert_cmpstr(choose(firmware, ERASE, VARIANT), ==, "Customer Erase Install (IPSW)");
	g_assert_cmpstr(choose(firmware, UPDATE, WORD), ==, "Customer Upgrade Install (IPSW)");
	g_assert_cmpstr(choose(firmware, UPDATE, VARIANT), ==, "Customer Upgrade Install (IPSW)");
	g_assert_null(choose(firmware, UNSAID, VARIANT));
	RescueIdentityWish wish = { .have_chip = true, .chip_id = 0x8015, .board_id = 14 };
	wish.behavior = ERASE;
	g_assert_null(rescue_firmware_choose(firmware, &wish));
}

/* the manifest of 26.2.1 in small */
static void
test_an_update_that_calls_itself_erase_is_for_the_newer_engine_only(void)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	RescueIdentity *update;

	add_identity(firmware, "Erase", "Customer Erase Install (IPSW)");
	update = add_identity(firmware, "Erase", "Customer Upgrade Install (IPSW)");
	g_assert_null(choose(firmware, UPDATE, WORD));
	g_assert_cmpstr(choose(firmware, UPDATE, VARIANT), ==, "Customer Upgrade Install (IPSW)");
	g_assert_cmpstr(choose(firmware, ERASE, WORD), ==, "Customer Erase Install (IPSW)");
	g_assert_cmpstr(choose(firmware, ERASE, VARIANT), ==, "Customer Erase Install (IPSW)");
	/* with the ramdisk of the erase, or none that is told, it is not believed */
	g_free(update->ramdisk);
	update->ramdisk = g_strdup("erase.dmg");
	g_assert_null(choose(firmware, UPDATE, VARIANT));
	g_clear_pointer(&update->ramdisk, g_free);
	g_assert_null(choose(firmware, UPDATE, VARIANT));
}

/* whatever the two words are, in whatever order: no update takes an identity whose variant erases */
static void
test_no_order_of_identities_makes_an_update_an_erase(void)
{
	static const char *const words[] = { NULL, "Update", "Erase" };
	static const char *const variants[] = { "Other", "Customer Upgrade Install (IPSW)",
						"Customer Erase Install (IPSW)",
						"Customer Update Install (IPSW)" };
	enum { PAIRS = G_N_ELEMENTS(words) * G_N_ELEMENTS(variants) };

	for (unsigned n = 0; n < PAIRS * PAIRS * 2; n++) {
		g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
		unsigned pairs[] = { n / 2 % PAIRS, n / 2 / PAIRS };
		for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
			add_identity(firmware, words[pairs[i] % G_N_ELEMENTS(words)],
				     variants[pairs[i] / G_N_ELEMENTS(words)]);
		RescuePicking picking = n % 2 == 0 ? WORD : VARIANT;
		const char *variant = choose(firmware, UPDATE, picking);
		g_assert_true(variant == NULL || strstr(variant, "Erase") == NULL);
		variant = choose(firmware, ERASE, picking);
		g_assert_true(variant == NULL || strstr(variant, "Up") == NULL);
	}
}

static void
test_a_firmware_tells_the_model_of_a_board(void)
{
	g_autoptr(RescueFirmware) firmware = rescue_firmware_new();
	RescueIdentity *identity = add_identity(firmware, "Erase", "Customer Erase Install (IPSW)");

	firmware->products = g_strsplit("iPhone10,3,iPhone10,6", ",i", 0);
	g_assert_null(rescue_firmware_product(firmware, 0x8015, 6));
	g_strfreev(firmware->products);
	firmware->products = g_strsplit("iPhone10,3", "|", 0);
	g_assert_cmpstr(rescue_firmware_product(firmware, 0x8015, 6), ==, "iPhone10,3");
	g_assert_null(rescue_firmware_product(firmware, 0x8015, 7));
	identity->product = g_strdup("iPhone10,6");
	g_assert_cmpstr(rescue_firmware_product(firmware, 0x8015, 6), ==, "iPhone10,6");
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
	g_assert_cmpstr(id, ==, "20261122T100400-1e240a2b");
	g_autofree char *later = rescue_job_make_id(G_GINT64_CONSTANT(1795341840123457), 0);
	g_assert_cmpstr(id, <, later); /* within the same second, too */
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
	g_test_add_func("/model/behavior-words", test_the_words_of_a_manifest_are_read);
	g_test_add_func("/model/two-minds",
			test_contradicting_words_serve_only_the_generation_that_hears_one);
	g_test_add_func("/model/identity",
			test_the_identity_that_the_engine_takes_is_chosen_and_research_never);
	g_test_add_func("/model/update-called-erase",
			test_an_update_that_calls_itself_erase_is_for_the_newer_engine_only);
	g_test_add_func("/model/never-an-erase",
			test_no_order_of_identities_makes_an_update_an_erase);
	g_test_add_func("/model/firmware-product", test_a_firmware_tells_the_model_of_a_board);
	g_test_add_func("/model/job", test_a_job_consents_to_nothing_by_itself);
	g_test_add_func("/model/stamp", test_an_event_is_stamped_in_front_of_its_body);
	g_test_add_func("/model/events", test_an_event_leaves_out_what_is_not_known);
	g_test_add_func("/model/observation", test_observations_own_what_they_carry);
	return g_test_run();
}
