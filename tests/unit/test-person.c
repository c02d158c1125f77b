/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/port.h"
#include "tests/fake/world.h"
#include "tests/unit/scripts.h"

/* What is asked of people, and that a job goes on by itself as soon as somebody has done it. */

/* What a job told of its remedies and asked of people, a line for each. */
static GString *told;
/* Looks at this computer that find something; from then on all is well. */
static unsigned troubled_looks;

static void
on_event(const RescueJson *event, void *data)
{
	const char *did = rescue_json_get_string(event, "did");
	const char *asked = rescue_json_get_string(event, "instruction");

	if (did != NULL)
		g_string_append_printf(told, "did: %s\n", did);
	if (asked != NULL)
		g_string_append_printf(told, "asked: %s\n", asked);
}

static GPtrArray *
look(void *self, unsigned where, const RescueDevice *device)
{
	GPtrArray *facts = g_ptr_array_new_with_free_func((GDestroyNotify)rescue_host_fact_free);

	if (troubled_looks == 0)
		return facts;
	troubled_looks--;
	g_ptr_array_add(facts, rescue_host_fact_new(RESCUE_FAILURE_DOWNLOAD_INTERCEPTED, true,
						    "a page asks for a log-in"));
	return facts;
}

static void
listen_and_look(RescueRunSpec *spec, RescuePorts *ports, void *data)
{
	RescueHostPort *host = data;

	*host = *ports->host;
	host->look = look;
	ports->host = host;
	spec->listener = on_event;
}

/* Somebody is there, and of all remedies only people's are left. */
static RescueWorld *
attended_world(RescueMode mode, const char *port)
{
	static const char *const never[] = {
		"pause",           "reenter-recovery", "usb-reset",
		"autosuspend-off", "longer-patience",  "wait-for-device",
		"fresh-engine",    "reboot-device",    NULL
	};
	RescueWorld *world = rescue_world_new(mode);

	told = g_string_truncate(told, 0);
	rescue_world_is_attended(world, port);
	rescue_world_policy(world)->never = g_strdupv((char **)never);
	return world;
}

static void
expect_restored(RescueWorld *world, const char *said)
{
	RescueHostPort host;

	rescue_world_wraps(world, listen_and_look, &host);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_test_message("%s\n%s", rescue_world_history(world), told->str);
	g_assert_cmpint(result->outcome, ==, RESCUE_OUTCOME_RESTORED);
	g_assert_nonnull(strstr(told->str, said));
}

/* The engine fails once on this port; then somebody does what the script says. */
static RescueWorld *
loader_fails_on(const char *port, const char *script)
{
	RescueWorld *world = attended_world(RESCUE_MODE_RECOVERY, port);

	rescue_world_engine_plays(world, LOADER_FAILS);
	rescue_world_then(world, script);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	return world;
}

static void
test_another_port_is_named_and_followed(void)
{
	g_autoptr(RescueWorld)
	    world = loader_fails_on("1-2", "wait 20000\n mode absent\n wait 2000\n port 1-3\n"
					   "mode recovery\n");

	expect_restored(world, "; the device was moved from port 2 of bus 1 to A3\n");
	g_assert_nonnull(strstr(told->str, "it was on port 2 of bus 1; free: A3 (not used yet)\n"));
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 2);
}

static void
test_same_port_again_is_not_another_one(void)
{
	g_autoptr(RescueWorld)
	    world = loader_fails_on("1-2", "wait 20000\n mode absent\n wait 2000\n mode recovery\n"
					   "wait 60000\n mode absent\n wait 2000\n port 1-3\n"
					   "mode recovery\n");

	expect_restored(world, "to A3\n");
	g_assert_nonnull(strstr(told->str, "asked: another port is wanted: the device is on port 2 "
					   "of bus 1 again\n"));
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 2);
	g_assert_cmpint(rescue_world_ms(world), >, 84000); /* not before it was really moved */
}

static void
test_behind_the_same_hub_is_not_away_from_it(void)
{
	g_autoptr(RescueWorld)
	    world = loader_fails_on("1-4.2",
				    "wait 20000\n mode absent\n wait 2000\n port 1-4.3\n"
				    "mode recovery\n wait 60000\n mode absent\n wait 2000\n"
				    "port 1-3\n mode recovery\n");

	expect_restored(world, "to A3\n");
	g_assert_nonnull(strstr(told->str, "behind a hub"));
	g_assert_nonnull(strstr(told->str, "the device is on port 3 of the hub on port 4 of bus 1 "
					   "now, behind the same hub\n"));
}

static void
test_nobody_moves_it_and_the_time_is_up(void)
{
	g_autoptr(RescueWorld) world =
	    loader_fails_on("1-2", "wait 20000\n mode absent\n wait 2000\n mode recovery\n");
	RescueHostPort host;

	rescue_world_policy(world)->person_ms = 60000;
	rescue_world_wraps(world, listen_and_look, &host);
	const RescueRunResult *result = rescue_world_run(world, RESCUE_BEHAVIOR_ERASE);
	g_assert_cmpint(result->outcome, !=, RESCUE_OUTCOME_RESTORED);
	g_assert_cmpuint(rescue_world_count(world, "start"), ==, 1);
}

/* it had vanished: that it is back is what was missing */
static void
test_vanished_phone_may_come_back_where_it_was(void)
{
	g_autoptr(RescueWorld) world = attended_world(RESCUE_MODE_RECOVERY, "1-2");

	g_strfreev(rescue_world_policy(world)->never);
	rescue_world_policy(world)->never = g_strsplit("wait-for-device;force-restart", ";", -1);
	rescue_world_engine_plays(world, UNTIL_FILESYSTEM "mode absent\n wait 1000\n" DROPPED);
	rescue_world_then(world, "wait 30000\n mode recovery\n");
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	expect_restored(world, "; the device is back, on port 2 of bus 1 as before\n");
}

static void
test_usbmuxd_that_answers_again_is_noticed(void)
{
	g_autoptr(RescueWorld) world = attended_world(RESCUE_MODE_RECOVERY, "1-2");

	rescue_world_fail_between(world, "check_usbmuxd", 1, 9, RESCUE_FAILURE_NO_USBMUXD);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	expect_restored(world, "did: asked to start usbmuxd (8 s); usbmuxd answers again\n");
}

static void
test_room_that_somebody_made_is_noticed(void)
{
	g_autoptr(RescueWorld) world = attended_world(RESCUE_MODE_RECOVERY, "1-2");

	rescue_world_fail_between(world, "prepare", 1, 0, RESCUE_FAILURE_NO_SPACE);
	rescue_world_fail_between(world, "check_space", 1, 4, RESCUE_FAILURE_NO_SPACE);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	expect_restored(world, "(15 s); there is room again\n");
}

static void
test_network_that_somebody_mended_is_noticed(void)
{
	g_autoptr(RescueWorld) world = attended_world(RESCUE_MODE_RECOVERY, "1-2");

	troubled_looks = 4; /* one to judge the failure, the first of the wait, two more */
	rescue_world_wants_latest(world, false);
	rescue_world_fail(world, "list", 1, RESCUE_FAILURE_CATALOGUE_UNREACHABLE);
	rescue_world_engine_plays(world, SUCCESS);
	rescue_world_then(world, BOOTS);
	expect_restored(world, "what was wrong on this computer is not seen any more\n");
	g_assert_cmpuint(troubled_looks, ==, 0);
}

static void
test_ports_are_told_in_words(void)
{
	static const struct {
		const char *port, *words;
		unsigned bus;
	} ports[] = {
		{ "1-2", "port 2 of bus 1", 1 },
		{ "12-2.4", "port 4 of the hub on port 2 of bus 12", 12 },
		{ "1-2.4.1", "port 1 of the hub on port 4 of the hub on port 2 of bus 1", 1 },
		{ "A3", "A3", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
		g_autofree char *words = rescue_port_in_words(ports[i].port);
		g_assert_cmpstr(words, ==, ports[i].words);
		g_assert_cmpuint(rescue_port_bus(ports[i].port), ==, ports[i].bus);
	}
}

static void
test_moves_are_judged_by_the_hub(void)
{
	static const struct {
		const char *from, *to;
		RescuePortMove move;
	} moves[] = {
		{ "1-2", "1-2", RESCUE_MOVE_NONE },
		{ "1-2", NULL, RESCUE_MOVE_NONE },
		{ NULL, "1-2", RESCUE_MOVE_ELSEWHERE },
		{ "1-2", "1-3", RESCUE_MOVE_ELSEWHERE },
		{ "1-2.4", "1-2.3", RESCUE_MOVE_WITHIN_HUB },
		{ "1-2.4", "1-2.3.1", RESCUE_MOVE_WITHIN_HUB },
		{ "1-2.4", "1-2", RESCUE_MOVE_ELSEWHERE },
		{ "1-2.4", "1-20.4", RESCUE_MOVE_ELSEWHERE },
		{ "1-2.4.1", "1-2.3", RESCUE_MOVE_ELSEWHERE },
		{ "1-2.4", "2-2.4", RESCUE_MOVE_ELSEWHERE },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(moves); i++)
		g_assert_cmpint(rescue_port_move(moves[i].from, moves[i].to), ==, moves[i].move);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	told = g_string_new(NULL);
#define TEST(name) g_test_add_func("/person/" #name, test_##name)
	TEST(another_port_is_named_and_followed);
	TEST(same_port_again_is_not_another_one);
	TEST(behind_the_same_hub_is_not_away_from_it);
	TEST(nobody_moves_it_and_the_time_is_up);
	TEST(vanished_phone_may_come_back_where_it_was);
	TEST(usbmuxd_that_answers_again_is_noticed);
	TEST(room_that_somebody_made_is_noticed);
	TEST(network_that_somebody_mended_is_noticed);
	TEST(ports_are_told_in_words);
	TEST(moves_are_judged_by_the_hub);
#undef TEST
	int status = g_test_run();
	g_string_free(told, TRUE);
	return status;
}
