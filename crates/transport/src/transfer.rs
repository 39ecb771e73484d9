//! What is sent and received: the two sides of content, as the caller sees them.

use std::io;

use jottad_core::{Content, Timestamp};
use md5::{Digest, Md5};

/// Where the bytes of an upload come from.
pub trait UploadSource: Send {
    /// Reads at an absolute offset; 0 means the end. Reads should not block for long: they are made between
    /// two packets.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Tells from where on bytes are sent, for progress displays: the service has those before already.
    fn resumed(&mut self, _offset: u64) {}

    /// Tells how many bytes the service is known to have taken, for progress displays.
    fn sent(&mut self, _offset: u64) {}
}

/// Bytes in memory.
impl UploadSource for &[u8] {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

#[cfg(unix)]
impl UploadSource for std::fs::File {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// What an upload announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadFacts {
    /// Size and hash of the whole file, known beforehand.
    pub content: Content,
    /// Time of creation; `None` means "the same as modified".
    pub created: Option<Timestamp>,
    /// Time of the last change.
    pub modified: Timestamp,
}

/// How an upload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    /// The service had the content already: no byte was sent.
    pub deduplicated: bool,
    /// Bytes that were sent, those of failed attempts included.
    pub sent_bytes: u64,
    /// Where the first attempt could go on, thanks to an earlier interrupted upload.
    pub resumed_at: u64,
}

/// The beginning of a download that is held already, with the hash over it.
#[derive(Clone, Default)]
pub struct PartialContent {
    size: u64,
    hash: Md5,
}

impl PartialContent {
    /// Adds the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
    }

    /// Bytes held.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Size and hash of all that was added.
    pub fn finish(self) -> Content {
        Content { size: self.size, md5: jottad_core::Md5::from_bytes(self.hash.finalize().into()) }
    }
}

impl std::fmt::Debug for PartialContent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PartialContent").field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_at_any_offset() {
        let mut source: &[u8] = b"abcdef";
        let mut buffer = [0; 4];
        for (offset, expected) in [(0, &b"abcd"[..]), (4, b"ef"), (6, b""), (7, b""), (u64::MAX, b"")] {
            let count = source.read_at(offset, &mut buffer).unwrap();
            assert_eq!(&buffer[..count], expected, "{offset}");
        }
    }

    #[test]
    fn the_hash_is_over_all_parts() {
        let mut held = PartialContent::default();
        held.update(b"mess");
        held.update(b"age digest");
        let content = held.finish();
        assert_eq!(content.size, 14);
        assert_eq!(content.md5.to_string(), "f96b697d7cb7938d525a2f31aaf161d0");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_read_at_any_offset() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), b"abcdef").unwrap();
        let mut source = std::fs::File::open(directory.path().join("file")).unwrap();
        let mut buffer = [0; 4];
        for (offset, expected) in [(0, &b"abcd"[..]), (4, b"ef"), (6, b"")] {
            let count = UploadSource::read_at(&mut source, offset, &mut buffer).unwrap();
            assert_eq!(&buffer[..count], expected, "{offset}");
        }
    }
}
