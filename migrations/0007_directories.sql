-- Directories by their identity, as long as the disk has them where the base says: one that is seen elsewhere was
-- moved, and its old place was read too early.
CREATE INDEX node_directories ON node (base_inode) WHERE base_kind = 2 AND local_state = 0;
