//! What became of operations: the index follows what was achieved, never what was intended.

use jottad_core::moves::Parked;
use jottad_core::{File, Kind, Name, OperationKind, RelativePath, Side};

use super::backlog::Change;
use super::in_flight::{Detail, Running};
use super::problems;
use super::{Folder, FolderError, Notice};
use crate::disk::Identity;
use crate::event::{Achieved, CommandId, OperationError};
use crate::folder::plan::losing;
use crate::folder::remote::move_in_doubt;
use crate::ignore_rules::IGNORE_FILE;
use crate::index::{Base, BaseEntry, Fact, Local, Node, NodeId, RemoteMove, RemoteRecord, Stamp};
use crate::planted::{self, Planted};
use crate::remote::RemoteNode;
use crate::status::LogLine;
use crate::time::Now;

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
        if running.kind == OperationKind::Trash(Side::Remote) {
            self.claims.removal_begins(running.node);
        }
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
        self.in_flight.begin(command, Running { before, ..running });
        Ok(())
    }

    pub(super) fn operation_ended(
        &mut self,
        command: CommandId,
        result: Result<Achieved, OperationError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(running) = self.in_flight.end(command) else { return Ok(()) };
        self.transfers.ended(command, &running, &result, now);
        if result.is_err() {
            self.resending.not_sent(running.node);
        }
        if running.kind == OperationKind::Trash(Side::Remote) {
            let is_in_doubt = matches!(&result, Err(OperationError::Remote(error)) if error.may_be_done);
            self.claims.removal_ended(running.node, is_in_doubt);
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
                // What it holds locally may not be known yet, and nothing else remembers that.
                if !problems::remains_unreadable(&self.index, &node)? {
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
            Detail::Respell { name } => self.respelled_locally(node, name, achieved)?,
            Detail::MoveAside { side, name } => self.moved_aside(&mut node, *side, name, now)?,
            Detail::Trash { side: Side::Remote, loss } => {
                losing::note(&mut self.index, *loss)?;
                self.index.release_held(node.id)?;
                self.recent_writes.removed(&self.index.stored_path_of(&node)?, node.remote_node(), now);
                self.remote_vanished(&mut node)?;
                self.drop_base(&mut node)?;
                self.free_namesakes(&node)?;
            }
            Detail::Trash { side: Side::Local, loss } => {
                losing::note(&mut self.index, *loss)?;
                self.index.release_held(node.id)?;
                self.look_at_rules(&node, &running.path);
                self.local_vanished(&mut node)?;
                self.drop_base(&mut node)?;
            }
            Detail::Download { file } | Detail::SetLocalTime { file } => {
                self.look_at_rules(&node, &running.path);
                self.local_file_placed(&mut node, *file, achieved, now)?;
            }
            Detail::MakeLocalDirectory => {
                if let Achieved::LocalDirectory(identity) = achieved {
                    self.index.release_held(node.id)?;
                    node.local = Local::Directory(identity);
                    node.base = Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() });
                    self.save_observed(&mut node)?;
                    self.read_if_missed(&running.path);
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
        now: Now,
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
        self.save_observed(node)?;
        // A new time is that of its other names as well, of which no event tells.
        self.look_at_other_names(node, &stat, None, now)
    }

    /// A remote entry was moved: base and remote follow it.
    pub(super) fn moved(
        &mut self,
        node: &Node,
        remote_move: &RemoteMove,
        now: Now,
    ) -> Result<(), FolderError> {
        let (from, to) = move_in_doubt::paths_of(&self.index, remote_move)?;
        let RemoteMove { directory, name, parked, .. } = remote_move;
        let (directory, parked) = (*directory, *parked);
        let mut target = match self.index.child(directory, name)? {
            Some(target) => target,
            None => Node::new(directory, name.clone()),
        };
        if target.id == NodeId::NEW {
            // Only a row that holds something is kept; what it holds now is what it is about to hold anyway.
            target.base = node.base;
            target.remote.clone_from(&node.remote);
            self.index.save(&mut target)?;
        }
        if target.id == NodeId::NEW {
            // Nobody knows any more what was moved: a rule ignores it by now, and a look has not found it at
            // its old place (`backup` 62004867 with `--rules`).
            self.rechecks.want(directory);
            return Ok(self.index.forget_remote_move(remote_move.source)?);
        }
        if self.move_whole(node.id, target.id, now)? {
            target.id = node.id;
        } else {
            let rechecks = self.rechecks_below(node.id)?;
            self.index.relocate(node.id, target.id, Side::Remote)?;
            self.recheck_below(target.id, rechecks)?;
            self.look_for_what_is_in_the_way(target.id)?;
        }
        if self.index.is_parked()? {
            self.index.set_fact(Fact::ParkedAt, Some(&now.wall.seconds().to_string()))?;
        }
        self.recent_writes.moved(&from, &to, node.remote_node(), now);
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
        self.index.forget_remote_move(remote_move.source)?;
        self.round.restart();
        Ok(())
    }

    /// What is never synced may stand in a directory in the way of what has moved there: only a scan tells.
    pub(super) fn look_for_what_is_in_the_way(&mut self, arrived: NodeId) -> Result<(), FolderError> {
        if let Some(node) = self.index.node(arrived)?
            && (node.holds_unsynced || self.index.inside(arrived)?.holds_unsynced)
        {
            self.scanning.want_subtree(self.index.path(arrived)?);
        }
        Ok(())
    }

    /// An entry was renamed to its conflict name; the path it had is free for the other side.
    fn moved_aside(&mut self, node: &mut Node, side: Side, name: &Name, now: Now) -> Result<(), FolderError> {
        // Where a file has made way for what is left of a directory, that was removed here, and so was all
        // that was agreed on in it.
        let is_removed_directory = side == Side::Local
            && node.local.kind() == Some(Kind::File)
            && node.base.is_some_and(|base| base.entry == BaseEntry::Directory);
        if !is_removed_directory {
            self.drop_base(node)?;
        }
        match side {
            Side::Local => {
                self.local_vanished(node)?;
                let path = self.index.path(node.parent)?;
                self.scanning.want_directory(path);
            }
            Side::Remote => {
                self.recent_writes.removed(&self.index.stored_path_of(node)?, node.remote_node(), now);
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

    /// What jottad itself did to a `.jottaignore` counts as soon as its directory is read.
    fn look_at_rules(&mut self, node: &Node, path: &RelativePath) {
        if node.name.as_bytes() == IGNORE_FILE
            && let Some(directory) = path.parent()
        {
            self.scanning.want_directory(directory);
        }
    }
}
