//! Whether the wall clock may be believed by what cannot be taken back: what expires is gone for good.
//!
//! A clock that was set a year ahead by mistake is mostly set right within minutes. So it counts only once it
//! has gone evenly beside the clock that never jumps for a while.

use std::time::Duration;

use jottad_core::Timestamp;

/// How long the wall clock must have gone evenly.
pub(super) const TRUSTED_AFTER: Duration = Duration::from_hours(1);
/// Less is how a clock is kept right, in seconds.
const SMALLEST_JUMP: u64 = 60;

/// The wall clock as it was seen to go in this run.
#[derive(Debug, Default)]
pub(super) struct SteadyClock {
    /// When it was seen first since it was last set, and how far it was ahead of the other clock, in seconds.
    since: Option<(Duration, i64)>,
}

impl SteadyClock {
    /// Looks at both clocks; tells whether the wall clock may be believed.
    pub(super) fn look(&mut self, since_boot: Duration, wall: Timestamp) -> bool {
        let ahead = wall.seconds().saturating_sub_unsigned(since_boot.as_secs());
        match self.since {
            Some((first, before)) if before.abs_diff(ahead) < SMALLEST_JUMP => {
                since_boot.saturating_sub(first) >= TRUSTED_AFTER
            }
            _ => {
                self.since = Some((since_boot, ahead));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: i64 = 365 * 24 * 3600;

    /// What is made of looks at such minutes of the clock that never jumps, with the wall clock so many
    /// seconds ahead.
    fn looks(minutes_and_ahead: &[(u64, i64)]) -> Vec<bool> {
        let mut clock = SteadyClock::default();
        let look = |(minutes, ahead): &(u64, i64)| {
            let since_boot = Duration::from_mins(*minutes);
            let wall = since_boot.as_secs().cast_signed() + ahead;
            clock.look(since_boot, Timestamp::from_seconds(1_800_000_000 + wall))
        };
        minutes_and_ahead.iter().map(look).collect()
    }

    #[test]
    fn a_clock_counts_only_after_it_has_gone_evenly_for_a_while() {
        for (seen, expected) in [
            (&[(5, 0), (64, 0), (65, 0), (125, 0)][..], &[false, false, true, true][..]),
            // Set a year ahead for a moment, before and after it was believed.
            (&[(5, YEAR), (65, 0), (125, 0)], &[false, false, true]),
            (&[(5, 0), (65, 0), (70, YEAR), (71, 0), (131, 0)], &[false, true, false, false, true]),
            (&[(5, 0), (65, -YEAR), (125, -YEAR)], &[false, false, true]),
            // A clock is kept right all the time.
            (&[(5, 0), (65, 30), (125, -20)], &[false, true, true]),
        ] {
            assert_eq!(looks(seen), expected, "{seen:?}");
        }
    }
}
