//! Bringing what a directory was seen to hold into the index, so many rows at a time.

use std::collections::BTreeMap;

use jottad_core::{DEEPEST, Entry, Name, RelativePath};

use super::scanning::{Depth, ROWS_READ_FOR_ONE_WRITTEN};
use crate::disk::{DiskEntry, DiskNode, Identity};
use crate::folder::backlog::Change;
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{ChildCursor, Local, Node, NodeId, ProblemRow};
use crate::planted::{self, Planted};
use crate::scope::{Finding, found};
use crate::status::ProblemKind;
use crate::time::Now;

/// What a directory was seen to hold, as far as it is not in the index yet.
#[derive(Debug)]
pub(in crate::folder) struct Merge {
    pub(super) parent: NodeId,
    pub(super) directory: RelativePath,
    pub(super) depth: Depth,
    /// The rows of the directory that were not seen yet.
    pub(super) known: BTreeMap<Name, Node>,
    /// Where reading these stands; `None` once all were read.
    pub(super) unread: Option<ChildCursor>,
    pub(super) entries: std::vec::IntoIter<DiskEntry>,
    /// When the directory was read.
    pub(super) now: Now,
}

impl Folder {
    /// Works on through what a directory was seen to hold; tells whether it came to the end.
    pub(in crate::folder) fn merge_on(&mut self, merge: &mut Merge) -> Result<bool, FolderError> {
        let mut has_changed = false;
        let is_done = self.merge_rows(merge, &mut has_changed)?;
        if has_changed {
            self.local_change_was_found()?;
            self.forget_failed_removals_above(merge.parent)?;
        }
        Ok(is_done)
    }

    /// What others have removed and could not be removed here need not go any more, now that something has
    /// changed in it.
    pub(super) fn forget_failed_removals_above(&mut self, directory: NodeId) -> Result<(), FolderError> {
        if !self.index.has_problems() {
            return Ok(());
        }
        for above in self.index.directories_above(directory)? {
            let is_of_disk = |problem: ProblemRow| problem.kind == ProblemKind::LocalDisk;
            if above.base.is_some()
                && above.remote.is_none()
                && self.index.problem(above.id)?.is_some_and(is_of_disk)
            {
                self.index.clear_problem(above.id)?;
                self.attempts.remove(&above.id);
                self.round.restart();
            }
        }
        Ok(())
    }

    /// `has_changed` becomes true if something has changed that is synced, or was.
    fn merge_rows(&mut self, merge: &mut Merge, has_changed: &mut bool) -> Result<bool, FolderError> {
        while let Some(mut cursor) = merge.unread.take() {
            if !self.backlog.spend(1) {
                merge.unread = Some(cursor);
                return Ok(false);
            }
            let page = self.index.next_children(merge.parent, &mut cursor, self.backlog.page())?;
            self.backlog.spend(page.len() / ROWS_READ_FOR_ONE_WRITTEN);
            merge.unread = (page.len() == self.backlog.page() as usize).then_some(cursor);
            merge.known.extend(page.into_iter().map(|node| (node.name.clone(), node)));
        }
        while let Some(entry) = merge.entries.next() {
            let path = merge.directory.join(&entry.name);
            let mut node =
                merge.known.remove(&entry.name).unwrap_or_else(|| Node::new(merge.parent, entry.name));
            let (before, was_synced) = (self.index.revision(), is_synced(&node));
            self.merge_entry(&mut node, &path, entry.node, merge.depth, merge.now)?;
            *has_changed |= self.index.revision() != before && (was_synced || is_synced(&node));
            if !self.backlog.spend(1) {
                return Ok(false);
            }
        }
        while let Some((name, node)) = merge.known.pop_first() {
            let (before, was_synced) = (self.index.revision(), is_synced(&node));
            self.merge_missing(node, &merge.directory, &name, merge.now)?;
            *has_changed |= self.index.revision() != before && was_synced;
            if !self.backlog.spend(1) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A directory that was read does not hold an entry any more, or never did.
    fn merge_missing(
        &mut self,
        mut node: Node,
        directory: &RelativePath,
        name: &Name,
        now: Now,
    ) -> Result<(), FolderError> {
        let path = &directory.join(name);
        // What the service has may be of another kind than what was ignored.
        if node.local == Local::Ignored && self.rules.ignores(path, node.remote_entry() == Entry::Directory) {
            self.leave_ignored_name(&node, directory)?;
            return Ok(());
        }
        let was_directory = node.local.is_directory() || node.remote_entry() == Entry::Directory;
        if self.rules.ignores(path, was_directory) {
            // Whether it was gone before the rule came cannot be told.
            return self.ignore(&mut node, Local::Absent);
        }
        if node.local != Local::Absent {
            if node.base.is_some() && self.settings.watched {
                self.round.open_move_window(now);
            }
            if !self.note_departure(&node) {
                self.vanish(&mut node, now)?;
            }
        }
        Ok(())
    }

    fn merge_entry(
        &mut self,
        node: &mut Node,
        path: &RelativePath,
        seen: DiskNode,
        depth: Depth,
        now: Now,
    ) -> Result<(), FolderError> {
        self.arrivals.seen_at(node.id);
        let is_directory = matches!(seen, DiskNode::Directory(_));
        let is_tracked = node.base.is_some() || node.remote.is_some();
        if self.rules.ignores(path, is_directory) {
            return self.ignore(node, Local::Absent);
        }
        if let DiskNode::File(stat) = seen
            && self.settings.is_too_large(stat.size)
        {
            // No rule tells this of the path alone, so the row says that there is something.
            return self.ignore(node, Local::Ignored);
        }
        if !is_directory && !self.take_lost_mount(node, now)? {
            return Ok(());
        }
        match seen {
            DiskNode::File(stat) => {
                let local = match node.local {
                    Local::File { stat: known, md5 }
                        if known == stat || (planted::is(Planted::StaleHash) && known.size == stat.size) =>
                    {
                        Local::File { stat, md5 }
                    }
                    _ => Local::File { stat, md5: None },
                };
                if node.local != local {
                    self.index.forget_word(node.id)?;
                    self.change_below(node.id, Change::LocalGone(Some(now)))?;
                    node.local = local;
                    self.save_observed(node)?;
                    self.hashing.restart();
                    self.look_at_other_names(node, &stat, Some(node.parent), now)?;
                }
            }
            // Only reading it tells whether it is as it was.
            DiskNode::Directory(_) if matches!(node.local, Local::MountChanged(_)) => {
                self.scanning.want_directory(path.clone());
            }
            DiskNode::Directory(identity) => {
                let known = match node.local {
                    Local::Directory(known) | Local::UnreadableDirectory(known) => known == identity,
                    _ => false,
                };
                if !known {
                    node.local = Local::Directory(identity);
                    self.save_observed(node)?;
                    self.read_where_it_was(node, identity)?;
                    self.take_up_own_name(node)?;
                    self.note_arrival(node, identity)?;
                }
                let is_wanted = self.scanning.missed.remove(path) || !known || depth == Depth::Subtree;
                // What is in a directory that is too deep itself is not looked at.
                if is_wanted && path.depth() <= DEEPEST && !self.arrivals.holds_back(node.id) {
                    self.scanning.want_subtree(path.clone());
                }
            }
            DiskNode::Other(kind) => {
                // Links, pipes, sockets and devices are skipped. Only where the base or the remote side has
                // something does one matter: it must not look like a deletion. Or where a name that is to
                // follow cannot.
                let is_in_the_way =
                    !is_tracked && namesakes::is_name_to_follow(&self.index, &self.settings, node)?;
                let local = if is_tracked || is_in_the_way { Local::Other } else { Local::Absent };
                if node.local != local {
                    self.change_below(node.id, Change::LocalGone(Some(now)))?;
                    node.local = local;
                    self.save_observed(node)?;
                }
                if local == Local::Other && self.index.problem(node.id)?.is_none() {
                    let (finding, reason) = if is_tracked {
                        (
                            Finding::WrongKind,
                            format!("a {kind} is here now; what was synced before stays on the remote side"),
                        )
                    } else {
                        (
                            Finding::NameTaken,
                            format!("a {kind} has the name that an entry beside it has on the remote side"),
                        )
                    };
                    self.put_problem(node.id, found(finding), reason, now)?;
                }
            }
        }
        Ok(())
    }

    /// A directory that is still known elsewhere has moved since its old place was read. Both ends must be
    /// known before anything is decided, or it would be taken for a new one and sent whole.
    fn read_where_it_was(&mut self, arrived: &Node, identity: Identity) -> Result<(), FolderError> {
        for known in self.index.directories_with(identity)? {
            if known.id != arrived.id && known.id != NodeId::ROOT {
                self.scanning.want_directory(self.index.path(known.parent)?);
            }
        }
        Ok(())
    }

    /// A rule says that jottad has nothing to do with an entry: nothing is agreed on there any more, so
    /// whatever becomes of it locally, what was synced before stays on the other side. `alone` is what the
    /// row says if only this side has it.
    fn ignore(&mut self, node: &mut Node, alone: Local) -> Result<(), FolderError> {
        self.standing.forget(node.id);
        self.change_below(node.id, Change::Ignored)?;
        let local = if node.remote.is_some() { Local::Ignored } else { alone };
        if node.base.is_some() || node.local != local {
            if planted::is(Planted::IgnoredIsDeleted) {
                node.local = Local::Absent;
                return self.save_observed(node);
            }
            node.base = None;
            node.local = local;
            self.save_observed(node)?;
        }
        Ok(())
    }

    /// The local entry is gone, with everything below it.
    pub(super) fn vanish(&mut self, node: &mut Node, now: Now) -> Result<(), FolderError> {
        if !self.take_lost_mount(node, now)? {
            return Ok(());
        }
        self.change_below(node.id, Change::LocalGone(Some(now)))?;
        node.local = Local::Absent;
        self.save_observed(node)
    }
}

/// Whether a row says that there is anything locally that is synced, or that was agreed on. What a rule
/// ignores and what is never synced is noted in a row only while the service has something there, which is no
/// change.
fn is_synced(node: &Node) -> bool {
    node.base.is_some() || node.local.kind().is_some()
}
