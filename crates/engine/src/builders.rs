//! What the tests of many modules are made of.

use std::time::Duration;

use jottad_core::{DeleteLimits, Mode, Parallel, RelativePath, Timestamp};
use tempfile::TempDir;

use crate::disk::{FileStat, Identity};
use crate::index::Index;
use crate::settings::{FolderSettings, ProofInterval};
use crate::time::Now;

/// So many seconds on the monotonic clock; the wall clock stands.
pub(crate) fn at(seconds: u64) -> Now {
    Now { monotonic: Duration::from_secs(seconds), wall: Timestamp::from_seconds(0) }
}

/// A path.
pub(crate) fn path(text: &str) -> RelativePath {
    RelativePath::parse(text.as_bytes()).unwrap()
}

/// A new index, and the place that it is in.
pub(crate) fn new_index() -> (TempDir, Index) {
    let place = tempfile::tempdir().unwrap();
    let index = open_index(&place);
    (place, index)
}

/// The index that is in a place.
pub(crate) fn open_index(place: &TempDir) -> Index {
    Index::open(&place.path().join("i.sqlite")).unwrap().0
}

/// A file as the local disk shows it.
pub(crate) fn file_stat(inode: u64, size: u64) -> FileStat {
    FileStat {
        identity: Identity { inode, born: 1 },
        size,
        modified: Timestamp::from_seconds(1),
        modified_nanoseconds: 0,
        changed: 1,
        links: 1,
    }
}

/// A folder that is kept in step both ways.
pub(crate) fn settings() -> FolderSettings {
    FolderSettings {
        name: "docs".to_owned(),
        mode: Mode::Sync,
        max_size: None,
        ignore: Vec::new(),
        own: Vec::new(),
        delete_limits: DeleteLimits::default(),
        poll: Duration::from_mins(10),
        scan: Duration::from_hours(6),
        list: Duration::from_hours(6),
        proof: ProofInterval::Auto,
        watched: true,
        list_at_start: true,
        resend: Duration::ZERO,
        uploads: Parallel::Fixed(4),
        downloads: Parallel::Fixed(4),
        host: "kari".to_owned(),
    }
}
