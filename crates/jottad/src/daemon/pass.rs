//! What has travelled since there was last nothing to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jottad_engine::LogLine;

/// What has travelled in the present pass. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass(Arc<Mutex<Done>>);

/// Files and bytes that have travelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Pass {
    /// An operation ended.
    pub(super) fn note(&self, line: &LogLine) {
        if line.error.is_some() || !matches!(line.kind.as_str(), "upload" | "download") {
            return;
        }
        let mut done = self.lock();
        done.files += 1;
        done.bytes += line.bytes.unwrap_or_default();
    }

    /// The engine says that there is nothing to do: what comes next is another pass.
    pub(super) fn ended(&self) {
        *self.lock() = Done::default();
    }

    pub(super) fn done(&self) -> Done {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jottad_core::{RelativePath, Timestamp};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_travelled_is_counted_until_there_is_nothing_to_do() {
        let line = |kind: &str, error: Option<&str>| LogLine {
            id: 1,
            at: Timestamp::from_seconds(0),
            kind: kind.to_owned(),
            path: RelativePath::root(),
            to: None,
            bytes: Some(5),
            error: error.map(str::to_owned),
        };
        let pass = Pass::default();
        let done = || (pass.done().files, pass.done().bytes);
        for (kind, error) in
            [("upload", None), ("download", None), ("upload", Some("no")), ("move_remote", None)]
        {
            pass.note(&line(kind, error));
        }
        assert_eq!(done(), (2, 10));
        // However long the next one takes.
        tokio::time::advance(Duration::from_hours(2)).await;
        pass.note(&line("upload", None));
        assert_eq!(done(), (3, 15));
        pass.ended();
        assert_eq!(done(), (0, 0));
    }
}
