//! The folder's root: the path a person configured, and which directory was meant by it.
//!
//! The path is opened anew for every operation. So a root that was unmounted or replaced is noticed at once,
//! whatever is asked of it, and a daemon that rests keeps no file system busy: a disk can be unmounted.

use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::beneath::{self, PASS, READ_FILE};
use super::facts::Facts;
use super::file_system;
use super::own_directory;
use super::reading::read_up_to;
use crate::disk::{DiskErrorKind, Identity, RootIdentity};

/// More than any marker that jottad writes.
pub(super) const MAXIMUM_MARKER_BYTES: usize = 1024;

/// A root by its path.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    meant: OnceLock<Directory>,
}

/// Which directory a root is, as far as it can be told without reading in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Directory {
    file_system: u64,
    identity: Identity,
}

impl Root {
    /// Checks that a directory is there.
    pub(super) fn new(path: PathBuf) -> Result<Self, DiskErrorKind> {
        let root = Self { path, meant: OnceLock::new() };
        root.look()?;
        Ok(root)
    }

    /// Opens the root for an operation. The first operation settles which directory is meant from then on;
    /// another one at the path is a lost root.
    pub(super) fn enter(&self) -> Result<OwnedFd, DiskErrorKind> {
        let (opened, directory) = self.look()?;
        if *self.meant.get_or_init(|| directory) == directory {
            Ok(opened)
        } else {
            Err(DiskErrorKind::RootLost)
        }
    }

    /// Opens the root if it is the directory that was looked at. What another one settled would be settled
    /// wrongly.
    pub(super) fn enter_as(&self, expected: &RootIdentity) -> Result<OwnedFd, DiskErrorKind> {
        let (opened, directory) = self.look()?;
        let expected = Directory { file_system: expected.file_system, identity: expected.identity };
        if directory == expected && *self.meant.get_or_init(|| directory) == directory {
            Ok(opened)
        } else {
            Err(DiskErrorKind::RootLost)
        }
    }

    /// Looks at the root itself. This settles nothing: a disk may still be mounted over what is there now.
    pub(super) fn identify(&self) -> Result<RootIdentity, DiskErrorKind> {
        let (opened, directory) = self.look()?;
        if self.meant.get().is_some_and(|meant| *meant != directory) {
            return Err(DiskErrorKind::RootLost);
        }
        Ok(RootIdentity {
            file_system: directory.file_system,
            identity: directory.identity,
            marker: read_marker(&opened)?,
        })
    }

    fn look(&self) -> Result<(OwnedFd, Directory), DiskErrorKind> {
        let opened =
            openat(CWD, &self.path, PASS | OFlags::CLOEXEC, Mode::empty()).map_err(|error| match error {
                Errno::NOENT
                | Errno::NOTDIR
                | Errno::LOOP
                // What a file system says whose disk or server is gone.
                | Errno::STALE
                | Errno::NOTCONN
                | Errno::NODEV
                | Errno::NXIO => DiskErrorKind::RootLost,
                other => other.into(),
            })?;
        let facts = Facts::of(&opened)?;
        let identity = facts.node.identity().ok_or(DiskErrorKind::RootLost)?;
        let file_system = file_system::stable_number(&opened)?;
        Ok((opened, Directory { file_system, identity }))
    }
}

/// The first line of `.jottad/root-id`; `None` if there is no such file, or none that can be read.
fn read_marker(root: &OwnedFd) -> Result<Option<String>, DiskErrorKind> {
    let file = match beneath::open_for_reading(root.as_fd(), &own_directory::marker_path(), READ_FILE) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        // A root in which nothing can be looked up may hold any marker.
        Err(Errno::ACCESS | Errno::PERM) => {
            Facts::at(root, own_directory::NAME.as_bytes())?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if Facts::of(&file)?.file().is_none() {
        return Ok(None);
    }
    let bytes = read_up_to(&file, MAXIMUM_MARKER_BYTES)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(line).trim().to_owned()))
}
