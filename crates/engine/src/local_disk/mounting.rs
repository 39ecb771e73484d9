//! What is mounted at a directory below the root.

use jottad_core::RelativePath;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;

use super::beneath::{self, PASS};
use super::facts::Facts;
use super::file_system;
use crate::disk::{DiskErrorKind, Mount};

/// What is mounted at a path; see [`crate::Disk::mount`].
pub(super) fn mount(root: &OwnedFd, path: &RelativePath) -> Result<Option<Mount>, DiskErrorKind> {
    match beneath::open(root.as_fd(), path, PASS) {
        Ok(directory) => {
            let facts = Facts::of(&directory)?;
            Ok(mounted_at(&directory, &facts)?)
        }
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is mounted at an open directory.
pub(super) fn mounted_at(directory: &OwnedFd, facts: &Facts) -> Result<Option<Mount>, Errno> {
    let is_mounted = match facts.is_mount_root {
        Some(is_mounted) => is_mounted,
        // Where the system does not say so, another file system than that of the directory above does.
        None => Facts::at(directory, b"..")?.is_some_and(|above| above.device != facts.device),
    };
    if !is_mounted {
        return Ok(None);
    }
    Ok(Some(Mount { file_system: file_system::stable_number(directory)? }))
}
