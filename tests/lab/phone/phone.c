/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/phone/phone.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/lab/phone/internal.h"
#include "tests/lab/phone/pairing.h"
#include "tests/lab/scenario/hardware.h"

/*
 * Life on the bus. A command that ends in a reboot is answered first, the phone leaves LEAVE_MS
 * later. It stays away long enough for subscribers of libirecovery 1.0.0, which crash on a cycle of
 * 60 ms and less.
 */
enum { LEAVE_MS = 20, BOOT_MS = 400 };

typedef struct {
	const LabAttachment *ops;
	void *self;
} Attached;

static const char *const mode_names[] = {
	[LAB_MODE_OFF] = "off", [LAB_MODE_NORMAL] = "normal",   [LAB_MODE_RECOVERY] = "recovery",
	[LAB_MODE_DFU] = "dfu", [LAB_MODE_RESTORE] = "restore",
};

/* ---- on and off the bus ---------------------------------------------------------------------- */

static void
record_mode(LabPhone *phone)
{
	lab_record_event(phone->record, phone->id.name, "mode", "s:mode",
			 lab_mode_name(phone->mode), "s:port", phone->id.port, NULL);
}

static void
cancel(unsigned *source)
{
	if (*source != 0)
		g_source_remove(*source);
	*source = 0;
}

static void
drop_channels(LabPhone *phone)
{
	LabChannel *channel = NULL;
	while ((channel = g_queue_peek_head(&phone->channels)) != NULL)
		lab_channel_shut(channel);
}

static void
leave(LabPhone *phone)
{
	cancel(&phone->departure);
	cancel(&phone->comeback);
	if (phone->mode == LAB_MODE_OFF)
		return;
	lab_iboot_cut_upload(phone);
	phone->last_mode = phone->mode;
	phone->mode = LAB_MODE_OFF;
	phone->link_free_at = 0;
	for (GSList *item = phone->attachments; item != NULL; item = item->next) {
		Attached *attached = item->data;
		attached->ops->unplug(attached->self, phone);
	}
	drop_channels(phone);
	record_mode(phone);
}

static void
plug(LabPhone *phone)
{
	phone->hung_pid = 0;
	phone->link_free_at = 0;
	lab_faults_happened(phone->faults, phone->id.name, LAB_UNTIL_REENUMERATED);
	if (phone->mode == LAB_MODE_DFU)
		lab_faults_happened(phone->faults, phone->id.name, LAB_UNTIL_DFU);
	record_mode(phone);
	for (GSList *item = phone->attachments; item != NULL; item = item->next) {
		Attached *attached = item->data;
		attached->ops->plug(attached->self, phone);
	}
}

/* a fault at the first boot may take its place */
static bool
boot_system(LabPhone *phone)
{
	if (phone->fresh) {
		const LabFault *fault = lab_phone_pass(phone, LAB_AT_BOOT, 0);
		if (fault != NULL &&
		    (lab_action_leaves(fault->action) || fault->action == LAB_DO_HANG))
			return false;
	}
	phone->fresh = false;
	lab_record_event(phone->record, phone->id.name, "booted", "s:version", phone->version,
			 "s:build", phone->build, NULL);
	return true;
}

/*
 * A cold boot draws nonces. They stay through the loaders that a host starts one after the other,
 * and on the way from normal to recovery mode (their generator is in NVRAM then): a host asks for
 * its ticket only once.
 */
static bool
is_cold_boot(const LabPhone *phone)
{
	bool restarted = phone->mode == LAB_MODE_RECOVERY && phone->last_mode == LAB_MODE_NORMAL;
	return phone->stage == LAB_STAGE_IBOOT && phone->mode != LAB_MODE_RESTORE && !restarted;
}

static void
boot_loader(LabPhone *phone)
{
	phone->stage = phone->mode == LAB_MODE_RECOVERY ? phone->comeback_stage : LAB_STAGE_IBOOT;
	if (is_cold_boot(phone))
		lab_phone_new_nonces(phone);
	lab_iboot_reset(phone);
	lab_dfu_reset(phone);
}

static gboolean
arrive(gpointer data)
{
	LabPhone *phone = data;
	phone->comeback = 0;
	if (phone->comeback_boots && phone->comeback_mode == LAB_MODE_NORMAL && !boot_system(phone))
		return G_SOURCE_REMOVE;
	phone->mode = phone->comeback_mode;
	if (phone->comeback_boots)
		boot_loader(phone);
	plug(phone);
	return G_SOURCE_REMOVE;
}

static void
come_back(LabPhone *phone, unsigned delay_ms)
{
	cancel(&phone->comeback);
	bool first = phone->fresh && phone->comeback_boots;
	if (first && phone->comeback_mode == LAB_MODE_NORMAL)
		delay_ms += phone->condition.first_boot_ms;
	if (phone->comeback_mode != LAB_MODE_OFF)
		phone->comeback = g_timeout_add(delay_ms, arrive, phone);
}

static void
boot_into(LabPhone *phone, LabMode mode, LabStage stage, unsigned delay_ms)
{
	leave(phone);
	phone->comeback_mode = mode;
	phone->comeback_stage = stage;
	phone->comeback_boots = true;
	come_back(phone, delay_ms);
}

static gboolean
departed(gpointer data)
{
	LabPhone *phone = data;
	phone->departure = 0;
	boot_into(phone, phone->comeback_mode, phone->comeback_stage, phone->boot_ms);
	return G_SOURCE_REMOVE;
}

void
lab_phone_depart(LabPhone *phone, LabMode mode, LabStage stage)
{
	cancel(&phone->departure);
	phone->comeback_mode = mode;
	phone->comeback_stage = stage;
	phone->departure = g_timeout_add(LEAVE_MS, departed, phone);
}

void
lab_phone_start(LabPhone *phone, LabMode mode)
{
	phone->comeback_mode = mode;
	phone->comeback_stage = LAB_STAGE_IBOOT;
	phone->mode = mode;
	boot_loader(phone);
	/* some restore has brought it there, and left no other trace of its ramdisk */
	if (mode == LAB_MODE_RESTORE)
		phone->ramdisk_train = lab_build_train(phone->build);
	if (mode != LAB_MODE_OFF)
		plug(phone);
}

void
lab_phone_go(LabPhone *phone, LabMode mode, unsigned delay_ms)
{
	boot_into(phone, mode, LAB_STAGE_IBOOT, delay_ms);
}

void
lab_phone_unplug(LabPhone *phone, unsigned for_ms)
{
	/*
	 * without a host the restore ramdisk gives up, and so do loaders that were only in memory
	 */
	if (phone->mode == LAB_MODE_RESTORE || phone->departure != 0) {
		phone->comeback_mode = phone->departure != 0 ? phone->comeback_mode
							     : lab_phone_boot_mode(phone);
		phone->comeback_boots = true;
	} else if (phone->mode != LAB_MODE_OFF) {
		phone->comeback_mode = phone->mode;
		phone->comeback_boots = phone->stage != LAB_STAGE_IBOOT;
	}
	phone->comeback_stage = phone->departure != 0 ? phone->comeback_stage : LAB_STAGE_IBOOT;
	leave(phone);
	lab_dfu_reset(phone);
	if (for_ms != 0)
		come_back(phone, for_ms);
}

void
lab_phone_move(LabPhone *phone, const char *port, unsigned for_ms)
{
	lab_phone_unplug(phone, MAX(for_ms, 1));
	char *before = phone->id.port;
	if (g_strcmp0(before, port) != 0)
		lab_faults_happened(phone->faults, phone->id.name, LAB_UNTIL_MOVED);
	phone->id.port = g_strdup(port); /* which may be the one it has */
	g_free(before);
}

/* ---- faults ---------------------------------------------------------------------------------- */

bool
lab_action_leaves(LabAction action)
{
	return action == LAB_DO_UNPLUG || action == LAB_DO_MOVE || action == LAB_DO_VANISH ||
	       action == LAB_DO_RECOVERY;
}

/* the phone goes on as if nothing had happened */
static void
befall_host(LabPhone *phone, const LabFault *fault)
{
	if (fault->action == LAB_DO_RESTART_USBMUXD && phone->restart_mux != NULL)
		phone->restart_mux(phone->restart_data, fault->duration_ms);
	else if (phone->talker > 0)
		(void)kill(phone->talker, fault->action == LAB_DO_CRASH_CLIENT ? SIGSEGV : SIGSTOP);
}

void
lab_phone_restart_usbmuxd(LabPhone *phone, unsigned away_ms)
{
	if (phone->restart_mux != NULL)
		phone->restart_mux(phone->restart_data, away_ms);
}

void
lab_phone_set_restart_mux(LabPhone *phone, void (*restart)(void *data, unsigned for_ms), void *data)
{
	phone->restart_mux = restart;
	phone->restart_data = data;
}

const LabFault *
lab_phone_pass(LabPhone *phone, LabPoint at, uint64_t bytes)
{
	const LabFault *fault = lab_faults_fire(phone->faults, phone->id.name, at, bytes);
	if (fault == NULL)
		return NULL;
	lab_record_event(phone->record, phone->id.name, "fault", "s:at", lab_point_name(at),
			 "s:action", lab_action_name(fault->action), "i:number",
			 (int64_t)fault->fired, "i:bytes", (int64_t)bytes, NULL);
	if (lab_action_is_hosts(fault->action)) {
		befall_host(phone, fault);
		return NULL;
	}
	switch (fault->action) {
	case LAB_DO_UNPLUG:
		lab_phone_unplug(phone, fault->duration_ms);
		break;
	case LAB_DO_MOVE:
		lab_phone_move(phone, fault->port, fault->duration_ms);
		break;
	case LAB_DO_VANISH:
		lab_phone_go(phone, fault->duration_ms != 0 ? LAB_MODE_RECOVERY : LAB_MODE_OFF,
			     fault->duration_ms);
		break;
	case LAB_DO_RECOVERY:
		lab_phone_go(phone, LAB_MODE_RECOVERY, phone->boot_ms);
		break;
	default:
		break;
	}
	return fault;
}

/* ---- what is installed ----------------------------------------------------------------------- */

void
lab_phone_set_installed(LabPhone *phone, const char *version, const char *build)
{
	g_free(phone->version);
	g_free(phone->build);
	phone->version = g_strdup(version != NULL ? version : "");
	phone->build = g_strdup(build != NULL ? build : "");
}

void
lab_phone_wipe(LabPhone *phone, pid_t pid)
{
	g_autofree char *comm = lab_record_comm(pid);
	lab_phone_set_installed(phone, "", "");
	phone->fresh = false;
	phone->activated = false;
	phone->erased = true;
	lab_pairing_forget_all(phone);
	lab_record_event(phone->record, phone->id.name, "erased", "i:pid", (int64_t)pid, "s:comm",
			 comm, NULL);
}

void
lab_phone_install(LabPhone *phone, const char *version, const char *build)
{
	lab_phone_set_installed(phone, version, build);
	phone->fresh = true;
	lab_record_event(phone->record, phone->id.name, "installed", "s:version", phone->version,
			 "s:build", phone->build, NULL);
}

LabMode
lab_phone_boot_mode(const LabPhone *phone)
{
	return phone->autoboot && phone->build[0] != '\0' ? LAB_MODE_NORMAL : LAB_MODE_RECOVERY;
}

void
lab_phone_set_autoboot(LabPhone *phone, bool on)
{
	phone->autoboot = on;
}

void
lab_phone_set_boot_time(LabPhone *phone, unsigned boot_ms)
{
	phone->boot_ms = boot_ms != 0 ? boot_ms : BOOT_MS;
}

void
lab_phone_set_step_time(LabPhone *phone, unsigned step_ms)
{
	phone->step_ms = step_ms;
}

void
lab_phone_set_condition(LabPhone *phone, const LabCondition *condition)
{
	phone->condition = *condition;
	phone->activated = !condition->unactivated;
}

void
lab_phone_set_asks(LabPhone *phone, char *const *types)
{
	g_strfreev(phone->asks);
	phone->asks = g_strdupv((char **)types);
}

void
lab_phone_set_factory(LabPhone *phone, uint16_t port)
{
	phone->factory_port = port;
}

/* ---- the link -------------------------------------------------------------------------------- */

int64_t
lab_phone_link_carry(LabPhone *phone, uint64_t bytes)
{
	int64_t now = g_get_monotonic_time();
	if (phone->id.link_bytes == 0)
		return now;
	int64_t start = MAX(now, phone->link_free_at);
	phone->link_free_at = start + (int64_t)((double)bytes / (double)phone->id.link_bytes *
						G_USEC_PER_SEC);
	return phone->link_free_at;
}

void
lab_phone_new_nonces(LabPhone *phone)
{
	for (size_t i = 0; i < sizeof(phone->ap_nonce); i++)
		phone->ap_nonce[i] = (uint8_t)g_random_int_range(0, 256);
	for (size_t i = 0; i < sizeof(phone->sep_nonce); i++)
		phone->sep_nonce[i] = (uint8_t)g_random_int_range(0, 256);
}

/* ---- making one ------------------------------------------------------------------------------ */

static void
copy_identity(LabIdentity *to, const LabIdentity *from)
{
	*to = *from;
	to->name = g_strdup(from->name);
	to->product = g_strdup(from->product);
	to->board = g_strdup(from->board);
	to->udid = g_strdup(from->udid);
	to->serial = g_strdup(from->serial);
	to->port = g_strdup(from->port);
}

static void
clear_identity(LabIdentity *id)
{
	g_free(id->name);
	g_free(id->product);
	g_free(id->board);
	g_free(id->udid);
	g_free(id->serial);
	g_free(id->port);
}

LabPhone *
lab_phone_new(const LabIdentity *identity, LabFaults *faults, LabRecord *record)
{
	g_return_val_if_fail(identity != NULL && record != NULL, NULL);

	LabPhone *phone = g_new0(LabPhone, 1);
	copy_identity(&phone->id, identity);
	phone->faults = faults;
	phone->record = record;
	phone->autoboot = true;
	phone->activated = true;
	phone->boot_ms = BOOT_MS;
	/* A10 brought SHA-384 image digests and with them longer nonces */
	phone->ap_nonce_size = lab_phone_is_image4(phone) && identity->cpid >= 0x8010 ? 32 : 20;
	phone->condition.battery = 80;
	phone->pairing = lab_pairing_new();
	phone->iboot = lab_iboot_new();
	phone->dfu = lab_dfu_new();
	g_queue_init(&phone->channels);
	lab_phone_set_installed(phone, "", "");
	lab_phone_new_nonces(phone);
	return phone;
}

void
lab_phone_free(LabPhone *phone)
{
	if (phone == NULL)
		return;
	leave(phone);
	lab_iboot_free(phone->iboot);
	lab_dfu_free(phone->dfu);
	g_slist_free_full(phone->attachments, g_free);
	clear_identity(&phone->id);
	g_strfreev(phone->asks);
	lab_pairing_free(phone->pairing);
	g_free(phone->service_host);
	g_free(phone->version);
	g_free(phone->build);
	g_free(phone);
}

void
lab_phone_attach(LabPhone *phone, const LabAttachment *attachment, void *self)
{
	Attached *attached = g_new0(Attached, 1);
	attached->ops = attachment;
	attached->self = self;
	phone->attachments = g_slist_append(phone->attachments, attached);
}

/* ---- what it is ------------------------------------------------------------------------------ */

const LabIdentity *
lab_phone_identity(const LabPhone *phone)
{
	return &phone->id;
}

LabMode
lab_phone_mode(const LabPhone *phone)
{
	return phone->mode;
}

const char *
lab_mode_name(LabMode mode)
{
	return (unsigned)mode < G_N_ELEMENTS(mode_names) ? mode_names[mode] : "?";
}

const char *
lab_phone_build(const LabPhone *phone)
{
	return phone->build;
}

const char *
lab_phone_version(const LabPhone *phone)
{
	return phone->version;
}

LabFaults *
lab_phone_faults(LabPhone *phone)
{
	return phone->faults;
}

LabRecord *
lab_phone_record(LabPhone *phone)
{
	return phone->record;
}

bool
lab_phone_is_image4(const LabPhone *phone)
{
	/* A8 and its kin are numbered 0x7000, A7 and later S5L and T chips from 0x8960 */
	return phone->id.cpid >= 0x8960 || (phone->id.cpid >= 0x7000 && phone->id.cpid < 0x8700);
}
