//! The handle: chooses a backend, owns its thread, ends it when dropped.

use std::io::{self, PipeReader, PipeWriter};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::UnboundedSender;

use crate::coverage::{Coverage, SharedCoverage};
use crate::error::WatchError;
use crate::filesystem::count_directories;
use crate::hint::Hint;
#[cfg(target_os = "linux")]
use crate::inotify::{InotifySource, instance_limit_hint};
use crate::options::{Backend, WatcherOptions};
use crate::polling;
use crate::portable::{Message, PortableSource};

/// Follows one directory tree and sends hints until it is dropped, or until [`Hint::RootLost`].
///
/// What is sent together belongs together, as the two sides of a rename do: whoever acts on one before it has
/// seen the other takes a move for a delete and something new.
#[derive(Debug)]
pub struct Watcher {
    coverage: SharedCoverage,
    stop: Option<StopSignal>,
    thread: Option<JoinHandle<()>>,
}

/// Dropping the end that we hold wakes the thread and tells it to stop.
#[derive(Debug)]
enum StopSignal {
    Pipe { _writer: PipeWriter },
    Portable { sender: mpsc::Sender<Message> },
}

impl Watcher {
    /// Begins to watch. When this returns, every change from now on is hinted: what was there before is for a
    /// scan that starts afterwards.
    ///
    /// Blocks while every directory below the root is opened once (some microseconds each when cached), so
    /// call it where blocking is allowed. With [`Backend::Auto`] only a root that cannot be opened is an
    /// error; a system that gives no events is polled, and the coverage says so.
    pub fn start(options: WatcherOptions, hints: UnboundedSender<Vec<Hint>>) -> Result<Self, WatchError> {
        match options.backend {
            Backend::Auto => Self::start_best(&options, hints),
            Backend::Notify => Self::start_portable(options, hints),
            Backend::Poll => {
                let reason = Polled {
                    reason: "polling was asked for".to_owned(),
                    limit_hint: None,
                    is_for_now: false,
                };
                Self::start_polling(options, hints, reason)
            }
        }
    }

    /// What is watched and what is not, as of the last event.
    pub fn coverage(&self) -> Coverage {
        self.coverage.read()
    }

    #[cfg(target_os = "linux")]
    fn start_best(options: &WatcherOptions, hints: UnboundedSender<Vec<Hint>>) -> Result<Self, WatchError> {
        match Self::start_inotify(options.clone(), hints.clone()) {
            Err(error @ WatchError::Source { .. }) => {
                let limit_hint = instance_limit_hint(&error);
                tracing::warn!(%error, "polling instead, until events can be taken up");
                let reason = Polled { reason: error.to_string(), limit_hint, is_for_now: true };
                Self::start_polling(options.clone(), hints, reason)
            }
            other => other,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn start_best(options: &WatcherOptions, hints: UnboundedSender<Vec<Hint>>) -> Result<Self, WatchError> {
        match Self::start_portable(options.clone(), hints.clone()) {
            Err(error @ (WatchError::Source { .. } | WatchError::Notify { .. })) => {
                tracing::warn!(%error, "polling instead");
                let reason = Polled { reason: error.to_string(), limit_hint: None, is_for_now: false };
                Self::start_polling(options.clone(), hints, reason)
            }
            other => other,
        }
    }

    #[cfg(target_os = "linux")]
    fn start_inotify(options: WatcherOptions, hints: UnboundedSender<Vec<Hint>>) -> Result<Self, WatchError> {
        let coverage = SharedCoverage::default();
        let root = options.root.clone();
        let source_error = |source| WatchError::Source { path: root.clone(), source };
        let (reader, writer) = io::pipe().map_err(source_error)?;
        let source = InotifySource::start(options, hints, coverage.clone())?;
        let thread = spawn(&root, move || source.run(&reader)).map_err(source_error)?;
        Ok(Self { coverage, stop: Some(StopSignal::Pipe { _writer: writer }), thread: Some(thread) })
    }

    fn start_portable(
        options: WatcherOptions,
        hints: UnboundedSender<Vec<Hint>>,
    ) -> Result<Self, WatchError> {
        let coverage = SharedCoverage::default();
        let root = options.root.clone();
        let source = PortableSource::start(options, hints, coverage.clone())?;
        let sender = source.sender();
        let thread =
            spawn(&root, move || source.run()).map_err(|source| WatchError::Source { path: root, source })?;
        Ok(Self { coverage, stop: Some(StopSignal::Portable { sender }), thread: Some(thread) })
    }

    fn start_polling(
        options: WatcherOptions,
        hints: UnboundedSender<Vec<Hint>>,
        polled: Polled,
    ) -> Result<Self, WatchError> {
        let root_error = |source| WatchError::Root { path: options.root.clone(), source };
        let source_error = |source| WatchError::Source { path: options.root.clone(), source };
        let root = options.root.canonicalize().map_err(root_error)?;
        let directories = count_directories(&root).map_err(root_error)?;
        let coverage = SharedCoverage::default();
        coverage.publish(&Coverage {
            directories,
            polled_directories: directories,
            notice: Some(polled.reason),
            limit_hint: polled.limit_hint,
            ..Coverage::default()
        });
        let (reader, writer) = io::pipe().map_err(source_error)?;
        let (name, published) = (options.root.clone(), coverage.clone());
        let work = move || poll_until_events(&options, &hints, &published, &reader, polled.is_for_now);
        let thread = spawn(&name, work).map_err(|source| WatchError::Source { path: name, source })?;
        Ok(Self { coverage, stop: Some(StopSignal::Pipe { _writer: writer }), thread: Some(thread) })
    }
}

/// Why a root is polled.
struct Polled {
    /// For people.
    reason: String,
    /// The command that mends it.
    limit_hint: Option<String>,
    /// Whether events are to be taken up when the system gives them.
    is_for_now: bool,
}

/// Polls; where that is only for want of something that may come back, goes on with events when it has.
fn poll_until_events(
    options: &WatcherOptions,
    hints: &UnboundedSender<Vec<Hint>>,
    coverage: &SharedCoverage,
    stop: &PipeReader,
    is_for_now: bool,
) {
    let mut start = || take_up_events(options, hints, coverage);
    let retry =
        is_for_now.then_some(polling::Retry { interval: options.event_retry_interval, start: &mut start });
    if let Some(source) = polling::run(options.poll_interval, hints, stop, retry) {
        tracing::info!(root = %options.root.display(), "events are taken up again");
        source.run(stop);
    }
}

#[cfg(target_os = "linux")]
fn take_up_events(
    options: &WatcherOptions,
    hints: &UnboundedSender<Vec<Hint>>,
    coverage: &SharedCoverage,
) -> Option<InotifySource> {
    InotifySource::start(options.clone(), hints.clone(), coverage.clone()).ok()
}

/// A source of events that is not taken up again on this system.
#[cfg(not(target_os = "linux"))]
enum NoSource {}

#[cfg(not(target_os = "linux"))]
impl NoSource {
    fn run(self, _: &PipeReader) {
        match self {}
    }
}

#[cfg(not(target_os = "linux"))]
fn take_up_events(
    _: &WatcherOptions,
    _: &UnboundedSender<Vec<Hint>>,
    _: &SharedCoverage,
) -> Option<NoSource> {
    None
}

/// Stops watching and waits for the thread, which takes no longer than the walk it may be in.
impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(StopSignal::Portable { sender }) = self.stop.take() {
            let _ = sender.send(Message::Stop);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watching thread panicked");
        }
    }
}

/// The thread bears the folder's name, so that a look at the threads tells which folder is busy.
fn spawn(root: &Path, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let name = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name: String = name.chars().filter(|character| *character != '\0').collect();
    thread::Builder::new().name(format!("watch {name}")).spawn(run)
}
