//! What the operating system's errors mean for a file or directory in a folder.

use std::io;

use rustix::io::Errno;

use crate::disk::DiskErrorKind;

impl From<Errno> for DiskErrorKind {
    fn from(error: Errno) -> Self {
        match error {
            // A component that is no directory any more: what was meant is not there.
            Errno::NOENT | Errno::NOTDIR => Self::NotFound,
            // A symlink took the place of a component, or another process holds a lease on the file.
            Errno::LOOP | Errno::MLINK | Errno::AGAIN => Self::Changed,
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied,
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace,
            Errno::EXIST => Self::Occupied,
            Errno::XDEV => Self::Other(io::Error::new(
                io::ErrorKind::CrossesDevices,
                "it is on another file system than the folder's root",
            )),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<io::Error> for DiskErrorKind {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::Other(error),
        }
    }
}

/// An error in the root's own `.jottad`, of which the caller's path knows nothing: that something is missing
/// or in the way there says nothing about the entry.
pub(super) fn own(error: Errno) -> DiskErrorKind {
    match error.into() {
        kind if kind.is_lack_of_descriptors() => kind,
        kind @ (DiskErrorKind::NoSpace | DiskErrorKind::PermissionDenied) => kind,
        _ => DiskErrorKind::Other(io::Error::new(
            io::Error::from(error).kind(),
            format!("in .jottad: {}", io::Error::from(error)),
        )),
    }
}
