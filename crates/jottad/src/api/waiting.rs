//! What is said to somebody who waits: what has no answer, what is out of reach, and what is waited for.

use std::time::Duration;

use jottad_engine::Verdict;
use tokio::time::Instant;

use crate::api::documents::{FolderDocument, PendingDocument, StatusDocument};
use crate::api::verdict::LONGEST_OUTAGE;
use crate::cli::output::count;

/// How often somebody who waits is told that the service is out of reach.
const REMINDER: Duration = Duration::from_secs(10);
/// After so long somebody who waits is told what for.
pub(crate) const WORTH_TELLING: Duration = Duration::from_secs(5);

/// What a folder waits for that has nothing left to do and is not at its end.
pub(crate) const LATE: &str =
    "all is done but to wait for the service, which may show up to 22 s late what was written last";

/// What a folder waits for in which something is left to do and nothing is under way.
pub(crate) const PENDING: &str = "what is still to be done waits until the service has surely shown what was \
     written last, for up to 22 s, or until what did not work is tried again";

/// What is said once to somebody who has waited for so long, whatever for.
#[derive(Debug)]
pub(crate) struct Delay {
    since: Instant,
    is_said: bool,
    /// Only a look is waited for: nothing travels.
    is_of_look: bool,
}

impl Delay {
    pub(crate) const fn since(now: Instant) -> Self {
        Self { since: now, is_said: false, is_of_look: false }
    }

    /// Something else was said already of what is waited for.
    fn told(&mut self) {
        self.is_said = true;
    }

    /// What is waited for, the first time that it is asked for after a while.
    pub(crate) fn word(&mut self, status: &StatusDocument, now: Instant) -> Option<String> {
        if self.is_said || now.duration_since(self.since) < WORTH_TELLING {
            return None;
        }
        let has_something_to_do = |folder: &FolderDocument| {
            folder.trouble.is_some()
                || folder.waits_for.as_ref().is_some_and(|word| word != LATE)
                || folder.pending.is_some_and(|pending| !is_nothing(&pending))
        };
        let folder = status
            .folders
            .iter()
            .max_by_key(|folder| (folder.verdict.0 == Verdict::Working, has_something_to_do(folder)))?;
        let word = match (self.is_of_look, word_of(folder)) {
            (true, None) => LOOKING.to_owned(),
            _ => waits_for(folder),
        };
        self.is_said = true;
        Some(format!("{}: {word}", folder.name))
    }
}

/// What is waited for where nothing is known to be left to do.
const LOOKED_AT: &str = "waiting until both sides are looked at";

/// The same where only that is waited for.
const LOOKING: &str =
    "waiting until both sides are looked at; the service may show up to 22 s late what was written last";

fn is_nothing(pending: &PendingDocument) -> bool {
    pending.uploads + pending.downloads + other_changes(pending) == 0
}

/// What is still to be done for which no file travels.
const fn other_changes(pending: &PendingDocument) -> u64 {
    pending.moves + pending.deletes + pending.directories + pending.times
}

fn waits_for(folder: &FolderDocument) -> String {
    if let Some(trouble) = &folder.trouble {
        return format!("waiting for the service: {trouble}");
    }
    if let Some(word) = &folder.waits_for {
        return word.clone();
    }
    let looked_at = || LOOKED_AT.to_owned();
    let Some(pending) = &folder.pending else { return looked_at() };
    let files = pending.uploads + pending.downloads;
    match (files, other_changes(pending)) {
        (0, 0) => looked_at(),
        (0, others) => format!("waiting for {} still to be done", count(others, "change", "changes")),
        _ => format!("waiting for {} to travel", count(files, "file", "files")),
    }
}

/// Why a folder does not get on, or what it waits for without an answer.
fn word_of(folder: &FolderDocument) -> Option<&str> {
    folder.trouble.as_deref().or(folder.waits_for.as_deref())
}

/// What is said to somebody who waits while a folder does not get on.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    said: Option<(Instant, String)>,
}

impl Silence {
    /// What has no answer, at once and then every few seconds; what stays the same is said once.
    pub(crate) fn word(&mut self, status: &StatusDocument, now: Instant) -> Option<String> {
        let waits = |folder: &&FolderDocument| {
            matches!(folder.verdict.0, Verdict::Working | Verdict::Stalled) && word_of(folder).is_some()
        };
        // That one has no answer is worth more than that another one only waits for its proof.
        let is_late = |folder: &&FolderDocument| word_of(folder) == Some(LATE);
        let Some(folder) = status.folders.iter().filter(waits).min_by_key(is_late) else {
            self.said = None;
            return None;
        };
        let word = format!("{}: {}", folder.name, word_of(folder).unwrap_or_default());
        if let Some((at, said)) = &self.said
            && (*said == word || now.duration_since(*at) < REMINDER)
        {
            return None;
        }
        self.said = Some((now, word.clone()));
        Some(word)
    }
}

/// What is said to somebody who waits: what has no answer, again and again, and if nothing is to be said of
/// that after a while, once what is waited for.
#[derive(Debug)]
pub(crate) struct Waiting {
    silence: Silence,
    delay: Delay,
}

impl Waiting {
    pub(crate) fn since(now: Instant) -> Self {
        Self { silence: Silence::default(), delay: Delay::since(now) }
    }

    /// The same for somebody who waits until both sides were looked at, and for nothing else.
    pub(crate) fn to_look_since(now: Instant) -> Self {
        let delay = Delay { is_of_look: true, ..Delay::since(now) };
        Self { silence: Silence::default(), delay }
    }

    /// What is waited for was said otherwise: it need not be said once more.
    pub(crate) fn told(&mut self) {
        self.delay.told();
    }

    /// What is to be said now, if anything is.
    pub(crate) fn word(&mut self, status: &StatusDocument, now: Instant) -> Option<String> {
        let word = self.silence.word(status, now);
        if word.is_some() {
            self.delay.told();
            return word;
        }
        self.delay.word(status, now)
    }
}

/// What is said to somebody who waits while the service cannot be reached.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    began: Option<Instant>,
    said: Option<Instant>,
}

impl Outage {
    /// That it cannot be reached, at once and then every few seconds; that it can again, once.
    pub(crate) fn word(&mut self, status: &StatusDocument, now: Instant) -> Option<String> {
        let is_offline = |folder: &&FolderDocument| folder.verdict.0 == Verdict::Offline;
        let Some(folder) = status.folders.iter().find(is_offline) else {
            *self = Self { began: None, said: None };
            return None;
        };
        let began = *self.began.get_or_insert(now);
        if self.said.is_some_and(|said| now.duration_since(said) < REMINDER) {
            return None;
        }
        self.said = Some(now);
        let why = folder.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
        let left = LONGEST_OUTAGE.saturating_sub(now.duration_since(began)).as_secs();
        Some(match left {
            0 => format!("offline{why}; waiting for what is under way"),
            left => format!("offline{why}; waiting for the service, {left} s more"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::verdict::tests::status;

    #[test]
    fn whoever_waits_for_five_seconds_is_told_once_what_for() {
        let start = Instant::now();
        let second = |second| start + Duration::from_secs(second);
        let mut waiting = status(&[(Verdict::InSync, 0), (Verdict::Working, 0)]);
        waiting.folders[1].name = "pictures".to_owned();
        let of = |uploads, deletes| PendingDocument { uploads, deletes, ..PendingDocument::default() };
        for (pending, trouble, expected) in [
            (None, None, "pictures: waiting until both sides are looked at"),
            (Some(of(2, 1)), None, "pictures: waiting for 2 files to travel"),
            (Some(of(0, 1)), None, "pictures: waiting for 1 change still to be done"),
            (Some(of(2, 1)), Some("cannot connect"), "pictures: waiting for the service: cannot connect"),
        ] {
            waiting.folders[1].pending = pending;
            waiting.folders[1].trouble = trouble.map(str::to_owned);
            let mut delay = Delay::since(start);
            let told: Vec<_> = (0..60).filter_map(|at| delay.word(&waiting, second(at))).collect();
            assert_eq!(told, [expected]);
        }
        waiting.folders[1].pending = Some(of(0, 0));
        waiting.folders[1].trouble = None;
        assert_eq!(Delay::since(start).word(&waiting, second(4)), None);
        let first = |waiting: &StatusDocument| Delay::since(start).word(waiting, second(5)).unwrap();
        assert_eq!(first(&waiting), "pictures: waiting until both sides are looked at");
        let look = Waiting::to_look_since(start).word(&waiting, second(5)).unwrap();
        assert_eq!(look, format!("pictures: {LOOKING}"));
        waiting.folders[1].waits_for = Some(LATE.to_owned());
        assert!(first(&waiting).ends_with(LATE));
        // What has something left to do is worth more than what only waits for its proof.
        waiting.folders[0].verdict.0 = Verdict::Working;
        waiting.folders[0].pending = Some(of(1, 0));
        assert_eq!(first(&waiting), "docs: waiting for 1 file to travel");
    }

    #[test]
    fn whoever_waits_is_told_again_what_has_no_answer_and_never_of_another_folders_proof_instead() {
        let start = Instant::now();
        let mut waiting = Waiting::since(start);
        let mut both = status(&[(Verdict::Working, 0), (Verdict::Working, 0)]);
        both.folders[0].waits_for = Some(LATE.to_owned());
        let mut told = Vec::new();
        for second in 0..=30 {
            both.folders[1].name = "pictures".to_owned();
            both.folders[1].waits_for = (second > 4).then(|| format!("no answer for {second} s"));
            both.folders[0].waits_for = (second > 4).then(|| LATE.to_owned());
            told.extend(waiting.word(&both, start + Duration::from_secs(second)));
        }
        assert_eq!(told, ["5", "15", "25"].map(|second| format!("pictures: no answer for {second} s")));
    }

    #[test]
    fn an_outage_is_told_at_once_and_while_it_lasts() {
        let start = Instant::now();
        let mut outage = Outage::default();
        let mut told = Vec::new();
        for second in 0..=30 {
            let verdict = if second == 25 { Verdict::Working } else { Verdict::Offline };
            let word = outage.word(&status(&[(verdict, 0)]), start + Duration::from_secs(second));
            told.extend(word.map(|word| (second, word)));
        }
        let word = |left| format!("offline; waiting for the service, {left} s more");
        assert_eq!(told, [(0, word(30)), (10, word(20)), (20, word(10)), (26, word(30))]);
    }

    #[test]
    fn what_has_no_answer_is_told_now_and_then_while_it_lasts() {
        let start = Instant::now();
        let mut silence = Silence::default();
        let mut told = Vec::new();
        for second in 0..=20 {
            let mut status = status(&[(Verdict::Working, 0)]);
            status.folders[0].trouble = (second > 4).then(|| format!("no answer for {second} s"));
            let word = silence.word(&status, start + Duration::from_secs(second));
            told.extend(word.map(|word| word.split_once(": ").unwrap().1.to_owned()));
        }
        assert_eq!(told, ["no answer for 5 s", "no answer for 15 s"]);
        let mut waiting = status(&[(Verdict::Working, 0)]);
        waiting.folders[0].trouble = Some("waiting for the service".to_owned());
        let words = |second| silence.word(&waiting, start + Duration::from_secs(second));
        let told: Vec<_> = (30..60).filter_map(words).collect();
        assert_eq!(told, ["docs: waiting for the service"], "what stays the same is said once");
    }

    #[test]
    fn the_word_for_a_late_service_names_how_late_it_may_be() {
        let patience = jottad_core::staleness::STALENESS_WINDOW.as_secs();
        for word in [LATE, LOOKING, PENDING] {
            assert!(word.contains(&format!("up to {patience} s")), "{word}");
        }
    }
}
