//! The root's own directory, `.jottad`: what is kept there, and the claim on the root.
//!
//! It exists only where something local is written; backups never make it.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};

use jottad_core::{Name, RelativePath};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::beneath::At;
use super::errors::own;
use super::facts::Facts;
use super::listing::read_names;
use super::renaming::rename_to_free;
use super::root::MAXIMUM_MARKER_BYTES;
use super::staging::SUFFIX;
use super::syncing::sync_directory;
use crate::disk::DiskErrorKind;

/// Its name in the root. It is invisible to everything that lists or looks.
pub(super) const NAME: &str = ".jottad";
/// Where files are filled before they are placed.
pub(super) const TEMPORARY: &str = "tmp";
/// Where replaced and deleted entries go.
pub(super) const TRASH: &str = "trash";
const MARKER: &str = "root-id";
const NEW_MARKER: &str = "root-id.new";
const LOCK: &str = "lock";
const README: &str = "README";

const README_TEXT: &str = "\
This directory belongs to jottad, which keeps the folder around it in step with Jottacloud.

root-id  tells this folder from an empty or another one at the same place, such as an unmounted disk.
         Without it jottad stops here rather than take missing files for deleted ones.
trash    holds what was deleted or replaced because it was on the other side, by the time (UTC) and the
         path it had. It is kept for the days set as local_trash_days. Take out what you need.
tmp      holds downloads that are not complete yet.
lock     keeps a second jottad away while one is at work.
";

/// Where the root's marker is.
pub(super) fn marker_path() -> RelativePath {
    [NAME, MARKER]
        .into_iter()
        .filter_map(|name| Name::try_from(name).ok())
        .fold(RelativePath::root(), |path, name| path.join(&name))
}

/// Whether a path is the directory or in it.
pub(super) fn contains(path: &RelativePath) -> bool {
    path.components().next().is_some_and(|first| first == NAME.as_bytes())
}

/// Refuses to change what is jottad's own, in any spelling that a file system may take for it.
pub(super) fn protect(path: &RelativePath) -> Result<(), DiskErrorKind> {
    if path.components().next().is_some_and(|first| first.eq_ignore_ascii_case(NAME.as_bytes())) {
        return Err(DiskErrorKind::Other(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the name is reserved for jottad itself",
        )));
    }
    Ok(())
}

/// Opens a directory in the own directory, making both where they are missing.
pub(super) fn open(root: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let directory = open_or_make(root, NAME.as_bytes())?;
    open_or_make(&directory, name.as_bytes())
}

/// Opens a directory, making it durably and for its owner alone where it is missing.
pub(super) fn open_or_make(parent: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    // Mostly it is there. Trying to make it first would lock its parent against all others for a moment.
    match open_existing(parent, name) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    let made = match mkdirat(parent, name, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error),
    };
    let opened = open_existing(parent, name)?;
    if made {
        sync_directory(parent)?;
    }
    Ok(opened)
}

/// Opens a directory that must be there.
pub(super) fn open_existing(parent: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Claims the root; see [`crate::Disk::claim_root`]. The claim lasts as long as the file is open.
pub(super) fn claim(root: &OwnedFd, marker: &str) -> Result<File, DiskErrorKind> {
    if marker.is_empty() || marker.contains(['\n', '\r']) || marker.len() >= MAXIMUM_MARKER_BYTES {
        return Err(DiskErrorKind::Other(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a root marker is one short line",
        )));
    }
    let directory = open_or_make(root, NAME.as_bytes()).map_err(own)?;
    let lock = lock(&directory)?;
    explain(&directory).map_err(own)?;
    discard_unfinished(&directory)?;
    if Facts::at(&directory, MARKER.as_bytes()).map_err(own)?.is_none() {
        write_marker(&directory, marker).map_err(own)?;
    }
    Ok(lock)
}

fn lock(directory: &OwnedFd) -> Result<File, DiskErrorKind> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    loop {
        let lock = File::from(openat(directory, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(own)?);
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DiskErrorKind::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Somebody may have removed the file before it was locked; then the lock is on nothing.
        let locked = Facts::of(&lock).map_err(own)?.node.identity();
        let there =
            Facts::at(directory, LOCK.as_bytes()).map_err(own)?.and_then(|facts| facts.node.identity());
        if locked == there {
            return Ok(lock);
        }
    }
}

fn explain(directory: &OwnedFd) -> Result<(), Errno> {
    match create(directory, README) {
        Ok(mut readme) => readme.write_all(README_TEXT.as_bytes()).map_err(|error| errno(&error)),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes what an earlier daemon was downloading when it ended. Nothing else is ever in these files: a file
/// of the user's that is replaced goes straight to the trash.
fn discard_unfinished(directory: &OwnedFd) -> Result<(), DiskErrorKind> {
    let temporary = match open_existing(directory, TEMPORARY.as_bytes()) {
        Ok(temporary) => temporary,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(own(error)),
    };
    let mut unfinished = Vec::new();
    read_names(&temporary, |name, _, _| {
        if name.ends_with(SUFFIX.as_bytes()) {
            unfinished.push(name.to_vec());
        }
        Ok(true)
    })?;
    for name in unfinished {
        unlinkat(&temporary, name, AtFlags::empty()).map_err(own)?;
    }
    Ok(())
}

/// Writes the marker so that it is there whole or not at all.
fn write_marker(directory: &OwnedFd, marker: &str) -> Result<(), Errno> {
    match unlinkat(directory, NEW_MARKER, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    let mut file = create(directory, NEW_MARKER)?;
    file.write_all(format!("{marker}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| errno(&error))?;
    let from = At { directory: directory.as_fd(), name: NEW_MARKER.as_bytes() };
    rename_to_free(from, At { directory: directory.as_fd(), name: MARKER.as_bytes() })?;
    sync_directory(directory)
}

fn create(directory: &OwnedFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
