//! Reading files whose content must be that of one moment.
//!
//! A file is read between two looks at it that must agree, so its facts and its content belong together.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jottad_core::{Md5, RelativePath};
use md5::{Digest as _, Md5 as Md5Hasher};
use rustix::fd::{AsFd, OwnedFd};

use super::beneath::{self, READ_FILE};
use super::facts::Facts;
use super::file_system;
use crate::disk::{DiskErrorKind, DiskNode, FileStat, LocalContent};

/// Large enough that the calls cost nothing, small enough for many files at once.
const HASH_BUFFER_BYTES: usize = 256 * 1024;
/// The end of a file that is handed out only after a last look at it.
const HELD_BACK_BYTES: u64 = 64 * 1024;

/// Hashes a file; see [`crate::Disk::hash`].
pub(super) fn hash(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
    cancelled: &AtomicBool,
) -> Result<Md5, DiskErrorKind> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(DiskErrorKind::Other(io::ErrorKind::Interrupted.into()));
    }
    let file = open_expected(root, path, expected)?;
    hash_opened(root, path, &file, expected, cancelled, |_| Ok(()))
}

/// Hashes an opened file and shows what it reads; [`DiskErrorKind::Changed`] if it is not `expected` at the
/// end.
pub(super) fn hash_opened(
    root: &OwnedFd,
    path: &RelativePath,
    file: &std::fs::File,
    expected: &FileStat,
    cancelled: &AtomicBool,
    mut show: impl FnMut(&[u8]) -> Result<(), DiskErrorKind>,
) -> Result<Md5, DiskErrorKind> {
    let mut hasher = Md5Hasher::new();
    let mut buffer = vec![0; buffer_bytes(expected.size)];
    let mut offset = 0;
    while offset < expected.size {
        if cancelled.load(Ordering::Relaxed) {
            return Err(DiskErrorKind::Other(io::ErrorKind::Interrupted.into()));
        }
        let bytes = read_some(file, &mut buffer, offset)?;
        if bytes == 0 {
            return Err(DiskErrorKind::Changed);
        }
        hasher.update(&buffer[..bytes]);
        show(&buffer[..bytes])?;
        offset += bytes as u64;
    }
    let unchanged = offset == expected.size
        && Facts::of(file)?.file() == Some(*expected)
        && beneath::facts(root, path)?.is_some_and(|facts| facts.file() == Some(*expected));
    if unchanged { Ok(Md5::from_bytes(hasher.finalize().into())) } else { Err(DiskErrorKind::Changed) }
}

/// Reads a small file whole; see [`crate::Disk::read`].
pub(super) fn read(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
) -> Result<Vec<u8>, DiskErrorKind> {
    let file = OwnedFd::from(open_expected(root, path, expected)?);
    let size = usize::try_from(expected.size).map_err(|_| DiskErrorKind::Changed)?;
    let bytes = read_up_to(&file, size)?;
    let unchanged = bytes.len() == size && Facts::of(&file)?.file() == Some(*expected);
    if unchanged { Ok(bytes) } else { Err(DiskErrorKind::Changed) }
}

/// Opens a file for sending; see [`crate::Disk::open`].
pub(super) fn open(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
) -> Result<CheckedFile, DiskErrorKind> {
    let file = open_expected(root, path, expected)?;
    Ok(CheckedFile { file, expected: *expected })
}

/// An open file that is handed out to its end only if it is still what it was when it was opened.
#[derive(Debug)]
pub struct CheckedFile {
    file: std::fs::File,
    expected: FileStat,
}

impl LocalContent for CheckedFile {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.expected.size;
        let wanted = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let bytes = read_some(&self.file, &mut buffer[..wanted], offset)?;
        let end = offset.saturating_add(bytes as u64);
        let is_torn = bytes == 0 && wanted > 0;
        if is_torn || (end > size.saturating_sub(HELD_BACK_BYTES) && !self.is_unchanged()?) {
            return Err(io::Error::other(DiskErrorKind::Changed));
        }
        Ok(bytes)
    }
}

impl CheckedFile {
    fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Facts::of(&self.file)?.file() == Some(self.expected))
    }
}

/// Says that a future was dropped to the thread that works for it.
#[derive(Debug, Default)]
pub(super) struct CancelOnDrop(pub(super) Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads from the start until the end or until there are `limit` bytes.
pub(super) fn read_up_to(file: &OwnedFd, limit: usize) -> Result<Vec<u8>, DiskErrorKind> {
    let mut bytes = vec![0; limit];
    let mut filled = 0;
    while filled < limit {
        match rustix::io::pread(file, &mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Opens a file that is `expected`, and whose change time is old enough to be told from a later one.
pub(super) fn open_expected(
    root: &OwnedFd,
    path: &RelativePath,
    expected: &FileStat,
) -> Result<std::fs::File, DiskErrorKind> {
    // Opening a device can have effects, so nothing is opened that is not a file now.
    match beneath::facts(root, path)?.map(|facts| facts.node) {
        Some(DiskNode::File(stat)) if stat == *expected => {}
        Some(_) => return Err(DiskErrorKind::Changed),
        None => return Err(DiskErrorKind::NotFound),
    }
    let file = beneath::open_for_reading(root.as_fd(), path, READ_FILE)?;
    file_system::wait_until_distinct(&file, expected.changed)?;
    if Facts::of(&file)?.file() != Some(*expected) {
        return Err(DiskErrorKind::Changed);
    }
    advise_sequential(&file, expected.size);
    Ok(file.into())
}

/// Reads ahead further. Only advice: where it fails, reading is slower.
fn advise_sequential(file: &OwnedFd, size: u64) {
    #[cfg(target_os = "linux")]
    if size > HASH_BUFFER_BYTES as u64 {
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, size);
}

fn buffer_bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX).min(HASH_BUFFER_BYTES)
}

fn read_some(file: &std::fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
