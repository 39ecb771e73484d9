//! What became of a move on the service whose answer was lost: both ends are looked at before anything else is done.
//!
//! A move is the one operation whose half-known end could be mistaken: an entry that arrived unseen looks like
//! another device's, and one that was thought to have left like a deletion.

use jottad_core::encode_name;

use super::{Folder, FolderError};
use crate::event::{CommandId, Task};
use crate::index::{Index, RemoteMove};
use crate::remote::{RemoteError, RemoteNode};
use crate::time::Now;

/// The move that is in doubt, if one is. Moves go one at a time, so there is never more than one.
#[derive(Debug, Default)]
pub(super) struct Resolving {
    doubted: Option<RemoteMove>,
    source: Look,
    target: Look,
}

/// One end, and what was seen there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Look {
    #[default]
    Wanted,
    Asked(CommandId),
    Seen(Option<RemoteNode>),
}

impl Resolving {
    /// Takes up a move that a crash interrupted.
    pub(super) fn new(index: &Index) -> Result<Self, FolderError> {
        Ok(Self { doubted: index.remote_move()?, ..Self::default() })
    }

    /// The answer to a move was not that it was done.
    pub(super) fn doubt(&mut self, remote_move: RemoteMove) {
        *self = Self { doubted: Some(remote_move), ..Self::default() };
    }

    pub(super) fn is_idle(&self) -> bool {
        self.doubted.is_none()
    }

    /// Whether this command looks at an end of the move.
    pub(super) fn asked(&self, command: CommandId) -> bool {
        self.source == Look::Asked(command) || self.target == Look::Asked(command)
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
        if self.resolving.source == Look::Wanted {
            let path = self.index.stored_path(doubted.source)?;
            self.resolving.source = Look::Asked(self.issue(Task::Look { path }));
        }
        if self.resolving.target == Look::Wanted {
            let directory = self.index.stored_path(doubted.directory)?;
            let path = directory.join(encode_name(&doubted.name));
            self.resolving.target = Look::Asked(self.issue(Task::Look { path }));
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
        if self.resolving.source == Look::Asked(command) {
            self.resolving.source = look;
        } else {
            self.resolving.target = look;
        }
        if let (Look::Seen(source), Look::Seen(target)) = (self.resolving.source, self.resolving.target) {
            self.judge_move(source, target)?;
        }
        Ok(())
    }

    fn judge_move(
        &mut self,
        source: Option<RemoteNode>,
        target: Option<RemoteNode>,
    ) -> Result<(), FolderError> {
        let Some(doubted) = self.resolving.doubted.clone() else { return Ok(()) };
        let Some(node) = self.index.node(doubted.source)? else { return self.end_doubt() };
        let known = node.remote.as_ref().map(|remote| remote.node);
        let is_done = source.is_none() && known.is_some_and(|known| is_same_entry(Some(known), target));
        self.end_doubt()?;
        // What a directory holds was not looked at, and anything else than one of the two ends is somebody else's work.
        if known == Some(RemoteNode::Directory)
            || !(is_done || is_same_entry(known, source) && target.is_none())
        {
            self.listing.want_everything();
        }
        if is_done { self.moved(&node, &doubted) } else { Ok(()) }
    }

    fn end_doubt(&mut self) -> Result<(), FolderError> {
        self.resolving = Resolving::default();
        self.index.set_remote_move(None)?;
        self.round.restart();
        Ok(())
    }
}

fn is_same_entry(one: Option<RemoteNode>, other: Option<RemoteNode>) -> bool {
    match (one, other) {
        (Some(RemoteNode::File(one)), Some(RemoteNode::File(other))) => one.content == other.content,
        (one, other) => one == other,
    }
}
