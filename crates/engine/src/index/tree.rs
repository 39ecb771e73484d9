//! Walking the rows as a tree: by name, by path, upwards and downwards.

use std::sync::Arc;

use jottad_core::{FoldKey, Name, RelativePath, StoredPath, encode_name};
use rusqlite::{OptionalExtension as _, params};

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Local, Node, NodeId};

/// Where a walk over the rows of one directory stands. Rows may be written and removed meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct ChildCursor {
    fold: i64,
    name: Vec<u8>,
}

impl Default for ChildCursor {
    fn default() -> Self {
        Self { fold: i64::MIN, name: Vec::new() }
    }
}

/// What the local side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) bytes: u64,
    /// Files that the base has, whether or not they are still there.
    pub(crate) base_files: u64,
    /// Entries of any kind that the base has, the root not counted.
    pub(crate) base_entries: u64,
    /// Directories at which a file system was mounted when they were read.
    pub(super) mounted: u64,
    /// Entries of the base that the local side has not as the base says.
    pub(super) departed: u64,
}

impl Totals {
    pub(super) fn add(&mut self, node: &Node) {
        let counted = Self::of(node);
        self.files += counted.files;
        self.directories += counted.directories;
        self.bytes += counted.bytes;
        self.base_files += counted.base_files;
        self.base_entries += counted.base_entries;
        self.mounted += counted.mounted;
        self.departed += counted.departed;
    }

    pub(super) fn remove(&mut self, node: &Node) {
        let counted = Self::of(node);
        self.files = self.files.saturating_sub(counted.files);
        self.directories = self.directories.saturating_sub(counted.directories);
        self.bytes = self.bytes.saturating_sub(counted.bytes);
        self.base_files = self.base_files.saturating_sub(counted.base_files);
        self.base_entries = self.base_entries.saturating_sub(counted.base_entries);
        self.mounted = self.mounted.saturating_sub(counted.mounted);
        self.departed = self.departed.saturating_sub(counted.departed);
    }

    fn of(node: &Node) -> Self {
        if node.id == NodeId::ROOT {
            return Self::default();
        }
        let (files, directories, bytes) = match node.local {
            Local::File { stat, .. } => (1, 0, stat.size),
            Local::Directory(_) | Local::UnreadableDirectory(_) | Local::MountChanged(_) => (0, 1, 0),
            Local::Absent | Local::Other | Local::Ignored => (0, 0, 0),
        };
        Self {
            files,
            directories,
            bytes,
            base_files: u64::from(node.base_entry().file().is_some()),
            base_entries: u64::from(node.base.is_some()),
            mounted: u64::from(node.mount.is_some()),
            departed: u64::from(node.base.is_some() && !node.local_is_base()),
        }
    }
}

impl Index {
    pub(crate) fn children(&self, parent: NodeId) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!("WHERE parent = ?1 ORDER BY id"))?;
        statement.query_and_then([parent], read_node)?.collect()
    }

    /// The next rows of a directory behind the cursor, which moves on; none are left if there are none.
    pub(crate) fn next_children(
        &self,
        parent: NodeId,
        cursor: &mut ChildCursor,
        limit: u32,
    ) -> Result<Vec<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!(
            "INDEXED BY node_by_name \
             WHERE parent = ?1 AND (fold, name) > (?2, ?3) ORDER BY fold, name LIMIT ?4"
        ))?;
        let ChildCursor { fold, name } = &*cursor;
        let found = statement.query_and_then(params![parent, fold, name, limit], read_node)?;
        let rows: Vec<Node> = found.collect::<Result<_, _>>()?;
        if let Some(last) = rows.last() {
            let fold = FoldKey::of(&encode_name(&last.name)).number();
            *cursor = ChildCursor { fold, name: last.name.as_bytes().to_vec() };
        }
        Ok(rows)
    }

    /// The directories at which a file system was mounted when they were read; nearly always none.
    pub(crate) fn mounts(&self) -> Result<Vec<Node>, IndexError> {
        if self.totals.mounted == 0 {
            return Ok(Vec::new());
        }
        let mut statement = self
            .connection
            .prepare_cached(select_nodes!("INDEXED BY node_mounted WHERE mount IS NOT NULL ORDER BY id"))?;
        statement.query_and_then([], read_node)?.collect()
    }

    /// The rows that have anything and whose names hold these bytes, by directory. Looks at every row.
    pub(crate) fn named_with(&self, part: &[u8]) -> Result<Vec<Node>, IndexError> {
        let mut statement =
            self.connection.prepare_cached(select_nodes!("WHERE instr(name, ?1) ORDER BY parent, id"))?;
        statement.query_and_then([part], read_node)?.collect()
    }

    pub(crate) fn has_children(&self, parent: NodeId) -> Result<bool, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM node WHERE parent = ?1 LIMIT 1")?;
        Ok(statement.exists([parent])?)
    }

    /// The row at a path.
    pub(crate) fn locate(&self, path: &RelativePath) -> Result<Option<Node>, IndexError> {
        let (directory, Some(last)) = path.split_last() else { return self.node(NodeId::ROOT) };
        let mut id = NodeId::ROOT;
        for component in directory.components() {
            let Ok(name) = Name::new(component) else { return Ok(None) };
            let Some(node) = self.directory_in(id, &name)? else { return Ok(None) };
            id = node.id;
        }
        self.child(id, &last)
    }

    /// The rows from below the root down to this one.
    pub(crate) fn lineage(&self, id: NodeId) -> Result<Vec<Node>, IndexError> {
        if id == NodeId::ROOT {
            return Ok(Vec::new());
        }
        let node = self.node(id)?;
        let node = node.ok_or_else(|| IndexError::Damaged(format!("row {} hangs in the air", id.0)))?;
        let above = self.directories_above(node.parent)?;
        let mut rows: Vec<Node> = above.iter().rev().map(|node| Node::clone(node)).collect();
        rows.push(node);
        Ok(rows)
    }

    pub(crate) fn path(&self, id: NodeId) -> Result<RelativePath, IndexError> {
        let rows = self.rows_to(id)?;
        Ok(RelativePath::of_names(rows.iter().rev().map(|node| &node.name)))
    }

    pub(crate) fn stored_path(&self, id: NodeId) -> Result<StoredPath, IndexError> {
        let rows = self.rows_to(id)?;
        Ok(StoredPath::new(rows.iter().rev().map(|node| node.stored_name()).collect()))
    }

    /// The path on the service of a row that was read already: what is above it is mostly remembered.
    pub(crate) fn stored_path_of(&self, node: &Node) -> Result<StoredPath, IndexError> {
        if node.id == NodeId::ROOT {
            return Ok(StoredPath::root());
        }
        let above = self.directories_above(node.parent)?;
        let names = above.iter().rev().map(|above| above.stored_name());
        Ok(StoredPath::new(names.chain([node.stored_name()]).collect()))
    }

    /// The row and those above it, without the root.
    fn rows_to(&self, id: NodeId) -> Result<Vec<Arc<Node>>, IndexError> {
        if id == NodeId::ROOT {
            return Ok(Vec::new());
        }
        let node = self.row(id)?;
        let node = node.ok_or_else(|| IndexError::Damaged(format!("row {} hangs in the air", id.0)))?;
        let mut rows = self.directories_above(node.parent)?;
        rows.insert(0, node);
        Ok(rows)
    }

    /// Every row below one, a directory before what is in it, without holding them all.
    pub(crate) fn walk(
        &self,
        top: NodeId,
        mut visit: impl FnMut(&Node, &RelativePath) -> Result<Descend, IndexError>,
    ) -> Result<(), IndexError> {
        let mut pending = vec![(top, RelativePath::root())];
        while let Some((parent, path)) = pending.pop() {
            for node in self.children(parent)? {
                let path = path.join(&node.name);
                if visit(&node, &path)? == Descend::Yes {
                    pending.push((node.id, path));
                }
            }
        }
        Ok(())
    }

    pub(super) fn count_totals(&self) -> Result<Totals, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT
                coalesce(sum(local_state = 1 OR (local_state = 0 AND base_kind = 1)), 0),
                coalesce(sum(local_state IN (2, 4, 6) OR (local_state = 0 AND base_kind = 2)), 0),
                coalesce(sum(CASE WHEN local_state = 1 THEN local_size
                                  WHEN local_state = 0 AND base_kind = 1 THEN base_size END), 0),
                coalesce(sum(base_kind = 1), 0),
                count(base_kind),
                count(mount),
                coalesce(sum(base_kind IS NOT NULL AND local_state IS NOT 0), 0)
             FROM node WHERE id <> 1",
        )?;
        let totals = statement
            .query_row([], |row| {
                let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
                Ok(Totals {
                    files: number(0)?,
                    directories: number(1)?,
                    bytes: number(2)?,
                    base_files: number(3)?,
                    base_entries: number(4)?,
                    mounted: number(5)?,
                    departed: number(6)?,
                })
            })
            .optional()?;
        Ok(totals.unwrap_or_default())
    }
}

/// Whether a walk goes into what it was just shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descend {
    Yes,
    No,
}
