//! What a tree has at a path, and the three trees at one path.

use crate::content::{Content, Timestamp};

/// A file as both sides can know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct File {
    /// What it holds.
    pub content: Content,
    /// When it was last modified, as its owner says.
    pub modified: Timestamp,
}

/// What one of the three trees has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Nothing; and that was proven by a complete observation.
    Absent,
    /// A file.
    File(File),
    /// A directory; what is in it are entries of their own.
    Directory,
    /// Something that must not or cannot be synced: a symlink, a socket, an unreadable file, an ignored
    /// entry. Nothing is done at such a path, on either side.
    Untracked,
}

impl Entry {
    /// Whether there is something, of whatever kind.
    pub const fn is_present(self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The file, if it is one.
    pub const fn file(self) -> Option<File> {
        match self {
            Self::File(file) => Some(file),
            _ => None,
        }
    }

    /// Whether both are the same kind with the same content; times may differ.
    pub fn same_content(self, other: Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(two)) => one.content == two.content,
            _ => self == other,
        }
    }
}

/// The kinds of entry that exist on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
}

/// One of the two sides that are kept in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The local directory.
    Local,
    /// Jottacloud.
    Remote,
}

impl Side {
    /// The one across.
    pub const fn other(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

/// The three trees at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trees {
    /// What both sides last agreed on.
    pub base: Entry,
    /// What the last scan saw.
    pub local: Entry,
    /// What the last listing saw.
    pub remote: Entry,
}
