//! Who does the work.

pub(crate) mod daemon;
pub(crate) mod jottad;
pub(crate) mod rclone;

use std::fmt;

use clap::ValueEnum;

use crate::line::Sample;
use crate::stage::Stage;

/// A program with the settings that it is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// jottad with its default settings, as passes and as a daemon
    Jottad,
    /// rclone with --transfers 16 --checkers 16 --fast-list, and --track-renames for the rename
    Rclone,
    /// rclone without any flags
    RcloneDefault,
}

impl Client {
    /// All, in the order in which they are measured.
    pub(crate) const ALL: [Self; 3] = [Self::Jottad, Self::Rclone, Self::RcloneDefault];

    pub(crate) const fn is_rclone(self) -> bool {
        !matches!(self, Self::Jottad)
    }

    /// Does all lines in order and hands over what each cost.
    pub(crate) fn run(self, stage: &Stage, take: &mut dyn FnMut(Sample)) -> anyhow::Result<()> {
        match self {
            Self::Jottad => jottad::run(stage, take),
            Self::Rclone => rclone::run(stage, &rclone::TUNED, take),
            Self::RcloneDefault => rclone::run(stage, &rclone::DEFAULT, take),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jottad => "jottad",
            Self::Rclone => "rclone",
            Self::RcloneDefault => "rclone-default",
        })
    }
}
