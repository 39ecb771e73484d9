//! Bringing things back: out of the trash, or an older revision (protocol 4.6, 9.3).
//!
//! The service has no call for it. Content that it still has is made the path's content again by its hash.

use futures_util::StreamExt as _;
use futures_util::stream;
use jottad_core::Timestamp;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::facts::{FileEntry, FolderListing, Revision, Sighting, Trashed};
use crate::path::RemotePath;

/// Files restored at the same time: enough to hide the way to the service and back.
const AT_ONCE: usize = 4;

/// What was brought back, and what could not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// Folders made live.
    pub folders: u64,
    /// Files made live.
    pub files: u64,
    /// What stays in the trash, and why.
    pub left: Vec<(RemotePath, String)>,
}

impl Client {
    /// Brings a trashed file or folder back to where it was. Of a folder, all that was trashed with it comes
    /// back; what had been trashed before stays. `told` hears how far it is.
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if something live is there by now. If this is
    /// dropped or fails half way, what was brought back stays; the rest is still in the trash, below folders
    /// that are live by then.
    pub async fn restore(&self, path: &RemotePath, told: &mut dyn FnMut(&Restored)) -> Result<Restored> {
        let action = format!("restoring {path}");
        let mut restored = Restored::default();
        match self.look(path).await? {
            Sighting::TrashedFile(details) => {
                let outcome = self.restore_file(path, &details.entry).await?;
                restored.count_file(path.clone(), outcome);
            }
            Sighting::TrashedFolder => {
                let listing = self.folder(path).await?;
                let listing = listing.ok_or_else(|| missing(&action))?;
                let since = listing.trashed.and_then(|trashed| trashed.at);
                self.restore_folder(path.clone(), listing, since, &mut restored, told).await?;
            }
            Sighting::Missing => return Err(missing(&action)),
            Sighting::File(_) | Sighting::UnfinishedFile(_) | Sighting::Folder => {
                return Err(Error::Exists { action, reason: "something live is there".to_owned() });
            }
        }
        Ok(restored)
    }

    /// Makes an older revision the current one, with its times. `false` if the service does not have its
    /// content at hand: then it must be downloaded and uploaded again.
    pub async fn restore_revision(&self, path: &RemotePath, revision: &Revision) -> Result<bool> {
        let action = || format!("restoring a revision of {path}");
        let content = revision.content().ok_or_else(|| Error::Missing {
            action: action(),
            reason: "the revision is not complete".to_owned(),
        })?;
        let modified = revision.modified.unwrap_or_default();
        let matched =
            self.match_content(path, content, revision.created.unwrap_or(modified), modified).await?;
        Ok(matched.is_some())
    }

    /// Makes a trashed file live; the inner error is why it stays in the trash.
    async fn restore_file(&self, path: &RemotePath, entry: &FileEntry) -> Result<Outcome> {
        let Some((revision, content)) = entry.current.as_ref().and_then(|it| Some((it, it.content()?)))
        else {
            return Ok(Err("its upload was never finished".to_owned()));
        };
        let modified = revision.modified.unwrap_or_default();
        let found = self.match_content(path, content, revision.created.unwrap_or(modified), modified).await?;
        Ok(found.map(drop).ok_or_else(|| "the service does not find its content".to_owned()))
    }

    /// Makes each folder before what is in it; a tree is walked with a list of its own, however deep it is.
    async fn restore_folder(
        &self,
        path: RemotePath,
        listing: FolderListing,
        since: Option<Timestamp>,
        restored: &mut Restored,
        told: &mut dyn FnMut(&Restored),
    ) -> Result<()> {
        let mut waiting = vec![(path, Some(listing))];
        while let Some((path, listing)) = waiting.pop() {
            // Listed before it is made: afterwards its children may look different.
            let listing = match listing {
                Some(listing) => Some(listing),
                None => self.folder(&path).await?,
            };
            let Some(listing) = listing else { continue };
            if !listing.is_live() {
                self.make_folder(&path).await?;
                restored.folders += 1;
                told(restored);
            }
            for folder in listing.folders.into_iter().filter(|folder| went_with(folder.trashed, since)) {
                waiting.push((path.join(folder.name), None));
            }
            let files = listing.files.into_iter().filter(|file| went_with(file.trashed, since));
            let mut restoring = stream::iter(files)
                .map(|file| {
                    let file_path = path.join(file.name.clone());
                    async move { (self.restore_file(&file_path, &file).await, file_path) }
                })
                .buffer_unordered(AT_ONCE);
            while let Some((outcome, file_path)) = restoring.next().await {
                // One file that cannot be had must not keep the others back.
                let outcome = match outcome {
                    Err(error) if error.is_retryable() => return Err(error),
                    Err(error) => Err(error.to_string()),
                    Ok(outcome) => outcome,
                };
                restored.count_file(file_path, outcome);
                told(restored);
            }
        }
        Ok(())
    }
}

/// Whether a file is live again, or why it stays in the trash.
type Outcome = std::result::Result<(), String>;

impl Restored {
    fn count_file(&mut self, path: RemotePath, outcome: Outcome) {
        match outcome {
            Ok(()) => self.files += 1,
            Err(reason) => self.left.push((path, reason)),
        }
    }
}

/// Whether something was trashed together with the folder that is being restored, rather than before.
fn went_with(trashed: Option<Trashed>, since: Option<Timestamp>) -> bool {
    match (trashed.and_then(|trashed| trashed.at), since) {
        (Some(at), Some(since)) => at >= since,
        _ => true,
    }
}

fn missing(action: &str) -> Error {
    Error::Missing { action: action.to_owned(), reason: "it is not in the trash".to_owned() }
}
