//! When to ask again: delays with full jitter, a budget for retries, and the pause a host asked for.
//!
//! Which errors deserve it is decided in `error`; which requests may be repeated, by their callers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How patiently requests are repeated inside one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 means that nothing is repeated.
    pub attempts: u32,
    /// Upper bound of the first delay; doubled for each further one.
    pub first_delay: Duration,
    /// No delay is longer.
    pub longest_delay: Duration,
    /// A pause asked for by the service is waited out inside a call if it is no longer than this.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(30),
            longest_pause: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// Nothing is repeated: for callers that have their own patience.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The delay after failed attempt number `failed` (from 1), or `None` when it was the last.
    ///
    /// Full jitter: anything between nothing and the bound, so that clients that failed together do not come
    /// back together.
    pub(crate) fn delay(&self, failed: u32) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = (failed - 1).min(20);
        let bound = self.first_delay.saturating_mul(1 << doublings).min(self.longest_delay);
        Some(bound.mul_f64(fastrand::f64()))
    }
}

/// What all requests to the service share: its pauses, and a budget that keeps retries a fraction of the
/// load.
#[derive(Debug)]
pub(crate) struct Restraint {
    pauses: Mutex<HashMap<String, Instant>>,
    budget: Mutex<f64>,
    turned_away: AtomicU64,
}

/// A day is more than any service means when it asks for a pause; beyond it the clock arithmetic could
/// overflow.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);
/// Retries that may be made at once, and what each success earns: a fifth of a retry.
const BUDGET: f64 = 40.0;
const EARNED: f64 = 0.2;

impl Default for Restraint {
    fn default() -> Self {
        Self { pauses: Mutex::default(), budget: Mutex::new(BUDGET), turned_away: AtomicU64::new(0) }
    }
}

impl Restraint {
    /// Keeps all requests away from a host for as long as it asked. Pauses never get shorter.
    pub(crate) fn pause(&self, host: &str, length: Duration) {
        let until = Instant::now() + length.min(LONGEST_PAUSE);
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = pauses.entry(host.to_owned()).or_insert(until);
        *entry = (*entry).max(until);
    }

    /// Notes that a host had too much to do for a request.
    pub(crate) fn note_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was noted.
    pub(crate) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// How long the host still wants to be left alone.
    pub(crate) fn pause_left(&self, host: &str) -> Option<Duration> {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let left = pauses.get(host)?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        if left.is_none() {
            pauses.remove(host);
        }
        left
    }

    /// Takes one retry from the budget; `false` when too many requests fail for retries to be of use.
    pub(crate) fn spend(&self) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = *budget >= 1.0;
        if granted {
            *budget -= 1.0;
        }
        granted
    }

    /// Notes a success.
    pub(crate) fn earn(&self) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        *budget = (*budget + EARNED).min(BUDGET);
    }
}

/// Reads a `Retry-After` header: seconds, or a date. A longer pause than any service means is cut.
pub(crate) fn parse_retry_after(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        // More seconds than a number holds are many.
        return Some(text.parse().map_or(LONGEST_PAUSE, Duration::from_secs).min(LONGEST_PAUSE));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let pause = Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn delays_stay_below_their_bound(attempts in 0u32..12, failed in 1u32..40, first in 0u64..5000, longest in 0u64..100_000) {
            let policy = RetryPolicy {
                attempts,
                first_delay: Duration::from_millis(first),
                longest_delay: Duration::from_millis(longest),
                ..RetryPolicy::default()
            };
            match policy.delay(failed) {
                None => prop_assert!(failed >= attempts),
                Some(delay) => {
                    prop_assert!(failed < attempts);
                    prop_assert!(delay <= policy.longest_delay);
                    prop_assert!(delay <= policy.first_delay * 2u32.pow(failed - 1));
                }
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: jiff::Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("31536000", Some(86_400)),
            ("18446744073709551615", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("06 Nov 2094 08:00:00 GMT", Some(86_400)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_one_host_until_it_is_over() {
        let restraint = Restraint::default();
        restraint.pause("a", Duration::from_secs(10));
        restraint.pause("a", Duration::from_secs(3));
        assert_eq!(restraint.pause_left("a"), Some(Duration::from_secs(10)));
        assert_eq!(restraint.pause_left("b"), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(restraint.pause_left("a"), None);
        restraint.pause("a", Duration::MAX);
        assert!(restraint.pause_left("a").is_some());
    }

    #[test]
    fn retries_are_a_fraction_of_successes() {
        let restraint = Restraint::default();
        let at_once = std::iter::repeat_with(|| restraint.spend()).take_while(|granted| *granted).count();
        assert_eq!(at_once, 40);
        (0..6).for_each(|_| restraint.earn());
        assert!(restraint.spend());
        assert!(!restraint.spend());
    }
}
