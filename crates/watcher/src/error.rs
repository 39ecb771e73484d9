//! Why a watcher cannot start. Whatever goes wrong later becomes a hint or a count in the coverage.

use std::io;
use std::path::PathBuf;

use jottad_core::in_words;

/// Why watching could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The root cannot be opened as a directory.
    #[error("cannot watch {}: {}", path.display(), in_words(source))]
    Root {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no source of events.
    #[error("cannot start watching {}: {}", path.display(), in_words(source))]
    Source {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The `notify` crate refused.
    #[error("cannot watch {} with notify: {}", path.display(), in_words(source))]
    Notify {
        /// The root as given.
        path: PathBuf,
        /// Why.
        source: notify::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_system_says_is_told_without_its_number() {
        let (path, source) = (PathBuf::from("/x"), || io::Error::from_raw_os_error(2));
        for error in [
            WatchError::Root { path: path.clone(), source: source() },
            WatchError::Source { path: path.clone(), source: source() },
            WatchError::Notify { path, source: notify::Error::io(source()) },
        ] {
            let text = error.to_string();
            assert!(text.contains(": ") && !text.contains("os error"), "{text}");
        }
    }
}
