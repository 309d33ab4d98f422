-- SPDX-License-Identifier: Apache-2.0
-- What survives a power cut. Times are milliseconds since 1970; digests and UUIDs are hexadecimal text ('' is "not
-- known"); enumerations are stored by name; unsigned 64-bit numbers keep their bits. Lists keep their order in
-- `position`. Only own rows refer to their owner: a rollout may name a child that has not been seen yet.

CREATE TABLE meta (
  only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
  last_rollout INTEGER NOT NULL,
  last_epoch   INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, 0);

CREATE TABLE child (
  id             TEXT PRIMARY KEY,
  last_seen      INTEGER NOT NULL,
  revert_class   TEXT,               -- this and the next three: NULL until the child was inspected once
  bootloader     TEXT,
  busy           INTEGER,
  battery        INTEGER             -- percent; NULL: it does not tell
) STRICT, WITHOUT ROWID;

-- The highest sequence number that a child has confirmed of each product.
CREATE TABLE floor (
  child    TEXT NOT NULL REFERENCES child (id) ON DELETE CASCADE,
  product  TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (child, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
  child     TEXT NOT NULL REFERENCES child (id) ON DELETE CASCADE,
  position  INTEGER NOT NULL,
  image     INTEGER NOT NULL,
  slot      INTEGER NOT NULL,
  version   TEXT NOT NULL,
  digest    TEXT NOT NULL,
  bootable  INTEGER NOT NULL,
  pending   INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  active    INTEGER NOT NULL,
  permanent INTEGER NOT NULL,
  PRIMARY KEY (child, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE update_ (
  child       TEXT PRIMARY KEY REFERENCES child (id) ON DELETE CASCADE,
  epoch       INTEGER NOT NULL,
  rollout     INTEGER NOT NULL,
  deliverable TEXT NOT NULL,
  image       TEXT NOT NULL,
  before_     TEXT NOT NULL,
  after_      TEXT NOT NULL,
  phase       TEXT NOT NULL,
  decision    TEXT NOT NULL,
  order_      TEXT NOT NULL,
  orders      INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  cause       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliverable (
  id        TEXT PRIMARY KEY,
  product   TEXT NOT NULL,
  sequence  INTEGER NOT NULL,
  version   TEXT NOT NULL,
  signer    TEXT NOT NULL,
  source    TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE image (
  deliverable    TEXT NOT NULL REFERENCES deliverable (id) ON DELETE CASCADE,
  position       INTEGER NOT NULL,
  component      TEXT NOT NULL,
  vendor         TEXT NOT NULL,
  device_class   TEXT NOT NULL,
  digest         TEXT NOT NULL,
  size           INTEGER NOT NULL,
  version        TEXT NOT NULL,
  running_digest TEXT NOT NULL,
  encrypted      INTEGER NOT NULL,
  PRIMARY KEY (deliverable, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout (
  id          INTEGER PRIMARY KEY,
  deliverable TEXT NOT NULL,
  started_by  INTEGER NOT NULL,
  started_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE rollout_child (
  rollout  INTEGER NOT NULL REFERENCES rollout (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  child    TEXT NOT NULL,
  PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE announcement (
  url   TEXT PRIMARY KEY,
  heard INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `line` counts per child, so that the oldest line is found without a scan.
CREATE TABLE history (
  child       TEXT NOT NULL,
  line        INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  epoch       INTEGER NOT NULL,
  deliverable TEXT NOT NULL,
  phase       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  cause       TEXT NOT NULL,
  PRIMARY KEY (child, line)
) STRICT, WITHOUT ROWID;
