//! Time as the engine is told it. Only the thread of a folder reads a clock ([`crate::FolderHandle`]).

use std::time::Duration;

use jottad_core::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// The moment at which an event is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since some fixed point, never jumping; for everything that waits or lasts.
    pub monotonic: Duration,
    /// The wall clock; only for what people read and for stamps that outlive the process.
    pub wall: Timestamp,
}

impl Now {
    /// What the wall clock of this moment says of an earlier one, however it was set in between.
    pub(crate) fn wall_at(self, earlier: Duration) -> Timestamp {
        let since = self.monotonic.saturating_sub(earlier).as_secs();
        Timestamp::from_seconds(self.wall.seconds().saturating_sub_unsigned(since))
    }
}

/// The time since this machine was started, with all the time that it was asleep. It never jumps, whatever is
/// done to the wall clock, and it is the same for every process.
pub fn since_boot() -> Duration {
    let time = clock_gettime(BOOT_CLOCK);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Linux's monotonic clock stands still while the machine sleeps.
#[cfg(target_os = "linux")]
const BOOT_CLOCK: ClockId = ClockId::Boottime;
/// On macOS it does not.
#[cfg(not(target_os = "linux"))]
const BOOT_CLOCK: ClockId = ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_the_start_of_the_machine_grows() {
        let before = since_boot();
        assert!(before > Duration::ZERO && since_boot() >= before);
    }

    #[test]
    fn an_earlier_moment_is_told_by_the_clock_of_now() {
        let now = Now { monotonic: Duration::from_secs(100), wall: Timestamp::from_seconds(5000) };
        assert_eq!(now.wall_at(Duration::from_secs(70)), Timestamp::from_seconds(4970));
        assert_eq!(now.wall_at(Duration::from_secs(200)), Timestamp::from_seconds(5000));
    }
}
