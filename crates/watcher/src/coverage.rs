//! What is watched and what is not: the honest part of a watcher.

use std::sync::{Arc, Mutex, PoisonError};

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

/// The coverage as the watching thread last published it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedCoverage(Arc<Mutex<Coverage>>);

impl SharedCoverage {
    pub(crate) fn read(&self) -> Coverage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn publish(&self, coverage: &Coverage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(coverage);
    }
}
