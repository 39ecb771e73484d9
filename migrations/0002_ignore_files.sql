-- ignore_file: what the `.jottaignore` of a directory held when that directory was last read, so that the rules are
-- known before anything below is looked at, after a restart and when only a part of the folder is scanned.
CREATE TABLE ignore_file (
    directory INTEGER PRIMARY KEY,       -- row of the directory
    content   BLOB NOT NULL,
    since     INTEGER NOT NULL           -- when it was first seen with this content, seconds since the epoch
) STRICT;
