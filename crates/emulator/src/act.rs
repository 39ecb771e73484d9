//! What another device does with the account while a test runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// One action of another device. Paths are `DEVICE/MOUNTPOINT/path` with stored names, nothing is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Writes a file: a new one, or a new revision.
    Put {
        /// Where.
        path: String,
        /// What.
        #[serde(default)]
        content: Source,
        /// Seconds since 1970; the present when missing.
        #[serde(default)]
        modified: Option<i64>,
        /// Seconds since 1970; `modified` when missing.
        #[serde(default)]
        created: Option<i64>,
        /// Leaves the upload unfinished or damaged instead.
        #[serde(default)]
        state: PutState,
    },
    /// Writes many small files, `per_folder` in each of the folders `d0000000`, `d0000001` … below `path`.
    Populate {
        /// The folder to fill.
        path: String,
        /// How many files.
        files: u64,
        /// How many in each folder.
        per_folder: u64,
        /// Bytes of each file.
        size: u64,
        /// Seconds since 1970; the present when missing.
        #[serde(default)]
        modified: Option<i64>,
    },
    /// Makes a folder with its parents.
    Mkdir {
        /// Where.
        path: String,
    },
    /// Moves a file or folder to the trash.
    Delete {
        /// What.
        path: String,
    },
    /// Removes a file or folder for good, live or trashed.
    Remove {
        /// What.
        path: String,
    },
    /// Moves a file or folder.
    Move {
        /// From where.
        from: String,
        /// To where.
        to: String,
    },
    /// Changes the times of a file and nothing else.
    Touch {
        /// What.
        path: String,
        /// Seconds since 1970.
        modified: i64,
    },
    /// Brings a trashed file or folder back, with all in it.
    Restore {
        /// What.
        path: String,
    },
    /// Empties the trash.
    PurgeTrash,
}

/// Where the bytes of a [`Act::Put`] come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// These, as text.
    Text {
        /// UTF-8.
        text: String,
    },
    /// These, in base64.
    Base64 {
        /// Standard alphabet with padding.
        base64: String,
    },
    /// So many bytes that follow from a seed.
    Random {
        /// How many.
        size: u64,
        /// From which they follow.
        seed: u64,
    },
}

impl Default for Source {
    fn default() -> Self {
        Self::Text { text: String::new() }
    }
}

/// How a [`Act::Put`] ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PutState {
    /// Complete.
    #[default]
    Completed,
    /// Announced, but never sent.
    Incomplete,
    /// Sent with the wrong bytes.
    Corrupt,
}

impl Act {
    /// Writes these bytes now.
    pub fn put(path: &str, content: &[u8]) -> Self {
        Self::Put {
            path: path.to_owned(),
            content: Source::Base64 { base64: STANDARD.encode(content) },
            modified: None,
            created: None,
            state: PutState::Completed,
        }
    }

    /// Writes these bytes with this time.
    pub fn put_at(path: &str, content: &[u8], modified: i64) -> Self {
        Self::Put {
            path: path.to_owned(),
            content: Source::Base64 { base64: STANDARD.encode(content) },
            modified: Some(modified),
            created: None,
            state: PutState::Completed,
        }
    }

    /// Makes a folder.
    pub fn mkdir(path: &str) -> Self {
        Self::Mkdir { path: path.to_owned() }
    }

    /// Moves to the trash.
    pub fn delete(path: &str) -> Self {
        Self::Delete { path: path.to_owned() }
    }

    /// Removes for good.
    pub fn remove(path: &str) -> Self {
        Self::Remove { path: path.to_owned() }
    }

    /// Moves.
    pub fn rename(from: &str, to: &str) -> Self {
        Self::Move { from: from.to_owned(), to: to.to_owned() }
    }

    /// Brings back from the trash.
    pub fn restore(path: &str) -> Self {
        Self::Restore { path: path.to_owned() }
    }
}
