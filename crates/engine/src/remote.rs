//! The seam to the service: what the engine needs of Jottacloud and nothing more.
//!
//! Paths are stored names below the folder's remote root. Implementations are the adapter in `jottad` and the
//! simulated Jottacloud of `jottad-simulation`.

use std::future::Future;
use std::time::Duration;

use jottad_core::{Content, File, Kind, StoredName, StoredPath, Timestamp};

use crate::disk::{LocalContent, StagedFile};

/// Jottacloud below one remote root.
///
/// Every call may be repeated: an implementation finds out what an uncertain earlier attempt achieved before
/// it tries again. Futures may be dropped at any await point.
pub trait Remote: Send + Sync + 'static {
    /// A listing in progress.
    type Listing: RemoteListing;

    /// Lists everything live below a directory. [`RemoteErrorKind::NotFound`] if it is not there or trashed,
    /// [`RemoteErrorKind::PlaceMissing`] if not even the place is there on which the remote root lies.
    fn list_tree(
        &self,
        directory: &StoredPath,
    ) -> impl Future<Output = Result<Self::Listing, RemoteError>> + Send;

    /// Lists the live entries of one directory. [`RemoteErrorKind::NotFound`] if it is not there or trashed.
    fn list_directory(
        &self,
        directory: &StoredPath,
    ) -> impl Future<Output = Result<Vec<(StoredName, RemoteNode)>, RemoteError>> + Send;

    /// Looks at one path; `None` if nothing live is there.
    fn look(&self, path: &StoredPath) -> impl Future<Output = Result<Option<Sighted>, RemoteError>> + Send;

    /// Sends a file: new, or as a new revision of the one at the path. `created` is sent for a file that is
    /// new.
    fn upload<C: LocalContent>(
        &self,
        path: &StoredPath,
        file: File,
        content: C,
    ) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Fetches a file with exactly this content into a temporary file, verified.
    fn download<S: StagedFile>(
        &self,
        path: &StoredPath,
        content: Content,
        staged: &mut S,
    ) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Makes a directory and those above it, never the place on which the remote root lies. It is fine if it
    /// is there; [`RemoteErrorKind::Conflict`] if a file is.
    fn make_directory(&self, path: &StoredPath) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Puts an entry with all below it into the trash, or destroys it where the folder is configured so.
    /// It is fine if it is gone already.
    fn trash(&self, path: &StoredPath, kind: Kind) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Moves an entry to a path that must be free, making the directories above.
    /// [`RemoteErrorKind::Conflict`] if it is not free, [`RemoteErrorKind::NotFound`] if nothing is at
    /// `from`. Never through another name: a change of letter case alone is for the caller to take in two
    /// steps.
    fn move_entry(
        &self,
        from: &StoredPath,
        to: &StoredPath,
        kind: Kind,
    ) -> impl Future<Output = Result<MoveAnswer, RemoteError>> + Send;

    /// Sets a file's modification time. `content` must be what was just seen there, else
    /// [`RemoteErrorKind::Conflict`].
    fn set_modified(
        &self,
        path: &StoredPath,
        content: Content,
        modified: Timestamp,
    ) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// A cheap look whether anything may have changed: equal stamps mean "probably nothing" (protocol 9.4).
    /// Empty if the service gives none.
    fn change_stamp(&self) -> impl Future<Output = Result<String, RemoteError>> + Send;

    /// How often the service has turned a request away for having too much to do, even if another try
    /// succeeded.
    fn turned_away(&self) -> u64 {
        0
    }
}

/// What is known of a move that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveAnswer {
    /// The service said that it was done.
    Done,
    /// The answer was lost. A look at both ends shows it done, but what it shows may be late (protocol U-38).
    SeemsDone,
}

/// A recursive listing, a batch at a time.
pub trait RemoteListing: Send {
    /// The next entries; `None` only when the listing was proven complete. An error means that it may only be
    /// used as "these were there", never as "others were not" ([`RemoteErrorKind::Incomplete`]).
    ///
    /// A directory is not necessarily announced: it exists if anything in it does.
    fn next_batch(&mut self) -> impl Future<Output = Result<Option<Vec<ListedEntry>>, RemoteError>> + Send;

    /// What came so far and cannot be used, at most a few of them: they are there, and so count as content of
    /// the directories that they are in.
    fn unusable(&self) -> &[UnusableEntry] {
        &[]
    }
}

/// An entry of the service that cannot be an entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnusableEntry {
    /// Its path on the service, for people.
    pub path: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// One entry of a recursive listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// Below the listed directory; the directory itself is the root path.
    pub path: StoredPath,
    /// What it is.
    pub node: RemoteNode,
}

/// What stands at a remote path, live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteNode {
    /// A complete file.
    File(File),
    /// A directory.
    Directory,
}

/// What a look at one path found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    /// What stands there.
    pub node: RemoteNode,
    /// The name that the answer gives it, if that is another spelling than was asked for. Without one nothing
    /// is known of the spelling: the service may answer as it was asked (protocol U-50).
    pub respelled: Option<StoredName>,
}

impl From<RemoteNode> for Sighted {
    fn from(node: RemoteNode) -> Self {
        Self { node, respelled: None }
    }
}

impl RemoteNode {
    /// Which kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Directory => Kind::Directory,
        }
    }
}

/// A remote operation failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// What this means for the engine.
    pub kind: RemoteErrorKind,
    /// What failed, on which path, why.
    pub message: String,
    /// How long the service asked us to wait.
    pub retry_after: Option<Duration>,
    /// What was asked for may have been done although it failed.
    pub may_be_done: bool,
}

impl RemoteError {
    /// An error of a request that had no effect, after which the service asked for no pause.
    pub const fn new(kind: RemoteErrorKind, message: String) -> Self {
        Self { kind, message, retry_after: None, may_be_done: false }
    }
}

/// What is missing of the place on which a remote root lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MissingPlace {
    /// Not even the device is there.
    Device,
    /// The device has no such mountpoint.
    Mountpoint,
}

/// What a failed remote operation means for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteErrorKind {
    /// Nothing is at the path.
    NotFound,
    /// The place on which the folder's remote root lies is not there. Only a person makes one.
    PlaceMissing(MissingPlace),
    /// What is at the path is not what the operation needs.
    Conflict,
    /// The service will never take this name or request as it is.
    Refused,
    /// The service does not take a file of this size.
    TooLarge,
    /// The local file changed while it was sent.
    SourceChanged,
    /// The local file could not be read while it was sent.
    SourceUnreadable,
    /// The temporary file could not be written while it was filled.
    StagingFailed,
    /// A listing broke off, or its totals did not match.
    Incomplete,
    /// The account is full.
    QuotaExceeded,
    /// The account is locked: nothing can be written until the service unlocks it.
    AccountLocked,
    /// The account is not allowed to do this: it is locked, or only this entry or directory is.
    NotAllowed,
    /// The tokens are no longer good.
    LoginNeeded,
    /// The service cannot be reached.
    Offline,
    /// The service failed or asked to slow down; later it may work.
    Unavailable,
}

impl RemoteErrorKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::NotFound,
        Self::PlaceMissing(MissingPlace::Device),
        Self::PlaceMissing(MissingPlace::Mountpoint),
        Self::Conflict,
        Self::Refused,
        Self::TooLarge,
        Self::SourceChanged,
        Self::SourceUnreadable,
        Self::StagingFailed,
        Self::Incomplete,
        Self::QuotaExceeded,
        Self::AccountLocked,
        Self::NotAllowed,
        Self::LoginNeeded,
        Self::Offline,
        Self::Unavailable,
    ];
}
