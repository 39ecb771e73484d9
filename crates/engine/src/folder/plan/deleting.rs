//! What removes: last of all, counted before it begins, and held for a person where it is too much. Only what
//! was counted goes; what turns up meanwhile is counted in the next round.

use std::collections::{BTreeSet, VecDeque};

use jottad_core::{Action, Entry, Kind, Loss, OperationKind, RelativePath, Side, StoredPath};

use super::deciding;
use super::holding::{self, DeleteHold};
use super::losing::{self, Newcomers};
use super::places::Places;
use crate::digest::TreeDigest;
use crate::disk::DiskNode;
use crate::event::{LocalExpectation, RemoteExpectation, Task};
use crate::folder::in_flight::{Detail, Running};
use crate::folder::plan::approvals;
use crate::folder::{Folder, FolderError, MOST_ATTEMPTS};
use crate::index::{Amount, ChildCursor, Cursor, Difference, Fact, HeldAction, Index, Local, Node, NodeId};
use crate::planted::{self, Planted};
use crate::remote::RemoteNode;
use crate::scope::{Finding, found};
use crate::settings::FolderSettings;
use crate::time::Now;

const PAGE: u32 = 256;
const MOST_DELETES: usize = 4;

/// The deletes of the current round.
#[derive(Debug, Default)]
pub(super) struct Deleting {
    counting: Counting,
    is_counted: bool,
    /// What was counted and may go.
    due: VecDeque<Due>,
    digesting: Option<Digesting>,
}

/// How far it was worked out what a directory must hold for it to be removed as a whole.
#[derive(Debug)]
struct Digesting {
    node: NodeId,
    /// What the rows were like when it began.
    revision: (u64, u64),
    /// Directories that are still to be gone through, where in them, and how they are called on both sides.
    pending: Vec<(NodeId, ChildCursor, RelativePath, StoredPath)>,
    digest: TreeDigest,
}

/// How far the deletes were counted.
#[derive(Debug, Default)]
struct Counting {
    /// What the rows were like when it began.
    revision: Option<(u64, u64)>,
    cursor: Cursor,
    loss: Loss,
    newcomers: Newcomers,
    /// Files that go because a person approved it.
    approved_files: u64,
    due: VecDeque<Due>,
}

/// A delete that was counted.
#[derive(Debug)]
struct Due {
    node: NodeId,
    /// Nobody approved it yet.
    is_fresh: bool,
    /// Nothing, if it was approved.
    loss: Loss,
    /// Nothing, if it was approved.
    amount: Amount,
}

/// A delete that the path rules ask for.
pub(super) struct Doomed {
    pub(super) node: Node,
    pub(super) side: Side,
    pub(super) because: &'static str,
}

impl Folder {
    /// Works on through the deletes; tells whether none is left.
    pub(super) fn plan_deletes(&mut self, now: Now) -> Result<bool, FolderError> {
        if !self.round.deleting.is_counted {
            if self.round.counted_at == Some(self.index.revision()) && !self.index.is_parked()? {
                // Nothing changed since the last count, after which nothing was left but what is held.
                return Ok(self.in_flight.is_empty());
            }
            if !self.count_deletes(now)? {
                return Ok(self.round.again);
            }
            self.round.deleting.is_counted = true;
            self.clear_parked(now)?;
        }
        let mut places = Places::default();
        while self.in_flight.len() < MOST_DELETES {
            let Some(due) = self.round.deleting.due.pop_front() else {
                // The round is over when the last one was done, and the next round sees what it left.
                return Ok(self.in_flight.is_empty());
            };
            if let Some(node) = self.index.node(due.node)?
                && let Some(doomed) = self.doomed(node, &mut places, now)?
                && !self.index.waits(due.node, HeldAction::Delete)?
                && !self.give_up_removing(&doomed, now)?
                && !self.keep_what_moved_back(&doomed)?
            {
                let Some(digest) = self.digest(&doomed, true)? else {
                    self.round.deleting.due.push_front(due);
                    return Ok(false);
                };
                self.issue_delete(&doomed, due.loss, digest)?;
                self.round.restart();
            }
        }
        Ok(false)
    }

    /// Leaves alone for a while what was to be removed again and again without going; tells whether it does.
    pub(super) fn give_up_removing(&mut self, doomed: &Doomed, now: Now) -> Result<bool, FolderError> {
        let id = doomed.node.id;
        if self.attempts.get(&id).is_none_or(|attempts| *attempts <= MOST_ATTEMPTS) {
            return Ok(false);
        }
        self.attempts.remove(&id);
        let reason = format!("it cannot be removed: {}", doomed.because);
        self.put_problem(id, found(Finding::CannotBeRemoved), reason, now)?;
        Ok(true)
    }

    /// Counts what would be removed and parks all of it if it is too much. What a person approved does not
    /// count. Tells whether it is done; it is not if there are too many rows for one step, or if something
    /// changed between two steps.
    pub(super) fn count_deletes(&mut self, now: Now) -> Result<bool, FolderError> {
        let mut counting = std::mem::take(&mut self.round.deleting.counting);
        match counting.revision {
            None => {
                losing::take_up(&mut self.index)?;
                counting.revision = Some(self.index.revision());
            }
            Some(revision) if revision != self.index.revision() => {
                self.round.restart();
                return Ok(false);
            }
            Some(_) => {}
        }
        let mut places = Places::default();
        loop {
            let page = self.index.page(Difference::Unsettled, counting.cursor, PAGE)?;
            let Some(last) = page.last() else { break };
            if !self.round.spend(page.len()) {
                self.round.deleting.counting = counting;
                return Ok(false);
            }
            if planted::is(Planted::DeletesOfOnePage) && counting.cursor != Cursor::default() {
                break;
            }
            counting.cursor = Cursor::after(last);
            for node in page {
                let Some(doomed) = self.doomed(node, &mut places, now)? else { continue };
                // What waited before is counted anew.
                let is_fresh = !self.index.is_approved(doomed.node.id, HeldAction::Delete)?;
                let (mut amount, mut loss) = (Amount::default(), Loss::default());
                if is_fresh {
                    self.losses_in_doubt.withdraw(doomed.node.id);
                    let nothing = Amount::default();
                    (amount, loss) = holding::weigh_delete(
                        &self.index,
                        &self.settings,
                        &doomed.node,
                        doomed.side,
                        nothing,
                        &mut counting.newcomers,
                    )?;
                    counting.loss = counting.loss.with(loss);
                } else {
                    counting.approved_files += amount_at(&self.index, &doomed.node, doomed.side)?.files;
                }
                counting.due.push_back(Due { node: doomed.node.id, is_fresh, loss, amount });
            }
        }
        let due = counting.due.iter().map(|due| due.node);
        approvals::forget_needless_approvals(&mut self.index, &self.settings, due)?;
        let fresh = counting.due.iter().filter(|due| due.is_fresh).map(|due| due.node).collect();
        if self.want_back_instead_of_deleting(&fresh)? {
            return Ok(false);
        }
        self.hold_if_too_much(counting, now)?;
        Ok(true)
    }

    /// Everything was counted: what is too much is held, and the rest is due.
    fn hold_if_too_much(&mut self, mut counting: Counting, now: Now) -> Result<(), FolderError> {
        let fresh: Vec<(NodeId, Amount)> =
            counting.due.iter().filter(|due| due.is_fresh).map(|due| (due.node, due.amount)).collect();
        let hold = self
            .judge_deletes(&fresh, counting.loss, counting.approved_files)?
            .filter(|_| !planted::is(Planted::NoHold));
        match hold {
            None => {
                self.index.set_waiting(HeldAction::Delete, &BTreeSet::new())?;
                if counting.due.is_empty() {
                    self.spend_word_of_root()?;
                    if self.rechecks.is_idle() {
                        losing::turn(&mut self.index, now)?;
                    }
                }
            }
            Some(DeleteHold { rows, held, .. }) => {
                self.index.set_waiting(HeldAction::Delete, &rows)?;
                self.index.set_fact(Fact::HeldDeletes, Some(&held.text()))?;
                counting.due.retain(|due| !rows.contains(&due.node));
            }
        }
        self.round.counted_at = counting.due.is_empty().then(|| self.index.revision());
        self.round.deleting.due = counting.due;
        Ok(())
    }

    /// The row, if the path rules ask to remove what a side has there and no directory above goes as a whole.
    pub(super) fn doomed(
        &self,
        node: Node,
        places: &mut Places,
        now: Now,
    ) -> Result<Option<Doomed>, FolderError> {
        if node.id == NodeId::ROOT || self.in_flight.is_at(node.id) || self.contesting.holds(node.id) {
            return Ok(None);
        }
        let here = self.place(places, node.parent)?;
        if here.frozen
            || here.busy
            || self.goes_as_a_whole(places, node.parent)?
            || self.is_blocked(node.id, now)?
        {
            return Ok(None);
        }
        let Some(decision) = deciding::decide(&self.index, &self.settings, &node)? else { return Ok(None) };
        let Action::Trash(side) = decision.action else { return Ok(None) };
        if side == Side::Remote
            && (self.is_where_nothing_is_sent(&node)? || self.is_in_what_nothing_is_sent_for(&here)?)
        {
            return Ok(None);
        }
        Ok(Some(Doomed { node, side, because: decision.because }))
    }

    /// Asks for a delete; `loss` is what counts as lost with it, and `digest` says what a directory must
    /// hold.
    pub(super) fn issue_delete(
        &mut self,
        doomed: &Doomed,
        loss: Loss,
        digest: TreeDigest,
    ) -> Result<(), FolderError> {
        let node = &doomed.node;
        let path = self.index.path(node.id)?;
        let remote = self.index.stored_path(node.id)?;
        let task = match doomed.side {
            Side::Remote => {
                let expected = match node.remote.as_ref().map(|remote| remote.node) {
                    Some(RemoteNode::File(file)) => RemoteExpectation::File(file),
                    Some(RemoteNode::Directory) => RemoteExpectation::Directory(digest),
                    None => return Ok(()),
                };
                let local = match node.local {
                    Local::File { stat, .. } => Some(DiskNode::File(stat)),
                    Local::Directory(identity) => Some(DiskNode::Directory(identity)),
                    _ => None,
                };
                let Some(root) = self.root.identity() else { return Ok(()) };
                Task::TrashRemote { root, path: path.clone(), local, remote, expected }
            }
            Side::Local => {
                let expected = match node.local {
                    Local::File { stat, .. } => LocalExpectation::File(stat),
                    Local::Directory(identity) => LocalExpectation::Directory(identity, digest),
                    _ => return Ok(()),
                };
                Task::TrashLocal { path: path.clone(), remote, expected }
            }
        };
        tracing::debug!(folder = %self.settings.name, %path, because = doomed.because, "removing");
        let command = self.issue(task);
        self.start(
            command,
            Running {
                node: node.id,
                directory: node.parent,
                kind: OperationKind::Trash(doomed.side),
                path,
                to: None,
                bytes: None,
                detail: Detail::Trash { side: doomed.side, loss },
                before: None,
            },
        )?;
        Ok(())
    }

    /// What a directory must hold on its side for it to be removed as a whole; `None` if there are too many
    /// rows for the rest of this step.
    pub(super) fn digest(
        &mut self,
        doomed: &Doomed,
        in_steps: bool,
    ) -> Result<Option<TreeDigest>, FolderError> {
        let (node, revision) = (doomed.node.id, self.index.revision());
        let earlier = self.round.deleting.digesting.take();
        let mut digesting =
            earlier.filter(|one| one.node == node && one.revision == revision).unwrap_or_else(|| {
                let top = (node, ChildCursor::default(), RelativePath::root(), StoredPath::root());
                Digesting { node, revision, pending: vec![top], digest: TreeDigest::default() }
            });
        while let Some((directory, mut cursor, path, stored)) = digesting.pending.pop() {
            if in_steps && !self.round.spend(1) {
                digesting.pending.push((directory, cursor, path, stored));
                self.round.deleting.digesting = Some(digesting);
                return Ok(None);
            }
            let page = self.index.next_children(directory, &mut cursor, PAGE)?;
            if in_steps {
                self.round.spend(page.len());
            }
            if page.len() == PAGE as usize {
                digesting.pending.push((directory, cursor, path.clone(), stored.clone()));
            }
            for below in page {
                let (path, stored) = (path.join(&below.name), stored.join(below.stored_name()));
                let remote = below.remote.as_ref().map(|remote| remote.node);
                match (doomed.side, remote, below.local) {
                    (Side::Remote, Some(RemoteNode::File(file)), _) => {
                        digesting.digest.add_remote_file(&stored, file.content);
                    }
                    (Side::Local, _, Local::File { stat, .. }) => {
                        digesting.digest.add_local_file(&path, &stat);
                    }
                    (Side::Remote, Some(RemoteNode::Directory), _) => {
                        digesting.pending.push((below.id, ChildCursor::default(), path, stored));
                    }
                    (Side::Local, _, Local::Directory(_)) => {
                        digesting.digest.add_local_directory(&path);
                        digesting.pending.push((below.id, ChildCursor::default(), path, stored));
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(digesting.digest))
    }
}

/// How much goes with a row if it goes.
pub(in crate::folder) fn amount_at(index: &Index, node: &Node, side: Side) -> Result<Amount, FolderError> {
    let inside = index.inside(node.id)?;
    let (kind, mut amount) = match side {
        Side::Remote => (node.remote.as_ref().map(|remote| remote.node.kind()), inside.remote),
        Side::Local => (node.local.kind(), inside.local),
    };
    if planted::is(Planted::DirectoryIsOne) {
        amount = Amount::default();
    }
    let is_file = kind == Some(Kind::File);
    amount += Amount {
        entries: u64::from(kind.is_some()),
        files: u64::from(is_file),
        old_files: u64::from(is_file && node.id <= index.mark()),
    };
    Ok(amount)
}

/// Whether a row is in a directory that a file took the place of on one side. That directory is removed,
/// too, and was counted with all that is in it.
pub(super) fn is_in_replaced(
    index: &Index,
    settings: &FolderSettings,
    node: &Node,
) -> Result<bool, FolderError> {
    for above in index.directories_above(node.parent)? {
        let is_replaced = above.base_entry() == Entry::Directory
            && (above.local.kind() == Some(Kind::File) || above.remote_entry().file().is_some());
        if is_replaced
            && deciding::decide(index, settings, &above)?.is_some_and(|decision| decision.action.is_delete())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
pub(in crate::folder) mod tests;
