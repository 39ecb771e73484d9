//! Signs of progress of a running folder: when the service and the local disk last answered, each command
//! for itself, and what is waited for.
//!
//! Only an answer is a sign of life. A new try is none, nor is the end of a connection, nor what a person
//! does meanwhile. An answer to one command says nothing of the others; that it came only tells that the
//! folder goes on. That the service answers whether anything changed, or tells of it, does not even do that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jottad_core::RelativePath;

use crate::disk::DiskErrorKind;
use crate::event::{CommandId, OperationError, Outcome, RemoteHint, Task};
use crate::remote::RemoteErrorKind;

/// A file is given the time to be read at this rate: no sign of progress comes from within a hash.
const SLOWEST_READING: u64 = 2 << 20;
/// The service hashes what it has taken before it answers, so many times as fast at least.
const HASHING: u64 = 8;
/// What a connection takes although nobody reads at its other end: its buffers.
const CONNECTION_BUFFERS: u64 = 4 << 20;
/// Of so many bytes a transfer may wait at a limit for its turn.
const PIECE: u64 = 64 << 10;
/// A line is at least so fast. What is on its way before one transfer's sign comes is given that time.
const SLOWEST_LINE: u64 = 32 << 10;
/// Bytes of the last so many whole seconds make the rate.
const RATE_SECONDS: u64 = 30;

/// What moves in a folder. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// When the service last got on with something, in milliseconds since the start.
    service: AtomicU64,
    /// When the local disk last did.
    disk: AtomicU64,
    /// When the service last said whether anything changed, asked or unasked.
    word: AtomicU64,
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
    /// When it gave its last sign of life, or began.
    last: Duration,
    party: Party,
    words: Words,
    /// The time that it is given before it must show progress, beyond the usual.
    allowance: Duration,
    /// Of a file that travels: its path, its bytes, and how many of them were read to be sent.
    transfer: Option<(RelativePath, u64, u64)>,
    /// It waits for the folder from time to time.
    waits_for_folder: bool,
}

impl Running {
    /// How long it has gone without a sign, if that is longer than it may take.
    fn overdue(&self, now: Duration, patience: Duration) -> Option<Duration> {
        let quiet = now.saturating_sub(self.last);
        (quiet > patience.saturating_add(self.allowance)).then_some(quiet)
    }

    /// Its bytes that may be on their way without a sign.
    fn on_their_way(&self) -> u64 {
        self.transfer
            .as_ref()
            .map_or(0, |(_, size, read)| (*size).min(read.saturating_add(PIECE)).min(CONNECTION_BUFFERS))
    }
}

/// A command in words.
#[derive(Debug)]
struct Words {
    /// What is waited for.
    waits_for: String,
    /// What is being done.
    doing: String,
}

/// How long a folder has been without a sign of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stillness {
    /// Who is waited for has got on with nothing for so long; if nobody is, neither of the two has given a
    /// sign of life.
    pub quiet: Duration,
    /// What it has waited for the longest, beyond the time that this may take; `None` if nothing is under
    /// way.
    pub waits_for: Option<String>,
    /// Whether that has had the time that it may take.
    pub is_overdue: bool,
    /// What has had no answer for the longest, whatever else goes on.
    pub unanswered: Option<Unanswered>,
}

/// Something that is being done and for which no sign of life came in the time that it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// What is being done.
    pub doing: String,
    /// For so long.
    pub quiet: Duration,
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
            word: AtomicU64::new(0),
            running: Mutex::default(),
            moved: Mutex::default(),
        }))
    }

    /// Part of an answer of the service to a command came.
    pub(crate) fn note_answer(&self, command: CommandId) {
        self.note(&self.0.service);
        self.sign(command, None);
    }

    /// The folder itself has got on with what it knows, for which what is being listed waits.
    pub(crate) fn note_step(&self) {
        self.note(&self.0.disk);
        let now = self.now();
        for running in lock(&self.0.running).values_mut().filter(|running| running.waits_for_folder) {
            running.last = now;
        }
    }

    /// The service said something by itself, or ended the connection on which it would.
    pub(crate) fn note_hint(&self, hint: &RemoteHint) {
        match hint {
            RemoteHint::Deaf => {}
            RemoteHint::Listening
            | RemoteHint::Anywhere
            | RemoteHint::Elsewhere
            | RemoteHint::Entry { .. } => self.note(&self.0.word),
        }
    }

    /// A command's content has come from one position to another, `furthest` being the furthest before.
    pub(crate) fn note_bytes(&self, command: CommandId, from: u64, to: u64, furthest: u64) {
        if to > furthest.min(CONNECTION_BUFFERS) {
            self.note(&self.0.service);
            self.sign(command, Some(to));
        }
        let second = self.now().as_secs();
        let mut moved = lock(&self.0.moved);
        *moved.entry(second).or_default() += to.saturating_sub(from);
        while moved.first_key_value().is_some_and(|(first, _)| *first + RATE_SECONDS < second) {
            moved.pop_first();
        }
    }

    pub(crate) fn began(&self, command: CommandId, task: &Task) {
        let (party, words, bytes) = describe(task);
        let allowance = Duration::from_secs(bytes / SLOWEST_READING);
        let transfer = match task {
            Task::Upload { path, file, .. } => Some((path.clone(), file.content.size, 0)),
            // What comes is seen at once, so nothing of it is on its way unseen but the piece that waits.
            Task::Download { path, file, .. } => Some((path.clone(), file.content.size.min(PIECE), 0)),
            _ => None,
        };
        let waits_for_folder = matches!(task, Task::ListTree);
        let running = Running { last: self.now(), party, words, allowance, transfer, waits_for_folder };
        lock(&self.0.running).insert(command, running);
    }

    pub(crate) fn ended(&self, command: CommandId, outcome: &Outcome) {
        for party in answered(outcome) {
            self.note(match (party, outcome) {
                (Party::Service, Outcome::Polled(_)) => &self.0.word,
                (Party::Service, _) => &self.0.service,
                (Party::Disk, _) => &self.0.disk,
            });
        }
        lock(&self.0.running).remove(&command);
    }

    /// How long nothing has moved, for somebody who waits no longer than that.
    pub(crate) fn stillness(&self, patience: Duration) -> Stillness {
        let now = self.now();
        let quiet =
            |last: &AtomicU64| now.saturating_sub(Duration::from_millis(last.load(Ordering::Relaxed)));
        let running = lock(&self.0.running);
        let on_their_way: u64 = running.values().map(Running::on_their_way).sum();
        let line = Duration::from_secs(on_their_way / SLOWEST_LINE);
        let unanswered = running.values().filter_map(|running| {
            // What else travels may take the line meanwhile.
            let patience =
                patience.saturating_add(running.transfer.as_ref().map_or(Duration::ZERO, |_| line));
            let quiet = running.overdue(now, patience)?;
            Some(Unanswered { doing: running.words.doing.clone(), quiet })
        });
        let unanswered = unanswered.max_by_key(|unanswered| unanswered.quiet);
        let waiting = [Party::Service, Party::Disk].into_iter().filter_map(|party| {
            let of_party = running.values().filter(|running| running.party == party);
            let oldest = of_party.min_by_key(|running| running.last + running.allowance)?;
            let quiet = quiet(self.last(party)).min(now.saturating_sub(oldest.last));
            let is_overdue = oldest.overdue(now, patience).is_some();
            Some((is_overdue, quiet, oldest.words.waits_for.clone()))
        });
        match waiting.max_by_key(|(is_overdue, quiet, _)| (*is_overdue, *quiet)) {
            Some((is_overdue, quiet, waits_for)) => {
                Stillness { quiet, waits_for: Some(waits_for), is_overdue, unanswered }
            }
            None => Stillness {
                quiet: [&self.0.service, &self.0.disk, &self.0.word]
                    .map(quiet)
                    .into_iter()
                    .min()
                    .unwrap_or_default(),
                waits_for: None,
                is_overdue: false,
                unanswered,
            },
        }
    }

    /// How long the file that travels at this path has done so without a sign of life; `None` if none does.
    pub(crate) fn quiet_at(&self, path: &RelativePath) -> Option<Duration> {
        let running = lock(&self.0.running);
        let of_path = running
            .values()
            .filter(|running| running.transfer.as_ref().is_some_and(|(transferred, ..)| transferred == path));
        of_path.map(|running| self.now().saturating_sub(running.last)).max()
    }

    /// A command gave a sign of life; of a transfer that so many bytes were read.
    fn sign(&self, command: CommandId, read: Option<u64>) {
        let now = self.now();
        if let Some(running) = lock(&self.0.running).get_mut(&command) {
            running.last = now;
            if let (Some(read), Some((_, _, before))) = (read, &mut running.transfer) {
                *before = read.max(*before);
            }
        }
    }

    fn note(&self, last: &AtomicU64) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        last.fetch_max(now, Ordering::Relaxed);
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
        Outcome::Operation(Err(OperationError::Interrupted)) => NOBODY,
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
        | Outcome::Operation(Err(OperationError::Remote(error) | OperationError::NotShown(error))) => {
            of_service(error.kind)
        }
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

/// A command in words, and how many bytes may have to be read before anything shows.
fn describe(task: &Task) -> (Party, Words, u64) {
    let (what, doing) = match task {
        Task::CheckRoot | Task::ClaimRoot { .. } => return rootward(),
        Task::Scan { directory } => in_directory("read", "reading", directory.to_string()),
        Task::Hash { files } => {
            let path = files.first().map(|(path, _)| path.to_string()).unwrap_or_default();
            (format!("read {path}"), format!("reading {path}"))
        }
        Task::ListTree => ("list the remote folder".to_owned(), "listing the remote folder".to_owned()),
        Task::ListDirectory { directory } => in_directory("list", "listing", directory.to_string()),
        Task::Look { path } => (format!("look at {path}"), format!("looking at {path}")),
        Task::Poll => {
            ("tell whether anything changed".to_owned(), "asking whether anything changed".to_owned())
        }
        Task::Upload { path, .. } => (format!("take {path}"), format!("uploading {path}")),
        Task::Download { path, .. } => (format!("give {path}"), format!("downloading {path}")),
        Task::MakeRemoteDirectory { path, .. } | Task::MakeLocalDirectory { path } => {
            (format!("make the directory {path}"), format!("making the directory {path}"))
        }
        Task::MoveRemote { from, to, .. } => {
            (format!("move {from} to {to}"), format!("moving {from} to {to}"))
        }
        Task::MoveLocal { from, to, .. } => {
            (format!("move {from} to {to}"), format!("moving {from} to {to}"))
        }
        Task::TrashRemote { remote, .. } => trash(remote),
        Task::TrashLocal { path, .. } => trash(path),
        Task::SetRemoteTime { remote, .. } => set_time(remote),
        Task::SetLocalTime { path, .. } => set_time(path),
    };
    let (party, who) = match task {
        Task::CheckRoot
        | Task::ClaimRoot { .. }
        | Task::Scan { .. }
        | Task::Hash { .. }
        | Task::MakeLocalDirectory { .. }
        | Task::MoveLocal { followed: None, .. }
        | Task::SetLocalTime { .. } => (Party::Disk, "the local disk"),
        // The service is asked whether it still is so.
        Task::MoveLocal { .. } | Task::TrashLocal { .. } => (Party::Service, "the local disk"),
        _ => (Party::Service, "the service"),
    };
    let bytes = match task {
        Task::Hash { files } => files.iter().fold(0_u64, |bytes, (_, stat)| bytes.saturating_add(stat.size)),
        Task::Upload { file, .. } => file.content.size / HASHING,
        Task::Download { twin: Some(_), file, .. } => file.content.size,
        _ => 0,
    };
    (party, Words { waits_for: format!("{who}, to {what}"), doing }, bytes)
}

fn rootward() -> (Party, Words, u64) {
    let words =
        Words { waits_for: "the folder's root".to_owned(), doing: "looking at the folder's root".to_owned() };
    (Party::Disk, words, 0)
}

fn in_directory(verb: &str, doing: &str, path: String) -> (String, String) {
    let directory = if path.is_empty() { "at the root".to_owned() } else { path };
    (format!("{verb} the directory {directory}"), format!("{doing} the directory {directory}"))
}

fn trash(path: &dyn std::fmt::Display) -> (String, String) {
    (format!("put {path} into the trash"), format!("putting {path} into the trash"))
}

fn set_time(path: &dyn std::fmt::Display) -> (String, String) {
    (format!("set the time of {path}"), format!("setting the time of {path}"))
}

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, StoredPath, Timestamp};

    use super::*;
    use crate::builders::{file_stat, path};
    use crate::disk::{DiskError, DiskListing, Identity};
    use crate::event::{Achieved, Replaces, ScannedDirectory};
    use crate::remote::RemoteError;

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
        activity.began(CommandId(3), &hash("a.iso", 1 << 40));
        assert!(!activity.stillness(Duration::ZERO).is_overdue);
    }

    type Sign<'a> = &'a dyn Fn(&Activity);

    #[test]
    fn only_an_answer_to_it_is_a_commands_sign_of_life_and_what_goes_on_beside_it_is_told_apart() {
        let elsewhere = |activity: &Activity| {
            activity.began(CommandId(2), &Task::Scan { directory: path("d") });
            let listing = DiskListing { mount: None, entries: Vec::new() };
            activity
                .ended(CommandId(2), &Outcome::Scanned(Ok(ScannedDirectory { listing, rules: Ok(None) })));
        };
        let (waits, goes_on, answered) = ((true, true), (true, false), (false, false));
        // Whether it has no answer, and whether nothing else goes on on the service.
        let signs: [(&str, (bool, bool), Sign); 12] = [
            ("nothing", waits, &|_| {}),
            ("another look is answered", goes_on, &|activity| {
                activity.ended(CommandId(2), &Outcome::Looked(Ok(None)));
            }),
            ("another content travels", goes_on, &|activity| activity.note_bytes(CommandId(2), 0, 10, 0)),
            ("another listing goes on", goes_on, &|activity| activity.note_answer(CommandId(2))),
            ("a poll is answered", waits, &|activity| {
                activity.ended(CommandId(2), &Outcome::Polled(Ok(String::new())));
            }),
            ("an event", waits, &|activity| activity.note_hint(&RemoteHint::Anywhere)),
            ("the events end", waits, &|activity| activity.note_hint(&RemoteHint::Deaf)),
            ("another request ends without an answer", waits, &|activity| {
                activity.ended(CommandId(2), &Outcome::Looked(offline()));
            }),
            ("the disk answers", waits, &elsewhere),
            ("its bytes", answered, &|activity| activity.note_bytes(CommandId(1), 0, 10, 0)),
            ("more of its bytes than buffers take, of a new try", answered, &|activity| {
                activity.note_bytes(CommandId(1), 0, CONNECTION_BUFFERS + 1, CONNECTION_BUFFERS + 9);
            }),
            ("its bytes of a new try", waits, &|activity| activity.note_bytes(CommandId(1), 0, 10, 10)),
        ];
        let minute = Duration::from_mins(1);
        for (name, (has_no_answer, is_still), sign) in signs {
            let activity = begun_a_minute_ago(&[upload("hang.txt", 5)]);
            sign(&activity);
            let still = activity.stillness(Duration::from_secs(50));
            assert_eq!(still.quiet >= minute, is_still, "{name}");
            assert_eq!(still.is_overdue, has_no_answer, "{name}");
            assert_eq!(still.waits_for.as_deref(), Some("the service, to take hang.txt"), "{name}");
            let told = still.unanswered.map(|unanswered| (unanswered.doing, unanswered.quiet >= minute));
            assert_eq!(told, has_no_answer.then(|| ("uploading hang.txt".to_owned(), true)), "{name}");
        }
    }

    #[test]
    fn what_has_had_no_answer_for_the_longest_is_told_when_it_has_had_its_time() {
        let sends = |files: u32, bytes: u64| -> Vec<Task> {
            (0..files).map(|number| upload(&format!("{number}.iso"), bytes)).collect()
        };
        let cases: [(&str, Vec<Task>, u64, Option<&str>); 6] = [
            ("a look", vec![Task::Look { path: StoredPath::root() }], 0, Some("looking at ")),
            ("a small file", sends(1, 5), 5, Some("uploading 0.iso")),
            ("a file that may be in the buffers", sends(1, 3 << 20), 3 << 20, None),
            ("small files that share a slow line", sends(32, PIECE), 0, None),
            ("few of them", sends(2, PIECE), 0, Some("uploading 1.iso")),
            ("a file that is read for long", vec![hash("a", 1 << 40)], 0, None),
        ];
        for (name, tasks, read, told) in cases {
            let activity = begun_a_minute_ago(&tasks);
            if let Some((_, _, before)) =
                lock(&activity.0.running).values_mut().find_map(|running| running.transfer.as_mut())
            {
                *before = read;
            }
            let unanswered = activity.stillness(Duration::from_secs(50)).unanswered;
            let doing = unanswered.as_ref().map(|unanswered| unanswered.doing.as_str());
            assert_eq!(doing, told, "{name}");
        }
    }

    #[test]
    fn a_listing_that_waits_for_the_folder_has_an_answer_and_a_file_that_travels_is_found_by_its_path() {
        let activity = begun_a_minute_ago(&[Task::ListTree, upload("a.txt", 1)]);
        activity.note_step();
        let unanswered = activity.stillness(Duration::from_secs(50)).unanswered.unwrap();
        assert_eq!(unanswered.doing, "uploading a.txt");
        assert!(activity.quiet_at(&path("a.txt")).unwrap() >= Duration::from_mins(1));
        activity.note_bytes(CommandId(2), 0, 1, 0);
        assert!(activity.quiet_at(&path("a.txt")).unwrap() < Duration::from_mins(1));
        assert_eq!(activity.stillness(Duration::from_secs(50)).unanswered, None);
        assert_eq!(activity.quiet_at(&path("b.txt")), None);
    }

    fn hash(name: &str, size: u64) -> Task {
        Task::Hash { files: vec![(path(name), file_stat(1, size))] }
    }

    fn upload(name: &str, size: u64) -> Task {
        let content = Content { md5: Md5::from_bytes([7; 16]), size };
        Task::Upload {
            path: path(name),
            remote: StoredPath::root(),
            stat: file_stat(1, size),
            file: File { content, modified: Timestamp::from_seconds(1) },
            replaces: Replaces::Nothing,
        }
    }

    /// Commands from the first on, without a sign since.
    fn begun_a_minute_ago(tasks: &[Task]) -> Activity {
        let activity = Activity::since(Instant::now().checked_sub(Duration::from_mins(1)).unwrap());
        for (number, task) in (1..).zip(tasks) {
            activity.began(CommandId(number), task);
        }
        for running in lock(&activity.0.running).values_mut() {
            running.last = Duration::ZERO;
        }
        activity
    }

    /// Who has answered is known by how a command ended.
    #[test]
    fn the_end_of_a_command_is_a_sign_of_life_of_whoever_has_answered() {
        let remote = |kind| Outcome::Looked(Err(RemoteError::new(kind, "an error".to_owned())));
        let failed = |kind| {
            Outcome::Operation(Err(OperationError::Remote(RemoteError::new(kind, "an error".to_owned()))))
        };
        let disk = |kind| Outcome::Hashed(Err(DiskError { action: "reading", path: path("a"), kind }));
        let (nobody, service, local) = (&[][..], &[Party::Service][..], &[Party::Disk][..]);
        for (outcome, who) in [
            (remote(RemoteErrorKind::Offline), nobody),
            (remote(RemoteErrorKind::Unavailable), service),
            (failed(RemoteErrorKind::Refused), service),
            (failed(RemoteErrorKind::SourceChanged), local),
            (failed(RemoteErrorKind::SourceUnreadable), local),
            (failed(RemoteErrorKind::StagingFailed), local),
            (disk(DiskErrorKind::PermissionDenied), local),
            // It says nothing of the disk.
            (disk(DiskErrorKind::TooManyFiles), nobody),
            (Outcome::Operation(Err(OperationError::Interrupted)), nobody),
            (Outcome::Operation(Err(OperationError::LocalChanged { path: path("a") })), local),
            (Outcome::Operation(Err(OperationError::RemoteChanged { path: StoredPath::root() })), service),
            (Outcome::Polled(Ok(String::new())), service),
            (Outcome::Operation(Ok(Achieved::Done)), &[Party::Service, Party::Disk]),
        ] {
            assert_eq!(answered(&outcome), who, "{outcome:?}");
        }
    }

    // It is a table.
    #[allow(clippy::too_many_lines)]
    #[test]
    fn what_a_command_waits_for_is_told_in_words() {
        let remote = || StoredPath::new(vec![jottad_core::StoredName::new("r").unwrap()]);
        let (size, file) = (
            1 << 30,
            File {
                content: Content { md5: Md5::from_bytes([7; 16]), size: 1 << 30 },
                modified: Timestamp::from_seconds(1),
            },
        );
        let moved = |followed| Task::MoveLocal {
            from: path("a"),
            to: path("b"),
            identity: Identity { inode: 1, born: 1 },
            followed,
        };
        for (task, party, waits_for, doing, bytes) in [
            (Task::CheckRoot, Party::Disk, "the folder's root", "looking at the folder's root", 0),
            (
                Task::Scan { directory: path("d") },
                Party::Disk,
                "the local disk, to read the directory d",
                "reading the directory d",
                0,
            ),
            (hash("a", size), Party::Disk, "the local disk, to read a", "reading a", size),
            (
                Task::ListTree,
                Party::Service,
                "the service, to list the remote folder",
                "listing the remote folder",
                0,
            ),
            (
                Task::ListDirectory { directory: remote() },
                Party::Service,
                "the service, to list the directory r",
                "listing the directory r",
                0,
            ),
            (
                Task::Poll,
                Party::Service,
                "the service, to tell whether anything changed",
                "asking whether anything changed",
                0,
            ),
            (upload("a", size), Party::Service, "the service, to take a", "uploading a", size / HASHING),
            (
                Task::Download { path: path("a"), remote: remote(), file, replaces: None, twin: None },
                Party::Service,
                "the service, to give a",
                "downloading a",
                0,
            ),
            // A copy of what is here is read first.
            (
                Task::Download {
                    path: path("a"),
                    remote: remote(),
                    file,
                    replaces: None,
                    twin: Some((path("b"), file_stat(1, size))),
                },
                Party::Service,
                "the service, to give a",
                "downloading a",
                size,
            ),
            (
                Task::MakeLocalDirectory { path: path("d") },
                Party::Disk,
                "the local disk, to make the directory d",
                "making the directory d",
                0,
            ),
            (
                Task::MakeRemoteDirectory { path: path("d"), remote: remote() },
                Party::Service,
                "the service, to make the directory d",
                "making the directory d",
                0,
            ),
            (moved(None), Party::Disk, "the local disk, to move a to b", "moving a to b", 0),
            (
                moved(Some(crate::event::Followed::Spelling(remote()))),
                Party::Service,
                "the local disk, to move a to b",
                "moving a to b",
                0,
            ),
            (
                Task::TrashLocal {
                    path: path("a"),
                    remote: remote(),
                    expected: crate::event::LocalExpectation::File(file_stat(1, 1)),
                },
                Party::Service,
                "the local disk, to put a into the trash",
                "putting a into the trash",
                0,
            ),
            (
                Task::SetRemoteTime { remote: remote(), file },
                Party::Service,
                "the service, to set the time of r",
                "setting the time of r",
                0,
            ),
            (
                Task::SetLocalTime {
                    path: path("a"),
                    stat: file_stat(1, 1),
                    modified: Timestamp::from_seconds(1),
                },
                Party::Disk,
                "the local disk, to set the time of a",
                "setting the time of a",
                0,
            ),
        ] {
            let (who, words, read) = describe(&task);
            assert_eq!(
                (who, words.waits_for.as_str(), words.doing.as_str(), read),
                (party, waits_for, doing, bytes)
            );
        }
    }

    /// What was moved in each of the last thirty seconds, from the first of them in which anything was.
    #[test]
    fn the_rate_is_what_was_moved_lately() {
        let minute = Instant::now().checked_sub(Duration::from_mins(1)).unwrap();
        for (moved, rate) in [
            (&[][..], None),
            (&[(55, 100), (58, 200)], Some(60)),
            (&[(20, 1000), (50, 300)], Some(30)),
            (&[(20, 1000)], None),
        ] {
            let activity = Activity::since(minute);
            lock(&activity.0.moved).extend(moved.iter().copied());
            assert_eq!(activity.rate(), rate, "{moved:?}");
        }
        // What is older is not kept.
        let activity = Activity::since(minute);
        lock(&activity.0.moved).extend([(5, 1), (40, 2)]);
        activity.note_bytes(CommandId(1), 4, 10, 4);
        assert_eq!(lock(&activity.0.moved).values().copied().collect::<Vec<_>>(), [2, 6]);
    }

    #[test]
    fn a_command_may_be_quiet_for_as_long_as_it_may_take_and_no_longer() {
        let activity = begun_a_minute_ago(&[Task::Poll]);
        let running = lock(&activity.0.running).pop_first().unwrap().1;
        let seconds = Duration::from_secs;
        for (patience, overdue) in [(59, Some(60)), (60, None), (61, None)] {
            assert_eq!(running.overdue(seconds(60), seconds(patience)), overdue.map(seconds));
        }
    }
}
