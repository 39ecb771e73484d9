//! The mountpoint's stamp: what it can tell, and what a move of it may come from.
//!
//! One that is as it was says little: deletes and moves need not move it (protocol U-41). One that moved
//! means that somebody changed something, if only we ourselves. Beside events that are heard without a gap it
//! shows whether any was missed.

use std::time::Duration;

use super::listing::Wanted;
use crate::event::Task;
use crate::folder::{Folder, FolderError};
use crate::index::Fact;
use crate::time::Now;

/// A stamp that moved although no change was told is read once more after this time: what is told may be
/// late.
const TELLING_DELAY: Duration = Duration::from_secs(5);

/// What is known of the stamp and of what moves it.
#[derive(Debug, Default)]
pub(in crate::folder) struct StampWatch {
    /// The one that everything was found to agree with is there, and not empty.
    is_there: bool,
    /// When it was last asked for, and how many changes had been told by then.
    asked_at: Duration,
    told_at_asking: u64,
    /// How many changes were told, and how many of them the last stamp that agreed was after.
    told: u64,
    told_at_stamp: u64,
    /// One that moved although no change was told is being read once more.
    awaits_telling: bool,
    own_work: OwnWork,
}

/// Whether something was sent since the last listing or stamp that agreed. That explains nothing, but is no
/// reason to hurry.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum OwnWork {
    #[default]
    None,
    Sent,
    /// And the stamp has moved since.
    SentAndMoved,
}

impl StampWatch {
    /// `known` is the one that everything agreed with in an earlier run.
    pub(in crate::folder) fn new(known: Option<&str>) -> Self {
        Self { is_there: known.is_some_and(|stamp| !stamp.is_empty()), ..Self::default() }
    }

    /// Whether it can tell that something changed.
    pub(in crate::folder) fn is_there(&self) -> bool {
        self.is_there
    }

    /// A change was told that may have moved it.
    pub(in crate::folder) fn change_was_told(&mut self) {
        self.told += 1;
    }

    /// Something was sent.
    pub(super) fn something_was_sent(&mut self) {
        if self.own_work == OwnWork::None {
            self.own_work = OwnWork::Sent;
        }
    }

    /// Whether it has moved, and what was sent is all that is known to have moved it.
    pub(in crate::folder) fn has_moved_with_own_work(&self) -> bool {
        self.own_work == OwnWork::SentAndMoved
    }

    /// Everything agrees with this one.
    pub(super) fn agreed(&mut self, stamp: &str) {
        self.is_there = !stamp.is_empty();
        self.told_at_stamp = self.told_at_asking;
        self.awaits_telling = false;
        self.own_work = OwnWork::None;
    }
}

impl Folder {
    pub(super) fn issue_poll(&mut self, now: Now) {
        self.listing.stamps.asked_at = now.monotonic;
        self.listing.stamps.told_at_asking = self.listing.stamps.told;
        self.listing.polling = Some(self.issue(Task::Poll));
    }

    /// What a stamp means that was asked for to learn whether anything changed.
    pub(super) fn judge_stamp(&mut self, stamp: String, now: Now) -> Result<(), FolderError> {
        let asked = self.listing.stamps.asked_at;
        let has_moved = self.index.fact(Fact::RemoteStamp)?.as_deref() != Some(stamp.as_str());
        let is_listening = self.hints.listening_since().is_some();
        // Only since a listing that began after the first word are those that were told all that there were.
        let is_told = self.is_heard() && self.listing.stamps.told > self.listing.stamps.told_at_stamp;
        if !has_moved || is_told {
            self.index.set_fact(Fact::RemoteStamp, Some(&stamp))?;
            self.listing.stamps.agreed(&stamp);
            self.stamp_agrees(asked, now);
        } else if is_listening && !self.listing.stamps.awaits_telling {
            self.listing.stamps.awaits_telling = true;
            self.listing.poll_within(TELLING_DELAY, now);
        } else if self.listing.stamps.own_work != OwnWork::None && self.listing.listed().is_some() {
            self.listing.stamps.own_work = OwnWork::SentAndMoved;
            self.own_work_explains(asked, now);
        } else {
            self.listing.wanted = Wanted::Listing;
            self.listing.stamp = Some(stamp);
        }
        Ok(())
    }
}
