/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/parser.h"

#include <string.h>

/*
 * What a phone is like, and what its owner does: locked, paired, trust, battery, activated, find-my, passcode, first
 * boot,
 * asks. Each reader gets the words behind the property's own and says what it wants when they make no sense.
 */

typedef struct {
	LabPhoneSpec *phone;
	char *const *words; /* NULL behind the last */
	unsigned count;
} Words;

static bool
is(const Words *words, unsigned index, const char *text)
{
	return index < words->count && strcmp(words->words[index], text) == 0;
}

static bool
yes_or_no(const Words *words, bool *ret_yes)
{
	*ret_yes = is(words, 0, "yes");
	return words->count == 1 && (*ret_yes || is(words, 0, "no"));
}

/* "2 s" from the word of that index on, and nothing behind it */
static bool
time_at(const Words *words, unsigned index, unsigned *ret_ms)
{
	return words->count == index + 2 &&
	       lab_value_ms(words->words[index], words->words[index + 1], ret_ms);
}

static bool
read_locked(const Words *words)
{
	words->phone->condition.locked = true;
	words->phone->unpaired = true;
	return words->count == 0;
}

static bool
read_paired(const Words *words)
{
	bool paired = false;
	if (!yes_or_no(words, &paired))
		return false;
	words->phone->unpaired = !paired;
	return true;
}

static bool
read_trust(const Words *words)
{
	LabCondition *condition = &words->phone->condition;
	words->phone->unpaired = true;
	condition->trust = is(words, 0, "denied") ? LAB_TRUST_DENIED : LAB_TRUST_PENDING;
	if (is(words, 0, "denied"))
		return words->count == 1;
	return is(words, 0, "pending") && time_at(words, 1, &condition->trust_ms);
}

static bool
read_battery(const Words *words)
{
	uint64_t percent = 0;
	if (!is(words, 1, "%") || !lab_value_number(words->words[0], 100, &percent))
		return false;
	words->phone->condition.battery = (unsigned)percent;
	return true;
}

static bool
read_activated(const Words *words)
{
	bool activated = false;
	if (!yes_or_no(words, &activated))
		return false;
	words->phone->condition.unactivated = !activated;
	return true;
}

static bool
read_supervised(const Words *words)
{
	return yes_or_no(words, &words->phone->condition.supervised);
}

static bool
read_find_my(const Words *words)
{
	static const char *const states[] = {
		[LAB_FIND_MY_OFF] = "off",
		[LAB_FIND_MY_ON] = "on",
		[LAB_FIND_MY_ON_FALSELY] = "falsely",
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
		if (is(words, 0, states[i])) {
			words->phone->condition.find_my = (LabFindMy)i;
			return true;
		}
	}
	return false;
}

static bool
read_passcode(const Words *words)
{
	LabCondition *condition = &words->phone->condition;
	condition->passcode = LAB_PASSCODE_TYPED;
	if (is(words, 0, "typed") && is(words, 1, "after"))
		return time_at(words, 2, &condition->passcode_ms);
	condition->passcode = is(words, 0, "wrong") ? LAB_PASSCODE_WRONG : LAB_PASSCODE_IGNORED;
	return words->count == 1 && (is(words, 0, "wrong") || is(words, 0, "ignored"));
}

static bool
read_first(const Words *words)
{
	return is(words, 0, "boot") && time_at(words, 1, &words->phone->condition.first_boot_ms);
}

static bool
read_asks(const Words *words)
{
	if (words->phone->asks == NULL)
		words->phone->asks = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words->phone->asks, g_strdup(words->words[0]));
	return true;
}

static const struct {
	const char *word;
	bool (*read)(const Words *words);
	const char *wants;
} readers[] = {
	{ "locked", read_locked, "stands alone" },
	{ "paired", read_paired, "wants yes or no" },
	{ "trust", read_trust, "wants ‘pending 2 s’ or ‘denied’" },
	{ "battery", read_battery, "wants a share, such as ‘battery 4 %’" },
	{ "activated", read_activated, "wants yes or no" },
	{ "supervised", read_supervised, "wants yes or no" },
	{ "find-my", read_find_my, "wants on, off or falsely" },
	{ "passcode", read_passcode, "wants ‘typed after 2 s’, ‘wrong’ or ‘ignored’" },
	{ "first", read_first, "wants a time, such as ‘first boot 20 s’" },
	{ "asks", read_asks, "wants a DataType" },
};

bool
lab_condition_line(const LabLine *line, LabPhoneSpec *phone, GError **error)
{
	const Words words = { .phone = phone, .words = line->words + 1, .count = line->count - 1 };
	for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
		if (strcmp(readers[i].word, line->words[0]) == 0)
			return readers[i].read(&words) ||
			       lab_line_fail(line, error, "‘%s’ %s", line->words[0],
					     readers[i].wants);
	}
	return false;
}
