//! Reading a directory completely, or not at all.

use std::io;

use jottad_core::{Name, RelativePath};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{self, READ_DIRECTORY};
use super::facts::Facts;
use super::{file_system, own_directory};
use crate::disk::{DiskEntry, DiskErrorKind, DiskNode, Identity};

/// How often a directory that changes while it is read is read again before the caller hears of it.
const ATTEMPTS: usize = 4;

/// Lists a directory; see [`crate::Disk::list`].
pub(super) fn list(root: &OwnedFd, path: &RelativePath) -> Result<Vec<DiskEntry>, DiskErrorKind> {
    for _ in 0..ATTEMPTS {
        if let Some(entries) = list_if_unchanged(root, path)? {
            return Ok(entries);
        }
    }
    Err(DiskErrorKind::Changed)
}

/// `None` if the directory changed meanwhile, or another took its place.
fn list_if_unchanged(root: &OwnedFd, path: &RelativePath) -> Result<Option<Vec<DiskEntry>>, DiskErrorKind> {
    let directory = beneath::open_for_reading(root.as_fd(), path, READ_DIRECTORY)
        .map_err(|error| refine(root, path, error))?;
    let before = Facts::of(&directory)?;
    // Otherwise a change while we read could leave the same stamp as the one just before.
    file_system::wait_until_distinct(&directory, before.changed)?;

    let mut entries = Vec::new();
    let complete = read_names(&directory, |name, kind, inode| {
        if path.is_root() && name == own_directory::NAME.as_bytes() {
            return Ok(true);
        }
        let node = match Facts::at(&directory, name) {
            Ok(Some(facts)) => facts.node,
            Ok(None) => return Ok(false),
            // The root of a mounted file system that is dead or another user's. It is a directory that cannot be
            // read, and no reason not to see the others.
            Err(error) if kind == FileType::Directory && error != Errno::NOMEM && can_search(&directory) => {
                DiskNode::Directory(Identity { inode, born: 0 })
            }
            Err(error) => return Err(error.into()),
        };
        let name = Name::new(name)
            .map_err(|error| DiskErrorKind::Other(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        entries.push(DiskEntry { name, node });
        Ok(true)
    })?;

    let same_directory = |facts: &Facts| {
        (facts.node, facts.modified, facts.changed) == (before.node, before.modified, before.changed)
    };
    let unchanged = complete
        && same_directory(&Facts::of(&directory)?)
        && beneath::facts(root, path)?.as_ref().is_some_and(same_directory);
    Ok(unchanged.then_some(entries))
}

/// A file where a directory was is a change; a file *above* it means that nothing is there.
fn refine(root: &OwnedFd, path: &RelativePath, error: Errno) -> DiskErrorKind {
    match error {
        Errno::NOTDIR if matches!(beneath::facts(root, path), Ok(Some(_))) => DiskErrorKind::Changed,
        other => other.into(),
    }
}

fn can_search(directory: &OwnedFd) -> bool {
    Facts::at(directory, b".").is_ok()
}

/// Calls `each` with name, kind and inode of every entry until it says false; tells whether it never did.
#[cfg(target_os = "linux")]
pub(super) fn read_names(
    directory: &OwnedFd,
    mut each: impl FnMut(&[u8], FileType, u64) -> Result<bool, DiskErrorKind>,
) -> Result<bool, DiskErrorKind> {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut names = rustix::fs::RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !is_reference(name) && !each(name, entry.file_type(), entry.ino())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Calls `each` with name, kind and inode of every entry until it says false; tells whether it never did.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_names(
    directory: &OwnedFd,
    mut each: impl FnMut(&[u8], FileType, u64) -> Result<bool, DiskErrorKind>,
) -> Result<bool, DiskErrorKind> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !is_reference(name) && !each(name, entry.file_type(), entry.ino())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_reference(name: &[u8]) -> bool {
    name == b"." || name == b".."
}
