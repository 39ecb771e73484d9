//! What stands in directories whose entries do not count yet, because their rules cannot be read or are
//! changing: what has gone from its place may be there.
//!
//! Nothing may be sent from such a directory, so what the service has of an entry at the place that it came
//! from is all that it has of it.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{Entry, Kind};

use crate::disk::{DiskEntry, DiskNode, Identity};
use crate::folder::plan::places::Surroundings;
use crate::folder::{Folder, FolderError};
use crate::index::{Node, NodeId};

/// The files and directories that were seen in such directories, and were not known to be there.
#[derive(Debug, Default)]
pub(in crate::folder) struct Standing(BTreeMap<NodeId, BTreeSet<(Kind, Identity)>>);

impl Standing {
    /// The entries of a directory count, or never will: it is gone, or a rule ignores it.
    pub(in crate::folder) fn forget(&mut self, directory: NodeId) {
        self.0.remove(&directory);
    }

    /// The directories in which something was seen.
    fn directories_with(&self, kind: Kind, identity: Identity) -> impl Iterator<Item = NodeId> {
        let with = self.0.iter().filter(move |(_, seen)| seen.contains(&(kind, identity)));
        with.map(|(directory, _)| *directory)
    }
}

impl Folder {
    /// Notes what a directory was seen to hold whose entries do not count.
    pub(super) fn note_standing(
        &mut self,
        directory: NodeId,
        entries: &[DiskEntry],
    ) -> Result<(), FolderError> {
        let mut seen = BTreeSet::new();
        for entry in entries {
            let (kind, identity) = match entry.node {
                DiskNode::File(stat) => (Kind::File, stat.identity),
                DiskNode::Directory(identity) => (Kind::Directory, identity),
                DiskNode::Other(_) => continue,
            };
            let known = self.index.child(directory, &entry.name)?;
            let is_known = known.is_some_and(|node| {
                node.base.is_some_and(|base| base.identity == identity)
                    || node.local.identity() == Some(identity)
            });
            if !is_known {
                seen.insert((kind, identity));
            }
        }
        self.standing.0.insert(directory, seen);
        Ok(())
    }

    /// Whether a directory, or one above it, has gone from its place and keeps its copy for that, whatever is
    /// there now.
    pub(in crate::folder) fn is_in_what_nothing_is_sent_for(
        &self,
        here: &Surroundings,
    ) -> Result<bool, FolderError> {
        for above in here.rows() {
            let has_gone = above.base.is_some_and(|base| above.local.identity() != Some(base.identity));
            if has_gone && self.is_where_nothing_is_sent(above)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether what has gone from its place has arrived where nothing may be sent from: until it may, what
    /// the service has at the old place is all that it has of it.
    pub(in crate::folder) fn is_where_nothing_is_sent(&self, node: &Node) -> Result<bool, FolderError> {
        let Some(identity) = node.base.map(|base| base.identity) else { return Ok(false) };
        let kind = match node.base_entry() {
            Entry::File(_) => Kind::File,
            Entry::Directory => Kind::Directory,
            Entry::Absent | Entry::Untracked => return Ok(false),
        };
        for arrived in self.index.arrived(kind, identity)? {
            let place = if kind == Kind::Directory { arrived.id } else { arrived.parent };
            if arrived.id != node.id && self.surroundings(place)?.frozen {
                return Ok(true);
            }
        }
        for directory in self.standing.directories_with(kind, identity) {
            // It may have gone with all that was in it.
            if self.index.node(directory)?.is_some() && self.surroundings(directory)?.frozen {
                return Ok(true);
            }
        }
        Ok(kind == Kind::Directory && self.index.is_unreadable_elsewhere(identity)?)
    }
}
