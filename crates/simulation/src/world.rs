//! The simulated world: one clock, one disk, one service, the people who use them, and what must never
//! happen.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use fastrand::Rng;
use jottad_core::{Content, Mode, RelativePath, Side, StoredName, StoredPath, Timestamp};
use jottad_engine::{Event, LocalHint, Now, RemoteNode, Sighted};

use crate::disk_tree::DiskTree;
use crate::refusals::RequestRate;
use crate::remote_tree::{RemoteItem, RemoteTree};
use crate::rule_files::Released;
use crate::scenario::Knobs;
use crate::trace::Trace;

/// The wall clock at the start: 2026-11-23 12:00:00 UTC.
const START: i64 = 1_795_435_200;

/// What a person decided of what was held.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// To have back what would be removed, so that jottad may write locally in every mode.
    pub(crate) wants_back: bool,
    /// To let held deletes happen.
    pub(crate) approved: bool,
}

/// The world of one run.
#[derive(Debug)]
pub(crate) struct World {
    /// Which side's changes travel.
    pub(crate) mode: Mode,
    /// What the world is like.
    pub(crate) knobs: Knobs,
    /// The time since the start.
    pub(crate) monotonic: Duration,
    /// How far the wall clock was set, in seconds.
    pub(crate) clock_jump: i64,
    /// Every decision of chance while running.
    pub(crate) random: Rng,
    /// The local side.
    pub(crate) disk: DiskTree,
    /// The remote side.
    pub(crate) remote: RemoteTree,
    /// Earlier states of the remote side with the time at which each ended, for a service that lags.
    pub(crate) earlier: Vec<(Duration, RemoteTree)>,
    /// What is wrong now.
    pub(crate) weather: Weather,
    /// The service tells of every change.
    pub(crate) listening: bool,
    /// Hints that the watcher has not given yet.
    pub(crate) hints: Vec<LocalHint>,
    /// What the engine will hear.
    pub(crate) inbox: Vec<Event>,
    /// How many batches of listings the engine has taken.
    pub(crate) batches_taken: u64,
    /// How many batches were put into the inbox.
    pub(crate) batches_sent: u64,
    /// Why the command that is being polled cannot go on; set by it, read by the executor.
    pub(crate) waiting: Waiting,
    /// What a person decided of what was held.
    pub(crate) decided: Decided,
    /// The engine was told of the root while its disk was mounted. Before, nobody can tell it from its empty
    /// mount point.
    pub(crate) root_was_seen: bool,
    /// This process has worked in the root: from then on it writes nowhere else.
    pub(crate) root_is_settled: bool,
    /// Counts what the user did locally.
    pub(crate) user_changes: u64,
    /// Contents that somebody saved, and on which side.
    pub(crate) saved: BTreeMap<Content, Side>,
    /// Contents that somebody saw and overwrote or deleted.
    pub(crate) given_up: BTreeSet<Content>,
    /// What the user overwrote or deleted last at each path, with what came after it and never reached the
    /// service.
    pub(crate) removed_here: BTreeMap<RelativePath, Vec<Content>>,
    /// Files that the user removed here while the service had them as they were, until they are trashed
    /// there.
    pub(crate) waits_to_be_trashed: BTreeMap<RelativePath, Content>,
    /// Files that the user moved away here while the service had them as they were, until it has them there
    /// no more.
    pub(crate) moved_away: BTreeMap<RelativePath, Content>,
    /// What both sides had at a path when one of them overwrote or removed it.
    pub(crate) agreed_before: BTreeMap<RelativePath, Content>,
    /// Where another device has put or moved something.
    pub(crate) put_there: BTreeSet<StoredPath>,
    /// Every content that the service had at a place.
    pub(crate) been_there: BTreeSet<(StoredPath, Content)>,
    /// Files that were sent where nobody heard whether they arrived.
    pub(crate) maybe_sent: BTreeSet<(StoredPath, Content, i64)>,
    /// Contents that another device overwrote or deleted.
    pub(crate) removed_by_others: BTreeSet<Content>,
    /// Contents that another device has put or moved on the service.
    pub(crate) foreign: BTreeSet<Content>,
    /// What was ignored locally while it was on the service.
    pub(crate) released: Released,
    /// When another device changed anything last.
    pub(crate) others_changed: Option<Duration>,
    /// Since when the root's path leads elsewhere without a word.
    pub(crate) root_went: Option<Duration>,
    /// When another device put a content on the service last.
    pub(crate) put_by_others: BTreeMap<Content, Duration>,
    /// Contents that another device put where an upload or a removal was under way that had looked before, or
    /// where the late service did not show them to anybody: they are revisions, or in the trash, now.
    pub(crate) displaced: BTreeSet<Content>,
    /// Counts what changed on the disk and what people did.
    pub(crate) ticks: u64,
    /// How often the service is asked for something.
    pub(crate) request_rate: RequestRate,
    /// What must never happen and did.
    pub(crate) violations: Vec<String>,
    /// What happened.
    pub(crate) trace: Trace,
}

/// What is wrong for a while.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Weather {
    /// There is no network.
    pub(crate) offline: bool,
    /// The account is full.
    pub(crate) full: bool,
    /// The tokens are no longer good.
    pub(crate) logged_out: bool,
    /// The local disk is full.
    pub(crate) no_space: bool,
    /// No fault strikes any more.
    pub(crate) calm: bool,
}

/// Until when a command waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// For its turn.
    Turn,
    /// For a time.
    Until(Duration),
    /// For the engine to take so many batches of listings.
    Batches(u64),
}

/// The world as its inhabitants share it. Only one of them moves at a time.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// A world to share.
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world; nobody holds it while waiting.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others move first.
    pub(crate) fn pause(&self) -> Pause {
        Pause { world: self.clone(), waiting: Some(Waiting::Turn) }
    }

    /// Waits for a time.
    pub(crate) fn sleep_until(&self, time: Duration) -> Pause {
        Pause { world: self.clone(), waiting: Some(Waiting::Until(time)) }
    }

    /// Waits until the engine took a batch.
    pub(crate) fn taken(&self, batches: u64) -> Pause {
        Pause { world: self.clone(), waiting: Some(Waiting::Batches(batches)) }
    }
}

/// A point at which a command gives way to everything else.
#[derive(Debug)]
pub(crate) struct Pause {
    world: Shared,
    waiting: Option<Waiting>,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.waiting.take() {
            None => Poll::Ready(()),
            Some(waiting) => {
                self.world.lock().waiting = waiting;
                Poll::Pending
            }
        }
    }
}

impl World {
    /// A new world with nothing in it.
    pub(crate) fn new(mode: Mode, knobs: &Knobs, seed: u64, keeps_trace: bool) -> Self {
        let granularity = i64::from(knobs.granularity_milliseconds) * 1_000_000;
        Self {
            mode,
            knobs: knobs.clone(),
            monotonic: Duration::ZERO,
            clock_jump: 0,
            random: Rng::with_seed(seed),
            disk: DiskTree::new(granularity.max(1), knobs.has_birth_times, START * 1_000_000_000),
            remote: RemoteTree::new(knobs.remote_root_exists, knobs.folding, knobs.stamps_everything)
                .keeping_spelling_in_trash(knobs.trash_keeps_spelling),
            earlier: Vec::new(),
            weather: Weather::default(),
            listening: false,
            hints: Vec::new(),
            inbox: Vec::new(),
            batches_taken: 0,
            batches_sent: 0,
            waiting: Waiting::Turn,
            decided: Decided::default(),
            root_was_seen: false,
            root_is_settled: false,
            user_changes: 0,
            saved: BTreeMap::new(),
            given_up: BTreeSet::new(),
            removed_here: BTreeMap::new(),
            waits_to_be_trashed: BTreeMap::new(),
            moved_away: BTreeMap::new(),
            agreed_before: BTreeMap::new(),
            put_there: BTreeSet::new(),
            been_there: BTreeSet::new(),
            maybe_sent: BTreeSet::new(),
            removed_by_others: BTreeSet::new(),
            foreign: BTreeSet::new(),
            released: Released::default(),
            others_changed: None,
            root_went: None,
            put_by_others: BTreeMap::new(),
            displaced: BTreeSet::new(),
            ticks: 0,
            request_rate: RequestRate::default(),
            violations: Vec::new(),
            trace: Trace::new(keeps_trace),
        }
    }

    /// The time as the engine is told it.
    pub(crate) fn now(&self) -> Now {
        let wall = START + self.clock_jump + self.monotonic.as_secs().cast_signed();
        Now { monotonic: self.monotonic, wall: Timestamp::from_seconds(wall) }
    }

    /// The wall clock in nanoseconds since the epoch.
    pub(crate) fn nanoseconds(&self) -> i64 {
        let since_start = i64::try_from(self.monotonic.as_nanos()).unwrap_or(i64::MAX);
        (START + self.clock_jump) * 1_000_000_000 + since_start
    }

    /// The wall clock in nanoseconds, never the same twice: every change of the disk takes a moment.
    pub(crate) fn tick(&mut self) -> i64 {
        self.ticks += 1;
        self.monotonic += Duration::from_micros(1);
        self.nanoseconds()
    }

    /// The remote side's clock in seconds.
    pub(crate) fn service_seconds(&self) -> i64 {
        START + self.monotonic.as_secs().cast_signed()
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(crate) fn chance(&mut self, permille: u16) -> bool {
        permille > 0 && self.random.u16(0..1000) < permille
    }

    /// More files than may be removed at once go only after a person has agreed to that.
    pub(crate) fn check_hold(&mut self, files: usize) {
        if !self.decided.approved && files > usize::from(self.knobs.max_deletes) {
            self.violate(format!("{files} files were removed at once without a person's word"));
        }
    }

    /// What the service has does not go to the local trash for having been removed there. What others do
    /// there after the command began need not be known, nor the other spelling of a name.
    pub(crate) fn check_local_trash(&mut self, path: &RelativePath, remote_version: u64) {
        let is_directory = self.disk.find(path).is_some_and(|serial| self.disk.entries(serial).is_some());
        let may_be_late = self.knobs.late_folders && is_directory;
        if self.remote.version != remote_version || may_be_late {
            return;
        }
        let stored = Self::stored(path);
        let is_same = |(there, node): &(StoredPath, RemoteNode)| {
            *there == stored && (*node == RemoteNode::Directory) == is_directory
        };
        if self.remote.walk(&StoredPath::root()).iter().any(is_same) {
            self.violate(format!("{path} was trashed here, but is on the service"));
        }
    }

    /// Whether jottad may write locally.
    pub(crate) fn may_write_locally(&self) -> bool {
        self.mode.pulls() || self.decided.wants_back
    }

    /// Notes what must never happen.
    pub(crate) fn violate(&mut self, what: String) {
        self.trace.note(format_args!("VIOLATION {what}"));
        self.violations.push(what);
    }

    /// Changes the remote side, keeping what it was for a service that lags.
    pub(crate) fn change_remote<T>(&mut self, change: impl FnOnce(&mut RemoteTree, i64) -> T) -> T {
        if self.knobs.lag_milliseconds > 0 {
            self.earlier.push((self.monotonic, self.remote.clone()));
        }
        let now = self.service_seconds();
        let before = self.listening.then(|| self.remote.clone());
        let result = change(&mut self.remote, now);
        if let Some(before) = before {
            self.tell_of_changes(&before);
        }
        let files = self.remote.walk(&StoredPath::root()).into_iter();
        self.been_there.extend(files.filter_map(|(path, node)| match node {
            RemoteNode::File(file) => Some((path, file.content)),
            RemoteNode::Directory => None,
        }));
        self.note_ignored();
        result
    }

    /// The remote side as a listing shows it, which may be late (U-38).
    pub(crate) fn listed_remote(&mut self) -> RemoteTree {
        let longest = Duration::from_millis(self.knobs.lag_milliseconds.into());
        if longest.is_zero() || self.weather.calm {
            return self.remote.clone();
        }
        let lag = longest.mul_f32(self.random.f32());
        let seen = self.monotonic.saturating_sub(lag);
        let earlier = self.earlier.iter().find(|(until, _)| *until > seen);
        earlier.map_or_else(|| self.remote.clone(), |(_, tree)| tree.clone())
    }

    /// What a look at one path shows. A file's own document is never late; a folder's may be, as listings
    /// are.
    pub(crate) fn look(&mut self, path: &StoredPath) -> Option<Sighted> {
        let names_as_asked = self.knobs.looks_name_as_asked;
        let sighted = |(name, item): (Option<&StoredName>, &RemoteItem)| Sighted {
            node: item.node(),
            respelled: name.filter(|name| !names_as_asked && path.name() != Some(name)).cloned(),
        };
        let found = self.remote.find_spelled(path).map(sighted);
        if !self.knobs.late_folders || matches!(&found, Some(Sighted { node: RemoteNode::File(_), .. })) {
            return found;
        }
        let listed = self.listed_remote();
        listed.find_spelled(path).map(sighted).filter(|seen| seen.node == RemoteNode::Directory)
    }

    /// Every content that a person can still get at, on either side.
    pub(crate) fn reachable(&self) -> BTreeSet<Content> {
        let local = self.disk.texts();
        let remote = self.remote.texts();
        local.iter().chain(&remote).map(crate::text::Text::content).collect()
    }

    /// Lets the engine change something: whatever was reachable before must be so afterwards.
    pub(crate) fn as_engine<T>(&mut self, what: &str, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.reachable();
        let result = change(self);
        let after = self.reachable();
        let lost: Vec<Content> = before.difference(&after).copied().collect();
        if !lost.is_empty() {
            self.violate(format!("{what} lost {lost:?}"));
        }
        result
    }

    /// The remote path of a local one, as the engine would name it.
    pub(crate) fn stored(path: &RelativePath) -> StoredPath {
        let names = path.components().filter_map(|component| jottad_core::Name::new(component).ok());
        StoredPath::new(names.map(|name| jottad_core::encode_name(&name)).collect())
    }
}
