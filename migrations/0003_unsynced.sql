-- holds_unsynced: 1: when this local directory was last read, it held something that is never synced: what a rule ignores,
-- a link, a socket. Such a directory does not go to the local trash as a whole.
ALTER TABLE node ADD COLUMN holds_unsynced INTEGER;
