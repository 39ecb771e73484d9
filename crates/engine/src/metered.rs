//! A disk whose reads and writes of contents are counted, so that people can see a transfer move.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jottad_core::{Md5, RelativePath, Timestamp};

use crate::digest::TreeDigest;
use crate::disk::{
    Disk, DiskError, DiskListing, DiskNode, FileStat, Identity, LocalContent, Mount, RootIdentity, StagedFile,
};

/// Another disk, counting how far the one content that a command reads or writes has come.
#[derive(Debug)]
pub(crate) struct Metered<D> {
    disk: Arc<D>,
    position: Arc<AtomicU64>,
}

impl<D> Metered<D> {
    pub(crate) fn new(disk: Arc<D>, position: Arc<AtomicU64>) -> Self {
        Self { disk, position }
    }
}

/// A content that counts what was read of it.
pub(crate) struct MeteredContent<C> {
    content: C,
    position: Arc<AtomicU64>,
}

impl<C: LocalContent> LocalContent for MeteredContent<C> {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read_at(offset, buffer)?;
        self.position.store(offset + read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A temporary file that counts what was written to it.
pub(crate) struct MeteredFile<S> {
    file: S,
    position: Arc<AtomicU64>,
}

impl<S: StagedFile> StagedFile for MeteredFile<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write(bytes)?;
        self.position.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl<D: Disk> Disk for Metered<D> {
    type Content = MeteredContent<D::Content>;
    type Staged = MeteredFile<D::Staged>;

    async fn root(&self) -> Result<RootIdentity, DiskError> {
        self.disk.root().await
    }

    async fn list(&self, directory: &RelativePath) -> Result<DiskListing, DiskError> {
        self.disk.list(directory).await
    }

    async fn mount(&self, path: &RelativePath) -> Result<Option<Mount>, DiskError> {
        self.disk.mount(path).await
    }

    async fn link_target(&self, path: &RelativePath) -> Result<Vec<u8>, DiskError> {
        self.disk.link_target(path).await
    }

    async fn stat(&self, path: &RelativePath) -> Result<Option<DiskNode>, DiskError> {
        self.disk.stat(path).await
    }

    async fn hash(&self, path: &RelativePath, expected: &FileStat) -> Result<Md5, DiskError> {
        self.disk.hash(path, expected).await
    }

    async fn open(&self, path: &RelativePath, expected: &FileStat) -> Result<Self::Content, DiskError> {
        let content = self.disk.open(path, expected).await?;
        Ok(MeteredContent { content, position: Arc::clone(&self.position) })
    }

    async fn read(&self, path: &RelativePath, expected: &FileStat) -> Result<Vec<u8>, DiskError> {
        self.disk.read(path, expected).await
    }

    async fn make_directory(&self, path: &RelativePath) -> Result<Identity, DiskError> {
        self.disk.make_directory(path).await
    }

    async fn stage(&self, bytes: u64) -> Result<Self::Staged, DiskError> {
        let file = self.disk.stage(bytes).await?;
        Ok(MeteredFile { file, position: Arc::clone(&self.position) })
    }

    async fn copy(&self, path: &RelativePath, expected: &FileStat) -> Result<(Self::Staged, Md5), DiskError> {
        let (file, md5) = self.disk.copy(path, expected).await?;
        Ok((MeteredFile { file, position: Arc::clone(&self.position) }, md5))
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
        self.disk.rename(from, to, expected).await
    }

    async fn trash(
        &self,
        path: &RelativePath,
        expected: &DiskNode,
        holds: Option<TreeDigest>,
    ) -> Result<(), DiskError> {
        self.disk.trash(path, expected, holds).await
    }

    async fn set_modified(
        &self,
        path: &RelativePath,
        expected: &FileStat,
        modified: Timestamp,
    ) -> Result<FileStat, DiskError> {
        self.disk.set_modified(path, expected, modified).await
    }

    async fn claim_root(&self, root: &RootIdentity, marker: &str) -> Result<(), DiskError> {
        self.disk.claim_root(root, marker).await
    }
}
