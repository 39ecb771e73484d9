//! Saving a row, and what follows for those around it.

use jottad_core::Kind;

use super::node::{Node, NodeId};
use super::row::{insert_node, update_node};
use super::{Index, IndexError};

/// After so many new rows it is looked how many pages are kept in memory.
const PAGE_CACHE_FITTED_EVERY: i64 = 1 << 14;

impl Index {
    /// Writes a row: a new one gets its id, an empty one is removed, with the empty directories above it.
    pub(crate) fn save(&mut self, node: &mut Node) -> Result<(), IndexError> {
        self.begin()?;
        if node.local.kind() != Some(Kind::Directory) {
            // Nothing can be mounted on, or lie in, what is no directory.
            node.mount = None;
            node.holds_unsynced = false;
        }
        let before = if node.id == NodeId::NEW { None } else { self.row(node.id)? };
        if node.id != NodeId::NEW {
            if let Some(before) = &before {
                if **before == *node {
                    return Ok(());
                }
                self.totals.remove(before);
                if before.parent != node.parent {
                    self.changed_in(before.parent)?;
                    self.moved_to(node.id, node.parent);
                }
                if node.local.kind() == Some(Kind::Directory)
                    && (before.parent != node.parent || before.name != node.name)
                {
                    self.ignore_files_moved();
                }
                // The rules of a directory are gone with it.
                if before.local.kind() == Some(Kind::Directory) && node.local.kind() != Some(Kind::Directory)
                {
                    self.forget_ignore_file(node.id)?;
                }
            }
        } else if node.is_empty() {
            return Ok(());
        }
        self.changed_in(node.parent)?;
        if node.is_empty() && node.id != NodeId::ROOT && !self.has_children(node.id)? {
            self.delete_row(node.id)?;
            return self.remove_if_abandoned(node.parent);
        }
        debug_assert!(
            node.id == NodeId::ROOT || self.node(node.parent)?.is_some(),
            "{:?} would hang in the air",
            node.name
        );
        self.totals.add(node);
        self.write_row(before.as_deref(), node)
    }

    /// Removes a row that has become empty without a write of its own: its last child has left.
    pub(super) fn save_empty(&mut self, node: &mut Node) -> Result<(), IndexError> {
        self.begin()?;
        self.changed_in(node.parent)?;
        self.delete_row(node.id)?;
        self.remove_if_abandoned(node.parent)
    }

    fn delete_row(&mut self, id: NodeId) -> Result<(), IndexError> {
        self.forget_inside(id);
        for statement in [
            "DELETE FROM node WHERE id = ?1",
            "DELETE FROM problem WHERE node = ?1",
            "DELETE FROM held WHERE node = ?1",
            "DELETE FROM ignore_file WHERE directory = ?1",
        ] {
            self.connection.prepare_cached(statement)?.execute([id]).inspect_err(|_| self.rows.clear())?;
        }
        self.rows.deleted(id);
        Ok(())
    }

    /// Removes a directory's row that was kept only for what was in it.
    fn remove_if_abandoned(&mut self, id: NodeId) -> Result<(), IndexError> {
        let mut id = id;
        while id != NodeId::ROOT {
            match self.node(id)? {
                Some(node) if node.is_empty() && !self.has_children(id)? => {
                    self.changed_in(node.parent)?;
                    self.delete_row(id)?;
                    id = node.parent;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn write_row(&mut self, before: Option<&Node>, node: &mut Node) -> Result<(), IndexError> {
        if node.id == NodeId::NEW {
            self.last_id += 1;
            node.id = NodeId(self.last_id);
            if self.last_id % PAGE_CACHE_FITTED_EVERY == 0 {
                self.fit_page_cache()?;
            }
        }
        let written = match before {
            Some(before) => update_node(&self.connection, before, node),
            None => insert_node(&self.connection, node),
        };
        // What a statement that failed has done is not known.
        written.inspect_err(|_| self.rows.clear())?;
        self.rows.written(node);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::Name;

    use super::*;
    use crate::builders::new_index;
    use crate::disk::Identity;
    use crate::index::Local;

    fn directory(name: &str, inode: u64) -> Node {
        let mut node = Node::new(NodeId::ROOT, Name::new(name.as_bytes().to_vec()).unwrap());
        node.local = Local::Directory(Identity { inode, born: 1 });
        node
    }

    #[test]
    fn the_number_of_a_row_that_is_gone_is_not_given_again() {
        let (_place, mut index) = new_index();
        let mut gone = directory("gone", 2);
        index.save(&mut gone).unwrap();
        let number = gone.id;
        gone.local = Local::Absent;
        index.save(&mut gone).unwrap();
        assert_eq!(index.node(number).unwrap(), None);
        let mut next = directory("next", 3);
        index.save(&mut next).unwrap();
        assert_ne!(next.id, number);
    }
}
