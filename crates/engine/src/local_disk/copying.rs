//! Copies of what is local already, for what would have to be fetched.

use std::sync::atomic::AtomicBool;

use jottad_core::{Md5, RelativePath};
use rustix::fd::OwnedFd;

use super::reading;
use super::staging::{self, Staged};
use crate::disk::{DiskErrorKind, FileStat, StagedFile as _};

/// Starts a temporary file with a copy; see [`crate::Disk::copy`].
pub(super) fn copy(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
    cancelled: &AtomicBool,
) -> Result<(Staged, Md5), DiskErrorKind> {
    let file = reading::open_expected(root, path, expected)?;
    let mut staged = staging::stage(root)?;
    // What is shared is what the file held at one moment, and the hash is taken of the same file, which must
    // not have changed by the end: so it is the hash of what is shared, too.
    let is_shared = share(&file, &staged);
    if !is_shared {
        staged.reserve(expected.size)?;
    }
    let md5 = reading::hash_opened(root, path, &file, expected, cancelled, |bytes| {
        if !is_shared {
            staged.write(bytes)?;
        }
        Ok(())
    })?;
    Ok((staged, md5))
}

/// Lets the temporary file share the blocks of another one. Not every file system can; then there is nothing
/// in it.
#[cfg(target_os = "linux")]
fn share(file: &std::fs::File, staged: &Staged) -> bool {
    rustix::fs::ioctl_ficlone(&staged.file, file).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn share(_: &std::fs::File, _: &Staged) -> bool {
    false
}
