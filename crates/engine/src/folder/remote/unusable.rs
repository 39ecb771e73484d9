//! What the service has and nothing local can stand for. It is known anew after each listing, and kept beyond
//! a run.

use jottad_core::RelativePath;

use super::listing::MOST_UNUSABLE;
use crate::folder::{Folder, FolderError};
use crate::remote::UnusableEntry;
use crate::scope::{Failure, Finding, found};
use crate::status::Problem;
use crate::time::Now;

impl Folder {
    /// Notes what the service has and nothing local can stand for. It is known anew after each listing.
    pub(super) fn note_unusable(
        &mut self,
        refused: Vec<UnusableEntry>,
        unnamed: Vec<UnusableEntry>,
        now: Now,
    ) -> Result<(), FolderError> {
        let before = std::mem::take(&mut self.listing.unusable);
        let found = refused.into_iter().chain(unnamed).take(MOST_UNUSABLE);
        self.listing.unusable =
            found.map(|entry| (entry.clone(), before.get(&entry).copied().unwrap_or(now.wall))).collect();
        Ok(self.index.set_unusable(&self.listing.unusable)?)
    }

    /// What the service has and cannot be had locally. There is no row for it, so its path is told in the
    /// reason.
    pub(in crate::folder) fn unusable_entries(&self) -> impl Iterator<Item = Problem> {
        let Failure { kind, remedy, .. } = found(Finding::Unnameable);
        self.listing.unusable.iter().map(move |(entry, since)| Problem {
            path: RelativePath::root(),
            kind,
            reason: format!("the service has {:?}, which is left alone: {}", entry.path, entry.reason),
            remedy: remedy.to_owned(),
            since: *since,
            tries: 1,
            next_try: None,
            is_being_tried: false,
        })
    }
}
