//! Keeps a watch on every directory of the tree. Reads no events and gives no hints.
//!
//! Events about directories are treated like all others: as a reason to look. Whatever happened to a name,
//! the answer is found in one way, [`Cover::verify`]: open it, watch it, and ask the tree which directory
//! that is. The watch descriptor is the identity, because the kernel gives the same one for the same
//! directory wherever it was moved. So a rename needs no pairing of events, and one that is noticed late,
//! twice or in the wrong order comes out right. A directory is always watched before it is listed: what is
//! made before the listing is found by it, what is made later is an event.
//!
//! A directory that lost its place is kept adrift until the queue was read once more, since the event that
//! tells its new place may still be on its way.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use jottad_core::Name;
use rustix::io::Errno;

use super::open::{Chain, Identity, OpenError, Root, count_below, subdirectories};
use super::queue::Queue;
use super::tree::{NodeId, Tree};
use super::unwatched::{Reason, Unwatched};
use crate::filesystem::network_file_system;

/// The root is gone, or another directory took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RootLost;

/// What was found at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A directory that was not known, or the one that was known there.
    Here,
    /// A directory that was known at another place.
    Moved,
    /// A directory that cannot be watched.
    Unwatched(Reason),
    /// No directory.
    Nothing,
}

/// The watches on a tree.
#[derive(Debug)]
pub(super) struct Cover {
    pub(super) queue: Queue,
    pub(super) tree: Tree,
    pub(super) unwatched: Unwatched,
    root: Arc<Root>,
    pub(super) excluded: Excluded,
    watch_limit: usize,
    /// Nodes without a place, with the number of the drain in which they lost it.
    adrift: BTreeMap<NodeId, u64>,
    drains: u64,
    /// Set when the tree contradicts itself and has to be walked anew.
    tangled: bool,
}

impl Cover {
    pub(super) fn new(queue: Queue, root: Root, excluded: Vec<Name>, watch_limit: Option<usize>) -> Self {
        Self {
            queue,
            tree: Tree::new(),
            unwatched: Unwatched::default(),
            root: Arc::new(root),
            excluded: Excluded(excluded),
            watch_limit: watch_limit.unwrap_or(usize::MAX),
            adrift: BTreeMap::new(),
            drains: 0,
            tangled: false,
        }
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Watches a directory and everything below it, whatever was known of it before.
    pub(super) fn walk(&mut self, top: NodeId) -> Result<(), RootLost> {
        let root = Arc::clone(&self.root);
        self.walk_with(&mut Chain::new(&root), top).map(|_| ())
    }

    /// Finds out what is at a name and watches it.
    ///
    /// If the parent is elsewhere by now, an event about the parent is on its way, and whatever is found
    /// wrongly here is put right by the walk that follows it.
    pub(super) fn verify(&mut self, parent: NodeId, name: &[u8]) -> Result<Found, RootLost> {
        let child = self.tree.child_or_insert(parent, name);
        let root = Arc::clone(&self.root);
        let moved = self.walk_with(&mut Chain::new(&root), child)?;
        Ok(match self.tree.child(parent, name) {
            None => Found::Nothing,
            Some(child) => match self.unwatched.reason(child) {
                Some(reason) => Found::Unwatched(reason),
                None if moved => Found::Moved,
                None => Found::Here,
            },
        })
    }

    /// Whether the whole tree has to be walked again.
    pub(super) fn take_tangled(&mut self) -> bool {
        std::mem::take(&mut self.tangled)
    }

    pub(super) fn has_adrift(&self) -> bool {
        !self.adrift.is_empty()
    }

    /// Begins a new reading of the queue.
    pub(super) fn begin_drain(&mut self) {
        self.drains += 1;
    }

    /// Gives up what lost its place before the last drain, which was a complete one. Returns whether there
    /// was any.
    pub(super) fn sweep(&mut self) -> bool {
        let drains = self.drains;
        let lost: Vec<NodeId> =
            self.adrift.iter().filter(|(_, since)| **since < drains).map(|(node, _)| *node).collect();
        let any = !lost.is_empty();
        for top in lost {
            self.adrift.remove(&top);
            for (node, watch) in self.tree.free(top) {
                self.unwatched.forget(node);
                if let Some(watch) = watch {
                    self.queue.unwatch(watch);
                }
            }
        }
        any
    }

    /// Returns whether the top itself was known at another place.
    fn walk_with(&mut self, chain: &mut Chain<'_>, top: NodeId) -> Result<bool, RootLost> {
        let mut top_moved = false;
        let mut nodes = vec![top];
        while let Some(node) = nodes.pop() {
            if let Some(visited) = self.visit(chain, node)? {
                top_moved |= node == top && visited.moved;
                self.list(&visited, &mut nodes);
            }
        }
        Ok(top_moved)
    }

    /// Opens, watches, identifies and lists one directory; `None` if there is nothing to go on with.
    fn visit(&mut self, chain: &mut Chain<'_>, node: NodeId) -> Result<Option<Visited>, RootLost> {
        let directory = match chain.open(&self.tree, node) {
            Ok(directory) => directory,
            Err(OpenError::RootLost) => return Err(RootLost),
            Err(OpenError::Adrift) => return Ok(None),
            Err(OpenError::Gone) => {
                self.set_adrift(node);
                return Ok(None);
            }
            Err(OpenError::Unreadable) => {
                self.unwatched.insert(node, Reason::Unreadable, 0);
                return Ok(None);
            }
            Err(OpenError::Failed(error)) => {
                self.fail(node, error);
                return Ok(None);
            }
        };
        let Some((node, moved)) = self.identify(node, directory) else { return Ok(None) };
        self.unwatched.remove(node);
        if let Ok(identity) = Identity::of(directory) {
            let network = || network_file_system(directory);
            self.unwatched.note_device(&self.tree, identity.device, node, network);
        }
        match subdirectories(directory) {
            Ok(names) => Ok(Some(Visited { node, moved, names })),
            Err(error) => {
                self.fail(node, error);
                Ok(None)
            }
        }
    }

    /// Watches an open directory and finds the node that it is, which then hangs at the place of the given
    /// one.
    fn identify(&mut self, node: NodeId, directory: BorrowedFd<'_>) -> Option<(NodeId, bool)> {
        let watch = match self.watch(node, directory) {
            Ok(watch) => watch,
            Err(reason) => {
                self.unwatched.insert(node, reason, count_below(directory));
                for child in self.tree.children(node).to_vec() {
                    self.set_adrift(child);
                }
                return None;
            }
        };
        match self.tree.by_watch(watch) {
            Some(known) if known == node => Some((node, false)),
            None if self.tree.watch(node).is_none() => {
                self.tree.set_watch(node, Some(watch));
                Some((node, false))
            }
            None => {
                // Another directory has taken the name; the one that had it may have moved.
                let fresh = self.tree.insert_adrift();
                self.tree.set_watch(fresh, Some(watch));
                self.swap(node, fresh);
                Some((fresh, false))
            }
            Some(known) if self.is_at_its_place(known, directory) => {
                self.unwatched.insert(node, Reason::Twice, count_below(directory));
                None
            }
            Some(known) if self.tree.is_within(node, known) => {
                // A directory cannot be inside itself: the tree is behind by more than one rename.
                self.tangled = true;
                None
            }
            Some(known) => {
                self.tree.detach(known);
                self.adrift.remove(&known);
                self.swap(node, known);
                Some((known, true))
            }
        }
    }

    fn watch(&self, node: NodeId, directory: BorrowedFd<'_>) -> Result<i32, Reason> {
        match self.queue.watch(directory, node == Tree::ROOT) {
            Ok(watch) if self.tree.by_watch(watch).is_none() && self.tree.watched() >= self.watch_limit => {
                self.queue.unwatch(watch);
                Err(Reason::Limit)
            }
            Ok(watch) => Ok(watch),
            Err(Errno::NOSPC | Errno::NOMEM) => Err(Reason::Limit),
            Err(Errno::ACCESS | Errno::PERM) => Err(Reason::Unreadable),
            Err(error) => {
                tracing::warn!(path = ?self.tree.path(node), %error, "cannot watch directory");
                Err(Reason::Failed)
            }
        }
    }

    /// Notes what was listed: new names are to be visited, missing ones have moved or are gone.
    fn list(&mut self, visited: &Visited, nodes: &mut Vec<NodeId>) {
        let Visited { node, names, .. } = visited;
        for child in self.tree.children(*node).to_vec() {
            let is_listed = self
                .tree
                .place(child)
                .is_some_and(|(_, name)| names.binary_search_by(|n| (**n).cmp(name)).is_ok());
            if !is_listed {
                self.set_adrift(child);
            }
        }
        for name in names {
            if !self.excluded.contains(*node, name) {
                nodes.push(self.tree.child_or_insert(*node, name));
            }
        }
    }

    /// Whether the open directory is what is found at the known place of a node: then it has two places.
    fn is_at_its_place(&self, node: NodeId, directory: BorrowedFd<'_>) -> bool {
        let mut chain = Chain::new(&self.root);
        let Ok(there) = chain.open(&self.tree, node) else { return false };
        matches!((Identity::of(there), Identity::of(directory)), (Ok(there), Ok(here)) if there == here)
    }

    /// Hangs `node` where `old` hangs.
    fn swap(&mut self, old: NodeId, node: NodeId) {
        self.tree.replace(old, node);
        self.adrift.insert(old, self.drains);
    }

    fn set_adrift(&mut self, node: NodeId) {
        if self.tree.place(node).is_some() {
            self.tree.detach(node);
            self.adrift.insert(node, self.drains);
        }
    }

    fn fail(&mut self, node: NodeId, error: Errno) {
        tracing::warn!(path = ?self.tree.path(node), %error, "cannot read directory");
        self.unwatched.insert(node, Reason::Failed, 0);
    }
}

/// Names in the root that are none of our business.
#[derive(Debug)]
pub(super) struct Excluded(Vec<Name>);

impl Excluded {
    pub(super) fn contains(&self, parent: NodeId, name: &[u8]) -> bool {
        parent == Tree::ROOT && self.0.iter().any(|excluded| excluded.as_bytes() == name)
    }
}

/// A directory that was listed.
#[derive(Debug)]
struct Visited {
    node: NodeId,
    moved: bool,
    names: Vec<Box<[u8]>>,
}
