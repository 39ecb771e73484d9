//! A remote entry whose name changed only in ways that the service does not tell apart (protocol 8.8): it stays the
//! entry that it was, under another spelling.
//!
//! A listing shows such an entry as one that is new and one that is gone. Taken as that, the old one could never be
//! removed here: right before, a look at its old name shows the new one.

use super::{Folder, FolderError};
use crate::index::{Local, Node, NodeId};

impl Folder {
    /// The row under which a listing filed the new spelling of an entry that it did not show under the old one.
    pub(super) fn respelled(
        &self,
        unseen: &Node,
        is_seen: &dyn Fn(NodeId) -> bool,
    ) -> Result<Option<NodeId>, FolderError> {
        if self.busy.contains(&unseen.id) {
            return Ok(None);
        }
        let kind = unseen.remote.as_ref().map(|remote| remote.node.kind());
        let is_respelled = |other: &Node| {
            other.id != unseen.id
                && is_seen(other.id)
                && !self.busy.contains(&other.id)
                && other.base.is_none()
                && other.local == Local::Absent
                && other
                    .remote
                    .as_ref()
                    .is_some_and(|remote| !remote.claimed && Some(remote.node.kind()) == kind)
        };
        let namesakes = self.index.namesakes(unseen.parent, &unseen.stored_name())?;
        Ok(namesakes.into_iter().find(is_respelled).map(|node| node.id))
    }

    /// Files what was seen under a new spelling, with all below it, under the row that it had before; returns the rows
    /// that were seen by this.
    pub(super) fn respell(&mut self, from: NodeId, to: NodeId) -> Result<Vec<NodeId>, FolderError> {
        let reached = self.index.respell(from, to)?;
        for id in &reached {
            if let Some(mut node) = self.index.node(*id)? {
                self.save_observed(&mut node)?;
            }
        }
        self.round.restart();
        Ok(reached)
    }
}
