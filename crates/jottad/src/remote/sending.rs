//! One file from this machine to the service: hashed, sent, and looked at afterwards.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jottad_core::{Content, Timestamp, in_words};
use jottad_transport::{
    Client, ErrorKind, PartialContent, RemotePath, Sighting, UploadFacts, UploadSource, storable_time,
};
use rustix::fs::OFlags;

use crate::cli::failure::Failure;
use crate::remote::directory::{hash, is_same, read_all};
use crate::remote::place::absent;
use crate::remote::progress::Progress;
use crate::remote::trouble::Trouble;

/// A file on this machine that was read to its end.
#[derive(Debug)]
pub(crate) struct LocalFile {
    file: File,
    path: PathBuf,
    before: Metadata,
    facts: UploadFacts,
    /// All of it, if it is small enough to be kept: what was hashed is what is sent, and the disk is read
    /// once.
    bytes: Option<Vec<u8>>,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The file was stored.
    Stored,
    /// The service had this content at this place; at most its time was set.
    Unchanged,
}

impl LocalFile {
    /// Reads a file that the user named, through symlinks if need be. One of at most `memory_limit` bytes is
    /// kept in memory.
    pub(crate) async fn read(path: &Path, memory_limit: u64) -> Result<Self, Failure> {
        Self::open(path, OFlags::NONBLOCK, memory_limit).await
    }

    /// Reads a file that was found in a directory: not through a symlink.
    pub(crate) async fn read_found(path: &Path, memory_limit: u64) -> Result<Self, Failure> {
        Self::open(path, OFlags::NONBLOCK | OFlags::NOFOLLOW, memory_limit).await
    }

    /// Reads beside, so that other transfers go on meanwhile.
    async fn open(path: &Path, flags: OFlags, memory_limit: u64) -> Result<Self, Failure> {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || {
            Self::open_here(&path, flags, memory_limit).map_err(|why| {
                let text = format!("reading {}: {why}", path.display());
                Failure::failed(text).path(path.display().to_string())
            })
        });
        reading.await.map_err(|error| Failure::failed(format!("reading a file: {error}")))?
    }

    fn open_here(path: &Path, flags: OFlags, memory_limit: u64) -> Result<Self, String> {
        let told = |error: io::Error| in_words(error);
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        let mut file = options.open(path).map_err(told)?;
        let before = file.metadata().map_err(told)?;
        if !before.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let bytes = if before.len() <= memory_limit {
            let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
            // One that has grown meanwhile is found out below; it must not fill the memory before.
            (&file).take(memory_limit + 1).read_to_end(&mut bytes).map_err(told)?;
            Some(bytes)
        } else {
            None
        };
        let content = match &bytes {
            Some(bytes) => {
                let mut content = PartialContent::default();
                content.update(bytes);
                content
            }
            None => read_all(&mut file).map_err(told)?,
        };
        let modified = storable_time(Timestamp::from_seconds(before.mtime()));
        let facts = UploadFacts { content: content.finish(), created: None, modified };
        let local = Self { file, path: path.to_owned(), before, facts, bytes };
        local.is_untouched().then_some(local).ok_or_else(|| "it changes while it is read".to_owned())
    }

    /// A file of this program's own, with the times that it is to have on the service.
    pub(crate) async fn own(file: File, path: &Path, facts: UploadFacts) -> Result<Self, Failure> {
        let fail = |error: io::Error| {
            Failure::of_system(format_args!("reading a temporary file for {}", path.display()), &error)
        };
        let content = hash(&file).await.map_err(fail)?.finish();
        let before = file.metadata().map_err(fail)?;
        Ok(Self { file, path: path.to_owned(), before, facts: UploadFacts { content, ..facts }, bytes: None })
    }

    /// Size and hash.
    pub(crate) fn content(&self) -> Content {
        self.facts.content
    }

    fn is_untouched(&self) -> bool {
        self.file.metadata().is_ok_and(|now| is_same(&self.before, &now))
    }
}

/// Whether a local file holds this content.
pub(crate) async fn holds(path: &Path, content: Content) -> bool {
    LocalFile::read_found(path, 0).await.is_ok_and(|file| content == file.content())
}

/// Stores a file at a place whose folder is there. With `force` a file of another content gets a new
/// revision.
pub(crate) async fn send(
    client: &Client,
    place: &RemotePath,
    local: &LocalFile,
    force: bool,
    progress: &Progress,
) -> Result<Sent, Trouble> {
    let UploadFacts { content, created, modified } = local.facts;
    match client.look(place).await? {
        Sighting::Missing
        | Sighting::TrashedFile(_)
        | Sighting::TrashedFolder
        | Sighting::UnfinishedFile(_) => {}
        Sighting::Folder => return Err(absent("writing", place, "a folder is there").into()),
        Sighting::File(live) if live.content == content => {
            if live.modified != Some(modified) {
                client.set_times(place, content, created, modified).await?;
            }
            progress.had(content.size);
            return Ok(Sent::Unchanged);
        }
        Sighting::File(_) if force => {}
        Sighting::File(_) => {
            return Err(Failure::failed(format!("writing {place}: a file of another content is there"))
                .path(place.to_string())
                .hint("--force stores a new revision of it; another name keeps both")
                .into());
        }
    }
    let mut source = Source { local, sent: 0, progress };
    let changed = || {
        let text = format!("uploading {}: it changed while it was sent", local.path.display());
        let failure = Failure::failed(text).path(local.path.display().to_string());
        Trouble::from(failure.hint("try again when nothing writes to it"))
    };
    match client.upload(place, &local.facts, &mut source).await {
        Ok(uploaded) => {
            // What did not have to be sent is done as well.
            if uploaded.deduplicated {
                progress.had(content.size);
            }
        }
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::SourceChanged) => {
            return Err(changed());
        }
        Err(error) => return Err(error.into()),
    }
    match client.look(place).await? {
        Sighting::File(live) if live.content == content => Ok(Sent::Stored),
        _ => Err(absent("uploading", place, "it was sent, but the service shows something else").into()),
    }
}

struct Source<'a> {
    local: &'a LocalFile,
    sent: u64,
    progress: &'a Progress,
}

impl UploadSource for Source<'_> {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.local.bytes {
            Some(bytes) => bytes.as_slice().read_at(offset, buffer),
            None => std::os::unix::fs::FileExt::read_at(&self.local.file, buffer, offset),
        }
    }

    fn resumed(&mut self, offset: u64) {
        self.progress.had(offset.saturating_sub(self.sent));
        self.sent = self.sent.max(offset);
    }

    fn sent(&mut self, offset: u64) {
        self.progress.moved(offset.saturating_sub(self.sent));
        self.sent = self.sent.max(offset);
    }
}
