//! Local changes as hints: "look at this path", and nothing more.
//!
//! A [`Watcher`] follows one directory tree and sends a [`Hint`] for whatever may have changed in it. It
//! knows nothing of the index, of ignore rules or of the cloud, and it never says *what* changed: that is for
//! a scan to find out. Hints may be superfluous; they are never missing for longer than it takes to settle,
//! with the exceptions below.
//!
//! On Linux the tree is followed by inotify watches of our own, because the portable `notify` crate loses
//! what is made in a directory right after the directory was made or renamed. Elsewhere, and on request,
//! `notify` is used. Directories that cannot be watched are hinted at regular intervals instead, and
//! [`Coverage`] counts them.
//!
//! What no watcher sees, and what the engine's regular full scan is for:
//! - stores through a shared memory mapping, until the file is closed or its times are set;
//! - changes that another machine makes on a network file system (which is polled besides being watched);
//! - the root under another path, after a directory above it was renamed;
//! - with `notify`: a mount over the root or inside it, and the unmounting of one.

mod coverage;
mod error;
mod filesystem;
mod hint;
#[cfg(target_os = "linux")]
mod inotify;
mod options;
mod pace;
mod pending;
mod polling;
mod portable;
mod watcher;

pub use coverage::Coverage;
pub use error::WatchError;
pub use hint::{Hint, RescanCause};
pub use options::{Backend, WatcherOptions};
pub use watcher::Watcher;
