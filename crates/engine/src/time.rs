//! Time as the engine is told it. Nothing in the engine reads a clock.

use std::time::Duration;

use jottad_core::Timestamp;

/// The moment at which an event is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since some fixed point, never jumping; for everything that waits.
    pub monotonic: Duration,
    /// The wall clock; only for what people read and for stamps that outlive the process.
    pub wall: Timestamp,
}
