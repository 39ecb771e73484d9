//! A plan as plain data.

use std::fmt;

use crate::entry::Side;
use crate::path::RelativePath;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub kind: OperationKind,
    /// Where.
    pub path: RelativePath,
    /// The new path, of a move.
    pub to: Option<RelativePath>,
    /// Bytes of the file that travels; `None` where none does.
    pub bytes: Option<u64>,
    /// Why, as a fragment.
    pub because: &'static str,
}

/// The kinds of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Send a file.
    Upload,
    /// Fetch a file.
    Download,
    /// Make a directory on a side.
    MakeDirectory(Side),
    /// Move an entry to another path on a side.
    Move(Side),
    /// Put an entry into a side's trash.
    Trash(Side),
    /// Set a file's modification time on a side.
    SetTime(Side),
    /// Rename an entry to a conflict name on a side.
    MoveAside(Side),
}

impl OperationKind {
    /// The word for it in `plan`, the log and `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::MakeDirectory(Side::Remote) => "make_remote_directory",
            Self::MakeDirectory(Side::Local) => "make_local_directory",
            Self::Move(Side::Remote) => "move_remote",
            Self::Move(Side::Local) => "move_local",
            Self::Trash(Side::Remote) => "trash_remote",
            Self::Trash(Side::Local) => "trash_local",
            Self::SetTime(Side::Remote) => "set_remote_time",
            Self::SetTime(Side::Local) => "set_local_time",
            Self::MoveAside(Side::Remote) => "move_remote_aside",
            Self::MoveAside(Side::Local) => "move_local_aside",
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts read them.
    #[test]
    fn each_kind_has_a_word_of_its_own_that_stays() {
        use OperationKind::{Download, MakeDirectory, Move, MoveAside, SetTime, Trash, Upload};
        use Side::{Local, Remote};

        for (kind, word) in [
            (Upload, "upload"),
            (Download, "download"),
            (MakeDirectory(Remote), "make_remote_directory"),
            (MakeDirectory(Local), "make_local_directory"),
            (Move(Remote), "move_remote"),
            (Move(Local), "move_local"),
            (Trash(Remote), "trash_remote"),
            (Trash(Local), "trash_local"),
            (SetTime(Remote), "set_remote_time"),
            (SetTime(Local), "set_local_time"),
            (MoveAside(Remote), "move_remote_aside"),
            (MoveAside(Local), "move_local_aside"),
        ] {
            assert_eq!(kind.to_string(), word);
        }
    }
}
