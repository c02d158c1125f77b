/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "core/base/error.h"

GQuark
rescue_error_quark(void)
{
	return g_quark_from_static_string("rescue-error");
}
