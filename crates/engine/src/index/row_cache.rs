//! Rows in memory, as they are in the index.
//!
//! Work goes directory by directory and asks for the same rows again and again: by number, by name, by names
//! that the service may take for one. A row that was read is kept for a while, and a directory that is asked
//! for one entry after the other is read as a whole, once.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jottad_core::{FoldKey, Name, StoredName, encode_name};
use rusqlite::params;

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Node, NodeId};

/// Most rows that are kept: some MiB. When there are more, all are forgotten.
const MOST: usize = 16_384;
/// A directory with more entries is never read as a whole.
const LARGEST_DIRECTORY: u32 = 1024;
/// After so many questions about the entries of one directory, one after the other, it is read as a whole.
const WORTH_READING: u32 = 8;

/// Rows as they are in the index, by number and by place. Whatever writes a row says so here.
#[derive(Debug, Default)]
pub(super) struct RowCache {
    rows: RefCell<Rows>,
    /// In a build with assertions: what is kept is not compared with the file.
    is_unchecked: Cell<bool>,
}

#[derive(Debug, Default)]
struct Rows {
    by_id: HashMap<NodeId, Arc<Node>>,
    directories: HashMap<NodeId, Entries>,
    /// The directory that was asked for an entry last, and how often in a row.
    asked: Option<(NodeId, u32)>,
}

/// The rows of one directory that are kept.
#[derive(Debug, Default)]
struct Entries {
    by_name: HashMap<Name, NodeId>,
    /// Their numbers by the fold of their names, if every row of the directory is kept.
    whole: Option<BTreeMap<i64, Vec<NodeId>>>,
}

/// What is known of a name in a directory.
enum Known {
    Row(Arc<Node>),
    Nothing,
    Unknown,
}

fn fold(node: &Node) -> i64 {
    FoldKey::of(&encode_name(&node.name)).number()
}

impl Rows {
    fn insert(&mut self, node: Node) -> Arc<Node> {
        self.remove(node.id);
        if self.by_id.len() >= MOST {
            *self = Self::default();
        }
        let node = Arc::new(node);
        let entries = self.directories.entry(node.parent).or_default();
        entries.by_name.insert(node.name.clone(), node.id);
        if let Some(whole) = &mut entries.whole {
            whole.entry(fold(&node)).or_default().push(node.id);
        }
        self.by_id.insert(node.id, Arc::clone(&node));
        node
    }

    fn remove(&mut self, id: NodeId) -> bool {
        let Some(node) = self.by_id.remove(&id) else { return false };
        if let Some(entries) = self.directories.get_mut(&node.parent) {
            entries.by_name.remove(&node.name);
            if let Some(ids) = entries.whole.as_mut().and_then(|whole| whole.get_mut(&fold(&node))) {
                ids.retain(|other| *other != id);
            }
        }
        true
    }

    fn is_whole(&self, directory: NodeId) -> bool {
        self.directories.get(&directory).is_some_and(|entries| entries.whole.is_some())
    }

    fn child(&self, parent: NodeId, name: &Name) -> Known {
        let Some(entries) = self.directories.get(&parent) else { return Known::Unknown };
        match entries.by_name.get(name).and_then(|id| self.by_id.get(id)) {
            Some(node) => Known::Row(Arc::clone(node)),
            None if entries.whole.is_some() => Known::Nothing,
            None => Known::Unknown,
        }
    }

    fn namesakes(&self, parent: NodeId, key: &FoldKey) -> Option<Vec<Node>> {
        let whole = self.directories.get(&parent)?.whole.as_ref()?;
        let ids = whole.get(&key.number()).map_or(&[][..], Vec::as_slice);
        let mut rows: Vec<Node> =
            ids.iter().filter_map(|id| self.by_id.get(id)).map(|node| Node::clone(node)).collect();
        rows.retain(|node| FoldKey::of(&encode_name(&node.name)) == *key);
        rows.sort_unstable_by_key(|node| node.id);
        Some(rows)
    }
}

impl RowCache {
    /// A row, if it is kept.
    pub(super) fn of_id(&self, id: NodeId) -> Option<Arc<Node>> {
        self.rows.borrow().by_id.get(&id).cloned()
    }

    /// The row of a name in a directory, if it is kept.
    pub(super) fn of_place(&self, parent: NodeId, name: &Name) -> Option<Arc<Node>> {
        match self.rows.borrow().child(parent, name) {
            Known::Row(node) => Some(node),
            Known::Nothing | Known::Unknown => None,
        }
    }

    /// What is read to check is no part of the work that is counted from now on.
    #[cfg(test)]
    pub(super) fn count_work_alone(&self) {
        self.is_unchecked.set(true);
    }

    /// Keeps a row that was read.
    pub(super) fn remember(&self, node: Node) -> Arc<Node> {
        self.rows.borrow_mut().insert(node)
    }

    /// A row was written. One that nobody asked for is not kept.
    pub(super) fn written(&self, node: &Node) {
        let mut rows = self.rows.borrow_mut();
        if rows.remove(node.id) || rows.is_whole(node.parent) {
            rows.insert(node.clone());
        }
    }

    /// A row is gone.
    pub(super) fn deleted(&self, id: NodeId) {
        let mut rows = self.rows.borrow_mut();
        rows.remove(id);
        rows.directories.remove(&id);
    }

    /// Rows were written that nobody names, or it is not known whether one was.
    pub(super) fn clear(&self) {
        *self.rows.borrow_mut() = Rows::default();
    }

    /// An entry of a directory was asked for that is not known; tells whether it is worth to read all.
    fn asked(&self, directory: NodeId) -> bool {
        let mut rows = self.rows.borrow_mut();
        let times = match rows.asked {
            Some((last, times)) if last == directory => times.saturating_add(1),
            _ => 1,
        };
        rows.asked = Some((directory, times));
        times == WORTH_READING
    }

    fn remember_whole(&self, directory: NodeId, nodes: Vec<Node>) {
        let mut rows = self.rows.borrow_mut();
        if rows.by_id.len() + nodes.len() > MOST {
            *rows = Rows::default();
        }
        for node in nodes {
            rows.insert(node);
        }
        let mut whole: BTreeMap<i64, Vec<NodeId>> = BTreeMap::new();
        let Rows { by_id, directories, .. } = &mut *rows;
        let entries = directories.entry(directory).or_default();
        for node in entries.by_name.values().filter_map(|id| by_id.get(id)) {
            whole.entry(fold(node)).or_default().push(node.id);
        }
        entries.whole = Some(whole);
    }
}

impl Index {
    pub(crate) fn node(&self, id: NodeId) -> Result<Option<Node>, IndexError> {
        Ok(self.row(id)?.map(|node| Node::clone(&node)))
    }

    /// The same, to be read alone.
    pub(super) fn row(&self, id: NodeId) -> Result<Option<Arc<Node>>, IndexError> {
        if let Some(node) = self.rows.of_id(id) {
            self.check(|| Ok(self.read(id)?.as_ref() == Some(&*node)))?;
            return Ok(Some(node));
        }
        Ok(self.read(id)?.map(|node| self.rows.remember(node)))
    }

    pub(crate) fn child(&self, parent: NodeId, name: &Name) -> Result<Option<Node>, IndexError> {
        let known = self.rows.rows.borrow().child(parent, name);
        let known = match known {
            Known::Unknown if self.rows.asked(parent) && self.read_whole(parent)? => {
                self.rows.rows.borrow().child(parent, name)
            }
            known => known,
        };
        let node = match known {
            Known::Row(node) => Some(Node::clone(&node)),
            Known::Nothing => None,
            Known::Unknown => return self.read_child(parent, name),
        };
        self.check(|| Ok(self.read_child(parent, name)? == node))?;
        Ok(node)
    }

    /// The entries of a directory whose names the service may take for this one, itself included.
    pub(crate) fn namesakes(&self, parent: NodeId, stored: &StoredName) -> Result<Vec<Node>, IndexError> {
        let key = FoldKey::of(stored);
        let known = self.rows.rows.borrow().namesakes(parent, &key);
        if let Some(known) = known {
            self.check(|| Ok(self.read_namesakes(parent, &key)? == known))?;
            return Ok(known);
        }
        if self.rows.asked(parent) && self.read_whole(parent)? {
            return self.namesakes(parent, stored);
        }
        self.read_namesakes(parent, &key)
    }

    fn read(&self, id: NodeId) -> Result<Option<Node>, IndexError> {
        let mut statement = self.connection.prepare_cached(select_nodes!("WHERE id = ?1"))?;
        statement.query_and_then([id], read_node)?.next().transpose()
    }

    fn read_child(&self, parent: NodeId, name: &Name) -> Result<Option<Node>, IndexError> {
        let fold = FoldKey::of(&encode_name(name)).number();
        let mut statement =
            self.connection.prepare_cached(select_nodes!("WHERE parent = ?1 AND fold = ?2 AND name = ?3"))?;
        statement.query_and_then(params![parent, fold, name.as_bytes()], read_node)?.next().transpose()
    }

    fn read_namesakes(&self, parent: NodeId, key: &FoldKey) -> Result<Vec<Node>, IndexError> {
        let mut statement =
            self.connection.prepare_cached(select_nodes!("WHERE parent = ?1 AND fold = ?2 ORDER BY id"))?;
        let found = statement.query_and_then(params![parent, key.number()], read_node)?;
        found
            .filter(|node| node.as_ref().map_or(true, |node| FoldKey::of(&encode_name(&node.name)) == *key))
            .collect()
    }

    /// Reads all rows of a directory; tells whether there were not too many.
    fn read_whole(&self, directory: NodeId) -> Result<bool, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached(select_nodes!("INDEXED BY node_by_name WHERE parent = ?1 LIMIT ?2"))?;
        let limit = LARGEST_DIRECTORY + 1;
        let rows: Vec<Node> =
            statement.query_and_then(params![directory, limit], read_node)?.collect::<Result<_, _>>()?;
        if rows.len() > LARGEST_DIRECTORY as usize {
            return Ok(false);
        }
        self.rows.remember_whole(directory, rows);
        Ok(true)
    }

    /// In a build with assertions: what is kept must be what the index has.
    fn check(&self, is_same: impl FnOnce() -> Result<bool, IndexError>) -> Result<(), IndexError> {
        if !cfg!(debug_assertions) || self.rows.is_unchecked.get() {
            return Ok(());
        }
        #[cfg(test)]
        let before = super::row::ROWS_READ.with(std::cell::Cell::get);
        assert!(is_same()?, "a row is not kept as it is");
        // Tests of how the cost grows count what is read for the work itself.
        #[cfg(test)]
        super::row::ROWS_READ.with(|rows| rows.set(before));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::new_index;
    use crate::disk::Identity;
    use crate::index::Local;

    fn name(text: &str) -> Name {
        Name::try_from(text).unwrap()
    }

    fn add(index: &mut Index, parent: NodeId, text: &str) -> Node {
        let mut node = Node::new(parent, name(text));
        node.local = Local::Directory(Identity { inode: 2, born: 1 });
        index.save(&mut node).unwrap();
        node
    }

    /// Everything that is taken from memory is compared with the file, too, in a build with assertions.
    #[test]
    fn a_directory_that_is_kept_as_a_whole_follows_what_is_written() {
        let (_place, mut index) = new_index();
        let (top, other) = (add(&mut index, NodeId::ROOT, "top"), add(&mut index, NodeId::ROOT, "other"));
        let mut first = add(&mut index, top.id, "A");
        let has =
            |index: &Index, parent, text: &str| index.child(parent, &name(text)).unwrap().map(|node| node.id);
        for _ in 0..WORTH_READING {
            assert_eq!(has(&index, top.id, "nothing"), None);
        }
        assert!(index.rows.rows.borrow().is_whole(top.id));
        let second = add(&mut index, top.id, "a");
        assert_eq!(has(&index, top.id, "a"), Some(second.id));
        let alike = |index: &Index| -> Vec<NodeId> {
            let rows = index.namesakes(top.id, &encode_name(&name("A"))).unwrap();
            rows.into_iter().map(|node| node.id).collect()
        };
        assert_eq!(alike(&index), [first.id, second.id]);
        first.name = name("b");
        index.save(&mut first).unwrap();
        assert_eq!((has(&index, top.id, "A"), has(&index, top.id, "b")), (None, Some(first.id)));
        assert_eq!(alike(&index), [second.id]);
        first.parent = other.id;
        index.save(&mut first).unwrap();
        assert_eq!((has(&index, top.id, "b"), has(&index, other.id, "b")), (None, Some(first.id)));
        let mut second = index.node(second.id).unwrap().unwrap();
        second.local = Local::Absent;
        index.save(&mut second).unwrap();
        assert_eq!(alike(&index), []);
    }

    #[test]
    fn a_large_directory_is_not_kept_as_a_whole_and_never_are_too_many_rows() {
        let (_place, mut index) = new_index();
        let large = add(&mut index, NodeId::ROOT, "large");
        for number in 0..=LARGEST_DIRECTORY {
            add(&mut index, large.id, &format!("d{number}"));
        }
        for number in 0..=LARGEST_DIRECTORY {
            assert!(index.child(large.id, &name(&format!("d{number}"))).unwrap().is_some());
        }
        assert!(!index.rows.rows.borrow().is_whole(large.id));
        for id in (1..).take(MOST + 10) {
            index.rows.remember(Node { id: NodeId(id), ..Node::new(NodeId::ROOT, name(&format!("r{id}"))) });
        }
        assert!(index.rows.rows.borrow().by_id.len() <= MOST);
    }
}
