//! The thread that owns a folder and its index: it takes messages, and sleeps until the next one or the
//! folder's deadline.

use std::any::Any;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use jottad_core::Timestamp;
use tokio::sync::{broadcast, oneshot};

use super::Message;
use super::performer::Performer;
use crate::disk::Disk;
use crate::event::Event;
use crate::folder::{Folder, FolderError, Notice};
use crate::index::{Index, IndexError};
use crate::remote::Remote;
use crate::settings::FolderSettings;
use crate::time::{Now, since_boot};

/// Most events that are handled before the index is committed and commands go out.
const MOST_EVENTS: usize = 256;
/// The longest sleep while something is to come: the clock that it is measured by stands still while the
/// machine sleeps.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) wall_clock: fn() -> Timestamp,
}

impl Clock {
    fn now(self) -> Now {
        Now { monotonic: since_boot(), wall: (self.wall_clock)() }
    }
}

/// How a folder's loop ended without an error of its own.
pub(super) enum Ended {
    Stopped,
    CommandPanicked(String),
    /// It only answered, and its index failed.
    AtRest(FolderError),
}

/// Opens the index and takes the folder up. Damage that only shows in what the rows say is found here, too.
pub(super) fn take_up(settings: FolderSettings, file: &Path) -> Result<Folder, FolderError> {
    let (index, _) = Index::open(file)?;
    match Folder::new(settings.clone(), index) {
        Err(FolderError::Index(error)) if error.is_damage() => {
            Index::set_aside(file, &error)?;
            Folder::new(settings, Index::open(file)?.0)
        }
        taken_up => taken_up,
    }
}

/// Why the loop gave up. What is damaged would only end the next loop as well, so it is not used again.
pub(super) fn given_up(error: &FolderError, file: &Path) -> String {
    let FolderError::Index(error) = error else { return error.to_string() };
    if !error.is_damage() {
        return error.to_string();
    }
    match Index::set_aside(file, error) {
        Ok(aside) => format!("{error}; it was set aside as {}", aside.display()),
        Err(second) => format!("{error}; it cannot be set aside: {second}"),
    }
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

pub(super) fn run<D: Disk, R: Remote>(
    mut folder: Folder,
    messages: &Receiver<Message>,
    mut performer: Performer<D, R>,
    notices: &broadcast::Sender<Notice>,
    clock: Clock,
) -> Result<Ended, FolderError> {
    let mut events = vec![Event::Started];
    let mut next_parts = Vec::new();
    loop {
        performer.follow(&mut folder, events.drain(..), clock.now())?;
        for notice in folder.take_notices() {
            // Nobody needs to listen.
            let _ = notices.send(notice);
        }
        if folder.is_working_off() {
            // Each step gets on, and nothing else is under way.
            performer.activity.note_step();
        } else {
            next_parts.drain(..).for_each(ask_for_next_part);
        }
        let mut message = if let Some(message) = wait(&folder, messages, clock)? {
            Some(message)
        } else {
            events.push(Event::Timer);
            messages.try_recv().ok()
        };
        let mut questions = Vec::new();
        while let Some(received) = message {
            match received {
                Message::Event(event) => {
                    if let Event::Completed(command, outcome) = &event {
                        performer.ended(*command, outcome);
                        if performer.take_turned_away() {
                            events.push(Event::TurnedAway);
                        }
                    }
                    events.push(event);
                }
                Message::Listed(command, batch, next) => {
                    performer.activity.note_answer(command);
                    events.push(Event::Listed(command, batch));
                    // Nothing more is fetched than can be taken in.
                    if folder.is_working_off() { next_parts.push(next) } else { ask_for_next_part(next) }
                }
                Message::Question(question) => questions.push(question),
                Message::Panicked(text) => return Ok(Ended::CommandPanicked(text)),
                Message::Damaged(text) => return Err(IndexError::Damaged(text).into()),
                Message::Stop(done) => {
                    drop(performer);
                    if let Err(error) = folder.close() {
                        tracing::warn!(%error, "what was seen last has to be seen again");
                    }
                    let _ = done.send(());
                    return Ok(Ended::Stopped);
                }
            }
            // A question is answered before later events, on what earlier ones have brought about.
            if !questions.is_empty() || events.len() >= MOST_EVENTS {
                break;
            }
            message = messages.try_recv().ok();
        }
        if !questions.is_empty() {
            performer.follow(&mut folder, events.drain(..), clock.now())?;
            for question in questions {
                question(&folder);
            }
        }
    }
}

fn ask_for_next_part(next: oneshot::Sender<()>) {
    // The listing may have been broken off.
    let _ = next.send(());
}

/// Answers until told to stop; events are a person's orders.
pub(super) fn rest(mut folder: Folder, messages: &Receiver<Message>, clock: Clock) -> Ended {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Event(event) => {
                if let Err(error) = folder.handle([event], clock.now()) {
                    return Ended::AtRest(error);
                }
            }
            Message::Question(question) => question(&folder),
            Message::Stop(done) => {
                drop(folder);
                let _ = done.send(());
                break;
            }
            // A damaged index stays as it is: the next run sets it aside.
            Message::Listed(..) | Message::Panicked(_) | Message::Damaged(_) => {}
        }
    }
    Ended::Stopped
}

/// The next message, or `None` when the folder's deadline has come.
fn wait(folder: &Folder, messages: &Receiver<Message>, clock: Clock) -> Result<Option<Message>, FolderError> {
    let Some(deadline) = folder.deadline(clock.now())? else { return Ok(messages.recv().ok()) };
    loop {
        // Deadlines on the wall clock are in whole seconds; waiting a little longer is better than waking
        // twice.
        let rest = deadline.saturating_sub(clock.now().monotonic) + Duration::from_millis(1);
        match messages.recv_timeout(rest.min(LONGEST_SLEEP)) {
            Ok(message) => return Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) if rest > LONGEST_SLEEP => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
