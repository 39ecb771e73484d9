//! The directories that a walk over rows comes through. Each is worked out from the one above it, so that the
//! cost of a walk follows its rows and not their depth.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use jottad_core::{Entry, Name, RelativePath, StoredName, StoredPath};

use super::deciding;
use crate::folder::{Folder, FolderError};
use crate::index::{Index, IndexError, Local, Node, NodeId};
use crate::settings::FolderSettings;

/// More directories than this are not remembered: memory does not grow with the tree.
const MOST_REMEMBERED: usize = 1024;
/// Rows do not hang together deeper than this.
const DEEPEST: usize = 4096;

/// What is known of the directory that a row is in.
#[derive(Debug)]
// Four independent facts; none of them is a state of another.
#[allow(clippy::struct_excessive_bools)]
pub(in crate::folder) struct Surroundings {
    pub(super) directory: NodeId,
    /// The directory that it is in itself, and what it is called there; `None` for the root.
    above: Option<(Rc<Surroundings>, Arc<Node>)>,
    /// Nothing may be done here: a directory above could not be read, is ignored, or is something else.
    pub(in crate::folder) frozen: bool,
    /// An operation is at work on a directory above.
    pub(super) busy: bool,
    /// The remote directory is there.
    pub(super) remote_is_there: bool,
    /// The local directory is there.
    pub(super) local_is_there: bool,
}

impl Surroundings {
    /// The rows of the directory and of those above it, from the root down.
    pub(in crate::folder) fn rows(&self) -> Vec<&Node> {
        let mut rows = Vec::new();
        let mut place = self;
        while let Some((above, node)) = &place.above {
            rows.push(&**node);
            place = above;
        }
        rows.reverse();
        rows
    }

    /// The local path of a name in the directory.
    pub(super) fn join(&self, name: &Name) -> RelativePath {
        RelativePath::of_names(self.rows().into_iter().map(|node| &node.name).chain([name]))
    }

    /// The remote path of a name in the directory.
    pub(super) fn join_stored(&self, name: StoredName) -> StoredPath {
        StoredPath::new(self.rows().into_iter().map(Node::stored_name).chain([name]).collect())
    }
}

/// The directories of one walk. What is known of them holds while the walk changes nothing.
#[derive(Debug, Default)]
pub(in crate::folder) struct Places {
    revision: (u64, u64),
    busy: usize,
    known: BTreeMap<NodeId, Rc<Surroundings>>,
    /// Whether a directory goes into a trash with all that is in it.
    going: BTreeMap<NodeId, bool>,
}

impl Folder {
    /// What is known of a directory, with all above it.
    pub(in crate::folder) fn place(
        &self,
        places: &mut Places,
        directory: NodeId,
    ) -> Result<Rc<Surroundings>, FolderError> {
        self.renew(places);
        let mut below = Vec::new();
        let mut id = directory;
        let mut above = loop {
            if let Some(known) = places.known.get(&id) {
                break Rc::clone(known);
            }
            if id == NodeId::NEW || id == NodeId::ROOT {
                let top = Rc::new(self.top_place(id)?);
                places.known.insert(id, Rc::clone(&top));
                break top;
            }
            let node = row_above(&self.index, id, below.len())?;
            id = node.parent;
            below.push(node);
        };
        for node in below.into_iter().rev() {
            let id = node.id;
            above = Rc::new(self.place_in(above, node));
            places.known.insert(id, Rc::clone(&above));
        }
        Ok(above)
    }

    /// Whether a directory, or one above it, is removed with all that is in it.
    pub(super) fn goes_as_a_whole(
        &self,
        places: &mut Places,
        directory: NodeId,
    ) -> Result<bool, FolderError> {
        self.renew(places);
        let mut below = Vec::new();
        let mut id = directory;
        let mut goes = loop {
            if id == NodeId::NEW || id == NodeId::ROOT {
                break false;
            }
            if let Some(known) = places.going.get(&id) {
                break *known;
            }
            let node = row_above(&self.index, id, below.len())?;
            id = node.parent;
            below.push(node);
        };
        for node in below.into_iter().rev() {
            goes = goes || is_removed(&self.index, &self.settings, &node)?;
            places.going.insert(node.id, goes);
        }
        Ok(goes)
    }

    fn renew(&self, places: &mut Places) {
        let (revision, busy) = (self.index.revision(), self.in_flight.len());
        if places.revision != revision || places.busy != busy || places.known.len() >= MOST_REMEMBERED {
            places.known.clear();
        }
        if places.revision != revision || places.going.len() >= MOST_REMEMBERED {
            places.going.clear();
        }
        (places.revision, places.busy) = (revision, busy);
    }

    /// The root, or nothing at all, which is what the root's own row is in.
    fn top_place(&self, directory: NodeId) -> Result<Surroundings, FolderError> {
        let root = if directory == NodeId::ROOT { self.index.node(NodeId::ROOT)? } else { None };
        let is_above = directory == NodeId::NEW;
        Ok(Surroundings {
            directory,
            above: None,
            frozen: !is_above && self.rules_settling.holds(NodeId::ROOT),
            busy: !is_above && self.in_flight.is_at(NodeId::ROOT),
            remote_is_there: is_above
                || root.as_ref().is_some_and(|root| root.remote_entry() == Entry::Directory),
            local_is_there: is_above || root.is_some_and(|root| root.local.is_directory()),
        })
    }

    fn place_in(&self, above: Rc<Surroundings>, node: Arc<Node>) -> Surroundings {
        // What the remote side has was never seen by a scan, so the rules are asked here.
        let is_kept_away = node.local == Local::Absent
            && node.base.is_none()
            && !self.rules.is_empty()
            && self.rules.ignores(&above.join(&node.name), true);
        let is_closed = matches!(
            node.local,
            Local::Other | Local::Ignored | Local::UnreadableDirectory(_) | Local::MountChanged(_)
        );
        Surroundings {
            directory: node.id,
            frozen: above.frozen
                || is_closed
                || is_kept_away
                || self.contesting.holds(node.id)
                || self.rules_settling.holds(node.id),
            busy: above.busy || self.in_flight.is_at(node.id),
            remote_is_there: node.remote_entry() == Entry::Directory,
            local_is_there: node.local.is_directory(),
            above: Some((above, node)),
        }
    }
}

/// Whether the path rules ask to remove a directory that one side gave up.
fn is_removed(index: &Index, settings: &FolderSettings, directory: &Node) -> Result<bool, FolderError> {
    let is_given_up = directory.local == Local::Absent || directory.remote.is_none();
    Ok(is_given_up
        && directory.base.is_some()
        && deciding::decide(index, settings, directory)?.is_some_and(|decision| decision.action.is_delete()))
}

fn row_above(index: &Index, id: NodeId, depth: usize) -> Result<Arc<Node>, FolderError> {
    if depth > DEEPEST {
        return Err(IndexError::Damaged("rows hang together in a ring".to_owned()).into());
    }
    let node = index.above(id)?;
    Ok(node.ok_or_else(|| IndexError::Damaged(format!("row {} hangs in the air", id.0)))?)
}
