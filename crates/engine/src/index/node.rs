//! One row: what the three trees have at one path.

use jottad_core::{
    Content, Entry, File, FoldKey, Kind, Md5, Name, StoredName, Timestamp, Trees, encode_name,
};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, params};

use super::{Index, IndexError};
use crate::disk::{FileStat, Identity, Mount};
use crate::remote::RemoteNode;

/// Names a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) i64);

impl NodeId {
    /// The folder's root.
    pub(crate) const ROOT: Self = Self(1);
    /// Not in the index yet.
    pub(crate) const NEW: Self = Self(0);
}

impl ToSql for NodeId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for NodeId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// What the three trees have at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) parent: NodeId,
    pub(crate) name: Name,
    pub(crate) base: Option<Base>,
    pub(crate) local: Local,
    pub(crate) remote: Option<RemoteRecord>,
    /// What was mounted at this local directory when it was read.
    pub(crate) mount: Option<Mount>,
    /// This local directory held something that is never synced when it was read.
    pub(crate) holds_unsynced: bool,
}

/// What both sides last agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) entry: BaseEntry,
    /// Of the local entry at that time.
    pub(crate) identity: Identity,
    /// Of the local file at that time; zero for a directory.
    pub(crate) stamp: Stamp,
}

/// A file's times as its file system keeps them. They tell whether it might have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    /// Not what was agreed on where the file system cannot keep that: FAT has only even seconds.
    pub(crate) modified: Timestamp,
    pub(crate) nanoseconds: u32,
    pub(crate) changed: i64,
}

impl Stamp {
    pub(crate) fn of(stat: &FileStat) -> Self {
        Self { modified: stat.modified, nanoseconds: stat.modified_nanoseconds, changed: stat.changed }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BaseEntry {
    File(File),
    Directory,
}

/// What the last scan saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    Absent,
    /// `md5` is missing until the file was summed.
    File {
        stat: FileStat,
        md5: Option<Md5>,
    },
    Directory(Identity),
    /// A symlink, socket, pipe or device.
    Other,
    /// Nothing is known of what is inside.
    UnreadableDirectory(Identity),
    /// Something else is mounted here than when it was read last, or nothing is: what is below is as it was
    /// seen then.
    MountChanged(Identity),
    /// A rule says that jottad has nothing to do with it.
    Ignored,
}

/// What the last listing saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteRecord {
    pub(crate) node: RemoteNode,
    /// Where it is not the encoded local name.
    pub(crate) name: Option<StoredName>,
    /// Sent and accepted, not yet seen.
    pub(crate) claimed: bool,
}

impl RemoteRecord {
    pub(crate) fn seen(node: RemoteNode, stored: &StoredName, local: &Name) -> Self {
        let name = (encode_name(local) != *stored).then(|| stored.clone());
        Self { node, name, claimed: false }
    }
}

impl Local {
    pub(crate) fn identity(&self) -> Option<Identity> {
        match self {
            Self::File { stat, .. } => Some(stat.identity),
            Self::Directory(identity)
            | Self::UnreadableDirectory(identity)
            | Self::MountChanged(identity) => Some(*identity),
            Self::Absent | Self::Other | Self::Ignored => None,
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::File { .. } => Some(Kind::File),
            Self::Directory(_) | Self::UnreadableDirectory(_) | Self::MountChanged(_) => {
                Some(Kind::Directory)
            }
            Self::Absent | Self::Other | Self::Ignored => None,
        }
    }
}

impl Node {
    pub(crate) fn new(parent: NodeId, name: Name) -> Self {
        Self {
            id: NodeId::NEW,
            parent,
            name,
            base: None,
            local: Local::Absent,
            remote: None,
            mount: None,
            holds_unsynced: false,
        }
    }

    /// Nothing is known here any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_none() && self.local == Local::Absent && self.remote.is_none()
    }

    /// The stored name: the one seen on the service, else the encoded local one.
    pub(crate) fn stored_name(&self) -> StoredName {
        match &self.remote {
            Some(RemoteRecord { name: Some(name), .. }) => name.clone(),
            _ => encode_name(&self.name),
        }
    }

    /// The three trees, or `None` while the local file was not summed.
    pub(crate) fn trees(&self) -> Option<Trees> {
        let local = match self.local {
            Local::Absent => Entry::Absent,
            Local::File { stat, md5 } => Entry::File(self.local_file(&stat, md5?)),
            Local::Directory(_) => Entry::Directory,
            Local::Other | Local::UnreadableDirectory(_) | Local::MountChanged(_) | Local::Ignored => {
                Entry::Untracked
            }
        };
        Some(Trees { base: self.base_entry(), local, remote: self.remote_entry() })
    }

    /// What a local file is to the path rules. As long as it has what was agreed on and the time that its
    /// file system made of the agreed one, that is its time.
    fn local_file(&self, stat: &FileStat, md5: Md5) -> File {
        let content = Content { size: stat.size, md5 };
        match self.base {
            Some(Base { entry: BaseEntry::File(file), stamp, .. })
                if file.content == content && stamp.modified == stat.modified =>
            {
                file
            }
            _ => File { content, modified: stat.modified },
        }
    }

    pub(crate) fn base_entry(&self) -> Entry {
        match self.base.map(|base| base.entry) {
            None => Entry::Absent,
            Some(BaseEntry::File(file)) => Entry::File(file),
            Some(BaseEntry::Directory) => Entry::Directory,
        }
    }

    pub(crate) fn remote_node(&self) -> Option<RemoteNode> {
        self.remote.as_ref().map(|remote| remote.node)
    }

    pub(crate) fn remote_entry(&self) -> Entry {
        match self.remote.as_ref().map(|remote| remote.node) {
            None => Entry::Absent,
            Some(RemoteNode::File(file)) => Entry::File(file),
            Some(RemoteNode::Directory) => Entry::Directory,
        }
    }

    /// The base that says what the local side has now; `None` if that is nothing to agree on.
    pub(crate) fn base_from_local(&self) -> Option<Base> {
        match self.local {
            Local::File { stat, md5: Some(md5) } => Some(Base {
                entry: BaseEntry::File(self.local_file(&stat, md5)),
                identity: stat.identity,
                stamp: Stamp::of(&stat),
            }),
            Local::Directory(identity) => {
                Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() })
            }
            _ => None,
        }
    }

    /// The base after a claim was seen on the service: what was sent is what both sides agreed on, whatever
    /// the local side has become since.
    pub(crate) fn base_from_claim(&self, claim: &RemoteRecord) -> Base {
        let entry = match claim.node {
            RemoteNode::File(file) => BaseEntry::File(file),
            RemoteNode::Directory => BaseEntry::Directory,
        };
        self.base_from_local().filter(|base| base.entry == entry).unwrap_or(Base {
            entry,
            identity: Identity { inode: 0, born: 0 },
            stamp: Stamp::default(),
        })
    }

    fn local_is_base(&self) -> bool {
        self.base.is_some() && self.base_from_local() == self.base
    }

    fn remote_is_base(&self) -> bool {
        self.base.is_some()
            && self.base_entry() == self.remote_entry()
            && self.remote.as_ref().is_some_and(|remote| !remote.claimed)
    }
}

const AS_BASE: i64 = 0;
const FILE: i64 = 1;
const DIRECTORY: i64 = 2;
const OTHER: i64 = 3;
const UNREADABLE_DIRECTORY: i64 = 4;
const IGNORED: i64 = 5;
const MOUNT_CHANGED: i64 = 6;

/// A statement that reads rows, from what follows the table's name: the columns that [`read_node`] expects,
/// in its order. It is a constant, because statements are looked up by their text, far more often than that
/// should be put together.
macro_rules! select_nodes {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, parent, name, \
             base_kind, base_size, base_md5, base_modified, base_inode, base_born, base_nanoseconds, base_changed, \
             local_state, local_size, local_md5, local_modified, local_inode, local_born, \
             local_nanoseconds, local_changed, local_links, \
             remote_state, remote_size, remote_md5, remote_modified, remote_name, remote_claimed, base_local_modified, \
             mount, holds_unsynced FROM node ",
            $($rest),+
        )
    };
}
pub(super) use select_nodes;

#[cfg(test)]
thread_local! {
    /// Rows that were read on this thread, for tests of how the cost grows.
    pub(crate) static ROWS_READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Reads a row; what this program never writes is damage, not a panic.
pub(super) fn read_node(row: &Row<'_>) -> Result<Node, IndexError> {
    #[cfg(test)]
    ROWS_READ.with(|rows| rows.set(rows.get() + 1));
    let id: NodeId = row.get(0)?;
    let damaged = |what: &str| IndexError::Damaged(format!("row {} has {what}", id.0));
    let name: Vec<u8> = row.get(2)?;
    let name = if id == NodeId::ROOT {
        root_name()
    } else {
        Name::new(name).map_err(|_| damaged("no valid name"))?
    };
    let base_kind: Option<i64> = row.get(3)?;
    let base = match base_kind {
        None => None,
        Some(kind) => {
            let entry = match kind {
                FILE => BaseEntry::File(read_file(row, 4).map_err(|_| damaged("no valid base"))?),
                DIRECTORY => BaseEntry::Directory,
                _ => return Err(damaged("an unknown kind")),
            };
            let modified = match (row.get::<_, Option<i64>>(26)?, entry) {
                (Some(seconds), _) => Timestamp::from_seconds(seconds),
                (None, BaseEntry::File(file)) => file.modified,
                (None, BaseEntry::Directory) => Timestamp::default(),
            };
            Some(Base {
                entry,
                identity: Identity { inode: row.get::<_, i64>(7)?.cast_unsigned(), born: row.get(8)? },
                stamp: Stamp { modified, nanoseconds: row.get(9)?, changed: row.get(10)? },
            })
        }
    };
    let local_state: Option<i64> = row.get(11)?;
    let local = match local_state {
        None => Local::Absent,
        Some(AS_BASE) => {
            let base = base.ok_or_else(|| damaged("a local state without its base"))?;
            match base.entry {
                BaseEntry::Directory => Local::Directory(base.identity),
                BaseEntry::File(file) => Local::File {
                    stat: read_stat(row, base.identity, base.stamp, file.content.size)?,
                    md5: Some(file.content.md5),
                },
            }
        }
        Some(FILE) => {
            let identity = read_identity(row)?;
            let size = row.get::<_, i64>(12)?.cast_unsigned();
            let modified = Timestamp::from_seconds(row.get(14)?);
            let md5: Option<[u8; 16]> = row.get(13)?;
            let stamp = Stamp { modified, nanoseconds: row.get(17)?, changed: row.get(18)? };
            Local::File { stat: read_stat(row, identity, stamp, size)?, md5: md5.map(Md5::from_bytes) }
        }
        Some(DIRECTORY) => Local::Directory(read_identity(row)?),
        Some(UNREADABLE_DIRECTORY) => Local::UnreadableDirectory(read_identity(row)?),
        Some(MOUNT_CHANGED) => Local::MountChanged(read_identity(row)?),
        Some(OTHER) => Local::Other,
        Some(IGNORED) => Local::Ignored,
        Some(_) => return Err(damaged("an unknown local state")),
    };
    let remote_name: Option<String> = row.get(24)?;
    let name_there = match remote_name {
        None => None,
        Some(text) => Some(StoredName::new(text).ok_or_else(|| damaged("no valid stored name"))?),
    };
    let claimed = row.get::<_, Option<i64>>(25)? == Some(1);
    let remote_state: Option<i64> = row.get(20)?;
    let remote_node = match remote_state {
        None => None,
        Some(AS_BASE) => match base.ok_or_else(|| damaged("a remote state without its base"))?.entry {
            BaseEntry::File(file) => Some(RemoteNode::File(file)),
            BaseEntry::Directory => Some(RemoteNode::Directory),
        },
        Some(FILE) => {
            Some(RemoteNode::File(read_file(row, 21).map_err(|_| damaged("no valid remote file"))?))
        }
        Some(DIRECTORY) => Some(RemoteNode::Directory),
        Some(_) => return Err(damaged("an unknown remote state")),
    };
    let remote = remote_node.map(|node| RemoteRecord { node, name: name_there, claimed });
    let mount: Option<i64> = row.get(27)?;
    let mount = mount.map(|number| Mount { file_system: number.cast_unsigned() });
    let holds_unsynced = row.get::<_, Option<i64>>(28)? == Some(1);
    Ok(Node { id, parent: row.get(1)?, name, base, local, remote, mount, holds_unsynced })
}

/// The root has no name of its own; this stands in for it and is never joined to a path.
fn root_name() -> Name {
    Name::new(*b"root").unwrap_or_else(|_| unreachable!("a constant name is valid"))
}

fn read_file(row: &Row<'_>, first: usize) -> Result<File, rusqlite::Error> {
    Ok(File {
        content: Content {
            size: row.get::<_, i64>(first)?.cast_unsigned(),
            md5: Md5::from_bytes(row.get::<_, [u8; 16]>(first + 1)?),
        },
        modified: Timestamp::from_seconds(row.get(first + 2)?),
    })
}

fn read_identity(row: &Row<'_>) -> Result<Identity, rusqlite::Error> {
    Ok(Identity { inode: row.get::<_, i64>(15)?.cast_unsigned(), born: row.get(16)? })
}

fn read_stat(
    row: &Row<'_>,
    identity: Identity,
    stamp: Stamp,
    size: u64,
) -> Result<FileStat, rusqlite::Error> {
    Ok(FileStat {
        identity,
        size,
        modified: stamp.modified,
        modified_nanoseconds: stamp.nanoseconds,
        changed: stamp.changed,
        links: row.get::<_, Option<u32>>(19)?.unwrap_or(1),
    })
}

impl Index {
    /// Writes a row: a new one gets its id, an empty one is removed, with the empty directories above it.
    pub(crate) fn save(&mut self, node: &mut Node) -> Result<(), IndexError> {
        self.begin()?;
        if node.local.kind() != Some(Kind::Directory) {
            // Nothing can be mounted on, or lie in, what is no directory.
            node.mount = None;
            node.holds_unsynced = false;
        }
        if node.id != NodeId::NEW {
            if let Some(before) = self.node(node.id)? {
                if before == *node {
                    return Ok(());
                }
                self.totals.remove(&before);
                if before.parent != node.parent {
                    self.changed_in(before.parent)?;
                    self.moved_to(node.id, node.parent);
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
        self.write_row(node)
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
        self.above.forget(id);
        for statement in [
            "DELETE FROM node WHERE id = ?1",
            "DELETE FROM problem WHERE node = ?1",
            "DELETE FROM held WHERE node = ?1",
            "DELETE FROM ignore_file WHERE directory = ?1",
        ] {
            self.connection.prepare_cached(statement)?.execute([id])?;
        }
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

    fn write_row(&mut self, node: &mut Node) -> Result<(), IndexError> {
        self.above.forget(node.id);
        let name: &[u8] = if node.id == NodeId::ROOT { &[] } else { node.name.as_bytes() };
        let fold = if node.id == NodeId::ROOT { 0 } else { FoldKey::of(&encode_name(&node.name)).number() };
        let base_file = node.base.and_then(|base| match base.entry {
            BaseEntry::File(file) => Some(file),
            BaseEntry::Directory => None,
        });
        let base_kind = node.base.map(|_| if base_file.is_some() { FILE } else { DIRECTORY });
        let local_as_base = node.local_is_base();
        let local_state = match node.local {
            _ if local_as_base => Some(AS_BASE),
            Local::Absent => None,
            Local::File { .. } => Some(FILE),
            Local::Directory(_) => Some(DIRECTORY),
            Local::Other => Some(OTHER),
            Local::UnreadableDirectory(_) => Some(UNREADABLE_DIRECTORY),
            Local::MountChanged(_) => Some(MOUNT_CHANGED),
            Local::Ignored => Some(IGNORED),
        };
        let stat = match node.local {
            Local::File { stat, .. } => Some(stat),
            _ => None,
        };
        let own_stat = stat.filter(|_| !local_as_base);
        let own_identity = node.local.identity().filter(|_| !local_as_base);
        let own_md5 = match node.local {
            Local::File { md5, .. } if !local_as_base => md5,
            _ => None,
        };
        let remote_as_base = node.remote_is_base();
        let remote = node.remote.as_ref();
        let remote_file = remote.filter(|_| !remote_as_base).and_then(|remote| match remote.node {
            RemoteNode::File(file) => Some(file),
            RemoteNode::Directory => None,
        });
        let remote_state = match remote.map(|remote| remote.node) {
            None => None,
            Some(_) if remote_as_base => Some(AS_BASE),
            Some(RemoteNode::File(_)) => Some(FILE),
            Some(RemoteNode::Directory) => Some(DIRECTORY),
        };
        if node.id == NodeId::NEW {
            self.last_id += 1;
            node.id = NodeId(self.last_id);
        }
        let values = params![
            node.id,
            node.parent,
            name,
            fold,
            base_kind,
            base_file.map(|file| file.content.size.cast_signed()),
            base_file.map(|file| *file.content.md5.as_bytes()),
            base_file.map(|file| file.modified.seconds()),
            node.base.map(|base| base.identity.inode.cast_signed()),
            node.base.map(|base| base.identity.born),
            node.base.map(|base| base.stamp.nanoseconds),
            node.base.map(|base| base.stamp.changed),
            local_state,
            own_stat.map(|stat| stat.size.cast_signed()),
            own_md5.map(|md5| *md5.as_bytes()),
            own_stat.map(|stat| stat.modified.seconds()),
            own_identity.map(|identity| identity.inode.cast_signed()),
            own_identity.map(|identity| identity.born),
            own_stat.map(|stat| stat.modified_nanoseconds),
            own_stat.map(|stat| stat.changed),
            stat.map(|stat| stat.links).filter(|links| *links != 1),
            remote_state,
            remote_file.map(|file| file.content.size.cast_signed()),
            remote_file.map(|file| *file.content.md5.as_bytes()),
            remote_file.map(|file| file.modified.seconds()),
            remote.and_then(|remote| remote.name.as_ref()).map(StoredName::as_str),
            remote.is_some_and(|remote| remote.claimed).then_some(1_i64),
            node.base
                .zip(base_file)
                .map(|(base, file)| (base.stamp.modified, file.modified))
                .filter(|(kept, agreed)| kept != agreed)
                .map(|(kept, _)| kept.seconds()),
            node.mount.map(|mount| mount.file_system.cast_signed()),
            node.holds_unsynced.then_some(1_i64),
        ];
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO node (id, parent, name, fold, base_kind, base_size, base_md5, base_modified, base_inode, base_born,
                base_nanoseconds, base_changed, local_state, local_size, local_md5, local_modified,
                local_inode, local_born, local_nanoseconds, local_changed, local_links, remote_state,
                remote_size, remote_md5, remote_modified, remote_name, remote_claimed, base_local_modified, mount,
                holds_unsynced)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)
             ON CONFLICT (id) DO UPDATE SET
                parent = ?2, name = ?3, fold = ?4, base_kind = ?5, base_size = ?6, base_md5 = ?7,
                base_modified = ?8, base_inode = ?9, base_born = ?10, base_nanoseconds = ?11,
                base_changed = ?12, local_state = ?13, local_size = ?14, local_md5 = ?15,
                local_modified = ?16, local_inode = ?17, local_born = ?18, local_nanoseconds = ?19,
                local_changed = ?20, local_links = ?21, remote_state = ?22, remote_size = ?23,
                remote_md5 = ?24, remote_modified = ?25, remote_name = ?26, remote_claimed = ?27, base_local_modified = ?28,
                mount = ?29, holds_unsynced = ?30",
        )?;
        statement.execute(values)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::new_index;

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
