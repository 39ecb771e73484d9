//! Names that are one to the service, of which a look has shown one and not the other that was known: whether
//! the other one is still there it cannot say yet, because it may be late (protocol U-38).
//!
//! Until that is known the service may have one entry where the index has two, and whatever is asked for
//! under the one name may reach what the other one stands for. So neither is worked on, nor anything below.

use std::collections::{BTreeMap, BTreeSet};

use crate::folder::namesakes;
use crate::folder::{Folder, FolderError};
use crate::index::{Fact, Node, NodeId};

/// The names that are in doubt.
#[derive(Debug, Default)]
pub(in crate::folder) struct Contesting {
    /// Rows that were not shown, and their namesakes that were.
    contested: BTreeMap<NodeId, BTreeSet<NodeId>>,
}

impl Contesting {
    pub(in crate::folder) fn is_idle(&self) -> bool {
        self.contested.is_empty()
    }

    /// Whether this row is one of those that the service may have as one entry.
    pub(in crate::folder) fn holds(&self, node: NodeId) -> bool {
        self.contested.iter().any(|(unseen, namesakes)| *unseen == node || namesakes.contains(&node))
    }

    /// A look has shown this row under a name of its own.
    pub(super) fn seen(&mut self, node: NodeId) {
        self.contested.remove(&node);
    }
}

impl Folder {
    /// A look has not shown a row, and may have been too late for that; tells whether it has shown a
    /// namesake.
    pub(super) fn contest(
        &mut self,
        unseen: &Node,
        is_seen: &dyn Fn(NodeId) -> bool,
    ) -> Result<bool, FolderError> {
        let shown = namesakes::shown(&self.index, unseen, is_seen)?;
        if shown.is_empty() {
            return Ok(false);
        }
        self.contesting.contested.insert(unseen.id, shown);
        // Another run would take both for what the service has.
        self.index.set_fact(Fact::ContestedNames, Some("1"))?;
        Ok(true)
    }

    /// Forgets what was decided: by a look at the directory, or because a directory above is gone.
    pub(in crate::folder) fn review_contests(&mut self) -> Result<(), FolderError> {
        if self.contesting.is_idle() {
            return Ok(());
        }
        for (unseen, namesakes) in std::mem::take(&mut self.contesting.contested) {
            let Some(node) = self.index.node(unseen)?.filter(|node| node.remote.is_some()) else { continue };
            let mut rivals = BTreeSet::new();
            for id in namesakes {
                let other = self.index.node(id)?;
                if other.is_some_and(|other| other.remote.is_some() && other.parent == node.parent) {
                    rivals.insert(id);
                }
            }
            if !rivals.is_empty() {
                self.contesting.contested.insert(unseen, rivals);
            }
        }
        if self.contesting.is_idle() {
            self.round.restart();
        }
        Ok(())
    }

    /// Whether a row, or one above it, is in doubt.
    pub(super) fn is_contested_at(&self, id: NodeId) -> Result<bool, FolderError> {
        if self.contesting.is_idle() || self.index.node(id)?.is_none() {
            return Ok(false);
        }
        Ok(self.index.lineage(id)?.iter().any(|node| self.contesting.holds(node.id)))
    }
}
