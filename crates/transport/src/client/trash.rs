//! The trash: what is in it, and destroying that for good (protocol 9.3).

use serde::Deserialize;

use crate::answer::Answer;
use crate::client::Client;
use crate::client::account::order;
use crate::documents;
use crate::error::{Error, Result};
use crate::facts::{Purged, Sighting, TrashListing};
use crate::http::Repeat;
use crate::path::RemotePath;

#[derive(Deserialize)]
struct PurgeAnswer {
    #[serde(default)]
    folders: u64,
    #[serde(default)]
    files: u64,
}

impl Client {
    /// The top of each trashed subtree, of all devices.
    pub async fn trash(&self) -> Result<TrashListing> {
        let call = self.get("listing the trash".to_owned(), &RemotePath::parse("Jotta/Trash")?).await?;
        self.document(call, documents::read_trash).await
    }

    /// Destroys one trashed file or folder for good. [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if
    /// something live is at its path by now.
    pub async fn purge(&self, path: &RemotePath) -> Result<()> {
        match self.look(path).await? {
            Sighting::Missing => Ok(()),
            Sighting::TrashedFile(_) => self.destroy_file(path).await,
            Sighting::TrashedFolder => self.destroy_folder(path).await,
            Sighting::File(_) | Sighting::UnfinishedFile(_) | Sighting::Folder => {
                let reason = "something live has this path".to_owned();
                Err(Error::Exists { action: format!("destroying the trashed {path}"), reason })
            }
        }
    }

    /// Empties the trash of the whole account, whatever program filled it.
    pub async fn purge_trash(&self) -> Result<Purged> {
        let url = format!("{}/files/v1/purge_trash", self.0.endpoints.api_url);
        let call = order("emptying the trash".to_owned(), url);
        debug_assert_eq!(call.repeat, Repeat::Never);
        let purged = self.fetch(call, Answer::json::<PurgeAnswer>).await?;
        Ok(Purged { folders: purged.folders, files: purged.files })
    }
}
