//! What several verdicts amount to, and when one is final for somebody who waits.

use std::time::Duration;

use jottad_core::Timestamp;
use jottad_engine::{Verdict, since_boot};
use tokio::time::Instant;

use crate::api::documents::{FolderDocument, HeldStatus, StatusDocument, Time};
use crate::cli::output::now;

/// How long the service must be out of reach before somebody who waits is told so: networks come and go.
pub(super) const LONGEST_OUTAGE: Duration = Duration::from_secs(30);

/// That what somebody waited for is done, although the verdict is `working`.
pub(crate) const OUTRUN: &str = "what was there when you asked is in sync; something has changed since";

/// So long somebody waits for the verdict on what was noticed since, if all that was asked about is done:
/// mostly it is word of jottad's own downloads, or of the very change that was asked about, after which both
/// sides are compared once more. What changes all the time is not waited for.
const GRACE: Duration = Duration::from_secs(5);

/// Pauses between two looks at a status, for somebody who waits.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The worst verdict; without any, nothing is proven.
pub(crate) fn overall(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.min().unwrap_or(Verdict::Working)
}

/// Decides when waiting has come to an end.
#[derive(Debug)]
pub(crate) struct Patience {
    since: Since,
    began: Option<Instant>,
    outage: Option<Instant>,
    /// Since when all that was asked about is done, and something else was noticed since.
    outrun: Option<Instant>,
}

impl Patience {
    /// Waits for what is newer than a time.
    pub(crate) fn since(since: Timestamp) -> Self {
        Self { since: Since { time: since, ahead: ahead() }, began: None, outage: None, outrun: None }
    }

    /// Looks at a status; tells whether every folder has come to where it will not get on without a person,
    /// or is proven.
    pub(crate) fn judge(&mut self, status: &StatusDocument, now: Instant) -> bool {
        if status.folders.is_empty() {
            return true;
        }
        let (mut unreachable, mut is_outrun) = (false, false);
        let settled = status.folders.iter().all(|folder| match folder.verdict.0 {
            Verdict::InSync if self.is_fresh(folder) => true,
            // One entry that cannot be synced, or deletes that wait: everything else must be done first.
            Verdict::Problems | Verdict::Held if folder.settled == Some(true) => self.is_fresh(folder),
            Verdict::Held if folder.held.as_ref().is_none_or(HeldStatus::is_of_everything) => true,
            // The hold is told first, and hides that the rest does not get on either.
            Verdict::Held if folder.trouble.is_some() && folder.transfers.is_empty() => {
                unreachable = true;
                true
            }
            _ if self.has_caught_up(folder) => {
                is_outrun |= folder.verdict.0 == Verdict::Working;
                true
            }
            // The service answers and does not do what is asked, again and again: nothing can be proven.
            Verdict::Problems if folder.only_failures_left == Some(true) => true,
            Verdict::LoginNeeded | Verdict::Paused => true,
            Verdict::Offline | Verdict::Stalled => {
                unreachable = true;
                true
            }
            Verdict::Held | Verdict::Problems | Verdict::Working | Verdict::InSync => false,
        });
        if settled && is_outrun && now.duration_since(*self.outrun.get_or_insert(now)) < GRACE {
            return false;
        }
        if !unreachable {
            self.outage = None;
            return settled;
        }
        let began = *self.outage.get_or_insert(now);
        settled && now.duration_since(began) >= LONGEST_OUTAGE
    }

    /// How long to wait before the next look: a tenth of what was waited so far, so that nobody waits much
    /// longer than the work takes, and long work is not looked at all the time.
    pub(crate) fn pause(&mut self, now: Instant) -> Duration {
        let waited = now.duration_since(*self.began.get_or_insert(now));
        (waited / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Whether nothing was in the way of what was waited for, although the verdict is about what has changed
    /// since.
    pub(crate) fn is_only_outrun(&self, status: &StatusDocument) -> bool {
        status.verdict.0 == Verdict::Working
            && status.folders.iter().all(|folder| match folder.verdict.0 {
                Verdict::InSync => self.is_fresh(folder) || self.has_caught_up(folder),
                Verdict::Working => self.has_caught_up(folder),
                _ => false,
            })
    }

    /// Whether everything that there was when it was asked for is done and seen to be. What changes all the
    /// time is nothing to wait for.
    fn has_caught_up(&self, folder: &FolderDocument) -> bool {
        matches!(folder.verdict.0, Verdict::InSync | Verdict::Working | Verdict::Problems | Verdict::Held)
            && folder.caught_up_at.is_some_and(|Time(time)| time >= self.since.by_the_clock(ahead()))
    }

    fn is_fresh(&self, folder: &FolderDocument) -> bool {
        folder.proven_at.is_some_and(|Time(proven)| proven >= self.since.by_the_clock(ahead()))
    }
}

/// A moment by the wall clock, which somebody may set while it is waited for.
#[derive(Debug, Clone, Copy)]
struct Since {
    time: Timestamp,
    /// How far the wall clock was ahead of the one that is never set.
    ahead: i64,
}

impl Since {
    /// The same moment by the clock as it goes now. The daemon moves its own times along, too.
    fn by_the_clock(self, ahead: i64) -> Timestamp {
        let jump = ahead.saturating_sub(self.ahead);
        // Less is how seconds are rounded. After a jump that may make a proof look older than it is.
        let moved = if jump.unsigned_abs() < 3 { 0 } else { jump.saturating_sub(3) };
        Timestamp::from_seconds(self.time.seconds().saturating_add(moved))
    }
}

/// How far the wall clock is ahead of the one that is never set, in seconds.
fn ahead() -> i64 {
    now().seconds().saturating_sub_unsigned(since_boot().as_secs())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::api) fn status(folders: &[(Verdict, i64)]) -> StatusDocument {
        let folder = |(verdict, proven): &(Verdict, i64)| FolderDocument {
            settled: Some(*verdict == Verdict::InSync),
            only_failures_left: None,
            proven_at: Some(Time(Timestamp::from_seconds(*proven))),
            problems: Some(0),
            ..FolderDocument::new("docs", "/d".into(), "Jotta/Archive/d".into(), "backup", *verdict)
        };
        StatusDocument::of(folders.iter().map(folder).collect())
    }

    #[test]
    fn the_worst_folder_decides() {
        let worst = overall([Verdict::InSync, Verdict::Problems, Verdict::Working].into_iter());
        assert_eq!(worst, Verdict::Problems);
        assert_eq!(overall(std::iter::empty()), Verdict::Working);
    }

    #[test]
    fn an_old_proof_ends_no_waiting() {
        let now = Instant::now();
        let mut patience = Patience::since(Timestamp::from_seconds(100));
        assert!(!patience.judge(&status(&[(Verdict::InSync, 99)]), now));
        assert!(patience.judge(&status(&[(Verdict::InSync, 100)]), now));
        assert!(!patience.judge(&status(&[(Verdict::InSync, 100), (Verdict::Working, 0)]), now));
        assert!(patience.judge(&status(&[(Verdict::InSync, 100), (Verdict::Held, 0)]), now));
    }

    #[test]
    fn what_changes_all_the_time_makes_nobody_wait() {
        let now = Instant::now();
        for (verdict, caught_up, ends, is_outrun) in [
            (Verdict::Working, None, false, false),
            (Verdict::Working, Some(99), false, false),
            (Verdict::Working, Some(100), true, true),
            (Verdict::InSync, Some(100), true, false),
            // One entry that cannot be synced is told, whatever else changes.
            (Verdict::Problems, Some(100), true, false),
            (Verdict::Held, Some(100), true, false),
            (Verdict::Stalled, Some(100), false, false),
        ] {
            let mut status = status(&[(verdict, 0)]);
            let folder = &mut status.folders[0];
            folder.settled = Some(false);
            folder.caught_up_at = caught_up.map(|time| Time(Timestamp::from_seconds(time)));
            folder.held = (verdict == Verdict::Held).then(|| HeldStatus {
                kind: "deletes".to_owned(),
                reason: String::new(),
                choices: Vec::new(),
            });
            let mut patience = Patience::since(Timestamp::from_seconds(100));
            let case = format!("{verdict:?} {caught_up:?}");
            // Word of what was just done locally is over in a moment.
            assert_eq!(patience.judge(&status, now), ends && !is_outrun, "{case}");
            assert_eq!(patience.judge(&status, now + GRACE), ends, "{case}");
            assert_eq!(patience.is_only_outrun(&status), is_outrun, "{case}");
        }
    }

    #[test]
    fn a_clock_that_is_set_does_not_make_anybody_wait() {
        let since = Since { time: Timestamp::from_seconds(10_000), ahead: 5_000 };
        for (jump, latest) in [(0, 10_000), (1, 10_000), (-2, 10_000), (-3_600, 6_397), (86_400, 96_397)] {
            let moved = since.by_the_clock(5_000 + jump);
            assert_eq!(moved, Timestamp::from_seconds(latest), "{jump}");
        }
    }

    #[test]
    fn what_cannot_be_done_ends_waiting_only_when_the_rest_is_done() {
        let now = Instant::now();
        let held = |kind: &str| {
            Some(HeldStatus { kind: kind.to_owned(), reason: String::new(), choices: Vec::new() })
        };
        for (verdict, held, settled, expected) in [
            (Verdict::Problems, None, Some(false), false),
            (Verdict::Problems, None, Some(true), true),
            (Verdict::Held, held("deletes"), Some(false), false),
            (Verdict::Held, held("deletes"), Some(true), true),
            // Without its root nothing of the folder can be done.
            (Verdict::Held, held("root"), Some(false), true),
            (Verdict::Held, held("root"), None, true),
            (Verdict::Held, held("place"), Some(false), true),
        ] {
            let mut status = status(&[(verdict, 100)]);
            let case = format!("{verdict:?} {held:?} {settled:?}");
            (status.folders[0].held, status.folders[0].settled) = (held, settled);
            let mut patience = Patience::since(Timestamp::from_seconds(100));
            assert_eq!(patience.judge(&status, now), expected, "{case}");
        }
    }

    #[test]
    fn failures_that_keep_everything_from_being_proven_end_waiting() {
        for (verdict, only_failures_left, expected) in [
            (Verdict::Problems, Some(true), true),
            (Verdict::Problems, Some(false), false),
            (Verdict::Problems, None, false),
            (Verdict::Working, Some(true), false),
        ] {
            let mut status = status(&[(verdict, 0)]);
            status.folders[0].only_failures_left = only_failures_left;
            let mut patience = Patience::since(Timestamp::from_seconds(100));
            let case = format!("{verdict:?} {only_failures_left:?}");
            assert_eq!(patience.judge(&status, Instant::now()), expected, "{case}");
        }
    }

    #[test]
    fn deletes_that_wait_do_not_hide_that_the_service_cannot_be_reached() {
        let start = Instant::now();
        for (trouble, waited, expected) in
            [(None, 3_600, false), (Some("no connection"), 0, false), (Some("no connection"), 30, true)]
        {
            let mut status = status(&[(Verdict::Held, 0)]);
            let reason = "30 entries would be deleted at once".to_owned();
            status.folders[0].held =
                Some(HeldStatus { kind: "deletes".to_owned(), reason, choices: Vec::new() });
            status.folders[0].trouble = trouble.map(str::to_owned);
            let mut patience = Patience::since(Timestamp::from_seconds(100));
            patience.judge(&status, start);
            let later = start + Duration::from_secs(waited);
            assert_eq!(patience.judge(&status, later), expected, "{trouble:?} after {waited} s");
        }
    }

    #[test]
    fn nobody_waits_much_longer_than_the_work_takes() {
        let start = Instant::now();
        let mut patience = Patience::since(Timestamp::from_seconds(0));
        for (waited, pause) in [(0, 10), (50, 10), (300, 30), (9_000, 900), (3_600_000, 1_000)] {
            let now = start + Duration::from_millis(waited);
            assert_eq!(patience.pause(now), Duration::from_millis(pause), "after {waited} ms");
        }
    }

    #[test]
    fn an_outage_ends_waiting_only_when_it_lasts() {
        let start = Instant::now();
        let mut patience = Patience::since(Timestamp::from_seconds(0));
        let offline = status(&[(Verdict::Offline, 0)]);
        assert!(!patience.judge(&offline, start));
        assert!(!patience.judge(&status(&[(Verdict::Working, 0)]), start + LONGEST_OUTAGE));
        assert!(!patience.judge(&offline, start + LONGEST_OUTAGE));
        assert!(patience.judge(&offline, start + 2 * LONGEST_OUTAGE));
    }
}
