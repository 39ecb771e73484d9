//! The wall clock, which people set. What lasts does not follow it: what was written down by it moves along
//! with it.

use std::time::Duration;

use jottad_core::Timestamp;

use super::{Folder, FolderError, Pause};
use crate::folder::plan::losing;
use crate::index::Fact;
use crate::time::Now;

/// Less is how a clock is kept right, or a rounding.
const SMALLEST_JUMP: u64 = 5;
/// How long it is told that the clock was set.
const TOLD: Duration = Duration::from_hours(1);

/// The wall clock beside the one that never jumps.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// How far the wall clock is ahead of the other one, in seconds.
    ahead: Option<i64>,
    told: Option<(String, Duration)>,
}

impl Clock {
    fn ahead(now: Now) -> i64 {
        now.wall.seconds().saturating_sub_unsigned(now.monotonic.as_secs())
    }

    /// How far the wall clock was set since it was last seen, in seconds.
    fn jump(&self, now: Now) -> i64 {
        let jump = self.ahead.map_or(0, |before| Self::ahead(now).saturating_sub(before));
        if jump.unsigned_abs() < SMALLEST_JUMP { 0 } else { jump }
    }

    /// When a time on the wall clock comes, on the clock that never jumps.
    pub(super) fn when(&self, time: Timestamp, now: Now) -> Duration {
        // What was written down before the clock was set is meant by how it went then.
        let wall = now.wall.seconds().saturating_sub(self.jump(now));
        let rest = u64::try_from(time.seconds().saturating_sub(wall)).unwrap_or(0);
        now.monotonic.saturating_add(Duration::from_secs(rest))
    }

    fn tell(&mut self, text: String, now: Now) {
        self.told = Some((text, now.monotonic + TOLD));
    }

    /// That the clock was set, as long as that is worth telling.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.told.as_ref().map(|(text, _)| text.as_str())
    }
}

impl Folder {
    /// Notices that the wall clock was set, and moves what was written down by it along.
    pub(super) fn follow_clock(&mut self, now: Now) -> Result<(), FolderError> {
        if self.clock.told.as_ref().is_some_and(|(_, until)| *until <= now.monotonic) {
            self.clock.told = None;
        }
        let jump = self.clock.jump(now);
        self.clock.ahead = Some(Clock::ahead(now));
        if jump == 0 {
            return Ok(());
        }
        self.index.shift_times(jump)?;
        losing::shift(&mut self.index, jump)?;
        self.listing.shift_times(jump);
        self.verifying.shift_times(jump);
        self.proving.shift_times(jump);
        if let Some(Pause::Until(time)) = &mut self.paused {
            *time = shifted(*time, jump);
        }
        let text = format!("the clock was set {}", describe(jump));
        tracing::warn!(folder = %self.settings.name, "{text}");
        self.clock.tell(text, now);
        Ok(())
    }

    /// At the start nothing tells how the clock went meanwhile. What it has not reached yet is nothing to
    /// rely on, and no pause lasts longer than it was meant to, or is still told when it is over.
    pub(super) fn check_times(&mut self, now: Now) -> Result<(), FolderError> {
        let mut was_set_back = false;
        for fact in [Fact::ProvenAt, Fact::LocalCheckedAt, Fact::RemoteCheckedAt] {
            let ahead = self.index.number(fact)?.map_or(0, |time| time.saturating_sub(now.wall.seconds()));
            if ahead >= SMALLEST_JUMP.cast_signed() {
                self.index.set_fact(fact, None)?;
                was_set_back = true;
            }
        }
        if let Some(Pause::Until(time)) = self.paused {
            let longest = self.index.number(Fact::PausedFor)?.unwrap_or(i64::MAX);
            let latest = Timestamp::from_seconds(now.wall.seconds().saturating_add(longest));
            if time > latest {
                self.paused = Some(Pause::Until(latest));
                self.index.set_fact(Fact::Paused, Some(&latest.seconds().to_string()))?;
                was_set_back = true;
            }
            if time <= now.wall {
                self.set_pause(None)?;
            }
        }
        if was_set_back {
            let text = "the clock was set back while jottad was not running".to_owned();
            tracing::warn!(folder = %self.settings.name, "{text}");
            self.clock.tell(text, now);
        }
        Ok(())
    }
}

/// A time by the clock as it goes now.
pub(super) fn shifted(time: Timestamp, jump: i64) -> Timestamp {
    Timestamp::from_seconds(time.seconds().saturating_add(jump))
}

fn describe(jump: i64) -> String {
    let direction = if jump < 0 { "back" } else { "forward" };
    let seconds = jump.unsigned_abs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{direction} by {number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(monotonic: u64, wall: i64) -> Now {
        Now { monotonic: Duration::from_secs(monotonic), wall: Timestamp::from_seconds(wall) }
    }

    #[test]
    fn a_clock_that_is_set_changes_no_waiting() {
        let clock = Clock { ahead: Some(1_000), told: None };
        for (at, expected) in [
            (now(10, 1_010), 60),
            // An hour back, 30 days back, a year forward.
            (now(10, 1_010 - 3_600), 60),
            (now(10, 1_010 - 30 * 86_400), 60),
            (now(10, 1_010 + 365 * 86_400), 60),
            // A second more or less is how seconds are rounded.
            (now(10, 1_011), 59),
            (now(100, 1_100), 100),
        ] {
            let due = clock.when(Timestamp::from_seconds(1_060), at);
            assert_eq!(due, Duration::from_secs(expected), "{at:?}");
        }
    }

    #[test]
    fn jumps_are_told_in_words() {
        for (jump, text) in [
            (-3_600, "back by 60 min"),
            (-90, "back by 90 s"),
            (86_400, "forward by 24 h"),
            (-30 * 86_400, "back by 30 d"),
        ] {
            assert_eq!(describe(jump), text);
        }
    }
}
