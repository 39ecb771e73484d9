//! What was sent and is not yet seen: how long it is waited for, and when it is given up.
//!
//! A row is claimed before its content leaves. A look that shows what was sent makes it the base; a look that
//! does not may be too late (protocol U-38), or what was sent never arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::staleness::RECHECK_DELAYS;
use jottad_core::{Entry, FoldKey, StoredName};

use super::given_up::GivenUp;
use super::unconfirmed;
use crate::folder::in_flight::Running;
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{Descend, Index, Node, NodeId, RemoteRecord};
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
    /// What was sent, whose answer was lost, and that a look did not show.
    pub(super) given_up: GivenUp,
    /// Claims that were cut off, and whether all that is missing is an answer.
    cut_off: BTreeMap<NodeId, bool>,
    removals: Removals,
}

/// Rows at which the service was asked to remove what it has, and may have done so: nobody else need have
/// removed what is gone there. An answer may be lost by a crash as well, so they are written down before
/// anything leaves.
#[derive(Debug, Default)]
struct Removals {
    /// The answer is still to come.
    asked: BTreeSet<NodeId>,
    /// The answer was lost.
    in_doubt: BTreeSet<NodeId>,
    /// They are not written down as they are.
    is_changed: bool,
}

impl Removals {
    fn take_up(&mut self, index: &Index) -> Result<(), FolderError> {
        self.in_doubt.extend(index.removals()?);
        Ok(())
    }

    fn write_down(&mut self, index: &mut Index) -> Result<(), FolderError> {
        if std::mem::take(&mut self.is_changed) {
            index.set_removals(self.asked.union(&self.in_doubt))?;
        }
        Ok(())
    }
}

impl Claims {
    /// Takes up what an earlier run has left.
    pub(in crate::folder) fn take_up(&mut self, index: &Index) -> Result<(), FolderError> {
        self.cut_off.extend(unconfirmed::claims(index)?.iter().map(|node| (node.id, false)));
        self.removals.take_up(index)?;
        self.given_up.take_up(index)
    }

    /// What was being sent to a row was cut off, or its answer was lost.
    pub(in crate::folder) fn cut(&mut self, node: NodeId, is_answer_lost: bool) {
        self.cut_off.insert(node, is_answer_lost);
    }

    /// Rows whose claims were cut off. The row tells what came of it since.
    pub(super) fn cut_off(&self) -> impl Iterator<Item = NodeId> {
        self.cut_off.keys().copied()
    }

    pub(super) fn is_answer_lost(&self, node: NodeId) -> bool {
        self.cut_off.get(&node) == Some(&true)
    }

    /// Whether the service has accepted what is claimed at a row.
    pub(in crate::folder) fn is_accepted(&self, node: NodeId) -> bool {
        self.accepted.contains(&node)
    }

    /// A row's remote side was observed, or is claimed anew: how far an older claim came says nothing any
    /// more.
    pub(in crate::folder) fn forget(&mut self, node: NodeId) {
        self.accepted.remove(&node);
        self.cut_off.remove(&node);
    }

    /// Writes down what outlives a run.
    pub(in crate::folder) fn write_down(&mut self, index: &mut Index, now: Now) -> Result<(), FolderError> {
        self.removals.write_down(index)?;
        self.given_up.write_down(index, now)
    }

    /// What the service has at a row is about to be removed.
    pub(in crate::folder) fn removal_begins(&mut self, node: NodeId) {
        self.removals.is_changed |= self.removals.asked.insert(node);
    }

    /// The request to remove it has ended, and may have been done without an answer.
    pub(in crate::folder) fn removal_ended(&mut self, node: NodeId, is_in_doubt: bool) {
        self.removals.is_changed |= self.removals.asked.remove(&node);
        if is_in_doubt {
            self.removals.is_changed |= self.removals.in_doubt.insert(node);
        }
    }

    /// What was to be removed is there, or is no more; tells whether it may have been removed.
    pub(super) fn take_removed(&mut self, node: NodeId) -> bool {
        let was_in_doubt = self.removals.in_doubt.remove(&node);
        self.removals.is_changed |= was_in_doubt;
        was_in_doubt
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
        if in_vain >= RECHECK_DELAYS.len() {
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
            self.claims.given_up.add(node, claim.node);
        }
        self.keeping_failures(node, Self::remote_vanished)
    }

    /// What was sent was looked for in vain, and is given up. What was there before is still there if all
    /// that does not show it may be older.
    fn claim_missed(&mut self, node: &mut Node, now: Now) -> Result<(), FolderError> {
        let Some((before, until)) = self.known_before_claim(node, None, now.monotonic)? else {
            return self.give_up_claim(node);
        };
        self.rechecks.want_at(node.parent, until);
        if let Some(claim) = node.remote.take() {
            self.claims.given_up.add(node, claim.node);
            node.remote = Some(RemoteRecord { node: before, name: claim.name, claimed: false });
        }
        self.keeping_failures(node, Self::save_observed)
    }

    /// What both sides agreed on before something was sent to a row that is not seen, if what is shown there
    /// may be older still; and until when it may. The service has shown that, and has it still.
    pub(super) fn known_before_claim(
        &self,
        node: &Node,
        shown: Option<RemoteNode>,
        asked_at: Duration,
    ) -> Result<Option<(RemoteNode, Duration)>, FolderError> {
        let Some(claim) = node.remote.as_ref().filter(|remote| remote.claimed) else { return Ok(None) };
        let Entry::File(agreed) = node.base_entry() else { return Ok(None) };
        let before = RemoteNode::File(agreed);
        if claim.node == before || shown == Some(claim.node) {
            return Ok(None);
        }
        let path = self.index.stored_path_of(node)?;
        let until = self.recent_writes.older_until(&path, before, shown, asked_at);
        Ok(until.map(|until| (before, until)))
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
        // What is moved or removed meanwhile cannot be judged, and nothing else would ask for it again.
        let is_leaving = |node: &Node| self.in_flight.at(node.id).is_some_and(Running::leaves);
        if lost.iter().chain(&late).any(is_leaving) {
            self.rechecks.want_at(directory, now.monotonic + RECHECK_DELAYS[0]);
        }
        for mut node in lost {
            if !self.in_flight.is_at(node.id) {
                self.claim_missed(&mut node, now)?;
            }
        }
        if late.is_empty() {
            return Ok(());
        }
        if let Some(delay) = RECHECK_DELAYS.get(in_vain) {
            self.rechecks.expect_again(directory, late.len() as u64, in_vain + 1, now.monotonic + *delay);
            return Ok(());
        }
        for mut node in late {
            if self.in_flight.is_at(node.id) {
                continue;
            }
            self.claim_missed(&mut node, now)?;
            // Where nothing is left to be sent, nothing is missing.
            if !self.claims.accepted.remove(&node.id)
                || node.local.kind().is_none()
                || namesakes::is_shown_respelled(&self.index, &node)?
            {
                continue;
            }
            let reason = "the service accepted it but does not show it".to_owned();
            self.put_problem(node.id, found(Finding::NotShown), reason, now)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
