//! Why a folder cannot go on.

use crate::ignore_rules::IgnoreRuleError;
use crate::index::IndexError;

/// The folder cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A rule in the configuration.
    #[error(transparent)]
    IgnoreRule(#[from] IgnoreRuleError),
}

impl FolderError {
    /// Whether a folder that it keeps from being taken up waits for it to pass; else a person has to mend it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Index(error) => error.may_pass(),
            Self::IgnoreRule(_) => false,
        }
    }

    /// Whether the disk with the index has no room.
    pub fn lacks_room(&self) -> bool {
        match self {
            Self::Index(error) => error.lacks_room(),
            Self::IgnoreRule(_) => false,
        }
    }
}
