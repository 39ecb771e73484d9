//! Operations in flight: what was asked for and has not ended yet.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{File, Loss, Name, OperationKind, RelativePath, Side};

use crate::event::CommandId;
use crate::index::{NodeId, RemoteMove, RemoteRecord};

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
    /// What the remote side was known to have before this claimed it; filled in when it starts.
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
    pub(super) fn changes_the_disk(&self) -> bool {
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
    pub(super) fn claims(&self) -> bool {
        matches!(self.detail, Detail::Upload { .. } | Detail::MakeRemoteDirectory)
    }

    pub(super) fn carries_content(&self) -> bool {
        self.bytes.is_some()
    }
}

/// The operations in flight, at most one at a row.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    running: BTreeMap<CommandId, Running>,
    rows: BTreeSet<NodeId>,
}

impl InFlight {
    pub(super) fn begin(&mut self, command: CommandId, running: Running) {
        self.rows.insert(running.node);
        self.running.insert(command, running);
    }

    /// Takes out an operation that has ended.
    pub(super) fn end(&mut self, command: CommandId) -> Option<Running> {
        let running = self.running.remove(&command)?;
        self.rows.remove(&running.node);
        Some(running)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CommandId, &Running)> {
        self.running.iter().map(|(command, running)| (*command, running))
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = &Running> {
        self.running.values()
    }

    /// Whether one is at work at a row.
    pub(super) fn is_at(&self, row: NodeId) -> bool {
        self.rows.contains(&row)
    }

    /// The one that is at work at a row.
    pub(super) fn at(&self, row: NodeId) -> Option<&Running> {
        self.running.values().find(|running| running.node == row)
    }

    /// Whether one is at work at a path, below it or above it.
    pub(super) fn is_along(&self, path: &RelativePath) -> bool {
        self.running.values().any(|running| running.path.starts_with(path) || path.starts_with(&running.path))
    }

    /// Whether one changes which entries there are beyond its own.
    pub(super) fn has_structural(&self) -> bool {
        self.running.values().any(Running::is_structural)
    }

    /// Whether something is on its way to the local trash.
    pub(super) fn trashes_locally(&self) -> bool {
        self.running.values().any(|running| matches!(running.detail, Detail::Trash { side: Side::Local, .. }))
    }

    /// Whether the file at this path is being sent or fetched.
    pub(super) fn carries(&self, path: &RelativePath) -> bool {
        self.running.values().any(|running| running.carries_content() && running.path == *path)
    }

    /// A row counts as worked on, or no longer.
    #[cfg(test)]
    pub(super) fn set_at(&mut self, row: NodeId, is_at: bool) {
        if is_at {
            self.rows.insert(row);
        } else {
            self.rows.remove(&row);
        }
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::moves::Parked;
    use jottad_core::{Content, Md5, Timestamp};

    use super::*;

    /// What each operation does: to which entries, and on which side.
    #[test]
    fn each_operation_says_what_it_changes() {
        let content = Content { md5: Md5::from_bytes([0; 16]), size: 1 };
        let file = File { content, modified: Timestamp::from_seconds(0) };
        let name = || Name::new(b"a".to_vec()).unwrap();
        let node = NodeId(7);
        let (loss, parked) = (Loss::default(), Parked::No);
        let remote_move = RemoteMove { source: node, directory: node, name: name(), parked };
        let [local, remote] = [Side::Local, Side::Remote];
        // Whether it is structural, sends, takes away what the service has, changes the disk, claims.
        for (detail, expected) in [
            (Detail::Upload { file }, [false, true, false, false, true]),
            (Detail::Download { file }, [false, false, false, true, false]),
            (Detail::MakeRemoteDirectory, [true, true, false, false, true]),
            (Detail::MakeLocalDirectory, [true, false, false, true, false]),
            (Detail::MoveRemote(remote_move), [true, false, true, false, false]),
            (Detail::Follow { target: node }, [true, false, false, true, false]),
            (Detail::Respell { name: name() }, [true, false, false, true, false]),
            (Detail::MoveAside { side: local, name: name() }, [true, false, false, true, false]),
            (Detail::MoveAside { side: remote, name: name() }, [true, false, true, false, false]),
            (Detail::Trash { side: local, loss }, [true, false, false, true, false]),
            (Detail::Trash { side: remote, loss }, [true, false, true, false, false]),
            (Detail::SetRemoteTime { file }, [false, true, false, false, false]),
            (Detail::SetLocalTime { file }, [false, false, false, true, false]),
        ] {
            let running = Running {
                node,
                directory: NodeId::ROOT,
                kind: OperationKind::Upload,
                path: RelativePath::root(),
                to: None,
                bytes: None,
                detail,
                before: None,
            };
            let told = [
                running.is_structural(),
                running.sends(),
                running.leaves(),
                running.changes_the_disk(),
                running.claims(),
            ];
            assert_eq!(told, expected, "{:?}", running.detail);
        }
    }
}
