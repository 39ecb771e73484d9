//! Where engine and transport meet: one folder's remote root as the engine's [`Remote`].
//!
//! Errors are translated by what they mean for the engine; everything else passes through. What to do is
//! decided on the engine's side, how to do it on the transport's.

mod place;

use std::io;

use jottad_core::{Content, File, Kind, StoredName, StoredPath, Timestamp};
use jottad_engine::{
    ListedEntry, LocalContent, MoveAnswer, Remote, RemoteError, RemoteErrorKind, RemoteListing, RemoteNode,
    Sighted, StagedFile, UnusableEntry, is_source_changed,
};
use jottad_transport::{
    Client, Error, ErrorKind, ListStream, LiveFile, MoveOutcome, PartialContent, Quota, RemotePath, Sighting,
    StreamedEntry, UploadFacts, UploadSource,
};

use crate::account::link::ServiceLink;
use crate::daemon::adapter::place::Place;
pub(crate) use crate::daemon::adapter::place::command_to_make;

/// So many entries that cannot be used are kept: one name that is wrong is mostly one of many.
const MOST_UNUSABLE: usize = 100;

/// Jottacloud below a folder's remote root.
#[derive(Debug, Clone)]
pub(crate) struct RemoteFolder {
    link: ServiceLink,
    root: RemotePath,
    hard_delete: bool,
    place: Place,
}

impl RemoteFolder {
    /// The folder at a root. With `hard_delete`, what is trashed is destroyed instead.
    pub(crate) fn new(link: ServiceLink, root: RemotePath, hard_delete: bool) -> Self {
        Self { link, place: Place::of(&root), root, hard_delete }
    }

    fn at(&self, path: &StoredPath) -> Result<(Client, RemotePath), RemoteError> {
        Ok((self.link.client()?, self.root.below(path)))
    }
}

impl Remote for RemoteFolder {
    type Listing = Listing;

    async fn list_tree(&self, directory: &StoredPath) -> Result<Listing, RemoteError> {
        let (client, place) = self.at(directory)?;
        match client.list_stream(&place).await {
            Ok(stream) => Ok(Listing { stream, unusable: Vec::new() }),
            Err(error) => Err(self.place.explain(&client, remote_error(&error)).await),
        }
    }

    async fn list_directory(
        &self,
        directory: &StoredPath,
    ) -> Result<Vec<(StoredName, RemoteNode)>, RemoteError> {
        let (client, place) = self.at(directory)?;
        let listing = client.folder(&place).await.map_err(|error| remote_error(&error))?;
        let listing = listing.filter(jottad_transport::FolderListing::is_live);
        let listing = listing.ok_or_else(|| missing(&format!("listing {place}")))?;
        if !listing.proves_absence {
            let message = format!("listing {place}: the counts of the answer do not match what came");
            return Err(RemoteError::new(RemoteErrorKind::Incomplete, message));
        }
        let folders = listing.folders.into_iter().filter(|folder| folder.trashed.is_none());
        let folders = folders.map(|folder| (folder.name, RemoteNode::Directory));
        let files = listing.files.into_iter().filter_map(|file| {
            let live = file.live()?;
            Some((file.name, RemoteNode::File(file_of(&live))))
        });
        Ok(folders.chain(files).collect())
    }

    async fn look(&self, path: &StoredPath) -> Result<Option<Sighted>, RemoteError> {
        let (client, place) = self.at(path)?;
        let (seen, name) = client.look_at_spelling(&place).await.map_err(|error| remote_error(&error))?;
        let node = match seen {
            Sighting::File(live) => RemoteNode::File(file_of(&live)),
            Sighting::Folder => RemoteNode::Directory,
            Sighting::Missing
            | Sighting::TrashedFile(_)
            | Sighting::TrashedFolder
            | Sighting::UnfinishedFile(_) => return Ok(None),
        };
        let respelled = name.filter(|name| path.name().is_some_and(|asked| asked != name));
        Ok(Some(Sighted { node, respelled }))
    }

    async fn upload<C: LocalContent>(
        &self,
        path: &StoredPath,
        file: File,
        content: C,
    ) -> Result<(), RemoteError> {
        let (client, place) = self.at(path)?;
        let facts = UploadFacts { content: file.content, created: None, modified: file.modified };
        let mut source = Source(content);
        // Whether the service would make a mountpoint for an upload is not known (U-49).
        self.place.check(&client).await?;
        let Err(error) = client.upload(&place, &facts, &mut source).await else { return Ok(()) };
        let kind = match error.kind() {
            // What was sent is not what was hashed: the file was written to in between.
            ErrorKind::Corrupt => Some(RemoteErrorKind::SourceChanged),
            ErrorKind::Locked => why_locked(&client, file.content.size).await,
            _ => None,
        };
        let error = self.place.explain(&client, remote_error(&error)).await;
        Err(RemoteError { kind: kind.unwrap_or(error.kind), ..error })
    }

    async fn download<S: StagedFile>(
        &self,
        path: &StoredPath,
        content: Content,
        staged: &mut S,
    ) -> Result<(), RemoteError> {
        let (client, place) = self.at(path)?;
        let mut sink = Sink(staged);
        let fetched = client.download(&place, None, content, PartialContent::default(), &mut sink).await;
        fetched.map_err(|error| remote_error(&error))
    }

    async fn make_directory(&self, path: &StoredPath) -> Result<(), RemoteError> {
        let (client, place) = self.at(path)?;
        // The service would make the mountpoint along with the folder (U-49).
        self.place.check(&client).await?;
        written(&client, client.make_folder(&place).await).await
    }

    async fn trash(&self, path: &StoredPath, kind: Kind) -> Result<(), RemoteError> {
        let (client, place) = self.at(path)?;
        let done = match (kind, self.hard_delete) {
            (Kind::File, false) => client.trash_file(&place).await,
            (Kind::Directory, false) => client.trash_folder(&place).await,
            (Kind::File, true) => client.destroy_file(&place).await,
            (Kind::Directory, true) => client.destroy_folder(&place).await,
        };
        written(&client, done).await
    }

    async fn move_entry(
        &self,
        from: &StoredPath,
        to: &StoredPath,
        kind: Kind,
    ) -> Result<MoveAnswer, RemoteError> {
        let (client, source) = self.at(from)?;
        let target = self.root.below(to);
        let moved = match kind {
            Kind::File => client.move_file(&source, &target).await,
            Kind::Directory => client.move_folder(&source, &target).await,
        };
        match written(&client, moved).await? {
            MoveOutcome::Done => Ok(MoveAnswer::Done),
            MoveOutcome::FoundDone => Ok(MoveAnswer::SeemsDone),
        }
    }

    async fn set_modified(
        &self,
        path: &StoredPath,
        content: Content,
        modified: Timestamp,
    ) -> Result<(), RemoteError> {
        let (client, place) = self.at(path)?;
        written(&client, client.set_times(&place, content, None, modified).await).await
    }

    async fn change_stamp(&self) -> Result<String, RemoteError> {
        let (client, _) = self.at(&StoredPath::root())?;
        let device = client.device(self.root.device()).await.map_err(|error| remote_error(&error))?;
        let wanted = self.root.mountpoint().as_str().to_lowercase();
        let mountpoints = device.iter().flat_map(|device| &device.mountpoints);
        // The service compares these names without regard to letter case (protocol 3.3).
        let mountpoint =
            mountpoints.into_iter().find(|mountpoint| mountpoint.name.as_str().to_lowercase() == wanted);
        // What is not there moves with no change, and is no stamp.
        let Some((mountpoint, modified)) = mountpoint.and_then(|one| Some((one, one.modified?))) else {
            return Ok(String::new());
        };
        let size = mountpoint.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        Ok(format!("{size} {} {}", modified.seconds(), mountpoint.trashed))
    }

    fn turned_away(&self) -> u64 {
        self.link.client().map_or(0, |client| client.session().http().turned_away())
    }
}

/// A recursive listing in the engine's terms.
pub(crate) struct Listing {
    stream: ListStream,
    unusable: Vec<UnusableEntry>,
}

impl RemoteListing for Listing {
    async fn next_batch(&mut self) -> Result<Option<Vec<ListedEntry>>, RemoteError> {
        let batch = self.stream.next_batch().await.map_err(|error| match error.kind() {
            // Whatever ends a listing early, it proves nothing of what did not come.
            ErrorKind::Protocol | ErrorKind::Corrupt => {
                RemoteError { kind: RemoteErrorKind::Incomplete, ..remote_error(&error) }
            }
            _ => remote_error(&error),
        })?;
        Ok(batch.map(|entries| entries.into_iter().filter_map(|entry| self.take(entry)).collect()))
    }

    fn unusable(&self) -> &[UnusableEntry] {
        &self.unusable
    }
}

impl Listing {
    fn take(&mut self, entry: StreamedEntry) -> Option<ListedEntry> {
        Some(match entry {
            StreamedEntry::Folder(path) => ListedEntry { path, node: RemoteNode::Directory },
            StreamedEntry::File { path, content, modified, .. } => ListedEntry {
                path,
                node: RemoteNode::File(File { content, modified: modified.unwrap_or_default() }),
            },
            StreamedEntry::Unusable { path, reason } => {
                if self.unusable.len() < MOST_UNUSABLE {
                    self.unusable.push(UnusableEntry { path, reason: reason.to_owned() });
                }
                return None;
            }
        })
    }
}

/// A file without a time is as old as can be: any time that the other side knows is better.
fn file_of(live: &LiveFile) -> File {
    File { content: live.content, modified: live.modified.unwrap_or_default() }
}

/// The engine's content as what transport sends.
struct Source<C>(C);

impl<C: LocalContent> UploadSource for Source<C> {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}

/// The engine's temporary file as what transport fills.
struct Sink<'staged, S>(&'staged mut S);

impl<S: StagedFile> io::Write for Sink<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What it is about the account that keeps so many bytes from being written, as far as it says. A full
/// account may refuse in the way that a locked one does (protocol U-29).
async fn why_locked(client: &Client, bytes: u64) -> Option<RemoteErrorKind> {
    let user = client.user().await.ok()?;
    let left = user.quota.and_then(Quota::bytes).zip(user.used_bytes);
    if left.is_some_and(|(quota, used)| used.saturating_add(bytes) > quota) {
        return Some(RemoteErrorKind::QuotaExceeded);
    }
    user.write_locked.then_some(RemoteErrorKind::AccountLocked)
}

/// The answer to something that writes no content. What it failed for may be the account's state.
async fn written<T>(client: &Client, answer: Result<T, Error>) -> Result<T, RemoteError> {
    let error = match answer {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    let kind = match error.kind() {
        ErrorKind::Locked => why_locked(client, 0).await,
        _ => None,
    };
    let error = remote_error(&error);
    Err(RemoteError { kind: kind.unwrap_or(error.kind), ..error })
}

fn missing(action: &str) -> RemoteError {
    RemoteError::new(RemoteErrorKind::NotFound, format!("{action}: no such folder"))
}

/// A transport error by what it means for the engine.
pub(crate) fn remote_error(error: &Error) -> RemoteError {
    let kind = match error.last() {
        Error::Source { source, .. } if is_source_changed(source) => RemoteErrorKind::SourceChanged,
        Error::Source { .. } => RemoteErrorKind::SourceUnreadable,
        Error::Sink { .. } => RemoteErrorKind::StagingFailed,
        _ => match error.kind() {
            ErrorKind::NotFound => RemoteErrorKind::NotFound,
            ErrorKind::LoginNeeded => RemoteErrorKind::LoginNeeded,
            ErrorKind::Offline => RemoteErrorKind::Offline,
            ErrorKind::QuotaExceeded => RemoteErrorKind::QuotaExceeded,
            ErrorKind::Locked => RemoteErrorKind::NotAllowed,
            ErrorKind::Refused => RemoteErrorKind::Refused,
            ErrorKind::TooLarge => RemoteErrorKind::TooLarge,
            ErrorKind::Conflict => RemoteErrorKind::Conflict,
            ErrorKind::Incomplete => RemoteErrorKind::Incomplete,
            ErrorKind::SourceChanged => RemoteErrorKind::SourceChanged,
            // What is left may pass: a busy or broken service, a damaged answer, a full disk under the
            // tokens.
            _ => RemoteErrorKind::Unavailable,
        },
    };
    // That a login is needed may be the answer to asking what became of a request whose own answer was lost.
    let may_be_done = error.is_uncertain()
        || matches!(error.kind(), ErrorKind::LoginNeeded | ErrorKind::Corrupt | ErrorKind::SourceChanged);
    RemoteError { kind, message: error.to_string(), retry_after: error.retry_after(), may_be_done }
}

#[cfg(test)]
mod tests;
