-- What an entry was called before it got a temporary name: it is found by that if it is left behind.
ALTER TABLE parked ADD COLUMN name BLOB;    -- local name; NULL for what an older version parked
