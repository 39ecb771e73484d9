//! What is true of everything below a row, gathered once and kept until a row below changes.
//!
//! A directory that one side gave up is asked about again and again: for itself, for each entry in it, and
//! whenever a person asks. Without a memory each answer would be a walk over all that is below it.

use std::collections::BTreeMap;

use rusqlite::params;

use super::row::{read_node, select_nodes};
use super::{Index, IndexError, Node, NodeId};

/// Rows do not hang together deeper than this.
const DEEPEST: usize = 4096;

/// How much there is on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    /// Files and directories.
    pub(crate) entries: u64,
    /// The files among them.
    pub(crate) files: u64,
    /// The files among those whose rows are not newer than the mark.
    pub(crate) old_files: u64,
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.files += other.files;
        self.old_files += other.old_files;
    }
}

impl Amount {
    /// What is left of it without that.
    #[must_use]
    pub(crate) const fn without(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_sub(other.entries),
            files: self.files.saturating_sub(other.files),
            old_files: self.old_files.saturating_sub(other.old_files),
        }
    }
}

/// What is true of everything below a row, whatever its depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
// Four independent facts; none of them is a state of another.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Inside {
    /// Something local differs from the base, or may: deletions do not count, what is never synced does.
    pub(crate) local_changed: bool,
    /// Something remote that was seen differs from the base; deletions do not count.
    pub(crate) remote_changed: bool,
    /// Something was sent and not seen yet.
    pub(crate) claimed: bool,
    /// A local directory holds something that is never synced.
    pub(crate) holds_unsynced: bool,
    /// What the local side has.
    pub(crate) local: Amount,
    /// What the remote side has.
    pub(crate) remote: Amount,
}

impl Inside {
    fn add(&mut self, other: &Self) {
        self.local_changed |= other.local_changed;
        self.remote_changed |= other.remote_changed;
        self.claimed |= other.claimed;
        self.holds_unsynced |= other.holds_unsynced;
        self.local += other.local;
        self.remote += other.remote;
    }

    /// Adds what a row says beyond what it has.
    fn add_state(&mut self, node: &Node) {
        let base = node.base_entry();
        self.local_changed |= match node.trees() {
            None => true,
            Some(trees) => trees.local.is_present() && !trees.local.same_content(base),
        };
        if node.remote.as_ref().is_some_and(|remote| remote.claimed) {
            self.claimed = true;
        } else {
            let remote = node.remote_entry();
            self.remote_changed |= remote.is_present() && !remote.same_content(base);
        }
        self.holds_unsynced |= node.holds_unsynced;
    }
}

/// What is known of rows that have others below them. Whatever is known of a row, the same is known of every
/// such row below it.
#[derive(Debug)]
pub(super) struct Insides {
    known: BTreeMap<NodeId, Known>,
    /// Rows that are newer are not counted as old.
    mark: NodeId,
    /// Rows that were looked at, for tests of how the cost grows.
    visited: u64,
}

impl Default for Insides {
    fn default() -> Self {
        Self { known: BTreeMap::new(), mark: NodeId(i64::MAX), visited: 0 }
    }
}

#[derive(Debug)]
struct Known {
    parent: NodeId,
    inside: Inside,
}

/// A row whose inside is being gathered.
struct Gathering {
    id: NodeId,
    parent: NodeId,
    /// The rows in it that have others below them and were not looked into.
    inner: Vec<NodeId>,
    inside: Inside,
}

impl Index {
    /// What is true of everything below a row.
    pub(crate) fn inside(&self, top: NodeId) -> Result<Inside, IndexError> {
        if let Some(known) = self.insides.borrow().known.get(&top) {
            return Ok(known.inside);
        }
        let Some(parent) = self.parent(top)? else { return Ok(Inside::default()) };
        if !self.has_children(top)? {
            return Ok(Inside::default());
        }
        let mut stack = vec![self.gather(top, parent)?];
        while let Some(last) = stack.last_mut() {
            if let Some(inner) = last.inner.pop() {
                let above = last.id;
                if let Some(known) = self.insides.borrow().known.get(&inner) {
                    last.inside.add(&known.inside);
                    continue;
                }
                if stack.len() > DEEPEST {
                    return Err(IndexError::Damaged("rows hang together in a ring".to_owned()));
                }
                stack.push(self.gather(inner, above)?);
                continue;
            }
            let Some(Gathering { id, parent, inside, .. }) = stack.pop() else { break };
            self.insides.borrow_mut().known.insert(id, Known { parent, inside });
            match stack.last_mut() {
                Some(above) => above.inside.add(&inside),
                None => return Ok(inside),
            }
        }
        Ok(Inside::default())
    }

    /// What the entries of one directory say, and which of them are to be looked into.
    fn gather(&self, id: NodeId, parent: NodeId) -> Result<Gathering, IndexError> {
        let mut inside = Inside::default();
        let mut counting = self.connection.prepare_cached(
            "SELECT count(*),
                coalesce(sum(local_state IN (1, 2, 4, 6) OR (local_state = 0 AND base_kind IN (1, 2))), 0),
                coalesce(sum(local_state = 1 OR (local_state = 0 AND base_kind = 1)), 0),
                coalesce(sum((local_state = 1 OR (local_state = 0 AND base_kind = 1)) AND id <= ?2), 0),
                count(remote_state),
                coalesce(sum(remote_state = 1 OR (remote_state = 0 AND base_kind = 1)), 0),
                coalesce(sum((remote_state = 1 OR (remote_state = 0 AND base_kind = 1)) AND id <= ?2), 0)
             FROM node WHERE parent = ?1",
        )?;
        let mark = self.insides.borrow().mark;
        let visited = counting.query_row(params![id, mark], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            inside.local = Amount { entries: number(1)?, files: number(2)?, old_files: number(3)? };
            inside.remote = Amount { entries: number(4)?, files: number(5)?, old_files: number(6)? };
            number(0)
        })?;
        self.insides.borrow_mut().visited += visited;
        // What a side has as the base says, or not at all, is no change.
        let mut differing = self.connection.prepare_cached(select_nodes!(
            "WHERE parent = ?1 AND (local_state > 0 OR remote_state > 0 OR holds_unsynced = 1)"
        ))?;
        for node in differing.query_and_then([id], read_node)? {
            inside.add_state(&node?);
        }
        let mut inner = self.connection.prepare_cached(
            "SELECT id FROM node AS entry WHERE parent = ?1 AND EXISTS (SELECT 1 FROM node WHERE parent = entry.id)",
        )?;
        let inner = inner.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Gathering { id, parent, inner, inside })
    }

    /// The newest row that counts as old.
    pub(crate) fn mark(&self) -> NodeId {
        self.insides.borrow().mark
    }

    /// Rows up to this one count as old from now on.
    pub(crate) fn set_mark(&mut self, mark: NodeId) {
        let insides = self.insides.get_mut();
        if insides.mark != mark {
            insides.mark = mark;
            insides.known.clear();
        }
    }

    /// The sizes of the files that the local side has in a directory in rows that are newer than a mark,
    /// smallest first.
    pub(crate) fn sizes_of_newer(&self, directory: NodeId, mark: NodeId) -> Result<Vec<u64>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT CASE local_state WHEN 1 THEN local_size ELSE base_size END AS size FROM node
             WHERE parent = ?1 AND id > ?2 AND (local_state = 1 OR (local_state = 0 AND base_kind = 1))
             ORDER BY size",
        )?;
        let sizes = statement
            .query_map(params![directory, mark], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
        Ok(sizes.collect::<Result<_, _>>()?)
    }

    /// The newest row.
    pub(crate) fn last_row(&self) -> NodeId {
        NodeId(self.last_id)
    }

    /// Nothing is remembered of anything below any row.
    pub(super) fn forget_insides(&mut self) {
        self.revision += 1;
        self.insides.get_mut().known.clear();
    }

    /// How many rows were looked at for what is below others.
    #[cfg(test)]
    pub(crate) fn visited_inside(&self) -> u64 {
        self.insides.borrow().visited
    }

    fn parent(&self, id: NodeId) -> Result<Option<NodeId>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT parent FROM node WHERE id = ?1")?;
        let mut rows = statement.query(params![id])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// A row in a directory was written or removed: what is known of the directories above is not so any
    /// more.
    pub(super) fn changed_in(&mut self, directory: NodeId) -> Result<(), IndexError> {
        self.revision += 1;
        if self.insides.get_mut().known.is_empty() {
            return Ok(());
        }
        let mut id = directory;
        if !self.insides.get_mut().known.contains_key(&id) {
            // It had no entry until now, but the directory above may know it as one of its own.
            let Some(above) = self.parent(id)? else { return Ok(()) };
            id = above;
        }
        let known = &mut self.insides.get_mut().known;
        while let Some(gone) = known.remove(&id) {
            id = gone.parent;
        }
        Ok(())
    }

    /// A row hangs below another one than before.
    pub(super) fn moved_to(&mut self, id: NodeId, parent: NodeId) {
        if let Some(known) = self.insides.get_mut().known.get_mut(&id) {
            known.parent = parent;
        }
    }

    /// A row is gone.
    pub(super) fn forget_inside(&mut self, id: NodeId) {
        self.insides.get_mut().known.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, Name, Timestamp};

    use super::*;
    use crate::builders::{file_stat, new_index};
    use crate::disk::Identity;
    use crate::index::{Base, BaseEntry, Descend, Local, RemoteRecord, Stamp};
    use crate::remote::RemoteNode;

    /// Numbers that look like chance and are always the same.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    fn file(number: u64) -> File {
        let content =
            Content { size: number, md5: Md5::from_bytes([u8::try_from(number % 256).unwrap_or(0); 16]) };
        File { content, modified: Timestamp::from_seconds(1) }
    }

    fn name(number: u64) -> Name {
        Name::new(format!("n{number}").into_bytes()).unwrap()
    }

    fn change(node: &mut Node, chance: &mut Chance) {
        let identity = Identity { inode: 1 + chance.below(9), born: 1 };
        let stat = |size| file_stat(identity.inode, size);
        let number = chance.below(2);
        match chance.below(3) {
            0 => {
                node.local = match chance.below(6) {
                    0 | 1 => Local::Absent,
                    2 => Local::Directory(identity),
                    3 => Local::Other,
                    4 => Local::File { stat: stat(number), md5: None },
                    _ => Local::File { stat: stat(number), md5: Some(file(number).content.md5) },
                };
                node.holds_unsynced = node.local.is_directory() && chance.below(3) == 0;
            }
            1 => {
                let remote = match chance.below(3) {
                    0 => None,
                    1 => Some(RemoteNode::Directory),
                    _ => Some(RemoteNode::File(file(number))),
                };
                let claimed = chance.below(3) == 0;
                node.remote = remote.map(|node| RemoteRecord { node, name: None, claimed });
            }
            _ => {
                let entry =
                    if chance.below(2) == 0 { BaseEntry::Directory } else { BaseEntry::File(file(number)) };
                let base = Base { entry, identity, stamp: Stamp::default() };
                node.base = (chance.below(4) > 0).then_some(base);
                if chance.below(2) == 0 {
                    node.base = node.base_from_local();
                }
            }
        }
    }

    /// The same by a walk over everything below.
    fn walked(index: &Index, top: NodeId) -> Inside {
        let mut inside = Inside::default();
        index
            .walk(top, |node, _| {
                let count = |kind: Option<jottad_core::Kind>| Amount {
                    entries: u64::from(kind.is_some()),
                    files: u64::from(kind == Some(jottad_core::Kind::File)),
                    old_files: u64::from(kind == Some(jottad_core::Kind::File) && node.id <= index.mark()),
                };
                inside.add_state(node);
                inside.local += count(node.local.kind());
                inside.remote += count(node.remote.as_ref().map(|remote| remote.node.kind()));
                Ok(Descend::Yes)
            })
            .unwrap();
        inside
    }

    #[test]
    fn what_is_remembered_is_what_a_walk_finds() {
        let (_place, mut index) = new_index();
        let mut chance = Chance(7);
        let mut ids = vec![NodeId::ROOT];
        for turn in 0..6000 {
            if turn % 1500 == 1499 {
                index.set_mark(index.last_row());
            }
            let pick = usize::try_from(chance.below(ids.len() as u64)).unwrap();
            let id = ids[pick];
            let Some(mut node) = index.node(id).unwrap() else {
                ids.swap_remove(pick);
                continue;
            };
            match chance.below(4) {
                0 if ids.len() < 40 => {
                    let number = chance.below(5);
                    if index.child(id, &name(number)).unwrap().is_none() {
                        let mut new = Node::new(id, name(number));
                        change(&mut new, &mut chance);
                        index.save(&mut new).unwrap();
                        if new.id != NodeId::NEW {
                            ids.push(new.id);
                        }
                    }
                }
                1 if id != NodeId::ROOT => {
                    let to = ids[usize::try_from(chance.below(ids.len() as u64)).unwrap()];
                    let is_free = index.node(to).unwrap().is_some()
                        && index.child(to, &node.name).unwrap().is_none()
                        && to != id
                        && index.lineage(to).unwrap().iter().all(|above| above.id != id);
                    if is_free {
                        node.parent = to;
                        index.save(&mut node).unwrap();
                    }
                }
                _ if id != NodeId::ROOT => {
                    change(&mut node, &mut chance);
                    index.save(&mut node).unwrap();
                }
                _ => {}
            }
            let asked = ids[usize::try_from(chance.below(ids.len() as u64)).unwrap()];
            if index.node(asked).unwrap().is_some() {
                assert_eq!(index.inside(asked).unwrap(), walked(&index, asked));
            }
        }
        assert!(index.totals().base_entries > 3, "the tree was not always empty");
    }

    /// A chain of directories with some files in each.
    fn chain(index: &mut Index, depth: u64) -> Vec<NodeId> {
        let mut ids = vec![NodeId::ROOT];
        for level in 0..depth {
            let parent = ids[ids.len() - 1];
            let mut directory = Node::new(parent, name(0));
            directory.local = Local::Directory(Identity { inode: level + 2, born: 1 });
            directory.base = directory.base_from_local();
            index.save(&mut directory).unwrap();
            for number in 1..4 {
                let mut file = Node::new(directory.id, name(number));
                file.remote = Some(RemoteRecord {
                    node: RemoteNode::File(super::tests::file(1)),
                    name: None,
                    claimed: false,
                });
                index.save(&mut file).unwrap();
            }
            ids.push(directory.id);
        }
        ids
    }

    #[test]
    fn asking_of_every_directory_costs_one_walk() {
        let (_place, mut index) = new_index();
        let ids = chain(&mut index, 100);
        let rows = 400;
        for id in &ids {
            assert_eq!(index.inside(*id).unwrap(), walked(&index, *id));
        }
        assert_eq!(index.visited_inside(), rows);
        // A change makes only those forgotten that it is in.
        let mut file = index.child(ids[1], &name(1)).unwrap().unwrap();
        file.remote = None;
        index.save(&mut file).unwrap();
        for id in &ids {
            index.inside(*id).unwrap();
        }
        assert_eq!(index.visited_inside(), rows + 4);
    }
}
