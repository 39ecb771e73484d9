//! What a pause does to files that travel: they are interrupted, as a shutdown or an outage interrupts them,
//! and go on after it. What is done in a moment goes on to its end.
//!
//! An interruption is no failure: it is no problem, no try of the row and no line of the history.

use super::in_flight::{Detail, Running};
use super::{Folder, FolderError};
use crate::event::CommandId;
use crate::time::Now;

/// What is to be interrupted.
#[derive(Debug, Default)]
pub(super) struct Interrupting {
    /// Commands that are to end.
    commands: Vec<CommandId>,
}

impl Folder {
    /// The commands that are to end now, since the last call. Each of them still has one outcome:
    /// [`crate::OperationError::Interrupted`], or its own if that was sooner.
    pub fn take_interrupted(&mut self) -> Vec<CommandId> {
        std::mem::take(&mut self.interrupting.commands)
    }

    /// The folder was paused, or goes on.
    pub(super) fn interrupt_transfers(&mut self) {
        if self.paused.is_none() {
            return;
        }
        let travelling = self.in_flight.iter().filter(|(_, running)| running.carries_content());
        self.interrupting.commands.extend(travelling.map(|(command, _)| command));
    }

    /// A transfer has ended because of a pause. What was sent until then may be stored, and what was fetched
    /// may have got its place.
    pub(super) fn interrupted(
        &mut self,
        command: CommandId,
        running: &Running,
        now: Now,
    ) -> Result<(), FolderError> {
        self.verifying.operation_failed(command);
        if let Some(attempts) = self.attempts.get_mut(&running.node) {
            *attempts = attempts.saturating_sub(1);
        }
        self.doubt_claim(running, false, now)?;
        if let Detail::Download { .. } = running.detail {
            self.look_at_local(&running.path);
        }
        self.round.restart();
        Ok(())
    }
}
