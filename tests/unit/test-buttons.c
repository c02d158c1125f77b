/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <glib.h>
#include <string.h>

#include "core/remedy/buttons.h"

static void
assert_begins(const char *product, const char *words)
{
	g_autofree char *text = rescue_buttons_tell(product, RESCUE_BUTTONS_DFU);

	g_assert_nonnull(text);
	g_assert_nonnull(strstr(text, words));
}

static void
test_models_have_the_buttons_of_their_kind(void)
{
	assert_begins("iPhone8,4", "home and the power");
	assert_begins("iPhone9,1", "volume-down and the side");
	assert_begins("iPhone10,3", "volume-up");
	assert_begins("iPhone18,2", "volume-up");
	assert_begins("iPad7,11", "home and the power");
	assert_begins("iPad8,1", "nearest to the top button");
	assert_begins("iPad11,6", "home and the power");
	assert_begins("iPad14,1", "nearest to the top button");
	assert_begins("iPod9,1", "volume-down and the side");
}

static void
test_unknown_models_get_no_guess(void)
{
	static const char *const unknown[] = { NULL,       "",          "iPhone",  "iPhone,1",
					       "Watch6,1", "iPhone0,1", "iPad9,1", "iPhonex10,3" };

	for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++)
		g_assert_null(rescue_buttons_tell(unknown[i], RESCUE_BUTTONS_RECOVERY));
}

static void
test_every_kind_has_every_goal(void)
{
	static const char *const products[] = { "iPhone6,1", "iPhone9,3", "iPhone12,1",
						"iPad13,4" };
	const RescueButtonStep *steps;

	for (size_t i = 0; i < G_N_ELEMENTS(products); i++) {
		for (int goal = 0; goal < RESCUE_BUTTONS_GOAL_LAST; goal++) {
			size_t n = rescue_buttons_find(products[i], (RescueButtonsGoal)goal,
						       &steps);
			g_assert_cmpuint(n, >, 0);
			g_assert_cmpuint(steps[n - 1].seconds, >,
					 0); /* the last one is always held */
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/buttons/kinds", test_models_have_the_buttons_of_their_kind);
	g_test_add_func("/buttons/unknown", test_unknown_models_get_no_guess);
	g_test_add_func("/buttons/goals", test_every_kind_has_every_goal);
	return g_test_run();
}
