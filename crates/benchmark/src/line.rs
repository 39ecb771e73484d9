//! The lines of the comparison, and what was measured for one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::report::{format_memory, format_seconds};

/// A piece of work that every client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// Everything is new.
    FirstUpload,
    /// Nothing is new.
    Unchanged,
    /// One file has other content.
    OneChanged,
    /// The directory that holds everything has another name.
    DirectoryRenamed,
}

impl Line {
    /// All of them, in the order in which they are done.
    pub(crate) const ALL: [Self; 4] =
        [Self::FirstUpload, Self::Unchanged, Self::OneChanged, Self::DirectoryRenamed];

    /// The words for it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::FirstUpload => "first upload",
            Self::Unchanged => "second run, nothing changed",
            Self::OneChanged => "one file changed",
            Self::DirectoryRenamed => "the directory of all files renamed",
        }
    }
}

/// What a client's own process cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// From its start, or from the change, to its end.
    pub(crate) wall: Duration,
    /// User and system time of all its threads; `None` where the system does not tell.
    pub(crate) cpu: Option<Duration>,
    /// The most memory that it ever had resident, in bytes; `None` where the system does not tell.
    pub(crate) peak_memory: Option<u64>,
}

/// One client's result in one line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) line: Line,
    /// The program, in which way it was run.
    pub(crate) client: &'static str,
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) requests: u64,
    /// Requests by the endpoint's name.
    pub(crate) by_endpoint: BTreeMap<String, u64>,
}

impl Sample {
    pub(crate) fn new(
        line: Line,
        client: &'static str,
        cost: Cost,
        by_endpoint: BTreeMap<String, u64>,
    ) -> Self {
        Self {
            line,
            client,
            wall_seconds: cost.wall.as_secs_f64(),
            cpu_seconds: cost.cpu.map(|cpu| cpu.as_secs_f64()),
            peak_memory_bytes: cost.peak_memory,
            requests: by_endpoint.values().sum(),
            by_endpoint,
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}: {}", self.line.title(), self.client, format_seconds(self.wall_seconds))?;
        if let Some(cpu) = self.cpu_seconds {
            write!(formatter, ", CPU {}", format_seconds(cpu))?;
        }
        if let Some(memory) = self.peak_memory_bytes {
            write!(formatter, ", {}", format_memory(memory))?;
        }
        write!(formatter, ", {} requests", self.requests)?;
        let parts: Vec<_> = self.by_endpoint.iter().map(|(name, count)| format!("{name} {count}")).collect();
        write!(formatter, " ({})", parts.join(", "))
    }
}
