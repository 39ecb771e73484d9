//! Signs of progress of a running folder: when something last came to an end, came in, or moved, and what is waited for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::event::{CommandId, Task};

/// A file is given the time to be read at this rate: no sign of progress comes from within a sum.
const SLOWEST_READING: u64 = 2 << 20;
/// Bytes of the last so many whole seconds make the rate.
const RATE_SECONDS: u64 = 30;

/// What moves in a folder. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// The last sign of progress, in milliseconds since the start.
    last: AtomicU64,
    running: Mutex<BTreeMap<CommandId, Running>>,
    moved: Mutex<BTreeMap<u64, u64>>,
}

#[derive(Debug)]
struct Running {
    since: Duration,
    waits_for: String,
    /// The time that it is given before it must show progress, beyond the usual.
    allowance: Duration,
}

/// How long a folder has been without a sign of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stillness {
    /// Nothing came to an end, came in or moved for so long.
    pub quiet: Duration,
    /// What it has waited for the longest, beyond the time that this may take; `None` if nothing is under way.
    pub waits_for: Option<String>,
    /// Whether all that is under way has had the time that it may take.
    pub is_overdue: bool,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            last: AtomicU64::new(0),
            running: Mutex::default(),
            moved: Mutex::default(),
        }))
    }

    /// A sign of progress.
    pub(crate) fn note(&self) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.0.last.fetch_max(now, Ordering::Relaxed);
    }

    /// Some bytes of a content moved.
    pub(crate) fn note_bytes(&self, bytes: u64) {
        self.note();
        let second = self.now().as_secs();
        let mut moved = lock(&self.0.moved);
        *moved.entry(second).or_default() += bytes;
        while moved.first_key_value().is_some_and(|(first, _)| *first + RATE_SECONDS < second) {
            moved.pop_first();
        }
    }

    pub(crate) fn began(&self, command: CommandId, task: &Task) {
        let (waits_for, bytes) = describe(task);
        let allowance = Duration::from_secs(bytes / SLOWEST_READING);
        lock(&self.0.running).insert(command, Running { since: self.now(), waits_for, allowance });
    }

    pub(crate) fn ended(&self, command: CommandId) {
        self.note();
        lock(&self.0.running).remove(&command);
    }

    /// How long nothing has moved, for somebody who waits no longer than that.
    pub(crate) fn stillness(&self, patience: Duration) -> Stillness {
        let now = self.now();
        let quiet = now.saturating_sub(Duration::from_millis(self.0.last.load(Ordering::Relaxed)));
        let running = lock(&self.0.running);
        let is_overdue =
            running.values().all(|running| now.saturating_sub(running.since) > patience + running.allowance);
        let oldest = running.values().min_by_key(|running| running.since + running.allowance);
        Stillness { quiet, waits_for: oldest.map(|running| running.waits_for.clone()), is_overdue }
    }

    /// Bytes per second lately; `None` if nothing moved.
    pub(crate) fn rate(&self) -> Option<u64> {
        let now = self.now().as_secs();
        let moved = lock(&self.0.moved);
        let lately = moved.range(now.saturating_sub(RATE_SECONDS)..now);
        let (first, bytes) =
            lately.fold((None, 0), |(first, sum), (second, bytes)| (first.or(Some(*second)), sum + bytes));
        Some(bytes / (now - first?)).filter(|rate| *rate > 0)
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a command waits for in words, and how many bytes it may have to read before anything shows.
fn describe(task: &Task) -> (String, u64) {
    let text = match task {
        Task::CheckRoot | Task::ClaimRoot { .. } => "the folder's root".to_owned(),
        Task::Scan { directory } => {
            format!("the local disk, to read the directory {}", named(&directory.to_string()))
        }
        Task::Hash { path, stat } => return (format!("the local disk, to read {path}"), stat.size),
        Task::ListTree => "the service, to list the remote folder".to_owned(),
        Task::ListDirectory { directory } => {
            format!("the service, to list the directory {}", named(&directory.to_string()))
        }
        Task::Look { path } => format!("the service, to look at {path}"),
        Task::Poll => "the service, to tell whether anything changed".to_owned(),
        Task::Upload { path, .. } => format!("the service, to take {path}"),
        Task::Download { path, twin, file, .. } => {
            let read = twin.as_ref().map_or(0, |_| file.content.size);
            return (format!("the service, to give {path}"), read);
        }
        Task::MakeRemoteDirectory { path, .. } => format!("the service, to make the directory {path}"),
        Task::MakeLocalDirectory { path } => format!("the local disk, to make the directory {path}"),
        Task::MoveRemote { from, to, .. } => format!("the service, to move {from} to {to}"),
        Task::MoveLocal { from, to, .. } => format!("the local disk, to move {from} to {to}"),
        Task::TrashRemote { remote, .. } => format!("the service, to put {remote} into the trash"),
        Task::TrashLocal { path, .. } => format!("the local disk, to put {path} into the trash"),
        Task::SetRemoteTime { remote, .. } => format!("the service, to set the time of {remote}"),
        Task::SetLocalTime { path, .. } => format!("the local disk, to set the time of {path}"),
    };
    (text, 0)
}

fn named(path: &str) -> &str {
    if path.is_empty() { "at the root" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_the_longest_is_named_and_what_may_take_long_is_given_its_time() {
        let activity = Activity::new();
        assert_eq!(activity.stillness(Duration::ZERO).waits_for, None);
        activity.began(CommandId(1), &Task::Poll);
        activity.began(CommandId(2), &Task::ListTree);
        let still = activity.stillness(Duration::ZERO);
        assert!(still.is_overdue && still.waits_for.unwrap().contains("anything changed"));
        assert!(!activity.stillness(Duration::from_mins(1)).is_overdue);
        activity.ended(CommandId(1));
        assert!(activity.stillness(Duration::ZERO).waits_for.unwrap().contains("list the remote folder"));
        activity.ended(CommandId(2));
        assert_eq!(activity.stillness(Duration::ZERO).waits_for, None);
    }
}
