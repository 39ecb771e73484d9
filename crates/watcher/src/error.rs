//! Why a watcher cannot start. Whatever goes wrong later becomes a hint or a count in the coverage.

use std::io;
use std::path::PathBuf;

/// Why watching could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The root cannot be opened as a directory.
    #[error("cannot watch {}: {source}", path.display())]
    Root {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no source of events.
    #[error("cannot start watching {}: {source}", path.display())]
    Source {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The `notify` crate refused.
    #[error("cannot watch {} with notify: {source}", path.display())]
    Notify {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: notify::Error,
    },
}
