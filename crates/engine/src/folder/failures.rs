//! What follows from an operation that failed: whether it is a problem, when it is tried again, and where has
//! to be looked first.

use std::time::Duration;

use jottad_core::{RelativePath, Side};

use super::in_flight::{Detail, Running};
use super::pacing::Outage;
use super::remote::connection::Suspected;
use super::{Folder, FolderError};
use crate::disk::{DiskError, DiskErrorKind};
use crate::event::OperationError;
use crate::index::{Index, Local, Node};
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind, UnusableEntry};
use crate::scope::{self, Finding, Scope};
use crate::time::Now;

/// How long an operation waits for open files to be closed.
pub(super) const CROWDED: Duration = Duration::from_secs(5);

impl Folder {
    pub(super) fn operation_failed(
        &mut self,
        node: &Node,
        running: &Running,
        error: &OperationError,
        now: Now,
    ) -> Result<(), FolderError> {
        if let Detail::MoveRemote(remote_move) = &running.detail {
            self.round.give_up_moves();
            // Whatever the answer was, the move may have been done, if it was asked for.
            if !matches!(error, OperationError::Remote(_)) {
                self.index.forget_remote_move(remote_move.source)?;
            } else if !planted::is(Planted::MoveNotNoted) {
                self.move_in_doubt.doubt(remote_move.clone());
            }
        }
        if let Detail::Trash { loss, .. } = &running.detail
            && matches!(error, OperationError::Remote(error) if error.may_be_done)
        {
            self.losses_in_doubt.add(node.id, *loss);
        }
        if matches!(running.detail, Detail::MoveAside { side: Side::Remote, .. })
            && matches!(error, OperationError::Remote(error) if error.may_be_done)
        {
            // What it made way under is known to nobody else: only a listing shows it.
            self.listing.want_everything();
        }
        self.withdraw_claim(running, error, now)?;
        self.round.restart();
        match error {
            OperationError::Disk(error) => self.disk_failed(node, running, error, now),
            OperationError::Remote(error) | OperationError::NotShown(error) => {
                self.look_failed(Suspected::Operation(Box::new(running.clone())), error, now)
            }
            OperationError::LocalChanged { path } => {
                self.look_at_local(path);
                self.let_rest(running, now)
            }
            OperationError::RemoteChanged { .. } => {
                self.look_at_remote(running, now);
                self.let_rest(running, now)
            }
            OperationError::Interrupted => Ok(()),
            OperationError::HoldsUnusable { entry, .. } => {
                let UnusableEntry { path, reason } = entry;
                let reason = format!(
                    "it cannot be removed: the service has {path:?} in it, which is left alone: {reason}"
                );
                self.put_problem(node.id, scope::found(Finding::HoldsUnnameable), reason, now)
            }
        }
    }

    /// What failed without being a problem rests before it is tried again, longer each time.
    fn let_rest(&mut self, running: &Running, now: Now) -> Result<(), FolderError> {
        if let Detail::MoveRemote(remote_move) = &running.detail {
            let target = self.index.child(remote_move.directory, &remote_move.name)?;
            self.pacing.rest_move(running.node, target.map(|target| target.id), now);
        } else {
            let attempts = self.attempts.get(&running.node).copied().unwrap_or(0);
            self.pacing.rest(running.node, attempts, now);
        }
        Ok(())
    }

    /// The service asked for a pause when it was asked for this: it rests for longer than that, so that
    /// others come first.
    pub(super) fn rest_after(&mut self, running: &Running, pause: Duration, now: Now) {
        let attempts = self.attempts.get(&running.node).copied().unwrap_or(0);
        let longer = Duration::from_secs(2 << attempts.min(8));
        self.pacing.rest_for(running.node, pause.saturating_add(longer), now);
    }

    /// What was claimed was not achieved. Where nothing can have reached the service its side is as it was;
    /// where something may have, a look tells.
    fn withdraw_claim(
        &mut self,
        running: &Running,
        error: &OperationError,
        now: Now,
    ) -> Result<(), FolderError> {
        if matches!(error, OperationError::Remote(error) if error.may_be_done) {
            return self.doubt_claim(running, true, now);
        }
        if let Some(mut node) = claimed_by(&self.index, running)? {
            node.remote.clone_from(&running.before);
            self.index.save(&mut node)?;
        }
        Ok(())
    }

    /// What was claimed may have been achieved: a look tells.
    pub(super) fn doubt_claim(
        &mut self,
        running: &Running,
        is_answer_lost: bool,
        now: Now,
    ) -> Result<(), FolderError> {
        if let Some(node) = claimed_by(&self.index, running)? {
            let before = running.before.as_ref().map(|before| before.node);
            self.recent_writes.sent(&self.index.stored_path_of(&node)?, before, now);
            self.rechecks.want(running.directory);
            self.claims.cut(node.id, is_answer_lost);
        }
        Ok(())
    }

    /// The local side is not what was thought: it is scanned before anything else is decided there.
    pub(super) fn look_at_local(&mut self, path: &RelativePath) {
        self.scanning.want_subtree(path.clone());
        if let Some(parent) = path.parent() {
            self.scanning.want_directory(parent);
        }
    }

    /// The remote side is not what was thought: a directory of files is listed again, and where more may
    /// differ everything is.
    fn look_at_remote(&mut self, running: &Running, now: Now) {
        if running.is_structural() {
            self.listing.mismatched(now);
        } else {
            self.rechecks.want(running.directory);
        }
    }

    fn disk_failed(
        &mut self,
        node: &Node,
        running: &Running,
        error: &DiskError,
        now: Now,
    ) -> Result<(), FolderError> {
        if self.take_lost_root(error, now) {
            return Ok(());
        }
        match (scope::of_disk(&error.kind), &error.kind) {
            (Scope::Directory, _) => {
                self.look_for_mount(&error.path);
                Ok(())
            }
            // It says nothing of the entry: files are closed again.
            (Scope::Folder, _) => {
                self.attempts.remove(&node.id);
                self.pacing.rest_for(node.id, CROWDED, now);
                Ok(())
            }
            (_, DiskErrorKind::Changed | DiskErrorKind::NotFound | DiskErrorKind::Occupied) => {
                self.look_at_local(&running.path);
                self.let_rest(running, now)
            }
            _ => {
                self.look_at_places(running);
                self.pacing.failed(None, now);
                self.put_problem(node.id, scope::disk_failure(&error.kind), error.to_string(), now)
            }
        }
    }

    /// What failed on the disk may have been done all the same: a rename is done before it is made durable.
    /// Where that is not seen at once, an edit of what was fetched is taken for an older state of the file.
    fn look_at_places(&mut self, running: &Running) {
        if running.changes_the_disk() {
            let places = [Some(&running.path), running.to.as_ref()];
            let directories = places.into_iter().flatten().filter_map(RelativePath::parent);
            directories.for_each(|directory| self.scanning.want_directory(directory));
        }
    }

    /// An operation failed on the service for a reason of the entry's own.
    pub(super) fn entry_failed(
        &mut self,
        running: &Running,
        error: &RemoteError,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(mut node) = self.index.node(running.node)? else { return Ok(()) };
        let is_outage = matches!(error.kind, RemoteErrorKind::Offline | RemoteErrorKind::Unavailable);
        self.pacing.failed(is_outage.then(|| Outage::at(node.id, &error.message)), now);
        match error.kind {
            RemoteErrorKind::SourceChanged => {
                self.look_at_local(&running.path);
                // Nothing but its content may tell that it changed.
                if let Local::File { stat, md5: Some(_) } = node.local {
                    node.local = Local::File { stat, md5: None };
                    self.index.save(&mut node)?;
                    self.hashing.restart();
                }
                return self.let_rest(running, now);
            }
            // A move may always be left out: where the service does not want it, the path rules do without.
            // Where it merely fails, waiting is better, because a directory that is not moved is sent anew.
            RemoteErrorKind::Refused
            | RemoteErrorKind::QuotaExceeded
            | RemoteErrorKind::AccountLocked
            | RemoteErrorKind::NotAllowed
                if matches!(running.detail, Detail::MoveRemote(_)) =>
            {
                self.attempts.insert(node.id, super::MOST_ATTEMPTS);
                return Ok(());
            }
            RemoteErrorKind::NotFound | RemoteErrorKind::Conflict => {
                self.look_at_remote(running, now);
                // The first look mostly shows why. What fails again after it is a problem.
                if self.attempts.get(&node.id).is_none_or(|attempts| *attempts <= 1)
                    && self.index.problem(node.id)?.is_none()
                {
                    return Ok(());
                }
            }
            RemoteErrorKind::QuotaExceeded | RemoteErrorKind::AccountLocked
                if matches!(running.detail, Detail::Upload { .. }) =>
            {
                self.connection.account_is_full(now);
            }
            _ => {}
        }
        if matches!(running.detail, Detail::MoveRemote(_)) {
            return self.let_rest(running, now);
        }
        self.put_problem(node.id, scope::remote_failure(error), error.message.clone(), now)
    }
}

/// The row that has the claim of an operation, if it still has.
fn claimed_by(index: &Index, running: &Running) -> Result<Option<Node>, FolderError> {
    let node = index.node(running.node)?.filter(|_| running.claims());
    Ok(node.filter(|node| node.remote.as_ref().is_some_and(|remote| remote.claimed)))
}
