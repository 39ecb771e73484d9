-- Files by content: what is to be fetched may be here already under another name.
CREATE INDEX node_content ON node (base_md5) WHERE base_kind = 1 AND local_state = 0;
