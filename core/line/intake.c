/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/line/intake.h"

#include <stddef.h>
#include <string.h>

#include "core/config/group.h"

#define ANY "any"

typedef enum {
#define RESCUE_INTAKE_TEST(id, key, text, words, erase, update) TEST_##id,
#include "core/line/intake-test.def"
#undef RESCUE_INTAKE_TEST
	TEST_LAST
} Test;

static const struct {
	const char *key, *text, *words;
	const char *unsaid[3]; /* by RescueBehavior */
} tests[] = {
#define RESCUE_INTAKE_TEST(id, key, text, words, erase, update) \
	[TEST_##id] = { key, text, words, { ANY, update, erase } },
#include "core/line/intake-test.def"
#undef RESCUE_INTAKE_TEST
};

static const struct {
	const char *word;
	RescueIntakeAction action;
	RescueBehavior behavior;
} outcomes[] = {
	{ "nothing", RESCUE_INTAKE_NOTHING, RESCUE_BEHAVIOR_UNSAID },
	{ "hold", RESCUE_INTAKE_HOLD, RESCUE_BEHAVIOR_UNSAID },
	{ "ask", RESCUE_INTAKE_ASK, RESCUE_BEHAVIOR_UNSAID },
	{ "update", RESCUE_INTAKE_JOB, RESCUE_BEHAVIOR_UPDATE },
	{ "erase", RESCUE_INTAKE_JOB, RESCUE_BEHAVIOR_ERASE },
};

typedef struct {
	char *name;
	char *then, *firmware, *file, *policy, *say; /* as written */
	char **tests[TEST_LAST];                     /* patterns; never NULL once read */
	RescueIntakeAction action;
	RescueBehavior behavior;
	RescueWish wish;
} Rule;

struct RescueIntakeRules {
	GPtrArray *rules; /* Rule */
};

static const RescueField rule_fields[] = {
	{ "then", offsetof(Rule, then), RESCUE_FIELD_NAME, 0, 0 },
	{ "firmware", offsetof(Rule, firmware), RESCUE_FIELD_NAME, 0, 0 },
	{ "file", offsetof(Rule, file), RESCUE_FIELD_TEXT, 0, 0 },
	{ "policy", offsetof(Rule, policy), RESCUE_FIELD_TEXT, 0, 0 },
	{ "say", offsetof(Rule, say), RESCUE_FIELD_TEXT, 0, 0 },
#define RESCUE_INTAKE_TEST(id, key, text, words, erase, update) \
	{ key, offsetof(Rule, tests[TEST_##id]), RESCUE_FIELD_LIST, 0, 0 },
#include "core/line/intake-test.def"
#undef RESCUE_INTAKE_TEST
};

static void
free_rule(void *data)
{
	Rule *rule = data;

	g_free(rule->name);
	g_free(rule->then);
	g_free(rule->firmware);
	g_free(rule->file);
	g_free(rule->policy);
	g_free(rule->say);
	for (size_t i = 0; i < TEST_LAST; i++)
		g_strfreev(rule->tests[i]);
	rescue_wish_clear(&rule->wish);
	g_free(rule);
}

void
rescue_intake_free(RescueIntakeRules *rules)
{
	if (rules == NULL)
		return;
	g_ptr_array_unref(rules->rules);
	g_free(rules);
}

void
rescue_intake_verdict_clear(RescueIntakeVerdict *verdict)
{
	g_free(verdict->why);
	*verdict = (RescueIntakeVerdict){ 0 };
}

static bool
read_outcome(Rule *rule, GError **error)
{
	if (rule->then == NULL)
		return rescue_config_refuse(error, "what to do (then=) is not said in rule",
					    rule->name);
	for (size_t i = 0; i < G_N_ELEMENTS(outcomes); i++) {
		if (strcmp(outcomes[i].word, rule->then) == 0) {
			rule->action = outcomes[i].action;
			rule->behavior = outcomes[i].behavior;
			return true;
		}
	}
	return rescue_config_refuse(error, "then is none of nothing, hold, ask, update, erase:",
				    rule->then);
}

/* "latest", "version 16.7.10", "build 20H350" */
static bool
read_firmware(Rule *rule, GError **error)
{
	const char *space = strchr(rule->firmware, ' ');

	if (strcmp(rule->firmware, "latest") == 0) {
		rule->wish.latest = true;
		return true;
	}
	if (space != NULL && g_str_has_prefix(rule->firmware, "version ")) {
		rule->wish.version = g_strstrip(g_strdup(space));
		return true;
	}
	if (space != NULL && g_str_has_prefix(rule->firmware, "build ") &&
	    rescue_build_is_valid(space + 1)) {
		rule->wish.build = g_strdup(space + 1);
		return true;
	}
	return rescue_config_refuse(error, "firmware is none of latest, version V, build B:",
				    rule->firmware);
}

static bool
check_firmware(Rule *rule, GError **error)
{
	bool any = rule->firmware != NULL || rule->file != NULL;

	if (rule->action != RESCUE_INTAKE_JOB)
		return !any ||
		       rescue_config_refuse(error, "firmware without a job in rule", rule->name);
	if (!any)
		return rescue_config_refuse(error, "neither firmware nor file is said in rule",
					    rule->name);
	if (rule->firmware != NULL && rule->file != NULL)
		return rescue_config_refuse(error, "both firmware and file are said in rule",
					    rule->name);
	if (rule->file != NULL)
		return g_path_is_absolute(rule->file) ||
		       rescue_config_refuse(error, "not an absolute path:", rule->file);
	return read_firmware(rule, error);
}

static bool
is_one_of(const char *word, const char *words)
{
	g_auto(GStrv) list = g_strsplit(words, ",", -1);

	return g_strv_contains((const char *const *)list, word);
}

/* Models have commas; elsewhere a comma is a list that somebody separated in the wrong way. */
static bool
is_word(Test test, const char *pattern)
{
	if (strcmp(pattern, ANY) == 0)
		return true;
	if (tests[test].words[0] == '\0')
		return test == TEST_MODEL || strchr(pattern, ',') == NULL;
	return is_one_of(pattern, tests[test].words);
}

/* What is not said becomes what such a rule takes; words that do not exist are refused. */
static bool
check_test(Rule *rule, Test test, GError **error)
{
	char **patterns = rule->tests[test];

	if (patterns == NULL) {
		rule->tests[test] = g_strsplit(tests[test].unsaid[rule->behavior], ",", -1);
		return true;
	}
	for (size_t i = 0; patterns[i] != NULL; i++) {
		if (is_word(test, patterns[i]))
			continue;
		(void)rescue_config_refuse(error, "none of its words (lists are separated by ;):",
					   patterns[i]);
		g_prefix_error(error, "[rule %s] %s: ", rule->name, tests[test].key);
		return false;
	}
	return true;
}

static bool
fits(const Rule *rule, Test test, const char *word)
{
	char **patterns = rule->tests[test];

	for (size_t i = 0; patterns[i] != NULL; i++) {
		if (strcmp(patterns[i], ANY) == 0 || g_pattern_match_simple(patterns[i], word))
			return true;
	}
	return false;
}

static bool
check_rule(Rule *rule, GError **error)
{
	if (!read_outcome(rule, error) || !check_firmware(rule, error))
		return false;
	for (Test i = 0; i < TEST_LAST; i++) {
		if (!check_test(rule, i, error))
			return false;
	}
	if (rule->action == RESCUE_INTAKE_ASK && rule->say == NULL)
		return rescue_config_refuse(error, "what to ask for (say=) is not said in rule",
					    rule->name);
	if (rule->action == RESCUE_INTAKE_JOB && fits(rule, TEST_KIND, "refused"))
		return rescue_config_refuse(
		    error, "devices of a refused kind get no job; kind=refused in rule",
		    rule->name);
	return true;
}

static bool
read_rule(void *object, const RescueIniGroup *group, const char *name, GError **error)
{
	RescueIntakeRules *rules = object;
	Rule *rule = g_new0(Rule, 1);

	rule->name = g_strdup(name);
	g_ptr_array_add(rules->rules, rule);
	return rescue_fields_read(rule_fields, G_N_ELEMENTS(rule_fields), rule, group, error) &&
	       check_rule(rule, error);
}

static const RescueGroupKind group_kinds[] = {
	{ "rule", true, read_rule },
	{ .name = NULL },
};

RescueIntakeRules *
rescue_intake_parse(const char *text, size_t size, GError **error)
{
	g_autoptr(GPtrArray) groups = rescue_ini_parse(text, size, "rules", error);
	g_autoptr(RescueIntakeRules) rules = NULL;

	if (groups == NULL)
		return NULL;
	rules = g_new0(RescueIntakeRules, 1);
	rules->rules = g_ptr_array_new_with_free_func(free_rule);
	if (!rescue_groups_read(group_kinds, rules, groups, error))
		return NULL;
	return g_steal_pointer(&rules);
}

static const char *
kind_word(const char *product)
{
	if (product == NULL || product[0] == '\0')
		return "unknown";
	return rescue_device_refused_kind(product) == NULL ? "served" : "refused";
}

static const char *
or_unknown(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : "unknown";
}

/* Each fact as the word that rules use for it. */
static void
read_facts(const RescueIntakeFacts *facts, const char *words[TEST_LAST])
{
	words[TEST_PORT] = or_unknown(facts->port);
	words[TEST_KIND] = kind_word(facts->device->product);
	words[TEST_MODEL] = or_unknown(facts->device->product);
	words[TEST_MODE] = rescue_mode_name(facts->device->mode);
	words[TEST_VERSION] = or_unknown(facts->device->version);
	words[TEST_SCANNED] = facts->scan != NULL ? "yes" : "no";
	words[TEST_FIND_MY] = rescue_answer_name(facts->ownership.find_my);
	words[TEST_LOCKED] = rescue_answer_name(facts->ownership.locked);
	words[TEST_MANAGED] = rescue_answer_name(facts->ownership.managed);
}

RescueOwnership
rescue_intake_ownership(const RescueDevice *device)
{
	RescueOwnerVerdict told;

	rescue_owner_judge(&device->owner, device->mode, false, &told);
	return (RescueOwnership){
		.find_my = told.activation_lock == RESCUE_ANSWER_ON ? RESCUE_ANSWER_ON
								    : told.find_my,
		.locked = device->mode == RESCUE_MODE_NORMAL ? device->owner.locked
							     : RESCUE_ANSWER_UNKNOWN,
		.managed = told.supervised,
	};
}

/* How many conditions do not hold, and the first of them. */
static unsigned
count_misses(const Rule *rule, const char *const words[TEST_LAST], Test *ret_first)
{
	unsigned misses = 0;

	for (Test i = 0; i < TEST_LAST; i++) {
		if (fits(rule, i, words[i]))
			continue;
		if (misses++ == 0)
			*ret_first = i;
	}
	return misses;
}

static char *
describe_miss(const Rule *rule, Test test, const char *const words[TEST_LAST])
{
	g_autofree char *wanted = g_strjoinv(" or ", rule->tests[test]);

	return g_strdup_printf("rule ‘%s’ does not fit: %s is %s, and it takes only %s", rule->name,
			       tests[test].text, words[test], wanted);
}

static char *
describe_rule(const Rule *rule)
{
	if (rule->action == RESCUE_INTAKE_JOB)
		return g_strdup_printf("rule ‘%s’ fits: %s, firmware %s, policy %s", rule->name,
				       rule->then, rule->file ? rule->file : rule->firmware,
				       rule->policy ? rule->policy : "standard");
	if (rule->say != NULL)
		return g_strdup_printf("rule ‘%s’ fits: %s: %s", rule->name, rule->then, rule->say);
	return g_strdup_printf("rule ‘%s’ fits: %s", rule->name, rule->then);
}

static void
set_verdict(RescueIntakeVerdict *verdict, const Rule *rule)
{
	*verdict = (RescueIntakeVerdict){
		.action = rule->action,
		.rule = rule->name,
		.behavior = rule->behavior,
		.wish = rule->firmware != NULL ? &rule->wish : NULL,
		.ipsw = rule->file,
		.policy = rule->policy,
		.say = rule->say,
		.why = describe_rule(rule),
	};
}

static char *
describe_none(const Rule *nearest, Test test, const char *const words[TEST_LAST])
{
	g_autofree char *miss = NULL;

	if (nearest == NULL)
		return g_strdup("no rule fits, so nothing is done");
	miss = describe_miss(nearest, test, words);
	return g_strdup_printf("no rule fits, so nothing is done; the nearest: %s", miss);
}

void
rescue_intake_decide(const RescueIntakeRules *rules, const RescueIntakeFacts *facts,
		     RescueIntakeVerdict *ret_verdict)
{
	const char *words[TEST_LAST];
	const Rule *nearest = NULL;
	Test nearest_test = TEST_LAST;

	read_facts(facts, words);
	for (unsigned i = 0; rules != NULL && i < rules->rules->len; i++) {
		const Rule *rule = g_ptr_array_index(rules->rules, i);
		Test first = TEST_LAST;
		unsigned misses = count_misses(rule, words, &first);
		if (misses == 0) {
			set_verdict(ret_verdict, rule);
			return;
		}
		if (misses == 1 && nearest == NULL) {
			nearest = rule;
			nearest_test = first;
		}
	}
	*ret_verdict = (RescueIntakeVerdict){
		.why = describe_none(nearest, nearest_test, words),
	};
}
