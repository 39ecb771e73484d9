//! What the path rules ask for at a row, as a command: as long as there is room for another operation.

use jottad_core::{
    Action, Content, Entry, FoldKey, Name, OperationKind, RelativePath, Side, StoredPath, conflict_name,
    encode_name,
};

use super::places::Surroundings;
use super::planning::Considered;
use crate::disk::FileStat;
use crate::event::{Replaces, Task};
use crate::folder::in_flight::{Detail, Running};
use crate::folder::namesakes;
use crate::folder::transfers::LARGE;
use crate::folder::{Folder, FolderError};
use crate::index::{Index, Local, Node, NodeId};
use crate::remote::RemoteNode;
use crate::settings::FolderSettings;
use crate::time::Now;

/// Most operations at one time that carry no content.
const MOST_SMALL: usize = 8;
/// Few large files travel at one time, so that small ones are not starved.
const MOST_LARGE: usize = 4;

impl Folder {
    pub(super) fn has_room(&self, node: &Node, action: Action) -> bool {
        let count =
            |wanted: &dyn Fn(&Running) -> bool| self.in_flight.operations().filter(|one| wanted(one)).count();
        let size = match (action, node.local, node.remote_entry()) {
            (Action::Upload, Local::File { stat, .. }, _) => stat.size,
            (Action::Download, _, Entry::File(file)) => file.content.size,
            _ => return self.has_room_for_small(),
        };
        self.transfers.have_room(action == Action::Upload, size, &self.in_flight)
            && (size <= LARGE || count(&|one| one.bytes.is_some_and(|bytes| bytes > LARGE)) < MOST_LARGE)
    }

    /// Whether one more operation that carries no content may be asked for.
    pub(super) fn has_room_for_small(&self) -> bool {
        self.in_flight.operations().filter(|one| !one.carries_content()).count() < MOST_SMALL
    }

    pub(super) fn issue_action(
        &mut self,
        node: &Node,
        here: &Surroundings,
        action: Action,
        now: Now,
    ) -> Result<Considered, FolderError> {
        let is_root = node.id == NodeId::ROOT;
        let path = if is_root { RelativePath::root() } else { here.join(&node.name) };
        let stored_name = node.stored_name();
        let remote = if is_root { StoredPath::root() } else { here.join_stored(stored_name.clone()) };
        if matches!(action, Action::Upload | Action::MakeDirectory(Side::Remote))
            && !is_root
            && node.remote.is_none()
            && !self.name_is_possible(node, &stored_name, now)?
        {
            return Ok(Considered::Passed);
        }
        if matches!(action, Action::Download | Action::MakeDirectory(Side::Local))
            && (namesakes::is_local_namesake_claimed(&self.index, node)? || self.take_up_namesake(node)?)
        {
            return Ok(Considered::Passed);
        }
        let stat = match node.local {
            Local::File { stat, .. } => Some(stat),
            _ => None,
        };
        if action == Action::Upload {
            self.resending.sends(node.id, now);
        }
        let local_file = node.trees().and_then(|trees| trees.local.file());
        let remote_file = node.remote_entry().file();
        let (kind, task, detail) = match (action, stat, local_file, remote_file) {
            (Action::Upload, Some(stat), Some(file), _) => (
                OperationKind::Upload,
                Task::Upload {
                    path: path.clone(),
                    remote,
                    stat,
                    file,
                    replaces: replaced_by_upload(&self.settings, node),
                },
                Detail::Upload { file },
            ),
            (Action::Download, _, _, Some(file)) => (
                OperationKind::Download,
                Task::Download {
                    path: path.clone(),
                    remote,
                    file,
                    replaces: stat,
                    twin: twin(&self.index, file.content)?,
                },
                Detail::Download { file },
            ),
            (Action::MakeDirectory(Side::Remote), ..) => (
                OperationKind::MakeDirectory(Side::Remote),
                Task::MakeRemoteDirectory { path: path.clone(), remote },
                Detail::MakeRemoteDirectory,
            ),
            (Action::MakeDirectory(Side::Local), ..) => (
                OperationKind::MakeDirectory(Side::Local),
                Task::MakeLocalDirectory { path: path.clone() },
                Detail::MakeLocalDirectory,
            ),
            (Action::SetTime(Side::Remote), Some(_), Some(file), _) => (
                OperationKind::SetTime(Side::Remote),
                Task::SetRemoteTime { remote, file },
                Detail::SetRemoteTime { file },
            ),
            (Action::SetTime(Side::Local), Some(stat), _, Some(file)) => (
                OperationKind::SetTime(Side::Local),
                Task::SetLocalTime { path: path.clone(), stat, modified: file.modified },
                Detail::SetLocalTime { file },
            ),
            (Action::MoveAside(side), ..) => {
                let is_issued = self.issue_move_aside(node, &node.name, here, side, now)?;
                return Ok(if is_issued { Considered::Issued } else { Considered::Passed });
            }
            _ => return Ok(Considered::Passed),
        };
        let bytes = match detail {
            Detail::Upload { file } | Detail::Download { file } => Some(file.content.size),
            _ => None,
        };
        let command = self.issue(task);
        self.transfers.began(command, kind, now);
        self.start(
            command,
            Running {
                node: node.id,
                directory: node.parent,
                kind,
                path,
                to: None,
                bytes,
                detail,
                before: None,
            },
        )?;
        Ok(Considered::Issued)
    }

    /// Renames an entry to a conflict name, which is made of the name that it is to be known by; tells
    /// whether there is anything to rename.
    pub(super) fn issue_move_aside(
        &mut self,
        node: &Node,
        known_by: &Name,
        here: &Surroundings,
        side: Side,
        now: Now,
    ) -> Result<bool, FolderError> {
        let siblings = self.index.children(node.parent)?;
        let is_taken = |name: &Name| {
            let key = FoldKey::of(&encode_name(name));
            siblings.iter().any(|sibling| FoldKey::of(&encode_name(&sibling.name)) == key)
        };
        let name = conflict_name(known_by, &self.settings.host, &date_time(now), is_taken);
        let (path, to) = (here.join(&node.name), here.join(&name));
        let task = match (side, node.local.identity(), node.remote.as_ref()) {
            (Side::Local, Some(identity), _) => {
                Task::MoveLocal { from: path.clone(), to: to.clone(), identity, followed: None }
            }
            (Side::Remote, _, Some(remote)) => Task::MoveRemote {
                from: here.join_stored(node.stored_name()),
                to: here.join_stored(encode_name(&name)),
                kind: remote.node.kind(),
                content: None,
            },
            _ => return Ok(false),
        };
        let command = self.issue(task);
        let running = Running {
            node: node.id,
            directory: node.parent,
            kind: OperationKind::MoveAside(side),
            path,
            to: Some(to),
            bytes: None,
            detail: Detail::MoveAside { side, name },
            before: None,
        };
        self.start(command, running)?;
        Ok(true)
    }
}

/// The wall clock as conflict names have it, `2026-11-23 140509`, in UTC.
fn date_time(now: Now) -> String {
    jiff::Timestamp::from_second(now.wall.seconds())
        .map_or_else(|_| now.wall.seconds().to_string(), |time| time.strftime("%Y-%m-%d %H%M%S").to_string())
}

/// A local file that has a content already, as far as is known.
fn twin(index: &Index, content: Content) -> Result<Option<(RelativePath, FileStat)>, FolderError> {
    let Some(node) = index.with_content(content)? else { return Ok(None) };
    let Local::File { stat, .. } = node.local else { return Ok(None) };
    Ok(Some((index.path(node.id)?, stat)))
}

/// Where the local side wins anyway, what an upload overwrites is a revision. Where both sides count it
/// must be what was decided on.
fn replaced_by_upload(settings: &FolderSettings, node: &Node) -> Replaces {
    match node.remote.as_ref().map(|remote| remote.node) {
        _ if !settings.mode.pulls() => Replaces::Anything,
        Some(RemoteNode::File(file)) => Replaces::File(file.content),
        Some(RemoteNode::Directory) | None => Replaces::Nothing,
    }
}

#[cfg(test)]
mod tests;
