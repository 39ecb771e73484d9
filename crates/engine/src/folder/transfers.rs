//! How many uploads and downloads go on at one time, and what their ends say of that.

use std::collections::BTreeMap;

use jottad_core::{Began, Concurrency, Ending, OperationKind};

use super::in_flight::{InFlight, Running};
use crate::event::{Achieved, CommandId, OperationError};
use crate::remote::RemoteErrorKind;
use crate::settings::FolderSettings;
use crate::time::Now;

/// Files beyond this size are large.
pub(super) const LARGE: u64 = 8 << 20;

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
    /// counts its own kind, large files and others apart: it may be so little that a large file would keep
    /// all others waiting. A number that a person has set counts everything.
    pub(super) fn have_room(&self, is_upload: bool, bytes: u64, in_flight: &InFlight) -> bool {
        let concurrency = if is_upload { &self.uploads } else { &self.downloads };
        let kind = if is_upload { OperationKind::Upload } else { OperationKind::Download };
        let counts = |one: &&Running| match one.bytes {
            None => false,
            Some(size) if concurrency.is_adaptive() => one.kind == kind && (size > LARGE) == (bytes > LARGE),
            Some(_) => true,
        };
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

#[cfg(test)]
mod tests {
    use jottad_core::{Content, File, Md5, Parallel, RelativePath, Timestamp};

    use super::*;
    use crate::folder::in_flight::Detail;
    use crate::index::NodeId;

    /// So many uploads of so many bytes each.
    fn uploads(groups: &[(u64, u64)]) -> InFlight {
        let mut in_flight = InFlight::default();
        let sizes = groups.iter().flat_map(|(count, size)| (0..*count).map(|_| *size));
        for (number, size) in (1..).zip(sizes) {
            let content = Content { md5: Md5::from_bytes([0; 16]), size };
            let file = File { content, modified: Timestamp::from_seconds(0) };
            let running = Running {
                node: NodeId::ROOT,
                directory: NodeId::ROOT,
                kind: OperationKind::Upload,
                path: RelativePath::root(),
                to: None,
                bytes: Some(size),
                detail: Detail::Upload { file },
                before: None,
            };
            in_flight.begin(CommandId(number), running);
        }
        in_flight
    }

    #[test]
    fn large_files_leave_room_for_others_and_uploads_for_downloads() {
        let large = LARGE + 1;
        for (parallel, groups, is_upload, bytes, expected) in [
            (Parallel::Auto, &[(4, 1)][..], true, 1, false),
            (Parallel::Auto, &[(3, 1)], true, 1, true),
            (Parallel::Auto, &[(4, 1)], false, 1, true),
            (Parallel::Auto, &[(4, large)], true, 1, true),
            (Parallel::Auto, &[(4, large), (4, 1)], true, 1, false),
            (Parallel::Auto, &[(4, 1)], true, large, true),
            (Parallel::Fixed(4), &[(4, large)], true, 1, false),
            (Parallel::Fixed(4), &[(4, 1)], false, 1, false),
            (Parallel::Fixed(4), &[(3, large)], false, 1, true),
        ] {
            let settings =
                FolderSettings { uploads: parallel, downloads: parallel, ..crate::builders::settings() };
            let has_room = Transfers::new(&settings).have_room(is_upload, bytes, &uploads(groups));
            assert_eq!(has_room, expected, "{parallel:?} {groups:?} {is_upload} {bytes}");
        }
    }
}
