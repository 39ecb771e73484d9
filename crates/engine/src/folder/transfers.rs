//! How many uploads and downloads go on at one time, and what their ends say of that.

use std::collections::BTreeMap;

use jottad_core::{Began, Concurrency, Ending, OperationKind};

use super::in_flight::{InFlight, Running};
use crate::event::{Achieved, CommandId, OperationError};
use crate::remote::RemoteErrorKind;
use crate::settings::FolderSettings;
use crate::time::Now;

/// The limits on both kinds of transfers.
#[derive(Debug)]
pub(super) struct Transfers {
    uploads: Concurrency,
    downloads: Concurrency,
    under_way: BTreeMap<CommandId, Began>,
}

impl Transfers {
    pub(super) fn new(settings: &FolderSettings) -> Self {
        Self {
            uploads: Concurrency::new(settings.uploads),
            downloads: Concurrency::new(settings.downloads),
            under_way: BTreeMap::new(),
        }
    }

    /// Whether a transfer of so many bytes may begin beside those in flight. What is found out for one kind
    /// counts its own kind; a number that a person has set counts both.
    pub(super) fn have_room(&self, is_upload: bool, bytes: u64, in_flight: &InFlight) -> bool {
        let concurrency = if is_upload { &self.uploads } else { &self.downloads };
        let kind = if is_upload { OperationKind::Upload } else { OperationKind::Download };
        let counts =
            |one: &&Running| one.carries_content() && (!concurrency.is_adaptive() || one.kind == kind);
        in_flight.operations().filter(counts).count() < concurrency.limit(bytes)
    }

    pub(super) fn began(&mut self, command: CommandId, kind: OperationKind, now: Now) {
        if let Some(concurrency) = self.of(kind) {
            let began = concurrency.began(now.monotonic);
            self.under_way.insert(command, began);
        }
    }

    pub(super) fn ended(
        &mut self,
        command: CommandId,
        running: &Running,
        result: &Result<Achieved, OperationError>,
        now: Now,
    ) {
        let Some(began) = self.under_way.remove(&command) else { return };
        if let Some(concurrency) = self.of(running.kind) {
            let before = concurrency.limit(0);
            concurrency.ended(began, running.bytes.unwrap_or(0), ending(result), now.monotonic);
            let limit = concurrency.limit(0);
            if limit != before {
                tracing::debug!(kind = running.kind.as_str(), before, limit, "transfers at one time");
            }
        }
    }

    pub(super) fn turned_away(&mut self, now: Now) {
        self.uploads.turned_away(now.monotonic);
        self.downloads.turned_away(now.monotonic);
    }

    fn of(&mut self, kind: OperationKind) -> Option<&mut Concurrency> {
        match kind {
            OperationKind::Upload => Some(&mut self.uploads),
            OperationKind::Download => Some(&mut self.downloads),
            _ => None,
        }
    }
}

/// Only what concerns the service or the way to it says anything of how much it bears.
fn ending(result: &Result<Achieved, OperationError>) -> Ending {
    match result {
        Ok(_) => Ending::Done,
        Err(OperationError::Remote(error) | OperationError::NotShown(error))
            if matches!(error.kind, RemoteErrorKind::Offline | RemoteErrorKind::Unavailable) =>
        {
            Ending::Failed
        }
        Err(_) => Ending::Unrelated,
    }
}
