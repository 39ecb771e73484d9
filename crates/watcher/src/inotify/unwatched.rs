//! The directories that cannot be watched: why, and how many there are. Does not touch them.

use std::collections::BTreeMap;

use super::tree::{NodeId, Tree};
use crate::hint::RescanCause;

/// Why a directory is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// There are as many watches as there may be.
    Limit,
    /// It must not be read.
    Unreadable,
    /// It is in the tree twice (a bind mount), and the kernel knows only one place for its events.
    Twice,
    /// Anything else; the log says what.
    Failed,
}

impl Reason {
    pub(super) fn cause(self) -> RescanCause {
        match self {
            Self::Limit => RescanCause::WatchLimit,
            Self::Unreadable | Self::Twice | Self::Failed => RescanCause::WatchError,
        }
    }

    /// A directory that must not be read cannot be looked at either; that it becomes readable is an event.
    fn is_polled(self) -> bool {
        self != Self::Unreadable
    }
}

/// The directories that are not watched, and the network file systems, whose watches do not tell all.
#[derive(Debug, Default)]
pub(super) struct Unwatched {
    nodes: BTreeMap<NodeId, Hole>,
    /// Per device: where it begins, and which network file system it is, if it is one.
    devices: BTreeMap<u64, (NodeId, Option<&'static str>)>,
}

#[derive(Debug)]
struct Hole {
    reason: Reason,
    /// Directories below when it was last tried; they have no nodes.
    below: usize,
}

/// How many directories are polled and how many unreadable.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// Without a node of their own watch; to be added to the watched ones.
    pub(super) unwatched: usize,
    pub(super) polled: usize,
    pub(super) unreadable: usize,
}

impl Unwatched {
    pub(super) fn insert(&mut self, node: NodeId, reason: Reason, below: usize) {
        self.nodes.insert(node, Hole { reason, below });
    }

    pub(super) fn remove(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    /// Forgets a node that is freed.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.nodes.remove(&node);
        self.devices.retain(|_, (top, _)| *top != node);
    }

    pub(super) fn reason(&self, node: NodeId) -> Option<Reason> {
        self.nodes.get(&node).map(|hole| hole.reason)
    }

    pub(super) fn has_unreadable(&self) -> bool {
        self.nodes.values().any(|hole| !hole.reason.is_polled())
    }

    pub(super) fn has_limited(&self) -> bool {
        self.nodes.values().any(|hole| hole.reason == Reason::Limit)
    }

    /// Notes the device of a directory; `network` is asked once for each.
    pub(super) fn note_device(
        &mut self,
        tree: &Tree,
        device: u64,
        node: NodeId,
        network: impl FnOnce() -> Option<&'static str>,
    ) {
        match self.devices.get(&device) {
            Some((top, _)) if tree.is_within(*top, Tree::ROOT) => {}
            _ => {
                self.devices.insert(device, (node, network()));
            }
        }
    }

    /// The network file system of the root itself.
    pub(super) fn root_network(&self) -> Option<&'static str> {
        self.devices.values().find(|(top, _)| *top == Tree::ROOT).and_then(|(_, network)| *network)
    }

    /// The directories that are looked at by the clock.
    pub(super) fn polled(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, hole)| hole.reason.is_polled()).map(|(node, _)| *node).collect()
    }

    /// The directories that have to wait until they can be read.
    pub(super) fn unreadable(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, hole)| !hole.reason.is_polled()).map(|(node, _)| *node).collect()
    }

    /// Where network file systems begin.
    pub(super) fn networks(&self) -> Vec<NodeId> {
        self.devices.values().filter(|(_, network)| network.is_some()).map(|(top, _)| *top).collect()
    }

    pub(super) fn is_polling(&self) -> bool {
        self.nodes.values().any(|hole| hole.reason.is_polled()) || !self.networks().is_empty()
    }

    pub(super) fn counts(&self, tree: &Tree) -> Counts {
        let mut counts = Counts::default();
        for (node, hole) in &self.nodes {
            let directories = 1 + hole.below;
            counts.unwatched += directories - usize::from(tree.watch(*node).is_some());
            if hole.reason.is_polled() {
                counts.polled += directories;
            } else {
                counts.unreadable += directories;
            }
        }
        counts.polled += self.networks().into_iter().map(|top| tree.count(top)).sum::<usize>();
        counts
    }
}
