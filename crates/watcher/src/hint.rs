//! What a watcher may say. Not what changed: only where to look.

use jottad_core::RelativePath;

/// "Look at this path."
///
/// A hint is sent after the change it stems from and after the watches that cover the path are in place, so a
/// look that starts on receipt misses nothing: whatever happens later is hinted again. The path may be gone
/// by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// List this directory again: its names and their stats, not what is below.
    Directory {
        /// The directory, relative to the watched root.
        path: RelativePath,
    },
    /// Look again at this directory and everything below it.
    Subtree {
        /// The top of the subtree, relative to the watched root.
        path: RelativePath,
        /// Why a look at single directories is not enough.
        cause: RescanCause,
    },
    /// The root was removed, moved away, unmounted or covered by a mount. It is the last hint of this
    /// watcher.
    RootLost,
}

/// Why a whole subtree has to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RescanCause {
    /// A directory was made, moved in, mounted or became readable; what it holds was never hinted.
    NewDirectory,
    /// A directory moved inside the tree; what it holds has other paths now.
    Renamed,
    /// It is not watched, or changes may come from elsewhere, and its interval is over.
    Poll,
    /// More paths were pending than are kept apart.
    Coalesced,
    /// The limit of watches is reached; from now on the subtree is polled.
    WatchLimit,
    /// The directory could not be watched or read.
    WatchError,
    /// The kernel's queue overflowed: events were lost.
    Overflow,
}
