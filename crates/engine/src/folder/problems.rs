//! What is wrong with single entries: noting it, trying them again in time, and seeing that it is over.

use std::time::Duration;

use jottad_core::{Action, Timestamp};

use super::{BEING_TRIED, Folder, FolderError};
use crate::folder::namesakes;
use crate::folder::plan::deciding;
use crate::index::{Index, Local, Node, NodeId, ProblemRow};
use crate::scope::Failure;
use crate::status::ProblemKind;
use crate::time::Now;

impl Folder {
    /// Notes that an entry cannot be synced. The pause before the next try doubles with each try.
    pub(super) fn put_problem(
        &mut self,
        node: NodeId,
        failure: Failure,
        reason: String,
        now: Now,
    ) -> Result<(), FolderError> {
        self.put_problem_with(node, failure, reason, failure.remedy.to_owned(), now)
    }

    /// The same with a remedy that names more than the kind of failure says.
    pub(super) fn put_problem_with(
        &mut self,
        node: NodeId,
        Failure { kind, pause, .. }: Failure,
        reason: String,
        remedy: String,
        now: Now,
    ) -> Result<(), FolderError> {
        if self.index.node(node)?.is_none() {
            // Nothing is known of it any more, so nothing can be wrong with it.
            return Ok(());
        }
        let before = self.index.problem(node)?;
        let (since, tries) = match &before {
            Some(problem) if problem.kind == kind => (problem.since, problem.tries + 1),
            _ => (now.wall, 1),
        };
        let next_try = pause.map(|first| {
            let longest = match kind {
                // Nothing tells that it has come to rest.
                ProblemKind::KeepsChanging => Duration::from_mins(10),
                _ => Duration::from_hours(6),
            };
            let delay = first.saturating_mul(1 << tries.saturating_sub(1).min(12)).min(longest);
            Timestamp::from_seconds(now.wall.seconds().saturating_add_unsigned(delay.as_secs().max(1)))
        });
        let problem = ProblemRow { node, kind, reason, remedy, since, tries, next_try };
        self.index.put_problem(&problem)?;
        // From now on the problem says when it is tried again.
        self.attempts.remove(&node);
        Ok(())
    }

    /// Whether a problem, or a rest after a failure, keeps this row from being worked on now.
    pub(super) fn is_blocked(&self, node: NodeId, now: Now) -> Result<bool, FolderError> {
        if self.pacing.is_resting(node) {
            return Ok(true);
        }
        Ok(match self.index.problem(node)? {
            None => false,
            // The other entry may have gone in more ways than one.
            Some(problem) if problem.kind == ProblemKind::NameClash => {
                namesakes::clashes(&self.index, &self.settings, node)?
            }
            Some(problem) => problem.next_try.is_none_or(|time| time > now.wall),
        })
    }

    /// Problems whose time has come are worked on again; what they wait for is looked at anew.
    pub(super) fn retry_due_problems(&mut self, now: Now) -> Result<(), FolderError> {
        if self.index.next_try()?.is_some_and(|time| time <= now.wall) {
            for problem in self.index.problems()? {
                if problem.next_try.is_some_and(|time| time != BEING_TRIED && time <= now.wall) {
                    self.retry_problem(&problem)?;
                }
            }
            self.round.restart();
        }
        Ok(())
    }

    pub(super) fn retry_all_problems(&mut self) -> Result<(), FolderError> {
        for problem in self.index.problems()? {
            if problem.kind == ProblemKind::Damaged {
                // Trying is no remedy: only who reads the file again knows better.
                continue;
            }
            self.index.clear_problem(problem.node)?;
            self.attempts.remove(&problem.node);
            self.retry_problem(&problem)?;
        }
        Ok(())
    }

    fn retry_problem(&mut self, problem: &ProblemRow) -> Result<(), FolderError> {
        self.attempts.remove(&problem.node);
        if self.is_overcome(problem)? {
            self.index.clear_problem(problem.node)?;
            return Ok(());
        }
        if problem.kind == ProblemKind::MountChanged {
            let path = self.index.path(problem.node)?;
            self.look_for_mount(&path);
        }
        if matches!(
            problem.kind,
            ProblemKind::Unreadable | ProblemKind::KeepsChanging | ProblemKind::WrongKind
        ) {
            let path = self.index.path(problem.node)?;
            if let Some(parent) = path.parent() {
                self.scanning.want_directory(parent);
            }
            // A file may be as it was last seen, and be read now.
            self.hashing.restart();
            if self
                .index
                .node(problem.node)?
                .is_some_and(|node| matches!(node.local, Local::UnreadableDirectory(_)))
            {
                self.scanning.want_subtree(path);
            }
        }
        self.index.put_problem(&ProblemRow { next_try: Some(BEING_TRIED), ..problem.clone() })?;
        Ok(())
    }

    /// Whether an operation failed at a row where nothing is to be done any more: nobody would try it again
    /// and see that it is over.
    pub(super) fn is_overcome(&self, problem: &ProblemRow) -> Result<bool, FolderError> {
        let is_of_an_operation = matches!(
            problem.kind,
            ProblemKind::Refused
                | ProblemKind::NotAllowed
                | ProblemKind::QuotaExceeded
                | ProblemKind::LocalDisk
                | ProblemKind::Failing
        );
        let Some(node) = self.index.node(problem.node)?.filter(|_| is_of_an_operation) else {
            return Ok(false);
        };
        Ok(!self.respelling.is_to_follow(node.id)
            && deciding::decide(&self.index, &self.settings, &node)?
                .is_some_and(|decision| decision.action == Action::Nothing))
    }
}

/// Whether the problem of a row does not follow from what both sides are known to have: only another look can
/// show that it is over.
pub(super) fn remains(index: &Index, node: &Node) -> Result<bool, FolderError> {
    Ok(remains_unreadable(index, node)?
        || remains_restless(index, node)?
        || remains_of_wrong_kind(index, node)?)
}

/// Whether what is wrong with a row is that its directory cannot be read, which nothing but a scan can
/// show to be mended.
pub(super) fn remains_unreadable(index: &Index, node: &Node) -> Result<bool, FolderError> {
    let is_unreadable = matches!(node.local, Local::UnreadableDirectory(_));
    Ok(is_unreadable
        && index.problem(node.id)?.is_some_and(|problem| problem.kind == ProblemKind::Unreadable))
}

/// Whether what is wrong with a row is that something stands there locally that is never synced, in the way
/// of what was, whatever has become of that.
fn remains_of_wrong_kind(index: &Index, node: &Node) -> Result<bool, FolderError> {
    let is_in_the_way = node.local == Local::Other && (node.base.is_some() || node.remote.is_some());
    Ok(is_in_the_way && index.problem(node.id)?.is_some_and(|problem| problem.kind == ProblemKind::WrongKind))
}

/// Whether what is wrong with a row is that its file changes all the time, and all that is known is that
/// it has once more.
fn remains_restless(index: &Index, node: &Node) -> Result<bool, FolderError> {
    let is_unhashed = matches!(node.local, Local::File { md5: None, .. });
    Ok(is_unhashed
        && index.problem(node.id)?.is_some_and(|problem| problem.kind == ProblemKind::KeepsChanging))
}
