//! What a folder is configured to do.

use std::time::Duration;

use jottad_core::{DeleteLimits, Mode, Parallel};

/// One folder's settings, checked.
#[derive(Debug, Clone)]
pub struct FolderSettings {
    /// Its name in the configuration, for messages.
    pub name: String,
    /// Which side's changes travel.
    pub mode: Mode,
    /// Ignore rules in gitignore syntax, from the configuration.
    pub ignore: Vec<String>,
    /// Rules that keep out what is jottad's own, whatever other rules say.
    pub own: Vec<String>,
    /// Larger files, in bytes, are ignored.
    pub max_size: Option<u64>,
    /// When a pass must wait for a person.
    pub delete_limits: DeleteLimits,
    /// How often the remote is asked whether anything changed.
    pub poll: Duration,
    /// The longest that a file which keeps changing waits after it was sent, before it is sent again.
    pub resend: Duration,
    /// How often everything local is scanned, as the watcher's backstop.
    pub scan: Duration,
    /// How often the whole remote is listed at least where events tell of every change.
    pub list: Duration,
    /// How often the whole remote is listed, and so a proof is had, where nothing tells of every change.
    pub proof: ProofInterval,
    /// Every local change is hinted as it happens. If not, each proof needs a full scan as well.
    pub watched: bool,
    /// List the whole remote at the start even if it seems unchanged, because this run is to prove something.
    pub list_at_start: bool,
    /// Most uploads at one time.
    pub uploads: Parallel,
    /// Most downloads at one time.
    pub downloads: Parallel,
    /// This machine's name, for conflict names.
    pub host: String,
}

/// How often both sides are compared completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofInterval {
    /// As often as it costs little.
    Auto,
    /// This often, whatever it costs and whatever else tells of changes.
    Every(Duration),
}

/// The shortest time between two complete listings that nobody asked for, unless polls are to be more
/// frequent.
const SHORTEST: Duration = Duration::from_mins(1);
/// The longest.
const LONGEST: Duration = Duration::from_hours(24);
/// The time that a listed entry buys: a million entries are listed once a day.
const FOR_EACH_ENTRY: Duration = Duration::from_micros(86_400);
/// A listing may go on for one part in so many of the time.
const SHARE: u32 = 100;

impl ProofInterval {
    /// How long after a complete listing the next one is due, by what the last one has cost.
    pub(crate) fn after(self, entries: u64, took: Duration, poll: Duration) -> Duration {
        if let Self::Every(fixed) = self {
            return fixed;
        }
        let for_entries = FOR_EACH_ENTRY.saturating_mul(u32::try_from(entries).unwrap_or(u32::MAX));
        let for_time = took.saturating_mul(SHARE);
        for_entries.max(for_time).clamp(SHORTEST.min(poll), LONGEST)
    }
}

impl FolderSettings {
    /// Whether a file of so many bytes is ignored for its size.
    pub(crate) fn is_too_large(&self, size: u64) -> bool {
        self.max_size.is_some_and(|most| size > most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_everything_is_listed_follows_its_cost() {
        let (second, minute, hour) =
            (Duration::from_secs(1), Duration::from_mins(1), Duration::from_hours(1));
        let auto = ProofInterval::Auto;
        for (interval, entries, took, poll, expected) in [
            // A small folder: a minute, or as often as polls are wanted.
            (auto, 0, Duration::ZERO, 10 * minute, minute),
            (auto, 100, second / 10, 10 * minute, minute),
            (auto, 10, second / 1000, second, second),
            (auto, 100, second / 1000, second, Duration::from_millis(8_640)),
            // A larger one: by its entries, or by how long the service takes to list them.
            (auto, 10_000, second, 10 * minute, 864 * second),
            (auto, 10_000, 20 * second, 10 * minute, 2_000 * second),
            (auto, 1_000_000, 60 * second, 10 * minute, 24 * hour),
            (auto, 50_000_000, hour, 10 * minute, 24 * hour),
            (auto, u64::MAX, Duration::MAX, Duration::MAX, 24 * hour),
            // What a person has said holds.
            (ProofInterval::Every(hour), 1_000_000, hour, minute, hour),
            (ProofInterval::Every(second), 0, Duration::ZERO, minute, second),
        ] {
            assert_eq!(
                interval.after(entries, took, poll),
                expected,
                "{interval:?} {entries} {took:?} {poll:?}"
            );
        }
    }
}
