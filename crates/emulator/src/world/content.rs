//! The bytes of files: small ones in memory, big ones in a temporary directory, found again by MD5 and size.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use md5::{Digest as _, Md5};
use tempfile::{TempDir, TempPath};

/// Contents longer than this are kept in files.
const MEMORY_LIMIT: u64 = 256 * 1024;

/// By what the service recognises content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ContentKey {
    pub(crate) md5: [u8; 16],
    pub(crate) size: u64,
}

impl ContentKey {
    /// The content of no bytes, which the service always has.
    pub(crate) fn empty() -> Self {
        Self { md5: Md5::digest([]).into(), size: 0 }
    }
}

/// Reads 32 hexadecimal digits of either case.
pub(crate) fn parse_md5(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut md5 = [0; 16];
    for (place, byte) in md5.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(md5)
}

/// 32 lower-case hexadecimal digits.
pub(crate) fn write_md5(md5: [u8; 16]) -> String {
    use std::fmt::Write as _;
    md5.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One file content, immutable.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) key: ContentKey,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Memory(Bytes),
    /// The file vanishes with the last revision that refers to it.
    Disk(TempPath),
}

impl Content {
    /// Up to `length` bytes from `offset`, fewer only at the end.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let length = length.min(usize::try_from(self.key.size.saturating_sub(offset)).unwrap_or(usize::MAX));
        match &self.data {
            Data::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(start..start + length))
            }
            Data::Disk(path) => {
                let mut buffer = vec![0; length];
                File::open(path)?.read_exact_at(&mut buffer, offset)?;
                Ok(buffer.into())
            }
        }
    }
}

/// Where big contents are. It is made when the first one comes, so most emulators never have it.
#[derive(Debug, Default)]
struct Directory(Mutex<Option<TempDir>>);

impl Directory {
    fn new_file(&self) -> io::Result<(File, TempPath)> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = match made.take() {
            Some(directory) => directory,
            None => tempfile::Builder::new().prefix("jottad-emulator-").tempdir()?,
        };
        let file = tempfile::NamedTempFile::new_in(directory.path());
        *made = Some(directory);
        Ok(file?.into_parts())
    }
}

/// Bytes that arrive: a partial upload, or one on its way.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: Arc<Directory>,
    memory: Vec<u8>,
    file: Option<(File, TempPath)>,
    hash: Md5,
    length: u64,
    /// When bytes last arrived.
    pub(crate) touched: i64,
}

/// A spool that an upload writes and a revision shows.
pub(crate) type SharedSpool = Arc<Mutex<Spool>>;

/// Locks a spool; a panic elsewhere leaves at worst fewer bytes than were sent.
pub(crate) fn lock_spool(spool: &SharedSpool) -> MutexGuard<'_, Spool> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spool {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.length + bytes.len() as u64 > MEMORY_LIMIT {
            let (mut file, path) = self.directory.new_file()?;
            file.write_all(&std::mem::take(&mut self.memory))?;
            self.file = Some((file, path));
        }
        match &mut self.file {
            Some((file, _)) => file.write_all_at(bytes, self.length)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets all but the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: u64) -> io::Result<()> {
        if length >= self.length {
            return Ok(());
        }
        self.hash = Md5::new();
        if let Some((file, _)) = &self.file {
            file.set_len(length)?;
            let mut buffer = vec![0; 64 * 1024];
            let mut offset = 0;
            while offset < length {
                let wanted = buffer.len().min(usize::try_from(length - offset).unwrap_or(usize::MAX));
                file.read_exact_at(&mut buffer[..wanted], offset)?;
                self.hash.update(&buffer[..wanted]);
                offset += wanted as u64;
            }
        } else {
            self.memory.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            self.hash.update(&self.memory);
        }
        self.length = length;
        Ok(())
    }

    /// The key of the bytes so far.
    pub(crate) fn key(&self) -> ContentKey {
        ContentKey { md5: self.hash.clone().finalize().into(), size: self.length }
    }

    /// Turns all bytes into a content and leaves the spool empty.
    pub(crate) fn take(&mut self) -> Content {
        let key = self.key();
        self.hash = Md5::new();
        self.length = 0;
        let data = match self.file.take() {
            Some((_, path)) => Data::Disk(path),
            None => Data::Memory(std::mem::take(&mut self.memory).into()),
        };
        Content { key, data }
    }
}

/// Every content of the account, found by its key for as long as anything refers to it.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    directory: Arc<Directory>,
    known: HashMap<ContentKey, Weak<Content>>,
    /// What dedup across accounts would still find after the last reference here is gone.
    kept: HashMap<ContentKey, Arc<Content>>,
    /// At how many keys those of vanished contents are removed.
    sweep_at: usize,
}

impl Contents {
    pub(crate) fn spool(&self, now: i64) -> Spool {
        Spool {
            directory: Arc::clone(&self.directory),
            memory: Vec::new(),
            file: None,
            hash: Md5::new(),
            length: 0,
            touched: now,
        }
    }

    /// The shared content, which is the one already known if there is one.
    pub(crate) fn add(&mut self, content: Content, keep: bool) -> Arc<Content> {
        let key = content.key;
        let content = self.find(key).unwrap_or_else(|| Arc::new(content));
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, content| content.strong_count() > 0);
            self.sweep_at = 1024 + 2 * self.known.len();
        }
        self.known.insert(key, Arc::downgrade(&content));
        if keep {
            self.kept.insert(key, Arc::clone(&content));
        }
        content
    }

    pub(crate) fn add_bytes(&mut self, bytes: Bytes, keep: bool) -> Arc<Content> {
        let key = ContentKey { md5: Md5::digest(&bytes).into(), size: bytes.len() as u64 };
        self.add(Content { key, data: Data::Memory(bytes) }, keep)
    }

    pub(crate) fn find(&self, key: ContentKey) -> Option<Arc<Content>> {
        self.known.get(&key).and_then(Weak::upgrade)
    }
}

/// `size` bytes that depend on `seed` alone, written in pieces to `sink`.
pub(crate) fn generate<E>(
    seed: u64,
    size: u64,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut buffer = vec![0; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        random.fill(&mut buffer[..length]);
        sink(&buffer[..length])?;
        left -= length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_gives_back_what_it_took_on_both_sides_of_the_memory_limit() {
        let mut contents = Contents::default();
        for size in [0, 1, MEMORY_LIMIT, MEMORY_LIMIT + 1, 3 * MEMORY_LIMIT + 17] {
            let mut spool = contents.spool(0);
            let mut expected = Vec::new();
            generate(size, size, |piece| {
                expected.extend_from_slice(piece);
                spool.push(piece)
            })
            .unwrap();
            let content = contents.add(spool.take(), false);
            assert_eq!(content.key.md5, <[u8; 16]>::from(Md5::digest(&expected)), "{size}");
            assert_eq!(content.read(0, expected.len()).unwrap(), expected, "{size}");
            let tail = expected.len().saturating_sub(5);
            assert_eq!(content.read(tail as u64, 100).unwrap(), expected[tail..], "{size}");
        }
    }

    #[test]
    fn a_truncated_spool_goes_on_as_if_the_rest_had_never_come() {
        let contents = Contents::default();
        for cut in [0, 10, MEMORY_LIMIT + 10] {
            let mut spool = contents.spool(0);
            generate(1, MEMORY_LIMIT + 100, |piece| spool.push(piece)).unwrap();
            spool.truncate(cut).unwrap();
            let mut short = contents.spool(0);
            generate(1, cut, |piece| short.push(piece)).unwrap();
            assert_eq!(spool.key(), short.key(), "{cut}");
        }
    }

    #[test]
    fn content_without_a_reference_is_not_found_again() {
        let mut contents = Contents::default();
        let content = contents.add_bytes(Bytes::from_static(b"abc"), false);
        let key = content.key;
        assert!(contents.find(key).is_some());
        drop(content);
        assert!(contents.find(key).is_none());
    }

    #[test]
    fn md5_is_read_in_either_case() {
        let md5 = ContentKey::empty().md5;
        assert_eq!(parse_md5("d41d8cd98f00b204e9800998ecf8427e"), Some(md5));
        assert_eq!(parse_md5("D41D8CD98F00B204E9800998ECF8427E"), Some(md5));
        assert_eq!(write_md5(md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(parse_md5("+41d8cd98f00b204e9800998ecf8427e"), None);
        assert_eq!(parse_md5("d41d"), None);
    }
}
