//! Directories that the service does not show the content of, although it answers: problems that have no row.

use std::time::Duration;

use jottad_core::Timestamp;

use super::connection::pause_asked_for;
use super::rechecks::{FEW, Waiting};
use crate::folder::Folder;
use crate::folder::FolderError;
use crate::index::NodeId;
use crate::remote::RemoteError;
use crate::scope::{self, Failure};
use crate::status::{Problem, ProblemKind};
use crate::time::Now;

/// A directory that the service does not show is asked for at least so often.
const LONGEST_LOOK_PAUSE: Duration = Duration::from_hours(1);

/// Why the service does not show what is in a directory, although it answers.
#[derive(Debug, Clone)]
pub(super) struct LookFailure {
    kind: ProblemKind,
    message: String,
    remedy: &'static str,
    since: Timestamp,
    tries: u32,
    next_try: Timestamp,
    /// When the last look failed.
    failed: Duration,
    /// A pause was asked for and it was tried once, so that it may be trouble of the service.
    pub(super) may_pass: bool,
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

    /// Whether another failure now is the next one of the same sort.
    fn is_recent(&self, now: Now) -> bool {
        now.monotonic.saturating_sub(self.failed) < LONGEST_LOOK_PAUSE
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

impl Folder {
    /// The service answers, but does not show what is in a directory: that is looked for again, more and more
    /// seldom.
    pub(super) fn directory_failed(&mut self, directory: NodeId, error: &RemoteError, now: Now) {
        let forgiven = self.rechecks.forgiven.remove(&directory).filter(|failure| failure.is_recent(now));
        let waiting = self.rechecks.waiting.entry(directory).or_default();
        let failure =
            waiting.failure.get_or_insert_with(|| forgiven.unwrap_or_else(|| LookFailure::new(now.wall)));
        let pause = failure.note(error, now);
        waiting.entries = waiting.entries.max(FEW + 1);
        waiting.not_before = Some(now.monotonic.saturating_add(pause));
    }

    /// A complete listing has shown what looks at some directories did not: what failed before it began is no
    /// problem any more, and need not be looked at, unless something that was sent there is still to be seen.
    pub(super) fn forgive_directories(&mut self, listed: Duration) -> Result<(), FolderError> {
        let is_older =
            |waiting: &Waiting| waiting.failure.as_ref().is_some_and(|failure| failure.failed <= listed);
        let shown = self.rechecks.waiting.iter().filter(|(_, waiting)| !waiting.looking && is_older(waiting));
        let shown: Vec<NodeId> = shown.map(|(directory, _)| *directory).collect();
        for directory in shown {
            if self.index.node(directory)?.is_some() && !self.index.claims(directory)?.is_empty() {
                continue;
            }
            if let Some(mut waiting) = self.rechecks.waiting.remove(&directory) {
                let failure = waiting.failure.take();
                self.rechecks.forgiven.extend(failure.map(|failure| (directory, failure)));
                if waiting.doubted_since {
                    self.rechecks.want(directory);
                }
            }
        }
        Ok(())
    }

    /// The directories of which the service does not show what is in them, although it answers.
    pub(in crate::folder) fn unseen_directories(&self) -> Result<Vec<Problem>, FolderError> {
        let mut problems = Vec::new();
        for (directory, waiting) in &self.rechecks.waiting {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::at;
    use crate::remote::RemoteErrorKind;

    /// The pauses grow up to an hour, and what failed longer ago than that says nothing of how it is now.
    #[test]
    fn failures_of_looks_follow_each_other_if_no_more_than_the_longest_pause_is_between_them() {
        let error = RemoteError::new(RemoteErrorKind::Refused, "it is refused".to_owned());
        let mut failure = LookFailure::new(Timestamp::from_seconds(0));
        let mut pauses = Vec::new();
        for second in [1000, 2000] {
            pauses.push(failure.note(&error, at(second)));
        }
        assert!(pauses[0] < pauses[1] && pauses[1] <= LONGEST_LOOK_PAUSE, "{pauses:?}");
        for (second, is_recent) in [(2000, true), (5599, true), (5600, false), (100_000, false)] {
            assert_eq!(failure.is_recent(at(second)), is_recent, "{second}");
        }
    }
}
