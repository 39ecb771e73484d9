-- rewritten: files of kinds that are made once and then left as they are, such as photos, of which other content was to be
-- sent, and when. So files that are garbled a few a day are noticed. Older ones than a month are forgotten.
CREATE TABLE rewritten (
    node INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL                -- seconds since the epoch
) STRICT;
