//! Looking at folders and files (protocol 4.1, 4.2, 4.4).

use jottad_core::StoredName;

use crate::client::{Client, none_if_missing};
use crate::documents::{self, Place};
use crate::error::{Error, Result};
use crate::facts::{FileDetails, FolderListing, FoundFile, Sighting};
use crate::http::Call;
use crate::list_stream::ListStream;
use crate::path::RemotePath;

impl Client {
    /// One level of a folder, trashed entries marked; `None` if there is none. A trashed folder is listed
    /// too: ask [`FolderListing::is_live`]. [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a file is
    /// there.
    pub async fn folder(&self, path: &RemotePath) -> Result<Option<FolderListing>> {
        let call = self.get(format!("listing {path}"), path).await?;
        let found = self.document(call, documents::read_place);
        match none_if_missing(found.await)? {
            None => Ok(None),
            Some(Place::Folder(listing)) => Ok(Some(listing)),
            Some(Place::File(_)) => Err(not_what_was_meant("listing", path, "it is a file")),
        }
    }

    /// A file with its revisions; `None` if there is none. A trashed or unfinished file is reported too.
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a folder is there.
    pub async fn file(&self, path: &RemotePath) -> Result<Option<FileDetails>> {
        match self.place_itself(path).await? {
            None => Ok(None),
            Some(Place::File(details)) => Ok(Some(*details)),
            Some(Place::Folder(_)) => Err(not_what_was_meant("looking at", path, "it is a folder")),
        }
    }

    /// Whatever is at a path, live or not.
    pub async fn look(&self, path: &RemotePath) -> Result<Sighting> {
        Ok(self.look_at_spelling(path).await?.0)
    }

    /// Whatever is at a path, and the name that the answer gives it, if it gives one. A path finds an entry
    /// under every spelling (protocol 8.8); whether the answer names it as stored or as it was asked for is
    /// not known (U-50), so only a name that differs from the path's tells something.
    pub async fn look_at_spelling(&self, path: &RemotePath) -> Result<(Sighting, Option<StoredName>)> {
        Ok(match self.place_itself(path).await? {
            None => (Sighting::Missing, None),
            Some(Place::Folder(folder)) if folder.is_live() => (Sighting::Folder, folder.name),
            Some(Place::Folder(folder)) => (Sighting::TrashedFolder, folder.name),
            Some(Place::File(details)) => {
                let name = Some(details.entry.name.clone());
                let sighting = match details.entry.live() {
                    Some(file) => Sighting::File(file),
                    None if details.entry.trashed.is_some() => Sighting::TrashedFile(details),
                    None => Sighting::UnfinishedFile(details),
                };
                (sighting, name)
            }
        })
    }

    /// Everything live below a folder, streamed. [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the
    /// folder is missing or in the trash: what a listing of a trashed folder holds is not known (U-04).
    pub async fn list_stream(&self, directory: &RemotePath) -> Result<ListStream> {
        let action = format!("listing everything in {directory}");
        match self.look(directory).await? {
            Sighting::Folder => {}
            Sighting::Missing => return Err(missing(action, "no such folder")),
            Sighting::TrashedFolder | Sighting::TrashedFile(_) => {
                return Err(missing(action, "the folder is in the trash"));
            }
            Sighting::File(_) | Sighting::UnfinishedFile(_) => {
                return Err(Error::Exists { action, reason: "it is a file".to_owned() });
            }
        }
        let url = format!("{}?mode=liststream", self.url(directory).await?);
        let answer = self.send(Call::get(action, url)).await?;
        ListStream::open(answer, directory).await
    }

    /// The newest uploads of the account, from any device: at least ten, no deletes and no moves.
    pub async fn newest_files(&self) -> Result<Vec<FoundFile>> {
        self.search("Jotta/Latest").await
    }

    pub(super) async fn search(&self, view: &str) -> Result<Vec<FoundFile>> {
        let call = self.get(format!("listing {view}"), &RemotePath::parse(view)?).await?;
        self.document(call, documents::read_search_result).await
    }

    pub(super) async fn url(&self, path: &RemotePath) -> Result<String> {
        path.url(&self.0.endpoints.jfs_url, self.username().await?)
    }

    pub(super) async fn get(&self, action: String, path: &RemotePath) -> Result<Call> {
        Ok(Call::get(action, self.url(path).await?))
    }

    async fn place_itself(&self, path: &RemotePath) -> Result<Option<Place>> {
        let call = self.get(format!("looking at {path}"), path).await?;
        let found = self.document(call, documents::read_place_itself);
        none_if_missing(found.await)
    }
}

fn not_what_was_meant(verb: &str, path: &RemotePath, reason: &str) -> Error {
    Error::Exists { action: format!("{verb} {path}"), reason: reason.to_owned() }
}

fn missing(action: String, reason: &str) -> Error {
    Error::Missing { action, reason: reason.to_owned() }
}
