//! What a folder is for: which side's changes travel, and who wins.

use std::fmt;
use std::str::FromStr;

/// A folder's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Local changes and deletes go to the remote; nothing is ever written locally.
    Backup,
    /// Changes and deletes travel both ways; edit beats delete, and of two edits both are kept.
    Sync,
    /// Local changes go to the remote; nothing is ever deleted.
    Archive,
    /// Remote changes and deletes come to the local side; nothing is ever written remotely.
    Pull,
}

impl Mode {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Backup, Self::Sync, Self::Archive, Self::Pull];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Sync => "sync",
            Self::Archive => "archive",
            Self::Pull => "pull",
        }
    }

    /// Whether local changes travel to the remote.
    pub const fn pushes(self) -> bool {
        !matches!(self, Self::Pull)
    }

    /// Whether remote changes travel to the local side, so that the local side is written at all.
    pub const fn pulls(self) -> bool {
        matches!(self, Self::Sync | Self::Pull)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Not one of the four words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a mode: use backup, sync, archive or pull")]
pub struct ParseModeError {
    word: String,
}

impl FromStr for Mode {
    type Err = ParseModeError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == word)
            .ok_or_else(|| ParseModeError { word: word.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_word_and_its_directions() {
        for (mode, word, pushes, pulls) in [
            (Mode::Backup, "backup", true, false),
            (Mode::Sync, "sync", true, true),
            (Mode::Archive, "archive", true, false),
            (Mode::Pull, "pull", false, true),
        ] {
            assert_eq!((mode.to_string(), word.parse()), (word.to_owned(), Ok(mode)));
            assert_eq!((mode.pushes(), mode.pulls()), (pushes, pulls), "{mode}");
        }
        for word in ["", "Sync", "both"] {
            assert_eq!(word.parse::<Mode>(), Err(ParseModeError { word: word.to_owned() }));
        }
    }
}
