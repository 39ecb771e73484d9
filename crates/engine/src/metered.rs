//! A disk whose reads and writes of contents are counted, so that people can see a transfer move, and on
//! which an operation waits where the process, or the system, has no file descriptor left for it: that says
//! nothing of the file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jottad_core::{Md5, RelativePath, Timestamp};

use crate::activity::Activity;
use crate::digest::TreeDigest;
use crate::disk::{
    Disk, DiskError, DiskListing, DiskNode, FileStat, Identity, LocalContent, Mount, RootIdentity, StagedFile,
};
use crate::event::CommandId;

/// How long an operation waits for a descriptor: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Repeats an operation for as long as there is no descriptor left, with pauses that double.
macro_rules! when_there_is_room {
    ($operation:expr) => {{
        let mut wait = FIRST_WAIT;
        loop {
            match $operation.await {
                Err(error) if error.kind.is_lack_of_descriptors() => {
                    tracing::debug!(%error, "waiting for a file descriptor");
                    drop(error);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                result => break result,
            }
        }
    }};
}

/// Another disk, counting how far the one content that a command reads or writes has come.
#[derive(Debug)]
pub(crate) struct Metered<D> {
    disk: Arc<D>,
    meter: Meter,
}

/// How far a content has come, and the activity of the folder that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    command: CommandId,
    position: Arc<AtomicU64>,
    /// The furthest position in any try.
    furthest: Arc<AtomicU64>,
    activity: Activity,
}

impl Meter {
    pub(crate) fn new(command: CommandId, position: Arc<AtomicU64>, activity: Activity) -> Self {
        Self { command, position, furthest: Arc::default(), activity }
    }

    fn reached(&self, position: u64) {
        let before = self.position.swap(position, Ordering::Relaxed);
        let furthest = self.furthest.fetch_max(position, Ordering::Relaxed);
        self.activity.note_bytes(self.command, before, position, furthest);
    }

    /// Bytes were written that the service gave.
    fn advanced(&self, bytes: u64) {
        let before = self.position.fetch_add(bytes, Ordering::Relaxed);
        self.activity.note_bytes(self.command, before, before + bytes, before);
    }
}

impl<D> Metered<D> {
    pub(crate) fn new(disk: Arc<D>, meter: Meter) -> Self {
        Self { disk, meter }
    }
}

/// A content that counts what was read of it.
pub(crate) struct MeteredContent<C> {
    content: C,
    meter: Meter,
}

impl<C: LocalContent> LocalContent for MeteredContent<C> {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read_at(offset, buffer)?;
        self.meter.reached(offset + read as u64);
        Ok(read)
    }
}

/// A temporary file that counts what was written to it.
pub(crate) struct MeteredFile<S> {
    file: S,
    meter: Meter,
}

impl<S: StagedFile> StagedFile for MeteredFile<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write(bytes)?;
        self.meter.advanced(bytes.len() as u64);
        Ok(())
    }
}

impl<D: Disk> Disk for Metered<D> {
    type Content = MeteredContent<D::Content>;
    type Staged = MeteredFile<D::Staged>;

    async fn root(&self) -> Result<RootIdentity, DiskError> {
        when_there_is_room!(self.disk.root())
    }

    async fn list(&self, directory: &RelativePath) -> Result<DiskListing, DiskError> {
        when_there_is_room!(self.disk.list(directory))
    }

    async fn mount(&self, path: &RelativePath) -> Result<Option<Mount>, DiskError> {
        when_there_is_room!(self.disk.mount(path))
    }

    async fn link_target(&self, path: &RelativePath) -> Result<Vec<u8>, DiskError> {
        self.disk.link_target(path).await
    }

    async fn stat(&self, path: &RelativePath) -> Result<Option<DiskNode>, DiskError> {
        when_there_is_room!(self.disk.stat(path))
    }

    async fn hash(&self, path: &RelativePath, expected: &FileStat) -> Result<Md5, DiskError> {
        when_there_is_room!(self.disk.hash(path, expected))
    }

    async fn hash_all(
        &self,
        files: &[(RelativePath, FileStat)],
    ) -> Result<Vec<Result<Md5, DiskError>>, DiskError> {
        let mut hashes = when_there_is_room!(self.disk.hash_all(files))?;
        for (hash, (path, expected)) in hashes.iter_mut().zip(files) {
            if hash.as_ref().is_err_and(|error| error.kind.is_lack_of_descriptors()) {
                *hash = self.hash(path, expected).await;
            }
        }
        Ok(hashes)
    }

    async fn open(&self, path: &RelativePath, expected: &FileStat) -> Result<Self::Content, DiskError> {
        let content = when_there_is_room!(self.disk.open(path, expected))?;
        Ok(MeteredContent { content, meter: self.meter.clone() })
    }

    async fn read(&self, path: &RelativePath, expected: &FileStat) -> Result<Vec<u8>, DiskError> {
        when_there_is_room!(self.disk.read(path, expected))
    }

    async fn make_directory(&self, path: &RelativePath) -> Result<Identity, DiskError> {
        when_there_is_room!(self.disk.make_directory(path))
    }

    async fn stage(&self, bytes: u64) -> Result<Self::Staged, DiskError> {
        let file = when_there_is_room!(self.disk.stage(bytes))?;
        Ok(MeteredFile { file, meter: self.meter.clone() })
    }

    async fn copy(&self, path: &RelativePath, expected: &FileStat) -> Result<(Self::Staged, Md5), DiskError> {
        let (file, md5) = when_there_is_room!(self.disk.copy(path, expected))?;
        Ok((MeteredFile { file, meter: self.meter.clone() }, md5))
    }

    async fn place(
        &self,
        staged: Self::Staged,
        path: &RelativePath,
        modified: Timestamp,
        replaces: Option<&FileStat>,
    ) -> Result<FileStat, DiskError> {
        self.disk.place(staged.file, path, modified, replaces).await
    }

    async fn rename(
        &self,
        from: &RelativePath,
        to: &RelativePath,
        expected: Identity,
    ) -> Result<(), DiskError> {
        when_there_is_room!(self.disk.rename(from, to, expected))
    }

    async fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        holds: Option<TreeDigest>,
    ) -> Result<(), DiskError> {
        when_there_is_room!(self.disk.trash(path, expected, holds))
    }

    async fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> Result<FileStat, DiskError> {
        when_there_is_room!(self.disk.set_modified(path, expected, modified))
    }

    async fn claim_root(&self, root: &RootIdentity, marker: &str) -> Result<(), DiskError> {
        when_there_is_room!(self.disk.claim_root(root, marker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::path;
    use crate::disk::DiskErrorKind;
    use crate::local_disk::LocalDisk;

    /// What is under the meter is the disk itself, and the meter stands where the content has come to.
    #[tokio::test]
    async fn a_content_is_counted_as_it_is_read_and_written() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("a"), "twelve bytes").unwrap();
        let position = Arc::new(AtomicU64::new(0));
        let meter = Meter::new(CommandId(1), Arc::clone(&position), Activity::new());
        let disk = Metered::new(Arc::new(LocalDisk::open(place.path().to_owned()).unwrap()), meter);
        let node = disk.stat(&path("a")).await.unwrap().unwrap();
        let DiskNode::File(stat) = node else { panic!("{node:?}") };
        assert_eq!(disk.read(&path("a"), &stat).await.unwrap(), b"twelve bytes");
        let mut content = disk.open(&path("a"), &stat).await.unwrap();
        let mut buffer = [0; 5];
        assert_eq!(content.read_at(7, &mut buffer).unwrap(), 5);
        assert_eq!((&buffer, position.load(Ordering::Relaxed)), (b"bytes", 12));
        // A new try begins anew.
        assert_eq!(content.read_at(0, &mut buffer).unwrap(), 5);
        assert_eq!(position.load(Ordering::Relaxed), 5);
        let mut staged = disk.stage(4).await.unwrap();
        staged.write(b"four").unwrap();
        assert_eq!(position.load(Ordering::Relaxed), 9);
        let placed = disk.place(staged, &path("b"), Timestamp::from_seconds(1), None).await.unwrap();
        assert_eq!(std::fs::read(place.path().join("b")).unwrap(), b"four");
        let (mut copy, _) = disk.copy(&path("b"), &placed).await.unwrap();
        copy.write(b"").unwrap();
        disk.rename(&path("b"), &path("c"), placed.identity).await.unwrap();
        assert!(!place.path().join("b").exists());
        let there = disk.stat(&path("c")).await.unwrap().unwrap();
        disk.trash(&path("c"), &there, None).await.unwrap();
        assert!(!place.path().join("c").exists());
        let made = disk.make_directory(&path("d")).await.unwrap();
        assert_eq!(disk.stat(&path("d")).await.unwrap(), Some(DiskNode::Directory(made)));
        let names: Vec<String> = disk
            .list(&RelativePath::root())
            .await
            .unwrap()
            .entries
            .iter()
            .map(|entry| entry.name.to_string())
            .collect();
        assert!(names.contains(&"a".to_owned()) && names.contains(&"d".to_owned()), "{names:?}");
        std::os::unix::fs::symlink("/elsewhere", place.path().join("l")).unwrap();
        assert_eq!(disk.link_target(&path("l")).await.unwrap(), b"/elsewhere");
    }

    /// It says nothing of the file that no descriptor is left for it.
    #[tokio::test]
    async fn an_operation_waits_for_a_descriptor_and_for_nothing_else() {
        for (kind, tries) in [
            ((|| DiskErrorKind::TooManyFiles) as fn() -> DiskErrorKind, 3),
            (|| DiskErrorKind::PermissionDenied, 1),
        ] {
            let tried = AtomicU64::new(0);
            let operation = || async {
                let error = || DiskError { action: "reading", path: path("a"), kind: kind() };
                if tried.fetch_add(1, Ordering::Relaxed) < 2 { Err(error()) } else { Ok(()) }
            };
            let result = when_there_is_room!(operation());
            assert_eq!((result.is_ok(), tried.load(Ordering::Relaxed)), (tries == 3, tries));
        }
    }

    /// Of a link nothing travels.
    #[tokio::test]
    async fn where_a_link_leads_is_what_the_disk_says() {
        let place = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("over/there", place.path().join("link")).unwrap();
        let meter = Meter::new(CommandId(1), Arc::default(), Activity::new());
        let disk = Metered::new(Arc::new(LocalDisk::open(place.path().to_owned()).unwrap()), meter);
        assert_eq!(disk.link_target(&path("link")).await.unwrap(), b"over/there");
    }
}
