//! What a pause does to files that travel: they are interrupted, as a shutdown or an outage interrupts them,
//! and go on after it. What is done in a moment goes on to its end.
//!
//! An interruption is no failure: it is no problem, no try of the row and no line of the history.

use std::collections::BTreeMap;

use jottad_core::OperationKind;

use super::operations::{Detail, Running};
use super::{Folder, FolderError};
use crate::event::CommandId;
use crate::index::NodeId;
use crate::status::Pending;
use crate::time::Now;

/// What is to be interrupted, and what was.
#[derive(Debug, Default)]
pub(super) struct Interrupting {
    /// Commands that are to end.
    commands: Vec<CommandId>,
    /// Files that were being sent when the folder was paused, and their bytes. Whether they arrived is looked
    /// at after the pause.
    uploads: BTreeMap<NodeId, u64>,
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
            self.interrupting.uploads.clear();
            return;
        }
        let travelling = self.running.iter().filter(|(_, running)| running.carries_content());
        self.interrupting.commands.extend(travelling.map(|(command, _)| *command));
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
        self.doubt_claim(running, now)?;
        match running.detail {
            Detail::Upload { file } if self.paused.is_some() => {
                self.interrupting.uploads.insert(running.node, file.content.size);
            }
            Detail::Download { .. } => self.look_at_local(&running.path),
            _ => {}
        }
        self.round.restart();
        Ok(())
    }

    /// The row of a file that is being sent says so, and is not counted with those that are to be. Nor is
    /// that of one that was when the folder was paused.
    pub(super) fn with_what_is_being_sent(&self, mut pending: Pending) -> Result<Pending, FolderError> {
        for running in self.running.values().filter(|running| running.kind == OperationKind::Upload) {
            pending.uploads += 1;
            pending.bytes += running.bytes.unwrap_or_default();
        }
        for (node, bytes) in &self.interrupting.uploads {
            let node = self.index.node(*node)?;
            if node.is_some_and(|node| node.remote.is_some_and(|remote| remote.claimed)) {
                pending.uploads += 1;
                pending.bytes += bytes;
            }
        }
        Ok(pending)
    }
}
