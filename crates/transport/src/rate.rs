//! A limit on bytes per second, shared by all transfers of one direction.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much may be sent at once after a silence.
const BURST: Duration = Duration::from_millis(100);

/// No piece is so big, and no limit so low, that it waits longer.
const LONGEST: Duration = Duration::from_hours(1);

/// A token bucket over bytes. Without a limit it costs a lock and nothing else.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes_per_second: Option<u64>,
    /// When all bytes granted so far will have been sent at the limit's pace.
    booked_until: Option<Instant>,
}

impl RateLimit {
    pub(crate) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { state: Mutex::new(State { bytes_per_second, booked_until: None }) }
    }

    /// Changes the limit; bytes already granted keep their time.
    pub(crate) fn set(&self, bytes_per_second: Option<u64>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes_per_second = bytes_per_second;
    }

    /// Waits until so many bytes may pass. Each waiter is served in the order of asking.
    ///
    /// Cancel safe, but the bytes asked for stay booked.
    pub(crate) async fn pass(&self, bytes: usize) {
        if let Some(at) = self.book(bytes) {
            tokio::time::sleep_until(at).await;
        }
    }

    fn book(&self, bytes: usize) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.bytes_per_second?.max(1);
        let now = Instant::now();
        // An unused past may be caught up with, but no more than a burst of it.
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let start = state.booked_until.map_or(earliest, |booked| booked.max(earliest));
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(rate);
        let length = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)).min(LONGEST);
        state.booked_until = Some(start + length);
        (start > now).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_pass_at_the_rate() {
        let limit = RateLimit::new(Some(1_000_000));
        let start = Instant::now();
        for _ in 0..100 {
            limit.pass(65_536).await;
        }
        let took = start.elapsed().as_secs_f64();
        assert!((6.3..6.6).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_not_saved_up() {
        let limit = RateLimit::new(Some(1000));
        limit.pass(1).await;
        tokio::time::advance(Duration::from_hours(1)).await;
        let start = Instant::now();
        for _ in 0..11 {
            limit.pass(100).await;
        }
        assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_never_waits() {
        let limit = RateLimit::new(None);
        let start = Instant::now();
        limit.pass(usize::MAX).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
