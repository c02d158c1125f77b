/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/model/owner.h"

#include <string.h>

#define ACTIVATION "activation_state"

static const char *const words[] = {
#define RESCUE_ANSWER(id, word) [RESCUE_ANSWER_##id] = word,
#include "core/model/answer.def"
#undef RESCUE_ANSWER
};

static const struct {
	const char *key;
	size_t offset;
} members[] = {
	{ "find_my", G_STRUCT_OFFSET(RescueOwner, find_my) },
	{ "activation_lock", G_STRUCT_OFFSET(RescueOwner, activation_lock) },
	{ "locked", G_STRUCT_OFFSET(RescueOwner, locked) },
	{ "supervised", G_STRUCT_OFFSET(RescueOwner, supervised) },
};

const char *
rescue_answer_name(RescueAnswer answer)
{
	return words[answer < RESCUE_ANSWER_LAST ? answer : RESCUE_ANSWER_UNKNOWN];
}

RescueAnswer
rescue_answer_of_word(const char *word)
{
	for (int i = 0; i < RESCUE_ANSWER_LAST; i++) {
		if (g_strcmp0(words[i], word) == 0)
			return (RescueAnswer)i;
	}
	return RESCUE_ANSWER_UNKNOWN;
}

void
rescue_owner_copy(RescueOwner *to, const RescueOwner *from)
{
	*to = *from;
	to->activation = g_strdup(from->activation);
}

void
rescue_owner_clear(RescueOwner *owner)
{
	g_free(owner->activation);
	*owner = (RescueOwner){ 0 };
}

bool
rescue_owner_lapses(RescueMode mode)
{
	return mode != RESCUE_MODE_NORMAL && mode != RESCUE_MODE_ABSENT &&
	       mode != RESCUE_MODE_UNKNOWN;
}

void
rescue_owner_write(const RescueOwner *owner, RescueJson *object)
{
	if (!owner->asked)
		return;
	rescue_json_set_bool(object, "owner_asked", true);
	rescue_json_set_string(object, ACTIVATION, owner->activation);
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		RescueAnswer answer = G_STRUCT_MEMBER(RescueAnswer, owner, members[i].offset);
		if (answer != RESCUE_ANSWER_UNKNOWN)
			rescue_json_set_string(object, members[i].key, rescue_answer_name(answer));
	}
}

void
rescue_owner_read(RescueOwner *owner, const RescueJson *object)
{
	owner->asked = rescue_json_get_bool(object, "owner_asked", false);
	owner->activation = g_strdup(rescue_json_get_string(object, ACTIVATION));
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		G_STRUCT_MEMBER(RescueAnswer, owner, members[i].offset) = rescue_answer_of_word(
		    rescue_json_get_string(object, members[i].key));
}

/*
 * ActivationState of a phone that somebody has set up, as public copies of MobileDevice.h list them (kAMDActivated and
 * its like). "Unactivated", "MismatchedIMEI" and the others are of one that waits for that.
 */
static bool
is_activated(const char *activation)
{
	static const char *const states[] = { "Activated", "WildcardActivated", "FactoryActivated",
					      "SoftActivation", NULL };

	return activation != NULL && g_strv_contains(states, activation);
}

static RescueAnswer
believe(RescueAnswer told, bool activated)
{
	return told == RESCUE_ANSWER_OFF && !activated ? RESCUE_ANSWER_UNKNOWN : told;
}

/* NULL: it can be believed as far as it goes */
static const char *
reason_for_doubt(const RescueOwner *owner, RescueMode mode, bool erased)
{
	if (erased)
		return "a phone that was just erased cannot tell: only an activation attempt "
		       "would, and none is made";
	if (mode != RESCUE_MODE_NORMAL)
		return "only iOS can tell, and the phone was not in normal mode";
	return owner->asked ? NULL : "the phone did not answer when it was asked";
}

static const char *
reason_for_silence(const RescueOwner *owner)
{
	if (owner->activation != NULL && !is_activated(owner->activation))
		return "a phone that is not activated cannot tell: only an activation attempt "
		       "would, and none is made";
	return "the phone does not tell this computer; it does to one that it trusts";
}

void
rescue_owner_judge(const RescueOwner *owner, RescueMode mode, bool erased,
		   RescueOwnerVerdict *ret_verdict)
{
	bool activated = is_activated(owner->activation);
	bool asked = owner->asked && mode == RESCUE_MODE_NORMAL;

	*ret_verdict = (RescueOwnerVerdict){ .why = reason_for_doubt(owner, mode, erased) };
	if (asked)
		ret_verdict->activation = owner->activation;
	if (ret_verdict->why != NULL)
		return;
	ret_verdict->find_my = believe(owner->find_my, activated);
	ret_verdict->activation_lock = believe(owner->activation_lock, activated);
	ret_verdict->supervised = believe(owner->supervised, activated);
	if (ret_verdict->find_my == RESCUE_ANSWER_UNKNOWN ||
	    ret_verdict->activation_lock == RESCUE_ANSWER_UNKNOWN)
		ret_verdict->why = reason_for_silence(owner);
}
