/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/scenario/scenario.h"

#include <gio/gio.h>
#include <string.h>

#include "tests/lab/scenario/model.h"
#include "tests/lab/scenario/parser.h"

enum { MAX_FILE_BYTES = 1024 * 1024, DEFAULT_OS_BYTES = 4 * 1024 * 1024, DEFAULT_BATTERY = 80 };
/* from this chip on, a UDID is the chip and the ECID in clear */
enum { FIRST_CLEAR_UDID_CPID = 0x8020 };

typedef enum { BLOCK_NONE, BLOCK_PHONE, BLOCK_FIRMWARE, BLOCK_WORLD } Block;

typedef struct {
	LabScenario *scenario;
	Block block;
	LabPhoneSpec *phone;       /* of BLOCK_PHONE */
	LabFirmwareSpec *firmware; /* of BLOCK_FIRMWARE */
	unsigned block_line;
} Parser;

/* ---- the structs ------------------------------------------------------------------------------ */

static void
phone_free(void *data)
{
	LabPhoneSpec *phone = data;
	g_free(phone->id.name);
	g_free(phone->id.product);
	g_free(phone->id.board);
	g_free(phone->id.udid);
	g_free(phone->id.serial);
	g_free(phone->id.port);
	g_free(phone->version);
	g_free(phone->build);
	g_clear_pointer(&phone->asks, g_ptr_array_unref);
	g_free(phone);
}

static void
firmware_free(void *data)
{
	LabFirmwareSpec *firmware = data;
	g_free(firmware->name);
	g_free(firmware->listed);
	lab_ipsw_spec_clear(&firmware->ipsw);
	g_free(firmware);
}

static void
expect_free(void *data)
{
	lab_expect_free(data);
}

static void
deed_free(void *data)
{
	lab_deed_free(data);
}

static LabScenario *
scenario_new(void)
{
	LabScenario *scenario = g_new0(LabScenario, 1);
	scenario->phones = g_ptr_array_new_with_free_func(phone_free);
	scenario->firmwares = g_ptr_array_new_with_free_func(firmware_free);
	scenario->expects = g_ptr_array_new_with_free_func(expect_free);
	scenario->deeds = g_ptr_array_new_with_free_func(deed_free);
	scenario->ports = g_ptr_array_new_with_free_func(g_free);
	scenario->faults = lab_faults_new();
	scenario->usbmuxd = true;
	scenario->signing = true;
	return scenario;
}

static void
replace(char **place, const char *value)
{
	g_free(*place);
	*place = g_strdup(value);
}

/* ---- properties: each gets its line, whose word count has been checked ------------------------ */

static bool
phone_model(Parser *p, const LabLine *line, GError **error)
{
	const LabModel *model = lab_model_find(line->words[1]);
	if (model == NULL)
		return lab_line_fail(line, error, "the lab has no model ‘%s’ (see model.def)",
				     line->words[1]);
	replace(&p->phone->id.product, model->product);
	replace(&p->phone->id.board, model->board);
	p->phone->id.cpid = model->cpid;
	p->phone->id.bdid = model->bdid;
	return true;
}

static bool
phone_board(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->phone->id.board, line->words[1]);
	return true;
}

static bool
chip_number(const LabLine *line, uint32_t *ret_value, GError **error)
{
	uint64_t value = 0;
	if (!lab_value_number(line->words[1], G_MAXUINT32, &value))
		return lab_line_fail(line, error, "‘%s’ is not a number such as 0x8015",
				     line->words[1]);
	*ret_value = (uint32_t)value;
	return true;
}

static bool
phone_cpid(Parser *p, const LabLine *line, GError **error)
{
	return chip_number(line, &p->phone->id.cpid, error);
}

static bool
phone_bdid(Parser *p, const LabLine *line, GError **error)
{
	return chip_number(line, &p->phone->id.bdid, error);
}

static bool
phone_ecid(Parser *p, const LabLine *line, GError **error)
{
	uint64_t ecid = 0;
	if (!lab_value_number(line->words[1], G_MAXUINT64, &ecid) || ecid == 0)
		return lab_line_fail(line, error, "‘%s’ is not an ECID", line->words[1]);
	p->phone->id.ecid = ecid;
	return true;
}

static bool
phone_udid(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->phone->id.udid, line->words[1]);
	return true;
}

static bool
phone_serial(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->phone->id.serial, line->words[1]);
	return true;
}

static bool
phone_mode(Parser *p, const LabLine *line, GError **error)
{
	if (!lab_value_mode(line->words[1], &p->phone->mode))
		return lab_line_fail(line, error,
				     "‘%s’ is not normal, recovery, dfu, restore or off",
				     line->words[1]);
	return true;
}

static bool
phone_installed(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->phone->version, line->words[1]);
	replace(&p->phone->build, line->words[2]);
	return true;
}

static bool
phone_port(Parser *p, const LabLine *line, GError **error)
{
	const char *port = line->words[1];
	if (!lab_port_is_valid(port))
		return lab_line_fail(line, error, "‘%s’ is not a port such as 1-2 or 1-2.4", port);
	replace(&p->phone->id.port, port);
	return true;
}

static bool
phone_link(Parser *p, const LabLine *line, GError **error)
{
	const char *unit = line->words[2];
	g_autofree char *bytes = g_str_has_suffix(unit, "/s")
				     ? g_strndup(unit, strlen(unit) - strlen("/s"))
				     : NULL;
	if (!lab_value_bytes(line->words[1], bytes, &p->phone->id.link_bytes))
		return lab_line_fail(line, error, "‘link’ wants a speed, such as ‘link 40 MB/s’");
	return true;
}

static bool
phone_boots(Parser *p, const LabLine *line, GError **error)
{
	if (strcmp(line->words[1], "in") != 0 ||
	    !lab_value_ms(line->words[2], line->words[3], &p->phone->boot_ms))
		return lab_line_fail(line, error,
				     "‘boots’ wants a time, such as ‘boots in 300 ms’");
	return true;
}

static bool
phone_steps(Parser *p, const LabLine *line, GError **error)
{
	if (strcmp(line->words[1], "take") != 0 ||
	    !lab_value_ms(line->words[2], line->words[3], &p->phone->step_ms))
		return lab_line_fail(line, error, "‘steps’ wants a time, such as ‘steps take 2 s’");
	return true;
}

static bool
phone_appears(Parser *p, const LabLine *line, GError **error)
{
	if (strcmp(line->words[1], "after") != 0 ||
	    !lab_value_ms(line->words[2], line->words[3], &p->phone->appears_ms))
		return lab_line_fail(line, error,
				     "‘appears’ wants a time, such as ‘appears after 400 ms’");
	return true;
}

static bool
phone_at(Parser *p, const LabLine *line, GError **error)
{
	return lab_at_line(line, p->scenario, p->phone->id.name, error);
}

static bool
phone_condition(Parser *p, const LabLine *line, GError **error)
{
	return lab_condition_line(line, p->phone, error);
}

static bool
firmware_model(Parser *p, const LabLine *line, GError **error)
{
	if (lab_model_find(line->words[1]) == NULL)
		return lab_line_fail(line, error, "the lab has no model ‘%s’ (see model.def)",
				     line->words[1]);
	replace(&p->firmware->ipsw.product, line->words[1]);
	return true;
}

static bool
firmware_version(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->firmware->ipsw.version, line->words[1]);
	return true;
}

static bool
firmware_build(Parser *p, const LabLine *line, GError **error)
{
	replace(&p->firmware->ipsw.build, line->words[1]);
	return true;
}

static bool
firmware_os_image(Parser *p, const LabLine *line, GError **error)
{
	const char *how = line->count > 3 ? line->words[3] : "stored";
	p->firmware->ipsw.os_deflated = strcmp(how, "deflated") == 0;
	bool known = p->firmware->ipsw.os_deflated || strcmp(how, "stored") == 0;
	if (!known || !lab_value_bytes(line->words[1], line->words[2], &p->firmware->ipsw.os_bytes))
		return lab_line_fail(line, error,
				     "‘os-image’ wants a size, such as ‘os-image 4 MB stored’");
	return true;
}

static bool
firmware_manifest(Parser *p, const LabLine *line, GError **error)
{
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) local = NULL;
	g_autofree char *path = lab_expand(line->words[1], environment, &local);
	if (path == NULL)
		return lab_line_fail(line, error, "%s", local->message);
	replace(&p->firmware->ipsw.manifest, path);
	return true;
}

static bool
firmware_signed(Parser *p, const LabLine *line, GError **error)
{
	p->firmware->is_signed = strcmp(line->words[1], "yes") == 0;
	if (!p->firmware->is_signed && strcmp(line->words[1], "no") != 0)
		return lab_line_fail(line, error, "‘signed’ wants yes or no");
	return true;
}

static bool
firmware_listed(Parser *p, const LabLine *line, GError **error)
{
	static const char *const words[] = { "signed", "unsigned", "no", NULL };
	if (!g_strv_contains(words, line->words[1]))
		return lab_line_fail(line, error, "‘listed’ wants signed, unsigned or no");
	replace(&p->firmware->listed, line->words[1]);
	return true;
}

static bool
firmware_damage(Parser *p, const LabLine *line, GError **error)
{
	LabIpswSpec *ipsw = &p->firmware->ipsw;
	const char *argument = line->count > 2 ? line->words[2] : NULL;
	if (!lab_damage_parse(line->words[1], &ipsw->damage))
		return lab_line_fail(line, error, "‘%s’ is not a damage the lab can do",
				     line->words[1]);
	if (ipsw->damage == LAB_DAMAGE_TRUNCATE) {
		uint64_t percent = 0;
		if (!lab_value_number(argument, 99, &percent))
			return lab_line_fail(line, error,
					     "‘truncate’ wants a share, such as ‘truncate 50 %%’");
		ipsw->damage_number = (unsigned)percent;
		return true;
	}
	bool wants_component = ipsw->damage == LAB_DAMAGE_BYTE_FLIP ||
			       ipsw->damage == LAB_DAMAGE_NO_COMPONENT;
	if (wants_component != (argument != NULL))
		return lab_line_fail(line, error, "‘damage %s’ %s", line->words[1],
				     wants_component ? "wants a component behind it"
						     : "wants nothing behind it");
	replace(&ipsw->damage_text, argument);
	return true;
}

static bool
world_usbmuxd(Parser *p, const LabLine *line, GError **error)
{
	p->scenario->usbmuxd = strcmp(line->words[1], "present") == 0;
	if (!p->scenario->usbmuxd && strcmp(line->words[1], "absent") != 0)
		return lab_line_fail(line, error, "‘usbmuxd’ wants present or absent");
	return true;
}

static bool
world_signing(Parser *p, const LabLine *line, GError **error)
{
	const char *how = line->words[1];
	LabScenario *scenario = p->scenario;
	scenario->signing = strcmp(how, "off") != 0;
	scenario->signing_foreign = strcmp(how, "foreign") == 0;
	scenario->signing_nameless = strcmp(how, "nameless") == 0;
	if (scenario->signing && !scenario->signing_foreign && !scenario->signing_nameless &&
	    strcmp(how, "on") != 0)
		return lab_line_fail(line, error, "‘signing’ wants on, off, foreign or nameless");
	return true;
}

/* "clock ahead 3 years", "clock behind 40 days" in days of 24 hours */
static bool
world_clock(Parser *p, const LabLine *line, GError **error)
{
	enum { DAY_S = 24 * 60 * 60, MAX_DAYS = 36500 };
	bool behind = strcmp(line->words[1], "behind") == 0;
	uint64_t days = 0;
	g_autofree char *number = g_strndup(line->words[2], strcspn(line->words[2], "d"));
	if ((!behind && strcmp(line->words[1], "ahead") != 0) ||
	    !g_str_has_suffix(line->words[2], "d") || !lab_value_number(number, MAX_DAYS, &days))
		return lab_line_fail(line, error,
				     "‘clock’ wants ‘ahead’ or ‘behind’ and days, such as 400d");
	p->scenario->clock_s = (int64_t)days * (behind ? -DAY_S : DAY_S);
	return true;
}

static bool
world_engines(Parser *p, const LabLine *line, GError **error)
{
	p->scenario->isolated = strcmp(line->words[1], "isolated") == 0;
	if (!p->scenario->isolated && strcmp(line->words[1], "shared") != 0)
		return lab_line_fail(line, error, "‘engines’ wants shared or isolated");
	return true;
}

static bool
world_engine(Parser *p, const LabLine *line, GError **error)
{
	g_clear_pointer(&p->scenario->engine, g_free);
	if (strcmp(line->words[1], "system") != 0)
		p->scenario->engine = g_strdup(line->words[1]);
	return true;
}

static bool
world_hubs(Parser *p, const LabLine *line, GError **error)
{
	p->scenario->hubs_fixed = strcmp(line->words[1], "unswitched") == 0;
	if (!p->scenario->hubs_fixed && strcmp(line->words[1], "switched") != 0)
		return lab_line_fail(line, error, "‘hubs’ wants switched or unswitched");
	return true;
}

static bool
world_ports(Parser *p, const LabLine *line, GError **error)
{
	return lab_ports_line(line, p->scenario, error);
}

static const struct {
	Block block;
	const char *word;
	unsigned min, max; /* words, the property itself included */
	bool (*read)(Parser *p, const LabLine *line, GError **error);
} properties[] = {
	{ BLOCK_PHONE, "model", 2, 2, phone_model },
	{ BLOCK_PHONE, "board", 2, 2, phone_board },
	{ BLOCK_PHONE, "cpid", 2, 2, phone_cpid },
	{ BLOCK_PHONE, "bdid", 2, 2, phone_bdid },
	{ BLOCK_PHONE, "ecid", 2, 2, phone_ecid },
	{ BLOCK_PHONE, "udid", 2, 2, phone_udid },
	{ BLOCK_PHONE, "serial", 2, 2, phone_serial },
	{ BLOCK_PHONE, "mode", 2, 2, phone_mode },
	{ BLOCK_PHONE, "installed", 3, 3, phone_installed },
	{ BLOCK_PHONE, "port", 2, 2, phone_port },
	{ BLOCK_PHONE, "link", 3, 3, phone_link },
	{ BLOCK_PHONE, "boots", 4, 4, phone_boots },
	{ BLOCK_PHONE, "steps", 4, 4, phone_steps },
	{ BLOCK_PHONE, "appears", 4, 4, phone_appears },
	{ BLOCK_PHONE, "locked", 1, 1, phone_condition },
	{ BLOCK_PHONE, "paired", 2, 2, phone_condition },
	{ BLOCK_PHONE, "trust", 2, 4, phone_condition },
	{ BLOCK_PHONE, "battery", 3, 3, phone_condition },
	{ BLOCK_PHONE, "activated", 2, 2, phone_condition },
	{ BLOCK_PHONE, "find-my", 2, 2, phone_condition },
	{ BLOCK_PHONE, "supervised", 2, 2, phone_condition },
	{ BLOCK_PHONE, "passcode", 2, 5, phone_condition },
	{ BLOCK_PHONE, "first", 4, 4, phone_condition },
	{ BLOCK_PHONE, "asks", 2, 2, phone_condition },
	{ BLOCK_PHONE, "at", 5, 10, phone_at },
	{ BLOCK_FIRMWARE, "model", 2, 2, firmware_model },
	{ BLOCK_FIRMWARE, "version", 2, 2, firmware_version },
	{ BLOCK_FIRMWARE, "build", 2, 2, firmware_build },
	{ BLOCK_FIRMWARE, "os-image", 3, 4, firmware_os_image },
	{ BLOCK_FIRMWARE, "manifest", 2, 2, firmware_manifest },
	{ BLOCK_FIRMWARE, "signed", 2, 2, firmware_signed },
	{ BLOCK_FIRMWARE, "listed", 2, 2, firmware_listed },
	{ BLOCK_FIRMWARE, "damage", 2, 4, firmware_damage },
	{ BLOCK_WORLD, "usbmuxd", 2, 2, world_usbmuxd },
	{ BLOCK_WORLD, "signing", 2, 2, world_signing },
	{ BLOCK_WORLD, "clock", 3, 3, world_clock },
	{ BLOCK_WORLD, "engines", 2, 2, world_engines },
	{ BLOCK_WORLD, "engine", 2, 2, world_engine },
	{ BLOCK_WORLD, "ports", 2, 32, world_ports },
	{ BLOCK_WORLD, "hubs", 2, 2, world_hubs },
};

static bool
read_property(Parser *p, const LabLine *line, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(properties); i++) {
		if (properties[i].block != p->block ||
		    strcmp(properties[i].word, line->words[0]) != 0)
			continue;
		if (line->count < properties[i].min || line->count > properties[i].max)
			return lab_line_fail(line, error, "‘%s’ has too %s words", line->words[0],
					     line->count < properties[i].min ? "few" : "many");
		return properties[i].read(p, line, error);
	}
	if (p->block == BLOCK_NONE)
		return lab_line_fail(line, error, "the line is indented, but belongs to nothing");
	return lab_line_fail(line, error, "‘%s’ is not a property of this block", line->words[0]);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

/* the attributes that a scenario may leave out are a function of the ECID, so runs are alike */
static void
complete_phone(LabPhoneSpec *phone, unsigned index)
{
	LabIdentity *id = &phone->id;
	g_autofree char *seed = g_strdup_printf("%016" G_GINT64_MODIFIER "x", id->ecid);
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA1, seed, -1);
	if (id->udid == NULL && id->cpid >= FIRST_CLEAR_UDID_CPID)
		id->udid = g_strdup_printf("%08X-%016" G_GINT64_MODIFIER "X", id->cpid, id->ecid);
	if (id->udid == NULL)
		id->udid = g_strdup(hash);
	if (id->serial == NULL) {
		g_autofree char *upper = g_ascii_strup(hash, 9);
		id->serial = g_strconcat("LAB", upper, NULL);
	}
	if (id->port == NULL)
		id->port = g_strdup_printf("1-%u", index + 1);
}

static bool
end_phone(Parser *p, const LabLine *line, GError **error)
{
	LabPhoneSpec *phone = p->phone;
	bool bootable = phone->build != NULL || phone->mode != LAB_MODE_NORMAL;
	const char *missing = phone->id.product == NULL ? "model"
			      : phone->id.ecid == 0     ? "ecid"
			      : !bootable               ? "installed"
							: NULL;
	if (missing != NULL)
		return lab_line_fail(line, error, "the phone ‘%s’ has no ‘%s’", phone->id.name,
				     missing);
	complete_phone(phone, p->scenario->phones->len);
	if (phone->asks != NULL)
		g_ptr_array_add(phone->asks, NULL);
	for (guint i = 0; i < p->scenario->phones->len; i++) {
		const LabPhoneSpec *other = g_ptr_array_index(p->scenario->phones, i);
		if (other->id.ecid == phone->id.ecid || strcmp(other->id.port, phone->id.port) == 0)
			return lab_line_fail(line, error,
					     "the phones ‘%s’ and ‘%s’ have the same %s",
					     other->id.name, phone->id.name,
					     other->id.ecid == phone->id.ecid ? "ECID" : "port");
	}
	lab_scenario_add_port(p->scenario, phone->id.port);
	g_ptr_array_add(p->scenario->phones, g_steal_pointer(&p->phone));
	return true;
}

static bool
end_firmware(Parser *p, const LabLine *line, GError **error)
{
	LabIpswSpec *ipsw = &p->firmware->ipsw;
	g_autoptr(GError) local = NULL;
	if (!lab_ipsw_spec_complete(ipsw, &local))
		return lab_line_fail(line, error, "%s", local->message);
	const char *missing = ipsw->product == NULL   ? "model"
			      : ipsw->version == NULL ? "version"
			      : ipsw->build == NULL   ? "build"
						      : NULL;
	if (missing != NULL)
		return lab_line_fail(line, error, "the firmware ‘%s’ has no ‘%s’",
				     p->firmware->name, missing);
	g_ptr_array_add(p->scenario->firmwares, g_steal_pointer(&p->firmware));
	return true;
}

/* what a block lacks is told by the line it begins with */
static bool
end_block(Parser *p, const char *file, GError **error)
{
	const LabLine first = { .file = file, .number = p->block_line, .text = "" };
	Block block = p->block;
	p->block = BLOCK_NONE;
	if (block == BLOCK_PHONE)
		return end_phone(p, &first, error);
	if (block == BLOCK_FIRMWARE)
		return end_firmware(p, &first, error);
	return true;
}

static bool
check_new_name(Parser *p, const LabLine *line, GError **error)
{
	if (line->count != 2 || !lab_value_is_name(line->words[1]))
		return lab_line_fail(line, error, "‘%s’ wants one name of letters, digits and ‘-’",
				     line->words[0]);
	const char *name = line->words[1];
	static const char *const reserved[] = { "any",    "signing", "firmware", "exit",
						"fault",  "stdout",  "stderr",   "url",
						"engine", "catalog", NULL };
	if (g_strv_contains(reserved, name))
		return lab_line_fail(line, error,
				     "‘%s’ is a word of the language and cannot be a name", name);
	if (lab_scenario_phone(p->scenario, name) != NULL ||
	    lab_scenario_firmware(p->scenario, name))
		return lab_line_fail(line, error, "the name ‘%s’ is taken", name);
	return true;
}

static bool
begin_phone(Parser *p, const LabLine *line, GError **error)
{
	if (!check_new_name(p, line, error))
		return false;
	p->block = BLOCK_PHONE;
	p->phone = g_new0(LabPhoneSpec, 1);
	p->phone->id.name = g_strdup(line->words[1]);
	p->phone->mode = LAB_MODE_RECOVERY;
	p->phone->condition.battery = DEFAULT_BATTERY;
	return true;
}

static bool
begin_firmware(Parser *p, const LabLine *line, GError **error)
{
	if (!check_new_name(p, line, error))
		return false;
	p->block = BLOCK_FIRMWARE;
	p->firmware = g_new0(LabFirmwareSpec, 1);
	p->firmware->name = g_strdup(line->words[1]);
	p->firmware->is_signed = true;
	p->firmware->ipsw.os_bytes = DEFAULT_OS_BYTES;
	return true;
}

static bool
begin_world(Parser *p, const LabLine *line, GError **error)
{
	if (line->count != 1)
		return lab_line_fail(line, error, "‘world’ wants nothing behind it");
	p->block = BLOCK_WORLD;
	return true;
}

static bool
read_fault(Parser *p, const LabLine *line, GError **error)
{
	LabFault *fault = lab_fault_line(line, p->scenario, error);
	if (fault == NULL)
		return false;
	if (fault->port != NULL)
		lab_scenario_add_port(p->scenario, fault->port);
	lab_faults_add(p->scenario->faults, fault);
	return true;
}

static bool
read_expect(Parser *p, const LabLine *line, GError **error)
{
	LabExpect *expect = lab_expect_line(line, p->scenario, error);
	if (expect == NULL)
		return false;
	g_ptr_array_add(p->scenario->expects, expect);
	return true;
}

static bool
read_run(Parser *p, const LabLine *line, GError **error)
{
	if (line->count < 2)
		return lab_line_fail(line, error, "‘run’ wants a command behind it");
	if (p->scenario->run != NULL)
		return lab_line_fail(line, error, "there is a second ‘run’");
	p->scenario->run = g_strstrip(g_strdup(line->text + strlen("run")));
	return true;
}

static const struct {
	const char *word;
	bool (*read)(Parser *p, const LabLine *line, GError **error);
} sentences[] = {
	{ "phone", begin_phone }, { "firmware", begin_firmware }, { "world", begin_world },
	{ "fault", read_fault },  { "expect", read_expect },      { "run", read_run },
};

static bool
read_sentence(Parser *p, const LabLine *line, GError **error)
{
	if (!end_block(p, line->file, error))
		return false;
	p->block_line = line->number;
	for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
		if (strcmp(sentences[i].word, line->words[0]) == 0)
			return sentences[i].read(p, line, error);
	}
	return lab_line_fail(line, error,
			     "‘%s’ is not phone, firmware, world, fault, expect or run",
			     line->words[0]);
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* a comma at the end of a word is punctuation; one within, as in iPhone10,3, is not */
static char **
split_words(const char *text)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	const char *white = " \t";
	for (const char *p = text + strspn(text, white); *p != '\0'; p += strspn(p, white)) {
		size_t length = strcspn(p, white);
		size_t kept = length - (p[length - 1] == ',' ? 1 : 0);
		if (kept > 0)
			g_ptr_array_add(words, g_strndup(p, kept));
		p += length;
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static bool
read_line(Parser *p, const char *name, unsigned number, char *text, GError **error)
{
	bool indented = text[0] == ' ' || text[0] == '\t';
	const char *stripped = g_strstrip(text);
	if (stripped[0] == '\0' || stripped[0] == '#')
		return true;
	g_auto(GStrv) words = split_words(stripped);
	const LabLine line = { .file = name,
			       .number = number,
			       .text = stripped,
			       .words = words,
			       .count = g_strv_length(words) };
	if (line.count == 0)
		return lab_line_fail(&line, error, "there is nothing but a comma");
	return indented ? read_property(p, &line, error) : read_sentence(p, &line, error);
}

static bool
read_lines(Parser *p, const char *name, const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (unsigned number = 0; lines[number] != NULL; number++) {
		if (!read_line(p, name, number + 1, lines[number], error))
			return false;
	}
	return end_block(p, name, error);
}

bool
lab_line_fail(const LabLine *line, GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s:%u: %s", line->file,
		    line->number, sentence);
	return false;
}

LabScenario *
lab_scenario_parse(const char *name, const char *text, GError **error)
{
	g_return_val_if_fail(name != NULL && text != NULL, NULL);

	Parser p = { .scenario = scenario_new() };
	bool ok = read_lines(&p, name, text, error);
	if (p.phone != NULL)
		phone_free(p.phone);
	if (p.firmware != NULL)
		firmware_free(p.firmware);
	if (ok)
		return p.scenario;
	lab_scenario_free(p.scenario);
	return NULL;
}

LabScenario *
lab_scenario_load(const char *path, GError **error)
{
	g_autofree char *text = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &text, &size, error))
		return NULL;
	if (size > MAX_FILE_BYTES || strlen(text) != size ||
	    !g_utf8_validate(text, (gssize)size, NULL)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			    "%s:1: this is not a scenario", path);
		return NULL;
	}
	g_autofree char *name = g_path_get_basename(path);
	return lab_scenario_parse(name, text, error);
}

void
lab_scenario_free(LabScenario *scenario)
{
	if (scenario == NULL)
		return;
	g_ptr_array_unref(scenario->phones);
	g_ptr_array_unref(scenario->firmwares);
	g_ptr_array_unref(scenario->expects);
	g_ptr_array_unref(scenario->deeds);
	g_ptr_array_unref(scenario->ports);
	lab_faults_free(scenario->faults);
	g_free(scenario->run);
	g_free(scenario->engine);
	g_free(scenario);
}

LabPhoneSpec *
lab_scenario_phone(const LabScenario *scenario, const char *name)
{
	for (guint i = 0; i < scenario->phones->len; i++) {
		LabPhoneSpec *phone = g_ptr_array_index(scenario->phones, i);
		if (g_strcmp0(phone->id.name, name) == 0)
			return phone;
	}
	return NULL;
}

bool
lab_scenario_firmware(const LabScenario *scenario, const char *name)
{
	for (guint i = 0; i < scenario->firmwares->len; i++) {
		const LabFirmwareSpec *firmware = g_ptr_array_index(scenario->firmwares, i);
		if (strcmp(firmware->name, name) == 0)
			return true;
	}
	return false;
}
