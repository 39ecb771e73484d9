//! What to watch and how patiently.

use std::path::PathBuf;
use std::time::Duration;

use jottad_core::Name;

/// How a [`Watcher`](crate::Watcher) works. Make one with [`WatcherOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct WatcherOptions {
    /// The directory to watch. Symbolic links on the way to it are followed once, at the start; below it,
    /// never.
    pub root: PathBuf,
    /// Where hints come from.
    pub backend: Backend,
    /// How long a file that is being written must be quiet before its directory is hinted; ten times as long
    /// while it never is. A file that was closed or moved into place is hinted at once.
    pub settle: Duration,
    /// How often directories that cannot be watched are hinted; each time it is tried to watch them.
    pub poll_interval: Duration,
    /// How often events are tried to be taken up again where the system gave none.
    pub event_retry_interval: Duration,
    /// How often directories that cannot be read are tried again, besides whenever their permissions change.
    pub retry_interval: Duration,
    /// How long the kernel's queue is left alone after it was read, so that it can merge equal events.
    pub read_gap: Duration,
    /// At most so many inotify watches, to leave some for other programs; `None` takes what the system gives.
    pub watch_limit: Option<usize>,
    /// Names in the root directory that are not looked at and not watched.
    pub excluded: Vec<Name>,
}

/// Where hints come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The best for this system: inotify on Linux, `notify` elsewhere; polling if the system refuses.
    #[default]
    Auto,
    /// The portable `notify` crate.
    Notify,
    /// A hint for the whole root at every poll interval, and nothing else.
    Poll,
}

impl WatcherOptions {
    /// The defaults for a root.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            backend: Backend::Auto,
            settle: Duration::from_millis(500),
            poll_interval: Duration::from_mins(1),
            event_retry_interval: Duration::from_mins(3),
            retry_interval: Duration::from_hours(1),
            read_gap: Duration::from_millis(50),
            watch_limit: None,
            excluded: Vec::new(),
        }
    }
}
