/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include "tests/lab/phone/restore-internal.h"

/*
 * What the host answers, and whether it is of use. Nothing is opened that a host merely passes on; but what it has
 * to put
 * together itself is looked into: the modem's archive has to hold the modem's ticket.
 */

enum { HTTP_OK = 200 };

static Answer
take_data(plist_t answer, const char *key)
{
	size_t size = 0;
	return lab_plist_data(answer, key, &size) != NULL && size > 0 ? ANSWER_DONE : ANSWER_BAD;
}

Answer
lab_take_ticket(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "RootTicketData");
}

Answer
lab_take_kernel(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "KernelCacheFile");
}

Answer
lab_take_device_tree(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "DeviceTreeFile");
}

Answer
lab_take_root_hash(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "SystemImageRootHashFile");
}

Answer
lab_take_metadata(LabRestore *restore, plist_t answer)
{
	return take_data(answer, "SystemImageCanonicalMetadataFile");
}

Answer
lab_take_any(LabRestore *restore, plist_t answer)
{
	return plist_get_node_type(answer) == PLIST_DICT ? ANSWER_DONE : ANSWER_BAD;
}

Answer
lab_take_receipt(LabRestore *restore, plist_t answer)
{
	plist_t manifest = lab_plist_item(answer, "ReceiptManifest");
	return manifest != NULL && plist_dict_get_size(manifest) > 0 ? ANSWER_DONE : ANSWER_BAD;
}

Answer
lab_take_attestation(LabRestore *restore, plist_t answer)
{
	return lab_plist_item(answer, "RestoreShouldAttest") != NULL ? ANSWER_DONE : ANSWER_BAD;
}

/* An array, or in newer engines a dictionary by component. */
static bool
has_images(plist_t images)
{
	plist_type type = images != NULL ? plist_get_node_type(images) : PLIST_NONE;
	if (type == PLIST_ARRAY)
		return plist_array_get_size(images) > 0;
	return type == PLIST_DICT && plist_dict_get_size(images) > 0;
}

/* A7 and later have a SEP, whose two images come with the rest from iOS 9 on. */
Answer
lab_take_nor(LabRestore *restore, plist_t answer)
{
	bool whole = take_data(answer, "LlbImageData") == ANSWER_DONE &&
		     has_images(lab_plist_item(answer, "NorImageData"));
	if (whole && restore->train > 0 && lab_phone_is_image4(restore->phone))
		whole = take_data(answer, "SEPImageData") == ANSWER_DONE &&
			take_data(answer, "RestoreSEPImageData") == ANSWER_DONE;
	return whole ? ANSWER_DONE : ANSWER_BAD;
}

/* ---- lists of images ------------------------------------------------------------------------- */

static const LabImageList fud = { "FUDData", "FUDImageList", "FUDImageData", NULL };
static const LabImageList ean = { "PersonalizedData", "ImageList", "ImageData",
				  "IsiBootEANFirmware" };

static plist_t
image_arguments(const LabImageList *list, const char *name)
{
	plist_t arguments = name != NULL ? lab_plist_dict("s:ImageName", name, NULL)
					 : plist_new_dict();
	if (name == NULL)
		plist_dict_set_item(arguments, list->list_key, plist_new_bool(true));
	if (list->type != NULL)
		plist_dict_set_item(arguments, "ImageType", plist_new_string(list->type));
	return arguments;
}

plist_t
lab_ask_fud(const LabRestore *restore)
{
	return image_arguments(&fud, NULL);
}

plist_t
lab_ask_ean(const LabRestore *restore)
{
	return image_arguments(&ean, NULL);
}

static void
queue_images(LabRestore *restore, plist_t list)
{
	for (uint32_t i = 0; i < plist_array_get_size(list); i++) {
		const char *name = plist_get_string_ptr(plist_array_get_item(list, i), NULL);
		if (name != NULL)
			g_queue_push_tail(&restore->images, g_strdup(name));
	}
}

/* First the list of names, then each image by its name. */
static Answer
take_images(LabRestore *restore, plist_t answer, const LabImageList *what)
{
	plist_t list = lab_plist_item(answer, what->list_key);
	if (list != NULL && plist_get_node_type(list) == PLIST_ARRAY)
		queue_images(restore, list);
	else if (take_data(answer, what->data_key) == ANSWER_BAD)
		return ANSWER_BAD;
	g_autofree char *name = g_queue_pop_head(&restore->images);
	if (name == NULL)
		return ANSWER_DONE;
	lab_restore_request(restore, what->request, image_arguments(what, name));
	return ANSWER_MORE;
}

Answer
lab_take_fud(LabRestore *restore, plist_t answer)
{
	return take_images(restore, answer, &fud);
}

Answer
lab_take_ean(LabRestore *restore, plist_t answer)
{
	return take_images(restore, answer, &ean);
}

/* ---- files that come in pieces --------------------------------------------------------------- */

static const char *const cryptex_images[] = {
	"Cryptex1,SystemOS", "Cryptex1,SystemVolume", "Cryptex1,SystemTrustCache",
	"Cryptex1,AppOS",    "Cryptex1,AppVolume",    "Cryptex1,AppTrustCache",
};

static plist_t
named(const char *image)
{
	return lab_plist_dict("s:ImageName", image, NULL);
}

plist_t
lab_ask_cryptex_image(const LabRestore *restore)
{
	return named(cryptex_images[0]);
}

plist_t
lab_ask_boot_object(const LabRestore *restore)
{
	return named("StaticTrustCache");
}

/* An encrypted image wants something more from the network before it can be opened. */
static void
ask_asset(LabRestore *restore)
{
	lab_restore_request(restore, "URLAsset",
			    lab_plist_dict("s:RequestMethod", "GET", "s:RequestURL",
					   "http://wkms-public.apple.com/fcs-keys/lab-asset",
					   NULL));
}

static Answer
take_response(plist_t answer)
{
	bool fine = lab_plist_uint(answer, "ResponseStatus", 0) == HTTP_OK &&
		    take_data(answer, "ResponseBody") == ANSWER_DONE;
	return fine ? ANSWER_MORE : ANSWER_BAD;
}

/* the next image of the same step; the list of names is ours */
static Answer
next_file(LabRestore *restore)
{
	const Step *step = lab_step_at(restore->step);
	restore->received = 0;
	if (step->chip != LAB_CHIP_CRYPTEX)
		return ANSWER_DONE;
	if (++restore->file == G_N_ELEMENTS(cryptex_images))
		return ANSWER_DONE;
	lab_restore_request(restore, step->wants, named(cryptex_images[restore->file]));
	return ANSWER_MORE;
}

Answer
lab_take_file(LabRestore *restore, plist_t answer)
{
	size_t size = 0;
	const uint8_t *piece = lab_plist_data(answer, "FileData", &size);
	if (lab_plist_item(answer, "ResponseStatus") != NULL)
		return take_response(answer);
	if (piece == NULL && lab_plist_item(answer, "FileDataDone") != NULL)
		return restore->received > 0 ? next_file(restore) : ANSWER_BAD;
	if (piece == NULL)
		return ANSWER_BAD;
	if (restore->received == 0 && size >= strlen("AEA1") && memcmp(piece, "AEA1", 4) == 0)
		ask_asset(restore);
	restore->received += size;
	return ANSWER_MORE;
}

plist_t
lab_ask_decryption_key(const LabRestore *restore)
{
	plist_t headers = lab_plist_dict("s:Content-Type", "application/json", NULL);
	plist_t arguments = lab_plist_dict("s:RequestMethod", "POST", "s:RequestURL",
					   "https://wkms-public.apple.com/fcs-keys/lab-image-key",
					   "p:RequestAdditionalHeaders", headers, NULL);
	plist_dict_set_item(arguments, "RequestBody", plist_new_data("{}", strlen("{}")));
	return arguments;
}

Answer
lab_take_decryption_key(LabRestore *restore, plist_t answer)
{
	return take_response(answer) == ANSWER_BAD ? ANSWER_BAD : ANSWER_DONE;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Whatever trust data the host has will do; then FDR wants a connection of its own. */
Answer
lab_take_fdr_trust(LabRestore *restore, plist_t answer)
{
	if (!lab_fdr_sync(restore->phone))
		lab_restore_fail(restore, LAB_STATUS_FDR, LAB_AMR_FAIL,
				 "no host is connected to FDR");
	return ANSWER_MORE;
}

/* Once to see what the host has, once with the nonce that the ticket has to be for. */
Answer
lab_take_baseband(LabRestore *restore, plist_t answer)
{
	static const char ticket[] = "bbticket.der";
	size_t size = 0;
	const uint8_t *archive = lab_plist_data(answer, "BasebandData", &size);
	if (archive == NULL || size < 2 || memcmp(archive, "PK", 2) != 0)
		return ANSWER_BAD;
	if (!restore->nonce_sent) {
		restore->nonce_sent = true;
		lab_restore_request(restore, "BasebandData", lab_ask_baseband(restore));
		return ANSWER_MORE;
	}
	bool ticketed = memmem(archive, size, ticket, strlen(ticket)) != NULL;
	lab_restore_tell(restore,
			 lab_plist_dict("s:MsgType", "BBUpdateStatusMsg", "b:Accepted",
					(int)ticketed, "p:Output",
					lab_plist_dict("b:done", (int)ticketed, NULL), NULL));
	return ticketed ? ANSWER_DONE : ANSWER_BAD;
}

Answer
lab_take_extra(LabRestore *restore, plist_t answer)
{
	g_autofree char *name = g_queue_pop_head(&restore->images);
	if (name == NULL)
		return ANSWER_DONE;
	lab_restore_request(restore, name, NULL);
	return ANSWER_MORE;
}
