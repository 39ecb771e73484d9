//! One answer of the service into the index. Nothing else takes in what the service shows.
//!
//! Listings of everything and of one directory go the same way: what is shown finds its row
//! ([`super::matching`]), is weighed against what was done lately ([`super::recent_writes`]), and is
//! written down; then what is known and was not shown is gone, unless it may only be late.

use std::collections::BTreeSet;
use std::time::Duration;

use jottad_core::staleness::STALENESS_WINDOW;
use jottad_core::{DEEPEST, DecodedName, Entry, StoredName, StoredPath, decode_name};

use super::listing::{MOST_UNUSABLE, RunningListing};
use super::matching;
use super::row_set::RowSet;
use crate::event::CommandId;
use crate::folder::backlog::Change;
use crate::folder::in_flight::Running;
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{Local, Node, NodeId, RemoteRecord};
use crate::remote::{ListedEntry, RemoteNode, UnusableEntry};
use crate::time::Now;

/// Beyond so many directories that a late listing may have left something out of, everything is listed again.
const MOST_LOOKS_AGAIN: usize = 16;
/// So much of a path that is too deep is told, in characters.
const PATH_SHOWN: usize = 300;

/// One answer of the service, as far as it was taken in.
#[derive(Debug)]
pub(super) struct Answer {
    /// When it was asked for: what it shows may be as old.
    pub(super) asked_at: Duration,
    /// Rows that this answer does not judge: an operation worked on them after it was asked for, or what was
    /// sent there may only be shown late.
    pub(super) touched: BTreeSet<NodeId>,
    seen: RowSet,
    reach: Reach,
}

/// What an answer is about.
#[derive(Debug)]
enum Reach {
    /// All that is below the remote root.
    Tree {
        /// Directories of which it may have shown an older state: they are looked at again.
        rechecked: BTreeSet<NodeId>,
        /// There are too many of them, so everything is listed again, then.
        list_again_at: Option<Duration>,
    },
    /// What is in one directory.
    Directory {
        /// It was not looked into since it was shown as new.
        is_fresh: bool,
    },
}

/// What may only seem to be there, because it left a moment ago.
#[derive(Debug)]
struct Leftover {
    /// What is known above it, from the top: nothing says that it is not there.
    above: Vec<NodeId>,
    /// The nearest of those, or the root: it is to be looked at again.
    directory: NodeId,
    /// When it cannot be late any more.
    until: Duration,
}

impl Answer {
    pub(super) fn of_tree(asked_at: Duration) -> Self {
        let reach = Reach::Tree { rechecked: BTreeSet::new(), list_again_at: None };
        Self { asked_at, touched: BTreeSet::new(), seen: RowSet::default(), reach }
    }

    /// `touched` are rows that it does not judge, `is_fresh` says that the directory was not looked into
    /// since it was shown as new.
    pub(super) fn of_directory(asked_at: Duration, touched: BTreeSet<NodeId>, is_fresh: bool) -> Self {
        Self { asked_at, touched, seen: RowSet::default(), reach: Reach::Directory { is_fresh } }
    }

    /// Whether it has shown a row.
    pub(super) fn saw(&self, node: NodeId) -> bool {
        self.seen.contains(node)
    }

    /// When everything is to be listed again, because it may have left too much out.
    pub(super) fn list_again_at(&self) -> Option<Duration> {
        match self.reach {
            Reach::Tree { list_again_at, .. } => list_again_at,
            Reach::Directory { .. } => None,
        }
    }

    /// What was seen at the first row of a pair is at the second one by now. What was not seen at the first
    /// is not at the second either.
    pub(super) fn follow(&mut self, moved: &[(NodeId, NodeId)]) {
        for (from, to) in moved {
            if self.seen.remove(*from) {
                self.seen.insert(*to);
            }
        }
    }
}

impl Folder {
    /// A part of a listing of everything.
    pub(in crate::folder) fn merge_listed(
        &mut self,
        command: CommandId,
        entries: &[ListedEntry],
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(mut running) = self.listing.running.take_if(|running| running.command == command) else {
            return Ok(());
        };
        self.backlog.spend(entries.len());
        // Between two batches a row may have gone.
        running.way.clear();
        for entry in entries {
            let Some((name, parent)) = entry.path.names().split_last() else { continue };
            if parent.len() >= DEEPEST {
                if running.unusable.len() < MOST_UNUSABLE {
                    let path = entry.path.to_string().chars().take(PATH_SHOWN).collect();
                    running.unusable.push(UnusableEntry { path, reason: "the path is too deep".to_owned() });
                }
                continue;
            }
            let answer = &mut running.answer;
            if let Some(leftover) = self.may_have_left(&entry.path, entry.node, answer.asked_at)? {
                leftover.above.iter().for_each(|id| answer.seen.insert(*id));
                self.recheck(answer, leftover.directory, leftover.until);
                // Where that directory itself is shown again, everything else below it is unknown, too.
                if let Some(missing) = parent.get(leftover.above.len()) {
                    self.hints.leave_out(leftover.directory, missing.clone());
                }
                continue;
            }
            let directory = self.ensure_remote_directory(parent, &mut running)?;
            let answer = &mut running.answer;
            if let Some(mut node) = self.match_shown(directory, name, entry.node, answer)? {
                self.merge_shown(&mut node, name, entry.node, answer, now)?;
            } else if has_no_local_name(name) && running.unusable.len() < MOST_UNUSABLE {
                let reason = "no local file can have this name".to_owned();
                running.unusable.push(UnusableEntry { path: entry.path.to_string(), reason });
            }
        }
        self.listing.running = Some(running);
        Ok(())
    }

    /// The row of a remote directory, made where it is missing: a directory exists if anything in it does.
    fn ensure_remote_directory(
        &mut self,
        names: &[StoredName],
        running: &mut RunningListing,
    ) -> Result<NodeId, FolderError> {
        let known = running.way.iter().zip(names).take_while(|((known, _), name)| known == *name).count();
        running.way.truncate(known);
        let mut directory = running.way.last().map_or(NodeId::ROOT, |(_, id)| *id);
        for name in &names[known..] {
            let (shown, answer) = (RemoteNode::Directory, &mut running.answer);
            // Without a name of its own it is filed under the directory above; its content is then reported
            // there.
            if let Some(mut node) = self.match_shown(directory, name, shown, answer)? {
                if !answer.saw(node.id) {
                    let is_touched = self.is_at_work(answer, node.id);
                    self.observe_remote(&mut node, name, Some(shown), is_touched)?;
                    answer.seen.insert(node.id);
                }
                directory = node.id;
            }
            running.way.push((name.clone(), directory));
        }
        Ok(directory)
    }

    /// A complete listing of one directory.
    pub(super) fn merge_directory(
        &mut self,
        directory: NodeId,
        entries: &[(StoredName, RemoteNode)],
        mut answer: Answer,
        now: Now,
    ) -> Result<(), FolderError> {
        let path = self.index.stored_path(directory)?;
        if path.names().len() >= DEEPEST {
            return Ok(());
        }
        self.backlog.spend(entries.len());
        for (name, shown) in entries {
            if let Some(leftover) = self.may_have_left(&path.join(name.clone()), *shown, answer.asked_at)? {
                self.recheck(&mut answer, directory, leftover.until);
            } else if let Some(mut node) = self.match_shown(directory, name, *shown, &mut answer)? {
                self.merge_shown(&mut node, name, *shown, &mut answer, now)?;
                if node.remote_entry() == Entry::Directory && self.hints.take_left_out(directory, name) {
                    self.hints.arrived(node.id);
                }
            }
        }
        let mut respelled = BTreeSet::new();
        for node in self.index.children(directory)? {
            let is_judged = !answer.saw(node.id) && !self.is_at_work(&answer, node.id);
            if is_judged && !respelled.contains(&node.id) && is_confirmed(&node) {
                let moved = self.judge_missing(node, &mut answer, now)?;
                respelled.extend(moved.into_iter().map(|(from, _)| from));
            }
        }
        self.claims.given_up.judged(Some(directory), answer.asked_at);
        self.review_contests()
    }

    /// The row of what an answer shows, if it can have one.
    fn match_shown(
        &mut self,
        directory: NodeId,
        name: &StoredName,
        shown: RemoteNode,
        answer: &mut Answer,
    ) -> Result<Option<Node>, FolderError> {
        let made_way = self.make_way_for_own_name(directory, name, shown, answer)?;
        answer.follow(&made_way);
        let is_taken = |node| answer.saw(node);
        let found =
            matching::find_for_stored(&self.index, &self.settings, directory, name, Some(shown), &is_taken)?;
        if found.as_ref().is_some_and(|found| found.remote.is_none())
            && let Some(own) = self.row_of_given_up(directory, name, shown)?
        {
            return Ok(Some(own));
        }
        Ok(found)
    }

    /// A row for what was given up and turns up, where its own is gone: it has not got a new name, whatever
    /// the local entry is called by now.
    fn row_of_given_up(
        &self,
        directory: NodeId,
        stored: &StoredName,
        shown: RemoteNode,
    ) -> Result<Option<Node>, FolderError> {
        let DecodedName::Native(name) = decode_name(stored) else { return Ok(None) };
        let is_gone = self.claims.given_up.is_at(directory, &name, shown)
            && self.index.child(directory, &name)?.is_none();
        Ok(is_gone.then(|| Node::new(directory, name)))
    }

    /// Whether an operation is at work at a row, or was after an answer was asked for, which then says
    /// nothing of it.
    pub(super) fn is_at_work(&self, answer: &Answer, node: NodeId) -> bool {
        self.in_flight.is_at(node) || answer.touched.contains(&node)
    }

    /// What an answer shows, into its row, unless it may be older than what is known.
    fn merge_shown(
        &mut self,
        node: &mut Node,
        name: &StoredName,
        shown: RemoteNode,
        answer: &mut Answer,
        now: Now,
    ) -> Result<(), FolderError> {
        let was_directory = node.remote_entry() == Entry::Directory;
        let mut is_touched = self.is_at_work(answer, node.id);
        let before = self.known_before_claim(node, Some(shown), answer.asked_at)?.filter(|_| !is_touched);
        if let Some((_, until)) = before {
            self.recheck(answer, node.parent, until);
        }
        let shown = before.map_or(shown, |(before, _)| before);
        if let Some(until) = self.shown_stale_until(node, shown, answer.asked_at)? {
            self.recheck(answer, node.parent, until);
            is_touched = true;
        } else if is_touched {
            self.doubt_unjudged(node, shown);
        } else {
            self.note_change_by_others(node, Some(shown), now)?;
        }
        self.observe_remote(node, name, Some(shown), is_touched)?;
        answer.seen.insert(node.id);
        if let Reach::Directory { is_fresh } = answer.reach
            && (is_fresh || !was_directory)
            && node.remote_entry() == Entry::Directory
        {
            self.hints.arrived(node.id);
        }
        Ok(())
    }

    /// What is known and an answer does not show is gone, unless it may only be late, or is shown under
    /// another spelling. Returns which rows it left for that, and at which it arrived.
    pub(super) fn judge_missing(
        &mut self,
        mut node: Node,
        answer: &mut Answer,
        now: Now,
    ) -> Result<Vec<(NodeId, NodeId)>, FolderError> {
        if let Some(respelled) = self.respelled(&node, &|id| answer.saw(id))? {
            self.keep_recent_writes(respelled, node.id, answer)?;
            let moved = self.respell(respelled, node.id)?;
            answer.follow(&moved);
            return Ok(moved);
        }
        // Beside a namesake nothing is looked at in it, so what was sent into it would be waited for in vain.
        let is_awaited = self.awaits_inside(&node)?
            && namesakes::shown(&self.index, &node, &|id| answer.saw(id))?.is_empty();
        let stale_until = if self.may_hide_parked(&node, now)? || is_awaited {
            // It is judged when that is known, not by the next listing, which may be far away.
            Some(now.monotonic + STALENESS_WINDOW)
        } else {
            self.missing_stale_until(&node, answer.asked_at)?
        };
        match stale_until {
            Some(until) => {
                self.recheck(answer, node.parent, until);
                self.contest(&node, &|id| answer.saw(id))?;
            }
            None if matches!(answer.reach, Reach::Directory { .. }) => {
                self.note_change_by_others(&node, None, now)?;
                self.remote_vanished(&mut node)?;
            }
            // What is below it was not shown either, and is judged by itself.
            None => {
                self.note_change_by_others(&node, None, now)?;
                self.explain_by_own_removal(&mut node)?;
                node.remote = None;
                self.save_observed(&mut node)?;
            }
        }
        Ok(Vec::new())
    }

    /// An answer shows a known directory under another spelling, and what it shows below becomes what is
    /// known below. Where it may be older than a recent write, what was known is kept.
    fn keep_recent_writes(
        &mut self,
        shown: NodeId,
        known: NodeId,
        answer: &mut Answer,
    ) -> Result<(), FolderError> {
        let mut pending = vec![(shown, known)];
        while let Some((shown, known)) = pending.pop() {
            for mut below in self.index.children(shown)? {
                let (Some(seen), Some(own)) = (below.remote.clone(), self.index.child(known, &below.name)?)
                else {
                    continue;
                };
                if let Some(until) = self.shown_stale_until(&own, seen.node, answer.asked_at)? {
                    below.remote.clone_from(&own.remote);
                    self.index.save(&mut below)?;
                    self.recheck(answer, known, until);
                } else if seen.node == RemoteNode::Directory {
                    pending.push((below.id, own.id));
                }
            }
        }
        Ok(())
    }

    /// Remembers as a change of others that an answer shows something else at a row than what was known.
    fn note_change_by_others(
        &mut self,
        node: &Node,
        seen: Option<RemoteNode>,
        now: Now,
    ) -> Result<(), FolderError> {
        if let Some(known) = node.remote.as_ref().filter(|known| !known.claimed && Some(known.node) != seen) {
            self.recent_writes.others_changed(&self.index.stored_path_of(node)?, known.node, seen, now);
        }
        Ok(())
    }

    /// Brings what was seen at a row into the index; `None` if nothing is there.
    pub(super) fn observe_remote(
        &mut self,
        node: &mut Node,
        stored: &StoredName,
        seen: Option<RemoteNode>,
        is_touched: bool,
    ) -> Result<(), FolderError> {
        self.contesting.seen(node.id);
        if is_touched && node.id != NodeId::NEW {
            return Ok(());
        }
        self.claims.take_removed(node.id);
        let seen = seen.map(|seen| RemoteRecord::seen(seen, stored, &node.name));
        if node.remote != seen || node.id == NodeId::NEW {
            let claim = node.remote.take().filter(|remote| remote.claimed);
            let has_arrived =
                claim.as_ref().map(|claim| seen.as_ref().is_some_and(|seen| seen.node == claim.node));
            match (&claim, &seen) {
                (Some(claim), _) if has_arrived == Some(true) => {
                    node.base = Some(node.base_from_claim(claim));
                    self.claims.given_up.forget(node);
                }
                (Some(claim), _) => self.claims.given_up.add(node, claim.node),
                (None, Some(seen)) if self.claims.given_up.take(node, seen.node) => {
                    node.base = Some(node.base_from_claim(seen));
                }
                (None, _) => {}
            }
            node.remote = seen;
            self.claims.forget(node.id);
            let attempts = self.attempts.get(&node.id).copied();
            match has_arrived {
                // What comes of our own work does not make it count anew how often that was tried, nor why it
                // failed.
                Some(false) => self.keeping_failures(node, Self::save_observed)?,
                Some(true) | None => self.save_observed(node)?,
            }
            if let (Some(true), Some(attempts)) = (has_arrived, attempts) {
                self.attempts.insert(node.id, attempts);
            }
        }
        self.note_spelling(node);
        Ok(())
    }

    /// The remote entry is gone, with everything below it but what is being sent there right now.
    pub(in crate::folder) fn remote_vanished(&mut self, node: &mut Node) -> Result<(), FolderError> {
        self.explain_by_own_removal(node)?;
        self.change_below(node.id, Change::RemoteGone)?;
        node.remote = None;
        self.save_observed(node)
    }

    /// What is gone was to be removed, and the answer was lost. The local entry at its path came since, and
    /// nobody else has removed it.
    fn explain_by_own_removal(&mut self, node: &mut Node) -> Result<(), FolderError> {
        if self.claims.take_removed(node.id) && node.base.is_some() && node.local != Local::Absent {
            self.drop_base(node)?;
        }
        Ok(())
    }

    /// An answer may have shown an older state of a directory, which is looked at again when the service
    /// cannot be late any more. That is noted at once: a respelling or a move takes it along.
    pub(super) fn recheck(&mut self, answer: &mut Answer, directory: NodeId, until: Duration) {
        if let Reach::Tree { rechecked, list_again_at } = &mut answer.reach {
            if rechecked.len() >= MOST_LOOKS_AGAIN && !rechecked.contains(&directory) {
                *list_again_at = (*list_again_at).max(Some(until));
                return;
            }
            rechecked.insert(directory);
        }
        self.rechecks.want_at(directory, until);
    }

    /// What is shown at a row is not taken in, because an operation is at work there or was meanwhile. If it
    /// is something else than what is known, its directory is looked at once more. What is sent is looked for
    /// anyway.
    fn doubt_unjudged(&mut self, node: &Node, shown: RemoteNode) {
        let is_sent = node.remote.as_ref().is_some_and(|remote| remote.claimed)
            || self.in_flight.at(node.id).is_some_and(Running::sends);
        if !is_sent && node.remote.as_ref().is_none_or(|remote| remote.node != shown) {
            self.rechecks.want(node.parent);
        }
    }

    /// Until when what is shown at a row may be what was there before something was sent there and seen, or
    /// what had left the place before that was sent which is not seen yet.
    fn shown_stale_until(
        &self,
        node: &Node,
        shown: RemoteNode,
        asked_at: Duration,
    ) -> Result<Option<Duration>, FolderError> {
        match &node.remote {
            Some(known) if known.node != shown => {
                let path = self.index.stored_path_of(node)?;
                let seen = Some(known.node).filter(|_| !known.claimed);
                Ok(self.recent_writes.stale_until(&path, seen, Some(shown), asked_at))
            }
            _ => Ok(None),
        }
    }

    /// Until when that a row is not shown may only be late.
    pub(super) fn missing_stale_until(
        &self,
        node: &Node,
        asked_at: Duration,
    ) -> Result<Option<Duration>, FolderError> {
        let known = node.remote.as_ref().map(|remote| remote.node);
        if known.is_none() {
            return Ok(None);
        }
        Ok(self.recent_writes.stale_until(&self.index.stored_path_of(node)?, known, None, asked_at))
    }

    /// Whether what is shown at a path, and nobody knows of, may have left. What was sent there since, and
    /// was not seen, is not what is shown, unless that was accepted and is the same.
    fn may_have_left(
        &self,
        path: &StoredPath,
        shown: RemoteNode,
        asked_at: Duration,
    ) -> Result<Option<Leftover>, FolderError> {
        let Some(until) = self.recent_writes.stale_until(path, None, Some(shown), asked_at) else {
            return Ok(None);
        };
        let mut leftover = Leftover { above: Vec::new(), directory: NodeId::ROOT, until };
        for (depth, name) in (1..).zip(path.names()) {
            let is_itself = depth == path.names().len();
            let is_it = |below: &Node| !is_itself || self.may_be_what_was_sent(below, shown);
            let below = matching::find_on_service(&self.index, &self.settings, leftover.directory, name)?;
            let Some(below) = below.filter(is_it) else {
                return Ok(Some(leftover));
            };
            leftover.directory = below.id;
            leftover.above.push(below.id);
        }
        Ok(None)
    }

    /// Whether what is shown where a row is may be what was sent to it, if anything was that was not yet
    /// seen.
    fn may_be_what_was_sent(&self, node: &Node, shown: RemoteNode) -> bool {
        let claim = node.remote.as_ref().filter(|remote| remote.claimed);
        claim.is_none_or(|claim| claim.node == shown && self.claims.is_accepted(node.id))
    }
}

/// Whether a row is known on the service, and not only claimed.
pub(super) fn is_confirmed(node: &Node) -> bool {
    node.remote.as_ref().is_some_and(|remote| !remote.claimed)
}

/// Whether no local file can have the name that this one stands for.
fn has_no_local_name(stored: &StoredName) -> bool {
    matches!(decode_name(stored), DecodedName::Unrepresentable(_))
}
