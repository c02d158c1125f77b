/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "firmware/signing/request.h"

#include <plist/plist.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/error.h"
#include "core/failure/failure.h"
#include "firmware/ipsw/manifest.h"

/* how the engines present themselves; the server signs for what it knows */
#define PLATFORM     "mac"
#define VERSION_INFO "libauthinstall-1104.0.9"
#define LOCALITY     "en_US"

#define MAX_NONCE     32u
#define SHORT_NONCE   20u
#define SHORT_DIGEST  20u  /* SHA-1: the chips before A10, whose nonces are short too */
#define MAX_COMPONENT 128u /* bytes of a name */

typedef enum { NO, YES, NOT_KNOWN } Answer;

/* what the rules of a manifest may ask about a device, and what is so for one that was sold */
static const struct {
	const char *condition;
	Answer answer;
} facts[] = {
	{ "ApRawProductionMode", YES },
	{ "ApCurrentProductionMode", YES },
	{ "ApRawSecurityMode", YES },
	{ "ApRequiresImage4", NOT_KNOWN }, /* told by the chip */
	{ "ApInRomDFU", NOT_KNOWN },       /* rules for it do not apply: restores start in iBoot */
	{ "ApDemotionPolicyOverride", NOT_KNOWN }, /* nobody demotes a device here */
};

/* members of an identity that are sent as numbers; written as "0x8015" or as integers */
static const char *const numbers[] = { "ApBoardID", "ApChipID", "ApSecurityDomain" };

void
rescue_tss_request_clear(RescueTssRequest *request)
{
	free(request->xml); /* of libplist */
	g_free(request->version);
	g_free(request->build);
	g_free(request->variant);
	g_free(request->board);
	g_free(request->nonce);
	*request = (RescueTssRequest){ .xml = NULL };
}

static bool
damaged(GError **error, const char *what)
{
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_DAMAGED,
		    "the build manifest is not usable for a signing request: %s", what);
	return false;
}

static plist_t
get_typed(plist_t dict, const char *key, plist_type type)
{
	plist_t node = dict != NULL && plist_get_node_type(dict) == PLIST_DICT
			   ? plist_dict_get_item(dict, key)
			   : NULL;

	return node != NULL && plist_get_node_type(node) == type ? node : NULL;
}

/* borrowed; NULL when it is not there, too long or not UTF-8 */
static const char *
get_text(plist_t dict, const char *key)
{
	plist_t node = get_typed(dict, key, PLIST_STRING);
	uint64_t length = 0;
	const char *text = node != NULL ? plist_get_string_ptr(node, &length) : NULL;

	if (text == NULL || length > RESCUE_MANIFEST_MAX_TEXT ||
	    !g_utf8_validate(text, (gssize)length, NULL))
		return NULL;
	return text;
}

static bool
get_number(plist_t dict, const char *key, uint32_t *ret_value)
{
	plist_t node = get_typed(dict, key, PLIST_UINT);
	const char *text = get_text(dict, key);
	guint64 value = 0;

	if (node != NULL) {
		plist_get_uint_val(node, &value);
	} else {
		bool hex = text != NULL && g_ascii_strncasecmp(text, "0x", 2) == 0;
		if (text == NULL ||
		    !g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, UINT32_MAX,
						&value, NULL))
			return false;
	}
	if (value > UINT32_MAX)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static bool
has_true(plist_t dict, const char *key)
{
	plist_t node = get_typed(dict, key, PLIST_BOOLEAN);
	uint8_t value = 0;

	if (node != NULL)
		plist_get_bool_val(node, &value);
	return value != 0;
}

/* chips up to A6: they want a blob for each component, and their nonces are short */
static bool
chip_has_image4(uint32_t chip_id)
{
	return chip_id != 0x8720 && (chip_id < 0x8900 || chip_id >= 0x8960);
}

/* ---- copying -------------------------------------------------------------------------------------- */

#define MAX_DEPTH 16u

static plist_t dup_node(plist_t node, unsigned depth);

static void
dup_members(plist_t from, plist_t to, unsigned depth)
{
	plist_dict_iter iter = NULL;

	plist_dict_new_iter(from, &iter);
	for (;;) {
		char *key = NULL;
		plist_t value = NULL, copy;
		plist_dict_next_item(from, iter, &key, &value);
		if (key == NULL)
			break;
		copy = dup_node(value, depth + 1);
		if (copy != NULL)
			plist_dict_set_item(to, key, copy);
		free(key);
	}
	free(iter);
}

static void
dup_elements(plist_t from, plist_t to, unsigned depth)
{
	for (uint32_t i = 0; i < plist_array_get_size(from); i++) {
		plist_t copy = dup_node(plist_array_get_item(from, i), depth + 1);
		if (copy != NULL)
			plist_array_append_item(to, copy);
	}
}

static plist_t
dup_value(plist_t node)
{
	uint64_t number = 0, size = 0;
	uint8_t truth = 0;
	const char *bytes;

	switch (plist_get_node_type(node)) {
	case PLIST_BOOLEAN:
		plist_get_bool_val(node, &truth);
		return plist_new_bool(truth);
	case PLIST_UINT:
		plist_get_uint_val(node, &number);
		return plist_new_uint(number);
	case PLIST_STRING:
		return plist_new_string(plist_get_string_ptr(node, &size));
	case PLIST_DATA:
		bytes = plist_get_data_ptr(node, &size);
		return plist_new_data(bytes != NULL ? bytes : "", bytes != NULL ? size : 0);
	default:
		return NULL; /* nothing else is in a signing request */
	}
}

/*
 * Not plist_copy(): libplist 2.2 keeps the length of a text with a zero byte in it and copies only what is before
 * that
 * byte, and what it then writes is other people's memory (found by tests/fuzz). Made anew, texts end at that byte.
 */
static plist_t
dup_node(plist_t node, unsigned depth)
{
	plist_t copy;

	if (node == NULL || depth > MAX_DEPTH)
		return NULL;
	if (plist_get_node_type(node) == PLIST_DICT) {
		copy = plist_new_dict();
		dup_members(node, copy, depth);
		return copy;
	}
	if (plist_get_node_type(node) == PLIST_ARRAY) {
		copy = plist_new_array();
		dup_elements(node, copy, depth);
		return copy;
	}
	return dup_value(node);
}

static void
set_copy(plist_t dict, const char *key, plist_t value)
{
	plist_t copy = dup_node(value, 0);

	if (copy != NULL)
		plist_dict_set_item(dict, key, copy);
}

/* ---- rules ---------------------------------------------------------------------------------------- */

static Answer
answer_of(const char *condition, bool image4)
{
	if (strcmp(condition, "ApRequiresImage4") == 0)
		return image4 ? YES : NO;
	for (size_t i = 0; i < G_N_ELEMENTS(facts); i++) {
		if (strcmp(facts[i].condition, condition) == 0)
			return facts[i].answer;
	}
	return NOT_KNOWN;
}

/* all of them; what nobody can answer is not fulfilled */
static bool
conditions_hold(plist_t conditions, bool image4)
{
	plist_dict_iter iter = NULL;
	bool hold = true;

	plist_dict_new_iter(conditions, &iter);
	while (hold) {
		char *key = NULL;
		plist_t wanted = NULL;
		uint8_t value = 0;
		plist_dict_next_item(conditions, iter, &key, &wanted);
		if (key == NULL)
			break;
		Answer answer = answer_of(key, image4);
		hold = answer != NOT_KNOWN && plist_get_node_type(wanted) == PLIST_BOOLEAN;
		if (hold)
			plist_get_bool_val(wanted, &value);
		hold = hold && (value != 0) == (answer == YES);
		free(key);
	}
	free(iter);
	return hold;
}

/* EPRO, ESEC, DPRO, DSEC and whatever else the manifest wants said */
static void
act(plist_t actions, plist_t entry)
{
	plist_dict_iter iter = NULL;

	plist_dict_new_iter(actions, &iter);
	for (;;) {
		char *key = NULL;
		plist_t value = NULL;
		plist_dict_next_item(actions, iter, &key, &value);
		if (key == NULL)
			break;
		if (plist_get_node_type(value) == PLIST_BOOLEAN)
			set_copy(entry, key, value);
		free(key);
	}
	free(iter);
}

static void
apply_rules(plist_t info, plist_t entry, bool image4)
{
	plist_t rules = get_typed(info, "RestoreRequestRules", PLIST_ARRAY);
	uint32_t count = rules != NULL ? plist_array_get_size(rules) : 0;

	for (uint32_t i = 0; i < count; i++) {
		plist_t rule = plist_array_get_item(rules, i);
		plist_t conditions = get_typed(rule, "Conditions", PLIST_DICT);
		plist_t actions = get_typed(rule, "Actions", PLIST_DICT);
		if (conditions != NULL && actions != NULL && conditions_hold(conditions, image4))
			act(actions, entry);
	}
}

/* ---- components ------------------------------------------------------------------------------------ */

/*
 * Parts of the modem and of the smaller processors ("Savage,B0-Prod-Patch", "SE,UpdatePayload", "Cryptex1,AppOS") get
 * tickets of their own; they are the ones with a prefix that nobody calls trusted.
 */
static bool
is_of_main_processor(const char *name, plist_t component)
{
	bool prefixed = strchr(name, ',') != NULL && !g_str_has_prefix(name, "Ap,");
	bool trusted = plist_dict_get_item(component, "Trusted") != NULL;
	bool named = plist_dict_get_item(component, "Digest") != NULL ||
		     plist_dict_get_item(component, "PartialDigest") != NULL;

	if (strcmp(name, "BasebandFirmware") == 0 || strcmp(name, "Diags") == 0)
		return false;
	return trusted || (named && !prefixed);
}

static void
add_component(plist_t request, const char *name, plist_t component, bool image4)
{
	plist_t entry = dup_node(component, 0);

	if (plist_dict_get_item(entry, "Info") != NULL)
		plist_dict_remove_item(entry, "Info");
	apply_rules(get_typed(component, "Info", PLIST_DICT), entry, image4);
	/* what is trusted has a digest, be it an empty one */
	if (has_true(component, "Trusted") && plist_dict_get_item(entry, "Digest") == NULL)
		plist_dict_set_item(entry, "Digest", plist_new_data("", 0));
	plist_dict_set_item(request, name, entry);
}

/* a digest of the manifest tells which generation of hashes its chip speaks */
static unsigned
nonce_size(plist_t component, unsigned before)
{
	plist_t digest = get_typed(component, "Digest", PLIST_DATA);
	uint64_t size = 0;

	if (digest != NULL)
		(void)plist_get_data_ptr(digest, &size);
	return size > SHORT_DIGEST ? MAX_NONCE : before;
}

static bool
add_components(plist_t request, plist_t identity, bool image4, unsigned *ret_nonce, GError **error)
{
	plist_t manifest = get_typed(identity, "Manifest", PLIST_DICT);
	plist_dict_iter iter = NULL;
	bool fine = true;

	if (manifest == NULL || plist_dict_get_size(manifest) == 0 ||
	    plist_dict_get_size(manifest) > RESCUE_MANIFEST_MAX_COMPONENTS)
		return damaged(error, "it lists no components, or too many");
	*ret_nonce = SHORT_NONCE;
	plist_dict_new_iter(manifest, &iter);
	while (fine) {
		char *name = NULL;
		plist_t component = NULL;
		plist_dict_next_item(manifest, iter, &name, &component);
		if (name == NULL)
			break;
		fine = plist_get_node_type(component) == PLIST_DICT &&
		       strlen(name) <= MAX_COMPONENT;
		if (fine && is_of_main_processor(name, component)) {
			add_component(request, name, component, image4);
			*ret_nonce = nonce_size(component, *ret_nonce);
		}
		free(name);
	}
	free(iter);
	return fine || damaged(error, "a component is not a dictionary");
}

/* ---- the rest -------------------------------------------------------------------------------------- */

/* "Ap,ProductType", "Ap,Target" and their like, as newer manifests have them */
static void
add_prefixed(plist_t request, plist_t identity)
{
	plist_dict_iter iter = NULL;

	plist_dict_new_iter(identity, &iter);
	for (;;) {
		char *key = NULL;
		plist_t value = NULL;
		plist_dict_next_item(identity, iter, &key, &value);
		if (key == NULL)
			break;
		if (g_str_has_prefix(key, "Ap,"))
			set_copy(request, key, value);
		free(key);
	}
	free(iter);
}

/* names in Info that this manifest wants to see in the request itself */
static void
add_requested(plist_t request, plist_t info)
{
	plist_t names = get_typed(info, "RequestManifestProperties", PLIST_ARRAY);
	uint32_t count = names != NULL ? plist_array_get_size(names) : 0;

	for (uint32_t i = 0; i < MIN(count, RESCUE_MANIFEST_MAX_COMPONENTS); i++) {
		plist_t name = plist_array_get_item(names, i);
		uint64_t length = 0;
		const char *text = plist_get_node_type(name) == PLIST_STRING
				       ? plist_get_string_ptr(name, &length)
				       : NULL;
		plist_t value = text != NULL && length <= MAX_COMPONENT
				    ? plist_dict_get_item(info, text)
				    : NULL;
		if (value != NULL)
			set_copy(request, text, value);
	}
}

static void
add_copy(plist_t request, plist_t identity, const char *key)
{
	set_copy(request, key, plist_dict_get_item(identity, key));
}

static bool
make_nonce(plist_t request, const char *key, unsigned size, char **ret_hex)
{
	uint8_t bytes[MAX_NONCE];
	GString *hex;

	if (getrandom(bytes, size, 0) != (ssize_t)size)
		return false;
	plist_dict_set_item(request, key, plist_new_data((const char *)bytes, size));
	if (ret_hex == NULL)
		return true;
	hex = g_string_new(NULL);
	for (unsigned i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	g_free(*ret_hex);
	*ret_hex = g_string_free(hex, FALSE);
	return true;
}

static bool
add_nonces(plist_t request, unsigned size, RescueTssRequest *ret, GError **error)
{
	if (make_nonce(request, "ApNonce", size, &ret->nonce) &&
	    (!ret->image4 || make_nonce(request, "SepNonce", RESCUE_TSS_SEP_NONCE_BYTES, NULL)))
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
		    "this computer gives no random numbers");
	return false;
}

static void
add_host(plist_t request)
{
	g_autofree char *uuid = g_uuid_string_random();
	g_autofree char *upper = g_ascii_strup(uuid, -1);

	plist_dict_set_item(request, "@HostPlatformInfo", plist_new_string(PLATFORM));
	plist_dict_set_item(request, "@VersionInfo", plist_new_string(VERSION_INFO));
	plist_dict_set_item(request, "@Locality", plist_new_string(LOCALITY));
	plist_dict_set_item(request, "@UUID", plist_new_string(upper));
}

static bool
add_common(plist_t request, plist_t identity, RescueEcid ecid, GError **error)
{
	plist_t build_id = get_typed(identity, "UniqueBuildID", PLIST_DATA);
	uint32_t value;

	if (build_id == NULL)
		return damaged(error, "its identity has no UniqueBuildID");
	set_copy(request, "UniqueBuildID", build_id);
	plist_dict_set_item(request, "ApECID", plist_new_uint(ecid));
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (!get_number(identity, numbers[i], &value))
			return damaged(error, "its identity lacks a number");
		plist_dict_set_item(request, numbers[i], plist_new_uint(value));
	}
	plist_dict_set_item(request, "ApProductionMode", plist_new_bool(1));
	return true;
}

static void
add_generation(plist_t request, plist_t identity, bool image4)
{
	if (!image4) {
		plist_dict_set_item(request, "@APTicket", plist_new_bool(1));
		return;
	}
	plist_dict_set_item(request, "@ApImg4Ticket", plist_new_bool(1));
	plist_dict_set_item(request, "ApSecurityMode", plist_new_bool(1));
	plist_dict_set_item(request, "ApSupportsImg4", plist_new_bool(1));
	add_prefixed(request, identity);
	add_copy(request, identity, "PearlCertificationRootPub");
	add_copy(request, identity, "NeRDEpoch");
	add_copy(request, identity, "PermitNeRDPivot");
	add_requested(request, get_typed(identity, "Info", PLIST_DICT));
}

static bool
fill(plist_t request, plist_t identity, RescueEcid ecid, RescueTssRequest *ret, GError **error)
{
	unsigned nonce;
	uint32_t size = 0;

	add_host(request);
	add_generation(request, identity, ret->image4);
	if (!add_common(request, identity, ecid, error) ||
	    !add_components(request, identity, ret->image4, &nonce, error) ||
	    !add_nonces(request, nonce, ret, error))
		return false;
	plist_to_xml(request, &ret->xml, &size);
	ret->size = size;
	if (ret->xml != NULL)
		return true;
	return damaged(error, "it cannot be written as a request");
}

/* ---- which identity -------------------------------------------------------------------------------- */

/* both generations of engines agree about it, or only the later one does */
static RescueBehavior
does(plist_t info, const char *variant)
{
	RescueBehavior install = rescue_behavior_of_variant(variant);

	return install != RESCUE_BEHAVIOR_UNSAID
		   ? install
		   : rescue_behavior_of_word(get_text(info, "RestoreBehavior"));
}

static bool
fits(plist_t identity, const RescueSigningQuestion *question)
{
	plist_t info = get_typed(identity, "Info", PLIST_DICT);
	const char *variant = get_text(info, "Variant");
	uint32_t chip, board;

	if (!get_number(identity, "ApChipID", &chip) || chip != question->chip_id ||
	    !get_number(identity, "ApBoardID", &board) || board != question->board_id ||
	    rescue_variant_is_research(variant))
		return false;
	if (question->variant != NULL)
		return g_strcmp0(variant, question->variant) == 0;
	return does(info, variant) == question->behavior;
}

static plist_t
find_identity(plist_t root, const RescueSigningQuestion *question, GError **error)
{
	plist_t list = get_typed(root, "BuildIdentities", PLIST_ARRAY);
	uint32_t count = list != NULL ? plist_array_get_size(list) : 0;

	if (count == 0 || count > RESCUE_MANIFEST_MAX_IDENTITIES) {
		damaged(error, "it lists no identities, or too many");
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		plist_t identity = plist_array_get_item(list, i);
		if (fits(identity, question))
			return identity;
	}
	g_set_error(error, RESCUE_ERROR, RESCUE_FAILURE_FIRMWARE_NO_IDENTITY,
		    "this firmware has nothing to %s a device with chip 0x%x and board 0x%x",
		    rescue_behavior_name(question->behavior), question->chip_id,
		    question->board_id);
	return NULL;
}

static bool
make(plist_t root, const RescueSigningQuestion *question, RescueTssRequest *ret, GError **error)
{
	plist_t identity = find_identity(root, question, error);
	plist_t info = get_typed(identity, "Info", PLIST_DICT);
	plist_t request;
	bool fine;

	if (identity == NULL)
		return false;
	ret->version = g_strdup(get_text(root, "ProductVersion"));
	ret->build = g_strdup(get_text(root, "ProductBuildVersion"));
	ret->variant = g_strdup(get_text(info, "Variant"));
	ret->board = g_strdup(get_text(info, "DeviceClass"));
	ret->image4 = chip_has_image4(question->chip_id);
	request = plist_new_dict();
	fine = fill(request, identity, question->ecid, ret, error);
	plist_free(request);
	return fine;
}

bool
rescue_tss_request_make(const char *manifest, size_t size, const RescueSigningQuestion *question,
			RescueTssRequest *ret_request, GError **error)
{
	g_auto(RescueTssRequest) request = { .xml = NULL };
	plist_t root = NULL;
	bool fine;

	if (size > RESCUE_MANIFEST_MAX_BYTES)
		return damaged(error, "its size is absurd");
	if (rescue_plist_is_safe(manifest, size))
		plist_from_memory(manifest, (uint32_t)size, &root);
	if (root == NULL)
		return damaged(error, "it is not a property list");
	fine = make(root, question, &request, error);
	plist_free(root);
	if (fine) {
		*ret_request = request;
		request = (RescueTssRequest){ .xml = NULL };
	}
	return fine;
}
