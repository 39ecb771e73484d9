//! The directories that a walk over rows comes through. Each is worked out from the one above it, so that the cost of a
//! walk follows its rows and not their depth.

use std::collections::BTreeMap;
use std::rc::Rc;

use jottad_core::{Entry, RelativePath, StoredPath};

use super::planning::Surroundings;
use super::{Folder, FolderError};
use crate::index::{IndexError, Local, Node, NodeId};

/// More directories than this are not remembered: memory does not grow with the tree.
const MOST_REMEMBERED: usize = 1024;
/// Rows do not hang together deeper than this.
const DEEPEST: usize = 4096;

/// The directories of one walk. What is known of them holds while the walk changes nothing.
#[derive(Debug, Default)]
pub(super) struct Places {
    revision: (u64, u64),
    busy: usize,
    known: BTreeMap<NodeId, Rc<Surroundings>>,
    /// Whether a directory goes into a trash with all that is in it.
    going: BTreeMap<NodeId, bool>,
}

impl Folder {
    /// What is known of a directory, with all above it.
    pub(super) fn place(
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
            let node = self.row_above(id, below.len())?;
            id = node.parent;
            below.push(node);
        };
        for node in below.into_iter().rev() {
            above = Rc::new(self.place_in(&above, &node));
            places.known.insert(node.id, Rc::clone(&above));
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
            let node = self.row_above(id, below.len())?;
            id = node.parent;
            below.push(node);
        };
        for node in below.into_iter().rev() {
            goes = goes || self.is_removed(&node)?;
            places.going.insert(node.id, goes);
        }
        Ok(goes)
    }

    /// Whether the path rules ask to remove a directory that one side gave up.
    fn is_removed(&self, directory: &Node) -> Result<bool, FolderError> {
        let is_given_up = directory.local == Local::Absent || directory.remote.is_none();
        Ok(is_given_up
            && directory.base.is_some()
            && self.decide(directory)?.is_some_and(|decision| decision.action.is_delete()))
    }

    fn renew(&self, places: &mut Places) {
        let (revision, busy) = (self.index.revision(), self.busy.len());
        if places.revision != revision || places.busy != busy || places.known.len() >= MOST_REMEMBERED {
            places.known.clear();
        }
        if places.revision != revision || places.going.len() >= MOST_REMEMBERED {
            places.going.clear();
        }
        (places.revision, places.busy) = (revision, busy);
    }

    fn row_above(&self, id: NodeId, depth: usize) -> Result<Node, FolderError> {
        if depth > DEEPEST {
            return Err(IndexError::Damaged("rows hang together in a ring".to_owned()).into());
        }
        let node = self.index.node(id)?;
        Ok(node.ok_or_else(|| IndexError::Damaged(format!("row {} hangs in the air", id.0)))?)
    }

    /// The root, or nothing at all, which is what the root's own row is in.
    fn top_place(&self, directory: NodeId) -> Result<Surroundings, FolderError> {
        let root = if directory == NodeId::ROOT { self.index.node(NodeId::ROOT)? } else { None };
        let is_above = directory == NodeId::NEW;
        Ok(Surroundings {
            directory,
            path: RelativePath::root(),
            stored: StoredPath::root(),
            frozen: false,
            busy: !is_above && self.busy.contains(&NodeId::ROOT),
            remote_is_there: is_above
                || root.as_ref().is_some_and(|root| root.remote_entry() == Entry::Directory),
            local_is_there: is_above || root.is_some_and(|root| root.local.is_directory()),
        })
    }

    fn place_in(&self, above: &Surroundings, node: &Node) -> Surroundings {
        let path = above.path.join(&node.name);
        // What the remote side has was never seen by a scan, so the rules are asked here.
        let is_kept_away = node.local == Local::Absent
            && node.base.is_none()
            && !self.rules.is_empty()
            && self.rules.ignores(&path, true);
        let is_closed = matches!(
            node.local,
            Local::Other | Local::Ignored | Local::UnreadableDirectory(_) | Local::MountChanged(_)
        );
        Surroundings {
            directory: node.id,
            stored: above.stored.join(node.stored_name()),
            frozen: above.frozen || is_closed || is_kept_away,
            busy: above.busy || self.busy.contains(&node.id),
            remote_is_there: node.remote_entry() == Entry::Directory,
            local_is_there: node.local.is_directory(),
            path,
        }
    }
}
