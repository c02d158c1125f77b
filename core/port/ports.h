/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/failure/host.h"
#include "core/failure/transcript.h"
#include "core/model/build.h"
#include "core/model/device.h"
#include "core/model/job.h"
#include "core/model/observation.h"
#include "core/model/release.h"

/*
 * The outside world as a job sees it. Each port is a const table of functions plus the state behind it; transport/,
 * firmware/, core/process and core/store implement them, tests/fake implements them again. A call returns when its
 * work is done or its own deadline is over: it may run the loop meanwhile, and what is observed during a call waits
 * in the inbox. Errors are in the domain RESCUE_ERROR; out-parameters are untouched on failure.
 */

/** Where observations arrive. */
typedef struct {
	/** The next observation, or one of kind DEADLINE at `deadline_us` (monotonic). Never NULL; caller owns. */
	RescueObservation *(*next)(void *self, int64_t deadline_us);
} RescueInboxPort;

typedef enum {
	RESCUE_ACTION_ENTER_RECOVERY, /* normal → recovery */
	RESCUE_ACTION_LEAVE_RECOVERY, /* recovery → normal: auto-boot on, reboot */
	RESCUE_ACTION_REBOOT,         /* recovery or restore mode: reboot into what it would boot */
	RESCUE_ACTION_AUTOBOOT_ON,    /* recovery: auto-boot true, saved */
	RESCUE_ACTION_AUTOBOOT_OFF,
	RESCUE_ACTION_USB_RESET, /* recovery or DFU: the bus reset of its port */
	RESCUE_ACTION_LAST
} RescueAction;

/** The devices on this host's bus. */
typedef struct {
	/** Everything attached now, RescueDevice; caller owns the array. Opens nothing. */
	GPtrArray *(*list)(void *self);
	/** The device as seen now, mode absent when it is not attached. Caller owns. Opens nothing. */
	RescueDevice *(*find)(void *self, RescueEcid ecid);
	/**
	 * Asks the device itself (agent child): which mode, product, serial, installed version and build, whose it is.
	 * `mode` and what it says update the sighting. Fails with a failure when the device does not answer in time.
	 */
	bool (*query)(void *self, RescueEcid ecid, RescueDevice **ret_device, GError **error);
	/** One action by an agent child; success means the command was accepted, not that the mode has changed. */
	bool (*act)(void *self, RescueEcid ecid, RescueAction action, GError **error);
	/**
	 * Asks iOS to trust this computer (agent child). True: what it said; ASKING means that somebody has to answer
	 * on its screen, and that it may be asked again at any time. DEVICE_LOCKED, DEVICE_UNTRUSTED: it says no.
	 */
	bool (*pair)(void *self, RescueEcid ecid, RescueTrust *ret_trust, GError **error);
	/** While an engine drives this device it is never queried by anybody. */
	void (*set_busy)(void *self, RescueEcid ecid, bool busy);
} RescueDevicePort;

/** The USB port that a device is plugged into ("1-2.4"), as this computer controls it. */
typedef struct {
	/** It can be switched off and on without any other port being cut. */
	bool (*can_cycle)(void *self, const char *port);
	/** Does it; the port is on again when this returns. HOST_IO. Blocks for seconds. */
	bool (*cycle)(void *self, const char *port, GError **error);
	/** The kernel may suspend what is plugged in there. */
	bool (*may_suspend)(void *self, const char *port);
	/** Keeps it from that. HOST_IO, also when this user may not. */
	bool (*keep_awake)(void *self, const char *port, GError **error);
} RescuePowerPort;

/** One run of the engine. */
typedef struct {
	const RescueJob *job;
	const RescueDevice *device;
	unsigned attempt; /* from 1 */
	/*
	 * The system image, unpacked already: the engine gets it in its own folder by a link, and never writes to it.
	 * NULL: it unpacks it by itself.
	 */
	const char *image;
	const char *image_member; /* what it is called in the archive */
	uint64_t image_bytes;     /* as the archive has it */
} RescueEngineStart;

/** How a running engine is known, to us and to whoever adopts it. */
typedef struct {
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot, /proc/PID/stat field 22 */
	char *transcript;    /* path of the file it writes to */
	char *version;       /* "1.0.0" */
	RescueDialect dialect;
	RescuePicking picking; /* how it finds the build identity of a restore */
	/* reads a system image that is stored, not packed, inside of the archive */
	bool streams_stored;
} RescueEngineRun;

void rescue_engine_run_clear(RescueEngineRun *run);

/** Whom a port tells, before an engine may touch the device, that it exists now: so that it can be journalled. */
typedef bool (*RescueEngineJournal)(const RescueEngineRun *run, void *data, GError **error);

/** A second opinion on a refused signature. */
typedef enum {
	RESCUE_REFUSAL_CONFIRMED, /* the engine is refused, too */
	RESCUE_REFUSAL_DENIED,    /* it gets a ticket */
	RESCUE_REFUSAL_UNKNOWN,   /* it could not ask, or did not tell */
} RescueRefusal;

/** idevicerestore. Lines and the exit arrive in the inbox. */
typedef struct {
	/**
	 * The engine that starts are made with from now on, without a device: of those that are here, the one for
	 * this
	 * model, NULL: not known yet. MODEL_UNKNOWN or ENGINE_TOO_OLD when none is. Caller clears `ret_run` (pid 0).
	 */
	bool (*probe)(void *self, const char *product, RescueEngineRun *ret_run, GError **error);
	/**
	 * Starts it in a private directory of this attempt; the child waits until `journal` has returned true, so
	 * that
	 * no engine ever runs that is not in the journal. Caller clears `ret_run`.
	 */
	bool (*start)(void *self, const RescueEngineStart *start, RescueEngineJournal journal,
		      void *data, RescueEngineRun *ret_run, GError **error);
	/**
	 * Takes over the engine of an earlier supervisor, and has it go on if that held it. Its transcript arrives in
	 * the inbox from the beginning, and its exit: at once when it is dead, with status -1. False only when the
	 * transcript cannot be read.
	 */
	bool (*adopt)(void *self, const RescueEngineRun *run, GError **error);
	/**
	 * What the engine itself is told when it asks for a signature and does nothing else. Runs it in a private
	 * directory within a deadline of its own; `start->attempt` does not count.
	 */
	RescueRefusal (*confirm_refusal)(void *self, const RescueEngineStart *start);
	/** When this returns, all that it has written up to now is in the inbox. */
	void (*catch_up)(void *self);
	/** Another one that is here, usable for this model and not given up yet, when nobody has chosen one. */
	bool (*has_other)(void *self, const char *product);
	/** The next one that is probed is another than the present one. */
	void (*give_up_present)(void *self);
	/**
	 * Stops it where it is, until `go_on`, its end, or our death in whatever way; and for at most so long and a
	 * little more, should we hang. HOST_IO: it runs on.
	 */
	bool (*hold)(void *self, int most_ms, GError **error);
	void (*go_on)(void *self);
	/** Ends it: SIGTERM to its group, SIGKILL after a few seconds; the exit still arrives in the inbox. */
	void (*end)(void *self);
} RescueEnginePort;

/** What a firmware archive is, without trusting it. */
typedef struct {
	/**
	 * Reads the archive in a child; `path` may be a web address: then only its directory and manifest. BAD firmware
	 * gives a failure of the firmware-file kind. Caller owns.
	 */
	RescueFirmware *(*inspect)(void *self, const char *path, GError **error);
} RescueInspectPort;

/** What the signing server is asked about: a build for one device. */
typedef struct {
	const char *ipsw; /* a path or a web address */
	RescueEcid ecid;
	uint32_t chip_id, board_id; /* of the firmware's identity for the device */
	const char *variant; /* of the same, word for word; NULL: the first for the behavior */
	RescueBehavior behavior;
} RescueSigningQuestion;

/** Whether a build is signed for a device. */
typedef struct {
	/**
	 * Asks with nonces of its own: nothing of the device is touched, and what comes back starts nothing. True: it
	 * is signed. SIGNING_REFUSED when the server says no; any other failure means that nobody knows. `ret_status`
	 * gets the STATUS of the server's answer, minus the HTTP status when it has none, 0 without either.
	 */
	bool (*check)(void *self, const RescueSigningQuestion *question, int *ret_status,
		      GError **error);
} RescueSigningPort;

/** Which firmware exists. */
typedef struct {
	/**
	 * The releases of one product as the catalogues know them together, RescueRelease; from their last answers
	 * when
	 * none can be reached now. Blocks for seconds. CATALOGUE_UNREACHABLE when there is nothing at all. Caller
	 * owns.
	 */
	GPtrArray *(*list)(void *self, const char *product, GError **error);
} RescueCataloguePort;

/** Firmware as files of this computer. */
typedef struct {
	/**
	 * Begins to fetch it, or finds it here; what happens arrives in the inbox as FETCH. `distrust`: what is here
	 * already is looked at byte by byte first. The file stays where it is as long as the port lives.
	 */
	bool (*start)(void *self, const RescueRelease *release, bool distrust, GError **error);
	/** Ends it; nothing more arrives. What has come by then is kept for the next time. */
	void (*end)(void *self);
	/** It is here, whole as far as is known. Returns at once. */
	bool (*is_here)(void *self, const RescueRelease *release);
} RescueFetchPort;

/** System images, unpacked once for all jobs of this computer. */
typedef struct {
	/**
	 * Begins to unpack `member` of the archive, or finds that done; what happens arrives in the inbox as FETCH.
	 * The image is where the last of them says, and stays there as long as the port lives. `only_prove`: it is
	 * read and compared with its checksum, nothing is written, and the last one says the archive.
	 */
	bool (*start)(void *self, const char *ipsw, const char *member, bool only_prove,
		      GError **error);
	/** Ends it; nothing more arrives. */
	void (*end)(void *self);
} RescuePreparePort;

/** Facts about this computer that break restores. */
typedef struct {
	/** usbmuxd answers on its socket. */
	bool (*check_usbmuxd)(void *self, GError **error);
	/** This many bytes fit where the engine unpacks. */
	bool (*check_space)(void *self, uint64_t bytes, GError **error);
	/**
	 * What is found on this computer that causes failures: RescueHostFact, caller owns the array. `look`: a mask of
	 * RescueLook. Within fifteen seconds; touches neither the device, whose port counts, nor its neighbors. May be
	 * NULL: nobody looks.
	 */
	GPtrArray *(*look)(void *self, unsigned look, const RescueDevice *device);
	/** Nobody but the job of this device depends on usbmuxd now, and it can be restarted. */
	bool (*can_restart_usbmuxd)(void *self, RescueEcid ecid);
	/** Has it restarted, within half a minute; whether it answers then, check_usbmuxd tells. HOST_IO. */
	bool (*restart_usbmuxd)(void *self, GError **error);
	/** What is free in the folders of this job, all of them together: it grows when somebody frees something. */
	uint64_t (*free_bytes)(void *self);
	/** What people call this USB port; NULL when it has no name but the kernel's. Caller frees. May be NULL. */
	char *(*port_name)(void *self, const char *port);
	/**
	 * Free ports that a device on this one (NULL: not known) had better be moved to, in words; NULL when none is
	 * known. Caller frees. May be NULL.
	 */
	char *(*spare_ports)(void *self, const char *port);
} RescueHostPort;

/**
 * The USB buses of this computer, which all its jobs share. What is held is held until it is given back, or its holder
 * dies; the engine of a supervisor that died holds nothing.
 */
typedef struct {
	/** The other jobs whose engines use this bus now, in words; NULL: none. Caller frees. */
	char *(*others)(void *self, unsigned bus);
	/**
	 * Tries to get a turn, in place of one on another bus; returns at once. `alone`: with nobody else; also when
	 * that is not possible yet, nobody else begins there from then on.
	 */
	bool (*take)(void *self, unsigned bus, bool alone);
	/** Others may begin again. */
	void (*share)(void *self);
	void (*give_back)(void *self);
} RescueBusPort;

/** From narrow to wide: which earlier tries are like this one. */
typedef enum {
	RESCUE_SCOPE_PORT,   /* same model, port and engine */
	RESCUE_SCOPE_MODEL,  /* same model and engine */
	RESCUE_SCOPE_ENGINE, /* same engine */
	RESCUE_SCOPE_ALL,
	RESCUE_SCOPE_LAST
} RescueScope;

/** One failure in one step; what is NULL matches nothing but the widest scopes. Borrowed. */
typedef struct {
	const char *failure, *phase;
	const char *product, *port, *engine;
	const char *job; /* the asking one, whose own tries do not count; NULL: none */
} RescueRecallQuestion;

/** What earlier jobs did about it with one remedy, and how often the same did not come back after it. */
typedef struct {
	char *remedy;
	unsigned tried[RESCUE_SCOPE_LAST], helped[RESCUE_SCOPE_LAST];
} RescueRecall;

/** What earlier jobs on this computer have learned. */
typedef struct {
	/** RescueRecall, one for each remedy that was ever tried; empty when nothing is known. Caller owns. */
	GPtrArray *(*recall)(void *self, const RescueRecallQuestion *question);
} RescueMemoryPort;

/** Leave to go on, given by the line that the job belongs to. */
typedef struct {
	/** How long an engine may be held right before it sends the system image, in milliseconds; 0: not at all. */
	int (*hold_ms)(void *self);
	/**
	 * Asks for the turn of this name ("engine", "transfer") and number: when it is given, an observation TURN
	 * arrives. Returns how long to wait for it, in milliseconds, while nobody is there who could give it.
	 */
	int (*ask)(void *self, const char *turn, unsigned number);
	/** Somebody is there who gives turns. */
	bool (*is_served)(void *self);
	/** It is not waited for any more. */
	void (*end)(void *self);
} RescueTurnPort;

/** The job's journal. */
typedef struct {
	/** On disk when it returns true. */
	bool (*append)(void *self, const RescueJson *event, GError **error);
} RescueStorePort;

/** All of them, as a run receives them; borrowed for the length of the run. */
typedef struct {
	const RescueClock *clock;
	const RescueInboxPort *inbox;
	void *inbox_self;
	const RescueDevicePort *devices;
	void *devices_self;
	const RescuePowerPort *power; /* NULL: nothing is switched */
	void *power_self;
	const RescueEnginePort *engine;
	void *engine_self;
	const RescueInspectPort *inspect;
	void *inspect_self;
	const RescueSigningPort *signing; /* NULL: nobody asks, the engine finds out */
	void *signing_self;
	const RescueCataloguePort
	    *catalogue; /* this and the next may be NULL when jobs name their file */
	void *catalogue_self;
	const RescueFetchPort *fetch;
	void *fetch_self;
	const RescuePreparePort *prepare; /* NULL: each engine unpacks by itself */
	void *prepare_self;
	const RescueHostPort *host;
	void *host_self;
	const RescueBusPort *bus; /* NULL: no other job is heeded */
	void *bus_self;
	const RescueMemoryPort *memory; /* NULL: nothing is remembered */
	void *memory_self;
	const RescueTurnPort *turns; /* NULL: the job belongs to no line, and waits for nobody */
	void *turns_self;
	const RescueStorePort *store;
	void *store_self;
} RescuePorts;
