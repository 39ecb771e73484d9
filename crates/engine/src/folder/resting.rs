//! A folder at rest: it answers from its index, looks at nothing and asks for no command.
//!
//! What a run knows beyond its rows it leaves in the index when it ends. What a person decides about that
//! while nothing runs is written down, and the next run follows it once it finds the same again.

use jottad_core::{RelativePath, Side, Timestamp};

use super::local::word_of_root::WordOfRoot;
use super::{Folder, FolderError, Pause, Purpose};
use crate::event::{Event, Request};
use crate::index::Fact;
use crate::index::Index;
use crate::remote::MissingPlace;
use crate::status::{HeldRoot, Hold, Noted, Problem, ProblemKind, RunEnd, Skipped, Verdict};
use crate::time::Now;

/// What the last run knew that is in no row.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct LastWords {
    /// A root, or the place of one, that a person must look after.
    pub(super) hold: Option<Hold>,
    /// Names the root that the hold is about.
    subject: String,
    /// Problems that are in no index.
    pub(super) problems: Vec<Problem>,
    /// Why it did not get on.
    pub(super) trouble: Option<String>,
    /// What it left out on purpose, if it had looked at everything.
    pub(super) skipped: Option<Skipped>,
    /// How it ended, if not well.
    pub(super) end: Option<(Verdict, Timestamp)>,
}

/// A person's word about a held root, to be followed when that very root is held again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    is_approval: bool,
    kind: &'static str,
    subject: String,
}

/// How many fields each record of the last words has.
const FIELDS: usize = 8;

impl Folder {
    /// Takes the folder up only to answer. Nothing is looked at and no command is asked for; what a person
    /// decides is written down.
    pub fn at_rest(mut self, now: Timestamp) -> Result<Self, FolderError> {
        self.purpose = Purpose::Rest;
        // No timer ends it here.
        self.paused = self.paused.filter(|pause| !matches!(pause, Pause::Until(time) if *time <= now));
        if let Some(text) = self.index.fact(Fact::LastWords)? {
            self.last_words = LastWords::parse(&text);
        }
        self.decision = self.index.fact(Fact::Decision)?.as_deref().and_then(Decision::parse);
        Ok(self)
    }

    /// Writes down what a person decides. Everything else needs a folder that works.
    pub(super) fn take_orders(
        &mut self,
        events: impl IntoIterator<Item = Event>,
        now: Now,
    ) -> Result<(), FolderError> {
        for event in events {
            match event {
                Event::Request(Request::Approve) => self.decide_at_rest(true, now)?,
                Event::Request(Request::Reject) => self.decide_at_rest(false, now)?,
                Event::Request(Request::Pause(duration)) => self.pause_for(duration, now)?,
                Event::Request(Request::Resume) => self.set_pause(None)?,
                Event::Request(Request::AcceptMount(path)) => {
                    let known = self.index.fact(Fact::AcceptedMounts)?.unwrap_or_default();
                    let text = format!("{known}{} ", hexadecimal(path.as_bytes()));
                    self.index.set_fact(Fact::AcceptedMounts, Some(&text))?;
                }
                _ => {}
            }
        }
        // Nobody waits for a turn in between.
        self.backlog.begin_step(None, now);
        while !self.work_off()? {
            self.backlog.begin_step(None, now);
        }
        Ok(self.index.commit()?)
    }

    fn decide_at_rest(&mut self, is_approval: bool, now: Now) -> Result<(), FolderError> {
        match &self.last_words.hold {
            Some(hold) => {
                // The last word counts.
                let subject = self.last_words.subject.clone();
                let decision = Decision { is_approval, kind: kind_of(hold), subject };
                self.index.set_fact(Fact::Decision, Some(&decision.to_text()))?;
                self.decision = Some(decision);
                Ok(())
            }
            None if is_approval => self.approve(now),
            // The word that is shown is the one that is taken back.
            None if matches!(self.noted()?, Some(Noted::Mounts { .. })) && self.hold()?.is_none() => {
                Ok(self.index.set_fact(Fact::AcceptedMounts, None)?)
            }
            None => self.reject(),
        }
    }

    /// A run begins: what was decided before it is taken up, and what the last one said holds no more.
    pub(super) fn take_up_orders(&mut self, now: Now) -> Result<(), FolderError> {
        self.index.set_fact(Fact::LastWords, None)?;
        self.decision = self.index.fact(Fact::Decision)?.as_deref().and_then(Decision::parse);
        if self.decision.is_some() {
            // The root may not be held any more: what is missing in it is, as long as it is missing.
            self.index.set_fact(Fact::HoldNextDeletes, Some(&WordOfRoot::about_everything()))?;
        }
        let mounts = noted_mounts(&self.index)?;
        self.index.set_fact(Fact::AcceptedMounts, None)?;
        mounts.iter().try_for_each(|path| self.accept_mount(path, now))
    }

    /// A root is held: if a person has decided about it before this run, that is followed. A decision about
    /// another one is forgotten.
    pub(super) fn follow_decision(&mut self, now: Now) -> Result<(), FolderError> {
        let Some(decision) = self.decision.take() else { return Ok(()) };
        self.index.set_fact(Fact::Decision, None)?;
        let is_about_it = self.hold()?.is_some_and(|hold| {
            kind_of(&hold) == decision.kind && self.subject_of(&hold) == decision.subject
        });
        if !is_about_it {
            return Ok(());
        }
        if decision.is_approval {
            self.approve(now)?;
        } else {
            self.reject()?;
        }
        self.check_root(now);
        Ok(())
    }

    /// Both sides agree: what was decided about a root that was held is over.
    pub(super) fn forget_decision(&mut self) -> Result<(), FolderError> {
        if self.decision.take().is_some() {
            self.index.set_fact(Fact::Decision, None)?;
        }
        Ok(())
    }

    /// A root was found as it should be: an approval that was given while it was not is over. What was
    /// rejected is wanted back as long as any of it is missing in the same root, whatever else is in it now.
    pub(super) fn forget_decision_about(&mut self, root: HeldRoot) -> Result<(), FolderError> {
        let Some(decision) = self.decision.as_ref().filter(|decision| decision.kind == kind_of_root(root))
        else {
            return Ok(());
        };
        let is_same = match root {
            HeldRoot::Local => self.root.found_text().is_some_and(|found| found == decision.subject),
            _ => true,
        };
        if is_same && !decision.is_approval { Ok(()) } else { self.forget_decision() }
    }

    /// The side on which something is missing that a person wants back, whatever else is in the root now.
    pub(super) fn rejected_side(&self) -> Option<Side> {
        let decision = self.decision.as_ref().filter(|decision| !decision.is_approval)?;
        if decision.kind == kind_of_root(HeldRoot::Local) {
            Some(Side::Local)
        } else if decision.kind == kind_of_root(HeldRoot::Remote) {
            Some(Side::Remote)
        } else {
            None
        }
    }

    /// Leaves what is known and in no row to whoever asks while nothing runs.
    pub(super) fn leave_last_words(&mut self) -> Result<(), FolderError> {
        if self.purpose != Purpose::Work {
            return Ok(());
        }
        let hold = self.hold()?.filter(|hold| matches!(hold, Hold::Root { .. } | Hold::Place { .. }));
        let subject = hold.as_ref().map(|hold| self.subject_of(hold)).unwrap_or_default();
        let trouble = self.trouble().map(str::to_owned);
        let skipped = self.scanning.was_complete().then(|| self.skipping.total());
        let problems = self.fleeting_problems()?;
        let words = LastWords { hold, subject, problems, trouble, skipped, end: None };
        let text = (words != LastWords::default()).then(|| words.to_text());
        self.index.set_fact(Fact::LastWords, text.as_deref())?;
        Ok(())
    }

    fn subject_of(&self, hold: &Hold) -> String {
        match hold {
            Hold::Root { root: HeldRoot::Local, .. } => self.root.found_text().unwrap_or_default(),
            _ => String::new(),
        }
    }
}

impl LastWords {
    fn to_text(&self) -> String {
        let mut records: Vec<[String; FIELDS]> = Vec::new();
        let record = |fields: [&str; 4]| -> [String; FIELDS] {
            std::array::from_fn(|at| fields.get(at).map(|field| field.replace('\0', " ")).unwrap_or_default())
        };
        if let Some(hold @ (Hold::Root { reason, .. } | Hold::Place { reason, .. })) = &self.hold {
            records.push(record(["hold", word_of(hold), reason, &self.subject]));
        }
        if let Some(trouble) = &self.trouble {
            records.push(record(["trouble", "", trouble, ""]));
        }
        for problem in &self.problems {
            let mut fields = record(["problem", problem.kind.as_str(), &problem.reason, &problem.remedy]);
            fields[4] = hexadecimal(problem.path.as_bytes());
            fields[5] = problem.since.seconds().to_string();
            fields[6] = problem.tries.to_string();
            // What was being tried when the run ended is due.
            let next_try = problem.next_try.or(problem.is_being_tried.then_some(problem.since));
            fields[7] = next_try.map(|time| time.seconds().to_string()).unwrap_or_default();
            records.push(fields);
        }
        if let Some(Skipped { rules, max_size, links, special }) = self.skipped {
            let counts = [rules, max_size, links, special].map(|count| count.to_string()).join(" ");
            records.push(record(["skipped", "", &counts, ""]));
        }
        if let Some((verdict, at)) = self.end {
            records.push(record(["end", verdict.as_str(), &at.seconds().to_string(), ""]));
        }
        records.concat().join("\0")
    }

    /// Reads what [`LastWords::to_text`] wrote; what is not understood is left out.
    fn parse(text: &str) -> Self {
        let mut words = Self::default();
        let fields: Vec<&str> = text.split('\0').collect();
        for record in fields.as_chunks::<FIELDS>().0 {
            let [word, kind, reason, rest, path, since, tries, next_try] = *record;
            match word {
                "hold" => {
                    words.hold = hold_of(kind, reason);
                    rest.clone_into(&mut words.subject);
                }
                "trouble" => words.trouble = Some(reason.to_owned()),
                "skipped" => words.skipped = skipped_of(reason),
                "end" => {
                    let verdict = ENDS.into_iter().find(|verdict| verdict.as_str() == kind);
                    words.end = verdict.zip(reason.parse().ok().map(Timestamp::from_seconds));
                }
                _ => {
                    let time = |text: &str| text.parse().ok().map(Timestamp::from_seconds);
                    let kind = ProblemKind::ALL.into_iter().find(|known| known.as_str() == kind);
                    words.problems.extend(kind.zip(path_of(path)).map(|(kind, path)| Problem {
                        path,
                        kind,
                        reason: reason.to_owned(),
                        remedy: rest.to_owned(),
                        since: time(since).unwrap_or_default(),
                        tries: tries.parse().unwrap_or(1),
                        next_try: time(next_try),
                        is_being_tried: false,
                    }));
                }
            }
        }
        words
    }
}

/// Ends of a run that its index does not show. What else keeps it from being in sync is in the rows, or is a
/// hold or a problem.
const ENDS: [Verdict; 3] = [Verdict::LoginNeeded, Verdict::Stalled, Verdict::Offline];

/// Leaves in an index how a run ended, for whoever asks while nothing runs. A folder that could not even be
/// taken up has left no word of its own.
pub(crate) fn leave_word(index: &mut Index, end: &RunEnd) -> Result<(), FolderError> {
    let RunEnd { at, verdict, reason, hold } = end;
    let mut words = index.fact(Fact::LastWords)?.map(|text| LastWords::parse(&text)).unwrap_or_default();
    if let Some(hold) = hold {
        words.hold = Some(hold.clone());
        words.subject.clear();
    } else if *verdict > Verdict::Held {
        words.hold = None;
    }
    words.trouble = reason.clone().or(words.trouble).filter(|_| hold.is_none());
    words.end = ENDS.contains(verdict).then_some((*verdict, *at));
    index.set_fact(Fact::LastWords, Some(&words.to_text()))?;
    Ok(index.commit()?)
}

fn skipped_of(text: &str) -> Option<Skipped> {
    let counts: Vec<u64> = text.split(' ').map_while(|count| count.parse().ok()).collect();
    let &[rules, max_size, links, special] = counts.as_slice() else { return None };
    Some(Skipped { rules, max_size, links, special })
}

impl Decision {
    /// What it says of a hold.
    pub(super) const fn about(&self, hold: Hold) -> Noted {
        if self.is_approval { Noted::Approved(hold) } else { Noted::Rejected(hold) }
    }

    fn to_text(&self) -> String {
        let word = if self.is_approval { "approve" } else { "reject" };
        format!("{word} {} {}", self.kind, self.subject)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let is_approval = words.next()? == "approve";
        let kind = words.next()?;
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        Some(Self { is_approval, kind, subject: words.next()?.to_owned() })
    }
}

const KINDS: [&str; 7] = ["missing", "unreadable", "local", "remote", "place", "deletes", "overwrites"];

const fn kind_of_root(root: HeldRoot) -> &'static str {
    match root {
        HeldRoot::Missing => KINDS[0],
        HeldRoot::Unreadable => KINDS[1],
        HeldRoot::Local => KINDS[2],
        HeldRoot::Remote => KINDS[3],
    }
}

const fn kind_of(hold: &Hold) -> &'static str {
    match hold {
        Hold::Root { root, .. } => kind_of_root(*root),
        Hold::Place { .. } => KINDS[4],
        Hold::Deletes { .. } => KINDS[5],
        Hold::Overwrites { .. } => KINDS[6],
    }
}

/// What last words call a hold; [`hold_of`] reads it.
const fn word_of(hold: &Hold) -> &'static str {
    match hold {
        Hold::Place { missing: MissingPlace::Device, .. } => "device",
        Hold::Place { missing: MissingPlace::Mountpoint, .. } => "mountpoint",
        hold => kind_of(hold),
    }
}

fn hold_of(word: &str, reason: &str) -> Option<Hold> {
    let reason = reason.to_owned();
    let root = match word {
        "missing" => HeldRoot::Missing,
        "unreadable" => HeldRoot::Unreadable,
        "local" => HeldRoot::Local,
        "remote" => HeldRoot::Remote,
        "device" => return Some(Hold::Place { missing: MissingPlace::Device, reason }),
        // An older version did not note which of the two it was.
        "mountpoint" | "place" => return Some(Hold::Place { missing: MissingPlace::Mountpoint, reason }),
        _ => return None,
    };
    Some(Hold::Root { reason, root })
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    // The root's own path is empty, and yet a word.
    bytes.iter().fold("x".to_owned(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn path_of(text: &str) -> Option<RelativePath> {
    let digits = text.strip_prefix('x')?;
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    RelativePath::parse(&bytes.collect::<Option<Vec<u8>>>()?).ok()
}

/// The directories whose disks a person took for right while nothing ran.
pub(super) fn noted_mounts(index: &Index) -> Result<Vec<RelativePath>, FolderError> {
    let text = index.fact(Fact::AcceptedMounts)?.unwrap_or_default();
    let mut paths: Vec<RelativePath> = text.split_whitespace().filter_map(path_of).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::builders::new_index;
    use crate::folder::plan::deleting::tests::{now, settings};
    use crate::status::Verdict;

    #[test]
    fn last_words_are_read_as_they_were_said() {
        let problem = |path: &[u8], next_try: Option<i64>| Problem {
            path: RelativePath::parse(path).unwrap(),
            kind: ProblemKind::ImpossibleName,
            reason: "the service has \"a/b\"\nand more".to_owned(),
            remedy: "rename it".to_owned(),
            since: Timestamp::from_seconds(17),
            tries: 3,
            next_try: next_try.map(Timestamp::from_seconds),
            is_being_tried: false,
        };
        for hold in [
            None,
            Some(Hold::Place { missing: MissingPlace::Device, reason: "some text".to_owned() }),
            Some(Hold::Place { missing: MissingPlace::Mountpoint, reason: "some text".to_owned() }),
            Some(Hold::Root { reason: "another one".to_owned(), root: HeldRoot::Local }),
        ] {
            for problems in [vec![], vec![problem(b"", None), problem(b"a\xff/b", Some(99))]] {
                for trouble in [None, Some("the account is locked".to_owned())] {
                    let subject = if hold.is_some() { "1/2/3".to_owned() } else { String::new() };
                    let skipped =
                        trouble.is_some().then_some(Skipped { rules: 1, max_size: 2, links: 3, special: 4 });
                    let end = hold.is_none().then_some((Verdict::Offline, Timestamp::from_seconds(7)));
                    let (hold, problems) = (hold.clone(), problems.clone());
                    let words = LastWords { hold, subject, problems, trouble, skipped, end };
                    assert_eq!(LastWords::parse(&words.to_text()), words);
                }
            }
        }
        assert_eq!(LastWords::parse("nonsense\0of another version"), LastWords::default());
        let of_old = LastWords::parse(&["hold", "place", "some text", "", "", "", "", ""].join("\0"));
        let missing = MissingPlace::Mountpoint;
        assert_eq!(of_old.hold, Some(Hold::Place { missing, reason: "some text".to_owned() }));
    }

    #[test]
    fn how_a_run_ended_is_told_at_rest_until_another_one_begins() {
        let (_place, mut index) = new_index();
        let reason = || Some("it is said so".to_owned());
        let missing = Hold::Root { reason: "no such directory".to_owned(), root: HeldRoot::Missing };
        let end = |verdict, hold| RunEnd { at: Timestamp::from_seconds(90), verdict, reason: reason(), hold };
        for (end, verdict, hold) in [
            (end(Verdict::LoginNeeded, None), Some(Verdict::LoginNeeded), None),
            (end(Verdict::Held, Some(missing.clone())), None, Some(missing.clone())),
            // Why it could not even be asked whether the root is back.
            (end(Verdict::LoginNeeded, None), Some(Verdict::LoginNeeded), Some(missing)),
            (end(Verdict::Offline, None), Some(Verdict::Offline), None),
            (end(Verdict::Stalled, None), Some(Verdict::Stalled), None),
        ] {
            leave_word(&mut index, &end).unwrap();
            let folder = Folder::new(settings(), index).unwrap().at_rest(now(100).wall).unwrap();
            let status = folder.status().unwrap();
            assert_eq!(status.last_end.as_ref().map(|end| end.verdict), verdict);
            assert_eq!(status.held, hold);
            assert_eq!(status.trouble, reason().filter(|_| end.hold.is_none()));
            index = folder.crash();
        }
        let mut folder = Folder::new(settings(), index).unwrap();
        folder.handle([Event::Started], now(110)).unwrap();
        let folder = Folder::new(settings(), folder.crash()).unwrap().at_rest(now(120).wall).unwrap();
        assert_eq!(folder.status().unwrap().last_end, None);
    }

    #[test]
    fn decisions_are_read_as_they_were_made() {
        let decision = Decision { is_approval: true, kind: "local", subject: "1/2/3".to_owned() };
        assert_eq!(Decision::parse(&decision.to_text()), Some(decision));
        let decision = Decision { is_approval: false, kind: "remote", subject: String::new() };
        assert_eq!(Decision::parse(&decision.to_text()), Some(decision));
        assert_eq!(Decision::parse("approve everything"), None);
    }

    #[test]
    fn a_pause_is_noted_at_rest_and_is_over_in_time_there_and_at_the_next_start() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap().at_rest(now(100).wall).unwrap();
        let pause = Event::Request(Request::Pause(Some(Duration::from_secs(50))));
        assert!(folder.handle([pause], now(100)).unwrap().is_empty());
        let mut index = folder.crash();
        for (seconds, is_paused) in [(149, true), (150, false)] {
            folder = Folder::new(settings(), index).unwrap().at_rest(now(seconds).wall).unwrap();
            assert_eq!(folder.status().unwrap().paused.is_some(), is_paused, "at rest, at {seconds}");
            // Whoever asks right after the start is told the same.
            folder = Folder::new(settings(), folder.crash()).unwrap();
            folder.handle([Event::Started], now(seconds)).unwrap();
            let status = folder.status().unwrap();
            assert_eq!(status.paused.is_some(), is_paused, "started at {seconds}");
            assert_eq!(status.verdict == Verdict::Paused, is_paused, "started at {seconds}");
            index = folder.crash();
        }
    }

    #[test]
    fn a_pause_ends_at_rest_when_a_person_says_so() {
        let (_place, index) = new_index();
        let mut folder = Folder::new(settings(), index).unwrap().at_rest(now(100).wall).unwrap();
        for (order, is_paused) in [(Request::Pause(None), true), (Request::Resume, false)] {
            folder.handle([Event::Request(order)], now(100)).unwrap();
            let index = folder.crash();
            folder = Folder::new(settings(), index).unwrap().at_rest(now(200).wall).unwrap();
            assert_eq!(folder.status().unwrap().paused.is_some(), is_paused);
        }
    }

    /// What is decided about one root is no word about another one, and only a rejection outlives that it is
    /// found again.
    #[test]
    fn what_was_rejected_is_wanted_back_on_its_side_and_in_its_root() {
        let kinds = [HeldRoot::Missing, HeldRoot::Unreadable, HeldRoot::Local, HeldRoot::Remote];
        for is_approval in [true, false] {
            for decided in kinds {
                for found in kinds {
                    let (_place, index) = new_index();
                    let mut folder = Folder::new(settings(), index).unwrap();
                    let kind = kind_of_root(decided);
                    // No local root was found yet, so this is about another one.
                    let decision = Decision { is_approval, kind, subject: "1/2/3".to_owned() };
                    folder.index.set_fact(Fact::Decision, Some(&decision.to_text())).unwrap();
                    folder.decision = Some(decision);
                    let side = match decided {
                        HeldRoot::Local => Some(Side::Local),
                        HeldRoot::Remote => Some(Side::Remote),
                        HeldRoot::Missing | HeldRoot::Unreadable => None,
                    };
                    assert_eq!(folder.rejected_side(), side.filter(|_| !is_approval), "{decided:?}");
                    folder.forget_decision_about(found).unwrap();
                    let is_over = decided == found && (is_approval || found == HeldRoot::Local);
                    assert_eq!(folder.decision.is_none(), is_over, "{is_approval} {decided:?} {found:?}");
                    assert_eq!(folder.index.fact(Fact::Decision).unwrap().is_none(), is_over);
                }
            }
        }
    }
}
