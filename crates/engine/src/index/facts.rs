//! Single values that outlive a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jottad_core::moves::Parked;
use jottad_core::{Content, File, Name, RelativePath, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Index, IndexError, NodeId};
use crate::remote::{RemoteNode, UnusableEntry};

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

/// What was sent to a place of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The row of the directory that it was sent into.
    pub(crate) directory: NodeId,
    /// What it is called there.
    pub(crate) name: Name,
    /// What it is.
    pub(crate) node: RemoteNode,
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
    /// `1`: a change was heard of since then.
    OutdatedProof,
    /// The moves on the service whose ends are not known, a line for each: source row, target directory's
    /// row, parked, name in hexadecimal.
    RemoteMove,
    /// When a temporary name on the service was last left or gone to, seconds since the epoch.
    ParkedAt,
    /// How much waits for a person to be deleted: entries, files, files that were deleted before, and why.
    HeldDeletes,
    /// How many files that should not change were rewritten within a month, if that is why some wait for a
    /// person.
    HeldRewrites,
    /// A root was held for what is missing in it, nothing of it was left but what is new, or a person said
    /// that it is right as it is: whatever is deleted next is held, however little. Once it was shown, that
    /// holds only at and below the rows that are named.
    HoldNextDeletes,
    /// What was deleted since when, of what was agreed on then.
    Losses,
    /// What the service has and nothing local can stand for, as the last listing showed it: since when, path
    /// and reason in hexadecimal, one a line.
    Unusable,
    /// What was sent and given up, because a look did not show it: the row of its directory, its name in
    /// hexadecimal, and `directory` or size, hash and time of the file, one a line.
    GivenUp,
    /// The rows at which the service was asked to remove what it has, and is not known to have answered.
    Removals,
    /// There are rows which the service may have as one entry: only a listing tells.
    ContestedNames,
    /// `forever`, or until when the folder is paused, seconds since the epoch.
    Paused,
    /// How long that pause was to last, in seconds.
    PausedFor,
    /// When the last operation ended, by the clock that never jumps, in seconds since the machine was
    /// started.
    OperatedAt,
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
            Self::OutdatedProof => "outdated_proof",
            Self::RemoteMove => "remote_move",
            Self::ParkedAt => "parked_at",
            Self::HeldDeletes => "held_deletes",
            Self::HeldRewrites => "held_rewrites",
            Self::HoldNextDeletes => "hold_next_deletes",
            Self::Losses => "losses",
            Self::Unusable => "unusable",
            Self::GivenUp => "given_up",
            Self::Removals => "removals",
            Self::ContestedNames => "contested_names",
            Self::Paused => "paused",
            Self::PausedFor => "paused_for",
            Self::OperatedAt => "operated_at",
            Self::LastWords => "last_words",
            Self::Decision => "decision",
            Self::AcceptedMounts => "accepted_mounts",
        }
    }
}

impl Index {
    pub(crate) fn fact(&self, fact: Fact) -> Result<Option<String>, IndexError> {
        if let Some(value) = self.facts.borrow().get(fact.key()) {
            return Ok(value.clone());
        }
        let mut statement = self.connection.prepare_cached("SELECT value FROM fact WHERE key = ?1")?;
        let value: Option<String> = statement.query_row([fact.key()], |row| row.get(0)).optional()?;
        self.facts.borrow_mut().insert(fact.key(), value.clone());
        Ok(value)
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
        // Until it is written it is not known what the file has.
        self.facts.get_mut().remove(fact.key());
        match value {
            Some(value) => self
                .connection
                .prepare_cached("INSERT OR REPLACE INTO fact (key, value) VALUES (?1, ?2)")?
                .execute(params![fact.key(), value])?,
            None => {
                self.connection.prepare_cached("DELETE FROM fact WHERE key = ?1")?.execute([fact.key()])?
            }
        };
        self.facts.get_mut().insert(fact.key(), value.map(str::to_owned));
        Ok(())
    }

    /// Remembers a move on the service before it is asked for.
    pub(crate) fn note_remote_move(&mut self, remote_move: RemoteMove) -> Result<(), IndexError> {
        let mut moves = self.remote_moves()?;
        moves.retain(|other| other.source != remote_move.source);
        moves.push(remote_move);
        self.set_remote_moves(&moves)
    }

    /// Forgets the move of a row: its end is known.
    pub(crate) fn forget_remote_move(&mut self, source: NodeId) -> Result<(), IndexError> {
        let mut moves = self.remote_moves()?;
        moves.retain(|other| other.source != source);
        self.set_remote_moves(&moves)
    }

    fn set_remote_moves(&mut self, moves: &[RemoteMove]) -> Result<(), IndexError> {
        let line = |one: &RemoteMove| {
            let parked = match one.parked {
                Parked::No => "no",
                Parked::To => "to",
                Parked::From => "from",
            };
            format!("{} {} {parked} {}", one.source.0, one.directory.0, hexadecimal(one.name.as_bytes()))
        };
        let lines: Vec<String> = moves.iter().map(line).collect();
        self.set_fact(Fact::RemoteMove, (!lines.is_empty()).then(|| lines.join("\n")).as_deref())
    }

    /// The moves on the service whose ends are not known, in the order in which they were asked for.
    pub(crate) fn remote_moves(&self) -> Result<Vec<RemoteMove>, IndexError> {
        let Some(text) = self.fact(Fact::RemoteMove)? else { return Ok(Vec::new()) };
        let parse = |line: &str| -> Option<RemoteMove> {
            let mut words = line.split(' ');
            let source = NodeId(words.next()?.parse().ok()?);
            let directory = NodeId(words.next()?.parse().ok()?);
            let parked = match words.next()? {
                "no" => Parked::No,
                "to" => Parked::To,
                "from" => Parked::From,
                _ => return None,
            };
            let name = Name::new(from_hexadecimal(words.next()?)?).ok()?;
            Some(RemoteMove { source, directory, name, parked })
        };
        let damaged = || IndexError::Damaged(format!("the moves in progress are {text:?}"));
        text.lines().map(parse).collect::<Option<_>>().ok_or_else(damaged)
    }

    /// Remembers what a listing showed that nothing local can stand for, so that it is told after a restart,
    /// too.
    pub(crate) fn set_unusable(
        &mut self,
        entries: &BTreeMap<UnusableEntry, Timestamp>,
    ) -> Result<(), IndexError> {
        let line = |(entry, since): (&UnusableEntry, &Timestamp)| {
            let (path, reason) = (hexadecimal(entry.path.as_bytes()), hexadecimal(entry.reason.as_bytes()));
            format!("{} {path} {reason}", since.seconds())
        };
        let lines: Vec<String> = entries.iter().map(line).collect();
        self.set_fact(Fact::Unusable, (!lines.is_empty()).then(|| lines.join("\n")).as_deref())
    }

    /// What the last listing showed that nothing local can stand for. The next one shows it again, so a line
    /// that cannot be read is left out.
    pub(crate) fn unusable(&self) -> Result<BTreeMap<UnusableEntry, Timestamp>, IndexError> {
        let text = |digits: &str| String::from_utf8(from_hexadecimal(digits)?).ok();
        let parse = |line: &str| {
            let mut words = line.split(' ');
            let since = Timestamp::from_seconds(words.next()?.parse().ok()?);
            let (path, reason) = (text(words.next()?)?, text(words.next()?)?);
            Some((UnusableEntry { path, reason }, since))
        };
        let stored = self.fact(Fact::Unusable)?.unwrap_or_default();
        Ok(stored.lines().filter_map(parse).collect())
    }

    /// Remembers what was sent and given up.
    pub(crate) fn set_given_up(&mut self, sent: impl Iterator<Item = Sent>) -> Result<(), IndexError> {
        let line = |Sent { directory, name, node }| {
            let what = match node {
                RemoteNode::Directory => "directory".to_owned(),
                RemoteNode::File(File { content, modified }) => {
                    format!("{} {} {}", content.size, content.md5, modified.seconds())
                }
            };
            format!("{} {} {what}", directory.0, hexadecimal(name.as_bytes()))
        };
        let lines: Vec<String> = sent.map(line).collect();
        self.set_fact(Fact::GivenUp, (!lines.is_empty()).then(|| lines.join("\n")).as_deref())
    }

    /// What was sent and given up. A line that cannot be read is left out: what it says is others', then.
    pub(crate) fn given_up(&self) -> Result<Vec<Sent>, IndexError> {
        let parse = |line: &str| {
            let mut words = line.split(' ');
            let directory = NodeId(words.next()?.parse().ok()?);
            let name = Name::new(from_hexadecimal(words.next()?)?).ok()?;
            let node = match words.next()? {
                "directory" => RemoteNode::Directory,
                size => {
                    let content = Content { size: size.parse().ok()?, md5: words.next()?.parse().ok()? };
                    let modified = Timestamp::from_seconds(words.next()?.parse().ok()?);
                    RemoteNode::File(File { content, modified })
                }
            };
            Some(Sent { directory, name, node })
        };
        let stored = self.fact(Fact::GivenUp)?.unwrap_or_default();
        Ok(stored.lines().filter_map(parse).collect())
    }

    /// Remembers at which rows the service was asked to remove what it has, before it is asked.
    pub(crate) fn set_removals<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a NodeId>,
    ) -> Result<(), IndexError> {
        let numbers: Vec<String> = rows.map(|row| row.0.to_string()).collect();
        self.set_fact(Fact::Removals, (!numbers.is_empty()).then(|| numbers.join(" ")).as_deref())
    }

    /// The rows at which the service was asked to remove what it has. What cannot be read is left out.
    pub(crate) fn removals(&self) -> Result<Vec<NodeId>, IndexError> {
        let stored = self.fact(Fact::Removals)?.unwrap_or_default();
        Ok(stored.split(' ').filter_map(|number| number.parse().ok().map(NodeId)).collect())
    }

    /// Remembers a temporary remote name, before it is used, and the name of the entry that gets it.
    pub(crate) fn park(&mut self, path: &RelativePath, name: &Name) -> Result<(), IndexError> {
        self.begin()?;
        self.revision += 1;
        self.connection
            .prepare_cached(
                "INSERT INTO parked (path, name) VALUES (?1, ?2) \
                 ON CONFLICT (path) DO UPDATE SET name = excluded.name",
            )?
            .execute([path.as_bytes(), name.as_bytes()])?;
        Ok(())
    }

    /// The name that an entry had before it got this temporary one; `None` if an older version parked it.
    pub(crate) fn parked_name(&self, path: &RelativePath) -> Result<Option<Name>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT name FROM parked WHERE path = ?1")?;
        let name: Option<Option<Vec<u8>>> =
            statement.query_row([path.as_bytes()], |row| row.get(0)).optional()?;
        Ok(name.flatten().and_then(|name| Name::new(name).ok()))
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

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_known_again_whatever_its_name() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("i.sqlite");
        let mut index = Index::open(&file).unwrap().0;
        assert!(index.unusable().unwrap().is_empty());
        let entry = |path: &str, seconds| {
            let entry = UnusableEntry { path: path.to_owned(), reason: "a b\nc".to_owned() };
            (entry, Timestamp::from_seconds(seconds))
        };
        let entries = BTreeMap::from([entry("a/\u{f8} \n", 5), entry("", 0)]);
        index.set_unusable(&entries).unwrap();
        index.commit().unwrap();
        drop(index);
        let mut index = Index::open(&file).unwrap().0;
        assert_eq!(index.unusable().unwrap(), entries);
        index.set_fact(Fact::Unusable, Some("7 zz 61\n8 61 62")).unwrap();
        let left: Vec<_> = index.unusable().unwrap().into_keys().map(|entry| entry.path).collect();
        assert_eq!(left, ["a"]);
    }
}
