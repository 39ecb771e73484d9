//! How long a service whose nodes lag behind each other is given (protocol U-38).

use std::time::Duration;

/// The service is asked again after these delays; then its answer is believed.
pub const RECHECK_DELAYS: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];

/// An answer may be older than what happened less than this before it was asked for: all delays together.
pub const STALENESS_WINDOW: Duration = {
    let [first, second, third] = RECHECK_DELAYS;
    first.saturating_add(second).saturating_add(third)
};
