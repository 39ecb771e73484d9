//! Opening and listing directories one name at a time: no symbolic link is followed, no path is too long.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom, fstat, openat, seek, statat};
use rustix::io::Errno;

use super::tree::{NodeId, Tree};

/// Descriptors held while walking; deeper ancestors are opened again when they are needed.
const HELD: usize = 64;

/// Which directory something is, whatever its path: valid until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    inode: u64,
}

/// The root as it was when watching began.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    identity: Identity,
}

/// Why a directory cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    /// The root is no longer what it was.
    RootLost,
    /// There is no directory at that place (any more).
    Gone,
    /// The tree itself knows no place for it.
    Adrift,
    /// It is there but must not be read.
    Unreadable,
    /// Anything else.
    Failed(Errno),
}

impl Root {
    pub(super) fn open(path: PathBuf) -> Result<Self, Errno> {
        let directory = openat(CWD, &path, FLAGS, Mode::empty())?;
        Ok(Self { identity: Identity::of(&directory)?, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the root if it is still the same directory. It is not kept open: that would forbid to unmount
    /// it.
    pub(super) fn reopen(&self) -> Result<OwnedFd, OpenError> {
        let directory = openat(CWD, &self.path, FLAGS, Mode::empty()).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => OpenError::RootLost,
            other => OpenError::from(other),
        })?;
        if Identity::of(&directory).is_ok_and(|identity| identity == self.identity) {
            Ok(directory)
        } else {
            Err(OpenError::RootLost)
        }
    }
}

impl Identity {
    pub(super) fn of(directory: impl AsFd) -> Result<Self, Errno> {
        let status = fstat(directory)?;
        Ok(Self { device: status.st_dev, inode: status.st_ino })
    }
}

/// Opens nodes by their place in the tree, reusing what is still open from the node before.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    root: &'a Root,
    open: VecDeque<(NodeId, OwnedFd)>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self { root, open: VecDeque::new() }
    }

    /// Opens a node at its place.
    pub(super) fn open(&mut self, tree: &Tree, node: NodeId) -> Result<BorrowedFd<'_>, OpenError> {
        let mut missing = Vec::new();
        let mut at = node;
        let known = loop {
            if let Some(known) = self.open.iter().rposition(|(open, _)| *open == at) {
                break known + 1;
            }
            if at == Tree::ROOT {
                break 0;
            }
            let (parent, name) = tree.place(at).ok_or(OpenError::Adrift)?;
            missing.push((at, name));
            at = parent;
        };
        self.open.truncate(known);
        if self.open.is_empty() {
            self.open.push_back((Tree::ROOT, self.root.reopen()?));
        }
        for (node, name) in missing.into_iter().rev() {
            let parent = self.open.back().map_or(CWD, |(_, directory)| directory.as_fd());
            let directory = openat(parent, name, FLAGS | OFlags::NOFOLLOW, Mode::empty())?;
            self.open.push_back((node, directory));
            if self.open.len() > HELD {
                self.open.pop_front();
            }
        }
        self.open.back().map(|(_, directory)| directory.as_fd()).ok_or(OpenError::Adrift)
    }
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl From<Errno> for OpenError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Self::Gone,
            Errno::ACCESS | Errno::PERM => Self::Unreadable,
            other => Self::Failed(other),
        }
    }
}

/// The names of the directories in an open directory, sorted; links to directories are not directories.
pub(super) fn subdirectories(directory: BorrowedFd<'_>) -> Result<Vec<Box<[u8]>>, Errno> {
    // The descriptor may have been listed before.
    seek(directory, SeekFrom::Start(0))?;
    let mut names: Vec<Box<[u8]>> = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let is_directory = match entry.file_type() {
            FileType::Directory => true,
            // Some file systems do not say.
            FileType::Unknown => statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Directory),
            _ => false,
        };
        if is_directory {
            names.push(name.to_bytes().into());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// How many directories there are below an open one, as far as they can be read. Keeps nothing but the way
/// down.
pub(super) fn count_below(directory: BorrowedFd<'_>) -> usize {
    let mut count = 0;
    let mut levels: Vec<(OwnedFd, Vec<Box<[u8]>>)> = Vec::new();
    let Ok(top) = directory.try_clone_to_owned() else { return 0 };
    let names = subdirectories(directory).unwrap_or_default();
    levels.push((top, names));
    while let Some((parent, names)) = levels.last_mut() {
        let Some(name) = names.pop() else {
            levels.pop();
            continue;
        };
        count += 1;
        if let Ok(child) = openat(&*parent, &*name, FLAGS | OFlags::NOFOLLOW, Mode::empty()) {
            let names = subdirectories(child.as_fd()).unwrap_or_default();
            if !names.is_empty() {
                levels.push((child, names));
            }
        }
    }
    count
}
