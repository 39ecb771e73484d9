//! How soon everything is listed because operations met something else on the service than was known.

use std::time::Duration;

use crate::time::Now;

/// After the first one everything is listed at once, after the second with this pause; it doubles with each
/// further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A pause is at least so many times as long as a listing takes.
const COSTS: u32 = 4;

/// How often that happened, one after the other.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    in_a_row: u32,
    /// When everything was listed for that, or is to be.
    last: Option<Duration>,
}

impl Mismatches {
    /// An operation met something else. Tells when everything is to be listed for it; `None` if it is to be
    /// anyway. `took` is how long a listing takes.
    pub(super) fn list_at(&mut self, took: Duration, now: Now) -> Option<Duration> {
        let now = now.monotonic;
        if self.last.is_some_and(|last| last > now) {
            return None;
        }
        let last = self.last.filter(|last| now.saturating_sub(*last) <= LONGEST_PAUSE * 2);
        if last.is_none() {
            self.in_a_row = 0;
        }
        let pause = self.in_a_row.checked_sub(1).map_or(Duration::ZERO, |doublings| {
            FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).max(took * COSTS).min(LONGEST_PAUSE)
        });
        let time = last.map_or(now, |last| now.max(last + pause));
        self.in_a_row += 1;
        self.last = Some(time);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::at;

    /// When each of the operations that come at these seconds has everything listed.
    fn listed(took: u64, seconds: &[u64]) -> Vec<Option<u64>> {
        let mut mismatches = Mismatches::default();
        let mut list_at = |second| mismatches.list_at(Duration::from_secs(took), at(second));
        seconds.iter().map(|second| list_at(*second).map(|time| time.as_secs())).collect()
    }

    #[test]
    fn what_is_met_again_and_again_has_everything_listed_less_and_less_often() {
        let once_a_second: Vec<u64> = (10..30).collect();
        let times: Vec<u64> = listed(0, &once_a_second).into_iter().flatten().collect();
        assert_eq!(times, [10, 11, 13, 17, 25, 41]);
    }

    #[test]
    fn a_dear_listing_is_made_less_often_and_a_quiet_time_makes_it_count_anew() {
        assert_eq!(listed(20, &[0, 0, 1, 80, 81]), [Some(0), Some(80), None, Some(160), None]);
        assert_eq!(listed(1000, &[0, 1, 2, 301]), [Some(0), Some(300), None, Some(600)]);
        assert_eq!(listed(0, &[0, 1, 1000]), [Some(0), Some(1), Some(1000)]);
    }
}
