//! What became of operations: the index follows what was achieved, never what was intended.

use std::time::Duration;

use jottad_core::moves::Parked;
use jottad_core::{File, Loss, Name, OperationKind, RelativePath, Side};

use super::backlog::Change;
use super::pacing::Outage;
use super::remote::connection::Suspected;
use super::{Folder, FolderError, Notice};
use crate::disk::{DiskError, DiskErrorKind, Identity};
use crate::event::{Achieved, CommandId, OperationError};
use crate::ignore_rules::IGNORE_FILE;
use crate::index::{Base, BaseEntry, Fact, Local, Node, NodeId, RemoteMove, RemoteRecord, Stamp};
use crate::planted::{self, Planted};
use crate::remote::{RemoteError, RemoteErrorKind, RemoteNode, UnusableEntry};
use crate::scope::{self, Finding, Scope};
use crate::status::LogLine;
use crate::time::Now;

/// How long an operation waits for open files to be closed.
pub(super) const CROWDED: Duration = Duration::from_secs(5);

/// An operation that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) node: NodeId,
    /// The directory in which something appears or goes.
    pub(super) directory: NodeId,
    pub(super) kind: OperationKind,
    pub(super) path: RelativePath,
    pub(super) to: Option<RelativePath>,
    /// Of the file that travels.
    pub(super) bytes: Option<u64>,
    pub(super) detail: Detail,
    /// What the remote side was known to have before this claimed it; filled in by [`Folder::start`].
    pub(super) before: Option<RemoteRecord>,
}

/// What is needed to take an operation's end in.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    Upload {
        file: File,
    },
    Download {
        file: File,
    },
    MakeRemoteDirectory,
    MakeLocalDirectory,
    MoveRemote(RemoteMove),
    /// A local rename that follows one on the service.
    Follow {
        target: NodeId,
    },
    /// A local rename to the spelling that the service has.
    Respell {
        name: Name,
    },
    MoveAside {
        side: Side,
        name: Name,
    },
    Trash {
        /// What counts as lost when it is done.
        loss: Loss,
        side: Side,
    },
    SetRemoteTime {
        file: File,
    },
    SetLocalTime {
        file: File,
    },
}

impl Running {
    /// Whether it changes which entries there are beyond its own.
    pub(super) fn is_structural(&self) -> bool {
        !matches!(
            self.detail,
            Detail::Upload { .. }
                | Detail::Download { .. }
                | Detail::SetRemoteTime { .. }
                | Detail::SetLocalTime { .. }
        )
    }

    /// Whether it changes what the service has at its row and nowhere else.
    pub(super) fn sends(&self) -> bool {
        matches!(
            self.detail,
            Detail::Upload { .. } | Detail::MakeRemoteDirectory | Detail::SetRemoteTime { .. }
        )
    }

    /// Whether it takes what the service has at its row from its place.
    pub(super) fn leaves(&self) -> bool {
        match self.detail {
            Detail::MoveRemote(_) => true,
            Detail::MoveAside { side, .. } | Detail::Trash { side, .. } => side == Side::Remote,
            _ => false,
        }
    }

    /// Whether it changes what is on the disk.
    fn changes_the_disk(&self) -> bool {
        match self.detail {
            Detail::Download { .. }
            | Detail::SetLocalTime { .. }
            | Detail::MakeLocalDirectory
            | Detail::Follow { .. }
            | Detail::Respell { .. } => true,
            Detail::MoveAside { side, .. } | Detail::Trash { side, .. } => side == Side::Local,
            Detail::Upload { .. }
            | Detail::SetRemoteTime { .. }
            | Detail::MakeRemoteDirectory
            | Detail::MoveRemote(_) => false,
        }
    }

    /// Whether what it sends is claimed before it is seen.
    fn claims(&self) -> bool {
        matches!(self.detail, Detail::Upload { .. } | Detail::MakeRemoteDirectory)
    }

    pub(super) fn carries_content(&self) -> bool {
        self.bytes.is_some()
    }
}

impl Folder {
    /// Notes that an operation was asked for.
    ///
    /// What is about to be sent is claimed before it leaves: if the answer is lost, by a crash or on the
    /// network, a look at the directory tells ours from what others put there, so that it can also be removed
    /// again.
    pub(super) fn start(&mut self, command: CommandId, running: Running) -> Result<(), FolderError> {
        let claim = match running.detail {
            Detail::Upload { file } => Some(RemoteNode::File(file)),
            Detail::MakeRemoteDirectory if running.node != NodeId::ROOT => Some(RemoteNode::Directory),
            _ => None,
        };
        if planted::is(Planted::BaseBeforeDisk)
            && let (Detail::Download { file }, Some(mut node)) =
                (&running.detail, self.index.node(running.node)?)
        {
            let identity = Identity { inode: 0, born: 0 };
            node.base = Some(Base { entry: BaseEntry::File(*file), identity, stamp: Stamp::default() });
            self.index.save(&mut node)?;
        }
        self.note_operation(command, running.node)?;
        let mut before = None;
        if let Some(claim) = claim
            && let Some(mut node) = self.index.node(running.node)?
        {
            let name = node.remote.as_ref().and_then(|remote| remote.name.clone());
            before = node.remote.replace(RemoteRecord { node: claim, name, claimed: true });
            self.index.save(&mut node)?;
            self.claims.forget(node.id);
        }
        self.notices.push(Notice::OperationStarted {
            command,
            kind: running.kind.as_str(),
            path: running.path.clone(),
        });
        *self.attempts.entry(running.node).or_default() += 1;
        self.busy.insert(running.node);
        self.running.insert(command, Running { before, ..running });
        Ok(())
    }

    pub(super) fn operation_ended(
        &mut self,
        command: CommandId,
        result: Result<Achieved, OperationError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(running) = self.running.remove(&command) else { return Ok(()) };
        self.busy.remove(&running.node);
        if result.is_err() {
            self.resending.not_sent(running.node);
        }
        self.listing.worked_on(running.node);
        if matches!(result, Err(OperationError::Interrupted)) {
            return self.interrupted(command, &running, now);
        }
        let line = LogLine {
            id: 0,
            at: now.wall,
            kind: running.kind.as_str().to_owned(),
            path: running.path.clone(),
            to: running.to.clone(),
            bytes: running.bytes,
            error: result.as_ref().err().map(ToString::to_string),
        };
        let line = self.index.record(line)?;
        self.index.set_fact(Fact::OperatedAt, Some(&now.monotonic.as_secs().to_string()))?;
        self.notices.push(Notice::OperationEnded(line));
        if let (Ok(_), Some(to)) = (&result, &running.to)
            && matches!(
                running.kind,
                OperationKind::Move(Side::Local) | OperationKind::MoveAside(Side::Local)
            )
        {
            self.renamed.note(&running.path, to, now);
        }
        let Some(node) = self.index.node(running.node)? else { return Ok(()) };
        match result {
            Ok(achieved) => {
                self.verifying.operation_done(command, matches!(running.detail, Detail::Upload { .. }));
                self.connection.succeeded();
                self.pacing.succeeded();
                self.achieved(node, &running, achieved, now)
            }
            Err(error) => {
                self.verifying.operation_failed(command);
                self.operation_failed(&node, &running, &error, now)
            }
        }
    }

    fn achieved(
        &mut self,
        mut node: Node,
        running: &Running,
        achieved: Achieved,
        now: Now,
    ) -> Result<(), FolderError> {
        if running.claims() {
            let before = running.before.as_ref().map(|before| before.node);
            self.recent_writes.sent(&self.index.stored_path_of(&node)?, before, now);
        }
        match &running.detail {
            Detail::Upload { .. } => {
                // It counts as stored when a listing shows it.
                self.index.release_held(node.id)?;
                self.index.clear_problem(node.id)?;
                self.claim_accepted(node.id, running.directory);
                self.resending.sent(node.id, self.settings.resend, now);
                if achieved == Achieved::Outdated {
                    self.look_at_local(&running.path);
                }
            }
            Detail::MakeRemoteDirectory => {
                // What it holds here may not be known yet, and nothing else remembers that.
                if !self.remains_unreadable(&node)? {
                    self.index.clear_problem(node.id)?;
                }
                if node.id == NodeId::ROOT {
                    node.remote =
                        Some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: false });
                    self.index.save(&mut node)?;
                } else {
                    self.claim_accepted(node.id, running.directory);
                }
                self.round.restart();
            }
            Detail::SetRemoteTime { file } => {
                if let Some(remote) = &mut node.remote {
                    self.recent_writes.sent(&self.index.stored_path(node.id)?, Some(remote.node), now);
                    *remote = RemoteRecord {
                        node: RemoteNode::File(*file),
                        claimed: true,
                        name: remote.name.clone(),
                    };
                }
                self.index.save(&mut node)?;
                self.claim_accepted(node.id, running.directory);
            }
            Detail::MoveRemote(remote_move) if achieved == Achieved::InDoubt => {
                self.move_in_doubt.doubt(remote_move.clone());
            }
            Detail::MoveRemote(remote_move) => self.moved(&node, remote_move, now)?,
            Detail::Follow { target } => self.followed(&node, *target)?,
            Detail::Respell { name } => self.respelled_here(node, name, achieved)?,
            Detail::MoveAside { side, name } => self.moved_aside(&mut node, *side, name, now)?,
            Detail::Trash { side: Side::Remote, loss } => {
                self.note_loss(*loss)?;
                self.index.release_held(node.id)?;
                self.recent_writes.removed(&self.index.stored_path_of(&node)?, node.remote_kind(), now);
                self.remote_vanished(&mut node)?;
                self.drop_base(&mut node)?;
                self.free_namesakes(&node)?;
            }
            Detail::Trash { side: Side::Local, loss } => {
                self.note_loss(*loss)?;
                self.index.release_held(node.id)?;
                self.look_at_rules(&node, &running.path);
                self.local_vanished(&mut node)?;
                self.drop_base(&mut node)?;
            }
            Detail::Download { file } | Detail::SetLocalTime { file } => {
                self.look_at_rules(&node, &running.path);
                self.local_file_placed(&mut node, *file, achieved)?;
            }
            Detail::MakeLocalDirectory => {
                if let Achieved::LocalDirectory(identity) = achieved {
                    self.index.release_held(node.id)?;
                    node.local = Local::Directory(identity);
                    node.base = Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() });
                    self.save_observed(&mut node)?;
                }
            }
        }
        Ok(())
    }

    /// A file was fetched or given the other side's time: both sides have it now, durably.
    fn local_file_placed(
        &mut self,
        node: &mut Node,
        file: File,
        achieved: Achieved,
    ) -> Result<(), FolderError> {
        let Achieved::LocalFile(stat) = achieved else { return Ok(()) };
        self.index.release_held(node.id)?;
        let mut stamp = Stamp::of(&stat);
        let mut md5 = Some(file.content.md5);
        if stat.has_coarse_times() {
            // Somebody may have written to it right after without leaving a trace. It is read once more,
            // later.
            stamp.changed = 0;
            md5 = None;
            self.hashing.restart();
        }
        node.local = Local::File { stat, md5 };
        node.base = Some(Base { entry: BaseEntry::File(file), identity: stat.identity, stamp });
        self.save_observed(node)
    }

    /// A remote entry was moved: base and remote follow it.
    pub(super) fn moved(
        &mut self,
        node: &Node,
        remote_move: &RemoteMove,
        now: Now,
    ) -> Result<(), FolderError> {
        let (from, to) = self.paths_of(remote_move)?;
        let RemoteMove { directory, name, parked, .. } = remote_move;
        let (directory, parked) = (*directory, *parked);
        let mut target = match self.index.child(directory, name)? {
            Some(target) => target,
            None => Node::new(directory, name.clone()),
        };
        if target.id == NodeId::NEW {
            // Only a row that holds something is kept; what it holds now is what it is about to hold anyway.
            target.base = node.base;
            self.index.save(&mut target)?;
        }
        let doubts = self.rechecks_below(node.id)?;
        self.index.relocate(node.id, target.id, Side::Remote)?;
        self.recheck_below(target.id, doubts)?;
        if self.index.is_parked()? {
            self.index.set_fact(Fact::ParkedAt, Some(&now.wall.seconds().to_string()))?;
        }
        self.recent_writes.moved(&from, &to, node.remote_kind(), now);
        self.pacing.moved(node.id);
        self.attempts.remove(&node.id);
        self.attempts.remove(&target.id);
        self.free_namesakes(node)?;
        if let Some(mut moved) = self.index.node(target.id)? {
            self.free_namesakes(&moved)?;
            // One look at the directory shows that it arrived; until then a late listing must not say that it
            // is lost.
            if parked != Parked::To && moved.remote.is_some() {
                self.recent_writes.sent(&to, None, now);
                // What others made of it went along, and nobody agreed on that: seen, it must not count as
                // what was sent.
                if moved.base_entry() == moved.remote_entry() {
                    moved.remote.iter_mut().for_each(|remote| remote.claimed = true);
                    self.index.save(&mut moved)?;
                    self.claim_accepted(moved.id, directory);
                } else {
                    self.rechecks.want(directory);
                }
            }
        }
        // Claims have moved along, into directories with other rows.
        self.rechecks.reload();
        self.index.set_remote_move(None)?;
        self.round.restart();
        Ok(())
    }

    /// An entry was renamed to its conflict name; the path it had is free for the other side.
    fn moved_aside(&mut self, node: &mut Node, side: Side, name: &Name, now: Now) -> Result<(), FolderError> {
        self.drop_base(node)?;
        match side {
            Side::Local => {
                self.local_vanished(node)?;
                let path = self.index.path(node.parent)?;
                self.scanning.want_directory(path);
            }
            Side::Remote => {
                self.recent_writes.removed(&self.index.stored_path_of(node)?, node.remote_kind(), now);
                self.remote_vanished(node)?;
                self.rechecks.want(node.parent);
            }
        }
        tracing::info!(folder = %self.settings.name, from = %node.name, to = %name, "kept both");
        self.round.restart();
        Ok(())
    }

    /// The local entry is gone, with everything below it, by our own doing.
    pub(super) fn local_vanished(&mut self, node: &mut Node) -> Result<(), FolderError> {
        self.change_below(node.id, Change::LocalGone(None))?;
        node.local = Local::Absent;
        self.save_observed(node)
    }

    /// Nothing is agreed on any more at a row and below it.
    pub(super) fn drop_base(&mut self, node: &mut Node) -> Result<(), FolderError> {
        self.change_below(node.id, Change::BaseGone)?;
        node.base = None;
        self.save_observed(node)
    }

    fn operation_failed(
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
                self.index.set_remote_move(None)?;
            } else if !planted::is(Planted::MoveNotNoted) {
                self.move_in_doubt.doubt(remote_move.clone());
            }
        }
        if let Detail::Trash { loss, .. } = &running.detail
            && matches!(error, OperationError::Remote(error) if error.may_be_done)
        {
            self.doubt_loss(node.id, *loss);
            self.claims.may_be_removed(node.id);
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
        if let Some(mut node) = self.claimed_by(running)? {
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
        if let Some(node) = self.claimed_by(running)? {
            let before = running.before.as_ref().map(|before| before.node);
            self.recent_writes.sent(&self.index.stored_path_of(&node)?, before, now);
            self.rechecks.want(running.directory);
            self.cut_off.add(node.id, is_answer_lost);
        }
        Ok(())
    }

    /// The row that has the claim of an operation, if it still has.
    fn claimed_by(&self, running: &Running) -> Result<Option<Node>, FolderError> {
        let node = self.index.node(running.node)?.filter(|_| running.claims());
        Ok(node.filter(|node| node.remote.as_ref().is_some_and(|remote| remote.claimed)))
    }

    /// What jottad itself did to a `.jottaignore` counts as soon as its directory is read.
    fn look_at_rules(&mut self, node: &Node, path: &RelativePath) {
        if node.name.as_bytes() == IGNORE_FILE
            && let Some(directory) = path.parent()
        {
            self.scanning.want_directory(directory);
        }
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
