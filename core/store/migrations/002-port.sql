-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Copyright (C) 2026 the idevicerescue contributors
-- Where the device was when something failed. What was indexed before is read anew: the journals know it already.
ALTER TABLE step ADD COLUMN port TEXT;
DELETE FROM job;
