//! What the service has: the recursive listing, and the cheap poll that says whether one is due.

use std::collections::BTreeMap;
use std::time::Duration;

use jottad_core::staleness::RECHECK_DELAYS;
use jottad_core::{StoredName, Timestamp};

use super::connection::Suspected;
use super::merging::Answer;
use super::mismatches::Mismatches;
use super::stamp::StampWatch;
use crate::event::{CommandId, Task};
use crate::folder::clock::shifted;
use crate::folder::local::root::Look;
use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Fact, Index, NodeId, RemoteRecord};
use crate::remote::{RemoteError, RemoteErrorKind, RemoteNode, UnusableEntry};
use crate::scope::{self, Asked, Blame};
use crate::settings::FolderSettings;
use crate::time::Now;

/// A stamp that moved while something was sent leads to a listing at the latest so long after the last one.
const OWN_WORK_DELAY: Duration = Duration::from_hours(1);
/// So many entries that cannot be used are told; one name that is wrong is mostly one of many.
pub(super) const MOST_UNUSABLE: usize = 100;

/// The state of the remote tree's observation.
#[derive(Debug)]
pub(in crate::folder) struct Listing {
    /// A complete listing was merged at some time, so absences are known.
    known: bool,
    pub(super) wanted: Wanted,
    pub(super) running: Option<RunningListing>,
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

/// When the last complete listing went on.
#[derive(Debug, Clone, Copy)]
pub(in crate::folder) struct Listed {
    pub(in crate::folder) began: Duration,
    pub(in crate::folder) ended: Duration,
}

#[derive(Debug)]
pub(super) struct RunningListing {
    pub(super) command: CommandId,
    pub(super) answer: Answer,
    /// The way to the directory of the last entry of this batch, from the root down: most of it is that of
    /// the next as well.
    pub(super) way: Vec<(StoredName, NodeId)>,
    /// What it showed that can have no row.
    pub(super) unusable: Vec<UnusableEntry>,
}

impl Listing {
    /// Whether the folder is held because the remote root was looked for in vain.
    pub(in crate::folder) fn is_held_for_root(&self) -> bool {
        self.root_missed >= RECHECK_DELAYS.len()
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
        self.running.as_ref().map(|running| running.answer.asked_at)
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

    /// What was seen at the first row of a pair is at the second one by now, also what the running listing has
    /// shown so far (`sync` 61000886 with `--refusals --doubts`).
    pub(in crate::folder) fn refiled(&mut self, moved: &[(NodeId, NodeId)]) {
        if let Some(running) = &mut self.running {
            running.answer.follow(moved);
        }
    }

    /// An operation was done at a row.
    pub(in crate::folder) fn worked_on(&mut self, node: NodeId) {
        self.stamps.something_was_sent();
        if let Some(running) = &mut self.running {
            running.answer.touched.insert(node);
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
                if self.in_flight.has_structural() || self.rechecks.looks() > 0 {
                    return;
                }
                self.hints.listed();
                let command = self.issue(Task::ListTree);
                self.listing.wanted = Wanted::Nothing;
                self.listing.list_at = None;
                self.listing.running = Some(RunningListing {
                    command,
                    answer: Answer::of_tree(now.monotonic),
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
                self.forgive_directories(running.answer.asked_at)?;
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
                if self.judge_moves_by_listing(&|node| running.answer.saw(node), now)? {
                    self.connection.succeeded();
                    self.connection.listed();
                    return Ok(());
                }
                // A second earlier than it was at most, for what rounding does.
                let began = now.wall_at(running.answer.asked_at.saturating_sub(Duration::from_secs(1)));
                self.sweep(running, stamp, Some(began), now)
            }
            Err(error) if self.take_missing_place(&error, now) => Ok(()),
            Err(error) if error.kind == RemoteErrorKind::NotFound => {
                if self.index.totals().base_entries > 0 && !self.listing.missing_root_trusted {
                    self.listing.want_everything();
                    // It may have been made a moment ago, and a late service may not show it yet (protocol
                    // U-38).
                    if let Some(delay) = RECHECK_DELAYS.get(self.listing.root_missed) {
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
            // What was taken for new may be there, and then its hash tells what becomes of it.
            self.hashing.restart();
        }
        self.connection.succeeded();
        self.connection.listed();
        self.listing.known = true;
        self.listing.listed = Some(Listed { began: running.answer.asked_at, ended: now.monotonic });
        let stamp = stamp.unwrap_or_default();
        self.listing.stamps.agreed(&stamp);
        if !running.answer.touched.is_empty() {
            self.listing.stamps.something_was_sent();
        }
        self.proving.listed(running.answer.asked_at, now);
        self.index.set_fact(Fact::RemoteStamp, Some(&stamp))?;
        self.index.set_fact(Fact::RemoteCheckedAt, Some(&now.wall.seconds().to_string()))?;
        self.round.restart();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
