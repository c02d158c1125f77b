/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** A fresh key and a self-signed certificate for it, both PEM, made for one run and kept in its memory. */
typedef struct {
	char *key_pem;
	char *certificate_pem;
} LabCertificate;

/** `names` ends with NULL; dotted quads become IP addresses. */
bool lab_certificate_make(LabCertificate *certificate, const char *const *names, GError **error);
void lab_certificate_clear(LabCertificate *certificate);
