//! What is watched and what is not: the honest part of a watcher.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::io::ioctl_fionread;

/// What a watcher covers at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Directories in the tree, the root and those that are not watched included. `notify` counts them only
    /// once, at the start.
    pub directories: usize,
    /// Directories among them whose changes are only noticed by polling.
    pub polled_directories: usize,
    /// Directories among them that cannot be read; what they hold is unknown.
    pub unreadable_directories: usize,
    /// Paths that changed and were not hinted yet: while it is not 0, nobody can claim that all is in step.
    pub pending: usize,
    /// Why the whole tree is polled, for people; `None` when it is not.
    pub notice: Option<String>,
    /// The command that raises the limit which keeps directories from being watched; `None` when none does.
    pub limit_hint: Option<String>,
}

/// The coverage as the watching thread last published it, with what it has not read yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedCoverage(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    published: Coverage,
    /// Where the system keeps events until they are read, while somebody reads them.
    queue: Weak<OwnedFd>,
    /// Events are being read, and what they say is not published yet.
    is_reading: bool,
}

impl SharedCoverage {
    pub(crate) fn read(&self) -> Coverage {
        // Before the rest: what has left the queue meanwhile is being read or published.
        let queue = self.lock().queue.upgrade();
        let is_unread = queue.is_some_and(|queue| ioctl_fionread(&*queue).is_ok_and(|bytes| bytes > 0));
        let shared = self.lock();
        let mut coverage = shared.published.clone();
        coverage.pending += usize::from(is_unread || shared.is_reading);
        coverage
    }

    /// Says where events wait to be read.
    #[cfg(target_os = "linux")]
    pub(crate) fn set_queue(&self, queue: &Arc<OwnedFd>) {
        self.lock().queue = Arc::downgrade(queue);
    }

    /// Says that nobody reads events any more.
    #[cfg(target_os = "linux")]
    pub(crate) fn forget_queue(&self) {
        self.lock().queue = Weak::new();
    }

    /// Says that events are about to be read.
    #[cfg(target_os = "linux")]
    pub(crate) fn begin_reading(&self) {
        self.lock().is_reading = true;
    }

    pub(crate) fn publish(&self, coverage: &Coverage) {
        let mut shared = self.lock();
        shared.published.clone_from(coverage);
        shared.is_reading = false;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
