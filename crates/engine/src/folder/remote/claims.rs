//! What was sent and is not yet seen: how long it is waited for, and when it is given up.
//!
//! A row is claimed before its content leaves. A look that shows what was sent makes it the base; a look that
//! does not may be too late (protocol U-38), or what was sent never arrived.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::lateness::DELAYS;
use jottad_core::{Entry, File, FoldKey, Name, StoredName};

use crate::folder::{Folder, FolderError};
use crate::index::{Descend, Node, NodeId};
use crate::planted::{self, Planted};
use crate::remote::RemoteNode;
use crate::scope::{Finding, found};
use crate::time::Now;

/// What is known of claims beyond their rows.
#[derive(Debug, Default)]
pub(in crate::folder) struct Claims {
    /// Claims that the service has accepted, so that only its lag can contradict them. The others were cut
    /// off, by the network or by the end of an earlier run, and may as well never have arrived.
    accepted: BTreeSet<NodeId>,
    /// Files that were sent, whose answer was lost, and that a look did not show: it may have been too late
    /// for that.
    given_up: BTreeMap<(NodeId, Name), File>,
    /// What was to be removed, and the answer was lost: nobody else need have removed it.
    removed: BTreeSet<NodeId>,
}

impl Claims {
    /// Whether the service has accepted what is claimed at a row.
    pub(in crate::folder) fn is_accepted(&self, node: NodeId) -> bool {
        self.accepted.contains(&node)
    }

    /// A row's remote side was observed, or is claimed anew: an older acceptance says nothing any more.
    pub(in crate::folder) fn forget(&mut self, node: NodeId) {
        self.accepted.remove(&node);
    }

    /// What the service has at a row was to be removed, and may have been.
    pub(in crate::folder) fn may_be_removed(&mut self, node: NodeId) {
        self.removed.insert(node);
    }

    /// What was to be removed is there, or is no more; tells whether it was to be removed.
    pub(super) fn take_removed(&mut self, node: NodeId) -> bool {
        self.removed.remove(&node)
    }

    /// A look contradicts what was sent to a row.
    pub(in crate::folder) fn give_up(&mut self, node: &Node, sent: RemoteNode) {
        if let RemoteNode::File(file) = sent {
            self.given_up.insert((node.parent, node.name.clone()), file);
        }
    }

    /// Takes what is seen at a row; tells whether it was sent there and given up too early.
    pub(super) fn take_given_up(&mut self, node: &Node, seen: RemoteNode) -> bool {
        if self.given_up.is_empty() {
            return false;
        }
        let place = (node.parent, node.name.clone());
        let is_sent = matches!(seen, RemoteNode::File(file) if self.given_up.get(&place) == Some(&file))
            && !planted::is(Planted::GivenUpForgotten);
        is_sent && self.given_up.remove(&place).is_some()
    }
}

impl Folder {
    /// Something was sent to a row, and the service has accepted it: it is looked for in its directory.
    pub(in crate::folder) fn claim_accepted(&mut self, node: NodeId, directory: NodeId) {
        self.claims.accepted.insert(node);
        self.rechecks.expect_one_more(directory);
    }

    /// The claims that a listing contradicts, as long as it may only be late.
    pub(super) fn stale_claims(
        &self,
        directory: NodeId,
        entries: &[(StoredName, RemoteNode)],
        in_vain: usize,
    ) -> Result<BTreeSet<NodeId>, FolderError> {
        if in_vain >= DELAYS.len() {
            return Ok(BTreeSet::new());
        }
        let seen: BTreeMap<FoldKey, RemoteNode> =
            entries.iter().map(|(name, node)| (FoldKey::of(name), *node)).collect();
        let contradicted = |node: &Node| {
            let claimed = node.remote.as_ref().map(|remote| remote.node);
            seen.get(&FoldKey::of(&node.stored_name())).is_some_and(|seen| Some(*seen) != claimed)
        };
        let mut stale = BTreeSet::new();
        for node in self.index.claims(directory)? {
            if contradicted(&node) && self.may_still_arrive(&node)? {
                stale.insert(node.id);
            }
        }
        Ok(stale)
    }

    /// Whether a claim that was looked for in vain deserves more patience. What the service has accepted
    /// does; what was cut off is simply sent again, which is harmless even if it had arrived, unless there is
    /// nothing of the sort left to send, as far as that was looked at since the start: then it must be seen
    /// to be removed.
    pub(super) fn may_still_arrive(&self, claim: &Node) -> Result<bool, FolderError> {
        let claimed = claim.remote.as_ref().map(|remote| remote.node.kind());
        let may_be_gone = claim.local.kind() != claimed || !self.scanning.was_complete();
        if self.claims.accepted.contains(&claim.id) || may_be_gone {
            return Ok(true);
        }
        // With a directory all that was sent into it would be given up.
        Ok(claim.remote_entry() == Entry::Directory
            && self.index.children(claim.id)?.iter().any(|below| below.remote.is_some()))
    }

    /// Whether something that was sent into a directory still deserves patience: then a look that does not
    /// show the directory may be as late, and would take all that was sent there for lost.
    pub(super) fn awaits_inside(&self, directory: &Node) -> Result<bool, FolderError> {
        if self.rechecks.is_idle() || directory.remote_entry() != Entry::Directory {
            return Ok(false);
        }
        let mut claims = Vec::new();
        self.index.walk(directory.id, |node, _| {
            if node.remote.as_ref().is_some_and(|remote| remote.claimed) {
                claims.push(node.clone());
            }
            Ok(Descend::Yes)
        })?;
        for claim in claims {
            if self.may_still_arrive(&claim)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What was sent did not arrive, so the service has what it had before. That is no news, so what is
    /// remembered of failures stays: else what is refused would be sent again without a pause.
    pub(super) fn give_up_claim(&mut self, node: &mut Node) -> Result<(), FolderError> {
        if let Some(claim) = node.remote.as_ref().filter(|remote| remote.claimed) {
            self.claims.give_up(node, claim.node);
        }
        self.keeping_failures(node, Self::remote_vanished)
    }

    /// Changes a row without forgetting what failed at it.
    pub(in crate::folder) fn keeping_failures(
        &mut self,
        node: &mut Node,
        change: impl FnOnce(&mut Self, &mut Node) -> Result<(), FolderError>,
    ) -> Result<(), FolderError> {
        let id = node.id;
        let problem = self.index.problem(id)?;
        let attempts = self.attempts.get(&id).copied();
        change(self, node)?;
        // A row that holds nothing any more is gone, with all that was wrong with it.
        if planted::is(Planted::RefusalForgotten) || self.index.node(id)?.is_none() {
            return Ok(());
        }
        if let Some(problem) = problem {
            self.index.put_problem(&problem)?;
        }
        if let Some(attempts) = attempts {
            self.attempts.insert(id, attempts);
        }
        Ok(())
    }

    /// What was sent into a directory and not seen there is looked for again, and after a while given up:
    /// then it was not stored, and is sent anew.
    pub(super) fn look_again_for(
        &mut self,
        directory: NodeId,
        in_vain: usize,
        now: Now,
    ) -> Result<(), FolderError> {
        let (mut late, mut lost) = (Vec::new(), Vec::new());
        for claim in self.index.claims(directory)? {
            if self.may_still_arrive(&claim)? {
                late.push(claim);
            } else {
                lost.push(claim);
            }
        }
        for mut node in lost {
            if !self.busy.contains(&node.id) {
                self.give_up_claim(&mut node)?;
            }
        }
        if late.is_empty() {
            return Ok(());
        }
        if let Some(delay) = DELAYS.get(in_vain) {
            self.rechecks.expect_again(directory, late.len() as u64, in_vain + 1, now.monotonic + *delay);
            return Ok(());
        }
        for mut node in late {
            if self.busy.contains(&node.id) {
                continue;
            }
            self.give_up_claim(&mut node)?;
            if !self.claims.accepted.remove(&node.id) || self.is_there_respelled(&node)? {
                continue;
            }
            let reason = "the service accepted it but does not show it".to_owned();
            self.put_problem(node.id, found(Finding::NotShown), reason, now)?;
        }
        Ok(())
    }
}
