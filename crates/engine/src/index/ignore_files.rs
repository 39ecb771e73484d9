//! The `.jottaignore` files as they were last read, by directory.

use jottad_core::{RelativePath, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Index, IndexError, NodeId};

/// One `.jottaignore` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IgnoreFileRow {
    /// The directory that it is in.
    pub(crate) directory: RelativePath,
    /// What it holds.
    pub(crate) content: Vec<u8>,
    /// When it was first seen with this content.
    pub(crate) since: Timestamp,
}

impl Index {
    /// Every `.jottaignore` file.
    pub(crate) fn ignore_files(&self) -> Result<Vec<IgnoreFileRow>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT directory, content, since FROM ignore_file ORDER BY directory")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.map(|row| {
            let (directory, content, since): (NodeId, Vec<u8>, i64) = row?;
            let directory = self.path(directory)?;
            Ok(IgnoreFileRow { directory, content, since: Timestamp::from_seconds(since) })
        })
        .collect()
    }

    /// Whether the `.jottaignore` of a directory holds something else than was taken in last, `None` if there
    /// is none.
    pub(crate) fn is_other_ignore_file(
        &self,
        directory: NodeId,
        content: Option<&[u8]>,
    ) -> Result<bool, IndexError> {
        let known: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT content FROM ignore_file WHERE directory = ?1")?
            .query_row([directory], |row| row.get(0))
            .optional()?;
        Ok(known.as_deref() != content)
    }

    /// Takes in what the `.jottaignore` of a directory holds, `None` if there is none; tells whether that is
    /// new.
    pub(crate) fn set_ignore_file(
        &mut self,
        directory: NodeId,
        content: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<bool, IndexError> {
        if !self.is_other_ignore_file(directory, content)? {
            return Ok(false);
        }
        match content {
            None => self.forget_ignore_file(directory)?,
            Some(content) => {
                self.begin()?;
                self.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO ignore_file (directory, content, since) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![directory, content, now.seconds()])?;
                self.ignore_revision += 1;
            }
        }
        Ok(true)
    }

    /// A number that changes whenever a rule or the place of one does.
    pub(crate) fn ignore_revision(&self) -> u64 {
        self.ignore_revision
    }

    /// The directory is not there any more.
    pub(super) fn forget_ignore_file(&mut self, directory: NodeId) -> Result<(), IndexError> {
        self.begin()?;
        let count = self
            .connection
            .prepare_cached("DELETE FROM ignore_file WHERE directory = ?1")?
            .execute([directory])?;
        self.ignore_revision += u64::from(count > 0);
        Ok(())
    }

    /// A directory has another path: so have the rules in it and below it.
    pub(super) fn ignore_files_moved(&mut self) {
        self.ignore_revision += 1;
    }

    /// What is local of a directory belongs to another row from now on.
    pub(super) fn move_ignore_file(&mut self, from: NodeId, to: NodeId) -> Result<(), IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached("UPDATE OR REPLACE ignore_file SET directory = ?2 WHERE directory = ?1")?
            .execute(params![from, to])?;
        self.ignore_revision += 1;
        Ok(())
    }
}
