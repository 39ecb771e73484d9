//! A tiny executor: it moves one command at a time by one step, whichever chance picks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jottad_core::RelativePath;
use jottad_engine::{
    Command, CommandId, Event, ListedEntry, OperationError, Outcome, Task as EngineTask, perform,
};

use crate::scenario::Work;
use crate::simulated_disk::SimulatedDisk;
use crate::simulated_remote::SimulatedRemote;
use crate::world::{Shared, Waiting};

/// The commands under way.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: Vec<Task>,
}

struct Task {
    id: CommandId,
    waiting: Waiting,
    /// What it does with which local entry.
    work: Option<(Work, RelativePath)>,
    future: Pin<Box<dyn Future<Output = Event> + Send>>,
}

impl Executor {
    /// Takes a command on. Nothing of it happens yet.
    pub(crate) fn start(&mut self, command: Command, world: &Shared) {
        let id = command.id;
        let work = match &command.task {
            EngineTask::Download { path, .. } | EngineTask::Upload { path, .. } => {
                Some((Work::Transfer, path.clone()))
            }
            EngineTask::TrashLocal { path, .. } | EngineTask::TrashRemote { path, .. } => {
                Some((Work::Delete, path.clone()))
            }
            _ => None,
        };
        let world = world.clone();
        let future = async move {
            let disk = SimulatedDisk::new(world.clone());
            let remote = SimulatedRemote::new(world.clone());
            let listed = |id: CommandId, batch: Vec<ListedEntry>| {
                let world = world.clone();
                async move {
                    let mine = {
                        let mut world = world.lock();
                        world.inbox.push(Event::Listed(id, batch));
                        world.batches_sent += 1;
                        world.batches_sent
                    };
                    world.taken(mine).await;
                }
            };
            perform(command, &disk, &remote, listed).await
        };
        self.tasks.push(Task { id, waiting: Waiting::Turn, work, future: Box::pin(future) });
    }

    /// The local entry that a command of this sort is about.
    pub(crate) fn works_at(&self, wanted: Work) -> Option<&RelativePath> {
        let found = self.tasks.iter().filter_map(|task| task.work.as_ref()).find(|(work, _)| *work == wanted);
        found.map(|(_, path)| path)
    }

    /// Which commands can move now.
    pub(crate) fn ready(&self, monotonic: Duration, batches_taken: u64) -> Vec<usize> {
        let is_ready = |task: &Task| match task.waiting {
            Waiting::Turn => true,
            Waiting::Until(time) => time <= monotonic,
            Waiting::Batches(wanted) => batches_taken >= wanted,
        };
        (0..self.tasks.len()).filter(|index| is_ready(&self.tasks[*index])).collect()
    }

    /// When the first of those that wait for a time can move.
    pub(crate) fn wakes_at(&self) -> Option<Duration> {
        let times = self.tasks.iter().filter_map(|task| match task.waiting {
            Waiting::Until(time) => Some(time),
            _ => None,
        });
        times.min()
    }

    /// Moves one command; its end goes to the inbox.
    pub(crate) fn advance(&mut self, index: usize, world: &Shared) {
        let task = &mut self.tasks[index];
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let id = task.id;
        match polled {
            Poll::Pending => task.waiting = world.lock().waiting,
            Poll::Ready(event) => {
                drop(self.tasks.remove(index));
                let mut world = world.lock();
                world.trace.note(format_args!("  {} ended: {event:?}", id.0));
                world.inbox.push(event);
            }
        }
    }

    /// Breaks a command off, wherever it is.
    pub(crate) fn interrupt(&mut self, id: CommandId, world: &Shared) {
        if let Some(index) = self.tasks.iter().position(|task| task.id == id) {
            drop(self.tasks.remove(index));
            let mut world = world.lock();
            world.trace.note(format_args!("  {} was interrupted", id.0));
            world.inbox.push(Event::Completed(id, Outcome::Operation(Err(OperationError::Interrupted))));
        }
    }

    /// Breaks everything off.
    pub(crate) fn clear(&mut self) {
        self.tasks.clear();
    }
}
