//! The rows of the directories that are above others: mostly kept in memory, so that a deep path costs no
//! query for each of its levels.

use std::sync::Arc;

use jottad_core::Name;

use super::{Index, IndexError, Node, NodeId};

/// Rows do not hang together deeper than this.
const DEEPEST: usize = 4096;

impl Index {
    /// The row of a directory above another one.
    pub(crate) fn above(&self, id: NodeId) -> Result<Option<Arc<Node>>, IndexError> {
        self.row(id)
    }

    /// The directories that an entry is in, from its own up to the one below the root.
    pub(crate) fn directories_above(&self, parent: NodeId) -> Result<Vec<Arc<Node>>, IndexError> {
        let mut rows: Vec<Arc<Node>> = Vec::new();
        let mut id = parent;
        while id != NodeId::ROOT && id != NodeId::NEW {
            let node = self.above(id)?;
            let node = node.ok_or_else(|| IndexError::Damaged(format!("row {} hangs in the air", id.0)))?;
            id = node.parent;
            rows.push(node);
            if rows.len() > DEEPEST {
                return Err(IndexError::Damaged("rows hang together in a ring".to_owned()));
            }
        }
        Ok(rows)
    }

    /// Whether the local side alone has a directory.
    pub(crate) fn is_only_here(&self, directory: NodeId) -> Result<bool, IndexError> {
        let node = self.above(directory)?;
        Ok(node.is_some_and(|node| node.base.is_none() && node.remote.is_none() && node.local.is_directory()))
    }

    /// The row of a directory on the way to what is below it, if it is remembered.
    pub(crate) fn remembered_in(&self, parent: NodeId, name: &Name) -> Option<Arc<Node>> {
        self.rows.of_place(parent, name)
    }

    /// Keeps a row that was read as it is in the index.
    pub(crate) fn remember(&self, node: Node) {
        self.rows.remember(node);
    }

    /// The row of a directory on the way to what is below it.
    pub(crate) fn directory_in(&self, parent: NodeId, name: &Name) -> Result<Option<Arc<Node>>, IndexError> {
        if let Some(node) = self.rows.of_place(parent, name) {
            return Ok(Some(node));
        }
        Ok(self.child(parent, name)?.map(|node| self.rows.remember(node)))
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::RelativePath;

    use super::*;
    use crate::builders::new_index;
    use crate::disk::Identity;
    use crate::index::Local;

    #[test]
    fn a_row_that_was_written_moved_or_deleted_is_not_remembered_as_it_was() {
        let (_place, mut index) = new_index();
        let name = |name: &str| Name::try_from(name).unwrap();
        let path = |text: &str| RelativePath::try_from(text).unwrap();
        let add = |index: &mut Index, parent, text: &str, inode| {
            let mut node = Node::new(parent, name(text));
            node.local = Local::Directory(Identity { inode, born: 1 });
            index.save(&mut node).unwrap();
            node
        };
        let mut one = add(&mut index, NodeId::ROOT, "one", 2);
        let mut two = add(&mut index, one.id, "two", 3);
        let three = add(&mut index, two.id, "three", 4);
        let here = |index: &Index, text: &str| index.locate(&path(text)).unwrap().map(|node| node.id);
        assert_eq!(here(&index, "one/two/three"), Some(three.id));
        assert_eq!(index.path(three.id).unwrap(), path("one/two/three"));

        two.name = name("other");
        index.save(&mut two).unwrap();
        assert_eq!(here(&index, "one/two/three"), None);
        assert_eq!(here(&index, "one/other/three"), Some(three.id));
        assert_eq!(index.path(three.id).unwrap(), path("one/other/three"));

        one.local = Local::UnreadableDirectory(Identity { inode: 2, born: 1 });
        index.save(&mut one).unwrap();
        let lineage = index.lineage(three.id).unwrap();
        assert_eq!(lineage, [one.clone(), two.clone(), three.clone()]);

        for mut node in [three, two, one] {
            node.local = Local::Absent;
            index.save(&mut node).unwrap();
        }
        assert_eq!(here(&index, "one"), None);
        let again = add(&mut index, NodeId::ROOT, "one", 5);
        assert_eq!(here(&index, "one"), Some(again.id));
    }
}
