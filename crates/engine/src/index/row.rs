//! How a row is written down: the columns of the table, and what stands in them.
//!
//! A side that is as both sides agreed says so instead of repeating it: that saves most of the file.

use jottad_core::{Content, File, FoldKey, Md5, Name, StoredName, Timestamp, encode_name};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row, params};

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

/// Writes a row that has its number.
pub(super) fn write_node(connection: &Connection, node: &Node) -> Result<(), IndexError> {
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
    let values = params![
        node.id,
        node.parent,
        name,
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
        fold,
    ];
    let mut statement = connection.prepare_cached(concat!(
        "INSERT INTO node (",
        columns!(),
        ", fold) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
                 ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) \
             ON CONFLICT (id) DO UPDATE SET \
                 parent = excluded.parent, name = excluded.name, base_kind = excluded.base_kind, \
                 base_size = excluded.base_size, base_md5 = excluded.base_md5, \
                 base_modified = excluded.base_modified, base_inode = excluded.base_inode, \
                 base_born = excluded.base_born, base_nanoseconds = excluded.base_nanoseconds, \
                 base_changed = excluded.base_changed, local_state = excluded.local_state, \
                 local_size = excluded.local_size, local_md5 = excluded.local_md5, \
                 local_modified = excluded.local_modified, local_inode = excluded.local_inode, \
                 local_born = excluded.local_born, local_nanoseconds = excluded.local_nanoseconds, \
                 local_changed = excluded.local_changed, local_links = excluded.local_links, \
                 remote_state = excluded.remote_state, remote_size = excluded.remote_size, \
                 remote_md5 = excluded.remote_md5, remote_modified = excluded.remote_modified, \
                 remote_name = excluded.remote_name, remote_claimed = excluded.remote_claimed, \
                 base_local_modified = excluded.base_local_modified, mount = excluded.mount, \
                 holds_unsynced = excluded.holds_unsynced, fold = excluded.fold"
    ))?;
    statement.execute(values)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
