//! When the service was last heard of.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jottad_core::Timestamp;

/// Nothing was heard yet.
const NEVER: i64 = i64::MIN;

/// When something last came from the service, whatever it said. Clones see the same.
#[derive(Debug, Clone)]
pub struct LastWord(Arc<AtomicI64>);

impl LastWord {
    pub(crate) fn none_yet() -> Self {
        Self(Arc::new(AtomicI64::new(NEVER)))
    }

    /// The wall clock's time of it; `None` if nothing has come yet.
    pub fn time(&self) -> Option<Timestamp> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds != NEVER).then(|| Timestamp::from_seconds(seconds))
    }

    /// Something has come.
    pub(crate) fn note(&self) {
        self.0.store(jiff::Timestamp::now().as_second(), Ordering::Relaxed);
    }
}
