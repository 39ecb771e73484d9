//! How far long work is, on a terminal; nothing at all where nobody looks.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::units::{format_duration, format_size};
use crate::output::{Output, count, remark};
use crate::terminal::{cut, extent_of};

/// Between two looks of a person at a number that changes.
const PACE: Duration = Duration::from_millis(200);

/// A line on stderr that is written over and over.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
    started: Instant,
    bytes: AtomicU64,
    had_bytes: AtomicU64,
    files: AtomicU64,
    expected_bytes: AtomicU64,
    expected_files: AtomicU64,
    painted: Mutex<Option<Instant>>,
}

impl Progress {
    /// Shown if stderr is a terminal and the results are for people.
    pub(crate) fn new(output: Output) -> Self {
        Self {
            is_shown: !output.json && io::stderr().is_terminal(),
            started: Instant::now(),
            bytes: AtomicU64::new(0),
            had_bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            expected_bytes: AtomicU64::new(0),
            expected_files: AtomicU64::new(0),
            painted: Mutex::new(None),
        }
    }

    /// Adds to what there is to do.
    pub(crate) fn expect(&self, files: u64, bytes: u64) {
        self.expected_files.fetch_add(files, Ordering::Relaxed);
        self.expected_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes went over the wire.
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.paint();
    }

    /// Bytes did not have to go over the wire: the other side has them already. They say nothing of the rate.
    pub(crate) fn had(&self, bytes: u64) {
        self.had_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.paint();
    }

    /// A file is done with, one way or another.
    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.paint();
    }

    /// So many files are done with by now, of a number that nobody knows.
    pub(crate) fn reached(&self, files: u64) {
        self.files.store(files, Ordering::Relaxed);
        self.paint();
    }

    /// Writes a line of its own to stderr.
    pub(crate) fn remark(&self, text: impl fmt::Display) {
        self.clear();
        remark(text);
    }

    fn paint(&self) {
        if !self.is_shown {
            return;
        }
        let now = Instant::now();
        let mut painted = self.painted.lock().unwrap_or_else(PoisonError::into_inner);
        if painted.is_some_and(|last| now.duration_since(last) < PACE) {
            return;
        }
        *painted = Some(now);
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let text = line(
            (load(&self.files), load(&self.expected_files)),
            (load(&self.bytes), load(&self.had_bytes), load(&self.expected_bytes)),
            now.duration_since(self.started),
        );
        let mut terminal = io::stderr().lock();
        // The cursor stays on the line, which a longer one would leave.
        let columns = extent_of(&terminal).map_or(usize::MAX, |extent| extent.columns - 1);
        let _ = write!(terminal, "\r\x1b[K{}", cut(&text, columns)).and_then(|()| terminal.flush());
    }

    fn clear(&self) {
        if self.painted.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            let mut terminal = io::stderr().lock();
            let _ = write!(terminal, "\r\x1b[K").and_then(|()| terminal.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is done and what was expected, where that is known; of bytes also those that had not to be moved.
fn line(files: (u64, u64), (moved, had, expected): (u64, u64, u64), elapsed: Duration) -> String {
    let mut text = match files {
        (done, 0) => count(done, "file", "files"),
        (done, all) => format!("{done}/{all} files"),
    };
    if expected > 0 {
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = moved.saturating_mul(1000) / milliseconds;
        let (done, all) = (format_size(moved + had), format_size(expected));
        text = format!("{text}  {done} of {all}  {}/s", format_size(rate));
        if let (Some(rest), true) = (expected.checked_sub(moved + had), rate > 0) {
            text = format!("{text}  {} left", format_duration(Duration::from_secs(rest / rate)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_long_it_will_take() {
        let text = line((1, 3), (1 << 20, 10 << 20, 21 << 20), Duration::from_secs(1));
        assert_eq!(text, "1/3 files  11.0 MiB of 21.0 MiB  1.0 MiB/s  10 s left");
        assert_eq!(line((0, 2), (0, 0, 9), Duration::ZERO), "0/2 files  0 B of 9 B  0 B/s");
        assert_eq!(line((7, 0), (0, 0, 0), Duration::ZERO), "7 files");
    }
}
