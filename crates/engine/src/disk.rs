//! The seam to the local file system: what the engine needs of it and nothing more.
//!
//! Every path is relative to the folder's root and is walked one component at a time without following
//! symlinks. Implementations are [`crate::LocalDisk`] and the simulated disk of `jottad-simulation`.

use std::fmt;
use std::future::Future;
use std::io;

use jottad_core::{Md5, Name, RelativePath, Timestamp, in_words};

use crate::digest::TreeDigest;

/// The local file system below one root.
///
/// Futures may be dropped at any await point; what was done until then stays done.
pub trait Disk: Send + Sync + 'static {
    /// An opened file that is read by position.
    type Content: LocalContent;
    /// A temporary file that is being filled.
    type Staged: StagedFile;

    /// Looks at the root itself. [`DiskErrorKind::RootLost`] if it is missing or no directory.
    fn root(&self) -> impl Future<Output = Result<RootIdentity, DiskError>> + Send;

    /// Reads a directory to its end, in any order. An error means that nothing is known, not that it is
    /// empty.
    ///
    /// The root's own `.jottad` is never listed. A directory that changed while it was read is
    /// [`DiskErrorKind::Changed`].
    fn list(&self, directory: &RelativePath) -> impl Future<Output = Result<DiskListing, DiskError>> + Send;

    /// What is mounted at a directory; `None` if nothing is, also because there is no directory.
    fn mount(&self, path: &RelativePath) -> impl Future<Output = Result<Option<Mount>, DiskError>> + Send;

    /// Where a symbolic link leads, as it is written in it. It is not followed. [`DiskErrorKind::Changed`] if
    /// something else is there.
    fn link_target(&self, path: &RelativePath) -> impl Future<Output = Result<Vec<u8>, DiskError>> + Send;

    /// Looks at one path; `None` if nothing is there.
    fn stat(&self, path: &RelativePath) -> impl Future<Output = Result<Option<DiskNode>, DiskError>> + Send;

    /// Reads a file and hashes it. Waits first until the file's change time is old enough to be told from a
    /// later one.
    ///
    /// [`DiskErrorKind::Changed`] if the file was not `expected` before or after.
    fn hash(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> impl Future<Output = Result<Md5, DiskError>> + Send;

    /// The same of several files, in their order. An error means that none was looked at.
    fn hash_all(
        &self,
        files: &[(RelativePath, FileStat)],
    ) -> impl Future<Output = Result<Vec<Result<Md5, DiskError>>, DiskError>> + Send {
        async move {
            let mut hashes = Vec::with_capacity(files.len());
            for (path, expected) in files {
                hashes.push(self.hash(path, expected).await);
            }
            Ok(hashes)
        }
    }

    /// Opens a file for sending. [`DiskErrorKind::Changed`] if it is not `expected`.
    fn open(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> impl Future<Output = Result<Self::Content, DiskError>> + Send;

    /// Reads a small file whole. [`DiskErrorKind::Changed`] if it was not `expected` before or after.
    fn read(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> impl Future<Output = Result<Vec<u8>, DiskError>> + Send;

    /// Makes a directory. It is fine if a directory is there; [`DiskErrorKind::Occupied`] if something else
    /// is.
    fn make_directory(&self, path: &RelativePath)
    -> impl Future<Output = Result<Identity, DiskError>> + Send;

    /// Starts a temporary file below `.jottad/tmp`, with room for so many bytes: [`DiskErrorKind::NoSpace`]
    /// comes now, where the file system can promise room, and not when half of them are there.
    fn stage(&self, bytes: u64) -> impl Future<Output = Result<Self::Staged, DiskError>> + Send;

    /// Starts a temporary file with a copy of a file, which takes no space of its own where the file system
    /// can share it; with the copy's hash. [`DiskErrorKind::Changed`] if the file was not `expected` before
    /// or after.
    fn copy(
        &self,
        path: &RelativePath,
        expected: &FileStat,
    ) -> impl Future<Output = Result<(Self::Staged, Md5), DiskError>> + Send;

    /// Puts a finished temporary file in its place, durably, with its modification time, and returns what is
    /// there now.
    ///
    /// `replaces` is what must be there: `None` means nothing. Anything else there is
    /// [`DiskErrorKind::Changed`] or [`DiskErrorKind::Occupied`] and stays as it is. What is replaced goes to
    /// the local trash.
    fn place(
        &self,
        staged: Self::Staged,
        path: &RelativePath,
        modified: Timestamp,
        replaces: Option<&FileStat>,
    ) -> impl Future<Output = Result<FileStat, DiskError>> + Send;

    /// Renames an entry that must be `expected`; never replaces anything.
    fn rename(
        &self,
        from: &RelativePath,
        to: &RelativePath,
        expected: Identity,
    ) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Moves an entry with all below it into `.jottad/trash`. It must be `expected`, and a directory must
    /// hold what `holds` sums up, if that is given.
    ///
    /// A directory is read once more when nobody finds it under its path any more. What was saved in it in
    /// the last moment is [`DiskErrorKind::Changed`], and it is where it was.
    fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        holds: Option<TreeDigest>,
    ) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Sets a file's modification time; the file must be `expected`. Returns its new facts.
    fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> impl Future<Output = Result<FileStat, DiskError>> + Send;

    /// Writes the root marker `.jottad/root-id` if it is missing, and locks the root against a second daemon.
    /// [`DiskErrorKind::RootLost`], with nothing written, if the root is not the directory that was looked
    /// at. So is whatever would be written later, once another directory stands there.
    fn claim_root(
        &self,
        root: &RootIdentity,
        marker: &str,
    ) -> impl Future<Output = Result<(), DiskError>> + Send;
}

/// A file that is read by position, for sending.
pub trait LocalContent: Send {
    /// Reads at most a buffer's length from `offset`; 0 only at the end.
    ///
    /// Before the last bytes are handed out the file is compared with what it was when it was opened; a file
    /// that changed meanwhile is [`DiskErrorKind::Changed`] inside an [`io::Error`], so that a torn file is
    /// never complete on the service.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A temporary file that is being filled with what comes from the service.
pub trait StagedFile: Send {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// What stays the same when an entry is renamed, and differs when another takes its place.
///
/// The inode alone is worthless, because file systems reuse the numbers at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Inode number.
    pub inode: u64,
    /// Birth time in nanoseconds since the epoch; 0 where the file system has none.
    pub born: i64,
}

/// Everything that tells whether a file might have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStat {
    /// Which file it is.
    pub identity: Identity,
    /// Bytes.
    pub size: u64,
    /// Modification time, whole seconds since the epoch.
    pub modified: Timestamp,
    /// The part of the modification time below a second, in nanoseconds.
    pub modified_nanoseconds: u32,
    /// Change time in nanoseconds since the epoch.
    pub changed: i64,
    /// How many names the file has; more than one means that its identity proves no move.
    pub links: u32,
}

impl FileStat {
    /// Whether a change right after this one may leave the change time as it is for longer than a tick of the
    /// clock.
    pub(crate) const fn has_coarse_times(&self) -> bool {
        is_coarse(self.changed)
    }
}

/// A change time without a fraction comes from a file system that keeps none: FAT, HFS+, ext4 with small
/// inodes, and some file servers.
pub(crate) const fn is_coarse(changed: i64) -> bool {
    changed % 1_000_000 == 0
}

/// What stands at a local path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiskNode {
    /// A regular file.
    File(FileStat),
    /// A directory.
    Directory(Identity),
    /// Something that is never synced.
    Other(OtherKind),
}

impl DiskNode {
    /// The identity of a file or directory.
    pub const fn identity(&self) -> Option<Identity> {
        match self {
            Self::File(stat) => Some(stat.identity),
            Self::Directory(identity) => Some(*identity),
            Self::Other(_) => None,
        }
    }
}

/// What is neither file nor directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtherKind {
    /// A symbolic link; never followed.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
}

impl fmt::Display for OtherKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Symlink => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::Device => "device",
        })
    }
}

/// What a directory was read to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskListing {
    /// What is mounted at the directory itself.
    pub mount: Option<Mount>,
    /// Its entries, in any order.
    pub entries: Vec<DiskEntry>,
}

/// A file system that is mounted at a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mount {
    /// A number for it that survives a remount where the system has one, else 0.
    pub file_system: u64,
}

impl Mount {
    /// Whether two looks at a directory may have shown the same: nothing mounted both times, or file systems
    /// that nothing tells apart.
    pub fn may_be_same(one: Option<Self>, other: Option<Self>) -> bool {
        match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.file_system == other.file_system || one.file_system == 0 || other.file_system == 0
            }
            _ => false,
        }
    }
}

/// One line of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskEntry {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub node: DiskNode,
}

/// Which directory a root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootIdentity {
    /// A number for the file system that survives a remount where the system has one (`f_fsid`), else 0.
    pub file_system: u64,
    /// The directory itself.
    pub identity: Identity,
    /// What `.jottad/root-id` says, if it is there.
    pub marker: Option<String>,
}

/// A local operation failed.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}: {kind}")]
pub struct DiskError {
    /// What was tried, as a gerund: "reading", "listing".
    pub action: &'static str,
    /// On what.
    pub path: RelativePath,
    /// How it failed.
    pub kind: DiskErrorKind,
}

/// How a local operation failed.
#[derive(Debug, thiserror::Error)]
pub enum DiskErrorKind {
    /// The root is missing, replaced or not a directory.
    #[error("the folder's root is not there")]
    RootLost,
    /// Nothing is at the path.
    #[error("it does not exist")]
    NotFound,
    /// What is at the path is not what was expected.
    #[error("it changed meanwhile")]
    Changed,
    /// Something is at a path that must be free.
    #[error("something is there already")]
    Occupied,
    /// Not allowed.
    #[error("permission denied")]
    PermissionDenied,
    /// No space, or the user's quota is used up.
    #[error("no space left on the device")]
    NoSpace,
    /// What is mounted here is not what was there when this was decided.
    #[error("something else is mounted there now")]
    MountChanged,
    /// The disk takes no such name: it is too long for it, or holds what it refuses.
    #[error("the local disk does not take this name")]
    ImpossibleName,
    /// This process, or the whole system, has as many files open as it may.
    #[error("too many files are open")]
    TooManyFiles,
    /// Another daemon holds this root.
    #[error("another jottad is working on this folder")]
    Locked,
    /// Anything else.
    #[error("{}", in_words(.0))]
    Other(#[source] io::Error),
}

impl DiskErrorKind {
    /// Whether a folder that it keeps from being taken up waits for it to pass; else a person has to mend it.
    pub fn may_pass(&self) -> bool {
        crate::scope::may_pass(self)
    }

    /// Whether the process or the system has no file descriptor left: it says nothing of the file.
    pub(crate) fn is_lack_of_descriptors(&self) -> bool {
        matches!(self, Self::TooManyFiles)
    }
}
