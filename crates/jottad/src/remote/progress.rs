//! How far long work is, on a terminal; nothing at all where nobody looks.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::units::{format_duration, format_size};
use crate::output::{Output, remark};

/// Between two looks of a person at a number that changes.
const PACE: Duration = Duration::from_millis(200);

/// A line on stderr that is written over and over.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
    started: Instant,
    bytes: AtomicU64,
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

    /// A file is done with, one way or another.
    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
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
            (load(&self.bytes), load(&self.expected_bytes)),
            now.duration_since(self.started),
        );
        let mut terminal = io::stderr().lock();
        let _ = write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush());
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

/// Each pair is what is done and what was expected.
fn line(files: (u64, u64), bytes: (u64, u64), elapsed: Duration) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = bytes.0.saturating_mul(1000) / milliseconds;
    let mut text = format!(
        "{}/{} files  {} of {}  {}/s",
        files.0,
        files.1,
        format_size(bytes.0),
        format_size(bytes.1),
        format_size(rate)
    );
    if let (Some(rest), true) = (bytes.1.checked_sub(bytes.0), rate > 0) {
        text = format!("{text}  {} left", format_duration(Duration::from_secs(rest / rate)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_long_it_will_take() {
        let text = line((1, 3), (1 << 20, 11 << 20), Duration::from_secs(1));
        assert_eq!(text, "1/3 files  1.0 MiB of 11.0 MiB  1.0 MiB/s  10 s left");
        assert_eq!(line((0, 0), (0, 0), Duration::ZERO), "0/0 files  0 B of 0 B  0 B/s");
    }
}
