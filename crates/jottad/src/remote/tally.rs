//! What a command that moves many entries has done, and what it had to leave.

use serde_json::{Value, json};

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Escaped, Output, count};
use crate::config::units::format_size;
use crate::remote::progress::Progress;
use crate::remote::trouble::Trouble;

/// The counts of one command.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Files transferred.
    pub(crate) files: u64,
    /// Bytes of these files.
    pub(crate) bytes: u64,
    /// Files that were the same on both sides already.
    pub(crate) unchanged: u64,
    /// Files that are in a local trash because fetched ones took their place.
    pub(crate) exchanged: u64,
    /// What was left, and why.
    skipped: Vec<(String, String)>,
}

impl Tally {
    /// Notes an entry that was left, and tells it at once.
    pub(crate) fn skip(&mut self, path: &str, reason: &str, progress: &Progress) {
        progress.remark(format_args!("skipped: {}: {}", Escaped(path), Escaped(reason)));
        self.skipped.push((path.to_owned(), reason.to_owned()));
    }

    /// Notes what kept one entry; trouble that would keep all of them ends the command.
    pub(crate) fn suffer(
        &mut self,
        path: &str,
        trouble: Trouble,
        progress: &Progress,
    ) -> Result<(), Failure> {
        match trouble {
            Trouble::Entry(failure) => {
                self.skip(path, failure.message(), progress);
                Ok(())
            }
            Trouble::All(failure) => Err(failure),
        }
    }

    /// Adds what was done in another place.
    pub(crate) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.unchanged += other.unchanged;
        self.exchanged += other.exchanged;
        self.skipped.extend(other.skipped);
    }

    /// Whether nothing was left.
    pub(crate) fn is_complete(&self) -> bool {
        self.skipped.is_empty()
    }

    /// The counts as `--json` tells them.
    pub(crate) fn document(&self) -> Value {
        let skipped: Vec<_> =
            self.skipped.iter().map(|(path, reason)| json!({"path": path, "reason": reason})).collect();
        json!({
            "schema": 1,
            "files": self.files,
            "bytes": self.bytes,
            "unchanged": self.unchanged,
            "to_local_trash": self.exchanged,
            "skipped": skipped,
        })
    }

    /// The counts for people; `done` is what was done to the files, as in `fetched 2 files`.
    pub(crate) fn line(&self, done: &str) -> String {
        let mut text = format!("{done} {}, {}", count(self.files, "file", "files"), format_size(self.bytes));
        if self.unchanged > 0 {
            text = format!("{text}; {} had been there", count(self.unchanged, "file", "files"));
        }
        if self.exchanged > 0 {
            let files = count(self.exchanged, "file", "files");
            text = format!(
                "{text}; {files} made way and went to the local trash, see `jottad trash ls --local`"
            );
        }
        if !self.skipped.is_empty() {
            text = format!("{text}; skipped {}", count(self.skipped.len() as u64, "entry", "entries"));
        }
        text
    }

    /// Tells the result.
    pub(crate) fn finish(self, done: &str, output: Output) -> Result<Exit, Failure> {
        output.either(&self.document(), || output.prose(self.line(done)))?;
        Ok(if self.is_complete() { Exit::Done } else { Exit::Problems })
    }
}
