//! How often the same thing may be repeated: the first time at once, then with growing gaps. Not a timer.

use std::time::{Duration, Instant};

/// Spaces repetitions: each one within two gaps of the last doubles the gap, up to a limit.
///
/// A directory that is busy for an hour is so listed a dozen times a minute and not twenty times a second,
/// while a file saved now and then is never made to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    first_gap: Duration,
    longest_gap: Duration,
    last: Option<(Instant, Duration)>,
}

impl Pace {
    pub(crate) fn new(first_gap: Duration, longest_gap: Duration) -> Self {
        Self { first_gap, longest_gap: longest_gap.max(first_gap), last: None }
    }

    /// The earliest time not before `wanted` at which a repetition is due.
    pub(crate) fn earliest(&self, wanted: Instant) -> Instant {
        self.last.map_or(wanted, |(at, gap)| wanted.max(at + gap))
    }

    /// Notes that it was done.
    pub(crate) fn record(&mut self, now: Instant) {
        let gap = match self.last {
            Some((_, gap)) if !self.is_over(now) => (gap * 2).min(self.longest_gap),
            _ => self.first_gap,
        };
        self.last = Some((now, gap));
    }

    /// Whether the past no longer matters.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.last.is_none_or(|(at, gap)| now > at + gap * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn repetitions_slow_down_to_the_limit_and_recover_when_quiet() {
        let start = Instant::now();
        let mut pace = Pace::new(100 * MS, 1000 * MS);
        let mut now = start;
        let mut gaps = Vec::new();
        for _ in 0..7 {
            let next = pace.earliest(now);
            gaps.push((next - now).as_millis());
            now = next;
            pace.record(now);
        }
        assert_eq!(gaps, [0, 100, 200, 400, 800, 1000, 1000]);

        let later = now + 2001 * MS;
        assert_eq!(pace.earliest(later), later);
        pace.record(later);
        assert_eq!(pace.earliest(later), later + 100 * MS);
    }
}
