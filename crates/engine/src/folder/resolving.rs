//! What became of a move on the service whose answer was lost: both ends are looked at before anything else is done.
//!
//! A move is the one operation whose half-known end could be mistaken: an entry that arrived unseen looks like
//! another device's, and one that was thought to have left like a deletion. A service that lags (protocol U-38) may show
//! both ends as they were before an earlier move, which can look like the end of this one: in a change of letter case
//! or a ring the old name is still taken then, and the temporary name not yet. So a look is believed only if a later one
//! says the same.

use std::time::Duration;

use jottad_core::encode_name;

use super::{DELAYS, Folder, FolderError, PATIENCE};
use crate::event::{CommandId, Task};
use crate::index::{Index, Node, RemoteMove};
use crate::remote::{RemoteError, RemoteNode};
use crate::time::Now;

/// The move that is in doubt, if one is. Moves go one at a time, so there is never more than one.
#[derive(Debug, Default)]
pub(super) struct Resolving {
    doubted: Option<RemoteMove>,
    looks: Looks,
    /// An earlier run used temporary names, nobody knows how long ago.
    follows_unknown: bool,
    /// Until then the service may show what was there before the last move that was done.
    late_until: Option<Duration>,
}

/// The looks at both ends.
#[derive(Debug, Default)]
struct Looks {
    source: Look,
    target: Look,
    /// How often both ends were seen, and what that said the last time.
    seen: usize,
    before: Option<Sight>,
    /// When they are looked at again.
    not_before: Option<Duration>,
}

/// One end, and what was seen there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Look {
    #[default]
    Wanted,
    Asked(CommandId),
    Seen(Option<RemoteNode>),
}

/// What both ends say of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Stayed,
    Arrived,
    /// The service is late at one of the ends, or somebody else was at work.
    Neither,
}

impl Resolving {
    /// Takes up a move that a crash interrupted.
    pub(super) fn new(index: &Index) -> Result<Self, FolderError> {
        let follows_unknown = !index.parked()?.is_empty();
        Ok(Self { doubted: index.remote_move()?, follows_unknown, ..Self::default() })
    }

    /// The answer to a move was not that it was done.
    pub(super) fn doubt(&mut self, remote_move: RemoteMove) {
        self.doubted = Some(remote_move);
        self.looks = Looks::default();
    }

    /// A move was done.
    pub(super) fn moved(&mut self, now: Now) {
        self.late_until = Some(now.monotonic + PATIENCE);
    }

    /// Time has come so far.
    pub(super) fn pass(&mut self, now: Now) {
        if std::mem::take(&mut self.follows_unknown) {
            self.moved(now);
        }
        self.late_until = self.late_until.filter(|time| now.monotonic < *time);
    }

    /// Whether what the service shows may be older than the last move that was done.
    pub(super) fn may_be_late(&self) -> bool {
        self.late_until.is_some()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.doubted.is_none()
    }

    /// Whether this command looks at an end of the move.
    pub(super) fn asked(&self, command: CommandId) -> bool {
        self.looks.source == Look::Asked(command) || self.looks.target == Look::Asked(command)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.looks.not_before
    }

    pub(super) fn timer(&mut self, now: Now) {
        self.looks.not_before = self.looks.not_before.filter(|time| *time > now.monotonic);
    }

    /// Takes what both ends say now; `None` if they are to be looked at again.
    fn weigh(&mut self, sight: Sight, now: Now) -> Option<Sight> {
        let looks = &mut self.looks;
        let may_be_older = sight == Sight::Arrived && self.late_until.is_some();
        let is_repeated = looks.before.replace(sight) == Some(sight);
        looks.seen += 1;
        if is_repeated && sight != Sight::Neither && !may_be_older {
            return Some(sight);
        }
        let Some(delay) = DELAYS.get(looks.seen - 1) else { return Some(sight) };
        looks.not_before = Some(now.monotonic + *delay);
        (looks.source, looks.target) = (Look::Wanted, Look::Wanted);
        None
    }
}

impl Folder {
    /// Looks at both ends of a move that is in doubt; tells whether none is.
    pub(super) fn resolve_move(&mut self) -> Result<bool, FolderError> {
        let Some(doubted) = self.resolving.doubted.clone() else { return Ok(true) };
        if self.index.node(doubted.source)?.is_none() || self.index.node(doubted.directory)?.is_none() {
            // One of the ends means nothing any more; a listing shows what there is.
            self.listing.want_everything();
            return self.end_doubt().map(|()| true);
        }
        if self.resolving.looks.not_before.is_some() {
            return Ok(false);
        }
        if self.resolving.looks.source == Look::Wanted {
            let path = self.index.stored_path(doubted.source)?;
            self.resolving.looks.source = Look::Asked(self.issue(Task::Look { path }));
        }
        if self.resolving.looks.target == Look::Wanted {
            let directory = self.index.stored_path(doubted.directory)?;
            let path = directory.join(encode_name(&doubted.name));
            self.resolving.looks.target = Look::Asked(self.issue(Task::Look { path }));
        }
        Ok(false)
    }

    pub(super) fn move_looked_at(
        &mut self,
        command: CommandId,
        result: Result<Option<RemoteNode>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let look = match result {
            Ok(seen) => {
                self.connection.succeeded();
                Look::Seen(seen)
            }
            Err(error) => {
                self.connection_failed(&error, now);
                Look::Wanted
            }
        };
        let looks = &mut self.resolving.looks;
        if looks.source == Look::Asked(command) {
            looks.source = look;
        } else {
            looks.target = look;
        }
        if let (Look::Seen(source), Look::Seen(target)) = (looks.source, looks.target) {
            self.judge_move(source, target, now)?;
        }
        Ok(())
    }

    fn judge_move(
        &mut self,
        source: Option<RemoteNode>,
        target: Option<RemoteNode>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(doubted) = self.resolving.doubted.clone() else { return Ok(()) };
        let Some(node) = self.index.node(doubted.source)? else { return self.end_doubt() };
        let Some(sight) = self.resolving.weigh(sight_of(&node, source, target), now) else { return Ok(()) };
        self.end_doubt()?;
        // What a directory holds was not looked at, and anything else than one of the two ends is somebody else's work.
        let is_directory = node.remote.as_ref().is_some_and(|known| known.node == RemoteNode::Directory);
        if is_directory || sight == Sight::Neither {
            self.listing.want_everything();
        }
        if sight != Sight::Neither {
            // It is known where everything is, so the moves may go on. How often one is tried is counted apart.
            self.round.moving.go_on();
        }
        if sight == Sight::Arrived { self.moved(&node, &doubted, now) } else { Ok(()) }
    }

    fn end_doubt(&mut self) -> Result<(), FolderError> {
        self.resolving.doubted = None;
        self.resolving.looks = Looks::default();
        self.index.set_remote_move(None)?;
        self.round.restart();
        Ok(())
    }
}

fn sight_of(moved: &Node, source: Option<RemoteNode>, target: Option<RemoteNode>) -> Sight {
    let known = moved.remote.as_ref().map(|remote| remote.node);
    if source.is_none() && known.is_some() && is_same_entry(known, target) {
        Sight::Arrived
    } else if target.is_none() && is_same_entry(known, source) {
        Sight::Stayed
    } else {
        Sight::Neither
    }
}

fn is_same_entry(one: Option<RemoteNode>, other: Option<RemoteNode>) -> bool {
    match (one, other) {
        (Some(RemoteNode::File(one)), Some(RemoteNode::File(other))) => one.content == other.content,
        (one, other) => one == other,
    }
}
