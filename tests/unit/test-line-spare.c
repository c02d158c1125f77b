/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>

#include "core/line/spare.h"

/* Which port somebody is told to use instead. */

typedef struct {
	GPtrArray *free;
	RescueHealth *health;
	RescueSpareSpec spec;
} Bench;

static Bench
make_bench(const char *ports)
{
	Bench bench = { .free = g_ptr_array_new_with_free_func(g_free),
			.health = rescue_health_new() };
	g_auto(GStrv) names = g_strsplit(ports, " ", -1);

	for (char **name = names; *name != NULL; name++)
		g_ptr_array_add(bench.free, g_strdup(*name));
	bench.spec = (RescueSpareSpec){ .free = bench.free, .health = bench.health };
	return bench;
}

static void
bench_clear(Bench *bench)
{
	g_ptr_array_unref(bench->free);
	rescue_health_free(bench->health);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

/* each restore with a phone of its own */
static void
restores(Bench *bench, const char *port, unsigned passed, unsigned failed)
{
	static RescueEcid ecid;

	for (unsigned i = 0; i < passed + failed; i++) {
		RescueRestoreOutcome outcome = { .names = { [RESCUE_PLACE_PORT] = port },
						 .ecid = ++ecid,
						 .failed = i >= passed };
		rescue_health_add(bench->health, &outcome);
	}
}

static void
test_ports_of_the_computer_come_first_then_what_is_proven(void)
{
	g_auto(Bench) bench = make_bench("1-4.1 1-3 1-5 1-6");
	g_autofree char *told = NULL;

	restores(&bench, "1-4.1", 20, 0);
	restores(&bench, "1-5", 12, 0);
	restores(&bench, "1-6", 9, 1);
	told = rescue_spare_tell(&bench.spec, "1-2");
	g_assert_cmpstr(told, ==,
			"port 5 of bus 1 (12 restores, none failed), port 6 of bus 1 (10 restores, "
			"1 failed), port 3 of bus 1 (not used yet)");
}

static void
test_same_port_same_hub_and_bad_ports_are_not_named(void)
{
	g_auto(Bench) bench = make_bench("1-2.3 1-2.4 1-3");
	g_autofree char *told = NULL;

	restores(&bench, "1-9", 60, 0);
	restores(&bench, "1-3", 0, 8);
	told = rescue_spare_tell(&bench.spec, "1-2.4");
	g_assert_null(told);
}

static void
test_station_file_says_which_ports_there_are(void)
{
	static const char file[] = "[port A1]\nat=1-2\n[port B7]\nat=1-7\n";
	g_autoptr(RescueLayout) layout = rescue_layout_parse(file, sizeof(file) - 1, NULL);
	g_auto(Bench) bench = make_bench("1-2 1-3 1-7");
	g_autofree char *told = NULL;

	bench.spec.layout = layout;
	told = rescue_spare_tell(&bench.spec, "1-2");
	g_assert_cmpstr(told, ==, "B7 (not used yet)");
	g_assert_cmpstr(rescue_spare_label(&bench.spec, "1-2"), ==, "A1");
	g_assert_null(rescue_spare_label(&bench.spec, "1-3"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/spare/" #name, test_##name)
	TEST(ports_of_the_computer_come_first_then_what_is_proven);
	TEST(same_port_same_hub_and_bad_ports_are_not_named);
	TEST(station_file_says_which_ports_there_are);
#undef TEST
	return g_test_run();
}
