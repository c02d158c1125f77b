/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/lab/world/component.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lab/world/der.h"
#include "tests/lab/world/noise.h"
#include "tests/lab/world/special.h"

enum {
	MADE = LAB_COMPONENT_MADE,
	FIRMWARE = LAB_COMPONENT_FIRMWARE,
	SECONDARY = LAB_COMPONENT_SECONDARY,
	FUD = LAB_COMPONENT_FUD,
	IBOOT = LAB_COMPONENT_IBOOT,
	RETAG = LAB_COMPONENT_RETAG,
	RAW = LAB_COMPONENT_RAW,
	BUILD = LAB_COMPONENT_BUILD,
};

static const LabComponent components[] = {
#define LAB_COMPONENT(name, type, path, flags, first) { name, type, path, flags, first },
#include "tests/lab/world/component.def"
#undef LAB_COMPONENT
};

/* sizes in KiB: small against the real ones, large enough that an upload takes several transfers */
static const struct {
	const char *name;
	unsigned kib;
} sizes[] = {
	{ "iBSS", 256 },
	{ "iBEC", 256 },
	{ "LLB", 256 },
	{ "iBoot", 256 },
	{ "KernelCache", 1024 },
	{ "RestoreKernelCache", 1024 },
	{ "RestoreRamDisk", 2048 },
	{ "SEP", 512 },
	{ "RestoreSEP", 512 },
	{ "BasebandFirmware", 128 },
};
enum { USUAL_KIB = 24 };

static unsigned
size_kib(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		if (strcmp(sizes[i].name, name) == 0)
			return sizes[i].kib;
	}
	return USUAL_KIB;
}

const LabComponent *
lab_component_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
		if (strcmp(components[i].name, name) == 0)
			return &components[i];
	}
	return NULL;
}

const LabComponent *
lab_component_at(unsigned index)
{
	return index < G_N_ELEMENTS(components) ? &components[index] : NULL;
}

/* by the first word of the name */
static const struct {
	const char *prefix;
	LabChipKind chip;
} chips[] = {
	{ "BasebandFirmware", LAB_CHIP_BASEBAND },
	{ "SE,", LAB_CHIP_SE },
	{ "Savage,", LAB_CHIP_SAVAGE },
	{ "Yonkers,", LAB_CHIP_YONKERS },
	{ "Rap,", LAB_CHIP_ROSE },
	{ "BMU,", LAB_CHIP_VERIDIAN },
	{ "eUICC,", LAB_CHIP_VINYL },
	{ "Cryptex1,", LAB_CHIP_CRYPTEX },
};

LabChipKind
lab_component_chip(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(chips); i++) {
		if (g_str_has_prefix(name, chips[i].prefix))
			return chips[i].chip;
	}
	return LAB_CHIP_NONE;
}

static const char *
path_word(char letter, const LabModel *model, bool update)
{
	switch (letter) {
	case 'l':
		return model->loader;
	case 'b':
		return model->board;
	case 'k':
		return model->kernel;
	case 's':
		return model->screen;
	case 'r':
		return update ? "098-10002-001.dmg" : "098-10001-001.dmg";
	case 'o':
		return "098-10000-001.dmg";
	default:
		return "";
	}
}

char *
lab_component_path(const LabComponent *component, const LabModel *model, bool update)
{
	if (component->path == NULL)
		return NULL;
	GString *path = g_string_new(NULL);
	for (const char *p = component->path; *p != '\0'; p++) {
		if (*p == '%' && p[1] != '\0')
			g_string_append(path, path_word(*++p, model, update));
		else
			g_string_append_c(path, *p);
	}
	return g_string_free(path, FALSE);
}

static GByteArray *
payload(const LabIpswSpec *spec, const char *name, const char *path, bool update)
{
	size_t size = size_kib(name) * (size_t)1024;
	g_autofree char *seed = g_strconcat(spec->product, spec->build, path, NULL);
	g_autofree LabNoise *noise = g_new(LabNoise, 1);
	lab_noise_init(noise, seed);
	GByteArray *bytes = g_byte_array_sized_new((guint)size);
	g_byte_array_set_size(bytes, (guint)size);
	lab_noise_fill(noise, 0, bytes->data, size);
	/* the phone's ramdisk knows by these words what it is for; a file has the same content for all who share it */
	g_autofree char *file = g_path_get_basename(path);
	g_autofree char *mark = strcmp(name, "RestoreRamDisk") == 0
				    ? g_strdup_printf("LABRAMDISK %s %s\n",
						      update ? "Update" : "Erase", spec->build)
				    : g_strdup_printf("LAB %s %s\n", file, spec->build);
	memcpy(bytes->data, mark, strlen(mark));
	return bytes;
}

static bool
is_image4(const LabComponent *component, const char *path)
{
	if (component != NULL)
		return (component->flags & RAW) == 0;
	return g_str_has_suffix(path, ".im4p");
}

GBytes *
lab_component_data(const LabIpswSpec *spec, const char *name, const char *path, bool update)
{
	const LabComponent *component = lab_component_find(name);
	g_autoptr(GByteArray) content = payload(spec, name, path, update);
	GBytes *special = lab_special_file(path, content);
	if (special != NULL)
		return special;
	if (!is_image4(component, path))
		return g_byte_array_free_to_bytes(g_steal_pointer(&content));
	const char *type = component != NULL ? component->type : "labx";
	g_autofree char *description = g_strdup_printf("Lab-%s", spec->version);
	GByteArray *im4p = lab_der_im4p(type, description, content->data, content->len);
	return g_byte_array_free_to_bytes(im4p);
}
