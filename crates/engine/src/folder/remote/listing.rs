//! What the service has: the recursive listing, and the cheap poll that says whether one is due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jottad_core::lateness::{DELAYS, PATIENCE};
use jottad_core::{DEEPEST, DecodedName, Entry, StoredName, StoredPath, Timestamp, decode_name};

use super::connection::Suspected;
use super::mismatches::Mismatches;
use super::stamp::StampWatch;
use crate::event::{CommandId, Task};
use crate::folder::backlog::Change;
use crate::folder::clock::shifted;
use crate::folder::local::root::Look;
use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Fact, Index, Node, NodeId, RemoteRecord};
use crate::remote::{ListedEntry, RemoteError, RemoteErrorKind, RemoteNode, UnusableEntry};
use crate::scope::{self, Asked, Blame};
use crate::settings::FolderSettings;
use crate::time::Now;

/// A stamp that moved while something was sent leads to a listing at the latest so long after the last one.
const OWN_WORK_DELAY: Duration = Duration::from_hours(1);
/// Beyond so many directories that a late listing may have left something out of, everything is listed again.
const MOST_LOOKS_AGAIN: usize = 16;
/// So many entries that cannot be used are told; one name that is wrong is mostly one of many.
pub(super) const MOST_UNUSABLE: usize = 100;
/// So much of a path that is too deep is told, in characters.
const PATH_SHOWN: usize = 300;

/// The state of the remote tree's observation.
#[derive(Debug)]
pub(in crate::folder) struct Listing {
    /// A complete listing was merged at some time, so absences are known.
    known: bool,
    pub(super) wanted: Wanted,
    running: Option<RunningListing>,
    pub(super) polling: Option<CommandId>,
    /// The stamp that was read before the running or wanted listing.
    pub(super) stamp: Option<String>,
    pub(super) stamps: StampWatch,
    listed: Option<Listed>,
    /// When the stamp was last read.
    polled_at: Option<Timestamp>,
    poll_at: Option<Duration>,
    list_at: Option<Duration>,
    mismatches: Mismatches,
    /// How often the remote root was looked for in vain since it was seen, and when next.
    root_missed: usize,
    root_looked_for_at: Option<Duration>,
    /// A person allowed to build a missing remote root anew.
    missing_root_trusted: bool,
    /// What the last complete listing showed that can be no entry of the folder, and since when.
    pub(super) unusable: BTreeMap<UnusableEntry, Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::folder) enum Wanted {
    Nothing,
    /// Whether anything changed.
    Poll,
    /// Everything.
    Listing,
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

/// When the last complete listing went on.
#[derive(Debug, Clone, Copy)]
pub(in crate::folder) struct Listed {
    pub(in crate::folder) began: Duration,
    pub(in crate::folder) ended: Duration,
}

#[derive(Debug)]
pub(super) struct RunningListing {
    command: CommandId,
    pub(super) began_at: Duration,
    /// One bit for each row that was seen.
    seen: Vec<u64>,
    /// Rows that an operation worked on meanwhile: this listing does not judge them.
    pub(super) touched: BTreeSet<NodeId>,
    /// Directories of which it may have shown an older state: they are looked at again.
    doubted: BTreeSet<NodeId>,
    /// There are too many of them, so everything is listed again, then.
    pub(super) list_again_at: Option<Duration>,
    /// The way to the directory of the last entry of this batch, from the root down: most of it is that of
    /// the next as well.
    way: Vec<(StoredName, NodeId)>,
    /// What it showed that can have no row.
    unusable: Vec<UnusableEntry>,
}

impl RunningListing {
    pub(super) fn see(&mut self, node: NodeId) {
        let bit = usize::try_from(node.0).unwrap_or(0);
        if self.seen.len() <= bit / 64 {
            self.seen.resize(bit / 64 + 1, 0);
        }
        self.seen[bit / 64] |= 1 << (bit % 64);
    }

    /// What was seen at the first row of a pair is at the second one by now. What was not seen at the first
    /// is not at the second either.
    pub(super) fn follow_respelling(&mut self, moved: &[(NodeId, NodeId)]) {
        for (from, to) in moved {
            let bit = usize::try_from(from.0).unwrap_or(0);
            let was_seen = self.saw(*from);
            if let Some(word) = self.seen.get_mut(bit / 64) {
                *word &= !(1 << (bit % 64));
            }
            if was_seen {
                self.see(*to);
            }
        }
    }

    pub(super) fn saw(&self, node: NodeId) -> bool {
        let bit = usize::try_from(node.0).unwrap_or(0);
        self.seen.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }
}

impl Listing {
    /// Whether the folder is held because the remote root was looked for in vain.
    pub(in crate::folder) fn is_held_for_root(&self) -> bool {
        self.root_missed >= DELAYS.len()
    }

    pub(in crate::folder) fn new(index: &Index) -> Result<Self, FolderError> {
        Ok(Self {
            known: index.number(Fact::RemoteCheckedAt)?.is_some(),
            wanted: Wanted::Nothing,
            running: None,
            polling: None,
            stamp: None,
            stamps: StampWatch::new(index.fact(Fact::RemoteStamp)?.as_deref()),
            listed: None,
            polled_at: None,
            poll_at: None,
            list_at: None,
            mismatches: Mismatches::default(),
            root_missed: 0,
            root_looked_for_at: None,
            missing_root_trusted: false,
            unusable: index.unusable()?,
        })
    }

    /// At the start a folder that was listed before is only asked whether anything changed, unless more must
    /// be known: deletes and moves by other devices need not move the stamp (protocol U-41), and where remote
    /// changes travel to the local side they must not wait for the next listing. `checked_at` is when that
    /// was last done, if that is known.
    pub(in crate::folder) fn start(
        &mut self,
        settings: &FolderSettings,
        checked_at: Option<Timestamp>,
        now: Now,
    ) {
        let age = checked_at.and_then(|time| u64::try_from(now.wall.seconds() - time.seconds()).ok());
        let is_poll_enough = self.known && age.is_some() && !settings.list_at_start && !settings.mode.pulls();
        self.wanted = if is_poll_enough { Wanted::Poll } else { Wanted::Listing };
        if let Some(age) = age {
            let ended = now.monotonic.saturating_sub(Duration::from_secs(age));
            self.listed = Some(Listed { began: ended, ended });
        }
    }

    /// Whether the service gives a stamp.
    pub(in crate::folder) fn has_stamp(&self) -> bool {
        self.stamps.is_there()
    }

    /// Whether the stamp has moved since something was sent, which alone may explain that.
    pub(in crate::folder) fn has_stamp_moved_with_own_work(&self) -> bool {
        self.stamps.has_moved_with_own_work()
    }

    /// When the stamp was last read.
    pub(in crate::folder) fn polled_at(&self) -> Option<Timestamp> {
        self.polled_at
    }

    /// How many entries of the service can be no entry of the folder.
    pub(in crate::folder) fn unusable_entries(&self) -> usize {
        self.unusable.len()
    }

    /// Whether a remote root that is missing may be built anew, because a person said so.
    pub(in crate::folder) fn trust_missing_root(&mut self, is_trusted: bool) {
        self.missing_root_trusted = is_trusted;
    }

    /// When the last complete listing went on.
    pub(in crate::folder) fn listed(&self) -> Option<Listed> {
        self.listed
    }

    /// How long the last complete listing took.
    pub(in crate::folder) fn took(&self) -> Duration {
        self.listed.map_or(Duration::ZERO, |listed| listed.ended.saturating_sub(listed.began))
    }

    /// Whether everything is being listed, or is to be as soon as that is possible.
    pub(in crate::folder) fn is_wanted(&self) -> bool {
        self.running.is_some() || self.wanted == Wanted::Listing
    }

    /// Until when a listing may be put off although the stamp has moved, because something was sent.
    pub(in crate::folder) fn explained_by_own_work_alone_until(&self) -> Option<Duration> {
        self.listed
            .filter(|_| self.stamps.has_moved_with_own_work())
            .map(|listed| listed.ended + OWN_WORK_DELAY)
    }

    /// Reads the stamp soon.
    pub(in crate::folder) fn poll_within(&mut self, delay: Duration, now: Now) {
        let soon = now.monotonic + delay;
        self.poll_at = Some(self.poll_at.map_or(soon, |time| time.min(soon)));
    }

    /// The wall clock was set.
    pub(in crate::folder) fn shift_times(&mut self, seconds: i64) {
        self.polled_at = self.polled_at.map(|time| shifted(time, seconds));
    }

    pub(in crate::folder) fn is_known(&self) -> bool {
        self.known
    }

    /// Whether nothing is asked for or to be asked for. A listing that is due for what the last one may have
    /// left out counts: until then it is known to be incomplete.
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.wanted == Wanted::Nothing
            && self.running.is_none()
            && self.polling.is_none()
            && self.list_at.is_none()
    }

    /// While a listing runs or waits to run nothing may be moved or removed on the service.
    pub(in crate::folder) fn forbids_structure(&self) -> bool {
        self.running.is_some() || self.wanted == Wanted::Listing
    }

    /// Everything is to be listed, as soon as that is possible.
    pub(super) fn is_due(&self) -> bool {
        self.wanted == Wanted::Listing && self.stamp.is_some()
    }

    /// When the running listing was asked for.
    pub(in crate::folder) fn began_at(&self) -> Option<Duration> {
        self.running.as_ref().map(|running| running.began_at)
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn want_poll(&mut self) {
        if self.wanted == Wanted::Nothing {
            self.wanted = Wanted::Poll;
        }
    }

    pub(in crate::folder) fn want_everything(&mut self) {
        self.wanted = Wanted::Listing;
    }

    /// Everything is to be listed at this time, or before.
    pub(super) fn list_by(&mut self, time: Duration) {
        self.list_at = Some(self.list_at.map_or(time, |before| before.min(time)));
    }

    /// An operation met something else than was known, and more than its directory may differ. Where that
    /// happens again and again, the listings come further and further apart, the dearer they are the more so.
    pub(in crate::folder) fn mismatched(&mut self, now: Now) {
        let took = self.took();
        match self.mismatches.list_at(took, now) {
            Some(time) if time <= now.monotonic => self.want_everything(),
            Some(time) => self.list_by(time),
            None => {}
        }
    }

    /// An operation was done at a row.
    pub(in crate::folder) fn worked_on(&mut self, node: NodeId) {
        self.stamps.something_was_sent();
        if let Some(running) = &mut self.running {
            running.touched.insert(node);
        }
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        [self.poll_at, self.list_at, self.root_looked_for_at].into_iter().flatten().min()
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        if self.list_at.is_some_and(|time| time <= now.monotonic) {
            self.list_at = None;
            self.want_everything();
        }
        self.root_looked_for_at = self.root_looked_for_at.filter(|time| *time > now.monotonic);
        if self.poll_at.is_some_and(|time| time <= now.monotonic) {
            self.poll_at = None;
            self.want_poll();
        }
    }
}

impl Folder {
    pub(in crate::folder) fn issue_listing(&mut self, now: Now) {
        if self.listing.running.is_some()
            || self.listing.polling.is_some()
            || self.listing.root_looked_for_at.is_some()
        {
            return;
        }
        match self.listing.wanted {
            Wanted::Nothing => {}
            // The stamp is read before the listing, so that whatever changes meanwhile changes the stamp.
            Wanted::Poll => self.issue_poll(now),
            Wanted::Listing if self.listing.stamp.is_none() => self.issue_poll(now),
            Wanted::Listing => {
                if self.running.values().any(crate::folder::operations::Running::is_structural)
                    || self.confirming.looks() > 0
                {
                    return;
                }
                self.hinting.listed();
                let command = self.issue(Task::ListTree);
                self.listing.wanted = Wanted::Nothing;
                self.listing.list_at = None;
                self.listing.running = Some(RunningListing {
                    command,
                    began_at: now.monotonic,
                    seen: Vec::new(),
                    touched: self.busy.clone(),
                    doubted: BTreeSet::new(),
                    list_again_at: None,
                    way: Vec::new(),
                    unusable: Vec::new(),
                });
            }
        }
    }

    pub(in crate::folder) fn polled(
        &mut self,
        result: Result<String, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        self.listing.polling = None;
        self.listing.poll_at = Some(now.monotonic + self.settings.poll);
        let stamp = match result {
            Ok(stamp) => stamp,
            // A mountpoint that does not exist yet has no stamp; the listing will say so.
            Err(error) if error.kind == RemoteErrorKind::NotFound => String::new(),
            Err(error) => {
                let (Blame::Known(scope) | Blame::Unless(scope)) =
                    scope::of_remote(Asked::Stamp, error.kind, error.retry_after.is_some());
                self.connection.fail(scope, &error, now);
                return Ok(());
            }
        };
        self.connection.succeeded();
        self.listing.polled_at = Some(now.wall);
        if self.listing.wanted == Wanted::Listing {
            self.listing.stamp = Some(stamp);
            return Ok(());
        }
        self.listing.wanted = Wanted::Nothing;
        self.judge_stamp(stamp, now)
    }

    pub(in crate::folder) fn observe_listed(
        &mut self,
        command: CommandId,
        entries: &[ListedEntry],
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
            if let Some(leftover) = self.may_have_left(&entry.path, entry.node, running.began_at)? {
                leftover.above.iter().for_each(|id| running.see(*id));
                self.doubt_listed(&mut running, leftover.directory, leftover.until);
                continue;
            }
            let directory = self.ensure_remote_directory(parent, &mut running)?;
            let made_way =
                self.make_way_for_own_name(directory, name, entry.node, &|node| running.saw(node))?;
            running.follow_respelling(&made_way);
            let node = self.find_for_stored(directory, name, Some(entry.node), &|node| running.saw(node))?;
            if let Some(mut node) = node {
                let mut is_touched = running.touched.contains(&node.id);
                if let Some(until) = self.shows_older(&node, entry.node, running.began_at)? {
                    self.doubt_listed(&mut running, directory, until);
                    is_touched = true;
                } else if is_touched {
                    self.doubt_unjudged(&node, Some(entry.node));
                }
                self.observe_remote(&mut node, name, Some(entry.node), is_touched)?;
                running.see(node.id);
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
            let seen = RemoteNode::Directory;
            let made_way = self.make_way_for_own_name(directory, name, seen, &|node| running.saw(node))?;
            running.follow_respelling(&made_way);
            let found = self
                .find_for_stored(directory, name, Some(RemoteNode::Directory), &|node| running.saw(node))?;
            // Without a name of its own it is filed under the directory above; its content is then reported
            // there.
            if let Some(mut node) = found {
                if !running.saw(node.id) {
                    let is_touched = running.touched.contains(&node.id);
                    self.observe_remote(&mut node, name, Some(RemoteNode::Directory), is_touched)?;
                    running.see(node.id);
                }
                directory = node.id;
            }
            running.way.push((name.clone(), directory));
        }
        Ok(directory)
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
        let seen = seen.map(|seen| RemoteRecord::seen(seen, stored, &node.name));
        if node.remote != seen || node.id == NodeId::NEW {
            let claim = node.remote.take().filter(|remote| remote.claimed);
            let has_arrived =
                claim.as_ref().map(|claim| seen.as_ref().is_some_and(|seen| seen.node == claim.node));
            match (&claim, &seen) {
                (Some(claim), _) if has_arrived == Some(true) => {
                    node.base = Some(node.base_from_claim(claim));
                }
                (Some(claim), _) => self.confirming.give_up(node, claim.node),
                (None, Some(seen)) if self.confirming.take_given_up(node, seen.node) => {
                    node.base = Some(node.base_from_claim(seen));
                }
                (None, _) => {}
            }
            node.remote = seen;
            self.confirming.forget(node.id);
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

    pub(in crate::folder) fn listing_ended(
        &mut self,
        command: CommandId,
        result: Result<Vec<UnusableEntry>, RemoteError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(mut running) = self.listing.running.take_if(|running| running.command == command) else {
            return Ok(());
        };
        let stamp = self.listing.stamp.take();
        match result {
            Ok(unusable) => {
                self.note_unusable(unusable, std::mem::take(&mut running.unusable), now)?;
                self.forgive_directories(running.began_at)?;
                // A person's word holds until the root is there, however often it is listed before.
                self.listing.missing_root_trusted = false;
                self.listing.root_missed = 0;
                if let Some(mut root) = self.index.node(NodeId::ROOT)?
                    && root.remote.is_none()
                {
                    root.remote =
                        Some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
                    self.save_observed(&mut root)?;
                }
                if self.judge_move_by_listing(&|node| running.saw(node), now)? {
                    self.connection.succeeded();
                    self.connection.listed();
                    return Ok(());
                }
                // A second earlier than it was at most, for what rounding does.
                let began = now.wall_at(running.began_at.saturating_sub(Duration::from_secs(1)));
                self.sweep(running, stamp, Some(began), now)
            }
            Err(error) if self.take_missing_place(&error, now) => Ok(()),
            Err(error) if error.kind == RemoteErrorKind::NotFound => {
                if self.index.totals().base_entries > 0 && !self.listing.missing_root_trusted {
                    self.listing.want_everything();
                    // It may have been made a moment ago, and a late service may not show it yet (protocol
                    // U-38).
                    if let Some(delay) = DELAYS.get(self.listing.root_missed) {
                        self.listing.root_missed += 1;
                        self.listing.root_looked_for_at = Some(now.monotonic + *delay);
                        return Ok(());
                    }
                    let reason = "the remote folder is not there any more".to_owned();
                    self.root.hold(reason, Look::Listing, now);
                    return Ok(());
                }
                if let Some(mut root) = self.index.node(NodeId::ROOT)? {
                    root.remote = None;
                    self.save_observed(&mut root)?;
                }
                self.sweep(running, stamp, None, now)
            }
            Err(error) => {
                self.listing.want_everything();
                self.look_failed(Suspected::Listing, &error, now)
            }
        }
    }

    /// All that a complete listing says is known.
    pub(super) fn listing_merged(
        &mut self,
        running: &RunningListing,
        stamp: Option<String>,
        now: Now,
    ) -> Result<(), FolderError> {
        self.root.found_right(Look::Listing);
        self.forget_decision_about(crate::status::HeldRoot::Remote)?;
        if self.purpose == Purpose::Look {
            // What was taken for new may be there, and then its sum tells what becomes of it.
            self.hashing.restart();
        }
        self.connection.succeeded();
        self.connection.listed();
        self.listing.known = true;
        self.listing.listed = Some(Listed { began: running.began_at, ended: now.monotonic });
        let stamp = stamp.unwrap_or_default();
        self.listing.stamps.agreed(&stamp);
        if !running.touched.is_empty() {
            self.listing.stamps.something_was_sent();
        }
        self.proving.listed(running.began_at, now);
        self.index.set_fact(Fact::RemoteStamp, Some(&stamp))?;
        self.index.set_fact(Fact::RemoteCheckedAt, Some(&now.wall.seconds().to_string()))?;
        self.round.restart();
        Ok(())
    }

    /// Until when what is shown at a row may be what was there before something was sent there and seen.
    fn shows_older(
        &self,
        node: &Node,
        seen: RemoteNode,
        looked: Duration,
    ) -> Result<Option<Duration>, FolderError> {
        match &node.remote {
            Some(known) if !known.claimed && known.node != seen => Ok(self.recent_writes.stale_until(
                &self.index.stored_path(node.id)?,
                Some(known.node),
                Some(seen),
                looked,
            )),
            _ => Ok(None),
        }
    }

    /// Until when that a row is not shown may only be late.
    pub(super) fn missing_late_until(
        &self,
        node: &Node,
        asked_at: Duration,
    ) -> Result<Option<Duration>, FolderError> {
        let known = node.remote.as_ref().map(|remote| remote.node);
        if known.is_none() {
            return Ok(None);
        }
        Ok(self.recent_writes.stale_until(&self.index.stored_path(node.id)?, known, None, asked_at))
    }

    /// Whether what a look shows at a path, and nobody knows of, may have left.
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
        for name in path.names() {
            let Some(below) = self.find_on_service(leftover.directory, name)? else {
                return Ok(Some(leftover));
            };
            leftover.directory = below.id;
            leftover.above.push(below.id);
        }
        Ok(None)
    }

    /// The running listing may have shown an older state of a directory, which is looked at again when the
    /// service cannot be late any more. That is noted at once: a respelling or a move takes it along.
    pub(super) fn doubt_listed(&mut self, running: &mut RunningListing, directory: NodeId, until: Duration) {
        if running.doubted.len() < MOST_LOOKS_AGAIN || running.doubted.contains(&directory) {
            running.doubted.insert(directory);
            self.confirming.doubt_until(directory, until);
        } else {
            running.list_again_at = running.list_again_at.max(Some(until));
        }
    }

    /// What a look shows at a row is not taken in, because an operation is at work there or was meanwhile. If
    /// it is something else than what is known, its directory is looked at once more. What is sent is looked
    /// for anyway.
    fn doubt_unjudged(&mut self, node: &Node, shown: Option<RemoteNode>) {
        let is_sent = node.remote.as_ref().is_some_and(|remote| remote.claimed)
            || self.running.values().any(|running| running.node == node.id && running.sends());
        if !is_sent && node.remote.as_ref().map(|remote| remote.node) != shown {
            self.confirming.doubt(node.parent);
        }
    }

    /// Brings the complete listing of one directory into the index.
    pub(super) fn observe_directory(
        &mut self,
        directory: NodeId,
        entries: &[(StoredName, RemoteNode)],
        now: Now,
    ) -> Result<(), FolderError> {
        let mut seen = BTreeSet::new();
        let is_new = self.hinting.looked_into(directory);
        let path = self.index.stored_path(directory)?;
        if path.names().len() >= DEEPEST {
            return Ok(());
        }
        self.backlog.spend(entries.len());
        for (stored, remote) in entries {
            let shown = path.join(stored.clone());
            if let Some(leftover) = self.may_have_left(&shown, *remote, now.monotonic)? {
                self.confirming.doubt_until(directory, leftover.until);
                continue;
            }
            let made_way =
                self.make_way_for_own_name(directory, stored, *remote, &|node| seen.contains(&node))?;
            for (free, other) in made_way {
                if seen.remove(&free) {
                    seen.insert(other);
                }
            }
            let found =
                self.find_for_stored(directory, stored, Some(*remote), &|node| seen.contains(&node))?;
            if let Some(mut node) = found {
                let mut is_busy = self.busy.contains(&node.id);
                if let Some(until) = self.shows_older(&node, *remote, now.monotonic)? {
                    self.confirming.doubt_until(directory, until);
                    is_busy = true;
                } else if is_busy {
                    self.doubt_unjudged(&node, Some(*remote));
                }
                let was_directory = node.remote_entry() == Entry::Directory;
                self.observe_remote(&mut node, stored, Some(*remote), is_busy)?;
                seen.insert(node.id);
                if (is_new || !was_directory) && node.remote_entry() == Entry::Directory {
                    self.hinting.arrived(node.id);
                }
            }
        }
        for mut node in self.index.children(directory)? {
            let judged = !seen.contains(&node.id) && !self.busy.contains(&node.id);
            if judged && node.remote.as_ref().is_some_and(|remote| !remote.claimed) {
                match self.respelled(&node, &|id| seen.contains(&id))? {
                    Some(respelled) => drop(self.respell(respelled, node.id)?),
                    None if self.may_hide_parked(&node, now)? || self.awaits_inside(&node)? => {
                        self.confirming.doubt_until(directory, now.monotonic + PATIENCE);
                        self.contest(&node, &|id| seen.contains(&id))?;
                    }
                    None => match self.missing_late_until(&node, now.monotonic)? {
                        Some(until) => {
                            self.confirming.doubt_until(directory, until);
                            self.contest(&node, &|id| seen.contains(&id))?;
                        }
                        None => self.remote_vanished(&mut node)?,
                    },
                }
            }
        }
        self.review_contests()
    }

    /// The remote entry is gone, with everything below it but what is being sent there right now.
    pub(in crate::folder) fn remote_vanished(&mut self, node: &mut Node) -> Result<(), FolderError> {
        self.change_below(node.id, Change::RemoteGone)?;
        node.remote = None;
        self.save_observed(node)
    }
}

/// Whether no local file can have the name that this one stands for.
fn has_no_local_name(stored: &StoredName) -> bool {
    matches!(decode_name(stored), DecodedName::Unrepresentable(_))
}
