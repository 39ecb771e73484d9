-- Directories by their identity, as long as the disk has them where the base says: one that is seen elsewhere was
-- moved, and its old place was read too early.
CREATE INDEX node_directories ON node (base_inode) WHERE base_kind = 2 AND local_state = 0;

-- Directories that cannot be read, by their identity: one that has gone from its place may be one of them.
CREATE INDEX node_unreadable ON node (local_inode) WHERE local_state = 4;
