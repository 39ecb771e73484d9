//! Temporary files below `.jottad/tmp`, filled with what comes from the service before it has a place.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RawMode, fchmod, openat, unlinkat};
use rustix::io::Errno;

use super::beneath::At;
use super::errors::own;
use super::facts::Facts;
use super::own_directory::{self, TEMPORARY};
use crate::disk::{DiskErrorKind, StagedFile};

/// By which unfinished files are known.
pub(super) const SUFFIX: &str = ".part";

/// Never reset, so that two files of this process never meet under one name.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A temporary file. It is deleted when it is dropped before it was placed.
#[derive(Debug)]
pub struct Staged {
    pub(super) file: File,
    /// The permission bits that a new file gets here.
    pub(super) usual_mode: RawMode,
    directory: OwnedFd,
    name: String,
    has_left: AtomicBool,
}

impl StagedFile for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

impl Staged {
    /// It has another name now.
    pub(super) fn left_its_name(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    /// Where it is until it is placed.
    pub(super) fn at(&self) -> At<'_> {
        At { directory: self.directory.as_fd(), name: self.name.as_bytes() }
    }
}

impl Staged {
    /// Takes the room that it will need. Where the file system cannot promise any, writing finds out.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), DiskErrorKind> {
        #[cfg(target_os = "linux")]
        if bytes > 0 {
            use rustix::fs::{FallocateFlags, fallocate};
            let reserved = fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, bytes);
            if let Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) = reserved {
                return Err(error.into());
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.has_left.load(Ordering::Relaxed) {
            return;
        }
        // What cannot be deleted now is deleted when the root is claimed next.
        let _ = unlinkat(&self.directory, &self.name, AtFlags::empty());
    }
}

/// Starts a temporary file; see [`crate::Disk::stage`].
pub(super) fn stage(root: &OwnedFd) -> Result<Staged, DiskErrorKind> {
    let directory = own_directory::open(root, TEMPORARY).map_err(own)?;
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}{SUFFIX}", std::process::id());
        match create(&directory, &name) {
            Ok((file, usual_mode)) => {
                return Ok(Staged { file, usual_mode, directory, name, has_left: AtomicBool::new(false) });
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(own(error)),
        }
    }
}

/// Asks for the mode that programs ask for, since a process cannot look at its umask without changing it. The
/// file is empty and in a directory for its owner alone until it is closed to all others.
fn create(directory: &OwnedFd, name: &str) -> Result<(File, RawMode), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::from_raw_mode(0o666))?;
    let usual_mode = Facts::of(&file)?.mode;
    fchmod(&file, Mode::RUSR | Mode::WUSR)?;
    Ok((file.into(), usual_mode))
}
