//! Everything that can happen to a folder, and everything that it can ask for.
//!
//! The folder's loop is a function from an event and a time to commands. Commands are performed elsewhere
//! ([`crate::perform`]); each ends with exactly one [`Event::Completed`].

use std::time::Duration;

use jottad_core::{Content, File, Kind, Md5, RelativePath, StoredName, StoredPath, Timestamp};

use crate::digest::TreeDigest;
use crate::disk::{DiskError, DiskListing, DiskNode, FileStat, Identity, Mount, RootIdentity};
use crate::remote::{ListedEntry, RemoteError, RemoteNode, Sighted, UnusableEntry};

/// Names one command; never reused within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A cause of work.
#[derive(Debug)]
pub enum Event {
    /// The loop runs; the first event.
    Started,
    /// Something may have changed locally. What belongs together, as the two sides of a rename, comes
    /// together.
    LocalHints(Vec<LocalHint>),
    /// Something may have changed on the service.
    RemoteHint(RemoteHint),
    /// The time that [`crate::Folder::deadline`] named has come.
    Timer,
    /// A person asked for something.
    Request(Request),
    /// Part of what a listing found.
    Listed(CommandId, Vec<ListedEntry>),
    /// The service has turned requests away for having too much to do.
    TurnedAway,
    /// A command ended.
    Completed(CommandId, Outcome),
}

/// "Look at this path": all that a watcher may ever say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalHint {
    /// The entries of this directory.
    Directory(RelativePath),
    /// Everything below this directory.
    Subtree(RelativePath),
    /// The root may be gone.
    Root,
    /// From now on not every change is hinted as it happens.
    Unheard,
    /// From now on every change is hinted, and what was changed before was.
    Heard,
}

/// What may be said of changes on the service. Nothing here is believed: it only tells where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteHint {
    /// From now on every change is hinted. What happened before is not known.
    Listening,
    /// Changes are not hinted any more.
    Deaf,
    /// Anything in the folder may have changed.
    Anywhere,
    /// Something changed that the change stamp covers, but not in the folder.
    Elsewhere,
    /// This entry may have changed.
    Entry {
        /// Which one.
        path: StoredPath,
        /// What is said to be there now.
        told: Told,
    },
}

/// What a hint says of an entry. What is known already need not be looked at: that is how one's own work,
/// which is hinted too, costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// It is not there any more.
    Gone,
    /// A directory is there; of what is in it nothing is said.
    Directory,
    /// A file with this content and time is there.
    File(File),
}

/// What a person can ask of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Scan and list everything now.
    SyncNow,
    /// Scan and list everything now, and read every file again.
    Verify,
    /// Stop, for a time or until told otherwise.
    Pause(Option<Duration>),
    /// Go on.
    Resume,
    /// Let what is held happen.
    Approve,
    /// Bring what is held back from the other side.
    Reject,
    /// What is mounted, or not mounted, at this directory is right as it is.
    AcceptMount(RelativePath),
    /// There are new tokens, or the network is back: try at once.
    Reconnect,
}

/// A piece of work for the performer.
#[derive(Debug)]
pub struct Command {
    /// Its name in the answer.
    pub id: CommandId,
    /// What to do.
    pub task: Task,
    /// What must be mounted on the way to the local path, or nothing is done.
    pub mounts: Vec<ExpectedMount>,
}

/// A file system below which a command works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedMount {
    /// Where it is mounted.
    pub path: RelativePath,
    /// Which one it is.
    pub mount: Mount,
}

/// What a command asks for.
#[derive(Debug, Clone)]
pub enum Task {
    /// Look at the root.
    CheckRoot,
    /// Write the root's marker and lock it.
    ClaimRoot {
        /// Which directory it is to be.
        root: RootIdentity,
        /// The marker's text.
        marker: String,
    },
    /// Read a directory.
    Scan {
        /// Which one.
        directory: RelativePath,
    },
    /// Hash files of one directory.
    Hash {
        /// Which ones, at least one, and what each must be.
        files: Vec<(RelativePath, FileStat)>,
    },
    /// List the whole remote tree.
    ListTree,
    /// List one remote directory.
    ListDirectory {
        /// Which one.
        directory: StoredPath,
    },
    /// Look at one remote path.
    Look {
        /// Which one.
        path: StoredPath,
    },
    /// Ask for the change stamp.
    Poll,
    /// Send a file.
    Upload {
        /// From here …
        path: RelativePath,
        /// … to there.
        remote: StoredPath,
        /// What the local file must be.
        stat: FileStat,
        /// What it holds.
        file: File,
        /// What may be at the remote path, checked right before.
        replaces: Replaces,
    },
    /// Fetch a file.
    Download {
        /// To here …
        path: RelativePath,
        /// … from there.
        remote: StoredPath,
        /// What it must hold, and its time.
        file: File,
        /// What it replaces on the disk; `None` if nothing may be there.
        replaces: Option<FileStat>,
        /// A local file that had the same content: it is copied if it still has, and nothing is fetched.
        twin: Option<(RelativePath, FileStat)>,
    },
    /// Make a remote directory.
    MakeRemoteDirectory {
        /// The local directory that must still be there.
        path: RelativePath,
        /// Where.
        remote: StoredPath,
    },
    /// Make a local directory.
    MakeLocalDirectory {
        /// Where.
        path: RelativePath,
    },
    /// Move a remote entry.
    MoveRemote {
        /// From here …
        from: StoredPath,
        /// … to there, which must be free.
        to: StoredPath,
        /// What it is.
        kind: Kind,
        /// What a file must hold, checked right before; `None` where it moves along whatever it holds.
        content: Option<Content>,
    },
    /// Rename a local entry.
    MoveLocal {
        /// From here …
        from: RelativePath,
        /// … to there, which must be free.
        to: RelativePath,
        /// Which entry it must be.
        identity: Identity,
        /// What this follows on the service, checked right before; `None` for a rename of our own.
        followed: Option<Followed>,
    },
    /// Put a remote file or directory into the trash.
    TrashRemote {
        /// The root that must still be there: below another one every path is free.
        root: Identity,
        /// The local path that must still be free, or hold what `local` says.
        path: RelativePath,
        /// What is at the local path: a type change leaves something else there.
        local: Option<DiskNode>,
        /// Where.
        remote: StoredPath,
        /// What must be there, checked right before.
        expected: RemoteExpectation,
    },
    /// Put a local file or directory into the local trash.
    TrashLocal {
        /// Which one.
        path: RelativePath,
        /// The remote path; nothing of the same kind may be there, checked right before.
        remote: StoredPath,
        /// What must be on the disk.
        expected: LocalExpectation,
    },
    /// Set the time of a remote file.
    SetRemoteTime {
        /// Where.
        remote: StoredPath,
        /// What it holds, and its new time.
        file: File,
    },
    /// Set the time of a local file.
    SetLocalTime {
        /// Which one.
        path: RelativePath,
        /// What it must be.
        stat: FileStat,
        /// Its new time.
        modified: Timestamp,
    },
}

/// What was done on the service, as the other side of a local rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// A move.
    Move {
        /// Nothing may be there any more …
        from: StoredPath,
        /// … and this must be on the disk.
        to: StoredPath,
        /// What it is.
        node: RemoteNode,
    },
    /// A change of spelling: the directory must show the name as it is spelled locally.
    Spelling(StoredPath),
}

/// What an upload may find at its remote path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// Whatever is there becomes a revision.
    Anything,
    /// Nothing may be there.
    Nothing,
    /// A file with this content, and no other.
    File(Content),
}

impl Event {
    /// Whether it tells what is on the disk and nothing else.
    pub(crate) const fn only_shows_the_disk(&self) -> bool {
        matches!(self, Self::Completed(_, Outcome::Scanned(_) | Outcome::Hashed(_)))
    }
}

impl Task {
    /// Whether it reads what is on the disk and does nothing else.
    pub(crate) const fn only_reads_the_disk(&self) -> bool {
        matches!(self, Self::Scan { .. } | Self::Hash { .. })
    }

    /// Whether it looks at either side and changes nothing.
    pub(crate) const fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::CheckRoot
                | Self::Scan { .. }
                | Self::Hash { .. }
                | Self::ListTree
                | Self::ListDirectory { .. }
                | Self::Look { .. }
                | Self::Poll
        )
    }

    /// The local path that it works on, if any.
    pub(crate) fn local_path(&self) -> Option<&RelativePath> {
        match self {
            Self::Scan { directory: path }
            | Self::Upload { path, .. }
            | Self::Download { path, .. }
            | Self::MakeRemoteDirectory { path, .. }
            | Self::MakeLocalDirectory { path }
            | Self::MoveLocal { from: path, .. }
            | Self::TrashRemote { path, .. }
            | Self::TrashLocal { path, .. }
            | Self::SetLocalTime { path, .. } => Some(path),
            // All are in one directory.
            Self::Hash { files } => files.first().map(|(path, _)| path),
            Self::CheckRoot
            | Self::ClaimRoot { .. }
            | Self::ListTree
            | Self::ListDirectory { .. }
            | Self::Look { .. }
            | Self::Poll
            | Self::MoveRemote { .. }
            | Self::SetRemoteTime { .. } => None,
        }
    }
}

/// What a remote entry must be for it to be put into the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteExpectation {
    /// A file with this content.
    File(File),
    /// A directory that holds exactly this.
    Directory(TreeDigest),
}

/// What a local entry must be for it to be put into the local trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalExpectation {
    /// This very file.
    File(FileStat),
    /// This very directory, holding exactly this.
    Directory(Identity, TreeDigest),
}

/// How a command ended.
#[derive(Debug)]
pub enum Outcome {
    /// [`Task::CheckRoot`].
    Root(Result<RootIdentity, DiskError>),
    /// [`Task::ClaimRoot`].
    Claimed(Result<(), DiskError>),
    /// [`Task::Scan`].
    Scanned(Result<ScannedDirectory, DiskError>),
    /// [`Task::Hash`]: of each file, in their order; an error if none was read.
    Hashed(Result<Vec<Result<Md5, DiskError>>, DiskError>),
    /// [`Task::ListTree`]: `Ok` only if it was complete. The entries came before as [`Event::Listed`].
    ListingEnded(Result<Vec<UnusableEntry>, RemoteError>),
    /// [`Task::ListDirectory`].
    ListedDirectory(Result<Vec<(StoredName, RemoteNode)>, RemoteError>),
    /// [`Task::Look`].
    Looked(Result<Option<Sighted>, RemoteError>),
    /// [`Task::Poll`].
    Polled(Result<String, RemoteError>),
    /// Any operation.
    Operation(Result<Achieved, OperationError>),
}

/// A directory that was read to its end.
#[derive(Debug)]
pub struct ScannedDirectory {
    /// What is in it.
    pub listing: DiskListing,
    /// Its `.jottaignore`, if there is one, or why that cannot be read as rules. It is read even where a rule
    /// ignores it.
    pub rules: Result<Option<RulesFile>, DiskError>,
}

/// A `.jottaignore` that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesFile {
    /// What it holds.
    pub content: Vec<u8>,
    /// The file that it is a link to, if it is one.
    pub linked: Option<LinkedRules>,
}

/// A file with rules that a `.jottaignore` is a link to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedRules {
    /// Where it is.
    pub path: RelativePath,
    /// What it was when it was read.
    pub stat: FileStat,
}

/// What an operation left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Achieved {
    /// It was done as asked.
    Done,
    /// It was done, but the local entry has changed since.
    Outdated,
    /// A move seems to have been done, but its answer was lost.
    InDoubt,
    /// A local file is there now.
    LocalFile(FileStat),
    /// A local directory is there now.
    LocalDirectory(Identity),
}

/// An operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The local side failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The service failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The service failed to show what is there, so nothing was asked of it.
    #[error(transparent)]
    NotShown(RemoteError),
    /// The local entry is no longer what the operation was decided for.
    #[error("{path} changed here meanwhile")]
    LocalChanged {
        /// Which one.
        path: RelativePath,
    },
    /// A remote directory cannot be removed, because the service has something in it that can be no entry of
    /// a folder.
    #[error("{directory} holds {:?}, which is left alone: {}", entry.path, entry.reason)]
    HoldsUnusable {
        /// Which one.
        directory: StoredPath,
        /// What is in it.
        entry: UnusableEntry,
    },
    /// The folder was paused while a file travelled. What arrived until then is not known.
    #[error("it was interrupted by a pause")]
    Interrupted,
    /// The remote entry is no longer what the operation was decided for.
    #[error("{path} changed on the remote side meanwhile")]
    RemoteChanged {
        /// Which one.
        path: StoredPath,
    },
}
