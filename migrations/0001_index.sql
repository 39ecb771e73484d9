-- The index of one folder: what both sides last agreed on, and what each was last seen to have.
--
-- node: one row for each path that any of the three trees has. Rows hang together by id, so renaming a
-- directory changes one row. Row 1 is the folder's root; its parent is 0. Rows of which all three trees are
-- absent are removed.
CREATE TABLE node (
    id                INTEGER PRIMARY KEY,
    parent            INTEGER NOT NULL,
    name              BLOB NOT NULL,     -- local name, any bytes
    fold              INTEGER NOT NULL,  -- number that names share which the service may take for one (core: FoldKey)

    -- Base. NULL: the sides never agreed on anything here.
    base_kind         INTEGER,           -- 1 file, 2 directory
    base_size         INTEGER,           -- bytes
    base_md5          BLOB,              -- 16 bytes
    base_modified     INTEGER,           -- seconds since the epoch
    base_inode        INTEGER,           -- identity that the local entry had then
    base_born         INTEGER,           -- its birth time, nanoseconds since the epoch; 0 unknown
    base_nanoseconds  INTEGER,           -- of a file's modification time then, below a second
    base_changed      INTEGER,           -- a file's change time then, nanoseconds since the epoch
    base_local_modified INTEGER,         -- a file's modification time then, where the file system keeps another one

    -- Local. NULL absent, 0 as the base says (then the columns below hold nothing), 1 file, 2 directory,
    -- 3 something that is never synced, 4 a directory that could not be read, 5 ignored by a rule, 6 a directory at which
    -- something else is mounted than when it was read, or nothing any more.
    local_state       INTEGER,
    local_size        INTEGER,
    local_md5         BLOB,              -- NULL for a file: not summed since it changed
    local_modified    INTEGER,           -- seconds
    local_inode       INTEGER,
    local_born        INTEGER,
    local_nanoseconds INTEGER,           -- of the modification time, below a second
    local_changed     INTEGER,           -- change time, nanoseconds since the epoch
    local_links       INTEGER,           -- names that the file has, where there are several
    mount             INTEGER,           -- number of the file system that was mounted at this directory, 0 unknown; NULL none

    -- Remote. NULL absent, 0 as the base says, 1 file, 2 directory.
    remote_state      INTEGER,
    remote_size       INTEGER,
    remote_md5        BLOB,
    remote_modified   INTEGER,
    remote_name       TEXT,              -- stored name where it is not the encoded local name; the identity there
    remote_claimed    INTEGER            -- 1: sent and accepted, not yet seen in a listing
) STRICT;

CREATE UNIQUE INDEX node_by_name ON node (parent, fold, name);

-- What may need work, by directory. What only the remote side has is kept apart: backups leave it alone.
CREATE INDEX node_unsettled ON node (parent)
    WHERE (local_state IS NOT 0 OR remote_state IS NOT 0) AND NOT (base_kind IS NULL AND local_state IS NULL);
CREATE INDEX node_remote_only ON node (parent)
    WHERE base_kind IS NULL AND local_state IS NULL;
CREATE INDEX node_unhashed ON node (parent) WHERE local_state = 1 AND local_md5 IS NULL;
CREATE INDEX node_arrived ON node (local_inode) WHERE local_state IN (1, 2);
CREATE INDEX node_departed ON node (base_inode) WHERE base_kind IS NOT NULL AND local_state IS NOT 0;
CREATE INDEX node_mounted ON node (id) WHERE mount IS NOT NULL;
CREATE INDEX node_claimed ON node (parent) WHERE remote_claimed = 1;

-- problem: an entry that cannot be synced now.
CREATE TABLE problem (
    node     INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    reason   TEXT NOT NULL,
    remedy   TEXT NOT NULL,
    since    INTEGER NOT NULL,           -- seconds since the epoch
    tries    INTEGER NOT NULL,
    next_try INTEGER                     -- seconds since the epoch; NULL: only a change of the entry helps
) STRICT;

-- held: what waits for a person or was approved and is not yet done, and entries that are wanted back.
CREATE TABLE held (
    node     INTEGER PRIMARY KEY,
    action   TEXT NOT NULL,              -- 'delete', 'overwrite' or 'restore'
    approved INTEGER NOT NULL            -- 0 or 1
) STRICT;

-- parked: temporary names on the service that belong to an unfinished ring of moves or change of letter case.
-- Written before the entry is parked and removed after it has left, so that nothing is left behind unknown.
CREATE TABLE parked (
    path BLOB PRIMARY KEY                -- local path that the temporary name decodes to
) STRICT, WITHOUT ROWID;

-- operation: the history, newest 10,000.
CREATE TABLE operation (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,            -- seconds since the epoch
    kind    TEXT NOT NULL,
    path    BLOB NOT NULL,
    to_path BLOB,
    bytes   INTEGER,
    error   TEXT
) STRICT;

-- fact: single values: the root's identity, when what was last checked, pause.
CREATE TABLE fact (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO node (id, parent, name, fold, base_kind, base_inode, base_born, base_nanoseconds, base_changed,
                  local_state, remote_state)
    VALUES (1, 0, x'', 0, 2, 0, 0, 0, 0, 0, 0);
