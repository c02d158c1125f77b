/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/run/run.h"

/*
 * A world made of fake ports and a virtual clock, for tests of core/run. Engine runs are scripts, one per attempt:
 *   > TEXT      the engine writes this line
 *   mode WORD   the phone is seen in this mode from now on
 *   port 1-3    it is plugged in there when it is seen next
 *   wait MS     that much time passes before what follows
 *   stop        somebody asks to stop
 *   exit N      the engine ends by itself; without it, it hangs until it is ended
 * After the last script the last one is played again.
 */
typedef struct RescueWorld RescueWorld;

RescueWorld *rescue_world_new(RescueMode mode);
void rescue_world_free(RescueWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueWorld, rescue_world_free)

/** Somebody can be asked, and the phone is on this port; by itself it is on 1-2, and nobody is there. */
void rescue_world_is_attended(RescueWorld *world, const char *port);
/** An engine was started that erases. */
bool rescue_world_erases(const RescueWorld *world);
/** So many other engines are installed that can be used. */
void rescue_world_has_engines(RescueWorld *world, unsigned others);
/** The phone's port can be switched off and on, and that brings it back in recovery mode. */
void rescue_world_switches_port(RescueWorld *world);
/** iOS asks its owner about this computer, who says yes after this much time; else it is trusted. */
void rescue_world_trusts_after(RescueWorld *world, int ms);
/** For so long from now on another job uses the USB bus. */
void rescue_world_bus_is_crowded(RescueWorld *world, int ms);
/** For so long another job wants it to itself, or has it so. */
void rescue_world_bus_is_claimed(RescueWorld *world, int ms);
/** In iOS the phone tells how full its battery is: so much in the beginning, and one percent more each minute. */
void rescue_world_tells_battery(RescueWorld *world, unsigned percent);
/** usbmuxd is dead; it may be restarted, or somebody else depends on it. */
void rescue_world_has_dead_usbmuxd(RescueWorld *world, bool may_restart);
/** What the phone does by itself from the beginning. */
void rescue_world_begins(RescueWorld *world, const char *script);
/** Adds the script of one more engine run. */
void rescue_world_engine_plays(RescueWorld *world, const char *script);
/** What the phone does after the next engine run: mode and wait lines. The last one stays; without any it boots. */
void rescue_world_then(RescueWorld *world, const char *script);
/**
 * The job belongs to a line, which gives each turn after so long. Negative: its daemon is dead, and nobody does; the
 * job believes that after twenty seconds.
 */
void rescue_world_joins_line(RescueWorld *world, int grant_ms);
/** Before it sends the system image an engine of that line may be held so long: "hold" and "go_on" are the calls. */
void rescue_world_holds(RescueWorld *world, int ms);
/** The n-th call (from 1) of this port function ("check_usbmuxd", "inspect", "start", "act", "query", …) fails. */
void rescue_world_fail(RescueWorld *world, const char *call, unsigned nth, RescueFailure failure);
/* "check_signing" that fails is a server that says no or nothing; "confirm_refusal" that fails is an engine that does
 * get its ticket. */
/** The calls from the first to the last of these numbers fail; last 0: all that follow. */
void rescue_world_fail_between(RescueWorld *world, const char *call, unsigned first, unsigned last,
			       RescueFailure failure);
/** Once the engine has been started the wall clock stands this much further, or back; monotonic time does not care. */
void rescue_world_wall_jumps(RescueWorld *world, int64_t ms);
/**
 * The firmware is one of those since iOS 26, whose update calls itself an erase in the word that 1.0.0 goes by; the
 * engines go by this word, or by the other one.
 */
void rescue_world_update_called_erase(RescueWorld *world, RescuePicking picking);
/** The firmware's system image is not packed, and the engines read it inside of the archive. */
void rescue_world_stores_image(RescueWorld *world);
/** The last engine was given a system image that is unpacked already; "prepare" is the call that may fail. */
bool rescue_world_engine_got_image(const RescueWorld *world);
/** How much room on the disk was asked for last. */
uint64_t rescue_world_asked_bytes(const RescueWorld *world);
/** An engine was not only prepared but let run. */
bool rescue_world_engine_ran(const RescueWorld *world);
/** The journal got its events in the order of their numbers, each once. */
bool rescue_world_seqs_ascend(const RescueWorld *world);
/** The "seconds" of the done event, -1 before it. */
double rescue_world_seconds(const RescueWorld *world);
/** The operator asks to stop after this much time. */
void rescue_world_stop_after(RescueWorld *world, int ms);
/** The job goes on where an earlier supervisor left off; when it adopts an engine, that one plays the next script. */
void rescue_world_resumes(RescueWorld *world, const RescueResume *resume);
/** What a supervisor left that died in its first attempt, with an engine of 1.0.0. */
extern const RescueResume rescue_world_one_attempt;
/**
 * The job names no file but wants the latest. Downloads take ten seconds with a word every second; "list" and "fetch"
 * are the calls that may fail, "fetch" by its last word. `silent`: they never say anything.
 */
void rescue_world_wants_latest(RescueWorld *world, bool silent);
/** What the catalogues list has ten gigabytes, and that opinion about its signature. "is_here" that fails: it is. */
void rescue_world_firmware_is_large(RescueWorld *world, RescueSigned listed);
/** May put itself between the job and the ports of the world, and listen; borrowed for the length of the run. */
typedef void (*RescueWorldWrap)(RescueRunSpec *spec, RescuePorts *ports, void *data);
void rescue_world_wraps(RescueWorld *world, RescueWorldWrap wrap, void *data);
/** Runs an unattended job to its end. Result and history stay until the world is freed. */
const RescueRunResult *rescue_world_run(RescueWorld *world, RescueBehavior behavior);
/** The job's policy, to be changed before the run. Borrowed. */
RescuePolicy *rescue_world_policy(RescueWorld *world);
/** "check_usbmuxd probe inspect start end act:reboot …": every port call with an effect, in order. Borrowed. */
const char *rescue_world_calls(RescueWorld *world);
/** How often a call was made. */
unsigned rescue_world_count(RescueWorld *world, const char *call);
/** The names of the journalled events with what matters of them: "failure:usb-link-dropped remedy:pause …". */
const char *rescue_world_history(RescueWorld *world);
/** What has been journalled, RescueJson; borrowed. */
const GPtrArray *rescue_world_events(const RescueWorld *world);
/**
 * What iOS on the phone says of its owner to a computer that it trusts, until an engine was started that erases; then
 * it is not activated, and says of everything that it is off. Borrowed.
 */
void rescue_world_belongs_to(RescueWorld *world, const RescueOwner *owner);
/** Virtual milliseconds since the world began. */
int64_t rescue_world_ms(const RescueWorld *world);
