//! Seeing what was sent: a file counts as stored only when a listing shows it.
//!
//! One look at a directory confirms everything that was sent into it, so the cost is a constant per
//! directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::lateness::{DELAYS, PATIENCE};
use jottad_core::{Entry, File, FoldKey, Name, RelativePath, StoredName, Timestamp};

use super::backlog::Change;
use super::connection::{Suspected, pause_asked_for};
use super::{Folder, FolderError};
use crate::event::{CommandId, Task};
use crate::index::{Descend, Fact, Index, Node, NodeId};
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind, RemoteNode};
use crate::scope::{self, Failure, Finding, found};
use crate::status::{LogLine, Problem, ProblemKind};
use crate::time::Now;

/// Most looks at one time.
const MOST_LOOKS: usize = 4;
/// Up to this many entries are looked at one by one instead of by listing their directory.
const FEW: u64 = 2;
/// A directory that the service does not show is asked for at least so often.
const LONGEST_LOOK_PAUSE: Duration = Duration::from_hours(1);

/// What still has to be seen.
#[derive(Debug, Default)]
pub(super) struct Confirming {
    loaded: bool,
    /// Directories with claims: how many, how often they were looked at in vain, and when next.
    waiting: BTreeMap<NodeId, Waiting>,
    /// Claims that the service has accepted, so that only its lag can contradict them. The others were cut
    /// off, by the network or by the end of an earlier run, and may as well never have arrived.
    accepted: BTreeSet<NodeId>,
    /// What was sent to a row, for as long as the service may be too late to show it.
    sent: BTreeMap<NodeId, Sent>,
    /// Files that were sent, whose answer was lost, and that a look did not show: it may have been too late
    /// for that.
    given_up: BTreeMap<(NodeId, Name), File>,
    /// An earlier run may have sent anything until then.
    all_sent_until: Option<Duration>,
    directories: BTreeMap<CommandId, NodeId>,
    entries: BTreeMap<CommandId, (NodeId, NodeId)>,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: u64,
    in_vain: usize,
    not_before: Option<Duration>,
    /// A look is under way.
    looking: bool,
    /// A look got no answer, so that this round of looks says nothing of what was not seen.
    unanswered: bool,
    /// The service did not show what is in the directory the last time, which is a problem of the directory.
    failure: Option<LookFailure>,
    /// What is in it came into doubt since the look that failed.
    doubted_since: bool,
}

/// Why the service does not show what is in a directory, although it answers.
#[derive(Debug, Clone)]
struct LookFailure {
    kind: ProblemKind,
    message: String,
    remedy: &'static str,
    since: Timestamp,
    tries: u32,
    next_try: Timestamp,
    /// When the last look failed.
    failed: Duration,
    /// A pause was asked for and it was tried once, so that it may be trouble of the service.
    may_pass: bool,
}

impl LookFailure {
    fn new(since: Timestamp) -> Self {
        Self {
            kind: ProblemKind::Failing,
            message: String::new(),
            remedy: "",
            since,
            tries: 0,
            next_try: since,
            failed: Duration::ZERO,
            may_pass: false,
        }
    }

    /// Notes another failure; how long to wait before the next look.
    fn note(&mut self, error: &RemoteError, now: Now) -> Duration {
        let Failure { kind, remedy, pause } = scope::remote_failure(error);
        self.kind = kind;
        self.message.clone_from(&error.message);
        self.remedy = remedy;
        self.tries += 1;
        self.failed = now.monotonic;
        let asked = pause_asked_for(error);
        self.may_pass = asked.is_some() && self.tries == 1;
        let doublings = (self.tries - 1).min(12);
        let pause =
            pause.unwrap_or(LONGEST_LOOK_PAUSE).saturating_mul(1 << doublings).min(LONGEST_LOOK_PAUSE);
        let pause = pause.max(asked.unwrap_or_default());
        let seconds = now.wall.seconds().saturating_add_unsigned(pause.as_secs());
        self.next_try = Timestamp::from_seconds(seconds);
        pause
    }
}

/// A directory that is still to be looked at, by its path below one that is about to be in another row.
#[derive(Debug)]
pub(super) struct Doubt {
    below: RelativePath,
    not_before: Option<Duration>,
    /// A look has shown it as new, so whatever is in it is still to be found.
    has_arrived: bool,
}

#[derive(Debug)]
struct Sent {
    at: Duration,
    /// What was there before, one after the other.
    was: Vec<Option<RemoteNode>>,
}

impl Confirming {
    pub(super) fn is_idle(&self) -> bool {
        self.loaded && self.waiting.is_empty() && self.directories.is_empty() && self.entries.is_empty()
    }

    /// Rows with claims were moved: where they are now is found again.
    pub(super) fn reload(&mut self) {
        self.loaded = false;
    }

    /// Something was sent into a directory, and the service has accepted it.
    pub(super) fn accepted(&mut self, node: NodeId, directory: NodeId) {
        self.accepted.insert(node);
        self.waiting.entry(directory).or_default().entries += 1;
    }

    /// A row's remote side was observed, or is claimed anew: an older acceptance says nothing any more.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.accepted.remove(&node);
    }

    /// A look contradicts what was sent to a row.
    pub(super) fn give_up(&mut self, node: &Node, sent: RemoteNode) {
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
    pub(super) fn doubt(&mut self, directory: NodeId) {
        let waiting = self.waiting.entry(directory).or_default();
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// Something was sent to a row where that was before: it may be shown for a while yet.
    pub(super) fn sent(&mut self, node: NodeId, was: Option<RemoteNode>, now: Now) {
        self.sent.retain(|_, sent| now.monotonic < sent.at + PATIENCE);
        let sent = self.sent.entry(node).or_insert_with(|| Sent { at: now.monotonic, was: Vec::new() });
        sent.at = now.monotonic;
        if !sent.was.contains(&was) {
            sent.was.push(was);
        }
    }

    /// A directory is looked at again when the service cannot be late any more.
    pub(super) fn doubt_until(&mut self, directory: NodeId, until: Duration) {
        let later = Waiting { not_before: Some(until), ..Waiting::default() };
        let waiting = self.waiting.entry(directory).or_insert(later);
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.doubted_since = true;
    }

    /// Looks now at what could not be shown: a person may have mended it.
    pub(super) fn retry_now(&mut self) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.failure.is_some()) {
            (waiting.failure, waiting.not_before) = (None, None);
        }
    }

    /// Whether nothing is to be looked at but what the service did not show the last time and is asked for
    /// again later.
    pub(super) fn waits_for_failures_alone(&self) -> bool {
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

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.waiting.values().filter_map(|waiting| waiting.not_before).min()
    }

    pub(super) fn timer(&mut self, now: Now) {
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

    pub(super) fn looks(&self) -> usize {
        self.directories.len() + self.entries.len()
    }

    /// Whether an answer is under way that may be older than what is known by the time it comes.
    pub(super) fn is_looking_at(&self, directory: NodeId) -> bool {
        self.waiting.get(&directory).is_some_and(|waiting| waiting.looking)
    }
}

impl Folder {
    pub(super) fn issue_confirmations(&mut self, _now: Now) -> Result<(), FolderError> {
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
            self.issue_confirmation(directory)?;
        }
        Ok(())
    }

    fn issue_confirmation(&mut self, directory: NodeId) -> Result<(), FolderError> {
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
                && self.resolving.entry_late_until(&stored).is_none();
            may_be_respelled |=
                has_namesake || self.has_namesake_there(claim)? || self.departing.has_left_lately(&stored);
        }
        if claims.is_empty() || may_be_respelled {
            let id = self.issue(Task::ListDirectory { directory: path });
            self.confirming.directories.insert(id, directory);
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

    pub(super) fn directory_confirmed(
        &mut self,
        command: CommandId,
        result: Result<Vec<(StoredName, RemoteNode)>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(directory) = self.confirming.directories.remove(&command) else { return Ok(()) };
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
                let stale = self.stale_claims(directory, &entries, in_vain)?;
                self.busy.extend(&stale);
                let observed = self.observe_directory(directory, &entries, now);
                self.busy.retain(|node| !stale.contains(node));
                observed?;
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
                let filled = self.lately_filled(now.monotonic)?;
                if !is_late && let Some(until) = self.may_be_older(directory, None, now.monotonic, &filled)? {
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

    /// The service answers, but does not show what is in a directory: that is looked for again, more and more
    /// seldom.
    pub(super) fn directory_failed(&mut self, directory: NodeId, error: &RemoteError, now: Now) {
        let waiting = self.confirming.waiting.entry(directory).or_default();
        let failure = waiting.failure.get_or_insert_with(|| LookFailure::new(now.wall));
        let pause = failure.note(error, now);
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.not_before = Some(now.monotonic.saturating_add(pause));
    }

    /// A complete listing has shown what looks at some directories did not: what failed before it began is no
    /// problem any more, and need not be looked at, unless something that was sent there is still to be seen.
    pub(super) fn forgive_directories(&mut self, listed: Duration) -> Result<(), FolderError> {
        let is_older =
            |waiting: &Waiting| waiting.failure.as_ref().is_some_and(|failure| failure.failed <= listed);
        let shown =
            self.confirming.waiting.iter().filter(|(_, waiting)| !waiting.looking && is_older(waiting));
        let shown: Vec<NodeId> = shown.map(|(directory, _)| *directory).collect();
        for directory in shown {
            if self.index.node(directory)?.is_some() && !self.index.claims(directory)?.is_empty() {
                continue;
            }
            if let Some(waiting) = self.confirming.waiting.remove(&directory)
                && waiting.doubted_since
            {
                self.confirming.doubt(directory);
            }
        }
        Ok(())
    }

    /// The directories of which the service does not show what is in them, although it answers.
    pub(super) fn unseen_directories(&self) -> Result<Vec<Problem>, FolderError> {
        let mut problems = Vec::new();
        for (directory, waiting) in &self.confirming.waiting {
            let Some(failure) = waiting.failure.as_ref().filter(|failure| !failure.may_pass) else {
                continue;
            };
            if self.index.node(*directory)?.is_some() {
                problems.push(Problem {
                    path: self.index.path(*directory)?,
                    kind: failure.kind,
                    reason: failure.message.clone(),
                    remedy: failure.remedy.to_owned(),
                    since: failure.since,
                    tries: failure.tries,
                    next_try: Some(failure.next_try),
                    is_being_tried: false,
                });
            }
        }
        Ok(problems)
    }

    pub(super) fn entry_confirmed(
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

    /// What an earlier run did a short time ago the service may not show yet, and what it was about to do was
    /// maybe done.
    pub(super) fn follow_earlier_run(&mut self, now: Now) -> Result<(), FolderError> {
        let was_sending = !self.index.claimed_directories(NodeId::NEW, 1)?.is_empty();
        let last = self.index.history(0, 1)?.pop();
        let since = last.as_ref().map(|last| self.since_last_operation(last, now)).transpose()?;
        let rest =
            if was_sending { Some(PATIENCE) } else { since.and_then(|since| PATIENCE.checked_sub(since)) };
        self.confirming.all_sent_until = rest.map(|rest| now.monotonic + rest);
        match (last, since) {
            (Some(last), Some(since)) => self.follow_departures(last.at, since, now),
            _ => Ok(()),
        }
    }

    /// How long ago, at least, the last operation of an earlier run was. The clock that never jumps goes on
    /// while jottad is not running; after a restart of the machine, it is at least as long as that runs.
    fn since_last_operation(&self, last: &LogLine, now: Now) -> Result<Duration, FolderError> {
        let Some(at) = self.index.number(Fact::OperatedAt)? else {
            // An older version noted the wall clock alone. One that was set back says nothing.
            let since = now.wall.seconds().saturating_sub(last.at.seconds()).max(0);
            return Ok(Duration::from_secs(since.cast_unsigned()));
        };
        let at = Duration::from_secs(u64::try_from(at).unwrap_or(0));
        // A second less, for what rounding does.
        Ok(now.monotonic.checked_sub(at).unwrap_or(now.monotonic).saturating_sub(Duration::from_secs(1)))
    }

    /// The directories from a row downwards that are still to be looked at.
    pub(super) fn doubts_below(&self, top: NodeId) -> Result<Vec<Doubt>, FolderError> {
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
    pub(super) fn doubt_below(&mut self, top: NodeId, doubts: Vec<Doubt>) -> Result<(), FolderError> {
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

    /// What a look shows at a row or below it is believed, whatever was sent there.
    pub(super) fn believe_below(&mut self, top: NodeId) -> Result<(), FolderError> {
        let sent: Vec<NodeId> = self.confirming.sent.keys().copied().collect();
        for node in sent {
            let is_below = self.index.node(node)?.is_none()
                || node == top
                || self.index.lineage(node)?.iter().any(|above| above.id == top);
            if is_below {
                self.confirming.sent.remove(&node);
            }
        }
        Ok(())
    }

    /// The directories that something was sent into, at any depth, so short a time before a look that it may
    /// be too late to show them (protocol U-38), and until when that is so.
    pub(super) fn lately_filled(&self, looked: Duration) -> Result<BTreeMap<NodeId, Duration>, FolderError> {
        let mut filled = BTreeMap::new();
        let mut sent: Vec<(Duration, NodeId)> =
            self.confirming.sent.iter().map(|(node, sent)| (sent.at, *node)).collect();
        // What was sent last comes first, so that what is above is found with its latest time and need not be
        // climbed again.
        sent.sort_by(|one, other| other.cmp(one));
        for (at, node) in sent {
            let until = at + PATIENCE;
            if looked >= until {
                break;
            }
            let mut above = self.index.node(node)?.map(|node| node.parent);
            while let Some(id) = above.filter(|id| *id != NodeId::ROOT && *id != NodeId::NEW)
                && let std::collections::btree_map::Entry::Vacant(entry) = filled.entry(id)
            {
                entry.insert(until);
                above = self.index.above(id)?.map(|node| node.parent);
            }
        }
        Ok(filled)
    }

    /// Until when what a look shows at a row, or that it shows nothing, may be what was there before we sent
    /// something.
    pub(super) fn may_be_older(
        &self,
        node: NodeId,
        seen: Option<RemoteNode>,
        looked: Duration,
        filled: &BTreeMap<NodeId, Duration>,
    ) -> Result<Option<Duration>, FolderError> {
        let sent_at = |node: NodeId| {
            let sent = self.confirming.sent.get(&node);
            sent.filter(|sent| sent.was.contains(&seen)).map(|sent| sent.at + PATIENCE)
        };
        let mut until = self.confirming.all_sent_until.max(sent_at(node));
        // What was seen beside it may have made it another row.
        if seen.is_none() && !self.confirming.sent.is_empty() && self.index.node(node)?.is_some() {
            until = until.max(filled.get(&node).copied());
            for above in self.index.lineage(node)? {
                until = until.max(sent_at(above.id));
            }
        }
        Ok(until.filter(|until| looked < *until))
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
    pub(super) fn keeping_failures(
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
