//! The proof: as of when both sides are known to agree, and on what evidence.
//!
//! There are two sorts of evidence. A complete listing shows the whole service. And where the service has
//! told of every change since so long before such a listing that it cannot have been too late to show what
//! came before, a change stamp that is there and agrees shows that nothing was missed; one that moved agrees
//! only if changes were told of. That something was sent explains nothing: others may have done more.
//!
//! Evidence becomes a proof when all that it brought about is settled, and when the path of the local root
//! was looked at after it and leads to where it led before.
//!
//! A change that was heard of after the moment of the last proof has outdated that: until there is a newer
//! one the folder is not said to be in sync, even if all that was found is done.

use std::time::Duration;

use jottad_core::Timestamp;
use jottad_core::staleness::STALENESS_WINDOW;

use super::clock::shifted;
use super::{Folder, FolderError, Purpose};
use crate::index::{Fact, Index};
use crate::planted::{self, Planted};
use crate::settings::{FolderSettings, ProofInterval};
use crate::status::Heard;
use crate::time::Now;

/// How soon after changes were settled the stamp is read, where that renews the proof. Many changes share one
/// look.
const FRESHEN: Duration = Duration::from_secs(5);

/// Where no stamp can renew an outdated proof, everything is listed so many times as often as it would be
/// otherwise, and at the latest so long after the last listing.
const HURRY: u32 = 6;
const LONGEST_OUTDATED: Duration = Duration::from_hours(1);

/// A proof that was had in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// They are counted.
    pub number: u64,
    /// Whatever others did before this moment was seen; on the clock of [`crate::Now::monotonic`].
    pub covers: Duration,
    /// When the last complete listing began: what a late service did not show in it may still be unseen.
    pub listed: Duration,
}

/// How much older than itself what a listing shows may be.
fn staleness_window_of_a_listing() -> Duration {
    if planted::is(Planted::LateListingProves) { Duration::ZERO } else { STALENESS_WINDOW }
}

/// What was found, and is not yet a proof.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    /// As of when it holds, for people.
    as_of: Duration,
    /// Whatever others did before is in it.
    covers: Duration,
    /// When it was complete.
    had: Duration,
}

/// What is known of the proof.
#[derive(Debug, Default)]
pub(super) struct Proving {
    evidence: Option<Evidence>,
    /// When the last scan of everything ended.
    scanned: Option<Duration>,
    last: Option<Proof>,
    /// As of when the last proof of this run holds.
    proven: Option<Duration>,
    /// When a word of a local change last came.
    local_word: Option<Duration>,
    /// When a change was last heard of that turned out to be one, if no proof holds as of later.
    changed: Option<Duration>,
    /// When a person last asked for everything to be looked at, or the run began.
    asked: Duration,
    /// As of when all that there was when that was asked is done, whatever has changed since.
    caught_up: Option<Timestamp>,
}

impl Proving {
    /// Everything was listed, from `began` until now.
    pub(super) fn listed(&mut self, began: Duration, now: Now) {
        self.evidence = Some(Evidence { as_of: now.monotonic, covers: began, had: now.monotonic });
    }

    /// A stamp that was asked for at `asked` agreed, while every change is told.
    fn heard(&mut self, asked: Duration, now: Now) {
        self.evidence = Some(Evidence { as_of: asked, covers: asked, had: now.monotonic });
    }

    /// Everything local was scanned.
    pub(super) fn scanned(&mut self, now: Now) {
        self.scanned = Some(now.monotonic);
    }

    /// What was found is worth nothing any more.
    pub(super) fn discard(&mut self) {
        self.evidence = None;
    }

    /// Somebody told that something may have changed locally.
    pub(super) fn local_word_came(&mut self, now: Now) {
        self.local_word = Some(now.monotonic);
    }

    /// Everything is to be looked at, because a person asked for it or the run begins.
    pub(super) fn request_came(&mut self, now: Now) {
        self.asked = now.monotonic;
        self.caught_up = None;
    }

    /// As of when all that there was when a person last asked, or the run began, is done.
    pub(super) fn caught_up_at(&self) -> Option<Timestamp> {
        self.caught_up
    }

    /// The wall clock was set.
    pub(super) fn shift_times(&mut self, seconds: i64) {
        self.caught_up = self.caught_up.map(|time| shifted(time, seconds));
    }

    /// Whether a change was heard of after the moment of the last proof.
    fn is_outdated(&self) -> bool {
        self.changed.is_some_and(|changed| self.proven.is_none_or(|proven| proven < changed))
    }
}

impl Folder {
    /// The last proof of this run.
    pub fn last_proof(&self) -> Option<Proof> {
        self.proving.last
    }

    /// Whether every change on the service since before the last complete listing is known to have been told,
    /// and a stamp can show whether that is so.
    ///
    /// A listing may be late (protocol U-38): one that began right after the first word may have missed what
    /// came before that word, which nobody tells. One that began later has not.
    pub(super) fn is_heard(&self) -> bool {
        let word = self.hints.listening_since();
        let listed = self.listing.listed();
        self.listing.has_stamp()
            && (word.zip(listed))
                .is_some_and(|(word, listed)| word + staleness_window_of_a_listing() <= listed.began)
    }

    /// Where changes travel to the local side, everything is listed once more as soon as a listing shows all
    /// that came before the first word.
    fn listing_after_first_word_due(&self) -> Option<Duration> {
        let word = self.hints.listening_since().filter(|_| self.settings.mode.pulls())?;
        let due = word + STALENESS_WINDOW;
        self.listing.listed().is_none_or(|listed| listed.began < due).then_some(due)
    }

    /// How others' changes are noticed now.
    pub(super) fn heard(&self) -> Option<Heard> {
        if self.purpose != Purpose::Work || !self.connection.is_open() || self.paused.is_some() {
            None
        } else if self.hints.listening_since().is_some() {
            Some(Heard::Events)
        } else {
            Some(Heard::Polls(self.proof_interval()))
        }
    }

    /// How long after a complete listing the next one is due.
    pub(super) fn proof_interval(&self) -> Duration {
        let entries = self.index.totals().base_entries;
        let interval = self.settings.proof.after(entries, self.listing.took(), self.settings.poll);
        match self.settings.proof {
            ProofInterval::Auto if self.is_heard() => interval.max(self.settings.list),
            _ => interval,
        }
    }

    /// When everything is to be listed for the sake of the proof; `None` while that is under way or wanted
    /// already.
    pub(super) fn proof_due(&self) -> Option<Duration> {
        let listed = self.listing.listed().filter(|_| !self.listing.is_wanted())?;
        let moved = self.listing.explained_by_own_work_alone_until();
        let interval = self.proof_interval();
        let is_hurried = self.settings.proof == ProofInterval::Auto
            && self.proving.is_outdated()
            && (!self.is_heard() || self.listing.has_stamp_moved_with_own_work())
            && self.is_settled();
        // One listing is to serve both: to renew the proof, and to show what came before the first word.
        let heard_from = self.hints.listening_since().map_or(Duration::ZERO, |word| word + STALENESS_WINDOW);
        let hurried = is_hurried
            .then(|| listed.ended.saturating_add((interval / HURRY).min(LONGEST_OUTDATED)).max(heard_from));
        let regular = listed.ended.saturating_add(interval);
        [moved, self.listing_after_first_word_due(), hurried].into_iter().flatten().chain([regular]).min()
    }

    /// A run begins: whether a change was heard of before it that nothing was proven after, is known from the
    /// index.
    pub(super) fn take_up_proof(&mut self, now: Now) -> Result<(), FolderError> {
        self.proving.request_came(now);
        // What changed while nothing ran is heard of now.
        self.proving.local_word_came(now);
        if is_proof_outdated(&self.index)? {
            self.proving.changed = Some(now.monotonic);
        }
        Ok(())
    }

    /// Something was found to have changed of which word came at a time.
    pub(super) fn change_was_heard(&mut self, word: Duration) -> Result<(), FolderError> {
        self.proving.changed = self.proving.changed.max(Some(word));
        if self.proving.is_outdated() {
            self.index.set_fact(Fact::OutdatedProof, Some("1"))?;
        }
        Ok(())
    }

    /// Something local was found to have changed.
    pub(super) fn local_change_was_found(&mut self) -> Result<(), FolderError> {
        match self.proving.local_word {
            Some(word) => self.change_was_heard(word),
            None => Ok(()),
        }
    }

    /// Looks at everything when the time for it has come.
    pub(super) fn prove_in_time(&mut self, now: Now) {
        if self.proof_due().is_some_and(|due| due <= now.monotonic) {
            self.listing.want_everything();
            if !self.settings.watched {
                self.root.doubt();
                self.scanning.want_everything();
            }
        }
    }

    /// A stamp has come that is as it was, or that changes which were told have moved.
    pub(super) fn stamp_agrees(&mut self, asked: Duration, now: Now) {
        if self.is_heard() || planted::is(Planted::StampProves) {
            self.proving.heard(asked, now);
        }
    }

    /// A stamp has moved while something was sent.
    pub(super) fn own_work_explains(&mut self, asked: Duration, now: Now) {
        if planted::is(Planted::OwnWorkExplains) {
            self.proving.heard(asked, now);
        }
    }

    /// Notes as of when all three trees agree, once there is nothing left to do about what was found.
    pub(super) fn prove(&mut self, now: Now) -> Result<(), FolderError> {
        if self.purpose == Purpose::Look || !self.is_settled_but_for_what_keeps_changing() {
            return Ok(());
        }
        let is_settled = self.is_settled();
        if is_settled {
            let is_news = self.round.take_unproven();
            let is_outdated = self.proving.is_outdated() && !self.listing.has_stamp_moved_with_own_work();
            if (is_news || is_outdated) && self.is_heard() {
                self.listing.poll_within(FRESHEN, now);
            }
        }
        let Some(Evidence { as_of, covers, had }) = self.proving.evidence else { return Ok(()) };
        let unchecked = self.root.asked_at().is_none_or(|asked| asked < had);
        if unchecked && !planted::is(Planted::RootPathUnchecked) {
            self.root.doubt();
            self.check_root(now);
            return Ok(());
        }
        // What nothing hints at was last seen by a scan.
        let scanned = self.proving.scanned.filter(|_| !self.settings.watched);
        let held_as_of = scanned.map_or(as_of, |scanned| as_of.min(scanned));
        let done_as_of = self.resending.sent_as_of(now).map_or(held_as_of, |sent| sent.min(held_as_of));
        if done_as_of >= self.proving.asked {
            self.proving.caught_up = self.proving.caught_up.max(Some(now.wall_at(done_as_of)));
        }
        if !is_settled || self.waits_for_room()? {
            return Ok(());
        }
        self.proving.evidence = None;
        self.proving.proven = self.proving.proven.max(Some(held_as_of));
        if !self.proving.is_outdated() {
            self.proving.changed = None;
            self.index.set_fact(Fact::OutdatedProof, None)?;
        }
        let as_of = now.wall_at(held_as_of).seconds();
        if self.index.number(Fact::ProvenAt)?.is_none_or(|before| before < as_of) {
            self.index.set_fact(Fact::ProvenAt, Some(&as_of.to_string()))?;
        }
        let number = self.proving.last.map_or(0, |last| last.number) + 1;
        self.proving.last = Some(Proof {
            number,
            covers,
            listed: self.listing.listed().map_or(covers, |listed| listed.began),
        });
        self.forget_decision()?;
        self.verifying.proven();
        Ok(())
    }
}

/// How long after a scan of everything the next one is due. Where no event tells of local changes, a
/// proof is as old as the last scan, so that is as often as a scan costs little.
pub(super) fn scan_interval(index: &Index, settings: &FolderSettings) -> Duration {
    if settings.watched {
        return settings.scan;
    }
    let entries = index.totals().base_entries;
    let interval = settings.proof.after(entries, Duration::ZERO, settings.poll);
    interval.min(settings.scan)
}

/// Whether a change was heard of after the moment of the last proof, in this run or an earlier one.
pub(super) fn is_proof_outdated(index: &Index) -> Result<bool, FolderError> {
    Ok(index.fact(Fact::OutdatedProof)?.is_some())
}
