/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/run/run.h"

#include "core/remedy/experience.h"
#include "core/run/state.h"

/* One try: the engine's run, and the proof that the device has booted. */
static bool
try_once(RescueRun *run)
{
	bool restored;

	rescue_run_forget(run);
	if (run->confirm_only) {
		run->confirm_only = false;
		return rescue_run_confirm(run);
	}
	restored = rescue_run_attempt(run) && rescue_run_confirm(run);
	if (run->evidence->transcript != NULL)
		rescue_run_say(run, rescue_event_attempt(run->attempt, run->engine.version,
							 restored ? "restored" : "failed"));
	return restored;
}

/* What earlier jobs have learned about this failure. Caller owns. */
static GArray *
recall(const RescueRun *run, const RescueVerdict *verdict)
{
	const RescuePorts *ports = run->ports;
	GArray *experience = g_array_new(FALSE, FALSE, sizeof(RescueExperience));
	const RescueRecallQuestion question = {
		.failure = rescue_failure_info(verdict->failure)->name,
		.phase = rescue_phase_name(verdict->phase),
		.product = run->device->product,
		.port = run->port,
		.engine = run->engine.version,
		.job = run->job->id,
	};
	g_autoptr(GPtrArray) recalls = ports->memory != NULL
					   ? ports->memory->recall(ports->memory_self, &question)
					   : NULL;

	for (guint i = 0; recalls != NULL && i < recalls->len; i++) {
		const RescueRecall *one = recalls->pdata[i];
		RescueExperience known;
		if (rescue_remedy_parse(one->remedy, &known.remedy) &&
		    rescue_experience_narrow(one->tried, one->helped, RESCUE_SCOPE_LAST, &known))
			g_array_append_val(experience, known);
	}
	return experience;
}

static RescuePlan
plan_next(RescueRun *run, const RescueVerdict *verdict)
{
	g_autoptr(GArray) experience = recall(run, verdict);
	RescueFacts facts = {
		.experience = experience,
		.failure = verdict->failure,
		.phase = verdict->phase,
		.mode = run->device->mode,
		.unattended = run->job->unattended,
		.data_erased = run->erased,
		.has = rescue_run_has(run),
	};
	RescueBudget budget = {
		.attempts = run->job->policy->attempts -
			    MIN(run->attempt, run->job->policy->attempts),
		.ms = rescue_run_ms_left(run),
	};

	return rescue_plan_next(&facts, &budget, run->job->policy, run->tried);
}

/*
 * A person's remedy in a job that nobody attends ends it. The documented category is what scripts ask for; only a
 * failure that has none is reported as waiting for an operator.
 */
static RescueOutcome
outcome_without_remedy(const RescueRun *run, RescueFailure failure, RescueRemedy remedy)
{
	bool person_helps = !rescue_remedy_info(remedy)->automatic;
	bool documented = rescue_failure_info(failure)->documented[0] != RESCUE_CATEGORY_LAST;

	if (failure == RESCUE_FAILURE_CANCELLED || run->stops > 0 || run->last_attempt)
		return RESCUE_OUTCOME_CANCELLED;
	if (failure == RESCUE_FAILURE_BOOT_NOT_SEEN)
		return RESCUE_OUTCOME_RESTORED_UNCONFIRMED;
	return rescue_failure_info(failure)->category == RESCUE_CATEGORY_DEVICE_STATE &&
		       person_helps && !documented
		   ? RESCUE_OUTCOME_NEEDS_OPERATOR
		   : RESCUE_OUTCOME_GAVE_UP;
}

/* Whatever the journal takes. */
static bool
is_at_its_end(const RescueRun *run, RescueRemedy remedy)
{
	bool person = !rescue_remedy_info(remedy)->automatic;

	return run->stops > 0 || run->last_attempt || remedy == RESCUE_REMEDY_GIVE_UP ||
	       (person && run->job->unattended);
}

/* A job that was over anyway keeps its own failure, unless an engine is left behind. */
static void
cut_short(RescueRun *run, bool over)
{
	const GError *cause = run->stuck != NULL ? run->stuck : over ? NULL : run->broken;

	g_clear_error(&run->cut_short);
	run->cut_short = cause != NULL ? g_error_copy(cause) : NULL;
}

static bool
ends_job(RescueRun *run, RescueRemedy remedy)
{
	bool over = is_at_its_end(run, remedy);

	cut_short(run, over);
	return over || run->cut_short != NULL;
}

static void
note_tried(RescueRun *run, const RescueVerdict *verdict, RescueRemedy remedy, bool took_effect)
{
	RescueTried tried = {
		.failure = verdict->failure,
		.phase = verdict->phase,
		.remedy = remedy,
		.took_effect = took_effect,
	};

	g_array_append_val(run->tried, tried);
}

/* What everything else tells may have its cause on this computer, which then is the failure. Caller owns. */
static RescueVerdict *
judge(RescueRun *run)
{
	const RescuePorts *ports = run->ports;
	g_autoptr(RescueVerdict) verdict = rescue_classify(run->evidence);
	RescueFailure told = verdict->failure;
	unsigned look = rescue_host_looks(told);

	if (look == 0 || run->looked[told] || run->stops > 0 || ports->host->look == NULL)
		return g_steal_pointer(&verdict);
	run->evidence->host = ports->host->look(ports->host_self, look, run->device);
	run->looked[told] = rescue_host_explain(run->evidence->host, told) == NULL;
	return rescue_classify(run->evidence);
}

/*
 * Judges what broke, and changes something. Remedies without effect are climbed over at once; true when the next try
 * may begin. Each is in the journal before it is carried out.
 */
static bool
judge_and_recover(RescueRun *run, RescueRunResult *result)
{
	g_autoptr(RescueVerdict) verdict = judge(run);
	RescuePlan plan;
	bool helped;

	rescue_run_step(run, RESCUE_PHASE_LAST);
	rescue_run_say_failure(run, verdict);
	result->failure = verdict->failure;
	result->phase = verdict->phase;
	do {
		plan = plan_next(run, verdict);
		if (ends_job(run, plan.remedy)) {
			result->outcome = outcome_without_remedy(run, verdict->failure,
								 plan.remedy);
			rescue_set_string(&result->advice,
					  rescue_failure_info(verdict->failure)->advice);
			return false;
		}
		helped = rescue_run_recover(run, &plan);
		note_tried(run, verdict, plan.remedy, helped);
	} while (!helped);
	return true;
}

/* A check that failed before anything was touched: most are final, but a device may still turn up. */
static bool
prepare(RescueRun *run, RescueRunResult *result)
{
	while (!rescue_run_prepare(run)) {
		if (!judge_and_recover(run, result))
			return false;
		rescue_run_forget(run);
	}
	rescue_run_step(run, RESCUE_PHASE_LAST);
	return true;
}

static void
restore_anew(RescueRun *run, RescueRunResult *result)
{
	if (!prepare(run, result))
		return;
	if (run->job->dry_run) {
		result->outcome = RESCUE_OUTCOME_DRY_RUN;
		return;
	}
	while (!try_once(run))
		if (!judge_and_recover(run, result))
			return;
	result->outcome = RESCUE_OUTCOME_RESTORED;
}

static void
say_broken(RescueRun *run, RescueRunResult *result)
{
	const GError *cause = run->cut_short;

	if (cause == NULL || result->outcome == RESCUE_OUTCOME_RESTORED)
		return;
	result->outcome = RESCUE_OUTCOME_GAVE_UP;
	result->failure = (RescueFailure)cause->code;
	g_free(result->advice);
	result->advice = run->stuck != NULL
			     ? g_strdup(cause->message)
			     : g_strdup_printf("%s; cure that and run the command again",
					       cause->message);
}

/*
 * What an engine left behind when its supervisor died is judged like any other attempt. Only the phone that was
 * seen booted makes it a success; without the firmware at hand nobody can say which build that should be. False when
 * the job is over, in success or not.
 */
static bool
finish_adopted(RescueRun *run, RescueRunResult *result)
{
	bool restored = rescue_run_adopt(run) && rescue_run_confirm(run);
	bool not_run = !restored && rescue_run_was_not_run(run);

	rescue_run_say(run, rescue_event_attempt(run->attempt, run->engine.version,
						 restored  ? "restored"
						 : not_run ? "not-run"
							   : "failed"));
	if (restored)
		result->outcome = RESCUE_OUTCOME_RESTORED;
	else if (not_run)
		run->attempt--; /* it has used up nothing */
	else if (judge_and_recover(run, result))
		not_run = true;
	rescue_run_forget(run);
	return not_run;
}

static void
restore(RescueRun *run, RescueRunResult *result)
{
	bool adopts = run->resume != NULL && run->resume->engine.pid != 0;

	if (!adopts || finish_adopted(run, result))
		restore_anew(run, result);
}

/* with what another supervisor needs for knowing how much of the job's time is spent */
static RescueJson *
make_job_event(const RescueRun *run)
{
	RescueJson *event = rescue_event_job(run->job);
	RescueMoment now;

	rescue_clock_moment(run->ports->clock, &now);
	rescue_moment_write(&now, event);
	rescue_json_set_int(event, "spent_ms", run->resume != NULL ? run->resume->spent_ms : 0);
	return event;
}

void
rescue_run(const RescueRunSpec *spec, RescueRunResult *ret_result)
{
	RescueRun run;

	*ret_result = (RescueRunResult){ .outcome = RESCUE_OUTCOME_GAVE_UP };
	rescue_run_state_init(&run, spec);
	rescue_run_say(&run, make_job_event(&run));
	/* without a journal no job begins; an engine that runs already is followed all the same */
	cut_short(&run, spec->resume != NULL && spec->resume->engine.pid != 0);
	if (run.cut_short == NULL)
		restore(&run, ret_result);
	rescue_run_step(&run, RESCUE_PHASE_LAST);
	if (ret_result->outcome != RESCUE_OUTCOME_RESTORED &&
	    ret_result->outcome != RESCUE_OUTCOME_DRY_RUN)
		rescue_run_leave(&run);
	say_broken(&run, ret_result);
	ret_result->attempts = run.attempt;
	ret_result->exit_status = rescue_outcome_exit_status(ret_result->outcome,
							     ret_result->failure);
	rescue_run_say_done(&run, ret_result);
	ret_result->trouble = run.broken != NULL ? g_strdup(run.broken->message) : NULL;
	rescue_run_state_clear(&run);
}
