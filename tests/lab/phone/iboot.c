/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <errno.h>
#include <string.h>

#include "tests/lab/phone/image.h"
#include "tests/lab/phone/internal.h"

/*
 * Recovery mode. A host starts a file with an empty request 0x41, sends it on bulk OUT 4 without
 * telling its size, and says by the next command what is to become of it. Commands come as request
 * 0x40, what they answer is fetched with 0xC0 (libirecovery's irecv_send_buffer,
 * irecv_send_command, irecv_getenv).
 */

enum {
	VENDOR_OUT = 0x40,      /* a command */
	VENDOR_OUT_FILE = 0x41, /* a file follows */
	VENDOR_IN = 0xc0,       /* the answer to a command */
	CLASS_OUT = 0x21,       /* sent after go and before bootx; iBoot takes no notice */
	COMMAND_MAX = 255,
	WORDS_MAX = 3,
};

typedef struct {
	bool active, ignored, recorded;
	uint64_t bytes;
	uint8_t head[LAB_IMAGE_HEAD];
	size_t head_size;
	pid_t pid;
} Upload;

struct LabIboot {
	GHashTable *variables, *saved; /* what runs, what is in NVRAM; auto-boot is the phone's */
	char *answer;
	Upload upload;
	bool have_ramdisk, have_devicetree;
};

/* a command's words: name, first argument, the rest of the line */
typedef struct {
	char *word[WORDS_MAX];
	pid_t pid;
} Command;

/* ---- variables ------------------------------------------------------------------------------- */

static const char *const stage_numbers[] = {
	[LAB_STAGE_IBOOT] = "2",
	[LAB_STAGE_IBSS] = "1",
	[LAB_STAGE_IBEC] = "2",
};

static void
set_default(LabIboot *self, const char *name, const char *value)
{
	g_hash_table_insert(self->variables, g_strdup(name), g_strdup(value));
}

static void
copy_variables(GHashTable *to, GHashTable *from)
{
	GHashTableIter at;
	gpointer name = NULL;
	gpointer value = NULL;
	g_hash_table_iter_init(&at, from);
	while (g_hash_table_iter_next(&at, &name, &value))
		g_hash_table_insert(to, g_strdup(name), g_strdup(value));
}

static GHashTable *
new_variables(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

LabIboot *
lab_iboot_new(void)
{
	LabIboot *self = g_new0(LabIboot, 1);
	self->variables = new_variables();
	self->saved = new_variables();
	return self;
}

void
lab_iboot_free(LabIboot *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->variables);
	g_hash_table_unref(self->saved);
	g_free(self->answer);
	g_free(self);
}

void
lab_iboot_reset(LabPhone *phone)
{
	LabIboot *self = phone->iboot;
	memset(&self->upload, 0, sizeof(self->upload));
	self->have_ramdisk = self->have_devicetree = false;
	g_clear_pointer(&self->answer, g_free);
	g_hash_table_remove_all(self->variables);
	copy_variables(self->variables, self->saved);
	set_default(self, "auto-boot", phone->autoboot ? "true" : "false");
	set_default(self, "boot-stage", stage_numbers[phone->stage]);
	set_default(self, "build-version", "iBoot-3406.0.0.3.8");
	set_default(self, "build-style", "RELEASE");
	set_default(self, "ramdisk-size", "0x20000000");
	set_default(self, "radio-error", "0");
	set_default(self, "product-name", phone->id.product);
}

/* ---- uploads --------------------------------------------------------------------------------- */

static const LabImage *
upload_image(const Upload *upload)
{
	return lab_image_identify(upload->head, upload->head_size);
}

static bool
is_complete(const Upload *upload)
{
	return upload->bytes >= lab_image_size(upload->head, upload->head_size);
}

static void
record_upload(LabPhone *phone, const char *fallback)
{
	Upload *upload = &phone->iboot->upload;
	const LabImage *image = upload_image(upload);
	const char *event = is_complete(upload) ? "upload" : "upload-cut";
	if (upload->recorded || upload->bytes == 0)
		return;
	upload->recorded = true;
	lab_record_event(phone->record, phone->id.name, event, "i:pid", (int64_t)upload->pid,
			 "s:component", image != NULL ? image->name : fallback, "i:bytes",
			 (int64_t)upload->bytes, NULL);
}

static void
forget_upload(LabPhone *phone)
{
	memset(&phone->iboot->upload, 0, sizeof(phone->iboot->upload));
}

void
lab_iboot_end_upload(LabPhone *phone, pid_t pid)
{
	if (phone->iboot->upload.pid == pid)
		record_upload(phone, "file");
}

void
lab_iboot_cut_upload(LabPhone *phone)
{
	record_upload(phone, "file");
	forget_upload(phone);
}

static ssize_t
begin_upload(LabPhone *phone, pid_t pid)
{
	record_upload(phone, "file");
	forget_upload(phone);
	phone->iboot->upload.active = true;
	phone->iboot->upload.pid = pid;
	return 0;
}

/* a fault's action as the result of the transfer that met it */
static ssize_t
fault_result(LabPhone *phone, const LabFault *fault, pid_t pid, ssize_t otherwise)
{
	if (lab_action_leaves(fault->action))
		return -ENODEV;
	if (fault->action == LAB_DO_STALL)
		return -EPIPE;
	if (fault->action != LAB_DO_HANG)
		return otherwise;
	phone->hung_pid = pid;
	return -EAGAIN;
}

static void
take_head(Upload *upload, const uint8_t *data, size_t size)
{
	size_t room = sizeof(upload->head) - upload->head_size;
	size_t taken = MIN(room, size);
	memcpy(upload->head + upload->head_size, data, taken);
	upload->head_size += taken;
}

ssize_t
lab_iboot_bulk_out(LabPhone *phone, const uint8_t *data, size_t size, pid_t pid)
{
	Upload *upload = &phone->iboot->upload;
	if (!upload->active || upload->pid != pid)
		begin_upload(phone, pid);
	take_head(upload, data, size);
	const LabImage *image = upload_image(upload);
	LabPoint point = image != NULL ? image->point : LAB_AT_LAST;
	const LabFault *fault = NULL;
	if (point != LAB_AT_LAST)
		fault = lab_phone_pass(phone, point, upload->bytes + size);
	if (fault != NULL && fault->action != LAB_DO_IGNORE)
		return fault_result(phone, fault, pid, (ssize_t)size);
	if (fault != NULL)
		upload->ignored = true;
	upload->bytes += size;
	return (ssize_t)size;
}

/*
 * for the command that uses a file: its name, or `fallback` when its own bytes do not tell; NULL if
 * it is no good
 */
static const char *
use_upload(LabPhone *phone, const char *fallback)
{
	Upload *upload = &phone->iboot->upload;
	if (!upload->active || upload->bytes == 0)
		return NULL;
	const LabImage *image = upload_image(upload);
	const char *name = image != NULL ? image->name : fallback;
	record_upload(phone, fallback);
	bool refused = upload->ignored || !is_complete(upload);
	forget_upload(phone);
	return refused ? NULL : name;
}

/* ---- commands; each returns what the control transfer returns, 0 standing for all of it ------ */

static ssize_t
do_getenv(LabPhone *phone, const Command *command)
{
	LabIboot *self = phone->iboot;
	const char *name = command->word[1] != NULL ? command->word[1] : "";
	const char *value = g_hash_table_lookup(self->variables, name);
	g_free(self->answer);
	self->answer = g_strdup(value != NULL ? value : "");
	return 0;
}

static ssize_t
do_setenv(LabPhone *phone, const Command *command)
{
	if (command->word[1] == NULL)
		return 0;
	const char *value = command->word[2] != NULL ? command->word[2] : "";
	g_hash_table_insert(phone->iboot->variables, g_strdup(command->word[1]), g_strdup(value));
	return 0;
}

static ssize_t
do_saveenv(LabPhone *phone, const Command *command)
{
	LabIboot *self = phone->iboot;
	g_hash_table_remove_all(self->saved);
	copy_variables(self->saved, self->variables);
	phone->autoboot = g_strcmp0(g_hash_table_lookup(self->saved, "auto-boot"), "true") == 0;
	return 0;
}

static ssize_t
do_clearenv(LabPhone *phone, const Command *command)
{
	g_hash_table_remove_all(phone->iboot->saved);
	phone->autoboot = true;
	return 0;
}

static ssize_t
do_reboot(LabPhone *phone, const Command *command)
{
	lab_phone_depart(phone, lab_phone_boot_mode(phone), LAB_STAGE_IBOOT);
	return 0;
}

static ssize_t
do_go(LabPhone *phone, const Command *command)
{
	const char *what = use_upload(phone, "file");
	const LabFault *fault = lab_phone_pass(phone, LAB_AT_GO, 0);
	if (fault != NULL)
		return fault_result(phone, fault, command->pid, 0);
	/* a loader refuses anything that is not a loader, and says so only on its console */
	if (what != NULL && strcmp(what, "iBEC") == 0)
		lab_phone_depart(phone, LAB_MODE_RECOVERY, LAB_STAGE_IBEC);
	else if (what != NULL && strcmp(what, "iBSS") == 0)
		lab_phone_depart(phone, LAB_MODE_RECOVERY, LAB_STAGE_IBSS);
	return 0;
}

static ssize_t
do_ramdisk(LabPhone *phone, const Command *command)
{
	const Upload *upload = &phone->iboot->upload;
	phone->ramdisk_updates = lab_image_is_update_ramdisk(upload->head, upload->head_size);
	phone->ramdisk_train = lab_image_ramdisk_train(upload->head, upload->head_size);
	const char *what = use_upload(phone, "RestoreRamDisk");
	phone->iboot->have_ramdisk = g_strcmp0(what, "RestoreRamDisk") == 0;
	return 0;
}

static ssize_t
do_devicetree(LabPhone *phone, const Command *command)
{
	const char *what = use_upload(phone, "RestoreDeviceTree");
	phone->iboot->have_devicetree = g_strcmp0(what, "RestoreDeviceTree") == 0;
	return 0;
}

static ssize_t
do_setpicture(LabPhone *phone, const Command *command)
{
	(void)use_upload(phone, "RestoreLogo");
	return 0;
}

static ssize_t
do_firmware(LabPhone *phone, const Command *command)
{
	(void)use_upload(phone, "firmware");
	return 0;
}

static ssize_t
do_ticket(LabPhone *phone, const Command *command)
{
	(void)use_upload(phone, "ApTicket");
	return 0;
}

static ssize_t
do_bootx(LabPhone *phone, const Command *command)
{
	const char *what = use_upload(phone, "RestoreKernelCache");
	const LabIboot *self = phone->iboot;
	const LabFault *fault = lab_phone_pass(phone, LAB_AT_BOOTX, 0);
	if (fault != NULL)
		return fault_result(phone, fault, command->pid, 0);
	if (g_strcmp0(what, "RestoreKernelCache") == 0 && self->have_ramdisk &&
	    self->have_devicetree)
		lab_phone_depart(phone, LAB_MODE_RESTORE, LAB_STAGE_IBOOT);
	return 0;
}

static ssize_t
do_fsboot(LabPhone *phone, const Command *command)
{
	if (phone->build[0] != '\0')
		lab_phone_depart(phone, LAB_MODE_NORMAL, LAB_STAGE_IBOOT);
	return 0;
}

static ssize_t
do_nothing(LabPhone *phone, const Command *command)
{
	return 0;
}

static const struct {
	const char *name;
	ssize_t (*run)(LabPhone *phone, const Command *command);
} commands[] = {
	{ "getenv", do_getenv },
	{ "setenv", do_setenv },
	{ "setenvnp", do_setenv },
	{ "saveenv", do_saveenv },
	{ "clearenv", do_clearenv },
	{ "reboot", do_reboot },
	{ "reset", do_reboot },
	{ "go", do_go },
	{ "ramdisk", do_ramdisk },
	{ "rsepfirmware", do_firmware },
	{ "devicetree", do_devicetree },
	{ "setpicture", do_setpicture },
	{ "firmware", do_firmware },
	{ "ticket", do_ticket },
	{ "bootx", do_bootx },
	{ "fsboot", do_fsboot },
	{ "bgcolor", do_nothing },
	{ "bgfill", do_nothing },
	{ "printenv", do_nothing },
	{ "version", do_nothing },
	{ "", do_nothing },
};

static ssize_t
run_command(LabPhone *phone, const char *line, pid_t pid)
{
	lab_record_event(phone->record, phone->id.name, "control", "i:pid", (int64_t)pid,
			 "s:command", line, NULL);
	g_auto(GStrv) words = g_strsplit(line, " ", WORDS_MAX);
	Command command = { .pid = pid };
	for (size_t i = 0; words[i] != NULL; i++)
		command.word[i] = words[i];
	const char *name = command.word[0] != NULL ? command.word[0] : "";
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(phone, &command);
	}
	return -EPIPE; /* iBoot stalls what it does not know */
}

static ssize_t
take_command(LabPhone *phone, const uint8_t *data, size_t size, pid_t pid)
{
	if (size > COMMAND_MAX + 1)
		return -EPIPE;
	g_autofree char *line = g_strndup((const char *)data, size);
	ssize_t rc = run_command(phone, g_strstrip(line), pid);
	return rc == 0 ? (ssize_t)size : rc;
}

static ssize_t
give_answer(LabPhone *phone, const LabSetup *setup, uint8_t *data)
{
	const char *text = phone->iboot->answer;
	if (text == NULL || setup->length == 0)
		return 0;
	size_t given = MIN(strlen(text) + 1, (size_t)setup->length);
	memcpy(data, text, given);
	return (ssize_t)given;
}

ssize_t
lab_iboot_control(LabPhone *phone, const LabSetup *setup, uint8_t *data, pid_t pid)
{
	switch (setup->request_type) {
	case VENDOR_OUT:
		return take_command(phone, data, setup->length, pid);
	case VENDOR_OUT_FILE:
		return begin_upload(phone, pid);
	case VENDOR_IN:
		return give_answer(phone, setup, data);
	case CLASS_OUT:
		return setup->length;
	default:
		return -EPIPE;
	}
}
