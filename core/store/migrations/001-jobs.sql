-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Copyright (C) 2026 the idevicerescue contributors
-- The index over the journals: what `history list` asks for. Everything in here is read from STATE/jobs/*/journal and
-- can be thrown away; size, mtime_ns and ctime_ns say which state of the file was read.
CREATE TABLE job (
	job TEXT NOT NULL PRIMARY KEY,
	ecid TEXT CHECK (ecid GLOB '0x*'),
	product TEXT,
	ipsw TEXT,
	behavior TEXT,
	started TEXT,
	last TEXT,
	ended TEXT,
	seconds REAL NOT NULL,
	outcome TEXT,
	failure TEXT,
	data TEXT,
	version TEXT,
	build TEXT,
	advice TEXT,
	phase TEXT,
	attempts INTEGER NOT NULL CHECK (attempts >= 0),
	torn INTEGER NOT NULL CHECK (torn IN (0, 1)),
	size INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	ctime_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX job_by_ecid ON job (ecid);

CREATE TABLE step (
	job TEXT NOT NULL REFERENCES job (job) ON DELETE CASCADE,
	number INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	time TEXT,
	name TEXT,
	phase TEXT,
	category TEXT,
	text TEXT,
	outcome TEXT,
	PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
