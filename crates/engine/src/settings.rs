//! What a folder is configured to do.

use std::time::Duration;

use jottad_core::{DeleteLimits, Mode};

/// One folder's settings, checked.
#[derive(Debug, Clone)]
pub struct FolderSettings {
    /// Its name in the configuration, for messages.
    pub name: String,
    /// Which side's changes travel.
    pub mode: Mode,
    /// Ignore rules in gitignore syntax, from the configuration.
    pub ignore: Vec<String>,
    /// Larger files, in bytes, are ignored.
    pub max_size: Option<u64>,
    /// When a pass must wait for a person.
    pub delete_limits: DeleteLimits,
    /// How often the remote is asked whether anything changed.
    pub poll: Duration,
    /// The longest that a file which keeps changing waits after it was sent, before it is sent again.
    pub resend: Duration,
    /// How often everything local is scanned, as the watcher's backstop.
    pub scan: Duration,
    /// How often the whole remote is listed, as the backstop of polls and events.
    pub list: Duration,
    /// List the whole remote at the start even if it seems unchanged, because this run is to prove something.
    pub list_at_start: bool,
    /// Most uploads at one time.
    pub uploads: usize,
    /// Most downloads at one time.
    pub downloads: usize,
    /// This machine's name, for conflict names.
    pub host: String,
}

impl FolderSettings {
    /// Whether a file of so many bytes is ignored for its size.
    pub(crate) fn is_too_large(&self, size: u64) -> bool {
        self.max_size.is_some_and(|most| size > most)
    }
}
