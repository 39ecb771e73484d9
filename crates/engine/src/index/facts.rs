//! Single values that outlive a run.

use jottad_core::RelativePath;
use rusqlite::{OptionalExtension as _, params};

use super::{Index, IndexError};

/// The single values, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The root's file system, inode and birth time, `a/b/c`.
    RootIdentity,
    /// The marker that the root holds in the modes that write locally.
    RootMarker,
    /// When the last full scan ended, seconds since the epoch.
    LocalCheckedAt,
    /// When the last complete listing ended, seconds since the epoch.
    RemoteCheckedAt,
    /// The change stamp right before the last complete listing.
    RemoteStamp,
    /// When all three trees last agreed, seconds since the epoch.
    ProvenAt,
    /// `forever`, or until when the folder is paused, seconds since the epoch.
    Paused,
}

impl Fact {
    const fn key(self) -> &'static str {
        match self {
            Self::RootIdentity => "root_identity",
            Self::RootMarker => "root_marker",
            Self::LocalCheckedAt => "local_checked_at",
            Self::RemoteCheckedAt => "remote_checked_at",
            Self::RemoteStamp => "remote_stamp",
            Self::ProvenAt => "proven_at",
            Self::Paused => "paused",
        }
    }
}

impl Index {
    pub(crate) fn fact(&self, fact: Fact) -> Result<Option<String>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM fact WHERE key = ?1")?;
        Ok(statement.query_row([fact.key()], |row| row.get(0)).optional()?)
    }

    /// A value that is a number; one that is none is damage.
    pub(crate) fn number(&self, fact: Fact) -> Result<Option<i64>, IndexError> {
        let Some(text) = self.fact(fact)? else { return Ok(None) };
        let number = text.parse().map_err(|_| IndexError::Damaged(format!("{} is {text:?}", fact.key())))?;
        Ok(Some(number))
    }

    pub(crate) fn set_fact(&mut self, fact: Fact, value: Option<&str>) -> Result<(), IndexError> {
        if self.fact(fact)?.as_deref() == value {
            return Ok(());
        }
        self.begin()?;
        match value {
            Some(value) => self
                .connection
                .prepare_cached("INSERT OR REPLACE INTO fact (key, value) VALUES (?1, ?2)")?
                .execute(params![fact.key(), value])?,
            None => {
                self.connection.prepare_cached("DELETE FROM fact WHERE key = ?1")?.execute([fact.key()])?
            }
        };
        Ok(())
    }

    /// Remembers a temporary remote name, before it is used.
    pub(crate) fn park(&mut self, path: &RelativePath) -> Result<(), IndexError> {
        self.begin()?;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO parked (path) VALUES (?1)")?
            .execute([path.as_bytes()])?;
        Ok(())
    }

    /// Forgets a temporary remote name, after it was left.
    pub(crate) fn unpark(&mut self, path: &RelativePath) -> Result<(), IndexError> {
        self.begin()?;
        self.connection.prepare_cached("DELETE FROM parked WHERE path = ?1")?.execute([path.as_bytes()])?;
        Ok(())
    }

    /// Every temporary remote name in use.
    pub(crate) fn parked(&self) -> Result<Vec<RelativePath>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT path FROM parked ORDER BY path")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|bytes| RelativePath::parse(&bytes?).map_err(|error| IndexError::Damaged(error.to_string())))
            .collect()
    }
}
