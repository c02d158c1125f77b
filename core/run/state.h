/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/failure/evidence.h"
#include "core/model/event.h"
#include "core/remedy/remedy.h"
#include "core/run/run.h"
#include "core/run/turn.h"

/* What one job knows while it runs; private to core/run. */
typedef struct {
	const RescueJob *job;
	const RescuePorts *ports;
	const RescueResume *resume; /* NULL: a new job */
	RescueRunListener listener;
	void *listener_data;

	uint64_t seq;       /* of the last event */
	int64_t started_us; /* monotonic */
	int64_t said_us;    /* of the last event, monotonic */
	GError *broken;     /* the journal refuses: the job ends in order, once no engine runs */
	GQueue late;        /* RescueJson: events that the journal has not taken yet, in order */
	bool lost;          /* there were too many of them: the journal stays as it is */
	bool blind;         /* so the engine's words may be missing too: they go to the same disk */
	GError *stuck;      /* an engine that does not even end when it is killed */
	GError *cut_short;  /* the one of these two for which alone the job ended */
	unsigned stops;     /* how often somebody asked us to stop */
	/* somebody asked to, while the device was flashed: no other attempt after this one */
	bool last_attempt;

	RescueDevice *device;  /* as last seen */
	char *port;            /* where it was last, also while it is absent; NULL: not known */
	RescueMode first_mode; /* before we touched it */
	RescueFirmware *firmware;
	RescueRelease *release; /* what a wish came to; NULL: the job names its file */
	GPtrArray *refused; /* builds that it came to before, and that are not signed: strings */
	RescueJob own_job;  /* the job as it was changed on the way; borrows what it does not own */
	RescuePolicy *own_policy; /* NULL: still that of the job */
	char *fetched_path;       /* the file that was fetched; NULL: not yet */
	bool distrusted;          /* it was looked at byte by byte already */
	char
	    *image; /* the system image, unpacked for all jobs; NULL: not needed, or not possible */
	char *image_member; /* what it is called in the archive */
	uint64_t image_bytes;
	uint64_t asked_bytes; /* of room for what the engine unpacks, the last time */
	RescuePhase step;     /* the step that was announced last and is open, or LAST */

	int64_t remedy_us; /* when the present remedy was begun */
	char *did;         /* what came of it, beyond its own words; NULL: nothing to tell */

	unsigned attempt; /* engine runs so far */
	RescueEngineRun engine;
	RescueEvidence *evidence; /* of the present attempt */
	GArray *tried;            /* RescueTried */
	unsigned alone_on;        /* the USB bus that this job has to itself; 0: none */
	bool confirm_only; /* the next try needs no engine: the device may have started now */
	bool trusted;      /* iOS on it trusts this computer, and it has not left iOS since */
	/* failures that nothing on this computer explained: it is not looked at again for them */
	bool looked[RESCUE_FAILURE_LAST];
	char *peeked;         /* the build that was looked into on its server; NULL: none */
	bool before_told;     /* what the device was like */
	bool warned;          /* of Find My */
	bool proven;          /* the firmware was read and fits, whatever failed afterwards */
	bool relay_waits;     /* the relay has told of an outage, and not yet of its end */
	unsigned unanswered;  /* how often nobody could say whether the build is signed */
	bool reached_restore; /* an engine got as far as talking to the restore service */
	bool erased;          /* the former data are gone */
	char *booted_version, *booted_build;
} RescueRun;

/** Fills `run` for a job that begins, or goes on where `spec->resume` left off. Borrows the spec's members. */
void rescue_run_state_init(RescueRun *run, const RescueRunSpec *spec);
/** Frees what `run` owns, not `run` itself. */
void rescue_run_state_clear(RescueRun *run);
/** Monotonic time of the job's clock. */
int64_t rescue_run_now_us(const RescueRun *run);
/** What is left of the deadline of the whole job; negative when it is over. */
int64_t rescue_run_ms_left(const RescueRun *run);

/* report.c: everything that leaves the job goes through here, journal first. */

/**
 * Stamps, journals, then tells the listener. Takes `body`. What the journal refuses (`run->broken` is set) is kept
 * and
 * offered again, in order, with the next event; progress that comes meanwhile is only told.
 */
void rescue_run_say(RescueRun *run, RescueJson *body);
/** Ends the open step and begins this one; RESCUE_PHASE_LAST only ends. The same step again says nothing. */
void rescue_run_step(RescueRun *run, RescuePhase phase);
void rescue_run_say_failure(RescueRun *run, const RescueVerdict *verdict);
/** state: "begin" or "end"; outcome NULL at the begin. The end tells what was done, and how long it took. */
void rescue_run_say_remedy(RescueRun *run, RescueRemedy remedy, const char *state,
			   const char *outcome);
/** What is known before anything is touched, once it is more than before; warns of what an erase makes worse. */
void rescue_run_say_before(RescueRun *run);
/** What the phone that has booted answered. */
void rescue_run_say_after(RescueRun *run, const RescueDevice *answer);
/** The lines of the engine that ended now which the record of the job needs, and how it ended. */
void rescue_run_say_evidence(RescueRun *run);
void rescue_run_say_done(RescueRun *run, const RescueRunResult *result);

/* state.c: waiting. */

/**
 * The next thing that happens until `deadline_us`; device changes and stops are noted in the state before it is
 * returned. NULL at the deadline, and at once when the job was asked to stop and `run->stops` grew. Caller owns.
 */
RescueObservation *rescue_run_next(RescueRun *run, int64_t deadline_us);
/** Waits this long unless stopped; false when stopped. */
bool rescue_run_pause(RescueRun *run, int ms);
/** Waits until the device is in one of the modes (bit mask of 1u << mode); false at the deadline or when stopped. */
bool rescue_run_wait_mode(RescueRun *run, unsigned modes, int ms);
/** What was seen of the last try is evidence no more. */
void rescue_run_forget(RescueRun *run);
/** What the bus shows now, without opening anything. */
void rescue_run_look(RescueRun *run);

/* The steps, in the order in which a job takes them. Each fills run->evidence and returns false when it failed. */

bool rescue_run_prepare(RescueRun *run);
/**
 * The latest firmware was refused by the signing server although the catalogues call it signed, as their opinion is
 * hours old: the newest that they call signed and that was not refused yet takes its place, if the job may erase. True
 * when there is one; it still has to be fetched and checked.
 */
bool rescue_run_choose_next(RescueRun *run);
/**
 * Before a large download: refuses what is for another device, cannot do what is asked for, or is called unsigned by
 * the signing server and the catalogues. True too when nothing could be learned.
 */
bool rescue_run_peek(RescueRun *run, GError **error);
/** `run->firmware` fits the device, by this identity of it (borrowed, may be NULL). */
bool rescue_run_check_model(RescueRun *run, const RescueIdentity **ret_identity, GError **error);
/** As rescue_run_check_signing(), for an archive that is not here yet: no engine can be asked for its opinion. */
bool rescue_run_ask_ahead(RescueRun *run, const RescueIdentity *identity, const char *url,
			  GError **error);
/** Chooses and fetches what is wished for, unless the job names a file or it is here: run->job then names it. */
bool rescue_run_download(RescueRun *run, GError **error);
/**
 * Follows a download, or the unpacking of an image, to its end: the path, or NULL with an error after `end` was called
 * or it ended by itself. Caller frees.
 */
typedef struct {
	RescuePhase phase;
	const char *what;      /* "the download" */
	RescueFailure silence; /* what it is called when nothing is heard of it any more */
	const char *kept;      /* what becomes of what has been done, when somebody asks to stop */
	void (*end)(void *self);
	void *self;
	uint64_t *ret_bytes; /* of the file; NULL: not wanted */
} RescueFollow;
char *rescue_run_follow(RescueRun *run, const RescueFollow *what, GError **error);
/** The system image is ready for an engine that would unpack it, or there is room for that. */
bool rescue_run_unpack(RescueRun *run, const RescueIdentity *identity, GError **error);
/** What was fetched is not wanted any more: the next file is chosen anew. */
void rescue_run_forget_file(RescueRun *run);
/** What was fetched turned out unusable: it is proven or fetched again, once for each job. */
bool rescue_run_download_again(RescueRun *run, GError **error);
/** What the relay saw becomes evidence, and is told when `telling`; true when it waits for the server. */
bool rescue_run_note_signing(RescueRun *run, const RescueObservation *seen, bool telling);
/** Whether the signing server signs this identity for this device; nothing is touched. */
bool rescue_run_check_signing(RescueRun *run, const RescueIdentity *identity, GError **error);
/** Has iOS trust this computer, where that is needed; a question on its screen is reported and waited for. */
bool rescue_run_gain_trust(RescueRun *run, GError **error);
/** Somebody is asked to see to it, and gets this long; false when nobody did. */
bool rescue_run_await_trust(RescueRun *run, int ms);
/** Out of iOS into recovery mode, with trust where that is needed; true in any other mode. */
bool rescue_run_enter_recovery(RescueRun *run, GError **error);
/** What has to be done to a device in iOS before the engine of this job gets it. */
bool rescue_run_open_door(RescueRun *run, GError **error);
/** Waits for a turn of the line, when the job belongs to one; false when stopped. */
bool rescue_run_take_turn(RescueRun *run, const char *turn, unsigned number);
/** The parts of it, for who has more to do than to wait: `turn`, `number` and `most_us` are filled in by the caller. */
void rescue_run_ask_turn(RescueRun *run, RescueTurnWait *wait);
/** As rescue_turn_why_over(), with what is known now. */
const char *rescue_run_look_at_turn(const RescueRun *run, RescueTurnWait *wait);
void rescue_run_end_turn(RescueRun *run, const RescueTurnWait *wait, const char *why);
/** An engine that is held right before it sends the system image; zero-initialise for each. */
typedef struct {
	bool was, on;
	RescueTurnWait wait;
} RescueRunHold;
/** It begins to send now: it is held, when the job's line wants that. */
void rescue_run_hold(RescueRun *run, RescueRunHold *hold);
/** Lets it go on when that is due; true when it was. `pointless`: it will never send, or its phone is gone. */
bool rescue_run_look_at_hold(RescueRun *run, RescueRunHold *hold, bool pointless);
/** It broke while the device was sent something, and other jobs use its USB bus now. */
bool rescue_run_shares_bus(const RescueRun *run);
/** Waits until the bus is this job's alone; false, with nothing held, when that did not come to pass. */
bool rescue_run_have_bus_alone(RescueRun *run);
/** A turn on the bus for the next engine; goes on without one when it was waited for long enough. */
void rescue_run_enter_bus(RescueRun *run);
/** The system image is sent: others may begin again. */
void rescue_run_share_bus(RescueRun *run);
/** The engine has ended. */
void rescue_run_leave_bus(RescueRun *run);
bool rescue_run_attempt(RescueRun *run);
/** Watches the engine that runs now to its end; true when it says that the restore is finished. */
bool rescue_run_follow_engine(RescueRun *run, bool adopted);
/** Takes over the engine of an earlier supervisor, living or dead, and follows it to its end. */
bool rescue_run_adopt(RescueRun *run);
/** The adopted engine had not said a word when its supervisor died: it never came to run. */
bool rescue_run_was_not_run(const RescueRun *run);
bool rescue_run_confirm(RescueRun *run);
/** The job as this run may change it; run->job from then on. */
RescueJob *rescue_run_own_job(RescueRun *run);
/** What is there for remedies: bits 1u << RescueGiven. */
unsigned rescue_run_has(const RescueRun *run);
/** A remedy that changes this computer or the job. */
bool rescue_run_change(RescueRun *run, RescueRemedy remedy);
/** Asks for what only a person can do, and waits until it is seen that somebody did it; false when nobody did. */
bool rescue_run_ask_person(RescueRun *run, RescueRemedy remedy);
/** Carries out the plan; false when it had no effect. */
bool rescue_run_recover(RescueRun *run, const RescuePlan *plan);
/** Leaves the device as friendly as possible after giving up: back to normal mode when its data are untouched. */
void rescue_run_leave(RescueRun *run);
