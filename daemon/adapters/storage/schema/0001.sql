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
  id              TEXT PRIMARY KEY,
  last_seen       INTEGER NOT NULL,
  committed       TEXT NOT NULL,     -- the deliverable that it confirmed last
  confirms_itself INTEGER NOT NULL   -- it was seen to
) STRICT, WITHOUT ROWID;

-- The keys that a child is enrolled with: public halves, certificates, and secrets sealed under the store key.
CREATE TABLE child_key (
  child  TEXT NOT NULL REFERENCES child (id) ON DELETE CASCADE,
  use_   TEXT NOT NULL,
  kind   TEXT NOT NULL,
  id     TEXT NOT NULL,              -- a digest, or of a secret its fingerprint
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,              -- hexadecimal digits
  since  INTEGER NOT NULL,
  set_by INTEGER NOT NULL,           -- uid
  PRIMARY KEY (child, use_)
) STRICT, WITHOUT ROWID;

-- Of children that the configuration does not name.
CREATE TABLE registration (
  child        TEXT PRIMARY KEY REFERENCES child (id) ON DELETE CASCADE,
  transport    TEXT NOT NULL,
  address      TEXT NOT NULL,
  profile      TEXT NOT NULL,
  vendor       TEXT NOT NULL,
  device_class TEXT NOT NULL,
  origin       TEXT NOT NULL,
  by_          TEXT NOT NULL,        -- who, for people
  at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE registration_target (
  child     TEXT NOT NULL REFERENCES registration (child) ON DELETE CASCADE,
  position  INTEGER NOT NULL,
  component TEXT NOT NULL,
  number    INTEGER NOT NULL,        -- of the image on the child
  PRIMARY KEY (child, position)
) STRICT, WITHOUT ROWID;

-- What a child said when it was inspected last; none until then.
CREATE TABLE inspection (
  child        TEXT PRIMARY KEY REFERENCES child (id) ON DELETE CASCADE,
  revert_class TEXT NOT NULL,
  bootloader   TEXT NOT NULL,
  staging      TEXT NOT NULL,
  obstacle     TEXT NOT NULL,
  busy         INTEGER NOT NULL,
  busy_for     INTEGER NOT NULL,     -- milliseconds; 0: it does not tell
  power        TEXT NOT NULL,
  battery      INTEGER,              -- percent; NULL: it does not tell
  identity     TEXT NOT NULL,
  boots        INTEGER,              -- NULL: it does not tell
  unit         TEXT NOT NULL,        -- the product it says it is built into; '': it does not tell
  evidence     TEXT NOT NULL         -- what the digests of its slots tell an image by
) STRICT, WITHOUT ROWID;

-- The highest sequence number that a child has confirmed of each product.
CREATE TABLE floor (
  child    TEXT NOT NULL REFERENCES child (id) ON DELETE CASCADE,
  product  TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (child, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
  child     TEXT NOT NULL REFERENCES inspection (child) ON DELETE CASCADE,
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
  delivered   INTEGER NOT NULL,
  phase       TEXT NOT NULL,
  decision    TEXT NOT NULL,
  order_      TEXT NOT NULL,
  orders      INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  cause       TEXT NOT NULL,
  permit      TEXT NOT NULL,
  backup      TEXT NOT NULL,
  restore_due INTEGER NOT NULL,
  restores    INTEGER NOT NULL,
  group_      TEXT NOT NULL,         -- whose transaction it is part of; '': the child's alone
  pivot       INTEGER NOT NULL,
  after_commit INTEGER NOT NULL      -- cannot be brought back either: touched after COMMIT only
) STRICT, WITHOUT ROWID;

-- The images of an update.
CREATE TABLE part (
  child    TEXT NOT NULL REFERENCES update_ (child) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  number   INTEGER NOT NULL,         -- of the image on the child
  image    TEXT NOT NULL,
  before_  TEXT NOT NULL,
  after_   TEXT NOT NULL,
  PRIMARY KEY (child, position)
) STRICT, WITHOUT ROWID;

-- Images of an update as this child gets them: the bytes that stand in the place of those of the shared file.
CREATE TABLE view_ (
  child  TEXT NOT NULL REFERENCES update_ (child) ON DELETE CASCADE,
  image  TEXT NOT NULL,              -- digest of the shared file
  digest TEXT NOT NULL,              -- of it as it leaves
  key    TEXT NOT NULL,              -- the child's, that it was made for
  record TEXT NOT NULL,              -- beside it, in hexadecimal digits; '': none
  PRIMARY KEY (child, image)
) STRICT, WITHOUT ROWID;

CREATE TABLE patch (
  child    TEXT NOT NULL,
  image    TEXT NOT NULL,
  position INTEGER NOT NULL,
  offset_  INTEGER NOT NULL,
  bytes    TEXT NOT NULL,            -- hexadecimal digits
  PRIMARY KEY (child, image, position),
  FOREIGN KEY (child, image) REFERENCES view_ (child, image) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Children that are updated together or not at all.
CREATE TABLE group_ (
  id         TEXT PRIMARY KEY,
  layout     TEXT NOT NULL,
  committed  TEXT NOT NULL,          -- the deliverable that all of them confirmed last
  configured INTEGER NOT NULL,       -- the configuration names it, not an operator
  reported   INTEGER NOT NULL        -- its members did, by the unit that they report
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
  group_   TEXT NOT NULL REFERENCES group_ (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  role     TEXT NOT NULL,
  child    TEXT NOT NULL,
  PRIMARY KEY (group_, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliverable (
  id        TEXT PRIMARY KEY,
  product   TEXT NOT NULL,
  sequence  INTEGER NOT NULL,
  version   TEXT NOT NULL,
  source    TEXT NOT NULL,
  sealed_at INTEGER NOT NULL,
  priority  INTEGER                  -- NULL: the manifest does not say
) STRICT, WITHOUT ROWID;

CREATE TABLE signer (
  deliverable TEXT NOT NULL REFERENCES deliverable (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  name        TEXT NOT NULL,
  PRIMARY KEY (deliverable, position)
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
  slot           INTEGER,            -- this and the next three: NULL when the manifest does not ask for it
  use_before     INTEGER,
  not_before     INTEGER,
  battery_mwh    INTEGER,
  authorization_ INTEGER NOT NULL,
  wrap           TEXT,               -- how its content key is wrapped; NULL: it is plain, or nobody knows
  key_bits       INTEGER NOT NULL,   -- of the content key; this and the next three: 0, 0, 0, '' without a wrap
  wrap_offset    INTEGER NOT NULL,
  wrap_size      INTEGER NOT NULL,
  wrap_info      TEXT NOT NULL,      -- SUIT_Encryption_Info as it was signed, in hexadecimal digits
  PRIMARY KEY (deliverable, position)
) STRICT, WITHOUT ROWID;

-- What must hold of the version that runs on the child before an image.
CREATE TABLE version_condition (
  deliverable TEXT NOT NULL,
  image       INTEGER NOT NULL,      -- its position
  position    INTEGER NOT NULL,
  operator    TEXT NOT NULL,
  version     TEXT NOT NULL,         -- "1.2-rc.3"
  PRIMARY KEY (deliverable, image, position),
  FOREIGN KEY (deliverable, image) REFERENCES image (deliverable, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout (
  id          INTEGER PRIMARY KEY,
  deliverable TEXT NOT NULL,
  started_by  INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  approved    INTEGER NOT NULL,
  forced      INTEGER NOT NULL       -- groups may end mixed
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

-- The version of each signed enrollment list that was taken last.
CREATE TABLE enrollment_list (
  name    TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What signed records said. The newest head of each channel.
CREATE TABLE head (
  channel TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  issued  INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE head_entry (
  channel  TEXT NOT NULL REFERENCES head (channel) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  product  TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  manifest TEXT NOT NULL,
  minimum  INTEGER NOT NULL,
  PRIMARY KEY (channel, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE permit (
  id           TEXT PRIMARY KEY,
  product      TEXT NOT NULL,
  from_        INTEGER NOT NULL,
  to_          INTEGER NOT NULL,
  child        TEXT,                 -- one of these two
  device_class TEXT,
  not_after    INTEGER NOT NULL,
  signers      TEXT NOT NULL,
  CHECK ((child IS NULL) <> (device_class IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE permit_use (
  permit TEXT NOT NULL REFERENCES permit (id) ON DELETE CASCADE,
  child  TEXT NOT NULL,
  epoch  INTEGER NOT NULL,
  PRIMARY KEY (permit, child)
) STRICT, WITHOUT ROWID;

-- Content keys for this gateway; the record as it came, in hexadecimal digits.
CREATE TABLE key_grant (
  image     TEXT PRIMARY KEY,
  not_after INTEGER NOT NULL,
  record    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Content keys that are held, sealed under the store key.
CREATE TABLE content_key (
  image       TEXT PRIMARY KEY,      -- digest of the sealed bytes that it opens
  sealed      TEXT NOT NULL,         -- hexadecimal digits
  fingerprint TEXT NOT NULL,
  plaintext   TEXT NOT NULL,         -- digest of what it encrypts
  not_after   INTEGER                -- NULL: not by a grant
) STRICT, WITHOUT ROWID;

CREATE TABLE trust_root (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  version  INTEGER NOT NULL,         -- 0: none came yet
  record   TEXT NOT NULL             -- as it came, in hexadecimal digits
) STRICT;
INSERT INTO trust_root VALUES (1, 0, '');

-- The sequence numbers below which no child is brought without a permit.
CREATE TABLE gateway_floor (
  product  TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL
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
