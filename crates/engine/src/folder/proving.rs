//! The proof: as of when both sides are known to agree, and on what evidence.
//!
//! There are two sorts of evidence. A complete listing shows the whole service. And where the service has
//! told of every change since so long before such a listing that it cannot have been too late to show what
//! came before, a change stamp that is there and agrees shows that nothing was missed; one that moved agrees
//! only if changes were told of. That something was sent explains nothing: others may have done more.
//!
//! Evidence becomes a proof when all that it brought about is settled, and when the path of the local root
//! was looked at after it and leads to where it led before.

use std::time::Duration;

use jottad_core::lateness::PATIENCE;

use super::{Folder, FolderError, Purpose};
use crate::index::Fact;
use crate::planted::{self, Planted};
use crate::settings::ProofInterval;
use crate::status::Heard;
use crate::time::Now;

/// How soon after changes were settled the stamp is read, where that renews the proof. Many changes share one
/// look.
const FRESHEN: Duration = Duration::from_secs(5);

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
fn lateness_of_a_listing() -> Duration {
    if planted::is(Planted::LateListingProves) { Duration::ZERO } else { PATIENCE }
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
        let word = self.hinting.listening_since();
        let listed = self.listing.listed();
        self.listing.stamps.is_there()
            && (word.zip(listed)).is_some_and(|(word, listed)| word + lateness_of_a_listing() <= listed.began)
    }

    /// Where changes travel to the local side, everything is listed once more as soon as a listing shows all
    /// that came before the first word.
    fn listing_after_first_word_due(&self) -> Option<Duration> {
        let word = self.hinting.listening_since().filter(|_| self.settings.mode.pulls())?;
        let due = word + PATIENCE;
        self.listing.listed().is_none_or(|listed| listed.began < due).then_some(due)
    }

    /// How others' changes are noticed now.
    pub(super) fn heard(&self) -> Option<Heard> {
        if self.purpose != Purpose::Work || !self.connection.is_open() || self.paused.is_some() {
            None
        } else if self.hinting.listening_since().is_some() {
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

    /// How long after a scan of everything the next one is due. Where no event tells of local changes, a
    /// proof is as old as the last scan, so that is as often as a scan costs little.
    pub(super) fn scan_interval(&self) -> Duration {
        if self.settings.watched {
            return self.settings.scan;
        }
        let entries = self.index.totals().base_entries;
        let interval = self.settings.proof.after(entries, Duration::ZERO, self.settings.poll);
        interval.min(self.settings.scan)
    }

    /// When everything is to be listed for the sake of the proof; `None` while that is under way or wanted
    /// already.
    pub(super) fn proof_due(&self) -> Option<Duration> {
        let listed = self.listing.listed().filter(|_| !self.listing.is_wanted())?;
        let moved = self.listing.explained_by_own_work_alone_until();
        let regular = listed.ended.saturating_add(self.proof_interval());
        [moved, self.listing_after_first_word_due()].into_iter().flatten().chain([regular]).min()
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
        if self.purpose == Purpose::Look || !self.is_settled() {
            return Ok(());
        }
        if self.round.take_unproven() && self.is_heard() {
            self.listing.poll_within(FRESHEN, now);
        }
        let Some(Evidence { as_of, covers, had }) = self.proving.evidence else { return Ok(()) };
        let unchecked = self.root.asked_at().is_none_or(|asked| asked < had);
        if unchecked && !planted::is(Planted::RootPathUnchecked) {
            self.root.doubt();
            self.check_root(now);
            return Ok(());
        }
        self.proving.evidence = None;
        // What nothing hints at was last seen by a scan.
        let scanned = self.proving.scanned.filter(|_| !self.settings.watched);
        let as_of = now.wall_at(scanned.map_or(as_of, |scanned| as_of.min(scanned))).seconds();
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
