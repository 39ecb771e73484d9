//! What a folder says of itself, or what is said of it if it does not; and whether it waits in vain.

use std::time::Duration;

use jottad_engine::{FolderStatus, Pending, Stillness, Unanswered, Verdict};
use jottad_watcher::Coverage;

use super::{Kept, KeptBy, Question};
use crate::api::documents::TransferDocument;
use crate::api::waiting::{LATE, PENDING, WORTH_TELLING};
use crate::daemon::pass::Done;

/// A folder that works without a sign of progress for so long is stalled.
pub(super) const LONGEST_STILLNESS: Duration = Duration::from_secs(50);

/// The same where nothing is under way: what failed and is no problem yet rests before it is tried again,
/// five minutes at most in the engine, and this is three times as long. A file that keeps changing waits for
/// as long as the configuration says.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// What a folder says of itself, or what is said of it if it does not.
pub(crate) struct Report {
    pub(crate) verdict: Verdict,
    pub(crate) status: Option<FolderStatus>,
    pub(crate) transfers: Vec<TransferDocument>,
    /// Bytes per second of all transfers lately.
    pub(crate) rate: Option<u64>,
    pub(crate) coverage: Option<Coverage>,
    pub(crate) trouble: Option<String>,
    /// What somebody who waits may be told that it waits for, sooner than it counts as trouble.
    pub(crate) waits_for: Option<String>,
    /// What has travelled in the present pass.
    pub(crate) done: Done,
    /// What is held where the engine does not even run.
    pub(in crate::daemon) by: KeptBy,
    /// Its loop does not answer.
    pub(in crate::daemon) is_silent: bool,
}

impl Report {
    /// A folder that has been started for so long; `asked` is what the service is asked for that, and for how
    /// long. `is_waited_for` tells whether somebody waits for what comes of it.
    pub(super) fn of_start(
        lasted: Duration,
        asked: Option<(Question, Duration)>,
        is_waited_for: bool,
    ) -> Self {
        if lasted < LONGEST_STILLNESS {
            let unanswered = asked.filter(|(_, quiet)| *quiet >= WORTH_TELLING).map(|(question, quiet)| {
                let doing = match question {
                    Question::Account => "asking for the account",
                    Question::Place => "asking whether its place holds anything",
                };
                format!("no answer for {} s: {doing}", quiet.as_secs())
            });
            let trouble = unanswered.clone().filter(|_| is_waited_for);
            return Self { waits_for: unanswered, ..Self::without_engine(Verdict::Working, trouble) };
        }
        let seconds = lasted.as_secs();
        let party = match asked {
            Some((Question::Account, _)) => "the service, to tell whose account it is",
            Some((Question::Place, _)) => "the service, to tell whether its place holds anything",
            None => "the local disk",
        };
        let reason = format!("it is still being taken up after {seconds} s: it waits for {party}");
        Self::without_engine(Verdict::Stalled, Some(reason))
    }

    pub(super) fn of_kept(kept: &Kept) -> Self {
        Self { by: kept.by, ..Self::without_engine(kept.verdict, Some(kept.reason.clone())) }
    }

    pub(super) fn without_engine(verdict: Verdict, trouble: Option<String>) -> Self {
        Self {
            verdict,
            status: None,
            transfers: Vec::new(),
            rate: None,
            coverage: None,
            trouble,
            waits_for: None,
            done: Done::default(),
            by: KeptBy::Root,
            is_silent: false,
        }
    }
}

/// The verdict with what the engine does not know: that the watcher has heard something, and that nothing
/// moves.
pub(super) fn judge(verdict: Verdict, is_unheard: bool, is_stalled: bool) -> Verdict {
    match verdict {
        Verdict::InSync if is_unheard => Verdict::Working,
        Verdict::Working | Verdict::Problems if is_stalled => Verdict::Stalled,
        verdict => verdict,
    }
}

/// How long a folder in which nothing is under way may be without a sign of progress.
pub(super) fn longest_wait(resend: Duration) -> Duration {
    LONGEST_WAIT.max(resend.saturating_add(LONGEST_STILLNESS))
}

/// Why a folder that works is taken for stalled, if it is. Where only failures are left it waits on purpose,
/// for as long as they are to rest.
pub(super) fn stall(still: &Stillness, longest_wait: Duration, only_failures_left: bool) -> Option<String> {
    let seconds = still.quiet.as_secs();
    match &still.waits_for {
        Some(what) if still.is_overdue && still.quiet >= LONGEST_STILLNESS => {
            Some(format!("nothing has moved for {seconds} s: it waits for {what}"))
        }
        None if still.quiet >= longest_wait && !only_failures_left => {
            Some(format!("nothing has moved for {seconds} s, and nothing is under way"))
        }
        _ => None,
    }
}

/// What has no answer while the folder works, if anything has not. What else goes on does not hide it.
pub(super) fn unanswered(still: &Stillness, verdict: Verdict) -> Option<String> {
    let Unanswered { doing, quiet } = still.unanswered.as_ref()?;
    let is_at_work = matches!(verdict, Verdict::Held | Verdict::Problems | Verdict::Working);
    is_at_work.then(|| format!("no answer for {} s: {doing}", quiet.as_secs()))
}

/// What is waited for on purpose by a pass that has nothing under way and is not at its end; `is_free` tells
/// that nothing else keeps it from getting on.
pub(super) fn late(still: &Stillness, pending: Option<Pending>, is_free: bool) -> Option<String> {
    let is_idle = still.waits_for.is_none() && still.unanswered.is_none() && still.quiet >= WORTH_TELLING;
    let pending = pending.filter(|_| is_idle && is_free)?;
    Some(if pending == Pending::default() { LATE } else { PENDING }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_move_is_stalled_unless_something_worse_is_said() {
        for (verdict, is_unheard, is_stalled, expected) in [
            (Verdict::InSync, false, false, Verdict::InSync),
            (Verdict::InSync, true, false, Verdict::Working),
            (Verdict::Working, false, false, Verdict::Working),
            (Verdict::Working, false, true, Verdict::Stalled),
            // That one entry has a problem does not hide that the others wait in vain.
            (Verdict::Problems, false, true, Verdict::Stalled),
            (Verdict::Problems, true, false, Verdict::Problems),
            (Verdict::Paused, false, true, Verdict::Paused),
            (Verdict::Held, false, true, Verdict::Held),
            (Verdict::Offline, false, true, Verdict::Offline),
        ] {
            assert_eq!(judge(verdict, is_unheard, is_stalled), expected, "{verdict:?}");
        }
    }

    #[test]
    fn what_is_still_being_taken_up_waits_for_who_was_asked() {
        let account = Some((Question::Account, 45));
        let place = Some((Question::Place, 4));
        let asking = "no answer for 45 s: asking for the account";
        for (lasted, asked, is_waited_for, verdict, trouble, waits_for) in [
            (49, None, true, Verdict::Working, None, None),
            (50, None, false, Verdict::Stalled, Some("it waits for the local disk"), None),
            (49, account, true, Verdict::Working, Some(asking), Some(asking)),
            (49, account, false, Verdict::Working, None, Some(asking)),
            (49, place, true, Verdict::Working, None, None),
            (50, account, true, Verdict::Stalled, Some("waits for the service, to tell whose"), None),
            (50, place, false, Verdict::Stalled, Some("waits for the service, to tell whether"), None),
        ] {
            let asked = asked.map(|(question, seconds)| (question, Duration::from_secs(seconds)));
            let told = Report::of_start(Duration::from_secs(lasted), asked, is_waited_for);
            assert_eq!(told.verdict, verdict, "{lasted} {asked:?}");
            let is_told = |told: &Option<String>, expected: Option<&str>| match (told, expected) {
                (Some(told), Some(expected)) => told.contains(expected),
                (told, expected) => told.is_none() && expected.is_none(),
            };
            assert!(is_told(&told.trouble, trouble), "{lasted} {asked:?}: {:?}", told.trouble);
            assert!(is_told(&told.waits_for, waits_for), "{lasted} {asked:?}: {:?}", told.waits_for);
        }
    }

    #[test]
    fn stalled_is_what_has_had_its_time_without_a_sign_of_progress() {
        let still = |seconds, waits_for: Option<&str>, is_overdue| Stillness {
            quiet: Duration::from_secs(seconds),
            waits_for: waits_for.map(str::to_owned),
            is_overdue,
            unanswered: None,
        };
        let upload = Some("the service, to take a.iso");
        for (still, only_failures_left, is_stalled) in [
            (still(49, upload, true), false, false),
            (still(50, upload, true), false, true),
            (still(50, upload, true), true, true),
            // A large file may be read for long.
            (still(600, upload, false), false, false),
            // Nothing is under way: it may wait on purpose.
            (still(899, None, true), false, false),
            (still(900, None, true), false, true),
            // Problems are tried again after hours.
            (still(7200, None, true), true, false),
        ] {
            let told = stall(&still, longest_wait(Duration::from_mins(5)), only_failures_left);
            assert_eq!(told.is_some(), is_stalled, "{still:?}");
            if let (Some(told), Some(what)) = (told, &still.waits_for) {
                assert!(told.contains(what), "{told}");
            }
        }
        let hour = Duration::from_hours(1);
        assert_eq!(stall(&still(3600, None, false), longest_wait(hour), false), None);
        assert!(stall(&still(3650, None, false), longest_wait(hour), false).is_some());
    }

    #[test]
    fn what_a_pass_waits_for_on_purpose_is_told_where_nothing_else_is_left() {
        let still = |seconds, waits_for: Option<&str>| Stillness {
            quiet: Duration::from_secs(seconds),
            waits_for: waits_for.map(str::to_owned),
            is_overdue: false,
            unanswered: None,
        };
        let done = Some(Pending::default());
        let busy = Some(Pending { uploads: 1, ..Pending::default() });
        for (still, pending, is_free, expected) in [
            (still(5, None), done, true, Some(LATE)),
            (still(4, None), done, true, None),
            (still(60, Some("the service, to list")), done, true, None),
            (still(60, None), busy, true, Some(PENDING)),
            (still(60, None), busy, false, None),
            (still(4, None), busy, true, None),
            (still(60, None), None, true, None),
            (still(60, None), done, false, None),
        ] {
            let told = late(&still, pending, is_free);
            assert_eq!(told.as_deref(), expected, "{still:?} {pending:?} {is_free}");
        }
    }

    #[test]
    fn what_has_no_answer_is_told_while_the_folder_works() {
        let unanswered_for = |seconds| Stillness {
            quiet: Duration::from_secs(3),
            waits_for: Some("the service, to take hang.txt".to_owned()),
            is_overdue: true,
            unanswered: Some(Unanswered {
                doing: "uploading hang.txt".to_owned(),
                quiet: Duration::from_secs(seconds),
            }),
        };
        let still = unanswered_for(60);
        assert_eq!(stall(&still, longest_wait(Duration::ZERO), false), None, "others go on");
        let told = Some("no answer for 60 s: uploading hang.txt".to_owned());
        for verdict in [Verdict::Working, Verdict::Problems, Verdict::Held] {
            assert_eq!(unanswered(&still, verdict), told, "{verdict:?}");
        }
        for verdict in [Verdict::InSync, Verdict::Paused, Verdict::Offline, Verdict::LoginNeeded] {
            assert_eq!(unanswered(&still, verdict), None, "{verdict:?}");
        }
        assert_eq!(unanswered(&Stillness { unanswered: None, ..still }, Verdict::Working), None);
    }
}
