//! How a row is written down: the columns of the table, and what stands in them.
//!
//! A side that is as both sides agreed says so instead of repeating it: that saves most of the file.

use jottad_core::{Content, File, FoldKey, Md5, Name, StoredName, Timestamp, encode_name};
use std::sync::LazyLock;

use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, Row, params_from_iter};

use super::IndexError;
use super::node::{Base, BaseEntry, Local, Node, NodeId, RemoteRecord, Stamp};
use crate::disk::{FileStat, Identity, Mount};
use crate::remote::RemoteNode;

const AS_BASE: i64 = 0;
const FILE: i64 = 1;
const DIRECTORY: i64 = 2;
const OTHER: i64 = 3;
const UNREADABLE_DIRECTORY: i64 = 4;
const IGNORED: i64 = 5;
const MOUNT_CHANGED: i64 = 6;

/// The columns of a row in the order of [`Column`]. It is text at compile time, because statements are looked
/// up by their text, far more often than that should be put together.
macro_rules! columns {
    () => {
        "id, parent, name, \
         base_kind, base_size, base_md5, base_modified, base_inode, base_born, base_nanoseconds, base_changed, \
         local_state, local_size, local_md5, local_modified, local_inode, local_born, local_nanoseconds, local_changed, local_links, \
         remote_state, remote_size, remote_md5, remote_modified, remote_name, remote_claimed, \
         base_local_modified, mount, holds_unsynced"
    };
}
pub(super) use columns;

/// Where a column stands in what a statement reads.
#[derive(Debug, Clone, Copy)]
enum Column {
    Id,
    Parent,
    Name,
    BaseKind,
    BaseSize,
    BaseMd5,
    BaseModified,
    BaseInode,
    BaseBorn,
    BaseNanoseconds,
    BaseChanged,
    LocalState,
    LocalSize,
    LocalMd5,
    LocalModified,
    LocalInode,
    LocalBorn,
    LocalNanoseconds,
    LocalChanged,
    LocalLinks,
    RemoteState,
    RemoteSize,
    RemoteMd5,
    RemoteModified,
    RemoteName,
    RemoteClaimed,
    BaseLocalModified,
    Mount,
    HoldsUnsynced,
}

/// A statement that reads rows, from what follows the table's name.
macro_rules! select_nodes {
    ($($rest:literal),+) => {
        concat!("SELECT ", $crate::index::row::columns!(), " FROM node ", $($rest),+)
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
    let id: NodeId = column(row, Column::Id)?;
    let name = if id == NodeId::ROOT {
        root_name()
    } else {
        Name::new(column::<Vec<u8>>(row, Column::Name)?).map_err(|_| damaged(id, "no valid name"))?
    };
    let base = read_base(row, id)?;
    let mount: Option<i64> = column(row, Column::Mount)?;
    Ok(Node {
        id,
        parent: column(row, Column::Parent)?,
        name,
        base,
        local: read_local(row, id, base)?,
        remote: read_remote(row, id, base)?,
        mount: mount.map(|number| Mount { file_system: number.cast_unsigned() }),
        holds_unsynced: column::<Option<i64>>(row, Column::HoldsUnsynced)? == Some(1),
    })
}

fn read_base(row: &Row<'_>, id: NodeId) -> Result<Option<Base>, IndexError> {
    let entry = match column(row, Column::BaseKind)? {
        None => return Ok(None),
        Some(FILE) => {
            let columns = [Column::BaseSize, Column::BaseMd5, Column::BaseModified];
            BaseEntry::File(read_file(row, columns).map_err(|_| damaged(id, "no valid base"))?)
        }
        Some(DIRECTORY) => BaseEntry::Directory,
        Some(_) => return Err(damaged(id, "an unknown kind")),
    };
    let modified = match (column(row, Column::BaseLocalModified)?, entry) {
        (Some(seconds), _) => Timestamp::from_seconds(seconds),
        (None, BaseEntry::File(file)) => file.modified,
        (None, BaseEntry::Directory) => Timestamp::default(),
    };
    let inode: i64 = column(row, Column::BaseInode)?;
    Ok(Some(Base {
        entry,
        identity: Identity { inode: inode.cast_unsigned(), born: column(row, Column::BaseBorn)? },
        stamp: Stamp {
            modified,
            nanoseconds: column(row, Column::BaseNanoseconds)?,
            changed: column(row, Column::BaseChanged)?,
        },
    }))
}

fn read_local(row: &Row<'_>, id: NodeId, base: Option<Base>) -> Result<Local, IndexError> {
    Ok(match column(row, Column::LocalState)? {
        None => Local::Absent,
        Some(AS_BASE) => {
            let base = base.ok_or_else(|| damaged(id, "a local state without its base"))?;
            match base.entry {
                BaseEntry::Directory => Local::Directory(base.identity),
                BaseEntry::File(file) => Local::File {
                    stat: read_stat(row, base.identity, base.stamp, file.content.size)?,
                    md5: Some(file.content.md5),
                },
            }
        }
        Some(FILE) => {
            let size: i64 = column(row, Column::LocalSize)?;
            let md5: Option<[u8; 16]> = column(row, Column::LocalMd5)?;
            let stamp = Stamp {
                modified: Timestamp::from_seconds(column(row, Column::LocalModified)?),
                nanoseconds: column(row, Column::LocalNanoseconds)?,
                changed: column(row, Column::LocalChanged)?,
            };
            let stat = read_stat(row, read_identity(row)?, stamp, size.cast_unsigned())?;
            Local::File { stat, md5: md5.map(Md5::from_bytes) }
        }
        Some(DIRECTORY) => Local::Directory(read_identity(row)?),
        Some(UNREADABLE_DIRECTORY) => Local::UnreadableDirectory(read_identity(row)?),
        Some(MOUNT_CHANGED) => Local::MountChanged(read_identity(row)?),
        Some(OTHER) => Local::Other,
        Some(IGNORED) => Local::Ignored,
        Some(_) => return Err(damaged(id, "an unknown local state")),
    })
}

fn read_remote(row: &Row<'_>, id: NodeId, base: Option<Base>) -> Result<Option<RemoteRecord>, IndexError> {
    let name: Option<String> = column(row, Column::RemoteName)?;
    let name = name
        .map(|text| StoredName::new(text).ok_or_else(|| damaged(id, "no valid stored name")))
        .transpose()?;
    let node = match column(row, Column::RemoteState)? {
        None => return Ok(None),
        Some(AS_BASE) => match base.ok_or_else(|| damaged(id, "a remote state without its base"))?.entry {
            BaseEntry::File(file) => RemoteNode::File(file),
            BaseEntry::Directory => RemoteNode::Directory,
        },
        Some(FILE) => {
            let columns = [Column::RemoteSize, Column::RemoteMd5, Column::RemoteModified];
            RemoteNode::File(read_file(row, columns).map_err(|_| damaged(id, "no valid remote file"))?)
        }
        Some(DIRECTORY) => RemoteNode::Directory,
        Some(_) => return Err(damaged(id, "an unknown remote state")),
    };
    let claimed = column::<Option<i64>>(row, Column::RemoteClaimed)? == Some(1);
    Ok(Some(RemoteRecord { node, name, claimed }))
}

fn column<T: FromSql>(row: &Row<'_>, column: Column) -> Result<T, rusqlite::Error> {
    row.get(column as usize)
}

fn damaged(id: NodeId, what: &str) -> IndexError {
    IndexError::Damaged(format!("row {} has {what}", id.0))
}

/// The root has no name of its own; this stands in for it and is never joined to a path.
fn root_name() -> Name {
    Name::new(*b"root").unwrap_or_else(|_| unreachable!("a constant name is valid"))
}

/// A file, from the columns of its size, its hash and its time.
fn read_file(row: &Row<'_>, [size, md5, modified]: [Column; 3]) -> Result<File, rusqlite::Error> {
    let size: i64 = column(row, size)?;
    Ok(File {
        content: Content { size: size.cast_unsigned(), md5: Md5::from_bytes(column(row, md5)?) },
        modified: Timestamp::from_seconds(column(row, modified)?),
    })
}

fn read_identity(row: &Row<'_>) -> Result<Identity, rusqlite::Error> {
    let inode: i64 = column(row, Column::LocalInode)?;
    Ok(Identity { inode: inode.cast_unsigned(), born: column(row, Column::LocalBorn)? })
}

fn read_stat(
    row: &Row<'_>,
    identity: Identity,
    stamp: Stamp,
    size: u64,
) -> Result<FileStat, rusqlite::Error> {
    let links: Option<u32> = column(row, Column::LocalLinks)?;
    Ok(FileStat {
        identity,
        size,
        modified: stamp.modified,
        modified_nanoseconds: stamp.nanoseconds,
        changed: stamp.changed,
        links: links.unwrap_or(1),
    })
}

/// Columns that are written together: of most rows that are written only one side has changed, and an index
/// over columns that are not named in a statement costs nothing.
const PLACE: &[&str] = &["parent", "name", "fold"];
const BASE: &[&str] = &[
    "base_kind",
    "base_size",
    "base_md5",
    "base_modified",
    "base_inode",
    "base_born",
    "base_nanoseconds",
    "base_changed",
    "base_local_modified",
];
const LOCAL: &[&str] = &[
    "local_state",
    "local_size",
    "local_md5",
    "local_modified",
    "local_inode",
    "local_born",
    "local_nanoseconds",
    "local_changed",
    "local_links",
    "mount",
    "holds_unsynced",
];
const REMOTE: &[&str] =
    &["remote_state", "remote_size", "remote_md5", "remote_modified", "remote_name", "remote_claimed"];
const GROUPS: [&[&str]; 4] = [PLACE, BASE, LOCAL, REMOTE];

/// Statements that write some of the groups of columns of a row, by a bit for each group.
static UPDATES: LazyLock<[String; 1 << GROUPS.len()]> = LazyLock::new(|| {
    std::array::from_fn(|changed| {
        let written = GROUPS.iter().enumerate().filter(|(group, _)| changed & (1 << group) != 0);
        let columns: Vec<String> =
            written.flat_map(|(_, columns)| columns.iter().map(|column| format!("{column} = ?"))).collect();
        format!("UPDATE node SET {} WHERE id = ?", columns.join(", "))
    })
});

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns = GROUPS.concat();
    let values = vec!["?"; columns.len() + 1].join(", ");
    format!("INSERT INTO node ({}, id) VALUES ({values})", columns.join(", "))
});

/// What stands in a row's columns, group by group.
#[derive(Debug, PartialEq)]
struct Written<'node> {
    base: [Value; BASE.len()],
    local: [Value; LOCAL.len()],
    remote: [Value; REMOTE.len()],
    node: &'node Node,
}

fn value<T>(value: Option<T>) -> Value
where
    Value: From<T>,
{
    value.map_or(Value::Null, Value::from)
}

impl<'node> Written<'node> {
    fn of(node: &'node Node) -> Self {
        let number = |number: u64| number.cast_signed();
        let hash = |md5: Md5| md5.as_bytes().to_vec();
        let base_file = node.base.and_then(|base| match base.entry {
            BaseEntry::File(file) => Some(file),
            BaseEntry::Directory => None,
        });
        let kept_otherwise = node
            .base
            .zip(base_file)
            .map(|(base, file)| (base.stamp.modified, file.modified))
            .filter(|(kept, agreed)| kept != agreed);
        let base = [
            value(node.base.map(|_| if base_file.is_some() { FILE } else { DIRECTORY })),
            value(base_file.map(|file| number(file.content.size))),
            value(base_file.map(|file| hash(file.content.md5))),
            value(base_file.map(|file| file.modified.seconds())),
            value(node.base.map(|base| number(base.identity.inode))),
            value(node.base.map(|base| base.identity.born)),
            value(node.base.map(|base| base.stamp.nanoseconds)),
            value(node.base.map(|base| base.stamp.changed)),
            value(kept_otherwise.map(|(kept, _)| kept.seconds())),
        ];
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
        let (stat, md5) = match node.local {
            Local::File { stat, md5 } => (Some(stat), md5),
            _ => (None, None),
        };
        let own_stat = stat.filter(|_| !local_as_base);
        let own_identity = node.local.identity().filter(|_| !local_as_base);
        let local = [
            value(local_state),
            value(own_stat.map(|stat| number(stat.size))),
            value(md5.filter(|_| !local_as_base).map(hash)),
            value(own_stat.map(|stat| stat.modified.seconds())),
            value(own_identity.map(|identity| number(identity.inode))),
            value(own_identity.map(|identity| identity.born)),
            value(own_stat.map(|stat| stat.modified_nanoseconds)),
            value(own_stat.map(|stat| stat.changed)),
            value(stat.map(|stat| stat.links).filter(|links| *links != 1)),
            value(node.mount.map(|mount| number(mount.file_system))),
            value(node.holds_unsynced.then_some(1_i64)),
        ];
        let remote_as_base = node.remote_is_base();
        let record = node.remote.as_ref();
        let remote_file = record.filter(|_| !remote_as_base).and_then(|remote| match remote.node {
            RemoteNode::File(file) => Some(file),
            RemoteNode::Directory => None,
        });
        let remote_state = match record.map(|remote| remote.node) {
            None => None,
            Some(_) if remote_as_base => Some(AS_BASE),
            Some(RemoteNode::File(_)) => Some(FILE),
            Some(RemoteNode::Directory) => Some(DIRECTORY),
        };
        let remote = [
            value(remote_state),
            value(remote_file.map(|file| number(file.content.size))),
            value(remote_file.map(|file| hash(file.content.md5))),
            value(remote_file.map(|file| file.modified.seconds())),
            value(record.and_then(|remote| remote.name.as_ref()).map(|name| name.as_str().to_owned())),
            value(record.is_some_and(|remote| remote.claimed).then_some(1_i64)),
        ];
        Self { base, local, remote, node }
    }

    fn place(&self) -> [Value; PLACE.len()] {
        let Node { id, parent, name, .. } = self.node;
        let (name, fold) = match *id {
            NodeId::ROOT => (Vec::new(), 0),
            _ => (name.as_bytes().to_vec(), FoldKey::of(&encode_name(name)).number()),
        };
        [parent.0.into(), name.into(), fold.into()]
    }
}

/// Writes a row that has its number and is not in the index yet.
pub(super) fn insert_node(connection: &Connection, node: &Node) -> Result<(), IndexError> {
    let written = Written::of(node);
    let Written { base, local, remote, .. } = &written;
    let (place, id) = (written.place(), Value::from(node.id.0));
    let values = place.iter().chain(base).chain(local).chain(remote).chain([&id]);
    connection.prepare_cached(&INSERT)?.execute(params_from_iter(values))?;
    Ok(())
}

/// Writes what of a row is not as it was before.
pub(super) fn update_node(connection: &Connection, before: &Node, node: &Node) -> Result<(), IndexError> {
    let (was, is) = (Written::of(before), Written::of(node));
    let mut values: Vec<Value> = Vec::new();
    let mut changed = 0;
    if before.parent != node.parent || before.name != node.name {
        changed |= 1;
        values.extend(is.place());
    }
    let groups: [(&[Value], &[Value]); 3] =
        [(&was.base, &is.base), (&was.local, &is.local), (&was.remote, &is.remote)];
    for (group, (was, is)) in (1..).zip(groups) {
        if was != is {
            changed |= 1 << group;
            values.extend_from_slice(is);
        }
    }
    if changed == 0 {
        return Ok(());
    }
    values.push(node.id.0.into());
    connection.prepare_cached(&UPDATES[changed])?.execute(params_from_iter(values))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{file_stat, new_index};

    #[test]
    fn each_column_is_read_where_it_stands() {
        let snake = |column: Column| {
            let name = format!("{column:?}");
            let words = name.chars().enumerate().flat_map(|(at, letter)| {
                let gap = (letter.is_uppercase() && at > 0).then_some('_');
                gap.into_iter().chain(letter.to_lowercase())
            });
            words.collect::<String>()
        };
        let named = [
            Column::Id,
            Column::Parent,
            Column::Name,
            Column::BaseKind,
            Column::BaseSize,
            Column::BaseMd5,
            Column::BaseModified,
            Column::BaseInode,
            Column::BaseBorn,
            Column::BaseNanoseconds,
            Column::BaseChanged,
            Column::LocalState,
            Column::LocalSize,
            Column::LocalMd5,
            Column::LocalModified,
            Column::LocalInode,
            Column::LocalBorn,
            Column::LocalNanoseconds,
            Column::LocalChanged,
            Column::LocalLinks,
            Column::RemoteState,
            Column::RemoteSize,
            Column::RemoteMd5,
            Column::RemoteModified,
            Column::RemoteName,
            Column::RemoteClaimed,
            Column::BaseLocalModified,
            Column::Mount,
            Column::HoldsUnsynced,
        ];
        let named: Vec<_> = named.into_iter().map(snake).collect();
        assert_eq!(named, columns!().split(", ").collect::<Vec<_>>());
    }

    /// Whatever a row becomes, it is read as it was written.
    #[test]
    fn what_is_written_over_a_row_is_read_again() {
        let (_place, index) = new_index();
        index.connection.execute_batch("BEGIN").unwrap();
        let rows = any_rows();
        for before in &rows {
            for after in &rows {
                index.connection.execute("DELETE FROM node WHERE id = 7", []).unwrap();
                insert_node(&index.connection, before).unwrap();
                update_node(&index.connection, before, after).unwrap();
                let statement = concat!("SELECT ", columns!(), ", fold FROM node WHERE id = 7");
                let (read, fold) = index
                    .connection
                    .query_row(statement, [], |row| Ok((read_node(row), row.get::<_, i64>("fold")?)))
                    .unwrap();
                assert_eq!(&read.unwrap(), after, "over {before:?}");
                assert_eq!(fold, FoldKey::of(&encode_name(&after.name)).number());
            }
        }
    }

    /// Rows with everything that the three trees may have.
    fn any_rows() -> Vec<Node> {
        let file = |md5: u8, seconds| File {
            content: Content { size: u64::from(md5), md5: Md5::from_bytes([md5; 16]) },
            modified: Timestamp::from_seconds(seconds),
        };
        let identity = Identity { inode: u64::MAX, born: -1 };
        let stat = |links| FileStat { links, ..file_stat(9, 5) };
        let stamp = Stamp { modified: Timestamp::from_seconds(2), nanoseconds: 3, changed: -4 };
        let bases = [
            None,
            Some(Base { entry: BaseEntry::Directory, identity, stamp: Stamp::default() }),
            Some(Base {
                entry: BaseEntry::File(file(5, 1)),
                identity: stat(1).identity,
                stamp: Stamp::of(&stat(1)),
            }),
            Some(Base { entry: BaseEntry::File(file(8, 7)), identity, stamp }),
        ];
        let locals = [
            Local::Absent,
            Local::File { stat: stat(1), md5: None },
            Local::File { stat: stat(2), md5: Some(Md5::from_bytes([5; 16])) },
            Local::Directory(identity),
            Local::Other,
            Local::UnreadableDirectory(identity),
            Local::MountChanged(identity),
            Local::Ignored,
        ];
        let stored = StoredName::new("Other".to_owned());
        let remotes = [
            None,
            Some(RemoteRecord { node: RemoteNode::Directory, name: None, claimed: true }),
            Some(RemoteRecord { node: RemoteNode::File(file(5, 1)), name: stored, claimed: false }),
        ];
        let mut rows = Vec::new();
        for (number, base) in bases.into_iter().enumerate() {
            for local in locals {
                for remote in &remotes {
                    let name = Name::new(format!("N{number}").into_bytes()).unwrap();
                    let mut node = Node::new(NodeId(1 + i64::from(local == Local::Other)), name);
                    (node.id, node.base, node.local, node.remote) = (NodeId(7), base, local, remote.clone());
                    node.mount = local.is_directory().then_some(Mount { file_system: 3 });
                    node.holds_unsynced = local == Local::Directory(identity);
                    rows.push(node);
                }
            }
        }
        rows
    }
}
