//! Single values that outlive a run.

use std::fmt::Write as _;

use jottad_core::moves::Parked;
use jottad_core::{Name, RelativePath};
use rusqlite::{OptionalExtension as _, params};

use super::{Index, IndexError, NodeId};

/// A move on the service: what it moves, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteMove {
    /// The entry that is moved.
    pub(crate) source: NodeId,
    /// The directory that it goes to.
    pub(crate) directory: NodeId,
    /// What it is called there.
    pub(crate) name: Name,
    /// Whether one of the ends is a temporary name.
    pub(crate) parked: Parked,
}

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
    /// A move on the service whose end is not known: source row, target directory's row, parked, name in hexadecimal.
    RemoteMove,
    /// When a temporary name on the service was last left or gone to, seconds since the epoch.
    ParkedAt,
    /// How much waits for a person to be deleted: entries and files.
    HeldDeletes,
    /// How many files that should not change were rewritten within a month, if that is why some wait for a person.
    HeldRewrites,
    /// A person said that a root is right as it is: whatever is deleted next is held, however little.
    HoldNextDeletes,
    /// What was deleted since when, of what was agreed on then.
    Losses,
    /// `forever`, or until when the folder is paused, seconds since the epoch.
    Paused,
    /// How long that pause was to last, in seconds.
    PausedFor,
    /// What the last run knew and did not write down elsewhere: a held root, and problems that have no row.
    LastWords,
    /// What a person decided about a held root while nothing ran.
    Decision,
    /// The directories whose disks a person took for right while nothing ran.
    AcceptedMounts,
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
            Self::RemoteMove => "remote_move",
            Self::ParkedAt => "parked_at",
            Self::HeldDeletes => "held_deletes",
            Self::HeldRewrites => "held_rewrites",
            Self::HoldNextDeletes => "hold_next_deletes",
            Self::Losses => "losses",
            Self::Paused => "paused",
            Self::PausedFor => "paused_for",
            Self::LastWords => "last_words",
            Self::Decision => "decision",
            Self::AcceptedMounts => "accepted_mounts",
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

    /// Remembers a move on the service before it is asked for, or forgets it when its end is known.
    pub(crate) fn set_remote_move(&mut self, remote_move: Option<&RemoteMove>) -> Result<(), IndexError> {
        let value = remote_move.map(|one| {
            let parked = match one.parked {
                Parked::No => "no",
                Parked::To => "to",
                Parked::From => "from",
            };
            let mut value = format!("{} {} {parked} ", one.source.0, one.directory.0);
            for byte in one.name.as_bytes() {
                // Writing to a string never fails.
                let _ = write!(value, "{byte:02x}");
            }
            value
        });
        self.set_fact(Fact::RemoteMove, value.as_deref())
    }

    /// The move on the service whose end is not known.
    pub(crate) fn remote_move(&self) -> Result<Option<RemoteMove>, IndexError> {
        let Some(text) = self.fact(Fact::RemoteMove)? else { return Ok(None) };
        let parse = |text: &str| -> Option<RemoteMove> {
            let mut words = text.split(' ');
            let source = NodeId(words.next()?.parse().ok()?);
            let directory = NodeId(words.next()?.parse().ok()?);
            let parked = match words.next()? {
                "no" => Parked::No,
                "to" => Parked::To,
                "from" => Parked::From,
                _ => return None,
            };
            let digits = words.next()?;
            let bytes =
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
            let name = Name::new(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
            Some(RemoteMove { source, directory, name, parked })
        };
        let damaged = || IndexError::Damaged(format!("the move in progress is {text:?}"));
        parse(&text).map(Some).ok_or_else(damaged)
    }

    /// Remembers a temporary remote name, before it is used.
    pub(crate) fn park(&mut self, path: &RelativePath) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO parked (path) VALUES (?1)")?
            .execute([path.as_bytes()])?;
        Ok(())
    }

    /// Forgets a temporary remote name, after it was left.
    pub(crate) fn unpark(&mut self, path: &RelativePath) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection.prepare_cached("DELETE FROM parked WHERE path = ?1")?.execute([path.as_bytes()])?;
        Ok(())
    }

    /// Whether any temporary remote name is remembered.
    pub(crate) fn is_parked(&self) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM parked)")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Every temporary remote name that was used and may still be there.
    pub(crate) fn parked(&self) -> Result<Vec<RelativePath>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT path FROM parked ORDER BY path")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|bytes| RelativePath::parse(&bytes?).map_err(|error| IndexError::Damaged(error.to_string())))
            .collect()
    }
}
