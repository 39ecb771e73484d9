//! Hints from the `notify` crate: `FSEvents` on macOS, and a second opinion elsewhere.
//!
//! What it reports is taken as a path to look at and little more. On Linux it watches a new or renamed
//! directory only some time after it reported it; so the watch is asked for again here, and only when it is
//! known to be in place the subtree is hinted.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use jottad_core::RelativePath;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::UnboundedSender;

use crate::coverage::{Coverage, SharedCoverage};
use crate::error::WatchError;
use crate::filesystem::{count_directories, network_file_system};
use crate::hint::{Hint, RescanCause};
use crate::options::WatcherOptions;
use crate::pending::{Change, Pending};

/// What the thread waits for.
#[derive(Debug)]
pub(crate) enum Message {
    /// An event or an error of `notify`.
    Event(notify::Result<Event>),
    /// The handle was dropped.
    Stop,
}

/// The `notify` backend, ready to run on its own thread.
#[derive(Debug)]
pub(crate) struct PortableSource {
    watcher: RecommendedWatcher,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    hints: UnboundedSender<Vec<Hint>>,
    shared: SharedCoverage,
    coverage: Coverage,
    options: WatcherOptions,
    root: PathBuf,
    identity: (u64, u64),
    pending: Pending,
    next_poll: Option<Instant>,
}

/// Why the source stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    RootLost,
    Dropped,
}

impl PortableSource {
    pub(crate) fn start(
        options: WatcherOptions,
        hints: UnboundedSender<Vec<Hint>>,
        shared: SharedCoverage,
    ) -> Result<Self, WatchError> {
        let root_error = |source| WatchError::Root { path: options.root.clone(), source };
        let notify_error = |source| WatchError::Notify { path: options.root.clone(), source };
        // FSEvents reports paths without symbolic links.
        let root = options.root.canonicalize().map_err(root_error)?;
        let identity = identity(&root).map_err(root_error)?;
        let directories = count_directories(&root).map_err(root_error)?;
        let network = fs::File::open(&root).ok().and_then(network_file_system);
        let (sender, messages) = mpsc::channel();
        let events = sender.clone();
        let deliver = move |event| {
            // Fails only when the receiving thread has ended, and then nobody cares.
            let _ = events.send(Message::Event(event));
        };
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(deliver, config).map_err(notify_error)?;
        let mut coverage = Coverage { directories, ..Coverage::default() };
        match watcher.watch(&root, RecursiveMode::Recursive) {
            Ok(()) => {}
            Err(error) if is_limit(&error) => coverage.reach_limit(&error),
            Err(error) => return Err(notify_error(error)),
        }
        if let Some(name) = network {
            coverage.poll_everything(format!("the folder is on a network file system ({name})"));
        }
        shared.publish(&coverage);
        let pending = Pending::new(options.settle);
        Ok(Self {
            watcher,
            sender,
            messages,
            hints,
            shared,
            coverage,
            options,
            root,
            identity,
            pending,
            next_poll: None,
        })
    }

    /// Where the handle leaves word to stop.
    pub(crate) fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// Works until told to stop, the receiver of hints is dropped or the root is lost.
    pub(crate) fn run(mut self) {
        let outcome = loop {
            if let Err(stop) = self.turn() {
                break stop;
            }
        };
        if outcome == Stop::RootLost {
            tracing::warn!(root = %self.root.display(), "the root is no longer there");
            let _ = self.hints.send(vec![Hint::RootLost]);
        }
        self.coverage.pending = 0;
        self.shared.publish(&self.coverage);
    }

    fn turn(&mut self) -> Result<(), Stop> {
        if self.coverage.notice.is_some() {
            self.next_poll.get_or_insert(Instant::now() + self.options.poll_interval);
        }
        let deadline = self.pending.next_deadline().into_iter().chain(self.next_poll).min();
        let first = match deadline {
            None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => self.messages.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        let now = Instant::now();
        match first {
            Ok(message) => {
                self.handle(message, now)?;
                while let Ok(message) = self.messages.try_recv() {
                    self.handle(message, now)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Stop::Dropped),
        }
        if self.next_poll.is_some_and(|at| at <= now) {
            self.next_poll = None;
            self.pending.rescan(&RelativePath::root(), RescanCause::Poll, now);
        }
        let released = self.pending.release(Instant::now());
        if !released.is_empty() {
            self.hints.send(released).map_err(|_| Stop::Dropped)?;
        }
        self.coverage.pending = self.pending.len();
        self.shared.publish(&self.coverage);
        Ok(())
    }

    fn handle(&mut self, message: Message, now: Instant) -> Result<(), Stop> {
        match message {
            Message::Stop => Err(Stop::Dropped),
            Message::Event(Ok(event)) => self.note(&event, now),
            Message::Event(Err(error)) => {
                self.note_error(&error, now);
                Ok(())
            }
        }
    }

    fn note(&mut self, event: &Event, now: Instant) -> Result<(), Stop> {
        if event.need_rescan() {
            let path = event.paths.first().and_then(|path| self.relative(path)).unwrap_or_default();
            self.pending.rescan(&path, RescanCause::Overflow, now);
            return self.check_root();
        }
        // Reading is no change, and our own reading must not lead to more of it.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return Ok(());
        }
        for path in &event.paths {
            if *path == self.root {
                self.check_root()?;
            }
            let Some(relative) = self.relative(path) else { continue };
            let (Some(directory), Some(name)) = (relative.parent(), relative.name()) else {
                self.pending.note(&relative, Change::Touched, now);
                continue;
            };
            let name = name.as_bytes();
            match event.kind {
                EventKind::Access(_) | EventKind::Remove(_) => {
                    self.pending.note(&directory, Change::Done(name), now);
                }
                // The same paths come on their own as well.
                EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => {}
                EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => {
                    self.pending.note(&directory, Change::Writing(name), now);
                }
                EventKind::Modify(ModifyKind::Metadata(_)) => {
                    self.pending.note(&directory, Change::Touched, now);
                }
                EventKind::Modify(ModifyKind::Name(_)) => {
                    self.pending.note(&directory, Change::Moved(name), now);
                    self.look_inside(path, &directory, name, RescanCause::Renamed, now);
                }
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => {
                    self.pending.note(&directory, Change::Writing(name), now);
                    self.look_inside(path, &directory, name, RescanCause::NewDirectory, now);
                }
            }
        }
        Ok(())
    }

    /// Hints what is in a directory that appeared, once its watches are in place.
    fn look_inside(
        &mut self,
        path: &Path,
        parent: &RelativePath,
        name: &[u8],
        cause: RescanCause,
        now: Instant,
    ) {
        if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return;
        }
        // FSEvents watches the tree as a whole, and watching more would restart it.
        if cfg!(target_os = "linux")
            && let Err(error) = self.watcher.watch(path, RecursiveMode::Recursive)
        {
            self.note_error(&error.add_path(path.to_owned()), now);
        }
        self.pending.appeared(parent, name, cause, now);
    }

    fn note_error(&mut self, error: &notify::Error, now: Instant) {
        if is_limit(error) {
            self.coverage.reach_limit(error);
        } else if !matches!(error.kind, notify::ErrorKind::PathNotFound) {
            tracing::warn!(%error, "cannot follow every change");
        }
        let path = error.paths.first().and_then(|path| self.relative(path)).unwrap_or_default();
        self.pending.rescan(&path, RescanCause::WatchError, now);
    }

    fn check_root(&self) -> Result<(), Stop> {
        match identity(&self.root) {
            Ok(identity) if identity == self.identity => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            _ => Err(Stop::RootLost),
        }
    }

    /// The path below the root; `None` if it is elsewhere or excluded.
    fn relative(&self, path: &Path) -> Option<RelativePath> {
        let below = path.strip_prefix(&self.root).ok()?;
        let relative = RelativePath::parse(below.as_os_str().as_bytes()).ok()?;
        let is_excluded = relative
            .components()
            .next()
            .is_some_and(|top| self.options.excluded.iter().any(|name| name.as_bytes() == top));
        (!is_excluded).then_some(relative)
    }
}

impl Coverage {
    fn reach_limit(&mut self, error: &notify::Error) {
        self.poll_everything(error.to_string());
        #[cfg(target_os = "linux")]
        {
            self.limit_hint = Some(crate::inotify::watch_limit_hint(self.directories));
        }
    }

    fn poll_everything(&mut self, reason: String) {
        self.polled_directories = self.directories;
        if self.notice.is_none() {
            tracing::warn!(reason, "the whole folder is polled");
            self.notice = Some(reason);
        }
    }
}

fn is_limit(error: &notify::Error) -> bool {
    matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
}

fn identity(root: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(root)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok((metadata.dev(), metadata.ino()))
}
