//! Times by the wall clock that still count for something, after the clock was set.

use super::{Fact, Index, IndexError};

/// The single values that are such times.
const TIMES: [Fact; 5] =
    [Fact::ProvenAt, Fact::LocalCheckedAt, Fact::RemoteCheckedAt, Fact::ParkedAt, Fact::Paused];

impl Index {
    /// Moves them along with the clock. The history stays as it was written.
    pub(crate) fn shift_times(&mut self, seconds: i64) -> Result<(), IndexError> {
        for fact in TIMES {
            // A pause may have no end.
            if let Some(time) = self.fact(fact)?.and_then(|text| text.parse::<i64>().ok()) {
                self.set_fact(fact, Some(&time.saturating_add(seconds).to_string()))?;
            }
        }
        self.begin()?;
        self.connection.prepare_cached("UPDATE rewritten SET at = at + ?1")?.execute([seconds])?;
        if self.has_problems {
            // The time 0 is none: what has it is being tried.
            self.connection
                .prepare_cached(
                    "UPDATE problem SET since = since + ?1,
                        next_try = CASE WHEN next_try > 0 THEN max(next_try + ?1, 1) ELSE next_try END",
                )?
                .execute([seconds])?;
        }
        Ok(())
    }
}
