-- Files that have several names, by what they are: a change through one name is a change of all. Other files cost nothing.
CREATE INDEX node_names ON node (coalesce(local_inode, base_inode), local_links, parent) WHERE local_links IS NOT NULL;
