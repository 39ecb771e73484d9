//! Reading a directory completely, or not at all.

use std::io;

use jottad_core::{Name, RelativePath};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{self, READ_DIRECTORY};
use super::facts::Facts;
use super::{file_system, mounting, own_directory};
use crate::disk::{DiskEntry, DiskErrorKind, DiskListing, DiskNode, Identity, Mount};

/// How often a directory that changes while it is read is read again before the caller hears of it.
const ATTEMPTS: usize = 4;

/// Lists a directory; see [`crate::Disk::list`].
pub(super) fn list(root: &OwnedFd, path: &RelativePath) -> Result<DiskListing, DiskErrorKind> {
    for _ in 0..ATTEMPTS {
        let listing = Listing::begin(root, path)?;
        if let Some(entries) = listing.read()?
            && listing.is_unchanged()?
        {
            return Ok(DiskListing { mount: listing.mount, entries });
        }
    }
    Err(DiskErrorKind::Changed)
}

/// One attempt at a directory.
struct Listing<'a> {
    root: &'a OwnedFd,
    path: &'a RelativePath,
    directory: OwnedFd,
    before: Facts,
    mount: Option<Mount>,
}

impl<'a> Listing<'a> {
    fn begin(root: &'a OwnedFd, path: &'a RelativePath) -> Result<Self, DiskErrorKind> {
        let directory = beneath::open_for_reading(root.as_fd(), path, READ_DIRECTORY)
            .map_err(|error| refine(root, path, error))?;
        let before = Facts::of(&directory)?;
        // Otherwise a change while we read could leave the same stamp as the one just before.
        file_system::wait_until_distinct(&directory, before.changed)?;
        let mount = mounting::mounted_at(&directory, &before)?;
        Ok(Self { root, path, directory, before, mount })
    }

    /// `None` if an entry vanished before it was looked at.
    fn read(&self) -> Result<Option<Vec<DiskEntry>>, DiskErrorKind> {
        let mut entries = Vec::new();
        let is_complete = read_names(&self.directory, |name, kind, inode| {
            if self.path.is_root() && name == own_directory::NAME.as_bytes() {
                return Ok(true);
            }
            let Some(node) = self.look_at(name, kind, inode)? else { return Ok(false) };
            let name = Name::new(name)
                .map_err(|error| DiskErrorKind::Other(io::Error::new(io::ErrorKind::InvalidData, error)))?;
            entries.push(DiskEntry { name, node });
            Ok(true)
        })?;
        Ok(is_complete.then_some(entries))
    }

    fn look_at(&self, name: &[u8], kind: FileType, inode: u64) -> Result<Option<DiskNode>, DiskErrorKind> {
        match Facts::at(&self.directory, name) {
            Ok(facts) => Ok(facts.map(|facts| facts.node)),
            // The root of a mounted file system that is dead or another user's. It is a directory that cannot
            // be read, and no reason not to see the others.
            Err(error) if kind == FileType::Directory && error != Errno::NOMEM && self.can_search() => {
                Ok(Some(DiskNode::Directory(Identity { inode, born: 0 })))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn can_search(&self) -> bool {
        Facts::at(&self.directory, b".").is_ok()
    }

    /// Whether what was read is what the directory at the path held all the time.
    fn is_unchanged(&self) -> Result<bool, DiskErrorKind> {
        let is_as_before = |facts: &Facts| {
            (facts.node, facts.modified, facts.changed, facts.device)
                == (self.before.node, self.before.modified, self.before.changed, self.before.device)
        };
        Ok(is_as_before(&Facts::of(&self.directory)?)
            && beneath::facts(self.root, self.path)?.as_ref().is_some_and(is_as_before))
    }
}

/// A file where a directory was is a change; a file *above* it means that nothing is there.
fn refine(root: &OwnedFd, path: &RelativePath, error: Errno) -> DiskErrorKind {
    match error {
        Errno::NOTDIR if matches!(beneath::facts(root, path), Ok(Some(_))) => DiskErrorKind::Changed,
        other => other.into(),
    }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, openat};

    use super::*;

    #[test]
    fn what_changes_while_it_is_read_is_not_a_listing() {
        let changes: [fn(&Path); 6] = [
            |directory| fs::write(directory.join("new"), "").unwrap(),
            |directory| fs::remove_file(directory.join("file")).unwrap(),
            |directory| fs::rename(directory.join("file"), directory.join("renamed")).unwrap(),
            |directory| {
                fs::write(directory.join("new"), "").unwrap();
                fs::rename(directory.join("new"), directory.join("file")).unwrap();
            },
            |directory| fs::rename(directory, directory.with_extension("away")).unwrap(),
            |directory| {
                fs::rename(directory, directory.with_extension("away")).unwrap();
                fs::create_dir(directory).unwrap();
                fs::write(directory.join("file"), "").unwrap();
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let temporary = tempfile::tempdir().unwrap();
            let directory = temporary.path().join("directory");
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("file"), "").unwrap();
            let root = openat(CWD, temporary.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
            let path = RelativePath::try_from("directory").unwrap();

            let listing = Listing::begin(&root, &path).unwrap();
            assert_eq!(listing.read().unwrap().unwrap().len(), 1);
            assert!(listing.is_unchanged().unwrap());
            change(&directory);
            assert!(!listing.is_unchanged().unwrap(), "change {number}");
        }
    }

    #[test]
    fn a_file_that_is_written_to_does_not_change_its_directory() {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("file"), "").unwrap();
        let root = openat(CWD, temporary.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        let path = RelativePath::root();
        let listing = Listing::begin(&root, &path).unwrap();
        fs::write(temporary.path().join("file"), "content").unwrap();
        assert!(listing.is_unchanged().unwrap());
        assert_eq!(listing.look_at(b"vanished", FileType::RegularFile, 1).unwrap(), None);
    }
}
