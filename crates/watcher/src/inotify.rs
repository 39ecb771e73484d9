//! Hints from inotify: one thread that sleeps until the kernel has something to say.
//!
//! It reads the queue, notes what settles in [`Pending`], and has [`cover`] look at every name of a directory
//! that an event was about. After the first event it reads only every [`WatcherOptions::read_gap`], because
//! events that are equal and adjacent in the queue are merged there for nothing.

mod cover;
mod limits;
mod mounts;
mod open;
mod queue;
mod tree;
mod unwatched;
mod watch_index;

use std::collections::BTreeSet;
use std::io::{self, PipeReader};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use jottad_core::RelativePath;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::ReadFlags;
use rustix::io::Errno;
use tokio::sync::mpsc::UnboundedSender;

use crate::coverage::{Coverage, SharedCoverage};
use crate::error::WatchError;
use crate::hint::{Hint, RescanCause};
use crate::options::WatcherOptions;
use crate::pace::Pace;
use crate::pending::{Change, Pending};
use cover::{Cover, Excluded, Found, RootLost};
use mounts::Mounts;
use open::{OpenError, Root};
use queue::{Drained, Event, Queue};
use tree::{NodeId, Tree};
use unwatched::{Reason, Unwatched};

/// Events handled before the other work gets its turn.
const EVENTS_PER_DRAIN: usize = 32 * 1024;
/// The distance between the first two rescans after lost events, and the longest one.
const RESCAN_GAPS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// The inotify backend, ready to run on its own thread.
#[derive(Debug)]
pub(crate) struct InotifySource {
    options: WatcherOptions,
    hints: UnboundedSender<Vec<Hint>>,
    coverage: SharedCoverage,
    cover: Cover,
    mounts: Option<Mounts>,
    notes: Notes,
    next_read: Option<Instant>,
    next_poll: Option<Instant>,
    next_retry: Option<Instant>,
    rescan_pace: Pace,
    /// What was published last; its counts are taken anew only when directories changed.
    published: Coverage,
    counts_are_stale: bool,
}

/// What the events of one reading said.
#[derive(Debug)]
struct Notes {
    pending: Pending,
    /// Names that a directory has appeared at or vanished from.
    structure: BTreeSet<(NodeId, Box<[u8]>)>,
    /// When the whole tree is walked and hinted again, because events were lost.
    rescan_at: Option<Instant>,
    overflowed: bool,
    root_lost: bool,
    /// The path of the directory that the last event was in: events come in runs.
    last: Option<(NodeId, RelativePath)>,
}

/// Why the source stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    RootLost,
    /// Nobody wants hints any more.
    Dropped,
}

impl From<RootLost> for Stop {
    fn from(RootLost: RootLost) -> Self {
        Self::RootLost
    }
}

/// The command that makes room for a watch on each of so many directories.
pub(crate) fn watch_limit_hint(directories: usize) -> String {
    limits::raise_watches(directories)
}

/// The command that lets more programs watch, where their number is why inotify cannot be opened.
pub(crate) fn instance_limit_hint(error: &WatchError) -> Option<String> {
    let WatchError::Source { source, .. } = error else { return None };
    // The process itself may have too many files open, which is the same error.
    let has_room = std::fs::File::open("/dev/null").is_ok();
    (source.raw_os_error() == Some(Errno::MFILE.raw_os_error()) && has_room).then(limits::raise_instances)
}

impl InotifySource {
    /// Watches every directory below the root; when it returns, no change from now on is missed.
    pub(crate) fn start(
        options: WatcherOptions,
        hints: UnboundedSender<Vec<Hint>>,
        coverage: SharedCoverage,
    ) -> Result<Self, WatchError> {
        let root_error = |error: io::Error| WatchError::Root { path: options.root.clone(), source: error };
        let source_error =
            |error: io::Error| WatchError::Source { path: options.root.clone(), source: error };
        let path = options.root.canonicalize().map_err(root_error)?;
        let root = Root::open(path).map_err(|error| root_error(error.into()))?;
        let queue = Queue::open().map_err(source_error)?;
        coverage.set_queue(queue.descriptor());
        let mounts = Mounts::open(root.path())
            .inspect_err(|error| tracing::warn!(%error, "cannot follow the mount table"))
            .ok();
        let mut cover = Cover::new(queue, root, options.excluded.clone(), options.watch_limit);
        cover.walk(Tree::ROOT).map_err(|RootLost| root_error(Errno::NOENT.into()))?;
        if cover.tree.watch(Tree::ROOT).is_none() {
            return Err(match cover.unwatched.reason(Tree::ROOT) {
                Some(Reason::Unreadable) => root_error(Errno::ACCESS.into()),
                Some(Reason::Limit) => source_error(Errno::NOSPC.into()),
                _ => source_error(io::Error::other("the root cannot be watched")),
            });
        }
        let notes = Notes {
            pending: Pending::new(options.settle),
            structure: BTreeSet::new(),
            rescan_at: None,
            overflowed: false,
            root_lost: false,
            last: None,
        };
        let mut source = Self {
            hints,
            coverage,
            cover,
            mounts,
            notes,
            next_read: None,
            next_poll: None,
            next_retry: None,
            rescan_pace: Pace::new(RESCAN_GAPS.0.min(options.settle * 10), RESCAN_GAPS.1),
            published: Coverage::default(),
            counts_are_stale: true,
            options,
        };
        source.plan_timers(Instant::now());
        source.publish();
        Ok(source)
    }

    /// Works until the other end of `stop` is closed, the receiver of hints is dropped or the root is lost.
    pub(crate) fn run(mut self, stop: &PipeReader) {
        let outcome = loop {
            match self.turn(stop) {
                Ok(()) => {}
                Err(stop) => break stop,
            }
        };
        if outcome == Stop::RootLost {
            tracing::warn!(root = %self.options.root.display(), "the root is no longer there");
            let _ = self.hints.send(vec![Hint::RootLost]);
        }
        self.notes.pending = Pending::new(self.options.settle);
        self.notes.rescan_at = None;
        self.coverage.forget_queue();
        self.publish();
    }

    fn turn(&mut self, stop: &PipeReader) -> Result<(), Stop> {
        let woken = self.sleep(stop)?;
        let now = Instant::now();
        if woken.mounts {
            self.follow_mounts(now)?;
        }
        if woken.queue || self.next_read.is_some_and(|at| at <= now) {
            self.read(now)?;
        }
        self.run_timers(now)?;
        self.release()?;
        self.plan_timers(now);
        self.publish();
        Ok(())
    }

    /// Sleeps until there is something to do. Without a deadline it sleeps for as long as the kernel is
    /// silent.
    fn sleep(&self, stop: &PipeReader) -> Result<Woken, Stop> {
        let timers = [self.next_read, self.next_poll, self.next_retry, self.notes.rescan_at];
        let deadline = timers.into_iter().flatten().chain(self.notes.pending.next_deadline()).min();
        let timeout = deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
            .and_then(|duration| Timespec::try_from(duration).ok());
        let mut descriptors = vec![PollFd::new(stop, PollFlags::IN)];
        if let Some(mounts) = &self.mounts {
            descriptors.push(PollFd::new(mounts, PollFlags::PRI));
        }
        if self.next_read.is_none() {
            descriptors.push(PollFd::from_borrowed_fd(self.cover.queue.as_fd(), PollFlags::IN));
        }
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "cannot wait for file events");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        if !descriptors[0].revents().is_empty() || self.hints.is_closed() {
            return Err(Stop::Dropped);
        }
        let mounts = self.mounts.is_some() && !descriptors[1].revents().is_empty();
        let queue = self.next_read.is_none() && descriptors.last().is_some_and(|d| !d.revents().is_empty());
        Ok(Woken { mounts, queue })
    }

    /// Reads the queue once and looks at every directory that an event was about.
    fn read(&mut self, now: Instant) -> Result<(), Stop> {
        self.coverage.begin_reading();
        self.cover.begin_drain();
        let mut any = false;
        let (notes, cover) = (&mut self.notes, &mut self.cover);
        let context = Context { excluded: &cover.excluded, unwatched: &cover.unwatched, now };
        let drained = cover.queue.drain(EVENTS_PER_DRAIN, |event| {
            any = true;
            notes.note(event, &mut cover.tree, &context);
        });
        notes.last = None;
        let drained = drained.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read file events");
            notes.lose_events(now, &self.rescan_pace, self.options.settle);
            Drained::Empty
        });
        if std::mem::take(&mut notes.overflowed) {
            tracing::info!(root = %self.options.root.display(), "events were lost; looking at everything");
            notes.lose_events(now, &self.rescan_pace, self.options.settle);
        }
        if notes.root_lost {
            return Err(Stop::RootLost);
        }
        self.look_at_structure(now)?;
        if drained == Drained::Empty && self.cover.sweep() {
            self.counts_are_stale = true;
        }
        self.next_read = match drained {
            Drained::More => Some(now),
            Drained::Empty if any || self.cover.has_adrift() => Some(Instant::now() + self.options.read_gap),
            Drained::Empty => None,
        };
        Ok(())
    }

    /// Verifies every name that a directory appeared at or vanished from.
    fn look_at_structure(&mut self, now: Instant) -> Result<(), Stop> {
        for (parent, name) in std::mem::take(&mut self.notes.structure) {
            self.counts_are_stale = true;
            let cause = match self.cover.verify(parent, &name)? {
                Found::Here => Some(RescanCause::NewDirectory),
                Found::Moved => Some(RescanCause::Renamed),
                Found::Unwatched(reason) => Some(reason.cause()),
                Found::Nothing => None,
            };
            let Some(directory) = self.cover.tree.path(parent) else { continue };
            match cause {
                Some(cause) => self.notes.pending.appeared(&directory, &name, cause, now),
                None => self.notes.pending.note(&directory, Change::Touched, now),
            }
        }
        if self.cover.take_tangled() {
            self.notes.lose_events(now, &self.rescan_pace, self.options.settle);
        }
        Ok(())
    }

    fn follow_mounts(&mut self, now: Instant) -> Result<(), Stop> {
        let root = self.cover.root();
        if root.reopen().is_err_and(|error| error == OpenError::RootLost) {
            return Err(Stop::RootLost);
        }
        let Some(mounts) = &mut self.mounts else { return Ok(()) };
        let changed = mounts.changed(root.path()).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read the mount table");
            BTreeSet::new()
        });
        for path in changed {
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            let Some(parent) = self.cover.tree.at(&parent) else { continue };
            let is_followed = self.cover.unwatched.reason(parent).is_none();
            if is_followed && !self.cover.excluded.contains(parent, name.as_bytes()) {
                self.notes.structure.insert((parent, name.as_bytes().into()));
            }
        }
        self.look_at_structure(now)
    }

    fn run_timers(&mut self, now: Instant) -> Result<(), Stop> {
        if self.notes.rescan_at.is_some_and(|at| at <= now) {
            self.notes.rescan_at = None;
            self.rescan_pace.record(now);
            self.counts_are_stale = true;
            self.cover.walk(Tree::ROOT)?;
            self.look_at_structure(now)?;
            self.notes.pending.rescan(&RelativePath::root(), RescanCause::Overflow, now);
        }
        if self.next_poll.is_some_and(|at| at <= now) {
            self.next_poll = None;
            self.try_again(self.cover.unwatched.polled(), now)?;
            for path in
                self.cover.unwatched.networks().into_iter().filter_map(|top| self.cover.tree.path(top))
            {
                self.notes.pending.rescan(&path, RescanCause::Poll, now);
            }
        }
        if self.next_retry.is_some_and(|at| at <= now) {
            self.next_retry = None;
            self.try_again(self.cover.unwatched.unreadable(), now)?;
        }
        Ok(())
    }

    /// Tries to watch what could not be watched, and hints it either way.
    fn try_again(&mut self, nodes: Vec<NodeId>, now: Instant) -> Result<(), Stop> {
        for node in nodes {
            self.cover.walk(node)?;
            let Some(path) = self.cover.tree.path(node) else { continue };
            let cause = match self.cover.unwatched.reason(node) {
                None => RescanCause::NewDirectory,
                Some(_) => RescanCause::Poll,
            };
            self.notes.pending.rescan(&path, cause, now);
        }
        self.counts_are_stale = true;
        self.look_at_structure(now)
    }

    fn release(&mut self) -> Result<(), Stop> {
        let released = self.notes.pending.release(Instant::now());
        if released.is_empty() {
            return Ok(());
        }
        self.hints.send(released).map_err(|_| Stop::Dropped)
    }

    /// Timers exist only while there is something to poll or to try again.
    fn plan_timers(&mut self, now: Instant) {
        let unwatched = &self.cover.unwatched;
        self.next_poll =
            unwatched.is_polling().then(|| self.next_poll.unwrap_or(now + self.options.poll_interval));
        self.next_retry =
            unwatched.has_unreadable().then(|| self.next_retry.unwrap_or(now + self.options.retry_interval));
    }

    fn publish(&mut self) {
        let Cover { tree, unwatched, .. } = &self.cover;
        if std::mem::take(&mut self.counts_are_stale) {
            let counts = unwatched.counts(tree);
            let directories = tree.watched() + counts.unwatched;
            let limit_hint = unwatched.has_limited().then(|| limits::raise_watches(directories));
            if let Some(command) = limit_hint.as_ref().filter(|_| self.published.limit_hint.is_none()) {
                let polled = counts.polled;
                tracing::warn!(polled, command, "not every directory can be watched; the rest is polled");
            }
            self.published = Coverage {
                directories,
                polled_directories: counts.polled,
                unreadable_directories: counts.unreadable,
                pending: 0,
                notice: unwatched.root_network().map(|name| {
                    let seconds = self.options.poll_interval.as_secs();
                    format!(
                        "the folder is on a network file system ({name}): it is looked at every {seconds} s"
                    )
                }),
                limit_hint,
            };
        }
        let notes = &self.notes;
        self.published.pending = notes.pending.len() + usize::from(notes.rescan_at.is_some());
        self.coverage.publish(&self.published);
    }
}

/// What was ready when the thread woke.
#[derive(Debug, Clone, Copy)]
struct Woken {
    mounts: bool,
    queue: bool,
}

/// What is needed to judge an event.
struct Context<'a> {
    excluded: &'a Excluded,
    unwatched: &'a Unwatched,
    now: Instant,
}

impl Notes {
    fn note(&mut self, event: &Event<'_>, tree: &mut Tree, context: &Context<'_>) {
        let flags = event.flags;
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.overflowed = true;
            return;
        }
        // Events may still come from a directory that was given up.
        let Some(node) = tree.by_watch(event.watch) else { return };
        if flags.intersects(GONE) {
            if node == Tree::ROOT {
                self.root_lost = true;
            }
            self.structure.extend(tree.place(node).map(|(parent, name)| (parent, name.into())));
            if flags.contains(ReadFlags::IGNORED) {
                tree.set_watch(node, None);
            }
            return;
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != node) {
            // A directory adrift is hinted as a whole when it is found.
            let Some(path) = tree.path(node) else { return };
            self.last = Some((node, path));
        }
        let Some((_, directory)) = &self.last else { return };
        let Some(name) = event.name else {
            // Of other directories the parent reports the same.
            if node == Tree::ROOT {
                self.pending.note(directory, Change::Touched, context.now);
            }
            return;
        };
        if context.excluded.contains(node, name) {
            return;
        }
        let moved = flags.intersects(ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO);
        let change = if moved && flags.contains(ReadFlags::ISDIR) {
            Change::MovedDirectory(name)
        } else if moved {
            Change::Moved(name)
        } else if flags.contains(ReadFlags::ISDIR) {
            Change::Touched
        } else if flags.intersects(ReadFlags::CREATE | ReadFlags::MODIFY) {
            Change::Writing(name)
        } else if flags.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::DELETE) {
            Change::Done(name)
        } else {
            Change::Touched
        };
        self.pending.note(directory, change, context.now);
        if flags.contains(ReadFlags::ISDIR)
            && (!flags.contains(ReadFlags::ATTRIB) || context.may_open_now(tree, node, name))
        {
            self.structure.insert((node, name.into()));
        }
    }

    fn lose_events(&mut self, now: Instant, pace: &Pace, settle: Duration) {
        self.rescan_at.get_or_insert(pace.earliest(now + settle));
    }
}

impl Context<'_> {
    /// Whether changed permissions of a directory can matter to what is watched.
    fn may_open_now(&self, tree: &Tree, parent: NodeId, name: &[u8]) -> bool {
        let is_unwatched = |node| self.unwatched.reason(node).is_some();
        tree.child(parent, name).is_none_or(|node| {
            is_unwatched(node) || tree.children(node).iter().any(|child| is_unwatched(*child))
        })
    }
}

/// The directory itself is gone, or for the root: elsewhere.
const GONE: ReadFlags =
    ReadFlags::IGNORED.union(ReadFlags::UNMOUNT).union(ReadFlags::DELETE_SELF).union(ReadFlags::MOVE_SELF);
