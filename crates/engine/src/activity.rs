//! Signs of progress of a running folder: when the service and the local disk last answered, and what is
//! waited for.
//!
//! Only an answer is a sign of life. A new try is none, nor is the end of a connection, nor what a person
//! does meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::disk::DiskErrorKind;
use crate::event::{CommandId, OperationError, Outcome, RemoteHint, Task};
use crate::remote::RemoteErrorKind;

/// A file is given the time to be read at this rate: no sign of progress comes from within a sum.
const SLOWEST_READING: u64 = 2 << 20;
/// The service sums what it has taken before it answers, so many times as fast at least.
const SUMMING: u64 = 8;
/// What a connection takes although nobody reads at its other end: its buffers.
const CONNECTION_BUFFERS: u64 = 4 << 20;
/// Bytes of the last so many whole seconds make the rate.
const RATE_SECONDS: u64 = 30;

/// What moves in a folder. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// When the service last gave a sign of life, in milliseconds since the start.
    service: AtomicU64,
    /// When the local disk last did.
    disk: AtomicU64,
    running: Mutex<BTreeMap<CommandId, Running>>,
    moved: Mutex<BTreeMap<u64, u64>>,
}

/// Who is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Service,
    Disk,
}

#[derive(Debug)]
struct Running {
    since: Duration,
    party: Party,
    waits_for: String,
    /// The time that it is given before it must show progress, beyond the usual.
    allowance: Duration,
}

/// How long a folder has been without a sign of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stillness {
    /// Who is waited for has given no sign of life for so long; if nobody is, neither of the two has.
    pub quiet: Duration,
    /// What it has waited for the longest, beyond the time that this may take; `None` if nothing is under
    /// way.
    pub waits_for: Option<String>,
    /// Whether that has had the time that it may take.
    pub is_overdue: bool,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self::since(Instant::now())
    }

    fn since(started: Instant) -> Self {
        Self(Arc::new(Inner {
            started,
            service: AtomicU64::new(0),
            disk: AtomicU64::new(0),
            running: Mutex::default(),
            moved: Mutex::default(),
        }))
    }

    /// Part of an answer of the service came.
    pub(crate) fn note_answer(&self) {
        self.note(Party::Service);
    }

    /// The folder itself has got on with what it knows.
    pub(crate) fn note_step(&self) {
        self.note(Party::Disk);
    }

    /// The service said something by itself, or ended the connection on which it would.
    pub(crate) fn note_hint(&self, hint: &RemoteHint) {
        match hint {
            RemoteHint::Deaf => {}
            RemoteHint::Listening
            | RemoteHint::Anywhere
            | RemoteHint::Elsewhere
            | RemoteHint::Entry { .. } => self.note(Party::Service),
        }
    }

    /// A content has come from one position to another, `furthest` being the furthest before.
    pub(crate) fn note_bytes(&self, from: u64, to: u64, furthest: u64) {
        if to > furthest.min(CONNECTION_BUFFERS) {
            self.note(Party::Service);
        }
        let second = self.now().as_secs();
        let mut moved = lock(&self.0.moved);
        *moved.entry(second).or_default() += to.saturating_sub(from);
        while moved.first_key_value().is_some_and(|(first, _)| *first + RATE_SECONDS < second) {
            moved.pop_first();
        }
    }

    pub(crate) fn began(&self, command: CommandId, task: &Task) {
        let (party, waits_for, bytes) = describe(task);
        let allowance = Duration::from_secs(bytes / SLOWEST_READING);
        let running = Running { since: self.now(), party, waits_for, allowance };
        lock(&self.0.running).insert(command, running);
    }

    pub(crate) fn ended(&self, command: CommandId, outcome: &Outcome) {
        for party in answered(outcome) {
            self.note(*party);
        }
        lock(&self.0.running).remove(&command);
    }

    /// How long nothing has moved, for somebody who waits no longer than that.
    pub(crate) fn stillness(&self, patience: Duration) -> Stillness {
        let now = self.now();
        let quiet =
            |party| now.saturating_sub(Duration::from_millis(self.last(party).load(Ordering::Relaxed)));
        let running = lock(&self.0.running);
        let waiting = [Party::Service, Party::Disk].into_iter().filter_map(|party| {
            let of_party = running.values().filter(|running| running.party == party);
            let oldest = of_party.min_by_key(|running| running.since + running.allowance)?;
            let is_overdue = now.saturating_sub(oldest.since) > patience + oldest.allowance;
            Some(Stillness { quiet: quiet(party), waits_for: Some(oldest.waits_for.clone()), is_overdue })
        });
        let longest = waiting.max_by_key(|still| (still.is_overdue, still.quiet));
        longest.unwrap_or_else(|| Stillness {
            quiet: quiet(Party::Service).min(quiet(Party::Disk)),
            waits_for: None,
            is_overdue: false,
        })
    }

    fn note(&self, party: Party) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.last(party).fetch_max(now, Ordering::Relaxed);
    }

    fn last(&self, party: Party) -> &AtomicU64 {
        match party {
            Party::Service => &self.0.service,
            Party::Disk => &self.0.disk,
        }
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

/// Who has given a sign of life by the end of a command.
fn answered(outcome: &Outcome) -> &'static [Party] {
    const NOBODY: &[Party] = &[];
    const SERVICE: &[Party] = &[Party::Service];
    const DISK: &[Party] = &[Party::Disk];
    let of_service = |kind: RemoteErrorKind| match kind {
        RemoteErrorKind::Offline => NOBODY,
        RemoteErrorKind::SourceChanged
        | RemoteErrorKind::SourceUnreadable
        | RemoteErrorKind::StagingFailed => DISK,
        _ => SERVICE,
    };
    let of_disk = |kind: &DiskErrorKind| if kind.is_lack_of_descriptors() { NOBODY } else { DISK };
    match outcome {
        Outcome::Root(Err(error))
        | Outcome::Claimed(Err(error))
        | Outcome::Scanned(Err(error))
        | Outcome::Hashed(Err(error))
        | Outcome::Operation(Err(OperationError::Disk(error))) => of_disk(&error.kind),
        Outcome::Root(Ok(_))
        | Outcome::Claimed(Ok(()))
        | Outcome::Scanned(Ok(_))
        | Outcome::Hashed(Ok(_))
        | Outcome::Operation(Err(OperationError::LocalChanged { .. })) => DISK,
        Outcome::ListingEnded(Err(error))
        | Outcome::ListedDirectory(Err(error))
        | Outcome::Looked(Err(error))
        | Outcome::Polled(Err(error))
        | Outcome::Operation(Err(OperationError::Remote(error))) => of_service(error.kind),
        Outcome::ListingEnded(Ok(_))
        | Outcome::ListedDirectory(Ok(_))
        | Outcome::Looked(Ok(_))
        | Outcome::Polled(Ok(_))
        | Outcome::Operation(Err(
            OperationError::RemoteChanged { .. } | OperationError::HoldsUnusable { .. },
        )) => SERVICE,
        Outcome::Operation(Ok(_)) => &[Party::Service, Party::Disk],
    }
}

/// What a command waits for in words, and how many bytes it may have to read before anything shows.
fn describe(task: &Task) -> (Party, String, u64) {
    let text = match task {
        Task::CheckRoot | Task::ClaimRoot { .. } => "the folder's root".to_owned(),
        Task::Scan { directory } => {
            format!("the local disk, to read the directory {}", named(&directory.to_string()))
        }
        Task::Hash { path, stat } => {
            return (Party::Disk, format!("the local disk, to read {path}"), stat.size);
        }
        Task::ListTree => "the service, to list the remote folder".to_owned(),
        Task::ListDirectory { directory } => {
            format!("the service, to list the directory {}", named(&directory.to_string()))
        }
        Task::Look { path } => format!("the service, to look at {path}"),
        Task::Poll => "the service, to tell whether anything changed".to_owned(),
        Task::Upload { path, file, .. } => {
            let summed = file.content.size / SUMMING;
            return (Party::Service, format!("the service, to take {path}"), summed);
        }
        Task::Download { path, twin, file, .. } => {
            let read = twin.as_ref().map_or(0, |_| file.content.size);
            return (Party::Service, format!("the service, to give {path}"), read);
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
    let party = match task {
        Task::CheckRoot
        | Task::ClaimRoot { .. }
        | Task::Scan { .. }
        | Task::Hash { .. }
        | Task::MakeLocalDirectory { .. }
        | Task::MoveLocal { followed: None, .. }
        | Task::SetLocalTime { .. } => Party::Disk,
        _ => Party::Service,
    };
    (party, text, 0)
}

fn named(path: &str) -> &str {
    if path.is_empty() { "at the root" } else { path }
}

#[cfg(test)]
mod tests {
    use jottad_core::{RelativePath, Timestamp};

    use super::*;
    use crate::disk::{DiskListing, FileStat, Identity};
    use crate::event::ScannedDirectory;
    use crate::remote::RemoteError;

    fn file(size: u64) -> FileStat {
        let identity = Identity { inode: 1, born: 1 };
        let modified = Timestamp::from_seconds(1);
        FileStat { identity, size, modified, modified_nanoseconds: 0, changed: 1, links: 1 }
    }

    fn path(text: &str) -> RelativePath {
        RelativePath::try_from(text).unwrap()
    }

    fn offline<T>() -> Result<T, RemoteError> {
        Err(RemoteError::new(RemoteErrorKind::Offline, "no answer".to_owned()))
    }

    #[test]
    fn what_waits_the_longest_is_named_and_what_may_take_long_is_given_its_time() {
        let activity = Activity::new();
        assert_eq!(activity.stillness(Duration::ZERO).waits_for, None);
        activity.began(CommandId(1), &Task::Poll);
        activity.began(CommandId(2), &Task::ListTree);
        let still = activity.stillness(Duration::ZERO);
        assert!(still.is_overdue && still.waits_for.unwrap().contains("anything changed"));
        assert!(!activity.stillness(Duration::from_mins(1)).is_overdue);
        activity.ended(CommandId(1), &Outcome::Polled(Ok(String::new())));
        assert!(activity.stillness(Duration::ZERO).waits_for.unwrap().contains("list the remote folder"));
        activity.ended(CommandId(2), &Outcome::ListingEnded(Ok(Vec::new())));
        assert_eq!(activity.stillness(Duration::ZERO).waits_for, None);
        activity.began(CommandId(3), &Task::Hash { path: path("a.iso"), stat: file(1 << 40) });
        assert!(!activity.stillness(Duration::ZERO).is_overdue);
    }

    type Sign<'a> = &'a dyn Fn(&Activity);

    #[test]
    fn only_an_answer_is_a_sign_of_life() {
        let elsewhere = |activity: &Activity| {
            activity.began(CommandId(2), &Task::Scan { directory: path("d") });
            let listing = DiskListing { mount: None, entries: Vec::new() };
            activity.ended(CommandId(2), &Outcome::Scanned(Ok(ScannedDirectory { listing, rules: None })));
        };
        let signs: [(&str, bool, Sign); 9] = [
            ("a poll is answered", true, &|activity| {
                activity.ended(CommandId(2), &Outcome::Polled(Ok(String::new())));
            }),
            ("a listing goes on", true, &Activity::note_answer),
            ("an event", true, &|activity| activity.note_hint(&RemoteHint::Anywhere)),
            ("bytes", true, &|activity| activity.note_bytes(0, 10, 0)),
            ("more bytes than buffers take, of a new try", true, &|activity| {
                activity.note_bytes(0, CONNECTION_BUFFERS + 1, CONNECTION_BUFFERS + 9);
            }),
            ("bytes of a new try", false, &|activity| activity.note_bytes(0, 10, 10)),
            ("the events end", false, &|activity| activity.note_hint(&RemoteHint::Deaf)),
            ("a request ends without an answer", false, &|activity| {
                activity.ended(CommandId(2), &Outcome::Polled(offline()));
            }),
            ("the disk answers", false, &elsewhere),
        ];
        for (name, is_sign, sign) in signs {
            let started = Instant::now().checked_sub(Duration::from_mins(1)).unwrap();
            let activity = Activity::since(started);
            activity.began(CommandId(1), &Task::ListTree);
            sign(&activity);
            let still = activity.stillness(Duration::ZERO);
            assert_eq!(still.quiet < Duration::from_mins(1), is_sign, "{name}");
            assert_eq!(still.waits_for.as_deref(), Some("the service, to list the remote folder"), "{name}");
        }
    }
}
