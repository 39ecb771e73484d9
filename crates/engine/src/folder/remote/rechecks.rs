//! Directories of the service that are looked at again: because something was sent into them, which counts
//! as stored only when a look shows it, or because what they hold is in doubt.
//!
//! One look at a directory serves all that was sent into it, so the cost is a constant per directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::staleness::RECHECK_DELAYS;
use jottad_core::{Entry, FoldKey, RelativePath, StoredName};

use super::connection::Suspected;
use super::merging::Answer;
use super::unseen::LookFailure;
use crate::event::{CommandId, Task};
use crate::folder::backlog::Change;
use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{Index, Node, NodeId};
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind, RemoteNode, Sighted};
use crate::time::Now;

/// Most looks at one time.
const MOST_LOOKS: usize = 4;
/// Up to this many entries are looked at one by one instead of by listing their directory.
pub(super) const FEW: u64 = 2;

/// What is to be looked at, and what is being looked at.
#[derive(Debug, Default)]
pub(in crate::folder) struct Rechecks {
    loaded: bool,
    /// Directories with claims: how many, how often they were looked at in vain, and when next.
    pub(super) waiting: BTreeMap<NodeId, Waiting>,
    /// What was wrong with directories that a listing has shown since. If it fails again soon, that is not
    /// the first time.
    pub(super) forgiven: BTreeMap<NodeId, LookFailure>,
    directories: BTreeMap<CommandId, LookAtDirectory>,
    entries: BTreeMap<CommandId, (NodeId, NodeId)>,
}

/// A directory is being listed.
#[derive(Debug, Clone, Copy)]
struct LookAtDirectory {
    directory: NodeId,
    /// When that was asked for: what the answer shows may be as old.
    asked_at: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) entries: u64,
    in_vain: usize,
    pub(super) not_before: Option<Duration>,
    /// A look is under way.
    pub(super) looking: bool,
    /// A look got no answer, so that this round of looks says nothing of what was not seen.
    unanswered: bool,
    /// The service did not show what is in the directory the last time, which is a problem of the directory.
    pub(super) failure: Option<LookFailure>,
    /// What is in it came into doubt since the look that failed.
    pub(super) doubted_since: bool,
}

/// A directory that is still to be looked at, by its path below one that is about to be in another row.
#[derive(Debug)]
pub(in crate::folder) struct MovedRecheck {
    below: RelativePath,
    not_before: Option<Duration>,
    /// A look has shown it as new, so whatever is in it is still to be found.
    has_arrived: bool,
}

impl Rechecks {
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.loaded && self.waiting.is_empty() && self.directories.is_empty() && self.entries.is_empty()
    }

    /// Rows with claims were moved: where they are now is found again.
    pub(in crate::folder) fn reload(&mut self) {
        self.loaded = false;
    }

    /// Something was sent into a directory, and accepted.
    pub(super) fn expect_one_more(&mut self, directory: NodeId) {
        self.waiting.entry(directory).or_default().entries += 1;
    }

    /// What was sent into a directory was not seen, so often by now, and is looked for again at a time.
    pub(super) fn expect_again(&mut self, directory: NodeId, entries: u64, in_vain: usize, at: Duration) {
        let waiting = self.waiting.entry(directory).or_default();
        waiting.entries = waiting.entries.max(entries);
        waiting.in_vain = in_vain;
        waiting.not_before = Some(at);
    }

    /// A directory's content is doubted: it is looked at even if nothing was sent there.
    pub(in crate::folder) fn want(&mut self, directory: NodeId) {
        let waiting = self.waiting.entry(directory).or_default();
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// A directory is looked at again when the service cannot be late any more.
    pub(super) fn want_at(&mut self, directory: NodeId, until: Duration) {
        let later = Waiting { not_before: Some(until), ..Waiting::default() };
        let waiting = self.waiting.entry(directory).or_insert(later);
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// Whether a directory is to be looked at, or is being looked at, for what was sent into it or is in
    /// doubt.
    pub(in crate::folder) fn is_about(&self, directory: NodeId) -> bool {
        !self.loaded
            || self.waiting.contains_key(&directory)
            || self.is_looking_at(directory)
            || self.entries.values().any(|(_, looked_in)| *looked_in == directory)
    }

    /// Whether what is known of a directory's content is in doubt, because a look has shown something else
    /// that may be late, or because something was told.
    pub(in crate::folder) fn doubts(&self, directory: NodeId) -> bool {
        self.waiting.get(&directory).is_some_and(|waiting| waiting.doubted_since)
    }

    /// Looks now at what could not be shown: a person may have mended it.
    pub(in crate::folder) fn retry_now(&mut self) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.failure.is_some()) {
            (waiting.failure, waiting.not_before) = (None, None);
        }
        self.forgiven.clear();
    }

    /// Whether nothing is to be looked at but what the service did not show the last time and is asked for
    /// again later.
    pub(in crate::folder) fn waits_for_failures_alone(&self) -> bool {
        let has_failed = |waiting: &Waiting| {
            !waiting.looking
                && waiting.not_before.is_some()
                && waiting.failure.as_ref().is_some_and(|failure| !failure.may_pass)
        };
        self.loaded
            && self.directories.is_empty()
            && self.entries.is_empty()
            && self.waiting.values().all(has_failed)
    }

    /// It was looked at in vain once more.
    fn missed(&mut self, directory: NodeId, in_vain: usize) {
        self.waiting.entry(directory).or_default().in_vain = in_vain + 1;
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.waiting.values().filter_map(|waiting| waiting.not_before).min()
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        for waiting in self.waiting.values_mut() {
            waiting.not_before = waiting.not_before.filter(|time| *time > now.monotonic);
        }
    }

    fn load(&mut self, index: &Index) -> Result<(), FolderError> {
        let mut after = NodeId::NEW;
        loop {
            let page = index.claimed_directories(after, 256)?;
            let Some(last) = page.last() else { break };
            after = last.directory;
            for claimed in page {
                let waiting = self.waiting.entry(claimed.directory).or_default();
                waiting.entries = waiting.entries.max(claimed.entries);
            }
        }
        self.loaded = true;
        Ok(())
    }

    /// When the oldest look was asked for that has no answer yet.
    pub(in crate::folder) fn oldest_look(&self) -> Option<Duration> {
        self.directories.values().map(|look| look.asked_at).min()
    }

    pub(super) fn looks(&self) -> usize {
        self.directories.len() + self.entries.len()
    }

    /// Whether an answer is under way that may be older than what is known by the time it comes.
    pub(super) fn is_looking_at(&self, directory: NodeId) -> bool {
        self.waiting.get(&directory).is_some_and(|waiting| waiting.looking)
    }
}

impl Folder {
    pub(in crate::folder) fn issue_rechecks(&mut self, now: Now) -> Result<(), FolderError> {
        if !self.rechecks.loaded {
            self.rechecks.load(&self.index)?;
        }
        // A listing begins only when nothing is looked at, so that none takes in what an older look found
        // later.
        if self.rechecks.waiting.is_empty() || self.listing.is_due() {
            return Ok(());
        }
        let being_filled: BTreeSet<NodeId> =
            self.in_flight.operations().map(|running| running.directory).collect();
        let mut due: Vec<NodeId> = self
            .rechecks
            .waiting
            .iter()
            .filter(|(directory, waiting)| {
                waiting.not_before.is_none()
                    && !waiting.looking
                    && !being_filled.contains(directory)
                    && !self.round.is_in(**directory)
                    && !self.rechecks.entries.values().any(|(_, running)| running == *directory)
            })
            .map(|(directory, _)| *directory)
            .collect();
        if self.contesting.is_idle() {
            due.truncate(MOST_LOOKS);
        }
        for directory in due {
            if self.rechecks.looks() >= MOST_LOOKS {
                break;
            }
            // What a look shows there may be what a namesake has, or nothing, because the directory is
            // somewhere else by now.
            if self.is_contested_at(directory)? || self.is_leaving(directory)? {
                continue;
            }
            self.issue_recheck(directory, now)?;
        }
        Ok(())
    }

    fn issue_recheck(&mut self, directory: NodeId, now: Now) -> Result<(), FolderError> {
        let Some(waiting) = self.rechecks.waiting.remove(&directory) else { return Ok(()) };
        if self.index.node(directory)?.is_none() {
            self.hints.looked(directory);
            return Ok(());
        }
        let path = self.index.stored_path(directory)?;
        let claims = if waiting.entries <= FEW { self.index.claims(directory)? } else { Vec::new() };
        // What is sent where something was removed may have got the spelling of that one (protocol 8.8),
        // which a look at its path does not tell.
        // What is sent beside a namesake may have got that one's spelling as well. Right after a move of our
        // own a listing may still show the spelling that was there before.
        let mut may_be_respelled = false;
        for claim in &claims {
            let stored = path.join(claim.stored_name());
            let has_namesake = self.index.namesakes(directory, &claim.stored_name())?.len() > 1
                && self.recent_writes.move_stale_until(&stored, now).is_none();
            may_be_respelled |= has_namesake
                || namesakes::has_remote_namesake(&self.index, claim)?
                || self.recent_writes.has_left_lately(&stored, now);
        }
        if claims.is_empty() || may_be_respelled {
            let id = self.issue(Task::ListDirectory { directory: path });
            self.rechecks.directories.insert(id, LookAtDirectory { directory, asked_at: now.monotonic });
        } else {
            for node in claims {
                let id = self.issue(Task::Look { path: path.join(node.stored_name()) });
                self.rechecks.entries.insert(id, (node.id, directory));
            }
        }
        let looking = Waiting { entries: 0, looking: true, doubted_since: false, ..waiting };
        self.rechecks.waiting.insert(directory, looking);
        Ok(())
    }

    pub(in crate::folder) fn directory_looked_at(
        &mut self,
        command: CommandId,
        result: Result<Vec<(StoredName, RemoteNode)>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(LookAtDirectory { directory, asked_at }) = self.rechecks.directories.remove(&command) else {
            return Ok(());
        };
        let asked_at = if planted::is(Planted::AnswerAge) { now.monotonic } else { asked_at };
        let before = self.rechecks.waiting.get_mut(&directory).and_then(|waiting| waiting.failure.take());
        let in_vain = self.end_look(directory);
        let was_told = self.hints.looked(directory);
        if result.is_ok() {
            self.rechecks.forgiven.remove(&directory);
        }
        match result {
            // The row has moved or gone meanwhile, or what was looked at under its old spelling is what
            // another one stands for.
            Ok(_)
                if self.index.node(directory)?.is_none()
                    || namesakes::is_path_of_namesake(&self.index, directory)? =>
            {
                self.connection.succeeded();
                Ok(())
            }
            Ok(_) if self.is_contested_at(directory)? => {
                self.connection.succeeded();
                self.rechecks.want(directory);
                Ok(())
            }
            // A look at the directory above tells what is there by now.
            Ok(_) if !is_remote_directory(&self.index, directory)? => {
                self.connection.succeeded();
                if let Some(node) = self.index.node(directory)? {
                    self.rechecks.want(node.parent);
                }
                self.look_again_for(directory, in_vain, now)
            }
            Ok(entries) => {
                self.connection.succeeded();
                let stale = self.stale_claims(directory, &entries, in_vain)?;
                let is_fresh = self.hints.looked_into(directory);
                let answer = Answer::of_directory(asked_at, stale, is_fresh);
                self.merge_directory(directory, &entries, answer, now)?;
                self.look_again_for(directory, in_vain, now)
            }
            // A missing root is for the listing to judge: it may be a wrong account, and it never yields a
            // tree.
            Err(error) if error.kind == RemoteErrorKind::NotFound && directory == NodeId::ROOT => {
                self.listing.want_everything();
                self.look_again_for(directory, in_vain, now)
            }
            Err(error) if error.kind == RemoteErrorKind::NotFound && self.is_leaving(directory)? => {
                if was_told {
                    self.hints.looks_again(directory);
                }
                self.rechecks.expect_again(directory, FEW + 1, in_vain, now.monotonic);
                Ok(())
            }
            Err(error) if error.kind == RemoteErrorKind::NotFound => {
                let mut is_late = false;
                for claim in self.index.claims(directory)? {
                    is_late |= self.may_still_arrive(&claim)?;
                }
                let Some(mut node) = self.index.node(directory)? else { return Ok(()) };
                if !is_late && let Some(until) = self.missing_stale_until(&node, asked_at)? {
                    self.rechecks.want_at(directory, until);
                    return Ok(());
                }
                // Of a directory that came a moment ago a late service may not show the inside yet (protocol
                // U-38).
                if was_told
                    && !is_late
                    && let Some(delay) = RECHECK_DELAYS.get(in_vain)
                {
                    self.hints.looks_again(directory);
                    self.rechecks.want_at(directory, now.monotonic + *delay);
                    self.rechecks.missed(directory, in_vain);
                    return Ok(());
                }
                if in_vain >= RECHECK_DELAYS.len() || !is_late {
                    return match &node.remote {
                        // A file that has its place by now is there.
                        Some(there) if matches!(there.node, RemoteNode::File(_)) => {
                            self.change_below(node.id, Change::RemoteGone)
                        }
                        // It is known to be gone: that it failed so often is still so.
                        None => self.change_below(node.id, Change::RemoteGone),
                        Some(there) if there.claimed => self.give_up_claim(&mut node),
                        Some(_) => self.remote_vanished(&mut node),
                    };
                }
                self.look_again_for(directory, in_vain, now)?;
                // Whatever else is in it was not shown either.
                if let Some(waiting) = self.rechecks.waiting.get_mut(&directory) {
                    waiting.entries = waiting.entries.max(FEW + 1);
                }
                Ok(())
            }
            Err(error) => {
                let waiting = self.rechecks.waiting.entry(directory).or_default();
                waiting.entries += FEW + 1;
                waiting.failure = before;
                self.look_failed(Suspected::Directory(directory), &error, now)
            }
        }
    }

    /// Whether a directory, or one above it, is being moved or removed on the service, so that it is not
    /// known where it is.
    fn is_leaving(&self, directory: NodeId) -> Result<bool, FolderError> {
        let leaving: Vec<NodeId> = self
            .in_flight
            .operations()
            .filter(|running| running.leaves())
            .map(|running| running.node)
            .collect();
        if leaving.is_empty() || self.index.node(directory)?.is_none() {
            return Ok(false);
        }
        Ok(self.index.lineage(directory)?.iter().any(|above| leaving.contains(&above.id)))
    }

    pub(in crate::folder) fn entry_looked_at(
        &mut self,
        command: CommandId,
        result: Result<Option<Sighted>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some((id, directory)) = self.rechecks.entries.remove(&command) else { return Ok(()) };
        let is_last = !self.rechecks.entries.values().any(|(_, other)| *other == directory);
        let in_vain = self.rechecks.waiting.get(&directory).map_or(0, |waiting| waiting.in_vain);
        match result {
            Ok(_) if self.may_show_namesake(id)? => {
                self.connection.succeeded();
                self.rechecks.waiting.entry(directory).or_default().unanswered = true;
            }
            Ok(None) => self.connection.succeeded(),
            Ok(Some(seen)) => {
                self.connection.succeeded();
                if let Some(node) = self.index.node(id)?
                    && !self.in_flight.is_at(id)
                    && let Some(claimed) = node.remote.as_ref().filter(|remote| remote.claimed)
                    && (seen.node == claimed.node
                        || in_vain >= RECHECK_DELAYS.len()
                        || !self.may_still_arrive(&node)?)
                {
                    self.claim_seen(node, &seen)?;
                }
            }
            Err(error) => {
                self.rechecks.waiting.entry(directory).or_default().unanswered = true;
                self.look_failed(Suspected::Directory(directory), &error, now)?;
            }
        }
        if !is_last {
            return Ok(());
        }
        let looked = self.rechecks.waiting.get(&directory);
        let unanswered = looked
            .filter(|waiting| waiting.unanswered)
            .map(|waiting| (waiting.not_before, waiting.failure.clone()));
        self.end_look(directory);
        if let Some((not_before, failure)) = unanswered {
            // What is in the directory is asked for in another way the next time.
            let waiting = self.rechecks.waiting.entry(directory).or_default();
            waiting.entries = waiting.entries.max(FEW + 1);
            (waiting.in_vain, waiting.not_before, waiting.failure) = (in_vain, not_before, failure);
            return Ok(());
        }
        self.look_again_for(directory, in_vain, now)
    }

    /// What was sent is seen, under the name that the service gave it if the answer tells one.
    fn claim_seen(&mut self, mut node: Node, seen: &Sighted) -> Result<(), FolderError> {
        let asked = node.stored_name();
        let stored = seen.respelled.as_ref().unwrap_or(&asked);
        let is_its_own = FoldKey::of(stored) == FoldKey::of(&asked)
            && self.index.namesakes(node.parent, stored)?.iter().all(|other| other.id == node.id);
        if is_its_own {
            return self.observe_remote(&mut node, stored, Some(seen.node), false);
        }
        // What has that name may belong to another row: a listing of the directory tells.
        self.rechecks.waiting.entry(node.parent).or_default().unanswered = true;
        Ok(())
    }

    /// Whether what a look at a row's path has shown may be what a namesake stands for, of the row or of one
    /// above it: a listing of the directory tells.
    fn may_show_namesake(&self, id: NodeId) -> Result<bool, FolderError> {
        Ok(match self.index.node(id)? {
            Some(node) => namesakes::has_remote_namesake(&self.index, &node)? || self.is_contested_at(id)?,
            None => false,
        })
    }

    /// Ends a look; what was sent in the meantime is looked at again.
    fn end_look(&mut self, directory: NodeId) -> usize {
        let Some(waiting) = self.rechecks.waiting.remove(&directory) else { return 0 };
        let Waiting { entries, doubted_since, .. } = waiting;
        if entries > 0 {
            self.rechecks.waiting.insert(directory, Waiting { entries, doubted_since, ..Waiting::default() });
        }
        waiting.in_vain
    }

    /// The directories from a row downwards that are still to be looked at.
    pub(in crate::folder) fn rechecks_below(&self, top: NodeId) -> Result<Vec<MovedRecheck>, FolderError> {
        let mut rechecks = Vec::new();
        if planted::is(Planted::DoubtLeftBehind) {
            return Ok(rechecks);
        }
        let arrived = self.hints.not_looked_into().map(|directory| (directory, None, true));
        let waiting = self.rechecks.waiting.iter();
        let waiting = waiting.map(|(directory, waiting)| (*directory, waiting.not_before, false));
        for (directory, not_before, has_arrived) in waiting.chain(arrived) {
            if self.index.node(directory)?.is_none() {
                continue;
            }
            let lineage = self.index.lineage(directory)?;
            if let Some(place) = lineage.iter().position(|above| above.id == top) {
                let below = lineage[place + 1..].iter();
                let below = below.fold(RelativePath::root(), |path, node| path.join(&node.name));
                rechecks.push(MovedRecheck { below, not_before, has_arrived });
            }
        }
        Ok(rechecks)
    }

    /// A directory was moved with those in it that were still to be looked at: they are looked at where they
    /// are now.
    pub(in crate::folder) fn recheck_below(
        &mut self,
        top: NodeId,
        rechecks: Vec<MovedRecheck>,
    ) -> Result<(), FolderError> {
        let path = self.index.path(top)?;
        for MovedRecheck { below, not_before, has_arrived } in rechecks {
            let moved = below.rebase(&RelativePath::root(), &path).unwrap_or_else(|| path.clone());
            if let Some(directory) = self.index.locate(&moved)?
                && directory.remote_entry() == Entry::Directory
            {
                if has_arrived {
                    self.hints.arrived(directory.id);
                } else {
                    self.rechecks.want_at(directory.id, not_before.unwrap_or_default());
                }
            }
        }
        Ok(())
    }
}

/// Whether the service is known to have a directory at a row.
fn is_remote_directory(index: &Index, directory: NodeId) -> Result<bool, FolderError> {
    let node = index.node(directory)?;
    Ok(directory == NodeId::ROOT || node.is_some_and(|node| node.remote_entry() == Entry::Directory))
}

#[cfg(test)]
mod tests;
