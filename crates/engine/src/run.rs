//! A folder at work: one thread for the state machine and its index, tasks for its commands.
//!
//! The thread sleeps until an event or the next deadline, so an idle folder costs nothing. Questions are
//! answered by the same thread between two events, so an answer is of one moment. Whatever ends the thread,
//! be it a panic, is told to whoever waits for that.

mod folder_thread;
mod performer;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jottad_core::{RelativePath, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};

use crate::activity::{Activity, Stillness};
use crate::disk::Disk;
use crate::event::{CommandId, Event, LocalHint, RemoteHint, Request};
use crate::folder::{Folder, FolderError, Notice};
use crate::index::{Index, IndexError};
use crate::remote::{ListedEntry, Remote};
use crate::settings::FolderSettings;
use crate::status::{
    Conflict, Explanation, FolderStatus, Foreseen, Held, Hold, LogLine, NotedInFull, Preview, Problem,
    RunEnd, Verification,
};
use crate::time::{Now, since_boot};

use folder_thread::{Clock, Ended, given_up, panic_text, rest, run, take_up};
use performer::Performer;

/// How soon it is asked again whether a request was taken.
const NEXT_QUESTION: Duration = Duration::from_millis(20);
/// So long without a sign of life is told of a file that travels.
const WORTH_TELLING: Duration = Duration::from_secs(10);
/// Notices that a slow listener may be behind before it misses some.
const NOTICES: usize = 1024;

/// The folder's thread has ended, by a request or by a failure that was logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the folder {folder} has stopped")]
pub struct FolderStopped {
    folder: String,
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum FolderRequestError {
    /// The thread has ended.
    #[error(transparent)]
    Stopped(#[from] FolderStopped),
    /// The index failed at it.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Why a folder's thread has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEnd {
    /// In words.
    pub reason: String,
    /// The disk with its index has no room.
    pub lacks_room: bool,
}

impl FolderEnd {
    fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), lacks_room: false }
    }

    fn of_error(reason: String, error: &FolderError) -> Self {
        Self { reason, lacks_room: error.lacks_room() }
    }
}

type Question = Box<dyn FnOnce(&Folder) + Send>;

enum Message {
    Event(Event),
    /// Part of a listing; the answer asks for the next part.
    Listed(CommandId, Vec<ListedEntry>, oneshot::Sender<()>),
    Question(Question),
    /// A command's task panicked: the folder cannot be trusted any more.
    Panicked(String),
    /// The index showed damage when it was asked something.
    Damaged(String),
    Stop(oneshot::Sender<()>),
}

/// A running folder. Dropping every handle does not stop it; [`FolderHandle::shutdown`] does.
#[derive(Clone)]
pub struct FolderHandle {
    name: String,
    /// Its file.
    index: PathBuf,
    inbox: Sender<Message>,
    notices: broadcast::Sender<Notice>,
    progress: Progress,
    activity: Activity,
    /// Why the thread has ended, once it has.
    ended: watch::Receiver<Option<FolderEnd>>,
}

/// How far each transfer has come, in bytes.
type Progress = Arc<std::sync::Mutex<BTreeMap<CommandId, Arc<AtomicU64>>>>;

impl FolderHandle {
    /// Opens the index and starts the folder's thread. Must be called on a tokio runtime, which carries the
    /// commands.
    ///
    /// An index that is damaged, that a newer jottad wrote or that cannot be written is set aside and built
    /// anew.
    pub fn start<D: Disk, R: Remote>(
        settings: FolderSettings,
        index: &Path,
        disk: D,
        remote: R,
        wall_clock: fn() -> Timestamp,
    ) -> Result<Self, FolderError> {
        let name = settings.name.clone();
        let folder = take_up(settings, index)?;
        Self::start_with(name, folder, index, (disk, remote), wall_clock, false)
    }

    /// As [`FolderHandle::start`], only to find out what would be done: nothing is changed on either side.
    /// The index takes in what is seen, so it is best a copy.
    pub fn start_looking<D: Disk, R: Remote>(
        settings: FolderSettings,
        index: &Path,
        disk: D,
        remote: R,
        wall_clock: fn() -> Timestamp,
    ) -> Result<Self, FolderError> {
        let name = settings.name.clone();
        let folder = take_up(settings, index)?.only_looking()?;
        Self::start_with(name, folder, index, (disk, remote), wall_clock, true)
    }

    /// Answers from an index that is there, looks at nothing and asks for nothing; what a person decides is
    /// written down. A file that is of no use is an error, and stays as it is.
    pub fn start_at_rest(
        settings: FolderSettings,
        index: &Path,
        wall_clock: fn() -> Timestamp,
    ) -> Result<Self, FolderError> {
        let name = settings.name.clone();
        let folder = Folder::new(settings, Index::open_as_it_is(index)?)?.at_rest(wall_clock())?;
        let (handle, messages, end) = Self::wire(name, index);
        let clock = Clock { wall_clock };
        handle.live(end, false, move || Ok(rest(folder, &messages, clock)))
    }

    /// Makes an empty index where there is none, so that orders can be written down for a folder before its
    /// first run.
    pub fn make_index(index: &Path) -> Result<(), FolderError> {
        Index::open(index)?;
        Ok(())
    }

    /// Leaves in an index how a run ended, for whoever asks while nothing runs. Nobody else may have it open.
    pub fn leave_word(index: &Path, end: &RunEnd) -> Result<(), FolderError> {
        crate::folder::leave_word(&mut Index::open_as_it_is(index)?, end)
    }

    fn start_with<D: Disk, R: Remote>(
        name: String,
        folder: Folder,
        index: &Path,
        (disk, remote): (D, R),
        wall_clock: fn() -> Timestamp,
        only_looks: bool,
    ) -> Result<Self, FolderError> {
        let (handle, messages, end) = Self::wire(name, index);
        let performer = Performer {
            runtime: Handle::current(),
            turned_away: remote.turned_away(),
            disk: Arc::new(disk),
            remote: Arc::new(remote),
            inbox: handle.inbox.clone(),
            progress: Arc::clone(&handle.progress),
            activity: handle.activity.clone(),
            running: BTreeMap::new(),
            only_looks,
        };
        let clock = Clock { wall_clock };
        let notices = handle.notices.clone();
        handle.live(end, true, move || run(folder, &messages, performer, &notices, clock))
    }

    /// A handle whose thread is still to be started, what that is told, and where it says why it has ended.
    fn wire(name: String, index: &Path) -> (Self, Receiver<Message>, watch::Sender<Option<FolderEnd>>) {
        let (inbox, messages) = channel();
        let (end, ended) = watch::channel(None);
        let handle = Self {
            name,
            index: index.to_owned(),
            inbox,
            notices: broadcast::channel(NOTICES).0,
            progress: Progress::default(),
            activity: Activity::new(),
            ended,
        };
        (handle, messages, end)
    }

    /// Starts the thread. Whoever asks one that rests is told why it has ended; nobody else need be.
    fn live(
        self,
        end: watch::Sender<Option<FolderEnd>>,
        is_logged: bool,
        life: impl FnOnce() -> Result<Ended, FolderError> + Send + 'static,
    ) -> Result<Self, FolderError> {
        let (name, file) = (self.name.clone(), self.index.clone());
        std::thread::Builder::new()
            .name(format!("folder {name}"))
            .spawn(move || {
                let failure = match catch_unwind(AssertUnwindSafe(life)) {
                    Ok(Ok(Ended::Stopped)) => None,
                    Ok(Ok(Ended::CommandPanicked(text))) => {
                        Some(FolderEnd::of(format!("a command panicked: {text}")))
                    }
                    Ok(Ok(Ended::AtRest(error))) => Some(FolderEnd::of_error(error.to_string(), &error)),
                    Ok(Err(error)) => Some(FolderEnd::of_error(given_up(&error, &file), &error)),
                    Err(panic) => {
                        Some(FolderEnd::of(format!("its loop panicked: {}", panic_text(panic.as_ref()))))
                    }
                };
                if let Some(FolderEnd { reason, .. }) = failure.as_ref().filter(|_| is_logged) {
                    tracing::error!(folder = %name, reason, "the folder stopped by itself");
                }
                end.send_replace(Some(failure.unwrap_or_else(|| FolderEnd::of("it was stopped"))));
            })
            .map_err(|source| FolderError::Index(IndexError::File { path: "thread".into(), source }))?;
        Ok(self)
    }

    /// The folder's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Passes hints of the watcher on that belong together.
    pub fn local_hints(&self, hints: Vec<LocalHint>) {
        self.send(Event::LocalHints(hints));
    }

    /// Passes a hint of the service on.
    pub fn remote_hint(&self, hint: RemoteHint) {
        self.activity.note_hint(&hint);
        self.send(Event::RemoteHint(hint));
    }

    /// Asks for something. It is under way, not done, when this returns.
    pub async fn request(&self, request: Request) -> Result<(), FolderRequestError> {
        self.inbox.send(Message::Event(Event::Request(request))).map_err(|_| self.stopped())?;
        // The answer to a question that was asked later proves that the request was taken, unless it waits
        // for the rest of what came before.
        while self.ask(Folder::is_working_off).await? {
            tokio::time::sleep(NEXT_QUESTION).await;
        }
        Ok(())
    }

    /// The folder's state now.
    pub async fn status(&self) -> Result<FolderStatus, FolderRequestError> {
        let mut status = self.ask_index(Folder::status).await?;
        status.trouble = status.trouble.or_else(|| Index::describe_asides(&self.index));
        Ok(status)
    }

    /// The entries that cannot be synced now.
    pub async fn problems(&self) -> Result<Vec<Problem>, FolderRequestError> {
        self.ask_index(Folder::problems).await
    }

    /// The conflict copies whose originals are there too.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>, FolderRequestError> {
        Ok(self.ask(Folder::conflicts).await??)
    }

    /// How the last verification of this run went or how far it has come.
    pub async fn verification(&self) -> Result<Option<Verification>, FolderRequestError> {
        Ok(self.ask(Folder::verification).await?)
    }

    /// What would be done now, of which the first `limit` operations are named.
    pub async fn plan(&self, limit: usize) -> Result<Preview, FolderRequestError> {
        self.ask_index(move |folder| folder.plan_preview(limit)).await
    }

    /// What a pass would hold for a person, by what is known now.
    pub async fn foresee(&self, wall: Timestamp) -> Result<Vec<Foreseen>, FolderRequestError> {
        let now = Now { monotonic: since_boot(), wall };
        self.ask_index(move |folder| folder.foresee(now)).await
    }

    /// What waits for a person, if anything does.
    pub async fn held(&self) -> Result<Option<Held>, FolderRequestError> {
        self.ask_index(Folder::held).await
    }

    /// What a person decided and what is not done yet.
    pub async fn noted(&self) -> Result<Option<NotedInFull>, FolderRequestError> {
        self.ask_index(Folder::noted_in_full).await
    }

    /// Whether anything waits for a person, and why.
    pub async fn hold(&self) -> Result<Option<Hold>, FolderRequestError> {
        self.ask_index(Folder::hold).await
    }

    /// Everything that is known of one path.
    pub async fn explain(&self, path: RelativePath) -> Result<Explanation, FolderRequestError> {
        let quiet = self.activity.quiet_at(&path).filter(|quiet| *quiet >= WORTH_TELLING);
        let question = move |folder: &Folder| Ok((folder.explain(&path)?, folder.is_travelling(&path)));
        let (mut explanation, is_travelling) = self.ask_index(question).await?;
        if let Some(quiet) = quiet.filter(|_| is_travelling) {
            let _ = write!(explanation.reason, "; no answer for {} s", quiet.as_secs());
        }
        Ok(explanation)
    }

    /// The newest operations behind `after`, oldest first.
    pub async fn log(&self, after: i64, limit: u32) -> Result<Vec<LogLine>, FolderRequestError> {
        self.ask_index(move |folder| folder.log(after, limit)).await
    }

    /// Operations as they begin and end. A listener that falls behind misses some and is told so.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// How far each running transfer has come, in bytes.
    pub fn transferred(&self) -> BTreeMap<CommandId, u64> {
        let progress = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        progress.iter().map(|(command, bytes)| (*command, bytes.load(Ordering::Relaxed))).collect()
    }

    /// How long there has been no sign of progress, for somebody who waits no longer than that.
    pub fn stillness(&self, patience: Duration) -> Stillness {
        self.activity.stillness(patience)
    }

    /// Bytes per second of all transfers lately; `None` if nothing moved.
    pub fn rate(&self) -> Option<u64> {
        self.activity.rate()
    }

    /// Waits until the folder's thread has ended, however that came about, and tells why. Cancel safe.
    pub async fn ended(&self) -> FolderEnd {
        let mut ended = self.ended.clone();
        let end = ended.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        end.unwrap_or_else(|| FolderEnd::of("it ended without a word"))
    }

    /// Breaks off what runs, so that it can be resumed, and closes the index.
    pub async fn shutdown(&self) {
        let (done, ended) = oneshot::channel();
        if self.inbox.send(Message::Stop(done)).is_ok() {
            // An error means that the thread has ended already, which is all that is wanted.
            let _ = ended.await;
        }
    }

    fn send(&self, event: Event) {
        if self.inbox.send(Message::Event(event)).is_err() {
            tracing::warn!(folder = %self.name, "a hint came after the folder had stopped");
        }
    }

    /// Asks what the index must answer. If that shows damage the folder ends, so that the index is built
    /// anew.
    async fn ask_index<A: Send + 'static>(
        &self,
        question: impl FnOnce(&Folder) -> Result<A, FolderError> + Send + 'static,
    ) -> Result<A, FolderRequestError> {
        let inbox = self.inbox.clone();
        let answer = self.ask(move |folder| {
            question(folder).inspect_err(|error| {
                if let FolderError::Index(error) = error
                    && error.is_damage()
                {
                    // The loop has not ended: it is asking right now.
                    let _ = inbox.send(Message::Damaged(error.to_string()));
                }
            })
        });
        Ok(answer.await??)
    }

    async fn ask<A: Send + 'static>(
        &self,
        question: impl FnOnce(&Folder) -> A + Send + 'static,
    ) -> Result<A, FolderStopped> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |folder| {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(question(folder));
        });
        self.inbox.send(Message::Question(question)).map_err(|_| self.stopped())?;
        answered.await.map_err(|_| self.stopped())
    }

    fn stopped(&self) -> FolderStopped {
        FolderStopped { folder: self.name.clone() }
    }
}

#[cfg(test)]
mod tests;
