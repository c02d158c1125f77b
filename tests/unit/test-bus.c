/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process/bus.h"
#include "tests/unit/scratch.h"

/* Turns on a USB bus. Each job has open file descriptions of its own, so one process can play them all. */

enum { BUS = 1, OTHER_BUS = 2 };

static RescueBus *
job(unsigned number)
{
	g_autofree char *name = g_strdup_printf("job-%u", number);

	return rescue_bus_new(0x1000 + number, name);
}

static bool
begins(RescueBus *turn, unsigned bus)
{
	return rescue_bus_port.take(turn, bus, false);
}

static bool
has_alone(RescueBus *turn, unsigned bus)
{
	return rescue_bus_port.take(turn, bus, true);
}

static void
expect_others(RescueBus *turn, unsigned bus, const char *names)
{
	g_autofree char *told = rescue_bus_port.others(turn, bus);

	g_assert_cmpstr(told, ==, names);
}

static void
test_jobs_share_a_bus_and_see_each_other(void)
{
	g_autoptr(RescueBus) a = job(1), b = job(2);

	g_assert_true(begins(a, BUS));
	g_assert_true(begins(b, BUS));
	g_assert_true(begins(b, BUS)); /* again: it has it */
	expect_others(a, BUS, "job-2");
	expect_others(b, BUS, "job-1");
	expect_others(b, OTHER_BUS, NULL);
	rescue_bus_port.give_back(a);
	expect_others(b, BUS, NULL);
}

/* those who run are waited for, and nobody new begins meanwhile: who waits is not starved */
static void
test_who_wants_to_be_alone_waits_for_those_who_run_and_for_nobody_else(void)
{
	g_autoptr(RescueBus) a = job(1), b = job(2), c = job(3);

	g_assert_true(begins(a, BUS));
	g_assert_false(has_alone(b, BUS));
	g_assert_false(begins(c, BUS));
	g_assert_true(begins(c, OTHER_BUS));
	rescue_bus_port.give_back(a);
	g_assert_false(begins(a, BUS));
	g_assert_true(has_alone(b, BUS));
	g_assert_false(begins(a, BUS));
	rescue_bus_port.share(b);
	g_assert_true(begins(a, BUS));
	expect_others(a, BUS, "job-2");
}

static void
test_two_who_want_to_be_alone_come_one_after_the_other(void)
{
	g_autoptr(RescueBus) a = job(1), b = job(2);

	g_assert_true(has_alone(a, BUS));
	g_assert_false(has_alone(b, BUS));
	rescue_bus_port.give_back(a);
	g_assert_true(has_alone(b, BUS));
	g_assert_false(has_alone(a, BUS));
}

static void
test_another_bus_takes_the_place_of_the_first(void)
{
	g_autoptr(RescueBus) a = job(1), b = job(2);

	g_assert_true(has_alone(a, BUS));
	g_assert_true(begins(a, OTHER_BUS));
	g_assert_true(has_alone(b, BUS));
}

static void
test_turn_ends_with_its_holder(void)
{
	g_autoptr(RescueBus) mine = job(1);
	int ready[2];
	char byte;

	g_assert_cmpint(pipe(ready), ==, 0);
	pid_t other = fork();
	if (other == 0) {
		RescueBus *turn = job(2);
		byte = has_alone(turn, BUS) ? 'y' : 'n';
		(void)!write(ready[1], &byte, 1);
		for (;;)
			(void)pause();
	}
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	g_assert_cmpint(byte, ==, 'y');
	g_assert_false(begins(mine, BUS));
	(void)kill(other, SIGKILL);
	g_assert_cmpint(waitpid(other, NULL, 0), ==, other);
	g_assert_true(has_alone(mine, BUS));
	(void)close(ready[0]);
	(void)close(ready[1]);
}

int
main(int argc, char **argv)
{
	g_autofree char *dir = NULL;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("rescue-bus-XXXXXX", NULL);
	g_setenv("IDEVICERESCUE_LOCK_DIR", dir, TRUE);
#define TEST(name) g_test_add_func("/bus/" #name, test_##name)
	TEST(jobs_share_a_bus_and_see_each_other);
	TEST(who_wants_to_be_alone_waits_for_those_who_run_and_for_nobody_else);
	TEST(two_who_want_to_be_alone_come_one_after_the_other);
	TEST(another_bus_takes_the_place_of_the_first);
	TEST(turn_ends_with_its_holder);
#undef TEST
	int status = g_test_run();
	remove_tree(dir);
	return status;
}
