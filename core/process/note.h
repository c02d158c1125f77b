/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Beside the ECID locks: something of this computer is not as it should be for a moment. Who changes it makes a note
 * first, holds it meanwhile (and whoever inherits the descriptor does), and takes it away when all is as before. A
 * note that nobody holds is the work of one that died on the way: the next one puts it right. It is gone after a
 * restart of the computer, like what it is about. The name says everything; what others wrote into the folder is not
 * believed.
 */
typedef struct RescueNote RescueNote;

/**
 * Makes it, or takes over one that was left behind. `subject`: "1-1.4", `kind`: "port-off". BUSY: another process holds
 * it; HOST_IO.
 */
RescueNote *rescue_note_take(const char *subject, const char *kind, GError **error);
/** To be passed on to a child. */
int rescue_note_fd(const RescueNote *note);
/** All is as before: it goes. Takes `note`. */
void rescue_note_done(RescueNote *note);
/** Lets go and leaves it where it is, for the next one. Accepts NULL. */
void rescue_note_free(RescueNote *note);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RescueNote, rescue_note_free)
/** The subjects of all notes of this kind that we or root have made and nobody holds. Caller frees; never NULL. */
GStrv rescue_note_list_left(const char *kind);
