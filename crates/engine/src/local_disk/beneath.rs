//! Opening below a root: never outside it, never through a symlink.
//!
//! Linux does it in one call; elsewhere, and where the kernel is too old or the path too long for that, one
//! component at a time.

use std::io;

use jottad_core::{Name, RelativePath};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::facts::Facts;
use crate::disk::{DiskErrorKind, DiskNode, OtherKind};

/// Flags for a directory that is only passed through; reading it needs no permission then.
#[cfg(target_os = "linux")]
pub(super) const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
/// Flags for a directory that is only passed through.
#[cfg(not(target_os = "linux"))]
pub(super) const PASS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
/// Flags for a directory that is read or synced.
pub(super) const READ_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
/// Flags for a file that is read. A named pipe or a terminal in its place must not block or take over.
pub(super) const READ_FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// A name in an open directory: what the calls that change or look at an entry take.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    pub(super) name: Name,
}

impl Place {
    /// Opens the directory that holds `path`. The root has no such place.
    pub(super) fn of(root: &OwnedFd, path: &RelativePath, flags: OFlags) -> Result<Self, DiskErrorKind> {
        let (parent, Some(name)) = path.split_last() else {
            return Err(DiskErrorKind::Other(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the folder's root itself is never changed",
            )));
        };
        Ok(Self { directory: open(root.as_fd(), &parent, flags)?, name })
    }

    /// The same, borrowed.
    pub(super) fn at(&self) -> At<'_> {
        At { directory: self.directory.as_fd(), name: self.name.as_bytes() }
    }

    /// What is there now.
    pub(super) fn facts(&self) -> Result<Option<Facts>, Errno> {
        self.at().facts()
    }
}

/// A name in an open directory, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
}

impl At<'_> {
    /// What is there now.
    pub(super) fn facts(self) -> Result<Option<Facts>, Errno> {
        Facts::at(self.directory, self.name)
    }
}

/// Looks at a path; `None` if nothing is there, also because a directory above is missing or a file.
///
/// Behind a symlink there is nothing of the folder either, but an error is safer than an absence.
pub(super) fn facts(root: &OwnedFd, path: &RelativePath) -> Result<Option<Facts>, DiskErrorKind> {
    if path.is_root() {
        return Ok(Some(Facts::of(root)?));
    }
    match Place::of(root, path, PASS) {
        Ok(place) => Ok(place.facts()?),
        Err(DiskErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a symbolic link leads; see [`crate::Disk::link_target`].
pub(super) fn link_target(root: &OwnedFd, path: &RelativePath) -> Result<Vec<u8>, DiskErrorKind> {
    let place = Place::of(root, path, PASS)?;
    match rustix::fs::readlinkat(&place.directory, place.name.as_bytes(), Vec::new()) {
        Ok(target) => Ok(target.into_bytes()),
        Err(Errno::INVAL) => Err(DiskErrorKind::Changed),
        Err(error) => Err(error.into()),
    }
}

/// Opens a path below a directory; the empty path is the directory itself.
pub(super) fn open(root: BorrowedFd<'_>, path: &RelativePath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    if path.is_root() {
        return openat(root, ".", flags, Mode::empty());
    }
    open_in_one_call(root, path, flags).unwrap_or_else(|| open_by_components(root, path, flags))
}

/// Opens for reading without touching the access time where that is allowed.
pub(super) fn open_for_reading(
    root: BorrowedFd<'_>,
    path: &RelativePath,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    match open(root, path, flags | OFlags::NOATIME) {
        // Only the owner of a file may ask for that.
        Err(Errno::PERM) => {}
        result => return result,
    }
    open(root, path, flags)
}

/// `None` if the system cannot do it.
#[cfg(target_os = "linux")]
fn open_in_one_call(
    root: BorrowedFd<'_>,
    path: &RelativePath,
    flags: OFlags,
) -> Option<Result<OwnedFd, Errno>> {
    use rustix::fs::{ResolveFlags, openat2};

    // A rename anywhere in the system can disturb the kernel's proof that the walk stayed below the root.
    const ATTEMPTS: usize = 16;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(root, path.as_bytes(), flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // Before Linux 5.6, forbidden by a sandbox, or a path longer than a call can take.
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => return None,
            result => return Some(result),
        }
    }
    Some(Err(Errno::AGAIN))
}

#[cfg(not(target_os = "linux"))]
fn open_in_one_call(_: BorrowedFd<'_>, _: &RelativePath, _: OFlags) -> Option<Result<OwnedFd, Errno>> {
    None
}

fn open_by_components(root: BorrowedFd<'_>, path: &RelativePath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut opened: Option<OwnedFd> = None;
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let directory = opened.as_ref().map_or(root, OwnedFd::as_fd);
        let flags = if components.peek().is_some() { PASS } else { flags };
        let next = openat(directory, component, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        opened = Some(match next {
            // Systems differ in what they call a symlink where a directory is asked for.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                let symlink = Facts::at(directory, component)?
                    .is_some_and(|facts| facts.node == DiskNode::Other(OtherKind::Symlink));
                return Err(if symlink { Errno::LOOP } else { Errno::NOTDIR });
            }
            result => result?,
        });
    }
    opened.ok_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    type Opener = fn(BorrowedFd<'_>, &RelativePath, OFlags) -> Result<OwnedFd, Errno>;

    /// Both ways of opening, which must agree.
    const OPENERS: [(&str, Opener); 2] = [("open", open), ("by components", open_by_components)];

    #[test]
    fn nothing_is_opened_through_a_symlink_or_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let root_path = directory.path().join("root");
        fs::create_dir_all(root_path.join("real/inner")).unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        fs::write(directory.path().join("outside/secret"), "s").unwrap();
        fs::write(root_path.join("real/inner/file"), "f").unwrap();
        symlink("real", root_path.join("inside_link")).unwrap();
        symlink(directory.path().join("outside"), root_path.join("outside_link")).unwrap();
        symlink("real/inner/file", root_path.join("file_link")).unwrap();
        symlink("nowhere", root_path.join("dangling")).unwrap();
        let root = openat(rustix::fs::CWD, &root_path, PASS, Mode::empty()).unwrap();

        for (path, flags, expected) in [
            ("real/inner/file", READ_FILE, Ok(())),
            ("real/inner", READ_DIRECTORY, Ok(())),
            ("real/inner", PASS, Ok(())),
            ("real/missing", READ_FILE, Err(Errno::NOENT)),
            ("missing/file", READ_FILE, Err(Errno::NOENT)),
            ("real/inner/file", READ_DIRECTORY, Err(Errno::NOTDIR)),
            ("real/inner/file/below", READ_FILE, Err(Errno::NOTDIR)),
            ("inside_link/inner/file", READ_FILE, Err(Errno::LOOP)),
            ("inside_link", PASS, Err(Errno::LOOP)),
            ("inside_link", READ_DIRECTORY, Err(Errno::LOOP)),
            ("outside_link/secret", READ_FILE, Err(Errno::LOOP)),
            ("outside_link", READ_DIRECTORY, Err(Errno::LOOP)),
            ("file_link", READ_FILE, Err(Errno::LOOP)),
            ("dangling", READ_FILE, Err(Errno::LOOP)),
        ] {
            for (opener_name, opener) in OPENERS {
                let path = RelativePath::try_from(path).unwrap();
                let result = opener(root.as_fd(), &path, flags).map(drop);
                assert_eq!(result, expected, "{opener_name} {path}");
            }
        }
    }

    #[test]
    fn a_path_longer_than_one_call_takes_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let root = openat(rustix::fs::CWD, directory.path(), PASS, Mode::empty()).unwrap();
        let component = Name::new([b'n'; 255]).unwrap();
        let mut path = RelativePath::root();
        let mut parent = open(root.as_fd(), &path, PASS).unwrap();
        for _ in 0..20 {
            rustix::fs::mkdirat(&parent, component.as_bytes(), Mode::RWXU).unwrap();
            path = path.join(&component);
            parent = open(root.as_fd(), &path, PASS).unwrap();
        }
        assert!(path.as_bytes().len() > 5000);
        assert_eq!(facts(&root, &path).unwrap(), Some(Facts::of(&parent).unwrap()));
    }
}
