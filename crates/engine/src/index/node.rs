//! One row: what the three trees have at one path.

use jottad_core::{Content, Entry, File, Kind, Md5, Name, StoredName, Timestamp, Trees, encode_name};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

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
    /// `md5` is missing until the file was hashed.
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

    /// Nothing local is known any more.
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

    /// The three trees, or `None` while the local file was not hashed.
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

    pub(super) fn local_is_base(&self) -> bool {
        self.base.is_some() && self.base_from_local() == self.base
    }

    pub(super) fn remote_is_base(&self) -> bool {
        self.base.is_some()
            && self.base_entry() == self.remote_entry()
            && self.remote.as_ref().is_some_and(|remote| !remote.claimed)
    }
}
