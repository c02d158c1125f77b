/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/failure/verdict.h"

#include <string.h>

#include "core/failure/code.h"

#define MAX_PROOF          5
#define MAX_ALTERNATIVES   4
#define WEIGHT_ALTERNATIVE 45
#define ITUNES_SIGNING     3100 /* iTunes shows the signing server's status with this added */

static const struct {
	RescuePhase phase; /* LAST: any */
	RescueFailure failure, other;
} doubts[] = {
#define RESCUE_DOUBT(id, other_id) \
	{ RESCUE_PHASE_LAST, RESCUE_FAILURE_##id, RESCUE_FAILURE_##other_id },
#define RESCUE_DOUBT_IN(phase_id, id, other_id) \
	{ RESCUE_PHASE_##phase_id, RESCUE_FAILURE_##id, RESCUE_FAILURE_##other_id },
#include "core/failure/doubt.def"
#undef RESCUE_DOUBT
#undef RESCUE_DOUBT_IN
};

static void
proof_free(gpointer data)
{
	RescueHit *hit = data;
	g_free(hit->text);
	g_free(hit);
}

static void
add_proof(RescueVerdict *verdict, const RescueHit *hit)
{
	RescueHit *copy = g_new(RescueHit, 1);
	*copy = *hit;
	copy->text = g_strdup(hit->text);
	g_ptr_array_add(verdict->proof, copy);
}

/* the most telling line first, then the others that say the same */
static void
collect_proof(RescueVerdict *verdict, const GPtrArray *hits, const RescueJudgement *judgement)
{
	if (judgement->host != NULL)
		add_proof(verdict, &(RescueHit){ .failure = judgement->host->failure,
						 .text = judgement->host->text });
	if (judgement->hit == NULL)
		return;
	add_proof(verdict, judgement->hit);
	for (guint i = 0; i < hits->len && verdict->proof->len < MAX_PROOF; i++) {
		const RescueHit *hit = g_ptr_array_index(hits, i);
		if (hit != judgement->hit && hit->failure == judgement->told)
			add_proof(verdict, hit);
	}
}

static bool
has_failure(const GArray *failures, RescueFailure failure)
{
	for (guint i = 0; i < failures->len; i++) {
		if (g_array_index(failures, RescueFailure, i) == failure)
			return true;
	}
	return false;
}

static void
add_alternative(RescueVerdict *verdict, RescueFailure failure)
{
	if (failure == verdict->failure || failure == RESCUE_FAILURE_NONE ||
	    failure == RESCUE_FAILURE_UNEXPLAINED || has_failure(verdict->alternatives, failure))
		return;
	g_array_append_val(verdict->alternatives, failure);
}

/* a defect of a tool is what a newer version of it cures */
static RescueCategory
kind_of_cause(RescueFailure failure)
{
	RescueCategory category = rescue_failure_info(failure)->category;
	return category == RESCUE_CATEGORY_TOOL ? RESCUE_CATEGORY_SOFTWARE_VERSION : category;
}

/* who doubts the first opinion is helped by another kind of cause, not by another name of the same */
static void
put_other_kind_first(RescueVerdict *verdict)
{
	for (guint i = 1; i < verdict->alternatives->len; i++) {
		RescueFailure failure = g_array_index(verdict->alternatives, RescueFailure, i);
		RescueFailure first = g_array_index(verdict->alternatives, RescueFailure, 0);
		if (kind_of_cause(first) != kind_of_cause(verdict->failure))
			return;
		if (kind_of_cause(failure) == kind_of_cause(verdict->failure))
			continue;
		g_array_remove_index(verdict->alternatives, i);
		g_array_prepend_val(verdict->alternatives, failure);
	}
}

static void
collect_alternatives(RescueVerdict *verdict, const GPtrArray *hits, RescueFailure told)
{
	if (verdict->failure == RESCUE_FAILURE_NONE)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(doubts); i++) {
		if (doubts[i].failure == verdict->failure &&
		    (doubts[i].phase == RESCUE_PHASE_LAST || doubts[i].phase == verdict->phase))
			add_alternative(verdict, doubts[i].other);
	}
	add_alternative(verdict, told);
	for (guint i = 0; hits != NULL && i < hits->len; i++) {
		const RescueHit *hit = g_ptr_array_index(hits, i);
		if (hit->weight >= WEIGHT_ALTERNATIVE)
			add_alternative(verdict, hit->failure);
	}
	put_other_kind_first(verdict);
	if (verdict->alternatives->len > MAX_ALTERNATIVES)
		g_array_set_size(verdict->alternatives, MAX_ALTERNATIVES);
}

static bool
has_code(const GArray *codes, const char *domain, int64_t value)
{
	for (guint i = 0; i < codes->len; i++) {
		const RescueCode *code = &g_array_index(codes, RescueCode, i);
		if (code->value == value && strcmp(code->domain, domain) == 0)
			return true;
	}
	return false;
}

static void
add_code(RescueVerdict *verdict, const char *domain, int64_t value)
{
	RescueCode code = { .failure = verdict->failure, .domain = domain, .value = value };
	if (!has_code(verdict->codes, domain, value))
		g_array_append_val(verdict->codes, code);
}

/*
 * The number that iTunes shows for one of another domain. Those of the signing server are the same whose ticket it was;
 * those of a device only when the catalogue knows it for this failure.
 */
static void
add_itunes_twin(RescueVerdict *verdict, const char *domain, int64_t value)
{
	RescueFailure failure;
	bool signing = strcmp(domain, "tss") == 0;
	int64_t twin = signing ? ITUNES_SIGNING + value : value;
	if (!signing && strcmp(domain, "restored") != 0)
		return;
	if (rescue_failure_from_code("itunes", twin, &failure) &&
	    (signing || failure == verdict->failure))
		add_code(verdict, "itunes", twin);
}

/* the number that went past the relay, when it is the failure's own */
static void
collect_signing_code(RescueVerdict *verdict, const RescueEvidence *evidence)
{
	if (evidence->signing_status == 0 || evidence->signing != verdict->failure)
		return;
	/* an HTTP status in its place: iTunes shows 3503 for 403 (window.def) */
	if (evidence->signing_status < 0) {
		add_code(verdict, "itunes", ITUNES_SIGNING - evidence->signing_status);
		return;
	}
	add_code(verdict, "tss", evidence->signing_status);
	add_itunes_twin(verdict, "tss", evidence->signing_status);
}

/* those that were seen; only when none was, those by which people know the failure */
static void
collect_codes(RescueVerdict *verdict, const RescueEvidence *evidence)
{
	for (guint i = 0; i < verdict->proof->len; i++) {
		const RescueHit *hit = g_ptr_array_index(verdict->proof, i);
		if (hit->domain == NULL)
			continue;
		add_code(verdict, hit->domain, hit->value);
		add_itunes_twin(verdict, hit->domain, hit->value);
	}
	collect_signing_code(verdict, evidence);
	if (verdict->codes->len > 0)
		return;
	const RescueCode *code;
	for (size_t i = 0; (code = rescue_failure_code(verdict->failure, i)) != NULL; i++) {
		if (strcmp(code->domain, "itunes") == 0 && code->confidence > RESCUE_CONFIDENCE_LOW)
			add_code(verdict, code->domain, code->value);
	}
}

static char *
make_sentence(const RescueEvidence *evidence, const RescueJudgement *judgement)
{
	const char *what = rescue_failure_info(judgement->failure)->means;
	g_autofree char *with_host = NULL;
	if (evidence->error != NULL && judgement->failure == judgement->told)
		what = evidence->error->message;
	if (judgement->host != NULL)
		what = with_host = g_strdup_printf("%s; this computer shows: %s", what,
						   judgement->host->text);
	if (judgement->phase == RESCUE_PHASE_UNKNOWN || judgement->failure == RESCUE_FAILURE_NONE)
		return g_strdup(what);
	return g_strdup_printf("while %s: %s", rescue_phase_text(judgement->phase), what);
}

RescueVerdict *
rescue_verdict_new(const RescueEvidence *evidence, const RescueJudgement *judgement)
{
	RescueVerdict *verdict = g_new0(RescueVerdict, 1);
	const GPtrArray *hits = NULL;
	if (evidence->transcript != NULL) {
		hits = rescue_transcript_hits(evidence->transcript);
		verdict->dialect = rescue_transcript_dialect(evidence->transcript);
	}
	verdict->failure = judgement->failure;
	verdict->phase = judgement->phase;
	verdict->confidence = judgement->confidence;
	verdict->proof = g_ptr_array_new_with_free_func(proof_free);
	verdict->codes = g_array_new(FALSE, FALSE, sizeof(RescueCode));
	verdict->alternatives = g_array_new(FALSE, FALSE, sizeof(RescueFailure));
	collect_proof(verdict, hits, judgement);
	collect_codes(verdict, evidence);
	collect_alternatives(verdict, hits, judgement->told);
	verdict->sentence = make_sentence(evidence, judgement);
	return verdict;
}

void
rescue_verdict_free(RescueVerdict *verdict)
{
	if (verdict == NULL)
		return;
	g_ptr_array_unref(verdict->proof);
	g_array_unref(verdict->codes);
	g_array_unref(verdict->alternatives);
	g_free(verdict->sentence);
	g_free(verdict);
}

static RescueJson *
documented_json(const RescueFailureInfo *info)
{
	RescueJson *array = rescue_json_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(info->documented); i++) {
		if (info->documented[i] != RESCUE_CATEGORY_LAST)
			rescue_json_append_string(array, rescue_category_name(info->documented[i]));
	}
	return array;
}

static RescueJson *
codes_json(const GArray *codes)
{
	RescueJson *array = rescue_json_array_new();
	for (guint i = 0; i < codes->len; i++) {
		const RescueCode *code = &g_array_index(codes, RescueCode, i);
		RescueJson *object = rescue_json_object_new();
		rescue_json_set_string(object, "domain", code->domain);
		rescue_json_set_int(object, "value", code->value);
		rescue_json_append_take(array, object);
	}
	return array;
}

static RescueJson *
proof_json(const GPtrArray *proof)
{
	RescueJson *array = rescue_json_array_new();
	for (guint i = 0; i < proof->len; i++) {
		const RescueHit *hit = g_ptr_array_index(proof, i);
		RescueJson *object = rescue_json_object_new();
		/* what was found on this computer stands in no log */
		if (hit->number > 0)
			rescue_json_set_int(object, "line", (int64_t)hit->number);
		rescue_json_set_string(object, "text", hit->text);
		rescue_json_append_take(array, object);
	}
	return array;
}

static RescueJson *
alternatives_json(const GArray *alternatives)
{
	RescueJson *array = rescue_json_array_new();
	for (guint i = 0; i < alternatives->len; i++) {
		const RescueFailureInfo *info = rescue_failure_info(
		    g_array_index(alternatives, RescueFailure, i));
		RescueJson *object = rescue_json_object_new();
		rescue_json_set_string(object, "failure", info->name);
		rescue_json_set_string(object, "category", rescue_category_name(info->category));
		rescue_json_set_string(object, "confidence",
				       rescue_confidence_name(RESCUE_CONFIDENCE_LOW));
		rescue_json_append_take(array, object);
	}
	return array;
}

RescueJson *
rescue_verdict_to_json(const RescueVerdict *verdict)
{
	const RescueFailureInfo *info = rescue_failure_info(verdict->failure);
	RescueJson *object = rescue_json_object_new();
	rescue_json_set_string(object, "tool", rescue_dialect_tool(verdict->dialect));
	rescue_json_set_string(object, "dialect", rescue_dialect_name(verdict->dialect));
	rescue_json_set_string(object, "phase", rescue_phase_name(verdict->phase));
	rescue_json_set_string(object, "category", rescue_category_name(info->category));
	rescue_json_take(object, "documented", documented_json(info));
	rescue_json_set_string(object, "failure", info->name);
	rescue_json_take(object, "codes", codes_json(verdict->codes));
	rescue_json_set_string(object, "confidence", rescue_confidence_name(verdict->confidence));
	rescue_json_set_string(object, "retry", rescue_retry_name(info->retry));
	rescue_json_set_string(object, "message", verdict->sentence);
	rescue_json_take(object, "evidence", proof_json(verdict->proof));
	rescue_json_take(object, "alternatives", alternatives_json(verdict->alternatives));
	return object;
}
