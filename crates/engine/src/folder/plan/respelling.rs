//! A remote entry whose name changed only in ways that the service does not tell apart (protocol 8.8): it
//! stays the entry that it was, under another spelling.
//!
//! A listing shows such an entry as one that is new and one that is gone. Taken as that, the old one could
//! never be removed locally: right before, a look at its old name shows the new one. So it is filed under the
//! row that it had. In modes that pull, the local name then follows by a rename; elsewhere it stays
//! what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use jottad_core::{Entry, Kind, Name, OperationKind, RelativePath, Side};

use super::moving;
use crate::disk::Identity;
use crate::event::{Achieved, Followed, Task};
use crate::folder::in_flight::{Detail, Running};
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError, MOST_ATTEMPTS};
use crate::index::{Index, Local, Node, NodeId, RemoteRecord};
use crate::remote::RemoteNode;
use crate::scope::{Finding, found};
use crate::status::ProblemKind;
use crate::time::Now;

/// The local names that are to follow.
#[derive(Debug, Default)]
pub(in crate::folder) struct Respelling {
    /// Rows that a look of this run has shown under another spelling. Where it matters, a run begins with a
    /// listing.
    noted: BTreeSet<NodeId>,
    /// Rows of the service beside namesakes that only this side has.
    misfiled: BTreeSet<NodeId>,
    /// The row that was taken last in this round.
    after: Option<NodeId>,
    /// What the disk does not keep under its new name as it is.
    refused: BTreeMap<NodeId, (Identity, Name)>,
    /// What was seen may be older than a move of our own until then.
    not_before: Option<Duration>,
}

impl Respelling {
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.not_before.is_none()
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.not_before
    }

    /// Tells whether names that had to wait may follow now.
    pub(in crate::folder) fn timer(&mut self, now: Now) -> bool {
        self.not_before.take_if(|time| *time <= now.monotonic).is_some()
    }

    fn next(&mut self) -> Option<NodeId> {
        let after = self.after.map_or(Bound::Unbounded, Bound::Excluded);
        self.after = self.noted.range((after, Bound::Unbounded)).next().copied();
        self.after
    }

    /// Whether the local name of a row is to follow the one on the service.
    pub(in crate::folder) fn is_to_follow(&self, node: NodeId) -> bool {
        self.noted.contains(&node)
    }

    /// Whether what is at a row did not get this name when it was renamed. Something else may.
    fn is_refused(&self, node: &Node, name: &Name) -> bool {
        self.refused
            .get(&node.id)
            .is_some_and(|(identity, refused)| node.local.identity() == Some(*identity) && refused == name)
    }

    fn forget(&mut self, node: NodeId) {
        self.noted.remove(&node);
    }
}

impl Folder {
    /// The row under which a listing filed the new spelling of an entry that it did not show under the old
    /// one.
    pub(in crate::folder) fn respelled(
        &self,
        unseen: &Node,
        is_seen: &dyn Fn(NodeId) -> bool,
    ) -> Result<Option<NodeId>, FolderError> {
        if self.in_flight.is_at(unseen.id) {
            return Ok(None);
        }
        let was = unseen.remote.as_ref().map(|remote| remote.node);
        let kind = was.map(|node| node.kind());
        // What was sent to a name which the service spelled otherwise is filed under what has that local
        // name, if there is any. In modes that pull, that one's name is not for the service to give.
        let is_the_same = |there: RemoteNode| {
            !self.settings.mode.pulls()
                && unseen.base.is_some()
                && unseen.local.kind().is_some()
                && Some(there) == was
        };
        // What was renamed locally and could not be removed on the service under its old name may be what it
        // was sent over: one entry of the service is both. To remove the one and to take the other for
        // removed would leave none.
        let is_old_name = |other: &Node| {
            let there = other.remote.as_ref().map(|remote| remote.node);
            other.local == Local::Absent
                && unseen.local.kind() == Some(Kind::File)
                && matches!(there, Some(RemoteNode::File(_)))
                && there == was
        };
        let is_respelled = |other: &Node| {
            other.id != unseen.id
                && is_seen(other.id)
                && !self.in_flight.is_at(other.id)
                && (other.base.is_none() || is_old_name(other))
                && other.remote.as_ref().is_some_and(|remote| {
                    !remote.claimed
                        && Some(remote.node.kind()) == kind
                        && (other.local == Local::Absent || is_the_same(remote.node))
                })
        };
        let namesakes = self.index.namesakes(unseen.parent, &unseen.stored_name())?;
        Ok(namesakes.into_iter().find(is_respelled).map(|node| node.id))
    }

    /// Files what was seen under a new spelling, with all below it, under the row that it had before; returns
    /// which rows it left, and at which it arrived, the top first.
    pub(in crate::folder) fn respell(
        &mut self,
        from: NodeId,
        to: NodeId,
    ) -> Result<Vec<(NodeId, NodeId)>, FolderError> {
        let rechecks = self.rechecks_below(from)?;
        let reached = self.index.respell(from, to)?;
        self.recheck_below(to, rechecks)?;
        self.rechecks.reload();
        self.listing.refiled(&reached);
        for (_, id) in &reached {
            if let Some(mut node) = self.index.node(*id)? {
                self.save_observed(&mut node)?;
                self.note_spelling(&node);
                if *id == to && node.local == Local::Ignored {
                    // A rule for the name of the row may be none for the new one, if there is nothing local.
                    self.scanning.want_directory(self.index.path(node.parent)?);
                }
            }
        }
        self.round.restart();
        Ok(reached)
    }

    /// Files what only the service has under its own name, if no rule ignores that, where it is filed under
    /// one that a rule ignores and that nothing local has; tells whether it did.
    pub(in crate::folder) fn leave_ignored_name(
        &mut self,
        node: &Node,
        directory: &RelativePath,
    ) -> Result<bool, FolderError> {
        if !self.settings.mode.pulls()
            || node.base.is_some()
            || node.remote.as_ref().is_none_or(|remote| remote.claimed)
            || self.in_flight.is_along(&directory.join(&node.name))
        {
            return Ok(false);
        }
        let is_directory = node.remote_entry() == Entry::Directory;
        let Some(name) = namesakes::name_to_follow(node)
            .filter(|name| !self.rules.ignores(&directory.join(name), is_directory))
        else {
            return Ok(false);
        };
        let mut own = match self.index.child(node.parent, &name)? {
            Some(own) if own.remote.is_some() || own.base.is_some() => return Ok(false),
            Some(own) => own,
            None => Node::new(node.parent, name),
        };
        if own.id == NodeId::NEW {
            own.remote.clone_from(&node.remote);
            self.index.save(&mut own)?;
        }
        self.respell(node.id, own.id)?;
        if let Some(mut left) = self.index.node(node.id)? {
            left.local = Local::Absent;
            self.save_observed(&mut left)?;
        }
        Ok(true)
    }

    /// A listing did not show a row, which it cannot judge: it has to be looked at again if the listing shows
    /// what may be the same entry under another spelling.
    pub(in crate::folder) fn doubt_spelling(
        &mut self,
        unseen: NodeId,
        is_seen: &dyn Fn(NodeId) -> bool,
    ) -> Result<(), FolderError> {
        if let Some(node) = self.index.node(unseen)?
            && self.settings.mode.pulls()
            && self.index.namesakes(node.parent, &node.stored_name())?.iter().any(|other| is_seen(other.id))
        {
            self.listing.want_everything();
        }
        Ok(())
    }

    /// Lets the next round take what only the service has at a row, and a local namesake that the service
    /// does not have, for one entry: side by side they could not both be there. Tells whether there is such a
    /// namesake.
    pub(super) fn take_up_namesake(&mut self, node: &Node) -> Result<bool, FolderError> {
        let Some(namesake) = namesakes::counterpart(&self.index, node)? else { return Ok(false) };
        // What is at work there restarts the round when it ends.
        if !self.in_flight.is_along(&self.index.path(node.id)?)
            && !self.in_flight.is_along(&self.index.path(namesake.id)?)
        {
            self.respelling.misfiled.insert(node.id);
            self.round.restart();
        }
        Ok(true)
    }

    /// A local entry has come that has the very name under which the service has what another row stands for:
    /// the next round files it there. Only where remote changes are fetched; elsewhere the entry is sent, and
    /// asks by itself.
    pub(in crate::folder) fn take_up_own_name(&mut self, arrived: &Node) -> Result<(), FolderError> {
        if self.settings.mode.pulls()
            && let Some(holder) = namesakes::holder_of_name(&self.index, arrived)?
        {
            self.respelling.misfiled.insert(holder);
            self.round.restart();
        }
        Ok(())
    }

    fn file_under_namesakes(&mut self) -> Result<(), FolderError> {
        for id in std::mem::take(&mut self.respelling.misfiled) {
            if let Some(node) = self.index.node(id)?
                && let Some(namesake) = namesakes::counterpart(&self.index, &node)?
                && !self.in_flight.is_along(&self.index.path(id)?)
                && !self.in_flight.is_along(&self.index.path(namesake.id)?)
            {
                if node.base.is_none() {
                    self.respell(id, namesake.id)?;
                } else {
                    self.hand_over(&node, namesake.id)?;
                }
            }
        }
        Ok(())
    }

    /// Notes a row that a look has shown under another spelling than the local one.
    pub(in crate::folder) fn note_spelling(&mut self, node: &Node) {
        if self.settings.mode.pulls()
            && namesakes::name_to_follow(node).is_some_and(|name| !self.respelling.is_refused(node, &name))
            && self.respelling.noted.insert(node.id)
        {
            self.round.restart();
        }
    }

    /// Lets the local names follow, one at a time; tells whether none is left that could.
    pub(super) fn plan_respelling(&mut self, now: Now) -> Result<bool, FolderError> {
        if self.respelling.noted.is_empty() && self.respelling.misfiled.is_empty() {
            // What is noted from now on may lie before the row that was taken last (`sync` 63000062).
            self.respelling.after = None;
            return Ok(true);
        }
        if self.in_flight.has_structural() {
            return Ok(false);
        }
        self.file_under_namesakes()?;
        while let Some(id) = self.respelling.next() {
            let node = self.index.node(id)?;
            let Some((node, name)) =
                node.and_then(|node| namesakes::name_to_follow(&node).map(|name| (node, name)))
            else {
                self.respelling.forget(id);
                continue;
            };
            if self.in_flight.is_at(id) || node.remote.as_ref().is_some_and(|remote| remote.claimed) {
                continue;
            }
            if let Some(twin) = self.index.child(node.parent, &name)? {
                self.adopt_spelling(&node, &twin)?;
                forget_failed_rename(&mut self.index, &node)?;
            } else if self.issue_respelling(&node, &name, now)? {
                self.round.progressed = true;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The renames that bring local names to the spelling on the service.
    pub(super) fn spellings_to_follow(&self) -> Result<Vec<(RelativePath, RelativePath)>, FolderError> {
        let mut renames = Vec::new();
        for id in &self.respelling.noted {
            let Some(node) = self.index.node(*id)?.filter(|node| node.local.identity().is_some()) else {
                continue;
            };
            if let Some(name) = namesakes::name_to_follow(&node)
                && self.index.child(node.parent, &name)?.is_none()
            {
                let directory = self.index.path(node.parent)?;
                renames.push((directory.join(&node.name), directory.join(&name)));
            }
        }
        Ok(renames)
    }

    /// The local side was renamed to this spelling already, by a user or right before a crash: base and
    /// remote follow it.
    fn adopt_spelling(&mut self, node: &Node, twin: &Node) -> Result<(), FolderError> {
        let is_renamed = node.local == Local::Absent
            && node.base.is_some_and(|base| twin.local.identity() == Some(base.identity))
            && twin.base.is_none()
            && twin.remote.is_none()
            && moving::is_evidence(&self.index, node, twin)?
            && !self.in_flight.is_along(&self.index.path(node.id)?)
            && !self.in_flight.is_along(&self.index.path(twin.id)?);
        if is_renamed { self.hand_over(node, twin.id) } else { Ok(()) }
    }

    /// What a row had, its twin has, where the local side was seen.
    fn hand_over(&mut self, node: &Node, twin: NodeId) -> Result<(), FolderError> {
        let rechecks = self.rechecks_below(node.id)?;
        self.index.relocate(node.id, twin, Side::Remote)?;
        self.recheck_below(twin, rechecks)?;
        if let (Some(record), Some(mut twin)) = (&node.remote, self.index.node(twin)?) {
            let seen = RemoteRecord::seen(record.node, &node.stored_name(), &twin.name);
            twin.remote = Some(RemoteRecord { claimed: record.claimed, ..seen });
            self.save_observed(&mut twin)?;
            self.note_spelling(&twin);
        }
        if let Some(mut node) = self.index.node(node.id)? {
            self.local_vanished(&mut node)?;
        }
        self.look_for_what_is_in_the_way(twin)?;
        self.respelling.forget(node.id);
        self.attempts.remove(&node.id);
        self.attempts.remove(&twin);
        self.rechecks.reload();
        self.round.restart();
        Ok(())
    }

    /// Asks for one rename; `false` if it cannot be done now.
    fn issue_respelling(&mut self, node: &Node, name: &Name, now: Now) -> Result<bool, FolderError> {
        let Some(identity) = node.local.identity() else { return Ok(false) };
        let here = self.surroundings(node.parent)?;
        let (from, to) = (here.join(&node.name), here.join(name));
        let is_possible = matches!(node.local, Local::File { .. } | Local::Directory(_))
            && !self.contesting.holds(node.id)
            && here.local_is_there
            && !here.frozen
            && !here.busy
            && self.mounting.may_rename(&from, &to)
            && !self.in_flight.is_along(&from)
            && !self.in_flight.is_along(&to)
            && !self.is_blocked(node.id, now)?
            && !self.rules.ignores(&to, node.local.is_directory());
        if !is_possible {
            return Ok(false);
        }
        if self.attempts.get(&node.id).is_some_and(|attempts| *attempts > MOST_ATTEMPTS) {
            let reason = format!("its name cannot follow the one that it has on the remote side, {name}");
            self.put_problem(node.id, found(Finding::DoesNotSettle), reason, now)?;
            return Ok(false);
        }
        let stored = here.join_stored(node.stored_name());
        if let Some(until) = self.recent_writes.move_stale_until(&stored, now) {
            // It may be the spelling that was there before a change of our own.
            let not_before = &mut self.respelling.not_before;
            *not_before = Some(not_before.map_or(until, |time| time.min(until)));
            return Ok(false);
        }
        let followed = Some(Followed::Spelling(stored));
        let command = self.issue(Task::MoveLocal { from: from.clone(), to: to.clone(), identity, followed });
        let running = Running {
            node: node.id,
            directory: node.parent,
            kind: OperationKind::Move(Side::Local),
            path: from,
            to: Some(to),
            bytes: None,
            detail: Detail::Respell { name: name.clone() },
            before: None,
        };
        self.start(command, running)?;
        Ok(true)
    }

    /// A local entry was renamed to the spelling that the service has: its row is renamed, and what is below
    /// stays below it.
    pub(in crate::folder) fn respelled_locally(
        &mut self,
        mut node: Node,
        name: &Name,
        achieved: Achieved,
    ) -> Result<(), FolderError> {
        let directory = self.index.path(node.parent)?;
        self.respelling.forget(node.id);
        self.scanning.want_directory(directory.clone());
        self.round.restart();
        if achieved != Achieved::Done {
            if let Some(identity) = node.local.identity() {
                self.respelling.refused.insert(node.id, (identity, name.clone()));
            }
            return Ok(());
        }
        match self.index.child(node.parent, name)? {
            None => {
                let stored = node.stored_name();
                node.name = name.clone();
                node.remote = node.remote.map(|record| RemoteRecord {
                    claimed: record.claimed,
                    ..RemoteRecord::seen(record.node, &stored, name)
                });
                self.save_observed(&mut node)?;
                self.attempts.remove(&node.id);
            }
            // A scan was faster.
            Some(twin) if twin.base.is_none() && twin.remote.is_none() => {
                self.hand_over(&node, twin.id)?;
            }
            Some(_) => self.listing.want_everything(),
        }
        self.rules.refresh(&self.index)?;
        if !self.rules.is_empty() {
            // What is below may stand under other rules there.
            self.scanning.want_subtree(directory.join(name));
        }
        Ok(())
    }
}

/// What kept an entry from being renamed is not wrong any more when its name is taken, and nobody else
/// looks at one that is in step.
fn forget_failed_rename(index: &mut Index, node: &Node) -> Result<(), FolderError> {
    let is_in_step =
        node.trees().is_some_and(|trees| trees.base == trees.local && trees.base == trees.remote);
    let is_failed = |kind| {
        matches!(
            kind,
            ProblemKind::Failing | ProblemKind::Refused | ProblemKind::NotAllowed | ProblemKind::LocalDisk
        )
    };
    if is_in_step && index.problem(node.id)?.is_some_and(|problem| is_failed(problem.kind)) {
        index.clear_problem(node.id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
