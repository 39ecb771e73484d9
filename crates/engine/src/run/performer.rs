//! Commands of a folder as tasks of the runtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Sender;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::folder_thread::panic_text;
use super::{Message, Progress};
use crate::activity::Activity;
use crate::disk::Disk;
use crate::event::{Command, CommandId, Event, OperationError, Outcome};
use crate::folder::{Folder, FolderError};
use crate::metered::{Meter, Metered};
use crate::perform::perform;
use crate::remote::Remote;
use crate::time::Now;

/// Starts commands as tasks and breaks them off at the end, or when the folder says so.
pub(super) struct Performer<D, R> {
    pub(super) runtime: Handle,
    pub(super) disk: Arc<D>,
    pub(super) remote: Arc<R>,
    pub(super) inbox: Sender<Message>,
    pub(super) progress: Progress,
    pub(super) activity: Activity,
    pub(super) running: BTreeMap<CommandId, AbortHandle>,
    /// How often the service had turned a request away as of the last look.
    pub(super) turned_away: u64,
    /// Nothing is to be changed, whatever is asked for.
    pub(super) only_looks: bool,
}

impl<D: Disk, R: Remote> Performer<D, R> {
    /// Lets the folder handle what happened, and does what it asks for.
    pub(super) fn follow(
        &mut self,
        folder: &mut Folder,
        events: impl IntoIterator<Item = Event>,
        now: Now,
    ) -> Result<(), FolderError> {
        for command in folder.handle(events, now)? {
            self.start(command);
        }
        for command in folder.take_interrupted() {
            if let Some(task) = self.running.get(&command) {
                task.abort();
            }
        }
        Ok(())
    }

    pub(super) fn start(&mut self, command: Command) {
        let id = command.id;
        if self.only_looks && !command.task.only_looks() {
            tracing::error!(task = ?command.task, "left undone: only a look was asked for");
            return;
        }
        let position = Arc::new(AtomicU64::new(0));
        self.lock_progress().insert(id, Arc::clone(&position));
        self.activity.began(id, &command.task);
        let meter = Meter::new(id, position, self.activity.clone());
        let disk = Metered::new(Arc::clone(&self.disk), meter);
        let remote = Arc::clone(&self.remote);
        let inbox = self.inbox.clone();
        let listing_inbox = inbox.clone();
        let listed = move |id, batch| {
            let inbox = listing_inbox.clone();
            async move {
                let (next, wanted) = oneshot::channel();
                if inbox.send(Message::Listed(id, batch, next)).is_ok() {
                    // An error means that the folder is stopping; this task is about to be broken off.
                    let _ = wanted.await;
                }
            }
        };
        let task = self.runtime.spawn(async move { perform(command, &disk, remote.as_ref(), listed).await });
        self.running.insert(id, task.abort_handle());
        self.runtime.spawn(async move {
            let message = match task.await {
                Ok(event) => Message::Event(event),
                Err(error) if error.is_panic() => {
                    Message::Panicked(panic_text(error.into_panic().as_ref()).to_owned())
                }
                Err(_) => {
                    Message::Event(Event::Completed(id, Outcome::Operation(Err(OperationError::Interrupted))))
                }
            };
            // The folder may have stopped meanwhile; then nobody wants the result.
            let _ = inbox.send(message);
        });
    }

    pub(super) fn ended(&mut self, command: CommandId, outcome: &Outcome) {
        self.running.remove(&command);
        self.activity.ended(command, outcome);
        self.lock_progress().remove(&command);
    }

    /// Whether the service has turned a request away since this was last asked. It counts once.
    pub(super) fn take_turned_away(&mut self) -> bool {
        let before = std::mem::replace(&mut self.turned_away, self.remote.turned_away());
        before != self.turned_away
    }

    fn lock_progress(&self) -> std::sync::MutexGuard<'_, BTreeMap<CommandId, Arc<AtomicU64>>> {
        self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// However the folder ends, nothing of it goes on.
impl<D, R> Drop for Performer<D, R> {
    fn drop(&mut self) {
        for (_, task) in std::mem::take(&mut self.running) {
            task.abort();
        }
    }
}
