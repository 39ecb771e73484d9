//! The history of operations.

use jottad_core::{RelativePath, Timestamp};
use rusqlite::{Row, params};

use super::{Index, IndexError};
use crate::status::LogLine;

/// How many operations are kept.
const KEPT: i64 = 10_000;
/// So many more may be kept.
const PRUNED_AT_A_TIME: i64 = 100;

impl Index {
    /// Adds a line, whose id is given by the index, and returns it; the oldest beyond the limit goes.
    pub(crate) fn record(&mut self, line: LogLine) -> Result<LogLine, IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached("INSERT INTO operation (at, kind, path, to_path, bytes, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                line.at.seconds(),
                line.kind,
                line.path.as_bytes(),
                line.to.as_ref().map(RelativePath::as_bytes),
                line.bytes.map(u64::cast_signed),
                line.error,
            ])?;
        let id = self.connection.last_insert_rowid();
        // Not for each line: what is too old is found a few at a time as well.
        if id % PRUNED_AT_A_TIME == 0 {
            self.connection.prepare_cached("DELETE FROM operation WHERE id <= ?1")?.execute([id - KEPT])?;
        }
        Ok(LogLine { id, ..line })
    }

    /// The newest lines behind `after`, oldest first.
    pub(crate) fn history(&self, after: i64, limit: u32) -> Result<Vec<LogLine>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, kind, path, to_path, bytes, error FROM
                (SELECT * FROM operation WHERE id > ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
        )?;
        statement.query_and_then(params![after, limit], read_line)?.collect()
    }

    /// The newest lines about one path, oldest first.
    pub(crate) fn history_of(&self, path: &RelativePath, limit: u32) -> Result<Vec<LogLine>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, kind, path, to_path, bytes, error FROM
                (SELECT * FROM operation WHERE path = ?1 OR to_path = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
        )?;
        statement.query_and_then(params![path.as_bytes(), limit], read_line)?.collect()
    }
}

fn read_line(row: &Row<'_>) -> Result<LogLine, IndexError> {
    let path =
        |bytes: Vec<u8>| RelativePath::parse(&bytes).map_err(|error| IndexError::Damaged(error.to_string()));
    Ok(LogLine {
        id: row.get(0)?,
        at: Timestamp::from_seconds(row.get(1)?),
        kind: row.get(2)?,
        path: path(row.get(3)?)?,
        to: row.get::<_, Option<Vec<u8>>>(4)?.map(path).transpose()?,
        bytes: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        error: row.get(6)?,
    })
}
