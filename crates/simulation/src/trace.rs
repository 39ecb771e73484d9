//! What happened in a run, if wanted: as a number that two runs can be compared by, and as lines for people.

use std::fmt::{self, Write as _};

/// The record of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty record. Nothing is noted unless it keeps lines, which costs time and memory.
    pub(crate) fn new(keeps_lines: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: keeps_lines.then(Vec::new) }
    }

    /// Adds a line.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        let Some(lines) = &mut self.lines else { return };
        lines.push(line.to_string());
        // Writing into a number cannot fail.
        let _ = self.write_fmt(line);
        let _ = self.write_char('\n');
    }

    /// The number: equal runs have equal ones.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, if they were kept.
    pub(crate) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}
