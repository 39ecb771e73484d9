//! What a simulated world asks of a folder, and nobody else: to crash, to work in small steps, to trust the
//! service sooner.

use std::time::Duration;

use super::Folder;
use super::remote::recent_writes::RecentWrites;
use crate::index::Index;

impl Folder {
    /// Works on so many rows in one step at most, instead of as many as take a fraction of a second.
    #[must_use]
    pub fn in_steps_of(mut self, rows: usize) -> Self {
        self.backlog.set_most_rows(rows);
        self
    }

    /// Reads so many rows of the index at one time at most, so that a small tree has many pages.
    #[must_use]
    pub fn in_pages_of(mut self, rows: u32) -> Self {
        self.index.set_largest_page(rows);
        self
    }

    /// Expects the service to show what was done at most so late. For a service that is known for that; it
    /// has to be said before anything happens.
    #[must_use]
    pub fn with_staleness_window(mut self, window: Duration) -> Self {
        self.recent_writes = RecentWrites::with_window(window);
        self
    }

    /// Ends at once, without writing anything down, and gives back the index, for [`Index::after_a_crash`].
    pub fn crash(self) -> Index {
        self.index
    }
}
