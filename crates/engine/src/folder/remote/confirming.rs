//! Seeing what was sent: a file counts as stored only when a listing shows it.
//!
//! One look at a directory confirms everything that was sent into it, so the cost is a constant per
//! directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::lateness::DELAYS;
use jottad_core::{Entry, File, FoldKey, Name, RelativePath, StoredName};

use super::connection::Suspected;
use super::unseen::LookFailure;
use crate::event::{CommandId, Task};
use crate::folder::backlog::Change;
use crate::folder::{Folder, FolderError};
use crate::index::{Descend, Index, Node, NodeId};
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind, RemoteNode};
use crate::scope::{Finding, found};
use crate::time::Now;

/// Most looks at one time.
const MOST_LOOKS: usize = 4;
/// Up to this many entries are looked at one by one instead of by listing their directory.
pub(super) const FEW: u64 = 2;

/// What still has to be seen.
#[derive(Debug, Default)]
pub(in crate::folder) struct Confirming {
    loaded: bool,
    /// Directories with claims: how many, how often they were looked at in vain, and when next.
    pub(super) waiting: BTreeMap<NodeId, Waiting>,
    /// Claims that the service has accepted, so that only its lag can contradict them. The others were cut
    /// off, by the network or by the end of an earlier run, and may as well never have arrived.
    accepted: BTreeSet<NodeId>,
    /// Files that were sent, whose answer was lost, and that a look did not show: it may have been too late
    /// for that.
    given_up: BTreeMap<(NodeId, Name), File>,
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
pub(in crate::folder) struct Doubt {
    below: RelativePath,
    not_before: Option<Duration>,
    /// A look has shown it as new, so whatever is in it is still to be found.
    has_arrived: bool,
}

impl Confirming {
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.loaded && self.waiting.is_empty() && self.directories.is_empty() && self.entries.is_empty()
    }

    /// Rows with claims were moved: where they are now is found again.
    pub(in crate::folder) fn reload(&mut self) {
        self.loaded = false;
    }

    /// Something was sent into a directory, and the service has accepted it.
    pub(in crate::folder) fn accepted(&mut self, node: NodeId, directory: NodeId) {
        self.accepted.insert(node);
        self.waiting.entry(directory).or_default().entries += 1;
    }

    /// Whether the service has accepted what is claimed at a row.
    pub(in crate::folder) fn is_accepted(&self, node: NodeId) -> bool {
        self.accepted.contains(&node)
    }

    /// A row's remote side was observed, or is claimed anew: an older acceptance says nothing any more.
    pub(in crate::folder) fn forget(&mut self, node: NodeId) {
        self.accepted.remove(&node);
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

    /// A directory's content is doubted: it is looked at even if nothing was sent there.
    pub(in crate::folder) fn doubt(&mut self, directory: NodeId) {
        let waiting = self.waiting.entry(directory).or_default();
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// A directory is looked at again when the service cannot be late any more.
    pub(super) fn doubt_until(&mut self, directory: NodeId, until: Duration) {
        let later = Waiting { not_before: Some(until), ..Waiting::default() };
        let waiting = self.waiting.entry(directory).or_insert(later);
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// Looks now at what could not be shown: a person may have mended it.
    pub(in crate::folder) fn retry_now(&mut self) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.failure.is_some()) {
            (waiting.failure, waiting.not_before) = (None, None);
        }
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
    pub(in crate::folder) fn issue_confirmations(&mut self, now: Now) -> Result<(), FolderError> {
        if !self.confirming.loaded {
            self.confirming.load(&self.index)?;
        }
        // A listing begins only when nothing is looked at, so that none takes in what an older look found
        // later.
        if self.confirming.waiting.is_empty() || self.listing.is_due() {
            return Ok(());
        }
        let being_filled: BTreeSet<NodeId> = self.running.values().map(|running| running.directory).collect();
        let mut due: Vec<NodeId> = self
            .confirming
            .waiting
            .iter()
            .filter(|(directory, waiting)| {
                waiting.not_before.is_none()
                    && !waiting.looking
                    && !being_filled.contains(directory)
                    && !self.round.is_in(**directory)
                    && !self.confirming.entries.values().any(|(_, running)| running == *directory)
            })
            .map(|(directory, _)| *directory)
            .collect();
        if self.contesting.is_idle() {
            due.truncate(MOST_LOOKS);
        }
        for directory in due {
            if self.confirming.looks() >= MOST_LOOKS {
                break;
            }
            // What a look shows there may be what a namesake has.
            if self.is_contested_at(directory)? {
                continue;
            }
            self.issue_confirmation(directory, now)?;
        }
        Ok(())
    }

    fn issue_confirmation(&mut self, directory: NodeId, now: Now) -> Result<(), FolderError> {
        let Some(waiting) = self.confirming.waiting.remove(&directory) else { return Ok(()) };
        if self.index.node(directory)?.is_none() {
            self.hinting.looked(directory);
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
                || self.has_namesake_there(claim)?
                || self.recent_writes.has_left_lately(&stored, now);
        }
        if claims.is_empty() || may_be_respelled {
            let id = self.issue(Task::ListDirectory { directory: path });
            self.confirming.directories.insert(id, LookAtDirectory { directory, asked_at: now.monotonic });
        } else {
            for node in claims {
                let id = self.issue(Task::Look { path: path.join(node.stored_name()) });
                self.confirming.entries.insert(id, (node.id, directory));
            }
        }
        let looking = Waiting { entries: 0, looking: true, doubted_since: false, ..waiting };
        self.confirming.waiting.insert(directory, looking);
        Ok(())
    }

    pub(in crate::folder) fn directory_confirmed(
        &mut self,
        command: CommandId,
        result: Result<Vec<(StoredName, RemoteNode)>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(LookAtDirectory { directory, .. }) = self.confirming.directories.remove(&command) else {
            return Ok(());
        };
        let before = self.confirming.waiting.get_mut(&directory).and_then(|waiting| waiting.failure.take());
        let in_vain = self.end_look(directory);
        let was_told = self.hinting.looked(directory);
        match result {
            // The row has moved or gone meanwhile, or what was looked at under its old spelling is what
            // another one stands for.
            Ok(_) if self.index.node(directory)?.is_none() || self.is_namesakes_by_now(directory)? => {
                self.connection.succeeded();
                Ok(())
            }
            Ok(_) if self.is_contested_at(directory)? => {
                self.connection.succeeded();
                self.confirming.doubt(directory);
                Ok(())
            }
            // A look at the directory above tells what is there by now.
            Ok(_) if !self.is_directory_there(directory)? => {
                self.connection.succeeded();
                if let Some(node) = self.index.node(directory)? {
                    self.confirming.doubt(node.parent);
                }
                self.look_again_for(directory, in_vain, now)
            }
            Ok(entries) => {
                self.connection.succeeded();
                let mut touched = self.stale_claims(directory, &entries, in_vain)?;
                touched.extend(&self.busy);
                self.merge_directory(directory, &entries, (now.monotonic, touched), now)?;
                self.look_again_for(directory, in_vain, now)
            }
            // A missing root is for the listing to judge: it may be a wrong account, and it never yields a
            // tree.
            Err(error) if error.kind == RemoteErrorKind::NotFound && directory == NodeId::ROOT => {
                self.listing.want_everything();
                self.look_again_for(directory, in_vain, now)
            }
            Err(error) if error.kind == RemoteErrorKind::NotFound => {
                let mut is_late = false;
                for claim in self.index.claims(directory)? {
                    is_late |= self.may_be_late(&claim)?;
                }
                let Some(mut node) = self.index.node(directory)? else { return Ok(()) };
                if !is_late && let Some(until) = self.missing_late_until(&node, now.monotonic)? {
                    self.confirming.doubt_until(directory, until);
                    return Ok(());
                }
                // Of a directory that came a moment ago a late service may not show the inside yet (protocol
                // U-38).
                if was_told
                    && !is_late
                    && let Some(delay) = DELAYS.get(in_vain)
                {
                    self.hinting.looks_again(directory);
                    self.confirming.doubt_until(directory, now.monotonic + *delay);
                    self.confirming.missed(directory, in_vain);
                    return Ok(());
                }
                if in_vain >= DELAYS.len() || !is_late {
                    return match &node.remote {
                        // A file that has its place by now is there.
                        Some(there) if matches!(there.node, RemoteNode::File(_)) => {
                            self.change_below(node.id, Change::RemoteGone)
                        }
                        Some(there) if there.claimed => self.give_up_claim(&mut node),
                        _ => self.remote_vanished(&mut node),
                    };
                }
                self.look_again_for(directory, in_vain, now)
            }
            Err(error) => {
                let waiting = self.confirming.waiting.entry(directory).or_default();
                waiting.entries += FEW + 1;
                waiting.failure = before;
                self.look_failed(Suspected::Directory(directory), &error, now)
            }
        }
    }

    /// Whether the service is known to have a directory at a row.
    fn is_directory_there(&self, directory: NodeId) -> Result<bool, FolderError> {
        let node = self.index.node(directory)?;
        Ok(directory == NodeId::ROOT || node.is_some_and(|node| node.remote_entry() == Entry::Directory))
    }

    pub(in crate::folder) fn entry_confirmed(
        &mut self,
        command: CommandId,
        result: Result<Option<RemoteNode>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some((id, directory)) = self.confirming.entries.remove(&command) else { return Ok(()) };
        let is_last = !self.confirming.entries.values().any(|(_, other)| *other == directory);
        let in_vain = self.confirming.waiting.get(&directory).map_or(0, |waiting| waiting.in_vain);
        match result {
            Ok(_) if self.may_show_namesake(id)? => {
                self.connection.succeeded();
                self.confirming.waiting.entry(directory).or_default().unanswered = true;
            }
            Ok(seen) => {
                self.connection.succeeded();
                if let Some(mut node) = self.index.node(id)?
                    && !self.busy.contains(&id)
                    && let Some(claimed) = node.remote.clone().filter(|remote| remote.claimed)
                    && (seen == Some(claimed.node)
                        || (seen.is_some() && (in_vain >= DELAYS.len() || !self.may_be_late(&node)?)))
                {
                    let stored = node.stored_name();
                    self.observe_remote(&mut node, &stored, seen, false)?;
                }
            }
            Err(error) => {
                self.confirming.waiting.entry(directory).or_default().unanswered = true;
                self.look_failed(Suspected::Directory(directory), &error, now)?;
            }
        }
        if !is_last {
            return Ok(());
        }
        let looked = self.confirming.waiting.get(&directory);
        let unanswered = looked
            .filter(|waiting| waiting.unanswered)
            .map(|waiting| (waiting.not_before, waiting.failure.clone()));
        self.end_look(directory);
        if let Some((not_before, failure)) = unanswered {
            // What is in the directory is asked for in another way the next time.
            let waiting = self.confirming.waiting.entry(directory).or_default();
            waiting.entries = waiting.entries.max(FEW + 1);
            (waiting.in_vain, waiting.not_before, waiting.failure) = (in_vain, not_before, failure);
            return Ok(());
        }
        self.look_again_for(directory, in_vain, now)
    }

    /// Whether what a look at a row's path has shown may be what a namesake stands for, of the row or of one
    /// above it: a listing of the directory tells.
    fn may_show_namesake(&self, id: NodeId) -> Result<bool, FolderError> {
        Ok(match self.index.node(id)? {
            Some(node) => self.has_namesake_there(&node)? || self.is_contested_at(id)?,
            None => false,
        })
    }

    /// Ends a look; what was sent in the meantime is looked at again.
    fn end_look(&mut self, directory: NodeId) -> usize {
        let Some(waiting) = self.confirming.waiting.remove(&directory) else { return 0 };
        let Waiting { entries, doubted_since, .. } = waiting;
        if entries > 0 {
            self.confirming
                .waiting
                .insert(directory, Waiting { entries, doubted_since, ..Waiting::default() });
        }
        waiting.in_vain
    }

    /// The claims that a listing contradicts, as long as it may only be late.
    fn stale_claims(
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
            if contradicted(&node) && self.may_be_late(&node)? {
                stale.insert(node.id);
            }
        }
        Ok(stale)
    }

    /// Whether a claim that was looked for in vain deserves more patience. What the service has accepted
    /// does; what was cut off is simply sent again, which is harmless even if it had arrived, unless there is
    /// nothing of the sort left to send, as far as that was looked at since the start: then it must be seen
    /// to be removed.
    fn may_be_late(&self, claim: &Node) -> Result<bool, FolderError> {
        let claimed = claim.remote.as_ref().map(|remote| remote.node.kind());
        let may_be_gone = claim.local.kind() != claimed || !self.scanning.was_complete();
        if self.confirming.accepted.contains(&claim.id) || may_be_gone {
            return Ok(true);
        }
        // With a directory all that was sent into it would be given up.
        Ok(claim.remote_entry() == Entry::Directory
            && self.index.children(claim.id)?.iter().any(|below| below.remote.is_some()))
    }

    /// Whether something that was sent into a directory still deserves patience: then a look that does not
    /// show the directory may be as late, and would take all that was sent there for lost.
    pub(super) fn awaits_inside(&self, directory: &Node) -> Result<bool, FolderError> {
        if self.confirming.is_idle() || directory.remote_entry() != Entry::Directory {
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
            if self.may_be_late(&claim)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The directories from a row downwards that are still to be looked at.
    pub(in crate::folder) fn doubts_below(&self, top: NodeId) -> Result<Vec<Doubt>, FolderError> {
        let mut doubts = Vec::new();
        if planted::is(Planted::DoubtLeftBehind) {
            return Ok(doubts);
        }
        let arrived = self.hinting.not_looked_into().map(|directory| (directory, None, true));
        let waiting = self.confirming.waiting.iter();
        let waiting = waiting.map(|(directory, waiting)| (*directory, waiting.not_before, false));
        for (directory, not_before, has_arrived) in waiting.chain(arrived) {
            if self.index.node(directory)?.is_none() {
                continue;
            }
            let lineage = self.index.lineage(directory)?;
            if let Some(place) = lineage.iter().position(|above| above.id == top) {
                let below = lineage[place + 1..].iter();
                let below = below.fold(RelativePath::root(), |path, node| path.join(&node.name));
                doubts.push(Doubt { below, not_before, has_arrived });
            }
        }
        Ok(doubts)
    }

    /// A directory was moved with those in it that were still to be looked at: they are looked at where they
    /// are now.
    pub(in crate::folder) fn doubt_below(
        &mut self,
        top: NodeId,
        doubts: Vec<Doubt>,
    ) -> Result<(), FolderError> {
        let path = self.index.path(top)?;
        for Doubt { below, not_before, has_arrived } in doubts {
            let moved = below.rebase(&RelativePath::root(), &path).unwrap_or_else(|| path.clone());
            if let Some(directory) = self.index.locate(&moved)?
                && directory.remote_entry() == Entry::Directory
            {
                if has_arrived {
                    self.hinting.arrived(directory.id);
                } else {
                    self.confirming.doubt_until(directory.id, not_before.unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    /// What was sent did not arrive, so the service has what it had before. That is no news, so what is
    /// remembered of failures stays: else what is refused would be sent again without a pause.
    fn give_up_claim(&mut self, node: &mut Node) -> Result<(), FolderError> {
        if let Some(claim) = node.remote.as_ref().filter(|remote| remote.claimed) {
            self.confirming.give_up(node, claim.node);
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
    fn look_again_for(&mut self, directory: NodeId, in_vain: usize, now: Now) -> Result<(), FolderError> {
        let (mut late, mut lost) = (Vec::new(), Vec::new());
        for claim in self.index.claims(directory)? {
            if self.may_be_late(&claim)? {
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
            let waiting = self.confirming.waiting.entry(directory).or_default();
            waiting.entries = waiting.entries.max(late.len() as u64);
            waiting.in_vain = in_vain + 1;
            waiting.not_before = Some(now.monotonic + *delay);
            return Ok(());
        }
        for mut node in late {
            if self.busy.contains(&node.id) {
                continue;
            }
            self.give_up_claim(&mut node)?;
            if !self.confirming.accepted.remove(&node.id) || self.is_there_respelled(&node)? {
                continue;
            }
            let reason = "the service accepted it but does not show it".to_owned();
            self.put_problem(node.id, found(Finding::NotShown), reason, now)?;
        }
        Ok(())
    }
}
